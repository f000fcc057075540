//! Top-level settings of configuration files.

use crate::parse::host::{Reader, numbered, unquote};
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
            if let Some(setting) = &mut open {
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
