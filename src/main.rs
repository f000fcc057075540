//! Parses arguments, calls the library, and turns what comes of it into an exit code.

mod cli;
mod rules_command;
mod terminal;

use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use bundle_doctor::archive::{Archive, Limits};
use bundle_doctor::evaluate::Engine;
use bundle_doctor::evaluate::trace::Trace;
use bundle_doctor::finding::Severity;
use bundle_doctor::ignore::IgnoreList;
use bundle_doctor::report::{self, Format, Report, TextOptions};
use bundle_doctor::rule::{Rule, RuleSet, Status};
use clap::{CommandFactory, Parser};
use cli::{Analyze, Cli, Command, FailOn, Level, LimitFlags, Output};

/// Exit codes that others' scripts rely on.
mod outcome {
    /// Analysed, and a finding is at or above `--fail-on`.
    pub(crate) const FOUND: u8 = 1;
    /// Flags or arguments are wrong.
    pub(crate) const USAGE: u8 = 2;
    /// There is no bundle to read.
    pub(crate) const NO_BUNDLE: u8 = 3;
    /// A rule file is wrong.
    pub(crate) const BAD_RULE: u8 = 4;
    /// The report could not be written.
    pub(crate) const NOT_WRITTEN: u8 = 5;
}

/// What ended a run early, and its exit code.
struct Stop(u8, miette::Report);

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Analyze(analyze) => run(&analyze),
        Command::Completions { shell } => {
            clap_complete::generate(
                shell,
                &mut Cli::command(),
                "bundle-doctor",
                &mut io::stdout(),
            );
            Ok(0)
        }
        Command::Rules(rules) => rules_command::run(&rules),
        Command::Man { command } => man(&command),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(Stop(code, report)) => {
            // A broken stderr must not hide the exit code.
            let _ = writeln!(io::stderr(), "{report:?}");
            ExitCode::from(code)
        }
    }
}

fn run(analyze: &Analyze) -> Result<u8, Stop> {
    threads(analyze)?;
    let (rules, mut traces, ignored) = rules(analyze)?;
    let engine = Engine::new(&rules).map_err(|errors| Stop(outcome::BAD_RULE, errors.into()))?;
    let engine = engine.traced(&analyze.trace).ignoring(ignored.clone());
    let archive = Archive::open(&analyze.bundle, &limits(&analyze.limits))
        .map_err(|error| Stop(outcome::NO_BUNDLE, error.into()))?;
    let bar = terminal::bar(!analyze.no_progress && !analyze.quiet);
    let (mut report, traced) = bundle_doctor::diagnose_traced(&archive, &rules, &engine, &bar)
        .map_err(|error| Stop(outcome::NO_BUNDLE, error.into()))?;
    bar.finish();
    let expired = ignored.expired(report.bundle.collected_at);
    if let Some(expired) = expired.filter(|_| !analyze.quiet) {
        // The report is what the run is for, so a broken stderr is no error.
        let _ = writeln!(io::stderr(), "{:?}", miette::Report::from(expired));
    }
    let found = is_found(&report, analyze.fail_on);
    if !analyze.no_mask {
        report::mask::mask(&mut report);
    }
    written(write(analyze, &report))?;
    traces.extend(traced);
    write_traces(analyze, traces);
    Ok(if found { outcome::FOUND } else { 0 })
}

fn threads(analyze: &Analyze) -> Result<(), Stop> {
    let Some(threads) = analyze.threads else {
        return Ok(());
    };
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads.get())
        .build_global()
        .map_err(usage)
}

/// The built-in rules, the user's own, and those of `--rules`, in this order of precedence.
///
/// With them, the traces of those that are asked for and left out, and what is accepted of any.
fn rules(analyze: &Analyze) -> Result<(RuleSet, Vec<Trace>, IgnoreList), Stop> {
    let mut rules = rules_command::load(&rules_command::with_own(&analyze.rules))?;
    for param in &analyze.param {
        rules.set_param(param).map_err(usage)?;
    }
    let mut traced = Vec::new();
    for name in &analyze.trace {
        traced.push(rules.find(name).map_err(usage)?.clone());
    }
    let ignored = ignored(analyze.ignore.as_deref(), &rules)?;
    let rules = rules.select(&analyze.only, &analyze.skip).map_err(usage)?;
    traced.retain(|rule| rules.get(&rule.id).is_none());
    let left_out = traced
        .iter()
        .map(|rule| Trace::left_out(rule, why_left_out(rule, &analyze.skip)));
    let left_out = left_out.collect();
    Ok((rules, left_out, ignored))
}

/// The list of `--ignore`, which may name rules that do not run this time.
fn ignored(path: Option<&Path>, rules: &RuleSet) -> Result<IgnoreList, Stop> {
    let Some(path) = path else {
        return Ok(IgnoreList::default());
    };
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| usage(format!("the list {name} cannot be read: {error}")))?;
    IgnoreList::read(&name, &text, rules).map_err(|errors| Stop(outcome::USAGE, errors.into()))
}

/// Why a rule is not among those that run.
fn why_left_out(rule: &Rule, skip: &[String]) -> &'static str {
    let named = |name: &String| {
        *name == rule.id || rule.aliases.contains(name) || name == rule.category.name()
    };
    if skip.iter().any(named) {
        "--skip leaves it out"
    } else if rule.status == Status::Deprecated {
        "it is deprecated, and no --only names it"
    } else {
        "no --only names it"
    }
}

/// Says why rules fired or not. The report is what the run is for, so a broken stderr is no error.
fn write_traces(analyze: &Analyze, mut traces: Vec<Trace>) {
    traces.sort_by(|a, b| a.rule.cmp(&b.rule));
    traces.dedup_by(|a, b| a.rule == b.rule);
    if !analyze.no_mask {
        traces.iter_mut().for_each(report::trace::mask);
    }
    let mut out = io::BufWriter::new(io::stderr().lock());
    let _ = report::trace::write(&traces, &mut out).and_then(|()| out.flush());
}

/// The man page of the program, or of the command that is reached by these names.
fn man(names: &[String]) -> Result<u8, Stop> {
    let mut command = Cli::command();
    command.build();
    for name in names {
        let found = command.find_subcommand(name).cloned();
        command = found.ok_or_else(|| usage(format!("there is no command `{name}`")))?;
    }
    written(clap_mangen::Man::new(command).render(&mut io::stdout())).map(|()| 0)
}

fn limits(flags: &LimitFlags) -> Limits {
    let default = Limits::default();
    Limits {
        max_entries: flags.max_entries.unwrap_or(default.max_entries),
        max_size: flags.max_size.unwrap_or(default.max_size),
        max_entry_size: flags.max_entry_size.unwrap_or(default.max_entry_size),
        max_ratio: flags.max_ratio.unwrap_or(default.max_ratio),
        max_nesting: flags.max_nesting.unwrap_or(default.max_nesting),
    }
}

fn write(analyze: &Analyze, report: &Report) -> io::Result<()> {
    let to_file = analyze.output_file.is_some();
    let format = match analyze.output {
        Output::Json => Format::Json,
        Output::Yaml => Format::Yaml,
        Output::Text => Format::Text(TextOptions {
            style: terminal::style(analyze.color, to_file),
            min_severity: severity(analyze.min_severity),
            show_suppressed: analyze.show_suppressed,
            verbose: analyze.verbose,
        }),
    };
    match &analyze.output_file {
        Some(path) => report::write_whole(path, |out| report::write(report, format, out)),
        None => {
            let mut out = io::BufWriter::new(io::stdout().lock());
            report::write(report, format, &mut out)?;
            out.flush()
        }
    }
}

/// A reader that closed the pipe has seen enough; any other failure to write is the run's.
fn written(result: io::Result<()>) -> Result<(), Stop> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Stop(
            outcome::NOT_WRITTEN,
            miette::miette!("the report could not be written: {error}"),
        )),
        _ => Ok(()),
    }
}

fn is_found(report: &Report, fail_on: FailOn) -> bool {
    let level = match fail_on {
        FailOn::Critical => Severity::Critical,
        FailOn::Error => Severity::Error,
        FailOn::Warning => Severity::Warning,
        FailOn::Info => Severity::Info,
        FailOn::Never => return false,
    };
    report
        .findings
        .iter()
        .any(|finding| finding.suppressed.is_none() && finding.severity >= level)
}

fn severity(level: Level) -> Severity {
    match level {
        Level::Critical => Severity::Critical,
        Level::Error => Severity::Error,
        Level::Warning => Severity::Warning,
        Level::Info => Severity::Info,
    }
}

fn usage(error: impl Display) -> Stop {
    Stop(outcome::USAGE, miette::miette!("{error}"))
}
