//! How often a root cause of each confidence is the right one, over all scenarios. The README shows the table.

use std::fmt::Write as _;

use bundle_doctor::diagnosis::Diagnosis;
use bundle_doctor::finding::{Confidence, Severity};
use bundle_doctor::rule::Category;

use crate::bench::{RULES, report, root, scenario, scenario_names};

/// The root causes of a confidence: how many there are, and the wrong ones.
#[derive(Default)]
struct Tally {
    all: usize,
    wrong: Vec<String>,
}

#[test]
fn confidence_means_what_the_readme_says() {
    let mut tallies: [Tally; 3] = Default::default();
    for name in scenario_names() {
        let expect = scenario(&name).expect;
        let is_right = |rule: &str| {
            expect.roots.iter().any(|root| root == rule)
                || expect.roots.is_empty() && expect.find.iter().any(|found| found.rule == rule)
        };
        let report = report(&name);
        let of_cluster = |diagnosis: &&Diagnosis| {
            diagnosis.severity >= Severity::Warning
                && !diagnosis.history
                && RULES.get(&diagnosis.cause.rule).unwrap().category != Category::Bundle
        };
        for diagnosis in report.diagnoses.iter().filter(of_cluster) {
            let tally = &mut tallies[diagnosis.confidence as usize];
            tally.all += 1;
            if !is_right(&diagnosis.cause.rule) {
                let (rule, subject) = (&diagnosis.cause.rule, &diagnosis.cause.subject);
                tally.wrong.push(format!("{name}: {rule} on {subject}"));
            }
        }
    }
    let mut table = String::from("| Confidence | Root causes | Right |\n|---|---|---|\n");
    for confidence in [
        Confidence::Certain,
        Confidence::Likely,
        Confidence::Possible,
    ] {
        let Tally { all, wrong } = &tallies[confidence as usize];
        let name = serde_json::to_value(confidence).unwrap();
        let (name, right) = (name.as_str().unwrap(), all - wrong.len());
        writeln!(table, "| {name} | {all} | {right} |").unwrap();
        for wrong in wrong {
            eprintln!("{name}, and not the root that the scenario names: {wrong}");
        }
    }
    let sure = &tallies[Confidence::Certain as usize];
    assert!(sure.wrong.is_empty(), "{}", sure.wrong.join("\n"));
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.contains(&table), "the README should say:\n{table}");
}
