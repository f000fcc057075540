//! Boots in the kernel's and units' journals.

use std::collections::BTreeMap;

use memchr::memmem;

use crate::parse::host::section::Section;
use crate::parse::host::{Fact, HostFacts, MOST_ROWS, Reader};
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
    /// The line by which this boot found that the one before it had been stopped hard: a journal
    /// that was not closed.
    pub previous_unclean: Option<Location>,
    /// First line of the boot.
    pub seen: Location,
}

/// What a journal covers, with year and zone: from the first line of its export, or from the first
/// and last line of a section that has full times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalSpan {
    /// `Sun 2022-03-06 22:45:10 UTC` in a header, `2025-05-09T08:25:09+0000` in a section.
    pub begins: String,
    /// `Tue 2022-03-22 23:56:05 UTC`: about when the file was collected.
    pub ends: String,
    /// The header, or the section's first line.
    pub seen: Location,
}

/// How far before a boot's end the signs of its shutdown are looked for. Stopping a node's services
/// and unmounting its volumes prints up to a few hundred lines after the first of them; the same
/// words early in a boot are the initial RAM disk handing over.
const ENDING_LINES: usize = 200;

/// Words in the last lines of a boot that was shut down in order. `systemd-shutdow` is the name of
/// the process as the kernel cuts it, and begins the full name too.
const SHUTDOWN_SIGNS: [&str; 13] = [
    "systemd-shutdow",
    "reboot: Restarting system",
    "reboot: Power down",
    "reboot: System halted",
    "Reached target Shutdown",
    "Reached target System Shutdown",
    "Reached target Late Shutdown Services",
    "Reached target Reboot",
    "Reached target System Reboot",
    "Reached target Power-Off",
    "Reached target System Power Off",
    "Reached target Final Step",
    "systemd[1]: Shutting down.",
];

/// Words with which a kernel ends its own boot.
const PANIC_SIGNS: [&str; 1] = ["Kernel panic - not syncing"];

impl HostFacts {
    /// The boots of the kernel's journals, the current one first, each told by one file. What a boot
    /// found of the one before it counts for that one, though another file holds it.
    pub fn kernel_boots(&self) -> Vec<Boot> {
        let mut by_age: BTreeMap<u32, Boot> = BTreeMap::new();
        for boot in self.boots.iter().filter(|boot| boot.unit.is_none()) {
            if let Some(ago) = boot.boots_ago {
                by_age.entry(ago).or_insert_with(|| boot.clone());
            }
        }
        let traces: Vec<(u32, Location)> = by_age
            .iter()
            .filter_map(|(ago, boot)| Some((ago.checked_add(1)?, boot.previous_unclean.clone()?)))
            .collect();
        for (ago, trace) in traces {
            if let Some(boot) = by_age.get_mut(&ago)
                && boot.clean != Some(true)
            {
                (boot.clean, boot.ending) = (Some(false), Some(trace));
            }
        }
        by_age.into_values().collect()
    }
}

/// Reads `kernel.log`, `.1` or `.2`: the kernel's messages of one boot.
pub(super) fn read_kernel_log(reader: &mut Reader, boots_ago: u8, text: &str) {
    read_boots(reader, None, Some(u32::from(boots_ago)), text);
}

/// Reads the journal of a unit over all boots.
pub(super) fn read_unit_log(reader: &mut Reader, unit: &str, text: &str) {
    read_boots(reader, Some(unit), None, text);
}

/// Takes from a section of `journalctl --output=short-iso` what it covers. Newer journals have no
/// header, so this is where a year and an offset come from.
pub(super) fn read_section(reader: &mut Reader, section: &Section) {
    let is_line = |line: &&str| !line.is_empty() && !line.starts_with("-- ");
    let first = section.lines().find(|(_, line)| is_line(line));
    let ends = section.last_line().and_then(iso_stamp);
    if let Some((line, begins)) = first.and_then(|(line, text)| Some((line, iso_stamp(text)?)))
        && let Some(ends) = ends
    {
        let seen = reader.at(line);
        let span = JournalSpan {
            begins: begins.to_owned(),
            ends: ends.to_owned(),
            seen,
        };
        reader.keep(|facts| &mut facts.journals, span);
    }
}

/// `2025-05-09T08:25:09+0000`, or `+00:00` in newer versions, at the start of a line.
fn iso_stamp(line: &str) -> Option<&str> {
    let word = line.split(' ').next()?;
    let shape = b"0000-00-00T00:00:00";
    let is_stamp = word.len() > shape.len()
        && word.bytes().zip(shape).all(|(byte, shape)| match shape {
            b'0' => byte.is_ascii_digit(),
            other => byte == *other,
        });
    is_stamp.then_some(word)
}

fn read_boots(reader: &mut Reader, unit: Option<&str>, boots_ago: Option<u32>, text: &str) {
    let pieces = pieces(text);
    if let Some((begins, ends, line)) = pieces.first().and_then(|piece| piece.header) {
        let seen = reader.at(line);
        let span = JournalSpan {
            begins: begins.to_owned(),
            ends: ends.to_owned(),
            seen,
        };
        reader.keep(|facts| &mut facts.journals, span);
    }
    let count = pieces.len();
    let mut boots: Vec<Boot> = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        let Some((first_line, _)) = piece.lines().next() else {
            continue;
        };
        let followers = u32::try_from(count - 1 - index).unwrap_or(u32::MAX);
        let ago = boots_ago.map(|ago| ago.saturating_add(followers));
        let over = followers > 0 || boots_ago.is_some_and(|ago| ago > 0);
        let (clean, ending) = if over {
            ending(reader, piece, unit.is_none())
        } else {
            (None, None)
        };
        let previous_unclean = previous_unclean(reader, piece);
        if let (Some(seen), Some(previous)) = (&previous_unclean, boots.last_mut())
            && previous.clean.is_none()
        {
            (previous.clean, previous.ending) = (Some(false), Some(seen.clone()));
        }
        let (kernel, kernel_command_line) = kernel(reader, piece);
        boots.push(Boot {
            unit: unit.map(str::to_owned),
            boots_ago: ago,
            id: piece.id.map(str::to_owned),
            first: piece
                .first_stamp()
                .map(|(line, stamp)| reader.fact(stamp.to_owned(), line)),
            last: piece
                .last_stamp()
                .map(|(line, stamp)| reader.fact(stamp.to_owned(), line)),
            kernel,
            kernel_command_line,
            clean,
            ending,
            previous_unclean,
            seen: reader.at(first_line),
        });
    }
    for boot in boots {
        reader.keep(|facts| &mut facts.boots, boot);
    }
}

/// The time at the start of a journal's line, `Mar 06 22:45:10` or `Mar 06 22:45:10.123456`; `None`
/// if the line begins otherwise, as continuations and torn lines do.
pub fn stamp(line: &str) -> Option<&str> {
    let bytes = line.as_bytes();
    let (head, rest) = bytes.split_first_chunk::<15>()?;
    let shape = head
        .iter()
        .zip(b"Aaa 00 00:00:00")
        .all(|(byte, shape)| match shape {
            b'A' => byte.is_ascii_uppercase(),
            b'a' => byte.is_ascii_lowercase(),
            b'0' => byte.is_ascii_digit(),
            other => byte == other,
        });
    let fraction = match rest {
        [b'.', digits @ ..] => {
            1 + digits
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count()
        }
        _ => 0,
    };
    (shape && rest.get(fraction) == Some(&b' '))
        .then(|| line.get(..15 + fraction))
        .flatten()
}

/// The lines of one boot, without separators and header.
struct Piece<'a> {
    text: &'a str,
    line: u32,
    id: Option<&'a str>,
    /// What the header says, and its line.
    header: Option<(&'a str, &'a str, u32)>,
}

impl<'a> Piece<'a> {
    /// Lines other than the journal's own remarks, which begin with `-- `.
    fn lines(&self) -> impl Iterator<Item = (u32, &'a str)> + use<'a> {
        (self.line..=u32::MAX)
            .zip(self.text.lines())
            .filter(|(_, text)| !text.is_empty() && !text.starts_with("-- "))
    }

    /// Time of the first line, if it is whole.
    fn first_stamp(&self) -> Option<(u32, &'a str)> {
        let (line, text) = self.lines().next()?;
        Some((line, stamp(text)?))
    }

    fn last_stamp(&self) -> Option<(u32, &'a str)> {
        self.last_lines(ENDING_LINES)
            .find_map(|(line, text)| Some((line, stamp(text)?)))
    }

    /// The last lines with their numbers, last first.
    fn last_lines(&self, most: usize) -> impl Iterator<Item = (u32, &'a str)> + use<'a> {
        let text = self.text.strip_suffix('\n').unwrap_or(self.text);
        let last = self.line.saturating_add(newlines(text));
        (0..=last).rev().zip(text.rsplit('\n')).take(most)
    }

    /// Line that holds the byte at an offset.
    fn line_at(&self, offset: usize) -> Option<(u32, &'a str)> {
        let (before, after) = self.text.split_at_checked(offset)?;
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let end = after.find('\n').map_or(self.text.len(), |at| offset + at);
        Some((
            self.line.saturating_add(newlines(before)),
            self.text.get(start..end)?,
        ))
    }
}

/// Cuts a journal at its separators, and where a kernel starts without one.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut current = Piece {
        text: "",
        line: 1,
        id: None,
        header: None,
    };
    let mut start = 0;
    let (mut counted_to, mut line) = (0, 1_u32);
    let mut kernel_seen = false;
    // All that ends a boot or says something about the journal stands at the start of a line, or
    // tells of a kernel's start.
    let marks = memmem::find_iter(text.as_bytes(), "\n-- ").map(|at| (at + 1, false));
    let kernels = memmem::find_iter(text.as_bytes(), KERNEL_START).map(|at| (at, true));
    let first = text.starts_with("-- ").then_some((0, false));
    for (at, is_kernel) in merge(first.into_iter().chain(marks), kernels) {
        if at < counted_to {
            continue;
        }
        line = line.saturating_add(newlines(text.get(counted_to..at).unwrap_or("")));
        counted_to = at;
        let Some(line_start) = line_start(text, at) else {
            continue;
        };
        let next_id = if is_kernel {
            if !std::mem::replace(&mut kernel_seen, true) {
                continue;
            }
            None
        } else {
            let here = text.get(at..).and_then(|rest| rest.lines().next());
            match here.and_then(separator) {
                Some(Mark::Boot(id)) => {
                    kernel_seen = false;
                    id
                }
                Some(Mark::Header(begins, ends)) => {
                    current.header = Some((begins, ends, line));
                    continue;
                }
                None => continue,
            }
        };
        if pieces.len() >= MOST_ROWS {
            break;
        }
        current.text = text.get(start..line_start).unwrap_or("");
        pieces.push(std::mem::replace(
            &mut current,
            Piece {
                text: "",
                line,
                id: next_id,
                header: None,
            },
        ));
        start = line_start;
    }
    current.text = text.get(start..).unwrap_or("");
    pieces.push(current);
    drop_empty(pieces)
}

/// Drops pieces without lines: a header before the first separator is no boot. The header goes to
/// the first boot; without any boot one piece stays for it.
fn drop_empty(pieces: Vec<Piece<'_>>) -> Vec<Piece<'_>> {
    let header = pieces.iter().find_map(|piece| piece.header);
    let (mut boots, mut empty): (Vec<_>, Vec<_>) = pieces
        .into_iter()
        .partition(|piece| piece.lines().next().is_some());
    if boots.is_empty() {
        boots.extend(empty.drain(..).take(1));
    }
    if let Some(first) = boots.first_mut() {
        first.header = header;
    }
    boots
}

/// Where the line begins that holds a byte near its start. Time, host and process take less than
/// 200 bytes; to look further back for each of many hits in one endless line would never end.
fn line_start(text: &str, at: usize) -> Option<usize> {
    const NEAR: usize = 200;
    let from = at.saturating_sub(NEAR);
    match memchr::memrchr(b'\n', text.as_bytes().get(from..at)?) {
        Some(newline) => Some(from + newline + 1),
        None => (from == 0).then_some(0),
    }
}

const KERNEL_START: &str = "kernel: Linux version ";

enum Mark<'a> {
    Boot(Option<&'a str>),
    Header(&'a str, &'a str),
}

fn separator(line: &str) -> Option<Mark<'_>> {
    let inner = line.trim_end().strip_prefix("-- ")?.strip_suffix(" --")?;
    if inner == "Reboot" {
        return Some(Mark::Boot(None));
    }
    if let Some(id) = inner.strip_prefix("Boot ") {
        let is_id = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        return is_id.then_some(Mark::Boot(Some(id)));
    }
    // `Logs begin at …, end at ….` up to systemd 246, `Journal begins at …, ends at ….` after.
    let (begins, ends) = [
        ("Logs begin at ", ", end at "),
        ("Journal begins at ", ", ends at "),
        ("Journal begins at ", "; ends at "),
    ]
    .iter()
    .find_map(|(start, middle)| inner.strip_prefix(start)?.split_once(middle))?;
    Some(Mark::Header(begins, ends.trim_end_matches('.')))
}

/// Merges two ascending sequences.
fn merge<T: Ord>(
    left: impl Iterator<Item = T>,
    right: impl Iterator<Item = T>,
) -> impl Iterator<Item = T> {
    let (mut left, mut right) = (left.peekable(), right.peekable());
    std::iter::from_fn(move || match (left.peek(), right.peek()) {
        (Some(a), Some(b)) if b < a => right.next(),
        (Some(_), _) => left.next(),
        _ => right.next(),
    })
}

fn newlines(text: &str) -> u32 {
    u32::try_from(memchr::memchr_iter(b'\n', text.as_bytes()).count()).unwrap_or(u32::MAX)
}

/// Whether a boot that is over ended in order, and the line that says so.
fn ending(reader: &Reader, piece: &Piece, is_kernel: bool) -> (Option<bool>, Option<Location>) {
    let sign = |signs: &[&str]| {
        piece
            .last_lines(ENDING_LINES)
            .find(|(_, text)| signs.iter().any(|sign| text.contains(sign)))
    };
    if let Some((line, _)) = sign(&PANIC_SIGNS) {
        return (Some(false), Some(reader.at(line)));
    }
    let shutdown = sign(&SHUTDOWN_SIGNS).or_else(|| {
        // journald's last words, which it also says when the initial RAM disk hands over.
        piece
            .last_lines(1)
            .find(|(_, text)| text.contains("systemd-journald") && text.contains("Journal stopped"))
    });
    match shutdown {
        Some((line, _)) => (Some(true), Some(reader.at(line))),
        // systemd writes its last steps to the kernel's log. A unit's journal doesn't have them.
        None if is_kernel => (
            Some(false),
            piece.last_stamp().map(|(line, _)| reader.at(line)),
        ),
        None => (None, None),
    }
}

fn previous_unclean(reader: &Reader, piece: &Piece) -> Option<Location> {
    let found = memmem::find(
        piece.text.as_bytes(),
        b"/system.journal corrupted or uncleanly shut down",
    )?;
    piece.line_at(found).map(|(line, _)| reader.at(line))
}

fn kernel(reader: &Reader, piece: &Piece) -> (Option<Fact<String>>, Option<Fact<String>>) {
    let text_after = |mark: &str| {
        let found = memmem::find(piece.text.as_bytes(), mark.as_bytes())?;
        let (line, text) = piece.line_at(found)?;
        Some((line, text.split_once(mark)?.1.trim_end()))
    };
    let version = text_after(KERNEL_START).and_then(|(line, text)| {
        Some(reader.fact(text.split_whitespace().next()?.to_owned(), line))
    });
    // Only the kernel's own journal has it: a unit's would be searched to its end for nothing.
    let command_line = version
        .as_ref()
        .and_then(|_| text_after("kernel: Command line: "));
    (
        version,
        command_line.map(|(line, text)| reader.fact(text.to_owned(), line)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::host::{HostFile, read};

    fn kernel_log(boots_ago: u8, text: &str) -> HostFacts {
        read(HostFile::KernelLog { boots_ago }, "kernel.log", text).value
    }

    const START: &str = "\
-- Logs begin at Sun 2022-03-06 22:45:10 UTC, end at Tue 2022-03-22 23:50:53 UTC. --
Mar 06 22:45:10 localhost kernel: microcode: microcode updated early to revision 0x12d
Mar 06 22:45:10 localhost kernel: Linux version 5.3.18-59.37-default (geeko@buildhost) (gcc version 7.5.0)
Mar 06 22:45:10 localhost kernel: Command line: BOOT_IMAGE=(loop0)/boot/vmlinuz panic=0
Mar 06 22:45:11 localhost systemd-journald[312]: Received SIGTERM from PID 1 (systemd).
";

    #[test]
    fn current_boot() {
        let text = format!(
            "{START}Mar 22 23:50:58 node1 kernel: EXT4-fs error (device sdc): x\n  continued\n"
        );
        let facts = kernel_log(0, &text);
        assert_eq!(facts.journals[0].begins, "Sun 2022-03-06 22:45:10 UTC");
        assert_eq!(facts.journals[0].ends, "Tue 2022-03-22 23:50:53 UTC");
        assert_eq!(facts.boots.len(), 1);
        let boot = &facts.boots[0];
        let read = |fact: &Option<Fact<String>>| {
            fact.as_ref()
                .map(|fact| (fact.value.clone(), fact.seen.line))
        };
        assert_eq!(
            read(&boot.first),
            Some(("Mar 06 22:45:10".to_owned(), Some(2)))
        );
        assert_eq!(
            read(&boot.last),
            Some(("Mar 22 23:50:58".to_owned(), Some(6)))
        );
        assert_eq!(
            read(&boot.kernel),
            Some(("5.3.18-59.37-default".to_owned(), Some(3)))
        );
        assert_eq!(
            read(&boot.kernel_command_line),
            Some((
                "BOOT_IMAGE=(loop0)/boot/vmlinuz panic=0".to_owned(),
                Some(4)
            ))
        );
        assert_eq!((boot.boots_ago, boot.clean), (Some(0), None));
    }

    #[test]
    fn how_an_earlier_boot_ended() {
        for (end, clean, line) in [
            (
                "Mar 07 01:00:00.123456 node1 kernel: reboot: Restarting system",
                Some(true),
                6,
            ),
            (
                "Mar 07 01:00:00 node1 systemd-shutdown[1]: Syncing filesystems and block devices.",
                Some(true),
                6,
            ),
            (
                "Mar 07 01:00:00 node1 systemd-journald[9]: Received SIGTERM from PID 1 (systemd-shutdow).",
                Some(true),
                6,
            ),
            (
                "Mar 07 01:00:00 node1 systemd-journald[9]: Journal stopped",
                Some(true),
                6,
            ),
            (
                "Mar 07 01:00:00 node1 systemd[1]: Reached target Shutdown.",
                Some(true),
                6,
            ),
            (
                "Mar 07 01:00:00 node1 kernel: Kernel panic - not syncing: hung_task: blocked tasks",
                Some(false),
                6,
            ),
            (
                "Mar 07 01:00:00 node1 kernel: nvme nvme0: I/O 12 QID 3 timeout, aborting",
                Some(false),
                6,
            ),
            // Torn by the loss of power: the last whole line stands for the end.
            ("Mar 07 01:0", Some(false), 5),
        ] {
            let facts = kernel_log(1, &format!("{START}{end}\n"));
            let boot = &facts.boots[0];
            assert_eq!(
                (boot.clean, boot.ending.as_ref().and_then(|at| at.line)),
                (clean, Some(line)),
                "{end}"
            );
            assert_eq!(boot.boots_ago, Some(1));
        }
    }

    #[test]
    fn signs_of_an_early_hand_over_do_not_count() {
        let mut text =
            START.to_owned() + "Mar 06 22:45:12 localhost systemd[1]: Reached target Shutdown.\n";
        for second in 0..ENDING_LINES {
            text += &format!(
                "Mar 07 01:{:02}:{:02} node1 kernel: eth0: link up\n",
                second / 60,
                second % 60
            );
        }
        assert_eq!(kernel_log(2, &text).boots[0].clean, Some(false));
    }

    #[test]
    fn boots_of_a_unit() {
        let text = "\
-- Journal begins at Wed 2025-04-30 08:25:09 UTC; ends at Fri 2025-05-09 16:46:29 UTC. --
Apr 30 08:29:59.000000 node1 systemd[1]: Started Open-iSCSI.
Apr 30 08:30:10.000000 node1 iscsid[1959]: Connection1:0 is operational now
-- Boot 0123456789abcdef0123456789abcdef --
May 02 08:29:59.000000 node1 systemd[1]: Started Open-iSCSI.
May 02 09:00:00.000000 node1 systemd[1]: Shutting down.
-- Reboot --
May 09 08:29:59.000000 node1 systemd-journald[4]: File /var/log/journal/ab/system.journal corrupted or uncleanly shut down, renaming and replacing.
-- Boot not-an-id --
May 09 08:30:59.000000 node1 systemd[1]: Started Open-iSCSI.
";
        let facts = read(HostFile::UnitLog("iscsid".to_owned()), "iscsid.log", text).value;
        let rows: Vec<_> = facts
            .boots
            .iter()
            .map(|boot| {
                (
                    boot.seen.line,
                    boot.id.is_some(),
                    boot.first.as_ref().map(|first| first.value.as_str()),
                    boot.clean,
                )
            })
            .collect();
        assert_eq!(
            rows,
            [
                (Some(2), false, Some("Apr 30 08:29:59.000000"), None),
                (Some(5), true, Some("May 02 08:29:59.000000"), Some(true)),
                (Some(8), false, Some("May 09 08:29:59.000000"), None),
            ]
        );
        assert_eq!(
            facts.boots[2]
                .previous_unclean
                .as_ref()
                .and_then(|at| at.line),
            Some(8)
        );
        assert_eq!(facts.boots[0].unit.as_deref(), Some("iscsid"));
        assert_eq!(facts.boots[0].boots_ago, None);
        assert_eq!(facts.journals[0].ends, "Fri 2025-05-09 16:46:29 UTC");
    }

    #[test]
    fn an_unclosed_journal_tells_of_the_boot_before() {
        let text = "Apr 30 08:29:59 node1 iscsid[1]: a\n-- Reboot --\n\
            May 09 08:29:59 node1 systemd-journald[4]: File /var/log/journal/ab/system.journal corrupted or uncleanly shut down, renaming.\n";
        let facts = read(HostFile::UnitLog("iscsid".to_owned()), "p", text).value;
        assert_eq!(facts.boots[0].clean, Some(false));
        assert_eq!(
            facts.boots[0].ending.as_ref().and_then(|at| at.line),
            Some(3)
        );
    }

    #[test]
    fn boots_over_several_files() {
        let now = format!(
            "{START}Mar 09 00:00:00 node1 systemd-journald[4]: File /var/log/journal/ab/system.journal corrupted or uncleanly shut down, renaming.\n"
        );
        let mut facts = kernel_log(2, START);
        facts.merge(kernel_log(0, &now));
        facts.merge(kernel_log(
            1,
            &format!("{START}Mar 08 00:00:00 node1 kernel: a\n"),
        ));
        facts.merge(read(HostFile::UnitLog("iscsid".to_owned()), "p", START).value);
        let boots = facts.kernel_boots();
        let rows: Vec<_> = boots
            .iter()
            .map(|boot| {
                (
                    boot.boots_ago,
                    boot.clean,
                    boot.ending.as_ref().and_then(|at| at.line),
                )
            })
            .collect();
        assert_eq!(
            rows,
            [
                (Some(0), None, None),
                // The line that shows it is in the current boot's file.
                (Some(1), Some(false), Some(6)),
                (Some(2), Some(false), Some(5)),
            ]
        );
    }

    #[test]
    fn a_second_kernel_start_is_a_second_boot() {
        let text = format!(
            "{START}Mar 08 00:00:00 node1 kernel: Linux version 5.14.21 (x)\nMar 08 00:00:01 node1 kernel: a\n"
        );
        let facts = kernel_log(0, &text);
        let rows: Vec<_> = facts
            .boots
            .iter()
            .map(|boot| (boot.boots_ago, boot.seen.line, boot.clean))
            .collect();
        assert_eq!(
            rows,
            [(Some(1), Some(2), Some(false)), (Some(0), Some(6), None)]
        );
    }

    #[test]
    fn journals_without_entries_and_torn_starts() {
        let none = "-- Logs begin at Sun 2022-03-06 22:45:10 UTC, end at Tue 2022-03-22 23:50:58 UTC. --\n-- No entries --\n";
        let facts = read(HostFile::UnitLog("wicked".to_owned()), "p", none).value;
        assert!(facts.boots.is_empty());
        assert_eq!(facts.journals.len(), 1);

        let torn = "r 22 22:07:48 node1 agent[1]: a\nMar 22 22:07:49 node1 agent[1]: b\n";
        let facts = read(
            HostFile::UnitLog("rancher-system-agent".to_owned()),
            "p",
            torn,
        )
        .value;
        assert_eq!(facts.boots[0].first, None);
        assert_eq!(
            facts.boots[0].last.as_ref().map(|last| last.value.as_str()),
            Some("Mar 22 22:07:49")
        );
    }

    #[test]
    fn an_endless_line_takes_no_endless_time() {
        let text = format!("Mar 08 00:00:00 node1 {}", KERNEL_START.repeat(200_000));
        assert!(kernel_log(0, &text).boots.len() < 20);
    }

    #[test]
    fn a_section_with_full_times_gives_the_year() {
        let facts = crate::parse::host::tests::facts_of(
            "#==[ Command ]==#\n# /usr/bin/journalctl --boot=0 --no-pager --output=short-iso\n\
             -- Journal begins at x, ends at y. --\n\
             2025-05-09T08:25:09+0000 localhost kernel: Linux version 5.14.21\n\
             2025-05-10T08:25:09+0000 node1 kernel: a\n\n",
        );
        let span = &facts.journals[0];
        assert_eq!(span.begins, "2025-05-09T08:25:09+0000");
        assert_eq!(span.ends, "2025-05-10T08:25:09+0000");
        assert_eq!(span.seen.line, Some(4));
        let none =
            "#==[ Command ]==#\n# journalctl --disk-usage\nArchived journals take up 1.2G.\n";
        assert!(
            crate::parse::host::tests::facts_of(none)
                .journals
                .is_empty()
        );
    }

    #[test]
    fn stamps() {
        assert_eq!(stamp("Mar 06 22:45:10 node1 x"), Some("Mar 06 22:45:10"));
        assert_eq!(
            stamp("Mar 06 22:45:10.123456 node1 x"),
            Some("Mar 06 22:45:10.123456")
        );
        for line in [
            "",
            "r 22 22:07:48 node1",
            "Mar 06 22:45:10",
            "-- Reboot --",
            "    at foo",
            "Már 06 22:45:10 x",
        ] {
            assert_eq!(stamp(line), None, "{line}");
        }
    }
}
