//! Tests of rules: small clusters and logs stated beside a rule, and what it must say of them.
//!
//! A case file holds the cases of one rule (`<id>.test.yaml` beside `<id>.yaml`). Each case is read
//! and diagnosed as a bundle is: only the archive around it is missing.

mod compare;
mod expect;
mod file;
mod objects;
mod run;
mod shapes;
mod stamp;

use std::fmt;

use crate::archive::Archive;
use crate::rule::RuleSet;
use crate::rule::mistake::{Level, Mistake};
use crate::rule::shape::{Wants, json_schema};

/// Fetches what a case file names: texts beside it, whole bundles.
pub trait Loader {
    /// The text of a file that a case file names.
    ///
    /// # Errors
    /// Why it cannot be read, in one sentence.
    fn text(&self, path: &str) -> Result<String, String>;

    /// The bundle that a case names.
    ///
    /// # Errors
    /// Why it cannot be opened, in one sentence.
    fn bundle(&self, path: &str) -> Result<Archive, String>;
}

/// What came of the cases of a file.
#[derive(Debug)]
pub struct FileOutcome {
    /// The file's name.
    pub file: String,
    /// The rule it tests, where the file says so and there is one.
    pub rule: Option<String>,
    /// What is wrong in the file itself; with an error no case is run.
    pub mistakes: Vec<Mistake>,
    /// The cases in the order of the file.
    pub cases: Vec<CaseOutcome>,
}

/// What came of one case.
#[derive(Debug)]
pub struct CaseOutcome {
    /// The case's name.
    pub name: String,
    /// 1-based line of the file at which the name stands.
    pub line: usize,
    /// How it went.
    pub outcome: Outcome,
    /// Whether it is there to show that the rule finds something.
    pub fires: bool,
    /// What differs, line by line; empty where all is as expected.
    pub difference: Vec<String>,
}

/// How a case went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Found what it should, as it should.
    Reported,
    /// Found nothing, as it should.
    Quiet,
    /// Did not find what it should.
    Missing,
    /// Found what it should not.
    Noisy,
    /// Found the right thing, and said something else of it than expected.
    Wrong,
    /// Was silent because the case lacks what the rule needs, and the case does not say so.
    NotEvaluated,
}

impl Outcome {
    /// Whether the case went as its author expects.
    pub fn passed(self) -> bool {
        matches!(self, Outcome::Reported | Outcome::Quiet)
    }

    /// A word for it.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Reported => "reported",
            Outcome::Quiet => "quiet",
            Outcome::Missing => "MISSING",
            Outcome::Noisy => "NOISY",
            Outcome::Wrong => "WRONG",
            Outcome::NotEvaluated => "NOT EVALUATED",
        }
    }
}

impl FileOutcome {
    /// Whether the file is sound and each of its cases went as expected.
    pub fn passed(&self) -> bool {
        !self.has_error() && self.cases.iter().all(|case| case.outcome.passed())
    }

    /// Whether a case shows that the rule finds something.
    pub fn has_firing(&self) -> bool {
        self.cases.iter().any(|case| case.fires)
    }

    /// Whether a case shows that the rule is silent where it should be.
    pub fn has_silent(&self) -> bool {
        self.cases.iter().any(|case| !case.fires)
    }

    fn has_error(&self) -> bool {
        self.mistakes
            .iter()
            .any(|mistake| mistake.level == Level::Error)
    }
}

/// What a case file looks like, as JSON Schema: for editors, which complete and check by it.
pub fn schema() -> serde_json::Value {
    static FILE: Wants = Wants::Map(&shapes::FILE);
    json_schema(&FILE, "Cases of a rule of bundle-doctor")
}

/// Runs all cases of a file. `rules` holds the rule it tests, and those that its cases name beside it.
pub fn run_file(name: &str, text: &str, rules: &RuleSet, loader: &dyn Loader) -> FileOutcome {
    let (file, mut mistakes) = file::read(name, text, rules, loader);
    let cases = match &file {
        Some(file) => run::cases(file, rules, loader, &mut mistakes),
        None => Vec::new(),
    };
    FileOutcome {
        file: name.to_owned(),
        rule: file.map(|file| file.rule),
        mistakes,
        cases,
    }
}

/// For people: a line for each case, and below it what differs.
impl fmt::Display for FileOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.file)?;
        for mistake in &self.mistakes {
            let line = mistake.line().map(|line| format!(":{line}"));
            let line = line.unwrap_or_default();
            writeln!(f, "  {}{line}: {}", mistake.file(), mistake.message)?;
            if let Some(help) = &mistake.help {
                writeln!(f, "    {help}")?;
            }
        }
        for case in &self.cases {
            writeln!(f, "  {:<8} {}", case.outcome.word(), case.name)?;
            if !case.difference.is_empty() {
                writeln!(f, "           {}:{}", self.file, case.line)?;
            }
            for line in &case.difference {
                writeln!(f, "           {line}")?;
            }
        }
        Ok(())
    }
}
