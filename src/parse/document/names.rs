//! Keys that a document has seen: the thousands of `status` of a list share one text.
//!
//! A lookup compares texts, and each text of its own would be fetched from memory for that.

/// Places for keys; an object's manifest has some hundred distinct ones.
const PLACES: usize = 512;

/// Where keys were first seen.
#[derive(Debug)]
pub(in crate::parse) struct Names {
    /// By a hash, one more than the byte at which the key begins; 0 where there is none.
    starts: Box<[u32; PLACES]>,
}

impl Names {
    pub(in crate::parse) fn new() -> Names {
        Names {
            starts: Box::new([0; PLACES]),
        }
    }

    /// Where in `text` the same key was seen before; else it is known to begin at `start` from now on.
    pub(in crate::parse) fn seen(&mut self, text: &[u8], key: &[u8], start: u32) -> Option<u32> {
        let byte = |at: usize| key.get(at).copied().map_or(0, usize::from);
        let (middle, last) = (key.len() / 2, key.len().saturating_sub(1));
        let hash = key.len() ^ byte(0) << 1 ^ byte(middle) << 3 ^ byte(last) << 4;
        let place = self.starts.get_mut(hash % PLACES)?;
        if let Some(known) = place.checked_sub(1)
            && text.get(known as usize..known as usize + key.len()) == Some(key)
        {
            return Some(known);
        }
        *place = start.saturating_add(1);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_keys_share_the_first_text() {
        let text = b"status statue stat status";
        let mut names = Names::new();
        assert_eq!(names.seen(text, b"status", 0), None);
        assert_eq!(names.seen(text, b"statue", 7), None);
        assert_eq!(names.seen(text, b"stat", 14), None);
        assert_eq!(names.seen(text, b"status", 19), Some(0));
        assert_eq!(names.seen(text, b"statue", 25), Some(7));
        assert_eq!(names.seen(text, b"", 25), None);
        // Keys that fall into one place push each other out, and stay themselves.
        let (one, other) = (b"axbxc", b"aybyc");
        let text = b"axbxc aybyc";
        assert_eq!(names.seen(text, one, 0), None);
        assert_eq!(names.seen(text, other, 6), None);
        assert_eq!(names.seen(text, one, 0), None);
    }
}
