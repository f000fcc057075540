//! `doctor/Host`, `doctor/Disk`, `doctor/Mount`, `doctor/Boot`: what a node's own files say of it,
//! joined with what Harvester and Longhorn know of its disks.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::graph::{Graph, ObjectView, Origin};
use crate::parse::document::View;
use crate::parse::host::{
    BootRecordKind, DiskUse, Fact, HostDisk, HostFacts, LONGHORN_TARGET, SmartHealth, SmartReport,
};
use crate::scan::LogShape;

use super::{Derived, Seen, line, time};

pub(super) fn hosts(graph: &Graph, seen: &Seen<'_>) -> Vec<Derived> {
    let mut derived = Vec::new();
    for (node, facts) in seen.hosts {
        derived.push(host(node, facts));
        derived.extend(mounts(node, facts));
        derived.extend(boots(node, facts, seen.logs));
    }
    derived.extend(disks(graph, seen));
    derived
}

fn fact<T>(fact: Option<&Fact<T>>) -> Option<Origin> {
    line(&fact?.seen)
}

fn host(node: &str, facts: &HostFacts) -> Derived {
    let mut host = Derived::new("Host", node);
    let clock = &facts.clock;
    let os = facts.os.as_ref();
    let release = facts.harvester.as_ref();
    let memory = facts.memory.as_ref();
    let text = |fact: Option<&Fact<String>>| fact.map(|fact| fact.value.clone());
    // A node's archive may come without a supportconfig; the kernel's log of this boot has it, too.
    let booted = (facts.boots.iter()).find(|boot| boot.unit.is_none() && boot.boots_ago == Some(0));
    let logged = booted.and_then(|boot| boot.kernel_command_line.as_ref());
    let command_line = facts.kernel_command_line.as_ref().or(logged);
    host.set("nodeName", Some(node))
        .set_seen(
            "os",
            os.and_then(|os| os.name.clone()),
            os.and_then(|os| line(&os.seen)),
        )
        .set_seen(
            "harvesterRelease",
            release.and_then(|release| release.harvester.clone()),
            release.and_then(|release| line(&release.seen)),
        )
        .set_seen(
            "kernel",
            text(facts.kernel.as_ref()),
            fact(facts.kernel.as_ref()),
        )
        .set_seen("kernelCommandLine", text(command_line), fact(command_line))
        .set_seen(
            "timezone",
            text(clock.zone.as_ref()),
            fact(clock.zone.as_ref()),
        )
        .set_seen(
            "clockOffset",
            clock.offset.as_ref().map(|offset| offset.value),
            fact(clock.offset.as_ref()),
        )
        .set_seen(
            "clockSynchronized",
            clock.synchronized.as_ref().map(|it| it.value),
            fact(clock.synchronized.as_ref()),
        )
        .set_seen(
            "uptimeSeconds",
            facts.uptime.as_ref().map(|uptime| uptime.value),
            fact(facts.uptime.as_ref()),
        )
        .set_seen(
            "memoryTotal",
            memory.map(|memory| memory.total),
            memory.and_then(|memory| line(&memory.seen)),
        )
        .set_seen(
            "memoryAvailable",
            memory.and_then(|memory| memory.available),
            memory.and_then(|memory| line(&memory.seen)),
        )
        .set_seen(
            "initiatorName",
            text(facts.initiator.as_ref()),
            fact(facts.initiator.as_ref()),
        );
    let failed = facts.failed_units.first().and_then(|unit| line(&unit.seen));
    host.set_seen(
        "failedServices",
        Some(
            facts
                .failed_units
                .iter()
                .map(|unit| json!(unit.unit))
                .collect::<Vec<_>>(),
        ),
        failed,
    );
    let stuck = facts
        .stuck_processes
        .first()
        .and_then(|process| line(&process.seen));
    let processes = facts.stuck_processes.iter();
    host.set_seen(
        "stuckProcesses",
        Some(
            processes
                .map(|process| json!({ "pid": process.pid, "command": process.command }))
                .collect::<Vec<_>>(),
        ),
        stuck,
    );
    let images: BTreeSet<&str> = facts
        .images
        .iter()
        .map(|image| image.reference.as_str())
        .collect();
    host.set(
        "images",
        Some(
            images
                .into_iter()
                .map(|image| json!(image))
                .collect::<Vec<_>>(),
        ),
    );
    releases(&mut host, facts);
    time_service(&mut host, facts);
    sessions(&mut host, facts);
    history(&mut host, facts);
    let first = host.origins.values().next().cloned();
    host.seen(first);
    host
}

/// Versions that the image on disk was built from; of RKE2 it may run another until it reboots.
fn releases(host: &mut Derived, facts: &HostFacts) {
    let Some(release) = &facts.harvester else {
        return;
    };
    for (field, version) in [
        ("kubernetesRelease", &release.kubernetes),
        ("rancherRelease", &release.rancher),
        ("minUpgradableVersion", &release.min_upgradable_version),
    ] {
        host.set_seen(field, version.clone(), line(&release.seen));
    }
}

fn time_service(host: &mut Derived, facts: &HostFacts) {
    let clock = &facts.clock;
    for (field, state) in [
        ("timeService", &clock.service),
        ("leapStatus", &clock.leap_status),
    ] {
        let text = state.as_ref().map(|state| state.value.clone());
        host.set_seen(field, text, fact(state.as_ref()));
    }
}

/// iSCSI sessions; one to Longhorn's own target has the name of its volume.
fn sessions(host: &mut Derived, facts: &HostFacts) {
    let sessions = facts.iscsi_sessions.iter().map(|session| {
        let volume = session.target.strip_prefix(LONGHORN_TARGET);
        let all = [
            ("target", Some(json!(session.target))),
            ("portal", session.portal.as_ref().map(|it| json!(it))),
            ("state", session.state.as_ref().map(|it| json!(it))),
            ("volume", volume.map(|it| json!(it))),
            ("devices", Some(json!(session.devices))),
        ];
        let known = all.into_iter();
        known
            .filter_map(|(key, value)| Some((key.to_owned(), value?)))
            .collect::<Map<String, Value>>()
    });
    let sessions: Vec<Value> = sessions.map(Value::Object).collect();
    let first = facts.iscsi_sessions.first();
    let seen = first.and_then(|session| line(&session.seen));
    host.set_seen(
        "iscsiSessions",
        (!sessions.is_empty()).then_some(sessions),
        seen,
    );
}

/// Starts by `last`, newest first, in the host's own time; and the commands that hung.
fn history(host: &mut Derived, facts: &HostFacts) {
    let starts = (facts.boot_records.iter()).filter(|it| it.kind == BootRecordKind::Reboot);
    let seen = starts.clone().next().and_then(|start| line(&start.seen));
    let starts: Vec<Value> = starts
        .map(|start| {
            json!({ "from": start.from, "to": start.to, "clean": start.clean, "kernel": start.kernel })
        })
        .collect();
    host.set_seen("starts", (!starts.is_empty()).then_some(starts), seen);
    let hung = &facts.hung_commands;
    let commands: Vec<Value> = hung.iter().map(|it| json!(it.value)).collect();
    host.set_seen(
        "hungCommands",
        (!commands.is_empty()).then_some(commands),
        fact(hung.first()),
    );
}

fn mounts(node: &str, facts: &HostFacts) -> Vec<Derived> {
    facts
        .mount_points()
        .into_iter()
        .map(|point| {
            let mut mount = Derived::new("Mount", &format!("{node}{}", point.path));
            let volume = crate::parse::host::csi_mount(&point.path)
                .and_then(|mount| mount.volume.map(str::to_owned));
            mount
                .set("nodeName", Some(node))
                .set("path", Some(point.path))
                .set("device", Some(point.device))
                .set("fsType", point.fs_type)
                .set("readOnly", point.read_only)
                .set("size", point.size)
                .set("used", point.used)
                .set("available", point.available)
                .set("usedPercent", point.used_percent)
                .set("inodesUsedPercent", point.inodes_used_percent)
                .set("volume", volume)
                .seen(point.seen.first().and_then(line));
            let space = ["size", "used", "available", "usedPercent"];
            let fields = space.map(|field| (field, &point.space_seen));
            for (field, seen) in fields
                .into_iter()
                .chain([("inodesUsedPercent", &point.inodes_seen)])
            {
                if let Some(origin) = seen.as_ref().and_then(line) {
                    mount.origins.insert(field.to_owned(), origin);
                }
            }
            mount
        })
        .collect()
}

/// Boots that the kernel's own journals show, one file each.
fn boots(node: &str, facts: &HostFacts, logs: &[LogShape]) -> Vec<Derived> {
    facts
        .boots
        .iter()
        .filter(|boot| boot.unit.is_none())
        .filter_map(|boot| Some((boot, boot.boots_ago?)))
        .map(|(boot, ago)| {
            let shape = logs.iter().find(|log| log.path == boot.seen.path);
            let mut object = Derived::new("Boot", &format!("{node}/{ago}"));
            object
                .set("nodeName", Some(node))
                .set("order", Some(-i64::from(ago)))
                .set("current", Some(ago == 0))
                .set("clean", boot.clean)
                .set(
                    "startedAt",
                    shape.and_then(|shape| shape.first_time).map(time),
                )
                .set(
                    "endedAt",
                    shape
                        .filter(|_| ago > 0)
                        .and_then(|shape| shape.last_time)
                        .map(time),
                )
                .set_seen(
                    "kernel",
                    boot.kernel.as_ref().map(|it| it.value.clone()),
                    fact(boot.kernel.as_ref()),
                )
                .set_seen(
                    "kernelCommandLine",
                    boot.kernel_command_line.as_ref().map(|it| it.value.clone()),
                    fact(boot.kernel_command_line.as_ref()),
                )
                .seen(line(&boot.seen));
            object
        })
        .collect()
}

/// Disks by node and device: from the host's own files, else from Harvester's block devices.
fn disks(graph: &Graph, seen: &Seen<'_>) -> Vec<Derived> {
    let mut disks: BTreeMap<(String, String), Derived> = BTreeMap::new();
    for (node, facts) in seen.hosts {
        for disk in facts.disks() {
            disks.insert(
                (node.clone(), disk.device.to_owned()),
                host_disk(node, &disk),
            );
        }
    }
    for device in graph.all("harvesterhci.io", "BlockDevice") {
        let Some(node) = device.text(&["spec", "nodeName"]) else {
            continue;
        };
        let path = device
            .text(&["status", "deviceStatus", "devPath"])
            .or_else(|| device.text(&["spec", "devPath"]));
        let Some(name) = path.and_then(|path| path.strip_prefix("/dev/")) else {
            continue;
        };
        if device.text(&["status", "deviceStatus", "details", "deviceType"]) == Some("part") {
            continue;
        }
        let key = (node.to_owned(), name.to_owned());
        match disks.get_mut(&key) {
            Some(disk) => complete(graph, disk, node, device),
            None => {
                disks.insert(key, block_device(graph, node, name, device));
            }
        }
    }
    disks.into_values().collect()
}

fn host_disk(node: &str, disk: &HostDisk<'_>) -> Derived {
    let mut object = Derived::new("Disk", &format!("{node}/{}", disk.device));
    let smart_line = disk.smart.and_then(|smart| line(&smart.seen));
    let health_line = disk
        .smart
        .and_then(|smart| smart.health_line.as_ref())
        .and_then(|health| line(&health.seen));
    object
        .set("nodeName", Some(node))
        .set("device", Some(disk.device))
        .set_seen("model", disk.model(), smart_line.clone())
        .set_seen("serial", disk.serial(), smart_line)
        .set("size", disk.size())
        .set("rotational", disk.rotational())
        .set("volume", disk.volume)
        .set("longhornPaths", paths(disk.longhorn_paths.iter().copied()))
        .set_seen(
            "use",
            Some(disk.disk_use.as_str()),
            disk.seen.first().and_then(|seen| line(seen)),
        );
    if disk.health() != SmartHealth::Unknown {
        object.set_seen("health", Some(disk.health().as_str()), health_line);
    }
    if let Some(smart) = disk.smart {
        attributes(&mut object, smart);
    }
    let whole = disk
        .block_device
        .map(|device| &device.seen)
        .or(disk.seen.first().copied());
    object.seen(whole.and_then(line));
    object
}

/// SMART attributes by id, and the counters of SAS and NVMe disks.
fn attributes(object: &mut Derived, smart: &SmartReport) {
    let mut all = Map::new();
    for (id, attribute) in &smart.attributes {
        let value = json!({
            "name": attribute.name,
            "raw": attribute.raw,
            "value": attribute.value,
            "worst": attribute.worst,
            "threshold": attribute.threshold,
            "whenFailed": attribute.when_failed,
        });
        all.insert(id.to_string(), value);
        if let Some(origin) = line(&attribute.seen) {
            object.origins.insert(format!("smart['{id}']"), origin);
        }
    }
    if !all.is_empty() {
        object.set("smart", Some(Value::Object(all)));
    }
    let counters = [
        ("grownDefects", &smart.grown_defects),
        ("nonMediumErrors", &smart.non_medium_errors),
        ("percentageUsed", &smart.percentage_used),
        ("criticalWarning", &smart.critical_warning),
        ("mediaErrors", &smart.media_errors),
        ("availableSpare", &smart.available_spare),
        ("availableSpareThreshold", &smart.available_spare_threshold),
    ];
    for (name, counter) in counters {
        object.set_seen(
            name,
            counter.as_ref().map(|it| it.value),
            fact(counter.as_ref()),
        );
    }
    let uncorrected: u64 = smart
        .error_counters
        .iter()
        .map(|counter| counter.uncorrected)
        .sum();
    if let Some(first) = smart.error_counters.first() {
        object.set_seen("uncorrectedErrors", Some(uncorrected), line(&first.seen));
    }
    if let Some(failure) = &smart.read_failure {
        object.set_seen(
            "readFailure",
            Some(failure.value.as_str()),
            line(&failure.seen),
        );
    }
}

/// What Harvester's node-disk-manager knows of a disk of which the host's files say nothing.
fn block_device(graph: &Graph, node: &str, name: &str, device: ObjectView<'_>) -> Derived {
    let mut object = Derived::new("Disk", &format!("{node}/{name}"));
    let provisioned = device.text(&["status", "provisionPhase"]) == Some("Provisioned");
    let disk_use = if provisioned {
        DiskUse::LonghornData
    } else {
        DiskUse::Other
    };
    let origin = |path: &str| {
        Some(Origin::Field {
            object: device.id(),
            path: path.to_owned(),
        })
    };
    object
        .set("nodeName", Some(node))
        .set("device", Some(name))
        .set_seen(
            "use",
            Some(disk_use.as_str()),
            origin("status.provisionPhase"),
        )
        .seen(origin(""));
    complete(graph, &mut object, node, device);
    object
}

/// Where Longhorn keeps replicas, absent rather than empty.
fn paths<'a>(paths: impl Iterator<Item = &'a str>) -> Option<Vec<Value>> {
    let paths: Vec<Value> = paths.map(|path| json!(path)).collect();
    (!paths.is_empty()).then_some(paths)
}

/// Path of the Longhorn disk that node-disk-manager made of a block device: it has the device's name.
fn longhorn_path<'g>(graph: &'g Graph, node: &str, device: ObjectView<'_>) -> Option<&'g str> {
    let disks = graph
        .all("longhorn.io", "Node")
        .find(|it| it.name() == node)?;
    disks.text(&["spec", "disks", device.name(), "path"])
}

/// Fills what the host's files left open from the block device.
fn complete(graph: &Graph, object: &mut Derived, node: &str, device: ObjectView<'_>) {
    if !object.fields.contains_key("longhornPaths") {
        let path = longhorn_path(graph, node, device);
        object.set("longhornPaths", paths(path.into_iter()));
    }
    // A disk that only SMART speaks of looks unused where the host's tables are missing.
    if object.fields.get("use").and_then(Value::as_str) == Some(DiskUse::Unused.as_str())
        && device.text(&["status", "provisionPhase"]) == Some("Provisioned")
    {
        let origin = Origin::Field {
            object: device.id(),
            path: "status.provisionPhase".to_owned(),
        };
        object.set_seen("use", Some(DiskUse::LonghornData.as_str()), Some(origin));
    }
    let details = ["status", "deviceStatus", "details"];
    let read = |key: &str| device.text(&[details[0], details[1], details[2], key]);
    let origin = |key: &str| {
        Some(Origin::Field {
            object: device.id(),
            path: format!("status.deviceStatus.details.{key}"),
        })
    };
    for (field, key) in [
        ("model", "model"),
        ("serial", "serialNumber"),
        ("wwn", "wwn"),
    ] {
        if !object.fields.contains_key(field) {
            object.set_seen(field, read(key), origin(key));
        }
    }
    let size = device
        .field(&["status", "deviceStatus", "capacity", "sizeBytes"])
        .and_then(View::as_i64);
    if !object.fields.contains_key("size") {
        object.set("size", size);
    }
    object.set("blockDevice", Some(device.name()));
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::graph::{Subject, relation};
    use crate::testing::derived_from;

    fn longhorn(kind: &str, name: &str, spec: &Value) -> Value {
        json!({
            "apiVersion": "longhorn.io/v1beta2", "kind": kind,
            "metadata": { "name": name, "namespace": "longhorn-system" }, "spec": spec,
        })
    }

    #[test]
    fn replicas_of_a_disk_are_those_on_its_node_and_path() {
        let path = "/var/lib/harvester/extra-disks/b1";
        let replica = |name: &str, node: &str, path: &str| {
            longhorn(
                "Replica",
                name,
                &json!({ "nodeID": node, "diskPath": path }),
            )
        };
        let graph = derived_from(
            &[
                json!({
                    "apiVersion": "harvesterhci.io/v1beta1", "kind": "BlockDevice",
                    "metadata": { "name": "b1", "namespace": "longhorn-system" },
                    "spec": { "nodeName": "harv-1" },
                    "status": {
                        "provisionPhase": "Provisioned",
                        "deviceStatus": { "devPath": "/dev/sdb", "details": { "deviceType": "disk" } },
                    },
                }),
                longhorn(
                    "Node",
                    "harv-1",
                    &json!({ "disks": { "b1": { "path": path } } }),
                ),
                replica("here", "harv-1", path),
                replica("here-too", "harv-1", &format!("{path}/")),
                replica("other-disk", "harv-1", "/var/lib/harvester/defaultdisk"),
                replica("other-node", "harv-2", path),
            ],
            &[],
            None,
        );
        let Some(disk) = graph.all("doctor", "Disk").next() else {
            panic!("the block device is a disk")
        };
        let Some(replicas) = relation::find(&graph, "replicas", disk.kind()) else {
            panic!("a disk has replicas")
        };
        let found = replicas.follow(&graph, &Subject::Object(disk.id()), None);
        let names: Vec<String> = found.iter().map(|it| graph.name_of(it).name).collect();
        assert_eq!(names, ["here", "here-too"]);
    }
}
