//! Which finding explains which: links between rules, checked against the findings' exported
//! objects and times, make a graph; its roots are the causes, and all else stands under one of them.

mod graph;
mod rank;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_of_properties;

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::remedy::{self, Lane};
use super::{Cause, Diagnosis, Edge};
use crate::finding::{Confidence, Finding, Severity};
use graph::CauseGraph;
use rank::Family;

pub use graph::{AFTERMATH, CLOCK_SLACK};

/// A rule's word that what one rule finds may lead to what another finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Id of the causing rule, or all of a category: `node/*`.
    pub cause_rule: String,
    /// Id of the rule that finds the effect, or all of a category.
    pub effect_rule: String,
    /// Names of exports that must agree in both findings; none: any two findings of a bundle.
    pub same: Vec<String>,
    /// Whether the cause must come first.
    pub order: Order,
    /// How firmly the one leads to the other.
    pub strength: Confidence,
    /// Why.
    pub note: Option<String>,
}

/// What times must say for a link to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Nothing.
    #[default]
    Any,
    /// The cause is seen first. Where a time is unknown the link holds, one level weaker.
    CauseFirst,
}

/// Puts every finding under its cause. Gives the findings in the order of the report, with ids and
/// `caused_by` filled in, and the ranked diagnoses, those of faults that are over behind the others.
/// Suppressed findings come last and explain nothing.
#[must_use]
pub fn explain(findings: Vec<Finding>, links: &[Link]) -> (Vec<Finding>, Vec<Diagnosis>) {
    explain_first(findings, links, |_| false)
}

/// As [`explain`], and what a reader asks about comes first: the best ranked diagnosis with a finding
/// of at least a warning that `asked` picks goes before all others that are no graver.
#[must_use]
pub fn explain_first(
    findings: Vec<Finding>,
    links: &[Link],
    asked: impl Fn(&Finding) -> bool,
) -> (Vec<Finding>, Vec<Diagnosis>) {
    let (mut suppressed, mut active): (Vec<Finding>, Vec<Finding>) = findings
        .into_iter()
        .partition(|finding| finding.suppressed.is_some());
    active.sort_by(by_weight);
    suppressed.sort_by(by_weight);

    let graph = CauseGraph::build(&active, links);
    let mut families = rank::families(&graph, &active);
    rank::bring_forward(&mut families, &active, &asked);

    // Ids follow the order in which a reader meets the findings.
    let order = families.iter().flat_map(|family| &family.members);
    let mut position = vec![0; active.len()];
    for (place, &finding) in order.enumerate() {
        position[finding] = place;
    }
    let id = |finding: usize| format!("f{}", position[finding] + 1);

    let diagnoses = families
        .iter()
        .zip(1..)
        .map(|(family, rank)| diagnosis(&graph, &active, family, rank, &id, &asked))
        .collect();

    let mut causes: Vec<Vec<usize>> = vec![Vec::new(); active.len()];
    for &(cause, effect) in graph.links.keys() {
        causes[effect].push(cause);
    }
    for (index, (finding, mut direct)) in active.iter_mut().zip(causes).enumerate() {
        direct.sort_by_key(|&cause| position[cause]);
        finding.id = id(index);
        finding.caused_by = direct.into_iter().map(id).collect();
    }
    let mut placed: Vec<(usize, Finding)> = position.iter().copied().zip(active).collect();
    placed.sort_by_key(|(place, _)| *place);
    let mut findings: Vec<Finding> = placed.into_iter().map(|(_, finding)| finding).collect();
    for mut finding in suppressed {
        finding.id = format!("f{}", findings.len() + 1);
        finding.caused_by.clear();
        findings.push(finding);
    }
    (findings, diagnoses)
}

/// Worst and surest first. A total order: what differs in any shown part never compares equal, so
/// that the order in which rules ran leaves no trace.
fn by_weight(a: &Finding, b: &Finding) -> Ordering {
    (b.severity, b.confidence)
        .cmp(&(a.severity, a.confidence))
        .then_with(|| (&a.rule, &a.subject).cmp(&(&b.rule, &b.subject)))
        .then_with(|| {
            (a.first_seen, &a.title, &a.message).cmp(&(b.first_seen, &b.title, &b.message))
        })
        .then_with(|| (&a.evidence, &a.exports, a.count).cmp(&(&b.evidence, &b.exports, b.count)))
        .then_with(|| {
            (&a.notes, &a.remedy, a.last_seen, a.history).cmp(&(
                &b.notes,
                &b.remedy,
                b.last_seen,
                b.history,
            ))
        })
}

fn diagnosis(
    graph: &CauseGraph,
    findings: &[Finding],
    family: &Family,
    rank: u32,
    id: &impl Fn(usize) -> String,
    asked: &impl Fn(&Finding) -> bool,
) -> Diagnosis {
    let Family { head, members, .. } = family;
    let cause = &findings[*head];
    let own: BTreeSet<usize> = members.iter().copied().collect();
    let edges = members
        .iter()
        .flat_map(|&from| graph.effects[from].iter().map(move |&(to, _)| (from, to)))
        .filter(|(_, to)| own.contains(to))
        .filter_map(|(from, to)| {
            let held = graph.links.get(&(from, to))?;
            Some(Edge {
                from: id(from),
                to: id(to),
                strength: held.strength,
                note: held.note.clone(),
            })
        })
        .collect();
    let all = || members.iter().map(|&member| &findings[member]);
    let severity = all().map(|it| it.severity).max().unwrap_or(cause.severity);
    let mut lanes: Vec<Lane<'_>> = Vec::new();
    let mut references: Vec<String> = Vec::new();
    let left_behind = left_behind(graph, findings, members);
    // What the cause does to the upgrade that is asked about, where it is no matter of the upgrade itself.
    let of_upgrade = |finding: &Finding| finding.category == "upgrade";
    let answer = members.iter().copied().find(|&member| {
        let finding = &findings[member];
        of_upgrade(finding) && finding.severity >= Severity::Error && asked(finding)
    });
    let answer = answer.filter(|_| !of_upgrade(cause));
    for &member in members {
        let finding = &findings[member];
        // Where an effect is what makes the diagnosis grave, is critical itself, or is what is asked
        // about, the way out of it belongs here: mending the cause may be out of reach. So does what a
        // moment left behind, and the nearest remedy known, if the cause's rule knows none.
        let grave = finding.severity == severity
            && (severity > cause.severity || severity == Severity::Critical);
        let own = member == *head || grave || answer == Some(member);
        let left = finding.severity >= Severity::Error && left_behind.contains(&member);
        if own || left || lanes.is_empty() {
            lanes.extend(Lane::of(rank, &finding.remedy));
        }
        if own || left {
            let new = finding.references.iter();
            let new: Vec<&String> = new.filter(|it| !references.contains(it)).collect();
            references.extend(new.into_iter().cloned().collect::<Vec<_>>());
        }
    }
    let effects = members.iter().filter(|&member| member != head);
    let circular = members.iter().filter(|&&it| graph.is_in_circle(it));
    Diagnosis {
        rank,
        cause: Cause {
            finding: id(*head),
            rule: cause.rule.clone(),
            subject: cause.subject.clone(),
        },
        severity,
        confidence: cause.confidence,
        history: all().all(|it| it.history),
        title: cause.title.clone(),
        summary: cause.message.clone(),
        effects: effects.map(|&member| id(member)).collect(),
        edges,
        cycle: circular.map(|&member| id(member)).collect(),
        remedy: remedy::merge(lanes)
            .into_iter()
            .map(|merged| merged.step)
            .collect(),
        references,
        blast_radius: Vec::new(),
    }
}

/// Members whose causes among the members all happened at a moment: no remedy of a cause mends them.
fn left_behind(graph: &CauseGraph, findings: &[Finding], members: &[usize]) -> BTreeSet<usize> {
    let mut mended_by_causes: BTreeSet<usize> = BTreeSet::new();
    let own: BTreeSet<usize> = members.iter().copied().collect();
    for member in members {
        if !findings[*member].momentary {
            let effects = graph.effects[*member].iter().map(|&(effect, _)| effect);
            mended_by_causes.extend(effects);
        }
    }
    own.difference(&mended_by_causes).copied().collect()
}
