//! Indexes for the joins that would otherwise walk a whole kind, each built the first time one asks.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::parse::document::View;

use super::{Graph, KindId, ObjectId, ObjectView, Subject};

/// An index from a text to objects.
pub(super) type Index = HashMap<String, Vec<ObjectId>, foldhash::fast::FixedState>;

/// Indexes that relations build when first asked.
#[derive(Debug, Default)]
pub(crate) struct Indexes {
    pub(super) pods_by_node: OnceLock<Index>,
    pub(super) pods_by_claim: OnceLock<Index>,
    pub(super) owned: OnceLock<Index>,
    pub(super) replicas_by_node: OnceLock<Index>,
    pub(super) replicas_by_volume: OnceLock<Index>,
    pub(super) engines_by_node: OnceLock<Index>,
    pub(super) engines_by_volume: OnceLock<Index>,
    pub(super) machines_by_claim: OnceLock<Index>,
    pub(super) instances_by_node: OnceLock<Index>,
    pub(super) machines_by_node: OnceLock<Index>,
    pub(super) events_by_object: OnceLock<Index>,
}

pub(super) fn lookup(
    graph: &Graph,
    cell: &OnceLock<Index>,
    build: fn(&Graph) -> Index,
    key: &str,
) -> Vec<Subject> {
    let found = cell.get_or_init(|| build(graph)).get(key);
    found
        .into_iter()
        .flatten()
        .map(|&id| Subject::Object(id))
        .collect()
}

fn index<'g, K: AsRef<str>>(
    objects: impl Iterator<Item = ObjectView<'g>>,
    keys: impl Fn(ObjectView<'g>) -> Vec<K>,
) -> Index {
    let mut index = Index::default();
    for object in objects {
        for key in keys(object) {
            let ids = index.entry(key.as_ref().to_owned()).or_default();
            if ids.last() != Some(&object.id()) {
                ids.push(object.id());
            }
        }
    }
    index
}

pub(super) fn key2(namespace: &str, name: &str) -> String {
    format!("{namespace}/{name}")
}

pub(super) fn build_pods_by_node(graph: &Graph) -> Index {
    index(graph.all("", "Pod"), |pod| {
        pod.text(&["spec", "nodeName"]).into_iter().collect()
    })
}

pub(super) fn build_pods_by_claim(graph: &Graph) -> Index {
    index(graph.all("", "Pod"), |pod| {
        claims_in(pod, pod.field(&["spec", "volumes"]))
    })
}

pub(super) fn build_machines_by_claim(graph: &Graph) -> Index {
    index(graph.all("kubevirt.io", "VirtualMachine"), |vm| {
        claims_in(vm, vm.field(&["spec", "template", "spec", "volumes"]))
    })
}

fn claims_in(object: ObjectView<'_>, volumes: Option<View<'_>>) -> Vec<String> {
    let namespace = object.namespace().unwrap_or_default();
    volumes
        .into_iter()
        .flat_map(View::items)
        .filter_map(|volume| {
            let claim = volume
                .path(&["persistentVolumeClaim", "claimName"])
                .or_else(|| volume.path(&["dataVolume", "name"]))?;
            Some(key2(namespace, claim.as_str()?))
        })
        .collect()
}

pub(super) fn build_replicas_by_node(graph: &Graph) -> Index {
    index(graph.all("longhorn.io", "Replica"), |it| {
        it.text(&["spec", "nodeID"]).into_iter().collect()
    })
}

pub(super) fn build_replicas_by_volume(graph: &Graph) -> Index {
    index(graph.all("longhorn.io", "Replica"), |it| {
        it.text(&["spec", "volumeName"]).into_iter().collect()
    })
}

pub(super) fn build_engines_by_node(graph: &Graph) -> Index {
    index(graph.all("longhorn.io", "Engine"), |it| {
        it.text(&["spec", "nodeID"]).into_iter().collect()
    })
}

pub(super) fn build_engines_by_volume(graph: &Graph) -> Index {
    index(graph.all("longhorn.io", "Engine"), |it| {
        it.text(&["spec", "volumeName"]).into_iter().collect()
    })
}

pub(super) fn build_instances_by_node(graph: &Graph) -> Index {
    index(graph.all("kubevirt.io", "VirtualMachineInstance"), |it| {
        it.text(&["status", "nodeName"])
            .or_else(|| it.label("kubevirt.io/nodeName"))
            .into_iter()
            .collect()
    })
}

pub(super) fn build_machines_by_node(graph: &Graph) -> Index {
    index(graph.all("cluster.x-k8s.io", "Machine"), |it| {
        it.text(&["status", "nodeRef", "name"])
            .into_iter()
            .collect()
    })
}

/// Owned objects by their owner's uid, and by its kind, namespace and name. A name alone tells less:
/// an owner may have been made anew, so references that have a uid are kept apart.
pub(super) fn build_owned(graph: &Graph) -> Index {
    let all = (0..graph.kinds.len()).flat_map(|kind| graph.of_kind(KindId(kind as u16)));
    index(all, |object| {
        let references = object.field(&["metadata", "ownerReferences"]);
        references
            .into_iter()
            .flat_map(View::items)
            .flat_map(|reference| {
                let uid = reference
                    .get("uid")
                    .and_then(View::as_str)
                    .map(|uid| format!("uid:{uid}"));
                let (kind, name) = (
                    reference.get("kind").and_then(View::as_str),
                    reference.get("name").and_then(View::as_str),
                );
                let named = kind
                    .zip(name)
                    .map(|(kind, name)| owner_key(kind, object.namespace(), name))
                    .map(|key| if uid.is_some() { named_too(&key) } else { key });
                [uid, named]
            })
            .flatten()
            .collect::<Vec<String>>()
    })
}

/// The key of an owner whose uid the reference states as well.
pub(super) fn named_too(owner: &str) -> String {
    format!("named:{owner}")
}

pub(super) fn owner_key(kind: &str, namespace: Option<&str>, name: &str) -> String {
    format!("{kind}/{}/{name}", namespace.unwrap_or_default())
}

pub(super) fn build_events_by_object(graph: &Graph) -> Index {
    index(graph.all("", "Event"), |event| {
        let involved = event.field(&["involvedObject"]);
        let text = |key: &str| {
            involved
                .and_then(|involved| involved.get(key))
                .and_then(View::as_str)
        };
        let named = owner_key(
            text("kind").unwrap_or_default(),
            text("namespace"),
            text("name").unwrap_or_default(),
        );
        text("uid")
            .map(|uid| format!("uid:{uid}"))
            .into_iter()
            .chain([named])
            .collect::<Vec<String>>()
    })
}
