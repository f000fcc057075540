//! The fields of an object that matter, each with the place where it is seen.

use crate::derive::condition_time;
use crate::diagnosis::wording;
use crate::evaluate::{object_evidence, origin_evidence};
use crate::finding::Evidence;
use crate::graph::kind::DERIVED_GROUP;
use crate::graph::{Graph, ObjectId, ObjectView, Subject, relation};
use crate::parse::document::{Value, View};

/// Fields of a kind that a support engineer asks for, beside its conditions and its life.
const FIELDS: &[(&str, &[&str])] = &[
    (
        "Node",
        &[
            "spec.unschedulable",
            "spec.taints",
            "metadata.annotations['cluster.x-k8s.io/machine']",
            "status.nodeInfo.kubeletVersion",
            "status.nodeInfo.osImage",
            "status.nodeInfo.kernelVersion",
            "status.nodeInfo.bootID",
            "status.allocatable.cpu",
            "status.allocatable.memory",
        ],
    ),
    (
        "doctor/Host",
        &[
            "harvesterRelease",
            "kernel",
            "uptimeSeconds",
            "clockOffset",
            "clockSynchronized",
            "memoryTotal",
            "memoryAvailable",
            "failedServices",
            "stuckProcesses",
        ],
    ),
    (
        "doctor/UpgradeStep",
        &[
            "state",
            "since",
            "message",
            "handshake",
            "jobName",
            "targetVersion",
        ],
    ),
    (
        "doctor/UpgradeStatus",
        &[
            "state",
            "phase",
            "progress",
            "since",
            "blockedOn",
            "order",
            "waitsFor",
        ],
    ),
    (
        "Upgrade",
        &[
            "spec.version",
            "status.previousVersion",
            "status.singleNode",
            "status.nodeStatuses",
            "metadata.labels['harvesterhci.io/upgradeState']",
        ],
    ),
    (
        "Machine",
        &[
            "status.phase",
            "status.nodeRef.name",
            "spec.providerID",
            "status.failureReason",
            "status.failureMessage",
        ],
    ),
    (
        "VirtualMachine",
        &[
            "spec.runStrategy",
            "spec.running",
            "status.printableStatus",
            "status.ready",
        ],
    ),
    (
        "VirtualMachineInstance",
        &[
            "status.phase",
            "status.nodeName",
            "status.evacuationNodeName",
            "status.migrationState",
            "spec.evictionStrategy",
            "spec.nodeSelector",
            "status.reason",
        ],
    ),
    (
        "Pod",
        &[
            "spec.nodeName",
            "status.phase",
            "status.reason",
            "status.message",
            "spec.nodeSelector",
        ],
    ),
    (
        "PersistentVolumeClaim",
        &[
            "status.phase",
            "spec.volumeName",
            "spec.storageClassName",
            "spec.accessModes",
            "status.capacity.storage",
        ],
    ),
    (
        "PersistentVolume",
        &[
            "status.phase",
            "spec.claimRef.name",
            "spec.persistentVolumeReclaimPolicy",
        ],
    ),
    (
        "longhorn.io/Volume",
        &[
            "status.state",
            "status.robustness",
            "status.currentNodeID",
            "spec.nodeID",
            "spec.numberOfReplicas",
            "spec.size",
            "status.actualSize",
            "status.lastDegradedAt",
            "spec.dataLocality",
            "spec.accessMode",
        ],
    ),
    (
        "Engine",
        &[
            "status.currentState",
            "spec.nodeID",
            "status.replicaModeMap",
            "status.endpoint",
        ],
    ),
    (
        "Replica",
        &[
            "status.currentState",
            "spec.nodeID",
            "spec.volumeName",
            "spec.diskPath",
            "spec.failedAt",
            "spec.healthyAt",
        ],
    ),
    (
        "longhorn.io/Node",
        &[
            "spec.allowScheduling",
            "spec.evictionRequested",
            "spec.tags",
        ],
    ),
    (
        "doctor/Disk",
        &[
            "model",
            "size",
            "use",
            "health",
            "readFailure",
            "percentageUsed",
            "mediaErrors",
        ],
    ),
];

/// Objects that tell of the same thing from another side, by the relations that lead to them.
const SIDES: &[(&str, &[&str])] = &[
    ("Node", &["host", "step", "longhornNode"]),
    ("PersistentVolumeClaim", &["volume"]),
    ("longhorn.io/Volume", &["engine"]),
    ("VirtualMachine", &["instance"]),
];

/// Fields shown of a kind that is not in the list: the plain ones of its status, at most so many.
const PLAIN: usize = 16;

pub(super) fn facts(graph: &Graph, subject: &Subject) -> Vec<Evidence> {
    let Subject::Object(id) = subject else {
        return Vec::new();
    };
    let object = graph.object(*id);
    let mut facts = life(graph, object);
    facts.extend(of(graph, object));
    let display = graph.kind_display(object.kind());
    let sides = SIDES.iter().find(|(kind, _)| *kind == display);
    for name in sides.into_iter().flat_map(|(_, names)| names.iter()) {
        let Some(relation) = relation::find(graph, name, object.kind()) else {
            continue;
        };
        for side in relation.follow(graph, subject, None) {
            if let Subject::Object(side) = side {
                facts.extend(of(graph, graph.object(side)));
            }
        }
    }
    if display == "Upgrade" {
        let worked_out = graph.all(DERIVED_GROUP, "UpgradeStatus");
        let mut status = worked_out.filter(|status| status.name() == object.name());
        facts.extend(
            status
                .next()
                .map(|status| of(graph, status))
                .unwrap_or_default(),
        );
    }
    facts
}

/// Since when it is there, and whether it is to go.
fn life(graph: &Graph, object: ObjectView<'_>) -> Vec<Evidence> {
    let mut facts: Vec<Evidence> = Vec::new();
    for key in ["creationTimestamp", "deletionTimestamp", "finalizers"] {
        let going = object.metadata("deletionTimestamp").is_some();
        if object.metadata(key).is_some() && (key != "finalizers" || going) {
            facts.extend(origin_evidence(
                graph,
                object.id(),
                &format!("metadata.{key}"),
            ));
        }
    }
    if facts.is_empty() {
        facts.extend(object_evidence(graph, object.id()));
    }
    facts
}

fn of(graph: &Graph, object: ObjectView<'_>) -> Vec<Evidence> {
    let display = graph.kind_display(object.kind());
    let listed = FIELDS.iter().find(|(kind, _)| *kind == display);
    let fields: Vec<String> = match listed {
        Some((_, fields)) => fields.iter().map(|field| (*field).to_owned()).collect(),
        None => plain(object),
    };
    let mut facts: Vec<Evidence> = fields
        .iter()
        .filter_map(|field| value(graph, object.id(), field))
        .collect();
    facts.extend(conditions(graph, object));
    facts
}

fn value(graph: &Graph, id: ObjectId, field: &str) -> Option<Evidence> {
    let nothing = |value: &str| matches!(value, "" | "null" | "[]" | "{}");
    let mut fact = origin_evidence(graph, id, field)?;
    if graph.origins(id).is_some() {
        // It is seen somewhere else, under another name; here it is what was worked out.
        let object = graph.object(id);
        fact.object = Some(object.object_name());
        fact.field = Some(field.to_owned());
        fact.value = object.get(field).map(|value| match value.as_str() {
            Some(text) => text.to_owned(),
            None => value.to_json().to_string(),
        });
    }
    fact.value.take_if(|value| nothing(value));
    fact.value.is_some().then_some(fact)
}

/// Texts, numbers and truths that stand directly in the status, else in the object.
fn plain(object: ObjectView<'_>) -> Vec<String> {
    let (prefix, from) = match object.get("status") {
        Some(status) => ("status.", status),
        None => ("", object.root()),
    };
    let known = ["apiVersion", "kind", "metadata"];
    let fields = from.entries().filter(|(key, value)| {
        let whole = matches!(value.value(), Value::Map(_) | Value::List(_));
        !whole && !value.is_null() && !known.contains(key) && !key.contains(['.', '/', '\''])
    });
    fields
        .take(PLAIN)
        .map(|(key, _)| format!("{prefix}{key}"))
        .collect()
}

/// Each condition with since when, and what it says if anything.
fn conditions(graph: &Graph, object: ObjectView<'_>) -> Vec<Evidence> {
    let Some(conditions) = object.field(&["status", "conditions"]) else {
        return Vec::new();
    };
    // Longhorn's v1beta1 keeps them in a map by type.
    let listed = conditions
        .items()
        .chain(conditions.entries().map(|(_, it)| it));
    let mut facts = Vec::new();
    for condition in listed {
        let read = |key: &str| {
            let text = condition.get(key).and_then(View::as_str);
            text.filter(|text| !text.is_empty())
        };
        let Some(kind) = read("type") else { continue };
        let field = format!("status.conditions[type={kind}].status");
        let Some(mut fact) = value(graph, object.id(), &field) else {
            continue;
        };
        let since = condition_time(condition).map(|it| format!("since {}", wording::minute(it)));
        let said: Vec<String> = since
            .into_iter()
            .chain(read("reason").map(str::to_owned))
            .chain(read("message").map(str::to_owned))
            .collect();
        fact.note = (!said.is_empty()).then(|| crate::evaluate::cut(&said.join(": ")));
        facts.push(fact);
    }
    facts
}
