//! `logs`: sources, patterns, thresholds.

use std::collections::BTreeMap;
use std::sync::Arc;

use smol_str::SmolStr;

use super::keys::{self, Keys};
use super::shapes;
use crate::rule::mistake::Mistakes;
use crate::rule::nearest::proposal;
use crate::rule::pattern;
use crate::rule::source::Spanned;
use crate::rule::tree::{Tree, Value};
use crate::rule::{LogMatcher, Threshold};
use crate::scan::{Measure, NodeLog, PLACES, Pattern, SourceSpec};

/// Fields of every record, which no capture may hide.
const TAKEN: [&str; 10] = [
    "node",
    "pod",
    "namespace",
    "container",
    "count",
    "first",
    "last",
    "samples",
    "line",
    "time",
];

/// Reads `logs`.
pub(super) fn matchers(
    tree: Option<&Tree>,
    mistakes: &mut Mistakes,
) -> BTreeMap<SmolStr, LogMatcher> {
    let Some(entries) = tree.and_then(|tree| keys::entries(tree, "`logs`", mistakes)) else {
        return BTreeMap::new();
    };
    entries
        .iter()
        .filter_map(|entry| {
            keys::check_name(&entry.key.value, entry.key.span, mistakes);
            Some((entry.key.value.clone(), matcher(&entry.value, mistakes)?))
        })
        .collect()
}

fn matcher(tree: &Tree, mistakes: &mut Mistakes) -> Option<LogMatcher> {
    let keys = Keys::of(tree, &shapes::LOG_MATCHER, mistakes)?;
    let sources = keys
        .get("source")
        .map(keys::one_or_many)
        .unwrap_or_default();
    let sources = sources
        .iter()
        .filter_map(|source| log_source(source, mistakes))
        .collect();
    let patterns = patterns(&keys, mistakes);
    let clear = keys
        .get("clear")
        .and_then(|clear| read_pattern(clear, mistakes));
    let names = |key: &str, mistakes: &mut Mistakes| -> Vec<Spanned<SmolStr>> {
        let list = keys::list(keys.get(key), mistakes);
        list.iter()
            .filter_map(|name| keys::name(name, mistakes))
            .collect()
    };
    let group = names("group", mistakes);
    let steady = names("steady", mistakes);
    let measure = measures(keys.get("measure"), mistakes);
    check_group(&group, &patterns, clear.as_ref(), mistakes);
    for name in steady.iter().chain(measure.iter().map(|(name, _)| name)) {
        check_capture(name, &patterns, mistakes);
    }
    let still = keys
        .get("still")
        .and_then(|still| keys::positive_duration(still, mistakes));
    Some(LogMatcher {
        sources,
        patterns,
        not: keys.get("not").and_then(|not| read_pattern(not, mistakes)),
        condition: keys
            .get("where")
            .map(|condition| keys::expression(condition, mistakes)),
        group: match keys.get("group") {
            Some(_) => group.into_iter().map(|name| name.value).collect(),
            None => vec!["file".into()],
        },
        threshold: threshold(keys.get("count"), mistakes),
        since: keys
            .get("since")
            .and_then(|since| keys::positive_duration(since, mistakes)),
        still,
        steady: steady.into_iter().map(|name| name.value).collect(),
        clear,
        measure: measure
            .into_iter()
            .map(|(name, measure)| (name.value, measure))
            .collect(),
        sample: keys
            .get("sample")
            .and_then(|sample| keys::positive(sample, mistakes))
            .unwrap_or(3),
        span: tree.span,
    })
}

fn patterns(keys: &Keys<'_>, mistakes: &mut Mistakes) -> Vec<Spanned<Arc<Pattern>>> {
    let stated = match (keys.get("pattern"), keys.get("any")) {
        (Some(pattern), None) => std::slice::from_ref(pattern),
        (None, any) => keys::list(any, mistakes),
        (Some(_), Some(_)) => &[],
    };
    stated
        .iter()
        .filter_map(|pattern| read_pattern(pattern, mistakes))
        .collect()
}

fn read_pattern(tree: &Tree, mistakes: &mut Mistakes) -> Option<Spanned<Arc<Pattern>>> {
    let scalar = keys::scalar(tree, "a regular expression", mistakes)?;
    let read = match pattern::read_of_log(&scalar.text) {
        Ok(read) => read,
        Err(error) => {
            let span = error.range.map_or(tree.span, |range| {
                scalar.passage().span(range.start, range.end)
            });
            mistakes
                .error("BD020", span, error.message)
                .help_if(error.help);
            return None;
        }
    };
    for name in read
        .captures()
        .iter()
        .filter(|name| TAKEN.contains(&name.as_str()))
    {
        mistakes
            .error(
                "BD020",
                tree.span,
                format!("a capture may not be named `{name}`"),
            )
            .help(format!("every record has a field `{name}` of its own"));
    }
    Some(Spanned::new(Arc::new(read), tree.span))
}

/// A record is one tuple of the fields of `group`, so each hit must have all of them.
fn check_group(
    group: &[Spanned<SmolStr>],
    patterns: &[Spanned<Arc<Pattern>>],
    clear: Option<&Spanned<Arc<Pattern>>>,
    mistakes: &mut Mistakes,
) {
    for name in group
        .iter()
        .filter(|name| !PLACES.contains(&name.value.as_str()))
    {
        for pattern in patterns.iter().chain(clear) {
            let captures = pattern.value.captures();
            if !captures.contains(&name.value) {
                let captures = captures.iter().map(SmolStr::as_str).chain(PLACES);
                mistakes
                    .error(
                        "BD020",
                        name.span,
                        format!("not every pattern has a capture `{}`", name.value),
                    )
                    .label("grouped by here")
                    .also(pattern.span, "not captured here")
                    .help(
                        proposal(&name.value, captures)
                            .unwrap_or_else(|| format!("write `(?P<{}>…)`", name.value)),
                    );
            }
        }
    }
}

fn check_capture(
    name: &Spanned<SmolStr>,
    patterns: &[Spanned<Arc<Pattern>>],
    mistakes: &mut Mistakes,
) {
    let captures = || patterns.iter().flat_map(|pattern| pattern.value.captures());
    if !captures().any(|capture| *capture == name.value) {
        let help = proposal(&name.value, captures().map(SmolStr::as_str));
        mistakes
            .error(
                "BD020",
                name.span,
                format!("no pattern has a capture `{}`", name.value),
            )
            .help_if(help);
    }
}

fn measures(tree: Option<&Tree>, mistakes: &mut Mistakes) -> Vec<(Spanned<SmolStr>, Measure)> {
    let Some(entries) = tree.and_then(|tree| keys::entries(tree, "`measure`", mistakes)) else {
        return Vec::new();
    };
    entries
        .iter()
        .filter_map(|entry| {
            Some((
                entry.key.clone(),
                keys::choice(&entry.value, &shapes::MEASURES, mistakes)?,
            ))
        })
        .collect()
}

fn threshold(tree: Option<&Tree>, mistakes: &mut Mistakes) -> Threshold {
    let mut threshold = Threshold {
        min: 1,
        within: None,
    };
    let count = |tree: &Tree, mistakes: &mut Mistakes| {
        keys::positive(tree, mistakes)
            .and_then(|number| u64::try_from(number).ok())
            .unwrap_or(1)
    };
    match tree {
        Some(tree) if matches!(tree.value, Value::Map(_)) => {
            if let Some(keys) = Keys::of(tree, &shapes::COUNT, mistakes) {
                threshold.min = keys.get("min").map_or(1, |min| count(min, mistakes));
                let within = keys.get("within");
                threshold.within =
                    within.and_then(|within| keys::positive_duration(within, mistakes));
            }
        }
        Some(tree) => threshold.min = count(tree, mistakes),
        None => {}
    }
    threshold
}

/// Reads the name of a log source.
pub(super) fn log_source(tree: &Tree, mistakes: &mut Mistakes) -> Option<SourceSpec> {
    let scalar = keys::scalar(tree, "a log source", mistakes)?;
    let text = scalar.text.as_str();
    let mut fail = |message: String, help: String| {
        mistakes.error("BD014", tree.span, message).help(help);
        None
    };
    let spaced = text.contains(char::is_whitespace);
    let parts: Vec<&str> = text.split('/').collect();
    match (SourceSpec::parse(text), parts.as_slice()) {
        (Some(SourceSpec::Pod { .. }), ["pod", names @ ..])
            if let Some(odd) = names.iter().find_map(|name| name.chars().find(is_odd)) =>
        {
            fail(
                format!("no container log is `{text}`: names have no `{odd}`"),
                "names are of lower case letters, digits, `-` and `.`; `*` stands for any".to_owned(),
            )
        }
        (Some(source), _) if !spaced => Some(source),
        (_, ["node", name]) => {
            let names = NodeLog::ALL.map(NodeLog::name);
            let help = proposal(name, names);
            fail(
                format!("a node has no log `{name}`"),
                help.unwrap_or_else(|| format!("its logs are: {}, supportconfig/<file>", names.join(", "))),
            )
        }
        (_, ["pod", ..]) => fail(
            format!("`{text}` names no container logs"),
            "pod logs are named `pod/<namespace>/<pod>/<container>`, each with `*` where it varies".to_owned(),
        ),
        _ => fail(
            format!("there is no log source `{text}`"),
            "sources are `node/<log>`, `node/supportconfig/<file>`, `pod/<namespace>/<pod>/<container>`, `bundle/errors`"
                .to_owned(),
        ),
    }
}

/// Whether no namespace, pod or container has such a character in its name, nor a glob for one.
fn is_odd(c: &char) -> bool {
    !(c.is_ascii_lowercase() || c.is_ascii_digit() || "-.*?".contains(*c))
}
