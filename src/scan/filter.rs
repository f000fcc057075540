//! Finds, fast, where any of many literals may stand in a text.
//!
//! Four bytes are looked at every few bytes: a literal of `n` bytes holds `n - 3` groups of four,
//! so one of them is looked at if the step is no longer than that. Each look is a hash and a bit
//! test, independent of the others, so the cost does not grow with the number of literals, and the
//! processor overlaps the looks; an automaton waits for each byte's state before it reads the next.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::literal::{SHORTEST, fold};

/// Bytes in a group.
const GROUP: usize = 4;
/// Bits of a group's hash: the table takes 16 KiB and stays in the first-level cache.
const HASH_BITS: u32 = 17;
/// Literals from this length on go with the long step.
const LONG: usize = 8;

/// Literals of similar length, looked for with the step that the shortest of them allows.
pub(super) struct Filter {
    step: usize,
    present: Vec<u64>,
    /// Folded group to the literals that hold it, and where.
    groups: HashMap<u32, Vec<Place>, FixedState>,
    literals: Vec<Literal>,
}

#[derive(Clone, Copy)]
struct Place {
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
        let mut groups = HashMap::<u32, Vec<Place>, FixedState>::default();
        for (literal, index) in literals.iter().zip(0u32..) {
            let start = rarest(&literal.folded, step + GROUP - 1);
            for offset in start..start + step {
                let Some(group) = group_at(&literal.folded, offset) else {
                    continue;
                };
                let (word, bit) = slot(group);
                present[word] |= 1 << bit;
                let place = Place {
                    literal: index,
                    offset: u32::try_from(offset).unwrap_or(u32::MAX),
                };
                groups.entry(group).or_default().push(place);
            }
        }
        Filter {
            step,
            present,
            groups,
            literals,
        }
    }

    /// A place at or after `from` inside the first literal found there. Literals that begin before
    /// `from` may be missed.
    pub(super) fn find(&self, text: &[u8], from: usize) -> Option<usize> {
        let mut at = from;
        while let Some(group) = group_at(text, at) {
            if self.may_hold(group) && self.places(text, at, group).next().is_some() {
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
            if self.may_hold(group) {
                for literal in self.places(text, at, group) {
                    patterns.extend_from_slice(&literal.patterns);
                }
            }
            at += self.step;
        }
    }

    #[inline]
    fn may_hold(&self, group: u32) -> bool {
        let (word, bit) = slot(group);
        self.present[word] >> bit & 1 == 1
    }

    /// Literals that stand in the text around a group.
    fn places<'a>(
        &'a self,
        text: &'a [u8],
        at: usize,
        group: u32,
    ) -> impl Iterator<Item = &'a Literal> {
        self.groups
            .get(&group)
            .into_iter()
            .flatten()
            .filter_map(move |place| {
                let literal = self.literals.get(place.literal as usize)?;
                let start = at.checked_sub(place.offset as usize)?;
                let found = text.get(start..start + literal.folded.len())?;
                let equal = found
                    .iter()
                    .zip(&literal.folded)
                    .all(|(byte, wanted)| fold(*byte) == *wanted);
                if equal { Some(literal) } else { None }
            })
    }
}

#[inline]
fn group_at(text: &[u8], at: usize) -> Option<u32> {
    let bytes = text.get(at..)?.first_chunk::<GROUP>()?;
    Some(u32::from_le_bytes(*bytes) | 0x2020_2020)
}

/// Word and bit of a group in the table.
#[inline]
fn slot(group: u32) -> (usize, u32) {
    let hash = group.wrapping_mul(0x9E37_79B1) >> (32 - HASH_BITS);
    ((hash >> 6) as usize, hash & 63)
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
