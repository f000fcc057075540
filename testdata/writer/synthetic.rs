//! Scenarios of any size for benches: a healthy cluster in the middle of its life.

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

fn disks() -> Vec<super::scenario::DiskShape> {
    super::scenario::default_disks()
}
