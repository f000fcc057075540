//! Names the files and commands that would tell more than the bundle does.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::facts::{Facts, NodeSummary, UpgradeSummary};
use super::verdict::VerdictState;
use super::{Diagnosis, Link, wording};
use crate::bundle::SYSTEM_NAMESPACES;
use crate::finding::{Confidence, Export, Finding, Risk};
use crate::span::ProblemKind;

/// More would be noise; the report's coverage holds all.
const SHOWN: usize = 20;

/// Parts of the bundle that are missing or could not be read, each with a way to get it.
#[must_use]
pub fn inputs_missing(facts: &Facts) -> Vec<String> {
    let coverage = &facts.coverage;
    let hosts = coverage.nodes_without_host_logs.iter();
    let mut wanted: Vec<String> = hosts
        .map(|node| {
            let known = facts.cluster.nodes.iter().find(|known| known.name == *node);
            match known {
                Some(known) if !known.is_not_ready() => {
                    format!("nodes/{node}.zip: make the bundle again, or take its journal and /var/log by hand")
                }
                Some(known) => format!(
                    "nodes/{node}.zip: make the bundle again once {node} answers, or by hand from its console or disk: {}",
                    host_logs(known)
                ),
                None => format!(
                    "nodes/{node}.zip: make the bundle again once {node} answers, or take its journal and /var/log by hand"
                ),
            }
        })
        .collect();
    for problem in &coverage.problems {
        let of_host = coverage
            .nodes_without_host_logs
            .iter()
            .any(|node| problem.path == format!("nodes/{node}.zip"));
        let lost = !matches!(problem.kind, ProblemKind::Syntax | ProblemKind::Encoding);
        if lost && !of_host {
            let remedy = if problem.kind == ProblemKind::Limit {
                " (raise the limit and analyse again)"
            } else {
                ""
            };
            wanted.push(format!("{}: {}{remedy}", problem.path, problem.reason));
        }
    }
    for namespace in &coverage.namespaces.missing {
        if SYSTEM_NAMESPACES.contains(&namespace.as_str()) {
            wanted.push(format!("yamls/namespaced/{namespace} and logs/{namespace}: make the bundle with this namespace"));
        }
    }
    let more = wanted.len().saturating_sub(SHOWN);
    if more > 0 {
        wanted.truncate(SHOWN);
        wanted.push(format!("{more} more, listed under coverage"));
    }
    wanted
}

/// Inputs told of one diagnosis; whatever is there, the first few decide.
const INPUTS_OF_ONE: usize = 2;

/// How to see whether a diagnosis that is only possible is true.
#[must_use]
pub fn look(diagnosis: &Diagnosis, cause: &Finding) -> Option<String> {
    let safe = cause.remedy.iter().filter(|step| step.risk == Risk::Safe);
    let command = safe.filter_map(|step| step.command.as_ref()).next()?;
    let is_open = diagnosis.confidence == Confidence::Possible;
    is_open.then(|| format!("whether it is so that \"{}\": {command}", diagnosis.title))
}

/// What would tell what lies behind a finding: rules that are known to lead to it and could not be
/// evaluated, by what they lacked; those inputs first that settle most.
#[must_use]
pub fn behind(cause: &Finding, links: &[Link], facts: &Facts) -> Option<String> {
    let mut lacking: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for link in links.iter().filter(|link| link.effect_rule == cause.rule) {
        let own_node = link.same.iter().any(|name| name == "node");
        let undecided = facts.coverage.not_evaluated.iter();
        for rule in undecided.filter(|it| it.rule == link.cause_rule) {
            for reason in rule.reason.split("; ") {
                let is_usual = reason.contains(wording::OF_ALL_NAMESPACES);
                if !is_usual && (!own_node || concerns(reason, cause, facts)) {
                    lacking.entry(reason).or_default().insert(&rule.rule);
                }
            }
        }
    }
    let mut lacking: Vec<(&str, BTreeSet<&str>)> = lacking.into_iter().collect();
    lacking.sort_by_key(|(reason, rules)| (Reverse(rules.len()), *reason));
    let told = lacking.into_iter().take(INPUTS_OF_ONE);
    let told: Vec<String> = told
        .map(|(reason, rules)| {
            let rules: Vec<&str> = rules.into_iter().collect();
            format!("{} ({reason})", wording::some(&rules, 4))
        })
        .collect();
    let title = &cause.title;
    (!told.is_empty()).then(|| {
        let told = told.join("; ");
        format!("what lies behind \"{title}\", for which no rule could look: {told}")
    })
}

/// Whether a reason speaks of a node of the finding, or of no node at all.
fn concerns(reason: &str, finding: &Finding, facts: &Facts) -> bool {
    let is_in_name = |letter: char| letter.is_ascii_alphanumeric() || "-._".contains(letter);
    let words: BTreeSet<&str> = reason.split(|letter| !is_in_name(letter)).collect();
    let nodes = facts.cluster.nodes.iter().map(|node| node.name.as_str());
    let named: Vec<&str> = nodes.filter(|node| words.contains(node)).collect();
    let exported = finding.exports.values().flat_map(Export::objects);
    let mut own = std::iter::once(&finding.subject).chain(exported);
    named.is_empty() || own.any(|it| it.kind == "Node" && named.contains(&it.name.as_str()))
}

/// The logs of a host that tell why it died, by its part in the cluster: to be fetched by hand.
#[must_use]
pub fn host_logs(node: &NodeSummary) -> String {
    // Without roles nobody can say which of the two services runs there.
    let service = if node.is_control_plane() {
        "rke2-server"
    } else if node.roles.is_empty() {
        "'rke2-*'"
    } else {
        "rke2-agent"
    };
    let since = node
        .last_seen
        .as_ref()
        .filter(|_| node.is_not_ready())
        .map(|seen| format!(", from {} on", wording::minute(seen.time)))
        .unwrap_or_default();
    format!(
        "journalctl -k -b and -k -b -1, journalctl -u {service}, \
         /var/lib/rancher/rke2/agent/logs/kubelet.log and agent/containerd/containerd.log{since}"
    )
}

/// What to fetch before deciding: what the state calls for, then what is missing.
#[must_use]
pub fn more(facts: &Facts, state: VerdictState) -> Vec<String> {
    let mut wanted = Vec::new();
    match (state, &facts.upgrade) {
        (VerdictState::NotAssessable, _) => {
            wanted.push(
                "a whole bundle: this one holds neither yamls/ nor logs/ that can be read".into(),
            );
        }
        (
            VerdictState::UpgradeStuck | VerdictState::UpgradeFailed | VerdictState::UpgradeRefused,
            Some(upgrade),
        ) => {
            wanted.extend(of_upgrade(upgrade));
        }
        _ => {}
    }
    wanted.extend(inputs_missing(facts));
    if wanted.is_empty() {
        for node in facts
            .cluster
            .nodes
            .iter()
            .filter(|node| node.is_not_ready())
            .take(SHOWN)
        {
            wanted.push(format!(
                "journalctl -b and dmesg of {}, or its console if it does not answer",
                node.name
            ));
        }
    }
    wanted
}

/// Commands for the objects and logs that tell why an upgrade stands, but may not be in a bundle.
fn of_upgrade(upgrade: &UpgradeSummary) -> Vec<String> {
    let mut wanted = vec![format!(
        "kubectl -n harvester-system get upgrades.harvesterhci.io {} -o yaml",
        upgrade.name
    )];
    for node in upgrade.nodes.iter().filter(|node| node.is_active()) {
        for pod in &node.pods {
            let namespace = pod.namespace.as_deref().unwrap_or("harvester-system");
            wanted.push(format!("kubectl -n {namespace} logs {}", pod.name));
        }
        if let Some(machine) = &node.machine {
            wanted.push(format!(
                "kubectl -n fleet-local get secret {machine}-machine-plan -o yaml"
            ));
        }
        wanted.push(format!(
            "on {}: journalctl -u rancher-system-agent -u rke2-server -u rke2-agent",
            node.name
        ));
    }
    if wanted.len() == 1 {
        wanted.push("kubectl -n harvester-system logs deployment/harvester".into());
        wanted.push("kubectl -n cattle-system logs deployment/rancher".into());
    }
    wanted.truncate(SHOWN);
    wanted
}
