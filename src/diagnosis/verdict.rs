//! The state of the cluster and what to do about it, with the facts that say so.

mod words;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::control_plane::ControlPlane;
use super::facts::{NodeSummary, UpgradePhase, UpgradeState, UpgradeSummary};
use super::{Diagnosis, Facts, collect};
use crate::finding::{Confidence, Export, Finding, ObjectName, Severity};

/// State, action and their reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// What state the cluster is in.
    pub state: VerdictState,
    /// What to do about it.
    pub action: Action,
    /// One or two sentences.
    pub summary: String,
    /// What the verdict rests on.
    pub facts: Vec<String>,
    /// What to bring to safety before anything else.
    pub save_first: Vec<String>,
    /// Files of the bundle or commands that would tell more.
    pub collect: Vec<String>,
}

/// What state the cluster is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum VerdictState {
    /// An upgrade stands still.
    UpgradeStuck,
    /// An upgrade gave up.
    UpgradeFailed,
    /// An upgrade was not let in.
    UpgradeRefused,
    /// An upgrade is under way.
    UpgradeProgressing,
    /// A node is down or broken.
    NodeFailure,
    /// Something else is wrong.
    Degraded,
    /// No known cause matched. Not the same as healthy.
    NoFinding,
    /// Neither objects nor logs could be read.
    NotAssessable,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Most of the control plane is lost: build anew and restore.
    Rebuild,
    /// Mend what is there.
    Repair,
    /// Let it go on.
    Wait,
    /// Nothing.
    None,
    /// Fetch what is missing before deciding.
    CollectMore,
}

/// Draws the verdict. Conservative: what the facts do not show is not claimed, and that no rule
/// matched is never taken for health.
#[must_use]
pub fn judge(findings: &[Finding], diagnoses: &[Diagnosis], facts: &Facts) -> Verdict {
    let ground = Ground::new(findings, diagnoses, facts);
    let state = ground.state();
    let action = ground.action(state);
    Verdict {
        state,
        action,
        summary: ground.summary(state, action),
        facts: ground.facts_stated(),
        save_first: ground.save_first(action),
        collect: if action == Action::CollectMore {
            collect::more(facts, state)
        } else {
            Vec::new()
        },
    }
}

/// What the verdict is drawn from.
struct Ground<'a> {
    facts: &'a Facts,
    upgrade: Option<&'a UpgradeSummary>,
    /// Diagnoses of faults that are present, each with its findings.
    present: Vec<(&'a Diagnosis, Vec<&'a Finding>)>,
    control_plane: ControlPlane,
}

impl<'a> Ground<'a> {
    fn new(findings: &'a [Finding], diagnoses: &'a [Diagnosis], facts: &'a Facts) -> Self {
        let by_id: BTreeMap<&str, &Finding> = findings
            .iter()
            .map(|finding| (finding.id.as_str(), finding))
            .collect();
        let family = |diagnosis: &'a Diagnosis| {
            let ids = std::iter::once(&diagnosis.cause.finding).chain(&diagnosis.effects);
            ids.filter_map(|id| by_id.get(id.as_str()).copied())
                .collect()
        };
        Ground {
            facts,
            upgrade: facts.upgrade.as_ref(),
            present: diagnoses
                .iter()
                .filter(|diagnosis| !diagnosis.history)
                .map(|one| (one, family(one)))
                .collect(),
            control_plane: ControlPlane::count(facts, findings),
        }
    }

    fn state(&self) -> VerdictState {
        let coverage = &self.facts.coverage;
        if coverage.objects == 0 && coverage.log_lines == 0 {
            return VerdictState::NotAssessable;
        }
        if let Some(upgrade) = self.upgrade {
            match (upgrade.state, upgrade.phase) {
                (UpgradeState::Stuck | UpgradeState::Failed, Some(UpgradePhase::Precheck)) => {
                    return VerdictState::UpgradeRefused;
                }
                (UpgradeState::Stuck, _) => return VerdictState::UpgradeStuck,
                (UpgradeState::Failed, _) => return VerdictState::UpgradeFailed,
                (UpgradeState::Progressing | UpgradeState::Paused, _) => {
                    return VerdictState::UpgradeProgressing;
                }
                (UpgradeState::Aborted | UpgradeState::Succeeded | UpgradeState::Unknown, _) => {}
            }
        }
        if self.refusal().is_some() {
            return VerdictState::UpgradeRefused;
        }
        if self.control_plane.is_lost()
            || self
                .facts
                .cluster
                .nodes
                .iter()
                .any(NodeSummary::is_not_ready)
            || self
                .faults(Severity::Error)
                .any(|(_, family)| family.first().is_some_and(|cause| is_node_fault(cause)))
        {
            VerdictState::NodeFailure
        } else if self.faults(Severity::Warning).next().is_some() || self.is_aborted() {
            VerdictState::Degraded
        } else {
            VerdictState::NoFinding
        }
    }

    fn action(&self, state: VerdictState) -> Action {
        if self.control_plane.is_lost() {
            return Action::Rebuild;
        }
        match state {
            VerdictState::NotAssessable => Action::CollectMore,
            VerdictState::UpgradeStuck
            | VerdictState::UpgradeFailed
            | VerdictState::UpgradeRefused => {
                if self.explains_upgrade().is_some() {
                    Action::Repair
                } else {
                    Action::CollectMore
                }
            }
            VerdictState::UpgradeProgressing => {
                if self.faults(Severity::Error).next().is_some() {
                    Action::Repair
                } else if self.knows_no_node() || !self.nodes_down_unasked().is_empty() {
                    Action::CollectMore
                } else if self
                    .upgrade
                    .is_some_and(|upgrade| upgrade.state == UpgradeState::Paused)
                {
                    Action::None
                } else {
                    Action::Wait
                }
            }
            VerdictState::NodeFailure => {
                let unexplained = |node: &&NodeSummary| {
                    node.is_not_ready() && self.explains_node(&node.name).is_none()
                };
                let down = self
                    .facts
                    .cluster
                    .nodes
                    .iter()
                    .filter(|node| node.is_not_ready())
                    .count();
                let dark = self.facts.cluster.nodes.iter().filter(unexplained).count();
                if down > 0 && dark == down {
                    Action::CollectMore
                } else {
                    Action::Repair
                }
            }
            VerdictState::Degraded => {
                // One reading among others, where what would tell them apart is missing.
                let sure = self
                    .faults(Severity::Warning)
                    .any(|(diagnosis, _)| diagnosis.confidence > Confidence::Possible);
                if sure || self.is_aborted() || collect::inputs_missing(self.facts).is_empty() {
                    Action::Repair
                } else {
                    Action::CollectMore
                }
            }
            VerdictState::NoFinding => {
                if collect::inputs_missing(self.facts).is_empty() {
                    Action::None
                } else {
                    Action::CollectMore
                }
            }
        }
    }

    /// Of no node is it known whether it is Ready: the Nodes were not collected.
    fn knows_no_node(&self) -> bool {
        !self
            .facts
            .cluster
            .nodes
            .iter()
            .any(|node| node.ready.is_some())
    }

    /// Diagnoses of the cluster at or above `least`. What is wrong with the bundle alone is none.
    fn faults(&self, least: Severity) -> impl Iterator<Item = (&'a Diagnosis, &[&'a Finding])> {
        self.present
            .iter()
            .filter(move |(diagnosis, family)| {
                diagnosis.severity >= least
                    && family.iter().any(|finding| finding.category != "bundle")
            })
            .map(|(diagnosis, family)| (*diagnosis, family.as_slice()))
    }

    /// The first diagnosis that has to do with the upgrade: with the Upgrade itself, with what holds
    /// it, or, if it is bad, with a node that it works on.
    fn explains_upgrade(&self) -> Option<&'a Diagnosis> {
        if let Some(refusal) = self.refusal() {
            return Some(refusal);
        }
        let upgrade = self.upgrade?;
        let touches = |finding: &Finding| {
            let about = || objects(finding);
            finding.category == "upgrade"
                || about().any(|object| {
                    object.kind.rsplit('/').next() == Some("Upgrade") && object.name == upgrade.name
                })
                || upgrade
                    .blocked_on
                    .as_ref()
                    .is_some_and(|blocker| about().any(|object| object == blocker))
                || finding.severity >= Severity::Error
                    && upgrade.nodes.iter().any(|node| {
                        node.is_active() && about().any(|object| is_node(object, &node.name))
                    })
        };
        self.faults(Severity::Warning)
            .find(|(_, family)| {
                family
                    .iter()
                    .any(|finding| finding.severity >= Severity::Warning && touches(finding))
            })
            .map(|(diagnosis, _)| diagnosis)
    }

    /// The first diagnosis of what made the webhook refuse an upgrade: one of its findings exports
    /// `refusal`, the webhook's own words. While an upgrade runs, an old refusal says nothing.
    fn refusal(&self) -> Option<&'a Diagnosis> {
        let runs = self.upgrade.is_some_and(|upgrade| {
            !matches!(
                upgrade.state,
                UpgradeState::Aborted | UpgradeState::Succeeded | UpgradeState::Unknown
            )
        });
        let refused = |family: &[&Finding]| {
            family
                .iter()
                .any(|finding| finding.exports.contains_key("refusal"))
        };
        self.faults(Severity::Error)
            .find(|(_, family)| !runs && refused(family))
            .map(|(diagnosis, _)| diagnosis)
    }

    fn explains_node(&self, node: &str) -> Option<&'a Diagnosis> {
        self.faults(Severity::Warning)
            .find(|(_, family)| {
                family
                    .iter()
                    .any(|finding| objects(finding).any(|object| is_node(object, node)))
            })
            .map(|(diagnosis, _)| diagnosis)
    }

    fn is_aborted(&self) -> bool {
        self.upgrade
            .is_some_and(|upgrade| upgrade.state == UpgradeState::Aborted)
    }

    fn nodes_down(&self) -> Vec<&'a str> {
        self.facts
            .cluster
            .nodes
            .iter()
            .filter(|node| node.is_not_ready())
            .map(|node| node.name.as_str())
            .collect()
    }

    /// Nodes that are down though the upgrade has not taken them in hand.
    fn nodes_down_unasked(&self) -> Vec<&'a str> {
        let in_hand = |name: &str| {
            self.upgrade.is_some_and(|upgrade| {
                upgrade
                    .nodes
                    .iter()
                    .any(|node| node.name == name && node.is_active())
            })
        };
        self.nodes_down()
            .into_iter()
            .filter(|name| !in_hand(name))
            .collect()
    }
}

/// A broken node is the finding's subject, and node, etcd or storage its field.
fn is_node_fault(cause: &Finding) -> bool {
    cause.subject.kind == "Node" && matches!(cause.category.as_str(), "node" | "etcd" | "storage")
}

fn is_node(object: &ObjectName, name: &str) -> bool {
    object.kind == "Node" && object.name == name
}

/// The finding's subject and all objects it exports.
fn objects(finding: &Finding) -> impl Iterator<Item = &ObjectName> {
    let exported = finding.exports.values().flat_map(|export| match export {
        Export::Object(object) => std::slice::from_ref(object),
        Export::Objects(objects) => objects.as_slice(),
        Export::Text(_) | Export::Texts(_) => &[],
    });
    std::iter::once(&finding.subject).chain(exported)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::causality::explain;
    use crate::diagnosis::facts::{ConditionStatus, Coverage, LastMovement, NotEvaluated};
    use crate::diagnosis::sample::{ago, facts, finding, node, node_name, upgrade};
    use crate::finding::Confidence;
    use crate::span::{Problem, ProblemKind};

    fn verdict(facts: &Facts, findings: Vec<Finding>) -> Verdict {
        let (findings, diagnoses) = explain(findings, &[]);
        judge(&findings, &diagnoses, facts)
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
        let verdict = judge(&findings, &diagnoses, &facts);
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
            short(&facts, vec![error.suppressed_by("accepted")]),
            (progressing, Action::Wait)
        );

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
}
