//! What came of the cases of rules, and the text of what they found.

use std::collections::BTreeSet;
use std::io::{self, Write};

use anstyle::AnsiColor;

use super::Style;
use super::mistakes;
use super::page::{PLAIN, Page, columns};
use super::text::{
    BOLD, DIM, colored, confidence_word, evidence_place, evidence_words, risk_word, severity_word,
};
use crate::case::snapshot::{SECTION, title};
use crate::case::{CaseOutcome, FileOutcome, Outcome};
use crate::diagnosis::wording;
use crate::finding::Finding;
use crate::rule::mistake::{Level, Mistake};

/// Writes a line for each file, and below it the cases that failed, with what differs. `verbose`
/// lists all cases.
pub fn write(
    files: &[FileOutcome],
    verbose: bool,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let width = files.iter().map(|file| columns(&file.file)).max();
    let width = width.unwrap_or_default();
    for file in files {
        mistakes::write(&file.mistakes, out)?;
        let mut page = Page::new(out, style);
        let (word, paint) = match file.passed() {
            true => ("ok      ", colored(AnsiColor::Green)),
            false => ("FAILED  ", colored(AnsiColor::Red).bold()),
        };
        let name = format!("{:width$}  ", file.file);
        page.unbroken(&[(paint, word), (PLAIN, &name), (DIM, &counted(file))])?;
        let shown = |case: &&CaseOutcome| verbose || !case.outcome.passed();
        for case in file.cases.iter().filter(shown) {
            write_case(&mut page, file, case)?;
        }
        for name in &file.gone {
            let text = format!("  the snapshot holds a case that is no more: {name}");
            page.unbroken(&[(PLAIN, &text)])?;
        }
    }
    Ok(())
}

/// `7 cases`, `2 of 7 cases failed`.
fn counted(file: &FileOutcome) -> String {
    let cases = wording::count(file.cases.len() as u64, "case");
    let failed = file.cases.iter().filter(|case| !case.outcome.passed());
    let skipped = file.cases.len() - file.ran().count();
    let mut text = match failed.count() {
        0 => cases,
        failed => format!("{failed} of {cases} failed"),
    };
    if skipped > 0 {
        text.push_str(&format!(", {skipped} skipped"));
    }
    text
}

fn write_case(page: &mut Page<'_>, file: &FileOutcome, case: &CaseOutcome) -> io::Result<()> {
    let paint = match case.outcome {
        Outcome::Skipped => DIM,
        outcome if outcome.passed() => PLAIN,
        _ => colored(AnsiColor::Red),
    };
    let word = format!("  {:<13} ", case.outcome.word());
    page.unbroken(&[(paint, &word), (BOLD, &title(&case.name))])?;
    if !case.outcome.passed() {
        let place = format!("                {}:{}", file.file, case.line);
        page.unbroken(&[(DIM, &place)])?;
    }
    for line in &case.difference {
        let paint = match line.as_bytes().first() {
            Some(b'-') => colored(AnsiColor::Red),
            Some(b'+') => colored(AnsiColor::Green),
            _ => PLAIN,
        };
        page.unbroken(&[(PLAIN, "                "), (paint, line)])?;
    }
    Ok(())
}

/// Says in a line how many rules and cases there were, how many failed, and what they leave open.
pub fn write_summary(
    files: &[FileOutcome],
    gaps: &[Mistake],
    out: &mut dyn Write,
) -> io::Result<()> {
    let rules: BTreeSet<&str> = files.iter().filter_map(|it| it.rule.as_deref()).collect();
    let cases = || files.iter().flat_map(|file| &file.cases);
    let count = |wanted: &dyn Fn(&CaseOutcome) -> bool| -> u64 {
        cases().filter(|case| wanted(case)).count() as u64
    };
    let skipped = count(&|case| case.outcome == Outcome::Skipped);
    let failed = count(&|case| !case.outcome.passed());
    let wrong = files.iter().filter(|file| file.has_error()).count() as u64;
    let stale = files.iter().filter(|file| !file.gone.is_empty()).count() as u64;
    let mut results = Vec::new();
    if files.is_empty() {
        results.push("there is no case file (<id>.test.yaml)".to_owned());
    }
    if failed > 0 {
        results.push(format!("{failed} failed"));
    }
    if wrong > 0 {
        results.push(format!("{} wrong", wording::count(wrong, "file")));
    }
    if stale > 0 {
        let stale = wording::count(stale, "snapshot");
        results.push(format!("{stale} with cases that are no more"));
    }
    let untested = gaps.iter().filter(|gap| gap.level == Level::Error).count();
    if untested > 0 {
        let gaps = wording::count(untested as u64, "gap");
        results.push(format!("{gaps} in what they show"));
    }
    if results.is_empty() {
        results.push("none failed".to_owned());
    }
    if skipped > 0 {
        results.push(format!(
            "{skipped} skipped (their bundles are written by the project's own `cargo test`)"
        ));
    }
    writeln!(
        out,
        "{}, {}: {}",
        wording::count(rules.len() as u64, "rule"),
        wording::count(count(&|_| true), "case"),
        results.join(", ")
    )
}

/// What the cases of a file found, as text that is kept and compared.
pub fn snapshot(file: &FileOutcome) -> String {
    let mut out = Vec::new();
    // A vector takes whatever is written to it.
    let _ = write_snapshot(file, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

fn write_snapshot(file: &FileOutcome, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page::new(out, Style::default());
    let rule = file.rule.as_deref().unwrap_or_default();
    let head =
        format!("What the cases of {rule} find. `bundle-doctor rules test --update` writes it.");
    page.unbroken(&[(PLAIN, &head)])?;
    for case in file.ran() {
        page.blank()?;
        page.unbroken(&[(PLAIN, SECTION), (PLAIN, &title(&case.name))])?;
        if let Some(reason) = &case.not_evaluated {
            lines(&mut page, "not evaluated: ", reason)?;
        }
        if case.findings.is_empty() {
            lines(&mut page, "", "nothing found")?;
        }
        for finding in &case.findings {
            write_finding(&mut page, file, finding)?;
        }
    }
    Ok(())
}

fn write_finding(page: &mut Page<'_>, file: &FileOutcome, finding: &Finding) -> io::Result<()> {
    let (severity, confidence) = (
        severity_word(finding.severity),
        confidence_word(finding.confidence),
    );
    let head = format!("{severity} · {confidence} · {}", finding.subject);
    lines(page, "", &head)?;
    lines(page, "  title    ", &finding.title)?;
    lines(page, "  message  ", &finding.message)?;
    for note in &finding.notes {
        lines(page, "  note     ", note)?;
    }
    if let Some(since) = finding.first_seen {
        lines(page, "  since    ", &since.to_string())?;
    }
    for evidence in &finding.evidence {
        // Where the case file stands is no part of what is found.
        let mut text = match evidence.path == file.file {
            true => String::new(),
            false => format!("{}  ", evidence_place(evidence)),
        };
        text.push_str(&evidence_words(evidence));
        lines(page, "  why      ", text.trim_end())?;
    }
    for (index, step) in finding.remedy.iter().enumerate() {
        let (risk, _) = risk_word(step.risk);
        let text = format!("{}. {} ({risk})", index + 1, step.text);
        lines(page, "  do       ", &text)?;
        if let Some(command) = &step.command {
            lines(page, "             $ ", command)?;
        }
        if let Some(check) = &step.check {
            lines(page, "             check: ", check)?;
        }
        if let Some(forbidden) = &step.forbids_meanwhile {
            lines(page, "             meanwhile: ", forbidden)?;
        }
    }
    if let Some(suppressed) = &finding.suppressed {
        let name = format!("  {}   ", suppressed.by);
        lines(page, &name, &suppressed.reason)?;
    }
    Ok(())
}

/// A text of one or more lines, each indented so that none opens a section.
fn lines(page: &mut Page<'_>, name: &str, text: &str) -> io::Result<()> {
    let margin = " ".repeat(name.chars().count());
    for (index, line) in text.lines().enumerate() {
        let head = if index == 0 { name } else { &margin };
        page.unbroken(&[(PLAIN, "  "), (PLAIN, head), (PLAIN, line)])?;
    }
    Ok(())
}

/// What came of one file, as a test shows it that failed.
pub fn text(file: &FileOutcome) -> String {
    let mut out = Vec::new();
    // A vector takes whatever is written to it.
    let _ = write(
        std::slice::from_ref(file),
        false,
        Style::default(),
        &mut out,
    );
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::Archive;
    use crate::case::{Loader, run_file};
    use crate::rule::RuleSet;

    const RULE: &str = r#"
id: a
title: "{{ node.metadata.name }}"
severity: error
match: [{ each: node, in: Node }]
finding:
  subject: node
  message: "first\nsecond"
  notes: [{ text: N }]
remedy: [{ text: Look., command: "ls {{ node.metadata.name }}", risk: safe, check: It is there. }]
unless: [{ when: node.metadata.name == 'n2', reason: R }]
"#;
    const CASES: &str = r#"
rule: a
now: "2024-05-01T12:00:00Z"
objects: { kind: Node, apiVersion: v1, metadata: { name: n1 } }
cases:
  - { name: as it is, expect: { count: 1 } }
  - name: excused
    remove: [Node/n1]
    add: { kind: Node, apiVersion: v1, metadata: { name: n2 } }
    expect: []
  - { name: "not\n\nso", expect: [] }
  - { name: elsewhere, bundle: x, expect: [] }
"#;

    struct Nothing;

    impl Loader for Nothing {
        fn text(&self, _: &str) -> Result<String, String> {
            Err("there is nothing".to_owned())
        }

        fn bundle(&self, _: &str) -> Result<Option<Archive>, String> {
            Ok(None)
        }
    }

    fn outcome(cases: &str) -> FileOutcome {
        let rules = RuleSet::from_texts(&[("node/a.yaml", RULE)]);
        run_file("node/a.test.yaml", cases, &rules.unwrap(), &Nothing)
    }

    #[test]
    fn what_failed_is_shown_with_its_place() {
        let outcome = outcome(CASES);
        assert_eq!(
            text(&outcome),
            "\
FAILED  node/a.test.yaml  1 of 4 cases failed, 1 skipped
  NOISY         not so
                node/a.test.yaml:11
                a finding that is not expected:
                  found: a (error) on Node/n1: n1
                         first second
"
        );
        let mut out = Vec::new();
        write_summary(&[outcome], &[], &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "1 rule, 4 cases: 1 failed, 1 skipped (their bundles are written by the project's own \
             `cargo test`)\n"
        );
    }

    #[test]
    fn a_snapshot_says_all_that_a_reader_would_see() {
        assert_eq!(
            snapshot(&outcome(CASES)),
            "\
What the cases of a find. `bundle-doctor rules test --update` writes it.

## as it is
  error · likely · Node/n1
    title    n1
    message  first
             second
    note     N
    why      Node/n1
    do       1. Look. (safe)
               $ ls n1
               check: It is there.

## excused
  error · likely · Node/n2
    title    n2
    message  first
             second
    note     N
    why      Node/n2
    do       1. Look. (safe)
               $ ls n2
               check: It is there.
    unless   R

## not so
  error · likely · Node/n1
    title    n1
    message  first
             second
    note     N
    why      Node/n1
    do       1. Look. (safe)
               $ ls n1
               check: It is there.
"
        );
    }

    #[test]
    fn a_file_that_is_wrong_is_said_to_be() {
        let outcome = outcome(&CASES.replace("rule: a", "rule: b"));
        assert!(text(&outcome).contains("there is no rule `b`"));
        let mut out = Vec::new();
        write_summary(&[outcome], &[], &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "0 rules, 0 cases: 1 file wrong\n"
        );
    }
}
