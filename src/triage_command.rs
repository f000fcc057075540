//! The `triage` command: finds bundles, has each analysed, and writes rows, groups and reports.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use bundle_doctor::archive::Found;
use bundle_doctor::evaluate::Engine;
use bundle_doctor::report::triage::{Table, Totals, write_json};
use bundle_doctor::report::{self, Format, Report};
use bundle_doctor::triage::{self, Groups, Outcome, Row};
use jiff::Timestamp;

use crate::cli::ReportOutput;
use crate::cli::triage::{Triage, TriageOutput};
use crate::{Prepared, Stop, outcome, terminal};

/// Runs it; the result is the exit code.
pub(crate) fn run(command: &Triage) -> Result<u8, Stop> {
    let flags = &command.run;
    let Prepared { rules, ignored, .. } = crate::prepare(flags, &[], |_| ())?;
    let engine = Engine::new(&rules).map_err(|errors| Stop(outcome::BAD_RULE, errors.into()))?;
    // As in `analyze`: the process ends after this.
    let rules = ManuallyDrop::new(rules);
    let engine = ManuallyDrop::new(engine.ignoring(ignored.clone()));
    let search = triage::find(&command.paths);
    let reports = match &command.reports {
        Some(directory) => Some(Reports::new(
            directory,
            command.reports_output,
            &search.found,
        )?),
        None => None,
    };
    let keep = |found: &Found, report: &Report| reports.as_ref()?.keep(found, report);
    let limits = crate::limits(&flags.limits);
    let triage = triage::Triage {
        rules: &rules,
        engine: &engine,
        limits: &limits,
        mask: !flags.no_mask,
    };

    let bar = terminal::count_bar(
        !flags.no_progress && !flags.quiet,
        search.found.len() as u64,
    );
    let style = terminal::style(flags.color, flags.output_file.is_some());
    let table = Table::new(&search.found, style, flags.verbose);
    let mut seen = Seen::default();
    let mut totals = Totals {
        skipped: search.skipped,
    };
    let text = command.output == TriageOutput::Text;
    crate::write_to(flags.output_file.as_deref(), |out| {
        if text {
            let tool = bundle_doctor::tool(&rules, &engine);
            bar.pause(|| table.write_head(&tool, search.found.len(), out))?;
        }
        triage.run(&search.found, &keep, &mut |outcome| {
            let row = match outcome {
                Outcome::Row(row) => row,
                Outcome::NoBundle => {
                    totals.skipped += 1;
                    bar.advance();
                    return Ok(());
                }
            };
            seen.add(&row);
            bar.pause(|| {
                match command.output {
                    TriageOutput::Text => table.write_row(&row, out)?,
                    TriageOutput::Jsonl => write_json(&row, out)?,
                }
                // Each row is of use as soon as it is there.
                out.flush()
            })?;
            bar.advance();
            Ok(())
        })?;
        if text {
            bar.pause(|| table.write_groups(&seen.groups, totals, out))?;
        }
        Ok(())
    })?;
    bar.finish();
    crate::warn_of_expired(flags, &ignored, seen.latest);
    if !text && totals.skipped > 0 && !flags.quiet {
        // The rows are what the run is for, so a broken stderr is no error.
        let _ = writeln!(io::stderr(), "{}", totals.words());
    }
    if let Some(reports) = reports {
        reports.finish()?;
    }
    if seen.analysed == 0 {
        let failed = seen.groups.counts().1;
        let error = match failed {
            0 => miette::miette!("no bundle was found"),
            _ => miette::miette!("none of the bundles could be read"),
        };
        return Err(Stop(outcome::NO_BUNDLE, error));
    }
    Ok(crate::exit_code(seen.worst, flags.fail_on))
}

/// What is kept of the rows that went by.
#[derive(Default)]
struct Seen {
    groups: Groups,
    analysed: usize,
    worst: Option<bundle_doctor::finding::Severity>,
    /// When the newest bundle was collected.
    latest: Option<Timestamp>,
}

impl Seen {
    fn add(&mut self, row: &Row) {
        self.groups.add(row);
        self.analysed += usize::from(row.failure.is_none());
        self.worst = self.worst.max(row.findings.worst());
        self.latest = self
            .latest
            .max(row.bundle.as_ref().and_then(|it| it.collected_at));
    }
}

/// The directory of full reports.
struct Reports {
    directory: PathBuf,
    format: ReportOutput,
    /// Names by the first path of their bundle.
    names: BTreeMap<PathBuf, String>,
    /// What could not be written. A full disk must not cost the rows of the other bundles.
    failed: Mutex<Vec<(String, io::Error)>>,
}

impl Reports {
    fn new(directory: &Path, format: ReportOutput, found: &[Found]) -> Result<Reports, Stop> {
        std::fs::create_dir_all(directory).map_err(|error| {
            let shown = directory.display();
            let error = miette::miette!("the directory {shown} cannot be made: {error}");
            Stop(outcome::NOT_WRITTEN, error)
        })?;
        let ending = match format {
            ReportOutput::Text => "txt",
            ReportOutput::Json => "json",
            ReportOutput::Yaml => "yaml",
            ReportOutput::Markdown => "md",
        };
        let paths = found.iter().filter_map(|found| found.paths.first());
        Ok(Reports {
            directory: directory.to_owned(),
            format,
            names: names(paths, ending),
            failed: Mutex::default(),
        })
    }

    /// Writes the report of a bundle, whole or not at all; the name that it has then.
    fn keep(&self, found: &Found, report: &Report) -> Option<String> {
        let name = self.names.get(found.paths.first()?)?;
        let format = match self.format {
            ReportOutput::Text => Format::Text(report::TextOptions::default()),
            ReportOutput::Json => Format::Json,
            ReportOutput::Yaml => Format::Yaml,
            ReportOutput::Markdown => Format::Markdown(report::MarkdownOptions::default()),
        };
        let written = report::write_whole(&self.directory.join(name), |out| {
            report::write(report, format, out)
        });
        match written {
            Ok(()) => Some(name.clone()),
            Err(error) => {
                let mut failed = self.failed.lock().unwrap_or_else(|it| it.into_inner());
                failed.push((name.clone(), error));
                None
            }
        }
    }

    fn finish(self) -> Result<(), Stop> {
        let mut failed = self
            .failed
            .into_inner()
            .unwrap_or_else(|it| it.into_inner());
        failed.sort_by(|one, other| one.0.cmp(&other.0));
        match failed.first() {
            None => Ok(()),
            Some((name, error)) => Err(Stop(
                outcome::NOT_WRITTEN,
                miette::miette!(
                    "{} of the reports could not be written, the first of them {name}: {error}",
                    failed.len()
                ),
            )),
        }
    }
}

/// Bytes of a name that are kept: with the rest, it stays below what file systems allow.
const LONGEST_NAME: usize = 160;

/// A name for the report of each bundle: its own, of plain characters alone, and a number where
/// another has it already. A file system may not tell small letters from capitals.
fn names<'a>(paths: impl Iterator<Item = &'a PathBuf>, ending: &str) -> BTreeMap<PathBuf, String> {
    let mut taken = BTreeSet::new();
    let mut names = BTreeMap::new();
    for path in paths {
        let own = path.file_name().unwrap_or_default().to_string_lossy();
        let plain = |c: char| match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' | '_' => c,
            _ => '_',
        };
        let own: String = own.chars().map(plain).take(LONGEST_NAME).collect();
        let own = match own.trim_start_matches('.') {
            "" => "bundle",
            own => own,
        };
        let mut name = format!("{own}.{ending}");
        let mut number = 1;
        while !taken.insert(name.to_ascii_lowercase()) {
            number += 1;
            name = format!("{own}-{number}.{ending}");
        }
        names.insert(path.clone(), name);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_reports_are_safe_and_no_two_are_alike() {
        let paths = [
            "a/x.zip",
            "b/x.zip",
            "b/X.zip",
            "c/x.zip-2",
            "d/..",
            "e/.hidden",
            "f/ü \n$(rm).zip",
            "g/x.zip",
        ];
        let paths: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
        let names = names(paths.iter(), "json");
        let of = |path: &str| names[Path::new(path)].as_str();
        assert_eq!(of("a/x.zip"), "x.zip.json");
        assert_eq!(of("b/x.zip"), "x.zip-2.json");
        assert_eq!(of("b/X.zip"), "X.zip-3.json");
        assert_eq!(of("c/x.zip-2"), "x.zip-2-2.json");
        assert_eq!(of("d/.."), "bundle.json");
        assert_eq!(of("e/.hidden"), "hidden.json");
        assert_eq!(of("f/ü \n$(rm).zip"), "_____rm_.zip.json");
        assert_eq!(of("g/x.zip"), "x.zip-4.json");
        let long = [PathBuf::from("ü".repeat(200))];
        assert!(
            super::names(long.iter(), "json")
                .values()
                .all(|it| it.len() < 200)
        );
    }
}
