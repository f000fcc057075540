//! Whether Longhorn finds room for the replicas of a node on the others.

use std::collections::{BTreeMap, BTreeSet};

use super::{amount, whole};
use crate::diagnosis::wording;
use crate::finding::{Risk, Severity};
use crate::graph::ObjectView;
use crate::graph::object::condition;
use crate::parse::document::View;
use crate::preflight::{Answer, Cluster, Fault};

/// Whether Longhorn can make the replicas of a node anew on the others, where they have a place at
/// all: a volume with a replica on each of them stays degraded until the node is back.
pub(in crate::preflight) fn for_replicas(cluster: &Cluster<'_>) -> Answer {
    for kind in ["Node", "Replica", "Setting"] {
        if let Some(reason) = cluster.lacks("longhorn.io", kind, Some("longhorn-system")) {
            return Answer::unknown(reason);
        }
    }
    let percent = |name: &str| {
        let mut settings = cluster.graph.all("longhorn.io", "Setting");
        let setting = settings.find(|setting| setting.name() == name)?;
        amount(setting.field(&["value"])?)
    };
    let (Some(over_provisioning), Some(minimal)) = (
        percent("storage-over-provisioning-percentage"),
        percent("storage-minimal-available-percentage"),
    ) else {
        return Answer::unknown("the bundle does not tell how full Longhorn fills its disks");
    };
    let limits = (over_provisioning, minimal);
    let places: BTreeMap<&str, Vec<f64>> = (cluster.graph.all("longhorn.io", "Node"))
        .map(|node| (node.name(), room_of(node, limits)))
        .collect();
    let replicas = replicas(cluster);
    let mut faults = Vec::new();
    for node in cluster.graph.all("longhorn.io", "Node") {
        let lost = unplaced(node.name(), &replicas, places.clone());
        let (Some(first), false) = (lost.first(), lost.is_empty()) else {
            continue;
        };
        let need: f64 = lost.iter().map(|replica| replica.size).sum();
        let names: Vec<&str> = lost.iter().map(|replica| replica.volume).collect();
        let title = format!(
            "Longhorn has no room for {} of {} elsewhere",
            wording::count(lost.len(), "replica"),
            node.name()
        );
        faults.push(
            Fault::new(Severity::Warning, title)
                .about(node)
                .saying(format!(
                    "Were it lost, {} would find no place under storage-over-provisioning-percentage {over_provisioning} and \
                     storage-minimal-available-percentage {minimal}: {}.",
                    wording::bytes(whole(need)),
                    wording::some(&names, 10),
                ))
                .seen(cluster.evidence(first.object, "spec.nodeID"))
                .seen(cluster.evidence(node, "status.diskStatus"))
                .remedied(
                    Risk::Safe,
                    "Remove snapshots and volumes that nobody needs, or add a disk, before a node goes down.",
                    Some("kubectl -n longhorn-system get nodes.longhorn.io -o yaml | grep -E 'storage(Available|Maximum|Scheduled)'"),
                ),
        );
    }
    Answer {
        faults,
        ..Answer::default()
    }
}

struct Replica<'b> {
    volume: &'b str,
    node: &'b str,
    size: f64,
    object: ObjectView<'b>,
}

fn replicas<'b>(cluster: &Cluster<'b>) -> Vec<Replica<'b>> {
    let replicas = cluster.graph.all("longhorn.io", "Replica");
    let replicas = replicas.filter_map(|object| {
        let failed = object.text(&["spec", "failedAt"]).unwrap_or_default();
        Some(Replica {
            volume: object.text(&["spec", "volumeName"])?,
            node: object
                .text(&["spec", "nodeID"])
                .filter(|node| !node.is_empty())?,
            size: amount(object.field(&["spec", "volumeSize"])?)?,
            object,
        })
        .filter(|_| failed.is_empty())
    });
    let mut replicas: Vec<Replica<'b>> = replicas.collect();
    replicas.sort_by(|a, b| {
        b.size
            .total_cmp(&a.size)
            .then_with(|| a.volume.cmp(b.volume))
    });
    replicas
}

/// What Longhorn would still schedule to each disk of a node.
fn room_of(node: ObjectView<'_>, (over_provisioning, minimal): (f64, f64)) -> Vec<f64> {
    let allows = |view: Option<View<'_>>| view.and_then(View::as_bool) == Some(true);
    if !allows(node.field(&["spec", "allowScheduling"])) || !is_ready(node.root()) {
        return Vec::new();
    }
    let disks = node.field(&["status", "diskStatus"]);
    let disks = disks.into_iter().flat_map(View::entries);
    let disks = disks.filter_map(|(name, status)| {
        let spec = node.field(&["spec", "disks", name])?;
        let number = |view: View<'_>, key: &str| view.get(key).and_then(amount);
        let (maximum, available) = (
            number(status, "storageMaximum")?,
            number(status, "storageAvailable")?,
        );
        let scheduled = number(status, "storageScheduled")?;
        let reserved = number(spec, "storageReserved").unwrap_or(0.0);
        let takes = allows(spec.get("allowScheduling")) && is_ready(status);
        (takes && available > maximum * minimal / 100.0)
            .then_some((maximum - reserved) * over_provisioning / 100.0 - scheduled)
    });
    disks.filter(|room| *room > 0.0).collect()
}

fn is_ready(view: View<'_>) -> bool {
    let ready = condition(view, "Ready");
    ready
        .and_then(|ready| ready.get("status"))
        .and_then(View::as_str)
        == Some("True")
}

/// The replicas of a node that would have a place by their volume, and find no room there.
fn unplaced<'r, 'b>(
    lost: &str,
    replicas: &'r [Replica<'b>],
    mut places: BTreeMap<&str, Vec<f64>>,
) -> Vec<&'r Replica<'b>> {
    places.remove(lost);
    let mut holders: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for replica in replicas {
        holders
            .entry(replica.volume)
            .or_default()
            .insert(replica.node);
    }
    let mut unplaced = Vec::new();
    for replica in replicas.iter().filter(|replica| replica.node == lost) {
        let held = holders.entry(replica.volume).or_default();
        // Were there room without end, would it have a node to go to?
        let mut free = places
            .iter_mut()
            .filter(|(name, _)| !held.contains(*name))
            .peekable();
        if free.peek().is_none() {
            continue;
        }
        let disks = free.flat_map(|(name, disks)| disks.iter_mut().map(|room| (*name, room)));
        let fitting = disks.filter(|(_, room)| **room >= replica.size);
        match fitting.max_by(|(_, a), (_, b)| a.total_cmp(b)) {
            Some((name, room)) => {
                *room -= replica.size;
                held.insert(name);
            }
            None => unplaced.push(replica),
        }
    }
    unplaced
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::room::titles;
    use crate::preflight::tests::on;

    fn longhorn(name: &str, maximum: u64, scheduled: u64) -> String {
        format!(
            "kind: Node\napiVersion: longhorn.io/v1beta2\nmetadata: {{ name: {name}, namespace: longhorn-system }}\n\
             spec: {{ allowScheduling: true, disks: {{ d: {{ allowScheduling: true, storageReserved: 0 }} }} }}\n\
             status: {{ conditions: [{{ type: Ready, status: \"True\" }}], diskStatus: {{ d: {{ conditions: [{{ type: Ready, status: \"True\" }}], \
             storageMaximum: {maximum}, storageAvailable: {maximum}, storageScheduled: {scheduled} }} }} }}\n---\n"
        )
    }

    fn replica(volume: &str, node: &str, size: u64) -> String {
        format!(
            "kind: Replica\napiVersion: longhorn.io/v1beta2\nmetadata: {{ name: {volume}-{node}, namespace: longhorn-system }}\n\
             spec: {{ volumeName: {volume}, nodeID: {node}, volumeSize: \"{size}\" }}\n---\n"
        )
    }

    #[test]
    fn replicas_need_a_node_and_room_there() {
        let settings = "kind: Setting\napiVersion: longhorn.io/v1beta2\nmetadata: { name: storage-over-provisioning-percentage, namespace: longhorn-system }\nvalue: \"200\"\n---\n\
             kind: Setting\napiVersion: longhorn.io/v1beta2\nmetadata: { name: storage-minimal-available-percentage, namespace: longhorn-system }\nvalue: \"25\"\n---\n";
        let two = replica("v", "a", 100) + &replica("v", "b", 100);
        for (third, expected) in [
            (longhorn("c", 100, 0), Vec::new()),
            (
                longhorn("c", 100, 101),
                vec![
                    "Longhorn has no room for 1 replica of a elsewhere",
                    "Longhorn has no room for 1 replica of b elsewhere",
                ],
            ),
            // A replica on each node has nowhere to go, whatever the room.
            (
                longhorn("c", 100, 101) + &replica("v", "c", 100),
                Vec::new(),
            ),
        ] {
            let objects = settings.to_owned()
                + &longhorn("a", 100, 100)
                + &longhorn("b", 100, 100)
                + &two
                + &third;
            assert_eq!(titles(&objects, for_replicas), expected, "{third}");
        }
    }

    #[test]
    fn without_the_settings_nothing_is_said() {
        on(&longhorn("a", 100, 0), |cluster| {
            let answer = for_replicas(cluster);
            assert!(answer.faults.is_empty() && answer.unknown.len() == 1);
        });
    }
}
