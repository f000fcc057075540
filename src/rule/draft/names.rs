//! Walks a rule from top to bottom with the names that are in scope and what they stand for, as its
//! rows will.

use std::collections::BTreeSet;
use std::rc::Rc;

use smol_str::SmolStr;

use crate::finding::Risk;
use crate::graph::Kind;
use crate::rule::check::{Scope, Type, Variable, cost};
use crate::rule::expression::Expression;
use crate::rule::mistake::Mistakes;
use crate::rule::pattern;
use crate::rule::schema::Schema;
use crate::rule::source::{Span, Spanned};
use crate::rule::template::{Part, Template};
use crate::rule::{
    BindingForm, BindingSource, EvidenceTemplate, KindName, LogMatcher, Names, Remedy, Rule,
    Subject, UnlessTest,
};

/// What the condition of a log matcher sees beside its captures.
const LINE: [(&str, Type<'static>); 7] = [
    ("line", Type::Text),
    ("time", Type::Time),
    ("uptime", Type::Duration),
    ("node", Type::Text),
    ("namespace", Type::Text),
    ("pod", Type::Text),
    ("container", Type::Text),
];

/// Exports that other rules count on: the kind of object, and whether it is a list of them.
const RESERVED: [(&str, &str, &str, bool); 8] = [
    ("node", "", "Node", false),
    ("nodes", "", "Node", true),
    ("machine", "cluster.x-k8s.io", "Machine", false),
    ("pod", "", "Pod", false),
    ("upgrade", "harvesterhci.io", "Upgrade", false),
    ("volumes", "longhorn.io", "Volume", true),
    ("vms", "kubevirt.io", "VirtualMachine", true),
    ("pdb", "policy", "PodDisruptionBudget", false),
];

/// The longest title, in characters, that a line of a report takes.
const LONGEST_TITLE: usize = 120;

/// Words that show that a destructive step says what it costs.
const WARNINGS: [&str; 13] = [
    "back up",
    "backup",
    "lose",
    "lost",
    "loss",
    "only",
    "never",
    "cannot be undone",
    "support",
    "destroy",
    "erase",
    "first",
    "before",
];

/// Checks every expression of a rule. `places` says where `params` and `logs` are defined;
/// `incomplete` that some binding could not be read.
pub(super) fn check(
    rule: &Rule,
    schema: &Schema,
    places: &[(String, Span)],
    incomplete: bool,
    mistakes: &mut Mistakes,
) {
    let mut walk = Walk {
        scope: Scope {
            schema,
            params: &rule.params,
            logs: &rule.logs,
            visible: Vec::new(),
            below: bound(rule)
                .into_iter()
                .map(|name| name.value.as_str())
                .collect(),
            elementless: Vec::new(),
            element: None,
            inside_macro: false,
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
    if !walk.mistakes.has_error() {
        cost::check(&rule.matches, walk.mistakes);
    }
    let used = walk.scope.used;
    if mistakes.has_error() {
        // What could not be read may be what uses it.
        return;
    }
    for name in bound(rule)
        .into_iter()
        .filter(|name| name.value != "_" && !used.contains(name.value.as_str()))
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
fn bound(rule: &Rule) -> Vec<&Spanned<SmolStr>> {
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
    fn expression(&mut self, expression: &'a Expression) -> Type<'a> {
        self.scope.check(expression, self.mistakes)
    }

    fn truth(&mut self, condition: &'a Expression) {
        self.scope.check_condition(condition, self.mistakes);
    }

    fn template(&mut self, template: &'a Template) {
        for value in template.values() {
            if let Type::List(_) = self.expression(value) {
                self.mistakes
                    .warning("BD030", value.span, "a list reads badly in a text")
                    .help("join it: `list.join(', ')`");
            }
        }
    }

    fn title(&mut self, title: &'a Template) {
        self.template(title);
        let texts = title.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.chars().count()),
            Part::Value(_) => None,
        });
        let length: usize = texts.sum();
        if length > LONGEST_TITLE {
            self.mistakes
                .warning(
                    "BD030",
                    title.span,
                    format!("the title has {length} characters, and a line takes {LONGEST_TITLE}"),
                )
                .help("say the rest in `message`");
        }
    }

    fn bind(&mut self, name: &'a Spanned<SmolStr>, of: Type<'a>) {
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
                of,
            });
        }
    }

    /// The condition of a binding, in which its element is also `it`. Its own use of the name is
    /// none: something below must make the binding worth its place.
    fn condition(
        &mut self,
        names: &[&Spanned<SmolStr>],
        element: Type<'a>,
        condition: Option<&'a Expression>,
    ) {
        self.scope.element = Some(element);
        condition
            .into_iter()
            .for_each(|condition| self.truth(condition));
        self.scope.element = None;
        for name in names {
            self.scope.used.remove(name.value.as_str());
        }
    }

    /// What the elements of a source are, and the keys beside them.
    fn source(&mut self, source: &'a BindingSource) -> (Type<'a>, Type<'a>) {
        match source {
            BindingSource::Kind(kind) | BindingSource::Object { kind, .. } => {
                (Type::Null, self.kind(kind))
            }
            BindingSource::Logs(name) => match self.scope.check_log(name, self.mistakes) {
                Type::List(record) => (Type::Null, Rc::unwrap_or_clone(record)),
                other => (Type::Null, other),
            },
            BindingSource::Expression(expression) => match self.expression(expression) {
                Type::List(element) => (Type::Null, Rc::unwrap_or_clone(element)),
                Type::Map(value) => (Type::Text, Rc::unwrap_or_clone(value)),
                Type::Record(..) => (Type::Text, Type::Any),
                // A relation that leads to one object, or nobody knows what.
                one @ (Type::Object(_) | Type::Any | Type::Null) => (Type::Any, one),
                other => {
                    self.mistakes
                        .error(
                            "BD012",
                            expression.span,
                            format!("there are no elements in {}", other.describe()),
                        )
                        .help("`let` binds one value");
                    (Type::Any, Type::Any)
                }
            },
        }
    }

    fn kind(&mut self, kind: &Spanned<KindName>) -> Type<'a> {
        let KindName { group, kind: name } = &kind.value;
        let found = self
            .scope
            .kind(group.as_deref(), name, kind.span, self.mistakes);
        found.map_or(Type::Any, |kind| Type::Object(kind.into()))
    }

    /// A binding whose name ends with its condition.
    fn passing(
        &mut self,
        name: &'a Spanned<SmolStr>,
        source: &'a BindingSource,
        condition: Option<&'a Expression>,
    ) {
        let (_, element) = self.source(source);
        let outside = self.scope.visible.len();
        self.bind(name, element.clone());
        self.condition(&[name], element, condition);
        self.scope.visible.truncate(outside);
    }

    fn binding(&mut self, form: &'a BindingForm) {
        match form {
            BindingForm::Each {
                names: Names::Element(name),
                source,
                condition,
            }
            | BindingForm::Optional {
                name,
                source,
                condition,
            } => {
                let (_, element) = self.source(source);
                self.bind(name, element.clone());
                self.condition(&[name], element, condition.as_ref());
            }
            BindingForm::Each {
                names: Names::Entry { key, value },
                source,
                condition,
            } => {
                let (keys, element) = self.source(source);
                if matches!(keys, Type::Null) {
                    self.mistakes
                        .error("BD012", key.span, "only a map has keys")
                        .help(format!("write `each: {}`", value.value));
                }
                self.bind(key, keys);
                self.bind(value, element.clone());
                self.condition(&[key, value], element, condition.as_ref());
            }
            BindingForm::Collect {
                name,
                source,
                condition,
                ..
            } => {
                let (_, element) = self.source(source);
                // In its own condition the name is the element, below it the list.
                self.bind(name, element.clone());
                let list = Type::List(element.clone().into());
                self.condition(&[name], element, condition.as_ref());
                if let Some(own) = self.scope.visible.last_mut()
                    && own.name == name.value
                {
                    own.of = list;
                }
            }
            BindingForm::None {
                name,
                source,
                condition,
            } => {
                self.passing(name, source, condition.as_ref());
                self.scope.elementless.push(&name.value);
                if let BindingSource::Kind(kind) = source
                    && kind.value.kind == "Secret"
                {
                    self.mistakes
                        .warning(
                            "BD014",
                            name.span,
                            "few secrets are collected: this is rarely known",
                        )
                        .help("bind it with `optional`");
                }
            }
            BindingForm::Let { name, value } => {
                let of = self.expression(value);
                self.bind(name, of);
            }
            BindingForm::When(condition) => self.truth(condition),
        }
    }

    /// Everything that looks at a finished row.
    fn outcome(&mut self, rule: &'a Rule) {
        for exception in &rule.unless {
            match &exception.test {
                UnlessTest::When(condition) => self.truth(condition),
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
        self.title(&rule.title);
        for escalation in &rule.escalate {
            self.truth(&escalation.when);
        }
        let finding = &rule.finding;
        match &finding.subject {
            Subject::Object(subject) => {
                let of = self.expression(subject);
                self.object(subject.span, &of, "the subject of a finding");
            }
            Subject::Cluster if finding.evidence.is_empty() => {
                self.mistakes
                    .error("BD001", finding.message.span, "nothing shows this finding")
                    .label("the cluster is no object that can be shown")
                    .help("name its `evidence`: without any, nothing is reported");
            }
            Subject::Cluster => {}
        }
        if let Some(since) = &finding.since {
            let of = self.expression(since);
            if !matches!(of, Type::Time | Type::Text | Type::Any | Type::Null) {
                let message = format!("`since` is a time, and this is {}", of.describe());
                self.mistakes.error("BD012", since.span, message);
            }
        }
        if let Some(over) = &finding.history {
            self.truth(over);
        }
        for part in &finding.key {
            self.expression(part);
        }
        for (name, value) in &finding.exports {
            let of = self.expression(value);
            self.export(name, value.span, &of);
        }
        self.template(&finding.message);
        for note in &finding.notes {
            note.when.iter().for_each(|when| self.truth(when));
            self.template(&note.text);
        }
        finding
            .evidence
            .iter()
            .for_each(|evidence| self.evidence(evidence));
        rule.remedy.iter().for_each(|step| self.remedy(step));
    }

    /// Says so if a value is not one object.
    fn object(&mut self, span: Span, of: &Type<'_>, what: &str) {
        if matches!(of, Type::Object(_) | Type::Any | Type::Null) {
            return;
        }
        let help = match of {
            Type::List(_) => Some("make one row of each with `each`, or take `list[0]`"),
            Type::Fields(_) => Some("a record's objects are its `node` and its `pod`"),
            _ => None,
        };
        self.mistakes
            .error(
                "BD012",
                span,
                format!("{what} is one object, and this is {}", of.describe()),
            )
            .help_if(help);
    }

    fn export(&mut self, name: &str, span: Span, of: &Type<'_>) {
        let Some((_, group, kind, many)) = RESERVED.iter().find(|(known, ..)| *known == name)
        else {
            let one = match of {
                Type::List(element) => element,
                one => one,
            };
            if !(one.is_text() || matches!(one, Type::Object(_) | Type::Any | Type::Null)) {
                let message = format!(
                    "the export `{name}` is an object, a text or a list of these, and this is {}",
                    of.describe()
                );
                self.mistakes
                    .error("BD012", span, message)
                    .help("other rules join on it: `string(x)` makes text of a number");
            }
            return;
        };
        let wanted = Kind::new(*group, *kind);
        let one = match (of, many) {
            (Type::Any | Type::Null, _) => return,
            (Type::List(element), true) => &**element,
            (one, false) => one,
            (_, true) => of,
        };
        let fits = match one {
            Type::Object(kind) => **kind == wanted && matches!(of, Type::List(_)) == *many,
            Type::Any | Type::Null => true,
            _ => false,
        };
        if !fits {
            let kind = wanted.display();
            let form = if *many {
                "a list of objects"
            } else {
                "one object"
            };
            self.mistakes
                .error(
                    "BD012",
                    span,
                    format!(
                        "the export `{name}` is {form} of kind {kind}, and this is {}",
                        of.describe()
                    ),
                )
                .help("other rules join on it: use another name for anything else");
        }
    }

    fn evidence(&mut self, evidence: &'a EvidenceTemplate) {
        match evidence {
            EvidenceTemplate::Object {
                value,
                fields,
                note,
                ..
            } => {
                let of = match self.expression(value) {
                    Type::List(element) => Rc::unwrap_or_clone(element),
                    other => other,
                };
                let help = match &of {
                    Type::Fields(record) if record.is_log() => {
                        Some("write `log` instead of `object`")
                    }
                    Type::Object(_) | Type::Record(..) | Type::Map(_) | Type::Any | Type::Null => {
                        None
                    }
                    // What an expression makes has no place in the bundle.
                    _ => Some(
                        "name the object, and under `fields` the path: `status.conditions[type=Ready].status`",
                    ),
                };
                if let Some(help) = help {
                    let message = format!("{} is no object and no part of one", of.describe());
                    self.mistakes.error("BD012", value.span, message).help(help);
                }
                for path in fields {
                    self.scope.check_path(&of, path, self.mistakes);
                }
                note.iter().for_each(|note| self.template(note));
            }
            EvidenceTemplate::Log { value, .. } => {
                let of = match self.expression(value) {
                    Type::List(element) => Rc::unwrap_or_clone(element),
                    other => other,
                };
                let is_log = match &of {
                    Type::Fields(fields) => fields.is_log(),
                    Type::Any | Type::Null => true,
                    _ => false,
                };
                if !is_log {
                    self.mistakes
                        .error(
                            "BD012",
                            value.span,
                            format!("{} is no log record", of.describe()),
                        )
                        .help("write `object` instead of `log`");
                }
            }
        }
    }

    fn remedy(&mut self, step: &'a Remedy) {
        step.when.iter().for_each(|when| self.truth(when));
        let texts = std::iter::once(&step.text)
            .chain(&step.command)
            .chain(&step.check)
            .chain(&step.forbids_meanwhile);
        texts.for_each(|text| self.template(text));
        let words = step.text.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.to_lowercase()),
            Part::Value(_) => None,
        });
        let warned = words
            .into_iter()
            .any(|text| WARNINGS.iter().any(|warning| text.contains(warning)));
        if step.risk == Risk::Destructive && step.when.is_none() && !warned {
            self.mistakes
                .warning(
                    "BD060",
                    step.text.span,
                    "a destructive step without a word of warning",
                )
                .help("state in its text what is lost, or in `when` when it is needed");
        }
    }

    /// What works in a pattern, or in the name of a source, but hardly as meant.
    fn patterns(&mut self, matcher: &'a LogMatcher) {
        for pattern in matcher.patterns.iter().chain(&matcher.clear) {
            if pattern.value.is_slow() {
                self.mistakes
                    .warning("BD020", pattern.span, "the pattern is tried on every line")
                    .help("a text of three letters or more that each match holds makes it fast");
            }
            if let Some(stop) = pattern::open_stop(pattern.value.text()) {
                let name = pattern.value.text().get(stop).unwrap_or_default();
                self.mistakes
                    .advice(
                        "BD020",
                        pattern.span,
                        format!("a stop in `{name}` means any character"),
                    )
                    .help("write `\\.` for the stop itself");
            }
        }
    }

    /// The condition of a log matcher is asked during the scan, before any binding.
    fn log(&mut self, matcher: &'a LogMatcher) {
        self.patterns(matcher);
        let Some(condition) = &matcher.condition else {
            return;
        };
        let below = std::mem::take(&mut self.scope.below);
        let captures = matcher.patterns.iter().flat_map(|pattern| {
            let captures = pattern.value.captures().iter();
            captures.map(|name| (name.as_str(), Type::Text))
        });
        self.scope.visible = captures
            .chain(LINE)
            .map(|(name, of)| Variable {
                name,
                span: matcher.span,
                of,
            })
            .collect();
        self.truth(condition);
        for name in self.scope.visible.drain(..) {
            self.scope.used.remove(name.name);
        }
        self.scope.below = below;
    }
}
