//! A parsed document: one flat tape of nodes over the text that it owns.
//!
//! A node is 16 bytes and refers to the text by offset, so that a document of ten thousand objects
//! is three allocations, can be sent between threads and needs no lifetime of its own.

mod builder;
mod names;
mod tape;

use std::fmt;

use memchr::memchr_iter;

pub use self::builder::Builder;
pub(super) use self::names::Names;
pub(super) use self::tape::{CUT, Kind, Node, drop_entries, fingerprint, to_u32};

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

    /// Reads a little of each cache line of what begins at a value, so that it is near when it is asked
    /// for; what it gives stands for nothing.
    pub(crate) fn touch(&self, index: u32) -> u32 {
        /// Of 64 bytes; the status of a pod of two containers fills about as many.
        const LINES: usize = 24;
        const NODES: usize = 64 / std::mem::size_of::<Node>();
        let nodes = self.nodes.get(index as usize..).unwrap_or_default();
        let lines = nodes.iter().step_by(NODES).take(LINES);
        lines.fold(0, |sum, node| sum ^ node.second)
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
        let document = self.document;
        let map = self.node();
        if map.kind != Kind::Map {
            return None;
        }
        // Most keys differ in what the tape tells of them without a look at their text.
        let (length, print) = (key.len(), fingerprint(key.as_bytes()));
        let nodes = &document.nodes;
        let mut at = self.index as usize + 1;
        while at < map.first as usize
            && let Some([name, value]) = nodes.get(at..at + 2)
        {
            if name.token == print
                && name.second as usize == length
                && document.text_of(*name) == key
            {
                let index = to_u32(at + 1);
                return Some(View { document, index });
            }
            at = match value.kind {
                Kind::List | Kind::Map => (value.first as usize).max(at + 2),
                _ => at + 2,
            };
        }
        None
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
    /// a map, that of its dash for an item of a list (that of the item itself if someone wrote it
    /// below its dash). 0 if the document has no source.
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
    fn keys_of_one_fingerprint_stay_themselves() {
        let (one, other) = ("abxcd", "aexfd");
        assert_eq!(fingerprint(one.as_bytes()), fingerprint(other.as_bytes()));
        let text = format!("{one}: 1\n{other}: 2\n? {other}s\n: 3\n7: 4\n");
        let flow = format!("{{{one}: 1, {other}: 2, \"{other}\\x73\": 3, 7: 4}}");
        let json = json!({ one: 1, other: 2, "aexfds": 3, "7": 4 });
        let documents = [
            crate::parse::yaml_text(&text),
            crate::parse::yaml_text(&flow),
            Some(Document::from_json(&json)),
        ];
        for document in documents {
            let document = document.expect("it is right");
            let value = |key: &str| document.root().get(key).and_then(View::as_i64);
            assert_eq!((value(one), value(other)), (Some(1), Some(2)));
            assert_eq!((value("aexfds"), value("7")), (Some(3), Some(4)));
            assert_eq!(value("axxxd"), None);
        }
    }

    #[test]
    fn documents_cross_threads() {
        fn check<T: Send + Sync>() {}
        check::<Document>();
        check::<View<'static>>();
    }
}
