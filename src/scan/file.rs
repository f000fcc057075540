//! Scans one file: chooses its lines, confirms them, folds the hits.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use foldhash::fast::FixedState;
use jiff::Timestamp;
use memchr::{memchr, memrchr};
use regex::bytes::Captures;

use super::memo::Memo;
use super::pattern::{PLACES, Pattern, PatternSet};
use super::record::{Folded, Hit, Said};
use super::{
    Dropped, FileScan, HitFields, LogHit, LogShape, MatcherSpec, ScanInput, Tried, measures_of,
};
use crate::layout::Source;
use crate::parse::line::{Log, lines_back};
use crate::span::{Problem, ProblemKind};

/// Bytes of a line that patterns see: longer lines are dumps.
const LONGEST_LINE: usize = 64 << 10;
/// Bytes of a line that are kept.
const LONGEST_TEXT: usize = 4 << 10;
/// Bytes of a line that are kept in the tail.
const LONGEST_TAIL: usize = 1 << 10;
/// Lines in the tail.
const TAIL: usize = 20;
/// Records that a file may give to all matchers together. A rule that groups by something that
/// differs in each line would otherwise keep the file.
const MOST_RECORDS: usize = 5000;

/// The scan's share of a record.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) matcher: usize,
    /// Values of the matcher's `group`, in its order.
    pub(super) values: Vec<String>,
    pub(super) folded: Folded<LogHit>,
}

/// What a scan needs to know of its matchers.
pub(super) struct Rules<'s> {
    pub(super) specs: &'s [MatcherSpec],
    /// Every pattern under its number.
    pub(super) patterns: &'s [Tried],
}

/// Scans a file with the patterns that apply to it.
pub(super) fn scan(rules: &Rules<'_>, set: &PatternSet, input: &ScanInput<'_>) -> FileScan {
    let log = Log::new(input.bytes, input.source, input.now.or(input.modified));
    let mut pass = Pass {
        rules,
        set,
        input,
        place: Place::of(input.source),
        counter: LineCounter {
            bytes: input.bytes,
            at: 0,
            number: 1,
        },
        memo: Memo::new(),
        records: HashMap::default(),
        slots: Vec::new(),
        candidates: Vec::new(),
        dated: (0, None),
        dropped: BTreeMap::new(),
        full: false,
        log,
    };
    if set.slow.is_some() {
        pass.each_line();
    } else {
        pass.candidate_lines();
    }
    pass.finish()
}

/// Whose file it is.
struct Place<'a> {
    node: Option<&'a str>,
    namespace: Option<&'a str>,
    pod: Option<&'a str>,
    container: Option<&'a str>,
}

impl<'a> Place<'a> {
    fn of(source: &'a Source) -> Place<'a> {
        let nowhere = Place {
            node: None,
            namespace: None,
            pod: None,
            container: None,
        };
        match source {
            Source::PodLog {
                namespace,
                pod,
                container,
                ..
            } => Place {
                namespace: Some(namespace),
                pod: Some(pod),
                container: Some(container),
                ..nowhere
            },
            Source::NodeFile { node, .. } | Source::Supportconfig { node, .. } => Place {
                node: Some(node),
                ..nowhere
            },
            _ => nowhere,
        }
    }

    /// Value of a field of `group` that is no capture. Names of pods are unique in a namespace
    /// only, and a pod stands in for its node while that is not known.
    fn value(&self, field: &str, path: &str) -> String {
        let pod = || match (self.namespace, self.pod) {
            (Some(namespace), Some(pod)) => format!("{namespace}/{pod}"),
            _ => String::new(),
        };
        match field {
            "file" => path.to_owned(),
            "node" => self.node.map_or_else(pod, str::to_owned),
            "pod" => pod(),
            "namespace" => self.namespace.unwrap_or_default().to_owned(),
            _ => self.container.unwrap_or_default().to_owned(),
        }
    }
}

/// Counts lines from one place to the next.
struct LineCounter<'a> {
    bytes: &'a [u8],
    at: usize,
    number: u64,
}

impl LineCounter<'_> {
    /// Number of the line that starts at a byte no earlier than the last one asked for.
    fn line(&mut self, start: usize) -> u32 {
        if let Some(between) = self.bytes.get(self.at..start) {
            self.number += memchr::memchr_iter(b'\n', between).count() as u64;
            self.at = start;
        }
        u32::try_from(self.number).unwrap_or(u32::MAX)
    }
}

/// A hit by its place in the file: its text is read only if it is kept.
#[derive(Debug, Clone, Copy)]
struct Seen {
    start: usize,
    line: u32,
    time: Option<Timestamp>,
    pattern: u32,
}

impl Hit for Seen {
    fn time(&self) -> Option<Timestamp> {
        self.time
    }

    fn same(&self, other: &Seen) -> bool {
        self.start == other.start
    }
}

/// What a text means to one matcher, whenever and wherever it is said.
struct Event {
    matcher: usize,
    pattern: u32,
    clear: bool,
    /// Captures of the group.
    values: Vec<String>,
    slot: Option<usize>,
    said: Said,
    /// All captures, for matchers with a condition.
    captures: BTreeMap<String, String>,
}

struct Slot {
    matcher: usize,
    values: Vec<String>,
    folded: Folded<Seen>,
}

struct Pass<'a> {
    rules: &'a Rules<'a>,
    set: &'a PatternSet,
    input: &'a ScanInput<'a>,
    log: Log<'a>,
    place: Place<'a>,
    counter: LineCounter<'a>,
    memo: Memo<Vec<Event>>,
    records: HashMap<(usize, Vec<String>), usize, FixedState>,
    slots: Vec<Slot>,
    candidates: Vec<u32>,
    /// Start and time of the last line whose time was looked for.
    dated: (usize, Option<Timestamp>),
    /// Hits that count for nothing, by matcher.
    dropped: BTreeMap<usize, Dropped>,
    /// There was no room for another record.
    full: bool,
}

impl<'a> Pass<'a> {
    /// Goes from one line with a literal to the next.
    fn candidate_lines(&mut self) {
        let bytes = self.input.bytes;
        let mut next: Vec<Option<usize>> = self
            .set
            .filters
            .iter()
            .map(|filter| filter.find(bytes, 0))
            .collect();
        while let Some(at) = next.iter().flatten().min().copied() {
            let start = memrchr(b'\n', &bytes[..at]).map_or(0, |end| end + 1);
            let end = memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |end| at + end);
            self.line(start, end);
            for (filter, next) in self.set.filters.iter().zip(&mut next) {
                if next.is_some_and(|place| place <= end) {
                    *next = filter.find(bytes, end + 1);
                }
            }
        }
    }

    /// Looks at every line: some pattern has no literal.
    fn each_line(&mut self) {
        let bytes = self.input.bytes;
        let mut start = 0;
        while start < bytes.len() {
            let end = memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |end| start + end);
            self.line(start, end);
            start = end + 1;
        }
    }

    fn line(&mut self, start: usize, end: usize) {
        let bytes = self.input.bytes;
        let end = if end > start && bytes.get(end - 1) == Some(&b'\r') {
            end - 1
        } else {
            end
        };
        let Some(text) = self.log.payload(start..end) else {
            return;
        };
        let text = text.start..text.end.min(text.start + LONGEST_LINE);
        if let Some(known) = self.memo.find(bytes, &text) {
            self.remembered(known, start, &text);
            return;
        }
        let events = self.events(&bytes[text.clone()]);
        match self.memo.store(bytes, text.clone(), events) {
            Ok(place) => self.remembered(place, start, &text),
            Err(mut events) => self.apply(&mut events, start, &text),
        }
    }

    /// Applies an outcome of the memo, which learns the records that it goes to.
    fn remembered(&mut self, place: usize, start: usize, text: &Range<usize>) {
        let Some(outcome) = self.memo.outcome(place) else {
            return;
        };
        if outcome.is_empty() {
            return;
        }
        let mut events = std::mem::take(outcome);
        self.apply(&mut events, start, text);
        if let Some(outcome) = self.memo.outcome(place) {
            *outcome = events;
        }
    }

    /// What a text means to each matcher.
    fn events(&mut self, text: &[u8]) -> Vec<Event> {
        let mut candidates = std::mem::take(&mut self.candidates);
        candidates.clear();
        for filter in &self.set.filters {
            filter.collect(text, &mut candidates);
        }
        if let Some((slow, numbers)) = &self.set.slow {
            let matched = slow.matches(text);
            candidates.extend(matched.iter().filter_map(|index| numbers.get(index)));
        }
        // By number: the patterns of a matcher follow each other in their order, `clear` last.
        candidates.sort_unstable();
        candidates.dedup();
        let mut events: Vec<Event> = Vec::new();
        for number in &candidates {
            let Some(tried) = self.rules.patterns.get(*number as usize) else {
                continue;
            };
            let told = events
                .last()
                .is_some_and(|event| event.matcher == tried.matcher);
            if told && !tried.clear || !tried.pattern.is_match(text) {
                continue;
            }
            let spec = self.rules.specs.get(tried.matcher);
            let not = spec.and_then(|spec| spec.not.as_ref());
            if not.is_some_and(|not| not.is_match(text)) {
                continue;
            }
            if let Some(event) = self.event(*number, tried, text) {
                events.push(event);
            }
        }
        self.candidates = candidates;
        events
    }

    fn event(&self, number: u32, tried: &Tried, text: &[u8]) -> Option<Event> {
        let &Tried {
            matcher,
            clear,
            ref pattern,
        } = tried;
        let spec = self.rules.specs.get(matcher)?;
        let mut event = Event {
            matcher,
            pattern: number,
            clear,
            values: Vec::new(),
            slot: None,
            said: Said::default(),
            captures: BTreeMap::new(),
        };
        let asks = spec
            .group
            .iter()
            .any(|field| !PLACES.contains(&field.as_str()));
        let said = !spec.steady.is_empty() || !spec.measure.is_empty() || spec.condition.is_some();
        if asks || said && !clear {
            let captures = pattern.captured(text)?;
            let value = |name: &str| captures.name(name).map(|found| lossy(found.as_bytes()));
            let grouped = spec
                .group
                .iter()
                .filter(|field| !PLACES.contains(&field.as_str()));
            event.values = grouped
                .map(|field| value(field).unwrap_or_default().into_owned())
                .collect();
            if !clear {
                if !spec.steady.is_empty() {
                    let steady: Vec<Cow<'_, str>> = spec
                        .steady
                        .iter()
                        .map(|name| value(name).unwrap_or_default())
                        .collect();
                    event.said.steady = Some(Arc::from(steady.join("\u{0}")));
                }
                event.said.measures = measures_of(spec, value);
                if spec.condition.is_some() {
                    event.captures = named(pattern, &captures);
                }
            }
        }
        Some(event)
    }

    fn apply(&mut self, events: &mut [Event], start: usize, text: &Range<usize>) {
        if events.is_empty() {
            return;
        }
        let line = self.counter.line(start);
        let time = self.log.time(start, self.dated);
        self.dated = (start, time);
        for event in events {
            let Some(spec) = self.rules.specs.get(event.matcher) else {
                continue;
            };
            if !recent(spec, self.input.now, time) {
                self.dropped.entry(event.matcher).or_default().old += u64::from(!event.clear);
                continue;
            }
            if !event.clear
                && let Some(condition) = &spec.condition
            {
                let holds = condition(&HitFields {
                    captures: &event.captures,
                    text: &lossy(&self.input.bytes[text.clone()]),
                    line,
                    time,
                    uptime: self.log.uptime(start, time),
                    node: self.place.node,
                    namespace: self.place.namespace,
                    pod: self.place.pod,
                    container: self.place.container,
                });
                if !holds {
                    self.dropped.entry(event.matcher).or_default().unfit += 1;
                    continue;
                }
            }
            let slot = event.slot.or_else(|| self.slot(spec, event));
            event.slot = slot;
            let Some(slot) = slot.and_then(|slot| self.slots.get_mut(slot)) else {
                self.full = true;
                continue;
            };
            if event.clear {
                slot.folded.clear(time);
            } else {
                slot.folded.hit(
                    spec,
                    Seen {
                        start,
                        line,
                        time,
                        pattern: event.pattern,
                    },
                    &event.said,
                );
            }
        }
    }

    /// The record that an event goes to, if there is room for it.
    fn slot(&mut self, spec: &MatcherSpec, event: &Event) -> Option<usize> {
        let key = (event.matcher, event.values.clone());
        if let Some(slot) = self.records.get(&key) {
            return Some(*slot);
        }
        if self.slots.len() == MOST_RECORDS {
            return None;
        }
        let mut captures = event.values.iter();
        let values = spec.group.iter().map(|field| {
            if PLACES.contains(&field.as_str()) {
                self.place.value(field, self.input.path)
            } else {
                captures.next().cloned().unwrap_or_default()
            }
        });
        let slot = Slot {
            matcher: event.matcher,
            values: values.collect(),
            folded: Folded::new(spec),
        };
        self.records.insert(key, self.slots.len());
        self.slots.push(slot);
        Some(self.slots.len() - 1)
    }

    fn finish(mut self) -> FileScan {
        let bytes = self.input.bytes;
        let lines = u64::from(self.counter.line(bytes.len()));
        let torn = !bytes.is_empty() && bytes.last() != Some(&b'\n');
        let lines = if torn { lines } else { lines - 1 };
        let mut problems = Vec::new();
        if self.full {
            let reason = format!(
                "gives more than {MOST_RECORDS} distinct log records; those beyond are not counted"
            );
            problems.push(Problem::new(self.input.path, ProblemKind::Limit, reason));
        }
        let owned = |name: Option<&str>| name.map(str::to_owned);
        let shape = LogShape {
            path: self.input.path.to_owned(),
            node: owned(self.place.node),
            namespace: owned(self.place.namespace),
            pod: owned(self.place.pod),
            container: owned(self.place.container),
            first_time: self.log.first_time(0),
            last_time: self.log.last_time(),
            lines,
            bytes: bytes.len() as u64,
            tail: tail(bytes, lines),
            zone_assumed: self.log.zone_assumed(),
            problems,
        };
        let slots = std::mem::take(&mut self.slots);
        let mut form = |seen: Seen| self.hit(seen);
        let parts = slots
            .into_iter()
            .map(|slot| Part {
                matcher: slot.matcher,
                values: slot.values,
                folded: slot.folded.map(&mut form),
            })
            .collect();
        FileScan {
            shape,
            matchers: Arc::clone(&self.set.matchers),
            parts,
            dropped: self.dropped,
        }
    }

    /// Reads a hit that is kept.
    fn hit(&self, seen: Seen) -> LogHit {
        let rest = &self.input.bytes[seen.start..];
        let line = &rest[..memchr(b'\n', rest).unwrap_or(rest.len())];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let payload = self.log.payload(seen.start..seen.start + line.len());
        let text = payload.and_then(|text| {
            self.input
                .bytes
                .get(text.start..text.end.min(text.start + LONGEST_LINE))
        });
        let captures = self
            .rules
            .patterns
            .get(seen.pattern as usize)
            .zip(text)
            .and_then(|(tried, text)| Some(named(&tried.pattern, &tried.pattern.captured(text)?)));
        LogHit {
            path: self.input.path.to_owned(),
            line: seen.line,
            time: seen.time,
            text: cut(line, LONGEST_TEXT),
            captures: captures.unwrap_or_default(),
        }
    }
}

/// Whether a line is young enough.
fn recent(spec: &MatcherSpec, now: Option<Timestamp>, time: Option<Timestamp>) -> bool {
    match (spec.since, time) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(since), Some(time)) => now.is_none_or(|now| now.duration_since(time) <= since),
    }
}

fn named(pattern: &Pattern, captures: &Captures<'_>) -> BTreeMap<String, String> {
    let names = pattern.captures().iter();
    names
        .filter_map(|name| {
            Some((
                name.to_string(),
                lossy(captures.name(name)?.as_bytes()).into_owned(),
            ))
        })
        .collect()
}

fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// The first bytes of a line as text, whole characters only.
fn cut(line: &[u8], most: usize) -> String {
    let mut end = line.len().min(most);
    // No character is longer than four bytes; what continues one begins with the bits 10.
    while end < line.len() && end + 4 > most && line[end] & 0xC0 == 0x80 {
        end -= 1;
    }
    lossy(&line[..end]).into_owned()
}

fn tail(bytes: &[u8], lines: u64) -> Vec<(u32, String)> {
    let numbered = lines_back(bytes).take(TAIL).zip((0..=lines).rev());
    let mut tail: Vec<(u32, String)> = numbered
        .map(|(start, number)| {
            let rest = &bytes[start..];
            let line = &rest[..memchr(b'\n', rest).unwrap_or(rest.len())];
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            (
                u32::try_from(number).unwrap_or(u32::MAX),
                cut(line, LONGEST_TAIL),
            )
        })
        .collect();
    tail.reverse();
    tail
}
