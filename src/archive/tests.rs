//! Archives of every kind, built in memory by other writers than our reader, opened and read whole.

mod containers;
mod damage;
mod fuzz;
mod limits;
mod outside;
mod parts;
mod safety;

use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use std::path::PathBuf;

use ::zip::write::SimpleFileOptions;
use ::zip::{CompressionMethod, DateTime, ZipWriter};

use crate::span::{Problem, ProblemKind};

use super::{Archive, Limits, OpenError};

type File<'a> = (&'a str, &'a [u8]);

/// A bundle in small.
const TREE: &[File<'static>] = &[
    ("b/bundleGenerationError.log", b"none\n"),
    (
        "b/logs/ns/pod/c.log",
        b"2024-01-01T00:00:00.000000000Z hello\n",
    ),
    ("b/metadata.yaml", b"projectname: x\n"),
    (
        "b/yamls/cluster/v1/nodes.yaml",
        b"apiVersion: v1\nitems: []\nkind: List\n",
    ),
];

const NODE: &[File<'static>] = &[
    ("n1/configs/etc/hostname", b"n1\n"),
    (
        "n1/logs/kernel.log",
        b"kernel: booted, and then nothing, nothing, nothing, nothing, nothing\n",
    ),
];

/// As the collector's zip writes: archives stored, all else deflated; with directory entries.
fn zip(files: &[File<'_>]) -> Vec<u8> {
    zip_with(files, |name| match name.ends_with(".zip") {
        true => CompressionMethod::Stored,
        false => CompressionMethod::Deflated,
    })
}

fn zip_with(files: &[File<'_>], method: impl Fn(&str) -> CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let time = DateTime::from_date_and_time(2024, 2, 3, 4, 5, 6).unwrap();
    let options = SimpleFileOptions::default().last_modified_time(time);
    if let Some((first, _)) = files.first()
        && let Some((top, _)) = first.split_once('/')
        && !top.is_empty()
    {
        writer.add_directory(top, options).unwrap();
    }
    for (name, bytes) in files {
        let options = options.compression_method(method(name));
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// As a writer that cannot seek: sizes behind the data.
fn streamed_zip(files: &[File<'_>], method: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new_stream(Vec::new());
    for (name, bytes) in files {
        let options = SimpleFileOptions::default().compression_method(method);
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn tar(files: &[File<'_>]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mtime(1_700_000_000);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let options = lzma_rust2::XzOptions::with_preset(1);
    let mut writer = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

/// The bundle in small with a node's archive in it, which holds a supportconfig archive.
fn nested_bundle() -> Vec<u8> {
    let scc = xz(&tar(&[("scc_n1/fs-smartmon.txt", b"#==[ Command ]==#\n")]));
    let node = [NODE, &[("n1/scc/scc_n1.txz", &scc)]].concat();
    zip(&[TREE, &[("b/nodes/n1.zip", &zip(&node))]].concat())
}

/// Paths and contents of [`nested_bundle`].
fn nested_contents() -> BTreeMap<String, Vec<u8>> {
    let mut contents = contents(TREE, "");
    contents.extend(self::contents(NODE, "b/nodes/n1.zip/"));
    contents.insert(
        "b/nodes/n1.zip/n1/scc/scc_n1.txz/scc_n1/fs-smartmon.txt".to_owned(),
        b"#==[ Command ]==#\n".to_vec(),
    );
    contents
}

fn contents(files: &[File<'_>], prefix: &str) -> BTreeMap<String, Vec<u8>> {
    let files = files.iter();
    files
        .map(|(name, bytes)| (format!("{prefix}{name}"), bytes.to_vec()))
        .collect()
}

/// What was read of an archive.
#[derive(Debug, PartialEq)]
struct Whole {
    files: BTreeMap<String, Vec<u8>>,
    problems: Vec<Problem>,
}

impl Whole {
    /// Kind and path of each problem.
    fn problems(&self) -> Vec<(ProblemKind, &str)> {
        let problems = self.problems.iter();
        problems
            .map(|problem| (problem.kind, problem.path.as_str()))
            .collect()
    }
}

fn read_all(archive: &Archive) -> Whole {
    let mut files = BTreeMap::new();
    let mut problems = archive.problems().to_vec();
    for unit in archive.units() {
        let mut size = 0;
        let lost = archive.read(unit, &mut |content| {
            size += content.bytes.len() as u64;
            problems.extend(content.problem);
            let path = content.path.to_string();
            assert_eq!(files.insert(path, content.bytes), None, "read twice");
        });
        assert!(
            size <= unit.size,
            "{} gave {size} of {} bytes",
            unit.path,
            unit.size
        );
        problems.extend(lost);
    }
    problems.sort();
    Whole { files, problems }
}

fn try_open(files: &[File<'_>], limits: &Limits) -> Result<Archive, OpenError> {
    let directory = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> = files
        .iter()
        .map(|(name, bytes)| {
            let path = directory.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        })
        .collect();
    // Open files outlive their directory.
    Archive::open(&paths, limits)
}

fn read(bytes: &[u8]) -> Whole {
    read_within(bytes, &Limits::default())
}

fn read_within(bytes: &[u8], limits: &Limits) -> Whole {
    read_all(&try_open(&[("given", bytes)], limits).unwrap())
}

/// The position of some bytes in others.
fn find(bytes: &[u8], needle: &[u8]) -> usize {
    memchr::memmem::find(bytes, needle).unwrap()
}
