//! `containerd-images.log`: the images a node has.

use crate::span::Location;

/// An image in containerd's store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerImage {
    /// `docker.io/rancher/harvester:v1.5.0`.
    pub reference: String,
    /// `sha256:…` of the manifest.
    pub digest: String,
    /// Compressed size in bytes, as exact as printed.
    pub size: Option<u64>,
    /// Row of the table.
    pub seen: Location,
}
