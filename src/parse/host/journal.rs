//! Boots in the kernel's and units' journals.

use memchr::memmem;

use crate::parse::host::{Fact, MOST_ROWS, Reader};
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

/// Reads `kernel.log`, `.1` or `.2`: the kernel's messages of one boot.
pub(super) fn read_kernel_log(reader: &mut Reader, boots_ago: u8, text: &str) {
    read_boots(reader, None, Some(u32::from(boots_ago)), text);
}

/// Reads the journal of a unit over all boots.
pub(super) fn read_unit_log(reader: &mut Reader, unit: &str, text: &str) {
    read_boots(reader, Some(unit), None, text);
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
