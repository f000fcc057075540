//! Longhorn's volumes with what is left of their data: replicas that can be used, and backups.

use std::collections::BTreeMap;

use crate::diagnosis::facts::{StorageSummary, VolumeSummary};
use crate::graph::{Graph, Kind, ObjectView};
use crate::parse::time::timestamp;

const GROUP: &str = "longhorn.io";
const NAMESPACE: &str = "longhorn-system";

/// `None` unless both volumes and replicas were collected: without either nothing can be said of data.
pub(super) fn storage(graph: &Graph) -> Option<StorageSummary> {
    let has = |kind: &str| (graph.collected()).has(&Kind::new(GROUP, kind), Some(NAMESPACE));
    if !has("Volume") || !has("Replica") {
        return None;
    }
    let mut replicas: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for replica in graph.all(GROUP, "Replica").filter(|it| is_usable(*it)) {
        let place = (replica.text(&["spec", "volumeName"])).zip(replica.text(&["spec", "nodeID"]));
        if let Some((volume, node)) = place {
            replicas.entry(volume).or_default().push(node.to_owned());
        }
    }
    // A BackupVolume bears its volume's name, or says it since Longhorn 1.8.
    let mut backups = BTreeMap::new();
    for backup in graph.all(GROUP, "BackupVolume") {
        let volume = backup.text(&["spec", "volumeName"]);
        let last = backup.text(&["status", "lastBackupAt"]).and_then(timestamp);
        backups.insert(volume.unwrap_or(backup.name()), last);
    }
    let volumes = graph.all(GROUP, "Volume").map(|volume| {
        let status = |key: &str| volume.text(&["status", key]);
        let mut nodes = replicas.remove(volume.name()).unwrap_or_default();
        nodes.sort();
        nodes.dedup();
        VolumeSummary {
            name: volume.name().to_owned(),
            claim: claim(volume),
            robustness: status("robustness").map(str::to_owned),
            replicas: nodes,
            last_backup: backups.get(volume.name()).copied().flatten(),
        }
    });
    Some(StorageSummary {
        volumes: volumes.collect(),
        backups_collected: has("BackupVolume"),
    })
}

/// It has been in step with the others once, and is not being deleted.
pub(super) fn has_data(replica: ObjectView<'_>) -> bool {
    let going = replica.text(&["metadata", "deletionTimestamp"]).is_some();
    !is_empty(replica, "healthyAt") && !going
}

/// It has data and has not failed since.
pub(super) fn is_usable(replica: ObjectView<'_>) -> bool {
    has_data(replica) && is_empty(replica, "failedAt")
}

fn is_empty(replica: ObjectView<'_>, key: &str) -> bool {
    replica.text(&["spec", key]).is_none_or(str::is_empty)
}

/// `default/db-1-disk-0`, as the volume itself says.
pub(super) fn claim(volume: ObjectView<'_>) -> Option<String> {
    let of = |key: &str| {
        let text = volume.text(&["status", "kubernetesStatus", key]);
        text.filter(|text| !text.is_empty())
    };
    Some(format!("{}/{}", of("namespace")?, of("pvcName")?))
}
