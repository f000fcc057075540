//! Tar archives: lists one in place, or hands out the members of a compressed one as they come.

use std::io::{self, BufReader, Read as _};

use jiff::Timestamp;
use tar::EntryType;

use crate::span::{Problem, ProblemKind};

use super::kind::Kind;
use super::limits::Limits;
use super::listing::{Collector, Listing, Parent, Place};
use super::path::EntryPath;
use super::read::Read;
use super::slice::Slice;
use super::xz::XzDecoder;

/// Compressed bytes that are read at a time.
const BUFFER: usize = 64 << 10;

/// Lists a tar whose members are read in place.
pub(super) fn list(tar: &Slice, mut collector: Collector<'_>) -> Listing {
    let mut archive = tar::Archive::new(tar.stream());
    let entries = match archive.entries_with_seek() {
        Ok(entries) => entries,
        Err(error) => {
            report(&mut collector, &error);
            return collector.finish();
        }
    };
    let mut end = 0;
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                report(&mut collector, &error);
                return collector.finish();
            }
        };
        let size = entry.size();
        let offset = entry.raw_file_position();
        end = offset.saturating_add(size);
        if let Some(path) = member_path(&mut collector, &entry) {
            let place = Place::Slice(tar.part(offset, size));
            collector.add(path, (size, size), modified(&entry), place);
        }
        if collector.is_full() {
            return collector.finish();
        }
    }
    // Blocks of zeros are the end mark; without them the last member may not be the last.
    if end.next_multiple_of(512) >= tar.length() {
        collector.problem(ProblemKind::Truncated, "it ends before its end mark");
    }
    collector.finish()
}

/// The size to which a compressed archive inflates, as far as it says so itself: an xz has an
/// index at its end, a gzip its size modulo 4 GiB.
pub(super) fn declared_size(packed: &Slice, kind: Kind) -> Option<u64> {
    match kind {
        Kind::Xz => lzma_rust2::xz_uncompressed_size(packed.stream()).ok(),
        Kind::Gzip => {
            let last = packed.read(packed.length().checked_sub(4)?, 4).ok()?;
            Some(u32::from_le_bytes(*last.first_chunk()?).into())
        }
        Kind::Zip | Kind::Tar => Some(packed.length()),
    }
}

/// Inflates a gzip or an xz into memory, at most so many bytes.
pub(super) fn inflate(packed: &Slice, kind: Kind, most: u64) -> Read {
    let mut bytes = Vec::new();
    let result = decoder(packed, kind)
        .take(most.saturating_add(1))
        .read_to_end(&mut bytes);
    let got = bytes.len() as u64;
    if got > most {
        bytes.truncate(usize::try_from(most).unwrap_or(usize::MAX));
        let reason = format!("it inflates to more than {most} bytes, and was read up to there");
        return Read::from(bytes).with(ProblemKind::Limit, reason);
    }
    match result {
        Ok(_) => Read::from(bytes),
        Err(error) => Read::from(bytes).with(kind_of(&error), broken(got, &error)),
    }
}

/// Reads the members of a compressed tar in the order in which they are in it, each handed to
/// `visit` and then forgotten. What is wrong with the archive as a whole is returned.
pub(super) fn read(
    path: &EntryPath,
    packed: &Slice,
    (kind, inflated): (Kind, u64),
    limits: &Limits,
    visit: &mut dyn FnMut(EntryPath, Option<Timestamp>, Read),
) -> Vec<Problem> {
    let mut collector = Collector::new(Parent::Inner(path), limits.max_entries);
    let mut archive = tar::Archive::new(Counted {
        reader: decoder(packed, kind),
        left: inflated,
        overrun: false,
        failure: None,
    });
    let stopped = hand_out(&mut archive, &mut collector, (limits, inflated), visit);
    // The checksum of the compressed data is behind the tar's end mark.
    let mut counted = archive.into_inner();
    let drained = io::copy(&mut counted, &mut io::sink());
    if let Some(error) = counted.failure.or(drained.err()) {
        collector.problem(kind_of(&error), broken(inflated - counted.left, &error));
    } else if counted.overrun {
        let kind = match inflated < limits.allowed(packed.length()) {
            true => ProblemKind::Unreadable,
            false => ProblemKind::Limit,
        };
        let reason = format!("it inflates to more than {inflated} bytes, and was read up to there");
        collector.problem(kind, reason);
    } else if let Err(error) = stopped {
        report(&mut collector, &error);
    }
    collector.finish().problems
}

/// Reads one member after the other.
fn hand_out<R: io::Read>(
    archive: &mut tar::Archive<R>,
    collector: &mut Collector<'_>,
    (limits, inflated): (&Limits, u64),
    visit: &mut dyn FnMut(EntryPath, Option<Timestamp>, Read),
) -> io::Result<()> {
    let mut left = limits.max_entries;
    for entry in archive.entries()? {
        let mut entry = entry?;
        let Some(path) = member_path(collector, &entry) else {
            continue;
        };
        if left == 0 {
            collector.overflow();
            break;
        }
        left -= 1;
        let size = entry.size();
        let capacity = usize::try_from(size.min(inflated)).unwrap_or(usize::MAX);
        let mut bytes = Vec::with_capacity(capacity);
        let modified = modified(&entry);
        // An error is told of the archive; here it only means that bytes are missing.
        let _ = entry.read_to_end(&mut bytes);
        visit(path, modified, Read::from(bytes).ended_early(size));
    }
    Ok(())
}

fn decoder(packed: &Slice, kind: Kind) -> Box<dyn io::Read> {
    let buffered = BufReader::with_capacity(BUFFER, packed.stream());
    match kind {
        Kind::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(buffered)),
        Kind::Xz => Box::new(XzDecoder::new(buffered)),
        Kind::Zip | Kind::Tar => Box::new(buffered),
    }
}

/// Yields no more than was declared, and remembers why it ended.
struct Counted<R> {
    reader: R,
    left: u64,
    overrun: bool,
    failure: Option<io::Error>,
}

impl<R: io::Read> io::Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.failure.is_some() || buffer.is_empty() {
            return Ok(0);
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        if most == 0 {
            match self.reader.read(&mut [0]) {
                Ok(read) => self.overrun |= read > 0,
                Err(error) => self.failure = Some(error),
            }
            return Ok(0);
        }
        let length = buffer.len().min(most);
        match self
            .reader
            .read(buffer.get_mut(..length).unwrap_or_default())
        {
            Ok(read) => {
                self.left -= read as u64;
                Ok(read)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            // Ends here for the tar, which keeps what it has of the member at hand.
            Err(error) => {
                self.failure = Some(error);
                Ok(0)
            }
        }
    }
}

/// The path of a member that is a file; directories are of no interest, links are not followed.
fn member_path<R: io::Read>(
    collector: &mut Collector<'_>,
    entry: &tar::Entry<'_, R>,
) -> Option<EntryPath> {
    let name = entry.path_bytes();
    let kind = entry.header().entry_type();
    if kind.is_dir() || kind == EntryType::XGlobalHeader || name.ends_with(b"/") {
        return None;
    }
    let path = collector.path(&name)?;
    let reason = match kind {
        EntryType::Regular | EntryType::Continuous => return Some(path),
        EntryType::Link => "it is a hard link, and links are not followed",
        EntryType::Symlink => "it is a symbolic link, and links are not followed",
        EntryType::GNUSparse => "it is a sparse file, which is not supported",
        _ => "it is no regular file",
    };
    collector.leave_out(&path, reason);
    None
}

fn modified<R: io::Read>(entry: &tar::Entry<'_, R>) -> Option<Timestamp> {
    let second = i64::try_from(entry.header().mtime().ok()?).ok()?;
    Timestamp::from_second(second).ok()
}

fn report(collector: &mut Collector<'_>, error: &io::Error) {
    collector.problem(
        kind_of(error),
        format!("it cannot be read to its end: {error}"),
    );
}

fn kind_of(error: &io::Error) -> ProblemKind {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => ProblemKind::Truncated,
        _ => ProblemKind::Unreadable,
    }
}

fn broken(got: u64, error: &io::Error) -> String {
    format!("its compressed data ends after {got} inflated bytes: {error}")
}
