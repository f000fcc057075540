//! Whether a cluster is ready for an upgrade: each check passed, failed, or could not be made.
//!
//! What decides a check is mostly a finding of one of its rules; the list is in `checks.rs`. A check is
//! passed only when everything it looks at was in the bundle, and no bundle shows everything: the
//! best that is ever said is that nothing known stands against an upgrade.

mod backup;
mod checks;
mod condition;
mod decide;
mod room;
mod storage_network;
mod version_path;

use schemars::JsonSchema;
use serde::Serialize;

use crate::bundle::Bundle;
use crate::diagnosis::facts::BundleInfo;
use crate::evaluate::{Evaluation, origin_evidence};
use crate::finding::{Confidence, Evidence, Finding, ObjectName, RemedyStep, Risk, Severity};
use crate::graph::kind::DERIVED_GROUP;
use crate::graph::{Graph, Kind, ObjectView};
use crate::rule::RuleSet;
use crate::rule::version::Version;
use crate::span::Problem;
use checks::CHECKS;
pub(crate) use room::{Room, Shortfall, room};
use version_path::Releases;

/// What stands against an upgrade, and what could not be seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Assessment {
    /// Of which bundle.
    pub bundle: BundleInfo,
    /// Which versions may follow.
    pub path: VersionPath,
    /// All checks in one word, and how many there are of each state.
    pub verdict: Readiness,
    /// Each check, in a fixed order.
    pub checks: Vec<Check>,
    /// What of the bundle could not be read.
    pub problems: Vec<Problem>,
}

/// Which versions may follow the installed one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct VersionPath {
    /// The installed version.
    pub installed: Option<String>,
    /// Releases that it may be upgraded to at once; empty where the installed version is not known.
    pub directly: Vec<String>,
    /// The version that was asked for, else the newest that is known.
    pub to: Option<String>,
    /// The upgrades that lead there, the last to the version itself; `null` where there is no way.
    pub steps: Option<Vec<String>>,
    /// Why there is no way, or why it is not known.
    pub reason: Option<String>,
}

/// All checks in one word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Readiness {
    /// What it comes to.
    pub state: ReadinessState,
    /// Checks that passed.
    pub passed: usize,
    /// Checks that failed.
    pub failed: usize,
    /// Of these, the ones over which Harvester itself refuses an upgrade.
    pub refused: usize,
    /// Checks that could not be made, or only in part.
    pub not_computable: usize,
    /// Checks that mean nothing for this cluster.
    pub not_applicable: usize,
}

/// What all checks come to. There is no word for "ready".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReadinessState {
    /// Harvester would not let the upgrade begin.
    Refused,
    /// A check failed that Harvester does not make before it begins.
    NotReady,
    /// No check failed; some may not have been made.
    NothingKnownAgainst,
    /// No check failed, and most could not be made.
    NotAssessable,
}

/// One check and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// Stable name.
    pub id: String,
    /// What holds when it passes.
    pub title: String,
    /// What came of it.
    pub state: CheckState,
    /// How bad it is that it failed; `null` where it did not.
    pub severity: Option<Severity>,
    /// Who of Harvester asks for the same at the installed version.
    pub asked_by: Vec<Asker>,
    /// Rules that decide it.
    pub rules: Vec<String>,
    /// What failed it.
    pub faults: Vec<Fault>,
    /// Why it could not be made, or in part, or means nothing here; what was accepted.
    pub notes: Vec<String>,
}

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CheckState {
    /// Something is wrong.
    Failed,
    /// What it looks at is not, or not wholly, in the bundle.
    NotComputable,
    /// Everything was looked at, and nothing is wrong.
    Passed,
    /// It means nothing for this version, or for a cluster of this size.
    NotApplicable,
}

/// Who of Harvester makes a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Asker {
    /// The webhook, which refuses to let an upgrade begin.
    Webhook,
    /// The controller of upgrades, which ends one that it does not allow as soon as it has begun.
    Controller,
    /// The script that the documentation has people run before.
    Script,
}

impl Asker {
    /// Whether no upgrade goes on that does not pass.
    #[must_use]
    pub fn refuses(self) -> bool {
        self != Asker::Script
    }
}

/// What failed a check.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Fault {
    /// The rule that found it; `null` where the check itself did.
    pub rule: Option<String>,
    /// How bad it is by itself, an upgrade aside.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// One line.
    pub title: String,
    /// What was found, in full.
    pub message: String,
    /// What it is about.
    pub subject: Option<ObjectName>,
    /// Where to see it.
    pub evidence: Vec<Evidence>,
    /// What to do, safest step first.
    pub remedy: Vec<RemedyStep>,
}

/// Takes from the rules that the checks go by the time they give a state to pass by itself: the
/// webhook gives none. What a user sets afterwards holds.
pub fn ask_at_once(rules: &mut RuleSet) {
    for (rule, param) in checks::AT_ONCE {
        // A user's own rule of that name need not have the constant; then there is nothing to take.
        let _ = rules.set_param(&format!("{rule}.{param}=0s"));
    }
}

/// Makes all checks. Secrets are still in what they show: see [`crate::report::mask`].
#[must_use]
pub fn check(
    bundle: &Bundle,
    rules: &RuleSet,
    evaluation: &Evaluation,
    to: Option<&Version>,
) -> Assessment {
    let cluster = Cluster::new(bundle, to);
    let checks: Vec<Check> = CHECKS
        .iter()
        .map(|entry| decide::made(entry, &cluster, rules, evaluation))
        .collect();
    let count = |state: CheckState| checks.iter().filter(|it| it.state == state).count();
    let failed = checks.iter().filter(|it| it.state == CheckState::Failed);
    let refused = failed
        .filter(|it| it.asked_by.iter().any(|asker| asker.refuses()))
        .count();
    let failed = count(CheckState::Failed);
    Assessment {
        bundle: bundle.info.clone(),
        path: version_path::summary(&cluster),
        verdict: Readiness {
            state: match (refused, failed) {
                (0, 0) if count(CheckState::NotComputable) > count(CheckState::Passed) => {
                    ReadinessState::NotAssessable
                }
                (0, 0) => ReadinessState::NothingKnownAgainst,
                (0, _) => ReadinessState::NotReady,
                _ => ReadinessState::Refused,
            },
            passed: count(CheckState::Passed),
            failed,
            refused,
            not_computable: count(CheckState::NotComputable),
            not_applicable: count(CheckState::NotApplicable),
        },
        checks,
        problems: bundle.problems.clone(),
    }
}

/// What the checks look at.
struct Cluster<'b> {
    bundle: &'b Bundle,
    graph: &'b Graph,
    /// The installed version, if it is known.
    installed: Option<Version>,
    /// The version that was asked for.
    to: Option<&'b Version>,
    releases: Releases,
    /// The upgrade that is under way.
    upgrade: Option<ObjectView<'b>>,
}

/// What a check that no rule decides came to.
#[derive(Default)]
struct Answer {
    faults: Vec<Fault>,
    /// Why it could not be computed, or not wholly.
    unknown: Vec<String>,
    /// Why it means nothing here.
    not_applicable: Option<String>,
}

impl<'b> Cluster<'b> {
    fn new(bundle: &'b Bundle, to: Option<&'b Version>) -> Self {
        let graph = &bundle.graph;
        let installed = bundle.info.harvester_version.as_deref();
        let status = graph.all(DERIVED_GROUP, "UpgradeStatus").next();
        Cluster {
            bundle,
            graph,
            // What was built without a version calls itself 0.0.0.
            installed: installed
                .and_then(Version::parse)
                .filter(|it| (it.major, it.minor, it.patch) != (0, 0, 0)),
            to,
            releases: Releases::of(graph),
            upgrade: status.filter(|status| {
                let progress = status.text(&["progress"]);
                matches!(progress, Some("progressing" | "stuck" | "paused"))
            }),
        }
    }

    /// Nodes that may hold data and run VMs.
    fn nodes(&self) -> impl Iterator<Item = ObjectView<'b>> + use<'b> {
        let witness = "node-role.harvesterhci.io/witness";
        let nodes = self.graph.all("", "Node");
        nodes.filter(move |node| node.label(witness).is_none())
    }

    /// Says so, where objects of a kind and namespace were not collected.
    fn lacks(&self, group: &str, kind: &str, namespace: Option<&str>) -> Option<String> {
        let wanted = Kind::new(group, kind);
        let collected = self.graph.collected().has(&wanted, namespace);
        let place = namespace.map_or(String::new(), |namespace| format!(" of {namespace}"));
        (!collected).then(|| format!("needs {}{place}, which was not collected", wanted.display()))
    }

    /// Namespaces of the cluster that may hold VMs and pods, and were not collected.
    fn unseen_namespaces(&self) -> Vec<&'b str> {
        /// They hold settings of Rancher and of the cluster, and never a pod.
        const WITHOUT_PODS: [&str; 8] = [
            "cattle-global-data",
            "cattle-global-nt",
            "cattle-impersonation-system",
            "fleet-default",
            "harvester-public",
            "kube-node-lease",
            "kube-public",
            "local",
        ];
        let collected = self.graph.collected();
        let names = self.graph.all("", "Namespace").map(ObjectView::name);
        names
            .filter(|name| !collected.namespace(name) && !WITHOUT_PODS.contains(name))
            // Fleet keeps its deployments of the cluster itself there.
            .filter(|name| !name.starts_with("cluster-fleet-local-"))
            .collect()
    }

    /// A field of an object, where it is seen; of a field that is missing, the object.
    fn evidence(&self, object: ObjectView<'_>, field: &str) -> Option<Evidence> {
        origin_evidence(self.graph, object.id(), field)
            .or_else(|| origin_evidence(self.graph, object.id(), "metadata.name"))
    }
}

impl Fault {
    /// A fault of which nothing but its line is known yet.
    fn new(severity: Severity, title: impl Into<String>) -> Self {
        let title = title.into();
        Fault {
            rule: None,
            severity,
            confidence: Confidence::Certain,
            message: String::new(),
            title,
            subject: None,
            evidence: Vec::new(),
            remedy: Vec::new(),
        }
    }

    fn about(mut self, object: ObjectView<'_>) -> Self {
        self.subject = Some(object.object_name());
        self
    }

    fn saying(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    fn seen(mut self, evidence: impl IntoIterator<Item = Evidence>) -> Self {
        self.evidence.extend(evidence);
        self
    }

    fn remedied(mut self, risk: Risk, text: &str, command: Option<&str>) -> Self {
        self.remedy.push(RemedyStep {
            text: text.to_owned(),
            command: command.map(str::to_owned),
            risk,
            check: None,
            forbids_meanwhile: None,
        });
        self
    }

    fn found(finding: &Finding) -> Self {
        Fault {
            rule: Some(finding.rule.clone()),
            severity: finding.severity,
            confidence: finding.confidence,
            title: finding.title.clone(),
            message: finding.message.clone(),
            subject: Some(finding.subject.clone()),
            evidence: finding.evidence.clone(),
            remedy: finding.remedy.clone(),
        }
    }
}

impl Answer {
    fn fault(fault: Fault) -> Self {
        Answer {
            faults: vec![fault],
            ..Answer::default()
        }
    }

    fn unknown(reason: impl Into<String>) -> Self {
        Answer {
            unknown: vec![reason.into()],
            ..Answer::default()
        }
    }

    fn not_applicable(reason: impl Into<String>) -> Self {
        Answer {
            not_applicable: Some(reason.into()),
            ..Answer::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rule::version::VersionRange;
    use std::collections::BTreeSet;

    use super::*;
    use crate::testing::bundle_of;

    /// Shows a test the cluster of some objects, all others being known not to exist.
    pub(super) fn on(objects: &str, test: impl FnOnce(&Cluster<'_>)) {
        let bundle = bundle_of(objects, true);
        test(&Cluster::new(&bundle, None));
    }

    #[test]
    fn every_check_can_be_decided() {
        let rules = RuleSet::builtin().unwrap();
        let mut ids = BTreeSet::new();
        for entry in CHECKS {
            assert!(
                crate::rule::is_id(entry.id) && ids.insert(entry.id),
                "{}",
                entry.id
            );
            for rule in entry.rules {
                let known = rules.get(rule).is_some_and(|known| known.id == *rule);
                assert!(known, "{}: there is no rule {rule}", entry.id);
            }
            let decided = !entry.rules.is_empty() || entry.computed.is_some();
            assert!(
                decided || entry.never.is_some(),
                "{} decides nothing",
                entry.id
            );
            let ranges = entry.asked.iter().map(|(_, range)| *range);
            for range in ranges
                .chain([entry.versions])
                .filter(|range| !range.is_empty())
            {
                assert!(VersionRange::parse(range).is_ok(), "{}: {range}", entry.id);
            }
        }
    }

    #[test]
    fn constants_of_rules_that_are_set_exist_and_matter() {
        let decides: BTreeSet<&str> = CHECKS.iter().flat_map(|it| it.rules).copied().collect();
        for (rule, param) in checks::AT_ONCE {
            let mut rules = RuleSet::builtin().unwrap();
            rules.set_param(&format!("{rule}.{param}=0s")).unwrap();
            assert!(decides.contains(rule), "{rule} decides no check");
        }
    }
}
