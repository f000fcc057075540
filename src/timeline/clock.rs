//! Clocks that are off: by how much, and how that is known.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use crate::bundle::Bundle;
use crate::evaluate::origin_evidence;
use crate::finding::{Evidence, Export, Finding};
use crate::graph::kind::DERIVED_GROUP;
use crate::parse::document::View;
use crate::parse::time::timestamp;
use crate::rule::duration;

/// The export by which a finding about a node says how far its clock is off: `-11m8s` is behind.
const EXPORT: &str = "clockOffset";

/// Less is not worth a correction: the order of entries is no better than that anyway.
const LEAST: SignedDuration = SignedDuration::from_secs(1);

/// Less than this between node archives is no sign of a clock.
const APART: SignedDuration = SignedDuration::from_mins(3);

/// Node archives are begun together, but a node may have to pull the collector's image first.
const PATIENCE: SignedDuration = SignedDuration::from_mins(20);

/// What was written so long after the bundle was begun was written by who unpacked it.
const UNPACKED: SignedDuration = SignedDuration::from_hours(12);

/// How a clock's offset is known, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ClockSource {
    /// The host measured it against its time server.
    Ntp,
    /// Its peers measured it; a finding says so.
    Peers,
    /// Its files in the bundle were written at another time than those of the other nodes.
    Files,
}

/// A clock that is off.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeClock {
    /// Whose.
    pub node: String,
    /// The node's clock minus the right time, in seconds: negative is behind.
    pub offset: f64,
    /// How that is known.
    pub source: ClockSource,
    /// Where to see it.
    pub evidence: Option<Evidence>,
}

/// Clocks that are off, by node.
pub(super) struct Clocks {
    off: BTreeMap<String, NodeClock>,
    /// When the current boot of each host began, by its own clock.
    booted: BTreeMap<String, Timestamp>,
}

impl Clocks {
    pub(super) fn of(bundle: &Bundle, findings: &[Finding]) -> Clocks {
        let mut clocks = BTreeMap::new();
        // What is known best is put in last.
        clocks.extend(by_files(&bundle.host_files_since, bundle.now));
        clocks.extend(findings.iter().filter_map(by_peers));
        clocks.extend(by_ntp(bundle));
        clocks.retain(|_, clock: &mut NodeClock| clock.offset.abs() >= LEAST.as_secs_f64());
        let boots = bundle.graph.all(DERIVED_GROUP, "Boot");
        let current = boots.filter(|it| it.get("current").and_then(View::as_bool) == Some(true));
        let booted = current.filter_map(|boot| {
            let started = boot.text(&["startedAt"]).and_then(timestamp)?;
            Some((boot.text(&["nodeName"])?.to_owned(), started))
        });
        Clocks {
            off: clocks,
            booted: booted.collect(),
        }
    }

    /// What to add to a time that a node wrote. Before its current boot the clock may have been another.
    pub(super) fn correction(&self, node: &str, time: Timestamp) -> Option<(SignedDuration, f64)> {
        let before = self.booted.get(node).is_some_and(|booted| time < *booted);
        let seconds = -self.off.get(node).filter(|_| !before)?.offset;
        let duration = SignedDuration::try_from_secs_f64(seconds).ok()?;
        Some((duration, seconds))
    }

    pub(super) fn into_list(self) -> Vec<NodeClock> {
        self.off.into_values().collect()
    }
}

fn by_ntp(bundle: &Bundle) -> Vec<(String, NodeClock)> {
    let hosts = bundle.graph.all(DERIVED_GROUP, "Host");
    let measured = hosts.filter_map(|host| {
        let offset = host.get("clockOffset").and_then(View::as_f64)?;
        let clock = NodeClock {
            node: host.name().to_owned(),
            offset: rounded(offset),
            source: ClockSource::Ntp,
            evidence: origin_evidence(&bundle.graph, host.id(), "clockOffset"),
        };
        Some((clock.node.clone(), clock))
    });
    measured.collect()
}

fn by_peers(finding: &Finding) -> Option<(String, NodeClock)> {
    let Some(Export::Text(text)) = finding.exports.get(EXPORT) else {
        return None;
    };
    let offset = duration::parse(text).filter(|_| finding.subject.kind == "Node")?;
    let mut lines = finding.evidence.iter();
    let clock = NodeClock {
        node: finding.subject.name.clone(),
        offset: rounded(offset.as_secs_f64()),
        source: ClockSource::Peers,
        evidence: lines.rfind(|line| line.text.is_some()).cloned(),
    };
    Some((clock.node.clone(), clock))
}

/// By when the first file of each node was written, by the node's own clock, beside the middle one of
/// all; where only two nodes or one are there, beside the time at which the bundle was begun.
fn by_files(
    written: &BTreeMap<String, Timestamp>,
    begun: Option<Timestamp>,
) -> Vec<(String, NodeClock)> {
    let Some(begun) = begun else {
        return Vec::new();
    };
    let collected = |time: Timestamp| time.duration_since(begun) < UNPACKED;
    let mut times: Vec<Timestamp> = written
        .values()
        .copied()
        .filter(|it| collected(*it))
        .collect();
    times.sort_unstable();
    let middle = times.get(times.len() / 2).copied();
    let middle = middle.filter(|_| times.len() > 2).unwrap_or(begun);
    let off = written.iter().filter_map(|(node, time)| {
        let offset = time.duration_since(middle);
        // Nothing is collected before the bundle is begun. To come late is no fault of a clock.
        let behind = offset < -APART && *time < begun;
        let ahead = offset > PATIENCE && times.len() > 2 && collected(*time);
        let clock = NodeClock {
            node: node.clone(),
            offset: rounded(offset.as_secs_f64()),
            source: ClockSource::Files,
            evidence: Some(Evidence {
                path: format!("nodes/{node}.zip"),
                time: Some(*time),
                note: Some("when its first file was written, by its own clock".to_owned()),
                ..Evidence::default()
            }),
        };
        (behind || ahead).then(|| (node.clone(), clock))
    });
    off.collect()
}

/// To milliseconds: what is beyond them is noise.
fn rounded(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offsets(begun: &[(&str, &str)]) -> Vec<(String, f64)> {
        let begun = begun.iter().map(|(node, time)| {
            let time: Timestamp = format!("2025-05-02T{time}Z").parse().unwrap();
            ((*node).to_owned(), time)
        });
        let bundle = "2025-05-02T12:31:00Z".parse().ok();
        let clocks = by_files(&begun.collect(), bundle).into_iter();
        clocks.map(|(node, clock)| (node, clock.offset)).collect()
    }

    #[test]
    fn files_written_at_another_time_show_a_clock_that_is_off() {
        for (begun, off) in [
            (
                &[("a", "12:32:10"), ("b", "12:21:02"), ("c", "12:32:10")][..],
                Some(("b", -668.0)),
            ),
            // An image that two nodes pulled for eight minutes is no clock.
            (
                &[("a", "12:40:10"), ("b", "12:32:02"), ("c", "12:40:10")],
                None,
            ),
            (
                &[("a", "12:32:10"), ("b", "13:32:10"), ("c", "12:32:20")],
                Some(("b", 3590.0)),
            ),
            (&[("a", "12:20:00"), ("b", "12:50:00")], Some(("a", -660.0))),
            // Two were unpacked later: what is left says nothing.
            (
                &[("a", "12:32:10"), ("b", "23:59:00"), ("c", "23:59:00")],
                None,
            ),
            (&[], None),
        ] {
            let off: Vec<_> = off
                .iter()
                .map(|(node, by)| ((*node).to_owned(), *by))
                .collect();
            assert_eq!(offsets(begun), off, "{begun:?}");
        }
    }
}
