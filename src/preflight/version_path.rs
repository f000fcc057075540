//! Which releases a cluster may be upgraded to, directly or by way of others.

use std::collections::BTreeMap;

use super::{Answer, Cluster, Fault, VersionPath};
use crate::finding::{Risk, Severity};
use crate::graph::Graph;
use crate::rule::version::Version;

/// Each release with the oldest one that may be upgraded to it: what the release itself states
/// (`minUpgradableVersion` of its `version.yaml`, in Harvester's repository `package/upgrade-matrix.yaml`),
/// and what the documentation's upgrade support matrix says in its own words
/// (<https://docs.harvesterhci.io/latest/upgrade/automatic>).
///
/// Since no release may be reached from before its minimum, and a minimum never goes down, a path
/// passes through every minor version and never skips one of Kubernetes.
const RELEASES: [(&str, &str); 29] = [
    ("1.0.1", "1.0.0"),
    ("1.0.2", "1.0.1"),
    ("1.0.3", "1.0.2"),
    ("1.1.0", "1.0.3"),
    ("1.1.1", "1.0.3"),
    ("1.1.2", "1.1.0"),
    ("1.1.3", "1.1.1"),
    ("1.2.0", "1.1.2"),
    ("1.2.1", "1.1.2"),
    ("1.2.2", "1.2.1"),
    ("1.3.0", "1.2.2"),
    ("1.3.1", "1.2.2"),
    ("1.3.2", "1.3.1"),
    ("1.4.0", "1.3.2"),
    ("1.4.1", "1.4.0"),
    ("1.4.2", "1.4.1"),
    ("1.4.3", "1.4.1"),
    ("1.5.0", "1.4.2"),
    ("1.5.1", "1.4.2"),
    ("1.5.2", "1.4.2"),
    ("1.6.0", "1.5.0"),
    ("1.6.1", "1.5.0"),
    ("1.7.0", "1.6.0"),
    ("1.7.1", "1.6.0"),
    ("1.7.2", "1.6.0"),
    ("1.7.3", "1.6.0"),
    ("1.8.0", "1.7.0"),
    ("1.8.1", "1.7.0"),
    ("1.8.2", "1.7.0"),
];

/// The releases that are known, each with the oldest one that may be upgraded to it.
pub(super) struct Releases(BTreeMap<Version, Version>);

/// How a release is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Path {
    /// By these upgrades, the last of which is to the release itself.
    Steps(Vec<Version>),
    /// Not at all, and why.
    Never(String),
    /// What is known of releases does not say.
    Unknown(String),
}

impl Releases {
    /// The built-in table, and what the cluster's own `Version` objects say of releases.
    pub(super) fn of(graph: &Graph) -> Self {
        let mut known = BTreeMap::new();
        let objects = graph
            .all("harvesterhci.io", "Version")
            .filter_map(|version| {
                Some((
                    version.name(),
                    version.text(&["spec", "minUpgradableVersion"])?,
                ))
            });
        // The table comes last: an object may have been written by hand.
        for (release, minimum) in objects.chain(RELEASES) {
            if let (Some(release), Some(minimum)) =
                (Version::parse(release), Version::parse(minimum))
                && release.pre_release.is_empty()
            {
                known.insert(release, minimum);
            }
        }
        Releases(known)
    }

    /// The releases that may follow this one at once, in order.
    pub(super) fn directly(&self, from: &Version) -> Vec<Version> {
        let next = self.0.iter();
        let next = next.filter(|(release, minimum)| *release > from && *minimum <= from);
        next.map(|(release, _)| release.clone()).collect()
    }

    /// The fewest upgrades from one release to another, each as far as it may go.
    pub(super) fn path(&self, from: &Version, to: &Version) -> Path {
        if to == from {
            return Path::Never(format!("v{to} is installed already"));
        }
        if to < from {
            return Path::Never(format!(
                "v{to} is older than v{from}, and Harvester does not go back"
            ));
        }
        if let Some(candidate) = [from, to].iter().find(|it| !it.pre_release.is_empty()) {
            return Path::Never(format!(
                "v{candidate} is no release, and Harvester upgrades none to or from another version"
            ));
        }
        if !self.0.contains_key(to) {
            return Path::Unknown(format!("v{to} is none of the releases that are known here"));
        }
        let mut steps = Vec::new();
        let mut at = from.clone();
        while at < *to {
            // The newest is never worse: whatever follows an older release may follow it, too.
            let reachable = self.directly(&at).into_iter();
            match reachable.rev().find(|release| release <= to) {
                Some(next) => at = next,
                None => {
                    return Path::Unknown(format!(
                        "no release that is known here may follow v{at} on the way to v{to}"
                    ));
                }
            }
            steps.push(at.clone());
        }
        Path::Steps(steps)
    }

    /// The newest release that is known.
    pub(super) fn newest(&self) -> Option<&Version> {
        self.0.keys().next_back()
    }
}

/// Which releases may follow, and how to come to the one that was asked for, else to the newest.
pub(super) fn summary(cluster: &Cluster<'_>) -> VersionPath {
    let releases = &cluster.releases;
    let to = cluster.to.or(releases.newest());
    let shown = |version: &Version| format!("v{version}");
    let Some(installed) = &cluster.installed else {
        return VersionPath {
            installed: cluster.bundle.info.harvester_version.clone(),
            directly: Vec::new(),
            to: to.map(shown),
            steps: None,
            reason: Some(UNKNOWN_VERSION.to_owned()),
        };
    };
    let path = match to {
        Some(to) => releases.path(installed, to),
        None => Path::Unknown("no release is known".to_owned()),
    };
    let (steps, reason) = match path {
        Path::Steps(steps) => (Some(steps.iter().map(shown).collect()), None),
        Path::Never(reason) | Path::Unknown(reason) => (None, Some(reason)),
    };
    VersionPath {
        installed: Some(shown(installed)),
        directly: releases.directly(installed).iter().map(shown).collect(),
        to: to.map(shown),
        steps,
        reason,
    }
}

const UNKNOWN_VERSION: &str = "the bundle does not tell the installed version";

/// Whether the version that was asked for may follow at once.
pub(super) fn check(cluster: &Cluster<'_>) -> Answer {
    let Some(installed) = &cluster.installed else {
        return Answer::unknown(UNKNOWN_VERSION);
    };
    let Some(to) = cluster.to else {
        // Nothing was asked for: the report shows where one may go.
        return match cluster.releases.directly(installed).is_empty() {
            true => Answer::unknown(format!("no release after v{installed} is known here")),
            false => Answer::default(),
        };
    };
    let mut settings = cluster.graph.all("harvesterhci.io", "Setting");
    let setting = settings.find(|it| it.name() == "server-version");
    let fault = |title: String| {
        let seen = setting.and_then(|setting| cluster.evidence(setting, "value"));
        Fault::new(Severity::Error, title).seen(seen)
    };
    match cluster.releases.path(installed, to) {
        Path::Steps(steps) => match steps.as_slice() {
            [_] => Answer::default(),
            steps => {
                let steps: Vec<String> = steps.iter().map(|step| format!("v{step}")).collect();
                let title = format!("v{to} may not follow v{installed} at once");
                let text = format!(
                    "Upgrade step by step: v{installed} → {}.",
                    steps.join(" → ")
                );
                let fault = fault(title).remedied(Risk::Disruptive, &text, None);
                Answer::fault(fault)
            }
        },
        Path::Never(reason) => Answer::fault(fault(reason)),
        Path::Unknown(reason) => Answer::unknown(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::GraphBuilder;
    use crate::parse::document::Document;

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    fn built_in() -> Releases {
        Releases::of(&Graph::default())
    }

    fn path(from: &str, to: &str) -> String {
        match built_in().path(&version(from), &version(to)) {
            Path::Steps(steps) => steps.iter().map(|it| format!("{it} ")).collect(),
            Path::Never(why) => format!("never: {why}"),
            Path::Unknown(why) => format!("unknown: {why}"),
        }
    }

    #[test]
    fn paths_take_the_fewest_upgrades() {
        for (from, to, steps) in [
            ("v1.4.1", "v1.4.2", "1.4.2 "),
            ("v1.4.1", "v1.4.3", "1.4.3 "),
            ("v1.4.1", "v1.5.0", "1.4.3 1.5.0 "),
            ("v1.4.0", "v1.5.2", "1.4.1 1.4.3 1.5.2 "),
            ("v1.4.2", "v1.5.1", "1.5.1 "),
            ("v1.5.0", "v1.5.2", "1.5.2 "),
            ("v1.5.0", "v1.7.1", "1.6.1 1.7.1 "),
            ("v1.2.1", "v1.4.0", "1.2.2 1.3.1 1.3.2 1.4.0 "),
            ("v1.3.0", "v1.3.2", "1.3.1 1.3.2 "),
            ("v1.1.3", "v1.2.1", "1.2.1 "),
            ("v1.1.0", "v1.2.1", "1.1.2 1.2.1 "),
        ] {
            assert_eq!(path(from, to), steps, "{from} to {to}");
        }
    }

    #[test]
    fn what_may_not_be_is_said() {
        for (from, to, why) in [
            ("v1.4.1", "v1.4.1", "never: v1.4.1 is installed already"),
            ("v1.4.1", "v1.4.0", "never: v1.4.0 is older"),
            ("v1.4.0-rc2", "v1.4.0", "never: v1.4.0-rc2 is no release"),
            ("v1.4.1", "v1.5.0-rc1", "never: v1.5.0-rc1 is no release"),
            ("v1.4.1", "v1.44.0", "unknown: v1.44.0 is none"),
            (
                "v0.9.0",
                "v1.5.0",
                "unknown: no release that is known here may follow v0.9.0",
            ),
        ] {
            assert!(
                path(from, to).starts_with(why),
                "{from} to {to}: {}",
                path(from, to)
            );
        }
    }

    #[test]
    fn no_upgrade_skips_a_minor_version_and_no_minimum_goes_down() {
        let releases = built_in().0;
        let mut last = version("1.0.0");
        for (release, minimum) in &releases {
            assert!(
                release.minor - minimum.minor <= 1 && minimum < release,
                "{release}"
            );
            assert!(
                last <= *minimum,
                "{release} may follow an older release than its forerunner"
            );
            last = minimum.clone();
        }
        assert_eq!(releases.len(), RELEASES.len());
    }

    #[test]
    fn the_cluster_may_know_newer_releases() {
        let mut builder = GraphBuilder::default();
        let object = serde_json::json!({
            "apiVersion": "harvesterhci.io/v1beta1", "kind": "Version",
            "metadata": { "name": "v1.44.0", "namespace": "harvester-system" },
            "spec": { "minUpgradableVersion": "v1.8.0" },
        });
        builder.add("versions.yaml", Document::from_json(&object));
        let releases = Releases::of(&builder.finish());
        let steps = releases.path(&version("1.7.3"), &version("1.44.0"));
        assert_eq!(
            steps,
            Path::Steps(vec![version("1.8.2"), version("1.44.0")])
        );
        assert_eq!(releases.newest(), Some(&version("1.44.0")));
    }
}
