use super::*;
use crate::diagnosis::Order;
use crate::diagnosis::causality::explain;
use crate::diagnosis::facts::{
    ConditionStatus, Coverage, LastMovement, NotEvaluated, StorageSummary, VolumeSummary,
};
use crate::diagnosis::sample::{ago, facts, finding, node, node_name, upgrade};
use crate::finding::{Confidence, RemedyStep, Risk};
use crate::span::{Problem, ProblemKind};

fn verdict(facts: &Facts, findings: Vec<Finding>) -> Verdict {
    let (findings, diagnoses) = explain(findings, &[]);
    judge(&findings, &diagnoses, &[], facts)
}

fn short(facts: &Facts, findings: Vec<Finding>) -> (VerdictState, Action) {
    let verdict = verdict(facts, findings);
    (verdict.state, verdict.action)
}

fn healthy() -> Vec<NodeSummary> {
    ["harv-1", "harv-2", "harv-3", "harv-4"].map(node).into()
}

fn upgrading(state: UpgradeState, phase: UpgradePhase, nodes: Vec<NodeSummary>) -> Facts {
    let steps = [
        ("harv-1", "Succeeded"),
        ("harv-2", "Images preloaded"),
        ("harv-3", "Pre-draining"),
        ("harv-4", "Images preloaded"),
    ];
    Facts {
        upgrade: Some(upgrade(state, phase, &steps)),
        ..facts(nodes)
    }
}

fn lost_node() -> Finding {
    finding("upgrade-node-lost-deadlock", "upgrade", Severity::Critical)
        .on_node("harv-3")
        .sure(Confidence::Certain)
        .titled("The upgrade waits for harv-3, which is not Ready; no other node may start")
}

/// Four nodes, three of them control plane; a lost SSD took two nodes during an upgrade.
#[test]
fn two_nodes_lost_with_quorum_kept_are_repaired() {
    let nodes = vec![
        node("harv-1"),
        node("harv-2"),
        node("harv-3").unknown("2d 15h"),
        node("harv-4").unknown("2d 15h"),
    ];
    let mut facts = upgrading(UpgradeState::Stuck, UpgradePhase::PreDrain, nodes);
    if let Some(upgrade) = &mut facts.upgrade {
        upgrade.blocked_on = Some(node_name("harv-3"));
    }
    let verdict = verdict(&facts, vec![lost_node()]);
    assert_eq!(
        (verdict.state, verdict.action),
        (VerdictState::UpgradeStuck, Action::Repair)
    );
    assert_eq!(
        verdict.summary,
        "The upgrade waits for harv-3, which is not Ready; no other node may start. \
         etcd has 2 of 3 members, quorum 2: one more loss ends the cluster."
    );
    assert!(
        verdict.facts.iter().any(|fact| fact.contains("margin 0")),
        "{:?}",
        verdict.facts
    );
    assert!(
        verdict.save_first[0].contains("harv-1 or harv-2"),
        "{:?}",
        verdict.save_first
    );
    assert!(verdict.collect.is_empty());
}

#[test]
fn a_cause_outside_the_upgrade_is_told_with_its_effect() {
    let facts = upgrading(UpgradeState::Stuck, UpgradePhase::PreDrain, healthy());
    let link = crate::diagnosis::Link {
        cause_rule: "disk".into(),
        effect_rule: "upgrade-node-lost-deadlock".into(),
        same: vec!["node".into()],
        order: crate::diagnosis::Order::Any,
        strength: Confidence::Certain,
        note: None,
    };
    let disk = finding("disk", "storage", Severity::Error)
        .on_node("harv-3")
        .titled("Disk sda of harv-3 fails");
    let (findings, diagnoses) = explain(vec![lost_node(), disk], &[link]);
    let verdict = judge(&findings, &diagnoses, &[], &facts);
    assert_eq!(verdict.action, Action::Repair);
    assert_eq!(
        verdict.summary,
        "Disk sda of harv-3 fails. Hence: The upgrade waits for harv-3, which is not Ready; no other node may \
         start. etcd has 3 of 3 members, quorum 2: it can lose 1 more."
    );
}

#[test]
fn two_of_three_control_plane_nodes_lost_means_rebuild() {
    let nodes = vec![
        node("harv-1"),
        node("harv-2").unknown("2d 15h"),
        node("harv-3").gone(),
        node("harv-4"),
    ];
    for facts in [
        upgrading(UpgradeState::Stuck, UpgradePhase::PreDrain, nodes.clone()),
        facts(nodes),
    ] {
        let verdict = verdict(&facts, vec![lost_node()]);
        assert_eq!(verdict.action, Action::Rebuild);
        assert_eq!(
            verdict.summary,
            "2 of 3 control plane nodes are lost (harv-2 and harv-3): build the cluster anew and restore, \
             unless harv-2 or harv-3 can be brought back. Before anything else, save what is listed."
        );
        assert!(verdict.save_first.len() >= 3);
        assert!(
            verdict.facts[0]
                .starts_with("harv-2 is lost to the control plane: no sign of life for 2d15h")
        );
    }
}

#[test]
fn a_moving_upgrade_waits_unless_something_is_broken() {
    let mut facts = upgrading(UpgradeState::Progressing, UpgradePhase::PreDrain, healthy());
    if let Some(upgrade) = &mut facts.upgrade {
        let what = "harv-3 became Pre-draining".into();
        upgrade.last_movement = Some(LastMovement {
            time: ago("4m"),
            what,
            evidence: None,
        });
    }
    let warning = finding("w", "storage", Severity::Warning);
    let error = finding("e", "storage", Severity::Error).titled("Disk sda of harv-2 fails");
    let progressing = VerdictState::UpgradeProgressing;
    assert_eq!(short(&facts, vec![]), (progressing, Action::Wait));
    assert_eq!(short(&facts, vec![warning]), (progressing, Action::Wait));
    let verdict = verdict(&facts, vec![error.clone()]);
    assert_eq!(
        (verdict.state, verdict.action),
        (progressing, Action::Repair)
    );
    assert_eq!(
        verdict.summary,
        "The upgrade moves: harv-3 became Pre-draining, 4m before the bundle was made. But: Disk sda of harv-2 fails."
    );
    assert_eq!(
        short(&facts, vec![error.clone().suppressed_by("accepted")]),
        (progressing, Action::Wait)
    );

    // One whose turn is still to come is to be mended before; one that is done can wait.
    let on = |name: &str| {
        let facts = self::verdict(&facts, vec![error.clone().on_node(name)]).facts;
        facts.into_iter().find(|it| it.contains("its turn"))
    };
    let before = "harv-4 has a fault to mend before its turn comes";
    assert_eq!(on("harv-4").as_deref(), Some(before));
    assert_eq!((on("harv-1"), on("harv-3")), (None, None));

    // The node at work may be down, another may not.
    facts.cluster.nodes[2] = node("harv-3").unknown("3m");
    assert_eq!(short(&facts, vec![]), (progressing, Action::Wait));
    facts.cluster.nodes[3] = node("harv-4").unknown("3m");
    assert_eq!(short(&facts, vec![]), (progressing, Action::CollectMore));
    facts.cluster.nodes[3] = node("harv-4");
    if let Some(upgrade) = &mut facts.upgrade {
        upgrade.state = UpgradeState::Paused;
    }
    assert_eq!(short(&facts, vec![]), (progressing, Action::None));
}

#[test]
fn a_standstill_without_a_cause_asks_for_more() {
    for (state, phase, expected) in [
        (
            UpgradeState::Stuck,
            UpgradePhase::PreDrain,
            VerdictState::UpgradeStuck,
        ),
        (
            UpgradeState::Failed,
            UpgradePhase::Manifests,
            VerdictState::UpgradeFailed,
        ),
        (
            UpgradeState::Failed,
            UpgradePhase::Precheck,
            VerdictState::UpgradeRefused,
        ),
        (
            UpgradeState::Stuck,
            UpgradePhase::Precheck,
            VerdictState::UpgradeRefused,
        ),
    ] {
        let facts = upgrading(state, phase, healthy());
        let verdict = verdict(&facts, vec![]);
        assert_eq!(
            (verdict.state, verdict.action),
            (expected, Action::CollectMore)
        );
        assert!(
            verdict.summary.contains("no known cause of that matched"),
            "{}",
            verdict.summary
        );
        assert!(verdict.collect.contains(
            &"kubectl -n fleet-local get secret custom-harv-3-machine-plan -o yaml".to_owned()
        ));
        assert_eq!(short(&facts, vec![lost_node()]), (expected, Action::Repair));
    }
    let facts = upgrading(UpgradeState::Stuck, UpgradePhase::PreDrain, healthy());
    let action = |finding: Finding| short(&facts, vec![finding]).1;
    // A fault elsewhere is no cause of the standstill; one of the node at work may be.
    assert_eq!(
        action(finding("d", "storage", Severity::Error).on_node("harv-2")),
        Action::CollectMore
    );
    assert_eq!(
        action(finding("d", "storage", Severity::Error).on_node("harv-3")),
        Action::Repair
    );
    assert_eq!(
        action(finding("d", "storage", Severity::Warning).on_node("harv-3")),
        Action::CollectMore
    );
    assert_eq!(
        action(finding("u", "upgrade", Severity::Warning)),
        Action::Repair
    );
    assert_eq!(
        action(finding("u", "upgrade", Severity::Info)),
        Action::CollectMore
    );
}

#[test]
fn nodes_and_the_rest() {
    use Severity::{Critical, Error, Info, Warning};
    let up = || facts(healthy());
    let down = |ready| {
        let mut nodes = healthy();
        nodes[3] = NodeSummary {
            ready: Some(ready),
            ..node("harv-4").unknown("2d")
        };
        facts(nodes)
    };
    let node_failure = VerdictState::NodeFailure;
    let not_ready = finding("node-notready-unknown", "node", Error).on_node("harv-4");
    let of_bundle = finding("support-bundle-node-missing", "bundle", Warning).on_node("harv-4");
    for (facts, findings, expected) in [
        (
            down(ConditionStatus::Unknown),
            vec![not_ready.clone()],
            (node_failure, Action::Repair),
        ),
        (
            down(ConditionStatus::False),
            vec![],
            (node_failure, Action::CollectMore),
        ),
        (
            down(ConditionStatus::Unknown),
            vec![of_bundle.clone()],
            (node_failure, Action::CollectMore),
        ),
        (
            up(),
            vec![finding("d", "storage", Critical).on_node("harv-1")],
            (node_failure, Action::Repair),
        ),
        (
            up(),
            vec![finding("d", "storage", Warning).on_node("harv-1")],
            (VerdictState::Degraded, Action::Repair),
        ),
        (
            up(),
            vec![finding("v", "storage", Error)],
            (VerdictState::Degraded, Action::Repair),
        ),
        (
            up(),
            vec![finding("i", "vm", Info)],
            (VerdictState::NoFinding, Action::None),
        ),
        (
            up(),
            vec![of_bundle],
            (VerdictState::NoFinding, Action::None),
        ),
        (
            up(),
            vec![not_ready.suppressed_by("accepted")],
            (VerdictState::NoFinding, Action::None),
        ),
        (up(), vec![], (VerdictState::NoFinding, Action::None)),
    ] {
        assert_eq!(short(&facts, findings.clone()), expected, "{findings:#?}");
    }
    let facts = Facts {
        upgrade: Some(upgrade(UpgradeState::Aborted, UpgradePhase::Manifests, &[])),
        ..up()
    };
    assert_eq!(
        short(&facts, vec![]),
        (VerdictState::Degraded, Action::Repair)
    );
}

#[test]
fn silence_is_not_health() {
    let mut facts = facts(healthy());
    let none = verdict(&facts, vec![]);
    assert_eq!(
        none.summary,
        "No known cause matched in what was examined. That is no proof of health."
    );

    facts.coverage.not_evaluated.push(NotEvaluated {
        rule: "r".into(),
        reason: "needs x".into(),
    });
    assert_eq!(
        short(&facts, vec![]).1,
        Action::None,
        "a rule that cannot run is told, and is no missing file"
    );
    facts.coverage.namespaces.missing = vec!["customer-a".into()];
    assert_eq!(short(&facts, vec![]).1, Action::None);

    facts
        .coverage
        .namespaces
        .missing
        .push("longhorn-system".into());
    facts.coverage.nodes_without_host_logs.push("harv-2".into());
    facts.coverage.problems = vec![
        Problem::new("nodes/harv-2.zip", ProblemKind::Missing, "not there"),
        Problem::new("logs/a.log", ProblemKind::Truncated, "ends early"),
        Problem::new("yamls/b.yaml", ProblemKind::Syntax, "bad indentation"),
    ];
    let more = verdict(&facts, vec![]);
    assert_eq!(
        (more.state, more.action),
        (VerdictState::NoFinding, Action::CollectMore)
    );
    let starts: Vec<&str> = more
        .collect
        .iter()
        .map(|line| line.split(':').next().unwrap())
        .collect();
    assert_eq!(
        starts,
        [
            "nodes/harv-2.zip",
            "logs/a.log",
            "yamls/namespaced/longhorn-system and logs/longhorn-system"
        ]
    );

    facts.coverage = Coverage {
        files: 3,
        bytes: 10,
        ..Coverage::default()
    };
    let nothing = verdict(&facts, vec![]);
    assert_eq!(
        (nothing.state, nothing.action),
        (VerdictState::NotAssessable, Action::CollectMore)
    );
}

#[test]
fn margins_in_words() {
    use crate::diagnosis::facts::EtcdSummary;
    for (members, healthy, words) in [
        (
            3,
            Some(3),
            "etcd has 3 of 3 members, quorum 2: it can lose 1 more.",
        ),
        (
            3,
            Some(2),
            "etcd has 2 of 3 members, quorum 2: one more loss ends the cluster.",
        ),
        (
            2,
            Some(2),
            "etcd has 2 of 2 members, quorum 2: one more loss ends the cluster.",
        ),
        (
            1,
            Some(1),
            "etcd has a single member: its loss ends the cluster.",
        ),
        (
            3,
            Some(1),
            "etcd has 1 of 3 members, fewer than its quorum of 2.",
        ),
        (3, None, "How many etcd members are healthy is not known."),
    ] {
        let mut facts = facts(healthy_with_one_down());
        facts.cluster.etcd = Some(EtcdSummary::new(members, None, healthy));
        let summary = verdict(&facts, vec![]).summary;
        assert!(summary.ends_with(words), "{summary}");
    }
}

fn healthy_with_one_down() -> Vec<NodeSummary> {
    let mut nodes = healthy();
    nodes[3] = node("harv-4").unknown("2d");
    nodes
}

#[test]
fn each_bad_node_is_named() {
    let bad = |node: &str| {
        finding("disk", "storage", Severity::Error)
            .on_node(node)
            .titled(&format!("Disk sda of {node} fails"))
    };
    let facts = facts(healthy());
    let verdict = verdict(&facts, vec![bad("harv-1"), bad("harv-2"), bad("harv-4")]);
    assert_eq!(verdict.state, VerdictState::NodeFailure);
    assert_eq!(
        verdict.summary,
        "Disk sda of harv-1 fails. etcd has 3 of 3 members, quorum 2: it can lose 1 more. \
         harv-2 and harv-4 have faults of their own."
    );
}

/// A volume that is gone is no fault of the node that used it.
#[test]
fn a_fault_of_volumes_is_no_fault_of_their_node() {
    let volume = crate::diagnosis::sample::object("Volume", Some("longhorn-system"), "pvc-1");
    let deleted = finding("stale", "storage", Severity::Error)
        .on_node("harv-2")
        .exporting("volumes", Export::Objects(vec![volume]));
    let facts = facts(healthy());
    assert_eq!(
        short(&facts, vec![deleted.clone()]),
        (VerdictState::Degraded, Action::Repair)
    );
    let disk = Export::Text("sdb".into());
    assert_eq!(
        short(&facts, vec![deleted.exporting("disk", disk)]).0,
        VerdictState::NodeFailure
    );
}

#[test]
fn snapshots_are_taken_from_sound_members() {
    let nodes = vec![
        node("harv-1"),
        node("harv-2"),
        node("harv-3").unknown("20m"),
        node("harv-4"),
    ];
    let facts = facts(nodes);
    let save = |findings: Vec<Finding>| verdict(&facts, findings).save_first.join("; ");
    let down = finding("node-notready-unknown", "node", Severity::Error).on_node("harv-3");
    let broken = |node: &str| finding("disk", "storage", Severity::Error).on_node(node);
    let said = save(vec![down.clone()]);
    assert!(said.contains(" of harv-1 or harv-2, copied"), "{said}");
    let said = save(vec![down.clone(), broken("harv-2")]);
    assert!(said.contains(" of harv-1, copied"), "{said}");
    let said = save(vec![down, broken("harv-1"), broken("harv-2")]);
    assert!(said.contains(" of harv-1 or harv-2, copied"), "{said}");
}

#[test]
fn a_rebuild_names_what_can_be_saved() {
    let mut facts = facts(vec![
        node("harv-1"),
        node("harv-2").unknown("2d"),
        node("harv-3").gone(),
    ]);
    let said = |facts: &Facts| {
        let verdict = verdict(facts, vec![lost_node()]);
        assert_eq!(verdict.action, Action::Rebuild);
        (verdict.save_first.join("\n"), verdict.facts.join("\n"))
    };
    assert!(said(&facts).0.contains("the bundle does not show which"));
    let volume = |name: &str, replicas: &[&str], last_backup| VolumeSummary {
        name: name.into(),
        claim: Some(format!("default/{name}")),
        robustness: Some("degraded".into()),
        replicas: replicas.iter().map(|&node| node.into()).collect(),
        last_backup,
    };
    facts.storage = Some(StorageSummary {
        volumes: vec![
            volume("db", &["harv-1", "harv-2"], None),
            volume("web", &["harv-2", "harv-3"], ago("1d")),
        ],
        backups_collected: true,
    });
    let (save, stated) = said(&facts);
    for words in [
        "1 volume with a usable replica on a node that answers, to be backed up or exported before any node is touched: default/db",
        "nowhere else is a usable replica of default/web",
        "the bundle shows one of 1 of 2 volumes",
    ] {
        assert!(save.contains(words), "{words}: {save}");
    }
    for words in [
        "of 2 volumes 2 degraded",
        "no usable replica on a node that answers: default/web",
    ] {
        assert!(stated.contains(words), "{words}: {stated}");
    }
    if let Some(storage) = &mut facts.storage {
        storage.backups_collected = false;
    }
    assert!(said(&facts).0.contains("the bundle does not show them"));
}

/// The old name of a host that came back under a new one is no lost member.
#[test]
fn a_renamed_host_is_not_lost() {
    let old = NodeSummary {
        renamed_to: Some("harv-3".into()),
        ..node("harv-2").unknown("2d")
    };
    let facts = facts(vec![node("harv-1"), old, node("harv-3")]);
    let plane = ControlPlane::count(&facts, &[]);
    assert_eq!((plane.size, plane.lost.len()), (2, 0));
}

#[test]
fn machines_are_told_with_their_nodes() {
    let mut facts = upgrading(UpgradeState::Stuck, UpgradePhase::PreDrain, healthy());
    if let Some(upgrade) = &mut facts.upgrade {
        upgrade.waits_for =
            Some("draining etcd node(s) custom-harv-2,custom-harv-30: probes".into());
        upgrade.blocked_on = Some(node_name("harv-3"));
    }
    let facts = verdict(&facts, vec![]).facts;
    for words in [
        "the planner waits: draining etcd node(s) custom-harv-2 (harv-2),custom-harv-30: probes",
        "harv-3 holds up harv-2, harv-4",
    ] {
        assert!(facts.iter().any(|fact| fact == words), "{words}: {facts:?}");
    }
}

/// A cause that is only possible, while what may lie behind it could not be looked for, is no ground
/// to act on: what would decide is named first.
#[test]
fn what_would_decide_between_causes_is_named() {
    let nodes = vec![
        node("harv-1"),
        node("harv-2"),
        node("harv-3"),
        node("harv-4"),
    ];
    let mut facts = upgrading(UpgradeState::Stuck, UpgradePhase::PreDrain, nodes);
    let lacks = |rule: &str, reason: &str| NotEvaluated {
        rule: rule.into(),
        reason: reason.into(),
    };
    let kernel = "not evaluated on harv-3: no node/kernel";
    facts.coverage.not_evaluated = vec![
        lacks(
            "disk-io-error",
            &format!("{kernel}; needs Pod of all namespaces, and default were not collected"),
        ),
        lacks("host-oom", kernel),
        lacks("smart-failing", "not evaluated on harv-3: no host files"),
        lacks("on-another-node", "not evaluated on harv-4: no node/kernel"),
        lacks("of-something-else", kernel),
    ];
    let link = |cause: &str| Link {
        cause_rule: cause.into(),
        effect_rule: "hook-slow".into(),
        same: vec!["node".into()],
        order: Order::Any,
        strength: Confidence::Likely,
        note: None,
    };
    let links = [
        "disk-io-error",
        "host-oom",
        "smart-failing",
        "on-another-node",
    ]
    .map(link);
    let slow = |confidence| {
        let mut slow = finding("hook-slow", "upgrade", Severity::Error)
            .on_node("harv-3")
            .sure(confidence)
            .titled("The hook of harv-3 is slow");
        let step = |risk, command: &str| RemedyStep {
            text: "t".into(),
            command: Some(command.into()),
            risk,
            check: None,
            forbids_meanwhile: None,
        };
        slow.remedy = vec![
            step(Risk::Safe, "iostat 1"),
            step(Risk::Disruptive, "reboot"),
        ];
        slow
    };
    let judged = |confidence, facts: &Facts| {
        let (findings, diagnoses) = explain(vec![slow(confidence)], &links);
        judge(&findings, &diagnoses, &links, facts)
    };

    let open = judged(Confidence::Possible, &facts);
    assert_eq!(open.action, Action::CollectMore);
    assert!(
        open.summary.contains("The hook of harv-3 is slow."),
        "{}",
        open.summary
    );
    assert_eq!(
        open.collect[..2],
        [
            "whether it is so that \"The hook of harv-3 is slow\": iostat 1",
            "what lies behind \"The hook of harv-3 is slow\", for which no rule could look: \
             disk-io-error, host-oom (not evaluated on harv-3: no node/kernel); \
             smart-failing (not evaluated on harv-3: no host files)",
        ]
    );
    assert!(open.collect.len() > 2, "and how to get it");

    let sure = judged(Confidence::Likely, &facts);
    assert_eq!((sure.action, sure.collect), (Action::Repair, vec![]));

    facts.coverage.not_evaluated.clear();
    let alone = judged(Confidence::Possible, &facts);
    assert_eq!(alone.action, Action::Repair);
    assert_eq!(alone.collect.len(), 1, "{:?}", alone.collect);
}
