//! Regular expressions of rules: read for their syntax, their captures and their size.

use std::ops::Range;

use regex::RegexBuilder;
use regex_syntax::ast::Ast;

use crate::scan::{self, states};

/// The largest compiled pattern, in bytes: the regex crate's own default.
const MAXIMUM_SIZE: usize = 10 << 20;

/// A pattern below this many automaton states is far from the limit, and need not be compiled to
/// know that: loading all rules must not compile each of their patterns.
const SURELY_SMALL: usize = 10_000;

/// Why a text is no pattern.
pub(super) struct PatternError {
    pub(super) message: String,
    /// Where in the text, if the parser says so.
    pub(super) range: Option<Range<usize>>,
    pub(super) help: Option<&'static str>,
}

/// How many captures a pattern in the syntax of the regex crate has.
pub(super) fn captures(text: &str) -> Result<usize, PatternError> {
    let mut parser = regex_syntax::Parser::new();
    let hir = parser
        .parse(text)
        .map_err(|error| syntax_error(text, &error))?;
    let states = states(&hir);
    if states > SURELY_SMALL
        && RegexBuilder::new(text)
            .size_limit(MAXIMUM_SIZE)
            .build()
            .is_err()
    {
        return Err(too_large());
    }
    Ok(hir.properties().explicit_captures_len())
}

/// Reads the pattern of a log.
pub(super) fn read_of_log(text: &str) -> Result<scan::Pattern, PatternError> {
    scan::Pattern::read(text).map_err(|error| match error {
        scan::PatternError::Syntax(error) => syntax_error(text, &error),
        scan::PatternError::TooLarge => too_large(),
        error @ scan::PatternError::MatchesEmpty => PatternError {
            message: error.to_string(),
            range: None,
            help: Some("require something of the line"),
        },
    })
}

fn too_large() -> PatternError {
    PatternError {
        message: scan::PatternError::TooLarge.to_string(),
        range: None,
        help: Some("repeat less: `x{1000}` costs a thousand times `x`"),
    }
}

/// A name with stops in it of which one is not escaped, so that it means any character: `longhorn.io`.
pub(super) fn open_stop(text: &str) -> Option<Range<usize>> {
    fn word(ast: Option<&Ast>) -> bool {
        matches!(ast, Some(Ast::Literal(literal)) if literal.c.is_ascii_alphabetic())
    }
    fn within(ast: &Ast) -> Option<Range<usize>> {
        match ast {
            Ast::Concat(concat) => {
                let parts = &concat.asts;
                let stop = (1..parts.len()).find_map(|at| match parts.get(at) {
                    Some(Ast::Dot(span)) => (word(parts.get(at - 1)) && word(parts.get(at + 1)))
                        .then_some(span.start.offset..span.end.offset),
                    _ => None,
                });
                stop.or_else(|| parts.iter().find_map(within))
            }
            Ast::Group(group) => within(&group.ast),
            Ast::Repetition(repetition) => within(&repetition.ast),
            Ast::Alternation(alternation) => alternation.asts.iter().find_map(within),
            _ => None,
        }
    }
    let stop = within(&regex_syntax::ast::parse::Parser::new().parse(text).ok()?)?;
    let other = |c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '-');
    let before = text.get(..stop.start)?;
    let after = text.get(stop.end..)?;
    let start = before.rfind(other).map_or(0, |at| at + 1);
    let end = stop.end + after.find(other).unwrap_or(after.len());
    Some(start..end)
}

fn syntax_error(text: &str, error: &regex_syntax::Error) -> PatternError {
    let (message, span) = match error {
        regex_syntax::Error::Parse(error) => (error.kind().to_string(), Some(error.span())),
        regex_syntax::Error::Translate(error) => (error.kind().to_string(), Some(error.span())),
        _ => ("not understood".to_owned(), None),
    };
    let range = span.map(|span| span.start.offset..span.end.offset);
    let part = range
        .clone()
        .and_then(|range| text.get(range))
        .unwrap_or_default();
    let help = match part {
        _ if part.starts_with("(?=") || part.starts_with("(?!") || part.starts_with("(?<") => Some(
            "look-around is not supported, since it can't be matched in linear time: use `not`",
        ),
        _ if part.starts_with('\\') => {
            Some("a backslash before a letter must have a meaning: `\\d`, `\\s`, `\\S`, `\\b`")
        }
        _ => None,
    };
    PatternError {
        message: format!("not a regular expression: {message}"),
        range,
        help,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_in_names() {
        for (text, place) in [
            (r"x harvesterhci.io/node", Some("harvesterhci.io")),
            (r"(a|longhorn.io)+", Some("longhorn.io")),
            (r"longhorn\.io: .*x.", None),
            (r"x.+y [a.b]", None),
        ] {
            let found = open_stop(text).and_then(|range| text.get(range));
            assert_eq!(found, place, "{text}");
        }
    }

    #[test]
    fn refusals() {
        for (text, place) in [
            ("a(b", Some("(")),
            ("a(?=b)", Some("(?=")),
            (r"\y", Some(r"\y")),
            (r"(?:\pL{100}){100}", None),
        ] {
            let error = captures(text).err().unwrap();
            assert_eq!(
                error.range.and_then(|range| text.get(range)),
                place,
                "{text}: {}",
                error.message
            );
        }
        assert!(captures(&"(".repeat(10_000)).is_err());
        assert_eq!(captures(r"(?P<a>\d+) (?:x|(?P<b>y)) (z)").ok(), Some(3));
    }

    #[test]
    fn the_estimate_is_on_the_safe_side() {
        let table = [
            r"\w{19}",
            r"[^\n]{18}",
            r"(?i:straße){9}",
            r"\pL{9}|\s{9}",
            r"(?:a|b|c){3300}",
        ];
        for text in table {
            let hir = regex_syntax::Parser::new().parse(text).unwrap();
            assert!(states(&hir) <= SURELY_SMALL, "{text}");
            assert!(
                RegexBuilder::new(text)
                    .size_limit(MAXIMUM_SIZE)
                    .build()
                    .is_ok(),
                "{text}"
            );
        }
    }
}
