//! Rule, case and ignore files with something broken in them: whatever comes of it, reading ends,
//! without a panic, and every mistake can be shown.
//!
//! `MUTANT_SECONDS=600 cargo test --release mutants -- --nocapture` looks for longer, from another
//! seed if `MUTANT_SEED` names one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::mistake::Mistake;
use super::{RuleErrors, RuleSet};
use crate::archive::Archive;
use crate::case::{self, Loader};
use crate::evaluate::Engine;
use crate::ignore::IgnoreList;
use crate::testing::{Random, files_below_rules};

/// How many mutants a usual run reads.
const MUTANTS: usize = 600;

/// No file takes that long, on the slowest machine.
const LONGEST: Duration = Duration::from_secs(10);

/// What is put into a text.
const TOKENS: [&str; 52] = [
    "{{",
    "}}",
    "{{ x }}",
    "'",
    "\"",
    "\n  ",
    "\n",
    ": ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "(",
    ")",
    "|\n",
    ">-\n",
    "&a ",
    "*a",
    "!!x ",
    "é",
    "😀",
    "\t",
    "\\",
    "#",
    "?",
    ",",
    "\r\n",
    "\u{0}",
    "\u{2028}",
    "\u{feff}",
    "---\n",
    "it",
    "null",
    "~",
    "''",
    "[]",
    "{}",
    "9999999999999999999",
    "-1",
    "1e999",
    "0x",
    "99999999999999d",
    "9223372036854775807",
    "-9223372036854775808",
    "(?P<a>x)",
    "(a{1000}){1000}",
    "* 9223372036854775807",
    ".map(x, x)",
    " / 0",
    "duration('106751d') * 99999",
    "timestamp('9999-12-31T23:59:59Z')",
];

/// What is put into itself, again and again.
const NESTS: [(&str, &str); 12] = [
    ("[", "]"),
    ("{a: ", "}"),
    ("- ", ""),
    ("(", ")"),
    ("!", ""),
    ("-", ""),
    ("a.b(", ")"),
    ("a[", "]"),
    ("{{ ", " }}"),
    ("x.map(x, ", ")"),
    ("a ? ", " : b"),
    ("(?:", ")*"),
];

fn mutate(text: &mut Vec<u8>, other: &str, random: &mut Random) {
    if text.is_empty() {
        text.extend_from_slice(other.as_bytes());
        return;
    }
    let at = random.below(text.len() + 1);
    let end = (at + random.below(40)).min(text.len());
    match random.below(14) {
        0 => {
            if let Some(byte) = text.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
        1 => drop(text.drain(at..end)),
        2 => {
            let part = text[at..end].to_vec();
            let to = random.below(text.len());
            text.splice(to..to, part);
        }
        3..=5 => {
            let token = *random.choose(&TOKENS);
            let cut = if random.below(2) == 0 { at } else { end };
            text.splice(at..cut, token.bytes());
        }
        6 => {
            let (open, close) = *random.choose(&NESTS);
            let depth = 1 << random.below(14);
            let (open, close) = (open.repeat(depth), close.repeat(depth));
            let nested = [open.as_bytes(), &text[at..end], close.as_bytes()].concat();
            text.splice(at..end, nested);
        }
        7 => swap_words(text, other, random),
        _ => change_lines(text, other, random),
    }
}

/// Puts a word of another text in the place of one.
fn swap_words(text: &mut Vec<u8>, other: &str, random: &mut Random) {
    let words: Vec<&str> = other.split(|c: char| !c.is_alphanumeric()).collect();
    let word = *random.choose(&words);
    let mut start = random.below(text.len());
    let is_part = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    while start > 0 && is_part(text.get(start - 1)) {
        start -= 1;
    }
    let mut end = start;
    while is_part(text.get(end)) {
        end += 1;
    }
    text.splice(start..end, word.bytes());
}

fn change_lines(text: &mut Vec<u8>, other: &str, random: &mut Random) {
    let mut lines: Vec<Vec<u8>> = text
        .split_inclusive(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    let (one, two) = (random.below(lines.len()), random.below(lines.len()));
    match random.below(6) {
        0 => lines.swap(one, two),
        1 => drop(lines.remove(one)),
        2 => {
            let times = 1 << random.below(8);
            let line = lines[one].clone();
            lines.splice(one..one, std::iter::repeat_n(line, times));
        }
        3 => {
            let others: Vec<&str> = other.split_inclusive('\n').collect();
            lines.insert(one, random.choose(&others).as_bytes().to_vec());
        }
        4 => {
            let blanks = b" ".repeat(random.below(6));
            lines[one].splice(0..0, blanks);
        }
        _ => {
            let blanks = lines[one].iter().take_while(|byte| **byte == b' ').count();
            lines[one].drain(..random.below(blanks + 1));
        }
    }
    *text = lines.concat();
}

/// Shows mistakes, which fails where a place is no place of the text.
fn show(mistakes: &[Mistake], text: &str) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (span, _) in mistakes.iter().flat_map(|mistake| &mistake.labels) {
        assert!(text.get(span.start..span.end).is_some(), "{mistakes:?}");
    }
    // The first ones tell as much as all of a hundred.
    #[cfg(feature = "fancy")]
    for mistake in mistakes.iter().take(10) {
        let theme = miette::GraphicalTheme::unicode_nocolor();
        let mut out = String::new();
        miette::GraphicalReportHandler::new_themed(theme)
            .render_report(&mut out, mistake)
            .unwrap();
    }
}

struct Nothing;

impl Loader for Nothing {
    fn text(&self, path: &str) -> Result<String, String> {
        Err(format!("{path}: not here"))
    }

    fn bundle(&self, _: &str) -> Result<Option<Archive>, String> {
        Ok(None)
    }
}

/// All files, and the rules that are sound.
struct Files {
    rules: Vec<(String, String)>,
    cases: Vec<(String, String)>,
    ignore: String,
    sound: RuleSet,
}

/// What became of mutants.
#[derive(Debug, Default)]
struct Fates {
    read: usize,
    refused: usize,
}

impl Files {
    fn new() -> Files {
        let ignore = "- { rule: node/*, subject: 'Node/harv-*', reason: known, until: 2025-03-09 }\n\
                      - rule: disk-io-error\n  subject: \"*\"\n  reason: >-\n    a spare is on the way\n";
        Files {
            rules: files_below_rules(false),
            cases: files_below_rules(true),
            ignore: ignore.to_owned(),
            sound: RuleSet::builtin().unwrap(),
        }
    }

    /// A rule with its cases, where these are sound.
    fn rule(&self, name: &str, text: &str, fates: &mut Fates) {
        let read = RuleSet::from_texts(&[(name, text)])
            .and_then(|rules| Engine::new(&rules).map(|_| rules));
        match read {
            Ok(rules) => {
                fates.read += 1;
                show(&rules.warnings().mistakes, text);
                let beside = name.replace(".yaml", ".test.yaml");
                let cases = self.cases.iter().find(|(name, _)| *name == beside);
                if let Some((name, text)) = cases {
                    case::run_file(name, text, &rules, &Nothing);
                }
            }
            Err(RuleErrors { mistakes }) => {
                fates.refused += 1;
                show(&mistakes, text);
            }
        }
    }

    fn case(&self, name: &str, text: &str, fates: &mut Fates) {
        let outcome = case::run_file(name, text, &self.sound, &Nothing);
        show(&outcome.mistakes, text);
        match outcome.cases.is_empty() {
            true => fates.refused += 1,
            false => fates.read += 1,
        }
    }

    fn ignored(&self, text: &str, fates: &mut Fates) {
        match IgnoreList::read("ignore.yaml", text, &self.sound) {
            Ok(_) => fates.read += 1,
            Err(errors) => {
                fates.refused += 1;
                show(&errors.mistakes, text);
            }
        }
    }
}

#[test]
fn no_mutant_makes_it_panic_or_hang() {
    let number = |name: &str| std::env::var(name).ok().and_then(|it| it.parse().ok());
    let seconds = number("MUTANT_SECONDS").map(Duration::from_secs);
    let mut random = number("MUTANT_SEED").map_or_else(Random::new, Random::seeded);
    let files = Files::new();
    let begin = Instant::now();
    let mut fates: [Fates; 3] = Default::default();
    let mut slowest = Duration::ZERO;
    let mut made = 0;
    while seconds.map_or(made < MUTANTS, |seconds| begin.elapsed() < seconds) {
        // Cases are run, rules are read: for the same time there are fewer of these.
        let form = [0, 0, 0, 0, 1, 2][made % 6];
        let from = match form {
            0 => &files.rules,
            1 => &files.cases,
            _ => &vec![("ignore.yaml".to_owned(), files.ignore.clone())],
        };
        let (name, text) = random.choose(from).clone();
        let other = random.choose(&files.rules).1.clone();
        let mut bytes = text.into_bytes();
        for _ in 0..=random.below(2) * random.below(4) {
            mutate(&mut bytes, &other, &mut random);
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let start = Instant::now();
        let survived = catch_unwind(AssertUnwindSafe(|| match form {
            0 => files.rule(&name, &text, &mut fates[0]),
            1 => files.case(&name, &text, &mut fates[1]),
            _ => files.ignored(&text, &mut fates[2]),
        }));
        let took = start.elapsed();
        assert!(survived.is_ok(), "mutant {made} of {name}:\n{text}");
        assert!(took < LONGEST, "mutant {made} of {name}, {took:?}:\n{text}");
        slowest = slowest.max(took);
        made += 1;
    }
    eprintln!(
        "{made} mutants in {:?}, the slowest {slowest:?}: {fates:?}",
        begin.elapsed()
    );
    // Both ends are reached, so both were looked at.
    assert!(
        fates.iter().all(|it| it.read > 5 && it.refused > 5),
        "{fates:?}"
    );
}

/// Noise, and one thing many times over.
#[test]
fn no_noise_makes_it_panic_or_hang() {
    let files = Files::new();
    let mut random = Random::new();
    let mut fates = Fates::default();
    let mut read = |text: &str| {
        files.rule("rules/node/noise.yaml", text, &mut fates);
        files.ignored(text, &mut fates);
    };
    for _ in 0..300 {
        let text: String = (0..random.below(60))
            .map(|_| *random.choose(&TOKENS))
            .collect();
        read(&text);
        let bytes: Vec<u8> = (0..random.below(80)).map(|_| random.next() as u8).collect();
        read(&String::from_utf8_lossy(&bytes));
    }
    let rule = "id: noise\ntitle: T\nseverity: info\nmatch:\n  - each: it\n    in: Node\n    where: WHERE\n\
                finding:\n  subject: cluster\n  message: MESSAGE\n";
    for piece in [
        "a ", "{{ a }} ", "a.a(", "x: y\n", "- [", "'", "\\{{", "a: |\n", "(?P<a>", "\"\\u",
    ] {
        // As long as a file and its lines may be.
        let lines = vec![piece.repeat(10_000 / piece.len()); 20];
        read(&lines.join("\n"));
        let text = lines.join("\n      ");
        read(&rule.replace("MESSAGE", &format!("|-\n      {text}")));
        read(&rule.replace("WHERE", &format!("|-\n      {text}")));
    }
}
