//! Where a finding can be seen: fields of objects with their lines, lines of logs, things that are absent.

use crate::finding::{Evidence, ObjectName};
use crate::graph::{Ghost, Graph, ObjectId, ObjectView, Origin, Origins};
use crate::parse::document::View;
use crate::rule::path::{FieldPath, PathStep};
use crate::scan::{LogHit, LogRecord};

use super::value::Value;

/// Longest text of an evidence, in characters; the report's contract.
const LONGEST: usize = 400;
/// Elements shown of a list where the rule sets no limit.
const ELEMENTS: usize = 10;
/// Lines shown of a log record where the rule sets no limit.
const LINES: usize = 3;

/// What a value shows. Of a list its elements, up to the limit.
pub(super) fn of_value<'g>(
    graph: &'g Graph,
    value: &Value<'g>,
    fields: &[FieldPath],
    limit: Option<usize>,
    note: Option<&str>,
) -> Vec<Evidence> {
    let mut shown = match value {
        Value::Object(id) => of_object(graph, *id, fields),
        Value::Ghost(ghost) => vec![of_ghost(graph, ghost)],
        Value::Part(view, owner) if value.is_map() => of_part(graph, *view, *owner, fields),
        Value::Record(record) => of_record(record, limit.unwrap_or(LINES)),
        Value::Hit(hit) => vec![of_hit(hit)],
        Value::List(_) | Value::Part(..) => value
            .elements()
            .iter()
            .take(limit.unwrap_or(ELEMENTS))
            .flat_map(|element| of_value(graph, element, fields, None, None))
            .collect(),
        _ => Vec::new(),
    };
    if let Some(note) = note {
        for evidence in &mut shown {
            evidence.note = Some(note.to_owned());
        }
    }
    shown
}

/// A field of an object, at the place where it is seen.
pub(super) fn of_field(graph: &Graph, id: ObjectId, field: &str) -> Option<Evidence> {
    let field = FieldPath::parse(field).ok()?;
    of_object(graph, id, std::slice::from_ref(&field)).pop()
}

/// An object as a whole, at the place where it is seen.
pub(super) fn of_whole(graph: &Graph, id: ObjectId) -> Option<Evidence> {
    of_object(graph, id, &[]).pop()
}

fn of_object(graph: &Graph, id: ObjectId, fields: &[FieldPath]) -> Vec<Evidence> {
    let object = graph.object(id);
    if let Some(origins) = graph.origins(id) {
        return of_derived(graph, id, origins, fields);
    }
    if fields.is_empty() {
        return vec![Evidence {
            path: object.file().to_owned(),
            line: line(object.root()),
            object: Some(object.object_name()),
            ..Evidence::default()
        }];
    }
    fields
        .iter()
        .map(|field| {
            let found = follow(object.root(), &field.steps);
            Evidence {
                path: object.file().to_owned(),
                line: line(found.last),
                object: Some(object.object_name()),
                field: Some(field.text.clone()),
                value: found.value.map(|view| rendered(graph, view, id)),
                ..Evidence::default()
            }
        })
        .collect()
}

/// The facts of a derived object are shown where they were seen.
fn of_derived(
    graph: &Graph,
    id: ObjectId,
    origins: &Origins,
    fields: &[FieldPath],
) -> Vec<Evidence> {
    let name = graph.object(id).object_name();
    let whole = FieldPath {
        text: String::new(),
        steps: Vec::new(),
    };
    let fields = if fields.is_empty() {
        std::slice::from_ref(&whole)
    } else {
        fields
    };
    fields
        .iter()
        .filter_map(|field| {
            let origin = nearest(origins, &field.text)?;
            let value = follow(graph.object(id).root(), &field.steps).value;
            let value = value
                .filter(|_| !field.steps.is_empty())
                .map(|view| rendered(graph, view, id));
            let field = (!field.text.is_empty()).then(|| field.text.clone());
            Some(of_origin(graph, origin, &name, field, value))
        })
        .collect()
}

/// The origin of a field, else of the nearest part that holds it, else of the whole object.
fn nearest<'o>(origins: &'o Origins, field: &str) -> Option<&'o Origin> {
    let mut field = field;
    loop {
        if let Some(origin) = origins.get(field) {
            return Some(origin);
        }
        if field.is_empty() {
            return None;
        }
        field = field
            .rsplit_once(['.', '['])
            .map_or("", |(parent, _)| parent);
    }
}

fn of_origin(
    graph: &Graph,
    origin: &Origin,
    name: &ObjectName,
    field: Option<String>,
    value: Option<String>,
) -> Evidence {
    match origin {
        Origin::Line { path, line, text } => Evidence {
            path: path.clone(),
            line: Some(*line),
            text: text.as_deref().map(cut),
            object: Some(name.clone()),
            field,
            value,
            ..Evidence::default()
        },
        Origin::Field { object, path } => {
            let source = graph.object(*object);
            let steps = FieldPath::parse(path).map_or(Vec::new(), |path| path.steps);
            let found = follow(source.root(), &steps);
            Evidence {
                path: source.file().to_owned(),
                line: line(found.last),
                object: Some(source.object_name()),
                field: (!path.is_empty()).then(|| path.clone()).or(field),
                value: found
                    .value
                    .filter(|_| !steps.is_empty())
                    .map(|view| rendered(graph, view, *object))
                    .or(value),
                ..Evidence::default()
            }
        }
        Origin::Absent { path, note } => Evidence {
            path: path.clone(),
            absent: true,
            note: Some(note.clone()),
            ..Evidence::default()
        },
    }
}

fn of_ghost(graph: &Graph, ghost: &Ghost) -> Evidence {
    let file = graph
        .file_of(ghost.kind, ghost.namespace.as_deref())
        .or_else(|| graph.of_kind(ghost.kind).next().map(ObjectView::file));
    let name = graph.kind_display(ghost.kind);
    Evidence {
        path: file.unwrap_or("yamls").to_owned(),
        absent: true,
        object: Some(ObjectName {
            kind: name.to_owned(),
            namespace: ghost.namespace.clone(),
            name: ghost.name.clone(),
        }),
        ..Evidence::default()
    }
}

fn of_part(graph: &Graph, part: View<'_>, owner: ObjectId, fields: &[FieldPath]) -> Vec<Evidence> {
    let object = graph.object(owner);
    let home = path_to(object.root(), part.index());
    let whole = FieldPath {
        text: String::new(),
        steps: Vec::new(),
    };
    let fields = if fields.is_empty() {
        std::slice::from_ref(&whole)
    } else {
        fields
    };
    fields
        .iter()
        .map(|field| {
            let found = follow(part, &field.steps);
            let dot = if home.is_empty() || field.text.is_empty() {
                ""
            } else {
                "."
            };
            Evidence {
                path: object.file().to_owned(),
                line: line(found.last),
                object: Some(object.object_name()),
                field: Some(format!("{home}{dot}{}", field.text)),
                value: found.value.map(|view| rendered(graph, view, owner)),
                ..Evidence::default()
            }
        })
        .collect()
}

fn of_record(record: &LogRecord, limit: usize) -> Vec<Evidence> {
    let samples = &record.samples;
    if samples.len() <= limit {
        return samples.iter().map(of_hit).collect();
    }
    // The first ones show how it began, the last one that it goes on.
    let first = samples.iter().take(limit.saturating_sub(1));
    first.chain(samples.last()).map(of_hit).collect()
}

fn of_hit(hit: &LogHit) -> Evidence {
    Evidence {
        path: hit.path.clone(),
        line: Some(hit.line),
        time: hit.time,
        text: Some(cut(&hit.text)),
        ..Evidence::default()
    }
}

/// Where a path leads: the value at its end, and the last value on the way that exists.
struct Followed<'g> {
    value: Option<View<'g>>,
    last: View<'g>,
}

fn follow<'g>(from: View<'g>, steps: &[PathStep]) -> Followed<'g> {
    let mut last = from;
    for step in steps {
        let next = match step {
            PathStep::Field(name) => last.get(name),
            PathStep::Index(index) => last.items().nth(*index),
            PathStep::Element { field, value } => {
                let holds = |item: View<'_>| item.get(field).and_then(View::as_str) == Some(value);
                let listed = last.items().find(|item| holds(*item));
                // Longhorn's v1beta1 keeps conditions in a map keyed by type.
                listed.or_else(|| last.get(value))
            }
        };
        match next {
            Some(next) => last = next,
            None => return Followed { value: None, last },
        }
    }
    Followed {
        value: Some(last),
        last,
    }
}

/// The path of a value inside an object, as evidence names it.
pub(super) fn path_to(root: View<'_>, index: u32) -> String {
    let mut path = String::new();
    let mut at = root;
    while at.index() != index {
        let entry = at
            .entries()
            .take_while(|(_, value)| value.index() <= index)
            .last();
        if let Some((key, value)) = entry {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(key);
            at = value;
            continue;
        }
        let items = at
            .items()
            .enumerate()
            .take_while(|(_, item)| item.index() <= index);
        let Some((position, item)) = items.last() else {
            break;
        };
        match item.get("type").and_then(View::as_str) {
            Some(kind) => path.push_str(&format!("[type={kind}]")),
            None => path.push_str(&format!("[{position}]")),
        }
        at = item;
    }
    path
}

fn line(view: View<'_>) -> Option<u32> {
    Some(view.line()).filter(|line| *line > 0)
}

fn rendered(graph: &Graph, view: View<'_>, owner: ObjectId) -> String {
    // The value lives as long as the graph; rendering borrows it only here.
    let value = Value::part(view, owner);
    match &value {
        Value::Absent | Value::Null => "null".to_owned(),
        value => cut(&value.render(graph)),
    }
}

/// A text cut to what a report may show of it.
pub(super) fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
    }
}
