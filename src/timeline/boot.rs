//! When hosts came up and went down, from their own journals and from `last`.

use jiff::{SignedDuration, Timestamp};

use super::{Context, Entry, EntrySource};
use crate::finding::{Evidence, ObjectName, Severity};
use crate::graph::ObjectView;
use crate::graph::kind::DERIVED_GROUP;
use crate::parse::document::View;
use crate::parse::host::{Boot, BootRecord, BootRecordKind, Clock};
use crate::parse::time::{timestamp, unix_date, zone_offset};

/// A start in `last` and one in a journal that are no further apart are one.
const SAME: SignedDuration = SignedDuration::from_mins(3);

pub(super) fn entries(context: &Context<'_>) -> Vec<Entry> {
    let mut entries = Vec::new();
    for boot in context.graph.all(DERIVED_GROUP, "Boot") {
        entries.extend(started(context, boot));
        entries.extend(ended(context, boot));
    }
    for (node, facts) in &context.bundle.hosts {
        for boot in facts.boots.iter().filter(|boot| boot.unit.is_none()) {
            entries.iter_mut().for_each(|entry| traces(boot, entry));
        }
        for record in &facts.boot_records {
            entries.extend(recorded(node, &facts.clock, record, &entries));
        }
    }
    for entry in &mut entries {
        let node = entry.node.clone();
        context.by_clock_of(node.as_deref(), entry);
    }
    entries
}

fn started(context: &Context<'_>, boot: ObjectView<'_>) -> Option<Entry> {
    let time = boot.text(&["startedAt"]).and_then(timestamp)?;
    let kernel = boot.text(&["kernel"]);
    let kernel = kernel.map(|kernel| format!(" with kernel {kernel}"));
    let what = format!("came up{}", kernel.unwrap_or_default());
    Some(Entry {
        notable: true,
        evidence: context.seen(boot.id(), ""),
        ..on(boot.text(&["nodeName"])?, time, what)
    })
}

fn ended(context: &Context<'_>, boot: ObjectView<'_>) -> Option<Entry> {
    let time = boot.text(&["endedAt"]).and_then(timestamp)?;
    let (what, severity) = match boot.get("clean").and_then(View::as_bool) {
        Some(true) => ("went down in order", Severity::Info),
        // The journal may have been stopped before the kernel was: that alone proves no crash.
        Some(false) => (
            "went down; its kernel log ends without a shutdown",
            Severity::Warning,
        ),
        None => (
            "went down; its journal does not tell how",
            Severity::Warning,
        ),
    };
    Some(Entry {
        notable: true,
        severity,
        evidence: context.seen(boot.id(), ""),
        ..on(boot.text(&["nodeName"])?, time, what)
    })
}

/// A boot that found traces of a hard stop tells how the one before it ended.
fn traces(boot: &Boot, started: &mut Entry) {
    let Some(seen) = &boot.previous_unclean else {
        return;
    };
    if started.evidence.path == boot.seen.path && started.what.starts_with("came up") {
        started.what.push_str(" after a stop without a shutdown");
        started.severity = Severity::Error;
        started.evidence.line = seen.line;
    }
}

/// What `last` knows and the journals do not reach back to.
fn recorded(node: &str, clock: &Clock, record: &BootRecord, known: &[Entry]) -> Option<Entry> {
    let up = match record.kind {
        BootRecordKind::Reboot => true,
        BootRecordKind::Shutdown => false,
        BootRecordKind::Runlevel => return None,
    };
    let (what, severity) = match (up, record.clean) {
        (true, Some(false)) => (
            "came up, for a time that ended without a shutdown",
            Severity::Warning,
        ),
        (true, _) => ("came up", Severity::Info),
        (false, _) => ("went down in order", Severity::Info),
    };
    let time = local(&record.from, clock)?;
    let same = |entry: &Entry| {
        entry.node.as_deref() == Some(node)
            && entry.time.duration_since(time).abs() <= SAME
            && entry.what.starts_with("came up") == up
    };
    let seen = &record.seen;
    (!known.iter().any(same)).then(|| Entry {
        notable: true,
        severity,
        evidence: Evidence {
            path: seen.path.clone(),
            line: seen.line,
            ..Evidence::default()
        },
        ..on(node, time, what)
    })
}

/// A time as `last` prints it, in the zone that the host's `date` names.
fn local(text: &str, clock: &Clock) -> Option<Timestamp> {
    // The words stand one blank apart; the reader of dates wants the day in two columns.
    let words: Vec<&str> = text.split_whitespace().collect();
    let [weekday, month, day, time, year] = words.as_slice() else {
        return None;
    };
    let text = format!("{weekday} {month} {day:>2} {time} {year}");
    let (stamp, _) = unix_date(text.as_bytes())?;
    let date = clock.read_at.as_ref().map(|it| it.value.as_str());
    let words = date.into_iter().flat_map(str::split_whitespace);
    let zone = words
        .rev()
        .nth(1)
        .and_then(|word| zone_offset(word.as_bytes()));
    stamp.instant(stamp.year?, zone.unwrap_or(0))
}

fn on(node: &str, time: Timestamp, what: impl Into<String>) -> Entry {
    Entry {
        node: Some(node.to_owned()),
        objects: vec![ObjectName {
            kind: "Node".to_owned(),
            namespace: None,
            name: node.to_owned(),
        }],
        ..Entry::new(time, EntrySource::Boot, what)
    }
}

#[cfg(test)]
mod tests {
    use crate::bundle::{Bundle, Files};
    use crate::rule::RuleSet;
    use crate::timeline::{EntrySource, chronicle};

    /// The journals of two boots, a third in `last`, on a host that keeps Berlin's time.
    #[test]
    fn boots_come_from_journals_and_from_last_each_once() {
        let head = "-- Journal begins at Fri 2025-05-02 08:00:00 CEST, ends at Fri 2025-05-09 18:00:00 CEST. --\n";
        let host = "nodes/n1.zip/n1";
        let section = |command: &str, text: &str| {
            format!("#==[ Command ]======================================#\n# {command}\n{text}\n")
        };
        let files = [
            (
                "logs/kernel.log",
                format!(
                    "{head}May 09 10:00:00.000001 n1 kernel: Linux version 5.14.21-default\n\
                     May 09 10:00:04.000001 n1 systemd-journald[1]: File /var/log/journal/x/system.journal corrupted or uncleanly shut down, renaming and replacing.\n\
                     May 09 17:59:00.000001 n1 kernel: last\n"
                ),
            ),
            (
                "logs/kernel.log.1",
                format!(
                    "{head}May 07 09:00:00.000001 n1 kernel: Linux version 5.14.21-default\n\
                     May 09 09:55:00.000001 n1 kernel: cut off\n"
                ),
            ),
            (
                "scc/scc_n1.txz/scc_n1/boot.txt",
                section(
                    "/usr/bin/last -wxF | grep -E \"reboot|shutdown|runlevel|system\"",
                    "reboot   system boot  5.14.21-default  Fri May  9 10:00:01 2025   still running\n\
                     reboot   system boot  5.14.21-default  Wed May  7 09:00:02 2025 - Fri May  9 10:00:01 2025 (2+01:00)\n\
                     shutdown system down  5.14.21-default  Wed May  7 08:55:00 2025 - Wed May  7 09:00:02 2025  (00:05)\n\
                     reboot   system boot  5.14.21-default  Fri May  2 08:00:00 2025 - Wed May  7 08:55:00 2025 (5+00:55)",
                ),
            ),
            (
                "scc/scc_n1.txz/scc_n1/basic-environment.txt",
                section("/bin/date", "Fri May  9 18:00:00 CEST 2025"),
            ),
        ];
        let files = files.map(|(path, text)| (format!("{host}/{path}"), text.into_bytes()));
        let rules = RuleSet::builtin().unwrap();
        let engine = crate::evaluate::Engine::new(&rules).unwrap();
        let files = Files {
            name: "test".to_owned(),
            files: files.into(),
            ..Files::default()
        };
        let now = "2025-05-09T16:00:00Z".parse().unwrap();
        let bundle = Bundle::of_files(files, now, engine.scanner());
        let told: Vec<String> = chronicle(&bundle, &engine, &[])
            .entries
            .iter()
            .filter(|entry| entry.source == EntrySource::Boot)
            .map(|entry| format!("{} {}", entry.time.strftime("%d %H:%M"), entry.what))
            .collect();
        assert_eq!(
            told,
            [
                "02 06:00 came up",
                "07 06:55 went down in order",
                "07 07:00 came up with kernel 5.14.21-default",
                "09 07:55 went down; its kernel log ends without a shutdown",
                "09 08:00 came up with kernel 5.14.21-default after a stop without a shutdown",
            ]
        );
    }
}
