//! What reading a file gave: its bytes, and what was wrong with them.

use std::borrow::Cow;
use std::io;

use crate::span::ProblemKind;

use super::slice::Slice;

/// The bytes that were got, all of them or not.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) bytes: Vec<u8>,
    pub(super) problem: Option<(ProblemKind, String)>,
}

impl From<Vec<u8>> for Read {
    fn from(bytes: Vec<u8>) -> Self {
        Read {
            bytes,
            problem: None,
        }
    }
}

impl Read {
    pub(super) fn with(self, kind: ProblemKind, reason: impl Into<String>) -> Self {
        let problem = Some((kind, reason.into()));
        Read { problem, ..self }
    }

    /// Nothing was got.
    pub(super) fn failed(error: &io::Error) -> Self {
        Read::default().with(
            ProblemKind::Unreadable,
            format!("it cannot be read: {error}"),
        )
    }

    /// Reads a whole slice, which should have so many bytes.
    pub(super) fn slice(slice: &Slice, size: u64) -> Self {
        match slice.read(0, size).map(Cow::into_owned) {
            Ok(bytes) => Read::from(bytes).ended_early(size),
            Err(error) => Read::failed(&error),
        }
    }

    /// The same, with a problem if the bytes are fewer than declared.
    pub(super) fn ended_early(self, size: u64) -> Self {
        let got = self.bytes.len() as u64;
        if got >= size {
            return self;
        }
        self.with(
            ProblemKind::Truncated,
            format!("it ends after {got} of {size} bytes"),
        )
    }
}
