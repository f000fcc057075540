//! The rules themselves, for who wants to know what is looked for: a list, and one rule explained.
//!
//! A rule's texts are templates. A reader sees what is filled in as `‹disk.device›`, or as `…` where
//! naming it would take longer than the text around it.

mod text;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::case::suite::Suite;
use crate::diagnosis;
use crate::finding::{Confidence, Risk, Severity};
use crate::rule::expression::{Expression, Node};
use crate::rule::quantity::Number;
use crate::rule::template::{Part, Template};
use crate::rule::version::VersionRange;
use crate::rule::{Outside, Param, Rule, RuleSet, Status, duration};

pub use text::{write_list, write_rule};

/// Name and version of the list's schema.
pub const LIST_SCHEMA: &str = "bundle-doctor/rules/v1";
/// Name and version of the schema of one rule.
pub const RULE_SCHEMA: &str = "bundle-doctor/rule/v1";

/// So long may a value to fill in be to be named in a text.
const NAMED: usize = 40;

/// A list of rules, by category and id.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleList {
    /// `bundle-doctor/rules/v1`.
    pub schema: String,
    /// The rules.
    pub rules: Vec<RuleEntry>,
}

/// A rule in one line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleEntry {
    /// Its id.
    pub id: String,
    /// Its category.
    pub category: &'static str,
    /// How bad, before any escalation.
    pub severity: Severity,
    /// `stable`, `experimental` or `deprecated`.
    pub status: &'static str,
    /// The versions it is about.
    pub versions: VersionRanges,
    /// What it finds, in one line.
    pub title: String,
    /// Its other names.
    pub aliases: Vec<String>,
    /// Its file.
    pub file: String,
    /// Names of the cases that test it.
    pub cases: Vec<String>,
}

/// The versions a rule is about; `null` is any.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionRanges {
    /// Of Harvester.
    pub harvester: Option<String>,
    /// Of Kubernetes.
    pub kubernetes: Option<String>,
    /// Of Longhorn.
    pub longhorn: Option<String>,
    /// Of Harvester before an upgrade.
    pub upgrade_from: Option<String>,
    /// Of Harvester after an upgrade.
    pub upgrade_to: Option<String>,
    /// What happens outside: `skip` or `lower`.
    pub outside: &'static str,
}

/// A rule explained.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleDetail {
    /// `bundle-doctor/rule/v1`.
    pub schema: String,
    /// What the list says of it.
    #[serde(flatten)]
    pub entry: RuleEntry,
    /// The worst it may become; `null` where nothing makes it worse.
    pub escalates_to: Option<Severity>,
    /// How sure, before any escalation.
    pub confidence: Confidence,
    /// What stands behind it.
    pub description: Option<String>,
    /// What the bundle must hold for it to be evaluated.
    pub requires: RequiredData,
    /// Its constants.
    pub params: Vec<ParamEntry>,
    /// Rules whose findings explain one of this rule, whichever side says so.
    pub caused_by: Vec<LinkEntry>,
    /// Rules whose findings one of this rule explains, whichever side says so.
    pub causes: Vec<LinkEntry>,
    /// What to do, in order.
    pub remedy: Vec<RemedyEntry>,
    /// Where to read more.
    pub references: Vec<ReferenceEntry>,
    /// Whether it came with the program.
    pub built_in: bool,
}

/// What the bundle must hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RequiredData {
    /// Kinds of objects, all of them.
    pub kinds: Vec<String>,
    /// Log sources; of each group one is enough.
    pub logs: Vec<Vec<String>>,
}

/// A constant of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ParamEntry {
    /// Its name.
    pub name: String,
    /// Its value unless set, as `--param` takes it.
    pub default: String,
}

/// Another rule in a link.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LinkEntry {
    /// Its id, or `<category>/*`.
    pub rule: String,
    /// Its title; `null` for a category, and for a rule that is not there.
    pub title: Option<String>,
    /// Exports that must denote the same thing in both findings.
    pub same: Vec<String>,
    /// `any` or `cause-first`.
    pub order: &'static str,
    /// How surely the one explains the other.
    pub strength: Confidence,
}

/// A step of a remedy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RemedyEntry {
    /// What to do.
    pub text: String,
    /// The condition under which it is shown; `null` is always.
    pub when: Option<String>,
    /// The command that does it.
    pub command: Option<String>,
    /// What it may cost.
    pub risk: Risk,
    /// How to see that it worked.
    pub check: Option<String>,
    /// What must not be done until it has worked.
    #[serde(rename = "forbidsMeanwhile")]
    pub forbids_meanwhile: Option<String>,
    /// Where it is described.
    pub link: Option<String>,
}

/// Where to read more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReferenceEntry {
    /// Its address.
    pub url: String,
    /// Its name.
    pub title: Option<String>,
}

impl RuleList {
    /// The list of some rules, with their cases among those of `suite`.
    pub fn new(rules: &RuleSet, suite: &Suite) -> Self {
        let mut rules: Vec<&Rule> = rules.rules().iter().map(|rule| &**rule).collect();
        rules.sort_by(|a, b| (a.category, &a.id).cmp(&(b.category, &b.id)));
        RuleList {
            schema: LIST_SCHEMA.to_owned(),
            rules: rules
                .into_iter()
                .map(|rule| RuleEntry::new(rule, suite))
                .collect(),
        }
    }
}

impl RuleEntry {
    fn new(rule: &Rule, suite: &Suite) -> Self {
        let range = |range: &Option<VersionRange>| range.as_ref().map(ToString::to_string);
        let versions = &rule.versions;
        RuleEntry {
            id: rule.id.clone(),
            category: rule.category.name(),
            severity: rule.severity,
            status: match rule.status {
                Status::Stable => "stable",
                Status::Experimental => "experimental",
                Status::Deprecated => "deprecated",
            },
            versions: VersionRanges {
                harvester: range(&versions.harvester),
                kubernetes: range(&versions.kubernetes),
                longhorn: range(&versions.longhorn),
                upgrade_from: range(&versions.upgrade_from),
                upgrade_to: range(&versions.upgrade_to),
                outside: match versions.outside {
                    Outside::Skip => "skip",
                    Outside::Lower => "lower",
                },
            },
            title: readable(rule, &rule.title),
            aliases: rule.aliases.clone(),
            file: rule.source.name.clone(),
            cases: suite.names_of(&rule.id),
        }
    }
}

impl VersionRanges {
    /// The ranges that are stated: what of, and the range.
    fn stated(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let ranges = [
            ("Harvester", &self.harvester),
            ("Kubernetes", &self.kubernetes),
            ("Longhorn", &self.longhorn),
            ("upgrade from", &self.upgrade_from),
            ("upgrade to", &self.upgrade_to),
        ];
        ranges
            .into_iter()
            .filter_map(|(what, range)| Some((what, range.as_deref()?)))
    }
}

impl RuleDetail {
    /// A rule among the others of its set, with its cases among those of `suite`.
    pub fn new(rule: &Rule, rules: &RuleSet, suite: &Suite) -> Self {
        let escalations = rule.escalate.iter().filter_map(|it| it.to);
        let worst = escalations.max().filter(|worst| *worst > rule.severity);
        RuleDetail {
            schema: RULE_SCHEMA.to_owned(),
            entry: RuleEntry::new(rule, suite),
            escalates_to: worst,
            confidence: rule.finding.confidence,
            description: rule.description.clone(),
            requires: required(rule),
            params: params(rule),
            caused_by: links(rule, rules, |link| (&link.effect_rule, &link.cause_rule)),
            causes: links(rule, rules, |link| (&link.cause_rule, &link.effect_rule)),
            remedy: remedy(rule),
            references: (rule.references.iter())
                .map(|reference| ReferenceEntry {
                    url: reference.url.clone(),
                    title: reference.title.clone(),
                })
                .collect(),
            built_in: rule.is_built_in(),
        }
    }
}

fn required(rule: &Rule) -> RequiredData {
    let kinds = rule.requires.kinds.iter();
    let groups = rule.requires.logs.iter();
    RequiredData {
        kinds: kinds
            .map(|kind| match &kind.group {
                Some(group) => format!("{group}/{}", kind.kind),
                None => kind.kind.clone(),
            })
            .collect(),
        logs: groups
            .map(|group| group.iter().map(ToString::to_string).collect())
            .collect(),
    }
}

fn params(rule: &Rule) -> Vec<ParamEntry> {
    let number = |number: &Number| match number {
        Number::Integer(integer) => integer.to_string(),
        Number::Float(float) => float.to_string(),
    };
    let params = rule.params.iter();
    params
        .map(|(name, value)| ParamEntry {
            name: name.to_string(),
            default: match value {
                Param::Number(value) | Param::Quantity(value) => number(value),
                Param::Text(text) => text.clone(),
                Param::Bool(truth) => truth.to_string(),
                Param::Duration(value) => duration::render(*value),
            },
        })
        .collect()
}

/// The other ends of the links of a rule. `ends` gives of a link the end that is the rule's own,
/// and the other one.
fn links(
    rule: &Rule,
    rules: &RuleSet,
    ends: fn(&diagnosis::Link) -> (&String, &String),
) -> Vec<LinkEntry> {
    let category = format!("{}/*", rule.category.name());
    // Both sides may declare a link, and the stronger word counts.
    let mut found: BTreeMap<(String, Vec<String>, &str), Confidence> = BTreeMap::new();
    for link in rules.links() {
        let (own, other) = ends(&link);
        if *own == rule.id || *own == category {
            let order = match link.order {
                diagnosis::Order::Any => "any",
                diagnosis::Order::CauseFirst => "cause-first",
            };
            let key = (other.clone(), link.same.clone(), order);
            let strength = found.entry(key).or_insert(link.strength);
            *strength = link.strength.max(*strength);
        }
    }
    found
        .into_iter()
        .map(|((other, same, order), strength)| LinkEntry {
            title: rules.get(&other).map(|rule| readable(rule, &rule.title)),
            rule: other,
            same,
            order,
            strength,
        })
        .collect()
}

fn remedy(rule: &Rule) -> Vec<RemedyEntry> {
    let text = |template: &Template| readable(rule, template);
    let steps = rule.remedy.iter();
    steps
        .map(|step| RemedyEntry {
            text: text(&step.text),
            when: step.when.as_ref().map(|when| written(rule, when)),
            command: step.command.as_ref().map(text),
            risk: step.risk,
            check: step.check.as_ref().map(text),
            forbids_meanwhile: step.forbids_meanwhile.as_ref().map(text),
            link: step.link.clone(),
        })
        .collect()
}

/// A template as a reader sees it in a catalogue.
fn readable(rule: &Rule, template: &Template) -> String {
    let parts = template.parts.iter();
    parts
        .map(|part| match part {
            Part::Text(text) => text.to_string(),
            // A choice between words names nothing.
            Part::Value(value) if matches!(value.node, Node::Conditional { .. }) => "…".to_owned(),
            Part::Value(value) => {
                let value = written(rule, value);
                match value.chars().count() {
                    0..=NAMED => format!("‹{value}›"),
                    _ => "…".to_owned(),
                }
            }
        })
        .collect()
}

/// An expression as its author wrote it, on one line.
fn written(rule: &Rule, expression: &Expression) -> String {
    let span = expression.span;
    let text = rule.source.text.get(span.start..span.end);
    let words: Vec<&str> = text.unwrap_or_default().split_whitespace().collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAUSE: &str = r#"
id: cause
title: "Node {{ node.metadata.name }} is {{ node.status.conditions.exists(c, c.type == 'Ready') ? 'odd' : 'lost' }}"
severity: warning
escalate: [{ when: "true", to: error }, { when: "true", to: info }]
status: experimental
versions: { harvester: ">=1.2.0 <1.4.0", upgradeTo: ">=1.3.0", outside: lower }
params: { patience: 90m, size: 1Gi, word: x }
aliases: [reason]
match:
  - { each: node, in: Node, where: age(it.metadata.creationTimestamp) > params.patience || params.size > 1 || params.word == 'x' }
finding: { subject: node, message: M, exports: { node: node } }
remedy:
  - { text: "Look at {{ node.metadata.name }}.", when: "node.spec.unschedulable == true", command: "ping {{ node.metadata.name }}", risk: disruptive }
causes: [{ rule: effect, same: [node], strength: possible }]
"#;
    const EFFECT: &str = r#"
id: effect
title: T
severity: info
match: [{ each: node, in: Node }]
finding: { subject: node, message: M, exports: { node: node } }
causedBy: [{ rule: reason, same: [node], strength: certain }, { rule: storage/*, order: cause-first }]
"#;

    fn rules() -> RuleSet {
        let texts = [("node/cause.yaml", CAUSE), ("vm/effect.yaml", EFFECT)];
        RuleSet::from_texts(&texts).unwrap_or_else(|errors| panic!("{:?}", errors.mistakes))
    }

    fn written(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_list_is_ordered_and_aligned() {
        let list = RuleList::new(&rules(), &Suite::default());
        let text = written(|out| write_list(&list, false, None, out));
        assert_eq!(
            text,
            "\
ID      CATEGORY  SEVERITY  STATUS        VERSIONS                                        TITLE
cause   node      warning   experimental  Harvester >=1.2.0 <1.4.0, upgrade to >=1.3.0 ~  Node ‹node.metadata.name› is …
effect  vm        info      stable        any                                             T
~  outside its versions the rule still runs, with confidence possible
"
        );
        let narrow = written(|out| write_list(&list, false, Some(110), out));
        assert!(narrow.contains("  Node ‹node.metadata…\n"), "{narrow}");
    }

    #[test]
    fn links_are_those_of_both_sides() {
        let rules = rules();
        let detail =
            |name: &str| RuleDetail::new(rules.get(name).unwrap(), &rules, &Suite::default());
        let shown = |links: &[LinkEntry]| -> Vec<(String, &str, Confidence)> {
            links
                .iter()
                .map(|link| (link.rule.clone(), link.order, link.strength))
                .collect()
        };
        let (cause, effect) = (detail("reason"), detail("effect"));
        assert_eq!(
            shown(&cause.causes),
            [("effect".to_owned(), "any", Confidence::Certain)]
        );
        assert_eq!(cause.caused_by, []);
        assert_eq!(
            shown(&effect.caused_by),
            [
                ("cause".to_owned(), "any", Confidence::Certain),
                ("storage/*".to_owned(), "cause-first", Confidence::Likely)
            ]
        );
        assert_eq!(cause.escalates_to, Some(Severity::Error));
        assert_eq!(effect.escalates_to, None);
    }

    #[test]
    fn a_rule_reads_well() {
        let rules = rules();
        let detail = RuleDetail::new(rules.get("cause").unwrap(), &rules, &Suite::default());
        let style = super::super::Style::default();
        let text = written(|out| write_rule(&detail, style, out));
        assert_eq!(
            text,
            "\
cause  Node ‹node.metadata.name› is …

severity    warning, up to error
confidence  likely
category    node
status      experimental: its findings are marked
versions    Harvester from 1.2.0, before 1.4.0; upgrade to 1.3.0 or newer. Outside these it still
            runs, with confidence possible.
needs       objects: Node
params      patience = 1h30m
            size = 1073741824
            word = x
            set one with --param cause.NAME=VALUE
causes      effect  certain, same node
              T
remedy      1. Look at ‹node.metadata.name›. (disruptive; when node.spec.unschedulable == true)
               $ ping ‹node.metadata.name›
aliases     reason
file        node/cause.yaml
"
        );
    }

    #[test]
    fn keys_are_always_there() {
        let rules = rules();
        let detail = RuleDetail::new(rules.get("effect").unwrap(), &rules, &Suite::default());
        let json = serde_json::to_value(&detail).unwrap();
        let mut keys: Vec<&String> = json.as_object().unwrap().keys().collect();
        keys.sort();
        let keys: Vec<&str> = keys.into_iter().map(String::as_str).collect();
        assert_eq!(
            keys.join(" "),
            "aliases builtIn cases category causedBy causes confidence description escalatesTo file id \
             params references remedy requires schema severity status title versions"
        );
        assert_eq!(json["versions"]["harvester"], serde_json::Value::Null);
        assert_eq!(json["requires"]["kinds"], serde_json::json!(["Node"]));
    }
}
