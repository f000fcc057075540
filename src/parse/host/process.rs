//! `uptime`, `ps`, `uname` and the kernel's taint.

use crate::parse::host::Reader;
use crate::parse::host::section::Section;
use crate::span::Location;

/// Load averages: runnable plus uninterruptible processes.
#[derive(Debug, Clone, PartialEq)]
pub struct Load {
    /// Over 1, 5 and 15 minutes.
    pub averages: [f64; 3],
    /// Line of `uptime`.
    pub seen: Location,
}

/// A row of `ps`.
#[derive(Debug, Clone, PartialEq)]
pub struct Process {
    /// Process id.
    pub pid: u32,
    /// Owner, if the table has it.
    pub user: Option<String>,
    /// State letters: `Ss`, `D`, `Z`.
    pub state: String,
    /// Share of memory in percent.
    pub memory_percent: Option<f64>,
    /// Resident memory in bytes.
    pub resident: Option<u64>,
    /// Command with arguments.
    pub command: String,
    /// Row of the table.
    pub seen: Location,
}

/// What the kernel says about its own trustworthiness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taint {
    /// Whether it calls itself tainted.
    pub tainted: bool,
    /// One reason a line: `(W) Taint on warning`.
    pub reasons: Vec<String>,
    /// The status line.
    pub seen: Location,
}

/// How many of the largest processes are kept.
const LARGEST: usize = 10;

/// Reads `uptime`: ` 16:47:39  up 58 days  8:22,  0 users,  load average: 3.11, 2.87, 2.60`.
pub(super) fn read_uptime(reader: &mut Reader, section: &Section) {
    for (line, text) in section.lines() {
        let Some((_, after)) = text.split_once(" up ") else {
            continue;
        };
        let up = after.split(" user").next().unwrap_or(after);
        if reader.facts.uptime.is_none()
            && let Some(seconds) = uptime_seconds(up)
        {
            reader.facts.uptime = Some(reader.fact(seconds, line));
        }
        let Some((_, averages)) = text.split_once("load average: ") else {
            continue;
        };
        let mut numbers = averages
            .split(',')
            .map(|number| number.trim().parse::<f64>());
        if let (Some(Ok(one)), Some(Ok(five)), Some(Ok(fifteen))) =
            (numbers.next(), numbers.next(), numbers.next())
            && reader.facts.load.is_none()
        {
            reader.facts.load = Some(Load {
                averages: [one, five, fifteen],
                seen: reader.at(line),
            });
        }
    }
}

/// `58 days  8:22`, `8:22`, `5 min`, `2 days, 3 min`, followed by a comma and the number of users.
fn uptime_seconds(text: &str) -> Option<u64> {
    let words: Vec<&str> = text
        .split([' ', ','])
        .filter(|word| !word.is_empty())
        .collect();
    let mut seconds: Option<u64> = None;
    for (index, word) in words.iter().enumerate() {
        let unit = words.get(index + 1).copied().unwrap_or("");
        let part = match word.split_once(':') {
            Some((hours, minutes)) => {
                let (hours, minutes) = (hours.parse::<u64>().ok()?, minutes.parse::<u64>().ok()?);
                hours
                    .checked_mul(3600)?
                    .checked_add(minutes.checked_mul(60)?)
            }
            None => {
                let scale = if unit.starts_with("day") {
                    86_400
                } else if unit.starts_with("min") {
                    60
                } else if unit.starts_with("sec") {
                    1
                } else {
                    continue;
                };
                word.parse::<u64>()
                    .ok()
                    .and_then(|count| count.checked_mul(scale))
            }
        };
        seconds = seconds.unwrap_or(0).checked_add(part?);
    }
    seconds
}

/// Reads `uname -a`: `Linux <host> <kernel> …`.
pub(super) fn read_uname(reader: &mut Reader, section: &Section) {
    for (line, text) in section.lines() {
        let words: Vec<&str> = text.split_whitespace().collect();
        let [system, host, kernel, ..] = words.as_slice() else {
            continue;
        };
        if *system != "Linux" {
            continue;
        }
        if reader.facts.kernel.is_none() {
            reader.facts.kernel = Some(reader.fact((*kernel).to_owned(), line));
        }
        if reader.facts.hostname.is_none() {
            reader.facts.hostname = Some(reader.fact((*host).to_owned(), line));
        }
    }
}

/// Reads `/proc/cmdline`.
pub(super) fn read_command_line(reader: &mut Reader, section: &Section) {
    if reader.facts.kernel_command_line.is_none()
        && let Some((line, text)) = section.lines().find(|(_, text)| !text.is_empty())
    {
        reader.facts.kernel_command_line = Some(reader.fact(text.trim().to_owned(), line));
    }
}

/// Reads `Kernel Status -- Tainted: …` and the reasons below it, wherever a section holds them.
pub(super) fn read_taint(reader: &mut Reader, section: &Section) {
    let mut taint: Option<Taint> = None;
    for (line, text) in section.lines() {
        if let Some(status) = text.trim().strip_prefix("Kernel Status -- ") {
            taint = Some(Taint {
                tainted: status.starts_with("Tainted"),
                reasons: Vec::new(),
                seen: reader.at(line),
            });
        } else if let (Some(taint), Some(reason)) =
            (&mut taint, text.trim().strip_prefix("TAINT: "))
        {
            taint.reasons.push(reason.to_owned());
        }
    }
    if reader.facts.taint.is_none() {
        reader.facts.taint = taint;
    }
}

/// Reads a table of `ps`. Several sections of one file show parts of the same table: a process is
/// counted once.
pub(super) fn read_processes(reader: &mut Reader, section: &Section) {
    let mut columns: Option<Columns> = None;
    let mut largest: Vec<Process> = std::mem::take(&mut reader.facts.largest_processes);
    let mut stuck: std::collections::BTreeSet<u32> = reader
        .facts
        .stuck_processes
        .iter()
        .map(|process| process.pid)
        .collect();
    for (line, text) in section.lines() {
        if let Some(found) = Columns::of(text) {
            columns = Some(found);
            continue;
        }
        let Some(process) = columns
            .as_ref()
            .and_then(|columns| columns.read(reader, line, text))
        else {
            continue;
        };
        if process.state.starts_with('D') && stuck.insert(process.pid) {
            reader.keep(|facts| &mut facts.stuck_processes, process.clone());
        }
        if process.resident.is_some() && !largest.iter().any(|known| known.pid == process.pid) {
            let at = largest.partition_point(|known| known.resident >= process.resident);
            if at < LARGEST {
                largest.insert(at, process);
                largest.truncate(LARGEST);
            }
        }
    }
    reader.facts.largest_processes = largest;
}

/// Places of the columns in a row's words; the command is the rest of the line.
struct Columns {
    pid: usize,
    state: usize,
    user: Option<usize>,
    memory: Option<usize>,
    resident: Option<usize>,
    command: usize,
}

impl Columns {
    fn of(heading: &str) -> Option<Self> {
        let words: Vec<&str> = heading.split_whitespace().collect();
        let place = |name: &str| words.iter().position(|word| *word == name);
        let command = place("CMD").or_else(|| place("COMMAND"))?;
        Some(Columns {
            pid: place("PID")?,
            state: place("STAT").or_else(|| place("S"))?,
            user: place("USER").or_else(|| place("UID")),
            memory: place("%MEM"),
            resident: place("RSS"),
            command,
        })
    }

    fn read(&self, reader: &Reader, line: u32, text: &str) -> Option<Process> {
        let mut rest = text.trim_start();
        let mut words = Vec::with_capacity(self.command);
        for _ in 0..self.command {
            let (word, after) = rest.split_once(char::is_whitespace)?;
            words.push(word);
            rest = after.trim_start();
        }
        let word = |place: Option<usize>| place.and_then(|place| words.get(place).copied());
        Some(Process {
            pid: word(Some(self.pid))?.parse().ok()?,
            user: word(self.user).map(str::to_owned),
            state: word(Some(self.state))?.to_owned(),
            memory_percent: word(self.memory).and_then(|word| word.parse().ok()),
            // `ps` counts KiB.
            resident: word(self.resident)
                .and_then(|word| word.parse::<u64>().ok()?.checked_mul(1024)),
            command: rest.trim_end().to_owned(),
            seen: reader.at(line),
        })
    }
}
