//! One block for each diagnosis: what, since when, where to see it, what follows, what to do.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;

use anstyle::{AnsiColor, Style as Paint};
use jiff::SignedDuration;

use super::blast_radius::Hits;
use super::template::template;
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
    let mut hits = Hits::default();
    for (diagnosis, repeats) in folded(shown, options.verbose) {
        let Some(cause) = findings.get(diagnosis.cause.finding.as_str()) else {
            continue;
        };
        write_one(
            page, report, diagnosis, cause, &findings, &mut hits, options,
        )?;
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
    hits: &mut Hits,
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
    hits.write(page, diagnosis)?;
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

pub(super) fn label(page: &mut Page<'_>, name: &str, paint: Paint, text: &str) -> io::Result<()> {
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
    if let Some(rate) = cause
        .last_seen
        .and_then(|last| hourly(cause.count, last.duration_since(first)))
    {
        text.push_str(&format!(", {} an hour", wording::grouped(rate)));
    }
    Some(text)
}

/// How often in an hour, of what is a flood: a few hits have no rate.
fn hourly(count: u64, span: SignedDuration) -> Option<u64> {
    const FLOOD: u64 = 100;
    let seconds = u64::try_from(span.as_secs()).ok()?;
    let rate = count.saturating_mul(3600).checked_div(seconds)?;
    (count >= FLOOD && seconds >= 3600 && rate > 0).then_some(rate)
}

/// The evidence without lines of a log that say the same as one before them but for numbers, each
/// with how many were left out for it.
pub(in crate::report) fn folded_lines(all: &[Evidence]) -> Vec<(&Evidence, usize)> {
    let mut shown: Vec<(&Evidence, usize)> = Vec::new();
    let mut templates: BTreeMap<(&str, String), usize> = BTreeMap::new();
    for evidence in all {
        if let (Some(text), None) = (&evidence.text, &evidence.object) {
            match templates.entry((&evidence.path, template(text))) {
                Entry::Occupied(first) => {
                    if let Some((_, alike)) = shown.get_mut(*first.get()) {
                        *alike += 1;
                    }
                    continue;
                }
                Entry::Vacant(first) => {
                    first.insert(shown.len());
                }
            }
        }
        shown.push((evidence, 0));
    }
    shown
}

fn write_evidence(page: &mut Page<'_>, cause: &Finding, options: &TextOptions) -> io::Result<()> {
    let mut lines = 0;
    let shown = if options.verbose {
        cause
            .evidence
            .iter()
            .map(|evidence| (evidence, 0))
            .collect()
    } else {
        folded_lines(&cause.evidence)
    };
    for (index, &(evidence, alike)) in shown.iter().enumerate() {
        let place = folded_place(evidence, alike);
        let words = evidence_words(evidence);
        let head = head(if index == 0 { "why" } else { "" });
        let room = page
            .width()
            .saturating_sub(columns(&head) + columns(&place) + 2);
        let together = words.is_empty() || columns(&words) <= room;
        let needed = if together { 1 } else { 2 };
        if index > 0 && lines + needed > EVIDENCE_LINES && !options.verbose {
            let more = format!("+ {} more", evidence_count(shown.get(index..)));
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

/// How many pieces of evidence stand in lines that were folded.
pub(in crate::report) fn evidence_count(folded: Option<&[(&Evidence, usize)]>) -> usize {
    let folded = folded.unwrap_or_default().iter();
    folded.map(|(_, alike)| 1 + alike).sum()
}

/// `2025-03-14 18:02 UTC  logs/…/longhorn-manager.log:18231 and 4 like it`.
pub(in crate::report) fn folded_place(evidence: &Evidence, alike: usize) -> String {
    let place = evidence_place(evidence);
    match alike {
        0 => place,
        more => format!("{place} and {more} like it"),
    }
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
pub(in crate::report) fn tree(diagnosis: &Diagnosis, shown: usize) -> Vec<(&str, usize)> {
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

    fn log(path: &str, text: &str) -> Evidence {
        Evidence {
            path: path.to_owned(),
            text: Some(text.to_owned()),
            ..Evidence::default()
        }
    }

    #[test]
    fn lines_alike_are_shown_once_for_each_file() {
        let all = [
            log("a", "sector 1 of sdb"),
            log("a", "sector 22 of sdb"),
            log("a", "sector 1 of sdc"),
            log("b", "sector 3 of sdb"),
            log("a", "sector 5 of sdb"),
        ];
        let folded = folded_lines(&all);
        let words: Vec<_> = folded
            .iter()
            .map(|(one, alike)| (one.path.as_str(), one.text.as_deref().unwrap(), *alike))
            .collect();
        assert_eq!(
            words,
            [
                ("a", "sector 1 of sdb", 2),
                ("a", "sector 1 of sdc", 0),
                ("b", "sector 3 of sdb", 0)
            ]
        );
    }

    #[test]
    fn only_a_flood_has_a_rate() {
        let hours = SignedDuration::from_hours;
        for (count, span, expected) in [
            (126_042, hours(384), Some(328)),
            (99, hours(1), None),
            (100, hours(1), Some(100)),
            (100, hours(0), None),
            (100, hours(-1), None),
            (100, hours(200), None),
        ] {
            assert_eq!(hourly(count, span), expected, "{count} in {span:?}");
        }
    }

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
