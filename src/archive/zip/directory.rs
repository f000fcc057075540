//! The list at the end of a zip: its central directory, found from the end record.

use crate::archive::listing::Collector;
use crate::archive::slice::Slice;

use super::header::{CENTRAL, CENTRAL_LENGTH, Header, LOCAL_LENGTH, u16_at, u32_at, u64_at};
use super::{HEADERS_PER_ENTRY, salvage, take};

const END: [u8; 4] = *b"PK\x05\x06";
const END_LENGTH: u64 = 22;
const END64: [u8; 4] = *b"PK\x06\x06";
const END64_LENGTH: u64 = 56;
const LOCATOR: [u8; 4] = *b"PK\x06\x07";
const LOCATOR_LENGTH: u64 = 20;

/// The comment behind the end record is at most this long.
const LONGEST_COMMENT: u64 = u16::MAX as u64;
/// End records that are tried: bytes that look like one are rare, unless someone wrote them.
const MOST_ENDS: usize = 16;
/// Bytes that are read for each header: a path in a bundle has some 100, the extra fields 24.
const BYTES_PER_HEADER: u64 = 512;

/// What an end record says.
#[derive(Debug, Clone, Copy)]
struct EndRecord {
    /// Its own position, or that of its zip64 record.
    position: u64,
    entries: u64,
    directory_length: u64,
    /// Position of the directory, from the beginning of the piece that holds it.
    directory_offset: u64,
    directory_piece: u32,
    last_piece: u32,
}

/// Lists the members that the central directory names.
///
/// # Errors
/// Why there is no directory to go by.
pub(super) fn list(
    zip: &Slice,
    pieces: &[u64],
    collector: &mut Collector<'_>,
) -> Result<(), &'static str> {
    let ends = end_records(zip);
    if ends.is_empty() {
        return Err("it ends before its end record: it was cut short");
    }
    let mut failure = "its central directory is not where its end record says";
    for end in ends {
        let Some(directory) = Directory::locate(zip, pieces, end) else {
            continue;
        };
        if directory.is_of_inner_zip(zip) {
            failure = "it ends before its end record: it was cut short";
            continue;
        }
        let most = collector
            .room()
            .saturating_mul(HEADERS_PER_ENTRY)
            .saturating_add(1);
        let length = (end.position - directory.position).min(most.saturating_mul(BYTES_PER_HEADER));
        let Ok(bytes) = zip.read(directory.position, length) else {
            continue;
        };
        let headers = headers(&bytes, most);
        let count = headers.len() as u64;
        if count >= most {
            collector.overflow();
        } else if count % (1 << 16) != end.entries % (1 << 16) {
            // The older form of the record counts modulo 65,536.
            failure = "its central directory is damaged";
            continue;
        }
        directory.take_all(zip, &headers, collector);
        return Ok(());
    }
    Err(failure)
}

/// The number of the last piece of a split zip, from its end record; 0 if it is not split.
pub(super) fn last_piece(zip: &Slice) -> Option<u32> {
    end_records(zip).first().map(|end| end.last_piece)
}

/// What looks like an end record, the last first.
fn end_records(zip: &Slice) -> Vec<EndRecord> {
    let begin = zip.length().saturating_sub(END_LENGTH + LONGEST_COMMENT);
    let tail = zip
        .read(begin, END_LENGTH + LONGEST_COMMENT)
        .unwrap_or_default();
    memchr::memmem::rfind_iter(&tail, &END)
        .filter_map(|at| end_record(zip, begin + at as u64, tail.get(at..)?))
        .take(MOST_ENDS)
        .collect()
}

fn end_record(zip: &Slice, position: u64, bytes: &[u8]) -> Option<EndRecord> {
    let comment_length = usize::from(u16_at(bytes, 20)?);
    bytes.get(..22 + comment_length)?;
    let narrow = EndRecord {
        position,
        entries: u64::from(u16_at(bytes, 10)?),
        directory_length: u64::from(u32_at(bytes, 12)?),
        directory_offset: u64::from(u32_at(bytes, 16)?),
        directory_piece: u32::from(u16_at(bytes, 6)?),
        last_piece: u32::from(u16_at(bytes, 4)?),
    };
    Some(end_record64(zip, position).unwrap_or(narrow))
}

/// The record with wide fields, right before its locator, which is right before the end record.
fn end_record64(zip: &Slice, end: u64) -> Option<EndRecord> {
    let locator = end.checked_sub(LOCATOR_LENGTH)?;
    let position = locator.checked_sub(END64_LENGTH)?;
    let bytes = zip.read(position, END64_LENGTH + LOCATOR_LENGTH).ok()?;
    if !bytes.starts_with(&END64) || !bytes.get(56..)?.starts_with(&LOCATOR) {
        return None;
    }
    Some(EndRecord {
        position,
        entries: u64_at(&bytes, 32)?,
        directory_length: u64_at(&bytes, 40)?,
        directory_offset: u64_at(&bytes, 48)?,
        directory_piece: u32_at(&bytes, 20)?,
        last_piece: u32_at(&bytes, 16)?,
    })
}

/// Where the directory is, and how to get from its offsets to positions.
struct Directory {
    position: u64,
    /// Where each piece of a split zip begins; a whole zip is one piece that begins behind what
    /// was put before it.
    pieces: Vec<u64>,
}

impl Directory {
    /// The directory is right before the end record; if nothing is there, it is where the record
    /// says.
    fn locate(zip: &Slice, lengths: &[u64], end: EndRecord) -> Option<Directory> {
        if end.last_piece > 0 || !lengths.is_empty() {
            let begins = lengths.iter().scan(0, |next, length| {
                let begin = *next;
                *next += length;
                Some(begin)
            });
            let pieces: Vec<u64> = begins.collect();
            let piece = *pieces.get(usize::try_from(end.directory_piece).ok()?)?;
            let position = piece.checked_add(end.directory_offset)?;
            return is_directory(zip, position, end).then_some(Directory { position, pieces });
        }
        let before_end = end.position.checked_sub(end.directory_length);
        [before_end, Some(end.directory_offset)]
            .into_iter()
            .flatten()
            .find(|position| is_directory(zip, *position, end))
            .and_then(|position| {
                let beginning = position.checked_sub(end.directory_offset)?;
                Some(Directory {
                    position,
                    pieces: vec![beginning],
                })
            })
    }

    /// Whether this is the directory of a zip inside the one at hand, which has lost its own: what
    /// is before the beginning that its offsets ask for is then not a foreign prefix, but members.
    fn is_of_inner_zip(&self, zip: &Slice) -> bool {
        let beginning = self.pieces.first().copied().unwrap_or_default();
        beginning > 0 && salvage::beginning(zip).is_some_and(|first| first < beginning)
    }

    /// Takes in all members whose data lies where data can be, each byte belonging to one of them.
    fn take_all(&self, zip: &Slice, headers: &[Header<'_>], collector: &mut Collector<'_>) {
        let offset = |header: &Header<'_>| {
            let piece = self.pieces.get(usize::try_from(header.piece).ok()?)?;
            piece.checked_add(header.offset)
        };
        let mut ranges: Vec<(u64, u64, usize)> = headers
            .iter()
            .enumerate()
            .filter(|(_, header)| !header.is_directory())
            .map(|(index, header)| {
                let begin = offset(header).unwrap_or(u64::MAX);
                let end = begin
                    .saturating_add(LOCAL_LENGTH + header.name.len() as u64)
                    .saturating_add(header.packed);
                (begin, end, index)
            })
            .collect();
        ranges.sort_unstable();
        let mut overlaps = vec![false; headers.len()];
        let mut free = 0;
        for (begin, end, index) in ranges {
            if begin < free || end > self.position {
                if let Some(overlap) = overlaps.get_mut(index) {
                    *overlap = true;
                }
            } else {
                free = end;
            }
        }
        for (header, overlap) in headers.iter().zip(overlaps) {
            if overlap {
                if let Some(path) = collector.path(header.name) {
                    collector.leave_out(&path, "its bytes overlap those of another entry");
                }
            } else if let Some(offset) = offset(header) {
                take(zip, offset, header, collector);
            }
            if collector.is_full() {
                break;
            }
        }
    }
}

fn is_directory(zip: &Slice, position: u64, end: EndRecord) -> bool {
    if position > end.position {
        return false;
    }
    if end.entries == 0 {
        return position == end.position;
    }
    zip.read(position, CENTRAL.len() as u64)
        .is_ok_and(|bytes| *bytes == CENTRAL)
}

/// The headers of the directory, as far as they can be read and at most so many.
fn headers(bytes: &[u8], most: u64) -> Vec<Header<'_>> {
    let mut headers = Vec::with_capacity(bytes.len() / CENTRAL_LENGTH / 3);
    let mut rest = bytes;
    while (headers.len() as u64) < most
        && let Some(header) = Header::central(rest)
        && let Some(next) = rest.get(header.length..)
    {
        rest = next;
        headers.push(header);
    }
    headers
}
