//! Turns expressions into programs: names become slots, literals constants.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use crate::graph::relation;
use crate::rule::Param;
use crate::rule::expression::{Expression, Literal, Node, UnaryOperator};
use crate::rule::quantity::Number;
use crate::rule::source::Span;

use super::function;
use super::macros;
use super::program::{KindRef, LazyRegex, Program, RegexUse};

/// A mistake that shows only where names meet slots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CompileError {
    /// What is wrong.
    pub message: String,
    /// Where.
    pub span: Span,
}

/// Names and the slots they stand for.
#[derive(Debug, Default, Clone)]
pub(crate) struct Scope {
    names: Vec<(String, usize)>,
    slots: usize,
}

impl Scope {
    /// Gives a name a slot of its own.
    pub(crate) fn declare(&mut self, name: &str) -> usize {
        let slot = self.slots;
        self.slots += 1;
        self.names.push((name.to_owned(), slot));
        slot
    }

    /// Another name of a slot: `it` for the element of a binding.
    pub(crate) fn alias(&mut self, name: &str, slot: usize) {
        self.names.push((name.to_owned(), slot));
    }

    /// Forgets names that were declared after there were `count`; their slots stay taken.
    pub(crate) fn forget_after(&mut self, count: usize) {
        self.names.truncate(count);
    }

    pub(crate) fn count(&self) -> usize {
        self.names.len()
    }

    pub(crate) fn slots(&self) -> usize {
        self.slots
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.names
            .iter()
            .rev()
            .find(|(known, _)| known == name)
            .map(|(_, slot)| *slot)
    }
}

/// Turns expressions of one rule into programs.
pub(crate) struct Compiler<'r> {
    pub(crate) scope: Scope,
    pub(crate) params: &'r BTreeMap<SmolStr, Param>,
    /// Log matchers of the rule by name, with their place among all matchers.
    pub(crate) logs: Vec<(&'r str, usize)>,
    pub(crate) errors: Vec<CompileError>,
}

impl Compiler<'_> {
    /// The program of an expression. A mistake is noted, and null stands in for what is wrong.
    pub(crate) fn compile(&mut self, expression: &Expression) -> Program {
        match &expression.node {
            Node::Literal(literal) => match literal {
                Literal::Null => Program::Null,
                Literal::Bool(it) => Program::Bool(*it),
                Literal::Integer(it) => Program::Integer(*it),
                Literal::Float(it) => Program::Float(*it),
                Literal::Text(it) => Program::Text(Box::from(it.as_str())),
            },
            Node::Name(name) => self.name(name, expression.span),
            Node::Field { of, name, .. } => self.field(of, name, expression.span),
            Node::Index { of, index, .. } => match &index.node {
                Node::Literal(Literal::Text(name)) => self.compile(of).then(name),
                _ => Program::Index(self.boxed(of), self.boxed(index)),
            },
            Node::List(items) => {
                Program::List(items.iter().map(|item| self.compile(item)).collect())
            }
            Node::Map(entries) => {
                self.check_keys(entries);
                Program::Map(
                    entries
                        .iter()
                        .map(|(key, value)| (self.compile(key), self.compile(value)))
                        .collect(),
                )
            }
            Node::Unary { operator, of } => match operator {
                UnaryOperator::Not => Program::Not(self.boxed(of)),
                UnaryOperator::Negate => Program::Negate(self.boxed(of)),
            },
            Node::Binary {
                operator,
                left,
                right,
            } => Program::Binary(*operator, self.boxed(left), self.boxed(right)),
            Node::Conditional {
                condition,
                then,
                otherwise,
            } => Program::Conditional(
                self.boxed(condition),
                self.boxed(then),
                self.boxed(otherwise),
            ),
            Node::Call {
                receiver,
                function,
                function_span,
                arguments,
            } => self.call(receiver.as_deref(), function, *function_span, arguments),
        }
    }

    /// A key that stands twice would hide one of its values.
    fn check_keys(&mut self, entries: &[(Expression, Expression)]) {
        for (index, (key, _)) in entries.iter().enumerate() {
            let earlier = entries.iter().take(index);
            if let Node::Literal(literal) = &key.node
                && earlier
                    .into_iter()
                    .any(|(key, _)| matches!(&key.node, Node::Literal(it) if it == literal))
            {
                self.refuse("this key stands here twice".to_owned(), key.span);
            }
        }
    }

    fn boxed(&mut self, expression: &Expression) -> Box<Program> {
        Box::new(self.compile(expression))
    }

    fn name(&mut self, name: &str, span: Span) -> Program {
        if let Some(slot) = self.scope.find(name) {
            return Program::Slot(slot);
        }
        match name {
            "now" => Program::Now,
            "bundle" => Program::Bundle,
            _ => self.refuse(format!("undefined variable `{name}`"), span),
        }
    }

    fn field(&mut self, of: &Expression, name: &str, span: Span) -> Program {
        if let Node::Name(root) = &of.node
            && self.scope.find(root).is_none()
        {
            match root.as_str() {
                "params" => return self.param(name, span),
                "logs" => {
                    return match self.logs.iter().find(|(known, _)| *known == name) {
                        Some((_, matcher)) => Program::Records(*matcher),
                        None => self.refuse(format!("the rule has no `logs.{name}`"), span),
                    };
                }
                _ => {}
            }
        }
        self.compile(of).then(name)
    }

    fn param(&mut self, name: &str, span: Span) -> Program {
        match self.params.get(name) {
            Some(Param::Number(Number::Integer(it)) | Param::Quantity(Number::Integer(it))) => {
                Program::Integer(*it)
            }
            Some(Param::Number(Number::Float(it)) | Param::Quantity(Number::Float(it))) => {
                Program::Float(*it)
            }
            Some(Param::Text(it)) => Program::Text(Box::from(it.as_str())),
            Some(Param::Bool(it)) => Program::Bool(*it),
            Some(Param::Duration(it)) => Program::Duration(*it),
            None => self.refuse(format!("the rule has no `params.{name}`"), span),
        }
    }

    fn call(
        &mut self,
        receiver: Option<&Expression>,
        function: &str,
        span: Span,
        arguments: &[Expression],
    ) -> Program {
        if let Some(program) = self.special(receiver, function, span, arguments) {
            return program;
        }
        if let Some(receiver) = receiver {
            if let Some(found) = macros::compile(self, receiver, function, arguments) {
                return Program::Macro(Box::new(found));
            }
            let relations = relation::named(function);
            if !relations.is_empty() {
                let kind = self.kind_argument(arguments.first());
                return Program::Relation(relations.into(), self.boxed(receiver), kind);
            }
        }
        let Some(builtin) = function::find(function, receiver.is_some()) else {
            return self.refuse(format!("unknown function `{function}`"), span);
        };
        let all = receiver.into_iter().chain(arguments);
        Program::Function(builtin, all.map(|it| self.compile(it)).collect())
    }

    /// Calls whose arguments are not plain values: field tests, kinds, regexes.
    fn special(
        &mut self,
        receiver: Option<&Expression>,
        function: &str,
        span: Span,
        arguments: &[Expression],
    ) -> Option<Program> {
        let program = match (function, receiver, arguments) {
            ("has", None, [field]) => match &field.node {
                Node::Field { .. } | Node::Index { .. } => Program::Has(self.boxed(field)),
                _ => self.refuse(
                    "`has` takes a field; for a value of its own there is `present`".to_owned(),
                    field.span,
                ),
            },
            ("raw", None, [field]) => match &field.node {
                Node::Field { of, name, .. } => {
                    Program::Raw(self.boxed(of), Box::from(name.as_str()))
                }
                _ => self.refuse("`raw` takes a field".to_owned(), span),
            },
            ("all", None, [kind]) => match self.kind_argument(Some(kind)) {
                Some(kind) => Program::All(kind),
                None => self.refuse("`all` takes the name of a kind as text".to_owned(), span),
            },
            ("object", None, [kind, names @ ..]) => match (self.kind_argument(Some(kind)), names) {
                (Some(kind), [name]) => Program::ObjectNamed(kind, None, self.boxed(name)),
                (Some(kind), [namespace, name]) => {
                    let namespace = self.boxed(namespace);
                    Program::ObjectNamed(kind, Some(namespace), self.boxed(name))
                }
                _ => self.refuse(
                    "`object` takes a kind as text, a namespace if it has one, and a name"
                        .to_owned(),
                    span,
                ),
            },
            ("collected", None, [kind, namespace @ ..]) => match self.kind_argument(Some(kind)) {
                Some(kind) => {
                    let namespace = namespace.first().map(|it| self.boxed(it));
                    Program::Collected(kind, namespace)
                }
                None => self.refuse(
                    "`collected` takes the name of a kind as text".to_owned(),
                    span,
                ),
            },
            ("matches", Some(text), [pattern]) | ("matches", None, [text, pattern]) => {
                self.regex(RegexUse::Matches, text, pattern)
            }
            ("find", Some(text), [pattern]) | ("find", None, [text, pattern]) => {
                self.regex(RegexUse::Find, text, pattern)
            }
            ("extract", Some(text), [pattern]) | ("extract", None, [text, pattern]) => {
                self.regex(RegexUse::Extract, text, pattern)
            }
            _ => return None,
        };
        Some(program)
    }

    fn kind_argument(&mut self, argument: Option<&Expression>) -> Option<KindRef> {
        match &argument?.node {
            Node::Literal(Literal::Text(text)) => Some(KindRef::parse(text)),
            _ => None,
        }
    }

    fn regex(&mut self, usage: RegexUse, text: &Expression, pattern: &Expression) -> Program {
        let Node::Literal(Literal::Text(source)) = &pattern.node else {
            return self.refuse(
                "a regex must be a literal, so that it is compiled once".to_owned(),
                pattern.span,
            );
        };
        if let Err(error) = regex_syntax::ast::parse::Parser::new().parse(source) {
            return self.refuse(error.to_string(), pattern.span);
        }
        Program::Regex(usage, self.boxed(text), LazyRegex::new(source))
    }

    fn refuse(&mut self, message: String, span: Span) -> Program {
        self.errors.push(CompileError { message, span });
        Program::Null
    }
}
