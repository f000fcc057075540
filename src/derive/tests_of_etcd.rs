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
            vec![worker, node("a", true), pod("a", "True")],
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
