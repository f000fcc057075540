//! What `preflight` takes.

use bundle_doctor::rule::version::Version;
use clap::Args;

use super::{BundlePaths, Output, RunFlags};

/// Say what stands against an upgrade.
#[derive(Debug, Args)]
pub(crate) struct Preflight {
    #[command(flatten)]
    pub(crate) bundle: BundlePaths,
    /// Format of the checks
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
    /// The version that the cluster is to be upgraded to
    #[arg(long, value_name = "VERSION", value_parser = version)]
    pub(crate) to: Option<Version>,
    #[command(flatten)]
    pub(crate) run: RunFlags,
}

pub(super) const CODES: &str = "\
Each check is made as Harvester's webhook and pre-check script make it, and some that they leave
out. What a bundle does not show is not computable: a cluster is never said to be ready.

Exit codes:
  0    checked; no failed check at or above --fail-on
  1    checked; a failed check at or above --fail-on
  2    wrong use: flags, arguments
  3    the bundle does not exist, cannot be read, or holds no bundle at all
  4    a rule file is wrong
  5    the report could not be written
  101  a defect of bundle-doctor; please report it";

fn version(text: &str) -> Result<Version, String> {
    let wrong = || format!("`{text}` is no version: write one such as v1.5.0");
    Version::parse(text).ok_or_else(wrong)
}
