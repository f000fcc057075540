//! Tests of etcd's members and of how many may still be lost.

use serde_json::{Value as Json, json};

use super::etcd::etcd;
use crate::graph::{Collected, GraphBuilder};
use crate::parse::document::Document;

fn node(name: &str, ready: bool) -> Json {
    let status = if ready { "True" } else { "False" };
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": { "name": name, "labels": { "node-role.kubernetes.io/etcd": "true" } },
        "status": { "conditions": [{ "type": "Ready", "status": status }] },
    })
}

fn machine(node: &str) -> Json {
    json!({
        "apiVersion": "cluster.x-k8s.io/v1beta1", "kind": "Machine",
        "metadata": {
            "name": format!("m-{node}"), "namespace": "fleet-local",
            "labels": { "rke.cattle.io/etcd-role": "true" },
        },
        "status": { "nodeRef": { "name": node } },
    })
}

fn pod(node: &str, ready: &str) -> Json {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": format!("etcd-{node}"), "namespace": "kube-system",
            "labels": { "component": "etcd" },
        },
        "spec": { "nodeName": node },
        "status": { "conditions": [{ "type": "Ready", "status": ready }] },
    })
}

#[test]
fn members_are_counted() {
    let worker = json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": "w" } });
    let table = [
        (vec![worker.clone()], None),
        (
            vec![worker.clone(), node("a", true), pod("a", "True")],
            Some([1, 1, 1, 0]),
        ),
        // A worker whose promotion has got no further than its machine is none yet.
        (
            vec![worker, machine("w"), node("a", true), pod("a", "True")],
            Some([1, 1, 1, 0]),
        ),
        (
            ["a", "b", "c"]
                .iter()
                .flat_map(|name| [node(name, true), pod(name, "True")])
                .collect(),
            Some([3, 3, 2, 1]),
        ),
        // One is not Ready, though its pod was when it was last heard of.
        (
            [("a", true), ("b", true), ("c", false)]
                .iter()
                .flat_map(|(name, ready)| [node(name, *ready), pod(name, "True")])
                .collect(),
            Some([3, 2, 2, 0]),
        ),
        // A node that is Ready, with an etcd that is not.
        (
            [("a", "True"), ("b", "False"), ("c", "True")]
                .iter()
                .flat_map(|(name, ready)| [node(name, true), pod(name, ready)])
                .collect(),
            Some([3, 2, 2, 0]),
        ),
        // A node that is gone is a member still while its machine says so.
        (
            vec![
                node("a", true),
                pod("a", "True"),
                node("b", true),
                pod("b", "True"),
                machine("b"),
                machine("c"),
            ],
            Some([3, 2, 2, 0]),
        ),
    ];
    for (objects, expected) in table {
        let mut builder = GraphBuilder::default();
        for object in &objects {
            builder.add("all.yaml", Document::from_json(object));
        }
        builder.collected(Collected {
            everything: true,
            ..Collected::default()
        });
        let found = etcd(&builder.finish()).map(|etcd| {
            ["members", "healthy", "quorum", "margin"]
                .map(|key| etcd.fields.get(key).and_then(Json::as_i64).unwrap())
        });
        assert_eq!(found, expected, "{objects:?}");
    }
}

/// Where its pods were not collected, a Ready node proves no healthy member.
#[test]
fn who_works_is_unknown_without_pods() {
    let mut builder = GraphBuilder::default();
    builder.add("all.yaml", Document::from_json(&node("a", true)));
    builder.collected(Collected {
        cluster: true,
        ..Collected::default()
    });
    let etcd = etcd(&builder.finish()).unwrap();
    assert_eq!(etcd.fields.get("members"), Some(&json!(1)));
    assert!(!etcd.fields.contains_key("healthy"), "{:?}", etcd.fields);
    assert!(!etcd.fields.contains_key("margin"), "{:?}", etcd.fields);
}

/// etcd keeps the name that a member was given first.
#[test]
fn a_host_under_a_new_name_is_one_member() {
    let with = |mut object: Json, address: &str, created: &str| {
        object["status"]["addresses"] = json!([{ "type": "InternalIP", "address": address }]);
        object["metadata"]["creationTimestamp"] = json!(created);
        object
    };
    let (old, new) = ("2024-01-01T00:00:00Z", "2024-05-01T00:00:00Z");
    for (renamed, address, created, members) in [
        (node("b", false), "10.0.0.2", new, 2),
        (machine("b"), "10.0.0.2", new, 2),
        // Another address, an older Node, and one that answers itself.
        (node("b", false), "10.0.0.3", new, 3),
        (node("b", false), "10.0.0.2", old, 3),
        (node("b", true), "10.0.0.2", new, 3),
    ] {
        let objects = [
            with(node("a", true), "10.0.0.1", old),
            with(renamed, "10.0.0.2", old),
            with(node("b.example", true), address, created),
        ];
        let mut builder = GraphBuilder::default();
        for object in &objects {
            builder.add("all.yaml", Document::from_json(object));
        }
        builder.collected(Collected {
            everything: true,
            ..Collected::default()
        });
        let etcd = etcd(&builder.finish()).unwrap();
        assert_eq!(
            etcd.fields.get("members"),
            Some(&json!(members)),
            "{objects:?}"
        );
    }
}
