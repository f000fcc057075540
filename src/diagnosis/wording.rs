//! One form for numbers, times and durations wherever the report speaks.

use jiff::{SignedDuration, Timestamp};

/// A length of time in its two largest units: `2d14h`, `1h4m`, `45s`. A negative one is `0s`.
#[must_use]
pub fn duration(length: SignedDuration) -> String {
    let seconds = length.as_secs().max(0);
    let units = [
        ("d", seconds / 86_400),
        ("h", seconds / 3_600 % 24),
        ("m", seconds / 60 % 60),
        ("s", seconds % 60),
    ];
    let Some(first) = units.iter().position(|(_, count)| *count > 0) else {
        return "0s".into();
    };
    let shown = units
        .iter()
        .skip(first)
        .take(2)
        .filter(|(_, count)| *count > 0);
    shown
        .map(|(unit, count)| format!("{count}{unit}"))
        .collect()
}

/// A time to the minute: `2025-03-17 09:12 UTC`.
#[must_use]
pub fn minute(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// A number with its noun: `1 node`, `1,246 objects`.
#[must_use]
pub fn count(number: impl TryInto<u64>, noun: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(number))
}

/// Digits in groups of three: `126,042`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of bytes in decimal units, three digits: `51.0 MB`.
#[must_use]
pub fn bytes(number: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if number < 1_000 {
        return format!("{number} B");
    }
    let mut unit = 0;
    let mut divisor = 1_000_u64;
    while unit + 1 < UNITS.len() && number / divisor >= 1_000 {
        divisor *= 1_000;
        unit += 1;
    }
    let tenths = u128::from(number) * 10 / u128::from(divisor);
    match tenths {
        0..1_000 => format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit]),
        _ => format!("{} {}", tenths / 10, UNITS[unit]),
    }
}

/// Names joined by commas, the last by `word`: `a, b and c`.
#[must_use]
pub fn list<T: AsRef<str>>(names: &[T], word: &str) -> String {
    match names {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [most @ .., last] => {
            let most: Vec<&str> = most.iter().map(AsRef::as_ref).collect();
            format!("{} {word} {}", most.join(", "), last.as_ref())
        }
    }
}

/// The first `limit` names joined by commas, and how many more there are: `a, b + 3 more`.
#[must_use]
pub fn some<T: AsRef<str>>(names: &[T], limit: usize) -> String {
    let shown: Vec<&str> = names.iter().take(limit).map(AsRef::as_ref).collect();
    match names.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} + {more} more", shown.join(", ")),
    }
}

/// Says of an input that namespaces of no interest may hold more of it, as in nearly every bundle.
pub const OF_ALL_NAMESPACES: &str = "of all namespaces";

/// A text as a sentence: its final stop added if it has none.
#[must_use]
pub fn sentence(text: &str) -> String {
    let text = text.trim();
    match text.chars().last() {
        None | Some('.' | '!' | '?' | '…') => text.to_owned(),
        Some(_) => format!("{text}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_show_two_units() {
        for (seconds, text) in [
            (-5, "0s"),
            (0, "0s"),
            (45, "45s"),
            (90, "1m30s"),
            (3_600, "1h"),
            (3_840, "1h4m"),
            (86_399, "23h59m"),
            (2 * 86_400 + 14 * 3_600 + 59 * 60, "2d14h"),
            (86_400 + 59, "1d"),
            (400 * 86_400, "400d"),
        ] {
            assert_eq!(
                duration(SignedDuration::from_secs(seconds)),
                text,
                "{seconds}"
            );
        }
    }

    #[test]
    fn numbers_and_names() {
        assert_eq!(count(1_u32, "node"), "1 node");
        assert_eq!(count(0_usize, "node"), "0 nodes");
        assert_eq!(count(1_246_u64, "object"), "1,246 objects");
        assert_eq!(grouped(126_042), "126,042");
        assert_eq!(grouped(u64::MAX), "18,446,744,073,709,551,615");
        for (number, text) in [
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (51_000_000, "51.0 MB"),
            (999_999_999, "999 MB"),
            (u64::MAX, "18446744 TB"),
        ] {
            assert_eq!(bytes(number), text);
        }
        assert_eq!(list(&["a", "b", "c"], "and"), "a, b and c");
        assert_eq!(list(&["a"], "and"), "a");
        assert_eq!(some(&["a", "b", "c"], 2), "a, b + 1 more");
        assert_eq!(some(&["a", "b"], 2), "a, b");
        assert_eq!(sentence("so it is "), "so it is.");
        assert_eq!(sentence("is it?"), "is it?");
        let time: Timestamp = "2025-03-17T10:12:44.5+01:00".parse().unwrap();
        assert_eq!(minute(time), "2025-03-17 09:12 UTC");
    }
}
