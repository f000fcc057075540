//! Bundles and graphs of a few objects.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use crate::bundle::{Bundle, Files};
use crate::derive::{Seen, derive};
use crate::evaluate::Engine;
use crate::graph::{Collected, Graph, GraphBuilder};
use crate::parse::document::Document;
use crate::parse::time::timestamp;
use crate::rule::RuleSet;
use crate::scan::LogShape;

/// A bundle of objects in YAML, a file for each. With `everything`, all others are known not to exist.
pub(crate) fn bundle_of(objects: &str, everything: bool) -> Bundle {
    let engine = Engine::new(&RuleSet::from_texts(&[]).unwrap()).unwrap();
    let files = objects.split("---\n").enumerate().map(|(index, text)| {
        let path = format!("yamls/cluster/v1/{index}.yaml");
        (path, text.as_bytes().to_vec())
    });
    let files = Files {
        name: "test".to_owned(),
        files: files.collect(),
        collected: Collected {
            everything,
            ..Collected::default()
        },
        ..Files::default()
    };
    let now = timestamp("2025-03-04T09:15:07Z").unwrap();
    Bundle::of_files(files, now, engine.scanner())
}

/// The graph of objects of one file, with those that are derived from them and from logs.
pub(crate) fn derived_from(objects: &[Value], logs: &[LogShape], now: Option<Timestamp>) -> Graph {
    let mut builder = GraphBuilder::default();
    for object in objects {
        builder.add("yamls/all.yaml", Document::from_json(object));
    }
    let mut graph = builder.finish();
    let hosts = BTreeMap::new();
    let seen = Seen {
        hosts: &hosts,
        logs,
        now,
    };
    derive(&mut graph, &seen);
    graph
}
