//! The `preflight` command: reads a bundle, has the checks made and written, and says how it ended.

use bundle_doctor::evaluate::Engine;
use bundle_doctor::preflight::{self, CheckState};
use bundle_doctor::report::preflight::PreflightOptions;
use bundle_doctor::report::{self, mask};

use crate::cli::Output;
use crate::cli::preflight::Preflight;
use crate::{Prepared, Stop, outcome, terminal};

/// Runs it; the result is the exit code.
pub(crate) fn run(command: &Preflight) -> Result<u8, Stop> {
    let flags = &command.run;
    let Prepared { rules, ignored, .. } = crate::prepare(flags, &[], preflight::ask_at_once)?;
    let engine = Engine::new(&rules).map_err(|errors| Stop(outcome::BAD_RULE, errors.into()))?;
    let engine = engine.ignoring(ignored.clone());
    let archive = crate::open(&command.bundle, flags)?;
    let bar = terminal::bar(!flags.no_progress && !flags.quiet);
    let to = command.to.as_ref();
    let mut preflight = bundle_doctor::preflight(&archive, &rules, &engine, &bar, to)
        .map_err(|error| Stop(outcome::NO_BUNDLE, error.into()))?;
    bar.finish();
    crate::warn_of_expired(flags, &ignored, preflight.bundle.collected_at);
    let failed = preflight.checks.iter();
    let failed = failed.filter(|check| check.state == CheckState::Failed);
    let worst = failed.filter_map(|check| check.severity).max();
    if !flags.no_mask {
        mask::mask_preflight(&mut preflight);
    }
    let options = PreflightOptions {
        style: terminal::style(flags.color, flags.output_file.is_some()),
        verbose: flags.verbose,
    };
    crate::write_to(flags.output_file.as_deref(), |out| match command.output {
        Output::Text => report::preflight::write(&preflight, options, out),
        Output::Json => report::json::write(&preflight, out),
        Output::Yaml => report::yaml::write(&preflight, out),
    })?;
    Ok(crate::exit_code(worst, flags.fail_on))
}
