//! Measures the YAML reader against serde_yaml on the manifests of the bundles in the folder that
//! BUNDLE_DOCTOR_BUNDLES names: `cargo bench --bench yaml`.
//!
//! One thread. A run reads every file once and drops the tree; the best of the runs counts, because
//! all that a shared machine adds is delay.

#![expect(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a table for developers"
)]

use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bundle_doctor::parse;

fn main() {
    let Some(folder) = std::env::var_os("BUNDLE_DOCTOR_BUNDLES") else {
        println!("skipped: BUNDLE_DOCTOR_BUNDLES names no folder of bundles");
        return;
    };
    let mut bundles = Vec::new();
    find_zips(&PathBuf::from(folder), &mut bundles);
    bundles.sort();
    println!(
        "{:<60} {:>6} {:>8} {:>10} {:>10} {:>10} {:>6} {:>9}",
        "bundle", "files", "MB", "parse", "manifest", "serde_yaml", "ratio", "heap/byte"
    );
    for bundle in bundles {
        let files = manifests(&bundle);
        let is_small = |(path, _): &&(String, Vec<u8>)| {
            ![
                "/configmaps.yaml",
                "/contents.yaml",
                "/bundles.yaml",
                "/apps.yaml",
                "/helmcharts.yaml",
            ]
            .iter()
            .any(|name| path.ends_with(name))
        };
        // Large literal blocks flatter every reader, so the rest is measured apart.
        let rest: Vec<(String, Vec<u8>)> = files.iter().filter(is_small).cloned().collect();
        let name = bundle
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        measure(&name, &files);
        measure("  without files of large texts", &rest);
    }
}

fn measure(name: &str, files: &[(String, Vec<u8>)]) {
    let bytes: usize = files.iter().map(|(_, bytes)| bytes.len()).sum();
    let heap: usize = files
        .iter()
        .filter_map(|(path, bytes)| parse::manifest(path, bytes.clone()).value)
        .map(|document| document.heap_size())
        .sum();
    let ours = best(files, |path, bytes| drop(parse::parse(path, bytes)));
    let normalised = best(files, |path, bytes| drop(parse::manifest(path, bytes)));
    let theirs = best(files, |_, bytes| {
        drop(serde_yaml::from_slice::<serde_json::Value>(&bytes))
    });
    let rate = |time: Duration| bytes as f64 / 1e6 / time.as_secs_f64();
    println!(
        "{name:<60} {:>6} {:>8.2} {:>5.0} MB/s {:>5.0} MB/s {:>5.0} MB/s {:>6.1} {:>9.2}",
        files.len(),
        bytes as f64 / 1e6,
        rate(ours),
        rate(normalised),
        rate(theirs),
        theirs.as_secs_f64() / normalised.as_secs_f64(),
        heap as f64 / bytes as f64,
    );
}

/// Time of the fastest of several runs over all files, without the copies that each run consumes.
fn best(files: &[(String, Vec<u8>)], read: impl Fn(&str, Vec<u8>)) -> Duration {
    let run = || {
        let copies: Vec<(String, Vec<u8>)> = files.to_vec();
        let start = Instant::now();
        for (path, bytes) in copies {
            read(&path, bytes);
        }
        start.elapsed()
    };
    (0..10).map(|_| run()).min().unwrap_or_default()
}

fn find_zips(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            find_zips(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "zip") {
            found.push(path);
        }
    }
}

/// The files below `yamls/` of a bundle.
fn manifests(bundle: &Path) -> Vec<(String, Vec<u8>)> {
    let Ok(archive) = std::fs::read(bundle) else {
        return Vec::new();
    };
    let Ok(mut zip) = zip::ZipArchive::new(Cursor::new(archive)) else {
        return Vec::new();
    };
    let mut files = Vec::new();
    for index in 0..zip.len() {
        let Ok(mut entry) = zip.by_index(index) else {
            continue;
        };
        let Ok(path) = entry.name().map(|name| name.into_owned()) else {
            continue;
        };
        if path.contains("/yamls/") && path.ends_with(".yaml") {
            let mut bytes = Vec::new();
            if entry.read_to_end(&mut bytes).is_ok() {
                files.push((path, bytes));
            }
        }
    }
    files
}
