//! What an expression gives, as far as it can be known before a rule runs.

use std::rc::Rc;

use crate::graph::Kind;
use crate::rule::schema::{Record, Schema, Shape};

/// What a value is. What nobody can know is `Any`, and nothing is held against it.
#[derive(Clone)]
pub(crate) enum Type<'a> {
    Any,
    Null,
    Bool,
    Number,
    Text,
    /// Text out of a closed set, as its table writes it: `A | B`; and where it stands.
    Choice(&'a str, Rc<str>),
    /// A time, or text that says one.
    Time,
    Duration,
    /// Text with a unit, which is no number before `quantity()` has read it.
    Quantity,
    Version,
    List(Rc<Type<'a>>),
    Map(Rc<Type<'a>>),
    /// A part of an object, and where it stands.
    Record(Record<'a>, Place),
    /// An object or ghost of a kind.
    Object(Rc<Kind>),
    /// What the language itself makes: a log record, a condition.
    Fields(Rc<Fields<'a>>),
}

/// Where a part stands in an object.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Place {
    kind: Rc<Kind>,
    path: Rc<str>,
}

/// A value with fields that the language itself makes.
pub(crate) struct Fields<'a> {
    /// What it is, with its article.
    pub(super) what: &'static str,
    pub(super) fields: Vec<(&'a str, Type<'a>)>,
}

/// What values of a type can be compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Bool,
    Number,
    Text,
    Time,
    Duration,
    Quantity,
    Version,
    List,
    Map,
    Object,
}

impl<'a> Fields<'a> {
    /// What a field is; `None` if there is none of this name.
    pub(super) fn field(&self, name: &str) -> Option<&Type<'a>> {
        let found = self.fields.iter().find(|(known, _)| *known == name);
        found.map(|(_, of)| of)
    }

    /// Whether it is a log record or a line of one.
    pub(in crate::rule) fn is_log(&self) -> bool {
        self.fields
            .iter()
            .any(|(name, _)| matches!(*name, "samples" | "line"))
    }
}

impl Place {
    /// An object of a kind itself.
    fn top(kind: &Kind) -> Place {
        Place {
            kind: Rc::new(kind.clone()),
            path: "".into(),
        }
    }

    /// The place of a field or element below.
    pub(super) fn below(&self, step: &str) -> Place {
        let joint = match (self.path.is_empty(), step.starts_with('[')) {
            (false, false) => ".",
            _ => "",
        };
        Place {
            kind: Rc::clone(&self.kind),
            path: format!("{}{joint}{step}", self.path).into(),
        }
    }

    /// The kind, if this is an object itself.
    pub(super) fn kind_if_top(&self) -> Option<&Kind> {
        self.path.is_empty().then_some(&*self.kind)
    }

    /// The kind and the path of a field below, for messages.
    pub(super) fn field(&self, name: &str) -> (String, String) {
        (self.kind.display(), self.below(name).path.to_string())
    }
}

impl<'a> Type<'a> {
    pub(super) fn list(element: Type<'a>) -> Type<'a> {
        Type::List(Rc::new(element))
    }

    pub(super) fn map(value: Type<'a>) -> Type<'a> {
        Type::Map(Rc::new(value))
    }

    pub(super) fn fields(what: &'static str, fields: Vec<(&'a str, Type<'a>)>) -> Type<'a> {
        Type::Fields(Rc::new(Fields { what, fields }))
    }

    /// What a table says of a place.
    pub(super) fn of_shape(shape: Shape<'a>, place: Place) -> Type<'a> {
        match shape {
            Shape::Any => Type::Any,
            Shape::Word("text") => Type::Text,
            Shape::Word("number") => Type::Number,
            Shape::Word("boolean") => Type::Bool,
            Shape::Word("time") => Type::Time,
            Shape::Word("quantity") => Type::Quantity,
            // Durations of objects are text, as `quantity` is: `duration()` reads them.
            Shape::Word("duration") => Type::Text,
            Shape::Word(_) => Type::Any,
            Shape::Choice(values) => Type::Choice(values, place.path),
            Shape::Record(record) => Type::Record(record, place),
            Shape::Map(value) => Type::map(Type::of_shape(*value, place.below("*"))),
            Shape::List(element) => Type::list(Type::of_shape(*element, place.below("[]"))),
        }
    }

    /// The fields of an object of a kind; `None` if no table has them.
    pub(super) fn of_kind(schema: &'a Schema, kind: &Kind) -> Option<(Record<'a>, Place)> {
        Some((schema.kind(kind)?, Place::top(kind)))
    }

    /// What values of it can be compared with; `None` if that is not known.
    pub(super) fn sort(&self) -> Option<Sort> {
        Some(match self {
            Type::Any | Type::Null => return None,
            Type::Bool => Sort::Bool,
            Type::Number => Sort::Number,
            Type::Text | Type::Choice(..) => Sort::Text,
            Type::Time => Sort::Time,
            Type::Duration => Sort::Duration,
            Type::Quantity => Sort::Quantity,
            Type::Version => Sort::Version,
            Type::List(_) => Sort::List,
            Type::Map(_) | Type::Record(..) => Sort::Map,
            Type::Object(_) | Type::Fields(_) => Sort::Object,
        })
    }

    /// Whether it is text, in whatever form.
    pub(in crate::rule) fn is_text(&self) -> bool {
        matches!(
            self,
            Type::Text | Type::Choice(..) | Type::Time | Type::Quantity
        )
    }

    /// For messages, with its article.
    pub(in crate::rule) fn describe(&self) -> String {
        match self {
            Type::Any => "anything".to_owned(),
            Type::Null => "null".to_owned(),
            Type::Bool => "true or false".to_owned(),
            Type::Number => "a number".to_owned(),
            Type::Text | Type::Choice(..) => "text".to_owned(),
            Type::Time => "a time".to_owned(),
            Type::Duration => "a duration".to_owned(),
            Type::Quantity => "a quantity".to_owned(),
            Type::Version => "a version".to_owned(),
            Type::List(element) => match &**element {
                Type::Object(kind) => format!("a list of {} objects", kind.display()),
                _ => "a list".to_owned(),
            },
            Type::Map(_) | Type::Record(..) => "a map".to_owned(),
            Type::Object(kind) => format!("a {}", kind.display()),
            Type::Fields(fields) => fields.what.to_owned(),
        }
    }

    /// What a value is that may be of either type.
    pub(in crate::rule) fn or(self, other: Type<'a>) -> Type<'a> {
        match (self, other) {
            (Type::Null, other) | (other, Type::Null) => other,
            (Type::Choice(a, place), Type::Choice(b, _)) if a == b => Type::Choice(a, place),
            (Type::Object(a), Type::Object(b)) if a == b => Type::Object(a),
            (Type::Fields(a), Type::Fields(b)) if Rc::ptr_eq(&a, &b) => Type::Fields(a),
            (Type::Record(a, place), Type::Record(_, other)) if place == other => {
                Type::Record(a, place)
            }
            (Type::List(a), Type::List(b)) => {
                Type::list(Rc::unwrap_or_clone(a).or(Rc::unwrap_or_clone(b)))
            }
            (Type::Map(a), Type::Map(b)) => {
                Type::map(Rc::unwrap_or_clone(a).or(Rc::unwrap_or_clone(b)))
            }
            (a, b) if a.is_text() && b.is_text() => match (a, b) {
                (Type::Time, Type::Time) => Type::Time,
                (Type::Quantity, Type::Quantity) => Type::Quantity,
                _ => Type::Text,
            },
            (a @ (Type::Bool | Type::Number | Type::Duration | Type::Version), b)
                if a.sort() == b.sort() =>
            {
                a
            }
            _ => Type::Any,
        }
    }
}
