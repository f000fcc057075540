//! The remedies of all diagnoses in one order that is safe to follow.

use schemars::JsonSchema;
use serde::Serialize;

use super::Diagnosis;
use super::remedy::{self, Lane, Merged};
use crate::finding::{RemedyStep, Risk};

/// A step of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanStep {
    /// What to do.
    pub text: String,
    /// The command that does it.
    pub command: Option<String>,
    /// What it may cost.
    pub risk: Risk,
    /// How to see that it worked.
    pub check: Option<String>,
    /// What must not be done until it has worked, where a rule says so.
    pub forbids_meanwhile: Option<String>,
    /// Ranks of the diagnoses that ask for it.
    pub diagnoses: Vec<u32>,
}

impl PlanStep {
    /// Whether it stands for this step of the diagnosis of this rank.
    #[must_use]
    pub fn is(&self, rank: u32, step: &RemedyStep) -> bool {
        let own = RemedyStep {
            text: self.text.clone(),
            command: self.command.clone(),
            ..step.clone()
        };
        self.diagnoses.contains(&rank) && remedy::is_same(&own, step)
    }
}

/// The steps of all diagnoses in the order of [`remedy::merge`], the lane of a better rank first. A
/// fault that is over asks for nothing any more.
#[must_use]
pub fn merge(diagnoses: &[Diagnosis]) -> Vec<PlanStep> {
    let present = diagnoses.iter().filter(|diagnosis| !diagnosis.history);
    let lanes = present.filter_map(|diagnosis| Lane::of(diagnosis.rank, &diagnosis.remedy));
    remedy::merge(lanes)
        .into_iter()
        .map(|Merged { step, ranks }| PlanStep {
            text: step.text,
            command: step.command,
            risk: step.risk,
            check: step.check,
            forbids_meanwhile: step.forbids_meanwhile,
            diagnoses: ranks,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::causality::explain;
    use crate::diagnosis::sample::{ago, finding, step};
    use crate::finding::Severity;

    #[test]
    fn safe_steps_first_each_once_and_none_for_what_is_over() {
        let first = finding("a", "node", Severity::Critical).mended_by(vec![
            step("look", None, Risk::Safe),
            step("restart", Some("kubectl x"), Risk::Disruptive),
            step("wipe", None, Risk::Destructive),
        ]);
        let second = finding("b", "node", Severity::Error).mended_by(vec![
            step("back up", None, Risk::Safe),
            step("look", None, Risk::Safe),
            step("start again", Some("kubectl x  # on n1"), Risk::Disruptive),
            step("see that it runs", None, Risk::Safe),
        ]);
        let past = finding("c", "node", Severity::Error)
            .over(ago("9d"))
            .mended_by(vec![step("too late", None, Risk::Safe)]);
        let (_, diagnoses) = explain(vec![second, past, first], &[]);
        let plan: Vec<(String, Vec<u32>)> = merge(&diagnoses)
            .into_iter()
            .map(|step| (step.text, step.diagnoses))
            .collect();
        let line = |text: &str, ranks: &[u32]| (text.to_owned(), ranks.to_vec());
        assert_eq!(
            plan,
            [
                line("look", &[1, 2]),
                line("back up", &[2]),
                line("restart", &[1, 2]),
                line("see that it runs", &[2]),
                line("wipe", &[1]),
            ]
        );
    }
}
