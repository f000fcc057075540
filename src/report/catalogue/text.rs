//! The catalogue for a reader.

use std::io::{self, Write};

use anstyle::Style as Paint;

use super::{LinkEntry, RemedyEntry, RequiredData, RuleDetail, RuleList, VersionRanges};
use crate::report::Style;
use crate::report::page::{PLAIN, Page, columns};
use crate::report::table;
use crate::report::text::{BOLD, DIM, confidence_word, risk_word, severity_paint, severity_word};

/// Where the values of a rule's parts begin.
const INDENT: usize = 12;

/// Writes a table, a line for each rule. Titles are cut at the right edge, if there is one.
pub fn write_list(
    list: &RuleList,
    color: bool,
    edge: Option<usize>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let default = Style::default();
    let mut page = Page::new(out, Style { color, ..default });
    let rows: Vec<Vec<table::Cell>> = list
        .rules
        .iter()
        .map(|rule| {
            vec![
                (BOLD, rule.id.clone()),
                (PLAIN, rule.category.to_owned()),
                (
                    severity_paint(rule.severity),
                    severity_word(rule.severity).to_owned(),
                ),
                (PLAIN, rule.status.to_owned()),
                (PLAIN, short(&rule.versions)),
                (PLAIN, rule.title.clone()),
            ]
        })
        .collect();
    let head = ["ID", "CATEGORY", "SEVERITY", "STATUS", "VERSIONS", "TITLE"];
    table::write(&mut page, &head, &rows, edge)?;
    if list.rules.iter().any(|rule| is_lowered(&rule.versions)) {
        page.unbroken(&[(
            DIM,
            "~  outside its versions the rule still runs, with confidence possible",
        )])?;
    }
    Ok(())
}

fn is_lowered(versions: &VersionRanges) -> bool {
    versions.outside == "lower" && versions.stated().next().is_some()
}

/// Ranges as the rule writes them.
fn short(versions: &VersionRanges) -> String {
    let ranges: Vec<String> = versions
        .stated()
        .map(|(what, range)| format!("{what} {range}"))
        .collect();
    match (ranges.as_slice(), is_lowered(versions)) {
        ([], _) => "any".to_owned(),
        (ranges, true) => format!("{} ~", ranges.join(", ")),
        (ranges, false) => ranges.join(", "),
    }
}

/// Ranges in words.
fn words(versions: &VersionRanges) -> String {
    let ranges: Vec<String> = versions
        .stated()
        .map(|(what, range)| format!("{what} {}", range_words(range)))
        .collect();
    if ranges.is_empty() {
        return "any".to_owned();
    }
    let otherwise = match is_lowered(versions) {
        true => "Outside these it still runs, with confidence possible.",
        false => "Outside these it does not run.",
    };
    format!("{}. {otherwise}", ranges.join("; "))
}

/// `>=1.2.0 <1.4.0` → `from 1.2.0, before 1.4.0`.
fn range_words(range: &str) -> String {
    let conditions: Vec<&str> = range.split_whitespace().collect();
    let is_alone = conditions.len() == 1;
    let words: Vec<String> = conditions
        .iter()
        .map(|condition| {
            let digits = condition.find(|letter: char| !"<>=".contains(letter));
            let (operator, version) = condition.split_at(digits.unwrap_or(0));
            match operator {
                ">=" if is_alone => format!("{version} or newer"),
                ">=" => format!("from {version}"),
                ">" => format!("newer than {version}"),
                "<=" => format!("up to {version}"),
                "<" => format!("before {version}"),
                _ => version.to_owned(),
            }
        })
        .collect();
    words.join(", ")
}

/// Writes all that there is to know of a rule.
pub fn write_rule(rule: &RuleDetail, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page::new(out, style);
    let entry = &rule.entry;
    let head = format!("{}  ", entry.id);
    page.paragraph((BOLD, &head), 2, (PLAIN, &entry.title))?;
    page.blank()?;
    let severity = match rule.escalates_to {
        Some(worst) => format!(
            "{}, up to {}",
            severity_word(entry.severity),
            severity_word(worst)
        ),
        None => severity_word(entry.severity).to_owned(),
    };
    let paint = severity_paint(rule.escalates_to.unwrap_or(entry.severity));
    part(&mut page, "severity", (paint, &severity))?;
    let confidence = confidence_word(rule.confidence);
    part(&mut page, "confidence", (PLAIN, confidence))?;
    part(&mut page, "category", (PLAIN, entry.category))?;
    let status = match entry.status {
        "experimental" => "experimental: its findings are marked",
        "deprecated" => "deprecated: runs only where --only names it",
        status => status,
    };
    part(&mut page, "status", (PLAIN, status))?;
    part(&mut page, "versions", (PLAIN, &words(&entry.versions)))?;
    if let Some(description) = &rule.description {
        for (index, paragraph) in description.split("\n\n").enumerate() {
            let name = if index == 0 { "about" } else { "" };
            part(&mut page, name, (PLAIN, paragraph))?;
        }
    }
    write_needs(&mut page, &rule.requires)?;
    write_params(&mut page, rule)?;
    write_links(&mut page, "caused by", &rule.caused_by)?;
    write_links(&mut page, "causes", &rule.causes)?;
    for (index, step) in rule.remedy.iter().enumerate() {
        write_step(&mut page, index, step)?;
    }
    for (index, reference) in rule.references.iter().enumerate() {
        let name = if index == 0 { "see" } else { "" };
        let title = reference.title.iter().map(|title| format!("{title}: "));
        let text = format!("{}{}", title.collect::<String>(), reference.url);
        part(&mut page, name, (PLAIN, &text))?;
    }
    if !rule.entry.aliases.is_empty() {
        part(
            &mut page,
            "aliases",
            (PLAIN, &rule.entry.aliases.join(", ")),
        )?;
    }
    let origin = if rule.built_in { " (built in)" } else { "" };
    part(
        &mut page,
        "file",
        (PLAIN, &format!("{}{origin}", rule.entry.file)),
    )
}

/// A part of a rule: its name in the left column, which is empty where the name is.
fn part(page: &mut Page<'_>, name: &str, text: (Paint, &str)) -> io::Result<()> {
    page.paragraph((DIM, &format!("{name:INDENT$}")), INDENT, text)
}

fn write_needs(page: &mut Page<'_>, requires: &RequiredData) -> io::Result<()> {
    let mut name = "needs";
    if !requires.kinds.is_empty() {
        let kinds = format!("objects: {}", requires.kinds.join(", "));
        part(page, name, (PLAIN, &kinds))?;
        name = "";
    }
    for group in &requires.logs {
        let logs = format!("logs: {}", group.join(" or "));
        part(page, name, (PLAIN, &logs))?;
        name = "";
    }
    Ok(())
}

fn write_params(page: &mut Page<'_>, rule: &RuleDetail) -> io::Result<()> {
    for (index, param) in rule.params.iter().enumerate() {
        let name = if index == 0 { "params" } else { "" };
        let text = format!("{} = {}", param.name, param.default);
        part(page, name, (PLAIN, &text))?;
    }
    if rule.params.is_empty() {
        return Ok(());
    }
    let hint = format!("set one with --param {}.NAME=VALUE", rule.entry.id);
    part(page, "", (DIM, &hint))
}

fn write_links(page: &mut Page<'_>, name: &str, links: &[LinkEntry]) -> io::Result<()> {
    let width = links.iter().map(|link| columns(&link.rule)).max();
    let width = width.unwrap_or_default();
    for (index, link) in links.iter().enumerate() {
        let name = if index == 0 { name } else { "" };
        let mut how = vec![confidence_word(link.strength).to_owned()];
        if !link.same.is_empty() {
            how.push(format!("same {}", link.same.join(" and ")));
        }
        if link.order == "cause-first" {
            how.push("the cause first".to_owned());
        }
        page.unbroken(&[
            (DIM, &format!("{name:INDENT$}")),
            (BOLD, &format!("{:width$}", link.rule)),
            (PLAIN, "  "),
            (PLAIN, &how.join(", ")),
        ])?;
        if let Some(title) = &link.title {
            let margin = " ".repeat(INDENT + 2);
            page.paragraph((PLAIN, &margin), INDENT + 2, (DIM, title))?;
        }
    }
    Ok(())
}

fn write_step(page: &mut Page<'_>, index: usize, step: &RemedyEntry) -> io::Result<()> {
    let name = if index == 0 { "remedy" } else { "" };
    let (risk, paint) = risk_word(step.risk);
    let when = step.when.iter().map(|when| format!("; when {when}"));
    let text = format!("{} ({risk}{})", step.text, when.collect::<String>());
    let number = format!("{name:INDENT$}{}. ", index + 1);
    let indent = columns(&number);
    page.paragraph((DIM, &number), indent, (paint, &text))?;
    let margin = " ".repeat(indent);
    if let Some(command) = &step.command {
        page.unbroken(&[(PLAIN, &margin), (DIM, "$ "), (paint, command)])?;
    }
    if let Some(check) = &step.check {
        let head = format!("{margin}check: ");
        page.paragraph((DIM, &head), indent + 2, (PLAIN, check))?;
    }
    if let Some(forbidden) = &step.forbids_meanwhile {
        let head = format!("{margin}meanwhile: ");
        page.paragraph((DIM, &head), indent + 2, (PLAIN, forbidden))?;
    }
    if let Some(link) = &step.link {
        page.paragraph((DIM, &format!("{margin}see ")), indent + 2, (PLAIN, link))?;
    }
    Ok(())
}
