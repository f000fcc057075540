//! `doctor/Missing`: what the collector should have put into the bundle, and did not.

use std::collections::BTreeSet;

use crate::graph::{Graph, ObjectView, Origin};

use super::{Derived, Seen};

/// Namespaces that the collector always visits; Harvester's own list adds to them by version.
const ALWAYS_COLLECTED: [&str; 3] = ["default", "kube-system", "cattle-system"];

pub(super) fn missing(graph: &Graph, seen: &Seen<'_>) -> Vec<Derived> {
    let mut missing = Vec::new();
    for node in graph.all("", "Node") {
        match seen.hosts.get(node.name()) {
            None => missing.push(node_archive(node)),
            Some(facts)
                if facts.uptime.is_none() && facts.kernel.is_none() && facts.mounts.is_empty() =>
            {
                missing.push(absent(
                    "supportconfig",
                    node.name(),
                    &format!("nodes/{}.zip", node.name()),
                    "no supportconfig in the node's archive",
                ));
            }
            Some(_) => {}
        }
    }
    let existing: BTreeSet<&str> = graph
        .all("", "Namespace")
        .map(|namespace| namespace.name())
        .collect();
    for namespace in ALWAYS_COLLECTED {
        if existing.contains(namespace) && !graph.collected().namespace(namespace) {
            let path = format!("yamls/namespaced/{namespace}");
            let mut object = Derived::new("Missing", &format!("namespace/{namespace}"));
            object
                .set("what", Some("namespace"))
                .set("path", Some(path.as_str()))
                .set(
                    "reason",
                    Some("the collector lists it always, and it is not there"),
                )
                .seen(Some(Origin::Absent {
                    path,
                    note: "namespace not collected".to_owned(),
                }));
            missing.push(object);
        }
    }
    missing
}

/// A node without its archive. Of a node that is not Ready the collector does not even ask for one.
fn node_archive(node: ObjectView<'_>) -> Derived {
    let ready = node.condition_status("Ready") == Some("True");
    let reason = if ready {
        "the node was Ready, yet its agent sent nothing: not scheduled, failed, too slow, or its upload broke"
    } else {
        "the node was not Ready, so the collector did not ask it"
    };
    let mut object = absent(
        "node-zip",
        node.name(),
        &format!("nodes/{}.zip", node.name()),
        reason,
    );
    object.set("nodeReady", Some(ready));
    object
}

fn absent(what: &str, node: &str, path: &str, reason: &str) -> Derived {
    let mut object = Derived::new("Missing", &format!("{what}/{node}"));
    object
        .set("what", Some(what))
        .set("path", Some(path))
        .set("nodeName", Some(node))
        .set("reason", Some(reason))
        .seen(Some(Origin::Absent {
            path: path.to_owned(),
            note: reason.to_owned(),
        }));
    object
}
