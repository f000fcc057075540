//! Bundles by what is at the root of them.

use std::collections::BTreeMap;

use super::row::{Failure, Row};
use crate::finding::Severity;

/// What bundles of a group have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Root {
    /// The rule that found their first cause.
    Rule(String),
    /// No known cause matched.
    Unknown,
    /// They could not be analysed.
    Failed,
}

/// Bundles that have a root in common.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// What they have in common.
    pub root: Root,
    /// The worst that it is in one of them.
    pub severity: Option<Severity>,
    /// What the rule says of the first of them.
    pub example: Option<String>,
    /// Their paths, in order, and why they could not be analysed.
    pub bundles: Vec<(String, Option<Failure>)>,
}

/// All groups of a run, gathered row by row.
#[derive(Debug, Clone, Default)]
pub struct Groups(BTreeMap<Root, Group>);

impl Groups {
    /// Takes in a row.
    pub fn add(&mut self, row: &Row) {
        let cause = row.top_cause();
        let root = match (&row.failure, cause) {
            (Some(_), _) => Root::Failed,
            (None, Some(cause)) => Root::Rule(cause.rule.clone()),
            (None, None) => Root::Unknown,
        };
        let group = self.0.entry(root.clone()).or_insert_with(|| Group {
            root,
            severity: None,
            example: cause.map(|cause| cause.title.clone()),
            bundles: Vec::new(),
        });
        group.severity = group.severity.max(cause.map(|cause| cause.severity));
        group.bundles.push((row.path.clone(), row.failure.clone()));
    }

    /// The most frequent cause first, of equally frequent ones the worst; what has none comes last.
    #[must_use]
    pub fn ranked(&self) -> Vec<&Group> {
        let mut groups: Vec<&Group> = self.0.values().collect();
        // The map's order, that of the rules' ids, decides the rest.
        groups.sort_by_key(|group| {
            let class = match group.root {
                Root::Rule(_) => 0,
                Root::Unknown => 1,
                Root::Failed => 2,
            };
            (
                class,
                std::cmp::Reverse(group.bundles.len()),
                std::cmp::Reverse(group.severity),
            )
        });
        groups
    }

    /// How many rows there are, and how many of them could not be analysed.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let all = self.0.values().map(|group| group.bundles.len()).sum();
        let failed = self.0.get(&Root::Failed);
        (all, failed.map_or(0, |group| group.bundles.len()))
    }
}
