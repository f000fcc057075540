//! The cases that stand beside each rule, by the runner of `rules test`.

use std::sync::LazyLock;

use bundle_doctor::archive::{Archive, Limits};
use bundle_doctor::case::suite::{Suite, scenario};
use bundle_doctor::case::{FileOutcome, Loader};
use bundle_doctor::finding::Risk;
use bundle_doctor::report::cases;
use bundle_doctor::rule::mistake::{Level, Mistake};

use crate::bench::{RULES, root, scenario_archive_copy};

/// Files by their path from the top of the repository; a scenario stands for its bundle.
struct Repository;

impl Loader for Repository {
    fn text(&self, path: &str) -> Result<String, String> {
        std::fs::read_to_string(root().join(path)).map_err(|error| format!("{path}: {error}"))
    }

    fn bundle(&self, path: &str) -> Result<Option<Archive>, String> {
        if let Some(name) = scenario(path) {
            return Ok(Some(scenario_archive_copy(name)));
        }
        Archive::open(&[root().join(path)], &Limits::default())
            .map(Some)
            .map_err(|error| format!("{path}: {error}"))
    }
}

static OUTCOMES: LazyLock<Vec<FileOutcome>> =
    LazyLock::new(|| Suite::built_in().run_with(&RULES, &RULES, &|_| Box::new(Repository)));

#[test]
fn every_case_goes_as_its_author_expects() {
    assert!(!OUTCOMES.is_empty());
    let failed: Vec<String> = OUTCOMES
        .iter()
        .filter(|file| !file.passed())
        .map(cases::text)
        .collect();
    assert!(failed.is_empty(), "\n{}", failed.join("\n"));
}

#[test]
fn every_rule_has_a_firing_and_a_silent_case_beside_it() {
    let gaps = Suite::built_in().gaps(&RULES, &OUTCOMES);
    let (lacking, unreached): (Vec<_>, Vec<_>) =
        gaps.iter().partition(|gap| gap.level == Level::Error);
    let said = |gap: &&Mistake| {
        let line = gap.line().unwrap_or_default();
        format!("{}:{line}: {}", gap.file(), gap.message)
    };
    // No failure yet: whether a note can be reached is for its author to say.
    for gap in &unreached {
        eprintln!("{}", said(gap));
    }
    let lacking: Vec<String> = lacking.iter().map(said).collect();
    assert!(lacking.is_empty(), "\n{}", lacking.join("\n"));
}

/// Who is about to stop a VM or to erase a disk has to know how to see that it worked.
#[test]
fn every_step_that_costs_something_says_how_to_see_that_it_worked() {
    let rules = RULES.rules().iter();
    let unchecked: Vec<String> = rules
        .flat_map(|rule| rule.remedy.iter().map(move |step| (rule, step)))
        .filter(|(_, step)| step.risk > Risk::Safe && step.check.is_none())
        .map(|(rule, step)| format!("{}: {:?}", rule.id, step.text))
        .collect();
    assert!(unchecked.is_empty(), "\n{}", unchecked.join("\n"));
}
