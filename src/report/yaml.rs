//! Reports and lists as YAML: the keys and values of their JSON.

use std::io::{self, Write};

use serde::Serialize;

/// One document. Strings stay on one line, so that a path or a log line can be searched for.
pub fn write(report: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    let text = serde_saphyr::to_string_with_options(report, options).map_err(io::Error::other)?;
    out.write_all(text.as_bytes())?;
    if text.ends_with('\n') {
        Ok(())
    } else {
        out.write_all(b"\n")
    }
}
