//! The remedies of all diagnoses in one order that is safe to follow.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::Diagnosis;
use crate::finding::Risk;

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
    /// What must not be done until it is, where a rule says so.
    pub forbids_meanwhile: Option<String>,
    /// Ranks of the diagnoses that ask for it.
    pub diagnoses: Vec<u32>,
}

/// Safe steps first, then by rank, then in the order of the remedy. A step that several diagnoses
/// ask for stands once, where the first of them puts it.
#[must_use]
pub fn merge(diagnoses: &[Diagnosis]) -> Vec<PlanStep> {
    let mut plan: Vec<PlanStep> = Vec::new();
    let mut place = BTreeMap::new();
    for diagnosis in diagnoses {
        for step in &diagnosis.remedy {
            let next = plan.len();
            let index = *place
                .entry((step.risk, &step.text, &step.command))
                .or_insert(next);
            match plan.get_mut(index) {
                Some(known) => {
                    known.check = known.check.take().or_else(|| step.check.clone());
                    if known.diagnoses.last() != Some(&diagnosis.rank) {
                        known.diagnoses.push(diagnosis.rank);
                    }
                }
                None => plan.push(PlanStep {
                    text: step.text.clone(),
                    command: step.command.clone(),
                    risk: step.risk,
                    check: step.check.clone(),
                    forbids_meanwhile: None,
                    diagnoses: vec![diagnosis.rank],
                }),
            }
        }
    }
    // The sort is stable: within a risk the order of ranks and of steps is kept.
    plan.sort_by_key(|step| step.risk);
    plan
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::causality::explain;
    use crate::diagnosis::sample::{finding, step};
    use crate::finding::Severity;

    #[test]
    fn safe_steps_first_and_each_once() {
        let first = finding("a", "node", Severity::Critical).mended_by(vec![
            step("look", None, Risk::Safe),
            step("restart", Some("kubectl x"), Risk::Disruptive),
            step("wipe", None, Risk::Destructive),
        ]);
        let second = finding("b", "node", Severity::Error).mended_by(vec![
            step("restart", Some("kubectl x"), Risk::Disruptive),
            step("restart", Some("kubectl y"), Risk::Disruptive),
            step("back up", None, Risk::Safe),
            step("look", None, Risk::Safe),
        ]);
        let (_, diagnoses) = explain(vec![second, first], &[]);
        let plan: Vec<(String, Option<String>, Vec<u32>)> = merge(&diagnoses)
            .into_iter()
            .map(|step| (step.text, step.command, step.diagnoses))
            .collect();
        let line = |text: &str, command: Option<&str>, ranks: &[u32]| {
            (text.to_owned(), command.map(str::to_owned), ranks.to_vec())
        };
        assert_eq!(
            plan,
            [
                line("look", None, &[1, 2]),
                line("back up", None, &[2]),
                line("restart", Some("kubectl x"), &[1, 2]),
                line("restart", Some("kubectl y"), &[2]),
                line("wipe", None, &[1]),
            ]
        );
    }
}
