//! Relations between objects: each is one entry of [`RELATIONS`], its way of joining one function.
//!
//! Joins that would look through a whole kind go through an index that is built the first time one asks.

use std::sync::LazyLock;

use std::collections::HashSet;

use foldhash::fast::FixedState;

use crate::parse::document::View;

use super::index::{
    Key, Wanted, build_engines_by_node, build_engines_by_volume, build_events_by_involved,
    build_instances_by_node, build_machines_by_claim, build_machines_by_node, build_owned_by_name,
    build_owned_by_uid, build_owned_without_uid, build_pods_by_claim, build_pods_by_node,
    build_replicas_by_node, build_replicas_by_volume, claim_in, key2, lookup, owner_key,
};
use super::kind::DERIVED_GROUP;
use super::{Graph, KindId, ObjectView, Subject};

/// One relation: how to come from an object of some kinds to others.
#[derive(Debug)]
pub struct Relation {
    /// Name, as rules call it.
    pub name: &'static str,
    /// Kinds it starts from, as group and kind; empty means any object.
    pub from: &'static [(&'static str, &'static str)],
    /// What it leads to, as rules name it.
    pub to: &'static str,
    /// Leads to a list instead of at most one.
    pub many: bool,
    /// Takes a kind as its argument.
    pub takes_kind: bool,
    /// By which fields.
    pub by: &'static str,
    follow: fn(&Graph, &Subject, Option<KindId>) -> Vec<Subject>,
}

impl Relation {
    /// The objects that an object or ghost leads to, in a stable order, without doubles.
    pub fn follow(&self, graph: &Graph, from: &Subject, kind: Option<KindId>) -> Vec<Subject> {
        let mut found = (self.follow)(graph, from, kind);
        // What came from one index in the order of the files holds nothing twice.
        if !found.is_sorted_by(|a, b| a < b) {
            let mut seen = HashSet::with_capacity_and_hasher(found.len(), FixedState::default());
            found.retain(|subject| seen.insert(subject.clone()));
        }
        if !self.many {
            found.truncate(1);
        }
        found
    }

    /// Whether it starts from a kind.
    pub fn starts_from(&self, graph: &Graph, kind: KindId) -> bool {
        let kind = graph.kind(kind);
        self.from.is_empty()
            || self
                .from
                .iter()
                .any(|(group, name)| kind.group == *group && kind.name == *name)
    }
}

/// The relation of a name that starts from a kind.
pub fn find(graph: &Graph, name: &str, from: KindId) -> Option<&'static Relation> {
    RELATIONS
        .iter()
        .find(|relation| relation.name == name && relation.starts_from(graph, from))
}

/// All relations of a name.
pub(crate) fn named(name: &str) -> Vec<&'static Relation> {
    let relations = RELATIONS.iter();
    relations.filter(|relation| relation.name == name).collect()
}

/// The names of all relations, each once, sorted.
pub fn names() -> &'static [&'static str] {
    static NAMES: LazyLock<Vec<&str>> = LazyLock::new(|| {
        let mut names: Vec<_> = RELATIONS.iter().map(|relation| relation.name).collect();
        names.sort_unstable();
        names.dedup();
        names
    });
    &NAMES
}

const fn one(
    name: &'static str,
    from: &'static [(&'static str, &'static str)],
    to: &'static str,
    by: &'static str,
    follow: fn(&Graph, &Subject, Option<KindId>) -> Vec<Subject>,
) -> Relation {
    Relation {
        name,
        from,
        to,
        many: false,
        takes_kind: false,
        by,
        follow,
    }
}

const fn many(
    name: &'static str,
    from: &'static [(&'static str, &'static str)],
    to: &'static str,
    by: &'static str,
    follow: fn(&Graph, &Subject, Option<KindId>) -> Vec<Subject>,
) -> Relation {
    Relation {
        name,
        from,
        to,
        many: true,
        takes_kind: false,
        by,
        follow,
    }
}

/// All relations.
pub const RELATIONS: &[Relation] = &[
    one(
        "node",
        &[
            ("", "Pod"),
            ("storage.k8s.io", "VolumeAttachment"),
            ("harvesterhci.io", "BlockDevice"),
        ],
        "Node",
        "spec.nodeName",
        |g, s, _| to_node(g, text(g, s, &["spec", "nodeName"])),
    ),
    one(
        "node",
        &[("longhorn.io", "Replica"), ("longhorn.io", "Engine")],
        "Node",
        "spec.nodeID",
        |g, s, _| to_node(g, text(g, s, &["spec", "nodeID"])),
    ),
    one(
        "node",
        &[
            ("longhorn.io", "InstanceManager"),
            ("longhorn.io", "ShareManager"),
        ],
        "Node",
        "spec.nodeID, status.ownerID",
        |g, s, _| {
            to_node(
                g,
                text(g, s, &["spec", "nodeID"]).or_else(|| text(g, s, &["status", "ownerID"])),
            )
        },
    ),
    one(
        "node",
        &[
            ("longhorn.io", "Node"),
            ("storage.k8s.io", "CSINode"),
            ("metrics.k8s.io", "NodeMetrics"),
        ],
        "Node",
        "same name",
        |g, s, _| to_node(g, Some(name(g, s))),
    ),
    one(
        "node",
        &[("cluster.x-k8s.io", "Machine")],
        "Node",
        "status.nodeRef, else the node's annotation cluster.x-k8s.io/machine",
        |g, s, _| node_of_machine(g, s),
    ),
    one(
        "node",
        &[("kubevirt.io", "VirtualMachineInstance")],
        "Node",
        "status.nodeName, label kubevirt.io/nodeName",
        |g, s, _| {
            to_node(
                g,
                text(g, s, &["status", "nodeName"])
                    .or_else(|| text(g, s, &["metadata", "labels", "kubevirt.io/nodeName"])),
            )
        },
    ),
    one(
        "node",
        &[("batch", "Job")],
        "Node",
        "label harvesterhci.io/node",
        |g, s, _| {
            to_node(
                g,
                text(g, s, &["metadata", "labels", "harvesterhci.io/node"]),
            )
        },
    ),
    one(
        "node",
        &[
            (DERIVED_GROUP, "Host"),
            (DERIVED_GROUP, "Disk"),
            (DERIVED_GROUP, "Mount"),
            (DERIVED_GROUP, "Boot"),
            (DERIVED_GROUP, "LogFile"),
            (DERIVED_GROUP, "Missing"),
            (DERIVED_GROUP, "SignOfLife"),
            (DERIVED_GROUP, "UpgradeStep"),
        ],
        "Node",
        "nodeName",
        |g, s, _| to_node(g, text(g, s, &["nodeName"])),
    ),
    many(
        "pods",
        &[("", "Node")],
        "Pod",
        "spec.nodeName",
        |g, s, _| lookup(g, &g.indexes().pods_by_node, build_pods_by_node, name(g, s)),
    ),
    many(
        "pods",
        &[
            ("batch", "Job"),
            ("apps", "ReplicaSet"),
            ("apps", "DaemonSet"),
            ("apps", "StatefulSet"),
            ("apps", "Deployment"),
        ],
        "Pod",
        "ownerReferences",
        |g, s, _| owned_of_kind(g, s, g.kind_id("", "Pod")),
    ),
    many(
        "pods",
        &[("policy", "PodDisruptionBudget")],
        "Pod",
        "spec.selector in the same namespace",
        |g, s, _| selected_pods(g, s, &["spec", "selector", "matchLabels"]),
    ),
    many(
        "pods",
        &[("", "Service")],
        "Pod",
        "spec.selector in the same namespace",
        |g, s, _| selected_pods(g, s, &["spec", "selector"]),
    ),
    many(
        "pods",
        &[
            ("kubevirt.io", "VirtualMachineInstance"),
            ("kubevirt.io", "VirtualMachineInstanceMigration"),
        ],
        "Pod",
        "labels kubevirt.io/created-by, vm.kubevirt.io/name",
        |g, s, _| launcher_pods(g, s),
    ),
    many(
        "pods",
        &[
            ("", "PersistentVolumeClaim"),
            ("", "PersistentVolume"),
            ("longhorn.io", "Volume"),
        ],
        "Pod",
        "claims in the pod's volumes",
        |g, s, _| {
            claims_of(g, s)
                .iter()
                .flat_map(|(namespace, claim)| {
                    lookup(
                        g,
                        &g.indexes().pods_by_claim,
                        build_pods_by_claim,
                        &key2(namespace, claim),
                    )
                })
                .collect()
        },
    ),
    Relation {
        name: "owner",
        from: &[],
        to: "any",
        many: false,
        takes_kind: true,
        by: "ownerReferences by uid, else by kind and name; through ReplicaSets",
        follow: |g, s, kind| owner(g, s, kind, 3),
    },
    Relation {
        name: "owned",
        from: &[],
        to: "any",
        many: true,
        takes_kind: true,
        by: "ownerReferences by uid, else by kind and name; through ReplicaSets",
        follow: owned_of_kind,
    },
    one(
        "machine",
        &[("", "Node")],
        "Machine",
        "annotation cluster.x-k8s.io/machine, then status.nodeRef, then spec.providerID",
        |g, s, _| machine_of_node(g, s),
    ),
    one(
        "machine",
        &[(DERIVED_GROUP, "UpgradeStep")],
        "Machine",
        "the node's machine",
        |g, s, _| {
            to_node(g, text(g, s, &["nodeName"]))
                .iter()
                .flat_map(|node| machine_of_node(g, node))
                .collect()
        },
    ),
    one(
        "planSecret",
        &[("cluster.x-k8s.io", "Machine")],
        "Secret",
        "<machine>-machine-plan, label rke.cattle.io/machine-name",
        |g, s, _| plan_secret(g, s),
    ),
    one(
        "longhornNode",
        &[("", "Node")],
        "longhorn.io/Node",
        "same name",
        |g, s, _| {
            let Some(kind) = g.kind_id("longhorn.io", "Node") else {
                return Vec::new();
            };
            vec![g.subject(kind, Some("longhorn-system"), name(g, s))]
        },
    ),
    many(
        "replicas",
        &[("longhorn.io", "Node"), ("", "Node")],
        "Replica",
        "spec.nodeID",
        |g, s, _| {
            lookup(
                g,
                &g.indexes().replicas_by_node,
                build_replicas_by_node,
                name(g, s),
            )
        },
    ),
    many(
        "replicas",
        &[(DERIVED_GROUP, "Disk")],
        "Replica",
        "spec.nodeID, spec.diskPath among longhornPaths",
        |g, s, _| replicas_on_disk(g, s),
    ),
    many(
        "replicas",
        &[("longhorn.io", "Volume")],
        "Replica",
        "spec.volumeName",
        |g, s, _| {
            lookup(
                g,
                &g.indexes().replicas_by_volume,
                build_replicas_by_volume,
                name(g, s),
            )
        },
    ),
    many(
        "engines",
        &[("", "Node"), ("longhorn.io", "Node")],
        "Engine",
        "spec.nodeID",
        |g, s, _| {
            lookup(
                g,
                &g.indexes().engines_by_node,
                build_engines_by_node,
                name(g, s),
            )
        },
    ),
    one(
        "engine",
        &[("longhorn.io", "Volume")],
        "Engine",
        "spec.volumeName",
        |g, s, _| {
            lookup(
                g,
                &g.indexes().engines_by_volume,
                build_engines_by_volume,
                name(g, s),
            )
        },
    ),
    one(
        "volume",
        &[("longhorn.io", "Replica"), ("longhorn.io", "Engine")],
        "longhorn.io/Volume",
        "spec.volumeName",
        |g, s, _| to_volume(g, text(g, s, &["spec", "volumeName"])),
    ),
    one(
        "volume",
        &[("", "PersistentVolume")],
        "longhorn.io/Volume",
        "spec.csi.volumeHandle, else same name",
        |g, s, _| volume_of_persistent(g, Some(name(g, s))),
    ),
    one(
        "volume",
        &[("", "PersistentVolumeClaim")],
        "longhorn.io/Volume",
        "spec.volumeName, then that persistent volume's handle",
        |g, s, _| volume_of_persistent(g, text(g, s, &["spec", "volumeName"])),
    ),
    one(
        "volume",
        &[("storage.k8s.io", "VolumeAttachment")],
        "longhorn.io/Volume",
        "spec.source.persistentVolumeName, then that persistent volume's handle",
        |g, s, _| volume_of_persistent(g, text(g, s, &["spec", "source", "persistentVolumeName"])),
    ),
    one(
        "volume",
        &[("longhorn.io", "VolumeAttachment")],
        "longhorn.io/Volume",
        "spec.volume, else same name",
        |g, s, _| {
            to_volume(
                g,
                text(g, s, &["spec", "volume"]).or_else(|| Some(name(g, s))),
            )
        },
    ),
    one(
        "volume",
        &[(DERIVED_GROUP, "Disk"), (DERIVED_GROUP, "Mount")],
        "longhorn.io/Volume",
        "volume",
        |g, s, _| to_volume(g, text(g, s, &["volume"])),
    ),
    one(
        "claim",
        &[("", "PersistentVolume"), ("longhorn.io", "Volume")],
        "PersistentVolumeClaim",
        "claimRef, status.kubernetesStatus",
        |g, s, _| {
            let Some(kind) = g.kind_id("", "PersistentVolumeClaim") else {
                return Vec::new();
            };
            claims_of(g, s)
                .iter()
                .map(|(namespace, claim)| g.subject(kind, Some(namespace), claim))
                .collect()
        },
    ),
    one(
        "persistentVolume",
        &[("", "PersistentVolumeClaim")],
        "PersistentVolume",
        "spec.volumeName",
        |g, s, _| {
            to_kind(
                g,
                "",
                "PersistentVolume",
                None,
                text(g, s, &["spec", "volumeName"]),
            )
        },
    ),
    one(
        "persistentVolume",
        &[("longhorn.io", "Volume")],
        "PersistentVolume",
        "status.kubernetesStatus.pvName, else same name",
        |g, s, _| {
            to_kind(
                g,
                "",
                "PersistentVolume",
                None,
                text(g, s, &["status", "kubernetesStatus", "pvName"]).or_else(|| Some(name(g, s))),
            )
        },
    ),
    one(
        "persistentVolume",
        &[("storage.k8s.io", "VolumeAttachment")],
        "PersistentVolume",
        "spec.source.persistentVolumeName",
        |g, s, _| {
            to_kind(
                g,
                "",
                "PersistentVolume",
                None,
                text(g, s, &["spec", "source", "persistentVolumeName"]),
            )
        },
    ),
    one(
        "virtualMachine",
        &[("kubevirt.io", "VirtualMachineInstance")],
        "VirtualMachine",
        "same name",
        |g, s, _| {
            to_kind(
                g,
                "kubevirt.io",
                "VirtualMachine",
                namespace(g, s),
                Some(name(g, s)),
            )
        },
    ),
    one(
        "instance",
        &[("kubevirt.io", "VirtualMachine")],
        "VirtualMachineInstance",
        "same name",
        |g, s, _| {
            to_kind(
                g,
                "kubevirt.io",
                "VirtualMachineInstance",
                namespace(g, s),
                Some(name(g, s)),
            )
        },
    ),
    many(
        "claims",
        &[
            ("", "Pod"),
            ("kubevirt.io", "VirtualMachine"),
            ("kubevirt.io", "VirtualMachineInstance"),
        ],
        "PersistentVolumeClaim",
        "claims in its volumes, those of a VM in its template",
        |g, s, _| claims_named_by(g, s),
    ),
    many(
        "virtualMachines",
        &[
            ("", "PersistentVolumeClaim"),
            ("", "PersistentVolume"),
            ("longhorn.io", "Volume"),
        ],
        "VirtualMachine",
        "claims in the VM's template",
        |g, s, _| {
            claims_of(g, s)
                .iter()
                .flat_map(|(namespace, claim)| {
                    lookup(
                        g,
                        &g.indexes().machines_by_claim,
                        build_machines_by_claim,
                        &key2(namespace, claim),
                    )
                })
                .collect()
        },
    ),
    many(
        "virtualMachines",
        &[("", "Node")],
        "VirtualMachine",
        "the node's VMIs",
        |g, s, _| {
            lookup(
                g,
                &g.indexes().instances_by_node,
                build_instances_by_node,
                name(g, s),
            )
            .iter()
            .flat_map(|vmi| {
                to_kind(
                    g,
                    "kubevirt.io",
                    "VirtualMachine",
                    namespace(g, vmi),
                    Some(name(g, vmi)),
                )
            })
            .collect()
        },
    ),
    many(
        "vmis",
        &[("", "Node")],
        "VirtualMachineInstance",
        "status.nodeName, label kubevirt.io/nodeName",
        |g, s, _| {
            lookup(
                g,
                &g.indexes().instances_by_node,
                build_instances_by_node,
                name(g, s),
            )
        },
    ),
    many(
        "migrations",
        &[("kubevirt.io", "VirtualMachineInstance")],
        "VirtualMachineInstanceMigration",
        "spec.vmiName",
        |g, s, _| {
            let wanted = (namespace(g, s), name(g, s));
            filter(g, "kubevirt.io", "VirtualMachineInstanceMigration", |it| {
                (
                    it.namespace(),
                    it.text(&["spec", "vmiName"]).unwrap_or_default(),
                ) == wanted
            })
        },
    ),
    many(
        "events",
        &[],
        "Event",
        "involvedObject by uid, else by kind, namespace and name",
        |g, s, _| events(g, s),
    ),
    one(
        "upgrade",
        &[
            ("batch", "Job"),
            ("", "Pod"),
            ("upgrade.cattle.io", "Plan"),
            ("harvesterhci.io", "UpgradeLog"),
        ],
        "Upgrade",
        "label harvesterhci.io/upgrade, owner",
        |g, s, _| match text(g, s, &["metadata", "labels", "harvesterhci.io/upgrade"]) {
            Some(upgrade) => to_kind(
                g,
                "harvesterhci.io",
                "Upgrade",
                Some("harvester-system"),
                Some(upgrade),
            ),
            None => owner(g, s, g.kind_id("harvesterhci.io", "Upgrade"), 3),
        },
    ),
    one(
        "upgrade",
        &[
            (DERIVED_GROUP, "UpgradeStatus"),
            (DERIVED_GROUP, "UpgradeStep"),
        ],
        "Upgrade",
        "upgradeName",
        |g, s, _| {
            to_kind(
                g,
                "harvesterhci.io",
                "Upgrade",
                Some("harvester-system"),
                text(g, s, &["upgradeName"]),
            )
        },
    ),
    many(
        "steps",
        &[
            (DERIVED_GROUP, "UpgradeStatus"),
            ("harvesterhci.io", "Upgrade"),
        ],
        "doctor/UpgradeStep",
        "upgradeName",
        |g, s, _| {
            let upgrade = text(g, s, &["upgradeName"])
                .unwrap_or_else(|| name(g, s))
                .to_owned();
            filter(g, DERIVED_GROUP, "UpgradeStep", |it| {
                it.text(&["upgradeName"]) == Some(&upgrade)
            })
        },
    ),
    one(
        "step",
        &[("", "Node")],
        "doctor/UpgradeStep",
        "nodeName",
        |g, s, _| {
            filter(g, DERIVED_GROUP, "UpgradeStep", |it| {
                it.text(&["nodeName"]) == Some(name(g, s))
            })
        },
    ),
    one(
        "job",
        &[(DERIVED_GROUP, "UpgradeStep")],
        "Job",
        "jobName",
        |g, s, _| {
            to_kind(
                g,
                "batch",
                "Job",
                Some("harvester-system"),
                text(g, s, &["jobName"]),
            )
        },
    ),
    one(
        "pod",
        &[(DERIVED_GROUP, "UpgradeStep")],
        "Pod",
        "the newest pod of the hook job",
        |g, s, _| {
            let Subject::Object(job) = (match to_kind(
                g,
                "batch",
                "Job",
                Some("harvester-system"),
                text(g, s, &["jobName"]),
            )
            .pop()
            {
                Some(job) => job,
                None => return Vec::new(),
            }) else {
                return Vec::new();
            };
            let mut pods = owned_of_kind(g, &Subject::Object(job), g.kind_id("", "Pod"));
            pods.sort_by(|a, b| {
                text(g, b, &["metadata", "creationTimestamp"]).cmp(&text(
                    g,
                    a,
                    &["metadata", "creationTimestamp"],
                ))
            });
            pods
        },
    ),
    one(
        "pod",
        &[(DERIVED_GROUP, "LogFile")],
        "Pod",
        "namespace and pod",
        |g, s, _| {
            to_kind(
                g,
                "",
                "Pod",
                text(g, s, &["podNamespace"]),
                text(g, s, &["pod"]),
            )
        },
    ),
    one(
        "host",
        &[
            ("", "Node"),
            (DERIVED_GROUP, "Disk"),
            (DERIVED_GROUP, "Mount"),
            (DERIVED_GROUP, "Boot"),
        ],
        "doctor/Host",
        "nodeName",
        |g, s, _| to_kind(g, DERIVED_GROUP, "Host", None, Some(node_name(g, s))),
    ),
    one(
        "signOfLife",
        &[("", "Node")],
        "doctor/SignOfLife",
        "nodeName",
        |g, s, _| to_kind(g, DERIVED_GROUP, "SignOfLife", None, Some(node_name(g, s))),
    ),
    many(
        "disks",
        &[("", "Node"), (DERIVED_GROUP, "Host")],
        "doctor/Disk",
        "nodeName",
        |g, s, _| {
            filter(g, DERIVED_GROUP, "Disk", |it| {
                it.text(&["nodeName"]) == Some(node_name(g, s))
            })
        },
    ),
    many(
        "mounts",
        &[("", "Node"), (DERIVED_GROUP, "Host")],
        "doctor/Mount",
        "nodeName",
        |g, s, _| {
            filter(g, DERIVED_GROUP, "Mount", |it| {
                it.text(&["nodeName"]) == Some(node_name(g, s))
            })
        },
    ),
    many(
        "boots",
        &[("", "Node"), (DERIVED_GROUP, "Host")],
        "doctor/Boot",
        "nodeName, oldest first",
        |g, s, _| boots(g, node_name(g, s)),
    ),
    one(
        "next",
        &[(DERIVED_GROUP, "Boot")],
        "doctor/Boot",
        "the following boot of the node",
        |g, s, _| {
            let all = boots(g, node_name(g, s));
            let here = all.iter().position(|boot| boot == s);
            here.and_then(|index| all.get(index + 1).cloned())
                .into_iter()
                .collect()
        },
    ),
];

fn text<'g>(graph: &'g Graph, subject: &Subject, path: &[&str]) -> Option<&'g str> {
    match subject {
        Subject::Object(id) => graph.object(*id).text(path),
        Subject::Ghost(_) => None,
    }
}

fn name<'a>(graph: &'a Graph, subject: &'a Subject) -> &'a str {
    match subject {
        Subject::Object(id) => graph.object(*id).name(),
        Subject::Ghost(ghost) => &ghost.name,
    }
}

fn namespace<'a>(graph: &'a Graph, subject: &'a Subject) -> Option<&'a str> {
    match subject {
        Subject::Object(id) => graph.object(*id).namespace(),
        Subject::Ghost(ghost) => ghost.namespace.as_deref(),
    }
}

/// The node that an object speaks of: itself where it is a node, else its `nodeName`.
fn node_name<'a>(graph: &'a Graph, subject: &'a Subject) -> &'a str {
    text(graph, subject, &["nodeName"]).unwrap_or_else(|| name(graph, subject))
}

fn kind_of(graph: &Graph, subject: &Subject) -> KindId {
    match subject {
        Subject::Object(id) => graph.object(*id).kind(),
        Subject::Ghost(ghost) => ghost.kind,
    }
}

fn to_kind(
    graph: &Graph,
    group: &str,
    kind: &str,
    namespace: Option<&str>,
    name: Option<&str>,
) -> Vec<Subject> {
    let (Some(kind), Some(name)) = (graph.kind_id(group, kind), name) else {
        return Vec::new();
    };
    vec![graph.subject(kind, namespace, name)]
}

fn to_node(graph: &Graph, name: Option<&str>) -> Vec<Subject> {
    to_kind(
        graph,
        "",
        "Node",
        None,
        name.filter(|name| !name.is_empty()),
    )
}

fn to_volume(graph: &Graph, name: Option<&str>) -> Vec<Subject> {
    to_kind(
        graph,
        "longhorn.io",
        "Volume",
        Some("longhorn-system"),
        name,
    )
}

/// The Longhorn volume behind a persistent volume. A statically made one may have another name.
fn volume_of_persistent(graph: &Graph, name: Option<&str>) -> Vec<Subject> {
    let handle = name.and_then(|name| {
        let id = graph.find(graph.kind_id("", "PersistentVolume")?, None, name)?;
        graph.object(id).text(&["spec", "csi", "volumeHandle"])
    });
    to_volume(graph, handle.or(name))
}

fn filter(
    graph: &Graph,
    group: &str,
    kind: &str,
    keep: impl Fn(ObjectView<'_>) -> bool,
) -> Vec<Subject> {
    graph
        .all(group, kind)
        .filter(|&it| keep(it))
        .map(|it| Subject::Object(it.id()))
        .collect()
}

fn node_of_machine(graph: &Graph, machine: &Subject) -> Vec<Subject> {
    if let Some(node) = text(graph, machine, &["status", "nodeRef", "name"]) {
        return to_node(graph, Some(node));
    }
    let wanted = name(graph, machine);
    filter(graph, "", "Node", |node| {
        node.annotation("cluster.x-k8s.io/machine") == Some(wanted)
    })
}

fn machine_of_node(graph: &Graph, node: &Subject) -> Vec<Subject> {
    let annotated = text(
        graph,
        node,
        &["metadata", "annotations", "cluster.x-k8s.io/machine"],
    );
    if annotated.is_some() {
        return to_kind(
            graph,
            "cluster.x-k8s.io",
            "Machine",
            Some("fleet-local"),
            annotated,
        );
    }
    let referring = lookup(
        graph,
        &graph.indexes().machines_by_node,
        build_machines_by_node,
        name(graph, node),
    );
    if !referring.is_empty() {
        return referring;
    }
    let provider = format!("rke2://{}", name(graph, node));
    filter(graph, "cluster.x-k8s.io", "Machine", |machine| {
        machine.text(&["spec", "providerID"]) == Some(&provider)
    })
}

fn plan_secret(graph: &Graph, machine: &Subject) -> Vec<Subject> {
    let wanted = name(graph, machine);
    let labelled = filter(graph, "", "Secret", |secret| {
        secret.label("rke.cattle.io/machine-name") == Some(wanted)
            && secret.text(&["type"]) == Some("rke.cattle.io/machine-plan")
    });
    if labelled.is_empty() {
        let named = format!("{wanted}-machine-plan");
        return to_kind(graph, "", "Secret", Some("fleet-local"), Some(&named));
    }
    labelled
}

fn selected_pods(graph: &Graph, subject: &Subject, selector: &[&str]) -> Vec<Subject> {
    let Subject::Object(id) = subject else {
        return Vec::new();
    };
    let object = graph.object(*id);
    let Some(selector) = object
        .field(selector)
        .filter(|selector| selector.entries().next().is_some())
    else {
        return Vec::new();
    };
    let Some(kind) = graph.kind_id("", "Pod") else {
        return Vec::new();
    };
    let namespace = object.namespace().unwrap_or_default();
    // The rarest label leaves the fewest pods to try.
    let labels = selector.entries().map(|(key, value)| {
        let wanted = key2(namespace, value.as_str().unwrap_or_default());
        graph.with_key(kind, &Key::Label(key.into()), Wanted::Text(&wanted))
    });
    let rarest = labels.min_by_key(|pods| pods.len()).unwrap_or_default();
    let one = selector.len() == 1;
    let pods = rarest.iter().filter(|&&pod| {
        let pod = graph.object(pod);
        one || selector
            .entries()
            .all(|(key, value)| pod.label(key) == value.as_str())
    });
    pods.map(|&pod| Subject::Object(pod)).collect()
}

/// Replicas of the disk's node that lie where Longhorn keeps its data on this disk; none if that is unknown.
fn replicas_on_disk(graph: &Graph, disk: &Subject) -> Vec<Subject> {
    let Subject::Object(id) = disk else {
        return Vec::new();
    };
    let paths: Vec<&str> = graph
        .object(*id)
        .field(&["longhornPaths"])
        .into_iter()
        .flat_map(|paths| paths.items())
        .filter_map(|path| path.as_str())
        .collect();
    let mut replicas = lookup(
        graph,
        &graph.indexes().replicas_by_node,
        build_replicas_by_node,
        node_name(graph, disk),
    );
    replicas.retain(|replica| {
        text(graph, replica, &["spec", "diskPath"])
            .is_some_and(|path| paths.contains(&path.trim_end_matches('/')))
    });
    replicas
}

fn launcher_pods(graph: &Graph, subject: &Subject) -> Vec<Subject> {
    let (vmi, uid) = match text(graph, subject, &["spec", "vmiName"]) {
        Some(vmi) => (vmi, None),
        None => (
            name(graph, subject),
            text(graph, subject, &["metadata", "uid"]),
        ),
    };
    let namespace = namespace(graph, subject).unwrap_or_default();
    let pods = graph
        .kind_id("", "Pod")
        .map(|kind| graph.ids_in(kind, namespace));
    let launchers = pods.into_iter().flatten().filter(|&&pod| {
        let pod = graph.object(pod);
        pod.label("kubevirt.io") == Some("virt-launcher")
            && (uid.is_some() && pod.label("kubevirt.io/created-by") == uid
                || pod.label("vm.kubevirt.io/name") == Some(vmi))
    });
    launchers.map(|&pod| Subject::Object(pod)).collect()
}

/// Namespace and name of the claims that a claim, persistent volume or Longhorn volume stands for.
fn claims_of(graph: &Graph, subject: &Subject) -> Vec<(String, String)> {
    let kind = graph.kind(kind_of(graph, subject)).name.as_str();
    let owned = |namespace: Option<&str>, claim: Option<&str>| -> Vec<(String, String)> {
        namespace
            .zip(claim)
            .map(|(namespace, claim)| (namespace.to_owned(), claim.to_owned()))
            .into_iter()
            .collect()
    };
    match kind {
        "PersistentVolumeClaim" => owned(namespace(graph, subject), Some(name(graph, subject))),
        "PersistentVolume" => owned(
            text(graph, subject, &["spec", "claimRef", "namespace"]),
            text(graph, subject, &["spec", "claimRef", "name"]),
        ),
        _ => {
            let status = owned(
                text(graph, subject, &["status", "kubernetesStatus", "namespace"]),
                text(graph, subject, &["status", "kubernetesStatus", "pvcName"]),
            );
            if !status.is_empty() {
                return status;
            }
            // A volume that is gone, or whose status was lost, still has a persistent volume of its name.
            let volume = to_kind(
                graph,
                "",
                "PersistentVolume",
                None,
                Some(name(graph, subject)),
            );
            volume
                .iter()
                .filter(|volume| matches!(volume, Subject::Object(_)))
                .flat_map(|volume| claims_of(graph, volume))
                .collect()
        }
    }
}

/// The claims that a pod or a machine has as volumes.
fn claims_named_by(graph: &Graph, subject: &Subject) -> Vec<Subject> {
    let (Subject::Object(id), Some(kind)) = (subject, graph.kind_id("", "PersistentVolumeClaim"))
    else {
        return Vec::new();
    };
    let object = graph.object(*id);
    let volumes = object
        .field(&["spec", "template", "spec", "volumes"])
        .or_else(|| object.field(&["spec", "volumes"]));
    let claims = volumes.into_iter().flat_map(View::items);
    claims
        .filter_map(claim_in)
        .map(|claim| graph.subject(kind, object.namespace(), claim))
        .collect()
}

fn owner(graph: &Graph, subject: &Subject, wanted: Option<KindId>, depth: u8) -> Vec<Subject> {
    let Subject::Object(id) = subject else {
        return Vec::new();
    };
    let object = graph.object(*id);
    let references = object.field(&["metadata", "ownerReferences"]);
    let mut through = Vec::new();
    for reference in references.into_iter().flat_map(View::items) {
        let by_uid = reference
            .get("uid")
            .and_then(View::as_str)
            .and_then(|uid| graph.by_uid(uid));
        let found = match by_uid {
            Some(id) => Subject::Object(id),
            None => {
                let (Some(kind), Some(name)) = (
                    reference.get("kind").and_then(View::as_str),
                    reference.get("name").and_then(View::as_str),
                ) else {
                    continue;
                };
                let group = reference
                    .get("apiVersion")
                    .and_then(View::as_str)
                    .map(|version| version.split_once('/').map_or("", |(group, _)| group));
                let Some(kind) = graph
                    .resolve_kind(group.or(Some("")), kind)
                    .or_else(|| graph.resolve_kind(None, kind))
                else {
                    continue;
                };
                let namespace = (graph.kind(kind).namespaced() != Some(false))
                    .then(|| object.namespace())
                    .flatten();
                graph.subject(kind, namespace, name)
            }
        };
        if wanted.is_none_or(|wanted| kind_of(graph, &found) == wanted) {
            return vec![found];
        }
        through.push(found);
    }
    if depth == 0 {
        return Vec::new();
    }
    through
        .iter()
        .map(|owned| owner(graph, owned, wanted, depth - 1))
        .find(|found| !found.is_empty())
        .unwrap_or_default()
}

fn owned_of_kind(graph: &Graph, subject: &Subject, wanted: Option<KindId>) -> Vec<Subject> {
    let uid = text(graph, subject, &["metadata", "uid"]);
    let indexes = graph.indexes();
    let kind = graph.kind(kind_of(graph, subject)).name.as_str();
    let key = owner_key(kind, namespace(graph, subject), name(graph, subject));
    let mut owned = match uid {
        Some(uid) => lookup(graph, &indexes.owned_by_uid, build_owned_by_uid, uid),
        // Of a ghost, and of what lost its uid, the name is all there is.
        None => lookup(graph, &indexes.owned_by_name, build_owned_by_name, &key),
    };
    let nameless = &indexes.owned_without_uid;
    owned.extend(lookup(graph, nameless, build_owned_without_uid, &key));
    let replica_set = graph.kind_id("apps", "ReplicaSet");
    let mut found = Vec::new();
    for object in owned {
        let kind = Some(kind_of(graph, &object));
        if kind == replica_set && wanted != replica_set {
            found.extend(owned_of_kind(graph, &object, wanted));
        }
        if wanted.is_none() || kind == wanted {
            found.push(object);
        }
    }
    found
}

fn events(graph: &Graph, subject: &Subject) -> Vec<Subject> {
    let kind = graph.kind(kind_of(graph, subject)).name.as_str();
    let uid = text(graph, subject, &["metadata", "uid"]);
    let namespace = namespace(graph, subject).unwrap_or_default();
    let mut events = lookup(
        graph,
        &graph.indexes().events_by_involved,
        build_events_by_involved,
        &key2(kind, name(graph, subject)),
    );
    // Events on nodes carry the node's name as uid, and those of an earlier object of the same name still tell.
    events.retain(|event| {
        let of = |key: &str| text(graph, event, &["involvedObject", key]);
        of("namespace").unwrap_or_default() == namespace || uid.is_some() && of("uid") == uid
    });
    events
}

fn boots(graph: &Graph, node: &str) -> Vec<Subject> {
    let mut boots = filter(graph, DERIVED_GROUP, "Boot", |boot| {
        boot.text(&["nodeName"]) == Some(node)
    });
    let order = |subject: &Subject| match subject {
        Subject::Object(id) => graph.object(*id).field(&["order"]).and_then(View::as_i64),
        Subject::Ghost(_) => None,
    };
    boots.sort_by_key(order);
    boots
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::graph::GraphBuilder;
    use crate::parse::document::Document;

    #[test]
    fn a_volume_is_found_by_the_handle_of_its_persistent_volume() {
        let mut builder = GraphBuilder::default();
        for object in [
            json!({
                "apiVersion": "v1", "kind": "PersistentVolume", "metadata": { "name": "restored-pv" },
                "spec": { "csi": { "volumeHandle": "restored" } },
            }),
            json!({
                "apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment", "metadata": { "name": "by-handle" },
                "spec": { "source": { "persistentVolumeName": "restored-pv" } },
            }),
            json!({
                "apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment", "metadata": { "name": "by-name" },
                "spec": { "source": { "persistentVolumeName": "pvc-1" } },
            }),
            json!({
                "apiVersion": "v1", "kind": "PersistentVolumeClaim",
                "metadata": { "name": "claim", "namespace": "default" }, "spec": { "volumeName": "restored-pv" },
            }),
        ] {
            builder.add("yamls/all.yaml", Document::from_json(&object));
        }
        let graph = builder.finish();
        let mut found = Vec::new();
        for (group, kind) in [
            ("", "PersistentVolume"),
            ("storage.k8s.io", "VolumeAttachment"),
            ("", "PersistentVolumeClaim"),
        ] {
            for object in graph.all(group, kind) {
                let relation = find(&graph, "volume", object.kind());
                let volumes = relation.map_or(Vec::new(), |relation| {
                    relation.follow(&graph, &Subject::Object(object.id()), None)
                });
                let names: Vec<String> = volumes.iter().map(|it| graph.name_of(it).name).collect();
                found.push(format!("{} {}", object.name(), names.join(" ")));
            }
        }
        assert_eq!(
            found,
            [
                "restored-pv restored",
                "by-handle restored",
                "by-name pvc-1",
                "claim restored"
            ]
        );
    }
}
