//! The host as iSCSI initiator: its name and its sessions.

use crate::span::Location;

/// A running iSCSI session; Longhorn has one per attached volume of the v1 data engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IscsiSession {
    /// `iqn.2019-10.io.longhorn:pvc-…`.
    pub target: String,
    /// Address and port of the target: `10.52.0.9:3260`.
    pub portal: Option<String>,
    /// Number of the session, as in the kernel's `session3`.
    pub session: Option<u32>,
    /// State of the session: `LOGGED IN`, `FAILED`; only in the detailed form.
    pub state: Option<String>,
    /// Kernel names of the disks it brought: `sdb`; only in the detailed form.
    pub devices: Vec<String>,
    /// Line of the list.
    pub seen: Location,
}
