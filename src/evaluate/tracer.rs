//! Watches a rule while it runs, and tells why it fired or not.

use std::collections::BTreeSet;

use crate::bundle::Bundle;
use crate::rule::expression::{BinaryOperator, Expression, Node, UnaryOperator};
use crate::rule::source::{RuleSource, Span};
use crate::rule::{
    Binding, BindingForm, BindingSource, KindName, Names, Rule, UnlessTest, duration,
};

use super::evidence;
use super::plan::{Plan, Source, Step};
use super::program::{Context, Frame, Program};
use super::requirement;
use super::row::{self, Watch};
use super::row_finding::{Found, without_base64};
use super::trace::{
    BindingTrace, End, ExceptionTrace, Kept, LogThresholds, LogTrace, Nearest, RowsTrace, Side,
    Trace, VersionTrace,
};
use super::value::Value;

/// Longest value and text of a rule that a trace quotes, in characters.
const LONGEST: usize = 160;

/// Counts what each binding does, and keeps what came nearest to passing it.
pub(super) struct Tracer<'r> {
    rule: &'r Rule,
    plan: &'r Plan,
    steps: Vec<Watched<'r>>,
    stopped: Option<usize>,
}

/// What is known of one step so far.
struct Watched<'r> {
    conjuncts: Vec<Conjunct<'r>>,
    /// Where its element is while a condition is tried; `when` has none.
    element: Option<usize>,
    entered: u64,
    looked: u64,
    fitted: u64,
    left: u64,
    doubtful: u64,
    nearest: Option<Nearest>,
    there: Option<Kept>,
}

/// A part of a condition that must hold by itself.
struct Conjunct<'r> {
    expression: &'r Expression,
    program: &'r Program,
}

impl<'r> Tracer<'r> {
    pub(super) fn new(rule: &'r Rule, plan: &'r Plan) -> Tracer<'r> {
        let steps = rule.matches.iter().zip(&plan.steps);
        Tracer {
            rule,
            plan,
            steps: steps
                .map(|(binding, step)| Watched::new(binding, step))
                .collect(),
            stopped: None,
        }
    }

    /// What the names stand for that are bound by the steps before one.
    fn row(
        &self,
        before: usize,
        context: &Context<'_>,
        frame: &Frame<'_>,
    ) -> Vec<(String, String)> {
        let bound = self.rule.matches.iter().zip(&self.plan.steps).take(before);
        bound
            .filter_map(|(binding, step)| {
                let (name, slot) = match (&binding.form, step) {
                    (BindingForm::Each { names, .. }, Step::Each { slot, .. }) => match names {
                        Names::Element(name) | Names::Entry { value: name, .. } => (name, slot),
                    },
                    (BindingForm::Optional { name, .. }, Step::Optional { slot, .. }) => {
                        (name, slot)
                    }
                    _ => return None,
                };
                let value = described(frame.get(*slot)?, context);
                (name.value != "_").then(|| (name.value.to_string(), value))
            })
            .collect()
    }

    /// The whole story, once the rule has run.
    pub(super) fn trace(self, bundle: &Bundle, found: &Found, lowered: bool) -> Trace {
        let source = &self.rule.source;
        let bindings = self
            .rule
            .matches
            .iter()
            .zip(&self.plan.steps)
            .zip(self.steps);
        let bindings = bindings.map(|((binding, step), watched)| {
            let nothing = (watched.entered > 0 && watched.looked == 0)
                .then(|| uncollected(step, bundle))
                .flatten();
            let nearest = watched.nearest.map(Kept::Nearest);
            BindingTrace {
                line: source.line(binding.span.start),
                text: binding_text(source, binding),
                entered: watched.entered,
                looked: watched.looked,
                fitted: watched.fitted,
                left: watched.left,
                doubtful: watched.doubtful,
                nothing,
                // An `optional` lets every row go on: there it is worth a word that it found nothing.
                kept: match step {
                    Step::Optional { .. } => nearest.filter(|_| watched.fitted == 0),
                    _ => watched.there.or(nearest).filter(|_| watched.left == 0),
                },
            }
        });
        let suppressed = found.findings.iter().filter(|it| it.suppressed.is_some());
        Trace {
            end: match self.stopped {
                Some(binding) => End::Stopped {
                    binding,
                    budget: row::STEP_BUDGET,
                },
                None => End::Ran { lowered },
            },
            bindings: bindings.collect(),
            exceptions: exceptions(self.rule, found),
            rows: RowsTrace {
                findings: found.findings.len() as u64,
                suppressed: suppressed.count() as u64,
                limit: self.rule.finding.limit,
                ..found.fate.rows
            },
            ..before_running(self.rule, self.plan, bundle)
        }
    }
}

/// What is known of a rule before its first row: versions and logs.
pub(super) fn before_running(rule: &Rule, plan: &Plan, bundle: &Bundle) -> Trace {
    let checks = requirement::version_checks(&rule.versions, bundle);
    let versions = checks.iter().map(|check| {
        let known: BTreeSet<&str> = check.known.iter().copied().collect();
        VersionTrace {
            of: check.of,
            range: check.range.to_string(),
            known: known.into_iter().map(str::to_owned).collect(),
            fits: check.fits(),
        }
    });
    let logs = rule.logs.iter().zip(plan.first_matcher..);
    let logs = logs.map(|((name, matcher), at)| {
        let within = matcher.threshold.within;
        let within = within.map(|within| format!(" within {}", duration::render(within)));
        LogTrace {
            name: name.to_string(),
            line: rule.source.line(matcher.span.start),
            sources: matcher.sources.iter().map(ToString::to_string).collect(),
            tally: bundle.hits.tally(at),
            thresholds: LogThresholds {
                count: format!("{}{}", matcher.threshold.min, within.unwrap_or_default()),
                since: matcher.since.map(duration::render),
                still: matcher.still.map(duration::render),
            },
            records: bundle.hits.records(at).len() as u64,
        }
    });
    let mut logs: Vec<LogTrace> = logs.collect();
    logs.sort_by_key(|log| log.line);
    Trace {
        versions: versions.collect(),
        logs,
        ..Trace::left_out(rule, "")
    }
}

impl<'r> Watched<'r> {
    fn new(binding: &'r Binding, step: &'r Step) -> Watched<'r> {
        let (expression, program, element) = match (&binding.form, step) {
            (
                BindingForm::Each { condition, .. },
                Step::Each {
                    slot,
                    condition: program,
                    ..
                },
            )
            | (
                BindingForm::Optional { condition, .. },
                Step::Optional {
                    slot,
                    condition: program,
                    ..
                },
            )
            | (
                BindingForm::None { condition, .. },
                Step::None {
                    slot,
                    condition: program,
                    ..
                },
            )
            | (
                BindingForm::Collect { condition, .. },
                Step::Collect {
                    element: slot,
                    condition: program,
                    ..
                },
            ) => (condition.as_ref(), program.as_ref(), Some(*slot)),
            (BindingForm::When(condition), Step::When(program)) => {
                (Some(condition), Some(program), None)
            }
            _ => (None, None, None),
        };
        let mut conjuncts = Vec::new();
        if let Some((expression, program)) = expression.zip(program) {
            split(expression, program, &mut conjuncts);
        }
        Watched {
            conjuncts,
            element,
            entered: 0,
            looked: 0,
            fitted: 0,
            left: 0,
            doubtful: 0,
            nearest: None,
            there: None,
        }
    }
}

impl<'g> Watch<'g> for Tracer<'g> {
    const SEES_ALL: bool = true;

    fn enter(&mut self, at: usize) {
        if self.stopped.is_none()
            && let Some(step) = self.steps.get_mut(at)
        {
            step.entered += 1;
        }
    }

    fn look(&mut self, at: usize) {
        if let Some(step) = self.steps.get_mut(at) {
            step.looked += 1;
        }
    }

    fn fit(&mut self, at: usize, context: &Context<'g>, frame: &mut Frame<'g>) {
        let held_up = matches!(self.plan.steps.get(at), Some(Step::None { .. }));
        let first = self.steps.get(at).is_some_and(|step| step.there.is_none());
        let there = (held_up && first).then(|| {
            let element = self.steps.get(at).and_then(|step| frame.get(step.element?));
            Kept::There {
                element: element.map_or_else(String::new, |it| described(it, context)),
                row: self.row(at, context, frame),
            }
        });
        if let Some(step) = self.steps.get_mut(at) {
            step.fitted += 1;
            step.there = step.there.take().or(there);
        }
    }

    fn reject(&mut self, at: usize, context: &Context<'g>, frame: &mut Frame<'g>) {
        let Some(step) = self.steps.get(at) else {
            return;
        };
        // Where something passed nobody asks what came near.
        let over = match self.plan.steps.get(at) {
            Some(Step::None { .. }) => true,
            Some(Step::Optional { .. }) => step.fitted > 0,
            _ => step.left > 0,
        };
        if over {
            return;
        }
        let holds: Vec<bool> = step
            .conjuncts
            .iter()
            .map(|conjunct| conjunct.program.run(context, frame).is_true())
            .collect();
        let passed = holds.iter().filter(|holds| **holds).count();
        let nearer = step
            .nearest
            .as_ref()
            .is_none_or(|known| known.passed < passed);
        let failed = holds.iter().position(|holds| !holds);
        let Some(conjunct) = failed
            .and_then(|at| step.conjuncts.get(at))
            .filter(|_| nearer)
        else {
            return;
        };
        let source = &self.rule.source;
        let mut parts = Vec::new();
        sides(conjunct.expression, conjunct.program, &mut parts);
        let mut told: Vec<Side> = Vec::new();
        for (span, program) in parts {
            let value = program.run(context, frame);
            let side = Side {
                text: source.short(span),
                value: described(&value, context),
            };
            if !told.contains(&side) {
                told.push(side);
            }
        }
        let element = step.element.and_then(|slot| frame.get(slot));
        let nearest = Nearest {
            candidate: element.map(|element| described(element, context)),
            row: self.row(at, context, frame),
            passed,
            of: holds.len(),
            line: source.line(conjunct.expression.span.start),
            conjunct: source.short(conjunct.expression.span),
            sides: told,
        };
        if let Some(step) = self.steps.get_mut(at) {
            step.nearest = Some(nearest);
        }
    }

    fn leave(&mut self, at: usize) {
        if self.stopped.is_none()
            && let Some(step) = self.steps.get_mut(at)
        {
            step.left += 1;
        }
    }

    fn doubt(&mut self, at: usize) {
        if let Some(step) = self.steps.get_mut(at) {
            step.doubtful += 1;
        }
    }

    fn stop(&mut self, at: usize) {
        self.stopped.get_or_insert(at);
    }
}

/// The parts of a condition that are joined by `&&`, in their order.
fn split<'r>(expression: &'r Expression, program: &'r Program, conjuncts: &mut Vec<Conjunct<'r>>) {
    match (&expression.node, program) {
        (
            Node::Binary {
                operator: BinaryOperator::And,
                left,
                right,
            },
            Program::Binary(BinaryOperator::And, first, second),
        ) => {
            split(left, first, conjuncts);
            split(right, second, conjuncts);
        }
        _ => conjuncts.push(Conjunct {
            expression,
            program,
        }),
    }
}

/// What a conjunct looks at: both sides of a comparison, the arguments of a call, constants left out.
fn sides<'r>(
    expression: &'r Expression,
    program: &'r Program,
    found: &mut Vec<(Span, &'r Program)>,
) {
    match (&expression.node, program) {
        (
            Node::Binary {
                operator: BinaryOperator::And | BinaryOperator::Or,
                left,
                right,
            },
            Program::Binary(_, first, second),
        ) => {
            sides(left, first, found);
            sides(right, second, found);
        }
        (Node::Binary { left, right, .. }, Program::Binary(_, first, second)) => {
            operand(left, first, found);
            operand(right, second, found);
        }
        (
            Node::Unary {
                operator: UnaryOperator::Not,
                of,
            },
            Program::Not(program),
        ) => sides(of, program, found),
        (
            Node::Conditional {
                condition,
                then,
                otherwise,
            },
            Program::Conditional(first, second, third),
        ) => {
            sides(condition, first, found);
            sides(then, second, found);
            sides(otherwise, third, found);
        }
        (
            Node::Call {
                receiver,
                arguments,
                ..
            },
            Program::Function(_, programs),
        ) => {
            let all = receiver.as_deref().into_iter().chain(arguments);
            for (argument, program) in all.zip(programs) {
                operand(argument, program, found);
            }
        }
        (
            Node::Call {
                receiver: Some(of), ..
            },
            Program::Macro(program),
        ) => operand(of, program.list(), found),
        (
            Node::Call {
                receiver,
                arguments,
                ..
            },
            Program::Regex(_, program, _) | Program::Has(program),
        ) => {
            if let Some(of) = receiver.as_deref().or(arguments.first()) {
                operand(of, program, found);
            }
        }
        _ => operand(expression, program, found),
    }
}

/// A part whose value is told as a whole; a constant says its value itself.
fn operand<'r>(
    expression: &'r Expression,
    program: &'r Program,
    found: &mut Vec<(Span, &'r Program)>,
) {
    if !is_constant(expression) {
        found.push((expression.span, program));
    }
}

fn is_constant(expression: &Expression) -> bool {
    match &expression.node {
        Node::Literal(_) => true,
        Node::List(items) => items.iter().all(is_constant),
        _ => false,
    }
}

/// A value in short: objects by name, parts of them by their path, texts in quotes.
fn described(value: &Value<'_>, context: &Context<'_>) -> String {
    let graph = context.graph;
    match value {
        Value::Absent => "absent".to_owned(),
        Value::Null => "null".to_owned(),
        Value::Ghost(_) => format!("{} (not in the bundle)", value.render(graph)),
        Value::Text(text) => format!("{:?}", cut(&without_base64(text.as_str()))),
        Value::Part(view, owner) if value.is_map() => {
            let owner = graph.object(*owner);
            let path = evidence::path_to(owner.root(), view.index());
            format!("{} {path}", owner.object_name())
        }
        Value::Record(record) => format!(
            "{}:{} ({} hits)",
            record.last.path, record.last.line, record.count
        ),
        Value::Hit(hit) => format!("{}:{}", hit.path, hit.line),
        other => cut(&without_base64(&other.render(graph))),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// Why a kind has no object to look at, where that is because it was not collected.
fn uncollected(step: &Step, bundle: &Bundle) -> Option<String> {
    let (Step::Each { source, .. }
    | Step::Optional { source, .. }
    | Step::None { source, .. }
    | Step::Collect { source, .. }) = step
    else {
        return None;
    };
    match source {
        Source::Kind(kind, _) | Source::Object { kind, .. } => requirement::lacks(kind, bundle),
        Source::Records { .. } | Source::Value(_) => None,
    }
}

/// How often each exception held.
fn exceptions(rule: &Rule, found: &Found) -> Vec<ExceptionTrace> {
    let exceptions = rule.unless.iter().enumerate().map(|(at, unless)| {
        let source = &rule.source;
        let excused = found.fate.excused.get(&at);
        let (span, text) = match &unless.test {
            UnlessTest::When(condition) => (
                condition.span,
                format!("when {}", source.short(condition.span)),
            ),
            UnlessTest::Some {
                name,
                source: elements,
                condition,
            } => (
                name.span,
                elements_text("some", &name.value, elements, condition.as_ref(), source),
            ),
            UnlessTest::None {
                name,
                source: elements,
                condition,
            } => (
                name.span,
                elements_text("none", &name.value, elements, condition.as_ref(), source),
            ),
        };
        ExceptionTrace {
            line: source.line(span.start),
            text,
            rows: excused.map_or(0, |(rows, _)| *rows),
            reason: excused.map(|(_, reason)| reason.clone()),
        }
    });
    exceptions.collect()
}

/// A binding on one line.
fn binding_text(file: &RuleSource, binding: &Binding) -> String {
    match &binding.form {
        BindingForm::Each {
            names,
            source,
            condition,
        } => {
            let names = match names {
                Names::Element(name) => name.value.to_string(),
                Names::Entry { key, value } => format!("[{}, {}]", key.value, value.value),
            };
            elements_text("each", &names, source, condition.as_ref(), file)
        }
        BindingForm::Optional {
            name,
            source,
            condition,
        } => elements_text("optional", &name.value, source, condition.as_ref(), file),
        BindingForm::None {
            name,
            source,
            condition,
        } => elements_text("none", &name.value, source, condition.as_ref(), file),
        BindingForm::Collect {
            name,
            source,
            condition,
            min,
        } => {
            let least = match min {
                1 => String::new(),
                min => format!(", min {min}"),
            };
            elements_text("collect", &name.value, source, condition.as_ref(), file) + &least
        }
        BindingForm::Let { name, value } => {
            format!("let {} = {}", name.value, file.short(value.span))
        }
        BindingForm::When(condition) => format!("when {}", file.short(condition.span)),
    }
}

fn elements_text(
    form: &str,
    name: &str,
    source: &BindingSource,
    condition: Option<&Expression>,
    file: &RuleSource,
) -> String {
    let kind_text = |kind: &KindName| match &kind.group {
        Some(group) => format!("{group}/{}", kind.kind),
        None => kind.kind.clone(),
    };
    let elements = match source {
        BindingSource::Kind(kind) => kind_text(&kind.value),
        BindingSource::Object {
            kind,
            namespace,
            name,
        } => {
            let slash = if namespace.is_some() { "/" } else { "" };
            let namespace = namespace.as_deref().unwrap_or_default();
            format!("{} {namespace}{slash}{name}", kind_text(&kind.value))
        }
        BindingSource::Logs(name) => format!("logs.{}", name.value),
        BindingSource::Expression(expression) => file.short(expression.span),
    };
    let condition = condition.map(|condition| format!(" where {}", file.short(condition.span)));
    format!(
        "{form} {name} in {elements}{}",
        condition.unwrap_or_default()
    )
}
