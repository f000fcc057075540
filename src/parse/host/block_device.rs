//! `lsblk` and `lsscsi`: the block devices of a host.

use crate::parse::host::Reader;
use crate::parse::host::quantity::size;
use crate::parse::host::section::Section;
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

/// Columns that lsblk aligns to the left and that may hold blanks; all others hold one word.
const LEFT_ALIGNED: [&str; 12] = [
    "NAME",
    "KNAME",
    "FSTYPE",
    "LABEL",
    "MODEL",
    "OWNER",
    "GROUP",
    "MODE",
    "SCHED",
    "MOUNTPOINT",
    "MOUNTPOINTS",
    "SERIAL",
];

/// Rows and characters of a tree that are looked at. A row is some 300 characters long, and a host
/// has a few devices per disk and attached volume.
const MOST_ROWS_OF_TREE: usize = 5_000;
const LONGEST_ROW: usize = 1_500;

/// Reads the tree of `lsblk -i -o NAME,…`: columns by the place of their heading, parents by the
/// depth of the branch that leads to a name.
pub(super) fn read_lsblk(reader: &mut Reader, section: &Section) {
    let lines: Vec<(u32, Vec<char>)> = section
        .lines()
        .take(MOST_ROWS_OF_TREE)
        .map(|(line, text)| (line, text.chars().take(LONGEST_ROW).collect()))
        .collect();
    let header = lines
        .iter()
        .position(|(_, text)| text.starts_with(&['N', 'A', 'M', 'E']));
    let Some((heading, rows)) = header
        .and_then(|at| lines.get(at..))
        .and_then(<[_]>::split_first)
    else {
        return;
    };
    let rows: Vec<&(u32, Vec<char>)> = rows
        .iter()
        .take_while(|(_, text)| text.iter().any(|c| !c.is_whitespace()))
        .collect();
    let table = Table::new(&heading.1, &rows);

    // Kernel names of the branch that leads to the current row, by depth.
    let mut branch: Vec<String> = Vec::new();
    for (line, row) in &rows {
        let row = row.as_slice();
        let Some(drawn) = table.raw_cell(row, "NAME") else {
            continue;
        };
        let (depth, name) = undraw(&drawn);
        let device = table.cell(row, "KNAME").unwrap_or_else(|| name.clone());
        if name.is_empty() {
            continue;
        }
        branch.truncate(depth);
        let parent = branch.last().cloned();
        branch.push(device.clone());

        let flag = |column: &str| match table.cell(row, column).as_deref() {
            Some("1") => Some(true),
            Some("0") => Some(false),
            _ => None,
        };
        let numbers = table.cell(row, "MAJ:MIN").and_then(|cell| {
            let (major, minor) = cell.split_once(':')?;
            Some((major.trim().parse().ok()?, minor.trim().parse().ok()?))
        });
        let found = BlockDevice {
            name,
            parent,
            numbers,
            fs_type: table.cell(row, "FSTYPE"),
            label: table.cell(row, "LABEL"),
            read_only: flag("RO"),
            removable: flag("RM"),
            model: table.cell(row, "MODEL"),
            size: table.cell(row, "SIZE").and_then(|cell| size(&cell, 1)),
            rotational: flag("ROTA"),
            mount_path: table
                .cell(row, "MOUNTPOINT")
                .or_else(|| table.cell(row, "MOUNTPOINTS")),
            device,
            seen: reader.at(*line),
        };
        reader.keep(|facts| &mut facts.block_devices, found);
    }
}

/// Reads `lsscsi` without options: `[2:0:0:1]  disk  IET  VIRTUAL-DISK  0001  /dev/sdb`.
pub(super) fn read_lsscsi(reader: &mut Reader, section: &Section) {
    for (line, text) in section.lines() {
        let Some((address, rest)) = text.strip_prefix('[').and_then(|text| text.split_once(']'))
        else {
            continue;
        };
        let words: Vec<&str> = rest.split_whitespace().collect();
        let Some((&kind, identity)) = words.split_first() else {
            continue;
        };
        let (device, identity) = match identity.split_last() {
            Some((last, before)) if last.starts_with("/dev/") || *last == "-" => {
                (last.strip_prefix("/dev/"), before)
            }
            _ => (None, identity),
        };
        // Vendor, model and revision are padded to 8, 16 and 4 characters; a model may hold blanks.
        let (vendor, model) = match identity {
            [vendor, model @ .., _revision] if !model.is_empty() => (*vendor, model.join(" ")),
            [vendor, rest @ ..] => (*vendor, rest.join(" ")),
            [] => ("", String::new()),
        };
        let found = ScsiDevice {
            address: address.to_owned(),
            kind: kind.to_owned(),
            vendor: vendor.to_owned(),
            model,
            device: device.map(str::to_owned),
            seen: reader.at(line),
        };
        reader.keep(|facts| &mut facts.scsi_devices, found);
    }
}

/// Where the columns of a table of fixed width begin.
struct Table {
    columns: Vec<(String, usize)>,
}

impl Table {
    /// A left-aligned column begins under its heading. A right-aligned one reaches as far to the
    /// left as its widest cell, and each of its cells overlaps the heading.
    fn new(heading: &[char], rows: &[&(u32, Vec<char>)]) -> Self {
        let mut columns = Vec::new();
        let mut at = 0;
        while at < heading.len() && columns.len() < 64 {
            if heading.get(at).is_some_and(|c| c.is_whitespace()) {
                at += 1;
                continue;
            }
            let name: String = heading
                .iter()
                .skip(at)
                .take_while(|c| !c.is_whitespace())
                .collect();
            let width = name.chars().count();
            let mut start = at;
            if !LEFT_ALIGNED.contains(&name.as_str()) {
                for (_, row) in rows {
                    start = start.min(cell_start(row, at, width));
                }
            }
            columns.push((name, start));
            at += width;
        }
        Table { columns }
    }

    /// The trimmed text of a row's cell, if there is any.
    fn cell(&self, row: &[char], column: &str) -> Option<String> {
        let text = self.raw_cell(row, column)?;
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// The text of a row's cell with its blanks, which are part of a drawn tree.
    fn raw_cell(&self, row: &[char], column: &str) -> Option<String> {
        let index = self.columns.iter().position(|(name, _)| name == column)?;
        let start = self.columns.get(index)?.1;
        let next = self.columns.get(index + 1).map(|(_, start)| *start);
        let end = next.unwrap_or(row.len()).min(row.len());
        Some(row.get(start..end)?.iter().collect())
    }
}

/// Where the word begins that lies under a heading at `at`; `at` if there is none.
fn cell_start(row: &[char], at: usize, width: usize) -> usize {
    let is_text = |index: usize| row.get(index).is_some_and(|c| !c.is_whitespace());
    let Some(mut start) = (at..at + width).find(|index| is_text(*index)) else {
        return at;
    };
    while start > 0 && is_text(start - 1) {
        start -= 1;
    }
    start
}

/// Takes a tree's branches off a name: `| `-sda1` is `sda1` at depth 2. A branch is two characters
/// wide in ASCII and in Unicode.
fn undraw(drawn: &str) -> (usize, String) {
    let name = drawn.trim_start_matches([' ', '|', '`', '-', '├', '└', '│', '─']);
    let drawn_width = drawn.chars().count() - name.chars().count();
    (drawn_width / 2, name.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use crate::parse::host::tests::facts_of;

    /// The columns of a real supportconfig, with cells wider than their headings on both sides.
    const TREE: &str = "\
#==[ Command ]======================================#
# /bin/lsblk -i -o 'NAME,KNAME,MAJ:MIN,FSTYPE,LABEL,RO,RM,MODEL,SIZE,OWNER,GROUP,MODE,ALIGNMENT,MIN-IO,OPT-IO,PHY-SEC,LOG-SEC,ROTA,SCHED,MOUNTPOINT'
NAME              KNAME     MAJ:MIN FSTYPE      LABEL           RO RM MODEL              SIZE OWNER GROUP MODE       ALIGNMENT MIN-IO OPT-IO PHY-SEC LOG-SEC ROTA SCHED       MOUNTPOINT
loop0             loop0       7:0   ext2        COS_ACTIVE       1  0                      3G root  disk  brw-rw----         0    512      0     512     512    0 none        /
sda               sda         8:0                                0  0 KINGSTON SA400S3 447.1G root  disk  brw-rw----         0    512      0     512     512    0 mq-deadline
|-sda5            sda5        8:5   ext4        COS_PERSISTENT   0  0                    150G root  disk  brw-rw----         0    512      0     512     512    0 mq-deadline /usr/local
`-sda6            sda6        8:6   ext4        HARV_LH_DEFAULT  0  0                  280.9G root  disk  brw-rw----         0    512      0     512     512    0 mq-deadline /var/lib/harvester/defaultdisk
sdb               sdb         8:16  LVM2_member                  0  0 ST2000DM001-1CH1   1.8T root  disk  brw-rw----         0   4096      0    4096     512    1 mq-deadline
`-vg0-data--one   dm-0      254:0   xfs                          0  0                    1.8T root  disk  brw-rw----         0   4096      0    4096     512    1             /var/lib/some path
  `-vg0-inner     dm-12     254:12                               0  0                      1K root  disk  brw-rw----         0   4096      0    4096     512    1
sdc               sdc         8:32  ext4                         1  0 VIRTUAL-DISK        10G root  disk  brw-rw----         0    512      0     512     512    1 mq-deadline /var/lib/kubelet/pods/0a/volumes/kubernetes.io~csi/pvc-1/mount

";

    #[test]
    fn tree_of_block_devices() {
        let facts = facts_of(TREE);
        let rows: Vec<_> = facts
            .block_devices
            .iter()
            .map(|row| {
                (
                    row.device.as_str(),
                    row.parent.as_deref(),
                    row.model.as_deref(),
                    row.size,
                    row.rotational,
                )
            })
            .collect();
        let gigabytes = |count: f64| (count * f64::from(1 << 30)) as u64;
        assert_eq!(
            rows,
            [
                ("loop0", None, None, Some(gigabytes(3.0)), Some(false)),
                (
                    "sda",
                    None,
                    Some("KINGSTON SA400S3"),
                    Some(gigabytes(447.1)),
                    Some(false)
                ),
                (
                    "sda5",
                    Some("sda"),
                    None,
                    Some(gigabytes(150.0)),
                    Some(false)
                ),
                (
                    "sda6",
                    Some("sda"),
                    None,
                    Some(gigabytes(280.9)),
                    Some(false)
                ),
                (
                    "sdb",
                    None,
                    Some("ST2000DM001-1CH1"),
                    Some(gigabytes(1.8 * 1024.0)),
                    Some(true)
                ),
                (
                    "dm-0",
                    Some("sdb"),
                    None,
                    Some(gigabytes(1.8 * 1024.0)),
                    Some(true)
                ),
                ("dm-12", Some("dm-0"), None, Some(1024), Some(true)),
                (
                    "sdc",
                    None,
                    Some("VIRTUAL-DISK"),
                    Some(gigabytes(10.0)),
                    Some(true)
                ),
            ]
        );
        let sda6 = &facts.block_devices[3];
        assert_eq!(sda6.label.as_deref(), Some("HARV_LH_DEFAULT"));
        assert_eq!(sda6.fs_type.as_deref(), Some("ext4"));
        assert_eq!(sda6.numbers, Some((8, 6)));
        assert_eq!(
            sda6.mount_path.as_deref(),
            Some("/var/lib/harvester/defaultdisk")
        );
        assert_eq!(sda6.seen.line, Some(7));
        let dm = &facts.block_devices[5];
        assert_eq!(
            (dm.name.as_str(), dm.numbers),
            ("vg0-data--one", Some((254, 0)))
        );
        assert_eq!(dm.mount_path.as_deref(), Some("/var/lib/some path"));
        assert_eq!(facts.block_devices[7].read_only, Some(true));
        assert_eq!(facts.block_devices[0].label.as_deref(), Some("COS_ACTIVE"));
        assert_eq!(facts.block_devices[1].mount_path, None);
    }

    #[test]
    fn a_cut_tree_keeps_what_is_there() {
        // Cut in the middle of the row of sdb: after its numbers, nothing is known of it.
        let cut = TREE.find("LVM2").map_or("", |at| &TREE[..at]);
        let devices = facts_of(cut).block_devices;
        assert_eq!(devices.len(), 5);
        let last = &devices[4];
        assert_eq!(
            (last.device.as_str(), last.numbers, last.size),
            ("sdb", Some((8, 16)), None)
        );
    }

    #[test]
    fn scsi_devices() {
        let text = "\
#==[ Command ]==#
# /usr/bin/lsscsi
[0:0:0:0]    disk    ATA      KINGSTON SA400S3 K1B3  /dev/sda
[2:0:0:1]    disk    IET      VIRTUAL-DISK     0001  /dev/sdb
[3:0:0:0]    storage IET      Controller       0001  -
[N:0:4:1]    disk    Samsung SSD 980 PRO 1TB__1                /dev/nvme0n1
[broken
#==[ Command ]==#
# /usr/bin/lsscsi -H
[0]    ahci
";
        let facts = facts_of(text);
        let rows: Vec<_> = facts
            .scsi_devices
            .iter()
            .map(|row| {
                (
                    row.address.as_str(),
                    row.vendor.as_str(),
                    row.model.as_str(),
                    row.device.as_deref(),
                )
            })
            .collect();
        assert_eq!(
            rows,
            [
                ("0:0:0:0", "ATA", "KINGSTON SA400S3", Some("sda")),
                ("2:0:0:1", "IET", "VIRTUAL-DISK", Some("sdb")),
                ("3:0:0:0", "IET", "Controller", None),
                ("N:0:4:1", "Samsung", "SSD 980 PRO", Some("nvme0n1")),
            ]
        );
    }
}
