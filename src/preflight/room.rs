//! Whether the cluster can do without a node: an upgrade takes down one after the other.

use std::collections::{BTreeMap, BTreeSet};

use super::condition::unseen;
use super::{Answer, Cluster, Fault};
use crate::diagnosis::wording;
use crate::finding::{Risk, Severity};
use crate::graph::ObjectView;
use crate::graph::object::condition;
use crate::parse::document::View;
use crate::rule::quantity::{self, Number};

/// Memory in bytes and CPU in cores.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Load {
    memory: f64,
    cpu: f64,
}

impl Load {
    fn plus(self, other: Load) -> Load {
        Load {
            memory: self.memory + other.memory,
            cpu: self.cpu + other.cpu,
        }
    }

    fn most(self, other: Load) -> Load {
        Load {
            memory: self.memory.max(other.memory),
            cpu: self.cpu.max(other.cpu),
        }
    }

    fn takes(self, other: Load) -> bool {
        other.memory <= self.memory && other.cpu <= self.cpu
    }
}

/// Whether the VMs of each node find room on the others, by what they request.
pub(super) fn for_vms(cluster: &Cluster<'_>) -> Answer {
    for (group, kind) in [
        ("", "Node"),
        ("", "Pod"),
        ("kubevirt.io", "VirtualMachineInstance"),
    ] {
        if let Some(reason) = cluster.lacks(group, kind, None) {
            return Answer::unknown(reason);
        }
    }
    let mut unknown: Vec<String> = unseen(cluster, "VMs and pods").into_iter().collect();
    let pods = pods(cluster);
    let vms = vms(cluster, &pods.launchers);
    let mut free: BTreeMap<&str, Load> = BTreeMap::new();
    for node in cluster.nodes().filter(|node| takes_pods(*node)) {
        let allocatable = node.field(&["status", "allocatable"]).map(load);
        let Some(allocatable) = allocatable.filter(|load| load.memory > 0.0) else {
            unknown.push(format!(
                "node {} does not tell what it can take",
                node.name()
            ));
            continue;
        };
        let mut used = pods.others.get(node.name()).copied().unwrap_or_default();
        for (_, load) in vms.get(node.name()).into_iter().flatten() {
            used = used.plus(*load);
        }
        let free_here = Load {
            memory: allocatable.memory - used.memory,
            cpu: allocatable.cpu - used.cpu,
        };
        free.insert(node.name(), free_here);
    }
    let mut faults = Vec::new();
    for node in cluster.nodes() {
        let Some(own) = vms.get(node.name()) else {
            continue;
        };
        let others = free.iter().filter(|(name, _)| **name != node.name());
        let others: Vec<Load> = others.map(|(_, load)| *load).collect();
        let homeless = homeless(own, others.clone());
        if homeless.is_empty() {
            continue;
        }
        let need = own
            .iter()
            .fold(Load::default(), |sum, (_, load)| sum.plus(*load));
        let room = others.into_iter().fold(Load::default(), Load::plus);
        faults.push(
            Fault::new(
                Severity::Warning,
                format!(
                    "The others have no room for {} of {}",
                    wording::count(homeless.len(), "VM"),
                    node.name()
                ),
            )
            .about(node)
            .saying(format!(
                "Its VMs request {} of memory and {:.1} cores; the others have {} and {:.1} cores that nothing requests. \
                 Without room: {}.",
                wording::bytes(whole(need.memory)),
                need.cpu,
                wording::bytes(whole(room.memory)),
                room.cpu,
                wording::some(&homeless, 10),
            ))
            .seen(cluster.evidence(node, "status.allocatable.memory"))
            .remedied(
                Risk::Disruptive,
                "Stop VMs that can be done without for the time of the upgrade; those that find no place are not migrated, and the upgrade waits for them.",
                None,
            ),
        );
    }
    Answer {
        faults,
        unknown,
        not_applicable: None,
    }
}

fn takes_pods(node: ObjectView<'_>) -> bool {
    let cordoned = node
        .field(&["spec", "unschedulable"])
        .and_then(View::as_bool);
    node.condition_status("Ready") == Some("True") && cordoned != Some(true)
}

/// The VMs that find no place, the largest having been placed first, each where most is free.
fn homeless(vms: &[(String, Load)], mut places: Vec<Load>) -> Vec<String> {
    let mut order: Vec<&(String, Load)> = vms.iter().collect();
    order
        .sort_by(|(a, one), (b, other)| other.memory.total_cmp(&one.memory).then_with(|| a.cmp(b)));
    let mut homeless = Vec::new();
    for (name, load) in order {
        let fitting = places.iter_mut().filter(|place| place.takes(*load));
        match fitting.max_by(|a, b| a.memory.total_cmp(&b.memory)) {
            Some(place) => {
                place.memory -= load.memory;
                place.cpu -= load.cpu;
            }
            None => homeless.push(name.clone()),
        }
    }
    homeless
}

struct Pods<'b> {
    /// What all pods but those of VMs request, by node.
    others: BTreeMap<&'b str, Load>,
    /// What the pod of a VM instance requests, by the instance's uid.
    launchers: BTreeMap<&'b str, Load>,
}

fn pods<'b>(cluster: &Cluster<'b>) -> Pods<'b> {
    let mut pods = Pods {
        others: BTreeMap::new(),
        launchers: BTreeMap::new(),
    };
    for pod in cluster.graph.all("", "Pod") {
        let Some(node) = pod.text(&["spec", "nodeName"]) else {
            continue;
        };
        if matches!(pod.text(&["status", "phase"]), Some("Succeeded" | "Failed")) {
            continue;
        }
        let containers = |key: &str| {
            let containers = pod.field(&["spec", key]).into_iter().flat_map(View::items);
            containers.map(|container| {
                container
                    .path(&["resources", "requests"])
                    .map(load)
                    .unwrap_or_default()
            })
        };
        let running = containers("containers").fold(Load::default(), Load::plus);
        // Init containers run one by one, and before the others.
        let requests = containers("initContainers").fold(running, Load::most);
        match pod.label("kubevirt.io/created-by") {
            // While a VM migrates it has two; they ask for the same.
            Some(instance) => {
                let load = pods.launchers.entry(instance).or_default();
                *load = load.most(requests);
            }
            None => {
                let load = pods.others.entry(node).or_default();
                *load = load.plus(requests);
            }
        }
    }
    pods
}

/// What each VM requests, by node: its pod's requests where they are known, and never less than its own.
fn vms<'b>(
    cluster: &Cluster<'b>,
    launchers: &BTreeMap<&str, Load>,
) -> BTreeMap<&'b str, Vec<(String, Load)>> {
    let mut vms: BTreeMap<&str, Vec<(String, Load)>> = BTreeMap::new();
    for vm in cluster.graph.all("kubevirt.io", "VirtualMachineInstance") {
        let Some(node) = vm.text(&["status", "nodeName"]) else {
            continue;
        };
        if matches!(vm.text(&["status", "phase"]), Some("Succeeded" | "Failed")) {
            continue;
        }
        let own = vm
            .field(&["spec", "domain", "resources", "requests"])
            .map(load);
        let pod = vm.uid().and_then(|uid| launchers.get(uid)).copied();
        let load = own.unwrap_or_default().most(pod.unwrap_or_default());
        let name = format!("{}/{}", vm.namespace().unwrap_or_default(), vm.name());
        vms.entry(node).or_default().push((name, load));
    }
    vms
}

fn load(quantities: View<'_>) -> Load {
    let amount = |key: &str| quantities.get(key).and_then(amount).unwrap_or(0.0);
    Load {
        memory: amount("memory"),
        cpu: amount("cpu"),
    }
}

/// A number, or a quantity in its base unit.
fn amount(value: View<'_>) -> Option<f64> {
    let quantity = value
        .as_str()
        .and_then(quantity::parse)
        .map(|number| match number {
            #[expect(
                clippy::cast_precision_loss,
                reason = "bytes are compared, not counted"
            )]
            Number::Integer(number) => number as f64,
            Number::Float(number) => number,
        });
    quantity.or_else(|| value.as_f64())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "shown to people; what is below zero is nothing"
)]
fn whole(amount: f64) -> u64 {
    amount.max(0.0) as u64
}

/// Whether Longhorn can make the replicas of a node anew on the others, where they have a place at
/// all: a volume with a replica on each of them stays degraded until the node is back.
pub(super) fn for_replicas(cluster: &Cluster<'_>) -> Answer {
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
    use crate::preflight::tests::on;

    fn node(name: &str, memory: &str) -> String {
        format!(
            "kind: Node\napiVersion: v1\nmetadata: {{ name: {name} }}\nstatus: {{ allocatable: {{ memory: {memory}, cpu: \"8\" }}, \
             conditions: [{{ type: Ready, status: \"True\" }}] }}\n---\n"
        )
    }

    fn vm(name: &str, node: &str, memory: &str, cpu: &str) -> String {
        format!(
            "kind: VirtualMachineInstance\napiVersion: kubevirt.io/v1\nmetadata: {{ name: {name}, namespace: default, uid: u-{name} }}\n\
             spec: {{ domain: {{ resources: {{ requests: {{ memory: {memory}, cpu: {cpu} }} }} }} }}\n\
             status: {{ phase: Running, nodeName: {node} }}\n---\n"
        )
    }

    fn pod(node: &str, memory: &str, label: &str) -> String {
        format!(
            "kind: Pod\napiVersion: v1\nmetadata: {{ name: p-{node}, namespace: default, labels: {{ {label} }} }}\n\
             spec: {{ nodeName: {node}, containers: [{{ name: c, resources: {{ requests: {{ memory: {memory} }} }} }}] }}\n\
             status: {{ phase: Running }}\n---\n"
        )
    }

    fn titles(objects: &str, ask: fn(&Cluster<'_>) -> Answer) -> Vec<String> {
        let mut titles = Vec::new();
        on(objects, |cluster| {
            let answer = ask(cluster);
            assert!(answer.unknown.is_empty(), "{:?}", answer.unknown);
            titles = answer.faults.into_iter().map(|fault| fault.title).collect();
        });
        titles
    }

    #[test]
    fn vms_need_room_on_the_other_nodes() {
        let nodes = node("a", "32Gi") + &node("b", "32Gi");
        let two = vm("x", "a", "16Gi", "2") + &vm("y", "a", "8Gi", "500m");
        for (more, expected) in [
            (String::new(), Vec::new()),
            // 12 of 32 GiB are taken: the larger fits, the smaller does not.
            (
                pod("b", "12Gi", ""),
                vec!["The others have no room for 1 VM of a"],
            ),
            (
                pod("b", "20Gi", ""),
                vec!["The others have no room for 1 VM of a"],
            ),
            (
                pod("b", "28Gi", ""),
                vec!["The others have no room for 2 VMs of a"],
            ),
            // A pod of a VM counts once, with its overhead.
            (
                pod("a", "30Gi", "kubevirt.io/created-by: u-x"),
                vec!["The others have no room for 1 VM of a"],
            ),
            // Cores run out, too.
            (
                vm("z", "b", "1Gi", "7"),
                vec!["The others have no room for 1 VM of a"],
            ),
        ] {
            assert_eq!(
                titles(&(nodes.clone() + &two + &more), for_vms),
                expected,
                "{more}"
            );
        }
    }

    #[test]
    fn a_cordoned_node_takes_nothing() {
        let cordoned =
            node("b", "32Gi").replace("status: {", "spec: { unschedulable: true }\nstatus: {");
        let objects = node("a", "32Gi") + &cordoned + &vm("x", "a", "1Gi", "1");
        assert_eq!(
            titles(&objects, for_vms),
            ["The others have no room for 1 VM of a"]
        );
    }

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
