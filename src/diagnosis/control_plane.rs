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
    let beyond_doubt = finding.severity == Severity::Critical
        && finding.confidence == Confidence::Certain
        && !finding.history;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::sample::{ago, facts, finding, log, node};

    fn plane(nodes: Vec<NodeSummary>) -> ControlPlane {
        ControlPlane::count(&facts(nodes), &[])
    }

    #[test]
    fn loss_takes_a_majority() {
        let (one, two, three, worker) = (
            node("harv-1"),
            node("harv-2"),
            node("harv-3"),
            node("harv-4"),
        );
        let stale = |name: &str| {
            NodeSummary {
                name: name.into(),
                ..node("harv-1")
            }
            .gone()
        };
        for (nodes, size, lost, is_lost, needed) in [
            (vec![], 0, 0, false, 1),
            (vec![one.clone()], 1, 0, false, 0),
            (
                vec![one.clone(), two.clone(), three.clone()],
                3,
                0,
                false,
                0,
            ),
            (
                vec![one.clone(), two.clone(), three.clone().unknown("2d")],
                3,
                1,
                false,
                0,
            ),
            (
                vec![one.clone(), two.clone(), three.clone().gone()],
                3,
                1,
                false,
                0,
            ),
            (
                vec![
                    one.clone(),
                    two.clone().unknown("2h"),
                    three.clone().unknown("2d"),
                ],
                3,
                2,
                true,
                1,
            ),
            (
                vec![one.clone(), two.clone().gone(), three.clone().gone()],
                3,
                2,
                true,
                1,
            ),
            (
                vec![one.clone(), two.clone().gone(), three.clone().unknown("2d")],
                3,
                2,
                true,
                1,
            ),
            // Not long enough, or alive.
            (
                vec![
                    one.clone(),
                    two.clone().unknown("59m"),
                    three.clone().unknown("2d"),
                ],
                3,
                1,
                false,
                0,
            ),
            (
                vec![
                    one.clone(),
                    NodeSummary {
                        host_logs: true,
                        ..two.clone().unknown("2d")
                    },
                    NodeSummary {
                        ready: Some(ConditionStatus::False),
                        ..three.clone().unknown("2d")
                    },
                ],
                3,
                0,
                false,
                0,
            ),
            // Two of two: half of them is not more than half.
            (vec![one.clone(), two.clone().unknown("2d")], 2, 1, false, 1),
            // Workers do not count.
            (
                vec![
                    one.clone(),
                    two.clone(),
                    three.clone(),
                    worker.unknown("2d"),
                ],
                3,
                0,
                false,
                0,
            ),
            // Machines of nodes long replaced.
            (
                vec![
                    one.clone(),
                    two.clone(),
                    three.clone(),
                    stale("a"),
                    stale("b"),
                    stale("c"),
                    stale("d"),
                ],
                3,
                4,
                false,
                0,
            ),
            (
                vec![one.clone(), two.clone(), stale("a"), stale("b"), stale("c")],
                3,
                3,
                false,
                0,
            ),
        ] {
            let plane = plane(nodes.clone());
            assert_eq!(
                (
                    plane.size,
                    plane.lost.len(),
                    plane.is_lost(),
                    plane.needed()
                ),
                (size, lost, is_lost, needed),
                "{nodes:#?}"
            );
        }
    }

    #[test]
    fn unknown_times_are_no_proof() {
        let mut facts = facts(vec![
            node("harv-1"),
            node("harv-2").unknown("2d"),
            node("harv-3").unknown("2d"),
        ]);
        assert!(ControlPlane::count(&facts, &[]).is_lost());
        facts.bundle.collected_at = None;
        assert!(!ControlPlane::count(&facts, &[]).is_lost());
        facts.bundle.collected_at = ago("3d");
        assert!(
            !ControlPlane::count(&facts, &[]).is_lost(),
            "down only after the bundle was made"
        );
    }

    #[test]
    fn a_broken_host_counts_at_once_if_beyond_doubt() {
        let facts = facts(vec![
            node("harv-1"),
            node("harv-2").unknown("5m"),
            node("harv-3").unknown("5m"),
        ]);
        let seen = |path: &str| vec![log(path, 7, None, "EXT4-fs error")];
        let fault = |node: &str| {
            finding("fs-dead", "storage", Severity::Critical)
                .on_node(node)
                .sure(Confidence::Certain)
                .shown_by(seen(&format!("nodes/{node}.zip/{node}/logs/kernel.log")))
        };
        let count = |second: Finding| {
            ControlPlane::count(&facts, &[fault("harv-2"), second])
                .lost
                .len()
        };
        assert_eq!(count(fault("harv-3")), 2);
        assert_eq!(count(fault("harv-1")), 1, "a Ready node is not lost");
        assert_eq!(count(fault("harv-3").sure(Confidence::Likely)), 1);
        assert_eq!(count(fault("harv-3").suppressed_by("accepted")), 1);
        assert_eq!(
            count(fault("harv-3").shown_by(seen("yamls/cluster/v1/nodes.yaml"))),
            1
        );
        assert_eq!(
            count(fault("harv-3").shown_by(seen("nodes/harv-30.zip/x"))),
            1
        );
        assert_eq!(
            count(Finding {
                severity: Severity::Error,
                ..fault("harv-3")
            }),
            1
        );
    }

    #[test]
    fn a_reset_etcd_has_lost_its_silent_members() {
        let mut facts = facts(vec![
            node("harv-1"),
            node("harv-2").unknown("5m"),
            node("harv-3").unknown("5m"),
        ]);
        assert_eq!(ControlPlane::count(&facts, &[]).lost.len(), 0);
        if let Some(etcd) = &mut facts.cluster.etcd {
            etcd.voters = Some(1);
        }
        assert!(ControlPlane::count(&facts, &[]).is_lost());
    }
}
