//! Finds literals of which at least one is in every line that a pattern matches.
//!
//! Letter case is folded away, so `(?i)` costs nothing and a class such as `[Ee]` is one literal.
//! Folding takes a few other bytes together, too: it may let a line through, never hold one back.

use std::collections::BTreeSet;

use regex_syntax::hir::{Class, Hir, HirKind};

/// Shorter literals are in too many lines.
pub(super) const SHORTEST: usize = 4;
/// A pattern with more alternatives is taken apart no further.
const MOST: usize = 64;
/// Longer literals tell no more.
const LONGEST: usize = 32;

/// A byte without its letter case.
pub(super) fn fold(byte: u8) -> u8 {
    byte | 0x20
}

type Literals = BTreeSet<Vec<u8>>;

/// Folded literals, one of which is in each match; `None` if there are none of use.
pub(super) fn required(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    let best = walk(hir).best()?;
    if shortest(&best) < SHORTEST {
        return None;
    }
    Some(best.into_iter().collect())
}

/// What is known of the texts that an expression matches.
struct Known {
    /// All of them, if they are few.
    exact: Option<Literals>,
    /// Literals, one of which is in each.
    inside: Option<Literals>,
}

impl Known {
    fn best(self) -> Option<Literals> {
        better(self.exact, self.inside)
    }
}

fn walk(hir: &Hir) -> Known {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => exactly(Literals::from([Vec::new()])),
        HirKind::Literal(literal) => exactly(Literals::from([literal
            .0
            .iter()
            .copied()
            .map(fold)
            .collect()])),
        HirKind::Class(class) => Known {
            exact: members(class),
            inside: None,
        },
        HirKind::Capture(capture) => walk(&capture.sub),
        HirKind::Repetition(repetition) => {
            let sub = walk(&repetition.sub);
            match (repetition.min, repetition.max) {
                (0, Some(1)) => Known {
                    exact: sub.exact.and_then(with_empty),
                    inside: None,
                },
                (0, _) => Known {
                    exact: None,
                    inside: None,
                },
                (1, Some(1)) => sub,
                (min, max) => repeated(sub, min, max),
            }
        }
        HirKind::Concat(parts) => concatenated(parts.iter().map(walk)),
        HirKind::Alternation(parts) => alternated(parts.iter().map(walk).collect()),
    }
}

fn exactly(literals: Literals) -> Known {
    Known {
        exact: Some(literals),
        inside: None,
    }
}

fn with_empty(mut literals: Literals) -> Option<Literals> {
    literals.insert(Vec::new());
    Some(literals)
}

/// Folded members of a class, if they are few.
fn members(class: &Class) -> Option<Literals> {
    let mut members = Literals::new();
    match class {
        Class::Bytes(class) => {
            let size: usize = class.iter().map(|range| range.len()).sum();
            if size > 16 {
                return None;
            }
            for range in class.iter() {
                members.extend((range.start()..=range.end()).map(|byte| vec![fold(byte)]));
            }
        }
        Class::Unicode(class) => {
            let size: usize = class.iter().map(|range| range.len()).sum();
            if size > 16 {
                return None;
            }
            for range in class.iter() {
                members.extend((range.start()..=range.end()).map(|character| {
                    let mut buffer = [0; 4];
                    character
                        .encode_utf8(&mut buffer)
                        .bytes()
                        .map(fold)
                        .collect::<Vec<u8>>()
                }));
            }
        }
    }
    if members.is_empty() || members.len() > 8 {
        None
    } else {
        Some(members)
    }
}

/// At least `min` (≥ 1) times the same.
fn repeated(sub: Known, min: u32, max: Option<u32>) -> Known {
    let fixed = max == Some(min) && min <= 8;
    let parts = |exact: &Literals| {
        (0..min.min(8))
            .map(|_| exactly(exact.clone()))
            .collect::<Vec<_>>()
    };
    match &sub.exact {
        Some(exact) => {
            let known = concatenated(parts(exact).into_iter());
            if fixed {
                known
            } else {
                Known {
                    exact: None,
                    inside: known.best(),
                }
            }
        }
        None => Known {
            exact: None,
            inside: sub.inside,
        },
    }
}

fn concatenated(parts: impl Iterator<Item = Known>) -> Known {
    let mut run = Literals::from([Vec::new()]);
    let mut whole = true;
    let mut inside = None;
    for part in parts {
        match part.exact {
            Some(exact) => match product(&run, &exact) {
                Some(product) => run = product,
                None => {
                    whole = false;
                    inside = better(inside, Some(std::mem::replace(&mut run, exact)));
                }
            },
            None => {
                whole = false;
                let before = std::mem::replace(&mut run, Literals::from([Vec::new()]));
                inside = better(better(inside, Some(before)), part.inside);
            }
        }
    }
    if whole {
        Known {
            exact: Some(run),
            inside,
        }
    } else {
        Known {
            exact: None,
            inside: better(inside, Some(run)),
        }
    }
}

fn product(left: &Literals, right: &Literals) -> Option<Literals> {
    let longest = |literals: &Literals| literals.iter().map(Vec::len).max().unwrap_or_default();
    if left.len() * right.len() > MOST || longest(left) + longest(right) > LONGEST * 4 {
        return None;
    }
    let joined = left
        .iter()
        .flat_map(|head| right.iter().map(move |tail| [&head[..], tail].concat()));
    Some(joined.collect())
}

fn alternated(parts: Vec<Known>) -> Known {
    let exact = parts
        .iter()
        .map(|part| part.exact.as_ref())
        .collect::<Option<Vec<_>>>()
        .map(|sets| sets.into_iter().flatten().cloned().collect::<Literals>())
        .filter(|all| all.len() <= MOST);
    if exact.is_some() {
        return Known {
            exact,
            inside: None,
        };
    }
    let inside = parts
        .into_iter()
        .map(Known::best)
        .collect::<Option<Vec<_>>>()
        .map(|sets| sets.into_iter().flatten().collect::<Literals>())
        .filter(|all| all.len() <= MOST && shortest(all) > 0);
    Known {
        exact: None,
        inside,
    }
}

fn shortest(literals: &Literals) -> usize {
    literals.iter().map(Vec::len).min().unwrap_or_default()
}

/// The set that lets fewer lines through: of longer literals, and of fewer.
fn better(left: Option<Literals>, right: Option<Literals>) -> Option<Literals> {
    let worth =
        |literals: &Literals| shortest(literals).min(LONGEST / 2) * 4 + MOST - literals.len();
    let usable = |literals: &Literals| shortest(literals) > 0;
    match (left.filter(usable), right.filter(usable)) {
        (Some(left), Some(right)) => Some(if worth(&right) > worth(&left) {
            right
        } else {
            left
        }),
        (left, right) => left.or(right),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literals(pattern: &str) -> Option<Vec<String>> {
        let hir = regex_syntax::ParserBuilder::new()
            .unicode(false)
            .utf8(false)
            .build()
            .parse(pattern)
            .unwrap();
        Some(
            required(&hir)?
                .iter()
                .map(|literal| String::from_utf8_lossy(literal).into_owned())
                .collect(),
        )
    }

    #[test]
    fn finds_what_each_match_must_hold() {
        for (pattern, expected) in [
            (
                r"EXT4-fs error \(device (?P<dev>sd[a-z]+)\)",
                Some(vec!["ext4-fs error (device "]),
            ),
            (r"(?i)Out Of Memory", Some(vec!["out of memory"])),
            (r"\d+ of \d+ were lost", Some(vec![" were lost"])),
            (r"^(foobar|bazqux)\b", Some(vec!["bazqux", "foobar"])),
            (r"(foobar|x)\d", None),
            (r"(?:abc)?defgh", Some(vec!["abcdefgh", "defgh"])),
            (r"colou?r=\d", Some(vec!["color=", "colour="])),
            (r"(ab){3}c", Some(vec!["abababc"])),
            (r"(longer)+ x", Some(vec!["longer"])),
            (r"\s*(5|187)\s+\d+", None),
            (r"a.*b", None),
            (
                r"Killed process \d+ (.+) total-vm:\d+kB",
                Some(vec!["killed process "]),
            ),
            (r"[Ee]rror: [0-9a-f]+", Some(vec!["error: "])),
            (r"", None),
        ] {
            let expected =
                expected.map(|all| all.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(literals(pattern), expected, "{pattern}");
        }
    }
}
