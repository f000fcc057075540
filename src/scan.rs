//! Reads logs: all patterns of all rules in one pass over each file, hits folded into records.
//!
//! A [`Scanner`] is built once from the matchers of all rules. [`Scanner::scan`] reads one file and
//! may run on any thread; [`Scanner::finish`] merges what the files gave, in an order that depends
//! on the paths alone. Of a file only its shape, its last lines and a few lines of each record are
//! kept; counts are exact.

mod file;
mod filter;
mod hits;
mod literal;
mod measure;
mod memo;
mod pattern;
mod record;
mod source;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::fast::FixedState;

use jiff::{SignedDuration, Timestamp};
use smol_str::SmolStr;

use crate::layout::Source;
use crate::span::Problem;
use file::{Part, Rules};
use pattern::PatternSet;

pub use hits::{Hits, Tally};
pub(crate) use pattern::{PLACES, states};
pub use pattern::{Pattern, PatternError};
pub use source::{NodeLog, SourceSpec, glob};

/// Which lines of which logs matter, and how their hits are folded into records.
pub struct MatcherSpec {
    /// The logs to look at; any of them.
    pub sources: Vec<SourceSpec>,
    /// Regexes, any of which makes a hit. A line is one hit of a matcher at most; the first pattern
    /// in this order gives its captures. `^` stands after the time stamp of a pod log or a journal.
    pub patterns: Vec<Arc<Pattern>>,
    /// A line that this matches neither hits nor clears.
    pub not: Option<Arc<Pattern>>,
    /// A hit counts only where this holds.
    pub condition: Option<Condition>,
    /// Captures, or `file`, `node`, `namespace`, `pod`, `container`: one record per distinct tuple.
    /// A pod is told apart by its namespace, too. The node of a pod log is not known while
    /// scanning, so there `node` tells pods apart.
    pub group: Vec<SmolStr>,
    /// How many hits make a record worth keeping.
    pub count: CountSpec,
    /// Only lines at most this much older than now; a line without a time is none of them.
    pub since: Option<SignedDuration>,
    /// Keep a record only if its last hit is at most this long before now, and measure its final
    /// run of hits without a larger gap.
    pub still: Option<SignedDuration>,
    /// Captures that must not change within that run.
    pub steady: Vec<SmolStr>,
    /// With the captures of `group`: the line that ends the condition.
    pub clear: Option<Arc<Pattern>>,
    /// Captures whose values are summed up.
    pub measure: BTreeMap<SmolStr, Measure>,
    /// How many of the first hits are kept beside the last one.
    pub sample: usize,
}

impl Default for MatcherSpec {
    /// What a rule leaves out: any hit, one record per file, three samples.
    fn default() -> Self {
        MatcherSpec {
            sources: Vec::new(),
            patterns: Vec::new(),
            not: None,
            condition: None,
            group: vec!["file".into()],
            count: CountSpec::default(),
            since: None,
            still: None,
            steady: Vec::new(),
            clear: None,
            measure: BTreeMap::new(),
            sample: 3,
        }
    }
}

/// A rule's own test of a hit.
pub type Condition = Box<dyn Fn(&HitFields<'_>) -> bool + Send + Sync>;

/// Threshold on the hits of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountSpec {
    /// At least so many.
    pub min: u64,
    /// All within some stretch of this length; hits without a time are not part of any stretch.
    pub within: Option<SignedDuration>,
}

impl Default for CountSpec {
    fn default() -> Self {
        CountSpec {
            min: 1,
            within: None,
        }
    }
}

/// What the text of a measured capture says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// A plain number.
    Number,
    /// `1.234s`, `250ms`, `1m2s`: in seconds.
    Duration,
    /// `512`, `64Ki`, `1.5 GB`: in bytes.
    Bytes,
}

/// What a [`Condition`] may ask of a hit.
pub struct HitFields<'a> {
    /// Named captures of the pattern that matched.
    pub captures: &'a BTreeMap<String, String>,
    /// The line without its time stamp: what the patterns saw.
    pub text: &'a str,
    /// 1-based line in the file.
    pub line: u32,
    /// Time of the line.
    pub time: Option<Timestamp>,
    /// Time since the boot began that the line belongs to; known in a journal whose boot begins in the file.
    pub uptime: Option<SignedDuration>,
    /// Node whose file it is.
    pub node: Option<&'a str>,
    /// Namespace of the pod.
    pub namespace: Option<&'a str>,
    /// Name of the pod.
    pub pod: Option<&'a str>,
    /// Name of the container.
    pub container: Option<&'a str>,
}

/// One log, ready to be scanned.
#[derive(Debug, Clone, Copy)]
pub struct ScanInput<'a> {
    /// Path in the bundle, as shown to the reader.
    pub path: &'a str,
    /// What the file is.
    pub source: &'a Source,
    /// The whole file.
    pub bytes: &'a [u8],
    /// When the file was last written, where the archive tells.
    pub modified: Option<Timestamp>,
    /// When the bundle was made. Without it `since` lets every timed line pass.
    pub now: Option<Timestamp>,
}

/// What a log is, apart from any rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogShape {
    /// Path in the bundle.
    pub path: String,
    /// Node whose file it is; not known of a pod log.
    pub node: Option<String>,
    /// Namespace of the pod.
    pub namespace: Option<String>,
    /// Name of the pod.
    pub pod: Option<String>,
    /// Name of the container.
    pub container: Option<String>,
    /// Time of the first line that has one.
    pub first_time: Option<Timestamp>,
    /// Time of the last line that has one.
    pub last_time: Option<Timestamp>,
    /// Lines, the torn last one included.
    pub lines: u64,
    /// Size in bytes.
    pub bytes: u64,
    /// The last 20 lines with their 1-based numbers, each cut at 1 KiB.
    pub tail: Vec<(u32, String)>,
    /// Times in the file name no zone (or an ambiguous one) and were taken as UTC (or as its commonest meaning).
    pub zone_assumed: bool,
    /// What of the file was not examined.
    pub problems: Vec<Problem>,
}

/// A line that matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogHit {
    /// Path in the bundle.
    pub path: String,
    /// 1-based line in that file as it is in the bundle.
    pub line: u32,
    /// Time of the line.
    pub time: Option<Timestamp>,
    /// The line as in the file, cut at 4 KiB.
    pub text: String,
    /// Named captures.
    pub captures: BTreeMap<String, String>,
}

/// Minimum, maximum and sum of a measured capture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// All together.
    pub sum: f64,
}

/// All hits of a matcher that share the values of its `group`.
#[derive(Debug, Clone, PartialEq)]
pub struct LogRecord {
    /// Values of the captures in `group`; of `file` the path.
    pub fields: BTreeMap<String, String>,
    /// Node, if all hits are of that node's files.
    pub node: Option<String>,
    /// Namespace of the pod, if all hits are of its logs.
    pub namespace: Option<String>,
    /// Name of the pod, if all hits are of its logs.
    pub pod: Option<String>,
    /// Name of the container, if all hits are of its logs.
    pub container: Option<String>,
    /// How many lines hit.
    pub count: u64,
    /// The earliest hit by time, by position where times are unknown.
    pub first: LogHit,
    /// The latest.
    pub last: LogHit,
    /// The first `sample` hits, and the last one.
    pub samples: Vec<LogHit>,
    /// With `still`: when the final run of hits began.
    pub held_since: Option<Timestamp>,
    /// With `still`: how long it lasted, to its last hit.
    pub held_for: Option<SignedDuration>,
    /// The last event was a clearing one.
    pub cleared: bool,
    /// Measured captures.
    pub measures: BTreeMap<String, Measured>,
}

/// The matchers of all rules, ready to read logs.
pub struct Scanner {
    specs: Vec<MatcherSpec>,
    /// Those of a matcher follow each other in the order in which they are tried, `clear` last.
    patterns: Vec<Tried>,
    /// Every source that a matcher names, with the matchers that name it.
    sources: BTreeMap<SourceSpec, Vec<usize>>,
    /// Patterns that apply together, by the matchers that they are of. Files of a kind share a set,
    /// so one is built per kind rather than per file, and no log pays for another one's patterns.
    sets: Mutex<HashMap<Vec<usize>, Arc<PatternSet>, FixedState>>,
}

/// A pattern at its place among all.
struct Tried {
    matcher: usize,
    /// It ends a condition, and makes no hit.
    clear: bool,
    pattern: Arc<Pattern>,
}

/// What one file gave.
#[derive(Debug, Clone)]
pub struct FileScan {
    /// What the file is.
    pub shape: LogShape,
    /// The matchers that read it, by index.
    matchers: Arc<[usize]>,
    parts: Vec<Part>,
    dropped: BTreeMap<usize, Dropped>,
}

/// Lines of a file that a matcher's patterns hit and that count for nothing all the same.
#[derive(Debug, Clone, Copy, Default)]
struct Dropped {
    /// Older than `since`.
    old: u64,
    /// `where` does not hold.
    unfit: u64,
}

impl Scanner {
    /// The matchers keep their order: their indices name them from here on.
    pub fn new(specs: Vec<MatcherSpec>) -> Scanner {
        let mut sources = BTreeMap::<SourceSpec, Vec<usize>>::new();
        let mut patterns = Vec::new();
        for (matcher, spec) in specs.iter().enumerate() {
            for source in &spec.sources {
                sources.entry(source.clone()).or_default().push(matcher);
            }
            let hits = spec.patterns.iter().map(|pattern| (pattern, false));
            let clears = spec.clear.iter().map(|pattern| (pattern, true));
            patterns.extend(hits.chain(clears).map(|(pattern, clear)| Tried {
                matcher,
                clear,
                pattern: Arc::clone(pattern),
            }));
        }
        Scanner {
            specs,
            patterns,
            sources,
            sets: Mutex::default(),
        }
    }

    /// How many patterns are tried on every line of their logs ([`Pattern::is_slow`]).
    pub fn slow_patterns(&self) -> usize {
        let patterns = self.patterns.iter();
        patterns.filter(|tried| tried.pattern.is_slow()).count()
    }

    /// Whether any matcher reads this file.
    pub fn reads(&self, source: &Source) -> bool {
        self.sources.keys().any(|spec| spec.matches(source))
    }

    /// Reads one file. The outcome depends on the input alone, whatever was read before and on
    /// whichever thread.
    pub fn scan(&self, input: &ScanInput<'_>) -> FileScan {
        let set = self.set(input.source);
        let rules = Rules {
            specs: &self.specs,
            patterns: &self.patterns,
        };
        file::scan(&rules, &set, input)
    }

    /// Merges what the files gave, in the order of their paths, and drops the records that do not
    /// reach their matcher's `count` or ended more than `still` before now.
    pub fn finish(&self, scans: Vec<FileScan>, now: Timestamp) -> Hits {
        Hits::merge(&self.specs, scans, now)
    }

    fn set(&self, source: &Source) -> Arc<PatternSet> {
        let named = self.sources.iter().filter(|(spec, _)| spec.matches(source));
        let matchers: BTreeSet<usize> = named.flat_map(|(_, matchers)| matchers).copied().collect();
        let matchers: Vec<usize> = matchers.into_iter().collect();
        let mut sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(set) = sets.get(&matchers) {
            return Arc::clone(set);
        }
        let numbered = (0u32..)
            .zip(&self.patterns)
            .filter(|(_, tried)| matchers.binary_search(&tried.matcher).is_ok())
            .map(|(number, tried)| (number, &*tried.pattern));
        let set = Arc::new(PatternSet::new(matchers.as_slice().into(), numbered));
        sets.insert(matchers, Arc::clone(&set));
        set
    }
}

/// Values of a matcher's measured captures, in the order of their names.
fn measures_of<'t>(
    spec: &MatcherSpec,
    value: impl Fn(&str) -> Option<Cow<'t, str>>,
) -> Vec<Option<f64>> {
    spec.measure
        .iter()
        .map(|(name, measure)| measure.read(&value(name)?))
        .collect()
}

#[cfg(test)]
mod tests;
