//! Reads a case file: its text into cases, each with all that it inherits, or every mistake in it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use crate::parse::time::timestamp;
use crate::rule::RuleSet;
use crate::rule::keys::{self, Keys};
use crate::rule::mistake::{Mistake, Mistakes};
use crate::rule::nearest::proposal;
use crate::rule::source::RuleSource;
use crate::rule::tree::{self, Tree};

use super::Loader;
use super::expect::{self, Expected};
use super::objects::{self, Name};
use super::shapes;

/// A case file.
#[derive(Debug)]
pub(super) struct CaseFile {
    pub(super) rule: String,
    pub(super) source: RuleSource,
    pub(super) now: Timestamp,
    pub(super) defaults: Defaults,
    pub(super) cases: Vec<Case>,
}

/// What the bundle says of itself in all cases.
#[derive(Debug, Default)]
pub(super) struct Defaults {
    pub(super) harvester_version: Option<String>,
    pub(super) kubernetes_version: Option<String>,
    /// The namespaces that were collected; all of them unless stated.
    pub(super) namespaces: Option<Vec<String>>,
    /// Whether objects of cluster scope were collected.
    pub(super) cluster: bool,
}

/// What a case's bundle holds.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub(super) objects: Vec<Value>,
    /// Texts by path.
    pub(super) logs: BTreeMap<String, String>,
    /// A whole bundle instead.
    pub(super) bundle: Option<String>,
}

/// One case.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) span: crate::rule::source::Span,
    pub(super) state: State,
    /// Ids of the rules that run beside the file's own.
    pub(super) with: Vec<String>,
    pub(super) expected: Expected,
    /// Ids of rules, each of which must be a cause of the next one.
    pub(super) chains: Vec<Vec<String>>,
    /// Parts of the reasons for which findings of the rule must be suppressed.
    pub(super) suppressed: Option<Vec<String>>,
    /// Part of the reason for which the rule must not be evaluated.
    pub(super) not_evaluated: Option<String>,
}

/// Reads a case file. It comes with its warnings, or not at all.
pub(super) fn read(
    name: &str,
    text: &str,
    rules: &RuleSet,
    loader: &dyn Loader,
) -> (Option<CaseFile>, Vec<Mistake>) {
    let source = RuleSource::new(name, text);
    let mut mistakes = Mistakes::new(&source);
    let read = tree::read(&source.text, &mut mistakes).and_then(|tree| {
        let mut reader = Reader {
            rules,
            loader,
            source: &source,
            mistakes: &mut mistakes,
        };
        reader.file(&tree)
    });
    let read = read.filter(|_| !mistakes.has_error());
    (read, mistakes.into_list())
}

/// The names of the cases of a file, as far as it can be read.
pub(super) fn names(text: &str) -> Vec<String> {
    let source = RuleSource::new("", text);
    let mut mistakes = Mistakes::new(&source);
    let tree = tree::read(&source.text, &mut mistakes);
    let cases = tree.as_ref().and_then(|tree| keys::child(tree, "cases"));
    let names = keys::list(cases, &mut mistakes).iter().filter_map(|case| {
        match &keys::child(case, "name")?.value {
            tree::Value::Scalar(name) => Some(name.text.to_string()),
            _ => None,
        }
    });
    names.collect()
}

struct Reader<'a> {
    rules: &'a RuleSet,
    loader: &'a dyn Loader,
    source: &'a RuleSource,
    mistakes: &'a mut Mistakes,
}

impl Reader<'_> {
    fn file(&mut self, tree: &Tree) -> Option<CaseFile> {
        let keys = Keys::of(tree, &shapes::FILE, self.mistakes)?;
        let rule = keys.get("rule");
        let now = keys.get("now").and_then(|tree| self.now(tree));
        let defaults = keys
            .get("defaults")
            .map_or_else(|| Some(Defaults::whole()), |tree| self.defaults(tree));
        let mut state = State::default();
        if let Some(tree) = keys.get("objects") {
            let objects = self.objects(tree);
            objects::add(&mut state.objects, objects, tree.head(), self.mistakes);
        }
        if let Some(tree) = keys.get("logs") {
            self.logs(tree, &mut state.logs);
        }
        let rule = self.rule(rule?)?;
        let now = now?;
        let mut cases: Vec<Case> = Vec::new();
        for tree in keys::list(keys.get("cases"), self.mistakes) {
            let case = self.case(tree, &rule, now, &state, &cases);
            cases.extend(case);
        }
        Some(CaseFile {
            rule,
            source: self.source.clone(),
            now,
            defaults: defaults?,
            cases,
        })
    }

    fn now(&mut self, tree: &Tree) -> Option<Timestamp> {
        let text = keys::text(tree, self.mistakes)?;
        let read = timestamp(&text);
        if read.is_none() {
            self.mistakes
                .error("BD040", tree.span, format!("`{text}` is no moment"))
                .help("moments are written `2024-05-01T12:00:00Z`");
        }
        read
    }

    /// The id of a rule named in the file.
    fn rule(&mut self, tree: &Tree) -> Option<String> {
        let name = keys::text(tree, self.mistakes)?;
        if let Some(rule) = self.rules.get(&name) {
            return Some(rule.id.clone());
        }
        let ids = self.rules.rules().iter().map(|rule| rule.id.as_str());
        let help = proposal(&name, ids);
        self.mistakes
            .error("BD002", tree.span, format!("there is no rule `{name}`"))
            .help_if(help);
        None
    }

    fn defaults(&mut self, tree: &Tree) -> Option<Defaults> {
        let keys = Keys::of(tree, &shapes::DEFAULTS, self.mistakes)?;
        let mut defaults = Defaults::whole();
        let Some(bundle) = keys.get("bundle") else {
            return Some(defaults);
        };
        let keys = Keys::of(bundle, &shapes::BUNDLE, self.mistakes)?;
        let mut text = |key: &str| {
            keys.get(key)
                .and_then(|tree| keys::text(tree, self.mistakes))
        };
        defaults.harvester_version = text("harvesterVersion");
        defaults.kubernetes_version = text("kubernetesVersion");
        if let Some(tree) = keys.get("namespaces") {
            defaults.namespaces = Some(expect::texts(tree, self.mistakes));
        }
        if let Some(tree) = keys.get("cluster") {
            defaults.cluster = keys::truth(tree, self.mistakes)?;
        }
        Some(defaults)
    }

    fn objects(&mut self, tree: &Tree) -> Vec<Value> {
        let loader = self.loader;
        objects::read(tree, self.mistakes, |tree, mistakes| {
            text_or_file(tree, loader, mistakes)
        })
    }

    /// Texts by path, over those that are there; a null takes one away.
    fn logs(&mut self, tree: &Tree, logs: &mut BTreeMap<String, String>) {
        for entry in keys::entries(tree, "logs", self.mistakes).unwrap_or_default() {
            let path = entry.key.value.to_string();
            if matches!(&entry.value.value, tree::Value::Scalar(scalar) if scalar.is_null()) {
                logs.remove(&path);
                continue;
            }
            let known = crate::layout::Layout::bundle().source(&path);
            if known == crate::layout::Source::Unknown {
                self.mistakes
                    .error("BD014", entry.key.span, format!("`{path}` is no path of a bundle"))
                    .help("paths are `logs/<namespace>/<pod>/<container>.log`, `nodes/<node>/logs/kernel.log`, `nodes/<node>/scc/<file>.txt`, `bundleGenerationError.log`");
            }
            if let Some(text) = text_or_file(&entry.value, self.loader, self.mistakes) {
                logs.insert(path, text);
            }
        }
    }

    fn case(
        &mut self,
        tree: &Tree,
        rule: &str,
        now: Timestamp,
        file: &State,
        earlier: &[Case],
    ) -> Option<Case> {
        let keys = Keys::of(tree, &shapes::CASE, self.mistakes)?;
        let named = keys.get("name");
        let name = named.and_then(|tree| keys::text(tree, self.mistakes));
        let span = named.map_or(tree.head(), |tree| tree.span);
        if let Some(name) = &name
            && earlier.iter().any(|case| case.name == *name)
        {
            self.mistakes
                .error("BD001", span, "another case has this name");
        }
        let mut state = match keys.get("from") {
            Some(tree) => self.inherited(tree, earlier)?,
            None => file.clone(),
        };
        if let Some(tree) = keys.get("bundle") {
            state = State {
                bundle: keys::text(tree, self.mistakes),
                ..State::default()
            };
        }
        self.change(&keys, &mut state);
        let mut with = Vec::new();
        for tree in keys::list(keys.get("with"), self.mistakes) {
            with.extend(self.rule(tree));
        }
        let expected = match keys.get("expect") {
            Some(tree) => expect::read(tree, rule, now, self.mistakes),
            None => Expected::Findings(Vec::new()),
        };
        self.check_rules(&expected, rule, &with, tree);
        let chains = keys::list(keys.get("chains"), self.mistakes)
            .iter()
            .map(|chain| expect::texts(chain, self.mistakes))
            .collect();
        let suppressed = keys.get("suppressed").map(|tree| {
            let reasons = keys::list(Some(tree), self.mistakes).iter();
            let reasons = reasons.flat_map(|tree| expect::parts(tree, self.mistakes));
            reasons.collect()
        });
        let not_evaluated = keys
            .get("notEvaluated")
            .and_then(|tree| keys::text(tree, self.mistakes));
        Some(Case {
            name: name?,
            line: line_of(&self.source.text, span.start),
            span,
            state,
            with,
            expected,
            chains,
            suppressed,
            not_evaluated,
        })
    }

    /// What an earlier case holds.
    fn inherited(&mut self, tree: &Tree, earlier: &[Case]) -> Option<State> {
        let name = keys::text(tree, self.mistakes)?;
        let found = earlier.iter().find(|case| case.name == name);
        if found.is_none() {
            let names = earlier.iter().map(|case| case.name.as_str());
            let help = proposal(&name, names);
            self.mistakes
                .error("BD001", tree.span, "no case above has this name")
                .help_if(help);
        }
        found.map(|case| case.state.clone())
    }

    fn change(&mut self, keys: &Keys<'_>, state: &mut State) {
        if let Some(tree) = keys.get("add") {
            let new = self.objects(tree);
            objects::add(&mut state.objects, new, tree.head(), self.mistakes);
        }
        if let Some(tree) = keys.get("patch") {
            for entry in keys::entries(tree, "patch", self.mistakes).unwrap_or_default() {
                let span = entry.key.span;
                let is_map = keys::entries(&entry.value, "a patch", self.mistakes).is_some();
                if let Some(name) = self.name(&entry.key.value, span).filter(|_| is_map) {
                    let fields = entry.value.to_json();
                    objects::patch(&mut state.objects, &name, &fields, span, self.mistakes);
                }
            }
        }
        for tree in keys::list(keys.get("remove"), self.mistakes) {
            let text = keys::text(tree, self.mistakes);
            if let Some(name) = text.and_then(|text| self.name(&text, tree.span)) {
                objects::remove(&mut state.objects, &name, tree.span, self.mistakes);
            }
        }
        if let Some(tree) = keys.get("logs") {
            self.logs(tree, &mut state.logs);
        }
    }

    fn name(&mut self, text: &str, span: crate::rule::source::Span) -> Option<Name> {
        let name = Name::parse(text);
        if name.is_none() {
            self.mistakes
                .error("BD001", span, format!("`{text}` names no object"))
                .help("objects are named `Kind/name`, `Kind/namespace/name`, `group/Kind/namespace/name`");
        }
        name
    }

    /// Only rules that run can be expected to find something.
    fn check_rules(&mut self, expected: &Expected, own: &str, with: &[String], tree: &Tree) {
        let Expected::Findings(expectations) = expected else {
            return;
        };
        for expectation in expectations {
            let rule = &expectation.rule;
            if rule != own && !with.contains(rule) {
                let message = format!("a finding of `{rule}` is expected, which does not run here");
                self.mistakes
                    .error("BD002", tree.head(), message)
                    .help("name it under `with`");
            }
        }
    }
}

impl Defaults {
    /// Everything was collected.
    fn whole() -> Self {
        Defaults {
            cluster: true,
            ..Defaults::default()
        }
    }
}

/// A text, or that of `{ file: path }`.
fn text_or_file(tree: &Tree, loader: &dyn Loader, mistakes: &mut Mistakes) -> Option<String> {
    if !matches!(tree.value, tree::Value::Map(_)) {
        return Some(keys::scalar(tree, "text", mistakes)?.text.to_string());
    }
    let keys = Keys::of(tree, &shapes::TEXT_FILE, mistakes)?;
    let file = keys.get("file")?;
    let path = keys::text(file, mistakes)?;
    loader
        .text(&path)
        .map_err(|reason| {
            mistakes.error("BD001", file.span, reason);
        })
        .ok()
}

/// 1-based line of a byte.
fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}
