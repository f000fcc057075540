//! The timeline: what happened when, one line each, under the day; the most telling entries only,
//! unless all are asked for.

use std::cmp::Reverse;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style as Paint};
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::Tool;
use super::page::{PLAIN, Page, columns, cut, shortened};
use super::text::{BOLD, DIM, Style, colored, evidence_place, severity_paint};
use crate::diagnosis::facts::BundleInfo;
use crate::diagnosis::wording;
use crate::finding::{ObjectName, Severity};
use crate::span::Problem;
use crate::timeline::clock::{ClockSource, NodeClock};
use crate::timeline::{Entry, EntrySource};

/// Name and version of the schema.
pub const SCHEMA: &str = "bundle-doctor/timeline/v1";

/// What happened when. All keys are always written; what is unknown is `null`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Timeline {
    /// `bundle-doctor/timeline/v1`.
    pub schema: String,
    /// What made it.
    pub tool: Tool,
    /// Of which bundle.
    pub bundle: BundleInfo,
    /// The object that was asked about; entries are of it and what belongs to it.
    pub about: Option<ObjectName>,
    /// The time that was asked for; entries that ended before it are left out.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub since: Option<Timestamp>,
    /// Clocks that are off. The times of what these nodes wrote themselves are corrected.
    pub clocks: Vec<NodeClock>,
    /// What happened, in order of time.
    pub entries: Vec<Entry>,
    /// Nodes of which no host files are there, so that their boots and logs are unknown.
    pub nodes_without_host_logs: Vec<String>,
    /// What of the bundle could not be read.
    pub problems: Vec<Problem>,
}

/// What the text shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimelineOptions {
    /// How lines are drawn.
    pub style: Style,
    /// Whether to show routine, too, all words, and where each entry is seen.
    pub verbose: bool,
}

/// More lines than this are read by nobody: beyond it the least telling ones are only counted.
const MOST: usize = 150;
/// A name of a node is cut here, so that a long one does not cost each line its words.
const NODE: usize = 20;
/// A name of an object is shortened to this.
const OBJECT: usize = 48;

/// Writes the timeline for a reader at a terminal or in a ticket.
pub fn write(timeline: &Timeline, options: TimelineOptions, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page::new(out, options.style);
    write_head(&mut page, timeline)?;
    let hidden = write_entries(&mut page, &timeline.entries, options.verbose)?;
    page.blank()?;
    foot(&mut page, "hidden", &hidden.join(", "))?;
    let hosts = &timeline.nodes_without_host_logs;
    if !hosts.is_empty() {
        let names = wording::some(hosts, 5);
        foot(&mut page, "unread", &format!("host files of {names}"))?;
    }
    if !timeline.problems.is_empty() {
        let problems = wording::count(timeline.problems.len(), "problem");
        let text = format!("{problems} of the bundle (analyze lists them)");
        foot(&mut page, "", &text)?;
    }
    Ok(())
}

fn foot(page: &mut Page<'_>, label: &str, text: &str) -> io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    page.paragraph((DIM, &format!("{label:<8} ")), 9, (PLAIN, text))
}

fn write_head(page: &mut Page<'_>, timeline: &Timeline) -> io::Result<()> {
    let (tool, bundle) = (&timeline.tool, &timeline.bundle);
    let mut parts = vec![
        format!("{} {}", tool.name, tool.version),
        wording::count(tool.rules.count, "rule"),
        bundle.file.clone(),
    ];
    let collected = bundle.collected_at;
    parts.extend(collected.map(|time| format!("collected {}", wording::minute(time))));
    page.paragraph((PLAIN, ""), 2, (DIM, &parts.join(" · ")))?;
    let mut head = match &timeline.about {
        Some(object) => format!("TIMELINE of {object} and what belongs to it "),
        None => "TIMELINE of all nodes ".to_owned(),
    };
    if let Some(since) = timeline.since {
        head.push_str(&format!("since {} ", wording::minute(since)));
    }
    let rest = format!(
        "· {}, all times UTC",
        wording::count(timeline.entries.len(), "entry").replace("entrys", "entries")
    );
    page.paragraph((BOLD, &head), 2, (PLAIN, &rest))?;
    write_clocks(page, &timeline.clocks)
}

/// Whose times were corrected, by how much, and why.
pub(super) fn write_clocks(page: &mut Page<'_>, clocks: &[NodeClock]) -> io::Result<()> {
    for clock in clocks {
        let off = SignedDuration::try_from_secs_f64(clock.offset.abs()).unwrap_or_default();
        let (off, way) = (
            wording::duration(off),
            if clock.offset < 0.0 {
                "behind"
            } else {
                "ahead"
            },
        );
        let known = match clock.source {
            ClockSource::Ntp => "by its time server",
            ClockSource::Peers => "by its peers",
            ClockSource::Files => "by the times at which its files were written",
        };
        let text = format!(
            "the clock of {} is {off} {way}, {known}: its times are corrected and marked ~",
            clock.node
        );
        foot(page, "clock", &text)?;
    }
    Ok(())
}

/// Writes entries under their days. Says what was left out.
pub(super) fn write_entries(
    page: &mut Page<'_>,
    entries: &[Entry],
    all: bool,
) -> io::Result<Vec<String>> {
    let (shown, hidden) = pick(entries, all);
    let node = shown.iter().filter_map(|entry| entry.node.as_deref());
    let node = node.map(|name| columns(name).min(NODE)).max().unwrap_or(0);
    let mut day = String::new();
    for entry in shown {
        let today = entry.time.strftime("%Y-%m-%d").to_string();
        if today != day {
            page.blank()?;
            page.unbroken(&[(BOLD, &today)])?;
            day = today;
        }
        write_entry(page, entry, node, all)?;
    }
    Ok(hidden)
}

/// Notable entries; of too many the worst and latest. And what is left out, in words.
fn pick(entries: &[Entry], all: bool) -> (Vec<&Entry>, Vec<String>) {
    let (mut shown, routine): (Vec<&Entry>, Vec<&Entry>) =
        entries.iter().partition(|entry| all || entry.notable);
    let mut hidden = Vec::new();
    if !all && shown.len() > MOST {
        let mut places: Vec<usize> = (0..shown.len()).collect();
        places.sort_by_key(|at| {
            let entry = shown.get(*at);
            Reverse(entry.map(|entry| (entry.severity, entry.end())))
        });
        let less = places.len() - MOST;
        places.truncate(MOST);
        places.sort_unstable();
        shown = places
            .iter()
            .filter_map(|at| shown.get(*at).copied())
            .collect();
        hidden.push(format!("{} less telling", wording::grouped(less as u64)));
    }
    if !routine.is_empty() {
        hidden.push(format!(
            "{} routine",
            wording::grouped(routine.len() as u64)
        ));
    }
    if let Some(last) = hidden.last_mut() {
        last.push_str(" (-v shows all)");
    }
    (shown, hidden)
}

fn write_entry(page: &mut Page<'_>, entry: &Entry, node: usize, all: bool) -> io::Result<()> {
    let mark = if entry.correction.is_some() { '~' } else { ' ' };
    let time = entry.time.strftime("%H:%M:%S");
    let on = cut(entry.node.as_deref().unwrap_or_default(), NODE);
    let head = format!(
        " {time}{mark} {:<9}  {on:<node$}{}",
        entry.source.as_str(),
        if node > 0 { "  " } else { "" }
    );
    let indent = columns(&head);
    let tail = tail(entry);
    let words = words(entry, if all { usize::MAX } else { OBJECT });
    let room = page.width().saturating_sub(indent);
    // Two lines say what it is; a long line of a log is for the file that it stands in.
    let words = if all {
        words
    } else {
        cut(&words, room.saturating_mul(2).saturating_sub(8))
    };
    let paint = match entry.severity {
        Severity::Info => source_paint(entry.source),
        worse => severity_paint(worse),
    };
    page.paragraph((paint, &head), indent, (PLAIN, &format!("{words}{tail}")))?;
    if all {
        let place = evidence_place(&crate::finding::Evidence {
            time: None,
            ..entry.evidence.clone()
        });
        if !place.is_empty() {
            page.unbroken(&[(PLAIN, &" ".repeat(indent)), (DIM, &place)])?;
        }
    }
    Ok(())
}

fn source_paint(source: EntrySource) -> Paint {
    match source {
        EntrySource::Upgrade | EntrySource::Boot => colored(AnsiColor::Cyan),
        _ => DIM,
    }
}

/// What it happened to and what happened. A node is named in its own column.
fn words(entry: &Entry, width: usize) -> String {
    let on_node =
        |object: &ObjectName| object.kind == "Node" && Some(&object.name) == entry.node.as_ref();
    let short = |object: &ObjectName| shortened(&named(object), width);
    let object = match entry.objects.as_slice() {
        [] => return entry.what.clone(),
        [one] if on_node(one) || entry.source == EntrySource::Upgrade => return entry.what.clone(),
        [one] => short(one),
        [first, more @ ..] => format!("{} + {} more", short(first), more.len()),
    };
    format!("{object}: {}", entry.what)
}

/// A name as `--about` takes it. All that Longhorn has lies in one namespace, which tells nothing.
pub(super) fn named(object: &ObjectName) -> String {
    let kind = object.kind.as_str();
    let longhorn = kind.starts_with("longhorn.io/")
        || matches!(kind, "Volume" | "Engine" | "Replica" | "BackupTarget");
    if longhorn {
        format!("{kind}/{}", object.name)
    } else {
        object.to_string()
    }
}

/// How often and until when, and which rules speak of it.
fn tail(entry: &Entry) -> String {
    let mut parts = Vec::new();
    if entry.count > 1 {
        parts.push(format!("×{}", wording::grouped(entry.count)));
    }
    if let Some(last) = entry.last {
        let day = |time: Timestamp| time.strftime("%m-%d").to_string();
        let clock = last.strftime("%H:%M:%S");
        parts.push(if day(last) == day(entry.time) {
            format!("until {clock}")
        } else {
            format!("until {} {clock}", day(last))
        });
    }
    let mut text = String::new();
    if !parts.is_empty() {
        text.push_str(&format!(" ({})", parts.join(" ")));
    }
    let mut rules: Vec<&str> = entry.findings.iter().map(|it| it.rule.as_str()).collect();
    rules.sort_unstable();
    rules.dedup();
    if !rules.is_empty() {
        text.push_str(&format!(" ← {}", wording::some(&rules, 2)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schema_file_is_that_of_the_types() {
        let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
        let schema = settings.into_generator().into_root_schema_for::<Timeline>();
        crate::testing::check_schema_file("timeline.v1.schema.json", &schema);
    }

    fn entry(minute: i64, severity: Severity, notable: bool) -> Entry {
        let time = Timestamp::from_second(1_740_000_000 + minute * 60).unwrap();
        Entry {
            time,
            last: None,
            count: 1,
            correction: None,
            source: EntrySource::Event,
            severity,
            notable,
            node: None,
            objects: Vec::new(),
            what: format!("event {minute}"),
            findings: Vec::new(),
            rules: Vec::new(),
            evidence: crate::finding::Evidence::default(),
        }
    }

    #[test]
    fn of_too_many_the_worst_and_latest_are_shown_in_order() {
        let mut entries = vec![entry(-1, Severity::Error, true)];
        entries.extend((0..400).map(|minute| entry(minute, Severity::Warning, true)));
        entries.extend((400..410).map(|minute| entry(minute, Severity::Info, true)));
        entries.extend((410..500).map(|minute| entry(minute, Severity::Info, false)));
        let (shown, hidden) = pick(&entries, false);
        assert_eq!(shown.len(), MOST);
        assert!(shown.is_sorted_by_key(|entry| entry.time));
        assert_eq!(shown.first().unwrap().what, "event -1");
        assert_eq!(shown.last().unwrap().what, "event 399");
        assert_eq!(hidden, ["261 less telling", "90 routine (-v shows all)"]);
        let (all, hidden) = pick(&entries, true);
        assert_eq!((all.len(), hidden), (entries.len(), Vec::new()));
    }
}
