//! What a host uses its devices for, as far as it shows without the cluster.

use std::collections::BTreeMap;

use crate::parse::host::{BlockDevice, HostFacts, SmartHealth, SmartReport};
use crate::span::Location;

/// Targets of Longhorn's own begin so; the volume's name follows.
pub const LONGHORN_TARGET: &str = "iqn.2019-10.io.longhorn:";

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
    /// The line of `df`, which says how much space is used.
    pub space_seen: Option<Location>,
    /// The line of `df -i`, which says how many inodes are used.
    pub inodes_seen: Option<Location>,
}

impl DiskUse {
    /// The word rules compare with: `system`, `longhorn-data`, `longhorn-volume`, `other`, `unused`.
    pub fn as_str(self) -> &'static str {
        match self {
            DiskUse::System => "system",
            DiskUse::LonghornData => "longhorn-data",
            DiskUse::LonghornVolume => "longhorn-volume",
            DiskUse::Other => "other",
            DiskUse::Unused => "unused",
        }
    }
}

/// A disk as a whole, with what each source says about it.
#[derive(Debug, Clone, PartialEq)]
pub struct HostDisk<'a> {
    /// Kernel name: `sda`, `nvme0n1`.
    pub device: &'a str,
    /// What it is used for.
    pub disk_use: DiskUse,
    /// Where Longhorn keeps replicas on it; also filled for a system disk that holds the default
    /// disk.
    pub longhorn_paths: Vec<&'a str>,
    /// Name of the Longhorn volume that it is, if that shows on the host: from the iSCSI target or
    /// the path it is mounted at.
    pub volume: Option<&'a str>,
    /// Row of `lsblk`. Absent for a disk that is mounted and gone, or where lsblk is missing.
    pub block_device: Option<&'a BlockDevice>,
    /// SMART report; of several on one device, behind a RAID controller, the first.
    pub smart: Option<&'a SmartReport>,
    /// The lines that its use was read from.
    pub seen: Vec<&'a Location>,
}

impl<'a> HostDisk<'a> {
    /// Model, from SMART if it answered, as lsblk cuts it.
    pub fn model(&self) -> Option<&'a str> {
        let smart = self.smart.and_then(|smart| smart.model.as_deref());
        smart.or_else(|| self.block_device.and_then(|device| device.model.as_deref()))
    }

    /// Serial number.
    pub fn serial(&self) -> Option<&'a str> {
        self.smart.and_then(|smart| smart.serial.as_deref())
    }

    /// Size in bytes, from SMART if it answered, as lsblk rounds it.
    pub fn size(&self) -> Option<u64> {
        let smart = self.smart.and_then(|smart| smart.capacity);
        smart.or_else(|| self.block_device.and_then(|device| device.size))
    }

    /// Whether it turns.
    pub fn rotational(&self) -> Option<bool> {
        let smart = self.smart.and_then(|smart| smart.rotation_rate);
        smart
            .map(|rate| rate > 0)
            .or_else(|| self.block_device.and_then(|device| device.rotational))
    }

    /// Its verdict on itself.
    pub fn health(&self) -> SmartHealth {
        self.smart
            .map_or(SmartHealth::Unknown, |smart| smart.health)
    }
}

impl HostFacts {
    /// Mounts joined from `df`, `df -i` and the mount table, ordered by path. Of mounts that hide
    /// each other on one path the last is meant.
    pub fn mount_points(&self) -> Vec<MountPoint> {
        let mut points: BTreeMap<&str, MountPoint> = BTreeMap::new();
        for mount in &self.mounts {
            let point = MountPoint {
                fs_type: Some(mount.fs_type.clone()),
                read_only: Some(mount.read_only),
                ..MountPoint::new(&mount.path, &mount.device, &mount.seen)
            };
            points.insert(&mount.path, point);
        }
        for usage in &self.file_systems {
            let point = points
                .entry(&usage.path)
                .or_insert_with(|| MountPoint::new(&usage.path, &usage.device, &usage.seen));
            // The health check and the disk report both hold the table; the first one read counts.
            if point.size.is_some() {
                continue;
            }
            point.fs_type = point.fs_type.take().or_else(|| usage.fs_type.clone());
            (point.size, point.used, point.available) = (usage.size, usage.used, usage.available);
            point.used_percent = usage.used_percent;
            point.space_seen = Some(usage.seen.clone());
            point.add(&usage.seen);
        }
        for usage in &self.inodes {
            let point = points
                .entry(&usage.path)
                .or_insert_with(|| MountPoint::new(&usage.path, &usage.device, &usage.seen));
            if point.inodes_used_percent.is_none() {
                point.inodes_used_percent = usage.used_percent;
                point.inodes_seen = Some(usage.seen.clone());
                point.add(&usage.seen);
            }
        }
        points.into_values().collect()
    }

    /// The whole disks of the host by name, with what they are used for. Loop, RAM, floppy and
    /// optical devices are not disks; neither are device-mapper and RAID devices, whose disks count
    /// as in use.
    pub fn disks(&self) -> Vec<HostDisk<'_>> {
        let mut disks: BTreeMap<&str, HostDisk<'_>> = BTreeMap::new();
        let parents: BTreeMap<&str, &str> = self
            .block_devices
            .iter()
            .filter_map(|device| Some((device.device.as_str(), device.parent.as_deref()?)))
            .collect();
        for device in &self.block_devices {
            let name = whole_disk(&device.device, &parents);
            if !is_disk(name) {
                continue;
            }
            let disk = disks.entry(name).or_insert_with(|| HostDisk::new(name));
            if name == device.device && disk.block_device.is_none() {
                disk.block_device = Some(device);
            }
            if device.model.as_deref().is_some_and(is_longhorn_model) {
                disk.mark(DiskUse::LonghornVolume, &device.seen);
            }
            if device
                .label
                .as_deref()
                .is_some_and(|label| SYSTEM_LABELS.contains(&label))
            {
                disk.mark(DiskUse::System, &device.seen);
            }
            if device.label.as_deref() == Some("HARV_LH_DEFAULT") {
                disk.mark(DiskUse::LonghornData, &device.seen);
            }
            if let Some(path) = device.mount_path.as_deref() {
                disk.mounted_at(path, &device.seen);
            } else if name != device.device && !is_partition(&device.device, name) {
                disk.mark(DiskUse::Other, &device.seen);
            }
        }
        let mounts = self
            .mounts
            .iter()
            .map(|mount| (&mount.device, &mount.path, &mount.seen));
        let usages = self
            .file_systems
            .iter()
            .map(|usage| (&usage.device, &usage.path, &usage.seen));
        for (device, path, seen) in mounts.chain(usages) {
            let Some(device) = device.strip_prefix("/dev/") else {
                continue;
            };
            let name = whole_disk(device, &parents);
            if is_disk(name) {
                disks
                    .entry(name)
                    .or_insert_with(|| HostDisk::new(name))
                    .mounted_at(path, seen);
            }
        }
        for device in &self.scsi_devices {
            if let Some(name) = device.device.as_deref()
                && is_longhorn_model(&device.model)
            {
                let disk = disks.entry(name).or_insert_with(|| HostDisk::new(name));
                disk.mark(DiskUse::LonghornVolume, &device.seen);
            }
        }
        for session in &self.iscsi_sessions {
            let Some(volume) = session.target.strip_prefix(LONGHORN_TARGET) else {
                continue;
            };
            for name in &session.devices {
                let disk = disks.entry(name).or_insert_with(|| HostDisk::new(name));
                disk.mark(DiskUse::LonghornVolume, &session.seen);
                disk.volume = Some(volume);
            }
        }
        for report in &self.smart {
            let name = whole_disk(&report.device, &parents);
            let disk = disks.entry(name).or_insert_with(|| HostDisk::new(name));
            if disk.smart.is_none() {
                disk.smart = Some(report);
            }
        }
        self.name_volumes(&mut disks);
        disks.into_values().collect()
    }

    /// Finds volumes whose device is known by another name only: Longhorn's own node below
    /// `/dev/longhorn/` has the numbers of an `sdX`, and is what the mount table shows.
    fn name_volumes<'a>(&'a self, disks: &mut BTreeMap<&'a str, HostDisk<'a>>) {
        let by_path: BTreeMap<&str, (&str, &Location)> = self
            .mounts
            .iter()
            .filter_map(|mount| {
                Some((
                    mount.path.as_str(),
                    (longhorn_node(&mount.device)?, &mount.seen),
                ))
            })
            .collect();
        for disk in disks.values_mut() {
            let mounted = disk
                .block_device
                .and_then(|device| device.mount_path.as_deref());
            if let Some((volume, seen)) = mounted.and_then(|path| by_path.get(path)) {
                disk.mark(DiskUse::LonghornVolume, seen);
                disk.volume = disk.volume.or(Some(volume));
            }
        }
    }
}

impl MountPoint {
    fn new(path: &str, device: &str, seen: &Location) -> Self {
        MountPoint {
            path: path.to_owned(),
            device: device.to_owned(),
            fs_type: None,
            read_only: None,
            size: None,
            used: None,
            available: None,
            used_percent: None,
            inodes_used_percent: None,
            seen: vec![seen.clone()],
            space_seen: None,
            inodes_seen: None,
        }
    }

    fn add(&mut self, seen: &Location) {
        if !self.seen.contains(seen) {
            self.seen.push(seen.clone());
        }
    }
}

impl<'a> HostDisk<'a> {
    fn new(device: &'a str) -> Self {
        HostDisk {
            device,
            disk_use: DiskUse::Unused,
            longhorn_paths: Vec::new(),
            volume: None,
            block_device: None,
            smart: None,
            seen: Vec::new(),
        }
    }

    /// Notes a use. What weighs more stays: a volume is nothing else, a system disk is one whatever
    /// else lies on it.
    fn mark(&mut self, disk_use: DiskUse, seen: &'a Location) {
        let weight = |disk_use| match disk_use {
            DiskUse::Unused => 0,
            DiskUse::Other => 1,
            DiskUse::LonghornData => 2,
            DiskUse::System => 3,
            DiskUse::LonghornVolume => 4,
        };
        if weight(disk_use) > weight(self.disk_use) {
            self.disk_use = disk_use;
        }
        if disk_use != DiskUse::Other && self.seen.len() < MOST_PLACES {
            self.seen.push(seen);
        }
    }

    fn mounted_at(&mut self, path: &'a str, seen: &'a Location) {
        if is_longhorn_data_path(path) {
            self.mark(DiskUse::LonghornData, seen);
            if self.longhorn_paths.len() < MOST_PLACES && !self.longhorn_paths.contains(&path) {
                self.longhorn_paths.push(path);
            }
        } else if SYSTEM_PATHS.contains(&path) {
            self.mark(DiskUse::System, seen);
        } else if let Some(csi) = csi_mount(path) {
            if csi.is_longhorn {
                self.mark(DiskUse::LonghornVolume, seen);
            } else {
                self.mark(DiskUse::Other, seen);
            }
            self.volume = self.volume.or(csi.volume);
        } else {
            self.mark(DiskUse::Other, seen);
        }
    }
}

/// How many places are noted of one disk; the same facts come from several tables.
const MOST_PLACES: usize = 50;

/// Labels that Harvester's installer gives to the partitions of the operating system.
const SYSTEM_LABELS: [&str; 6] = [
    "COS_GRUB",
    "COS_OEM",
    "COS_STATE",
    "COS_RECOVERY",
    "COS_PERSISTENT",
    "COS_ACTIVE",
];

/// Where those partitions are mounted.
const SYSTEM_PATHS: [&str; 5] = [
    "/",
    "/oem",
    "/usr/local",
    "/run/initramfs/cos-state",
    "/run/cos/state",
];

/// Whether replicas of Longhorn volumes lie at a path of a Harvester host.
pub fn is_longhorn_data_path(path: &str) -> bool {
    path == "/var/lib/harvester/defaultdisk"
        || path == "/var/lib/longhorn"
        || path.starts_with("/var/lib/harvester/extra-disks/")
}

/// Whether a disk's model is that of Longhorn's target: over iSCSI for its v1 data engine, over
/// NVMe/TCP from SPDK, under SPDK's default name, for v2.
pub fn is_longhorn_model(model: &str) -> bool {
    matches!(model.trim(), "VIRTUAL-DISK" | "SPDK bdev Controller")
}

/// Volume that a device node of Longhorn's belongs to: `/dev/longhorn/pvc-…`.
pub fn longhorn_node(device: &str) -> Option<&str> {
    device
        .strip_prefix("/dev/longhorn/")
        .filter(|volume| !volume.is_empty())
}

/// A mount made by kubelet for a volume of a CSI driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CsiMount<'a> {
    /// Name of the persistent volume, which for Longhorn is the volume's; the newer form of the
    /// staging path has a hash instead.
    pub volume: Option<&'a str>,
    /// Whether the path itself says that the driver is Longhorn's. A pod's mount doesn't name it.
    pub is_longhorn: bool,
}

/// Reads the path of a CSI mount below kubelet's directory.
pub fn csi_mount(path: &str) -> Option<CsiMount<'_>> {
    if let Some((_, rest)) = path.split_once("/volumes/kubernetes.io~csi/") {
        let volume = rest.strip_suffix("/mount")?;
        return Some(CsiMount {
            volume: Some(volume),
            is_longhorn: false,
        });
    }
    let (_, staged) = path.split_once("/plugins/kubernetes.io/csi/")?;
    let staged = staged.strip_suffix("/globalmount")?;
    let (driver, name) = staged.split_once('/')?;
    Some(match driver {
        // Up to Kubernetes 1.23 the directory is `pv/<volume>`.
        "pv" => CsiMount {
            volume: Some(name),
            is_longhorn: false,
        },
        _ => CsiMount {
            volume: None,
            is_longhorn: driver == "driver.longhorn.io",
        },
    })
}

/// The disk a device lies on: up the branches of lsblk, or by the names partitions have.
fn whole_disk<'a>(device: &'a str, parents: &BTreeMap<&str, &'a str>) -> &'a str {
    let mut disk = device;
    // A tree has no loops, a broken table may: no stack of devices is this deep.
    for _ in 0..16 {
        match parents.get(disk) {
            Some(parent) => disk = parent,
            None => return without_partition(disk),
        }
    }
    disk
}

/// `sda3` is on `sda`, `nvme0n1p2` on `nvme0n1`.
fn without_partition(device: &str) -> &str {
    let base = device.trim_end_matches(|c: char| c.is_ascii_digit());
    if base.len() == device.len() {
        return device;
    }
    if device.starts_with("nvme") || device.starts_with("mmcblk") {
        return base
            .strip_suffix('p')
            .filter(|disk| disk.ends_with(|c: char| c.is_ascii_digit()))
            .unwrap_or(device);
    }
    let lettered = ["sd", "vd", "xvd", "hd"].iter().any(|kind| {
        base.strip_prefix(kind)
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_lowercase()))
    });
    if lettered { base } else { device }
}

fn is_partition(device: &str, disk: &str) -> bool {
    device != disk && without_partition(device) == disk
}

fn is_disk(name: &str) -> bool {
    ![
        "loop",
        "ram",
        "zram",
        "fd",
        "sr",
        "dm-",
        "md",
        "longhorn/",
        "mapper/",
        "root",
        "nbd",
    ]
    .iter()
    .any(|kind| name.starts_with(kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::host::tests::facts_of;

    const HOST: &str = "\
#==[ Command ]==#
# /bin/df -hT
Filesystem               Type  Size  Used Avail Use% Mounted on
/dev/sda5                ext4  147G   81G   59G  58% /usr/local
/dev/sdf1                ext4   10G    1G    9G  10% /var/lib/kubelet/pods/0b/volumes/kubernetes.io~csi/pvc-gone/mount
#==[ Command ]==#
# /bin/df -i
Filesystem        Inodes   IUsed     IFree IUse% Mounted on
/dev/sda5        9830400  312044   9518356    4% /usr/local
#==[ Command ]==#
# /bin/lsblk -i -o NAME,KNAME,MAJ:MIN,FSTYPE,LABEL,RO,RM,MODEL,SIZE,MOUNTPOINT
NAME   KNAME MAJ:MIN FSTYPE LABEL           RO RM MODEL               SIZE MOUNTPOINT
loop0  loop0   7:0   ext2   COS_ACTIVE       1  0                       3G /
sda    sda     8:0                           0  0 KINGSTON SA400S3  447.1G
|-sda5 sda5    8:5   ext4   COS_PERSISTENT   0  0                     150G /usr/local
`-sda6 sda6    8:6   ext4   HARV_LH_DEFAULT  0  0                   280.9G /var/lib/harvester/defaultdisk
sdb    sdb     8:16  ext4                    0  0 SAMSUNG MZ7L31T9    1.8T /var/lib/harvester/extra-disks/e8d3
sdc    sdc     8:32  ext4                    0  0 VIRTUAL-DISK         10G /var/lib/kubelet/pods/0a/volumes/kubernetes.io~csi/pvc-1/mount
sdd    sdd     8:48                          0  0 VIRTUAL-DISK         10G
sde    sde     8:64                          0  0 WDC WD40EFRX-68N    3.6T
sdg    sdg     8:96                          0  0 SSD PLAIN           100G
`-vg-a dm-0  254:0                           0  0                     100G
sdh    sdh     8:112 ext4                    0  0 DISK                 10G /var/lib/kubelet/plugins/kubernetes.io/csi/driver.longhorn.io/ab/globalmount
sr0    sr0    11:0                           0  1 DVD                1024M
#==[ Configuration File ]==#
# /proc/mounts
/dev/sda5 /usr/local ext4 ro,relatime 0 0
/dev/longhorn/pvc-7 /var/lib/kubelet/plugins/kubernetes.io/csi/driver.longhorn.io/ab/globalmount ext4 rw 0 0
#==[ Command ]==#
# /sbin/iscsiadm -m session -P 3
Target: iqn.2019-10.io.longhorn:pvc-4 (non-flash)
	Current Portal: 10.52.0.9:3260,1
		SID: 3
			Attached scsi disk sdd		State: running
#==[ Command ]==#
# /usr/sbin/smartctl --all /dev/sda
Device Model:     KINGSTON SA400S37480G
Rotation Rate:    Solid State Device
SMART overall-health self-assessment test result: PASSED
";

    #[test]
    fn disks_and_their_use() {
        let facts = facts_of(HOST);
        let disks = facts.disks();
        let rows: Vec<_> = disks
            .iter()
            .map(|disk| (disk.device, disk.disk_use.as_str(), disk.volume))
            .collect();
        assert_eq!(
            rows,
            [
                ("sda", "system", None),
                ("sdb", "longhorn-data", None),
                ("sdc", "longhorn-volume", Some("pvc-1")),
                ("sdd", "longhorn-volume", Some("pvc-4")),
                ("sde", "unused", None),
                // Mounted for a volume, not in lsblk, no sign of whose driver it is.
                ("sdf", "other", Some("pvc-gone")),
                ("sdg", "other", None),
                ("sdh", "longhorn-volume", Some("pvc-7")),
            ]
        );
        let sda = &disks[0];
        assert_eq!(sda.longhorn_paths, ["/var/lib/harvester/defaultdisk"]);
        assert_eq!(
            (sda.model(), sda.rotational()),
            (Some("KINGSTON SA400S37480G"), Some(false))
        );
        assert_eq!(sda.health(), SmartHealth::Passed);
        assert_eq!(disks[1].model(), Some("SAMSUNG MZ7L31T9"));
        assert!(disks[5].block_device.is_none());
        assert!(sda.seen.iter().any(|seen| seen.line == Some(15)));
    }

    #[test]
    fn mounts_are_joined_by_path() {
        let points = facts_of(HOST).mount_points();
        let persistent = points.iter().find(|point| point.path == "/usr/local");
        let Some(point) = persistent else {
            panic!("/usr/local is there")
        };
        assert_eq!(
            (
                point.read_only,
                point.used_percent,
                point.inodes_used_percent
            ),
            (Some(true), Some(58), Some(4))
        );
        assert_eq!(point.size, Some(147 << 30));
        assert_eq!(
            point
                .seen
                .iter()
                .filter_map(|seen| seen.line)
                .collect::<Vec<_>>(),
            [27, 4, 9]
        );
        assert!(points.is_sorted_by_key(|point| &point.path));
    }

    #[test]
    fn paths_of_csi_mounts() {
        let root = "/var/lib/kubelet";
        let pod = format!("{root}/pods/0a/volumes/kubernetes.io~csi/pvc-1/mount");
        assert_eq!(
            csi_mount(&pod),
            Some(CsiMount {
                volume: Some("pvc-1"),
                is_longhorn: false
            })
        );
        let old = format!("{root}/plugins/kubernetes.io/csi/pv/pvc-1/globalmount");
        assert_eq!(
            csi_mount(&old),
            Some(CsiMount {
                volume: Some("pvc-1"),
                is_longhorn: false
            })
        );
        let new = format!("{root}/plugins/kubernetes.io/csi/driver.longhorn.io/0abc/globalmount");
        assert_eq!(
            csi_mount(&new),
            Some(CsiMount {
                volume: None,
                is_longhorn: true
            })
        );
        let other =
            format!("{root}/plugins/kubernetes.io/csi/lvm.driver.harvesterhci.io/0abc/globalmount");
        assert_eq!(
            csi_mount(&other),
            Some(CsiMount {
                volume: None,
                is_longhorn: false
            })
        );
        for path in [
            "/usr/local",
            "/var/lib/kubelet/pods/0a/volumes/kubernetes.io~projected/token",
        ] {
            assert_eq!(csi_mount(path), None, "{path}");
        }
    }

    #[test]
    fn partitions_and_disks() {
        for (device, disk) in [
            ("sda", "sda"),
            ("sda3", "sda"),
            ("sdaa12", "sdaa"),
            ("vdb1", "vdb"),
            ("nvme0n1", "nvme0n1"),
            ("nvme0n1p2", "nvme0n1"),
            ("mmcblk0p1", "mmcblk0"),
            ("dm-0", "dm-0"),
            ("md127", "md127"),
            ("loop0", "loop0"),
            ("", ""),
        ] {
            assert_eq!(without_partition(device), disk, "{device}");
        }
    }
}
