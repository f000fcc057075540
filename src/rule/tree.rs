//! A rule file's YAML as a tree in which every key and value knows its bytes.
//!
//! serde stops at the first mistake; an author wants all of them at once, each with its place. So
//! the tree is built from a parser's events. Anchors, aliases and tags are refused: a rule that
//! needs them is hard to read, and a tree without them can't grow beyond its text.

use granit_parser::{Event, ScalarStyle};
use smol_str::SmolStr;

use super::mistake::Mistakes;
use super::recording::{self, Placed, Replay};
use super::source::{Offsets, Passage, Span, Spanned};
use crate::parse::scalar;

/// The largest rule file, in bytes. The longest rules have some 5 kB.
pub(crate) const MAXIMUM_SIZE: usize = 256 << 10;

/// The longest line, in bytes. What shows mistakes breaks down where a line has more than 65,535
/// columns, and a byte may take four of them.
const MAXIMUM_LINE: usize = 16_000;

/// How deep lists and maps may nest; a rule needs five levels.
const MAXIMUM_DEPTH: usize = 32;

/// The most values in a file; the longest rules have some 300. Checks compare names with names,
/// which costs the square of their number.
const MAXIMUM_VALUES: usize = 5_000;

/// A value and its bytes.
#[derive(Debug, Clone)]
pub(crate) struct Tree {
    pub(crate) value: Value,
    pub(crate) span: Span,
}

/// What a value is.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Scalar(Scalar),
    List(Vec<Tree>),
    Map(Vec<Entry>),
    /// Refused; the mistake is noted already.
    Refused,
}

/// A scalar after YAML's own decoding.
#[derive(Debug, Clone)]
pub(crate) struct Scalar {
    pub(crate) text: SmolStr,
    /// Not in quotes nor a block: may be a number, a boolean or null.
    pub(crate) plain: bool,
    offsets: Offsets,
}

/// A key and its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: Spanned<SmolStr>,
    pub(crate) value: Tree,
}

impl Scalar {
    /// Its text, with the way back to the file.
    pub(crate) fn passage(&self) -> Passage<'_> {
        Passage::new(&self.text, &self.offsets)
    }

    /// `null`, `~` or nothing at all.
    pub(crate) fn is_null(&self) -> bool {
        self.plain && matches!(self.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
    }
}

impl Tree {
    /// What it is, for a message.
    pub(crate) fn describe(&self) -> &'static str {
        match &self.value {
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
            Value::Refused => "nothing",
            Value::Scalar(scalar) if scalar.is_null() => "nothing",
            Value::Scalar(_) => "text",
        }
    }

    /// The value as JSON, plain scalars being what YAML 1.2 takes them for.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Scalar(scalar) if scalar.plain => scalar::to_json(&scalar.text),
            Value::Scalar(scalar) => scalar.text.as_str().into(),
            Value::List(list) => list.iter().map(Tree::to_json).collect(),
            Value::Map(map) => map
                .iter()
                .map(|entry| (entry.key.value.to_string(), entry.value.to_json()))
                .collect(),
            Value::Refused => serde_json::Value::Null,
        }
    }

    /// Where a message about the value as a whole points: a map or a list over many lines would
    /// drown the message, so its first key or element stands for it.
    pub(crate) fn head(&self) -> Span {
        match &self.value {
            Value::Map(entries) => entries.first().map_or(self.span, |entry| entry.key.span),
            Value::List(elements) => elements.first().map_or(self.span, Tree::head),
            Value::Scalar(_) | Value::Refused => self.span,
        }
    }
}

/// Reads the one document of a file; `None` if there is none that could be understood.
pub(crate) fn read(text: &str, mistakes: &mut Mistakes) -> Option<Tree> {
    if text.len() > MAXIMUM_SIZE {
        let limit = MAXIMUM_SIZE >> 10;
        mistakes.error_of_file("BD001", format!("the file is larger than {limit} KiB"));
        return None;
    }
    if let Some(index) = text.lines().position(|line| line.len() > MAXIMUM_LINE) {
        let message = format!("line {} is longer than {MAXIMUM_LINE} bytes", index + 1);
        mistakes
            .error_of_file("BD001", message)
            .help("a folded text, `>-`, may go over many lines");
        return None;
    }
    let mut builder = Builder::new(text);
    for event in recording::parser(text) {
        let read = match event {
            Ok(event) => builder.take(recording::placed(event), mistakes),
            Err(error) => {
                let at = builder.clamp(error.marker().byte_offset().unwrap_or(text.len()));
                mistakes
                    .error(
                        "BD001",
                        Span::new(at, at),
                        format!("not YAML: {}", error.info()),
                    )
                    .label("here");
                None
            }
        };
        read?;
    }
    if builder.root.is_none() {
        mistakes.error_of_file("BD001", "the file is empty");
    }
    builder.root
}

/// The tree of a text that was parsed before, when `recording` was made of it.
pub(crate) fn replay(text: &str, recording: &[u8], mistakes: &mut Mistakes) -> Option<Tree> {
    let mut builder = Builder::new(text);
    for event in Replay::new(text, recording) {
        builder.take(event, mistakes)?;
    }
    builder.root
}

/// A list or map whose end has not been seen.
struct Open {
    tree: Tree,
    /// The key whose value comes next.
    key: Option<Spanned<SmolStr>>,
}

struct Builder<'a> {
    text: &'a str,
    open: Vec<Open>,
    root: Option<Tree>,
    documents: usize,
    values: usize,
}

impl<'a> Builder<'a> {
    fn new(text: &'a str) -> Self {
        Builder {
            text,
            open: Vec::new(),
            root: None,
            documents: 0,
            values: 0,
        }
    }

    /// Takes one event; `None` ends the reading.
    fn take(&mut self, (event, range, tag): Placed<'_>, mistakes: &mut Mistakes) -> Option<()> {
        let span = Span::new(self.clamp(range.start), self.clamp(range.end));
        if let Some(tag) = tag {
            let tag = Span::new(self.clamp(tag.start), self.clamp(tag.end));
            mistakes
                .error("BD001", tag, "tags have no meaning here")
                .help("leave it out, or quote the text: `!` at the start of a plain text makes it a tag");
        }
        if mistakes.are_many() {
            return None;
        }
        self.values += usize::from(event.is_node());
        if self.values > MAXIMUM_VALUES {
            mistakes.error(
                "BD001",
                span,
                format!("more than {MAXIMUM_VALUES} values in a file"),
            );
            return None;
        }
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    mistakes
                        .error("BD001", span, "a file holds one document")
                        .label("a second document starts here");
                    return None;
                }
            }
            Event::Anchor(..) => {
                mistakes
                    .error("BD001", span, "anchors are not allowed here")
                    .help("write the value out where it is needed");
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                mistakes
                    .error("BD001", span, "aliases are not allowed here")
                    .help("write the value out, or quote it: `*` at the start of a plain text makes it an alias");
                let value = Value::Refused;
                self.close(Tree { value, span }, mistakes);
            }
            Event::Scalar(text, style, ..) => {
                let source = self.text.get(span.start..span.end).unwrap_or_default();
                let offsets = align(&text, source, span.start, style);
                let plain = style == ScalarStyle::Plain;
                self.close(scalar(text.into(), plain, offsets, span), mistakes);
            }
            Event::SequenceStart(..) => return self.start(Value::List(Vec::new()), span, mistakes),
            Event::MappingStart(..) => return self.start(Value::Map(Vec::new()), span, mistakes),
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(Open { mut tree, .. }) = self.open.pop() {
                    // A block ends where the next line starts: its last value's end is nearer.
                    tree.span = match (&tree.value, span.end > span.start) {
                        (_, true) => tree.span.to(span),
                        (Value::List(list), _) => list
                            .last()
                            .map_or(tree.span, |last| tree.span.to(last.span)),
                        (Value::Map(map), _) => map
                            .last()
                            .map_or(tree.span, |last| tree.span.to(last.value.span)),
                        _ => tree.span,
                    };
                    self.close(tree, mistakes);
                }
            }
            _ => {}
        }
        Some(())
    }

    fn start(&mut self, value: Value, span: Span, mistakes: &mut Mistakes) -> Option<()> {
        if self.open.len() >= MAXIMUM_DEPTH {
            mistakes.error(
                "BD001",
                span,
                format!("nested more than {MAXIMUM_DEPTH} deep"),
            );
            return None;
        }
        let tree = Tree { value, span };
        self.open.push(Open { tree, key: None });
        Some(())
    }

    /// Puts a finished value where it belongs.
    fn close(&mut self, tree: Tree, mistakes: &mut Mistakes) {
        let Some(Open { tree: parent, key }) = self.open.last_mut() else {
            self.root = Some(tree);
            return;
        };
        match &mut parent.value {
            Value::List(list) => list.push(tree),
            Value::Map(entries) => match key.take() {
                Some(key) => entries.push(Entry { key, value: tree }),
                None => {
                    let Tree { value, span } = tree;
                    let text = match value {
                        Value::Scalar(scalar) => scalar.text,
                        value => {
                            let head = Tree { value, span }.head();
                            mistakes
                                .error("BD001", head, "a key must be text")
                                .help("quote what starts with `{` or `[`: YAML reads it as a map or a list");
                            SmolStr::default()
                        }
                    };
                    if let Some(first) = entries.iter().find(|entry| entry.key.value == text) {
                        let first = first.key.span;
                        mistakes
                            .error("BD001", span, format!("the key `{text}` stands here twice"))
                            .label("again")
                            .also(first, "first");
                    }
                    *key = Some(Spanned::new(text, span));
                }
            },
            Value::Scalar(_) | Value::Refused => {}
        }
    }

    /// The nearest place at or before `at` at which a character starts.
    fn clamp(&self, at: usize) -> usize {
        let mut at = at.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }
}

fn scalar(text: SmolStr, plain: bool, offsets: Offsets, span: Span) -> Tree {
    let value = Value::Scalar(Scalar {
        text,
        plain,
        offsets,
    });
    Tree { value, span }
}

/// Finds each character of a decoded scalar in its source.
///
/// The parser has decoded already, so this needs none of YAML's rules on indentation and folding:
/// both texts are walked side by side, and where they differ the source holds blanks that were
/// dropped or folded, or an escape. A blank may be taken for its neighbour, which no caret shows.
fn align(value: &str, source: &str, start: usize, style: ScalarStyle) -> Offsets {
    let quoted = matches!(style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted);
    let mut at = usize::from(quoted);
    let mut offsets = Offsets::identical(start + at);
    if source.get(at..).is_some_and(|rest| rest.starts_with(value)) {
        return offsets;
    }
    let mut index = 0;
    while let Some(left) = value.get(index..).filter(|left| !left.is_empty()) {
        let rest = source.get(at..).unwrap_or_default();
        // Most texts differ at a few line ends only.
        let alike = common(left, rest, style);
        if alike > 0 {
            offsets.push(index, start + at);
            index += alike;
            at += alike;
            continue;
        }
        let (Some(wanted), Some(found)) = (left.chars().next(), rest.chars().next()) else {
            // Nothing is left of the source: the rest of the value stays on its last run.
            return offsets;
        };
        let length = match (style, found) {
            (ScalarStyle::SingleQuoted, '\'') => 2,
            (ScalarStyle::DoubleQuoted, '\\') => match escape_length(rest) {
                Some(length) => length,
                None => {
                    at += 1;
                    continue;
                }
            },
            // The parser's place of a block leaves blank lines before its first word out.
            _ if !found.is_whitespace() && wanted.is_whitespace() => 0,
            _ if !found.is_whitespace() => return offsets,
            _ if matches!(wanted, ' ' | '\n') && matches!(found, '\n' | '\r') => found.len_utf8(),
            _ => {
                at += found.len_utf8();
                continue;
            }
        };
        offsets.push(index, start + at);
        index += wanted.len_utf8();
        at += length;
    }
    offsets
}

/// Bytes that both texts begin with and that stand for themselves, in whole characters.
fn common(value: &str, source: &str, style: ScalarStyle) -> usize {
    let escapes = match style {
        ScalarStyle::SingleQuoted => Some(b'\''),
        ScalarStyle::DoubleQuoted => Some(b'\\'),
        _ => None,
    };
    let pairs = value.bytes().zip(source.bytes());
    let mut length = pairs
        .take_while(|(wanted, found)| wanted == found && Some(*found) != escapes)
        .count();
    while !value.is_char_boundary(length) {
        length -= 1;
    }
    length
}

/// Bytes of the escape at the start of `rest`; `None` for an escaped line end, which stands for nothing.
fn escape_length(rest: &str) -> Option<usize> {
    match rest.as_bytes().get(1)? {
        b'x' => Some(4),
        b'u' => Some(6),
        b'U' => Some(10),
        b'\n' | b'\r' => None,
        _ => rest.chars().nth(1).map(|escaped| 1 + escaped.len_utf8()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::files;
    use crate::rule::source::RuleSource;

    fn read_all(text: &str) -> (Option<Tree>, Vec<(String, String)>) {
        let source = RuleSource {
            name: "a.yaml".to_owned(),
            text: text.to_owned(),
        };
        let mut mistakes = Mistakes::new(&source);
        let tree = read(text, &mut mistakes);
        let shown = mistakes.into_list().into_iter().map(|mistake| {
            let place = mistake
                .labels
                .first()
                .map(|(span, _)| text[span.start..span.end].to_owned());
            (mistake.message, place.unwrap_or_default())
        });
        (tree, shown.collect())
    }

    #[test]
    fn every_character_is_found_again() {
        let cases = [
            "a: plain WORD here",
            "a: plain over\n  lines WORD\n\n  and on",
            "a: 'it''s  WORD here'",
            "a: 'it''''s\n  folded\n\n  WORD''s'",
            "a: \"\\t\\\"\\u00e9\\x41\\U0001F600 WORD \\\n   joined\\n WORD2\"",
            "a: |\n  one\n    two WORD\n\n  three\n",
            "a: |2-\n    one\n   WORD\n",
            "a: >-\n  one\n  two WORD\n\n    more indented\n  WORD2 end\n",
            "a: >+ # note\n\n  one é\n  WORD\n\n",
            "a:\n  - >-\n    x\n    WORD y\n",
            "{a: [\"x\\\\WORD\", b]}",
            "é: ü WORD",
            "a: |\r\n  one\r\n  WORD\r\n",
            "a: \"x\r\n  WORD\"",
        ];
        fn scalars<'a>(tree: &'a Tree, found: &mut Vec<&'a Scalar>) {
            match &tree.value {
                Value::Scalar(scalar) => found.push(scalar),
                Value::List(list) => list.iter().for_each(|tree| scalars(tree, found)),
                Value::Map(map) => map.iter().for_each(|entry| scalars(&entry.value, found)),
                Value::Refused => {}
            }
        }
        for text in cases {
            let (tree, mistakes) = read_all(text);
            assert!(mistakes.is_empty(), "{text:?}: {mistakes:?}");
            let tree = tree.unwrap();
            let mut found = Vec::new();
            scalars(&tree, &mut found);
            let mut seen = 0;
            for scalar in found {
                for word in ["WORD", "WORD2"] {
                    for (at, _) in scalar.text.match_indices(word) {
                        let span = scalar.passage().span(at, at + word.len());
                        assert_eq!(&text[span.start..span.end], word, "{text:?}");
                        seen += 1;
                    }
                }
                // Whatever is no blank and no escape stands in the source as it is.
                for (at, character) in scalar.text.char_indices() {
                    let span = scalar.passage().span(at, at + character.len_utf8());
                    let source = &text[span.start..];
                    assert!(
                        character.is_whitespace()
                            || source.starts_with(character)
                            || source.starts_with('\\'),
                        "{text:?} at {at}"
                    );
                }
            }
            assert!(seen > 0, "{text:?}");
        }
    }

    #[test]
    fn a_recording_gives_the_tree_of_its_text() {
        for file in files::built_in(files::is_rule) {
            let text = file.text.unwrap();
            let (parsed, mistakes) = read_all(&text);
            assert!(mistakes.is_empty(), "{}", file.name);
            let mut mistakes = Mistakes::new(&RuleSource::new(&file.name, &text));
            let replayed = replay(&text, file.recording.unwrap(), &mut mistakes);
            assert!(!mistakes.has_error());
            assert_eq!(
                format!("{replayed:?}"),
                format!("{parsed:?}"),
                "{}",
                file.name
            );
        }
    }

    #[test]
    fn refusals() {
        let table = [
            ("a: 1\nb: 2\na: 3", "the key `a` stands here twice", "a"),
            ("a: &x 1", "anchors are not allowed here", "&x"),
            ("a: *x", "aliases are not allowed here", "*x"),
            ("a: !!str 1", "tags have no meaning here", "!!str"),
            ("a: 1\n---\nb: 2", "a file holds one document", "---"),
            ("? [a]\n: 1", "a key must be text", "a"),
            ("", "the file is empty", ""),
            ("# only a comment", "the file is empty", ""),
        ];
        for (text, message, place) in table {
            let (_, mistakes) = read_all(text);
            assert_eq!(
                mistakes,
                [(message.to_owned(), place.to_owned())],
                "{text:?}"
            );
        }
        let (tree, mistakes) = read_all("a: [1, 2\nb: 3");
        assert!(tree.is_none());
        assert!(mistakes[0].0.starts_with("not YAML: "), "{mistakes:?}");
    }

    #[test]
    fn limits() {
        for text in [
            "[\n".repeat(100_000),
            "{a:\n".repeat(50_000),
            "- ".repeat(7_000),
            "? ".repeat(7_000),
        ] {
            let (tree, mistakes) = read_all(&text);
            assert!(tree.is_none() && mistakes.len() == 1, "{mistakes:?}");
        }
        let (tree, mistakes) = read_all(&"a: 1\n".repeat(MAXIMUM_VALUES));
        assert!(tree.is_none() && mistakes.len() < MAXIMUM_VALUES);
        let long = |length| read_all(&format!("a: 1\nb: {}", "x".repeat(length - 3)));
        assert!(long(MAXIMUM_LINE).0.is_some());
        let (tree, mistakes) = long(MAXIMUM_LINE + 1);
        assert!(tree.is_none());
        assert_eq!(mistakes[0].0, "line 2 is longer than 16000 bytes");
        let (tree, mistakes) = read_all(&"a".repeat(MAXIMUM_SIZE + 1));
        assert!(tree.is_none());
        assert_eq!(mistakes[0].0, "the file is larger than 256 KiB");
    }
}
