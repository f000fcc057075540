//! Functions and methods of the expression language, each one entry of [`FUNCTIONS`].

use std::io::Read as _;

use base64::Engine as _;
use jiff::SignedDuration;

use crate::diagnosis::wording;
use crate::graph::object::condition;
use crate::parse::document::View;
use crate::parse::time::timestamp;
use crate::rule::duration;
use crate::rule::quantity::{self, Number};
use crate::rule::version::{Version, VersionRange};

use super::doubt::{self, Doubt, Gap};
use super::macros;
use super::pod;
use super::program::Context;
use super::value::{Text, Value};

/// A function ready to be called; a method gets its receiver as first argument.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Builtin {
    name: &'static str,
    call: for<'g> fn(&Context<'g>, &[Value<'g>]) -> Value<'g>,
}

impl Builtin {
    /// Whether it gives a default for what is missing.
    pub(super) fn is_default(self) -> bool {
        self.name == "orValue"
    }

    /// Whether it gives a condition of an object.
    pub(super) fn is_condition(self) -> bool {
        self.name == "cond"
    }

    /// Whether it counts.
    pub(super) fn is_size(self) -> bool {
        self.name == "size"
    }

    pub(crate) fn call<'g>(self, context: &Context<'g>, arguments: &[Value<'g>]) -> Value<'g> {
        (self.call)(context, arguments)
    }
}

/// The function of a name, or the method of it.
pub(crate) fn find(name: &str, method: bool) -> Option<Builtin> {
    FUNCTIONS
        .iter()
        .find(|(known, form, _)| {
            *known == name && (*form == Form::Both || (*form == Form::Method) == method)
        })
        .map(|(name, _, call)| Builtin { name, call: *call })
}

/// Names of all functions, or of all methods.
#[cfg(test)]
pub(super) fn names(method: bool) -> impl Iterator<Item = &'static str> {
    let of_form = FUNCTIONS
        .iter()
        .filter(move |(_, form, _)| *form == Form::Both || (*form == Form::Method) == method);
    of_form.map(|(name, ..)| *name)
}

/// How a function is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `f(x)`.
    Function,
    /// `x.f()`.
    Method,
    /// Either.
    Both,
}

type Call = for<'g> fn(&Context<'g>, &[Value<'g>]) -> Value<'g>;

use Form::{Both, Function, Method};

const FUNCTIONS: &[(&str, Form, Call)] = &[
    // Presence.
    ("absent", Function, |cx, a| {
        presence(cx, argument(a, 0)).map_or(Value::Absent, |present| Value::Bool(!present))
    }),
    ("present", Function, |cx, a| {
        presence(cx, argument(a, 0)).map_or(Value::Absent, Value::Bool)
    }),
    ("empty", Function, |_, a| {
        Value::Bool(is_empty(argument(a, 0)))
    }),
    ("hasValue", Method, |_, a| {
        Value::Bool(!argument(a, 0).is_missing())
    }),
    ("orValue", Method, |_, a| {
        if argument(a, 0).is_missing() {
            argument(a, 1).clone()
        } else {
            argument(a, 0).clone()
        }
    }),
    // Objects.
    ("cond", Function, |cx, a| {
        condition_of(cx, argument(a, 0), argument(a, 1))
    }),
    ("ref", Both, |cx, a| match argument(a, 0) {
        of @ (Value::Object(_) | Value::Ghost(_)) => Value::text(of.render(cx.graph)),
        _ => Value::Absent,
    }),
    ("short", Both, |cx, a| short(cx, argument(a, 0))),
    ("problem", Method, |cx, a| match argument(a, 0) {
        Value::Object(id) => pod::problem(cx.graph.object(*id)),
        _ => Value::Absent,
    }),
    // Time.
    ("age", Function, |cx, a| {
        match (cx.now, argument(a, 0).as_time()) {
            (Some(now), Some(time)) => Value::Duration(now.duration_since(time)),
            _ => Value::Absent,
        }
    }),
    ("ago", Function, |cx, a| {
        match (cx.now, argument(a, 0).as_time()) {
            (Some(now), Some(time)) => Value::text(format!(
                "{} ago",
                duration::render(now.duration_since(time))
            )),
            _ => Value::Absent,
        }
    }),
    ("duration", Function, |_, a| match argument(a, 0) {
        it @ Value::Duration(_) => it.clone(),
        Value::Text(text) => duration::parse(text.as_str()).map_or(Value::Absent, Value::Duration),
        Value::Integer(seconds) => Value::Duration(SignedDuration::from_secs(*seconds)),
        _ => Value::Absent,
    }),
    ("timestamp", Function, |_, a| {
        argument(a, 0).as_time().map_or(Value::Absent, Value::Time)
    }),
    // Numbers and quantities.
    ("int", Function, |_, a| match argument(a, 0) {
        Value::Float(it) => Value::Integer(*it as i64),
        Value::Text(text) => text
            .as_str()
            .trim()
            .parse()
            .map_or(Value::Absent, Value::Integer),
        Value::Bool(it) => Value::Integer(i64::from(*it)),
        Value::Duration(it) => Value::Integer(it.as_secs()),
        it @ Value::Integer(_) => it.clone(),
        _ => Value::Absent,
    }),
    ("double", Function, |_, a| match argument(a, 0) {
        Value::Text(text) => text
            .as_str()
            .trim()
            .parse()
            .map_or(Value::Absent, Value::Float),
        other => other.as_number().map_or(Value::Absent, Value::Float),
    }),
    ("string", Function, |cx, a| match argument(a, 0) {
        Value::Absent => Value::Absent,
        other => Value::text(other.render(cx.graph)),
    }),
    ("quantity", Function, |_, a| quantity_of(argument(a, 0))),
    ("isGreaterThan", Method, |_, a| {
        compares(a, std::cmp::Ordering::Greater)
    }),
    ("isLessThan", Method, |_, a| {
        compares(a, std::cmp::Ordering::Less)
    }),
    ("compareTo", Method, |_, a| {
        match argument(a, 0).compare(argument(a, 1)) {
            Some(order) => Value::Integer(order as i64),
            None => Value::Absent,
        }
    }),
    ("bytes", Function, |_, a| {
        argument(a, 0)
            .as_number()
            .map_or(Value::Absent, |it| Value::text(binary_size(it)))
    }),
    ("plural", Function, |_, a| {
        match (argument(a, 0), argument(a, 1).as_str()) {
            (Value::Integer(count), Some(noun)) => Value::text(match u64::try_from(*count) {
                Ok(count) => wording::count(count, noun),
                Err(_) => format!("{count} {noun}s"),
            }),
            _ => Value::Absent,
        }
    }),
    // Versions.
    ("semver", Function, |_, a| {
        version(argument(a, 0)).map_or(Value::Absent, |it| Value::Version(it.into()))
    }),
    ("major", Method, |_, a| on_version(a, |it| it.major)),
    ("minor", Method, |_, a| on_version(a, |it| it.minor)),
    ("patch", Method, |_, a| on_version(a, |it| it.patch)),
    ("inRange", Function, |_, a| {
        match (
            version(argument(a, 0)),
            argument(a, 1).as_str().map(VersionRange::parse),
        ) {
            (Some(version), Some(Ok(range))) => Value::Bool(range.contains(&version)),
            _ => Value::Bool(false),
        }
    }),
    // Text.
    ("startsWith", Method, |_, a| {
        text2(
            a,
            |text, part| Value::Bool(text.starts_with(part)),
            Value::Bool(false),
        )
    }),
    ("endsWith", Method, |_, a| {
        text2(
            a,
            |text, part| Value::Bool(text.ends_with(part)),
            Value::Bool(false),
        )
    }),
    ("contains", Method, |_, a| match argument(a, 0) {
        Value::Text(_) => text2(
            a,
            |text, part| Value::Bool(text.contains(part)),
            Value::Bool(false),
        ),
        list => Value::Bool(list.elements().iter().any(|it| it.equals(argument(a, 1)))),
    }),
    ("split", Method, |_, a| split(a)),
    ("replace", Method, |_, a| {
        match (
            argument(a, 0).as_str(),
            argument(a, 1).as_str(),
            argument(a, 2).as_str(),
        ) {
            (Some(text), Some(from), Some(to)) => Value::text(match position(a, 3) {
                Some(most) => text.replacen(from, to, most),
                None => text.replace(from, to),
            }),
            _ => Value::Absent,
        }
    }),
    ("lowerAscii", Method, |_, a| {
        text1(a, |text| text.to_ascii_lowercase())
    }),
    ("upperAscii", Method, |_, a| {
        text1(a, |text| text.to_ascii_uppercase())
    }),
    ("trim", Method, |_, a| {
        text1(a, |text| text.trim().to_owned())
    }),
    ("substring", Method, |_, a| substring(a)),
    ("indexOf", Method, |_, a| {
        let from = position(a, 2).unwrap_or(0);
        places(a, |places| places.filter(|at| *at >= from).min())
    }),
    ("lastIndexOf", Method, |_, a| {
        let to = position(a, 2).unwrap_or(usize::MAX);
        places(a, |places| places.filter(|at| *at <= to).max())
    }),
    ("charAt", Method, |_, a| {
        match (argument(a, 0).as_str(), position(a, 1)) {
            // At the end of a text stands the empty text, as in Kubernetes.
            (Some(text), Some(index)) => match text.chars().nth(index) {
                Some(character) => Value::text(character.to_string()),
                None if index == text.chars().count() => Value::text(""),
                None => Value::Absent,
            },
            _ => Value::Absent,
        }
    }),
    ("b64text", Function, |_, a| {
        argument(a, 0)
            .as_str()
            .and_then(decode)
            .map_or(Value::Absent, Value::text)
    }),
    ("json", Function, |_, a| {
        argument(a, 0)
            .as_str()
            .and_then(|text| serde_json::from_str(text).ok())
            .map_or(Value::Absent, |json: serde_json::Value| {
                Value::from_json(&json)
            })
    }),
    ("yaml", Function, |_, a| {
        let parsed = argument(a, 0).as_str().and_then(crate::parse::yaml_text);
        parsed.map_or(Value::Absent, |document| {
            Value::from_json(&document.root().to_json())
        })
    }),
    // Lists.
    ("size", Both, |_, a| {
        let size = argument(a, 0)
            .size()
            .and_then(|size| i64::try_from(size).ok());
        size.map_or(Value::Absent, Value::Integer)
    }),
    ("join", Method, |cx, a| join(cx, a)),
    ("distinct", Method, |cx, a| {
        let mut seen = std::collections::BTreeSet::new();
        let mut kept = argument(a, 0).elements();
        kept.retain(|it| seen.insert(it.canonical(cx.graph)));
        Value::list(kept)
    }),
    ("sort", Method, |cx, a| {
        let mut items = argument(a, 0).elements();
        items.sort_by(|left, right| left.sort_order(right, cx.graph));
        Value::list(items)
    }),
    ("reverse", Method, |_, a| match argument(a, 0) {
        Value::Text(text) => Value::text(text.as_str().chars().rev().collect::<String>()),
        list => {
            let mut items = list.elements();
            items.reverse();
            Value::list(items)
        }
    }),
    ("sum", Method, |_, a| {
        macros::sum(&argument(a, 0).elements())
    }),
    ("min", Method, |_, a| {
        macros::extreme(&argument(a, 0).elements(), std::cmp::Ordering::Less)
    }),
    ("max", Method, |_, a| {
        macros::extreme(&argument(a, 0).elements(), std::cmp::Ordering::Greater)
    }),
];

/// Whether a value is there. Of an object whose kind was not collected nobody can say.
fn presence<'g>(context: &Context<'g>, value: &Value<'g>) -> Option<bool> {
    match value {
        Value::Absent | Value::Null => Some(false),
        Value::Ghost(ghost) if !doubt::is_known_ghost(context, value) => {
            context.doubts.raise(Doubt::wrong(Gap::Kind(ghost.kind)));
            None
        }
        Value::Ghost(_) => Some(false),
        _ => Some(true),
    }
}

fn argument<'a, 'g>(arguments: &'a [Value<'g>], index: usize) -> &'a Value<'g> {
    arguments.get(index).unwrap_or(&Value::Absent)
}

fn is_empty(value: &Value<'_>) -> bool {
    match value {
        Value::Absent | Value::Null => true,
        Value::Text(text) => text.as_str().is_empty(),
        other => other.size() == Some(0),
    }
}

/// The condition of a type with `since`, the time since when it is as it is.
fn condition_of<'g>(context: &Context<'g>, of: &Value<'g>, kind: &Value<'g>) -> Value<'g> {
    let Some(kind) = kind.as_str() else {
        return Value::Absent;
    };
    doubt::of_field(context, of, "status");
    let (found, owner) = match of {
        Value::Object(id) => (context.graph.object(*id).condition(kind), *id),
        Value::Part(view, owner) => (condition(*view, kind), *owner),
        _ => return Value::Absent,
    };
    let Some(found) = found else {
        return Value::Absent;
    };
    let mut entries: Vec<(Text<'g>, Value<'g>)> = found
        .entries()
        .map(|(key, value)| (Text::Borrowed(key), Value::part(value, owner)))
        .collect();
    let since = ["lastTransitionTime", "lastUpdateTime"]
        .iter()
        .find_map(|key| timestamp(found.get(key).and_then(View::as_str)?));
    entries.push((
        Text::Borrowed("since"),
        since.map_or(Value::Absent, Value::Time),
    ));
    Value::map(entries)
}

/// A field of the condition of a type, without making a map of the condition.
pub(super) fn condition_field<'g>(
    context: &Context<'g>,
    of: &Value<'g>,
    kind: &str,
    name: &str,
) -> Value<'g> {
    doubt::of_field(context, of, "status");
    let (found, owner) = match of {
        Value::Object(id) => (context.graph.object(*id).condition(kind), *id),
        Value::Part(view, owner) => (condition(*view, kind), *owner),
        _ => return Value::Absent,
    };
    let field = found.and_then(|found| found.get(name));
    field.map_or(Value::Absent, |field| Value::part(field, owner))
}

/// Longest text that `short` leaves as it is, in characters.
const SHORT: usize = 60;

/// An object's bare name; a long text without its middle, as names differ most at their ends.
fn short<'g>(context: &Context<'g>, of: &Value<'g>) -> Value<'g> {
    match of {
        Value::Object(_) | Value::Ghost(_) => of
            .field(context.graph, "metadata")
            .field(context.graph, "name"),
        Value::Text(text) => {
            let text = text.as_str();
            let length = text.chars().count();
            if length <= SHORT {
                return of.clone();
            }
            let tail = SHORT / 2 - 1;
            let head = SHORT - 1 - tail;
            let kept = text.chars().take(head).chain(['…']);
            Value::text(
                kept.chain(text.chars().skip(length - tail))
                    .collect::<String>(),
            )
        }
        other => other.clone(),
    }
}

fn quantity_of<'g>(of: &Value<'g>) -> Value<'g> {
    match of {
        it @ (Value::Integer(_) | Value::Float(_)) => it.clone(),
        Value::Text(text) => match quantity::parse(text.as_str()) {
            Some(Number::Integer(it)) => Value::Integer(it),
            Some(Number::Float(it)) => Value::Float(it),
            None => Value::Absent,
        },
        _ => Value::Absent,
    }
}

fn compares<'g>(arguments: &[Value<'g>], wanted: std::cmp::Ordering) -> Value<'g> {
    Value::Bool(argument(arguments, 0).compare(argument(arguments, 1)) == Some(wanted))
}

/// A size in bytes as people read it: `1.5 GiB`.
pub(super) fn binary_size(bytes: f64) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut size = bytes;
    let mut unit = 0;
    while size.abs() >= 1024.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    let text = format!("{size:.1}");
    format!(
        "{} {}",
        text.strip_suffix(".0").unwrap_or(&text),
        UNITS[unit]
    )
}

fn version(of: &Value<'_>) -> Option<Version> {
    match of {
        Value::Version(version) => Some((**version).clone()),
        Value::Text(text) => Version::parse(text.as_str()),
        _ => None,
    }
}

fn on_version<'g>(arguments: &[Value<'g>], part: fn(&Version) -> u64) -> Value<'g> {
    version(argument(arguments, 0))
        .and_then(|version| i64::try_from(part(&version)).ok())
        .map_or(Value::Absent, Value::Integer)
}

fn text1<'g>(arguments: &[Value<'g>], of: fn(&str) -> String) -> Value<'g> {
    argument(arguments, 0)
        .as_str()
        .map_or(Value::Absent, |text| Value::text(of(text)))
}

fn text2<'g>(
    arguments: &[Value<'g>],
    of: impl Fn(&str, &str) -> Value<'g>,
    otherwise: Value<'g>,
) -> Value<'g> {
    match (
        argument(arguments, 0).as_str(),
        argument(arguments, 1).as_str(),
    ) {
        (Some(text), Some(other)) => of(text, other),
        _ => otherwise,
    }
}

/// A count or position among the arguments; none where it is left out or negative.
fn position(arguments: &[Value<'_>], index: usize) -> Option<usize> {
    match argument(arguments, index) {
        Value::Integer(it) => usize::try_from(*it).ok(),
        _ => None,
    }
}

/// The pieces of a text; the last one is the rest where there would be too many. Split by nothing,
/// they are its characters.
fn split<'g>(arguments: &[Value<'g>]) -> Value<'g> {
    let most = position(arguments, 2).unwrap_or(usize::MAX);
    text2(
        arguments,
        |text, by| {
            let pieces: Vec<&str> = if by.is_empty() {
                let starts = text.char_indices().map(|(at, _)| at).take(most);
                let ends = text.char_indices().map(|(at, _)| at).skip(1);
                let ends = ends.take(most.saturating_sub(1)).chain([text.len()]);
                starts
                    .zip(ends)
                    .filter_map(|(start, end)| text.get(start..end))
                    .collect()
            } else {
                text.splitn(most, by).collect()
            };
            Value::list(pieces.into_iter().map(Value::text).collect())
        },
        Value::Absent,
    )
}

/// Chooses among the positions, in characters, at which a text holds another; -1 for none.
fn places<'g>(
    arguments: &[Value<'g>],
    choose: impl Fn(&mut dyn Iterator<Item = usize>) -> Option<usize>,
) -> Value<'g> {
    text2(
        arguments,
        |text, part| {
            let starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            let mut places = starts
                .enumerate()
                .filter(|(_, at)| text.get(*at..).is_some_and(|rest| rest.starts_with(part)))
                .map(|(place, _)| place);
            let chosen = choose(&mut places).and_then(|place| i64::try_from(place).ok());
            Value::Integer(chosen.unwrap_or(-1))
        },
        Value::Integer(-1),
    )
}

fn substring<'g>(arguments: &[Value<'g>]) -> Value<'g> {
    let (Some(text), Some(start)) = (argument(arguments, 0).as_str(), position(arguments, 1))
    else {
        return Value::Absent;
    };
    let count = position(arguments, 2).map_or(usize::MAX, |end| end.saturating_sub(start));
    Value::text(text.chars().skip(start).take(count).collect::<String>())
}

/// The elements as one text. Of an empty list it is absent, so that `orValue` can name that case.
fn join<'g>(context: &Context<'g>, arguments: &[Value<'g>]) -> Value<'g> {
    let items = argument(arguments, 0).elements();
    if items.is_empty() {
        return Value::Absent;
    }
    let separator = argument(arguments, 1).as_str().unwrap_or_default();
    let parts: Vec<String> = items
        .iter()
        .map(|it| {
            if it.is_missing() {
                "‹unknown›".to_owned()
            } else {
                it.render(context.graph)
            }
        })
        .collect();
    Value::text(parts.join(separator))
}

/// Text behind base64, and behind gzip where that follows; at most 16 MiB of it.
fn decode(text: &str) -> Option<String> {
    const MOST: u64 = 16 << 20;
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(text.trim())
        .ok()?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut inflated = Vec::new();
        flate2::read::GzDecoder::new(bytes.as_slice())
            .take(MOST)
            .read_to_end(&mut inflated)
            .ok()?;
        return Some(String::from_utf8_lossy(&inflated).into_owned());
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
