//! Text → tokens, by CEL's lexical grammar without bytes and unsigned numbers.

use std::borrow::Cow;
use std::ops::Range;

use smol_str::SmolStr;

use super::SyntaxError;
use crate::rule::source::Passage;

/// A token and its bytes in the text.
#[derive(Debug, Clone)]
pub(super) struct Token<'t> {
    pub(super) kind: TokenKind<'t>,
    pub(super) range: Range<usize>,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum TokenKind<'t> {
    /// A name, keywords and reserved words included.
    Name(&'t str),
    /// A number without a sign: 2⁶³ fits only behind a minus.
    Integer(u64),
    Float(f64),
    Text(SmolStr),
    /// An operator or bracket.
    Sign(&'static str),
    /// The end of the text.
    End,
}

/// Longer signs first: `<=` must not be read as `<`.
const SIGNS: [&str; 24] = [
    "||", "&&", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "!", "?", ":", ".", ",",
    "(", ")", "[", "]", "{", "}",
];

/// Reads a text token by token.
pub(super) struct Lexer<'a, 't> {
    passage: &'a Passage<'t>,
    text: &'t str,
    at: usize,
}

impl<'a, 't> Lexer<'a, 't> {
    /// From the start of a passage on.
    pub(super) fn new(passage: &'a Passage<'t>) -> Self {
        Lexer {
            passage,
            text: passage.text,
            at: 0,
        }
    }

    /// The next token; after the last one [`TokenKind::End`] for ever.
    pub(super) fn next(&mut self) -> Result<Token<'t>, SyntaxError> {
        self.skip_blank();
        let start = self.at;
        let Some(first) = self.peek() else {
            return Ok(self.token(TokenKind::End, start));
        };
        if let Some((prefix, quote)) = self.string_start() {
            return self.string(start, prefix, quote);
        }
        if first.is_ascii_alphabetic() || first == '_' {
            self.take_while(is_of_name);
            let name = self.text.get(start..self.at).unwrap_or_default();
            return Ok(self.token(TokenKind::Name(name), start));
        }
        if first.is_ascii_digit() || first == '.' && self.digit_at(self.at + 1) {
            return self.number(start);
        }
        if let Some(sign) = SIGNS
            .iter()
            .find(|sign| sign.starts_with(first) && self.rest().starts_with(**sign))
        {
            self.at += sign.len();
            return Ok(self.token(TokenKind::Sign(sign), start));
        }
        self.at += first.len_utf8();
        Err(self.unknown(first, start))
    }

    fn token(&self, kind: TokenKind<'t>, start: usize) -> Token<'t> {
        Token {
            kind,
            range: start..self.at,
        }
    }

    fn error(&self, start: usize, message: impl Into<String>, help: Option<&str>) -> SyntaxError {
        SyntaxError {
            message: message.into(),
            span: self.passage.span(start, self.at),
            help: help.map(str::to_owned),
        }
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn digit_at(&self, at: usize) -> bool {
        self.text.as_bytes().get(at).is_some_and(u8::is_ascii_digit)
    }

    /// Takes bytes, of which those of a character beyond ASCII must all fit or none.
    fn take_while(&mut self, fits: impl Fn(u8) -> bool) {
        let rest = self.rest().bytes();
        self.at += rest.take_while(|byte| fits(*byte)).count();
    }

    /// Skips blanks and `//` comments.
    fn skip_blank(&mut self) {
        loop {
            self.take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0xc));
            if !self.rest().starts_with("//") {
                return;
            }
            self.take_while(|byte| byte != b'\n');
        }
    }

    fn unknown(&self, first: char, start: usize) -> SyntaxError {
        match first {
            '=' => self.error(start, "`=` is no operator", Some("equality is `==`")),
            '&' => self.error(start, "`&` is no operator", Some("`and` is `&&`")),
            '|' => self.error(
                start,
                "`|` is no operator",
                Some(
                    "`or` is `||`; there are no filters: call functions, as in `names.join(', ')`",
                ),
            ),
            '`' => self.error(
                start,
                "names are not quoted",
                Some("write `a['the-name']` for a field whose name is no identifier"),
            ),
            '“' | '”' | '‘' | '’' => self.error(
                start,
                format!("`{first}` is no quotation mark"),
                Some("strings stand in `'…'` or `\"…\"`"),
            ),
            _ => self.error(
                start,
                format!("`{}` has no meaning here", first.escape_debug()),
                None,
            ),
        }
    }

    fn number(&mut self, start: usize) -> Result<Token<'t>, SyntaxError> {
        let hexadecimal = self.rest().starts_with("0x") || self.rest().starts_with("0X");
        let mut float = false;
        if hexadecimal {
            self.at += 2;
            self.take_while(|byte| byte.is_ascii_hexdigit());
        } else {
            self.take_while(|byte| byte.is_ascii_digit());
            if self.rest().starts_with('.') && self.digit_at(self.at + 1) {
                float = true;
                self.at += 1;
                self.take_while(|byte| byte.is_ascii_digit());
            }
            if self.rest().starts_with(['e', 'E']) {
                let sign = usize::from(
                    self.text
                        .get(self.at + 1..)
                        .is_some_and(|rest| rest.starts_with(['+', '-'])),
                );
                if self.digit_at(self.at + 1 + sign) {
                    float = true;
                    self.at += 1 + sign;
                    self.take_while(|byte| byte.is_ascii_digit());
                }
            }
        }
        let digits = self.text.get(start..self.at).unwrap_or_default();
        let kind = if float {
            digits.parse().ok().map(TokenKind::Float)
        } else if hexadecimal {
            u64::from_str_radix(digits.get(2..).unwrap_or_default(), 16)
                .ok()
                .map(TokenKind::Integer)
        } else {
            digits.parse().ok().map(TokenKind::Integer)
        };
        let end = self.at;
        self.take_while(is_of_name);
        let suffix = self.text.get(end..self.at).unwrap_or_default();
        match (suffix, kind) {
            ("u" | "U", _) => Err(self.error(
                start,
                "there are no unsigned numbers",
                Some("leave the `u` out: there is one number type"),
            )),
            ("", Some(kind)) => Ok(self.token(kind, start)),
            ("", None) if digits.len() > 2 => {
                Err(self.error(start, "the number does not fit 64 bits", None))
            }
            ("", None) => Err(self.error(start, "the number has no digits", None)),
            _ => Err(self.error(
                start,
                format!("`{digits}{suffix}` is no number"),
                Some("durations are written `duration('10m')`, quantities `quantity('512Mi')`"),
            )),
        }
    }

    /// The prefix and the opening quote, if a string starts here.
    fn string_start(&self) -> Option<(&'t str, &'static str)> {
        let letters = self.rest().bytes().take(2);
        let letters = letters.take_while(|c| b"rRbB".contains(c)).count();
        let (prefix, after) = self.rest().split_at_checked(letters)?;
        let quotes = match after.bytes().next()? {
            b'\'' => ["'''", "'"],
            b'"' => ["\"\"\"", "\""],
            _ => return None,
        };
        let quote = quotes.into_iter().find(|quote| after.starts_with(quote))?;
        Some((prefix, quote))
    }

    fn string(
        &mut self,
        start: usize,
        prefix: &str,
        quote: &'static str,
    ) -> Result<Token<'t>, SyntaxError> {
        let raw = prefix.contains(['r', 'R']);
        self.at += prefix.len() + quote.len();
        let mut value = Cow::Borrowed("");
        loop {
            let here = self.at;
            if self.rest().starts_with(quote) {
                self.at += quote.len();
                break;
            }
            match self.peek() {
                Some('\\') if raw => {
                    value += "\\";
                    self.at += 1;
                }
                Some('\\') => {
                    let character = self.escape(here)?;
                    value.to_mut().push(character);
                }
                Some('\n' | '\r') if quote.len() == 1 => {
                    self.at = start + prefix.len() + quote.len();
                    return Err(self.error(
                        start,
                        "the string is not closed on its line",
                        Some("strings over several lines stand in `'''…'''`"),
                    ));
                }
                Some(other) => {
                    self.at += other.len_utf8();
                    self.take_while(|byte| !matches!(byte, b'\\' | b'\'' | b'"' | b'\n' | b'\r'));
                    value += self.text.get(here..self.at).unwrap_or_default();
                }
                None => {
                    self.at = start + prefix.len() + quote.len();
                    return Err(self.error(
                        start,
                        format!("the string is not closed: `{quote}` is missing"),
                        None,
                    ));
                }
            }
        }
        if prefix.contains(['b', 'B']) {
            return Err(self.error(
                start,
                "there are no byte strings",
                Some("leave the `b` out"),
            ));
        }
        Ok(self.token(TokenKind::Text(value.into()), start))
    }

    /// The character of the escape that starts at `start`.
    fn escape(&mut self, start: usize) -> Result<char, SyntaxError> {
        self.at += 1;
        let Some(letter) = self.peek() else {
            return Err(self.error(start, "the escape is not finished", None));
        };
        self.at += letter.len_utf8();
        let (digits, radix) = match letter {
            'a' => return Ok('\u{7}'),
            'b' => return Ok('\u{8}'),
            'f' => return Ok('\u{c}'),
            'n' => return Ok('\n'),
            'r' => return Ok('\r'),
            't' => return Ok('\t'),
            'v' => return Ok('\u{b}'),
            '\\' | '?' | '"' | '\'' | '`' => return Ok(letter),
            'x' | 'X' => (2, 16),
            'u' => (4, 16),
            'U' => (8, 16),
            '0'..='3' => {
                self.at -= 1;
                (3, 8)
            }
            _ => {
                return Err(self.error(
                    start,
                    format!("`\\{}` is no escape", letter.escape_debug()),
                    Some("a regular expression is written as a raw string: r'\\d+'"),
                ));
            }
        };
        let from = self.at;
        let code = self
            .text
            .get(from..from + digits)
            .filter(|code| code.bytes().all(|c| c.is_ascii_hexdigit()))
            .and_then(|code| u32::from_str_radix(code, radix).ok())
            .and_then(char::from_u32);
        match code {
            Some(character) => {
                self.at += digits;
                Ok(character)
            }
            None => Err(self.error(
                start,
                format!("`\\{letter}` wants {digits} digits that name a character"),
                None,
            )),
        }
    }
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
