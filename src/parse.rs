//! Gives texts of a bundle a meaning: manifests a tree, host files and log lines their fields.
//!
//! YAML is read in two layers. [`parse`] gives the tree that any YAML reader gives, fast where the
//! collector wrote the text and by a general parser otherwise. [`manifest`] also undoes, once, what
//! the collector did to the objects, so that nothing after it knows of the collector's quirks.

pub mod document;
mod general;
pub mod host;
pub mod line;
pub mod list;
mod normalise;
pub(crate) mod scalar;
pub mod time;
mod yaml;

#[cfg(test)]
mod differential;

use memchr::memchr_iter;
use memchr::memmem::rfind;

use self::document::{Document, to_u32};
use self::general::{Failure, Tape};
use crate::span::{Parsed, Problem, ProblemKind};

/// How often a list with a mistake is cut before an earlier item, in search of a whole part.
const CUTS: usize = 4;

/// Reads the first YAML document of a file. `path` names the file in problems.
///
/// A list of objects that cannot be read to its end, because it was cut or damaged, gives the items
/// before the mistake. `None` if nothing could be read.
pub fn parse(path: &str, bytes: Vec<u8>) -> Parsed<Option<Document>> {
    let mut problems = Vec::new();
    let text = String::from_utf8(bytes).unwrap_or_else(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = line_at(error.as_bytes(), valid);
        let reason = "not UTF-8 here; what is not was replaced";
        problems.push(Problem::new(path, ProblemKind::Encoding, reason).at_line(line));
        String::from_utf8_lossy(error.as_bytes()).into_owned()
    });
    if u32::try_from(text.len()).is_err() {
        let reason = "a YAML file of 4 GiB or more is not read";
        problems.push(Problem::new(path, ProblemKind::Limit, reason));
        return Parsed {
            value: None,
            problems,
        };
    }
    let value = match yaml::read(text) {
        Ok(document) => Some(document),
        Err(text) => read_general(path, text, &mut problems),
    };
    let value = value.map(|mut document| {
        document.shrink();
        document
    });
    Parsed { value, problems }
}

/// Reads a manifest of a bundle: [`parse`], then the collector's changes undone.
///
/// Empty texts and nulls are both null, whole numbers are integers, and `managedFields` are gone.
pub fn manifest(path: &str, bytes: Vec<u8>) -> Parsed<Option<Document>> {
    let mut parsed = parse(path, bytes);
    if let Some(document) = &mut parsed.value {
        normalise::normalise(document);
        document.shrink();
    }
    parsed
}

/// The tree of a YAML text that stands inside a field or an annotation; `None` where it is none.
pub fn yaml_text(text: &str) -> Option<Document> {
    parse("", text.as_bytes().to_vec()).value
}

/// Reads all YAML documents of a text, such as the case file of a rule, up to its first mistake.
pub fn parse_stream(path: &str, text: &str) -> Parsed<Vec<Document>> {
    let mut problems = Vec::new();
    if u32::try_from(text.len()).is_err() {
        let reason = "a YAML file of 4 GiB or more is not read";
        problems.push(Problem::new(path, ProblemKind::Limit, reason));
        return Parsed {
            value: Vec::new(),
            problems,
        };
    }
    let (tapes, failure) = general::read(text);
    let ends: Vec<usize> = tapes
        .iter()
        .skip(1)
        .map(|tape| tape.start)
        .chain([text.len()])
        .collect();
    let mut value = Vec::new();
    for (tape, end) in tapes.into_iter().zip(ends) {
        let own = text.get(tape.start..end).unwrap_or_default().to_owned();
        value.push(document(path, own, tape, &mut problems));
    }
    problems.extend(failure.map(|failure| syntax(path, failure)));
    Parsed { value, problems }
}

fn read_general(path: &str, text: String, problems: &mut Vec<Problem>) -> Option<Document> {
    let (tapes, failure) = general::read(&text);
    let number = tapes.len();
    match (tapes.into_iter().next(), failure) {
        (Some(tape), failure) => {
            if number > 1 {
                let reason = format!("holds {number} YAML documents, of which the first was read");
                problems.push(Problem::new(path, ProblemKind::Syntax, reason));
            }
            problems.extend(failure.map(|failure| syntax(path, failure)));
            Some(document(path, text, tape, problems))
        }
        (None, Some(failure)) => salvage(path, text, failure, problems),
        (None, None) => {
            problems.push(Problem::new(
                path,
                ProblemKind::Syntax,
                "holds no YAML document",
            ));
            None
        }
    }
}

/// Reads the items before a mistake. The collector begins each object of a list with a dash at the
/// start of a line, where nothing inside an object can stand.
fn salvage(
    path: &str,
    mut text: String,
    failure: Failure,
    problems: &mut Vec<Problem>,
) -> Option<Document> {
    let mut offset = failure.offset.min(text.len());
    for _ in 0..CUTS {
        let Some(found) = rfind(text.as_bytes().get(..offset)?, b"\n- ") else {
            break;
        };
        let item = found + 1;
        let is_last = !has_sibling_below(text.as_bytes().get(item..)?);
        let line = line_at(text.as_bytes(), item);
        let cut = text.get(..item)?.to_owned();
        let read = match yaml::read(cut) {
            Ok(document) => Ok(document),
            Err(cut) => match general::read(&cut) {
                (tapes, None) => {
                    let tape = tapes.into_iter().next()?;
                    Ok(document(path, cut, tape, problems))
                }
                (_, Some(earlier)) => Err(earlier.offset),
            },
        };
        match read {
            Ok(document) => {
                let (kind, what) = if is_last {
                    (
                        ProblemKind::Truncated,
                        "ends within the item that begins at line",
                    )
                } else {
                    (
                        ProblemKind::Syntax,
                        "has a mistake in the item that begins at line",
                    )
                };
                let reason = format!("{what} {line}; only the items before it were read");
                problems.push(Problem::new(path, kind, reason).at_line(failure.line));
                return Some(document);
            }
            Err(earlier) => {
                text.truncate(item);
                offset = earlier.min(found);
            }
        }
    }
    problems.push(syntax(path, failure));
    None
}

/// Whether a line after the first one begins in column 0.
fn has_sibling_below(text: &[u8]) -> bool {
    memchr_iter(b'\n', text)
        .filter_map(|end| text.get(end + 1))
        .any(|first| !matches!(first, b' ' | b'\n' | b'\r' | b'\t'))
}

fn document(path: &str, text: String, tape: Tape, problems: &mut Vec<Problem>) -> Document {
    for (offset, key) in tape.repeated {
        let line = tape.line + line_at(text.as_bytes(), offset as usize) - 1;
        let reason = format!("the key {key:?} stands twice in a map; the last one counts");
        problems.push(Problem::new(path, ProblemKind::Syntax, reason).at_line(line));
    }
    Document::from_parts(text, tape.extra, tape.nodes, tape.line)
}

fn syntax(path: &str, failure: Failure) -> Problem {
    let reason = format!("not YAML from here: {}", failure.reason);
    Problem::new(path, ProblemKind::Syntax, reason).at_line(failure.line)
}

/// 1-based line of a byte.
fn line_at(bytes: &[u8], offset: usize) -> u32 {
    let before = bytes.get(..offset).unwrap_or(bytes);
    to_u32(memchr_iter(b'\n', before).count()).saturating_add(1)
}
