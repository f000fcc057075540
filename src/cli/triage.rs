//! What `triage` takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{ReportOutput, RunFlags};

/// Read many bundles, and say in a line of each what is wrong.
#[derive(Debug, Args)]
pub(crate) struct Triage {
    /// Bundles in any form that `analyze` reads, and directories that are searched for some
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Format of the rows
    #[arg(short, long, value_enum, default_value_t = TriageOutput::Text)]
    pub(crate) output: TriageOutput,
    /// Write the full report of each bundle into this directory
    #[arg(long, value_name = "DIR")]
    pub(crate) reports: Option<PathBuf>,
    /// Format of these reports
    #[arg(long, value_enum, default_value_t = ReportOutput::Json, requires = "reports", value_name = "FORMAT")]
    pub(crate) reports_output: ReportOutput,
    #[command(flatten)]
    pub(crate) run: RunFlags,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TriageOutput {
    /// A line for each bundle, and all by root cause at the end
    Text,
    /// A line of JSON for each bundle
    Jsonl,
}

pub(super) const CODES: &str = "\
Directories are searched with all in them. Pieces of a split archive and an extracted directory are
one bundle each. A file in a directory that is no bundle is skipped and counted; one that is named
here, or that ought to be a bundle and cannot be read, has a row with the reason.

Exit codes:
  0    triaged; nothing at or above --fail-on
  1    triaged; a finding at or above --fail-on in one of the bundles
  2    wrong use: flags, arguments
  3    there is no bundle at all, or none that could be read
  4    a rule file is wrong
  5    the rows or one of the reports could not be written
  101  a defect of bundle-doctor; please report it";
