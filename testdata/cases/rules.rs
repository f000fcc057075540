//! The cases that stand beside each rule.

use std::path::PathBuf;

use bundle_doctor::archive::{Archive, Limits};
use bundle_doctor::case::{FileOutcome, Loader, run_file};

use crate::bench::{RULES, files, root, scenario_archive_copy};

/// Files by their path from the top of the repository; a scenario stands for its bundle.
struct Repository;

impl Loader for Repository {
    fn text(&self, path: &str) -> Result<String, String> {
        std::fs::read_to_string(root().join(path)).map_err(|error| format!("{path}: {error}"))
    }

    fn bundle(&self, path: &str) -> Result<Archive, String> {
        if let Some(name) = path
            .strip_prefix("testdata/scenarios/")
            .and_then(|name| name.strip_suffix(".yaml"))
        {
            return Ok(scenario_archive_copy(name));
        }
        Archive::open(&[root().join(path)], &Limits::default())
            .map_err(|error| format!("{path}: {error}"))
    }
}

fn outcomes() -> Vec<FileOutcome> {
    let paths: Vec<PathBuf> = files(&root().join("rules"), ".test.yaml");
    let outcome = |path: &PathBuf| {
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        let text = std::fs::read_to_string(path).unwrap();
        run_file(&name, &text, &RULES, &Repository)
    };
    paths.iter().map(outcome).collect()
}

#[test]
fn every_case_goes_as_its_author_expects() {
    let failed: Vec<String> = outcomes()
        .iter()
        .filter(|file| !file.passed())
        .map(ToString::to_string)
        .collect();
    assert!(failed.is_empty(), "\n{}", failed.join("\n"));
}

#[test]
fn every_rule_has_a_firing_and_a_silent_case_beside_it() {
    let outcomes = outcomes();
    let mut lacking = Vec::new();
    for rule in RULES.rules() {
        let beside = rule.source.name.replace(".yaml", ".test.yaml");
        let Some(file) = outcomes.iter().find(|file| file.file == beside) else {
            lacking.push(format!("{beside} is missing"));
            continue;
        };
        if file.rule.as_ref() != Some(&rule.id) {
            lacking.push(format!("{beside} does not test {}", rule.id));
        }
        if !file.has_firing() {
            lacking.push(format!("{beside} has no firing case"));
        }
        if !file.has_silent() {
            lacking.push(format!("{beside} has no silent case"));
        }
    }
    assert!(lacking.is_empty(), "\n{}", lacking.join("\n"));
}
