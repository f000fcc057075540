//! Folds what happened to many things at once, or to one thing again and again, into one entry.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::{Entry, EntrySource};
use crate::finding::Severity;

/// Alike entries no further apart than this are one.
const GAP: SignedDuration = SignedDuration::from_mins(5);

/// What must agree. Words are compared without what differs from one object to the next.
type Likeness = (EntrySource, bool, Severity, Option<String>, String, String);

/// Entries in order of time, alike ones that follow closely as one.
pub(super) fn fold(mut entries: Vec<Entry>) -> Vec<Entry> {
    entries.sort_by(|a, b| order(a).cmp(&order(b)));
    let mut folded: Vec<Entry> = Vec::with_capacity(entries.len());
    let mut open: BTreeMap<Likeness, usize> = BTreeMap::new();
    for entry in entries {
        let alike = likeness(&entry);
        let known = open.get(&alike).and_then(|at| folded.get_mut(*at));
        match known.filter(|known| entry.time.duration_since(known.end()) <= GAP) {
            Some(known) => join(known, entry),
            None => {
                open.insert(alike, folded.len());
                folded.push(entry);
            }
        }
    }
    folded
}

/// By time; what happened at one moment by source, then by name, so that the order is always the same.
fn order(entry: &Entry) -> impl Ord + '_ {
    (
        entry.time,
        entry.source,
        &entry.node,
        &entry.objects,
        &entry.what,
        (&entry.evidence.path, entry.evidence.line),
        entry.last,
    )
}

fn likeness(entry: &Entry) -> Likeness {
    let kind = entry.objects.first().map(|object| object.kind.clone());
    let words = match entry.source {
        // A step names its node, and each is worth its line.
        EntrySource::Upgrade => entry.what.clone(),
        _ => skeleton(&entry.what),
    };
    (
        entry.source,
        entry.notable,
        entry.severity,
        entry.node.clone(),
        kind.unwrap_or_default(),
        words,
    )
}

/// The words of a text that say what, without those that say which: all that hold a digit.
fn skeleton(text: &str) -> String {
    let words = text.split_whitespace().map(|word| {
        let numbered = word.bytes().any(|byte| byte.is_ascii_digit());
        if numbered { "#" } else { word }
    });
    words.collect::<Vec<_>>().join(" ")
}

fn join(known: &mut Entry, entry: Entry) {
    let end = known.end().max(entry.end());
    known.last = (end > known.time).then_some(end);
    known.count = known.count.saturating_add(entry.count);
    for object in entry.objects {
        if !known.objects.contains(&object) {
            known.objects.push(object);
        }
    }
    unite(&mut known.findings, entry.findings);
    unite(&mut known.rules, entry.rules);
}

/// What either has, sorted.
pub(super) fn unite<T: Ord>(mine: &mut Vec<T>, theirs: Vec<T>) {
    mine.extend(theirs);
    mine.sort();
    mine.dedup();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::ObjectName;

    fn entry(time: &str, pod: &str, what: &str) -> Entry {
        Entry {
            objects: vec![ObjectName {
                kind: "Pod".into(),
                namespace: Some("default".into()),
                name: pod.into(),
            }],
            ..Entry::new(
                format!("2025-01-01T{time}Z").parse().unwrap(),
                EntrySource::Event,
                what,
            )
        }
    }

    #[test]
    fn alike_ones_fold_while_they_follow_closely() {
        let entries = vec![
            entry("10:00:00", "a-1", "BackOff: container of a-1"),
            entry("10:09:00", "c-3", "BackOff: container of c-3"),
            entry("10:04:30", "b-2", "BackOff: container of b-2"),
            entry("10:04:00", "a-1", "Pulled: image x"),
            entry("10:15:00", "a-1", "BackOff: container of a-1"),
        ];
        let mut reversed = entries.clone();
        reversed.reverse();
        let folded = fold(entries);
        let shape: Vec<_> = folded
            .iter()
            .map(|it| (it.what.as_str(), it.count, it.objects.len()))
            .collect();
        assert_eq!(
            shape,
            [
                ("BackOff: container of a-1", 3, 3),
                ("Pulled: image x", 1, 1),
                ("BackOff: container of a-1", 1, 1),
            ]
        );
        let end = folded.first().and_then(|it| it.last);
        assert_eq!(end, "2025-01-01T10:09:00Z".parse().ok());
        assert_eq!(folded, fold(reversed), "the order of reading is nothing");
    }
}
