//! `df`, `df -i`, `mount`, `findmnt` and `/proc/mounts`.

use crate::parse::host::Reader;
use crate::parse::host::quantity::{percent, size};
use crate::parse::host::section::Section;
use crate::span::Location;

/// Space of a mounted file system. Sizes are in bytes, as exact as the table printed them: `1.8T`
/// has two digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSystemUsage {
    /// Where it is mounted.
    pub path: String,
    /// What is mounted: `/dev/sda5`, `tmpfs`.
    pub device: String,
    /// File system type, if the table had it.
    pub fs_type: Option<String>,
    /// Size in bytes.
    pub size: Option<u64>,
    /// Used bytes.
    pub used: Option<u64>,
    /// Bytes left for ordinary users.
    pub available: Option<u64>,
    /// Used share in percent as printed, reserved blocks counted as not there.
    pub used_percent: Option<u32>,
    /// Row of the table.
    pub seen: Location,
}

/// Inodes of a mounted file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InodeUsage {
    /// Where it is mounted.
    pub path: String,
    /// What is mounted.
    pub device: String,
    /// Inodes in all; 0 where the file system makes them as needed.
    pub inodes: Option<u64>,
    /// Inodes in use.
    pub used: Option<u64>,
    /// Used share in percent as printed; absent where the file system has no fixed number.
    pub used_percent: Option<u32>,
    /// Row of the table.
    pub seen: Location,
}

/// One line of the mount table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountEntry {
    /// Where it is mounted.
    pub path: String,
    /// What is mounted; of a bind mount printed by `findmnt`, without the `[/subdirectory]`.
    pub device: String,
    /// File system type.
    pub fs_type: String,
    /// Options in their order.
    pub options: Vec<String>,
    /// Whether the options hold `ro`.
    pub read_only: bool,
    /// Line of the table.
    pub seen: Location,
}

/// Reads `df`, with or without `-T` and `-h`.
pub(super) fn read_usage(reader: &mut Reader, section: &Section) {
    let mut table: Option<Header> = None;
    for row in rows(section) {
        if row.words.first() == Some(&"Filesystem") {
            let block = row
                .words
                .iter()
                .find_map(|word| word.strip_suffix("-blocks"));
            table = Some(Header {
                typed: row.words.get(1) == Some(&"Type"),
                unit: block.and_then(|block| size(block, 1)).unwrap_or(1),
            });
            continue;
        }
        let Some(header) = &table else { continue };
        let first = 1 + usize::from(header.typed);
        let (Some(device), Some(path)) = (row.words.first(), row.tail(first + 4)) else {
            continue;
        };
        let bytes = |index: usize| {
            row.words
                .get(index)
                .and_then(|word| size(word, header.unit))
        };
        let usage = FileSystemUsage {
            path: path.to_owned(),
            device: (*device).to_owned(),
            fs_type: header
                .typed
                .then(|| row.words.get(1).map(|word| (*word).to_owned()))
                .flatten(),
            size: bytes(first),
            used: bytes(first + 1),
            available: bytes(first + 2),
            used_percent: row.words.get(first + 3).and_then(|word| percent(word)),
            seen: reader.at(row.line),
        };
        // An error of df, merged into its output, has the words of a row but not the numbers.
        if usage.size.is_some() || row.words.get(first) == Some(&"-") {
            reader.keep(|facts| &mut facts.file_systems, usage);
        }
    }
}

/// Reads `df -i`.
pub(super) fn read_inodes(reader: &mut Reader, section: &Section) {
    let mut has_header = false;
    for row in rows(section) {
        if row.words.first() == Some(&"Filesystem") {
            has_header = true;
            continue;
        }
        let (true, Some(device), Some(path)) = (has_header, row.words.first(), row.tail(5)) else {
            continue;
        };
        let count = |index: usize| row.words.get(index).and_then(|word| size(word, 1));
        let usage = InodeUsage {
            path: path.to_owned(),
            device: (*device).to_owned(),
            inodes: count(1),
            used: count(2),
            used_percent: row.words.get(4).and_then(|word| percent(word)),
            seen: reader.at(row.line),
        };
        if usage.inodes.is_some() || row.words.get(1) == Some(&"-") {
            reader.keep(|facts| &mut facts.inodes, usage);
        }
    }
}

/// Reads `mount`, `findmnt` or `/proc/mounts`. A supportconfig prints the same table in all three
/// ways; the first of them in a file is kept.
pub(super) fn read_mounts(reader: &mut Reader, section: &Section) {
    if !reader.facts.mounts.is_empty() {
        return;
    }
    let read_line: fn(&str) -> Option<[String; 4]> = match section.program() {
        "mount" => mount_line,
        "findmnt" => findmnt_line,
        _ => proc_mounts_line,
    };
    for (line, text) in section.lines() {
        let Some([device, path, fs_type, options]) = read_line(text) else {
            continue;
        };
        let options: Vec<String> = options
            .split(',')
            .take(MOST_OPTIONS)
            .map(str::to_owned)
            .collect();
        let read_only = options.iter().any(|option| option == "ro");
        let entry = MountEntry {
            path,
            device,
            fs_type,
            options,
            read_only,
            seen: reader.at(line),
        };
        reader.keep(|facts| &mut facts.mounts, entry);
    }
}

/// Far above what the longest list, of an overlay with its flags, has.
const MOST_OPTIONS: usize = 256;

struct Header {
    typed: bool,
    /// Bytes that a bare number counts: 1024 under `1K-blocks`.
    unit: u64,
}

/// A row of `df`, put together again where a long device name pushed the rest to the next line.
struct Row<'a> {
    line: u32,
    words: Vec<&'a str>,
    /// The line that holds the last words, for the path, which may contain spaces.
    text: &'a str,
    /// How many words stand on the line before.
    wrapped: usize,
}

impl<'a> Row<'a> {
    /// Text from a word on to the end of the line.
    fn tail(&self, index: usize) -> Option<&'a str> {
        let word = self.words.get(index)?;
        let mut rest = self.text;
        for _ in self.wrapped..index {
            rest = rest.trim_start();
            rest = rest.get(rest.find(char::is_whitespace)?..)?;
        }
        let rest = rest.trim();
        rest.starts_with(word).then_some(rest)
    }
}

fn rows<'a>(section: &Section<'a>) -> impl Iterator<Item = Row<'a>> + use<'a> {
    let mut lonely_device: Option<(u32, &str)> = None;
    section.lines().filter_map(move |(line, text)| {
        let mut words: Vec<&str> = text.split_whitespace().collect();
        match (lonely_device.take(), words.len()) {
            (_, 0) => None,
            (Some((first_line, device)), _) if text.starts_with(char::is_whitespace) => {
                words.insert(0, device);
                Some(Row {
                    line: first_line,
                    words,
                    text,
                    wrapped: 1,
                })
            }
            (_, 1) => {
                lonely_device = words.first().map(|device| (line, *device));
                None
            }
            _ => Some(Row {
                line,
                words,
                text,
                wrapped: 0,
            }),
        }
    })
}

/// `/dev/sda5 on /usr/local type ext4 (rw,relatime)`.
fn mount_line(text: &str) -> Option<[String; 4]> {
    let (device, rest) = text.split_once(" on ")?;
    let (path, rest) = rest.rsplit_once(" type ")?;
    let (fs_type, options) = rest.split_once(" (")?;
    let options = options.split(')').next()?;
    Some([device, path, fs_type, options].map(str::to_owned))
}

/// `|-/usr/local  /dev/sda5  ext4  rw,relatime`, a tree drawn in ASCII or Unicode.
fn findmnt_line(text: &str) -> Option<[String; 4]> {
    let row = text.get(text.find('/')?..)?;
    let words: Vec<&str> = row.split_whitespace().collect();
    let &[path, source, fs_type, options] = words.as_slice() else {
        return None;
    };
    // The options of a mount always say how it may be used: that tells a row from other text.
    let is_row = options
        .split(',')
        .any(|option| matches!(option, "rw" | "ro"));
    let device = source.split('[').next().unwrap_or(source);
    is_row.then(|| {
        [
            unescape(device),
            unescape(path),
            fs_type.to_owned(),
            options.to_owned(),
        ]
    })
}

/// `/dev/sda5 /usr/local ext4 rw,relatime 0 0`.
fn proc_mounts_line(text: &str) -> Option<[String; 4]> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let &[device, path, fs_type, options, _dump, _pass] = words.as_slice() else {
        return None;
    };
    Some([
        unescape(device),
        unescape(path),
        fs_type.to_owned(),
        options.to_owned(),
    ])
}

/// Undoes the kernel's `\040` and findmnt's `\x20` for blanks and the like.
fn unescape(text: &str) -> String {
    if !text.contains('\\') {
        return text.to_owned();
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after
            .first_chunk::<3>()
            .and_then(|chunk| std::str::from_utf8(chunk).ok());
        let code =
            digits
                .filter(|_| byte == b'\\')
                .and_then(|digits| match digits.strip_prefix('x') {
                    Some(hex) => u8::from_str_radix(hex, 16).ok(),
                    None => u8::from_str_radix(digits, 8).ok(),
                });
        match code {
            Some(code) => {
                out.push(code);
                rest = after.get(3..).unwrap_or_default();
            }
            None => {
                out.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use crate::parse::host::tests::facts_of;

    #[test]
    fn space_of_file_systems() {
        let text = "\
#==[ Command ]==#
# /bin/df -hT
df: /var/lib/kubelet/pods/x/volumes/gone: Input/output error
Filesystem     Type      Size  Used Avail Use% Mounted on
/dev/sda5      ext4      147G   81G   59G  58% /usr/local
/dev/mapper/very-long--volume--group-and--logical--volume
               xfs       1.8T  402G  1.3T  24% /var/lib/harvester/extra-disks/abc
tmpfs          tmpfs        0     0     0    - /sys/fs/cgroup
shm            tmpfs      64M   12K   64M   1% /run/with a space/shm
broken

/dev/sdz       ext4
";
        let rows: Vec<_> = facts_of(text)
            .file_systems
            .into_iter()
            .map(|row| {
                (
                    row.path,
                    row.device,
                    row.fs_type,
                    row.size,
                    row.used_percent,
                    row.seen.line,
                )
            })
            .collect();
        let row = |path: &str, device: &str, fs_type: &str, size, percent, line| {
            (
                path.to_owned(),
                device.to_owned(),
                Some(fs_type.to_owned()),
                Some(size),
                percent,
                Some(line),
            )
        };
        assert_eq!(
            rows,
            [
                row("/usr/local", "/dev/sda5", "ext4", 147 << 30, Some(58), 5),
                row(
                    "/var/lib/harvester/extra-disks/abc",
                    "/dev/mapper/very-long--volume--group-and--logical--volume",
                    "xfs",
                    1_979_120_929_996,
                    Some(24),
                    6
                ),
                row("/sys/fs/cgroup", "tmpfs", "tmpfs", 0, None, 8),
                row(
                    "/run/with a space/shm",
                    "shm",
                    "tmpfs",
                    64 << 20,
                    Some(1),
                    9
                ),
            ]
        );
    }

    #[test]
    fn space_in_blocks_without_types() {
        let text = "#==[ Command ]==#\n# /bin/df\n\
            Filesystem     1K-blocks     Used Available Use% Mounted on\n\
            /dev/sda5      153707984 84934656  61865984  58% /usr/local\n";
        let facts = facts_of(text);
        let row = &facts.file_systems[0];
        assert_eq!(
            (row.size, row.available),
            (Some(153_707_984 << 10), Some(61_865_984 << 10))
        );
        assert_eq!((row.fs_type.as_deref(), row.used_percent), (None, Some(58)));
    }

    #[test]
    fn inodes() {
        let text = "#==[ Command ]==#\n# /bin/df -i\n\
            Filesystem        Inodes   IUsed     IFree IUse% Mounted on\n\
            /dev/sda5        9830400 9829000      1400  100% /usr/local\n\
            /dev/sda1              0       0         0     - /boot/efi\n";
        let facts = facts_of(text);
        assert!(facts.file_systems.is_empty());
        let rows: Vec<_> = facts
            .inodes
            .iter()
            .map(|row| (row.path.as_str(), row.inodes, row.used_percent))
            .collect();
        assert_eq!(
            rows,
            [
                ("/usr/local", Some(9_830_400), Some(100)),
                ("/boot/efi", Some(0), None)
            ]
        );
    }

    #[test]
    fn mount_tables() {
        for (title, subject, line) in [
            (
                "Command",
                "/bin/mount",
                "/dev/sda5 on /a b type ext4 (ro,relatime,errors=remount-ro)",
            ),
            (
                "Command",
                "/usr/bin/findmnt",
                "|-/a\\x20b   /dev/sda5[/sub]   ext4   ro,relatime,errors=remount-ro",
            ),
            (
                "Configuration File",
                "/proc/mounts",
                "/dev/sda5 /a\\040b ext4 ro,relatime,errors=remount-ro 0 0",
            ),
        ] {
            let facts = facts_of(&format!(
                "#==[ {title} ]==#\n# {subject}\nTARGET SOURCE FSTYPE OPTIONS\n{line}\n\n"
            ));
            assert_eq!(facts.mounts.len(), 1, "{subject}");
            let mount = &facts.mounts[0];
            assert_eq!(
                (mount.path.as_str(), mount.device.as_str()),
                ("/a b", "/dev/sda5"),
                "{subject}"
            );
            assert_eq!(
                (mount.fs_type.as_str(), mount.read_only),
                ("ext4", true),
                "{subject}"
            );
            assert_eq!(
                mount.options,
                ["ro", "relatime", "errors=remount-ro"],
                "{subject}"
            );
            assert_eq!(mount.seen.line, Some(4), "{subject}");
        }
    }

    #[test]
    fn the_same_table_is_kept_once() {
        let text = "#==[ Command ]==#\n# findmnt\n/ /dev/loop0 ext2 ro\n\
            #==[ Command ]==#\n# mount\n/dev/loop0 on / type ext2 (ro)\n";
        assert_eq!(facts_of(text).mounts.len(), 1);
    }
}
