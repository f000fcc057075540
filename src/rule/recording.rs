//! What the YAML parser says of the built-in rules, written down when the program is built: to read
//! it again takes a tenth of the time that the parser takes, and all rules are read at each start.
//!
//! The build script has this file as a module of its own, so it uses nothing of the crate.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use granit_parser::{Event, Options, Parser, ScalarStyle, Span, StrInput, StructureStyle};

const LIST: u8 = 0;
const LIST_END: u8 = 1;
const MAP: u8 = 2;
const MAP_END: u8 = 3;
/// Scalars that stand in the file as they are read; the style is added.
const SCALAR: u8 = 8;
/// Scalars whose text follows: folded ones, or ones with escapes; the style is added.
const SCALAR_OF_OWN_TEXT: u8 = 16;
const STYLES: [ScalarStyle; 5] = [
    ScalarStyle::Plain,
    ScalarStyle::SingleQuoted,
    ScalarStyle::DoubleQuoted,
    ScalarStyle::Literal,
    ScalarStyle::Folded,
];

/// The parser of rule files.
pub(crate) fn parser(text: &str) -> Parser<'_, StrInput<'_>> {
    let mut options = Options::default();
    options.emit_comments = false;
    options.emit_anchor_events = true;
    options.emit_unresolved_aliases = true;
    Parser::new_from_str_with_options(text, options)
}

/// Writes down a file's events; `None` if it is not one document of lists, maps and scalars.
#[cfg_attr(not(test), allow(dead_code))] // the build script's half
pub(crate) fn record(text: &str) -> Option<Vec<u8>> {
    let mut recording = Vec::new();
    let mut documents = 0;
    for event in parser(text) {
        let (event, place) = event.ok()?;
        let span = place.byte_range().unwrap_or_default();
        match event {
            Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => continue,
            Event::DocumentStart(..) => {
                documents += 1;
                continue;
            }
            Event::SequenceStart(_, _, None) => recording.push(LIST),
            Event::SequenceEnd => recording.push(LIST_END),
            Event::MappingStart(_, _, None) => recording.push(MAP),
            Event::MappingEnd => recording.push(MAP_END),
            Event::Scalar(value, style, _, None) => {
                let number = STYLES.iter().position(|known| *known == style)?;
                let number = u8::try_from(number).ok()?;
                if text.get(inner(style, &span)) == Some(&*value) {
                    recording.push(SCALAR + number);
                } else {
                    recording.push(SCALAR_OF_OWN_TEXT + number);
                    write_number(value.len(), &mut recording);
                    recording.extend_from_slice(value.as_bytes());
                }
            }
            _ => return None,
        }
        write_number(span.start, &mut recording);
        write_number(span.end.checked_sub(span.start)?, &mut recording);
    }
    (documents == 1).then_some(recording)
}

/// Recordings of files by their names, in one piece.
#[cfg_attr(not(test), allow(dead_code))] // the build script's half
pub(crate) fn pack(recordings: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let mut pack = Vec::new();
    for (name, recording) in recordings {
        for part in [name.as_bytes(), recording] {
            write_number(part.len(), &mut pack);
            pack.extend_from_slice(part);
        }
    }
    pack
}

/// The recordings of a [`pack`].
#[allow(dead_code)] // the program's half
pub(crate) fn unpack(pack: &[u8]) -> BTreeMap<&str, &[u8]> {
    let mut rest = pack;
    let mut part = || {
        let length = read_number(&mut rest)?;
        let (part, after) = rest.split_at_checked(length)?;
        rest = after;
        Some(part)
    };
    let next = || Some((std::str::from_utf8(part()?).ok()?, part()?));
    std::iter::from_fn(next).collect()
}

/// The bytes of a scalar without its quotes.
fn inner(style: ScalarStyle, span: &Range<usize>) -> Range<usize> {
    match style {
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
            span.start + 1..span.end.saturating_sub(1)
        }
        _ => span.clone(),
    }
}

fn write_number(mut number: usize, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn read_number(from: &mut &[u8]) -> Option<usize> {
    let mut number = 0;
    for shift in (0..usize::BITS).step_by(7) {
        let (byte, rest) = from.split_first()?;
        *from = rest;
        number |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// An event, its bytes in the file, and those of its tag.
pub(crate) type Placed<'t> = (Event<'t>, Range<usize>, Option<Range<usize>>);

/// An event of the parser.
pub(crate) fn placed<'t>((event, place): (Event<'t>, Span)) -> Placed<'t> {
    let span = place.byte_range().unwrap_or_default();
    let tag = match &event {
        Event::Scalar(.., tag) | Event::SequenceStart(.., tag) | Event::MappingStart(.., tag) => {
            tag.as_ref()
        }
        _ => None,
    };
    let tag = tag.map(|_| place.tag_span().and_then(|tag| tag.byte_range()));
    let tag = tag.map(|tag| tag.unwrap_or_else(|| span.clone()));
    (event, span, tag)
}

/// Reads the events of a file back; ends early where the recording is no recording of that text.
pub(crate) struct Replay<'t> {
    text: &'t str,
    recording: &'t [u8],
}

impl<'t> Replay<'t> {
    /// `recording` as [`record`] made it of `text`.
    pub(crate) fn new(text: &'t str, recording: &'t [u8]) -> Self {
        Replay { text, recording }
    }

    fn number(&mut self) -> Option<usize> {
        read_number(&mut self.recording)
    }

    fn span(&mut self) -> Option<Range<usize>> {
        let start = self.number()?;
        Some(start..start.checked_add(self.number()?)?)
    }
}

impl<'t> Iterator for Replay<'t> {
    type Item = Placed<'t>;

    fn next(&mut self) -> Option<Placed<'t>> {
        let (kind, rest) = self.recording.split_first()?;
        self.recording = rest;
        let style = |from: u8| STYLES.get(usize::from(kind.checked_sub(from)?)).copied();
        let (event, span) = if let Some(style) = style(SCALAR_OF_OWN_TEXT) {
            let length = self.number()?;
            let (value, rest) = self.recording.split_at_checked(length)?;
            self.recording = rest;
            let event = scalar(std::str::from_utf8(value).ok()?, style);
            (event, self.span()?)
        } else if let Some(style) = style(SCALAR) {
            let span = self.span()?;
            let value = self.text.get(inner(style, &span))?;
            (scalar(value, style), span)
        } else {
            let event = match *kind {
                LIST => Event::SequenceStart(StructureStyle::Block, 0, None),
                LIST_END => Event::SequenceEnd,
                MAP => Event::MappingStart(StructureStyle::Block, 0, None),
                MAP_END => Event::MappingEnd,
                _ => return None,
            };
            (event, self.span()?)
        };
        Some((event, span, None))
    }
}

fn scalar(value: &str, style: ScalarStyle) -> Event<'_> {
    Event::Scalar(Cow::Borrowed(value), style, 0, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How lists and maps are written is not recorded.
    fn plain((event, span, tag): Placed<'_>) -> Placed<'_> {
        let event = match event {
            Event::SequenceStart(..) => Event::SequenceStart(StructureStyle::Block, 0, None),
            Event::MappingStart(..) => Event::MappingStart(StructureStyle::Block, 0, None),
            event => event,
        };
        (event, span, tag)
    }

    fn events(text: &str) -> Vec<Placed<'_>> {
        let events = parser(text).map(|event| placed(event.unwrap()));
        let is_told = |(event, ..): &Placed<'_>| {
            use Event::{DocumentEnd, DocumentStart, StreamEnd, StreamStart};
            !matches!(
                event,
                StreamStart | StreamEnd | DocumentStart(..) | DocumentEnd
            )
        };
        events.filter(is_told).map(plain).collect()
    }

    #[test]
    fn what_is_recorded_is_read_back() {
        let texts = [
            "a: [1, 'it''s', \"\\u00e9\", x]\nb: {c: '', d: }\n",
            "- >-\n  folded\n  text\n- |\n  two\n  lines\n- plain\n  text\n",
            "é: 'ü'\nlong: \"",
        ];
        let long = format!("{}{}\"", texts[2], "x".repeat(20_000));
        let texts = [texts[0], texts[1], &long];
        let recordings: BTreeMap<String, Vec<u8>> = texts
            .iter()
            .map(|text| (text.to_string(), record(text).unwrap()))
            .collect();
        let pack = pack(&recordings);
        let read = unpack(&pack);
        assert_eq!(read.len(), texts.len());
        for text in texts {
            let replayed: Vec<Placed<'_>> = Replay::new(text, read[text]).collect();
            assert_eq!(replayed, events(text));
        }
        for refused in ["a: &x 1", "a: *x", "a: !t 1", "a: 1\n---\nb: 2", "", "a: ["] {
            assert_eq!(record(refused), None, "{refused}");
        }
    }

    #[test]
    fn what_is_no_recording_ends_early() {
        let text = "a: [b, >-\n c]";
        let recording = record("- a\n- [\"\\t\"]\n- {}\n").unwrap();
        for length in 0..recording.len() {
            let cut = Replay::new("", recording.get(..length).unwrap()).count();
            assert!(cut < 8, "{length}");
        }
        let noise: Vec<u8> = (0..=255).rev().cycle().take(2_000).collect();
        for start in 0..256 {
            Replay::new(text, &noise[start..]).for_each(drop);
            unpack(&noise[start..]);
        }
    }
}
