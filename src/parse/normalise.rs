//! Undoes what the collector did to the objects of a bundle on their way into YAML.
//!
//! The collector replaces `""` and most `null` in the text of the JSON by the text `"null"`, and
//! reads all numbers as floats, so that whole numbers from a million on come out with an exponent.
//! Only manifests of a bundle go through this, never rules.

use super::document::{CUT, Document, Kind, Node, drop_entries, to_u32};

/// Largest float below which every whole number is exact: 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Turns a manifest into what the API server held, as far as the collector left it knowable.
///
/// - The text `null` becomes null: it was empty or null, and there is no telling which.
/// - A text that ends in `"null` ended in `"`: the `null` is cut.
/// - A whole number in exponent form becomes an integer, if it is exact.
/// - `metadata.managedFields` are dropped: an eighth of the bytes, and nobody's evidence.
///
/// [`View::raw`](super::document::View::raw) still gives a changed scalar as it stood. JSON inside
/// of texts stays as it is.
pub(super) fn normalise(document: &mut Document) {
    let mut nodes = std::mem::take(document.nodes_mut());
    let mut managed_fields = Vec::new();
    let mut is_metadata = false;
    for index in 0..nodes.len() {
        let Some(node) = nodes.get(index).copied() else {
            break;
        };
        match node.kind {
            Kind::Map if is_metadata => {
                managed_fields.extend(key_of_managed_fields(document, &nodes, index));
            }
            _ => {
                if let Some(place) = nodes.get_mut(index) {
                    *place = scalar(document, node);
                }
            }
        }
        is_metadata = node.kind == Kind::Key && document.text_of(node) == "metadata";
    }
    managed_fields.sort_unstable();
    drop_entries(&mut nodes, &managed_fields);
    *document.nodes_mut() = nodes;
}

fn scalar(document: &Document, node: Node) -> Node {
    match node.kind {
        Kind::Text | Kind::ExtraText => {
            let text = document.text_of(node);
            if text == "null" {
                Node {
                    kind: Kind::Absent,
                    ..node
                }
            } else if text.ends_with("\"null") {
                let is_extra = node.kind == Kind::ExtraText;
                let kind = if is_extra {
                    Kind::CutExtraText
                } else {
                    Kind::CutText
                };
                Node {
                    kind,
                    second: node.second - CUT,
                    ..node
                }
            } else {
                node
            }
        }
        Kind::Float => {
            let float = f64::from_bits(node.bits());
            let is_exact = float.fract() == 0.0 && float.abs() < EXACT;
            if !is_exact || !document.token(node).contains(['e', 'E']) {
                return node;
            }
            #[expect(clippy::cast_possible_truncation, reason = "whole and below 2^53")]
            Node::integer(float as i64, node.source, u32::from(node.token))
        }
        _ => node,
    }
}

/// Index of the key `managedFields` of the map at `index`, if a list stands there.
fn key_of_managed_fields(document: &Document, nodes: &[Node], index: usize) -> Option<u32> {
    let end = nodes.get(index)?.first as usize;
    let mut next = index + 1;
    while next < end {
        let (key, value) = (nodes.get(next)?, nodes.get(next + 1)?);
        if value.kind == Kind::List && document.text_of(*key) == "managedFields" {
            return Some(to_u32(next));
        }
        next = if value.is_container() {
            value.first as usize
        } else {
            next + 2
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::yaml;
    use super::*;
    use crate::parse::document::View;

    fn manifest(text: &str) -> Document {
        let mut document = yaml::read(text.to_owned()).expect("of the fast part");
        normalise(&mut document);
        document
    }

    #[test]
    fn scalars_become_what_the_server_held() {
        let table = [
            ("\"null\"", json!(null), "null"),
            ("\"nu\\x6cl\"", json!(null), "null"),
            ("null", json!(null), "null"),
            ("~", json!(null), "~"),
            ("\"Null\"", json!("Null"), "Null"),
            ("nullable", json!("nullable"), "nullable"),
            ("'say \"x\"null'", json!("say \"x\""), "say \"x\"null"),
            (
                "Pulling \"x\"null",
                json!("Pulling \"x\""),
                "Pulling \"x\"null",
            ),
            ("\"a \\\"null\"", json!("a \""), "a \"null"),
            (
                "\"\\\"a\\\":\\\"null\\\",\"",
                json!("\"a\":\"null\","),
                "\"a\":\"null\",",
            ),
            ("1e+09", json!(1_000_000_000), "1e+09"),
            ("-2.000001e+09", json!(-2_000_001_000), "-2.000001e+09"),
            ("2.31131136e+08", json!(231_131_136), "2.31131136e+08"),
            (
                "9.007199254740991e+15",
                json!(9_007_199_254_740_991_i64),
                "9.007199254740991e+15",
            ),
            (
                "9.007199254740992e+15",
                json!(9_007_199_254_740_992.0),
                "9.007199254740992e+15",
            ),
            ("1.7e+18", json!(1.7e18), "1.7e+18"),
            ("1e-05", json!(1e-5), "1e-05"),
            ("1.5e+00", json!(1.5), "1.5e+00"),
            ("0.1", json!(0.1), "0.1"),
            ("3.0", json!(3.0), "3.0"),
            ("\"1e+09\"", json!("1e+09"), "1e+09"),
            ("80", json!(80), "80"),
            ("true", json!(true), "true"),
        ];
        for (scalar, expected, raw) in table {
            let document = manifest(&format!("a:\n- {scalar}\n"));
            let value = document
                .root()
                .get("a")
                .and_then(|list| list.items().next());
            assert_eq!(value.map(View::to_json), Some(expected), "{scalar}");
            assert_eq!(value.map(View::raw), Some(raw), "{scalar}");
        }
    }

    #[test]
    fn managed_fields_are_dropped_and_nothing_moves_but_them() {
        let document = manifest(concat!(
            "items:\n",
            "- metadata:\n",
            "    managedFields:\n",
            "    - fieldsV1:\n",
            "        f:metadata:\n",
            "          .: {}\n",
            "    name: a\n",
            "  spec:\n",
            "    managedFields: []\n",
            "    template:\n",
            "      metadata:\n",
            "        labels: {}\n",
            "        managedFields:\n",
            "        - x\n",
            "    end: 1\n",
            "- metadata:\n",
            "    managedFields:\n",
            "    - y\n",
            "- metadata:\n",
            "    managedFields: text\n",
            "kind: List\n",
        ));
        let root = document.root();
        let expected = json!({
            "items": [
                {
                    "metadata": {"name": "a"},
                    "spec": {
                        "managedFields": [], "template": {"metadata": {"labels": {}}}, "end": 1,
                    },
                },
                {"metadata": {}},
                {"metadata": {"managedFields": "text"}},
            ],
            "kind": "List",
        });
        assert_eq!(root.to_json(), expected);
        assert_eq!(root.get("kind").map(View::line), Some(21));
        let lines: Vec<u32> = root
            .get("items")
            .into_iter()
            .flat_map(View::items)
            .map(View::line)
            .collect();
        assert_eq!(lines, [2, 16, 19]);
        let lengths: Vec<usize> = root
            .get("items")
            .into_iter()
            .flat_map(View::items)
            .filter_map(|item| item.get("metadata"))
            .map(View::len)
            .collect();
        assert_eq!(lengths, [1, 0, 1]);
    }
}
