//! Conditions of objects, each at the time of its last change.

use super::{Context, Entry, EntrySource};
use crate::derive::condition_time;
use crate::finding::{ObjectName, Severity};
use crate::graph::ObjectView;
use crate::parse::document::View;
use crate::parse::time::timestamp;

/// A condition worth a line.
struct Watched {
    group: &'static str,
    kind: &'static str,
    name: &'static str,
    /// The status that it has while all is well.
    good: &'static str,
    /// Worth a line also where all is well.
    always: bool,
    /// How bad it is if not.
    severity: Severity,
}

const fn warning(group: &'static str, kind: &'static str, name: &'static str) -> Watched {
    Watched {
        group,
        kind,
        name,
        good: "True",
        always: false,
        severity: Severity::Warning,
    }
}

/// The same for one that is True while all is not well.
const fn trouble(group: &'static str, kind: &'static str, name: &'static str) -> Watched {
    Watched {
        good: "False",
        ..warning(group, kind, name)
    }
}

const fn milestone(group: &'static str, kind: &'static str, name: &'static str) -> Watched {
    Watched {
        always: true,
        severity: Severity::Error,
        ..warning(group, kind, name)
    }
}

const WATCHED: &[Watched] = &[
    milestone("", "Node", "Ready"),
    warning("", "Node", "EtcdIsVoter"),
    trouble("", "Node", "DiskPressure"),
    trouble("", "Node", "MemoryPressure"),
    trouble("", "Node", "NetworkUnavailable"),
    trouble("", "Node", "PIDPressure"),
    warning("", "Pod", "Ready"),
    trouble("", "PersistentVolumeClaim", "FileSystemResizePending"),
    trouble("", "PersistentVolumeClaim", "Resizing"),
    warning("apps", "Deployment", "Available"),
    warning("apps", "Deployment", "Progressing"),
    warning("batch", "Job", "Complete"),
    trouble("batch", "Job", "Failed"),
    warning("apiregistration.k8s.io", "APIService", "Available"),
    warning("cluster.x-k8s.io", "Cluster", "Ready"),
    warning("cluster.x-k8s.io", "Machine", "NodeHealthy"),
    warning("cluster.x-k8s.io", "Machine", "PlanApplied"),
    warning("cluster.x-k8s.io", "Machine", "Ready"),
    warning("cluster.x-k8s.io", "Machine", "Reconciled"),
    warning("cluster.x-k8s.io", "Machine", "Updated"),
    warning("rke.cattle.io", "CustomMachine", "Ready"),
    warning("rke.cattle.io", "RKEControlPlane", "Ready"),
    warning("rke.cattle.io", "RKEControlPlane", "Stable"),
    warning("provisioning.cattle.io", "Cluster", "Connected"),
    warning("provisioning.cattle.io", "Cluster", "Ready"),
    warning("provisioning.cattle.io", "Cluster", "Updated"),
    trouble("provisioning.cattle.io", "Cluster", "Stalled"),
    warning("management.cattle.io", "ManagedChart", "Ready"),
    warning("fleet.cattle.io", "Bundle", "Ready"),
    warning("fleet.cattle.io", "BundleDeployment", "Deployed"),
    warning("fleet.cattle.io", "BundleDeployment", "Ready"),
    warning("fleet.cattle.io", "Cluster", "Ready"),
    warning("upgrade.cattle.io", "Plan", "Complete"),
    milestone("harvesterhci.io", "Upgrade", "LogReady"),
    milestone("harvesterhci.io", "Upgrade", "ImageReady"),
    milestone("harvesterhci.io", "Upgrade", "RepoReady"),
    milestone("harvesterhci.io", "Upgrade", "NodesPrepared"),
    milestone("harvesterhci.io", "Upgrade", "SystemServicesUpgraded"),
    milestone("harvesterhci.io", "Upgrade", "NodesUpgraded"),
    milestone("harvesterhci.io", "Upgrade", "Completed"),
    warning("harvesterhci.io", "UpgradeLog", "InfraReady"),
    warning("harvesterhci.io", "VirtualMachineImage", "Imported"),
    warning("harvesterhci.io", "VirtualMachineBackup", "Ready"),
    warning("harvesterhci.io", "BlockDevice", "DiskAddedToNode"),
    warning("network.harvesterhci.io", "ClusterNetwork", "ready"),
    warning("network.harvesterhci.io", "NodeNetwork", "Ready"),
    warning("network.harvesterhci.io", "VlanStatus", "ready"),
    warning("longhorn.io", "Node", "Ready"),
    warning("longhorn.io", "Node", "MountPropagation"),
    warning("longhorn.io", "Node", "Multipathd"),
    warning("longhorn.io", "Node", "RequiredPackages"),
    warning("longhorn.io", "Node", "Schedulable"),
    warning("longhorn.io", "Volume", "Scheduled"),
    trouble("longhorn.io", "Volume", "TooManySnapshots"),
    warning("longhorn.io", "Engine", "InstanceCreation"),
    trouble("longhorn.io", "Engine", "FilesystemReadOnly"),
    warning("longhorn.io", "Replica", "InstanceCreation"),
    warning("longhorn.io", "EngineImage", "ready"),
    trouble("longhorn.io", "BackupTarget", "Unavailable"),
    warning("kubevirt.io", "KubeVirt", "Available"),
    trouble("kubevirt.io", "KubeVirt", "Degraded"),
    warning("kubevirt.io", "VirtualMachine", "Ready"),
    trouble("kubevirt.io", "VirtualMachine", "Failure"),
    trouble("kubevirt.io", "VirtualMachine", "Paused"),
    warning("kubevirt.io", "VirtualMachineInstance", "Ready"),
    trouble("kubevirt.io", "VirtualMachineInstance", "Paused"),
    warning("cdi.kubevirt.io", "DataVolume", "Ready"),
];

/// Conditions of each disk of a Longhorn node.
const DISK: [Watched; 2] = [
    warning("longhorn.io", "Node", "Ready"),
    warning("longhorn.io", "Node", "Schedulable"),
];

pub(super) fn entries(context: &Context<'_>) -> Vec<Entry> {
    let mut entries = Vec::new();
    for kind in WATCHED.chunk_by(|a, b| (a.group, a.kind) == (b.group, b.kind)) {
        let Some(first) = kind.first() else { continue };
        for object in context.graph.all(first.group, first.kind) {
            if is_over(object) {
                continue;
            }
            for watched in kind {
                let condition = object.condition(watched.name);
                let path = format!("status.conditions[type={}]", watched.name);
                let found = condition.and_then(|it| entry(context, object, watched, it, &path, ""));
                entries.extend(found);
            }
            if (first.group, first.kind) == ("longhorn.io", "Node") {
                entries.extend(disks(context, object));
            }
        }
    }
    entries
}

/// Whether an object has done its work, so that what it is no more ready for is no fault.
fn is_over(object: ObjectView<'_>) -> bool {
    matches!(object.text(&["status", "phase"]), Some("Succeeded"))
        || object.text(&["status", "printableStatus"]) == Some("Stopped")
}

fn disks(context: &Context<'_>, node: ObjectView<'_>) -> Vec<Entry> {
    let disks = node.field(&["status", "diskStatus"]);
    let mut entries = Vec::new();
    for (name, disk) in disks.into_iter().flat_map(View::entries) {
        for watched in &DISK {
            let path = format!(
                "status.diskStatus['{name}'].conditions[type={}]",
                watched.name
            );
            let condition = crate::graph::object::condition(disk, watched.name);
            let of = format!("disk {name} ");
            entries.extend(condition.and_then(|it| entry(context, node, watched, it, &path, &of)));
        }
    }
    entries
}

fn entry(
    context: &Context<'_>,
    object: ObjectView<'_>,
    watched: &Watched,
    condition: View<'_>,
    path: &str,
    of: &str,
) -> Option<Entry> {
    let time = condition_time(condition)?;
    let read = |key: &str| {
        let text = condition.get(key).and_then(View::as_str);
        text.map(str::trim).filter(|text| !text.is_empty())
    };
    let status = read("status")?;
    let (reason, message) = (read("reason"), read("message"));
    let well = status == watched.good;
    let mut what = format!("{of}{}={status}", watched.name);
    for part in [reason, message.filter(|_| !well)].into_iter().flatten() {
        what.push_str(": ");
        what.push_str(part);
    }
    let name = object.object_name();
    let shown = context.shown.field(&name, path);
    let upgrade = name.kind == "Upgrade";
    let source = if upgrade {
        EntrySource::Upgrade
    } else {
        EntrySource::Condition
    };
    let mut entry = Entry {
        severity: if well {
            Severity::Info
        } else {
            watched.severity
        },
        notable: watched.always || !well && !is_echo(object, watched, reason, message),
        node: context.node_of(object),
        objects: vec![name],
        evidence: context.seen(object.id(), &format!("{path}.lastTransitionTime")),
        ..Entry::new(time, source, what)
    };
    if let Some(heartbeat) = read("lastHeartbeatTime").and_then(timestamp)
        && status == "Unknown"
        && heartbeat < time
    {
        let clock = heartbeat.strftime("%H:%M:%S");
        entry.what.push_str(&format!(" Last heartbeat {clock}."));
    }
    let node = entry.node.clone();
    let by_kubelet = by_kubelet(&entry.objects, watched, reason);
    context.by_clock_of(node.as_deref().filter(|_| by_kubelet), &mut entry);
    context.link(&mut entry, &shown);
    Some(entry)
}

/// Whether another condition of the same moment says the same, and more to the point.
fn is_echo(
    object: ObjectView<'_>,
    watched: &Watched,
    reason: Option<&str>,
    message: Option<&str>,
) -> bool {
    match (watched.kind, watched.name, reason) {
        // Nothing is known of a node that does not answer; that it does not is said once.
        ("Node", name, Some("NodeStatusUnknown" | "NodeStatusNeverUpdated")) => name != "Ready",
        // Its disks are as its node is.
        ("Node", _, Some("NodeNotReady" | "DiskNotReady")) => true,
        ("Machine", "NodeHealthy", Some("NodeConditionsFailed")) => true,
        // A chart and the bundle that Fleet makes of it.
        ("Bundle", ..) => object.name().starts_with("mcc-"),
        // Nobody asked for backups.
        ("BackupTarget", ..) => message.is_some_and(|it| it.contains("URL is empty")),
        _ => false,
    }
}

/// Whether the node itself wrote the time. Of a node that does not answer its controller writes it.
fn by_kubelet(objects: &[ObjectName], watched: &Watched, reason: Option<&str>) -> bool {
    let kubernetes = objects
        .iter()
        .all(|it| it.kind == "Node" || it.kind == "Pod");
    kubernetes
        && watched.name != "EtcdIsVoter"
        && !matches!(reason, Some("NodeStatusUnknown" | "NodeStatusNeverUpdated"))
}
