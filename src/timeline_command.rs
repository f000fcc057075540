//! The `timeline` command: reads a bundle and has what happened in it written in order.

use bundle_doctor::evaluate::Engine;
use bundle_doctor::report::timeline::TimelineOptions;
use bundle_doctor::report::{self, mask};

use crate::cli::Output;
use crate::cli::timeline::Timeline;
use crate::{Prepared, Stop, outcome, terminal};

/// Runs it; the result is the exit code.
pub(crate) fn run(command: &Timeline) -> Result<u8, Stop> {
    let flags = &command.run;
    let Prepared { rules, ignored, .. } = crate::prepare(flags, &[], |_| ())?;
    let engine = Engine::new(&rules).map_err(|errors| Stop(outcome::BAD_RULE, errors.into()))?;
    let engine = engine.ignoring(ignored.clone());
    let archive = crate::open(&command.bundle, flags)?;
    let bar = terminal::bar(!flags.no_progress && !flags.quiet);
    let question = command.ask.question();
    let (mut timeline, worst) =
        bundle_doctor::timeline(&archive, &rules, &engine, &bar, &question)?;
    bar.finish();
    crate::warn_of_expired(flags, &ignored, timeline.bundle.collected_at);
    if !flags.no_mask {
        mask::mask_timeline(&mut timeline);
    }
    let options = TimelineOptions {
        style: terminal::style(flags.color, flags.output_file.is_some()),
        verbose: flags.verbose,
    };
    crate::write_to(flags.output_file.as_deref(), |out| match command.output {
        Output::Text => report::timeline::write(&timeline, options, out),
        Output::Json => report::json::write(&timeline, out),
        Output::Yaml => report::yaml::write(&timeline, out),
    })?;
    Ok(crate::exit_code(worst, flags.fail_on))
}
