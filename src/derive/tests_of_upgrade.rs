//! Tests of where an upgrade stands: handshakes, phases, progress, steps.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::{Seen, derive};
use crate::graph::kind::DERIVED_GROUP;
use crate::graph::{Collected, Graph, GraphBuilder};
use crate::parse::document::Document;
use crate::parse::time::timestamp;

/// Adds the derived objects to some, at noon.
fn derived(objects: Vec<Json>) -> Graph {
    let mut builder = GraphBuilder::default();
    for object in objects {
        builder.add("all.yaml", Document::from_json(&object));
    }
    builder.collected(Collected {
        everything: true,
        ..Collected::default()
    });
    let mut graph = builder.finish();
    let seen = Seen {
        hosts: &BTreeMap::new(),
        logs: &[],
        now: timestamp("2024-05-01T12:00:00Z"),
    };
    derive(&mut graph, &seen);
    graph
}

/// A field of the first object of a derived kind, `-` where it is absent.
fn field(graph: &Graph, kind: &str, path: &[&str]) -> String {
    let object = graph.all(DERIVED_GROUP, kind).next().expect(kind);
    match object.field(path).map(|field| field.to_json()) {
        None | Some(Json::Null) => "-".to_owned(),
        Some(Json::String(text)) => text,
        Some(other) => other.to_string(),
    }
}

fn ago(minutes: i64) -> String {
    let now = timestamp("2024-05-01T12:00:00Z").unwrap();
    let at = now.checked_sub(jiff::SignedDuration::from_mins(minutes));
    at.unwrap().to_string()
}

/// An upgrade with conditions, as `Name=Status@minutes ago`, and states of nodes.
fn upgrade(conditions: &[&str], states: &[(&str, &str)]) -> Json {
    let conditions: Vec<Json> = conditions
        .iter()
        .map(|condition| {
            let (name, rest) = condition.split_once('=').unwrap();
            let (status, minutes) = rest.split_once('@').unwrap_or((rest, "5"));
            let time = ago(minutes.parse().unwrap());
            json!({ "type": name, "status": status, "lastUpdateTime": time })
        })
        .collect();
    let states: Map<String, Json> = states
        .iter()
        .map(|(node, state)| ((*node).to_owned(), json!({ "state": state })))
        .collect();
    json!({
        "apiVersion": "harvesterhci.io/v1beta1", "kind": "Upgrade",
        "metadata": {
            "name": "hvst-upgrade-x", "namespace": "harvester-system", "uid": "u",
            "creationTimestamp": ago(600),
            "labels": { "harvesterhci.io/latestUpgrade": "true" },
        },
        "spec": { "version": "v1.4.1" },
        "status": {
            "previousVersion": "v1.4.0", "conditions": conditions, "nodeStatuses": states,
        },
    })
}

fn node(name: &str, ready: &str, minutes: i64) -> Json {
    let machine = format!("m-{name}");
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": { "name": name, "annotations": { "cluster.x-k8s.io/machine": machine } },
        "status": {
            "conditions": [{ "type": "Ready", "status": ready, "lastTransitionTime": ago(minutes) }],
            "nodeInfo": { "kubeletVersion": "v1.29.9+rke2r1", "osImage": "Harvester v1.4.0" },
        },
    })
}

fn job(name: &str, node: &str, kind: &str, status: Json) -> Json {
    json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": { "name": name, "namespace": "harvester-system", "labels": {
            "harvesterhci.io/upgrade": "hvst-upgrade-x", "harvesterhci.io/node": node,
            "harvesterhci.io/upgradeJobType": kind,
        } },
        "status": status,
    })
}

fn plan_secret(machine: &str, metadata: &Json) -> Json {
    let mut secret = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "rke.cattle.io/machine-plan",
        "metadata": { "name": format!("{machine}-machine-plan"), "namespace": "fleet-local" },
    });
    for (key, value) in metadata.as_object().unwrap() {
        secret["metadata"][key] = value.clone();
    }
    secret
}

/// An upgrade whose nodes are being worked on.
const STARTED: [&str; 5] = [
    "ImageReady=True@500",
    "RepoReady=True@490",
    "NodesPrepared=True@400",
    "SystemServicesUpgraded=True@300",
    "NodesUpgraded=Unknown@290",
];

#[test]
fn the_annotations_of_a_drain_are_decoded() {
    // J is the request, K another value, E an emptied one, - none at all.
    let value = |letter: char| match letter {
        'J' => Some("{\"enabled\":true}"),
        'K' => Some("{\"enabled\":false}"),
        'E' => Some(""),
        _ => None,
    };
    let keys = [
        "rke.cattle.io/drain-options",
        "rke.cattle.io/pre-drain",
        "harvesterhci.io/pre-hook",
        "rke.cattle.io/drain-done",
        "rke.cattle.io/uncordon",
        "rke.cattle.io/post-drain",
        "harvesterhci.io/post-hook",
    ];
    let table = [
        ("-------", "none"),
        ("EEEEEEE", "none"),
        ("J------", "cordoning"),
        ("JJ-----", "waits-pre-hook"),
        ("JJK----", "waits-pre-hook"),
        ("JJE----", "waits-pre-hook"),
        ("JJJ----", "evicting"),
        ("JJJK---", "evicting"),
        ("JJJJ---", "drained"),
        ("JJJJJ--", "uncordon"),
        ("JJJJJJ-", "waits-post-hook"),
        ("JJJJJJK", "waits-post-hook"),
        ("JJJJJJJ", "waits-cleanup"),
        // Left over from an upgrade that was given up.
        ("-----J-", "waits-post-hook"),
        ("-----JJ", "waits-cleanup"),
    ];
    let step = || {
        vec![
            upgrade(&STARTED, &[("n1", "Pre-draining")]),
            node("n1", "True", 900),
        ]
    };
    for (letters, expected) in table {
        let annotations: Map<String, Json> = keys
            .iter()
            .zip(letters.chars())
            .filter_map(|(key, letter)| Some(((*key).to_owned(), value(letter)?.into())))
            .collect();
        let mut objects = step();
        objects.push(plan_secret("m-n1", &json!({ "annotations": annotations })));
        let graph = derived(objects);
        let handshake = field(&graph, "UpgradeStep", &["handshake"]);
        assert_eq!(handshake, expected, "{letters}");
    }
    let without = derived(step());
    assert_eq!(field(&without, "UpgradeStep", &["handshake"]), "-");
}

#[test]
fn the_open_condition_and_the_nodes_tell_the_phase() {
    type Row = (
        &'static [&'static str],
        &'static [(&'static str, &'static str)],
        &'static str,
    );
    let loaded = "Images preloaded";
    let table: [Row; 13] = [
        (&["LogReady=Unknown"], &[], "repo"),
        (&["LogReady=False"], &[], "repo"),
        (&["LogReady=False", "ImageReady=Unknown"], &[], "repo"),
        (&["ImageReady=True"], &[], "repo"),
        (&["ImageReady=True", "RepoReady=Unknown"], &[], "repo"),
        (&["ImageReady=True", "RepoReady=True"], &[], "preload"),
        (&["NodesPrepared=Unknown"], &[], "preload"),
        (&["NodesPrepared=True"], &[], "manifests"),
        (&["SystemServicesUpgraded=Unknown"], &[], "manifests"),
        (&["Completed=True"], &[("n1", "Succeeded")], "-"),
        (&["Completed=False", "ImageReady=False"], &[], "repo"),
        (
            &["Completed=False", "SystemServicesUpgraded=False"],
            &[],
            "manifests",
        ),
        (&["Completed=False"], &[], "precheck"),
    ];
    for (conditions, states, expected) in table {
        let graph = derived(vec![upgrade(conditions, states)]);
        let phase = field(&graph, "UpgradeStatus", &["phase"]);
        assert_eq!(phase, expected, "{conditions:?}");
    }
    for (first, second, expected) in [
        (loaded, loaded, "pre-drain"),
        ("Succeeded", "Pre-draining", "pre-drain"),
        ("Succeeded", "Pre-drained", "pre-drain"),
        (loaded, "Post-draining", "post-drain"),
        ("Waiting Reboot", loaded, "reboot"),
        ("Succeeded", "Succeeded", "finish"),
    ] {
        let graph = derived(vec![upgrade(&STARTED, &[("n1", first), ("n2", second)])]);
        let phase = field(&graph, "UpgradeStatus", &["phase"]);
        assert_eq!(phase, expected, "{first}, {second}");
    }
}

/// Only a preload fails without a hook job.
#[test]
fn the_job_of_the_failed_node_tells_where_it_failed() {
    let conditions = [
        "NodesPrepared=True@400",
        "SystemServicesUpgraded=True@300",
        "NodesUpgraded=False@5",
        "Completed=False@5",
    ];
    for (kind, expected) in [
        (None, "preload"),
        (Some("pre-drain"), "pre-drain"),
        (Some("post-drain"), "post-drain"),
        (Some("single-node-upgrade"), "post-drain"),
    ] {
        let mut objects = vec![upgrade(&conditions, &[("n1", "Failed")])];
        objects.extend(kind.map(|kind| job("j", "n1", kind, json!({ "failed": 7 }))));
        let phase = field(&derived(objects), "UpgradeStatus", &["phase"]);
        assert_eq!(phase, expected, "{kind:?}");
    }
}

#[test]
fn an_upgrade_moves_stands_or_has_ended() {
    let ready = |name: &str| node(name, "True", 900);
    let hook = |minutes: i64| {
        let status = json!({ "startTime": ago(minutes), "active": 1 });
        job("pre", "n1", "pre-drain", status)
    };
    let preloading = |name: &str, minutes: i64| {
        json!({
            "apiVersion": "batch/v1", "kind": "Job",
            "metadata": {
                "name": name, "namespace": "cattle-system",
                "labels": { "upgrade.cattle.io/plan": "hvst-upgrade-x-prepare" },
            },
            "status": { "startTime": ago(minutes), "active": 1 },
        })
    };
    let draining = || upgrade(&STARTED, &[("n1", "Pre-draining")]);
    let rebooting = |minutes: i64, ended: i64| {
        let status = json!({ "startTime": ago(60), "completionTime": ago(ended) });
        vec![
            upgrade(&STARTED, &[("n1", "Waiting Reboot")]),
            node("n1", "False", minutes),
            job("post", "n1", "post-drain", status),
        ]
    };
    let wiped = json!({
        "apiVersion": "harvesterhci.io/v1beta1", "kind": "Upgrade",
        "metadata": {
            "name": "hvst-upgrade-x", "namespace": "harvester-system",
            "creationTimestamp": ago(600),
        },
    });
    let table = [
        ("succeeded", vec![upgrade(&["Completed=True@2000"], &[])]),
        ("failed", vec![upgrade(&["Completed=False@2000"], &[])]),
        ("unknown", vec![wiped]),
        (
            "progressing",
            vec![upgrade(&["ImageReady=Unknown@44"], &[])],
        ),
        ("stuck", vec![upgrade(&["ImageReady=Unknown@46"], &[])]),
        (
            "progressing",
            vec![upgrade(&["NodesPrepared=Unknown@69"], &[])],
        ),
        ("stuck", vec![upgrade(&["NodesPrepared=Unknown@71"], &[])]),
        // Nodes preload one after the other, and the second has just begun.
        (
            "progressing",
            vec![
                upgrade(&["NodesPrepared=Unknown@100"], &[]),
                preloading("apply-hvst-upgrade-x-prepare-on-n2", 10),
            ],
        ),
        (
            "stuck",
            vec![
                upgrade(&["NodesPrepared=Unknown@100"], &[]),
                preloading("apply-hvst-upgrade-x-prepare-on-n2", 80),
            ],
        ),
        // The hook job started lately, however old the conditions are.
        ("progressing", vec![draining(), ready("n1"), hook(59)]),
        ("stuck", vec![draining(), ready("n1"), hook(61)]),
        ("progressing", rebooting(20, 25)),
        ("stuck", rebooting(31, 35)),
        // The node is gone from among the others: no waiting will help.
        ("stuck", vec![draining(), ready("n2"), hook(5)]),
        (
            "stuck",
            vec![draining(), node("n1", "Unknown", 40), hook(5)],
        ),
        // A node that is not worked on may be away.
        (
            "progressing",
            vec![
                upgrade(
                    &STARTED,
                    &[("n1", "Pre-draining"), ("n2", "Images preloaded")],
                ),
                ready("n1"),
                node("n2", "Unknown", 400),
                hook(5),
            ],
        ),
        (
            "paused",
            vec![
                upgrade(&STARTED, &[("n1", "Node-upgrade paused")]),
                ready("n1"),
            ],
        ),
    ];
    for (number, (expected, objects)) in table.into_iter().enumerate() {
        let graph = derived(objects);
        let progress = field(&graph, "UpgradeStatus", &["progress"]);
        assert_eq!(progress, expected, "row {number}");
    }
}

#[test]
fn a_step_tells_since_when_and_by_which_job() {
    let span = |from: i64, to: i64| json!({ "startTime": ago(from), "completionTime": ago(to) });
    for (state, since, name) in [
        ("Images preloaded", Some(400), "-"),
        ("Pre-draining", Some(50), "pre"),
        ("Pre-drained", Some(40), "pre"),
        ("Post-draining", Some(30), "post"),
        ("Waiting Reboot", Some(20), "post"),
        ("Succeeded", Some(20), "post"),
        ("Images preloading", None, "-"),
    ] {
        let graph = derived(vec![
            upgrade(&STARTED, &[("n1", state)]),
            node("n1", "True", 900),
            job("pre", "n1", "pre-drain", span(50, 40)),
            job("post", "n1", "post-drain", span(30, 20)),
            job("other", "n2", "pre-drain", span(10, 9)),
        ]);
        let step = |key: &str| field(&graph, "UpgradeStep", &[key]);
        let since = since.map_or("-".to_owned(), ago);
        assert_eq!((step("since"), step("jobName")), (since, name.to_owned()));
        assert_eq!(step("machineName"), "m-n1");
        assert_eq!(step("kubeletVersion"), "v1.29.9+rke2r1");
    }
}

#[test]
fn versions_order_and_what_holds_the_queue() {
    let mut upgrade = upgrade(
        &STARTED,
        &[
            ("a", "Images preloaded"),
            ("b", "Pre-draining"),
            ("c", "Images preloaded"),
            ("d", "Succeeded"),
        ],
    );
    upgrade["status"]["repoInfo"] =
        "release:\n  harvester: v1.4.1\n  kubernetes: v1.30.7+rke2r1\n  os: Harvester v1.4.1\n"
            .into();
    let with_role = |name: &str, role: &str| {
        let mut node = node(name, "True", 900);
        node["metadata"]["labels"] = json!({ format!("node-role.kubernetes.io/{role}"): "true" });
        node
    };
    let planner = json!({
        "apiVersion": "rke.cattle.io/v1", "kind": "RKEControlPlane",
        "metadata": { "name": "local", "namespace": "fleet-local" },
        "status": { "conditions": [
            { "type": "Ready", "status": "Unknown", "message": "draining etcd node(s) m-b" },
        ] },
    });
    let graph = derived(vec![
        upgrade,
        with_role("a", "worker"),
        with_role("b", "etcd"),
        with_role("c", "control-plane"),
        with_role("d", "etcd"),
        plan_secret(
            "m-d",
            &json!({ "labels": { "rke.cattle.io/init-node": "true" } }),
        ),
        planner,
    ]);
    let table: [(&[&str], &str); 8] = [
        (&["from", "harvester"], "v1.4.0"),
        (&["to", "harvester"], "v1.4.1"),
        (&["to", "kubernetes"], "v1.30.7+rke2r1"),
        (&["to", "os"], "Harvester v1.4.1"),
        (&["order"], "[\"d\",\"b\",\"c\",\"a\"]"),
        (&["blockedOn"], "b"),
        (&["openCondition"], "NodesUpgraded"),
        (&["plannerWaitsFor"], "draining etcd node(s) m-b"),
    ];
    for (path, expected) in table {
        assert_eq!(field(&graph, "UpgradeStatus", path), expected, "{path:?}");
    }
}

#[test]
fn the_latest_upgrade_is_meant() {
    let named = |name: &str, created: i64, latest: bool| {
        let mut upgrade = upgrade(&["ImageReady=Unknown"], &[]);
        upgrade["metadata"]["name"] = name.into();
        upgrade["metadata"]["uid"] = name.into();
        upgrade["metadata"]["creationTimestamp"] = ago(created).into();
        if !latest {
            upgrade["metadata"]["labels"] = json!({});
        }
        upgrade
    };
    for (old, new, expected) in [
        (false, false, "new"),
        (true, false, "old"),
        (true, true, "new"),
    ] {
        let graph = derived(vec![named("old", 900, old), named("new", 100, new)]);
        assert_eq!(graph.all(DERIVED_GROUP, "UpgradeStatus").count(), 1);
        assert_eq!(field(&graph, "UpgradeStatus", &["upgradeName"]), expected);
    }
    let none = derived(vec![node("n1", "True", 1)]);
    assert_eq!(none.all(DERIVED_GROUP, "UpgradeStatus").count(), 0);
}
