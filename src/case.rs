//! Tests of rules: small clusters and logs stated beside a rule, and what it must say of them.
//!
//! A case file holds the cases of one rule (`<id>.test.yaml` beside `<id>.yaml`). Each case is read
//! and diagnosed as a bundle is: only the archive around it is missing.

mod compare;
mod coverage;
mod expect;
mod file;
mod objects;
mod run;
mod shapes;
pub mod snapshot;
mod stamp;
pub mod suite;
#[cfg(test)]
mod tests;

use crate::archive::Archive;
use crate::evaluate::Branches;
use crate::finding::Finding;
use crate::rule::RuleSet;
use crate::rule::mistake::{Level, Mistake, Mistakes};
use crate::rule::shape::{Wants, json_schema};
use crate::rule::source::RuleSource;

/// Fetches what a case file names: texts beside it, whole bundles.
pub trait Loader {
    /// The text of a file that a case file names.
    ///
    /// # Errors
    /// Why it cannot be read, in one sentence.
    fn text(&self, path: &str) -> Result<String, String>;

    /// The bundle that a case names; `None` if only another runner can make it.
    ///
    /// # Errors
    /// Why it cannot be opened, in one sentence.
    fn bundle(&self, path: &str) -> Result<Option<Archive>, String>;
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
    /// Cases of the file's snapshot that are no more.
    pub gone: Vec<String>,
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
    /// What the rule found, whether expected or not.
    pub findings: Vec<Finding>,
    /// Why the rule could not be evaluated, or not everywhere.
    pub not_evaluated: Option<String>,
    /// The optional parts of the rule that applied.
    pub branches: Branches,
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
    /// Went as expected, but reads otherwise than in the snapshot that was kept.
    Changed,
    /// Was not run, for only another runner can make its bundle.
    Skipped,
}

impl Outcome {
    /// Whether the case went as its author expects.
    pub fn passed(self) -> bool {
        matches!(self, Outcome::Reported | Outcome::Quiet | Outcome::Skipped)
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
            Outcome::Changed => "CHANGED",
            Outcome::Skipped => "skipped",
        }
    }
}

impl FileOutcome {
    /// Whether the file is sound and each of its cases went as expected.
    pub fn passed(&self) -> bool {
        let sound = !self.has_error() && self.gone.is_empty();
        sound && self.cases.iter().all(|case| case.outcome.passed())
    }

    /// The cases that were run.
    pub fn ran(&self) -> impl Iterator<Item = &CaseOutcome> {
        let ran = |case: &&CaseOutcome| case.outcome != Outcome::Skipped;
        self.cases.iter().filter(ran)
    }

    /// Whether a case shows that the rule finds something.
    pub fn has_firing(&self) -> bool {
        self.cases.iter().any(|case| case.fires)
    }

    /// Whether a case shows that the rule is silent where it should be.
    pub fn has_silent(&self) -> bool {
        self.cases.iter().any(|case| !case.fires)
    }

    /// Whether the file itself is wrong.
    pub fn has_error(&self) -> bool {
        self.mistakes
            .iter()
            .any(|mistake| mistake.level == Level::Error)
    }
}

/// What a case file looks like, as JSON Schema: for editors, which complete and check by it.
pub fn file_schema() -> serde_json::Value {
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
        gone: Vec::new(),
    }
}

/// What comes of a file that cannot be read.
fn unreadable(name: &str, reason: &str) -> FileOutcome {
    let source = RuleSource::new(name, "");
    let mut mistakes = Mistakes::new(&source);
    mistakes.error_of_file("BD001", reason);
    FileOutcome {
        file: name.to_owned(),
        rule: None,
        mistakes: mistakes.into_list(),
        cases: Vec::new(),
        gone: Vec::new(),
    }
}
