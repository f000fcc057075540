//! Tests of traces: what they count, and what they name as the reason.

use serde_json::json;

use super::stage::{Stage, node, pod};
use super::trace::{BindingTrace, End, Kept, Nearest, Trace};

fn trace(stage: &Stage, rule: &str) -> Trace {
    let mut traces = stage.evaluate(rule).traces;
    assert_eq!(traces.len(), 1, "{rule}");
    traces.remove(0)
}

/// Rows in, elements looked at, elements that fit, rows out.
fn counts(binding: &BindingTrace) -> [u64; 4] {
    [
        binding.entered,
        binding.looked,
        binding.fitted,
        binding.left,
    ]
}

fn nearest(binding: &BindingTrace) -> &Nearest {
    match &binding.kept {
        Some(Kept::Nearest(nearest)) => nearest,
        other => panic!("{}: {other:?}", binding.text),
    }
}

fn sides(nearest: &Nearest) -> Vec<(&str, &str)> {
    let sides = nearest.sides.iter();
    sides
        .map(|side| (side.text.as_str(), side.value.as_str()))
        .collect()
}

#[test]
fn bindings_count_rows_and_elements() {
    let rule = "match:
  - { each: n, in: Node }
  - { optional: first, in: n.pods() }
  - { none: bad, in: n.pods(), where: it.status.phase == 'Failed' }
  - { collect: some, in: Pod, where: it.node() == n }
  - { let: twice, value: some.size() * 2 }
  - { when: twice > 2 }
  - { each: [k, v], in: n.metadata, where: k == 'name' }
finding: { subject: n, message: M }
";
    let mut failed = pod("c", "n2", &[]);
    failed["status"]["phase"] = json!("Failed");
    let stage = Stage::of(vec![
        node("n1"),
        node("n2"),
        node("n3"),
        pod("a", "n1", &[]),
        pod("b", "n1", &[]),
        failed,
    ]);
    let trace = trace(&stage, rule);
    assert_eq!(trace.end, End::Ran { lowered: false });
    let told: Vec<(usize, &str, [u64; 4])> = trace
        .bindings
        .iter()
        .map(|it| (it.line, it.text.as_str(), counts(it)))
        .collect();
    assert_eq!(
        told,
        [
            (5, "each n in Node", [1, 3, 3, 3]),
            (6, "optional first in n.pods()", [3, 2, 2, 3]),
            (
                7,
                "none bad in n.pods() where it.status.phase == 'Failed'",
                [3, 3, 1, 2]
            ),
            (8, "collect some in Pod where it.node() == n", [2, 6, 2, 1]),
            (9, "let twice = some.size() * 2", [1, 0, 0, 1]),
            (10, "when twice > 2", [1, 0, 0, 1]),
            (
                11,
                "each [k, v] in n.metadata where k == 'name'",
                [1, 2, 1, 1]
            ),
        ]
    );
    // What let some row go on has nothing to explain.
    assert!(trace.bindings.iter().all(|it| it.kept.is_none()));
    assert_eq!((trace.rows.rows, trace.rows.findings), (1, 1));
}

#[test]
fn the_nearest_candidate_is_the_one_that_passed_most() {
    let rule = "match:
  - { each: n, in: Node }
  - each: p
    in: Pod
    where: >-
      it.metadata.namespace == 'default'
      && it.node() == n
      && it.status.containerStatuses[0].restartCount > 5 && !absent(it.status.podIP)
finding: { subject: p, message: M }
";
    // a passes one condition, b two, c two as well.
    let stage = Stage::of(vec![
        node("n1"),
        pod("a", "n2", &[1]),
        pod("b", "n1", &[3]),
        pod("c", "n1", &[4]),
    ]);
    let trace = trace(&stage, rule);
    let binding = &trace.bindings[1];
    assert_eq!(counts(binding), [1, 3, 0, 0]);
    let nearest = nearest(binding);
    assert_eq!(nearest.candidate.as_deref(), Some("Pod/default/b"));
    assert_eq!(nearest.row, [("n".to_owned(), "Node/n1".to_owned())]);
    assert_eq!((nearest.passed, nearest.of, nearest.line), (2, 4, 11));
    assert_eq!(
        nearest.conjunct,
        "it.status.containerStatuses[0].restartCount > 5"
    );
    assert_eq!(
        sides(nearest),
        [("it.status.containerStatuses[0].restartCount", "3")]
    );
    assert_eq!(trace.rows.rows, 0);
}

#[test]
fn what_a_condition_looked_at_is_told() {
    let secret = "aB3dE".repeat(40);
    let mut object = pod("a", "n9", &[1]);
    object["metadata"]["annotations"] = json!({ "key": secret, "empty": null });
    let stage = Stage::of(vec![object]);
    let table: [(&str, &[(&str, &str)]); 12] = [
        (
            "p.status.phase == 'Failed'",
            &[("p.status.phase", "\"Running\"")],
        ),
        (
            "'Failed' == p.status.phase",
            &[("p.status.phase", "\"Running\"")],
        ),
        (
            "p.status.phase in ['Failed', 'Unknown']",
            &[("p.status.phase", "\"Running\"")],
        ),
        ("has(p.status.podIP)", &[("p.status.podIP", "absent")]),
        (
            "present(p.node())",
            &[("p.node()", "Node/n9 (not in the bundle)")],
        ),
        (
            "p.status.containerStatuses.exists(c, c.ready)",
            &[(
                "p.status.containerStatuses",
                "[{name: c0, restartCount: 1}]",
            )],
        ),
        (
            "!p.metadata.name.startsWith('a')",
            &[("p.metadata.name", "\"a\"")],
        ),
        (
            "p.status.containerStatuses[0] == p.metadata",
            &[
                (
                    "p.status.containerStatuses[0]",
                    "Pod/default/a status.containerStatuses[0]",
                ),
                ("p.metadata", "Pod/default/a metadata"),
            ],
        ),
        (
            "p.metadata.name == 'b' || p.metadata.annotations['empty'] == 'x'",
            &[
                ("p.metadata.name", "\"a\""),
                ("p.metadata.annotations['empty']", "null"),
            ],
        ),
        (
            "matches(p.metadata.name, r'^b')",
            &[("p.metadata.name", "\"a\"")],
        ),
        (
            "p.metadata.annotations.key == 'x'",
            &[("p.metadata.annotations.key", "\"…\"")],
        ),
        ("1 > params.least", &[("params.least", "5")]),
    ];
    for (condition, expected) in table {
        let rule = format!(
            "params: {{ least: 5 }}\nmatch:\n  - {{ each: p, in: Pod }}\n  - when: \"{condition}\"\nfinding: {{ subject: p, message: M }}"
        );
        let trace = trace(&stage, &rule);
        let nearest = nearest(&trace.bindings[1]);
        assert_eq!(nearest.candidate, None);
        assert_eq!(nearest.row, [("p".to_owned(), "Pod/default/a".to_owned())]);
        assert_eq!(sides(nearest), expected, "{condition}");
    }
}

#[test]
fn what_must_not_be_there_is_named() {
    let rule = "match:
  - { each: n, in: Node }
  - { none: p, in: Pod, where: it.node() == n }
finding: { subject: n, message: M }
";
    let stage = Stage::of(vec![node("n1"), pod("a", "n2", &[]), pod("b", "n1", &[])]);
    let trace = trace(&stage, rule);
    assert_eq!(counts(&trace.bindings[1]), [1, 2, 1, 0]);
    assert_eq!(
        trace.bindings[1].kept,
        Some(Kept::There {
            element: "Pod/default/b".to_owned(),
            row: vec![("n".to_owned(), "Node/n1".to_owned())],
        })
    );
}

#[test]
fn an_optional_that_found_nothing_says_what_came_near() {
    let rule = "match:
  - { each: n, in: Node }
  - { optional: p, in: Pod, where: it.node() == n }
finding: { subject: n, message: M }
";
    let stage = Stage::of(vec![node("n1"), pod("a", "n2", &[])]);
    let trace = trace(&stage, rule);
    let binding = &trace.bindings[1];
    assert_eq!(counts(binding), [1, 1, 0, 1]);
    assert_eq!(
        sides(nearest(binding)),
        [
            ("it.node()", "Node/n2 (not in the bundle)"),
            ("n", "Node/n1")
        ]
    );
}

#[test]
fn gates_are_told() {
    let rule = "versions: { harvester: '>=1.3.0 <1.4.0', kubernetes: '>=1.25' }
match: [{ each: n, in: Node }]
finding: { subject: n, message: M }
";
    let stage = Stage {
        version: Some("v1.4.1"),
        ..Stage::of(vec![node("n1")])
    };
    let outside = trace(&stage, rule);
    assert_eq!(outside.end, End::OutsideVersions);
    let told: Vec<(&str, &str, Vec<&str>, bool)> = outside
        .versions
        .iter()
        .map(|it| {
            let known = it.known.iter().map(String::as_str).collect();
            (it.of, it.range.as_str(), known, it.fits)
        })
        .collect();
    assert_eq!(
        told,
        [
            ("harvester", ">=1.3.0 <1.4.0", vec!["v1.4.1"], false),
            ("kubernetes", ">=1.25", vec![], true),
        ]
    );
    let lowered = rule.replace(", kubernetes", ", outside: lower, kubernetes");
    let lowered = trace(&stage, &lowered);
    assert_eq!(lowered.end, End::Ran { lowered: true });

    let disks = "match: [{ each: d, in: doctor/Disk }]\nfinding: { subject: d, message: M }";
    let reason = "needs host files, and no node sent any".to_owned();
    assert_eq!(trace(&stage, disks).end, End::NotEvaluated(reason));
}

#[test]
fn logs_are_told_from_files_to_records() {
    let rule = "
logs:
  waits:
    source: 'pod/default/*/main'
    pattern: 'waits for (?P<what>\\S+)'
    where: what != 'nobody'
    group: [what]
    count: 2
    since: 1h
    still: 30m
match:
  - { each: w, in: logs.waits, where: it.count > 10 }
finding: { subject: w.pod, message: M }
";
    let line = |time: &str, what: &str| format!("2024-05-01T{time}:00Z waits for {what}\n");
    let first = [
        line("10:30", "old"),
        line("11:05", "ended"),
        line("11:06", "ended"),
        line("11:50", "goes-on"),
        line("11:51", "nobody"),
    ];
    let second = [line("11:52", "goes-on"), line("11:55", "once")];
    let stage = Stage::of(vec![])
        .log("logs/default/a/main.log", &first.concat())
        .log("logs/default/b/main.log", &second.concat())
        .log("logs/default/b/other.log", &second.concat());
    let trace = trace(&stage, rule);
    let [log] = trace.logs.as_slice() else {
        panic!("{:?}", trace.logs);
    };
    let tally = log.tally;
    assert_eq!(
        (tally.files, tally.hits, tally.groups, log.records),
        (2, 5, 3, 1)
    );
    assert_eq!(
        (tally.unfit, tally.old, tally.few, tally.ended),
        (1, 1, 1, 1)
    );
    let times = [tally.first, tally.last].map(|it| it.unwrap().to_string());
    assert_eq!(times, ["2024-05-01T11:05:00Z", "2024-05-01T11:55:00Z"]);
    assert_eq!(log.thresholds.count, "2");
    assert_eq!(log.thresholds.still.as_deref(), Some("30m"));
    assert_eq!(
        nearest(&trace.bindings[0]).candidate.as_deref(),
        Some("logs/default/b/main.log:1 (2 hits)")
    );
}

#[test]
fn rows_end_as_findings_folded_excused_or_over_the_limit() {
    let rule = "match: [{ each: p, in: Pod }, { each: c, in: p.status.containerStatuses }]
unless:
  - { when: c.restartCount == 1, reason: 'once is {{ c.name }}' }
  - { some: n, in: Node, where: n == p.node(), reason: R }
finding: { subject: p, message: M, limit: 2, evidence: [{ object: 'c.restartCount == 7 ? null : c' }] }
";
    let stage = Stage::of(vec![
        pod("a", "n1", &[1, 1, 2]),
        pod("b", "n1", &[7]),
        pod("c", "n1", &[3]),
        pod("d", "n1", &[4, 4]),
        pod("e", "n1", &[4]),
    ]);
    let trace = trace(&stage, rule);
    let rows = trace.rows;
    assert_eq!((rows.rows, rows.findings, rows.suppressed), (8, 2, 0));
    assert_eq!((rows.folded, rows.unshown, rows.over_limit), (2, 1, 3));
    let told: Vec<(usize, u64, Option<&str>)> = trace
        .exceptions
        .iter()
        .map(|it| (it.line, it.rows, it.reason.as_deref()))
        .collect();
    assert_eq!(told, [(6, 2, Some("once is c0")), (7, 0, None)]);
}

#[test]
fn the_binding_that_ran_out_of_steps_is_named() {
    let pods = (0..120).map(|number| pod(&format!("p{number}"), "n1", &[]));
    let rule = "match: [{ each: a, in: Pod }, { each: b, in: Pod }, { each: c, in: Pod, where: \"it.metadata.name.endsWith('none')\" }]\nfinding: { subject: a, message: M }";
    let trace = trace(&Stage::of(pods.collect()), rule);
    let budget = super::row::STEP_BUDGET;
    assert_eq!(trace.end, End::Stopped { binding: 2, budget });
    let looked: u64 = trace.bindings.iter().map(|it| it.looked).sum();
    assert_eq!(looked, budget);
}

#[test]
fn only_rules_that_are_asked_for_are_traced() {
    use crate::evaluate::Engine;
    use crate::rule::RuleSet;

    let text = |id: &str| {
        format!(
            "id: {id}\naliases: [{id}-too]\ntitle: T\nseverity: info\nmatch: [{{ each: n, in: Node }}]\nfinding: {{ subject: n, message: M }}"
        )
    };
    let (a, b) = (text("a"), text("b"));
    let texts = [("node/a.yaml", a.as_str()), ("node/b.yaml", b.as_str())];
    let rules = RuleSet::from_texts(&texts).unwrap();
    for (asked, expected) in [
        (vec![], vec![]),
        (vec!["b"], vec!["b"]),
        (vec!["b-too", "a"], vec!["a", "b"]),
    ] {
        let asked: Vec<String> = asked.into_iter().map(str::to_owned).collect();
        let engine = Engine::new(&rules).unwrap().traced(&asked);
        let bundle = crate::bundle::Bundle::of_files(
            crate::bundle::Files::default(),
            jiff::Timestamp::UNIX_EPOCH,
            engine.scanner(),
        );
        let traces = engine.evaluate(&bundle).traces;
        let ids: Vec<&str> = traces.iter().map(|it| it.rule.as_str()).collect();
        assert_eq!(ids, expected);
    }
}

#[test]
fn what_an_index_ruled_out_may_come_nearest() {
    let mut objects: Vec<_> = (0..30)
        .map(|number| pod(&format!("p{number:02}"), "n1", &[]))
        .collect();
    objects[20]["spec"]["nodeName"] = json!("n2");
    let rule = "match: [{ each: p, in: Pod, where: \"it.spec.nodeName == 'n3' && it.status.phase == 'Running' && it.metadata.name == 'p20'\" }]\nfinding: { subject: p, message: M }";
    let trace = trace(&Stage::of(objects), rule);
    let binding = &trace.bindings[0];
    assert_eq!(counts(binding), [1, 0, 0, 0]);
    let nearest = nearest(binding);
    assert_eq!(nearest.candidate.as_deref(), Some("Pod/default/p20"));
    assert_eq!((nearest.passed, nearest.of), (2, 3));
    assert_eq!(sides(nearest), [("it.spec.nodeName", "\"n2\"")]);
}
