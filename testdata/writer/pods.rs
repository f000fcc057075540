//! Pods: the object, and what logs and relations need to know of it.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::clock::rfc3339;
use super::release::Release;
use super::world::{Node, World};

/// A pod, as far as logs and relations need it beside its object.
#[derive(Debug, Clone)]
pub struct Pod {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Host; none while it waits for one.
    pub node: Option<String>,
    /// Names of its containers.
    pub containers: Vec<String>,
    /// What it is, which decides what it logs: name of its workload.
    pub component: String,
    /// When its containers started.
    pub started: Timestamp,
    /// When they ended.
    pub ended: Option<Timestamp>,
    /// Restarts of its first container.
    pub restarts: u64,
    /// Whether the log can be fetched: its host answers.
    pub reachable: bool,
}

/// Workloads whose pods share their host's network, beside the static ones.
const HOST_NETWORK: [&str; 10] = [
    "kube-vip",
    "rke2-canal",
    "rke2-ingress-nginx-controller",
    "rke2-multus",
    "harvester-whereabouts",
    "harvester-network-controller",
    "rancher-monitoring-prometheus-node-exporter",
    "pre-drain",
    "post-drain",
    "apply-manifests",
];

impl World {
    /// The object of a pod and what logs need to know of it.
    pub fn pod(&self, draft: &PodDraft<'_>, containers: &[Value], component: &str) -> (Value, Pod) {
        let node = draft.node;
        let started = draft.started;
        let created = draft
            .created
            .unwrap_or(started - SignedDuration::from_secs(19));
        let lost = node.and_then(|node| node.lost);
        let unready_since = lost.map(|lost| lost + SignedDuration::from_secs(40));
        let phase = match (node, draft.ended) {
            (None, _) => "Pending",
            (Some(_), Some(_)) => "Succeeded",
            (Some(_), None) => "Running",
        };
        let ready = if phase == "Running" && lost.is_none() {
            "True"
        } else {
            "False"
        };
        let reason = if draft.ended.is_some() {
            "PodCompleted"
        } else {
            ""
        };
        let ready_since = draft
            .ended
            .or(unready_since)
            .unwrap_or(started + SignedDuration::from_secs(12));
        let pod_condition = |kind: &str,
                             status: &str,
                             since: Timestamp,
                             reason: &str,
                             message: &str| {
            let mut condition = json!({ "type": kind, "status": status, "lastProbeTime": null, "lastTransitionTime": rfc3339(since) });
            for (field, text) in [("reason", reason), ("message", message)] {
                if !text.is_empty() {
                    condition[field] = json!(text);
                }
            }
            condition
        };
        let conditions = if node.is_none() {
            vec![pod_condition(
                "PodScheduled",
                "False",
                created,
                "Unschedulable",
                &draft.unschedulable,
            )]
        } else {
            vec![
                pod_condition("Initialized", "True", created, reason, ""),
                pod_condition("Ready", ready, ready_since, reason, ""),
                pod_condition(
                    "ContainersReady",
                    if draft.ended.is_some() {
                        "False"
                    } else {
                        "True"
                    },
                    draft
                        .ended
                        .unwrap_or(started + SignedDuration::from_secs(12)),
                    reason,
                    "",
                ),
                pod_condition("PodScheduled", "True", created, "", ""),
            ]
        };
        let statuses: Vec<Value> = containers
            .iter()
            .enumerate()
            .map(|(index, container)| {
                let key = format!("container/{}/{}/{index}", draft.namespace, draft.name);
                let id = format!("containerd://{}", self.identity.hex(&key, 64));
                let restarts = if index == 0 { draft.restarts } else { 0 };
                let state = match draft.ended {
                    Some(ended) => json!({ "terminated": { "containerID": id, "exitCode": 0, "reason": "Completed", "startedAt": rfc3339(started), "finishedAt": rfc3339(ended) } }),
                    None => json!({ "running": { "startedAt": rfc3339(started) } }),
                };
                let last_state = if restarts > 0 {
                    let before = format!("containerd://{}", self.identity.hex(&format!("{key}/before"), 64));
                    json!({ "terminated": { "containerID": before, "exitCode": 255, "reason": "Unknown", "startedAt": rfc3339(started - SignedDuration::from_hours(30)), "finishedAt": rfc3339(started - SignedDuration::from_secs(31)) } })
                } else {
                    json!({})
                };
                json!({
                    "containerID": id, "image": container["image"], "imageID": format!("sha256:{}", self.identity.hex(&format!("image/{}", container["image"]), 64)),
                    "lastState": last_state, "name": container["name"], "ready": draft.ended.is_none(), "restartCount": restarts, "started": draft.ended.is_none(), "state": state,
                })
            })
            .collect();
        let token = format!(
            "kube-api-access-{}",
            self.identity
                .suffix(&format!("token/{}/{}", draft.namespace, draft.name), 5)
        );
        let mut containers = containers.to_vec();
        for container in &mut containers {
            container["volumeMounts"] = json!([{ "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "name": token, "readOnly": true }]);
        }
        let mut volumes = vec![
            json!({ "name": token, "projected": { "defaultMode": 420, "sources": [
            { "serviceAccountToken": { "expirationSeconds": 3607, "path": "token" } },
            { "configMap": { "items": [{ "key": "ca.crt", "path": "ca.crt" }], "name": "kube-root-ca.crt" } },
        ] } }),
        ];
        if let Some(claim) = &draft.claim {
            volumes
                .push(json!({ "name": "data", "persistentVolumeClaim": { "claimName": claim } }));
        }
        let on_host_network = draft.owner["kind"] == "Node" || HOST_NETWORK.contains(&component);
        let mut spec = json!({
            "containers": containers, "dnsPolicy": "ClusterFirst", "enableServiceLinks": true, "preemptionPolicy": "PreemptLowerPriority",
            "priority": draft.priority, "restartPolicy": draft.restart_policy, "schedulerName": "default-scheduler", "securityContext": {},
            "serviceAccountName": "default", "terminationGracePeriodSeconds": 30, "tolerations": draft.tolerations, "volumes": volumes,
        });
        let mut status =
            json!({ "conditions": conditions, "phase": phase, "qosClass": "BestEffort" });
        if let Some(node) = node {
            let address = if on_host_network {
                node.address.clone()
            } else {
                self.pod_address(node, &draft.name)
            };
            if on_host_network {
                spec["hostNetwork"] = json!(true);
            }
            spec["nodeName"] = json!(node.name());
            status["hostIP"] = json!(node.address);
            status["podIP"] = json!(address);
            status["podIPs"] = json!([{ "ip": address }]);
            status["startTime"] = json!(rfc3339(created));
            status["containerStatuses"] = json!(statuses);
        }
        if let Some(affinity) = &draft.affinity {
            spec["affinity"] = affinity.clone();
        }
        let mut meta = self
            .meta("Pod", &draft.namespace, &draft.name, created)
            .labels(draft.labels.clone())
            .owned_by(draft.owner.clone());
        if draft.owner["kind"] != "Node" {
            let stem = draft
                .name
                .rsplit_once('-')
                .map_or(draft.name.as_str(), |(stem, _)| stem);
            meta = meta.with("generateName", json!(format!("{stem}-")));
        }
        let mut annotations = draft.annotations.clone();
        if let Some(node) = node.filter(|_| !on_host_network) {
            let address = self.pod_address(node, &draft.name);
            annotations["cni.projectcalico.org/containerID"] =
                json!(self.identity.hex(&format!("sandbox/{}", draft.name), 64));
            annotations["cni.projectcalico.org/podIP"] = json!(format!("{address}/32"));
            annotations["k8s.v1.cni.cncf.io/network-status"] = json!(format!(
                "[{{\n    \"name\": \"k8s-pod-network\",\n    \"ips\": [\n        \"{address}\"\n    ],\n    \"default\": true,\n    \"dns\": {{}}\n}}]"
            ));
        }
        if annotations.as_object().is_some_and(|map| !map.is_empty()) {
            meta = meta.annotations(annotations);
        }
        if let Some(deleted) = draft.deleted {
            meta = meta
                .with(
                    "deletionTimestamp",
                    json!(rfc3339(deleted + SignedDuration::from_secs(30))),
                )
                .with("deletionGracePeriodSeconds", json!(30));
        }
        let object = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": meta.done(), "spec": spec, "status": status });
        let pod = Pod {
            namespace: draft.namespace.clone(),
            name: draft.name.clone(),
            node: node.map(|node| node.name().to_owned()),
            containers: containers
                .iter()
                .filter_map(|container| container["name"].as_str().map(str::to_owned))
                .collect(),
            component: component.to_owned(),
            started,
            ended: draft.ended,
            restarts: draft.restarts,
            reachable: node.is_some_and(|node| node.lost.is_none() || node.shape.answers),
        };
        (object, pod)
    }

    /// Address of a pod on `node`.
    pub fn pod_address(&self, node: &Node, pod: &str) -> String {
        format!(
            "10.52.{}.{}",
            node.index,
            4 + self.identity.below(&format!("address/{pod}"), 240)
        )
    }
}

/// A container of a pod's spec.
pub fn container(name: &str, image: &str) -> Value {
    json!({
        "image": image, "imagePullPolicy": "IfNotPresent", "name": name, "resources": {},
        "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
    })
}

/// What a pod is made of.
pub struct PodDraft<'a> {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Host.
    pub node: Option<&'a Node>,
    /// Labels.
    pub labels: Value,
    /// Annotations.
    pub annotations: Value,
    /// Owner reference.
    pub owner: Value,
    /// Creation; shortly before the start unless given.
    pub created: Option<Timestamp>,
    /// Start of the containers.
    pub started: Timestamp,
    /// Their successful end.
    pub ended: Option<Timestamp>,
    /// When the pod was told to end.
    pub deleted: Option<Timestamp>,
    /// Restarts of the first container.
    pub restarts: u64,
    /// Priority.
    pub priority: u64,
    /// `Always` or `Never`.
    pub restart_policy: &'static str,
    /// Tolerations.
    pub tolerations: Value,
    /// Affinity.
    pub affinity: Option<Value>,
    /// Claim that it mounts.
    pub claim: Option<String>,
    /// Why no host was found.
    pub unschedulable: String,
    /// Release of its images, if not that of the system services.
    pub release: Option<&'static Release>,
}

impl<'a> PodDraft<'a> {
    /// A pod as a controller makes it on `node`.
    pub fn new(
        namespace: &str,
        name: String,
        node: &'a Node,
        labels: Value,
        owner: Value,
    ) -> PodDraft<'a> {
        PodDraft {
            namespace: namespace.to_owned(),
            name,
            node: Some(node),
            labels,
            annotations: json!({}),
            owner,
            created: None,
            started: node.booted(),
            ended: None,
            deleted: None,
            restarts: 0,
            priority: 1_000_000_000,
            restart_policy: "Always",
            tolerations: json!([
                { "effect": "NoExecute", "key": "node.kubernetes.io/not-ready", "operator": "Exists", "tolerationSeconds": 300 },
                { "effect": "NoExecute", "key": "node.kubernetes.io/unreachable", "operator": "Exists", "tolerationSeconds": 300 },
            ]),
            affinity: None,
            claim: None,
            unschedulable: String::new(),
            release: None,
        }
    }
}
