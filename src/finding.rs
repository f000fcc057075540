//! The shape of a result: what a rule found, about what, how sure, and where to see it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How bad a finding is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Will hurt later, or hurts a little.
    Warning,
    /// Something does not work.
    Error,
    /// Data, quorum or the whole upgrade is at stake.
    Critical,
}

/// How sure the cause is, apart from how bad it is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// One reading among others.
    Possible,
    /// The usual reading.
    Likely,
    /// The evidence leaves no other reading.
    Certain,
}

/// What a step of a remedy may cost.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    /// Nothing changes, or nothing that runs is touched.
    Safe,
    /// Something that runs is interrupted.
    Disruptive,
    /// Data or a node may be lost.
    Destructive,
}

/// Name of an object of the cluster, which need not exist (any more).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
pub struct ObjectName {
    /// Kind as rules name it: `Node`, `longhorn.io/Volume`, `doctor/Disk`; `Cluster` for the cluster as a whole.
    pub kind: String,
    /// Namespace, `None` for cluster scope.
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
}

impl std::fmt::Display for ObjectName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{}/{}/{}", self.kind, namespace, self.name),
            None => write!(f, "{}/{}", self.kind, self.name),
        }
    }
}

/// A value that a finding offers other rules to join on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Export {
    /// One object, which may be a ghost.
    Object(ObjectName),
    /// Several objects.
    Objects(Vec<ObjectName>),
    /// Plain text.
    Text(String),
    /// Several texts.
    Texts(Vec<String>),
}

impl Export {
    /// The objects that it names.
    #[must_use]
    pub fn objects(&self) -> &[ObjectName] {
        match self {
            Export::Object(object) => std::slice::from_ref(object),
            Export::Objects(objects) => objects,
            Export::Text(_) | Export::Texts(_) => &[],
        }
    }
}

/// A place in the bundle that shows a finding: a line of a log, a field of an object, or a thing that is not there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// Path relative to the bundle's top directory, archives being components of it.
    pub path: String,
    /// 1-based line in that file as it is in the bundle.
    pub line: Option<u32>,
    /// Time of the log line.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub time: Option<Timestamp>,
    /// The line itself, cut at 400 characters.
    pub text: Option<String>,
    /// The object that holds the field.
    pub object: Option<ObjectName>,
    /// Path of the field: `status.conditions[type=Ready].status`.
    pub field: Option<String>,
    /// The field's value.
    pub value: Option<String>,
    /// The thing at `path` is not in the bundle, and that is the evidence.
    pub absent: bool,
    /// A word on what the evidence means.
    pub note: Option<String>,
}

/// A step of a remedy, its templates filled in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
pub struct RemedyStep {
    /// What to do.
    pub text: String,
    /// The command that does it.
    pub command: Option<String>,
    /// What it may cost.
    pub risk: Risk,
    /// How to see that it worked.
    pub check: Option<String>,
    /// What must not be done until it has worked.
    #[serde(rename = "forbidsMeanwhile")]
    pub forbids_meanwhile: Option<String>,
}

/// Why a finding is kept, but not counted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
pub struct Suppression {
    /// `unless` (the rule's own exception) or `ignore` (a user's list of accepted findings).
    pub by: String,
    /// The reason given there.
    pub reason: String,
    /// Until when the acceptance holds.
    pub until: Option<String>,
}

/// What a rule found.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// `f1`, `f2` … in the order of the report.
    pub id: String,
    /// Id of the rule.
    pub rule: String,
    /// Category of the rule: `upgrade`, `node`, `storage` …
    pub category: String,
    /// How bad.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// `stable` or `experimental`.
    pub status: String,
    /// One line.
    pub title: String,
    /// What was found.
    pub message: String,
    /// What else holds in this case.
    pub notes: Vec<String>,
    /// A value that the message names was unknown.
    pub incomplete: bool,
    /// How many more findings of this rule the rule's limit cut off (on its last finding).
    pub omitted: usize,
    /// What the finding is about.
    pub subject: ObjectName,
    /// What other rules may join on.
    pub exports: BTreeMap<String, Export>,
    /// When the condition began.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub first_seen: Option<Timestamp>,
    /// When it was last seen.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub last_seen: Option<Timestamp>,
    /// The fault is over: it tells what was, and explains nothing that began later.
    pub history: bool,
    /// It happened at one moment: mending its cause mends nothing of what it led to.
    #[serde(skip)]
    pub momentary: bool,
    /// How often: hits of the log evidence, else the number of rows folded into the finding.
    pub count: u64,
    /// Where to see it; never empty.
    pub evidence: Vec<Evidence>,
    /// What to do, safest step first.
    pub remedy: Vec<RemedyStep>,
    /// Where to read more.
    pub references: Vec<String>,
    /// Ids of findings that explain this one.
    pub caused_by: Vec<String>,
    /// Set when the finding is kept but not counted.
    pub suppressed: Option<Suppression>,
}
