//! Checks of cost: bindings that multiply rows without choosing.

use crate::rule::expression::{BinaryOperator, Expression, Node};
use crate::rule::mistake::Mistakes;
use crate::rule::source::Span;
use crate::rule::{Binding, BindingForm, BindingSource, KindName, Names};

/// Kinds of which a bundle has at most one object: they multiply nothing.
const SINGLE: [(&str, &str); 2] = [("doctor", "UpgradeStatus"), ("doctor", "Etcd")];

/// Warns of an `each` over all objects of a kind below another `each`, unless its `where` compares
/// the element with something for equality, or with a name bound above.
pub(in crate::rule) fn check(bindings: &[Binding], mistakes: &mut Mistakes) {
    let mut rows: Option<Span> = None;
    let mut above: Vec<&str> = Vec::new();
    for binding in bindings {
        match &binding.form {
            BindingForm::Each {
                names,
                source,
                condition,
            } => {
                let (own, span): (Vec<&str>, Span) = match names {
                    Names::Element(name) => (vec!["it", &name.value], name.span),
                    Names::Entry { key, value } => (vec!["it", &key.value, &value.value], key.span),
                };
                if let (BindingSource::Kind(kind), Some(first)) = (source, rows)
                    && !is_single(&kind.value)
                    && !condition
                        .as_ref()
                        .is_some_and(|it| selects(it, &own, &above))
                {
                    mistakes
                        .warning(
                            "BD050",
                            span,
                            format!("every {} is looked at for every row above", kind.value.kind),
                        )
                        .label("this multiplies")
                        .also(first, "these rows")
                        .help("start from a relation, or compare the element with a name above in `where`");
                }
                if !matches!(source, BindingSource::Kind(kind) if is_single(&kind.value)) {
                    rows.get_or_insert(span);
                }
                above.extend(own.into_iter().skip(1));
            }
            BindingForm::Optional { name, .. }
            | BindingForm::Collect { name, .. }
            | BindingForm::Let { name, .. } => above.push(&name.value),
            BindingForm::None { .. } | BindingForm::When(_) => {}
        }
    }
}

fn is_single(kind: &KindName) -> bool {
    let name = (
        kind.group.as_deref().unwrap_or_default(),
        kind.kind.as_str(),
    );
    SINGLE.contains(&name)
}

/// Whether one of the parts that must all be true chooses among the elements.
fn selects(condition: &Expression, own: &[&str], above: &[&str]) -> bool {
    match &condition.node {
        Node::Binary {
            operator: BinaryOperator::And,
            left,
            right,
        } => selects(left, own, above) || selects(right, own, above),
        Node::Binary {
            operator: BinaryOperator::Equal,
            left,
            right,
        } => mentions(left, own) || mentions(right, own),
        _ => mentions(condition, own) && mentions(condition, above),
    }
}

/// Whether an expression uses one of some names.
fn mentions(expression: &Expression, names: &[&str]) -> bool {
    let any = |list: &[Expression]| list.iter().any(|one| mentions(one, names));
    match &expression.node {
        Node::Literal(_) => false,
        Node::Name(name) => names.contains(&name.as_str()),
        Node::Field { of, .. } | Node::Unary { of, .. } => mentions(of, names),
        Node::Index { of, index, .. } => mentions(of, names) || mentions(index, names),
        Node::Call {
            receiver,
            arguments,
            ..
        } => receiver.as_deref().is_some_and(|it| mentions(it, names)) || any(arguments),
        Node::List(elements) => any(elements),
        Node::Map(entries) => entries
            .iter()
            .any(|(key, value)| mentions(key, names) || mentions(value, names)),
        Node::Binary { left, right, .. } => mentions(left, names) || mentions(right, names),
        Node::Conditional {
            condition,
            then,
            otherwise,
        } => [condition, then, otherwise]
            .iter()
            .any(|it| mentions(it, names)),
    }
}
