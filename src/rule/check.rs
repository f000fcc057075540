//! Checks of one expression: that its names are in scope and its calls are in the catalogue.

use std::collections::BTreeSet;

use super::expression::{BinaryOperator, Expression, Literal, Node};
use super::mistake::Mistakes;
use super::nearest::proposal;
use super::source::{Span, Spanned};
use super::{duration, function, pattern, quantity, version};

/// Names that every rule may use.
pub(super) const GLOBALS: [&str; 5] = ["now", "bundle", "cluster", "params", "logs"];

/// Names in scope at a place of a rule.
#[derive(Debug, Clone)]
pub(super) struct Scope<'a> {
    /// Relations of the graph: methods of objects.
    pub(super) relations: &'a [&'a str],
    /// Names of `params`.
    pub(super) params: BTreeSet<&'a str>,
    /// Names of `logs`.
    pub(super) logs: BTreeSet<&'a str>,
    /// Bindings above, and variables of the macros around.
    pub(super) visible: Vec<Variable<'a>>,
    /// Bindings below, which cannot be used yet.
    pub(super) below: Vec<&'a str>,
    /// Bindings that never can be used, since they stand for no element.
    pub(super) elementless: Vec<&'a str>,
    /// Whether `it` is the element of a binding here.
    pub(super) element: bool,
    /// Some binding could not be read, so a name that seems to be nothing may be its.
    pub(super) incomplete: bool,
    /// Names used so far.
    pub(super) used: BTreeSet<String>,
}

/// A name in scope.
#[derive(Debug, Clone, Copy)]
pub(super) struct Variable<'a> {
    pub(super) name: &'a str,
    /// Where it is bound.
    pub(super) span: Span,
}

impl<'a> Scope<'a> {
    /// Checks an expression, and marks the names that it uses.
    pub(super) fn check(&mut self, expression: &'a Expression, mistakes: &mut Mistakes) {
        if mistakes.are_many() {
            return;
        }
        match &expression.node {
            Node::Literal(_) => {}
            Node::Name(name) => self.name(name, expression.span, mistakes),
            Node::Field { of, name, .. } => self.field(of, name, expression.span, mistakes),
            Node::Index { of, index, .. } => {
                self.check(of, mistakes);
                self.check(index, mistakes);
            }
            Node::Call {
                receiver,
                function,
                function_span,
                arguments,
            } => {
                if let Some(receiver) = receiver {
                    self.check(receiver, mistakes);
                }
                self.call(
                    receiver.is_some(),
                    function,
                    *function_span,
                    arguments,
                    mistakes,
                );
            }
            Node::List(elements) => elements
                .iter()
                .for_each(|element| self.check(element, mistakes)),
            Node::Map(entries) => {
                for (key, value) in entries {
                    self.check(key, mistakes);
                    self.check(value, mistakes);
                }
            }
            Node::Unary { of, .. } => self.check(of, mistakes),
            Node::Binary {
                operator,
                left,
                right,
            } => {
                self.check(left, mistakes);
                self.check(right, mistakes);
                compared_with_empty(expression.span, *operator, left, right, mistakes);
            }
            Node::Conditional {
                condition,
                then,
                otherwise,
            } => {
                self.check(condition, mistakes);
                self.check(then, mistakes);
                self.check(otherwise, mistakes);
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

    fn name(&mut self, name: &str, span: Span, mistakes: &mut Mistakes) {
        if self.visible.iter().any(|variable| variable.name == name) {
            self.used.insert(name.to_owned());
            return;
        }
        match name {
            "it" if self.element => {}
            "it" => {
                mistakes
                    .error("BD011", span, "`it` is nothing here")
                    .help("`it` is the element in the `where` of a binding");
            }
            "params" | "logs" => {
                mistakes
                    .error("BD011", span, format!("`{name}` is no value itself"))
                    .help(format!("name one of them: `{name}.name`"));
            }
            _ if GLOBALS.contains(&name) => {}
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
                    self.relations
                        .contains(&name)
                        .then(|| format!("`{name}` is a relation: `object.{name}()`"))
                });
                mistakes
                    .error("BD011", span, format!("there is no variable `{name}`"))
                    .help_if(help);
            }
        }
    }

    fn field(&mut self, of: &'a Expression, name: &str, span: Span, mistakes: &mut Mistakes) {
        match &of.node {
            Node::Name(global) if global == "params" || global == "logs" => {
                self.named(global, name, span, mistakes);
            }
            _ => self.check(of, mistakes),
        }
    }

    /// Checks the name of a log matcher that a binding takes its elements from.
    pub(super) fn check_log(&mut self, name: &Spanned<String>, mistakes: &mut Mistakes) {
        self.named("logs", &name.value, name.span, mistakes);
    }

    /// `params.name` or `logs.name`.
    fn named(&mut self, what: &str, name: &str, span: Span, mistakes: &mut Mistakes) {
        let names = if what == "params" {
            &self.params
        } else {
            &self.logs
        };
        if names.contains(name) {
            self.used.insert(format!("{what}.{name}"));
            return;
        }
        let help = proposal(name, names.iter().copied());
        mistakes
            .error("BD011", span, format!("there is no `{what}.{name}`"))
            .help_if(help.or_else(|| {
                names
                    .is_empty()
                    .then(|| format!("the rule has no `{what}`"))
            }));
    }

    fn call(
        &mut self,
        method: bool,
        name: &str,
        span: Span,
        arguments: &'a [Expression],
        mistakes: &mut Mistakes,
    ) {
        let Some(function) = function::find(name, method) else {
            arguments
                .iter()
                .for_each(|argument| self.check(argument, mistakes));
            // A relation may be asked for a kind: `owner('Job')`.
            if method && self.relations.contains(&name) {
                if arguments.len() > 1 {
                    mistakes.error(
                        "BD010",
                        span,
                        format!("the relation `{name}` takes at most one argument"),
                    );
                }
                return;
            }
            let (message, help) = function::unknown(name, method, self.relations);
            mistakes.error("BD010", span, message).help_if(help);
            return;
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
        let variables = function.variables_of(arguments.len()).min(arguments.len());
        let (names, rest) = arguments.split_at(variables);
        let outside = self.visible.len();
        for argument in names {
            match &argument.node {
                Node::Name(variable) => {
                    self.check_new(variable, argument.span, mistakes);
                    self.visible.push(Variable {
                        name: variable,
                        span: argument.span,
                    });
                }
                _ => {
                    mistakes
                        .error(
                            "BD010",
                            argument.span,
                            format!("the variable of `{name}` must be a name"),
                        )
                        .help(format!("`list.{name}(x, …x…)`"));
                }
            }
        }
        rest.iter()
            .for_each(|argument| self.check(argument, mistakes));
        self.visible.truncate(outside);
        check_literals(function, arguments, mistakes);
    }
}

/// Checks what stands in the rule as a constant and would else fail at run time without a word.
fn check_literals(
    function: &function::Function,
    arguments: &[Expression],
    mistakes: &mut Mistakes,
) {
    if let Some(argument) = function.pattern.and_then(|index| arguments.get(index)) {
        match &argument.node {
            Node::Literal(Literal::Text(text)) => {
                if let Err(error) = pattern::read(text) {
                    mistakes
                        .error("BD020", argument.span, error.message)
                        .help_if(error.help);
                } else if function.name == "extract"
                    && pattern::read(text).is_ok_and(|read| read.captures == 0)
                {
                    mistakes
                        .error(
                            "BD020",
                            argument.span,
                            "`extract` gives capture 1, and there is none",
                        )
                        .help("put what is wanted in parentheses, or use `find`");
                }
            }
            _ => {
                mistakes
                    .error(
                        "BD020",
                        argument.span,
                        "a regular expression must be written out here",
                    )
                    .help("it is compiled once, before the rule runs: r'…'");
            }
        }
    }
    let Some((last, Node::Literal(Literal::Text(text)))) =
        arguments.last().map(|last| (last, &last.node))
    else {
        return;
    };
    let (valid, what) = match function.name {
        "duration" => (duration::parse(text).is_some(), "a duration"),
        "quantity" => (quantity::parse(text).is_some(), "a quantity"),
        "semver" => (version::Version::parse(text).is_some(), "a version"),
        "inRange" => match version::VersionRange::parse(text) {
            Ok(_) => return,
            Err(error) => {
                mistakes
                    .error("BD040", last.span, error.message)
                    .help_if(error.help);
                return;
            }
        },
        _ => return,
    };
    if !valid {
        let help = match function.name {
            "duration" => "durations are written '45s', '10m', '2d14h'",
            "quantity" => "quantities are written '512Mi', '5G', '100m'",
            _ => "versions are written 'v1.4.1'",
        };
        mistakes
            .error("BD040", last.span, format!("`{text}` is not {what}"))
            .help(help);
    }
}

/// `x == ''` is false for what is absent or null, which is seldom meant.
fn compared_with_empty(
    span: Span,
    operator: BinaryOperator,
    left: &Expression,
    right: &Expression,
    mistakes: &mut Mistakes,
) {
    let empty = |side: &Expression| matches!(&side.node, Node::Literal(Literal::Text(text)) if text.is_empty());
    let proposal = match operator {
        BinaryOperator::Equal => "`empty(x)`",
        BinaryOperator::NotEqual => "`!empty(x)`",
        _ => return,
    };
    if empty(left) || empty(right) {
        mistakes
            .warning(
                "BD080",
                span,
                format!(
                    "`{}` with '' does not see what is absent or null",
                    operator.sign()
                ),
            )
            .help(format!(
                "write {proposal}: it holds for absent, null, '', [] and {{}} alike"
            ));
    }
}
