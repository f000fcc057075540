//! Findings and clusters built by hand, for tests of the pipeline's end.

use jiff::{SignedDuration, Timestamp};

use super::facts::*;
use crate::finding::*;

/// When the sample bundles were made.
pub(crate) const NOW: &str = "2025-03-17T09:12:44Z";

/// So long before the bundle was made: `1h`, `2d 14h`, `90s`.
pub(crate) fn ago(span: &str) -> Option<Timestamp> {
    let now: Timestamp = NOW.parse().unwrap();
    let seconds: i64 = span
        .split_whitespace()
        .map(|part| {
            let (number, unit) = part.split_at(part.len() - 1);
            let unit = match unit {
                "d" => 86_400,
                "h" => 3_600,
                "m" => 60,
                _ => 1,
            };
            number.parse::<i64>().unwrap() * unit
        })
        .sum();
    Some(now - SignedDuration::from_secs(seconds))
}

pub(crate) fn object(kind: &str, namespace: Option<&str>, name: &str) -> ObjectName {
    ObjectName {
        kind: kind.into(),
        namespace: namespace.map(Into::into),
        name: name.into(),
    }
}

pub(crate) fn node_name(name: &str) -> ObjectName {
    object("Node", None, name)
}

/// A likely finding about the cluster, with one piece of evidence.
pub(crate) fn finding(rule: &str, category: &str, severity: Severity) -> Finding {
    Finding {
        id: String::new(),
        rule: rule.into(),
        category: category.into(),
        severity,
        confidence: Confidence::Likely,
        status: "stable".into(),
        title: format!("Title of {rule}"),
        message: String::new(),
        notes: Vec::new(),
        incomplete: false,
        omitted: 0,
        subject: object("Cluster", None, "cluster"),
        exports: Default::default(),
        first_seen: None,
        last_seen: None,
        history: false,
        momentary: false,
        count: 1,
        evidence: vec![Evidence {
            path: "yamls/cluster/v1/nodes.yaml".into(),
            line: Some(1),
            ..Evidence::default()
        }],
        remedy: Vec::new(),
        references: Vec::new(),
        caused_by: Vec::new(),
        suppressed: None,
    }
}

impl Finding {
    pub(crate) fn titled(self, title: &str) -> Self {
        Finding {
            title: title.into(),
            ..self
        }
    }

    pub(crate) fn saying(self, message: &str) -> Self {
        Finding {
            message: message.into(),
            ..self
        }
    }

    pub(crate) fn sure(self, confidence: Confidence) -> Self {
        Finding { confidence, ..self }
    }

    pub(crate) fn about(self, subject: ObjectName) -> Self {
        Finding { subject, ..self }
    }

    /// About a node, and exporting it.
    pub(crate) fn on_node(self, name: &str) -> Self {
        self.about(node_name(name))
            .exporting("node", Export::Object(node_name(name)))
    }

    pub(crate) fn exporting(mut self, name: &str, export: Export) -> Self {
        self.exports.insert(name.into(), export);
        self
    }

    pub(crate) fn since(self, first_seen: Option<Timestamp>) -> Self {
        Finding { first_seen, ..self }
    }

    /// Over since it was last seen.
    pub(crate) fn over(self, last_seen: Option<Timestamp>) -> Self {
        Finding {
            last_seen,
            history: true,
            ..self
        }
    }

    pub(crate) fn shown_by(self, evidence: Vec<Evidence>) -> Self {
        Finding { evidence, ..self }
    }

    pub(crate) fn mended_by(self, remedy: Vec<RemedyStep>) -> Self {
        Finding { remedy, ..self }
    }

    pub(crate) fn suppressed_by(self, reason: &str) -> Self {
        let suppressed = Some(Suppression {
            by: "unless".into(),
            reason: reason.into(),
            until: None,
        });
        Finding { suppressed, ..self }
    }
}

pub(crate) fn step(text: &str, command: Option<&str>, risk: Risk) -> RemedyStep {
    RemedyStep {
        text: text.into(),
        command: command.map(Into::into),
        risk,
        check: None,
        forbids_meanwhile: None,
    }
}

/// A field of an object.
pub(crate) fn field(
    path: &str,
    line: u32,
    object: ObjectName,
    field: &str,
    value: &str,
) -> Evidence {
    Evidence {
        path: path.into(),
        line: Some(line),
        object: Some(object),
        field: Some(field.into()),
        value: Some(value.into()),
        ..Evidence::default()
    }
}

/// A line of a log.
pub(crate) fn log(path: &str, line: u32, time: Option<Timestamp>, text: &str) -> Evidence {
    Evidence {
        path: path.into(),
        line: Some(line),
        time,
        text: Some(text.into()),
        ..Evidence::default()
    }
}

/// A Ready node; of the first three, `harv-1` to `harv-3`, each belongs to the control plane.
pub(crate) fn node(name: &str) -> NodeSummary {
    let control_plane = matches!(name, "harv-1" | "harv-2" | "harv-3");
    let roles: &[&str] = if control_plane {
        &["control-plane", "etcd"]
    } else {
        &["worker"]
    };
    NodeSummary {
        name: name.into(),
        exists: true,
        roles: roles.iter().map(|&role| role.into()).collect(),
        ready: Some(ConditionStatus::True),
        since: ago("100d"),
        schedulable: Some(true),
        kubelet_version: Some("v1.29.9+rke2r1".into()),
        harvester_release: Some("v1.4.0".into()),
        machine: Some(format!("custom-{name}")),
        machine_phase: Some("Running".into()),
        renamed_to: None,
        host_logs: true,
        last_seen: None,
        fetch: None,
    }
}

impl NodeSummary {
    /// Down and silent.
    pub(crate) fn unknown(self, since: &str) -> Self {
        NodeSummary {
            ready: Some(ConditionStatus::Unknown),
            since: ago(since),
            host_logs: false,
            ..self
        }
    }

    /// Its object deleted, its machine left.
    pub(crate) fn gone(self) -> Self {
        NodeSummary {
            exists: false,
            ready: None,
            since: None,
            schedulable: None,
            kubelet_version: None,
            host_logs: false,
            ..self
        }
    }
}

/// A whole bundle of these nodes, all of which was read.
pub(crate) fn facts(nodes: Vec<NodeSummary>) -> Facts {
    let members: Vec<&NodeSummary> = nodes
        .iter()
        .filter(|node| node.exists && node.is_etcd_member())
        .collect();
    let ready = members
        .iter()
        .filter(|node| node.ready == Some(ConditionStatus::True))
        .count();
    let members = u32::try_from(members.len()).unwrap();
    Facts {
        blast_radii: Vec::new(),
        bundle: BundleInfo {
            file: "supportbundle_1f3c_2025-03-17T09-12-44Z.zip".into(),
            name: Some("supportbundle_1f3c_2025-03-17T09-12-44Z".into()),
            collected_at: Some(NOW.parse().unwrap()),
            harvester_version: Some("v1.4.0".into()),
            kubernetes_version: Some("v1.29.9+rke2r1".into()),
            ..BundleInfo::default()
        },
        coverage: Coverage {
            files: 1_205,
            bytes: 51_000_000,
            objects: 1_246,
            log_lines: 200_000,
            upgrade_collected: true,
            nodes_without_host_logs: nodes
                .iter()
                .filter(|node| !node.host_logs)
                .map(|node| node.name.clone())
                .collect(),
            ..Coverage::default()
        },
        cluster: ClusterSummary {
            etcd: (members > 0)
                .then(|| EtcdSummary::new(members, Some(members), u32::try_from(ready).ok())),
            nodes,
        },
        upgrade: None,
        storage: None,
    }
}

/// An upgrade from v1.4.0 to v1.4.1 of nodes in these states.
pub(crate) fn upgrade(
    state: UpgradeState,
    phase: UpgradePhase,
    nodes: &[(&str, &str)],
) -> UpgradeSummary {
    UpgradeSummary {
        name: "hvst-upgrade-x7k2p".into(),
        from: Some("v1.4.0".into()),
        to: Some("v1.4.1".into()),
        state,
        phase: Some(phase),
        since: ago("2d 14h"),
        last_movement: None,
        waits_for: None,
        blocked_on: None,
        order: nodes.iter().map(|(name, _)| (*name).into()).collect(),
        paused_charts: Vec::new(),
        nodes: nodes
            .iter()
            .map(|(name, state)| UpgradeNode {
                name: (*name).into(),
                state: Some((*state).into()),
                target_version: Some("v1.30.7+rke2r1".into()),
                machine: Some(format!("custom-{name}")),
                ..UpgradeNode::default()
            })
            .collect(),
    }
}
