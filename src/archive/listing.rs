//! What an archive lists: its members, where their bytes are, and what was wrong with the list.

use std::path::PathBuf;

use jiff::Timestamp;

use crate::span::{Problem, ProblemKind};

use super::kind::Kind;
use super::path::EntryPath;
use super::slice::Slice;
use super::zip::ZipMember;

/// The members of one archive in order of path, each path once.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) members: Vec<Member>,
    pub(super) problems: Vec<Problem>,
}

/// A file in an archive.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) path: EntryPath,
    /// Declared size, inflated.
    pub(super) size: u64,
    /// Size as it lies in the archive.
    pub(super) packed: u64,
    pub(super) modified: Option<Timestamp>,
    pub(super) place: Place,
    pub(super) form: Form,
}

/// Where a member's bytes are.
#[derive(Debug, Clone)]
pub(super) enum Place {
    /// In a zip.
    Zip {
        /// The whole zip.
        zip: Slice,
        member: ZipMember,
    },
    /// As they are: a member of a tar.
    Slice(Slice),
    /// A file of an extracted bundle.
    File(PathBuf),
}

/// What a member is to the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A file.
    Plain,
    /// An archive to be listed; it is read where it is.
    Archive,
    /// An archive to be listed; it must be inflated into memory first.
    HeldArchive(Packing),
    /// A compressed tar whose members are read in one go when its turn comes.
    Tarball(Kind, Packing),
}

/// In what an archive inside an archive is wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Packing {
    /// Whether the archive around it compresses it.
    pub(super) outer: bool,
    /// The size that it declares for itself if it is a compressed tar.
    pub(super) inner: Option<u64>,
}

/// One compression to undo.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layer {
    pub(super) packed: u64,
    pub(super) size: u64,
}

impl Member {
    /// What has to be inflated to get at the bytes of a file, or into an archive.
    pub(super) fn layers(&self) -> impl Iterator<Item = Layer> {
        let (outer, inner) = match self.form {
            Form::Plain => (true, None),
            Form::Archive => (false, None),
            Form::HeldArchive(packing) | Form::Tarball(_, packing) => {
                (packing.outer, packing.inner)
            }
        };
        let outer = outer.then_some(Layer {
            packed: self.packed,
            size: self.size,
        });
        let inner = inner.map(|size| Layer {
            packed: self.size,
            size,
        });
        outer.into_iter().chain(inner)
    }

    pub(super) fn problem(&self, kind: ProblemKind, reason: impl Into<String>) -> Problem {
        Problem::new(self.path.as_str(), kind, reason)
    }
}

/// The archive that a listing is made of, for the paths and problems in it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Parent<'a> {
    /// The outermost archive, by its name.
    Outermost(&'a str),
    /// An archive in an archive, by its path.
    Inner(&'a EntryPath),
}

impl Parent<'_> {
    /// A problem with the archive as a whole.
    pub(super) fn problem(&self, kind: ProblemKind, reason: impl Into<String>) -> Problem {
        match self {
            Parent::Outermost(name) => Problem::new(*name, kind, reason),
            Parent::Inner(path) => Problem::new(path.as_str(), kind, reason),
        }
    }
}

/// Problems of one archive that are told one by one: more of them is one story.
const MOST_PROBLEMS: usize = 1000;

/// Collects the members of one archive while it is listed.
pub(super) struct Collector<'a> {
    pub(super) parent: Parent<'a>,
    /// Members beyond this number are not kept: they could not be admitted.
    most: u64,
    left_out: u64,
    untold: u64,
    listing: Listing,
}

impl<'a> Collector<'a> {
    pub(super) fn new(parent: Parent<'a>, most: u64) -> Self {
        Collector {
            parent,
            most,
            left_out: 0,
            untold: 0,
            listing: Listing::default(),
        }
    }

    /// The path of a member from the top of the outermost archive. `None` where it is of no use to
    /// anyone, or where its name is refused, which is a problem.
    pub(super) fn path(&mut self, name: &[u8]) -> Option<EntryPath> {
        match EntryPath::parse(name) {
            Ok(path) => path
                .filter(|path| !is_litter(path))
                .map(|path| self.join(path)),
            Err(reason) => {
                let name = String::from_utf8_lossy(name);
                let shown: String = name.escape_default().take(200).collect();
                let reason = format!("an entry was left out: its name {reason}: \"{shown}\"");
                self.problem(ProblemKind::Unreadable, reason);
                None
            }
        }
    }

    fn join(&self, path: EntryPath) -> EntryPath {
        match self.parent {
            Parent::Outermost(_) => path,
            Parent::Inner(parent) => parent.join(&path),
        }
    }

    /// Takes in a member, unless there are too many.
    pub(super) fn add(
        &mut self,
        path: EntryPath,
        (size, packed): (u64, u64),
        modified: Option<Timestamp>,
        place: Place,
    ) {
        if self.listing.members.len() as u64 >= self.most {
            return self.overflow();
        }
        self.listing.members.push(Member {
            path,
            size,
            packed,
            modified,
            place,
            form: Form::Plain,
        });
    }

    /// How many more members there is room for.
    pub(super) fn room(&self) -> u64 {
        self.most.saturating_sub(self.listing.members.len() as u64)
    }

    /// Notes that there is more than can be taken in.
    pub(super) fn overflow(&mut self) {
        self.left_out += 1;
    }

    /// Whether nothing more can be taken in.
    pub(super) fn is_full(&self) -> bool {
        self.left_out > 0
    }

    /// How many members there are.
    pub(super) fn count(&self) -> usize {
        self.listing.members.len()
    }

    /// Reports a problem with the archive as a whole.
    pub(super) fn problem(&mut self, kind: ProblemKind, reason: impl Into<String>) {
        self.tell(self.parent.problem(kind, reason));
    }

    /// Reports a problem with one of its members, which is left out.
    pub(super) fn leave_out(&mut self, path: &EntryPath, reason: impl Into<String>) {
        self.tell(Problem::new(path.as_str(), ProblemKind::Unreadable, reason));
    }

    fn tell(&mut self, problem: Problem) {
        match self.listing.problems.len() < MOST_PROBLEMS {
            true => self.listing.problems.push(problem),
            false => self.untold += 1,
        }
    }

    /// The listing: in order of path, each path once.
    pub(super) fn finish(mut self) -> Listing {
        if self.left_out > 0 {
            self.problem(
                ProblemKind::Limit,
                "it holds more entries than the limit lets in (--max-entries)",
            );
        }
        if self.untold > 0 {
            let reason = format!("it has {} more problems like those told", self.untold);
            let problem = self.parent.problem(ProblemKind::Unreadable, reason);
            self.listing.problems.push(problem);
        }
        self.listing.sort();
        self.listing
    }
}

impl Listing {
    /// Sorts the members by path and keeps one of each path: the last listed, as archivers do when
    /// they unpack.
    pub(super) fn sort(&mut self) {
        let mut kept: Vec<Member> = Vec::with_capacity(self.members.len());
        // The sort is stable, so equal paths stay in the order of the archive.
        self.members.sort_by(|one, other| one.path.cmp(&other.path));
        for member in self.members.drain(..) {
            match kept.last_mut() {
                Some(last) if last.path == member.path => {
                    if !last.is_same_as(&member) {
                        self.problems.push(member.problem(
                            ProblemKind::Unreadable,
                            "the archive holds this file more than once: the last one was read",
                        ));
                    }
                    *last = member;
                }
                _ => kept.push(member),
            }
        }
        self.members = kept;
    }
}

impl Member {
    /// Whether two members of the same path hold the same, as far as a checksum can tell, because
    /// they came from two archives that are parts of one bundle.
    fn is_same_as(&self, other: &Member) -> bool {
        match (&self.place, &other.place) {
            (
                Place::Zip { zip, member },
                Place::Zip {
                    zip: other_zip,
                    member: other_member,
                },
            ) => {
                !zip.shares_source_with(other_zip)
                    && self.size == other.size
                    && member.checksum == other_member.checksum
            }
            _ => false,
        }
    }
}

/// Files that desktops leave in what they pack.
fn is_litter(path: &EntryPath) -> bool {
    path.file_name() == ".DS_Store"
        || path
            .as_str()
            .split('/')
            .any(|component| component == "__MACOSX" || component.starts_with("._"))
}
