//! The regexes of matchers, and the set of those that apply to a file.

use std::sync::{Arc, OnceLock};

use regex::bytes::{Captures, Regex, RegexBuilder, RegexSet, RegexSetBuilder};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Hir, HirKind};
use smol_str::SmolStr;

use super::filter::{Filter, filters};
use super::literal::{self, Required};

/// Bytes that a compiled regex may take: log patterns need some ten thousand.
const SIZE_LIMIT: usize = 1 << 20;

/// Fields of `group` that are no captures.
pub(crate) const PLACES: [&str; 5] = ["file", "node", "namespace", "pod", "container"];

/// A pattern below this many automaton states surely compiles within [`SIZE_LIMIT`], so that it can
/// wait until a line may match it: of all patterns of all rules a bundle needs a few.
const SURELY_SMALL: usize = 1_000;

/// A regular expression for lines of logs: its syntax is right, it compiles, and does not match the
/// empty text. It is read once, and compiled when a line may match it.
///
/// Its classes are ASCII, as logs want it, unless it asks for Unicode's.
#[derive(Debug)]
pub struct Pattern {
    text: SmolStr,
    captures: Vec<SmolStr>,
    unicode: bool,
    /// Literals, one of which is in each match.
    literals: Option<Required>,
    compiled: OnceLock<Option<Regex>>,
}

/// Why a text is no pattern for lines.
#[derive(Debug, thiserror::Error)]
pub enum PatternError {
    /// Not in the syntax of the regex crate.
    #[error(transparent)]
    Syntax(Box<regex_syntax::Error>),
    /// Compiled, it takes more than a megabyte.
    #[error("the regular expression is too large when compiled")]
    TooLarge,
    /// It would match every line.
    #[error("the pattern matches the empty text, so every line")]
    MatchesEmpty,
}

impl Pattern {
    /// Reads a regular expression.
    ///
    /// # Errors
    /// What makes it none for lines of logs.
    pub fn read(text: &str) -> Result<Pattern, PatternError> {
        let parse = |unicode| {
            let mut parser = ParserBuilder::new().unicode(unicode).utf8(false).build();
            let read = parser.parse(text).map(|hir| (hir, unicode));
            read.map_err(|error| PatternError::Syntax(Box::new(error)))
        };
        let (hir, unicode) = parse(false).or_else(|_| parse(true))?;
        if hir.properties().minimum_len() == Some(0) {
            return Err(PatternError::MatchesEmpty);
        }
        let compiled = OnceLock::new();
        if states(&hir) > SURELY_SMALL {
            let regex = compile(text, unicode).ok_or(PatternError::TooLarge)?;
            compiled.get_or_init(|| Some(regex));
        }
        let mut captures = Vec::new();
        add_captures(&hir, &mut captures);
        Ok(Pattern {
            text: text.into(),
            captures,
            unicode,
            literals: literal::required(&hir),
            compiled,
        })
    }

    /// The regular expression as it is written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Names of its captures, in order.
    pub fn captures(&self) -> &[SmolStr] {
        &self.captures
    }

    /// Whether it is tried on every line of a log, since its matches have no literal in common by
    /// which lines can be told apart.
    pub fn is_slow(&self) -> bool {
        self.literals.is_none()
    }

    fn regex(&self) -> Option<&Regex> {
        let compile = || compile(&self.text, self.unicode);
        self.compiled.get_or_init(compile).as_ref()
    }

    pub(super) fn is_match(&self, text: &[u8]) -> bool {
        self.regex().is_some_and(|regex| regex.is_match(text))
    }

    pub(super) fn captured<'t>(&self, text: &'t [u8]) -> Option<Captures<'t>> {
        self.regex()?.captures(text)
    }
}

/// The regex, if it is small enough.
fn compile(text: &str, unicode: bool) -> Option<Regex> {
    let mut builder = RegexBuilder::new(text);
    builder.unicode(unicode).size_limit(SIZE_LIMIT);
    builder.build().ok()
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

fn add_captures(hir: &Hir, names: &mut Vec<SmolStr>) {
    match hir.kind() {
        HirKind::Capture(capture) => {
            names.extend(capture.name.as_deref().map(SmolStr::from));
            add_captures(&capture.sub, names);
        }
        HirKind::Repetition(repetition) => add_captures(&repetition.sub, names),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().for_each(|part| add_captures(part, names));
        }
        _ => {}
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
            .filter(|(_, pattern)| pattern.is_slow())
            .collect();
        // A set has one setting for all its regexes; those that need Unicode ask for it inside.
        let sources = slow.iter().map(|(_, pattern)| {
            if pattern.unicode {
                format!("(?u:{})", pattern.text)
            } else {
                pattern.text.to_string()
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

    #[test]
    fn refuses_what_cannot_work() {
        for (text, words) in [
            ("ab(c", "unclosed group"),
            ("a*", "empty text"),
            (r"\b", "empty text"),
            ("x{1000}{1000}", "too large"),
            (r"\p{Nonsense}", "property not found"),
        ] {
            let error = Pattern::read(text).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn tells_its_captures() {
        let pattern = Pattern::read(r"((?P<a>x)|(?P<b>y)(z))+").unwrap();
        assert_eq!(pattern.captures(), ["a", "b"]);
    }

    #[test]
    fn classes_are_ascii_unless_unicode_is_asked_for() {
        let matches =
            |pattern: &str, text: &str| Pattern::read(pattern).unwrap().is_match(text.as_bytes());
        assert!(!matches(r"^\d+$", "٣"));
        assert!(matches(r"^\pN+$", "٣"));
        assert!(matches(r"(?i)^ERROR$", "error"));
        assert!(matches("naïve", "naïve"));
        assert!(matches("[ïi]", "ï"));
    }
}
