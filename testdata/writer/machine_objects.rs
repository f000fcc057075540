//! Objects of namespace fleet-local: machines and their plans, the cluster as Rancher, CAPI and Fleet see it, charts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::clock::{rfc3339, unix_date};
use super::objects::{Objects, condition, wrangler_condition};
use super::world::{Node, Span, World};

/// The JSON text that all annotations of one drain carry.
pub const DRAIN_OPTIONS: &str = r#"{"enabled":true,"force":true,"ignoreDaemonSets":true,"ignoreErrors":false,"deleteEmptyDirData":true,"disableEviction":false,"gracePeriod":0,"timeout":0,"skipWaitForDeleteTimeoutSeconds":0,"preDrainHooks":[{"annotation":"harvesterhci.io/pre-hook"}],"postDrainHooks":[{"annotation":"harvesterhci.io/post-hook"}]}"#;

impl World {
    /// Adds them.
    pub fn add_machine_objects(&self, objects: &mut Objects) {
        for node in &self.nodes {
            self.add_machine(objects, node);
        }
        self.add_clusters(objects);
        for (chart, namespace, version) in self.charts() {
            self.add_chart(objects, chart, namespace, &version);
        }
        for (namespace, name, version) in [
            (
                "cattle-system",
                "rancher",
                self.services.rancher.trim_start_matches('v'),
            ),
            ("harvester-system", "harvester", self.services.harvester),
            ("cattle-fleet-system", "fleet", "104.1.0+up0.10.4"),
        ] {
            objects.add(json!({
                "apiVersion": "catalog.cattle.io/v1", "kind": "App", "metadata": self.meta("App", namespace, name, self.installed).done(),
                "spec": {
                    "chart": { "metadata": { "name": name, "version": version } }, "info": { "description": "Upgrade complete", "status": "deployed" },
                    "name": name, "namespace": namespace, "values": { "replicas": 3, "global": { "cattle": { "systemDefaultRegistry": "" } } }, "version": 4,
                },
                "status": { "observedGeneration": 1, "summary": { "state": "deployed" } },
            }));
        }
    }

    fn add_machine(&self, objects: &mut Objects, node: &Node) {
        let name = node.machine.as_str();
        let ready = node.joined + SignedDuration::from_secs(41);
        let mut labels = json!({ "cluster.x-k8s.io/cluster-name": "local", "rke.cattle.io/machine-id": node.machine_id, "rke.cattle.io/worker-role": if node.has_workloads() { "true" } else { "false" } });
        if node.is_control_plane() {
            labels["rke.cattle.io/control-plane-role"] = json!("true");
            labels["cluster.x-k8s.io/control-plane"] = json!("true");
        }
        if node.has_etcd() {
            labels["rke.cattle.io/etcd-role"] = json!("true");
        }
        if node.index == 0 {
            labels["rke.cattle.io/init-node"] = json!("true");
        }
        let mut annotations = json!({
            "objectset.rio.cattle.io/id": "unmanaged-machine", "objectset.rio.cattle.io/owner-gvk": "/v1, Kind=Secret",
            "objectset.rio.cattle.io/owner-name": name, "objectset.rio.cattle.io/owner-namespace": "local",
        });
        if node.has_etcd() {
            annotations["pre-terminate.delete.hook.machine.cluster.x-k8s.io/rke-bootstrap-cleanup"] =
                json!("rke-bootstrap-controller");
            annotations["rke.cattle.io/join-url"] = json!(format!("https://{}:9345", node.address));
        }
        let health = match node.lost {
            Some(lost) => {
                json!({ "type": "NodeHealthy", "status": "Unknown", "lastTransitionTime": rfc3339(lost + SignedDuration::from_secs(41)), "reason": "NodeConditionsFailed", "message": "Node condition MemoryPressure is Unknown. Node condition DiskPressure is Unknown. Node condition PIDPressure is Unknown. Node condition Ready is Unknown." })
            }
            None => {
                json!({ "type": "NodeHealthy", "status": "True", "lastTransitionTime": rfc3339(ready) })
            }
        };
        let mut conditions: Vec<Value> = ["Ready", "BootstrapReady", "InfrastructureReady"].iter().map(|kind| json!({ "type": kind, "status": "True", "lastTransitionTime": rfc3339(ready) })).collect();
        conditions.push(health);
        for kind in ["PlanApplied", "Reconciled"] {
            conditions.push(json!({ "type": kind, "status": "True", "lastTransitionTime": rfc3339(ready + SignedDuration::from_secs(20)) }));
        }
        let reference = |kind: &str| json!({ "apiVersion": "rke.cattle.io/v1", "kind": kind, "name": name, "namespace": "fleet-local" });
        let addresses = json!([{ "address": node.address, "type": "InternalIP" }, { "address": node.name(), "type": "Hostname" }]);
        objects.add(json!({
            "apiVersion": self.services.capi_api(), "kind": "Machine",
            "metadata": self.meta("Machine", "fleet-local", name, node.joined - SignedDuration::from_mins(2)).labels(labels.clone()).annotations(annotations)
                .with("finalizers", json!(["machine.cluster.x-k8s.io"])).with("generation", json!(3))
                .with("ownerReferences", json!([{ "apiVersion": self.services.capi_api(), "kind": "Cluster", "name": "local", "uid": self.uid("capi.Cluster", "fleet-local", "local") }])).done(),
            "spec": {
                "bootstrap": { "configRef": reference("RKEBootstrap"), "dataSecretName": format!("{name}-machine-bootstrap") }, "clusterName": "local",
                "infrastructureRef": reference("CustomMachine"), "nodeDeletionTimeout": "10s", "providerID": format!("rke2://{}", node.name()),
            },
            "status": {
                "addresses": addresses, "bootstrapReady": true, "conditions": conditions, "infrastructureReady": true, "lastUpdated": rfc3339(ready),
                "nodeInfo": self.node_info(node), "nodeRef": { "apiVersion": "v1", "kind": "Node", "name": node.name(), "uid": self.uid("Node", "", node.name()) },
                "observedGeneration": 3, "phase": "Running",
            },
        }));
        let owner = self.owner(self.services.capi_api(), "Machine", "fleet-local", name);
        objects.add(json!({
            "apiVersion": "rke.cattle.io/v1", "kind": "RKEBootstrap",
            "metadata": self.meta("RKEBootstrap", "fleet-local", name, node.joined - SignedDuration::from_mins(2)).labels(json!({ "cluster.x-k8s.io/cluster-name": "local" }))
                .with("finalizers", json!(["wrangler.cattle.io/rke-bootstrap"])).owned_by(owner.clone()).done(),
            "spec": { "clusterName": "local" }, "status": { "dataSecretName": format!("{name}-machine-bootstrap"), "ready": true },
        }));
        objects.add(json!({
            "apiVersion": "rke.cattle.io/v1", "kind": "CustomMachine",
            "metadata": self.meta("CustomMachine", "fleet-local", name, node.joined - SignedDuration::from_mins(2)).labels(labels.clone())
                .with("finalizers", json!(["wrangler.cattle.io/unmanaged-machine"])).owned_by(owner).done(),
            "spec": { "providerID": format!("rke2://{}", node.name()) },
            "status": { "addresses": addresses, "conditions": [wrangler_condition("Ready", "True", node.joined, "", "")], "ready": true },
        }));
        if !self.services.is_old() {
            objects.add(self.plan_secret(node, labels));
        }
    }

    /// The machine's plan: the channel on which Rancher, Harvester and the host's agent shake hands.
    fn plan_secret(&self, node: &Node, mut labels: Value) -> Value {
        let step = self.step(node.name());
        labels["rke.cattle.io/machine-name"] = json!(node.machine);
        if let Some(fields) = labels.as_object_mut() {
            fields.remove("cluster.x-k8s.io/control-plane");
        }
        let plan = step
            .and_then(|step| step.kubelet_updated)
            .map_or(node.booted() - SignedDuration::from_secs(90), |updated| {
                updated - SignedDuration::from_mins(3)
            });
        let applied = plan.max(node.booted() + SignedDuration::from_secs(75));
        let mut annotations = json!({
            "rke.cattle.io/join-url": format!("https://{}:9345", node.address), "rke.cattle.io/plan-last-updated": rfc3339(plan),
            "rke.cattle.io/plan-probes-passed": rfc3339(applied + SignedDuration::from_secs(170)),
        });
        if node.index > 0 {
            annotations["rke.cattle.io/joined-to"] =
                json!(format!("https://{}:9345", self.nodes[0].address));
        }
        for name in step
            .map(|step| hand_shake(&step.shape.state))
            .unwrap_or_default()
        {
            annotations[*name] = json!(DRAIN_OPTIONS);
        }
        let probes: &[&str] = match (node.is_control_plane(), node.has_etcd()) {
            (true, _) => &[
                "etcd",
                "kube-apiserver",
                "kube-controller-manager",
                "kube-scheduler",
                "kubelet",
            ],
            (false, true) => &["etcd", "kubelet"],
            (false, false) => &["kubelet"],
        };
        let probes: serde_json::Map<String, Value> = probes
            .iter()
            .map(|name| {
                (
                    (*name).to_owned(),
                    json!({ "healthy": true, "successCount": 1 }),
                )
            })
            .collect();
        let encode = |text: &str| STANDARD.encode(text);
        let checksum = self.identity.hex(
            &format!("plan/{}/{}", node.machine, node.kubelet.kubernetes),
            64,
        );
        json!({
            "apiVersion": "v1", "kind": "Secret", "type": "rke.cattle.io/machine-plan",
            "metadata": self.meta("Secret", "fleet-local", &format!("{}-machine-plan", node.machine), node.joined - SignedDuration::from_mins(2)).labels(labels).annotations(annotations)
                .owned_by(self.owner("rke.cattle.io/v1", "RKEBootstrap", "fleet-local", &node.machine)).done(),
            "data": {
                "applied-checksum": encode(&checksum), "applied-output": STANDARD.encode(gzip(br#"{"install":"W0lORk9d"}"#)), "applied-periodic-output": STANDARD.encode(gzip(b"{}")),
                "failed-checksum": "", "failure-count": encode("0"), "last-apply-time": encode(&unix_date(applied)), "max-failures": encode("5"),
                "probe-statuses": encode(&Value::Object(probes).to_string()), "success-count": encode("1"),
            },
        })
    }

    /// What the planner waits for: its text, and since when.
    pub fn planner_message(&self) -> Option<(String, Timestamp)> {
        let upgrade = self.upgrade.as_ref()?;
        let (name, step) = upgrade
            .steps
            .iter()
            .find(|(name, _)| self.in_transition(name))?;
        let node = self.node(name)?;
        let tier = match node.index {
            0 => "bootstrap",
            _ if node.has_etcd() => "etcd",
            _ => "worker",
        };
        let machine = &node.machine;
        let text = match step.shape.state.as_str() {
            "Pre-draining" | "Pre-drained" => format!("draining {tier} node(s) {machine}"),
            _ => format!("uncordoning {tier} node(s) {machine}: waiting for uncordon to finish"),
        };
        Some((text, step.since))
    }

    fn add_clusters(&self, objects: &mut Objects) {
        let created = self.installed - SignedDuration::from_mins(1);
        let settled = self.installed + SignedDuration::from_mins(11);
        let rolling = self.upgrade.as_ref().filter(|upgrade| {
            upgrade.services_done()
                && upgrade.shape.state != super::scenario::UpgradeState::Succeeded
        });
        let version = rolling.map_or(self.nodes[0].kubelet.kubernetes, |upgrade| {
            upgrade.to.kubernetes
        });
        let drain = json!({ "deleteEmptyDirData": true, "enabled": true, "force": true, "ignoreDaemonSets": true, "timeout": 0, "preDrainHooks": [{ "annotation": "harvesterhci.io/pre-hook" }], "postDrainHooks": [{ "annotation": "harvesterhci.io/post-hook" }] });
        let strategy = json!({ "controlPlaneConcurrency": "1", "controlPlaneDrainOptions": drain, "workerConcurrency": "1", "workerDrainOptions": drain });
        let waiting = self.planner_message();
        let planner = |kind: &str| match &waiting {
            Some((text, since)) => wrangler_condition(kind, "Unknown", *since, "Waiting", text),
            None => wrangler_condition(kind, "True", settled, "", ""),
        };
        let mut rke_config = json!({ "provisionGeneration": 2 });
        let mut control_plane_spec = json!({ "clusterName": "local", "kubernetesVersion": version, "localClusterAuthEndpoint": {}, "managementClusterName": "local" });
        if rolling.is_some() {
            rke_config["upgradeStrategy"] = strategy.clone();
            control_plane_spec["upgradeStrategy"] = strategy;
        }
        objects.add(json!({
            "apiVersion": "provisioning.cattle.io/v1", "kind": "Cluster",
            "metadata": self.meta("provisioning.Cluster", "fleet-local", "local", created).annotations(json!({ "objectset.rio.cattle.io/id": "provisioning-cluster-create" }))
                .labels(json!({ "provider.cattle.io": "harvester" })).with("finalizers", json!(["wrangler.cattle.io/provisioning-cluster-remove", "wrangler.cattle.io/rke-cluster-remove"])).with("generation", json!(3)).done(),
            "spec": { "kubernetesVersion": version, "localClusterAuthEndpoint": {}, "rkeConfig": rke_config },
            "status": {
                "agentDeployed": true, "clientSecretName": "local-kubeconfig", "clusterName": "local", "observedGeneration": 3, "ready": true,
                "conditions": [
                    wrangler_condition("Ready", "True", settled, "", ""), wrangler_condition("Reconciling", "False", created, "", ""), wrangler_condition("Stalled", "False", created, "", ""),
                    wrangler_condition("Created", "True", created, "", ""), wrangler_condition("RKECluster", "True", created, "", ""),
                    wrangler_condition("DefaultProjectCreated", "Unknown", created, "", ""), wrangler_condition("SystemProjectCreated", "Unknown", created, "", ""),
                    planner("Updated"), planner("Provisioned"), wrangler_condition("Connected", "True", settled, "", ""),
                ],
            },
        }));
        let since = waiting.as_ref().map_or(settled, |(_, since)| *since);
        let reconciled = if waiting.is_some() {
            wrangler_condition(
                "Reconciled",
                "Unknown",
                since,
                "Waiting",
                "RKEControlPlane has not been fully reconciled yet",
            )
        } else {
            wrangler_condition("Reconciled", "True", settled, "", "")
        };
        objects.add(json!({
            "apiVersion": "rke.cattle.io/v1", "kind": "RKEControlPlane",
            "metadata": self.meta("RKEControlPlane", "fleet-local", "local", created).labels(json!({ "cluster.x-k8s.io/cluster-name": "local", "rke.cattle.io/init-node-machine-id": self.nodes[0].machine_id }))
                .owned_by(json!({ "apiVersion": self.services.capi_api(), "kind": "Cluster", "name": "local", "uid": self.uid("capi.Cluster", "fleet-local", "local"), "controller": true })).with("generation", json!(4)).done(),
            "spec": control_plane_spec,
            "status": {
                "agentConnected": true, "configGeneration": 1, "initialized": true, "observedGeneration": 4, "ready": true,
                "conditions": [
                    reconciled, planner("Ready"), wrangler_condition("Bootstrapped", "True", settled, "", ""), wrangler_condition("Provisioned", "True", settled, "", ""),
                    wrangler_condition("Stable", "True", settled, "", ""), wrangler_condition("SystemUpgradeControllerReady", "True", settled, "", ""),
                ],
            },
        }));
        objects.add(json!({
            "apiVersion": "rke.cattle.io/v1", "kind": "RKECluster", "metadata": self.meta("RKECluster", "fleet-local", "local", created).done(),
            "spec": { "controlPlaneEndpoint": { "host": "localhost", "port": 6443 } }, "status": { "ready": true },
        }));
        objects.add(json!({
            "apiVersion": self.services.capi_api(), "kind": "Cluster",
            "metadata": self.meta("capi.Cluster", "fleet-local", "local", created).with("finalizers", json!(["cluster.cluster.x-k8s.io"])).with("generation", json!(3))
                .owned_by(json!({ "apiVersion": "provisioning.cattle.io/v1", "kind": "Cluster", "name": "local", "uid": self.uid("provisioning.Cluster", "fleet-local", "local"), "controller": true })).done(),
            "spec": {
                "controlPlaneEndpoint": { "host": "localhost", "port": 6443 },
                "controlPlaneRef": { "apiVersion": "rke.cattle.io/v1", "kind": "RKEControlPlane", "name": "local", "namespace": "fleet-local" },
                "infrastructureRef": { "apiVersion": "rke.cattle.io/v1", "kind": "RKECluster", "name": "local", "namespace": "fleet-local" },
            },
            "status": {
                "conditions": (["Ready", "ControlPlaneInitialized", "ControlPlaneReady", "InfrastructureReady"].map(|kind| json!({ "type": kind, "status": "True", "lastTransitionTime": rfc3339(settled) }))),
                "controlPlaneReady": true, "infrastructureReady": true, "observedGeneration": 3, "phase": "Provisioned",
            },
        }));
        let charts = self.charts().len();
        objects.add(json!({
            "apiVersion": "fleet.cattle.io/v1alpha1", "kind": "Cluster", "metadata": self.meta("fleet.Cluster", "fleet-local", "local", created).labels(json!({ "name": "local", "provider.cattle.io": "harvester" })).done(),
            "spec": { "agentNamespace": "cattle-fleet-local-system", "kubeConfigSecret": "local-kubeconfig" },
            "status": {
                "agent": { "lastSeen": rfc3339(self.ago("6m")), "namespace": "cattle-fleet-local-system" }, "agentDeployedGeneration": 3, "agentMigrated": true,
                "conditions": (["Processed", "Imported", "Reconciled", "Ready"].map(|kind| wrangler_condition(kind, "True", settled, "", ""))),
                "display": { "readyBundles": format!("{charts}/{charts}") }, "namespace": "cluster-fleet-local-local-1a3d67d0a899", "summary": { "desiredReady": charts, "ready": charts },
            },
        }));
    }

    /// Charts, the namespaces they are installed in, and their versions.
    fn charts(&self) -> [(&'static str, &'static str, String); 4] {
        [
            (
                "harvester",
                "harvester-system",
                self.services.harvester.to_owned(),
            ),
            (
                "harvester-crd",
                "harvester-system",
                self.services.harvester.to_owned(),
            ),
            (
                "rancher-monitoring-crd",
                "cattle-monitoring-system",
                self.services.monitoring.to_owned(),
            ),
            (
                "rancher-logging-crd",
                "cattle-logging-system",
                "103.1.1+up4.4.0".to_owned(),
            ),
        ]
    }

    fn add_chart(&self, objects: &mut Objects, chart: &str, namespace: &str, version: &str) {
        let settled = self
            .upgrade
            .as_ref()
            .filter(|upgrade| upgrade.services_done())
            .map_or(self.installed + SignedDuration::from_mins(14), |upgrade| {
                upgrade.after(74)
            });
        let status = json!({
            "conditions": (["Ready", "Processed", "Defined"].map(|kind| wrangler_condition(kind, "True", settled, "", ""))), "display": { "readyClusters": "1/1", "state": "" },
            "maxNew": 50, "maxUnavailable": 1, "observedGeneration": 2, "summary": { "desiredReady": 1, "ready": 1 }, "unavailable": 0,
        });
        // Charts that an upgrade has paused stay so until its clean-up.
        let paused = self.upgrade.as_ref().is_some_and(|upgrade| {
            upgrade.shape.state == super::scenario::UpgradeState::UpgradingSystemServices
        });
        let targets = json!([{ "clusterName": "local", "clusterSelector": { "matchExpressions": [{ "key": "provisioning.cattle.io/unmanaged-system-agent", "operator": "DoesNotExist" }] } }]);
        objects.add(json!({
            "apiVersion": "management.cattle.io/v3", "kind": "ManagedChart", "metadata": self.meta("ManagedChart", "fleet-local", chart, self.installed).with("generation", json!(2)).done(),
            "spec": { "chart": chart, "defaultNamespace": namespace, "paused": paused, "releaseName": chart, "repoName": "harvester-charts", "targets": targets, "timeoutSeconds": 600, "values": { "storageClass": { "replicaCount": 3 } }, "version": version },
            "status": status,
        }));
        objects.add(json!({
            "apiVersion": "fleet.cattle.io/v1alpha1", "kind": "Bundle",
            "metadata": self.meta("Bundle", "fleet-local", &format!("mcc-{chart}"), self.installed).owned_by(self.owner("management.cattle.io/v3", "ManagedChart", "fleet-local", chart)).with("generation", json!(2)).done(),
            "spec": { "defaultNamespace": namespace, "helm": { "chart": chart, "releaseName": chart, "version": version }, "paused": false, "targets": targets },
            "status": status,
        }));
    }

    /// A Job of the upgrade in harvester-system.
    pub fn upgrade_job(
        &self,
        name: &str,
        labels: Value,
        image: &str,
        command: &str,
        span: Span,
    ) -> Value {
        let upgrade = self.upgrade.as_ref().map_or("", |upgrade| upgrade.name());
        let mut pod_labels = labels.clone();
        if let Some(fields) = pod_labels.as_object_mut() {
            fields.remove("harvesterhci.io/node");
        }
        let mut status = json!({ "startTime": rfc3339(span.start), "ready": u8::from(span.end.is_none()), "uncountedTerminatedPods": {} });
        match span.end {
            Some(end) => {
                status["succeeded"] = json!(1);
                status["completionTime"] = json!(rfc3339(end));
                let mut complete = condition("Complete", "True", end, "", "");
                complete["lastProbeTime"] = json!(rfc3339(end));
                status["conditions"] = json!([complete]);
            }
            None => status["active"] = json!(1),
        }
        json!({
            "apiVersion": "batch/v1", "kind": "Job",
            "metadata": self.meta("Job", "harvester-system", name, span.start).labels(labels).owned_by(self.owner("harvesterhci.io/v1beta1", "Upgrade", "harvester-system", upgrade)).with("generation", json!(1)).done(),
            "spec": {
                "backoffLimit": 6, "completionMode": "NonIndexed", "completions": 1, "parallelism": 1, "suspend": false, "ttlSecondsAfterFinished": 604_800,
                "template": { "metadata": { "creationTimestamp": null, "labels": pod_labels }, "spec": { "containers": [{ "command": [command], "image": image, "name": "apply", "resources": {} }], "hostNetwork": true, "hostPID": true, "restartPolicy": "Never" } },
            },
            "status": status,
        })
    }
}

/// Annotations of the plan that are set while a host is in `state`.
fn hand_shake(state: &str) -> &'static [&'static str] {
    match state {
        "Pre-draining" => &["rke.cattle.io/drain-options", "rke.cattle.io/pre-drain"],
        "Pre-drained" => &[
            "rke.cattle.io/drain-options",
            "rke.cattle.io/pre-drain",
            "harvesterhci.io/pre-hook",
        ],
        "Post-draining" | "Waiting Reboot" => &[
            "rke.cattle.io/drain-options",
            "rke.cattle.io/pre-drain",
            "harvesterhci.io/pre-hook",
            "rke.cattle.io/drain-done",
            "rke.cattle.io/uncordon",
            "rke.cattle.io/post-drain",
        ],
        _ => &[],
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(bytes).expect("writing to memory");
    encoder.finish().expect("writing to memory")
}
