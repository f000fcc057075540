//! The state of the cluster and what to do about it, with the facts that say so.

mod storage;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::control_plane::ControlPlane;
use super::facts::{NodeSummary, UpgradePhase, UpgradeState, UpgradeSummary};
use super::{Diagnosis, Facts, Link, collect};
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
pub fn judge(
    findings: &[Finding],
    diagnoses: &[Diagnosis],
    links: &[Link],
    facts: &Facts,
) -> Verdict {
    let ground = Ground::new(findings, diagnoses, links, facts);
    let state = ground.state();
    let action = ground.action(state);
    let collect = ground.collect(state, action);
    Verdict {
        state,
        action,
        summary: ground.summary(state, action),
        facts: ground.facts_stated(),
        save_first: ground.save_first(action),
        collect,
    }
}

/// What the verdict is drawn from.
struct Ground<'a> {
    facts: &'a Facts,
    links: &'a [Link],
    upgrade: Option<&'a UpgradeSummary>,
    /// Diagnoses of faults that are present, each with its findings.
    present: Vec<(&'a Diagnosis, Vec<&'a Finding>)>,
    control_plane: ControlPlane,
}

impl<'a> Ground<'a> {
    fn new(
        findings: &'a [Finding],
        diagnoses: &'a [Diagnosis],
        links: &'a [Link],
        facts: &'a Facts,
    ) -> Self {
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
            links,
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
            | VerdictState::UpgradeRefused => match self.explains_upgrade() {
                // One reading among others, where what would tell them apart is missing.
                Some(cause) if cause.confidence == Confidence::Possible && self.is_open(cause) => {
                    Action::CollectMore
                }
                Some(_) => Action::Repair,
                None => Action::CollectMore,
            },
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

    /// Whether something may lie behind a diagnosis that no rule could look for.
    fn is_open(&self, diagnosis: &Diagnosis) -> bool {
        let mut present = self.present.iter();
        present.any(|(one, family)| {
            let cause = family.first().filter(|_| std::ptr::eq(*one, diagnosis));
            cause.is_some_and(|it| collect::behind(it, self.links, self.facts).is_some())
        })
    }

    /// What would decide between the causes that remain of the first few diagnoses; and, where it must
    /// be fetched before anything is done, all that would tell more.
    fn collect(&self, state: VerdictState, action: Action) -> Vec<String> {
        let first = || {
            let causes = self.faults(Severity::Warning).take(3);
            causes.filter_map(|(one, family)| Some((one, *family.first()?)))
        };
        let looks = first().filter_map(|(one, cause)| collect::look(one, cause));
        if action != Action::CollectMore {
            return looks.collect();
        }
        let behind = first().filter_map(|(_, it)| collect::behind(it, self.links, self.facts));
        let more = collect::more(self.facts, state);
        looks.chain(behind).chain(more).collect()
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

    /// The first diagnosis that has to do with the upgrade.
    fn explains_upgrade(&self) -> Option<&'a Diagnosis> {
        if let Some(refusal) = self.refusal() {
            return Some(refusal);
        }
        let upgrade = self.upgrade?;
        self.faults(Severity::Warning)
            .find(|(_, family)| {
                family
                    .iter()
                    .any(|it| it.severity >= Severity::Warning && concerns(upgrade, it))
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

/// Whether a finding has to do with an upgrade: with the Upgrade itself, with what holds it, or, if it
/// is bad, with a node that it works on.
pub(super) fn concerns(upgrade: &UpgradeSummary, finding: &Finding) -> bool {
    let about = || objects(finding);
    let is_upgrade = |object: &ObjectName| {
        object.kind.rsplit('/').next() == Some("Upgrade") && object.name == upgrade.name
    };
    let blocker = upgrade.blocked_on.as_ref();
    let is_active = |object: &ObjectName| {
        let mut nodes = upgrade.nodes.iter();
        nodes.any(|node| node.is_active() && is_node(object, &node.name))
    };
    finding.category == "upgrade"
        || about().any(is_upgrade)
        || blocker.is_some_and(|blocker| about().any(|object| object == blocker))
        || finding.severity >= Severity::Error && about().any(is_active)
}

/// A broken node is the finding's subject, and node, etcd or storage its field. Of storage, a fault
/// that names volumes and no disk of the node is the volumes' own.
pub(crate) fn is_node_fault(cause: &Finding) -> bool {
    let exports = |name: &str| match cause.exports.get(name) {
        Some(Export::Objects(objects)) => !objects.is_empty(),
        other => other.is_some(),
    };
    cause.subject.kind == "Node"
        && match cause.category.as_str() {
            "node" | "etcd" => true,
            "storage" => !exports("volumes") || exports("disk") || exports("longhornDisk"),
            _ => false,
        }
}

fn is_node(object: &ObjectName, name: &str) -> bool {
    object.kind == "Node" && object.name == name
}

/// The finding's subject and all objects it exports.
fn objects(finding: &Finding) -> impl Iterator<Item = &ObjectName> {
    let exported = finding.exports.values().flat_map(Export::objects);
    std::iter::once(&finding.subject).chain(exported)
}
