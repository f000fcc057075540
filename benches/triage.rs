//! What it costs to read many bundles at once: time against the same bundles read one after another,
//! each on all cores, in turns of one run; and memory for twenty against two hundred.
//!
//! `cargo bench --bench triage [-- BUNDLES]`

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)]

#[path = "../testdata/writer.rs"]
mod writer;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bundle_doctor::archive::{Archive, Limits};
use bundle_doctor::bundle::Progress;
use bundle_doctor::evaluate::Engine;
use bundle_doctor::rule::RuleSet;
use bundle_doctor::triage::{self, Groups, Outcome, Root, Triage};
use writer::scenario::{OF_A_CAUSE_EACH as SCENARIOS, Scenario};

/// One bundle of so many is broken.
const BROKEN: usize = 20;
/// Which of them.
const BROKEN_AT: usize = 7;
/// Turns of each; the best counts, for it was disturbed least.
const TURNS: usize = 5;
/// Time of all at once by that of one after another.
const TIME_LIMIT: f64 = 1.2;
/// Memory for ten times as many bundles: which of them meet is chance, and more chances find a worse one.
const MEMORY_LIMIT: f64 = 1.2;

struct Silent;

impl Progress for Silent {
    fn begin(&self, _: u64) {}
    fn advance(&self, _: u64) {}
}

fn main() {
    let asked = std::env::args().skip(1).find_map(|it| it.parse().ok());
    let many: usize = asked.unwrap_or(200);
    let rules = RuleSet::builtin().expect("built-in rules are right");
    let rules = rules.select(&[], &[]).expect("nothing is selected");
    let engine = Engine::new(&rules).expect("built-in rules compile");
    let limits = Limits::default();
    let doctor = Triage {
        rules: &rules,
        engine: &engine,
        limits: &limits,
        mask: true,
    };
    let directory = tempfile::tempdir().expect("a temporary directory");
    let all = write_bundles(&directory.path().join("many"), many);
    write_bundles(&directory.path().join("few"), many / 10);
    let [many, few] = ["many", "few"].map(|name| directory.path().join(name));
    println!(
        "{} bundles, {} rules, {} threads, best of {TURNS}",
        all.len(),
        engine.len(),
        rayon::current_num_threads()
    );

    // Rules make their tables when they are first used.
    run(&doctor, &few);
    let memory = [&few, &many].map(|directory| {
        forget_peak();
        run(&doctor, directory);
        peak()
    });
    if let [Some(few), Some(many)] = memory {
        let ratio = many as f64 / few as f64;
        println!(
            "peak memory: {few} kB for a tenth, {many} kB for all, ratio {ratio:.2}, limit {MEMORY_LIMIT}, {}",
            kept(ratio <= MEMORY_LIMIT)
        );
    }

    let mut best = [Duration::MAX; 2];
    for _ in 0..TURNS {
        let one_by_one = timed(|| {
            for path in &all {
                let archive = Archive::open(std::slice::from_ref(path), &limits);
                let archive = archive.ok();
                let diagnose = |archive| bundle_doctor::diagnose(archive, &rules, &engine, &Silent);
                std::hint::black_box(archive.as_ref().map(diagnose));
            }
        });
        let at_once = timed(|| run(&doctor, &many));
        best = [best[0].min(one_by_one), best[1].min(at_once)];
    }
    let [one_by_one, at_once] = best.map(|time| time.as_secs_f64() * 1e3);
    let ratio = at_once / one_by_one;
    println!(
        "time: {one_by_one:.0} ms one after another, {at_once:.0} ms at once, ratio {ratio:.2}, limit {TIME_LIMIT}, {}",
        kept(ratio <= TIME_LIMIT)
    );

    let groups = run(&doctor, &many);
    let (rows, failed) = groups.counts();
    let expected = expected(&doctor, &all);
    let right = groups.ranked().into_iter().all(|group| match &group.root {
        Root::Rule(rule) => expected.get(rule) == Some(&group.bundles.len()),
        _ => true,
    });
    println!(
        "rows: {rows} of {}, {failed} broken, groups {}",
        all.len(),
        kept(rows == all.len() && right)
    );
}

fn kept(kept: bool) -> &'static str {
    if kept { "kept" } else { "MISSED" }
}

fn timed<T>(run: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    std::hint::black_box(run());
    start.elapsed()
}

/// Writes so many bundles in turn of their scenarios, some of them broken.
fn write_bundles(directory: &Path, count: usize) -> Vec<PathBuf> {
    std::fs::create_dir_all(directory).expect("it can be made");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let bundles = SCENARIOS.map(|name| {
        let path = root.join(format!("testdata/scenarios/{name}.yaml"));
        let scenario = Scenario::load(&path).expect("the scenario is right");
        writer::bundle::bundle(&scenario).expect("it can be written")
    });
    let paths = (0..count).map(|index| {
        let (name, bytes) = (SCENARIOS[index % 10], &bundles[index % 10]);
        let bytes = match (index % BROKEN, index / BROKEN % 3) {
            (BROKEN_AT, 0) => &bytes[..bytes.len() / 3],
            (BROKEN_AT, 1) => &bytes[..0],
            (BROKEN_AT, _) => b"no zip, whatever its name says".as_slice(),
            _ => bytes,
        };
        let path = directory.join(format!("{index:04}-{name}.zip"));
        std::fs::write(&path, bytes).expect("it can be written");
        path
    });
    paths.collect()
}

fn run(doctor: &Triage<'_>, directory: &Path) -> Groups {
    let search = triage::find(&[directory.to_owned()]);
    let mut groups = Groups::default();
    let tell = &mut |outcome| {
        if let Outcome::Row(row) = outcome {
            groups.add(&row);
        }
        Ok(())
    };
    doctor
        .run(&search.found, &|_, _| None, tell)
        .expect("nothing is written");
    groups
}

/// How many bundles have which first cause, told by each alone.
fn expected(doctor: &Triage<'_>, all: &[PathBuf]) -> BTreeMap<String, usize> {
    let mut causes = BTreeMap::new();
    for path in all {
        let archive = Archive::open(std::slice::from_ref(path), doctor.limits).ok();
        let report = archive.and_then(|archive| {
            bundle_doctor::diagnose(&archive, doctor.rules, doctor.engine, &Silent).ok()
        });
        let found = bundle_doctor::archive::Found {
            paths: vec![path.clone()],
            grounds: bundle_doctor::archive::Grounds::Named,
        };
        let row = report.map(|report| triage::Row::of(&found, &report, None));
        if let Some(cause) = row.as_ref().and_then(triage::Row::top_cause) {
            *causes.entry(cause.rule.clone()).or_default() += 1;
        }
    }
    causes
}

/// Most memory that the process had at once, in kB, as the kernel tells it.
fn peak() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Begins to measure it anew.
fn forget_peak() {
    if std::fs::write("/proc/self/clear_refs", "5").is_err() {
        println!("peak memory cannot be measured anew: what comes first counts for both");
    }
}
