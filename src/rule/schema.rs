//! Which fields the objects of a kind have: tables that are data, looked up as they were read.
//!
//! The tables of `schemas/kinds` come with the program, one file for each API group. A user's pack may
//! hold more in its own folder `kinds`: what it says of a kind adds to what is known.

use std::borrow::Cow;
use std::rc::Rc;
use std::sync::OnceLock;

use include_dir::{Dir, File, include_dir};

use crate::graph::{Kind, kind};
use crate::parse::document::{Document, Value, View};
use crate::parse::yaml_text;

static BUILT_IN: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/schemas/kinds");

/// The file whose shapes every other may use, and that of what every object has.
const SHARED: &str = "core.yaml";

/// The shape of `metadata`, which no kind needs to state.
const METADATA: &str = "ObjectMeta";

/// References that lead to references, before they count as a circle.
const MOST_REFERENCES: usize = 8;

/// Words for what a field holds where it is neither a record, a list nor a map.
const WORDS: [&str; 7] = [
    "any", "text", "number", "boolean", "time", "quantity", "duration",
];

/// The tables of the kinds that come with the program.
pub(super) fn built_in() -> &'static Schema {
    static SCHEMA: OnceLock<Schema> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        // The shared shapes first, then by name: what is found first does not depend on the disk.
        let mut files: Vec<_> = BUILT_IN.files().collect();
        files.sort_by_key(|file| (!file.path().ends_with(SHARED), file.path()));
        let table = |file: &'static File<'static>| {
            let stem = file.path().file_stem()?.to_string_lossy().into_owned();
            Some(Table {
                // A file is named after its group; the core group has no name.
                group: if stem == "core" { String::new() } else { stem },
                text: Cow::Borrowed(file.contents_utf8()?),
                document: OnceLock::new(),
            })
        };
        Schema {
            tables: files.into_iter().filter_map(table).collect(),
        }
    })
}

/// Paths in an object that the table of its kind lacks, and values that it takes for impossible:
/// what keeps the tables true. Nothing of a kind that no table has.
pub fn unknown_fields(kind: &Kind, object: View<'_>) -> Vec<String> {
    let schema = built_in();
    let mut unknown = Vec::new();
    if let Some(record) = schema.kind(kind) {
        schema.compare(&Shape::Record(record), object, "", &mut unknown);
    }
    unknown
}

/// Names of the fields at the top of a kind's objects, beside `metadata`; none of a kind that no
/// table has.
pub fn fields(kind: &Kind) -> Vec<&'static str> {
    let schema = built_in();
    let record = schema.kind(kind).map(|record| Record {
        object: false,
        ..record
    });
    record.map_or_else(Vec::new, |record| schema.names(&record))
}

/// Tables of kinds.
#[derive(Clone)]
pub(super) struct Schema {
    tables: Vec<Table>,
}

/// The table of a group, read when it is first asked: a rule needs one or two of some forty.
#[derive(Clone)]
struct Table {
    group: String,
    text: Cow<'static, str>,
    document: OnceLock<Option<Document>>,
}

impl Table {
    /// A part of it.
    fn path(&self, keys: &[&str]) -> Option<View<'_>> {
        let document = self.document.get_or_init(|| yaml_text(&self.text));
        document.as_ref()?.root().path(keys)
    }

    /// A shape; a table that does not even name it need not be read.
    fn shape(&self, name: &str) -> Option<View<'_>> {
        let named = memchr::memmem::find(self.text.as_bytes(), format!(" {name}:").as_bytes());
        named.and_then(|_| self.path(&["shapes", name]))
    }
}

/// What a place in an object may hold.
#[derive(Clone)]
pub(super) enum Shape<'s> {
    /// Nobody knows.
    Any,
    /// One of [`WORDS`] but `any`.
    Word(&'s str),
    /// One of the values of a closed set, as the table writes it: `A | B`.
    Choice(&'s str),
    /// Named fields; several tables may each know some of them.
    Record(Record<'s>),
    /// A map with keys of any name.
    Map(Box<Shape<'s>>),
    /// A list.
    List(Box<Shape<'s>>),
}

/// Named fields.
#[derive(Clone)]
pub(super) struct Record<'s> {
    /// Each with the number of its file: references are looked up there first.
    parts: Rc<[(usize, View<'s>)]>,
    /// A whole object, which has `apiVersion`, `kind` and `metadata` whatever its table says.
    object: bool,
}

impl Schema {
    /// These tables and one more. All of its mistakes, each a sentence that names its place.
    pub(super) fn add(&mut self, text: &str) -> Vec<String> {
        let Some(document) = yaml_text(text) else {
            return vec!["the file is no YAML".to_owned()];
        };
        let group = document.root().get("group").and_then(View::as_str);
        self.tables.push(Table {
            group: group.unwrap_or_default().to_owned(),
            text: Cow::Owned(text.to_owned()),
            document: OnceLock::from(Some(document)),
        });
        self.mistakes(self.tables.len() - 1)
    }

    /// The fields of the objects of a kind; `None` if no table has it.
    pub(super) fn kind(&self, kind: &Kind) -> Option<Record<'_>> {
        let parts: Vec<_> = (self.tables.iter().enumerate())
            .filter(|(_, table)| table.group == kind.group)
            .filter_map(|(index, table)| Some((index, table.path(&["kinds", &kind.name])?)))
            .collect();
        (!parts.is_empty()).then(|| Record {
            parts: parts.into(),
            object: true,
        })
    }

    /// The kinds that tables have, with their groups.
    pub(super) fn kinds(&self) -> impl Iterator<Item = Kind> + '_ {
        self.tables.iter().flat_map(|table| {
            let names = table.path(&["kinds"]).into_iter().flat_map(View::entries);
            names.map(|(name, _)| Kind::new(table.group.as_str(), name))
        })
    }

    /// The meaning of a kind's name: the catalogue's, else that of a table of the user's.
    pub(super) fn resolve(&self, group: Option<&str>, name: &str) -> kind::Resolution {
        let known = kind::resolve(group, name);
        if known != kind::Resolution::Unknown {
            return known;
        }
        // A derived kind is only meant where its group is named.
        let fits = |kind: &Kind| group.map_or(!kind.is_derived(), |group| kind.group == group);
        let own = self.kinds().find(|kind| kind.name == name && fits(kind));
        own.map_or(known, kind::Resolution::Known)
    }

    /// A field of a record; `None` if no table knows it.
    pub(super) fn field<'s>(&'s self, record: &Record<'s>, name: &str) -> Option<Shape<'s>> {
        let found: Vec<_> = (record.parts.iter())
            .filter_map(|(file, view)| {
                let field = view.get(name).or_else(|| view.get("*"))?;
                Some((*file, field))
            })
            .collect();
        if found.is_empty() && record.object {
            return match name {
                "apiVersion" | "kind" => Some(Shape::Word("text")),
                "metadata" => Some(
                    self.reference(0, METADATA)
                        .map_or(Shape::Any, |(file, view)| self.shape(&[(file, view)], 0)),
                ),
                _ => None,
            };
        }
        (!found.is_empty()).then(|| self.shape(&found, 0))
    }

    /// Names of the fields of a record, for proposals.
    pub(super) fn names<'s>(&'s self, record: &Record<'s>) -> Vec<&'s str> {
        let own = record.parts.iter().flat_map(|(_, view)| view.entries());
        let mut names: Vec<&str> = own
            .map(|(name, _)| name)
            .filter(|name| *name != "*")
            .collect();
        if record.object {
            names.extend(["apiVersion", "kind", "metadata"]);
        }
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Notes what of a value does not fit a shape.
    fn compare(&self, shape: &Shape<'_>, value: View<'_>, path: &str, unknown: &mut Vec<String>) {
        match (shape, value.value()) {
            (Shape::Any, _) | (_, Value::Null) => {}
            (Shape::Record(record), Value::Map(_)) => {
                for (name, field) in value.entries() {
                    let path = format!("{path}.{name}");
                    match self.field(record, name) {
                        Some(shape) => self.compare(&shape, field, &path, unknown),
                        None => unknown.push(path),
                    }
                }
            }
            (Shape::Map(shape), Value::Map(_)) => {
                for (_, field) in value.entries() {
                    self.compare(shape, field, &format!("{path}.*"), unknown);
                }
            }
            (Shape::List(shape), Value::List(_)) => {
                for element in value.items() {
                    self.compare(shape, element, &format!("{path}[]"), unknown);
                }
            }
            // Longhorn's v1beta1 keys conditions by type where v1beta2 lists them.
            (Shape::List(shape), Value::Map(_)) if path.ends_with(".conditions") => {
                for (_, condition) in value.entries() {
                    self.compare(shape, condition, &format!("{path}[]"), unknown);
                }
            }
            (Shape::Choice(choice), Value::Text(text)) => {
                if !text.is_empty() && !values(choice).any(|value| value == text) {
                    unknown.push(format!("{path} = {text}"));
                }
            }
            (Shape::Word("boolean"), Value::Bool(_))
            | (Shape::Word("number" | "quantity"), Value::Integer(_) | Value::Float(_))
            | (Shape::Word("text" | "time" | "duration" | "quantity"), Value::Text(_)) => {}
            (Shape::Record(_) | Shape::List(_) | Shape::Map(_), Value::Text("")) => {}
            _ => unknown.push(format!("{path} is {}", value.raw())),
        }
    }

    /// What several tables say of one place. Records are united; for anything else the first counts.
    fn shape<'s>(&'s self, stated: &[(usize, View<'s>)], depth: usize) -> Shape<'s> {
        let Some(&(file, first)) = stated.first() else {
            return Shape::Any;
        };
        match first.value() {
            Value::Text(name) if name.starts_with('$') => {
                match self.reference(file, name.trim_start_matches('$')) {
                    Some(target) if depth < MOST_REFERENCES => {
                        let rest = stated.iter().skip(1).copied();
                        let all: Vec<_> = std::iter::once(target).chain(rest).collect();
                        self.shape(&all, depth + 1)
                    }
                    _ => Shape::Any,
                }
            }
            Value::Text("any") => Shape::Any,
            Value::Text(choice) if choice.contains(" | ") => Shape::Choice(choice),
            Value::Text(word) => Shape::Word(word),
            Value::List(_) => {
                let element = first.items().next();
                Shape::List(Box::new(
                    element.map_or(Shape::Any, |element| self.shape(&[(file, element)], 0)),
                ))
            }
            Value::Map(_) => match (first.len(), first.get("*")) {
                (1, Some(value)) => Shape::Map(Box::new(self.shape(&[(file, value)], 0))),
                _ => Shape::Record(Record {
                    parts: self.records(stated),
                    object: false,
                }),
            },
            _ => Shape::Any,
        }
    }

    /// Those of several statements that are records, their references followed.
    fn records<'s>(&'s self, stated: &[(usize, View<'s>)]) -> Rc<[(usize, View<'s>)]> {
        let followed = stated.iter().filter_map(|&(mut file, mut view)| {
            for _ in 0..MOST_REFERENCES {
                match view.value() {
                    Value::Text(name) => {
                        (file, view) = self.reference(file, name.strip_prefix('$')?)?;
                    }
                    Value::Map(_) => return Some((file, view)),
                    _ => return None,
                }
            }
            None
        });
        followed.collect()
    }

    /// The shape of a name: in the same file, else wherever it is first.
    fn reference(&self, file: usize, name: &str) -> Option<(usize, View<'_>)> {
        let tables = std::iter::once(file).chain(0..self.tables.len());
        tables
            .filter_map(|index| Some((index, self.tables.get(index)?.shape(name)?)))
            .next()
    }

    /// What is wrong in a file.
    fn mistakes(&self, index: usize) -> Vec<String> {
        let mut mistakes = Vec::new();
        let Some(root) = self.tables.get(index).and_then(|table| table.path(&[])) else {
            return mistakes;
        };
        if root.get("group").and_then(View::as_str).is_none() {
            mistakes.push("the key `group` is missing: the API group of its kinds".to_owned());
        }
        if root.get("kinds").is_none() && root.get("shapes").is_none() {
            mistakes.push("the key `kinds` is missing".to_owned());
        }
        for (key, tables) in root.entries() {
            match key {
                "group" => {}
                "kinds" | "shapes" => {
                    for (name, table) in tables.entries() {
                        self.check(index, &format!("{key}.{name}"), table, &mut mistakes);
                    }
                }
                _ => mistakes.push(format!(
                    "there is no key `{key}`: a table has `group`, `shapes` and `kinds`"
                )),
            }
        }
        mistakes
    }

    fn check(&self, file: usize, path: &str, view: View<'_>, mistakes: &mut Vec<String>) {
        match view.value() {
            Value::Text(name) if name.starts_with('$') => {
                if self.reference(file, name.trim_start_matches('$')).is_none() {
                    mistakes.push(format!("{path}: there is no shape `{name}`"));
                }
            }
            Value::Text(word) if WORDS.contains(&word) || word.contains(" | ") => {}
            Value::List(_) if view.len() == 1 => {
                view.items()
                    .for_each(|element| self.check(file, &format!("{path}[]"), element, mistakes));
            }
            Value::Map(_) => {
                for (name, field) in view.entries() {
                    self.check(file, &format!("{path}.{name}"), field, mistakes);
                }
            }
            _ => mistakes.push(format!(
                "{path}: expected a word ({}), `A | B`, `$Shape`, fields, or a list of one element",
                WORDS.join(", ")
            )),
        }
    }
}

/// The values of a closed set.
pub(super) fn values(choice: &str) -> impl Iterator<Item = &str> {
    choice.split('|').map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::kind::KNOWN_KINDS;

    fn schema(texts: &[&str]) -> Schema {
        let mut schema = Schema { tables: Vec::new() };
        for text in texts {
            assert_eq!(schema.add(text), [""; 0], "{text}");
        }
        schema
    }

    fn show(schema: &Schema, shape: &Shape<'_>) -> String {
        match shape {
            Shape::Any => "any".to_owned(),
            Shape::Word(word) => (*word).to_owned(),
            Shape::Choice(choice) => values(choice).collect::<Vec<_>>().join("|"),
            Shape::Record(record) => format!("{{{}}}", schema.names(record).join(" ")),
            Shape::Map(value) => format!("map of {}", show(schema, value)),
            Shape::List(element) => format!("list of {}", show(schema, element)),
        }
    }

    fn look(schema: &Schema, kind: &Kind, path: &str) -> Option<String> {
        let mut shape = Shape::Record(schema.kind(kind)?);
        for step in path.split('.').filter(|step| !step.is_empty()) {
            shape = match (&shape, step) {
                (Shape::Record(record), _) => schema.field(record, step)?,
                (Shape::Map(value), _) => (**value).clone(),
                (Shape::List(element), "0") => (**element).clone(),
                _ => return None,
            };
        }
        Some(show(schema, &shape))
    }

    #[test]
    fn fields_are_found_through_references_and_files() {
        let core = "group: \"\"\nshapes:\n  ObjectMeta:\n    name: text\n    labels:\n      \"*\": text\n  Condition:\n    status: True | False | Unknown\n";
        let own = "group: example.io\nshapes:\n  Own:\n    deep: $Condition\nkinds:\n  Thing:\n    spec:\n      size: quantity\n      mixed:\n        known: number\n        \"*\": text\n    status:\n      own: $Own\n      conditions:\n        - $Condition\n      nodes:\n        \"*\":\n          state: A | B\n      free: any\n";
        let more = "group: example.io\nkinds:\n  Thing:\n    spec:\n      color: text\n  Other:\n    data: any\n";
        let schema = schema(&[core, own, more]);
        let thing = Kind::new("example.io", "Thing");
        for (path, wanted) in [
            ("", Some("{apiVersion kind metadata spec status}")),
            ("metadata", Some("{labels name}")),
            ("metadata.labels", Some("map of text")),
            ("kind", Some("text")),
            ("spec", Some("{color mixed size}")),
            ("spec.color", Some("text")),
            ("spec.size", Some("quantity")),
            ("spec.colour", None),
            ("spec.mixed.known", Some("number")),
            ("spec.mixed.whatever", Some("text")),
            ("status.own.deep.status", Some("True|False|Unknown")),
            ("status.conditions", Some("list of {status}")),
            ("status.conditions.0.status", Some("True|False|Unknown")),
            ("status.nodes.harv-1.state", Some("A|B")),
            ("status.free", Some("any")),
            ("data", None),
        ] {
            assert_eq!(look(&schema, &thing, path).as_deref(), wanted, "{path}");
        }
        assert_eq!(look(&schema, &Kind::new("", "Thing"), ""), None);
        let other = Kind::new("example.io", "Other");
        assert_eq!(
            schema.resolve(None, "Other"),
            kind::Resolution::Known(other)
        );
        assert_eq!(
            schema.resolve(Some("x"), "Other"),
            kind::Resolution::Unknown
        );
    }

    #[test]
    fn mistakes_of_a_table_are_all_said() {
        let mut schema = Schema { tables: Vec::new() };
        let text = "kinds:\n  Thing:\n    a: txt\n    b: $None\n    c:\n      - text\n      - text\n    d: 5\nmore: 1\n";
        let found = schema.add(text);
        let starts: Vec<&str> = found
            .iter()
            .map(|mistake| mistake.split(':').next().unwrap_or_default())
            .collect();
        assert_eq!(
            starts,
            [
                "the key `group` is missing",
                "kinds.Thing.a",
                "kinds.Thing.b",
                "kinds.Thing.c",
                "kinds.Thing.d",
                "there is no key `more`"
            ]
        );
    }

    #[test]
    fn a_circle_of_references_ends() {
        let schema = schema(&[
            "group: x\nshapes:\n  A: $B\n  B: $A\nkinds:\n  Thing:\n    a: $A\n    tree: $Tree\n",
        ]
        .map(|text| text.replace("kinds:", "  Tree:\n    child: $Tree\nkinds:"))
        .each_ref()
        .map(String::as_str));
        let thing = Kind::new("x", "Thing");
        assert_eq!(look(&schema, &thing, "a").as_deref(), Some("any"));
        assert_eq!(
            look(&schema, &thing, "tree.child.child").as_deref(),
            Some("{child}")
        );
    }

    #[test]
    fn the_tables_of_the_program_are_sound() {
        let schema = built_in();
        assert!(!schema.tables.is_empty());
        for (index, table) in schema.tables.iter().enumerate() {
            let stated = table.path(&["group"]).and_then(View::as_str);
            assert_eq!(stated, Some(table.group.as_str()));
            assert_eq!(schema.mistakes(index), [""; 0], "{}", table.group);
        }
        // Every kind that rules may name has a table.
        for known in KNOWN_KINDS {
            let kind = Kind::new(known.group, known.name);
            assert!(schema.kind(&kind).is_some(), "{}", kind.display());
        }
    }
}
