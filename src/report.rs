//! The report: one model, written as text, JSON, YAML or Markdown.

mod about;
pub mod cases;
pub mod catalogue;
pub mod dialect;
pub mod file;
pub mod json;
pub mod markdown;
pub mod mask;
pub mod mistakes;
pub mod new_rule;
mod page;
pub mod preflight;
pub mod relations;
#[cfg(test)]
mod samples;
mod table;
pub mod text;
pub mod timeline;
pub mod trace;
pub mod triage;
pub mod yaml;

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use crate::about::About;
use crate::diagnosis::facts::{BundleInfo, ClusterSummary, Coverage, UpgradeSummary};
use crate::diagnosis::{Diagnosis, Facts, Link, PlanStep, Verdict};
use crate::finding::Finding;

pub use file::write_whole;
pub use markdown::MarkdownOptions;
pub use text::{Style, TextOptions};

/// Name and version of the report's schema.
pub const SCHEMA: &str = "bundle-doctor/v1";

/// Everything that is said of a bundle. All keys are always written; what is unknown is `null`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// `bundle-doctor/v1`.
    pub schema: String,
    /// What made the report.
    pub tool: Tool,
    /// Of which bundle.
    pub bundle: BundleInfo,
    /// Of which cluster.
    pub cluster: ClusterSummary,
    /// The latest upgrade.
    pub upgrade: Option<UpgradeSummary>,
    /// State, action and their reasons.
    pub verdict: Verdict,
    /// Root causes, ranked.
    pub diagnoses: Vec<Diagnosis>,
    /// The remedies of all diagnoses in one safe order.
    pub plan: Vec<PlanStep>,
    /// All findings.
    pub findings: Vec<Finding>,
    /// How much was examined, and what was not.
    pub coverage: Coverage,
    /// Everything known of the object that was asked about.
    pub about: Option<About>,
}

/// The program and its rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Tool {
    /// `bundle-doctor`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its rules.
    pub rules: RuleSetInfo,
}

/// Names a set of rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RuleSetInfo {
    /// How many rules ran or could have run.
    pub count: u64,
    /// `sha256:` and the digest of all rule files.
    pub digest: String,
}

impl Tool {
    /// This program with a set of rules.
    #[must_use]
    pub fn new(rules: RuleSetInfo) -> Self {
        Tool {
            name: env!("CARGO_PKG_NAME").into(),
            version: env!("CARGO_PKG_VERSION").into(),
            rules,
        }
    }
}

impl Report {
    /// Diagnoses the findings and puts all parts together. Secrets are still in it: see [`mask::mask`].
    #[must_use]
    pub fn new(tool: Tool, facts: Facts, findings: Vec<Finding>, links: &[Link]) -> Self {
        let outcome = crate::diagnosis::diagnose(findings, links, &facts);
        Report {
            schema: SCHEMA.into(),
            tool,
            bundle: facts.bundle,
            cluster: facts.cluster,
            upgrade: facts.upgrade,
            verdict: outcome.verdict,
            diagnoses: outcome.diagnoses,
            plan: outcome.plan,
            findings: outcome.findings,
            coverage: facts.coverage,
            about: None,
        }
    }
}

/// A form to write a report in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For a reader.
    Text(TextOptions),
    /// For programs.
    Json,
    /// For programs and people who prefer it.
    Yaml,
    /// To be pasted into an issue.
    Markdown(MarkdownOptions),
}

/// Writes a report. Errors are those of `out`; a closed pipe is the caller's to forgive.
pub fn write(report: &Report, format: Format, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Text(options) => text::write(report, &options, out),
        Format::Json => json::write(report, out),
        Format::Yaml => yaml::write(report, out),
        Format::Markdown(options) => markdown::write(report, options, out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> schemars::Schema {
        let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
        settings.into_generator().into_root_schema_for::<Report>()
    }

    #[test]
    fn schema_file_is_that_of_the_types() {
        crate::testing::check_schema_file("report.v1.schema.json", &schema());
    }

    fn samples() -> [(&'static str, Report); 6] {
        [
            ("stuck-upgrade", samples::stuck_upgrade()),
            ("node-failure", samples::node_failure()),
            ("nothing-found", samples::nothing_found()),
            ("broken-bundle", samples::broken_bundle()),
            ("hundred-nodes", samples::hundred_nodes()),
            ("degraded", samples::degraded()),
        ]
    }

    fn written(report: &Report, format: Format) -> String {
        let mut out = Vec::new();
        write(report, format, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn text_reads_well() {
        insta::with_settings!({ snapshot_path => "../testdata/snapshots/report", prepend_module_to_snapshot => false, omit_expression => true }, {
            for (name, report) in samples() {
                insta::assert_snapshot!(name, written(&report, Format::Text(TextOptions::default())));
            }
            let all = TextOptions {
                style: Style { color: false, width: 80 },
                min_severity: crate::finding::Severity::Info,
                show_suppressed: true,
                verbose: true,
                since: None,
            };
            insta::assert_snapshot!("stuck-upgrade-verbose-80", written(&samples::stuck_upgrade(), Format::Text(all)));
        });
    }

    #[test]
    fn lines_keep_to_the_width_but_for_what_must_not_break() {
        for width in [60, 80, 100, 120] {
            let options = TextOptions {
                style: Style {
                    color: false,
                    width,
                },
                ..TextOptions::default()
            };
            for (name, report) in samples() {
                for line in written(&report, Format::Text(options)).lines() {
                    // A path, command, or node row may be longer; nothing may end in blanks.
                    let whole =
                        line.contains('/') || line.contains("$ ") || line.starts_with("  harv-");
                    assert!(
                        whole || line.chars().count() <= width,
                        "{name} at {width}: {line}"
                    );
                    assert_eq!(line.trim_end(), line);
                }
            }
        }
    }

    #[test]
    fn colour_adds_nothing_but_colour() {
        for (name, report) in samples() {
            let plain = written(&report, Format::Text(TextOptions::default()));
            let color = TextOptions {
                style: Style {
                    color: true,
                    width: 100,
                },
                ..TextOptions::default()
            };
            let painted = written(&report, Format::Text(color));
            assert_ne!(plain, painted);
            assert_eq!(
                anstream::adapter::strip_str(&painted).to_string(),
                plain,
                "{name}"
            );
        }
    }

    #[test]
    fn json_and_yaml_say_the_same() {
        for (name, report) in samples() {
            let json = written(&report, Format::Json);
            assert!(
                json.starts_with("{\n  \"schema\": \"bundle-doctor/v1\"") && json.ends_with("}\n")
            );
            let value: serde_json::Value = serde_json::from_str(&json).unwrap();
            let yaml: serde_json::Value =
                serde_saphyr::from_str(&written(&report, Format::Yaml)).unwrap();
            assert!(value == yaml, "{name}");
        }
    }

    /// What the contract promises: these keys in this order, unknown ones as null.
    #[test]
    fn keys_are_those_of_the_contract() {
        let json = written(&samples::stuck_upgrade(), Format::Json);
        let keys = |indent: usize, from: &str| -> Vec<String> {
            let start = if from.is_empty() {
                0
            } else {
                json.find(from).unwrap() + from.len()
            };
            let prefix = format!("{}\"", " ".repeat(indent));
            let lines = json[start..]
                .lines()
                .skip(1)
                .take_while(|line| line.len() - line.trim_start().len() >= indent);
            let own = lines.filter_map(|line| line.strip_prefix(&prefix)?.split_once("\":"));
            own.map(|(key, _)| key.to_owned()).collect()
        };
        assert_eq!(
            keys(2, "").join(" "),
            "schema tool bundle cluster upgrade verdict diagnoses plan findings coverage about"
        );
        for (indent, from, expected) in [
            (4, "\"tool\": ", "name version rules"),
            (
                4,
                "\"bundle\": ",
                "file name collectedAt harvesterVersion kubernetesVersion issueUrl issueDescription clusterId",
            ),
            (4, "\"cluster\": ", "nodes etcd"),
            (
                8,
                "\"nodes\": [\n",
                "name exists roles ready since schedulable kubeletVersion harvesterRelease machine machinePhase hostLogs lastSeen fetch",
            ),
            (6, "\"etcd\": ", "members voters healthy quorum margin"),
            (
                4,
                "\"upgrade\": ",
                "name from to state phase since lastMovement waitsFor blockedOn order pausedCharts nodes",
            ),
            (
                4,
                "\"verdict\": ",
                "state action summary facts saveFirst collect",
            ),
            (
                6,
                "\"diagnoses\": [\n",
                "rank cause severity confidence history title summary effects edges cycle remedy references blastRadius",
            ),
            (
                6,
                "\"plan\": [\n",
                "text command risk check forbidsMeanwhile diagnoses",
            ),
            (
                6,
                "\n  \"findings\": [\n",
                "id rule category severity confidence status title message notes incomplete omitted subject exports \
                 firstSeen lastSeen history count evidence remedy references causedBy suppressed",
            ),
            (
                10,
                "\"evidence\": [\n",
                "path line time text object field value absent note",
            ),
            (
                4,
                "\"coverage\": ",
                "files bytes objects logLines upgradeCollected namespaces nodesWithoutHostLogs problems notEvaluated",
            ),
        ] {
            let found: Vec<String> = keys(indent, from);
            assert_eq!(found.join(" "), expected, "{from}");
        }
        assert!(json.contains("\"collectedAt\": \"2025-03-17T09:12:44Z\""));
        assert!(
            json.contains("\"issueUrl\": null") && json.contains("\"state\": \"upgrade-stuck\"")
        );
    }

    #[test]
    fn no_secret_and_no_control_character_leaves() {
        let report = samples::node_failure();
        for format in [
            Format::Text(TextOptions::default()),
            Format::Json,
            Format::Yaml,
        ] {
            let text = written(&report, format);
            assert!(
                !text.contains("hunter2") && !text.contains("admin:pw"),
                "{text}"
            );
            assert!(text.contains("password=***") && !text.contains('\u{1b}'));
        }
    }

    #[test]
    fn a_broken_pipe_is_the_callers() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        for format in [
            Format::Text(TextOptions::default()),
            Format::Json,
            Format::Yaml,
        ] {
            let error = write(&samples::degraded(), format, &mut Closed).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        }
    }
}
