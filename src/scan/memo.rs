//! Remembers what was found in texts that come again and again.
//!
//! A failing device repeats one line a hundred thousand times. Patterns see no time stamps, so
//! equal texts have equal outcomes, and a flood costs a hash and a comparison for each line.

use std::collections::HashMap;
use std::ops::Range;

use foldhash::fast::FixedState;

/// Texts remembered of a file.
const MOST: usize = 4096;
/// After so many texts it is decided whether remembering pays.
const TRIAL: u32 = 512;
/// If not, it is tried again after so many: a flood may begin in the middle of a file.
const PAUSE: u32 = 8192;

/// Outcomes by text, for the texts of one file.
pub(super) struct Memo<T> {
    places: HashMap<Text, usize, FixedState>,
    outcomes: Vec<(Range<usize>, T)>,
    asked: u32,
    known: u32,
    pause: u32,
}

/// A text by its hash; the text itself is compared when it is looked up.
type Text = u64;

impl<T> Memo<T> {
    pub(super) fn new() -> Memo<T> {
        Memo {
            places: HashMap::default(),
            outcomes: Vec::new(),
            asked: 0,
            known: 0,
            pause: 0,
        }
    }

    /// Number of the outcome of a text of the file, if it is known.
    pub(super) fn find(&mut self, file: &[u8], text: &Range<usize>) -> Option<usize> {
        if self.pause > 0 {
            self.pause -= 1;
            return None;
        }
        if self.asked == TRIAL {
            // Less than a quarter known: hashing and storing cost more than they save.
            if self.known < TRIAL / 4 {
                self.places.clear();
                self.outcomes.clear();
                self.pause = PAUSE;
            }
            (self.asked, self.known) = (0, 0);
            if self.pause > 0 {
                return None;
            }
        }
        self.asked += 1;
        let bytes = file.get(text.clone())?;
        let place = *self.places.get(&hash(bytes))?;
        let (known, _) = self.outcomes.get(place)?;
        if file.get(known.clone()) != Some(bytes) {
            return None;
        }
        self.known += 1;
        Some(place)
    }

    /// Stores an outcome and gives its number, or gives it back if there is no room or no use.
    pub(super) fn store(
        &mut self,
        file: &[u8],
        text: Range<usize>,
        outcome: T,
    ) -> Result<usize, T> {
        if self.pause > 0 || self.outcomes.len() == MOST {
            return Err(outcome);
        }
        let place = self.outcomes.len();
        self.places
            .insert(hash(file.get(text.clone()).unwrap_or_default()), place);
        self.outcomes.push((text, outcome));
        Ok(place)
    }

    pub(super) fn outcome(&mut self, place: usize) -> Option<&mut T> {
        self.outcomes.get_mut(place).map(|(_, outcome)| outcome)
    }
}

fn hash(text: &[u8]) -> u64 {
    use std::hash::BuildHasher;
    FixedState::default().hash_one(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_equal_texts_only() {
        let file = b"same same diff";
        let mut memo = Memo::new();
        assert_eq!(memo.find(file, &(0..4)), None);
        let place = memo.store(file, 0..4, "outcome").unwrap();
        assert_eq!(memo.find(file, &(5..9)), Some(place));
        assert_eq!(memo.find(file, &(10..14)), None);
        assert_eq!(memo.outcome(place), Some(&mut "outcome"));
    }

    #[test]
    fn rests_where_texts_do_not_come_again() {
        let file: Vec<u8> = (0..20_000u32).flat_map(u32::to_be_bytes).collect();
        let text = |number: usize| number * 4..number * 4 + 4;
        let mut memo = Memo::new();
        for number in 0..600 {
            if memo.find(&file, &text(number)).is_none() {
                let _ = memo.store(&file, text(number), number);
            }
        }
        assert_eq!(memo.store(&file, text(700), 700), Err(700));
        for number in 600..9000 {
            assert_eq!(memo.find(&file, &text(number)), None);
        }
        let place = memo.store(&file, text(1), 1).unwrap();
        assert_eq!(memo.find(&file, &text(1)), Some(place));
    }
}
