//! Tests of the runner: what a case may state, and how it is told that it went otherwise.

use std::path::Path;

use super::suite::Suite;
use super::{FileOutcome, Loader, Outcome, run_file};
use crate::archive::{Archive, Limits};
use crate::rule::RuleSet;
use crate::rule::mistake::Level;

/// Finds cordoned nodes; taken as meant where the node is under maintenance.
const CORDONED: &str = r#"
id: cordoned
title: "{{ node.metadata.name }} is cordoned"
severity: warning
escalate: [{ when: node.metadata.name == 'n9', to: error }]
match: [{ each: node, in: Node, where: it.spec.unschedulable == true }]
unless: [{ when: "has(node.metadata.annotations['maintenance'])", reason: "{{ node.metadata.name }} is under maintenance" }]
finding:
  subject: node
  message: M
  exports: { node: node }
  notes: [{ when: node.metadata.name == 'n2', text: N }, { text: always }]
causes: [{ rule: pending, same: [node] }]
"#;
/// Finds pods that wait on such a node.
const PENDING: &str = r#"
id: pending
title: "{{ pod.metadata.name }} waits"
severity: info
match: [{ each: pod, in: Pod, where: it.status.phase == 'Pending' }]
finding: { subject: pod, message: M, exports: { node: pod.node() } }
causes: [{ rule: killed, same: [node] }]
"#;
/// Finds a line in the kernel log.
const KILLED: &str = r#"
id: killed
title: "{{ hit.last.name }} was killed {{ age(hit.last.time) }} ago"
severity: info
logs: { oom: { source: node/kernel, pattern: 'Killed process (?P<name>\w+)', group: [node] } }
match: [{ each: hit, in: logs.oom }]
finding:
  subject: hit.node
  message: M
  history: age(hit.last.time) > duration('1d')
  exports: { node: hit.node }
  evidence: [{ log: hit }]
remedy:
  - { text: "Look at {{ hit.last.name }}.", command: journalctl -k, risk: safe, check: It is there. }
  - { when: hit.last.name != 'etcd', text: Restart it., risk: disruptive, forbidsMeanwhile: Do not reboot. }
"#;

const OBJECTS: &str = "\
apiVersion: v1
kind: Node
metadata: { name: n1 }
spec: { unschedulable: true }
---
apiVersion: v1
kind: Pod
metadata: { name: p, namespace: default }
spec: { nodeName: n1 }
status: { phase: Pending }
";

/// Files by name, and one bundle.
struct Shelf;

impl Loader for Shelf {
    fn text(&self, path: &str) -> Result<String, String> {
        match path {
            "objects.yaml" => Ok(OBJECTS.to_owned()),
            "kernel.log" => Ok("-5m kernel: Killed process etcd\n".to_owned()),
            _ => Err(format!("there is no {path}")),
        }
    }

    fn bundle(&self, path: &str) -> Result<Option<Archive>, String> {
        match path {
            "elsewhere" => Ok(None),
            path => Archive::open(&[path.into()], &Limits::default())
                .map(Some)
                .map_err(|error| error.to_string()),
        }
    }
}

fn rules() -> RuleSet {
    let texts = [
        ("node/cordoned.yaml", CORDONED),
        ("node/pending.yaml", PENDING),
        ("node/killed.yaml", KILLED),
    ];
    RuleSet::from_texts(&texts).unwrap_or_else(|errors| panic!("{:?}", errors.mistakes))
}

/// What comes of the cases of a rule.
fn run(rule: &str, rest: &str) -> FileOutcome {
    let text = format!("rule: {rule}\nnow: \"2024-05-01T12:00:00Z\"\n{rest}");
    run_file(&format!("node/{rule}.test.yaml"), &text, &rules(), &Shelf)
}

/// Outcomes and differences of cases; a file that is wrong has none.
fn outcomes(file: &FileOutcome) -> Vec<(Outcome, Vec<&str>)> {
    assert!(!file.has_error(), "{:?}", file.mistakes);
    let cases = file.cases.iter();
    cases
        .map(|case| {
            let lines = case.difference.iter().map(String::as_str);
            (case.outcome, lines.collect())
        })
        .collect()
}

fn errors(file: &FileOutcome) -> Vec<(&str, Option<usize>)> {
    let mistakes = file.mistakes.iter();
    mistakes
        .map(|mistake| (mistake.message.as_str(), mistake.line()))
        .collect()
}

#[test]
fn chains_follow_the_causes() {
    let file = run(
        "cordoned",
        r"
objects: { file: objects.yaml }
logs: { nodes/n1/logs/kernel.log: { file: kernel.log } }
cases:
  - name: as it is
    with: [pending, killed]
    expect: [{ subject: Node/n1, root: true }, { rule: pending, root: false }, { rule: killed }]
    chains: [[cordoned, pending, killed], [cordoned, pending]]
  - name: the other way round
    with: [pending]
    expect: { count: 1 }
    chains: [[pending, cordoned]]
  - name: a step left out
    with: [pending, killed]
    expect: { count: 1 }
    chains: [[cordoned, killed]]
",
    );
    assert_eq!(
        outcomes(&file),
        [
            (Outcome::Reported, vec![]),
            (
                Outcome::Wrong,
                vec!["no finding of cordoned is caused by one of pending"]
            ),
            (
                Outcome::Wrong,
                vec!["no finding of killed is caused by one of cordoned"]
            ),
        ]
    );
}

#[test]
fn exceptions_are_told_from_silence() {
    let file = run(
        "cordoned",
        r#"
objects: { file: objects.yaml }
cases:
  - name: excused
    patch: { Node/n1: { metadata: { annotations: { maintenance: "yes" } } } }
    suppressed: [under maintenance]
  - name: excused for another reason
    from: excused
    suppressed: [upgrade]
  - name: not excused at all
    suppressed: [under maintenance]
  - name: excused, and nobody says so
    from: excused
    expect: []
  - name: nothing is excused
    from: excused
    expect: []
    suppressed: []
"#,
    );
    assert_eq!(
        outcomes(&file),
        [
            (Outcome::Quiet, vec![]),
            (
                Outcome::Wrong,
                vec![
                    "suppressed: expected a reason with \"upgrade\"",
                    "suppressed: found \"n1 is under maintenance\""
                ]
            ),
            (
                Outcome::Noisy,
                vec![
                    "a finding that is not expected:",
                    "  found: cordoned (warning) on Node/n1: n1 is cordoned",
                    "         M",
                    "suppressed: expected a reason with \"under maintenance\"",
                ]
            ),
            (Outcome::Quiet, vec![]),
            (
                Outcome::Wrong,
                vec![
                    "suppressed: expected nothing",
                    "suppressed: found \"n1 is under maintenance\""
                ]
            ),
        ]
    );
}

#[test]
fn a_bundle_stands_for_objects_and_logs() {
    let directory = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = directory.path().join("supportbundle_x").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "metadata.yaml",
        "bundlecreatedat: \"2024-05-01T12:00:00Z\"\n",
    );
    let list = "apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Node\n  metadata:\n    name: n1\n  \
                spec:\n    unschedulable: true\nkind: NodeList\n";
    write("yamls/cluster/v1/nodes.yaml", list);
    let path = directory.path().display();
    let file = run(
        "cordoned",
        &format!(
            r#"
cases:
  - name: whole
    bundle: "{path}"
    expect: [{{ subject: Node/n1, evidence: ["yamls/cluster/v1/nodes.yaml"] }}]
  - name: read and judged
    bundle: "{path}"
    expect: []
  - name: of another runner
    bundle: elsewhere
    expect: []
"#
        ),
    );
    assert_eq!(
        outcomes(&file),
        [
            (Outcome::Reported, vec![]),
            (
                Outcome::Noisy,
                vec![
                    "a finding that is not expected:",
                    "  found: cordoned (warning) on Node/n1: n1 is cordoned",
                    "         M"
                ]
            ),
            (Outcome::Skipped, vec![]),
        ]
    );
    let file = run(
        "cordoned",
        "cases:\n  - { name: none, bundle: /nowhere/x.zip, expect: [] }\n  \
         - { name: changed, bundle: elsewhere, add: { kind: Pod, metadata: { name: p } }, expect: [] }\n",
    );
    assert_eq!(
        errors(&file),
        [("`add` cannot change a whole bundle", Some(5))],
    );
    let file = run(
        "cordoned",
        "cases:\n  - { name: none, bundle: /nowhere/x.zip, expect: [] }\n",
    );
    assert_eq!(errors(&file).len(), 1, "{:?}", file.mistakes);
    assert_eq!(errors(&file)[0].1, Some(4));
}

#[test]
fn texts_come_from_files_and_host_logs_have_hosts() {
    let file = run(
        "killed",
        r#"
objects: { file: objects.yaml }
cases:
  - name: from a file
    logs: { nodes/n1/logs/kernel.log: { file: kernel.log } }
    expect:
      - subject: Node/n1
        title: etcd was killed 5m ago
        since: -5m
        evidence: [ "nodes/n1/logs/kernel.log:1" ]
  - name: written out, on a node that is not there
    logs:
      nodes/n2/logs/kernel.log: |
        -2h kernel: Killed process kubelet
        -1h kernel: Killed process etcd
    expect: [{ subject: Node/n2, title: { contains: [etcd, 1h] }, evidence: [ "nodes/n2/logs/kernel.log:2" ] }]
  - name: another log of the host
    logs:
      nodes/n1/logs/kubelet.log: |
        -1h Killed process etcd
      nodes/n1/logs/kernel.log: |
        -1h kernel: nothing
    expect: []
  - name: no host log at all
    expect: []
  - name: no host log, and the case says so
    notEvaluated: "kernel"
"#,
    );
    let found = outcomes(&file);
    let words: Vec<Outcome> = found.iter().map(|(outcome, _)| *outcome).collect();
    assert_eq!(
        words,
        [
            Outcome::Reported,
            Outcome::Reported,
            Outcome::Quiet,
            Outcome::NotEvaluated,
            Outcome::Quiet
        ],
        "{found:?}"
    );
    let file = run(
        "killed",
        "objects: { file: none.yaml }\nlogs: { nodes/n1/logs/kernel.log: { file: none.log }, x: y }\n\
         cases: [{ name: a, expect: [] }]\n",
    );
    assert_eq!(
        errors(&file),
        [
            ("there is no none.yaml", Some(3)),
            ("there is no none.log", Some(4)),
            ("`x` is no path of a bundle", Some(4)),
        ]
    );
}

#[test]
fn gaps_are_what_no_case_shows() {
    let gaps = |cases: &str| -> Vec<(Level, String)> {
        let file = run(
            "cordoned",
            &format!("objects: {{ file: objects.yaml }}\n{cases}"),
        );
        let rules = rules();
        let found = super::coverage::gaps(rules.get("cordoned").unwrap(), &[file]);
        found
            .into_iter()
            .map(|gap| (gap.level, gap.message))
            .collect()
    };
    let warnings = [
        (Level::Warning, "no case reaches this note".to_owned()),
        (Level::Warning, "no case reaches this escalation".to_owned()),
    ];
    let silent = "- { name: silent, remove: [Node/n1], expect: [] }";
    let fires = "- { name: fires, expect: { count: 1 } }";
    let other = |name: &str| {
        format!(
            "- {{ name: {name}, add: {{ apiVersion: v1, kind: Node, metadata: {{ name: {name} }}, \
             spec: {{ unschedulable: true }} }}, expect: {{ count: 2 }} }}"
        )
    };
    assert_eq!(gaps(&format!("cases:\n  {fires}\n  {silent}\n")), warnings);
    assert_eq!(
        gaps(&format!(
            "cases:\n  {silent}\n  {}\n  {}\n",
            other("n2"),
            other("n9")
        )),
        []
    );
    let error = |message: &str| (Level::Error, message.to_owned());
    assert_eq!(
        gaps(&format!("cases:\n  {fires}\n"))[0],
        error("no case expects `cordoned` to find nothing")
    );
    assert_eq!(
        gaps(&format!("cases:\n  {silent}\n"))[0],
        error("no case expects `cordoned` to find something")
    );
    // What another runner may show is not held against the rule.
    assert_eq!(
        gaps(&format!(
            "cases:\n  {fires}\n  {silent}\n  - {{ name: x, bundle: elsewhere, expect: [] }}\n"
        )),
        []
    );
    let rules = rules();
    let none = super::coverage::gaps(rules.get("cordoned").unwrap(), &[]);
    assert_eq!(none[0].message, "no case tests `cordoned`");
}

#[test]
fn the_built_in_suite_holds_a_file_for_each_rule() {
    let rules = RuleSet::builtin().unwrap();
    let one = rules.rules()[0].id.clone();
    let selected = rules
        .clone()
        .filter(std::slice::from_ref(&one), &[])
        .unwrap();
    let suite = Suite::built_in();
    let outcomes = suite.run(&rules, &selected);
    assert_eq!(outcomes.len(), 1);
    assert_eq!(outcomes[0].rule.as_ref(), Some(&one));
    assert_eq!(suite.snapshot_of(&outcomes[0]), None);
    let all = suite.gaps(&rules, &outcomes);
    let untested = all
        .iter()
        .filter(|gap| gap.message.starts_with("no case tests"));
    assert_eq!(untested.count(), rules.rules().len() - 1);
    assert!(
        Suite::default()
            .and_below(Path::new("/nowhere"))
            .run(&rules, &rules)[0]
            .has_error()
    );
}

#[test]
fn steps_of_a_remedy_are_compared_one_by_one() {
    let file = |expect: &str| {
        let rest = format!(
            "cases:\n  - name: a\n    logs: {{ nodes/n1/logs/kernel.log: '-5m kernel: Killed process qemu' }}\n    expect: [ {{ {expect} }} ]\n"
        );
        run("killed", &rest)
    };
    let both = "remedy: [ qemu, { text: Restart, risk: disruptive, forbidsMeanwhile: reboot } ]";
    let whole = "history: false, remedy: [ { text: { contains: [ Look, qemu ] }, command: journalctl, check: there }, Restart ]";
    for right in [both, whole, "remedy: [ journalctl -k, Restart it ]"] {
        let file = file(right);
        assert_eq!(outcomes(&file), [(Outcome::Reported, vec![])], "{right}");
    }
    for (wrong, told) in [
        ("remedy: []", "remedy: expected 0 steps, found 2"),
        ("remedy: [ qemu ]", "remedy: expected 1 steps, found 2"),
        (
            "remedy: [ Restart, qemu ]",
            "remedy: step 1: expected to contain \"Restart\"",
        ),
        (
            "remedy: [ qemu, { command: systemctl } ]",
            "remedy: step 2: command: expected to contain \"systemctl\"",
        ),
        (
            "remedy: [ { risk: disruptive }, Restart ]",
            "remedy: step 1: risk: expected disruptive",
        ),
        (
            "remedy: [ { check: gone }, Restart ]",
            "remedy: step 1: check: expected to contain \"gone\"",
        ),
        (
            "remedy: [ { forbidsMeanwhile: reboot }, Restart ]",
            "remedy: step 1: forbidsMeanwhile: expected to contain \"reboot\"",
        ),
        ("history: true", "history: expected true"),
    ] {
        let file = file(wrong);
        let [(Outcome::Wrong, lines)] = &outcomes(&file)[..] else {
            panic!("{wrong}")
        };
        assert!(lines.iter().any(|it| it.trim() == told), "{lines:#?}");
    }
    let lines = file("remedy: []");
    let lines = &outcomes(&lines)[0].1;
    assert!(
        lines.iter().any(|it| it.trim()
            == "remedy: found 1. Look at qemu. (safe) $ journalctl -k check: It is there."),
        "{lines:#?}"
    );
    let mistakes = file("remedy: [ { words: x } ]");
    assert_eq!(
        errors(&mistakes)[0].0,
        "a step of a remedy has no key `words`"
    );
}
