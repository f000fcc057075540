//! Our dialect beside another hand's evaluator of CEL: on complete data both must give the same.
//!
//! `testdata/expressions/*.cel` holds an expression a line, over the documents beside them. Where
//! the dialect differs on purpose, the line ends in a comment: `// differs missing: absent` names
//! the difference, which `rules dialect` tells of, and the value that we give. Both are checked, as
//! is that the two evaluators do differ. `// left out` marks what we refuse, `// refused` what
//! neither takes.

mod generator;
mod plain;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::compiler::{Compiler, Scope};
use super::program::Context;
use super::value::Value;
use crate::graph::{Collected, Graph, GraphBuilder};
use crate::parse::document::Document;
use crate::rule::dialect::DIFFERENCES;
use crate::rule::expression::Expression;
use crate::scan::Hits;
use plain::Plain;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/expressions")
}

/// Both evaluators over the same documents.
struct Pair {
    documents: BTreeMap<String, serde_json::Value>,
    graph: Graph,
    environment: Arc<cel::Env>,
}

impl Pair {
    fn new() -> Pair {
        let text = std::fs::read_to_string(folder().join("documents.json")).unwrap();
        let documents: BTreeMap<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
        let objects: Vec<_> = documents
            .values()
            .filter(|it| it.get("kind").is_some())
            .collect();
        let list = serde_json::json!({ "kind": "List", "items": objects });
        let mut builder = GraphBuilder::default();
        builder.add("all.yaml", Document::from_json(&list));
        builder.collected(Collected {
            everything: true,
            ..Collected::default()
        });
        let mut environment = cel::Env::stdlib();
        cel::extensions::strings(&mut environment).unwrap();
        cel::extensions::lists(&mut environment).unwrap();
        Pair {
            documents,
            graph: builder.finish(),
            environment: Arc::new(environment),
        }
    }

    /// What we give, or why we refuse.
    fn ours(&self, text: &str) -> Result<Plain, String> {
        let expression = Expression::parse(text).map_err(|error| error.message)?;
        let params = BTreeMap::new();
        let mut scope = Scope::default();
        for name in self.documents.keys() {
            scope.declare(name);
        }
        let mut compiler = Compiler {
            scope,
            params: &params,
            logs: Vec::new(),
            errors: Vec::new(),
        };
        let program = compiler.compile(&expression);
        if let Some(error) = compiler.errors.first() {
            return Err(error.message.clone());
        }
        let mut frame = vec![Value::Absent; compiler.scope.slots()];
        for (slot, document) in frame.iter_mut().zip(self.documents.values()) {
            let uid = document.pointer("/metadata/uid").and_then(|it| it.as_str());
            *slot = match uid.and_then(|uid| self.graph.by_uid(uid)) {
                Some(object) => Value::Object(object),
                None => Value::from_json(document),
            };
        }
        let hits = Hits::default();
        let context = Context {
            graph: &self.graph,
            hits: &hits,
            now: None,
            bundle: std::cell::LazyCell::new(Box::new(|| Value::Absent)),
            lets: &[],
            read: None,
            doubts: Default::default(),
        };
        let value = program.run(&context, &mut frame);
        Ok(Plain::of_ours(&value, &self.graph))
    }

    /// What the other evaluator gives, or why it refuses.
    fn theirs(&self, text: &str) -> Result<Plain, String> {
        let program = self
            .environment
            .compile(text)
            .map_err(|error| error.to_string())?;
        let mut context = cel::Context::with_env(Arc::clone(&self.environment));
        for (name, document) in &self.documents {
            context.add_variable_from_value(name.clone(), plain::for_cel(document));
        }
        let value = program
            .execute(&context)
            .map_err(|error| error.to_string())?;
        Ok(Plain::of_theirs(&value))
    }
}

/// What a line says of the two evaluators.
#[derive(Debug, PartialEq, Eq)]
enum Mark<'a> {
    Same,
    /// The dialect differs by the difference of this name, and gives this value.
    Differs(&'a str, &'a str),
    /// Only we refuse it.
    LeftOut,
    /// Both refuse it.
    Refused,
}

/// A line's expression and its mark; `None` for a comment or an empty line.
fn line(text: &str) -> Option<(&str, Mark<'_>)> {
    if text.trim().is_empty() || text.starts_with("//") {
        return None;
    }
    if let Some(expression) = text.strip_suffix(" // refused") {
        return Some((expression, Mark::Refused));
    }
    if let Some(expression) = text.strip_suffix(" // left out") {
        return Some((expression, Mark::LeftOut));
    }
    let Some((expression, mark)) = text.rsplit_once("// differs ") else {
        return Some((text, Mark::Same));
    };
    let (name, gives) = mark.split_once(": ").expect("`differs name: value`");
    Some((expression.trim_end(), Mark::Differs(name, gives)))
}

fn shown(value: &Result<Plain, String>) -> String {
    match value {
        Ok(value) => value.to_string(),
        Err(reason) => format!("refused: {reason}"),
    }
}

/// What is wrong with a line, if anything is.
fn judge(pair: &Pair, expression: &str, mark: &Mark<'_>) -> Option<String> {
    let (ours, theirs) = (pair.ours(expression), pair.theirs(expression));
    let agree = ours.is_ok() && ours == theirs;
    let told = match mark {
        Mark::Same if agree => return None,
        Mark::Same => String::new(),
        Mark::Refused if ours.is_err() && theirs.is_err() => return None,
        Mark::Refused => " (marked as refused)".to_owned(),
        Mark::LeftOut if ours.is_err() && theirs.is_ok() => return None,
        Mark::LeftOut => " (marked as left out)".to_owned(),
        Mark::Differs(name, _) if !DIFFERENCES.iter().any(|it| it.name == *name) => {
            format!(" (the dialect has no difference `{name}`)")
        }
        Mark::Differs(_, right) => {
            if !agree && ours.as_ref().is_ok_and(|it| it.to_string() == *right) {
                return None;
            }
            format!(" (marked as {right})")
        }
    };
    Some(format!(
        "{expression}\n    ours   {}{told}\n    theirs {}",
        shown(&ours),
        shown(&theirs)
    ))
}

#[test]
fn generated_expressions_give_the_same_in_both_evaluators() {
    const WANTED: usize = 2_500;
    let pair = Pair::new();
    let mut generator = generator::Generator::new(&pair.documents);
    let (mut compared, mut overflowed, mut wrong) = (0, 0, String::new());
    while compared < WANTED {
        let expression = generator.expression();
        if let Err(reason) = pair.theirs(&expression)
            && reason.starts_with("Overflow")
        {
            // What does not fit an integer is a double: the difference `numbers`.
            overflowed += 1;
            continue;
        }
        compared += 1;
        if let Some(judgement) = judge(&pair, &expression, &Mark::Same) {
            let _ = write!(wrong, "\n{judgement}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(overflowed < WANTED / 20, "{overflowed} overflowed");
}

#[test]
fn the_corpus_gives_the_same_in_both_evaluators() {
    let pair = Pair::new();
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "cel"))
        .collect();
    paths.sort();
    let (mut same, mut marked, mut wrong) = (0, 0, String::new());
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        for (number, text) in text.lines().enumerate() {
            let Some((expression, mark)) = line(text) else {
                continue;
            };
            if mark == Mark::Same {
                same += 1;
            } else {
                marked += 1;
            }
            if let Some(judgement) = judge(&pair, expression, &mark) {
                let file = path.file_name().unwrap().display();
                let _ = write!(wrong, "\n{file}:{}: {judgement}", number + 1);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(same >= 300, "only {same} expressions, and {marked} marked");
}
