//! What the patterns of rules hit in logs, whether or not a rule fired.

use std::collections::BTreeMap;

use super::fold::unite;
use super::{Context, Entry, EntrySource};
use crate::evaluate::Engine;
use crate::finding::{Evidence, ObjectName};
use crate::parse::time::{journal, klog, rfc3339};
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
    let host = node
        .clone()
        .filter(|_| pod.is_none())
        .map(|name| ObjectName {
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
        ..Entry::new(
            time,
            EntrySource::Log,
            gist(&record.first.text, node.as_deref()),
        )
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

/// What a line says, without what the entry says already (its time, its node) and without the frame
/// that programs put around their words.
fn gist(line: &str, node: Option<&str>) -> String {
    let line = without_stamp(line);
    let words = node
        .and_then(|node| line.strip_prefix(node))
        .map_or(line, str::trim_start);
    let said = json(words)
        .or_else(|| logrus(words))
        .or_else(|| klog_words(words));
    crate::evaluate::cut(said.as_deref().unwrap_or(words))
}

/// The line without the time that kubelet or the journal put before it.
fn without_stamp(line: &str) -> &str {
    let bytes = line.as_bytes();
    let stamp = rfc3339(bytes).or_else(|| journal(bytes));
    let rest = stamp.and_then(|(_, length)| line.get(length..));
    rest.unwrap_or(line).trim()
}

/// Message and error of a line of zap, KubeVirt and others.
fn json(line: &str) -> Option<String> {
    let fields: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(line.get(line.find('{')?..)?).ok()?;
    let read = |keys: &[&str]| keys.iter().find_map(|key| fields.get(*key)?.as_str());
    let message = read(&["msg", "message"])?;
    Some(match read(&["error", "err", "reason"]) {
        Some(error) => format!("{message}: {error}"),
        None => message.to_owned(),
    })
}

/// Message and error of a line of logrus, after the name of the unit if a journal has it.
fn logrus(line: &str) -> Option<String> {
    let (before, rest) = line.split_once("time=\"")?;
    let unit = before.split(['[', ':']).next().unwrap_or_default().trim();
    let message = quoted(rest, "msg=")?;
    let error = quoted(rest, "error=").map(|error| format!(": {error}"));
    let unit = if unit.is_empty() {
        String::new()
    } else {
        format!("{unit}: ")
    };
    Some(format!("{unit}{message}{}", error.unwrap_or_default()))
}

/// The value of a key, in quotes or one word.
fn quoted(text: &str, key: &str) -> Option<String> {
    let (_, value) = text.split_once(&format!(" {key}"))?;
    let Some(value) = value.strip_prefix('"') else {
        return value.split_whitespace().next().map(str::to_owned);
    };
    let mut said = String::new();
    let mut signs = value.chars();
    while let Some(sign) = signs.next() {
        match sign {
            '"' => break,
            '\\' => said.extend(signs.next()),
            sign => said.push(sign),
        }
    }
    Some(said)
}

/// What klog says after `I0307 06:38:49.123456       1 reflector.go:425] `.
fn klog_words(line: &str) -> Option<String> {
    klog(line.as_bytes())?;
    let (_, words) = line.split_once("] ")?;
    Some(words.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::gist;

    #[test]
    fn the_gist_of_a_line_is_its_message() {
        for (line, said) in [
            (
                "2025-03-07T06:38:49.000000001Z I0307 06:38:49.123456       1 a.go:1] \"Failed\" err=\"x\"",
                "\"Failed\" err=\"x\"",
            ),
            ("Mar 07 06:38:49.123456 harv-1 kernel: oom", "kernel: oom"),
            (
                "Mar 07 06:38:49 harv-1 rke2[12]: time=\"2025-03-07T06:38:49Z\" level=error msg=\"a \\\"b\\\"\" error=\"no c\"",
                "rke2: a \"b\": no c",
            ),
            (
                "2025-03-07T06:38:49.000000001-04:00 {\"level\":\"warn\",\"ts\":\"x\",\"msg\":\"slow\",\"error\":\"late\"}",
                "slow: late",
            ),
            (
                "{\"level\":\"warn\",\"msg\":\"cut o",
                "{\"level\":\"warn\",\"msg\":\"cut o",
            ),
            ("no time", "no time"),
            ("", ""),
        ] {
            assert_eq!(gist(line, Some("harv-1")), said);
        }
    }
}
