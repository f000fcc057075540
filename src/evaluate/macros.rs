//! Macros: expressions evaluated once for each element of a list or entry of a map.

use std::cmp::Ordering;
use std::rc::Rc;

use crate::rule::expression::{Expression, Node};

use super::compiler::Compiler;
use super::doubt::Doubt;
use super::operator;
use super::program::{Context, Frame, Program};
use super::value::Value;
use crate::rule::expression::BinaryOperator;

/// A macro with the slots of its variables.
#[derive(Debug)]
pub(crate) struct Macro {
    form: Form,
    list: Program,
    /// Slot of the element, or of the key where there are two variables.
    first: usize,
    /// Slot of the value where there are two variables.
    second: Option<usize>,
    /// Which elements count, in the forms that map.
    condition: Option<Program>,
    body: Program,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Exists,
    ExistsOne,
    All,
    Filter,
    Map,
    FlatMap,
    MinBy,
    MaxBy,
    GroupBy,
    TransformMap,
}

/// Names and numbers of arguments of all macros, what they do, how many leading arguments name
/// variables, and whether the argument after these is a condition.
pub(super) const FORMS: [(&str, usize, Form, usize, bool); 17] = [
    ("exists", 2, Form::Exists, 1, false),
    ("exists", 3, Form::Exists, 2, false),
    ("exists_one", 2, Form::ExistsOne, 1, false),
    ("exists_one", 3, Form::ExistsOne, 2, false),
    ("all", 2, Form::All, 1, false),
    ("all", 3, Form::All, 2, false),
    ("filter", 2, Form::Filter, 1, false),
    ("map", 2, Form::Map, 1, false),
    ("map", 3, Form::Map, 1, true),
    ("flatMap", 2, Form::FlatMap, 1, false),
    ("transformList", 3, Form::Map, 2, false),
    ("transformList", 4, Form::Map, 2, true),
    ("transformMap", 3, Form::TransformMap, 2, false),
    ("transformMap", 4, Form::TransformMap, 2, true),
    ("minBy", 2, Form::MinBy, 1, false),
    ("maxBy", 2, Form::MaxBy, 1, false),
    ("groupBy", 2, Form::GroupBy, 1, false),
];

/// The macro that a call is, if it is one: the leading arguments are names.
pub(super) fn compile(
    compiler: &mut Compiler<'_>,
    receiver: &Expression,
    function: &str,
    arguments: &[Expression],
) -> Option<Macro> {
    let (_, _, form, variables, conditional) = FORMS
        .into_iter()
        .find(|(name, count, ..)| *name == function && *count == arguments.len())?;
    let names: Vec<&str> = arguments
        .iter()
        .take(variables)
        .filter_map(|argument| match &argument.node {
            Node::Name(name) => Some(name.as_str()),
            _ => None,
        })
        .collect();
    if names.len() != variables {
        return None;
    }
    let list = compiler.compile(receiver);
    let outer = compiler.scope.count();
    let first = compiler.scope.declare(names.first()?);
    let second = names.get(1).map(|name| compiler.scope.declare(name));
    let condition = conditional.then(|| compiler.compile(&arguments[variables]));
    let body = compiler.compile(arguments.last()?);
    compiler.scope.forget_after(outer);
    Some(Macro {
        form,
        list,
        first,
        second,
        condition,
        body,
    })
}

impl Macro {
    /// What it goes over.
    pub(super) fn list(&self) -> &Program {
        &self.list
    }

    pub(super) fn run<'g>(&'g self, context: &Context<'g>, frame: &mut Frame<'g>) -> Value<'g> {
        let doubts = &context.doubts;
        let before = doubts.raised();
        doubts.restore(None);
        let list = self.list.run(context, frame);
        let of_list = doubts.raised();
        doubts.restore(None);
        let value = self.over(list, of_list, context, frame);
        // A doubt on the body is one on what comes out of the list, not on its length alone.
        if !matches!(self.form, Form::Exists | Form::All) {
            doubts.worsen();
            if let Some(doubt) = of_list {
                doubts.raise(doubt);
            }
        }
        if let Some(doubt) = before {
            doubts.raise(doubt);
        }
        value
    }

    fn over<'g>(
        &'g self,
        list: Value<'g>,
        of_list: Option<Doubt>,
        context: &Context<'g>,
        frame: &mut Frame<'g>,
    ) -> Value<'g> {
        if matches!(self.form, Form::Exists | Form::All) {
            return self.decide(&list, of_list, context, frame);
        }
        let elements = self.elements(&list);
        match self.form {
            Form::ExistsOne => Value::Bool(
                elements
                    .iter()
                    .filter(|it| self.on(it, context, frame).is_true())
                    .count()
                    == 1,
            ),
            // Decided above, without a list of the elements.
            Form::Exists | Form::All => Value::Absent,
            Form::Filter => {
                let kept = elements
                    .into_iter()
                    .filter(|it| self.on(it, context, frame).is_true());
                Value::list(kept.map(|(element, _)| element).collect())
            }
            Form::Map => Value::list(self.mapped(elements, context, frame)),
            Form::FlatMap => {
                let mapped = self.mapped(elements, context, frame);
                Value::list(mapped.iter().flat_map(Value::elements).collect())
            }
            Form::MinBy => self.extreme_by(elements, Ordering::Less, context, frame),
            Form::MaxBy => self.extreme_by(elements, Ordering::Greater, context, frame),
            Form::GroupBy => {
                let keys = self.mapped(elements.clone(), context, frame);
                group(
                    keys.into_iter()
                        .zip(elements.into_iter().map(|(element, _)| element)),
                )
            }
            Form::TransformMap => {
                let mut entries = Vec::new();
                for element in elements {
                    if self.passes(&element, context, frame) {
                        let value = self.on(&element, context, frame);
                        entries.push((element.0, value));
                    }
                }
                Value::Map(Rc::new(entries))
            }
        }
    }

    /// What the variables stand for, one pair after the other. With one variable a map gives its keys.
    fn elements<'g>(&'g self, list: &Value<'g>) -> Vec<(Value<'g>, Value<'g>)> {
        if self.second.is_some() {
            return list.entries();
        }
        let alone = |element| (element, Value::Absent);
        match list {
            Value::List(items) => items.iter().cloned().map(alone).collect(),
            Value::Part(view, owner) if !list.is_map() => {
                let items = view.items().map(|item| Value::part(item, *owner));
                items.map(alone).collect()
            }
            _ if list.is_map() => {
                let entries = list.entries().into_iter();
                entries.map(|(key, _)| alone(key)).collect()
            }
            _ => list.elements().into_iter().map(alone).collect(),
        }
    }

    fn bind<'g>(&'g self, element: &(Value<'g>, Value<'g>), frame: &mut Frame<'g>) {
        if let Some(slot) = frame.get_mut(self.first) {
            *slot = element.0.clone();
        }
        if let Some(slot) = self.second.and_then(|second| frame.get_mut(second)) {
            *slot = element.1.clone();
        }
    }

    fn on<'g>(
        &'g self,
        element: &(Value<'g>, Value<'g>),
        context: &Context<'g>,
        frame: &mut Frame<'g>,
    ) -> Value<'g> {
        self.bind(element, frame);
        self.body.run(context, frame)
    }

    /// `exists` and `all`.
    fn decide<'g>(
        &'g self,
        list: &Value<'g>,
        of_list: Option<Doubt>,
        context: &Context<'g>,
        frame: &mut Frame<'g>,
    ) -> Value<'g> {
        // Nothing is known of a list that is not there, so nothing holds for all of it.
        if self.form == Form::All && list.is_missing() {
            context.doubts.restore(of_list);
            return Value::Absent;
        }
        let wanted = self.form == Form::Exists;
        let some = match list {
            Value::Part(view, owner) if self.second.is_none() && !list.is_map() => {
                let items = view.items();
                let elements = items.map(|item| (Value::part(item, *owner), Value::Absent));
                self.some(wanted, elements, of_list, context, frame)
            }
            _ => {
                let elements = self.elements(list).into_iter();
                self.some(wanted, elements, of_list, context, frame)
            }
        };
        Value::Bool(some == wanted)
    }

    /// Whether the body comes out as `wanted` for some element. If it does for certain, neither the
    /// other elements nor those that were not collected matter.
    fn some<'g>(
        &'g self,
        wanted: bool,
        elements: impl Iterator<Item = (Value<'g>, Value<'g>)>,
        of_list: Option<Doubt>,
        context: &Context<'g>,
        frame: &mut Frame<'g>,
    ) -> bool {
        let doubts = &context.doubts;
        // Where the elements themselves are in doubt, none of them shows anything.
        let shaky = of_list.filter(|doubt| doubt.wrong);
        let (mut some, mut doubt) = (false, None);
        for element in elements {
            doubts.restore(None);
            if self.on(&element, context, frame).is_true() == wanted {
                some = true;
                if doubts.raised().is_none() {
                    doubts.restore(shaky);
                    return true;
                }
            }
            doubt = doubts.raised().or(doubt);
        }
        doubts.restore(of_list.or(doubt));
        some
    }

    fn passes<'g>(
        &'g self,
        element: &(Value<'g>, Value<'g>),
        context: &Context<'g>,
        frame: &mut Frame<'g>,
    ) -> bool {
        match &self.condition {
            None => true,
            Some(condition) => {
                self.bind(element, frame);
                condition.run(context, frame).is_true()
            }
        }
    }

    fn mapped<'g>(
        &'g self,
        elements: Vec<(Value<'g>, Value<'g>)>,
        context: &Context<'g>,
        frame: &mut Frame<'g>,
    ) -> Vec<Value<'g>> {
        let mut mapped = Vec::with_capacity(elements.len());
        for element in elements {
            if self.passes(&element, context, frame) {
                mapped.push(self.on(&element, context, frame));
            }
        }
        mapped
    }

    fn extreme_by<'g>(
        &'g self,
        elements: Vec<(Value<'g>, Value<'g>)>,
        wanted: Ordering,
        context: &Context<'g>,
        frame: &mut Frame<'g>,
    ) -> Value<'g> {
        let mut best: Option<(Value<'g>, Value<'g>)> = None;
        for element in elements {
            let key = self.on(&element, context, frame);
            let better = !key.is_missing()
                && best
                    .as_ref()
                    .is_none_or(|(held, _)| key.compare(held) == Some(wanted));
            if better {
                best = Some((key, element.0));
            }
        }
        best.map_or(Value::Absent, |(_, element)| element)
    }
}

/// The sum of what is there; of nothing it is 0.
pub(super) fn sum<'g>(values: &[Value<'g>]) -> Value<'g> {
    values
        .iter()
        .filter(|value| !value.is_missing())
        .fold(None, |total: Option<Value<'g>>, value| {
            Some(match total {
                None => value.clone(),
                Some(total) => operator::apply(BinaryOperator::Add, &total, value),
            })
        })
        .unwrap_or(Value::Integer(0))
}

/// The least or greatest of what is there.
pub(super) fn extreme<'g>(values: &[Value<'g>], wanted: Ordering) -> Value<'g> {
    let mut best: Option<&Value<'g>> = None;
    for value in values.iter().filter(|value| !value.is_missing()) {
        if best.is_none_or(|held| value.compare(held) == Some(wanted)) {
            best = Some(value);
        }
    }
    best.cloned().unwrap_or(Value::Absent)
}

/// Elements by their key, keys in the order in which they first come.
fn group<'g>(pairs: impl Iterator<Item = (Value<'g>, Value<'g>)>) -> Value<'g> {
    let mut groups: Vec<(Value<'g>, Vec<Value<'g>>)> = Vec::new();
    for (key, element) in pairs {
        match groups.iter_mut().find(|(known, _)| known.equals(&key)) {
            Some((_, members)) => members.push(element),
            None => groups.push((key, vec![element])),
        }
    }
    Value::Map(Rc::new(
        groups
            .into_iter()
            .map(|(key, members)| (key, Value::list(members)))
            .collect(),
    ))
}
