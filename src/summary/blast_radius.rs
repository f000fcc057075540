//! Counts what hangs on each node that failed and on each disk that holds data.

use std::collections::{BTreeMap, BTreeSet};

use crate::bundle::Bundle;
use crate::diagnosis::blast_radius::{
    AffectedVirtualMachines, AffectedVolume, AffectedVolumes, BlastRadius, FurtherLoss,
};
use crate::diagnosis::facts::{ClusterSummary, NodeSummary};
use crate::finding::ObjectName;
use crate::graph::kind::DERIVED_GROUP;
use crate::graph::{Graph, Kind, ObjectView, Subject, relation};
use crate::preflight::{Room, room};

use super::volumes;

/// Of each node that does not work, and of each disk that holds the system or replicas, in name order.
pub(super) fn of_all(bundle: &Bundle, cluster: &ClusterSummary) -> Vec<BlastRadius> {
    let graph = &bundle.graph;
    let disks: Vec<ObjectView<'_>> = (graph.all(DERIVED_GROUP, "Disk"))
        .filter(|disk| matches!(disk.text(&["use"]), Some("system" | "longhorn-data")))
        .collect();
    let failed: Vec<&NodeSummary> = cluster.nodes.iter().filter(|node| node.is_down()).collect();
    if failed.is_empty() && disks.is_empty() {
        return Vec::new();
    }
    let world = World::new(bundle, cluster);
    let of_nodes = failed.into_iter().map(|node| world.of_node(node));
    let of_disks = disks.into_iter().map(|disk| world.of_disk(disk));
    of_nodes.chain(of_disks).collect()
}

/// What is counted in.
struct World<'b> {
    graph: &'b Graph,
    cluster: &'b ClusterSummary,
    lost: BTreeSet<&'b str>,
    /// Replicas by volume; `None` where they were not collected.
    replicas: Option<BTreeMap<&'b str, Vec<ObjectView<'b>>>>,
    /// VM instances that are not over; `None` where they were not collected.
    instances: Option<Vec<ObjectView<'b>>>,
    room: Room,
}

impl<'b> World<'b> {
    fn new(bundle: &'b Bundle, cluster: &'b ClusterSummary) -> Self {
        let graph = &bundle.graph;
        let has = |group: &str, kind: &str, namespace| {
            graph.collected().has(&Kind::new(group, kind), namespace)
        };
        let replicas = has("longhorn.io", "Replica", Some("longhorn-system")).then(|| {
            let mut by_volume: BTreeMap<&str, Vec<ObjectView<'_>>> = BTreeMap::new();
            for replica in graph.all("longhorn.io", "Replica") {
                if let Some(volume) = replica.text(&["spec", "volumeName"]) {
                    by_volume.entry(volume).or_default().push(replica);
                }
            }
            by_volume
        });
        let instances = has("kubevirt.io", "VirtualMachineInstance", None).then(|| {
            let all = graph.all("kubevirt.io", "VirtualMachineInstance");
            all.filter(|it| !matches!(it.text(&["status", "phase"]), Some("Succeeded" | "Failed")))
                .collect()
        });
        let lost = cluster.nodes.iter().filter(|node| node.is_down());
        World {
            graph,
            cluster,
            lost: lost.map(|node| node.name.as_str()).collect(),
            replicas,
            instances,
            room: room(bundle),
        }
    }

    fn of_node(&self, node: &NodeSummary) -> BlastRadius {
        let of = ObjectName {
            kind: "Node".to_owned(),
            namespace: None,
            name: node.name.clone(),
        };
        let here = |replica: &ObjectView<'_>| {
            replica.text(&["spec", "nodeID"]) == Some(node.name.as_str())
        };
        self.measure(of, node, true, &here)
    }

    fn of_disk(&self, disk: ObjectView<'b>) -> BlastRadius {
        let name = disk.text(&["nodeName"]).unwrap_or_default();
        let known = self.cluster.nodes.iter().find(|node| node.name == name);
        let node = known.cloned().unwrap_or_else(|| NodeSummary {
            name: name.to_owned(),
            ..NodeSummary::default()
        });
        let on_disk: BTreeSet<Subject> = relation::find(self.graph, "replicas", disk.kind())
            .map(|it| it.follow(self.graph, &Subject::Object(disk.id()), None))
            .into_iter()
            .flatten()
            .collect();
        let here = |replica: &ObjectView<'_>| on_disk.contains(&Subject::Object(replica.id()));
        let system = disk.text(&["use"]) == Some("system");
        self.measure(disk.object_name(), &node, system, &here)
    }

    /// `whole`: the node itself goes with it.
    fn measure(
        &self,
        of: ObjectName,
        node: &NodeSummary,
        whole: bool,
        here: &dyn Fn(&ObjectView<'_>) -> bool,
    ) -> BlastRadius {
        let mut unknown = Vec::new();
        let hit = self.volumes(node, whole, here);
        if hit.is_none() {
            unknown.push("volumes: Longhorn's replicas were not collected".to_owned());
        }
        let machines = self.machines(node, whole, hit.as_ref());
        if machines.is_none() {
            unknown.push("VMs: their instances were not collected".to_owned());
        }
        let mut add = |reasons: &[String], what: &str| {
            for reason in reasons {
                unknown.push(format!("{what}: {reason}"));
            }
        };
        add(&self.room.virtual_machines.unknown, "room for VMs");
        add(&self.room.replicas.unknown, "room for replicas");
        let others = |nodes: &[String]| -> Vec<String> {
            let others = nodes.iter().filter(|name| **name != node.name);
            others.cloned().collect()
        };
        // What is not wholly known can show that there is no room, never that there is.
        let short = |of: &crate::preflight::Shortfall| {
            let short = others(&of.nodes);
            (of.unknown.is_empty() || !short.is_empty()).then_some(short)
        };
        let etcd = self.cluster.etcd.filter(|_| whole && node.is_etcd_member());
        BlastRadius {
            of,
            virtual_machines: machines,
            volumes: hit.map(|hit| hit.report(self.graph)),
            etcd_margin: etcd.and_then(|etcd| etcd.margin),
            further_loss: FurtherLoss {
                virtual_machines: short(&self.room.virtual_machines),
                replicas: short(&self.room.replicas),
            },
            unknown,
        }
    }

    fn volumes(
        &self,
        node: &NodeSummary,
        whole: bool,
        here: &dyn Fn(&ObjectView<'_>) -> bool,
    ) -> Option<Hit<'b>> {
        let mut hit = Hit::default();
        for (volume, replicas) in self.replicas.as_ref()? {
            let (own, others): (Vec<ObjectView<'_>>, Vec<ObjectView<'_>>) =
                replicas.iter().copied().partition(|it| here(it));
            if own.is_empty() {
                continue;
            }
            hit.all.insert(volume);
            let survives = |replica: &ObjectView<'_>| {
                let at = replica.text(&["spec", "nodeID"]).unwrap_or_default();
                volumes::is_usable(*replica)
                    && !self.lost.contains(at)
                    && !(whole && at == node.name)
            };
            if own.iter().copied().any(volumes::has_data) && !others.iter().any(survives) {
                hit.last.insert(volume);
            }
            match find_volume(self.graph, volume).and_then(|it| it.text(&["status", "robustness"]))
            {
                Some("degraded") => hit.degraded.insert(volume),
                Some("faulted") => hit.faulted.insert(volume),
                _ => false,
            };
        }
        Some(hit)
    }

    fn machines(
        &self,
        node: &NodeSummary,
        whole: bool,
        hit: Option<&Hit<'b>>,
    ) -> Option<AffectedVirtualMachines> {
        let instances = self.instances.as_ref()?;
        let on_node = instances
            .iter()
            .filter(|it| whole && it.text(&["status", "nodeName"]) == Some(node.name.as_str()));
        let on_node: Vec<&ObjectView<'_>> = on_node.collect();
        let names: BTreeSet<String> = on_node.iter().map(|it| full_name(it)).collect();
        let running: BTreeSet<String> = instances.iter().map(full_name).collect();
        // A VM that is switched off is not brought down by its volume.
        let using = |volumes: Option<&BTreeSet<&'b str>>| -> BTreeSet<String> {
            let volumes = volumes.into_iter().flatten();
            let users = volumes.flat_map(|volume| users(self.graph, volume));
            users.filter(|name| running.contains(name)).collect()
        };
        let mut down = using(hit.map(|hit| &hit.faulted));
        let mut at_risk = using(hit.map(|hit| &hit.last));
        if node.is_down() {
            down.extend(names);
        } else {
            at_risk.extend(names);
        }
        at_risk.retain(|name| !down.contains(name));
        let unable = on_node
            .iter()
            .filter(|it| it.condition_status("LiveMigratable") == Some("False"));
        Some(AffectedVirtualMachines {
            unable_to_move: unable.map(|it| full_name(it)).collect(),
            down: down.into_iter().collect(),
            at_risk: at_risk.into_iter().collect(),
        })
    }
}

/// Names of volumes, by what became of them.
#[derive(Default)]
struct Hit<'b> {
    all: BTreeSet<&'b str>,
    degraded: BTreeSet<&'b str>,
    faulted: BTreeSet<&'b str>,
    last: BTreeSet<&'b str>,
}

impl Hit<'_> {
    fn report(&self, graph: &Graph) -> AffectedVolumes {
        let list = |names: &BTreeSet<&str>| -> Vec<AffectedVolume> {
            let volumes = names.iter().map(|name| AffectedVolume {
                name: (*name).to_owned(),
                claim: find_volume(graph, name).and_then(volumes::claim),
            });
            volumes.collect()
        };
        AffectedVolumes {
            count: self.all.len(),
            degraded: list(&self.degraded),
            faulted: list(&self.faulted),
            last_replica: list(&self.last),
        }
    }
}

fn find_volume<'g>(graph: &'g Graph, name: &str) -> Option<ObjectView<'g>> {
    let kind = graph.kind_id("longhorn.io", "Volume")?;
    let id = graph.find(kind, Some("longhorn-system"), name)?;
    Some(graph.object(id))
}

/// VMs that have a volume, as `namespace/name`.
fn users(graph: &Graph, volume: &str) -> Vec<String> {
    let Some(volume) = find_volume(graph, volume) else {
        return Vec::new();
    };
    let Some(machines) = relation::find(graph, "virtualMachines", volume.kind()) else {
        return Vec::new();
    };
    let machines = machines.follow(graph, &Subject::Object(volume.id()), None);
    let names = machines.iter().map(|machine| graph.name_of(machine));
    let names = names.map(|it| format!("{}/{}", it.namespace.unwrap_or_default(), it.name));
    names.collect()
}

fn full_name(object: &ObjectView<'_>) -> String {
    format!(
        "{}/{}",
        object.namespace().unwrap_or_default(),
        object.name()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::bundle_of;

    fn radii(objects: &str, everything: bool) -> Vec<BlastRadius> {
        let bundle = bundle_of(objects, everything);
        crate::summary::facts(&bundle, Vec::new()).blast_radii
    }

    fn node(name: &str, ready: &str) -> String {
        format!(
            "kind: Node\napiVersion: v1\nmetadata: {{ name: {name}, labels: {{ node-role.kubernetes.io/etcd: \"true\" }} }}\n\
             status: {{ conditions: [{{ type: Ready, status: \"{ready}\" }}] }}\n---\n"
        )
    }

    fn volume(name: &str, robustness: &str) -> String {
        format!(
            "kind: Volume\napiVersion: longhorn.io/v1beta2\nmetadata: {{ name: {name}, namespace: longhorn-system }}\n\
             status: {{ robustness: {robustness}, kubernetesStatus: {{ namespace: default, pvcName: claim-{name} }} }}\n---\n"
        )
    }

    /// `healthy`: it was whole once; `failed`: it is not any more.
    fn replica(volume: &str, node: &str, healthy: bool, failed: bool) -> String {
        let at = |yes| if yes { "2025-03-01T00:00:00Z" } else { "" };
        format!(
            "kind: Replica\napiVersion: longhorn.io/v1beta2\nmetadata: {{ name: {volume}-{node}, namespace: longhorn-system }}\n\
             spec: {{ volumeName: {volume}, nodeID: {node}, diskPath: /data, healthyAt: \"{}\", failedAt: \"{}\" }}\n---\n",
            at(healthy),
            at(failed)
        )
    }

    fn machine(name: &str, node: &str, migratable: &str, volume: &str) -> String {
        format!(
            "kind: VirtualMachineInstance\napiVersion: kubevirt.io/v1\nmetadata: {{ name: {name}, namespace: default }}\n\
             status: {{ phase: Running, nodeName: {node}, conditions: [{{ type: LiveMigratable, status: \"{migratable}\" }}] }}\n---\n\
             kind: VirtualMachine\napiVersion: kubevirt.io/v1\nmetadata: {{ name: {name}, namespace: default }}\n\
             spec: {{ template: {{ spec: {{ volumes: [{{ name: d, persistentVolumeClaim: {{ claimName: claim-{volume} }} }}] }} }} }}\n---\n"
        )
    }

    fn cluster() -> String {
        node("a", "True")
            + &node("b", "Unknown")
            + &node("c", "True")
            + &volume("v1", "degraded")
            + &replica("v1", "a", true, false)
            + &replica("v1", "b", true, true)
            // Its other replica never was whole.
            + &volume("v2", "faulted")
            + &replica("v2", "a", false, false)
            + &replica("v2", "b", true, true)
            // Its other replica failed.
            + &volume("v3", "unknown")
            + &replica("v3", "b", true, false)
            + &replica("v3", "c", true, true)
            + &volume("v4", "healthy")
            + &replica("v4", "a", true, false)
            + &replica("v4", "c", true, false)
            + &machine("here", "b", "False", "v1")
            + &machine("elsewhere", "c", "True", "v2")
            + &machine("shaky", "c", "True", "v3")
            + &machine("well", "c", "True", "v4")
    }

    fn names(volumes: &[AffectedVolume]) -> Vec<&str> {
        volumes.iter().map(|it| it.name.as_str()).collect()
    }

    #[test]
    fn what_hangs_on_a_lost_node() {
        let radii = radii(&cluster(), true);
        let [radius] = radii.as_slice() else {
            panic!("one node is lost: {radii:?}")
        };
        assert_eq!(radius.of.to_string(), "Node/b");
        let volumes = radius.volumes.as_ref().unwrap();
        assert_eq!(volumes.count, 3);
        assert_eq!(names(&volumes.degraded), ["v1"]);
        assert_eq!(names(&volumes.faulted), ["v2"]);
        assert_eq!(names(&volumes.last_replica), ["v2", "v3"]);
        assert_eq!(
            volumes.faulted.first().unwrap().claim.as_deref(),
            Some("default/claim-v2")
        );
        let machines = radius.virtual_machines.as_ref().unwrap();
        assert_eq!(machines.down, ["default/elsewhere", "default/here"]);
        assert_eq!(machines.at_risk, ["default/shaky"]);
        assert_eq!(machines.unable_to_move, ["default/here"]);
        assert_eq!(radius.etcd_margin, Some(0));
    }

    #[test]
    fn a_data_disk_takes_no_node_with_it() {
        let disk = "kind: BlockDevice\napiVersion: harvesterhci.io/v1beta1\nmetadata: { name: d, namespace: longhorn-system }\n\
             spec: { nodeName: a }\n\
             status: { provisionPhase: Provisioned, deviceStatus: { devPath: /dev/sdb, details: { deviceType: disk } } }\n---\n\
             kind: Node\napiVersion: longhorn.io/v1beta2\nmetadata: { name: a, namespace: longhorn-system }\n\
             spec: { disks: { d: { path: /data } } }\n---\n";
        let radii = radii(&(cluster() + disk), true);
        let radius = radii.iter().find(|it| it.of.name == "a/sdb").unwrap();
        let volumes = radius.volumes.as_ref().unwrap();
        assert_eq!(volumes.count, 3);
        // The other replica of v1 is on a node that does not answer; v4 has one that does.
        assert_eq!(names(&volumes.last_replica), ["v1"]);
        let machines = radius.virtual_machines.as_ref().unwrap();
        assert_eq!(machines.at_risk, ["default/here"]);
        assert_eq!(
            (machines.unable_to_move.len(), radius.etcd_margin),
            (0, None)
        );
    }

    #[test]
    fn what_was_not_collected_is_not_called_unharmed() {
        let radii = radii(&(node("a", "True") + &node("b", "Unknown")), false);
        let radius = radii.first().unwrap();
        assert!(radius.volumes.is_none() && radius.virtual_machines.is_none());
        assert_eq!(radius.further_loss, FurtherLoss::default());
        assert!(radius.unknown.len() >= 4, "{:?}", radius.unknown);
    }
}
