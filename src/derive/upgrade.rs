//! `doctor/UpgradeStatus` and `doctor/UpgradeStep`: where the current upgrade stands, worked out
//! from its conditions, hook jobs, plan secrets, and the planner's words.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::graph::{Graph, Kind, ObjectId, ObjectView, Origin};
use crate::parse::document::View;
use crate::parse::time::timestamp;

use super::{Derived, Seen, time};

/// Conditions in the order in which an upgrade closes them, with the phase that each stands for.
const CONDITIONS: [(&str, &str); 6] = [
    ("LogReady", "repo"),
    ("ImageReady", "repo"),
    ("RepoReady", "repo"),
    ("NodesPrepared", "preload"),
    ("SystemServicesUpgraded", "manifests"),
    ("NodesUpgraded", "pre-drain"),
];

/// How long an upgrade may go without any movement in a phase before it counts as stuck. The
/// preload job has a deadline of 3,600 s; a drain is retried by Rancher after 600 s; a failed hook
/// is retried after 10 minutes; hosts with much memory take up to 30 minutes to reboot.
const PATIENCE: [(&str, i64); 7] = [
    ("repo", 45),
    ("preload", 70),
    ("manifests", 60),
    ("pre-drain", 60),
    ("post-drain", 60),
    ("reboot", 45),
    ("finish", 60),
];

/// After pre-drain Rancher evicts pods, gives up after 600 s and tries again, then replaces RKE2:
/// two rounds of that are patience enough.
const DRAIN_PATIENCE: i64 = 45;

/// A node that is not Ready for longer than this is not merely rebooting.
const LOST_AFTER: SignedDuration = SignedDuration::from_mins(30);

pub(super) fn upgrade(graph: &Graph, seen: &Seen<'_>) -> Vec<Derived> {
    let Some(current) = current(graph) else {
        return Vec::new();
    };
    let steps = steps(graph, current);
    let mut status = status(graph, seen, current, &steps);
    status.seen(Some(field(current.id(), "status")));
    let mut derived = vec![status];
    derived.extend(steps.into_iter().map(|step| step.object));
    derived
}

/// The upgrade that the controllers work on: the one labelled as latest, of several the newest.
pub(crate) fn current(graph: &Graph) -> Option<ObjectView<'_>> {
    let newest = |labelled: bool| {
        graph
            .all("harvesterhci.io", "Upgrade")
            .filter(|upgrade| {
                !labelled || upgrade.label("harvesterhci.io/latestUpgrade") == Some("true")
            })
            .max_by_key(|upgrade| {
                (
                    upgrade.text(&["metadata", "creationTimestamp"]),
                    upgrade.name(),
                )
            })
    };
    newest(true).or_else(|| newest(false))
}

/// A node's entry in the upgrade, and what the status needs to know of it.
struct Step {
    name: String,
    state: String,
    since: Option<Timestamp>,
    /// The node is gone, or not Ready for longer than a reboot takes.
    ready: Option<bool>,
    ready_since: Option<Timestamp>,
    /// Whether the bundle lists nodes at all.
    nodes_collected: bool,
    object: Derived,
}

impl Step {
    /// Work on the node has begun and not ended.
    fn is_active(&self) -> bool {
        !matches!(
            self.state.as_str(),
            "" | "Succeeded" | "Images preloaded" | "Images preloading"
        )
    }

    fn is_lost(&self, now: Option<Timestamp>) -> bool {
        match self.ready {
            // Without the list of nodes nothing says that one is gone.
            None => self.nodes_collected,
            Some(true) => false,
            Some(false) => match (now, self.ready_since) {
                (Some(now), Some(since)) => now.duration_since(since) > LOST_AFTER,
                _ => false,
            },
        }
    }
}

/// What `status.repoInfo`, a YAML text, says of the release that is upgraded to.
fn release(upgrade: ObjectView<'_>) -> BTreeMap<String, String> {
    let text = upgrade.text(&["status", "repoInfo"]).unwrap_or_default();
    let parsed = crate::parse::yaml_text(text);
    let release = parsed
        .as_ref()
        .and_then(|document| document.root().get("release"));
    release
        .into_iter()
        .flat_map(View::entries)
        .filter_map(|(key, value)| Some((key.to_owned(), value.as_str()?.to_owned())))
        .collect()
}

fn steps(graph: &Graph, upgrade: ObjectView<'_>) -> Vec<Step> {
    let release = release(upgrade);
    let target = release.get("kubernetes").map(String::as_str);
    let jobs = hook_jobs(graph, upgrade);
    let prepared = upgrade.condition("NodesPrepared").and_then(condition_time);
    let statuses = upgrade.field(&["status", "nodeStatuses"]);
    statuses
        .into_iter()
        .flat_map(View::entries)
        .map(|(name, status)| {
            let state = status
                .get("state")
                .and_then(View::as_str)
                .unwrap_or_default();
            let node = graph
                .kind_id("", "Node")
                .and_then(|kind| graph.find(kind, None, name))
                .map(|id| graph.object(id));
            let job = job_of(&jobs, name, state);
            let since = since(state, job, prepared);
            let secret = plan_secret(graph, name);
            let mut object = Derived::new("UpgradeStep", name);
            let here =
                |key: &str| field(upgrade.id(), &format!("status.nodeStatuses['{name}']{key}"));
            object
                .set("upgradeName", Some(upgrade.name()))
                .set("nodeName", Some(name))
                .set_seen("state", Some(state), Some(here(".state")))
                .set("reason", status.get("reason").and_then(View::as_str))
                .set_seen(
                    "message",
                    status.get("message").and_then(View::as_str),
                    Some(here(".message")),
                )
                .set("since", since.map(time))
                .set("targetVersion", target)
                .set("targetOS", release.get("os").map(String::as_str))
                .set(
                    "machineName",
                    node.and_then(|node| node.annotation("cluster.x-k8s.io/machine")),
                )
                .seen(Some(here("")));
            if let Some(job) = job {
                object.set_seen("jobName", Some(job.name()), Some(field(job.id(), "status")));
            }
            if let Some(secret) = secret {
                let origin = field(secret.id(), "metadata.annotations");
                object.set_seen("handshake", Some(handshake(secret)), Some(origin));
            }
            if let Some(node) = node {
                let info = |key: &str| node.text(&["status", "nodeInfo", key]);
                let origin = |key: &str| Some(field(node.id(), &format!("status.nodeInfo.{key}")));
                object
                    .set_seen(
                        "kubeletVersion",
                        info("kubeletVersion"),
                        origin("kubeletVersion"),
                    )
                    .set_seen("osImage", info("osImage"), origin("osImage"));
            }
            let ready = node.and_then(|node| node.condition("Ready"));
            Step {
                name: name.to_owned(),
                state: state.to_owned(),
                since,
                ready: node.map(|node| node.condition_status("Ready") == Some("True")),
                ready_since: ready.and_then(condition_time),
                nodes_collected: graph.collected().has(&Kind::new("", "Node"), None),
                object,
            }
        })
        .collect()
}

/// Jobs of the upgrade that work on one node, by node and type.
fn hook_jobs<'g>(graph: &'g Graph, upgrade: ObjectView<'g>) -> Vec<ObjectView<'g>> {
    graph
        .all("batch", "Job")
        .filter(|job| job.label("harvesterhci.io/upgrade") == Some(upgrade.name()))
        .collect()
}

/// Jobs of the upgrade's plans for the system-upgrade-controller: one for each node that preloads images.
fn plan_jobs<'g>(
    graph: &'g Graph,
    upgrade: ObjectView<'g>,
) -> impl Iterator<Item = ObjectView<'g>> {
    graph.all("batch", "Job").filter(move |job| {
        let plan = job.label("upgrade.cattle.io/plan");
        plan.and_then(|plan| plan.strip_prefix(upgrade.name()))
            .is_some_and(|rest| rest.starts_with('-'))
    })
}

/// The hook job that led a node into its state.
fn job_of<'g>(jobs: &[ObjectView<'g>], node: &str, state: &str) -> Option<ObjectView<'g>> {
    let wanted: &[&str] = match state {
        "Pre-draining" | "Pre-drained" => &["pre-drain"],
        "Post-draining" | "Waiting Reboot" | "Succeeded" => &["post-drain", "single-node-upgrade"],
        "Failed" => &["post-drain", "pre-drain", "single-node-upgrade"],
        _ => &["single-node-upgrade"],
    };
    let of_type = |kind: &str| {
        jobs.iter().copied().find(|job| {
            job.label("harvesterhci.io/node") == Some(node)
                && job.label("harvesterhci.io/upgradeJobType") == Some(kind)
        })
    };
    wanted.iter().find_map(|kind| of_type(kind))
}

/// Since when a node is in its state: the start or end of the job that led there.
fn since(
    state: &str,
    job: Option<ObjectView<'_>>,
    prepared: Option<Timestamp>,
) -> Option<Timestamp> {
    let started = || job_time(job?, "startTime");
    let ended = || job_time(job?, "completionTime");
    match state {
        "Pre-draining" | "Post-draining" => started(),
        "Pre-drained" | "Waiting Reboot" | "Succeeded" => ended(),
        "Images preloaded" => prepared,
        _ => None,
    }
}

fn job_time(job: ObjectView<'_>, key: &str) -> Option<Timestamp> {
    timestamp(job.text(&["status", key])?)
}

/// The plan secret of a node's machine: the channel over which Rancher and Harvester shake hands.
fn plan_secret<'g>(graph: &'g Graph, node: &str) -> Option<ObjectView<'g>> {
    let machine = graph
        .all("", "Node")
        .find(|it| it.name() == node)
        .and_then(|it| it.annotation("cluster.x-k8s.io/machine"))
        .or_else(|| {
            let machines = graph.all("cluster.x-k8s.io", "Machine");
            let mut of_node =
                machines.filter(|it| it.text(&["status", "nodeRef", "name"]) == Some(node));
            of_node.next().map(ObjectView::name)
        })?;
    graph.all("", "Secret").find(|secret| {
        secret.text(&["type"]) == Some("rke.cattle.io/machine-plan")
            && (secret.label("rke.cattle.io/machine-name") == Some(machine)
                || secret.name().strip_suffix("-machine-plan") == Some(machine))
    })
}

/// What the seven annotations of one drain say together. An answer equals its question literally.
fn handshake(secret: ObjectView<'_>) -> &'static str {
    let read = |key: &str| secret.annotation(key).filter(|value| !value.is_empty());
    let pre_drain = read("rke.cattle.io/pre-drain");
    let pre_hook = read("harvesterhci.io/pre-hook");
    let drain_done = read("rke.cattle.io/drain-done");
    let uncordon = read("rke.cattle.io/uncordon");
    let post_drain = read("rke.cattle.io/post-drain");
    let post_hook = read("harvesterhci.io/post-hook");
    match (pre_drain, post_drain) {
        (None, None) if read("rke.cattle.io/drain-options").is_some() => "cordoning",
        (None, None) => "none",
        (_, Some(asked)) if post_hook != Some(asked) => "waits-post-hook",
        (_, Some(_)) => "waits-cleanup",
        (Some(asked), None) if pre_hook != Some(asked) => "waits-pre-hook",
        (Some(asked), None) if drain_done != Some(asked) => "evicting",
        (Some(asked), None) if uncordon != Some(asked) => "drained",
        (Some(_), None) => "uncordon",
    }
}

fn status(graph: &Graph, seen: &Seen<'_>, upgrade: ObjectView<'_>, steps: &[Step]) -> Derived {
    let release = release(upgrade);
    let conditions = upgrade.field(&["status", "conditions"]).is_some();
    let open = CONDITIONS.iter().find(|(name, _)| is_open(upgrade, name));
    let completed = upgrade.condition_status("Completed");
    let phase = phase(graph, upgrade, open.copied(), steps);
    let moved = last_movement(graph, upgrade);
    let single = upgrade.text(&["status", "singleNode"]);
    let paused: Vec<ObjectView<'_>> = graph
        .all("management.cattle.io", "ManagedChart")
        .filter(|chart| chart.field(&["spec", "paused"]).and_then(View::as_bool) == Some(true))
        .collect();
    let progress = progress(seen.now, upgrade, phase, moved.as_ref(), steps, conditions);
    let holder = holder(seen.now, steps);
    let since = match completed {
        Some("True" | "False") => upgrade.condition("Completed").and_then(condition_time),
        _ => holder
            .and_then(|step| step.since)
            .or_else(|| moved.as_ref().map(|moved| moved.at)),
    };
    let mut status = Derived::new("UpgradeStatus", upgrade.name());
    status
        .set("upgradeName", Some(upgrade.name()))
        .set_seen(
            "state",
            upgrade.label("harvesterhci.io/upgradeState"),
            Some(field(
                upgrade.id(),
                "metadata.labels['harvesterhci.io/upgradeState']",
            )),
        )
        .set("phase", phase)
        .set("progress", Some(progress))
        .set("since", since.map(time))
        .set("singleNode", single)
        .set("blockedOn", holder.map(|step| step.name.as_str()))
        .set(
            "from",
            upgrade
                .text(&["status", "previousVersion"])
                .map(|from| json!({ "harvester": from })),
        )
        .set("to", Some(target(upgrade, &release)))
        .set(
            "pausedCharts",
            Some(
                paused
                    .iter()
                    .map(|chart| json!(chart.name()))
                    .collect::<Vec<_>>(),
            ),
        )
        .set("order", Some(order(graph, steps)));
    if let Some((name, _)) = open {
        let origin = field(
            upgrade.id(),
            &format!("status.conditions[type={name}].status"),
        );
        status.set_seen("openCondition", Some(*name), Some(origin));
    }
    if let Some(moved) = moved {
        status.set_seen(
            "lastMovement",
            Some(json!({ "time": time(moved.at), "what": moved.what })),
            Some(moved.origin),
        );
    }
    if let Some((text, origin)) = planner(graph) {
        status.set_seen("plannerWaitsFor", Some(text), Some(origin));
    }
    status
}

/// A condition that the upgrade has begun and not closed.
fn is_open(upgrade: ObjectView<'_>, name: &str) -> bool {
    // LogReady False means that logging is switched off, which is no obstacle.
    matches!((name, upgrade.condition_status(name)), (_, Some("Unknown")))
}

fn phase(
    graph: &Graph,
    upgrade: ObjectView<'_>,
    open: Option<(&str, &'static str)>,
    steps: &[Step],
) -> Option<&'static str> {
    if upgrade.condition_status("Completed") == Some("True") {
        let cleanup = upgrade.label("harvesterhci.io/upgradeCleanup");
        return (cleanup == Some("Pending")).then_some("finish");
    }
    if let Some((name, phase)) = open {
        return Some(if name == "NodesUpgraded" {
            node_phase(upgrade, steps)
        } else {
            phase
        });
    }
    let closed = |name: &str| upgrade.condition_status(name) == Some("True");
    if closed("NodesUpgraded") && closed("SystemServicesUpgraded") {
        return Some("finish");
    }
    // Between two conditions the next one is not written yet; the phase is that of the next.
    let failed = CONDITIONS
        .iter()
        .find(|(name, _)| upgrade.condition_status(name) == Some("False") && *name != "LogReady");
    if let Some((name, phase)) = failed {
        return Some(if *name == "NodesUpgraded" {
            failed_phase(graph, upgrade, steps)
        } else {
            phase
        });
    }
    let last = CONDITIONS.iter().rposition(|(name, _)| closed(name));
    match last {
        Some(last) => CONDITIONS.get(last + 1).map(|(_, phase)| *phase),
        None if upgrade.condition_status("Completed") == Some("False") => Some("precheck"),
        None => Some("repo"),
    }
}

/// A failed preload is written into `NodesUpgraded`, too, and has no hook job.
fn failed_phase(graph: &Graph, upgrade: ObjectView<'_>, steps: &[Step]) -> &'static str {
    let jobs = hook_jobs(graph, upgrade);
    let failed = steps.iter().filter(|step| step.state == "Failed");
    let kinds: Vec<&str> = failed
        .filter_map(|step| job_of(&jobs, &step.name, &step.state))
        .filter_map(|job| job.label("harvesterhci.io/upgradeJobType"))
        .collect();
    let begun = steps
        .iter()
        .any(|step| step.is_active() && step.state != "Failed" || step.state == "Succeeded");
    let prepared = upgrade.condition_status("NodesPrepared") == Some("True");
    match kinds.as_slice() {
        // The one job of a single node does all that hooks after a drain do elsewhere.
        [] if begun || is_single(upgrade) && prepared => "post-drain",
        [] => "preload",
        kinds if kinds.iter().all(|kind| *kind == "pre-drain") => "pre-drain",
        _ => "post-drain",
    }
}

fn is_single(upgrade: ObjectView<'_>) -> bool {
    let node = upgrade.text(&["status", "singleNode"]);
    node.is_some_and(|node| !node.is_empty())
}

/// The phase of the node phase: the state of the node that holds the queue.
fn node_phase(upgrade: ObjectView<'_>, steps: &[Step]) -> &'static str {
    let held = steps
        .iter()
        .find(|step| step.is_active())
        .map(|step| step.state.as_str());
    match held {
        Some("Post-draining") => "post-drain",
        Some("Waiting Reboot") => "reboot",
        Some(_) => "pre-drain",
        None if is_single(upgrade) => "post-drain",
        None if !steps.is_empty() && steps.iter().all(|step| step.state == "Succeeded") => "finish",
        None => "pre-drain",
    }
}

/// The node that holds the queue: a lost one before one that works.
fn holder(now: Option<Timestamp>, steps: &[Step]) -> Option<&Step> {
    let active = || steps.iter().filter(|step| step.is_active());
    active()
        .find(|step| step.is_lost(now))
        .or_else(|| active().next())
}

fn target(upgrade: ObjectView<'_>, release: &BTreeMap<String, String>) -> Value {
    let mut to = json!({});
    let harvester = release
        .get("harvester")
        .map(String::as_str)
        .or_else(|| upgrade.text(&["spec", "version"]));
    let parts = [
        ("harvester", harvester),
        ("kubernetes", release.get("kubernetes").map(String::as_str)),
        ("os", release.get("os").map(String::as_str)),
    ];
    for (key, value) in parts {
        if let Some(value) = value {
            to[key] = value.into();
        }
    }
    to
}

/// The init node first, then etcd members, the control plane, workers: Rancher's tiers.
fn order(graph: &Graph, steps: &[Step]) -> Vec<Value> {
    let tier = |name: &str| {
        let node = graph.all("", "Node").find(|node| node.name() == name);
        let role = |role: &str| {
            node.is_some_and(|node| {
                node.label(&format!("node-role.kubernetes.io/{role}"))
                    .is_some()
            })
        };
        let init = plan_secret(graph, name)
            .and_then(|secret| secret.label("rke.cattle.io/init-node"))
            == Some("true");
        match () {
            () if init => 0,
            () if role("etcd") => 1,
            () if role("control-plane") => 2,
            () => 3,
        }
    };
    let mut names: Vec<(i32, &str)> = steps
        .iter()
        .map(|step| (tier(&step.name), step.name.as_str()))
        .collect();
    names.sort_unstable();
    names.into_iter().map(|(_, name)| name.into()).collect()
}

/// What moved last, and where that is written.
struct Movement {
    at: Timestamp,
    what: String,
    origin: Origin,
}

fn last_movement(graph: &Graph, upgrade: ObjectView<'_>) -> Option<Movement> {
    let mut moves: Vec<Movement> = Vec::new();
    let conditions = upgrade.field(&["status", "conditions"]);
    for condition in conditions.into_iter().flat_map(View::items) {
        let name = condition
            .get("type")
            .and_then(View::as_str)
            .unwrap_or_default();
        let status = condition
            .get("status")
            .and_then(View::as_str)
            .unwrap_or_default();
        if let Some(at) = condition_time(condition) {
            let origin = field(
                upgrade.id(),
                &format!("status.conditions[type={name}].status"),
            );
            moves.push(Movement {
                at,
                what: format!("condition {name} became {status}"),
                origin,
            });
        }
    }
    if let Some(at) = upgrade
        .text(&["metadata", "creationTimestamp"])
        .and_then(timestamp)
    {
        let origin = field(upgrade.id(), "metadata.creationTimestamp");
        moves.push(Movement {
            at,
            what: "the upgrade was created".to_owned(),
            origin,
        });
    }
    let hooks = hook_jobs(graph, upgrade);
    for job in hooks.into_iter().chain(plan_jobs(graph, upgrade)) {
        for (key, verb) in [("startTime", "started"), ("completionTime", "completed")] {
            if let Some(at) = job_time(job, key) {
                let origin = field(job.id(), &format!("status.{key}"));
                moves.push(Movement {
                    at,
                    what: format!("job {} {verb}", job.name()),
                    origin,
                });
            }
        }
    }
    for secret in graph.all("", "Secret") {
        let updated = secret
            .annotation("rke.cattle.io/plan-last-updated")
            .and_then(timestamp);
        let node_phase = upgrade.condition("NodesUpgraded").is_some();
        if let Some(at) = updated.filter(|_| node_phase) {
            let origin = field(
                secret.id(),
                "metadata.annotations['rke.cattle.io/plan-last-updated']",
            );
            moves.push(Movement {
                at,
                what: format!("plan of {} was rewritten", secret.name()),
                origin,
            });
        }
    }
    // Of equal times the first in this order tells most.
    moves.into_iter().rev().max_by_key(|moved| moved.at)
}

/// Whether the upgrade moves, stands, or has ended.
fn progress(
    now: Option<Timestamp>,
    upgrade: ObjectView<'_>,
    phase: Option<&str>,
    moved: Option<&Movement>,
    steps: &[Step],
    conditions: bool,
) -> &'static str {
    match upgrade.condition_status("Completed") {
        Some("True") => return "succeeded",
        Some("False") => return "failed",
        _ => {}
    }
    match upgrade.label("harvesterhci.io/upgradeState") {
        Some("Succeeded") => return "succeeded",
        Some("Failed") => return "failed",
        _ => {}
    }
    if !conditions {
        return "unknown";
    }
    if steps.iter().any(|step| step.state == "Node-upgrade paused") {
        return "paused";
    }
    // A lost node never moves again by itself, however recent the last sign is.
    if steps
        .iter()
        .any(|step| step.is_active() && step.is_lost(now))
    {
        return "stuck";
    }
    let draining = steps.iter().any(|step| step.state == "Pre-drained");
    let patience = if draining {
        DRAIN_PATIENCE
    } else {
        PATIENCE
            .iter()
            .find(|(name, _)| Some(*name) == phase)
            .map_or(60, |(_, minutes)| *minutes)
    };
    match (now, moved) {
        (Some(now), Some(moved))
            if now.duration_since(moved.at) > SignedDuration::from_mins(patience) =>
        {
            "stuck"
        }
        (Some(_), Some(_)) => "progressing",
        _ => "unknown",
    }
}

/// What Rancher's planner says it waits for, and the object that says so.
fn planner(graph: &Graph) -> Option<(&str, Origin)> {
    let said = [
        ("rke.cattle.io", "RKEControlPlane", "Ready"),
        ("provisioning.cattle.io", "Cluster", "Updated"),
    ];
    said.into_iter().find_map(|(group, kind, name)| {
        let object = graph
            .all(group, kind)
            .find(|object| object.name() == "local")?;
        let condition = object
            .condition(name)
            .filter(|it| it.get("status").and_then(View::as_str) != Some("True"))?;
        let message = condition
            .get("message")
            .and_then(View::as_str)
            .filter(|it| !it.is_empty())?;
        Some((
            message,
            field(
                object.id(),
                &format!("status.conditions[type={name}].message"),
            ),
        ))
    })
}

/// When a condition took its status; Rancher's own kinds only say when it was last written.
pub(crate) fn condition_time(condition: View<'_>) -> Option<Timestamp> {
    let read = |key: &str| {
        condition
            .get(key)
            .and_then(View::as_str)
            .and_then(timestamp)
    };
    read("lastTransitionTime").or_else(|| read("lastUpdateTime"))
}

fn field(object: ObjectId, path: &str) -> Origin {
    Origin::Field {
        object,
        path: path.to_owned(),
    }
}
