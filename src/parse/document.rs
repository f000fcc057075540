//! A parsed document: one flat tape of nodes over the text that it owns.
//!
//! A node is 16 bytes and refers to the text by offset, so that a document of ten thousand objects
//! is three allocations, can be sent between threads and needs no lifetime of its own.

use std::fmt;

use memchr::memchr_iter;

/// A document that owns its text. Its values are [`View`]s into it.
#[derive(Clone)]
pub struct Document {
    /// The source as it was read, or, of a document made by [`Builder`], all its scalars in a row.
    text: String,
    /// Scalars that do not stand in the source as such: unescaped, unfolded, unindented.
    extra: String,
    /// The nodes in pre-order. Lists and maps know where their subtree ends.
    nodes: Vec<Node>,
    /// Line of the source where `text` begins; 0 if there is no source.
    first_line: u32,
}

/// A value of a document, a copy of which costs nothing.
#[derive(Clone, Copy)]
pub struct View<'d> {
    document: &'d Document,
    index: u32,
}

/// What a value is.
#[derive(Debug, Clone, Copy)]
pub enum Value<'d> {
    /// `null`, `~` or nothing at all.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A number with a point or an exponent, or one too large for `Integer`.
    Float(f64),
    /// Text.
    Text(&'d str),
    /// Values in order.
    List(ListView<'d>),
    /// Values by key, in the order of the source.
    Map(MapView<'d>),
}

/// A view known to be a list.
#[derive(Debug, Clone, Copy)]
pub struct ListView<'d>(View<'d>);

/// A view known to be a map.
#[derive(Debug, Clone, Copy)]
pub struct MapView<'d>(View<'d>);

impl Document {
    /// The outermost value.
    pub fn root(&self) -> View<'_> {
        self.at(0)
    }

    /// The value that [`View::index`] named. An index that names no value gives a null.
    pub fn at(&self, index: u32) -> View<'_> {
        View {
            document: self,
            index,
        }
    }

    /// The source text. Empty if the document was made by [`Builder`] or from JSON.
    pub fn text(&self) -> &str {
        if self.first_line == 0 { "" } else { &self.text }
    }

    /// Gives back the memory that reading set aside and did not need.
    pub fn shrink(&mut self) {
        self.text.shrink_to_fit();
        self.extra.shrink_to_fit();
        self.nodes.shrink_to_fit();
    }

    /// Bytes that the document holds on the heap.
    pub fn heap_size(&self) -> usize {
        self.text.capacity()
            + self.extra.capacity()
            + self.nodes.capacity() * std::mem::size_of::<Node>()
    }

    /// The document of a JSON value. It has no source, so its lines are 0.
    pub fn from_json(value: &serde_json::Value) -> Document {
        let mut builder = Builder::new();
        builder.json(value);
        builder.finish()
    }

    /// A document of a source text whose first line is `first_line` of its file (1-based).
    pub(super) fn from_parts(
        text: String,
        extra: String,
        nodes: Vec<Node>,
        first_line: u32,
    ) -> Document {
        Document {
            text,
            extra,
            nodes,
            first_line,
        }
    }

    pub(super) fn nodes_mut(&mut self) -> &mut Vec<Node> {
        &mut self.nodes
    }

    fn node(&self, index: u32) -> Node {
        self.nodes
            .get(index as usize)
            .copied()
            .unwrap_or(Node::null(0, 0))
    }

    /// The text that a text or key node refers to, without what normalisation cut from it.
    pub(super) fn text_of(&self, node: Node) -> &str {
        let home = if node.kind.is_in_extra() {
            &self.extra
        } else {
            &self.text
        };
        slice(home, node.first, node.second)
    }

    /// The source text of a null, truth value or number.
    pub(super) fn token(&self, node: Node) -> &str {
        slice(&self.text, node.source, u32::from(node.token))
    }

    /// Index after the subtree that begins at `index`.
    fn after(&self, index: u32) -> u32 {
        let node = self.node(index);
        match node.kind {
            Kind::List | Kind::Map => node.first,
            _ => index + 1,
        }
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root().fmt(f)
    }
}

impl<'d> View<'d> {
    /// What the value is.
    pub fn value(self) -> Value<'d> {
        let node = self.node();
        match node.kind {
            Kind::Null | Kind::Absent => Value::Null,
            Kind::Bool => Value::Bool(node.first != 0),
            Kind::Integer => Value::Integer(node.bits().cast_signed()),
            Kind::Float => Value::Float(f64::from_bits(node.bits())),
            Kind::List => Value::List(ListView(self)),
            Kind::Map => Value::Map(MapView(self)),
            Kind::Text
            | Kind::ExtraText
            | Kind::CutText
            | Kind::CutExtraText
            | Kind::Key
            | Kind::ExtraKey => Value::Text(self.document.text_of(node)),
        }
    }

    /// The document that the value is part of.
    pub fn document(self) -> &'d Document {
        self.document
    }

    /// Names the value in its document, for [`Document::at`].
    pub fn index(self) -> u32 {
        self.index
    }

    /// The value of a key, if this is a map and has it.
    pub fn get(self, key: &str) -> Option<View<'d>> {
        self.entries()
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value)
    }

    /// The value at the end of a path of keys, if all are there.
    pub fn path(self, keys: &[&str]) -> Option<View<'d>> {
        keys.iter().try_fold(self, |view, key| view.get(key))
    }

    /// The text, if this is text.
    pub fn as_str(self) -> Option<&'d str> {
        match self.value() {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The whole number, if this is one.
    pub fn as_i64(self) -> Option<i64> {
        match self.value() {
            Value::Integer(number) => Some(number),
            _ => None,
        }
    }

    /// The number, whole or not, if this is one.
    #[expect(clippy::cast_precision_loss, reason = "asked for as a float")]
    pub fn as_f64(self) -> Option<f64> {
        match self.value() {
            Value::Integer(number) => Some(number as f64),
            Value::Float(number) => Some(number),
            _ => None,
        }
    }

    /// The truth value, if this is one.
    pub fn as_bool(self) -> Option<bool> {
        match self.value() {
            Value::Bool(truth) => Some(truth),
            _ => None,
        }
    }

    /// Whether this is null.
    pub fn is_null(self) -> bool {
        matches!(self.value(), Value::Null)
    }

    /// The items of a list; none for any other kind.
    pub fn items(self) -> impl Iterator<Item = View<'d>> + use<'d> {
        Children::of(self, Kind::List)
    }

    /// The keys and values of a map in the order of the source; none for any other kind.
    pub fn entries(self) -> impl Iterator<Item = (&'d str, View<'d>)> + use<'d> {
        let document = self.document;
        Children::of(self, Kind::Map).map(move |value| {
            // The key of a map's value stands right before it on the tape.
            let key = document.node(value.index - 1);
            (document.text_of(key), value)
        })
    }

    /// Number of items or entries; 0 for a scalar.
    #[expect(
        clippy::len_without_is_empty,
        reason = "a scalar is neither empty nor not"
    )]
    pub fn len(self) -> usize {
        let node = self.node();
        match node.kind {
            Kind::List | Kind::Map => node.second as usize,
            _ => 0,
        }
    }

    /// Byte of the source text where the value begins: a scalar's first byte (its quote, if it has
    /// one), a map's first key, a list's first dash, the bracket of an empty one.
    pub fn offset(self) -> usize {
        self.node().source as usize
    }

    /// 1-based line of the source where a reader finds the value: that of its key for the value of
    /// a map, that of its dash for an item of a list. 0 if the document has no source.
    ///
    /// Counts line ends from the top, so it is for evidence, not for loops over a whole bundle.
    pub fn line(self) -> u32 {
        if self.document.first_line == 0 {
            return 0;
        }
        let bytes = self.document.text.as_bytes();
        let offset = match self
            .index
            .checked_sub(1)
            .map(|before| self.document.node(before))
        {
            Some(key) if key.kind.is_key() => key.source as usize,
            _ => self.offset(),
        };
        let before = &bytes[..offset.min(bytes.len())];
        let breaks = memchr_iter(b'\n', before).count();
        self.document
            .first_line
            .saturating_add(u32::try_from(breaks).unwrap_or(u32::MAX))
    }

    /// The text of a scalar before normalisation changed it: `null` of an absent value, the
    /// exponent form of a number. Empty for a list or map.
    pub fn raw(self) -> &'d str {
        let node = self.node();
        let document = self.document;
        match node.kind {
            Kind::Absent => "null",
            Kind::Null | Kind::Bool | Kind::Integer | Kind::Float => document.token(node),
            Kind::CutText => slice(&document.text, node.first, node.second + CUT),
            Kind::CutExtraText => slice(&document.extra, node.first, node.second + CUT),
            Kind::Text | Kind::ExtraText | Kind::Key | Kind::ExtraKey => document.text_of(node),
            Kind::List | Kind::Map => "",
        }
    }

    /// The value as JSON. Numbers that JSON cannot write (infinities, NaN) become null.
    pub fn to_json(self) -> serde_json::Value {
        match self.value() {
            Value::Null => serde_json::Value::Null,
            Value::Bool(truth) => truth.into(),
            Value::Integer(number) => number.into(),
            Value::Float(number) => number.into(),
            Value::Text(text) => text.into(),
            Value::List(list) => list.iter().map(View::to_json).collect(),
            Value::Map(map) => map
                .iter()
                .map(|(key, value)| (key.to_owned(), value.to_json()))
                .collect(),
        }
    }

    fn node(self) -> Node {
        self.document.node(self.index)
    }
}

impl fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.to_json())
    }
}

impl<'d> ListView<'d> {
    /// The items.
    pub fn iter(self) -> impl Iterator<Item = View<'d>> + use<'d> {
        self.0.items()
    }

    /// Number of items.
    pub fn len(self) -> usize {
        self.0.len()
    }

    /// Whether there is no item.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

impl<'d> MapView<'d> {
    /// The value of a key.
    pub fn get(self, key: &str) -> Option<View<'d>> {
        self.0.get(key)
    }

    /// The keys and values in the order of the source.
    pub fn iter(self) -> impl Iterator<Item = (&'d str, View<'d>)> + use<'d> {
        self.0.entries()
    }

    /// Number of entries.
    pub fn len(self) -> usize {
        self.0.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// The values of a list or map, by hops over their subtrees.
struct Children<'d> {
    document: &'d Document,
    next: u32,
    end: u32,
    /// Nodes before each value: one key in a map.
    keys: u32,
}

impl<'d> Children<'d> {
    fn of(view: View<'d>, kind: Kind) -> Children<'d> {
        let node = view.node();
        let next = view.index.saturating_add(1);
        let end = if node.kind == kind { node.first } else { 0 };
        Children {
            document: view.document,
            next,
            end,
            keys: u32::from(kind == Kind::Map),
        }
    }
}

impl<'d> Iterator for Children<'d> {
    type Item = View<'d>;

    fn next(&mut self) -> Option<View<'d>> {
        let value = self
            .next
            .checked_add(self.keys)
            .filter(|value| *value < self.end)?;
        // An end that does not lie ahead would make a loop of the tape.
        self.next = self.document.after(value).max(value + 1);
        Some(View {
            document: self.document,
            index: value,
        })
    }
}

/// Makes a document of values of our own, such as derived objects.
///
/// Calls follow the order of the source that is not there: `begin_map`, `key`, a value, ..., `end`.
/// What is left open is closed by `finish`; a key without a value gets null.
#[derive(Debug)]
pub struct Builder {
    text: String,
    nodes: Vec<Node>,
    /// Open lists and maps, outermost first.
    open: Vec<u32>,
}

impl Builder {
    /// An empty document.
    #[expect(clippy::new_without_default, reason = "a builder is begun on purpose")]
    pub fn new() -> Builder {
        Builder {
            text: String::new(),
            nodes: Vec::new(),
            open: Vec::new(),
        }
    }

    /// Opens a map: keys and values follow, up to `end`.
    pub fn begin_map(&mut self) -> &mut Builder {
        self.begin(Node::map(0))
    }

    /// Opens a list: values follow, up to `end`.
    pub fn begin_list(&mut self) -> &mut Builder {
        self.begin(Node::list(0))
    }

    /// Closes the innermost open list or map.
    pub fn end(&mut self) -> &mut Builder {
        self.give_pending_key_a_value();
        if let Some(index) = self.open.pop() {
            let end = self.position();
            if let Some(node) = self.nodes.get_mut(index as usize) {
                node.first = end;
            }
        }
        self
    }

    /// Names the next value of the open map.
    pub fn key(&mut self, name: &str) -> &mut Builder {
        self.give_pending_key_a_value();
        let (start, length) = self.store(name);
        self.nodes.push(Node::key(start, length, start));
        self
    }

    /// Text.
    pub fn text(&mut self, text: &str) -> &mut Builder {
        let (start, length) = self.store(text);
        self.put(Node::text(start, length, start))
    }

    /// A whole number.
    pub fn integer(&mut self, number: i64) -> &mut Builder {
        let (start, length) = self.store(&number.to_string());
        self.put(Node::integer(number, start, length))
    }

    /// Any number.
    pub fn float(&mut self, number: f64) -> &mut Builder {
        let (start, length) = self.store(&number.to_string());
        self.put(Node::float(number, start, length))
    }

    /// A truth value.
    pub fn bool(&mut self, truth: bool) -> &mut Builder {
        let (start, length) = self.store(if truth { "true" } else { "false" });
        self.put(Node::bool(truth, start, length))
    }

    /// Null.
    pub fn null(&mut self) -> &mut Builder {
        let (start, length) = self.store("null");
        self.put(Node::null(start, length))
    }

    /// A JSON value with all below it. Whole numbers beyond `i64` become floats.
    pub fn json(&mut self, value: &serde_json::Value) -> &mut Builder {
        match value {
            serde_json::Value::Null => self.null(),
            serde_json::Value::Bool(truth) => self.bool(*truth),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(whole) => self.integer(whole),
                None => self.float(number.as_f64().unwrap_or(f64::NAN)),
            },
            serde_json::Value::String(text) => self.text(text),
            serde_json::Value::Array(items) => {
                self.begin_list();
                for item in items {
                    self.json(item);
                }
                self.end()
            }
            serde_json::Value::Object(entries) => {
                self.begin_map();
                for (key, value) in entries {
                    self.key(key).json(value);
                }
                self.end()
            }
        }
    }

    /// A copy of a value of another document with all below it.
    pub fn view(&mut self, view: View<'_>) -> &mut Builder {
        match view.value() {
            Value::Null => self.null(),
            Value::Bool(truth) => self.bool(truth),
            Value::Integer(number) => self.integer(number),
            Value::Float(number) => self.float(number),
            Value::Text(text) => self.text(text),
            Value::List(list) => {
                self.begin_list();
                for item in list.iter() {
                    self.view(item);
                }
                self.end()
            }
            Value::Map(map) => {
                self.begin_map();
                for (key, value) in map.iter() {
                    self.key(key).view(value);
                }
                self.end()
            }
        }
    }

    /// The document.
    pub fn finish(mut self) -> Document {
        while !self.open.is_empty() {
            self.end();
        }
        if self.nodes.is_empty() {
            self.null();
        }
        let mut document = Document::from_parts(self.text, String::new(), self.nodes, 0);
        document.shrink();
        document
    }

    fn begin(&mut self, node: Node) -> &mut Builder {
        self.put(node);
        self.open.push(self.position().saturating_sub(1));
        self
    }

    fn put(&mut self, node: Node) -> &mut Builder {
        let innermost = self.open.last().map(|open| *open as usize);
        if let Some(container) = innermost.and_then(|open| self.nodes.get_mut(open)) {
            container.second += 1;
            let nameless =
                container.kind == Kind::Map && self.nodes.last().is_none_or(|n| !n.kind.is_key());
            debug_assert!(!nameless, "a value of a map without a key");
            if nameless {
                self.nodes.push(Node::key(0, 0, 0));
            }
        }
        self.nodes.push(node);
        self
    }

    fn give_pending_key_a_value(&mut self) {
        if self.nodes.last().is_some_and(|node| node.kind.is_key()) {
            self.null();
        }
    }

    fn store(&mut self, text: &str) -> (u32, u32) {
        let start = to_u32(self.text.len());
        self.text.push_str(text);
        (start, to_u32(text.len()))
    }

    fn position(&self) -> u32 {
        to_u32(self.nodes.len())
    }
}

/// Bytes that normalisation cuts from a text that ends in `"null`.
pub(super) const CUT: u32 = 4;

/// One step of the tape.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub(super) kind: Kind,
    /// Length of a null's, truth value's or number's own text, which begins at `source`.
    pub(super) token: u16,
    /// Where it begins in the source.
    pub(super) source: u32,
    /// Of a text or key: where it begins. Of a list or map: index after its subtree. Of a number:
    /// the upper half of its bits. Of a truth value: 1 for true.
    pub(super) first: u32,
    /// Of a text or key: its length in bytes. Of a list or map: the number of items or entries. Of
    /// a number: the lower half of its bits.
    pub(super) second: u32,
}

/// A node larger than this would break the memory bound: 2.5 bytes per byte of YAML, text included.
const _: () = assert!(std::mem::size_of::<Node>() == 16);

/// What a node is, and where its text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    /// The text `null`, which normalisation took for null.
    Absent,
    Bool,
    Integer,
    Float,
    Text,
    ExtraText,
    /// A text that normalisation made [`CUT`] bytes shorter.
    CutText,
    CutExtraText,
    List,
    Map,
    Key,
    ExtraKey,
}

impl Kind {
    pub(super) fn is_key(self) -> bool {
        matches!(self, Kind::Key | Kind::ExtraKey)
    }

    fn is_in_extra(self) -> bool {
        matches!(self, Kind::ExtraText | Kind::CutExtraText | Kind::ExtraKey)
    }
}

impl Node {
    pub(super) fn is_container(self) -> bool {
        matches!(self.kind, Kind::List | Kind::Map)
    }

    pub(super) fn null(source: u32, length: u32) -> Node {
        Node {
            kind: Kind::Null,
            token: to_u16(length),
            source,
            first: 0,
            second: 0,
        }
    }

    pub(super) fn bool(truth: bool, source: u32, length: u32) -> Node {
        let token = to_u16(length);
        Node {
            kind: Kind::Bool,
            token,
            source,
            first: u32::from(truth),
            second: 0,
        }
    }

    pub(super) fn integer(number: i64, source: u32, length: u32) -> Node {
        Node::number(Kind::Integer, number.cast_unsigned(), source, length)
    }

    pub(super) fn float(number: f64, source: u32, length: u32) -> Node {
        Node::number(Kind::Float, number.to_bits(), source, length)
    }

    pub(super) fn text(start: u32, length: u32, source: u32) -> Node {
        Node {
            kind: Kind::Text,
            token: 0,
            source,
            first: start,
            second: length,
        }
    }

    pub(super) fn extra_text(start: u32, length: u32, source: u32) -> Node {
        Node {
            kind: Kind::ExtraText,
            token: 0,
            source,
            first: start,
            second: length,
        }
    }

    pub(super) fn key(start: u32, length: u32, source: u32) -> Node {
        Node {
            kind: Kind::Key,
            token: 0,
            source,
            first: start,
            second: length,
        }
    }

    pub(super) fn list(source: u32) -> Node {
        Node {
            kind: Kind::List,
            token: 0,
            source,
            first: 0,
            second: 0,
        }
    }

    pub(super) fn map(source: u32) -> Node {
        Node {
            kind: Kind::Map,
            token: 0,
            source,
            first: 0,
            second: 0,
        }
    }

    fn number(kind: Kind, bits: u64, source: u32, length: u32) -> Node {
        #[expect(clippy::cast_possible_truncation, reason = "the two halves")]
        let (first, second) = ((bits >> 32) as u32, bits as u32);
        Node {
            kind,
            token: to_u16(length),
            source,
            first,
            second,
        }
    }

    pub(super) fn bits(self) -> u64 {
        u64::from(self.first) << 32 | u64::from(self.second)
    }
}

/// An offset as the tape keeps it. Readers refuse texts beyond 4 GiB, so nothing is lost.
pub(super) fn to_u32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Takes entries of maps off a tape, keys and values. `keys` are the indices of their keys, in
/// ascending order.
pub(super) fn drop_entries(nodes: &mut Vec<Node>, keys: &[u32]) {
    let mut keys = keys.iter().map(|key| *key as usize).peekable();
    // Open lists and maps: where they end as read, and their index as written.
    let mut open: Vec<(usize, usize)> = Vec::new();
    let (mut read, mut written) = (0, 0);
    loop {
        while let Some((_, index)) = open.pop_if(|(end, _)| *end <= read) {
            if let Some(container) = nodes.get_mut(index) {
                container.first = to_u32(written);
            }
        }
        while keys.next_if(|key| *key < read).is_some() {}
        let Some(node) = nodes.get(read).copied() else {
            break;
        };
        if keys.next_if_eq(&read).is_some() {
            read = match nodes.get(read + 1) {
                Some(value) if value.is_container() => value.first as usize,
                _ => read + 2,
            };
            if let Some(map) = open.last().and_then(|(_, index)| nodes.get_mut(*index)) {
                map.second = map.second.saturating_sub(1);
            }
            continue;
        }
        if let Some(place) = nodes.get_mut(written) {
            *place = node;
        }
        if node.is_container() {
            open.push((node.first as usize, written));
        }
        read += 1;
        written += 1;
    }
    nodes.truncate(written);
}

fn to_u16(number: u32) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

fn slice(text: &str, start: u32, length: u32) -> &str {
    let start = start as usize;
    text.get(start..start.saturating_add(length as usize))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn builder_gives_what_was_put_in() {
        let mut builder = Builder::new();
        builder
            .begin_map()
            .key("kind")
            .text("doctor/Host")
            .key("list")
            .begin_list();
        builder
            .integer(-3)
            .float(0.5)
            .bool(true)
            .null()
            .begin_map()
            .end()
            .begin_list()
            .end()
            .end();
        builder.key("large").integer(i64::MIN).end();
        let document = builder.finish();
        let root = document.root();
        let expected = json!({
            "kind": "doctor/Host", "list": [-3, 0.5, true, null, {}, []], "large": i64::MIN,
        });
        assert_eq!(root.to_json(), expected);
        assert_eq!(root.len(), 3);
        assert_eq!(root.get("list").map(View::len), Some(6));
        assert_eq!(root.line(), 0);
        assert_eq!(document.text(), "");
        assert_eq!(Document::from_json(&expected).root().to_json(), expected);
        let mut copy = Builder::new();
        copy.view(root);
        assert_eq!(copy.finish().root().to_json(), expected);
    }

    #[test]
    fn builder_closes_what_is_open() {
        let mut builder = Builder::new();
        builder
            .begin_map()
            .key("a")
            .begin_list()
            .begin_map()
            .key("b");
        assert_eq!(
            builder.finish().root().to_json(),
            json!({"a": [{"b": null}]})
        );
        assert!(Builder::new().finish().root().is_null());
    }

    #[test]
    fn views_answer_by_kind() {
        let document = Document::from_json(&json!({
            "map": {"a": {"b": 7}}, "text": "x", "whole": 4, "part": 1.5, "truth": false,
        }));
        let root = document.root();
        assert_eq!(
            root.path(&["map", "a", "b"]).and_then(View::as_i64),
            Some(7)
        );
        assert!(root.path(&["map", "c", "b"]).is_none());
        assert!(root.path(&["text", "b"]).is_none());
        assert_eq!(root.get("text").and_then(View::as_str), Some("x"));
        assert_eq!(root.get("whole").and_then(View::as_f64), Some(4.0));
        assert_eq!(root.get("part").and_then(View::as_i64), None);
        assert_eq!(root.get("truth").and_then(View::as_bool), Some(false));
        assert_eq!(root.items().count(), 0);
        assert_eq!(
            root.entries().map(|(key, _)| key).collect::<Vec<_>>().len(),
            5
        );
        let part = root.get("part").expect("it is there");
        assert_eq!(document.at(part.index()).raw(), "1.5");
        assert!(document.at(9999).is_null());
    }

    #[test]
    fn documents_cross_threads() {
        fn check<T: Send + Sync>() {}
        check::<Document>();
        check::<View<'static>>();
    }
}
