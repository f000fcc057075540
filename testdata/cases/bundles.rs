//! All rules over every bundle of the repository, and over outside ones where there are some: what a
//! scenario expects must be found, and nothing of weight that it does not expect.

use std::path::{Path, PathBuf};

use crate::bench;
use crate::writer::broken::{VARIANTS, Variant, break_bundle};
use crate::writer::scenario::Scenario;
use bundle_doctor::archive::{Archive, Limits};
use bundle_doctor::diagnosis::facts::UpgradeState;
use bundle_doctor::diagnosis::{Action, Diagnosis};
use bundle_doctor::finding::{Finding, Severity};
use bundle_doctor::report::{self, Format, MarkdownOptions, Report, TextOptions};
use comrak::nodes::NodeValue;

struct Doctor;

impl Doctor {
    fn new() -> Doctor {
        Doctor
    }

    fn analyze(&self, paths: &[PathBuf]) -> Result<Report, String> {
        let archive =
            Archive::open(paths, &Limits::default()).map_err(|error| error.to_string())?;
        bench::diagnose(&archive).map_err(|error| error.to_string())
    }

    fn analyze_bytes(&self, files: &[(String, Vec<u8>)]) -> Result<Report, String> {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut paths = Vec::new();
        for (name, bytes) in files {
            let path = directory.path().join(name);
            std::fs::create_dir_all(path.parent().expect("files lie in a directory"))
                .expect("it can be made");
            std::fs::write(&path, bytes).expect("it can be written");
            paths.push(path);
        }
        // A plain directory is one bundle, not one part for each of its files.
        if files.iter().any(|(name, _)| name.contains('/')) {
            paths = vec![directory.path().to_owned()];
        }
        self.analyze(&paths)
    }
}

fn scenarios() -> Vec<(String, Scenario)> {
    bench::scenario_names()
        .into_iter()
        .map(|name| {
            let scenario = bench::scenario(&name);
            (name, scenario)
        })
        .collect()
}

fn written(report: &Report, format: Format) -> String {
    let mut out = Vec::new();
    report::write(report, format, &mut out).expect("memory does not fail");
    String::from_utf8(out).expect("a report is UTF-8")
}

/// What is wrong with a report, seen from what its scenario expects.
fn complaints(scenario: &Scenario, report: &Report) -> Vec<String> {
    let expect = &scenario.expect;
    let mut wrong = Vec::new();
    let active = || {
        report
            .findings
            .iter()
            .filter(|finding| finding.suppressed.is_none())
    };
    for wanted in &expect.find {
        let fits = |finding: &&Finding| {
            finding.rule == wanted.rule
                && wanted
                    .subject
                    .as_ref()
                    .is_none_or(|subject| finding.subject.to_string() == *subject)
        };
        match active().find(fits) {
            None => wrong.push(format!("missing: {} {:?}", wanted.rule, wanted.subject)),
            Some(found)
                if wanted.severity.as_ref().is_some_and(|severity| {
                    *severity != format!("{:?}", found.severity).to_lowercase()
                }) =>
            {
                wrong.push(format!(
                    "{} is {:?}, not {:?}",
                    wanted.rule, found.severity, wanted.severity
                ));
            }
            Some(_) => {}
        }
    }
    for finding in active().filter(|finding| finding.severity >= Severity::Error) {
        if expect.quiet || !expect.names(&finding.rule) {
            wrong.push(format!(
                "noisy: {} on {}: {}",
                finding.rule, finding.subject, finding.title
            ));
        }
    }
    let roots: Vec<&str> = report
        .diagnoses
        .iter()
        .map(|diagnosis| diagnosis.cause.rule.as_str())
        .collect();
    for (root, wanted) in expect.roots.iter().enumerate() {
        if roots.get(root) != Some(&wanted.as_str()) {
            wrong.push(format!(
                "root {} is {:?}, not {wanted}",
                root + 1,
                roots.get(root)
            ));
        }
    }
    wrong.extend(
        expect
            .chains
            .iter()
            .filter_map(|chain| broken_chain(chain, report)),
    );
    let mut steps = report.plan.iter();
    wrong.extend(expect.plan.iter().filter_map(|part| {
        let says = |text: &str| text.contains(part.as_str());
        let found = steps.any(|step| says(&step.text) || step.command.as_deref().is_some_and(says));
        (!found).then(|| format!("no step of the plan, or none behind the last, says {part:?}"))
    }));
    wrong.extend(
        active()
            .filter(|finding| expect.absent.contains(&finding.rule))
            .map(|finding| format!("not absent: {}: {}", finding.rule, finding.title)),
    );
    if let Some(verdict) = &expect.verdict {
        let said = serde_json::to_value(&report.verdict).expect("a verdict is JSON");
        for (key, wanted) in [("state", &verdict.state), ("action", &verdict.action)] {
            if said[key] != wanted.as_str() {
                wrong.push(format!("verdict {key} is {}, not {wanted}", said[key]));
            }
        }
    }
    for finding in active() {
        if finding.evidence.is_empty() {
            wrong.push(format!("{} has no evidence", finding.rule));
        }
    }
    wrong
}

/// Where the diagnosis of rank 1 does not tell a chain: it begins with another cause, a link is not its effect by the
/// link before, or does not stand behind it.
fn broken_chain(chain: &[String], report: &Report) -> Option<String> {
    let (head, rest) = chain.split_first()?;
    let Some(first) = report.diagnoses.first() else {
        return Some(format!("chain {chain:?}: there is no diagnosis"));
    };
    if first.cause.rule != *head {
        return Some(format!(
            "chain {chain:?}: rank 1 is {}, not {head}",
            first.cause.rule
        ));
    }
    let rule_of = |id: &str| {
        let finding = report.findings.iter().find(|finding| finding.id == id);
        finding.map_or("", |finding| finding.rule.as_str())
    };
    let place = |id: &str| first.effects.iter().position(|effect| effect == id);
    let mut reached = vec![first.cause.finding.as_str()];
    for (number, link) in rest.iter().enumerate() {
        let next: Vec<&str> = first
            .edges
            .iter()
            .filter(|edge| rule_of(&edge.to) == link && reached.contains(&edge.from.as_str()))
            .filter(|edge| place(&edge.from) < place(&edge.to))
            .map(|edge| edge.to.as_str())
            .collect();
        if next.is_empty() {
            return Some(format!(
                "chain {chain:?}: {link} is no effect by {}",
                chain[number]
            ));
        }
        reached = next;
    }
    None
}

#[test]
fn every_scenario_gives_what_it_expects_and_nothing_else_of_weight() {
    let mut failed = Vec::new();
    for (name, scenario) in scenarios() {
        let report = bench::report(&name);
        let wrong = complaints(&scenario, &report);
        failed.extend(wrong.into_iter().map(|wrong| format!("{name}: {wrong}")));
        let problems = &report.coverage.problems;
        if !problems.is_empty() && scenario.overlay.missing.is_empty() {
            failed.push(format!("{name}: problems {problems:?}"));
        }
    }
    assert!(failed.is_empty(), "\n{}", failed.join("\n"));
}

/// What was taken away from a healthy bundle must never make a confident wrong verdict.
#[test]
fn a_broken_bundle_is_never_told_to_be_repaired() {
    let doctor = Doctor::new();
    let whole = bench::whole("healthy-3");
    for variant in VARIANTS {
        if let Ok(report) = doctor.analyze_bytes(&break_bundle(&whole, variant)) {
            let action = report.verdict.action;
            assert!(
                !matches!(action, Action::Rebuild | Action::Repair),
                "{variant:?}: {action:?}"
            );
        }
    }
}

/// A list of nodes that is lost or cut in the middle says nothing of the nodes that are not on it.
#[test]
fn a_lost_or_cut_list_of_nodes_makes_no_node_gone() {
    let doctor = Doctor::new();
    let files = break_bundle(&bench::whole("upgrade-rolling"), Variant::Directory);
    let is_list = |path: &str| path.ends_with("yamls/cluster/v1/nodes.yaml");
    let lost: Vec<_> = files
        .iter()
        .filter(|(path, _)| !is_list(path))
        .cloned()
        .collect();
    assert!(lost.len() < files.len());
    let cut: Vec<_> = files
        .iter()
        .map(|(path, bytes)| {
            // Behind the first node and within the second.
            let kept = if is_list(path) {
                bytes.len() * 2 / 5
            } else {
                bytes.len()
            };
            (path.clone(), bytes[..kept].to_vec())
        })
        .collect();
    for (name, files) in [("lost", lost), ("cut", cut)] {
        let report = doctor.analyze_bytes(&files).unwrap();
        assert_ne!(report.verdict.action, Action::Rebuild, "{name}");
        let gone: Vec<_> = report
            .cluster
            .nodes
            .iter()
            .filter(|node| !node.exists)
            .collect();
        assert!(gone.is_empty(), "{name}: {gone:?}");
        let loud: Vec<_> = report
            .findings
            .iter()
            .filter(|finding| finding.suppressed.is_none() && finding.severity >= Severity::Error)
            .map(|finding| &finding.rule)
            .collect();
        assert!(loud.is_empty(), "{name}: {loud:?}");
    }
}

#[test]
fn the_same_bundle_gives_the_same_bytes_in_each_of_twenty_runs_on_any_number_of_threads() {
    let names = [
        "host-oom",
        "ssd-failure-during-upgrade",
        "ssd-failure-quorum-lost",
        "upgrade-rolling",
    ];
    for name in names {
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap().install(|| {
                // Opened anew: what is listed in parallel counts, too.
                let report = bench::diagnose(&bench::scenario_archive_copy(name)).unwrap();
                let text = Format::Text(TextOptions::default());
                let markdown = Format::Markdown(MarkdownOptions::default());
                [Format::Json, Format::Yaml, text, markdown].map(|format| written(&report, format))
            })
        };
        let first = on(1);
        for run in 1..=20 {
            let threads = [1, 2, 8][run % 3];
            assert!(
                on(threads) == first,
                "{name}: run {run} differs, on {threads} threads"
            );
        }
    }
}

/// A whole bundle as it is pasted: it fits, nothing in it links or pings, all that is opened is closed.
#[test]
fn every_scenario_can_be_pasted_into_an_issue() {
    for name in bench::scenario_names() {
        let report = bench::report(&name);
        let markdown = written(&report, Format::Markdown(MarkdownOptions::default()));
        assert!(markdown.len() < 65_000, "{name}: {}", markdown.len());
        let shown = |it: &&Diagnosis| it.severity >= Severity::Warning;
        let shown: Vec<&Diagnosis> = report.diagnoses.iter().filter(shown).collect();
        for diagnosis in shown.iter().take(5) {
            let rule = format!("`{}`", diagnosis.cause.rule);
            assert!(markdown.contains(&rule), "{name}: no {rule}");
        }
        let arena = comrak::Arena::new();
        let mut options = comrak::Options::default();
        options.extension.table = true;
        options.extension.autolink = true;
        let page = comrak::parse_document(&arena, &markdown, &options);
        let mut open = 0;
        for node in page.descendants() {
            match &node.data.borrow().value {
                NodeValue::HtmlBlock(html) => match html.literal.trim() {
                    "</details>" => open -= 1,
                    html => {
                        assert!(html.starts_with("<details><summary>"), "{name}: {html}");
                        assert!(html.ends_with("</summary>"), "{name}: {html}");
                        open += 1;
                    }
                },
                NodeValue::HtmlInline(html) => assert_eq!(html, "<br>", "{name}"),
                NodeValue::Link(link) => {
                    let of = |it: &&Diagnosis| it.references.contains(&link.url);
                    assert!(shown.iter().any(of), "{name}: {}", link.url);
                }
                _ => {}
            }
        }
        assert_eq!(open, 0, "{name}");
    }
}

/// The folder of outside bundles, which are not ours to commit.
fn outside() -> Option<PathBuf> {
    let folder = std::env::var_os("BUNDLE_DOCTOR_BUNDLES").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: BUNDLE_DOCTOR_BUNDLES names no folder of outside bundles");
    }
    folder
}

fn outside_bundle(folder: &Path, name: &str) -> PathBuf {
    let mut zips = std::fs::read_dir(folder.join(name))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    zips.find(|path| path.extension().is_some_and(|end| end == "zip"))
        .unwrap()
}

#[test]
fn composed_bundles_are_read_rightly() {
    let Some(folder) = outside() else { return };
    let doctor = Doctor::new();
    for (name, nodes, upgrade) in [
        ("healthy-idle-1.5.0", 3, None),
        (
            "upgrade-rolling-1.4.0-1.4.1",
            4,
            Some(UpgradeState::Progressing),
        ),
        ("predrain-pci-vm-1.4.2-1.5.0", 4, Some(UpgradeState::Stuck)),
        ("host-oom-1.4.1", 3, None),
    ] {
        let report = doctor.analyze(&[outside_bundle(&folder, name)]).unwrap();
        assert_eq!(report.coverage.problems, [], "{name}");
        assert_eq!(report.cluster.nodes.len(), nodes, "{name}");
        assert_eq!(
            report.upgrade.as_ref().map(|upgrade| upgrade.state),
            upgrade,
            "{name}"
        );
        let loud: Vec<&str> = report
            .findings
            .iter()
            .filter(|finding| finding.suppressed.is_none() && finding.severity >= Severity::Error)
            .map(|finding| finding.rule.as_str())
            .collect();
        let expected: &[&str] = match name {
            "host-oom-1.4.1" => &["host-oom"],
            "predrain-pci-vm-1.4.2-1.5.0" => &["vm-cannot-migrate-predrain"],
            _ => &[],
        };
        assert_eq!(loud, expected, "{name}");
    }
}

#[test]
fn the_real_bundle_shows_its_one_fault() {
    let Some(folder) = outside() else { return };
    let report = Doctor::new()
        .analyze(&[folder.join("harvester-1.0-single-node.zip")])
        .unwrap();
    crate::bench::assert_real_is_whole(&report);
    assert_eq!(report.coverage.objects, 1246);
    assert_eq!(report.upgrade, None);
    let rules: Vec<&str> = report
        .findings
        .iter()
        .map(|finding| finding.rule.as_str())
        .collect();
    assert_eq!(
        rules,
        ["stale-mount-deleted-volume", "node-removed-residue"]
    );
    let message = &report.findings[0].message;
    for part in [
        "126,042 EXT4 errors on sdc",
        "5,037 EXT4 warnings on sdb",
        "pvc-232180f3",
        "pvc-ce3fa571",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
}
