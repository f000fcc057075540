//! Runs cases: each as a bundle of its own, through the reading and judging that bundles go through.

use std::collections::{BTreeMap, BTreeSet};

use crate::bundle::{Bundle, Files, Progress};
use crate::diagnosis;
use crate::evaluate::{Branches, Engine};
use crate::graph::Collected;
use crate::parse::document::Document;
use crate::rule::RuleSet;
use crate::rule::mistake::{Mistake, Mistakes};
use crate::summary;

use super::compare::compare;
use super::expect::Expected;
use super::file::{Case, CaseFile, Defaults};
use super::{CaseOutcome, Loader, Outcome, stamp};

/// A run of tests tells nothing while a bundle is read.
struct Untold;

impl Progress for Untold {
    fn begin(&self, _: u64) {}
    fn advance(&self, _: u64) {}
}

/// Rules that run together, ready.
struct Bench {
    rules: RuleSet,
    engine: Engine,
}

/// Runs all cases of a file. What shows only now to be wrong in the file is added to `mistakes`.
pub(super) fn cases(
    file: &CaseFile,
    rules: &RuleSet,
    loader: &dyn Loader,
    mistakes: &mut Vec<Mistake>,
) -> Vec<CaseOutcome> {
    // Cases of a file mostly run the same rules, and making rules ready costs more than a case.
    let mut benches: BTreeMap<BTreeSet<String>, Option<Bench>> = BTreeMap::new();
    let mut outcomes = Vec::new();
    for case in &file.cases {
        let mut found = Mistakes::new(&file.source);
        let names: BTreeSet<String> = case.with.iter().chain([&file.rule]).cloned().collect();
        let bench = benches
            .entry(names.clone())
            .or_insert_with(|| bench(rules, names, mistakes));
        if let Some(bench) = bench {
            match bundle(file, case, bench, loader) {
                Ok(Some(bundle)) => outcomes.push(outcome(file, case, bench, &bundle)),
                Ok(None) => outcomes.push(skipped(file, case)),
                Err(reason) => {
                    found.error("BD001", case.span, reason);
                }
            }
        }
        mistakes.extend(found.into_list());
    }
    outcomes
}

fn bench(rules: &RuleSet, names: BTreeSet<String>, mistakes: &mut Vec<Mistake>) -> Option<Bench> {
    let names: Vec<String> = names.into_iter().collect();
    // Their names were looked up when the file was read.
    let rules = rules.clone().select(&names, &[]).ok()?;
    match Engine::new(&rules) {
        Ok(engine) => Some(Bench { rules, engine }),
        Err(errors) => {
            mistakes.extend(errors.mistakes);
            None
        }
    }
}

/// The bundle that a case describes or names; `None` if only another runner can make it.
fn bundle(
    file: &CaseFile,
    case: &Case,
    bench: &Bench,
    loader: &dyn Loader,
) -> Result<Option<Bundle>, String> {
    let scanner = bench.engine.scanner();
    if let Some(path) = &case.state.bundle {
        let Some(archive) = loader.bundle(path)? else {
            return Ok(None);
        };
        let read = Bundle::read(&archive, scanner, &Untold);
        return read.map(Some).map_err(|error| error.to_string());
    }
    let logs = case.state.logs.iter();
    let files = logs.map(|(path, text)| {
        let text = stamp::write(path, text, file.now);
        (path.clone(), text.into_bytes())
    });
    let objects = case.state.objects.iter();
    let manifests = objects.map(|object| (file.source.name.clone(), Document::from_json(object)));
    let files = Files {
        name: file.source.name.clone(),
        files: files.collect(),
        manifests: manifests.collect(),
        collected: collected(&file.defaults, case),
    };
    let mut bundle = Bundle::of_files(files, file.now, scanner);
    let stated = &file.defaults;
    if stated.harvester_version.is_some() {
        bundle
            .info
            .harvester_version
            .clone_from(&stated.harvester_version);
    }
    if stated.kubernetes_version.is_some() {
        bundle
            .info
            .kubernetes_version
            .clone_from(&stated.kubernetes_version);
    }
    Ok(Some(bundle))
}

/// All of the cluster counts as collected, unless the file names the namespaces that were.
fn collected(defaults: &Defaults, case: &Case) -> Collected {
    let objects = case.state.objects.iter();
    let used = objects.filter_map(|object| {
        let namespace = object.get("metadata")?.get("namespace")?;
        Some(namespace.as_str()?.to_owned())
    });
    match &defaults.namespaces {
        Some(namespaces) => Collected {
            cluster: defaults.cluster,
            namespaces: namespaces.iter().cloned().collect(),
            ..Collected::default()
        },
        None => Collected {
            everything: defaults.cluster,
            cluster: defaults.cluster,
            namespaces: used.collect(),
            ..Collected::default()
        },
    }
}

fn outcome(file: &CaseFile, case: &Case, bench: &Bench, bundle: &Bundle) -> CaseOutcome {
    let mut evaluation = bench.engine.evaluate(bundle);
    let branches = evaluation.branches.remove(&file.rule).unwrap_or_default();
    let refused = evaluation.refused.contains(&file.rule);
    let reason = evaluation
        .not_evaluated
        .iter()
        .find(|it| it.rule == file.rule)
        .map(|it| it.reason.clone());
    let facts = summary::facts(bundle, evaluation.not_evaluated);
    let found = diagnosis::diagnose(evaluation.findings, &bench.rules.links(), &facts);
    let (mut outcome, mut difference) = compare(case, &file.rule, &found);
    let shown = || {
        reason
            .as_ref()
            .map_or("it was evaluated".to_owned(), |reason| {
                format!("not evaluated: {reason}")
            })
    };
    match &case.not_evaluated {
        Some(part) if reason.as_ref().is_some_and(|it| it.contains(part.as_str())) => {}
        Some(part) => {
            outcome = Outcome::Wrong;
            difference.push(format!(
                "notEvaluated: expected a reason with \"{part}\", but {}",
                shown()
            ));
        }
        // A rule that could not run has not been shown to be silent.
        None if refused => {
            if outcome == Outcome::Quiet {
                outcome = Outcome::NotEvaluated;
            }
            difference.push(shown());
        }
        None => {}
    }
    let findings = found.findings.into_iter();
    CaseOutcome {
        outcome,
        difference,
        findings: findings.filter(|it| it.rule == file.rule).collect(),
        not_evaluated: reason,
        branches,
        ..skipped(file, case)
    }
}

/// A case that was not run.
fn skipped(file: &CaseFile, case: &Case) -> CaseOutcome {
    CaseOutcome {
        name: case.name.clone(),
        line: case.line,
        outcome: Outcome::Skipped,
        fires: match &case.expected {
            Expected::Count(count) => *count > 0,
            Expected::Findings(expected) => expected.iter().any(|it| it.rule == file.rule),
        },
        difference: Vec::new(),
        findings: Vec::new(),
        not_evaluated: None,
        branches: Branches::default(),
    }
}
