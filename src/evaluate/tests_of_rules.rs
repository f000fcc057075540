//! Tests of whole rules: rows, folding, exceptions, words, and what a rule needs before it speaks.

use serde_json::json;

use super::stage::{Stage, node, pod};
use crate::finding::{Confidence, Evidence, Export, Severity};
use crate::parse::time::timestamp;
use crate::rule::RuleSet;

/// A rule on each container of each pod.
fn on_containers(finding: &str) -> String {
    format!(
        "match:\n  - {{ each: pod, in: Pod }}\n  - {{ each: c, in: pod.status.containerStatuses }}\nfinding:\n{finding}"
    )
}

#[test]
fn rows_with_equal_keys_are_one_finding() {
    let stage = Stage::of(vec![pod("a", "n1", &[1, 2]), pod("b", "n1", &[3])]);
    let by_pod = on_containers(
        "  subject: pod\n  message: '{{ c.name }}'\n  evidence: [{ object: c, fields: [restartCount] }]",
    );
    let findings = stage.findings(&by_pod);
    let told: Vec<(String, &str, u64, usize)> = findings
        .iter()
        .map(|it| {
            (
                it.subject.to_string(),
                it.message.as_str(),
                it.count,
                it.evidence.len(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("Pod/default/a".to_owned(), "c0", 2, 2),
            ("Pod/default/b".to_owned(), "c0", 1, 1),
        ]
    );
    let fields: Vec<Option<&str>> = findings[0]
        .evidence
        .iter()
        .map(|it| it.field.as_deref())
        .collect();
    let field = |at: usize| format!("status.containerStatuses[{at}].restartCount");
    assert_eq!(fields, [Some(field(0).as_str()), Some(&field(1))]);
    let by_container = by_pod.replace("subject: pod", "subject: pod\n  key: [pod, c.name]");
    assert_eq!(stage.messages(&by_container), ["c0", "c1", "c0"]);
    let by_node = by_pod.replace("subject: pod", "subject: pod.node()");
    assert_eq!(stage.findings(&by_node)[0].subject.to_string(), "Node/n1");
}

#[test]
fn the_worst_row_tells_how_bad_a_finding_is() {
    let rule = on_containers("  subject: pod\n  message: M\n  evidence: [{ object: c }]")
        + "\nescalate:\n  - { when: c.restartCount > 5, to: critical }\n  - { when: c.restartCount > 3, confidence: certain }\n  - { when: true, to: info }";
    for (restarts, severity, confidence) in [
        ([1, 1], Severity::Warning, Confidence::Likely),
        ([1, 9], Severity::Critical, Confidence::Certain),
        ([9, 1], Severity::Critical, Confidence::Certain),
        ([1, 4], Severity::Warning, Confidence::Certain),
    ] {
        let findings = Stage::of(vec![pod("a", "n1", &restarts)]).findings(&rule);
        let found = (findings[0].severity, findings[0].confidence);
        assert_eq!(found, (severity, confidence), "{restarts:?}");
    }
}

#[test]
fn a_finding_is_excused_only_if_all_its_rows_are() {
    let rule = on_containers(
        "  subject: pod\n  message: '{{ c.name }}'\n  evidence: [{ object: c }]",
    ) + "\nunless:\n  - { when: c.restartCount < 3, reason: '{{ c.name }} restarted only {{ c.restartCount }} times' }";
    for (restarts, message, reason, evidence) in [
        (vec![1, 2], "c0", Some("c0 restarted only 1 times"), 2),
        (vec![1, 5], "c1", None, 1),
        (vec![5, 1], "c0", None, 1),
        (vec![1, 5, 2, 6], "c1", None, 2),
    ] {
        let findings = Stage::of(vec![pod("a", "n1", &restarts)]).findings(&rule);
        let [finding] = findings.as_slice() else {
            panic!("{restarts:?}: {findings:?}");
        };
        let stated = finding.suppressed.as_ref().map(|it| it.reason.as_str());
        assert_eq!(
            (finding.message.as_str(), stated, finding.evidence.len()),
            (message, reason, evidence),
            "{restarts:?}"
        );
    }
    let by_binding = "match: [{ each: pod, in: Pod }]\nunless: [{ some: n, in: Node, where: n == pod.node(), reason: R }]\nfinding: { subject: pod, message: M }";
    let stage = Stage::of(vec![pod("a", "n1", &[]), pod("b", "n2", &[]), node("n1")]);
    let excused: Vec<bool> = stage
        .findings(by_binding)
        .iter()
        .map(|it| it.suppressed.is_some())
        .collect();
    assert_eq!(excused, [true, false]);
}

#[test]
fn a_row_without_evidence_leaves_its_key_to_the_next() {
    let rule = on_containers(
        "  subject: pod\n  message: '{{ c.name }}'\n  evidence: [{ object: 'c.restartCount > 1 ? c : null' }]",
    );
    let stage = Stage::of(vec![pod("a", "n1", &[1, 2]), pod("b", "n1", &[1])]);
    assert_eq!(stage.messages(&rule), ["c1"]);
}

#[test]
fn what_is_over_the_limit_is_counted() {
    let rule = "match: [{ each: pod, in: Pod }]\nfinding: { subject: pod, message: M, limit: 2 }";
    let pods = ["a", "b", "c", "d"].map(|name| pod(name, "n1", &[]));
    let findings = Stage::of(pods.to_vec()).findings(rule);
    let omitted: Vec<usize> = findings.iter().map(|it| it.omitted).collect();
    assert_eq!(omitted, [0, 2]);
}

#[test]
fn what_is_suppressed_takes_no_place_of_what_counts() {
    let stage = |ignore| Stage {
        ignore,
        ..Stage::of(
            ["a", "b", "c", "d", "e"]
                .map(|name| pod(name, "n1", &[]))
                .to_vec(),
        )
    };
    let shown = |stage: Stage, unless: &str| -> Vec<(String, Option<String>, usize)> {
        let rule = format!(
            "match: [{{ each: pod, in: Pod }}]\nunless: [{unless}]\n\
             finding: {{ subject: pod, message: M, limit: 2 }}"
        );
        let findings = stage.findings(&rule).into_iter();
        let shown = findings.map(|it| {
            let why = it.suppressed.map(|it| format!("{}: {}", it.by, it.reason));
            (it.subject.name, why, it.omitted)
        });
        shown.collect()
    };
    let row =
        |name: &str, why: Option<&str>, omitted| (name.to_owned(), why.map(str::to_owned), omitted);
    let excused = "{ when: \"pod.metadata.name in ['a', 'b', 'c']\", reason: R }";
    assert_eq!(
        shown(stage(None), excused),
        [
            row("a", Some("unless: R"), 0),
            row("b", Some("unless: R"), 0),
            row("d", None, 0),
            row("e", None, 0),
        ]
    );
    let ignore = "- { rule: tested, subject: Pod/default/b, reason: known }";
    assert_eq!(
        shown(stage(Some(ignore)), ""),
        [
            row("a", None, 0),
            row("b", Some("ignore: known"), 0),
            row("c", None, 2),
        ]
    );
    // The rule's own reason is told before the user's.
    assert_eq!(
        shown(
            stage(Some("- { rule: node/*, subject: '*', reason: known }")),
            excused
        ),
        [
            row("a", Some("unless: R"), 0),
            row("b", Some("unless: R"), 0)
        ]
    );
}

#[test]
fn bindings_extend_multiply_and_drop_rows() {
    let stage = Stage::of(vec![
        pod("a", "n1", &[1]),
        pod("b", "n2", &[2]),
        pod("c", "n1", &[]),
        node("n1"),
        node("n3"),
    ]);
    let table: [(&str, &str, &[&str]); 9] = [
        ("{ each: x, in: Pod }", "{{ x.short() }}", &["a", "b", "c"]),
        (
            "{ each: x, in: Pod, where: it.spec.nodeName == 'n1' }",
            "{{ x.short() }}",
            &["a", "c"],
        ),
        ("{ each: x, in: Pod default/b }", "{{ x.short() }}", &["b"]),
        ("{ each: x, in: Pod default/z }", "{{ x.short() }}", &[]),
        (
            "{ each: n, in: Node }, { none: p, in: Pod, where: p.node() == n }",
            "{{ n.short() }}",
            &["n3"],
        ),
        (
            "{ each: n, in: Node }, { optional: p, in: n.pods() }",
            "{{ n.short() }} {{ p.short().orValue('-') }}",
            &["n1 a", "n3 -"],
        ),
        (
            "{ each: n, in: Node }, { collect: p, in: Pod, where: it.node() == n }",
            "{{ n.short() }} {{ p.size() }}",
            &["n1 2"],
        ),
        (
            "{ each: n, in: Node }, { collect: p, in: Pod, where: it.node() == n, min: 0 }",
            "{{ n.short() }} {{ p.size() }}",
            &["n1 2", "n3 0"],
        ),
        (
            "{ each: p, in: Pod }, { each: [k, v], in: p.metadata, where: k == 'uid' }, { let: twice, value: v + v }, { when: twice != 'bb' }",
            "{{ k }}={{ twice }}",
            &["uid=aa", "uid=cc"],
        ),
    ];
    for (bindings, message, expected) in table {
        let subject = bindings[8..].split(',').next().unwrap();
        let rule = format!(
            "match: [{bindings}]\nfinding: {{ subject: {subject}, message: \"{message}\" }}"
        );
        assert_eq!(stage.messages(&rule), expected, "{bindings}");
    }
}

#[test]
fn words_are_filled_in() {
    let mut object = pod("a", "n1", &[]);
    let secret = format!("{}/9+A=", "aB3dE".repeat(30));
    object["metadata"]["annotations"] = json!({
        "long": "x y ".repeat(200),
        "secret": format!("key {secret} end"),
        "path": format!("/{}", "directory/".repeat(20)),
    });
    let stage = Stage::of(vec![object]);
    let table = [
        ("{{ p.metadata.name }}", "a", false),
        ("{{ p.metadata.labels.missing }}", "‹unknown›", true),
        (
            "{{ p.metadata.labels.missing.orValue('none') }}",
            "none",
            false,
        ),
        ("a \\\\{{ b }}", "a {{ b }}", false),
        ("{{ duration('90m') }}", "1h30m", false),
        ("{{ p }}", "Pod/default/a", false),
        ("{{ p.metadata.annotations.secret }}", "key … end", false),
    ];
    for (message, expected, incomplete) in table {
        let rule = format!(
            "match: [{{ each: p, in: Pod }}]\nfinding: {{ subject: p, message: \"{message}\" }}"
        );
        let finding = stage.findings(&rule).remove(0);
        assert_eq!(
            (finding.message.as_str(), finding.incomplete),
            (expected, incomplete),
            "{message}"
        );
    }
    let rule = |field: &str| {
        format!(
            "match: [{{ each: p, in: Pod }}]\nfinding: {{ subject: p, message: '{{{{ p.metadata.annotations.{field} }}}}' }}"
        )
    };
    let long = stage.messages(&rule("long")).remove(0);
    assert!(long.ends_with('…') && long.chars().count() <= 401, "{long}");
    assert!(!stage.messages(&rule("path"))[0].contains('…'));
}

#[test]
fn notes_remedies_and_exports_go_by_their_conditions() {
    let rule = "
match: [{ each: p, in: Pod }]
finding:
  subject: object('Node', p.spec.nodeName)
  since: timestamp('2024-05-01T10:00:00Z')
  message: M
  notes:
    - { when: absent(p.node()), text: 'no {{ p.spec.nodeName }}' }
    - { when: present(p.node()), text: 'never' }
  exports: { node: p.node(), pod: p, nodes: '[p.node()]', upgrade: p.upgrade(), word: p.status.phase, words: \"['b', p.status.phase]\", nothing: '[]' }
  evidence: [{ object: p, fields: [status.phase], note: 'on {{ p.spec.nodeName }}' }, { object: p.node() }]
remedy:
  - { when: p.status.phase == 'Failed', text: never, risk: safe }
  - { text: 'look at {{ p.short() }}', command: 'kubectl get pod {{ p.short() }}', check: done, forbidsMeanwhile: 'Do not touch {{ p.short() }}.', risk: disruptive, link: 'https://example.org' }
";
    let finding = Stage::of(vec![pod("a", "n9", &[]), node("n1")])
        .findings(rule)
        .remove(0);
    assert_eq!(finding.subject.to_string(), "Node/n9");
    assert_eq!(finding.first_seen, timestamp("2024-05-01T10:00:00Z"));
    assert_eq!(finding.notes, ["no n9"]);
    assert_eq!(finding.remedy.len(), 1);
    assert_eq!(finding.remedy[0].text, "look at a (https://example.org)");
    assert_eq!(
        finding.remedy[0].command.as_deref(),
        Some("kubectl get pod a")
    );
    let forbidden = finding.remedy[0].forbids_meanwhile.as_deref();
    assert_eq!(forbidden, Some("Do not touch a."));
    let names: Vec<&str> = finding.exports.keys().map(String::as_str).collect();
    assert_eq!(names, ["node", "nodes", "pod", "word", "words"]);
    assert_eq!(finding.exports["word"], Export::Text("Running".to_owned()));
    let words = ["b", "Running"].map(str::to_owned).to_vec();
    assert_eq!(finding.exports["words"], Export::Texts(words));
    let [field, ghost] = finding.evidence.as_slice() else {
        panic!("{:?}", finding.evidence);
    };
    assert_eq!(field.value.as_deref(), Some("Running"));
    assert_eq!(field.note.as_deref(), Some("on n9"));
    assert!(ghost.absent && ghost.value.is_none());
}

/// A finding is history only if each of its rows is.
#[test]
fn history_is_what_no_row_contradicts() {
    let rule = "
match: [{ each: p, in: Pod }]
finding:
  subject: object('Node', p.spec.nodeName)
  history: p.status.phase == 'Failed'
  message: M
";
    let failed = |name: &str, node: &str| {
        let mut pod = pod(name, node, &[]);
        pod["status"]["phase"] = "Failed".into();
        pod
    };
    let pods = vec![
        failed("a", "n1"),
        failed("b", "n1"),
        failed("c", "n2"),
        pod("d", "n2", &[]),
        pod("e", "n3", &[]),
        failed("f", "n3"),
    ];
    let found = Stage::of(pods).findings(rule);
    let history: Vec<bool> = found.iter().map(|it| it.history).collect();
    assert_eq!(history, [true, false, false]);
}

#[test]
fn log_records_join_objects_and_tell_times() {
    let rule = "
logs:
  waits:
    source: 'pod/default/*/main'
    pattern: 'waits for (?P<what>\\S+)'
    where: what != 'nobody'
    group: [pod, what]
    count: 2
match:
  - { each: p, in: Pod }
  - { each: w, in: logs.waits, where: it.pod == p }
finding:
  subject: p
  message: '{{ w.what }} {{ w.count }} {{ w.node.metadata.name }} {{ w.last.text.size() > 0 }}'
  evidence: [{ log: w }]
";
    let line =
        |minute: u32, what: &str| format!("2024-05-01T11:{minute:02}:00Z waits for {what}\n");
    let text = [
        line(1, "b"),
        line(2, "b"),
        line(3, "c"),
        line(4, "nobody"),
        line(5, "nobody"),
    ];
    let stage = Stage::of(vec![pod("a", "n1", &[]), pod("b", "n1", &[]), node("n1")])
        .log("logs/default/a/main.log", &text.concat())
        .log("logs/default/b/other.log", &text.concat());
    let finding = stage.findings(rule).remove(0);
    assert_eq!(finding.message, "b 2 n1 true");
    assert_eq!(finding.count, 2);
    assert_eq!(finding.first_seen, timestamp("2024-05-01T11:01:00Z"));
    assert_eq!(finding.last_seen, timestamp("2024-05-01T11:02:00Z"));
    let lines: Vec<Option<u32>> = finding
        .evidence
        .iter()
        .map(|it: &Evidence| it.line)
        .collect();
    assert_eq!(lines, [Some(1), Some(2)]);
}

#[test]
fn a_rule_without_its_input_says_so() {
    let kernel = "logs: { k: { source: node/kernel, pattern: 'lost' } }\nmatch: [{ each: k, in: logs.k }]\nfinding: { subject: k.node, message: M }";
    let nothing = "match: [{ each: n, in: Node }, { none: v, in: longhorn.io/Volume, where: v.spec.nodeID == n.metadata.name }]\nfinding: { subject: n, message: M }";
    let disks = "match: [{ each: d, in: doctor/Disk }]\nfinding: { subject: d, message: M }";
    let two = || Stage::of(vec![node("n1"), node("n2")]);
    let line = "May 01 11:00:00 n1 kernel: lost\n";
    let some = Stage {
        namespaces: vec!["default".to_owned()],
        ..two()
    };
    let table = [
        (
            two(),
            kernel,
            Some("needs node/kernel, which no node sent"),
            true,
            0,
        ),
        (
            two().log("nodes/n1/logs/kernel.log", line),
            kernel,
            Some("not evaluated on n2: no node/kernel"),
            false,
            1,
        ),
        (
            two().log("nodes/n1/logs/kernel.log", line).log(
                "nodes/n2/logs/kernel.log",
                "May 01 11:00:00 n2 kernel: fine\n",
            ),
            kernel,
            None,
            false,
            1,
        ),
        (
            two(),
            disks,
            Some("needs host files, and no node sent any"),
            true,
            0,
        ),
        (two(), nothing, None, false, 2),
        (
            some,
            nothing,
            Some("needs Volume of namespace longhorn-system, which was not collected"),
            true,
            0,
        ),
    ];
    for (stage, rule, reason, refused, findings) in table {
        let evaluation = stage.evaluate(rule);
        let reasons: Vec<&str> = evaluation
            .not_evaluated
            .iter()
            .map(|it| it.reason.as_str())
            .collect();
        assert_eq!(reasons, Vec::from_iter(reason), "{rule}");
        assert_eq!(evaluation.refused.contains("tested"), refused, "{rule}");
        assert_eq!(evaluation.findings.len(), findings, "{rule}");
    }
}

#[test]
fn versions_gate_a_rule() {
    let rule = |versions: &str| {
        format!(
            "versions: {{ {versions} }}\nmatch: [{{ each: n, in: Node }}]\nfinding: {{ subject: n, message: M, confidence: certain }}"
        )
    };
    for (version, versions, expected) in [
        (
            Some("v1.3.1"),
            "harvester: '>=1.3.0 <1.4.0'",
            Some(Confidence::Certain),
        ),
        (Some("v1.4.0"), "harvester: '>=1.3.0 <1.4.0'", None),
        (
            Some("v1.4.0-rc2"),
            "harvester: '>=1.4.0'",
            Some(Confidence::Certain),
        ),
        (
            Some("v1.4.0"),
            "harvester: '<1.4.0', outside: lower",
            Some(Confidence::Possible),
        ),
        (None, "harvester: '<1.4.0'", Some(Confidence::Certain)),
        (
            Some("master-head"),
            "harvester: '<1.4.0'",
            Some(Confidence::Certain),
        ),
    ] {
        let stage = Stage {
            version,
            ..Stage::of(vec![node("n1")])
        };
        let found = stage.findings(&rule(versions));
        let found = found.first().map(|finding| finding.confidence);
        assert_eq!(found, expected, "{version:?} {versions}");
    }
}

#[test]
fn a_rule_that_joins_all_with_all_is_stopped() {
    let pods = (0..120).map(|number| pod(&format!("p{number}"), "n1", &[]));
    let rule = "match: [{ each: a, in: Pod }, { each: b, in: Pod }, { each: c, in: Pod, where: \"it.metadata.name.endsWith('none')\" }]\nfinding: { subject: a, message: '{{ b.short() }}{{ c.short() }}' }";
    let evaluation = Stage::of(pods.collect()).evaluate(rule);
    assert!(evaluation.findings.is_empty());
    assert!(
        evaluation.not_evaluated[0]
            .reason
            .starts_with("stopped after 1000000 steps")
    );
}

#[test]
fn names_that_mean_nothing_are_refused_when_rules_load() {
    for (expression, wrong) in [
        ("x.frobnicate()", "frobnicate"),
        ("x.nodes()", "nodes"),
        ("frobnicate(x)", "frobnicate"),
        ("node(x)", "node"),
        ("y", "y"),
    ] {
        let text = format!(
            "id: tested\ntitle: T\nseverity: info\nmatch: [{{ each: x, in: Pod }}, {{ when: \"absent({expression})\" }}]\nfinding: {{ subject: x, message: M }}"
        );
        let rules = RuleSet::from_texts(&[("node/tested.yaml", &text)]);
        let errors = rules.map(|_| ()).expect_err(expression);
        let told = &errors.mistakes[0].message;
        assert!(told.contains(wrong), "{expression}: {told}");
    }
}

#[test]
fn an_index_finds_what_a_search_finds() {
    let mut objects = vec![node("n1"), node("n2")];
    for number in 0..60 {
        let mut pod = pod(&format!("p{number:02}"), &format!("n{}", number % 4), &[]);
        pod["metadata"]["labels"] = json!({ "a/b": format!("v{}", number % 7) });
        pod["status"]["startTime"] = json!("2024-05-01T10:00:00Z");
        pod["spec"]["priority"] = json!(number % 3);
        if number % 5 == 0 {
            pod["spec"]["nodeName"] = json!(null);
        }
        objects.push(pod);
    }
    let stage = Stage::of(objects);
    for (path, value, found) in [
        ("it.spec.nodeName", "'n1'", 12),
        ("x.spec.nodeName", "n.metadata.name", 12),
        ("it.metadata.labels['a/b']", "'v3'", 9),
        ("it.metadata.labels['a/b']", "n.metadata.generateName", 0),
        ("it.metadata.generateName", "n.metadata.selfLink", 60),
        ("it.spec.priority", "1", 20),
        ("it.spec.priority", "['1', 2][0]", 0),
        (
            "it.status.startTime",
            "timestamp('2024-05-01T12:00:00+02:00')",
            60,
        ),
        ("it.status.startTime", "'2024-05-01T12:00:00+02:00'", 0),
        ("it.node()", "n", 12),
        ("it.node()", "object('Node', 'n3')", 12),
        ("it.metadata.namespace", "'default'", 60),
    ] {
        for (condition, indexed) in [
            (format!("{path} == {value}"), true),
            (format!("{value} == {path} && true"), true),
            (format!("true && {path} == {value}"), true),
            (format!("!({path} != {value})"), false),
        ] {
            for binding in ["each: x", "collect: xs"] {
                let each = if binding == "each: x" {
                    ""
                } else {
                    ", { each: x, in: xs }"
                };
                let condition = if binding == "each: x" {
                    condition.clone()
                } else {
                    condition.replace("x.", "it.")
                };
                let rule = format!(
                    "match: [{{ each: n, in: Node n1 }}, {{ {binding}, in: Pod, where: \"{condition}\" }}{each}]\nfinding: {{ subject: x, message: '{{{{ x.short() }}}}', limit: 100 }}"
                );
                let names = stage.messages(&rule);
                assert_eq!(names.len(), found, "{condition} {indexed}");
                assert!(names.is_sorted(), "{condition}: {names:?}");
            }
        }
    }
}

/// However many there are, and in their order.
#[test]
fn each_element_of_a_list_is_tried_once() {
    let names: Vec<String> = (0..50).map(|number| format!("pod-{number:02}")).collect();
    let pods = names.iter().enumerate();
    let stage = Stage::of(
        pods.map(|(number, name)| pod(name, "n1", &[number as u64]))
            .collect(),
    );
    let at_least = |least: usize| {
        let rule = format!(
            "match: [{{ collect: xs, in: Pod }}, {{ each: x, in: xs, where: \"it.status.containerStatuses.exists(c, c.restartCount >= {least})\" }}]\nfinding: {{ subject: x, message: '{{{{ x.metadata.name }}}}', limit: 100 }}"
        );
        stage.messages(&rule)
    };
    for least in [0, 1, 16, 17, 40, 50] {
        assert_eq!(at_least(least), names[least..], "{least}");
    }
}

/// Of an upgrade whose object does not tell how far it is, both ends count; of one that is over, neither.
#[test]
fn both_ends_of_an_upgrade_that_may_run_fit_a_rule() {
    let rule = "versions: { harvester: '<1.4.0' }\nmatch: [{ each: n, in: Node }]\nfinding: { subject: n, message: M, confidence: certain }";
    for (conditions, fires) in [
        (json!([]), true),
        (json!([{ "type": "Completed", "status": "Unknown" }]), true),
        (json!([{ "type": "Completed", "status": "True" }]), false),
        (json!([{ "type": "Completed", "status": "False" }]), false),
    ] {
        let mut status = json!({ "previousVersion": "v1.3.2" });
        if conditions != json!([]) {
            status["conditions"] = conditions.clone();
        }
        let upgrade = json!({
            "apiVersion": "harvesterhci.io/v1beta1", "kind": "Upgrade",
            "metadata": { "name": "hvst-upgrade-x", "namespace": "harvester-system",
                "labels": { "harvesterhci.io/latestUpgrade": "true" } },
            "spec": { "version": "v1.4.0" }, "status": status,
        });
        let stage = Stage {
            version: Some("v1.4.0"),
            ..Stage::of(vec![node("n1"), upgrade])
        };
        assert_eq!(!stage.findings(rule).is_empty(), fires, "{conditions}");
    }
}
