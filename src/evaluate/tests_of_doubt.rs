//! What was not collected decides nothing: each rule here would fire wrongly if it did.
//!
//! Every rule fires where all was collected, so that its silence elsewhere has that one reason.

use serde_json::{Value as Json, json};

use super::stage::{Stage, node, pod};
use crate::finding::Confidence;

/// Two nodes, two namespaces, a pod on the first node.
fn cluster() -> Vec<Json> {
    let namespace = |name: &str| json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
    vec![
        node("n1"),
        node("n2"),
        namespace("default"),
        namespace("other"),
        pod("a", "n1", &[0]),
    ]
}

fn rule(bindings: &str, subject: &str) -> String {
    format!("match:\n{bindings}\nfinding: {{ subject: {subject}, message: M }}\n")
}

/// The reason for which a rule was not evaluated somewhere, and the number of its findings.
fn outcome(stage: &Stage, rule: &str) -> (Option<String>, usize) {
    let evaluation = stage.evaluate(rule);
    let reasons = evaluation.not_evaluated.into_iter();
    let reason = reasons.map(|it| it.reason).reduce(|a, b| a + " / " + &b);
    (reason, evaluation.findings.len())
}

/// The rule fires where all was collected, and says what it lacks where that is not so.
fn lacks(stage: Stage, bindings: &str, subject: &str, reason: &str) {
    let rule = rule(bindings, subject);
    let whole = Stage {
        namespaces: Vec::new(),
        failed: Vec::new(),
        objects: stage.objects.clone(),
        logs: stage.logs.clone(),
        ..Stage::default()
    };
    let (missing, findings) = outcome(&whole, &rule);
    assert!(
        missing.is_none() && findings > 0,
        "{bindings}: {missing:?}, {findings}"
    );
    let (missing, findings) = outcome(&stage, &rule);
    assert_eq!(findings, 0, "{bindings} fired: {missing:?}");
    let missing = missing.unwrap_or_default();
    assert!(missing.contains(reason), "{bindings}: {missing:?}");
}

/// Only one of the two namespaces was collected.
fn partly() -> Stage {
    Stage::of(cluster()).only(&["default"])
}

#[test]
fn nothing_is_missing_where_it_was_not_looked_for() {
    let namespaces = "of all namespaces, and other were not collected";
    for bindings in [
        // In a namespace that was not collected, by name and by that of another object.
        "  - { each: n, in: Node n2 }\n  - { none: x, in: Service, where: it.metadata.namespace == 'other' }",
        "  - { each: n, in: Namespace other }\n  - { none: x, in: Service, where: n.metadata.name == x.metadata.namespace && true }",
        // In all namespaces.
        "  - { each: n, in: Node n2 }\n  - { none: x, in: Pod, where: it.spec.nodeName == n.metadata.name }",
        "  - { each: n, in: Node n2 }\n  - { none: x, in: n.pods() }",
        "  - { each: n, in: Node n2 }\n  - { when: n.vmis().size() == 0 }",
        "  - { each: n, in: Node n2 }\n  - { when: empty(n.vmis()) }",
        "  - { each: n, in: Node n2 }\n  - { when: '!n.pods().exists(p, true)' }",
        "  - { each: n, in: Node n2 }\n  - { when: 'n.pods().all(p, false)' }",
        "  - { each: n, in: Node n2 }\n  - { when: \"all('VirtualMachine').size() == 0\" }",
        "  - { each: n, in: Node n2 }\n  - { when: \"n.pods().filter(p, p.status.phase == 'Failed').size() < 1\" }",
        "  - { each: n, in: Node n2 }\n  - { collect: x, in: n.pods(), min: 0 }\n  - { when: x.size() == 0 }",
        "  - { each: n, in: Node n2 }\n  - { collect: x, in: Pod, where: it.node() == n, min: 0 }\n  - { when: 'x.size() < 1 && true' }",
        "  - { each: n, in: Node n2 }\n  - { collect: x, in: Service, min: 0 }\n  - { let: y, value: x.size() }\n  - { when: y == 0 }",
        "  - { each: n, in: Node n2 }\n  - { optional: x, in: Pod, where: it.node() == n }\n  - { when: absent(x) }",
        "  - { each: n, in: Node n2 }\n  - { optional: x, in: Pod, where: it.node() == n }\n  - { when: '!present(x)' }",
        "  - { each: n, in: Node n2 }\n  - { optional: x, in: Pod, where: it.node() == n }\n  - { when: x.status.phase != 'Running' }",
        "  - { each: n, in: Node n2 }\n  - { optional: x, in: Pod, where: it.node() == n }\n  - { none: y, in: n.status.conditions, where: 'present(x)' }\n  - { when: '!has(x.spec)' }",
    ] {
        // `Service` is looked for in one namespace only in the first two.
        let reason = if bindings.contains("where: it.metadata.namespace") {
            "needs Service of all namespaces"
        } else {
            namespaces
        };
        lacks(partly(), bindings, "n", reason);
    }
}

#[test]
fn a_place_that_was_collected_is_enough() {
    for bindings in [
        "  - { each: n, in: Node n2 }\n  - { none: x, in: Service, where: it.metadata.namespace == 'default' }",
        "  - { each: n, in: Pod }\n  - { none: x, in: Service, where: it.metadata.namespace == n.metadata.namespace }",
        "  - { each: n, in: Pod }\n  - { optional: x, in: Service, where: it.metadata.namespace == n.metadata.namespace }\n  - { when: absent(x) }",
        "  - { each: n, in: Pod }\n  - { when: n.events().size() == 0 }",
        "  - { each: n, in: Node n2 }\n  - { when: n.events().size() == 0 }",
        // What is there is there, whatever else may be.
        "  - { each: n, in: Node n1 }\n  - { when: \"n.pods().exists(p, p.status.phase == 'Running')\" }",
        "  - { each: n, in: Node n1 }\n  - { when: '!n.pods().all(p, p.status.phase == \"Failed\")' }",
        "  - { each: n, in: Node n1 }\n  - { collect: vmis, in: n.vmis(), min: 0 }\n  - { when: vmis.size() + n.pods().size() > 0 }",
        "  - { each: n, in: Node n1 }\n  - { collect: vmis, in: n.vmis(), min: 0 }\n  - { when: 'vmis.size() > 0 || true' }",
        // The author says what an unknown means.
        "  - { each: n, in: Node n2 }\n  - { optional: x, in: Pod, where: it.node() == n }\n  - { when: \"x.status.phase.orValue('Gone') == 'Gone'\" }",
        "  - { each: n, in: Node n2 }\n  - { let: idle, value: '!n.pods().exists(p, true).orValue(false)' }\n  - { when: idle }",
    ] {
        let outcome = outcome(&partly(), &rule(bindings, "n"));
        assert_eq!(outcome, (None, 1), "{bindings}");
    }
}

#[test]
fn a_list_that_was_lost_or_torn_is_no_empty_one() {
    let torn = |resource: &'static str| Stage {
        failed: vec![resource],
        ..Stage::of(cluster())
    };
    let gone = || {
        let mut objects = cluster();
        objects.push(pod("b", "n9", &[0]));
        objects
    };
    let nodes = || Stage {
        failed: vec!["nodes"],
        ..Stage::of(gone())
    };
    for bindings in [
        "  - { each: p, in: Pod }\n  - { when: absent(p.node()) }",
        "  - { each: p, in: Pod }\n  - { when: '!present(p.node())' }",
        "  - { each: p, in: Pod, where: \"cond(it.node(), 'Ready').status != 'True' && p.metadata.name == 'b'\" }",
        "  - { each: p, in: Pod }\n  - { let: n, value: p.node() }\n  - { when: 'n.spec.unschedulable != true && absent(n)' }",
        "  - { each: p, in: Pod }\n  - { when: \"absent(object('Node', 'n9'))\" }",
    ] {
        lacks(
            nodes(),
            bindings,
            "p",
            "needs Node, which was not collected",
        );
    }
    for (resource, bindings, reason) in [
        (
            "volumes",
            "  - { each: n, in: Node }\n  - { none: v, in: longhorn.io/Volume }",
            "needs Volume, which was not collected",
        ),
        (
            "volumes",
            "  - { each: n, in: Node }\n  - { optional: v, in: longhorn.io/Volume longhorn-system/v }\n  - { when: absent(v) }",
            "needs Volume, which was not collected",
        ),
        (
            "machines",
            "  - { each: n, in: Node }\n  - { when: absent(n.machine()) }",
            "needs Machine, which was not collected",
        ),
        (
            "replicas",
            "  - { each: n, in: Node }\n  - { when: '!n.replicas().exists(r, true)' }",
            "needs Replica, which was not collected",
        ),
        (
            "upgrades",
            "  - { each: n, in: Node }\n  - { optional: s, in: doctor/UpgradeStatus }\n  - { when: absent(s) }",
            "needs Upgrade, which was not collected",
        ),
        (
            "upgrades",
            "  - { each: n, in: Node }\n  - { when: absent(n.step()) }",
            "needs Upgrade, which was not collected",
        ),
    ] {
        lacks(torn(resource), bindings, "n", reason);
    }
}

#[test]
fn secrets_are_not_known_to_be_missing() {
    lacks(
        Stage::of(cluster()).only(&["default", "other", "fleet-local"]),
        "  - { each: n, in: Node }\n  - { optional: s, in: Secret, where: it.metadata.namespace == 'default' }\n  - { when: absent(s) }",
        "n",
        "needs Secret, not all of which was collected",
    );
}

#[test]
fn a_row_that_a_relation_does_not_lead_to_is_missed() {
    let bindings = "  - { each: n, in: Node }\n  - { each: r, in: n.replicas() }";
    let (reason, findings) = outcome(&partly(), &rule(bindings, "n"));
    assert_eq!(findings, 0);
    assert_eq!(
        reason.as_deref(),
        Some("needs Replica of namespace longhorn-system, which was not collected")
    );
}

const KERNEL: &str = "logs: { k: { source: node/kernel, pattern: lost, group: [node] } }\n";

#[test]
fn a_node_without_host_files_is_left_out_and_others_are_not() {
    let line = "May 01 11:00:00 n1 kernel: fine\n";
    let mounts = "#==[ Command ]======================================#\n# /bin/mount\n/dev/sda1 on / type ext4 (rw,relatime)\n";
    let one = Stage::of(cluster())
        .log("nodes/n1/logs/kernel.log", line)
        .log("nodes/n1/scc/scc_n1/fs-diskio.txt", mounts);
    for (bindings, reason) in [
        (
            "  - { each: n, in: Node }\n  - { none: r, in: logs.k, where: it.node == n }",
            "not evaluated on n2: no node/kernel",
        ),
        (
            "  - { each: n, in: Node }\n  - { none: r, in: logs.k, where: r.node.metadata.name == n.metadata.name }",
            "not evaluated on n2: no node/kernel",
        ),
        (
            "  - { each: n, in: Node }\n  - { collect: r, in: logs.k, where: it.node == n, min: 0 }\n  - { when: r.size() == 0 }",
            "not evaluated on n2: no node/kernel",
        ),
        (
            "  - { each: n, in: Node }\n  - { optional: r, in: logs.k, where: it.node == n }\n  - { when: absent(r) }",
            "not evaluated on n2: no node/kernel",
        ),
        (
            "  - { each: n, in: Node }\n  - { none: m, in: n.mounts(), where: it.path == '/var' }",
            "not evaluated on n2: no host files",
        ),
        (
            "  - { each: n, in: Node }\n  - { none: m, in: doctor/Mount, where: it.nodeName == n.metadata.name && it.path == '/var' }",
            "not evaluated on n2: no host files",
        ),
        (
            "  - { each: n, in: Node }\n  - { none: m, in: doctor/Mount, where: it.node() == n && it.path == '/var' }",
            "not evaluated on n2: no host files",
        ),
        (
            "  - { each: n, in: Node }\n  - { when: '!n.mounts().exists(m, m.path == \"/var\")' }",
            "not evaluated on n2: no host files",
        ),
        (
            "  - { each: n, in: Node }\n  - { optional: h, in: doctor/Host, where: it.nodeName == n.metadata.name }\n  - { when: '!has(h.clockOffset)' }",
            "not evaluated on n2: no host files",
        ),
    ] {
        let rule = format!("{KERNEL}{}", rule(bindings, "n"));
        let evaluation = one.evaluate(&rule);
        let subjects: Vec<String> = evaluation
            .findings
            .iter()
            .map(|it| it.subject.to_string())
            .collect();
        assert_eq!(subjects, ["Node/n1"], "{bindings}");
        let reasons: Vec<&str> = evaluation
            .not_evaluated
            .iter()
            .map(|it| it.reason.as_str())
            .collect();
        assert_eq!(reasons, [reason], "{bindings}");
        assert!(evaluation.refused.is_empty());
    }
}

#[test]
fn a_log_that_is_there_without_a_line_is_known() {
    let logs = "logs: { w: { source: 'pod/default/*/main', pattern: lost } }\n";
    let none = "  - { each: p, in: Pod }\n  - { none: r, in: logs.w, where: it.pod == p }";
    let rule = format!("{logs}{}", rule(none, "p"));
    let line = "2024-05-01T11:00:00Z fine\n";
    let read = Stage::of(cluster()).log("logs/default/a/main.log", line);
    assert_eq!(outcome(&read, &rule), (None, 1));
    let empty = Stage::of(cluster()).log("logs/default/a/main.log", "");
    assert_eq!(outcome(&empty, &rule), (None, 1));
    // Logs of the namespace, and none of this pod.
    let other = Stage::of(cluster()).log("logs/default/b/main.log", line);
    let reason = "needs logs of pod/default/*/main, and not every pod sent one";
    assert_eq!(outcome(&other, &rule), (Some(reason.to_owned()), 0));
    let reason = "needs logs of pod/default/*/main, which are not in the bundle";
    let absent = Stage::of(cluster());
    assert_eq!(outcome(&absent, &rule), (Some(reason.to_owned()), 0));
}

#[test]
fn an_exception_that_may_hold_lowers_the_confidence() {
    for exception in [
        "{ when: n.vmis().size() == 0, reason: R }",
        "{ none: v, in: VirtualMachine, reason: R }",
        "{ some: v, in: Pod, where: absent(it.node().machine()), reason: R }",
    ] {
        let rule = format!(
            "match: [{{ each: n, in: Node n2 }}]\nunless: [{exception}]\nfinding: {{ subject: n, message: M, confidence: certain }}\n"
        );
        let whole = Stage::of(cluster()).evaluate(&rule);
        assert!(whole.findings[0].suppressed.is_some(), "{exception}");
        let partly = partly().evaluate(&rule);
        assert!(partly.findings[0].suppressed.is_none(), "{exception}");
        let confidence = partly.findings[0].confidence;
        assert_eq!(confidence, Confidence::Possible, "{exception}");
    }
}
