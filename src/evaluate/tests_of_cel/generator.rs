//! Expressions by chance: well typed, over what the documents hold.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::testing::Random;

/// What an expression gives.
#[derive(Debug, Clone, PartialEq)]
enum Sort {
    Bool,
    Integer,
    Float,
    Text,
    List(Box<Sort>),
    /// A map from texts to values of one sort.
    Map(Box<Sort>),
    /// A map whose fields have sorts of their own: those that all of its kin have.
    Record(Vec<(String, Sort)>),
}

use Sort::{Bool, Float, Integer, Text};

pub(super) struct Generator {
    random: Random,
    /// Expressions without operators and what they give, of documents and of open macros.
    known: Vec<(String, Sort)>,
    /// How many of them are of documents.
    of_documents: usize,
    /// Variables made so far.
    variables: usize,
}

const TEXTS: [&str; 12] = [
    "''",
    "'a'",
    "'web'",
    "'-'",
    "'e'",
    "'True'",
    "'Ready'",
    "\"it's\"",
    "'größe 世界'",
    r"r'\d'",
    r"'\u00e9\n'",
    "'harv-1'",
];
const PATTERNS: [&str; 5] = ["'^[a-z]'", r"r'\d+'", "'e.*r'", "'(?i)READY$'", "''"];
const INTEGERS: [&str; 9] = ["0", "1", "2", "3", "-7", "10", "300", "0x1F", "8080"];
const DIVISORS: [&str; 5] = ["1", "2", "3", "-4", "1000"];
const FLOATS: [&str; 7] = ["0.0", "0.5", "1.5", "-2.25", "1e3", "2.0", "0.1"];
const COMPARISONS: [&str; 6] = ["==", "!=", "<", "<=", ">", ">="];

impl Generator {
    pub(super) fn new(documents: &BTreeMap<String, Value>) -> Generator {
        let mut known = Vec::new();
        for (name, document) in documents {
            collect(name, document, &mut known);
        }
        Generator {
            random: Random::new(),
            of_documents: known.len(),
            known,
            variables: 0,
        }
    }

    pub(super) fn expression(&mut self) -> String {
        let depth = 1 + self.random.below(4);
        let sort = match self.random.below(12) {
            0 => Integer,
            1 => Float,
            2 => Text,
            3 => Sort::List(Box::new(Integer)),
            4 => Sort::List(Box::new(Text)),
            5 => Sort::List(Box::new(Float)),
            _ => Bool,
        };
        self.of(&sort, depth)
    }

    fn of(&mut self, sort: &Sort, depth: usize) -> String {
        if depth == 0 {
            return self.leaf(sort);
        }
        let depth = depth - 1;
        if self.random.below(8) == 0 {
            let (condition, then) = (self.of(&Bool, depth), self.of(sort, depth));
            return format!("({condition} ? {then} : {})", self.of(sort, depth));
        }
        match sort {
            Bool => self.truth(depth),
            Integer => self.integer(depth),
            Float => self.float(depth),
            Text => self.text(depth),
            Sort::List(element) => self.list(element, depth),
            Sort::Map(_) | Sort::Record(_) => self.leaf(sort),
        }
    }

    /// Something known of a sort: half of the time of an open macro, if there is one.
    fn path(&mut self, fits: impl Fn(&Sort) -> bool) -> Option<(String, Sort)> {
        let inner = self.random.below(2) * self.of_documents;
        let all = |from: usize| -> Vec<&(String, Sort)> {
            let known = self.known.iter().skip(from);
            known.filter(|(_, sort)| fits(sort)).collect()
        };
        let mut fitting = all(inner);
        if fitting.is_empty() {
            fitting = all(0);
        }
        let chosen = self.random.below(fitting.len());
        fitting.get(chosen).map(|found| (*found).clone())
    }

    fn leaf(&mut self, sort: &Sort) -> String {
        if self.random.below(3) > 0
            && let Some((path, _)) = self.path(|known| known == sort)
        {
            return path;
        }
        let words: &[&str] = match sort {
            Bool => &["true", "false"],
            Integer => &INTEGERS,
            Float => &FLOATS,
            Text => &TEXTS,
            Sort::List(element) => {
                let count = self.random.below(4);
                let elements: Vec<String> = (0..count).map(|_| self.leaf(element)).collect();
                return format!("[{}]", elements.join(", "));
            }
            Sort::Map(of) => {
                return format!("{{'k': {}, 'web': {}}}", self.leaf(of), self.leaf(of));
            }
            Sort::Record(fields) => {
                let fields: Vec<String> = fields
                    .iter()
                    .map(|(name, sort)| format!("'{name}': {}", self.leaf(sort)))
                    .collect();
                return format!("{{{}}}", fields.join(", "));
            }
        };
        (*self.random.choose(words)).to_owned()
    }

    fn truth(&mut self, depth: usize) -> String {
        match self.random.below(16) {
            0 => format!("!{}", parenthesised(&self.of(&Bool, depth))),
            1 => format!("({} && {})", self.of(&Bool, depth), self.of(&Bool, depth)),
            2 => format!("({} || {})", self.of(&Bool, depth), self.of(&Bool, depth)),
            3 | 4 => {
                let sort = self.scalar();
                let sign = *self.random.choose(&COMPARISONS);
                let left = self.of(&sort, depth);
                // Whole and other numbers compare with each other.
                let other = match (&sort, self.random.below(4)) {
                    (Integer, 0) => Float,
                    (Float, 0) => Integer,
                    _ => sort,
                };
                format!("({left} {sign} {})", self.of(&other, depth))
            }
            5 => {
                let sort = Sort::List(Box::new(self.scalar()));
                let sign = *self.random.choose(&["==", "!="]);
                format!(
                    "({} {sign} {})",
                    self.of(&sort, depth),
                    self.of(&sort, depth)
                )
            }
            6 => {
                let sort = self.scalar();
                let list = self.of(&Sort::List(Box::new(sort.clone())), depth);
                format!("({} in {list})", self.of(&sort, depth))
            }
            7 => {
                let map = self.path(|sort| matches!(sort, Sort::Map(_)));
                let map = map.map_or("{'k': 1}".to_owned(), |(path, _)| path);
                format!("({} in {map})", self.of(&Text, depth))
            }
            8 | 9 => {
                let name = *self.random.choose(&["contains", "startsWith", "endsWith"]);
                let text = self.of(&Text, depth);
                format!("{}.{name}({})", parenthesised(&text), self.of(&Text, depth))
            }
            10 => {
                let text = self.of(&Text, depth);
                let pattern = *self.random.choose(&PATTERNS);
                format!("{}.matches({pattern})", parenthesised(&text))
            }
            11 => match self.path(|_| true) {
                Some((path, _)) if path.contains('.') && !path.ends_with(']') => {
                    let missing = if self.random.below(3) == 0 { "x" } else { "" };
                    format!("has({path}{missing})")
                }
                _ => self.leaf(&Bool),
            },
            12 => {
                let same = self.path(|sort| matches!(sort, Sort::Map(_) | Sort::Record(_)));
                match same {
                    Some((path, sort)) => format!("({path} == {})", self.leaf(&sort)),
                    None => self.leaf(&Bool),
                }
            }
            _ => {
                let name = *self.random.choose(&["all", "exists", "exists_one"]);
                self.each(name, depth, |this, _, depth| this.of(&Bool, depth))
            }
        }
    }

    /// A macro over some list or map; `body` is written with its variable known.
    fn each(
        &mut self,
        name: &str,
        depth: usize,
        body: impl FnOnce(&mut Self, &str, usize) -> String,
    ) -> String {
        let lists = |sort: &Sort| matches!(sort, Sort::List(_) | Sort::Map(_));
        let (of, sort) = match self.random.below(4) {
            0 => {
                let sort = Sort::List(Box::new(self.scalar()));
                (parenthesised(&self.of(&sort, depth)), sort)
            }
            _ => match self.path(lists) {
                Some(found) => found,
                None => ("[1, 2]".to_owned(), Sort::List(Box::new(Integer))),
            },
        };
        let variable = format!("v{}", self.variables % 7);
        self.variables += 1;
        let outer = self.known.clone();
        // A variable hides an outer one of its name, and what hangs on it.
        let hidden = |path: &str| {
            let mut words = path.split(|c: char| !c.is_ascii_alphanumeric());
            words.any(|word| word == variable)
        };
        self.known.retain(|(path, _)| !hidden(path));
        match sort {
            Sort::List(element) => bind(&variable, &element, &mut self.known),
            Sort::Map(value) => {
                self.known.push((variable.clone(), Text));
                if !hidden(&of) {
                    bind(&format!("{of}[{variable}]"), &value, &mut self.known);
                }
            }
            _ => {}
        }
        let body = body(self, &variable, depth);
        self.known = outer;
        format!("{of}.{name}({variable}, {body})")
    }

    fn integer(&mut self, depth: usize) -> String {
        match self.random.below(10) {
            0..=2 => {
                let sign = *self.random.choose(&["+", "-", "*"]);
                format!(
                    "({} {sign} {})",
                    self.of(&Integer, depth),
                    self.of(&Integer, depth)
                )
            }
            3 => {
                let sign = *self.random.choose(&["/", "%"]);
                let by = *self.random.choose(&DIVISORS);
                format!("({} {sign} {by})", self.of(&Integer, depth))
            }
            4 => format!("-{}", parenthesised(&self.of(&Integer, depth))),
            5 => {
                let sort = match self.random.below(2) {
                    0 => Text,
                    _ => Sort::List(Box::new(self.scalar())),
                };
                let of = self.of(&sort, depth);
                match self.random.below(2) {
                    0 => format!("size({of})"),
                    _ => format!("{}.size()", parenthesised(&of)),
                }
            }
            6 => {
                let name = *self.random.choose(&["indexOf", "lastIndexOf"]);
                let text = self.of(&Text, depth);
                format!("{}.{name}({})", parenthesised(&text), self.of(&Text, depth))
            }
            7 => format!("int(string({}))", self.of(&Integer, depth)),
            8 => format!("int({})", self.of(&Float, depth)),
            _ => {
                let element = Integer;
                let first = self.leaf(&element);
                let list = self.of(&Sort::List(Box::new(element)), depth);
                format!("([{first}] + {list})[0]")
            }
        }
    }

    fn float(&mut self, depth: usize) -> String {
        match self.random.below(6) {
            0..=2 => {
                let sign = *self.random.choose(&["+", "-", "*"]);
                format!(
                    "({} {sign} {})",
                    self.of(&Float, depth),
                    self.of(&Float, depth)
                )
            }
            3 => {
                let by = *self.random.choose(&DIVISORS);
                format!("({} / {by}.0)", self.of(&Float, depth))
            }
            4 => format!("-{}", parenthesised(&self.of(&Float, depth))),
            _ => format!("double({})", self.of(&Integer, depth)),
        }
    }

    fn text(&mut self, depth: usize) -> String {
        match self.random.below(9) {
            0..=2 => format!("({} + {})", self.of(&Text, depth), self.of(&Text, depth)),
            3 => {
                let sort = self.scalar();
                format!("string({})", self.of(&sort, depth))
            }
            4 | 5 => {
                let names = ["lowerAscii", "upperAscii", "trim", "reverse"];
                let name = *self.random.choose(&names);
                format!("{}.{name}()", parenthesised(&self.of(&Text, depth)))
            }
            6 => {
                let (text, from) = (self.of(&Text, depth), self.of(&Text, 0));
                format!(
                    "{}.replace({from}, {})",
                    parenthesised(&text),
                    self.of(&Text, depth)
                )
            }
            7 => {
                let first = self.leaf(&Text);
                let list = self.of(&Sort::List(Box::new(Text)), depth);
                let by = *self.random.choose(&TEXTS);
                format!("([{first}] + {list}).join({by})")
            }
            _ => format!(
                "('ab' + {}).substring({})",
                self.of(&Text, depth),
                self.random.below(3)
            ),
        }
    }

    fn list(&mut self, element: &Sort, depth: usize) -> String {
        let sort = Sort::List(Box::new(element.clone()));
        match self.random.below(8) {
            0 => format!("({} + {})", self.of(&sort, depth), self.of(&sort, depth)),
            1 => {
                let name = *self.random.choose(&["sort", "distinct", "reverse"]);
                format!("{}.{name}()", parenthesised(&self.of(&sort, depth)))
            }
            2 if *element == Text => {
                let (text, by) = (self.of(&Text, depth), self.leaf(&Text));
                format!("{}.split({by})", parenthesised(&text))
            }
            2..=4 => {
                let element = element.clone();
                let over_map = self.each("map", depth, |this, _, depth| this.of(&element, depth));
                // The order of a map's keys is nobody's promise.
                format!("{over_map}.sort()")
            }
            5 => {
                let element = element.clone();
                let over_map = self.each("map", depth, |this, _, depth| {
                    format!("{}, {}", this.of(&Bool, depth), this.of(&element, depth))
                });
                format!("{over_map}.sort()")
            }
            6 => {
                let of = parenthesised(&self.of(&sort, depth));
                let variable = format!("w{depth}");
                self.known.push((variable.clone(), element.clone()));
                let body = self.of(&Bool, depth);
                self.known.pop();
                format!("{of}.filter({variable}, {body})")
            }
            _ => self.leaf(&sort),
        }
    }

    fn scalar(&mut self) -> Sort {
        match self.random.below(4) {
            0 => Bool,
            1 => Integer,
            2 => Float,
            _ => Text,
        }
    }
}

/// So that a method can be called on it.
fn parenthesised(text: &str) -> String {
    let closed = text
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '.' | '_'));
    if closed && text.starts_with(char::is_alphabetic) {
        text.to_owned()
    } else {
        format!("({text})")
    }
}

/// A variable and, if it has fields, these.
fn bind(name: &str, sort: &Sort, known: &mut Vec<(String, Sort)>) {
    known.push((name.to_owned(), sort.clone()));
    if let Sort::Record(fields) = sort {
        for (field, sort) in fields {
            bind(&format!("{name}.{field}"), sort, known);
        }
    }
}

/// All that is found in a value by a path.
fn collect(path: &str, value: &Value, known: &mut Vec<(String, Sort)>) {
    if let Some(sort) = sort_of(value) {
        known.push((path.to_owned(), sort));
    }
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect(&format!("{path}[{index}]"), item, known);
            }
        }
        Value::Object(entries) => {
            for (key, value) in entries {
                let name = is_name(key);
                let path = if name {
                    format!("{path}.{key}")
                } else {
                    format!("{path}['{key}']")
                };
                collect(&path, value, known);
            }
        }
        _ => {}
    }
}

fn is_name(key: &str) -> bool {
    key.chars().all(|c| c.is_ascii_alphanumeric()) && key.starts_with(char::is_alphabetic)
}

fn sort_of(value: &Value) -> Option<Sort> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(_) => Bool,
        Value::Number(number) if number.is_i64() => Integer,
        Value::Number(_) => Float,
        Value::String(_) => Text,
        Value::Array(items) => Sort::List(Box::new(common(items.iter())?)),
        Value::Object(entries) => match common(entries.values()) {
            Some(sort @ (Bool | Integer | Float | Text)) => Sort::Map(Box::new(sort)),
            _ => {
                let fields = entries.iter().filter(|(key, _)| is_name(key));
                Sort::Record(
                    fields
                        .filter_map(|(key, it)| Some((key.clone(), sort_of(it)?)))
                        .collect(),
                )
            }
        },
    })
}

/// The sort that all values have: of records the fields that all of them have.
fn common<'a>(mut values: impl Iterator<Item = &'a Value>) -> Option<Sort> {
    let first = fields_of(values.next()?)?;
    values.try_fold(first, |sort, value| match (sort, fields_of(value)?) {
        (Sort::Record(ours), Sort::Record(theirs)) => Some(Sort::Record(
            ours.into_iter()
                .filter(|field| theirs.contains(field))
                .collect(),
        )),
        (ours, theirs) => (ours == theirs).then_some(ours),
    })
}

/// A sort, of a map always that of a record.
fn fields_of(value: &Value) -> Option<Sort> {
    match value {
        Value::Object(entries) => {
            let fields = entries.iter().filter(|(key, _)| is_name(key));
            Some(Sort::Record(
                fields
                    .filter_map(|(key, it)| Some((key.clone(), sort_of(it)?)))
                    .collect(),
            ))
        }
        _ => sort_of(value),
    }
}
