//! Steps of upgrades: when each was asked for, its jobs on each node, the plans that Rancher wrote.

use super::{Context, Entry, EntrySource};
use crate::finding::Severity;
use crate::graph::ObjectView;
use crate::parse::document::View;
use crate::parse::time::timestamp;

pub(super) fn entries(context: &Context<'_>) -> Vec<Entry> {
    let graph = context.graph;
    let mut entries = Vec::new();
    for upgrade in graph.all("harvesterhci.io", "Upgrade") {
        let version = upgrade.text(&["spec", "version"]).unwrap_or("?");
        let what = format!("upgrade to {version} asked for");
        entries.extend(at(context, upgrade, "metadata.creationTimestamp", &what));
    }
    for job in graph.all("batch", "Job") {
        if let Some((step, node)) = step(job) {
            entries.extend(run(context, job, &step, node));
        }
    }
    let first = entries.iter().map(|entry| entry.time).min();
    for secret in graph.all("", "Secret") {
        entries.extend(plan(context, secret).map(|plan| Entry {
            // Plans are also rewritten without any upgrade.
            notable: first.is_some_and(|first| plan.time >= first),
            ..plan
        }));
    }
    entries
}

/// What a job of an upgrade does, and on which node.
fn step<'g>(job: ObjectView<'g>) -> Option<(String, Option<&'g str>)> {
    if let Some(kind) = job.label("harvesterhci.io/upgradeJobType") {
        return Some((kind.to_owned(), job.label("harvesterhci.io/node")));
    }
    if job.label("harvesterhci.io/upgrade").is_some() {
        let component = job.label("harvesterhci.io/upgradeComponent");
        let step = match component {
            Some("manifest") => "manifests",
            Some(other) => other,
            None => "upgrade step",
        };
        return Some((step.to_owned(), job.label("harvesterhci.io/node")));
    }
    // Plans of the upgrade that prepare nodes: `hvst-upgrade-x7k2p-prepare`.
    let plan = job.label("upgrade.cattle.io/plan")?;
    let (_, step) = plan
        .strip_prefix("hvst-upgrade-")
        .and_then(|rest| rest.split_once('-'))?;
    Some((step.to_owned(), job.label("upgrade.cattle.io/node")))
}

/// Start and end of a job.
fn run(context: &Context<'_>, job: ObjectView<'_>, step: &str, node: Option<&str>) -> Vec<Entry> {
    let on = node.map(|node| format!(" of {node}")).unwrap_or_default();
    let mut entries = Vec::new();
    let mut add = |field: &str, what: String, severity: Severity| {
        let entry = at(context, job, field, &what);
        entries.extend(entry.map(|entry| Entry {
            node: node.map(str::to_owned),
            severity: severity.max(entry.severity),
            ..entry
        }));
    };
    add(
        "status.startTime",
        format!("{step}{on} began"),
        Severity::Info,
    );
    let done = format!("{step}{on} done");
    add("status.completionTime", done, Severity::Info);
    if job.condition_status("Failed") == Some("True") {
        let reason = job.condition("Failed").and_then(|it| it.get("message"));
        let reason = reason.and_then(View::as_str).unwrap_or("no reason given");
        let what = format!("{step}{on} failed: {reason}");
        add(
            "status.conditions[type=Failed].lastTransitionTime",
            what,
            Severity::Error,
        );
    }
    entries
}

fn plan(context: &Context<'_>, secret: ObjectView<'_>) -> Option<Entry> {
    let machine = secret.name().strip_suffix("-machine-plan")?;
    let annotation = "rke.cattle.io/plan-last-updated";
    let time = secret.annotation(annotation).and_then(timestamp)?;
    let field = format!("metadata.annotations['{annotation}']");
    let machines = context.graph.all("cluster.x-k8s.io", "Machine");
    let of = machines.into_iter().find(|it| it.name() == machine);
    Some(Entry {
        notable: true,
        node: of.and_then(|machine| context.node_of(machine)),
        objects: vec![secret.object_name()],
        evidence: context.seen(secret.id(), &field),
        ..Entry::new(
            time,
            EntrySource::Upgrade,
            format!("Rancher rewrote the plan of machine {machine}"),
        )
    })
}

fn at(context: &Context<'_>, object: ObjectView<'_>, field: &str, what: &str) -> Option<Entry> {
    let time = match field.strip_suffix("[type=Failed].lastTransitionTime") {
        Some(_) => object
            .condition("Failed")
            .and_then(crate::derive::condition_time)?,
        None => {
            let path: Vec<&str> = field.split('.').collect();
            object.text(&path).and_then(timestamp)?
        }
    };
    let name = object.object_name();
    let shown = context.shown.field(&name, field);
    let mut entry = Entry {
        notable: true,
        objects: vec![name],
        evidence: context.seen(object.id(), field),
        ..Entry::new(time, EntrySource::Upgrade, what)
    };
    context.link(&mut entry, &shown);
    Some(entry)
}
