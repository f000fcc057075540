//! The report as JSON.

use std::io::{self, Write};

use super::Report;

/// Two spaces of indentation, a line end at the end.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    // An error here can only be the sink's: the model has string keys and finite numbers.
    serde_json::to_writer_pretty(&mut *out, report)?;
    out.write_all(b"\n")
}
