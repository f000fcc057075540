//! Kubernetes quantities: `1536Mi`, `1.5Gi`, `100m`, `1e3`, `12E`.

/// The one number type of rules: whole where that is exact, else a double.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// A whole number.
    Integer(i64),
    /// Any other.
    Float(f64),
}

/// Suffixes as powers: the base's power, and whether the base is 2 or 10. Longer names first.
const SUFFIXES: [(&str, i32, bool); 16] = [
    ("Ki", 10, true),
    ("Mi", 20, true),
    ("Gi", 30, true),
    ("Ti", 40, true),
    ("Pi", 50, true),
    ("Ei", 60, true),
    ("n", -9, false),
    ("u", -6, false),
    ("m", -3, false),
    ("k", 3, false),
    ("M", 6, false),
    ("G", 9, false),
    ("T", 12, false),
    ("P", 15, false),
    ("E", 18, false),
    ("", 0, false),
];

/// Reads a quantity in its base unit (bytes, cores); `None` for what is none.
pub fn parse(text: &str) -> Option<Number> {
    let (negative, unsigned) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    let length = unsigned
        .bytes()
        .take_while(|c| c.is_ascii_digit() || *c == b'.')
        .count();
    let (number, suffix) = unsigned.split_at(length);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.len() + fraction.len() == 0 || fraction.contains('.') || suffix.len() > 5 {
        return None;
    }
    let (power, binary) = match SUFFIXES.iter().find(|(name, ..)| *name == suffix) {
        Some((_, power, binary)) => (*power, *binary),
        None => (suffix.strip_prefix(['e', 'E'])?.parse().ok()?, false),
    };
    let exact = exact(whole, fraction.trim_end_matches('0'), power, binary);
    if let Some(number) =
        exact.and_then(|number| i64::try_from(if negative { -number } else { number }).ok())
    {
        return Some(Number::Integer(number));
    }
    let base: f64 = if binary { 2.0 } else { 10.0 };
    let value = number.parse::<f64>().ok()?;
    // Dividing by a positive power is exact where multiplying by a negative one is not: 100m is 0.1.
    let value = if power < 0 {
        value / base.powi(-power)
    } else {
        value * base.powi(power)
    };
    value
        .is_finite()
        .then_some(Number::Float(if negative { -value } else { value }))
}

/// `whole.fraction × base^power`, if that is whole and small enough.
fn exact(whole: &str, fraction: &str, power: i32, binary: bool) -> Option<i128> {
    let digits = format!("{whole}{fraction}");
    let mut value: i128 = digits
        .trim_start_matches('0')
        .parse()
        .or(match digits.trim_matches('0') {
            "" => Ok(0),
            _ => Err(()),
        })
        .ok()?;
    let mut tens = -i32::try_from(fraction.len()).ok()?;
    if binary {
        value = value.checked_mul(1 << power)?;
    } else {
        tens = tens.checked_add(power)?;
    }
    let factor = 10_i128.checked_pow(tens.unsigned_abs())?;
    if tens >= 0 {
        value.checked_mul(factor)
    } else {
        (value % factor == 0).then_some(value / factor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        let integer = |number| Some(Number::Integer(number));
        let float = |number| Some(Number::Float(number));
        let table = [
            ("1536Mi", integer(1_610_612_736)),
            ("1.5Gi", integer(1_610_612_736)),
            ("0.5Ki", integer(512)),
            ("0.1Ki", float(102.4)),
            ("100m", float(0.1)),
            ("1000m", integer(1)),
            ("1e3", integer(1000)),
            ("1E3", integer(1000)),
            ("1.5e-1", float(0.15)),
            ("12E", float(12e18)),
            ("5E", integer(5_000_000_000_000_000_000)),
            ("7Ei", integer(8_070_450_532_247_928_832)),
            ("8Ei", float(9_223_372_036_854_775_808.0)),
            ("-8Ei", integer(i64::MIN)),
            ("5G", integer(5_000_000_000)),
            ("129k", integer(129_000)),
            ("250n", float(2.5e-7)),
            ("0", integer(0)),
            ("-0.5", float(-0.5)),
            ("+3", integer(3)),
            (".5", float(0.5)),
            ("5.", integer(5)),
            ("007", integer(7)),
            ("0.000", integer(0)),
            ("", None),
            (".", None),
            ("-", None),
            ("1.2.3", None),
            ("5 Gi", None),
            ("5GiB", None),
            ("5K", None),
            ("e3", None),
            ("1e", None),
            ("1e999999999", None),
            ("1e9999", None),
            ("abc", None),
        ];
        for (text, wanted) in table {
            assert_eq!(parse(text), wanted, "{text}");
        }
        assert!(parse(&"9".repeat(300)).is_some());
        assert_eq!(parse(&"9".repeat(400)), None);
    }
}
