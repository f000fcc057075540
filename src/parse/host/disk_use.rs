//! What a host uses its devices for, as far as it shows without the cluster.

use crate::span::Location;

/// What a disk is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DiskUse {
    /// The operating system lies on it: its loss is the node's loss. It may hold Longhorn's default
    /// disk as well.
    System,
    /// Replicas of Longhorn volumes lie on it.
    LonghornData,
    /// It is itself a Longhorn volume, attached over iSCSI: an error on it is the engine's.
    LonghornVolume,
    /// Mounted for something else, or part of a volume group or RAID.
    Other,
    /// Nothing on it is mounted.
    Unused,
}

/// A mount with all that the tables say about it, joined by path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountPoint {
    /// Where it is mounted.
    pub path: String,
    /// What is mounted.
    pub device: String,
    /// File system type.
    pub fs_type: Option<String>,
    /// Whether it is mounted read-only; absent if no mount table was there.
    pub read_only: Option<bool>,
    /// Size in bytes.
    pub size: Option<u64>,
    /// Used bytes.
    pub used: Option<u64>,
    /// Bytes left.
    pub available: Option<u64>,
    /// Used share of space in percent.
    pub used_percent: Option<u32>,
    /// Used share of inodes in percent.
    pub inodes_used_percent: Option<u32>,
    /// Lines that say so: at most one of each table.
    pub seen: Vec<Location>,
}
