//! `os-release`, `harvester-release.yaml` and `hostname`.

use crate::span::Location;

/// The operating system's release file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OsRelease {
    /// `harvester`, `sle-micro-rancher`, `sl-micro`, `sles`: the collector goes by it.
    pub id: Option<String>,
    /// Version of the base system.
    pub version: Option<String>,
    /// `Harvester v1.5.0`: the node's OS image as Kubernetes shows it.
    pub name: Option<String>,
    /// First line read.
    pub seen: Location,
}

/// Versions that the installed image was built from. After an upgrade of the OS it names the new
/// ones only once the node has rebooted into them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HarvesterRelease {
    /// Harvester: `v1.5.0`.
    pub harvester: Option<String>,
    /// Version of the Harvester chart.
    pub harvester_chart: Option<String>,
    /// `Harvester v1.5.0`.
    pub os: Option<String>,
    /// RKE2: `v1.32.3+rke2r1`.
    pub kubernetes: Option<String>,
    /// Rancher.
    pub rancher: Option<String>,
    /// Version of the monitoring chart.
    pub monitoring_chart: Option<String>,
    /// Oldest version that can be upgraded to this one.
    pub min_upgradable_version: Option<String>,
    /// First line read.
    pub seen: Location,
}
