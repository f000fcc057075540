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

/// Reads the tree of `lsblk -i -o NAME,…`: columns by the place of their heading, parents by the
/// depth of the branch that leads to a name.
pub(super) fn read_lsblk(reader: &mut Reader, section: &Section) {
    let lines: Vec<(u32, Vec<char>)> = section
        .lines()
        .map(|(line, text)| (line, text.chars().collect()))
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
        let Some(drawn) = table.cell(row, "NAME") else {
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
        while at < heading.len() {
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
        let index = self.columns.iter().position(|(name, _)| name == column)?;
        let start = self.columns.get(index)?.1;
        let end = self
            .columns
            .get(index + 1)
            .map_or(row.len(), |(_, start)| (*start).min(row.len()));
        let text: String = row.get(start..end)?.iter().collect();
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
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
    (drawn_width / 2, name.to_owned())
}
