//! The state of the cluster and what to do about it, with the facts that say so.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Diagnosis, Facts};
use crate::finding::Finding;

/// State, action and their reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// What state the cluster is in.
    pub state: VerdictState,
    /// What to do about it.
    pub action: Action,
    /// One or two sentences.
    pub summary: String,
    /// What the verdict rests on.
    pub facts: Vec<String>,
    /// What to bring to safety before anything else.
    pub save_first: Vec<String>,
    /// Files of the bundle or commands that would tell more.
    pub collect: Vec<String>,
}

/// What state the cluster is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum VerdictState {
    /// An upgrade stands still.
    UpgradeStuck,
    /// An upgrade gave up.
    UpgradeFailed,
    /// An upgrade was not let in.
    UpgradeRefused,
    /// An upgrade is under way.
    UpgradeProgressing,
    /// A node is down or broken.
    NodeFailure,
    /// Something else is wrong.
    Degraded,
    /// No known cause matched. Not the same as healthy.
    NoFinding,
    /// Neither objects nor logs could be read.
    NotAssessable,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Most of the control plane is lost: build anew and restore.
    Rebuild,
    /// Mend what is there.
    Repair,
    /// Let it go on.
    Wait,
    /// Nothing.
    None,
    /// Fetch what is missing before deciding.
    CollectMore,
}

/// Draws the verdict.
#[must_use]
pub fn judge(_findings: &[Finding], _diagnoses: &[Diagnosis], _facts: &Facts) -> Verdict {
    Verdict {
        state: VerdictState::NoFinding,
        action: Action::None,
        summary: String::new(),
        facts: vec![],
        save_first: vec![],
        collect: vec![],
    }
}
