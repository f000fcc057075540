//! Folds findings under their causes, ranks what is left, and says what state the cluster is in
//! and what to do about it.

pub mod blast_radius;
pub mod causality;
pub mod collect;
pub mod control_plane;
pub mod facts;
pub mod plan;
pub mod remedy;
#[cfg(test)]
pub(crate) mod sample;
pub mod verdict;
pub mod wording;

use schemars::JsonSchema;
use serde::Serialize;

use crate::finding::{Confidence, Finding, ObjectName, RemedyStep, Severity};

pub use blast_radius::BlastRadius;
pub use causality::{Link, Order};
pub use facts::Facts;
pub use plan::PlanStep;
pub use verdict::{Action, Verdict, VerdictState};

/// A root cause with all that follows from it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Diagnosis {
    /// 1 is the first to look at.
    pub rank: u32,
    /// The finding that no other finding explains.
    pub cause: Cause,
    /// The worst of the cause and its effects: how bad it is that this cause stands.
    pub severity: Severity,
    /// How sure the cause is.
    pub confidence: Confidence,
    /// The fault is over, and so is all that it led to; it is told for what it says of the cluster's past.
    pub history: bool,
    /// The cause's title.
    pub title: String,
    /// The cause's message.
    pub summary: String,
    /// Ids of findings that this one explains: each after its own causes, and else nearest first.
    pub effects: Vec<String>,
    /// What leads to what among the cause and its effects.
    pub edges: Vec<Edge>,
    /// Ids of findings that stand in a circle, in which each leads to the others; of the cause too, if
    /// it is in one.
    pub cycle: Vec<String>,
    /// What to do, safest step first: the cause's remedy and that of effects which are worse than it,
    /// critical, what holds a hanging upgrade, or left behind by what happened at one moment.
    pub remedy: Vec<RemedyStep>,
    /// Where to read more.
    pub references: Vec<String>,
    /// What the nodes and disks that failed take with them, or would take.
    #[serde(rename = "blastRadius")]
    pub blast_radius: Vec<BlastRadius>,
}

/// Names the finding at the root of a diagnosis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Cause {
    /// Id of the finding.
    pub finding: String,
    /// Id of its rule.
    pub rule: String,
    /// What it is about.
    pub subject: ObjectName,
}

/// One finding leads to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Edge {
    /// Id of the cause.
    pub from: String,
    /// Id of the effect.
    pub to: String,
    /// How firmly.
    pub strength: Confidence,
    /// Why, in the words of the rule that declares the link.
    pub note: Option<String>,
}

/// What the pipeline's end makes of findings and facts.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// State, action and their reasons.
    pub verdict: Verdict,
    /// Root causes, ranked.
    pub diagnoses: Vec<Diagnosis>,
    /// The remedies of all diagnoses in one safe order.
    pub plan: Vec<PlanStep>,
    /// All findings in the order of the report, with their ids and causes; suppressed ones last.
    pub findings: Vec<Finding>,
}

/// Finds causes by `links`, ranks them, and judges them together with the facts.
#[must_use]
pub fn diagnose(findings: Vec<Finding>, links: &[Link], facts: &Facts) -> Outcome {
    // An upgrade that hangs is what the bundle was sent for.
    let held = facts.upgrade.as_ref().filter(|it| it.state.hangs());
    let holds = |finding: &Finding| held.is_some_and(|it| verdict::concerns(it, finding));
    let (findings, mut diagnoses) = causality::explain_first(findings, links, holds);
    blast_radius::attach(&mut diagnoses, &findings, &facts.blast_radii);
    let verdict = verdict::judge(&findings, &diagnoses, links, facts);
    let plan = plan::merge(&diagnoses);
    Outcome {
        verdict,
        diagnoses,
        plan,
        findings,
    }
}
