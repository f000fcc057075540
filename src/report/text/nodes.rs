//! The node table: who is where in the upgrade, and who is not well.

use std::collections::BTreeMap;
use std::io;

use anstyle::{AnsiColor, Style as Paint};
use jiff::SignedDuration;

use crate::diagnosis::facts::{NodeSummary, UpgradeNode, UpgradePhase, UpgradeState};
use crate::diagnosis::wording;
use crate::report::Report;
use crate::report::page::{PLAIN, Page, columns};

/// A larger cluster shows the nodes that differ, at most so many, and counts the rest.
const ROWS: usize = 20;

/// The nodes that are worth a row, and the others counted.
pub(in crate::report) struct Table {
    pub(in crate::report) rows: Vec<Row>,
    /// `80 more: 60 Succeeded, Ready on v1.30.7; 20 …`.
    pub(in crate::report) rest: Option<String>,
    /// No upgrade is open, and every node is as it should be.
    is_ordinary: bool,
}

/// Chooses the rows.
pub(in crate::report) fn table(report: &Report) -> Table {
    let mut rows = rows(report);
    let open = report
        .upgrade
        .as_ref()
        .is_some_and(|upgrade| upgrade.state != UpgradeState::Succeeded);
    let is_ordinary = !open && rows.iter().all(|row| row.interest == Interest::Ordinary);
    let mut rest = Vec::new();
    if rows.len() > ROWS {
        rows.sort_by_key(|row| row.interest);
        let differ = rows
            .iter()
            .take_while(|row| row.interest < Interest::Ordinary)
            .count();
        rest = rows.split_off(differ.min(ROWS));
    }
    Table {
        rows,
        rest: rest_words(&rest),
        is_ordinary,
    }
}

/// Writes the table if an upgrade is open or a node is not as it should be. Says whether it did.
pub(super) fn write(page: &mut Page<'_>, report: &Report) -> io::Result<bool> {
    let Table {
        rows,
        rest,
        is_ordinary,
    } = table(report);
    if rows.is_empty() && rest.is_none() || is_ordinary {
        return Ok(false);
    }
    let width = |cell: fn(&Row) -> &str| {
        rows.iter()
            .map(|row| columns(cell(row)))
            .max()
            .unwrap_or_default()
    };
    let widths = [
        width(|row| &row.name),
        width(|row| &row.state),
        width(|row| &row.version),
        width(|row| &row.ready),
    ];
    for row in &rows {
        let mut line = String::from("  ");
        for (cell, width) in [&row.name, &row.state, &row.version, &row.ready]
            .into_iter()
            .zip(widths)
        {
            if width > 0 {
                line.push_str(cell);
                line.push_str(&" ".repeat(width - columns(cell) + 2));
            }
        }
        let paint = match row.interest {
            Interest::Blocks | Interest::Down => Paint::new().fg_color(Some(AnsiColor::Red.into())),
            Interest::AtWork => Paint::new().bold(),
            Interest::Marked | Interest::Ordinary => PLAIN,
        };
        page.unbroken(&[(paint, &line), (paint, &row.remark)])?;
    }
    if let Some((head, words)) = rest.as_deref().and_then(|rest| rest.split_once(": ")) {
        page.paragraph((PLAIN, &format!("  + {head}: ")), 4, (PLAIN, words))?;
    }
    Ok(true)
}

fn rest_words(rest: &[Row]) -> Option<String> {
    let mut alike: BTreeMap<(&str, &str, &str), usize> = BTreeMap::new();
    for row in rest {
        let status = row.ready.split_whitespace().next().unwrap_or_default();
        *alike.entry((&row.state, status, &row.version)).or_default() += 1;
    }
    let mut groups: Vec<_> = alike.into_iter().collect();
    groups.sort_by_key(|(_, number)| std::cmp::Reverse(*number));
    let words: Vec<String> = groups
        .iter()
        .map(|((state, status, version), number)| {
            let state = if state.is_empty() {
                String::new()
            } else {
                format!("{state}, ")
            };
            format!("{number} {state}{status} on {version}")
        })
        .collect();
    (!rest.is_empty()).then(|| format!("{} more: {}", rest.len(), words.join("; ")))
}

/// A node is called silent some minutes after its last sign of life; that sign is worth words where it is
/// none of those minutes.
const SILENCE: SignedDuration = SignedDuration::from_mins(10);

/// Why a node is worth a row, most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Interest {
    Blocks,
    Down,
    AtWork,
    Marked,
    Ordinary,
}

pub(in crate::report) struct Row {
    pub(in crate::report) name: String,
    /// Its state in the upgrade.
    pub(in crate::report) state: String,
    pub(in crate::report) version: String,
    pub(in crate::report) ready: String,
    pub(in crate::report) remark: String,
    interest: Interest,
}

fn rows(report: &Report) -> Vec<Row> {
    let upgrade = report.upgrade.as_ref();
    let mut steps: BTreeMap<&str, &UpgradeNode> = upgrade
        .iter()
        .flat_map(|upgrade| &upgrade.nodes)
        .map(|node| (node.name.as_str(), node))
        .collect();
    let short = short_versions(report);
    // Where no host's files are there at all, the line on what was not read says so once.
    let some_host_logs = report.cluster.nodes.iter().any(|node| node.host_logs);
    let mut rows: Vec<Row> = report
        .cluster
        .nodes
        .iter()
        .map(|node| {
            let step = steps.remove(node.name.as_str());
            row(report, node, step, short, some_host_logs)
        })
        .collect();
    // A node that only the upgrade names.
    for (name, step) in steps {
        let ghost = NodeSummary {
            name: name.into(),
            ..NodeSummary::default()
        };
        rows.push(row(report, &ghost, Some(step), short, some_host_logs));
    }
    rows
}

fn row(
    report: &Report,
    node: &NodeSummary,
    step: Option<&UpgradeNode>,
    short: bool,
    some_host_logs: bool,
) -> Row {
    let upgrade = report.upgrade.as_ref();
    let version = node
        .kubelet_version
        .as_deref()
        .or(step.and_then(|step| step.kubelet_version.as_deref()))
        .unwrap_or("-");
    let age = |time| Some(report.bundle.collected_at?.duration_since(time?));
    let ready = match (node.exists, node.ready) {
        (false, _) => "gone".to_owned(),
        (true, None) => "Ready?".to_owned(),
        (true, Some(ready)) if !node.is_not_ready() => {
            if ready.as_str() == "True" {
                "Ready".into()
            } else {
                ready.as_str().into()
            }
        }
        (true, Some(ready)) => {
            let word = if ready.as_str() == "False" {
                "NotReady"
            } else {
                "Unknown"
            };
            age(node.since).map_or(word.to_owned(), |age| {
                format!("{word} {}", wording::duration(age))
            })
        }
    };
    let blocks = upgrade
        .and_then(|upgrade| upgrade.blocked_on.as_ref())
        .is_some_and(|blocker| blocker.kind == "Node" && blocker.name == node.name);
    let at_work = step.is_some_and(UpgradeNode::is_active);
    let mut remarks: Vec<String> = Vec::new();
    if node.schedulable == Some(false) {
        remarks.push("cordoned".into());
    }
    if let Some(phase) = node
        .machine_phase
        .as_deref()
        .filter(|phase| *phase != "Running")
    {
        remarks.push(format!("machine {phase}"));
    }
    remarks.extend(node.renamed_to.iter().map(|name| format!("now {name}")));
    let marked = !remarks.is_empty();
    if some_host_logs && !node.host_logs && node.exists {
        remarks.push("no host logs".into());
    }
    if !node.host_logs
        && node.is_down()
        && let Some(seen) = &node.last_seen
        && node
            .since
            .is_none_or(|since| since.duration_since(seen.time).abs() > SILENCE)
    {
        let time = wording::minute(seen.time);
        remarks.push(format!("last seen {time} ({})", source_words(&seen.source)));
    }
    if blocks {
        let remark = match upgrade.map(|upgrade| upgrade.state) {
            Some(UpgradeState::Failed) => "← failed here",
            Some(UpgradeState::Progressing) => "← works here",
            _ => "← waits here",
        };
        remarks.push(remark.into());
    } else if let Some(upgrade) = upgrade {
        let rolling = matches!(
            upgrade.phase,
            Some(UpgradePhase::PreDrain | UpgradePhase::PostDrain | UpgradePhase::Reboot)
        );
        let held = upgrade.state == UpgradeState::Stuck && rolling && upgrade.blocked_on.is_some();
        if held && step.is_some_and(|step| !step.is_done() && !step.is_active()) {
            remarks.push("may not start".into());
        }
    }
    let interest = match () {
        () if blocks => Interest::Blocks,
        () if node.is_down() => Interest::Down,
        () if at_work => Interest::AtWork,
        () if marked => Interest::Marked,
        () => Interest::Ordinary,
    };
    Row {
        name: node.name.clone(),
        state: step.and_then(|step| step.state.clone()).unwrap_or_default(),
        version: if short {
            without_build(version).into()
        } else {
            version.into()
        },
        ready,
        remark: remarks.join("  "),
        interest,
    }
}

/// Who heard of a node, in words.
fn source_words(source: &str) -> &str {
    match source {
        "kubelet-lease" => "its kubelet's lease",
        "node-condition" => "its kubelet",
        "virt-handler" => "its virt-handler",
        "kubelet-event" => "an event of its kubelet",
        "pod-log" => "the log of a pod",
        other => other,
    }
}

fn without_build(version: &str) -> &str {
    version.split('+').next().unwrap_or(version)
}

/// Whether versions can be told apart without what follows the `+`.
fn short_versions(report: &Report) -> bool {
    let versions = || {
        report
            .cluster
            .nodes
            .iter()
            .filter_map(|node| node.kubelet_version.as_deref())
    };
    versions().all(|one| {
        versions().all(|other| one == other || without_build(one) != without_build(other))
    })
}
