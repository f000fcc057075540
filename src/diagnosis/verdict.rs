//! The state of the cluster and what to do about it, with the facts that say so.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::control_plane::ControlPlane;
use super::facts::{NodeSummary, UpgradePhase, UpgradeState, UpgradeSummary};
use super::{Diagnosis, Facts, collect, wording};
use crate::finding::{Export, Finding, ObjectName, Severity};

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
                } else if !self.nodes_down_unasked().is_empty() {
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
            VerdictState::Degraded => Action::Repair,
            VerdictState::NoFinding => {
                if collect::inputs_missing(self.facts).is_empty() {
                    Action::None
                } else {
                    Action::CollectMore
                }
            }
        }
    }

    fn summary(&self, state: VerdictState, action: Action) -> String {
        if action == Action::Rebuild {
            return self.rebuild_summary();
        }
        let nodes_down = self.nodes_down();
        let words = match (state, action) {
            (VerdictState::NotAssessable, _) => {
                "Neither objects nor logs could be read from this bundle: nothing can be said of the cluster.".into()
            }
            (VerdictState::UpgradeStuck, Action::Repair) => self.cause_and_margin(self.explains_upgrade()),
            (VerdictState::UpgradeFailed | VerdictState::UpgradeRefused, Action::Repair) => {
                self.cause_and_margin(self.explains_upgrade())
            }
            (VerdictState::UpgradeStuck, _) => {
                format!("The upgrade stands still{} and no known cause of that matched.{}", self.stood_for(), self.others())
            }
            (VerdictState::UpgradeFailed, _) => {
                format!("The upgrade failed and no known cause of that matched.{}", self.others())
            }
            (VerdictState::UpgradeRefused, _) => {
                format!("The upgrade was refused and no known cause of that matched.{}", self.others())
            }
            (VerdictState::UpgradeProgressing, Action::Repair) => {
                let cause = self.faults(Severity::Error).next().map(|(diagnosis, _)| diagnosis.title.as_str());
                format!("{} But: {}", self.progress(), wording::sentence(cause.unwrap_or_default()))
            }
            (VerdictState::UpgradeProgressing, Action::CollectMore) => format!(
                "{} But {} not Ready though the upgrade does not work on it, and no known cause of that matched.",
                self.progress(),
                wording::list(&self.nodes_down_unasked(), "and"),
            ),
            (VerdictState::UpgradeProgressing, _) => {
                format!("{} No known fault at or above error matched.", self.progress())
            }
            (VerdictState::NodeFailure, Action::CollectMore) => format!(
                "{} not Ready, and no known cause of that matched.{}",
                wording::some(&nodes_down, 5),
                self.margin_sentence()
            ),
            (VerdictState::NodeFailure, _) => {
                let cause = nodes_down.iter().find_map(|node| self.explains_node(node));
                self.cause_and_margin(cause.or_else(|| self.faults(Severity::Error).map(|(diagnosis, _)| diagnosis).next()))
            }
            (VerdictState::Degraded, _) => self.degraded_summary(),
            (VerdictState::NoFinding, _) => {
                let unread = if action == Action::CollectMore { ", and part of the bundle is missing" } else { "" };
                format!("No known cause matched in what was examined{unread}. That is no proof of health.")
            }
        };
        words.trim().to_owned()
    }

    /// Always names what would make it unneeded.
    fn rebuild_summary(&self) -> String {
        let plane = &self.control_plane;
        let names: Vec<&str> = plane.lost.iter().map(|(name, _)| name.as_str()).collect();
        let needed = plane.needed();
        let back = if needed >= names.len() {
            format!("{} can be brought back", wording::list(&names, "and"))
        } else if needed == 1 {
            format!("{} can be brought back", wording::list(&names, "or"))
        } else {
            format!(
                "{needed} of {} can be brought back",
                wording::list(&names, "and")
            )
        };
        format!(
            "{} of {} control plane nodes are lost ({}): build the cluster anew and restore, unless {back}. Before anything else, save what is listed.",
            plane.size.saturating_sub(plane.alive.len()),
            plane.size,
            wording::list(&names, "and"),
        )
    }

    fn degraded_summary(&self) -> String {
        let top = self
            .faults(Severity::Warning)
            .next()
            .map(|(diagnosis, _)| diagnosis);
        let title = top
            .map(|diagnosis| wording::sentence(&diagnosis.title))
            .unwrap_or_default();
        let aborted = if self.is_aborted() {
            "The last upgrade was stopped before its end."
        } else {
            ""
        };
        let broken = self.faults(Severity::Error).count();
        let state = match (top, broken) {
            (None, _) => String::new(),
            (_, 0) => "Nothing known to be broken outright matched, but this will hurt.".into(),
            (_, 1) => String::new(),
            (_, more) => format!("{} more must be mended.", wording::count(more - 1, "fault")),
        };
        let margin = match self.facts.cluster.etcd {
            Some(etcd) if etcd.healthy.is_some_and(|healthy| healthy < etcd.members) => {
                self.margin_sentence()
            }
            _ => String::new(),
        };
        [aborted, &title, &state, margin.trim()]
            .iter()
            .filter(|part| !part.is_empty())
            .copied()
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn cause_and_margin(&self, cause: Option<&Diagnosis>) -> String {
        let title = cause
            .map(|diagnosis| wording::sentence(&diagnosis.title))
            .unwrap_or_default();
        format!("{title}{}", self.margin_sentence())
    }

    /// How many more members etcd may lose; with a space before it.
    fn margin_sentence(&self) -> String {
        let Some(etcd) = self.facts.cluster.etcd else {
            return String::new();
        };
        let (Some(healthy), Some(margin)) = (etcd.healthy, etcd.margin) else {
            return " How many etcd members are healthy is not known.".into();
        };
        let have = format!("etcd has {healthy} of {} members", etcd.members);
        match (margin, etcd.members) {
            (..0, _) => format!(" {have}, fewer than its quorum of {}.", etcd.quorum),
            (0, 1) => " etcd has a single member: its loss ends the cluster.".into(),
            (0, _) => format!(
                " {have}, quorum {}: one more loss ends the cluster.",
                etcd.quorum
            ),
            (more, _) => format!(" {have}, quorum {}: it can lose {more} more.", etcd.quorum),
        }
    }

    fn facts_stated(&self) -> Vec<String> {
        let mut stated = Vec::new();
        for (name, reason) in &self.control_plane.lost {
            stated.push(format!("{name} is lost to the control plane: {reason}"));
        }
        if let Some(etcd) = self.facts.cluster.etcd {
            let votes = etcd
                .voters
                .map(|voters| format!(", {}", wording::count(voters, "voter")))
                .unwrap_or_default();
            stated.push(match (etcd.healthy, etcd.margin) {
                (Some(healthy), Some(margin)) => format!(
                    "etcd has {healthy} of {} members healthy{votes}, quorum {}, margin {margin}",
                    etcd.members, etcd.quorum
                ),
                _ => format!(
                    "etcd has {}{votes}, quorum {}; how many are healthy is unknown",
                    wording::count(etcd.members, "member"),
                    etcd.quorum
                ),
            });
        }
        let down: Vec<String> = self
            .facts
            .cluster
            .nodes
            .iter()
            .filter(|node| node.is_not_ready())
            .map(|node| self.down_since(node))
            .collect();
        if !down.is_empty() {
            stated.push(format!("not Ready: {}", wording::some(&down, 5)));
        }
        stated.extend(self.upgrade_stated());
        stated.extend(versions_stated(self.facts));
        if self.upgrade.is_none() && !self.facts.coverage.upgrade_collected {
            stated.push(
                "whether an upgrade runs is unknown: its objects are not in the bundle".into(),
            );
        }
        stated
    }

    fn upgrade_stated(&self) -> Vec<String> {
        let Some(upgrade) = self.upgrade else {
            return Vec::new();
        };
        let mut stated = Vec::new();
        if upgrade.state == UpgradeState::Unknown {
            stated.push(format!(
                "the state of upgrade {} could not be told",
                upgrade.name
            ));
        }
        if let Some(movement) = &upgrade.last_movement {
            let when = movement
                .time
                .map(|time| format!(" at {}", wording::minute(time)))
                .unwrap_or_default();
            stated.push(format!("the upgrade last moved{when}: {}", movement.what));
        }
        if let Some(words) = &upgrade.waits_for {
            stated.push(format!("the planner waits: {words}"));
        }
        // While an upgrade runs its charts are paused on purpose.
        if !upgrade.paused_charts.is_empty()
            && matches!(
                upgrade.state,
                UpgradeState::Aborted | UpgradeState::Succeeded
            )
        {
            stated.push(format!(
                "charts still paused: {}",
                upgrade.paused_charts.join(", ")
            ));
        }
        stated
    }

    fn save_first(&self, action: Action) -> Vec<String> {
        let alive = &self.control_plane.alive;
        let snapshots = "etcd snapshots (/var/lib/rancher/rke2/server/db/snapshots) and the token beside them (/var/lib/rancher/rke2/server/token)";
        if action == Action::Rebuild {
            return vec![
                "volumes that still have a live replica: back up or export them before any node is touched (kubectl -n longhorn-system get replicas.longhorn.io -o wide)".into(),
                "backups: see in the backup target that each VM has a complete one (kubectl get virtualmachinebackups.harvesterhci.io -A)".into(),
                format!("{snapshots} of every control plane host whose disk can be read"),
                "manifests of VMs, networks, images and settings, and /oem of each host".into(),
            ];
        }
        let at_the_edge =
            self.facts.cluster.etcd.is_some_and(|etcd| {
                etcd.members > 1 && etcd.margin.is_some_and(|margin| margin <= 0)
            });
        if at_the_edge
            && !alive.is_empty()
            && matches!(action, Action::Repair | Action::CollectMore)
        {
            return vec![format!(
                "{snapshots} of {}, copied off the node",
                wording::list(alive, "or")
            )];
        }
        Vec::new()
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

    fn down_since(&self, node: &NodeSummary) -> String {
        let status = node.ready.map_or("unknown", |ready| ready.as_str());
        match node.since {
            Some(since) => format!("{} ({status} since {})", node.name, wording::minute(since)),
            None => format!("{} ({status})", node.name),
        }
    }

    fn stood_for(&self) -> String {
        let since = self.upgrade.and_then(|upgrade| upgrade.since);
        self.facts
            .age(since)
            .map(|age| format!(" for {}", wording::duration(age)))
            .unwrap_or_default()
    }

    /// What else was found when the cause was not.
    fn others(&self) -> String {
        match self.faults(Severity::Warning).count() {
            0 => String::new(),
            1 => " One other fault was found, which may or may not be behind it.".into(),
            more => format!(
                " {} were found, which may or may not be behind it.",
                wording::count(more, "other fault")
            ),
        }
    }

    fn progress(&self) -> String {
        let Some(upgrade) = self.upgrade else {
            return String::new();
        };
        if upgrade.state == UpgradeState::Paused {
            return "The upgrade is paused on purpose and goes on when it is unpaused.".into();
        }
        let last = upgrade.last_movement.as_ref();
        match last.and_then(|movement| Some((movement, self.facts.age(movement.time)?))) {
            Some((movement, age)) => {
                format!(
                    "The upgrade moves: {}, {} before the bundle was made.",
                    movement.what,
                    wording::duration(age)
                )
            }
            None => "The upgrade is under way.".into(),
        }
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
        Export::Text(_) => &[],
    });
    std::iter::once(&finding.subject).chain(exported)
}

/// Which kubelet versions the nodes run, if there is more than one.
fn versions_stated(facts: &Facts) -> Option<String> {
    let mut nodes: BTreeMap<&str, usize> = BTreeMap::new();
    for version in facts
        .cluster
        .nodes
        .iter()
        .filter_map(|node| node.kubelet_version.as_deref())
    {
        *nodes.entry(version).or_default() += 1;
    }
    let parts: Vec<String> = nodes
        .iter()
        .map(|(version, &number)| format!("{version} on {}", wording::count(number, "node")))
        .collect();
    (nodes.len() > 1).then(|| format!("kubelets: {}", parts.join(", ")))
}
