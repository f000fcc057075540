//! What the verdict says of volumes: which still have data that answers, and what is to be saved.

use std::collections::BTreeSet;

use super::Ground;
use crate::diagnosis::facts::VolumeSummary;
use crate::diagnosis::wording;

/// More names would hide the rest.
const NAMED: usize = 5;

impl Ground<'_> {
    /// Volumes by their health, and those whose data is only where nobody answers.
    pub(super) fn volumes_stated(&self) -> Vec<String> {
        let Some(storage) = &self.facts.storage else {
            return Vec::new();
        };
        let mut stated = Vec::new();
        let number = |word: &str| {
            let such = |volume: &&VolumeSummary| volume.robustness.as_deref() == Some(word);
            storage.volumes.iter().filter(such).count()
        };
        let words = ["degraded", "faulted"];
        let sick: Vec<String> = words
            .into_iter()
            .filter(|word| number(word) > 0)
            .map(|word| format!("{} {word}", number(word)))
            .collect();
        let lost = self.volumes(|live| live.is_empty());
        if !sick.is_empty() {
            let all = wording::count(storage.volumes.len(), "volume");
            let sick = wording::list(&sick, "and");
            let rest = match lost.len() {
                0 => ", each with a usable replica on a node that answers",
                _ => "",
            };
            stated.push(format!("of {all} {sick}{rest}"));
        }
        if !lost.is_empty() && (!sick.is_empty() || !self.unreachable().is_empty()) {
            let names = wording::some(&lost, NAMED);
            stated.push(format!("no usable replica on a node that answers: {names}"));
        }
        stated
    }

    /// What to save of volumes before a cluster is built anew.
    pub(super) fn volumes_to_save(&self) -> Vec<String> {
        let Some(storage) = &self.facts.storage else {
            return vec![
                "volumes that still have a usable replica: the bundle does not show which; list them (kubectl -n longhorn-system get replicas.longhorn.io -o wide) and back them up before any node is touched".into(),
                "backups: see in the backup target that each VM has a complete one (kubectl get virtualmachinebackups.harvesterhci.io -A)".into(),
            ];
        };
        let mut save = Vec::new();
        let alive = self.volumes(|live| !live.is_empty());
        if !alive.is_empty() {
            save.push(format!(
                "{} with a usable replica on a node that answers, to be backed up or exported before any node is touched: {}",
                wording::count(alive.len(), "volume"),
                wording::some(&alive, NAMED),
            ));
        }
        let lost = self.volumes(|live| live.is_empty());
        if !lost.is_empty() {
            save.push(format!(
                "disks of the nodes that do not answer, not to be wiped: nowhere else is a usable replica of {}",
                wording::some(&lost, NAMED),
            ));
        }
        let backed_up = |volume: &&VolumeSummary| volume.last_backup.is_some();
        let all = storage.volumes.len();
        save.push(if !storage.backups_collected {
            "backups: the bundle does not show them; see in the backup target that each VM has a complete one (kubectl get virtualmachinebackups.harvesterhci.io -A)".into()
        } else {
            match storage.volumes.iter().filter(backed_up).count() {
                0 => format!("backups: the bundle shows none of {}; see in the backup target itself", wording::count(all, "volume")),
                some => format!(
                    "backups: the bundle shows one of {some} of {}; see in the backup target that they are complete (kubectl -n longhorn-system get backups.longhorn.io)",
                    wording::count(all, "volume"),
                ),
            }
        });
        save
    }

    /// Volumes, by claim where one is known, whose nodes with a usable replica that answers are such.
    fn volumes(&self, are_such: impl Fn(&[&str]) -> bool) -> Vec<&str> {
        let unreachable = self.unreachable();
        let volumes = self.facts.storage.iter().flat_map(|it| &it.volumes);
        let such = volumes.filter(|volume| {
            let nodes = volume.replicas.iter().map(String::as_str);
            let live: Vec<&str> = nodes.filter(|node| !unreachable.contains(node)).collect();
            are_such(&live)
        });
        such.map(|volume| volume.claim.as_deref().unwrap_or(&volume.name))
            .collect()
    }

    /// Nodes that are gone or not Ready. Where no Node was collected, none is known to be.
    pub(super) fn unreachable(&self) -> BTreeSet<&str> {
        let nodes = self.facts.cluster.nodes.iter();
        nodes
            .filter(|node| node.is_down())
            .map(|node| node.name.as_str())
            .collect()
    }
}
