//! Sizes, percentages and counts as host tools print them.

/// Reads a size such as `1.8T`, `447G`, `12K`, `325.1 MiB` or `0` into bytes; a bare number counts
/// `unit` bytes. Suffixes are powers of 1024, as `df -h`, `lsblk` and `ctr` mean them.
pub(super) fn size(text: &str, unit: u64) -> Option<u64> {
    let text = text.trim();
    let number_ends = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(number_ends);
    let factor = match suffix.trim() {
        "" => unit,
        "B" => 1,
        "K" | "k" | "KiB" | "KB" | "kB" => 1 << 10,
        "M" | "MiB" | "MB" => 1 << 20,
        "G" | "GiB" | "GB" => 1 << 30,
        "T" | "TiB" | "TB" => 1 << 40,
        "P" | "PiB" | "PB" => 1 << 50,
        "E" | "EiB" | "EB" => 1 << 60,
        _ => return None,
    };
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(factor);
    }
    let value = number.parse::<f64>().ok()? * factor as f64;
    // Beyond 2^64 the cast would quietly give the largest number.
    (value.is_finite() && value < u64::MAX as f64).then_some(value as u64)
}

/// Reads `54%`; `-` is nothing.
pub(super) fn percent(text: &str) -> Option<u32> {
    text.trim().strip_suffix('%')?.trim().parse().ok()
}

/// Reads the digits a text begins with, thousands separators skipped: `480,103,981,056 bytes`.
pub(super) fn leading_count(text: &str) -> Option<u64> {
    let mut count: Option<u64> = None;
    for c in text.trim_start().chars() {
        match c.to_digit(10) {
            Some(digit) => {
                count = Some(
                    count
                        .unwrap_or(0)
                        .checked_mul(10)?
                        .checked_add(u64::from(digit))?,
                );
            }
            None if c == ',' && count.is_some() => {}
            None => break,
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_bytes() {
        for (text, unit, bytes) in [
            ("1.5K", 1, Some(1536)),
            ("447G", 1, Some(447 << 30)),
            ("512B", 1, Some(512)),
            ("0", 1, Some(0)),
            ("468851544", 1024, Some(468_851_544 * 1024)),
            ("325.5 MiB", 1, Some(341_311_488)),
            ("12E", 1, Some(12 << 60)),
            ("99E", 1, None),
            ("9.9e9", 1, None),
            ("1.2.3K", 1, None),
            ("-", 1, None),
            ("", 1, None),
            ("K", 1, None),
        ] {
            assert_eq!(size(text, unit), bytes, "{text}");
        }
    }

    #[test]
    fn percentages_and_counts() {
        assert_eq!(percent("54%"), Some(54));
        assert_eq!(percent("100%"), Some(100));
        assert_eq!(percent("-"), None);
        assert_eq!(
            leading_count("480,103,981,056 bytes [480 GB]"),
            Some(480_103_981_056)
        );
        assert_eq!(leading_count("29 (Min/Max 18/45)"), Some(29));
        assert_eq!(leading_count("4000h+12m"), Some(4000));
        assert_eq!(leading_count("h"), None);
        assert_eq!(leading_count("99999999999999999999999"), None);
    }
}
