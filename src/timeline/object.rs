//! Moments that fields of objects tell of: a node joined, something was asked to go, a replica failed, a
//! container ended, a machine moved.

use jiff::{SignedDuration, Timestamp};

use super::{Context, Entry, EntrySource};
use crate::diagnosis::wording;
use crate::finding::Severity;
use crate::graph::ObjectView;
use crate::parse::document::View;
use crate::parse::time::timestamp;

pub(super) fn entries(context: &Context<'_>) -> Vec<Entry> {
    let mut entries = Vec::new();
    let graph = context.graph;
    for node in graph.all("", "Node") {
        let what = "joined the cluster";
        let joined = at(context, node, "metadata.creationTimestamp", what);
        entries.extend(joined.map(|joined| Entry {
            notable: is_recent(context, joined.time),
            ..joined
        }));
    }
    for pod in graph.all("", "Pod") {
        entries.extend(containers(context, pod));
    }
    for replica in graph.all("longhorn.io", "Replica") {
        let volume = replica.text(&["spec", "volumeName"]).unwrap_or("?");
        let what = format!("replica of {volume} failed");
        let failed = at(context, replica, "spec.failedAt", &what);
        entries.extend(failed.map(|it| as_bad_as(Severity::Warning, it)));
    }
    for volume in graph.all("longhorn.io", "Volume") {
        entries.extend(degraded(context, volume));
    }
    for backup in graph.all("longhorn.io", "Backup") {
        let what = "backup made";
        entries.extend(at(context, backup, "status.backupCreatedAt", what));
    }
    for kind in ["VirtualMachineInstance", "VirtualMachineInstanceMigration"] {
        for object in graph.all("kubevirt.io", kind) {
            entries.extend(phases(context, object));
        }
    }
    for kind in graph.kinds() {
        for object in graph.of_kind(kind) {
            entries.extend(deletion(context, object));
        }
    }
    entries
}

/// How long after it joined a node is a new one.
const NEW: SignedDuration = SignedDuration::from_hours(30 * 24);

fn is_recent(context: &Context<'_>, time: Timestamp) -> bool {
    let now = context.bundle.now;
    now.is_some_and(|now| now.duration_since(time) <= NEW)
}

/// The moment that a field tells of.
fn at(context: &Context<'_>, object: ObjectView<'_>, field: &str, what: &str) -> Option<Entry> {
    let path: Vec<&str> = field.split('.').collect();
    let time = object.text(&path).and_then(timestamp)?;
    Some(entry(context, object, time, field, what))
}

fn entry(
    context: &Context<'_>,
    object: ObjectView<'_>,
    time: Timestamp,
    field: &str,
    what: &str,
) -> Entry {
    let name = object.object_name();
    let shown = context.shown.field(&name, field);
    let mut entry = Entry {
        node: context.node_of(object),
        objects: vec![name],
        evidence: context.seen(object.id(), field),
        ..Entry::new(time, EntrySource::Object, what)
    };
    context.link(&mut entry, &shown);
    entry
}

fn notable(entry: Entry) -> Entry {
    Entry {
        notable: true,
        ..entry
    }
}

fn as_bad_as(severity: Severity, entry: Entry) -> Entry {
    Entry {
        severity: severity.max(entry.severity),
        ..notable(entry)
    }
}

/// A volume that is short of replicas now, since when.
fn degraded(context: &Context<'_>, volume: ObjectView<'_>) -> Option<Entry> {
    let robustness = volume.text(&["status", "robustness"])?;
    let severity = match robustness {
        "degraded" => Severity::Warning,
        "faulted" => Severity::Error,
        _ => return None,
    };
    let what = format!("became {robustness}");
    let entry = at(context, volume, "status.lastDegradedAt", &what)?;
    Some(as_bad_as(severity, entry))
}

/// Something was asked to go and is still there.
fn deletion(context: &Context<'_>, object: ObjectView<'_>) -> Option<Entry> {
    object.metadata("deletionTimestamp")?;
    let finalizers = object.metadata("finalizers");
    let finalizers: Vec<&str> = finalizers
        .into_iter()
        .flat_map(View::items)
        .filter_map(View::as_str)
        .collect();
    let held = match finalizers.as_slice() {
        [] => String::new(),
        held => format!(", held by {}", held.join(", ")),
    };
    let what = format!("asked to go and still there{held}");
    let entry = at(context, object, "metadata.deletionTimestamp", &what)?;
    Some(as_bad_as(Severity::Warning, entry))
}

/// Ends of containers that were not in order, and the starts after them.
fn containers(context: &Context<'_>, pod: ObjectView<'_>) -> Vec<Entry> {
    let mut entries = Vec::new();
    for list in ["initContainerStatuses", "containerStatuses"] {
        let statuses = pod.field(&["status", list]).into_iter();
        for (index, status) in statuses.flat_map(View::items).enumerate() {
            for state in ["state", "lastState"] {
                let path = format!("status.{list}[{index}].{state}.terminated");
                let ended = status.path(&[state, "terminated"]);
                entries.extend(ended.and_then(|it| ended_entry(context, pod, status, it, &path)));
            }
        }
    }
    entries
}

fn ended_entry(
    context: &Context<'_>,
    pod: ObjectView<'_>,
    status: View<'_>,
    ended: View<'_>,
    path: &str,
) -> Option<Entry> {
    let read = |view: View<'_>, key: &str| view.get(key).and_then(View::as_i64);
    let text = |key: &str| ended.get(key).and_then(View::as_str);
    let time = text("finishedAt").and_then(timestamp)?;
    let code = read(ended, "exitCode").unwrap_or(0);
    let reason = text("reason").unwrap_or("Error");
    // The container was not there any more when kubelet looked: that is what a reboot leaves.
    let lost = code == 255 && reason == "Unknown";
    if code == 0 || lost {
        return None;
    }
    let container = status.get("name").and_then(View::as_str).unwrap_or("?");
    let restarts = read(status, "restartCount").unwrap_or(0);
    let restarts = if restarts > 0 {
        format!(", {}", wording::count(restarts, "restart"))
    } else {
        String::new()
    };
    let what = format!("container {container} ended: {reason}, exit code {code}{restarts}");
    let severity = if reason == "OOMKilled" {
        Severity::Error
    } else {
        Severity::Warning
    };
    let mut entry = as_bad_as(
        severity,
        entry(context, pod, time, &format!("{path}.finishedAt"), &what),
    );
    let node = entry.node.clone();
    context.by_clock_of(node.as_deref(), &mut entry);
    Some(entry)
}

/// Phases of a running machine and of its migrations.
fn phases(context: &Context<'_>, object: ObjectView<'_>) -> Vec<Entry> {
    let phases = object.field(&["status", "phaseTransitionTimestamps"]);
    let mut entries = Vec::new();
    for (index, step) in phases.into_iter().flat_map(View::items).enumerate() {
        let read = |key: &str| step.get(key).and_then(View::as_str);
        let (Some(phase), Some(time)) = (
            read("phase"),
            read("phaseTransitionTimestamp").and_then(timestamp),
        ) else {
            continue;
        };
        let field = format!("status.phaseTransitionTimestamps[{index}].phaseTransitionTimestamp");
        let entry = entry(context, object, time, &field, &format!("phase {phase}"));
        entries.push(match phase {
            "Failed" => as_bad_as(Severity::Error, entry),
            "Running" | "Succeeded" => notable(entry),
            _ => entry,
        });
    }
    entries
}
