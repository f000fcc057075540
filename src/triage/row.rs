//! What is kept of one bundle among many.

use schemars::JsonSchema;
use serde::Serialize;

use crate::archive::{Archive, Found, OpenError};
use crate::bundle::NotABundle;
use crate::diagnosis::facts::{BundleInfo, UpgradePhase, UpgradeState};
use crate::diagnosis::{Action, VerdictState};
use crate::finding::{Confidence, ObjectName, Severity};
use crate::report::{Report, Tool};

/// Name and version of the schema.
pub const SCHEMA: &str = "bundle-doctor/triage/v1";

/// One bundle among many: one line of JSON. All keys are always written.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// `bundle-doctor/triage/v1`.
    pub schema: String,
    /// Where it was found; of several pieces the first.
    pub path: String,
    /// Where all its pieces were found, in their order; empty where it is in one piece.
    pub pieces: Vec<String>,
    /// Why there is nothing to say of it. All keys but the path are then `null` or empty.
    pub failure: Option<Failure>,
    /// What analysed it.
    pub tool: Option<Tool>,
    /// The bundle itself.
    pub bundle: Option<BundleInfo>,
    /// The cluster's nodes.
    pub nodes: Option<NodeCounts>,
    /// Its latest upgrade.
    pub upgrade: Option<UpgradeStanding>,
    /// State and action.
    pub verdict: Option<VerdictInShort>,
    /// Root causes, ranked as in the report: the first is the first to look at.
    pub causes: Vec<Cause>,
    /// Findings by severity, those that are suppressed not counted.
    pub findings: FindingCounts,
    /// Parts of the bundle that could not be read, or are missing.
    pub problems: u64,
    /// Name of the full report in the directory of reports.
    pub report: Option<String>,
}

/// Why a bundle could not be analysed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Failure {
    /// In one word.
    pub kind: FailureKind,
    /// In some words, to follow the bundle's name.
    pub reason: String,
}

/// Why a bundle could not be analysed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// There is nothing at the path.
    NotFound,
    /// The operating system does not let it be read.
    NotReadable,
    /// A file of no bytes.
    Empty,
    /// What a web server answered in place of the bundle.
    ErrorPage,
    /// Neither an archive nor a directory.
    NotAnArchive,
    /// Pieces that do not make up one bundle.
    Pieces,
    /// An archive that holds no bundle.
    NoBundle,
    /// A defect of bundle-doctor.
    Defect,
}

/// How many nodes there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeCounts {
    /// Those that exist.
    pub total: u64,
    /// Those that exist and are not ready.
    pub not_ready: u64,
}

/// Where an upgrade stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct UpgradeStanding {
    /// Name of the Upgrade object.
    pub name: String,
    /// Version before.
    pub from: Option<String>,
    /// Version after.
    pub to: Option<String>,
    /// Where it stands.
    pub state: UpgradeState,
    /// The open phase.
    pub phase: Option<UpgradePhase>,
}

/// The verdict, without what it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct VerdictInShort {
    /// What state the cluster is in.
    pub state: VerdictState,
    /// What to do about it.
    pub action: Action,
    /// One or two sentences.
    pub summary: String,
}

/// A root cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Cause {
    /// Id of the rule.
    pub rule: String,
    /// What it is about.
    pub subject: ObjectName,
    /// How bad it is that this cause stands.
    pub severity: Severity,
    /// How sure it is.
    pub confidence: Confidence,
    /// The fault is over; it is told for what it left behind.
    pub history: bool,
    /// One line.
    pub title: String,
}

/// How many findings there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct FindingCounts {
    /// Of severity critical.
    pub critical: u64,
    /// Of severity error.
    pub error: u64,
    /// Of severity warning.
    pub warning: u64,
    /// Of severity info.
    pub info: u64,
}

impl FindingCounts {
    /// The worst of which there is one.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        [
            (self.critical, Severity::Critical),
            (self.error, Severity::Error),
            (self.warning, Severity::Warning),
            (self.info, Severity::Info),
        ]
        .into_iter()
        .find_map(|(count, severity)| (count > 0).then_some(severity))
    }

    fn of(report: &Report) -> FindingCounts {
        let mut counts = FindingCounts::default();
        let counted = report.findings.iter().filter(|it| it.suppressed.is_none());
        for finding in counted {
            *match finding.severity {
                Severity::Critical => &mut counts.critical,
                Severity::Error => &mut counts.error,
                Severity::Warning => &mut counts.warning,
                Severity::Info => &mut counts.info,
            } += 1;
        }
        counts
    }
}

impl Row {
    /// The row of a bundle that was analysed.
    #[must_use]
    pub fn of(found: &Found, report: &Report, kept: Option<String>) -> Row {
        let nodes = &report.cluster.nodes;
        let count = |is: &dyn Fn(&crate::diagnosis::facts::NodeSummary) -> bool| {
            nodes.iter().filter(|node| is(node)).count() as u64
        };
        Row {
            tool: Some(report.tool.clone()),
            bundle: Some(report.bundle.clone()),
            nodes: Some(NodeCounts {
                total: count(&|node| node.exists),
                not_ready: count(&|node| node.is_not_ready()),
            }),
            upgrade: report.upgrade.as_ref().map(|upgrade| UpgradeStanding {
                name: upgrade.name.clone(),
                from: upgrade.from.clone(),
                to: upgrade.to.clone(),
                state: upgrade.state,
                phase: upgrade.phase,
            }),
            verdict: Some(VerdictInShort {
                state: report.verdict.state,
                action: report.verdict.action,
                summary: report.verdict.summary.clone(),
            }),
            causes: report
                .diagnoses
                .iter()
                .map(|diagnosis| Cause {
                    rule: diagnosis.cause.rule.clone(),
                    subject: diagnosis.cause.subject.clone(),
                    severity: diagnosis.severity,
                    confidence: diagnosis.confidence,
                    history: diagnosis.history,
                    title: diagnosis.title.clone(),
                })
                .collect(),
            findings: FindingCounts::of(report),
            problems: report.coverage.problems.len() as u64,
            report: kept,
            ..Row::empty(found)
        }
    }

    /// The row of one that could not be.
    #[must_use]
    pub fn failed(found: &Found, failure: Failure) -> Row {
        let row = Row::empty(found);
        let name = row.path.rsplit('/').next().unwrap_or_default();
        // What follows the name need not name it again.
        let bare = |reason: &str| {
            let rest = reason
                .strip_prefix(row.path.as_str())
                .or_else(|| reason.strip_prefix(name).filter(|_| !name.is_empty()));
            rest.and_then(|rest| rest.strip_prefix(' '))
                .unwrap_or(reason)
                .to_owned()
        };
        let reason = bare(&failure.reason);
        Row {
            failure: Some(Failure { reason, ..failure }),
            ..row
        }
    }

    fn empty(found: &Found) -> Row {
        let mut pieces: Vec<String> = found
            .paths
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        let path = pieces.first().cloned().unwrap_or_default();
        if pieces.len() == 1 {
            pieces.clear();
        }
        Row {
            schema: SCHEMA.to_owned(),
            path,
            pieces,
            failure: None,
            tool: None,
            bundle: None,
            nodes: None,
            upgrade: None,
            verdict: None,
            causes: Vec::new(),
            findings: FindingCounts::default(),
            problems: 0,
            report: None,
        }
    }

    /// The cause to look at first: of a fault that is present, and that is worth a warning.
    #[must_use]
    pub fn top_cause(&self) -> Option<&Cause> {
        let mut causes = self.causes.iter();
        causes.find(|cause| !cause.history && cause.severity >= Severity::Warning)
    }
}

impl Failure {
    pub(super) fn new(kind: FailureKind, reason: impl Into<String>) -> Failure {
        Failure {
            kind,
            reason: reason.into(),
        }
    }

    pub(super) fn to_open(error: &OpenError) -> Failure {
        let kind = match error {
            OpenError::NoPath | OpenError::NotFound { .. } => FailureKind::NotFound,
            OpenError::NotReadable { .. } => FailureKind::NotReadable,
            OpenError::Empty { .. } => FailureKind::Empty,
            OpenError::ErrorPage { .. } => FailureKind::ErrorPage,
            OpenError::NotAnArchive { .. } => FailureKind::NotAnArchive,
            OpenError::Parts { .. } => FailureKind::Pieces,
        };
        let why = match error {
            OpenError::NotReadable { source, .. } => format!(": {source}"),
            _ => String::new(),
        };
        Failure::new(kind, format!("{error}{why}"))
    }

    /// Of parts that are of several bundles.
    pub(super) fn several(error: &NotABundle) -> Failure {
        Failure::new(FailureKind::Pieces, error.to_string())
    }

    /// Of an archive without a bundle, with what is wrong with the archive as a whole.
    pub(super) fn no_bundle(archive: &Archive) -> Failure {
        let problems = archive.problems().iter();
        let mut problems = problems.filter(|problem| problem.path == archive.name());
        let why = problems
            .next()
            .map_or(String::new(), |problem| format!(": {}", problem.reason));
        Failure::new(
            FailureKind::NoBundle,
            format!("holds no support bundle{why}"),
        )
    }
}
