//! Reads the part of YAML that the collector writes, at many times the speed of a general parser.
//!
//! The collector's encoder never leaves a small part of the language: block maps with plain keys,
//! block lists, `{}` and `[]`, plain, quoted and literal scalars, folded with one break at a time.
//! [`read`] knows this part and nothing else. Whatever it is not sure of, it gives back, and a
//! general parser reads the file: a wrong tree is worse than a slow one. So each check here errs on
//! the side of giving back, even where the text might be legal YAML.

use memchr::{memchr, memchr_iter, memchr2, memchr2_iter, memchr3};

use super::document::{Document, Names, Node, to_u32};
use super::scalar::{Plain, resolve};

/// Lists and maps within each other. Real manifests reach 17; the general parser decides beyond.
const DEPTH: usize = 100;

/// Bytes of a key. YAML bounds keys without `? ` to 1024 characters.
const LONGEST_KEY: usize = 1000;

/// A map up to this size looks for a repeated key at each key, a larger one when it ends.
const SMALL_MAP: u32 = 24;

/// Reads a text, or gives it back if it is not wholly of the part of YAML known here.
pub(super) fn read(text: String) -> Result<Document, String> {
    let Some((nodes, extra)) = tape(&text) else {
        return Err(text);
    };
    Ok(Document::from_parts(text, extra, nodes, 1))
}

fn tape(text: &str) -> Option<(Vec<Node>, String)> {
    // The final line end is a sentinel: no scan within a line can run off the text.
    if u32::try_from(text.len()).is_err() || !text.ends_with('\n') || !is_printable(text) {
        return None;
    }
    let bytes = text.as_bytes();
    // A line holds a key and a value, so that only lists of lists make the tape grow.
    let lines = memchr_iter(b'\n', bytes).count();
    let mut reader = Reader {
        text,
        bytes,
        at: 0,
        nodes: Vec::with_capacity(2 * lines + 1),
        extra: String::new(),
        names: Names::new(),
        open: Vec::with_capacity(32),
        value_below: false,
    };
    reader.document()?;
    Some((reader.nodes, reader.extra))
}

/// Whether all characters are printable and none has a meaning outside the collector's YAML: no
/// tab, no carriage return, no byte order mark, no line break but `\n`.
fn is_printable(text: &str) -> bool {
    let (mut control, mut high) = (false, false);
    for &byte in text.as_bytes() {
        control |= (byte < b' ' && byte != b'\n') || byte == 0x7f;
        high |= byte >= 0x80;
    }
    let is_odd = |c: char| {
        matches!(
            c,
            '\u{80}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
    };
    !control && (!high || !text.chars().any(is_odd))
}

struct Reader<'t> {
    text: &'t str,
    bytes: &'t [u8],
    /// Where reading stands.
    at: usize,
    nodes: Vec<Node>,
    extra: String,
    names: Names,
    /// Open lists and maps, outermost first.
    open: Vec<Open>,
    /// The last key ended its line: its value is a list or map on the lines below.
    value_below: bool,
}

struct Open {
    /// Column of its keys or dashes.
    column: usize,
    is_list: bool,
    /// Its node on the tape.
    index: u32,
    /// Entries or items so far.
    count: u32,
    /// Bit per hash of a key: an unset bit proves a key new.
    seen: u64,
}

impl Reader<'_> {
    fn document(&mut self) -> Option<()> {
        while self.at < self.bytes.len() {
            let start = self.after_spaces(self.at);
            let column = start - self.at;
            self.at = start;
            if column == 0 && self.is_marker(start) {
                return None;
            }
            if self.is_dash(start) {
                self.line_of_item(column)?;
            } else {
                self.line_of_key(column)?;
            }
        }
        if self.value_below {
            return None;
        }
        while !self.open.is_empty() {
            self.close()?;
        }
        (!self.nodes.is_empty()).then_some(())
    }

    /// A line that begins with a dash.
    fn line_of_item(&mut self, column: usize) -> Option<()> {
        if self.value_below {
            // The collector does not indent a list below its key, but others do.
            if column < self.open.last()?.column {
                return None;
            }
            self.value_below = false;
            self.open_list(column)?;
        } else if self.nodes.is_empty() && column == 0 {
            self.open_list(column)?;
        } else {
            self.close_right_of(column)?;
            let list = self.open.last()?;
            if !list.is_list || list.column != column {
                return None;
            }
        }
        self.item(column)
    }

    /// A line that begins with a key.
    fn line_of_key(&mut self, column: usize) -> Option<()> {
        if self.value_below {
            if column <= self.open.last()?.column {
                return None;
            }
            self.value_below = false;
            self.open_map(column)?;
        } else if self.nodes.is_empty() && column == 0 {
            self.open_map(column)?;
        } else {
            self.close_right_of(column)?;
            // A list below a key ends where the next key of the same column begins.
            if self.open.last()?.is_list {
                self.close()?;
            }
            let map = self.open.last()?;
            if map.is_list || map.column != column {
                return None;
            }
        }
        let colon = self.colon(self.at)?;
        self.key(colon)
    }

    /// The item whose dash is here, in `column`.
    fn item(&mut self, column: usize) -> Option<()> {
        self.open.last_mut()?.count += 1;
        self.at += 2;
        let column = column + 2;
        if self.is_dash(self.at) {
            self.open_list(column)?;
            return self.item(column);
        }
        if begins_plain(self.bytes, self.at)
            && let Some(colon) = self.colon(self.at)
        {
            self.open_map(column)?;
            return self.key(colon);
        }
        self.value()
    }

    /// The key that is here and its value, if that is on the same line.
    fn key(&mut self, colon: usize) -> Option<()> {
        let start = self.at;
        let length = colon - start;
        if !begins_plain(self.bytes, start)
            || length > LONGEST_KEY
            || *self.bytes.get(colon - 1)? == b' '
        {
            return None;
        }
        self.check_new(start, colon)?;
        let source = to_u32(start);
        let key = self.bytes.get(start..colon)?;
        let first = self.names.seen(self.bytes, key, source).unwrap_or(source);
        self.nodes.push(Node::key(key, first, source));
        self.at = colon + 2;
        if *self.bytes.get(colon + 1)? == b'\n' {
            self.value_below = true;
            return Some(());
        }
        self.value()
    }

    /// Where the colon after the key is that begins at `start`, if one begins there.
    fn colon(&self, start: usize) -> Option<usize> {
        let line = self.bytes.get(start..)?;
        let mut before = b' ';
        for (index, pair) in line.windows(2).enumerate() {
            match pair {
                [b':', b' ' | b'\n'] => return Some(start + index),
                [b'\n', _] => return None,
                // A comment.
                [b'#', _] if before == b' ' => return None,
                [byte, ..] => before = *byte,
                [] => return None,
            }
        }
        None
    }

    /// Counts a key of the innermost map, unless the map has it already.
    fn check_new(&mut self, start: usize, end: usize) -> Option<()> {
        let key = self.bytes.get(start..end)?;
        let map = self.open.last_mut()?;
        map.count += 1;
        if map.count > SMALL_MAP {
            return Some(());
        }
        let (last, middle) = (*key.last()?, *key.get(key.len() / 2)?);
        let hash = key.len() ^ usize::from(last) << 1 ^ usize::from(middle) << 2;
        let bit = 1 << (hash % 64);
        let perhaps = map.seen & bit != 0;
        map.seen |= bit;
        let index = map.index;
        if perhaps && self.keys(index).any(|other| other == key) {
            None
        } else {
            Some(())
        }
    }

    /// The keys so far of the map at `index` of the tape, whose values are all complete.
    fn keys(&self, index: u32) -> impl Iterator<Item = &[u8]> {
        let mut next = index as usize + 1;
        std::iter::from_fn(move || {
            let key = self.nodes.get(next)?;
            let value = self.nodes.get(next + 1)?;
            next = if value.is_container() {
                value.first as usize
            } else {
                next + 2
            };
            self.bytes
                .get(key.first as usize..(key.first + key.second) as usize)
        })
    }

    fn open_list(&mut self, column: usize) -> Option<()> {
        self.open(column, true, Node::list(to_u32(self.at)))
    }

    fn open_map(&mut self, column: usize) -> Option<()> {
        self.open(column, false, Node::map(to_u32(self.at)))
    }

    fn open(&mut self, column: usize, is_list: bool, node: Node) -> Option<()> {
        if self.open.len() == DEPTH {
            return None;
        }
        let index = to_u32(self.nodes.len());
        self.nodes.push(node);
        self.open.push(Open {
            column,
            is_list,
            index,
            count: 0,
            seen: 0,
        });
        Some(())
    }

    /// Ends all lists and maps that begin right of `column`.
    fn close_right_of(&mut self, column: usize) -> Option<()> {
        while self.open.last()?.column > column {
            self.close()?;
        }
        Some(())
    }

    fn close(&mut self) -> Option<()> {
        let Open {
            index,
            count,
            is_list,
            ..
        } = self.open.pop()?;
        if !is_list && count > SMALL_MAP {
            let mut keys: Vec<&[u8]> = self.keys(index).collect();
            keys.sort_unstable();
            if keys.windows(2).any(|pair| pair.first() == pair.last()) {
                return None;
            }
        }
        let end = to_u32(self.nodes.len());
        let node = self.nodes.get_mut(index as usize)?;
        node.first = end;
        node.second = count;
        Some(())
    }

    /// The scalar or empty collection that begins here and ends its line or a later one.
    fn value(&mut self) -> Option<()> {
        let start = self.at;
        match *self.bytes.get(start)? {
            b'"' => self.double_quoted(),
            b'\'' => self.single_quoted(),
            b'|' => self.literal(),
            b'{' => self.empty(b"{}\n", Node::map(to_u32(start))),
            b'[' => self.empty(b"[]\n", Node::list(to_u32(start))),
            _ => self.plain(),
        }
    }

    fn empty(&mut self, text: &[u8], mut node: Node) -> Option<()> {
        if !self.bytes.get(self.at..)?.starts_with(text) {
            return None;
        }
        node.first = to_u32(self.nodes.len() + 1);
        self.nodes.push(node);
        self.at += text.len();
        Some(())
    }

    fn plain(&mut self) -> Option<()> {
        let start = self.at;
        if !begins_plain(self.bytes, start) {
            return None;
        }
        let end = self.end_of_plain_line(start)?;
        self.at = end + 1;
        let source = to_u32(start);
        let length = to_u32(end - start);
        let Some(mut next) = self.continuation() else {
            let scalar = self.text.get(start..end)?;
            self.nodes.push(match resolve(scalar) {
                Plain::Text => Node::text(source, length, source),
                Plain::Null => Node::null(source, length),
                Plain::Bool(truth) => Node::bool(truth, source, length),
                Plain::Integer(whole) => Node::integer(whole, source, length),
                Plain::Float(float) => Node::float(float, source, length),
            });
            return Some(());
        };
        // Folded text holds a blank, so it is neither null nor a number.
        let begin = self.extra.len();
        self.extra.push_str(self.text.get(start..end)?);
        loop {
            let end = self.end_of_plain_line(next)?;
            self.extra.push(' ');
            self.extra.push_str(self.text.get(next..end)?);
            self.at = end + 1;
            match self.continuation() {
                Some(below) => next = below,
                None => break,
            }
        }
        self.push_extra(begin, start);
        Some(())
    }

    /// Where the line of a plain scalar ends that has no key and no comment in it.
    fn end_of_plain_line(&self, start: usize) -> Option<usize> {
        let rest = self.bytes.get(start..)?;
        let length = memchr(b'\n', rest)?;
        let line = rest.get(..length)?;
        if matches!(line.last(), None | Some(b' ' | b':')) || line.starts_with(b"#") {
            return None;
        }
        for index in memchr2_iter(b':', b'#', line) {
            match line.get(index.saturating_sub(1)..index + 2) {
                Some([_, b':', b' '] | [b' ', b'#', _] | [b':', b' ']) => return None,
                // The last byte: no colon, see above.
                None if line.get(index.wrapping_sub(1)) == Some(&b' ') => return None,
                _ => {}
            }
        }
        Some(start + length)
    }

    /// Where the text of the next line begins if that line belongs to the scalar before it: it
    /// does if it is right of the list or map that the scalar is part of.
    fn continuation(&self) -> Option<usize> {
        let start = self.after_spaces(self.at);
        let column = start - self.at;
        (start < self.bytes.len() && column > self.open.last()?.column).then_some(start)
    }

    fn double_quoted(&mut self) -> Option<()> {
        let start = self.at;
        let begin = self.extra.len();
        // Blanks before a break are dropped, unless written as escapes: up to here all stays.
        let mut kept = begin;
        let mut from = start + 1;
        loop {
            let rest = self.bytes.get(from..)?;
            let stop = from + memchr3(b'"', b'\\', b'\n', rest)?;
            let part = self.text.get(from..stop)?;
            match *self.bytes.get(stop)? {
                b'"' => {
                    self.end_quoted(stop)?;
                    if from == start + 1 {
                        self.push_text(from, stop, start);
                    } else {
                        self.extra.push_str(part);
                        self.push_extra(begin, start);
                    }
                    return Some(());
                }
                b'\\' => {
                    self.extra.push_str(part);
                    let (character, length) = escape(self.text.get(stop + 1..)?)?;
                    self.extra.push(character);
                    from = stop + 1 + length;
                }
                _ => {
                    self.extra.push_str(part);
                    from = self.fold(stop, kept)?;
                }
            }
            kept = self.extra.len();
        }
    }

    fn single_quoted(&mut self) -> Option<()> {
        let start = self.at;
        let begin = self.extra.len();
        let mut from = start + 1;
        loop {
            let rest = self.bytes.get(from..)?;
            let stop = from + memchr2(b'\'', b'\n', rest)?;
            let part = self.text.get(from..stop)?;
            if *self.bytes.get(stop)? == b'\n' {
                self.extra.push_str(part);
                from = self.fold(stop, begin)?;
            } else if *self.bytes.get(stop + 1)? == b'\'' {
                self.extra.push_str(part);
                self.extra.push('\'');
                from = stop + 2;
            } else {
                self.end_quoted(stop)?;
                if from == start + 1 {
                    self.push_text(from, stop, start);
                } else {
                    self.extra.push_str(part);
                    self.push_extra(begin, start);
                }
                return Some(());
            }
        }
    }

    /// Folds the break of a quoted scalar at `stop` into one blank and says where its text goes on.
    fn fold(&mut self, stop: usize, kept: usize) -> Option<usize> {
        let text = self.extra.trim_end_matches(' ').len();
        self.extra.truncate(text.max(kept));
        self.at = stop + 1;
        let next = self.continuation()?;
        // A blank line would be a break of the text.
        if *self.bytes.get(next)? == b'\n' {
            return None;
        }
        self.extra.push(' ');
        Some(next)
    }

    /// A quoted scalar that ends at `stop` must end its line, too: it is no key.
    fn end_quoted(&mut self, stop: usize) -> Option<()> {
        self.at = stop + 2;
        (*self.bytes.get(stop + 1)? == b'\n').then_some(())
    }

    fn literal(&mut self) -> Option<()> {
        let start = self.at;
        let header = self.bytes.get(start + 1..start + 4)?;
        let (hint, chomp) = match header {
            [b'\n', ..] => (None, b' '),
            [chomp @ (b'-' | b'+'), b'\n', _] => (None, *chomp),
            [hint @ b'1'..=b'9', b'\n', _] => (Some(*hint), b' '),
            [hint @ b'1'..=b'9', chomp @ (b'-' | b'+'), b'\n'] => (Some(*hint), *chomp),
            _ => return None,
        };
        self.at = start + 1 + memchr(b'\n', header)? + 1;
        let parent = self.open.last()?.column;
        let indent = match hint {
            Some(digit) => parent + usize::from(digit - b'0'),
            None => {
                let first = self.after_spaces(self.at);
                let indent = first - self.at;
                if indent <= parent || self.bytes.get(first) == Some(&b'\n') {
                    return None;
                }
                indent
            }
        };
        let begin = self.extra.len();
        let mut blank_lines = 0;
        while let Some(line) = self.bytes.get(self.at..).filter(|line| !line.is_empty()) {
            if line.first() == Some(&b'\n') {
                blank_lines += 1;
                self.at += 1;
                continue;
            }
            let spaces = line
                .iter()
                .take(indent)
                .take_while(|byte| **byte == b' ')
                .count();
            // Blanks and nothing else: readers differ on whose they are.
            if line.get(spaces) == Some(&b'\n') {
                return None;
            }
            if spaces < indent {
                break;
            }
            let end = self.at + memchr(b'\n', line)? + 1;
            for _ in 0..blank_lines {
                self.extra.push('\n');
            }
            blank_lines = 0;
            self.extra.push_str(self.text.get(self.at + indent..end)?);
            self.at = end;
        }
        if self.extra.len() == begin {
            return None;
        }
        match chomp {
            b'-' => self.extra.truncate(self.extra.len() - 1),
            b'+' => {
                for _ in 0..blank_lines {
                    self.extra.push('\n');
                }
            }
            _ => {}
        }
        self.push_extra(begin, start);
        Some(())
    }

    fn push_text(&mut self, start: usize, end: usize, source: usize) {
        self.nodes.push(Node::text(
            to_u32(start),
            to_u32(end - start),
            to_u32(source),
        ));
    }

    fn push_extra(&mut self, begin: usize, source: usize) {
        let length = self.extra.len() - begin;
        self.nodes.push(Node::extra_text(
            to_u32(begin),
            to_u32(length),
            to_u32(source),
        ));
    }

    fn after_spaces(&self, from: usize) -> usize {
        let rest = self.bytes.get(from..).unwrap_or_default();
        from + rest.iter().take_while(|byte| **byte == b' ').count()
    }

    /// Whether a list's dash is here, with its item on the same line.
    fn is_dash(&self, at: usize) -> bool {
        matches!(self.bytes.get(at..at + 3), Some([b'-', b' ', next]) if !matches!(next, b' ' | b'\n'))
    }

    /// Whether a line begins like a document's start or end.
    fn is_marker(&self, at: usize) -> bool {
        matches!(self.bytes.get(at..at + 3), Some(b"---" | b"..."))
    }
}

/// Whether a plain scalar can begin here.
fn begins_plain(bytes: &[u8], at: usize) -> bool {
    match bytes.get(at..at + 2) {
        Some([b'-' | b'?' | b':', next]) => !matches!(next, b' ' | b'\n'),
        Some([first, _]) => !matches!(
            first,
            b' ' | b'\n'
                | b','
                | b'['
                | b']'
                | b'{'
                | b'}'
                | b'#'
                | b'&'
                | b'*'
                | b'!'
                | b'|'
                | b'>'
                | b'\''
                | b'"'
                | b'%'
                | b'@'
                | b'`'
        ),
        _ => false,
    }
}

/// The character of an escape, whose text begins after the backslash, and the bytes it takes.
fn escape(text: &str) -> Option<(char, usize)> {
    let digits = match *text.as_bytes().first()? {
        b'0' => return Some(('\0', 1)),
        b'a' => return Some(('\u{7}', 1)),
        b'b' => return Some(('\u{8}', 1)),
        b't' => return Some(('\t', 1)),
        b'n' => return Some(('\n', 1)),
        b'v' => return Some(('\u{b}', 1)),
        b'f' => return Some(('\u{c}', 1)),
        b'r' => return Some(('\r', 1)),
        b'e' => return Some(('\u{1b}', 1)),
        b' ' => return Some((' ', 1)),
        b'"' => return Some(('"', 1)),
        b'/' => return Some(('/', 1)),
        b'\\' => return Some(('\\', 1)),
        b'N' => return Some(('\u{85}', 1)),
        b'_' => return Some(('\u{a0}', 1)),
        b'L' => return Some(('\u{2028}', 1)),
        b'P' => return Some(('\u{2029}', 1)),
        b'x' => 2,
        b'u' => 4,
        b'U' => 8,
        _ => return None,
    };
    let code = text.get(1..1 + digits)?;
    if !code.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    Some((
        char::from_u32(u32::from_str_radix(code, 16).ok()?)?,
        1 + digits,
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::super::document::View;
    use super::*;

    fn tree(text: &str) -> Option<Json> {
        read(text.to_owned())
            .ok()
            .map(|document| document.root().to_json())
    }

    #[test]
    fn reads_every_style_of_scalar() {
        let table = [
            // Plain, also with what looks like structure in it, and folded.
            ("a: b c", json!("b c")),
            ("a: http://x:80/#y?z=1&w", json!("http://x:80/#y?z=1&w")),
            ("a: 0c:c4:7a:6b:84:20", json!("0c:c4:7a:6b:84:20")),
            ("a: -x", json!("-x")),
            ("a: :x:y", json!(":x:y")),
            ("a: x{y}[z],'w'\"", json!("x{y}[z],'w'\"")),
            ("a: b\n  c\n  d", json!("b c d")),
            ("a: b\n  - c", json!("b - c")),
            ("a: 1\n  2", json!("1 2")),
            ("a: ü", json!("ü")),
            // Not text.
            ("a: null", json!(null)),
            ("a: ~", json!(null)),
            ("a: true", json!(true)),
            ("a: 42", json!(42)),
            ("a: -7", json!(-7)),
            ("a: 0.1", json!(0.1)),
            ("a: 1e+09", json!(1e9)),
            ("a: 1.18225516953e+11", json!(1.182_255_169_53e11)),
            ("a: {}", json!({})),
            ("a: []", json!([])),
            // Double-quoted.
            ("a: \"null\"", json!("null")),
            ("a: \"\"", json!("")),
            ("a: \"2022-03-22T23:49:14Z\"", json!("2022-03-22T23:49:14Z")),
            ("a: \"# : - {\"", json!("# : - {")),
            (
                r#"a: "\t\n\r\"\\\/\ \0\a\b\v\f\e""#,
                json!("\t\n\r\"\\/ \0\u{7}\u{8}\u{b}\u{c}\u{1b}"),
            ),
            (
                r#"a: "\x41\u00e9\U0001F600\N\_\L\P""#,
                json!("Aé😀\u{85}\u{a0}\u{2028}\u{2029}"),
            ),
            ("a: \"b\n  c\"", json!("b c")),
            ("a: \"b  \n  \\  c\"", json!("b   c")),
            (
                "a: \"ready\n  \\n    kubernetes\"",
                json!("ready \n    kubernetes"),
            ),
            ("a: \"b\\n\n  \\  c\\n\n  d\"", json!("b\n   c\n d")),
            ("a: \"b\\t  \n  c\"", json!("b\t c")),
            ("a: \"b\n  - c: d\n  # e\"", json!("b - c: d # e")),
            // Single-quoted.
            ("a: '*'", json!("*")),
            ("a: ''", json!("")),
            ("a: 'it''s \\n'", json!("it's \\n")),
            (
                "a: '{\"b\":1,\n  \"c\": ''d''}'",
                json!("{\"b\":1, \"c\": 'd'}"),
            ),
            // Literal.
            ("a: |\n  b\n  c", json!("b\nc\n")),
            ("a: |-\n  b\n\n    c\n  # d: [", json!("b\n\n  c\n# d: [")),
            ("a: |+\n  b\n", json!("b\n\n")),
            ("a: |2\n   b\n  c", json!(" b\nc\n")),
            ("a: |2-\n\n  b\n\n", json!("\nb")),
            ("a: |-\n  b \n  ---", json!("b \n---")),
        ];
        for (text, expected) in table {
            for text in [format!("{text}\n"), format!("{text}\nz: 1\n")] {
                let mut whole = json!({"a": expected});
                if text.ends_with("z: 1\n") {
                    whole["z"] = json!(1);
                }
                assert_eq!(tree(&text), Some(whole.clone()), "{text}");
                assert_eq!(
                    serde_yaml::from_str::<Json>(&text).ok(),
                    Some(whole),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn reads_every_shape_of_collection() {
        let table = [
            (
                "a:\n- b\n- c: d\n  e: f\n- {}\n",
                json!({"a": ["b", {"c": "d", "e": "f"}, {}]}),
            ),
            (
                "a:\n  - b\n  - - c\n    - d\nz: 1\n",
                json!({"a": ["b", ["c", "d"]], "z": 1}),
            ),
            (
                "- - a\n  - b\n- - - c\n- d\n",
                json!([["a", "b"], [["c"]], "d"]),
            ),
            (
                "- a:\n  - b\n  c:\n    d: e\n",
                json!([{"a": ["b"], "c": {"d": "e"}}]),
            ),
            (
                "- |-\n  a\n- \"b\n  c\"\n- d\n  e\n",
                json!(["a", "b c", "d e"]),
            ),
            (
                ".: {}\nk:{\"port\":80,\"x\":\"y\"}:\n  f:a: {}\n",
                json!({".": {}, "k:{\"port\":80,\"x\":\"y\"}": {"f:a": {}}}),
            ),
            (
                "a b: c\n1: d\ntrue: e\nü/é: f\n",
                json!({"a b": "c", "1": "d", "true": "e", "ü/é": "f"}),
            ),
        ];
        for (text, expected) in table {
            assert_eq!(tree(text), Some(expected.clone()), "{text}");
            assert_eq!(
                serde_yaml::from_str::<Json>(text).ok(),
                Some(expected),
                "{text}"
            );
        }
    }

    #[test]
    fn gives_back_what_it_is_not_sure_of() {
        let texts = [
            "",
            "\n",
            "a",
            "a\n",
            "a: b",
            " a: b\n",
            "a:\tb\n",
            "a: b\tc\n",
            "a:\n\t- b\n",
            "a: b\r\n",
            "# c\na: b\n",
            "a: b # c\n",
            "a: # c\n  b: c\n",
            "a: b\n# c\n",
            "a: b #\n",
            "a:\n  b\n  # c\n",
            "---\na: b\n",
            "a: b\n...\n",
            "%YAML 1.2\na: b\n",
            "a: &x b\n",
            "a: *x\n",
            "a: !x b\n",
            "? a\n: b\n",
            "a: >\n  b\n",
            "a: [b]\n",
            "a: {b: c}\n",
            "a: { }\n",
            "\"a\": b\n",
            "'a': b\n",
            "a: b: c\n",
            "a: b:\n",
            "a:\n",
            "a:\nb: c\n",
            "- \n",
            "-\n  a: b\n",
            "-  a\n",
            "a:  b\n",
            "a: b \n",
            "a : b\n",
            "a: - b\n",
            "a: @b\n",
            "a: `b\n",
            "a: %b\n",
            "a: ,b\n",
            "a: ]\n",
            "a: b\n\nc: d\n",
            "a: b\n c: d\n",
            "a: b\na: c\n",
            "a:\n  b: c\n d: e\n",
            "- a\nb: c\n",
            "a: b\n- c\n",
            "a:\n  - b\n  c: d\n",
            "a: 'b' c\n",
            "a: \"b\" c\n",
            "a: 'b\n",
            "a: \"b\n",
            "a: \"\\q\"\n",
            "a: \"\\xg0\"\n",
            "a: \"\\x+1\"\n",
            "a: \"\\ud800\"\n",
            "a: \"b\\\n  c\"\n",
            "a: \"b\nc\"\n",
            "a: \"b\n\n  c\"\n",
            "a: 'b\n\n  c'\n",
            "a: |\n",
            "a: |\nb: c\n",
            "a: |0\n  b\n",
            "a: | # c\n  b\n",
            "a: |\n   \n  b\n",
            "a: |\n\n  b\n",
            "a: |\n  b\n \n",
            "a: |\n  b\n  \n",
            "a: |\n    b\n  c\n",
            "a: \u{85}b\n",
            "a: \u{2028}b\n",
            "\u{feff}a: b\n",
            "a: \0\n",
            "a: \u{7f}\n",
        ];
        for text in texts {
            assert_eq!(read(text.to_owned()).err().as_deref(), Some(text));
        }
        let deep: String = (0..DEPTH)
            .map(|depth| format!("{}a:\n", " ".repeat(depth)))
            .collect();
        assert!(tree(&format!("{deep}{}- b\n", " ".repeat(DEPTH))).is_none());
        assert!(tree(&format!("{}: b\n", "a".repeat(LONGEST_KEY))).is_some());
        assert!(tree(&format!("{}: b\n", "a".repeat(LONGEST_KEY + 1))).is_none());
    }

    #[test]
    fn finds_a_key_that_stands_twice_in_maps_of_any_size() {
        for number in [2, 3, 20, 24, 25, 26, 300] {
            let keys: String = (0..number)
                .map(|key| format!("key-{key}: {{}}\n"))
                .collect();
            assert!(tree(&keys).is_some(), "{number}");
            for repeated in [0, number / 2, number - 1] {
                assert!(
                    tree(&format!("{keys}key-{repeated}: 1\n")).is_none(),
                    "{number}"
                );
            }
        }
    }

    #[test]
    fn every_value_knows_its_line() {
        let text = concat!(
            "apiVersion: v1\n",        // 1
            "items:\n",                // 2
            "- kind: Event\n",         // 3
            "  message: folded\n",     // 4
            "    text\n",              // 5
            "  data:\n",               // 6
            "    literal: |-\n",       // 7
            "      status: Unknown\n", // 8
            "\n",                      // 9
            "    quoted: \"a\n",       // 10
            "      b\"\n",             // 11
            "    empty: {}\n",         // 12
            "- - x\n",                 // 13
            "  - conditions:\n",       // 14
            "    - status: Unknown\n", // 15
            "    - 1e+09\n",           // 16
            "kind: List\n",            // 17
        );
        let document = read(text.to_owned()).expect("of the fast part");
        let root = document.root();
        let line = |path: &[&str]| root.path(path).map(View::line);
        assert_eq!(line(&["apiVersion"]), Some(1));
        assert_eq!(line(&["items"]), Some(2));
        assert_eq!(line(&["kind"]), Some(17));
        let items: Vec<View> = root
            .get("items")
            .into_iter()
            .flat_map(View::items)
            .collect();
        assert_eq!(
            items.iter().map(|item| item.line()).collect::<Vec<_>>(),
            [3, 13]
        );
        let line = |path: &[&str]| {
            items
                .first()
                .and_then(|item| item.path(path))
                .map(View::line)
        };
        let lines = [
            line(&["kind"]),
            line(&["message"]),
            line(&["data"]),
            line(&["data", "literal"]),
        ];
        assert_eq!(lines, [Some(3), Some(4), Some(6), Some(7)]);
        assert_eq!(line(&["data", "quoted"]), Some(10));
        assert_eq!(line(&["data", "empty"]), Some(12));
        let inner: Vec<View> = items.iter().skip(1).flat_map(|item| item.items()).collect();
        assert_eq!(
            inner.iter().map(|item| item.line()).collect::<Vec<_>>(),
            [13, 14]
        );
        let conditions = inner
            .get(1)
            .and_then(|item| item.get("conditions"))
            .expect("it is there");
        assert_eq!(conditions.line(), 14);
        let lines: Vec<u32> = conditions.items().map(View::line).collect();
        assert_eq!(lines, [15, 16]);
        let offsets: Vec<&str> = conditions
            .items()
            .map(|item| &text[item.offset()..][..5])
            .collect();
        assert_eq!(offsets, ["statu", "1e+09"]);
        assert_eq!(document.at(conditions.index()).line(), 14);
    }
}
