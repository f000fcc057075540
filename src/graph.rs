//! Objects of the cluster by kind, name and uid, and the relations between them.
//!
//! Objects stay in the documents they were read from; the graph holds places, sorted lists and lazily
//! built indexes. What is not in the bundle but is named by something that is, is a ghost.

mod ahead;
mod index;
pub mod kind;
pub mod object;
pub mod relation;
#[cfg(test)]
mod tests_of_linking;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::finding::ObjectName;
use crate::parse::document::{Builder, Document, Value, View};

pub use kind::Kind;
pub use object::{Ghost, ObjectId, ObjectView, Subject};

pub(crate) use ahead::AHEAD;
use index::Indexes;
pub(crate) use index::{Key, Wanted};
use object::Object;

/// A kind of this graph, by its place in the sorted list of kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KindId(u16);

/// A file's tree.
#[derive(Debug)]
struct Manifest {
    path: String,
    document: Document,
}

#[derive(Debug)]
struct KindEntry {
    kind: Kind,
    display: String,
    /// Sorted by namespace, then name.
    objects: Vec<ObjectId>,
}

/// All objects of a bundle.
#[derive(Debug, Default)]
pub struct Graph {
    manifests: Vec<Manifest>,
    kinds: Vec<KindEntry>,
    /// Kinds by name: few names are those of several groups.
    kind_ids: HashMap<String, Vec<KindId>, foldhash::fast::FixedState>,
    objects: Vec<Object>,
    by_uid: Vec<ObjectId>,
    origins: BTreeMap<ObjectId, Origins>,
    collected: Collected,
    indexes: Indexes,
}

/// Where the facts of a derived object were seen: by field path, and for the object as a whole under `""`.
pub type Origins = BTreeMap<String, Origin>;

/// The place in the bundle from which a fact of a derived object comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A line of a file, with its text where that is known.
    Line {
        /// Path relative to the bundle's top directory.
        path: String,
        /// 1-based line.
        line: u32,
        /// The line.
        text: Option<String>,
    },
    /// A field of an object of the bundle.
    Field {
        /// The object.
        object: ObjectId,
        /// Path of the field, as evidence names it.
        path: String,
    },
    /// Something that should be in the bundle and is not.
    Absent {
        /// Path at which it should be.
        path: String,
        /// Why it is missing, or what that means.
        note: String,
    },
}

/// Which parts of the cluster the collector fetched.
#[derive(Debug, Clone, Default)]
pub struct Collected {
    /// Everything was, but for what `failed` names.
    pub everything: bool,
    /// Something of cluster scope was collected.
    pub cluster: bool,
    /// Namespaces of which manifests were collected, an empty list counting too.
    pub namespaces: BTreeSet<String>,
    /// Resources (plural, lower case) whose list could not be fetched.
    pub failed: BTreeSet<String>,
}

impl Collected {
    /// Whether objects of a kind would be in the bundle if they existed: everywhere, or in one namespace.
    pub fn has(&self, kind: &Kind, namespace: Option<&str>) -> bool {
        if kind.is_derived() {
            return true;
        }
        if self.failed.contains(&kind.plural()) {
            return false;
        }
        match (kind.namespaced(), namespace) {
            _ if self.everything => true,
            (Some(false), _) => self.cluster,
            (_, Some(namespace)) => self.namespace(namespace),
            (Some(true), None) => !self.namespaces.is_empty(),
            (None, None) => self.cluster || !self.namespaces.is_empty(),
        }
    }
}

impl Collected {
    /// Whether manifests of a namespace were collected.
    pub fn namespace(&self, name: &str) -> bool {
        self.everything || self.namespaces.contains(name)
    }
}

/// Gathers documents, then links them.
#[derive(Debug, Default)]
pub struct GraphBuilder {
    graph: Graph,
    found: Vec<(Kind, Object)>,
}

impl GraphBuilder {
    /// Adds the objects of a document: the items of a list, or the one object that it is. Returns how many.
    pub fn add(&mut self, path: impl Into<String>, document: Document) -> usize {
        let manifest = self.graph.manifests.len() as u32;
        let before = self.found.len();
        let root = document.root();
        if root
            .get("items")
            .is_some_and(|items| matches!(items.value(), Value::List(_)))
        {
            let list = root.get("items").into_iter().flat_map(View::items);
            self.found
                .extend(list.filter_map(|item| locate(manifest, item)));
        } else {
            self.found.extend(locate(manifest, root));
        }
        self.graph.manifests.push(Manifest {
            path: path.into(),
            document,
        });
        self.found.len() - before
    }

    /// Says which parts of the cluster were collected.
    pub fn collected(&mut self, collected: Collected) {
        self.graph.collected = collected;
    }

    /// Sorts, merges what was collected twice, and makes the graph.
    pub fn finish(self) -> Graph {
        let GraphBuilder { mut graph, found } = self;
        let kinds: BTreeSet<Kind> = found
            .iter()
            .map(|(kind, _)| kind.clone())
            .chain(
                kind::KNOWN_KINDS
                    .iter()
                    .map(|known| Kind::new(known.group, known.name)),
            )
            .collect();
        graph.kinds = kinds
            .into_iter()
            .map(|kind| KindEntry {
                display: kind.display(),
                kind,
                objects: Vec::new(),
            })
            .collect();
        for (index, entry) in graph.kinds.iter().enumerate() {
            let named = graph.kind_ids.entry(entry.kind.name.clone()).or_default();
            named.push(KindId(index as u16));
        }
        for (kind, object) in found {
            let Some(kind) = graph.kind_id(&kind.group, &kind.name) else {
                continue;
            };
            graph.push(Object { kind, ..object });
        }
        graph.fold_events();
        graph.index();
        graph.doubt_what_every_cluster_has();
        graph
    }
}

/// The place of an object and its kind, if the value is an object at all. The collector writes metrics of
/// pods and nodes as if they were pods and nodes in some versions; their group tells.
fn locate(manifest: u32, root: View<'_>) -> Option<(Kind, Object)> {
    let kind = root.get("kind")?.as_str()?;
    let version = root
        .get("apiVersion")
        .and_then(View::as_str)
        .unwrap_or("v1");
    let group = version.split_once('/').map_or("", |(group, _)| group);
    let name = match (group, kind) {
        ("metrics.k8s.io", "Pod" | "Node") => format!("{kind}Metrics"),
        ("events.k8s.io", "Event") => {
            return place(manifest, root, Kind::new("events.k8s.io", "Event"));
        }
        _ => {
            let mut letters = kind.chars();
            // Kits before v0.0.12 wrote kinds with `strings.Title`; kinds begin with a capital anyway.
            letters
                .next()
                .map(|first| first.to_uppercase().chain(letters).collect())?
        }
    };
    place(manifest, root, Kind::new(group, name))
}

fn place(manifest: u32, root: View<'_>, kind: Kind) -> Option<(Kind, Object)> {
    let metadata = root.get("metadata");
    let index = |key: &str| {
        metadata
            .and_then(|metadata| metadata.get(key))
            .map(View::index)
    };
    let object = Object {
        kind: KindId(0),
        manifest,
        root: root.index(),
        name: index("name"),
        namespace: index("namespace"),
        uid: index("uid"),
        metadata: metadata.map(View::index),
        spec: root.get("spec").map(View::index),
        status: root.get("status").map(View::index),
    };
    Some((kind, object))
}

impl Graph {
    fn push(&mut self, object: Object) -> ObjectId {
        let id = ObjectId(self.objects.len() as u32);
        self.kinds[object.kind.0 as usize].objects.push(id);
        self.objects.push(object);
        id
    }

    /// Every cluster has nodes and namespaces. Where not one was found their list was lost, whatever
    /// else of cluster scope is there, and a name that is not among them is no sign of anything.
    fn doubt_what_every_cluster_has(&mut self) {
        for kind in ["Node", "Namespace"] {
            if !self.collected.everything && self.all("", kind).next().is_none() {
                self.collected.failed.insert(kind::plural(kind));
            }
        }
    }

    /// Both event APIs list the same events under different field names. The core form is kept; an event
    /// that only the newer API shows is rewritten into it.
    fn fold_events(&mut self) {
        let (Some(core), Some(newer)) = (
            self.kind_id("", "Event"),
            self.kind_id("events.k8s.io", "Event"),
        ) else {
            return;
        };
        let newer = std::mem::take(&mut self.kinds[newer.0 as usize].objects);
        let known: BTreeSet<(&str, &str)> = self
            .of_kind(core)
            .map(|event| (event.namespace().unwrap_or_default(), event.name()))
            .collect();
        let missing: Vec<(ObjectId, Document)> = newer
            .into_iter()
            .map(|id| self.object(id))
            .filter(|event| !known.contains(&(event.namespace().unwrap_or_default(), event.name())))
            .map(|event| (event.id(), core_event(event)))
            .collect();
        for (original, document) in missing {
            let manifest = self.manifests.len() as u32;
            let placed = place(manifest, document.root(), Kind::new("", "Event"));
            self.manifests.push(Manifest {
                path: String::new(),
                document,
            });
            if let Some((_, object)) = placed {
                let id = self.push(Object {
                    kind: core,
                    ..object
                });
                let whole = Origin::Field {
                    object: original,
                    path: String::new(),
                };
                self.origins
                    .insert(id, Origins::from([(String::new(), whole)]));
            }
        }
    }

    fn index(&mut self) {
        let mut kinds = std::mem::take(&mut self.kinds);
        for entry in &mut kinds {
            entry.objects.sort_by(|&a, &b| self.by_name_order(a, b));
            // The same object under two groups' versions or in two files of a merged bundle counts once.
            entry.objects.dedup_by(|a, b| {
                let (a, b) = (self.object(*a), self.object(*b));
                a.uid().is_some()
                    && a.uid() == b.uid()
                    && a.name() == b.name()
                    && a.namespace() == b.namespace()
            });
        }
        let mut by_uid: Vec<ObjectId> = kinds
            .iter()
            .flat_map(|entry| entry.objects.iter().copied())
            .filter(|&id| self.object(id).uid().is_some())
            .collect();
        by_uid.sort_by(|&a, &b| {
            self.object(a)
                .uid()
                .cmp(&self.object(b).uid())
                .then(a.cmp(&b))
        });
        self.kinds = kinds;
        self.by_uid = by_uid;
        self.indexes = Indexes::default();
    }

    fn by_name_order(&self, a: ObjectId, b: ObjectId) -> Ordering {
        let key = |id| {
            let object = self.object(id);
            (object.namespace(), object.name())
        };
        key(a).cmp(&key(b)).then(a.cmp(&b))
    }

    /// Adds objects that were worked out from others, with the places their facts come from.
    pub fn derive(&mut self, derived: Vec<(Document, Origins)>) {
        for (document, origins) in derived {
            let manifest = self.manifests.len() as u32;
            let Some((kind, object)) = locate(manifest, document.root()) else {
                continue;
            };
            let Some(kind) = self.kind_id(&kind.group, &kind.name) else {
                continue;
            };
            self.manifests.push(Manifest {
                path: String::new(),
                document,
            });
            let id = self.push(Object { kind, ..object });
            self.origins.insert(id, origins);
        }
        self.index();
    }

    /// Places from which the facts of a derived object come.
    pub fn origins(&self, id: ObjectId) -> Option<&Origins> {
        self.origins.get(&id)
    }

    /// Number of objects, those of both event APIs and derived ones included.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there is no object at all.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Which parts of the cluster were collected.
    pub fn collected(&self) -> &Collected {
        &self.collected
    }

    /// The kinds that it knows, with and without objects.
    pub fn kinds(&self) -> impl Iterator<Item = KindId> {
        (0..self.kinds.len()).filter_map(|index| u16::try_from(index).ok().map(KindId))
    }

    /// A kind by group and name.
    pub fn kind_id(&self, group: &str, name: &str) -> Option<KindId> {
        let named = self.kind_ids.get(name)?;
        let is_wanted = |id: &&KindId| self.kind(**id).group == group;
        named.iter().find(is_wanted).copied()
    }

    /// A kind's parts.
    pub fn kind(&self, id: KindId) -> &Kind {
        &self.kinds[id.0 as usize].kind
    }

    /// A kind's shortest name in rules and reports.
    pub fn kind_display(&self, id: KindId) -> &str {
        &self.kinds[id.0 as usize].display
    }

    /// The kind of a display name.
    pub fn kind_displayed(&self, display: &str) -> Option<KindId> {
        let at = self.kinds.iter().position(|kind| kind.display == display)?;
        u16::try_from(at).ok().map(KindId)
    }

    /// The kind that a rule means; kinds outside the catalogue match by name in any group.
    pub fn resolve_kind(&self, group: Option<&str>, name: &str) -> Option<KindId> {
        match kind::resolve(group, name) {
            kind::Resolution::Known(kind) => self.kind_id(&kind.group, &kind.name),
            kind::Resolution::Ambiguous(_) => None,
            kind::Resolution::Unknown => self
                .kinds
                .iter()
                .position(|entry| {
                    entry.kind.name == name && group.is_none_or(|group| entry.kind.group == group)
                })
                .map(|index| KindId(index as u16)),
        }
    }

    /// An object.
    pub fn object(&self, id: ObjectId) -> ObjectView<'_> {
        ObjectView::new(self, id)
    }

    /// All objects of a kind, by namespace and name.
    pub fn of_kind(&self, kind: KindId) -> impl DoubleEndedIterator<Item = ObjectView<'_>> {
        self.kinds[kind.0 as usize]
            .objects
            .iter()
            .map(|&id| self.object(id))
    }

    /// All objects of a kind given by group and name.
    pub fn all(&self, group: &str, name: &str) -> impl DoubleEndedIterator<Item = ObjectView<'_>> {
        self.kind_id(group, name)
            .into_iter()
            .flat_map(|kind| self.of_kind(kind))
    }

    /// The file in which objects of a kind and namespace were listed: there also if the list is empty.
    pub fn file_of(&self, kind: KindId, namespace: Option<&str>) -> Option<&str> {
        let mut listed = self.of_kind(kind);
        if let Some(object) = listed.find(|object| object.namespace() == namespace) {
            return Some(object.file());
        }
        let kind = self.kind(kind);
        let file = format!("{}.yaml", kind.plural());
        let mut paths = self.manifests.iter().map(|manifest| manifest.path.as_str());
        paths.find(|path| {
            // `cluster/storage.k8s.io/v1/storageclasses.yaml`, `namespaced/default/v1/pods.yaml`: core has no group.
            let mut parts = path.rsplit('/');
            parts.next() == Some(file.as_str())
                && parts.next().is_some()
                && (kind.group.is_empty() || parts.next() == Some(kind.group.as_str()))
                && parts.next() == Some(namespace.unwrap_or("cluster"))
        })
    }

    /// The ids of all objects of a kind, by namespace and name.
    pub fn ids(&self, kind: KindId) -> &[ObjectId] {
        &self.kinds[kind.0 as usize].objects
    }

    /// The ids of all objects of a kind in a namespace, by name.
    pub fn ids_in(&self, kind: KindId, namespace: &str) -> &[ObjectId] {
        let all = self.ids(kind);
        let before = |id: &ObjectId| self.object(*id).namespace() < Some(namespace);
        let rest = &all[all.partition_point(before)..];
        let within = |id: &ObjectId| self.object(*id).namespace() == Some(namespace);
        &rest[..rest.partition_point(within)]
    }

    /// The object of a kind, namespace and name.
    pub fn find(&self, kind: KindId, namespace: Option<&str>, name: &str) -> Option<ObjectId> {
        let objects = &self.kinds[kind.0 as usize].objects;
        objects
            .binary_search_by(|&id| {
                let object = self.object(id);
                (object.namespace(), object.name()).cmp(&(namespace, name))
            })
            .ok()
            .map(|index| objects[index])
    }

    /// The object of a kind, namespace and name, else a ghost of it.
    pub fn subject(&self, kind: KindId, namespace: Option<&str>, name: &str) -> Subject {
        match self.find(kind, namespace, name) {
            Some(id) => Subject::Object(id),
            None => Subject::Ghost(Ghost {
                kind,
                namespace: namespace.map(str::to_owned),
                name: name.to_owned(),
            }),
        }
    }

    /// The object with a uid.
    pub fn by_uid(&self, uid: &str) -> Option<ObjectId> {
        let index = self
            .by_uid
            .binary_search_by(|&id| self.object(id).uid().unwrap_or_default().cmp(uid))
            .ok()?;
        self.by_uid.get(index).copied()
    }

    /// Kind, namespace and name of an object or ghost as reports show them.
    pub fn name_of(&self, subject: &Subject) -> ObjectName {
        match subject {
            Subject::Object(id) => self.object(*id).object_name(),
            Subject::Ghost(ghost) => ObjectName {
                kind: self.kind_display(ghost.kind).to_owned(),
                namespace: ghost.namespace.clone(),
                name: ghost.name.clone(),
            },
        }
    }

    pub(crate) fn indexes(&self) -> &Indexes {
        &self.indexes
    }
}

/// An event of the newer API in the core API's fields.
fn core_event(event: ObjectView<'_>) -> Document {
    const RENAMED: [(&str, &str); 6] = [
        ("regarding", "involvedObject"),
        ("note", "message"),
        ("deprecatedCount", "count"),
        ("deprecatedFirstTimestamp", "firstTimestamp"),
        ("deprecatedLastTimestamp", "lastTimestamp"),
        ("deprecatedSource", "source"),
    ];
    let mut builder = Builder::new();
    builder.begin_map();
    for (key, value) in event.root().entries() {
        let name = RENAMED
            .iter()
            .find(|(newer, _)| *newer == key)
            .map_or(key, |(_, core)| core);
        builder.key(name);
        builder.view(value);
    }
    builder.end();
    builder.finish()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_file_of_a_kind_is_known_also_where_its_list_is_empty() {
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": [] });
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "p", "namespace": "default" },
        });
        let mut builder = GraphBuilder::default();
        for (path, document) in [
            (
                "yamls/namespaced/default/longhorn.io/v1beta2/volumes.yaml",
                &list,
            ),
            (
                "yamls/namespaced/longhorn-system/longhorn.io/v1beta2/volumes.yaml",
                &list,
            ),
            ("yamls/namespaced/default/v1/pods.yaml", &pod),
            ("yamls/namespaced/kube-system/v1/pods.yaml", &list),
            ("yamls/cluster/v1/nodes.yaml", &list),
        ] {
            builder.add(path, Document::from_json(document));
        }
        let graph = builder.finish();
        let file = |group: &str, kind: &str, namespace| {
            graph
                .kind_id(group, kind)
                .and_then(|kind| graph.file_of(kind, namespace))
        };
        for (group, kind, namespace, expected) in [
            (
                "longhorn.io",
                "Volume",
                Some("longhorn-system"),
                Some("yamls/namespaced/longhorn-system/longhorn.io/v1beta2/volumes.yaml"),
            ),
            (
                "",
                "Pod",
                Some("default"),
                Some("yamls/namespaced/default/v1/pods.yaml"),
            ),
            (
                "",
                "Pod",
                Some("kube-system"),
                Some("yamls/namespaced/kube-system/v1/pods.yaml"),
            ),
            ("", "Node", None, Some("yamls/cluster/v1/nodes.yaml")),
            ("longhorn.io", "Volume", Some("elsewhere"), None),
        ] {
            assert_eq!(
                file(group, kind, namespace),
                expected,
                "{kind} {namespace:?}"
            );
        }
    }
}
