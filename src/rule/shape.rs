//! What the maps of a YAML file look like: their keys, what these want, what they are for.
//!
//! One description serves the reader, which refuses unknown and missing keys by it ([`Keys`]), and
//! the JSON Schema, by which editors complete and check; so these two cannot drift apart.
//!
//! [`Keys`]: super::keys::Keys

mod json_schema;

pub(crate) use json_schema::json_schema;

use crate::finding::{Confidence, Risk, Severity};

/// Severities as files write them.
pub(crate) const SEVERITIES: [(&str, Severity); 4] = [
    ("critical", Severity::Critical),
    ("error", Severity::Error),
    ("warning", Severity::Warning),
    ("info", Severity::Info),
];

/// Confidences as files write them.
pub(crate) const CONFIDENCES: [(&str, Confidence); 3] = [
    ("certain", Confidence::Certain),
    ("likely", Confidence::Likely),
    ("possible", Confidence::Possible),
];

/// Risks as files write them.
pub(crate) const RISKS: [(&str, Risk); 3] = [
    ("safe", Risk::Safe),
    ("disruptive", Risk::Disruptive),
    ("destructive", Risk::Destructive),
];

/// A severity.
pub(crate) const SEVERITY: Wants = Wants::Word(|| words(&SEVERITIES));

/// A confidence.
pub(crate) const CONFIDENCE: Wants = Wants::Word(|| words(&CONFIDENCES));

/// A risk.
pub(crate) const RISK: Wants = Wants::Word(|| words(&RISKS));

/// A map whose keys are known.
#[derive(Debug)]
pub(crate) struct Shape {
    /// Its name among the definitions of a schema.
    pub(crate) name: &'static str,
    /// What it is in a message: `a rule`, `an entry of match`.
    pub(crate) what: &'static str,
    /// Its keys, in the order in which they are usually written.
    pub(crate) keys: &'static [Key],
    /// What holds between its keys.
    pub(crate) conditions: &'static [Condition],
}

/// A key of a map.
#[derive(Debug)]
pub(crate) struct Key {
    /// As it is written.
    pub(crate) name: &'static str,
    /// What its value must be.
    pub(crate) wants: Wants,
    /// Whether a map without it is wrong.
    pub(crate) required: bool,
    /// What it is for, in a line.
    pub(crate) doc: &'static str,
}

/// What the value of a key must be.
#[derive(Debug)]
pub(crate) enum Wants {
    /// Text that is not empty.
    Text,
    /// Text with `{{ expression }}` in it.
    Template,
    /// An expression of the CEL dialect.
    Expression,
    /// A name as expressions know it.
    Name,
    /// A name in kebab-case.
    Slug,
    /// Text, a number or a truth value.
    Scalar,
    /// Text of some form.
    Form(Form),
    /// A whole number, this or above.
    Number(u32),
    /// `true` or `false`.
    Truth,
    /// One of a few words.
    Word(fn() -> Vec<&'static str>),
    /// A list.
    List(&'static Wants),
    /// A list of at least one.
    Some(&'static Wants),
    /// A list of exactly two.
    Two(&'static Wants),
    /// One, or a list of them.
    OneOrMany(&'static Wants),
    /// A map from names of the author's choice.
    Names(&'static Wants),
    /// A map from any texts.
    Texts(&'static Wants),
    /// A map whose keys are known.
    Map(&'static Shape),
    /// One of several maps, told apart by the first key of each.
    OneOf(&'static [&'static Shape]),
    /// One or the other.
    Either(&'static [Wants]),
    /// A map with any keys.
    Object,
    /// Nothing at all.
    Null,
}

/// A form of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `10m`, `2d14h`.
    Duration,
    /// `>=1.2.0 <1.4.0`.
    VersionRange,
    /// `2024-05-01T12:00:00Z`, `-25m`.
    Moment,
    /// `2025-12-31`.
    Date,
    /// A regular expression.
    Regex,
    /// `Node`, `longhorn.io/Volume`.
    Kind,
    /// `node/kernel`, `pod/<namespace>/<pod>/<container>`.
    LogSource,
    /// `status.conditions[type=Ready].status`.
    FieldPath,
    /// An address that starts with `https://`.
    Url,
    /// The id of a rule, or `category/*`.
    RuleOrCategory,
}

/// What holds between the keys of a map.
#[derive(Debug)]
pub(crate) enum Condition {
    /// Exactly one of two keys; `help` says what to do with both.
    Either {
        keys: [&'static str; 2],
        help: &'static str,
    },
    /// At least one of some keys; a message asks for the first.
    Any(&'static [&'static str]),
    /// Where `key` is, `with` must be, too.
    Needs {
        key: &'static str,
        with: &'static str,
        code: &'static str,
        message: &'static str,
        help: &'static str,
    },
    /// Where `key` is, the others must not be; `why` follows their name in a message.
    Excludes {
        key: &'static str,
        others: &'static [&'static str],
        why: &'static str,
    },
}

impl Shape {
    /// Names of all keys.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> + Clone {
        self.keys.iter().map(|key| key.name)
    }
}

/// A key that must be there.
pub(crate) const fn required(name: &'static str, wants: Wants, doc: &'static str) -> Key {
    Key {
        name,
        wants,
        required: true,
        doc,
    }
}

/// A key that may be left out.
pub(crate) const fn optional(name: &'static str, wants: Wants, doc: &'static str) -> Key {
    Key {
        name,
        wants,
        required: false,
        doc,
    }
}

/// The words of a table of choices.
pub(crate) fn words<T>(choices: &[(&'static str, T)]) -> Vec<&'static str> {
    choices.iter().map(|(word, _)| *word).collect()
}
