//! `match` and `unless`: where rows come from, and which are let go.

use super::keys::{self, Keys};
use super::shapes;
use crate::rule::expression::{Expression, Literal, Node};
use crate::rule::mistake::Mistakes;
use crate::rule::nearest::proposal;
use crate::rule::shape::Shape;
use crate::rule::source::{Span, Spanned};
use crate::rule::tree::{Tree, Value};
use crate::rule::{Binding, BindingForm, BindingSource, KindName, Names, Unless, UnlessTest};

/// Reads `match`.
pub(super) fn bindings(tree: &Tree, mistakes: &mut Mistakes) -> Vec<Binding> {
    let list = keys::list(Some(tree), mistakes);
    if list.is_empty() && matches!(tree.value, Value::List(_)) {
        mistakes
            .error(
                "BD001",
                tree.span,
                "`match` is empty: the rule would always fire",
            )
            .help("start with `each` over a kind or over `logs.name`");
    }
    list.iter()
        .filter_map(|entry| {
            let (form, keys) = form(entry, &shapes::BINDINGS, mistakes)?;
            Some(Binding {
                form: binding(form, &keys, mistakes)?,
                span: entry.span,
            })
        })
        .collect()
}

/// Reads `unless`.
pub(super) fn exceptions(tree: Option<&Tree>, mistakes: &mut Mistakes) -> Vec<Unless> {
    keys::list(tree, mistakes)
        .iter()
        .filter_map(|entry| {
            let (form, keys) = form(entry, &shapes::EXCEPTIONS, mistakes)?;
            let reason = keys
                .get("reason")
                .and_then(|reason| keys::template(reason, mistakes));
            let subject = keys.get(form)?;
            let test = if form == "when" {
                UnlessTest::When(keys::expression(subject, mistakes))
            } else {
                let name = keys::name(subject, mistakes);
                let (source, condition) = elements(&keys, mistakes)?;
                match form {
                    "some" => UnlessTest::Some {
                        name: name?,
                        source,
                        condition,
                    },
                    _ => UnlessTest::None {
                        name: name?,
                        source,
                        condition,
                    },
                }
            };
            Some(Unless {
                test,
                reason: reason?,
            })
        })
        .collect()
}

/// Which form an entry has, and its keys. The first key of a shape names the form.
fn form<'t>(
    entry: &'t Tree,
    shapes: &[&Shape],
    mistakes: &mut Mistakes,
) -> Option<(&'static str, Keys<'t>)> {
    let named = |shape: &&Shape| shape.names().next();
    let what = shapes.first()?.what;
    let entries = keys::entries(entry, what, mistakes)?;
    let stated: Vec<(&'static str, &Shape)> = entries
        .iter()
        .flat_map(|entry| {
            let shapes = shapes
                .iter()
                .filter_map(|shape| Some((named(shape)?, *shape)));
            shapes.filter(|(form, _)| *form == entry.key.value)
        })
        .collect();
    match stated.as_slice() {
        [(form, shape)] => Some((form, Keys::of(entry, shape, mistakes)?)),
        [] => {
            let names: Vec<&str> = shapes.iter().filter_map(named).collect();
            let near = entries
                .iter()
                .find_map(|key| proposal(&key.key.value, names.iter().copied()));
            let message = format!("{what} needs one of the keys {}", names.join(", "));
            mistakes.error("BD001", entry.head(), message).help_if(near);
            None
        }
        [(first, _), (second, _), ..] => {
            mistakes
                .error(
                    "BD001",
                    entry.head(),
                    format!("{what} is either `{first}` or `{second}`"),
                )
                .help("make two entries of it");
            None
        }
    }
}

fn binding(form: &str, keys: &Keys<'_>, mistakes: &mut Mistakes) -> Option<BindingForm> {
    let subject = keys.get(form)?;
    match form {
        "when" => return Some(BindingForm::When(keys::expression(subject, mistakes))),
        "let" => {
            let name = keys::name(subject, mistakes);
            let value = keys
                .get("value")
                .map(|value| keys::expression(value, mistakes));
            return Some(BindingForm::Let {
                name: name?,
                value: value.unwrap_or_else(|| nothing(subject.span)),
            });
        }
        "each" => {
            let names = names(subject, mistakes);
            let (source, condition) = elements(keys, mistakes)?;
            return Some(BindingForm::Each {
                names: names?,
                source,
                condition,
            });
        }
        _ => {}
    }
    let name = keys::name(subject, mistakes);
    let min = keys.get("min").and_then(|min| keys::number(min, mistakes));
    let (source, condition) = elements(keys, mistakes)?;
    let name = name?;
    Some(match form {
        "optional" => BindingForm::Optional {
            name,
            source,
            condition,
        },
        "none" => BindingForm::None {
            name,
            source,
            condition,
        },
        _ => BindingForm::Collect {
            name,
            source,
            condition,
            min: min.unwrap_or(1),
        },
    })
}

fn names(tree: &Tree, mistakes: &mut Mistakes) -> Option<Names> {
    let Value::List(list) = &tree.value else {
        return keys::name(tree, mistakes).map(Names::Element);
    };
    let [key, value] = list.as_slice() else {
        mistakes
            .error(
                "BD001",
                tree.head(),
                "`each` binds one name, or two over a map",
            )
            .help("write `each: v` or `each: [k, v]`");
        return None;
    };
    let (key, value) = (keys::name(key, mistakes), keys::name(value, mistakes));
    Some(Names::Entry {
        key: key?,
        value: value?,
    })
}

/// `in` and `where`. Without a readable `in` the names are bound nonetheless.
fn elements(
    keys: &Keys<'_>,
    mistakes: &mut Mistakes,
) -> Option<(BindingSource, Option<Expression>)> {
    let source = keys
        .get("in")
        .and_then(|source| binding_source(source, mistakes));
    let condition = keys
        .get("where")
        .map(|condition| keys::expression(condition, mistakes));
    Some((
        source.unwrap_or_else(|| BindingSource::Expression(nothing(Span::default()))),
        condition,
    ))
}

fn nothing(span: Span) -> Expression {
    Expression {
        node: Node::Literal(Literal::Null),
        span,
    }
}

/// A kind starts with a capital letter, which no binding, relation or field does.
fn binding_source(tree: &Tree, mistakes: &mut Mistakes) -> Option<BindingSource> {
    let scalar = keys::scalar(
        tree,
        "a kind, an object, a relation call, a field or `logs.name`",
        mistakes,
    )?;
    let text = scalar.text.trim();
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    if let Some(kind) = kind_name(first) {
        let start = scalar.text.len() - scalar.text.trim_start().len();
        let span = scalar.passage().span(start, start + first.len());
        let kind = Spanned::new(kind, span);
        let object = rest.trim();
        let (namespace, name) = match object.split_once('/') {
            Some((namespace, name)) => (Some(namespace), name),
            None => (None, object),
        };
        if object.is_empty() {
            return Some(BindingSource::Kind(kind));
        }
        if [Some(name), namespace]
            .into_iter()
            .flatten()
            .all(is_object_name)
        {
            return Some(BindingSource::Object {
                kind,
                namespace: namespace.map(str::to_owned),
                name: name.to_owned(),
            });
        }
        mistakes
            .error("BD014", tree.span, format!("`{object}` names no object"))
            .help("an object is written `Node name` or `Kind namespace/name`");
        return None;
    }
    let expression = keys::parse_expression(&scalar.passage(), mistakes)?;
    match &expression.node {
        Node::Field { of, name, .. } if matches!(&of.node, Node::Name(global) if global == "logs") => {
            Some(BindingSource::Logs(Spanned::new(
                name.clone(),
                expression.span,
            )))
        }
        Node::Name(_)
        | Node::Field { .. }
        | Node::Index { .. }
        | Node::Call { .. }
        | Node::Conditional { .. } => Some(BindingSource::Expression(expression)),
        _ => {
            mistakes
                .error("BD014", expression.span, "nothing to take elements from")
                .help("`in` is a kind, an object, a relation call, a list or map field, or `logs.name`");
            None
        }
    }
}

/// `Node`, `policy/PodDisruptionBudget`, `longhorn.io/Volume`.
pub(super) fn kind_name(text: &str) -> Option<KindName> {
    let (group, kind) = match text.rsplit_once('/') {
        Some((group, kind)) => (Some(group), kind),
        None => (None, text),
    };
    let capital = kind.starts_with(|first: char| first.is_ascii_uppercase());
    let valid = capital
        && kind.bytes().all(|c| c.is_ascii_alphanumeric())
        && group.is_none_or(is_object_name);
    valid.then(|| KindName {
        group: group.map(str::to_owned),
        kind: kind.to_owned(),
    })
}

/// Names of objects and groups are lower case, by Kubernetes' own rules.
fn is_object_name(text: &str) -> bool {
    let valid = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, b'-' | b'.');
    !text.is_empty() && text.bytes().all(valid)
}
