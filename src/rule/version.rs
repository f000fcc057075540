//! Versions as Harvester, Kubernetes and Longhorn write them, and ranges of them.

use std::cmp::Ordering;
use std::fmt;
use std::ops::Range;

/// A version: `v1.30.7+rke2r1`, `v1.4.0-rc2`, `1.5`. What stands behind `+` says how it was built
/// and is not kept. Orders as people count: `rc10` comes after `rc2`, and a pre-release before its release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// First number.
    pub major: u64,
    /// Second number, 0 if missing.
    pub minor: u64,
    /// Third number, 0 if missing.
    pub patch: u64,
    /// What stands behind `-`: `rc2`, `head`; empty for a release.
    pub pre_release: String,
}

impl Version {
    /// Reads a version leniently: with or without `v`, one to three numbers. `None` for what is
    /// none: `master-head`, `1.x`, the empty text.
    pub fn parse(text: &str) -> Option<Version> {
        read(text).map(|(version, _)| version)
    }

    /// The three numbers.
    fn core(&self) -> [u64; 3] {
        [self.major, self.minor, self.patch]
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        match self.pre_release.as_str() {
            "" => Ok(()),
            pre_release => write!(f, "-{pre_release}"),
        }
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let release = |version: &Version| version.pre_release.is_empty();
        self.core()
            .cmp(&other.core())
            .then(release(self).cmp(&release(other)))
            .then_with(|| chunks(&self.pre_release).cmp(&chunks(&other.pre_release)))
            // Equal in order must be equal: `rc02` and `rc2`.
            .then_with(|| self.pre_release.cmp(&other.pre_release))
    }
}

/// A piece of a pre-release; numbers come before words.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Chunk<'a> {
    /// By length without leading zeros, then by digits: any number of digits.
    Number(usize, &'a str),
    Word(&'a str),
}

/// `rc.10-a` → `rc`, 10, `a`.
fn chunks(mut text: &str) -> Vec<Chunk<'_>> {
    let mut chunks = Vec::new();
    while let Some(first) = text.bytes().next() {
        let number = first.is_ascii_digit();
        let end = text.find(|c: char| c.is_ascii_digit() != number || matches!(c, '.' | '-'));
        let (chunk, rest) = text.split_at(end.unwrap_or(text.len()));
        let digits = chunk.trim_start_matches('0');
        match (number, chunk) {
            (true, _) => chunks.push(Chunk::Number(digits.len(), digits)),
            (false, "") => {}
            (false, _) => chunks.push(Chunk::Word(chunk)),
        }
        text = rest.strip_prefix(['.', '-']).unwrap_or(rest);
    }
    chunks
}

/// A version and how many of its numbers were stated.
fn read(text: &str) -> Option<(Version, usize)> {
    let text = text.trim();
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let text = text.split_once('+').map_or(text, |(version, _)| version);
    let (core, pre_release) = text.split_once('-').unwrap_or((text, ""));
    let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    if !pre_release.chars().all(valid) || text.ends_with('-') {
        return None;
    }
    let mut numbers = [0; 3];
    let mut stated = 0;
    for part in core.split('.') {
        let number = part
            .bytes()
            .all(|c| c.is_ascii_digit())
            .then(|| part.parse().ok())??;
        *numbers.get_mut(stated)? = number;
        stated += 1;
    }
    let [major, minor, patch] = numbers;
    let version = Version {
        major,
        minor,
        patch,
        pre_release: pre_release.to_owned(),
    };
    Some((version, stated))
}

/// A range of versions: `>=1.2.0 <1.4.0`; all conditions must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRange {
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Condition {
    operator: &'static str,
    bound: Version,
    /// How many of the bound's numbers count: `=1.4` and `1.4` hold `1.4.2`, `>1.4` does not.
    stated: usize,
}

/// Why a text is no range of versions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RangeError {
    /// What is wrong.
    pub message: String,
    /// Where in the text.
    pub range: Range<usize>,
    /// What to write instead.
    pub help: Option<&'static str>,
}

const OPERATORS: [&str; 5] = [">=", "<=", ">", "<", "="];

impl VersionRange {
    /// Reads a range: `=`, `<`, `<=`, `>`, `>=` or nothing before each version, spaces meaning "and".
    ///
    /// # Errors
    /// The first place that is no condition, or that no version can fulfil all of them.
    pub fn parse(text: &str) -> Result<VersionRange, RangeError> {
        let fail = |message: String, range, help| RangeError {
            message,
            range,
            help,
        };
        let mut conditions = Vec::new();
        let mut at = 0;
        loop {
            let blank = |from: usize| {
                let rest = text.get(from..).unwrap_or_default();
                from + rest.len() - rest.trim_start().len()
            };
            at = blank(at);
            let start = at;
            let rest = text.get(at..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            let operator = OPERATORS
                .into_iter()
                .find(|operator| rest.starts_with(operator));
            at = operator.map_or(at, |operator| blank(at + operator.len()));
            let rest = text.get(at..).unwrap_or_default();
            let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
            let word = rest.get(..length).unwrap_or_default();
            at += length;
            let Some((bound, stated)) = read(word) else {
                let help = match () {
                    () if word.contains("||") => {
                        "there is no \"or\": write two rules, or one wider range"
                    }
                    () if word.contains(',') => "conditions are separated by spaces",
                    () if word.starts_with(['^', '~']) || word.contains(['x', '*']) => {
                        "write `1.4` for all of 1.4"
                    }
                    () => "ranges are written `>=1.2.0 <1.4.0`",
                };
                let text = text.get(start..at).unwrap_or_default();
                return Err(fail(
                    format!("`{text}` is no condition on a version"),
                    start..at,
                    Some(help),
                ));
            };
            conditions.push(Condition {
                operator: operator.unwrap_or("="),
                bound,
                stated,
            });
        }
        let range = VersionRange { conditions };
        if range.conditions.is_empty() {
            return Err(fail(
                "the range is empty".to_owned(),
                0..text.len(),
                Some("leave the key out for any version"),
            ));
        }
        if !range.holds_any() {
            return Err(fail(
                "no version is in this range".to_owned(),
                0..text.len(),
                None,
            ));
        }
        Ok(range)
    }

    /// Whether a version is in the range. A pre-release is where its release is, unless a bound
    /// names a pre-release itself.
    pub fn contains(&self, version: &Version) -> bool {
        self.conditions.iter().all(|condition| {
            let order = if condition.bound.pre_release.is_empty() {
                let stated = condition.stated.min(3);
                let (core, bound) = (version.core(), condition.bound.core());
                core.iter().take(stated).cmp(bound.iter().take(stated))
            } else {
                version.cmp(&condition.bound)
            };
            match condition.operator {
                ">=" => order.is_ge(),
                "<=" => order.is_le(),
                ">" => order.is_gt(),
                "<" => order.is_lt(),
                _ => order.is_eq(),
            }
        })
    }

    /// Whether there is a version in it. If so, then one of these: the lowest of all, a bound, or
    /// the first version above a bound.
    fn holds_any(&self) -> bool {
        let release = |major, minor, patch| Version {
            major,
            minor,
            patch,
            pre_release: String::new(),
        };
        let first = std::iter::once(release(0, 0, 0));
        let others = self.conditions.iter().flat_map(|condition| {
            let bound = &condition.bound;
            [
                bound.clone(),
                release(bound.major, bound.minor, bound.patch),
                release(bound.major, bound.minor, bound.patch.saturating_add(1)),
                release(bound.major, bound.minor.saturating_add(1), 0),
                release(bound.major.saturating_add(1), 0, 0),
            ]
        });
        first.chain(others).any(|version| self.contains(&version))
    }
}

impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, condition) in self.conditions.iter().enumerate() {
            let core = condition.bound.core().map(|number| number.to_string());
            let stated: Vec<&str> = core
                .iter()
                .take(condition.stated)
                .map(String::as_str)
                .collect();
            let blank = if index == 0 { "" } else { " " };
            write!(f, "{blank}{}{}", condition.operator, stated.join("."))?;
            if !condition.bound.pre_release.is_empty() {
                write!(f, "-{}", condition.bound.pre_release)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        let table = [
            ("v1.30.7+rke2r1", Some("1.30.7")),
            ("v1.4.0-rc2", Some("1.4.0-rc2")),
            ("1.4", Some("1.4.0")),
            ("V2", Some("2.0.0")),
            ("v1.5-head", Some("1.5.0-head")),
            (" v1.2.3\n", Some("1.2.3")),
            ("v1.5-4a2b3c-head", Some("1.5.0-4a2b3c-head")),
            ("master-head", None),
            ("", None),
            ("v", None),
            ("1.x", None),
            ("1.2.3.4", None),
            ("1..2", None),
            ("1.2-", None),
            ("+5.1", None),
            ("99999999999999999999.1", None),
            ("1.2.3-é", None),
        ];
        for (text, wanted) in table {
            let read = Version::parse(text).map(|version| version.to_string());
            assert_eq!(read.as_deref(), wanted, "{text}");
        }
    }

    #[test]
    fn order() {
        let ascending = [
            "1.3.9",
            "1.4.0-5",
            "1.4.0-alpha",
            "1.4.0-rc2",
            "1.4.0-rc2.1",
            "1.4.0-rc10",
            "v1.4.0",
            "v1.4.1+a",
            "1.10",
        ];
        let read: Vec<Version> = ascending
            .iter()
            .map(|text| Version::parse(text).unwrap())
            .collect();
        let mut sorted = read.clone();
        sorted.reverse();
        sorted.sort();
        assert_eq!(sorted, read);
        assert_eq!(
            Version::parse("v1.30.7+rke2r1"),
            Version::parse("1.30.7+rke2r2")
        );
    }

    #[test]
    fn ranges() {
        let table = [
            (">=1.2.0 <1.4.0", "1.2.0", true),
            (">=1.2.0 <1.4.0", "v1.3.9-rc1", true),
            (">=1.2.0 <1.4.0", "1.4.0", false),
            (">=1.2.0 <1.4.0", "1.4.0-rc2", false),
            (">=1.4.0", "v1.4.0-rc2", true),
            (">=1.4.0-rc3", "v1.4.0-rc2", false),
            (">=1.4.0-rc3", "v1.4.0", true),
            ("1.4", "1.4.7", true),
            ("=1.4", "1.5.0", false),
            (">1.4", "1.4.7", false),
            (">1.4", "1.5.0", true),
            ("<=1.4", "1.4.7", true),
            (">= 1.2  <= v1.3.1", "1.3.1", true),
            ("1.4.1", "v1.4.1+rke2r1", true),
        ];
        for (range, version, wanted) in table {
            let read = VersionRange::parse(range).unwrap();
            assert_eq!(
                read.contains(&Version::parse(version).unwrap()),
                wanted,
                "{version} in {range}"
            );
        }
        assert_eq!(
            VersionRange::parse(" >=  v1.2  <1.4.0-rc1")
                .unwrap()
                .to_string(),
            ">=1.2 <1.4.0-rc1"
        );
    }

    #[test]
    fn refusals() {
        let table = [
            ("", "the range is empty", 0..0),
            (">=1.2 || 1.4", "`||` is no condition on a version", 6..8),
            (">=1.2, <1.4", "`>=1.2,` is no condition on a version", 0..6),
            ("~1.2", "`~1.2` is no condition on a version", 0..4),
            (">=1.4.0 <1.2.0", "no version is in this range", 0..14),
            (">1.4.0 <1.4.1", "no version is in this range", 0..13),
            ("1.2 1.3", "no version is in this range", 0..7),
            ("<0", "no version is in this range", 0..2),
            (">=", "`>=` is no condition on a version", 0..2),
        ];
        for (text, message, range) in table {
            let error = VersionRange::parse(text).unwrap_err();
            assert_eq!(
                (error.message.as_str(), error.range),
                (message, range),
                "{text}"
            );
        }
    }
}
