//! What is known of the bundle, the cluster and its upgrade before any rule speaks: the ground
//! that the verdict stands on. The reader of the bundle fills these; `None` means unknown or not
//! collected, and is written as `null`.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::blast_radius::BlastRadius;
use crate::finding::{Evidence, ObjectName};
use crate::span::Problem;

/// Everything that the reader of a bundle tells the end of the pipeline.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Facts {
    /// The bundle itself.
    pub bundle: BundleInfo,
    /// Its cluster.
    pub cluster: ClusterSummary,
    /// Its latest upgrade, `None` where there is none or where it was not collected.
    pub upgrade: Option<UpgradeSummary>,
    /// Its volumes, `None` where Longhorn's objects were not collected.
    pub storage: Option<StorageSummary>,
    /// How much was examined, and what was not.
    pub coverage: Coverage,
    /// What hangs on each node that failed and on each disk that holds data.
    pub blast_radii: Vec<BlastRadius>,
}

/// What Longhorn holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StorageSummary {
    /// Volumes in order of their names.
    pub volumes: Vec<VolumeSummary>,
    /// Whether objects of the backup target were collected: without them, no backup is not "none".
    pub backups_collected: bool,
}

/// A Longhorn volume with what is left of its data.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VolumeSummary {
    /// Its name.
    pub name: String,
    /// The claim that it serves, with its namespace.
    pub claim: Option<String>,
    /// Longhorn's word: `healthy`, `degraded`, `faulted`, `unknown` while detached.
    pub robustness: Option<String>,
    /// Nodes with a replica that was in step with the others and has not failed since.
    pub replicas: Vec<String>,
    /// When its newest backup was made.
    pub last_backup: Option<Timestamp>,
}

/// Where the bundle comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BundleInfo {
    /// Name of the file or directory, without its path.
    pub file: String,
    /// Name of the bundle's top directory.
    pub name: Option<String>,
    /// When it was made: the report's "now".
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub collected_at: Option<Timestamp>,
    /// Harvester's version: setting `server-version`, else the `harvester` ManagedChart, else the newest node's.
    pub harvester_version: Option<String>,
    /// Kubernetes' version, as the API server or the newest kubelet tells it.
    pub kubernetes_version: Option<String>,
    /// Link that the reporter gave when making the bundle.
    pub issue_url: Option<String>,
    /// What the reporter wrote when making the bundle.
    pub issue_description: Option<String>,
    /// Uid of the `harvester-system` namespace: the same in all bundles of one cluster.
    pub cluster_id: Option<String>,
}

/// The cluster's nodes and its etcd.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct ClusterSummary {
    /// Nodes by name, those that only other objects still name among them.
    pub nodes: Vec<NodeSummary>,
    /// `None` where no control plane node is known.
    pub etcd: Option<EtcdSummary>,
}

/// Status of a node condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub enum ConditionStatus {
    /// It holds.
    True,
    /// The kubelet says that it does not hold: so the kubelet lives.
    False,
    /// The kubelet stopped to answer.
    Unknown,
}

impl ConditionStatus {
    /// The word as Kubernetes writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ConditionStatus::True => "True",
            ConditionStatus::False => "False",
            ConditionStatus::Unknown => "Unknown",
        }
    }
}

/// One node.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeSummary {
    /// Its name.
    pub name: String,
    /// Whether a Node object exists; else only a machine, an upgrade or Longhorn still names it.
    pub exists: bool,
    /// `control-plane`, `etcd`, `worker`, `witness`; for a node without object, those of its machine.
    pub roles: Vec<String>,
    /// Its condition `Ready`.
    pub ready: Option<ConditionStatus>,
    /// Since when it is so.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub since: Option<Timestamp>,
    /// Not cordoned.
    pub schedulable: Option<bool>,
    /// Version of its kubelet.
    pub kubelet_version: Option<String>,
    /// Release of Harvester on its disk.
    pub harvester_release: Option<String>,
    /// Name of its machine.
    pub machine: Option<String>,
    /// Phase of that machine.
    pub machine_phase: Option<String>,
    /// Name under which the same host has registered since: this one is left over, and no host of its own.
    /// Text alone tells it: the contract of the JSON report has no key for it.
    #[serde(skip)]
    pub renamed_to: Option<String>,
    /// Whether the bundle holds files of the host. A host that could be collected from is alive.
    pub host_logs: bool,
    /// Its last sign of life that the bundle holds, from whomever.
    pub last_seen: Option<LastSeen>,
    /// Of a node that is down and sent no files: the logs to fetch from it by hand.
    pub fetch: Option<String>,
}

/// A node's last sign of life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LastSeen {
    /// When.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub time: Timestamp,
    /// `kubelet-lease`, `node-condition` (the kubelet's heartbeat), `virt-handler`, `kubelet-event`, `pod-log`, `host-log`.
    pub source: String,
    /// Where it is seen.
    pub evidence: Option<Evidence>,
}

impl NodeSummary {
    /// Whether it takes part in etcd.
    #[must_use]
    pub fn is_etcd_member(&self) -> bool {
        self.renamed_to.is_none() && self.roles.iter().any(|role| role == "etcd")
    }

    /// Whether it belongs to the control plane; a witness runs etcd alone and counts.
    #[must_use]
    pub fn is_control_plane(&self) -> bool {
        let of_plane = ["etcd", "control-plane", "master"];
        self.renamed_to.is_none()
            && (self.roles.iter()).any(|role| of_plane.contains(&role.as_str()))
    }

    /// Whether it votes in etcd and runs nothing else of the control plane.
    #[must_use]
    pub fn is_witness(&self) -> bool {
        self.roles.iter().any(|role| role == "witness")
    }

    /// Whether it is gone or not ready: nothing on it answers.
    #[must_use]
    pub fn is_down(&self) -> bool {
        !self.exists || self.is_not_ready()
    }

    /// Whether its object exists and says that it is not ready.
    #[must_use]
    pub fn is_not_ready(&self) -> bool {
        self.exists
            && matches!(
                self.ready,
                Some(ConditionStatus::False | ConditionStatus::Unknown)
            )
    }
}

/// etcd, as far as objects tell: who is a member and who of them works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct EtcdSummary {
    /// Nodes with the etcd role, the witness among them.
    pub members: u32,
    /// Members that vote (`EtcdIsVoter`), `None` where no node says.
    pub voters: Option<u32>,
    /// Members on a Ready node with a ready etcd pod, `None` where pods were not collected.
    pub healthy: Option<u32>,
    /// Members that must agree: half of them, rounded down, and one more.
    pub quorum: u32,
    /// How many more members may be lost: healthy less quorum.
    pub margin: Option<i64>,
}

impl EtcdSummary {
    /// Quorum and margin follow from the counts.
    #[must_use]
    pub fn new(members: u32, voters: Option<u32>, healthy: Option<u32>) -> Self {
        let quorum = members / 2 + 1;
        EtcdSummary {
            members,
            voters,
            healthy,
            quorum,
            margin: healthy.map(|healthy| i64::from(healthy) - i64::from(quorum)),
        }
    }
}

/// Where an upgrade stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum UpgradeState {
    /// It moved within the time that its phase may take.
    Progressing,
    /// It has not moved for longer than its phase may take.
    Stuck,
    /// Its condition `Completed` is False.
    Failed,
    /// An administrator holds it.
    Paused,
    /// It was stopped before its end: no upgrade runs, charts are still paused.
    Aborted,
    /// Its condition `Completed` is True.
    Succeeded,
    /// Its object does not say.
    Unknown,
}

impl UpgradeState {
    /// Whether somebody has to do something for it to end.
    pub fn hangs(self) -> bool {
        matches!(self, UpgradeState::Stuck | UpgradeState::Failed)
    }

    /// Whether nodes are still to come.
    pub fn is_under_way(self) -> bool {
        matches!(
            self,
            UpgradeState::Progressing | UpgradeState::Paused | UpgradeState::Stuck
        )
    }
}

/// The part of an upgrade that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UpgradePhase {
    /// Refused by the webhook or by a check.
    Precheck,
    /// Logging, image and repository.
    Repo,
    /// Images are loaded on the nodes.
    Preload,
    /// Charts and manifests of the system services.
    Manifests,
    /// A node is emptied.
    PreDrain,
    /// A node is written to.
    PostDrain,
    /// A node reboots.
    Reboot,
    /// Clean-up.
    Finish,
}

impl UpgradePhase {
    /// The word as the report writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            UpgradePhase::Precheck => "precheck",
            UpgradePhase::Repo => "repo",
            UpgradePhase::Preload => "preload",
            UpgradePhase::Manifests => "manifests",
            UpgradePhase::PreDrain => "pre-drain",
            UpgradePhase::PostDrain => "post-drain",
            UpgradePhase::Reboot => "reboot",
            UpgradePhase::Finish => "finish",
        }
    }
}

/// The latest upgrade.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UpgradeSummary {
    /// Name of the Upgrade object.
    pub name: String,
    /// Version before.
    pub from: Option<String>,
    /// Version after.
    pub to: Option<String>,
    /// Where it stands.
    pub state: UpgradeState,
    /// The open phase, `None` when none is open or none can be told.
    pub phase: Option<UpgradePhase>,
    /// Since when it is in this state and phase.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub since: Option<Timestamp>,
    /// The last sign that it moved.
    pub last_movement: Option<LastMovement>,
    /// What the planner says it waits for, in its own words.
    pub waits_for: Option<String>,
    /// The object that holds it.
    pub blocked_on: Option<ObjectName>,
    /// Nodes in the order in which they are upgraded.
    pub order: Vec<String>,
    /// Charts that are still paused.
    pub paused_charts: Vec<String>,
    /// Its nodes.
    pub nodes: Vec<UpgradeNode>,
}

/// The last sign that an upgrade moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LastMovement {
    /// When.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub time: Option<Timestamp>,
    /// What moved.
    pub what: String,
    /// Where it is seen.
    pub evidence: Option<Evidence>,
}

/// A node's part of an upgrade.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UpgradeNode {
    /// Name of the node.
    pub name: String,
    /// Harvester's word: `Images preloaded`, `Pre-draining`, `Waiting Reboot`, `Succeeded` …
    pub state: Option<String>,
    /// Since when it is in that state.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub since: Option<Timestamp>,
    /// How far Rancher's and Harvester's annotations on the machine's plan went: `none`, `drain-asked` …
    pub handshake: Option<String>,
    /// Version of its kubelet.
    pub kubelet_version: Option<String>,
    /// Version that the upgrade brings it to.
    pub target_version: Option<String>,
    /// Its machine.
    pub machine: Option<String>,
    /// The hook job that runs on it.
    pub job: Option<ObjectName>,
    /// That job's pods.
    pub pods: Vec<ObjectName>,
}

impl UpgradeNode {
    /// Whether it has been upgraded.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state.as_deref() == Some("Succeeded")
    }

    /// Whether work on it has begun and not ended. A node at rest has its images and waits for its turn.
    #[must_use]
    pub fn is_active(&self) -> bool {
        !matches!(
            self.state.as_deref(),
            None | Some("Succeeded" | "Images preloaded")
        )
    }
}

/// How much was examined, and what was not.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Coverage {
    /// Files read, those in nested archives included.
    pub files: u64,
    /// Their bytes, uncompressed.
    pub bytes: u64,
    /// Items of lists as collected, before events are folded.
    pub objects: u64,
    /// Lines of logs.
    pub log_lines: u64,
    /// Whether the objects that tell of an upgrade were collected: without them, no upgrade is not "none".
    pub upgrade_collected: bool,
    /// Namespaces.
    pub namespaces: NamespaceCoverage,
    /// Nodes without files of their host.
    pub nodes_without_host_logs: Vec<String>,
    /// What could not be read.
    pub problems: Vec<Problem>,
    /// Rules that could not be evaluated.
    pub not_evaluated: Vec<NotEvaluated>,
}

/// Which namespaces the bundle holds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct NamespaceCoverage {
    /// Those with files.
    pub collected: Vec<String>,
    /// Those that exist in the cluster without files in the bundle.
    pub missing: Vec<String>,
}

/// A rule that could not be evaluated, at all or for one node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct NotEvaluated {
    /// Id of the rule.
    pub rule: String,
    /// What it needs: `needs kernel.log of harv-3`.
    pub reason: String,
}

impl Facts {
    /// How long before the bundle's making `time` was; `None` where either is unknown or lies the other way round.
    #[must_use]
    pub fn age(&self, time: Option<Timestamp>) -> Option<SignedDuration> {
        let age = self.bundle.collected_at?.duration_since(time?);
        (!age.is_negative()).then_some(age)
    }
}
