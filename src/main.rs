//! Parses arguments, calls the library, and turns what comes of it into an exit code.

mod cli;
mod preflight_command;
mod rules_command;
mod terminal;
mod timeline_command;
mod triage_command;

use std::fmt::Display;
use std::io::{self, Write};
use std::mem::ManuallyDrop;
use std::path::Path;
use std::process::ExitCode;

use bundle_doctor::NoAnswer;
use bundle_doctor::archive::{Archive, Limits};
use bundle_doctor::evaluate::Engine;
use bundle_doctor::evaluate::trace::Trace;
use bundle_doctor::finding::Severity;
use bundle_doctor::ignore::IgnoreList;
use bundle_doctor::report::{self, Format, MarkdownOptions, TextOptions};
use bundle_doctor::rule::{Rule, RuleSet, Status};
use clap::{CommandFactory, Parser};
use cli::{Analyze, BundlePaths, Cli, Command, FailOn, Level, LimitFlags, ReportOutput, RunFlags};
use jiff::Timestamp;

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

impl From<NoAnswer> for Stop {
    fn from(error: NoAnswer) -> Stop {
        let code = match error {
            NoAnswer::NotABundle(_) => outcome::NO_BUNDLE,
            NoAnswer::NoSuchObject(_) => outcome::USAGE,
        };
        Stop(code, error.into())
    }
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Analyze(analyze) => run(&analyze),
        Command::Preflight(preflight) => preflight_command::run(&preflight),
        Command::Triage(triage) => triage_command::run(&triage),
        Command::Timeline(timeline) => timeline_command::run(&timeline),
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
    let flags = &analyze.run;
    let Prepared {
        rules,
        mut traces,
        ignored,
    } = prepare(flags, &analyze.trace, |_| ())?;
    let engine = Engine::new(&rules).map_err(|errors| Stop(outcome::BAD_RULE, errors.into()))?;
    // The process ends after this: to take hundreds of rules apart would only keep people waiting.
    let rules = ManuallyDrop::new(rules);
    let engine = ManuallyDrop::new(engine.traced(&analyze.trace).ignoring(ignored.clone()));
    let archive = open(&analyze.bundle, flags)?;
    let bar = terminal::bar(!flags.no_progress && !flags.quiet);
    let question = analyze.ask.question();
    let (mut report, traced) =
        bundle_doctor::diagnose_asked(&archive, &rules, &engine, &bar, &question)?;
    bar.finish();
    warn_of_expired(flags, &ignored, report.bundle.collected_at);
    let counted = report.findings.iter();
    let counted = counted.filter(|it| it.suppressed.is_none() && !it.history);
    let worst = counted.map(|finding| finding.severity).max();
    if !flags.no_mask {
        report::mask::mask(&mut report);
    }
    let min_severity = severity(analyze.min_severity);
    let since = question.since;
    let since = since.and_then(|since| since.moment(report.bundle.collected_at));
    let format = match analyze.output {
        ReportOutput::Json => Format::Json,
        ReportOutput::Yaml => Format::Yaml,
        ReportOutput::Markdown => Format::Markdown(MarkdownOptions {
            min_severity,
            show_suppressed: analyze.show_suppressed,
            since,
        }),
        ReportOutput::Text => Format::Text(TextOptions {
            style: terminal::style(flags.color, flags.output_file.is_some()),
            min_severity,
            show_suppressed: analyze.show_suppressed,
            verbose: flags.verbose,
            since,
        }),
    };
    write_to(flags.output_file.as_deref(), |out| {
        report::write(&report, format, out)
    })?;
    traces.extend(traced);
    write_traces(flags, traces);
    Ok(exit_code(worst, flags.fail_on))
}

/// Rules that are ready to run.
struct Prepared {
    rules: RuleSet,
    /// Traces of those that are asked for and left out.
    traces: Vec<Trace>,
    /// What is accepted of any.
    ignored: IgnoreList,
}

/// Sets the number of threads, and loads the built-in rules, the user's own, and those of
/// `--rules`, in this order of precedence; `adapt` sets what the command wants otherwise and the
/// user may set again.
fn prepare(
    flags: &RunFlags,
    trace: &[String],
    adapt: impl FnOnce(&mut RuleSet),
) -> Result<Prepared, Stop> {
    if let Some(threads) = flags.threads {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.get());
        pool.build_global().map_err(usage)?;
    }
    let mut rules = rules_command::load(&rules_command::with_own(&flags.rules))?;
    adapt(&mut rules);
    for param in &flags.param {
        rules.set_param(param).map_err(usage)?;
    }
    let mut traced = Vec::new();
    for name in trace {
        traced.push(rules.find(name).map_err(usage)?.clone());
    }
    let ignored = ignored(flags.ignore.as_deref(), &rules)?;
    let rules = rules.select(&flags.only, &flags.skip).map_err(usage)?;
    traced.retain(|rule| rules.get(&rule.id).is_none());
    let traces = traced
        .iter()
        .map(|rule| Trace::left_out(rule, why_left_out(rule, &flags.skip)));
    Ok(Prepared {
        traces: traces.collect(),
        rules,
        ignored,
    })
}

fn open(bundle: &BundlePaths, flags: &RunFlags) -> Result<Archive, Stop> {
    Archive::open(&bundle.paths, &limits(&flags.limits))
        .map_err(|error| Stop(outcome::NO_BUNDLE, error.into()))
}

/// Names what was accepted until a day that is past.
fn warn_of_expired(flags: &RunFlags, ignored: &IgnoreList, collected_at: Option<Timestamp>) {
    let expired = ignored.expired(collected_at);
    if let Some(expired) = expired.filter(|_| !flags.quiet) {
        // The report is what the run is for, so a broken stderr is no error.
        let _ = writeln!(io::stderr(), "{:?}", miette::Report::from(expired));
    }
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
fn write_traces(flags: &RunFlags, mut traces: Vec<Trace>) {
    traces.sort_by(|a, b| a.rule.cmp(&b.rule));
    traces.dedup_by(|a, b| a.rule == b.rule);
    if !flags.no_mask {
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

/// Writes to a file, whole or not at all, else to stdout.
fn write_to(
    file: Option<&Path>,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Stop> {
    written(match file {
        Some(path) => report::write_whole(path, write),
        None => {
            let mut out = io::BufWriter::new(io::stdout().lock());
            write(&mut out).and_then(|()| out.flush())
        }
    })
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

/// By the worst that was found.
fn exit_code(worst: Option<Severity>, fail_on: FailOn) -> u8 {
    let level = match fail_on {
        FailOn::Critical => Severity::Critical,
        FailOn::Error => Severity::Error,
        FailOn::Warning => Severity::Warning,
        FailOn::Info => Severity::Info,
        FailOn::Never => return 0,
    };
    match worst {
        Some(worst) if worst >= level => outcome::FOUND,
        _ => 0,
    }
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
