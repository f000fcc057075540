//! `last -wxF`: starts and shutdowns with their year.

use crate::parse::host::section::Section;
use crate::parse::host::{MOST_ROWS, Reader};
use crate::span::Location;

/// What a line of `last` tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BootRecordKind {
    /// The system came up.
    Reboot,
    /// It was shut down in order.
    Shutdown,
    /// It reached or changed its run level.
    Runlevel,
}

/// A start or shutdown. Times are the host's local time as printed: `Fri May  9 08:25:09 2025`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootRecord {
    /// What happened.
    pub kind: BootRecordKind,
    /// Version of the kernel, if printed.
    pub kernel: Option<String>,
    /// When.
    pub from: String,
    /// Until when, if it is over and the end is known.
    pub to: Option<String>,
    /// Whether it is the running boot.
    pub still_running: bool,
    /// For [`BootRecordKind::Reboot`]: whether a shutdown is recorded before the next start; absent
    /// for the running boot and for other kinds. `last` calls the opposite a crash.
    pub clean: Option<bool>,
    /// Line of the list.
    pub seen: Location,
}

/// Reads `last -wxF`, newest record first.
pub(super) fn read_last(reader: &mut Reader, section: &Section) {
    let mut records: Vec<BootRecord> = section
        .lines()
        .filter_map(|(line, text)| record(reader, line, text))
        .take(MOST_ROWS)
        .collect();

    // Without a single shutdown in the list they may not have been written at all.
    let tells_shutdowns = records
        .iter()
        .any(|record| record.kind == BootRecordKind::Shutdown);
    let mut shut_down = false;
    let mut newest = true;
    for record in &mut records {
        match record.kind {
            BootRecordKind::Shutdown => shut_down = true,
            BootRecordKind::Runlevel => {}
            BootRecordKind::Reboot => {
                record.still_running |= newest && !shut_down && record.to.is_none();
                let over = tells_shutdowns && !record.still_running && (shut_down || !newest);
                record.clean = over.then_some(shut_down);
                newest = false;
                shut_down = false;
            }
        }
    }
    for record in records {
        reader.keep(|facts| &mut facts.boot_records, record);
    }
}

fn record(reader: &Reader, line: u32, text: &str) -> Option<BootRecord> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let kind = match *words.first()? {
        "reboot" => BootRecordKind::Reboot,
        "shutdown" => BootRecordKind::Shutdown,
        "runlevel" => BootRecordKind::Runlevel,
        _ => return None,
    };
    let date_at = words.windows(5).position(is_date)?;
    let date = |at: usize| {
        words
            .get(at..at + 5)
            .filter(|words| is_date(words))
            .map(|words| words.join(" "))
    };
    let kernel = date_at.checked_sub(1).and_then(|at| words.get(at));
    Some(BootRecord {
        kind,
        // The kernel's version is the only word before the date that begins with a digit, beside
        // the run level, which ends in a bracket.
        kernel: kernel
            .filter(|word| word.starts_with(|c: char| c.is_ascii_digit()) && !word.ends_with(')'))
            .map(|word| (*word).to_owned()),
        from: date(date_at)?,
        to: date(date_at + 6),
        still_running: text.contains("still running"),
        clean: None,
        seen: reader.at(line),
    })
}

/// `Fri May 9 08:25:09 2025`.
fn is_date(words: &[&str]) -> bool {
    let [weekday, month, day, time, year] = words else {
        return false;
    };
    ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].contains(weekday)
        && month.len() == 3
        && day.parse::<u8>().is_ok()
        && time.matches(':').count() == 2
        && year.len() == 4
        && year.parse::<u16>().is_ok()
}
