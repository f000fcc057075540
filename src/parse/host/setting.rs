//! Top-level settings of configuration files.

use crate::span::Location;

/// A top-level key of a configuration file with its plain values. Secrets are dropped, and so are
/// values that are maps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Path of the file below the node: `configs/etc/rancher/rke2/config.yaml.d/50-rancher.yaml`.
    pub file: String,
    /// Key: `server`, `role`, `node-label`.
    pub key: String,
    /// The value, or the items of a list.
    pub values: Vec<String>,
    /// Line of the key.
    pub seen: Location,
}
