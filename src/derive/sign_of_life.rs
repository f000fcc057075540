//! `doctor/SignOfLife`: when a node was last heard of, and by whom. A dead node sends no files; its
//! kubelet, its virt-handler and its pods left their last words with the others.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::graph::{Graph, ObjectView, Origin};
use crate::parse::document::View;
use crate::parse::time::timestamp;

use super::{Derived, Seen, time};

/// Conditions that the kubelet itself posts. Others bear its node's name and are written by others:
/// they go on when it is dead.
const BY_KUBELET: [&str; 4] = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];
/// What virt-handler keeps up to date on its node.
const HEARTBEAT: &str = "kubevirt.io/heartbeat";

/// The latest sign of each source, by source.
type Signs = BTreeMap<&'static str, (Timestamp, Origin)>;

/// One for each node that is known and was heard of, those without a Node object among them.
pub(super) fn signs(graph: &Graph, seen: &Seen<'_>) -> Vec<Derived> {
    let mut heard: BTreeMap<&str, Signs> = BTreeMap::new();
    for name in names(graph) {
        heard.insert(name, Signs::new());
    }
    let mut note = |node: &str, source, at: Option<Timestamp>, origin: Option<Origin>| {
        // A clock that runs ahead tells of no sign after the bundle was made.
        let at = at.filter(|at| seen.now.is_none_or(|now| *at <= now));
        if let (Some(signs), Some(at), Some(origin)) = (heard.get_mut(node), at, origin) {
            let latest = signs.entry(source).or_insert_with(|| (at, origin.clone()));
            if latest.0 < at {
                *latest = (at, origin);
            }
        }
    };
    for node in graph.all("", "Node") {
        let conditions = node.field(&["status", "conditions"]);
        for condition in conditions.into_iter().flat_map(View::items) {
            let kind = condition.get("type").and_then(View::as_str);
            if let Some(kind) = kind.filter(|kind| BY_KUBELET.contains(kind)) {
                let at = condition.get("lastHeartbeatTime").and_then(View::as_str);
                let path = format!("status.conditions[type={kind}].lastHeartbeatTime");
                let origin = field(node, &path);
                note(
                    node.name(),
                    "node-condition",
                    at.and_then(timestamp),
                    origin,
                );
            }
        }
        let at = node.annotation(HEARTBEAT).and_then(timestamp);
        let path = format!("metadata.annotations['{HEARTBEAT}']");
        note(node.name(), "virt-handler", at, field(node, &path));
    }
    for lease in graph.all("coordination.k8s.io", "Lease") {
        if lease.namespace() == Some("kube-node-lease") {
            let at = lease.text(&["spec", "renewTime"]).and_then(timestamp);
            let origin = field(lease, "spec.renewTime");
            note(lease.name(), "kubelet-lease", at, origin);
        }
    }
    for event in graph.all("", "Event") {
        let Some(node) = kubelet_of(event) else {
            continue;
        };
        for path in [
            &["lastTimestamp"][..],
            &["series", "lastObservedTime"],
            &["eventTime"],
        ] {
            let at = event.text(path).and_then(timestamp);
            note(node, "kubelet-event", at, field(event, &path.join(".")));
        }
    }
    let mut pods: BTreeMap<(Option<&str>, &str), &str> = BTreeMap::new();
    for pod in graph.all("", "Pod") {
        if let Some(node) = pod.text(&["spec", "nodeName"]) {
            pods.insert((pod.namespace(), pod.name()), node);
        }
    }
    for log in seen.logs {
        let of_pod = (log.pod.as_deref()).and_then(|pod| {
            let node = pods.get(&(log.namespace.as_deref(), pod))?;
            Some((*node, "pod-log"))
        });
        let of_host = log.node.as_deref().map(|node| (node, "host-log"));
        if let Some((node, source)) = of_host.or(of_pod) {
            let origin = log.tail.last().map(|(line, text)| Origin::Line {
                path: log.path.clone(),
                line: *line,
                text: Some(text.clone()),
            });
            note(node, source, log.last_time, origin);
        }
    }
    heard
        .iter()
        .filter_map(|(node, signs)| sign(node, signs))
        .collect()
}

/// Nodes that objects name: what kubelets of strangers say makes no node.
fn names(graph: &Graph) -> BTreeSet<&str> {
    let machines = graph.all("cluster.x-k8s.io", "Machine");
    let machines = machines.filter_map(|machine| machine.text(&["status", "nodeRef", "name"]));
    let longhorn = graph.all("longhorn.io", "Node").map(ObjectView::name);
    let nodes = graph.all("", "Node").map(ObjectView::name);
    nodes.chain(machines).chain(longhorn).collect()
}

fn kubelet_of(event: ObjectView<'_>) -> Option<&str> {
    let source = (["source", "component"], ["source", "host"]);
    if event.text(&source.0) == Some("kubelet") {
        return event.text(&source.1);
    }
    (event.text(&["reportingComponent"]) == Some("kubelet"))
        .then(|| event.text(&["reportingInstance"]))
        .flatten()
}

fn field(object: ObjectView<'_>, path: &str) -> Option<Origin> {
    Some(Origin::Field {
        object: object.id(),
        path: path.to_owned(),
    })
}

fn sign(node: &str, signs: &Signs) -> Option<Derived> {
    let (source, (at, origin)) = signs.iter().max_by_key(|(_, (at, _))| *at)?;
    let all: Map<String, Value> = signs
        .iter()
        .map(|(source, (at, _))| ((*source).to_owned(), time(*at)))
        .collect();
    let mut sign = Derived::new("SignOfLife", node);
    sign.set("nodeName", Some(node))
        .set_seen("time", Some(time(*at)), Some(origin.clone()))
        .set("source", Some(*source))
        .set("signs", Some(Value::Object(all)))
        .seen(Some(origin.clone()));
    for (source, (_, origin)) in signs {
        sign.origins
            .insert(format!("signs['{source}']"), origin.clone());
    }
    Some(sign)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::graph::{Graph, Origin};
    use crate::parse::time::timestamp;
    use crate::scan::LogShape;
    use crate::testing::derived_from;

    fn graph(objects: &[Value], logs: &[LogShape]) -> Graph {
        derived_from(objects, logs, timestamp("2025-03-17T12:00:00Z"))
    }

    fn told(graph: &Graph, node: &str) -> Option<(String, String)> {
        let sign = graph
            .all("doctor", "SignOfLife")
            .find(|it| it.name() == node)?;
        let text = |key| sign.text(&[key]).unwrap_or_default().to_owned();
        Some((text("time"), text("source")))
    }

    fn node(heartbeat: &str, virt_handler: &str, others: &str) -> Value {
        json!({ "apiVersion": "v1", "kind": "Node",
            "metadata": { "name": "harv-2", "annotations": { "kubevirt.io/heartbeat": virt_handler } },
            "status": { "conditions": [
                { "type": "EtcdIsVoter", "status": "True", "lastHeartbeatTime": others },
                { "type": "Ready", "status": "Unknown", "lastHeartbeatTime": heartbeat },
            ] } })
    }

    fn event(host: &str, component: &str, at: &str) -> Value {
        json!({ "apiVersion": "v1", "kind": "Event", "metadata": { "name": format!("e-{host}-{component}"), "namespace": "default" },
            "involvedObject": { "kind": "Pod", "name": "p", "namespace": "default" }, "reason": "Unhealthy",
            "source": { "component": component, "host": host }, "lastTimestamp": at })
    }

    #[test]
    fn the_latest_of_all_sources_counts() {
        let lost = node(
            "2025-03-17T09:00:00Z",
            "2025-03-17T09:00:30Z",
            "2025-03-17T11:59:00Z",
        );
        let lease = json!({ "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": { "name": "harv-2", "namespace": "kube-node-lease" },
            "spec": { "renewTime": "2025-03-17T09:03:10.123456Z" } });
        let elsewhere = json!({ "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": { "name": "harv-2", "namespace": "kube-system" },
            "spec": { "renewTime": "2025-03-17T11:03:10.123456Z" } });
        let own = event("harv-2", "kubelet", "2025-03-17T09:05:00Z");
        let of_controller = event("harv-2", "node-controller", "2025-03-17T11:00:00Z");
        let future = event("harv-2", "kubelet", "2025-03-18T11:00:00Z");
        for (objects, expected) in [
            (vec![lost.clone()], ("2025-03-17T09:00:30Z", "virt-handler")),
            (
                vec![lost.clone(), lease.clone(), elsewhere],
                ("2025-03-17T09:03:10.123456Z", "kubelet-lease"),
            ),
            (
                vec![lost.clone(), lease.clone(), own, of_controller],
                ("2025-03-17T09:05:00Z", "kubelet-event"),
            ),
            // A host whose clock is ahead.
            (vec![lost, future], ("2025-03-17T09:00:30Z", "virt-handler")),
        ] {
            let expected = (expected.0.to_owned(), expected.1.to_owned());
            assert_eq!(told(&graph(&objects, &[]), "harv-2"), Some(expected));
        }
    }

    #[test]
    fn logs_of_its_pods_are_signs_and_shown_as_such() {
        let pod = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "p", "namespace": "default" },
            "spec": { "nodeName": "harv-2" } });
        let log = LogShape {
            path: "logs/default/p/c.log".to_owned(),
            namespace: Some("default".to_owned()),
            pod: Some("p".to_owned()),
            container: Some("c".to_owned()),
            last_time: timestamp("2025-03-17T10:00:00Z"),
            tail: vec![(41, "the last word".to_owned())],
            node: None,
            first_time: None,
            lines: 41,
            bytes: 4096,
            zone_assumed: false,
            problems: Vec::new(),
        };
        let lost = node(
            "2025-03-17T09:00:00Z",
            "2025-03-17T09:00:30Z",
            "2025-03-17T11:59:00Z",
        );
        let graph = graph(&[lost, pod], &[log]);
        assert_eq!(
            told(&graph, "harv-2"),
            Some(("2025-03-17T10:00:00Z".to_owned(), "pod-log".to_owned()))
        );
        let sign = graph.all("doctor", "SignOfLife").next().unwrap();
        let origins = graph.origins(sign.id()).unwrap();
        assert!(
            matches!(origins.get("time"), Some(Origin::Line { line: 41, .. })),
            "{origins:?}"
        );
    }

    #[test]
    fn a_stranger_makes_no_node() {
        let objects = [event("node2", "kubelet", "2025-03-17T09:05:00Z")];
        assert_eq!(told(&graph(&objects, &[]), "node2"), None);
    }
}
