//! The API objects of a cluster and what all of them have in common: metadata, owners, the lists they are in.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::clock::rfc3339;
use super::list::Origin;
use super::world::World;

/// Objects by the list that the collector reads them from.
#[derive(Debug, Default)]
pub struct Objects {
    lists: BTreeMap<ListKey, Vec<Value>>,
}

/// One list of the API.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListKey {
    /// Empty for cluster scope.
    pub namespace: String,
    /// `v1`, `longhorn.io/v1beta2`.
    pub api_version: String,
    /// `Pod`.
    pub kind: String,
}

impl ListKey {
    /// Group of the API version, empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version
            .split_once('/')
            .map_or("", |(group, _)| group)
    }

    /// Path of the list below `yamls/`.
    pub fn path(&self) -> String {
        let scope = if self.namespace.is_empty() {
            "cluster".to_owned()
        } else {
            format!("namespaced/{}", self.namespace)
        };
        format!(
            "{scope}/{}/{}.yaml",
            self.api_version,
            plural(self.group(), &self.kind)
        )
    }

    /// How the API answers this list.
    pub fn origin(&self) -> Origin {
        match self.group() {
            "metrics.k8s.io" => Origin::Aggregated,
            ""
            | "apps"
            | "batch"
            | "policy"
            | "coordination.k8s.io"
            | "events.k8s.io"
            | "storage.k8s.io" => Origin::BuiltIn,
            "apiregistration.k8s.io"
            | "admissionregistration.k8s.io"
            | "scheduling.k8s.io"
            | "apiextensions.k8s.io" => Origin::BuiltIn,
            _ => Origin::Custom,
        }
    }
}

/// Resource name of a kind.
fn plural(group: &str, kind: &str) -> String {
    let lower = kind.to_lowercase();
    match (group, kind) {
        ("metrics.k8s.io", "PodMetrics") => "pods".to_owned(),
        ("metrics.k8s.io", "NodeMetrics") => "nodes".to_owned(),
        (_, "NetworkAttachmentDefinition") => "network-attachment-definitions".to_owned(),
        (_, "Endpoints") => lower,
        (_, "ComponentStatus") => "componentstatuses".to_owned(),
        _ if lower.ends_with("class") => format!("{lower}es"),
        _ if lower.ends_with('y') => format!("{}ies", &lower[..lower.len() - 1]),
        _ => format!("{lower}s"),
    }
}

impl Objects {
    /// Adds an object; it must name its `apiVersion` and `kind`.
    pub fn add(&mut self, object: Value) {
        let key = key_of(&object);
        self.lists.entry(key).or_default().push(object);
    }

    /// All lists, each sorted by name as etcd keeps them.
    pub fn lists(&self) -> impl Iterator<Item = (&ListKey, &Vec<Value>)> {
        self.lists.iter()
    }

    /// Sorts every list by name.
    pub fn sort(&mut self) {
        for items in self.lists.values_mut() {
            items.sort_by(|a, b| name_of(a).cmp(name_of(b)));
        }
    }

    /// Objects that `reference` means.
    pub fn find(&self, reference: &str) -> Result<Vec<&Value>, String> {
        let wanted = Reference::parse(reference)?;
        let found: Vec<&Value> = self
            .lists
            .iter()
            .filter(|(key, _)| wanted.is_in(key))
            .flat_map(|(_, items)| items.iter().filter(|item| wanted.names(item)))
            .collect();
        if found.is_empty() {
            Err(format!("no object `{reference}`"))
        } else {
            Ok(found)
        }
    }

    /// Drops the pods of a host, as the garbage collector does for a Node that is gone.
    pub fn drop_pods_of(&mut self, node: &str) {
        for (_, items) in (self.lists.iter_mut()).filter(|(key, _)| key.kind == "Pod") {
            items.retain(|pod| pod["spec"]["nodeName"] != node);
        }
    }

    /// Applies `change` to the objects that `reference` means.
    pub fn change(&mut self, reference: &str, change: impl Fn(&mut Value)) -> Result<(), String> {
        let wanted = Reference::parse(reference)?;
        let mut count = 0;
        for (_, items) in self.lists.iter_mut().filter(|(key, _)| wanted.is_in(key)) {
            for item in items.iter_mut().filter(|item| wanted.names(item)) {
                change(item);
                count += 1;
            }
        }
        if count == 0 {
            Err(format!("no object `{reference}` to change"))
        } else {
            Ok(())
        }
    }

    /// Removes the objects that `reference` means.
    pub fn remove(&mut self, reference: &str) -> Result<(), String> {
        let wanted = Reference::parse(reference)?;
        let mut count = 0;
        for (_, items) in self.lists.iter_mut().filter(|(key, _)| wanted.is_in(key)) {
            let before = items.len();
            items.retain(|item| !wanted.names(item));
            count += before - items.len();
        }
        self.lists.retain(|_, items| !items.is_empty());
        if count == 0 {
            Err(format!("no object `{reference}` to remove"))
        } else {
            Ok(())
        }
    }
}

/// `[<group>/]<Kind>/[<namespace>/]<name>`; a kind starts with a capital, a group has a dot.
struct Reference {
    group: Option<String>,
    kind: String,
    namespace: String,
    name: String,
}

impl Reference {
    fn parse(text: &str) -> Result<Reference, String> {
        let mut parts: Vec<&str> = text.split('/').collect();
        let group = match parts.first() {
            Some(first) if !first.starts_with(|c: char| c.is_ascii_uppercase()) => {
                Some(parts.remove(0).to_owned())
            }
            _ => None,
        };
        match parts.as_slice() {
            [kind, name] => Ok(Reference {
                group,
                kind: (*kind).to_owned(),
                namespace: String::new(),
                name: (*name).to_owned(),
            }),
            [kind, namespace, name] => Ok(Reference {
                group,
                kind: (*kind).to_owned(),
                namespace: (*namespace).to_owned(),
                name: (*name).to_owned(),
            }),
            _ => Err(format!("not a reference to an object: `{text}`")),
        }
    }

    fn is_in(&self, key: &ListKey) -> bool {
        // Events are written through their own part of a scenario, in two lists at once.
        key.kind == self.kind
            && key.namespace == self.namespace
            && self.group.as_ref().is_none_or(|group| group == key.group())
            && !key.group().ends_with("metrics.k8s.io")
    }

    fn names(&self, item: &Value) -> bool {
        matches_pattern(&self.name, name_of(item))
    }
}

/// Whether `text` fits `pattern`, in which `*` stands for any text.
pub fn matches_pattern(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(text) = text.strip_prefix(head) else {
        return false;
    };
    (0..=text.len())
        .filter(|at| text.is_char_boundary(*at))
        .any(|at| matches_pattern(rest, &text[at..]))
}

/// `metadata.name`.
pub fn name_of(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

fn key_of(object: &Value) -> ListKey {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    ListKey {
        namespace: text(&object["metadata"]["namespace"]),
        api_version: text(&object["apiVersion"]),
        kind: text(&object["kind"]),
    }
}

impl World {
    /// Metadata of an object; maps that are empty are left out.
    pub fn meta(&self, kind: &str, namespace: &str, name: &str, created: Timestamp) -> Meta {
        let mut fields = Map::new();
        fields.insert("creationTimestamp".to_owned(), json!(rfc3339(created)));
        fields.insert("name".to_owned(), json!(name));
        if !namespace.is_empty() {
            fields.insert("namespace".to_owned(), json!(namespace));
        }
        let key = format!("{kind}/{namespace}/{name}");
        fields.insert(
            "resourceVersion".to_owned(),
            json!(self.resource_version(&key).to_string()),
        );
        fields.insert("uid".to_owned(), json!(self.uid(kind, namespace, name)));
        Meta(fields)
    }

    /// A revision of etcd, below the ones at which the lists were read.
    pub fn resource_version(&self, key: &str) -> u64 {
        30_000_000 + self.identity.below(&format!("revision/{key}"), 9_000_000)
    }

    /// An owner reference.
    pub fn owner(&self, api_version: &str, kind: &str, namespace: &str, name: &str) -> Value {
        json!({
            "apiVersion": api_version, "kind": kind, "name": name, "uid": self.uid(kind, namespace, name),
            "blockOwnerDeletion": true, "controller": true,
        })
    }
}

/// Metadata being put together.
#[derive(Debug, Clone)]
pub struct Meta(Map<String, Value>);

impl Meta {
    /// Sets any field.
    pub fn with(mut self, field: &str, value: Value) -> Meta {
        self.0.insert(field.to_owned(), value);
        self
    }

    /// Labels.
    pub fn labels(self, labels: Value) -> Meta {
        self.with("labels", labels)
    }

    /// Annotations.
    pub fn annotations(self, annotations: Value) -> Meta {
        self.with("annotations", annotations)
    }

    /// The controlling owner.
    pub fn owned_by(self, owner: Value) -> Meta {
        self.with("ownerReferences", json!([owner]))
    }

    /// The finished value.
    pub fn done(self) -> Value {
        Value::Object(self.0)
    }
}

/// A condition as Kubernetes' own controllers write it.
pub fn condition(kind: &str, status: &str, since: Timestamp, reason: &str, message: &str) -> Value {
    json!({ "type": kind, "status": status, "lastTransitionTime": rfc3339(since), "reason": reason, "message": message })
}

/// A condition of Rancher's and Harvester's controllers.
pub fn wrangler_condition(
    kind: &str,
    status: &str,
    since: Timestamp,
    reason: &str,
    message: &str,
) -> Value {
    let mut condition = json!({ "type": kind, "status": status, "lastUpdateTime": rfc3339(since) });
    if !reason.is_empty() {
        condition["reason"] = json!(reason);
    }
    if !message.is_empty() {
        condition["message"] = json!(message);
    }
    condition
}

/// Adds to `object` the `managedFields` that the API server would keep for `manager`.
pub fn add_managed_fields(object: &mut Value) {
    let manager = match object["kind"].as_str() {
        Some("Node") if object["apiVersion"] == "v1" => "kubelet",
        Some("Pod" | "ReplicaSet" | "Job" | "PersistentVolume" | "PersistentVolumeClaim") => {
            "kube-controller-manager"
        }
        Some("Volume" | "Engine" | "Replica" | "InstanceManager") => "longhorn-manager",
        Some("Upgrade" | "Setting" | "Addon" | "SupportBundle" | "VirtualMachine") => "harvester",
        Some("VirtualMachineInstance") => "virt-controller",
        _ => "rancher",
    };
    let created = object["metadata"]["creationTimestamp"].clone();
    let api_version = object["apiVersion"].clone();
    let mut entries = Vec::new();
    let mut own = Map::new();
    for (key, value) in object.as_object().into_iter().flatten() {
        match key.as_str() {
            "apiVersion" | "kind" | "status" => {}
            "metadata" => {
                let mut fields = Map::new();
                for field in ["annotations", "finalizers", "labels"] {
                    if let Some(value) = value.get(field) {
                        fields.insert(format!("f:{field}"), field_set(value));
                    }
                }
                own.insert("f:metadata".to_owned(), Value::Object(fields));
            }
            _ => {
                own.insert(format!("f:{key}"), field_set(value));
            }
        }
    }
    entries.push(json!({
        "apiVersion": api_version, "fieldsType": "FieldsV1", "fieldsV1": own, "manager": manager, "operation": "Update", "time": created,
    }));
    if let Some(status) = object.get("status") {
        entries.push(json!({
            "apiVersion": api_version, "fieldsType": "FieldsV1", "fieldsV1": { "f:status": field_set(status) },
            "manager": manager, "operation": "Update", "subresource": "status", "time": created,
        }));
    }
    object["metadata"]["managedFields"] = Value::Array(entries);
}

/// The set of fields of a value, as server-side apply keeps it.
fn field_set(value: &Value) -> Value {
    let mut set = Map::new();
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            set.insert(".".to_owned(), json!({}));
            for (key, value) in fields {
                set.insert(format!("f:{key}"), field_set(value));
            }
        }
        Value::Array(items)
            if items
                .iter()
                .any(|item| item.get("type").is_some() && item.get("status").is_some()) =>
        {
            set.insert(".".to_owned(), json!({}));
            for item in items {
                set.insert(format!("k:{{\"type\":{}}}", item["type"]), field_set(item));
            }
        }
        Value::Array(items) if items.iter().all(Value::is_string) && !items.is_empty() => {
            set.insert(".".to_owned(), json!({}));
            for item in items {
                set.insert(format!("v:{item}"), json!({}));
            }
        }
        _ => {}
    }
    Value::Object(set)
}
