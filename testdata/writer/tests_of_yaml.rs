//! The emitted YAML against the collector's: tables of tricky values, and every file of the outside bundles.

use serde_json::{Value, json};

use crate::writer::emitter::{compare_keys, format_float, to_yaml};
use crate::writer::list::{Origin, document, mangle, mangled};

#[test]
fn numbers_print_as_go_prints_floats() {
    let table = [
        (0.0, "0"),
        (1.0, "1"),
        (-7.0, "-7"),
        (0.1, "0.1"),
        (999_999.0, "999999"),
        (1_000_000.0, "1e+06"),
        (1_234_567.0, "1.234567e+06"),
        (1_000_000_000.0, "1e+09"),
        (2_000_001_000.0, "2.000001e+09"),
        (231_131_136.0, "2.31131136e+08"),
        (118_225_516_953.0, "1.18225516953e+11"),
        (0.000_1, "0.0001"),
        (0.000_01, "1e-05"),
        (1_700_000_000_123_456_789.0, "1.7000000001234568e+18"),
    ];
    for (number, text) in table {
        assert_eq!(format_float(number), text);
    }
}

#[test]
fn scalars_take_the_style_of_the_library() {
    let table: Vec<(Value, &str)> = vec![
        (json!("plain"), "k: plain\n"),
        (json!("null"), "k: \"null\"\n"),
        (json!(null), "k: null\n"),
        (json!(true), "k: true\n"),
        (json!("true"), "k: \"true\"\n"),
        (json!("y"), "k: \"y\"\n"),
        (json!("off"), "k: \"off\"\n"),
        (json!("~"), "k: \"~\"\n"),
        (json!("123"), "k: \"123\"\n"),
        (json!("0123"), "k: \"0123\"\n"),
        (json!("089"), "k: \"089\"\n"),
        (json!("0x1F"), "k: \"0x1F\"\n"),
        (json!("1e5"), "k: \"1e5\"\n"),
        (json!("1.5"), "k: \"1.5\"\n"),
        (json!("1.5.2"), "k: 1.5.2\n"),
        (json!("v1.4.1"), "k: v1.4.1\n"),
        (json!(".5"), "k: \".5\"\n"),
        (
            json!("2022-03-22T23:49:14Z"),
            "k: \"2022-03-22T23:49:14Z\"\n",
        ),
        (json!("2022-03-22"), "k: \"2022-03-22\"\n"),
        (json!("2022-03-22T23-49-32Z"), "k: 2022-03-22T23-49-32Z\n"),
        (json!("52:54:00:12:34:56"), "k: \"52:54:00:12:34:56\"\n"),
        (json!("0c:c4:7a:6b:84:20"), "k: 0c:c4:7a:6b:84:20\n"),
        (json!("*"), "k: '*'\n"),
        (json!("{\"a\":1}"), "k: '{\"a\":1}'\n"),
        (json!("a: b"), "k: 'a: b'\n"),
        (json!("a #b"), "k: 'a #b'\n"),
        (json!("it's: so"), "k: 'it''s: so'\n"),
        (json!(" led"), "k: ' led'\n"),
        (json!("-"), "k: '-'\n"),
        (json!("-x"), "k: -x\n"),
        (json!("---"), "k: '---'\n"),
        (json!("a\tb"), "k: \"a\\tb\"\n"),
        (json!("a\rb"), "k: \"a\\rb\"\n"),
        (json!("grüße"), "k: grüße\n"),
        (json!("\u{1F600}"), "k: \"\\U0001F600\"\n"),
        (json!("\u{1}"), "k: \"\\x01\"\n"),
        (json!("a\nb"), "k: |-\n  a\n  b\n"),
        (json!("a\nb\n"), "k: |\n  a\n  b\n"),
        (json!("a\n\nb\n\n"), "k: |+\n  a\n\n  b\n\n"),
        (json!(" a\nb"), "k: |2-\n   a\n  b\n"),
        (json!("a \nb"), "k: \"a \\nb\"\n"),
        (json!("a\n b\n"), "k: |\n  a\n   b\n"),
        (json!([]), "k: []\n"),
        (json!({}), "k: {}\n"),
        (json!(["a", "b"]), "k:\n- a\n- b\n"),
        (json!([["a", "b"], []]), "k:\n- - a\n  - b\n- []\n"),
        (json!([{ "b": 1, "a": [2] }]), "k:\n- a:\n  - 2\n  b: 1\n"),
        (json!({ "a": { "b": "c" } }), "k:\n  a:\n    b: c\n"),
    ];
    for (value, text) in table {
        assert_eq!(to_yaml(&json!({ "k": value })), text, "{value}");
    }
}

#[test]
fn long_scalars_break_at_a_single_space_behind_column_80() {
    let message = "Successfully assigned harvester-system/supportbundle-manager-bundle-o3n28-7d6d44c544-ndn25 to node1";
    assert_eq!(
        to_yaml(&json!([{ "message": message }])),
        "- message: Successfully assigned harvester-system/supportbundle-manager-bundle-o3n28-7d6d44c544-ndn25\n    to node1\n"
    );
    let corefile = format!("{}{}", "x".repeat(90), "    y\tz");
    assert_eq!(
        to_yaml(&json!({ "k": corefile })),
        format!("k: \"{}\n  \\   y\\tz\"\n", "x".repeat(90))
    );
    let token = "a".repeat(300);
    assert_eq!(to_yaml(&json!({ "k": token })), format!("k: {token}\n"));
}

#[test]
fn long_keys_are_written_with_a_question_mark() {
    let key = "k".repeat(129);
    assert_eq!(
        to_yaml(&json!({ key.clone(): { "a": 1 } })),
        format!("? {key}\n: a: 1\n")
    );
}

#[test]
fn keys_are_in_natural_order() {
    let mut keys = [
        "b", "a10", "a2", "k:{", ".", "f:x", "a", "A", "1", "a02", "f:.x", "f:10", "f:9",
    ];
    keys.sort_by(|a, b| compare_keys(a, b));
    assert_eq!(
        keys,
        [
            ".", "1", "A", "a", "a2", "a02", "a10", "b", "f:.x", "f:9", "f:10", "f:x", "k:{"
        ]
    );
}

#[test]
fn replacements_hit_what_they_hit_in_the_collector() {
    let table = [
        (r#"{"k":""}"#, r#"{"k":"null"}"#),
        (r#"{"k":null,"l":1}"#, r#"{"k":"null","l":1}"#),
        (r#"{"k":null}"#, r#"{"k":null}"#),
        (r#"{"k-8":null,"l":1}"#, r#"{"k-8":null,"l":1}"#),
        (r#"{"k":[null,null]}"#, r#"{"k":[null,null]}"#),
        (r#"{"k":["",""]}"#, r#"{"k":["null","null"]}"#),
        (r#"{"k":"Pulling \"x\""}"#, r#"{"k":"Pulling \"x\"null"}"#),
        (
            r#"{"k":"{\"x\":null,\"y\":\"\"}"}"#,
            r#"{"k":"{\"x\":\"null\",\"y\":\"\"}"}"#,
        ),
    ];
    for (before, after) in table {
        assert_eq!(mangle(before), after);
    }
}

#[test]
fn a_list_forces_group_version_and_kind() {
    let text = document(
        "kubevirt.io/v1",
        "VirtualMachine",
        &[json!({ "metadata": { "name": "a" } })],
        Origin::Custom,
        9,
    );
    assert_eq!(
        text,
        "apiVersion: v1\nitems:\n- apiVersion: kubevirt.io/v1\n  kind: VirtualMachine\n  metadata:\n    name: a\nkind: List\n\
         metadata:\n  continue: \"null\"\n  resourceVersion: \"9\"\n"
    );
}

#[test]
fn an_independent_reader_gets_the_mangled_json_back() {
    let value = json!({
        "a": ["", null, "x\ty", "it's", "# no comment", "long ".repeat(60), "a: b ".repeat(30).trim(), "\"q\""],
        "b": { "script": "#!/bin/sh\nset -e\n\n  indented\n", "embedded": "{\"x\":null,\"y\":1}", "1e3": 1e9, "deep": [[{ "k": [] }]] },
        "v:\"finalizer\"": {},
    });
    let expected = mangled(&value);
    let read: Value = serde_yaml::from_str(&to_yaml(&expected)).unwrap();
    assert_eq!(as_floats(&read), as_floats(&expected));
}

/// The real bundle was written by the library itself: reading one of its files and emitting it again gives its bytes.
#[test]
fn files_of_the_real_bundle_come_out_as_they_are() {
    let Ok(folder) = std::env::var("BUNDLE_DOCTOR_BUNDLES") else {
        eprintln!("BUNDLE_DOCTOR_BUNDLES is unset: no outside bundles to compare with");
        return;
    };
    let path = std::path::Path::new(&folder).join("harvester-1.0-single-node.zip");
    let mut archive = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    let mut compared = 0;
    let mut differing = Vec::new();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).unwrap();
        let name = entry.name().unwrap().into_owned();
        // One file of the 1,139 has indented sequences: somebody formatted it by another tool.
        let formatted_by_hand = name.ends_with("cattle-system/extensions/v1beta1/ingresses.yaml");
        if !name.contains("/yamls/") || !name.ends_with(".yaml") || formatted_by_hand {
            continue;
        }
        let mut text = String::new();
        std::io::Read::read_to_string(&mut entry, &mut text).unwrap();
        let value: Value = serde_yaml::from_str(&text).unwrap();
        let emitted = to_yaml(&value);
        if emitted != text {
            let line = emitted
                .lines()
                .zip(text.lines())
                .position(|(a, b)| a != b)
                .unwrap_or(0);
            differing.push(format!(
                "{name}:{}: {:?} instead of {:?}",
                line + 1,
                emitted.lines().nth(line),
                text.lines().nth(line)
            ));
        }
        compared += 1;
    }
    assert!(differing.is_empty(), "{differing:#?}");
    assert!(compared > 1000, "only {compared} files compared");
}

fn as_floats(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(items) => items.iter().map(as_floats).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| (key.clone(), as_floats(value)))
            .collect(),
        other => other.clone(),
    }
}
