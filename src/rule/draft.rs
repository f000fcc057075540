//! The text of a rule file → a rule, or every mistake in it.
//!
//! What cannot be read is noted and stands for nothing, so that the rest is still checked; a rule
//! with an error is never handed out.

mod binding;
mod finding;
mod keys;
mod log;
mod names;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::mistake::{Mistake, Mistakes};
use super::nearest::proposal;
use super::quantity::{self, Number};
use super::source::{RuleSource, Span};
use super::tree::{self, Scalar, Tree};
use super::version::VersionRange;
use super::{
    Binding, BindingForm, BindingSource, Category, KindName, LogMatcher, LogSource, Outside, Param,
    Requires, Rule, Status, Versions, duration,
};
use crate::finding::Severity;
use keys::Keys;

const KEYS: [&str; 19] = [
    "id",
    "title",
    "severity",
    "escalate",
    "category",
    "status",
    "description",
    "versions",
    "requires",
    "params",
    "logs",
    "match",
    "unless",
    "finding",
    "remedy",
    "references",
    "aliases",
    "causes",
    "causedBy",
];

/// Reads a rule file. The rule comes with its warnings, or not at all.
pub(super) fn read(source: RuleSource, relations: &[&str]) -> (Option<Rule>, Vec<Mistake>) {
    let source = Arc::new(source);
    let mut mistakes = Mistakes::new(&source);
    let rule = tree::read(&source.text, &mut mistakes).and_then(|tree| {
        let keys = Keys::of(&tree, "a rule", &KEYS, &mut mistakes)?;
        Some(rule(&keys, &source, relations, &mut mistakes))
    });
    let rule = rule.filter(|_| !mistakes.has_error());
    (rule, mistakes.into_list())
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
    relations: &[&str],
    mistakes: &mut Mistakes,
) -> Rule {
    let statuses = [
        ("stable", Status::Stable),
        ("experimental", Status::Experimental),
        ("deprecated", Status::Deprecated),
    ];
    let severity = keys.required("severity", mistakes);
    let title = keys
        .required("title", mistakes)
        .and_then(|title| keys::template(title, mistakes));
    let id = keys
        .required("id", mistakes)
        .and_then(|id| identity(id, &source.name, mistakes));
    let status = keys
        .get("status")
        .and_then(|status| keys::choice(status, &statuses, mistakes));
    let description = keys
        .get("description")
        .and_then(|text| keys::text(text, mistakes));
    let logs = log::matchers(keys.get("logs"), mistakes);
    let bindings = keys.required("match", mistakes);
    let matches = bindings
        .map(|bindings| binding::bindings(bindings, mistakes))
        .unwrap_or_default();
    let stated = keys
        .get("requires")
        .and_then(|requires| requires_stated(requires, mistakes));
    let finding = finding::finding(keys.required("finding", mistakes), mistakes);
    let aliases = keys::list(keys.get("aliases"), mistakes);
    let rule = Rule {
        id: id.unwrap_or_default(),
        title: title.unwrap_or_else(finding::no_template),
        severity: severity
            .and_then(|word| keys::choice(word, &finding::SEVERITIES, mistakes))
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
    names::check(&rule, relations, &places, mistakes);
    rule
}

/// The id, which must be the file's name.
fn identity(tree: &Tree, file: &str, mistakes: &mut Mistakes) -> Option<String> {
    let id = slug(tree, mistakes)?;
    let name = Path::new(file)
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let stem = name
        .strip_suffix(".yaml")
        .or(name.strip_suffix(".yml"))
        .unwrap_or(&name);
    if stem != id {
        mistakes
            .error(
                "BD002",
                tree.span,
                format!("the file is named `{name}`, the rule `{id}`"),
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
    let parts = || text.split('-');
    let valid = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    if !parts().all(valid) {
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
            keys.required("category", mistakes);
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
    let known = [
        "harvester",
        "kubernetes",
        "longhorn",
        "upgradeFrom",
        "upgradeTo",
        "outside",
    ];
    let keys = Keys::of(tree, "`versions`", &known, mistakes)?;
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
    let outside = [("skip", Outside::Skip), ("lower", Outside::Lower)];
    Some(Versions {
        harvester: range("harvester", mistakes),
        kubernetes: range("kubernetes", mistakes),
        longhorn: range("longhorn", mistakes),
        upgrade_from: range("upgradeFrom", mistakes),
        upgrade_to: range("upgradeTo", mistakes),
        outside: keys
            .get("outside")
            .and_then(|word| keys::choice(word, &outside, mistakes))
            .unwrap_or_default(),
    })
}

fn params(tree: Option<&Tree>, mistakes: &mut Mistakes) -> BTreeMap<String, Param> {
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
    let keys = Keys::of(tree, "`requires`", &["kinds", "logs"], mistakes)?;
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
        .collect();
    Some(sorted(requires))
}

/// What a rule cannot do without: what makes rows, and what must not be there. An `optional`, or a
/// `collect` that may be empty, adds to a finding and decides nothing.
fn requires_inferred(bindings: &[Binding], logs: &BTreeMap<String, LogMatcher>) -> Requires {
    let mut requires = Requires::default();
    for binding in bindings {
        let source = match &binding.form {
            BindingForm::Each { source, .. } | BindingForm::None { source, .. } => source,
            BindingForm::Collect { source, min, .. } if *min > 0 => source,
            _ => continue,
        };
        match source {
            BindingSource::Kind(kind) | BindingSource::Object { kind, .. } => {
                requires.kinds.push(kind.clone())
            }
            BindingSource::Logs(name) => {
                let sources = logs
                    .get(&name.value)
                    .map(|matcher| matcher.sources.as_slice());
                requires.logs.extend_from_slice(sources.unwrap_or_default());
            }
            BindingSource::Expression(_) => {}
        }
    }
    sorted(requires)
}

fn sorted(mut requires: Requires) -> Requires {
    requires.kinds.sort();
    requires.kinds.dedup();
    requires.logs.sort();
    requires.logs.dedup();
    requires
}
