//! A rule made ready to run: its bindings as steps over slots, its words as templates.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use crate::finding::{Confidence, Risk, Severity};
use crate::graph::relation;
use crate::rule::expression::{BinaryOperator, Expression, Literal, Node};
use crate::rule::path::FieldPath;
use crate::rule::template::{Part, Template};
use crate::rule::{
    Binding, BindingForm, BindingSource, EvidenceTemplate, KindName, LogMatcher, Names, Rule,
    Subject, UnlessTest,
};

use crate::graph::Key;
use crate::scan::SourceSpec;

use super::compiler::{CompileError, Compiler, Scope};
use super::doubt::Narrowing;
use super::program::{KindRef, Program};

/// A rule ready to run.
#[derive(Debug)]
pub(super) struct Plan {
    /// Place of the rule's first log matcher among all matchers.
    pub(super) first_matcher: usize,
    pub(super) steps: Vec<Step>,
    /// Of each step, whether its condition looks at the status of its elements first.
    pub(super) reads_status: Vec<bool>,
    pub(super) lets: Vec<Program>,
    pub(super) unless: Vec<(Test, Text)>,
    /// `None` is the cluster as a whole.
    pub(super) subject: Option<Program>,
    pub(super) since: Option<Program>,
    pub(super) history: Option<Program>,
    pub(super) key: Vec<Program>,
    pub(super) exports: Vec<(SmolStr, Program)>,
    pub(super) title: Text,
    pub(super) message: Text,
    pub(super) notes: Vec<(Option<Program>, Text)>,
    pub(super) evidence: Vec<Shown>,
    pub(super) remedy: Vec<RemedyPlan>,
    pub(super) escalate: Vec<(Program, Option<Severity>, Option<Confidence>)>,
    pub(super) slots: usize,
}

/// What a binding does to a row.
#[derive(Debug)]
pub(super) enum Step {
    Each {
        key: Option<usize>,
        slot: usize,
        source: Source,
        condition: Option<Program>,
    },
    Optional {
        slot: usize,
        source: Source,
        condition: Option<Program>,
        narrowing: Option<Narrowing>,
    },
    None {
        slot: usize,
        source: Source,
        condition: Option<Program>,
        narrowing: Option<Narrowing>,
    },
    Collect {
        slot: usize,
        element: usize,
        source: Source,
        condition: Option<Program>,
        narrowing: Option<Narrowing>,
        min: usize,
    },
    Let {
        slot: usize,
        index: usize,
    },
    When(Program),
}

/// Where the elements of a binding come from.
#[derive(Debug)]
pub(super) enum Source {
    Kind(KindRef, Option<Probe>),
    Object {
        kind: KindRef,
        namespace: Option<String>,
        name: String,
    },
    Records {
        matcher: usize,
        sources: Vec<SourceSpec>,
    },
    Value(Program),
}

/// A condition of the form `it.path == value`: only elements with this value need be tried.
#[derive(Debug)]
pub(super) struct Probe {
    pub(super) key: Key,
    pub(super) value: Program,
}

/// When an exception holds.
#[derive(Debug)]
pub(super) enum Test {
    When(Program),
    Some {
        slot: usize,
        source: Source,
        condition: Option<Program>,
    },
    None {
        slot: usize,
        source: Source,
        condition: Option<Program>,
        narrowing: Option<Narrowing>,
    },
}

/// A template ready to be filled in.
pub(super) type Text = Vec<TextPart>;

#[derive(Debug)]
pub(super) enum TextPart {
    Text(SmolStr),
    Value(Program),
}

/// What a finding shows.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) value: Program,
    pub(super) fields: Vec<FieldPath>,
    pub(super) limit: Option<usize>,
    pub(super) note: Option<Text>,
}

#[derive(Debug)]
pub(super) struct RemedyPlan {
    pub(super) when: Option<Program>,
    pub(super) text: Text,
    pub(super) command: Option<Text>,
    pub(super) check: Option<Text>,
    pub(super) forbids_meanwhile: Option<Text>,
    pub(super) link: Option<String>,
    pub(super) risk: Risk,
}

impl Plan {
    /// The plan of a rule whose log matchers begin at `first_matcher` among all matchers.
    pub(super) fn new(rule: &Rule, first_matcher: usize) -> Result<Plan, Vec<CompileError>> {
        let logs = rule
            .logs
            .keys()
            .enumerate()
            .map(|(at, name)| (name.as_str(), first_matcher + at));
        let mut builder = Builder {
            compiler: Compiler {
                scope: Scope::default(),
                params: &rule.params,
                logs: logs.collect(),
                errors: Vec::new(),
            },
            sources: &rule.logs,
            lets: Vec::new(),
        };
        let steps = rule
            .matches
            .iter()
            .map(|binding| builder.step(binding))
            .collect();
        let unless = rule
            .unless
            .iter()
            .map(|unless| (builder.test(&unless.test), builder.text(&unless.reason)))
            .collect();
        let finding = &rule.finding;
        let subject = match &finding.subject {
            Subject::Cluster => None,
            Subject::Object(expression) => Some(builder.compiler.compile(expression)),
        };
        let mut plan = Plan {
            first_matcher,
            steps,
            reads_status: (rule.matches.iter())
                .map(|it| reads_status(&it.form))
                .collect(),
            lets: Vec::new(),
            unless,
            subject,
            since: finding
                .since
                .as_ref()
                .map(|it| builder.compiler.compile(it)),
            history: finding
                .history
                .as_ref()
                .map(|it| builder.compiler.compile(it)),
            key: finding
                .key
                .iter()
                .map(|it| builder.compiler.compile(it))
                .collect(),
            exports: finding
                .exports
                .iter()
                .map(|(name, it)| (name.clone(), builder.compiler.compile(it)))
                .collect(),
            title: builder.text(&rule.title),
            message: builder.text(&finding.message),
            notes: finding
                .notes
                .iter()
                .map(|note| {
                    let when = note.when.as_ref().map(|it| builder.compiler.compile(it));
                    (when, builder.text(&note.text))
                })
                .collect(),
            evidence: finding
                .evidence
                .iter()
                .map(|it| builder.shown(it))
                .collect(),
            remedy: rule
                .remedy
                .iter()
                .map(|step| RemedyPlan {
                    when: step.when.as_ref().map(|it| builder.compiler.compile(it)),
                    text: builder.text(&step.text),
                    command: step.command.as_ref().map(|it| builder.text(it)),
                    check: step.check.as_ref().map(|it| builder.text(it)),
                    forbids_meanwhile: step.forbids_meanwhile.as_ref().map(|it| builder.text(it)),
                    link: step.link.clone(),
                    risk: step.risk,
                })
                .collect(),
            escalate: rule
                .escalate
                .iter()
                .map(|it| (builder.compiler.compile(&it.when), it.to, it.confidence))
                .collect(),
            slots: 0,
        };
        plan.lets = builder.lets;
        plan.slots = builder.compiler.scope.slots();
        if builder.compiler.errors.is_empty() {
            Ok(plan)
        } else {
            Err(builder.compiler.errors)
        }
    }
}

struct Builder<'r> {
    compiler: Compiler<'r>,
    sources: &'r BTreeMap<SmolStr, LogMatcher>,
    lets: Vec<Program>,
}

impl Builder<'_> {
    fn step(&mut self, binding: &Binding) -> Step {
        match &binding.form {
            BindingForm::Each {
                names,
                source,
                condition,
            } => {
                let (Names::Element(name) | Names::Entry { value: name, .. }) = names;
                let source = self.source(source, &name.value, condition.as_ref());
                let (key, value) = match names {
                    Names::Element(value) => (None, value),
                    Names::Entry { key, value } => (Some(self.declare(&key.value)), value),
                };
                let slot = self.declare(&value.value);
                let condition = self.condition(slot, condition.as_ref());
                Step::Each {
                    key,
                    slot,
                    source,
                    condition,
                }
            }
            BindingForm::Optional {
                name,
                source,
                condition,
            } => {
                let source = self.source(source, &name.value, condition.as_ref());
                let narrowing = self.narrowing(&name.value, condition.as_ref());
                let slot = self.declare(&name.value);
                let condition = self.condition(slot, condition.as_ref());
                Step::Optional {
                    slot,
                    source,
                    condition,
                    narrowing,
                }
            }
            BindingForm::None {
                name,
                source,
                condition,
            } => {
                let narrowing = self.narrowing(&name.value, condition.as_ref());
                let (slot, source, condition) =
                    self.hidden(&name.value, source, condition.as_ref());
                Step::None {
                    slot,
                    source,
                    condition,
                    narrowing,
                }
            }
            BindingForm::Collect {
                name,
                source,
                condition,
                min,
            } => {
                let narrowing = self.narrowing(&name.value, condition.as_ref());
                // In its own condition the name stands for the element, below it for the list.
                let (element, source, condition) =
                    self.hidden(&name.value, source, condition.as_ref());
                let slot = self.declare(&name.value);
                Step::Collect {
                    slot,
                    element,
                    source,
                    condition,
                    narrowing,
                    min: *min,
                }
            }
            BindingForm::Let { name, value } => {
                let value = self.compiler.compile(value);
                let index = self.lets.len();
                self.lets.push(value);
                Step::Let {
                    slot: self.declare(&name.value),
                    index,
                }
            }
            BindingForm::When(condition) => Step::When(self.compiler.compile(condition)),
        }
    }

    fn test(&mut self, test: &UnlessTest) -> Test {
        match test {
            UnlessTest::When(condition) => Test::When(self.compiler.compile(condition)),
            UnlessTest::Some {
                name,
                source,
                condition,
            } => {
                let (slot, source, condition) =
                    self.hidden(&name.value, source, condition.as_ref());
                Test::Some {
                    slot,
                    source,
                    condition,
                }
            }
            UnlessTest::None {
                name,
                source,
                condition,
            } => {
                let narrowing = self.narrowing(&name.value, condition.as_ref());
                let (slot, source, condition) =
                    self.hidden(&name.value, source, condition.as_ref());
                Test::None {
                    slot,
                    source,
                    condition,
                    narrowing,
                }
            }
        }
    }

    /// An element that is visible in its own condition only.
    fn hidden(
        &mut self,
        name: &str,
        source: &BindingSource,
        condition: Option<&crate::rule::expression::Expression>,
    ) -> (usize, Source, Option<Program>) {
        let source = self.source(source, name, condition);
        let outer = self.compiler.scope.count();
        let slot = self.declare(name);
        let condition = self.condition(slot, condition);
        self.compiler.scope.forget_after(outer);
        (slot, source, condition)
    }

    /// A part of a condition that is compiled as a whole, too: its mistakes are told there.
    fn again(&mut self, expression: &Expression) -> Program {
        let told = self.compiler.errors.len();
        let program = self.compiler.compile(expression);
        self.compiler.errors.truncate(told);
        program
    }

    /// The part of a condition by which its elements can be looked up: the first whose value changes
    /// from row to row, as it is asked for again and again; else the first.
    fn probe(&mut self, name: &str, condition: &Expression) -> Option<Probe> {
        let mut parts = Vec::new();
        conjuncts(condition, &mut parts);
        let keyed = parts.into_iter();
        let keyed = keyed.filter_map(|part| equality(part, name, |path| key_of(path, name)));
        let is_fixed = |value: &Expression| {
            let mut names = value.names();
            names.all(|used| matches!(used, "params" | "now" | "bundle"))
        };
        // Of equals the first.
        let (key, value) = keyed.min_by_key(|(_, value)| is_fixed(value))?;
        let value = self.again(value);
        Some(Probe { key, value })
    }

    /// Where elements may be that fit a condition: in what namespace, on what node, of what pod.
    fn narrowing(&mut self, name: &str, condition: Option<&Expression>) -> Option<Narrowing> {
        let mut parts = Vec::new();
        conjuncts(condition?, &mut parts);
        let (form, value) = (parts.into_iter())
            .find_map(|part| equality(part, name, |path| narrowing_of(path, name)))?;
        Some(form(self.again(value)))
    }

    fn declare(&mut self, name: &str) -> usize {
        self.compiler.scope.declare(name)
    }

    fn condition(
        &mut self,
        slot: usize,
        condition: Option<&crate::rule::expression::Expression>,
    ) -> Option<Program> {
        let outer = self.compiler.scope.count();
        self.compiler.scope.alias("it", slot);
        let program = condition.map(|condition| self.compiler.compile(condition));
        self.compiler.scope.forget_after(outer);
        program
    }

    fn source(
        &mut self,
        source: &BindingSource,
        name: &str,
        condition: Option<&Expression>,
    ) -> Source {
        match source {
            BindingSource::Kind(kind) => {
                let probe = condition.and_then(|it| self.probe(name, it));
                Source::Kind(kind_ref(&kind.value), probe)
            }
            BindingSource::Object {
                kind,
                namespace,
                name,
            } => Source::Object {
                kind: kind_ref(&kind.value),
                namespace: namespace.clone(),
                name: name.clone(),
            },
            BindingSource::Logs(name) => {
                let matcher = self
                    .compiler
                    .logs
                    .iter()
                    .find(|(known, _)| *known == name.value);
                let sources = self.sources.get(&name.value);
                Source::Records {
                    matcher: matcher.map_or(usize::MAX, |(_, at)| *at),
                    sources: sources.map_or_else(Vec::new, |it| it.sources.clone()),
                }
            }
            BindingSource::Expression(expression) => {
                Source::Value(self.compiler.compile(expression))
            }
        }
    }

    fn shown(&mut self, evidence: &EvidenceTemplate) -> Shown {
        match evidence {
            EvidenceTemplate::Object {
                value,
                fields,
                limit,
                note,
            } => Shown {
                value: self.compiler.compile(value),
                fields: fields.iter().map(|path| path.value.clone()).collect(),
                limit: *limit,
                note: note.as_ref().map(|note| self.text(note)),
            },
            EvidenceTemplate::Log { value, limit } => Shown {
                value: self.compiler.compile(value),
                fields: Vec::new(),
                limit: *limit,
                note: None,
            },
        }
    }

    fn text(&mut self, template: &Template) -> Text {
        template
            .parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => TextPart::Text(text.clone()),
                Part::Value(value) => TextPart::Value(self.compiler.compile(value)),
            })
            .collect()
    }
}

/// Whether a binding's condition looks at the status of its elements first.
fn reads_status(binding: &BindingForm) -> bool {
    let (name, mut at) = match binding {
        BindingForm::Each {
            names: Names::Element(name),
            condition: Some(condition),
            ..
        }
        | BindingForm::Optional {
            name,
            condition: Some(condition),
            ..
        }
        | BindingForm::None {
            name,
            condition: Some(condition),
            ..
        }
        | BindingForm::Collect {
            name,
            condition: Some(condition),
            ..
        } => (name, condition),
        _ => return false,
    };
    loop {
        at = match &at.node {
            Node::Field {
                of, name: field, ..
            } => match &of.node {
                Node::Name(of) => {
                    return field == "status" && (of == "it" || *of == name.value);
                }
                _ => of,
            },
            Node::Unary { of, .. } => of,
            Node::Binary { left, .. } => left,
            Node::Call {
                receiver: Some(of), ..
            } => of,
            _ => return false,
        };
    }
}

/// The conditions that all must hold for one to hold.
fn conjuncts<'e>(condition: &'e Expression, parts: &mut Vec<&'e Expression>) {
    match &condition.node {
        Node::Binary {
            operator: BinaryOperator::And,
            left,
            right,
        } => {
            conjuncts(left, parts);
            conjuncts(right, parts);
        }
        _ => parts.push(condition),
    }
}

/// What `of_element` makes of one side of a condition that says that two sides are equal, and the
/// other side, which must not depend on the element.
fn equality<'e, T>(
    condition: &'e Expression,
    element: &str,
    of_element: impl Fn(&'e Expression) -> Option<T>,
) -> Option<(T, &'e Expression)> {
    let Node::Binary {
        operator: BinaryOperator::Equal,
        left,
        right,
    } = &condition.node
    else {
        return None;
    };
    let (found, value) = [(left, right), (right, left)]
        .into_iter()
        .find_map(|(path, value)| Some((of_element(path)?, &**value)))?;
    let is_own = |used: &str| used == "it" || used == element;
    (!value.names().any(is_own)).then_some((found, value))
}

/// The key of an element that a path leads to: fields all the way, or one relation.
fn key_of(path: &Expression, element: &str) -> Option<Key> {
    let is_element =
        |it: &Expression| matches!(&it.node, Node::Name(name) if name == "it" || name == element);
    if let Node::Call {
        receiver: Some(of),
        function,
        arguments,
        ..
    } = &path.node
    {
        let known = relation::named(function);
        let one = !known.is_empty() && known.iter().all(|it| !it.many && !it.takes_kind);
        return (one && arguments.is_empty() && is_element(of))
            .then(|| Key::Relation(Box::from(function.as_str())));
    }
    let mut steps: Vec<Box<str>> = Vec::new();
    let mut at = path;
    loop {
        match &at.node {
            Node::Field { of, name, .. } => {
                steps.push(Box::from(name.as_str()));
                at = of;
            }
            Node::Index { of, index, .. } => {
                let Node::Literal(Literal::Text(name)) = &index.node else {
                    return None;
                };
                steps.push(Box::from(name.as_str()));
                at = of;
            }
            _ if is_element(at) && !steps.is_empty() => break,
            _ => return None,
        }
    }
    steps.reverse();
    Some(Key::Field(steps.into()))
}

/// What a path of an element says of its place.
fn narrowing_of(path: &Expression, element: &str) -> Option<fn(Program) -> Narrowing> {
    let mut steps = Vec::new();
    let mut at = path;
    loop {
        match &at.node {
            Node::Field { of, name, .. } => {
                steps.push(name.as_str());
                at = of;
            }
            Node::Call {
                receiver: Some(of),
                function,
                arguments,
                ..
            } if arguments.is_empty() => {
                steps.push(function.as_str());
                at = of;
            }
            Node::Name(name) if name == "it" || name == element => break,
            _ => return None,
        }
    }
    steps.reverse();
    match steps.as_slice() {
        ["metadata" | "involvedObject", "namespace"] => Some(Narrowing::Namespace),
        ["nodeName" | "node"] | ["node", "metadata", "name"] => Some(Narrowing::Node),
        ["pod"] => Some(Narrowing::Pod),
        _ => None,
    }
}

fn kind_ref(kind: &KindName) -> KindRef {
    KindRef::new(kind.group.as_deref(), &kind.kind)
}
