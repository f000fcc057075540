//! What a rule needs before it may speak: fitting versions, collected kinds, logs that are there.

use std::cell::LazyCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use smol_str::SmolStr;

use crate::bundle::Bundle;
use crate::graph::kind::DERIVED_GROUP;
use crate::graph::{Graph, Kind};
use crate::rule::version::{Version, VersionRange};
use crate::rule::{LogMatcher, Outside, Rule, Versions};
use crate::scan::{Condition, CountSpec, HitFields, Hits, LogShape, MatcherSpec, SourceSpec};

use super::compiler::{CompileError, Compiler, Scope};
use super::doubt::Doubts;
use super::plan::{Plan, Source, Step};
use super::program::{Context, KindRef};
use super::value::Value;

/// Whether a bundle is of the versions that a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    Inside,
    /// Outside, but the rule's range is only what was reported so far.
    Lowered,
    Outside,
}

/// Whether a bundle holds what a rule looks at.
#[derive(Debug)]
pub(super) enum Input {
    Complete,
    /// Evaluated, but not everywhere, for these reasons.
    MissingFor(BTreeSet<String>),
    Missing(String),
}

impl Input {
    /// What is missing.
    pub(super) fn reasons(self) -> BTreeSet<String> {
        match self {
            Input::Complete => BTreeSet::new(),
            Input::MissingFor(reasons) => reasons,
            Input::Missing(reason) => BTreeSet::from([reason]),
        }
    }
}

/// An unknown version fits every range: a rule is rather evaluated than forgotten.
pub(super) fn versions(wanted: &Versions, bundle: &Bundle) -> Fit {
    let checks = version_checks(wanted, bundle);
    let fits = checks.iter().all(VersionCheck::fits);
    match (fits, wanted.outside) {
        (true, _) => Fit::Inside,
        (false, Outside::Lower) => Fit::Lowered,
        (false, Outside::Skip) => Fit::Outside,
    }
}

/// A range of a rule, and the versions of the bundle that it is about.
pub(super) struct VersionCheck<'a> {
    pub(super) of: &'static str,
    pub(super) range: &'a VersionRange,
    pub(super) known: Vec<&'a str>,
}

impl VersionCheck<'_> {
    pub(super) fn fits(&self) -> bool {
        let mut known = self.known.iter().filter_map(|text| Version::parse(text));
        match known.next() {
            None => true,
            Some(first) => {
                self.range.contains(&first) || known.any(|version| self.range.contains(&version))
            }
        }
    }
}

/// The ranges that a rule states, each with what it is held against.
pub(super) fn version_checks<'a>(
    wanted: &'a Versions,
    bundle: &'a Bundle,
) -> Vec<VersionCheck<'a>> {
    let upgrade = bundle.graph.all(DERIVED_GROUP, "UpgradeStatus").next();
    let under_way = upgrade.filter(|status| {
        !matches!(
            status.text(&["progress"]),
            // Of an unknown one nobody can say that it is over.
            Some("succeeded" | "failed")
        )
    });
    let from = upgrade.and_then(|status| status.text(&["from", "harvester"]));
    let to = upgrade.and_then(|status| status.text(&["to", "harvester"]));
    let mut harvester: Vec<&str> = bundle
        .info
        .harvester_version
        .as_deref()
        .into_iter()
        .collect();
    if under_way.is_some() {
        harvester.extend(from.into_iter().chain(to));
    }
    let longhorn = || {
        let mut settings = bundle.graph.all("longhorn.io", "Setting");
        let version = settings.find(|setting| setting.name() == "current-longhorn-version")?;
        version.text(&["value"])
    };
    let kubernetes = bundle.info.kubernetes_version.as_deref();
    let stated = [
        ("harvester", &wanted.harvester, harvester),
        ("kubernetes", &wanted.kubernetes, Vec::from_iter(kubernetes)),
        (
            "longhorn",
            &wanted.longhorn,
            Vec::from_iter(wanted.longhorn.as_ref().and_then(|_| longhorn())),
        ),
        ("upgradeFrom", &wanted.upgrade_from, Vec::from_iter(from)),
        ("upgradeTo", &wanted.upgrade_to, Vec::from_iter(to)),
    ];
    stated
        .into_iter()
        .filter_map(|(of, range, known)| {
            let range = range.as_ref()?;
            Some(VersionCheck { of, range, known })
        })
        .collect()
}

/// What a kind lacks so that nothing of it, or not all of it, can be looked at.
pub(super) fn lacks(kind: &KindRef, bundle: &Bundle) -> Option<String> {
    kind_input(kind, bundle).reasons().into_iter().next()
}

/// Checks kinds and logs: those that the rule names, and those that a `none` would otherwise take for absent.
pub(super) fn input(rule: &Rule, plan: &Plan, bundle: &Bundle) -> Input {
    let mut partly = BTreeSet::new();
    for wanted in &rule.requires.kinds {
        let kind = KindRef::new(wanted.group.as_deref(), &wanted.kind);
        match kind_input(&kind, bundle) {
            Input::Complete => {}
            Input::MissingFor(reasons) => partly.extend(reasons),
            missing @ Input::Missing(_) => return missing,
        }
    }
    // A rule that states what it requires may forget what its `none` looks at.
    for step in &plan.steps {
        if let Step::None {
            source: Source::Kind(kind, _),
            ..
        } = step
            && let missing @ Input::Missing(_) = kind_input(kind, bundle)
        {
            return missing;
        }
    }
    for sources in &rule.requires.logs {
        match log_input(sources, bundle) {
            Input::Complete => {}
            Input::MissingFor(reasons) => partly.extend(reasons),
            missing @ Input::Missing(_) => return missing,
        }
    }
    if partly.is_empty() {
        Input::Complete
    } else {
        Input::MissingFor(partly)
    }
}

/// The namespace in which objects of a kind live, where there is only one.
pub(super) fn home(kind: &Kind) -> Option<&'static str> {
    match (kind.group.as_str(), kind.name.as_str()) {
        ("longhorn.io", _) | ("harvesterhci.io", "BlockDevice") => Some("longhorn-system"),
        ("cluster.x-k8s.io" | "rke.cattle.io" | "provisioning.cattle.io", _)
        | ("management.cattle.io", "ManagedChart")
        | ("fleet.cattle.io", "Bundle" | "Cluster") => Some("fleet-local"),
        ("harvesterhci.io", "Upgrade" | "UpgradeLog" | "Version") => Some("harvester-system"),
        ("upgrade.cattle.io", _) => Some("cattle-system"),
        _ => None,
    }
}

fn kind_input(wanted: &KindRef, bundle: &Bundle) -> Input {
    let graph = &bundle.graph;
    let Some(kind) = wanted.kind() else {
        return match wanted.id(graph) {
            Some(_) => Input::Complete,
            None => Input::Missing(format!(
                "needs {}, of which nothing was collected",
                wanted.display()
            )),
        };
    };
    kind_input_of(kind, bundle)
}

/// The same of a kind of the catalogue.
pub(super) fn kind_input_of(kind: &Kind, bundle: &Bundle) -> Input {
    let graph = &bundle.graph;
    if kind.is_derived() {
        return derived_input(kind, bundle);
    }
    if graph.collected().has(kind, home(kind)) {
        Input::Complete
    } else {
        let namespace = home(kind).filter(|home| !graph.collected().namespace(home));
        let of = namespace.map(|namespace| format!(" of namespace {namespace}"));
        Input::Missing(format!(
            "needs {}{}, which was not collected",
            kind.display(),
            of.unwrap_or_default()
        ))
    }
}

/// Derived kinds need what they are worked out from: host files of each node, or the upgrade's objects.
fn derived_input(kind: &Kind, bundle: &Bundle) -> Input {
    match kind.name.as_str() {
        "Host" | "Disk" | "Mount" | "Boot" => {
            let without = nodes_without(bundle, |node| bundle.hosts.contains_key(node));
            if bundle.hosts.is_empty()
                && bundle.graph.all(DERIVED_GROUP, &kind.name).next().is_none()
            {
                return Input::Missing("needs host files, and no node sent any".to_owned());
            }
            partly(&without, "no host files")
        }
        "UpgradeStatus" | "UpgradeStep" => {
            let upgrade = Kind::new("harvesterhci.io", "Upgrade");
            if bundle.graph.collected().has(&upgrade, home(&upgrade)) {
                Input::Complete
            } else {
                Input::Missing("needs Upgrade, which was not collected".to_owned())
            }
        }
        _ => Input::Complete,
    }
}

fn partly(without: &[String], what: &str) -> Input {
    if without.is_empty() {
        Input::Complete
    } else {
        let reason = format!("not evaluated on {}: {what}", without.join(", "));
        Input::MissingFor(BTreeSet::from([reason]))
    }
}

/// Nodes of the cluster for which a test fails, by name.
fn nodes_without(bundle: &Bundle, has: impl Fn(&str) -> bool) -> Vec<String> {
    bundle
        .graph
        .all("", "Node")
        .map(|node| node.name().to_owned())
        .filter(|node| !has(node))
        .collect()
}

/// Those of a matcher's sources that are files of hosts.
pub(super) fn on_nodes(sources: &[SourceSpec]) -> Vec<&SourceSpec> {
    let is_host = |source: &&SourceSpec| {
        matches!(
            source,
            SourceSpec::Node(_) | SourceSpec::Supportconfig { .. }
        )
    };
    sources.iter().filter(is_host).collect()
}

/// Any of a matcher's sources will do; host logs are asked for node by node.
pub(super) fn log_input(wanted: &[SourceSpec], bundle: &Bundle) -> Input {
    let of = |test: &dyn Fn(&LogShape) -> bool| bundle.hits.files().iter().any(test);
    let on_nodes = on_nodes(wanted);
    for source in wanted {
        match source {
            SourceSpec::Node(_) | SourceSpec::Supportconfig { .. } => {}
            SourceSpec::Pod { namespace, .. } => {
                // A pod that does not exist has no log; a namespace without any log was not collected.
                let collected = of(&|log| {
                    log.namespace
                        .as_deref()
                        .is_some_and(|it| crate::scan::glob(namespace, it))
                });
                if collected {
                    return Input::Complete;
                }
            }
            SourceSpec::CollectorErrors => {
                if bundle.collector_errors {
                    return Input::Complete;
                }
            }
        }
    }
    if on_nodes.is_empty() {
        let names: Vec<String> = wanted.iter().map(ToString::to_string).collect();
        return Input::Missing(format!(
            "needs logs of {}, which are not in the bundle",
            names.join(" or ")
        ));
    }
    let names: Vec<String> = on_nodes.iter().map(ToString::to_string).collect();
    let has = |node: &str| bundle.has_host_log(node, &on_nodes);
    let nodes = nodes_without(bundle, |_| false);
    let without = nodes_without(bundle, has);
    if without.len() == nodes.len() && !bundle.hosts.keys().any(|node| has(node)) {
        return Input::Missing(format!("needs {}, which no node sent", names.join(" or ")));
    }
    partly(&without, &format!("no {}", names.join(" or ")))
}

/// What the scanner has to know of a log matcher.
pub(super) fn matcher_spec(
    rule: &Rule,
    matcher: &LogMatcher,
) -> Result<MatcherSpec, Vec<CompileError>> {
    Ok(MatcherSpec {
        sources: matcher.sources.clone(),
        patterns: matcher
            .patterns
            .iter()
            .map(|pattern| Arc::clone(&pattern.value))
            .collect(),
        not: matcher.not.as_ref().map(|it| Arc::clone(&it.value)),
        condition: condition(rule, matcher)?,
        group: matcher.group.clone(),
        count: CountSpec {
            min: matcher.threshold.min,
            within: matcher.threshold.within,
        },
        since: matcher.since,
        still: matcher.still,
        steady: matcher.steady.clone(),
        clear: matcher.clear.as_ref().map(|it| Arc::clone(&it.value)),
        measure: matcher.measure.clone(),
        sample: matcher.sample,
    })
}

/// Names that a matcher's condition may use beside the captures.
const HIT_NAMES: [&str; 7] = [
    "line",
    "time",
    "uptime",
    "node",
    "namespace",
    "pod",
    "container",
];

/// The condition of a matcher as a test of a hit. Objects are joined later, so it sees names only.
fn condition(rule: &Rule, matcher: &LogMatcher) -> Result<Option<Condition>, Vec<CompileError>> {
    let Some(expression) = &matcher.condition else {
        return Ok(None);
    };
    let mut scope = Scope::default();
    for name in HIT_NAMES {
        scope.declare(name);
    }
    let captures: BTreeSet<SmolStr> = matcher
        .patterns
        .iter()
        .flat_map(|pattern| pattern.value.captures().iter().cloned())
        .collect();
    let captures: Vec<SmolStr> = captures
        .into_iter()
        .filter(|name| !HIT_NAMES.contains(&name.as_str()))
        .collect();
    for name in &captures {
        scope.declare(name);
    }
    let mut compiler = Compiler {
        scope,
        params: &rule.params,
        logs: Vec::new(),
        errors: Vec::new(),
    };
    let program = compiler.compile(expression);
    if !compiler.errors.is_empty() {
        return Err(compiler.errors);
    }
    let slots = compiler.scope.slots();
    let nothing = Arc::new((Graph::default(), Hits::default()));
    Ok(Some(Box::new(move |hit: &HitFields<'_>| {
        let text = |it: Option<&str>| it.map_or(Value::Absent, Value::text);
        let mut frame = vec![Value::Absent; slots];
        let known = [
            text(Some(hit.text)),
            hit.time.map_or(Value::Absent, Value::Time),
            hit.uptime.map_or(Value::Absent, Value::Duration),
            text(hit.node),
            text(hit.namespace),
            text(hit.pod),
            text(hit.container),
        ];
        let captured = captures
            .iter()
            .map(|name| text(hit.captures.get(name.as_str()).map(String::as_str)));
        for (slot, value) in frame.iter_mut().zip(known.into_iter().chain(captured)) {
            *slot = value;
        }
        let context = Context {
            graph: &nothing.0,
            hits: &nothing.1,
            now: None,
            bundle: LazyCell::new(Box::new(|| Value::Absent)),
            lets: &[],
            read: None,
            doubts: Doubts::default(),
        };
        program.run(&context, &mut frame).is_true()
    })))
}
