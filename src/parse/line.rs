//! Tells apart what a log line is made of: its time stamp, and the text that the program wrote.
//!
//! The journal and klog leave out the year, and the journal its zone; both are worked out once
//! for a file, from its header, its order of days and the stamps that programs wrote into its lines.

use std::ops::Range;

use jiff::{SignedDuration, Timestamp};
use memchr::{memchr, memmem, memrchr};

use super::time::{self, Stamp};
use crate::layout::Source;

/// Where the lines of a log have their time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineForm {
    /// Kubelet's RFC 3339 prefix and a blank before each line.
    Prefixed,
    /// journalctl's `Mon DD HH:MM:SS[.ffffff] host ident[pid]: text`.
    Journal,
    /// klog from the first byte.
    Klog,
    /// Whatever the program wrote.
    Bare,
}

impl LineForm {
    /// The form of a file of the bundle.
    pub fn of(source: &Source) -> LineForm {
        match source {
            Source::PodLog { .. } => LineForm::Prefixed,
            Source::NodeFile { path, .. } => match path.as_str() {
                "logs/kubelet.log" => LineForm::Klog,
                "logs/containerd.log" | "logs/console.log" => LineForm::Bare,
                path if path.starts_with("logs/") => LineForm::Journal,
                _ => LineForm::Bare,
            },
            _ => LineForm::Bare,
        }
    }
}

/// A log whose lines can be asked for their time and text.
#[derive(Debug)]
pub struct Log<'a> {
    bytes: &'a [u8],
    form: LineForm,
    /// From which byte on which year holds, ascending; empty where the year cannot be known.
    years: Vec<(usize, i16)>,
    /// Seconds east of UTC of stamps without a zone.
    offset: i32,
    zone_assumed: bool,
    /// First line of each boot that begins in the file.
    boots: Vec<Boot>,
    /// No stamp is later than this.
    latest: Option<Timestamp>,
    /// Whether a line without a stamp belongs to the one above.
    continues: bool,
}

/// A boot that begins in a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Boot {
    /// Where its first line starts, as a byte offset.
    pub start: usize,
    /// When it began: the time of its first line that has one.
    pub time: Option<Timestamp>,
}

/// A stamp may lie so much after the moment that the bundle was made: collecting takes a while.
const AHEAD: SignedDuration = SignedDuration::from_hours(48);

impl<'a> Log<'a> {
    /// Looks at the file's header, separators and order of days. `anchor` is a moment that no line
    /// is much later than: when the bundle was made, or when the file was last written.
    pub fn new(bytes: &'a [u8], source: &Source, anchor: Option<Timestamp>) -> Log<'a> {
        let form = LineForm::of(source);
        let continues = matches!(source, Source::NodeFile { .. });
        let mut log = Log {
            bytes,
            form,
            years: Vec::new(),
            offset: 0,
            zone_assumed: false,
            boots: Vec::new(),
            latest: anchor.and_then(|anchor| anchor.checked_add(AHEAD).ok()),
            continues,
        };
        if form == LineForm::Prefixed {
            return log;
        }
        let header = if form == LineForm::Journal {
            header(first_line(bytes))
        } else {
            None
        };
        let separators = if form == LineForm::Journal {
            separators(bytes)
        } else {
            Vec::new()
        };
        log.set_zone(header.as_ref());
        log.set_years(header.as_ref(), &separators, anchor);
        // journalctl -k writes one boot from its first line on; other units are cut at the front.
        let whole =
            matches!(source, Source::NodeFile { path, .. } if path.starts_with("logs/kernel.log"));
        let first = if whole && !bytes.is_empty() {
            Some(0)
        } else {
            None
        };
        log.boots = first
            .into_iter()
            .chain(separators)
            .map(|start| Boot {
                start,
                time: log.first_time(start),
            })
            .collect();
        log
    }

    /// What patterns see of the line at these bytes (without its line end): what follows the stamp
    /// of a pod log or a journal, else the whole line. `None` for what is no entry: the header and
    /// separators of a journal, and its torn first line.
    pub fn payload(&self, line: Range<usize>) -> Option<Range<usize>> {
        let text = self.bytes.get(line.clone())?;
        match self.form {
            LineForm::Klog | LineForm::Bare => Some(line),
            LineForm::Prefixed => Some(line.start + prefix_length(text)..line.end),
            LineForm::Journal => {
                if let Some(length) = journal_length(text) {
                    return Some(line.start + length..line.end);
                }
                let no_entry = line.start == 0 || text.starts_with(b"-- ");
                if no_entry { None } else { Some(line) }
            }
        }
    }

    /// Time of the line that starts at a byte. In a host's log a line without a stamp belongs to
    /// the entry above it; `known`, a line above and its time, ends the search for that.
    pub fn time(&self, start: usize, known: (usize, Option<Timestamp>)) -> Option<Timestamp> {
        let mut at = start;
        loop {
            if let Some(time) = self.own_time(at) {
                return Some(time);
            }
            if !self.continues {
                return None;
            }
            if at <= known.0 || at == 0 {
                return known.1;
            }
            at = memrchr(b'\n', self.bytes.get(..at - 1)?).map_or(0, |end| end + 1);
        }
    }

    /// Time since the boot began that a line belongs to.
    pub fn uptime(&self, start: usize, time: Option<Timestamp>) -> Option<SignedDuration> {
        let after = self.boots.partition_point(|boot| boot.start <= start);
        let boot = self.boots.get(after.checked_sub(1)?)?;
        Some(time?.duration_since(boot.time?)).filter(|uptime| !uptime.is_negative())
    }

    /// Boots that begin in the file.
    pub fn boots(&self) -> &[Boot] {
        &self.boots
    }

    /// The file does not tell the zone of its stamps: UTC, or an abbreviation's commonest meaning, was taken.
    pub fn zone_assumed(&self) -> bool {
        self.zone_assumed
    }

    /// Time of the first line, from a byte on, that has one. Only some lines are tried: a file
    /// whose first screens bear no time is no log.
    pub fn first_time(&self, from: usize) -> Option<Timestamp> {
        let mut start = from;
        for _ in 0..TRIED {
            if let Some(time) = self.own_time(start) {
                return Some(time);
            }
            start += memchr(b'\n', self.bytes.get(start..)?)? + 1;
        }
        None
    }

    /// Time of the last line that has one.
    pub fn last_time(&self) -> Option<Timestamp> {
        lines_back(self.bytes)
            .take(TRIED)
            .find_map(|start| self.own_time(start))
    }

    fn own_time(&self, start: usize) -> Option<Timestamp> {
        let rest = self.bytes.get(start..)?;
        let stamp = match self.form {
            LineForm::Prefixed => time::rfc3339(rest)?.0,
            LineForm::Journal => time::journal(rest)?.0,
            LineForm::Klog => time::klog(rest)?.0,
            LineForm::Bare => time::carried(first_line(rest))?,
        };
        let year = if stamp.year.is_some() {
            0
        } else {
            self.year(start)?
        };
        let time = stamp.instant(year, self.offset)?;
        if self.form == LineForm::Bare
            && stamp.year.is_none()
            && self.latest.is_some_and(|latest| time > latest)
        {
            return stamp.instant(year.saturating_sub(1), self.offset);
        }
        Some(time)
    }

    fn year(&self, start: usize) -> Option<i16> {
        let after = self.years.partition_point(|(from, _)| *from <= start);
        self.years.get(after.checked_sub(1)?).map(|(_, year)| *year)
    }

    fn set_zone(&mut self, header: Option<&Header>) {
        let unsure = match header.and_then(|header| header.zone.as_ref()) {
            Some((offset, ambiguous)) => {
                self.offset = *offset;
                *ambiguous
            }
            None => true,
        };
        if unsure && self.form != LineForm::Bare {
            let shown = self.offset_shown();
            self.offset = shown.unwrap_or(self.offset);
            self.zone_assumed = shown.is_none();
        }
    }

    /// Programs under systemd write stamps of their own, with their zone, a moment before the
    /// journal adds its own: the difference is the host's offset. Five lines must agree, or as many
    /// as there are: a line may quote an older stamp.
    fn offset_shown(&self) -> Option<i32> {
        if self.form != LineForm::Journal {
            return None;
        }
        let mut shown = lines_back(self.bytes)
            .take(TRIED)
            .filter_map(|start| offset_of(first_line(&self.bytes[start..])))
            .take(5);
        let offset = shown.next()?;
        if shown.all(|other| other == offset) {
            Some(offset)
        } else {
            None
        }
    }

    fn set_years(
        &mut self,
        header: Option<&Header>,
        separators: &[usize],
        anchor: Option<Timestamp>,
    ) {
        let end = header.and_then(|header| header.end.instant(0, self.offset));
        let begin_year = header.and_then(|header| header.begin.year);
        let Some(anchor) = end.or(anchor) else { return };
        let anchor_year = |at: Timestamp| {
            let local =
                jiff::tz::Offset::from_seconds(self.offset).unwrap_or(jiff::tz::Offset::UTC);
            local.to_datetime(at).year()
        };
        if let (Some(begin), Some(end)) = (begin_year, header.map(|header| &header.end))
            && end.year == Some(begin)
            && (end.month, end.day) != (12, 31)
        {
            self.years = vec![(0, begin)];
            return;
        }
        // Whichever year keeps the last line within reach of the anchor.
        let latest = |stamp: &Stamp| {
            let highest = anchor_year(anchor).saturating_add(1);
            (0..12i16)
                .map(|back| highest.saturating_sub(back))
                .find(|year| {
                    stamp
                        .instant(*year, self.offset)
                        .is_some_and(|time| time.duration_since(anchor) <= AHEAD)
                })
        };
        let read: fn(&[u8]) -> Option<(Stamp, usize)> = match self.form {
            LineForm::Journal => time::journal,
            LineForm::Klog => time::klog,
            // Stamps without a year are rare and not in order there.
            LineForm::Bare | LineForm::Prefixed => {
                self.years = vec![(0, anchor_year(anchor))];
                return;
            }
        };
        let spans = year_spans(self.bytes, read, separators);
        let Some(mut year) = lines_back(self.bytes)
            .take(TRIED)
            .find_map(|start| read(&self.bytes[start..]))
            .and_then(|(stamp, _)| latest(&stamp))
        else {
            return;
        };
        let mut years = Vec::with_capacity(spans.len());
        for (index, span) in spans.iter().enumerate().rev() {
            if span.leap_day {
                while !jiff::civil::date(year, 1, 1).in_leap_year() && year > 0 {
                    year -= 1;
                }
            }
            years.push((span.start, begin_year.map_or(year, |begin| year.max(begin))));
            if index > 0 {
                year = (year - span.step).max(0);
            }
        }
        years.reverse();
        self.years = years;
    }
}

/// How many lines are tried for a stamp where any would do.
const TRIED: usize = 200;

/// First line of a text, without its line end.
fn first_line(text: &[u8]) -> &[u8] {
    let line = &text[..memchr(b'\n', text).unwrap_or(text.len())];
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Starts of lines from the last one back; a final line end begins no line.
pub fn lines_back(bytes: &[u8]) -> impl Iterator<Item = usize> + '_ {
    let mut end =
        Some(bytes.strip_suffix(b"\n").unwrap_or(bytes).len()).filter(|_| !bytes.is_empty());
    std::iter::from_fn(move || {
        let start = memrchr(b'\n', &bytes[..end?]).map_or(0, |at| at + 1);
        end = start.checked_sub(1);
        Some(start)
    })
}

/// By how many seconds the journal's stamp is ahead of the one that the program wrote, taken as UTC.
fn offset_of(line: &[u8]) -> Option<i32> {
    let (outer, _) = time::journal(line)?;
    let inner = time::carried(&line[memmem::find(line, b"]: ")? + 3..])?;
    inner.offset?;
    let local = outer.instant(inner.year?, 0)?;
    let seconds = local.duration_since(inner.instant(0, 0)?).as_secs();
    // Offsets are multiples of a quarter of an hour, up to 14 hours; a line that took over a
    // minute to the journal shows nothing.
    let quarters = (seconds + 450).div_euclid(900);
    let near = (seconds - quarters * 900).abs() <= 60 && quarters.abs() <= 14 * 4;
    if near {
        i32::try_from(quarters * 900).ok()
    } else {
        None
    }
}

/// Length of kubelet's prefix with its blank, 0 where a line has none (the rest of a torn one).
fn prefix_length(line: &[u8]) -> usize {
    if line.first().is_none_or(|byte| !byte.is_ascii_digit()) || line.get(10) != Some(&b'T') {
        return 0;
    }
    // Twenty bytes without fraction, 35 with nine digits and an offset.
    let window = &line[..line.len().min(40)];
    match memchr(b' ', window) {
        Some(blank) if blank >= 20 => blank + 1,
        None if line.len() < 40 => line.len(),
        _ => 0,
    }
}

/// Length of the journal's stamp with its blank.
fn journal_length(line: &[u8]) -> Option<usize> {
    let stamp = line.get(..16)?;
    if stamp[3] != b' ' || stamp[6] != b' ' || stamp[9] != b':' || stamp[12] != b':' {
        return None;
    }
    match stamp[15] {
        b' ' => Some(16),
        b'.' => {
            let digits = line[16..]
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            if line.get(16 + digits) == Some(&b' ') {
                Some(17 + digits)
            } else {
                None
            }
        }
        _ => None,
    }
}

/// What journalctl says in its first line.
struct Header {
    begin: Stamp,
    end: Stamp,
    /// Offset of the zone's name, and whether others share it.
    zone: Option<(i32, bool)>,
}

/// Reads `-- Logs begin at …, end at …. --` (systemd before 247) or `-- Journal begins at …; ends at … --`.
fn header(line: &[u8]) -> Option<Header> {
    let begin = line
        .strip_prefix(b"-- Logs begin at ")
        .or_else(|| line.strip_prefix(b"-- Journal begins at "))?;
    let after = [&b"end at "[..], b"ends at "]
        .iter()
        .find_map(|words| memmem::find(begin, words).map(|at| at + words.len()))?;
    let (end, length) = time::unix_date(&begin[after..])?;
    let text = &begin[after..after + length];
    let word = text.rsplit(|byte| *byte == b' ').next().unwrap_or_default();
    let zone = time::zone_offset(word).map(|offset| (offset, time::zone_is_ambiguous(word)));
    Some(Header {
        begin: time::unix_date(begin)?.0,
        end,
        zone,
    })
}

/// Starts of the lines after `-- Reboot --` and `-- Boot <id> --`.
fn separators(bytes: &[u8]) -> Vec<usize> {
    let dashes = memmem::find_iter(bytes, b"\n-- ").map(|at| at + 1);
    let first = if bytes.starts_with(b"-- ") {
        Some(0)
    } else {
        None
    };
    first
        .into_iter()
        .chain(dashes)
        .filter(|at| {
            let line = &bytes[*at..];
            line.starts_with(b"-- Reboot --") || line.starts_with(b"-- Boot ")
        })
        .filter_map(|at| memchr(b'\n', &bytes[at..]).map(|end| at + end + 1))
        .collect()
}

/// Lines of one year, in file order.
struct YearSpan {
    start: usize,
    /// How many years it is after the span before: 1, or -1 for a line out of order at new year.
    step: i16,
    /// February 29 is among its days.
    leap_day: bool,
}

/// Cuts a file without years where its days step back.
fn year_spans(
    bytes: &[u8],
    read: fn(&[u8]) -> Option<(Stamp, usize)>,
    separators: &[usize],
) -> Vec<YearSpan> {
    let mut spans = vec![YearSpan {
        start: 0,
        step: 0,
        leap_day: false,
    }];
    let mut separators = separators.iter().copied().peekable();
    let mut rebooted = false;
    let mut day: Option<i16> = None;
    let mut day_before: Option<i16> = None;
    let mut seen: &[u8] = &[];
    let mut start = 0;
    while start < bytes.len() {
        while separators.next_if(|at| *at <= start).is_some() {
            rebooted = true;
        }
        let line = &bytes[start..];
        // The first six bytes hold the date in both forms, so a day's lines cost one comparison.
        if line.get(..6) != Some(seen)
            && let Some((stamp, _)) = read(line)
        {
            seen = &line[..6];
            let next = day_of_year(&stamp);
            if let Some(day) = day {
                let step = match next - day {
                    // A clock set right at boot, rather than most of a year switched off.
                    -31..=-2 if rebooted => 0,
                    ..=-2 => 1,
                    364.. if day_before == Some(next) => -1,
                    _ => 0,
                };
                if step != 0 {
                    spans.push(YearSpan {
                        start,
                        step,
                        leap_day: false,
                    });
                }
            }
            if (stamp.month, stamp.day) == (2, 29)
                && let Some(span) = spans.last_mut()
            {
                span.leap_day = true;
            }
            if day != Some(next) {
                day_before = day;
            }
            day = Some(next);
            rebooted = false;
        }
        let Some(end) = memchr(b'\n', line) else {
            break;
        };
        start += end + 1;
    }
    spans
}

/// Day of a leap year, from 1.
fn day_of_year(stamp: &Stamp) -> i16 {
    const BEFORE: [i16; 12] = [0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335];
    let month = usize::from(stamp.month.clamp(1, 12) - 1);
    BEFORE[month] + i16::from(stamp.day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(path: &str) -> Source {
        Source::NodeFile {
            node: "node1".into(),
            path: path.into(),
        }
    }

    fn at(text: &str) -> Option<Timestamp> {
        Some(text.parse().unwrap())
    }

    /// Time of each line, `-` where it has none.
    fn times(text: &str, path: &str, anchor: &str) -> Vec<String> {
        let source = node(path);
        let log = Log::new(text.as_bytes(), &source, at(anchor));
        let mut starts: Vec<usize> = lines_back(text.as_bytes()).collect();
        starts.reverse();
        let time = |start| {
            log.time(start, (0, None))
                .map_or("-".to_owned(), |time| time.to_string())
        };
        starts.into_iter().map(time).collect()
    }

    #[test]
    fn header_gives_year_and_zone() {
        for (begin, end, zone) in [
            (
                "-- Logs begin at Sun 2021-03-06 22:45:10 UTC, end at Tue 2021-03-22 23:50:53 UTC. --",
                "",
                "2021-03-10T10:00:00Z",
            ),
            (
                "-- Journal begins at Sun 2021-03-06 22:45:10 EDT, ends at Tue 2021-03-22 23:50:53 EDT. --",
                "",
                "2021-03-10T14:00:00Z",
            ),
            (
                "-- Journal begins at Sun 2021-03-06 22:45:10 EDT; ends at Tue 2021-03-22 23:50:53 EDT --",
                "",
                "2021-03-10T14:00:00Z",
            ),
            (
                "-- Logs begin at Sun 2021-03-06 22:45:10 -03, end at Tue 2021-03-22 23:50:53 -03. --",
                "",
                "2021-03-10T13:00:00Z",
            ),
        ] {
            let text = format!("{begin}\nMar 10 10:00:00 node1 x[1]: y\n{end}");
            let source = node("logs/rke2-server.log");
            let log = Log::new(text.as_bytes(), &source, at("2025-01-01T00:00:00Z"));
            assert_eq!(log.first_time(0), at(zone), "{begin}");
            assert!(!log.zone_assumed());
        }
    }

    #[test]
    fn years_step_back_where_days_do() {
        for (name, text, anchor, expected) in [
            (
                "new year",
                "Dec 30 10:00:00 n k: a\nDec 31 23:59:59 n k: a\nJan 01 00:00:00 n k: a\n",
                "2024-01-02T00:00:00Z",
                vec![
                    "2023-12-30T10:00:00Z",
                    "2023-12-31T23:59:59Z",
                    "2024-01-01T00:00:00Z",
                ],
            ),
            (
                "out of order at new year",
                "Dec 31 23:59:58 n k: a\nJan 01 00:00:00 n k: a\nDec 31 23:59:59 n k: a\nJan 01 00:00:01 n k: a\n",
                "2024-01-02T00:00:00Z",
                vec![
                    "2023-12-31T23:59:58Z",
                    "2024-01-01T00:00:00Z",
                    "2023-12-31T23:59:59Z",
                    "2024-01-01T00:00:01Z",
                ],
            ),
            (
                "bundle made in January, log ends in December",
                "Nov 30 10:00:00 n k: a\nDec 24 10:00:00 n k: a\n",
                "2024-01-02T00:00:00Z",
                vec!["2023-11-30T10:00:00Z", "2023-12-24T10:00:00Z"],
            ),
            (
                "two years back",
                "Jun 01 10:00:00 n k: a\nMay 01 10:00:00 n k: a\nApr 01 10:00:00 n k: a\n",
                "2024-04-02T00:00:00Z",
                vec![
                    "2022-06-01T10:00:00Z",
                    "2023-05-01T10:00:00Z",
                    "2024-04-01T10:00:00Z",
                ],
            ),
            (
                "a day out of order is no year",
                "Mar 02 00:00:00 n k: a\nMar 01 23:59:59 n k: a\n",
                "2024-04-02T00:00:00Z",
                vec!["2024-03-02T00:00:00Z", "2024-03-01T23:59:59Z"],
            ),
            (
                "a clock set back at boot is no year",
                "Mar 20 00:00:00 n k: a\n-- Reboot --\nMar 10 00:00:00 n k: a\n",
                "2024-04-02T00:00:00Z",
                vec![
                    "2024-03-20T00:00:00Z",
                    "2024-03-20T00:00:00Z",
                    "2024-03-10T00:00:00Z",
                ],
            ),
            (
                "February 29 lies in a leap year",
                "Feb 29 10:00:00 n k: a\nMar 01 10:00:00 n k: a\n",
                "2026-04-02T00:00:00Z",
                vec!["2024-02-29T10:00:00Z", "2024-03-01T10:00:00Z"],
            ),
            (
                "made at new year, last lines after it",
                "Dec 31 23:59:59 n k: a\nJan 01 00:01:00 n k: a\n",
                "2023-12-31T23:59:00Z",
                vec!["2023-12-31T23:59:59Z", "2024-01-01T00:01:00Z"],
            ),
        ] {
            assert_eq!(
                times(text, "logs/rke2-agent.log", anchor),
                expected,
                "{name}"
            );
        }
        assert_eq!(
            times(
                "I1231 23:59:59.5 1 a.go:1] x\nE0101 00:00:01.25 1 a.go:1] y\n",
                "logs/kubelet.log",
                "2024-01-02T00:00:00Z"
            ),
            ["2023-12-31T23:59:59.5Z", "2024-01-01T00:00:01.25Z"]
        );
        assert_eq!(
            times(
                "W1231 22:45:57.795417 1 loader.go:221] x\n",
                "logs/console.log",
                "2024-01-02T00:00:00Z"
            ),
            ["2023-12-31T22:45:57.795417Z"]
        );
    }

    #[test]
    fn header_bounds_the_year() {
        let text = "-- Logs begin at Mon 2022-01-03 00:00:00 UTC, end at Tue 2023-03-22 23:50:53 UTC. --\nDec 10 00:00:00 n k: a\nNov 01 00:00:00 n k: a\nMar 01 00:00:00 n k: a\n";
        // A clock that ran ahead: no line is older than the journal.
        assert_eq!(
            times(text, "logs/rke2-agent.log", "2023-03-22T00:00:00Z")[1..],
            [
                "2022-12-10T00:00:00Z",
                "2022-11-01T00:00:00Z",
                "2023-03-01T00:00:00Z"
            ]
        );
    }

    #[test]
    fn programs_show_the_zone_that_no_header_names() {
        let text = "r 22 22:07:48 n a[1]: torn\nMar 22 22:07:48 n a[1]: time=\"2022-03-23T02:07:48Z\" level=debug msg=x\nMar 22 22:08:00 n systemd[1]: y\n";
        let source = node("logs/rancher-system-agent.log");
        let log = Log::new(text.as_bytes(), &source, at("2022-03-23T03:00:00Z"));
        assert_eq!(log.last_time(), at("2022-03-23T02:08:00Z"));
        assert!(!log.zone_assumed());
        let text = "Mar 22 22:08:00 n systemd[1]: y\n";
        let log = Log::new(text.as_bytes(), &source, at("2022-03-23T03:00:00Z"));
        assert_eq!(log.last_time(), at("2022-03-22T22:08:00Z"));
        assert!(log.zone_assumed());
    }

    #[test]
    fn payloads() {
        let pod = Source::PodLog {
            namespace: "a".into(),
            pod: "b".into(),
            container: "c".into(),
            previous: false,
        };
        let journal = node("logs/kernel.log");
        let torn = "r 22 22:07:48 n a[1]: torn\n";
        for (source, before, line, payload) in [
            (
                &pod,
                "",
                "2022-03-22T17:13:23.123456789Z hello",
                Some("hello"),
            ),
            (
                &pod,
                "",
                "2022-03-22T17:13:23.123456789-04:00 hello",
                Some("hello"),
            ),
            (&pod, "", "2022-03-22T17:13:23.123456789Z ", Some("")),
            (&pod, "", "2022-03-22T17:13:23.123456789Z", Some("")),
            (&pod, "", "rest of a torn line", Some("rest of a torn line")),
            (
                &journal,
                "",
                "Mar 06 22:45:10 localhost kernel: x",
                Some("localhost kernel: x"),
            ),
            (
                &journal,
                "",
                "Mar 06 22:45:10.123456 n kernel: x",
                Some("n kernel: x"),
            ),
            (&journal, "", "r 22 22:07:48 n a[1]: torn", None),
            (
                &journal,
                "",
                "-- Logs begin at Sun 2022-03-06 22:45:10 UTC, end at x --",
                None,
            ),
            (
                &journal,
                torn,
                "-- Boot 0123456789abcdef0123456789abcdef --",
                None,
            ),
            (&journal, torn, "-- Reboot --", None),
            (&journal, torn, "-- No entries --", None),
            (
                &journal,
                torn,
                "        indented rest",
                Some("        indented rest"),
            ),
            (
                &node("logs/kubelet.log"),
                "",
                "I0322 22:07:48.1 1 a.go:1] x",
                Some("I0322 22:07:48.1 1 a.go:1] x"),
            ),
        ] {
            let text = format!("{before}{line}");
            let log = Log::new(text.as_bytes(), source, None);
            let found = log
                .payload(before.len()..text.len())
                .map(|range| &text[range]);
            assert_eq!(found, payload, "{line}");
        }
    }

    #[test]
    fn uptime_counts_from_the_line_that_begins_the_boot() {
        let text = "Mar 06 22:45:10 n kernel: a\nMar 06 22:46:10 n kernel: b\n-- Boot x --\nMar 07 01:00:00 n kernel: c\nMar 07 01:00:05 n kernel: d\n";
        let minute = Some(SignedDuration::from_mins(1));
        for (path, first) in [("logs/kernel.log", minute), ("logs/rke2-server.log", None)] {
            let source = node(path);
            let log = Log::new(text.as_bytes(), &source, at("2022-03-08T00:00:00Z"));
            let uptime = |word: &str| {
                let start = text[..text.find(word).unwrap()].rfind('\n').unwrap() + 1;
                log.uptime(start, log.time(start, (0, None)))
            };
            assert_eq!(uptime("kernel: b"), first, "{path}");
            assert_eq!(
                uptime("kernel: d"),
                Some(SignedDuration::from_secs(5)),
                "{path}"
            );
        }
    }

    #[test]
    fn lines_from_the_end() {
        for (text, starts) in [
            ("", vec![]),
            ("a", vec![0]),
            ("a\n", vec![0]),
            ("a\n\nb", vec![3, 2, 0]),
            ("\n", vec![0]),
        ] {
            assert_eq!(
                lines_back(text.as_bytes()).collect::<Vec<_>>(),
                starts,
                "{text:?}"
            );
        }
    }
}
