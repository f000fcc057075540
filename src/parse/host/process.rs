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
            // There are fewer than 20 kinds of taint.
            if taint.reasons.len() < 20 {
                taint.reasons.push(reason.to_owned());
            }
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

#[cfg(test)]
mod tests {
    use super::uptime_seconds;
    use crate::parse::host::tests::facts_of;

    #[test]
    fn time_since_boot() {
        for (text, seconds) in [
            ("60 days 0:02,  0", Some(60 * 86_400 + 120)),
            ("58 days,  8:22,  2", Some(58 * 86_400 + 8 * 3600 + 22 * 60)),
            ("1 day,  3 min,  1", Some(86_400 + 180)),
            ("8:22,  0", Some(8 * 3600 + 22 * 60)),
            ("5 min,  0", Some(300)),
            ("0", None),
            ("x:y", None),
            ("99999999999999999999 days", None),
        ] {
            assert_eq!(uptime_seconds(text), seconds, "{text}");
        }
        let facts = facts_of(
            "#==[ Command ]==#\n# uptime\n 16:47:39  up 2 days  8:22,  1 user,  load average: 3.11, 2.87, 42.60\n",
        );
        assert_eq!(
            facts.uptime.map(|fact| fact.value),
            Some(2 * 86_400 + 8 * 3600 + 22 * 60)
        );
        assert_eq!(
            facts.load.map(|load| load.averages),
            Some([3.11, 2.87, 42.6])
        );
    }

    #[test]
    fn stuck_and_large_processes() {
        let mut text = String::from("\
#==[ Checking Health of Processes ]=================#
# /bin/ps axwwo user,pid,ppid,%cpu,%mem,vsz,rss,stat,time,cmd
USER       PID  PPID %CPU %MEM      VSZ    RSS STAT     TIME CMD
root       812     2  0.0  0.0        0      0 D    00:00:00 [jbd2/sda5-8]
root      2376  2188  9.1  0.2  9171840 211220 Sl   03:11:01 kubelet --config-dir=/etc/kubelet.conf.d --v=2
root      9999  2188  0.0 11.5  9171840 999999 Dl   00:11:01 /usr/bin/qemu-system-x86_64 -name guest=a b
root      bad   row
#==[ Command ]======================================#
# /bin/ps axwwo user,pid,ppid,%cpu,%mem,vsz,rss,stat,time,cmd
USER       PID  PPID %CPU %MEM      VSZ    RSS STAT     TIME CMD
root       812     2  0.0  0.0        0      0 D    00:00:00 [jbd2/sda5-8]
");
        for pid in 10_000..10_020 {
            text += &format!("u {pid} 1 0.0 0.0 1 {pid} S 00:00:00 sleep {pid}\n");
        }
        let facts = facts_of(&text);
        let stuck: Vec<_> = facts
            .stuck_processes
            .iter()
            .map(|p| (p.pid, p.command.as_str(), p.seen.line))
            .collect();
        assert_eq!(
            stuck,
            [
                (812, "[jbd2/sda5-8]", Some(4)),
                (9999, "/usr/bin/qemu-system-x86_64 -name guest=a b", Some(6)),
            ]
        );
        let largest: Vec<_> = facts.largest_processes.iter().map(|p| p.pid).collect();
        assert_eq!(
            largest,
            [
                9999, 2376, 10_019, 10_018, 10_017, 10_016, 10_015, 10_014, 10_013, 10_012
            ]
        );
        assert_eq!(facts.largest_processes[0].resident, Some(999_999 * 1024));
        assert_eq!(facts.largest_processes[0].memory_percent, Some(11.5));
    }

    #[test]
    fn kernel_and_its_taint() {
        let facts = facts_of(
            "\
#==[ Command ]==#
# /bin/uname -a
Linux node1 5.14.21-150500.55.100-default #1 SMP PREEMPT_DYNAMIC x86_64 GNU/Linux
#==[ Configuration File ]==#
# /proc/cmdline
BOOT_IMAGE=(loop0)/boot/vmlinuz console=tty1
#==[ Configuration File ]==#
# /proc/sys/kernel/tainted
512

Kernel Status -- Tainted:       W
  TAINT: (W) Taint on warning
",
        );
        assert_eq!(
            facts.kernel.map(|fact| fact.value).as_deref(),
            Some("5.14.21-150500.55.100-default")
        );
        assert_eq!(
            facts.hostname.map(|fact| fact.value).as_deref(),
            Some("node1")
        );
        assert_eq!(
            facts.kernel_command_line.and_then(|fact| fact.seen.line),
            Some(6)
        );
        let taint = facts
            .taint
            .map(|taint| (taint.tainted, taint.reasons, taint.seen.line));
        assert_eq!(
            taint,
            Some((true, vec!["(W) Taint on warning".to_owned()], Some(11)))
        );
        let clean = facts_of(
            "#==[ Configuration File ]==#\n# /proc/sys/kernel/tainted\n0\n\nKernel Status -- Not Tainted\n",
        );
        assert_eq!(clean.taint.map(|taint| taint.tainted), Some(false));
    }
}
