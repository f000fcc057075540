//! What must hold of the diagnoses and the plan of every scenario, whatever rules say.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bundle_doctor::diagnosis::PlanStep;
use bundle_doctor::finding::Finding;
use bundle_doctor::report::Report;

use crate::bench;

fn reports() -> impl Iterator<Item = (String, Arc<Report>)> {
    bench::scenario_names().into_iter().map(|name| {
        let report = bench::report(&name);
        (name, report)
    })
}

#[test]
fn every_finding_stands_in_one_diagnosis_and_behind_its_causes() {
    let mut edges = 0;
    for (name, report) in reports() {
        let findings: BTreeMap<&str, &Finding> =
            report.findings.iter().map(|it| (&*it.id, it)).collect();
        let places: BTreeMap<&str, usize> =
            report.findings.iter().map(|it| &*it.id).zip(0..).collect();
        let told = report
            .diagnoses
            .iter()
            .flat_map(|it| std::iter::once(&it.cause.finding).chain(&it.effects));
        let counted = report.findings.iter();
        let counted = counted.filter(|it| it.suppressed.is_none());
        assert_eq!(
            told.collect::<Vec<_>>(),
            counted.map(|it| &it.id).collect::<Vec<_>>(),
            "{name}: each once, in the order of ids"
        );
        for diagnosis in &report.diagnoses {
            let cause = findings[diagnosis.cause.finding.as_str()];
            let circle: BTreeSet<&String> = diagnosis.cycle.iter().collect();
            assert!(
                cause.caused_by.iter().all(|it| circle.contains(it)),
                "{name}: {} has a cause of its own",
                cause.rule
            );
            for edge in &diagnosis.edges {
                edges += 1;
                let [from, to] = [&edge.from, &edge.to].map(|id| places[id.as_str()]);
                let turns = circle.contains(&edge.from) && circle.contains(&edge.to);
                assert!(from < to || turns, "{name}: {edge:?}");
                let past = findings[edge.from.as_str()];
                let later = findings[edge.to.as_str()];
                assert!(
                    !past.history || past.last_seen >= later.first_seen,
                    "{name}: {} is over and explains {}, which began later",
                    past.rule,
                    later.rule
                );
            }
            for effect in &diagnosis.effects {
                let led = diagnosis.edges.iter().any(|it| it.to == *effect);
                assert!(led, "{name}: nothing leads to {effect}");
            }
        }
    }
    assert!(edges > 100, "{edges}");
}

/// A name that the bundle knows is in the command; what it cannot know is a variable of the shell.
#[test]
fn every_plan_is_without_doubles_and_gaps_and_begins_with_what_is_safe() {
    let mut steps = 0;
    for (name, report) in reports() {
        let mut commands = BTreeSet::new();
        for step in &report.plan {
            steps += 1;
            let words = (step.text.as_str(), step.command.as_deref());
            assert!(commands.insert(words), "{name}: twice {words:?}");
            let command = step.command.as_deref().unwrap_or_default();
            assert!(
                !command.contains("‹unknown›") && !has_placeholder(command),
                "{name}: {command}"
            );
            assert!(!step.diagnoses.is_empty() && step.diagnoses.is_sorted());
        }
        let first = report.plan.first().map(|it| it.risk);
        let safest = report
            .diagnoses
            .iter()
            .filter(|it| !it.history)
            .filter_map(|it| it.remedy.first())
            .map(|it| it.risk)
            .min();
        assert_eq!(first, safest, "{name}");
        for diagnosis in report.diagnoses.iter().filter(|it| !it.history) {
            for step in &diagnosis.remedy {
                let same = |it: &PlanStep| it.is(diagnosis.rank, step);
                assert!(report.plan.iter().any(same), "{name}: {step:?}");
            }
        }
    }
    assert!(steps > 100, "{steps}");
}

/// `<address of another member>`: words in angle brackets, which are no redirections.
fn has_placeholder(command: &str) -> bool {
    command.split('<').skip(1).any(|rest| {
        let inner = rest.split('>').next().unwrap_or_default();
        rest.contains('>')
            && inner.starts_with(char::is_alphabetic)
            && inner
                .chars()
                .all(|it| it.is_alphanumeric() || " '_-".contains(it))
    })
}
