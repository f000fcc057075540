//! The checks before an upgrade as text: what stands against it first, then what could not be seen.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style as Paint};
use schemars::JsonSchema;
use serde::Serialize;

use super::Tool;
use super::page::{PLAIN, Page, columns, cut};
use super::text::{
    BOLD, DIM, Style, colored, evidence_place, evidence_words, risk_word, severity_paint,
    severity_word,
};
use crate::diagnosis::facts::BundleInfo;
use crate::diagnosis::wording;
use crate::preflight::{
    Asker, Assessment, Check, CheckState, Fault, Readiness, ReadinessState, VersionPath,
};
use crate::span::Problem;

/// Name and version of the schema.
pub const SCHEMA: &str = "bundle-doctor/preflight/v1";

/// What stands against an upgrade, and what could not be seen. All keys are always written.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Preflight {
    /// `bundle-doctor/preflight/v1`.
    pub schema: String,
    /// What made it.
    pub tool: Tool,
    /// Of which bundle.
    pub bundle: BundleInfo,
    /// Which versions may follow.
    pub path: VersionPath,
    /// All checks in one word, and how many there are of each state.
    pub verdict: Readiness,
    /// Each check, in a fixed order.
    pub checks: Vec<Check>,
    /// What of the bundle could not be read.
    pub problems: Vec<Problem>,
}

impl Preflight {
    /// Puts all parts together. Secrets are still in it: see [`super::mask`].
    #[must_use]
    pub fn new(tool: Tool, assessment: Assessment) -> Self {
        Preflight {
            schema: SCHEMA.to_owned(),
            tool,
            bundle: assessment.bundle,
            path: assessment.path,
            verdict: assessment.verdict,
            checks: assessment.checks,
            problems: assessment.problems,
        }
    }
}

/// What the text shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PreflightOptions {
    /// How lines are drawn.
    pub style: Style,
    /// Whether to show all faults, evidence and steps of each failed check.
    pub verbose: bool,
}

/// Columns of the state before a check's title.
const MARGIN: usize = 16;
/// Of a failed check, so much is shown unless all is asked for.
const FAULTS: usize = 3;
const EVIDENCE: usize = 2;
const STEPS: usize = 1;
/// Columns that are shown of the words of an evidence.
const WORDS: usize = 160;

/// Writes the checks for a reader at a terminal or in a ticket.
pub fn write(
    preflight: &Preflight,
    options: PreflightOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut page = Page::new(out, options.style);
    write_origin(&mut page, preflight)?;
    page.blank()?;
    write_verdict(&mut page, preflight)?;
    write_path(&mut page, preflight)?;
    for state in [
        CheckState::Failed,
        CheckState::NotComputable,
        CheckState::Passed,
        CheckState::NotApplicable,
    ] {
        let checks = preflight.checks.iter().filter(|check| check.state == state);
        for (index, check) in checks.enumerate() {
            if index == 0 {
                page.blank()?;
            }
            write_check(&mut page, check, options.verbose)?;
        }
    }
    write_unread(&mut page, preflight)
}

fn write_origin(page: &mut Page<'_>, preflight: &Preflight) -> io::Result<()> {
    let (tool, bundle) = (&preflight.tool, &preflight.bundle);
    let mut parts = vec![
        format!("{} {}", tool.name, tool.version),
        wording::count(tool.rules.count, "rule"),
        bundle.file.clone(),
    ];
    let collected = bundle.collected_at;
    parts.extend(collected.map(|time| format!("collected {}", wording::minute(time))));
    page.paragraph((PLAIN, ""), 2, (DIM, &parts.join(" · ")))
}

fn write_verdict(page: &mut Page<'_>, preflight: &Preflight) -> io::Result<()> {
    let verdict = &preflight.verdict;
    let made = verdict.passed + verdict.failed + verdict.not_computable;
    let unseen = match verdict.not_computable {
        0 => String::new(),
        1 => ", 1 check could not be made".to_owned(),
        many => format!(", {many} checks could not be made"),
    };
    let failed = format!(
        "{} of {} failed",
        verdict.failed,
        wording::count(made, "check")
    );
    let (head, paint, body) = match verdict.state {
        ReadinessState::Refused => (
            "AN UPGRADE WOULD BE REFUSED: ",
            colored(AnsiColor::Red).bold(),
            format!(
                "{failed}, {} of them such that Harvester lets no upgrade begin{unseen}",
                verdict.refused
            ),
        ),
        ReadinessState::NotReady => (
            "NOT READY: ",
            colored(AnsiColor::Yellow).bold(),
            format!("{failed}, none of them such that Harvester would refuse to begin{unseen}"),
        ),
        ReadinessState::NotAssessable => (
            "TOO LITTLE IS KNOWN: ",
            BOLD,
            format!("no check failed{unseen}"),
        ),
        ReadinessState::NothingKnownAgainst => (
            "NOTHING KNOWN STANDS AGAINST IT",
            BOLD,
            match verdict.not_computable {
                0 => format!(": all of {} passed", wording::count(made, "check")),
                _ => unseen,
            },
        ),
    };
    page.paragraph((paint, head), 2, (PLAIN, &body))
}

fn write_path(page: &mut Page<'_>, preflight: &Preflight) -> io::Result<()> {
    let path = &preflight.path;
    let installed = path.installed.as_deref().unwrap_or("unknown");
    let directly = match path.directly.as_slice() {
        [] => format!("Harvester {installed}"),
        releases => format!(
            "Harvester {installed}, which may be upgraded to {}",
            wording::list(releases, "or")
        ),
    };
    page.paragraph((DIM, "  version  "), 11, (PLAIN, &directly))?;
    let way = match (&path.to, &path.steps, &path.reason) {
        (Some(to), Some(steps), _) if steps.len() > 1 => {
            format!(
                "to {to} in {}: {}",
                wording::count(steps.len(), "upgrade"),
                steps.join(" → ")
            )
        }
        (Some(to), Some(_), _) => format!("to {to} at once"),
        (Some(to), None, Some(reason)) => format!("to {to}: {reason}"),
        _ => return Ok(()),
    };
    page.paragraph((DIM, "  way      "), 11, (PLAIN, &way))
}

fn write_check(page: &mut Page<'_>, check: &Check, verbose: bool) -> io::Result<()> {
    let (word, paint) = match check.state {
        CheckState::Failed => ("failed", check.severity.map_or(PLAIN, severity_paint)),
        CheckState::NotComputable => ("not computable", colored(AnsiColor::Cyan)),
        CheckState::Passed => ("passed", colored(AnsiColor::Green)),
        CheckState::NotApplicable => ("not applicable", DIM),
    };
    let asked: Vec<&str> = check
        .asked_by
        .iter()
        .map(|asker| match asker {
            Asker::Webhook => "webhook",
            Asker::Controller => "controller",
            Asker::Script => "pre-check",
        })
        .collect();
    let mut right = asked.join(", ");
    if let Some(severity) = check.severity {
        let severity = severity_word(severity);
        right = if right.is_empty() {
            severity.to_owned()
        } else {
            format!("{severity} · {right}")
        };
    }
    let used = MARGIN + columns(&check.title) + columns(&right);
    let gap = " ".repeat(page.width().saturating_sub(used).max(2));
    page.unbroken(&[
        (paint, word),
        (PLAIN, &" ".repeat(MARGIN - columns(word))),
        (
            if check.state == CheckState::Failed {
                BOLD
            } else {
                PLAIN
            },
            &check.title,
        ),
        (PLAIN, &gap),
        (DIM, &right),
    ])?;
    let shown = if verbose { check.faults.len() } else { FAULTS };
    for fault in check.faults.iter().take(shown) {
        write_fault(page, fault, verbose)?;
    }
    if check.faults.len() > shown {
        let more = format!("+ {} more (-v shows each)", check.faults.len() - shown);
        line(page, "", DIM, &more)?;
    }
    for note in &check.notes {
        line(page, "", DIM, note)?;
    }
    Ok(())
}

fn write_fault(page: &mut Page<'_>, fault: &Fault, verbose: bool) -> io::Result<()> {
    let rule = fault
        .rule
        .as_ref()
        .map_or(String::new(), |rule| format!("  ({rule})"));
    line(page, "", PLAIN, &format!("{}{rule}", fault.title))?;
    let shown = |all: usize, few: usize| if verbose { all } else { all.min(few) };
    if verbose || fault.rule.is_none() {
        let message = fault.message.trim();
        if !message.is_empty() {
            line(page, "", DIM, message)?;
        }
    }
    for (index, evidence) in fault
        .evidence
        .iter()
        .enumerate()
        .take(shown(fault.evidence.len(), EVIDENCE))
    {
        let words = cut(&evidence_words(evidence), WORDS);
        let text = format!("{}  {words}", evidence_place(evidence));
        line(page, if index == 0 { "why" } else { " " }, PLAIN, &text)?;
    }
    for (index, step) in fault
        .remedy
        .iter()
        .enumerate()
        .take(shown(fault.remedy.len(), STEPS))
    {
        let (risk, paint) = risk_word(step.risk);
        line(
            page,
            if index == 0 { "do" } else { " " },
            paint,
            &format!("{} ({risk})", step.text),
        )?;
        if let Some(command) = &step.command {
            page.unbroken(&[
                (PLAIN, &" ".repeat(MARGIN + 5)),
                (DIM, "$ "),
                (paint, command),
            ])?;
        }
    }
    Ok(())
}

/// A paragraph below a check's title; one without a label begins where the title does.
/// What goes on below a label is indented as far, with a label of one blank.
fn line(page: &mut Page<'_>, label: &str, paint: Paint, text: &str) -> io::Result<()> {
    let (head, indent) = match label {
        "" => (" ".repeat(MARGIN), MARGIN),
        label => (format!("{}{label:<5}", " ".repeat(MARGIN)), MARGIN + 5),
    };
    page.paragraph((DIM, &head), indent, (paint, text))
}

fn write_unread(page: &mut Page<'_>, preflight: &Preflight) -> io::Result<()> {
    let Some(first) = preflight.problems.first() else {
        return Ok(());
    };
    page.blank()?;
    let more = match preflight.problems.len() {
        1 => String::new(),
        many => format!(", and {} more", many - 1),
    };
    let text = format!("{}: {}{more}", first.path, first.reason);
    page.paragraph((DIM, "unread  "), 8, (DIM, &text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schema_file_is_that_of_the_types() {
        let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
        let schema = settings
            .into_generator()
            .into_root_schema_for::<Preflight>();
        crate::testing::check_schema_file("preflight.v1.schema.json", &schema);
    }
}
