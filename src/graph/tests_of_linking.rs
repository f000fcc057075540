//! Tests of the graph: what becomes an object, what is found by name, and how objects are joined.

use serde_json::{Value as Json, json};

use super::{Collected, Graph, GraphBuilder, Kind, Subject, relation};
use crate::parse::document::Document;

fn graph(objects: Vec<Json>) -> Graph {
    let mut builder = GraphBuilder::default();
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": objects });
    builder.add("all.yaml", Document::from_json(&list));
    builder.finish()
}

/// The object or ghost of a name as reports write it: `[<group>/]<Kind>/[<namespace>/]<name>`.
fn subject(graph: &Graph, name: &str) -> Subject {
    let mut parts: Vec<&str> = name.split('/').collect();
    let has_group = name.starts_with(char::is_lowercase);
    let group = has_group.then(|| parts.remove(0));
    let kind = graph.resolve_kind(group, parts[0]).expect(name);
    match parts.as_slice() {
        [_, name] => graph.subject(kind, None, name),
        [_, namespace, name] => graph.subject(kind, Some(namespace), name),
        _ => panic!("{name}"),
    }
}

/// Where a relation leads, `?` after what is a ghost.
fn follow(graph: &Graph, from: &str, name: &str, wanted: Option<&str>) -> Vec<String> {
    let from = subject(graph, from);
    let kind = match &from {
        Subject::Object(id) => graph.object(*id).kind(),
        Subject::Ghost(ghost) => ghost.kind,
    };
    let relation = relation::find(graph, name, kind).expect(name);
    let wanted = wanted.map(|wanted| graph.resolve_kind(None, wanted).expect(wanted));
    relation
        .follow(graph, &from, wanted)
        .iter()
        .map(|found| {
            let mark = if matches!(found, Subject::Ghost(_)) {
                "?"
            } else {
                ""
            };
            format!("{}{mark}", graph.name_of(found))
        })
        .collect()
}

fn object(version: &str, kind: &str, namespace: Option<&str>, name: &str, more: Json) -> Json {
    let mut object = json!({ "apiVersion": version, "kind": kind, "metadata": { "name": name, "uid": format!("{kind}-{name}") } });
    if let Some(namespace) = namespace {
        object["metadata"]["namespace"] = namespace.into();
    }
    for (key, value) in more.as_object().unwrap() {
        match (key.as_str(), value) {
            ("metadata", Json::Object(more)) => {
                for (key, value) in more {
                    object["metadata"][key] = value.clone();
                }
            }
            _ => object[key] = value.clone(),
        }
    }
    object
}

fn owner(kind: &str, name: &str, uid: Option<&str>) -> Json {
    let mut reference = json!({ "kind": kind, "name": name });
    if let Some(uid) = uid {
        reference["uid"] = uid.into();
    }
    json!({ "metadata": { "ownerReferences": [reference] } })
}

#[test]
fn metrics_are_no_pods_and_kinds_begin_with_a_capital() {
    let graph = graph(vec![
        object("v1", "Pod", Some("default"), "web", json!({})),
        object(
            "metrics.k8s.io/v1beta1",
            "Pod",
            Some("default"),
            "web",
            json!({}),
        ),
        object(
            "metrics.k8s.io/v1beta1",
            "PodMetrics",
            Some("default"),
            "db",
            json!({}),
        ),
        object("metrics.k8s.io/v1beta1", "Node", None, "n1", json!({})),
        object("v1", "node", None, "n2", json!({})),
        json!({ "apiVersion": "v1", "metadata": { "name": "no kind" } }),
        json!("no object"),
    ]);
    let names = |group: &str, kind: &str| -> Vec<&str> {
        graph.all(group, kind).map(|object| object.name()).collect()
    };
    assert_eq!(names("", "Pod"), ["web"]);
    assert_eq!(names("", "Node"), ["n2"]);
    assert_eq!(names("metrics.k8s.io", "PodMetrics"), ["db", "web"]);
    assert_eq!(names("metrics.k8s.io", "NodeMetrics"), ["n1"]);
    assert_eq!(graph.len(), 5);
}

#[test]
fn events_of_both_apis_are_one() {
    let core = |name: &str| {
        object(
            "v1",
            "Event",
            Some("default"),
            name,
            json!({
                "involvedObject": { "kind": "Pod", "namespace": "default", "name": "web", "uid": "Pod-web" },
                "message": "core", "count": 2,
            }),
        )
    };
    let newer = |name: &str| {
        object(
            "events.k8s.io/v1",
            "Event",
            Some("default"),
            name,
            json!({
                "regarding": { "kind": "Pod", "namespace": "default", "name": "web" },
                "note": "newer", "deprecatedCount": 7,
                "deprecatedLastTimestamp": "2024-05-01T12:00:00Z",
            }),
        )
    };
    let graph = graph(vec![
        object("v1", "Pod", Some("default"), "web", json!({})),
        core("a"),
        newer("a"),
        newer("b"),
    ]);
    let told: Vec<(&str, Option<&str>, Option<i64>)> = graph
        .all("", "Event")
        .map(|event| {
            let count = event.field(&["count"]).and_then(|count| count.as_i64());
            (event.name(), event.text(&["message"]), count)
        })
        .collect();
    assert_eq!(
        told,
        [("a", Some("core"), Some(2)), ("b", Some("newer"), Some(7))]
    );
    assert_eq!(graph.all("events.k8s.io", "Event").count(), 0);
    let of_pod = follow(&graph, "Pod/default/web", "events", None);
    assert_eq!(of_pod, ["Event/default/a", "Event/default/b"]);
    // What was rewritten is still seen where it was collected.
    let rewritten = graph.all("", "Event").nth(1).unwrap();
    assert!(graph.origins(rewritten.id()).is_some());
    assert_eq!(
        rewritten.text(&["lastTimestamp"]),
        Some("2024-05-01T12:00:00Z")
    );
}

#[test]
fn what_was_collected_twice_counts_once() {
    let pod = || object("v1", "Pod", Some("default"), "web", json!({}));
    let mut second = GraphBuilder::default();
    for path in ["a.yaml", "b.yaml"] {
        second.add(path, Document::from_json(&pod()));
    }
    let graph = second.finish();
    assert_eq!(graph.all("", "Pod").count(), 1);
    assert_eq!(graph.all("", "Pod").next().unwrap().file(), "a.yaml");
    let uid = graph.by_uid("Pod-web").unwrap();
    assert_eq!(graph.object(uid).name(), "web");
    assert_eq!(graph.by_uid("none"), None);
}

#[test]
fn names_that_lead_nowhere_are_ghosts() {
    let graph = graph(vec![
        object(
            "v1",
            "Pod",
            Some("default"),
            "web",
            json!({ "spec": { "nodeName": "n9" } }),
        ),
        object("v1", "Pod", Some("default"), "new", json!({ "spec": {} })),
        object(
            "longhorn.io/v1beta2",
            "Replica",
            Some("longhorn-system"),
            "r",
            json!({
                "spec": { "nodeID": "n9", "volumeName": "v9" },
            }),
        ),
    ]);
    assert_eq!(
        follow(&graph, "Pod/default/web", "node", None),
        ["Node/n9?"]
    );
    assert!(follow(&graph, "Pod/default/new", "node", None).is_empty());
    // Relations that go by name start from a ghost as well.
    assert_eq!(follow(&graph, "Node/n9", "pods", None), ["Pod/default/web"]);
    assert_eq!(
        follow(&graph, "Node/n9", "replicas", None),
        ["Replica/longhorn-system/r"]
    );
    assert_eq!(
        follow(&graph, "Node/n9", "longhornNode", None),
        ["longhorn.io/Node/longhorn-system/n9?"]
    );
    assert_eq!(
        follow(&graph, "Replica/longhorn-system/r", "volume", None),
        ["longhorn.io/Volume/longhorn-system/v9?"].map(|name| name.replace(
            "longhorn.io/Volume",
            &display(&graph, "longhorn.io", "Volume")
        ))
    );
    let ghost = subject(&graph, "Node/n9");
    assert_eq!(ghost, subject(&graph, "Node/n9"));
    assert_ne!(ghost, subject(&graph, "Node/n8"));
}

fn display(graph: &Graph, group: &str, kind: &str) -> String {
    graph
        .kind_display(graph.kind_id(group, kind).unwrap())
        .to_owned()
}

#[test]
fn owners_are_found_by_uid_then_by_name() {
    let graph = graph(vec![
        object("apps/v1", "Deployment", Some("default"), "web", json!({})),
        object(
            "apps/v1",
            "ReplicaSet",
            Some("default"),
            "web-1",
            owner("Deployment", "web", Some("Deployment-web")),
        ),
        object(
            "v1",
            "Pod",
            Some("default"),
            "web-1-a",
            owner("ReplicaSet", "web-1", Some("ReplicaSet-web-1")),
        ),
        object("batch/v1", "Job", Some("default"), "job", json!({})),
        object(
            "v1",
            "Pod",
            Some("default"),
            "lost-uid",
            owner("Job", "job", None),
        ),
        object(
            "v1",
            "Pod",
            Some("default"),
            "of-its-forerunner",
            owner("Job", "job", Some("earlier")),
        ),
        object(
            "v1",
            "Pod",
            Some("other"),
            "elsewhere",
            owner("Job", "job", None),
        ),
        object(
            "v1",
            "Pod",
            Some("default"),
            "orphan",
            owner("Job", "gone", Some("gone")),
        ),
    ]);
    let table: [(&str, &str, Option<&str>, &[&str]); 10] = [
        (
            "Pod/default/web-1-a",
            "owner",
            None,
            &["ReplicaSet/default/web-1"],
        ),
        (
            "Pod/default/web-1-a",
            "owner",
            Some("Deployment"),
            &["Deployment/default/web"],
        ),
        ("Pod/default/web-1-a", "owner", Some("Job"), &[]),
        (
            "Pod/default/lost-uid",
            "owner",
            Some("Job"),
            &["Job/default/job"],
        ),
        ("Pod/default/orphan", "owner", None, &["Job/default/gone?"]),
        (
            "Deployment/default/web",
            "owned",
            Some("Pod"),
            &["Pod/default/web-1-a"],
        ),
        (
            "Deployment/default/web",
            "owned",
            Some("ReplicaSet"),
            &["ReplicaSet/default/web-1"],
        ),
        (
            "Deployment/default/web",
            "pods",
            None,
            &["Pod/default/web-1-a"],
        ),
        // A job made anew under the same name does not own the pods of the one before.
        ("Job/default/job", "pods", None, &["Pod/default/lost-uid"]),
        ("Job/default/gone", "pods", None, &["Pod/default/orphan"]),
    ];
    for (from, name, kind, expected) in table {
        assert_eq!(
            follow(&graph, from, name, kind),
            expected,
            "{from}.{name}({kind:?})"
        );
    }
}

#[test]
fn pods_are_selected_within_their_namespace() {
    let labelled = |namespace: &str, name: &str, labels: Json| {
        object(
            "v1",
            "Pod",
            Some(namespace),
            name,
            json!({ "metadata": { "labels": labels } }),
        )
    };
    let graph = graph(vec![
        labelled("default", "both", json!({ "a": "1", "b": "2" })),
        labelled("default", "one", json!({ "a": "1" })),
        labelled("other", "elsewhere", json!({ "a": "1", "b": "2" })),
        object(
            "policy/v1",
            "PodDisruptionBudget",
            Some("default"),
            "pdb",
            json!({
                "spec": { "selector": { "matchLabels": { "a": "1", "b": "2" } } },
            }),
        ),
        object(
            "policy/v1",
            "PodDisruptionBudget",
            Some("default"),
            "none",
            json!({ "spec": {} }),
        ),
        object(
            "v1",
            "Service",
            Some("default"),
            "svc",
            json!({ "spec": { "selector": { "a": "1" } } }),
        ),
    ]);
    assert_eq!(
        follow(&graph, "PodDisruptionBudget/default/pdb", "pods", None),
        ["Pod/default/both"]
    );
    assert!(follow(&graph, "PodDisruptionBudget/default/none", "pods", None).is_empty());
    assert_eq!(
        follow(&graph, "Service/default/svc", "pods", None),
        ["Pod/default/both", "Pod/default/one"]
    );
}

#[test]
fn objects_of_a_namespace_stand_together() {
    let pod = |namespace: &str, name: &str| object("v1", "Pod", Some(namespace), name, json!({}));
    let graph = graph(vec![
        pod("b", "x"),
        pod("ab", "x"),
        pod("b", "a"),
        pod("a", "x"),
        object("v1", "Node", None, "n", json!({})),
    ]);
    let names = |kind: &str, namespace: &str| -> Vec<String> {
        let kind = graph.kind_id("", kind).expect("it is known");
        let ids = graph.ids_in(kind, namespace).iter();
        ids.map(|&id| graph.object(id).name().to_owned()).collect()
    };
    assert_eq!(names("Pod", "a"), ["x"]);
    assert_eq!(names("Pod", "ab"), ["x"]);
    assert_eq!(names("Pod", "b"), ["a", "x"]);
    assert!(names("Pod", "").is_empty() && names("Pod", "c").is_empty());
    assert!(names("Node", "").is_empty() && names("Secret", "a").is_empty());
}

#[test]
fn nodes_and_machines_find_each_other() {
    let annotated = json!({ "metadata": { "annotations": { "cluster.x-k8s.io/machine": "m1" } } });
    let machine = |name: &str, more: Json| {
        object(
            "cluster.x-k8s.io/v1beta1",
            "Machine",
            Some("fleet-local"),
            name,
            more,
        )
    };
    let secret = |name: &str, machine: &str| {
        object(
            "v1",
            "Secret",
            Some("fleet-local"),
            name,
            json!({
                "type": "rke.cattle.io/machine-plan",
                "metadata": { "labels": { "rke.cattle.io/machine-name": machine } },
            }),
        )
    };
    let graph = graph(vec![
        object("v1", "Node", None, "n1", annotated),
        object("v1", "Node", None, "n2", json!({})),
        object("v1", "Node", None, "n3", json!({})),
        object("v1", "Node", None, "n4", json!({})),
        machine("m1", json!({})),
        machine("m2", json!({ "status": { "nodeRef": { "name": "n2" } } })),
        machine("m3", json!({ "spec": { "providerID": "rke2://n3" } })),
        machine("m9", json!({ "status": { "nodeRef": { "name": "n9" } } })),
        secret("m1-machine-plan", "m1"),
        secret("odd-name", "m2"),
    ]);
    for (from, name, expected) in [
        ("Node/n1", "machine", vec!["Machine/fleet-local/m1"]),
        ("Node/n2", "machine", vec!["Machine/fleet-local/m2"]),
        ("Node/n3", "machine", vec!["Machine/fleet-local/m3"]),
        ("Node/n4", "machine", vec![]),
        ("Node/n9", "machine", vec!["Machine/fleet-local/m9"]),
        ("Machine/fleet-local/m1", "node", vec!["Node/n1"]),
        ("Machine/fleet-local/m2", "node", vec!["Node/n2"]),
        ("Machine/fleet-local/m9", "node", vec!["Node/n9?"]),
        (
            "Machine/fleet-local/m1",
            "planSecret",
            vec!["Secret/fleet-local/m1-machine-plan"],
        ),
        (
            "Machine/fleet-local/m2",
            "planSecret",
            vec!["Secret/fleet-local/odd-name"],
        ),
        (
            "Machine/fleet-local/m3",
            "planSecret",
            vec!["Secret/fleet-local/m3-machine-plan?"],
        ),
    ] {
        assert_eq!(
            follow(&graph, from, name, None),
            expected,
            "{from}.{name}()"
        );
    }
}

#[test]
fn volumes_lead_to_who_uses_them() {
    let claim = |name: &str| json!({ "persistentVolumeClaim": { "claimName": name } });
    let volumes =
        json!({ "spec": { "nodeName": "n1", "volumes": [claim("disk"), { "emptyDir": {} }] } });
    let template = json!({ "spec": { "template": { "spec": { "volumes": [{ "dataVolume": { "name": "disk" } }] } } } });
    let replica = |name: &str, node: &str| {
        object(
            "longhorn.io/v1beta2",
            "Replica",
            Some("longhorn-system"),
            name,
            json!({
                "spec": { "volumeName": "pvc-1", "nodeID": node },
            }),
        )
    };
    let graph = graph(vec![
        object(
            "longhorn.io/v1beta2",
            "Volume",
            Some("longhorn-system"),
            "pvc-1",
            json!({
                "status": { "kubernetesStatus": { "namespace": "default", "pvcName": "disk", "pvName": "pvc-1" } },
            }),
        ),
        object(
            "longhorn.io/v1beta2",
            "Volume",
            Some("longhorn-system"),
            "pvc-2",
            json!({}),
        ),
        replica("r1", "n1"),
        replica("r2", "n2"),
        object(
            "longhorn.io/v1beta2",
            "Engine",
            Some("longhorn-system"),
            "e1",
            json!({ "spec": { "volumeName": "pvc-1", "nodeID": "n1" } }),
        ),
        object(
            "v1",
            "PersistentVolume",
            None,
            "pvc-1",
            json!({
                "spec": { "claimRef": { "namespace": "default", "name": "disk" }, "csi": { "volumeHandle": "pvc-1" } },
            }),
        ),
        object(
            "v1",
            "PersistentVolumeClaim",
            Some("default"),
            "disk",
            json!({ "spec": { "volumeName": "pvc-1" } }),
        ),
        object("v1", "Pod", Some("default"), "user", volumes.clone()),
        object("v1", "Pod", Some("other"), "same-claim-elsewhere", volumes),
        object(
            "kubevirt.io/v1",
            "VirtualMachine",
            Some("default"),
            "vm",
            template,
        ),
        object(
            "kubevirt.io/v1",
            "VirtualMachineInstance",
            Some("default"),
            "vm",
            json!({ "status": { "nodeName": "n1" } }),
        ),
    ]);
    let volume = display(&graph, "longhorn.io", "Volume");
    let pvc_1 = format!("{volume}/longhorn-system/pvc-1");
    for (from, name, expected) in [
        (
            "longhorn.io/Volume/longhorn-system/pvc-1",
            "replicas",
            vec!["Replica/longhorn-system/r1", "Replica/longhorn-system/r2"],
        ),
        (
            "longhorn.io/Volume/longhorn-system/pvc-1",
            "engine",
            vec!["Engine/longhorn-system/e1"],
        ),
        (
            "longhorn.io/Volume/longhorn-system/pvc-1",
            "pods",
            vec!["Pod/default/user"],
        ),
        (
            "longhorn.io/Volume/longhorn-system/pvc-1",
            "claim",
            vec!["PersistentVolumeClaim/default/disk"],
        ),
        (
            "longhorn.io/Volume/longhorn-system/pvc-1",
            "persistentVolume",
            vec!["PersistentVolume/pvc-1"],
        ),
        (
            "longhorn.io/Volume/longhorn-system/pvc-1",
            "virtualMachines",
            vec!["VirtualMachine/default/vm"],
        ),
        ("longhorn.io/Volume/longhorn-system/pvc-2", "pods", vec![]),
        (
            "PersistentVolumeClaim/default/disk",
            "volume",
            vec![pvc_1.as_str()],
        ),
        ("PersistentVolume/pvc-1", "volume", vec![&pvc_1]),
        ("Node/n1", "replicas", vec!["Replica/longhorn-system/r1"]),
        ("Node/n1", "vmis", vec!["VirtualMachineInstance/default/vm"]),
        (
            "Node/n1",
            "virtualMachines",
            vec!["VirtualMachine/default/vm"],
        ),
        (
            "VirtualMachineInstance/default/vm",
            "virtualMachine",
            vec!["VirtualMachine/default/vm"],
        ),
    ] {
        assert_eq!(
            follow(&graph, from, name, None),
            expected,
            "{from}.{name}()"
        );
    }
}

#[test]
fn a_relation_leads_nowhere_twice() {
    let claims: Vec<Json> = (0..40)
        .map(|number| json!({ "persistentVolumeClaim": { "claimName": format!("c{number}") } }))
        .collect();
    let pods: Vec<Json> = (0..40)
        .map(|number| {
            let refer = json!({ "spec": { "volumes": claims } });
            object("v1", "Pod", Some("default"), &format!("p{number}"), refer)
        })
        .collect();
    let mut objects = pods;
    // One event that both its object's uid and its name lead to, for each of forty.
    objects.extend((0..40).map(|number| {
        object("v1", "Event", Some("default"), &format!("e{number}"), json!({
            "involvedObject": { "kind": "Pod", "namespace": "default", "name": "p0", "uid": "Pod-p0" },
        }))
    }));
    let graph = graph(objects);
    assert_eq!(follow(&graph, "Pod/default/p0", "events", None).len(), 40);
    assert_eq!(
        follow(&graph, "PersistentVolumeClaim/default/c39", "pods", None).len(),
        40
    );
}

#[test]
fn coverage_tells_what_would_be_there() {
    let some = Collected {
        cluster: true,
        namespaces: ["default".to_owned()].into(),
        failed: ["secrets".to_owned(), "virtualmachineinstances".to_owned()].into(),
        ..Collected::default()
    };
    let all = Collected {
        everything: true,
        failed: ["secrets".to_owned()].into(),
        ..Collected::default()
    };
    let none = Collected::default();
    for (kind, namespace, expected) in [
        (("", "Node"), None, [true, true, false]),
        (("", "Pod"), Some("default"), [true, true, false]),
        (("", "Pod"), Some("other"), [false, true, false]),
        (("", "Pod"), None, [true, true, false]),
        (("", "Secret"), Some("default"), [false, false, false]),
        (
            ("kubevirt.io", "VirtualMachineInstance"),
            Some("default"),
            [false, true, false],
        ),
        (("example.org", "Unheard"), None, [true, true, false]),
        (("doctor", "Disk"), None, [true, true, true]),
    ] {
        let kind = Kind::new(kind.0, kind.1);
        let has = [&some, &all, &none].map(|collected| collected.has(&kind, namespace));
        assert_eq!(has, expected, "{kind:?} {namespace:?}");
    }
}

#[test]
fn relations_are_sound() {
    let graph = graph(Vec::new());
    for relation in relation::RELATIONS {
        for (group, kind) in relation.from {
            let id = graph.kind_id(group, kind);
            assert!(id.is_some(), "{}: no kind {group}/{kind}", relation.name);
            let found = relation::find(&graph, relation.name, id.unwrap()).unwrap();
            assert_eq!(
                found.by, relation.by,
                "{} of {kind} stands twice",
                relation.name
            );
        }
        assert!(!relation.by.is_empty() && !relation.to.is_empty());
    }
    // Every relation from every kind may be asked of a ghost.
    for relation in relation::RELATIONS {
        for (group, kind) in relation.from {
            let ghost = graph.subject(graph.kind_id(group, kind).unwrap(), None, "ghost");
            relation.follow(&graph, &ghost, None);
        }
    }
}
