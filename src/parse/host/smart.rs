//! What SMART said of a disk: the types alone, read by `smart_reader`.

use std::collections::BTreeMap;

use crate::parse::host::Fact;
use crate::span::Location;

/// A disk's verdict on itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum SmartHealth {
    /// `PASSED` (ATA, NVMe) or `OK` (SAS). Doesn't clear a disk: sectors fail before the verdict does.
    Passed,
    /// `FAILED!` (ATA, NVMe), or any SAS status other than `OK`.
    Failed,
    /// Nothing was said, as for a virtual disk or one behind a RAID controller.
    #[default]
    Unknown,
}

impl SmartHealth {
    /// The word rules compare with: `passed`, `failed` or `unknown`.
    pub fn as_str(self) -> &'static str {
        match self {
            SmartHealth::Passed => "passed",
            SmartHealth::Failed => "failed",
            SmartHealth::Unknown => "unknown",
        }
    }
}

/// Whether a device speaks SMART at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum SmartSupport {
    /// It does, and it is switched on.
    Enabled,
    /// It does, and it is switched off: counters stand still.
    Disabled,
    /// It doesn't: a virtual disk, or a controller in between.
    Unavailable,
    /// The report doesn't say, as for NVMe, which always does.
    #[default]
    Unknown,
}

/// One row of an ATA disk's attribute table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmartAttribute {
    /// `Current_Pending_Sector`; the meaning of an id differs between vendors, the name says which.
    pub name: String,
    /// Normalised value; lower is worse.
    pub value: Option<u32>,
    /// Lowest value so far.
    pub worst: Option<u32>,
    /// Value at or below which the attribute has failed; absent where the disk gives none (`---`).
    pub threshold: Option<u32>,
    /// `FAILING_NOW` or `In_the_past`; absent for `-`.
    pub when_failed: Option<String>,
    /// Leading number of the raw value: a count, hours or degrees, by attribute.
    pub raw: Option<u64>,
    /// Raw value as printed: `29 (Min/Max 18/45)`.
    pub raw_text: String,
    /// Row in the table.
    pub seen: Location,
}

/// Uncorrected errors of a SAS disk, from its error counter log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorCounter {
    /// `read`, `write` or `verify`.
    pub operation: String,
    /// Errors left after all retries and corrections.
    pub uncorrected: u64,
    /// Row in the table.
    pub seen: Location,
}

/// One disk's section of `smartctl --all`.
#[derive(Debug, Clone, PartialEq)]
pub struct SmartReport {
    /// Kernel name the report was asked for: `sda`, `nvme0n1`. Of `-d megaraid,N` it is the name of
    /// the RAID volume, and `behind_controller` holds the rest.
    pub device: String,
    /// The `-d` argument, if the disk was reached through a controller: `megaraid,4`.
    pub behind_controller: Option<String>,
    /// Model as the disk gives it.
    pub model: Option<String>,
    /// Serial number.
    pub serial: Option<String>,
    /// Firmware version (ATA, NVMe) or revision (SAS).
    pub firmware: Option<String>,
    /// Capacity in bytes.
    pub capacity: Option<u64>,
    /// Turns per minute; 0 for a solid state disk.
    pub rotation_rate: Option<u32>,
    /// Whether the device speaks SMART.
    pub support: SmartSupport,
    /// The disk's verdict.
    pub health: SmartHealth,
    /// The verdict's line as printed, if there was one.
    pub health_line: Option<Fact<String>>,
    /// ATA attributes by id.
    pub attributes: BTreeMap<u8, SmartAttribute>,
    /// SAS: sectors remapped since the disk left the factory.
    pub grown_defects: Option<Fact<u64>>,
    /// SAS: uncorrected errors by operation.
    pub error_counters: Vec<ErrorCounter>,
    /// SAS: errors outside of the data path; harmless alone.
    pub non_medium_errors: Option<Fact<u64>>,
    /// SAS and NVMe: share of the rated endurance used, in percent; may exceed 100.
    pub percentage_used: Option<Fact<u64>>,
    /// NVMe: bits of the critical warning; 0 is none.
    pub critical_warning: Option<Fact<u64>>,
    /// NVMe: errors of the medium that the controller couldn't correct.
    pub media_errors: Option<Fact<u64>>,
    /// NVMe: spare blocks left, in percent.
    pub available_spare: Option<Fact<u64>>,
    /// NVMe: percent of spare below which the disk warns.
    pub available_spare_threshold: Option<Fact<u64>>,
    /// Degrees Celsius, from NVMe and SAS; for ATA see attribute 194.
    pub temperature: Option<Fact<u64>>,
    /// Why the device could not be read, as printed.
    pub read_failure: Option<Fact<String>>,
    /// The section's command line.
    pub seen: Location,
}
