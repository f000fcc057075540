//! Inflates deflated bytes, never beyond what was declared.

use std::cell::RefCell;

use flate2::{Decompress, FlushDecompress, Status};

use super::slice::Slice;

/// Deflate's bound: one byte cannot inflate to more than so many.
const HIGHEST_RATIO: u64 = 1032;

thread_local! {
    // An inflater's window is large next to most entries: it is kept, and reset for each.
    static INFLATER: RefCell<Decompress> = RefCell::new(Decompress::new(false));
}

/// How a deflated stream came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// By its own end mark.
    Complete,
    /// The compressed bytes ended before.
    Truncated,
    /// It went on beyond the declared size.
    Over,
    /// It broke deflate's grammar.
    Damaged,
}

/// Inflates all of `packed`, at most `size` bytes, with one allocation.
pub(super) fn inflate(packed: &[u8], size: u64) -> (Vec<u8>, End) {
    let bound = (packed.len() as u64).saturating_mul(HIGHEST_RATIO) + 64;
    let capacity = usize::try_from(size.min(bound)).unwrap_or(usize::MAX);
    INFLATER.with_borrow_mut(|inflater| {
        inflater.reset(false);
        let mut bytes = Vec::with_capacity(capacity);
        let end = run(inflater, packed, &mut bytes);
        if bytes.len() > capacity {
            bytes.truncate(capacity);
            return (bytes, End::Over);
        }
        (bytes, end)
    })
}

/// Runs the inflater to the end of its stream, or to one byte more than the buffer holds.
fn run(inflater: &mut Decompress, packed: &[u8], bytes: &mut Vec<u8>) -> End {
    loop {
        let before = (inflater.total_in(), inflater.total_out());
        let consumed = usize::try_from(before.0).unwrap_or(usize::MAX);
        let input = packed.get(consumed..).unwrap_or_default();
        let status = if bytes.len() < bytes.capacity() {
            inflater.decompress_vec(input, bytes, FlushDecompress::Finish)
        } else {
            let status = inflater.decompress(input, &mut [0], FlushDecompress::Finish);
            if inflater.total_out() > before.1 {
                return End::Over;
            }
            status
        };
        match status {
            Ok(Status::StreamEnd) => return End::Complete,
            Err(_) => return End::Damaged,
            // There was room for output, so only a lack of input can have stopped it.
            Ok(_) if before == (inflater.total_in(), inflater.total_out()) => {
                return End::Truncated;
            }
            Ok(_) => {}
        }
    }
}

/// What a deflated stream of unknown length turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Measure {
    /// Compressed bytes.
    pub(super) packed: u64,
    /// Inflated bytes.
    pub(super) size: u64,
    /// CRC-32 of the inflated bytes.
    pub(super) checksum: u32,
    pub(super) end: End,
}

/// Inflates the stream at the beginning of the slice to nowhere, at most `most` bytes of it.
pub(super) fn measure(slice: &Slice, most: u64) -> Measure {
    const CHUNK: u64 = 256 << 10;
    let mut checksum = crc32fast::Hasher::new();
    let mut bytes = Vec::with_capacity(CHUNK as usize);
    INFLATER.with_borrow_mut(|inflater| {
        inflater.reset(false);
        let end = loop {
            let before = (inflater.total_in(), inflater.total_out());
            let Ok(input) = slice.read(before.0, CHUNK) else {
                break End::Truncated;
            };
            bytes.clear();
            let status = inflater.decompress_vec(&input, &mut bytes, FlushDecompress::None);
            checksum.update(&bytes);
            match status {
                Ok(Status::StreamEnd) => break End::Complete,
                Err(_) => break End::Damaged,
                Ok(_) if before == (inflater.total_in(), inflater.total_out()) => {
                    break End::Truncated;
                }
                Ok(_) if inflater.total_out() > most => break End::Over,
                Ok(_) => {}
            }
        };
        Measure {
            packed: inflater.total_in(),
            size: inflater.total_out(),
            checksum: checksum.finalize(),
            end,
        }
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn deflate(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), Default::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn yields_no_more_than_declared() {
        let text: Vec<u8> = (0..100_000u32)
            .flat_map(|n| n.to_string().into_bytes())
            .collect();
        let packed = deflate(&text);
        let length = text.len() as u64;
        for (size, end) in [
            (length, End::Complete),
            (length + 1, End::Complete),
            (length - 1, End::Over),
            (1, End::Over),
            (0, End::Over),
        ] {
            let (bytes, found) = inflate(&packed, size);
            assert_eq!(found, end, "{size}");
            assert_eq!(bytes, text[..(size.min(length)) as usize], "{size}");
        }
        let (bytes, end) = inflate(&packed[..packed.len() / 2], length);
        assert_eq!(end, End::Truncated);
        assert!(bytes.len() > 1000 && text.starts_with(&bytes));
        assert_eq!(inflate(&[0xff; 9], 100).1, End::Damaged);
        assert_eq!(inflate(&[], 100), (Vec::new(), End::Truncated));
        assert_eq!(inflate(&deflate(b""), 0), (Vec::new(), End::Complete));
        // A declared size that its bytes cannot reach is not allocated.
        assert!(inflate(&deflate(b"a"), u64::MAX).0.capacity() < 10_000);
    }

    #[test]
    fn measures_a_stream_with_something_behind_it() {
        let text = vec![b'x'; 3 << 20];
        let mut packed = deflate(&text);
        let length = packed.len() as u64;
        packed.extend(b"PK\x07\x08 and more");
        let slice = Slice::memory(packed);
        let measured = measure(&slice, u64::MAX);
        assert_eq!(
            (measured.packed, measured.size),
            (length, text.len() as u64)
        );
        assert_eq!(
            (measured.checksum, measured.end),
            (crc32fast::hash(&text), End::Complete)
        );
        assert_eq!(measure(&slice, 1 << 20).end, End::Over);
        assert_eq!(
            measure(&slice.part(0, length / 2), u64::MAX).end,
            End::Truncated
        );
    }
}
