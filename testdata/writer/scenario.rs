//! A scenario: what cluster there is, what is wrong with it, and what the diagnosis must say. Data, read from YAML.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::broken::Variant;

/// Names of scenarios with a cause each, for what wants many bundles.
pub const OF_A_CAUSE_EACH: [&str; 10] = [
    "disk-io-error",
    "etcd-slow-fsync",
    "host-oom",
    "im-pdb-orphan-engine",
    "node-notready-unknown",
    "predrain-user-pdb",
    "preload-job-deadline",
    "rke2-certs-expired",
    "smart-pending-sectors",
    "ssd-failure-during-upgrade",
];

/// One whole case.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scenario {
    /// What it shows, for readers.
    pub description: String,
    /// The cluster as it is without anything being wrong.
    pub cluster: ClusterShape,
    /// What is changed in it.
    #[serde(default)]
    pub overlay: Overlay,
    /// How the finished bundle is damaged.
    pub broken: Option<Variant>,
    /// What the diagnosis must say.
    #[serde(default)]
    pub expect: Expectation,
}

impl Scenario {
    /// Reads a scenario file; an error names the file.
    pub fn load(path: &Path) -> Result<Scenario, String> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        Scenario::parse(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Reads a scenario's text.
    pub fn parse(text: &str) -> Result<Scenario, String> {
        serde_saphyr::from_str(text).map_err(|error| error.to_string())
    }
}

/// Shape of the cluster.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClusterShape {
    /// Seed of all names; two scenarios with one name have the same machines, uids and addresses.
    pub name: String,
    /// Harvester release: `1.4.1`. With an upgrade, the release it started from.
    pub version: String,
    /// When the bundle was made, RFC 3339. Every other time is relative to it.
    pub collected_at: String,
    /// Zone of the hosts.
    #[serde(default)]
    pub zone: Zone,
    /// Age of the cluster.
    #[serde(default = "default_age")]
    pub age: String,
    /// Word in place of the cluster's id in the bundle's name (setting `support-bundle-file-name`).
    pub bundle_name: Option<String>,
    /// What the user wrote into the bundle's description.
    #[serde(default)]
    pub issue_description: String,
    /// Namespaces collected beside the default ones.
    #[serde(default)]
    pub extra_namespaces: Vec<String>,
    /// The hosts.
    pub nodes: Vec<NodeShape>,
    /// Virtual machines and their volumes.
    #[serde(default)]
    pub virtual_machines: Vec<VirtualMachineShape>,
    /// The upgrade that runs or has run.
    pub upgrade: Option<UpgradeShape>,
    /// Whether the monitoring add-on is on.
    #[serde(default = "yes")]
    pub monitoring: bool,
    /// Host of Prometheus, the one pod of the system with a volume; the first that answers unless given.
    pub prometheus: Option<String>,
    /// Factor on the amount of ordinary log lines.
    #[serde(default = "one")]
    pub log_scale: f64,
}

/// Zone of the hosts: an abbreviation as the hosts print it and an offset from UTC.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Zone {
    /// `EDT`.
    pub name: String,
    /// Minutes east of UTC.
    pub minutes: i32,
}

impl Default for Zone {
    fn default() -> Self {
        Zone {
            name: "UTC".to_owned(),
            minutes: 0,
        }
    }
}

/// What a host is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// etcd, control plane and workloads.
    #[default]
    ControlPlane,
    /// Workloads.
    Worker,
    /// etcd alone.
    Witness,
}

/// One host.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeShape {
    /// Name of the host and of the Node.
    pub name: String,
    /// Its part in the cluster.
    #[serde(default)]
    pub role: Role,
    /// Since when nothing is heard of it.
    pub lost: Option<String>,
    /// When it was started last; three weeks before the collection unless an upgrade rebooted it.
    pub booted: Option<String>,
    /// When the boot before the last one broke off, with no step of a shutdown; it began three weeks before the collection.
    pub crashed: Option<String>,
    /// Its archive is there though it is lost: somebody made it on the host itself.
    #[serde(default)]
    pub archived: bool,
    /// Its kubelet gives out logs of pods though it is lost: only what it reports arrives nowhere.
    #[serde(default)]
    pub answers: bool,
    /// Disks; a system SSD and a data SSD unless given.
    #[serde(default = "default_disks")]
    pub disks: Vec<DiskShape>,
}

/// One physical disk.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DiskShape {
    /// Kernel name: `sda`.
    pub device: String,
    /// Model as the disk says it.
    pub model: String,
    /// Decimal gigabytes.
    pub gigabytes: u64,
    /// A disk with platters.
    #[serde(default)]
    pub rotational: bool,
    /// `system` or `data`.
    #[serde(rename = "use")]
    pub purpose: DiskUse,
}

impl DiskShape {
    /// Kernel name of one of its partitions: `sda5`, `nvme0n1p5`.
    pub fn partition(&self, number: usize) -> String {
        let between = if self.device.ends_with(|last: char| last.is_ascii_digit()) {
            "p"
        } else {
            ""
        };
        format!("{}{between}{number}", self.device)
    }
}

/// What a disk holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiskUse {
    /// The operating system and Longhorn's default disk.
    System,
    /// A Longhorn disk.
    Data,
}

/// One virtual machine.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VirtualMachineShape {
    /// Name.
    pub name: String,
    /// Namespace; collected only if it is `default` or named as an extra one.
    #[serde(default = "default_namespace")]
    pub namespace: String,
    /// Host it runs on; none when it is switched off.
    pub node: Option<String>,
    /// Gibibytes of memory.
    #[serde(default = "four")]
    pub memory: u64,
    /// Its disks.
    #[serde(default = "default_volumes")]
    pub volumes: Vec<VolumeShape>,
}

/// One Longhorn volume.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VolumeShape {
    /// Gibibytes.
    pub gibibytes: u64,
    /// Hosts of its replicas; up to three in the order of the hosts, the machine's own first, unless given.
    #[serde(default)]
    pub replicas: Vec<String>,
}

/// An upgrade, its phase and where each host is.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpgradeShape {
    /// `hvst-upgrade-xxxxx`.
    pub name: String,
    /// Harvester release it goes to.
    pub to: String,
    /// When it was asked for.
    pub started: String,
    /// Label `harvesterhci.io/upgradeState`.
    pub state: UpgradeState,
    /// Where each host is; hosts that are not named have no entry.
    #[serde(default)]
    pub nodes: BTreeMap<String, StepShape>,
}

/// Label `harvesterhci.io/upgradeState`, as far as scenarios need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum UpgradeState {
    /// Images are loaded on each host.
    PreparingNodes,
    /// The manifests job runs.
    UpgradingSystemServices,
    /// Hosts are drained and upgraded one after the other.
    UpgradingNodes,
    /// Over, well.
    Succeeded,
    /// Over, badly.
    Failed,
}

/// Entry of `status.nodeStatuses`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StepShape {
    /// Literal state: `Images preloaded`, `Pre-draining` …
    pub state: String,
    /// When it came into this state.
    pub since: String,
    /// Reason of a failure.
    #[serde(default)]
    pub reason: String,
    /// Message of a failure.
    #[serde(default)]
    pub message: String,
}

/// What is changed in the cluster.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Overlay {
    /// Objects whose fields are merged with others.
    #[serde(default)]
    pub patch: Vec<Patch>,
    /// Whole objects.
    #[serde(default)]
    pub add: Vec<Value>,
    /// Objects that are not there: `[<group>/]<Kind>/[<namespace>/]<name>`.
    #[serde(default)]
    pub remove: Vec<String>,
    /// Events, written to both APIs.
    #[serde(default)]
    pub events: Vec<EventShape>,
    /// Lines in logs.
    #[serde(default)]
    pub logs: Vec<LogLines>,
    /// Pod logs without their ordinary lines: the container does something else.
    #[serde(default)]
    pub silence: Vec<String>,
    /// What supportconfig saw on a host.
    #[serde(default)]
    pub hosts: BTreeMap<String, HostShape>,
    /// Lines of bundleGenerationError.log.
    #[serde(default)]
    pub collector_errors: Vec<String>,
    /// Files that are not in the bundle; `*` stands for any part of a path.
    #[serde(default)]
    pub missing: Vec<String>,
}

/// Fields merged into objects: maps member by member, lists of objects by their `type` or `name`, all else replaced;
/// `null` removes a field.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Patch {
    /// `[<group>/]<Kind>/[<namespace>/]<name>`, where `*` in the name stands for any text.
    pub object: String,
    /// The fields.
    pub merge: Value,
}

/// An event.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EventShape {
    /// The object it is about, as in a patch.
    pub object: String,
    /// `Normal` or `Warning`.
    #[serde(rename = "type", default = "warning")]
    pub kind: String,
    /// Reason.
    pub reason: String,
    /// Message.
    pub message: String,
    /// Component that reports it.
    #[serde(default = "kubelet")]
    pub source: String,
    /// First time.
    pub first: String,
    /// Last time; the first one unless given.
    pub last: Option<String>,
    /// How often.
    #[serde(default = "one_count")]
    pub count: u64,
}

/// A line in a log, or many of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogLines {
    /// Path in the bundle, node archives being directories. `*` stands for any part of it; of several pods' logs that
    /// fit, the one of the replica that leads is meant, or the one on `node`.
    pub file: String,
    /// Host of the pod.
    pub node: Option<String>,
    /// When the first one was written.
    pub at: String,
    /// Time between two lines.
    #[serde(default = "one_minute")]
    pub every: String,
    /// How many.
    #[serde(default = "one_count")]
    pub repeat: u64,
    /// The line without the prefix of its file (kubelet's stamp, journal's date and host). `${klog}`, `${rfc3339}`,
    /// `${milli}`, `${go}` stand for its time; `${n}` for its number from 0.
    pub line: String,
}

/// What supportconfig saw on a host, where it differs from a healthy one.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HostShape {
    /// By disk.
    #[serde(default)]
    pub smart: BTreeMap<String, SmartShape>,
    /// Used space of a mount in percent.
    #[serde(default)]
    pub used_percent: BTreeMap<String, u64>,
    /// Mounts that are read-only; `*` stands for any part of a path.
    #[serde(default)]
    pub read_only: Vec<String>,
    /// Longhorn volumes attached over iSCSI: kernel name to `namespace/claim`.
    #[serde(default)]
    pub attached: BTreeMap<String, String>,
    /// The clock is not synchronised.
    #[serde(default)]
    pub clock_unsynchronised: bool,
    /// The host's clock minus the right time: `-668s` is behind. Its journals, its pods' logs, the
    /// times of its files and what its kubelet writes have it.
    #[serde(default)]
    pub clock_offset: Option<String>,
    /// Processes in uninterruptible sleep.
    #[serde(default)]
    pub stuck_processes: Vec<String>,
    /// Units that failed.
    #[serde(default)]
    pub failed_units: Vec<String>,
    /// There is no supportconfig of this host.
    #[serde(default)]
    pub without_supportconfig: bool,
}

/// What `smartctl` says about a disk.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SmartShape {
    /// The overall verdict is FAILED.
    #[serde(default)]
    pub failed: bool,
    /// Raw values by attribute number.
    #[serde(default)]
    pub raw: BTreeMap<u16, u64>,
    /// Attributes that read FAILING_NOW.
    #[serde(default)]
    pub failing_now: Vec<u16>,
}

/// What the diagnosis must say. Every finding of severity error or above that is not listed is a failure.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Expectation {
    /// State and action of the verdict.
    pub verdict: Option<ExpectedVerdict>,
    /// Findings that must be there.
    #[serde(default)]
    pub find: Vec<ExpectedFinding>,
    /// Rules that may find something here too: consequences that a real cluster shows as well.
    #[serde(default)]
    pub allow: Vec<String>,
    /// Rules of the findings that have no cause among the others.
    #[serde(default)]
    pub roots: Vec<String>,
    /// Rules, the cause first: the diagnosis of rank 1 begins with it, and each of the others is its effect by the one
    /// before, and stands behind it.
    #[serde(default)]
    pub chains: Vec<Vec<String>>,
    /// Parts of the text or the command of the plan's steps, in this order; others may stand between them.
    #[serde(default)]
    pub plan: Vec<String>,
    /// Rules that must find nothing here, of whatever severity.
    #[serde(default)]
    pub absent: Vec<String>,
    /// No finding of severity error or above.
    #[serde(default)]
    pub quiet: bool,
}

impl Expectation {
    /// Whether it speaks of findings of a rule, in whatever way.
    pub fn names(&self, rule: &str) -> bool {
        self.find.iter().any(|wanted| wanted.rule == rule)
            || self.allow.iter().any(|allowed| allowed == rule)
            || self.chains.iter().flatten().any(|link| link == rule)
    }
}

/// The verdict.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExpectedVerdict {
    /// `upgrade-stuck`, `node-failure` …
    pub state: String,
    /// `repair`, `wait` …
    pub action: String,
}

/// One finding.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExpectedFinding {
    /// Id of the rule.
    pub rule: String,
    /// Severity.
    pub severity: Option<String>,
    /// `Kind/[namespace/]name` of its subject.
    pub subject: Option<String>,
}

fn default_age() -> String {
    "-140d".to_owned()
}
fn default_namespace() -> String {
    "default".to_owned()
}
fn default_volumes() -> Vec<VolumeShape> {
    vec![VolumeShape {
        gibibytes: 40,
        replicas: Vec::new(),
    }]
}
/// A system SSD and a data SSD.
pub fn default_disks() -> Vec<DiskShape> {
    vec![
        DiskShape {
            device: "sda".to_owned(),
            model: "INTEL SSDSC2KB480G8".to_owned(),
            gigabytes: 480,
            rotational: false,
            purpose: DiskUse::System,
        },
        DiskShape {
            device: "sdb".to_owned(),
            model: "Micron_5300_MTFDDAK1T9TDS".to_owned(),
            gigabytes: 1920,
            rotational: false,
            purpose: DiskUse::Data,
        },
    ]
}
fn yes() -> bool {
    true
}
fn one() -> f64 {
    1.0
}
fn four() -> u64 {
    4
}
fn one_count() -> u64 {
    1
}
fn one_minute() -> String {
    "1m".to_owned()
}
fn warning() -> String {
    "Warning".to_owned()
}
fn kubelet() -> String {
    "kubelet".to_owned()
}
