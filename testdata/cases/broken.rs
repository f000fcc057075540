//! A damaged bundle is read as far as it goes, and the report names what is not there.

use bundle_doctor::report::Report;
use bundle_doctor::span::ProblemKind;

use crate::bench::{diagnose, report, scenario, try_open, whole, written};
use crate::writer::broken::{VARIANTS, Variant, break_bundle};

const SCENARIO: &str = "host-oom";

/// The report of a variant, unless nothing in it is a bundle.
fn report_of(variant: Variant) -> Option<Report> {
    let files = break_bundle(&whole(SCENARIO), variant);
    let directory = written(&format!("broken-{variant:?}"), &files);
    let archive = try_open(&directory, &files).ok()?;
    diagnose(&archive).ok()
}

/// What a report must say of a variant; the sentence that says it in the list of complaints.
fn complaint(variant: Variant, report: &Report, intact: &Report) -> Option<&'static str> {
    let coverage = &report.coverage;
    let problem = |kind: ProblemKind, part: &str| {
        let mut problems = coverage.problems.iter();
        problems.any(|problem| problem.kind == kind && problem.path.contains(part))
    };
    let unread = coverage.nodes_without_host_logs.len();
    let must = |holds: bool, complaint: &'static str| (!holds).then_some(complaint);
    match variant {
        Variant::Html => Some("a web page is no bundle"),
        Variant::Truncated => must(
            coverage.problems.iter().any(|problem| {
                matches!(
                    problem.kind,
                    ProblemKind::Truncated | ProblemKind::Unreadable
                )
            }) && coverage.objects > 0,
            "it is not said that the archive ends early",
        ),
        Variant::HttpHeaders
        | Variant::SplitZip
        | Variant::SplitPieces
        | Variant::Repacked
        | Variant::TarGz
        | Variant::Directory => must(
            coverage.objects == intact.coverage.objects
                && coverage.log_lines == intact.coverage.log_lines
                && coverage.nodes_without_host_logs.is_empty()
                && rules(report) == rules(intact),
            "it holds all of the bundle, and not all was read",
        ),
        Variant::NodeTruncated => must(
            coverage
                .problems
                .iter()
                .any(|problem| problem.path.starts_with("nodes/")),
            "it is not said which node's archive is cut",
        ),
        Variant::NodeEmpty => must(
            unread == 1 && problem(ProblemKind::Missing, "nodes/"),
            "it is not said that a node sent nothing, and why",
        ),
        Variant::NoYamls => must(
            coverage.objects == 0 && !coverage.upgrade_collected,
            "it is not said that no objects were collected",
        ),
        Variant::NoClusterYamls => must(
            coverage.objects > 0
                && coverage.objects < intact.coverage.objects
                && problem(ProblemKind::Missing, "yamls/cluster"),
            "it is not said that nothing of cluster scope was collected",
        ),
        Variant::NoNodes => must(
            unread == scenario(SCENARIO).cluster.nodes.len(),
            "it is not said that no node sent anything",
        ),
        Variant::LogsStop => must(
            coverage.log_lines < intact.coverage.log_lines && !coverage.not_evaluated.is_empty(),
            "no rule says that it lacks its logs",
        ),
        Variant::NodeAlone | Variant::SupportconfigAlone => must(
            coverage.objects == 0
                && coverage.files > 0
                && report.cluster.nodes.len() == 1
                && report.cluster.nodes.iter().all(|node| node.host_logs),
            "the one node that sent it is not told",
        ),
        Variant::NotUtf8 => must(
            problem(ProblemKind::Encoding, "configmaps.yaml"),
            "it is not said where the text is no UTF-8",
        ),
        Variant::TornYaml => must(
            problem(ProblemKind::Truncated, "pods.yaml"),
            "it is not said which file ends early",
        ),
    }
}

fn rules(report: &Report) -> Vec<&str> {
    let findings = report.findings.iter();
    findings.map(|finding| finding.rule.as_str()).collect()
}

#[test]
fn every_variant_is_read_and_named() {
    let intact = report(SCENARIO);
    let mut complaints = Vec::new();
    for variant in VARIANTS {
        match report_of(variant) {
            None if variant == Variant::Html => {}
            None => complaints.push(format!("{variant:?}: there is no report")),
            Some(report) => {
                let complaint = complaint(variant, &report, &intact);
                complaints.extend(complaint.map(|complaint| {
                    format!(
                        "{variant:?}: {complaint}\n  {:#?}",
                        report.coverage.problems
                    )
                }));
            }
        }
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}
