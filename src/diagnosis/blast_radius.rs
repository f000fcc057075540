//! What a failed node or disk takes with it, or would take: volumes, VMs, etcd's margin, and the
//! room that is left. The reader of the bundle counts it; here it is joined to its diagnosis.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::Diagnosis;
use crate::finding::{Export, Finding, ObjectName, Severity};

/// What hangs on one node or disk. A list that could not be made, as what it is made from was not
/// collected, is `null`; `unknown` says why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BlastRadius {
    /// The `Node` or `doctor/Disk`.
    pub of: ObjectName,
    /// Longhorn volumes with a replica there.
    pub volumes: Option<AffectedVolumes>,
    /// VMs that run there, or from volumes with a replica there.
    pub virtual_machines: Option<AffectedVirtualMachines>,
    /// How many more members etcd may lose; `null` where neither a member nor its system disk failed.
    pub etcd_margin: Option<i64>,
    /// Who of the other nodes could not be lost as well.
    pub further_loss: FurtherLoss,
    /// Why something is not known.
    pub unknown: Vec<String>,
}

/// Volumes with a replica on a node or disk. One may be in several lists.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AffectedVolumes {
    /// How many there are.
    pub count: usize,
    /// Fewer working replicas than wanted, by Longhorn's word.
    pub degraded: Vec<AffectedVolume>,
    /// No working replica, by Longhorn's word.
    pub faulted: Vec<AffectedVolume>,
    /// No replica elsewhere has the data and a node that answers.
    pub last_replica: Vec<AffectedVolume>,
}

/// A volume, and for what it is used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AffectedVolume {
    /// Name of the Longhorn volume.
    pub name: String,
    /// Its PersistentVolumeClaim as `namespace/name`.
    pub claim: Option<String>,
}

/// VMs as `namespace/name`, those of the namespaces that were collected.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AffectedVirtualMachines {
    /// On a node that failed, or with a faulted volume.
    pub down: Vec<String>,
    /// Up, and with a volume that has its last working replica there, or on a failing system disk.
    pub at_risk: Vec<String>,
    /// On the node and not fit for live migration.
    pub unable_to_move: Vec<String>,
}

/// Nodes that the cluster has no room to lose as well; `null` where that cannot be computed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FurtherLoss {
    /// Their VMs would find no place.
    pub virtual_machines: Option<Vec<String>>,
    /// Their replicas would find no place.
    pub replicas: Option<Vec<String>>,
}

/// Gives each diagnosis what hangs on the nodes that failed in it, and on disks of nodes that did
/// not; disks first.
pub(super) fn attach(diagnoses: &mut [Diagnosis], findings: &[Finding], known: &[BlastRadius]) {
    for diagnosis in diagnoses {
        if diagnosis.history || diagnosis.severity < Severity::Error {
            continue;
        }
        let family = std::iter::once(&diagnosis.cause.finding).chain(&diagnosis.effects);
        let family = family.filter_map(|id| findings.iter().find(|finding| finding.id == *id));
        let mut named: BTreeSet<&ObjectName> = BTreeSet::new();
        for finding in family {
            named.insert(&finding.subject);
            for name in ["node", "nodes", "disk"] {
                let export = finding.exports.get(name);
                named.extend(export.into_iter().flat_map(Export::objects));
            }
        }
        let mut hit: Vec<&BlastRadius> = known
            .iter()
            .filter(|radius| named.contains(&radius.of))
            .collect();
        // What a node takes with it holds what its disks take.
        let nodes: BTreeSet<&str> = hit
            .iter()
            .filter(|radius| radius.of.kind == "Node")
            .map(|radius| radius.of.name.as_str())
            .collect();
        hit.retain(|radius| {
            let node = radius.of.name.split_once('/').map(|(node, _)| node);
            node.is_none_or(|node| !nodes.contains(node))
        });
        hit.sort_by_key(|radius| (radius.of.kind == "Node", &radius.of));
        diagnosis.blast_radius = hit.into_iter().cloned().collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::diagnose;
    use crate::diagnosis::sample::{facts, finding, node};

    fn radius(kind: &str, name: &str) -> BlastRadius {
        BlastRadius {
            of: ObjectName {
                kind: kind.to_owned(),
                namespace: None,
                name: name.to_owned(),
            },
            volumes: None,
            virtual_machines: None,
            etcd_margin: None,
            further_loss: FurtherLoss::default(),
            unknown: Vec::new(),
        }
    }

    #[test]
    fn a_diagnosis_has_what_hangs_on_its_own_disk_and_node() {
        let mut facts = facts(vec![node("harv-1"), node("harv-2").unknown("3d")]);
        facts.blast_radii = vec![
            radius("Node", "harv-2"),
            radius("doctor/Disk", "harv-2/sdb"),
            radius("doctor/Disk", "harv-1/sdb"),
            radius("doctor/Disk", "harv-1/sdc"),
        ];
        let disk = |name: &str| Export::Object(radius("doctor/Disk", name).of);
        let of_node = |name: &str| Export::Object(radius("Node", name).of);
        let hit = |severity, failed| {
            let found = finding("disk-io-error", "storage", severity)
                .about(radius("Node", "harv-2").of)
                .exporting("disk", disk(failed))
                .exporting("node", of_node("harv-2"));
            let outcome = diagnose(vec![found], &[], &facts);
            let radii = outcome.diagnoses.into_iter().flat_map(|it| it.blast_radius);
            radii.map(|it| it.of.name).collect::<Vec<_>>()
        };
        assert_eq!(hit(Severity::Error, "harv-1/sdb"), ["harv-1/sdb", "harv-2"]);
        // The node's own disk goes with it.
        assert_eq!(hit(Severity::Error, "harv-2/sdb"), ["harv-2"]);
        // What will hurt later has taken nothing yet.
        assert!(hit(Severity::Warning, "harv-1/sdb").is_empty());
    }
}
