//! Everything known of one object: its fields, its neighbours in the graph, its findings and its slice of
//! the timeline, also where no rule fired.

mod fact;
pub mod name;
mod neighbour;
mod state;

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use crate::bundle::Bundle;
use crate::finding::{Evidence, Export, Finding, ObjectName};
use crate::graph::{Graph, Subject};
use crate::parse::time::timestamp;
use crate::timeline::clock::NodeClock;
use crate::timeline::{Chronicle, Entry, EntrySource};

pub use name::NoSuchObject;

/// From when on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// So long before the bundle was collected.
    Last(SignedDuration),
    /// A moment.
    Time(Timestamp),
}

impl Since {
    /// The moment, by the bundle's own time.
    #[must_use]
    pub fn moment(self, collected_at: Option<Timestamp>) -> Option<Timestamp> {
        match self {
            Since::Last(length) => collected_at?.checked_sub(length).ok(),
            Since::Time(time) => Some(time),
        }
    }
}

/// What is asked of a bundle beside its diagnosis.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Question {
    /// The object, as `KIND/NAME` or `KIND/NAMESPACE/NAME`.
    pub about: Option<String>,
    /// From when on.
    pub since: Option<Since>,
}

/// What is known of an object.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct About {
    /// The object.
    pub object: ObjectName,
    /// Whether the bundle holds it; else only its name is known from others.
    pub exists: bool,
    /// Its fields that matter, and those of the objects that stand for it elsewhere.
    pub facts: Vec<Evidence>,
    /// Objects that relations lead to.
    pub neighbours: Vec<Neighbour>,
    /// Findings that concern it, in the order of the report.
    pub findings: Vec<Concern>,
    /// The time that was asked for; entries that ended before it are left out.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub since: Option<Timestamp>,
    /// Clocks that are off of nodes of the entries.
    pub clocks: Vec<NodeClock>,
    /// What happened to it and to what belongs to it, in order of time.
    pub timeline: Vec<Entry>,
}

/// An object that a relation leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Neighbour {
    /// The relations that lead to it, as rules call them: `claims.volume`.
    pub relation: String,
    /// The object.
    pub object: ObjectName,
    /// Whether the bundle holds it.
    pub exists: bool,
    /// How it is, in the word of its own status.
    pub state: Option<String>,
    /// Whether that is as it should be; `null` where its kind does not tell.
    pub well: Option<bool>,
}

/// A finding, and how it concerns the object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Concern {
    /// The finding's id.
    pub finding: String,
    /// How it concerns the object.
    pub how: How,
}

/// How a finding concerns an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum How {
    /// It is about the object.
    Subject,
    /// It names the object, or shows it as evidence.
    Named,
    /// It is about something that belongs to the object.
    Neighbour,
}

/// Tells what is known of an object.
#[must_use]
pub fn tell(
    bundle: &Bundle,
    subject: &Subject,
    since: Option<Since>,
    findings: &[Finding],
    chronicle: &Chronicle,
) -> About {
    let graph = &bundle.graph;
    let belongings = Belongings::of(graph, subject);
    let since = since.and_then(|since| since.moment(bundle.now));
    let timeline = belongings.slice(&chronicle.entries, since);
    let nodes: BTreeSet<&str> = (timeline.iter())
        .filter_map(|entry| entry.node.as_deref())
        .collect();
    let clocks = chronicle.clocks.iter();
    let clocks = clocks.filter(|clock| nodes.contains(clock.node.as_str()));
    let concerns = findings.iter().filter(|it| it.suppressed.is_none());
    About {
        object: graph.name_of(subject),
        exists: matches!(subject, Subject::Object(_)),
        facts: fact::facts(graph, subject),
        neighbours: neighbour::neighbours(graph, subject),
        findings: concerns
            .filter_map(|finding| belongings.concern(finding))
            .collect(),
        since,
        clocks: clocks.cloned().collect(),
        timeline,
    }
}

/// An object with what belongs to it.
pub struct Belongings {
    object: ObjectName,
    /// Names of what belongs to it, itself not among them.
    others: BTreeSet<ObjectName>,
    /// An upgrade has no history before it was asked for, whatever its nodes have.
    begins: Option<Timestamp>,
}

impl Belongings {
    /// What belongs to an object.
    #[must_use]
    pub fn of(graph: &Graph, subject: &Subject) -> Belongings {
        let object = graph.name_of(subject);
        let mut others = neighbour::belongings(graph, subject);
        others.remove(&object);
        let begins = match subject {
            Subject::Object(id) if object.kind == "Upgrade" => {
                let upgrade = graph.object(*id);
                let created = upgrade.text(&["metadata", "creationTimestamp"]);
                created.and_then(timestamp)
            }
            _ => None,
        };
        Belongings {
            object,
            others,
            begins,
        }
    }

    /// The entries of a timeline that concern the object: all of its own, and the notable ones of
    /// what belongs to it.
    #[must_use]
    pub fn slice(&self, entries: &[Entry], since: Option<Timestamp>) -> Vec<Entry> {
        let since = since.max(self.begins);
        let late = entries
            .iter()
            .filter(|entry| since.is_none_or(|since| entry.end() >= since));
        let mut slice = Vec::new();
        for entry in late {
            let own = entry.objects.contains(&self.object);
            if own || entry.notable && self.holds(entry) {
                let mut entry = Entry {
                    notable: true,
                    ..entry.clone()
                };
                // Of many that were folded, the ones that were asked about are named first.
                entry
                    .objects
                    .sort_by_key(|object| (*object != self.object, !self.others.contains(object)));
                slice.push(entry);
            }
        }
        slice
    }

    fn holds(&self, entry: &Entry) -> bool {
        let node = self.object.kind == "Node";
        node && entry.node.as_ref() == Some(&self.object.name)
            || self.object.kind == "Upgrade" && entry.source == EntrySource::Upgrade
            || entry.objects.iter().any(|it| self.others.contains(it))
    }

    fn concern(&self, finding: &Finding) -> Option<Concern> {
        let exported = finding.exports.values().flat_map(Export::objects);
        let shown = finding.evidence.iter().filter_map(|it| it.object.as_ref());
        let how = if finding.subject == self.object {
            How::Subject
        } else if exported.chain(shown).any(|it| *it == self.object) {
            How::Named
        } else if self.others.contains(&finding.subject) {
            How::Neighbour
        } else {
            return None;
        };
        Some(Concern {
            finding: finding.id.clone(),
            how,
        })
    }
}
