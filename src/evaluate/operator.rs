//! What operators do. Missing data gives missing data, or false where a truth value is asked for.

use std::cmp::Ordering;

use jiff::SignedDuration;

use crate::graph::Graph;
use crate::rule::expression::BinaryOperator;

use super::value::Value;

/// An operator with two operands other than `&&` and `||`, which decide what is evaluated at all.
pub(super) fn apply<'g>(
    operator: BinaryOperator,
    left: &Value<'g>,
    right: &Value<'g>,
) -> Value<'g> {
    use BinaryOperator as Is;
    let ordered = |wanted: &[Ordering]| {
        Value::Bool(
            left.compare(right)
                .is_some_and(|order| wanted.contains(&order)),
        )
    };
    match operator {
        Is::Equal => Value::Bool(left.equals(right)),
        Is::NotEqual => Value::Bool(!left.equals(right)),
        Is::Less => ordered(&[Ordering::Less]),
        Is::LessEqual => ordered(&[Ordering::Less, Ordering::Equal]),
        Is::Greater => ordered(&[Ordering::Greater]),
        Is::GreaterEqual => ordered(&[Ordering::Greater, Ordering::Equal]),
        Is::In => Value::Bool(contains(right, left)),
        Is::And => Value::Bool(left.is_true() && right.is_true()),
        Is::Or => Value::Bool(left.is_true() || right.is_true()),
        Is::Add | Is::Subtract | Is::Multiply | Is::Divide | Is::Remainder => {
            calculate(operator, left, right)
        }
    }
}

/// Whether a list holds a value, or a map a key.
fn contains<'g>(container: &Value<'g>, value: &Value<'g>) -> bool {
    if value.is_missing() {
        return false;
    }
    match container {
        Value::Absent | Value::Null => false,
        _ if container.is_map() => container.entries().iter().any(|(key, _)| key.equals(value)),
        Value::List(items) => items.iter().any(|item| item.equals(value)),
        Value::Part(..) => container.elements().iter().any(|item| item.equals(value)),
        _ => false,
    }
}

/// `of[index]`: by key, or by position.
pub(super) fn index<'g>(graph: &'g Graph, of: &Value<'g>, index: &Value<'g>) -> Value<'g> {
    match index {
        Value::Text(key) => of.field(graph, key.as_str()),
        _ if matches!(of, Value::Map(_)) => {
            let mut entries = of.entries().into_iter();
            entries
                .find(|(key, _)| key.equals(index))
                .map_or(Value::Absent, |(_, value)| value)
        }
        Value::Integer(position) => usize::try_from(*position)
            .ok()
            .filter(|_| matches!(of, Value::List(_) | Value::Part(..)))
            .and_then(|position| of.elements().into_iter().nth(position))
            .unwrap_or(Value::Absent),
        _ => Value::Absent,
    }
}

pub(super) fn negate<'g>(of: &Value<'g>) -> Value<'g> {
    match of {
        Value::Integer(it) => it
            .checked_neg()
            .map_or(Value::Float(-(i64::MIN as f64)), Value::Integer),
        Value::Float(it) => Value::Float(-it),
        Value::Duration(it) => it.checked_neg().map_or(Value::Absent, Value::Duration),
        _ => Value::Absent,
    }
}

fn calculate<'g>(operator: BinaryOperator, left: &Value<'g>, right: &Value<'g>) -> Value<'g> {
    use BinaryOperator as Is;
    match (operator, left, right) {
        (Is::Add, Value::Text(a), Value::Text(b)) => {
            Value::text(format!("{}{}", a.as_str(), b.as_str()))
        }
        (Is::Add, Value::List(_) | Value::Part(..), Value::List(_) | Value::Part(..)) => {
            Value::list(
                left.elements()
                    .into_iter()
                    .chain(right.elements())
                    .collect(),
            )
        }
        (Is::Add, Value::Duration(a), Value::Duration(b)) => {
            a.checked_add(*b).map_or(Value::Absent, Value::Duration)
        }
        (Is::Subtract, Value::Duration(a), Value::Duration(b)) => {
            a.checked_sub(*b).map_or(Value::Absent, Value::Duration)
        }
        (Is::Multiply, Value::Duration(a), Value::Integer(b))
        | (Is::Multiply, Value::Integer(b), Value::Duration(a)) => scale(*a, *b),
        (Is::Divide, Value::Duration(a), Value::Integer(b)) => i32::try_from(*b)
            .ok()
            .and_then(|by| a.checked_div(by))
            .map_or(Value::Absent, Value::Duration),
        (Is::Divide, Value::Duration(a), Value::Duration(b)) if !b.is_zero() => {
            Value::Float(a.as_secs_f64() / b.as_secs_f64())
        }
        (Is::Add, time, Value::Duration(by)) | (Is::Add, Value::Duration(by), time) => time
            .as_time()
            .and_then(|time| time.checked_add(*by).ok())
            .map_or(Value::Absent, Value::Time),
        (Is::Subtract, time, Value::Duration(by)) => time
            .as_time()
            .and_then(|time| time.checked_sub(*by).ok())
            .map_or(Value::Absent, Value::Time),
        (Is::Subtract, Value::Time(_) | Value::Text(_), Value::Time(_) | Value::Text(_)) => {
            match (left.as_time(), right.as_time()) {
                (Some(a), Some(b)) => Value::Duration(a.duration_since(b)),
                _ => Value::Absent,
            }
        }
        (_, Value::Integer(a), Value::Integer(b)) => integers(operator, *a, *b),
        _ => match (left.as_number(), right.as_number()) {
            (Some(a), Some(b)) => floats(operator, a, b),
            _ => Value::Absent,
        },
    }
}

fn scale<'g>(duration: SignedDuration, by: i64) -> Value<'g> {
    i32::try_from(by)
        .ok()
        .and_then(|by| duration.checked_mul(by))
        .map_or(Value::Absent, Value::Duration)
}

/// Whole numbers stay whole; where the result does not fit, it is a double.
fn integers<'g>(operator: BinaryOperator, a: i64, b: i64) -> Value<'g> {
    use BinaryOperator as Is;
    let exact = match operator {
        Is::Add => a.checked_add(b),
        Is::Subtract => a.checked_sub(b),
        Is::Multiply => a.checked_mul(b),
        Is::Divide => a.checked_div(b),
        _ => a.checked_rem(b),
    };
    match exact {
        Some(exact) => Value::Integer(exact),
        None if matches!(operator, Is::Divide | Is::Remainder) => Value::Absent,
        None => floats(operator, a as f64, b as f64),
    }
}

fn floats<'g>(operator: BinaryOperator, a: f64, b: f64) -> Value<'g> {
    use BinaryOperator as Is;
    let result = match operator {
        Is::Add => a + b,
        Is::Subtract => a - b,
        Is::Multiply => a * b,
        Is::Divide => a / b,
        _ => a % b,
    };
    if result.is_finite() {
        Value::Float(result)
    } else {
        Value::Absent
    }
}
