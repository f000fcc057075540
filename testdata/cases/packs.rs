//! Rules of the user's own and the choice among rules, as people use them with `analyze`.

use crate::bench::{RULES, root};
use crate::commands::{Ended, Stage};

fn analyze(stage: &Stage, flags: &str) -> Ended {
    let bundle = root().join("testdata/bundles/ssd-failure-during-upgrade.zip");
    stage.run(&format!("analyze {} -o json {flags}", bundle.display()))
}

/// Ids of the rules that found something, each once, and how many rules there were.
fn found(ended: &Ended) -> (Vec<String>, u64) {
    let report = ended.json();
    let findings = report["findings"].as_array().unwrap().iter();
    let mut ids: Vec<String> = findings
        .map(|finding| finding["rule"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    ids.dedup();
    (ids, report["tool"]["rules"]["count"].as_u64().unwrap())
}

/// A rule that finds every node.
fn every_node(id: &str, title: &str, more: &str) -> String {
    format!(
        "id: {id}\ntitle: {title}\nseverity: info\ncategory: node\n{more}match: [{{ each: node, in: Node }}]\n\
         finding: {{ subject: node, message: M }}\n"
    )
}

fn titles(ended: &Ended, id: &str) -> Vec<String> {
    let report = ended.json();
    let findings = report["findings"].as_array().unwrap().iter();
    let mut titles: Vec<String> = findings
        .filter(|finding| finding["rule"] == id)
        .map(|finding| finding["title"].as_str().unwrap().to_owned())
        .collect();
    titles.dedup();
    titles
}

fn built_in() -> u64 {
    let stable = RULES.rules().iter();
    stable
        .filter(|rule| rule.status != bundle_doctor::rule::Status::Deprecated)
        .count() as u64
}

#[test]
fn packs_add_rules_and_the_last_of_an_id_wins() {
    let stage = Stage::new("packs");
    stage.write("one/node/mine.yaml", &every_node("mine", "One", ""));
    stage.write("one/deep/er/other.yaml", &every_node("other", "Other", ""));
    stage.write("two/mine.yaml", &every_node("mine", "Two", ""));
    let plain = analyze(&stage, "").with(0);
    let (ids, count) = found(&plain);
    assert!(!ids.contains(&"mine".to_owned()) && count == built_in());
    let one = analyze(&stage, "--rules one").with(0);
    assert_eq!(titles(&one, "mine"), ["One"]);
    assert_eq!(titles(&one, "other"), ["Other"]);
    assert_eq!(found(&one).1, built_in() + 2);
    let both = analyze(&stage, "--rules one -r two").with(0);
    assert_eq!(
        (titles(&both, "mine"), found(&both).1),
        (vec!["Two".to_owned()], built_in() + 2)
    );
    let turned = analyze(&stage, "--rules two --rules one").with(0);
    assert_eq!(titles(&turned, "mine"), ["One"]);
    let digest = |ended: &Ended| ended.json()["tool"]["rules"]["digest"].clone();
    assert_ne!(digest(&one), digest(&both));
    analyze(&stage, "--rules none")
        .with(4)
        .complains(&["none: there is no such directory"]);
}

#[test]
fn rules_of_the_configuration_are_read_before_those_of_the_flags() {
    let stage = Stage::new("packs-configuration");
    let own = "../config/bundle-doctor/rules/mine.yaml";
    stage.write(own, &every_node("mine", "Configured", ""));
    stage.write("pack/mine.yaml", &every_node("mine", "Flagged", ""));
    assert_eq!(titles(&analyze(&stage, "").with(0), "mine"), ["Configured"]);
    let flagged = analyze(&stage, "--rules pack").with(0);
    assert_eq!(titles(&flagged, "mine"), ["Flagged"]);
    stage.write(own, "id: mine\n");
    analyze(&stage, "").with(4).complains(&[
        "bundle-doctor/rules/mine.yaml",
        "a rule needs the key `title`",
    ]);
}

#[test]
fn a_pack_replaces_and_disables_built_in_rules() {
    let stage = Stage::new("packs-override");
    let id = "support-bundle-node-missing";
    assert!(
        found(&analyze(&stage, "").with(0))
            .0
            .contains(&id.to_owned())
    );
    let path = format!("pack/{id}.yaml");
    stage.write(&path, &every_node(id, "Replaced", ""));
    let replaced = analyze(&stage, "--rules pack").with(0);
    assert_eq!(titles(&replaced, id), ["Replaced"]);
    assert_eq!(found(&replaced).1, built_in());
    stage.write(&path, &every_node(id, "Disabled", "status: deprecated\n"));
    let disabled = analyze(&stage, "--rules pack").with(0);
    assert_eq!(titles(&disabled, id), Vec::<String>::new());
    assert_eq!(found(&disabled).1, built_in() - 1);
    let asked = analyze(&stage, &format!("--rules pack --only {id}")).with(0);
    assert_eq!(
        (titles(&asked, id), found(&asked).1),
        (vec!["Disabled".to_owned()], 1)
    );
}

#[test]
fn only_and_skip_choose_by_id_alias_and_category() {
    let stage = Stage::new("packs-choice");
    stage.write(
        "pack/mine.yaml",
        &every_node("mine", "Mine", "aliases: [mine-too]\n"),
    );
    let ids = |flags: &str| found(&analyze(&stage, &format!("--rules pack {flags}")).with(0)).0;
    assert_eq!(ids("--only mine"), ["mine"]);
    assert_eq!(ids("--only mine-too"), ["mine"]);
    assert_eq!(
        ids("--only mine --only mixed-kubernetes-versions"),
        ["mine", "mixed-kubernetes-versions"]
    );
    let of_node = ids("--only node");
    assert!(
        of_node.contains(&"mine".to_owned())
            && of_node.contains(&"node-notready-unknown".to_owned())
    );
    assert!(!of_node.contains(&"mixed-kubernetes-versions".to_owned()));
    let all = ids("");
    let without = |left_out: &str| -> Vec<String> {
        all.iter().filter(|id| *id != left_out).cloned().collect()
    };
    assert_eq!(ids("--skip mine"), without("mine"));
    assert_eq!(ids("--skip mine-too"), without("mine"));
    assert_eq!(ids("--only mine --skip node"), Vec::<String>::new());
    assert!(!ids("--skip node").contains(&"node-notready-unknown".to_owned()));
    for flag in ["--only", "--skip"] {
        analyze(
            &stage,
            &format!("--rules pack {flag} mixed-kubernetes-version"),
        )
        .with(2)
        .complains(&[
            "there is no rule or category `mixed-kubernetes-version`",
            "`mixed-kubernetes-versions`?",
        ]);
    }
}
