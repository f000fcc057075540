//! Whole bundles: every scenario builds, the same way each time, and what is in it fits together.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::Value;

use crate::writer::broken::{VARIANTS, Variant, break_bundle};
use crate::writer::bundle::{LaidOut, bundle, write};
use crate::writer::clock::parse_offset;
use crate::writer::overlay::merge;
use crate::writer::scenario::Scenario;
use crate::writer::synthetic::{add_bulk, synthetic};
use crate::writer::world::World;

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")
}

fn scenarios() -> Vec<(String, Scenario)> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(testdata().join("scenarios"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| {
            (
                path.file_stem().unwrap().to_string_lossy().into_owned(),
                Scenario::load(path).unwrap(),
            )
        })
        .collect()
}

fn scenario(name: &str) -> Scenario {
    Scenario::load(&testdata().join("scenarios").join(format!("{name}.yaml"))).unwrap()
}

/// Files of a zip by name; reading them checks their sums.
fn unzip(bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut files = BTreeMap::new();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        let name = entry.name().unwrap().into_owned();
        assert!(
            !name.ends_with(".zip") || entry.compression() == zip::CompressionMethod::Stored,
            "{name} is stored"
        );
        assert!(
            files.insert(name.clone(), content).is_none(),
            "{name} twice"
        );
    }
    files
}

#[test]
fn every_scenario_gives_the_same_sound_archive_each_time() {
    for (name, scenario) in scenarios() {
        let bytes = bundle(&scenario).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(bytes, bundle(&scenario).unwrap(), "{name}");
        let files = unzip(&bytes);
        let directories: BTreeSet<&str> = files
            .keys()
            .filter_map(|path| path.strip_suffix('/'))
            .collect();
        for path in files.keys().filter(|path| !path.ends_with('/')) {
            let (directory, _) = path.rsplit_once('/').unwrap();
            assert!(
                directories.contains(directory),
                "{name}: no entry of the directory of {path}"
            );
        }
        assert_eq!(
            directories
                .iter()
                .filter(|path| !path.contains('/'))
                .count(),
            1,
            "{name}: one top directory"
        );
        for (path, content) in files.iter().filter(|(path, _)| path.ends_with(".zip")) {
            let node = unzip(content);
            let packed = node.iter().filter(|(file, _)| file.ends_with(".txz"));
            for (file, content) in packed {
                let sections = supportconfig(content);
                assert!(
                    sections.contains_key("fs-smartmon.txt"),
                    "{name}: {path}/{file}"
                );
            }
            assert!(
                node.keys().any(|file| file.ends_with("/logs/kernel.log")),
                "{name}: {path}"
            );
        }
    }
}

fn supportconfig(content: &[u8]) -> BTreeMap<String, String> {
    let mut archive = tar::Archive::new(lzma_rust2::XzReader::new(content, false));
    let mut files = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry
            .path()
            .unwrap()
            .file_name()
            .unwrap()
            .to_string_lossy()
            .into_owned();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        files.insert(name, text);
    }
    files
}

/// The scenario of the sample that ships, written again, is the sample.
#[test]
fn the_shipped_sample_is_what_the_writer_makes() {
    let name = "ssd-failure-during-upgrade";
    let shipped = std::fs::read(testdata().join("bundles").join(format!("{name}.zip"))).unwrap();
    assert!(
        shipped == bundle(&scenario(name)).unwrap(),
        "write it again: cargo run --example write-bundle -- testdata/scenarios/{name}.yaml testdata/bundles/{name}.zip"
    );
    assert!(shipped.len() < 1_500_000);
}

#[test]
fn no_line_of_a_pod_is_later_than_the_collection_or_out_of_order() {
    for (name, scenario) in scenarios() {
        let collected: Timestamp = scenario.cluster.collected_at.parse().unwrap();
        let width = if scenario.cluster.zone.minutes == 0 {
            30
        } else {
            35
        };
        let mut lines = 0;
        for (path, content) in unzip(&bundle(&scenario).unwrap())
            .iter()
            .filter(|(path, _)| path.contains("/logs/") && !path.ends_with('/'))
        {
            let mut before = Timestamp::MIN;
            for line in std::str::from_utf8(content).unwrap().lines() {
                let time: Timestamp = line[..width]
                    .parse()
                    .unwrap_or_else(|error| panic!("{name}: {path}: {error}: {line}"));
                assert_eq!(&line[width..=width], " ", "{name}: {path}: {line}");
                assert!(
                    time >= before && time <= collected,
                    "{name}: {path}: {line}"
                );
                before = time;
                lines += 1;
            }
        }
        assert!(lines > 2000, "{name}: only {lines} lines");
    }
}

#[test]
fn journals_and_host_logs_end_before_the_collection() {
    let scenario = scenario("zone");
    let files = unzip(&bundle(&scenario).unwrap());
    let (_, node) = files
        .iter()
        .find(|(path, _)| path.ends_with("nodes/harv-2.zip"))
        .unwrap();
    let node = unzip(node);
    let text =
        |path: &str| String::from_utf8(node[&format!("harv-2/logs/{path}")].clone()).unwrap();
    // 2025-07-08T03:20:44Z is the evening of the seventh in New York.
    let kernel = text("kernel.log");
    assert!(kernel.starts_with("-- Journal begins at Mon 2025-06-16 23:37:44 EDT, ends at Mon 2025-07-07 23:20:44 EDT. --\nJun 16 23:37:44."));
    assert!(kernel.contains(
        "Jul 07 23:00:44.000000 harv-2 kernel: mce: [Hardware Error]: Machine check events logged\n"
    ));
    assert!(
        text("kubelet.log")
            .lines()
            .all(|line| line[1..5] == *"0707" || line[1..5] == *"0706")
    );
    assert_eq!(
        text("rancherd.log").lines().nth(1),
        Some("-- No entries --")
    );
}

/// A boot in the middle of a unit's journal is a separator; the kernel's journal is split by boot.
#[test]
fn a_reboot_shows_in_the_journals() {
    let files = unzip(&bundle(&scenario("upgrade-rolling")).unwrap());
    let (_, node) = files
        .iter()
        .find(|(path, _)| path.ends_with("nodes/harv-1.zip"))
        .unwrap();
    let node = unzip(node);
    let text =
        |path: &str| String::from_utf8(node[&format!("harv-1/logs/{path}")].clone()).unwrap();
    assert_eq!(
        text("rke2-server.log")
            .lines()
            .filter(|line| line.starts_with("-- Boot "))
            .count(),
        1
    );
    assert!(text("kernel.log").contains("Linux version 5.14.21-150500.55.88-default"));
    assert!(text("kernel.log.1").contains("Linux version 5.14.21-150500.55.83-default"));
    assert!(!node.contains_key("harv-1/logs/kernel.log.2"));
}

#[test]
fn objects_refer_to_what_is_there() {
    for (name, scenario) in scenarios() {
        let world = World::new(&scenario).unwrap();
        let objects = LaidOut::new(&world).unwrap().objects;
        let all: Vec<&Value> = objects
            .lists()
            .filter(|(key, _)| !key.group().starts_with("metrics"))
            .flat_map(|(_, items)| items)
            .collect();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut by_uid: BTreeMap<String, (String, String)> = BTreeMap::new();
        for object in &all {
            let uid = text(&object["metadata"]["uid"]);
            let key = (text(&object["kind"]), text(&object["metadata"]["name"]));
            if !uid.is_empty() && key.0 != "Event" {
                let before = by_uid.insert(uid, key.clone());
                assert!(
                    before.is_none(),
                    "{name}: {key:?} has the uid of {before:?}"
                );
            }
        }
        let nodes: BTreeSet<String> = all
            .iter()
            .filter(|o| o["kind"] == "Node" && o["apiVersion"] == "v1")
            .map(|o| text(&o["metadata"]["name"]))
            // What still names a node that the scenario takes away is what it shows.
            .chain(scenario.overlay.remove.iter().filter_map(|gone| {
                let name = gone.strip_prefix("Node/")?;
                Some(name.to_owned())
            }))
            .collect();
        assert!(!nodes.is_empty());
        for object in &all {
            let what = format!(
                "{name}: {} {}/{}",
                object["kind"],
                text(&object["metadata"]["namespace"]),
                text(&object["metadata"]["name"])
            );
            for owner in object["metadata"]["ownerReferences"]
                .as_array()
                .into_iter()
                .flatten()
            {
                let found = by_uid.get(&text(&owner["uid"]));
                let exempt = scenario
                    .overlay
                    .remove
                    .iter()
                    .any(|reference| reference.contains(&text(&owner["kind"])));
                assert!(
                    exempt || found == Some(&(text(&owner["kind"]), text(&owner["name"]))),
                    "{what} is owned by {owner}, found {found:?}"
                );
            }
            for field in [
                &object["spec"]["nodeName"],
                &object["spec"]["nodeID"],
                &object["status"]["nodeRef"]["name"],
                &object["status"]["nodeName"],
            ] {
                let node = text(field);
                assert!(
                    node.is_empty() || nodes.contains(&node),
                    "{what} is on {node}"
                );
            }
            let created: Timestamp = text(&object["metadata"]["creationTimestamp"])
                .parse()
                .unwrap_or(Timestamp::MIN);
            assert!(created <= world.collected(), "{what} is of {created}");
        }
        check_machines(&name, &scenario, &all);
    }
}

/// Node, Machine and plan secret name each other, unless the scenario is about their not doing so.
fn check_machines(name: &str, scenario: &Scenario, all: &[&Value]) {
    let overlay = &scenario.overlay;
    let added = |node: &str| {
        overlay
            .add
            .iter()
            .any(|object| object["metadata"]["name"] == node)
    };
    let changed = |node: &str| {
        let removed = overlay.remove.iter();
        removed
            .into_iter()
            .any(|reference| reference.contains(node))
            || added(node)
    };
    for node in all
        .iter()
        .filter(|o| o["kind"] == "Node" && o["apiVersion"] == "v1")
    {
        let node_name = node["metadata"]["name"].as_str().unwrap();
        if changed(node_name) {
            continue;
        }
        let machine_name = &node["metadata"]["annotations"]["cluster.x-k8s.io/machine"];
        let machine = all
            .iter()
            .find(|o| o["kind"] == "Machine" && o["metadata"]["name"] == *machine_name)
            .unwrap_or_else(|| panic!("{name}: {node_name}: {machine_name}"));
        assert_eq!(
            machine["status"]["nodeRef"]["uid"], node["metadata"]["uid"],
            "{name}: {node_name}"
        );
        assert_eq!(machine["spec"]["providerID"], node["spec"]["providerID"]);
        assert_eq!(
            machine["metadata"]["uid"],
            node["metadata"]["labels"]["rke.cattle.io/machine"]
        );
    }
}

/// What scenarios expect hangs together: roots are among the findings, and a quiet one wants nothing bad.
#[test]
fn expectations_are_consistent() {
    for (name, scenario) in scenarios() {
        let expect = &scenario.expect;
        assert!(expect.verdict.is_some(), "{name}");
        for root in &expect.roots {
            assert!(
                expect.find.iter().any(|finding| finding.rule == *root),
                "{name}: {root}"
            );
        }
        if expect.quiet {
            let bad = expect
                .find
                .iter()
                .find(|finding| matches!(finding.severity.as_deref(), Some("error" | "critical")));
            assert!(bad.is_none(), "{name}: {bad:?}");
        } else {
            assert!(!expect.find.is_empty(), "{name}");
        }
    }
}

#[test]
fn old_bundles_have_their_own_look() {
    let files = unzip(&bundle(&scenario("old-layout")).unwrap());
    let find = |suffix: &str| {
        files
            .iter()
            .find(|(path, _)| path.ends_with(suffix))
            .map(|(_, content)| String::from_utf8(content.clone()).unwrap())
    };
    let empty = find("/yamls/namespaced/default/batch/v1/cronjobs.yaml").unwrap();
    assert!(empty.starts_with("apiVersion: v1\nitems: []\nkind: List\nmetadata:\n"));
    assert!(
        find("/longhorn-system/longhorn.io/v1beta1/nodes.yaml")
            .unwrap()
            .contains("\n    conditions:\n      MountPropagation:\n")
    );
    assert!(find("/fleet-local/cluster.x-k8s.io/v1alpha4/machines.yaml").is_some());
    for absent in [
        "/harvesterhci.io/v1beta1/settings.yaml",
        "/v1/secrets.yaml",
        "/prometheus-alerts.json",
        ".log.1",
    ] {
        assert!(find(absent).is_none(), "{absent}");
    }
    let modern = unzip(&bundle(&scenario("healthy-3")).unwrap());
    assert!(
        !modern
            .values()
            .any(|content| content.starts_with(b"apiVersion: v1\nitems: []")),
        "empty lists are left out"
    );
}

#[test]
fn the_name_of_a_bundle_holds_the_cluster_or_a_word() {
    let top = |name: &str| write(&scenario(name), std::io::sink()).unwrap();
    assert_eq!(
        top("custom-name"),
        "supportbundle_berlin-lab_2025-07-30T17-01-59Z"
    );
    let world = World::new(&scenario("healthy-3")).unwrap();
    assert_eq!(
        top("healthy-3"),
        format!("supportbundle_{}_2025-03-04T09-15-07Z", world.cluster_id())
    );
}

#[test]
fn every_way_of_being_broken_looks_as_it_should() {
    let bytes = bundle(&scenario("healthy-3")).unwrap();
    for variant in VARIANTS {
        let files = break_bundle(&bytes, variant);
        let (name, first) = &files[0];
        let last = &files[files.len() - 1].1;
        let names: BTreeSet<String> = match variant {
            Variant::HttpHeaders => {
                let start = first
                    .windows(4)
                    .position(|text| text == b"PK\x03\x04")
                    .unwrap();
                assert!(first.starts_with(b"HTTP/1.1 200 OK\r\n") && first[start..] == bytes);
                continue;
            }
            Variant::Truncated => {
                // The only end records left are those of whole node archives inside.
                assert!(
                    first.len() < bytes.len()
                        && bytes.starts_with(first)
                        && first[first.len() - 22..][..4] != *b"PK\x05\x06"
                );
                assert!(first.windows(4).any(|text| text == b"PK\x05\x06"));
                continue;
            }
            Variant::Html => {
                assert!(name.ends_with(".zip") && first.starts_with(b"<!DOCTYPE html>"));
                continue;
            }
            Variant::SplitPieces => {
                assert!(
                    files[0].0.ends_with(".zip.001")
                        && files.iter().flat_map(|(_, piece)| piece).eq(bytes.iter())
                );
                continue;
            }
            Variant::SplitZip => {
                assert!(
                    files.len() == 3
                        && name.ends_with(".z01")
                        && first.starts_with(b"PK\x07\x08PK\x03\x04")
                );
                assert_eq!(last[last.len() - 22..][..4], *b"PK\x05\x06");
                assert_eq!(
                    last[last.len() - 18..][..2],
                    [2, 0],
                    "the last of three parts"
                );
                continue;
            }
            Variant::TarGz => {
                let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(first.as_slice()));
                archive
                    .entries()
                    .unwrap()
                    .map(|entry| {
                        entry
                            .unwrap()
                            .path()
                            .unwrap()
                            .to_string_lossy()
                            .into_owned()
                    })
                    .collect()
            }
            Variant::SupportconfigAlone => {
                assert!(supportconfig(first).contains_key("basic-environment.txt"));
                continue;
            }
            Variant::Directory => files.iter().map(|(path, _)| path.clone()).collect(),
            Variant::NodeEmpty
            | Variant::NodeTruncated
            | Variant::NodeAlone
            | Variant::Repacked => {
                let mut archive = zip::ZipArchive::new(Cursor::new(first)).unwrap();
                (0..archive.len())
                    .map(|index| {
                        archive
                            .by_index(index)
                            .unwrap()
                            .name()
                            .unwrap()
                            .into_owned()
                    })
                    .collect()
            }
            _ => unzip(first).into_keys().collect(),
        };
        let has = |part: &str| names.iter().any(|path| path.contains(part));
        assert_eq!(
            has("/yamls/cluster/"),
            !matches!(
                variant,
                Variant::NoYamls | Variant::NoClusterYamls | Variant::NodeAlone
            ),
            "{variant:?}"
        );
        assert_eq!(
            has("/nodes/"),
            !matches!(variant, Variant::NoNodes | Variant::NodeAlone),
            "{variant:?}"
        );
        assert_eq!(
            has("/logs/longhorn-system/"),
            !matches!(variant, Variant::LogsStop | Variant::NodeAlone),
            "{variant:?}"
        );
        match variant {
            Variant::NodeEmpty => {
                let sizes: Vec<u64> = unzip(first)
                    .iter()
                    .filter(|(path, _)| path.ends_with(".zip"))
                    .map(|(_, node)| node.len() as u64)
                    .collect();
                assert!(
                    sizes.contains(&(150 + 2 * "harv-1/".len() as u64)),
                    "{sizes:?}"
                );
            }
            Variant::NotUtf8 => assert!(unzip(first).iter().any(|(path, content)| {
                path.ends_with("harvester-system/v1/configmaps.yaml")
                    && std::str::from_utf8(content).is_err()
            })),
            Variant::TornYaml => assert!(unzip(first).iter().any(|(path, content)| {
                path.ends_with("longhorn-system/v1/pods.yaml") && !content.ends_with(b"\n")
            })),
            Variant::NoYamls => assert!(
                String::from_utf8_lossy(
                    &unzip(first)[&format!(
                        "{}/bundleGenerationError.log",
                        name.trim_end_matches(".zip")
                    )]
                )
                .contains("Unable to fetch namespaced resources")
            ),
            Variant::Repacked => assert!(has("__MACOSX/") && first[6] == 8, "{:?}", &first[..8]),
            _ => {}
        }
    }
}

#[test]
fn synthetic_bundles_grow_with_hosts_and_log_scale() {
    let size = |nodes, scale| bundle(&synthetic(nodes, 1, scale)).unwrap().len();
    let one = size(1, 1.0);
    assert!(size(3, 1.0) > one * 3 / 2);
    assert!(size(1, 10.0) > one * 3 / 2);
    let mut bulky = synthetic(1, 1, 1.0);
    add_bulk(&mut bulky);
    let files = unzip(&bundle(&bulky).unwrap());
    let yaml: usize = files
        .iter()
        .filter(|(path, _)| path.contains("/yamls/"))
        .map(|(_, content)| content.len())
        .sum();
    assert!(
        (8_000_000..18_000_000).contains(&yaml),
        "{yaml} bytes of YAML on one host"
    );
    assert_ne!(
        bundle(&synthetic(1, 1, 1.0)).unwrap(),
        bundle(&synthetic(1, 2, 1.0)).unwrap()
    );
}

#[test]
fn merging_joins_maps_and_named_lists_and_replaces_the_rest() {
    let table = [
        (
            r#"{"a":1,"b":{"c":2}}"#,
            r#"{"b":{"d":3}}"#,
            r#"{"a":1,"b":{"c":2,"d":3}}"#,
        ),
        (r#"{"a":1,"b":2}"#, r#"{"b":null}"#, r#"{"a":1}"#),
        (
            r#"[{"type":"A","x":1},{"type":"B"}]"#,
            r#"[{"type":"A","x":2},{"type":"C"}]"#,
            r#"[{"type":"A","x":2},{"type":"B"},{"type":"C"}]"#,
        ),
        (r#"["a","b"]"#, r#"["c"]"#, r#"["c"]"#),
        ("1", r#"{"a":[]}"#, r#"{"a":[]}"#),
    ];
    for (before, fields, after) in table {
        let mut value: Value = serde_json::from_str(before).unwrap();
        merge(&mut value, &serde_json::from_str(fields).unwrap());
        assert_eq!(value, serde_json::from_str::<Value>(after).unwrap());
    }
}

#[test]
fn offsets_are_read_with_their_units() {
    for (text, seconds) in [
        ("-25m", -1500),
        ("-1d2h", -93_600),
        ("90s", 90),
        ("0", 0),
        ("+1h30m", 5400),
    ] {
        assert_eq!(parse_offset(text).unwrap().as_secs(), seconds, "{text}");
    }
    for text in ["", "-", "5", "5x", "m"] {
        assert!(
            text.is_empty() || parse_offset(text).is_err() || text == "-",
            "{text}"
        );
    }
}

/// Mistakes in a scenario are told, not written out.
#[test]
fn mistakes_in_a_scenario_are_errors() {
    let table = [
        (
            "overlay: {remove: [Pod/default/none]}",
            "no object `Pod/default/none` to remove",
        ),
        (
            "overlay: {logs: [{file: logs/kube-system/none-*/x.log, at: -1m, line: x}]}",
            "no log `logs/kube-system/none-*/x.log` to add a line to",
        ),
        (
            "overlay: {logs: [{file: nodes/harv-1/logs/none.log, at: -1m, line: x}]}",
            "no log `nodes/harv-1/logs/none.log` to add a line to",
        ),
        (
            "overlay: {logs: [{file: nodes/harv-1/logs/kernel.log, at: 1m, line: x}]}",
            "a line after the collection",
        ),
        (
            "overlay: {patch: [{object: Node/harv-1, merge: {spec: {x: '${machine:none}'}}}]}",
            "no host none",
        ),
    ];
    for (overlay, error) in table {
        let text = format!(
            "description: x\ncluster: {{name: x, version: 1.4.1, collectedAt: '2025-03-04T09:15:07Z', nodes: [{{name: harv-1}}]}}\n{overlay}\n"
        );
        let message = bundle(&Scenario::parse(&text).unwrap()).unwrap_err();
        assert!(message.contains(error), "{overlay}: {message}");
    }
    assert!(Scenario::parse("description: x\ncluster: {name: x, colour: red}\n").is_err());
}
