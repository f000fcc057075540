//! Holds the YAML readers against each other and against an oracle: on every file of the outside
//! bundles, and on collector's YAML with random damage.

use std::io::{Cursor, Read};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use super::document::{Document, View};
use super::{general, yaml};

/// The oracle's tree, with whole numbers beyond `i64` as floats, as ours are.
fn oracle(text: &str) -> Option<Json> {
    fn soften(value: &mut Json) {
        match value {
            Json::Number(number) => {
                if number.as_i64().is_none()
                    && let Some(float) = number.as_f64()
                {
                    *value = float.into();
                }
            }
            Json::Array(items) => items.iter_mut().for_each(soften),
            Json::Object(entries) => entries.values_mut().for_each(soften),
            _ => {}
        }
    }
    let mut value = serde_yaml::from_str(text).ok()?;
    soften(&mut value);
    Some(value)
}

fn general_tree(text: &str) -> Option<Json> {
    let (tapes, failure) = general::read(text);
    if failure.is_some() {
        return None;
    }
    let Some(tape) = tapes.into_iter().next() else {
        return Some(Json::Null);
    };
    Some(
        Document::from_parts(text.to_owned(), tape.extra, tape.nodes, 1)
            .root()
            .to_json(),
    )
}

/// Text in every style of the collector's encoder.
const SNIPPETS: [&str; 9] = [
    "apiVersion: v1\nitems: []\nkind: List\nmetadata:\n  continue: \"null\"\n  resourceVersion: \"14659075\"\n",
    "apiVersion: v1\nitems:\n- apiVersion: v1\n  count: 3\n  kind: Event\n  message: Successfully assigned harvester-system/supportbundle-manager-bundle\n    to node1\n  metadata:\n    creationTimestamp: \"2022-03-22T23:49:14Z\"\n    managedFields:\n    - fieldsType: FieldsV1\n      fieldsV1:\n        f:count: {}\n        f:metadata:\n          .: {}\n          k:{\"port\":80,\"protocol\":\"TCP\"}:\n            .: {}\n            f:name: {}\n    name: a.16dfd8\n  source: null\n- kind: Event\n  type: Normal\nkind: List\nmetadata: {}\n",
    "data:\n  Corefile: \".:53 {\\n    errors \\n    health  {\\n        lameduck 5s\\n    }\\n    ready\n    \\n    kubernetes   cluster.local \\u00e9\\U0001F600 \\x41\n    \\   prometheus   0.0.0.0:9153\\n\"\n  a: \"tab\\there\"\n",
    "data:\n  key.yaml: |-\n    a: b\n    # not a comment\n\n      - deeper\n    last\n  two: |2\n     leading\n    text\n  keep: |+\n    text\n\n\n  clip: |\n    x\n",
    "spec:\n  rules:\n  - apiGroups:\n    - '*'\n    resources:\n    - '*'\n  embedded: '{\"a\":1,\"it''s\": \"long text that is folded\n    here\"}'\n  quoted: '@x: y #z '\n",
    "- - a\n  - b\n- - c\n  - - d\n    - e: f\n      g: h\n- {}\n- []\n- null\n- ~\n- \"null\"\n- 'x'\n- |-\n  text\n  more\n- plain\n  folded - text\n",
    "numbers:\n- 1\n- -7\n- 0.1\n- 1e+09\n- 2.31131136e+08\n- 0x1f\n- 0o17\n- 007\n- +1\n- .inf\n- 9223372036854775808\n- 1.2.3\n- -x\n- 52:54:00\n- true\n- False\n- yes\n",
    "a:\n  b:\n    c: d\n    e:\n    - f: g\n      h: i\n    - j: k\n  l: m\nn:\n  - o\n  - p: q\n    r: s\nt: u\n",
    "é: ü\nurl: http://example.com/a#b?c=d&e=f\nmac: 0c:c4:7a:6b:84:20\nargs:\n- --v=2\n- -c\n- exec /bin/x --flag=\"y\" [z] {w}, v\nemoji: \"\\U0001F600\"\npercent: 50%\ntilde: a~b\nequal: =\nless: <none>\nrecord: :node:sum\nquestion: ?x\n:a: b\n?b: c\n-c: d\n",
];

const INSERTIONS: [&str; 58] = [
    ":", ": ", ":\n", " :", "-", "- ", "-\n", "#", " #", "# ", "\"", "'", "''", "\\", "\\ ",
    "\\\n", "\t", "\n", "\n\n", " ", "  ", "   ", " \n", "{", "}", "[", "]", "{}", "[]", "|",
    "|-\n", "|+\n", "|2\n", ">", ">-\n", "&a ", "*a", "!", "!!str ", "? ", "%", "@", "`", ",", "~",
    "=", "<<: ", "\u{85}", "\u{2028}", "\u{feff}", "é", "\r", "\r\n", "---\n", "...\n", "null",
    "1e+09", "\0",
];

/// A generator of its own (xorshift64*): the same damage on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).unwrap() % bound.max(1)
    }
}

fn damaged(random: &mut Random) -> String {
    let mut text = SNIPPETS[random.below(SNIPPETS.len())].as_bytes().to_vec();
    for _ in 0..=random.below(4) {
        damage(&mut text, random);
    }
    if random.below(8) != 0 && !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    String::from_utf8_lossy(&text).into_owned()
}

fn damage(text: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(text.len() + 1);
    let line_start = |at: usize, text: &[u8]| {
        text[..at]
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |index| index + 1)
    };
    let start = line_start(at, text);
    let end = text[start..]
        .iter()
        .position(|b| *b == b'\n')
        .map_or(text.len(), |i| start + i + 1);
    match random.below(11) {
        0..=2 => {
            let insertion = INSERTIONS[random.below(INSERTIONS.len())].bytes();
            text.splice(at..at, insertion);
        }
        3 if at < text.len() => text[at] ^= 1 << random.below(8),
        4 if at < text.len() => text[at] = u8::try_from(32 + random.below(95)).unwrap(),
        5 if at < text.len() => drop(text.remove(at)),
        6 => drop(text.drain(start..end)),
        7 => {
            let line = text[start..end].to_vec();
            let to = line_start(random.below(text.len() + 1), text);
            text.splice(to..to, line);
        }
        8 => drop(text.splice(
            start..start,
            b"    "[..=random.below(4).min(3)].iter().copied(),
        )),
        9 => {
            let spaces = text[start..end]
                .iter()
                .take_while(|byte| **byte == b' ')
                .count();
            text.drain(start..start + random.below(spaces + 1));
        }
        10 if random.below(4) == 0 => text.truncate(at),
        _ => {
            if let Some(found) = text[at..].iter().position(|byte| *byte == b'\n') {
                text.remove(at + found);
            }
        }
    }
}

/// The fast reader gives the oracle's tree or gives the text back.
fn check_fast(text: &str) -> Result<bool, String> {
    let Ok(document) = yaml::read(text.to_owned()) else {
        return Ok(false);
    };
    // The oracle refuses whole numbers beyond 64 bits, which are floats here.
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric();
    if text
        .as_bytes()
        .chunk_by(|a, b| is_word(a) && is_word(b))
        .any(|word| word.len() > 19)
    {
        return Ok(false);
    }
    let ours = document.root().to_json();
    let by_events = general_tree(text);
    if by_events.as_ref() != Some(&ours) {
        return Err(format!(
            "{text}\n--- {text:?}\n--- ours:    {ours}\n--- general: {by_events:?}"
        ));
    }
    match oracle(text) {
        Some(expected) if expected == ours => Ok(true),
        other => Err(format!(
            "{text}\n--- {text:?}\n--- ours:   {ours}\n--- oracle: {other:?}"
        )),
    }
}

#[test]
fn damaged_yaml_gives_the_tree_of_the_oracle_or_falls_back() {
    let number = |name: &str, default| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(default)
    };
    let seconds = number("YAML_FUZZ_SECONDS", 2);
    let mut random = Random(number("YAML_FUZZ_SEED", 0x9e37_79b9_7f4a_7c15));
    let end = Instant::now() + Duration::from_secs(seconds);
    let (mut equal, mut fallen, mut wrong) = (0_u64, 0_u64, Vec::new());
    while Instant::now() < end && wrong.len() < 5 {
        match check_fast(&damaged(&mut random)) {
            Ok(true) => equal += 1,
            Ok(false) => fallen += 1,
            Err(difference) => wrong.push(difference),
        }
    }
    println!("{equal} equal, {fallen} fallen back");
    assert!(wrong.is_empty(), "{}", wrong.join("\n=====\n"));
    assert!(
        equal > 100,
        "the damage must leave some texts readable, not {equal} of {fallen}"
    );
}

/// Asks a value and all below it for all that can be asked.
fn walk(view: View<'_>) {
    assert!(view.line() > 0);
    assert!(view.offset() <= view.document().text().len());
    let _ = (view.raw(), view.value());
    assert_eq!(view.len(), view.items().count() + view.entries().count());
    view.items().for_each(walk);
    view.entries().for_each(|(_, value)| walk(value));
}

#[test]
fn damaged_yaml_gives_a_sound_tree_or_a_problem() {
    let mut random = Random(0x1234_5678_9abc_def1);
    let (mut read, mut cut) = (0, 0);
    for _ in 0..5_000 {
        let text = damaged(&mut random);
        let parsed = super::manifest("a.yaml", text.clone().into_bytes());
        let streamed = super::parse_stream("a.yaml", &text);
        streamed
            .value
            .iter()
            .for_each(|document| walk(document.root()));
        assert!(
            parsed.value.is_some() || !parsed.problems.is_empty(),
            "{text}"
        );
        if let Some(document) = parsed.value {
            walk(document.root());
            read += 1;
            cut += usize::from(!parsed.problems.is_empty());
        }
    }
    assert!(
        read > 1_000 && cut > 50,
        "{read} read, {cut} of them in part"
    );
}

#[test]
fn snippets_are_of_the_fast_part() {
    for snippet in SNIPPETS {
        assert_eq!(check_fast(snippet), Ok(true), "{snippet}");
    }
}

/// Every YAML file in an archive and the archives in it.
fn each_yaml(archive: Vec<u8>, name: &str, visit: &mut impl FnMut(&str, &str)) {
    let mut zip = zip::ZipArchive::new(Cursor::new(archive)).expect("a zip");
    for index in 0..zip.len() {
        let mut entry = zip.by_index(index).expect("an entry");
        let path = format!("{name}/{}", entry.name().expect("a name"));
        let is_zip = path.ends_with(".zip");
        if !is_zip && !path.ends_with(".yaml") && !path.ends_with(".yml") {
            continue;
        }
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("its bytes");
        if is_zip {
            each_yaml(bytes, &path, visit);
        } else {
            visit(&path, &String::from_utf8_lossy(&bytes));
        }
    }
}

#[test]
fn outside_bundles_give_the_tree_of_the_oracle() {
    let Some(folder) = std::env::var_os("BUNDLE_DOCTOR_BUNDLES") else {
        eprintln!("skipped: BUNDLE_DOCTOR_BUNDLES names no folder of bundles");
        return;
    };
    let mut folders = vec![PathBuf::from(folder)];
    let (mut files, mut fallen) = (0, Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if path.extension().is_none_or(|extension| extension != "zip") {
                continue;
            }
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            each_yaml(
                std::fs::read(&path).expect("its bytes"),
                &name,
                &mut |path, text| {
                    files += 1;
                    let expected = oracle(text);
                    assert_eq!(general_tree(text), expected, "{path}: general reader");
                    match yaml::read(text.to_owned()) {
                        Ok(document) => {
                            assert_eq!(Some(document.root().to_json()), expected, "{path}");
                        }
                        Err(_) => fallen.push(path.to_owned()),
                    }
                },
            );
        }
    }
    println!("{files} files, {} fallen back: {fallen:?}", fallen.len());
    assert!(files > 0);
    assert!(
        !fallen.iter().any(|path| path.contains("/yamls/")),
        "{fallen:?}"
    );
}
