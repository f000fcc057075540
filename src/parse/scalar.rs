//! Says what an unquoted YAML scalar is: null, truth value, number or text.

/// What a plain scalar stands for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Plain {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text,
}

/// Resolves a plain scalar by the core schema of YAML 1.2.
///
/// Where the schema and other readers of Kubernetes' YAML differ, this follows the latter, whose
/// trees ours must equal: `0b11` and `-0x10` are integers, a sign of plus is allowed, `.5` and `5.`
/// are floats, digits after a leading zero are text (`007`). An integer beyond `i64` becomes a
/// float, as the collector itself would have made of it.
pub(super) fn resolve(scalar: &str) -> Plain {
    let Some(first) = scalar.bytes().next() else {
        return Plain::Null;
    };
    match first {
        b'0'..=b'9' | b'+' | b'-' | b'.' => number(scalar),
        b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'~' => match scalar {
            "null" | "Null" | "NULL" | "~" => Plain::Null,
            "true" | "True" | "TRUE" => Plain::Bool(true),
            "false" | "False" | "FALSE" => Plain::Bool(false),
            _ => Plain::Text,
        },
        _ => Plain::Text,
    }
}

/// The JSON value of a plain scalar; a number that JSON cannot write becomes null.
pub(crate) fn to_json(scalar: &str) -> serde_json::Value {
    match resolve(scalar) {
        Plain::Null => serde_json::Value::Null,
        Plain::Bool(truth) => truth.into(),
        Plain::Integer(number) => number.into(),
        Plain::Float(number) => number.into(),
        Plain::Text => scalar.into(),
    }
}

/// Longest text that can be a number: a node keeps the length of a number's text in 16 bits.
const LONGEST_NUMBER: usize = u16::MAX as usize;

fn number(scalar: &str) -> Plain {
    if scalar.len() > LONGEST_NUMBER {
        return Plain::Text;
    }
    let (negative, magnitude) = match scalar.as_bytes() {
        [b'+', ..] => (false, &scalar[1..]),
        [b'-', ..] => (true, &scalar[1..]),
        _ => (false, scalar),
    };
    match magnitude.as_bytes() {
        [] | [b'+' | b'-', ..] => return Plain::Text,
        [b'0', b'x', ..] => return with_radix(negative, &magnitude[2..], 16),
        [b'0', b'o', ..] => return with_radix(negative, &magnitude[2..], 8),
        [b'0', b'b', ..] => return with_radix(negative, &magnitude[2..], 2),
        [b'0', rest @ ..] if !rest.is_empty() && rest.iter().all(u8::is_ascii_digit) => {
            return Plain::Text;
        }
        _ => {}
    }
    // Neither parser minds the sign; `i64::MIN` needs it.
    let signed = if negative { scalar } else { magnitude };
    if let Ok(whole) = signed.parse() {
        return Plain::Integer(whole);
    }
    match signed {
        ".inf" | ".Inf" | ".INF" => return Plain::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Plain::Float(f64::NEG_INFINITY),
        // NaN has no sign.
        ".nan" | ".NaN" | ".NAN" if scalar == signed => return Plain::Float(f64::NAN),
        _ => {}
    }
    match signed.parse::<f64>() {
        Ok(float) if float.is_finite() => Plain::Float(float),
        _ => Plain::Text,
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "said in the contract of `resolve`"
)]
fn with_radix(negative: bool, digits: &str, radix: u32) -> Plain {
    if digits.starts_with(['+', '-']) {
        return Plain::Text;
    }
    match u64::from_str_radix(digits, radix).map(|magnitude| (magnitude, i64::try_from(magnitude)))
    {
        Ok((_, Ok(whole))) => Plain::Integer(if negative { -whole } else { whole }),
        Ok((magnitude, Err(_))) => {
            let float = magnitude as f64;
            Plain::Float(if negative { -float } else { float })
        }
        Err(_) => Plain::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolves_as_the_core_schema_and_the_oracle_do() {
        let scalars = [
            "null",
            "Null",
            "NULL",
            "~",
            "nULL",
            "true",
            "True",
            "TRUE",
            "tRUE",
            "false",
            "False",
            "FALSE",
            "yes",
            "no",
            "on",
            "off",
            "0",
            "-0",
            "+0",
            "00",
            "-00",
            "007",
            "0.7",
            "08",
            "1",
            "+1",
            "-1",
            "++1",
            "+-1",
            "-+1",
            "--1",
            "12345678901234567",
            "9223372036854775807",
            "-9223372036854775808",
            "9223372036854775808",
            "18446744073709551615",
            "0x1F",
            "-0x1F",
            "+0x1f",
            "0x",
            "0xg",
            "0x-1",
            "-0x-1",
            "0o17",
            "0o8",
            "-0o7",
            "0b101",
            "0b2",
            "0x1.8",
            "1.5",
            "-1.5",
            "+1.5",
            ".5",
            "5.",
            "-.5",
            ".",
            "+",
            "..",
            "1e9",
            "1e+09",
            "2.31131136e+08",
            "1e-05",
            "1E5",
            "e5",
            "1e",
            "1e400",
            "1_000",
            "1,000",
            "1.2.3",
            "192.168.1.1",
            ".inf",
            "-.inf",
            "+.inf",
            ".Inf",
            ".INF",
            "-.INF",
            "inf",
            "infinity",
            ".nan",
            ".NaN",
            ".NAN",
            "-.nan",
            "+.nan",
            "nan",
            "NaN",
            "12:30:45",
            "2022-03-22",
            "52:54:00:12:34:56",
            "0c:c4",
            "0.",
            "00.5",
            "0e0",
            "1 2",
            "v1",
            "100m",
            "10Gi",
        ];
        for scalar in scalars {
            let expected: serde_json::Value = serde_yaml::from_str(scalar).unwrap();
            let ours: serde_json::Value = match resolve(scalar) {
                Plain::Null => serde_json::Value::Null,
                Plain::Bool(truth) => truth.into(),
                Plain::Integer(whole) => whole.into(),
                Plain::Float(float) => float.into(),
                Plain::Text => scalar.into(),
            };
            let expected = match expected.as_u64() {
                Some(large) if i64::try_from(large).is_err() => (large as f64).into(),
                _ => expected,
            };
            assert_eq!(ours, expected, "{scalar}");
        }
    }

    #[test]
    fn bounds_the_length_of_a_number() {
        assert_eq!(resolve(&"1".repeat(LONGEST_NUMBER + 1)), Plain::Text);
        assert_eq!(resolve("99999999999999999999999999"), Plain::Float(1e26));
        assert_eq!(resolve("0xffffffffffffffffffff"), Plain::Text);
    }
}
