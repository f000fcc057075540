//! Times of a scenario: all are relative to the moment the bundle was made, none comes from the machine's clock.

use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp, civil::DateTime};

/// The moment of collection and the zone of the hosts.
#[derive(Debug, Clone)]
pub struct Clock {
    /// `bundlecreatedat`.
    pub collected: Timestamp,
    /// Abbreviation that the hosts print: `UTC`, `EDT`.
    pub zone_name: String,
    /// The hosts' offset from UTC.
    pub offset: Offset,
    /// The host's clock minus the right time, for what a host writes whose clock is off.
    pub off: SignedDuration,
}

impl Clock {
    /// `offset` away from the collection: `-25m`, `-1d2h`, `+40s`, `0`.
    pub fn at(&self, offset: &str) -> Result<Timestamp, String> {
        Ok(self.collected + parse_offset(offset)?)
    }

    fn civil(&self, time: Timestamp) -> DateTime {
        self.offset.to_datetime(self.shown(time))
    }

    /// The time that the host's clock shows.
    pub fn shown(&self, time: Timestamp) -> Timestamp {
        time + self.off
    }

    /// Prefix of a pod log line: RFC 3339 with nine digits, in the hosts' zone.
    pub fn pod_prefix(&self, time: Timestamp) -> String {
        let zone = if self.offset.seconds() == 0 {
            "Z".to_owned()
        } else {
            self.offset_text()
        };
        format!(
            "{}{zone}",
            self.civil(time).strftime("%Y-%m-%dT%H:%M:%S.%9f")
        )
    }

    /// `-04:00`.
    pub fn offset_text(&self) -> String {
        let minutes = self.offset.seconds() / 60;
        format!(
            "{}{:02}:{:02}",
            if minutes < 0 { '-' } else { '+' },
            minutes.abs() / 60,
            minutes.abs() % 60
        )
    }

    /// journalctl's `short-precise`.
    pub fn journal_precise(&self, time: Timestamp) -> String {
        self.civil(time).strftime("%b %d %H:%M:%S.%6f").to_string()
    }

    /// journalctl's `short`, of older collectors.
    pub fn journal_short(&self, time: Timestamp) -> String {
        self.civil(time).strftime("%b %d %H:%M:%S").to_string()
    }

    /// journalctl's `short-iso`.
    pub fn journal_iso(&self, time: Timestamp) -> String {
        format!(
            "{}{}",
            self.civil(time).strftime("%Y-%m-%dT%H:%M:%S"),
            self.offset_text().replace(':', "")
        )
    }

    /// A date of a journal header or of `date`: `Tue 2022-03-22 23:56:05 UTC`.
    pub fn header(&self, time: Timestamp) -> String {
        format!(
            "{} {}",
            self.civil(time).strftime("%a %Y-%m-%d %H:%M:%S"),
            self.zone_name
        )
    }

    /// Date and time of klog without its severity letter, in the hosts' zone.
    pub fn klog_local(&self, time: Timestamp) -> String {
        self.civil(time).strftime("%m%d %H:%M:%S.%6f").to_string()
    }

    /// Any other host-local text.
    pub fn local(&self, time: Timestamp, format: &str) -> String {
        self.civil(time).strftime(format).to_string()
    }
}

/// RFC 3339 in seconds, UTC: the time of an API object.
pub fn rfc3339(time: Timestamp) -> String {
    utc(time, "%Y-%m-%dT%H:%M:%SZ")
}

/// RFC 3339 with microseconds: `eventTime`, leases.
pub fn rfc3339_micro(time: Timestamp) -> String {
    utc(time, "%Y-%m-%dT%H:%M:%S.%6fZ")
}

/// RFC 3339 with milliseconds: zap.
pub fn rfc3339_milli(time: Timestamp) -> String {
    utc(time, "%Y-%m-%dT%H:%M:%S.%3fZ")
}

/// Date and time of klog in UTC, as containers write it.
pub fn klog(time: Timestamp) -> String {
    utc(time, "%m%d %H:%M:%S.%6f")
}

/// Go's `log` package.
pub fn go_log(time: Timestamp) -> String {
    utc(time, "%Y/%m/%d %H:%M:%S")
}

/// Go's `time.UnixDate`: `last-apply-time`.
pub fn unix_date(time: Timestamp) -> String {
    utc(time, "%a %b %e %H:%M:%S UTC %Y")
}

/// The common log format's time.
pub fn access_log(time: Timestamp) -> String {
    utc(time, "%d/%b/%Y:%H:%M:%S +0000")
}

/// `time` in UTC by a strftime pattern.
pub fn utc(time: Timestamp, format: &str) -> String {
    Offset::UTC.to_datetime(time).strftime(format).to_string()
}

/// A duration such as `-25m`, `3h20m`, `2d`, `90s`, `250ms`, `0`.
pub fn parse_offset(text: &str) -> Result<SignedDuration, String> {
    let fail = || format!("not a time offset: `{text}` (wanted: -25m, -1d2h, 90s)");
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(SignedDuration::ZERO);
    }
    let mut millis: i64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(fail)?;
        let number: i64 = rest[..digits].parse().map_err(|_| fail())?;
        rest = &rest[digits..];
        let unit_end = rest
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len());
        let unit = match &rest[..unit_end] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(fail()),
        };
        millis += number * unit;
        rest = &rest[unit_end..];
    }
    Ok(SignedDuration::from_millis(if negative {
        -millis
    } else {
        millis
    }))
}
