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
    files: Vec<LogShape>,
}

impl Hits {
    /// Records of a matcher, in the order of their group's values; none for a matcher that there
    /// is not.
    pub fn records(&self, matcher: usize) -> &[LogRecord] {
        self.records.get(matcher).map_or(&[], Vec::as_slice)
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
        let mut files = Vec::with_capacity(scans.len());
        for FileScan { mut shape, parts } in scans {
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
            .map(|(spec, records)| {
                let records = records.into_iter();
                records
                    .filter_map(|(values, merged)| merged.record(spec, &values, now))
                    .collect()
            })
            .collect();
        Hits { records, files }
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
    ) -> Option<LogRecord> {
        if !self.folded.counts(spec) {
            return None;
        }
        let held = match spec.still {
            Some(still) => Some(self.folded.held(still, now)?),
            None => None,
        };
        let (first, last) = self.folded.ends?;
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
        Some(LogRecord {
            fields: fields
                .map(|(field, value)| (field.clone(), value.clone()))
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
                .filter_map(|(name, value)| Some((name.clone(), (*value)?)))
                .collect(),
        })
    }
}
