//! `uptime`, `ps`, `uname` and the kernel's taint.

use crate::span::Location;

/// Load averages: runnable plus uninterruptible processes.
#[derive(Debug, Clone, PartialEq)]
pub struct Load {
    /// Over 1, 5 and 15 minutes.
    pub averages: [f64; 3],
    /// Line of `uptime`.
    pub seen: Location,
}

/// A row of `ps`.
#[derive(Debug, Clone, PartialEq)]
pub struct Process {
    /// Process id.
    pub pid: u32,
    /// Owner, if the table has it.
    pub user: Option<String>,
    /// State letters: `Ss`, `D`, `Z`.
    pub state: String,
    /// Share of memory in percent.
    pub memory_percent: Option<f64>,
    /// Resident memory in bytes.
    pub resident: Option<u64>,
    /// Command with arguments.
    pub command: String,
    /// Row of the table.
    pub seen: Location,
}

/// What the kernel says about its own trustworthiness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taint {
    /// Whether it calls itself tainted.
    pub tainted: bool,
    /// One reason a line: `(W) Taint on warning`.
    pub reasons: Vec<String>,
    /// The status line.
    pub seen: Location,
}
