//! Turns the objects of one API list into the file that the collector writes: the JSON text with its three textual
//! replacements, then a `kind: List` whose items all carry the list's group version and kind.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value, json};

use super::emitter::to_yaml;

/// What the collector's replacements make of a list's JSON text.
pub fn mangle(json_text: &str) -> String {
    static NULL_MEMBER: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#"("[a-zA-Z]+":)(null,)"#).expect("a constant pattern"));
    static NULL_MEMBER_IN_STRING: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#"(\\"[a-zA-Z]+\\":)(null,)"#).expect("a constant pattern"));
    let text = NULL_MEMBER.replace_all(json_text, r#"$1"null","#);
    let text = NULL_MEMBER_IN_STRING.replace_all(&text, r#"$1\"null\","#);
    text.replace(r#""""#, r#""null""#)
}

/// The JSON value as the collector sees it after the replacements.
pub fn mangled(value: &Value) -> Value {
    serde_json::from_str(&mangle(&value.to_string())).expect("the replacements keep JSON valid")
}

/// How the API answers a list request, which shows in the list's `metadata`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A built-in type: `resourceVersion` only.
    BuiltIn,
    /// A custom resource: `continue`, too.
    Custom,
    /// An aggregated API server: empty `metadata`.
    Aggregated,
}

/// The file of one list.
pub fn document(
    api_version: &str,
    kind: &str,
    items: &[Value],
    origin: Origin,
    resource_version: u64,
) -> String {
    let metadata = match origin {
        Origin::BuiltIn => json!({ "resourceVersion": resource_version.to_string() }),
        Origin::Custom => {
            json!({ "continue": "", "resourceVersion": resource_version.to_string() })
        }
        Origin::Aggregated => json!({}),
    };
    let mut list = mangled(&json!({ "items": items, "metadata": metadata }));
    for item in list["items"].as_array_mut().into_iter().flatten() {
        item["apiVersion"] = json!(api_version);
        item["kind"] = json!(kind);
    }
    list["apiVersion"] = json!("v1");
    list["kind"] = json!("List");
    to_yaml(&list)
}
