//! Reads the time stamps that Kubernetes objects and the logs of a Harvester node carry.
//!
//! Most logs are written in fixed columns, so each reader here looks at fixed positions and gives
//! up at the first byte that does not fit; only the last step, from calendar to instant, is jiff's.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use memchr::memmem;

/// A date and time of day as written: many logs leave out the year, the zone, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Year, where it is written.
    pub year: Option<i16>,
    /// Month, 1 to 12.
    pub month: u8,
    /// Day of the month, 1 to 31.
    pub day: u8,
    /// Hour, 0 to 23.
    pub hour: u8,
    /// Minute, 0 to 59.
    pub minute: u8,
    /// Second, 0 to 60.
    pub second: u8,
    /// Nanosecond.
    pub nanosecond: u32,
    /// Seconds east of UTC, where the zone is written and known.
    pub offset: Option<i32>,
}

impl Stamp {
    /// The instant, if the date exists; `year` and `offset` (seconds east of UTC) stand in for what
    /// the stamp does not say.
    pub fn instant(&self, year: i16, offset: i32) -> Option<Timestamp> {
        let (month, day) = (i8::try_from(self.month).ok()?, i8::try_from(self.day).ok()?);
        let hour = i8::try_from(self.hour).ok()?;
        let minute = i8::try_from(self.minute).ok()?;
        // A leap second is told as the second before it: jiff's calendar has none.
        let second = i8::try_from(self.second.min(59)).ok()?;
        let nanosecond = i32::try_from(self.nanosecond).ok()?;
        let year = self.year.unwrap_or(year);
        let local = DateTime::new(year, month, day, hour, minute, second, nanosecond).ok()?;
        Offset::from_seconds(self.offset.unwrap_or(offset))
            .ok()?
            .to_timestamp(local)
            .ok()
    }
}

/// Reads a whole text as an instant: RFC 3339 with any fraction (Kubernetes' `Time` and
/// `MicroTime`), Go's `UnixDate`, and what `date` and `last -F` print. Without a zone it is UTC.
pub fn timestamp(text: &str) -> Option<Timestamp> {
    let text = text.trim().as_bytes();
    let (stamp, length) = rfc3339(text).or_else(|| unix_date(text))?;
    stamp.year?;
    if length == text.len() {
        stamp.instant(0, 0)
    } else {
        None
    }
}

/// RFC 3339 at the start of a text, and its length. A blank may stand for the `T`, a comma for the
/// point, the zone may lack its colon (`short-iso`) or be missing.
pub fn rfc3339(text: &[u8]) -> Option<(Stamp, usize)> {
    let date = text.get(..11)?;
    if date[4] != b'-' || date[7] != b'-' || !matches!(date[10], b'T' | b't' | b' ') {
        return None;
    }
    let mut stamp = Stamp {
        year: Some(four(date)?),
        month: two(&date[5..])?,
        day: two(&date[8..])?,
        ..clock(&text[11..])?
    };
    let mut length = 19 + fraction(&text[19..], &mut stamp.nanosecond);
    if let Some((offset, width)) = numeric_offset(&text[length..]) {
        stamp.offset = Some(offset);
        length += width;
    }
    Some((stamp, length))
}

/// The journal's `Mar 06 22:45:10` or `Mar 06 22:45:10.123456` at the start of a line, and its length.
pub fn journal(text: &[u8]) -> Option<(Stamp, usize)> {
    let date = text.get(..7)?;
    if date[3] != b' ' || date[6] != b' ' {
        return None;
    }
    let mut stamp = Stamp {
        month: month(date)?,
        day: padded(&date[4..])?,
        ..clock(&text[7..])?
    };
    let length = 15 + fraction(&text[15..], &mut stamp.nanosecond);
    Some((stamp, length))
}

/// klog's `I0322 22:07:48.123456` at the start of a line, and its length.
pub fn klog(text: &[u8]) -> Option<(Stamp, usize)> {
    let date = text.get(..6)?;
    if !matches!(date[0], b'I' | b'W' | b'E' | b'F') || date[5] != b' ' {
        return None;
    }
    let mut stamp = Stamp {
        month: two(&date[1..])?,
        day: two(&date[3..])?,
        ..clock(&text[6..])?
    };
    let length = 14 + fraction(&text[14..], &mut stamp.nanosecond);
    Some((stamp, length))
}

/// The Go standard logger's `2022/03/06 22:51:38`, also Rancher's and nginx's, and its length.
pub fn slashed(text: &[u8]) -> Option<(Stamp, usize)> {
    let date = text.get(..11)?;
    if date[4] != b'/' || date[7] != b'/' || date[10] != b' ' {
        return None;
    }
    let mut stamp = Stamp {
        year: Some(four(date)?),
        month: two(&date[5..])?,
        day: two(&date[8..])?,
        ..clock(&text[11..])?
    };
    let length = 19 + fraction(&text[19..], &mut stamp.nanosecond);
    Some((stamp, length))
}

/// The access log's `22/Mar/2022:17:13:23 +0000` (without its bracket), and its length.
pub fn access_log(text: &[u8]) -> Option<(Stamp, usize)> {
    let date = text.get(..12)?;
    if date[2] != b'/' || date[6] != b'/' || date[11] != b':' {
        return None;
    }
    let mut stamp = Stamp {
        year: Some(four(&date[7..])?),
        month: month(&date[3..])?,
        day: two(date)?,
        ..clock(&text[12..])?
    };
    let zone = text
        .get(20..)
        .and_then(|rest| rest.strip_prefix(b" "))
        .and_then(numeric_offset);
    stamp.offset = zone.map(|(offset, _)| offset);
    Some((stamp, zone.map_or(20, |(_, width)| 21 + width)))
}

/// A date that begins with the day of the week: Go's `Tue Mar 22 23:50:53 UTC 2022`, `last -F`'s
/// `Sun Mar  6 22:45:10 2022`, systemd's `Tue 2022-03-22 23:50:53 UTC`; and its length.
pub fn unix_date(text: &[u8]) -> Option<(Stamp, usize)> {
    const DAYS: [&[u8]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
    if !DAYS.contains(&text.get(..3)?) || text.get(3) != Some(&b' ') {
        return None;
    }
    if let Some((mut stamp, length)) = rfc3339(&text[4..]) {
        let mut length = 4 + length;
        if let Some((word, end)) = word_after(text, length) {
            stamp.offset = stamp.offset.or_else(|| zone_offset(word));
            length = end;
        }
        return Some((stamp, length));
    }
    let (mut stamp, length) = journal(&text[4..])?;
    let (mut word, mut end) = word_after(text, 4 + length)?;
    if four(word).is_none() || word.len() != 4 {
        stamp.offset = zone_offset(word);
        (word, end) = word_after(text, end)?;
    }
    stamp.year = Some(four(word).filter(|_| word.len() == 4)?);
    Some((stamp, end))
}

/// The stamp that a line begins with or carries under one of the usual keys: logrus' `time="…"`,
/// zap's `"ts":"…"`, KubeVirt's `"timestamp":"…"`, logfmt's `ts=…`, an access log's `[…]`.
pub fn carried(line: &[u8]) -> Option<Stamp> {
    const KEYS: [&[u8]; 5] = [
        b"time=\"",
        b"\"ts\":\"",
        b"\"timestamp\":\"",
        b"\"time\":\"",
        b"ts=",
    ];
    let leading = rfc3339(line)
        .or_else(|| klog(line))
        .or_else(|| slashed(line))
        .or_else(|| unix_date(line))
        .or_else(|| journal(line));
    if let Some((stamp, _)) = leading {
        return Some(stamp);
    }
    // A key far into the line belongs to a quoted message; KubeVirt sorts `timestamp` last, but
    // its lines are objects from their first byte.
    let near = if line.starts_with(b"{") {
        line
    } else {
        &line[..line.len().min(256)]
    };
    for key in KEYS {
        if let Some(at) = memmem::find(near, key)
            && let Some((stamp, _)) = rfc3339(&line[at + key.len()..])
        {
            return Some(stamp);
        }
    }
    let bracket = memchr::memchr(b'[', near)?;
    access_log(&line[bracket + 1..]).map(|(stamp, _)| stamp)
}

/// Seconds east of UTC that a zone's abbreviation or a numeric offset means. Where an abbreviation
/// has several meanings it is the first here, and [`zone_is_ambiguous`] says so.
pub fn zone_offset(word: &[u8]) -> Option<i32> {
    if let Some((offset, width)) = numeric_offset(word) {
        return if width == word.len() {
            Some(offset)
        } else {
            None
        };
    }
    // systemd and `date` print `-03` for zones without a name of their own.
    if let [sign @ (b'+' | b'-'), hours @ ..] = word
        && hours.len() == 2
    {
        let seconds = i32::from(two(hours)?) * 3600;
        return Some(if *sign == b'-' { -seconds } else { seconds });
    }
    ZONES
        .iter()
        .find(|(name, _)| name.as_bytes() == word)
        .map(|(_, minutes)| minutes * 60)
}

/// Whether zones of several offsets share this abbreviation.
pub fn zone_is_ambiguous(word: &[u8]) -> bool {
    matches!(
        word,
        b"CST" | b"IST" | b"BST" | b"AST" | b"EST" | b"CDT" | b"PST"
    )
}

/// Zone abbreviations of the tz database that are in use, with minutes east of UTC. `CST` is
/// China's: where it is North America's, half of the year's stamps read `CDT`.
const ZONES: [(&str, i32); 45] = [
    ("UTC", 0),
    ("GMT", 0),
    ("UCT", 0),
    ("Z", 0),
    ("WET", 0),
    ("WEST", 60),
    ("BST", 60),
    ("CET", 60),
    ("CEST", 120),
    ("MET", 60),
    ("MEST", 120),
    ("WAT", 60),
    ("CAT", 120),
    ("SAST", 120),
    ("EET", 120),
    ("EEST", 180),
    ("IDT", 180),
    ("EAT", 180),
    ("MSK", 180),
    ("PKT", 300),
    ("IST", 330),
    ("WIB", 420),
    ("WITA", 480),
    ("CST", 480),
    ("HKT", 480),
    ("PST", -480),
    ("PDT", -420),
    ("MST", -420),
    ("MDT", -360),
    ("CDT", -300),
    ("EST", -300),
    ("EDT", -240),
    ("AST", -240),
    ("ADT", -180),
    ("NST", -210),
    ("NDT", -150),
    ("AKST", -540),
    ("AKDT", -480),
    ("HST", -600),
    ("JST", 540),
    ("KST", 540),
    ("WIT", 540),
    ("ACST", 570),
    ("AEST", 600),
    ("AEDT", 660),
];

/// `HH:MM:SS` at the start of a text, in a stamp without a date.
fn clock(text: &[u8]) -> Option<Stamp> {
    let text = text.get(..8)?;
    if text[2] != b':' || text[5] != b':' {
        return None;
    }
    let (hour, minute, second) = (two(text)?, two(&text[3..])?, two(&text[6..])?);
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (year, offset) = (None, None);
    Some(Stamp {
        year,
        month: 0,
        day: 0,
        hour,
        minute,
        second,
        nanosecond: 0,
        offset,
    })
}

/// Reads `.123456` into nanoseconds and gives its length, 0 where there is none.
fn fraction(text: &[u8], nanosecond: &mut u32) -> usize {
    let Some((b'.' | b',', digits)) = text.split_first() else {
        return 0;
    };
    let width = digits
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let mut scale = 100_000_000;
    for digit in digits.iter().take(width.min(9)) {
        *nanosecond += u32::from(digit - b'0') * scale;
        scale /= 10;
    }
    if width == 0 { 0 } else { width + 1 }
}

/// `Z`, `+05:30` or `-0400` at the start of a text, as seconds, and its length.
fn numeric_offset(text: &[u8]) -> Option<(i32, usize)> {
    let sign = match text.first()? {
        b'Z' | b'z' => return Some((0, 1)),
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let colon = usize::from(text.get(3) == Some(&b':'));
    let (hours, minutes) = (two(text.get(1..)?)?, two(text.get(3 + colon..)?)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    Some((
        sign * (i32::from(hours) * 3600 + i32::from(minutes) * 60),
        5 + colon,
    ))
}

/// The next word at or after an offset, and where it ends.
fn word_after(text: &[u8], from: usize) -> Option<(&[u8], usize)> {
    let rest = text.get(from..)?;
    let blanks = rest.iter().take_while(|byte| **byte == b' ').count();
    let length = rest[blanks..]
        .iter()
        .take_while(|byte| !b" ,;.".contains(byte))
        .count();
    let start = from + blanks;
    if length == 0 || blanks == 0 {
        None
    } else {
        Some((&text[start..start + length], start + length))
    }
}

fn month(text: &[u8]) -> Option<u8> {
    Some(match text.get(..3)? {
        b"Jan" => 1,
        b"Feb" => 2,
        b"Mar" => 3,
        b"Apr" => 4,
        b"May" => 5,
        b"Jun" => 6,
        b"Jul" => 7,
        b"Aug" => 8,
        b"Sep" => 9,
        b"Oct" => 10,
        b"Nov" => 11,
        b"Dec" => 12,
        _ => return None,
    })
}

fn two(text: &[u8]) -> Option<u8> {
    match text {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9', ..] => Some((tens - b'0') * 10 + (ones - b'0')),
        _ => None,
    }
}

/// Two digits, of which the first may be a blank.
fn padded(text: &[u8]) -> Option<u8> {
    match text {
        [b' ', ones @ b'0'..=b'9', ..] => Some(ones - b'0'),
        _ => two(text),
    }
}

fn four(text: &[u8]) -> Option<i16> {
    Some(i16::from(two(text)?) * 100 + i16::from(two(text.get(2..)?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_texts() {
        for (text, instant) in [
            ("2022-03-22T23:49:32Z", Some("2022-03-22T23:49:32Z")),
            (
                "2022-03-22T23:49:32.123456Z",
                Some("2022-03-22T23:49:32.123456Z"),
            ),
            (
                "2024-03-27T08:51:03.990840442-04:00",
                Some("2024-03-27T12:51:03.990840442Z"),
            ),
            ("2024-03-27T08:51:03+0530", Some("2024-03-27T03:21:03Z")),
            ("2022-03-22 23:49:32", Some("2022-03-22T23:49:32Z")),
            ("2016-12-31T23:59:60Z", Some("2016-12-31T23:59:59Z")),
            ("Tue Mar 22 23:50:53 UTC 2022", Some("2022-03-22T23:50:53Z")),
            (
                "Tue Mar 22 23:50:53 CEST 2022",
                Some("2022-03-22T21:50:53Z"),
            ),
            ("Sun Mar  6 22:45:10 2022", Some("2022-03-06T22:45:10Z")),
            ("Sun 2022-03-06 22:45:10 UTC", Some("2022-03-06T22:45:10Z")),
            ("Sun 2022-03-06 22:45:10 -03", Some("2022-03-07T01:45:10Z")),
            (" 2022-03-22T23:49:32Z ", Some("2022-03-22T23:49:32Z")),
            ("2022-02-29T00:00:00Z", None),
            ("2022-13-01T00:00:00Z", None),
            ("2022-03-22T24:00:00Z", None),
            ("2022-03-22T23:49:32Z tail", None),
            ("2022-03-22", None),
            ("null", None),
            ("", None),
        ] {
            assert_eq!(
                timestamp(text).map(|time| time.to_string()).as_deref(),
                instant,
                "{text}"
            );
        }
    }

    #[test]
    fn stamps_of_lines() {
        for (line, instant) in [
            (
                "I0322 22:07:48.123456    1234 kubelet.go:1234] x",
                "2022-03-22T22:07:48.123456Z",
            ),
            (
                "time=\"2022-03-06T22:51:40Z\" level=info msg=\"x\"",
                "2022-03-06T22:51:40Z",
            ),
            (
                "[longhorn-instance-manager] time=\"2022-03-06T22:52:19Z\" level=info",
                "2022-03-06T22:52:19Z",
            ),
            (
                "{\"level\":\"warn\",\"ts\":\"2022-03-17T17:57:10.372Z\",\"msg\":\"x\"}",
                "2022-03-17T17:57:10.372Z",
            ),
            (
                "{\"ts\":\"2023-01-02T03:04:05.123+0100\"}",
                "2023-01-02T02:04:05.123Z",
            ),
            (
                "{\"component\":\"virt-controller\",\"timestamp\":\"2022-03-06T22:53:45.221687Z\"}",
                "2022-03-06T22:53:45.221687Z",
            ),
            ("2022/03/06 22:51:38 [INFO] msg", "2022-03-06T22:51:38Z"),
            (
                "2022/03/06 22:51:59 proto: duplicate proto type registered",
                "2022-03-06T22:51:59Z",
            ),
            (
                "10.52.0.57 - - [22/Mar/2022:17:13:23 +0000] \"GET /v1 HTTP/1.1\" 404",
                "2022-03-22T17:13:23Z",
            ),
            (
                "::1 - - [22/Mar/2022:17:13:23 -0400] \"GET /\"",
                "2022-03-22T21:13:23Z",
            ),
            (
                "2022-03-06T22:45:10+0000 node1 kernel: x",
                "2022-03-06T22:45:10Z",
            ),
            (
                "ts=2022-03-06T22:45:10.5Z caller=main.go:1",
                "2022-03-06T22:45:10.5Z",
            ),
            ("Mar 06 22:45:10 node1 kernel: x", "2022-03-06T22:45:10Z"),
            (
                "Mar  6 22:45:10.000099 node1 kernel: x",
                "2022-03-06T22:45:10.000099Z",
            ),
            ("Tue Mar 22 23:50:53 UTC 2022 x", "2022-03-22T23:50:53Z"),
        ] {
            let stamp = carried(line.as_bytes()).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(
                stamp.instant(2022, 0).unwrap().to_string(),
                instant,
                "{line}"
            );
        }
        for line in [
            "",
            "installed",
            "I'm fine",
            "Marvin",
            "[22/Mar",
            "time=\"yesterday\"",
            "1234-56",
        ] {
            assert_eq!(carried(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn zones() {
        for (word, offset) in [
            ("UTC", Some(0)),
            ("EDT", Some(-4 * 3600)),
            ("CET", Some(3600)),
            ("+08", Some(8 * 3600)),
            ("-0330", Some(-12600)),
            ("+05:45", Some(20700)),
            ("XYZT", None),
            ("", None),
        ] {
            assert_eq!(zone_offset(word.as_bytes()), offset, "{word}");
        }
        assert!(zone_is_ambiguous(b"CST"));
        assert!(!zone_is_ambiguous(b"CET"));
    }

    #[test]
    fn no_prefix_of_a_stamp_panics() {
        for text in [
            "2024-03-27T08:51:03.990840442-04:00",
            "Mar 06 22:45:10.123456 ",
            "I0322 22:07:48.123456",
            "22/Mar/2022:17:13:23 +0000",
            "Tue Mar 22 23:50:53 UTC 2022",
            "Tue 2022-03-22 23:50:53 UTC",
        ] {
            for end in 0..=text.len() {
                let text = &text.as_bytes()[..end];
                let _ = (rfc3339(text), journal(text), klog(text), slashed(text));
                let _ = (access_log(text), unix_date(text), carried(text));
            }
        }
    }
}
