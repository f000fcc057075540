//! Events, each in both of its APIs.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::clock::rfc3339;
use super::objects::Objects;
use super::world::World;

impl World {
    /// Events that every cluster of this shape has had in the last hour.
    pub fn add_ordinary_events(&self, objects: &mut Objects) {
        let hour_ago = self.ago("58m");
        let mut add = |kind: &str,
                       name: &str,
                       event_type: &str,
                       reason: &str,
                       message: &str,
                       source: &str,
                       at: Timestamp| {
            if at >= hour_ago {
                self.add_event(
                    objects,
                    &json!({ "apiVersion": "v1", "kind": kind, "name": name, "uid": name }),
                    "default",
                    event_type,
                    reason,
                    message,
                    source,
                    (at, at, 1),
                );
            }
        };
        for node in self.nodes.iter().filter(|node| node.lost.is_none()) {
            let boot = node.booted() + SignedDuration::from_secs(64);
            let name = node.name();
            let id = self
                .identity
                .uuid(&format!("boot/{name}/{}", node.boots.len()));
            add(
                "Node",
                name,
                "Normal",
                "Starting",
                "Starting kubelet.",
                "kubelet",
                boot,
            );
            add(
                "Node",
                name,
                "Normal",
                "NodeHasSufficientMemory",
                &format!("Node {name} status is now: NodeHasSufficientMemory"),
                "kubelet",
                boot,
            );
            add(
                "Node",
                name,
                "Normal",
                "NodeHasNoDiskPressure",
                &format!("Node {name} status is now: NodeHasNoDiskPressure"),
                "kubelet",
                boot,
            );
            if node.boots.len() > 1 {
                add(
                    "Node",
                    name,
                    "Warning",
                    "Rebooted",
                    &format!("Node {name} has been rebooted, boot id: {id}"),
                    "kubelet",
                    boot,
                );
            }
            if let Some(lost) = self
                .in_transition(name)
                .then(|| self.step(name).map(|step| step.since))
                .flatten()
            {
                add(
                    "Node",
                    name,
                    "Normal",
                    "NodeNotSchedulable",
                    &format!("Node {name} status is now: NodeNotSchedulable"),
                    "kubelet",
                    lost - SignedDuration::from_secs(6),
                );
            }
        }
        for node in &self.nodes {
            if let Some(lost) = node.lost {
                add(
                    "Node",
                    node.name(),
                    "Normal",
                    "NodeNotReady",
                    &format!("Node {} status is now: NodeNotReady", node.name()),
                    "node-controller",
                    lost + SignedDuration::from_secs(40),
                );
            }
        }
        let created = self.ago("19s");
        let bundle = self.bundle_object();
        let set = format!(
            "supportbundle-manager-{bundle}-{}",
            self.identity.suffix("bundle-manager", 10)
        );
        let pod = format!("{set}-{}", self.identity.suffix("bundle-pod", 5));
        if let Some(node) = self.alive().find(|node| node.is_control_plane()) {
            let regarding = json!({ "apiVersion": "v1", "kind": "Pod", "name": pod, "namespace": "harvester-system", "uid": self.uid("Pod", "harvester-system", &pod) });
            let image = format!("rancher/support-bundle-kit:{}", self.services.collector);
            let message = format!(
                "Successfully assigned harvester-system/{pod} to {}",
                node.name()
            );
            self.add_event(
                objects,
                &regarding,
                "harvester-system",
                "Normal",
                "Scheduled",
                &message,
                "default-scheduler",
                (created, created, 1),
            );
            // A message that ends with a quote: the collector's substitution spoils it.
            self.add_event(
                objects,
                &regarding,
                "harvester-system",
                "Normal",
                "Pulling",
                &format!("Pulling image \"{image}\""),
                "kubelet",
                (created, created, 1),
            );
        }
    }

    /// An event in both APIs.
    #[expect(clippy::too_many_arguments, reason = "the fields of an event")]
    pub fn add_event(
        &self,
        objects: &mut Objects,
        regarding: &Value,
        namespace: &str,
        event_type: &str,
        reason: &str,
        message: &str,
        source: &str,
        (first, last, count): (Timestamp, Timestamp, u64),
    ) {
        let subject = regarding["name"].as_str().unwrap_or_default();
        let name = format!(
            "{subject}.{}",
            self.identity
                .hex(&format!("event/{subject}/{reason}/{message}/{first}"), 16)
        );
        let mut meta = self.meta("Event", namespace, &name, first).done();
        meta["namespace"] = json!(namespace);
        let mut source = json!({ "component": source });
        if regarding["kind"] == "Node" {
            source["host"] = json!(subject);
        }
        let (first, last) = (rfc3339(first), rfc3339(last));
        objects.add(json!({
            "apiVersion": "v1", "kind": "Event", "metadata": meta, "count": count, "eventTime": null, "firstTimestamp": first, "lastTimestamp": last, "involvedObject": regarding, "message": message, "reason": reason,
            "reportingComponent": "", "reportingInstance": "", "source": source, "type": event_type,
        }));
        objects.add(json!({
            "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": meta, "deprecatedCount": count, "eventTime": null, "deprecatedFirstTimestamp": first, "deprecatedLastTimestamp": last, "regarding": regarding, "note": message, "reason": reason,
            "reportingController": "", "reportingInstance": "", "deprecatedSource": source, "type": event_type,
        }));
    }
}
