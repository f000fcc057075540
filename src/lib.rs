//! bundle-doctor reads a Harvester support bundle and says what broke, why, and what to do.
//!
//! # Bird's-eye view
//!
//! Data flows one way:
//!
//! ```text
//! archive → entries → objects and lines → graph and hits → findings → diagnosis → report
//! ```
//!
//! [`diagnose`] is the whole of it. In reading order:
//!
//! - [`span`] names a place in a bundle, and what was wrong there.
//! - [`archive`] opens containers (zip, tar, xz, directories, split parts) and reads safe entries.
//! - [`layout`] says what an entry is from its path, and is alone in doing so.
//! - [`parse`] turns text into values plus problems: YAML into documents, host files into facts,
//!   time stamps into times.
//! - [`scan`] runs all patterns of all rules over a log in one pass and keeps hits as records.
//! - [`graph`] holds objects by kind, name and uid, and the relations between them.
//! - [`mod@derive`] works out what the cluster never wrote as an object: where an upgrade stands, what
//!   a host is made of, what is missing.
//! - [`bundle`] reads an archive in parallel into all of the above.
//! - [`rule`] loads and checks rule files, every mistake of every file in one go.
//! - [`ignore`] knows the findings that a user accepts.
//! - [`evaluate`] applies rules to a bundle.
//! - [`finding`] is the shape of a result.
//! - [`diagnosis`] folds findings under their causes and judges.
//! - [`mod@preflight`] says of each thing that an upgrade asks for whether it is so.
//! - [`summary`] reads the report's parts about bundle, cluster and upgrade from the graph.
//! - [`mod@timeline`] puts what happened in one order, [`about`] tells all of one object.
//! - [`report`] writes a diagnosis in one format, the rules themselves, and what came of their cases.
//! - [`mod@triage`] does all this for many bundles, and keeps a row of each.
//! - [`case`] tests rules on small bundles that are stated beside them.
//!
//! # Invariants
//!
//! 1. Ingestion (`archive` to `bundle`) does not know that rules exist; it is given a `Scanner`.
//! 2. Only `archive` reads the bundle from disk; only `layout` interprets an entry's path.
//! 3. `parse` never fails: it returns a value and a list of `Problem`s.
//! 4. Only `report` and `main` write to a stream.
//! 5. Only reading (`archive`, `bundle`, `rule::set`), `evaluate` and `triage` use rayon; all collect in
//!    order.
//! 6. No clock and no randomness in the library; "now" is the bundle's own collection time.
//! 7. Same bundle and same rules give the same bytes out.

pub mod about;
pub mod archive;
pub mod bundle;
pub mod case;
pub mod derive;
pub mod diagnosis;
pub mod evaluate;
pub mod finding;
pub mod graph;
pub mod ignore;
pub mod layout;
pub mod parse;
pub mod preflight;
pub mod report;
pub mod rule;
pub mod scan;
pub mod span;
pub mod summary;
#[cfg(test)]
mod testing;
pub mod timeline;
pub mod triage;

use about::{Belongings, NoSuchObject, Question};
use archive::Archive;
use bundle::{Bundle, NotABundle, Progress};
use evaluate::Engine;
use evaluate::trace::Trace;
use finding::Severity;
use report::preflight::Preflight;
use report::timeline::Timeline;
use report::{Report, RuleSetInfo, Tool};
use rule::RuleSet;
use rule::version::Version;
use timeline::Entry;

/// Reads an archive, applies the rules, and diagnoses. Secrets are still in the report: see
/// [`report::mask`].
///
/// # Errors
/// If nothing in the archive looks like a bundle.
pub fn diagnose(
    archive: &Archive,
    rules: &RuleSet,
    engine: &Engine,
    progress: &dyn Progress,
) -> Result<Report, NotABundle> {
    diagnose_traced(archive, rules, engine, progress).map(|(report, _)| report)
}

/// The same, and why the rules that the engine [traces](Engine::traced) fired or not.
///
/// # Errors
/// If nothing in the archive looks like a bundle.
pub fn diagnose_traced(
    archive: &Archive,
    rules: &RuleSet,
    engine: &Engine,
    progress: &dyn Progress,
) -> Result<(Report, Vec<Trace>), NotABundle> {
    let bundle = Bundle::read(archive, engine.scanner(), progress)?;
    Ok(evaluated(&bundle, rules, engine))
}

fn evaluated(bundle: &Bundle, rules: &RuleSet, engine: &Engine) -> (Report, Vec<Trace>) {
    let evaluation = engine.evaluate(bundle);
    let facts = summary::facts(bundle, evaluation.not_evaluated);
    let report = Report::new(
        tool(rules, engine),
        facts,
        evaluation.findings,
        &rules.links(),
    );
    (report, evaluation.traces)
}

/// Why what was asked of a bundle has no answer.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum NoAnswer {
    /// Nothing in the archive looks like a bundle.
    #[error(transparent)]
    #[diagnostic(transparent)]
    NotABundle(#[from] NotABundle),
    /// It holds no such object, or several.
    #[error(transparent)]
    #[diagnostic(transparent)]
    NoSuchObject(#[from] NoSuchObject),
}

/// The same, with everything known of the object that is asked about.
///
/// # Errors
/// If nothing in the archive looks like a bundle, or nothing in it is the object.
pub fn diagnose_asked(
    archive: &Archive,
    rules: &RuleSet,
    engine: &Engine,
    progress: &dyn Progress,
    question: &Question,
) -> Result<(Report, Vec<Trace>), NoAnswer> {
    let bundle = Bundle::read(archive, engine.scanner(), progress)?;
    let (mut report, traces) = evaluated(&bundle, rules, engine);
    if let Some(name) = &question.about {
        let subject = about::name::resolve(&bundle.graph, &report.findings, name)?;
        let chronicle = timeline::chronicle(&bundle, engine, &report.findings);
        let findings = &report.findings;
        let told = about::tell(&bundle, &subject, question.since, findings, &chronicle);
        report.about = Some(told);
    }
    Ok((report, traces))
}

/// Reads an archive, applies the rules, and says what happened when; also how bad the worst finding
/// is. Secrets are still in it: see [`report::mask`].
///
/// # Errors
/// If nothing in the archive looks like a bundle, or nothing in it is the object that is asked about.
pub fn timeline(
    archive: &Archive,
    rules: &RuleSet,
    engine: &Engine,
    progress: &dyn Progress,
    question: &Question,
) -> Result<(Timeline, Option<Severity>), NoAnswer> {
    let bundle = Bundle::read(archive, engine.scanner(), progress)?;
    let (report, _) = evaluated(&bundle, rules, engine);
    let findings = &report.findings;
    let subject = match &question.about {
        Some(name) => Some(about::name::resolve(&bundle.graph, findings, name)?),
        None => None,
    };
    let mut chronicle = timeline::chronicle(&bundle, engine, findings);
    let since = question.since.and_then(|since| since.moment(bundle.now));
    match &subject {
        Some(subject) => {
            let belongings = Belongings::of(&bundle.graph, subject);
            chronicle.entries = belongings.slice(&chronicle.entries, since);
        }
        None => {
            let late = |entry: &Entry| since.is_none_or(|since| entry.end() >= since);
            chronicle.entries.retain(late);
        }
    }
    let counted = findings.iter().filter(|it| it.suppressed.is_none());
    let worst = counted.map(|finding| finding.severity).max();
    let timeline = Timeline {
        schema: report::timeline::SCHEMA.to_owned(),
        about: subject.map(|subject| bundle.graph.name_of(&subject)),
        since,
        clocks: chronicle.clocks,
        entries: chronicle.entries,
        nodes_without_host_logs: report.coverage.nodes_without_host_logs,
        problems: report.coverage.problems,
        tool: report.tool,
        bundle: report.bundle,
    };
    Ok((timeline, worst))
}

/// Reads an archive, applies the rules, and says whether the cluster is ready for an upgrade, to a
/// version if one is meant. Secrets are still in it: see [`report::mask`].
///
/// # Errors
/// If nothing in the archive looks like a bundle.
pub fn preflight(
    archive: &Archive,
    rules: &RuleSet,
    engine: &Engine,
    progress: &dyn Progress,
    to: Option<&Version>,
) -> Result<Preflight, NotABundle> {
    let bundle = Bundle::read(archive, engine.scanner(), progress)?;
    let evaluation = engine.evaluate(&bundle);
    let assessment = preflight::check(&bundle, rules, &evaluation, to);
    Ok(Preflight::new(tool(rules, engine), assessment))
}

/// This program with its rules, as each report names it.
#[must_use]
pub fn tool(rules: &RuleSet, engine: &Engine) -> Tool {
    Tool::new(RuleSetInfo {
        count: engine.len() as u64,
        digest: rules.digest(),
    })
}
