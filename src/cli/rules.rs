//! What `rules` takes.

use std::path::PathBuf;

use bundle_doctor::rule::Category;
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};

use super::{Color, Output};

/// List, explain, check and test rules, and write new ones.
#[derive(Debug, Args)]
pub(crate) struct Rules {
    #[command(subcommand)]
    pub(crate) command: RulesCommand,
    /// When to colour what is printed
    #[arg(long, value_enum, default_value_t = Color::Auto, global = true)]
    pub(crate) color: Color,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// List the rules: what is looked for
    List(List),
    /// Explain one rule
    Show(Show),
    /// Look for mistakes in rules
    #[command(after_help = CHECK_CODES)]
    Check(Check),
    /// Run the cases that stand beside rules
    #[command(after_help = TEST_CODES)]
    Test(Test),
    /// Write a new rule and its cases from a template
    New(New),
    /// List the relations between objects, and the kinds that are worked out at load
    Relations {
        /// Format of the list
        #[arg(short, long, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
    /// Explain the expressions that rules are written in: CEL, and where it differs
    Dialect,
}

const CHECK_CODES: &str = "\
Without DIR, the built-in rules and those of $XDG_CONFIG_HOME/bundle-doctor/rules are checked.

Exit codes:
  0    no error
  4    an error in a rule; with --strict, a warning as well";

const TEST_CODES: &str = "\
A file <id>.test.yaml beside <id>.yaml holds its cases: small clusters and logs, and what the rule
must say of them. Without DIR, the cases of the built-in rules and of those of
$XDG_CONFIG_HOME/bundle-doctor/rules are run. Files and bundles that a case names are looked for
beside its file, then below the working directory; a folder `testdata` holds no rules.

Exit codes:
  0    every case went as expected
  1    a case failed; with --strict, a rule lacks cases
  2    wrong use: flags, arguments
  4    a rule or a case file is wrong
  5    a snapshot could not be written";

/// Rules beside the built-in ones.
#[derive(Debug, Args)]
pub(crate) struct Packs {
    /// Directory of rules that add to the built-in ones or override them (repeatable)
    #[arg(short, long, value_name = "DIR")]
    pub(crate) rules: Vec<PathBuf>,
}

/// Which of the rules.
#[derive(Debug, Args)]
pub(crate) struct Selection {
    /// Only rules of this id or category (repeatable)
    #[arg(long, value_name = "ID|CATEGORY")]
    pub(crate) only: Vec<String>,
    /// No rules of this id or category (repeatable)
    #[arg(long, value_name = "ID|CATEGORY")]
    pub(crate) skip: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Format of the list
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
    #[command(flatten)]
    pub(crate) packs: Packs,
    #[command(flatten)]
    pub(crate) selection: Selection,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Id or alias of the rule
    #[arg(value_name = "ID")]
    pub(crate) rule: String,
    /// Format of the explanation
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
    #[command(flatten)]
    pub(crate) packs: Packs,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Directories of rules
    #[arg(value_name = "DIR")]
    pub(crate) directories: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) packs: Packs,
    /// Take warnings for errors
    #[arg(long)]
    pub(crate) strict: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Test {
    /// Directories of rules and their cases
    #[arg(value_name = "DIR")]
    pub(crate) directories: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) packs: Packs,
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// Keep what each case finds in __snapshots__ beside it, to be compared from then on
    #[arg(long, requires = "directories")]
    pub(crate) update: bool,
    /// Fail where a rule has no cases, none that fires, or none that stays silent; warn of notes
    /// and escalations that no case reaches
    #[arg(long)]
    pub(crate) strict: bool,
    /// List every case, not only those that failed
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

#[derive(Debug, Args)]
pub(crate) struct New {
    /// Id of the rule: lower case letters and digits, words joined by `-`
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Its category, which is the name of its folder
    #[arg(long, value_name = "CATEGORY", default_value = "node", value_parser = PossibleValuesParser::new(Category::ALL.map(Category::name)))]
    pub(crate) category: String,
    /// Directory of rules to write to [default: rules, if the working directory has it, else
    /// $XDG_CONFIG_HOME/bundle-doctor/rules]
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}
