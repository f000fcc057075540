//! The verdict in words: one or two sentences, the facts under them, what to bring to safety.

use std::collections::BTreeMap;

use super::{Action, Ground, VerdictState, is_node_fault};
use crate::diagnosis::facts::{ConditionStatus, Facts, NodeSummary, UpgradeState};
use crate::diagnosis::{Diagnosis, collect, wording};
use crate::finding::Severity;

impl Ground<'_> {
    pub(super) fn summary(&self, state: VerdictState, action: Action) -> String {
        if action == Action::Rebuild {
            return self.rebuild_summary();
        }
        let nodes_down = self.nodes_down();
        let words = match (state, action) {
            (VerdictState::NotAssessable, _) => {
                "Neither objects nor logs could be read from this bundle: nothing can be said of the cluster.".into()
            }
            (
                VerdictState::UpgradeStuck
                | VerdictState::UpgradeFailed
                | VerdictState::UpgradeRefused,
                Action::Repair,
            ) => self.upgrade_cause(),
            (
                VerdictState::UpgradeStuck
                | VerdictState::UpgradeFailed
                | VerdictState::UpgradeRefused,
                Action::CollectMore,
            ) if let Some(cause) = self.explains_upgrade() => format!(
                "A possible cause, for which part of the evidence is missing: {}{}",
                wording::sentence(&cause.title),
                self.other_nodes(Some(cause))
            ),
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
                let cause = self.faults(Severity::Error).next().map(|(diagnosis, _)| diagnosis);
                let title = cause.map_or("", |cause| cause.title.as_str());
                format!("{} But: {}{}", self.progress(), wording::sentence(title), self.other_nodes(cause))
            }
            (VerdictState::UpgradeProgressing, Action::CollectMore) if self.knows_no_node() => {
                format!("{} But the nodes are not in the bundle: nobody can say how they are.", self.progress())
            }
            (VerdictState::UpgradeProgressing, Action::CollectMore) => format!(
                "{} But {} not Ready though the upgrade does not work on it, and no known cause of that matched.",
                self.progress(),
                wording::list(&self.nodes_down_unasked(), "and"),
            ),
            (VerdictState::UpgradeProgressing, _) => {
                let unread = if collect::inputs_missing(self.facts).is_empty() { "" } else { ", and part of the bundle is missing" };
                format!("{} No known fault at or above error matched{unread}.", self.progress())
            }
            (VerdictState::NodeFailure, Action::CollectMore) => format!(
                "{} not Ready, and no known cause of that matched.{}",
                wording::some(&nodes_down, 5),
                self.margin_sentence()
            ),
            (VerdictState::NodeFailure, _) => {
                let cause = nodes_down.iter().find_map(|node| self.explains_node(node));
                let cause = cause.or_else(|| self.faults(Severity::Error).map(|(diagnosis, _)| diagnosis).next());
                format!("{}{}", self.cause_and_margin(cause), self.other_nodes(cause))
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

    /// The root cause and, where that is not of the upgrade itself, what it does to the upgrade.
    fn upgrade_cause(&self) -> String {
        let Some(diagnosis) = self.explains_upgrade() else {
            return String::new();
        };
        let family = self
            .present
            .iter()
            .find(|(present, _)| present.rank == diagnosis.rank);
        let family = family
            .map(|(_, family)| family.as_slice())
            .unwrap_or_default();
        let hence = match family.split_first() {
            Some((cause, effects)) if cause.category != "upgrade" => {
                effects.iter().find(|effect| effect.category == "upgrade")
            }
            _ => None,
        };
        let hence = hence
            .map(|effect| format!(" Hence: {}", wording::sentence(&effect.title)))
            .unwrap_or_default();
        format!(
            "{}{hence}{}{}",
            wording::sentence(&diagnosis.title),
            self.margin_sentence(),
            self.other_nodes(Some(diagnosis))
        )
    }

    fn cause_and_margin(&self, cause: Option<&Diagnosis>) -> String {
        let title = cause
            .map(|diagnosis| wording::sentence(&diagnosis.title))
            .unwrap_or_default();
        format!("{title}{}", self.margin_sentence())
    }

    /// Nodes with a fault of their own beside the one that is told; with a space before it.
    fn other_nodes(&self, told: Option<&Diagnosis>) -> String {
        let told = told.map_or("", |told| told.cause.subject.name.as_str());
        let mut others = self.faulty_nodes();
        others.retain(|name| *name != told);
        match others.as_slice() {
            [] => String::new(),
            [one] => format!(" {one} has a fault of its own."),
            many => format!(" {} have faults of their own.", wording::list(many, "and")),
        }
    }

    /// Nodes that a diagnosis at or above error begins with, the first ranked first.
    fn faulty_nodes(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for (_, family) in self.faults(Severity::Error) {
            if let Some(cause) = family.first().filter(|cause| is_node_fault(cause))
                && !names.contains(&cause.subject.name.as_str())
            {
                names.push(&cause.subject.name);
            }
        }
        names
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

    pub(super) fn facts_stated(&self) -> Vec<String> {
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
            .filter(|node| node.is_not_ready() && !self.is_lost(node) && node.renamed_to.is_none())
            .map(|node| self.down_since(node))
            .collect();
        if !down.is_empty() {
            stated.push(format!("not Ready: {}", wording::some(&down, 5)));
        }
        stated.extend(self.volumes_stated());
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
        // Of one that moves, the summary says so.
        if let Some(movement) = upgrade
            .last_movement
            .as_ref()
            .filter(|_| upgrade.state != UpgradeState::Progressing)
        {
            let when = movement
                .time
                .map(|time| format!(" at {}", wording::minute(time)))
                .unwrap_or_default();
            stated.push(format!("the upgrade last moved{when}: {}", movement.what));
        }
        let waiting = upgrade.nodes.iter();
        let waiting = waiting.filter(|node| !node.is_done() && !node.is_active());
        let waiting: Vec<&str> = waiting.map(|node| node.name.as_str()).collect();
        if let Some(blocker) = &upgrade.blocked_on
            && upgrade.state == UpgradeState::Stuck
            && !waiting.is_empty()
        {
            let name = &blocker.name;
            stated.push(format!("{name} holds up {}", wording::some(&waiting, 5)));
        }
        // A drain or a reboot asks of a node, and of those that stand in for it, all that they have.
        let mut faulty = self.faulty_nodes();
        faulty.retain(|name| waiting.contains(name));
        if upgrade.state.is_under_way() && !faulty.is_empty() {
            let what = if faulty.len() == 1 {
                "has a fault to mend before its turn comes"
            } else {
                "have faults to mend before their turn comes"
            };
            stated.push(format!("{} {what}", wording::some(&faulty, 5)));
        }
        if let Some(words) = &upgrade.waits_for {
            stated.push(format!("the planner waits: {}", self.with_nodes(words)));
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

    /// The planner's words, each machine followed by its node.
    fn with_nodes(&self, words: &str) -> String {
        let ends = |letter: char| letter.is_whitespace() || matches!(letter, ',' | ':' | ';');
        let node_of = |machine: &str| {
            let mut nodes = self.facts.cluster.nodes.iter();
            nodes.find(|node| node.machine.as_deref() == Some(machine) && node.name != machine)
        };
        let mut text = String::new();
        for part in words.split_inclusive(ends) {
            let word = part.trim_end_matches(ends);
            text.push_str(word);
            if let Some(node) = node_of(word) {
                text.push_str(&format!(" ({})", node.name));
            }
            text.push_str(part.strip_prefix(word).unwrap_or_default());
        }
        text
    }

    pub(super) fn save_first(&self, action: Action) -> Vec<String> {
        let sound = self.sound_members();
        let snapshots = "etcd snapshots (/var/lib/rancher/rke2/server/db/snapshots) and the token beside them (/var/lib/rancher/rke2/server/token)";
        if action == Action::Rebuild {
            let mut save = self.volumes_to_save();
            save.extend([
                format!("{snapshots} of every control plane host whose disk can be read"),
                "manifests of VMs, networks, images and settings, and /oem of each host".into(),
            ]);
            return save;
        }
        let at_the_edge = self.facts.cluster.etcd.is_some_and(|etcd| {
            // Where the pods of etcd are unknown, no more of them work than nodes are Ready.
            let ready = (self.facts.cluster.nodes.iter())
                .filter(|node| node.is_etcd_member() && node.ready == Some(ConditionStatus::True))
                .count();
            let down = (self.facts.cluster.nodes.iter())
                .any(|node| node.is_etcd_member() && node.is_not_ready());
            let by_nodes = || down && ready <= etcd.quorum as usize;
            etcd.members > 1 && etcd.margin.map_or_else(by_nodes, |margin| margin <= 0)
        });
        if at_the_edge && matches!(action, Action::Repair | Action::CollectMore) {
            let from = if sound.is_empty() {
                "whichever control plane host answers".to_owned()
            } else {
                wording::list(&sound, "or")
            };
            return vec![format!("{snapshots} of {from}, copied off the node")];
        }
        Vec::new()
    }

    /// Members whose snapshots can be relied on: Ready, with no fault at or above error of their own,
    /// or, where all have one, Ready.
    fn sound_members(&self) -> Vec<&str> {
        let unreachable = self.unreachable();
        let alive = self.control_plane.alive.iter().map(String::as_str);
        let ready: Vec<&str> = alive.filter(|name| !unreachable.contains(name)).collect();
        let at_fault = |name: &str| {
            self.faults(Severity::Error).any(|(_, family)| {
                (family.iter()).any(|finding| {
                    finding.severity >= Severity::Error
                        && is_node_fault(finding)
                        && finding.subject.name == name
                })
            })
        };
        let sound: Vec<&str> = (ready.iter().copied())
            .filter(|name| !at_fault(name))
            .collect();
        if sound.is_empty() { ready } else { sound }
    }

    fn is_lost(&self, node: &NodeSummary) -> bool {
        self.control_plane
            .lost
            .iter()
            .any(|(name, _)| *name == node.name)
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
