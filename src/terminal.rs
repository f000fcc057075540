//! What a terminal adds: a bar while the bundle is read, colour, and the width to wrap at.

use std::io::{self, IsTerminal};

use bundle_doctor::bundle::Progress;
use bundle_doctor::report::Style;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::Color;

/// A bar on stderr, or nothing where stderr is no terminal or nobody wants one.
pub(crate) struct Bar(ProgressBar);

/// Makes the bar.
pub(crate) fn bar(wanted: bool) -> Bar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if !wanted || !io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    if let Ok(style) = ProgressStyle::with_template("reading {bar:30} {bytes}/{total_bytes}") {
        bar.set_style(style);
    }
    Bar(bar)
}

/// Counts bundles on stderr while rows go to stdout.
pub(crate) struct CountBar(ProgressBar);

/// Makes the bar for so many bundles.
pub(crate) fn count_bar(wanted: bool, bundles: u64) -> CountBar {
    let Bar(bar) = bar(wanted);
    bar.set_length(bundles);
    if let Ok(style) = ProgressStyle::with_template("analysing {bar:30} {pos}/{len} bundles") {
        bar.set_style(style);
    }
    CountBar(bar)
}

impl CountBar {
    /// One more is done.
    pub(crate) fn advance(&self) {
        self.0.inc(1);
    }

    /// Takes the bar off the terminal while something else is written to it.
    pub(crate) fn pause<T>(&self, write: impl FnOnce() -> T) -> T {
        self.0.suspend(write)
    }

    /// Takes it off the terminal.
    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

impl Bar {
    /// Takes it off the terminal.
    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

impl Progress for Bar {
    fn begin(&self, bytes: u64) {
        self.0.set_length(bytes);
    }

    fn advance(&self, bytes: u64) {
        self.0.inc(bytes);
    }
}

/// How the text report is drawn.
pub(crate) fn style(color: Color, to_file: bool) -> Style {
    let terminal = !to_file && io::stdout().is_terminal();
    let color = match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            terminal
                && !to_file
                && anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
        }
    };
    Style {
        color,
        width: (width().filter(|_| !to_file)).unwrap_or(Style::default().width),
    }
}

/// Columns of the terminal, if stdout is one and the shell says how many.
pub(crate) fn width() -> Option<usize> {
    let columns = std::env::var("COLUMNS").ok()?.parse().ok()?;
    io::stdout().is_terminal().then_some(columns)
}

/// Has mistakes in rules drawn with colour or without.
#[cfg(feature = "fancy")]
pub(crate) fn color_mistakes(color: bool) {
    // The first hook stays, and there is no other.
    let _ = miette::set_hook(Box::new(move |_| {
        Box::new(miette::MietteHandlerOpts::new().color(color).build())
    }));
}

/// Without the graphical reports there is nothing to colour.
#[cfg(not(feature = "fancy"))]
pub(crate) fn color_mistakes(_: bool) {}
