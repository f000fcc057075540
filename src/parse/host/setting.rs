//! Top-level settings of configuration files.

use crate::parse::host::{MOST_ROWS, Reader, numbered, unquote};
use crate::span::{Location, ProblemKind};

/// A top-level key of a configuration file with its plain values. Secrets are dropped, and so are
/// values that are maps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Path of the file below the node: `configs/etc/rancher/rke2/config.yaml.d/50-rancher.yaml`.
    pub file: String,
    /// Key: `server`, `role`, `node-label`.
    pub key: String,
    /// The value, or the items of a list.
    pub values: Vec<String>,
    /// Line of the key.
    pub seen: Location,
}

/// Reads the top level of a YAML configuration. These files are written by tools: block style with
/// keys in the first column, or one line of JSON. What goes deeper belongs to a YAML parser.
pub(super) fn read_settings(reader: &mut Reader, file: &str, text: &str) {
    let mut open: Option<Setting> = None;
    for (line, text) in numbered(text) {
        let trimmed = text.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') || trimmed == "---" {
            continue;
        }
        if text.starts_with('{') {
            read_json(reader, file, line, trimmed);
            continue;
        }
        if let Some(item) = trimmed.strip_prefix("- ") {
            if let Some(setting) = &mut open
                && setting.values.len() < MOST_ROWS
            {
                setting.values.push(unquote(item).to_owned());
            }
        } else if !text.starts_with(char::is_whitespace) {
            keep(reader, open.take());
            let Some((key, value)) = trimmed.split_once(':') else {
                reader.problem(
                    Some(line),
                    ProblemKind::Syntax,
                    "neither a key nor an item of a list",
                );
                return;
            };
            let value = unquote(value);
            let is_text =
                !value.is_empty() && !matches!(value, "[]" | "{}" | "|" | ">" | "|-" | ">-");
            open = Some(Setting {
                file: file.to_owned(),
                key: unquote(key).to_owned(),
                values: is_text.then(|| value.to_owned()).into_iter().collect(),
                seen: reader.at(line),
            });
        } else if open
            .as_ref()
            .is_some_and(|setting| setting.values.is_empty())
        {
            // A map or a block of text: not a plain value.
            open = None;
        }
    }
    keep(reader, open);
}

/// Reads shell assignments: `KUBECONFIG="/etc/rancher/rke2/rke2.yaml"`.
pub(super) fn read_environment(reader: &mut Reader, file: &str, text: &str) {
    for (line, text) in numbered(text) {
        let Some((key, value)) = text.trim().split_once('=') else {
            continue;
        };
        if key.starts_with('#') || key.contains(char::is_whitespace) {
            continue;
        }
        let setting = Setting {
            file: file.to_owned(),
            key: key.to_owned(),
            values: vec![unquote(value).to_owned()],
            seen: reader.at(line),
        };
        keep(reader, Some(setting));
    }
}

fn read_json(reader: &mut Reader, file: &str, line: u32, text: &str) {
    let settings: serde_json::Map<String, serde_json::Value> = match serde_json::from_str(text) {
        Ok(settings) => settings,
        Err(error) => {
            reader.problem(
                Some(line),
                ProblemKind::Syntax,
                format!("not JSON: {error}"),
            );
            return;
        }
    };
    let plain = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Bool(_) | serde_json::Value::Number(_) => Some(value.to_string()),
        _ => None,
    };
    for (key, value) in settings {
        let values = match &value {
            serde_json::Value::Array(items) => items.iter().filter_map(plain).collect(),
            serde_json::Value::Object(_) => continue,
            single => plain(single)
                .into_iter()
                .filter(|text| !text.is_empty())
                .collect(),
        };
        let setting = Setting {
            file: file.to_owned(),
            key,
            values,
            seen: reader.at(line),
        };
        keep(reader, Some(setting));
    }
}

fn keep(reader: &mut Reader, setting: Option<Setting>) {
    let Some(setting) = setting else { return };
    let key = setting.key.to_ascii_lowercase();
    // The collector masks some of these, by exact name; none has a place in a diagnosis.
    let is_secret = ["token", "passw", "secret", "credential"]
        .iter()
        .any(|word| key.contains(word));
    if !is_secret {
        reader.keep(|facts| &mut facts.settings, setting);
    }
}

#[cfg(test)]
mod tests {
    use crate::parse::host::{HostFile, read};

    fn settings(text: &str) -> Vec<(String, String, Option<u32>)> {
        let parsed = read(HostFile::Settings("configs/c.yaml".to_owned()), "p", text);
        assert_eq!(parsed.problems, []);
        let row =
            |setting: super::Setting| (setting.key, setting.values.join("|"), setting.seen.line);
        parsed.value.settings.into_iter().map(row).collect()
    }

    fn row(key: &str, values: &str, line: u32) -> (String, String, Option<u32>) {
        (key.to_owned(), values.to_owned(), Some(line))
    }

    #[test]
    fn block_style() {
        let text = "\
# Note: this file is re-formatted by support-bundle-kit collector.
server: https://172.16.0.10:443
role: \"agent\"
token: '***'
node-label:
  - harvesterhci.io/managed=true
  - \"rke.cattle.io/machine=abc\"
tls-san:
- 172.16.0.10
os:
  hostname: node1
  password: hunter2
empty: []
cluster-secret-file: x
";
        assert_eq!(
            settings(text),
            [
                row("server", "https://172.16.0.10:443", 2),
                row("role", "agent", 3),
                row(
                    "node-label",
                    "harvesterhci.io/managed=true|rke.cattle.io/machine=abc",
                    5
                ),
                row("tls-san", "172.16.0.10", 8),
                row("empty", "", 13),
            ]
        );
    }

    #[test]
    fn one_line_of_json() {
        let text = "# Note\n{\"agent-token\": \"***\", \"cni\": [\"multus\", \"canal\"], \"protect-kernel-defaults\": false, \
                    \"server\": \"\", \"nested\": {\"a\": 1}}\n";
        assert_eq!(
            settings(text),
            [
                row("cni", "multus|canal", 2),
                row("protect-kernel-defaults", "false", 2),
                row("server", "", 2)
            ]
        );
    }

    #[test]
    fn a_file_of_a_comment_alone_is_no_problem() {
        assert_eq!(settings("# Note: this file is re-formatted.\n\n"), []);
    }

    #[test]
    fn broken_text_is_one_problem() {
        for text in ["{\"a\": ", "no key here\nnor here\n", "\u{0}\u{1}\u{fffd}"] {
            let parsed = read(HostFile::Settings("c".to_owned()), "p", text);
            assert_eq!(parsed.problems.len(), 1, "{text:?}");
        }
    }

    #[test]
    fn shell_assignments() {
        let text = "HARVESTER_DASHBOARD=\"true\"\n# A=b\nKUBECONFIG=/etc/rancher/rke2/rke2.yaml\nTOKEN=x\n";
        let parsed = read(HostFile::Environment("e".to_owned()), "p", text);
        let keys: Vec<_> = parsed
            .value
            .settings
            .iter()
            .map(|s| (s.key.as_str(), s.values.join("")))
            .collect();
        assert_eq!(
            keys,
            [
                ("HARVESTER_DASHBOARD", "true".to_owned()),
                ("KUBECONFIG", "/etc/rancher/rke2/rke2.yaml".to_owned())
            ]
        );
    }
}
