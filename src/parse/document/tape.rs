//! The nodes that a document is made of.

/// Bytes that normalisation cuts from a text that ends in `"null`.
pub(in crate::parse) const CUT: u32 = 4;

/// One step of the tape.
#[derive(Debug, Clone, Copy)]
pub(in crate::parse) struct Node {
    pub(in crate::parse) kind: Kind,
    /// Length of a null's, truth value's or number's own text, which begins at `source`. Of a key:
    /// its [`fingerprint`], by which a search passes over others without a look at their text.
    pub(in crate::parse) token: u16,
    /// Where it begins in the source.
    pub(in crate::parse) source: u32,
    /// Of a text or key: where it begins. Of a list or map: index after its subtree. Of a number:
    /// the upper half of its bits. Of a truth value: 1 for true.
    pub(in crate::parse) first: u32,
    /// Of a text or key: its length in bytes. Of a list or map: the number of items or entries. Of
    /// a number: the lower half of its bits.
    pub(in crate::parse) second: u32,
}

/// A node larger than this would break the memory bound: 2.5 bytes per byte of YAML, text included.
const _: () = assert!(std::mem::size_of::<Node>() == 16);

/// What a node is, and where its text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::parse) enum Kind {
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
    pub(in crate::parse) fn is_key(self) -> bool {
        matches!(self, Kind::Key | Kind::ExtraKey)
    }

    pub(in crate::parse) fn is_in_extra(self) -> bool {
        matches!(self, Kind::ExtraText | Kind::CutExtraText | Kind::ExtraKey)
    }
}

impl Node {
    pub(in crate::parse) fn is_container(self) -> bool {
        matches!(self.kind, Kind::List | Kind::Map)
    }

    pub(in crate::parse) fn null(source: u32, length: u32) -> Node {
        Node {
            kind: Kind::Null,
            token: to_u16(length),
            source,
            first: 0,
            second: 0,
        }
    }

    pub(in crate::parse) fn bool(truth: bool, source: u32, length: u32) -> Node {
        let token = to_u16(length);
        Node {
            kind: Kind::Bool,
            token,
            source,
            first: u32::from(truth),
            second: 0,
        }
    }

    pub(in crate::parse) fn integer(number: i64, source: u32, length: u32) -> Node {
        Node::number(Kind::Integer, number.cast_unsigned(), source, length)
    }

    pub(in crate::parse) fn float(number: f64, source: u32, length: u32) -> Node {
        Node::number(Kind::Float, number.to_bits(), source, length)
    }

    pub(in crate::parse) fn text(start: u32, length: u32, source: u32) -> Node {
        Node {
            kind: Kind::Text,
            token: 0,
            source,
            first: start,
            second: length,
        }
    }

    pub(in crate::parse) fn extra_text(start: u32, length: u32, source: u32) -> Node {
        Node {
            kind: Kind::ExtraText,
            token: 0,
            source,
            first: start,
            second: length,
        }
    }

    /// A key of this text, which begins at `start`.
    pub(in crate::parse) fn key(text: &[u8], start: u32, source: u32) -> Node {
        Node {
            kind: Kind::Key,
            token: fingerprint(text),
            source,
            first: start,
            second: to_u32(text.len()),
        }
    }

    pub(in crate::parse) fn list(source: u32) -> Node {
        Node {
            kind: Kind::List,
            token: 0,
            source,
            first: 0,
            second: 0,
        }
    }

    pub(in crate::parse) fn map(source: u32) -> Node {
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

    pub(in crate::parse) fn bits(self) -> u64 {
        u64::from(self.first) << 32 | u64::from(self.second)
    }
}

/// A number in which keys that stand beside each other mostly differ.
pub(in crate::parse) fn fingerprint(key: &[u8]) -> u16 {
    let byte = |at: usize| key.get(at).copied().map_or(0, u16::from);
    let (middle, last) = (key.len() / 2, key.len().saturating_sub(1));
    byte(0) ^ byte(middle) << 4 ^ byte(last) << 8
}

/// An offset as the tape keeps it. Readers refuse texts beyond 4 GiB, so nothing is lost.
pub(in crate::parse) fn to_u32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Takes entries of maps off a tape, keys and values. `keys` are the indices of their keys, in
/// ascending order.
pub(in crate::parse) fn drop_entries(nodes: &mut Vec<Node>, keys: &[u32]) {
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
