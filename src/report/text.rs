//! The report as text: the verdict at the top, what it rests on below, what was not read at the end.

pub(super) mod blast_radius;
mod block;
pub(super) mod nodes;
mod template;

use std::collections::BTreeSet;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style as Paint};
use jiff::Timestamp;

pub(super) use block::{
    confidence_word, evidence_count, evidence_place, evidence_words, folded, folded_lines,
    folded_place, risk_word, severity_word, tree, when,
};

use super::Report;
use super::page::{PLAIN, Page};
use crate::diagnosis::facts::{NodeSummary, UpgradePhase, UpgradeState, UpgradeSummary};
use crate::diagnosis::verdict::is_node_fault;
use crate::diagnosis::wording;
use crate::diagnosis::{Action, Diagnosis, VerdictState};
use crate::finding::{Finding, Risk, Severity};

/// How lines are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether to colour.
    pub color: bool,
    /// Columns of a line, held between 60 and 160; paths and commands are never broken.
    pub width: usize,
}

impl Default for Style {
    fn default() -> Self {
        Style {
            color: false,
            width: 100,
        }
    }
}

/// What the text report shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextOptions {
    /// How lines are drawn.
    pub style: Style,
    /// Diagnoses below this are only counted.
    pub min_severity: Severity,
    /// Whether to list suppressed findings with their reasons.
    pub show_suppressed: bool,
    /// Whether to list all that was not read or not evaluated, and all evidence.
    pub verbose: bool,
    /// Diagnoses of which nothing was seen since then are only counted.
    pub since: Option<Timestamp>,
}

impl Default for TextOptions {
    fn default() -> Self {
        TextOptions {
            style: Style::default(),
            min_severity: Severity::Warning,
            show_suppressed: false,
            verbose: false,
            since: None,
        }
    }
}

/// Of problems and the like, the first few say enough unless all are asked for.
const UNREAD_SHOWN: usize = 5;

/// Writes the report for a reader at a terminal or in a ticket.
pub fn write(report: &Report, options: &TextOptions, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page::new(out, options.style);
    write_origin(&mut page, report)?;
    page.blank()?;
    if let Some(about) = &report.about {
        return super::about::write(&mut page, report, about, options.verbose);
    }
    write_verdict(&mut page, report)?;
    page.blank()?;
    if nodes::write(&mut page, report)? {
        page.blank()?;
    }
    let shown: Vec<&Diagnosis> = report
        .diagnoses
        .iter()
        .filter(|diagnosis| is_shown(report, diagnosis, options))
        .collect();
    let (past, present): (Vec<&Diagnosis>, Vec<&Diagnosis>) = shown
        .into_iter()
        .partition(|diagnosis| diagnosis.history && !options.verbose);
    block::write_all(&mut page, report, &present, options)?;
    let in_full = block::folded(&present, options.verbose);
    let in_full: Vec<&Diagnosis> = in_full.into_iter().map(|(one, _)| one).collect();
    write_order(&mut page, report, &in_full)?;
    write_history(&mut page, report, &past)?;
    if options.show_suppressed {
        write_suppressed(&mut page, report)?;
    }
    write_also(&mut page, report, options)?;
    write_coverage(&mut page, report, options)
}

/// Bad enough, and some finding of it seen lately enough or of no known end.
fn is_shown(report: &Report, diagnosis: &Diagnosis, options: &TextOptions) -> bool {
    diagnosis.severity >= options.min_severity && !is_older(report, diagnosis, options.since)
}

/// Whether nothing of a diagnosis was seen since then.
pub(super) fn is_older(report: &Report, diagnosis: &Diagnosis, since: Option<Timestamp>) -> bool {
    let Some(since) = since else {
        return false;
    };
    let of = |id: &String| *id == diagnosis.cause.finding || diagnosis.effects.contains(id);
    let mut findings = report.findings.iter().filter(|finding| of(&finding.id));
    findings.all(|finding| finding.last_seen.is_some_and(|last| last < since))
}

/// How many diagnoses are left out by `--since`.
pub(super) fn older_words(count: usize) -> Option<String> {
    match count {
        0 => None,
        1 => Some("1 diagnosis older than --since".to_owned()),
        many => Some(format!("{many} diagnoses older than --since")),
    }
}

pub(super) const BOLD: Paint = Paint::new().bold();
pub(super) const DIM: Paint = Paint::new().dimmed();

pub(super) fn colored(color: AnsiColor) -> Paint {
    Paint::new().fg_color(Some(color.into()))
}

pub(super) fn severity_paint(severity: Severity) -> Paint {
    match severity {
        Severity::Critical => colored(AnsiColor::Red).bold(),
        Severity::Error => colored(AnsiColor::Red),
        Severity::Warning => colored(AnsiColor::Yellow),
        Severity::Info => colored(AnsiColor::Cyan),
    }
}

/// Which program, rules, bundle, cluster.
fn write_origin(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
    let mut parts = vec![
        format!("{} {}", report.tool.name, report.tool.version),
        wording::count(report.tool.rules.count, "rule"),
        report.bundle.file.clone(),
    ];
    parts.extend(
        report
            .bundle
            .collected_at
            .map(|time| format!("collected {}", wording::minute(time))),
    );
    page.paragraph((PLAIN, ""), 2, (DIM, &parts.join(" · ")))?;
    page.paragraph((PLAIN, ""), 2, (PLAIN, &cluster_words(report)))
}

/// `Harvester v1.4.0 → v1.4.1 · 4 nodes (3 control plane), 2 not Ready`.
pub(super) fn cluster_words(report: &Report) -> String {
    let unknown = "of unknown version";
    let upgrade = report
        .upgrade
        .as_ref()
        .filter(|upgrade| upgrade.state != UpgradeState::Succeeded);
    let versions = match (
        upgrade.map(|upgrade| (&upgrade.from, &upgrade.to)),
        &report.bundle.harvester_version,
    ) {
        (Some((Some(from), Some(to))), _) => format!("{from} → {to}"),
        (Some((None, Some(to))), version) => {
            format!("{} → {to}", version.as_deref().unwrap_or("?"))
        }
        (_, version) => version.as_deref().unwrap_or(unknown).to_owned(),
    };
    let mut cluster = vec![format!("Harvester {versions}")];
    if upgrade.is_none() {
        cluster.extend(
            report
                .bundle
                .kubernetes_version
                .as_ref()
                .map(|version| format!("Kubernetes {version}")),
        );
    }
    cluster.push(nodes_counted(&report.cluster.nodes));
    cluster.join(" · ")
}

/// `4 nodes (3 control plane), 2 not Ready, 1 gone`.
fn nodes_counted(nodes: &[NodeSummary]) -> String {
    let hosts = nodes.iter().filter(|node| node.renamed_to.is_none());
    let existing = hosts.filter(|node| node.exists).count();
    if existing == 0 {
        return "no Node objects".into();
    }
    let (witnesses, control_plane): (Vec<_>, Vec<_>) = nodes
        .iter()
        .filter(|node| node.exists && node.is_control_plane())
        .partition(|node| node.is_witness());
    let mut text = wording::count(existing, "node");
    let kinds: Vec<String> = [
        (control_plane.len(), "control plane"),
        (witnesses.len(), "witness"),
    ]
    .into_iter()
    .filter(|(number, _)| *number > 0)
    .map(|(number, word)| format!("{number} {word}"))
    .collect();
    if !kinds.is_empty() {
        text.push_str(&format!(" ({})", kinds.join(", ")));
    }
    for (number, word) in [
        (
            nodes
                .iter()
                .filter(|node| node.is_not_ready() && node.renamed_to.is_none())
                .count(),
            "not Ready",
        ),
        (
            nodes
                .iter()
                .filter(|node| node.renamed_to.is_some())
                .count(),
            "under an old name",
        ),
        (
            nodes
                .iter()
                .filter(|node| !node.exists && node.renamed_to.is_none())
                .count(),
            "gone",
        ),
    ] {
        if number > 0 {
            text.push_str(&format!(", {number} {word}"));
        }
    }
    text
}

fn write_verdict(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
    let verdict = &report.verdict;
    let paint = match verdict.state {
        VerdictState::UpgradeStuck
        | VerdictState::UpgradeFailed
        | VerdictState::UpgradeRefused
        | VerdictState::NodeFailure => colored(AnsiColor::Red).bold(),
        VerdictState::Degraded | VerdictState::NotAssessable => colored(AnsiColor::Yellow).bold(),
        VerdictState::UpgradeProgressing | VerdictState::NoFinding => BOLD,
    };
    page.paragraph((PLAIN, ""), 2, (paint, &headline(report)))?;
    let action = action_word(verdict.action);
    page.paragraph((BOLD, &format!("{action}: ")), 2, (PLAIN, &verdict.summary))?;
    for (label, lines) in [
        ("save", &verdict.save_first),
        ("facts", &verdict.facts),
        ("fetch", &verdict.collect),
    ] {
        for (index, line) in lines.iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            page.paragraph((DIM, &format!("  {label:<7}")), 9, (PLAIN, line))?;
        }
    }
    Ok(())
}

/// What to do, in a word.
pub(super) fn action_word(action: Action) -> &'static str {
    match action {
        Action::Rebuild => "REBUILD",
        Action::Repair => "REPAIR",
        Action::Wait => "WAIT",
        Action::None => "NO ACTION",
        Action::CollectMore => "COLLECT MORE",
    }
}

/// What state it is, where and for how long.
pub(super) fn headline(report: &Report) -> String {
    let upgrade = |word: &str| match &report.upgrade {
        Some(upgrade) => format!("UPGRADE {word}{}", upgrade_place(report, upgrade)),
        None => format!("UPGRADE {word}"),
    };
    match report.verdict.state {
        VerdictState::UpgradeStuck => upgrade("STUCK"),
        VerdictState::UpgradeFailed => upgrade("FAILED"),
        VerdictState::UpgradeRefused => upgrade("REFUSED"),
        VerdictState::UpgradeProgressing => {
            let paused = report
                .upgrade
                .as_ref()
                .is_some_and(|upgrade| upgrade.state == UpgradeState::Paused);
            upgrade(if paused { "PAUSED" } else { "PROGRESSING" })
        }
        VerdictState::NodeFailure => {
            let down: Vec<&str> = names(
                report
                    .cluster
                    .nodes
                    .iter()
                    .filter(|node| node.is_not_ready()),
            );
            let gone: Vec<&str> = names(
                report
                    .cluster
                    .nodes
                    .iter()
                    .filter(|node| !node.exists && node.is_control_plane()),
            );
            let mut parts = Vec::new();
            for (nodes, word) in [(down, " not Ready"), (gone, " gone")] {
                if !nodes.is_empty() {
                    parts.push(format!("{}{word}", wording::some(&nodes, 5)));
                }
            }
            if parts.is_empty() {
                parts.push(wording::some(&nodes_at_fault(report), 5));
            }
            format!("NODE FAILURE {}", parts.join(", "))
                .trim_end()
                .to_owned()
        }
        VerdictState::Degraded => "DEGRADED".into(),
        VerdictState::NoFinding => "NO KNOWN CAUSE MATCHED".into(),
        VerdictState::NotAssessable => "NOT ASSESSABLE".into(),
    }
}

/// Nodes that a present cause is about, at or above error, those of the first diagnosis first.
fn nodes_at_fault(report: &Report) -> Vec<&str> {
    let mut nodes = Vec::new();
    for diagnosis in report.diagnoses.iter().filter(|it| !it.history) {
        let mut findings = report.findings.iter();
        let cause = findings.find(|it| it.id == diagnosis.cause.finding);
        if diagnosis.severity >= Severity::Error
            && let Some(cause) = cause.filter(|cause| is_node_fault(cause))
            && !nodes.contains(&cause.subject.name.as_str())
        {
            nodes.push(&cause.subject.name);
        }
    }
    nodes
}

fn names<'a>(nodes: impl Iterator<Item = &'a NodeSummary>) -> Vec<&'a str> {
    nodes.map(|node| node.name.as_str()).collect()
}

/// ` in pre-drain of harv-3 for 2d14h · 1 of 4 nodes done`.
fn upgrade_place(report: &Report, upgrade: &UpgradeSummary) -> String {
    let mut text = String::new();
    if let Some(phase) = upgrade.phase {
        text.push_str(&format!(" in {}", phase.as_str()));
    }
    let active = upgrade
        .nodes
        .iter()
        .find(|node| node.is_active())
        .map(|node| node.name.clone());
    let place = match &upgrade.blocked_on {
        Some(blocker) if blocker.kind == "Node" => Some(blocker.name.clone()),
        Some(blocker) => Some(
            active.map_or(String::new(), |node| format!("{node}, "))
                + &format!("held by {blocker}"),
        ),
        None => active,
    };
    if let Some(place) = place {
        let held = place.starts_with("held by");
        text.push_str(&if held {
            format!(", {place}")
        } else {
            format!(" of {place}")
        });
    }
    let age = report
        .bundle
        .collected_at
        .zip(upgrade.since)
        .map(|(now, since)| now.duration_since(since));
    // The phase reaches from the drain to the new RKE2; this state is its second half.
    if let Some(UpgradePhase::PreDrain) = upgrade.phase
        && (upgrade.nodes.iter())
            .any(|node| node.is_active() && node.state.as_deref() == Some("Pre-drained"))
    {
        text.push_str(" (Pre-drained)");
    }
    if let Some(age) = age.filter(|age| !age.is_negative()) {
        let age = wording::duration(age);
        text.push_str(&match upgrade.state {
            UpgradeState::Failed => format!(", {age} ago"),
            _ => format!(" for {age}"),
        });
    }
    if !upgrade.nodes.is_empty() {
        let done = upgrade.nodes.iter().filter(|node| node.is_done()).count();
        // A node whose turn has not come may have no entry yet, one that is gone may have kept its own.
        let entries = upgrade.nodes.iter().map(|node| node.name.as_str());
        let nodes = report.cluster.nodes.iter().map(|node| node.name.as_str());
        let mut all: BTreeSet<&str> = entries.chain(nodes).collect();
        // A host that came back under another name is one.
        let renamed = (report.cluster.nodes.iter()).filter(|node| node.renamed_to.is_some());
        for node in renamed {
            all.remove(node.name.as_str());
        }
        text.push_str(&format!(
            " · {done} of {} done",
            wording::count(all.len(), "node")
        ));
    }
    text
}

/// In which order to take the steps of several diagnoses, by diagnosis and step: `2.1` is the first of
/// the second.
fn write_order(page: &mut Page<'_>, report: &Report, shown: &[&Diagnosis]) -> io::Result<()> {
    let with_steps = shown
        .iter()
        .filter(|it| !it.history && !it.remedy.is_empty());
    if with_steps.count() < 2 {
        return Ok(());
    }
    // Steps in a row that risk the same, with their numbers.
    let mut rows: Vec<(Risk, Vec<String>)> = Vec::new();
    for planned in &report.plan {
        let numbers = shown.iter().filter_map(|diagnosis| {
            let at = (diagnosis.remedy.iter()).position(|step| planned.is(diagnosis.rank, step))?;
            Some(format!("{}.{}", diagnosis.rank, at + 1))
        });
        let numbers: Vec<String> = numbers.collect();
        if numbers.is_empty() {
            continue;
        }
        let number = numbers.join(" = ");
        match rows.last_mut() {
            Some((risk, row)) if *risk == planned.risk => row.push(number),
            _ => rows.push((planned.risk, vec![number])),
        }
    }
    let rows: Vec<String> = rows
        .iter()
        .map(|(risk, row)| format!("{} ({})", row.join(", "), risk_word(*risk).0))
        .collect();
    write_foot(page, "order", &rows.join(", then "))?;
    page.blank()
}

/// Faults that are over, one line each: they may matter to who looks for a pattern, but ask for nothing.
fn write_history(page: &mut Page<'_>, report: &Report, past: &[&Diagnosis]) -> io::Result<()> {
    for (index, diagnosis) in past.iter().enumerate() {
        let cause = &diagnosis.cause;
        let found = report.findings.iter().find(|it| it.id == cause.finding);
        let last = found.and_then(|it| it.last_seen.or(it.first_seen));
        let mut text = diagnosis.title.clone();
        if let Some(last) = last {
            text.push_str(&format!(", last seen {}", wording::minute(last)));
            let age = report
                .bundle
                .collected_at
                .map(|now| now.duration_since(last));
            if let Some(age) = age.filter(|age| !age.is_negative()) {
                text.push_str(&format!(", {} ago", wording::duration(age)));
            }
        }
        if !diagnosis.effects.is_empty() {
            let effects = wording::count(diagnosis.effects.len(), "effect");
            text.push_str(&format!(", with {effects}"));
        }
        text.push_str(&format!(" ({})", cause.rule));
        write_foot(page, if index == 0 { "history" } else { "" }, &text)?;
    }
    if past.is_empty() {
        Ok(())
    } else {
        page.blank()
    }
}

fn write_suppressed(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
    let mut some = false;
    for finding in &report.findings {
        if let Some(suppression) = &finding.suppressed {
            let until = suppression
                .until
                .as_ref()
                .map(|until| format!(", until {until}"))
                .unwrap_or_default();
            let text = format!(
                "{}: {} ({}: {}{until})",
                finding.rule, finding.title, suppression.by, suppression.reason
            );
            page.paragraph((DIM, "suppressed  "), 12, (DIM, &text))?;
            some = true;
        }
    }
    if some { page.blank() } else { Ok(()) }
}

/// A label in the column of labels at the foot.
fn write_foot(page: &mut Page<'_>, label: &str, text: &str) -> io::Result<()> {
    page.paragraph((DIM, &format!("{label:<8} ")), 9, (PLAIN, text))
}

/// What is there and not shown.
fn write_also(page: &mut Page<'_>, report: &Report, options: &TextOptions) -> io::Result<()> {
    let shown: BTreeSet<&str> = report
        .diagnoses
        .iter()
        .filter(|diagnosis| is_shown(report, diagnosis, options))
        .flat_map(|diagnosis| std::iter::once(&diagnosis.cause.finding).chain(&diagnosis.effects))
        .map(String::as_str)
        .collect();
    let hidden = |severity: Severity| {
        let counted =
            |finding: &&Finding| finding.suppressed.is_none() && finding.severity == severity;
        report
            .findings
            .iter()
            .filter(counted)
            .filter(|finding| !shown.contains(finding.id.as_str()))
            .count()
    };
    let mut parts = Vec::new();
    let mut lowest = None;
    for (severity, noun) in [
        (Severity::Critical, "critical finding"),
        (Severity::Error, "error"),
        (Severity::Warning, "warning"),
        (Severity::Info, "info"),
    ] {
        let number = hidden(severity);
        if number > 0 {
            parts.push(wording::count(number, noun));
            lowest = Some(severity);
        }
    }
    let mut also = Vec::new();
    if let Some(severity) = lowest {
        also.push(format!(
            "{} (--min-severity {} shows them)",
            parts.join(", "),
            block::severity_word(severity)
        ));
    }
    let older = report.diagnoses.iter();
    let older = older.filter(|diagnosis| is_older(report, diagnosis, options.since));
    also.extend(older_words(older.count()));
    let suppressed = report
        .findings
        .iter()
        .filter(|finding| finding.suppressed.is_some())
        .count();
    if suppressed > 0 && !options.show_suppressed {
        also.push(format!("{suppressed} suppressed (--show-suppressed)"));
    }
    if also.is_empty() {
        Ok(())
    } else {
        write_foot(page, "also", &also.join(" · "))
    }
}

/// How much was examined, and what was not.
fn write_coverage(page: &mut Page<'_>, report: &Report, options: &TextOptions) -> io::Result<()> {
    write_foot(page, "read", &read_words(report))?;
    let lines = unread(report, options.verbose);
    for (index, line) in lines.iter().enumerate() {
        write_foot(page, if index == 0 { "unread" } else { "" }, line)?;
    }
    if options.verbose {
        for (index, skipped) in report.coverage.not_evaluated.iter().enumerate() {
            let label = if index == 0 { "skipped" } else { "" };
            write_foot(
                page,
                label,
                &format!("{}: {}", skipped.rule, skipped.reason),
            )?;
        }
    }
    Ok(())
}

/// How much was examined.
pub(super) fn read_words(report: &Report) -> String {
    let coverage = &report.coverage;
    format!(
        "{} ({}), {}, {}",
        wording::count(coverage.files, "file"),
        wording::bytes(coverage.bytes),
        wording::count(coverage.objects, "object"),
        wording::count(coverage.log_lines, "log line"),
    )
}

/// What was not examined: each part that could not be read, and with `all` every one of them.
pub(super) fn unread(report: &Report, all: bool) -> Vec<String> {
    let coverage = &report.coverage;
    let limit = if all { usize::MAX } else { UNREAD_SHOWN };
    let mut unread: Vec<String> = Vec::new();
    let hosts = &coverage.nodes_without_host_logs;
    if !hosts.is_empty() {
        unread.push(format!("host files of {}", wording::some(hosts, limit)));
    }
    unread.extend(by_hand(report).take(limit));
    let missing = &coverage.namespaces.missing;
    if !missing.is_empty() {
        unread.push(format!(
            "{} {}",
            plural_word(missing.len(), "namespace"),
            wording::some(missing, limit)
        ));
    }
    // What is named above, among the hosts or as what to fetch, is not said twice.
    let told = |path: &str| {
        hosts.iter().any(|node| path == format!("nodes/{node}.zip"))
            || !all
                && report.verdict.collect.iter().any(|wanted| {
                    wanted
                        .strip_prefix(path)
                        .is_some_and(|rest| rest.starts_with(": "))
                })
    };
    let problems: Vec<String> = coverage
        .problems
        .iter()
        .filter(|problem| !told(&problem.path))
        .map(|problem| {
            let line = problem
                .line
                .map(|line| format!(":{line}"))
                .unwrap_or_default();
            format!("{}{line}: {}", problem.path, problem.reason)
        })
        .collect();
    unread.extend(problems.iter().take(limit).cloned());
    if problems.len() > limit {
        unread.push(format!("{} more (-v lists them)", problems.len() - limit));
    }
    let rules: BTreeSet<&str> = coverage
        .not_evaluated
        .iter()
        .map(|skipped| skipped.rule.as_str())
        .collect();
    if !rules.is_empty() && !all {
        unread.push(format!(
            "{} not evaluated, all or in part (-v lists them)",
            wording::count(rules.len(), "rule")
        ));
    }
    unread
}

fn plural_word(number: usize, noun: &str) -> String {
    if number == 1 {
        noun.to_owned()
    } else {
        format!("{noun}s")
    }
}

/// The logs that died with their hosts, and are to be fetched by hand; not what the verdict asks for.
fn by_hand(report: &Report) -> impl Iterator<Item = String> {
    let asked = |name: &str| {
        let file = format!("nodes/{name}.zip:");
        let mut wanted = report.verdict.collect.iter();
        wanted.any(|it| it.starts_with(&file))
    };
    let nodes = report.cluster.nodes.iter();
    let nodes = nodes.filter(move |node| !asked(&node.name));
    nodes.filter_map(|node| {
        let logs = node.fetch.as_ref()?;
        Some(format!("by hand from {}: {logs}", node.name))
    })
}
