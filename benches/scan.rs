//! How fast logs are scanned, in GB/s on one thread, beside trying a `RegexSet` on each line.
//!
//! Reads the logs of all bundles in the folder that `BUNDLE_DOCTOR_BUNDLES` names. All patterns
//! are applied to all logs, which is harder than any rule set: rules name the logs they mean.

use std::fs::File;
use std::io::{Cursor, Read, Seek};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bundle_doctor::layout::Source;
use bundle_doctor::parse::line::Log;
use bundle_doctor::scan::{MatcherSpec, Pattern, ScanInput, Scanner, SourceSpec};
use jiff::Timestamp;
use regex::bytes::{RegexSet, RegexSetBuilder};
use zip::ZipArchive;

/// Patterns as the catalogues of failures have them, in no order.
const PATTERNS: &str = include_str!("patterns.txt");
/// Without a literal: every line is tried.
const SLOW: &str = r"\b\d+(\.\d+)?%";
/// The best of so many runs is told: others only had the machine less to themselves.
const RUNS: usize = 7;

#[allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench prints its figures"
)]
fn main() {
    let Some(folder) = std::env::var_os("BUNDLE_DOCTOR_BUNDLES") else {
        eprintln!("BUNDLE_DOCTOR_BUNDLES is unset: nothing to scan");
        return;
    };
    let mut logs = Vec::new();
    bundles(Path::new(&folder), &mut logs);
    let size: usize = logs.iter().map(|(_, bytes)| bytes.len()).sum();
    println!("{} logs, {:.1} MB", logs.len(), size as f64 / 1e6);
    let all: Vec<&str> = PATTERNS.lines().collect();
    for (name, patterns, kernel) in [
        (
            "20 patterns",
            all.iter().take(20).copied().collect::<Vec<_>>(),
            true,
        ),
        (
            "100 patterns",
            all.iter().take(100).copied().collect(),
            true,
        ),
        (
            "200 patterns",
            all.iter().take(200).copied().collect(),
            true,
        ),
        (
            "300 patterns",
            all.iter().take(300).copied().collect(),
            true,
        ),
        (
            "200 patterns, no kernel.log",
            all.iter().take(200).copied().collect(),
            false,
        ),
        (
            "200 patterns and a slow one",
            all.iter().take(200).copied().chain([SLOW]).collect(),
            true,
        ),
        ("no pattern", Vec::new(), true),
    ] {
        let chosen: Vec<&(Source, Vec<u8>)> = logs
            .iter()
            .filter(|(source, _)| kernel || !is_kernel(source))
            .collect();
        let size: usize = chosen.iter().map(|(_, bytes)| bytes.len()).sum();
        let rate = |time: Duration| size as f64 / 1e9 / time.as_secs_f64();
        let scanner = scanner(&patterns);
        let slow = scanner.slow_patterns();
        let ours = best(|| ours(&scanner, &chosen));
        let set = RegexSetBuilder::new(&patterns).unicode(false).build();
        let set = set
            .or_else(|_| RegexSet::new(&patterns))
            .unwrap_or_else(|_| RegexSet::empty());
        let theirs = best(|| by_set(&set, &chosen));
        println!(
            "{name}: {:.2} GB/s ({} without literal), RegexSet per line {:.2} GB/s, ratio {:.1}",
            rate(ours),
            slow,
            rate(theirs),
            theirs.as_secs_f64() / ours.as_secs_f64()
        );
    }
}

fn best(mut run: impl FnMut() -> u64) -> Duration {
    let timed = (0..RUNS).map(|_| {
        let start = Instant::now();
        std::hint::black_box(run());
        start.elapsed()
    });
    timed.min().unwrap_or_default()
}

fn scanner(patterns: &[&str]) -> Scanner {
    let sources = [
        "pod/*/*/*",
        "node/supportconfig/*",
        "node/kernel",
        "node/kernel-previous",
    ];
    let hosts = [
        "rke2-server",
        "rke2-agent",
        "rancherd",
        "rancher-system-agent",
        "kubelet",
    ];
    let more = ["containerd", "network", "iscsid", "console"];
    let hosts = hosts.iter().chain(&more).map(|name| format!("node/{name}"));
    let sources: Vec<SourceSpec> = sources
        .iter()
        .map(|name| (*name).to_owned())
        .chain(hosts)
        .filter_map(|name| SourceSpec::parse(&name))
        .collect();
    let specs = patterns.iter().map(|pattern| MatcherSpec {
        sources: sources.clone(),
        patterns: vec![Arc::new(
            Pattern::read(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}")),
        )],
        ..MatcherSpec::default()
    });
    Scanner::new(specs.collect())
}

fn now() -> Option<Timestamp> {
    Timestamp::from_second(1_800_000_000).ok()
}

fn ours(scanner: &Scanner, logs: &[&(Source, Vec<u8>)]) -> u64 {
    let scans = logs.iter().map(|(source, bytes)| {
        scanner.scan(&ScanInput {
            path: "log",
            source,
            bytes,
            modified: None,
            now: now(),
        })
    });
    scans.map(|scan| scan.shape.lines).sum()
}

fn by_set(set: &RegexSet, logs: &[&(Source, Vec<u8>)]) -> u64 {
    let mut hits = 0;
    for (source, bytes) in logs {
        let log = Log::new(bytes, source, now());
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', bytes) {
            if let Some(text) = log.payload(start..end) {
                hits += set.matches(&bytes[text]).iter().count() as u64;
            }
            start = end + 1;
        }
    }
    hits
}

fn is_kernel(source: &Source) -> bool {
    matches!(source, Source::NodeFile { path, .. } if path == "logs/kernel.log")
}

fn bundles(folder: &Path, logs: &mut Vec<(Source, Vec<u8>)>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            bundles(&path, logs);
        } else if let Ok(archive) = File::open(&path)
            .map_err(Into::into)
            .and_then(ZipArchive::new)
        {
            collect(archive, logs);
        }
    }
}

fn collect<R: Read + Seek>(mut archive: ZipArchive<R>, logs: &mut Vec<(Source, Vec<u8>)>) {
    for index in 0..archive.len() {
        let Ok(mut entry) = archive.by_index(index) else {
            continue;
        };
        let Ok(name) = entry.name().map(|name| name.into_owned()) else {
            continue;
        };
        let mut bytes = Vec::new();
        if entry.read_to_end(&mut bytes).is_err() {
            continue;
        }
        let parts: Vec<&str> = name.split('/').collect();
        match parts.as_slice() {
            [.., "logs", namespace, pod, file] if file.contains(".log") => logs.push((
                Source::PodLog {
                    namespace: (*namespace).to_owned(),
                    pod: (*pod).to_owned(),
                    container: file
                        .trim_end_matches(".1")
                        .trim_end_matches(".log")
                        .to_owned(),
                    previous: file.ends_with(".1"),
                },
                bytes,
            )),
            [node, "logs", file] => logs.push((
                Source::NodeFile {
                    node: (*node).to_owned(),
                    path: format!("logs/{file}"),
                },
                bytes,
            )),
            [.., file] if file.ends_with(".zip") => {
                if let Ok(inner) = ZipArchive::new(Cursor::new(bytes)) {
                    collect(inner, logs);
                }
            }
            _ => {}
        }
    }
}
