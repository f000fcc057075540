//! What the patterns of rules hit in logs, whether or not a rule fired.

use std::collections::BTreeMap;

use super::fold::unite;
use super::{Context, Entry, EntrySource};
use crate::evaluate::Engine;
use crate::finding::{Evidence, ObjectName};
use crate::parse::time::{journal, rfc3339};
use crate::rule::Rule;
use crate::scan::{LogHit, LogRecord};

pub(super) fn entries(context: &Context<'_>, engine: &Engine) -> Vec<Entry> {
    // Several rules look for the same line; it is told once.
    let mut by_line: BTreeMap<(&str, u32), Entry> = BTreeMap::new();
    for (rule, records) in engine.hits(context.bundle) {
        for record in records {
            let Some(entry) = entry(context, rule, record) else {
                continue;
            };
            let place = (record.first.path.as_str(), record.first.line);
            match by_line.get_mut(&place) {
                Some(known) => join(known, entry),
                None => {
                    by_line.insert(place, entry);
                }
            }
        }
    }
    by_line.into_values().collect()
}

/// Two patterns hit the same first line.
fn join(known: &mut Entry, other: Entry) {
    known.count = known.count.max(other.count);
    known.last = known.last.max(other.last);
    known.severity = known.severity.max(other.severity);
    known.notable |= other.notable;
    unite(&mut known.rules, other.rules);
    unite(&mut known.findings, other.findings);
}

fn entry(context: &Context<'_>, rule: &Rule, record: &LogRecord) -> Option<Entry> {
    let time = record.first.time?;
    let pod = pod(record);
    let node = record.node.clone().or_else(|| {
        let pod = pod.as_ref()?;
        let kind = context.graph.kind_id("", "Pod")?;
        let id = context
            .graph
            .find(kind, pod.namespace.as_deref(), &pod.name)?;
        context.node_of(context.graph.object(id))
    });
    let host = node.clone().filter(|_| pod.is_none()).map(|name| ObjectName {
        kind: "Node".to_owned(),
        namespace: None,
        name,
    });
    let mut entry = Entry {
        last: record.last.time.filter(|last| *last > time),
        count: record.count,
        node: node.clone(),
        objects: pod.into_iter().chain(host).collect(),
        rules: vec![rule.id.clone()],
        evidence: evidence(&record.first),
        ..Entry::new(time, EntrySource::Log, without_stamp(&record.first.text))
    };
    context.by_clock_of(node.as_deref(), &mut entry);
    for hit in &record.samples {
        if let Some(shown) = context.shown.by_line.get(&(hit.path.as_str(), hit.line)) {
            context.link(&mut entry, shown);
        }
    }
    Some(entry)
}

fn pod(record: &LogRecord) -> Option<ObjectName> {
    Some(ObjectName {
        kind: "Pod".to_owned(),
        namespace: record.namespace.clone(),
        name: record.pod.clone()?,
    })
}

fn evidence(hit: &LogHit) -> Evidence {
    Evidence {
        path: hit.path.clone(),
        line: Some(hit.line),
        time: hit.time,
        text: Some(crate::evaluate::cut(&hit.text)),
        ..Evidence::default()
    }
}

/// The line without the time that kubelet or the journal put before it: the entry has it.
fn without_stamp(line: &str) -> String {
    let bytes = line.as_bytes();
    let stamp = rfc3339(bytes).or_else(|| journal(bytes));
    let rest = stamp.and_then(|(_, length)| line.get(length..));
    crate::evaluate::cut(rest.unwrap_or(line).trim())
}

#[cfg(test)]
mod tests {
    use super::without_stamp;

    #[test]
    fn the_time_before_a_line_is_said_once() {
        for (line, rest) in [
            (
                "2025-03-07T06:38:49.000000001Z I0307 06:38:49.1 a.go:1] x",
                "I0307 06:38:49.1 a.go:1] x",
            ),
            ("Mar 07 06:38:49.123456 kernel: oom", "kernel: oom"),
            ("no time", "no time"),
            ("", ""),
        ] {
            assert_eq!(without_stamp(line), rest);
        }
    }
}
