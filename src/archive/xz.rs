//! Streams an xz, so that of one that is cut all is got up to the cut.

use std::io::{self, BufRead, Read};

use lzma_rust2::{Action, Status, XzStream};

/// Memory that the decoder may take, in KiB: twice what `xz -9` asks for.
const MEMORY: u32 = 128 << 10;
/// Bytes that are decoded at a time: so many may be lost where the data is damaged.
const WINDOW: usize = 32 << 10;

/// Decodes the xz streams that a reader gives, one after the other.
///
/// The crate's own reader gives nothing of what a call had decoded before the input ended, which
/// for a call that fills a large buffer may be all of it.
pub(super) struct XzDecoder<R> {
    input: R,
    stream: XzStream,
}

impl<R: BufRead> XzDecoder<R> {
    pub(super) fn new(input: R) -> Self {
        XzDecoder {
            input,
            stream: XzStream::new_mem_limit(true, MEMORY),
        }
    }
}

impl<R: BufRead> Read for XzDecoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len().min(WINDOW);
        let buffer = buffer.get_mut(..length).unwrap_or_default();
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let input = self.input.fill_buf()?;
            let is_end = input.is_empty();
            let action = if is_end { Action::Finish } else { Action::Run };
            let result = self.stream.process(input, buffer, action)?;
            self.input.consume(result.bytes_consumed);
            if result.bytes_produced > 0 || result.status == Status::StreamEnd {
                return Ok(result.bytes_produced);
            }
            if is_end {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if result.bytes_consumed == 0 {
                return Err(io::Error::other("the xz decoder does not go on"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn pack(bytes: &[u8]) -> Vec<u8> {
        let options = lzma_rust2::XzOptions::with_preset(1);
        let mut writer = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    }

    fn decode(packed: &[u8]) -> (Vec<u8>, Option<io::ErrorKind>) {
        let mut bytes = Vec::new();
        let result = XzDecoder::new(packed).read_to_end(&mut bytes);
        (bytes, result.err().map(|error| error.kind()))
    }

    #[test]
    fn gives_all_streams_and_all_before_a_cut() {
        let text: Vec<u8> = (0..60_000u32)
            .flat_map(|n| n.to_string().into_bytes())
            .collect();
        let packed = pack(&text);
        assert_eq!(decode(&packed), (text.clone(), None));
        assert_eq!(
            decode(&[&packed[..], &packed].concat()),
            ([&text[..], &text].concat(), None)
        );
        let (bytes, error) = decode(&packed[..packed.len() / 2]);
        assert_eq!(error, Some(io::ErrorKind::UnexpectedEof));
        assert!(bytes.len() > text.len() / 4 && text.starts_with(&bytes));
        let mut damaged = packed.clone();
        damaged[packed.len() / 2] ^= 0xff;
        assert!(decode(&damaged).1.is_some());
        assert_eq!(decode(&pack(b"")), (Vec::new(), None));
    }
}
