//! Merges the scans of all files into records.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::file::Part;
use super::pattern::PLACES;
use super::record::{Folded, Hit};
use super::{FileScan, LogHit, LogRecord, LogShape, MatcherSpec};
use crate::span::{Problem, ProblemKind};

/// Records that a matcher may have.
const MOST_RECORDS: usize = 20_000;

/// All logs of a bundle, read.
#[derive(Debug, Clone, Default)]
pub struct Hits {
    records: Vec<Vec<LogRecord>>,
    tallies: Vec<Tally>,
    files: Vec<LogShape>,
}

/// How a matcher came from files to records, thresholds included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Files of its sources.
    pub files: u64,
    /// Lines that were folded into its groups.
    pub hits: u64,
    /// Lines that its patterns hit, older than `since`.
    pub old: u64,
    /// Lines that its patterns hit, for which `where` does not hold.
    pub unfit: u64,
    /// Groups before any threshold.
    pub groups: u64,
    /// Groups with fewer hits than `count` asks for.
    pub few: u64,
    /// Groups with hits enough of which the last is longer ago than `still`.
    pub ended: u64,
    /// Time of the earliest folded line.
    pub first: Option<Timestamp>,
    /// Time of the latest folded line.
    pub last: Option<Timestamp>,
}

/// What keeps a group of hits from being a record.
enum Threshold {
    Count,
    Still,
}

impl Hits {
    /// Records of a matcher, in the order of their group's values; none for a matcher that there
    /// is not.
    pub fn records(&self, matcher: usize) -> &[LogRecord] {
        self.records.get(matcher).map_or(&[], Vec::as_slice)
    }

    /// How these records came to be.
    pub fn tally(&self, matcher: usize) -> Tally {
        self.tallies.get(matcher).copied().unwrap_or_default()
    }

    /// The logs that were read, in the order of their paths; of a rotated log the older files first.
    pub fn files(&self) -> &[LogShape] {
        &self.files
    }

    /// What of the logs was not examined.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.files.iter().flat_map(|file| &file.problems)
    }

    pub(super) fn merge(specs: &[MatcherSpec], mut scans: Vec<FileScan>, now: Timestamp) -> Hits {
        scans.sort_by(|left, right| order(&left.shape.path).cmp(&order(&right.shape.path)));
        let mut merged: Vec<BTreeMap<Vec<String>, Merged>> =
            specs.iter().map(|_| BTreeMap::new()).collect();
        let mut tallies = vec![Tally::default(); specs.len()];
        let mut files = Vec::with_capacity(scans.len());
        for scan in scans {
            for &matcher in scan.matchers.iter() {
                if let Some(tally) = tallies.get_mut(matcher) {
                    tally.files += 1;
                }
            }
            for (&matcher, dropped) in &scan.dropped {
                if let Some(tally) = tallies.get_mut(matcher) {
                    tally.old += dropped.old;
                    tally.unfit += dropped.unfit;
                }
            }
            let FileScan {
                mut shape, parts, ..
            } = scan;
            let mut dropped = false;
            for Part {
                matcher,
                values,
                folded,
            } in parts
            {
                let (Some(spec), Some(records)) = (specs.get(matcher), merged.get_mut(matcher))
                else {
                    continue;
                };
                if let Some(record) = records.get_mut(&values) {
                    record.add(spec, folded, &shape);
                } else if records.len() < MOST_RECORDS {
                    records.insert(
                        values,
                        Merged {
                            folded,
                            places: places(&shape),
                        },
                    );
                } else {
                    dropped = true;
                }
            }
            if dropped {
                let reason = format!(
                    "a matcher has more than {MOST_RECORDS} distinct log records; those beyond are not counted"
                );
                shape
                    .problems
                    .push(Problem::new(shape.path.clone(), ProblemKind::Limit, reason));
            }
            files.push(shape);
        }
        let records = specs
            .iter()
            .zip(merged)
            .zip(&mut tallies)
            .map(|((spec, records), tally)| {
                let mut kept = Vec::new();
                for (values, merged) in records {
                    tally.add(&merged.folded);
                    match merged.record(spec, &values, now) {
                        Ok(record) => kept.extend(record),
                        Err(Threshold::Count) => tally.few += 1,
                        Err(Threshold::Still) => tally.ended += 1,
                    }
                }
                kept
            })
            .collect();
        Hits {
            records,
            tallies,
            files,
        }
    }
}

impl Tally {
    fn add(&mut self, group: &Folded<LogHit>) {
        self.hits += group.count;
        let Some((first, last)) = &group.ends else {
            return;
        };
        self.groups += 1;
        self.first = match (self.first, first.time) {
            (Some(known), Some(time)) => Some(known.min(time)),
            (known, time) => known.or(time),
        };
        self.last = self.last.max(last.time);
    }
}

/// Sorts files by path, and the parts of a rotated log from the oldest on: `kernel.log.2`,
/// `kernel.log.1`, `kernel.log`.
fn order(path: &str) -> (&str, std::cmp::Reverse<u32>) {
    let numbered = path
        .rsplit_once('.')
        .and_then(|(log, number)| Some((log, number.parse().ok()?)));
    let (log, age) = numbered
        .filter(|(log, _)| log.ends_with(".log"))
        .unwrap_or((path, 0));
    (log, std::cmp::Reverse(age))
}

/// Node, namespace, pod and container, so far as all hits agree.
type Places = [Option<String>; 4];

fn places(shape: &LogShape) -> Places {
    [&shape.node, &shape.namespace, &shape.pod, &shape.container].map(Clone::clone)
}

struct Merged {
    folded: Folded<LogHit>,
    places: Places,
}

impl Merged {
    fn add(&mut self, spec: &MatcherSpec, folded: Folded<LogHit>, shape: &LogShape) {
        let theirs = places(shape);
        if self.folded.count == 0 {
            self.places = theirs;
        } else if folded.count > 0 {
            let [_, namespace, _, _] = &self.places;
            let elsewhere = *namespace != theirs[1];
            for (mine, theirs) in self.places.iter_mut().zip(theirs) {
                if *mine != theirs {
                    *mine = None;
                }
            }
            if elsewhere {
                // A pod of the same name in another namespace is another pod.
                self.places[2] = None;
            }
        }
        self.folded.merge(spec, folded);
    }

    fn record(
        mut self,
        spec: &MatcherSpec,
        values: &[String],
        now: Timestamp,
    ) -> Result<Option<LogRecord>, Threshold> {
        // A group of nothing but clearing lines is none.
        let Some((first, last)) = self.folded.ends.take() else {
            return Ok(None);
        };
        if !self.folded.counts(spec) {
            return Err(Threshold::Count);
        }
        let held = match spec.still {
            Some(still) => Some(self.folded.held(still, now).ok_or(Threshold::Still)?),
            None => None,
        };
        let mut samples = self.folded.samples;
        if !samples.iter().any(|sample| sample.same(&last)) {
            samples.push(last.clone());
        }
        let fields = spec
            .group
            .iter()
            .zip(values)
            .filter(|(field, _)| *field == "file" || !PLACES.contains(&field.as_str()));
        let measures = spec.measure.keys().zip(&self.folded.measures);
        let [node, namespace, pod, container] = self.places;
        Ok(Some(LogRecord {
            fields: fields
                .map(|(field, value)| (field.to_string(), value.clone()))
                .collect(),
            node,
            namespace,
            pod,
            container,
            count: self.folded.count,
            first,
            last,
            samples,
            held_since: held.map(|(since, _)| since),
            held_for: held.map(|(since, until)| until.duration_since(since)),
            cleared: self.folded.cleared,
            measures: measures
                .filter_map(|(name, value)| Some((name.to_string(), (*value)?)))
                .collect(),
        }))
    }
}
