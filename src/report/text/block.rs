//! One block for each diagnosis: what, since when, where to see it, what follows, what to do.

use std::collections::BTreeMap;
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
    for (diagnosis, repeats) in folded(shown, options.verbose) {
        let Some(cause) = findings.get(diagnosis.cause.finding.as_str()) else {
            continue;
        };
        write_one(page, report, diagnosis, cause, &findings, options)?;
        write_repeats(page, &repeats)?;
        page.blank()?;
    }
    Ok(())
}

/// Fifty volumes with one fault are one block and a list, at the place of the first: diagnoses from
/// which nothing follows, by their rule. With `each`, all stand for themselves.
pub(in crate::report) fn folded<'a>(
    shown: &[&'a Diagnosis],
    each: bool,
) -> Vec<(&'a Diagnosis, Vec<&'a Diagnosis>)> {
    let is_alone = |diagnosis: &Diagnosis| diagnosis.effects.is_empty() && !each;
    let mut blocks: Vec<(&Diagnosis, Vec<&Diagnosis>)> = Vec::new();
    let mut first_of: BTreeMap<&str, usize> = BTreeMap::new();
    for diagnosis in shown {
        let next = blocks.len();
        let index = match is_alone(diagnosis) {
            true => *first_of.entry(&diagnosis.cause.rule).or_insert(next),
            false => next,
        };
        match blocks.get_mut(index) {
            Some((_, repeats)) => repeats.push(diagnosis),
            None => blocks.push((diagnosis, Vec::new())),
        }
    }
    blocks
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
    match when(report, cause) {
        Some(text) => label(page, "when", PLAIN, &text),
        None => Ok(()),
    }
}

/// `since 2025-03-07 06:39 UTC (2d2h), last seen …, 12 times`.
pub(in crate::report) fn when(report: &Report, cause: &Finding) -> Option<String> {
    let first = cause.first_seen?;
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
    Some(text)
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
    }
    words.extend(evidence.text.clone());
    match &evidence.note {
        Some(note) if words.is_empty() => words.push(note.clone()),
        Some(note) => words.push(format!("({note})")),
        None if evidence.absent => words.push("not in the bundle".into()),
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

/// One line each, indented by how far the effect is from the cause.
fn write_effects(
    page: &mut Page<'_>,
    diagnosis: &Diagnosis,
    findings: &BTreeMap<&str, &Finding>,
) -> io::Result<()> {
    let distances = distances(diagnosis);
    for (index, id) in diagnosis.effects.iter().enumerate() {
        let head = head(if index == 0 { "so" } else { "" });
        if index == EFFECTS && diagnosis.effects.len() > EFFECTS + 1 {
            return label(
                page,
                "",
                DIM,
                &format!("+ {} more effects", diagnosis.effects.len() - EFFECTS),
            );
        }
        let Some(effect) = findings.get(id.as_str()) else {
            continue;
        };
        let distance = distances.get(id.as_str()).copied().unwrap_or(1).clamp(1, 5);
        let circle = if diagnosis.cycle.contains(id) {
            "⇄ "
        } else {
            "→ "
        };
        let arrow = format!("{}{circle}", "  ".repeat(distance - 1));
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
    if !diagnosis.cycle.is_empty() {
        let text =
            "findings marked ⇄ and the cause explain each other: any of them may have come first";
        label(page, "", DIM, text)?;
    }
    Ok(())
}

/// Steps from the cause, along the diagnosis' own edges.
pub(in crate::report) fn distances(diagnosis: &Diagnosis) -> BTreeMap<&str, usize> {
    let mut distances = BTreeMap::from([(diagnosis.cause.finding.as_str(), 0)]);
    // Effects stand nearest first, so the nearest cause of each is known when it is reached.
    for id in &diagnosis.effects {
        let nearest = diagnosis
            .edges
            .iter()
            .filter(|edge| edge.to == *id)
            .filter_map(|edge| {
                distances
                    .get(edge.from.as_str())
                    .map(|distance| distance + 1)
            })
            .min();
        distances.insert(id, nearest.unwrap_or(1));
    }
    distances
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
