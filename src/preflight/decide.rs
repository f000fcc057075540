//! Makes one check, by what its rules found and what was worked out beside them.

use super::checks::Entry;
use super::{Answer, Check, CheckState, Cluster, Fault};
use crate::evaluate::Evaluation;
use crate::finding::{ObjectName, Severity};
use crate::graph::Kind;
use crate::rule::version::{Version, VersionRange};
use crate::rule::{BindingForm, BindingSource, Rule, RuleSet};

/// Makes one check.
pub(super) fn made(
    entry: &Entry,
    cluster: &Cluster<'_>,
    rules: &RuleSet,
    evaluation: &Evaluation,
) -> Check {
    let asked = entry.asked.iter();
    let asked = asked.filter(|(_, range)| is_within(range, cluster.installed.as_ref()));
    let mut check = Check {
        id: entry.id.to_owned(),
        title: entry.title.to_owned(),
        state: CheckState::NotApplicable,
        severity: None,
        asked_by: asked.map(|(asker, _)| *asker).collect(),
        rules: entry.rules.iter().map(|rule| (*rule).to_owned()).collect(),
        faults: Vec::new(),
        notes: Vec::new(),
    };
    if let Some(reason) = beside_the_point(entry, cluster) {
        check.notes.push(reason);
        return check;
    }
    let mut answer = match entry.computed {
        Some(compute) => compute(cluster),
        None => Answer::default(),
    };
    let mut applies = entry.computed.is_some();
    for (group, kind) in entry.always {
        if cluster.graph.all(group, kind).next().is_none() {
            let kind = Kind::new(*group, *kind).display();
            let reason = format!("the bundle holds no {kind}, and each cluster has some");
            answer.unknown.push(reason);
        }
    }
    for id in entry.rules {
        applies |= by_rule(
            id,
            cluster,
            rules,
            evaluation,
            &mut answer,
            &mut check.notes,
        );
    }
    check.faults = told_once(answer.faults);
    check
        .faults
        .sort_by_key(|fault| std::cmp::Reverse(fault.severity));
    if !check.faults.is_empty() {
        check.state = CheckState::Failed;
        check.severity = Some(severity(&check));
    } else if let Some(reason) = entry.never {
        check.state = CheckState::NotComputable;
        check.notes.push(reason.to_owned());
    } else if !answer.unknown.is_empty() {
        check.state = CheckState::NotComputable;
    } else if applies && answer.not_applicable.is_none() {
        check.state = CheckState::Passed;
    } else {
        let other = || "it is about other versions of Harvester".to_owned();
        check
            .notes
            .push(answer.not_applicable.unwrap_or_else(other));
    }
    answer.unknown.sort();
    answer.unknown.dedup();
    check.notes.extend(answer.unknown);
    check
}

/// What a rule tells of an object, with its reasons, is not told again as a plain condition.
fn told_once(mut faults: Vec<Fault>) -> Vec<Fault> {
    let by_rules = faults.iter().filter(|fault| fault.rule.is_some());
    let told: Vec<ObjectName> = by_rules.filter_map(|fault| fault.subject.clone()).collect();
    faults.retain(|fault| {
        let again = |subject: &ObjectName| told.contains(subject);
        fault.rule.is_some() || !fault.subject.as_ref().is_some_and(again)
    });
    faults
}

/// A version that is not known is taken to be in every range: a check is rather made than forgotten.
fn is_within(range: &str, version: Option<&Version>) -> bool {
    let (Ok(range), Some(version)) = (VersionRange::parse(range), version) else {
        return true;
    };
    range.contains(version)
}

/// Why a check means nothing for the cluster as such.
fn beside_the_point(entry: &Entry, cluster: &Cluster<'_>) -> Option<String> {
    if !is_within(entry.versions, cluster.installed.as_ref()) {
        return Some(format!("it is about Harvester {}", entry.versions));
    }
    let nodes = cluster.nodes().count();
    (nodes > 0 && nodes < entry.least_nodes).then(|| {
        let node = if nodes == 1 {
            "a single node"
        } else {
            "so few nodes"
        };
        format!("it means nothing with {node}")
    })
}

/// What a rule adds to a check; whether the rule is about this cluster's version at all.
fn by_rule(
    id: &str,
    cluster: &Cluster<'_>,
    rules: &RuleSet,
    evaluation: &Evaluation,
    answer: &mut Answer,
    notes: &mut Vec<String>,
) -> bool {
    let Some(rule) = rules.get(id) else {
        answer.unknown.push(format!("rule {id} was left out"));
        return true;
    };
    if evaluation.outside.contains(&rule.id) {
        return false;
    }
    let findings = evaluation.findings.iter().filter(|it| it.rule == rule.id);
    let before = answer.faults.len();
    for finding in findings {
        match &finding.suppressed {
            None if finding.history => notes.push(format!("over by now: {}", finding.title)),
            None => answer.faults.push(Fault::found(finding)),
            Some(why) => notes.push(format!("not counted: {} ({})", finding.title, why.reason)),
        }
    }
    let missing = evaluation.not_evaluated.iter();
    let missing = missing.filter(|it| it.rule == rule.id);
    answer.unknown.extend(missing.map(|it| it.reason.clone()));
    if answer.faults.len() == before && cluster.upgrade.is_some() && heeds_upgrades(rule) {
        let reason = "an upgrade is under way, which itself changes what is looked at";
        answer.unknown.push(reason.to_owned());
    }
    true
}

/// Whether a rule looks at how far an upgrade has come: most are silent while one runs.
fn heeds_upgrades(rule: &Rule) -> bool {
    rule.matches.iter().any(|binding| {
        let source = match &binding.form {
            BindingForm::Each { source, .. }
            | BindingForm::Optional { source, .. }
            | BindingForm::None { source, .. }
            | BindingForm::Collect { source, .. } => source,
            BindingForm::Let { .. } | BindingForm::When { .. } => return false,
        };
        matches!(source, BindingSource::Kind(kind) if kind.value.kind == "UpgradeStatus")
    })
}

/// How bad a failed check is: a state that harms nothing else may still keep an upgrade from
/// beginning.
fn severity(check: &Check) -> Severity {
    let worst = check.faults.iter().map(|fault| fault.severity).max();
    let least = match check.asked_by.as_slice() {
        [] => Severity::Info,
        askers if askers.iter().any(|asker| asker.refuses()) => Severity::Error,
        _ => Severity::Warning,
    };
    worst.unwrap_or(least).max(least)
}
