//! Objects of cluster scope and those that every namespace has: nodes, namespaces, API services, settings, metrics.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::clock::{rfc3339, rfc3339_micro};
use super::objects::{Objects, condition, wrangler_condition};
use super::scenario::Role;
use super::world::{Node, World};

/// Settings of Harvester that a fresh cluster has, with their values.
const SETTINGS: [(&str, &str); 20] = [
    ("additional-guest-memory-overhead-ratio", "1.5"),
    ("auto-disk-provision-paths", ""),
    ("backup-target", ""),
    (
        "csi-driver-config",
        r#"{"driver.longhorn.io":{"volumeSnapshotClassName":"longhorn-snapshot","backupVolumeSnapshotClassName":"longhorn"}}"#,
    ),
    ("default-vm-termination-grace-period-seconds", ""),
    ("http-proxy", ""),
    ("kubeconfig-default-token-ttl-minutes", ""),
    ("log-level", ""),
    ("ntp-servers", r#"{"ntpServers":["0.suse.pool.ntp.org"]}"#),
    ("overcommit-config", ""),
    ("release-download-url", ""),
    ("storage-network", ""),
    ("support-bundle-namespaces", ""),
    ("support-bundle-timeout", ""),
    ("ui-index", ""),
    ("upgrade-checker-enabled", ""),
    (
        "upgrade-config",
        r#"{"imagePreloadOption":{"strategy":{"type":"sequential"}},"restoreVM":false}"#,
    ),
    ("vip-pools", ""),
    ("vm-force-reset-policy", r#"{"enable":true,"period":300}"#),
    ("volume-snapshot-class", "longhorn-snapshot"),
];

/// Features of the processors, as KubeVirt labels them.
const CPU_FEATURES: [&str; 14] = [
    "aes",
    "avx",
    "avx2",
    "erms",
    "fma",
    "invtsc",
    "md-clear",
    "pdpe1gb",
    "pcid",
    "rdrand",
    "smap",
    "spec-ctrl",
    "ssbd",
    "vmx",
];

impl World {
    /// Adds them.
    pub fn add_core_objects(&self, objects: &mut Objects) {
        for node in &self.nodes {
            objects.add(self.node_object(node));
            objects.add(json!({
                "apiVersion": "storage.k8s.io/v1", "kind": "CSINode", "metadata": self.meta("CSINode", "", node.name(), node.joined).with("ownerReferences", json!([{ "apiVersion": "v1", "kind": "Node", "name": node.name(), "uid": self.uid("Node", "", node.name()) }])).done(),
                "spec": { "drivers": [{ "name": "driver.longhorn.io", "nodeID": node.name(), "topologyKeys": null }] },
            }));
            if node.lost.is_none() {
                objects.add(json!({
                    "apiVersion": "metrics.k8s.io/v1beta1", "kind": "NodeMetrics",
                    "metadata": { "name": node.name(), "creationTimestamp": rfc3339(self.collected()), "labels": { "kubernetes.io/hostname": node.name() } },
                    "timestamp": rfc3339(self.ago("19s")), "window": "20.041s",
                    "usage": { "cpu": format!("{}n", 1_200_000_000 + self.identity.below(&format!("cpu/{}", node.name()), 3_000_000_000)), "memory": format!("{}Ki", 31_000_000 + self.identity.below(&format!("memory/{}", node.name()), 20_000_000)) },
                }));
            }
        }
        self.add_namespaces(objects);
        self.add_platform(objects);
        if !self.services.is_old() {
            self.add_settings(objects);
        }
        self.add_leases(objects);
    }

    fn node_object(&self, node: &Node) -> Value {
        let name = node.name();
        let mut labels = json!({
            "beta.kubernetes.io/arch": "amd64", "beta.kubernetes.io/instance-type": "rke2", "beta.kubernetes.io/os": "linux",
            "harvesterhci.io/managed": "true", "kubernetes.io/arch": "amd64", "kubernetes.io/hostname": name, "kubernetes.io/os": "linux",
            "network.harvesterhci.io/mgmt": "true", "node.kubernetes.io/instance-type": "rke2",
            "plan.upgrade.cattle.io/system-agent-upgrader": self.identity.hex("system-agent-upgrader", 56),
            "rke.cattle.io/machine": self.uid("Machine", "fleet-local", &node.machine),
        });
        if node.is_control_plane() {
            labels["node-role.kubernetes.io/control-plane"] = json!("true");
            labels["node-role.kubernetes.io/master"] = json!("true");
        }
        if node.has_etcd() {
            labels["node-role.kubernetes.io/etcd"] = json!("true");
        }
        if node.shape.role == Role::Witness {
            labels["node-role.harvesterhci.io/witness"] = json!("true");
        }
        if node.has_workloads() {
            for feature in CPU_FEATURES {
                labels[format!("cpu-feature.node.kubevirt.io/{feature}")] = json!("true");
            }
            labels["cpu-model.node.kubevirt.io/Skylake-Server-noTSX-IBRS"] = json!("true");
            labels["host-model-cpu.node.kubevirt.io/Skylake-Server-noTSX-IBRS"] = json!("true");
            labels["cpumanager"] = json!("false");
            labels["kubevirt.io/schedulable"] =
                json!(if node.lost.is_some() { "false" } else { "true" });
        }
        if let Some(upgrade) = &self.upgrade {
            let preloaded = upgrade.steps.get(name).is_some_and(|step| {
                !matches!(step.shape.state.as_str(), "Images preloading" | "Failed")
            });
            if preloaded {
                labels[format!("plan.upgrade.cattle.io/{}-prepare", upgrade.name())] =
                    json!(self.identity.hex("prepare", 56));
            }
        }
        let mut annotations = json!({
            "cluster.x-k8s.io/cluster-name": "local", "cluster.x-k8s.io/cluster-namespace": "fleet-local", "cluster.x-k8s.io/labels-from-machine": "",
            "cluster.x-k8s.io/machine": node.machine, "csi.volume.kubernetes.io/nodeid": format!("{{\"driver.longhorn.io\":\"{name}\"}}"),
            "flannel.alpha.coreos.com/backend-type": "vxlan", "flannel.alpha.coreos.com/kube-subnet-manager": "true", "flannel.alpha.coreos.com/public-ip": node.address,
            "kubevirt.io/heartbeat": rfc3339(node.lost.unwrap_or(self.ago("35s"))), "node.alpha.kubernetes.io/ttl": "0",
            "projectcalico.org/IPv4Address": format!("{}/24", node.address), "rke2.io/hostname": name, "rke2.io/internal-ip": node.address,
            "rke2.io/node-args": self.node_arguments(node), "rke2.io/node-env": "{}",
            "volumes.kubernetes.io/controller-managed-attach-detach": "true",
        });
        if node.has_etcd() {
            annotations["etcd.rke2.cattle.io/node-address"] = json!(node.address);
            annotations["etcd.rke2.cattle.io/node-name"] = json!(format!(
                "{name}-{}",
                self.identity.hex(&format!("member/{name}"), 8)
            ));
        }
        let mut taints = Vec::new();
        let mut spec = json!({ "podCIDR": format!("10.52.{}.0/24", node.index), "podCIDRs": [format!("10.52.{}.0/24", node.index)], "providerID": format!("rke2://{name}") });
        if node.shape.role == Role::Witness {
            taints.push(json!({ "effect": "NoExecute", "key": "node-role.kubernetes.io/etcd", "value": "true" }));
        }
        if let Some(step) = self.step(name).filter(|_| self.in_transition(name)) {
            let cordoned =
                step.pre_drain.map_or(step.since, |span| span.start) - SignedDuration::from_secs(8);
            spec["unschedulable"] = json!(true);
            taints.push(json!({ "effect": "NoSchedule", "key": "node.kubernetes.io/unschedulable", "timeAdded": rfc3339(cordoned) }));
            // The pre-drain job sets it when it begins to move machines away, the post-drain job takes it off again.
            if step.post_drain.is_none() && node.lost.is_none() {
                taints.push(json!({ "effect": "NoSchedule", "key": "kubevirt.io/drain", "value": "draining" }));
            }
            if step.shape.state == "Waiting Reboot" {
                annotations["harvesterhci.io/pendingOSImage"] =
                    json!(self.upgrade.as_ref().map(|upgrade| upgrade.to.os_image()));
            }
        }
        if let Some(lost) = node.lost {
            let added = rfc3339(lost + SignedDuration::from_secs(40));
            for effect in ["NoSchedule", "NoExecute"] {
                taints.push(json!({ "effect": effect, "key": "node.kubernetes.io/unreachable", "timeAdded": added }));
            }
        }
        if !taints.is_empty() {
            spec["taints"] = json!(taints);
        }
        json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": self.meta("Node", "", name, node.joined).labels(labels).annotations(annotations)
                .with("finalizers", json!(["wrangler.cattle.io/node", "wrangler.cattle.io/managed-etcd-controller"])).done(),
            "spec": spec,
            "status": self.node_status(node),
        })
    }

    fn node_arguments(&self, node: &Node) -> String {
        let label = format!(
            "rke.cattle.io/machine={}",
            self.uid("Machine", "fleet-local", &node.machine)
        );
        let role = if node.is_control_plane() {
            "server"
        } else {
            "agent"
        };
        json!([
            role,
            "--node-label",
            label,
            "--token",
            "********",
            "--cni",
            "multus,canal",
            "--kubelet-arg",
            "max-pods=200",
            "--tls-san",
            super::world::VIRTUAL_ADDRESS
        ])
        .to_string()
    }

    fn node_status(&self, node: &Node) -> Value {
        let own = self.clock_of(node.name()).unwrap_or(self.clock.clone());
        let ready_since = node.booted() + SignedDuration::from_secs(97);
        let heartbeat = self.ago("70s").max(ready_since)
            - SignedDuration::from_secs(
                i64::try_from(self.identity.below(node.name(), 60)).unwrap_or(0),
            );
        let mut conditions = vec![json!({
            "type": "NetworkUnavailable", "status": "False", "reason": "FlannelIsUp", "message": "Flannel is running on this node",
            "lastHeartbeatTime": rfc3339(ready_since), "lastTransitionTime": rfc3339(ready_since),
        })];
        if node.has_etcd() && !self.services.is_old() {
            conditions.push(json!({
                "type": "EtcdIsVoter", "status": "True", "reason": "MemberNotLearner", "message": "Node is a voting member of the etcd cluster",
                "lastHeartbeatTime": rfc3339(node.lost.unwrap_or(heartbeat)), "lastTransitionTime": rfc3339(ready_since),
            }));
        }
        let kubelet = [
            (
                "MemoryPressure",
                "False",
                "KubeletHasSufficientMemory",
                "kubelet has sufficient memory available",
            ),
            (
                "DiskPressure",
                "False",
                "KubeletHasNoDiskPressure",
                "kubelet has no disk pressure",
            ),
            (
                "PIDPressure",
                "False",
                "KubeletHasSufficientPID",
                "kubelet has sufficient PID available",
            ),
            (
                "Ready",
                "True",
                "KubeletReady",
                if self.services.is_old() {
                    "kubelet is posting ready status. AppArmor enabled"
                } else {
                    "kubelet is posting ready status"
                },
            ),
        ];
        for (kind, status, reason, message) in kubelet {
            conditions.push(match node.lost {
                Some(lost) => json!({
                    "type": kind, "status": "Unknown", "reason": "NodeStatusUnknown", "message": "Kubelet stopped posting node status.",
                    "lastHeartbeatTime": rfc3339(lost - SignedDuration::from_secs(23)), "lastTransitionTime": rfc3339(lost + SignedDuration::from_secs(40)),
                }),
                None => json!({
                    "type": kind, "status": status, "reason": reason, "message": message,
                    "lastHeartbeatTime": rfc3339(own.shown(heartbeat)), "lastTransitionTime": rfc3339(own.shown(if kind == "Ready" { ready_since } else { node.joined })),
                }),
            });
        }
        let images: Vec<Value> = self
            .host_images(node)
            .into_iter()
            .map(|(name, bytes)| json!({ "names": [name], "sizeBytes": bytes }))
            .collect();
        let capacity = |storage: &str| {
            json!({
                "cpu": "32", "devices.kubevirt.io/kvm": "1k", "devices.kubevirt.io/tun": "1k", "devices.kubevirt.io/vhost-net": "1k",
                "ephemeral-storage": storage, "hugepages-2Mi": "0", "memory": "131911264Ki", "pods": "200",
            })
        };
        json!({
            "addresses": [{ "address": node.address, "type": "InternalIP" }, { "address": node.name(), "type": "Hostname" }],
            "allocatable": capacity("149527126718"), "capacity": capacity("153707984Ki"), "conditions": conditions,
            "daemonEndpoints": { "kubeletEndpoint": { "Port": 10250 } }, "images": images, "nodeInfo": self.node_info(node),
        })
    }

    /// `nodeInfo` of the Node and of its Machine.
    pub fn node_info(&self, node: &Node) -> Value {
        let name = node.name();
        json!({
            "architecture": "amd64", "bootID": self.identity.uuid(&format!("boot/{name}/{}", node.boots.len())),
            "containerRuntimeVersion": format!("containerd://{}", node.kubelet.containerd), "kernelVersion": node.os.kernel,
            "kubeProxyVersion": node.kubelet.kubernetes, "kubeletVersion": node.kubelet.kubernetes,
            "machineID": self.identity.hex(&format!("machine-id/{name}"), 32), "operatingSystem": "linux", "osImage": node.os.os_image(),
            "systemUUID": self.identity.uuid(&format!("system/{name}")),
        })
    }

    /// Container images on a host with their sizes in bytes.
    pub fn host_images(&self, node: &Node) -> Vec<(String, u64)> {
        let mut releases = vec![self.services];
        if node.kubelet != self.services {
            releases.push(node.kubelet);
        }
        let mut images = Vec::new();
        for release in releases {
            for (name, bytes) in [
                (
                    format!("docker.io/rancher/harvester-upgrade:v{}", release.harvester),
                    341_827_723,
                ),
                (
                    format!("docker.io/rancher/rancher:{}", release.rancher),
                    227_338_742,
                ),
                (
                    format!("docker.io/rancher/harvester:v{}", release.harvester),
                    183_269_957,
                ),
                (
                    format!(
                        "docker.io/longhornio/longhorn-manager:v{}",
                        release.longhorn
                    ),
                    172_062_858,
                ),
                (
                    format!("docker.io/longhornio/longhorn-engine:v{}", release.longhorn),
                    163_852_464,
                ),
                (
                    format!(
                        "{}/virt-launcher:{}",
                        release.kubevirt_path, release.kubevirt
                    ),
                    236_911_057,
                ),
                (
                    format!(
                        "docker.io/rancher/hardened-kubernetes:{}",
                        release.kubernetes.replace('+', "-")
                    ),
                    221_910_144,
                ),
            ] {
                if !images.iter().any(|(known, _)| *known == name) {
                    images.push((name, bytes));
                }
            }
        }
        images.push(("docker.io/rancher/mirrored-pause:3.6".to_owned(), 301_463));
        images
    }

    fn add_namespaces(&self, objects: &mut Objects) {
        let mut names = self.namespaces();
        names.extend(
            [
                "harvester-public",
                "cattle-global-data",
                "kube-node-lease",
                "kube-public",
            ]
            .map(str::to_owned),
        );
        names.extend(
            self.scenario
                .cluster
                .virtual_machines
                .iter()
                .map(|machine| machine.namespace.clone()),
        );
        names.sort();
        names.dedup();
        for name in names {
            objects.add(json!({
                "apiVersion": "v1", "kind": "Namespace",
                "metadata": self.meta("Namespace", "", &name, self.installed)
                    .annotations(json!({ "lifecycle.cattle.io/create.namespace-auth": "true", "field.cattle.io/projectId": "local:p-8xq7l" }))
                    .labels(json!({ "kubernetes.io/metadata.name": name, "field.cattle.io/projectId": "p-8xq7l" })).done(),
                "spec": { "finalizers": ["kubernetes"] }, "status": { "phase": "Active" },
            }));
            if !self.namespaces().contains(&name) {
                continue;
            }
            objects.add(json!({
                "apiVersion": "v1", "kind": "ServiceAccount", "metadata": self.meta("ServiceAccount", &name, "default", self.installed).done(),
            }));
            objects.add(json!({
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": self.meta("ConfigMap", &name, "kube-root-ca.crt", self.installed)
                    .annotations(json!({ "kubernetes.io/description": "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters." })).done(),
                "data": { "ca.crt": self.certificate("cluster-ca") },
            }));
        }
        objects.add(json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": self.meta("ConfigMap", "kube-system", "rke2-coredns-rke2-coredns", self.installed).done(),
            "data": { "Corefile": ".:53 {\n    errors \n    health  {\n        lameduck 5s\n    }\n    ready \n    kubernetes   cluster.local  cluster.local in-addr.arpa ip6.arpa {\n        pods insecure\n        fallthrough in-addr.arpa ip6.arpa\n        ttl 30\n    }\n    prometheus   0.0.0.0:9153\n    forward   . /etc/resolv.conf\n    cache   30\n    loop \n    reload \n    loadbalance \n}" },
        }));
        objects.add(json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": self.meta("ConfigMap", "longhorn-system", "longhorn-default-setting", self.installed).done(),
            "data": { "default-setting.yaml": "default-replica-count: 3\nnode-down-pod-deletion-policy: \"do-nothing\"\npriority-class: system-cluster-critical\ntaint-toleration: \"\"\n" },
        }));
    }

    /// Text with the look of a certificate.
    fn certificate(&self, key: &str) -> String {
        use base64::Engine as _;
        let bytes: String = (0..9)
            .map(|part| self.identity.hex(&format!("{key}/{part}"), 64))
            .collect();
        let text = base64::engine::general_purpose::STANDARD.encode(bytes);
        let lines: Vec<&str> = (0..text.len())
            .step_by(64)
            .map(|at| &text[at..text.len().min(at + 64)])
            .collect();
        format!(
            "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
            lines.join("\n")
        )
    }

    fn add_platform(&self, objects: &mut Objects) {
        for name in ["controller-manager", "scheduler", "etcd-0"] {
            let message = if name == "etcd-0" && self.services.is_old() {
                "{\"health\":\"true\",\"reason\":\"\"}"
            } else {
                "ok"
            };
            objects.add(json!({
                "apiVersion": "v1", "kind": "ComponentStatus", "metadata": { "name": name, "creationTimestamp": null },
                "conditions": [{ "message": message, "status": "True", "type": "Healthy" }],
            }));
        }
        let up = self
            .nodes
            .iter()
            .filter(|node| node.lost.is_none())
            .map(Node::booted)
            .max()
            .unwrap_or(self.installed)
            + SignedDuration::from_secs(140);
        for (name, service) in [
            ("v1.", None),
            ("v1.apps", None),
            (
                "v1beta1.metrics.k8s.io",
                Some(("kube-system", "rke2-metrics-server")),
            ),
            (
                "v1.subresources.kubevirt.io",
                Some(("harvester-system", "virt-api")),
            ),
            ("v1beta1.longhorn.io", None),
        ] {
            let (version, group) = name.split_once('.').unwrap_or((name, ""));
            let available = match service {
                Some(_) => condition("Available", "True", up, "Passed", "all checks passed"),
                None => condition(
                    "Available",
                    "True",
                    self.installed,
                    "Local",
                    "Local APIServices are always available",
                ),
            };
            objects.add(json!({
                "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": self.meta("APIService", "", name, self.installed).done(),
                "spec": {
                    "group": group, "version": version, "groupPriorityMinimum": 1000, "versionPriority": 15,
                    "service": service.map(|(namespace, name)| json!({ "name": name, "namespace": namespace, "port": 443 })),
                },
                "status": { "conditions": [available] },
            }));
        }
        for (name, default) in [
            ("harvester-longhorn", "true"),
            ("longhorn", "false"),
            ("longhorn-static", "false"),
        ] {
            objects.add(json!({
                "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "allowVolumeExpansion": true,
                "metadata": self.meta("StorageClass", "", name, self.installed).annotations(json!({ "storageclass.kubernetes.io/is-default-class": default })).done(),
                "parameters": { "migratable": "true", "numberOfReplicas": "3", "staleReplicaTimeout": "30" },
                "provisioner": "driver.longhorn.io", "reclaimPolicy": "Delete", "volumeBindingMode": "Immediate",
            }));
        }
        for (name, value) in [
            ("system-cluster-critical", 2_000_000_000_u64),
            ("system-node-critical", 2_000_001_000),
            ("longhorn-critical", 1_000_000_000),
        ] {
            objects.add(json!({
                "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": self.meta("PriorityClass", "", name, self.installed).done(),
                "description": "Used for system critical pods that must not be moved from their current node.", "preemptionPolicy": "PreemptLowerPriority", "value": value,
            }));
        }
        objects.add(json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": self.meta("ValidatingWebhookConfiguration", "", "harvester-validator", self.installed).done(),
            "webhooks": [{
                "admissionReviewVersions": ["v1", "v1beta1"], "clientConfig": { "service": { "name": "harvester-webhook", "namespace": "harvester-system", "path": "/v1/webhook/validation", "port": 443 } },
                "failurePolicy": "Fail", "matchPolicy": "Equivalent", "name": "validator.harvesterhci.io", "namespaceSelector": {}, "objectSelector": {},
                "rules": [{ "apiGroups": ["harvesterhci.io"], "apiVersions": ["v1beta1"], "operations": ["CREATE", "UPDATE"], "resources": ["upgrades"], "scope": "Namespaced" }],
                "sideEffects": "None", "timeoutSeconds": 10,
            }],
        }));
        objects.add(json!({
            "apiVersion": "network.harvesterhci.io/v1beta1", "kind": "ClusterNetwork", "metadata": self.meta("ClusterNetwork", "", "mgmt", self.installed).done(),
            "status": { "conditions": [wrangler_condition("ready", "True", self.installed, "", "")] },
        }));
        for (namespace, name, port, component) in [
            ("default", "kubernetes", 443, ""),
            ("harvester-system", "harvester", 8443, "harvester"),
            ("longhorn-system", "longhorn-frontend", 80, "longhorn-ui"),
            ("cattle-system", "rancher", 443, "rancher"),
        ] {
            let selector = if component.is_empty() {
                Value::Null
            } else {
                json!({ "app.kubernetes.io/name": component })
            };
            objects.add(json!({
                "apiVersion": "v1", "kind": "Service", "metadata": self.meta("Service", namespace, name, self.installed).done(),
                "spec": {
                    "clusterIP": format!("10.53.{}.{}", self.identity.below(name, 250), 1 + self.identity.below(namespace, 250)), "internalTrafficPolicy": "Cluster", "ipFamilies": ["IPv4"],
                    "ports": [{ "name": "https", "port": port, "protocol": "TCP", "targetPort": port }], "selector": selector, "sessionAffinity": "None", "type": "ClusterIP",
                },
                "status": { "loadBalancer": {} },
            }));
        }
    }

    fn add_settings(&self, objects: &mut Objects) {
        let version = format!("v{}", self.services.harvester);
        let server_version = [("server-version", version.as_str())];
        for (name, value) in SETTINGS.iter().copied().chain(server_version) {
            objects.add(json!({
                "apiVersion": "harvesterhci.io/v1beta1", "kind": "Setting", "metadata": self.meta("Setting", "", name, self.installed).done(),
                "default": if name == "vm-force-reset-policy" { value } else { "" }, "value": if name == "vm-force-reset-policy" { "" } else { value },
                "status": { "conditions": [wrangler_condition("configured", "True", self.installed + SignedDuration::from_mins(12), "", "")] },
            }));
        }
        for (name, value) in [
            (
                "server-url",
                format!("https://{}", super::world::VIRTUAL_ADDRESS),
            ),
            ("server-version", self.services.rancher.to_owned()),
        ] {
            objects.add(json!({
                "apiVersion": "management.cattle.io/v3", "kind": "Setting", "metadata": self.meta("management.Setting", "", name, self.installed).done(),
                "customized": false, "default": "", "source": "", "value": value,
            }));
        }
    }

    fn add_leases(&self, objects: &mut Objects) {
        let holder = |key: &str| {
            format!(
                "{key}-{}",
                self.identity.suffix(&format!("holder/{key}"), 5)
            )
        };
        for (namespace, name, component) in [
            ("kube-system", "harvester-controllers", "harvester"),
            (
                "kube-system",
                "kube-controller-manager",
                "kube-controller-manager",
            ),
            ("kube-system", "kube-scheduler", "kube-scheduler"),
            ("kube-system", "cattle-controllers", "rancher"),
            ("kube-system", "plndr-cp-lock", "kube-vip"),
            ("harvester-system", "virt-controller", "virt-controller"),
            ("longhorn-system", "driver-longhorn-io", "csi-provisioner"),
        ] {
            let acquired: Timestamp = self
                .nodes
                .iter()
                .filter(|node| node.lost.is_none())
                .map(Node::booted)
                .max()
                .unwrap_or(self.installed);
            let renewed = self.ago("2s");
            let mut lease = json!({
                "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": self.meta("Lease", namespace, name, self.installed).done(),
                "spec": {
                    "acquireTime": rfc3339_micro(acquired + SignedDuration::from_millis(151_204)), "holderIdentity": holder(component), "leaseDurationSeconds": 15,
                    "leaseTransitions": 4 + self.identity.below(name, 9), "renewTime": rfc3339_micro(renewed + SignedDuration::from_millis(413)),
                },
            });
            if name == "plndr-cp-lock" {
                let keeper = self
                    .alive()
                    .find(|node| node.is_control_plane())
                    .map(|node| node.name().to_owned());
                lease["spec"]["holderIdentity"] = json!(keeper);
            }
            objects.add(lease);
        }
    }
}
