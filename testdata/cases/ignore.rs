//! `--ignore` as people use it, on the bundle of a node that was lost during an upgrade.

use bundle_doctor::rule::Category;
use serde_json::Value;

use crate::bench::root;
use crate::commands::{Ended, Stage};

/// What the tests look at: harv-3 is lost and holds the upgrade; harv-4 is lost besides.
const BUNDLE: &str = "testdata/bundles/ssd-failure-during-upgrade.zip";

fn analyze(stage: &Stage, flags: &str) -> Ended {
    let bundle = root().join(BUNDLE);
    stage.run(&format!("analyze {} {flags}", bundle.display()))
}

/// Rule and subject of a finding.
type Name = (String, String);

struct Seen {
    report: Value,
}

impl Seen {
    fn of(ended: &Ended) -> Seen {
        let report = ended.json();
        Seen { report }
    }

    fn list(&self, key: &str) -> &Vec<Value> {
        self.report[key].as_array().unwrap()
    }

    fn name(finding: &Value) -> Name {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&finding["rule"]), text(&finding["subject"]["name"]))
    }

    fn findings(&self, suppressed: bool) -> Vec<Name> {
        let findings = self.list("findings").iter();
        findings
            .filter(|finding| finding["suppressed"].is_object() == suppressed)
            .map(Seen::name)
            .collect()
    }

    fn roots(&self) -> Vec<Name> {
        let diagnoses = self.list("diagnoses").iter();
        diagnoses
            .map(|diagnosis| Seen::name(&diagnosis["cause"]))
            .collect()
    }
}

fn name(rule: &str, subject: &str) -> Name {
    (rule.to_owned(), subject.to_owned())
}

#[test]
fn what_is_ignored_counts_for_nothing_and_what_follows_from_it_stays() {
    let stage = Stage::new("ignore");
    let before = Seen::of(&analyze(&stage, "-o json").with(0));
    let cause = name("node-notready-unknown", "harv-3");
    let effect = name("upgrade-node-lost-deadlock", "harv-3");
    assert!(before.roots().contains(&cause) && !before.roots().contains(&effect));

    stage.write(
        "accepted.yaml",
        "- rule: node-notready-unknown\n  subject: Node/harv-3\n  reason: its board is on the way\n  until: 2025-03-09\n",
    );
    let after = Seen::of(&analyze(&stage, "-o json --ignore accepted.yaml").with(0));
    assert_eq!(after.findings(true), std::slice::from_ref(&cause));
    let kept: Vec<Name> = before.findings(false);
    let kept: Vec<&Name> = kept.iter().filter(|it| **it != cause).collect();
    let still = after.findings(false);
    assert!(kept.iter().all(|it| still.contains(it)), "{still:?}");
    assert!(after.roots().contains(&effect) && !after.roots().contains(&cause));
    let suppressed = after.list("findings").last().unwrap();
    assert_eq!(
        suppressed["suppressed"],
        serde_json::json!({ "by": "ignore", "reason": "its board is on the way", "until": "2025-03-09" })
    );
    let named = |it: &Value| {
        it["causedBy"]
            .as_array()
            .unwrap()
            .contains(&suppressed["id"])
    };
    assert!(!after.list("findings").iter().any(named));

    let text = analyze(&stage, "--ignore accepted.yaml").with(0);
    assert!(text.err.is_empty(), "{}", text.err);
    text.says(&["1 suppressed (--show-suppressed)"]);
    let flags = "--ignore accepted.yaml --show-suppressed";
    let words = analyze(&stage, flags).with(0).out;
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains("(ignore: its board is on the way, until 2025-03-09)"),
        "{words}"
    );
}

#[test]
fn what_is_ignored_is_no_reason_to_fail_or_to_act() {
    let stage = Stage::new("ignore-all");
    analyze(&stage, "--fail-on warning").with(1);
    let entry = |rules: &str| format!("- {{ rule: {rules}, subject: '*', reason: known }}\n");
    stage.write("most.yaml", &(entry("upgrade/*") + &entry("bundle/*")));
    analyze(&stage, "--fail-on critical --ignore most.yaml").with(1);
    stage.write(
        "all.yaml",
        &Category::ALL
            .map(|category| entry(&format!("{}/*", category.name())))
            .concat(),
    );
    let nothing = analyze(&stage, "-o json --fail-on info --ignore all.yaml").with(0);
    let seen = Seen::of(&nothing);
    assert_eq!(seen.findings(false), []);
    assert_eq!((seen.roots(), seen.list("plan").len()), (Vec::new(), 0));
    assert!(seen.findings(true).len() > 5);
}

#[test]
fn an_entry_that_has_expired_counts_no_more_and_is_told() {
    let stage = Stage::new("ignore-expired");
    stage.write(
        "accepted.yaml",
        "# of last winter\n- rule: node/*\n  subject: '*'\n  reason: known\n  until: 2025-03-08\n",
    );
    let ended = analyze(&stage, "-o json --fail-on critical --ignore accepted.yaml").with(1);
    assert_eq!(Seen::of(&ended).findings(true), []);
    ended.complains(&[
        "accepted.yaml:5:10",
        "this held until 2025-03-08, and the bundle is of 2025-03-09",
        "take the entry out, or accept it anew",
    ]);
    let quiet = analyze(&stage, "-q --ignore accepted.yaml").with(0);
    assert!(quiet.err.is_empty(), "{}", quiet.err);

    let bundle = root().join("testdata/bundles/ssd-failure-during-upgrade.zip");
    let triage = |flags: &str| {
        let command = format!("triage {} --ignore accepted.yaml {flags}", bundle.display());
        stage.run(&command).with(0)
    };
    triage("").complains(&["accepted.yaml:5:10", "this held until 2025-03-08"]);
    assert!(triage("-q").err.is_empty());
}

#[test]
fn all_mistakes_of_a_list_are_wrong_use() {
    let stage = Stage::new("ignore-wrong");
    stage.write(
        "wrong.yaml",
        "- rule: node-notready-unknwn\n  subject: '*'\n  reason: x\n- rule: node/*\n  why: x\n  until: soon\n",
    );
    analyze(&stage, "--ignore wrong.yaml").with(2).complains(&[
        "5 mistakes in the list of findings to ignore",
        "wrong.yaml:1:9",
        "there is no rule `node-notready-unknwn`",
        "did you mean `node-notready-unknown`?",
        "wrong.yaml:5:3",
        "an entry has no key `why`",
        "an entry needs the key `subject`",
        "an entry needs the key `reason`",
        "`soon` is no date",
    ]);
    analyze(&stage, "--ignore none.yaml")
        .with(2)
        .complains(&["the list none.yaml cannot be read"]);
    // A rule that does not run this time is no unknown one.
    stage.write(
        "other.yaml",
        "- { rule: disk-io-error, subject: '*', reason: x }\n",
    );
    analyze(&stage, "--only node --ignore other.yaml").with(0);
}
