//! Reads values of the tree as what a key wants, and says so where they are something else.

use jiff::SignedDuration;
use smol_str::SmolStr;

use crate::rule::duration;
use crate::rule::expression::{self, Expression, Literal, Node};
use crate::rule::mistake::Mistakes;
use crate::rule::nearest::proposal;
use crate::rule::path::FieldPath;
use crate::rule::shape::{Condition, Shape};
use crate::rule::source::{Passage, Span, Spanned};
use crate::rule::template::Template;
use crate::rule::tree::{Entry, Scalar, Tree, Value};

/// A map that was checked by its shape.
pub(crate) struct Keys<'t> {
    entries: &'t [Entry],
    /// What a message about a missing key points to.
    head: Span,
    /// What the map is: `a rule`, `an entry of match`.
    what: &'static str,
}

/// An unknown key is a mistake, and so is a missing one, or one that does not go with another.
impl<'t> Keys<'t> {
    /// The keys of a map, checked; `None` if it is none.
    pub(crate) fn of(tree: &'t Tree, shape: &Shape, mistakes: &mut Mistakes) -> Option<Keys<'t>> {
        let what = shape.what;
        let entries = entries(tree, what, mistakes)?;
        for entry in entries {
            let key = entry.key.value.as_str();
            if !shape.names().any(|known| known == key) {
                let all = || shape.names().collect::<Vec<_>>().join(", ");
                let help = proposal(key, shape.names());
                mistakes
                    .error(
                        "BD001",
                        entry.key.span,
                        format!("{what} has no key `{key}`"),
                    )
                    .help(help.unwrap_or_else(|| format!("its keys are: {}", all())));
            }
        }
        let keys = Keys {
            entries,
            head: tree.head(),
            what,
        };
        for key in shape.keys.iter().filter(|key| key.required) {
            if keys.get(key.name).is_none() {
                keys.missing(key.name, mistakes);
            }
        }
        for condition in shape.conditions {
            keys.check(condition, mistakes);
        }
        Some(keys)
    }

    fn check(&self, condition: &Condition, mistakes: &mut Mistakes) {
        match condition {
            Condition::Either { keys, help } => match keys.map(|key| self.entry(key)) {
                [None, None] => self.missing(keys[0], mistakes),
                [Some(_), Some(second)] => {
                    let message =
                        format!("{} has either `{}` or `{}`", self.what, keys[0], keys[1]);
                    mistakes
                        .error("BD001", second.key.span, message)
                        .help(*help);
                }
                _ => {}
            },
            Condition::Any(keys) => {
                if let Some(first) = keys.first()
                    && keys.iter().all(|key| self.get(key).is_none())
                {
                    self.missing(first, mistakes);
                }
            }
            Condition::Needs {
                key,
                with,
                code,
                message,
                help,
            } => {
                if let Some(entry) = self.entry(key)
                    && self.get(with).is_none()
                {
                    mistakes.error(code, entry.key.span, *message).help(*help);
                }
            }
            Condition::Excludes { key, others, why } => {
                let others = others.iter().filter(|_| self.get(key).is_some());
                for entry in others.filter_map(|other| self.entry(other)) {
                    let message = format!("`{}` {why}", entry.key.value);
                    mistakes.error("BD001", entry.key.span, message);
                }
            }
        }
    }

    /// The value of a key, if it is there.
    pub(crate) fn get(&self, key: &str) -> Option<&'t Tree> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The key itself, if it is there.
    pub(crate) fn entry(&self, key: &str) -> Option<&'t Entry> {
        self.entries.iter().find(|entry| entry.key.value == key)
    }

    /// Says that a key should be there.
    pub(crate) fn missing(&self, key: &str, mistakes: &mut Mistakes) {
        let message = format!("{} needs the key `{key}`", self.what);
        mistakes.error("BD001", self.head, message);
    }
}

/// The value of a key, of what may be a map.
pub(crate) fn child<'t>(tree: &'t Tree, key: &str) -> Option<&'t Tree> {
    match &tree.value {
        Value::Map(entries) => entries
            .iter()
            .find(|entry| entry.key.value == key)
            .map(|entry| &entry.value),
        _ => None,
    }
}

/// Says that a value is not what its key wants.
pub(crate) fn wrong_type(tree: &Tree, wanted: &str, mistakes: &mut Mistakes) {
    if matches!(tree.value, Value::Refused) {
        return;
    }
    let found = tree.describe();
    mistakes.error(
        "BD001",
        tree.head(),
        format!("expected {wanted}, found {found}"),
    );
}

/// The entries of a map with any keys.
pub(crate) fn entries<'t>(
    tree: &'t Tree,
    what: &str,
    mistakes: &mut Mistakes,
) -> Option<&'t [Entry]> {
    match &tree.value {
        Value::Map(entries) => Some(entries),
        _ => {
            wrong_type(tree, &format!("a map for {what}"), mistakes);
            None
        }
    }
}

/// The elements of a list; none if the key is not there.
pub(crate) fn list<'t>(tree: Option<&'t Tree>, mistakes: &mut Mistakes) -> &'t [Tree] {
    match tree.map(|tree| (&tree.value, tree)) {
        Some((Value::List(list), _)) => list,
        Some((_, tree)) => {
            wrong_type(tree, "a list", mistakes);
            &[]
        }
        None => &[],
    }
}

/// The elements of a list, or the one value that stands for a list of one.
pub(crate) fn one_or_many(tree: &Tree) -> &[Tree] {
    match &tree.value {
        Value::List(list) => list,
        _ => std::slice::from_ref(tree),
    }
}

/// A scalar that is something.
pub(crate) fn scalar<'t>(
    tree: &'t Tree,
    wanted: &str,
    mistakes: &mut Mistakes,
) -> Option<&'t Scalar> {
    match &tree.value {
        Value::Scalar(scalar) if !scalar.is_null() => Some(scalar),
        _ => {
            wrong_type(tree, wanted, mistakes);
            None
        }
    }
}

/// Text that is not empty.
pub(crate) fn text(tree: &Tree, mistakes: &mut Mistakes) -> Option<String> {
    let scalar = scalar(tree, "text", mistakes)?;
    if scalar.text.trim().is_empty() {
        mistakes.error("BD001", tree.span, "the text is empty");
        return None;
    }
    Some(scalar.text.to_string())
}

/// A name: of a variable, a log matcher, a parameter, an export.
pub(crate) fn name(tree: &Tree, mistakes: &mut Mistakes) -> Option<Spanned<SmolStr>> {
    let scalar = scalar(tree, "a name", mistakes)?;
    check_name(&scalar.text, tree.span, mistakes)
        .then(|| Spanned::new(scalar.text.clone(), tree.span))
}

/// Whether a text can be a name in an expression.
pub(crate) fn check_name(text: &str, span: Span, mistakes: &mut Mistakes) -> bool {
    let identifier = expression::is_name(text);
    if !identifier {
        mistakes
            .error("BD001", span, format!("`{text}` is no name"))
            .help("names are written in letters, digits and `_`, and are no reserved words");
    }
    identifier
}

/// An expression. Where it is none a null stands for it, so that what follows can be checked.
pub(crate) fn expression(tree: &Tree, mistakes: &mut Mistakes) -> Expression {
    let nothing = Expression {
        node: Node::Literal(Literal::Null),
        span: tree.span,
    };
    let Some(scalar) = scalar(tree, "an expression", mistakes) else {
        return nothing;
    };
    parse_expression(&scalar.passage(), mistakes).unwrap_or(nothing)
}

/// A passage as an expression.
pub(crate) fn parse_expression(
    passage: &Passage<'_>,
    mistakes: &mut Mistakes,
) -> Option<Expression> {
    match expression::parse(passage) {
        Ok(expression) => Some(expression),
        Err(error) => {
            mistakes
                .error("BD010", error.span, error.message)
                .help_if(error.help);
            None
        }
    }
}

/// A template.
pub(crate) fn template(tree: &Tree, mistakes: &mut Mistakes) -> Option<Template> {
    text(tree, mistakes)?;
    let scalar = scalar(tree, "text", mistakes)?;
    let (template, errors) = Template::parse(&scalar.passage());
    for error in errors {
        mistakes
            .error("BD030", error.span, error.message)
            .help_if(error.help);
    }
    Some(template)
}

/// A whole number, 0 or above.
pub(crate) fn number(tree: &Tree, mistakes: &mut Mistakes) -> Option<usize> {
    let scalar = scalar(tree, "a whole number", mistakes)?;
    let number = scalar.text.parse().ok().filter(|_| scalar.plain);
    if number.is_none() {
        mistakes.error(
            "BD001",
            tree.span,
            format!("`{}` is no whole number from 0 on", scalar.text),
        );
    }
    number
}

/// A whole number, 1 or above.
pub(crate) fn positive(tree: &Tree, mistakes: &mut Mistakes) -> Option<usize> {
    let number = number(tree, mistakes)?;
    if number == 0 {
        mistakes
            .error("BD001", tree.span, "0 would keep nothing")
            .help("the least number is 1");
    }
    Some(number)
}

/// A duration above zero.
pub(crate) fn positive_duration(tree: &Tree, mistakes: &mut Mistakes) -> Option<SignedDuration> {
    let scalar = scalar(tree, "a duration", mistakes)?;
    let read = duration::parse(&scalar.text).filter(|read| *read > SignedDuration::ZERO);
    if read.is_none() {
        mistakes
            .error(
                "BD040",
                tree.span,
                format!("`{}` is no duration", scalar.text),
            )
            .help("durations are written `45s`, `10m`, `2d14h`");
    }
    read
}

/// `true` or `false`.
pub(crate) fn truth(tree: &Tree, mistakes: &mut Mistakes) -> Option<bool> {
    let scalar = scalar(tree, "`true` or `false`", mistakes)?;
    match (scalar.plain, scalar.text.as_str()) {
        (true, "true") => Some(true),
        (true, "false") => Some(false),
        _ => {
            wrong_type(tree, "`true` or `false`", mistakes);
            None
        }
    }
}

/// One of a few words.
pub(crate) fn choice<T: Copy>(
    tree: &Tree,
    choices: &[(&'static str, T)],
    mistakes: &mut Mistakes,
) -> Option<T> {
    let scalar = scalar(tree, "a word", mistakes)?;
    let found = choices.iter().find(|(word, _)| *word == scalar.text);
    if found.is_none() {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let help = proposal(&scalar.text, words.iter().copied());
        mistakes
            .error(
                "BD001",
                tree.span,
                format!("`{}` is no value of this key", scalar.text),
            )
            .help(help.unwrap_or_else(|| format!("expected one of: {}", words.join(", "))));
    }
    found.map(|(_, choice)| *choice)
}

/// A path of a field.
pub(crate) fn field_path(tree: &Tree, mistakes: &mut Mistakes) -> Option<Spanned<FieldPath>> {
    let scalar = scalar(tree, "the path of a field", mistakes)?;
    match FieldPath::parse(&scalar.text) {
        Ok(path) => Some(Spanned::new(path, tree.span)),
        Err(at) => {
            let span = scalar.passage().span(at, scalar.text.len());
            mistakes
                .error("BD001", span, "not the path of a field")
                .help("paths are written `status.conditions[type=Ready].status`, `metadata.labels['a.b/c']`");
            None
        }
    }
}

/// A web address.
pub(crate) fn url(tree: &Tree, mistakes: &mut Mistakes) -> Option<String> {
    let text = text(tree, mistakes)?;
    let host = text.strip_prefix("https://").unwrap_or_default();
    if host.is_empty() || text.contains(char::is_whitespace) {
        mistakes
            .error("BD060", tree.span, format!("`{text}` is no https address"))
            .help("addresses start with `https://`");
        return None;
    }
    Some(text)
}
