//! Objects of an upgrade: the Upgrade, its plans, jobs and their pods, the repository machine.

use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use super::clock::rfc3339;
use super::objects::{Objects, condition, wrangler_condition};
use super::pods::{Pod, PodDraft, container};
use super::scenario::UpgradeState;
use super::world::{
    IMAGE_READY, LOG_READY, NODES_PREPARED, Node, REPO_READY, SERVICES_UPGRADED, Span, Step,
    Upgrade, World,
};

impl World {
    /// Adds them and gives the pods among them.
    pub fn add_upgrade_objects(&self, objects: &mut Objects) -> Vec<Pod> {
        let Some(upgrade) = &self.upgrade else {
            return Vec::new();
        };
        let mut pods = Vec::new();
        self.add_upgrade(objects, upgrade);
        self.add_prepare_plan(objects, upgrade);
        if upgrade.shape.state != UpgradeState::Succeeded {
            pods.extend(self.add_repository(objects, upgrade));
        }
        if upgrade.reached(UpgradeState::UpgradingSystemServices) {
            pods.extend(self.add_manifests_job(objects, upgrade));
        }
        for (name, step) in &upgrade.steps {
            let Some(node) = self.node(name) else {
                continue;
            };
            for (kind, span) in [
                ("pre-drain", step.pre_drain),
                ("post-drain", step.post_drain),
            ] {
                if let Some(span) = span {
                    pods.push(self.add_drain_job(objects, upgrade, node, step, kind, span));
                }
            }
        }
        pods
    }

    fn add_upgrade(&self, objects: &mut Objects, upgrade: &Upgrade) {
        let mut statuses = Map::new();
        for (name, step) in &upgrade.steps {
            let mut status = json!({ "state": step.shape.state });
            for (field, text) in [
                ("reason", &step.shape.reason),
                ("message", &step.shape.message),
            ] {
                if !text.is_empty() {
                    status[field] = json!(text);
                }
            }
            statuses.insert(name.clone(), status);
        }
        let state = upgrade.shape.state;
        let last = upgrade
            .steps
            .values()
            .map(|step| step.since)
            .max()
            .unwrap_or(upgrade.started);
        let open = |kind: &str| json!({ "status": "Unknown", "type": kind });
        let done = |kind: &str, minutes: i64| {
            wrangler_condition(kind, "True", upgrade.after(minutes), "", "")
        };
        let failure = upgrade
            .steps
            .values()
            .find(|step| step.shape.state == "Failed")
            .map(|step| (step.shape.reason.clone(), step.shape.message.clone()));
        let mut conditions = vec![match (state, &failure) {
            (UpgradeState::Succeeded, _) => wrangler_condition("Completed", "True", last, "", ""),
            (UpgradeState::Failed, Some((reason, message))) => {
                wrangler_condition("Completed", "False", last, reason, message)
            }
            _ => open("Completed"),
        }];
        conditions.extend([
            done("LogReady", LOG_READY),
            done("ImageReady", IMAGE_READY),
            done("RepoReady", REPO_READY),
        ]);
        conditions.push(if upgrade.reached(UpgradeState::UpgradingSystemServices) {
            done("NodesPrepared", NODES_PREPARED)
        } else {
            open("NodesPrepared")
        });
        if upgrade.services_done() {
            conditions.push(done("SystemServicesUpgraded", SERVICES_UPGRADED));
        } else if state == UpgradeState::UpgradingSystemServices {
            conditions.push(open("SystemServicesUpgraded"));
        }
        match (state, failure) {
            (UpgradeState::UpgradingNodes, _) => conditions.push(open("NodesUpgraded")),
            (UpgradeState::Succeeded, _) => {
                conditions.push(wrangler_condition("NodesUpgraded", "True", last, "", ""))
            }
            (UpgradeState::Failed, Some((reason, message))) => conditions.push(wrangler_condition(
                "NodesUpgraded",
                "False",
                last,
                &reason,
                &message,
            )),
            _ => {}
        }
        let repo_info = upgrade
            .to
            .release_fields()
            .iter()
            .fold("release:\n".to_owned(), |text, (key, value)| {
                format!("{text}    {key}: {value}\n")
            });
        let name = upgrade.name();
        objects.add(json!({
            "apiVersion": "harvesterhci.io/v1beta1", "kind": "Upgrade",
            "metadata": self.meta("Upgrade", "harvester-system", name, upgrade.started).annotations(json!({ "harvesterhci.io/replica-replenishment-wait-interval": "600" }))
                .labels(json!({ "harvesterhci.io/latestUpgrade": "true", "harvesterhci.io/upgradeState": format!("{state:?}") }))
                .with("finalizers", json!(["wrangler.cattle.io/harvester-upgrade-controller"])).with("generateName", json!("hvst-upgrade-")).with("generation", json!(8)).done(),
            "spec": { "image": "", "logEnabled": true, "version": format!("v{}", upgrade.to.harvester) },
            "status": {
                "conditions": conditions, "imageID": format!("harvester-system/{name}"), "nodeStatuses": statuses, "previousVersion": format!("v{}", upgrade.from.harvester), "repoInfo": repo_info,
                "upgradeLog": format!("{name}-upgradelog"),
            },
        }));
        objects.add(json!({
            "apiVersion": "harvesterhci.io/v1beta1", "kind": "Version", "metadata": self.meta("Version", "harvester-system", &format!("v{}", upgrade.to.harvester), upgrade.started - SignedDuration::from_hours(30)).done(),
            "spec": {
                "isoChecksum": self.identity.hex("iso", 64).repeat(2), "isoURL": format!("https://releases.rancher.com/harvester/v{0}/harvester-v{0}-amd64.iso", upgrade.to.harvester),
                "minUpgradableVersion": format!("v{}", upgrade.to.from), "releaseDate": "20250221", "tags": [],
            },
        }));
        let collecting = state != UpgradeState::Succeeded;
        objects.add(json!({
            "apiVersion": "harvesterhci.io/v1beta1", "kind": "UpgradeLog",
            "metadata": self.meta("UpgradeLog", "harvester-system", &format!("{name}-upgradelog"), upgrade.started).annotations(json!({ "harvesterhci.io/upgradeLogState": if collecting { "Collecting" } else { "Stopped" } }))
                .labels(json!({ "harvesterhci.io/upgrade": name })).owned_by(self.owner("harvesterhci.io/v1beta1", "Upgrade", "harvester-system", name)).done(),
            "spec": { "upgradeName": name },
            "status": { "conditions": [done("LoggingOperatorReady", 1), done("InfraReady", 2), done("Started", LOG_READY)] },
        }));
    }

    fn add_prepare_plan(&self, objects: &mut Objects, upgrade: &Upgrade) {
        let plan = format!("{}-prepare", upgrade.name());
        let hash = self.identity.hex("prepare", 56);
        let complete = upgrade.reached(UpgradeState::UpgradingSystemServices);
        let applying: Vec<&String> = upgrade
            .steps
            .iter()
            .filter(|(_, step)| step.shape.state == "Images preloading")
            .map(|(name, _)| name)
            .collect();
        let mut conditions = vec![wrangler_condition(
            "LatestResolved",
            "True",
            upgrade.after(REPO_READY),
            "Version",
            "",
        )];
        if complete {
            conditions.push(wrangler_condition(
                "Complete",
                "True",
                upgrade.after(NODES_PREPARED),
                "",
                "",
            ));
        }
        objects.add(json!({
            "apiVersion": "upgrade.cattle.io/v1", "kind": "Plan",
            "metadata": self.meta("Plan", "cattle-system", &plan, upgrade.after(REPO_READY)).labels(json!({ "harvesterhci.io/upgrade": upgrade.name(), "harvesterhci.io/upgradeComponent": "node" })).with("generation", json!(1))
                .owned_by(self.owner("harvesterhci.io/v1beta1", "Upgrade", "harvester-system", upgrade.name())).done(),
            "spec": {
                "concurrency": 1, "jobActiveDeadlineSecs": 3600, "nodeSelector": { "matchLabels": { "harvesterhci.io/managed": "true" } }, "serviceAccountName": "system-upgrade-controller", "tolerations": [{ "operator": "Exists" }],
                "upgrade": { "args": ["prepare"], "command": ["do_upgrade_node.sh"], "envs": [{ "name": "HARVESTER_UPGRADE_NAME", "value": upgrade.name() }], "image": "rancher/harvester-upgrade" },
                "version": format!("v{}", upgrade.from.harvester),
            },
            "status": { "applying": applying, "conditions": conditions, "latestHash": hash, "latestVersion": format!("v{}", upgrade.from.harvester) },
        }));
        for (name, step) in upgrade
            .steps
            .iter()
            .filter(|(_, step)| matches!(step.shape.state.as_str(), "Images preloading" | "Failed"))
        {
            self.add_prepare_job(objects, upgrade, name, step, &plan, &hash);
        }
    }

    /// The job that loads images on a host: in cattle-system, made by the system upgrade controller.
    fn add_prepare_job(
        &self,
        objects: &mut Objects,
        upgrade: &Upgrade,
        node: &str,
        step: &Step,
        plan: &str,
        hash: &str,
    ) {
        let name = format!(
            "apply-{plan}-on-{node}-with-{}",
            self.identity.hex(&format!("prepare-job/{node}"), 5)
        );
        let failed = step.shape.state == "Failed";
        let start = if failed {
            step.since - SignedDuration::from_secs(3601)
        } else {
            step.since
        };
        let mut status =
            json!({ "startTime": rfc3339(start), "ready": 0, "uncountedTerminatedPods": {} });
        if failed {
            status["failed"] = json!(1);
            status["conditions"] = json!([{ "type": "Failed", "status": "True", "reason": step.shape.reason, "message": step.shape.message, "lastProbeTime": rfc3339(step.since), "lastTransitionTime": rfc3339(step.since) }]);
        } else {
            status["active"] = json!(1);
        }
        let labels = json!({ "upgrade.cattle.io/controller": "system-upgrade-controller", "upgrade.cattle.io/node": node, "upgrade.cattle.io/plan": plan, "upgrade.cattle.io/version": format!("v{}", upgrade.from.harvester), format!("plan.upgrade.cattle.io/{plan}"): hash });
        objects.add(json!({
            "apiVersion": "batch/v1", "kind": "Job", "metadata": self.meta("Job", "cattle-system", &name, start).labels(labels.clone()).annotations(json!({ "upgrade.cattle.io/ttl-seconds-after-finished": "900" }))
                .owned_by(self.owner("upgrade.cattle.io/v1", "Plan", "cattle-system", plan)).with("generation", json!(1)).done(),
            "spec": {
                "activeDeadlineSeconds": 3600, "backoffLimit": 99, "completions": 1, "parallelism": 1, "ttlSecondsAfterFinished": 900,
                "template": { "metadata": { "creationTimestamp": null, "labels": labels }, "spec": { "containers": [container("upgrade", &format!("rancher/harvester-upgrade:v{}", upgrade.from.harvester))], "nodeName": node, "restartPolicy": "Never" } },
            },
            "status": status,
        }));
    }

    fn add_repository(&self, objects: &mut Objects, upgrade: &Upgrade) -> Option<Pod> {
        let name = format!("upgrade-repo-{}", upgrade.name());
        let labels = json!({ "harvesterhci.io/upgrade": upgrade.name(), "harvesterhci.io/upgradeComponent": "repo" });
        let node = self
            .alive()
            .find(|node| node.has_workloads() && !self.in_transition(node.name()))?;
        let started = upgrade
            .after(12)
            .max(node.booted() + SignedDuration::from_mins(2));
        objects.add(json!({
            "apiVersion": "harvesterhci.io/v1beta1", "kind": "VirtualMachineImage", "metadata": self.meta("VirtualMachineImage", "harvester-system", upgrade.name(), upgrade.after(LOG_READY)).labels(labels.clone()).done(),
            "spec": { "checksum": "", "displayName": format!("harvester-v{}-amd64.iso", upgrade.to.harvester), "retry": 3, "sourceType": "download", "url": format!("https://releases.rancher.com/harvester/v{0}/harvester-v{0}-amd64.iso", upgrade.to.harvester) },
            "status": { "conditions": [wrangler_condition("Initialized", "True", upgrade.after(4), "", ""), wrangler_condition("Imported", "True", upgrade.after(IMAGE_READY), "Imported", "")], "progress": 100, "size": 6_114_631_680_u64 },
        }));
        objects.add(json!({
            "apiVersion": "v1", "kind": "Service", "metadata": self.meta("Service", "harvester-system", &name, upgrade.after(IMAGE_READY)).labels(labels.clone()).done(),
            "spec": { "clusterIP": "10.53.77.140", "ports": [{ "name": "http", "port": 80, "protocol": "TCP", "targetPort": 80 }], "selector": labels, "type": "ClusterIP" }, "status": { "loadBalancer": {} },
        }));
        objects.add(json!({
            "apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "metadata": self.meta("VirtualMachine", "harvester-system", &name, upgrade.after(IMAGE_READY)).labels(labels.clone()).done(),
            "spec": { "runStrategy": "RerunOnFailure", "template": { "metadata": { "labels": labels } } },
            "status": { "created": true, "printableStatus": "Running", "ready": true, "conditions": [condition("Ready", "True", started, "", "")] },
        }));
        let uid = self.uid("VirtualMachineInstance", "harvester-system", &name);
        let pod_name = self.launcher_pod("harvester-system", &name);
        objects.add(json!({
            "apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstance",
            "metadata": self.meta("VirtualMachineInstance", "harvester-system", &name, started).labels(json!({ "kubevirt.io/nodeName": node.name(), "harvesterhci.io/upgrade": upgrade.name() })).owned_by(self.owner("kubevirt.io/v1", "VirtualMachine", "harvester-system", &name)).done(),
            "spec": { "domain": { "memory": { "guest": "1Gi" } }, "evictionStrategy": "LiveMigrateIfPossible" },
            "status": {
                "activePods": { self.uid("Pod", "harvester-system", &pod_name): node.name() }, "nodeName": node.name(), "phase": "Running",
                "conditions": [{ "lastProbeTime": null, "lastTransitionTime": rfc3339(started), "status": "True", "type": "Ready" }, { "lastProbeTime": null, "lastTransitionTime": null, "status": "True", "type": "LiveMigratable" }],
            },
        }));
        let mut draft = PodDraft::new(
            "harvester-system",
            pod_name,
            node,
            json!({ "kubevirt.io": "virt-launcher", "kubevirt.io/created-by": uid, "vm.kubevirt.io/name": name, "harvesterhci.io/upgrade": upgrade.name(), "harvesterhci.io/upgradeComponent": "repo" }),
            self.owner(
                "kubevirt.io/v1",
                "VirtualMachineInstance",
                "harvester-system",
                &name,
            ),
        );
        draft.started = started;
        draft.restart_policy = "Never";
        draft.priority = 0;
        let (object, pod) = self.pod(
            &draft,
            &[container(
                "compute",
                &format!(
                    "{}/virt-launcher:{}",
                    self.services.kubevirt_path, self.services.kubevirt
                ),
            )],
            "virt-launcher",
        );
        objects.add(object);
        Some(pod)
    }

    fn add_manifests_job(&self, objects: &mut Objects, upgrade: &Upgrade) -> Option<Pod> {
        let name = format!("{}-apply-manifests", upgrade.name());
        let span = Span {
            start: upgrade.after(NODES_PREPARED),
            end: upgrade
                .services_done()
                .then(|| upgrade.after(SERVICES_UPGRADED)),
        };
        let labels = json!({ "harvesterhci.io/upgrade": upgrade.name(), "harvesterhci.io/upgradeComponent": "manifest" });
        let image = format!("rancher/harvester-upgrade:v{}", upgrade.to.harvester);
        objects.add(self.upgrade_job(&name, labels.clone(), &image, "upgrade_manifests.sh", span));
        let node = self
            .nodes
            .iter()
            .find(|node| node.is_control_plane() && node.lost.is_none())?;
        Some(self.add_job_pod(
            objects,
            &name,
            labels,
            &image,
            span,
            Some(node),
            "apply-manifests",
            String::new(),
        ))
    }

    fn add_drain_job(
        &self,
        objects: &mut Objects,
        upgrade: &Upgrade,
        node: &Node,
        step: &Step,
        kind: &str,
        span: Span,
    ) -> Pod {
        let name = format!("{}-{kind}-{}", upgrade.name(), node.name());
        let mut labels = json!({ "harvesterhci.io/upgrade": upgrade.name(), "harvesterhci.io/upgradeComponent": "node", "harvesterhci.io/upgradeJobType": kind, "harvesterhci.io/node": node.name() });
        let image = format!("rancher/harvester-upgrade:v{}", upgrade.to.harvester);
        objects.add(self.upgrade_job(&name, labels.clone(), &image, "do_upgrade_node.sh", span));
        if let Some(fields) = labels.as_object_mut() {
            fields.remove("harvesterhci.io/node");
        }
        // A pod for a host that was lost before the job began finds no host.
        let unscheduled = span.end.is_none() && node.lost.is_some_and(|lost| lost <= step.since);
        let others = self
            .nodes
            .iter()
            .filter(|other| other.lost.is_none())
            .count();
        let lost = self
            .nodes
            .iter()
            .filter(|other| other.lost.is_some() && other.name() != node.name())
            .count();
        let message = format!(
            "0/{} nodes are available: 1 node(s) had untolerated taint {{node.kubernetes.io/unreachable: }}, {} node(s) didn't match Pod's node affinity/selector. preemption: 0/{0} nodes are available: {0} Preemption is not helpful for scheduling.",
            self.nodes.len(),
            others + lost
        );
        let place = if unscheduled { None } else { Some(node) };
        self.add_job_pod(objects, &name, labels, &image, span, place, kind, message)
    }

    #[expect(clippy::too_many_arguments, reason = "what a job's pod is made of")]
    fn add_job_pod(
        &self,
        objects: &mut Objects,
        job: &str,
        mut labels: Value,
        image: &str,
        span: Span,
        node: Option<&Node>,
        component: &str,
        unschedulable: String,
    ) -> Pod {
        labels["batch.kubernetes.io/job-name"] = json!(job);
        labels["job-name"] = json!(job);
        let pod = format!("{job}-{}", self.identity.suffix(&format!("job/{job}"), 5));
        let mut draft = PodDraft::new(
            "harvester-system",
            pod,
            node.unwrap_or(&self.nodes[0]),
            labels,
            self.owner("batch/v1", "Job", "harvester-system", job),
        );
        draft.node = node;
        draft.created = Some(span.start);
        draft.started = span.start + SignedDuration::from_secs(3);
        draft.ended = span.end;
        draft.restart_policy = "Never";
        draft.priority = 0;
        draft.unschedulable = unschedulable;
        draft.tolerations = json!([
            { "effect": "NoSchedule", "key": "node.kubernetes.io/unschedulable", "operator": "Exists" }, { "effect": "NoSchedule", "key": "node-role.kubernetes.io/control-plane", "operator": "Exists" },
            { "effect": "NoExecute", "key": "node-role.kubernetes.io/control-plane", "operator": "Exists" }, { "effect": "NoExecute", "key": "node-role.kubernetes.io/etcd", "operator": "Exists" },
            { "key": "kubevirt.io/drain", "operator": "Exists" }, { "key": "CriticalAddonsOnly", "operator": "Exists" }, { "effect": "NoExecute", "key": "node.kubernetes.io/unreachable", "operator": "Exists" },
            { "effect": "NoSchedule", "key": "kubernetes.io/arch", "operator": "Equal", "value": "amd64" },
        ]);
        let target = job.rsplit_once("-drain-").map(|(_, node)| node.to_owned());
        if let Some(target) = target {
            draft.affinity = Some(
                json!({ "nodeAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": { "nodeSelectorTerms": [{ "matchExpressions": [{ "key": "kubernetes.io/hostname", "operator": "In", "values": [target] }] }] } } }),
            );
        }
        let (object, pod) = self.pod(&draft, &[container("apply", image)], component);
        objects.add(object);
        pod
    }
}
