//! Folds hits into records: exact counts, the first and the last, and what the hits together say.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{LogHit, MatcherSpec, Measured};

/// Runs kept of a record. Only the final one is reported; earlier ones matter where the hits of
/// another file close the gap.
const MOST_RUNS: usize = 4096;

/// Something with a time, at a place in a file.
pub(super) trait Hit: Clone {
    fn time(&self) -> Option<Timestamp>;
    fn same(&self, other: &Self) -> bool;
}

impl Hit for LogHit {
    fn time(&self) -> Option<Timestamp> {
        self.time
    }

    fn same(&self, other: &LogHit) -> bool {
        (self.line, &self.path) == (other.line, &other.path)
    }
}

/// What a line adds to a record beside being one more.
#[derive(Debug, Clone, Default)]
pub(super) struct Said {
    /// Values of the steady captures, as one.
    pub(super) steady: Option<Arc<str>>,
    /// Values of the measured captures, in the order of their names.
    pub(super) measures: Vec<Option<f64>>,
}

/// The hits of one group, folded.
#[derive(Debug, Clone)]
pub(super) struct Folded<H> {
    pub(super) count: u64,
    pub(super) ends: Option<(H, H)>,
    pub(super) samples: Vec<H>,
    pub(super) measures: Vec<Option<Measured>>,
    pub(super) cleared: bool,
    /// When the last event, be it a hit or a clearing, was.
    last_event: Option<Timestamp>,
    runs: VecDeque<Run>,
    window: Window,
}

/// Hits without a gap above `still`, and with the same steady values.
#[derive(Debug, Clone)]
struct Run {
    start: Timestamp,
    end: Timestamp,
    steady: Option<Arc<str>>,
}

/// Looks for enough hits within `count.within`.
#[derive(Debug, Clone, Default)]
struct Window {
    full: bool,
    disordered: bool,
    /// Times so far, none once it is full: so there are less than `min` of them in any stretch.
    times: Vec<Timestamp>,
}

impl Window {
    fn push(&mut self, time: Timestamp, min: usize, within: SignedDuration) {
        if self.full {
            return;
        }
        // Out of order, times say nothing until all are there.
        self.disordered |= self.times.last().is_some_and(|last| time < *last);
        self.times.push(time);
        let first = self
            .times
            .len()
            .checked_sub(min)
            .and_then(|at| self.times.get(at));
        if !self.disordered && first.is_some_and(|first| time.duration_since(*first) <= within) {
            self.fill();
        }
    }

    /// The same for times that came out of order, or from several files.
    fn settle(&mut self, min: usize, within: SignedDuration) -> bool {
        if !self.full {
            self.times.sort_unstable();
            let mut windows = self.times.windows(min);
            let fits = |window: &[Timestamp]| match window {
                [first, .., last] => last.duration_since(*first) <= within,
                _ => true,
            };
            if windows.any(fits) {
                self.fill();
            }
        }
        self.full
    }

    fn fill(&mut self) {
        self.full = true;
        self.times = Vec::new();
    }
}

/// Least number of hits, at least one, that fits in memory.
fn least(spec: &MatcherSpec) -> usize {
    usize::try_from(spec.count.min).unwrap_or(usize::MAX).max(1)
}

impl<H: Hit> Folded<H> {
    pub(super) fn new(spec: &MatcherSpec) -> Folded<H> {
        Folded {
            count: 0,
            ends: None,
            samples: Vec::new(),
            measures: vec![None; spec.measure.len()],
            cleared: false,
            last_event: None,
            runs: VecDeque::new(),
            window: Window::default(),
        }
    }

    /// Adds the next hit of the file.
    pub(super) fn hit(&mut self, spec: &MatcherSpec, hit: H, said: &Said) {
        self.count += 1;
        self.cleared = false;
        self.event(hit.time());
        if self.samples.len() < spec.sample {
            self.samples.push(hit.clone());
        }
        if let Some(time) = hit.time() {
            if let Some(within) = spec.count.within {
                self.window.push(time, least(spec), within);
            }
            if let Some(still) = spec.still {
                self.run(time, still, said.steady.as_ref());
            }
        }
        for (measured, value) in self.measures.iter_mut().zip(&said.measures) {
            if let Some(value) = *value {
                *measured = add(
                    *measured,
                    Some(Measured {
                        min: value,
                        max: value,
                        sum: value,
                    }),
                );
            }
        }
        match &mut self.ends {
            Some((first, last)) => {
                if earlier(&hit, first) {
                    *first = hit.clone();
                }
                if !earlier(&hit, last) {
                    *last = hit;
                }
            }
            None => self.ends = Some((hit.clone(), hit)),
        }
    }

    /// Adds a line that ends the condition.
    pub(super) fn clear(&mut self, time: Option<Timestamp>) {
        self.cleared = true;
        self.event(time);
    }

    fn event(&mut self, time: Option<Timestamp>) {
        self.last_event = time.or(self.last_event);
    }

    fn run(&mut self, time: Timestamp, still: SignedDuration, steady: Option<&Arc<str>>) {
        if let Some(run) = self.runs.back_mut()
            && run.steady.as_deref() == steady.map(|steady| &**steady)
            && time.duration_since(run.end) <= still
            && run.start.duration_since(time) <= still
        {
            run.start = run.start.min(time);
            run.end = run.end.max(time);
            return;
        }
        if self.runs.len() == MOST_RUNS {
            self.runs.pop_front();
        }
        self.runs.push_back(Run {
            start: time,
            end: time,
            steady: steady.cloned(),
        });
    }

    /// The same with hits of another form.
    pub(super) fn map<K>(self, mut form: impl FnMut(H) -> K) -> Folded<K> {
        Folded {
            count: self.count,
            ends: self.ends.map(|(first, last)| (form(first), form(last))),
            samples: self.samples.into_iter().map(&mut form).collect(),
            measures: self.measures,
            cleared: self.cleared,
            last_event: self.last_event,
            runs: self.runs,
            window: self.window,
        }
    }

    /// Adds the hits of a file that comes later in order.
    pub(super) fn merge(&mut self, spec: &MatcherSpec, later: Folded<H>) {
        self.count += later.count;
        let after = match (self.last_event, later.last_event) {
            (Some(mine), Some(theirs)) => mine <= theirs,
            _ => true,
        };
        if after {
            self.cleared = later.cleared;
            self.last_event = later.last_event.or(self.last_event);
        }
        self.ends = match (self.ends.take(), later.ends) {
            (Some((first, last)), Some((other_first, other_last))) => Some((
                if earlier(&other_first, &first) {
                    other_first
                } else {
                    first
                },
                if earlier(&other_last, &last) {
                    last
                } else {
                    other_last
                },
            )),
            (mine, theirs) => mine.or(theirs),
        };
        self.samples.extend(later.samples);
        self.samples
            .sort_by_key(|hit| (hit.time().is_none(), hit.time()));
        self.samples.truncate(spec.sample);
        for (mine, theirs) in self.measures.iter_mut().zip(later.measures) {
            *mine = add(*mine, theirs);
        }
        self.runs.extend(later.runs);
        self.window.full |= later.window.full;
        self.window.times.extend(later.window.times);
    }

    /// Whether the record is worth keeping by its number of hits.
    pub(super) fn counts(&mut self, spec: &MatcherSpec) -> bool {
        self.count >= spec.count.min.max(1)
            && spec
                .count
                .within
                .is_none_or(|within| self.window.settle(least(spec), within))
    }

    /// First hit and end of the final run, if its last hit is at most `still` before now.
    pub(super) fn held(
        &self,
        still: SignedDuration,
        now: Timestamp,
    ) -> Option<(Timestamp, Timestamp)> {
        let mut runs: Vec<&Run> = self.runs.iter().collect();
        // Stable: of runs that end together the one that came later is the final one.
        runs.sort_by_key(|run| run.end);
        let mut runs = runs.into_iter().rev();
        let last = runs.next()?;
        if now.duration_since(last.end) > still {
            return None;
        }
        let mut since = last.start;
        for run in runs {
            if since.duration_since(run.end) > still {
                break;
            }
            if run.steady != last.steady {
                // Until then something else was said as well.
                since = since.max(run.end);
                break;
            }
            since = since.min(run.start);
        }
        Some((since, last.end))
    }
}

/// By time where both have one; else the one that came first stays first.
fn earlier<H: Hit>(hit: &H, than: &H) -> bool {
    match (hit.time(), than.time()) {
        (Some(time), Some(other)) => time < other,
        _ => false,
    }
}

fn add(left: Option<Measured>, right: Option<Measured>) -> Option<Measured> {
    match (left, right) {
        (Some(left), Some(right)) => Some(Measured {
            min: left.min.min(right.min),
            max: left.max.max(right.max),
            sum: left.sum + right.sum,
        }),
        (left, right) => left.or(right),
    }
}
