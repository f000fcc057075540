//! Counts what is left of the control plane: whether more than half of it is lost decides between
//! mending a cluster and building it anew.

use jiff::SignedDuration;

use super::facts::{ConditionStatus, Facts, NodeSummary};
use super::wording;
use crate::finding::{Confidence, Finding, Severity};

/// After how long without a sign of life a node counts as lost. A reboot within an upgrade takes
/// far less, even with slow firmware.
pub const LOST_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// Harvester promotes nodes until three run the control plane, and no further. Names that other
/// objects still hold of nodes long replaced must not make the cluster look larger.
const FULL_CONTROL_PLANE: usize = 3;

/// The etcd members by what is left of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ControlPlane {
    /// How many members the cluster has or had.
    pub size: usize,
    /// Members that are not lost. One that is down, but not for long, is still counted here.
    pub alive: Vec<String>,
    /// Members that are lost, each with the reason.
    pub lost: Vec<(String, String)>,
}

impl ControlPlane {
    /// Counts the members. A host that files could be collected from lives, whatever its Node says.
    #[must_use]
    pub fn count(facts: &Facts, findings: &[Finding]) -> Self {
        let mut plane = ControlPlane::default();
        let mut existing = 0;
        for node in facts
            .cluster
            .nodes
            .iter()
            .filter(|node| node.is_etcd_member())
        {
            existing += usize::from(node.exists);
            match reason_lost(node, facts, findings) {
                Some(reason) => plane.lost.push((node.name.clone(), reason)),
                None => plane.alive.push(node.name.clone()),
            }
        }
        plane.size = (plane.alive.len() + plane.lost.len())
            .min(FULL_CONTROL_PLANE)
            .max(existing);
        plane
    }

    /// How many members must come back for half of them to be alive and more; 0 while they are.
    #[must_use]
    pub fn needed(&self) -> usize {
        (self.size / 2 + 1).saturating_sub(self.alive.len())
    }

    /// Whether more than half of the members are lost.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        let lost = self.size.saturating_sub(self.alive.len());
        lost * 2 > self.size
    }
}

fn reason_lost(node: &NodeSummary, facts: &Facts, findings: &[Finding]) -> Option<String> {
    if !node.exists {
        return Some("its Node object is gone".into());
    }
    if !node.is_not_ready() {
        return None;
    }
    if let Some(fault) = findings
        .iter()
        .find(|finding| breaks_host(finding, &node.name))
    {
        return Some(format!("broken host: {}", fault.title));
    }
    if was_reset(facts) {
        return Some("not Ready, and etcd was reset to a single member".into());
    }
    // `False` is written by the node's own kubelet, `Unknown` by the control plane in its absence.
    let age = facts.age(node.since)?;
    let silent =
        node.ready == Some(ConditionStatus::Unknown) && !node.host_logs && age > LOST_AFTER;
    silent.then(|| format!("no sign of life for {}", wording::duration(age)))
}

/// A fault beyond doubt and of the worst kind, seen in the host's own files.
fn breaks_host(finding: &Finding, node: &str) -> bool {
    let of_host = finding.subject.kind == "Node" && finding.subject.name == node;
    let beyond_doubt =
        finding.severity == Severity::Critical && finding.confidence == Confidence::Certain;
    let seen_there = || {
        finding.evidence.iter().any(|evidence| {
            let below = evidence
                .path
                .strip_prefix("nodes/")
                .and_then(|path| path.strip_prefix(node));
            !evidence.absent && below.is_some_and(|rest| rest.starts_with(['.', '/']))
        })
    };
    of_host
        && beyond_doubt
        && finding.suppressed.is_none()
        && finding.category != "upgrade"
        && seen_there()
}

/// One voter where several were members: `--cluster-reset` leaves that behind.
fn was_reset(facts: &Facts) -> bool {
    facts
        .cluster
        .etcd
        .is_some_and(|etcd| etcd.voters == Some(1) && etcd.members >= 3)
}
