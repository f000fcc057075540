//! `finding`, `escalate`, `remedy`, `references` and links: what a row becomes.

use std::collections::BTreeMap;

use super::keys::{self, Keys};
use super::shapes;
use crate::finding::{Confidence, Risk};
use crate::rule::expression::Node;
use crate::rule::mistake::Mistakes;
use crate::rule::nearest::proposal;
use crate::rule::shape::{CONFIDENCES, RISKS, SEVERITIES};
use crate::rule::source::Span;
use crate::rule::template::Template;
use crate::rule::tree::{Tree, Value};
use crate::rule::{
    Category, Escalation, EvidenceTemplate, FindingTemplate, Link, LinkTarget, Note, Reference,
    Remedy, Subject,
};

/// Findings of one rule that are kept unless it says otherwise.
const LIMIT: usize = 50;

/// Reads `finding`.
pub(super) fn finding(tree: Option<&Tree>, mistakes: &mut Mistakes) -> FindingTemplate {
    let mut finding = FindingTemplate {
        subject: Subject::Cluster,
        since: None,
        history: None,
        momentary: false,
        key: Vec::new(),
        exports: BTreeMap::new(),
        confidence: Confidence::Likely,
        message: no_template(),
        notes: Vec::new(),
        evidence: Vec::new(),
        limit: LIMIT,
    };
    let Some(keys) = tree.and_then(|tree| Keys::of(tree, &shapes::FINDING, mistakes)) else {
        return finding;
    };
    if let Some(subject) = keys.get("subject") {
        let expression = keys::expression(subject, mistakes);
        if !matches!(&expression.node, Node::Name(name) if name == "cluster") {
            finding.subject = Subject::Object(expression);
        }
    }
    finding.since = keys
        .get("since")
        .map(|since| keys::expression(since, mistakes));
    finding.history = keys
        .get("history")
        .map(|over| keys::expression(over, mistakes));
    finding.momentary = keys
        .get("momentary")
        .and_then(|truth| keys::truth(truth, mistakes))
        .unwrap_or_default();
    let key = keys.get("key");
    finding.key = keys::list(key, mistakes)
        .iter()
        .map(|part| keys::expression(part, mistakes))
        .collect();
    if let Some(entries) = keys
        .get("exports")
        .and_then(|exports| keys::entries(exports, "`exports`", mistakes))
    {
        for entry in entries {
            keys::check_name(&entry.key.value, entry.key.span, mistakes);
            finding.exports.insert(
                entry.key.value.clone(),
                keys::expression(&entry.value, mistakes),
            );
        }
    }
    if let Some(confidence) = keys
        .get("confidence")
        .and_then(|word| keys::choice(word, &CONFIDENCES, mistakes))
    {
        finding.confidence = confidence;
    }
    if let Some(message) = keys
        .get("message")
        .and_then(|message| keys::template(message, mistakes))
    {
        finding.message = message;
    }
    let notes = keys::list(keys.get("notes"), mistakes);
    finding.notes = notes
        .iter()
        .filter_map(|tree| note(tree, mistakes))
        .collect();
    let list = keys::list(keys.get("evidence"), mistakes);
    finding.evidence = list
        .iter()
        .filter_map(|tree| evidence(tree, mistakes))
        .collect();
    if let Some(limit) = keys
        .get("limit")
        .and_then(|limit| keys::positive(limit, mistakes))
    {
        finding.limit = limit;
    }
    finding
}

/// Stands for a text that could not be read, in a rule that will not run.
pub(super) fn no_template() -> Template {
    Template {
        parts: Vec::new(),
        span: Span::default(),
    }
}

fn note(tree: &Tree, mistakes: &mut Mistakes) -> Option<Note> {
    let keys = Keys::of(tree, &shapes::NOTE, mistakes)?;
    let when = keys
        .get("when")
        .map(|when| keys::expression(when, mistakes));
    let text = keys
        .get("text")
        .and_then(|text| keys::template(text, mistakes))?;
    Some(Note { when, text })
}

fn evidence(tree: &Tree, mistakes: &mut Mistakes) -> Option<EvidenceTemplate> {
    let log = keys::entries(tree, shapes::LOG_EVIDENCE.what, mistakes)?
        .iter()
        .any(|entry| entry.key.value == "log");
    let shape = if log {
        &shapes::LOG_EVIDENCE
    } else {
        &shapes::OBJECT_EVIDENCE
    };
    let keys = Keys::of(tree, shape, mistakes)?;
    let limit = keys
        .get("limit")
        .and_then(|limit| keys::positive(limit, mistakes));
    if let Some(value) = keys.get("log") {
        let value = keys::expression(value, mistakes);
        return Some(EvidenceTemplate::Log { value, limit });
    }
    let fields = keys::list(keys.get("fields"), mistakes);
    let fields = fields
        .iter()
        .filter_map(|path| keys::field_path(path, mistakes))
        .collect();
    let note = keys
        .get("note")
        .and_then(|note| keys::template(note, mistakes));
    let value = keys
        .get("object")
        .map(|value| keys::expression(value, mistakes))?;
    Some(EvidenceTemplate::Object {
        value,
        fields,
        limit,
        note,
    })
}

/// Reads `escalate`.
pub(super) fn escalations(tree: Option<&Tree>, mistakes: &mut Mistakes) -> Vec<Escalation> {
    let read = |tree: &Tree, mistakes: &mut Mistakes| {
        let keys = Keys::of(tree, &shapes::ESCALATION, mistakes)?;
        let to = keys
            .get("to")
            .and_then(|to| keys::choice(to, &SEVERITIES, mistakes));
        let confidence = keys
            .get("confidence")
            .and_then(|word| keys::choice(word, &CONFIDENCES, mistakes));
        let when = keys
            .get("when")
            .map(|when| keys::expression(when, mistakes))?;
        Some(Escalation {
            when,
            to,
            confidence,
        })
    };
    let list = keys::list(tree, mistakes);
    list.iter()
        .filter_map(|tree| read(tree, mistakes))
        .collect()
}

/// Reads `remedy`.
pub(super) fn remedies(tree: Option<&Tree>, mistakes: &mut Mistakes) -> Vec<Remedy> {
    let read = |tree: &Tree, mistakes: &mut Mistakes| {
        let keys = Keys::of(tree, &shapes::STEP, mistakes)?;
        let template = |key: &str, mistakes: &mut Mistakes| {
            keys.get(key)
                .and_then(|text| keys::template(text, mistakes))
        };
        let risk = keys
            .get("risk")
            .and_then(|risk| keys::choice(risk, &RISKS, mistakes));
        let command = template("command", mistakes);
        let check = template("check", mistakes);
        let forbids_meanwhile = template("forbidsMeanwhile", mistakes);
        let link = keys.get("link").and_then(|link| keys::url(link, mistakes));
        let when = keys
            .get("when")
            .map(|when| keys::expression(when, mistakes));
        Some(Remedy {
            text: template("text", mistakes)?,
            when,
            command,
            risk: risk.unwrap_or(Risk::Safe),
            check,
            forbids_meanwhile,
            link,
        })
    };
    let list = keys::list(tree, mistakes);
    list.iter()
        .filter_map(|tree| read(tree, mistakes))
        .collect()
}

/// Reads `references`.
pub(super) fn references(tree: Option<&Tree>, mistakes: &mut Mistakes) -> Vec<Reference> {
    let read = |tree: &Tree, mistakes: &mut Mistakes| {
        if !matches!(tree.value, Value::Map(_)) {
            let url = keys::url(tree, mistakes)?;
            return Some(Reference { url, title: None });
        }
        let keys = Keys::of(tree, &shapes::REFERENCE, mistakes)?;
        let title = keys
            .get("title")
            .and_then(|title| keys::text(title, mistakes));
        let url = keys.get("url").and_then(|url| keys::url(url, mistakes))?;
        Some(Reference { url, title })
    };
    let list = keys::list(tree, mistakes);
    list.iter()
        .filter_map(|tree| read(tree, mistakes))
        .collect()
}

/// Reads `causes` or `causedBy`; links join on what the finding exports.
pub(super) fn links(
    tree: Option<&Tree>,
    finding: &FindingTemplate,
    mistakes: &mut Mistakes,
) -> Vec<Link> {
    let read = |tree: &Tree, mistakes: &mut Mistakes| {
        let keys = Keys::of(tree, &shapes::LINK, mistakes)?;
        let order = keys
            .get("order")
            .and_then(|order| keys::choice(order, &shapes::ORDERS, mistakes));
        let strength = keys
            .get("strength")
            .and_then(|word| keys::choice(word, &CONFIDENCES, mistakes));
        let same = keys::list(keys.get("same"), mistakes);
        let same: Vec<_> = same
            .iter()
            .filter_map(|name| keys::name(name, mistakes))
            .collect();
        for name in same
            .iter()
            .filter(|name| !finding.exports.contains_key(&name.value))
        {
            let help = proposal(
                &name.value,
                finding.exports.keys().map(|name| name.as_str()),
            );
            mistakes
                .error(
                    "BD002",
                    name.span,
                    format!("the finding does not export `{}`", name.value),
                )
                .help(help.unwrap_or_else(|| {
                    "both findings of a link must export it under `exports`".to_owned()
                }));
        }
        let target = keys.get("rule")?;
        let scalar = keys::scalar(target, "the id of a rule, or `category/*`", mistakes)?;
        let rule = match scalar.text.strip_suffix("/*") {
            None => LinkTarget::Rule(super::slug(target, mistakes)?),
            Some(name) => match Category::parse(name) {
                Some(category) => LinkTarget::Category(category),
                None => {
                    mistakes
                        .error(
                            "BD002",
                            target.span,
                            format!("there is no category `{name}`"),
                        )
                        .help_if(proposal(name, Category::ALL.map(Category::name)));
                    return None;
                }
            },
        };
        Some(Link {
            rule,
            same,
            order: order.unwrap_or_default(),
            strength: strength.unwrap_or(Confidence::Likely),
            span: target.span,
        })
    };
    let list = keys::list(tree, mistakes);
    list.iter()
        .filter_map(|tree| read(tree, mistakes))
        .collect()
}
