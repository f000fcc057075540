//! Opens a bundle, whatever it is packed in, and reads its files: zip, tar, compressed tar,
//! directory, split or not, with archives in it. It knows nothing of what the files mean.
//!
//! What it rests on:
//! - Nothing is written to disk, and no file outside the bundle is read.
//! - Whatever is in the archive, opening and reading end, within [`Limits`]; what was wrong or left
//!   out is a [`Problem`].
//! - The same archive gives the same units, contents and problems, whatever the number of threads.

mod error;
mod inflate;
mod kind;
mod limits;
mod listing;
mod parts;
mod path;
mod read;
mod search;
mod slice;
mod tarball;
mod tree;
mod xz;
mod zip;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use jiff::Timestamp;
use rayon::prelude::*;

use crate::span::{Problem, ProblemKind};

pub use error::OpenError;
pub use limits::Limits;
pub use path::EntryPath;
pub use search::{Found, Grounds, Search, Signs, search};

use kind::Kind;
use limits::Budget;
use listing::{Collector, Form, Listing, Member, Packing, Parent, Place};
use parts::{Container, Input};
use read::Read;
use slice::Slice;

/// Compressed tars of this name are not listed when the bundle is opened, but read in one go when
/// their turn comes: there is one to each node, and only its files are of use.
const READ_IN_ONE_GO: &str = "scc_";

/// An open bundle: the list of all files in it and in the archives inside it.
#[derive(Debug)]
pub struct Archive {
    name: String,
    parts: usize,
    limits: Limits,
    units: Vec<Unit>,
    nested: Vec<Nested>,
    problems: Vec<Problem>,
}

/// What is read by one task: a file, or a compressed tar with all files in it.
#[derive(Debug)]
pub struct Unit {
    /// Its path from the archive's top.
    pub path: EntryPath,
    /// Declared size in bytes, inflated. No more than that is read.
    pub size: u64,
    /// When it was last changed: for a collected file the time of collection.
    pub modified: Option<Timestamp>,
    packed: u64,
    place: Place,
    tarball: Option<Kind>,
}

/// An archive inside the archive that was opened and listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nested {
    /// Its path from the archive's top.
    pub path: EntryPath,
    /// Files in it that are read, archives in it included.
    pub files: usize,
    /// When it was last changed.
    pub modified: Option<Timestamp>,
}

/// A file that was read.
#[derive(Debug)]
pub struct Content {
    /// Its path from the archive's top.
    pub path: EntryPath,
    /// What was got of it.
    pub bytes: Vec<u8>,
    /// When it was last changed.
    pub modified: Option<Timestamp>,
    /// Why its bytes are not all of it, or may be wrong.
    pub problem: Option<Problem>,
}

impl Archive {
    /// Opens the bundle at a path, or the one that lies in parts at several, given in any order.
    /// Archives inside it are listed in parallel, on the threads of the current rayon pool.
    ///
    /// # Errors
    /// If there is no archive to read; once there is one, its flaws are [`Archive::problems`].
    pub fn open(paths: &[PathBuf], limits: &Limits) -> Result<Archive, OpenError> {
        let (name, inputs) = parts::arrange(paths)?;
        let mut archive = Archive {
            name,
            parts: inputs.len(),
            limits: limits.clone(),
            units: Vec::new(),
            nested: Vec::new(),
            problems: Vec::new(),
        };
        let outermost = archive.list_outermost(&inputs);
        archive.descend(outermost);
        Ok(archive)
    }

    /// Name of the file or directory that was opened, without the directories it is in.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many archives were given to hold a part each; the pieces of a split one count as one.
    pub fn parts(&self) -> usize {
        self.parts
    }

    /// What can be read, in order of path.
    pub fn units(&self) -> &[Unit] {
        &self.units
    }

    /// The archives inside that were listed, in order of path. Their files are among the units.
    pub fn nested(&self) -> &[Nested] {
        &self.nested
    }

    /// What was wrong with the archives or left out of them, sorted. A problem with the outermost
    /// archive as a whole has its name for a path.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Reads a unit and hands each file of it to `visit`, one by one. A problem of one file comes
    /// with it; those of the unit as a whole, or of files of which nothing was got, are returned.
    pub fn read(&self, unit: &Unit, visit: &mut dyn FnMut(Content)) -> Vec<Problem> {
        let Some(kind) = unit.tarball else {
            let read = unit.place.read(unit.size);
            return deliver(unit.path.clone(), unit.modified, read, visit);
        };
        let packed = match unit.place.slice(unit.packed) {
            Ok(packed) => packed,
            Err((kind, reason)) => return vec![Problem::new(unit.path.as_str(), kind, reason)],
        };
        let mut lost = Vec::new();
        let inflated = (kind, unit.size);
        let visit = &mut |path, modified, read| lost.extend(deliver(path, modified, read, visit));
        let mut problems = tarball::read(&unit.path, &packed, inflated, &self.limits, visit);
        problems.extend(lost);
        problems.sort();
        problems
    }

    /// Lists the archives that were given, as one tree.
    fn list_outermost(&self, inputs: &[Input]) -> Listing {
        let mut whole = Listing::default();
        for input in inputs {
            let parent = Parent::Outermost(&input.name);
            let collector = Collector::new(parent, self.limits.max_entries);
            let listing = match &input.container {
                Container::Directory(path) => tree::list(path, collector),
                Container::Archive {
                    bytes,
                    kind,
                    pieces,
                } => {
                    let most = self.limits.allowed(bytes.length());
                    list(bytes, (*kind, Some(most)), pieces, collector)
                }
            };
            whole.members.extend(listing.members);
            whole.problems.extend(listing.problems);
        }
        whole.sort();
        classify(&mut whole.members, &self.limits);
        whole
    }

    /// Admits members level by level, and lists the archives among them, all of a level at once.
    fn descend(&mut self, outermost: Listing) {
        let limits = self.limits.clone();
        let mut budget = Budget::new(&limits);
        let mut level = vec![(None, outermost)];
        for depth in 0.. {
            let mut archives = Vec::new();
            for (holder, listing) in &mut level {
                let parent = match holder {
                    None => Parent::Outermost(&self.name),
                    Some(path) => Parent::Inner(path),
                };
                if depth == limits.max_nesting {
                    leave_closed(listing, &limits);
                }
                budget.admit(listing, &parent);
                self.problems.append(&mut listing.problems);
                for member in listing.members.drain(..) {
                    match member.form {
                        Form::Archive | Form::HeldArchive(_) => archives.push(member),
                        Form::Plain | Form::Tarball(..) => self.units.push(Unit::new(member)),
                    }
                }
            }
            if archives.is_empty() {
                break;
            }
            archives.sort_by(|one, other| one.path.cmp(&other.path));
            let most = budget.entries_left();
            level = archives
                .par_iter()
                .with_max_len(1)
                .map(|member| (Some(member.path.clone()), self.list_member(member, most)))
                .collect();
            self.nested.extend(
                archives
                    .iter()
                    .zip(&level)
                    .map(|(member, (_, listing))| Nested {
                        path: member.path.clone(),
                        files: listing.members.len(),
                        modified: member.modified,
                    }),
            );
        }
        self.finish();
    }

    /// Lists an archive inside an archive.
    fn list_member(&self, member: &Member, most: u64) -> Listing {
        let mut collector = Collector::new(Parent::Inner(&member.path), most);
        let bytes = match member.place.slice(member.size) {
            Ok(bytes) => bytes,
            Err((kind, reason)) => {
                collector.problem(kind, reason);
                return collector.finish();
            }
        };
        if bytes.length() == 0 {
            collector.problem(ProblemKind::Truncated, "it is empty");
            return collector.finish();
        }
        let Some(kind) = Kind::of(&bytes) else {
            collector.problem(
                ProblemKind::Unreadable,
                "it is no archive, whatever its name says",
            );
            return collector.finish();
        };
        let most = match member.form {
            Form::HeldArchive(packing) => packing.inner,
            _ => None,
        };
        let mut listing = list(&bytes, (kind, most), &[], collector);
        classify(&mut listing.members, &self.limits);
        if listing.members.is_empty() && listing.problems.is_empty() {
            let problem = member.problem(ProblemKind::Missing, "there is no file in it");
            listing.problems.push(problem);
        }
        listing
    }

    /// Brings everything into its order.
    fn finish(&mut self) {
        // A bundle may hold both `x.zip` and a directory of that name: the order in which levels
        // are listed decides, and the sort keeps it.
        self.units.sort_by(|one, other| one.path.cmp(&other.path));
        let problems = &mut self.problems;
        self.units.dedup_by(|later, first| {
            let same = later.path == first.path;
            if same {
                problems.push(Problem::new(
                    later.path.as_str(),
                    ProblemKind::Unreadable,
                    "an archive and a directory both hold this file: the directory's was read",
                ));
            }
            same
        });
        self.nested.sort_by(|one, other| one.path.cmp(&other.path));
        self.problems.sort();
        self.problems.dedup();
    }
}

impl Unit {
    fn new(member: Member) -> Self {
        let (tarball, size) = match member.form {
            Form::Tarball(kind, packing) => (Some(kind), packing.inner.unwrap_or(member.size)),
            _ => (None, member.size),
        };
        Unit {
            size,
            packed: member.size,
            path: member.path,
            modified: member.modified,
            place: member.place,
            tarball,
        }
    }

    /// Whether it is a compressed tar, of whose files only reading tells.
    pub fn is_tarball(&self) -> bool {
        self.tarball.is_some()
    }
}

impl Place {
    /// Reads a file of so many bytes.
    fn read(&self, size: u64) -> Read {
        match self {
            Place::Zip { zip, member } => zip::read(zip, member, size),
            Place::Slice(slice) => Read::slice(slice, size),
            Place::File(path) => tree::read(path, size),
        }
    }

    /// The bytes as they lie in the archive around them, if they lie there as they are.
    fn in_place(&self) -> Option<Slice> {
        match self {
            Place::Zip { zip, member } => zip::in_place(zip, member),
            Place::Slice(slice) => Some(slice.clone()),
            Place::File(path) => Slice::file(path).ok(),
        }
    }

    /// The bytes to look into: where they are, or else inflated into memory. Of a damaged archive
    /// as much as was got.
    fn slice(&self, size: u64) -> Result<Slice, (ProblemKind, String)> {
        if let Some(slice) = self.in_place() {
            return Ok(slice);
        }
        let read = self.read(size);
        match read.problem {
            Some(problem) if read.bytes.is_empty() => Err(problem),
            _ => Ok(Slice::memory(read.bytes)),
        }
    }
}

/// Lists one archive. A compressed tar is inflated first, to at most so many bytes; `None` where
/// none was expected.
fn list(
    bytes: &Slice,
    (kind, most): (Kind, Option<u64>),
    pieces: &[u64],
    mut collector: Collector<'_>,
) -> Listing {
    match (kind, most) {
        (Kind::Zip, _) => zip::list(bytes, pieces, collector),
        (Kind::Tar, _) => tarball::list(bytes, collector),
        (Kind::Gzip | Kind::Xz, Some(most)) => {
            let read = tarball::inflate(bytes, kind, most);
            if let Some((kind, reason)) = read.problem {
                collector.problem(kind, reason);
            }
            let tar = Slice::memory(read.bytes);
            if Kind::of(&tar) == Some(Kind::Tar) {
                return tarball::list(&tar, collector);
            }
            collector.problem(ProblemKind::Unreadable, "there is no tar in it");
            collector.finish()
        }
        (Kind::Gzip | Kind::Xz, None) => {
            let reason = "it is a compressed file, whatever its name says";
            collector.problem(ProblemKind::Unreadable, reason);
            collector.finish()
        }
    }
}

/// Whether a name is one of an archive that is looked into, so that files lie below it.
pub(crate) fn is_archive_name(name: &str) -> bool {
    Kind::by_name(name).is_some()
}

/// Finds the archives among members: those that are listed at once, and those that wait.
fn classify(members: &mut [Member], limits: &Limits) {
    members.par_iter_mut().for_each(|member| {
        let Some(kind) = Kind::by_name(member.path.file_name()) else {
            return;
        };
        let in_place = member.place.in_place();
        let mut packing = Packing {
            outer: in_place.is_none(),
            inner: None,
        };
        member.form = match kind {
            Kind::Zip | Kind::Tar if in_place.is_some() => Form::Archive,
            Kind::Zip | Kind::Tar => Form::HeldArchive(packing),
            Kind::Gzip | Kind::Xz => {
                // The size is told at the end, for which it has to be inflated if it is packed
                // once more. That is done only where it is as much work as reading it: compressed
                // bytes do not shrink by half.
                let shrunk = member.size / 2 > member.packed;
                let bytes = match in_place {
                    None if !shrunk => member.place.slice(member.size).ok(),
                    in_place => in_place,
                };
                let declared = bytes.and_then(|bytes| tarball::declared_size(&bytes, kind));
                // Four bytes that say too much are not those of a gzip's end: it was cut.
                let allowed = limits.allowed(member.size);
                let declared = declared.filter(|size| kind == Kind::Xz || *size <= allowed);
                packing.inner = Some(declared.unwrap_or(allowed));
                if member.path.file_name().starts_with(READ_IN_ONE_GO) {
                    Form::Tarball(kind, packing)
                } else {
                    Form::HeldArchive(packing)
                }
            }
        };
    });
}

/// Where archives are too deep to be opened, leaves them out.
fn leave_closed(listing: &mut Listing, limits: &Limits) {
    let (archives, files) = std::mem::take(&mut listing.members)
        .into_iter()
        .partition(|member| member.form != Form::Plain);
    listing.members = files;
    listing
        .problems
        .extend(Vec::into_iter(archives).map(|member: Member| {
            let reason = format!(
                "it is an archive in {} others, and the limit is {} (--max-nesting)",
                limits.max_nesting + 1,
                limits.max_nesting
            );
            member.problem(ProblemKind::Limit, reason)
        }));
}

/// Hands out what was read, unless there is nothing.
fn deliver(
    path: EntryPath,
    modified: Option<Timestamp>,
    read: Read,
    visit: &mut dyn FnMut(Content),
) -> Vec<Problem> {
    let problem = read
        .problem
        .map(|(kind, reason)| Problem::new(path.as_str(), kind, reason));
    if read.bytes.is_empty()
        && let Some(problem) = problem
    {
        return vec![problem];
    }
    visit(Content {
        path,
        bytes: read.bytes,
        modified,
        problem,
    });
    Vec::new()
}
