//! `systemctl --failed`.

use crate::span::Location;

/// A unit that systemd calls failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedUnit {
    /// `iscsid.service`.
    pub unit: String,
    /// What the unit is for.
    pub description: String,
    /// Row of the table.
    pub seen: Location,
}
