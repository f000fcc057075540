//! Kinds of objects: the groups they live in, and how a bare kind is understood.

/// A kind within its API group. Versions are merged: `v1beta1` and `v1beta2` of a kind are one kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind {
    /// API group, empty for the core group, `doctor` for objects that are worked out at load.
    pub group: String,
    /// Kind as the API writes it: `Node`.
    pub name: String,
}

/// What a kind's name in a rule turned out to mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// Exactly this kind.
    Known(Kind),
    /// Several groups have it; these.
    Ambiguous(Vec<Kind>),
    /// No group in the catalogue has it.
    Unknown,
}

/// A kind of the catalogue.
#[derive(Debug, Clone, Copy)]
pub struct KnownKind {
    /// API group.
    pub group: &'static str,
    /// Kind.
    pub name: &'static str,
    /// Lives in a namespace.
    pub namespaced: bool,
}

/// Group of the objects that are worked out at load.
pub const DERIVED_GROUP: &str = "doctor";

/// Groups that win where a bare kind stands in several: those of Kubernetes itself.
const KUBERNETES_GROUPS: [&str; 13] = [
    "",
    "apps",
    "batch",
    "policy",
    "storage.k8s.io",
    "networking.k8s.io",
    "rbac.authorization.k8s.io",
    "coordination.k8s.io",
    "scheduling.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "admissionregistration.k8s.io",
    "autoscaling",
];

impl Kind {
    /// A kind from its two parts.
    pub fn new(group: impl Into<String>, name: impl Into<String>) -> Self {
        Kind {
            group: group.into(),
            name: name.into(),
        }
    }

    /// The shortest name that means this kind in a rule: bare where that is enough, else `group/Kind`.
    pub fn display(&self) -> String {
        match resolve(None, &self.name) {
            Resolution::Known(kind) if kind == *self => self.name.clone(),
            _ if self.group.is_empty() => self.name.clone(),
            _ => format!("{}/{}", self.group, self.name),
        }
    }

    /// Whether objects of the kind live in a namespace; `None` where the catalogue does not know.
    pub fn namespaced(&self) -> Option<bool> {
        KNOWN_KINDS
            .iter()
            .find(|known| known.group == self.group && known.name == self.name)
            .map(|known| known.namespaced)
    }

    /// The plural resource name, by Kubernetes's own guess.
    pub fn plural(&self) -> String {
        plural(&self.name)
    }

    /// Worked out at load, not collected.
    pub fn is_derived(&self) -> bool {
        self.group == DERIVED_GROUP
    }
}

/// The plural resource name of a kind, by Kubernetes's own guess.
pub(super) fn plural(kind: &str) -> String {
    let lower = kind.to_lowercase();
    match lower.as_str() {
        "endpoints" => lower,
        "networkattachmentdefinition" => "network-attachment-definitions".to_owned(),
        _ if lower.ends_with('s') || lower.ends_with('x') || lower.ends_with("ch") => lower + "es",
        _ if lower.ends_with('y') => format!("{}ies", &lower[..lower.len() - 1]),
        _ => lower + "s",
    }
}

/// The meaning of a kind's name as rules write it, with its group or bare. A bare kind of Kubernetes
/// itself wins over the same name elsewhere (`Node` is never Longhorn's); derived kinds need their group.
pub fn resolve(group: Option<&str>, name: &str) -> Resolution {
    let matching = |wanted: &dyn Fn(&KnownKind) -> bool| -> Vec<Kind> {
        KNOWN_KINDS
            .iter()
            .filter(|known| known.name == name && wanted(known))
            .map(|known| Kind::new(known.group, known.name))
            .collect()
    };
    if let Some(group) = group {
        return match matching(&|known| known.group == group).pop() {
            Some(kind) => Resolution::Known(kind),
            None => Resolution::Unknown,
        };
    }
    let mut own = matching(&|known| KUBERNETES_GROUPS.contains(&known.group));
    if own.len() == 1
        && let Some(kind) = own.pop()
    {
        return Resolution::Known(kind);
    }
    let mut all = matching(&|known| known.group != DERIVED_GROUP);
    match (all.len(), all.pop()) {
        (1, Some(kind)) => Resolution::Known(kind),
        (_, None) => Resolution::Unknown,
        (_, Some(last)) => {
            all.push(last);
            Resolution::Ambiguous(all)
        }
    }
}

const fn namespaced(group: &'static str, name: &'static str) -> KnownKind {
    KnownKind {
        group,
        name,
        namespaced: true,
    }
}

const fn cluster_wide(group: &'static str, name: &'static str) -> KnownKind {
    KnownKind {
        group,
        name,
        namespaced: false,
    }
}

/// The kinds that rules may name. A kind that is missing here is still read and counted.
pub const KNOWN_KINDS: &[KnownKind] = &[
    namespaced("", "ConfigMap"),
    namespaced("", "Endpoints"),
    namespaced("", "Event"),
    cluster_wide("", "Namespace"),
    cluster_wide("", "Node"),
    cluster_wide("", "PersistentVolume"),
    namespaced("", "PersistentVolumeClaim"),
    namespaced("", "Pod"),
    namespaced("", "Secret"),
    namespaced("", "Service"),
    namespaced("", "ServiceAccount"),
    cluster_wide("", "ComponentStatus"),
    namespaced("apps", "ControllerRevision"),
    namespaced("apps", "DaemonSet"),
    namespaced("apps", "Deployment"),
    namespaced("apps", "ReplicaSet"),
    namespaced("apps", "StatefulSet"),
    namespaced("batch", "CronJob"),
    namespaced("batch", "Job"),
    namespaced("policy", "PodDisruptionBudget"),
    cluster_wide("storage.k8s.io", "CSIDriver"),
    cluster_wide("storage.k8s.io", "CSINode"),
    cluster_wide("storage.k8s.io", "StorageClass"),
    cluster_wide("storage.k8s.io", "VolumeAttachment"),
    namespaced("coordination.k8s.io", "Lease"),
    namespaced("networking.k8s.io", "Ingress"),
    namespaced("networking.k8s.io", "NetworkPolicy"),
    cluster_wide("scheduling.k8s.io", "PriorityClass"),
    cluster_wide("apiextensions.k8s.io", "CustomResourceDefinition"),
    cluster_wide("apiregistration.k8s.io", "APIService"),
    cluster_wide(
        "admissionregistration.k8s.io",
        "MutatingWebhookConfiguration",
    ),
    cluster_wide(
        "admissionregistration.k8s.io",
        "ValidatingWebhookConfiguration",
    ),
    cluster_wide("rbac.authorization.k8s.io", "ClusterRole"),
    cluster_wide("rbac.authorization.k8s.io", "ClusterRoleBinding"),
    namespaced("rbac.authorization.k8s.io", "Role"),
    namespaced("rbac.authorization.k8s.io", "RoleBinding"),
    namespaced("metrics.k8s.io", "PodMetrics"),
    cluster_wide("metrics.k8s.io", "NodeMetrics"),
    namespaced("snapshot.storage.k8s.io", "VolumeSnapshot"),
    cluster_wide("snapshot.storage.k8s.io", "VolumeSnapshotClass"),
    cluster_wide("snapshot.storage.k8s.io", "VolumeSnapshotContent"),
    namespaced("k8s.cni.cncf.io", "NetworkAttachmentDefinition"),
    namespaced("whereabouts.cni.cncf.io", "IPPool"),
    namespaced("harvesterhci.io", "Addon"),
    namespaced("harvesterhci.io", "BlockDevice"),
    namespaced("harvesterhci.io", "KeyPair"),
    namespaced("harvesterhci.io", "Preference"),
    namespaced("harvesterhci.io", "ResourceQuota"),
    namespaced("harvesterhci.io", "ScheduleVMBackup"),
    cluster_wide("harvesterhci.io", "Setting"),
    namespaced("harvesterhci.io", "SupportBundle"),
    namespaced("harvesterhci.io", "Upgrade"),
    namespaced("harvesterhci.io", "UpgradeLog"),
    namespaced("harvesterhci.io", "Version"),
    namespaced("harvesterhci.io", "VirtualMachineBackup"),
    namespaced("harvesterhci.io", "VirtualMachineImage"),
    namespaced("harvesterhci.io", "VirtualMachineRestore"),
    namespaced("harvesterhci.io", "VirtualMachineTemplate"),
    namespaced("harvesterhci.io", "VirtualMachineTemplateVersion"),
    cluster_wide("network.harvesterhci.io", "ClusterNetwork"),
    cluster_wide("network.harvesterhci.io", "LinkMonitor"),
    cluster_wide("network.harvesterhci.io", "VlanConfig"),
    cluster_wide("network.harvesterhci.io", "VlanStatus"),
    namespaced("loadbalancer.harvesterhci.io", "LoadBalancer"),
    cluster_wide("loadbalancer.harvesterhci.io", "IPPool"),
    cluster_wide("devices.harvesterhci.io", "PCIDevice"),
    cluster_wide("devices.harvesterhci.io", "PCIDeviceClaim"),
    cluster_wide("devices.harvesterhci.io", "SRIOVNetworkDevice"),
    cluster_wide("node.harvesterhci.io", "NodeConfig"),
    namespaced("longhorn.io", "BackingImage"),
    namespaced("longhorn.io", "BackingImageDataSource"),
    namespaced("longhorn.io", "BackingImageManager"),
    namespaced("longhorn.io", "Backup"),
    namespaced("longhorn.io", "BackupTarget"),
    namespaced("longhorn.io", "BackupVolume"),
    namespaced("longhorn.io", "Engine"),
    namespaced("longhorn.io", "EngineImage"),
    namespaced("longhorn.io", "InstanceManager"),
    namespaced("longhorn.io", "Node"),
    namespaced("longhorn.io", "Orphan"),
    namespaced("longhorn.io", "RecurringJob"),
    namespaced("longhorn.io", "Replica"),
    namespaced("longhorn.io", "Setting"),
    namespaced("longhorn.io", "ShareManager"),
    namespaced("longhorn.io", "Snapshot"),
    namespaced("longhorn.io", "SupportBundle"),
    namespaced("longhorn.io", "SystemBackup"),
    namespaced("longhorn.io", "Volume"),
    namespaced("longhorn.io", "VolumeAttachment"),
    namespaced("kubevirt.io", "KubeVirt"),
    namespaced("kubevirt.io", "VirtualMachine"),
    namespaced("kubevirt.io", "VirtualMachineInstance"),
    namespaced("kubevirt.io", "VirtualMachineInstanceMigration"),
    namespaced("kubevirt.io", "VirtualMachineInstanceReplicaSet"),
    namespaced("cdi.kubevirt.io", "DataVolume"),
    cluster_wide("cdi.kubevirt.io", "CDI"),
    namespaced("snapshot.kubevirt.io", "VirtualMachineSnapshot"),
    namespaced("cluster.x-k8s.io", "Cluster"),
    namespaced("cluster.x-k8s.io", "Machine"),
    namespaced("cluster.x-k8s.io", "MachineDeployment"),
    namespaced("cluster.x-k8s.io", "MachineSet"),
    namespaced("rke.cattle.io", "CustomMachine"),
    namespaced("rke.cattle.io", "ETCDSnapshot"),
    namespaced("rke.cattle.io", "RKEBootstrap"),
    namespaced("rke.cattle.io", "RKEBootstrapTemplate"),
    namespaced("rke.cattle.io", "RKECluster"),
    namespaced("rke.cattle.io", "RKEControlPlane"),
    namespaced("provisioning.cattle.io", "Cluster"),
    namespaced("management.cattle.io", "ManagedChart"),
    cluster_wide("management.cattle.io", "Cluster"),
    namespaced("management.cattle.io", "Node"),
    cluster_wide("management.cattle.io", "Setting"),
    cluster_wide("management.cattle.io", "Feature"),
    namespaced("fleet.cattle.io", "Bundle"),
    namespaced("fleet.cattle.io", "BundleDeployment"),
    namespaced("fleet.cattle.io", "Cluster"),
    namespaced("fleet.cattle.io", "ClusterGroup"),
    cluster_wide("fleet.cattle.io", "Content"),
    namespaced("fleet.cattle.io", "GitRepo"),
    namespaced("catalog.cattle.io", "App"),
    cluster_wide("catalog.cattle.io", "ClusterRepo"),
    namespaced("catalog.cattle.io", "Operation"),
    namespaced("helm.cattle.io", "HelmChart"),
    namespaced("helm.cattle.io", "HelmChartConfig"),
    namespaced("k3s.cattle.io", "Addon"),
    cluster_wide("k3s.cattle.io", "ETCDSnapshotFile"),
    namespaced("upgrade.cattle.io", "Plan"),
    namespaced("logging.banzaicloud.io", "ClusterFlow"),
    namespaced("logging.banzaicloud.io", "ClusterOutput"),
    cluster_wide("logging.banzaicloud.io", "Logging"),
    namespaced("monitoring.coreos.com", "Alertmanager"),
    namespaced("monitoring.coreos.com", "Prometheus"),
    namespaced("monitoring.coreos.com", "PrometheusRule"),
    namespaced("monitoring.coreos.com", "ServiceMonitor"),
    cluster_wide("kubeovn.io", "Subnet"),
    cluster_wide("kubeovn.io", "Vpc"),
    cluster_wide(DERIVED_GROUP, "Boot"),
    cluster_wide(DERIVED_GROUP, "Disk"),
    cluster_wide(DERIVED_GROUP, "Etcd"),
    cluster_wide(DERIVED_GROUP, "Host"),
    cluster_wide(DERIVED_GROUP, "LogFile"),
    cluster_wide(DERIVED_GROUP, "Missing"),
    cluster_wide(DERIVED_GROUP, "Mount"),
    cluster_wide(DERIVED_GROUP, "SignOfLife"),
    cluster_wide(DERIVED_GROUP, "UpgradeStatus"),
    cluster_wide(DERIVED_GROUP, "UpgradeStep"),
];

/// Kinds that are worked out at load, and what there is one object of each for.
pub const DERIVED_KINDS: [(&str, &str); 10] = [
    ("Boot", "a boot that the journals of a host show"),
    (
        "Disk",
        "a block device of a host: model, health, SMART, use",
    ),
    ("Etcd", "the cluster: members of etcd, quorum and margin"),
    (
        "Host",
        "a node with host files: system, memory, clock, services",
    ),
    ("LogFile", "a log that was read: its times, its last lines"),
    ("Missing", "a thing that should be in the bundle and is not"),
    (
        "Mount",
        "a mounted file system of a host: its state and use",
    ),
    (
        "SignOfLife",
        "a node that was heard of: when last, and by whom",
    ),
    (
        "UpgradeStatus",
        "the current upgrade: its state, phase and movement",
    ),
    (
        "UpgradeStep",
        "a node in the current upgrade: its state since when",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_kind_means_kubernetes_own_or_the_only_one() {
        let cases = [
            (None, "Node", Resolution::Known(Kind::new("", "Node"))),
            (
                None,
                "VolumeAttachment",
                Resolution::Known(Kind::new("storage.k8s.io", "VolumeAttachment")),
            ),
            (
                None,
                "Volume",
                Resolution::Known(Kind::new("longhorn.io", "Volume")),
            ),
            (
                Some("longhorn.io"),
                "Node",
                Resolution::Known(Kind::new("longhorn.io", "Node")),
            ),
            (
                None,
                "Machine",
                Resolution::Known(Kind::new("cluster.x-k8s.io", "Machine")),
            ),
            (None, "Disk", Resolution::Unknown),
            (
                Some("doctor"),
                "Disk",
                Resolution::Known(Kind::new("doctor", "Disk")),
            ),
            (None, "Upgrades", Resolution::Unknown),
        ];
        for (group, name, expected) in cases {
            assert_eq!(resolve(group, name), expected, "{group:?} {name}");
        }
        assert!(
            matches!(resolve(None, "Cluster"), Resolution::Ambiguous(kinds) if kinds.len() == 4)
        );
    }

    #[test]
    fn display_is_the_shortest_name_that_resolves_back() {
        for known in KNOWN_KINDS {
            let kind = Kind::new(known.group, known.name);
            let display = kind.display();
            let (group, name) = match display.split_once('/') {
                Some((group, name)) => (Some(group), name),
                None => (None, display.as_str()),
            };
            assert_eq!(resolve(group, name), Resolution::Known(kind), "{display}");
        }
    }

    #[test]
    fn derived_kinds_are_those_of_the_catalogue() {
        let known = KNOWN_KINDS.iter().filter(|it| it.group == DERIVED_GROUP);
        let known: Vec<&str> = known.map(|it| it.name).collect();
        assert_eq!(DERIVED_KINDS.map(|(name, _)| name).to_vec(), known);
    }

    #[test]
    fn the_catalogue_has_no_kind_twice() {
        let mut seen = std::collections::BTreeSet::new();
        for known in KNOWN_KINDS {
            assert!(
                seen.insert((known.group, known.name)),
                "{}/{}",
                known.group,
                known.name
            );
        }
    }
}
