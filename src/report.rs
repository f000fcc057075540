//! The report: one model, written as text, JSON or YAML.

pub mod file;
pub mod json;
pub mod mask;
pub mod text;
pub mod yaml;

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use crate::diagnosis::facts::{BundleInfo, ClusterSummary, Coverage, UpgradeSummary};
use crate::diagnosis::{Diagnosis, Facts, Link, PlanStep, Verdict};
use crate::finding::Finding;

pub use file::write_whole;
pub use text::{Style, TextOptions};

/// Name and version of the report's schema.
pub const SCHEMA: &str = "bundle-doctor/v1";

/// Everything that is said of a bundle. All keys are always written; what is unknown is `null`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// `bundle-doctor/v1`.
    pub schema: String,
    /// What made the report.
    pub tool: Tool,
    /// Of which bundle.
    pub bundle: BundleInfo,
    /// Of which cluster.
    pub cluster: ClusterSummary,
    /// The latest upgrade.
    pub upgrade: Option<UpgradeSummary>,
    /// State, action and their reasons.
    pub verdict: Verdict,
    /// Root causes, ranked.
    pub diagnoses: Vec<Diagnosis>,
    /// The remedies of all diagnoses in one safe order.
    pub plan: Vec<PlanStep>,
    /// All findings.
    pub findings: Vec<Finding>,
    /// How much was examined, and what was not.
    pub coverage: Coverage,
}

/// The program and its rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Tool {
    /// `bundle-doctor`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its rules.
    pub rules: RuleSetInfo,
}

/// Names a set of rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RuleSetInfo {
    /// How many rules ran or could have run.
    pub count: u64,
    /// `sha256:` and the digest of all rule files.
    pub digest: String,
}

impl Tool {
    /// This program with a set of rules.
    #[must_use]
    pub fn new(rules: RuleSetInfo) -> Self {
        Tool {
            name: env!("CARGO_PKG_NAME").into(),
            version: env!("CARGO_PKG_VERSION").into(),
            rules,
        }
    }
}

impl Report {
    /// Diagnoses the findings and puts all parts together. Secrets are still in it: see [`mask::mask`].
    #[must_use]
    pub fn new(tool: Tool, facts: Facts, findings: Vec<Finding>, links: &[Link]) -> Self {
        let outcome = crate::diagnosis::diagnose(findings, links, &facts);
        Report {
            schema: SCHEMA.into(),
            tool,
            bundle: facts.bundle,
            cluster: facts.cluster,
            upgrade: facts.upgrade,
            verdict: outcome.verdict,
            diagnoses: outcome.diagnoses,
            plan: outcome.plan,
            findings: outcome.findings,
            coverage: facts.coverage,
        }
    }
}

/// A form to write a report in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For a reader.
    Text(TextOptions),
    /// For programs.
    Json,
    /// For programs and people who prefer it.
    Yaml,
}

/// Writes a report. Errors are those of `out`; a closed pipe is the caller's to forgive.
pub fn write(report: &Report, format: Format, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Text(options) => text::write(report, &options, out),
        Format::Json => json::write(report, out),
        Format::Yaml => yaml::write(report, out),
    }
}
