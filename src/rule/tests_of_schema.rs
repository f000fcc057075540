//! The schemas of rule and case files beside the readers of these files: what a reader takes, the
//! schema takes, and both refuse keys that are unknown or missing.

use serde_json::{Value, json};

use super::RuleSet;
use super::mistake::{Level, Mistakes};
use super::source::RuleSource;
use super::tree;
use crate::archive::Archive;
use crate::case::{self, Loader};
use crate::testing::{check_schema_file, files_below_rules};

#[test]
fn schema_files_are_those_of_the_shapes() {
    check_schema_file("rule.v1.schema.json", &super::file_schema());
    check_schema_file("case.v1.schema.json", &case::file_schema());
}

fn as_json(name: &str, text: &str) -> Value {
    let source = RuleSource::new(name, text);
    let mut mistakes = Mistakes::new(&source);
    tree::read(text, &mut mistakes).unwrap().to_json()
}

fn validator(schema: &Value) -> jsonschema::Validator {
    assert!(jsonschema::meta::is_valid(schema));
    jsonschema::validator_for(schema).unwrap()
}

/// What the schema says against a file.
fn against(validator: &jsonschema::Validator, file: &Value) -> Vec<String> {
    validator
        .iter_errors(file)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// Whether the reader of rules takes a file, stated as JSON, which is YAML.
fn rule_is_read(name: &str, file: &Value) -> bool {
    match RuleSet::from_texts(&[(name, &file.to_string())]) {
        Ok(_) => true,
        // What other rules there are is no matter of the file's form.
        Err(errors) => errors
            .mistakes
            .iter()
            .all(|it| it.code == "BD002" || it.level != Level::Error),
    }
}

struct Nothing;

impl Loader for Nothing {
    fn text(&self, _: &str) -> Result<String, String> {
        Ok(String::new())
    }

    fn bundle(&self, path: &str) -> Result<Option<Archive>, String> {
        Err(format!("{path}: not here"))
    }
}

fn cases_are_read(name: &str, file: &Value, rules: &RuleSet) -> bool {
    let outcome = case::run_file(name, &file.to_string(), rules, &Nothing);
    let mut mistakes = outcome.mistakes.iter();
    // A bundle that is not here is none of the form's.
    mistakes.all(|it| it.level != Level::Error || it.message.ends_with("not here"))
}

#[test]
fn schemas_take_every_rule_and_case_file() {
    for (of_cases, schema) in [(false, super::file_schema()), (true, case::file_schema())] {
        let validator = validator(&schema);
        for (name, text) in files_below_rules(of_cases) {
            let wrong = against(&validator, &as_json(&name, &text));
            assert!(wrong.is_empty(), "{name}: {wrong:#?}");
        }
    }
}

/// All places of a value, from its root.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                places(item, &format!("{at}/{index}"), found);
            }
        }
        Value::Object(entries) => {
            for (key, value) in entries {
                let key = key.replace('~', "~0").replace('/', "~1");
                places(value, &format!("{at}/{key}"), found);
            }
        }
        _ => {}
    }
}

/// A file with one place changed, and how.
fn changed(file: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    let mut at = Vec::new();
    places(file, "", &mut at);
    for place in at {
        let mut change = |how: String, with: &dyn Fn(&mut Value)| {
            let mut file = file.clone();
            if let Some(value) = file.pointer_mut(&place) {
                with(value);
                all.push((format!("{place} {how}"), file));
            }
        };
        for other in [
            json!(null),
            json!(true),
            json!(0),
            json!(-1.5),
            json!(""),
            json!("a word"),
            json!("Word-1"),
            json!([]),
            json!(["x", "y"]),
            json!({}),
            json!({ "x": 1 }),
        ] {
            change(format!("= {other}"), &|value| *value = other.clone());
        }
        let keys: Vec<String> = match file.pointer(&place) {
            Some(Value::Object(entries)) => entries.keys().cloned().collect(),
            _ => continue,
        };
        for key in keys {
            change(format!("without {key}"), &|value| {
                value.as_object_mut().unwrap().remove(&key);
            });
            change(format!("with {key}s for {key}"), &|value| {
                let entries = value.as_object_mut().unwrap();
                let moved = entries.remove(&key).unwrap();
                entries.insert(format!("{key}s"), moved);
            });
        }
    }
    all
}

/// Each change that a reader takes, the schema must take; the other way round it may know less.
/// Gives how many changes both take and both refuse, and those that only the schema takes.
fn compare(
    validator: &jsonschema::Validator,
    file: &Value,
    is_read: &dyn Fn(&Value) -> bool,
    wrong: &mut Vec<String>,
) -> [usize; 3] {
    let mut counts = [0; 3];
    for (how, file) in changed(file) {
        match (is_read(&file), validator.is_valid(&file)) {
            (true, true) => counts[0] += 1,
            (false, false) => counts[1] += 1,
            (false, true) => counts[2] += 1,
            (true, false) => wrong.push(format!("{how}: {:?}", against(validator, &file))),
        }
    }
    counts
}

#[test]
fn schema_of_rules_and_their_reader_agree() {
    let validator = validator(&super::file_schema());
    let mut wrong = Vec::new();
    let mut counts = [0; 3];
    for file in [everything_in_a_rule(), everything_else_in_a_rule()] {
        let name = "node/everything.yaml";
        assert!(rule_is_read(name, &file));
        let found = compare(
            &validator,
            &file,
            &|file| rule_is_read(name, file),
            &mut wrong,
        );
        (0..3).for_each(|it| counts[it] += found[it]);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let [both_take, both_refuse, _] = counts;
    assert!(both_take > 150 && both_refuse > 800, "{counts:?}");
}

#[test]
fn schema_of_cases_and_their_reader_agree() {
    let validator = validator(&case::file_schema());
    let plain = |id: &str| {
        let mut rule = everything_else_in_a_rule();
        rule["id"] = id.into();
        rule.to_string()
    };
    let texts = [
        ("node/first.yaml", &*plain("first")),
        ("node/second.yaml", &*plain("second")),
    ];
    let rules = RuleSet::from_texts(&texts).unwrap();
    let file = everything_in_a_case_file();
    let name = "node/everything.test.yaml";
    assert!(cases_are_read(name, &file, &rules));
    let mut wrong = Vec::new();
    let counts = compare(
        &validator,
        &file,
        &|file| cases_are_read(name, file, &rules),
        &mut wrong,
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
    let [both_take, both_refuse, _] = counts;
    assert!(both_take > 100 && both_refuse > 400, "{counts:?}");
}

/// Unknown and missing keys: what only the shapes know.
#[test]
fn schemas_refuse_what_readers_refuse() {
    let rules = validator(&super::file_schema());
    let file = everything_in_a_rule();
    let mut refused = 0;
    for (how, file) in changed(&file) {
        if !(how.contains(" without ") || how.contains(" with ")) {
            continue;
        }
        let errors = match RuleSet::from_texts(&[("node/everything.yaml", &file.to_string())]) {
            Ok(_) => continue,
            Err(errors) => errors,
        };
        let of_keys = errors.mistakes.iter().find(|it| {
            it.message.contains(" has no key `") || it.message.contains(" needs the key `")
        });
        if let Some(mistake) = of_keys {
            refused += 1;
            assert!(!rules.is_valid(&file), "{how}: {mistake}");
        }
    }
    assert!(refused > 60, "{refused}");
}

/// Each key of each map, each form of each entry.
fn everything_in_a_rule() -> Value {
    json!({
        "id": "everything",
        "title": "{{ pod.metadata.name }} is lost",
        "severity": "warning",
        "escalate": [
            { "when": "pods.size() > 1", "to": "error" },
            { "when": "pods.size() > 2", "confidence": "certain" },
        ],
        "category": "node",
        "status": "experimental",
        "description": "All there is.",
        "versions": {
            "harvester": ">=1.2.0 <1.4.0", "kubernetes": "1.27", "longhorn": ">=1.5",
            "upgradeFrom": "<1.4", "upgradeTo": ">=1.3.0", "outside": "lower",
        },
        "requires": { "kinds": ["Pod", "longhorn.io/Volume"], "logs": ["node/kernel"] },
        "params": { "grace": "10m", "most": 3, "word": "x", "flag": true },
        "logs": {
            "lost": {
                "source": ["node/kernel", "pod/kube-system/*/etcd"],
                "any": ["lost (?P<what>\\w+) after (?P<after>\\d+)s", "gone (?P<what>\\w+) (?P<after>\\d+)"],
                "not": "ignored", "where": "what != 'x'", "group": ["node", "what"],
                "count": { "min": 2, "within": "1h" }, "since": "2d", "still": "5m",
                "steady": ["after"], "clear": "back (?P<what>\\w+)", "measure": { "after": "number" }, "sample": 2,
            },
            "plain": { "source": "bundle/errors", "pattern": "fail", "count": 2 },
        },
        "match": [
            { "each": "pod", "in": "Pod", "where": "it.status.phase != params.word" },
            { "each": ["key", "value"], "in": "pod.metadata.labels", "where": "key != value" },
            { "optional": "line", "in": "logs.lost", "where": "it.what == key" },
            { "none": "_", "in": "logs.plain", "where": "it.count > params.most" },
            { "collect": "pods", "in": "pod.node().pods()", "where": "it != pod", "min": 0 },
            { "let": "old", "value": "age(pod.metadata.creationTimestamp) > params.grace" },
            { "when": "old" },
        ],
        "unless": [
            { "when": "params.flag && value == 'y'", "reason": "it is meant" },
            { "some": "other", "in": "Node", "where": "it.metadata.name == value", "reason": "a node has its name" },
            { "none": "_", "in": "Node", "where": "it.metadata.name == 'x'", "reason": "no such node" },
        ],
        "finding": {
            "subject": "pod", "since": "pod.metadata.creationTimestamp", "key": ["pod", "key"],
            "exports": { "pod": "pod", "node": "pod.node()" }, "confidence": "possible",
            "message": "It is.", "notes": [{ "when": "line.count > 1", "text": "More." }, { "text": "Always." }],
            "evidence": [
                { "object": "pod", "fields": ["status.phase", "status.conditions[type=Ready].status"], "limit": 2, "note": "See." },
                { "log": "line", "limit": 1 },
            ],
            "limit": 5,
        },
        "remedy": [{
            "text": "Look.", "when": "old", "command": "kubectl get pods", "risk": "safe", "check": "It runs.",
            "link": "https://example.com/x",
        }],
        "references": ["https://example.com/a", { "url": "https://example.com/b", "title": "B" }],
        "aliases": ["all-there-is"],
        "causes": [{ "rule": "another", "same": ["pod"], "order": "cause-first", "strength": "certain" }],
        "causedBy": [{ "rule": "storage/*", "same": ["node"] }],
    })
}

/// What does not go beside the rest: a pattern alone, a cluster, no options at all.
fn everything_else_in_a_rule() -> Value {
    json!({
        "id": "everything",
        "title": "Lost",
        "severity": "info",
        "logs": { "lost": { "source": "node/supportconfig/fs-*.txt", "pattern": "lost", "still": "1h30m" } },
        "match": [{ "each": "line", "in": "logs.lost" }, { "each": "node", "in": "Node harv-1" }],
        "finding": {
            "subject": "cluster", "message": "Lost.", "evidence": [{ "log": "line" }, { "object": "node" }],
        },
    })
}

fn everything_in_a_case_file() -> Value {
    let pod = |name: &str| json!({ "kind": "Pod", "apiVersion": "v1", "metadata": { "name": name, "namespace": "a" } });
    json!({
        "rule": "first",
        "now": "2024-05-01T12:00:00Z",
        "defaults": { "bundle": {
            "harvesterVersion": "v1.3.1", "kubernetesVersion": "v1.27.13+rke2r1", "namespaces": ["a", "b"], "cluster": true,
        } },
        "objects": [pod("x"), pod("y")],
        "logs": { "logs/a/x/c.log": "-5m one\n", "logs/a/y/c.log": { "file": "y.log" } },
        "cases": [
            {
                "name": "first", "add": pod("z"), "patch": { "Pod/a/x": { "status": { "phase": "Running" } } },
                "remove": ["Pod/a/y"], "logs": { "logs/a/x/c.log": null }, "with": ["second"],
                "expect": [{
                    "rule": "second", "subject": "Node/x", "severity": "error", "confidence": "likely",
                    "title": "Disk", "message": { "contains": ["a", "b"] }, "notes": ["n", { "contains": "m" }],
                    "exports": { "node": "Node/x", "vms": ["a", "b"], "none": null },
                    "evidence": ["Node/x#status"], "root": true, "since": "-25m",
                }],
                "chains": [["second", "first"]],
            },
            { "name": "second", "from": "first", "expect": { "count": 0 } },
            { "name": "third", "expect": [], "suppressed": ["part", { "contains": ["of", "it"] }] },
            { "name": "fourth", "notEvaluated": "needs" },
            { "name": "fifth", "bundle": "testdata/none", "expect": [] },
            { "name": "sixth", "add": "", "expect": [] },
            { "name": "seventh", "add": { "file": "objects.yaml" }, "expect": [] },
        ],
    })
}
