//! Deployments, DaemonSets, StatefulSets and static pods of a Harvester cluster, and which pods they make where.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::objects::{Objects, condition};
use super::pods::{Pod, PodDraft, container};
use super::release::Release;
use super::world::{Node, World};

enum Kind {
    /// So many pods on any hosts.
    Deployment(usize),
    /// One pod on each host of `Hosts`.
    DaemonSet,
    /// One pod with a fixed name.
    StatefulSet,
    /// A manifest on each host of `Hosts`.
    Static,
}

#[derive(Clone, Copy, PartialEq)]
enum Hosts {
    All,
    ControlPlane,
    Etcd,
    Workloads,
}

struct Workload {
    namespace: &'static str,
    name: &'static str,
    kind: Kind,
    hosts: Hosts,
    /// Name and image of each container; `{harvester}`, `{rancher}`, `{longhorn}`, `{kubevirt}`, `{kubernetes}` are
    /// versions.
    containers: &'static [(&'static str, &'static str)],
}

const fn deployment(
    namespace: &'static str,
    name: &'static str,
    replicas: usize,
    containers: &'static [(&'static str, &'static str)],
) -> Workload {
    Workload {
        namespace,
        name,
        kind: Kind::Deployment(replicas),
        hosts: Hosts::Workloads,
        containers,
    }
}

const fn daemon_set(
    namespace: &'static str,
    name: &'static str,
    hosts: Hosts,
    containers: &'static [(&'static str, &'static str)],
) -> Workload {
    Workload {
        namespace,
        name,
        kind: Kind::DaemonSet,
        hosts,
        containers,
    }
}

const fn static_pod(
    name: &'static str,
    hosts: Hosts,
    containers: &'static [(&'static str, &'static str)],
) -> Workload {
    Workload {
        namespace: "kube-system",
        name,
        kind: Kind::Static,
        hosts,
        containers,
    }
}

const WORKLOADS: [Workload; 49] = [
    deployment(
        "harvester-system",
        "harvester",
        3,
        &[("apiserver", "rancher/harvester:v{harvester}")],
    ),
    deployment(
        "harvester-system",
        "harvester-webhook",
        3,
        &[(
            "harvester-webhook",
            "rancher/harvester-webhook:v{harvester}",
        )],
    ),
    deployment(
        "harvester-system",
        "harvester-load-balancer",
        1,
        &[(
            "harvester-load-balancer",
            "rancher/harvester-load-balancer:v{harvester}",
        )],
    ),
    deployment(
        "harvester-system",
        "harvester-load-balancer-webhook",
        1,
        &[(
            "harvester-load-balancer-webhook",
            "rancher/harvester-load-balancer-webhook:v{harvester}",
        )],
    ),
    deployment(
        "harvester-system",
        "harvester-network-controller-manager",
        1,
        &[(
            "harvester-network-manager",
            "rancher/harvester-network-controller:v{harvester}",
        )],
    ),
    deployment(
        "harvester-system",
        "harvester-network-webhook",
        1,
        &[(
            "harvester-network-webhook",
            "rancher/harvester-network-webhook:v{harvester}",
        )],
    ),
    deployment(
        "harvester-system",
        "harvester-node-disk-manager-webhook",
        1,
        &[(
            "harvester-node-disk-manager-webhook",
            "rancher/harvester-node-disk-manager-webhook:v{harvester}",
        )],
    ),
    deployment(
        "harvester-system",
        "harvester-node-manager-webhook",
        1,
        &[(
            "harvester-node-manager-webhook",
            "rancher/harvester-node-manager-webhook:v{harvester}",
        )],
    ),
    daemon_set(
        "harvester-system",
        "harvester-network-controller",
        Hosts::Workloads,
        &[(
            "harvester-network",
            "rancher/harvester-network-controller:v{harvester}",
        )],
    ),
    daemon_set(
        "harvester-system",
        "harvester-node-disk-manager",
        Hosts::Workloads,
        &[(
            "harvester-node-disk-manager",
            "rancher/harvester-node-disk-manager:v{harvester}",
        )],
    ),
    daemon_set(
        "harvester-system",
        "harvester-node-manager",
        Hosts::Workloads,
        &[(
            "harvester-node-manager",
            "rancher/harvester-node-manager:v{harvester}",
        )],
    ),
    daemon_set(
        "harvester-system",
        "kube-vip",
        Hosts::ControlPlane,
        &[("kube-vip", "ghcr.io/kube-vip/kube-vip-iptables:v0.8.1")],
    ),
    deployment(
        "harvester-system",
        "virt-operator",
        1,
        &[("virt-operator", "{suse}/virt-operator:{kubevirt}")],
    ),
    deployment(
        "harvester-system",
        "virt-api",
        2,
        &[("virt-api", "{suse}/virt-api:{kubevirt}")],
    ),
    deployment(
        "harvester-system",
        "virt-controller",
        2,
        &[("virt-controller", "{suse}/virt-controller:{kubevirt}")],
    ),
    daemon_set(
        "harvester-system",
        "virt-handler",
        Hosts::Workloads,
        &[("virt-handler", "{suse}/virt-handler:{kubevirt}")],
    ),
    daemon_set(
        "longhorn-system",
        "longhorn-manager",
        Hosts::Workloads,
        &[(
            "longhorn-manager",
            "longhornio/longhorn-manager:v{longhorn}",
        )],
    ),
    daemon_set(
        "longhorn-system",
        "longhorn-csi-plugin",
        Hosts::Workloads,
        &[
            (
                "node-driver-registrar",
                "longhornio/csi-node-driver-registrar:v2.12.0",
            ),
            (
                "longhorn-liveness-probe",
                "longhornio/livenessprobe:v2.14.0",
            ),
            (
                "longhorn-csi-plugin",
                "longhornio/longhorn-manager:v{longhorn}",
            ),
        ],
    ),
    daemon_set(
        "longhorn-system",
        "engine-image",
        Hosts::Workloads,
        &[("engine-image", "longhornio/longhorn-engine:v{longhorn}")],
    ),
    deployment(
        "longhorn-system",
        "csi-attacher",
        3,
        &[("csi-attacher", "longhornio/csi-attacher:v4.6.1")],
    ),
    deployment(
        "longhorn-system",
        "csi-provisioner",
        3,
        &[("csi-provisioner", "longhornio/csi-provisioner:v4.0.1")],
    ),
    deployment(
        "longhorn-system",
        "csi-resizer",
        3,
        &[("csi-resizer", "longhornio/csi-resizer:v1.11.1")],
    ),
    deployment(
        "longhorn-system",
        "csi-snapshotter",
        3,
        &[("csi-snapshotter", "longhornio/csi-snapshotter:v7.0.2")],
    ),
    deployment(
        "longhorn-system",
        "longhorn-driver-deployer",
        1,
        &[(
            "longhorn-driver-deployer",
            "longhornio/longhorn-manager:v{longhorn}",
        )],
    ),
    deployment(
        "longhorn-system",
        "longhorn-ui",
        2,
        &[("longhorn-ui", "longhornio/longhorn-ui:v{longhorn}")],
    ),
    static_pod(
        "etcd",
        Hosts::Etcd,
        &[("etcd", "rancher/hardened-etcd:v3.5.16-k3s1")],
    ),
    static_pod(
        "kube-apiserver",
        Hosts::ControlPlane,
        &[("kube-apiserver", "rancher/hardened-kubernetes:{kubernetes}")],
    ),
    static_pod(
        "kube-controller-manager",
        Hosts::ControlPlane,
        &[(
            "kube-controller-manager",
            "rancher/hardened-kubernetes:{kubernetes}",
        )],
    ),
    static_pod(
        "kube-scheduler",
        Hosts::ControlPlane,
        &[("kube-scheduler", "rancher/hardened-kubernetes:{kubernetes}")],
    ),
    static_pod(
        "cloud-controller-manager",
        Hosts::ControlPlane,
        &[(
            "cloud-controller-manager",
            "rancher/rke2-cloud-provider:v1.29.3-build20240515",
        )],
    ),
    static_pod(
        "kube-proxy",
        Hosts::All,
        &[("kube-proxy", "rancher/hardened-kubernetes:{kubernetes}")],
    ),
    daemon_set(
        "kube-system",
        "rke2-canal",
        Hosts::All,
        &[
            ("calico-node", "rancher/hardened-calico:v3.28.2"),
            ("kube-flannel", "rancher/hardened-flannel:v0.26.0"),
        ],
    ),
    daemon_set(
        "kube-system",
        "rke2-ingress-nginx-controller",
        Hosts::Workloads,
        &[(
            "rke2-ingress-nginx-controller",
            "rancher/nginx-ingress-controller:v1.10.5-hardened4",
        )],
    ),
    daemon_set(
        "kube-system",
        "rke2-multus",
        Hosts::All,
        &[("kube-rke2-multus", "rancher/hardened-multus-cni:v4.1.3")],
    ),
    daemon_set(
        "kube-system",
        "harvester-whereabouts",
        Hosts::Workloads,
        &[("whereabouts", "rancher/harvester-whereabouts:v0.6.3")],
    ),
    deployment(
        "kube-system",
        "rke2-coredns-rke2-coredns",
        2,
        &[("coredns", "rancher/hardened-coredns:v1.11.3")],
    ),
    deployment(
        "kube-system",
        "rke2-coredns-rke2-coredns-autoscaler",
        1,
        &[("autoscaler", "rancher/hardened-cluster-autoscaler:v1.8.11")],
    ),
    deployment(
        "kube-system",
        "rke2-metrics-server",
        1,
        &[(
            "metrics-server",
            "rancher/hardened-k8s-metrics-server:v0.7.1",
        )],
    ),
    deployment(
        "kube-system",
        "snapshot-controller",
        2,
        &[(
            "snapshot-controller",
            "rancher/mirrored-sig-storage-snapshot-controller:v6.2.1",
        )],
    ),
    deployment(
        "cattle-system",
        "rancher",
        3,
        &[("rancher", "rancher/rancher:{rancher}")],
    ),
    deployment(
        "cattle-system",
        "rancher-webhook",
        1,
        &[("rancher-webhook", "rancher/rancher-webhook:v0.5.3")],
    ),
    deployment(
        "cattle-system",
        "system-upgrade-controller",
        1,
        &[(
            "system-upgrade-controller",
            "rancher/system-upgrade-controller:v0.13.4",
        )],
    ),
    deployment(
        "cattle-system",
        "harvester-cluster-repo",
        1,
        &[("httpd", "rancher/harvester-cluster-repo:v{harvester}")],
    ),
    deployment(
        "cattle-fleet-system",
        "fleet-controller",
        1,
        &[
            ("fleet-controller", "rancher/fleet:v0.10.4"),
            ("fleet-cleanup", "rancher/fleet:v0.10.4"),
            ("fleet-agentmanagement", "rancher/fleet:v0.10.4"),
        ],
    ),
    Workload {
        namespace: "cattle-fleet-local-system",
        name: "fleet-agent",
        kind: Kind::StatefulSet,
        hosts: Hosts::Workloads,
        containers: &[("fleet-agent", "rancher/fleet-agent:v0.10.4")],
    },
    deployment(
        "cattle-provisioning-capi-system",
        "capi-controller-manager",
        1,
        &[("manager", "rancher/mirrored-cluster-api-controller:v1.7.3")],
    ),
    Workload {
        namespace: "cattle-monitoring-system",
        name: "prometheus-rancher-monitoring-prometheus",
        kind: Kind::StatefulSet,
        hosts: Hosts::Workloads,
        containers: &[
            (
                "prometheus",
                "rancher/mirrored-prometheus-prometheus:v2.42.0",
            ),
            (
                "config-reloader",
                "rancher/mirrored-prometheus-operator-prometheus-config-reloader:v0.65.1",
            ),
            (
                "prometheus-proxy",
                "rancher/mirrored-library-nginx:1.24.0-alpine",
            ),
        ],
    },
    daemon_set(
        "cattle-monitoring-system",
        "rancher-monitoring-prometheus-node-exporter",
        Hosts::All,
        &[(
            "node-exporter",
            "rancher/mirrored-prometheus-node-exporter:v1.3.1",
        )],
    ),
    deployment(
        "cattle-monitoring-system",
        "rancher-monitoring-operator",
        1,
        &[(
            "rancher-monitoring",
            "rancher/mirrored-prometheus-operator-prometheus-operator:v0.65.1",
        )],
    ),
];

impl World {
    /// Adds the objects of all workloads and gives their pods.
    pub fn add_workloads(&self, objects: &mut Objects) -> Vec<Pod> {
        let mut pods = Vec::new();
        for (index, workload) in WORKLOADS.iter().enumerate() {
            let monitored = self.scenario.cluster.monitoring && !self.services.is_old();
            if workload.namespace == "cattle-monitoring-system" && !monitored {
                continue;
            }
            if self.services.is_old()
                && matches!(
                    workload.namespace,
                    "cattle-provisioning-capi-system" | "cattle-fleet-local-system"
                )
            {
                continue;
            }
            let name = if workload.name == "engine-image" {
                format!("engine-image-{}", self.engine_image())
            } else {
                workload.name.to_owned()
            };
            match workload.kind {
                Kind::Deployment(replicas) => {
                    self.add_deployment(objects, &mut pods, workload, replicas, index)
                }
                Kind::DaemonSet => self.add_daemon_set(objects, &mut pods, workload, &name),
                Kind::StatefulSet => self.add_stateful_set(objects, &mut pods, workload),
                Kind::Static => {
                    for node in self.hosts(workload.hosts) {
                        self.add_static_pod(objects, &mut pods, workload, node);
                    }
                }
            }
        }
        pods
    }

    fn hosts(&self, hosts: Hosts) -> Vec<&Node> {
        self.nodes
            .iter()
            .filter(|node| match hosts {
                Hosts::All => true,
                Hosts::ControlPlane => node.is_control_plane(),
                Hosts::Etcd => node.has_etcd(),
                Hosts::Workloads => node.has_workloads(),
            })
            .collect()
    }

    /// When the pods of a workload began: at the boot of their host, or when an upgrade replaced them.
    fn pod_start(&self, node: &Node, key: &str) -> Timestamp {
        let boot = node.booted()
            + SignedDuration::from_secs(
                55 + i64::try_from(self.identity.below(key, 120)).unwrap_or(0),
            );
        let replaced = self
            .upgrade
            .as_ref()
            .filter(|upgrade| upgrade.services_done())
            .map(|upgrade| {
                upgrade.after(60)
                    + SignedDuration::from_secs(
                        i64::try_from(self.identity.below(key, 900)).unwrap_or(0),
                    )
            });
        let start = replaced.map_or(boot, |replaced| replaced.max(boot));
        // A host that was lost before that keeps the pods it had.
        if node.lost.is_some_and(|lost| start > lost) {
            boot
        } else {
            start
        }
    }

    fn add_deployment(
        &self,
        objects: &mut Objects,
        pods: &mut Vec<Pod>,
        workload: &Workload,
        replicas: usize,
        index: usize,
    ) {
        let hosts = self.hosts(workload.hosts);
        let spread_over = hosts
            .iter()
            .filter(|node| node.is_control_plane())
            .count()
            .max(1);
        let replicas = if workload.name == "rancher" || workload.name.starts_with("harvester") {
            replicas.min(spread_over)
        } else {
            replicas
        };
        let (namespace, name) = (workload.namespace, workload.name);
        let hash = self.identity.suffix(
            &format!("template/{namespace}/{name}/{}", self.services.harvester),
            10,
        );
        let set = format!("{name}-{hash}");
        let alive: Vec<&Node> = hosts
            .iter()
            .copied()
            .filter(|node| node.lost.is_none() && !self.in_transition(node.name()))
            .collect();
        let own = self.labels_of(namespace, name);
        let mut labels = own.clone();
        labels["pod-template-hash"] = json!(hash);
        let mut ready = 0;
        for replica in 0..replicas {
            let Some(node) = hosts.get((replica + index) % hosts.len().max(1)) else {
                continue;
            };
            let pod_name = |round: usize| {
                format!(
                    "{set}-{}",
                    self.identity
                        .suffix(&format!("pod/{set}/{replica}/{round}"), 5)
                )
            };
            let owner = self.owner("apps/v1", "ReplicaSet", namespace, &set);
            let mut draft =
                PodDraft::new(workload.namespace, pod_name(0), node, labels.clone(), owner);
            draft.started = self.pod_start(node, &draft.name);
            let mut moved_at = node.lost.map(|lost| lost + SignedDuration::from_secs(341));
            if node.lost.is_some() {
                // Evicted five minutes after the taint, but nobody confirms that the pod is gone.
                draft.deleted = moved_at;
                self.add_pod(objects, pods, workload, draft);
            } else if let Some(step) = self
                .step(node.name())
                .filter(|_| self.in_transition(node.name()))
            {
                moved_at = step
                    .pre_drain
                    .and_then(|span| span.end)
                    .map(|end| end + SignedDuration::from_secs(47));
                if moved_at.is_none() {
                    self.add_pod(objects, pods, workload, draft);
                    ready += 1;
                    continue;
                }
            } else {
                self.add_pod(objects, pods, workload, draft);
                ready += 1;
                continue;
            }
            let Some(other) = alive.get((replica + index) % alive.len().max(1)) else {
                continue;
            };
            let owner = self.owner("apps/v1", "ReplicaSet", namespace, &set);
            let mut moved = PodDraft::new(
                workload.namespace,
                pod_name(1),
                other,
                labels.clone(),
                owner,
            );
            moved.started = moved_at.unwrap_or(self.collected()).max(other.booted())
                + SignedDuration::from_secs(21);
            self.add_pod(objects, pods, workload, moved);
            ready += 1;
        }
        let changed = self
            .upgrade
            .as_ref()
            .filter(|upgrade| upgrade.services_done())
            .map_or(self.installed, |upgrade| upgrade.after(58));
        let template = json!({
            "metadata": { "creationTimestamp": null, "labels": own },
            "spec": { "containers": self.container_specs(workload, self.services), "restartPolicy": "Always", "schedulerName": "default-scheduler" },
        });
        let status = json!({
            "availableReplicas": ready, "readyReplicas": ready, "replicas": replicas, "updatedReplicas": replicas, "observedGeneration": 2,
            "conditions": [
                condition("Progressing", "True", changed, "NewReplicaSetAvailable", &format!("ReplicaSet \"{set}\" has successfully progressed.")),
                condition("Available", "True", changed, "MinimumReplicasAvailable", "Deployment has minimum availability."),
            ],
        });
        objects.add(json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": self.meta("Deployment", namespace, name, self.installed)
                .annotations(json!({ "deployment.kubernetes.io/revision": "2", "meta.helm.sh/release-name": release_of(namespace), "meta.helm.sh/release-namespace": namespace }))
                .labels(own.clone()).with("generation", json!(2)).done(),
            "spec": {
                "progressDeadlineSeconds": 600, "replicas": replicas, "revisionHistoryLimit": 10,
                "selector": { "matchLabels": own },
                "strategy": { "rollingUpdate": { "maxSurge": "25%", "maxUnavailable": "25%" }, "type": "RollingUpdate" },
                "template": template,
            },
            "status": status,
        }));
        objects.add(json!({
            "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": self.meta("ReplicaSet", namespace, &set, changed).labels(labels.clone())
                .owned_by(self.owner("apps/v1", "Deployment", namespace, name)).with("generation", json!(1)).done(),
            "spec": { "replicas": replicas, "selector": { "matchLabels": labels }, "template": template },
            "status": { "availableReplicas": ready, "fullyLabeledReplicas": replicas, "observedGeneration": 1, "readyReplicas": ready, "replicas": replicas },
        }));
    }

    /// Labels of a workload and of its pods: each project has its own habit.
    fn labels_of(&self, namespace: &str, name: &str) -> Value {
        let mut labels = json!({ "app": name, "app.kubernetes.io/name": name });
        match (namespace, name) {
            ("harvester-system", "harvester") => {
                labels["app.kubernetes.io/component"] = json!("apiserver")
            }
            ("harvester-system", "harvester-webhook") => {
                labels["app.kubernetes.io/component"] = json!("webhook-server")
            }
            ("harvester-system", name) if name.starts_with("virt-") => {
                labels["kubevirt.io"] = json!(name)
            }
            ("longhorn-system", name) if name.starts_with("engine-image-") => {
                labels["longhorn.io/component"] = json!("engine-image");
                labels["longhorn.io/engine-image"] = json!(self.engine_image());
            }
            ("kube-system", name) => labels["k8s-app"] = json!(name),
            _ => {}
        }
        labels
    }

    fn add_daemon_set(
        &self,
        objects: &mut Objects,
        pods: &mut Vec<Pod>,
        workload: &Workload,
        name: &str,
    ) {
        let namespace = workload.namespace;
        let hosts = self.hosts(workload.hosts);
        let ready = hosts.iter().filter(|node| node.lost.is_none()).count();
        let own = self.labels_of(namespace, name);
        let mut labels = own.clone();
        labels["controller-revision-hash"] = json!(
            self.identity
                .suffix(&format!("revision/{namespace}/{name}"), 10)
        );
        labels["pod-template-generation"] = json!("2");
        for node in &hosts {
            let owner = self.owner("apps/v1", "DaemonSet", namespace, name);
            let pod = format!(
                "{name}-{}",
                self.identity
                    .suffix(&format!("pod/{namespace}/{name}/{}", node.name()), 5)
            );
            let mut draft = PodDraft::new(namespace, pod, node, labels.clone(), owner);
            draft.started = self.pod_start(node, &draft.name);
            draft.restarts = if workload.name == "kube-vip" && node.index == 0 {
                1 + self.identity.below(&draft.name, 3)
            } else {
                0
            };
            self.add_pod(objects, pods, workload, draft);
        }
        objects.add(json!({
            "apiVersion": "apps/v1", "kind": "DaemonSet",
            "metadata": self.meta("DaemonSet", namespace, name, self.installed).labels(own.clone()).with("generation", json!(2)).done(),
            "spec": {
                "revisionHistoryLimit": 10, "selector": { "matchLabels": own },
                "template": {
                    "metadata": { "creationTimestamp": null, "labels": own },
                    "spec": { "containers": self.container_specs(workload, self.services), "hostNetwork": true, "restartPolicy": "Always" },
                },
                "updateStrategy": { "type": "RollingUpdate", "rollingUpdate": { "maxSurge": 0, "maxUnavailable": 1 } },
            },
            "status": {
                "currentNumberScheduled": hosts.len(), "desiredNumberScheduled": hosts.len(), "numberAvailable": ready, "numberMisscheduled": 0,
                "numberReady": ready, "numberUnavailable": hosts.len() - ready, "observedGeneration": 2, "updatedNumberScheduled": hosts.len(),
            },
        }));
    }

    fn add_stateful_set(&self, objects: &mut Objects, pods: &mut Vec<Pod>, workload: &Workload) {
        let (namespace, name) = (workload.namespace, workload.name);
        let pod = format!("{name}-0");
        let attached = self
            .volumes
            .iter()
            .find(|volume| volume.claim.ends_with(&pod))
            .and_then(|volume| volume.node.clone());
        let node = match attached {
            Some(node) => self.node(&node),
            None => self
                .alive()
                .find(|node| node.has_workloads() && !self.in_transition(node.name())),
        };
        let Some(node) = node else { return };
        let labels =
            json!({ "app.kubernetes.io/name": name, "statefulset.kubernetes.io/pod-name": pod });
        let mut draft = PodDraft::new(
            namespace,
            pod,
            node,
            labels,
            self.owner("apps/v1", "StatefulSet", namespace, name),
        );
        draft.started = self.pod_start(node, &draft.name);
        draft.claim = self
            .volumes
            .iter()
            .find(|volume| volume.claim.ends_with(&draft.name))
            .map(|volume| volume.claim.clone());
        self.add_pod(objects, pods, workload, draft);
        objects.add(json!({
            "apiVersion": "apps/v1", "kind": "StatefulSet",
            "metadata": self.meta("StatefulSet", namespace, name, self.installed).labels(json!({ "app.kubernetes.io/name": name })).with("generation", json!(1)).done(),
            "spec": {
                "podManagementPolicy": "OrderedReady", "replicas": 1, "serviceName": name, "selector": { "matchLabels": { "app.kubernetes.io/name": name } },
                "template": { "metadata": { "labels": { "app.kubernetes.io/name": name } }, "spec": { "containers": self.container_specs(workload, self.services) } },
            },
            "status": { "availableReplicas": 1, "currentReplicas": 1, "observedGeneration": 1, "readyReplicas": 1, "replicas": 1, "updatedReplicas": 1 },
        }));
    }

    fn add_static_pod(
        &self,
        objects: &mut Objects,
        pods: &mut Vec<Pod>,
        workload: &Workload,
        node: &Node,
    ) {
        let name = format!("{}-{}", workload.name, node.name());
        let labels = json!({ "component": workload.name, "tier": "control-plane" });
        let owner = json!({ "apiVersion": "v1", "kind": "Node", "name": node.name(), "uid": self.uid("Node", "", node.name()), "controller": true });
        let mut draft = PodDraft::new(workload.namespace, name, node, labels, owner);
        let boot = node.booted() + SignedDuration::from_secs(62);
        let updated = self
            .step(node.name())
            .and_then(|step| step.kubelet_updated)
            .filter(|updated| *updated > boot);
        draft.started = updated.unwrap_or(boot);
        draft.release = Some(node.kubelet);
        draft.priority = 2_000_001_000;
        draft.annotations = json!({ "kubernetes.io/config.hash": self.identity.hex(&draft.name, 32), "kubernetes.io/config.mirror": self.identity.hex(&draft.name, 32), "kubernetes.io/config.source": "file" });
        // The previous instance ended with the last boot; its log went with it.
        draft.restarts = if workload.name == "etcd" { 1 } else { 0 };
        self.add_pod(objects, pods, workload, draft);
    }

    fn add_pod(
        &self,
        objects: &mut Objects,
        pods: &mut Vec<Pod>,
        workload: &Workload,
        draft: PodDraft<'_>,
    ) {
        let release = draft.release.unwrap_or(self.services);
        let (object, pod) = self.pod(
            &draft,
            &self.container_specs(workload, release),
            workload.name,
        );
        objects.add(object);
        pods.push(pod);
    }

    fn container_specs(&self, workload: &Workload, release: &Release) -> Vec<Value> {
        workload
            .containers
            .iter()
            .map(|(name, image)| {
                let image = image
                    .replace("{harvester}", release.harvester)
                    .replace("{rancher}", release.rancher)
                    .replace("{longhorn}", release.longhorn)
                    .replace("{suse}", release.kubevirt_path)
                    .replace("{kubevirt}", release.kubevirt)
                    .replace("{kubernetes}", &release.kubernetes.replace('+', "-"));
                let name = if *name == "engine-image" {
                    format!("engine-image-{}", self.engine_image())
                } else {
                    (*name).to_owned()
                };
                container(&name, &image)
            })
            .collect()
    }
}

fn release_of(namespace: &str) -> &'static str {
    match namespace {
        "harvester-system" | "longhorn-system" => "harvester",
        "cattle-system" => "rancher",
        "cattle-monitoring-system" => "rancher-monitoring",
        _ => "fleet",
    }
}
