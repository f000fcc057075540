//! The catalogue of functions: the one list that the checks, the evaluator and `rules dialect` go by.
//!
//! Relations (`node()`, `pods()`) are not in it: the graph registers them.

use super::nearest::proposal;

/// A function, method or macro of the dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// Called on a receiver: `x.name()`. One name may be both, as two entries.
    pub method: bool,
    /// The least number of arguments, the receiver not counted.
    pub minimum: usize,
    /// The greatest number of arguments.
    pub maximum: usize,
    /// The variables that its leading arguments name, if it is a macro.
    pub variables: Variables,
    /// The argument that must be a regular expression written as a literal, counted from 0.
    pub pattern: Option<usize>,
    /// What it gives, in a line.
    pub doc: &'static str,
}

/// How many leading arguments of a macro are names of its variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variables {
    /// It is no macro.
    None,
    /// The element.
    One,
    /// The index or key, and the element.
    Two,
    /// The element; with three arguments the index or key before it.
    OneOrTwo,
}

impl Function {
    /// Whether its arguments are evaluated for each element.
    pub fn is_macro(&self) -> bool {
        self.variables != Variables::None
    }

    /// How many leading arguments name variables in a call with so many arguments.
    pub fn variables_of(&self, arguments: usize) -> usize {
        match self.variables {
            Variables::None => 0,
            Variables::One => 1,
            Variables::Two => 2,
            Variables::OneOrTwo => 1 + usize::from(arguments > 2),
        }
    }
}

/// The entry of a name, `None` if there is none.
pub fn find(name: &str, method: bool) -> Option<&'static Function> {
    FUNCTIONS
        .iter()
        .find(|function| function.name == name && function.method == method)
}

/// Why there is no such function, and what was meant.
pub(super) fn unknown(name: &str, method: bool, relations: &[&str]) -> (String, Option<String>) {
    let kind = if method { "method" } else { "function" };
    let message = format!("there is no {kind} `{name}`");
    let same = |method| {
        FUNCTIONS
            .iter()
            .filter(move |function| function.method == method)
    };
    if find(name, !method).is_some() {
        let form = if method {
            format!("{name}(x)")
        } else {
            format!("x.{name}()")
        };
        return (message, Some(format!("it is called as `{form}`")));
    }
    if !method && relations.contains(&name) {
        return (
            message,
            Some(format!("`{name}` is a relation: `object.{name}()`")),
        );
    }
    let names = same(method).map(|function| function.name);
    let relations = relations.iter().copied().filter(|_| method);
    (message, proposal(name, names.chain(relations)))
}

const fn free(name: &'static str, minimum: usize, maximum: usize, doc: &'static str) -> Function {
    Function {
        name,
        method: false,
        minimum,
        maximum,
        variables: Variables::None,
        pattern: None,
        doc,
    }
}

const fn method(name: &'static str, minimum: usize, maximum: usize, doc: &'static str) -> Function {
    Function {
        method: true,
        ..free(name, minimum, maximum, doc)
    }
}

const fn each(
    name: &'static str,
    variables: Variables,
    minimum: usize,
    maximum: usize,
    doc: &'static str,
) -> Function {
    Function {
        variables,
        ..method(name, minimum, maximum, doc)
    }
}

const fn pattern(argument: usize, function: Function) -> Function {
    Function {
        pattern: Some(argument),
        ..function
    }
}

/// All of them, free functions first, each part by theme.
pub const FUNCTIONS: &[Function] = &[
    // Objects.
    free(
        "object",
        2,
        3,
        "object of a kind by name, or by namespace and name; a ghost where there is none",
    ),
    free(
        "all",
        1,
        1,
        "list of all objects of a kind; prefer `collect`",
    ),
    free(
        "collected",
        1,
        2,
        "whether objects of a kind were collected, in a namespace if one is named",
    ),
    free(
        "cond",
        2,
        2,
        "condition of an object by type: `.status .reason .message .since`",
    ),
    // What is there and what is not.
    free("has", 1, 1, "whether a field is there and not null"),
    free(
        "absent",
        1,
        1,
        "whether a value is missing, null or a ghost; decides nothing where it was not collected",
    ),
    free("present", 1, 1, "the negation of `absent`"),
    free(
        "empty",
        1,
        1,
        "whether a value is absent, null, '', [] or {}",
    ),
    free(
        "raw",
        1,
        1,
        "the text as it is in the bundle, before quirks were mended",
    ),
    // Time, quantities, versions.
    free(
        "age",
        1,
        1,
        "time from a timestamp to the collection of the bundle",
    ),
    free("duration", 1, 1, "duration of a text: '10m', '2d14h'"),
    free(
        "timestamp",
        1,
        1,
        "timestamp of a text, in any form that the cluster writes",
    ),
    free(
        "quantity",
        1,
        1,
        "number of a Kubernetes quantity: '1536Mi', '100m'",
    ),
    free("semver", 1, 1, "version of a text, read leniently"),
    free(
        "inRange",
        2,
        2,
        "whether a version is in a range: '>=1.2.0 <1.4.0'",
    ),
    // Conversion.
    free(
        "int",
        1,
        1,
        "whole number of a number or text, cut towards zero",
    ),
    free("double", 1, 1, "number of a text"),
    free("string", 1, 1, "text of a value"),
    free("b64text", 1, 1, "text of a base64 value"),
    free("json", 1, 1, "value of a JSON text"),
    free("yaml", 1, 1, "value of a YAML text"),
    // Text.
    free("size", 1, 1, "length of a list, map or text; 0 of absent"),
    pattern(
        1,
        free(
            "matches",
            2,
            2,
            "whether a regular expression is found in a text",
        ),
    ),
    pattern(
        1,
        free(
            "find",
            2,
            2,
            "first match of a regular expression, or absent",
        ),
    ),
    pattern(
        1,
        free("extract", 2, 2, "capture 1 of the first match, or absent"),
    ),
    // Words for templates.
    free(
        "ref",
        1,
        1,
        "an object as people name it: Pod/namespace/name",
    ),
    free(
        "short",
        1,
        1,
        "the bare name of an object; a long text without its middle",
    ),
    free("bytes", 1, 1, "a number of bytes for people: 1.5 GiB"),
    free(
        "plural",
        2,
        2,
        "a number and its noun: 1 pod, 2 pods, 1,246 pods",
    ),
    free(
        "ago",
        1,
        1,
        "how long ago a timestamp was when the bundle was collected",
    ),
    // Methods on what may be missing.
    method(
        "problem",
        0,
        0,
        "what keeps a pod from running: `.reason .message .container .image .since`",
    ),
    method(
        "orValue",
        1,
        1,
        "the value, or another one if it is absent or null; with it a condition may decide on what was not collected",
    ),
    method("hasValue", 0, 0, "whether the value is there"),
    // Methods on texts.
    method("size", 0, 0, "length of a list, map or text; 0 of absent"),
    method("contains", 1, 1, "whether a text holds another"),
    method("startsWith", 1, 1, "whether a text starts with another"),
    method("endsWith", 1, 1, "whether a text ends with another"),
    pattern(
        0,
        method(
            "matches",
            1,
            1,
            "whether a regular expression is found in a text",
        ),
    ),
    pattern(
        0,
        method(
            "find",
            1,
            1,
            "first match of a regular expression, or absent",
        ),
    ),
    pattern(
        0,
        method("extract", 1, 1, "capture 1 of the first match, or absent"),
    ),
    method(
        "split",
        1,
        2,
        "pieces of a text between separators, at most so many",
    ),
    method(
        "replace",
        2,
        3,
        "the text with one text put for another, at most so many times",
    ),
    method("lowerAscii", 0, 0, "the text in lower case"),
    method("upperAscii", 0, 0, "the text in upper case"),
    method("trim", 0, 0, "the text without blanks at its ends"),
    method(
        "substring",
        1,
        2,
        "characters from a position, up to another",
    ),
    method("charAt", 1, 1, "the character at a position"),
    method(
        "indexOf",
        1,
        2,
        "position of a text in another, or -1; from a position",
    ),
    method(
        "lastIndexOf",
        1,
        2,
        "last position of a text in another, or -1; up to a position",
    ),
    method("reverse", 0, 0, "the text or list backwards"),
    method(
        "ref",
        0,
        0,
        "an object as people name it: Pod/namespace/name",
    ),
    method(
        "short",
        0,
        0,
        "the bare name of an object; a long text without its middle",
    ),
    // Methods on lists.
    method("join", 0, 1, "the elements as one text, with a separator"),
    method(
        "distinct",
        0,
        0,
        "the list without repetitions, in order of first occurrence",
    ),
    method("sort", 0, 0, "the list in ascending order"),
    method("sum", 0, 0, "sum of the numbers or durations"),
    method("min", 0, 0, "least element, absent ones left out"),
    method("max", 0, 0, "greatest element, absent ones left out"),
    // Macros.
    each(
        "exists",
        Variables::OneOrTwo,
        2,
        3,
        "whether the condition is true for an element",
    ),
    each(
        "exists_one",
        Variables::OneOrTwo,
        2,
        3,
        "whether the condition is true for exactly one element",
    ),
    each(
        "all",
        Variables::OneOrTwo,
        2,
        3,
        "whether the condition is true for every element",
    ),
    each(
        "filter",
        Variables::One,
        2,
        2,
        "the elements for which the condition is true",
    ),
    each(
        "map",
        Variables::One,
        2,
        3,
        "a value for each element, or for each that a condition holds for",
    ),
    each(
        "flatMap",
        Variables::One,
        2,
        2,
        "the elements of the list of each element",
    ),
    each(
        "transformList",
        Variables::Two,
        3,
        4,
        "list of a value for each index or key, and element",
    ),
    each(
        "transformMap",
        Variables::Two,
        3,
        4,
        "map of a value for each index or key, and element",
    ),
    each(
        "minBy",
        Variables::One,
        2,
        2,
        "the element with the least value",
    ),
    each(
        "maxBy",
        Variables::One,
        2,
        2,
        "the element with the greatest value",
    ),
    each(
        "groupBy",
        Variables::One,
        2,
        2,
        "map from each value to the elements that have it",
    ),
    // Methods on versions and quantities.
    method("major", 0, 0, "first number of a version"),
    method("minor", 0, 0, "second number of a version"),
    method("patch", 0, 0, "third number of a version"),
    method("isGreaterThan", 1, 1, "`>`, as Kubernetes writes it"),
    method("isLessThan", 1, 1, "`<`, as Kubernetes writes it"),
    method("compareTo", 1, 1, "-1, 0 or 1: less, equal, greater"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_sound() {
        for (index, function) in FUNCTIONS.iter().enumerate() {
            let name = function.name;
            assert!(function.minimum <= function.maximum, "{name}");
            assert!(
                function.variables_of(function.minimum) < function.minimum.max(1),
                "{name}"
            );
            assert!(
                function
                    .pattern
                    .is_none_or(|argument| argument < function.minimum),
                "{name}"
            );
            let twin = FUNCTIONS
                .iter()
                .skip(index + 1)
                .any(|other| other.name == name && other.method == function.method);
            assert!(!twin, "{name} stands here twice");
        }
    }

    #[test]
    fn unknown_names_get_a_proposal() {
        let table = [
            ("exsts", true, Some("did you mean `exists`?")),
            ("semverr", false, Some("did you mean `semver`?")),
            (
                "startsWith",
                false,
                Some("it is called as `x.startsWith()`"),
            ),
            ("age", true, Some("it is called as `age(x)`")),
            ("node", false, Some("`node` is a relation: `object.node()`")),
            ("noed", true, Some("did you mean `node`?")),
            ("frobnicate", true, None),
        ];
        for (name, method, help) in table {
            assert_eq!(
                unknown(name, method, &["node", "pods"]).1.as_deref(),
                help,
                "{name}"
            );
        }
    }
}
