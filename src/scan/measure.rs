//! Reads measured captures as numbers.

use super::Measure;

impl Measure {
    /// The value, in the measure's unit; `None` if the text is none.
    pub(super) fn read(self, text: &str) -> Option<f64> {
        let value = match self {
            Measure::Number => number(text.trim()),
            Measure::Duration => duration(text.trim()),
            Measure::Bytes => bytes(text.trim()),
        };
        value.filter(|value| value.is_finite())
    }
}

fn number(text: &str) -> Option<f64> {
    // Rust also reads `inf` and `nan`, which no log means as a number.
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    if plain { text.parse().ok() } else { None }
}

/// Length of the number that a text begins with.
fn digits(text: &str) -> usize {
    text.bytes()
        .take_while(|byte| byte.is_ascii_digit() || *byte == b'.')
        .count()
}

/// Go's `1h2m3.5s`, in seconds; a plain number is seconds.
fn duration(text: &str) -> Option<f64> {
    if let Some(seconds) = number(text) {
        return Some(seconds);
    }
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text),
    };
    if rest.is_empty() {
        return None;
    }
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let (value, after) = rest.split_at(digits(rest));
        let letters = after
            .bytes()
            .take_while(|byte| !byte.is_ascii_digit())
            .count();
        let (unit, after) = after.split_at(letters);
        let value: f64 = value.parse().ok()?;
        // Dividing by a whole number rounds once; its reciprocal would round twice.
        seconds += match unit.trim() {
            "ns" => value / 1e9,
            "us" | "µs" | "μs" => value / 1e6,
            "ms" => value / 1e3,
            "s" => value,
            "m" => value * 60.0,
            "h" => value * 3600.0,
            "d" => value * 86400.0,
            _ => return None,
        };
        rest = after;
    }
    Some(sign * seconds)
}

/// `512`, `64Ki`, `1.5 GB`, `325.1 MiB`, `2048 kB`.
fn bytes(text: &str) -> Option<f64> {
    let (value, unit) = text.split_at(digits(text));
    let unit = unit.trim();
    let unit = unit.strip_suffix(['B', 'b']).unwrap_or(unit);
    let factor = match unit {
        "" => 1.0,
        "k" | "K" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "Ki" => 1024.0,
        "Mi" => 1024.0 * 1024.0,
        "Gi" => 1024.0 * 1024.0 * 1024.0,
        "Ti" => 1024.0_f64.powi(4),
        "Pi" => 1024.0_f64.powi(5),
        _ => return None,
    };
    Some(value.parse::<f64>().ok()? * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_each_unit() {
        for (measure, text, value) in [
            (Measure::Number, "42", Some(42.0)),
            (Measure::Number, " -1.5e3 ", Some(-1500.0)),
            (Measure::Number, "nan", None),
            (Measure::Number, "1 2", None),
            (Measure::Number, "1e999", None),
            (Measure::Duration, "1.234s", Some(1.234)),
            (Measure::Duration, "250ms", Some(0.25)),
            (Measure::Duration, "1m2s", Some(62.0)),
            (Measure::Duration, "1h0m0.5s", Some(3600.5)),
            (Measure::Duration, "-3s", Some(-3.0)),
            (Measure::Duration, "100µs", Some(0.0001)),
            (Measure::Duration, "7", Some(7.0)),
            (Measure::Duration, "7 parsecs", None),
            (Measure::Duration, "s", None),
            (Measure::Duration, "", None),
            (Measure::Bytes, "512", Some(512.0)),
            (Measure::Bytes, "64Ki", Some(65536.0)),
            (Measure::Bytes, "1.5 GB", Some(1.5e9)),
            (Measure::Bytes, "2048kB", Some(2_048_000.0)),
            (Measure::Bytes, "1MiB", Some(1_048_576.0)),
            (Measure::Bytes, "many", None),
        ] {
            assert_eq!(measure.read(text), value, "{text}");
        }
    }
}
