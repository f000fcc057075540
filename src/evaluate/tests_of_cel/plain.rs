//! Values of both evaluators in one form, so that they can be compared and written down.

use std::collections::BTreeMap;
use std::fmt;

use crate::evaluate::value::Value;
use crate::graph::Graph;
use crate::parse::document::View;

/// A value without what tells the evaluators apart.
#[derive(Debug, Clone)]
pub(super) enum Plain {
    Absent,
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    /// Nanoseconds since 1970.
    Time(i128),
    /// Nanoseconds.
    Duration(i128),
    List(Vec<Plain>),
    /// By the text of the key; keys that are no texts keep their type in it.
    Map(BTreeMap<String, Plain>),
    /// What only one of the two has.
    Other(String),
}

impl Plain {
    pub(super) fn of_ours(value: &Value<'_>, graph: &Graph) -> Plain {
        match value {
            Value::Absent => Plain::Absent,
            Value::Null => Plain::Null,
            Value::Bool(it) => Plain::Bool(*it),
            Value::Integer(it) => Plain::Integer(*it),
            Value::Float(it) => Plain::Float(*it),
            Value::Text(it) => Plain::Text(it.as_str().to_owned()),
            Value::Time(it) => Plain::Time(it.as_nanosecond()),
            Value::Duration(it) => Plain::Duration(it.as_nanos()),
            Value::Object(id) => Plain::of_json(&graph.object(*id).root().to_json()),
            Value::Part(view, _) => Plain::of_json(&View::to_json(*view)),
            Value::List(items) => {
                Plain::List(items.iter().map(|it| Plain::of_ours(it, graph)).collect())
            }
            Value::Map(entries) => Plain::Map(
                entries
                    .iter()
                    .map(|(key, it)| (Plain::of_ours(key, graph).key(), Plain::of_ours(it, graph)))
                    .collect(),
            ),
            other => Plain::Other(other.render(graph)),
        }
    }

    fn of_json(json: &serde_json::Value) -> Plain {
        match json {
            serde_json::Value::Null => Plain::Null,
            serde_json::Value::Bool(it) => Plain::Bool(*it),
            serde_json::Value::Number(it) => match it.as_i64() {
                Some(it) => Plain::Integer(it),
                None => Plain::Float(it.as_f64().unwrap()),
            },
            serde_json::Value::String(it) => Plain::Text(it.clone()),
            serde_json::Value::Array(items) => {
                Plain::List(items.iter().map(Plain::of_json).collect())
            }
            serde_json::Value::Object(entries) => {
                let entries = entries.iter();
                Plain::Map(
                    entries
                        .map(|(key, it)| (key.clone(), Plain::of_json(it)))
                        .collect(),
                )
            }
        }
    }

    /// As a key of a map: texts as they are, all else with its sort.
    fn key(self) -> String {
        match self {
            Plain::Text(text) => text,
            Plain::Integer(it) => format!("number {it}"),
            other => format!("other {other}"),
        }
    }

    pub(super) fn of_theirs(value: &cel::Value) -> Plain {
        match value {
            cel::Value::Null => Plain::Null,
            cel::Value::Bool(it) => Plain::Bool(*it),
            cel::Value::Int(it) => Plain::Integer(*it),
            cel::Value::Float(it) => Plain::Float(*it),
            cel::Value::String(it) => Plain::Text(it.to_string()),
            cel::Value::Timestamp(it) => Plain::Time(
                i128::from(it.timestamp()) * 1_000_000_000
                    + i128::from(it.timestamp_subsec_nanos()),
            ),
            cel::Value::Duration(it) => Plain::Duration(
                i128::from(it.num_seconds()) * 1_000_000_000 + i128::from(it.subsec_nanos()),
            ),
            cel::Value::List(items) => Plain::List(items.iter().map(Plain::of_theirs).collect()),
            cel::Value::Map(map) => {
                let entries = map.map.iter().map(|(key, it)| {
                    let key = match key {
                        cel::objects::Key::String(it) => Plain::Text(it.to_string()),
                        cel::objects::Key::Int(it) => Plain::Integer(*it),
                        cel::objects::Key::Bool(it) => Plain::Bool(*it),
                        other => Plain::Other(format!("{other:?}")),
                    };
                    (key.key(), Plain::of_theirs(it))
                });
                Plain::Map(entries.collect())
            }
            other => Plain::Other(format!("{other:?}")),
        }
    }
}

/// Types count: 1 is not 1.0.
impl PartialEq for Plain {
    fn eq(&self, other: &Plain) -> bool {
        match (self, other) {
            (Plain::Float(a), Plain::Float(b)) => a.to_bits() == b.to_bits(),
            (Plain::List(a), Plain::List(b)) => a == b,
            (Plain::Map(a), Plain::Map(b)) => a == b,
            (Plain::Absent, Plain::Absent) | (Plain::Null, Plain::Null) => true,
            (Plain::Bool(a), Plain::Bool(b)) => a == b,
            (Plain::Integer(a), Plain::Integer(b)) => a == b,
            (Plain::Text(a), Plain::Text(b)) | (Plain::Other(a), Plain::Other(b)) => a == b,
            (Plain::Time(a), Plain::Time(b)) | (Plain::Duration(a), Plain::Duration(b)) => a == b,
            _ => false,
        }
    }
}

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Plain::Absent => f.write_str("absent"),
            Plain::Null => f.write_str("null"),
            Plain::Bool(it) => write!(f, "{it}"),
            Plain::Integer(it) => write!(f, "{it}"),
            Plain::Float(it) => write!(f, "{it:?}"),
            Plain::Text(it) => write!(f, "{it:?}"),
            Plain::Time(it) => write!(f, "time {it} ns"),
            Plain::Duration(it) => write!(f, "{it} ns"),
            Plain::List(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if index == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
            Plain::Map(entries) => {
                f.write_str("{")?;
                for (index, (key, value)) in entries.iter().enumerate() {
                    let separator = if index == 0 { "" } else { ", " };
                    write!(f, "{separator}{key:?}: {value}")?;
                }
                f.write_str("}")
            }
            Plain::Other(it) => f.write_str(it),
        }
    }
}

/// A document as the other evaluator takes it, whole numbers as signed ones.
pub(super) fn for_cel(json: &serde_json::Value) -> cel::Value {
    match json {
        serde_json::Value::Null => cel::Value::Null,
        serde_json::Value::Bool(it) => (*it).into(),
        serde_json::Value::Number(it) => match it.as_i64() {
            Some(it) => it.into(),
            None => it.as_f64().unwrap().into(),
        },
        serde_json::Value::String(it) => it.as_str().into(),
        serde_json::Value::Array(items) => items.iter().map(for_cel).collect::<Vec<_>>().into(),
        serde_json::Value::Object(entries) => {
            let entries = entries.iter().map(|(key, it)| (key.clone(), for_cel(it)));
            entries.collect::<std::collections::HashMap<_, _>>().into()
        }
    }
}
