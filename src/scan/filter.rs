//! Finds, fast, where any of many literals may stand in a text.
//!
//! Four bytes are looked at every few bytes: a literal of `n` bytes holds `n - 3` groups of four,
//! so one of them is looked at if the step is no longer than that. Each look is a hash and a bit
//! test, independent of the others, so the cost does not grow with the number of literals, and the
//! processor overlaps the looks; an automaton waits for each byte's state before it reads the next.

use super::literal::{SHORTEST, fold};

/// Bytes in a group.
const GROUP: usize = 4;
/// Bits of a group's hash: the table takes 16 KiB and stays in the first-level cache.
const HASH_BITS: u32 = 17;
/// Bits of the hash that choose the places to compare with.
const BUCKET_BITS: u32 = 12;
/// Literals from this length on go with the long step.
const LONG: usize = 8;

/// Literals of similar length, looked for with the step that the shortest of them allows.
pub(super) struct Filter {
    step: usize,
    present: Vec<u64>,
    /// Where the places of each bucket begin in `places`, and where the last ends.
    buckets: Vec<u32>,
    places: Vec<Place>,
    literals: Vec<Literal>,
}

/// A group in a literal.
#[derive(Clone, Copy)]
struct Place {
    /// Up to eight folded bytes of the literal, the group among them.
    bytes: u64,
    /// Which bits of `bytes` count.
    mask: u64,
    /// How many of them stand before the group.
    before: u32,
    literal: u32,
    /// Where in the literal the group stands.
    offset: u32,
}

struct Literal {
    folded: Vec<u8>,
    /// Patterns that need it, as the caller numbers them.
    patterns: Vec<u32>,
}

/// Filters for literals and the patterns that need them: one for the long, one for the short ones.
pub(super) fn filters(literals: impl IntoIterator<Item = (Vec<u8>, u32)>) -> Vec<Filter> {
    let mut patterns_of = std::collections::BTreeMap::<Vec<u8>, Vec<u32>>::new();
    for (literal, pattern) in literals {
        patterns_of.entry(literal).or_default().push(pattern);
    }
    let (long, short): (Vec<Literal>, Vec<Literal>) = patterns_of
        .into_iter()
        .filter(|(folded, _)| folded.len() >= SHORTEST)
        .map(|(folded, patterns)| Literal { folded, patterns })
        .partition(|literal| literal.folded.len() >= LONG);
    [long, short]
        .into_iter()
        .filter(|group| !group.is_empty())
        .map(Filter::new)
        .collect()
}

impl Filter {
    fn new(literals: Vec<Literal>) -> Filter {
        let shortest = literals
            .iter()
            .map(|literal| literal.folded.len())
            .min()
            .unwrap_or(SHORTEST);
        let step = shortest.clamp(SHORTEST, 3 * LONG) + 1 - GROUP;
        let mut present = vec![0u64; 1 << (HASH_BITS - 6)];
        let mut bucketed = Vec::new();
        for (literal, index) in literals.iter().zip(0u32..) {
            let start = rarest(&literal.folded, step + GROUP - 1);
            for offset in start..start + step {
                let Some(group) = group_at(&literal.folded, offset) else {
                    continue;
                };
                let hash = hash(group);
                present[hash >> 6] |= 1 << (hash & 63);
                bucketed.push((bucket(hash), Place::new(&literal.folded, index, offset)));
            }
        }
        bucketed.sort_by_key(|(bucket, _)| *bucket);
        let buckets = (0..=1 << BUCKET_BITS)
            .map(|bucket| bucketed.partition_point(|(other, _)| *other < bucket))
            .map(|start| u32::try_from(start).unwrap_or(u32::MAX))
            .collect();
        let places = bucketed.into_iter().map(|(_, place)| place).collect();
        Filter {
            step,
            present,
            buckets,
            places,
            literals,
        }
    }

    /// A place at or after `from` inside the first literal found there. Literals that begin before
    /// `from` may be missed.
    pub(super) fn find(&self, text: &[u8], from: usize) -> Option<usize> {
        let mut at = from;
        while let Some(group) = group_at(text, at) {
            let hash = hash(group);
            if self.may_hold(hash) && self.standing(text, at, hash).next().is_some() {
                return Some(at);
            }
            at += self.step;
        }
        None
    }

    /// Adds the patterns whose literals are in the text.
    pub(super) fn collect(&self, text: &[u8], patterns: &mut Vec<u32>) {
        let mut at = 0;
        while let Some(group) = group_at(text, at) {
            let hash = hash(group);
            if self.may_hold(hash) {
                for literal in self.standing(text, at, hash) {
                    patterns.extend_from_slice(&literal.patterns);
                }
            }
            at += self.step;
        }
    }

    #[inline]
    fn may_hold(&self, hash: usize) -> bool {
        self.present[hash >> 6] >> (hash & 63) & 1 == 1
    }

    /// Literals that stand in the text around a group.
    fn standing<'a>(
        &'a self,
        text: &'a [u8],
        at: usize,
        hash: usize,
    ) -> impl Iterator<Item = &'a Literal> {
        let bucket = bucket(hash);
        let (start, end) = (
            self.buckets[bucket] as usize,
            self.buckets[bucket + 1] as usize,
        );
        self.places[start..end].iter().filter_map(move |place| {
            let near = eight_at(text, at.checked_sub(place.before as usize)?);
            if near & place.mask != place.bytes {
                return None;
            }
            let literal = self.literals.get(place.literal as usize)?;
            let start = at.checked_sub(place.offset as usize)?;
            let found = text.get(start..start + literal.folded.len())?;
            let mut pairs = found.iter().zip(&literal.folded);
            if pairs.all(|(byte, wanted)| fold(*byte) == *wanted) {
                Some(literal)
            } else {
                None
            }
        })
    }
}

impl Place {
    fn new(folded: &[u8], literal: u32, offset: usize) -> Place {
        // As many bytes after the group as there are, then as many before as fit.
        let start = offset.min(folded.len().saturating_sub(8));
        let length = (folded.len() - start).min(8);
        let mask = if length == 8 {
            u64::MAX
        } else {
            (1 << (8 * length)) - 1
        };
        let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Place {
            bytes: eight_at(folded, start) & mask,
            mask,
            before: small(offset - start),
            literal,
            offset: small(offset),
        }
    }
}

/// Eight folded bytes of a text; those beyond its end are folded zeros.
#[inline]
fn eight_at(text: &[u8], at: usize) -> u64 {
    let rest = text.get(at..).unwrap_or_default();
    let bytes = match rest.first_chunk::<8>() {
        Some(bytes) => *bytes,
        None => std::array::from_fn(|index| rest.get(index).copied().unwrap_or_default()),
    };
    u64::from_le_bytes(bytes) | 0x2020_2020_2020_2020
}

#[inline]
fn group_at(text: &[u8], at: usize) -> Option<u32> {
    let bytes = text.get(at..)?.first_chunk::<GROUP>()?;
    Some(u32::from_le_bytes(*bytes) | 0x2020_2020)
}

#[inline]
fn hash(group: u32) -> usize {
    (group.wrapping_mul(0x9E37_79B1) >> (32 - HASH_BITS)) as usize
}

#[inline]
fn bucket(hash: usize) -> usize {
    hash >> (HASH_BITS - BUCKET_BITS)
}

/// Where to cut a piece of a literal so that its groups are seldom met in logs.
fn rarest(folded: &[u8], width: usize) -> usize {
    let weight = |piece: &[u8]| -> u32 {
        let groups = piece.windows(GROUP);
        groups
            .map(|group| 1 << group.iter().map(|byte| commonness(*byte)).sum::<u32>())
            .sum()
    };
    let pieces = folded.windows(width.min(folded.len()).max(1)).enumerate();
    pieces
        .min_by_key(|(_, piece)| weight(piece))
        .map_or(0, |(start, _)| start)
}

/// How common a folded byte is in logs, from 1 to 5.
fn commonness(byte: u8) -> u32 {
    match byte {
        b' ' | b'e' | b't' | b'i' | b'n' | b'o' | b'r' | b'a' | b's' | b'0'..=b'2' => 5,
        b'l' | b'd' | b'c' | b'm' | b'p' | b'u' | b'-' | b':' | b'3'..=b'9' => 4,
        b'g' | b'h' | b'f' | b'v' | b'b' | b'"' | b'=' | b'.' | b'/' => 3,
        b'a'..=b'z' => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_literals_at_every_place() {
        let literals = [
            "abcdefgh",
            "connection refused",
            "oom-kill",
            "BTRFS",
            "md: x",
            "four",
        ];
        let filters = filters(
            literals
                .iter()
                .map(|text| text.bytes().map(fold).collect())
                .zip(0..),
        );
        assert_eq!(filters.len(), 2);
        for (literal, index) in literals.iter().zip(0u32..) {
            for before in 0..24 {
                for after in 0..3 {
                    let text = format!(
                        "{}{}{}",
                        "~".repeat(before),
                        literal.to_uppercase(),
                        "~".repeat(after)
                    );
                    let text = text.as_bytes();
                    let found: Vec<usize> = filters
                        .iter()
                        .filter_map(|filter| filter.find(text, 0))
                        .collect();
                    assert_eq!(found.len(), 1, "{literal} after {before}");
                    assert!(found[0] >= before && found[0] < before + literal.len());
                    let mut patterns = Vec::new();
                    filters
                        .iter()
                        .for_each(|filter| filter.collect(text, &mut patterns));
                    patterns.dedup();
                    assert_eq!(patterns, [index]);
                }
            }
        }
        for filter in &filters {
            assert_eq!(filter.find(b"connection refuse abcdefg oom-kil", 0), None);
            assert_eq!(filter.find(b"", 0), None);
        }
    }
}
