//! What is read of bundles that others made; skipped where there are none.

use std::path::PathBuf;

use bundle_doctor::about::Question;
use bundle_doctor::archive::{Archive, Limits};
use bundle_doctor::diagnosis::facts::{ConditionStatus, UpgradePhase, UpgradeState};
use bundle_doctor::report::Report;
use bundle_doctor::timeline::{Entry, EntrySource};

use crate::bench::{ENGINE, RULES, Untold, diagnose, files};

/// The report of the outside bundle whose path holds a text.
fn report(part: &str) -> Option<Report> {
    archive(part).map(|archive| diagnose(&archive).unwrap())
}

/// That bundle, opened.
fn archive(part: &str) -> Option<Archive> {
    let Some(folder) = std::env::var_os("BUNDLE_DOCTOR_BUNDLES").map(PathBuf::from) else {
        eprintln!("skipped: BUNDLE_DOCTOR_BUNDLES names no folder of outside bundles");
        return None;
    };
    let bundles = files(&folder, ".zip");
    let path = bundles
        .iter()
        .find(|path| path.to_string_lossy().contains(part))
        .unwrap_or_else(|| panic!("no bundle {part} in the folder"));
    Some(Archive::open(std::slice::from_ref(path), &Limits::default()).unwrap())
}

/// Names of the nodes and what is known of each in a word.
fn nodes(report: &Report) -> Vec<(&str, bool, Option<ConditionStatus>)> {
    let nodes = report.cluster.nodes.iter();
    nodes
        .map(|node| (node.name.as_str(), node.exists, node.ready))
        .collect()
}

#[test]
fn an_upgrade_that_waits_for_a_machine_with_a_host_device() {
    let Some(report) = report("predrain-pci-vm-1.4.2-1.5.0") else {
        return;
    };
    let upgrade = report.upgrade.as_ref().unwrap();
    assert_eq!(upgrade.state, UpgradeState::Stuck);
    assert_eq!(upgrade.phase, Some(UpgradePhase::PreDrain));
    assert_eq!(upgrade.from.as_deref(), Some("v1.4.2"));
    assert_eq!(upgrade.to.as_deref(), Some("v1.5.0"));
    let held = upgrade.nodes.iter();
    let held: Vec<&str> = held
        .filter(|node| node.state.as_deref() == Some("Pre-draining"))
        .map(|node| node.name.as_str())
        .collect();
    let blocked = upgrade.blocked_on.as_ref().map(|node| node.name.as_str());
    assert_eq!(blocked, held.first().copied());
    assert_eq!(held.len(), 1);
}

#[test]
fn a_host_without_memory_is_a_node_like_the_others() {
    let Some(report) = report("host-oom-1.4.1") else {
        return;
    };
    assert_eq!(report.bundle.harvester_version.as_deref(), Some("v1.4.1"));
    assert_eq!(report.upgrade, None);
    assert!(
        nodes(&report).iter().all(|(_, exists, _)| *exists),
        "{:?}",
        nodes(&report)
    );
}

#[test]
fn quiet_bundles_are_quiet() {
    for (part, state) in [
        ("healthy-idle-1.5.0", None),
        (
            "upgrade-rolling-1.4.0-1.4.1",
            Some(UpgradeState::Progressing),
        ),
    ] {
        let Some(report) = report(part) else { return };
        let upgrade = report.upgrade.as_ref().map(|upgrade| upgrade.state);
        assert_eq!(upgrade, state, "{part}");
        let shown: Vec<&str> = report
            .findings
            .iter()
            .filter(|finding| finding.suppressed.is_none())
            .map(|finding| finding.title.as_str())
            .collect();
        assert!(shown.is_empty(), "{part}: {shown:?}");
        let ready = Some(ConditionStatus::True);
        assert!(
            nodes(&report).iter().all(|(_, _, is)| *is == ready),
            "{part}"
        );
    }
}

#[test]
fn the_real_bundle_tells_of_its_node() {
    let Some(report) = report("harvester-1.0-single-node") else {
        return;
    };
    assert_eq!(report.coverage.objects, 1246);
    crate::bench::assert_real_is_whole(&report);
    assert_eq!(report.upgrade, None);
    let [node] = report.cluster.nodes.as_slice() else {
        panic!("{:?}", nodes(&report));
    };
    assert!(node.exists && node.host_logs);
    assert_eq!(node.ready, Some(ConditionStatus::True));
    assert!(node.kubelet_version.is_some() && node.harvester_release.is_some());
}

#[test]
fn the_real_bundle_has_a_timeline_that_is_read() {
    let Some(archive) = archive("harvester-1.0-single-node") else {
        return;
    };
    let question = Question::default();
    let (timeline, _) =
        bundle_doctor::timeline(&archive, &RULES, &ENGINE, &Untold, &question).unwrap();
    let notable: Vec<&Entry> = timeline.entries.iter().filter(|it| it.notable).collect();
    assert!((10..60).contains(&notable.len()), "{}", notable.len());
    let first = notable.first().unwrap();
    assert_eq!(first.source, EntrySource::Boot);
    assert_eq!(first.time.to_string(), "2022-03-06T22:45:10Z");
    // 126,042 lines of the kernel are one entry.
    let largest = notable.iter().max_by_key(|entry| entry.count).unwrap();
    assert_eq!((largest.source, largest.count), (EntrySource::Log, 126_042));
    // A file copied from the node is no older than the bundle: its clock is right.
    assert_eq!(timeline.clocks, []);
    for about in [
        "node/node1",
        "no/node2",
        "machine",
        "pvc/rancher-monitoring-grafana",
    ] {
        let question = Question {
            about: Some(about.to_owned()),
            since: None,
        };
        let (report, _) =
            bundle_doctor::diagnose_asked(&archive, &RULES, &ENGINE, &Untold, &question).unwrap();
        let about = report.about.unwrap();
        assert_eq!(about.exists, about.object.name != "node2");
        assert!(!about.timeline.is_empty(), "{}", about.object);
    }
}
