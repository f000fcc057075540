//! What is looked at before an upgrade. A check mostly names the rules that decide it; what a rule
//! knows is not said again here.

use super::{Answer, Asker, Cluster, backup, condition, room, storage_network, version_path};

/// API group and name of a kind.
pub(super) type KindName = (&'static str, &'static str);
const NODES: KindName = ("", "Node");
const PODS: KindName = ("", "Pod");
const MACHINES: KindName = ("cluster.x-k8s.io", "Machine");
const CHARTS: KindName = ("management.cattle.io", "ManagedChart");
const BUNDLES: KindName = ("fleet.cattle.io", "Bundle");
const ADDONS: KindName = ("harvesterhci.io", "Addon");
const SETTINGS: KindName = ("harvesterhci.io", "Setting");
const LONGHORN: KindName = ("longhorn.io", "Node");

/// A check, as the list has it.
pub(super) struct Entry {
    /// Stable name.
    pub(super) id: &'static str,
    /// What holds when it passes.
    pub(super) title: &'static str,
    /// Rules of which any finding fails it.
    pub(super) rules: &'static [&'static str],
    /// A plain condition of objects that no rule tells.
    pub(super) computed: Option<fn(&Cluster<'_>) -> Answer>,
    /// Who of Harvester asks for it, and at which versions.
    pub(super) asked: &'static [(Asker, &'static str)],
    /// The versions at which it means something, `""` for all.
    pub(super) versions: &'static str,
    /// Below so many nodes it means nothing; a witness is none.
    pub(super) least_nodes: usize,
    /// Kinds of which each cluster has objects: without any, what it looks at was not collected.
    pub(super) always: &'static [KindName],
    /// Why its passing can never be seen in a bundle.
    pub(super) never: Option<&'static str>,
}

const PLAIN: Entry = Entry {
    id: "",
    title: "",
    rules: &[],
    computed: None,
    asked: &[],
    versions: "",
    least_nodes: 1,
    always: &[],
    never: None,
};

/// The script waits for nothing, the webhook neither: constants of rules that give a state time to
/// pass by itself, and are set to none here.
pub(super) const AT_ONCE: &[(&str, &str)] = &[
    ("addon-processing-blocks-upgrade", "patience"),
    ("backup-or-schedule-running", "patience"),
    ("bundle-modified-drift", "patience"),
    ("capi-cluster-paused", "patience"),
    ("degraded-volumes-block-start", "patience"),
    ("machine-not-running-ghost", "patience"),
    ("node-machine-mismatch", "patience"),
    ("node-notready-or-cordoned-precheck", "patience"),
    ("node-notready-unknown", "rebootGrace"),
    ("previous-upgrade-incomplete", "patience"),
    ("upgrade-leftovers", "patience"),
    ("upgradelog-operator-leftover", "patience"),
    ("volume-degraded", "patience"),
    ("volume-faulted", "patience"),
    ("webhook-managedchart-not-ready", "patience"),
];

/// Every check, in the order of the report: the way, the cluster, its charts, its volumes, its VMs,
/// and what a node's absence asks of the others.
///
/// Sources: Harvester's webhook (`pkg/webhook/resources/upgrade/validator.go`) and the script of its
/// upgrade helpers (`pre-check/v1.x/check.sh`).
pub(super) const CHECKS: &[Entry] = &[
    Entry {
        id: "version-path",
        title: "The version may be upgraded from here",
        computed: Some(version_path::check),
        asked: &[(Asker::Controller, ">=1.4.0")],
        ..PLAIN
    },
    Entry {
        id: "no-upgrade-under-way",
        title: "No upgrade is under way",
        computed: Some(condition::no_upgrade_under_way),
        asked: &[(Asker::Webhook, "")],
        always: &[SETTINGS, CHARTS],
        ..PLAIN
    },
    Entry {
        id: "earlier-upgrades-ended",
        title: "Earlier upgrades ended and cleaned up",
        rules: &["previous-upgrade-incomplete"],
        asked: &[(Asker::Webhook, "")],
        always: &[SETTINGS, CHARTS],
        ..PLAIN
    },
    Entry {
        id: "no-leftovers",
        title: "Earlier upgrades left no paused chart, hook or drain taint",
        rules: &[
            "upgrade-leftovers",
            "upgrade-cr-deleted-mid-flight",
            "upgradelog-operator-leftover",
        ],
        computed: Some(condition::paused_charts),
        always: &[CHARTS, NODES],
        ..PLAIN
    },
    Entry {
        id: "nodes-ready",
        title: "All nodes are Ready and may be scheduled to",
        rules: &[
            "node-notready-unknown",
            "node-notready-or-cordoned-precheck",
        ],
        asked: &[(Asker::Webhook, ">=1.1.0"), (Asker::Script, "")],
        always: &[NODES],
        ..PLAIN
    },
    Entry {
        id: "witness",
        title: "There is one witness node at most, and it is set up as one",
        rules: &["witness-misconfigured"],
        asked: &[(Asker::Script, "")],
        versions: ">=1.3.0",
        always: &[NODES],
        ..PLAIN
    },
    Entry {
        id: "no-node-work",
        title: "No node hangs in maintenance or in its promotion",
        rules: &["maintenance-stuck", "promote-stuck", "promote-failed"],
        always: &[NODES],
        ..PLAIN
    },
    Entry {
        id: "kubernetes-versions",
        title: "All nodes run one Kubernetes version",
        rules: &["mixed-kubernetes-versions"],
        least_nodes: 2,
        always: &[NODES],
        ..PLAIN
    },
    Entry {
        id: "etcd",
        title: "etcd has its quorum, its members and room",
        rules: &[
            "etcd-quorum-lost",
            "etcd-no-leader",
            "etcd-member-removed",
            "etcd-learner-stuck",
            "etcd-cluster-id-mismatch",
            "etcd-corrupt-alarm",
            "etcd-db-damaged",
            "etcd-nospace",
        ],
        always: &[NODES],
        ..PLAIN
    },
    Entry {
        id: "machines-running",
        title: "All machines are Running",
        rules: &["machine-not-running-ghost"],
        asked: &[(Asker::Webhook, ">=1.1.2"), (Asker::Script, "")],
        always: &[MACHINES],
        ..PLAIN
    },
    Entry {
        id: "machines-match-nodes",
        title: "Machines and nodes refer to each other",
        rules: &["node-machine-mismatch"],
        asked: &[(Asker::Webhook, ">=1.6.0"), (Asker::Script, "")],
        always: &[MACHINES, NODES],
        ..PLAIN
    },
    Entry {
        id: "capi-cluster-provisioned",
        title: "Rancher's cluster is Provisioned",
        computed: Some(condition::capi_cluster_provisioned),
        asked: &[(Asker::Webhook, ">=1.1.2"), (Asker::Script, "")],
        ..PLAIN
    },
    Entry {
        id: "capi-cluster-not-paused",
        title: "Rancher's cluster is not paused",
        rules: &["capi-cluster-paused"],
        asked: &[(Asker::Script, "")],
        always: &[MACHINES],
        ..PLAIN
    },
    Entry {
        id: "certificates",
        title: "No certificate ends soon",
        rules: &[
            "cert-expiring-precheck",
            "cert-expiring",
            "rke2-certs-expired",
        ],
        asked: &[(Asker::Webhook, ">=1.5.0"), (Asker::Script, "")],
        never: Some(
            "a bundle holds no certificate: on each control plane node look at \
             /var/lib/rancher/rke2/server/tls with `openssl x509 -enddate`",
        ),
        ..PLAIN
    },
    Entry {
        id: "kubeconfig-secret",
        title: "The cluster's kubeconfig secret has its label",
        asked: &[(Asker::Script, "")],
        never: Some(
            "a bundle does not hold the secret: `kubectl -n fleet-local get secret local-kubeconfig --show-labels` \
             must show cluster.x-k8s.io/cluster-name=local",
        ),
        ..PLAIN
    },
    Entry {
        id: "clocks",
        title: "The clocks of the nodes agree",
        rules: &["clock-skew", "ntp-unsynced"],
        always: &[NODES],
        ..PLAIN
    },
    Entry {
        id: "charts-ready",
        title: "All managed charts are ready",
        rules: &["webhook-managedchart-not-ready"],
        asked: &[(Asker::Webhook, ">=1.1.2")],
        always: &[CHARTS],
        ..PLAIN
    },
    Entry {
        id: "fleet-bundles-ready",
        title: "All Fleet bundles are ready",
        rules: &["bundle-modified-drift"],
        computed: Some(condition::fleet_bundles),
        asked: &[(Asker::Script, "")],
        always: &[BUNDLES],
        ..PLAIN
    },
    Entry {
        id: "add-ons-settled",
        title: "No add-on is being enabled or disabled",
        rules: &["addon-processing-blocks-upgrade"],
        asked: &[(Asker::Webhook, ">=1.7.0")],
        versions: ">=1.7.0",
        always: &[ADDONS],
        ..PLAIN
    },
    Entry {
        id: "pods-ready",
        title: "All pods are ready",
        computed: Some(condition::pods_ready),
        asked: &[(Asker::Script, "")],
        always: &[PODS],
        ..PLAIN
    },
    Entry {
        id: "network-configuration",
        title: "The hosts' network configuration can be converted",
        asked: &[(Asker::Script, ">=1.6.0 <1.7.0")],
        versions: ">=1.6.0 <1.7.0",
        never: Some(
            "harvester.config and /oem are not looked at here: /oem/90_custom.yaml must be there on each node",
        ),
        ..PLAIN
    },
    Entry {
        id: "state-partition",
        title: "The hosts' COS_STATE partitions are large enough",
        asked: &[(Asker::Script, ">=1.7.0")],
        versions: ">=1.7.0",
        never: Some(
            "partitions are not looked at here: `lsblk` must show 15 GB or more on each node",
        ),
        ..PLAIN
    },
    Entry {
        id: "room-for-images",
        title: "All nodes have room for the new images",
        rules: &["node-disk-space-precheck", "disk-pressure"],
        asked: &[(Asker::Webhook, ">=1.2.0"), (Asker::Script, "")],
        always: &[NODES],
        ..PLAIN
    },
    Entry {
        id: "storage-media",
        title: "No disk shows signs of failing",
        rules: &[
            "smart-failing",
            "smart-pending-sectors",
            "nvme-critical-warning",
            "nvme-controller-down",
            "disk-io-error",
            "disk-link-reset",
            "fs-remount-readonly",
            "fs-ext4-error",
            "fs-xfs-shutdown",
            "fs-btrfs-error",
            "md-raid-degraded",
            "raid-controller-reset",
        ],
        computed: Some(condition::disks_tell),
        always: &[NODES],
        ..PLAIN
    },
    Entry {
        id: "hardware",
        title: "No host reports faults of memory, processor or bus",
        rules: &["mce-uncorrected", "ecc-corrected", "pcie-aer-fatal"],
        always: &[NODES],
        ..PLAIN
    },
    Entry {
        id: "longhorn",
        title: "Longhorn works on all nodes",
        rules: &[
            "longhorn-node-not-ready",
            "longhorn-disk-not-ready",
            "longhorn-disk-unschedulable",
            "engine-image-not-ready",
            "instance-manager-down",
            "longhorn-manager-crashloop",
        ],
        always: &[LONGHORN],
        ..PLAIN
    },
    Entry {
        id: "no-eviction",
        title: "Longhorn evicts no node or disk",
        rules: &["longhorn-eviction-requested"],
        asked: &[(Asker::Script, ">=1.4.0 <1.5.0")],
        versions: ">=1.3.0 <1.5.0",
        always: &[LONGHORN],
        ..PLAIN
    },
    Entry {
        id: "volumes-healthy",
        title: "All volumes have their replicas",
        rules: &[
            "degraded-volumes-block-start",
            "volume-degraded",
            "volume-faulted",
        ],
        asked: &[(Asker::Webhook, ">=1.1.0"), (Asker::Script, "")],
        always: &[LONGHORN],
        ..PLAIN
    },
    Entry {
        id: "no-single-replica",
        title: "No volume is meant to have a single replica",
        rules: &["single-replica-volumes"],
        asked: &[(Asker::Webhook, ">=1.3.2"), (Asker::Script, "")],
        least_nodes: 2,
        always: &[LONGHORN],
        ..PLAIN
    },
    Entry {
        id: "detached-volumes",
        title: "Detached volumes have as many replicas as they are meant to",
        computed: Some(condition::detached_volumes),
        asked: &[(Asker::Script, "")],
        always: &[LONGHORN],
        ..PLAIN
    },
    Entry {
        id: "no-stale-volumes",
        title: "No volume is attached without a workload",
        computed: Some(condition::stale_volumes),
        asked: &[(Asker::Script, "")],
        always: &[LONGHORN],
        ..PLAIN
    },
    Entry {
        id: "backing-images",
        title: "Backing images are kept in enough copies",
        computed: Some(condition::backing_images),
        asked: &[(Asker::Script, ">=1.4.0")],
        versions: ">=1.4.0",
        least_nodes: 2,
        always: &[LONGHORN],
        ..PLAIN
    },
    Entry {
        id: "kubevirt",
        title: "KubeVirt works on all nodes",
        rules: &[
            "kubevirt-api-down",
            "kubevirt-heartbeat-stale",
            "virt-handler-not-ready",
        ],
        always: &[NODES],
        ..PLAIN
    },
    Entry {
        id: "vms-can-migrate",
        title: "All running VMs can migrate",
        rules: &["non-migratable-vms-precheck"],
        asked: &[(Asker::Webhook, ">=1.2.0"), (Asker::Script, "")],
        least_nodes: 2,
        always: &[NODES],
        ..PLAIN
    },
    Entry {
        id: "hot-plugged-volumes",
        title: "No VM has volumes that its spec does not hold",
        rules: &["stale-hotplug-volume-requests"],
        asked: &[(Asker::Webhook, ">=1.8.0")],
        versions: ">=1.8.0",
        least_nodes: 2,
        always: &[NODES],
        ..PLAIN
    },
    Entry {
        id: "no-backup-running",
        title: "No VM backup runs, and no schedule may start one",
        rules: &["backup-or-schedule-running"],
        asked: &[(Asker::Webhook, ">=1.4.0")],
        versions: ">=1.4.0",
        always: &[SETTINGS],
        ..PLAIN
    },
    Entry {
        id: "vm-backups",
        title: "Each VM has a complete, recent backup",
        computed: Some(backup::vm_backups),
        always: &[SETTINGS],
        ..PLAIN
    },
    Entry {
        id: "backup-target",
        title: "The backup target has a refresh interval",
        computed: Some(condition::backup_target),
        asked: &[(Asker::Script, ">=1.4.1 <1.4.3")],
        versions: ">=1.4.1 <1.4.3",
        always: &[SETTINGS],
        ..PLAIN
    },
    Entry {
        id: "room-for-vms",
        title: "The others can take the VMs of any one node",
        computed: Some(room::for_vms),
        least_nodes: 2,
        always: &[NODES],
        ..PLAIN
    },
    Entry {
        id: "room-for-replicas",
        title: "The others can take the replicas of any one node",
        computed: Some(room::for_replicas),
        least_nodes: 2,
        always: &[LONGHORN],
        ..PLAIN
    },
    Entry {
        id: "storage-network",
        title: "The storage network has addresses to spare",
        rules: &["storage-network-ip-exhausted"],
        computed: Some(storage_network::check),
        asked: &[(Asker::Script, "")],
        always: &[SETTINGS],
        ..PLAIN
    },
];
