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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::host::tests::facts_of;

    fn history(lines: &str) -> Vec<BootRecord> {
        facts_of(&format!(
            "#==[ Command ]==#\n# /usr/bin/last -wxF | egrep \"reboot|shutdown\"\n{lines}"
        ))
        .boot_records
    }

    #[test]
    fn starts_and_shutdowns() {
        let records = history("\
runlevel (to lvl 5)   5.14.21-default  Fri May  9 08:25:20 2025   still running
reboot   system boot  5.14.21-default  Fri May  9 08:25:09 2025   still running
reboot   system boot  5.14.21-default  Mon May  5 07:00:00 2025 - crash                     (4+01:25)
shutdown system down  5.14.21-default  Mon May  5 06:58:00 2025 - Mon May  5 07:00:00 2025  (00:02)
reboot   system boot  5.14.20-default  Sun May  4 07:00:00 2025 - Mon May  5 06:58:00 2025  (23:58)

wtmp begins Sun May  4 07:00:00 2025
");
        let rows: Vec<_> = records
            .iter()
            .map(|row| {
                (
                    row.kind,
                    row.kernel.as_deref(),
                    row.from.as_str(),
                    row.to.as_deref(),
                    row.clean,
                )
            })
            .collect();
        use BootRecordKind::{Reboot, Runlevel, Shutdown};
        let new = Some("5.14.21-default");
        assert_eq!(
            rows,
            [
                (Runlevel, new, "Fri May 9 08:25:20 2025", None, None),
                (Reboot, new, "Fri May 9 08:25:09 2025", None, None),
                // The next start follows without a shutdown: it crashed.
                (Reboot, new, "Mon May 5 07:00:00 2025", None, Some(false)),
                (
                    Shutdown,
                    new,
                    "Mon May 5 06:58:00 2025",
                    Some("Mon May 5 07:00:00 2025"),
                    None
                ),
                (
                    Reboot,
                    Some("5.14.20-default"),
                    "Sun May 4 07:00:00 2025",
                    Some("Mon May 5 06:58:00 2025"),
                    Some(true)
                ),
            ]
        );
        assert!(records[1].still_running && !records[2].still_running);
        assert_eq!(records[1].seen.line, Some(4));
    }

    #[test]
    fn a_list_without_shutdowns_calls_nothing_a_crash() {
        let records = history(
            "\
reboot   system boot  5.14  Fri May  9 08:25:09 2025   still running
reboot   system boot  5.14  Mon May  5 07:00:00 2025 - Fri May  9 08:25:09 2025  (4+01:25)
reboot   system boot  5.14  Mon May
",
        );
        assert_eq!(
            records
                .iter()
                .map(|record| record.clean)
                .collect::<Vec<_>>(),
            [None, None]
        );
    }
}
