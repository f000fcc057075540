//! Emits YAML byte for byte as the collector's library does (gopkg.in/yaml.v2 2.2.8): natural key order, sequences
//! that are not indented in mappings, folding behind column 80, YAML 1.1 quoting, floats for all numbers.
//!
//! The emitter is a small machine of five variables (column, indent, and two flags that say whether the line is still
//! blank): they decide where a line is broken, so they are kept here just as the library keeps them.

use std::cmp::Ordering;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

/// The library breaks a scalar at the first single space behind this column.
const BEST_WIDTH: usize = 80;

/// Columns that a level adds.
const BEST_INDENT: isize = 2;

/// Longest key, in bytes, that is written as `key:` and not as `? key`.
const SIMPLE_KEY_LIMIT: usize = 128;

/// The document that the collector writes for `value`, with its final newline.
pub fn to_yaml(value: &Value) -> String {
    let mut emitter = Emitter {
        out: String::new(),
        column: 0,
        indent: -1,
        whitespace: true,
        indention: true,
    };
    emitter.node(
        value,
        Place {
            in_mapping: false,
            simple_key: false,
        },
    );
    emitter.write_indent();
    emitter.out
}

/// A float as Go's `strconv.FormatFloat(x, 'g', -1, 64)` prints it: exponent form from 1e+06 on and below 1e-04.
pub fn format_float(number: f64) -> String {
    let scientific = format!("{number:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if number == 0.0 || (-4..6).contains(&exponent) {
        return format!("{number}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

/// Sorts by insertion, as Go does with few keys. The library's order is no total one (it goes by numbers in one pair and
/// by letters in the next), on which a standard sort may panic.
fn sort_keys(keys: &mut [&String]) {
    for end in 1..keys.len() {
        let mut at = end;
        while at > 0 && compare_keys(keys[at], keys[at - 1]) == Ordering::Less {
            keys.swap(at, at - 1);
            at -= 1;
        }
    }
}

/// Order of the keys of a mapping: letters after everything else, runs of digits by their number.
pub fn compare_keys(left: &str, right: &str) -> Ordering {
    let a: Vec<char> = left.chars().collect();
    let b: Vec<char> = right.chars().collect();
    for i in 0..a.len().min(b.len()) {
        if a[i] == b[i] {
            continue;
        }
        match (a[i].is_alphabetic(), b[i].is_alphabetic()) {
            (true, true) => return a[i].cmp(&b[i]),
            (true, false) => return Ordering::Greater,
            (false, true) => return Ordering::Less,
            (false, false) => {}
        }
        // A zero inside a number counts as a digit, a leading zero does not: both sides then start at 1.
        let inside_number = (a[i] == '0' || b[i] == '0')
            && a[..i]
                .iter()
                .rev()
                .take_while(|c| c.is_ascii_digit())
                .any(|c| *c != '0');
        let start = i64::from(inside_number);
        let (left_number, left_end) = number_from(&a, i, start);
        let (right_number, right_end) = number_from(&b, i, start);
        return left_number
            .cmp(&right_number)
            .then(left_end.cmp(&right_end))
            .then(a[i].cmp(&b[i]));
    }
    a.len().cmp(&b.len())
}

fn number_from(text: &[char], from: usize, start: i64) -> (i64, usize) {
    let mut number = start;
    let mut end = from;
    while let Some(digit) = text.get(end).and_then(|c| c.to_digit(10)) {
        number = number.wrapping_mul(10).wrapping_add(i64::from(digit));
        end += 1;
    }
    (number, end)
}

/// Where a node stands, as far as its look depends on it.
#[derive(Clone, Copy)]
struct Place {
    in_mapping: bool,
    simple_key: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
}

struct Emitter {
    out: String,
    column: usize,
    indent: isize,
    /// The last thing written was a blank.
    whitespace: bool,
    /// Only indentation stands on this line so far.
    indention: bool,
}

impl Emitter {
    fn node(&mut self, value: &Value, place: Place) {
        match value {
            Value::Null => self.plain_token("null", place),
            Value::Bool(flag) => self.plain_token(if *flag { "true" } else { "false" }, place),
            Value::Number(number) => {
                self.plain_token(&format_float(number.as_f64().unwrap_or(0.0)), place)
            }
            Value::String(text) => self.string(text, place),
            Value::Array(items) => self.sequence(items, place),
            Value::Object(fields) => self.mapping(fields),
        }
    }

    fn sequence(&mut self, items: &[Value], place: Place) {
        if items.is_empty() {
            self.indicator("[", true, true, false);
            self.indicator("]", false, false, false);
            return;
        }
        let outer = self.indent;
        self.increase_indent(false, place.in_mapping && !self.indention);
        for item in items {
            self.write_indent();
            self.indicator("-", true, false, true);
            self.node(
                item,
                Place {
                    in_mapping: false,
                    simple_key: false,
                },
            );
        }
        self.indent = outer;
    }

    fn mapping(&mut self, fields: &Map<String, Value>) {
        if fields.is_empty() {
            self.indicator("{", true, true, false);
            self.indicator("}", false, false, false);
            return;
        }
        let mut keys: Vec<&String> = fields.keys().collect();
        sort_keys(&mut keys);
        let outer = self.indent;
        self.increase_indent(false, false);
        for key in keys {
            self.write_indent();
            if key.len() <= SIMPLE_KEY_LIMIT && !key.chars().any(is_break) {
                self.string(
                    key,
                    Place {
                        in_mapping: true,
                        simple_key: true,
                    },
                );
                self.indicator(":", false, false, false);
            } else {
                self.indicator("?", true, false, true);
                self.string(
                    key,
                    Place {
                        in_mapping: true,
                        simple_key: false,
                    },
                );
                self.write_indent();
                self.indicator(":", true, false, true);
            }
            self.node(
                &fields[key],
                Place {
                    in_mapping: true,
                    simple_key: false,
                },
            );
        }
        self.indent = outer;
    }

    fn plain_token(&mut self, text: &str, place: Place) {
        self.scalar(text, Style::Plain, place);
    }

    fn string(&mut self, text: &str, place: Place) {
        let wanted = if text.contains('\n') {
            Style::Literal
        } else if reads_as_string(text) {
            Style::Plain
        } else {
            Style::DoubleQuoted
        };
        self.scalar(text, wanted, place);
    }

    fn scalar(&mut self, text: &str, wanted: Style, place: Place) {
        let allowed = Analysis::of(text);
        let mut style = wanted;
        if place.simple_key && allowed.multiline {
            style = Style::DoubleQuoted;
        }
        if style == Style::Plain && (!allowed.plain || (text.is_empty() && place.simple_key)) {
            style = Style::SingleQuoted;
        }
        if style == Style::SingleQuoted && !allowed.single_quoted {
            style = Style::DoubleQuoted;
        }
        if style == Style::Literal && (!allowed.block || place.simple_key) {
            style = Style::DoubleQuoted;
        }
        let outer = self.indent;
        self.increase_indent(true, false);
        let may_break = !place.simple_key;
        match style {
            Style::Plain => self.plain(text, may_break),
            Style::SingleQuoted => self.single_quoted(text, may_break),
            Style::DoubleQuoted => self.double_quoted(text, may_break),
            Style::Literal => self.literal(text),
        }
        self.indent = outer;
    }

    fn plain(&mut self, text: &str, may_break: bool) {
        if !self.whitespace {
            self.put(' ');
        }
        self.folded_run(text, may_break, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn single_quoted(&mut self, text: &str, may_break: bool) {
        self.indicator("'", true, false, false);
        self.folded_run(text, may_break, true);
        self.indicator("'", false, false, false);
    }

    /// Text without line breaks, broken at single spaces behind the width.
    fn folded_run(&mut self, text: &str, may_break: bool, quoted: bool) {
        let mut after_space = false;
        for (i, c) in text.char_indices() {
            if c == ' ' {
                let next_is_space = text[i + 1..].starts_with(' ');
                let inside = !quoted || (i > 0 && i + 1 < text.len());
                if may_break && !after_space && self.column > BEST_WIDTH && inside && !next_is_space
                {
                    self.write_indent();
                } else {
                    self.put(c);
                }
                after_space = true;
            } else {
                if quoted && c == '\'' {
                    self.put('\'');
                }
                self.put(c);
                self.indention = false;
                after_space = false;
            }
        }
    }

    fn double_quoted(&mut self, text: &str, may_break: bool) {
        self.indicator("\"", true, false, false);
        let mut after_space = false;
        for (i, c) in text.char_indices() {
            if !is_printable(c) || is_break(c) || c == '"' || c == '\\' {
                for escaped in escape(c).chars() {
                    self.put(escaped);
                }
                after_space = false;
            } else if c == ' ' {
                if may_break
                    && !after_space
                    && self.column > BEST_WIDTH
                    && i > 0
                    && i + 1 < text.len()
                {
                    self.write_indent();
                    if text[i + 1..].starts_with(' ') {
                        self.put('\\');
                    }
                } else {
                    self.put(c);
                }
                after_space = true;
            } else {
                self.put(c);
                after_space = false;
            }
        }
        self.indicator("\"", false, false, false);
    }

    fn literal(&mut self, text: &str) {
        self.indicator("|", true, false, false);
        if text.starts_with([' ', '\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']) {
            self.indicator("2", false, false, false);
        }
        let mut backwards = text.chars().rev();
        let last_breaks = backwards.next().is_some_and(is_break);
        let before = backwards.next();
        if !last_breaks {
            self.indicator("-", false, false, false);
        } else if before.is_none_or(is_break) {
            self.indicator("+", false, false, false);
        }
        self.line_break('\n');
        self.indention = true;
        self.whitespace = true;
        let mut line_is_new = true;
        for c in text.chars() {
            if is_break(c) {
                self.line_break(c);
                self.indention = true;
                line_is_new = true;
            } else {
                if line_is_new {
                    self.write_indent();
                }
                self.put(c);
                self.indention = false;
                line_is_new = false;
            }
        }
    }

    fn increase_indent(&mut self, flow: bool, indentless: bool) {
        if self.indent < 0 {
            self.indent = if flow { BEST_INDENT } else { 0 };
        } else if !indentless {
            self.indent += BEST_INDENT;
        }
    }

    fn write_indent(&mut self) {
        let indent = usize::try_from(self.indent).unwrap_or(0);
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.line_break('\n');
        }
        while self.column < indent {
            self.put(' ');
        }
        self.whitespace = true;
        self.indention = true;
    }

    fn indicator(
        &mut self,
        text: &str,
        need_whitespace: bool,
        is_whitespace: bool,
        is_indention: bool,
    ) {
        if need_whitespace && !self.whitespace {
            self.put(' ');
        }
        for c in text.chars() {
            self.put(c);
        }
        self.whitespace = is_whitespace;
        self.indention = self.indention && is_indention;
    }

    fn put(&mut self, c: char) {
        self.out.push(c);
        self.column += 1;
    }

    fn line_break(&mut self, c: char) {
        self.out.push(c);
        self.column = 0;
    }
}

/// What the characters of a scalar allow.
struct Analysis {
    multiline: bool,
    plain: bool,
    single_quoted: bool,
    block: bool,
}

impl Analysis {
    fn of(text: &str) -> Analysis {
        if text.is_empty() {
            return Analysis {
                multiline: false,
                plain: true,
                single_quoted: true,
                block: false,
            };
        }
        let mut indicators = text.starts_with("---") || text.starts_with("...");
        let mut line_breaks = false;
        let mut special = false;
        let mut break_space = false;
        let mut space_break = false;
        let mut previous: Option<char> = None;
        let mut characters = text.chars().peekable();
        while let Some(c) = characters.next() {
            let blank_follows = characters
                .peek()
                .is_none_or(|next| *next == ' ' || *next == '\t');
            let blank_before = previous.is_none_or(|p| p == ' ' || p == '\t' || is_break(p));
            indicators |= match (previous.is_none(), c) {
                (
                    true,
                    '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"'
                    | '%' | '@' | '`',
                ) => true,
                (true, '?' | '-') | (_, ':') => blank_follows,
                (false, '#') => blank_before,
                _ => false,
            };
            special |= !is_printable(c);
            line_breaks |= is_break(c);
            break_space |= c == ' ' && previous.is_some_and(is_break);
            space_break |= is_break(c) && previous == Some(' ');
            previous = Some(c);
        }
        let blank_or_break = |c: char| c == ' ' || is_break(c);
        let leading = text.starts_with(blank_or_break);
        let trailing = text.ends_with(blank_or_break);
        let opaque = space_break || special;
        Analysis {
            multiline: line_breaks,
            plain: !(leading || trailing || break_space || opaque || line_breaks || indicators),
            single_quoted: !(break_space || opaque),
            block: !(opaque || text.ends_with(' ')),
        }
    }
}

fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Neither TAB nor anything beyond the basic plane is printable for the library.
fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}')
        && c != '\u{feff}'
}

fn escape(c: char) -> String {
    match c {
        '\0' => "\\0".to_owned(),
        '\u{7}' => "\\a".to_owned(),
        '\u{8}' => "\\b".to_owned(),
        '\t' => "\\t".to_owned(),
        '\n' => "\\n".to_owned(),
        '\u{b}' => "\\v".to_owned(),
        '\u{c}' => "\\f".to_owned(),
        '\r' => "\\r".to_owned(),
        '\u{1b}' => "\\e".to_owned(),
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        '\u{85}' => "\\N".to_owned(),
        '\u{a0}' => "\\_".to_owned(),
        '\u{2028}' => "\\L".to_owned(),
        '\u{2029}' => "\\P".to_owned(),
        c if u32::from(c) <= 0xff => format!("\\x{:02X}", u32::from(c)),
        c if u32::from(c) <= 0xffff => format!("\\u{:04X}", u32::from(c)),
        c => format!("\\U{:08X}", u32::from(c)),
    }
}

/// Whether YAML 1.1, as the library reads it, takes the plain text for a string.
fn reads_as_string(text: &str) -> bool {
    static BASE_60: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$")
            .expect("a constant pattern")
    });
    static FLOAT: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$")
            .expect("a constant pattern")
    });
    static INTEGER: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^[-+]?(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|[0-9]+)$")
            .expect("a constant pattern")
    });
    static TIMESTAMP: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(concat!(
            r"^[0-9]{4}-(0?[1-9]|1[0-2])-(0?[1-9]|[12][0-9]|3[01])",
            r"([Tt]([01]?[0-9]|2[0-3]):[0-5]?[0-9]:[0-5]?[0-9](\.[0-9]+)?(Z|[-+][0-9]{2}:[0-9]{2})",
            r"| ([01]?[0-9]|2[0-3]):[0-5]?[0-9]:[0-5]?[0-9](\.[0-9]+)?)?$"
        ))
        .expect("a constant pattern")
    });
    const WORDS: [&str; 39] = [
        "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON", "n", "N", "no",
        "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF", "", "~", "null", "Null",
        "NULL", ".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf",
        "-.Inf", "-.INF",
    ];
    if WORDS.contains(&text) {
        return false;
    }
    match text.as_bytes().first() {
        Some(b'.') => text.parse::<f64>().is_err(),
        Some(b'+' | b'-' | b'0'..=b'9') => {
            let plain = text.replace('_', "");
            !(TIMESTAMP.is_match(text)
                || INTEGER.is_match(&plain)
                || FLOAT.is_match(&plain)
                || BASE_60.is_match(text))
        }
        _ => true,
    }
}
