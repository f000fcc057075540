//! Boots in the kernel's and units' journals.

use crate::parse::host::Fact;
use crate::span::Location;

/// A boot, or the part of it that a journal shows. Times are as printed, without year or zone:
/// `May 09 08:25:09.000000`; [`JournalSpan`] gives both where the journal has a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boot {
    /// Unit whose journal it is; absent for the kernel's.
    pub unit: Option<String>,
    /// 0 for the current boot, 1 for the one before; only known of the kernel's journals.
    pub boots_ago: Option<u32>,
    /// systemd's id of the boot, if a separator names it.
    pub id: Option<String>,
    /// Time of the first line; absent if the journal's start was cut off.
    pub first: Option<Fact<String>>,
    /// Time of the last line.
    pub last: Option<Fact<String>>,
    /// Version of the kernel that booted.
    pub kernel: Option<Fact<String>>,
    /// The kernel's command line.
    pub kernel_command_line: Option<Fact<String>>,
    /// Whether the boot ended by an orderly shutdown: `true` if its last lines say so, `false` if
    /// its kernel messages are over and don't, or if the next boot found traces of a hard stop;
    /// absent for the current boot and where the journal can't tell.
    pub clean: Option<bool>,
    /// The line that decides `clean`: the sign of a shutdown or of a hard stop. The last line stands
    /// in for a shutdown that isn't there.
    pub ending: Option<Location>,
    /// First line of the boot.
    pub seen: Location,
}

/// The first line of a journal's export: what the journal covers, with year and zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalSpan {
    /// `Sun 2022-03-06 22:45:10 UTC`.
    pub begins: String,
    /// `Tue 2022-03-22 23:56:05 UTC`: about when the file was collected.
    pub ends: String,
    /// The header.
    pub seen: Location,
}
