//! The checks before an upgrade, as the command makes them on whole bundles.

use serde_json::{Value, json};

use crate::bench::{ENGINE, RULES, Untold, root, scenario, scenario_archive, scenario_names};
use crate::commands::Stage;
use crate::evidence::{complaint, files};
use crate::writer::bundle::bundle;
use crate::writer::scenario::Scenario;

/// Runs the command on a scenario that a test has changed.
struct Run {
    stage: Stage,
    name: String,
}

impl Run {
    fn of(name: &str, change: impl FnOnce(&mut Scenario)) -> Run {
        // A test may add a word of its own to the name of a scenario.
        let mut of = scenario_names()
            .into_iter()
            .filter(|of| name.starts_with(of.as_str()));
        let mut scenario = scenario(&of.next_back().unwrap());
        change(&mut scenario);
        let stage = Stage::new(&format!("preflight-{name}"));
        std::fs::write(stage.path("b.zip"), bundle(&scenario).unwrap()).unwrap();
        Run {
            stage,
            name: name.to_owned(),
        }
    }

    fn json(&self, flags: &str, code: i32) -> Value {
        let command = format!("preflight b.zip -o json {flags}");
        self.stage.run(&command).with(code).json()
    }

    /// The check of an id.
    #[track_caller]
    fn check(&self, id: &str) -> Value {
        let all = self.json("", 0);
        let checks = all["checks"].as_array().unwrap();
        let check = checks.iter().find(|check| check["id"] == id);
        check
            .unwrap_or_else(|| panic!("{}: no {id}", self.name))
            .clone()
    }

    /// The ids of checks of a state.
    fn of_state(&self, state: &str) -> Vec<String> {
        let all = self.json("", 0);
        let checks = all["checks"].as_array().unwrap().iter();
        let checks = checks.filter(|check| check["state"] == state);
        checks
            .map(|check| check["id"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// The text but for its first line, which counts the rules.
fn below_the_head(text: &str) -> &str {
    text.split_once("\n\n").unwrap().1
}

/// A healthy cluster whose VMs have backups, all namespaces with VMs being in the bundle.
fn sound(scenario: &mut Scenario) {
    scenario
        .cluster
        .virtual_machines
        .retain(|vm| vm.namespace == "default");
    let names = scenario
        .cluster
        .virtual_machines
        .iter()
        .map(|vm| vm.name.clone());
    for name in names.collect::<Vec<_>>() {
        scenario.overlay.add.push(json!({
            "apiVersion": "harvesterhci.io/v1beta1", "kind": "VirtualMachineBackup",
            "metadata": { "name": format!("{name}-b"), "namespace": "default", "creationTimestamp": "${time:-2d}" },
            "spec": { "type": "backup", "source": { "apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": name } },
            "status": { "readyToUse": true, "progress": 100, "creationTime": "${time:-2d}" },
        }));
    }
}

fn patch(scenario: &mut Scenario, object: &str, merge: Value) {
    let patch = serde_json::from_value(json!({ "object": object, "merge": merge }));
    scenario.overlay.patch.push(patch.unwrap());
}

#[test]
fn nothing_stands_against_a_sound_cluster_and_it_is_not_called_ready() {
    let run = Run::of("healthy-3-sound", sound);
    assert!(
        run.of_state("failed").is_empty(),
        "{:?}",
        run.of_state("failed")
    );
    // What no bundle shows, and what needs namespaces that exist in each cluster and in no bundle.
    let unknown = [
        "certificates",
        "kubeconfig-secret",
        "vms-can-migrate",
        "no-backup-running",
    ];
    assert_eq!(run.of_state("not-computable"), unknown);
    let all = run.json("--fail-on info", 0);
    assert_eq!(all["verdict"]["state"], "nothing-known-against");
    let text = run.stage.run("preflight b.zip").with(0).out;
    insta::with_settings!({ snapshot_path => "../snapshots/preflight", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("sound", below_the_head(&text));
    });
}

#[test]
fn what_is_wrong_is_told_with_place_and_remedy() {
    let run = Run::of("healthy-3-wrong", |scenario| {
        sound(scenario);
        patch(
            scenario,
            "longhorn.io/Volume/longhorn-system/${volume:default/web-01-disk-0}",
            json!({ "spec": { "numberOfReplicas": 1 } }),
        );
        patch(
            scenario,
            "Node/harv-2",
            json!({ "spec": { "unschedulable": true, "taints": [
            { "key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule", "timeAdded": "${time:-1m}" } ] } }),
        );
        patch(
            scenario,
            "ManagedChart/fleet-local/harvester-crd",
            json!({ "spec": { "paused": true } }),
        );
        patch(
            scenario,
            "cluster.x-k8s.io/Cluster/fleet-local/local",
            json!({ "status": { "phase": "Provisioning" } }),
        );
    });
    let failed = run.of_state("failed");
    let expected = [
        "no-leftovers",
        "nodes-ready",
        "capi-cluster-provisioned",
        "no-single-replica",
    ];
    assert_eq!(failed, expected);
    let all = run.json("--fail-on error", 1);
    assert_eq!(all["verdict"]["state"], "refused");
    assert_eq!(all["verdict"]["refused"], 3);
    run.json("--fail-on critical", 0);
    // A state of a minute is a state: the webhook does not wait.
    let single = run.check("no-single-replica");
    assert_eq!(single["faults"][0]["rule"], "single-replica-volumes");
    assert_eq!(single["severity"], "error");
    assert!(single["faults"][0]["evidence"][0]["line"].is_u64());
    let text = run.stage.run("preflight b.zip --color never").with(0).out;
    insta::with_settings!({ snapshot_path => "../snapshots/preflight", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("wrong", below_the_head(&text));
    });
}

#[test]
fn a_constant_that_the_user_sets_holds() {
    let run = Run::of("healthy-3-patience", |scenario| {
        sound(scenario);
        patch(
            scenario,
            "Node/harv-2",
            json!({ "spec": { "unschedulable": true, "taints": [
            { "key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule", "timeAdded": "${time:-1m}" } ] } }),
        );
    });
    let state = |flags: &str| {
        let all = run.json(flags, 0);
        let checks = all["checks"].as_array().unwrap();
        let check = checks.iter().find(|check| check["id"] == "nodes-ready");
        check.unwrap()["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(state(""), "failed");
    assert_eq!(
        state("--param node-notready-or-cordoned-precheck.patience=1h"),
        "passed"
    );
    assert_eq!(
        state("--skip node-notready-or-cordoned-precheck"),
        "not-computable"
    );
}

#[test]
fn versions_are_checked_against_the_one_that_is_meant() {
    let run = Run::of("healthy-3-version", sound);
    let path = |to: &str| run.json(&format!("--to {to}"), 0);
    let all = path("v1.4.3");
    assert_eq!(all["path"]["steps"], json!(["v1.4.3"]));
    assert_eq!(all["path"]["directly"], json!(["v1.4.2", "v1.4.3"]));
    assert_eq!(all["verdict"]["failed"], 0);
    let all = path("1.6.0");
    assert_eq!(all["path"]["steps"], json!(["v1.4.3", "v1.5.2", "v1.6.0"]));
    assert_eq!(all["checks"][0]["id"], "version-path");
    assert_eq!(all["checks"][0]["state"], "failed");
    assert_eq!(path("v1.4.0")["checks"][0]["state"], "failed");
    assert_eq!(path("v1.99.0")["checks"][0]["state"], "not-computable");
    let wrong = run.stage.run("preflight b.zip --to next").with(2);
    wrong.complains(&["`next` is no version"]);
}

#[test]
fn an_upgrade_under_way_forbids_another_and_hides_the_rest() {
    let run = Run::of("upgrade-rolling", |_| ());
    assert_eq!(run.check("no-upgrade-under-way")["state"], "failed");
    for silent in [
        "charts-ready",
        "no-single-replica",
        "earlier-upgrades-ended",
    ] {
        let check = run.check(silent);
        assert_eq!(check["state"], "not-computable", "{silent}");
        let notes = check["notes"].to_string();
        assert!(notes.contains("an upgrade is under way"), "{notes}");
    }
}

#[test]
fn a_single_node_has_no_others() {
    let run = Run::of("healthy-1", |_| ());
    let beside = run.of_state("not-applicable");
    for id in [
        "no-single-replica",
        "vms-can-migrate",
        "room-for-vms",
        "room-for-replicas",
    ] {
        assert!(
            beside.iter().any(|it| it == id),
            "{id} is not among {beside:?}"
        );
    }
}

#[test]
fn what_was_not_collected_is_never_passed() {
    for (name, missing, state) in [
        (
            "no-longhorn",
            "yamls/namespaced/longhorn-system/*",
            "nothing-known-against",
        ),
        ("hosts-alone", "yamls/*", "not-assessable"),
    ] {
        let run = Run::of(&format!("healthy-3-{name}"), |scenario| {
            sound(scenario);
            scenario.overlay.missing = vec![missing.to_owned()];
        });
        let unknown = run.of_state("not-computable");
        for id in [
            "volumes-healthy",
            "no-single-replica",
            "room-for-replicas",
            "detached-volumes",
            "longhorn",
        ] {
            assert!(
                unknown.iter().any(|it| it == id),
                "{id} is not among {unknown:?}"
            );
        }
        assert_eq!(run.json("", 0)["verdict"]["state"], state, "{name}");
    }
}

#[test]
fn a_host_that_sent_no_supportconfig_is_not_known_to_be_sound() {
    let run = Run::of("healthy-3-hosts", |scenario| {
        sound(scenario);
        let host = serde_json::from_value(json!({ "withoutSupportconfig": true })).unwrap();
        scenario.overlay.hosts.insert("harv-2".to_owned(), host);
    });
    for id in ["storage-media", "room-for-images"] {
        assert_eq!(run.check(id)["state"], "not-computable", "{id}");
    }
    let notes = run.check("storage-media")["notes"].to_string();
    assert!(notes.contains("no SMART data of harv-2"), "{notes}");
}

#[test]
fn faults_of_scenarios_fail_their_checks() {
    for (name, check, rule) in [
        ("rke2-certs-expired", "certificates", "rke2-certs-expired"),
        (
            "webhook-managedchart-not-ready",
            "charts-ready",
            "webhook-managedchart-not-ready",
        ),
        (
            "smart-pending-sectors",
            "storage-media",
            "smart-pending-sectors",
        ),
        ("disk-pressure", "room-for-images", "disk-pressure"),
        (
            "machine-not-running-ghost",
            "machines-running",
            "machine-not-running-ghost",
        ),
        (
            "node-machine-mismatch",
            "machines-match-nodes",
            "node-machine-mismatch",
        ),
    ] {
        let all = preflight(name);
        let checks = all["checks"].as_array().unwrap();
        let found = checks.iter().find(|it| it["id"] == check).unwrap();
        assert_eq!(found["state"], "failed", "{name}: {found:#}");
        let faults = found["faults"].as_array().unwrap();
        assert!(
            faults.iter().any(|fault| fault["rule"] == rule),
            "{name}: {faults:#?}"
        );
    }
}

/// What the library says of a scenario as it is, by the rules as they are.
fn preflight(name: &str) -> Value {
    let archive = scenario_archive(name);
    let made = bundle_doctor::preflight(&archive, &RULES, &ENGINE, &Untold, None);
    serde_json::to_value(made.unwrap()).unwrap()
}

#[test]
fn every_scenario_fits_the_schema_and_every_place_can_be_opened() {
    let schema = std::fs::read_to_string(root().join("schemas/preflight.v1.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    let mut complaints = Vec::new();
    for name in scenario_names() {
        let archive = scenario_archive(&name);
        let made = bundle_doctor::preflight(&archive, &RULES, &ENGINE, &Untold, None).unwrap();
        let value = serde_json::to_value(&made).unwrap();
        complaints.extend(
            schema
                .iter_errors(&value)
                .map(|error| format!("{name}: {error}")),
        );
        let files = files(&archive);
        for check in &made.checks {
            let own = check.faults.iter().filter(|fault| fault.rule.is_none());
            for evidence in own.flat_map(|fault| &fault.evidence) {
                let wrong = complaint(evidence, &files);
                complaints.extend(
                    wrong.map(|wrong| format!("{name}: {}: {evidence:?}: {wrong}", check.id)),
                );
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn threads_and_formats_change_nothing() {
    let run = Run::of("healthy-3-formats", |_| ());
    let out = |flags: &str| {
        run.stage
            .run(&format!("preflight b.zip {flags}"))
            .with(0)
            .out
    };
    let json = out("-o json --threads 1");
    assert_eq!(json, out("-o json --threads 4"));
    let yaml: Value = serde_yaml::from_str(&out("-o yaml")).unwrap();
    assert_eq!(yaml, serde_json::from_str::<Value>(&json).unwrap());
    let plain = out("--color never");
    let painted = out("--color always");
    assert_ne!(plain, painted);
    assert_eq!(anstream::adapter::strip_str(&painted).to_string(), plain);
    for line in plain.lines() {
        let whole = line.contains('/') || line.contains("$ ");
        assert!(whole || line.chars().count() <= 100, "{line}");
        assert_eq!(line.trim_end(), line);
    }
}

#[test]
fn no_bundle_is_an_error_of_its_own() {
    let stage = Stage::new("preflight-none");
    stage.run("preflight none.zip").with(3);
    stage.run("preflight").with(2);
}

/// What the chapter shows stands in what is printed, in this order.
#[test]
fn the_readme_shows_what_is_printed() {
    let run = Run::of("webhook-managedchart-not-ready", |_| ());
    let printed = run.stage.run("preflight b.zip --to v1.5.0").with(0).out;
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let chapter = readme
        .split("\n## ")
        .find(|chapter| chapter.starts_with("Before an upgrade"));
    let shown = chapter.unwrap().split("```text\n").nth(1).unwrap();
    let shown = shown.split("```").next().unwrap();
    let mut printed = printed.lines();
    // The first line counts the rules.
    for line in shown.lines().skip(1).filter(|line| *line != "…") {
        assert!(
            printed.any(|it| it == line),
            "not printed, or not here: {line}"
        );
    }
}
