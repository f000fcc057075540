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

use memchr::memmem::rfind;
use memchr::{memchr_iter, memrchr_iter};

use self::document::{Document, Value, to_u32};
use self::general::{Failure, Tape};
use crate::span::{Parsed, Problem, ProblemKind};

/// How often a list with a mistake is cut before an earlier item, in search of a whole part.
const CUTS: usize = 4;

/// Reads the first YAML document of a file. `path` names the file in problems.
///
/// A list of objects that cannot be read to its end, because it was cut or damaged, gives the items
/// before the mistake. `None` if nothing could be read.
pub fn parse(path: &str, bytes: Vec<u8>) -> Parsed<Option<Document>> {
    let mut parsed = read(path, bytes);
    if let Some(document) = &mut parsed.value {
        document.shrink();
    }
    parsed
}

/// Reads a manifest of a bundle: [`parse`], then the collector's changes undone.
///
/// Empty texts and nulls are both null, whole numbers are integers, and `managedFields` are gone.
pub fn manifest(path: &str, bytes: Vec<u8>) -> Parsed<Option<Document>> {
    let mut parsed = read(path, bytes);
    if let Some(document) = &mut parsed.value {
        if !matches!(document.root().value(), Value::Map(_)) {
            parsed
                .problems
                .push(Problem::new(path, ProblemKind::Syntax, "holds no object"));
            return Parsed {
                value: None,
                ..parsed
            };
        }
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

fn read(path: &str, bytes: Vec<u8>) -> Parsed<Option<Document>> {
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
        // An empty text is a null, as it is to other readers.
        (None, None) => Some(Document::from_parts(text, String::new(), Vec::new(), 1)),
    }
}

/// Reads a list of objects up to the object or key with a mistake.
///
/// The collector begins each object of a list, and each key beside the list, at the start of a
/// line, where nothing inside an object can stand.
fn salvage(
    path: &str,
    mut text: String,
    failure: Failure,
    problems: &mut Vec<Problem>,
) -> Option<Document> {
    let mut offset = failure.offset;
    for attempt in 0..CUTS {
        let Some(start) = begin_of_part(text.as_bytes(), offset) else {
            break;
        };
        let is_last = attempt == 0 && begin_of_part(text.as_bytes(), text.len()) == Some(start);
        let line = line_at(text.as_bytes(), start);
        text.truncate(start);
        text = match yaml::read(text) {
            Ok(document) => {
                problems.push(cut(path, failure.line, line, is_last));
                return Some(document);
            }
            Err(text) => text,
        };
        let (tapes, earlier) = general::read(&text);
        match (tapes.into_iter().next(), earlier) {
            (Some(tape), None) => {
                problems.push(cut(path, failure.line, line, is_last));
                return Some(document(path, text, tape, problems));
            }
            (_, Some(earlier)) => offset = earlier.offset.min(start - 1),
            (None, None) => break,
        }
    }
    problems.push(syntax(path, failure));
    None
}

/// Where the last line at or before `offset` begins that begins an object of the list, or a key
/// after the list.
fn begin_of_part(text: &[u8], offset: usize) -> Option<usize> {
    let before = text.get(..offset.min(text.len()))?;
    let start = memrchr_iter(b'\n', before)
        .map(|end| end + 1)
        .find(|start| !matches!(text.get(*start), None | Some(b' ' | b'\n' | b'\r' | b'\t')))?;
    rfind(text.get(..text.len().min(start + 2))?, b"\n- ").map(|_| start)
}

fn cut(path: &str, line: u32, begin: u32, is_last: bool) -> Problem {
    let (kind, what) = if is_last {
        (ProblemKind::Truncated, "ends within")
    } else {
        (ProblemKind::Syntax, "has a mistake in")
    };
    let reason = format!("{what} what begins at line {begin}; only what stands before it was read");
    Problem::new(path, kind, reason).at_line(line)
}

fn document(path: &str, text: String, tape: Tape, problems: &mut Vec<Problem>) -> Document {
    // One problem speaks of all: a damaged file may hold a hundred thousand.
    if let Some((offset, key)) = tape.repeated.first() {
        let line = tape.line + line_at(text.as_bytes(), *offset as usize) - 1;
        let reason = match tape.repeated.len() {
            1 => format!("the key {key:?} stands twice in its map; the last one counts"),
            number => format!(
                "the key {key:?} stands twice in its map, as do {} more; the last one counts",
                number - 1
            ),
        };
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

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::document::View;
    use super::*;

    fn outcome(text: &str) -> (Option<Json>, Vec<(ProblemKind, Option<u32>)>) {
        let parsed = parse("a.yaml", text.as_bytes().to_vec());
        let problems = parsed.problems.iter().map(|p| (p.kind, p.line)).collect();
        (
            parsed.value.map(|document| document.root().to_json()),
            problems,
        )
    }

    #[test]
    fn what_the_collector_never_writes_is_read_too() {
        let table = [
            ("# comment\na: 1 # one\n", json!({"a": 1})),
            ("---\na: 1\n", json!({"a": 1})),
            ("a: [1, {b: c}, 'd']\n", json!({"a": [1, {"b": "c"}, "d"]})),
            (
                "a: &x {b: 1}\nc: *x\n",
                json!({"a": {"b": 1}, "c": {"b": 1}}),
            ),
            ("a: &x b\n*x : c\n", json!({"a": "b", "b": "c"})),
            ("&x a: *x\n", json!({"a": "a"})),
            ("a: &x 5\n? *x\n: b\n", json!({"a": 5, "5": "b"})),
            (
                "a: !!str 1\nb: !!int \"2\"\nc: ! 3\n",
                json!({"a": "1", "b": 2, "c": "3"}),
            ),
            ("? a\n: b\n", json!({"a": "b"})),
            ("a: >\n  b\n  c\n", json!({"a": "b c\n"})),
            ("\"a\": 1\n'b': 2\n", json!({"a": 1, "b": 2})),
            ("a:\nb:\n- \n- c\n", json!({"a": null, "b": [null, "c"]})),
            ("a:\tb\n", json!({"a": "b"})),
            ("a: b\r\nc: d\r\n", json!({"a": "b", "c": "d"})),
            ("\u{feff}a: b\n", json!({"a": "b"})),
            ("a: b", json!({"a": "b"})),
            ("a: |\n  b", json!({"a": "b"})),
            ("text\n", json!("text")),
            ("", json!(null)),
            ("# only a comment\n", json!(null)),
            ("a: b\n\n\nc: d\n", json!({"a": "b", "c": "d"})),
            (
                "{\"a\": [\"b\", 1.5, null]}",
                json!({"a": ["b", 1.5, null]}),
            ),
            (
                "a: {x: y}\n<<: {b: c}\n",
                json!({"a": {"x": "y"}, "<<": {"b": "c"}}),
            ),
        ];
        for (text, expected) in table {
            assert!(yaml::read(text.to_owned()).is_err(), "{text}");
            assert_eq!(outcome(text), (Some(expected), vec![]), "{text}");
        }
    }

    #[test]
    fn mistakes_are_problems_with_a_line() {
        let syntax = ProblemKind::Syntax;
        let table = [
            ("a: b: c\n", None, vec![(syntax, Some(1))]),
            ("a: 1\nb: *x\n", None, vec![(syntax, Some(2))]),
            ("a: 1\nb: &x [*x]\n", None, vec![(syntax, Some(2))]),
            ("a: 1\n? [b]\n: c\n", None, vec![(syntax, Some(2))]),
            (
                "a: 1\nb: 2\na: 3\n",
                Some(json!({"a": 3, "b": 2})),
                vec![(syntax, Some(1))],
            ),
            (
                "a:\n- b: {c: [1, 2]}\n  b: 1\n  d: 1\n  b: 2\n",
                Some(json!({"a": [{"b": 2, "d": 1}]})),
                vec![(syntax, Some(2))],
            ),
            (
                "a: 1\n---\nb: 2\n",
                Some(json!({"a": 1})),
                vec![(syntax, None)],
            ),
            (
                "a: 1\n---\nb: [\n",
                Some(json!({"a": 1})),
                vec![(syntax, Some(3))],
            ),
        ];
        for (text, value, problems) in table {
            assert_eq!(outcome(text), (value, problems), "{text}");
        }
    }

    const LIST: &str = "apiVersion: v1\nitems:\n- kind: A\n  text: |-\n    x\n\n    - y\n- kind: B\n  data:\n    long: \"quoted\n      text\"\n    last: 'x y'\n    end: 1\n- kind: C\nkind: List\n";

    #[test]
    fn a_list_cut_anywhere_keeps_its_whole_items() {
        let whole = outcome(LIST).0.expect("it is whole");
        for cut in 24..LIST.len() {
            let (value, problems) = outcome(&LIST[..cut]);
            let value = value.unwrap_or_else(|| panic!("nothing left of {:?}", &LIST[..cut]));
            let complete = LIST[..cut].matches("\n- ").count() - 1;
            let items = value["items"].as_array().cloned().unwrap_or_default();
            assert!(items.len() >= complete, "{:?}", &LIST[..cut]);
            for (item, expected) in items
                .iter()
                .zip(whole["items"].as_array().unwrap())
                .take(complete)
            {
                assert_eq!(item, expected, "{:?}", &LIST[..cut]);
            }
            assert!(
                problems
                    .iter()
                    .all(|(kind, line)| *kind == ProblemKind::Truncated && line.is_some()),
                "{problems:?}"
            );
        }
        let (_, problems) = outcome(&LIST[..LIST.find("quoted").unwrap()]);
        assert_eq!(problems.len(), 1);
    }

    #[test]
    fn a_list_damaged_within_keeps_the_items_before() {
        for (from, to) in [
            ("long: \"", "long: \"\\q"),
            ("end: 1", "end: : 1"),
            ("last: 'x", "last: '"),
            ("data:", "data: ["),
        ] {
            let text = LIST.replace(from, to);
            let (value, problems) = outcome(&text);
            if value == serde_yaml::from_str(&text).ok() {
                continue;
            }
            let items = value.map(|value| value["items"].as_array().map(Vec::len));
            assert_eq!(items, Some(Some(1)), "{text}");
            let [(ProblemKind::Syntax, Some(8..=14))] = problems.as_slice() else {
                panic!("{problems:?}")
            };
        }
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_replaced_and_told() {
        let parsed = parse("a.yaml", b"a: 1\nb: x\xffy\nc: \xfe\n".to_vec());
        let problem = parsed
            .problems
            .first()
            .map(|problem| (problem.kind, problem.line));
        assert_eq!(
            (problem, parsed.problems.len()),
            (Some((ProblemKind::Encoding, Some(2))), 1)
        );
        let value = parsed.value.map(|document| document.root().to_json());
        assert_eq!(
            value,
            Some(json!({"a": 1, "b": "x\u{fffd}y", "c": "\u{fffd}"}))
        );
    }

    #[test]
    fn a_stream_gives_each_document_its_lines() {
        let text = "# cases\na: 1\n---\nb:\n- c: \"x\\ty\"\n  d: e\n--- {f: &x g, h: *x}\n...\n---\ni: 1\ni: 2\n";
        let parsed = parse_stream("cases.yaml", text);
        let values: Vec<Json> = parsed.value.iter().map(|d| d.root().to_json()).collect();
        assert_eq!(
            values,
            [
                json!({"a": 1}),
                json!({"b": [{"c": "x\ty", "d": "e"}]}),
                json!({"f": "g", "h": "g"}),
                json!({"i": 2})
            ]
        );
        let lines = |document: usize, path: &[&str]| {
            parsed.value[document].root().path(path).map(View::line)
        };
        assert_eq!(lines(0, &["a"]), Some(2));
        assert_eq!(lines(1, &["b"]), Some(4));
        let item = parsed.value[1]
            .root()
            .get("b")
            .and_then(|list| list.items().next());
        assert_eq!(item.and_then(|item| item.get("d")).map(View::line), Some(6));
        assert_eq!(lines(2, &["h"]), Some(7));
        assert_eq!(lines(3, &["i"]), Some(11));
        assert_eq!(
            parsed.problems.iter().map(|p| p.line).collect::<Vec<_>>(),
            [Some(10)]
        );
        let parsed = parse_stream("cases.yaml", "a: 1\n---\nb: [\n");
        assert_eq!((parsed.value.len(), parsed.problems.len()), (1, 1));
        assert_eq!(parse_stream("cases.yaml", "").value.len(), 0);
    }

    #[test]
    fn bombs_end_in_a_problem() {
        let nested_maps: String = (0..5_000)
            .map(|depth| format!("{}a:\n", " ".repeat(depth)))
            .collect();
        let laughs: String = (0..10)
            .map(|level| match level {
                0 => "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned(),
                _ => format!(
                    "a{level}: &a{level} [{}]\n",
                    vec![format!("*a{}", level - 1); 10].join(", ")
                ),
            })
            .collect();
        let aliased_depth: String = (0..200)
            .map(|level| match level {
                0 => "a0: &a0 []\n".to_owned(),
                _ => format!("a{level}: &a{level} [*a{}]\n", level - 1),
            })
            .collect();
        for bomb in [
            "[".repeat(100_000),
            "- ".repeat(100_000),
            "{a: ".repeat(100_000),
            "? ".repeat(100_000),
            nested_maps,
            laughs,
            aliased_depth,
            "&a ".repeat(100_000),
            "'".repeat(99_999),
            "!".repeat(100_000),
            "%".repeat(100_000),
        ] {
            let started = std::time::Instant::now();
            let (value, problems) = outcome(&bomb);
            let name = &bomb[..10];
            assert!(value.is_none_or(|value| value.is_null()), "{name}");
            assert_eq!(problems.len(), 1, "{name}");
            assert!(started.elapsed().as_secs() < 5, "{name}");
        }
    }

    #[test]
    fn large_and_legal_is_read() {
        let keys: String = (0..200_000).map(|key| format!("k{key}: 1\n")).collect();
        let items = "a:\n".to_owned() + &"- b\n".repeat(1_200_000);
        let folded = "a: \"x\n".to_owned() + &"  y\n".repeat(200_000) + "  z\"\n";
        let bracket = "a: '".to_owned() + &"[".repeat(100_000) + "'\n";
        for (text, expected) in [(keys, 200_000), (items, 1), (folded, 1), (bracket, 1)] {
            // With a comment in front, the general parser has to do it.
            for text in [text.clone(), format!("# c\n{text}")] {
                let started = std::time::Instant::now();
                let parsed = parse("a.yaml", text.into_bytes());
                assert_eq!(parsed.problems, []);
                assert_eq!(
                    parsed.value.map(|document| document.root().len()),
                    Some(expected)
                );
                assert!(started.elapsed().as_secs() < 10);
            }
        }
    }
}
