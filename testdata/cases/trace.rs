//! `analyze --trace` on the sample bundle, as its user sees it.

use std::process::{Command, Output};

use crate::bench::{root, written};

fn analyze(flags: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bundle-doctor"));
    command
        .arg("analyze")
        .arg(root().join("testdata/bundles/ssd-failure-during-upgrade.zip"))
        .args(flags)
        .env("XDG_CONFIG_HOME", root().join("testdata/no-such-directory"));
    command.output().unwrap()
}

fn told(flags: &[&str]) -> String {
    let output = analyze(flags);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_trace_leaves_the_report_as_it_is() {
    let plain = analyze(&["-o", "json"]);
    assert_eq!(plain.status.code(), Some(0), "{plain:?}");
    assert!(plain.stderr.is_empty(), "{plain:?}");
    let flags = ["-o", "json", "--trace", "disk-pressure", "--trace"];
    let traced = |more: &[&str]| analyze(&[&flags[..], more].concat());
    let one = traced(&["disk-io-error", "--threads", "1"]);
    let two = traced(&["disk-io-error", "--threads", "2"]);
    assert_eq!(plain.stdout, one.stdout);
    assert_eq!(plain.stdout, two.stdout);
    assert_eq!(one.stderr, two.stderr);
    assert!(!one.stderr.is_empty());
}

#[test]
fn a_silent_rule_names_the_condition_that_failed() {
    let told = told(&["--trace", "disk-pressure"]);
    let expected = "\
disk-pressure  rules/node/disk-pressure.yaml
  rules/node/disk-pressure.yaml:9  each node in Node where cond(it, 'DiskPressure').status == 'True'
      1 row → 0, 4 elements looked at, 0 fit
      nearest: Node/harv-1, 0 of 1 condition hold
      false, rules/node/disk-pressure.yaml:11  cond(it, 'DiskPressure').status == 'True'
          cond(it, 'DiskPressure').status = \"False\"
  no row came further:
  rules/node/disk-pressure.yaml:12  let pressure = cond(node, 'DiskPressure')
";
    assert!(told.starts_with(expected), "{told}");
    assert!(
        told.ends_with("\n  no finding: no row was left\n"),
        "{told}"
    );
}

#[test]
fn a_rule_that_fires_tells_its_rows_and_lines() {
    let told = told(&["--trace", "upgrade-node-lost-deadlock"]);
    for part in [
        "  versions  harvester >=1.1.0: the bundle's is v1.4.0 or v1.4.1, which fits\n",
        "from pod/harvester-system/harvester-*/apiserver\n      3 files, 49 hits in 1 record, 2025-03-09 07:02:12 to 2025-03-09 08:38:12 UTC\n",
        "each status in doctor/UpgradeStatus where ",
        "      1 row → 1, 4 elements looked at, 1 fit\n",
        "\n  1 finding from 1 row\n",
    ] {
        assert!(told.contains(part), "{part:?} is not in\n{told}");
    }
}

#[test]
fn what_was_not_evaluated_somewhere_is_told() {
    let told = told(&["--trace", "disk-io-error"]);
    let expected = "  requires  not evaluated on harv-3, harv-4: no host files";
    assert!(told.contains(expected), "{told}");
}

#[test]
fn rules_that_do_not_run_say_so() {
    let rule = "id: old\ntitle: T\nseverity: info\nstatus: deprecated\naliases: [older]\nmatch: [{ each: n, in: Node }]\nfinding: { subject: n, message: M }\n";
    let rules = written(
        "trace-rules",
        &[("node/old.yaml".to_owned(), rule.as_bytes().to_vec())],
    );
    let rules = rules.to_str().unwrap();
    for (flags, expected) in [
        (
            vec!["--trace", "older"],
            "it is deprecated, and no --only names it",
        ),
        (
            vec!["--trace", "disk-pressure", "--only", "storage"],
            "no --only names it",
        ),
        (
            vec!["--trace", "disk-pressure", "--skip", "node"],
            "--skip leaves it out",
        ),
    ] {
        let told = told(&[&["--rules", rules], &flags[..]].concat());
        let expected = format!("\n  did not run: {expected}\n");
        assert!(told.ends_with(&expected), "{flags:?}: {told}");
    }
    let told = told(&["--rules", rules, "--only", "old", "--trace", "older"]);
    assert!(told.ends_with("\n  4 findings from 4 rows\n"), "{told}");
}

#[test]
fn a_name_that_is_none_is_wrong_use() {
    let output = analyze(&["--trace", "disk-presure"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(output.stdout.is_empty());
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("did you mean `disk-pressure`?"), "{told}");
    // A category is no rule.
    assert_eq!(analyze(&["--trace", "node"]).status.code(), Some(2));
}
