//! Times reading, scanning, evaluating and the whole against plain inflation of the same archive on
//! the same threads: what counts is the ratio, so both are taken in one run.
//!
//! `cargo bench --bench ingest [-- NODES…]` measures synthetic bundles (1 and 16 nodes unless told)
//! and, where `BUNDLE_DOCTOR_BUNDLES` names the folder of outside bundles, the real one.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)]

#[path = "../testdata/writer.rs"]
mod writer;

use std::path::{Path, PathBuf};
use std::time::Instant;

use bundle_doctor::archive::{Archive, Limits};
use bundle_doctor::bundle::{Bundle, Progress};
use bundle_doctor::evaluate::Engine;
use bundle_doctor::rule::RuleSet;
use bundle_doctor::scan::Scanner;
use rayon::prelude::*;
use writer::synthetic;

/// Runs of each measurement; the best one counts, for it was disturbed least.
const RUNS: usize = 5;
/// Bytes of logs of the synthetic bundles against those of a fixture.
const LOG_SCALE: f64 = 100.0;

struct Silent;

impl Progress for Silent {
    fn begin(&self, _: u64) {}
    fn advance(&self, _: u64) {}
}

fn main() {
    let nodes: Vec<usize> = std::env::args()
        .skip(1)
        .filter_map(|argument| argument.parse().ok())
        .collect();
    let nodes = if nodes.is_empty() { vec![1, 16] } else { nodes };
    let rules = RuleSet::builtin().expect("built-in rules are right");
    let rules = rules.select(&[], &[]).expect("nothing is selected");
    let engine = Engine::new(&rules).expect("built-in rules compile");
    let directory = tempfile::tempdir().expect("a temporary directory");
    println!(
        "{} rules, {} threads, best of {RUNS}",
        engine.len(),
        rayon::current_num_threads()
    );
    println!(
        "bundle              MB  inflate ms  read ms  scan ms  evaluate ms  whole ms  whole MB/s  whole/inflate"
    );
    for count in nodes {
        let path = directory.path().join(format!("synthetic-{count}.zip"));
        let mut scenario = synthetic::synthetic(count, 7, LOG_SCALE);
        synthetic::add_bulk(&mut scenario);
        let file = std::fs::File::create(&path).expect("it can be made");
        writer::bundle::write(&scenario, std::io::BufWriter::new(file)).expect("it can be written");
        measure(&format!("synthetic {count}"), &path, &rules, &engine);
    }
    if let Some(folder) = std::env::var_os("BUNDLE_DOCTOR_BUNDLES") {
        let real = PathBuf::from(folder).join("harvester-1.0-single-node.zip");
        measure("real, one node", &real, &rules, &engine);
    }
}

fn measure(name: &str, path: &Path, rules: &RuleSet, engine: &Engine) {
    let open = || Archive::open(&[path.to_owned()], &Limits::default()).expect("it is an archive");
    let nothing = Scanner::new(Vec::new());
    let mut bytes = 0;
    let inflate = best(|| {
        let archive = open();
        bytes = archive
            .units()
            .par_iter()
            .with_max_len(1)
            .map(|unit| {
                let mut bytes = 0;
                archive.read(unit, &mut |content| bytes += content.bytes.len() as u64);
                bytes
            })
            .sum::<u64>();
    });
    let read = best(|| drop(Bundle::read(&open(), &nothing, &Silent)));
    let scanned = best(|| drop(Bundle::read(&open(), engine.scanner(), &Silent)));
    let bundle = Bundle::read(&open(), engine.scanner(), &Silent).expect("it is a bundle");
    let evaluate = best(|| drop(engine.evaluate(&bundle)));
    let whole = best(|| drop(bundle_doctor::diagnose(&open(), rules, engine, &Silent)));
    let megabytes = bytes as f64 / 1e6;
    println!(
        "{name:<16} {megabytes:>5.0} {inflate:>11.1} {read:>8.1} {:>8.1} {evaluate:>12.1} {whole:>9.1} {:>11.0} {:>14.2}",
        scanned - read,
        megabytes / whole * 1e3,
        whole / inflate,
    );
}

/// The shortest of some runs in milliseconds.
fn best(mut run: impl FnMut()) -> f64 {
    let times = (0..RUNS).map(|_| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64() * 1e3
    });
    times.fold(f64::INFINITY, f64::min)
}
