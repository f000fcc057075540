//! Everything known of one object as text: how it is, what is around it, what was found, what happened.

use std::io;

use anstyle::{AnsiColor, Style as Paint};

use super::Report;
use super::page::{PLAIN, Page, columns, cut, shortened};
use super::text::{
    BOLD, DIM, colored, confidence_word, evidence_place, severity_paint, severity_word,
};
use super::timeline::{named, write_clocks, write_entries};
use crate::about::{About, Concern, How, Neighbour};
use crate::diagnosis::wording;
use crate::finding::{Evidence, Finding};

/// Of what one relation leads to, so many are named.
const NAMED: usize = 6;
/// A name of a neighbour is shortened to this.
const NAME: usize = 60;
/// Findings about neighbours.
const NEIGHBOURS_FINDINGS: usize = 10;

/// Writes what is known of the object that was asked about.
pub(super) fn write(
    page: &mut Page<'_>,
    report: &Report,
    about: &About,
    verbose: bool,
) -> io::Result<()> {
    write_name(page, about)?;
    write_facts(page, &about.facts, verbose)?;
    write_neighbours(page, &about.neighbours, verbose)?;
    write_findings(page, report, about, verbose)?;
    page.blank()?;
    let since = about
        .since
        .map(|it| format!(" since {}", wording::minute(it)));
    let head = format!("what happened{}, all times UTC", since.unwrap_or_default());
    page.unbroken(&[(BOLD, &head)])?;
    write_clocks(page, &about.clocks)?;
    if about.timeline.is_empty() {
        let none = "no event, condition, log line or boot of it is in the bundle";
        return page.paragraph((PLAIN, "  "), 2, (DIM, none));
    }
    let hidden = write_entries(page, &about.timeline, verbose)?;
    if !hidden.is_empty() {
        page.blank()?;
        page.paragraph((DIM, "hidden   "), 9, (PLAIN, &hidden.join(", ")))?;
    }
    Ok(())
}

fn write_name(page: &mut Page<'_>, about: &About) -> io::Result<()> {
    let rest = if about.exists {
        ""
    } else {
        "· not in the bundle; others name it"
    };
    page.paragraph((BOLD, &format!("{} ", about.object)), 2, (PLAIN, rest))
}

/// One line each: the field, its value, what is said of it.
fn write_facts(page: &mut Page<'_>, facts: &[Evidence], verbose: bool) -> io::Result<()> {
    let labels = facts.iter().filter_map(|fact| fact.field.as_deref());
    let width = labels.map(|field| columns(&label(field))).max();
    let width = width.unwrap_or_default().min(28);
    let mut of = None;
    for fact in facts {
        if fact.object != of {
            // What another object says of the same thing stands below that object's name.
            if let Some(object) = fact.object.as_ref().filter(|_| of.is_some()) {
                page.unbroken(&[(DIM, &format!("  by {object}"))])?;
            }
            of.clone_from(&fact.object);
        }
        let Some(field) = &fact.field else {
            continue;
        };
        let label = label(field);
        let value = fact.value.as_deref().unwrap_or("null");
        let note = fact.note.as_deref().map(|note| format!("  {note}"));
        let line = format!("{value}{}", note.unwrap_or_default());
        let head = format!("  {label:<width$} ");
        let room = page.width().saturating_sub(columns(&head));
        let line = if verbose {
            line
        } else {
            cut(&line, room * 2 - 4)
        };
        page.paragraph((DIM, &head), columns(&head), (PLAIN, &line))?;
        if verbose {
            let place = evidence_place(fact);
            page.unbroken(&[(PLAIN, &" ".repeat(columns(&head))), (DIM, &place)])?;
        }
    }
    Ok(())
}

/// A field as people say it: `Ready` for its condition, else the last name of its path.
fn label(field: &str) -> String {
    if let Some((_, rest)) = field.split_once("conditions[type=") {
        return rest.split(']').next().unwrap_or(rest).to_owned();
    }
    if let Some(name) = field.rsplit_once("['").map(|(_, name)| name) {
        let name = name.trim_end_matches("']");
        return name
            .rsplit_once('/')
            .map_or(name, |(_, name)| name)
            .to_owned();
    }
    field.rsplit('.').next().unwrap_or(field).to_owned()
}

/// A line for each relation: how many, and those first that are not well.
fn write_neighbours(
    page: &mut Page<'_>,
    neighbours: &[Neighbour],
    verbose: bool,
) -> io::Result<()> {
    if neighbours.is_empty() {
        return Ok(());
    }
    page.blank()?;
    page.unbroken(&[(BOLD, "around it")])?;
    let labels = neighbours.iter().map(|it| columns(&it.relation) + 5);
    let width = labels.max().unwrap_or_default().min(28);
    for group in neighbours.chunk_by(|a, b| a.relation == b.relation) {
        let Some(first) = group.first() else { continue };
        let mut sorted: Vec<&Neighbour> = group.iter().collect();
        sorted.sort_by_key(|it| it.exists && it.well != Some(false));
        let limit = if verbose { usize::MAX } else { NAMED };
        let longest = if verbose { usize::MAX } else { NAME };
        let names: Vec<String> = sorted.iter().map(|it| neighbour(it, longest)).collect();
        let ill = group.iter().any(|it| it.well == Some(false) || !it.exists);
        let paint: Paint = if ill { colored(AnsiColor::Yellow) } else { DIM };
        let number = match group.len() {
            1 => String::new(),
            many => format!(" ({many})"),
        };
        let head = format!("  {:<width$} ", format!("{}{number}", first.relation));
        page.paragraph(
            (paint, &head),
            columns(&head),
            (PLAIN, &wording::some(&names, limit)),
        )?;
    }
    Ok(())
}

fn neighbour(neighbour: &Neighbour, longest: usize) -> String {
    let state = match (&neighbour.state, neighbour.exists) {
        (_, false) => " (not in the bundle)".to_owned(),
        (Some(state), true) => format!(" ({state})"),
        (None, true) => String::new(),
    };
    let name = shortened(&named(&neighbour.object), longest);
    format!("{name}{state}")
}

fn write_findings(
    page: &mut Page<'_>,
    report: &Report,
    about: &About,
    verbose: bool,
) -> io::Result<()> {
    page.blank()?;
    if about.findings.is_empty() {
        return page.paragraph((BOLD, "found "), 2, (PLAIN, "nothing: no rule fired on it"));
    }
    page.unbroken(&[(BOLD, "found")])?;
    let of = |how: How| about.findings.iter().filter(move |it| it.how == how);
    for concern in of(How::Subject).chain(of(How::Named)) {
        write_finding(page, report, concern)?;
    }
    let limit = if verbose {
        usize::MAX
    } else {
        NEIGHBOURS_FINDINGS
    };
    for concern in of(How::Neighbour).take(limit) {
        write_finding(page, report, concern)?;
    }
    match of(How::Neighbour).count().saturating_sub(limit) {
        0 => Ok(()),
        more => {
            let text = format!("+ {more} more about its neighbours (-v shows them)");
            page.paragraph((PLAIN, "  "), 2, (DIM, &text))
        }
    }
}

/// Id, severity, title and rule; the message of what is about the object itself, and what explains it.
fn write_finding(page: &mut Page<'_>, report: &Report, concern: &Concern) -> io::Result<()> {
    let by_id = |id: &str| report.findings.iter().find(|finding| finding.id == id);
    let Some(finding) = by_id(&concern.finding) else {
        return Ok(());
    };
    let head = format!(
        "  {:<4} {} · {}  ",
        finding.id,
        severity_word(finding.severity),
        confidence_word(finding.confidence)
    );
    let paint = severity_paint(finding.severity);
    let title = format!("{} [{}]", finding.title, finding.rule);
    page.paragraph((paint, &head), 7, (PLAIN, &title))?;
    if concern.how == How::Subject && finding.message != finding.title {
        page.paragraph((PLAIN, "       "), 7, (DIM, &finding.message))?;
    }
    let causes: Vec<&Finding> = finding
        .caused_by
        .iter()
        .filter_map(|id| by_id(id))
        .collect();
    for cause in causes {
        let text = format!("{} {} [{}]", cause.id, cause.title, cause.rule);
        page.paragraph((DIM, "       because "), 15, (DIM, &text))?;
    }
    Ok(())
}
