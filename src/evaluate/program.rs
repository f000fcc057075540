//! Expressions made ready to run, and their values in a row.

use std::cell::LazyCell;
use std::sync::OnceLock;

use jiff::{SignedDuration, Timestamp};
use regex::Regex;

use crate::bundle::Bundle;
use crate::graph::relation::Relation;
use crate::graph::{Graph, Kind, KindId, ObjectId, kind};
use crate::parse::document::View;
use crate::rule::expression::BinaryOperator;
use crate::scan::Hits;

use super::doubt::{self, Doubt, Doubts, Gap, Place};
use super::function::{self, Builtin};
use super::macros::Macro;
use super::operator;
use super::value::Value;

/// What a rule may look at while it runs.
pub(crate) struct Context<'g> {
    pub(crate) graph: &'g Graph,
    pub(crate) hits: &'g Hits,
    /// The bundle's own time.
    pub(crate) now: Option<Timestamp>,
    /// The global `bundle`.
    pub(crate) bundle: LazyCell<Value<'g>, Box<dyn FnOnce() -> Value<'g> + 'g>>,
    /// The rule's lets, worked out when first asked for.
    pub(crate) lets: &'g [Program],
    /// The bundle, where there is one.
    pub(crate) read: Option<&'g Bundle>,
    /// What of that is not certain.
    pub(crate) doubts: Doubts,
}

/// The values of a row, by slot.
pub(crate) type Frame<'g> = Vec<Value<'g>>;

/// An expression ready to run.
#[derive(Debug)]
pub(crate) enum Program {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(Box<str>),
    Duration(SignedDuration),
    Now,
    Bundle,
    Slot(usize),
    /// Records of a log matcher.
    Records(usize),
    /// A chain of fields: `a.b['c']`.
    Path(Box<Program>, Vec<Box<str>>),
    Index(Box<Program>, Box<Program>),
    List(Vec<Program>),
    Map(Vec<(Program, Program)>),
    Not(Box<Program>),
    Negate(Box<Program>),
    Binary(BinaryOperator, Box<Program>, Box<Program>),
    Conditional(Box<Program>, Box<Program>, Box<Program>),
    /// A relation of the value, possibly to a kind.
    Relation(Box<[&'static Relation]>, Box<Program>, Option<KindRef>),
    Function(Builtin, Vec<Program>),
    Macro(Box<Macro>),
    Regex(RegexUse, Box<Program>, LazyRegex),
    /// `has(a.b)`.
    Has(Box<Program>),
    /// `raw(a.b)`: the text of a scalar as the collector wrote it.
    Raw(Box<Program>, Box<str>),
    All(KindRef),
    ObjectNamed(KindRef, Option<Box<Program>>, Box<Program>),
    Collected(KindRef, Option<Box<Program>>),
}

/// What is done with a regex.
#[derive(Debug, Clone, Copy)]
pub(crate) enum RegexUse {
    Matches,
    Find,
    Extract,
}

/// A regex that is compiled when it is first needed: of all regexes of all rules a bundle needs a few.
#[derive(Debug)]
pub(crate) struct LazyRegex {
    source: Box<str>,
    compiled: OnceLock<Option<Regex>>,
}

impl LazyRegex {
    pub(super) fn new(source: &str) -> Self {
        LazyRegex {
            source: Box::from(source),
            compiled: OnceLock::new(),
        }
    }

    /// The regex; that of a checked rule is always there, since its size is checked, too.
    fn get(&self) -> Option<&Regex> {
        let compile = || Regex::new(&self.source).ok();
        self.compiled.get_or_init(compile).as_ref()
    }
}

/// A kind as a rule names it.
#[derive(Debug, Clone)]
pub(crate) struct KindRef {
    group: Option<Box<str>>,
    name: Box<str>,
    known: Option<Kind>,
}

impl KindRef {
    pub(crate) fn new(group: Option<&str>, name: &str) -> Self {
        let known = match kind::resolve(group, name) {
            kind::Resolution::Known(kind) => Some(kind),
            kind::Resolution::Ambiguous(_) | kind::Resolution::Unknown => None,
        };
        KindRef {
            group: group.map(Box::from),
            name: Box::from(name),
            known,
        }
    }

    pub(super) fn parse(text: &str) -> Self {
        match text.split_once('/') {
            Some((group, name)) => KindRef::new(Some(group), name),
            None => KindRef::new(None, text),
        }
    }

    pub(crate) fn id(&self, graph: &Graph) -> Option<KindId> {
        match &self.known {
            Some(kind) => graph.kind_id(&kind.group, &kind.name),
            None => graph.resolve_kind(self.group.as_deref(), &self.name),
        }
    }

    pub(crate) fn display(&self) -> String {
        match &self.group {
            Some(group) => format!("{group}/{}", self.name),
            None => self.name.to_string(),
        }
    }

    /// The kind, if the catalogue knows it.
    pub(crate) fn kind(&self) -> Option<&Kind> {
        self.known.as_ref()
    }
}

impl Program {
    /// The value for a row.
    pub(crate) fn run<'g>(&'g self, context: &Context<'g>, frame: &mut Frame<'g>) -> Value<'g> {
        match self {
            Program::Null => Value::Null,
            Program::Bool(it) => Value::Bool(*it),
            Program::Integer(it) => Value::Integer(*it),
            Program::Float(it) => Value::Float(*it),
            Program::Text(it) => Value::borrowed(it),
            Program::Duration(it) => Value::Duration(*it),
            Program::Now => context.now.map_or(Value::Absent, Value::Time),
            Program::Bundle => (*context.bundle).clone(),
            Program::Slot(slot) => slot_value(*slot, context, frame),
            Program::Records(matcher) => Value::list(
                context
                    .hits
                    .records(*matcher)
                    .iter()
                    .map(Value::Record)
                    .collect(),
            ),
            Program::Path(of, names) => {
                let reached = of.reach(names, context, frame);
                reached.value(context.graph)
            }
            Program::Index(of, index) => {
                let of = of.run(context, frame);
                operator::index(context.graph, &of, &index.run(context, frame))
            }
            Program::List(items) => {
                Value::list(items.iter().map(|item| item.run(context, frame)).collect())
            }
            Program::Map(entries) => {
                let entries = entries
                    .iter()
                    .map(|(key, value)| (key.run(context, frame), value.run(context, frame)));
                Value::Map(std::rc::Rc::new(entries.collect()))
            }
            Program::Not(of) => Value::Bool(!of.run(context, frame).is_true()),
            Program::Negate(of) => operator::negate(&of.run(context, frame)),
            Program::Binary(BinaryOperator::And, left, right) => {
                Value::Bool(!either(false, left, right, context, frame))
            }
            Program::Binary(BinaryOperator::Or, left, right) => {
                Value::Bool(either(true, left, right, context, frame))
            }
            // Most conditions ask a field for a text, and no value need be made for that.
            Program::Binary(
                operator @ (BinaryOperator::Equal | BinaryOperator::NotEqual),
                left,
                right,
            ) if let (Program::Path(of, names), Program::Text(text)) = (&**left, &**right) => {
                let equal = match of.reach(names, context, frame) {
                    Reached::Nothing => false,
                    Reached::View(view, _) => view.as_str() == Some(text),
                    other => other.value(context.graph).equals(&Value::borrowed(text)),
                };
                Value::Bool(equal == (*operator == BinaryOperator::Equal))
            }
            // No list is made of what is only asked for one element.
            Program::Binary(BinaryOperator::In, value, list)
                if let Program::List(items) = &**list =>
            {
                let value = value.run(context, frame);
                let found = |item: &'g Program| item.run(context, frame).equals(&value);
                Value::Bool(!value.is_missing() && items.iter().any(found))
            }
            Program::Binary(operator, left, right) => {
                let before = context.doubts.raised();
                let (a, b) = (left.run(context, frame), right.run(context, frame));
                let value = operator::apply(*operator, &a, &b);
                // More elements than were collected would not change what holds already.
                let lacks = context.doubts.raised().is_some_and(|doubt| !doubt.wrong);
                if value.is_true() && before.is_none() && lacks {
                    let (grows, rest) = match operator {
                        BinaryOperator::Greater | BinaryOperator::GreaterEqual => (left, right),
                        BinaryOperator::Less | BinaryOperator::LessEqual | BinaryOperator::In => {
                            (right, left)
                        }
                        _ => return value,
                    };
                    context.doubts.restore(None);
                    if *operator != BinaryOperator::In && !grows.counts() {
                        grows.run(context, frame);
                    }
                    rest.run(context, frame);
                }
                value
            }
            Program::Conditional(condition, then, otherwise) => {
                if condition.run(context, frame).is_true() {
                    then.run(context, frame)
                } else {
                    otherwise.run(context, frame)
                }
            }
            Program::Relation(relations, of, kind) => {
                let of = of.run(context, frame);
                follow(context, relations, &of, kind.as_ref())
            }
            // Whoever names a value for what is unknown has decided.
            Program::Function(builtin, arguments) if builtin.is_default() => {
                let before = context.doubts.raised();
                match arguments.as_slice() {
                    [of, default] => {
                        let of = of.run(context, frame);
                        context.doubts.restore(before);
                        if of.is_missing() {
                            default.run(context, frame)
                        } else {
                            of
                        }
                    }
                    _ => Value::Absent,
                }
            }
            Program::Function(builtin, arguments) => {
                let arguments: Vec<_> = arguments.iter().map(|it| it.run(context, frame)).collect();
                builtin.call(context, &arguments)
            }
            Program::Macro(found) => found.run(context, frame),
            Program::Regex(usage, of, regex) => apply_regex(*usage, &of.run(context, frame), regex),
            Program::Has(field) => Value::Bool(!field.run(context, frame).is_missing()),
            Program::Raw(of, name) => match of.run(context, frame) {
                Value::Object(id) => raw(context.graph.object(id).root().get(name)),
                Value::Part(view, _) => raw(view.get(name)),
                _ => Value::Absent,
            },
            Program::All(kind) => match kind.id(context.graph) {
                Some(kind) => {
                    let ids = context.graph.ids(kind);
                    if ids.is_empty() && doubt::may_lack(context, kind, &Place::Everywhere) {
                        context.doubts.raise(Doubt::lack(Gap::Kind(kind)));
                    }
                    Value::list(ids.iter().map(|&id| Value::Object(id)).collect())
                }
                None => {
                    context.doubts.raise(Doubt::lack(Gap::UnknownKind));
                    Value::Absent
                }
            },
            Program::ObjectNamed(kind, namespace, name) => {
                let name = name.run(context, frame);
                let namespace = namespace.as_ref().map(|it| it.run(context, frame));
                match (kind.id(context.graph), name.as_str()) {
                    (Some(kind), Some(name)) => Value::subject(context.graph.subject(
                        kind,
                        namespace.as_ref().and_then(Value::as_str),
                        name,
                    )),
                    (None, Some(_)) => {
                        context.doubts.raise(Doubt::lack(Gap::UnknownKind));
                        Value::Absent
                    }
                    _ => Value::Absent,
                }
            }
            Program::Collected(kind, namespace) => {
                let namespace = namespace.as_ref().map(|it| it.run(context, frame));
                let namespace = namespace.as_ref().and_then(Value::as_str);
                match kind.id(context.graph) {
                    Some(id) => {
                        let kind = context.graph.kind(id);
                        Value::Bool(context.graph.collected().has(kind, namespace))
                    }
                    None => Value::Bool(false),
                }
            }
        }
    }

    /// Whether it counts elements, so that it could only be more if more had been collected.
    fn counts(&self) -> bool {
        match self {
            Program::Function(builtin, _) => builtin.is_size(),
            Program::Binary(BinaryOperator::Add, left, right) => left.counts() && right.counts(),
            _ => false,
        }
    }

    /// The program of a field of what this one gives.
    pub(super) fn then(self, name: &str) -> Program {
        let (of, mut names) = match self {
            Program::Path(of, names) => (of, names),
            of => (Box::new(of), Vec::new()),
        };
        names.push(Box::from(name));
        Program::Path(of, names)
    }

    /// Where a chain of fields of this value leads, without making values of what lies on the way.
    fn reach<'g>(
        &'g self,
        names: &'g [Box<str>],
        context: &Context<'g>,
        frame: &mut Frame<'g>,
    ) -> Reached<'g> {
        let mut names = names.iter();
        let mut at = match self {
            Program::Slot(slot) => match frame.get(*slot) {
                Some(Value::Object(id)) => {
                    context.doubts.look(*slot);
                    Reached::Object(*id)
                }
                Some(Value::Part(view, owner)) => {
                    context.doubts.look(*slot);
                    Reached::View(*view, *owner)
                }
                _ => Reached::Other(slot_value(*slot, context, frame)),
            },
            Program::Function(builtin, arguments)
                if builtin.is_condition()
                    && let [of, Program::Text(kind)] = arguments.as_slice()
                    && let Some(name) = names.as_slice().first().filter(|it| &***it != "since") =>
            {
                names.next();
                let of = of.run(context, frame);
                Reached::Other(function::condition_field(context, &of, kind, name))
            }
            _ => Reached::Other(self.run(context, frame)),
        };
        while let Some(name) = names.next() {
            match at {
                // Below a value of a tree there are only such.
                Reached::View(view, owner) => {
                    let view = view
                        .get(name)
                        .and_then(|view| names.try_fold(view, |view, name| view.get(name)));
                    return Reached::view(view, owner);
                }
                Reached::Nothing => break,
                Reached::Other(of) => {
                    doubt::of_field(context, &of, name);
                    at = Reached::Other(of.field(context.graph, name));
                }
                Reached::Object(id) if &**name == "metadata" => at = Reached::Metadata(id),
                Reached::Object(id) => at = Reached::view(context.graph.object(id).get(name), id),
                Reached::Metadata(id) => {
                    at = Reached::view(context.graph.object(id).metadata(name), id);
                }
            }
        }
        at
    }
}

/// A place on the way along a chain of fields.
enum Reached<'g> {
    Object(ObjectId),
    /// The metadata of an object, whose names are known without a way through it.
    Metadata(ObjectId),
    /// A value of an object's tree.
    View(View<'g>, ObjectId),
    /// Not there.
    Nothing,
    /// Not a value of an object's tree.
    Other(Value<'g>),
}

impl<'g> Reached<'g> {
    fn view(view: Option<View<'g>>, owner: ObjectId) -> Reached<'g> {
        view.map_or(Reached::Nothing, |view| Reached::View(view, owner))
    }

    fn value(self, graph: &'g Graph) -> Value<'g> {
        let (view, owner) = match self {
            Reached::Object(id) => return Value::Object(id),
            Reached::Metadata(id) => (graph.object(id).get("metadata"), id),
            Reached::View(view, owner) => (Some(view), owner),
            Reached::Nothing => return Value::Absent,
            Reached::Other(value) => return value,
        };
        view.map_or(Value::Absent, |view| Value::part(view, owner))
    }
}

/// Whether one of two conditions comes out as `wanted`, the second asked only if the first does
/// not for certain. If one does for certain, a doubt on the other is none.
fn either<'g>(
    wanted: bool,
    left: &'g Program,
    right: &'g Program,
    context: &Context<'g>,
    frame: &mut Frame<'g>,
) -> bool {
    let doubts = &context.doubts;
    let before = doubts.raised();
    doubts.restore(None);
    let first = left.run(context, frame).is_true() == wanted;
    let first_doubt = doubts.raised();
    if first && first_doubt.is_none() {
        doubts.restore(before);
        return true;
    }
    doubts.restore(None);
    let second = right.run(context, frame).is_true() == wanted;
    let second_doubt = doubts.raised();
    let certain = second && second_doubt.is_none();
    doubts.restore(if certain {
        before
    } else {
        before.or(first_doubt).or(second_doubt)
    });
    first || second
}

/// The value in a slot; a `let` is worked out now if this is the first to ask.
fn slot_value<'g>(slot: usize, context: &Context<'g>, frame: &mut Frame<'g>) -> Value<'g> {
    let found = frame.get(slot).cloned().unwrap_or(Value::Absent);
    let Value::Pending(index) = found else {
        context.doubts.look(slot);
        return found;
    };
    let before = context.doubts.raised();
    context.doubts.restore(None);
    let value = match context.lets.get(index) {
        Some(program) => program.run(context, frame),
        None => Value::Absent,
    };
    let own = context.doubts.raised();
    context.doubts.put(slot, own);
    context.doubts.restore(before.or(own));
    if let Some(held) = frame.get_mut(slot) {
        *held = value.clone();
    }
    value
}

fn raw(view: Option<View<'_>>) -> Value<'_> {
    view.map_or(Value::Absent, |view| Value::borrowed(view.raw()))
}

/// The objects that a relation leads to: a list, or one object, or absent.
fn follow<'g>(
    context: &Context<'g>,
    relations: &[&'static Relation],
    of: &Value<'g>,
    kind: Option<&KindRef>,
) -> Value<'g> {
    let graph = context.graph;
    let Some(subject) = of.as_subject() else {
        return Value::Absent;
    };
    let from = match &subject {
        crate::graph::Subject::Object(id) => graph.object(*id).kind(),
        crate::graph::Subject::Ghost(ghost) => ghost.kind,
    };
    let starts = |relation: &&&Relation| relation.starts_from(graph, from);
    let Some(relation) = relations.iter().find(starts) else {
        return Value::Absent;
    };
    let kind = match kind {
        None => None,
        Some(kind) => match kind.id(graph) {
            Some(kind) => Some(kind),
            None => {
                context.doubts.raise(Doubt::lack(Gap::UnknownKind));
                return Value::Absent;
            }
        },
    };
    let found = relation.follow(graph, &subject, kind);
    if found.is_empty() {
        let to = kind.or_else(|| KindRef::parse(relation.to).id(graph));
        doubt::of_relation(context, &subject, relation.name, to);
    }
    let mut found = found.into_iter().map(Value::subject);
    if relation.many {
        Value::list(found.collect())
    } else {
        found.next().unwrap_or(Value::Absent)
    }
}

fn apply_regex<'g>(usage: RegexUse, of: &Value<'g>, regex: &LazyRegex) -> Value<'g> {
    let nothing = match usage {
        RegexUse::Matches => Value::Bool(false),
        RegexUse::Find | RegexUse::Extract => Value::Absent,
    };
    let Some((text, regex)) = of.as_str().zip(regex.get()) else {
        return nothing;
    };
    match usage {
        RegexUse::Matches => Value::Bool(regex.is_match(text)),
        RegexUse::Find => regex
            .find(text)
            .map_or(Value::Absent, |it| Value::text(it.as_str())),
        RegexUse::Extract => regex
            .captures(text)
            .and_then(|captures| captures.get(1))
            .map_or(Value::Absent, |it| Value::text(it.as_str())),
    }
}
