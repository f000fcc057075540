//! Objects: where their text lies, and the name they answer to.

use crate::finding::ObjectName;
use crate::parse::document::View;

use super::{Graph, KindId};

/// An object of the graph, by its place in the arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(pub(super) u32);

/// Where an object's tree lies. What joins and conditions ask for most is looked up once: on the way
/// to `status` lies all of `spec`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Object {
    pub(super) kind: KindId,
    pub(super) manifest: u32,
    pub(super) root: u32,
    pub(super) name: Option<u32>,
    pub(super) namespace: Option<u32>,
    pub(super) uid: Option<u32>,
    pub(super) metadata: Option<u32>,
    pub(super) spec: Option<u32>,
    pub(super) status: Option<u32>,
}

/// An object, or the name of one that the bundle does not hold: a ghost. Relations that go by name work
/// for both, so a node that is gone can still be the subject of a finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// It is in the bundle.
    Object(ObjectId),
    /// Only its name is known.
    Ghost(Ghost),
}

/// The name of an object that is not in the bundle.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ghost {
    /// Its kind.
    pub kind: KindId,
    /// Its namespace, `None` for cluster scope.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

/// Reads fields of one object.
#[derive(Clone, Copy)]
pub struct ObjectView<'g> {
    graph: &'g Graph,
    id: ObjectId,
}

impl<'g> ObjectView<'g> {
    pub(super) fn new(graph: &'g Graph, id: ObjectId) -> Self {
        ObjectView { graph, id }
    }

    fn object(self) -> &'g Object {
        &self.graph.objects[self.id.0 as usize]
    }

    fn text_at(self, index: Option<u32>) -> Option<&'g str> {
        self.graph.manifests[self.object().manifest as usize]
            .document
            .at(index?)
            .as_str()
    }

    /// Its place in the arena.
    pub fn id(self) -> ObjectId {
        self.id
    }

    /// Its kind.
    pub fn kind(self) -> KindId {
        self.object().kind
    }

    /// `metadata.name`, empty where it is missing.
    pub fn name(self) -> &'g str {
        self.text_at(self.object().name).unwrap_or_default()
    }

    /// `metadata.namespace`.
    pub fn namespace(self) -> Option<&'g str> {
        self.text_at(self.object().namespace)
    }

    /// `metadata.uid`.
    pub fn uid(self) -> Option<&'g str> {
        self.text_at(self.object().uid)
    }

    /// The whole tree.
    pub fn root(self) -> View<'g> {
        let object = self.object();
        self.graph.manifests[object.manifest as usize]
            .document
            .at(object.root)
    }

    /// Path of the file that holds it, relative to the bundle's top directory; empty for derived objects.
    pub fn file(self) -> &'g str {
        &self.graph.manifests[self.object().manifest as usize].path
    }

    /// The value at a path of keys.
    pub fn field(self, path: &[&str]) -> Option<View<'g>> {
        match path.split_first() {
            Some((first, rest)) => self.get(first)?.path(rest),
            None => Some(self.root()),
        }
    }

    /// The value of a key of `metadata`.
    pub(crate) fn metadata(self, key: &str) -> Option<View<'g>> {
        let object = self.object();
        let known = match key {
            "name" => object.name,
            "namespace" => object.namespace,
            "uid" => object.uid,
            _ => return self.get("metadata")?.get(key),
        };
        let manifest = &self.graph.manifests[object.manifest as usize];
        known.map(|index| manifest.document.at(index))
    }

    /// The value of a key of the outermost map.
    pub fn get(self, key: &str) -> Option<View<'g>> {
        let object = self.object();
        let known = match key {
            "metadata" => object.metadata,
            "spec" => object.spec,
            "status" => object.status,
            _ => return self.root().get(key),
        };
        let manifest = &self.graph.manifests[object.manifest as usize];
        known.map(|index| manifest.document.at(index))
    }

    /// The text at a path of keys.
    pub fn text(self, path: &[&str]) -> Option<&'g str> {
        self.field(path)?.as_str()
    }

    /// A label's value.
    pub fn label(self, key: &str) -> Option<&'g str> {
        self.text(&["metadata", "labels", key])
    }

    /// An annotation's value.
    pub fn annotation(self, key: &str) -> Option<&'g str> {
        self.text(&["metadata", "annotations", key])
    }

    /// Kind, namespace and name as reports show them.
    pub fn object_name(self) -> ObjectName {
        ObjectName {
            kind: self.graph.kind_display(self.kind()).to_owned(),
            namespace: self.namespace().map(str::to_owned),
            name: self.name().to_owned(),
        }
    }

    /// The condition of a type, whether conditions are a list or, as in Longhorn's v1beta1, a map keyed by type.
    pub fn condition(self, kind: &str) -> Option<View<'g>> {
        let conditions = self.field(&["status", "conditions"]);
        condition_in(conditions.or_else(|| self.get("conditions"))?, kind)
    }

    /// The status of a condition.
    pub fn condition_status(self, kind: &str) -> Option<&'g str> {
        self.condition(kind)?.get("status")?.as_str()
    }
}

/// The condition of a type in `status.conditions` or `conditions` of a value, be they a list or a map keyed by type.
pub fn condition<'g>(value: View<'g>, kind: &str) -> Option<View<'g>> {
    let conditions = value
        .path(&["status", "conditions"])
        .or_else(|| value.get("conditions"))?;
    condition_in(conditions, kind)
}

fn condition_in<'g>(conditions: View<'g>, kind: &str) -> Option<View<'g>> {
    conditions
        .items()
        .find(|item| item.get("type").and_then(View::as_str) == Some(kind))
        .or_else(|| conditions.get(kind))
}
