//! Bundles that are not ours to keep: those in the folder that an environment variable names.

use std::path::{Path, PathBuf};

use crate::archive::{Archive, Limits};

/// Zips below the folder of outside bundles; none if it is not there.
fn bundles() -> Vec<PathBuf> {
    let Some(folder) = std::env::var_os("BUNDLE_DOCTOR_BUNDLES") else {
        eprintln!("BUNDLE_DOCTOR_BUNDLES is not set: outside bundles are not tested");
        return Vec::new();
    };
    let mut zips = Vec::new();
    let mut pending = vec![PathBuf::from(folder)];
    while let Some(path) = pending.pop() {
        if path.is_dir() {
            pending.extend(
                std::fs::read_dir(path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else if path.extension().is_some_and(|extension| extension == "zip") {
            zips.push(path);
        }
    }
    zips.sort();
    zips
}

fn contents(path: &Path) -> (Archive, Vec<(String, u64, u32)>) {
    let archive = Archive::open(&[path.to_owned()], &Limits::default()).unwrap();
    let mut contents = Vec::new();
    for unit in archive.units() {
        let problems = archive.read(unit, &mut |content| {
            assert_eq!(content.problem, None);
            assert!(content.modified.is_some(), "{}", content.path);
            let checksum = crc32fast::hash(&content.bytes);
            contents.push((
                content.path.to_string(),
                content.bytes.len() as u64,
                checksum,
            ));
        });
        assert_eq!(problems, []);
    }
    (archive, contents)
}

#[test]
fn every_file_is_read_without_a_problem() {
    for path in bundles() {
        let (archive, contents) = contents(&path);
        assert_eq!(archive.problems(), [], "{}", path.display());
        assert!(!archive.nested().is_empty());
        let outer = archive
            .units()
            .iter()
            .filter(|unit| !unit.path.as_str().contains(".zip/"));
        let outer = outer.count() + archive.nested().len();
        if archive.name() == "harvester-1.0-single-node.zip" {
            assert_eq!(outer, 1175);
        } else {
            let scc = contents
                .iter()
                .filter(|(path, ..)| path.contains(".txz/scc_"));
            assert!(scc.count() > 0, "{}", path.display());
        }
        let bytes: u64 = contents.iter().map(|(_, size, _)| size).sum();
        eprintln!(
            "{}: {} files, {bytes} bytes",
            archive.name(),
            contents.len()
        );
    }
}
