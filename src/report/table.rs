//! Rows in columns, as kubectl shows them: a head, two blanks between columns, the last one open.

use std::io;

use anstyle::Style as Paint;

use super::page::{Page, columns, cut};
use super::text::DIM;

/// A cell: how it is painted, and its text.
pub(super) type Cell = (Paint, String);

/// Writes a table. The last column is cut at the right edge, if there is one.
pub(super) fn write(
    page: &mut Page<'_>,
    head: &[&str],
    rows: &[Vec<Cell>],
    edge: Option<usize>,
) -> io::Result<()> {
    let head: Vec<Cell> = head.iter().map(|name| (DIM, (*name).to_owned())).collect();
    let rows: Vec<&Vec<Cell>> = std::iter::once(&head).chain(rows).collect();
    let widths: Vec<usize> = (0..head.len())
        .map(|at| {
            let cells = rows.iter().filter_map(|row| row.get(at));
            cells.map(|(_, text)| columns(text)).max().unwrap_or(0)
        })
        .collect();
    let last = head.len().saturating_sub(1);
    let before: usize = widths.iter().take(last).map(|width| width + 2).sum();
    for row in rows {
        let cells: Vec<Cell> = (row.iter().zip(&widths).enumerate())
            .map(|(at, ((paint, text), width))| match edge {
                _ if at < last => (*paint, format!("{text:width$}  ")),
                // A column too narrow to read is better left to the terminal to wrap.
                Some(edge) if edge >= before + 20 => (*paint, cut(text, edge - before)),
                _ => (*paint, text.clone()),
            })
            .collect();
        let cells: Vec<(Paint, &str)> = cells
            .iter()
            .map(|(paint, text)| (*paint, text.as_str()))
            .collect();
        page.unbroken(&cells)?;
    }
    Ok(())
}
