//! Shapes as JSON Schema, of the draft that editors know best.

use serde_json::{Map, Value, json};

use super::{Condition, Form, Key, Shape, Wants};
use crate::scan::NodeLog;

/// The schema of a file.
pub(crate) fn json_schema(root: &'static Wants, title: &str) -> Value {
    let mut definitions = Map::new();
    let mut schema = Map::new();
    schema.insert(
        "$schema".to_owned(),
        json!("http://json-schema.org/draft-07/schema#"),
    );
    schema.insert("title".to_owned(), json!(title));
    match root {
        Wants::Map(root) => schema.extend(shape(root, &mut definitions)),
        _ => {
            if let Value::Object(root) = wants(root, &mut definitions) {
                schema.extend(root);
            }
        }
    }
    schema.insert("definitions".to_owned(), Value::Object(definitions));
    Value::Object(schema)
}

fn shape(of: &'static Shape, definitions: &mut Map<String, Value>) -> Map<String, Value> {
    let mut properties = Map::new();
    for key in of.keys {
        properties.insert(key.name.to_owned(), property(key, definitions));
    }
    let required: Vec<&str> = of
        .keys
        .iter()
        .filter(|key| key.required)
        .map(|key| key.name)
        .collect();
    let mut schema = Map::from_iter([
        ("type".to_owned(), json!("object")),
        ("additionalProperties".to_owned(), json!(false)),
        ("properties".to_owned(), Value::Object(properties)),
    ]);
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    let conditions: Vec<Value> = of.conditions.iter().map(condition).collect();
    if !conditions.is_empty() {
        schema.insert("allOf".to_owned(), Value::Array(conditions));
    }
    schema
}

fn property(key: &'static Key, definitions: &mut Map<String, Value>) -> Value {
    let mut schema = wants(&key.wants, definitions);
    if let Value::Object(schema) = &mut schema {
        // In this draft nothing beside a reference counts.
        if let Some(reference) = schema.remove("$ref") {
            schema.insert("allOf".to_owned(), json!([{ "$ref": reference }]));
        }
        schema.insert("description".to_owned(), json!(key.doc));
    }
    schema
}

fn condition(of: &Condition) -> Value {
    let needs = |key: &&str| json!({ "required": [key] });
    match of {
        Condition::Either { keys, .. } => {
            json!({ "oneOf": keys.iter().map(needs).collect::<Vec<_>>() })
        }
        Condition::Any(keys) => json!({ "anyOf": keys.iter().map(needs).collect::<Vec<_>>() }),
        Condition::Needs { key, with, .. } => json!({ "dependencies": { *key: [with] } }),
        Condition::Excludes { key, others, .. } => {
            let others: Vec<Value> = others.iter().map(needs).collect();
            json!({ "dependencies": { *key: { "not": { "anyOf": others } } } })
        }
    }
}

/// A scalar: whatever YAML takes a plain one for, it is read as the text that it is.
fn scalar() -> Value {
    json!({ "type": ["string", "number", "boolean"] })
}

fn matching(pattern: &str) -> Value {
    json!({ "type": ["string", "number", "boolean"], "pattern": pattern })
}

fn wants(of: &'static Wants, definitions: &mut Map<String, Value>) -> Value {
    match of {
        Wants::Text | Wants::Template => matching(r"\S"),
        Wants::Expression | Wants::Scalar => scalar(),
        Wants::Name => json!({ "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" }),
        Wants::Slug => matching("^[a-z0-9]+(-[a-z0-9]+)*$"),
        Wants::Form(form) => text(*form),
        Wants::Number(least) => json!({ "type": "integer", "minimum": least }),
        Wants::Truth => json!({ "type": "boolean" }),
        Wants::Word(words) => json!({ "enum": words() }),
        Wants::List(element) => json!({ "type": "array", "items": wants(element, definitions) }),
        Wants::Some(element) => {
            json!({ "type": "array", "items": wants(element, definitions), "minItems": 1 })
        }
        Wants::Two(element) => json!({
            "type": "array", "items": wants(element, definitions), "minItems": 2, "maxItems": 2,
        }),
        Wants::OneOrMany(element) => {
            let element = wants(element, definitions);
            json!({ "anyOf": [element, { "type": "array", "items": element }] })
        }
        Wants::Names(value) => json!({
            "type": "object",
            "propertyNames": { "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" },
            "additionalProperties": wants(value, definitions),
        }),
        Wants::Texts(value) => {
            json!({ "type": "object", "additionalProperties": wants(value, definitions) })
        }
        Wants::Map(of) => reference(of, definitions),
        Wants::OneOf(shapes) => {
            let any: Vec<Value> = shapes.iter().map(|of| reference(of, definitions)).collect();
            json!({ "anyOf": any })
        }
        Wants::Either(all) => {
            let any: Vec<Value> = all.iter().map(|of| wants(of, definitions)).collect();
            json!({ "anyOf": any })
        }
        Wants::Object => json!({ "type": "object" }),
        Wants::Null => json!({ "type": "null" }),
    }
}

/// A definition of its own for each shape.
fn reference(of: &'static Shape, definitions: &mut Map<String, Value>) -> Value {
    if !definitions.contains_key(of.name) {
        // Stands here while its keys are described, should they lead back to it.
        definitions.insert(of.name.to_owned(), Value::Null);
        let schema = shape(of, definitions);
        definitions.insert(of.name.to_owned(), Value::Object(schema));
    }
    json!({ "$ref": format!("#/definitions/{}", of.name) })
}

fn text(form: Form) -> Value {
    match form {
        Form::Duration => {
            let mut schema = matching(r"^(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h|d))+$");
            schema["examples"] = json!(["45s", "10m", "2d14h"]);
            schema
        }
        Form::VersionRange => {
            let mut schema = matching(r"^\s*((>=|<=|=|<|>)?\s*[vV]?[0-9][^\s,|]*\s*)+$");
            schema["examples"] = json!([">=1.2.0 <1.4.0"]);
            schema
        }
        Form::Moment => {
            let mut schema = matching(r"\S");
            schema["examples"] = json!(["2024-05-01T12:00:00Z", "-25m"]);
            schema
        }
        Form::Date => matching(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"),
        Form::Regex => json!({ "type": ["string", "number", "boolean"], "minLength": 1 }),
        Form::Kind => matching(r"^([a-z0-9.-]+/)?[A-Z][A-Za-z0-9]*$"),
        Form::LogSource => {
            let names = NodeLog::ALL.map(NodeLog::name).join("|");
            let mut schema = matching(&format!(
                r"^(node/({names})|node/supportconfig/[^/\s]+|pod/[^/\s]+/[^/\s]+/[^/\s]+|bundle/errors)$"
            ));
            schema["examples"] =
                json!(["node/kernel", "pod/harvester-system/harvester-*/apiserver"]);
            schema
        }
        Form::FieldPath => {
            let mut schema = matching(r"^[^.\s]\S*");
            schema["examples"] = json!(["status.phase", "status.conditions[type=Ready].status"]);
            schema
        }
        Form::Url => matching(r"^https://\S+$"),
        Form::RuleOrCategory => matching(r"^[a-z0-9]+(-[a-z0-9]+)*(/\*)?$"),
    }
}
