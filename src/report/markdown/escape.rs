//! Texts of a bundle in Markdown: as they are, and as nothing else.
//!
//! A log line may hold fences, tags, tables, and names of people and issues. GitHub pings whom `@name`
//! names and marks every issue that `#123` or a link names, whoever pasted the line, and it looks for
//! them after Markdown is read: escaping by backslash or entity does not help. A space without width
//! does.

use super::{clean, cut};

/// A space of no width, by its number: so it can be seen in the source.
const APART: &str = "&#8203;";

/// Signs of a text that are shown: no title, message or fact that is meant for people has more.
const LONGEST: usize = 2_000;

/// A text as one line of a paragraph, a heading, an item of a list or a cell of a table.
pub(super) fn inline(text: &str) -> String {
    let text = clean(text);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = cut(&text, LONGEST);
    let mut escaped = String::with_capacity(text.len() + text.len() / 4);
    // What begins a list, a heading or a line below one.
    if text.starts_with(['-', '+', '=']) {
        escaped.push('\\');
    }
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    for (at, sign) in text.char_indices() {
        let before = text.get(..at).unwrap_or_default();
        let after = text.get(at..).unwrap_or_default();
        match sign {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            // By number, for a backslash does not keep them from tables and formulas.
            '|' => escaped.push_str("&#124;"),
            '$' => escaped.push_str("&#36;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '~' | '!' | '^' | '{' | '}' => {
                escaped.push('\\');
                escaped.push(sign);
            }
            '.' | ')' if at == digits && digits > 0 => {
                escaped.push('\\');
                escaped.push(sign);
            }
            '@' | '#' => {
                escaped.push(sign);
                escaped.push_str(APART);
            }
            ':' if after.starts_with("://") => {
                escaped.push(sign);
                escaped.push_str(APART);
            }
            '.' if ends_with(before, "www") => {
                escaped.push_str(APART);
                escaped.push(sign);
            }
            '-' if ends_with(before, "gh") => {
                escaped.push(sign);
                escaped.push_str(APART);
            }
            sign => escaped.push(sign),
        }
    }
    escaped
}

fn ends_with(text: &str, word: &str) -> bool {
    let begin = text.len().checked_sub(word.len());
    let end = begin.and_then(|begin| text.get(begin..));
    end.is_some_and(|end| end.eq_ignore_ascii_case(word))
}

/// A short text as code, not in a table.
pub(super) fn code(text: &str) -> String {
    let text = clean(text);
    let ticks = "`".repeat(longest_run(&text) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{ticks}{pad}{text}{pad}{ticks}")
}

/// Lines as a block of code, which none of them ends.
pub(super) fn fence(language: &str, lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| clean(line)).collect();
    let longest = lines.iter().map(|line| longest_run(line)).max();
    let ticks = "`".repeat((longest.unwrap_or_default() + 1).max(3));
    let mut text = format!("{ticks}{language}\n");
    for line in lines {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text.push_str(&ticks);
    text.push('\n');
    text
}

/// An address that a rule refers to: a link if it is nothing but one.
pub(super) fn link(address: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#%&=+,;".contains(c);
    let is_web = address.starts_with("https://") || address.starts_with("http://");
    if is_web && address.chars().all(is_plain) {
        format!("<{address}>")
    } else {
        code(address)
    }
}

/// Length of the longest run of backticks.
fn longest_run(text: &str) -> usize {
    let runs = text.split(|c: char| c != '`').map(str::len);
    runs.max().unwrap_or_default()
}
