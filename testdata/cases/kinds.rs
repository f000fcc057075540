//! The tables of kinds against the objects of bundles: a field that a bundle has must be known.

use std::collections::BTreeSet;
use std::path::PathBuf;

use bundle_doctor::archive::{Archive, Limits};
use bundle_doctor::bundle::Bundle;
use bundle_doctor::rule::unknown_fields;

use crate::bench::{ENGINE, Untold, scenario_archive, scenario_names};

/// What the tables lack of a bundle, once each.
fn unknown(name: &str, archive: &Archive) -> BTreeSet<String> {
    let bundle = Bundle::read(archive, ENGINE.scanner(), &Untold).unwrap();
    let graph = &bundle.graph;
    let mut lacking = BTreeSet::new();
    for kind in graph.kinds() {
        for object in graph.of_kind(kind) {
            for path in unknown_fields(graph.kind(kind), object.root()) {
                lacking.insert(format!("{name}: {}{path}", graph.kind_display(kind)));
            }
        }
    }
    lacking
}

#[test]
fn every_field_of_a_scenario_is_in_a_table() {
    let lacking: BTreeSet<String> = scenario_names()
        .iter()
        .flat_map(|name| unknown(name, &scenario_archive(name)))
        .collect();
    let lacking: Vec<String> = lacking.into_iter().collect();
    assert!(lacking.is_empty(), "\n{}", lacking.join("\n"));
}

#[test]
fn every_field_of_an_outside_bundle_is_in_a_table() {
    let Some(folder) = std::env::var_os("BUNDLE_DOCTOR_BUNDLES").map(PathBuf::from) else {
        eprintln!("skipped: BUNDLE_DOCTOR_BUNDLES names no folder of outside bundles");
        return;
    };
    let mut lacking = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let archive = Archive::open(std::slice::from_ref(&path), &Limits::default()).unwrap();
        let name = path.file_name().unwrap().to_string_lossy();
        lacking.extend(unknown(&name, &archive));
    }
    assert!(lacking.is_empty(), "\n{}", lacking.join("\n"));
}
