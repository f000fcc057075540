//! `last -wxF`: starts and shutdowns with their year.

use crate::span::Location;

/// What a line of `last` tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BootRecordKind {
    /// The system came up.
    Reboot,
    /// It was shut down in order.
    Shutdown,
    /// It reached or changed its run level.
    Runlevel,
}

/// A start or shutdown. Times are the host's local time as printed: `Fri May  9 08:25:09 2025`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootRecord {
    /// What happened.
    pub kind: BootRecordKind,
    /// Version of the kernel, if printed.
    pub kernel: Option<String>,
    /// When.
    pub from: String,
    /// Until when, if it is over and the end is known.
    pub to: Option<String>,
    /// Whether it is the running boot.
    pub still_running: bool,
    /// For [`BootRecordKind::Reboot`]: whether a shutdown is recorded before the next start; absent
    /// for the running boot and for other kinds. `last` calls the opposite a crash.
    pub clean: Option<bool>,
    /// Line of the list.
    pub seen: Location,
}
