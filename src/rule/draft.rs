//! The text of a rule file → a rule, or every mistake in it.
//!
//! What cannot be read is noted and stands for nothing, so that the rest is still checked; a rule
//! with an error is never handed out.

mod binding;
mod finding;
mod log;
mod names;
mod shapes;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use smol_str::SmolStr;

use super::keys::{self, Keys};
use super::mistake::{Mistake, Mistakes};
use super::quantity::{self, Number};
use super::schema::Schema;
use super::shape::{self, Wants};
use super::source::{RuleSource, Span};
use super::tree::{self, Scalar, Tree};
use super::version::VersionRange;
use super::{
    Binding, BindingForm, BindingSource, Category, LogMatcher, Param, Requires, Rule, Versions,
    duration,
};
use crate::finding::Severity;

/// The shape of a rule file as JSON Schema.
pub(super) fn file_schema() -> serde_json::Value {
    static FILE: Wants = Wants::Map(&shapes::RULE);
    shape::json_schema(&FILE, "Rule of bundle-doctor")
}

/// Reads a rule file. The rule comes with its warnings, or not at all.
/// Without a schema its names and types are taken as right, as those of the built-in rules, which
/// tests check. A `recording` of the text spares parsing it.
pub(super) fn read(
    source: RuleSource,
    recording: Option<&[u8]>,
    schema: Option<&Schema>,
) -> (Option<Rule>, Vec<Mistake>) {
    let source = Arc::new(source);
    let mut mistakes = Mistakes::new(&source);
    let tree = match recording {
        Some(recording) => tree::replay(&source.text, recording, &mut mistakes),
        None => tree::read(&source.text, &mut mistakes),
    };
    let rule = tree.and_then(|tree| {
        let keys = Keys::of(&tree, &shapes::RULE, &mut mistakes)?;
        Some(rule(&keys, &source, schema, &mut mistakes))
    });
    let rule = rule.filter(|_| !mistakes.has_error());
    (rule, mistakes.into_list())
}

/// The name of a rule file without its folder and its ending: the id of its rule.
pub(super) fn stem(file: &str) -> String {
    let name = Path::new(file)
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let name = name.unwrap_or_default();
    let stem = name.strip_suffix(".yaml").or(name.strip_suffix(".yml"));
    stem.unwrap_or(&name).to_owned()
}

/// Reads a constant of a rule. Durations win over quantities: `30m` is half an hour.
pub(super) fn param(text: &str, plain: bool) -> Param {
    match text {
        "true" if plain => return Param::Bool(true),
        "false" if plain => return Param::Bool(false),
        _ => {}
    }
    if let Ok(number) = text.parse::<i64>() {
        return if plain {
            Param::Number(Number::Integer(number))
        } else {
            Param::Text(text.to_owned())
        };
    }
    let decimal = text
        .bytes()
        .all(|c| c.is_ascii_digit() || b"+-.eE".contains(&c));
    if let Some(number) = text
        .parse::<f64>()
        .ok()
        .filter(|number| plain && decimal && number.is_finite())
    {
        return Param::Number(Number::Float(number));
    }
    if let Some(duration) = duration::parse(text) {
        return Param::Duration(duration);
    }
    match quantity::parse(text).filter(|_| !decimal) {
        Some(quantity) => Param::Quantity(quantity),
        None => Param::Text(text.to_owned()),
    }
}

fn rule(
    keys: &Keys<'_>,
    source: &Arc<RuleSource>,
    schema: Option<&Schema>,
    mistakes: &mut Mistakes,
) -> Rule {
    let severity = keys.get("severity");
    let title = keys
        .get("title")
        .and_then(|title| keys::template(title, mistakes));
    let id = keys
        .get("id")
        .and_then(|id| identity(id, &source.name, mistakes));
    let status = keys
        .get("status")
        .and_then(|status| keys::choice(status, &shapes::STATUSES, mistakes));
    let description = keys
        .get("description")
        .and_then(|text| keys::text(text, mistakes));
    let logs = log::matchers(keys.get("logs"), mistakes);
    let bindings = keys.get("match");
    let matches = bindings
        .map(|bindings| binding::bindings(bindings, mistakes))
        .unwrap_or_default();
    let stated = keys
        .get("requires")
        .and_then(|requires| requires_stated(requires, mistakes));
    let finding = finding::finding(keys.get("finding"), mistakes);
    let aliases = keys::list(keys.get("aliases"), mistakes);
    let rule = Rule {
        id: id.unwrap_or_default(),
        title: title.unwrap_or_else(finding::no_template),
        severity: severity
            .and_then(|word| keys::choice(word, &shape::SEVERITIES, mistakes))
            .unwrap_or(Severity::Info),
        escalate: finding::escalations(keys.get("escalate"), mistakes),
        category: category(keys, &source.name, mistakes).unwrap_or(Category::Bundle),
        status: status.unwrap_or_default(),
        description,
        versions: keys
            .get("versions")
            .and_then(|tree| versions(tree, mistakes))
            .unwrap_or_default(),
        requires: stated.unwrap_or_else(|| requires_inferred(&matches, &logs)),
        params: params(keys.get("params"), mistakes),
        unless: binding::exceptions(keys.get("unless"), mistakes),
        remedy: finding::remedies(keys.get("remedy"), mistakes),
        references: finding::references(keys.get("references"), mistakes),
        aliases: aliases
            .iter()
            .filter_map(|alias| slug(alias, mistakes))
            .collect(),
        causes: finding::links(keys.get("causes"), &finding, mistakes),
        caused_by: finding::links(keys.get("causedBy"), &finding, mistakes),
        logs,
        matches,
        finding,
        source: Arc::clone(source),
    };
    if let Some(schema) = schema {
        check_names(&rule, keys, schema, mistakes);
    }
    rule
}

/// Checks names and types of every expression of a rule that was read from `keys`.
fn check_names(rule: &Rule, keys: &Keys<'_>, schema: &Schema, mistakes: &mut Mistakes) {
    let places = ["params", "logs"].into_iter().flat_map(|what| {
        let entries = keys.get(what).map(|tree| &tree.value);
        let entries = match entries {
            Some(tree::Value::Map(entries)) => entries.as_slice(),
            _ => &[],
        };
        entries
            .iter()
            .map(move |entry| (format!("{what}.{}", entry.key.value), entry.key.span))
    });
    let places: Vec<(String, Span)> = places.collect();
    let stated = match keys.get("match").map(|tree| &tree.value) {
        Some(tree::Value::List(list)) => list.len(),
        _ => usize::MAX,
    };
    let incomplete = rule.matches.len() < stated;
    names::check(rule, schema, &places, incomplete, mistakes);
}

/// The id, which must be the file's name.
fn identity(tree: &Tree, file: &str, mistakes: &mut Mistakes) -> Option<String> {
    let id = slug(tree, mistakes)?;
    let stem = stem(file);
    if stem != id {
        mistakes
            .error(
                "BD002",
                tree.span,
                format!("the file is named `{stem}`, the rule `{id}`"),
            )
            .help(format!(
                "a rule is found by its file: name the file `{id}.yaml`"
            ));
    }
    Some(id)
}

/// A name in kebab-case.
fn slug(tree: &Tree, mistakes: &mut Mistakes) -> Option<String> {
    let scalar = keys::scalar(tree, "a name", mistakes)?;
    let text = scalar.text.as_str();
    if !super::is_id(text) {
        mistakes
            .error("BD001", tree.span, format!("`{text}` is not in kebab-case"))
            .help("write it in lower case letters and digits, its words joined by `-`");
        return None;
    }
    Some(text.to_owned())
}

/// The category: the folder, unless that is none.
fn category(keys: &Keys<'_>, file: &str, mistakes: &mut Mistakes) -> Option<Category> {
    let folder = Path::new(file)
        .parent()
        .and_then(Path::file_name)
        .map(|name| name.to_string_lossy().into_owned());
    let folder = folder.as_deref().and_then(Category::parse);
    let Some(tree) = keys.get("category") else {
        if folder.is_none() {
            keys.missing("category", mistakes);
        }
        return folder;
    };
    let stated = keys::choice(
        tree,
        &Category::ALL.map(|category| (category.name(), category)),
        mistakes,
    )?;
    if let Some(folder) = folder.filter(|folder| *folder != stated) {
        let (stated, folder) = (stated.name(), folder.name());
        mistakes
            .error(
                "BD001",
                tree.span,
                format!("the category is `{stated}`, the folder `{folder}`"),
            )
            .help(format!(
                "move the file to the folder `{stated}`, or write `category: {folder}`"
            ));
    }
    Some(stated)
}

fn versions(tree: &Tree, mistakes: &mut Mistakes) -> Option<Versions> {
    let keys = Keys::of(tree, &shapes::VERSIONS, mistakes)?;
    let range = |key: &str, mistakes: &mut Mistakes| {
        let tree = keys.get(key)?;
        let scalar = keys::scalar(tree, "a range of versions", mistakes)?;
        match VersionRange::parse(&scalar.text) {
            Ok(range) => Some(range),
            Err(error) => {
                let span = scalar.passage().span(error.range.start, error.range.end);
                mistakes
                    .error("BD040", span, error.message)
                    .help_if(error.help);
                None
            }
        }
    };
    Some(Versions {
        harvester: range("harvester", mistakes),
        kubernetes: range("kubernetes", mistakes),
        longhorn: range("longhorn", mistakes),
        upgrade_from: range("upgradeFrom", mistakes),
        upgrade_to: range("upgradeTo", mistakes),
        outside: keys
            .get("outside")
            .and_then(|word| keys::choice(word, &shapes::OUTSIDE, mistakes))
            .unwrap_or_default(),
    })
}

fn params(tree: Option<&Tree>, mistakes: &mut Mistakes) -> BTreeMap<SmolStr, Param> {
    let Some(entries) = tree.and_then(|tree| keys::entries(tree, "`params`", mistakes)) else {
        return BTreeMap::new();
    };
    entries
        .iter()
        .filter_map(|entry| {
            keys::check_name(&entry.key.value, entry.key.span, mistakes);
            let Scalar { text, plain, .. } =
                keys::scalar(&entry.value, "a number, text or duration", mistakes)?;
            Some((entry.key.value.clone(), param(text, *plain)))
        })
        .collect()
}

fn requires_stated(tree: &Tree, mistakes: &mut Mistakes) -> Option<Requires> {
    let keys = Keys::of(tree, &shapes::REQUIRES, mistakes)?;
    let mut requires = Requires::default();
    for kind in keys::list(keys.get("kinds"), mistakes) {
        let Some(scalar) = keys::scalar(kind, "a kind", mistakes) else {
            continue;
        };
        match binding::kind_name(&scalar.text) {
            Some(kind) => requires.kinds.push(kind),
            None => {
                mistakes
                    .error("BD014", kind.span, format!("`{}` is no kind", scalar.text))
                    .help("kinds are written `Node`, `longhorn.io/Volume`, `doctor/Disk`");
            }
        }
    }
    let logs = keys::list(keys.get("logs"), mistakes);
    requires.logs = logs
        .iter()
        .filter_map(|source| log::log_source(source, mistakes))
        .map(|source| vec![source])
        .collect();
    Some(sorted(requires))
}

/// What a rule cannot do without: what makes rows, and what must not be there. An `optional`, or a
/// `collect` that may be empty, adds to a finding and decides nothing.
fn requires_inferred(bindings: &[Binding], logs: &BTreeMap<SmolStr, LogMatcher>) -> Requires {
    let mut requires = Requires::default();
    for binding in bindings {
        let source = match &binding.form {
            BindingForm::Each { source, .. } | BindingForm::None { source, .. } => source,
            BindingForm::Collect { source, min, .. } if *min > 0 => source,
            _ => continue,
        };
        match source {
            BindingSource::Kind(kind) | BindingSource::Object { kind, .. } => {
                requires.kinds.push(kind.value.clone())
            }
            BindingSource::Logs(name) => {
                let sources = logs
                    .get(&name.value)
                    .map(|matcher| matcher.sources.as_slice());
                requires.logs.push(sources.unwrap_or_default().to_vec());
            }
            BindingSource::Expression(_) => {}
        }
    }
    sorted(requires)
}

fn sorted(mut requires: Requires) -> Requires {
    requires.kinds.sort();
    requires.kinds.dedup();
    requires.logs.iter_mut().for_each(|group| group.sort());
    requires.logs.sort();
    requires.logs.dedup();
    requires
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::{RuleErrors, RuleSet};
    use crate::scan::{NodeLog, SourceSpec};

    /// A rule without a mistake, from which each bad one is made by replacing some text.
    const GOOD: &str = "\
id: good
title: \"{{ node.metadata.name }} is lost\"
severity: error
params: { patience: 20m }
logs:
  lost:
    source: node/kernel
    pattern: 'lost (?P<what>\\w+)'
    group: [node, what]
match:
  - each: node
    in: Node
    where: cond(it, 'Ready').status != 'True' && age(cond(it, 'Ready').since) > params.patience
  - optional: line
    in: logs.lost
    where: it.node == node
finding:
  subject: node
  exports: { node: node }
  message: Lost.
  evidence:
    - { log: line, limit: 2 }
remedy:
  - { text: Look at it., command: kubectl get nodes, risk: safe }
";

    fn mistakes(file: &str, text: &str) -> RuleErrors {
        match RuleSet::from_texts(&[(file, text)]) {
            Ok(set) => set.warnings().clone(),
            Err(errors) => errors,
        }
    }

    #[cfg(feature = "fancy")]
    fn render(errors: &RuleErrors) -> String {
        let theme = miette::GraphicalTheme::unicode_nocolor();
        let handler = miette::GraphicalReportHandler::new_themed(theme)
            .with_width(100)
            .with_links(false);
        let mut out = String::new();
        for mistake in &errors.mistakes {
            handler.render_report(&mut out, mistake).unwrap();
        }
        out
    }

    #[test]
    fn a_good_rule_has_no_mistake() {
        let errors = mistakes("rules/node/good.yaml", GOOD);
        assert!(errors.mistakes.is_empty(), "{:?}", errors.mistakes);
    }

    #[cfg(feature = "fancy")]
    #[test]
    fn every_mistake_is_shown_at_its_place() {
        let table: &[(&str, &[(&str, &str)])] = &[
            ("yaml-syntax", &[("title: ", "title: [")]),
            (
                "duplicate-key",
                &[("severity: error", "severity: error\nid: good")],
            ),
            (
                "unknown-keys",
                &[
                    ("severity:", "severty:"),
                    ("limit: 2", "limits: 2"),
                    ("    where: it.node", "    were: it.node"),
                ],
            ),
            (
                "missing-keys",
                &[
                    ("severity: error\n", ""),
                    ("  subject: node\n", ""),
                    ("    in: Node\n", ""),
                ],
            ),
            (
                "wrong-types",
                &[
                    ("match:", "unless: 5\nmatch:"),
                    ("limit: 2", "limit: two"),
                    ("exports: { node: node }", "exports: [node]"),
                ],
            ),
            (
                "wrong-words",
                &[
                    ("severity: error", "severity: eror"),
                    ("risk: safe", "risk: none"),
                ],
            ),
            (
                "id-and-file",
                &[
                    ("id: good", "id: other"),
                    ("severity: error", "severity: error\naliases: [Bad Name]"),
                ],
            ),
            (
                "category-and-folder",
                &[("severity: error", "severity: error\ncategory: storage")],
            ),
            (
                "anchors-and-tags",
                &[
                    ("title: ", "title: &title "),
                    ("subject: node", "subject: !object node"),
                    ("it.node == node", "*it"),
                ],
            ),
            (
                "binding-forms",
                &[
                    ("- each: node", "- eech: node"),
                    ("- optional: line", "- optional: line\n    none: line"),
                ],
            ),
            ("expression-syntax", &[("params.patience", "10m")]),
            (
                "expression-folded",
                &[(
                    "cond(it, 'Ready').status != 'True' && ",
                    ">-\n      cond(it, 'Ready').status != 'True' &&\n\n      agee(node) &&\n      ",
                )],
            ),
            (
                "expression-literal",
                &[(
                    "cond(it, 'Ready').status != 'True' && ",
                    "|\n      cond(it, 'Ready')\n        .status != 'é' && foo\n      && ",
                )],
            ),
            (
                "expression-quoted",
                &[(
                    "it.node == node",
                    "\"it.node == \\\"\\u00e9\\\" \\\n      + nodes\"",
                )],
            ),
            (
                "calls",
                &[(
                    "it.node == node",
                    "age(now, 1) > params.patience && it.what.startsWth('a') && age.exists('x', true) && it.samples.exists(x) && has(it)",
                )],
            ),
            (
                "names",
                &[(
                    "- optional: line",
                    "- when: line.count > 1 && nod.x && params.patients && logs.nothing.size() > 0 && it\n  - optional: line",
                )],
            ),
            (
                "hidden-names",
                &[(
                    "- optional: line",
                    "- let: node\n    value: 1\n  - let: it\n    value: node.map(node, node)\n  - optional: line",
                )],
            ),
            (
                "unused",
                &[
                    ("    - { log: line, limit: 2 }\n", ""),
                    ("  evidence:\n", ""),
                    ("params: { patience", "params: { more: 1, patience"),
                ],
            ),
            (
                "none-has-no-element",
                &[
                    ("- optional: line", "- none: line"),
                    ("Lost.", "'{{ line.count }} lines'"),
                    ("    - { log: line, limit: 2 }\n", ""),
                    ("  evidence:\n", ""),
                ],
            ),
            (
                "sources",
                &[
                    ("in: Node", "in: 5 + 5"),
                    ("node/kernel", "node/kernal"),
                    ("in: logs.lost", "in: Node a b"),
                ],
            ),
            (
                "more-sources",
                &[("node/kernel", "[pod/a/b, nod/x, node/supportconfig/x.txt]")],
            ),
            (
                "patterns",
                &[(
                    "lost (?P<what>\\w+)'",
                    "lost (?P<waht>\\w+)'\n    not: '(?=x)'\n    clear: 'x*'",
                )],
            ),
            ("pattern-escape", &[("lost (?P", "lo\\yst (?P")]),
            (
                "pattern-names",
                &[
                    ("(?P<what>", "(?P<count>"),
                    ("[node, what]", "[node]"),
                    ("severity:", "description: ''\nseverity:"),
                ],
            ),
            (
                "patterns-in-expressions",
                &[(
                    "it.node == node",
                    "it.what.matches('a(') || it.what.extract('a') == it.what || it.what.find(it.what) == 'x'",
                )],
            ),
            (
                "templates",
                &[
                    ("Lost.", "\"{{ node.metadata.name is lost\""),
                    ("Look at it.", "'{{ a b }} {{ }}'"),
                ],
            ),
            (
                "versions",
                &[(
                    "severity: error",
                    "severity: error\nversions: { harvester: '>=1.4 || 1.5', kubernetes: '>2 <1', longhorn: [1] }",
                )],
            ),
            (
                "durations",
                &[
                    (
                        "group: [node, what]",
                        "group: [node, what]\n    since: 5 minutes\n    steady: [that]\n    count: { min: 3, within: 5x }",
                    ),
                    (
                        "it.node == node",
                        "age(it.last.time) > duration('10 m') && inRange('1.0', '>x') && quantity('5GiB') > 1 && semver('x') == semver('v1')",
                    ),
                ],
            ),
            (
                "remedies",
                &[
                    (", risk: safe", ", link: 'http://x.y'"),
                    (
                        "remedy:",
                        "references: [ftp://x, { url: 'https://ok.example' }]\nremedy:",
                    ),
                ],
            ),
            (
                "empty-text",
                &[(
                    "it.node == node",
                    "it.what == '' || '' != it.what || it.what == null",
                )],
            ),
            (
                "links",
                &[(
                    "severity: error",
                    "severity: error\ncauses: [{ rule: godo }, { rule: good }, { rule: nod/*, same: [nodes] }]",
                )],
            ),
            (
                "paths",
                &[(
                    "- { log: line, limit: 2 }",
                    "- { object: node, fields: [status.., 'a[b'] }\n    - { log: line, fields: [x] }",
                )],
            ),
            ("empty-match", &[("match:\n", "match: []\nother:\n")]),
        ];
        for (name, changes) in table {
            let mut text = GOOD.to_owned();
            for (from, to) in *changes {
                assert!(text.contains(from), "{name}: {from}");
                text = text.replace(from, to);
            }
            insta::assert_snapshot!(*name, render(&mistakes("rules/node/good.yaml", &text)));
        }
    }

    #[test]
    fn params() {
        let table = [
            ("5", true, Param::Number(Number::Integer(5))),
            ("-0.5", true, Param::Number(Number::Float(-0.5))),
            ("1e3", true, Param::Number(Number::Float(1000.0))),
            ("5", false, Param::Text("5".to_owned())),
            ("true", true, Param::Bool(true)),
            ("true", false, Param::Text("true".to_owned())),
            (
                "30m",
                true,
                Param::Duration(jiff::SignedDuration::from_mins(30)),
            ),
            ("512Mi", true, Param::Quantity(Number::Integer(512 << 20))),
            ("5G", false, Param::Quantity(Number::Integer(5_000_000_000))),
            ("nan", true, Param::Text("nan".to_owned())),
            ("word", true, Param::Text("word".to_owned())),
        ];
        for (text, plain, wanted) in table {
            assert_eq!(param(text, plain), wanted, "{text}");
        }
    }

    #[test]
    fn requirements_are_inferred() {
        let text = GOOD.replace("- optional: line", "- each: line");
        let set = RuleSet::from_texts(&[(
            "good.yaml",
            &text.replace("severity", "category: node\nseverity"),
        )])
        .unwrap();
        let requires = &set.rules()[0].requires;
        assert_eq!(requires.kinds.len(), 1);
        assert_eq!(requires.logs, [[SourceSpec::Node(NodeLog::Kernel)]]);
        let set = RuleSet::from_texts(&[("node/good.yaml", GOOD)]).unwrap();
        assert!(set.rules()[0].requires.logs.is_empty());
    }
}
