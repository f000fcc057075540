//! `timeline` and `analyze --about`, on whole bundles and as commands.

use std::collections::BTreeSet;

use bundle_doctor::about::{self, Question, Since};
use bundle_doctor::archive::{Archive, Limits};
use bundle_doctor::bundle::Bundle;
use bundle_doctor::graph::Subject;
use bundle_doctor::report::timeline::{Timeline, TimelineOptions};
use bundle_doctor::report::{self, mask};
use bundle_doctor::timeline as chronicle;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::bench::{self, ENGINE, RULES, Untold, root, scenario_archive, scenario_names};
use crate::commands::Stage;
use crate::evidence::{complaint, files};
use crate::writer::bundle::bundle;

/// A day of a support engineer has no more lines than this.
const MOST_LINES: usize = 320;

fn timeline(archive: &Archive, question: &Question) -> Timeline {
    let (timeline, _) =
        bundle_doctor::timeline(archive, &RULES, &ENGINE, &Untold, question).unwrap();
    timeline
}

fn text(timeline: &Timeline) -> String {
    let mut out = Vec::new();
    report::timeline::write(timeline, TimelineOptions::default(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The text but for its first line, which counts the rules.
fn below_the_head(text: &str) -> &str {
    text.split_once('\n').unwrap().1
}

/// A directory with a scenario's bundle in it, for commands.
fn stage(test: &str, name: &str) -> Stage {
    let stage = Stage::new(&format!("timeline-{test}"));
    let bytes = bundle(&bench::scenario(name)).unwrap();
    std::fs::write(stage.path("b.zip"), bytes).unwrap();
    stage
}

#[test]
fn it_reads_well() {
    insta::with_settings!({ snapshot_path => "../snapshots/timeline", prepend_module_to_snapshot => false, omit_expression => true }, {
        for name in ["ssd-failure-during-upgrade", "clock-behind-after-battery", "unclean-reboot-vms-down"] {
            let timeline = timeline(&scenario_archive(name), &Question::default());
            insta::assert_snapshot!(name, below_the_head(&text(&timeline)));
        }
    });
}

#[test]
fn about_reads_well() {
    let stage = stage("about", "ssd-failure-during-upgrade");
    insta::with_settings!({ snapshot_path => "../snapshots/timeline", prepend_module_to_snapshot => false, omit_expression => true }, {
        for (name, object) in [("about-node", "node/harv-3"), ("about-vm", "vm/default/mail"), ("about-upgrade", "upgrade")] {
            let text = stage.run(&format!("analyze b.zip --about {object}")).with(0).out;
            insta::assert_snapshot!(name, below_the_head(&text));
        }
    });
}

#[test]
fn markdown_says_what_text_says_of_an_object_and_of_a_time() {
    let stage = stage("markdown", "ssd-failure-during-upgrade");
    let run = |arguments: &str| stage.run(&format!("analyze b.zip {arguments}")).with(0).out;
    for asked in ["--about node/harv-3", "--about upgrade --since 1d"] {
        let block = run(&format!("-o markdown {asked}"));
        let inner = block.strip_prefix("```text\n").unwrap();
        let inner = inner.trim_end().strip_suffix("```").unwrap();
        assert_eq!(inner.trim_end(), run(asked).trim_end(), "{asked}");
    }
    let stage = self::stage("markdown-since", "etcd-nospace-and-dying-disk-old");
    let run = |arguments: &str| stage.run(&format!("analyze b.zip {arguments}")).with(0).out;
    let all = run("-o markdown");
    let late = run("-o markdown --since 1m");
    let words = |page: &str| {
        let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
        let (before, _) = page.split_once(" older than --since")?;
        before.rsplit(' ').nth(1)?.parse::<u32>().ok()
    };
    assert_eq!(words(&all), None);
    let left_out = words(&late).unwrap();
    assert_eq!(Some(left_out), words(&run("--since 1m")));
    assert!(left_out > 0 && late.len() < all.len());
}

/// In each scenario: order, places that can be opened, findings that exist, a length that is read.
#[test]
fn every_scenario_has_a_timeline_that_holds_true() {
    let mut complaints = Vec::new();
    for name in scenario_names() {
        let archive = scenario_archive(&name);
        let timeline = timeline(&archive, &Question::default());
        assert!(
            timeline.entries.is_sorted_by_key(|entry| entry.time),
            "{name}"
        );
        let lines = text(&timeline).lines().count();
        assert!(lines <= MOST_LINES, "{name}: {lines} lines");
        let files = files(&archive);
        let report = bench::report(&name);
        let known: BTreeSet<_> = report
            .findings
            .iter()
            .filter(|finding| finding.suppressed.is_none())
            .map(|finding| (finding.id.as_str(), finding.rule.as_str()))
            .collect();
        let mut linked = 0;
        for entry in &timeline.entries {
            assert!(
                entry.last.is_none_or(|last| last > entry.time),
                "{name}: {entry:?}"
            );
            assert!(
                entry.count >= 1 && !entry.what.is_empty(),
                "{name}: {entry:?}"
            );
            for finding in &entry.findings {
                linked += 1;
                let finding = (finding.id.as_str(), finding.rule.as_str());
                assert!(known.contains(&finding), "{name}: {finding:?}");
            }
            let complaint = complaint(&entry.evidence, &files);
            complaints.extend(complaint.map(|it| format!("{name}: {} {it}", entry.what)));
        }
        let logged = report.findings.iter().flat_map(|finding| &finding.evidence);
        if logged.into_iter().any(|it| it.time.is_some()) {
            assert!(linked > 0, "{name}: no entry is linked to a finding");
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// The log evidence of each finding is on the timeline, whatever was folded.
#[test]
fn findings_that_show_log_lines_are_on_the_timeline() {
    for name in scenario_names() {
        let timeline = timeline(&scenario_archive(&name), &Question::default());
        let linked: BTreeSet<&str> = timeline
            .entries
            .iter()
            .flat_map(|entry| &entry.findings)
            .map(|finding| finding.id.as_str())
            .collect();
        for finding in &bench::report(&name).findings {
            let shown = finding.evidence.iter().any(|it| it.time.is_some());
            if shown && finding.suppressed.is_none() {
                let told = linked.contains(finding.id.as_str());
                assert!(told, "{name}: {} is not told", finding.rule);
            }
        }
    }
}

#[test]
fn a_clock_that_is_off_is_corrected_and_marked() {
    let archive = scenario_archive("clock-behind-after-battery");
    let timeline = timeline(&archive, &Question::default());
    let [clock] = timeline.clocks.as_slice() else {
        panic!("{:?}", timeline.clocks);
    };
    assert_eq!(clock.node, "mon-2");
    assert!((clock.offset + 668.209).abs() < 0.001, "{clock:?}");
    // By the journal of the host it is 12:09:52; peers had it 12:21:00.
    let found = timeline.entries.iter();
    let mut found = found.filter(|entry| entry.what.contains("received error reading secret"));
    let entry = found.next().unwrap();
    assert_eq!(entry.time.strftime("%H:%M:%S").to_string(), "12:21:00");
    assert_eq!(
        entry
            .evidence
            .time
            .unwrap()
            .strftime("%H:%M:%S")
            .to_string(),
        "12:09:52"
    );
    assert_eq!(entry.correction, Some(-clock.offset));
    let others = timeline.entries.iter();
    let mut others = others.filter(|entry| entry.node.as_deref() != Some("mon-2"));
    assert!(others.all(|entry| entry.correction.is_none()));
}

/// The first object of each kind of a rich bundle, asked for by the name that reports print.
#[test]
fn every_kind_can_be_asked_about() {
    for name in ["ssd-failure-during-upgrade", "unclean-reboot-vms-down"] {
        let archive = scenario_archive(name);
        let bundle = Bundle::read(&archive, ENGINE.scanner(), &Untold).unwrap();
        let report = bench::report(name);
        let findings = &report.findings;
        let chronicle = chronicle::chronicle(&bundle, &ENGINE, findings);
        let mut asked = 0;
        for kind in bundle.graph.kinds() {
            let Some(object) = bundle.graph.of_kind(kind).next() else {
                continue;
            };
            if bundle.graph.kind(kind).name == "Event" {
                continue;
            }
            let text = object.object_name().to_string();
            let found = about::name::resolve(&bundle.graph, findings, &text);
            let found = found.unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(found, Subject::Object(object.id()), "{text}");
            let told = about::tell(&bundle, &found, None, findings, &chronicle);
            assert_eq!(told.object, object.object_name());
            assert!(told.exists && !told.facts.is_empty(), "{text}: {told:?}");
            assert!(told.timeline.is_sorted_by_key(|entry| entry.time), "{text}");
            asked += 1;
        }
        assert!(asked > 50, "{asked} kinds");
    }
}

#[test]
fn about_tells_what_is_around_an_object_and_what_concerns_it() {
    let stage = stage("around", "ssd-failure-during-upgrade");
    let about = |object: &str| -> Value {
        let command = format!("analyze b.zip -o json --about {object}");
        stage.run(&command).with(0).json()["about"].clone()
    };
    let vm = about("vm/mail");
    assert_eq!(
        vm["object"],
        json!({ "kind": "VirtualMachine", "namespace": "default", "name": "mail" })
    );
    let neighbours = vm["neighbours"].as_array().unwrap();
    let kinds: BTreeSet<&str> = neighbours
        .iter()
        .filter_map(|it| it["object"]["kind"].as_str())
        .collect();
    for kind in [
        "VirtualMachineInstance",
        "Pod",
        "Node",
        "PersistentVolumeClaim",
        "longhorn.io/Volume",
        "Replica",
    ] {
        assert!(
            kinds.contains(kind) || kinds.contains(kind.trim_start_matches("longhorn.io/")),
            "{kind}: {kinds:?}"
        );
    }
    // Its node has been lost: the slice tells so, and that no rule speaks of the machine itself.
    let words: Vec<&str> = vm["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|it| it["what"].as_str())
        .collect();
    assert!(
        words.iter().any(|it| it.starts_with("Ready=Unknown")),
        "{words:?}"
    );
    let how: BTreeSet<&str> = vm["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|it| it["how"].as_str())
        .collect();
    assert!(
        how.contains("named") || how.contains("neighbour"),
        "{how:?}"
    );

    // Nothing is wrong with this one, and all of it is told.
    let node = about("no/harv-2");
    assert_eq!(node["exists"], true);
    assert!(node["facts"].as_array().unwrap().len() > 10);
    assert!(!node["timeline"].as_array().unwrap().is_empty());
    let upgrade = about("upgrade");
    assert_eq!(upgrade["object"]["kind"], "Upgrade");
    let early = upgrade["timeline"].as_array().unwrap().iter();
    let mut early = early.filter(|it| it["time"].as_str() < Some("2025-03-07T02:40:12Z"));
    assert_eq!(early.next(), None);
}

/// What the chapter shows stands in what is printed, in this order.
#[test]
fn the_readme_shows_what_is_printed() {
    let stage = Stage::new("timeline-readme");
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let chapter = readme
        .split("\n## ")
        .find(|chapter| chapter.starts_with("What happened"));
    let mut blocks = chapter.unwrap().split("```").skip(1).step_by(2);
    let command = blocks.next().unwrap().trim();
    let command = command.rsplit_once("bundle-doctor ").unwrap().1;
    let bundles = root().join("testdata/bundles/");
    let command = command.replace("testdata/bundles/", &bundles.to_string_lossy());
    let printed = stage.run(&command).with(0).out;
    let mut printed = printed.lines();
    // The first line counts the rules.
    let shown = blocks.next().unwrap().lines().skip(2);
    for line in shown.filter(|line| *line != "…") {
        assert!(
            printed.any(|it| it == line),
            "not printed, or not here: {line}"
        );
    }
}

#[test]
fn wrong_use_is_said() {
    let stage = stage("wrong", "ssd-failure-during-upgrade");
    for (command, complaint) in [
        (
            "analyze b.zip --about node/harv-9",
            "did you mean `harv-1`?",
        ),
        ("timeline b.zip --about vm/mial", "did you mean `mail`?"),
        (
            "timeline b.zip --about nodde/harv-1",
            "did you mean `node`?",
        ),
        (
            "timeline b.zip --about node",
            "name one of them: Node/harv-1",
        ),
        ("timeline b.zip --since yesterday", "24h"),
        ("timeline b.zip --since-time noon", "2025-03-07T06:00:00Z"),
        (
            "timeline b.zip --since 1h --since-time 2025-03-07T06:00:00Z",
            "cannot be used with",
        ),
    ] {
        stage.run(command).with(2).complains(&[complaint]);
    }
    stage.run("timeline none.zip").with(3);
}

#[test]
fn since_leaves_out_what_ended_before() {
    let archive = scenario_archive("ssd-failure-during-upgrade");
    let all = timeline(&archive, &Question::default());
    let day = Since::Last(SignedDuration::from_hours(24));
    let late = timeline(
        &archive,
        &Question {
            since: Some(day),
            about: None,
        },
    );
    let since = late.since.unwrap();
    assert_eq!(
        since,
        all.bundle.collected_at.unwrap() - SignedDuration::from_hours(24)
    );
    assert!(!late.entries.is_empty() && late.entries.len() < all.entries.len());
    for entry in &all.entries {
        assert_eq!(
            late.entries.contains(entry),
            entry.end() >= since,
            "{entry:?}"
        );
    }
    // The event that began before and goes on is still told.
    let mut goes_on = late.entries.iter().filter(|entry| entry.time < since);
    assert!(goes_on.any(|entry| entry.what.starts_with("FailedScheduling")));

    let stage = stage("since", "ssd-failure-during-upgrade");
    let text = stage
        .run("analyze b.zip --since-time 2025-03-09T08:30:00Z")
        .with(0)
        .out;
    assert!(
        text.contains("node-notready-unknown"),
        "what lasts is not old\n{text}"
    );
}

#[test]
fn json_and_yaml_fit_the_schema_and_do_not_depend_on_threads() {
    let stage = stage("threads", "clock-behind-after-battery");
    let schema = std::fs::read_to_string(root().join("schemas/timeline.v1.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    let report = std::fs::read_to_string(root().join("schemas/report.v1.schema.json")).unwrap();
    let report = jsonschema::validator_for(&serde_json::from_str(&report).unwrap()).unwrap();
    for (command, schema) in [
        ("timeline b.zip", &schema),
        ("timeline b.zip --about node/mon-2 --since 2h", &schema),
        ("analyze b.zip --about node/mon-2", &report),
    ] {
        let one = stage.run(&format!("{command} -o json --threads 1")).with(0);
        for threads in [2, 8] {
            let more = stage
                .run(&format!("{command} -o json --threads {threads}"))
                .with(0);
            assert_eq!(one.out, more.out, "{command} with {threads} threads");
        }
        let json = one.json();
        let mistakes: Vec<String> = schema.iter_errors(&json).map(|it| it.to_string()).collect();
        assert!(mistakes.is_empty(), "{command}: {mistakes:?}");
        let yaml = stage.run(&format!("{command} -o yaml")).with(0).out;
        let yaml: Value = serde_saphyr::from_str(&yaml).unwrap();
        assert!(yaml == json, "{command}");
    }
    stage.run("timeline b.zip --output-file t.txt").with(0);
    let text = stage.run("timeline b.zip --color never").with(0).out;
    assert_eq!(stage.read("t.txt"), text);
    let colored = stage.run("timeline b.zip --color always").with(0).out;
    assert_ne!(colored, text);
    assert_eq!(anstream::adapter::strip_str(&colored).to_string(), text);
    stage.run("timeline b.zip --fail-on error").with(1);
}

#[test]
fn secrets_are_hidden_unless_asked_for() {
    let mut scenario = bench::scenario("healthy-3");
    scenario.overlay.add.push(json!({
        "apiVersion": "v1", "kind": "Event",
        "metadata": { "name": "leak.1", "namespace": "default", "creationTimestamp": "${time:-2h}" },
        "involvedObject": { "apiVersion": "v1", "kind": "Pod", "namespace": "default", "name": "leak" },
        "type": "Warning", "reason": "Failed", "message": "login with password=hunter2 failed",
        "firstTimestamp": "${time:-2h}", "lastTimestamp": "${time:-1h}", "count": 3,
    }));
    let stage = Stage::new("timeline-mask");
    std::fs::write(stage.path("b.zip"), bundle(&scenario).unwrap()).unwrap();
    for output in ["text", "json", "yaml"] {
        let masked = stage
            .run(&format!("timeline b.zip -o {output}"))
            .with(0)
            .out;
        assert!(
            masked.contains("password=***") && !masked.contains("hunter2"),
            "{masked}"
        );
        let open = stage
            .run(&format!("timeline b.zip -o {output} --no-mask"))
            .with(0)
            .out;
        assert!(open.contains("hunter2"));
    }
    let mut timeline = timeline(
        &Archive::open(&[stage.path("b.zip")], &Limits::default()).unwrap(),
        &Question::default(),
    );
    mask::mask_timeline(&mut timeline);
    assert!(!format!("{timeline:?}").contains("hunter2"));
}
