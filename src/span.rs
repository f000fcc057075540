//! Names a place: an entry of the bundle, a line in it, and what was wrong there.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

/// A line of a file of the bundle, as a reader finds it when opening that file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// Path relative to the bundle's top directory; archives inside the bundle are components of it.
    pub path: String,
    /// 1-based line; `None` speaks of the file as a whole.
    pub line: Option<u32>,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        match self.line {
            Some(line) => write!(f, ":{line}"),
            None => Ok(()),
        }
    }
}

/// In what way a part of the bundle could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProblemKind {
    /// It should be there and is not.
    Missing,
    /// It ends before its own end.
    Truncated,
    /// It is there, but its container or format does not let it be read.
    Unreadable,
    /// Reading it would have crossed a limit on archives.
    Limit,
    /// Its text does not follow its own grammar.
    Syntax,
    /// Its bytes are not the UTF-8 they should be.
    Encoding,
}

/// Something of the bundle that was not examined, or only in part. Never an error of ours: the
/// rest of the bundle is still read, and the report says what was not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Problem {
    /// Path relative to the bundle's top directory.
    pub path: String,
    /// 1-based line where it went wrong, if there is one.
    pub line: Option<u32>,
    /// In what way.
    pub kind: ProblemKind,
    /// What happened, in one sentence without a final stop.
    pub reason: String,
}

impl Problem {
    /// A problem with a file as a whole.
    pub fn new(path: impl Into<String>, kind: ProblemKind, reason: impl Into<String>) -> Self {
        Problem {
            path: path.into(),
            line: None,
            kind,
            reason: reason.into(),
        }
    }

    /// The same problem at a line of the file (1-based).
    #[must_use]
    pub fn at_line(self, line: u32) -> Self {
        Problem {
            line: Some(line),
            ..self
        }
    }
}

/// What was understood of a text, and what was not.
#[derive(Debug, Clone, Default)]
pub struct Parsed<T> {
    /// What was understood.
    pub value: T,
    /// What was not.
    pub problems: Vec<Problem>,
}
