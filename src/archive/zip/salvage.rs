//! Finds the members of a zip that has lost its directory, by a walk from local header to local
//! header. A zip that is stored in the zip is stepped over as the data that it is.

use memchr::memmem;

use crate::archive::inflate::{End, measure};
use crate::archive::listing::Collector;
use crate::archive::path::EntryPath;
use crate::archive::slice::Slice;
use crate::span::ProblemKind;

use super::header::{CENTRAL, DESCRIPTOR, Header, LOCAL, LOCAL_LENGTH, Method, u32_at, u64_at};
use super::{HEADERS_PER_ENTRY, take};

/// Bytes before the first header that a tool may have put there: HTTP headers have up to 8 KiB.
const LONGEST_PREFIX: u64 = 64 << 10;
/// Bytes that are read for a header: with name and extra fields it has some 200.
const HEADER_WINDOW: u64 = 1024;
/// The longest that a local header can be.
const LONGEST_HEADER: u64 = LOCAL_LENGTH + 2 * u16::MAX as u64;
/// Bytes that are searched at a time for the next header.
const SEARCH_WINDOW: u64 = 1 << 20;
/// Bytes of one member that are inflated to find its end.
const MOST_MEASURED: u64 = 1 << 30;

/// Where the first local header is, if there is one near the beginning.
pub(super) fn beginning(zip: &Slice) -> Option<u64> {
    let bytes = zip.read(0, LONGEST_PREFIX).ok()?;
    memmem::find(&bytes, &LOCAL).map(|at| at as u64)
}

/// Lists what the walk finds, and reports why it was needed.
pub(super) fn list(zip: &Slice, reason: &str, collector: &mut Collector<'_>) {
    let Some(first) = beginning(zip) else {
        let reason = format!("{reason}; no entry was found in it");
        return collector.problem(ProblemKind::Unreadable, reason);
    };
    let before = collector.count();
    let mut walk = Walk {
        zip,
        position: first,
        top: None,
        left_to_measure: MOST_MEASURED.saturating_mul(4),
        skipped: 0,
    };
    let mut left = collector
        .room()
        .saturating_mul(HEADERS_PER_ENTRY)
        .saturating_add(1);
    while !collector.is_full() && walk.step(collector) {
        left -= 1;
        if left == 0 {
            collector.overflow();
        }
    }
    let count = collector.count() - before;
    let mut reason = format!("{reason}; {count} files were found by their own headers");
    if walk.skipped > 0 {
        reason += &format!(", {} bytes between them belong to none", walk.skipped);
    }
    collector.problem(ProblemKind::Truncated, reason);
}

struct Walk<'z> {
    zip: &'z Slice,
    position: u64,
    /// Top directory of the first member, with its `/`.
    top: Option<Vec<u8>>,
    /// Bytes that may still be inflated to find where a member ends.
    left_to_measure: u64,
    /// Bytes that were stepped over because they are no header.
    skipped: u64,
}

impl Walk<'_> {
    /// Takes in the member at the position and moves on to the next; false at the end.
    fn step(&mut self, collector: &mut Collector<'_>) -> bool {
        let Ok(mut bytes) = self.zip.read(self.position, HEADER_WINDOW) else {
            return false;
        };
        if bytes.is_empty() || bytes.starts_with(&CENTRAL) {
            return false;
        }
        if bytes.starts_with(&LOCAL) && Header::local(&bytes).is_none() {
            match self.zip.read(self.position, LONGEST_HEADER) {
                Ok(longer) => bytes = longer,
                Err(_) => return false,
            }
        }
        let Some(mut header) = Header::local(&bytes) else {
            return self.search();
        };
        if self.top.is_none() {
            self.top = Some(top_directory(header.name).to_vec());
        }
        let data = self.position + header.length as u64;
        if header.has_descriptor() && header.packed == 0 && !header.is_directory() {
            self.find_end(&mut header, data);
        }
        take(self.zip, self.position, &header, collector);
        let Some(end) = data.checked_add(header.packed) else {
            return false;
        };
        self.position = end;
        if header.has_descriptor() {
            self.position += descriptor_length(self.zip, end);
        }
        true
    }

    /// Fills in the sizes and the checksum that the writer put behind the data.
    fn find_end(&mut self, header: &mut Header<'_>, data: u64) {
        let rest = self.zip.part(data, u64::MAX);
        if header.method() == Some(Method::Stored) {
            // Nothing marks the end of stored data but a descriptor that tells this very length.
            match find_descriptor(&rest) {
                Some((packed, checksum)) => {
                    header.packed = packed;
                    header.checksum = checksum;
                }
                None => header.packed = rest.length(),
            }
            header.size = header.packed;
        } else {
            let measured = measure(&rest, self.left_to_measure.min(MOST_MEASURED));
            self.left_to_measure = self.left_to_measure.saturating_sub(measured.size);
            header.packed = measured.packed;
            header.size = measured.size;
            header.checksum = measured.checksum;
            if measured.end != End::Complete {
                // What follows cannot be told from data: reading it will report where it broke.
                header.packed = rest.length();
            }
        }
    }

    /// Moves on to the next header of this zip, not of one stored in it: its name must begin with
    /// the top directory that the first one had.
    fn search(&mut self) -> bool {
        let Some(top) = self.top.clone().filter(|top| !top.is_empty()) else {
            return false;
        };
        let begin = self.position;
        self.position += 1;
        loop {
            let Ok(bytes) = self.zip.read(self.position, SEARCH_WINDOW) else {
                return false;
            };
            let found = memmem::find_iter(&bytes, &LOCAL).find(|at| {
                let name = bytes.get(at + LOCAL_LENGTH as usize..).unwrap_or_default();
                name.starts_with(&top)
            });
            if let Some(at) = found {
                self.position += at as u64;
                self.skipped += self.position - begin;
                return true;
            }
            if (bytes.len() as u64) < SEARCH_WINDOW {
                self.skipped += self.zip.length().saturating_sub(begin);
                return false;
            }
            // A header on the border of two windows is found in the second.
            self.position += SEARCH_WINDOW - LOCAL_LENGTH - top.len() as u64;
        }
    }
}

/// The first component of a name, with its separator; empty if there is but one component.
fn top_directory(name: &[u8]) -> &[u8] {
    let end = memchr::memchr2(b'/', b'\\', name).map(|at| at + 1);
    let top = name.get(..end.unwrap_or(0)).unwrap_or_default();
    match EntryPath::parse(top) {
        Ok(Some(_)) => top,
        _ => &[],
    }
}

/// Length of the descriptor at a position, if there is one: with or without a signature, with
/// narrow or wide sizes. What follows it tells.
fn descriptor_length(zip: &Slice, position: u64) -> u64 {
    let Ok(bytes) = zip.read(position, 28) else {
        return 0;
    };
    let is_header = |at: usize| {
        let next = bytes.get(at..).unwrap_or_default();
        next.starts_with(&LOCAL) || next.starts_with(&CENTRAL)
    };
    let lengths: &[u64] = match bytes.starts_with(&DESCRIPTOR) {
        true => &[16, 24],
        false => &[0, 12, 20],
    };
    let found = lengths.iter().find(|length| is_header(**length as usize));
    *found.or(lengths.first()).unwrap_or(&0)
}

/// The length and checksum in the first descriptor that stands behind so many bytes as it says.
fn find_descriptor(rest: &Slice) -> Option<(u64, u32)> {
    let mut position = 0;
    loop {
        let bytes = rest.read(position, SEARCH_WINDOW).ok()?;
        for at in memmem::find_iter(&bytes, &DESCRIPTOR) {
            let descriptor = bytes.get(at..).unwrap_or_default();
            let length = position + at as u64;
            let narrow = u32_at(descriptor, 8).map(u64::from) == Some(length);
            let wide = u64_at(descriptor, 8) == Some(length);
            if narrow || wide {
                return Some((length, u32_at(descriptor, 4)?));
            }
        }
        if (bytes.len() as u64) < SEARCH_WINDOW {
            return None;
        }
        position += SEARCH_WINDOW - 24;
    }
}
