//! A document that is made to fit: of each block there are shorter forms, and an order in which they
//! take the place of longer ones.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::diagnosis::wording;

/// A part of the document that stands by itself, in one form or another.
#[derive(Debug)]
pub(super) struct Block {
    /// From the longest to the shortest; after the last comes nothing.
    forms: Vec<String>,
}

impl Block {
    pub(super) fn new(forms: Vec<String>) -> Block {
        Block { forms }
    }

    /// A block that is there or not.
    pub(super) fn kept(text: String) -> Block {
        Block { forms: vec![text] }
    }

    fn form(&self, form: usize) -> &str {
        self.forms.get(form).map_or("", String::as_str)
    }
}

/// What a cut is told as.
type Told = Option<&'static str>;

/// Blocks in their order, and what is cut of them in another.
#[derive(Debug, Default)]
pub(super) struct Document {
    blocks: Vec<Block>,
    cuts: Vec<(usize, usize, Told)>,
    /// Before which block the note on cuts stands.
    note: usize,
}

/// Bytes that the note takes at most.
const NOTE: usize = 400;

impl Document {
    /// Adds a block and tells its number.
    pub(super) fn add(&mut self, block: Block) -> usize {
        self.blocks.push(block);
        self.blocks.len() - 1
    }

    /// The note on what was cut stands here.
    pub(super) fn add_note(&mut self) {
        self.note = self.blocks.len();
    }

    /// The next cut: a block takes a shorter form, or vanishes where there is none.
    pub(super) fn cut(&mut self, block: usize, form: usize) {
        self.cuts.push((block, form, None));
    }

    /// The same, to be counted in the note.
    pub(super) fn cut_counted(&mut self, block: usize, form: usize, told: &'static str) {
        self.cuts.push((block, form, Some(told)));
    }

    /// All blocks, if need be cut to at most so many bytes.
    pub(super) fn fit(&self, limit: usize) -> String {
        let mut forms: Vec<usize> = vec![0; self.blocks.len()];
        let mut told: BTreeMap<usize, &str> = BTreeMap::new();
        let lengths = self.blocks.iter().map(|block| block.form(0).len());
        let mut length: usize = lengths.sum();
        let mut is_cut = false;
        if length > limit {
            is_cut = true;
            // What no cut names goes last, from the end.
            let rest = (0..self.blocks.len()).rev();
            let rest = rest.map(|block| (block, usize::MAX, None));
            for (block, form, word) in self.cuts.iter().copied().chain(rest) {
                if length + NOTE <= limit {
                    break;
                }
                let (Some(now), Some(of)) = (forms.get_mut(block), self.blocks.get(block)) else {
                    continue;
                };
                if form <= *now {
                    continue;
                }
                length = length + of.form(form).len() - of.form(*now).len();
                *now = form;
                if let Some(word) = word {
                    told.insert(block, word);
                }
            }
        }
        let mut text = String::with_capacity(length + NOTE);
        for (index, (block, form)) in self.blocks.iter().zip(forms).enumerate() {
            if index == self.note && is_cut {
                text.push_str(&note(&told));
            }
            text.push_str(block.form(form));
        }
        text
    }
}

/// What was cut, in numbers.
fn note(told: &BTreeMap<usize, &str>) -> String {
    let number = |word: &str| told.values().filter(|told| **told == word).count();
    let mut parts = Vec::new();
    for (word, noun, what) in [
        ("shortened", "diagnosis", "with less evidence"),
        ("title", "diagnosis", "by the title alone"),
        ("gone", "diagnosis", "left out"),
        ("step", "step", "left out of the plan"),
    ] {
        let count = number(word);
        if count > 0 {
            let noun = match noun {
                "diagnosis" if count != 1 => {
                    format!("{} diagnoses", wording::grouped(count as u64))
                }
                noun => wording::count(count, noun),
            };
            parts.push(format!("{noun} {what}"));
        }
    }
    let mut text = String::from("> Cut to what an issue on GitHub may hold");
    if !parts.is_empty() {
        let _ = write!(text, ": {}", parts.join(", "));
    }
    text.push_str(". The report as text or JSON is whole.\n\n");
    text
}
