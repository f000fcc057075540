//! Which object `KIND/NAME` means: kinds by name, plural or short name as kubectl takes them, names with
//! their namespace or without where that is enough.

use std::collections::BTreeSet;

use crate::derive;
use crate::diagnosis::wording;
use crate::finding::{Export, Finding, ObjectName};
use crate::graph::kind::{self, DERIVED_GROUP, Resolution};
use crate::graph::{Graph, KindId, Subject};
use crate::rule::nearest::nearest;

/// Short names that kubectl knows, and some that people use.
const SHORT: [(&str, &str); 26] = [
    ("cj", "CronJob"),
    ("cm", "ConfigMap"),
    ("crd", "CustomResourceDefinition"),
    ("deploy", "Deployment"),
    ("ds", "DaemonSet"),
    ("dv", "DataVolume"),
    ("ep", "Endpoints"),
    ("lhe", "Engine"),
    ("lhim", "InstanceManager"),
    ("lhr", "Replica"),
    ("lhv", "Volume"),
    ("ma", "Machine"),
    ("md", "MachineDeployment"),
    ("nad", "NetworkAttachmentDefinition"),
    ("no", "Node"),
    ("ns", "Namespace"),
    ("pdb", "PodDisruptionBudget"),
    ("po", "Pod"),
    ("pv", "PersistentVolume"),
    ("pvc", "PersistentVolumeClaim"),
    ("rs", "ReplicaSet"),
    ("sc", "StorageClass"),
    ("sts", "StatefulSet"),
    ("svc", "Service"),
    ("vm", "VirtualMachine"),
    ("vmi", "VirtualMachineInstance"),
];

/// Names shown where several fit.
const SHOWN: usize = 8;

/// `--about` names nothing that the bundle knows, or more than one thing.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("{message}")]
pub struct NoSuchObject {
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    #[help]
    pub help: Option<String>,
}

/// The object that is meant. One that is gone counts if a finding still names it.
///
/// # Errors
/// If there is none, or if there are several.
pub fn resolve(graph: &Graph, findings: &[Finding], text: &str) -> Result<Subject, NoSuchObject> {
    let (kinds, rest) = kinds(graph, text)?;
    let Some(name) = rest else {
        return only(graph, text, &kinds);
    };
    let mut found: Vec<Subject> = kinds
        .iter()
        .flat_map(|kind| named(graph, *kind, name))
        .collect();
    if found.is_empty() {
        found.extend(
            kinds
                .iter()
                .filter_map(|kind| gone(graph, findings, *kind, name)),
        );
        found.sort();
        found.dedup();
    }
    match found.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(unknown(graph, text, &kinds, name)),
        several => Err(ambiguous(graph, text, several)),
    }
}

/// The kinds that the part before the name may mean, and the name if there is one.
fn kinds<'t>(graph: &Graph, text: &'t str) -> Result<(Vec<KindId>, Option<&'t str>), NoSuchObject> {
    let (word, rest) = match text.split_once('/') {
        Some((word, rest)) => (word, Some(rest).filter(|rest| !rest.is_empty())),
        None => (text, None),
    };
    let mut found = kinds_named(graph, None, word);
    // `volumes.longhorn.io/pvc-1`, as kubectl has it.
    if let Some((name, group)) = word.split_once('.').filter(|_| found.is_empty()) {
        found = kinds_named(graph, Some(group), name);
    }
    if !found.is_empty() {
        return Ok((found, rest));
    }
    // `longhorn.io/Volume/longhorn-system/pvc-1`, as reports have it.
    if let Some(rest) = rest {
        let (name, rest) = match rest.split_once('/') {
            Some((name, rest)) => (name, Some(rest)),
            None => (rest, None),
        };
        let found = kinds_named(graph, Some(word), name);
        if !found.is_empty() {
            return Ok((found, rest));
        }
    }
    let names = graph
        .kinds()
        .map(|kind| graph.kind(kind).name.to_lowercase());
    let names: BTreeSet<String> = names.collect();
    let word = word.to_lowercase();
    let meant = nearest(&word, names.iter().map(String::as_str));
    Err(NoSuchObject {
        message: format!("`{text}` names no kind of object that the bundle knows"),
        help: Some(match meant {
            Some(meant) => format!(
                "did you mean `{meant}`? Write KIND/NAME, such as node/harv-1 or vm/default/db1"
            ),
            None => {
                "write KIND/NAME, such as node/harv-1, vm/default/db1, pvc/default/data or upgrade"
                    .to_owned()
            }
        }),
    })
}

/// Kinds by their name, plural or short name, whatever its case. Kubernetes' own kind wins over others
/// of its name, as in rules, and what was collected over what was worked out.
fn kinds_named(graph: &Graph, group: Option<&str>, word: &str) -> Vec<KindId> {
    let word = word.to_lowercase();
    let short = SHORT.iter().find(|(short, _)| *short == word);
    let name = short.map_or(word.clone(), |(_, kind)| kind.to_lowercase());
    let mut found: Vec<KindId> = graph
        .kinds()
        .filter(|kind| {
            let kind = graph.kind(*kind);
            let fits = kind.name.to_lowercase() == name || kind.plural() == name;
            fits && group.is_none_or(|group| group == kind.group) && kind.name != "Event"
        })
        .collect();
    if found
        .iter()
        .any(|kind| graph.kind(*kind).group != DERIVED_GROUP)
    {
        found.retain(|kind| graph.kind(*kind).group != DERIVED_GROUP);
    }
    if let Some(first) = found.first().filter(|_| group.is_none())
        && let Resolution::Known(known) = kind::resolve(None, &graph.kind(*first).name)
    {
        found.retain(|kind| *graph.kind(*kind) == known);
    }
    found
}

/// Objects of a kind by name alone, or by namespace and name. Names of disks and mounts hold a slash.
fn named(graph: &Graph, kind: KindId, name: &str) -> Vec<Subject> {
    let full = name.split_once('/');
    let objects = graph.of_kind(kind).filter(|object| {
        object.name() == name
            || full.is_some_and(|(namespace, name)| {
                object.namespace() == Some(namespace) && object.name() == name
            })
    });
    objects.map(|object| Subject::Object(object.id())).collect()
}

/// An object that is not in the bundle but that a finding names.
fn gone(graph: &Graph, findings: &[Finding], kind: KindId, name: &str) -> Option<Subject> {
    let display = graph.kind_display(kind);
    let exports = findings.iter().flat_map(|it| it.exports.values());
    let exported = exports.flat_map(Export::objects);
    let mut all = findings.iter().map(|it| &it.subject).chain(exported);
    let fits = |object: &ObjectName| {
        let full = object
            .namespace
            .as_ref()
            .map(|namespace| format!("{namespace}/{}", object.name));
        object.kind == display && (object.name == name || full.as_deref() == Some(name))
    };
    let object = all.find(|object| fits(object))?;
    Some(graph.subject(kind, object.namespace.as_deref(), &object.name))
}

/// The one object of the kinds, or of several upgrades the one that the controllers work on.
fn only(graph: &Graph, text: &str, kinds: &[KindId]) -> Result<Subject, NoSuchObject> {
    let all = kinds.iter().flat_map(|kind| graph.of_kind(*kind));
    let all: Vec<Subject> = all.map(|object| Subject::Object(object.id())).collect();
    if let Some(upgrade) = derive::current_upgrade(graph) {
        let upgrade = Subject::Object(upgrade.id());
        if all.contains(&upgrade) {
            return Ok(upgrade);
        }
    }
    match all.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(NoSuchObject {
            message: format!("the bundle holds no {text}"),
            help: Some("--about takes KIND/NAME, such as node/harv-1".to_owned()),
        }),
        several => Err(ambiguous(graph, text, several)),
    }
}

fn ambiguous(graph: &Graph, text: &str, several: &[Subject]) -> NoSuchObject {
    let names: Vec<String> = several
        .iter()
        .map(|subject| graph.name_of(subject).to_string())
        .collect();
    NoSuchObject {
        message: format!("`{text}` may be any of {} objects", names.len()),
        help: Some(format!(
            "name one of them: {}",
            wording::some(&names, SHOWN)
        )),
    }
}

fn unknown(graph: &Graph, text: &str, kinds: &[KindId], name: &str) -> NoSuchObject {
    let mut names: Vec<String> = kinds
        .iter()
        .flat_map(|kind| graph.of_kind(*kind))
        .map(|object| match object.namespace() {
            Some(namespace) if name.contains('/') => format!("{namespace}/{}", object.name()),
            _ => object.name().to_owned(),
        })
        .collect();
    names.sort();
    names.dedup();
    let what = kinds
        .first()
        .map_or("object", |kind| graph.kind_display(*kind));
    let help = match nearest(name, names.iter().map(String::as_str)) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if names.is_empty() => format!("the bundle holds no {what} at all"),
        None => format!("there are: {}", wording::some(&names, SHOWN)),
    };
    NoSuchObject {
        message: format!("the bundle knows no {what} `{name}` (--about {text})"),
        help: Some(help),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::graph::GraphBuilder;
    use crate::parse::document::Document;

    fn graph() -> Graph {
        let mut builder = GraphBuilder::default();
        for (version, kind, namespace, name) in [
            ("v1", "Node", None, "harv-1"),
            ("v1", "Node", None, "harv-2"),
            (
                "longhorn.io/v1beta2",
                "Node",
                Some("longhorn-system"),
                "harv-1",
            ),
            (
                "longhorn.io/v1beta2",
                "Volume",
                Some("longhorn-system"),
                "pvc-1",
            ),
            ("kubevirt.io/v1", "VirtualMachine", Some("default"), "db1"),
            ("kubevirt.io/v1", "VirtualMachine", Some("test"), "db1"),
            ("kubevirt.io/v1", "VirtualMachine", Some("test"), "web"),
            (
                "harvesterhci.io/v1beta1",
                "Upgrade",
                Some("harvester-system"),
                "hvst-upgrade-a",
            ),
            ("harvesterhci.io/v1beta1", "Setting", None, "ntp-servers"),
            ("management.cattle.io/v3", "Setting", None, "server-url"),
        ] {
            let object = json!({
                "apiVersion": version, "kind": kind,
                "metadata": { "name": name, "namespace": namespace },
            });
            builder.add("yamls/all.yaml", Document::from_json(&object));
        }
        builder.finish()
    }

    #[test]
    fn names_as_kubectl_and_reports_have_them() {
        let graph = graph();
        for (text, name) in [
            ("node/harv-2", "Node/harv-2"),
            ("nodes/harv-1", "Node/harv-1"),
            ("no/harv-1", "Node/harv-1"),
            ("Node/harv-1", "Node/harv-1"),
            (
                "nodes.longhorn.io/harv-1",
                "longhorn.io/Node/longhorn-system/harv-1",
            ),
            (
                "longhorn.io/Node/longhorn-system/harv-1",
                "longhorn.io/Node/longhorn-system/harv-1",
            ),
            ("volume/pvc-1", "longhorn.io/Volume/longhorn-system/pvc-1"),
            ("vm/default/db1", "VirtualMachine/default/db1"),
            ("vm/web", "VirtualMachine/test/web"),
            ("upgrade", "Upgrade/harvester-system/hvst-upgrade-a"),
            ("setting/ntp-servers", "harvesterhci.io/Setting/ntp-servers"),
            (
                "settings/server-url",
                "management.cattle.io/Setting/server-url",
            ),
        ] {
            let found = resolve(&graph, &[], text).map(|found| graph.name_of(&found));
            let found = found.map(|name| name.to_string().replace("longhorn.io/Volume", "Volume"));
            let name = name.replace("longhorn.io/Volume", "Volume");
            assert_eq!(found.map_err(|error| error.message), Ok(name), "{text}");
        }
    }

    #[test]
    fn what_is_unknown_or_ambiguous_names_what_may_be_meant() {
        let graph = graph();
        for (text, message, help) in [
            (
                "node/harv-3",
                "knows no Node `harv-3`",
                "did you mean `harv-1`?",
            ),
            ("node/x", "knows no Node `x`", "there are: harv-1, harv-2"),
            ("nod/harv-1", "names no kind", "did you mean `node`?"),
            (
                "vm/db1",
                "may be any of 2 objects",
                "VirtualMachine/default/db1, VirtualMachine/test/db1",
            ),
            (
                "node",
                "may be any of 2 objects",
                "Node/harv-1, Node/harv-2",
            ),
            ("pod/x", "knows no Pod `x`", "holds no Pod at all"),
            ("pod", "holds no pod", "KIND/NAME"),
            ("", "names no kind", "KIND/NAME"),
        ] {
            let error = resolve(&graph, &[], text)
                .map(|it| graph.name_of(&it))
                .unwrap_err();
            assert!(error.message.contains(message), "{text}: {}", error.message);
            let said = error.help.unwrap_or_default();
            assert!(said.contains(help), "{text}: {said}");
        }
    }
}
