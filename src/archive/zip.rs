//! Zip archives: lists their members and reads one.
//!
//! The central directory is read here and not by the `zip` crate, because a bundle's zip is often
//! one that a strict reader refuses or misreads: cut short, with a complete zip stored inside;
//! split by `zip -s`, where an offset counts from the beginning of its own piece; with one name
//! twice. The crate writes the zips of the tests.

mod directory;
mod header;
mod salvage;

use crate::span::ProblemKind;

use super::inflate::{End, inflate};
use super::listing::{Collector, Listing, Place};
use super::read::Read;
use super::slice::Slice;
use header::{Header, LOCAL_LENGTH, Method};

/// Headers that are read for each file that may be admitted: directories have theirs, too.
const HEADERS_PER_ENTRY: u64 = 4;

/// Where in a zip a member is.
#[derive(Debug, Clone, Copy)]
pub(super) struct ZipMember {
    /// Position of its local header.
    header: u64,
    name_length: u16,
    method: Method,
    /// Length of its data, as far as the zip has it.
    packed: u64,
    /// CRC-32 of its inflated bytes.
    pub(super) checksum: u32,
}

/// Lists a zip. `pieces` are the lengths of the files that a split zip consists of, empty if it is
/// not known to be split.
pub(super) fn list(zip: &Slice, pieces: &[u64], mut collector: Collector<'_>) -> Listing {
    if let Err(reason) = directory::list(zip, pieces, &mut collector) {
        salvage::list(zip, reason, &mut collector);
    }
    collector.finish()
}

/// The number of the last piece of a split zip, from its end record; 0 if it is not split.
pub(super) fn last_piece(zip: &Slice) -> Option<u32> {
    directory::last_piece(zip)
}

/// Where the first local header of a zip is: at the beginning, but for what a tool put before it.
pub(super) fn beginning(zip: &Slice) -> Option<u64> {
    salvage::beginning(zip)
}

/// The data of a member that is stored as it is.
pub(super) fn in_place(zip: &Slice, member: &ZipMember) -> Option<Slice> {
    (member.method == Method::Stored)
        .then(|| data_offset(zip, member))
        .flatten()
        .map(|offset| zip.part(offset, member.packed))
}

/// Reads a member of a declared size.
pub(super) fn read(zip: &Slice, member: &ZipMember, size: u64) -> Read {
    let read = match member.method {
        Method::Stored => read_stored(zip, member, size),
        Method::Deflated => read_deflated(zip, member, size),
    };
    if read.problem.is_none() && crc32fast::hash(&read.bytes) != member.checksum {
        return read.with(
            ProblemKind::Unreadable,
            "its bytes do not match its checksum",
        );
    }
    read
}

fn read_stored(zip: &Slice, member: &ZipMember, size: u64) -> Read {
    match data_offset(zip, member) {
        Some(offset) => Read::slice(&zip.part(offset, member.packed), size),
        None => no_header(),
    }
}

fn read_deflated(zip: &Slice, member: &ZipMember, size: u64) -> Read {
    // The local header's extra fields may be longer than those of the central directory, so a
    // little more is read, to have header and data by one call.
    const EXTRA: u64 = 128;
    let before = LOCAL_LENGTH + u64::from(member.name_length);
    let first = match zip.read(member.header, before + EXTRA + member.packed) {
        Ok(bytes) => bytes,
        Err(error) => return Read::failed(&error),
    };
    let Some(header) = Header::local(&first) else {
        return no_header();
    };
    let begin = header.length;
    let end = usize::try_from(member.packed)
        .unwrap_or(usize::MAX)
        .saturating_add(begin);
    let (bytes, end) = match first.get(begin..end) {
        Some(packed) => inflate(packed, size),
        None => match zip.read(member.header + begin as u64, member.packed) {
            Ok(packed) => inflate(&packed, size),
            Err(error) => return Read::failed(&error),
        },
    };
    let got = bytes.len() as u64;
    let read = Read::from(bytes);
    match end {
        End::Complete if got == size => read,
        End::Complete | End::Truncated if got < size => read.ended_early(size),
        End::Complete | End::Truncated => read.with(
            ProblemKind::Truncated,
            format!("it ends after {got} bytes, before its own end mark"),
        ),
        End::Over => read.with(
            ProblemKind::Unreadable,
            format!("it goes on after the {size} bytes that it declares, and was read up to there"),
        ),
        End::Damaged => read.with(
            ProblemKind::Unreadable,
            format!("its compressed data is damaged after {got} of {size} bytes"),
        ),
    }
}

fn data_offset(zip: &Slice, member: &ZipMember) -> Option<u64> {
    let bytes = zip.read(member.header, LOCAL_LENGTH).ok()?;
    Some(member.header + header::local_length(&bytes)?)
}

fn no_header() -> Read {
    Read::default().with(
        ProblemKind::Unreadable,
        "the zip has no header where its directory says that this file begins",
    )
}

/// Takes in the member that a header describes, whose local header is at `offset`.
fn take(zip: &Slice, offset: u64, header: &Header<'_>, collector: &mut Collector<'_>) {
    if header.is_directory() {
        return;
    }
    let Some(path) = collector.path(header.name) else {
        return;
    };
    if header.is_encrypted() {
        return collector.leave_out(&path, "it is encrypted");
    }
    if header.is_symbolic_link() {
        return collector.leave_out(&path, "it is a symbolic link, and links are not followed");
    }
    let Some(method) = header.method() else {
        return collector.leave_out(
            &path,
            format!(
                "it is compressed by method {}, which is not supported",
                header.method_id
            ),
        );
    };
    let name_length = u16::try_from(header.name.len()).unwrap_or(u16::MAX);
    let available = zip
        .length()
        .saturating_sub(offset.saturating_add(LOCAL_LENGTH + u64::from(name_length)));
    let packed = header.packed.min(available);
    // Stored bytes are as many as they are; another size can only be a lie.
    let size = match method {
        Method::Stored => header.packed,
        Method::Deflated => header.size,
    };
    let member = ZipMember {
        header: offset,
        name_length,
        method,
        packed,
        checksum: header.checksum,
    };
    let place = Place::Zip {
        zip: zip.clone(),
        member,
    };
    collector.add(path, (size, packed), header.modified(), place);
}
