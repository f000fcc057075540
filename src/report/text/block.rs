//! One block for each diagnosis: what, since when, where to see it, what follows, what to do.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use anstyle::{AnsiColor, Style as Paint};

use super::{BOLD, DIM, TextOptions, colored, severity_paint};
use crate::diagnosis::Diagnosis;
use crate::diagnosis::wording;
use crate::finding::{Confidence, Evidence, Finding, Risk, Severity};
use crate::report::Report;
use crate::report::page::{PLAIN, Page, columns, cut};

/// Lines of evidence in a block; what is more is counted.
const EVIDENCE_LINES: usize = 4;
/// Effects in a block.
const EFFECTS: usize = 8;
/// Of one rule's findings that nothing follows from, one is shown in full and so many by their titles.
const REPEATS: usize = 5;
/// Where the text of a block begins.
const INDENT: usize = 10;

/// Writes the blocks in order of rank.
pub(super) fn write_all(
    page: &mut Page<'_>,
    report: &Report,
    shown: &[&Diagnosis],
    options: &TextOptions,
) -> io::Result<()> {
    let findings: BTreeMap<&str, &Finding> = report
        .findings
        .iter()
        .map(|finding| (finding.id.as_str(), finding))
        .collect();
    for diagnosis in in_full(shown, options) {
        let Some(cause) = findings.get(diagnosis.cause.finding.as_str()) else {
            continue;
        };
        write_one(page, report, diagnosis, cause, &findings, options)?;
        if is_alone(diagnosis) && !options.verbose {
            let repeats = shown.iter().copied().filter(|other| {
                is_alone(other)
                    && other.cause.rule == diagnosis.cause.rule
                    && other.rank > diagnosis.rank
            });
            write_repeats(page, &repeats.collect::<Vec<_>>())?;
        }
        page.blank()?;
    }
    Ok(())
}

/// Diagnoses that have a block of their own: fifty volumes with one fault are one block and a list, at
/// the place of the first.
pub(super) fn in_full<'a>(shown: &[&'a Diagnosis], options: &TextOptions) -> Vec<&'a Diagnosis> {
    let mut done: BTreeSet<&str> = BTreeSet::new();
    let own = shown
        .iter()
        .copied()
        .filter(|it| options.verbose || !is_alone(it) || done.insert(&it.cause.rule));
    own.collect()
}

fn is_alone(diagnosis: &Diagnosis) -> bool {
    diagnosis.effects.is_empty()
}

/// The word that flags and JSON use.
pub(in crate::report) fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
    }
}

pub(in crate::report) fn confidence_word(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Certain => "certain",
        Confidence::Likely => "likely",
        Confidence::Possible => "possible",
    }
}

pub(in crate::report) fn risk_word(risk: Risk) -> (&'static str, Paint) {
    match risk {
        Risk::Safe => ("safe", PLAIN),
        Risk::Disruptive => ("disruptive", colored(AnsiColor::Yellow)),
        Risk::Destructive => ("destructive", colored(AnsiColor::Red)),
    }
}

fn write_one(
    page: &mut Page<'_>,
    report: &Report,
    diagnosis: &Diagnosis,
    cause: &Finding,
    findings: &BTreeMap<&str, &Finding>,
    options: &TextOptions,
) -> io::Result<()> {
    let mut head = format!(
        "{}  {} · {}",
        diagnosis.rank,
        severity_word(diagnosis.severity),
        confidence_word(diagnosis.confidence)
    );
    if cause.status == "experimental" {
        head.push_str(" · experimental");
    }
    if diagnosis.history {
        head.push_str(" · over");
    }
    head.push_str("  ");
    write_title(
        page,
        (severity_paint(diagnosis.severity), &head),
        &diagnosis.title,
        &cause.rule,
    )?;
    let message: Vec<&str> = std::iter::once(&cause.message)
        .chain(&cause.notes)
        .map(String::as_str)
        .collect();
    if message
        .iter()
        .any(|text| !text.is_empty() && *text != diagnosis.title)
    {
        page.paragraph((PLAIN, "   "), 3, (PLAIN, &message.join(" ")))?;
    }
    write_when(page, report, cause)?;
    write_evidence(page, cause, options)?;
    write_effects(page, diagnosis, findings)?;
    write_remedy(page, diagnosis)?;
    for (index, reference) in diagnosis.references.iter().enumerate() {
        label(page, if index == 0 { "see" } else { "" }, DIM, reference)?;
    }
    if cause.omitted > 0 {
        label(
            page,
            "",
            DIM,
            &format!(
                "{} of this rule, cut off by its limit",
                wording::count(cause.omitted, "more finding")
            ),
        )?;
    }
    Ok(())
}

/// The title, and the rule's id at the right edge where there is room for it.
fn write_title(
    page: &mut Page<'_>,
    head: (Paint, &str),
    title: &str,
    rule: &str,
) -> io::Result<()> {
    let used = columns(head.1) + columns(title);
    let room = page.width().saturating_sub(used + columns(rule));
    if room >= 2 {
        return page.unbroken(&[head, (BOLD, title), (PLAIN, &" ".repeat(room)), (DIM, rule)]);
    }
    page.paragraph(head, 3, (BOLD, title))?;
    page.unbroken(&[(DIM, &format!("   {rule}"))])
}

fn label(page: &mut Page<'_>, name: &str, paint: Paint, text: &str) -> io::Result<()> {
    page.paragraph((DIM, &head(name)), INDENT, (paint, text))
}

fn head(name: &str) -> String {
    format!("   {name:<7}")
}

fn write_when(page: &mut Page<'_>, report: &Report, cause: &Finding) -> io::Result<()> {
    let Some(first) = cause.first_seen else {
        return Ok(());
    };
    let mut text = format!("since {}", wording::minute(first));
    let age = report
        .bundle
        .collected_at
        .map(|now| now.duration_since(first));
    if let Some(age) = age.filter(|age| !age.is_negative()) {
        text.push_str(&format!(" ({})", wording::duration(age)));
    }
    if let Some(last) = cause
        .last_seen
        .filter(|last| *last > first && wording::minute(*last) != wording::minute(first))
    {
        text.push_str(&format!(", last seen {}", wording::minute(last)));
    }
    if cause.count > 1 {
        text.push_str(&format!(", {}", wording::count(cause.count, "time")));
    }
    label(page, "when", PLAIN, &text)
}

fn write_evidence(page: &mut Page<'_>, cause: &Finding, options: &TextOptions) -> io::Result<()> {
    let mut lines = 0;
    for (index, evidence) in cause.evidence.iter().enumerate() {
        let place = evidence_place(evidence);
        let words = evidence_words(evidence);
        let head = head(if index == 0 { "why" } else { "" });
        let room = page
            .width()
            .saturating_sub(columns(&head) + columns(&place) + 2);
        let together = words.is_empty() || columns(&words) <= room;
        let needed = if together { 1 } else { 2 };
        if index > 0 && lines + needed > EVIDENCE_LINES && !options.verbose {
            let more = format!("+ {} more", cause.evidence.len() - index);
            return label(page, "", DIM, &more);
        }
        lines += needed;
        if together {
            page.unbroken(&[(DIM, &head), (DIM, &place), (PLAIN, "  "), (PLAIN, &words)])?;
        } else {
            page.unbroken(&[(DIM, &head), (DIM, &place)])?;
            let room = page.width().saturating_sub(INDENT + 2);
            page.unbroken(&[
                (PLAIN, &" ".repeat(INDENT + 2)),
                (PLAIN, &cut(&within(evidence, words, room), room)),
            ])?;
        }
    }
    Ok(())
}

/// `2025-03-14 18:02 UTC  logs/…/longhorn-manager.log:18231`.
pub(in crate::report) fn evidence_place(evidence: &Evidence) -> String {
    let time = evidence
        .time
        .map(|time| format!("{}  ", wording::minute(time)))
        .unwrap_or_default();
    let line = evidence
        .line
        .map(|line| format!(":{line}"))
        .unwrap_or_default();
    format!("{time}{}{line}", evidence.path)
}

/// What stands at that place: `Node/harv-3 Ready=Unknown`, the line of the log, or that nothing does.
pub(in crate::report) fn evidence_words(evidence: &Evidence) -> String {
    let mut words: Vec<String> = Vec::new();
    match (&evidence.object, &evidence.field) {
        (Some(object), _) if evidence.absent => words.push(format!("no {object} in it")),
        (Some(object), Some(field)) => words.push(format!("{object} {field}")),
        (Some(object), None) => words.push(object.to_string()),
        (None, Some(field)) => words.push(field.clone()),
        (None, None) => {}
    }
    if let Some(value) = &evidence.value {
        match words.last_mut() {
            Some(last) if evidence.field.is_some() => last.push_str(&format!("={value}")),
            _ => words.push(value.clone()),
        }
    } else if let (Some(last), Some(_), None) = (words.last_mut(), &evidence.field, &evidence.text)
        && !evidence.absent
    {
        last.push_str(" is not set");
    }
    words.extend(evidence.text.clone());
    match &evidence.note {
        Some(note) if words.is_empty() => words.push(note.clone()),
        Some(note) => words.push(format!("({note})")),
        None if evidence.absent && words.is_empty() => words.push("not in the bundle".into()),
        None => {}
    }
    words.join(" ")
}

/// The words of an evidence with the object's name shortened in its middle where they would push the
/// field and its value off the line: these are what the evidence is for.
fn within(evidence: &Evidence, words: String, room: usize) -> String {
    /// Of a name so much is kept: enough to find it again.
    const LEAST: usize = 24;
    let (Some(object), Some(_)) = (&evidence.object, &evidence.field) else {
        return words;
    };
    let name = object.to_string();
    let (long, length) = (columns(&words), columns(&name));
    let keep = length.saturating_sub(long.saturating_sub(room)).max(LEAST);
    let Some(rest) = words.strip_prefix(&name).filter(|_| keep < length) else {
        return words;
    };
    let head: String = name.chars().take(keep - keep / 2 - 1).collect();
    let tail: String = name.chars().skip(length - keep / 2).collect();
    format!("{head}…{tail}{rest}")
}

/// One line each, below what it follows from and indented by how far it is from the cause.
fn write_effects(
    page: &mut Page<'_>,
    diagnosis: &Diagnosis,
    findings: &BTreeMap<&str, &Finding>,
) -> io::Result<()> {
    let count = diagnosis.effects.len();
    let shown = if count > EFFECTS + 1 { EFFECTS } else { count };
    let mut first = true;
    for (id, distance) in tree(diagnosis, shown) {
        let Some(effect) = findings.get(id) else {
            continue;
        };
        let head = head(if std::mem::take(&mut first) { "so" } else { "" });
        let circle = if diagnosis.cycle.iter().any(|it| it == id) {
            "⇄ "
        } else {
            "→ "
        };
        let arrow = format!("{}{circle}", "  ".repeat(distance.clamp(1, 5) - 1));
        let used = columns(&head) + columns(&arrow) + columns(&effect.rule) + 2;
        let title = cut(&effect.title, page.width().saturating_sub(used).max(12));
        let gap = page.width().saturating_sub(used + columns(&title)) + 2;
        page.unbroken(&[
            (DIM, &head),
            (DIM, &arrow),
            (PLAIN, &title),
            (PLAIN, &" ".repeat(gap)),
            (DIM, &effect.rule),
        ])?;
    }
    if count > shown {
        let more = format!("+ {} more effects", count - shown);
        label(page, "", DIM, &more)?;
    }
    if !diagnosis.cycle.is_empty() {
        let cause = if diagnosis.cycle.contains(&diagnosis.cause.finding) {
            " and the cause"
        } else {
            ""
        };
        let text =
            format!("findings marked ⇄{cause} explain each other: any of them may have come first");
        label(page, "", DIM, &text)?;
    }
    Ok(())
}

/// The first effects with their distances from the cause, each below the nearest of its own causes.
fn tree(diagnosis: &Diagnosis, shown: usize) -> Vec<(&str, usize)> {
    let cause = diagnosis.cause.finding.as_str();
    let mut distances = BTreeMap::from([(cause, 0)]);
    let mut below: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    // Effects stand behind their causes, so the distance of these is known; but in a circle, where the
    // nearest one is.
    for id in diagnosis.effects.iter().take(shown) {
        let into = diagnosis.edges.iter().filter(|edge| edge.to == *id);
        let into = into.filter_map(|edge| Some((*distances.get(&*edge.from)?, &*edge.from)));
        let (distance, parent) = into.min_by_key(|(at, _)| *at).unwrap_or((0, cause));
        distances.insert(id, distance + 1);
        below.entry(parent).or_default().push(id);
    }
    let mut order = Vec::new();
    let mut open = vec![cause];
    while let Some(id) = open.pop() {
        if id != cause {
            order.push((id, distances.get(id).copied().unwrap_or(1)));
        }
        open.extend(below.get(id).into_iter().flatten().rev());
    }
    order
}

fn write_remedy(page: &mut Page<'_>, diagnosis: &Diagnosis) -> io::Result<()> {
    for (index, step) in diagnosis.remedy.iter().enumerate() {
        let (risk, paint) = risk_word(step.risk);
        let number = format!(
            "{}{}. ",
            head(if index == 0 { "do" } else { "" }),
            index + 1
        );
        page.paragraph(
            (DIM, &number),
            INDENT + 3,
            (paint, &format!("{} ({risk})", step.text)),
        )?;
        if let Some(command) = &step.command {
            page.unbroken(&[
                (PLAIN, &" ".repeat(INDENT + 3)),
                (DIM, "$ "),
                (paint, command),
            ])?;
        }
        if let Some(check) = &step.check {
            page.paragraph(
                (DIM, &format!("{}check: ", " ".repeat(INDENT + 3))),
                INDENT + 5,
                (PLAIN, check),
            )?;
        }
        if let Some(forbidden) = &step.forbids_meanwhile {
            page.paragraph(
                (DIM, &format!("{}meanwhile: ", " ".repeat(INDENT + 3))),
                INDENT + 5,
                (PLAIN, forbidden),
            )?;
        }
    }
    Ok(())
}

/// Findings of the same rule, by title.
fn write_repeats(page: &mut Page<'_>, repeats: &[&Diagnosis]) -> io::Result<()> {
    for (index, diagnosis) in repeats.iter().take(REPEATS).enumerate() {
        let text = format!("{}  {}", diagnosis.rank, diagnosis.title);
        label(page, if index == 0 { "alike" } else { "" }, PLAIN, &text)?;
    }
    match repeats.len().saturating_sub(REPEATS) {
        0 => Ok(()),
        more => label(page, "", DIM, &format!("+ {more} more (-v shows each)")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::sample::{field, node_name};

    #[test]
    fn what_is_not_there_does_not_read_as_if_it_were() {
        let shown = field("nodes.yaml", 1, node_name("n1"), "spec.taints", "x");
        let unset = Evidence {
            value: None,
            ..shown.clone()
        };
        let gone = Evidence {
            field: None,
            absent: true,
            ..unset.clone()
        };
        let noted = Evidence {
            note: Some("removed by hand".into()),
            ..gone.clone()
        };
        for (evidence, words) in [
            (shown, "Node/n1 spec.taints=x"),
            (unset, "Node/n1 spec.taints is not set"),
            (gone, "no Node/n1 in it"),
            (noted, "no Node/n1 in it (removed by hand)"),
        ] {
            assert_eq!(evidence_words(&evidence), words);
        }
    }
}
