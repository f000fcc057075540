//! Compiles the regexes of matchers, and the set of those that apply to a file.

use std::sync::{Arc, OnceLock};

use regex::bytes::{Captures, Regex, RegexBuilder, RegexSet, RegexSetBuilder};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Hir, HirKind};

use super::filter::{Filter, filters};
use super::literal::{self, Required};
use super::{MatcherSpec, PatternError, Which};

/// Bytes that a compiled regex may take: log patterns need some ten thousand.
const SIZE_LIMIT: usize = 1 << 20;
/// Fields of `group` that are no captures.
pub(super) const PLACES: [&str; 5] = ["file", "node", "namespace", "pod", "container"];
/// Fields of a record, and of the file it is from: no capture may hide them.
const RESERVED: [&str; 10] = [
    "node",
    "pod",
    "namespace",
    "container",
    "count",
    "first",
    "last",
    "samples",
    "line",
    "time",
];

/// A pattern below this many automaton states surely compiles within [`SIZE_LIMIT`], so that it can
/// wait until a line may match it: of all patterns of all rules a bundle needs a few.
const SURELY_SMALL: usize = 1_000;

/// A regex that is compiled when it is first needed.
pub(super) struct LazyRegex {
    source: String,
    unicode: bool,
    compiled: OnceLock<Option<Regex>>,
}

impl LazyRegex {
    /// The regex; that of a pattern that was accepted is always there.
    pub(super) fn get(&self) -> Option<&Regex> {
        let compiled = self
            .compiled
            .get_or_init(|| compiled(&self.source, self.unicode).ok());
        compiled.as_ref()
    }

    pub(super) fn is_match(&self, text: &[u8]) -> bool {
        self.get().is_some_and(|regex| regex.is_match(text))
    }

    pub(super) fn captures<'t>(&self, text: &'t [u8]) -> Option<Captures<'t>> {
        self.get()?.captures(text)
    }
}

/// A regex that makes hits or clears them.
pub(super) struct Pattern {
    pub(super) matcher: usize,
    pub(super) which: Which,
    pub(super) regex: LazyRegex,
    /// Literals, one of which is in each match.
    literals: Option<Required>,
}

/// Patterns of a matcher in the order in which they are tried, and its `not`.
pub(super) struct Compiled {
    pub(super) patterns: Vec<Pattern>,
    pub(super) not: Option<LazyRegex>,
}

/// Compiles a matcher, or says all that is wrong with it.
pub(super) fn compile(
    matcher: usize,
    spec: &MatcherSpec,
    errors: &mut Vec<PatternError>,
) -> Compiled {
    let mut fail = |which, (message, offset)| {
        errors.push(PatternError {
            matcher,
            which,
            message,
            offset,
        })
    };
    let listed = spec
        .patterns
        .iter()
        .enumerate()
        .map(|(index, text)| (Which::Pattern(index), text));
    let clear = spec.clear.iter().map(|text| (Which::Clear, text));
    let mut patterns = Vec::new();
    let mut defined = std::collections::BTreeSet::new();
    let mut whole = true;
    for (which, text) in listed.chain(clear) {
        let (hir, regex) = match build(text) {
            Ok(built) => built,
            Err(mistake) => {
                fail(which, mistake);
                whole = false;
                continue;
            }
        };
        let names = capture_names(&hir);
        for name in names
            .iter()
            .filter(|name| RESERVED.contains(&name.as_str()))
        {
            fail(
                which,
                (
                    format!("a capture cannot be named `{name}`"),
                    text.find(&format!("<{name}>")).map(|at| at + 1),
                ),
            );
        }
        for field in &spec.group {
            if !PLACES.contains(&field.as_str()) && !names.contains(field) {
                fail(
                    which,
                    (format!("no capture `{field}`, which `group` names"), None),
                );
            }
        }
        if which != Which::Clear {
            defined.extend(names);
        }
        let literals = literal::required(&hir);
        patterns.push(Pattern {
            matcher,
            which,
            regex,
            literals,
        });
    }
    for (key, field) in spec
        .steady
        .iter()
        .map(|field| ("steady", field))
        .chain(spec.measure.keys().map(|field| ("measure", field)))
    {
        if whole && !defined.contains(field) {
            fail(
                Which::Pattern(0),
                (format!("no capture `{field}`, which `{key}` names"), None),
            );
        }
    }
    let not = spec.not.as_ref().and_then(|text| match build(text) {
        Ok((_, regex)) => Some(regex),
        Err(mistake) => {
            fail(Which::Not, mistake);
            None
        }
    });
    Compiled { patterns, not }
}

/// Whether a pattern that may run is tried on every line of a file, since its matches have no literal
/// in common by which lines can be told apart.
pub(crate) fn is_slow(text: &str) -> bool {
    parse(text).is_ok_and(|(hir, _)| {
        hir.properties().minimum_len() != Some(0) && literal::required(&hir).is_none()
    })
}

/// Reads a regex with ASCII classes, as logs want it, or with Unicode's where it asks for them, and
/// says which.
fn parse(text: &str) -> Result<(Hir, bool), (String, Option<usize>)> {
    let parse = |unicode| {
        let mut parser = ParserBuilder::new().unicode(unicode).utf8(false).build();
        parser
            .parse(text)
            .map(|hir| (hir, unicode))
            .map_err(|error| mistake(&error))
    };
    parse(false).or_else(|_| parse(true))
}

fn build(text: &str) -> Result<(Hir, LazyRegex), (String, Option<usize>)> {
    let (hir, unicode) = parse(text)?;
    if hir.properties().minimum_len() == Some(0) {
        return Err((
            "it matches the empty text, hence every line".to_owned(),
            None,
        ));
    }
    let ready = match states(&hir) <= SURELY_SMALL {
        true => OnceLock::new(),
        false => OnceLock::from(Some(compiled(text, unicode)?)),
    };
    let regex = LazyRegex {
        source: text.to_owned(),
        unicode,
        compiled: ready,
    };
    Ok((hir, regex))
}

fn compiled(text: &str, unicode: bool) -> Result<Regex, (String, Option<usize>)> {
    let regex = RegexBuilder::new(text)
        .unicode(unicode)
        .size_limit(SIZE_LIMIT)
        .build();
    regex.map_err(|error| match error {
        regex::Error::CompiledTooBig(limit) => {
            (format!("compiled, it takes more than {limit} bytes"), None)
        }
        error => (error.to_string(), None),
    })
}

/// No fewer states than the pattern compiles to, give or take a constant factor.
pub(crate) fn states(hir: &Hir) -> usize {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 1,
        HirKind::Literal(literal) => literal.0.len(),
        // Unicode classes compile to a few hundred states at most.
        HirKind::Class(class) => class.maximum_len().map_or(1, |length| match length {
            0 | 1 => 1,
            _ => 500,
        }),
        HirKind::Repetition(repetition) => {
            let times = repetition
                .max
                .unwrap_or(repetition.min)
                .max(repetition.min)
                .max(1);
            states(&repetition.sub).saturating_mul(usize::try_from(times).unwrap_or(usize::MAX))
        }
        HirKind::Capture(capture) => states(&capture.sub).saturating_add(2),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts
            .iter()
            .fold(0, |sum: usize, part| sum.saturating_add(states(part))),
    }
}

/// Names of the captures of a pattern, in order.
pub(crate) fn capture_names(hir: &Hir) -> Vec<String> {
    let mut names = Vec::new();
    add_capture_names(hir, &mut names);
    names
}

fn add_capture_names(hir: &Hir, names: &mut Vec<String>) {
    match hir.kind() {
        HirKind::Capture(capture) => {
            names.extend(capture.name.as_deref().map(str::to_owned));
            add_capture_names(&capture.sub, names);
        }
        HirKind::Repetition(repetition) => add_capture_names(&repetition.sub, names),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().for_each(|part| add_capture_names(part, names));
        }
        _ => {}
    }
}

fn mistake(error: &regex_syntax::Error) -> (String, Option<usize>) {
    match error {
        regex_syntax::Error::Parse(error) => {
            (error.kind().to_string(), Some(error.span().start.offset))
        }
        regex_syntax::Error::Translate(error) => {
            (error.kind().to_string(), Some(error.span().start.offset))
        }
        other => (other.to_string(), None),
    }
}

impl Pattern {
    /// Whether lines can be told apart by literals before the regex is tried.
    pub(super) fn has_literal(&self) -> bool {
        self.literals.is_some()
    }
}

/// All patterns that apply to a file, and the filters that choose its lines.
pub(super) struct PatternSet {
    /// The matchers that they are of.
    pub(super) matchers: Arc<[usize]>,
    pub(super) filters: Vec<Filter>,
    /// Patterns without a literal, tried on every line.
    pub(super) slow: Option<(RegexSet, Vec<u32>)>,
}

impl PatternSet {
    /// Of patterns under the numbers that they have among all.
    pub(super) fn new<'a>(
        matchers: Arc<[usize]>,
        patterns: impl Iterator<Item = (u32, &'a Pattern)> + Clone,
    ) -> PatternSet {
        let literals = patterns
            .clone()
            .filter_map(|(number, pattern)| Some((pattern.literals.as_ref()?, number)));
        let slow: Vec<(u32, &Pattern)> = patterns
            .clone()
            .filter(|(_, pattern)| !pattern.has_literal())
            .collect();
        // A set has one setting for all its regexes; those that need Unicode ask for it inside.
        let sources = slow.iter().map(|(_, pattern)| {
            if pattern.regex.unicode {
                format!("(?u:{})", pattern.regex.source)
            } else {
                pattern.regex.source.clone()
            }
        });
        let set = RegexSetBuilder::new(sources)
            .unicode(false)
            .size_limit(SIZE_LIMIT * (slow.len() + 1))
            .build();
        PatternSet {
            matchers,
            filters: filters(literals),
            slow: set
                .ok()
                .filter(|set| !set.is_empty())
                .map(|set| (set, slow.iter().map(|(number, _)| *number).collect())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(spec: MatcherSpec) -> Vec<(Which, String, Option<usize>)> {
        let mut errors = Vec::new();
        compile(0, &spec, &mut errors);
        errors
            .into_iter()
            .map(|error| (error.which, error.message, error.offset))
            .collect()
    }

    #[test]
    fn refuses_what_cannot_work() {
        let one = |text: &str| MatcherSpec {
            patterns: vec![text.to_owned()],
            ..MatcherSpec::default()
        };
        let first = Which::Pattern(0);
        for (spec, which, words, offset) in [
            (one("ab(c"), first, "unclosed group", Some(2)),
            (one("a*"), first, "empty text", None),
            (one(r"\b"), first, "empty text", None),
            (
                one("(?P<line>x)y"),
                first,
                "cannot be named `line`",
                Some(4),
            ),
            (one("x{1000}{1000}"), first, "takes more than", None),
            (one(r"\p{Nonsense}"), first, "property not found", Some(0)),
            (
                MatcherSpec {
                    not: Some("[".into()),
                    ..one("ab")
                },
                Which::Not,
                "unclosed character class",
                Some(0),
            ),
            (
                MatcherSpec {
                    clear: Some("up".into()),
                    group: vec!["dev".into()],
                    ..one("(?P<dev>x)y")
                },
                Which::Clear,
                "no capture `dev`",
                None,
            ),
            (
                MatcherSpec {
                    group: vec!["dev".into()],
                    ..one("ab")
                },
                first,
                "no capture `dev`",
                None,
            ),
            (
                MatcherSpec {
                    steady: vec!["n".into()],
                    ..one("ab")
                },
                first,
                "which `steady` names",
                None,
            ),
        ] {
            let found = errors(spec);
            assert_eq!(found.len(), 1, "{words}: {found:?}");
            assert_eq!((found[0].0, found[0].2), (which, offset), "{found:?}");
            assert!(found[0].1.contains(words), "{found:?}");
        }
        assert_eq!(
            errors(MatcherSpec {
                group: vec!["node".into(), "file".into()],
                ..one("ab")
            }),
            []
        );
    }

    #[test]
    fn classes_are_ascii_unless_unicode_is_asked_for() {
        let matches =
            |pattern: &str, text: &str| build(pattern).unwrap().1.is_match(text.as_bytes());
        assert!(!matches(r"^\d+$", "٣"));
        assert!(matches(r"^\pN+$", "٣"));
        assert!(matches(r"(?i)^ERROR$", "error"));
        assert!(matches("naïve", "naïve"));
        assert!(matches("[ïi]", "ï"));
    }
}
