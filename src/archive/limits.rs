//! How much of an archive is read: what keeps a zip bomb from filling the memory.

use crate::span::ProblemKind;

use super::listing::{Form, Layer, Listing, Member, Parent};

/// Inflated size up to which no ratio is asked for, in bytes. Logs that repeat one message shrink a
/// thousandfold (an 18 MB `kernel.log` has been seen at 65, and one message alone reaches
/// deflate's bound of 1032), and so little does no harm.
const RATIO_FREE_SIZE: u64 = 64 << 20;

/// Archives that have to be inflated to be looked into may together hold this many times
/// [`Limits::max_entry_size`]. Collectors store them uncompressed, where they are read in place.
const HELD_ENTRIES: u64 = 2;

/// Limits on what is read of an archive. What they leave out is reported, never read in part of
/// its own accord, and the same whatever the number of threads: they judge by declared sizes, in
/// order of path, and no entry yields more than it declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Files in all archives together. A bundle of 100 nodes has up to 65,000.
    pub max_entries: u64,
    /// Inflated bytes of all files together. A bundle of 100 nodes has up to 20 GB.
    pub max_size: u64,
    /// Inflated bytes of one file, or of one compressed archive. Collectors cut logs at 10 MiB,
    /// the kernel's excepted.
    pub max_entry_size: u64,
    /// Inflated bytes by compressed bytes of one file, asked for above 64 MiB inflated.
    pub max_ratio: u64,
    /// Archives around a file, beside the outermost: a file of a supportconfig archive has 2, in
    /// a re-packed bundle 3 or 4.
    pub max_nesting: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            max_entries: 250_000,
            max_size: 64 << 30,
            max_entry_size: 1 << 30,
            max_ratio: 250,
            max_nesting: 4,
        }
    }
}

impl Limits {
    /// The most bytes that one entry of so many compressed bytes may inflate to.
    pub(super) fn allowed(&self, packed: u64) -> u64 {
        let by_ratio = packed.saturating_mul(self.max_ratio).max(RATIO_FREE_SIZE);
        by_ratio.min(self.max_entry_size)
    }
}

/// What is left of the limits while the members of archives are admitted one by one.
pub(super) struct Budget<'l> {
    pub(super) limits: &'l Limits,
    entries: u64,
    size: u64,
    held: u64,
}

impl<'l> Budget<'l> {
    pub(super) fn new(limits: &'l Limits) -> Self {
        Budget {
            limits,
            entries: limits.max_entries,
            size: limits.max_size,
            held: limits.max_entry_size.saturating_mul(HELD_ENTRIES),
        }
    }

    /// How many members may still be admitted.
    pub(super) fn entries_left(&self) -> u64 {
        self.entries
    }

    /// Takes from the listing, in its order, the members that the limits let in; each of the
    /// others is a problem, or part of one where they may be many.
    pub(super) fn admit(&mut self, listing: &mut Listing, parent: &Parent<'_>) {
        let mut admitted = Vec::with_capacity(listing.members.len());
        let mut beyond_entries = Beyond::default();
        let mut beyond_size = Beyond::default();
        for member in std::mem::take(&mut listing.members) {
            let size = member
                .layers()
                .fold(0, |sum: u64, layer| sum.saturating_add(layer.size));
            let held = match member.form {
                Form::HeldArchive(_) => size,
                _ => 0,
            };
            let largest = member.layers().map(|layer| layer.size).max().unwrap_or(0);
            let steepest = member
                .layers()
                .find(|layer| layer.size > self.limits.allowed(layer.packed));
            let limit = |reason: String| member.problem(ProblemKind::Limit, reason);
            if self.entries == 0 {
                beyond_entries.add(&member);
            } else if largest > self.limits.max_entry_size {
                listing.problems.push(limit(format!(
                    "it inflates to {largest} bytes, and the limit for one entry is {} (--max-entry-size)",
                    self.limits.max_entry_size
                )));
            } else if let Some(Layer { packed, size }) = steepest {
                listing.problems.push(limit(format!(
                    "its {packed} bytes inflate to {size}, and the limit is {} times (--max-ratio)",
                    self.limits.max_ratio
                )));
            } else if held > self.held {
                listing.problems.push(limit(format!(
                    "this archive has to be held in memory, and the limit for all such is {} bytes ({HELD_ENTRIES} times --max-entry-size)",
                    self.limits.max_entry_size.saturating_mul(HELD_ENTRIES)
                )));
            } else if size > self.size {
                beyond_size.add(&member);
            } else {
                self.entries -= 1;
                self.size -= size;
                self.held -= held;
                admitted.push(member);
            }
        }
        listing.members = admitted;
        if let Some(files) = beyond_entries.describe() {
            listing.problems.push(parent.problem(
                ProblemKind::Limit,
                format!(
                    "{files} beyond the limit of {} entries (--max-entries)",
                    self.limits.max_entries
                ),
            ));
        }
        if let Some(files) = beyond_size.describe() {
            listing.problems.push(parent.problem(
                ProblemKind::Limit,
                format!(
                    "{files} beyond the limit of {} bytes in all (--max-size)",
                    self.limits.max_size
                ),
            ));
        }
    }
}

/// Members left out for one reason.
#[derive(Default)]
struct Beyond {
    count: u64,
    first: String,
}

impl Beyond {
    fn add(&mut self, member: &Member) {
        if self.count == 0 {
            self.first = member.path.to_string();
        }
        self.count += 1;
    }

    fn describe(self) -> Option<String> {
        match self.count {
            0 => None,
            1 => Some(format!("{} is", self.first)),
            count => Some(format!("{count} files, the first {}, are", self.first)),
        }
    }
}
