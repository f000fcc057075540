//! Nodes that are down and sent no files: what others saw of them, what hangs on them, what to fetch.

use bundle_doctor::finding::Severity;

use crate::bench::{report, scenario_names};

#[test]
fn each_has_its_last_sign_of_life_and_the_logs_to_fetch() {
    let mut silent = 0;
    for name in scenario_names() {
        let report = report(&name);
        for node in &report.cluster.nodes {
            let down = node.is_not_ready() && !node.host_logs;
            assert_eq!(node.fetch.is_some(), down, "{name}: {}", node.name);
            if !down {
                continue;
            }
            silent += 1;
            let seen = node.last_seen.as_ref();
            let seen = seen.unwrap_or_else(|| panic!("{name}: {} was seen", node.name));
            assert!(seen.evidence.is_some(), "{name}: {}", node.name);
            assert!(
                seen.time <= report.bundle.collected_at.unwrap(),
                "{name}: {}",
                node.name
            );
        }
    }
    assert!(silent >= 6, "{silent} nodes");
}

#[test]
fn each_is_measured_in_a_diagnosis_that_speaks_of_it() {
    for name in scenario_names() {
        let report = report(&name);
        let told: Vec<String> = (report.diagnoses.iter())
            .flat_map(|diagnosis| &diagnosis.blast_radius)
            .map(|radius| radius.of.to_string())
            .collect();
        for finding in &report.findings {
            let lost = finding.rule == "node-notready-unknown" && finding.suppressed.is_none();
            if lost && finding.severity >= Severity::Error {
                let subject = finding.subject.to_string();
                assert!(told.contains(&subject), "{name}: {subject} among {told:?}");
            }
        }
    }
}
