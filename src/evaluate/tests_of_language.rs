//! Tests of expressions: what each gives, above all where data is missing.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::compiler::{Compiler, Scope};
use super::function;
use super::macros;
use super::program::{Context, Program};
use super::value::Value;
use crate::graph::{Collected, Graph, GraphBuilder, relation};
use crate::parse::document::Document;
use crate::parse::time::timestamp;
use crate::rule::Param;
use crate::rule::dialect::{DIFFERENCES, LEFT_OUT};
use crate::rule::expression::Expression;
use crate::rule::function::{FUNCTIONS, Function};
use crate::scan::Hits;

fn graph() -> Graph {
    let objects = json!({ "kind": "List", "items": [
        {
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": "web", "namespace": "default", "uid": "p1",
                "creationTimestamp": "2024-05-01T11:00:00Z",
                "labels": { "app.kubernetes.io/name": "web" },
            },
            "spec": { "nodeName": "n1" },
            "status": {
                "phase": "Running", "nothing": null,
                "conditions": [
                    { "type": "Ready", "status": "False", "lastTransitionTime": "2024-05-01T11:30:00Z" },
                    { "type": "Other", "status": "True", "lastUpdateTime": "2024-05-01T11:45:00Z" },
                ],
                "list": [3, 1, 2, 3], "map": { "b": 2, "a": 1 },
            },
        },
        { "apiVersion": "v1", "kind": "Node", "metadata": { "name": "n1", "uid": "n1" } },
        {
            "apiVersion": "longhorn.io/v1beta1", "kind": "Node",
            "metadata": { "name": "n1", "namespace": "longhorn-system", "uid": "l1" },
            "status": { "conditions": {
                "Ready": { "type": "Ready", "status": "True", "lastTransitionTime": "2024-05-01T10:00:00Z" },
            } },
        },
    ]});
    let mut builder = GraphBuilder::default();
    builder.add("all.yaml", Document::from_json(&objects));
    // What is not there does not exist, rather than not having been collected.
    builder.collected(Collected {
        everything: true,
        ..Collected::default()
    });
    builder.finish()
}

/// A value as the tables below write it.
fn show(value: &Value<'_>, graph: &Graph) -> String {
    match value {
        Value::Absent => "absent".to_owned(),
        Value::Null => "null".to_owned(),
        Value::Text(text) => format!("'{}'", text.as_str()),
        Value::Time(time) => time.to_string(),
        Value::Float(float) => format!("{float:?}"),
        Value::List(_) | Value::Part(..) if !value.is_map() => {
            let elements = value.elements();
            let elements: Vec<String> = elements.iter().map(|it| show(it, graph)).collect();
            format!("[{}]", elements.join(", "))
        }
        other => other.render(graph),
    }
}

/// What an expression gives. `pod` is a Pod, `ghost` a Node that is not there, `gone` is absent.
fn give(graph: &Graph, text: &str) -> String {
    let expression = Expression::parse(text).unwrap_or_else(|_| panic!("syntax of {text}"));
    let params = BTreeMap::from([(
        "patience".into(),
        Param::Duration(jiff::SignedDuration::from_mins(20)),
    )]);
    let mut scope = Scope::default();
    for name in ["pod", "ghost", "gone"] {
        scope.declare(name);
    }
    let mut compiler = Compiler {
        scope,
        params: &params,
        logs: Vec::new(),
        errors: Vec::new(),
    };
    let program = compiler.compile(&expression);
    assert_eq!(compiler.errors, [], "{text}");
    let slots = compiler.scope.slots();
    let hits = Hits::default();
    let context = Context {
        read: None,
        doubts: Default::default(),
        graph,
        hits: &hits,
        now: timestamp("2024-05-01T12:00:00Z"),
        bundle: std::cell::LazyCell::new(Box::new(|| {
            Value::from_json(&json!({ "harvesterVersion": "v1.3.1" }))
        })),
        lets: &[],
    };
    let mut frame = vec![Value::Absent; slots];
    let node = graph.kind_id("", "Node").unwrap();
    frame[0] = Value::Object(graph.all("", "Pod").next().unwrap().id());
    frame[1] = Value::subject(graph.subject(node, None, "n9"));
    show(&program.run(&context, &mut frame), graph)
}

fn check(table: &[(&str, &str)]) {
    let graph = graph();
    let wrong: Vec<String> = table
        .iter()
        .filter_map(|(text, expected)| {
            let given = give(&graph, text);
            (given != *expected).then(|| format!("{text}: {given}, not {expected}"))
        })
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_dialect_is_as_it_is_described() {
    for difference in DIFFERENCES {
        check(difference.examples);
    }
    for text in LEFT_OUT {
        assert!(Expression::parse(text).is_err(), "{text}");
    }
}

/// Only what a collector wrote is mended, so the graph above holds none of it.
#[test]
fn a_text_that_says_null_is_null() {
    let yaml = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\nstatus:\n  phase: \"null\"\n";
    let parsed = crate::parse::manifest("p.yaml", yaml.into());
    let mut builder = GraphBuilder::default();
    builder.add("p.yaml", parsed.value.unwrap());
    builder.add(
        "node.yaml",
        Document::from_json(
            &json!({ "kind": "Node", "apiVersion": "v1", "metadata": { "name": "n" } }),
        ),
    );
    let graph = builder.finish();
    assert_eq!(give(&graph, "pod.status.phase"), "null");
    assert_eq!(give(&graph, "raw(pod.status.phase)"), "'null'");
}

#[test]
fn missing_data_is_never_an_error() {
    check(&[
        // Selecting.
        ("pod.status.missing", "absent"),
        ("pod.status.missing.deeper[0].x", "absent"),
        ("pod.status.phase.deeper", "absent"),
        ("pod.status.nothing", "null"),
        ("pod.status.nothing.deeper", "absent"),
        ("pod.status.list[9]", "absent"),
        ("pod.status.list[-1]", "absent"),
        ("pod.status.map['c']", "absent"),
        ("pod.?status.?missing.orValue('x')", "'x'"),
        ("ghost.metadata.name", "'n9'"),
        ("ghost.metadata.namespace", "absent"),
        ("ghost.kind", "'Node'"),
        ("ghost.metadata.labels", "absent"),
        ("ghost.status.phase", "absent"),
        // Comparing.
        ("gone == 'x'", "false"),
        ("gone != 'x'", "true"),
        ("gone == null", "true"),
        ("null == gone", "true"),
        ("gone == gone", "true"),
        ("gone != null", "false"),
        ("pod.status.nothing == null", "true"),
        ("pod.status.phase == null", "false"),
        ("pod.status.missing != 'True'", "true"),
        ("gone < 1", "false"),
        ("gone > 1", "false"),
        ("gone >= gone", "false"),
        ("1 < gone", "false"),
        ("gone in ['x']", "false"),
        ("gone in [null]", "false"),
        ("'x' in gone", "false"),
        ("gone.matches('x')", "false"),
        ("gone.contains('x')", "false"),
        ("gone.startsWith('x')", "false"),
        ("gone.find('x')", "absent"),
        // Calculating.
        ("gone + 1", "absent"),
        ("1 - gone", "absent"),
        ("gone * 2 / 3", "absent"),
        ("-gone", "absent"),
        ("gone + 'x'", "absent"),
        ("age(gone)", "absent"),
        ("age(gone) > params.patience", "false"),
        ("quantity(gone)", "absent"),
        ("semver(gone).minor()", "absent"),
        // As a condition.
        ("!gone", "true"),
        ("!(gone == 'x')", "true"),
        ("gone && true", "false"),
        ("gone || true", "true"),
        ("gone ? 1 : 2", "2"),
        ("'text' ? 1 : 2", "2"),
        // As a list.
        ("gone.size()", "0"),
        ("size(gone)", "0"),
        ("size(pod.status.nothing)", "0"),
        ("gone.exists(x, true)", "false"),
        ("gone.exists_one(x, true)", "false"),
        ("gone.all(x, true)", "absent"),
        ("gone.all(x, false)", "absent"),
        ("!gone.all(x, true)", "true"),
        ("[].all(x, false)", "true"),
        ("gone.filter(x, true)", "[]"),
        ("gone.map(x, x)", "[]"),
        ("gone.flatMap(x, x)", "[]"),
        ("gone.distinct()", "[]"),
        ("gone.join(', ')", "absent"),
        ("[].join(', ').orValue('none')", "'none'"),
        ("gone.sum()", "0"),
        ("gone.max()", "absent"),
        ("[3, gone, 1].max()", "3"),
        ("[3, null, 1].min()", "1"),
        ("[3, gone, 1].sum()", "4"),
        ("[gone, 'a'].join('-')", "'‹unknown›-a'"),
        // Asking.
        ("has(pod.status.phase)", "true"),
        ("has(pod.status.missing.deeper)", "false"),
        ("has(pod.status.nothing)", "false"),
        ("has(ghost.status)", "false"),
        ("absent(ghost)", "true"),
        ("present(ghost)", "false"),
        ("absent(pod)", "false"),
        ("absent(gone)", "true"),
        ("empty(gone)", "true"),
        ("empty('')", "true"),
        ("empty([])", "true"),
        ("empty({})", "true"),
        ("empty(pod.status.nothing)", "true"),
        ("empty(pod.status.list)", "false"),
        ("empty(0)", "false"),
        ("gone.orValue(5)", "5"),
        ("pod.status.nothing.orValue(5)", "5"),
        ("pod.status.phase.orValue('x')", "'Running'"),
        ("gone.hasValue()", "false"),
        ("pod.hasValue()", "true"),
        // Relations of what is not there.
        ("gone.node()", "absent"),
        ("gone.pods().size()", "0"),
        ("ghost.pods()", "[]"),
        ("object('Node', gone)", "absent"),
    ]);
}

#[test]
fn numbers_times_and_versions() {
    check(&[
        ("7 / 2", "3"),
        ("-7 / 2", "-3"),
        ("7 % 3", "1"),
        ("7.0 / 2", "3.5"),
        ("2 + 1.5", "3.5"),
        ("1 == 1.0", "true"),
        ("'1' == 1", "false"),
        ("'1' < 2", "false"),
        ("1.18e+11 > 5", "true"),
        ("1 / 0", "absent"),
        ("1 % 0", "absent"),
        ("1.0 / 0", "absent"),
        ("9223372036854775807 + 1", "9.223372036854776e18"),
        ("'a' + 'b'", "'ab'"),
        ("'a' + 1", "absent"),
        ("[1] + [2]", "[1, 2]"),
        ("pod.status.list + [9]", "[3, 1, 2, 3, 9]"),
        ("-(3 - 5)", "2"),
        ("duration('1h') + duration('30m')", "1h30m"),
        ("duration('1h') - duration('90m') < duration('0')", "true"),
        ("duration('10m') * 3", "30m"),
        ("duration('1h') / duration('30m')", "2.0"),
        ("duration('1h') / 4", "15m"),
        ("duration('1h') / 0", "absent"),
        ("duration('2d14h') > params.patience", "true"),
        ("duration('x')", "absent"),
        ("now", "2024-05-01T12:00:00Z"),
        ("age(pod.metadata.creationTimestamp)", "1h"),
        ("now - timestamp('2024-05-01T11:59:00Z')", "1m"),
        (
            "timestamp('2024-05-01T11:00:00Z') + duration('5m')",
            "2024-05-01T11:05:00Z",
        ),
        ("pod.metadata.creationTimestamp < now", "true"),
        ("now == '2024-05-01T12:00:00Z'", "true"),
        ("'2024-05-01T11:00:00.5Z' > '2024-05-01T11:00:00Z'", "true"),
        (
            "'2024-05-01T11:00:00Z' - '2024-05-01T10:59:30.000000Z'",
            "30s",
        ),
        ("'b' - 'a'", "absent"),
        (
            "timestamp('Wed May  1 11:00:00 UTC 2024') == timestamp('2024-05-01T11:00:00.000000Z')",
            "true",
        ),
        ("timestamp('yesterday')", "absent"),
        ("ago(pod.metadata.creationTimestamp)", "'1h ago'"),
        ("quantity('1536Mi') == 1610612736", "true"),
        ("quantity('100m')", "0.1"),
        ("quantity('1Gi').isGreaterThan(quantity('1G'))", "true"),
        ("quantity('1Gi').compareTo(quantity('1024Mi'))", "0"),
        ("quantity('x')", "absent"),
        ("semver('v1.27.13+rke2r1').minor()", "27"),
        ("semver('v1.10.0') > semver('v1.9.9')", "true"),
        ("semver('v1.4') == semver('1.4.0')", "true"),
        ("semver('none')", "absent"),
        ("inRange('v1.4.0-rc2', '>=1.4.0 <1.5.0')", "true"),
        ("inRange(semver('v1.3.9'), '>=1.4.0')", "false"),
        ("inRange(gone, '>=1.4.0')", "false"),
        ("bytes(1610612736)", "'1.5 GiB'"),
        ("plural(1, 'pod')", "'1 pod'"),
        ("plural(2, 'pod')", "'2 pods'"),
        ("int('12')", "12"),
        ("int(3.9)", "3"),
        ("int(-3.9)", "-3"),
        ("int('x')", "absent"),
        ("double('1.5')", "1.5"),
        ("string(12)", "'12'"),
    ]);
}

#[test]
fn macros_over_lists_and_maps() {
    check(&[
        ("pod.status.list.exists(x, x == 2)", "true"),
        ("pod.status.list.exists_one(x, x == 3)", "false"),
        ("pod.status.list.all(x, x > 0)", "true"),
        ("pod.status.list.exists(i, x, i == 0 && x == 3)", "true"),
        ("pod.status.list.filter(x, x > 2)", "[3, 3]"),
        ("pod.status.list.map(x, x * 2)", "[6, 2, 4, 6]"),
        ("pod.status.list.map(x, x > 1, x * 2)", "[6, 4, 6]"),
        ("[[1], [2, 3]].flatMap(x, x)", "[1, 2, 3]"),
        ("pod.status.list.distinct().sort()", "[1, 2, 3]"),
        ("pod.status.list.sum()", "9"),
        ("pod.status.list.min()", "1"),
        ("pod.status.list.max()", "3"),
        ("[duration('1m'), duration('2m')].sum()", "3m"),
        ("['b', 'a'].sort().join(', ')", "'a, b'"),
        ("['b', 'a'].reverse()", "['a', 'b']"),
        // A map gives its keys where one variable asks, and both where two do.
        ("pod.status.map.exists(k, k == 'a')", "true"),
        ("pod.status.map.all(k, v, v > 0)", "true"),
        ("pod.status.map.map(k, k).sort()", "['a', 'b']"),
        (
            "pod.status.map.transformList(k, v, k + string(v)).sort()",
            "['a1', 'b2']",
        ),
        ("pod.status.map.transformList(k, v, v > 1, k)", "['b']"),
        ("pod.status.map.transformMap(k, v, v + 1)['b']", "3"),
        ("pod.status.map.transformMap(k, v, v > 1, v)['a']", "absent"),
        ("'a' in pod.status.map", "true"),
        ("2 in pod.status.list", "true"),
        ("pod.status.map == {'a': 1, 'b': 2}", "true"),
        ("pod.status.list == [3, 1, 2, 3]", "true"),
        ("['bb', 'a'].minBy(x, x.size())", "'a'"),
        ("['a', 'bb', 'cc'].maxBy(x, x.size())", "'bb'"),
        ("[{'k': 1}, {}].maxBy(x, x.k).k", "1"),
        (
            "['a', 'bb', 'c'].groupBy(x, string(x.size()))['1']",
            "['a', 'c']",
        ),
        // Variables of a macro hide those outside of it, and are gone after it.
        (
            "[1, 2].map(pod, pod + 1) + [pod.status.phase]",
            "[2, 3, 'Running']",
        ),
        ("[1, 2].map(x, [10].map(y, x + y)[0])", "[11, 12]"),
        ("[1, 2].map(x, [10].map(x, x)[0] + x)", "[11, 12]"),
    ]);
}

#[test]
fn texts_and_objects() {
    check(&[
        ("'a-b-c'.split('-')", "['a', 'b', 'c']"),
        ("'a-b-c'.split('-', 2)", "['a', 'b-c']"),
        ("'a-b-c'.split('-', 0)", "[]"),
        ("'a-b-c'.replace('-', '+')", "'a+b+c'"),
        ("'a-b-c'.replace('-', '+', 1)", "'a+b-c'"),
        ("'héllo'.size()", "5"),
        ("'héllo'.substring(1, 3)", "'él'"),
        ("'héllo'.substring(3)", "'lo'"),
        ("'héllo'.charAt(1)", "'é'"),
        ("'héllo'.charAt(9)", "absent"),
        ("'héllo'.indexOf('l')", "2"),
        ("'héllo'.indexOf('l', 3)", "3"),
        ("'héllo'.indexOf('x')", "-1"),
        ("'héllo'.lastIndexOf('l')", "3"),
        ("'héllo'.lastIndexOf('l', 2)", "2"),
        ("'héllo'.reverse()", "'olléh'"),
        ("'  x '.trim()", "'x'"),
        ("'aB'.lowerAscii() + 'aB'.upperAscii()", "'abAB'"),
        ("'node-12'.extract(r'-(\\d+)$')", "'12'"),
        ("'node'.extract(r'-(\\d+)$')", "absent"),
        ("'node-12'.find(r'\\d')", "'1'"),
        ("matches('abc', '^b')", "false"),
        ("b64text('aGVsbG8=')", "'hello'"),
        ("b64text('***')", "absent"),
        ("json('{\"a\": [1]}').a[0]", "1"),
        ("json('{')", "absent"),
        ("yaml('release: {os: x}').release.os", "'x'"),
        ("pod.metadata.labels['app.kubernetes.io/name']", "'web'"),
        ("pod.ref()", "'Pod/default/web'"),
        ("ref(ghost)", "'Node/n9'"),
        ("pod.short()", "'web'"),
        ("short('short')", "'short'"),
        ("pod.node() == object('Node', 'n1')", "true"),
        ("pod.node() == ghost", "false"),
        ("object('Node', 'n9') == ghost", "true"),
        ("absent(object('Node', 'n9'))", "true"),
        (
            "object('longhorn.io/Node', 'longhorn-system', 'n1').metadata.uid",
            "'l1'",
        ),
        ("object('Node', 'n1').metadata.uid", "'n1'"),
        ("all('Pod').size()", "1"),
        ("all('NoSuchKind').size()", "0"),
        ("cond(pod, 'Ready').status", "'False'"),
        ("cond(pod, 'Ready').since", "2024-05-01T11:30:00Z"),
        ("cond(pod, 'Other').since", "2024-05-01T11:45:00Z"),
        ("cond(pod, 'None').status", "absent"),
        ("cond(pod, 'None').status != 'True'", "true"),
        ("cond(ghost, 'Ready').status", "absent"),
        (
            "cond(object('longhorn.io/Node', 'longhorn-system', 'n1'), 'Ready').status",
            "'True'",
        ),
        ("bundle.harvesterVersion", "'v1.3.1'"),
        ("bundle.nothing", "absent"),
    ]);
}

#[test]
fn a_long_name_is_cut_in_its_middle() {
    let graph = graph();
    let name = format!("{}-{}", "a".repeat(60), "tail");
    let short = give(&graph, &format!("short('{name}')"));
    let short = short.trim_matches('\'');
    assert_eq!(short.chars().count(), 60);
    assert!(short.starts_with("aaa") && short.contains('…') && short.ends_with("-tail"));
}

/// A call of a catalogued function with so many arguments.
fn call(function: &Function, arguments: usize) -> String {
    let variables = ["x", "y"];
    let written: Vec<&str> = (0..arguments)
        .map(|at| match at {
            at if at < function.variables_of(arguments) => variables[at],
            at if function.pattern == Some(at) => "'x'",
            0 if ["object", "all", "collected"].contains(&function.name) && !function.method => {
                "'Pod'"
            }
            _ if ["has", "raw"].contains(&function.name) => "pod.status.phase",
            _ => "'x'",
        })
        .collect();
    let written = written.join(", ");
    if function.method {
        format!("pod.{}({written})", function.name)
    } else {
        format!("{}({written})", function.name)
    }
}

#[test]
fn the_catalogue_and_the_evaluator_know_the_same_functions() {
    let graph = graph();
    for function in FUNCTIONS {
        for arguments in function.minimum..=function.maximum {
            // Compiles, or `give` says why not.
            give(&graph, &call(function, arguments));
        }
    }
    let catalogued = |method: bool| -> BTreeSet<&str> {
        let of_form = FUNCTIONS.iter().filter(|it| it.method == method);
        of_form.map(|it| it.name).collect()
    };
    for method in [false, true] {
        let mut known: BTreeSet<&str> = function::names(method).collect();
        if method {
            known.extend(macros::FORMS.iter().map(|(name, ..)| *name));
        }
        let catalogued = catalogued(method);
        let unknown: Vec<&&str> = known.difference(&catalogued).collect();
        assert!(unknown.is_empty(), "not in the catalogue: {unknown:?}");
    }
}

#[test]
fn unknown_names_are_refused() {
    let params = BTreeMap::new();
    let mut compiler = Compiler {
        scope: Scope::default(),
        params: &params,
        logs: Vec::new(),
        errors: Vec::new(),
    };
    for text in [
        "nothing",
        "frobnicate(1)",
        "now.frobnicate()",
        "params.x",
        "logs.x",
        "all(now)",
    ] {
        let expression = Expression::parse(text).unwrap();
        let before = compiler.errors.len();
        let program = compiler.compile(&expression);
        assert!(matches!(program, Program::Null), "{text}");
        assert_eq!(compiler.errors.len(), before + 1, "{text}");
    }
    assert!(relation::names().contains(&"node"));
}
