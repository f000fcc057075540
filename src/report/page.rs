//! Lines on a terminal: wrapped at words, coloured when asked, free of control characters.

use std::io::{self, Write};

use anstyle::Style as Paint;

use super::Style;

/// A sink for lines. Whatever is put on it is cleaned: log text must not move the reader's cursor.
pub(super) struct Page<'a> {
    out: &'a mut dyn Write,
    style: Style,
}

impl<'a> Page<'a> {
    pub(super) fn new(out: &'a mut dyn Write, style: Style) -> Self {
        // Narrower than this, labels and paths leave no room for words.
        Page {
            out,
            style: Style {
                width: style.width.clamp(60, 160),
                ..style
            },
        }
    }

    pub(super) fn width(&self) -> usize {
        self.style.width
    }

    pub(super) fn blank(&mut self) -> io::Result<()> {
        self.out.write_all(b"\n")
    }

    /// One line as it is, never broken: a command to be copied, or a row that has been measured.
    pub(super) fn unbroken(&mut self, spans: &[(Paint, &str)]) -> io::Result<()> {
        let cleaned: Vec<(Paint, String)> = spans
            .iter()
            .map(|(paint, text)| (*paint, clean(text)))
            .collect();
        let end = cleaned
            .iter()
            .rposition(|(_, text)| !text.trim().is_empty())
            .map_or(0, |last| last + 1);
        for (index, (paint, text)) in cleaned.iter().take(end).enumerate() {
            let shown = if index + 1 == end {
                text.trim_end()
            } else {
                text
            };
            if self.style.color && !shown.is_empty() {
                write!(self.out, "{paint}{shown}{paint:#}")?;
            } else {
                self.out.write_all(shown.as_bytes())?;
            }
        }
        self.blank()
    }

    /// A paragraph after `head`, which is painted; further lines are indented by `indent`.
    pub(super) fn paragraph(
        &mut self,
        head: (Paint, &str),
        indent: usize,
        body: (Paint, &str),
    ) -> io::Result<()> {
        let used = columns(head.1);
        let margin = " ".repeat(indent);
        let mut lines = wrap(
            &clean(body.1),
            self.style.width.saturating_sub(used),
            self.style.width.saturating_sub(indent),
        );
        if lines.is_empty() {
            lines.push(String::new());
        }
        for (index, line) in lines.iter().enumerate() {
            let start = if index == 0 {
                head
            } else {
                (PLAIN, margin.as_str())
            };
            self.unbroken(&[start, (body.0, line)])?;
        }
        Ok(())
    }
}

/// No paint at all.
pub(super) const PLAIN: Paint = Paint::new();

/// Columns that a text takes; one for each character.
pub(super) fn columns(text: &str) -> usize {
    text.chars().count()
}

/// The text in at most `width` columns, cut with `…`.
pub(super) fn cut(text: &str, width: usize) -> String {
    let text = clean(text);
    let text = text.trim();
    if columns(text) <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// A name in at most `width` columns, cut in its middle: both ends of it tell it from others.
pub(super) fn shortened(name: &str, width: usize) -> String {
    let length = columns(name);
    if length <= width {
        return name.to_owned();
    }
    let tail = width.saturating_sub(1) / 2;
    let head: String = name.chars().take(width.saturating_sub(tail + 1)).collect();
    let tail: String = name.chars().skip(length - tail).collect();
    format!("{head}…{tail}")
}

/// Breaks at spaces only: a path or a word longer than the line stands on a line of its own, whole.
fn wrap(text: &str, first: usize, rest: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let room = if lines.is_empty() { first } else { rest };
        if !line.is_empty() && columns(&line) + 1 + columns(word) > room {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// Colours of log lines are dropped; control characters and those that turn the direction of
/// writing are made visible and harmless.
pub(super) fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            '\u{1b}' if signs.peek() == Some(&'[') => {
                // Parameters up to the letter that ends the sequence.
                let end = signs.by_ref().skip(1).find(|end| !matches!(end, ' '..='?'));
                clean.extend(
                    end.filter(|end| !matches!(end, '@'..='~'))
                        .map(|_| '\u{fffd}'),
                );
            }
            '\t' | '\n' | '\r' => clean.push(' '),
            '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                clean.push('\u{fffd}')
            }
            sign if sign.is_control() => clean.push('\u{fffd}'),
            sign => clean.push(sign),
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_spaces_only() {
        for (text, first, rest, lines) in [
            ("", 10, 10, vec![]),
            ("a b c", 10, 10, vec!["a b c"]),
            ("one two three", 7, 5, vec!["one two", "three"]),
            (
                "see logs/longhorn-system/x.log:1 now",
                10,
                10,
                vec!["see", "logs/longhorn-system/x.log:1", "now"],
            ),
        ] {
            assert_eq!(wrap(text, first, rest), lines);
        }
    }

    #[test]
    fn log_text_cannot_move_the_cursor() {
        let mut out = Vec::new();
        let mut page = Page::new(
            &mut out,
            Style {
                color: false,
                width: 80,
            },
        );
        page.unbroken(&[(
            PLAIN,
            "a\u{1b}[2J\u{1b}[1;31mb\tc\u{202e}d\r\ne\u{1b}]0;x\u{7}",
        )])
        .unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "ab c\u{fffd}d  e\u{fffd}]0;x\u{fffd}\n"
        );
    }

    #[test]
    fn cutting_counts_characters() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöüß", 3), "äö…");
        assert_eq!(cut("", 0), "");
        assert_eq!(shortened("Pod/default/web-7d9f", 11), "Pod/d…-7d9f");
        assert_eq!(shortened("Pod/äöü", 7), "Pod/äöü");
    }
}
