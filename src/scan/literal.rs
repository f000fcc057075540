//! Finds literals of which at least one is in every line that a pattern matches.
//!
//! Letter case is folded away where literals are long, so `(?i)` costs nothing and a class such as
//! `[Ee]` is one literal. Folding takes a few other bytes together, too: it may let a line through,
//! never hold one back. Short literals are kept as they are if they can be.

use std::collections::BTreeSet;

use regex_syntax::hir::{Class, Hir, HirKind};

/// Shorter literals are in too many lines.
pub(super) const SHORTEST: usize = 4;
/// Literals from this length on are long.
pub(super) const LONG: usize = 8;
/// A pattern with more alternatives is taken apart no further.
const MOST: usize = 64;
/// Longer literals tell no more.
const LONGEST: usize = 32;

/// A byte without its letter case.
pub(super) fn fold(byte: u8) -> u8 {
    byte | 0x20
}

type Literals = BTreeSet<Vec<u8>>;

/// Literals, one of which is in each match of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Required {
    /// Without letter case.
    Folded(Vec<Vec<u8>>),
    /// As in the text.
    Exact(Vec<Vec<u8>>),
}

/// Literals that an expression requires; `None` if there are none of use.
pub(super) fn required(hir: &Hir) -> Option<Required> {
    let best = |form: fn(u8) -> u8| {
        Walk { form }
            .known(hir)
            .best()
            .filter(|all| shortest(all) >= SHORTEST)
    };
    let folded = best(fold)?;
    if shortest(&folded) < LONG
        && let Some(exact) = best(|byte| byte)
    {
        return Some(Required::Exact(exact.into_iter().collect()));
    }
    Some(Required::Folded(folded.into_iter().collect()))
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

/// A walk down an expression, that gives bytes this form.
struct Walk {
    form: fn(u8) -> u8,
}

impl Walk {
    fn known(&self, hir: &Hir) -> Known {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => exactly(Literals::from([Vec::new()])),
            HirKind::Literal(literal) => exactly(Literals::from([literal
                .0
                .iter()
                .copied()
                .map(self.form)
                .collect()])),
            HirKind::Class(class) => Known {
                exact: self.members(class),
                inside: None,
            },
            HirKind::Capture(capture) => self.known(&capture.sub),
            HirKind::Repetition(repetition) => {
                let sub = self.known(&repetition.sub);
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
            HirKind::Concat(parts) => concatenated(parts.iter().map(|part| self.known(part))),
            HirKind::Alternation(parts) => {
                alternated(parts.iter().map(|part| self.known(part)).collect())
            }
        }
    }

    /// Members of a class, if they are few.
    fn members(&self, class: &Class) -> Option<Literals> {
        let mut members = Literals::new();
        match class {
            Class::Bytes(class) => {
                let size: usize = class.iter().map(|range| range.len()).sum();
                if size > 16 {
                    return None;
                }
                for range in class.iter() {
                    members
                        .extend((range.start()..=range.end()).map(|byte| vec![(self.form)(byte)]));
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
                            .map(self.form)
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

    fn literals(pattern: &str) -> Option<(bool, Vec<String>)> {
        let mut parser = regex_syntax::ParserBuilder::new()
            .unicode(false)
            .utf8(false)
            .build();
        let (folded, literals) = match required(&parser.parse(pattern).unwrap())? {
            Required::Folded(literals) => (true, literals),
            Required::Exact(literals) => (false, literals),
        };
        let text = |literal: &Vec<u8>| String::from_utf8_lossy(literal).into_owned();
        Some((folded, literals.iter().map(text).collect()))
    }

    #[test]
    fn finds_what_each_match_must_hold() {
        let folded = |literals: &[&'static str]| Some((true, literals.to_vec()));
        let exact = |literals: &[&'static str]| Some((false, literals.to_vec()));
        for (pattern, expected) in [
            (
                r"EXT4-fs error \(device (?P<dev>sd[a-z]+)\)",
                folded(&["ext4-fs error (device "]),
            ),
            (r"(?i)Out Of Memory", folded(&["out of memory"])),
            (r"\d+ of \d+ were lost", folded(&[" were lost"])),
            (r"^(Foobar|bazqux)\b", exact(&["Foobar", "bazqux"])),
            (r"(foobar|x)\d", None),
            (r"(?:abc)?defgh", exact(&["abcdefgh", "defgh"])),
            (r"Colou?r=\d", exact(&["Color=", "Colour="])),
            (r"(?i)ab: \d", exact(&["AB: ", "Ab: ", "aB: ", "ab: "])),
            (r"(?i)deadline", folded(&["deadline"])),
            (r"(?i)kubelet", folded(&["kubelet"])),
            (r"(ab){3}c", exact(&["abababc"])),
            (r"(longer)+ x", exact(&["longer"])),
            (r"\s*(5|187)\s+\d+", None),
            (r"a.*b", None),
            (
                r"Killed process \d+ (.+) total-vm:\d+kB",
                folded(&["killed process "]),
            ),
            (r"[Ee]rror: [0-9a-f]+", exact(&["Error: ", "error: "])),
            (r"", None),
        ] {
            let expected = expected.map(|(folded, literals)| {
                (
                    folded,
                    literals.into_iter().map(str::to_owned).collect::<Vec<_>>(),
                )
            });
            assert_eq!(literals(pattern), expected, "{pattern}");
        }
    }
}
