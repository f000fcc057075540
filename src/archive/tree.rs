//! An extracted bundle: lists the files of a directory, and reads one.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::listing::{Collector, Listing, Place};
use super::read::Read;
use crate::span::ProblemKind;

/// Directories in directories that are entered: a bundle has 8, an unpacked node 12.
pub(super) const DEEPEST: usize = 64;

/// Lists the files below a directory. Links are not followed, so no file is outside of it.
pub(super) fn list(top: &Path, mut collector: Collector<'_>) -> Listing {
    let mut pending = vec![(top.to_owned(), String::new(), 0)];
    while let Some((directory, name, depth)) = pending.pop() {
        let children = fs::read_dir(&directory).and_then(|entries| {
            let names = entries.map(|entry| Ok(entry?.file_name()));
            names.collect::<std::io::Result<Vec<_>>>()
        });
        let mut children = match children {
            Ok(children) => children,
            Err(error) => {
                let reason = format!("the directory {name:?} cannot be listed: {error}");
                collector.problem(ProblemKind::Unreadable, reason);
                continue;
            }
        };
        // The file system's order is not the same everywhere.
        children.sort();
        for child in children {
            if collector.is_full() {
                return collector.finish();
            }
            let file = directory.join(&child);
            let mut name = name.clone();
            if !name.is_empty() {
                name.push('/');
            }
            name += &child.to_string_lossy();
            let metadata = fs::symlink_metadata(&file);
            if metadata.as_ref().is_ok_and(fs::Metadata::is_dir) && depth < DEEPEST {
                pending.push((file, name, depth + 1));
                continue;
            }
            let Some(path) = collector.path(name.as_bytes()) else {
                continue;
            };
            match metadata {
                Ok(metadata) if metadata.is_file() => {
                    let modified = metadata.modified().ok();
                    let modified = modified.and_then(|time| Timestamp::try_from(time).ok());
                    let size = metadata.len();
                    collector.add(path, (size, size), modified, Place::File(file));
                }
                Ok(metadata) if metadata.is_symlink() => {
                    collector.leave_out(&path, "it is a symbolic link, and links are not followed");
                }
                Ok(metadata) if metadata.is_dir() => {
                    collector.leave_out(&path, "this directory is too deep to be entered");
                }
                Ok(_) => collector.leave_out(&path, "it is no regular file"),
                Err(error) => collector.leave_out(&path, format!("it cannot be read: {error}")),
            }
        }
    }
    collector.finish()
}

/// Reads a file that had so many bytes when it was listed.
pub(super) fn read(path: &PathBuf, size: u64) -> Read {
    let capacity = usize::try_from(size).unwrap_or(usize::MAX);
    let mut bytes = Vec::with_capacity(capacity);
    let result = File::open(path).and_then(|file| file.take(size).read_to_end(&mut bytes));
    match result {
        Ok(_) => Read::from(bytes).ended_early(size),
        Err(error) if bytes.is_empty() => Read::failed(&error),
        Err(error) => {
            let reason = format!("it cannot be read to its end: {error}");
            Read::from(bytes).with(ProblemKind::Unreadable, reason)
        }
    }
}
