//! Scenarios of any size for benches: a healthy cluster in the middle of its life.

use serde_json::{Map, Value, json};

use super::identity::Identity;
use super::scenario::{
    ClusterShape, Expectation, NodeShape, Overlay, Role, Scenario, VirtualMachineShape,
    VolumeShape, Zone,
};

/// A cluster of `nodes` hosts with ten virtual machines each; `log_scale` 1 gives the few lines of a small fixture,
/// and some 300 the tens of megabytes a host that real clusters have.
pub fn synthetic(nodes: usize, seed: u64, log_scale: f64) -> Scenario {
    let names: Vec<String> = (1..=nodes)
        .map(|number| format!("node-{number:03}"))
        .collect();
    let role = |index: usize| {
        if index < 3 {
            Role::ControlPlane
        } else {
            Role::Worker
        }
    };
    let base = NodeShape {
        name: String::new(),
        role: Role::ControlPlane,
        lost: None,
        booted: None,
        crashed: None,
        archived: false,
        answers: false,
        disks: disks(),
    };
    let machines = names.iter().enumerate().flat_map(|(index, node)| {
        (0..10).map(move |number| VirtualMachineShape {
            name: format!("vm-{index:03}-{number}"),
            namespace: "default".to_owned(),
            node: Some(node.clone()),
            memory: 8,
            volumes: vec![VolumeShape {
                gibibytes: 40,
                replicas: Vec::new(),
            }],
        })
    });
    let mut machines: Vec<VirtualMachineShape> = machines.collect();
    for (index, machine) in machines.iter_mut().enumerate() {
        // Replicas on the machine's own host and on two neighbours, so that all hosts bear the same load.
        let replicas = (0..nodes.min(3))
            .map(|step| names[(index / 10 + step) % nodes].clone())
            .collect();
        machine.volumes[0].replicas = replicas;
    }
    Scenario {
        description: format!("A healthy cluster of {nodes} hosts for benches."),
        cluster: ClusterShape {
            name: format!("synthetic-{nodes}-{seed}"),
            version: "1.4.1".to_owned(),
            collected_at: "2025-03-11T10:20:30Z".to_owned(),
            zone: Zone::default(),
            age: "-300d".to_owned(),
            bundle_name: None,
            issue_description: String::new(),
            extra_namespaces: Vec::new(),
            nodes: names
                .iter()
                .enumerate()
                .map(|(index, name)| NodeShape {
                    name: name.clone(),
                    role: role(index),
                    ..base.clone()
                })
                .collect(),
            virtual_machines: machines,
            upgrade: None,
            monitoring: true,
            prometheus: None,
            log_scale,
        },
        overlay: Overlay::default(),
        broken: None,
        expect: Expectation {
            quiet: true,
            ..Expectation::default()
        },
    }
}

/// Adds what makes up most bytes of a real bundle's YAML whatever its size: type definitions (some 6 MB), dashboards
/// (1.7 MB of JSON in literal blocks) and Fleet's contents (one line of up to half a megabyte each).
pub fn add_bulk(scenario: &mut Scenario) {
    let identity = Identity::new(&scenario.cluster.name);
    let add = &mut scenario.overlay.add;
    for number in 0..110 {
        let name = format!("kind{number:03}s.example{}.io", number % 9);
        add.push(json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": { "name": name },
            "spec": {
                "group": format!("example{}.io", number % 9), "names": { "kind": format!("Kind{number:03}"), "plural": format!("kind{number:03}s") }, "scope": "Namespaced",
                "versions": [{ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": schema(&identity, number, 0) } }],
            },
        }));
    }
    for number in 0..28 {
        let panels: Vec<Value> = (0..150)
            .map(|panel| panel_of(&identity, number * 1000 + panel))
            .collect();
        let text = serde_json::to_string_pretty(
            &json!({ "panels": panels, "title": format!("Dashboard {number}") }),
        )
        .expect("JSON of our own");
        add.push(json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": format!("rancher-default-dashboard-{number:02}"), "namespace": "cattle-dashboards" },
            "data": { format!("dashboard-{number:02}.json"): text },
        }));
    }
    for number in 0..7 {
        let content: String = (0..60 + 1200 * (number % 2))
            .map(|part| identity.hex(&format!("content/{number}/{part}"), 64))
            .collect();
        add.push(json!({
            "apiVersion": "fleet.cattle.io/v1alpha1", "kind": "Content", "metadata": { "name": format!("s-{}", identity.hex(&format!("content/{number}"), 60)) },
            "content": content, "sha256sum": identity.hex(&format!("sum/{number}"), 64),
        }));
    }
}

/// A type's fields, four levels deep.
fn schema(identity: &Identity, number: usize, depth: usize) -> Value {
    let word = |index: usize| {
        format!(
            "field{}",
            identity.hex(&format!("schema/{number}/{depth}/{index}"), 6)
        )
    };
    let description = "What this field means, in a sentence or two that are long enough to be folded more than once: it is set by the controller and may be changed by the user while nothing of it is in use.";
    if depth == 3 {
        return json!({ "type": "string", "description": description, "format": "date-time" });
    }
    let properties: Map<String, Value> = (0..5)
        .map(|index| (word(index), schema(identity, number * 5 + index, depth + 1)))
        .collect();
    json!({ "type": "object", "description": description, "properties": properties })
}

fn panel_of(identity: &Identity, number: usize) -> Value {
    let metric = identity.hex(&format!("panel/{number}"), 8);
    json!({ "id": number, "type": "graph", "nullPointMode": null, "targets": [{ "expr": format!("sum(rate(container_{metric}_total{{namespace=\"$namespace\"}}[5m])) by (pod)"), "legendFormat": "{{pod}}", "refId": "A" }], "title": "" })
}

fn disks() -> Vec<super::scenario::DiskShape> {
    super::scenario::default_disks()
}
