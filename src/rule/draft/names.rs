//! Walks a rule from top to bottom with the names that are in scope, as its rows will.

use std::collections::BTreeSet;

use crate::rule::check::{Scope, Variable};
use crate::rule::expression::Expression;
use crate::rule::mistake::Mistakes;
use crate::rule::source::{Span, Spanned};
use crate::rule::template::Template;
use crate::rule::{
    BindingForm, BindingSource, EvidenceTemplate, LogMatcher, Names, Rule, Subject, UnlessTest,
};

/// What the condition of a log matcher sees beside its captures.
const LINE: [&str; 7] = [
    "line",
    "time",
    "uptime",
    "node",
    "namespace",
    "pod",
    "container",
];

/// Checks every expression of a rule. `places` says where `params` and `logs` are defined;
/// `incomplete` that some binding could not be read.
pub(super) fn check(
    rule: &Rule,
    relations: &[&str],
    places: &[(String, Span)],
    incomplete: bool,
    mistakes: &mut Mistakes,
) {
    let mut walk = Walk {
        scope: Scope {
            relations,
            params: rule.params.keys().map(String::as_str).collect(),
            logs: rule.logs.keys().map(String::as_str).collect(),
            visible: Vec::new(),
            below: bound(rule)
                .into_iter()
                .map(|name| name.value.as_str())
                .collect(),
            elementless: Vec::new(),
            element: false,
            incomplete,
            used: BTreeSet::new(),
        },
        mistakes,
    };
    rule.logs.values().for_each(|matcher| walk.log(matcher));
    rule.matches
        .iter()
        .for_each(|binding| walk.binding(&binding.form));
    walk.outcome(rule);
    let used = walk.scope.used;
    if mistakes.has_error() {
        // What could not be read may be what uses it.
        return;
    }
    for name in bound(rule)
        .into_iter()
        .filter(|name| name.value != "_" && !used.contains(&name.value))
    {
        mistakes
            .warning(
                "BD011",
                name.span,
                format!("`{}` is never used", name.value),
            )
            .help("call it `_` if it only has to be there");
    }
    for (name, span) in places.iter().filter(|(name, _)| !used.contains(name)) {
        mistakes.warning("BD011", *span, format!("`{name}` is never used"));
    }
}

/// Names that `match` leaves bound for what follows.
fn bound(rule: &Rule) -> Vec<&Spanned<String>> {
    let mut names = Vec::new();
    for binding in &rule.matches {
        match &binding.form {
            BindingForm::Each {
                names: Names::Entry { key, value },
                ..
            } => names.extend([key, value]),
            BindingForm::Each {
                names: Names::Element(name),
                ..
            }
            | BindingForm::Optional { name, .. }
            | BindingForm::Collect { name, .. }
            | BindingForm::Let { name, .. } => names.push(name),
            BindingForm::None { .. } | BindingForm::When(_) => {}
        }
    }
    names
}

struct Walk<'a, 'm> {
    scope: Scope<'a>,
    mistakes: &'m mut Mistakes,
}

impl<'a> Walk<'a, '_> {
    fn expression(&mut self, expression: &'a Expression) {
        self.scope.check(expression, self.mistakes);
    }

    fn template(&mut self, template: &'a Template) {
        template.values().for_each(|value| self.expression(value));
    }

    fn bind(&mut self, name: &'a Spanned<String>) {
        self.scope.check_new(&name.value, name.span, self.mistakes);
        if let Some(first) = self
            .scope
            .below
            .iter()
            .position(|below| *below == name.value)
        {
            self.scope.below.remove(first);
        }
        if name.value != "_" {
            self.scope.visible.push(Variable {
                name: &name.value,
                span: name.span,
            });
        }
    }

    /// The condition of a binding, in which its element is also `it`. Its own use of the name is
    /// none: something below must make the binding worth its place.
    fn condition(&mut self, names: &[&Spanned<String>], condition: Option<&'a Expression>) {
        self.scope.element = true;
        condition
            .into_iter()
            .for_each(|condition| self.expression(condition));
        self.scope.element = false;
        for name in names {
            self.scope.used.remove(&name.value);
        }
    }

    fn source(&mut self, source: &'a BindingSource) {
        match source {
            BindingSource::Kind(_) | BindingSource::Object { .. } => {}
            BindingSource::Logs(name) => self.scope.check_log(name, self.mistakes),
            BindingSource::Expression(expression) => self.expression(expression),
        }
    }

    /// A binding whose name ends with its condition.
    fn passing(
        &mut self,
        name: &'a Spanned<String>,
        source: &'a BindingSource,
        condition: Option<&'a Expression>,
    ) {
        self.source(source);
        let outside = self.scope.visible.len();
        self.bind(name);
        self.condition(&[name], condition);
        self.scope.visible.truncate(outside);
    }

    fn binding(&mut self, form: &'a BindingForm) {
        match form {
            BindingForm::Each {
                names,
                source,
                condition,
            } => {
                self.source(source);
                let names = match names {
                    Names::Element(name) => vec![name],
                    Names::Entry { key, value } => vec![key, value],
                };
                names.iter().for_each(|name| self.bind(name));
                self.condition(&names, condition.as_ref());
            }
            BindingForm::Optional {
                name,
                source,
                condition,
            }
            | BindingForm::Collect {
                name,
                source,
                condition,
                ..
            } => {
                self.source(source);
                self.bind(name);
                self.condition(&[name], condition.as_ref());
            }
            BindingForm::None {
                name,
                source,
                condition,
            } => {
                self.passing(name, source, condition.as_ref());
                self.scope.elementless.push(&name.value);
            }
            BindingForm::Let { name, value } => {
                self.expression(value);
                self.bind(name);
            }
            BindingForm::When(condition) => self.expression(condition),
        }
    }

    /// Everything that looks at a finished row.
    fn outcome(&mut self, rule: &'a Rule) {
        for exception in &rule.unless {
            match &exception.test {
                UnlessTest::When(condition) => self.expression(condition),
                UnlessTest::Some {
                    name,
                    source,
                    condition,
                }
                | UnlessTest::None {
                    name,
                    source,
                    condition,
                } => self.passing(name, source, condition.as_ref()),
            }
            self.template(&exception.reason);
        }
        self.template(&rule.title);
        rule.escalate
            .iter()
            .for_each(|escalation| self.expression(&escalation.when));
        let finding = &rule.finding;
        if let Subject::Object(subject) = &finding.subject {
            self.expression(subject);
        }
        let values = finding
            .since
            .iter()
            .chain(&finding.key)
            .chain(finding.exports.values());
        values.for_each(|value| self.expression(value));
        self.template(&finding.message);
        for note in &finding.notes {
            note.when.iter().for_each(|when| self.expression(when));
            self.template(&note.text);
        }
        for evidence in &finding.evidence {
            match evidence {
                EvidenceTemplate::Object { value, note, .. } => {
                    self.expression(value);
                    note.iter().for_each(|note| self.template(note));
                }
                EvidenceTemplate::Log { value, .. } => self.expression(value),
            }
        }
        for step in &rule.remedy {
            step.when.iter().for_each(|when| self.expression(when));
            let texts = std::iter::once(&step.text)
                .chain(&step.command)
                .chain(&step.check);
            texts.for_each(|text| self.template(text));
        }
    }

    /// The condition of a log matcher is asked during the scan, before any binding.
    fn log(&mut self, matcher: &'a LogMatcher) {
        let Some(condition) = &matcher.condition else {
            return;
        };
        let below = std::mem::take(&mut self.scope.below);
        let captures = matcher
            .patterns
            .iter()
            .flat_map(|pattern| pattern.captures.iter().map(String::as_str));
        self.scope.visible = captures
            .chain(LINE)
            .map(|name| Variable {
                name,
                span: matcher.span,
            })
            .collect();
        self.expression(condition);
        for name in self.scope.visible.drain(..) {
            self.scope.used.remove(name.name);
        }
        self.scope.below = below;
    }
}
