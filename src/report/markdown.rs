//! The report as Markdown, to be pasted into an issue on GitHub: the verdict, the nodes, each diagnosis
//! with its evidence folded up, the plan, and what was not examined.
//!
//! Nothing of a bundle can break out of its place: see `escape`. And it fits: see `fit`.

mod escape;
mod fit;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{self, Write};

use jiff::Timestamp;

use super::Report;
use super::page::{clean, cut};
use super::text::{
    self, action_word, confidence_word, evidence_count, evidence_words, folded, folded_lines,
    folded_place, risk_word, severity_word, tree, when,
};
use crate::diagnosis::wording;
use crate::diagnosis::{Diagnosis, PlanStep};
use crate::finding::{Finding, Severity};
use escape::{code, fence, inline, link};
use fit::{Block, Document};

/// What the Markdown shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MarkdownOptions {
    /// Diagnoses below this are only counted.
    pub min_severity: Severity,
    /// Whether to list suppressed findings with their reasons.
    pub show_suppressed: bool,
    /// Diagnoses of which nothing was seen since then are only counted.
    pub since: Option<Timestamp>,
}

impl Default for MarkdownOptions {
    fn default() -> Self {
        MarkdownOptions {
            min_severity: Severity::Warning,
            show_suppressed: false,
            since: None,
        }
    }
}

/// GitHub takes 65,536 characters. Bytes are counted, of which no character has less than one.
const LIMIT: usize = 65_000;
/// Diagnoses that keep more than their title as long as others can be cut instead.
const FIRST: usize = 10;
/// Forms of a diagnosis that fall short of all its evidence, by lines of evidence and of effects.
const SHORTER: [(usize, usize); 2] = [(4, 20), (1, 5)];
/// Lines of a list that was cut, once and twice.
const SOME: usize = 20;
const FEW: usize = 5;

/// Writes the report, at most as long as an issue may be.
pub fn write(report: &Report, options: MarkdownOptions, out: &mut dyn Write) -> io::Result<()> {
    if report.about.is_some() {
        return write_about(report, out);
    }
    out.write_all(
        Writer::new(report, options)
            .document()
            .fit(LIMIT)
            .as_bytes(),
    )
}

/// What is known of one object has no parts to fold: it is the text in a block.
fn write_about(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    /// What the block's own fences may take, lines of the text being short.
    const FENCES: usize = 1_000;
    let mut page = Vec::new();
    text::write(report, &text::TextOptions::default(), &mut page)?;
    let mut length = 0;
    let mut lines: Vec<String> = Vec::new();
    for line in String::from_utf8_lossy(&page).lines() {
        length += line.len() + 1;
        if length > LIMIT - FENCES {
            lines.push("… cut to what an issue on GitHub may hold".to_owned());
            break;
        }
        lines.push(line.to_owned());
    }
    out.write_all(fence("text", &lines).as_bytes())
}

struct Writer<'a> {
    report: &'a Report,
    options: MarkdownOptions,
    findings: BTreeMap<&'a str, &'a Finding>,
}

impl<'a> Writer<'a> {
    fn new(report: &'a Report, options: MarkdownOptions) -> Self {
        let findings = report.findings.iter();
        Writer {
            report,
            options,
            findings: findings
                .map(|finding| (finding.id.as_str(), finding))
                .collect(),
        }
    }

    fn is_older(&self, diagnosis: &Diagnosis) -> bool {
        text::is_older(self.report, diagnosis, self.options.since)
    }

    fn document(&self) -> Document {
        let shown: Vec<&Diagnosis> = self
            .report
            .diagnoses
            .iter()
            .filter(|diagnosis| {
                diagnosis.severity >= self.options.min_severity && !self.is_older(diagnosis)
            })
            .collect();
        let mut document = Document::default();
        let title = document.add(Block::kept(self.title()));
        let facts = document.add(self.verdict_grounds());
        document.add_note();
        let nodes = document.add(Block::kept(self.nodes()));

        let ranks: BTreeSet<u32> = shown.iter().map(|diagnosis| diagnosis.rank).collect();
        let blocks = folded(&shown, false);
        let heading = if blocks.is_empty() {
            "### Diagnoses\n\nNone of the severity that is shown.\n\n"
        } else {
            "### Diagnoses\n\n"
        };
        document.add(Block::kept(heading.to_owned()));
        let mut diagnoses: Vec<Part> = Vec::new();
        for (diagnosis, repeats) in blocks {
            let Some(cause) = self.findings.get(diagnosis.cause.finding.as_str()) else {
                continue;
            };
            let block = self.diagnosis(diagnosis, cause, &repeats);
            diagnoses.push(Part {
                block: document.add(block),
                rank: diagnosis.rank,
            });
        }
        let hidden = document.add(Block::kept(self.hidden()));
        let suppressed = document.add(Block::kept(self.suppressed()));

        let mut steps: Vec<Part> = Vec::new();
        let plan = self.report.plan.iter().filter(|step| {
            step.diagnoses.is_empty() || step.diagnoses.iter().any(|rank| ranks.contains(rank))
        });
        for (index, step) in plan.enumerate() {
            if index == 0 {
                document.add(Block::kept("### Plan\n\n".to_owned()));
            }
            steps.push(Part {
                block: document.add(Block::kept(self.step(index + 1, step))),
                rank: step.diagnoses.iter().min().copied().unwrap_or_default(),
            });
        }
        let unread = document.add(self.unread());
        self.order_cuts(
            &mut document,
            &diagnoses,
            &steps,
            [suppressed, hidden, unread, nodes, facts, title],
        );
        document
    }

    /// What is cut first: what was not evaluated, then evidence, from the last diagnosis up; then
    /// diagnoses and the steps that only they ask for, from the last up; then all else.
    fn order_cuts(
        &self,
        document: &mut Document,
        diagnoses: &[Part],
        steps: &[Part],
        [suppressed, hidden, unread, nodes, facts, title]: [usize; 6],
    ) {
        document.cut(unread, 1);
        document.cut(suppressed, 1);
        document.cut(facts, 1);
        for form in 1..=SHORTER.len() {
            for part in diagnoses.iter().rev() {
                document.cut_counted(part.block, form, "shortened");
            }
        }
        document.cut(unread, 2);
        document.cut(facts, 2);
        let title_alone = SHORTER.len() + 1;
        for range in [
            diagnoses.get(FIRST..),
            diagnoses.get(..FIRST.min(diagnoses.len())),
        ] {
            let range = range.unwrap_or_default();
            for part in range.iter().rev() {
                for step in steps.iter().rev().filter(|step| step.rank == part.rank) {
                    document.cut_counted(step.block, 1, "step");
                }
                document.cut_counted(part.block, title_alone, "title");
            }
            for part in range.iter().rev() {
                document.cut_counted(part.block, title_alone + 1, "gone");
            }
        }
        for step in steps.iter().rev() {
            document.cut_counted(step.block, 1, "step");
        }
        for (block, form) in [(hidden, 1), (nodes, 1), (unread, 3), (facts, 3), (title, 1)] {
            document.cut(block, form);
        }
    }

    fn title(&self) -> String {
        let report = self.report;
        let mut origin = vec![
            format!("{} {}", report.tool.name, report.tool.version),
            wording::count(report.tool.rules.count, "rule"),
            inline(&report.bundle.file),
        ];
        let collected = report.bundle.collected_at;
        origin.extend(collected.map(|time| format!("collected {}", wording::minute(time))));
        format!(
            "## {}\n\n**{}**: {}\n\n{}<br>\n{}\n\n",
            inline(&text::headline(report)),
            action_word(report.verdict.action),
            inline(&report.verdict.summary),
            inline(&text::cluster_words(report)),
            origin.join(" · "),
        )
    }

    /// What the verdict rests on, what to save, what to fetch.
    fn verdict_grounds(&self) -> Block {
        let verdict = &self.report.verdict;
        let form = |limit: usize| {
            let mut text = String::new();
            for (label, lines) in [
                ("Save first", &verdict.save_first),
                ("Facts", &verdict.facts),
                ("Fetch", &verdict.collect),
            ] {
                if !lines.is_empty() {
                    let _ = writeln!(text, "{label}:\n");
                    list(&mut text, lines.iter().map(|line| inline(line)), limit);
                    text.push('\n');
                }
            }
            text
        };
        Block::new(vec![form(usize::MAX), form(SOME), form(FEW)])
    }

    fn nodes(&self) -> String {
        let table = text::nodes::table(self.report);
        if table.rows.is_empty() {
            return String::new();
        }
        let mut lines =
            String::from("| node | upgrade | kubelet | status | |\n|---|---|---|---|---|\n");
        for row in &table.rows {
            // In text a wide gap parts the remarks.
            let remark = row.remark.replace("  ", ", ");
            let cells = [&row.name, &row.state, &row.version, &row.ready, &remark];
            let cells = cells.map(|cell| inline(cell));
            let _ = writeln!(lines, "| {} |", cells.join(" | "));
        }
        if let Some(rest) = &table.rest {
            let _ = write!(lines, "\n{}\n", inline(rest));
        }
        lines.push('\n');
        lines
    }

    fn diagnosis(&self, diagnosis: &Diagnosis, cause: &Finding, repeats: &[&Diagnosis]) -> Block {
        let mut marks = vec![
            format!("**{}**", severity_word(diagnosis.severity)),
            confidence_word(diagnosis.confidence).to_owned(),
        ];
        if cause.status == "experimental" {
            marks.push("experimental".to_owned());
        }
        if diagnosis.history {
            marks.push("over".to_owned());
        }
        marks.push(code(&cause.rule));
        let short = format!(
            "#### {}. {}\n\n{}\n\n",
            diagnosis.rank,
            inline(&diagnosis.title),
            marks.join(" · ")
        );
        let whole = |evidence: usize, effects: usize| {
            let mut text = short.trim_end().to_owned();
            if let Some(when) = when(self.report, cause) {
                let _ = write!(text, " · {}", inline(&when));
            }
            text.push_str("\n\n");
            let message: Vec<String> = std::iter::once(&cause.message)
                .chain(&cause.notes)
                .filter(|text| !text.trim().is_empty() && **text != diagnosis.title)
                .map(|text| inline(text))
                .collect();
            if !message.is_empty() {
                let _ = write!(text, "{}\n\n", message.join(" "));
            }
            self.evidence(&mut text, cause, evidence);
            self.effects(&mut text, diagnosis, effects);
            if !diagnosis.blast_radius.is_empty() {
                text.push_str("What hangs on it:\n\n");
                let hit = diagnosis.blast_radius.iter();
                let hit = hit.map(|it| inline(&text::blast_radius::words(it)));
                list(&mut text, hit, effects);
                text.push('\n');
            }
            if !repeats.is_empty() {
                text.push_str("Alike:\n\n");
                let titles = repeats
                    .iter()
                    .map(|it| format!("{}: {}", it.rank, inline(&it.title)));
                list(&mut text, titles, effects);
                text.push('\n');
            }
            if !diagnosis.references.is_empty() {
                let links = diagnosis.references.iter().map(|it| link(it));
                let _ = write!(text, "See {}\n\n", links.collect::<Vec<_>>().join(" "));
            }
            text
        };
        let mut forms = vec![whole(usize::MAX, usize::MAX)];
        forms.extend(SHORTER.map(|(evidence, effects)| whole(evidence, effects)));
        forms.push(short);
        Block::new(forms)
    }

    fn evidence(&self, text: &mut String, cause: &Finding, limit: usize) {
        let places = cause.evidence.len();
        if places == 0 {
            return;
        }
        let mut lines: Vec<String> = Vec::new();
        let folded = folded_lines(&cause.evidence);
        for &(evidence, alike) in folded.iter().take(limit) {
            let (place, words) = (folded_place(evidence, alike), evidence_words(evidence));
            lines.push(format!("{place}  {words}"));
        }
        let more = evidence_count(folded.get(limit..));
        if more > 0 {
            lines.push(format!("+ {more} more"));
        }
        fold(
            text,
            &format!("Evidence: {}", wording::count(places, "place")),
            &fence("text", &lines),
        );
    }

    fn effects(&self, text: &mut String, diagnosis: &Diagnosis, limit: usize) {
        let mut lines: Vec<String> = Vec::new();
        for (id, distance) in tree(diagnosis, usize::MAX) {
            let Some(effect) = self.findings.get(id) else {
                continue;
            };
            let distance = distance.clamp(1, 5);
            let arrow = if diagnosis.cycle.iter().any(|other| other == id) {
                "⇄"
            } else {
                "→"
            };
            lines.push(format!(
                "{}{arrow} {}  ({})",
                "  ".repeat(distance - 1),
                effect.title,
                effect.rule
            ));
        }
        let all = lines.len();
        if all == 0 {
            return;
        }
        lines.truncate(limit);
        if all > limit {
            lines.push(format!("+ {} more", all - limit));
        }
        if !diagnosis.cycle.is_empty() {
            lines.push(
                "findings marked ⇄ and the cause explain each other: any may have come first"
                    .into(),
            );
        }
        fold(
            text,
            &format!("What follows from it: {}", wording::count(all, "finding")),
            &fence("text", &lines),
        );
    }

    fn step(&self, number: usize, step: &PlanStep) -> String {
        let ranks: Vec<String> = step.diagnoses.iter().map(u32::to_string).collect();
        let of = match ranks.as_slice() {
            [] => String::new(),
            ranks => format!(", for {}", wording::list(ranks, "and")),
        };
        let (risk, _) = risk_word(step.risk);
        let risk = if risk == "safe" {
            risk.to_owned()
        } else {
            format!("**{risk}**")
        };
        let mut text = format!("**{number}.** {} ({risk}{of})\n\n", inline(&step.text));
        if let Some(command) = &step.command {
            let lines: Vec<String> = command.lines().map(str::to_owned).collect();
            let _ = writeln!(text, "{}", fence("sh", &lines));
        }
        for (label, words) in [
            ("Check", &step.check),
            ("Not meanwhile", &step.forbids_meanwhile),
        ] {
            if let Some(words) = words {
                let _ = write!(text, "{label}: {}\n\n", inline(words));
            }
        }
        text
    }

    /// Diagnoses that are there and not shown.
    fn hidden(&self) -> String {
        let all = || self.report.diagnoses.iter();
        let below = |it: &&Diagnosis| it.severity < self.options.min_severity;
        let mut words = match all().filter(below).count() {
            0 => String::new(),
            1 => "1 diagnosis of lower severity is not shown.\n\n".to_owned(),
            more => format!("{more} diagnoses of lower severity are not shown.\n\n"),
        };
        let older = all().filter(|it| self.is_older(it)).count();
        if let Some(older) = text::older_words(older) {
            let _ = write!(words, "Not shown: {older}.\n\n");
        }
        words
    }

    fn suppressed(&self) -> String {
        let mut lines = Vec::new();
        for finding in &self.report.findings {
            if let Some(suppression) = &finding.suppressed {
                lines.push(format!(
                    "{}: {} ({}: {})",
                    finding.rule, finding.title, suppression.by, suppression.reason
                ));
            }
        }
        let summary = wording::count(lines.len(), "suppressed finding");
        let mut text = String::new();
        match lines.len() {
            0 => {}
            _ if self.options.show_suppressed => fold(&mut text, &summary, &fence("text", &lines)),
            _ => text = format!("{summary} not shown.\n\n"),
        }
        text
    }

    fn unread(&self) -> Block {
        let lines = text::unread(self.report, true);
        let skipped = &self.report.coverage.not_evaluated;
        let rules: Vec<String> = skipped
            .iter()
            .map(|skipped| format!("{}: {}", skipped.rule, skipped.reason))
            .collect();
        let form = |unread: usize, evaluated: usize| {
            let read = text::read_words(self.report);
            let mut text = format!("### Examined, and what was not\n\nRead: {read}.\n\n");
            for (what, lines, limit) in [
                ("Not read, or not there", &lines, unread),
                ("Not evaluated", &rules, evaluated),
            ] {
                let mut shown: Vec<String> = lines.iter().take(limit).cloned().collect();
                if lines.len() > limit {
                    shown.push(format!("+ {} more", lines.len() - limit));
                }
                if !lines.is_empty() {
                    fold(
                        &mut text,
                        &format!("{what}: {}", lines.len()),
                        &fence("text", &shown),
                    );
                }
            }
            text
        };
        Block::new(vec![
            form(usize::MAX, usize::MAX),
            form(usize::MAX, FEW),
            form(FEW, FEW),
        ])
    }
}

/// A block of the document, and the diagnosis that it is there for.
struct Part {
    block: usize,
    rank: u32,
}

/// Something to be opened. The summary is ours: it stands in HTML.
fn fold(text: &mut String, summary: &str, body: &str) {
    let _ = write!(
        text,
        "<details><summary>{summary}</summary>\n\n{body}\n</details>\n\n"
    );
}

/// Lines of a list, and how many more there are. They are escaped already.
fn list(text: &mut String, lines: impl ExactSizeIterator<Item = String>, limit: usize) {
    let all = lines.len();
    for line in lines.take(limit) {
        let _ = writeln!(text, "- {line}");
    }
    if all > limit {
        let _ = writeln!(text, "- + {} more", all - limit);
    }
}
