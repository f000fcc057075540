//! `os-release`, `harvester-release.yaml` and `hostname`.

use crate::parse::host::{Reader, numbered, unquote};
use crate::span::{Location, ProblemKind};

/// The operating system's release file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OsRelease {
    /// `harvester`, `sle-micro-rancher`, `sl-micro`, `sles`: the collector goes by it.
    pub id: Option<String>,
    /// Version of the base system.
    pub version: Option<String>,
    /// `Harvester v1.5.0`: the node's OS image as Kubernetes shows it.
    pub name: Option<String>,
    /// First line read.
    pub seen: Location,
}

/// Versions that the installed image was built from. After an upgrade of the OS it names the new
/// ones only once the node has rebooted into them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HarvesterRelease {
    /// Harvester: `v1.5.0`.
    pub harvester: Option<String>,
    /// Version of the Harvester chart.
    pub harvester_chart: Option<String>,
    /// `Harvester v1.5.0`.
    pub os: Option<String>,
    /// RKE2: `v1.32.3+rke2r1`.
    pub kubernetes: Option<String>,
    /// Rancher.
    pub rancher: Option<String>,
    /// Version of the monitoring chart.
    pub monitoring_chart: Option<String>,
    /// Oldest version that can be upgraded to this one.
    pub min_upgradable_version: Option<String>,
    /// First line read.
    pub seen: Location,
}

/// Reads `os-release`, from its own file or a section that starts at some line.
pub(super) fn read_os_release<'a>(
    reader: &mut Reader,
    lines: impl Iterator<Item = (u32, &'a str)>,
) {
    let mut release: Option<OsRelease> = None;
    for (line, text) in lines {
        let Some((key, value)) = text.trim().split_once('=') else {
            continue;
        };
        let value = Some(unquote(value).to_owned()).filter(|value| !value.is_empty());
        let release = release.get_or_insert_with(|| OsRelease {
            id: None,
            version: None,
            name: None,
            seen: reader.at(line),
        });
        match key {
            "ID" => release.id = value,
            "VERSION_ID" => release.version = value,
            "PRETTY_NAME" => release.name = value,
            _ => {}
        }
    }
    match release {
        Some(release) if release.id.is_some() || release.name.is_some() => {
            if reader.facts.os.is_none() {
                reader.facts.os = Some(release);
            }
        }
        _ => reader.problem(
            None,
            ProblemKind::Syntax,
            "no release of an operating system in it",
        ),
    }
}

/// Reads `harvester-release.yaml`, which is flat: one `key: value` a line.
pub(super) fn read_harvester_release(reader: &mut Reader, text: &str) {
    let mut release: Option<HarvesterRelease> = None;
    for (line, text) in numbered(text) {
        let Some((key, value)) = text.split_once(':') else {
            continue;
        };
        let value = Some(unquote(value).to_owned()).filter(|value| !value.is_empty());
        let release = release.get_or_insert_with(|| HarvesterRelease {
            harvester: None,
            harvester_chart: None,
            os: None,
            kubernetes: None,
            rancher: None,
            monitoring_chart: None,
            min_upgradable_version: None,
            seen: reader.at(line),
        });
        match key {
            "harvester" => release.harvester = value,
            "harvesterChart" => release.harvester_chart = value,
            "os" => release.os = value,
            "kubernetes" => release.kubernetes = value,
            "rancher" => release.rancher = value,
            "monitoringChart" => release.monitoring_chart = value,
            "minUpgradableVersion" => release.min_upgradable_version = value,
            _ => {}
        }
    }
    match release {
        Some(release) if release.harvester.is_some() => reader.facts.harvester = Some(release),
        _ => reader.problem(None, ProblemKind::Syntax, "it names no Harvester version"),
    }
}

/// Reads `hostname`.
pub(super) fn read_hostname(reader: &mut Reader, text: &str) {
    let Some((line, name)) = numbered(text).find(|(_, text)| !text.trim().is_empty()) else {
        return;
    };
    let name = name.trim();
    if name.contains(char::is_whitespace) || name.contains('\0') {
        reader.problem(Some(line), ProblemKind::Syntax, "not a host name");
    } else {
        reader.facts.hostname = Some(reader.fact(name.to_owned(), line));
    }
}

#[cfg(test)]
mod tests {
    use crate::parse::host::{HostFile, read};
    use crate::span::ProblemKind;

    #[test]
    fn release_files() {
        let os = read(
            HostFile::OsRelease,
            "node1/configs/etc/os-release",
            "NAME=\"SLE Micro\"\nID=\"sle-micro-rancher\"\nVERSION_ID='5.5'\nPRETTY_NAME=\"Harvester v1.5.0\"\n",
        );
        assert!(os.problems.is_empty());
        let release = os
            .value
            .os
            .map(|os| (os.id, os.version, os.name, os.seen.to_string()));
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            release,
            Some((
                text("sle-micro-rancher"),
                text("5.5"),
                text("Harvester v1.5.0"),
                "node1/configs/etc/os-release:1".to_owned()
            ))
        );

        let harvester = read(
            HostFile::HarvesterRelease,
            "p",
            "harvester: v1.5.0\nharvesterChart: 1.5.0\nos: Harvester v1.5.0\nkubernetes: v1.32.3+rke2r1\n\
             rancher: v2.11.0\nmonitoringChart: 105.1.2+up61.3.2\nminUpgradableVersion: '1.4.2'\n",
        );
        assert!(harvester.problems.is_empty());
        let release = harvester
            .value
            .harvester
            .map(|r| (r.harvester, r.os, r.kubernetes, r.min_upgradable_version));
        assert_eq!(
            release,
            Some((
                text("v1.5.0"),
                text("Harvester v1.5.0"),
                text("v1.32.3+rke2r1"),
                text("1.4.2")
            ))
        );
        assert_eq!(
            read(HostFile::Hostname, "p", "node1\n")
                .value
                .hostname
                .map(|fact| fact.value),
            text("node1")
        );
    }

    #[test]
    fn other_text_in_their_place_is_a_problem() {
        for (file, text) in [
            (HostFile::OsRelease, "hello"),
            (HostFile::OsRelease, "A=b"),
            (HostFile::HarvesterRelease, "os: x"),
            (HostFile::HarvesterRelease, "\u{fffd}\u{0}\u{1}"),
            (HostFile::Hostname, "two words"),
        ] {
            let parsed = read(file, "p", text);
            assert_eq!(parsed.problems.len(), 1, "{text:?}");
            assert_eq!(parsed.problems[0].kind, ProblemKind::Syntax, "{text:?}");
        }
    }
}
