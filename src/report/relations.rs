//! The relations that rules may follow, and the kinds that are worked out at load.

use std::io::{self, Write};

use serde::Serialize;

use super::Style;
use super::page::{PLAIN, Page};
use super::table;
use super::text::{BOLD, DIM};
use crate::graph::kind::{DERIVED_GROUP, DERIVED_KINDS, Kind};
use crate::graph::relation::{RELATIONS, Relation};
use crate::rule;

/// Name and version of the list's schema.
pub const SCHEMA: &str = "bundle-doctor/relations/v1";

/// What any object has.
const ANY: &str = "any";

/// All relations and derived kinds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RelationList {
    /// `bundle-doctor/relations/v1`.
    pub schema: String,
    /// The relations, by name and by the kinds that they start from.
    pub relations: Vec<RelationEntry>,
    /// Kinds that are worked out at load.
    pub derived_kinds: Vec<KindEntry>,
}

/// A relation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RelationEntry {
    /// Its name.
    pub name: &'static str,
    /// Kinds that have it; `any` for every kind.
    pub from: Vec<String>,
    /// What it leads to; `any` where that is its argument.
    pub to: &'static str,
    /// Whether it gives a list instead of one object.
    pub many: bool,
    /// Whether it takes a kind as its argument.
    pub takes_kind: bool,
    /// By which fields.
    pub by: &'static str,
}

/// A derived kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KindEntry {
    /// As rules name it.
    pub kind: String,
    /// What there is one object of it for.
    pub about: &'static str,
    /// Its fields, beside `metadata`.
    pub fields: Vec<&'static str>,
}

impl Default for RelationList {
    fn default() -> Self {
        RelationList::new()
    }
}

impl RelationList {
    /// All of them.
    pub fn new() -> Self {
        let mut relations: Vec<RelationEntry> = RELATIONS.iter().map(RelationEntry::new).collect();
        relations.sort();
        RelationList {
            schema: SCHEMA.to_owned(),
            relations,
            derived_kinds: DERIVED_KINDS
                .iter()
                .map(|(name, about)| {
                    let kind = Kind::new(DERIVED_GROUP, *name);
                    KindEntry {
                        kind: kind.display(),
                        about,
                        fields: rule::fields(&kind),
                    }
                })
                .collect(),
        }
    }
}

impl RelationEntry {
    fn new(relation: &Relation) -> Self {
        let kinds = relation.from.iter();
        let mut from: Vec<String> = kinds
            .map(|(group, name)| Kind::new(*group, *name).display())
            .collect();
        from.sort();
        if from.is_empty() {
            from.push(ANY.to_owned());
        }
        RelationEntry {
            name: relation.name,
            from,
            to: relation.to,
            many: relation.many,
            takes_kind: relation.takes_kind,
            by: relation.by,
        }
    }
}

/// Writes a line for each kind and relation: an author has an object, and asks where it leads.
pub fn write(list: &RelationList, color: bool, out: &mut dyn Write) -> io::Result<()> {
    let style = Style {
        color,
        ..Style::default()
    };
    let mut page = Page::new(out, style);
    let mut lines: Vec<(&str, &RelationEntry)> = list
        .relations
        .iter()
        .flat_map(|relation| {
            relation
                .from
                .iter()
                .map(move |from| (from.as_str(), relation))
        })
        .collect();
    // What every object has comes first.
    lines.sort_by_key(|(from, relation)| (*from != ANY, *from, relation.name));
    let rows: Vec<Vec<table::Cell>> = lines
        .into_iter()
        .map(|(from, relation)| {
            let argument = if relation.takes_kind { "kind" } else { "" };
            let to = match relation.many {
                true => format!("[{}]", relation.to),
                false => relation.to.to_owned(),
            };
            vec![
                (PLAIN, from.to_owned()),
                (BOLD, format!("{}({argument})", relation.name)),
                (PLAIN, to),
                (DIM, relation.by.to_owned()),
            ]
        })
        .collect();
    table::write(&mut page, &["FROM", "RELATION", "TO", "BY"], &rows, None)?;
    page.blank()?;
    page.unbroken(&[(DIM, "KINDS THAT ARE WORKED OUT AT LOAD, AND THEIR FIELDS")])?;
    for kind in &list.derived_kinds {
        let head = format!("{}  ", kind.kind);
        page.unbroken(&[(BOLD, &head), (PLAIN, "one for "), (PLAIN, kind.about)])?;
        page.paragraph((PLAIN, "  "), 2, (DIM, &kind.fields.join(", ")))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::kind::{Resolution, resolve};
    use crate::rule::RuleSet;

    fn text() -> String {
        let mut out = Vec::new();
        write(&RelationList::new(), false, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_line_holds_in_a_rule() {
        let text = text();
        let mut seen = 0;
        for line in text.lines().skip(1).take_while(|line| !line.is_empty()) {
            let mut words = line.split_whitespace();
            let (from, call) = (words.next().unwrap(), words.next().unwrap());
            let from = if from == ANY { "Pod" } else { from };
            let call = call.replace("(kind)", "('Pod')");
            let rule = format!(
                "id: a\ntitle: T\nseverity: info\nmatch: [{{ each: x, in: {from} }}, {{ when: \"present(x.{call})\" }}]\n\
                 finding: {{ subject: x, message: M }}\n"
            );
            let read = RuleSet::from_texts(&[("node/a.yaml", &rule)]);
            assert!(read.is_ok(), "{line}: {:?}", read.err());
            seen += 1;
        }
        let relations = RelationList::new().relations;
        let pairs: usize = relations.iter().map(|relation| relation.from.len()).sum();
        assert_eq!(seen, pairs);
    }

    #[test]
    fn derived_kinds_have_fields() {
        for kind in RelationList::new().derived_kinds {
            assert!(!kind.fields.is_empty(), "{}", kind.kind);
            assert!(!kind.fields.contains(&"metadata"));
        }
        assert!(text().contains("\n  clean, current, endedAt, "));
    }

    #[test]
    fn kinds_mean_something() {
        let list = RelationList::new();
        let from = list.relations.iter().flat_map(|it| &it.from);
        let to = list.relations.iter().map(|it| it.to);
        let derived = list.derived_kinds.iter().map(|it| it.kind.as_str());
        for name in from.map(String::as_str).chain(to).chain(derived) {
            let (group, kind) = match name.split_once('/') {
                Some((group, kind)) => (Some(group), kind),
                None => (None, name),
            };
            let known = matches!(resolve(group, kind), Resolution::Known(_));
            assert!(known || name == ANY, "{name}");
        }
    }
}
