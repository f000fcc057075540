//! Checks of one expression: that its names are in scope, its calls in the catalogue, its fields in
//! the tables of kinds, and that each value is used as what it is.

mod call;
pub(super) mod cost;
mod literal;
mod operator;
mod types;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use smol_str::SmolStr;

use super::expression::{Expression, Literal, Node, UnaryOperator};
use super::function;
use super::mistake::Mistakes;
use super::nearest::proposal;
use super::path::{FieldPath, PathStep};
use super::schema::{Schema, Shape};
use super::source::{Span, Spanned};
use super::{LogMatcher, Param};
use crate::graph::relation;

pub(super) use operator::truth;
pub(super) use types::Type;

/// Names that every rule may use.
pub(super) const GLOBALS: [&str; 5] = ["now", "bundle", "cluster", "params", "logs"];

/// The most fields that a message lists.
const MOST_LISTED: usize = 16;

/// Names in scope at a place of a rule.
pub(super) struct Scope<'a> {
    /// Fields of kinds.
    pub(super) schema: &'a Schema,
    /// `params`.
    pub(super) params: &'a BTreeMap<SmolStr, Param>,
    /// `logs`.
    pub(super) logs: &'a BTreeMap<SmolStr, LogMatcher>,
    /// Bindings above, and variables of the macros around.
    pub(super) visible: Vec<Variable<'a>>,
    /// Bindings below, which cannot be used yet.
    pub(super) below: Vec<&'a str>,
    /// Bindings that never can be used, since they stand for no element.
    pub(super) elementless: Vec<&'a str>,
    /// What `it` is here, if it is the element of a binding.
    pub(super) element: Option<Type<'a>>,
    /// Within the arguments of a macro, which run for each element.
    pub(super) inside_macro: bool,
    /// Some binding could not be read, so a name that seems to be nothing may be its.
    pub(super) incomplete: bool,
    /// Names used so far.
    pub(super) used: BTreeSet<String>,
}

/// A name in scope.
#[derive(Clone)]
pub(super) struct Variable<'a> {
    pub(super) name: &'a str,
    /// Where it is bound.
    pub(super) span: Span,
    /// What it stands for.
    pub(super) of: Type<'a>,
}

impl<'a> Scope<'a> {
    /// Checks an expression that must be true or false.
    pub(super) fn check_condition(&mut self, expression: &'a Expression, mistakes: &mut Mistakes) {
        let given = self.check(expression, mistakes);
        truth(expression.span, &given, mistakes);
    }

    /// Checks an expression, marks the names that it uses, and says what it gives.
    pub(super) fn check(
        &mut self,
        expression: &'a Expression,
        mistakes: &mut Mistakes,
    ) -> Type<'a> {
        if mistakes.are_many() {
            return Type::Any;
        }
        match &expression.node {
            Node::Literal(literal) => match literal {
                Literal::Null => Type::Null,
                Literal::Bool(_) => Type::Bool,
                Literal::Integer(_) | Literal::Float(_) => Type::Number,
                Literal::Text(_) => Type::Text,
            },
            Node::Name(name) => self.name(name, expression.span, mistakes),
            Node::Field { of, name, .. } => {
                if let Node::Name(global) = &of.node
                    && (global == "params" || global == "logs")
                {
                    return self.named(global, name, expression.span, mistakes);
                }
                let given = self.check(of, mistakes);
                self.field(&given, name, last_bytes(expression.span, name), mistakes)
            }
            Node::Index { of, index, .. } => {
                let given = self.check(of, mistakes);
                let by = self.check(index, mistakes);
                self.index(&given, (index, &by), mistakes)
            }
            Node::Call {
                receiver,
                function,
                function_span,
                arguments,
            } => {
                let receiver = receiver
                    .as_deref()
                    .map(|receiver| (receiver, self.check(receiver, mistakes)));
                self.call(receiver, function, *function_span, arguments, mistakes)
            }
            Node::List(elements) => {
                let types: Vec<_> = (elements.iter())
                    .map(|element| self.check(element, mistakes))
                    .collect();
                Type::list(types.into_iter().reduce(Type::or).unwrap_or(Type::Any))
            }
            Node::Map(entries) => {
                let mut fields = Vec::new();
                for (key, value) in entries {
                    self.check(key, mistakes);
                    let of = self.check(value, mistakes);
                    if let Node::Literal(Literal::Text(name)) = &key.node {
                        fields.push((name.as_str(), of));
                    }
                }
                match fields.len() == entries.len() {
                    true => Type::fields("a map", fields),
                    false => Type::map(Type::Any),
                }
            }
            Node::Unary { operator, of } => {
                let given = self.check(of, mistakes);
                match operator {
                    UnaryOperator::Not => {
                        truth(of.span, &given, mistakes);
                        Type::Bool
                    }
                    UnaryOperator::Negate => match given {
                        Type::Number | Type::Duration | Type::Any => given,
                        other => {
                            let message = format!("`-` of {} gives nothing", other.describe());
                            mistakes.error("BD012", expression.span, message);
                            Type::Any
                        }
                    },
                }
            }
            Node::Binary {
                operator,
                left,
                right,
            } => {
                let (a, b) = (self.check(left, mistakes), self.check(right, mistakes));
                self.operation(
                    *operator,
                    expression.span,
                    (left, &a),
                    (right, &b),
                    mistakes,
                )
            }
            Node::Conditional {
                condition,
                then,
                otherwise,
            } => {
                self.check_condition(condition, mistakes);
                let then = self.check(then, mistakes);
                then.or(self.check(otherwise, mistakes))
            }
        }
    }

    /// Says so if a new name hides another one, or is reserved.
    pub(super) fn check_new(&self, name: &str, span: Span, mistakes: &mut Mistakes) {
        if name == "it" || GLOBALS.contains(&name) {
            mistakes
                .error("BD011", span, format!("`{name}` is a name of the language"))
                .help("choose another name");
        } else if let Some(first) =
            (self.visible.iter()).find(|variable| variable.name == name && name != "_")
        {
            mistakes
                .error("BD011", span, format!("`{name}` hides another `{name}`"))
                .label("bound again")
                .also(first.span, "bound here")
                .help("choose another name");
        }
    }

    fn name(&mut self, name: &'a str, span: Span, mistakes: &mut Mistakes) -> Type<'a> {
        let bound = self
            .visible
            .iter()
            .rev()
            .find(|variable| variable.name == name);
        if let Some(variable) = bound {
            let of = variable.of.clone();
            self.used.insert(name.to_owned());
            return of;
        }
        match name {
            "it" => match &self.element {
                Some(element) => return element.clone(),
                None => {
                    mistakes
                        .error("BD011", span, "`it` is nothing here")
                        .help("`it` is the element in the `where` of a binding");
                }
            },
            "params" | "logs" => {
                mistakes
                    .error("BD011", span, format!("`{name}` is no value itself"))
                    .help(format!("name one of them: `{name}.name`"));
            }
            "now" => return Type::Time,
            "bundle" => {
                return Type::fields(
                    "`bundle`",
                    vec![
                        ("harvesterVersion", Type::Text),
                        ("kubernetesVersion", Type::Text),
                        ("createdAt", Type::Time),
                        ("namespaces", Type::list(Type::Text)),
                    ],
                );
            }
            "cluster" => {
                mistakes
                    .error("BD011", span, "`cluster` is no value")
                    .help("it stands for itself, as the `subject` of a finding");
            }
            _ if self.elementless.contains(&name) => {
                mistakes
                    .error(
                        "BD030",
                        span,
                        format!("`{name}` is bound by `none`: there is no such element"),
                    )
                    .help("say what is missing in words, or by the names above it");
            }
            _ if self.below.contains(&name) => {
                mistakes
                    .error("BD011", span, format!("`{name}` is used above its binding"))
                    .help(format!("move the binding of `{name}` up"));
            }
            _ if self.incomplete => {}
            _ => {
                let names = self.visible.iter().map(|variable| variable.name);
                let help = proposal(name, names.chain(GLOBALS)).or_else(|| {
                    relation::names()
                        .contains(&name)
                        .then(|| format!("`{name}` is a relation: `object.{name}()`"))
                });
                mistakes
                    .error("BD011", span, format!("there is no variable `{name}`"))
                    .help_if(help);
            }
        }
        Type::Any
    }

    /// A field of a value; what nobody knows of it is held against the rule.
    fn field(&self, of: &Type<'a>, name: &str, span: Span, mistakes: &mut Mistakes) -> Type<'a> {
        let (record, place) = match of {
            Type::Any | Type::Null => return Type::Any,
            Type::Map(value) => return (**value).clone(),
            Type::Record(record, place) => (record.clone(), place.clone()),
            Type::Object(kind) => match Type::of_kind(self.schema, kind) {
                Some(found) => found,
                None => return Type::Any,
            },
            Type::Fields(fields) => {
                if let Some(of) = fields.field(name) {
                    return of.clone();
                }
                let names: Vec<&str> = fields.fields.iter().map(|(name, _)| *name).collect();
                let of_line = matches!(fields.field("last"),
                    Some(Type::Fields(line)) if line.field(name).is_some());
                let help = match of_line {
                    true => format!("its lines have: `first.{name}`, `last.{name}`"),
                    false => {
                        proposal(name, names.iter().copied()).unwrap_or_else(|| listed(&names))
                    }
                };
                mistakes
                    .error(
                        "BD013",
                        span,
                        format!("{} has no field `{name}`", fields.what),
                    )
                    .help(help);
                return Type::Any;
            }
            other => {
                let help = match other {
                    Type::List(_) => Some(format!(
                        "of one: `list[0].{name}`; of each: `list.map(x, x.{name})`"
                    )),
                    Type::Version => Some(format!("`x.{name}()`, with parentheses")),
                    _ => None,
                };
                mistakes
                    .error("BD012", span, format!("{} has no fields", other.describe()))
                    .help_if(help);
                return Type::Any;
            }
        };
        let schema = self.schema;
        if let Some(shape) = schema.field(&record, name) {
            return Type::of_shape(shape, place.below(name));
        }
        let names = schema.names(&record);
        let near = super::nearest::nearest(name, names.iter().copied());
        let help = match near {
            Some(near) => {
                let form = schema
                    .field(&record, near)
                    .map(|shape| describe(schema, &shape));
                format!("did you mean `{near}`? ({})", form.unwrap_or_default())
            }
            None => self
                .elsewhere(name, &place)
                .unwrap_or_else(|| listed(&names)),
        };
        let (kind, path) = place.field(name);
        mistakes
            .error("BD013", span, format!("`{kind}` has no field `{path}`"))
            .help(help);
        Type::Any
    }

    /// A field at the top of an object that is really one of `metadata`, `spec` or `status`.
    fn elsewhere(&self, name: &str, place: &types::Place) -> Option<String> {
        let schema = self.schema;
        let top = schema.kind(place.kind_if_top()?)?;
        let parts = ["metadata", "spec", "status"].into_iter();
        let found = parts.filter(|part| {
            matches!(schema.field(&top, part), Some(Shape::Record(record))
                if schema.field(&record, name).is_some())
        });
        let found: Vec<String> = found.map(|part| format!("`{part}.{name}`")).collect();
        (!found.is_empty()).then(|| format!("did you mean {}?", found.join(" or ")))
    }

    /// `of[by]`.
    fn index(
        &self,
        of: &Type<'a>,
        (index, by): (&'a Expression, &Type<'a>),
        mistakes: &mut Mistakes,
    ) -> Type<'a> {
        let (wanted, fits) = match of {
            Type::Any | Type::Null => return Type::Any,
            Type::List(_) => ("a position", matches!(by, Type::Number | Type::Any)),
            Type::Map(_) | Type::Record(..) | Type::Object(_) | Type::Fields(_) => {
                ("a key", by.is_text() || matches!(by, Type::Any))
            }
            other => {
                let message = format!("{} has no elements", other.describe());
                mistakes.error("BD012", index.span, message);
                return Type::Any;
            }
        };
        if !fits {
            let message = format!("expected {wanted}, and this is {}", by.describe());
            mistakes
                .error("BD012", index.span, message)
                .label(format!("in {}", of.describe()));
            return Type::Any;
        }
        match (of, &index.node) {
            (Type::List(element), _) => (**element).clone(),
            (Type::Map(value), _) => (**value).clone(),
            (_, Node::Literal(Literal::Text(name))) => self.field(of, name, index.span, mistakes),
            _ => Type::Any,
        }
    }

    /// Checks the path of a field of a value, as evidence names it.
    pub(super) fn check_path(
        &self,
        of: &Type<'a>,
        path: &Spanned<FieldPath>,
        mistakes: &mut Mistakes,
    ) {
        let mut of = of.clone();
        for step in &path.value.steps {
            of = match (step, &of) {
                (PathStep::Field(name), _) => self.field(&of, name, path.span, mistakes),
                (_, Type::List(element)) => (**element).clone(),
                (_, Type::Any) => Type::Any,
                (_, other) => {
                    let message = format!("{} has no elements", other.describe());
                    mistakes.error("BD012", path.span, message);
                    Type::Any
                }
            };
        }
    }

    /// Checks the name of a log matcher that a binding takes its elements from: a list of records.
    pub(super) fn check_log(
        &mut self,
        name: &'a Spanned<SmolStr>,
        mistakes: &mut Mistakes,
    ) -> Type<'a> {
        self.named("logs", &name.value, name.span, mistakes)
    }

    /// `params.name` or `logs.name`.
    fn named(&mut self, what: &str, name: &str, span: Span, mistakes: &mut Mistakes) -> Type<'a> {
        let found = match what {
            "params" => self.params.get(name).map(|param| match param {
                Param::Number(_) | Param::Quantity(_) => Type::Number,
                Param::Text(_) => Type::Text,
                Param::Bool(_) => Type::Bool,
                Param::Duration(_) => Type::Duration,
            }),
            _ => self
                .logs
                .get(name)
                .map(|matcher| Type::list(record(matcher))),
        };
        if let Some(found) = found {
            self.used.insert(format!("{what}.{name}"));
            return found;
        }
        let names: Vec<&str> = match what {
            "params" => self.params.keys().map(SmolStr::as_str).collect(),
            _ => self.logs.keys().map(SmolStr::as_str).collect(),
        };
        let help = proposal(name, names.iter().copied());
        mistakes
            .error("BD011", span, format!("there is no `{what}.{name}`"))
            .help_if(help.or_else(|| {
                names
                    .is_empty()
                    .then(|| format!("the rule has no `{what}`"))
            }));
        Type::Any
    }

    fn call(
        &mut self,
        receiver: Option<(&'a Expression, Type<'a>)>,
        name: &'a str,
        span: Span,
        arguments: &'a [Expression],
        mistakes: &mut Mistakes,
    ) -> Type<'a> {
        let method = receiver.is_some();
        let Some(function) = function::find(name, method) else {
            for argument in arguments {
                self.check(argument, mistakes);
            }
            // A relation may be asked for a kind: `owner('Job')`.
            if let Some(receiver) = receiver
                && relation::names().contains(&name)
            {
                if arguments.len() > 1 {
                    mistakes.error(
                        "BD010",
                        span,
                        format!("the relation `{name}` takes at most one argument"),
                    );
                }
                return self.relation(name, span, receiver, arguments.first(), mistakes);
            }
            let (message, help) = function::unknown(name, method, relation::names());
            mistakes.error("BD010", span, message).help_if(help);
            return Type::Any;
        };
        let (least, most) = (function.minimum, function.maximum);
        if !(least..=most).contains(&arguments.len()) {
            let wanted = match (least, most) {
                (0, 0) => "no argument".to_owned(),
                (1, 1) => "one argument".to_owned(),
                _ if least == most => format!("{least} arguments"),
                _ => format!("{least} to {most} arguments"),
            };
            mistakes
                .error(
                    "BD010",
                    span,
                    format!("`{name}` takes {wanted}, not {}", arguments.len()),
                )
                .label(function.doc);
        }
        if name == "has"
            && arguments
                .iter()
                .any(|argument| !matches!(argument.node, Node::Field { .. } | Node::Index { .. }))
        {
            mistakes
                .error("BD010", span, "`has` takes a field: `has(a.b)`")
                .help("`present(x)` says whether a variable is there");
        }
        literal::check(function, arguments, mistakes);
        match receiver {
            Some(receiver) if function.is_macro() => {
                self.macro_call(function, receiver, arguments, mistakes)
            }
            receiver => {
                let mut given: Vec<_> = receiver.into_iter().collect();
                for argument in arguments {
                    let of = self.check(argument, mistakes);
                    given.push((argument, of));
                }
                self.result(function, &given, mistakes)
            }
        }
    }
}

/// The bytes of a field's name, which end those of its expression.
fn last_bytes(span: Span, name: &str) -> Span {
    Span::new(
        span.end.saturating_sub(name.len()).max(span.start),
        span.end,
    )
}

/// A record of a log matcher.
pub(super) fn record(matcher: &LogMatcher) -> Type<'_> {
    let captures = || {
        let all = matcher
            .patterns
            .iter()
            .flat_map(|pattern| pattern.value.captures());
        let names: BTreeSet<&str> = all.map(SmolStr::as_str).collect();
        names.into_iter()
    };
    let mut line = vec![
        ("time", Type::Time),
        ("line", Type::Number),
        ("file", Type::Text),
        ("text", Type::Text),
    ];
    line.extend(captures().map(|name| (name, Type::Text)));
    let line = Type::fields("a log line", line);
    let object = |kind| Type::Object(Rc::new(crate::graph::Kind::new("", kind)));
    let mut fields = vec![
        ("count", Type::Number),
        ("first", line.clone()),
        ("last", line.clone()),
        ("samples", Type::list(line)),
        ("node", object("Node")),
        ("pod", object("Pod")),
        ("namespace", Type::Text),
        ("container", Type::Text),
        ("cleared", Type::Bool),
        ("heldSince", Type::Time),
        ("heldFor", Type::Duration),
    ];
    let measured = matcher.measure.keys().map(|name| {
        let parts = ["min", "max", "sum"].map(|part| (part, Type::Number));
        (name.as_str(), Type::fields("a measure", parts.to_vec()))
    });
    let grouped = matcher.group.iter().map(|name| (name.as_str(), Type::Text));
    for (name, of) in measured.chain(grouped) {
        if !fields.iter().any(|(known, _)| *known == name) {
            fields.push((name, of));
        }
    }
    Type::fields("a log record", fields)
}

/// What a place holds, for a proposal.
fn describe(schema: &Schema, shape: &Shape<'_>) -> String {
    match shape {
        Shape::Any => "anything".to_owned(),
        Shape::Word(word) => (*word).to_owned(),
        Shape::Choice(values) => (*values).to_owned(),
        Shape::Map(value) => format!("map of name to {}", describe(schema, value)),
        Shape::List(element) => format!("list of {}", describe(schema, element)),
        Shape::Record(record) => {
            let names = schema.names(record);
            let more = if names.len() > MOST_LISTED {
                ", …"
            } else {
                ""
            };
            let names: Vec<&str> = names.into_iter().take(MOST_LISTED).collect();
            format!("{{{}{more}}}", names.join(", "))
        }
    }
}

fn listed(names: &[&str]) -> String {
    let more = if names.len() > MOST_LISTED {
        ", …"
    } else {
        ""
    };
    let shown: Vec<&str> = names.iter().copied().take(MOST_LISTED).collect();
    format!("its fields are: {}{more}", shown.join(", "))
}
