//! `doctor/Etcd`: members, voters, healthy ones, and how many more may be lost.

use std::collections::BTreeSet;

use serde_json::json;

use crate::graph::{Graph, Kind, Origin};
use crate::parse::document::View;

use super::Derived;
use super::renamed::renamed_to;

/// Label of nodes that are etcd members; a witness has it too.
const MEMBER_LABEL: &str = "node-role.kubernetes.io/etcd";

/// Members are the nodes with the etcd role, and those without a Node that a machine of that role names.
pub(super) fn etcd(graph: &Graph) -> Option<Derived> {
    let nodes: Vec<_> = graph
        .all("", "Node")
        .filter(|node| node.label(MEMBER_LABEL).is_some())
        // etcd keeps the member's own name: a host under a new name is the same member.
        .filter(|node| renamed_to(graph, *node, node.name()).is_none())
        .collect();
    let mut members: BTreeSet<&str> = nodes.iter().map(|node| node.name()).collect();
    let lost: Vec<_> = graph
        .all("cluster.x-k8s.io", "Machine")
        .filter(|machine| machine.label("rke.cattle.io/etcd-role") == Some("true"))
        .filter_map(|machine| Some((machine, machine.text(&["status", "nodeRef", "name"])?)))
        // A node that is there without the role is still to be promoted.
        .filter(|(_, node)| !graph.all("", "Node").any(|it| it.name() == *node))
        .filter(|(machine, node)| renamed_to(graph, *machine, node).is_none())
        .collect();
    members.extend(lost.iter().map(|(_, node)| *node));
    if members.is_empty() {
        return None;
    }
    // Nodes say whether they vote only where RKE2 sets the condition.
    let voters: Vec<_> = nodes
        .iter()
        .filter_map(|node| node.condition_status("EtcdIsVoter"))
        .collect();
    let voting = voters.iter().filter(|status| **status == "True").count();
    let pods: Vec<_> = graph
        .all("", "Pod")
        .filter(|pod| {
            pod.namespace() == Some("kube-system") && pod.label("component") == Some("etcd")
        })
        .collect();
    let healthy: Vec<&str> = nodes
        .iter()
        .filter(|node| node.condition_status("Ready") == Some("True"))
        .filter(|node| {
            let pod = pods
                .iter()
                .find(|pod| pod.text(&["spec", "nodeName"]) == Some(node.name()));
            pods.is_empty() || pod.is_some_and(|pod| pod.condition_status("Ready") == Some("True"))
        })
        .map(|node| node.name())
        .collect();
    // Without the nodes and the pods of etcd nobody can say who of the members works.
    let known = graph.collected().has(&Kind::new("", "Node"), None)
        && (graph.collected()).has(&Kind::new("", "Pod"), Some("kube-system"));
    let healthy = known.then_some(healthy);
    let quorum = members.len() / 2 + 1;
    let mut etcd = Derived::new("Etcd", "etcd");
    etcd.set("members", Some(members.len()))
        .set(
            "memberNames",
            Some(members.iter().map(|name| json!(name)).collect::<Vec<_>>()),
        )
        .set("voters", (!voters.is_empty()).then_some(voting))
        .set("healthy", healthy.as_ref().map(Vec::len))
        .set(
            "healthyNames",
            healthy
                .as_ref()
                .map(|names| names.iter().map(|name| json!(name)).collect::<Vec<_>>()),
        )
        .set("quorum", Some(quorum))
        .set(
            "margin",
            healthy
                .as_ref()
                .map(|names| names.len() as i64 - quorum as i64),
        );
    let first = nodes.first().map(|node| {
        (
            node.id(),
            node.field(&["metadata", "labels"]).map(View::index),
        )
    });
    let machine = lost.first().map(|(machine, _)| machine.id());
    let seen = first.map(|(id, _)| id).or(machine);
    etcd.seen(seen.map(|object| Origin::Field {
        object,
        path: "metadata.labels".to_owned(),
    }));
    Some(etcd)
}
