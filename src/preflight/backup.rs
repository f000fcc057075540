//! Whether each VM has a backup that an upgrade gone wrong could be answered with.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::condition::unseen;
use super::{Answer, Cluster, Fault};
use crate::diagnosis::wording;
use crate::finding::{Risk, Severity};
use crate::graph::ObjectView;
use crate::parse::document::View;
use crate::parse::time::timestamp;

/// Older than this, a backup says little of today's data.
const RECENT: SignedDuration = SignedDuration::from_hours(7 * 24);
/// So many VMs are shown of many.
const SHOWN: usize = 5;

/// VMs without a complete backup, and those whose last one is old.
pub(super) fn vm_backups(cluster: &Cluster<'_>) -> Answer {
    for (group, kind) in [
        ("kubevirt.io", "VirtualMachine"),
        ("harvesterhci.io", "VirtualMachineBackup"),
    ] {
        if let Some(reason) = cluster.lacks(group, kind, None) {
            return Answer::unknown(reason);
        }
    }
    let backups = last_complete(cluster);
    let (mut without, mut old) = (Vec::new(), Vec::new());
    for vm in cluster.graph.all("kubevirt.io", "VirtualMachine") {
        // The upgrade's own, from which it reads its files.
        if vm.name().starts_with("upgrade-repo-") {
            continue;
        }
        match backups.get(&(vm.namespace(), vm.name())) {
            None => without.push((vm, None)),
            Some((time, backup)) if is_old(cluster, *time) => {
                old.push((vm, Some((*time, *backup))))
            }
            Some(_) => {}
        }
    }
    let faults = [
        (without, "without a complete backup"),
        (old, "whose last complete backup is more than 7 days old"),
    ];
    let faults = faults.into_iter().filter(|(vms, _)| !vms.is_empty());
    Answer {
        faults: faults
            .map(|(vms, what)| fault(cluster, &vms, what))
            .collect(),
        unknown: unseen(cluster, "VMs and backups").into_iter().collect(),
        not_applicable: None,
    }
}

type Backup<'b> = (Timestamp, ObjectView<'b>);

/// Of each VM, by namespace and name, the newest backup that ended well. A snapshot is none: it
/// lies on the disks that it would have to make up for.
fn last_complete<'b>(cluster: &Cluster<'b>) -> BTreeMap<(Option<&'b str>, &'b str), Backup<'b>> {
    let mut last: BTreeMap<_, Backup<'b>> = BTreeMap::new();
    for backup in cluster.graph.all("harvesterhci.io", "VirtualMachineBackup") {
        let is_backup = backup.text(&["spec", "type"]) != Some("snapshot");
        let is_complete = backup
            .field(&["status", "readyToUse"])
            .and_then(View::as_bool)
            == Some(true)
            && backup.field(&["status", "error"]).is_none_or(View::is_null);
        let vm = backup.text(&["spec", "source", "name"]);
        let made = backup.text(&["status", "creationTime"]);
        let made = made.or_else(|| backup.text(&["metadata", "creationTimestamp"]));
        let (true, true, Some(vm), Some(made)) =
            (is_backup, is_complete, vm, made.and_then(timestamp))
        else {
            continue;
        };
        let newest = last
            .entry((backup.namespace(), vm))
            .or_insert((made, backup));
        if made > newest.0 {
            *newest = (made, backup);
        }
    }
    last
}

fn is_old(cluster: &Cluster<'_>, made: Timestamp) -> bool {
    let now = cluster.bundle.now;
    now.is_some_and(|now| now.duration_since(made) > RECENT)
}

fn fault(cluster: &Cluster<'_>, vms: &[(ObjectView<'_>, Option<Backup<'_>>)], what: &str) -> Fault {
    let words = |(vm, backup): &(ObjectView<'_>, Option<Backup<'_>>)| {
        let name = format!("{}/{}", vm.namespace().unwrap_or_default(), vm.name());
        match backup {
            Some((made, _)) => format!("{name} ({})", wording::minute(*made)),
            None => name,
        }
    };
    let words: Vec<String> = vms.iter().map(words).collect();
    let evidence = vms
        .iter()
        .take(SHOWN)
        .filter_map(|(vm, backup)| match backup {
            Some((_, backup)) => cluster.evidence(*backup, "status.creationTime"),
            None => cluster.evidence(*vm, "metadata.name"),
        });
    let title = format!("{} {what}", wording::count(vms.len(), "VM"));
    Fault::new(Severity::Warning, title)
        .saying(words.join(", "))
        .seen(evidence)
        .remedied(
            Risk::Safe,
            "Back them up to a target outside of the cluster (Virtual Machines, Take Backup), and see that it ends.",
            Some("kubectl get virtualmachinebackups.harvesterhci.io -A"),
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::tests::on;

    fn objects(time: &str, ready: bool, kind: &str) -> String {
        format!(
            r#"
kind: VirtualMachine
apiVersion: kubevirt.io/v1
metadata: {{ name: web, namespace: default }}
---
kind: VirtualMachineBackup
apiVersion: harvesterhci.io/v1beta1
metadata: {{ name: b1, namespace: default, creationTimestamp: "2025-03-01T00:00:00Z" }}
spec: {{ type: {kind}, source: {{ kind: VirtualMachine, name: web }} }}
status: {{ readyToUse: {ready}, creationTime: "{time}" }}
"#
        )
    }

    #[test]
    fn a_backup_counts_if_it_is_whole_and_young() {
        for (objects, title) in [
            (objects("2025-03-03T00:00:00Z", true, "backup"), None),
            (
                objects("2025-03-03T00:00:00Z", false, "backup"),
                Some("1 VM without a complete backup"),
            ),
            (
                objects("2025-03-03T00:00:00Z", true, "snapshot"),
                Some("1 VM without a complete backup"),
            ),
            (
                objects("2025-02-03T00:00:00Z", true, "backup"),
                Some("1 VM whose last complete backup is more than 7 days old"),
            ),
        ] {
            on(&objects, |cluster| {
                let answer = vm_backups(cluster);
                let titles: Vec<&str> = answer.faults.iter().map(|it| it.title.as_str()).collect();
                assert_eq!(titles, title.into_iter().collect::<Vec<_>>(), "{objects}");
                assert!(answer.unknown.is_empty());
                assert!(
                    answer
                        .faults
                        .iter()
                        .all(|it| it.evidence.iter().all(|it| it.line.is_some()))
                );
            });
        }
    }
}
