//! What happened when: events, condition changes, log hits, boots and upgrade steps of all nodes in one
//! order, by one clock, repeats folded.
//!
//! Each source has a file that turns what it finds into [`Entry`]s; here they are put together. What a
//! reader should see first is [notable](Entry::notable); the rest is routine and shown when asked for.

mod boot;
pub mod clock;
mod condition;
mod event;
mod fold;
mod log;
mod object;
mod upgrade;

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::bundle::Bundle;
use crate::evaluate::{Engine, object_evidence, origin_evidence};
use crate::finding::{Evidence, Finding, ObjectName, Severity};
use crate::graph::{Graph, ObjectId, ObjectView, Subject, relation};

use clock::Clocks;

/// What an entry was read from.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    serde::Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum EntrySource {
    /// A host came up or went down.
    Boot,
    /// A step of an upgrade.
    Upgrade,
    /// A condition of an object changed.
    Condition,
    /// A field of an object tells of a moment: it was made, asked to go, failed.
    Object,
    /// An event of either API.
    Event,
    /// Log lines that the patterns of rules hit.
    Log,
}

impl EntrySource {
    /// The word that JSON and text use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            EntrySource::Boot => "boot",
            EntrySource::Upgrade => "upgrade",
            EntrySource::Condition => "condition",
            EntrySource::Object => "object",
            EntrySource::Event => "event",
            EntrySource::Log => "log",
        }
    }
}

/// A finding of the report.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct FindingName {
    /// Its id in the report of the same bundle and rules: `f1`.
    pub id: String,
    /// Its rule.
    pub rule: String,
}

impl FindingName {
    /// The name of a finding.
    #[must_use]
    pub fn of(finding: &Finding) -> FindingName {
        FindingName {
            id: finding.id.clone(),
            rule: finding.rule.clone(),
        }
    }
}

/// Something that happened, or several alike.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// When, the clock of the node corrected; of repeats the first.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub time: Timestamp,
    /// When the last repeat was, if there are several at different times.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub last: Option<Timestamp>,
    /// How often.
    pub count: u64,
    /// Seconds that were added to the node's own time, whose clock is off.
    pub correction: Option<f64>,
    /// What it was read from.
    pub source: EntrySource,
    /// How bad.
    pub severity: Severity,
    /// Whether the text shows it unasked.
    pub notable: bool,
    /// The node on which it happened.
    pub node: Option<String>,
    /// What it happened to; several where alike were folded.
    pub objects: Vec<ObjectName>,
    /// What happened, in words.
    pub what: String,
    /// The findings that rest on it.
    pub findings: Vec<FindingName>,
    /// Ids of the rules whose patterns hit, for log lines.
    pub rules: Vec<String>,
    /// Where to see it; of repeats the first.
    pub evidence: Evidence,
}

impl Entry {
    fn new(time: Timestamp, source: EntrySource, what: impl Into<String>) -> Entry {
        Entry {
            time,
            last: None,
            count: 1,
            correction: None,
            source,
            severity: Severity::Info,
            notable: false,
            node: None,
            objects: Vec::new(),
            what: what.into(),
            findings: Vec::new(),
            rules: Vec::new(),
            evidence: Evidence::default(),
        }
    }

    /// When it was last so.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        self.last.unwrap_or(self.time)
    }
}

/// All entries of a bundle, and whose clocks were corrected.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Chronicle {
    /// Clocks that are off, by node.
    pub clocks: Vec<clock::NodeClock>,
    /// Entries in order of time.
    pub entries: Vec<Entry>,
}

/// Puts together what a bundle tells of times. `findings` have their final ids.
#[must_use]
pub fn chronicle(bundle: &Bundle, engine: &Engine, findings: &[Finding]) -> Chronicle {
    let clocks = Clocks::of(bundle, findings);
    let context = Context {
        graph: &bundle.graph,
        bundle,
        clocks: &clocks,
        shown: Shown::by(findings),
    };
    let mut entries = Vec::new();
    entries.extend(boot::entries(&context));
    entries.extend(upgrade::entries(&context));
    entries.extend(condition::entries(&context));
    entries.extend(object::entries(&context));
    entries.extend(event::entries(&context));
    entries.extend(log::entries(&context, engine));
    Chronicle {
        entries: fold::fold(entries),
        clocks: clocks.into_list(),
    }
}

/// What all sources need.
struct Context<'a> {
    graph: &'a Graph,
    bundle: &'a Bundle,
    clocks: &'a Clocks,
    shown: Shown<'a>,
}

/// Findings that count, by what their evidence shows.
struct Shown<'a> {
    by_line: BTreeMap<(&'a str, u32), Vec<&'a Finding>>,
    by_object: BTreeMap<&'a ObjectName, Vec<(&'a str, &'a Finding)>>,
}

impl<'a> Shown<'a> {
    fn by(findings: &'a [Finding]) -> Shown<'a> {
        let mut by_line: BTreeMap<_, Vec<_>> = BTreeMap::new();
        let mut by_object: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for finding in findings.iter().filter(|it| it.suppressed.is_none()) {
            for evidence in &finding.evidence {
                if let (Some(line), Some(_)) = (evidence.line, &evidence.text) {
                    let place = (evidence.path.as_str(), line);
                    by_line.entry(place).or_default().push(finding);
                }
                if let (Some(object), Some(field)) = (&evidence.object, &evidence.field) {
                    let shown = (field.as_str(), finding);
                    by_object.entry(object).or_default().push(shown);
                }
            }
        }
        Shown { by_line, by_object }
    }

    /// Those that show a field of an object, or a part of it.
    fn field(&self, object: &ObjectName, field: &str) -> Vec<&'a Finding> {
        let shown = self.by_object.get(object).into_iter().flatten();
        let fits = shown.filter(|(of, _)| of.starts_with(field));
        fits.map(|(_, finding)| *finding).collect()
    }
}

impl<'a> Context<'a> {
    /// The node that an object is on, by the relation of its kind, or that it is.
    fn node_of(&self, object: ObjectView<'_>) -> Option<String> {
        if self.graph.kind_display(object.kind()) == "Node" {
            return Some(object.name().to_owned());
        }
        let relation = relation::find(self.graph, "node", object.kind())?;
        let nodes = relation.follow(self.graph, &Subject::Object(object.id()), None);
        nodes.first().map(|node| self.graph.name_of(node).name)
    }

    /// Sets the time by the clock of the node that wrote it.
    fn by_clock_of(&self, node: Option<&str>, entry: &mut Entry) {
        let correction = node.and_then(|node| self.clocks.correction(node, entry.time));
        let Some((clock, seconds)) = correction else {
            return;
        };
        for time in std::iter::once(&mut entry.time).chain(&mut entry.last) {
            *time = time.checked_add(clock).unwrap_or(*time);
        }
        entry.correction = Some(seconds);
    }

    /// Names the findings that rest on an entry: they make it notable, and as bad as they are.
    fn link(&self, entry: &mut Entry, findings: &[&Finding]) {
        for finding in findings {
            let name = FindingName::of(finding);
            if !entry.findings.contains(&name) {
                entry.findings.push(name);
            }
            entry.severity = entry.severity.max(finding.severity);
            entry.notable = true;
        }
    }

    /// Where a field of an object is seen; the object as a whole where that is unknown.
    fn seen(&self, object: ObjectId, field: &str) -> Evidence {
        origin_evidence(self.graph, object, field)
            .or_else(|| object_evidence(self.graph, object))
            .unwrap_or_default()
    }
}
