//! Whether the VMs of a node find room on the others.

use std::collections::BTreeMap;

use super::{amount, whole};
use crate::diagnosis::wording;
use crate::finding::{Risk, Severity};
use crate::graph::ObjectView;
use crate::parse::document::View;
use crate::preflight::condition::unseen;
use crate::preflight::{Answer, Cluster, Fault};

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
pub(in crate::preflight) fn for_vms(cluster: &Cluster<'_>) -> Answer {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::room::titles;

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
                vec![
                    "The others have no room for 1 VM of a",
                    "The others have no room for 1 VM of b",
                ],
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
}
