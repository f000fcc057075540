//! The text of a rule file, and places in it.

use std::fmt;

/// A byte range of a rule file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// Byte after the last one.
    pub end: usize,
}

impl Span {
    /// The range `start..end`; an end before the start is taken as the start.
    pub fn new(start: usize, end: usize) -> Self {
        Span {
            start,
            end: end.max(start),
        }
    }

    /// The smallest range that holds both.
    #[must_use]
    pub fn to(self, other: Span) -> Span {
        Span::new(self.start.min(other.start), self.end.max(other.end))
    }
}

/// A value and where the rule file states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// `value`, stated at `span`.
    pub fn new(value: T, span: Span) -> Self {
        Spanned { value, span }
    }
}

/// A rule file: its name as people know it, and its text.
#[derive(Clone, PartialEq, Eq)]
pub struct RuleSource {
    /// `rules/upgrade/upgrade-node-lost-deadlock.yaml`, or the path given by the user.
    pub name: String,
    /// The whole text.
    pub text: String,
}

/// Names the file only: its text would drown whatever holds it.
impl fmt::Debug for RuleSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuleSource")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
