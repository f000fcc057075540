//! Many bundles as text: a line each as it comes, then all by their root cause; or as lines of JSON.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style as Paint};

use super::Tool;
use super::page::{PLAIN, Page, columns};
use super::text::{BOLD, DIM, Style, colored, severity_paint, severity_word};
use crate::archive::Found;
use crate::diagnosis::facts::UpgradeState;
use crate::diagnosis::{Action, VerdictState, wording};
use crate::triage::{Groups, Root, Row};

/// A path takes at most so many columns of its line; the groups at the end show it whole.
const WIDEST_PATH: usize = 44;
/// Columns of the others: cluster, versions, verdict.
const CLUSTER: usize = 8;
const VERSIONS: usize = 15;
const VERDICT: usize = 24;
/// Of a group so many bundles are named unless all are asked for.
const NAMED: usize = 10;

/// One line of JSON.
pub fn write_json(row: &Row, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, row)?;
    out.write_all(b"\n")
}

/// How the text is laid out, which has to be known before the first row.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    path: usize,
    style: Style,
    verbose: bool,
}

/// How a run went, beside its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Files that were looked at and are no bundles.
    pub skipped: u64,
}

impl Totals {
    /// `3 other files skipped`.
    #[must_use]
    pub fn words(&self) -> String {
        format!("{} skipped", wording::count(self.skipped, "other file"))
    }
}

impl Table {
    /// A table for these bundles. `verbose`: all bundles of each group are named.
    #[must_use]
    pub fn new(found: &[Found], style: Style, verbose: bool) -> Table {
        let paths = found.iter().filter_map(|found| found.paths.first());
        let longest = paths.map(|path| columns(&path.display().to_string()));
        Table {
            path: longest.max().unwrap_or_default().clamp(6, WIDEST_PATH),
            style,
            verbose,
        }
    }

    /// Which program and rules, and the names of the columns.
    pub fn write_head(&self, tool: &Tool, found: usize, out: &mut dyn Write) -> io::Result<()> {
        let mut page = Page::new(out, self.style);
        let origin = [
            format!("{} {}", tool.name, tool.version),
            wording::count(tool.rules.count, "rule"),
            format!("{} found", wording::grouped(found as u64)),
        ];
        page.paragraph((PLAIN, ""), 2, (DIM, &origin.join(" · ")))?;
        page.blank()?;
        let head = self.line(&["bundle", "cluster", "versions", "verdict"]);
        page.unbroken(&[(DIM, &head), (DIM, "root cause")])
    }

    /// One row.
    pub fn write_row(&self, row: &Row, out: &mut dyn Write) -> io::Result<()> {
        let mut page = Page::new(out, self.style);
        let path = middle_cut(&row.path, self.path);
        if let Some(failure) = &row.failure {
            let path = self.line(&[&path]);
            let broken = colored(AnsiColor::Red);
            return page.unbroken(&[
                (PLAIN, &path),
                (broken, "broken: "),
                (PLAIN, &failure.reason),
            ]);
        }
        let cluster = row.bundle.as_ref().and_then(|it| it.cluster_id.as_deref());
        let cluster: String = cluster.unwrap_or("-").chars().take(CLUSTER).collect();
        let (verdict, paint) = verdict(row);
        let line = self.line(&[&path, &cluster, &versions(row)]);
        let gap = " ".repeat(VERDICT.saturating_sub(columns(&verdict)) + 2);
        let (cause, subject) = match row.top_cause() {
            Some(cause) => (cause.rule.as_str(), format!("  {}", cause.subject)),
            None => ("-", String::new()),
        };
        let unread = match row.problems {
            0 => String::new(),
            problems => format!("  ({problems} unread)"),
        };
        page.unbroken(&[
            (PLAIN, &line),
            (paint, &verdict),
            (PLAIN, &gap),
            (BOLD, cause),
            (PLAIN, &subject),
            (DIM, &unread),
        ])
    }

    /// The first columns of a line, each as wide as it has to be.
    fn line(&self, cells: &[&str]) -> String {
        let mut line = String::new();
        for (cell, width) in cells.iter().zip([self.path, CLUSTER, VERSIONS, VERDICT]) {
            line.push_str(cell);
            line.push_str(&" ".repeat(width.saturating_sub(columns(cell)) + 2));
        }
        line
    }

    /// All bundles by root cause, and how many there were.
    pub fn write_groups(
        &self,
        groups: &Groups,
        totals: Totals,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let mut page = Page::new(out, self.style);
        let ranked = groups.ranked();
        if !ranked.is_empty() {
            page.blank()?;
            page.unbroken(&[(BOLD, "by root cause")])?;
        }
        for group in &ranked {
            let number = format!("{:>5}  ", wording::grouped(group.bundles.len() as u64));
            let (name, paint) = match &group.root {
                Root::Rule(rule) => (rule.as_str(), BOLD),
                Root::Unknown => ("no known cause matched", PLAIN),
                Root::Failed => ("broken", colored(AnsiColor::Red)),
            };
            let severity = group
                .severity
                .map(|it| (severity_word(it), severity_paint(it)));
            let (word, severity_paint) = severity.unwrap_or(("", PLAIN));
            let name = format!("{name}  ");
            page.unbroken(&[(BOLD, &number), (paint, &name), (severity_paint, word)])?;
            if let Some(example) = &group.example {
                let lead = if group.bundles.len() > 1 {
                    "such as: "
                } else {
                    ""
                };
                page.paragraph((DIM, &format!("{:7}{lead}", "")), 7, (PLAIN, example))?;
            }
            let shown = if self.verbose { usize::MAX } else { NAMED };
            for (path, failure) in group.bundles.iter().take(shown) {
                let failure = failure.as_ref().map(|it| format!(": {}", it.reason));
                let line = format!("{:7}{path}{}", "", failure.unwrap_or_default());
                page.unbroken(&[(DIM, &line)])?;
            }
            if let Some(more @ 1..) = group.bundles.len().checked_sub(shown) {
                page.unbroken(&[(DIM, &format!("{:7}+ {more} more (-v names them)", ""))])?;
            }
        }
        page.blank()?;
        let (all, failed) = groups.counts();
        let mut parts = vec![wording::count(all, "bundle")];
        if failed > 0 {
            parts.push(format!("{failed} broken"));
        }
        if totals.skipped > 0 {
            parts.push(totals.words());
        }
        page.paragraph((PLAIN, ""), 2, (PLAIN, &parts.join(" · ")))
    }
}

/// `upgrade stuck: repair`, and how it is painted.
fn verdict(row: &Row) -> (String, Paint) {
    let Some(verdict) = &row.verdict else {
        return ("-".to_owned(), PLAIN);
    };
    let (state, paint) = match verdict.state {
        VerdictState::UpgradeStuck => ("upgrade stuck", colored(AnsiColor::Red)),
        VerdictState::UpgradeFailed => ("upgrade failed", colored(AnsiColor::Red)),
        VerdictState::UpgradeRefused => ("upgrade refused", colored(AnsiColor::Red)),
        VerdictState::NodeFailure => ("node failure", colored(AnsiColor::Red)),
        VerdictState::Degraded => ("degraded", colored(AnsiColor::Yellow)),
        VerdictState::NotAssessable => ("not assessable", colored(AnsiColor::Yellow)),
        VerdictState::UpgradeProgressing => ("upgrade progressing", PLAIN),
        VerdictState::NoFinding => ("no finding", PLAIN),
    };
    let action = match verdict.action {
        Action::Rebuild => "rebuild",
        Action::Repair => "repair",
        Action::Wait => "wait",
        Action::CollectMore => "collect more",
        Action::None => return (state.to_owned(), paint),
    };
    (format!("{state}: {action}"), paint)
}

/// `v1.4.0 → v1.4.1` of an upgrade that is not over, else the version.
fn versions(row: &Row) -> String {
    let installed = row.bundle.as_ref();
    let installed = installed.and_then(|bundle| bundle.harvester_version.as_deref());
    let open = row
        .upgrade
        .as_ref()
        .filter(|it| it.state != UpgradeState::Succeeded);
    match open {
        Some(upgrade) => {
            let from = upgrade.from.as_deref().or(installed).unwrap_or("?");
            format!("{from} → {}", upgrade.to.as_deref().unwrap_or("?"))
        }
        None => installed.unwrap_or("-").to_owned(),
    }
}

/// A text in so many columns, its middle left out: names of bundles differ at their ends.
fn middle_cut(text: &str, width: usize) -> String {
    let length = columns(text);
    if length <= width {
        return text.to_owned();
    }
    let kept = width.saturating_sub(1);
    let head: String = text.chars().take(kept / 2).collect();
    let tail: String = text.chars().skip(length - (kept - kept / 2)).collect();
    format!("{head}…{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schema_file_is_that_of_the_types() {
        let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
        let schema = settings.into_generator().into_root_schema_for::<Row>();
        crate::testing::check_schema_file("triage.v1.schema.json", &schema);
    }

    #[test]
    fn paths_are_cut_in_the_middle() {
        assert_eq!(middle_cut("abcdef", 6), "abcdef");
        assert_eq!(middle_cut("abcdefgh", 5), "ab…gh");
        assert_eq!(columns(&middle_cut(&"ü".repeat(90), 44)), 44);
    }
}
