//! What a bundle lacks makes a diagnosis less sure, never wrong: each scenario is read again without one
//! host's files, one namespace, one namespace's logs, or the objects of the cluster's scope.
//!
//! And no sentence of the verdict tells of what is not there any more.
//!
//! `REMOVALS=all` takes away every source in turn, which takes minutes; else some are taken, chosen by name.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bundle_doctor::archive::{Archive, Limits};
use bundle_doctor::diagnosis::{Action, Diagnosis};
use bundle_doctor::finding::{Confidence, Finding, Severity};
use bundle_doctor::report::Report;
use bundle_doctor::rule::Category;
use rayon::prelude::*;

use crate::bench::{RULES, diagnose, report, scenario, scenario_names, whole, written};
use crate::writer::broken::{Variant, break_bundle};

/// So many sources of each scenario are taken away unless all are asked for.
const SOME: usize = 5;

#[test]
fn a_bundle_without_a_source_is_never_diagnosed_wrongly() {
    let all = std::env::var_os("REMOVALS").is_some();
    let names: Vec<String> = scenario_names()
        .into_iter()
        .filter(|name| scenario(name).broken.is_none())
        .collect();
    let complaints: Vec<String> = names
        .par_iter()
        .enumerate()
        .flat_map_iter(|(number, name)| {
            let files = break_bundle(&whole(name), Variant::Directory);
            let directory = written(&format!("removal-{name}"), &files);
            let sources = sources(&directory);
            let step = if all { 1 } else { sources.len().div_ceil(SOME) };
            // Another part of the list in each scenario.
            let chosen = sources.into_iter().skip(number % step).step_by(step);
            let found: Vec<String> = chosen
                .flat_map(|source| {
                    let less = without(&directory, &source);
                    let shown = source.strip_prefix(&directory).unwrap().display();
                    let mut complaints = complaints(&report(name), &less);
                    complaints.extend(unfounded(&shown.to_string(), &less));
                    let line = |complaint| format!("{name} without {shown}: {complaint}");
                    complaints.into_iter().map(line).collect::<Vec<_>>()
                })
                .collect();
            std::fs::remove_dir_all(directory).unwrap();
            found
        })
        .collect();
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

/// What a collector may have failed to send: each host, each namespace's objects and logs, the cluster's scope.
fn sources(directory: &Path) -> Vec<PathBuf> {
    let top = children(directory).remove(0);
    let below = ["nodes", "yamls/namespaced", "logs"];
    let mut sources: Vec<PathBuf> = below
        .iter()
        .flat_map(|folder| children(&top.join(folder)))
        .collect();
    sources.push(top.join("yamls/cluster"));
    sources
}

fn children(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// The report of a bundle without a file or folder.
fn without(directory: &Path, source: &Path) -> Report {
    let aside = directory.with_extension("aside");
    std::fs::rename(source, &aside).unwrap();
    let archive = Archive::open(&[directory.to_owned()], &Limits::default()).unwrap();
    let less = diagnose(&archive).unwrap();
    std::fs::rename(&aside, source).unwrap();
    less
}

/// What the verdict says of things of which nothing was collected.
fn unfounded(source: &str, less: &Report) -> Vec<String> {
    let source = source.split_once('/').map_or(source, |(_, below)| below);
    let lost: &[&str] = match source {
        "yamls/cluster" => &["not Ready", " healthy, ", "kubelets: ", "is lost to"],
        "yamls/namespaced/kube-system" => &[" members healthy", " healthy of "],
        "yamls/namespaced/longhorn-system" => &["usable replica on", "degraded", "faulted"],
        "yamls/namespaced/harvester-system" => &["the upgrade last moved", "The upgrade moves"],
        "yamls/namespaced/fleet-local" => &["the planner waits"],
        _ => &[],
    };
    let verdict = &less.verdict;
    let said = || {
        let lists = verdict.facts.iter().chain(&verdict.save_first);
        std::iter::once(&verdict.summary).chain(lists)
    };
    let mut complaints: Vec<String> = said()
        .filter(|words| lost.iter().any(|lost| words.contains(lost)))
        .map(|words| format!("nobody can know that: {words}"))
        .collect();
    // What a host alone knows is not quoted from where it no longer is.
    let quoted = less.findings.iter().flat_map(|it| &it.evidence);
    complaints.extend(
        quoted
            .filter(|evidence| {
                let below = evidence.path.strip_prefix(source);
                !evidence.absent
                    && below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
            .map(|evidence| format!("{} is quoted, and is not there", evidence.path)),
    );
    let health = ["healthy cluster", "is healthy", "all is well", "no fault"];
    complaints.extend(
        said()
            .filter(|words| health.iter().any(|health| words.contains(health)))
            .map(|words| format!("that is no proof of health: {words}")),
    );
    complaints
}

/// What a report says, of less, that the report of all does not bear out.
fn complaints(all: &Report, less: &Report) -> Vec<String> {
    let mut complaints = Vec::new();
    let (was, is) = (all.verdict.action, less.verdict.action);
    // Nobody rebuilds or mends for want of a file, and what is broken is not well for want of one.
    let bearable = match was {
        Action::Rebuild => [Action::Rebuild, Action::Repair, Action::CollectMore].contains(&is),
        // An upgrade that moves is to be let, but not as if all were known.
        Action::Repair if is == Action::Wait => less
            .verdict
            .summary
            .contains("part of the bundle is missing"),
        _ => is == was || is == Action::CollectMore,
    };
    if !bearable {
        complaints.push(format!("{was:?} became {is:?}: {}", less.verdict.summary));
    }
    let known: BTreeSet<&str> = all.findings.iter().map(|it| it.rule.as_str()).collect();
    let is_new = |diagnosis: &&Diagnosis| {
        diagnosis.confidence >= Confidence::Likely
            && diagnosis.severity >= Severity::Warning
            && RULES.get(&diagnosis.cause.rule).unwrap().category != Category::Bundle
            // It names the place where the upgrade waits, and says that nobody knows why.
            && !diagnosis.cause.rule.ends_with("-generic")
            && !known.contains(diagnosis.cause.rule.as_str())
    };
    complaints.extend(less.diagnoses.iter().filter(is_new).map(|diagnosis| {
        let Diagnosis {
            confidence, title, ..
        } = diagnosis;
        format!(
            "a new cause, {confidence:?}: {title} ({})",
            diagnosis.cause.rule
        )
    }));
    let same = |finding: &Finding| {
        let mut before = all.findings.iter();
        before.find(|it| it.rule == finding.rule && it.subject == finding.subject)
    };
    for finding in &less.findings {
        if let Some(before) = same(finding)
            && finding.confidence > before.confidence
        {
            let (rule, subject) = (&finding.rule, &finding.subject);
            complaints.push(format!("{rule} on {subject} is surer than with all"));
        }
    }
    complaints
}
