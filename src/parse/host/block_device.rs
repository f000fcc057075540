//! `lsblk` and `lsscsi`: the block devices of a host.

use crate::span::Location;

/// A disk, partition, logical volume or loop device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockDevice {
    /// Kernel name, as logs print it: `sda`, `sda1`, `nvme0n1p2`, `dm-0`.
    pub device: String,
    /// Name for people: `longhorn-vg-data` where the kernel says `dm-0`.
    pub name: String,
    /// Kernel name of the device it lies on: `sda` for `sda1`.
    pub parent: Option<String>,
    /// Major and minor number.
    pub numbers: Option<(u32, u32)>,
    /// File system type on it.
    pub fs_type: Option<String>,
    /// File system label: `COS_STATE`, `HARV_LH_DEFAULT`.
    pub label: Option<String>,
    /// Whether the device itself refuses writes.
    pub read_only: Option<bool>,
    /// Whether its medium can be taken out.
    pub removable: Option<bool>,
    /// Model as the kernel knows it: at most 16 characters of a SATA disk's.
    pub model: Option<String>,
    /// Size in bytes, as exact as printed.
    pub size: Option<u64>,
    /// Whether it turns; absent if the table has no such column.
    pub rotational: Option<bool>,
    /// Where it is mounted, if it is: one of the places, when there are several.
    pub mount_path: Option<String>,
    /// Row of the table.
    pub seen: Location,
}

/// A SCSI device as `lsscsi` lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScsiDevice {
    /// Host, channel, target and unit: `2:0:0:1`.
    pub address: String,
    /// `disk`, `cd/dvd`, `enclosu`, …
    pub kind: String,
    /// `ATA`, `SEAGATE`, `IET` (the iSCSI target that Longhorn uses).
    pub vendor: String,
    /// `VIRTUAL-DISK` for a Longhorn volume.
    pub model: String,
    /// Kernel name of its block device, if it has one.
    pub device: Option<String>,
    /// Line of the list.
    pub seen: Location,
}
