//! Why a rule fired on a bundle, or why it did not: the shape of that answer.

use crate::rule::Rule;
use crate::scan::Tally;

/// What became of one rule, gate by gate and binding by binding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// Id of the rule.
    pub rule: String,
    /// Its file.
    pub file: String,
    /// How it ended.
    pub end: End,
    /// The version ranges that it states.
    pub versions: Vec<VersionTrace>,
    /// Where it was not evaluated for want of data, though it ran elsewhere.
    pub partly: Option<String>,
    /// Its log matchers, in the order of the file.
    pub logs: Vec<LogTrace>,
    /// Its bindings, in the order of the file; those that were not reached with no row.
    pub bindings: Vec<BindingTrace>,
    /// Its exceptions, in the order of the file.
    pub exceptions: Vec<ExceptionTrace>,
    /// What the rows that were left became.
    pub rows: RowsTrace,
}

/// How far a rule came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It was not among the rules that ran, for this reason.
    LeftOut(String),
    /// The bundle is not of its versions.
    OutsideVersions,
    /// The bundle lacks what it needs.
    NotEvaluated(String),
    /// It looked at too many elements, the last ones for this binding.
    Stopped {
        /// Place of the binding among the bindings.
        binding: usize,
        /// How many elements a rule may look at.
        budget: u64,
    },
    /// It ran; outside its versions if `lowered`, hence with confidence `possible`.
    Ran {
        /// Whether the bundle is outside the rule's versions.
        lowered: bool,
    },
}

/// A version range of a rule and what the bundle has to hold against it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionTrace {
    /// `harvester`, `kubernetes`, `longhorn`, `upgradeFrom`, `upgradeTo`.
    pub of: &'static str,
    /// The range.
    pub range: String,
    /// The bundle's versions; an unknown one fits every range.
    pub known: Vec<String>,
    /// Whether they fit.
    pub fits: bool,
}

/// What a log matcher found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogTrace {
    /// Its name.
    pub name: String,
    /// 1-based line of the rule file.
    pub line: usize,
    /// Its sources.
    pub sources: Vec<String>,
    /// Files, hits and groups.
    pub tally: Tally,
    /// The thresholds that it states, as written: `count`, `since`, `still`.
    pub thresholds: LogThresholds,
    /// Records that reached all thresholds.
    pub records: u64,
}

/// Thresholds of a log matcher.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogThresholds {
    /// `3`, `3 within 10m`.
    pub count: String,
    /// `24h`.
    pub since: Option<String>,
    /// `2m`.
    pub still: Option<String>,
}

/// What a binding did to the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindingTrace {
    /// 1-based line of the rule file.
    pub line: usize,
    /// The binding in short: `each pod in Pod where …`.
    pub text: String,
    /// Rows that came to it.
    pub entered: u64,
    /// Elements that were looked at, over all these rows; a row that has what it looks for looks no further.
    pub looked: u64,
    /// Elements among them that fit.
    pub fitted: u64,
    /// Rows that went on.
    pub left: u64,
    /// Elements and rows of which nobody can say whether they fit, for want of data.
    pub doubtful: u64,
    /// Why there was nothing to look at.
    pub nothing: Option<String>,
    /// Where no row went on: what kept them.
    pub kept: Option<Kept>,
}

/// What kept all rows from going on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// A condition did, and it was nearest to true for this candidate.
    Nearest(Nearest),
    /// An element that must not be there; the first one of the first row.
    There {
        /// What it is.
        element: String,
        /// The row for which it was found.
        row: Vec<(String, String)>,
    },
}

/// The candidate that passed most conjuncts of a condition, the first of equals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nearest {
    /// `Pod/default/a`; `None` where a row as a whole was judged.
    pub candidate: Option<String>,
    /// What the names bound above stood for.
    pub row: Vec<(String, String)>,
    /// Conjuncts that hold for it.
    pub passed: usize,
    /// Conjuncts there are.
    pub of: usize,
    /// 1-based line of the rule file of the first one that does not hold.
    pub line: usize,
    /// Its text.
    pub conjunct: String,
    /// What its sides were, each with its text.
    pub sides: Vec<Side>,
}

/// A part of a condition and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// As the rule writes it.
    pub text: String,
    /// What it was.
    pub value: String,
}

/// How often an exception held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExceptionTrace {
    /// 1-based line of the rule file.
    pub line: usize,
    /// The exception in short.
    pub text: String,
    /// Rows that it excused; a row that an earlier one excuses is not tried.
    pub rows: u64,
    /// The reason for the first of them.
    pub reason: Option<String>,
}

/// What the rows that passed all bindings became.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RowsTrace {
    /// How many there were.
    pub rows: u64,
    /// Findings that they gave.
    pub findings: u64,
    /// Those of them that an exception, or the user's list of accepted findings, suppressed.
    pub suppressed: u64,
    /// Rows that were folded into the finding of a row with the same key.
    pub folded: u64,
    /// Rows without anything to show for them.
    pub unshown: u64,
    /// Rows of keys beyond the limit.
    pub over_limit: u64,
    /// The limit.
    pub limit: usize,
}

impl Trace {
    /// The trace of a rule that did not run, with the reason.
    pub fn left_out(rule: &Rule, reason: impl Into<String>) -> Trace {
        Trace {
            rule: rule.id.clone(),
            file: rule.source.name.clone(),
            end: End::LeftOut(reason.into()),
            versions: Vec::new(),
            partly: None,
            logs: Vec::new(),
            bindings: Vec::new(),
            exceptions: Vec::new(),
            rows: RowsTrace::default(),
        }
    }
}
