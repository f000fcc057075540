//! `df`, `df -i`, `mount`, `findmnt` and `/proc/mounts`.

use crate::span::Location;

/// Space of a mounted file system. Sizes are in bytes, as exact as the table printed them: `1.8T`
/// has two digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSystemUsage {
    /// Where it is mounted.
    pub path: String,
    /// What is mounted: `/dev/sda5`, `tmpfs`.
    pub device: String,
    /// File system type, if the table had it.
    pub fs_type: Option<String>,
    /// Size in bytes.
    pub size: Option<u64>,
    /// Used bytes.
    pub used: Option<u64>,
    /// Bytes left for ordinary users.
    pub available: Option<u64>,
    /// Used share in percent as printed, reserved blocks counted as not there.
    pub used_percent: Option<u32>,
    /// Row of the table.
    pub seen: Location,
}

/// Inodes of a mounted file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InodeUsage {
    /// Where it is mounted.
    pub path: String,
    /// What is mounted.
    pub device: String,
    /// Inodes in all; 0 where the file system makes them as needed.
    pub inodes: Option<u64>,
    /// Inodes in use.
    pub used: Option<u64>,
    /// Used share in percent as printed; absent where the file system has no fixed number.
    pub used_percent: Option<u32>,
    /// Row of the table.
    pub seen: Location,
}

/// One line of the mount table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountEntry {
    /// Where it is mounted.
    pub path: String,
    /// What is mounted; of a bind mount printed by `findmnt`, without the `[/subdirectory]`.
    pub device: String,
    /// File system type.
    pub fs_type: String,
    /// Options in their order.
    pub options: Vec<String>,
    /// Whether the options hold `ro`.
    pub read_only: bool,
    /// Line of the table.
    pub seen: Location,
}
