//! Events of both APIs, which the graph holds as one list.

use super::{Context, Entry, EntrySource};
use crate::finding::{ObjectName, Severity};
use crate::graph::{Graph, ObjectView};
use crate::parse::document::View;
use crate::parse::time::timestamp;

/// Reasons of type Normal that tell of a change rather than of work as usual.
const NOTABLE: [&str; 31] = [
    // Kubelet and the node controllers.
    "DeletingNode",
    "EvictionThresholdMet",
    "NodeHasDiskPressure",
    "NodeHasInsufficientMemory",
    "NodeHasInsufficientPID",
    "NodeNotReady",
    "NodeNotSchedulable",
    "NodeReady",
    "NodeSchedulable",
    "NodeShutdown",
    "Rebooted",
    "RemovingNode",
    "Shutdown",
    "Starting",
    "Drain",
    "DrainSucceeded",
    // Scheduling and eviction.
    "Evicted",
    "Preempted",
    "TaintManagerEviction",
    // Longhorn.
    "AutoSalvaged",
    "Degraded",
    "DetachedUnexpectedly",
    "Faulted",
    "Healthy",
    "Rebuilding",
    "Rebuilt",
    "Remount",
    // KubeVirt.
    "Migrated",
    "ShuttingDown",
    "Stopped",
    "SuccessfulHandOver",
];

/// Reasons that are worse than a warning.
const ERRORS: [&str; 7] = [
    "DetachedUnexpectedly",
    "Faulted",
    "NodeNotReady",
    "OOMKilling",
    "Rebooted",
    "SystemOOM",
    "FailedMigration",
];

pub(super) fn entries(context: &Context<'_>) -> Vec<Entry> {
    let events = context.graph.all("", "Event");
    events.filter_map(|event| entry(context, event)).collect()
}

fn entry(context: &Context<'_>, event: ObjectView<'_>) -> Option<Entry> {
    let time = |path: &[&str]| event.text(path).and_then(timestamp);
    let first = time(&["firstTimestamp"])
        .or_else(|| time(&["eventTime"]))
        .or_else(|| time(&["metadata", "creationTimestamp"]))?;
    let last = time(&["lastTimestamp"]).max(time(&["series", "lastObservedTime"]));
    let number = |path: &[&str]| event.field(path).and_then(View::as_i64);
    let count = number(&["count"]).max(number(&["series", "count"]));
    let reason = event.text(&["reason"]).unwrap_or("Event");
    let message = event.text(&["message"]).unwrap_or_default().trim();
    let what = if message.is_empty() {
        reason.to_owned()
    } else {
        format!("{reason}: {message}")
    };
    let involved = involved(context.graph, event)?;
    let warning = event.text(&["type"]) == Some("Warning");
    let source = |key: &str| event.text(&["source", key]);
    let component = source("component").or_else(|| event.text(&["reportingComponent"]));
    let host = source("host").or_else(|| {
        event
            .text(&["reportingInstance"])
            .filter(|_| component == Some("kubelet"))
    });
    let mut entry = Entry {
        last: last.filter(|last| *last > first),
        count: count
            .and_then(|count| u64::try_from(count).ok())
            .unwrap_or(1)
            .max(1),
        severity: match (ERRORS.contains(&reason), warning) {
            (true, _) => Severity::Error,
            (false, true) => Severity::Warning,
            (false, false) => Severity::Info,
        },
        notable: warning || NOTABLE.contains(&reason),
        node: node(context, &involved, host),
        objects: vec![involved],
        evidence: context.seen(event.id(), "message"),
        ..Entry::new(first, EntrySource::Event, what)
    };
    // Kubelet stamps its events itself; all others are written where no single host is to blame.
    context.by_clock_of(host.filter(|_| component == Some("kubelet")), &mut entry);
    let shown = context.shown.field(&event.object_name(), "");
    context.link(&mut entry, &shown);
    Some(entry)
}

/// What the event is about, which need not exist any more.
fn involved(graph: &Graph, event: ObjectView<'_>) -> Option<ObjectName> {
    let read = |key: &str| event.text(&["involvedObject", key]);
    let kind = read("kind")?;
    let group = match read("apiVersion") {
        None | Some("v1") => "",
        Some(version) => version.split_once('/').map_or(version, |(group, _)| group),
    };
    let kind = graph
        .kind_id(group, kind)
        .map_or(kind, |kind| graph.kind_display(kind));
    // Events on nodes lie in `default`, and say so of the node, too.
    let namespace = read("namespace").filter(|_| kind != "Node");
    Some(ObjectName {
        kind: kind.to_owned(),
        namespace: namespace.map(str::to_owned),
        name: read("name")?.to_owned(),
    })
}

/// The node that reports, or on which the object is.
fn node(context: &Context<'_>, involved: &ObjectName, host: Option<&str>) -> Option<String> {
    if involved.kind == "Node" {
        return Some(involved.name.clone());
    }
    let kind = context.graph.kind_displayed(&involved.kind)?;
    let found = context
        .graph
        .find(kind, involved.namespace.as_deref(), &involved.name);
    let on = found.and_then(|id| context.node_of(context.graph.object(id)));
    on.or_else(|| host.map(str::to_owned))
}
