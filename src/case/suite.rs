//! All case files of some packs: those in the program, those below directories.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::archive::{Archive, Limits};
use crate::rule::mistake::Mistake;
use crate::rule::{RuleSet, files};

use super::{FileOutcome, Loader, coverage, file, run_file, snapshot, unreadable};

/// Case files, and the rule files that they stand beside.
#[derive(Debug, Default)]
pub struct Suite {
    cases: Vec<CaseText>,
    /// Names of the rule files.
    rules: BTreeSet<String>,
}

/// A case file.
#[derive(Debug)]
struct CaseText {
    name: String,
    text: Result<String, String>,
    /// Its path, unless it is in the program.
    path: Option<PathBuf>,
}

impl Suite {
    /// The cases of the built-in rules, as they are in the program.
    pub fn built_in() -> Suite {
        let mut suite = Suite::default();
        suite.add(files::built_in(files::is_cases), false);
        suite.stand_beside(files::built_in(files::is_rule));
        suite
    }

    /// The cases below a directory beside those that are there already.
    #[must_use]
    pub fn and_below(mut self, directory: &Path) -> Suite {
        self.add(files::below(directory, files::is_cases), true);
        self.stand_beside(files::below(directory, files::is_rule));
        self
    }

    fn add(&mut self, found: Vec<files::File>, on_disk: bool) {
        let cases = found.into_iter().map(|file| CaseText {
            path: on_disk.then(|| PathBuf::from(&file.name)),
            name: file.name,
            text: file.text,
        });
        self.cases.extend(cases);
    }

    fn stand_beside(&mut self, found: Vec<files::File>) {
        self.rules.extend(found.into_iter().map(|file| file.name));
    }

    /// Names of the cases of a rule.
    pub fn names_of(&self, rule: &str) -> Vec<String> {
        let files = self.cases.iter();
        let own = files.filter(|case| id(Path::new(&case.name)) == rule);
        own.filter_map(|case| case.text.as_deref().ok())
            .flat_map(file::names)
            .collect()
    }

    /// Runs the cases of the `selected` rules, all of `rules` being at hand. What a case names is
    /// looked for beside its file, else below the working directory.
    pub fn run(&self, rules: &RuleSet, selected: &RuleSet) -> Vec<FileOutcome> {
        self.run_with(rules, selected, &|case| {
            let directory = case.and_then(Path::parent);
            Box::new(Beside(directory.map(Path::to_owned)))
        })
    }

    /// The same with a loader of the caller's, made for a case file on disk or in the program.
    pub fn run_with(
        &self,
        rules: &RuleSet,
        selected: &RuleSet,
        loader: &dyn Fn(Option<&Path>) -> Box<dyn Loader>,
    ) -> Vec<FileOutcome> {
        let is_selected = |case: &&CaseText| {
            let id = id(Path::new(&case.name));
            // What belongs to no rule is run, so that it is seen.
            rules.get(&id).is_none() || selected.get(&id).is_some()
        };
        let cases = self.cases.iter().filter(is_selected);
        cases
            .map(|case| match &case.text {
                Ok(text) => {
                    let loader = loader(case.path.as_deref());
                    run_file(&case.name, text, rules, &*loader)
                }
                Err(reason) => unreadable(&case.name, reason),
            })
            .collect()
    }

    /// What the cases of the suite's own rules leave open, of those that are `selected` (BD070).
    pub fn gaps(&self, selected: &RuleSet, outcomes: &[FileOutcome]) -> Vec<Mistake> {
        let rules = selected.rules().iter();
        let own = rules.filter(|rule| self.rules.contains(&rule.source.name));
        own.flat_map(|rule| coverage::gaps(rule, outcomes))
            .collect()
    }

    /// Compares what was found with the snapshots that were kept. `render` writes that of a file.
    pub fn compare(&self, outcomes: &mut [FileOutcome], render: &dyn Fn(&FileOutcome) -> String) {
        for outcome in outcomes {
            let path = self.snapshot_of(outcome);
            if let Some(kept) = path.and_then(|path| fs::read_to_string(path).ok()) {
                let now = render(outcome);
                snapshot::compare(outcome, &kept, &now);
            }
        }
    }

    /// Where what the cases of a file found is kept; `None` for what is in the program, and for a
    /// file of which no case was run.
    pub fn snapshot_of(&self, outcome: &FileOutcome) -> Option<PathBuf> {
        let ran = outcome.ran().next().is_some() && !outcome.has_error();
        let case = self.cases.iter().rfind(|case| case.name == outcome.file)?;
        let path = case.path.as_deref().filter(|_| ran)?;
        let directory = path.parent()?.join(snapshot::DIRECTORY);
        Some(directory.join(format!("{}.snap", id(path))))
    }

    /// Snapshots beside case files, of case files that are no more.
    pub fn stale_snapshots(&self) -> Vec<PathBuf> {
        let paths = self.cases.iter().filter_map(|case| case.path.as_deref());
        let rules = self.rules.iter().map(Path::new);
        let folders: BTreeSet<&Path> = paths.chain(rules).filter_map(Path::parent).collect();
        let known: BTreeSet<PathBuf> = (self.cases.iter())
            .filter_map(|case| {
                let path = case.path.as_deref()?;
                Some(path.parent()?.join(id(path)))
            })
            .collect();
        let snapshots = folders.into_iter().flat_map(|folder| {
            let entries = fs::read_dir(folder.join(snapshot::DIRECTORY)).into_iter();
            let paths = entries.flatten().flatten().map(|entry| entry.path());
            let mut stale: Vec<PathBuf> = paths
                .filter(|path| path.extension().is_some_and(|it| it == "snap"))
                .filter(|path| !known.contains(&folder.join(path.file_stem().unwrap_or_default())))
                .collect();
            stale.sort();
            stale
        });
        snapshots.collect()
    }
}

/// The id of the rule whose cases a file of this name holds.
pub(super) fn id(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.strip_suffix(".yaml").or(name.strip_suffix(".yml"));
    let stem = stem.unwrap_or(&name);
    stem.strip_suffix(".test").unwrap_or(stem).to_owned()
}

/// The name of a scenario that a case names as its bundle: data of this project's own tests, which
/// write a bundle from it.
pub fn scenario(path: &str) -> Option<&str> {
    path.strip_prefix("testdata/scenarios/")?
        .strip_suffix(".yaml")
}

/// Files and bundles beside a case file, else below the working directory.
struct Beside(Option<PathBuf>);

impl Beside {
    fn find(&self, path: &str) -> PathBuf {
        let beside = self.0.as_ref().map(|directory| directory.join(path));
        beside
            .filter(|beside| beside.exists())
            .unwrap_or_else(|| PathBuf::from(path))
    }
}

impl Loader for Beside {
    fn text(&self, path: &str) -> Result<String, String> {
        fs::read_to_string(self.find(path))
            .map_err(|error| format!("`{path}` cannot be read: {error}"))
    }

    fn bundle(&self, path: &str) -> Result<Option<Archive>, String> {
        if scenario(path).is_some() {
            return Ok(None);
        }
        Archive::open(&[self.find(path)], &Limits::default())
            .map(Some)
            .map_err(|error| format!("`{path}` cannot be opened: {error}"))
    }
}
