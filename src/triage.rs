//! Many bundles: each is analysed by itself, and one row is kept of it.
//!
//! As many are in flight as there are threads, and of each nothing stays but its row: the memory
//! that is needed does not grow with their number. Rows come in the order of the paths.

mod group;
mod in_order;
mod row;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use crate::archive::{self, Archive, Found, Grounds, Limits, Search};
use crate::bundle::{NotABundle, Progress};
use crate::evaluate::Engine;
use crate::layout;
use crate::report::{Report, mask};
use crate::rule::RuleSet;

pub use group::{Group, Groups, Root};
pub use row::{
    Cause, Failure, FailureKind, FindingCounts, NodeCounts, Row, SCHEMA, UpgradeStanding,
    VerdictInShort,
};

/// Bundles in memory at once, however many threads there are: each is read by all that are free.
const MOST_IN_FLIGHT: usize = 32;

/// Finds the bundles among files and in directories.
#[must_use]
pub fn find(paths: &[PathBuf]) -> Search {
    archive::search(paths, &layout::SIGNS)
}

/// What bundles are analysed with.
#[derive(Clone, Copy)]
pub struct Triage<'a> {
    /// The rules.
    pub rules: &'a RuleSet,
    /// The same, ready to run.
    pub engine: &'a Engine,
    /// Limits on each archive.
    pub limits: &'a Limits,
    /// Whether secrets are hidden in rows and reports.
    pub mask: bool,
}

/// Keeps the full report of a bundle, from any thread, and tells the name it is kept under.
pub type Keep<'a> = dyn Fn(&Found, &Report) -> Option<String> + Sync + 'a;

/// What came of one find.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It is a bundle, or should be one.
    Row(Box<Row>),
    /// It is a file of another kind.
    NoBundle,
}

impl Triage<'_> {
    /// Analyses all, on the threads of rayon's global pool, and hands what came of each to `tell`, in
    /// order, as soon as that of all before it is there.
    ///
    /// # Errors
    /// The first of `tell`, which ends the run.
    pub fn run(
        &self,
        found: &[Found],
        keep: &Keep<'_>,
        tell: &mut dyn FnMut(Outcome) -> io::Result<()>,
    ) -> io::Result<()> {
        let lanes = rayon::current_num_threads().min(MOST_IN_FLIGHT);
        in_order::in_order(found, lanes, &|found| self.examine(found, keep), tell)
    }

    /// Analyses one. A defect of ours in one bundle must not cost the others, so a panic is caught.
    fn examine(&self, found: &Found, keep: &Keep<'_>) -> Outcome {
        let attempt = AssertUnwindSafe(|| self.analyse(found, keep));
        catch_unwind(attempt).unwrap_or_else(|_| {
            let reason = "it met a defect of bundle-doctor; please report it";
            let failure = Failure::new(FailureKind::Defect, reason);
            Outcome::Row(Box::new(Row::failed(found, failure)))
        })
    }

    fn analyse(&self, found: &Found, keep: &Keep<'_>) -> Outcome {
        let failed = |mut failure: Failure| {
            // What a server answered may hold anything.
            if self.mask {
                failure.reason = mask::masked(&failure.reason).into_owned();
            }
            Outcome::Row(Box::new(Row::failed(found, failure)))
        };
        let archive = match Archive::open(&found.paths, self.limits) {
            Ok(archive) => archive,
            Err(_) if found.grounds == Grounds::Content => return Outcome::NoBundle,
            Err(error) => return failed(Failure::to_open(&error)),
        };
        match crate::diagnose(&archive, self.rules, self.engine, &Unwatched) {
            Ok(mut report) => {
                if self.mask {
                    mask::mask(&mut report);
                }
                let kept = keep(found, &report);
                Outcome::Row(Box::new(Row::of(found, &report, kept)))
            }
            Err(_) if is_another_archive(found, &archive) => Outcome::NoBundle,
            Err(NotABundle::None { .. }) => failed(Failure::no_bundle(&archive)),
            Err(error @ NotABundle::Several { .. }) => failed(Failure::several(&error)),
        }
    }
}

/// Whether an archive without a bundle is one of another kind, and not what is left of a bundle.
fn is_another_archive(found: &Found, archive: &Archive) -> bool {
    match found.grounds {
        Grounds::Named => false,
        Grounds::Name => archive.problems().is_empty() && !layout::is_bundle_name(archive.name()),
        Grounds::Content => true,
    }
}

/// Of many bundles, nobody watches the files of one.
struct Unwatched;

impl Progress for Unwatched {
    fn begin(&self, _: u64) {}
    fn advance(&self, _: u64) {}
}
