//! `free` and `/proc/meminfo`.

use crate::span::Location;

/// Main memory and swap, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memory {
    /// All of it, without what the firmware and the kernel keep.
    pub total: u64,
    /// What a new process could get without swapping.
    pub available: Option<u64>,
    /// What nothing uses; low on a healthy host, as the rest is cache.
    pub free: Option<u64>,
    /// Swap in all; Harvester has none.
    pub swap_total: Option<u64>,
    /// Swap left.
    pub swap_free: Option<u64>,
    /// First line read.
    pub seen: Location,
}
