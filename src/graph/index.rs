//! Indexes for the joins that would otherwise walk a whole kind, each built the first time one asks.

mod table;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use crate::parse::document::View;

use super::{Graph, KindId, ObjectId, ObjectView, Subject, relation};
use table::Index;

/// Where an element of a kind may be looked up instead of being searched for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Key {
    /// The text at the end of these fields.
    Field(Box<[Box<str>]>),
    /// The object that the relation of this name leads to.
    Relation(Box<str>),
    /// The namespace and the value of the label of this key, as [`key2`] joins them.
    Label(Box<str>),
}

/// The objects of a kind by the value of a key.
#[derive(Debug)]
pub(crate) enum ByKey {
    Text(Index),
    Object(HashMap<ObjectId, Vec<ObjectId>, foldhash::fast::FixedState>),
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wanted<'a> {
    Text(&'a str),
    Object(ObjectId),
}

/// Indexes over keys that rules ask for, each built the first time one does.
#[derive(Debug, Default)]
pub(crate) struct KeyIndexes(RwLock<Vec<(KindId, Key, Arc<ByKey>)>>);

impl KeyIndexes {
    fn get(&self, graph: &Graph, kind: KindId, key: &Key) -> Arc<ByKey> {
        let known = |built: &[(KindId, Key, Arc<ByKey>)]| {
            let found = built.iter().find(|(of, by, _)| *of == kind && by == key);
            found.map(|(.., index)| Arc::clone(index))
        };
        let built = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = known(&built) {
            return index;
        }
        drop(built);
        // Built under the lock: who else asks for it would only build it, too.
        let mut built = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = known(&built) {
            return index;
        }
        let index = Arc::new(by_key(graph, kind, key));
        built.push((kind, key.clone(), Arc::clone(&index)));
        index
    }
}

fn by_key(graph: &Graph, kind: KindId, key: &Key) -> ByKey {
    let objects = graph.of_kind(kind);
    match key {
        Key::Field(path) => {
            let mut index = Index::default();
            for object in objects {
                let Some((first, rest)) = path.split_first() else {
                    break;
                };
                let (start, rest) = match (&**first, rest.split_first()) {
                    ("metadata", Some((key, rest))) => (object.metadata(key), rest),
                    (first, _) => (object.get(first), rest),
                };
                let value = rest.iter().fold(start, |at, key| at?.get(key));
                if let Some(text) = value.and_then(View::as_str) {
                    index.add([text], object.id());
                }
            }
            ByKey::Text(index)
        }
        Key::Relation(name) => {
            let mut index = HashMap::<_, Vec<ObjectId>, _>::default();
            for object in objects {
                let Some(relation) = relation::find(graph, name, kind) else {
                    break;
                };
                let found = relation.follow(graph, &Subject::Object(object.id()), None);
                if let Some(Subject::Object(to)) = found.first() {
                    index.entry(*to).or_default().push(object.id());
                }
            }
            ByKey::Object(index)
        }
        Key::Label(label) => {
            let mut index = Index::default();
            for object in objects {
                if let Some(value) = object.label(label) {
                    let namespace = object.namespace().unwrap_or_default();
                    index.add([namespace, "/", value], object.id());
                }
            }
            ByKey::Text(index)
        }
    }
}

impl Graph {
    /// The objects of a kind of which a key is what is wanted, in the order of the kind's objects.
    pub(crate) fn with_key(
        &self,
        kind: KindId,
        key: &Key,
        wanted: Wanted<'_>,
    ) -> Cow<'_, [ObjectId]> {
        // They stand together, so that no index is needed.
        if let (Key::Field(path), Wanted::Text(namespace)) = (key, wanted)
            && let [of, field] = &**path
            && (&**of, &**field) == ("metadata", "namespace")
        {
            return Cow::Borrowed(self.ids_in(kind, namespace));
        }
        let index = self.indexes.by_key.get(self, kind, key);
        Cow::Owned(match (&*index, wanted) {
            (ByKey::Text(index), Wanted::Text(text)) => index.of(text).collect(),
            (ByKey::Object(index), Wanted::Object(object)) => {
                index.get(&object).cloned().unwrap_or_default()
            }
            _ => Vec::new(),
        })
    }
}

/// Indexes that relations build when first asked.
#[derive(Debug, Default)]
pub(crate) struct Indexes {
    pub(super) pods_by_node: OnceLock<Index>,
    pub(super) pods_by_claim: OnceLock<Index>,
    pub(super) owned_by_uid: OnceLock<Index>,
    pub(super) owned_by_name: OnceLock<Index>,
    pub(super) owned_without_uid: OnceLock<Index>,
    pub(super) replicas_by_node: OnceLock<Index>,
    pub(super) replicas_by_volume: OnceLock<Index>,
    pub(super) engines_by_node: OnceLock<Index>,
    pub(super) engines_by_volume: OnceLock<Index>,
    pub(super) machines_by_claim: OnceLock<Index>,
    pub(super) instances_by_node: OnceLock<Index>,
    pub(super) machines_by_node: OnceLock<Index>,
    pub(super) events_by_involved: OnceLock<Index>,
    by_key: KeyIndexes,
}

pub(super) fn lookup(
    graph: &Graph,
    cell: &OnceLock<Index>,
    build: fn(&Graph) -> Index,
    key: &str,
) -> Vec<Subject> {
    let found = cell.get_or_init(|| build(graph)).of(key);
    found.map(Subject::Object).collect()
}

fn index<'g, K: AsRef<str>, M: IntoIterator<Item = K>>(
    objects: impl Iterator<Item = ObjectView<'g>>,
    keys: impl Fn(ObjectView<'g>) -> M,
) -> Index {
    let mut index = Index::default();
    for object in objects {
        for key in keys(object) {
            index.add([key.as_ref()], object.id());
        }
    }
    index
}

pub(super) fn key2(namespace: &str, name: &str) -> String {
    joined(&[namespace, "/", name])
}

pub(super) fn build_pods_by_node(graph: &Graph) -> Index {
    index(graph.all("", "Pod"), |pod| pod.text(&["spec", "nodeName"]))
}

/// Texts in a row. Keys of indexes are made by the ten thousand, and `format!` takes several times as long.
fn joined(parts: &[&str]) -> String {
    let mut joined = String::with_capacity(parts.iter().map(|it| it.len()).sum());
    parts.iter().for_each(|part| joined.push_str(part));
    joined
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
        .filter_map(|volume| Some(key2(namespace, claim_in(volume)?)))
        .collect()
}

/// The claim that a volume of a pod or a machine is: a data volume has one of its name.
pub(super) fn claim_in(volume: View<'_>) -> Option<&str> {
    volume
        .path(&["persistentVolumeClaim", "claimName"])
        .or_else(|| volume.path(&["dataVolume", "name"]))?
        .as_str()
}

pub(super) fn build_replicas_by_node(graph: &Graph) -> Index {
    index(graph.all("longhorn.io", "Replica"), |it| {
        it.text(&["spec", "nodeID"])
    })
}

pub(super) fn build_replicas_by_volume(graph: &Graph) -> Index {
    index(graph.all("longhorn.io", "Replica"), |it| {
        it.text(&["spec", "volumeName"])
    })
}

pub(super) fn build_engines_by_node(graph: &Graph) -> Index {
    index(graph.all("longhorn.io", "Engine"), |it| {
        it.text(&["spec", "nodeID"])
    })
}

pub(super) fn build_engines_by_volume(graph: &Graph) -> Index {
    index(graph.all("longhorn.io", "Engine"), |it| {
        it.text(&["spec", "volumeName"])
    })
}

pub(super) fn build_instances_by_node(graph: &Graph) -> Index {
    index(graph.all("kubevirt.io", "VirtualMachineInstance"), |it| {
        it.text(&["status", "nodeName"])
            .or_else(|| it.label("kubevirt.io/nodeName"))
    })
}

pub(super) fn build_machines_by_node(graph: &Graph) -> Index {
    index(graph.all("cluster.x-k8s.io", "Machine"), |it| {
        it.text(&["status", "nodeRef", "name"])
    })
}

/// Events by kind and name of what they are about. A namespace alone seldom tells apart what has one
/// name, and is left to the caller.
pub(super) fn build_events_by_involved(graph: &Graph) -> Index {
    let mut index = Index::default();
    for event in graph.all("", "Event") {
        let involved = event.get("involvedObject");
        let text = |key: &str| involved.and_then(|it| it.get(key)).and_then(View::as_str);
        if let Some(kind) = text("kind") {
            index.add([kind, "/", text("name").unwrap_or_default()], event.id());
        }
    }
    index
}

/// Owned objects by their owner's uid, and by its kind, namespace and name. A name alone tells less:
/// an owner may have been made anew, so references that have a uid are kept apart.
/// Objects by the uid of their owner.
pub(super) fn build_owned_by_uid(graph: &Graph) -> Index {
    index(every_object(graph), |object| {
        owners(object).filter_map(|owner| owner.get("uid").and_then(View::as_str))
    })
}

/// Objects by the kind and name of their owner where its uid is lost.
pub(super) fn build_owned_without_uid(graph: &Graph) -> Index {
    index(every_object(graph), |object| {
        owners(object)
            .filter(|owner| owner.get("uid").and_then(View::as_str).is_none())
            .filter_map(move |owner| key_of(owner, object))
    })
}

/// Objects by the kind and name of their owner, though its uid is known: of a ghost nothing else is.
pub(super) fn build_owned_by_name(graph: &Graph) -> Index {
    index(every_object(graph), |object| {
        owners(object)
            .filter(|owner| owner.get("uid").and_then(View::as_str).is_some())
            .filter_map(move |owner| key_of(owner, object))
    })
}

fn every_object(graph: &Graph) -> impl Iterator<Item = ObjectView<'_>> {
    (graph.kinds()).flat_map(|kind| graph.of_kind(kind))
}

fn owners<'g>(object: ObjectView<'g>) -> impl Iterator<Item = View<'g>> {
    let references = object.field(&["metadata", "ownerReferences"]);
    references.into_iter().flat_map(View::items)
}

fn key_of(owner: View<'_>, object: ObjectView<'_>) -> Option<String> {
    let text = |key| owner.get(key).and_then(View::as_str);
    Some(owner_key(text("kind")?, object.namespace(), text("name")?))
}

pub(super) fn owner_key(kind: &str, namespace: Option<&str>, name: &str) -> String {
    joined(&[kind, "/", namespace.unwrap_or_default(), "/", name])
}
