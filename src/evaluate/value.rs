//! Values while a rule runs: borrowed from the graph where they can be, absent where data is missing.

use std::cmp::Ordering;
use std::fmt::Write as _;
use std::rc::Rc;

use jiff::{SignedDuration, Timestamp};

use crate::graph::{Ghost, Graph, ObjectId, Subject};
use crate::parse::document::{self, View};
use crate::parse::time::timestamp;
use crate::rule::duration;
use crate::rule::version::Version;
use crate::scan::{LogHit, LogRecord};

/// What an expression gives. Missing data is a value of its own, never an error.
#[derive(Debug, Clone)]
pub(crate) enum Value<'g> {
    /// Not there.
    Absent,
    /// There, and null.
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(Text<'g>),
    Time(Timestamp),
    Duration(SignedDuration),
    Version(Rc<Version>),
    List(Rc<Vec<Value<'g>>>),
    /// Keys, each once, and their values.
    Map(Rc<Vec<(Value<'g>, Value<'g>)>>),
    /// A list or map inside an object.
    Part(View<'g>, ObjectId),
    Object(ObjectId),
    Ghost(Rc<Ghost>),
    Record(&'g LogRecord),
    Hit(&'g LogHit),
    /// A `let` of the row that nothing has asked for yet, by its place among the rule's lets.
    Pending(usize),
}

/// Text, borrowed from a document or a rule, or made by an expression.
#[derive(Debug, Clone)]
pub(crate) enum Text<'g> {
    Borrowed(&'g str),
    Shared(Rc<str>),
}

impl Text<'_> {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Text::Borrowed(text) => text,
            Text::Shared(text) => text,
        }
    }
}

impl<'g> Value<'g> {
    pub(crate) fn borrowed(text: &'g str) -> Self {
        Value::Text(Text::Borrowed(text))
    }

    pub(crate) fn text(text: impl Into<Rc<str>>) -> Self {
        Value::Text(Text::Shared(text.into()))
    }

    pub(crate) fn list(values: Vec<Value<'g>>) -> Self {
        Value::List(Rc::new(values))
    }

    /// A map by texts.
    pub(crate) fn map(entries: impl IntoIterator<Item = (Text<'g>, Value<'g>)>) -> Self {
        let entries = entries.into_iter();
        Value::Map(Rc::new(
            entries
                .map(|(key, value)| (Value::Text(key), value))
                .collect(),
        ))
    }

    pub(crate) fn subject(subject: Subject) -> Self {
        match subject {
            Subject::Object(id) => Value::Object(id),
            Subject::Ghost(ghost) => Value::Ghost(Rc::new(ghost)),
        }
    }

    /// The object, if this is one.
    pub(crate) fn object(&self) -> Option<ObjectId> {
        match self {
            Value::Object(id) => Some(*id),
            _ => None,
        }
    }

    /// A value of an object's tree.
    pub(crate) fn part(view: View<'g>, owner: ObjectId) -> Self {
        match view.value() {
            document::Value::Null => Value::Null,
            document::Value::Bool(it) => Value::Bool(it),
            document::Value::Integer(it) => Value::Integer(it),
            document::Value::Float(it) => Value::Float(it),
            document::Value::Text(it) => Value::borrowed(it),
            document::Value::List(_) | document::Value::Map(_) => Value::Part(view, owner),
        }
    }

    /// A value of JSON or YAML that stood in a text.
    pub(crate) fn from_json(json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(it) => Value::Bool(*it),
            serde_json::Value::Number(it) => match it.as_i64() {
                Some(it) => Value::Integer(it),
                None => it.as_f64().map_or(Value::Absent, Value::Float),
            },
            serde_json::Value::String(it) => Value::text(it.as_str()),
            serde_json::Value::Array(items) => {
                Value::list(items.iter().map(Value::from_json).collect())
            }
            serde_json::Value::Object(entries) => Value::map(entries.iter().map(|(key, value)| {
                (
                    Text::Shared(Rc::from(key.as_str())),
                    Value::from_json(value),
                )
            })),
        }
    }

    /// The object or ghost that this is.
    pub(crate) fn as_subject(&self) -> Option<Subject> {
        match self {
            Value::Object(id) => Some(Subject::Object(*id)),
            Value::Ghost(ghost) => Some(Subject::Ghost((**ghost).clone())),
            _ => None,
        }
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        }
    }

    pub(crate) fn is_true(&self) -> bool {
        matches!(self, Value::Bool(true))
    }

    /// Missing or null: what a condition, a default or a fold treats as nothing.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Value::Absent | Value::Null)
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "numbers of two kinds compare as doubles"
    )]
    pub(crate) fn as_number(&self) -> Option<f64> {
        match self {
            Value::Integer(it) => Some(*it as f64),
            Value::Float(it) => Some(*it),
            _ => None,
        }
    }

    /// A time, be it one already or text that says one.
    pub(crate) fn as_time(&self) -> Option<Timestamp> {
        match self {
            Value::Time(time) => Some(*time),
            Value::Text(text) => timestamp(text.as_str()),
            _ => None,
        }
    }

    /// Elements of a list; the one value itself where it is no list; none of what is missing.
    pub(crate) fn elements(&self) -> Vec<Value<'g>> {
        match self {
            Value::Absent | Value::Null => Vec::new(),
            Value::List(items) => items.to_vec(),
            Value::Part(view, owner) if matches!(view.value(), document::Value::List(_)) => {
                view.items().map(|item| Value::part(item, *owner)).collect()
            }
            other => vec![other.clone()],
        }
    }

    /// As [`Value::elements`], and of a map its values.
    pub(crate) fn into_values(self) -> Vec<Value<'g>> {
        match self {
            Value::List(items) => Rc::try_unwrap(items).unwrap_or_else(|items| items.to_vec()),
            map if map.is_map() => map.entries().into_iter().map(|(_, value)| value).collect(),
            other => other.elements(),
        }
    }

    /// Keys and values of a map; positions and elements of a list; nothing of anything else.
    pub(crate) fn entries(&self) -> Vec<(Value<'g>, Value<'g>)> {
        match self {
            Value::Map(entries) => entries.to_vec(),
            Value::Part(view, owner) if matches!(view.value(), document::Value::Map(_)) => view
                .entries()
                .map(|(key, value)| (Value::borrowed(key), Value::part(value, *owner)))
                .collect(),
            Value::List(_) | Value::Part(..) => {
                (0..).map(Value::Integer).zip(self.elements()).collect()
            }
            _ => Vec::new(),
        }
    }

    pub(crate) fn is_map(&self) -> bool {
        match self {
            Value::Map(_) => true,
            Value::Part(view, _) => matches!(view.value(), document::Value::Map(_)),
            _ => false,
        }
    }

    /// Number of elements, entries or characters; `None` for anything without a size.
    pub(crate) fn size(&self) -> Option<usize> {
        match self {
            Value::Absent | Value::Null => Some(0),
            Value::Text(text) => Some(text.as_str().chars().count()),
            Value::List(items) => Some(items.len()),
            Value::Map(entries) => Some(entries.len()),
            Value::Part(view, _) => Some(view.len()),
            _ => None,
        }
    }

    /// A field of this value, absent where there is none.
    pub(crate) fn field(&self, graph: &'g Graph, name: &str) -> Value<'g> {
        match self {
            Value::Part(view, owner) => view
                .get(name)
                .map_or(Value::Absent, |view| Value::part(view, *owner)),
            Value::Object(id) => graph
                .object(*id)
                .get(name)
                .map_or(Value::Absent, |view| Value::part(view, *id)),
            Value::Map(entries) => entries
                .iter()
                .find(|(key, _)| key.as_str() == Some(name))
                .map_or(Value::Absent, |(_, value)| value.clone()),
            Value::Ghost(ghost) => ghost_field(graph, ghost, name),
            Value::Record(record) => record_field(graph, record, name),
            Value::Hit(hit) => hit_field(hit, name),
            _ => Value::Absent,
        }
    }

    /// Equality as rules mean it: what is missing equals only what is missing, objects are equal
    /// by identity, a time equals the text that says it.
    pub(crate) fn equals(&self, other: &Value<'g>) -> bool {
        match (self, other) {
            (Value::Absent | Value::Null, Value::Absent | Value::Null) => true,
            (Value::Absent | Value::Null, _) | (_, Value::Absent | Value::Null) => false,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            // By the letter, as indexes have it; times in two forms are compared with `timestamp()`.
            (Value::Text(a), Value::Text(b)) => a.as_str() == b.as_str(),
            (Value::Object(a), Value::Object(b)) => a == b,
            (Value::Ghost(a), Value::Ghost(b)) => a == b,
            (Value::Record(a), Value::Record(b)) => std::ptr::eq(*a, *b),
            (Value::Hit(a), Value::Hit(b)) => std::ptr::eq(*a, *b),
            (Value::List(_) | Value::Part(..), Value::List(_) | Value::Part(..))
                if !self.is_map() && !other.is_map() =>
            {
                let (a, b) = (self.elements(), other.elements());
                a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a.equals(b))
            }
            (Value::Map(_) | Value::Part(..), Value::Map(_) | Value::Part(..)) => {
                let (a, b) = (self.entries(), other.entries());
                a.len() == b.len()
                    && a.iter().all(|(key, value)| {
                        b.iter()
                            .any(|(other, held)| key.equals(other) && value.equals(held))
                    })
            }
            _ => self.compare(other) == Some(Ordering::Equal),
        }
    }

    /// Order of two values of one sort, `None` where they have none.
    pub(crate) fn compare(&self, other: &Value<'g>) -> Option<Ordering> {
        match (self, other) {
            (Value::Integer(a), Value::Integer(b)) => Some(a.cmp(b)),
            (Value::Text(a), Value::Text(b)) => {
                let (a, b) = (a.as_str(), b.as_str());
                // Two forms of one time, with and without fractions, order as times, not as letters.
                match (is_time(a) && is_time(b)).then(|| Some((timestamp(a)?, timestamp(b)?))) {
                    Some(Some((a, b))) => Some(a.cmp(&b)),
                    _ => Some(a.cmp(b)),
                }
            }
            (Value::Duration(a), Value::Duration(b)) => Some(a.cmp(b)),
            (Value::Version(a), Value::Version(b)) => Some(a.cmp(b)),
            (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
            (Value::Version(a), Value::Text(b)) => Some((**a).cmp(&Version::parse(b.as_str())?)),
            (Value::Text(_), Value::Version(_)) => other.compare(self).map(Ordering::reverse),
            (Value::Time(_), _) | (_, Value::Time(_)) => {
                Some(self.as_time()?.cmp(&other.as_time()?))
            }
            _ => self.as_number()?.partial_cmp(&other.as_number()?),
        }
    }

    /// A total order for sorting: by sort of value, then by value, so that lists come out the same each time.
    pub(crate) fn sort_order(&self, other: &Value<'g>, graph: &'g Graph) -> Ordering {
        self.compare(other)
            .unwrap_or_else(|| self.canonical(graph).cmp(&other.canonical(graph)))
    }

    /// A text that is equal exactly where two values of one sort are: for keys of findings and for
    /// `distinct`. It starts with the sort, as `1` is not `'1'`.
    pub(crate) fn canonical(&self, graph: &'g Graph) -> String {
        match self {
            Value::Absent | Value::Null => "∅".to_owned(),
            Value::Bool(it) => format!("truth {it}"),
            Value::Float(it) if *it == 0.0 => "number 0".to_owned(),
            Value::Integer(_) | Value::Float(_) => format!("number {}", self.render(graph)),
            Value::Time(it) => format!("time {}", it.as_nanosecond()),
            Value::Duration(it) => format!("duration {}", it.as_nanos()),
            Value::Text(it) => format!("text {}", it.as_str()),
            Value::Object(_) | Value::Ghost(_) => format!("object {}", self.render(graph)),
            Value::Record(record) => format!("line {}:{}", record.first.path, record.first.line),
            Value::Hit(hit) => format!("line {}:{}", hit.path, hit.line),
            Value::List(_) | Value::Map(_) | Value::Part(..) => {
                let mut parts: Vec<String> = if self.is_map() {
                    let entries = self.entries();
                    let pair = |of: &Value<'g>| measured(&of.canonical(graph));
                    entries
                        .iter()
                        .map(|(key, value)| pair(key) + &pair(value))
                        .collect()
                } else {
                    let elements = self.elements();
                    elements
                        .iter()
                        .map(|it| measured(&it.canonical(graph)))
                        .collect()
                };
                if self.is_map() {
                    parts.sort_unstable();
                    return format!("map {}", parts.concat());
                }
                format!("list {}", parts.concat())
            }
            Value::Version(_) | Value::Pending(_) => format!("version {}", self.render(graph)),
        }
    }

    /// How a value reads in a message. What is missing is empty: the caller decides how to show that.
    pub(crate) fn render(&self, graph: &'g Graph) -> String {
        match self {
            Value::Absent | Value::Null | Value::Pending(_) => String::new(),
            Value::Bool(it) => it.to_string(),
            Value::Integer(it) => it.to_string(),
            Value::Float(it) => it.to_string(),
            Value::Text(text) => text.as_str().to_owned(),
            Value::Time(time) => time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
            Value::Duration(it) => duration::render(*it),
            Value::Version(version) => version.to_string(),
            Value::Object(_) | Value::Ghost(_) => self
                .as_subject()
                .map(|subject| graph.name_of(&subject).to_string())
                .unwrap_or_default(),
            Value::Record(record) => record.last.text.clone(),
            Value::Hit(hit) => hit.text.clone(),
            Value::List(_) | Value::Map(_) | Value::Part(..) => self.compact(graph),
        }
    }

    /// A list or map on one line, for evidence.
    fn compact(&self, graph: &'g Graph) -> String {
        let mut text = String::new();
        if self.is_map() {
            text.push('{');
            for (index, (key, value)) in self.entries().iter().enumerate() {
                let separator = if index == 0 { "" } else { ", " };
                let _ = write!(
                    text,
                    "{separator}{}: {}",
                    key.render(graph),
                    value.render(graph)
                );
            }
            text.push('}');
        } else {
            text.push('[');
            for (index, value) in self.elements().iter().enumerate() {
                let separator = if index == 0 { "" } else { ", " };
                let _ = write!(text, "{separator}{}", value.render(graph));
            }
            text.push(']');
        }
        text
    }
}

/// Whether a text looks like a time of the API: `2025-03-17T09:12:44Z`.
fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 20 && bytes.get(4) == Some(&b'-') && bytes.get(10) == Some(&b'T')
}

/// A text with its length before it, so that texts one after the other are told apart.
fn measured(text: &str) -> String {
    format!("{}:{text}", text.len())
}

/// A ghost has the fields of its name, and nothing else.
fn ghost_field<'g>(graph: &'g Graph, ghost: &Ghost, name: &str) -> Value<'g> {
    match name {
        "kind" => Value::borrowed(&graph.kind(ghost.kind).name),
        "metadata" => {
            let mut entries = vec![(Text::Borrowed("name"), Value::text(ghost.name.as_str()))];
            if let Some(namespace) = &ghost.namespace {
                entries.push((Text::Borrowed("namespace"), Value::text(namespace.as_str())));
            }
            Value::map(entries)
        }
        _ => Value::Absent,
    }
}

fn record_field<'g>(graph: &'g Graph, record: &'g LogRecord, name: &str) -> Value<'g> {
    let text = |it: &'g Option<String>| it.as_deref().map_or(Value::Absent, Value::borrowed);
    match name {
        "count" => Value::Integer(i64::try_from(record.count).unwrap_or(i64::MAX)),
        "first" => Value::Hit(&record.first),
        "last" => Value::Hit(&record.last),
        "samples" => Value::list(record.samples.iter().map(Value::Hit).collect()),
        "heldSince" => record.held_since.map_or(Value::Absent, Value::Time),
        "heldFor" => record.held_for.map_or(Value::Absent, Value::Duration),
        "cleared" => Value::Bool(record.cleared),
        "container" => text(&record.container),
        "namespace" => text(&record.namespace),
        "node" => node_of(graph, record).map_or(Value::Absent, Value::subject),
        "pod" => pod_of(graph, record).map_or(Value::Absent, Value::subject),
        _ => match record.measures.get(name) {
            Some(measured) => Value::map([
                (Text::Borrowed("min"), Value::Float(measured.min)),
                (Text::Borrowed("max"), Value::Float(measured.max)),
                (Text::Borrowed("sum"), Value::Float(measured.sum)),
            ]),
            None => record
                .fields
                .get(name)
                .map_or(Value::Absent, |it| Value::borrowed(it)),
        },
    }
}

/// The pod whose log it is, a ghost where the graph lacks it.
pub(crate) fn pod_of(graph: &Graph, record: &LogRecord) -> Option<Subject> {
    let kind = graph.kind_id("", "Pod")?;
    Some(graph.subject(kind, record.namespace.as_deref(), record.pod.as_deref()?))
}

/// The node whose file it is, or on which the pod ran whose log it is.
pub(crate) fn node_of(graph: &Graph, record: &LogRecord) -> Option<Subject> {
    let name = match &record.node {
        Some(node) => node.as_str(),
        None => match pod_of(graph, record)? {
            Subject::Object(pod) => graph.object(pod).text(&["spec", "nodeName"])?,
            Subject::Ghost(_) => return None,
        },
    };
    Some(graph.subject(graph.kind_id("", "Node")?, None, name))
}

fn hit_field<'g>(hit: &'g LogHit, name: &str) -> Value<'g> {
    match name {
        "time" => hit.time.map_or(Value::Absent, Value::Time),
        "line" => Value::Integer(i64::from(hit.line)),
        "file" => Value::borrowed(&hit.path),
        "text" => Value::borrowed(&hit.text),
        _ => hit
            .captures
            .get(name)
            .map_or(Value::Absent, |it| Value::borrowed(it)),
    }
}
