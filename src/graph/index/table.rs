//! A table from texts to objects for tens of thousands of either: all keys lie in one text and all
//! objects in one list, where a map would make two allocations for each key.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::graph::ObjectId;

/// Objects by a text; those of one text in the order in which they were added.
#[derive(Debug, Default)]
pub(in crate::graph) struct Index {
    keys: String,
    /// Places in `groups`, by the hash of their keys.
    places: HashTable<usize>,
    groups: Vec<Group>,
    members: Vec<Member>,
}

/// The objects of one key.
#[derive(Debug)]
struct Group {
    hash: u64,
    /// Where its key stands in `keys`.
    start: usize,
    end: usize,
    /// Places of its first and last member.
    first: usize,
    last: usize,
}

#[derive(Debug)]
struct Member {
    object: ObjectId,
    /// Place of the next member of the same group.
    next: Option<usize>,
}

impl Index {
    /// Adds an object under the key that these parts make when put together. Twice in a row under
    /// one key is once.
    pub(super) fn add<const PARTS: usize>(&mut self, parts: [&str; PARTS], object: ObjectId) {
        // Where the key would stand if it is new.
        let start = self.keys.len();
        parts.iter().for_each(|part| self.keys.push_str(part));
        let key = text(&self.keys, start, self.keys.len());
        let hash = hash(key);
        let (keys, groups) = (&self.keys, &self.groups);
        let found = self
            .places
            .find(hash, |&place| key_of(keys, groups, place) == key);
        let place = self.members.len();
        if let Some(&group) = found {
            self.keys.truncate(start);
            let Some(group) = self.groups.get_mut(group) else {
                return;
            };
            let Some(last) = self.members.get_mut(group.last) else {
                return;
            };
            if last.object == object {
                return;
            }
            last.next = Some(place);
            group.last = place;
        } else {
            self.groups.push(Group {
                hash,
                start,
                end: self.keys.len(),
                first: place,
                last: place,
            });
            let groups = &self.groups;
            let hash_of = |&place: &usize| groups.get(place).map_or(0, |it| it.hash);
            self.places.insert_unique(hash, groups.len() - 1, hash_of);
        }
        self.members.push(Member { object, next: None });
    }

    /// The objects of a key.
    pub(in crate::graph) fn of(&self, key: &str) -> impl Iterator<Item = ObjectId> + '_ {
        let is_it = |&place: &usize| key_of(&self.keys, &self.groups, place) == key;
        let group = self.places.find(hash(key), is_it);
        let first = group.and_then(|&place| Some(self.groups.get(place)?.first));
        let members = std::iter::successors(first.and_then(|it| self.members.get(it)), |it| {
            self.members.get(it.next?)
        });
        members.map(|it| it.object)
    }

    /// How many keys there are.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.groups.len()
    }
}

fn key_of<'k>(keys: &'k str, groups: &[Group], place: usize) -> &'k str {
    groups
        .get(place)
        .map_or("", |it| text(keys, it.start, it.end))
}

fn text(keys: &str, start: usize, end: usize) -> &str {
    keys.get(start..end).unwrap_or_default()
}

fn hash(key: &str) -> u64 {
    FixedState::default().hash_one(key)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::testing::Random;

    #[test]
    fn it_finds_what_a_map_of_lists_would() {
        let mut random = Random::new();
        for keys in [1, 10, 3_000] {
            let mut index = Index::default();
            let mut expected: BTreeMap<String, Vec<ObjectId>> = BTreeMap::new();
            for number in 0..4_000 {
                let (space, name) = (random.below(3), random.below(keys));
                let (space, name) = (format!("ns-{space}"), format!("pod-{name}"));
                let object = ObjectId(number);
                index.add([&space, "/", &name], object);
                index.add([&format!("{space}/{name}")], object);
                expected
                    .entry(format!("{space}/{name}"))
                    .or_default()
                    .push(object);
            }
            assert_eq!(index.len(), expected.len());
            for (key, objects) in &expected {
                assert_eq!(index.of(key).collect::<Vec<_>>(), *objects, "{key}");
            }
            for other in ["", "ns-0", "ns-0/", "ns-0/pod", "ns-3/pod-0"] {
                assert_eq!(index.of(other).count(), 0, "{other}");
            }
        }
    }
}
