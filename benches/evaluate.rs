//! What rules cost: to load, to evaluate over many objects, and to scan for.
//!
//! `cargo bench --bench evaluate [-- load|evaluate|scan]` measures a part, else all; `rules` lists the
//! rules that take longest.
//!
//! Each figure is printed beside its limit. The machine may be shared, so the least of many runs
//! counts, and where two things are compared their runs take turns.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};

use bundle_doctor::bundle::{Bundle, Files};
use bundle_doctor::evaluate::Engine;
use bundle_doctor::graph::Collected;
use bundle_doctor::layout::{Layout, Source};
use bundle_doctor::parse::document::Document;
use bundle_doctor::rule::RuleSet;
use bundle_doctor::scan::{ScanInput, Scanner};
use jiff::Timestamp;
use serde_json::{Value, json};

/// Objects of the bundle that rules are evaluated over.
const OBJECTS: usize = 50_000;
const NODES: usize = 100;
const NAMESPACES: usize = 50;
/// Patterns as the catalogues of failures have them.
const PATTERNS: &str = include_str!("patterns.txt");
/// Logs that patterns are sought in, as rules name them.
const SOURCES: [&str; 10] = [
    "pod/longhorn-system/longhorn-manager-*/longhorn-manager",
    "node/kernel",
    "pod/kube-system/etcd-*/etcd",
    "node/rke2-server",
    "pod/harvester-system/harvester-*/apiserver",
    "node/kubelet",
    "pod/cattle-system/rancher-*/rancher",
    "node/rancher-system-agent",
    "pod/longhorn-system/instance-manager-*/*",
    "pod/kube-system/*/*",
];

fn main() {
    // Evaluation is parallel by rule; the limits are for one thread.
    rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build_global()
        .expect("nobody built it before");
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let wanted = |part: &str| {
        let mut parts = asked.iter().filter(|it| !it.starts_with('-')).peekable();
        parts.peek().is_none() || parts.any(|it| it == part)
    };
    if wanted("load") {
        loading();
    }
    if asked.iter().any(|it| it == "rules") {
        rule_by_rule();
    }
    if wanted("evaluate") {
        evaluating();
    }
    if wanted("scan") {
        scanning();
    }
}

fn told(what: &str, figure: Duration, limit_ms: f64) {
    let figure = figure.as_secs_f64() * 1e3;
    let verdict = if figure <= limit_ms { "kept" } else { "MISSED" };
    println!("{what}: {figure:.2} ms, limit {limit_ms} ms, {verdict}");
}

fn timed<T>(run: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    let made = std::hint::black_box(run());
    let time = start.elapsed();
    drop(made);
    time
}

/// Time that this thread had a processor, as far as the kernel tells it: to a few milliseconds.
fn worked() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds = text.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanoseconds))
}

/// The time that a run had a processor, or took where that is unknown.
fn work<T: Send>(run: impl FnOnce() -> T + Send) -> Duration {
    rayon::scope(|_| {
        let before = worked();
        let whole = timed(run);
        let after = worked();
        before
            .zip(after)
            .map_or(whole, |(before, after)| (after - before).min(whole))
    })
}

/// The least time of many runs.
fn least<T>(runs: usize, mut run: impl FnMut() -> T) -> Duration {
    (0..runs).map(|_| timed(&mut run)).min().unwrap_or_default()
}

/// The least times of two things whose runs take turns.
fn least_of_both<A, B>(
    runs: usize,
    mut one: impl FnMut() -> A,
    mut other: impl FnMut() -> B,
) -> (Duration, Duration) {
    let pairs: Vec<(Duration, Duration)> = (0..runs)
        .map(|_| (timed(&mut one), timed(&mut other)))
        .collect();
    let first = pairs.iter().map(|(one, _)| *one).min();
    let second = pairs.iter().map(|(_, other)| *other).min();
    (first.unwrap_or_default(), second.unwrap_or_default())
}

fn builtin() -> RuleSet {
    RuleSet::builtin().expect("built-in rules are right")
}

fn engine(texts: &[(String, String)]) -> Engine {
    let texts: Vec<(&str, &str)> = texts
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let rules = match RuleSet::from_texts(&texts) {
        Ok(rules) => rules,
        Err(errors) => panic!(
            "{:?}",
            errors
                .mistakes
                .iter()
                .max_by_key(|it| std::cmp::Reverse(it.level))
        ),
    };
    Engine::new(&rules).expect("the rules compile")
}

/// Ready rules with the set that they were made of, which a run keeps to its end.
fn ready(set: RuleSet) -> (RuleSet, Engine) {
    let engine = Engine::new(&set).expect("the rules compile");
    (set, engine)
}

fn loading() {
    let set = builtin();
    let all = least(50, || ready(builtin()));
    told(
        &format!("{} built-in rules made ready", set.rules().len()),
        all,
        30.0,
    );
    let many = generated(300);
    let theirs = least(10, || engine(&many));
    told(
        &format!("{} rule files of users' made ready", many.len()),
        theirs,
        2.0 * many.len() as f64,
    );

    let directory = tempfile::tempdir().expect("a temporary directory");
    let folder = directory.path().join("node");
    std::fs::create_dir(&folder).expect("it can be made");
    let (_, text) = copy(&set, "node-notready-unknown", "mine");
    std::fs::write(folder.join("mine.yaml"), text).expect("it can be written");
    let packs = [directory.path().to_owned()];
    let (without, with) = least_of_both(
        50,
        || ready(builtin()),
        || ready(RuleSet::load(&packs).expect("it is right")),
    );
    told(
        "one rule file of the user's",
        with.saturating_sub(without),
        2.0,
    );
}

/// A built-in rule under another id.
fn copy(set: &RuleSet, id: &str, new: &str) -> (String, String) {
    let rule = set.get(id).expect("it is built in");
    let text = rule
        .source
        .text
        .replacen(&format!("id: {id}"), &format!("id: {new}"), 1);
    // Aliases are names, too, and links to them would be ambiguous.
    let text: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with("aliases:"))
        .collect();
    (
        format!("rules/{}/{new}.yaml", rule.category.name()),
        text.join("\n"),
    )
}

/// Rules like the built-in ones: copies of them, and their mechanisms over other kinds.
fn generated(count: usize) -> Vec<(String, String)> {
    let set = builtin();
    let mut rules: Vec<(String, String)> = Vec::new();
    let ids: Vec<&str> = set.rules().iter().map(|rule| rule.id.as_str()).collect();
    for (number, id) in (0..count * 17 / 20).zip(ids.iter().cycle()) {
        rules.push(copy(&set, id, &format!("{id}-{number}")));
    }
    let mechanisms = [
        "  - { each: x, in: Pod, where: \"it.status.phase == 'Failed' && it.status.reason == 'R@'\" }",
        "  - { each: x, in: Pod, where: \"it.metadata.namespace == 'ns-@' && cond(it, 'Ready').status != 'True'\" }\n  - { let: n, value: x.node() }\n  - { when: \"absent(n) || cond(n, 'Ready').status != 'True'\" }",
        "  - { each: n, in: Node }\n  - { each: x, in: n.pods(), where: \"it.status.containerStatuses.exists(c, c.restartCount > 100@)\" }",
        "  - { each: x, in: longhorn.io/Volume, where: \"it.status.robustness == 'faulted' || it.metadata.name == 'state-@'\" }\n  - { collect: r, in: x.replicas(), min: 0 }",
        "  - { each: x, in: longhorn.io/Replica, where: \"!empty(it.spec.failedAt) && it.spec.nodeID == 'node-@'\" }\n  - { optional: v, in: x.volume() }",
        "  - { each: x, in: Event, where: \"it.reason == 'Reason@' && age(it.lastTimestamp) < duration('1h')\" }",
        "  - { each: x, in: PersistentVolumeClaim, where: \"it.status.phase == 'Lost'\" }\n  - { none: p, in: x.pods(), where: \"it.status.phase == 'Running' && it.metadata.name == '@'\" }",
        "  - { each: x, in: Node, where: \"cond(it, 'Pressure@').status == 'True'\" }\n  - { collect: p, in: Pod, where: it.node() == x, min: 0 }",
        "  - { collect: xs, in: Pod, where: \"matches(it.metadata.name, r'^none-@-[0-9]+$')\" }\n  - { each: x, in: xs }",
        "  - { each: x, in: ConfigMap, where: \"it.metadata.name == 'config-map-@' && has(it.data.missing)\" }",
        "  - { each: x, in: Service }\n  - { when: \"x.pods().size() > 500@\" }",
        "  - { each: x, in: Job, where: \"cond(it, 'Failed').status == 'True' && it.owner('Upgrade').metadata.name == 'u-@'\" }",
    ];
    for (number, mechanism) in (rules.len()..count).zip(mechanisms.iter().cycle()) {
        let mut text = format!(
            "id: made-{number}\ntitle: \"{{{{ x.metadata.name }}}} is wrong\"\nseverity: warning\nmatch:\n"
        );
        text.push_str(&mechanism.replace('@', &number.to_string()));
        text.push_str("\nfinding:\n  subject: x\n  message: \"{{ x.metadata.name }} of {{ x.metadata.namespace }}\"\n  evidence: [{ object: x, fields: [metadata.name] }]\n");
        rules.push((format!("rules/node/made-{number}.yaml"), text));
    }
    rules
}

/// Bundles of many objects, each like a newly read one.
struct Bundles {
    sample: Vec<(String, Vec<u8>)>,
    objects: Vec<(String, Document)>,
}

impl Bundles {
    fn new() -> Bundles {
        let objects = objects();
        let objects = objects
            .iter()
            .map(|(path, list)| (path.clone(), Document::from_json(list)));
        Bundles {
            sample: sample(),
            objects: objects.collect(),
        }
    }

    fn bundle(&self, engine: &Engine) -> Bundle {
        let namespaces = (0..NAMESPACES).map(|number| format!("ns-{number}"));
        let files = Files {
            name: "bench".to_owned(),
            files: self.sample.clone(),
            manifests: self.objects.clone(),
            collected: Collected {
                cluster: true,
                namespaces: namespaces.collect(),
                ..Collected::default()
            },
        };
        Bundle::of_files(files, now(), engine.scanner())
    }
}

fn evaluating() {
    let rules = generated(200);
    let engine = engine(&rules);
    let bundles = Bundles::new();
    // Indexes are built once in a graph, so each run needs a bundle that nobody looked at.
    let mut cold = Duration::MAX;
    let mut warm = Duration::MAX;
    let mut about = String::new();
    for _ in 0..20 {
        let bundle = bundles.bundle(&engine);
        cold = cold.min(work(|| engine.evaluate(&bundle)));
        let again = (0..5).map(|_| work(|| engine.evaluate(&bundle)));
        warm = warm.min(again.min().unwrap_or_default());
        about = format!("{} rules over {} objects", engine.len(), bundle.graph.len());
    }
    let ids: Vec<String> = rules.iter().map(|(name, _)| id_of(name)).collect();
    let engine = engine.traced(&ids);
    let evaluation = engine.evaluate(&bundles.bundle(&engine));
    let looked: u64 = evaluation
        .traces
        .iter()
        .flat_map(|trace| &trace.bindings)
        .map(|binding| binding.looked.max(binding.entered))
        .sum();
    told(&about, cold, 60.0);
    println!(
        "  the same once indexes are there: {:.2} ms; {looked} elements looked at, {} findings, {} rules not evaluated",
        warm.as_secs_f64() * 1e3,
        evaluation.findings.len(),
        evaluation.not_evaluated.len()
    );
}

/// `rules/node/x.yaml` is `x`.
fn id_of(name: &str) -> String {
    let stem = Path::new(name).file_stem();
    stem.unwrap_or_default().to_string_lossy().into_owned()
}

/// The rules that take longest, each evaluated by itself.
fn rule_by_rule() {
    let bundles = Bundles::new();
    let mut times: Vec<(Duration, String)> = Vec::new();
    let rules = generated(200);
    let bundle = bundles.bundle(&engine(&rules));
    for rule in &rules {
        let engine = engine(std::slice::from_ref(rule));
        times.push((least(3, || engine.evaluate(&bundle)), rule.0.clone()));
    }
    times.sort();
    for (time, rule) in times.iter().rev().take(40) {
        println!("  {:8.2} ms  {rule}", time.as_secs_f64() * 1e3);
    }
}

fn now() -> Timestamp {
    "2025-03-10T00:00:00Z".parse().expect("a time")
}

/// The manifests and logs of the sample bundle, so that rules come further than their first binding.
fn sample() -> Vec<(String, Vec<u8>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata/bundles/ssd-failure-during-upgrade.zip");
    let mut files = Vec::new();
    unzip(
        std::fs::File::open(path).expect("it is there"),
        "",
        &mut files,
    );
    files
}

fn unzip(reader: impl Read + std::io::Seek, below: &str, files: &mut Vec<(String, Vec<u8>)>) {
    let mut archive = zip::ZipArchive::new(reader).expect("a zip");
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).expect("it is there");
        if entry.is_dir() {
            continue;
        }
        let name = entry.name().expect("it has one").into_owned();
        let name = match below {
            // Everything lies in a directory with the bundle's name.
            "" => name
                .split_once('/')
                .map_or(name.clone(), |(_, rest)| rest.to_owned()),
            below => format!("{below}/{name}"),
        };
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("it can be read");
        if name.starts_with("nodes/") && name.ends_with(".zip") {
            unzip(std::io::Cursor::new(bytes), "nodes", files);
        } else {
            files.push((name, bytes));
        }
    }
}

/// Lists of distinct objects of a large cluster, as the collector writes them: a file for each kind
/// of a namespace, by name.
fn objects() -> Vec<(String, Value)> {
    let mut lists = Vec::new();
    let mut rest = OBJECTS - NODES - NAMESPACES;
    let mut list = |path: &str, items: Vec<Value>| {
        let mut files: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for item in items {
            let path = match item["metadata"]["namespace"].as_str() {
                Some(namespace) => format!("yamls/namespaced/{namespace}/{path}"),
                None => format!("yamls/cluster/{path}"),
            };
            files.entry(path).or_default().push(item);
        }
        for (path, mut items) in files {
            items.sort_by_key(|item| item["metadata"]["name"].to_string());
            let list = json!({ "apiVersion": "v1", "kind": "List", "items": items });
            lists.push((path, list));
        }
    };
    list("v1/nodes.yaml", (0..NODES).map(a_node).collect());
    list(
        "v1/namespaces.yaml",
        (0..NAMESPACES).map(a_namespace).collect(),
    );
    for (share, path, make) in [
        (18_000, "v1/pods.yaml", a_pod as fn(usize) -> Value),
        (12_000, "v1/events.yaml", an_event),
        (2_000, "longhorn.io/v1beta2/volumes.yaml", a_volume),
        (6_000, "longhorn.io/v1beta2/replicas.yaml", a_replica),
        (2_000, "v1/persistentvolumeclaims.yaml", a_claim),
        (2_000, "v1/services.yaml", a_service),
        (500, "batch/v1/jobs.yaml", a_job),
    ] {
        list(path, (0..share).map(make).collect());
        rest -= share;
    }
    list("v1/configmaps.yaml", (0..rest).map(a_config_map).collect());
    lists
}

fn metadata(kind: &str, number: usize, namespace: Option<String>) -> Value {
    let mut metadata = json!({
        "name": format!("{kind}-{number}"), "uid": format!("{kind}-{number:08}-4b1d-9d57-2d1e5b1c0f42"),
        "creationTimestamp": "2025-02-01T08:00:00Z", "resourceVersion": number.to_string(),
        "labels": { "app": format!("app-{}", number % 500), "app.kubernetes.io/part-of": "bench" },
        "annotations": { "note": format!("of {kind} {number}") },
    });
    if let Some(namespace) = namespace {
        metadata["namespace"] = namespace.into();
    }
    metadata
}

fn namespace_of(number: usize) -> Option<String> {
    Some(format!("ns-{}", number % NAMESPACES))
}

fn node_of(number: usize) -> String {
    format!("node-{}", number % NODES)
}

fn condition(kind: &str, status: &str) -> Value {
    json!({ "type": kind, "status": status, "lastTransitionTime": "2025-02-01T08:01:00Z", "reason": "R", "message": "as it should be" })
}

fn a_node(number: usize) -> Value {
    let pressures =
        ["MemoryPressure", "DiskPressure", "PIDPressure"].map(|it| condition(it, "False"));
    json!({
        "apiVersion": "v1", "kind": "Node", "metadata": metadata("node", number, None),
        "spec": { "podCIDR": "10.52.0.0/24", "providerID": format!("rke2://node-{number}") },
        "status": {
            "conditions": pressures.into_iter().chain([condition("Ready", "True")]).collect::<Vec<_>>(),
            "nodeInfo": { "kubeletVersion": "v1.30.7+rke2r1", "osImage": "Harvester v1.4.1" },
            "capacity": { "cpu": "32", "memory": "131072000Ki", "pods": "200" },
        },
    })
}

fn a_namespace(number: usize) -> Value {
    json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": format!("ns-{number}") } })
}

fn a_pod(number: usize) -> Value {
    let statuses: Vec<Value> = ["main", "proxy"]
        .iter()
        .map(|name| json!({ "name": name, "ready": true, "restartCount": number % 3, "image": "rancher/x:v1", "state": { "running": { "startedAt": "2025-02-01T08:01:00Z" } } }))
        .collect();
    let mut metadata = metadata("pod", number, namespace_of(number));
    metadata["ownerReferences"] = json!([{ "apiVersion": "batch/v1", "kind": "Job", "name": format!("job-{}", number % 500), "uid": format!("job-{:08}-4b1d-9d57-2d1e5b1c0f42", number % 500) }]);
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": metadata,
        "spec": {
            "nodeName": node_of(number), "tolerations": [{ "operator": "Exists" }],
            "containers": [{ "name": "main", "image": "rancher/x:v1" }, { "name": "proxy", "image": "rancher/y:v1" }],
            "volumes": [{ "name": "v", "persistentVolumeClaim": { "claimName": format!("claim-{}", number % 2_000) } }],
        },
        "status": { "phase": "Running", "conditions": [condition("Ready", "True"), condition("PodScheduled", "True")], "containerStatuses": statuses },
    })
}

fn an_event(number: usize) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Event", "metadata": metadata("event", number, namespace_of(number)),
        "involvedObject": { "kind": "Pod", "namespace": namespace_of(number), "name": format!("pod-{number}"), "uid": format!("pod-{number:08}-4b1d-9d57-2d1e5b1c0f42") },
        "reason": "Pulled", "type": "Normal", "message": "Container image already present on machine", "count": 3,
        "firstTimestamp": "2025-03-09T08:00:00Z", "lastTimestamp": "2025-03-09T09:00:00Z",
    })
}

fn longhorn() -> Option<String> {
    Some("longhorn-system".to_owned())
}

fn a_volume(number: usize) -> Value {
    json!({
        "apiVersion": "longhorn.io/v1beta2", "kind": "Volume", "metadata": metadata("volume", number, longhorn()),
        "spec": { "numberOfReplicas": 3, "nodeID": node_of(number), "size": "10737418240" },
        "status": { "state": "attached", "robustness": "healthy", "currentNodeID": node_of(number),
            "kubernetesStatus": { "namespace": namespace_of(number), "pvcName": format!("claim-{number}"), "pvName": format!("volume-{number}") } },
    })
}

fn a_replica(number: usize) -> Value {
    json!({
        "apiVersion": "longhorn.io/v1beta2", "kind": "Replica", "metadata": metadata("replica", number, longhorn()),
        "spec": { "volumeName": format!("volume-{}", number / 3), "nodeID": node_of(number * 7), "failedAt": "", "healthyAt": "2025-02-01T09:00:00Z", "diskPath": "/var/lib/harvester/defaultdisk" },
        "status": { "currentState": "running", "started": true },
    })
}

fn a_claim(number: usize) -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata("claim", number, namespace_of(number)),
        "spec": { "volumeName": format!("volume-{number}"), "storageClassName": "harvester-longhorn" },
        "status": { "phase": "Bound", "capacity": { "storage": "10Gi" } },
    })
}

fn a_service(number: usize) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": metadata("service", number, namespace_of(number)),
        "spec": { "selector": { "app": format!("app-{}", number % 500) }, "ports": [{ "port": 443 }] },
    })
}

fn a_job(number: usize) -> Value {
    json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": metadata("job", number, namespace_of(number)),
        "spec": { "backoffLimit": 6 }, "status": { "succeeded": 1, "conditions": [condition("Complete", "True")] },
    })
}

fn a_config_map(number: usize) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata("config-map", number, namespace_of(number)),
        "data": { "key": format!("value {number}") },
    })
}

fn scanning() {
    let layout = Layout::bundle();
    let logs: Vec<(String, Source, Vec<u8>)> = logs()
        .into_iter()
        .map(|(path, bytes)| (layout.source(&path), path, bytes))
        .filter(|(source, ..)| source.is_log())
        .map(|(source, path, bytes)| (path, source, bytes))
        .collect();
    let size: usize = logs.iter().map(|(.., bytes)| bytes.len()).sum();
    let scan = |scanner: &Scanner| {
        let scans = logs.iter().map(|(path, source, bytes)| {
            scanner.scan(&ScanInput {
                path,
                source,
                bytes,
                modified: None,
                now: Some(now()),
            })
        });
        scanner.finish(scans.collect(), now())
    };
    let set = builtin();
    let mut texts: Vec<(String, String)> = set
        .rules()
        .iter()
        .map(|rule| (rule.source.name.clone(), rule.source.text.clone()))
        .collect();
    let plain = engine(&texts);
    // Patterns that hit nothing: what hits must be read, and that is not the scan's cost.
    let quiet: Vec<&str> = PATTERNS
        .lines()
        .filter(|pattern| {
            let engine = engine(&[matcher("probe", pattern, SOURCES.as_slice())]);
            scan(engine.scanner()).tally(0).hits == 0 && engine.scanner().slow_patterns() == 0
        })
        .take(100)
        .collect();
    for (number, pattern) in quiet.iter().enumerate() {
        let source = SOURCES[number % SOURCES.len()];
        texts.push(matcher(&format!("more-{number}"), pattern, &[source]));
    }
    let more = engine(&texts);
    let (before, after) = least_of_both(15, || scan(plain.scanner()), || scan(more.scanner()));
    let ratio = after.as_secs_f64() / before.as_secs_f64();
    let verdict = if ratio <= 1.15 { "kept" } else { "MISSED" };
    println!(
        "{} more patterns over {:.1} MB of logs: {:.2} ms to {:.2} ms, {:+.1} %, limit +15 %, {verdict}",
        quiet.len(),
        size as f64 / 1e6,
        before.as_secs_f64() * 1e3,
        after.as_secs_f64() * 1e3,
        (ratio - 1.0) * 100.0
    );
}

/// A rule with one pattern.
fn matcher(id: &str, pattern: &str, sources: &[&str]) -> (String, String) {
    let mut text = format!("id: {id}\ntitle: T\nseverity: warning\nlogs:\n  l:\n    source:\n");
    for source in sources {
        let _ = writeln!(text, "      - \"{source}\"");
    }
    let pattern = pattern.replace('\'', "''");
    let _ = write!(
        text,
        "    pattern: '{pattern}'\nmatch: [{{ each: r, in: logs.l }}]\nfinding: {{ subject: cluster, message: M, evidence: [{{ log: r }}] }}\n"
    );
    (format!("rules/node/{id}.yaml"), text)
}

/// The logs of the sample bundle, many times over; or those of the bundles in the folder that
/// `BUNDLE_DOCTOR_BUNDLES` names.
fn logs() -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let folder = std::env::var_os("BUNDLE_DOCTOR_BUNDLES");
    let mut open: Vec<std::path::PathBuf> = folder.into_iter().map(Into::into).collect();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let entries = std::fs::read_dir(&path).expect("it can be read");
            open.extend(entries.map(|entry| entry.expect("it can be read").path()));
        } else if path.extension().is_some_and(|it| it == "zip") {
            unzip(
                std::fs::File::open(&path).expect("it is there"),
                "",
                &mut files,
            );
        }
    }
    if files.is_empty() {
        files = sample();
    }
    files
}
