//! The command line: types of clap and nothing else.

pub(crate) mod preflight;
pub(crate) mod rules;
pub(crate) mod timeline;
pub(crate) mod triage;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Reads Harvester support bundles and says what broke, why, and what to do.
#[derive(Debug, Parser)]
#[command(name = "bundle-doctor", version, about, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Read one bundle and print the diagnosis
    #[command(after_help = EXIT_CODES)]
    Analyze(Box<Analyze>),
    /// Say what stands against an upgrade: each check passed, failed or not computable
    #[command(after_help = preflight::CODES)]
    Preflight(Box<preflight::Preflight>),
    /// Read many bundles, and say in a line of each what is wrong; then which share a root cause
    #[command(after_help = triage::CODES)]
    Triage(Box<triage::Triage>),
    /// Say what happened when: events, conditions, log hits, boots and upgrade steps in one order
    #[command(after_help = timeline::CODES)]
    Timeline(Box<timeline::Timeline>),
    /// List, explain, check and test rules, and write new ones
    Rules(rules::Rules),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the man page of the program or of one command
    Man {
        /// The command, such as `rules test`
        command: Vec<String>,
    },
}

const EXIT_CODES: &str = "\
Exit codes:
  0    analysed; nothing at or above --fail-on
  1    analysed; a finding at or above --fail-on
  2    wrong use: flags, arguments
  3    the bundle does not exist, cannot be read, or holds no bundle at all
  4    a rule file is wrong
  5    the report could not be written
  101  a defect of bundle-doctor; please report it";

/// What `analyze` takes.
#[derive(Debug, Args)]
pub(crate) struct Analyze {
    #[command(flatten)]
    pub(crate) bundle: BundlePaths,
    /// Format of the report; markdown is cut to what an issue on GitHub may hold
    #[arg(short, long, value_enum, default_value_t = ReportOutput::Text)]
    pub(crate) output: ReportOutput,
    /// Say on stderr why this rule fired or not, by id or alias (repeatable)
    #[arg(long, value_name = "ID")]
    pub(crate) trace: Vec<String>,
    /// Show findings that a rule's own exception or --ignore suppressed, with the reason
    #[arg(long)]
    pub(crate) show_suppressed: bool,
    /// Show findings of this severity and above; JSON and YAML always hold all
    #[arg(long, value_enum, default_value_t = Level::Warning)]
    pub(crate) min_severity: Level,
    #[command(flatten)]
    pub(crate) ask: timeline::AskFlags,
    #[command(flatten)]
    pub(crate) run: RunFlags,
}

/// The bundle of a command that reads one.
#[derive(Debug, Args)]
pub(crate) struct BundlePaths {
    /// A .zip, .tar, .tar.gz, an extracted directory, a node's zip, a supportconfig .txz, or all
    /// parts of one split archive
    #[arg(required = true, value_name = "BUNDLE")]
    pub(crate) paths: Vec<PathBuf>,
}

/// What each command takes that applies rules to bundles.
#[derive(Debug, Args)]
pub(crate) struct RunFlags {
    /// Write the report to this file, whole or not at all
    #[arg(long, value_name = "PATH")]
    pub(crate) output_file: Option<PathBuf>,
    /// Directory of rules that add to the built-in ones or override them (repeatable)
    #[arg(short, long, value_name = "DIR")]
    pub(crate) rules: Vec<PathBuf>,
    /// Only rules of this id or category (repeatable)
    #[arg(long, value_name = "ID|CATEGORY")]
    pub(crate) only: Vec<String>,
    /// No rules of this id or category (repeatable)
    #[arg(long, value_name = "ID|CATEGORY")]
    pub(crate) skip: Vec<String>,
    /// Set a constant of a rule (repeatable)
    #[arg(long, value_name = "RULE.NAME=VALUE")]
    pub(crate) param: Vec<String>,
    /// Findings that are accepted: a YAML list of `{rule, subject, reason, until}`
    #[arg(long, value_name = "FILE")]
    pub(crate) ignore: Option<PathBuf>,
    /// Show secrets that were found in lines and values
    #[arg(long)]
    pub(crate) no_mask: bool,
    /// Exit with 1 if there is a finding, or a failed check, of this severity or above
    #[arg(long, value_enum, default_value_t = FailOn::Never)]
    pub(crate) fail_on: FailOn,
    /// Threads to work with (default: one per core)
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<std::num::NonZeroUsize>,
    /// When to colour the report
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
    /// No progress bar on the terminal
    #[arg(long)]
    pub(crate) no_progress: bool,
    /// Nothing but the report
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// All that the report otherwise cuts short, such as evidence and rules that were not evaluated
    #[arg(short, long)]
    pub(crate) verbose: bool,
    // Last, since what comes after would stand below its heading.
    #[command(flatten)]
    pub(crate) limits: LimitFlags,
}

/// Limits on archives. What exceeds one is reported and left out; the rest is still read.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits on archives")]
pub(crate) struct LimitFlags {
    /// Most files in all archives together
    #[arg(long, value_name = "N")]
    pub(crate) max_entries: Option<u64>,
    /// Most bytes of all files together, inflated (such as 64Gi)
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) max_size: Option<u64>,
    /// Most bytes of one file, inflated
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) max_entry_size: Option<u64>,
    /// Most bytes that one packed byte may inflate to
    #[arg(long, value_name = "N")]
    pub(crate) max_ratio: Option<u64>,
    /// Deepest nesting of archives in archives
    #[arg(long, value_name = "N")]
    pub(crate) max_nesting: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    Text,
    Json,
    Yaml,
}

/// Forms of a whole report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportOutput {
    Text,
    Json,
    Yaml,
    Markdown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Level {
    Critical,
    Error,
    Warning,
    Info,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    Critical,
    Error,
    Warning,
    Info,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

/// A size with a unit as Kubernetes writes it: `512Mi`, `20G`, `1000000`.
fn size(text: &str) -> Result<u64, String> {
    use bundle_doctor::rule::quantity::{Number, parse};
    let wrong = || {
        format!(
            "`{text}` is no size: write a number of bytes, or one with a unit such as 512Mi or 20G"
        )
    };
    match parse(text) {
        Some(Number::Integer(bytes)) => u64::try_from(bytes).map_err(|_| wrong()),
        _ => Err(wrong()),
    }
}
