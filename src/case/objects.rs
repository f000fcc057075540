//! The objects of a case: added, patched, removed.

use serde_json::{Map, Value};

use crate::graph::kind::{self, Resolution};
use crate::parse;
use crate::rule::mistake::Mistakes;
use crate::rule::source::Span;
use crate::rule::tree::{self, Tree};

/// Name of an object as a case file writes it: `[<group>/]<Kind>/[<namespace>/]<name>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    group: Option<String>,
    kind: String,
    namespace: Option<String>,
    name: String,
}

impl Name {
    /// Reads a name. A kind begins with a capital, a group does not.
    pub(super) fn parse(text: &str) -> Option<Name> {
        let parts: Vec<&str> = text.split('/').collect();
        let has_group = text.starts_with(|first: char| !first.is_uppercase());
        let (group, rest) = match parts.split_first() {
            Some((group, rest)) if has_group => (Some((*group).to_owned()), rest),
            _ => (None, parts.as_slice()),
        };
        let (kind, namespace, name) = match rest {
            [kind, name] => (*kind, None, *name),
            [kind, namespace, name] => (*kind, Some((*namespace).to_owned()), *name),
            _ => return None,
        };
        let filled = !text.is_empty() && parts.iter().all(|part| !part.is_empty());
        (filled && kind.starts_with(char::is_uppercase)).then(|| Name {
            group,
            kind: kind.to_owned(),
            namespace,
            name: name.to_owned(),
        })
    }

    /// Whether an object has this name. Without a group the kind means what it means in a rule.
    fn is_of(&self, object: &Value) -> bool {
        let (group, kind) = kind_of(object);
        let metadata = |key: &str| object.get("metadata")?.get(key)?.as_str();
        let kind_fits = kind == self.kind
            && match (&self.group, kind::resolve(None, &self.kind)) {
                (Some(wanted), _) => group == wanted,
                (None, Resolution::Known(known)) => group == known.group,
                (None, _) => true,
            };
        kind_fits
            && metadata("name") == Some(self.name.as_str())
            && metadata("namespace") == self.namespace.as_deref()
    }
}

fn kind_of(object: &Value) -> (&str, &str) {
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    let group = text("apiVersion").split_once('/');
    (group.map_or("", |(group, _)| group), text("kind"))
}

/// Reads objects: a YAML stream as text, one map, or a list of maps. `text` fetches a file.
pub(super) fn read(
    tree: &Tree,
    mistakes: &mut Mistakes,
    text: impl FnOnce(&Tree, &mut Mistakes) -> Option<String>,
) -> Vec<Value> {
    let is_file =
        matches!(&tree.value, tree::Value::Map(map) if map.iter().any(|it| it.key.value == "file"));
    let found: Vec<Value> = match &tree.value {
        tree::Value::Map(_) if !is_file => vec![tree.to_json()],
        tree::Value::List(list) => list.iter().map(Tree::to_json).collect(),
        _ => {
            let Some(text) = text(tree, mistakes) else {
                return Vec::new();
            };
            let parsed = parse::parse_stream("", &text);
            for problem in parsed.problems {
                let line = problem.line.map(|line| format!(" (its line {line})"));
                let message = format!("{}{}", problem.reason, line.unwrap_or_default());
                mistakes.error("BD001", tree.span, message);
            }
            let documents = parsed
                .value
                .iter()
                .map(|document| document.root().to_json());
            documents.filter(|object| !object.is_null()).collect()
        }
    };
    let found = found.into_iter().flat_map(items).collect::<Vec<_>>();
    for object in &found {
        let name = object.get("metadata").and_then(|it| it.get("name"));
        if kind_of(object).1.is_empty() || name.is_none() {
            let shown: String = object.to_string().chars().take(80).collect();
            let message = format!("an object needs `kind` and `metadata.name`: {shown}");
            mistakes.error("BD001", tree.head(), message);
        }
    }
    found
}

/// The items of a list, or the one object.
fn items(mut object: Value) -> Vec<Value> {
    match object.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) => items,
        _ => vec![object],
    }
}

/// Adds objects to those of a case. One of the same name must be patched instead.
pub(super) fn add(objects: &mut Vec<Value>, new: Vec<Value>, span: Span, mistakes: &mut Mistakes) {
    for object in new {
        let same = |other: &&Value| {
            let metadata = |object: &Value| {
                let metadata = object.get("metadata").cloned().unwrap_or_default();
                (
                    metadata.get("namespace").cloned(),
                    metadata.get("name").cloned(),
                )
            };
            kind_of(other) == kind_of(&object) && metadata(other) == metadata(&object)
        };
        if objects.iter().any(|other| same(&other)) {
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            let message = format!("{} {name} is there already", kind_of(&object).1);
            mistakes
                .error("BD001", span, message)
                .help("change it under `patch`, or `remove` it in the case before");
        }
        objects.push(object);
    }
}

/// Merges fields into the object of a name.
pub(super) fn patch(
    objects: &mut [Value],
    name: &Name,
    fields: &Value,
    span: Span,
    mistakes: &mut Mistakes,
) {
    let mut found = false;
    for object in objects.iter_mut().filter(|object| name.is_of(object)) {
        merge(object, fields);
        found = true;
    }
    if !found {
        no_such_object(span, mistakes);
    }
}

/// Takes the object of a name away.
pub(super) fn remove(objects: &mut Vec<Value>, name: &Name, span: Span, mistakes: &mut Mistakes) {
    let before = objects.len();
    objects.retain(|object| !name.is_of(object));
    if objects.len() == before {
        no_such_object(span, mistakes);
    }
}

fn no_such_object(span: Span, mistakes: &mut Mistakes) {
    mistakes
        .error("BD001", span, "the case has no such object")
        .help("a bare kind means that of Kubernetes itself; write `longhorn.io/Volume/<namespace>/<name>` for another");
}

/// Maps are merged member by member, lists of objects by their `type` or `name` where both sides
/// have it, all else is replaced. A null takes a member away.
fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                match value {
                    Value::Null => {
                        into.remove(key);
                    }
                    value => merge(into.entry(key).or_insert(Value::Null), value),
                }
            }
        }
        (Value::Array(into), Value::Array(from)) => match key_of(into, from) {
            Some(key) => {
                for element in from {
                    let same = into.iter_mut().find(|old| old.get(key) == element.get(key));
                    match same {
                        Some(old) => merge(old, element),
                        None => into.push(without_nulls(element)),
                    }
                }
            }
            None => *into = from.clone(),
        },
        (into, from) => *into = without_nulls(from),
    }
}

/// The member that names the elements of two lists: all elements have it.
fn key_of(into: &[Value], from: &[Value]) -> Option<&'static str> {
    let named = |list: &[Value], key: &str| {
        !list.is_empty() && list.iter().all(|element| element.get(key).is_some())
    };
    ["type", "name"]
        .into_iter()
        .find(|key| named(into, key) && named(from, key))
}

/// A null in a patch says what is to be removed; there is nothing to remove in what is new.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.iter().filter(|(_, value)| !value.is_null());
            let kept = kept.map(|(key, value)| (key.clone(), without_nulls(value)));
            Value::Object(kept.collect::<Map<_, _>>())
        }
        value => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn patches_merge() {
        let table = [
            (
                json!({"a": {"b": 1, "c": 2}}),
                json!({"a": {"c": 3}}),
                json!({"a": {"b": 1, "c": 3}}),
            ),
            (
                json!({"a": {"b": 1}}),
                json!({"a": {"b": null}}),
                json!({"a": {}}),
            ),
            (
                json!({}),
                json!({"a": {"b": null, "c": 1}}),
                json!({"a": {"c": 1}}),
            ),
            (json!({"a": [1, 2]}), json!({"a": [3]}), json!({"a": [3]})),
            (
                json!({"a": [{"type": "x", "s": 1}, {"type": "y", "s": 1}]}),
                json!({"a": [{"type": "y", "s": 2}, {"type": "z"}]}),
                json!({"a": [{"type": "x", "s": 1}, {"type": "y", "s": 2}, {"type": "z"}]}),
            ),
            (
                json!({"a": [{"name": "x", "s": 1}]}),
                json!({"a": [{"other": 2}]}),
                json!({"a": [{"other": 2}]}),
            ),
            (
                json!({"a": [{"name": "x"}]}),
                json!({"a": []}),
                json!({"a": []}),
            ),
            (
                json!({"a": "text"}),
                json!({"a": {"b": 1}}),
                json!({"a": {"b": 1}}),
            ),
        ];
        for (mut into, from, expected) in table {
            let shown = format!("{into} + {from}");
            merge(&mut into, &from);
            assert_eq!(into, expected, "{shown}");
        }
    }

    #[test]
    fn names_are_those_of_rules() {
        let object = |version: &str, kind: &str, namespace: Option<&str>| {
            let mut object =
                json!({"apiVersion": version, "kind": kind, "metadata": {"name": "n"}});
            if let Some(namespace) = namespace {
                object["metadata"]["namespace"] = namespace.into();
            }
            object
        };
        let table = [
            ("Node/n", object("v1", "Node", None), true),
            ("Node/n", object("longhorn.io/v1beta2", "Node", None), false),
            ("Node/x/n", object("v1", "Node", None), false),
            (
                "longhorn.io/Node/x/n",
                object("longhorn.io/v1beta2", "Node", Some("x")),
                true,
            ),
            ("Pod/x/n", object("v1", "Pod", Some("x")), true),
            ("Pod/n", object("v1", "Pod", Some("x")), false),
            (
                "Machine/x/n",
                object("cluster.x-k8s.io/v1beta1", "Machine", Some("x")),
                true,
            ),
        ];
        for (name, object, fits) in table {
            assert_eq!(Name::parse(name).unwrap().is_of(&object), fits, "{name}");
        }
        for none in ["", "Pod", "pod/x/n", "a/b/Pod/x/n", "Pod//n", "x/Pod"] {
            assert_eq!(Name::parse(none), None, "{none}");
        }
    }
}
