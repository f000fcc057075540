//! Plain conditions of objects that Harvester asks for before an upgrade and that are no fault by
//! themselves, so that no rule tells them.

use super::{Answer, Cluster, Fault};
use crate::diagnosis::wording;
use crate::finding::{Risk, Severity};
use crate::graph::ObjectView;
use crate::graph::kind::DERIVED_GROUP;
use crate::parse::document::View;

/// So many objects are shown of many.
const SHOWN: usize = 5;

/// An upgrade that runs forbids another.
pub(super) fn no_upgrade_under_way(cluster: &Cluster<'_>) -> Answer {
    if let Some(reason) = cluster.lacks("harvesterhci.io", "Upgrade", Some("harvester-system")) {
        return Answer::unknown(reason);
    }
    let Some(status) = cluster.upgrade else {
        return Answer::default();
    };
    let progress = status.text(&["progress"]).unwrap_or_default();
    let title = format!("Upgrade {} is {progress}", status.name());
    let mut upgrades = cluster.graph.all("harvesterhci.io", "Upgrade");
    let upgrade = upgrades
        .find(|upgrade| upgrade.name() == status.name())
        .unwrap_or(status);
    Answer::fault(
        Fault::new(Severity::Error, title)
            .about(upgrade)
            .saying(
                "Harvester lets no other upgrade begin, and most checks cannot be made meanwhile.",
            )
            .seen(cluster.evidence(upgrade, "status.conditions[type=Completed].status"))
            .remedied(
                Risk::Safe,
                "See what holds it.",
                Some("bundle-doctor analyze BUNDLE"),
            ),
    )
}

/// Charts that an upgrade paused and, since it did not succeed, never released. After one that
/// succeeded, rule `upgrade-leftovers` tells them.
pub(super) fn paused_charts(cluster: &Cluster<'_>) -> Answer {
    let (group, kind) = ("management.cattle.io", "ManagedChart");
    if let Some(reason) = cluster.lacks(group, kind, Some("fleet-local")) {
        return Answer::unknown(reason);
    }
    let latest = cluster.graph.all(DERIVED_GROUP, "UpgradeStatus").next();
    let latest = latest.and_then(|status| status.text(&["progress"]));
    if cluster.upgrade.is_some() || latest == Some("succeeded") {
        return Answer::default();
    }
    let charts = cluster.graph.all(group, kind);
    let paused: Vec<_> = charts
        .filter(|chart| is_true(*chart, &["spec", "paused"]))
        .collect();
    let title =
        |names: &str, one: bool| format!("{names} {} left paused", if one { "is" } else { "are" });
    let mut answer = several(cluster, &paused, "spec.paused", title, |fault| {
        fault.remedied(
            Risk::Disruptive,
            "Let the charts go on once nothing of the upgrade runs any more.",
            Some("kubectl -n fleet-local patch managedcharts.management.cattle.io CHART --type merge -p '{\"spec\":{\"paused\":false}}'"),
        )
    });
    if latest.is_some() {
        let unknown = "hooks and taints are looked at only after an upgrade that succeeded";
        answer.unknown.push(unknown.to_owned());
    }
    answer
}

/// Rancher's cluster object must have come to rest.
pub(super) fn capi_cluster_provisioned(cluster: &Cluster<'_>) -> Answer {
    let (group, kind) = ("cluster.x-k8s.io", "Cluster");
    if let Some(reason) = cluster.lacks(group, kind, Some("fleet-local")) {
        return Answer::unknown(reason);
    }
    let mut clusters = cluster.graph.all(group, kind);
    let Some(local) = clusters.find(|it| it.name() == "local") else {
        return Answer::unknown("there is no Cluster fleet-local/local");
    };
    let phase = local
        .text(&["status", "phase"])
        .unwrap_or("without a phase");
    if phase == "Provisioned" {
        return Answer::default();
    }
    Answer::fault(
        Fault::new(
            Severity::Error,
            format!("Cluster fleet-local/local is {phase}"),
        )
        .about(local)
        .seen(cluster.evidence(local, "status.phase"))
        .remedied(
            Risk::Safe,
            "See what Rancher waits for.",
            Some("kubectl -n fleet-local get clusters.provisioning.cattle.io local -o yaml"),
        ),
    )
}

/// Charts that Fleet has applied nowhere.
pub(super) fn fleet_bundles(cluster: &Cluster<'_>) -> Answer {
    let (group, kind) = ("fleet.cattle.io", "Bundle");
    if let Some(reason) = cluster.lacks(group, kind, Some("fleet-local")) {
        return Answer::unknown(reason);
    }
    let number = |bundle: ObjectView<'_>, key: &str| {
        let value = bundle.field(&["status", "summary", key]);
        value.and_then(View::as_i64).unwrap_or(0)
    };
    let unready = cluster.graph.all(group, kind).filter(|bundle| {
        bundle.field(&["spec", "helm"]).is_some() && number(*bundle, "ready") == 0
            || bundle.name() == "mcc-harvester"
                && (number(*bundle, "ready"), number(*bundle, "desiredReady")) != (1, 1)
    });
    let unready: Vec<_> = unready.collect();
    let title =
        |names: &str, one: bool| format!("{names} {} not ready", if one { "is" } else { "are" });
    several(cluster, &unready, "status.summary.ready", title, |fault| {
        fault.remedied(
            Risk::Safe,
            "See what Fleet finds wrong with it.",
            Some("kubectl -n fleet-local get bundles.fleet.cattle.io"),
        )
    })
}

/// Pods that are not ready, those that have done their work aside.
pub(super) fn pods_ready(cluster: &Cluster<'_>) -> Answer {
    if let Some(reason) = cluster.lacks("", "Pod", None) {
        return Answer::unknown(reason);
    }
    let unready = cluster.graph.all("", "Pod").filter(|pod| {
        let Some(ready) = pod.condition("Ready") else {
            return false;
        };
        let text = |key: &str| ready.get(key).and_then(View::as_str);
        text("status") == Some("False") && text("reason") != Some("PodCompleted")
    });
    let unready: Vec<_> = unready.collect();
    let title =
        |names: &str, one: bool| format!("{names} {} not ready", if one { "is" } else { "are" });
    let field = "status.conditions[type=Ready].reason";
    let mut answer = several(cluster, &unready, field, title, |fault| {
        fault.remedied(
            Risk::Safe,
            "See why.",
            Some("kubectl get pods -A | grep -v -E 'Completed|([0-9]+)/\\1 +Running'"),
        )
    });
    answer.unknown.extend(unseen(cluster, "pods"));
    answer
}

/// Rules tell what disks say of themselves; of a node whose disks say nothing, nothing is known.
pub(super) fn disks_tell(cluster: &Cluster<'_>) -> Answer {
    let tells = |node: ObjectView<'_>| {
        cluster.graph.all(DERIVED_GROUP, "Disk").any(|disk| {
            let told = disk.field(&["health"]).or_else(|| disk.field(&["smart"]));
            disk.text(&["nodeName"]) == Some(node.name()) && told.is_some_and(|it| !it.is_null())
        })
    };
    let silent = cluster.graph.all("", "Node").filter(|node| !tells(*node));
    let silent: Vec<&str> = silent.map(ObjectView::name).collect();
    let unknown = format!("the bundle holds no SMART data of {}", silent.join(", "));
    Answer {
        unknown: if silent.is_empty() {
            Vec::new()
        } else {
            vec![unknown]
        },
        ..Answer::default()
    }
}

/// Detached volumes say nothing of their health: only their replicas can be counted.
pub(super) fn detached_volumes(cluster: &Cluster<'_>) -> Answer {
    for kind in ["Volume", "Replica"] {
        if let Some(reason) = cluster.lacks("longhorn.io", kind, Some("longhorn-system")) {
            return Answer::unknown(reason);
        }
    }
    let replicas = |volume: &str| {
        let all = cluster.graph.all("longhorn.io", "Replica");
        let own = all.filter(|replica| replica.text(&["spec", "volumeName"]) == Some(volume));
        i64::try_from(own.count()).unwrap_or(i64::MAX)
    };
    let short = cluster.graph.all("longhorn.io", "Volume").filter(|volume| {
        let wanted = volume.field(&["spec", "numberOfReplicas"]);
        volume.text(&["status", "state"]) == Some("detached")
            && wanted
                .and_then(View::as_i64)
                .is_some_and(|wanted| replicas(volume.name()) < wanted)
    });
    let short: Vec<_> = short.collect();
    let title =
        |names: &str, one: bool| format!("{names} {} replicas", if one { "lacks" } else { "lack" });
    several(cluster, &short, "spec.numberOfReplicas", title, |fault| {
        fault.remedied(
            Risk::Disruptive,
            "Start its VM, or attach it in Longhorn's UI, and let it rebuild.",
            None,
        )
    })
}

/// Volumes that are attached although no workload uses them.
pub(super) fn stale_volumes(cluster: &Cluster<'_>) -> Answer {
    let reason = cluster.lacks("longhorn.io", "Volume", Some("longhorn-system"));
    if let Some(reason) = reason {
        return Answer::unknown(reason);
    }
    let stale = cluster.graph.all("longhorn.io", "Volume").filter(|volume| {
        let status = |key: &'static str| volume.field(&["status", "kubernetesStatus", key]);
        let workloads = status("workloadsStatus");
        let mut workloads = workloads.into_iter().flat_map(View::items);
        let runs = |workload: View<'_>| {
            workload.get("podStatus").and_then(View::as_str) == Some("Running")
        };
        volume.text(&["status", "state"]) == Some("attached")
            // Without a claim it belongs to Longhorn alone, which attaches it for its own work.
            && status("pvcName").and_then(View::as_str).is_some_and(|claim| !claim.is_empty())
            && !workloads.any(runs)
    });
    let stale: Vec<_> = stale.collect();
    let title = |names: &str, one: bool| {
        let verb = if one { "is" } else { "are" };
        format!(
            "{names} {verb} attached, and no workload uses {}",
            if one { "it" } else { "them" }
        )
    };
    several(cluster, &stale, "status.state", title, |fault| {
        fault.remedied(
            Risk::Disruptive,
            "See what attached it (its VolumeAttachment and tickets), and detach it: pre-drain would wait for it.",
            Some("kubectl -n longhorn-system get volumeattachments.longhorn.io -o yaml"),
        )
    })
}

/// Backing images with few copies: their node's reboot takes them from all others.
pub(super) fn backing_images(cluster: &Cluster<'_>) -> Answer {
    let (group, kind) = ("longhorn.io", "BackingImage");
    if let Some(reason) = cluster.lacks(group, kind, Some("longhorn-system")) {
        return Answer::unknown(reason);
    }
    // With two nodes there cannot be three copies.
    let enough = i64::try_from(cluster.nodes().count().min(3)).unwrap_or(3);
    let few = cluster.graph.all(group, kind).filter(|image| {
        let copies = image
            .field(&["spec", "minNumberOfCopies"])
            .and_then(View::as_i64);
        copies.is_some_and(|copies| copies < enough)
    });
    let few: Vec<_> = few.collect();
    let title = |names: &str, one: bool| {
        format!(
            "{names} {} kept in fewer than {enough} copies",
            if one { "is" } else { "are" }
        )
    };
    several(cluster, &few, "spec.minNumberOfCopies", title, |fault| {
        fault.remedied(
            Risk::Safe,
            "Have Longhorn keep more copies; it makes them by itself.",
            Some("kubectl -n longhorn-system patch backingimages.longhorn.io IMAGE --type merge -p '{\"spec\":{\"minNumberOfCopies\":3}}'"),
        )
    })
}

/// Without an interval, Harvester 1.4.1 and 1.4.2 stop refreshing the target after an upgrade.
pub(super) fn backup_target(cluster: &Cluster<'_>) -> Answer {
    if let Some(reason) = cluster.lacks("harvesterhci.io", "Setting", None) {
        return Answer::unknown(reason);
    }
    let mut settings = cluster.graph.all("harvesterhci.io", "Setting");
    let setting = settings.find(|setting| setting.name() == "backup-target");
    let value = setting.and_then(|setting| setting.text(&["value"]));
    let (Some(setting), Some(value)) = (setting, value.filter(|value| !value.is_empty())) else {
        return Answer::default();
    };
    let Ok(target) = serde_json::from_str::<serde_json::Value>(value) else {
        return Answer::unknown("the value of setting backup-target is no JSON");
    };
    let named = target.get("endpoint").and_then(serde_json::Value::as_str);
    let bucket = target.get("bucketName").and_then(serde_json::Value::as_str);
    let interval = target
        .get("refreshIntervalInSeconds")
        .and_then(serde_json::Value::as_i64);
    let is_set = [named, bucket]
        .into_iter()
        .flatten()
        .any(|text| !text.is_empty());
    if !is_set || interval.is_some_and(|interval| interval > 0) {
        return Answer::default();
    }
    Answer::fault(
        Fault::new(
            Severity::Warning,
            "The backup target has no refresh interval",
        )
        .about(setting)
        .seen(cluster.evidence(setting, "metadata.name"))
        .remedied(
            Risk::Safe,
            "Set refreshIntervalInSeconds of the setting backup-target, such as to 60.",
            Some("kubectl edit settings.harvesterhci.io backup-target"),
        ),
    )
}

/// Says which namespaces were not looked at, if there are any.
pub(super) fn unseen(cluster: &Cluster<'_>, what: &str) -> Option<String> {
    let everything = cluster.graph.collected().everything;
    if !everything && cluster.graph.all("", "Namespace").next().is_none() {
        return Some(format!(
            "{what} may be in namespaces that the bundle does not tell of"
        ));
    }
    let unseen = cluster.unseen_namespaces();
    let names = unseen.join(", ");
    (!unseen.is_empty()).then(|| format!("{what} of these namespaces were not collected: {names}"))
}

fn is_true(object: ObjectView<'_>, path: &[&str]) -> bool {
    object.field(path).and_then(View::as_bool) == Some(true)
}

/// One fault for all objects that are alike; none where there are none.
fn several(
    cluster: &Cluster<'_>,
    objects: &[ObjectView<'_>],
    field: &str,
    title: impl FnOnce(&str, bool) -> String,
    remedied: impl FnOnce(Fault) -> Fault,
) -> Answer {
    let Some(first) = objects.first() else {
        return Answer::default();
    };
    let kind = first.object_name().kind;
    let kind = kind.rsplit('/').next().unwrap_or(&kind);
    let title = match objects.len() {
        1 => title(&format!("{kind} {}", place(*first)), true),
        many => title(&wording::count(many, kind), false),
    };
    let names: Vec<String> = objects.iter().map(|object| place(*object)).collect();
    let evidence = objects.iter().take(SHOWN);
    let fault = Fault::new(Severity::Warning, title)
        .seen(evidence.filter_map(|object| cluster.evidence(*object, field)));
    let fault = match objects {
        [only] => fault.about(*only),
        _ => fault.saying(names.join(", ")),
    };
    Answer::fault(remedied(fault))
}

fn place(object: ObjectView<'_>) -> String {
    match object.namespace() {
        Some(namespace) => format!("{namespace}/{}", object.name()),
        None => object.name().to_owned(),
    }
}
