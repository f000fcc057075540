//! Findings that a user knows of and accepts: a list in a file of his own, beside no rule.
//!
//! What it covers is still found, shown on request, and counts for nothing; what follows from it
//! stays.

use jiff::civil::Date;
use jiff::{Timestamp, tz::Offset};
use miette::Diagnostic;

use crate::diagnosis::wording;
use crate::finding::{ObjectName, Suppression};
use crate::rule::keys::{self, Keys};
use crate::rule::mistake::{Mistake, Mistakes};
use crate::rule::nearest::proposal;
use crate::rule::shape::{Form, Shape, Wants, json_schema, optional, required};
use crate::rule::source::{RuleSource, Span};
use crate::rule::tree::{self, Tree};
use crate::rule::{Category, Rule, RuleSet};
use crate::scan::glob;

static ENTRY: Shape = Shape {
    name: "entry",
    what: "an entry",
    keys: &[
        required(
            "rule",
            Wants::Form(Form::RuleOrCategory),
            "The rule whose findings are accepted, or all of a category: `node/*`",
        ),
        required(
            "subject",
            Wants::Text,
            "What they are about, as `Kind/namespace/name` or `Kind/name`; `*` stands for any text",
        ),
        required("reason", Wants::Text, "Why, for people"),
        optional(
            "until",
            Wants::Form(Form::Date),
            "The last day on which it holds, by the bundle's own time",
        ),
    ],
    conditions: &[],
};

/// What such a file looks like, as JSON Schema: for editors, which complete and check by it.
pub fn file_schema() -> serde_json::Value {
    static FILE: Wants = Wants::List(&Wants::Map(&ENTRY));
    json_schema(&FILE, "Findings that bundle-doctor is to ignore")
}

/// Accepted findings.
#[derive(Debug, Clone, Default)]
pub struct IgnoreList {
    entries: Vec<Entry>,
    source: RuleSource,
}

#[derive(Debug, Clone)]
struct Entry {
    rules: Rules,
    subject: String,
    reason: String,
    until: Option<(Date, Span)>,
}

#[derive(Debug, Clone)]
enum Rules {
    /// Id of the one rule.
    One(String),
    Of(Category),
}

/// What is wrong in the file, all of it.
#[derive(Debug, Diagnostic, thiserror::Error)]
#[error("{} in the list of findings to ignore", wording::count(mistakes.len(), "mistake"))]
pub struct IgnoreErrors {
    /// Each with its place.
    #[related]
    pub mistakes: Vec<Mistake>,
}

/// Entries that no longer hold.
#[derive(Debug, Diagnostic, thiserror::Error)]
#[error("entries of the list of findings to ignore have expired")]
#[diagnostic(severity(Warning))]
pub struct Expired {
    /// A warning for each, with its place.
    #[related]
    pub entries: Vec<Mistake>,
}

impl IgnoreList {
    /// Reads a file. `rules` are all there are, whether they run or not.
    ///
    /// # Errors
    /// Every mistake in it, names of no rule among them.
    pub fn read(name: &str, text: &str, rules: &RuleSet) -> Result<IgnoreList, IgnoreErrors> {
        let source = RuleSource::new(name, text);
        let mut mistakes = Mistakes::new(&source);
        let tree = tree::read(&source.text, &mut mistakes);
        let list = keys::list(tree.as_ref(), &mut mistakes);
        let entries = list
            .iter()
            .filter_map(|tree| entry(tree, rules, &mut mistakes))
            .collect();
        if mistakes.has_error() {
            let mistakes = mistakes.into_list();
            return Err(IgnoreErrors { mistakes });
        }
        Ok(IgnoreList { entries, source })
    }

    /// Why a finding of a rule is accepted in a bundle of this time; `None` if it is not. Where the
    /// time is unknown, nothing has expired.
    pub(crate) fn suppression(
        &self,
        rule: &Rule,
        subject: &ObjectName,
        collected_at: Option<Timestamp>,
    ) -> Option<Suppression> {
        if self.entries.is_empty() {
            return None;
        }
        let subject = subject.to_string();
        let covers = |entry: &&Entry| {
            let of_rule = match &entry.rules {
                Rules::One(id) => *id == rule.id,
                Rules::Of(category) => *category == rule.category,
            };
            of_rule && glob(&entry.subject, &subject) && !entry.has_expired(collected_at)
        };
        let entry = self.entries.iter().find(covers)?;
        Some(Suppression {
            by: "ignore".to_owned(),
            reason: entry.reason.clone(),
            until: entry.until.map(|(until, _)| until.to_string()),
        })
    }

    /// The entries that had expired when the bundle was collected; `None` if there are none.
    pub fn expired(&self, collected_at: Option<Timestamp>) -> Option<Expired> {
        let mut mistakes = Mistakes::new(&self.source);
        for entry in &self.entries {
            if let Some((until, span)) = entry.until
                && entry.has_expired(collected_at)
            {
                let collected = collected_at.map(day).unwrap_or_default();
                mistakes
                    .warning(
                        "BD040",
                        span,
                        format!("this held until {until}, and the bundle is of {collected}"),
                    )
                    .help("take the entry out, or accept it anew");
            }
        }
        let entries = mistakes.into_list();
        (!entries.is_empty()).then_some(Expired { entries })
    }
}

impl Entry {
    fn has_expired(&self, collected_at: Option<Timestamp>) -> bool {
        match (self.until, collected_at) {
            (Some((until, _)), Some(at)) => day(at) > until,
            _ => false,
        }
    }
}

fn day(at: Timestamp) -> Date {
    Offset::UTC.to_datetime(at).date()
}

fn entry(tree: &Tree, rules: &RuleSet, mistakes: &mut Mistakes) -> Option<Entry> {
    let keys = Keys::of(tree, &ENTRY, mistakes)?;
    let named = keys
        .get("rule")
        .and_then(|tree| named(tree, rules, mistakes));
    let subject = keys
        .get("subject")
        .and_then(|tree| keys::text(tree, mistakes));
    let reason = keys
        .get("reason")
        .and_then(|tree| keys::text(tree, mistakes));
    let until = keys.get("until").and_then(|tree| until(tree, mistakes));
    Some(Entry {
        rules: named?,
        subject: subject?,
        reason: reason?,
        until,
    })
}

/// The rule of this id or alias, or the category before `/*`.
fn named(tree: &Tree, rules: &RuleSet, mistakes: &mut Mistakes) -> Option<Rules> {
    let name = keys::text(tree, mistakes)?;
    if let Some(category) = name.strip_suffix("/*") {
        let known = Category::parse(category);
        if known.is_none() {
            mistakes
                .error(
                    "BD002",
                    tree.span,
                    format!("there is no category `{category}`"),
                )
                .help_if(proposal(category, Category::ALL.map(Category::name)));
        }
        return known.map(Rules::Of);
    }
    if let Some(rule) = rules.get(&name) {
        return Some(Rules::One(rule.id.clone()));
    }
    let help = match Category::parse(&name) {
        Some(_) => Some(format!("all of a category are written `{name}/*`")),
        None => {
            let rules = rules.rules().iter();
            let names = rules.flat_map(|rule| std::iter::once(&rule.id).chain(&rule.aliases));
            proposal(&name, names.map(String::as_str))
        }
    };
    mistakes
        .error("BD002", tree.span, format!("there is no rule `{name}`"))
        .help_if(help);
    None
}

fn until(tree: &Tree, mistakes: &mut Mistakes) -> Option<(Date, Span)> {
    let text = keys::text(tree, mistakes)?;
    let date = text.parse().ok();
    let date = date.filter(|date: &Date| date.to_string() == text);
    if date.is_none() {
        mistakes
            .error("BD040", tree.span, format!("`{text}` is no date"))
            .help("dates are written `2025-12-31`");
    }
    date.map(|date| (date, tree.span))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> RuleSet {
        RuleSet::builtin().unwrap()
    }

    fn read(text: &str) -> Result<IgnoreList, Vec<(String, usize, Option<String>)>> {
        IgnoreList::read("ignore.yaml", text, &rules()).map_err(|errors| {
            let mistakes = errors.mistakes.into_iter();
            mistakes
                .map(|it| (it.message.clone(), it.line().unwrap_or_default(), it.help))
                .collect()
        })
    }

    fn object(name: &str) -> ObjectName {
        let parts: Vec<&str> = name.split('/').collect();
        let (kind, namespace, name) = match parts.as_slice() {
            [kind, name] => (*kind, None, *name),
            [kind, namespace, name] => (*kind, Some((*namespace).to_owned()), *name),
            _ => panic!("{name}"),
        };
        ObjectName {
            kind: kind.to_owned(),
            namespace,
            name: name.to_owned(),
        }
    }

    #[test]
    fn entries_cover_rules_by_name_and_subjects_by_pattern() {
        let rules = rules();
        let rule = rules.get("node-notready-unknown").unwrap();
        let other = rules.get("disk-io-error").unwrap();
        let covers = |named: &str, subject: &str, rule: &Rule, of: &str| {
            let text = format!("- {{ rule: {named}, subject: '{subject}', reason: known }}");
            let list = read(&text).unwrap();
            list.suppression(rule, &object(of), None).is_some()
        };
        let id = "node-notready-unknown";
        for (named, subject, of, is_covered) in [
            (id, "Node/harv-1", "Node/harv-1", true),
            (id, "Node/harv-1", "Node/harv-12", false),
            (id, "Node/harv-*", "Node/harv-12", true),
            (id, "*", "Node/harv-1", true),
            (id, "Pod/*", "Node/harv-1", false),
            (id, "Pod/*/web-*", "Pod/default/web-1", true),
            (id, "Pod/other/*", "Pod/default/web-1", false),
            (id, "harv-1", "Node/harv-1", false),
            ("node/*", "Node/*", "Node/harv-1", true),
            ("storage/*", "Node/*", "Node/harv-1", false),
            ("disk-io-error", "*", "Node/harv-1", false),
        ] {
            assert_eq!(
                covers(named, subject, rule, of),
                is_covered,
                "{named} {subject} {of}"
            );
        }
        for alias in &other.aliases {
            assert!(covers(alias, "*", other, "Node/x"), "{alias}");
        }
    }

    #[test]
    fn the_first_entry_that_holds_says_why() {
        let rules = rules();
        let rule = rules.get("disk-io-error").unwrap();
        let list = read(
            "# accepted\n\
             - rule: disk-io-error\n  subject: '*'\n  reason: old\n  until: 2025-03-16\n\
             - rule: disk-io-error\n  subject: '*'\n  reason: a spare\n  until: 2025-03-17\n\
             - rule: disk-io-error\n  subject: '*'\n  reason: for ever\n",
        )
        .unwrap();
        let why = |at: Option<&str>| {
            let at = at.map(|at| at.parse().unwrap());
            list.suppression(rule, &object("Node/x"), at).unwrap()
        };
        assert_eq!(why(None).reason, "old");
        let last_day = why(Some("2025-03-17T23:59:59Z"));
        assert_eq!((&*last_day.by, &*last_day.reason), ("ignore", "a spare"));
        assert_eq!(last_day.until.as_deref(), Some("2025-03-17"));
        let later = Some("2025-03-18T00:00:00Z");
        assert_eq!(why(later).reason, "for ever");
        assert_eq!(why(later).until, None);
        let expired = |at: &str| {
            let warnings = list.expired(Some(at.parse().unwrap()))?;
            Some(warnings.entries.iter().filter_map(Mistake::line).collect())
        };
        assert_eq!(expired("2025-03-16T12:00:00Z"), None::<Vec<usize>>);
        assert_eq!(expired("2025-03-17T12:00:00Z"), Some(vec![5]));
        assert_eq!(expired("2025-03-18T12:00:00Z"), Some(vec![5, 9]));
        assert!(list.expired(None).is_none());
    }

    #[test]
    fn all_mistakes_come_at_once() {
        let wrong = read(
            "- rule: disk-io-eror\n  subject: '*'\n  reason: x\n\
             - rule: node\n  subject: '*'\n  reason: x\n\
             - rule: nodes/*\n  subject: '*'\n  reason: x\n\
             - rule: disk-io-error\n  subjects: '*'\n  reason: x\n\
             - rule: disk-io-error\n  subject: '*'\n  reason: ''\n  until: tomorrow\n\
             - { subject: '*', reason: x }\n\
             - disk-io-error\n",
        )
        .unwrap_err();
        let wrong: Vec<(&str, usize, &str)> = wrong
            .iter()
            .map(|(message, line, help)| (&**message, *line, help.as_deref().unwrap_or_default()))
            .collect();
        assert_eq!(
            wrong,
            [
                (
                    "there is no rule `disk-io-eror`",
                    1,
                    "did you mean `disk-io-error`?"
                ),
                (
                    "there is no rule `node`",
                    4,
                    "all of a category are written `node/*`"
                ),
                ("there is no category `nodes`", 7, "did you mean `node`?"),
                (
                    "an entry has no key `subjects`",
                    11,
                    "did you mean `subject`?"
                ),
                ("an entry needs the key `subject`", 10, ""),
                ("the text is empty", 15, ""),
                (
                    "`tomorrow` is no date",
                    16,
                    "dates are written `2025-12-31`"
                ),
                ("an entry needs the key `rule`", 17, ""),
                ("expected a map for an entry, found text", 18, ""),
            ]
        );
        assert!(read("rule: x").is_err() && read("").is_err() && read("[]").is_ok());
    }

    #[test]
    fn schema_file_is_that_of_the_shape_and_takes_what_is_read() {
        crate::testing::check_schema_file("ignore.v1.schema.json", &file_schema());
        let schema = jsonschema::validator_for(&file_schema()).unwrap();
        let entry = serde_json::json!({
            "rule": "node/*", "subject": "Node/*", "reason": "x", "until": "2025-12-31",
        });
        assert!(schema.is_valid(&serde_json::json!([entry, entry])));
        for (key, value) in [
            ("until", "soon"),
            ("reason", ""),
            ("why", "x"),
            ("rule", "A"),
        ] {
            let mut entry = entry.clone();
            entry[key] = value.into();
            let list = serde_json::json!([entry]);
            assert!(
                !schema.is_valid(&list) && read(&list.to_string()).is_err(),
                "{key}"
            );
        }
    }
}
