//! Whole reports built by hand, as the rest of the pipeline would fill them, for tests of the writers.

use super::{Report, RuleSetInfo, Tool};
use crate::diagnosis::facts::*;
use crate::diagnosis::sample::*;
use crate::diagnosis::{Link, Order};
use crate::finding::{Confidence, Evidence, Export, Finding, RemedyStep, Risk, Severity};
use crate::span::{Problem, ProblemKind};

fn report(facts: Facts, findings: Vec<Finding>, links: &[Link]) -> Report {
    let rules = RuleSetInfo {
        count: 150,
        digest: "sha256:0123456789abcdef".into(),
    };
    let tool = Tool {
        version: "0.1.0".into(),
        ..Tool::new(rules)
    };
    Report::new(tool, facts, findings, links)
}

fn link(cause: &str, effect: &str, same: &str, order: Order) -> Link {
    Link {
        cause_rule: cause.into(),
        effect_rule: effect.into(),
        same: vec![same.into()],
        order,
        strength: Confidence::Certain,
        note: None,
    }
}

/// A dead SSD took two of four nodes, one of them control plane, in the middle of an upgrade.
pub(crate) fn stuck_upgrade() -> Report {
    let nodes = vec![
        NodeSummary {
            kubelet_version: Some("v1.30.7+rke2r1".into()),
            ..node("harv-1")
        },
        node("harv-2"),
        node("harv-3").unknown("2d 15h"),
        node("harv-4").unknown("2d 15h"),
    ];
    let mut facts = facts(nodes);
    let steps = [
        ("harv-1", "Succeeded"),
        ("harv-2", "Images preloaded"),
        ("harv-3", "Pre-draining"),
        ("harv-4", "Images preloaded"),
    ];
    let mut upgrade = upgrade(UpgradeState::Stuck, UpgradePhase::PreDrain, &steps);
    upgrade.blocked_on = Some(node_name("harv-3"));
    upgrade.waits_for = Some("draining etcd node(s) custom-harv-3".into());
    upgrade.last_movement = Some(LastMovement {
        time: ago("2d 14h"),
        what: "harv-3 became Pre-draining".into(),
        evidence: None,
    });
    facts.upgrade = Some(upgrade);
    facts.coverage.problems = vec![
        Problem::new(
            "nodes/harv-3.zip",
            ProblemKind::Missing,
            "the collector could not reach the node",
        ),
        Problem::new(
            "nodes/harv-4.zip",
            ProblemKind::Missing,
            "the collector could not reach the node",
        ),
    ];
    facts.coverage.not_evaluated = ["disk-io-error", "host-oom", "smart-pending-sectors"]
        .into_iter()
        .flat_map(|rule| {
            ["harv-3", "harv-4"].map(|node| NotEvaluated {
                rule: rule.into(),
                reason: format!("needs kernel.log of {node}"),
            })
        })
        .collect();
    let upgrade_object = Export::Object(object(
        "Upgrade",
        Some("harvester-system"),
        "hvst-upgrade-x7k2p",
    ));
    let not_ready = |name: &str, line: u32| {
        finding("node-notready-unknown", "node", Severity::Error)
            .on_node(name)
            .sure(Confidence::Certain)
            .titled(&format!("Node {name} has not answered for 2d15h"))
            .saying("Its kubelet stopped to report; the control plane set all its conditions to Unknown.")
            .since(ago("2d 15h"))
            .shown_by(vec![
                field("yamls/cluster/v1/nodes.yaml", line, node_name(name), "status.conditions[type=Ready].status", "Unknown"),
                Evidence {
                    path: format!("nodes/{name}.zip"),
                    absent: true,
                    note: Some("no node archive: the node did not answer".into()),
                    ..Evidence::default()
                },
            ])
            .mended_by(vec![
                step("Look at the host's console, disks and power.", None, Risk::Safe),
                step(
                    "If it boots but does not join, read its journal.",
                    Some("journalctl -b -u rke2-server -u rke2-agent -u rancher-system-agent"),
                    Risk::Safe,
                ),
            ])
    };
    let findings = vec![
        Finding {
            references: vec!["https://github.com/harvester/harvester/issues/7874".into()],
            ..finding("upgrade-node-lost-deadlock", "upgrade", Severity::Critical)
                .on_node("harv-3")
                .exporting("upgrade", upgrade_object.clone())
                .sure(Confidence::Certain)
                .titled("The upgrade waits for harv-3, which is not Ready; no other node may start")
                .saying(
                    "harv-3 is held in \"Pre-draining\". A node may work only while each other one is Succeeded or Images \
                     preloaded, and the entry of a lost node is never removed. Waiting behind it: harv-2, harv-4.",
                )
                .since(ago("2d 14h"))
                .shown_by(vec![
                    field(
                        "yamls/namespaced/harvester-system/harvesterhci.io/v1beta1/upgrades.yaml",
                        88,
                        object("Upgrade", Some("harvester-system"), "hvst-upgrade-x7k2p"),
                        "status.nodeStatuses[harv-3].state",
                        "Pre-draining",
                    ),
                    log(
                        "logs/harvester-system/harvester-6b8f8d7c5b-2xkqz/apiserver.log",
                        18_231,
                        ago("14m"),
                        "time=\"2025-03-17T08:58:01Z\" level=info msg=\"harv-3 is in \\\"Pre-draining\\\" state so harv-2 is not allowed to run any kind of job\"",
                    ),
                    field("yamls/cluster/v1/nodes.yaml", 4_711, node_name("harv-3"), "spec.unschedulable", "true"),
                ])
                .mended_by(vec![
                    step("Check the etcd margin first: one more loss must not cost the quorum.", None, Risk::Safe),
                    step("Bring harv-3 back if its system disk lives; the upgrade goes on by itself.", None, Risk::Safe),
                    step(
                        "Otherwise remove the node with its Machine, with support's help: Harvester has no documented way.",
                        Some("kubectl -n fleet-local delete machines.cluster.x-k8s.io custom-harv-3"),
                        Risk::Destructive,
                    ),
                ])
        },
        finding("predrain-pod-pending", "upgrade", Severity::Error)
            .about(object("Pod", Some("harvester-system"), "hvst-upgrade-x7k2p-pre-drain-abcde"))
            .exporting("node", Export::Object(node_name("harv-3")))
            .exporting("upgrade", upgrade_object.clone())
            .titled("The pre-drain pod of harv-3 has been Pending for 2d14h")
            .since(ago("2d 14h")),
        finding("images-preloaded-no-predrain", "upgrade", Severity::Warning)
            .about(node_name("harv-2"))
            .exporting("upgrade", upgrade_object)
            .titled("harv-2 has its images and is not allowed to go on")
            .since(ago("2d 14h")),
        not_ready("harv-3", 4_790),
        not_ready("harv-4", 6_120),
        finding("mixed-kubernetes-versions", "upgrade", Severity::Warning)
            .suppressed_by("the upgrade rolls through the nodes; one minor apart is expected"),
        finding("support-bundle-node-missing", "bundle", Severity::Info),
    ];
    let links = [
        link(
            "node-notready-unknown",
            "upgrade-node-lost-deadlock",
            "node",
            Order::CauseFirst,
        ),
        link(
            "upgrade-node-lost-deadlock",
            "predrain-pod-pending",
            "node",
            Order::Any,
        ),
        link(
            "upgrade-node-lost-deadlock",
            "images-preloaded-no-predrain",
            "upgrade",
            Order::Any,
        ),
    ];
    report(facts, findings, &links)
}

/// Most of the control plane is gone; no upgrade runs. The log holds a password and an escape sequence.
pub(crate) fn node_failure() -> Report {
    let mut facts = facts(vec![
        node("harv-1"),
        node("harv-2").unknown("3d"),
        node("harv-3").gone(),
        NodeSummary {
            schedulable: Some(false),
            ..node("harv-4")
        },
    ]);
    facts.coverage.nodes_without_host_logs = vec!["harv-2".into(), "harv-3".into()];
    let volume = |name: &str| {
        finding("volume-faulted", "storage", Severity::Error)
            .about(object("longhorn.io/Volume", Some("longhorn-system"), name))
            .titled(&format!("Volume {name} has no healthy replica"))
            .saying("All its replicas were on harv-2 and harv-3.")
            .mended_by(vec![step(
                "Restore it from its backup.",
                None,
                Risk::Disruptive,
            )])
    };
    let mut findings: Vec<Finding> = (1..=9)
        .map(|number| volume(&format!("pvc-0{number}")))
        .collect();
    findings.push(
        finding("node-notready-unknown", "node", Severity::Critical)
            .on_node("harv-2")
            .sure(Confidence::Certain)
            .titled("Node harv-2 has not answered for 3d")
            .since(ago("3d"))
            .shown_by(
                (0..7)
                    .map(|number| {
                        log(
                            "logs/kube-system/kube-controller-manager-harv-1/kube-controller-manager.log",
                            9_100 + number,
                            ago("3d"),
                            "\u{1b}[31mE0314\u{1b}[0m 09:12:44.120441 1 controller.go:1] \"lease not renewed\" password=hunter2 url=\"https://admin:pw@10.0.0.2/\"",
                        )
                    })
                    .collect(),
            )
            .mended_by(vec![step("Look at the host's console, disks and power.", None, Risk::Safe)]),
    );
    let mut report = report(facts, findings, &[]);
    super::mask::mask(&mut report);
    report
}

/// All was read and no rule matched, but for one remark.
pub(crate) fn nothing_found() -> Report {
    let facts = facts(["harv-1", "harv-2", "harv-3"].map(node).into());
    report(
        facts,
        vec![finding("addon-disabled", "vm", Severity::Info)],
        &[],
    )
}

/// Of the bundle only a torn log is left.
pub(crate) fn broken_bundle() -> Report {
    let mut facts = Facts {
        bundle: BundleInfo {
            file: "bundle.zip".into(),
            ..BundleInfo::default()
        },
        ..Facts::default()
    };
    facts.coverage.files = 2;
    facts.coverage.bytes = 812;
    facts.coverage.problems = vec![
        Problem::new(
            "bundle.zip",
            ProblemKind::Truncated,
            "the archive has no end record; 2 of its entries could be salvaged",
        ),
        Problem::new("metadata.yaml", ProblemKind::Missing, "not in the archive"),
        Problem::new("yamls", ProblemKind::Missing, "not in the archive"),
        Problem::new(
            "nodes/harv-1.zip",
            ProblemKind::Truncated,
            "ends in the middle of an entry",
        ),
        Problem::new(
            "logs/kube-system/a/b.log",
            ProblemKind::Unreadable,
            "checksum does not match",
        ),
        Problem::new(
            "logs/kube-system/a/c.log",
            ProblemKind::Encoding,
            "not UTF-8",
        )
        .at_line(3),
        Problem::new(
            "logs/kube-system/a/d.log",
            ProblemKind::Limit,
            "larger than 1 GB",
        ),
    ];
    report(facts, Vec::new(), &[])
}

/// A large cluster whose upgrade moves; one node is cordoned.
pub(crate) fn hundred_nodes() -> Report {
    let names: Vec<String> = (1..=100).map(|number| format!("harv-{number}")).collect();
    let version = |number: usize| {
        if number < 60 {
            "v1.30.7+rke2r1"
        } else {
            "v1.29.9+rke2r1"
        }
    };
    let mut nodes: Vec<NodeSummary> = names
        .iter()
        .enumerate()
        .map(|(number, name)| NodeSummary {
            kubelet_version: Some(version(number).into()),
            ..node(name)
        })
        .collect();
    nodes[60] = NodeSummary {
        schedulable: Some(false),
        ..nodes[60].clone()
    };
    nodes[71] = NodeSummary {
        schedulable: Some(false),
        ..nodes[71].clone()
    };
    let steps: Vec<(&str, &str)> = names
        .iter()
        .enumerate()
        .map(|(number, name)| {
            let state = match number {
                0..60 => "Succeeded",
                60 => "Pre-drained",
                _ => "Images preloaded",
            };
            (name.as_str(), state)
        })
        .collect();
    let mut upgrade = upgrade(UpgradeState::Progressing, UpgradePhase::PreDrain, &steps);
    upgrade.since = ago("9m");
    upgrade.last_movement = Some(LastMovement {
        time: ago("9m"),
        what: "harv-61 became Pre-drained".into(),
        evidence: None,
    });
    let facts = Facts {
        upgrade: Some(upgrade),
        ..facts(nodes)
    };
    let slow = finding("etcd-slow-fsync", "etcd", Severity::Warning)
        .on_node("harv-2")
        .titled("etcd on harv-2 writes slowly: 312 fsyncs above 100 ms in the last hour, the slowest took 1.9 s")
        .since(ago("50m"));
    let slow = Finding {
        last_seen: ago("1m"),
        count: 312,
        status: "experimental".into(),
        ..slow
    };
    report(facts, vec![slow], &[])
}

/// Two findings explain each other, and a healthy cluster otherwise.
pub(crate) fn degraded() -> Report {
    let on = |rule: &str, severity, title: &str| {
        finding(rule, "storage", severity)
            .on_node("harv-1")
            .titled(title)
    };
    let findings = vec![
        on(
            "disk-pressure",
            Severity::Error,
            "harv-1 is under disk pressure",
        )
        .mended_by(vec![RemedyStep {
            check: Some("DiskPressure is False on harv-1.".into()),
            forbids_meanwhile: Some("Do not start an upgrade: it loads images onto harv-1.".into()),
            ..step(
                "Remove images that no container uses.",
                Some("crictl rmi --prune"),
                Risk::Disruptive,
            )
        }]),
        on(
            "image-gc-failed",
            Severity::Warning,
            "Images on harv-1 cannot be removed",
        ),
        on(
            "pods-evicted",
            Severity::Warning,
            "14 pods were evicted from harv-1",
        ),
        on(
            "host-oom",
            Severity::Error,
            "The kernel of harv-1 killed 2 processes for want of memory",
        )
        .since(ago("6d"))
        .over(ago("5d 2h")),
    ];
    let links = [
        link("disk-pressure", "image-gc-failed", "node", Order::Any),
        link("image-gc-failed", "disk-pressure", "node", Order::Any),
        link("disk-pressure", "pods-evicted", "node", Order::Any),
    ];
    report(
        facts(["harv-1", "harv-2", "harv-3"].map(node).into()),
        findings,
        &links,
    )
}
