//! Bytes at a position: a range of a file, of memory, or of pieces laid end to end, readable from
//! many threads at once and never copied to be shared.

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

/// A range of bytes of some source. Cloning it shares the source.
#[derive(Clone)]
pub(super) struct Slice {
    source: Arc<Source>,
    offset: u64,
    length: u64,
}

enum Source {
    File(PositionedFile),
    Memory(Vec<u8>),
    /// Each piece with the position where it begins.
    Pieces(Vec<(u64, Slice)>),
}

impl Slice {
    /// The whole of a file.
    pub(super) fn file(path: &Path) -> io::Result<Slice> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let source = Source::File(PositionedFile::new(file));
        Ok(Slice {
            source: Arc::new(source),
            offset: 0,
            length,
        })
    }

    /// The whole of a buffer.
    pub(super) fn memory(bytes: Vec<u8>) -> Slice {
        let length = bytes.len() as u64;
        Slice {
            source: Arc::new(Source::Memory(bytes)),
            offset: 0,
            length,
        }
    }

    /// Pieces laid end to end.
    pub(super) fn pieces(pieces: Vec<Slice>) -> Slice {
        let mut length = 0;
        let mut placed = Vec::with_capacity(pieces.len());
        for piece in pieces {
            let begin = length;
            length += piece.length;
            placed.push((begin, piece));
        }
        Slice {
            source: Arc::new(Source::Pieces(placed)),
            offset: 0,
            length,
        }
    }

    /// Number of bytes.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// The part from `offset` on, of `length` bytes or as many as there are.
    pub(super) fn part(&self, offset: u64, length: u64) -> Slice {
        let offset = offset.min(self.length);
        Slice {
            source: Arc::clone(&self.source),
            offset: self.offset + offset,
            length: length.min(self.length - offset),
        }
    }

    /// Bytes from `offset` on: `length` of them, or fewer where the slice or its file ends before.
    /// Borrowed where they are in memory already.
    pub(super) fn read(&self, offset: u64, length: u64) -> io::Result<Cow<'_, [u8]>> {
        let part = self.length.saturating_sub(offset).min(length);
        let begin = self.offset + offset.min(self.length);
        match &*self.source {
            Source::Memory(bytes) => {
                let range = range(begin, part);
                Ok(Cow::Borrowed(bytes.get(range).unwrap_or_default()))
            }
            _ => {
                let length = usize::try_from(part).map_err(io::Error::other)?;
                let mut buffer = vec![0; length];
                let filled = self.source.fill(begin, &mut buffer)?;
                buffer.truncate(filled);
                Ok(Cow::Owned(buffer))
            }
        }
    }

    /// Whether both are ranges of one source.
    pub(super) fn shares_source_with(&self, other: &Slice) -> bool {
        Arc::ptr_eq(&self.source, &other.source)
    }

    /// A stream over the slice, from its beginning.
    pub(super) fn stream(&self) -> Stream {
        Stream {
            slice: self.clone(),
            position: 0,
        }
    }
}

impl fmt::Debug for Slice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes at {}", self.length, self.offset)
    }
}

impl Source {
    /// Fills the buffer from a position on; fewer bytes only where the source ends.
    fn fill(&self, mut position: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let read = match self.read(position, rest) {
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if read == 0 {
                break;
            }
            filled += read;
            position += read as u64;
        }
        Ok(filled)
    }

    fn read(&self, position: u64, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Source::File(file) => file.read_at(buffer, position),
            Source::Memory(bytes) => {
                let range = range(position.min(bytes.len() as u64), u64::MAX);
                let mut rest = bytes.get(range.start..).unwrap_or_default();
                rest.read(buffer)
            }
            Source::Pieces(pieces) => {
                let after = pieces.partition_point(|(begin, _)| *begin <= position);
                let Some((begin, piece)) = after.checked_sub(1).and_then(|at| pieces.get(at))
                else {
                    return Ok(0);
                };
                let inside = position - begin;
                let available = usize::try_from(piece.length.saturating_sub(inside))
                    .unwrap_or(usize::MAX)
                    .min(buffer.len());
                let buffer = buffer.get_mut(..available).unwrap_or_default();
                piece.source.fill(piece.offset + inside, buffer)
            }
        }
    }
}

/// A range of indexes; empty where it cannot be expressed.
fn range(begin: u64, length: u64) -> std::ops::Range<usize> {
    let begin = usize::try_from(begin).unwrap_or(usize::MAX);
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    begin..begin.saturating_add(length)
}

/// Reads a [`Slice`] from front to back.
pub(super) struct Stream {
    slice: Slice,
    position: u64,
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = self.slice.length.saturating_sub(self.position);
        let wanted = usize::try_from(rest)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let buffer = buffer.get_mut(..wanted).unwrap_or_default();
        let begin = self.slice.offset.saturating_add(self.position);
        let read = self.slice.source.fill(begin, buffer)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for Stream {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.slice.length.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

/// A file without a cursor that threads could fight over.
#[cfg(unix)]
struct PositionedFile(File);

#[cfg(unix)]
impl PositionedFile {
    fn new(file: File) -> Self {
        PositionedFile(file)
    }

    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(&self.0, buffer, position)
    }
}

/// A file whose cursor is moved by one thread at a time.
#[cfg(not(unix))]
struct PositionedFile(std::sync::Mutex<File>);

#[cfg(not(unix))]
impl PositionedFile {
    fn new(file: File) -> Self {
        PositionedFile(std::sync::Mutex::new(file))
    }

    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        let mut file = self.0.lock().unwrap_or_else(|poison| poison.into_inner());
        file.seek(SeekFrom::Start(position))?;
        file.read(buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_across_pieces_and_stops_at_the_end() {
        let pieces = ["he", "", "llo ", "world"].map(|text| Slice::memory(text.into()));
        let slice = Slice::pieces(pieces.into());
        assert_eq!(slice.length(), 11);
        for begin in 0..13 {
            for length in 0..13 {
                let end = (begin + length).min(11);
                let expected = &b"hello world"[begin.min(11)..end];
                let read = slice.read(begin as u64, length as u64).unwrap();
                assert_eq!(&*read, expected);
                let part = slice.part(begin as u64, length as u64);
                assert_eq!(&*part.read(0, 99).unwrap(), expected);
                let mut streamed = Vec::new();
                part.stream().read_to_end(&mut streamed).unwrap();
                assert_eq!(streamed, expected);
            }
        }
        assert!(slice.read(u64::MAX, u64::MAX).unwrap().is_empty());
    }

    #[test]
    fn a_file_that_shrank_yields_what_is_left() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, "0123456789").unwrap();
        let slice = Slice::file(&path).unwrap();
        assert_eq!(&*slice.read(4, 3).unwrap(), b"456");
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(5)
            .unwrap();
        assert_eq!(&*slice.read(4, 3).unwrap(), b"4");
    }
}
