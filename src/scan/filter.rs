//! Finds, fast, where any of many literals may stand in a text.
//!
//! Four bytes are looked at every few bytes: a literal of `n` bytes holds `n - 3` groups of four,
//! so one of them is looked at if the step is no longer than that. Each look is a hash and a bit
//! test, independent of the others, so the cost hardly grows with the number of literals, and the
//! processor overlaps the looks; an automaton waits for each byte's state before it reads the next.
//! Single groups (`erro`, `serv`) are common in logs, so where a literal is long enough for two
//! looks, both must have met one of its kind.
//!
//! Literals too short for a step worth the name are few; a vectorised searcher finds them, so long
//! as their letter case is known.

use std::collections::BTreeMap;

use aho_corasick::Span;
use aho_corasick::packed::Searcher;

use super::literal::{LONG, Required, SHORTEST, fold};

/// Bytes in a group.
const GROUP: usize = 4;
/// Bits of a group's hash: with two bits each, the table takes 16 KiB and stays in the first-level
/// cache.
const HASH_BITS: u32 = 16;
/// Bits of the hash that choose the places to compare with.
const BUCKET_BITS: u32 = 12;
/// Bit of a group in a literal that one look may meet.
const ONCE: u64 = 1;
/// Bit of a group in a literal that two looks in a row meet.
const TWICE: u64 = 2;

/// Finds some of the literals.
pub(super) enum Filter {
    /// By looking at groups.
    Sampled(Sampled),
    /// By comparing many bytes at once.
    Packed(Packed),
}

struct Literal {
    bytes: Vec<u8>,
    /// Patterns that need it, as the caller numbers them.
    patterns: Vec<u32>,
}

/// Filters for literals and the patterns that need them.
pub(super) fn filters<'a>(required: impl IntoIterator<Item = (&'a Required, u32)>) -> Vec<Filter> {
    let mut folded = BTreeMap::<Vec<u8>, Vec<u32>>::new();
    let mut exact = BTreeMap::<Vec<u8>, Vec<u32>>::new();
    for (required, pattern) in required {
        let (all, literals) = match required {
            Required::Folded(literals) => (&mut folded, literals),
            Required::Exact(literals) => (&mut exact, literals),
        };
        for literal in literals {
            all.entry(literal.clone()).or_default().push(pattern);
        }
    }
    let packed = Packed::new(&exact);
    if packed.is_none() {
        // There are too many, or this machine has no vectors.
        for (literal, patterns) in exact {
            let literal = literal.into_iter().map(fold).collect();
            folded.entry(literal).or_default().extend(patterns);
        }
    }
    let (long, short): (Vec<Literal>, Vec<Literal>) = folded
        .into_iter()
        .map(|(bytes, patterns)| Literal { bytes, patterns })
        .partition(|literal| literal.bytes.len() >= LONG);
    let sampled = [long, short]
        .into_iter()
        .filter(|literals| !literals.is_empty());
    sampled
        .map(|literals| Filter::Sampled(Sampled::new(literals)))
        .chain(packed.map(Filter::Packed))
        .collect()
}

impl Filter {
    /// A place at or after `from` inside the first literal found there. Literals that begin before
    /// `from` may be missed.
    pub(super) fn find(&self, text: &[u8], from: usize) -> Option<usize> {
        match self {
            Filter::Sampled(sampled) => sampled.find(text, from),
            Filter::Packed(packed) => packed.find(text, from),
        }
    }

    /// Adds the patterns whose literals are in the text.
    pub(super) fn collect(&self, text: &[u8], patterns: &mut Vec<u32>) {
        match self {
            Filter::Sampled(sampled) => sampled.collect(text, patterns),
            Filter::Packed(packed) => packed.collect(text, patterns),
        }
    }
}

/// Literals whose letter case is known, found by vectors.
pub(super) struct Packed {
    searcher: Searcher,
    literals: Vec<Literal>,
}

impl Packed {
    fn new(exact: &BTreeMap<Vec<u8>, Vec<u32>>) -> Option<Packed> {
        if exact.is_empty() {
            return None;
        }
        let searcher = Searcher::new(exact.keys())?;
        let literal = |(bytes, patterns): (&Vec<u8>, &Vec<u32>)| Literal {
            bytes: bytes.clone(),
            patterns: patterns.clone(),
        };
        Some(Packed {
            searcher,
            literals: exact.iter().map(literal).collect(),
        })
    }

    fn find(&self, text: &[u8], from: usize) -> Option<usize> {
        if from >= text.len() {
            return None;
        }
        Some(
            self.searcher
                .find_in(text, Span::from(from..text.len()))?
                .start(),
        )
    }

    fn collect(&self, text: &[u8], patterns: &mut Vec<u32>) {
        let mut from = 0;
        while let Some(start) = self.find(text, from) {
            // The searcher names one of the literals that begin there.
            for literal in &self.literals {
                if text[start..].starts_with(&literal.bytes) {
                    patterns.extend_from_slice(&literal.patterns);
                }
            }
            from = start + 1;
        }
    }
}

/// Folded literals of similar length, looked for with the step that the shortest of them allows.
pub(super) struct Sampled {
    step: usize,
    /// [`ONCE`] and [`TWICE`] of each hash.
    present: Vec<u64>,
    /// Where the places of each bucket begin in `places`, and where the last ends.
    buckets: Vec<u32>,
    places: Vec<Place>,
    literals: Vec<Literal>,
}

/// Where to look next, and whether the look before met a group of a longer literal.
struct Looks {
    at: usize,
    before: u64,
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

impl Sampled {
    fn new(literals: Vec<Literal>) -> Sampled {
        let lengths = literals.iter().map(|literal| literal.bytes.len());
        let step = lengths.min().unwrap_or(SHORTEST).clamp(SHORTEST, 3 * LONG) + 1 - GROUP;
        let mut present = vec![0u64; 1 << (HASH_BITS - 5)];
        let mut bucketed = Vec::new();
        for (literal, index) in literals.iter().zip(0u32..) {
            let twice = literal.bytes.len() >= 2 * step + GROUP - 1;
            let (looks, bit) = if twice {
                (2 * step, TWICE)
            } else {
                (step, ONCE)
            };
            let start = rarest(&literal.bytes, looks + GROUP - 1);
            for offset in start..start + looks {
                let Some(group) = group_at(&literal.bytes, offset) else {
                    continue;
                };
                let hash = hash(group);
                present[hash >> 5] |= bit << (2 * (hash & 31));
                // The literal is compared at the last look.
                if offset + step >= start + looks {
                    bucketed.push((bucket(hash), Place::new(&literal.bytes, index, offset)));
                }
            }
        }
        bucketed.sort_by_key(|(bucket, _)| *bucket);
        let buckets = (0..=1 << BUCKET_BITS)
            .map(|bucket| bucketed.partition_point(|(other, _)| *other < bucket))
            .map(|start| u32::try_from(start).unwrap_or(u32::MAX))
            .collect();
        let places = bucketed.into_iter().map(|(_, place)| place).collect();
        Sampled {
            step,
            present,
            buckets,
            places,
            literals,
        }
    }

    fn find(&self, text: &[u8], from: usize) -> Option<usize> {
        let mut looks = Looks {
            at: from,
            before: 0,
        };
        while let Some((at, hash)) = self.look(&mut looks, text) {
            if self.standing(text, at, hash).next().is_some() {
                return Some(at);
            }
        }
        None
    }

    fn collect(&self, text: &[u8], patterns: &mut Vec<u32>) {
        let mut looks = Looks { at: 0, before: 0 };
        while let Some((at, hash)) = self.look(&mut looks, text) {
            for literal in self.standing(text, at, hash) {
                patterns.extend_from_slice(&literal.patterns);
            }
        }
    }

    /// The next look that may have met a literal.
    #[inline]
    fn look(&self, looks: &mut Looks, text: &[u8]) -> Option<(usize, usize)> {
        let Looks { mut at, mut before } = *looks;
        loop {
            let hash = hash(group_at(text, at)?);
            let met = self.present[hash >> 5] >> (2 * (hash & 31));
            let may = met & (before | ONCE) & (ONCE | TWICE);
            before = met & TWICE;
            at += self.step;
            if may != 0 {
                *looks = Looks { at, before };
                return Some((at - self.step, hash));
            }
        }
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
            let found = text.get(start..start + literal.bytes.len())?;
            let mut pairs = found.iter().zip(&literal.bytes);
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
        let folded = [
            "abcdefgh",
            "connection refused",
            "oom-kill",
            "a literal of many, many bytes",
        ];
        let short = ["md: x", "four"];
        let exact = ["BTRFS", "BTRFS: ", "nvme"];
        let required: Vec<Required> = folded
            .iter()
            .chain(&short)
            .map(|text| Required::Folded(vec![text.bytes().map(fold).collect()]))
            .chain(
                exact
                    .iter()
                    .map(|text| Required::Exact(vec![text.as_bytes().to_vec()])),
            )
            .collect();
        let filters = filters(required.iter().zip(0..));
        let found = |text: &[u8]| {
            let places = filters.iter().filter_map(|filter| filter.find(text, 0));
            let mut patterns = Vec::new();
            filters
                .iter()
                .for_each(|filter| filter.collect(text, &mut patterns));
            patterns.sort_unstable();
            patterns.dedup();
            (places.collect::<Vec<usize>>(), patterns)
        };
        for (literal, index) in folded.iter().chain(&short).chain(&exact).zip(0u32..) {
            for before in 0..40 {
                for after in [0, 1, 2, 40] {
                    let cased = if index < 6 {
                        literal.to_uppercase()
                    } else {
                        (*literal).to_owned()
                    };
                    let text = format!("{}{cased}{}", "~".repeat(before), "~".repeat(after));
                    let (places, patterns) = found(text.as_bytes());
                    assert_eq!(places.len(), 1, "{literal} after {before}");
                    assert!(places[0] >= before && places[0] < before + literal.len());
                    let expected: &[u32] = if index == 7 { &[6, 7] } else { &[index] };
                    assert_eq!(patterns, expected, "{literal} after {before}");
                }
            }
        }
        for text in ["connection refuse abcdefg oom-kil btrfs NVMe", ""] {
            assert_eq!(found(text.as_bytes()), (vec![], vec![]));
        }
    }

    #[test]
    fn many_short_literals_are_found_without_vectors() {
        let words: Vec<String> = (0..300).map(|number| format!("W{number:04}")).collect();
        let exact = words
            .iter()
            .map(|word| Required::Exact(vec![word.as_bytes().to_vec()]));
        let required: Vec<Required> = exact.collect();
        let filters = filters(required.iter().zip(0..));
        for (word, index) in words.iter().zip(0u32..) {
            let text = format!("... {word} ...");
            let mut patterns = Vec::new();
            filters
                .iter()
                .for_each(|filter| filter.collect(text.as_bytes(), &mut patterns));
            assert!(patterns.contains(&index), "{word}");
            assert!(
                filters
                    .iter()
                    .any(|filter| filter.find(text.as_bytes(), 0).is_some())
            );
        }
    }
}
