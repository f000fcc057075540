//! What can run: rules, read from YAML, every mistake of every file found before one is evaluated.
//!
//! A file's text becomes a tree in which every byte knows its place (`tree`), the tree a [`Rule`]
//! (`draft`), its strings [expressions](expression) and [templates](template), whose names and calls
//! are checked (`check`, [`function`]). The rules of all files make a [`RuleSet`].

mod check;
pub mod dialect;
mod draft;
pub mod duration;
pub mod expression;
pub(crate) mod files;
pub mod function;
pub(crate) mod keys;
pub mod mistake;
pub mod nearest;
pub mod path;
mod pattern;
pub mod quantity;
mod recording;
mod schema;
pub mod set;
pub(crate) mod shape;
pub mod source;
pub mod template;
#[cfg(test)]
mod tests_of_mutants;
#[cfg(test)]
mod tests_of_schema;
pub(crate) mod tree;
pub mod version;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::SignedDuration;
use smol_str::SmolStr;

use crate::finding::{Confidence, Risk, Severity};
use crate::scan::{Measure, Pattern, SourceSpec};
use expression::Expression;
use path::FieldPath;
use quantity::Number;
use source::{RuleSource, Span, Spanned};
use template::Template;
use version::VersionRange;

pub use mistake::RuleErrors;
pub use schema::{fields, unknown_fields};
pub use set::RuleSet;

/// What a rule file looks like, as JSON Schema: for editors, which complete and check by it.
pub fn file_schema() -> serde_json::Value {
    draft::file_schema()
}

/// A rule that may run: read, and free of mistakes.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Stable name in kebab-case, equal to the file's name.
    pub id: String,
    /// One line.
    pub title: Template,
    /// How bad, before any escalation.
    pub severity: Severity,
    /// What makes it worse; each true entry applies, the highest wins, none lowers.
    pub escalate: Vec<Escalation>,
    /// The folder it stands in.
    pub category: Category,
    /// How mature.
    pub status: Status,
    /// Markdown for `rules show`.
    pub description: Option<String>,
    /// The versions it is about.
    pub versions: Versions,
    /// What the bundle must hold for the rule to be evaluated.
    pub requires: Requires,
    /// Constants `params.x`.
    pub params: BTreeMap<SmolStr, Param>,
    /// Log matchers `logs.x`.
    pub logs: BTreeMap<SmolStr, LogMatcher>,
    /// The pipeline of rows, top to bottom.
    pub matches: Vec<Binding>,
    /// Exceptions, each with its reason.
    pub unless: Vec<Unless>,
    /// What a row that is left becomes.
    pub finding: FindingTemplate,
    /// What to do, in order.
    pub remedy: Vec<Remedy>,
    /// Where to read more.
    pub references: Vec<Reference>,
    /// Other names of the cause.
    pub aliases: Vec<String>,
    /// Rules whose findings this one explains.
    pub causes: Vec<Link>,
    /// Rules whose findings explain this one.
    pub caused_by: Vec<Link>,
    /// The file.
    pub source: Arc<RuleSource>,
}

/// Whether a text may be the id of a rule: lower case letters and digits, words joined by `-`.
pub fn is_id(text: &str) -> bool {
    let is_letter = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    text.split('-')
        .all(|word| !word.is_empty() && word.bytes().all(is_letter))
}

impl Rule {
    /// Whether it came with the program and has not been replaced.
    pub fn is_built_in(&self) -> bool {
        files::is_built_in(&self.source.name, &self.source.text)
    }
}

/// What a rule is about; the name of its folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// Upgrades of Harvester.
    Upgrade,
    /// Hosts and Kubernetes nodes.
    Node,
    /// Disks, Longhorn, CSI.
    Storage,
    /// Links, CNI, addresses, DNS.
    Network,
    /// etcd.
    Etcd,
    /// Virtual machines.
    Vm,
    /// Certificates.
    Certs,
    /// The support bundle itself.
    Bundle,
}

impl Category {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Category; 8] = [
        Category::Upgrade,
        Category::Node,
        Category::Storage,
        Category::Network,
        Category::Etcd,
        Category::Vm,
        Category::Certs,
        Category::Bundle,
    ];

    /// The name of its folder.
    pub fn name(self) -> &'static str {
        match self {
            Category::Upgrade => "upgrade",
            Category::Node => "node",
            Category::Storage => "storage",
            Category::Network => "network",
            Category::Etcd => "etcd",
            Category::Vm => "vm",
            Category::Certs => "certs",
            Category::Bundle => "bundle",
        }
    }

    /// The category of this name.
    pub fn parse(name: &str) -> Option<Category> {
        Category::ALL
            .into_iter()
            .find(|category| category.name() == name)
    }
}

/// How mature a rule is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Status {
    /// Trusted.
    #[default]
    Stable,
    /// Its findings are marked.
    Experimental,
    /// Runs only when selected by name.
    Deprecated,
}

/// A condition that makes a finding worse or surer.
#[derive(Debug, Clone)]
pub struct Escalation {
    /// When it applies.
    pub when: Expression,
    /// The severity it raises to.
    pub to: Option<Severity>,
    /// The confidence it raises to.
    pub confidence: Option<Confidence>,
}

/// The versions a rule is about; a range that is not stated holds every version.
#[derive(Debug, Clone, Default)]
pub struct Versions {
    /// Harvester's version; during an upgrade the version before or the one after.
    pub harvester: Option<VersionRange>,
    /// Kubernetes' version.
    pub kubernetes: Option<VersionRange>,
    /// Longhorn's version.
    pub longhorn: Option<VersionRange>,
    /// Harvester's version before the upgrade.
    pub upgrade_from: Option<VersionRange>,
    /// Harvester's version after the upgrade.
    pub upgrade_to: Option<VersionRange>,
    /// What happens outside these ranges.
    pub outside: Outside,
}

/// What happens to a rule outside its versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Outside {
    /// It does not run.
    #[default]
    Skip,
    /// It runs, with confidence `possible`.
    Lower,
}

/// What the bundle must hold for a rule to be evaluated. Stated by the rule, else inferred: the
/// kinds and logs of every binding that drops rows for want of an element, or keeps them for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requires {
    /// Kinds, sorted.
    pub kinds: Vec<KindName>,
    /// Log sources, sorted; of each group at least one.
    pub logs: Vec<Vec<SourceSpec>>,
}

/// Name of a kind: `Node`, `longhorn.io/Volume`, `doctor/Disk`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KindName {
    /// API group, or its first label (`policy`), if the rule states one.
    pub group: Option<String>,
    /// Kind.
    pub kind: String,
}

/// A constant of a rule.
#[derive(Debug, Clone, PartialEq)]
pub enum Param {
    /// `5`, `0.5`.
    Number(Number),
    /// Any text that is nothing else.
    Text(String),
    /// `true`, `false`.
    Bool(bool),
    /// `30m`, `2d`; wins over the quantity of the same form (`30m` is minutes, not thousandths).
    Duration(SignedDuration),
    /// `1536Mi`, `5G`.
    Quantity(Number),
}

/// What is looked for in logs, and how hits become records.
#[derive(Debug, Clone)]
pub struct LogMatcher {
    /// Where to look.
    pub sources: Vec<SourceSpec>,
    /// A line that matches any of these is a hit (`pattern` or `any`).
    pub patterns: Vec<Spanned<Arc<Pattern>>>,
    /// A line that matches this is none.
    pub not: Option<Spanned<Arc<Pattern>>>,
    /// A hit for which this is false is none (`where`).
    pub condition: Option<Expression>,
    /// One record for each distinct tuple of these: captures, `file`, `node`, `namespace`, `pod`, `container`.
    pub group: Vec<SmolStr>,
    /// How many hits make a record.
    pub threshold: Threshold,
    /// Only lines younger than this count.
    pub since: Option<SignedDuration>,
    /// The last hit is at most this long ago, and no gap in the final run is longer.
    pub still: Option<SignedDuration>,
    /// Captures whose change starts the hold anew.
    pub steady: Vec<SmolStr>,
    /// A line that says the trouble is over.
    pub clear: Option<Spanned<Arc<Pattern>>>,
    /// Captures to keep the minimum, maximum and sum of.
    pub measure: BTreeMap<SmolStr, Measure>,
    /// How many first lines a record keeps, beside the last one.
    pub sample: usize,
    /// Where the matcher stands.
    pub span: Span,
}

/// How many hits make a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Threshold {
    /// The least number of hits.
    pub min: u64,
    /// They must fall into some window of this length.
    pub within: Option<SignedDuration>,
}

/// One step of the pipeline of rows.
#[derive(Debug, Clone)]
pub struct Binding {
    /// What it does.
    pub form: BindingForm,
    /// The whole entry.
    pub span: Span,
}

/// What a step does to a row. In a `condition`, the element is `it`, or its own name.
#[derive(Debug, Clone)]
pub enum BindingForm {
    /// One new row for each element that fits.
    Each {
        /// What the element is called.
        names: Names,
        /// Where elements come from.
        source: BindingSource,
        /// Which of them fit (`where`).
        condition: Option<Expression>,
    },
    /// The first element that fits, else absent.
    Optional {
        /// What the element is called.
        name: Spanned<SmolStr>,
        /// Where elements come from.
        source: BindingSource,
        /// Which of them fit (`where`).
        condition: Option<Expression>,
    },
    /// Keeps the row if no element fits.
    None {
        /// What the element is called, in the condition only.
        name: Spanned<SmolStr>,
        /// Where elements come from.
        source: BindingSource,
        /// Which of them fit (`where`).
        condition: Option<Expression>,
    },
    /// The list of all elements that fit.
    Collect {
        /// What the list is called.
        name: Spanned<SmolStr>,
        /// Where elements come from.
        source: BindingSource,
        /// Which of them fit (`where`).
        condition: Option<Expression>,
        /// Keeps the row if there are at least so many.
        min: usize,
    },
    /// A value, worked out once per row when it is first asked for.
    Let {
        /// What it is called.
        name: Spanned<SmolStr>,
        /// The value.
        value: Expression,
    },
    /// Keeps the row if this is true.
    When(Expression),
}

/// What the element of an `each` is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Names {
    /// `each: v`.
    Element(Spanned<SmolStr>),
    /// `each: [k, v]`, over a map.
    Entry {
        /// Name of the key.
        key: Spanned<SmolStr>,
        /// Name of the value.
        value: Spanned<SmolStr>,
    },
}

/// Where the elements of a binding come from.
#[derive(Debug, Clone)]
pub enum BindingSource {
    /// All objects of a kind.
    Kind(Spanned<KindName>),
    /// One object by name.
    Object {
        /// Its kind.
        kind: Spanned<KindName>,
        /// Its namespace, `None` for cluster scope.
        namespace: Option<String>,
        /// Its name.
        name: String,
    },
    /// The records of the log matcher of this name.
    Logs(Spanned<SmolStr>),
    /// A relation call, or a field that holds a list or map.
    Expression(Expression),
}

/// An exception: a finding for which it holds is kept as suppressed.
#[derive(Debug, Clone)]
pub struct Unless {
    /// When it holds.
    pub test: UnlessTest,
    /// Why it is no fault then.
    pub reason: Template,
}

/// When an exception holds.
#[derive(Debug, Clone)]
pub enum UnlessTest {
    /// This is true.
    When(Expression),
    /// Some element fits.
    Some {
        /// What the element is called, in the condition only.
        name: Spanned<SmolStr>,
        /// Where elements come from.
        source: BindingSource,
        /// Which of them fit (`where`).
        condition: Option<Expression>,
    },
    /// No element fits.
    None {
        /// What the element is called, in the condition only.
        name: Spanned<SmolStr>,
        /// Where elements come from.
        source: BindingSource,
        /// Which of them fit (`where`).
        condition: Option<Expression>,
    },
}

/// What a row becomes.
#[derive(Debug, Clone)]
pub struct FindingTemplate {
    /// What the finding is about.
    pub subject: Subject,
    /// When the condition began; `None` takes the first time of the log evidence.
    pub since: Option<Expression>,
    /// Whether the fault is over; `None` means that it is not.
    pub history: Option<Expression>,
    /// It happened at one moment: mending its cause mends nothing of what it led to.
    pub momentary: bool,
    /// Rows with equal keys are one finding; empty means the subject.
    pub key: Vec<Expression>,
    /// What other rules may join on.
    pub exports: BTreeMap<SmolStr, Expression>,
    /// How sure, before any escalation.
    pub confidence: Confidence,
    /// What was found.
    pub message: Template,
    /// What else may hold; all true ones are appended.
    pub notes: Vec<Note>,
    /// Where to see it; empty means the subject.
    pub evidence: Vec<EvidenceTemplate>,
    /// So many findings of this rule are kept, the rest counted.
    pub limit: usize,
}

/// What a finding is about.
#[derive(Debug, Clone)]
pub enum Subject {
    /// The cluster as a whole.
    Cluster,
    /// One object, which may be a ghost.
    Object(Expression),
}

/// A sentence that is added when its condition is true.
#[derive(Debug, Clone)]
pub struct Note {
    /// When it is added; `None` means always.
    pub when: Option<Expression>,
    /// The sentence.
    pub text: Template,
}

/// Where to see a finding.
#[derive(Debug, Clone)]
pub enum EvidenceTemplate {
    /// An object, a list of them, or an element of an object's list or map.
    Object {
        /// What is shown.
        value: Expression,
        /// Which fields of it; empty shows the object as a whole.
        fields: Vec<Spanned<FieldPath>>,
        /// At most so many.
        limit: Option<usize>,
        /// What it means.
        note: Option<Template>,
    },
    /// A record of a log matcher, or a list of them.
    Log {
        /// What is shown.
        value: Expression,
        /// At most so many lines.
        limit: Option<usize>,
    },
}

/// A step of a remedy.
#[derive(Debug, Clone)]
pub struct Remedy {
    /// What to do.
    pub text: Template,
    /// When it is shown; `None` means always.
    pub when: Option<Expression>,
    /// The command that does it.
    pub command: Option<Template>,
    /// What it may cost; `safe` unless stated, and always stated beside a command.
    pub risk: Risk,
    /// How to see that it worked.
    pub check: Option<Template>,
    /// What must not be done until it has worked.
    pub forbids_meanwhile: Option<Template>,
    /// Where it is described.
    pub link: Option<String>,
}

/// Where to read more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Address, `https://` always.
    pub url: String,
    /// Its name.
    pub title: Option<String>,
}

/// A possible edge from a finding of one rule to a finding of another.
#[derive(Debug, Clone)]
pub struct Link {
    /// The other rule, or all rules of a category.
    pub rule: LinkTarget,
    /// Exports that must denote the same thing in both findings.
    pub same: Vec<Spanned<SmolStr>>,
    /// What must hold of their times.
    pub order: LinkOrder,
    /// How surely the one explains the other.
    pub strength: Confidence,
    /// Where the other rule is named.
    pub span: Span,
}

/// The other end of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkTarget {
    /// A rule by id or alias.
    Rule(String),
    /// `node/*`.
    Category(Category),
}

/// What must hold of the times of two linked findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LinkOrder {
    /// Nothing.
    #[default]
    Any,
    /// The cause began before the effect, or within a minute after.
    CauseFirst,
}
