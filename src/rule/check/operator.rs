//! Checks of operators: that what they compare or calculate can be compared or calculated.

use smol_str::SmolStr;

use super::Scope;
use super::types::{Sort, Type};
use crate::rule::expression::{BinaryOperator, Expression, Literal, Node};
use crate::rule::mistake::Mistakes;
use crate::rule::nearest::proposal;
use crate::rule::schema;
use crate::rule::source::Span;

/// An operand, and what it gives.
type Operand<'e, 'a> = (&'e Expression, &'e Type<'a>);

impl<'a> Scope<'a> {
    /// What an operation gives, its operands being checked already.
    pub(super) fn operation(
        &mut self,
        operator: BinaryOperator,
        span: Span,
        left: Operand<'_, 'a>,
        right: Operand<'_, 'a>,
        mistakes: &mut Mistakes,
    ) -> Type<'a> {
        use BinaryOperator as Is;
        match operator {
            Is::And | Is::Or => {
                for (expression, given) in [left, right] {
                    truth(expression.span, given, mistakes);
                }
                Type::Bool
            }
            Is::Equal | Is::NotEqual => {
                equality(operator, span, left, right, mistakes);
                Type::Bool
            }
            Is::Less | Is::LessEqual | Is::Greater | Is::GreaterEqual => {
                order(operator, span, left.1, right.1, mistakes);
                Type::Bool
            }
            Is::In => {
                membership(left, right, mistakes);
                Type::Bool
            }
            Is::Add | Is::Subtract | Is::Multiply | Is::Divide | Is::Remainder => {
                calculation(operator, left.1, right.1).unwrap_or_else(|| {
                    let (a, b) = (left.1.describe(), right.1.describe());
                    let help = match operator {
                        Is::Add if left.1.is_text() || right.1.is_text() => {
                            Some("text is joined with text: `string(x)` makes text of a value")
                        }
                        _ => quantity_help(left.1, right.1),
                    };
                    mistakes
                        .error(
                            "BD012",
                            span,
                            format!("`{}` of {a} and {b} gives nothing", operator.sign()),
                        )
                        .help_if(help);
                    Type::Any
                })
            }
        }
    }
}

/// Says so if a value is no truth value where one is asked for.
pub(crate) fn truth(span: Span, given: &Type<'_>, mistakes: &mut Mistakes) {
    if matches!(given, Type::Bool | Type::Any | Type::Null) {
        return;
    }
    let help = match given {
        Type::List(_) | Type::Map(_) => "`!empty(x)` says whether there are any",
        Type::Number => "compare it: `x > 0`",
        _ => "`present(x)` says whether it is there",
    };
    mistakes
        .error(
            "BD012",
            span,
            format!(
                "a condition must be true or false, and this is {}",
                given.describe()
            ),
        )
        .help(help);
}

fn equality(
    operator: BinaryOperator,
    span: Span,
    left: Operand<'_, '_>,
    right: Operand<'_, '_>,
    mistakes: &mut Mistakes,
) {
    if let Some(proposal) = compared_with_nothing(operator, left.0, right.0) {
        let (proposal, what) = proposal;
        mistakes
            .warning(
                "BD080",
                span,
                format!(
                    "`{}` with {what} does not see all that is missing",
                    operator.sign()
                ),
            )
            .help(proposal);
        return;
    }
    for ((of, given), (_, other)) in [(left, right), (right, left)] {
        if let (Node::Literal(Literal::Bool(value)), true) = (&of.node, other.is_text()) {
            let word = if *value { "True" } else { "False" };
            mistakes
                .error("BD080", span, format!("text is never `{value}`"))
                .help(format!("states of conditions are text: '{word}'"));
            return;
        }
        if let Type::Choice(values, place) = other {
            one_of(of, values, place, mistakes);
        }
        let _ = given;
    }
    let (Some(a), Some(b)) = (left.1.sort(), right.1.sort()) else {
        return;
    };
    if let (Type::Object(a), Type::Object(b)) = (left.1, right.1)
        && a != b
    {
        mistakes.error(
            "BD012",
            span,
            format!("a {} is never a {}", a.display(), b.display()),
        );
    } else if !comparable(a, b) {
        let help = match (a, b) {
            (Sort::Object, Sort::Text) | (Sort::Text, Sort::Object) => {
                Some("an object's name is `x.metadata.name`")
            }
            (Sort::List, _) | (_, Sort::List) => Some("`x in list` looks for an element"),
            _ => quantity_help(left.1, right.1),
        };
        mistakes
            .error(
                "BD012",
                span,
                format!("{} never equals {}", left.1.describe(), right.1.describe()),
            )
            .help_if(help);
    }
}

/// `x == ''` is false for what is absent or null, `x == null` for what is empty: seldom meant.
fn compared_with_nothing(
    operator: BinaryOperator,
    left: &Expression,
    right: &Expression,
) -> Option<(String, &'static str)> {
    let not = match operator {
        BinaryOperator::NotEqual => "!",
        _ => "",
    };
    let is = |literal: &Literal| {
        [left, right]
            .iter()
            .any(|side| matches!(&side.node, Node::Literal(found) if found == literal))
    };
    if is(&Literal::Text(SmolStr::default())) {
        return Some((
            format!("write `{not}empty(x)`: it holds for absent, null, '', [] and {{}} alike"),
            "''",
        ));
    }
    is(&Literal::Null).then(|| {
        (
            format!("write `{not}absent(x)`: it holds for ghosts, too, or `{not}empty(x)`"),
            "null",
        )
    })
}

/// Says so if a literal is none of the values that a field can have.
fn one_of(literal: &Expression, choice: &str, place: &str, mistakes: &mut Mistakes) {
    let Node::Literal(Literal::Text(text)) = &literal.node else {
        return;
    };
    // What no field has, every field may lack: '' asks for that.
    if text.is_empty() || schema::values(choice).any(|value| value == text) {
        return;
    }
    let near = proposal(text, schema::values(choice));
    let values: Vec<String> = schema::values(choice)
        .map(|value| format!("'{value}'"))
        .collect();
    let all = format!("its values are {}", values.join(", "));
    mistakes
        .error(
            "BD015",
            literal.span,
            format!("`{place}` is never '{text}'"),
        )
        .help(match near {
            Some(near) => format!("{near} ({all})"),
            None => all,
        });
}

fn order(
    operator: BinaryOperator,
    span: Span,
    left: &Type<'_>,
    right: &Type<'_>,
    mistakes: &mut Mistakes,
) {
    let (Some(a), Some(b)) = (left.sort(), right.sort()) else {
        return;
    };
    let ordered = |sort| {
        matches!(
            sort,
            Sort::Bool | Sort::Number | Sort::Text | Sort::Time | Sort::Duration | Sort::Version
        )
    };
    if comparable(a, b) && ordered(a) && ordered(b) {
        return;
    }
    let (a, b) = (left.describe(), right.describe());
    mistakes
        .error(
            "BD012",
            span,
            format!("`{}` has no meaning between {a} and {b}", operator.sign()),
        )
        .help_if(quantity_help(left, right).or(match (left, right) {
            (Type::List(_), _) | (_, Type::List(_)) => Some("`list.size()` counts its elements"),
            _ => None,
        }));
}

/// What makes two values comparable that are not as they are.
fn quantity_help(left: &Type<'_>, right: &Type<'_>) -> Option<&'static str> {
    let sorts = [left.sort(), right.sort()];
    let has = |sort| sorts.contains(&Some(sort));
    if has(Sort::Quantity) {
        Some("`quantity(x)` reads a text such as '1536Mi' as a number")
    } else if has(Sort::Duration) && has(Sort::Number) {
        Some("a duration is written `duration('10m')`, or comes from `params`")
    } else if has(Sort::Duration) && has(Sort::Text) {
        Some("`duration(x)` reads a text such as '10m' as a duration")
    } else if has(Sort::Time) && has(Sort::Duration) {
        Some("`age(t)` is how long ago a time was")
    } else if has(Sort::Number) && has(Sort::Text) {
        Some("`int(x)` or `quantity(x)` reads a text as a number")
    } else {
        None
    }
}

/// Whether values of two sorts can be equal: a time or a version is also found as text.
fn comparable(a: Sort, b: Sort) -> bool {
    let either = |x, y| (a, b) == (x, y) || (a, b) == (y, x);
    a == b
        || either(Sort::Time, Sort::Text)
        || either(Sort::Version, Sort::Text)
        || either(Sort::Quantity, Sort::Text)
}

fn membership(left: Operand<'_, '_>, right: Operand<'_, '_>, mistakes: &mut Mistakes) {
    let literals = |list: &Expression| match &list.node {
        Node::List(elements) => elements.clone(),
        _ => Vec::new(),
    };
    if let Type::Choice(values, place) = left.1 {
        literals(right.0)
            .iter()
            .for_each(|literal| one_of(literal, values, place, mistakes));
    }
    match right.1 {
        Type::Any | Type::Null => {}
        Type::List(element) => {
            if let Type::Choice(values, place) = &**element {
                one_of(left.0, values, place, mistakes);
            }
            let (Some(a), Some(b)) = (left.1.sort(), element.sort()) else {
                return;
            };
            let other_kind = matches!((left.1, &**element),
                (Type::Object(a), Type::Object(b)) if a != b);
            if !comparable(a, b) || other_kind {
                mistakes
                    .error(
                        "BD012",
                        left.0.span,
                        format!("{} is never in {}", left.1.describe(), right.1.describe()),
                    )
                    .label(format!("the list has {}", element.describe()));
            }
        }
        Type::Map(_) | Type::Record(..) | Type::Fields(_) => {
            if left.1.sort().is_some() && !left.1.is_text() {
                mistakes.error(
                    "BD012",
                    left.0.span,
                    format!(
                        "the keys of a map are text, and this is {}",
                        left.1.describe()
                    ),
                );
            }
        }
        other => {
            let help = other
                .is_text()
                .then_some("`text.contains(part)` looks for a text in another");
            mistakes
                .error(
                    "BD012",
                    right.0.span,
                    format!(
                        "`in` looks into a list or map, and this is {}",
                        other.describe()
                    ),
                )
                .help_if(help);
        }
    }
}

/// What a calculation gives; `None` if nothing.
fn calculation<'a>(
    operator: BinaryOperator,
    left: &Type<'a>,
    right: &Type<'a>,
) -> Option<Type<'a>> {
    use BinaryOperator as Is;
    let (Some(a), Some(b)) = (left.sort(), right.sort()) else {
        return Some(Type::Any);
    };
    Some(match (operator, a, b) {
        (_, Sort::Number, Sort::Number) => Type::Number,
        (Is::Add, Sort::List, Sort::List) => left.clone().or(right.clone()),
        (Is::Add | Is::Subtract, Sort::Duration, Sort::Duration) => Type::Duration,
        (Is::Add | Is::Subtract, Sort::Time | Sort::Text, Sort::Duration)
        | (Is::Add, Sort::Duration, Sort::Time | Sort::Text) => Type::Time,
        (Is::Subtract, Sort::Time, Sort::Time | Sort::Text)
        | (Is::Subtract, Sort::Text, Sort::Time) => Type::Duration,
        (Is::Multiply | Is::Divide, Sort::Duration, Sort::Number)
        | (Is::Multiply, Sort::Number, Sort::Duration) => Type::Duration,
        (Is::Divide, Sort::Duration, Sort::Duration) => Type::Number,
        (Is::Add, ..) if left.is_text() && right.is_text() => Type::Text,
        _ => return None,
    })
}
