//! What a case expects, as its file states it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::finding::{Confidence, Risk, Severity};
use crate::parse::time::timestamp;
use crate::rule::duration;
use crate::rule::keys::{self, Keys};
use crate::rule::mistake::Mistakes;
use crate::rule::shape::{CONFIDENCES, RISKS, SEVERITIES};
use crate::rule::tree::{Tree, Value};

use super::shapes;

/// What must be found.
#[derive(Debug, Clone)]
pub(super) enum Expected {
    /// So many findings of the rule.
    Count(usize),
    /// These, and no others of the rule.
    Findings(Vec<Expectation>),
}

/// A finding, as far as the case says something of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Expectation {
    /// Id of the rule.
    pub(super) rule: String,
    pub(super) subject: Option<String>,
    pub(super) severity: Option<Severity>,
    pub(super) confidence: Option<Confidence>,
    /// Parts of the title.
    pub(super) title: Vec<String>,
    /// Parts of the message.
    pub(super) message: Vec<String>,
    /// Of each note its parts; `Some` of nothing means that there is none.
    pub(super) notes: Option<Vec<Vec<String>>>,
    /// Names of exports and what they denote; nothing means that there is no such export.
    pub(super) exports: BTreeMap<String, Vec<String>>,
    /// Places that must be among the evidence.
    pub(super) evidence: Vec<String>,
    /// Whether no other finding explains it.
    pub(super) root: Option<bool>,
    pub(super) since: Option<Timestamp>,
    pub(super) history: Option<bool>,
    /// Of each step of the remedy its parts; `Some` of nothing means that there is none.
    pub(super) remedy: Option<Vec<StepParts>>,
}

/// A step of a remedy, as far as the case says something of it.
#[derive(Debug, Clone, Default)]
pub(super) struct StepParts {
    /// Parts of the text or of the command.
    pub(super) either: Vec<String>,
    pub(super) text: Vec<String>,
    pub(super) command: Vec<String>,
    pub(super) risk: Option<Risk>,
    pub(super) check: Vec<String>,
    pub(super) forbids_meanwhile: Vec<String>,
}

/// Reads `expect`: a list, or `{ count: n }`.
pub(super) fn read(tree: &Tree, rule: &str, now: Timestamp, mistakes: &mut Mistakes) -> Expected {
    if let Value::Map(_) = tree.value {
        let keys = Keys::of(tree, &shapes::FINDINGS, mistakes);
        let count = keys
            .and_then(|keys| keys.get("count"))
            .and_then(|count| keys::number(count, mistakes));
        return Expected::Count(count.unwrap_or_default());
    }
    let list = keys::list(Some(tree), mistakes).iter();
    let list = list.filter_map(|tree| expectation(tree, rule, now, mistakes));
    Expected::Findings(list.collect())
}

fn expectation(
    tree: &Tree,
    rule: &str,
    now: Timestamp,
    mistakes: &mut Mistakes,
) -> Option<Expectation> {
    let keys = Keys::of(tree, &shapes::EXPECTATION, mistakes)?;
    let mut read = Expectation {
        rule: rule.to_owned(),
        ..Expectation::default()
    };
    if let Some(other) = keys.get("rule") {
        read.rule = keys::text(other, mistakes)?;
    }
    read.subject = keys
        .get("subject")
        .and_then(|tree| keys::text(tree, mistakes));
    read.severity = keys
        .get("severity")
        .and_then(|tree| keys::choice(tree, &SEVERITIES, mistakes));
    read.confidence = keys
        .get("confidence")
        .and_then(|tree| keys::choice(tree, &CONFIDENCES, mistakes));
    let mut parts_of = |key: &str| {
        keys.get(key)
            .map(|tree| parts(tree, mistakes))
            .unwrap_or_default()
    };
    read.title = parts_of("title");
    read.message = parts_of("message");
    read.notes = keys.get("notes").map(|tree| {
        let notes = keys::list(Some(tree), mistakes).iter();
        notes.map(|note| parts(note, mistakes)).collect()
    });
    if let Some(exports) = keys.get("exports") {
        for entry in keys::entries(exports, "exports", mistakes)? {
            let names = match &entry.value.value {
                Value::Scalar(scalar) if scalar.is_null() => Vec::new(),
                _ => texts(&entry.value, mistakes),
            };
            read.exports.insert(entry.key.value.to_string(), names);
        }
    }
    read.evidence = keys
        .get("evidence")
        .map(|tree| texts(tree, mistakes))
        .unwrap_or_default();
    read.root = keys
        .get("root")
        .and_then(|tree| keys::truth(tree, mistakes));
    read.since = keys
        .get("since")
        .and_then(|tree| moment(tree, now, mistakes));
    read.history = keys
        .get("history")
        .and_then(|tree| keys::truth(tree, mistakes));
    read.remedy = keys.get("remedy").map(|tree| {
        let steps = keys::list(Some(tree), mistakes).iter();
        steps.filter_map(|tree| step(tree, mistakes)).collect()
    });
    Some(read)
}

fn step(tree: &Tree, mistakes: &mut Mistakes) -> Option<StepParts> {
    if !matches!(tree.value, Value::Map(_)) {
        return Some(StepParts {
            either: vec![keys::text(tree, mistakes)?],
            ..StepParts::default()
        });
    }
    let keys = Keys::of(tree, &shapes::STEP_PARTS, mistakes)?;
    let mut parts_of = |key: &str| {
        keys.get(key)
            .map(|tree| parts(tree, mistakes))
            .unwrap_or_default()
    };
    Some(StepParts {
        either: Vec::new(),
        text: parts_of("text"),
        command: parts_of("command"),
        check: parts_of("check"),
        forbids_meanwhile: parts_of("forbidsMeanwhile"),
        risk: keys
            .get("risk")
            .and_then(|tree| keys::choice(tree, &RISKS, mistakes)),
    })
}

/// Parts of a text: one, or those under `contains`.
pub(super) fn parts(tree: &Tree, mistakes: &mut Mistakes) -> Vec<String> {
    match &tree.value {
        Value::Map(_) => Keys::of(tree, &shapes::PART, mistakes)
            .and_then(|keys| keys.get("contains"))
            .map(|tree| texts(tree, mistakes))
            .unwrap_or_default(),
        _ => keys::text(tree, mistakes).into_iter().collect(),
    }
}

/// A text or a list of texts.
pub(super) fn texts(tree: &Tree, mistakes: &mut Mistakes) -> Vec<String> {
    keys::one_or_many(tree)
        .iter()
        .filter_map(|tree| keys::text(tree, mistakes))
        .collect()
}

/// A moment: `2024-05-01T12:00:00Z`, or `-25m` before the file's `now`.
fn moment(tree: &Tree, now: Timestamp, mistakes: &mut Mistakes) -> Option<Timestamp> {
    let text = keys::text(tree, mistakes)?;
    let relative = duration::parse(&text).and_then(|shift| now.checked_add(shift).ok());
    let read = relative.or_else(|| timestamp(&text));
    if read.is_none() {
        mistakes
            .error("BD040", tree.span, format!("`{text}` is no moment"))
            .help("moments are written `2024-05-01T12:00:00Z`, or `-25m` before `now`");
    }
    read
}
