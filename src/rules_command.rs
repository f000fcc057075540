//! The `rules` commands: loads, asks the library, has it written, and says how it ended.

mod new;

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use bundle_doctor::case::FileOutcome;
use bundle_doctor::case::suite::Suite;
use bundle_doctor::evaluate::Engine;
use bundle_doctor::report::catalogue::{self, RuleDetail, RuleList};
use bundle_doctor::report::relations::{self, RelationList};
use bundle_doctor::report::{self, Style, cases, dialect, mistakes};
use bundle_doctor::rule::mistake::{Level, Mistake};
use bundle_doctor::rule::{Category, RuleSet};
use serde::Serialize;

use crate::cli::Output;
use crate::cli::rules::{Check, List, Rules, RulesCommand, Show, Test};
use crate::{Stop, outcome, terminal, usage, written};

/// Runs one of them; the result is the exit code.
pub(crate) fn run(rules: &Rules) -> Result<u8, Stop> {
    let style = terminal::style(rules.color, false);
    terminal::color_mistakes(style.color);
    match &rules.command {
        RulesCommand::List(list) => self::list(list, style),
        RulesCommand::Show(show) => self::show(show, style),
        RulesCommand::Check(check) => self::check(check),
        RulesCommand::Test(test) => self::test(test, style),
        RulesCommand::New(new) => new::run(new),
        RulesCommand::Dialect => to_stdout(|out| dialect::write(style, out)).map(|()| 0),
        RulesCommand::Relations { output } => {
            let list = RelationList::new();
            print(*output, &list, |out| {
                relations::write(&list, style.color, out)
            })
        }
    }
}

/// The built-in rules and those of these directories.
pub(crate) fn load(directories: &[PathBuf]) -> Result<RuleSet, Stop> {
    RuleSet::load(directories).map_err(|errors| Stop(outcome::BAD_RULE, errors.into()))
}

/// The user's own directory of rules, where there is one, before those that were named.
pub(crate) fn with_own(named: &[PathBuf]) -> Vec<PathBuf> {
    let own = own_directory().filter(|directory| directory.is_dir());
    own.into_iter().chain(named.iter().cloned()).collect()
}

/// Where a user's own rules are looked for.
fn own_directory() -> Option<PathBuf> {
    let config = std::env::var_os("XDG_CONFIG_HOME").filter(|directory| !directory.is_empty());
    let config = config
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".config")));
    config.map(|config| config.join("bundle-doctor").join("rules"))
}

fn list(list: &List, style: Style) -> Result<u8, Stop> {
    let packs = with_own(&list.packs.rules);
    let rules = load(&packs)?;
    let selection = &list.selection;
    let rules = rules.filter(&selection.only, &selection.skip);
    // There is no room for their names in a table.
    let suite = match list.output {
        Output::Text => Suite::default(),
        Output::Json | Output::Yaml => suite_of(&packs),
    };
    let listed = RuleList::new(&rules.map_err(usage)?, &suite);
    print(list.output, &listed, |out| {
        catalogue::write_list(&listed, style.color, terminal::width(), out)
    })
}

fn show(show: &Show, style: Style) -> Result<u8, Stop> {
    let packs = with_own(&show.packs.rules);
    let rules = load(&packs)?;
    if rules.get(&show.rule).is_none() && Category::parse(&show.rule).is_some() {
        let name = &show.rule;
        return Err(usage(format!(
            "`{name}` is a category: `rules list --only {name}` lists its rules"
        )));
    }
    let rule = rules.find(&show.rule).map_err(usage)?;
    let detail = RuleDetail::new(rule, &rules, &suite_of(&packs));
    print(show.output, &detail, |out| {
        catalogue::write_rule(&detail, style, out)
    })
}

/// The cases of the built-in rules and those of packs.
fn suite_of(packs: &[PathBuf]) -> Suite {
    let add = |suite: Suite, pack: &PathBuf| suite.and_below(pack);
    packs.iter().fold(Suite::built_in(), add)
}

/// Writes to stdout, in a form that is asked for.
fn print(
    output: Output,
    value: &impl Serialize,
    text: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<u8, Stop> {
    to_stdout(|out| match output {
        Output::Text => text(out),
        Output::Json => report::json::write(value, out),
        Output::Yaml => report::yaml::write(value, out),
    })?;
    Ok(0)
}

fn to_stdout(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Stop> {
    let mut out = BufWriter::new(io::stdout().lock());
    written(write(&mut out).and_then(|()| out.flush()))
}

/// Rules that are named on the command line, else all that a run would use.
fn packs(directories: &[PathBuf], beside: &[PathBuf]) -> Vec<PathBuf> {
    match directories {
        [] => with_own(beside),
        // What a user keeps for himself must not decide whether a directory is sound.
        named => beside.iter().chain(named).cloned().collect(),
    }
}

fn check(check: &Check) -> Result<u8, Stop> {
    let directories = packs(&check.directories, &check.packs.rules);
    let (rules, found) = checked(&directories);
    to_stdout(|out| {
        mistakes::write(&found, out)?;
        mistakes::write_summary(&found, rules.as_ref(), out)
    })?;
    let worst = if check.strict {
        Level::Warning
    } else {
        Level::Error
    };
    let is_wrong = found.iter().any(|mistake| mistake.level <= worst);
    Ok(if is_wrong { outcome::BAD_RULE } else { 0 })
}

/// The rules, if all can be read, and every mistake.
fn checked(directories: &[PathBuf]) -> (Option<RuleSet>, Vec<Mistake>) {
    let rules = match RuleSet::load_checked(directories) {
        Ok(rules) => rules,
        Err(errors) => return (None, errors.mistakes),
    };
    let mut errors = rules.warnings().clone();
    if let Err(more) = Engine::new(&rules) {
        errors.mistakes.extend(more.mistakes);
        errors.sort();
    }
    (Some(rules), errors.mistakes)
}

fn test(test: &Test, style: Style) -> Result<u8, Stop> {
    let directories = packs(&test.directories, &test.packs.rules);
    let rules = load(&directories)?;
    let selection = &test.selection;
    let selected = rules.clone().filter(&selection.only, &selection.skip);
    let selected = selected.map_err(usage)?;
    let suite = match test.directories.as_slice() {
        [] => suite_of(&with_own(&[])),
        named => (named.iter()).fold(Suite::default(), |suite, pack| suite.and_below(pack)),
    };
    let mut files = suite.run(&rules, &selected);
    if test.update {
        update(&suite, &files)?;
    } else {
        suite.compare(&mut files, &cases::snapshot);
    }
    let gaps = match test.strict {
        true => suite.gaps(&selected, &files),
        false => Vec::new(),
    };
    to_stdout(|out| {
        cases::write(&files, test.verbose, style, out)?;
        if !gaps.is_empty() {
            mistakes::write(&gaps, out)?;
        }
        cases::write_summary(&files, &gaps, out)
    })?;
    let is_gap = gaps.iter().any(|gap| gap.level == Level::Error);
    Ok(if files.iter().any(FileOutcome::has_error) {
        outcome::BAD_RULE
    } else if is_gap || !files.iter().all(FileOutcome::passed) {
        outcome::FOUND
    } else {
        0
    })
}

/// Keeps what was found, and takes away what belongs to no case file.
fn update(suite: &Suite, files: &[FileOutcome]) -> Result<(), Stop> {
    let failed = |path: &PathBuf, error: io::Error| {
        let message = format!("{} could not be written: {error}", path.display());
        Stop(outcome::NOT_WRITTEN, miette::miette!("{message}"))
    };
    for file in files {
        let Some(path) = suite.snapshot_of(file) else {
            continue;
        };
        let text = cases::snapshot(file);
        let directory = path.parent().map_or(Ok(()), fs::create_dir_all);
        let write = |out: &mut dyn Write| out.write_all(text.as_bytes());
        directory
            .and_then(|()| report::write_whole(&path, write))
            .map_err(|error| failed(&path, error))?;
    }
    for path in suite.stale_snapshots() {
        fs::remove_file(&path).map_err(|error| failed(&path, error))?;
    }
    Ok(())
}
