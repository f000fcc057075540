//! Reads any YAML 1.2 into the tape: what has left the collector's part of the language.
//!
//! Files that people edited, the collector's rare `? ` keys and the case files of rules come here.
//! The event parser bounds nesting; copies made by aliases are bounded here, because they alone
//! let a short text ask for a large tree.

use std::borrow::Cow;
use std::collections::BTreeMap;

use granit_parser::{Event, Parser, ScalarStyle, Span, Tag};

use super::document::{Kind, Node, drop_entries, fingerprint, to_u32};
use super::scalar::{Plain, resolve};

/// Lists and maps within each other, as serde's YAML and JSON readers bound them.
const DEPTH: usize = 128;

/// Nodes that all aliases of a document may add: 16 MB.
const ALIASED_NODES: usize = 1_000_000;

/// One document of a text.
pub(super) struct Tape {
    pub(super) nodes: Vec<Node>,
    pub(super) extra: String,
    /// Byte of the text that the nodes' offsets count from.
    pub(super) start: usize,
    /// 1-based line of `start`.
    pub(super) line: u32,
    /// Bytes of the text from `start` whose keys stand twice in their map, with the key. The last
    /// one of a map is kept, as other readers of Kubernetes' YAML do.
    pub(super) repeated: Vec<(u32, String)>,
}

/// Why a text was not read to its end.
pub(super) struct Failure {
    /// Byte of the text.
    pub(super) offset: usize,
    /// 1-based.
    pub(super) line: u32,
    pub(super) reason: String,
}

/// Reads a text's documents up to its end or its first mistake.
pub(super) fn read(text: &str) -> (Vec<Tape>, Option<Failure>) {
    let options = granit_parser::options! {
        flow_nesting_limit: DEPTH,
        block_nesting_limit: DEPTH,
        emit_comments: false,
        block_scalar_eof_without_line_feed: true,
    };
    let mut tapes = Vec::new();
    let mut writer = Writer::new(text, 0, 1);
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                let mark = error.marker();
                let failure = Failure {
                    offset: mark.byte_offset().unwrap_or(text.len()),
                    line: to_u32(mark.line()),
                    reason: error.info(),
                };
                return (tapes, Some(failure));
            }
        };
        let written = match event {
            Event::DocumentStart(..) => {
                if !tapes.is_empty() {
                    let start = span.start.byte_offset().unwrap_or_default();
                    writer = Writer::new(text, start, to_u32(span.start.line()));
                }
                Ok(())
            }
            Event::DocumentEnd => {
                let empty = Writer::new(text, 0, 1);
                tapes.push(std::mem::replace(&mut writer, empty).finish());
                Ok(())
            }
            Event::Scalar(scalar, style, anchor, tag) => {
                writer.scalar(&scalar, style, anchor, tag.as_deref(), span)
            }
            Event::SequenceStart(_, anchor, _) => writer.begin(true, anchor, span),
            Event::MappingStart(_, anchor, _) => writer.begin(false, anchor, span),
            Event::SequenceEnd | Event::MappingEnd => writer.end(),
            Event::Alias(anchor) => writer.alias(anchor),
            _ => Ok(()),
        };
        if let Err(reason) = written {
            let failure = Failure {
                offset: span.start.byte_offset().unwrap_or(text.len()),
                line: to_u32(span.start.line()),
                reason: reason.into(),
            };
            return (tapes, Some(failure));
        }
    }
    (tapes, None)
}

/// Writes events of one document to its tape.
struct Writer<'t> {
    text: &'t str,
    tape: Tape,
    /// Open lists and maps, outermost first.
    open: Vec<Open>,
    /// Begin and end on the tape of what bears an anchor.
    anchors: BTreeMap<usize, (usize, usize)>,
    aliased: usize,
}

struct Open {
    index: usize,
    is_list: bool,
    anchor: usize,
    /// Items or entries so far.
    count: u32,
    /// A key was read and its value was not.
    value_is_next: bool,
}

type Written = Result<(), Cow<'static, str>>;

const CONTAINER_AS_KEY: Cow<'static, str> = Cow::Borrowed("a list or map stands as a key");

impl<'t> Writer<'t> {
    fn new(text: &'t str, start: usize, line: u32) -> Writer<'t> {
        let tape = Tape {
            nodes: Vec::new(),
            extra: String::new(),
            start,
            line,
            repeated: Vec::new(),
        };
        Writer {
            text,
            tape,
            open: Vec::new(),
            anchors: BTreeMap::new(),
            aliased: 0,
        }
    }

    /// Counts a node into its list or map. Says whether it is a key.
    fn place(&mut self) -> bool {
        let Some(open) = self.open.last_mut() else {
            return false;
        };
        let is_key = !open.is_list && !open.value_is_next;
        if is_key || open.is_list {
            open.count += 1;
        }
        open.value_is_next = is_key;
        is_key
    }

    fn source(&self, span: Span) -> usize {
        span.start
            .byte_offset()
            .unwrap_or_default()
            .saturating_sub(self.tape.start)
    }

    fn scalar(
        &mut self,
        scalar: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        span: Span,
    ) -> Written {
        let source = self.source(span);
        let is_key = self.place();
        let mut node = self.text(scalar, source);
        if is_key {
            node.kind = if node.kind == Kind::Text {
                Kind::Key
            } else {
                Kind::ExtraKey
            };
        } else {
            let is_plain = match tag.and_then(Tag::core_suffix) {
                Some("null" | "bool" | "int" | "float") => true,
                Some(_) => false,
                None => {
                    style == ScalarStyle::Plain && tag.is_none_or(|tag| tag.parts() != ("", "!"))
                }
            };
            // A number's own text is that within its quotes, if a tag made it a number.
            let (source, length) = match node.kind {
                Kind::Text => (node.first, node.second),
                _ => (node.source, 0),
            };
            match if is_plain {
                resolve(scalar)
            } else {
                Plain::Text
            } {
                Plain::Text => {}
                Plain::Null => node = Node::null(source, length),
                Plain::Bool(truth) => node = Node::bool(truth, source, length),
                Plain::Integer(whole) => node = Node::integer(whole, source, length),
                Plain::Float(float) => node = Node::float(float, source, length),
            }
        }
        let index = self.tape.nodes.len();
        self.tape.nodes.push(node);
        self.name(anchor, index);
        Ok(())
    }

    /// A text node that refers to the source, if the scalar stands there as it is, and else to a
    /// copy.
    fn text(&mut self, scalar: &str, source: usize) -> Node {
        let length = scalar.len();
        for quote in [0, 1] {
            let begin = self.tape.start + source + quote;
            if self.text.get(begin..begin + length) == Some(scalar) {
                return Node::text(to_u32(source + quote), to_u32(length), to_u32(source));
            }
        }
        let begin = self.tape.extra.len();
        self.tape.extra.push_str(scalar);
        Node::extra_text(to_u32(begin), to_u32(length), to_u32(source))
    }

    fn begin(&mut self, is_list: bool, anchor: usize, span: Span) -> Written {
        if self.place() {
            return Err(CONTAINER_AS_KEY);
        }
        // The event parser bounds block and flow each for itself.
        if self.open.len() == DEPTH {
            return Err(too_deep());
        }
        let source = to_u32(self.source(span));
        let index = self.tape.nodes.len();
        self.tape.nodes.push(if is_list {
            Node::list(source)
        } else {
            Node::map(source)
        });
        self.open.push(Open {
            index,
            is_list,
            anchor,
            count: 0,
            value_is_next: false,
        });
        Ok(())
    }

    fn end(&mut self) -> Written {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let end = to_u32(self.tape.nodes.len());
        if let Some(node) = self.tape.nodes.get_mut(open.index) {
            node.first = end;
            node.second = open.count;
        }
        self.name(open.anchor, open.index);
        Ok(())
    }

    /// Remembers the anchor of the node that begins at `index` and ends here. 0 is no anchor.
    fn name(&mut self, anchor: usize, index: usize) {
        if anchor != 0 {
            self.anchors.insert(anchor, (index, self.tape.nodes.len()));
        }
    }

    fn alias(&mut self, anchor: usize) -> Written {
        let Some(&(begin, end)) = self.anchors.get(&anchor) else {
            return Err("an alias stands within what it names".into());
        };
        let is_key = self.place();
        self.aliased += end - begin;
        if self.aliased > ALIASED_NODES {
            return Err(format!("aliases ask for more than {ALIASED_NODES} values").into());
        }
        let shift = to_u32(self.tape.nodes.len() - begin);
        let mut ends: Vec<u32> = Vec::new();
        for index in begin..end {
            let Some(mut node) = self.tape.nodes.get(index).copied() else {
                break;
            };
            while ends.last().is_some_and(|end| *end as usize <= index) {
                ends.pop();
            }
            if node.is_container() {
                ends.push(node.first);
                node.first += shift;
                if is_key {
                    return Err(CONTAINER_AS_KEY);
                }
                if self.open.len() + ends.len() > DEPTH {
                    return Err(too_deep());
                }
            }
            if index == begin {
                node.kind = match (is_key, node.kind) {
                    (true, Kind::Text) => Kind::Key,
                    (true, Kind::ExtraText) => Kind::ExtraKey,
                    (false, Kind::Key) => Kind::Text,
                    (false, Kind::ExtraKey) => Kind::ExtraText,
                    (true, Kind::Null | Kind::Bool | Kind::Integer | Kind::Float) => {
                        (node.first, node.second) = (node.source, u32::from(node.token));
                        Kind::Key
                    }
                    (_, kind) => kind,
                };
            }
            self.tape.nodes.push(node);
        }
        Ok(())
    }

    fn finish(mut self) -> Tape {
        if self.tape.nodes.is_empty() {
            self.tape.nodes.push(Node::null(0, 0));
        }
        let repeated = self.repeated_keys();
        if !repeated.is_empty() {
            for index in &repeated {
                if let Some(key) = self.tape.nodes.get(*index as usize) {
                    self.tape
                        .repeated
                        .push((key.source, self.key(*key).to_owned()));
                }
            }
            drop_entries(&mut self.tape.nodes, &repeated);
        }
        for index in 0..self.tape.nodes.len() {
            let key = self.tape.nodes.get(index).filter(|it| it.kind.is_key());
            let token = key.map(|key| fingerprint(self.key(*key).as_bytes()));
            if let (Some(node), Some(token)) = (self.tape.nodes.get_mut(index), token) {
                node.token = token;
            }
        }
        self.tape.nodes.shrink_to_fit();
        self.tape
    }

    fn key(&self, key: Node) -> &str {
        let (home, start) = match key.kind {
            Kind::ExtraKey => (self.tape.extra.as_str(), 0),
            _ => (self.text, self.tape.start),
        };
        let begin = start + key.first as usize;
        home.get(begin..begin + key.second as usize)
            .unwrap_or_default()
    }

    /// Indices of keys that stand again later in the same map, in order.
    fn repeated_keys(&self) -> Vec<u32> {
        let nodes = &self.tape.nodes;
        let mut repeated = Vec::new();
        for (index, map) in nodes.iter().enumerate() {
            if map.kind != Kind::Map || map.second < 2 {
                continue;
            }
            let mut keys = Vec::new();
            let mut next = index + 1;
            while next < map.first as usize
                && let (Some(key), Some(value)) = (nodes.get(next), nodes.get(next + 1))
            {
                keys.push((self.key(*key), to_u32(next)));
                next = if value.is_container() {
                    value.first as usize
                } else {
                    next + 2
                };
            }
            keys.sort_unstable();
            for pair in keys.windows(2) {
                if let [(first, index), (second, _)] = pair
                    && first == second
                {
                    repeated.push(*index);
                }
            }
        }
        repeated.sort_unstable();
        repeated
    }
}

fn too_deep() -> Cow<'static, str> {
    format!("more than {DEPTH} lists and maps within each other").into()
}
