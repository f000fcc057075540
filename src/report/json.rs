//! Reports and lists as JSON.

use std::io::{self, Write};

use serde::Serialize;

/// Two spaces of indentation, a line end at the end.
pub fn write(report: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    // An error here can only be the sink's: the model has string keys and finite numbers.
    serde_json::to_writer_pretty(&mut *out, report)?;
    out.write_all(b"\n")
}
