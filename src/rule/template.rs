//! Texts with `{{ CEL }}` in them: no blocks, no filters; `\{{` stands for `{{` itself.

use std::borrow::Cow;

use smol_str::SmolStr;

use super::expression::{self, Expression, SyntaxError};
use super::source::{Passage, Span};

/// A text with values to fill in.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// Text and values, in order.
    pub parts: Vec<Part>,
    /// Where the template stands.
    pub span: Span,
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Text as it is.
    Text(SmolStr),
    /// A value to fill in.
    Value(Expression),
}

impl Template {
    /// Reads a passage as a template. What is wrong is left out of it and comes beside it.
    pub fn parse(passage: &Passage<'_>) -> (Template, Vec<SyntaxError>) {
        let mut parts = Vec::new();
        let mut errors = Vec::new();
        let mut text = Cow::Borrowed("");
        let mut at = 0;
        loop {
            let rest = passage.text.get(at..).unwrap_or_default();
            let Some(open) = rest.find("{{") else {
                text += rest;
                break;
            };
            let before = rest.get(..open).unwrap_or_default();
            if let Some(escaped) = before.strip_suffix('\\') {
                text += escaped;
                text += "{{";
                at += open + 2;
                continue;
            }
            text += before;
            let start = at + open + 2;
            let Some(length) = length(passage.text.get(start..).unwrap_or_default()) else {
                errors.push(SyntaxError {
                    message: "`{{` is not closed".to_owned(),
                    span: passage.span(start - 2, start),
                    help: Some(
                        "close it with `}}`; `\\{{` stands for the two braces themselves"
                            .to_owned(),
                    ),
                });
                break;
            };
            if !text.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut text).into()));
            }
            match expression::parse(&passage.part(start, start + length)) {
                Ok(value) => parts.push(Part::Value(value)),
                Err(error) => errors.push(error),
            }
            at = start + length + 2;
        }
        if !text.is_empty() {
            parts.push(Part::Text(text.into()));
        }
        let span = passage.whole();
        (Template { parts, span }, errors)
    }

    /// The values to fill in, in order.
    pub fn values(&self) -> impl Iterator<Item = &Expression> {
        self.parts.iter().filter_map(|part| match part {
            Part::Value(value) => Some(value),
            Part::Text(_) => None,
        })
    }
}

/// Bytes up to the `}}` that closes an expression: not one inside a string, nor the ends of two maps.
fn length(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if depth == 0 && rest.starts_with("}}") {
            return Some(at);
        }
        let first = rest.chars().next()?;
        at += match first {
            '\'' | '"' => string_length(
                rest,
                text.get(..at)
                    .is_some_and(|before| before.ends_with(['r', 'R'])),
            )?,
            _ => first.len_utf8(),
        };
        match first {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// Bytes of the string at the start of `text`, quotes included.
fn string_length(text: &str, raw: bool) -> Option<usize> {
    let quote = ["'''", "\"\"\"", "'", "\""]
        .into_iter()
        .find(|quote| text.starts_with(quote))?;
    let mut at = quote.len();
    loop {
        let rest = text.get(at..)?;
        if rest.starts_with(quote) {
            return Some(at + quote.len());
        }
        let mut characters = rest.chars();
        let first = characters.next()?;
        at += first.len_utf8();
        if first == '\\' && !raw {
            at += characters.next()?.len_utf8();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::source::Offsets;

    #[test]
    fn parts_and_places() {
        let table: [(&str, &[&str]); 9] = [
            ("", &[]),
            ("plain }} text", &["plain }} text"]),
            ("{{ a }}", &["=a"]),
            ("x {{a}}{{ b.c }} y", &["x ", "=a", "=b.c", " y"]),
            (r"\{{ a }} {{ b }}", &["{{ a }} ", "=b"]),
            ("{{ '}}' + a }}.", &["='}}' + a", "."]),
            ("{{ {'a': {'b': 1}} }}", &["={'a': {'b': 1}}"]),
            (r"{{ r'\' + a }}", &[r"=r'\' + a"]),
            (r"{{ 'it\'s }}' }}", &[r"='it\'s }}'"]),
        ];
        for (text, wanted) in table {
            let offsets = Offsets::identical(0);
            let (template, errors) = Template::parse(&Passage::new(text, &offsets));
            assert_eq!(errors, [], "{text}");
            let seen: Vec<String> = template
                .parts
                .iter()
                .map(|part| match part {
                    Part::Text(text) => text.to_string(),
                    Part::Value(value) => format!("={}", &text[value.span.start..value.span.end]),
                })
                .collect();
            assert_eq!(seen, wanted, "{text}");
        }
    }

    #[test]
    fn all_mistakes_at_once() {
        let table: [(&str, &[(&str, &str)]); 4] = [
            ("a {{ b", &[("`{{` is not closed", "{{")]),
            ("{{ }}", &[("expected a value, found the end", "")]),
            ("{{ 'x }}", &[("`{{` is not closed", "{{")]),
            (
                "{{ a b }} {{ c = d }}",
                &[
                    (
                        "expected an operator or the end of the expression, found `b`",
                        "b",
                    ),
                    ("`=` is no operator", "="),
                ],
            ),
        ];
        for (text, wanted) in table {
            let offsets = Offsets::identical(0);
            let (_, errors) = Template::parse(&Passage::new(text, &offsets));
            let seen: Vec<(&str, &str)> = errors
                .iter()
                .map(|error| {
                    (
                        error.message.as_str(),
                        &text[error.span.start..error.span.end],
                    )
                })
                .collect();
            assert_eq!(seen, wanted, "{text}");
        }
    }
}
