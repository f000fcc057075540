//! Makes documents that were not read.

use super::names::Names;
use super::tape::{Kind, Node, to_u32};
use super::{Document, Value, View};

/// Makes a document of values of our own, such as derived objects.
///
/// Calls follow the order of the source that is not there: `begin_map`, `key`, a value, ..., `end`.
/// What is left open is closed by `finish`; a key without a value gets null.
#[derive(Debug)]
pub struct Builder {
    text: String,
    nodes: Vec<Node>,
    names: Names,
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
            names: Names::new(),
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
        let end = to_u32(self.text.len());
        let seen = self.names.seen(self.text.as_bytes(), name.as_bytes(), end);
        let start = seen.unwrap_or_else(|| self.store(name).0);
        self.nodes.push(Node::key(name.as_bytes(), start, start));
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
                self.nodes.push(Node::key(b"", 0, 0));
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
}
