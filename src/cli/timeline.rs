//! What `timeline` takes, and what it shares with `analyze`: an object and a time to ask about.

use bundle_doctor::about::{Question, Since};
use bundle_doctor::parse::time;
use bundle_doctor::rule::duration;
use clap::Args;
use jiff::{SignedDuration, Timestamp};

use super::{BundlePaths, Output, RunFlags};

/// Say what happened when.
#[derive(Debug, Args)]
pub(crate) struct Timeline {
    #[command(flatten)]
    pub(crate) bundle: BundlePaths,
    /// Format of the timeline
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
    #[command(flatten)]
    pub(crate) ask: AskFlags,
    #[command(flatten)]
    pub(crate) run: RunFlags,
}

/// An object and a time to ask about.
#[derive(Debug, Args)]
pub(crate) struct AskFlags {
    /// Everything known of one object and what belongs to it: node/harv-2, vm/default/db1,
    /// pvc/default/data, volume/pvc-…, upgrade
    #[arg(long, value_name = "KIND/NAME")]
    pub(crate) about: Option<String>,
    /// Only what was seen in the last so long before the bundle was collected, such as 24h or 2d12h
    #[arg(long, value_name = "DURATION", value_parser = length, conflicts_with = "since_time")]
    pub(crate) since: Option<SignedDuration>,
    /// Only what was seen at this time or later, such as 2025-03-07T06:00:00Z
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(crate) since_time: Option<Timestamp>,
}

impl AskFlags {
    pub(crate) fn question(&self) -> Question {
        let since = self.since.map(Since::Last);
        Question {
            about: self.about.clone(),
            since: since.or_else(|| self.since_time.map(Since::Time)),
        }
    }
}

pub(super) const CODES: &str = "\
The text shows what is notable, at most 150 lines of it; -v shows all, each with its place in the
bundle. JSON and YAML hold all entries and mark the notable ones.

Exit codes:
  0    read; no finding at or above --fail-on
  1    read; a finding at or above --fail-on
  2    wrong use: flags, arguments, an object that the bundle does not know
  3    the bundle does not exist, cannot be read, or holds no bundle at all
  4    a rule file is wrong
  5    the timeline could not be written
  101  a defect of bundle-doctor; please report it";

fn length(text: &str) -> Result<SignedDuration, String> {
    let wrong = || format!("`{text}` is no length of time: write one such as 24h, 90m or 2d12h");
    duration::parse(text)
        .filter(|length| length.is_positive())
        .ok_or_else(wrong)
}

fn moment(text: &str) -> Result<Timestamp, String> {
    let wrong = || format!("`{text}` is no time: write one such as 2025-03-07T06:00:00Z");
    time::timestamp(text).ok_or_else(wrong)
}
