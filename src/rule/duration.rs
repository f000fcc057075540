//! Durations: read as Go and people write them (`10m`, `2d14h`, `250ms`), written in one form everywhere.

use jiff::SignedDuration;

const SECOND: i128 = 1_000_000_000;

/// Units and their nanoseconds; longer names first, so that `ms` is not read as `m`.
const UNITS: [(&str, i128); 9] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("d", 86_400 * SECOND),
    ("h", 3_600 * SECOND),
    ("m", 60 * SECOND),
    ("s", SECOND),
];

/// Reads a duration: numbers with units, without blanks; a day has 24 hours. `None` for anything
/// else, and beyond what 64 bits of seconds hold.
pub fn parse(text: &str) -> Option<SignedDuration> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    if rest == "0" {
        return Some(SignedDuration::ZERO);
    }
    let mut total: i128 = 0;
    loop {
        let length = rest
            .bytes()
            .take_while(|c| c.is_ascii_digit() || *c == b'.')
            .count();
        let (number, after) = rest.split_at(length);
        let (unit, nanoseconds) = UNITS.iter().find(|(unit, _)| after.starts_with(unit))?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if number.len() > 19 || fraction.contains('.') || number.is_empty() || number == "." {
            return None;
        }
        let digits = |digits: &str| match digits {
            "" => Some(0),
            digits => digits.parse::<i128>().ok(),
        };
        let parts = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
        total += digits(whole)? * nanoseconds + digits(fraction)? * nanoseconds / parts;
        rest = after.strip_prefix(unit)?;
        if rest.is_empty() {
            break;
        }
    }
    let total = if negative { -total } else { total };
    let seconds = i64::try_from(total / SECOND).ok()?;
    let nanoseconds = i32::try_from(total % SECOND).ok()?;
    Some(SignedDuration::new(seconds, nanoseconds))
}

/// Writes a duration by its two largest units: `2d14h`, `1h4m`, `45s`; below a second `250ms`.
pub fn render(duration: SignedDuration) -> String {
    let sign = if duration.is_negative() { "-" } else { "" };
    let seconds = duration.as_secs().unsigned_abs();
    if seconds == 0 {
        let milliseconds = duration.subsec_millis().unsigned_abs();
        return match milliseconds {
            0 => "0s".to_owned(),
            _ => format!("{sign}{milliseconds}ms"),
        };
    }
    let parts = [
        (seconds / 86_400, "d"),
        (seconds / 3_600 % 24, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
    ];
    let shown: String = parts
        .iter()
        .skip_while(|(number, _)| *number == 0)
        .take(2)
        .filter(|(number, _)| *number > 0)
        .map(|(number, unit)| format!("{number}{unit}"))
        .collect();
    format!("{sign}{shown}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes() {
        let table = [
            ("10m", Some(("10m", 600_000))),
            ("2d14h", Some(("2d14h", 223_200_000))),
            ("1h4m", Some(("1h4m", 3_840_000))),
            ("1h4m10s", Some(("1h4m", 3_850_000))),
            ("3m20s", Some(("3m20s", 200_000))),
            ("1d5m", Some(("1d", 86_700_000))),
            ("250ms", Some(("250ms", 250))),
            ("1.5h", Some(("1h30m", 5_400_000))),
            ("90s", Some(("1m30s", 90_000))),
            (".5s", Some(("500ms", 500))),
            ("1500µs", Some(("1ms", 1))),
            ("-45s", Some(("-45s", -45_000))),
            ("0", Some(("0s", 0))),
            ("0s", Some(("0s", 0))),
            ("", None),
            ("-", None),
            ("10", None),
            ("m", None),
            ("10 m", None),
            ("1.2.3s", None),
            ("1w", None),
            ("5mm", None),
            ("99999999999999999999s", None),
            ("9999999999999999999d", None),
        ];
        for (text, wanted) in table {
            let read = parse(text);
            let seen = read.map(|duration| (render(duration), duration.as_millis()));
            let wanted = wanted.map(|(text, millis)| (text.to_owned(), millis));
            assert_eq!(seen, wanted, "{text}");
        }
        assert_eq!(render(SignedDuration::MIN), "-106751991167300d15h");
    }
}
