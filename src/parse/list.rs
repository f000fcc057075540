//! Reads a list of objects, and sees where its end is missing.
//!
//! A file that was cut off is often sound YAML all the same: the cut lies in a block of text, or
//! between two lines. But the collector writes the list's `kind` after its objects, so a list
//! without it was cut, and of its last object the end may be missing.

use super::document::{Document, View};
use super::manifest;
use crate::span::{Parsed, Problem, ProblemKind};

/// Reads a manifest of a bundle as [`manifest`] does, without the last object of a list that ends
/// too early: rules would take for absent what was cut from it.
pub fn read(path: &str, bytes: Vec<u8>) -> Parsed<Option<Document>> {
    let mut parsed = manifest(path, bytes);
    let Some(last) = parsed.value.as_ref().and_then(last_of_cut_list) else {
        return parsed;
    };
    let Some(text) = parsed
        .value
        .as_ref()
        .map(|list| list.text()[..last].to_owned())
    else {
        return parsed;
    };
    let line = text.lines().count() + 1;
    let reason = format!(
        "ends within or after the object that begins at line {line}; only what stands before it was read"
    );
    let problem = Problem::new(path, ProblemKind::Truncated, reason);
    parsed.value = manifest(path, text.into_bytes()).value;
    parsed
        .problems
        .push(problem.at_line(u32::try_from(line).unwrap_or(u32::MAX)));
    parsed
}

/// Where the last object of a list begins, if the list's own end is missing.
fn last_of_cut_list(document: &Document) -> Option<usize> {
    let root = document.root();
    let has_objects = root
        .get("items")
        .into_iter()
        .flat_map(View::items)
        .next()
        .is_some();
    if !has_objects || root.get("apiVersion").is_none() || root.get("kind").is_some() {
        return None;
    }
    // Each object begins with a dash at the start of a line, where nothing inside one can stand.
    document.text().rfind("\n- ").map(|end| end + 1)
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::*;

    /// The objects that are left of a list, and in what way it is damaged.
    fn left(text: &str) -> (Vec<u64>, Vec<(ProblemKind, Option<u32>)>) {
        let parsed = read("a.yaml", text.as_bytes().to_vec());
        let value = parsed
            .value
            .map_or(Json::Null, |document| document.root().to_json());
        let items = value["items"].as_array().cloned().unwrap_or_default();
        let problems = parsed.problems.iter();
        (
            items.iter().filter_map(|item| item["n"].as_u64()).collect(),
            problems
                .map(|problem| (problem.kind, problem.line))
                .collect(),
        )
    }

    #[test]
    fn a_list_without_its_end_was_cut() {
        let head = "apiVersion: v1\nitems:\n- n: 1\n- n: 2\n  note: |-\n    one\n    two\n";
        let whole = format!("{head}kind: List\nmetadata:\n  resourceVersion: \"5\"\n");
        assert_eq!(left(&whole), (vec![1, 2], vec![]));
        // Sound YAML: cut within a block of text, at the end of a line, after the last object.
        for end in ["  note: |-\n    on", "    one\n", "    two\n"] {
            let cut = head.find(end).unwrap() + end.len();
            let expected = (vec![1], vec![(ProblemKind::Truncated, Some(4))]);
            assert_eq!(left(&head[..cut]), expected, "{end:?}");
        }
        let only = "apiVersion: v1\nitems:\n- n: 1\n";
        assert_eq!(
            left(only),
            (vec![], vec![(ProblemKind::Truncated, Some(3))])
        );
    }

    #[test]
    fn other_documents_need_no_kind() {
        for (text, objects) in [
            ("items:\n- n: 1\n", vec![1]),
            ("apiVersion: v1\nitems: []\n", vec![]),
            ("apiVersion: v1\nitems: [{n: 1}]\nkind: List\n", vec![1]),
        ] {
            assert_eq!(left(text), (objects, vec![]), "{text}");
        }
    }
}
