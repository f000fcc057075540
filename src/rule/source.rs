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
#[derive(Clone, PartialEq, Eq, Default)]
pub struct RuleSource {
    /// `rules/upgrade/upgrade-node-lost-deadlock.yaml`, or the path given by the user.
    pub name: String,
    /// The whole text.
    pub text: String,
}

impl RuleSource {
    /// A file of this name. A byte order mark is left out: it would shift every place by three bytes.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> RuleSource {
        let text = text.into();
        RuleSource {
            name: name.into(),
            text: match text.strip_prefix('\u{feff}') {
                Some(text) => text.to_owned(),
                None => text,
            },
        }
    }

    /// 1-based line of a byte.
    pub fn line(&self, at: usize) -> usize {
        let before = self.text.get(..at).unwrap_or(&self.text);
        1 + before.bytes().filter(|byte| *byte == b'\n').count()
    }

    /// A piece of the text on one line, cut at 120 characters.
    pub fn short(&self, span: Span) -> String {
        const LONGEST: usize = 120;
        let piece = self.text.get(span.start..span.end).unwrap_or_default();
        let words: Vec<&str> = piece.split_whitespace().collect();
        let line = words.join(" ");
        match line.char_indices().nth(LONGEST) {
            None => line,
            Some((end, _)) => format!("{}…", line[..end].trim_end()),
        }
    }
}

/// Names the file only: its text would drown whatever holds it.
impl fmt::Debug for RuleSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuleSource")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Where the bytes of a decoded scalar come from: YAML drops indentation, folds lines and resolves
/// escapes, and a caret must still stand under the right byte of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offsets {
    /// Byte of the file at which the value starts.
    start: usize,
    /// Byte of the value and byte of the file, at the start of each further run over which both
    /// advance alike.
    runs: Vec<(usize, usize)>,
}

impl Offsets {
    /// The value is the file's text from `start` on, byte for byte.
    pub fn identical(start: usize) -> Self {
        Offsets {
            start,
            runs: Vec::new(),
        }
    }

    /// Says that byte `value` of the value comes from byte `file` of the file. Called in ascending
    /// order, at the start of each run at least.
    pub(super) fn push(&mut self, value: usize, file: usize) {
        let (from, to) = self.runs.last().copied().unwrap_or((0, self.start));
        match file.checked_sub(to) == value.checked_sub(from) {
            true => {}
            false if value == 0 => *self = Offsets::identical(file),
            false => self.runs.push((value, file)),
        }
    }

    /// Byte of the file that holds byte `value` of the value.
    pub fn in_file(&self, value: usize) -> usize {
        let after = self.runs.partition_point(|(from, _)| *from <= value);
        match after.checked_sub(1).and_then(|run| self.runs.get(run)) {
            Some((from, to)) => to + (value - from),
            None => self.start + value,
        }
    }
}

/// A piece of a rule file's text, after YAML: an expression, a template, a pattern.
#[derive(Debug, Clone, Copy)]
pub struct Passage<'a> {
    /// The text.
    pub text: &'a str,
    /// Byte of the scalar's value at which the text starts.
    start: usize,
    /// Where the scalar's bytes come from.
    offsets: &'a Offsets,
}

impl<'a> Passage<'a> {
    /// A whole scalar.
    pub fn new(text: &'a str, offsets: &'a Offsets) -> Self {
        Passage {
            text,
            start: 0,
            offsets,
        }
    }

    /// The bytes `from..to` of it; empty where there are none.
    #[must_use]
    pub fn part(&self, from: usize, to: usize) -> Passage<'a> {
        Passage {
            text: self.text.get(from..to).unwrap_or_default(),
            start: self.start + from,
            offsets: self.offsets,
        }
    }

    /// Where its bytes `from..to` stand in the file.
    pub fn span(&self, from: usize, to: usize) -> Span {
        let start = self.offsets.in_file(self.start + from);
        match to.checked_sub(1) {
            // The byte after the last one may stand lines further down, behind an indentation.
            Some(last) if last >= from => {
                Span::new(start, self.offsets.in_file(self.start + last) + 1)
            }
            _ => Span::new(start, start),
        }
    }

    /// Where all of it stands in the file.
    pub fn whole(&self) -> Span {
        self.span(0, self.text.len())
    }
}
