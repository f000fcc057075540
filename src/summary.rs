//! Reads from the graph what every report tells, whether or not a rule fired: the bundle, the
//! cluster's nodes, the upgrade, and how much was examined.

mod blast_radius;
mod volumes;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::bundle::Bundle;
use crate::derive::renamed::renamed_to;
use crate::diagnosis::facts::{
    BundleInfo, ClusterSummary, ConditionStatus, Coverage, EtcdSummary, LastMovement, LastSeen,
    NamespaceCoverage, NodeSummary, NotEvaluated, UpgradeNode, UpgradePhase, UpgradeState,
    UpgradeSummary,
};
use crate::diagnosis::{Facts, collect};
use crate::evaluate::origin_evidence;
use crate::finding::ObjectName;
use crate::graph::kind::DERIVED_GROUP;
use crate::graph::{Graph, Kind, ObjectView, relation};
use crate::parse::document::{Document, View};
use crate::parse::time::timestamp;
use crate::rule::version::Version;

/// Namespaces that hold what a diagnosis of the platform needs; the collector's own list since 1.3.2.
const PLATFORM_NAMESPACES: [&str; 8] = [
    "cattle-fleet-system",
    "cattle-provisioning-capi-system",
    "cattle-system",
    "default",
    "fleet-local",
    "harvester-system",
    "kube-system",
    "longhorn-system",
];

/// What the report tells of a bundle beside its findings.
pub fn facts(bundle: &Bundle, not_evaluated: Vec<NotEvaluated>) -> Facts {
    let cluster = cluster(bundle);
    Facts {
        bundle: bundle.info.clone(),
        blast_radii: blast_radius::of_all(bundle, &cluster),
        cluster,
        upgrade: upgrade(bundle),
        storage: volumes::storage(&bundle.graph),
        coverage: coverage(bundle, not_evaluated),
    }
}

/// What the bundle says of itself.
pub(crate) fn bundle_info(
    file: &str,
    name: Option<&str>,
    metadata: Option<&Document>,
    graph: &Graph,
    now: Option<Timestamp>,
) -> BundleInfo {
    let stated = |key: &str| {
        let text = metadata?.root().get(key)?.as_str()?;
        (!text.is_empty()).then(|| text.to_owned())
    };
    let newest_kubelet = || {
        let versions = graph
            .all("", "Node")
            .filter_map(|node| node.text(&["status", "nodeInfo", "kubeletVersion"]));
        newest(versions).map(str::to_owned)
    };
    let cluster = graph
        .all("", "Namespace")
        .find(|namespace| namespace.name() == "harvester-system");
    BundleInfo {
        file: file.to_owned(),
        name: name.map(str::to_owned),
        collected_at: now,
        harvester_version: harvester_version(graph),
        kubernetes_version: stated("kubernetesversion").or_else(newest_kubelet),
        issue_url: stated("issueurl"),
        issue_description: stated("issuedescription"),
        cluster_id: cluster
            .and_then(ObjectView::uid)
            .map(str::to_owned)
            .or_else(|| stated("projectnamespaceuuid")),
    }
}

/// The setting `server-version`, else the chart, else the newest release on a node.
fn harvester_version(graph: &Graph) -> Option<String> {
    let setting = graph
        .all("harvesterhci.io", "Setting")
        .find(|setting| setting.name() == "server-version")
        .and_then(|setting| {
            setting
                .text(&["value"])
                .or_else(|| setting.text(&["default"]))
        })
        .map(str::to_owned);
    let chart = || {
        graph
            .all("management.cattle.io", "ManagedChart")
            .find(|chart| chart.name() == "harvester")
            .and_then(|chart| chart.text(&["spec", "version"]))
            .map(|version| format!("v{}", version.trim_start_matches('v')))
    };
    let hosts = || {
        let releases = graph
            .all(DERIVED_GROUP, "Host")
            .filter_map(|host| host.text(&["harvesterRelease"]));
        newest(releases).map(str::to_owned)
    };
    let images = || {
        let images = graph
            .all("", "Node")
            .filter_map(|node| node.text(&["status", "nodeInfo", "osImage"]));
        newest(images.filter_map(|image| image.strip_prefix("Harvester "))).map(str::to_owned)
    };
    setting.or_else(chart).or_else(hosts).or_else(images)
}

/// The newest of some versions; of those that are none, the last by name.
fn newest<'a>(versions: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    versions.max_by(|a, b| (Version::parse(a), *a).cmp(&(Version::parse(b), *b)))
}

fn cluster(bundle: &Bundle) -> ClusterSummary {
    let graph = &bundle.graph;
    let mut nodes: BTreeMap<String, NodeSummary> = BTreeMap::new();
    for node in graph.all("", "Node") {
        nodes.insert(node.name().to_owned(), node_summary(bundle, node));
    }
    // A node that is gone is still named by what was not told of its end.
    for machine in graph.all("cluster.x-k8s.io", "Machine") {
        let Some(name) = machine.text(&["status", "nodeRef", "name"]) else {
            continue;
        };
        nodes.entry(name.to_owned()).or_insert_with(|| NodeSummary {
            roles: machine_roles(machine),
            machine: Some(machine.name().to_owned()),
            machine_phase: machine.text(&["status", "phase"]).map(str::to_owned),
            renamed_to: renamed_to(graph, machine, name).map(str::to_owned),
            ..lost_node(bundle, name)
        });
    }
    let named = graph
        .all(DERIVED_GROUP, "UpgradeStep")
        .chain(graph.all("longhorn.io", "Node"))
        .map(|object| object.name().to_owned())
        .chain(bundle.hosts.keys().cloned());
    for name in named {
        let lost = lost_node(bundle, &name);
        nodes.entry(name).or_insert(lost);
    }
    let number = |etcd: ObjectView<'_>, key: &str| {
        etcd.field(&[key])
            .and_then(View::as_i64)
            .and_then(|number| u32::try_from(number).ok())
    };
    let etcd = graph.all(DERIVED_GROUP, "Etcd").next().and_then(|etcd| {
        Some(EtcdSummary::new(
            number(etcd, "members")?,
            number(etcd, "voters"),
            number(etcd, "healthy"),
        ))
    });
    for node in nodes.values_mut() {
        let silent = !node.host_logs && node.is_not_ready();
        node.fetch = silent.then(|| collect::host_logs(node));
    }
    ClusterSummary {
        nodes: nodes.into_values().collect(),
        etcd,
    }
}

fn lost_node(bundle: &Bundle, name: &str) -> NodeSummary {
    NodeSummary {
        name: name.to_owned(),
        // Where no list of nodes was collected, nothing contradicts whoever names the node.
        exists: !bundle.graph.collected().has(&Kind::new("", "Node"), None),
        host_logs: bundle.hosts.contains_key(name),
        last_seen: last_seen(&bundle.graph, name),
        ..NodeSummary::default()
    }
}

fn node_summary(bundle: &Bundle, node: ObjectView<'_>) -> NodeSummary {
    let graph = &bundle.graph;
    let ready = node.condition("Ready");
    let read = |key: &str| {
        ready
            .and_then(|ready| ready.get(key))
            .and_then(View::as_str)
    };
    let machine = relation::find(graph, "machine", node.kind()).and_then(|machine| {
        machine
            .follow(graph, &crate::graph::Subject::Object(node.id()), None)
            .pop()
    });
    let machine = machine.and_then(|machine| match machine {
        crate::graph::Subject::Object(id) => Some(graph.object(id)),
        crate::graph::Subject::Ghost(_) => None,
    });
    let release = graph
        .all(DERIVED_GROUP, "Host")
        .find(|host| host.name() == node.name())
        .and_then(|host| host.text(&["harvesterRelease"]));
    let image = node
        .text(&["status", "nodeInfo", "osImage"])
        .and_then(|image| image.strip_prefix("Harvester "));
    NodeSummary {
        name: node.name().to_owned(),
        exists: true,
        roles: roles(node),
        ready: match read("status") {
            Some("True") => Some(ConditionStatus::True),
            Some("False") => Some(ConditionStatus::False),
            Some(_) => Some(ConditionStatus::Unknown),
            None => None,
        },
        since: read("lastTransitionTime").and_then(timestamp),
        schedulable: Some(
            node.field(&["spec", "unschedulable"])
                .and_then(View::as_bool)
                != Some(true),
        ),
        kubelet_version: node
            .text(&["status", "nodeInfo", "kubeletVersion"])
            .map(str::to_owned),
        harvester_release: release.or(image).map(str::to_owned),
        machine: machine.map(|machine| machine.name().to_owned()),
        machine_phase: machine
            .and_then(|machine| machine.text(&["status", "phase"]))
            .map(str::to_owned),
        renamed_to: renamed_to(graph, node, node.name()).map(str::to_owned),
        host_logs: bundle.hosts.contains_key(node.name()),
        last_seen: last_seen(graph, node.name()),
        fetch: None,
    }
}

fn last_seen(graph: &Graph, node: &str) -> Option<LastSeen> {
    let kind = graph.kind_id(DERIVED_GROUP, "SignOfLife")?;
    let sign = graph.object(graph.find(kind, None, node)?);
    Some(LastSeen {
        time: sign.text(&["time"]).and_then(timestamp)?,
        source: sign.text(&["source"])?.to_owned(),
        evidence: origin_evidence(graph, sign.id(), "time"),
    })
}

fn roles(node: ObjectView<'_>) -> Vec<String> {
    let mut roles: Vec<String> = ["control-plane", "etcd", "master"]
        .into_iter()
        .filter(|role| {
            node.label(&format!("node-role.kubernetes.io/{role}"))
                .is_some()
        })
        .map(str::to_owned)
        .collect();
    // `master` is the old name of `control-plane`; both stand side by side for some versions.
    if roles.iter().any(|role| role == "control-plane") {
        roles.retain(|role| role != "master");
    }
    if node.label("node-role.harvesterhci.io/witness").is_some() {
        roles.push("witness".to_owned());
    }
    if roles.is_empty() {
        roles.push("worker".to_owned());
    }
    roles
}

fn machine_roles(machine: ObjectView<'_>) -> Vec<String> {
    ["control-plane", "etcd", "worker"]
        .into_iter()
        .filter(|role| machine.label(&format!("rke.cattle.io/{role}-role")) == Some("true"))
        .map(str::to_owned)
        .collect()
}

fn upgrade(bundle: &Bundle) -> Option<UpgradeSummary> {
    let graph = &bundle.graph;
    let status = graph.all(DERIVED_GROUP, "UpgradeStatus").next()?;
    let text = |path: &[&str]| status.text(path).map(str::to_owned);
    let list = |key: &str| -> Vec<String> {
        let items = status.field(&[key]).into_iter().flat_map(View::items);
        items.filter_map(View::as_str).map(str::to_owned).collect()
    };
    let moved = status.field(&["lastMovement"]).map(|moved| LastMovement {
        time: moved.get("time").and_then(View::as_str).and_then(timestamp),
        what: moved
            .get("what")
            .and_then(View::as_str)
            .unwrap_or_default()
            .to_owned(),
        evidence: origin_evidence(graph, status.id(), "lastMovement"),
    });
    let steps = graph.all(DERIVED_GROUP, "UpgradeStep");
    Some(UpgradeSummary {
        name: status.name().to_owned(),
        from: text(&["from", "harvester"]),
        to: text(&["to", "harvester"]),
        state: match status.text(&["progress"]) {
            Some("progressing") => UpgradeState::Progressing,
            Some("stuck") => UpgradeState::Stuck,
            Some("failed") => UpgradeState::Failed,
            Some("paused") => UpgradeState::Paused,
            Some("aborted") => UpgradeState::Aborted,
            Some("succeeded") => UpgradeState::Succeeded,
            _ => UpgradeState::Unknown,
        },
        phase: status.text(&["phase"]).and_then(phase),
        since: status.text(&["since"]).and_then(timestamp),
        last_movement: moved,
        waits_for: text(&["plannerWaitsFor"]),
        blocked_on: text(&["blockedOn"]).map(|name| ObjectName {
            kind: "Node".to_owned(),
            namespace: None,
            name,
        }),
        order: list("order"),
        paused_charts: list("pausedCharts"),
        nodes: steps.map(|step| upgrade_node(graph, step)).collect(),
    })
}

fn phase(word: &str) -> Option<UpgradePhase> {
    use UpgradePhase as Phase;
    [
        Phase::Precheck,
        Phase::Repo,
        Phase::Preload,
        Phase::Manifests,
        Phase::PreDrain,
        Phase::PostDrain,
        Phase::Reboot,
        Phase::Finish,
    ]
    .into_iter()
    .find(|phase| phase.as_str() == word)
}

fn upgrade_node(graph: &Graph, step: ObjectView<'_>) -> UpgradeNode {
    let text = |key: &str| step.text(&[key]).map(str::to_owned);
    let follow = |name: &str| {
        let found = relation::find(graph, name, step.kind());
        let found =
            found.map(|found| found.follow(graph, &crate::graph::Subject::Object(step.id()), None));
        found.unwrap_or_default()
    };
    UpgradeNode {
        name: step.name().to_owned(),
        state: text("state").filter(|state| !state.is_empty()),
        since: step.text(&["since"]).and_then(timestamp),
        handshake: text("handshake"),
        kubelet_version: text("kubeletVersion"),
        target_version: text("targetVersion"),
        machine: text("machineName"),
        job: follow("job").first().map(|job| graph.name_of(job)),
        pods: follow("pod").iter().map(|pod| graph.name_of(pod)).collect(),
    }
}

fn coverage(bundle: &Bundle, not_evaluated: Vec<NotEvaluated>) -> Coverage {
    let graph = &bundle.graph;
    let collected = graph.collected();
    let existing: BTreeSet<&str> = graph.all("", "Namespace").map(ObjectView::name).collect();
    let missing = PLATFORM_NAMESPACES
        .into_iter()
        .filter(|namespace| existing.contains(namespace) && !collected.namespace(namespace));
    let without = graph
        .all("", "Node")
        .map(ObjectView::name)
        .filter(|node| !bundle.hosts.contains_key(*node));
    Coverage {
        files: bundle.extent.files,
        bytes: bundle.extent.bytes,
        objects: bundle.extent.objects,
        log_lines: bundle.hits.files().iter().map(|log| log.lines).sum(),
        upgrade_collected: collected.has(
            &Kind::new("harvesterhci.io", "Upgrade"),
            Some("harvester-system"),
        ),
        namespaces: NamespaceCoverage {
            collected: collected.namespaces.iter().cloned().collect(),
            missing: missing.map(str::to_owned).collect(),
        },
        nodes_without_host_logs: without.map(str::to_owned).collect(),
        problems: bundle.problems.clone(),
        not_evaluated,
    }
}
