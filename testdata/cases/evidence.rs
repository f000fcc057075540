//! Every place that a report shows can be opened, and shows what the report says.

use std::collections::BTreeMap;

use bundle_doctor::archive::Archive;
use bundle_doctor::finding::Evidence;
use bundle_doctor::layout::Layout;

use crate::bench::{report, scenario_archive, scenario_names};

/// The files of a bundle as lines, by the path that a report shows.
pub(crate) fn files(archive: &Archive) -> BTreeMap<String, Vec<String>> {
    let layout = Layout::locate(archive.units().iter().map(|unit| &unit.path)).unwrap();
    let mut files = BTreeMap::new();
    for unit in archive.units() {
        archive.read(unit, &mut |content| {
            if let Some(path) = layout.relative(&content.path) {
                let text = String::from_utf8_lossy(&content.bytes);
                files.insert(path.to_owned(), text.lines().map(str::to_owned).collect());
            }
        });
    }
    files
}

/// Why a reader would not find what an evidence says.
pub(crate) fn complaint(
    evidence: &Evidence,
    files: &BTreeMap<String, Vec<String>>,
) -> Option<String> {
    if evidence.absent {
        let there = files.contains_key(&evidence.path) && evidence.object.is_none();
        return there.then(|| "it is said to be absent, and it is there".to_owned());
    }
    let Some(file) = files.get(&evidence.path) else {
        return Some("there is no such file".to_owned());
    };
    let Some(number) = evidence.line else {
        return evidence
            .object
            .is_some()
            .then(|| "an object without a line".to_owned());
    };
    let Some(line) = file.get(number as usize - 1) else {
        return Some(format!("the file has {} lines", file.len()));
    };
    if let Some(text) = &evidence.text {
        let text = text.trim_end_matches('…').trim();
        return (!line.contains(text)).then(|| format!("the line is {line:?}, not {text:?}"));
    }
    // A field that is not there is shown by the nearest thing that would hold it.
    let (field, value) = (evidence.field.as_deref()?, evidence.value.as_deref()?);
    let wanted = if evidence.path.ends_with(".yaml") {
        last_key(field)?
    } else {
        // What hosts wrote has no keys; its numbers stand there as they are.
        value.parse::<u64>().ok().map(|_| value)?
    };
    (!line.contains(wanted)).then(|| format!("the line is {line:?}, without {wanted:?}"))
}

/// The last key of a field's path, unless it ends in an element of a list.
fn last_key(field: &str) -> Option<&str> {
    match field.strip_suffix("']") {
        Some(quoted) => quoted.rsplit_once("['").map(|(_, key)| key),
        None if field.ends_with(']') => None,
        None => field.rsplit('.').next(),
    }
}

#[test]
fn every_evidence_of_every_scenario_can_be_opened() {
    let mut complaints = Vec::new();
    for name in scenario_names() {
        let report = report(&name);
        let files = files(&scenario_archive(&name));
        for finding in &report.findings {
            assert!(!finding.evidence.is_empty(), "{name}: {}", finding.rule);
            for evidence in &finding.evidence {
                if let Some(complaint) = complaint(evidence, &files) {
                    let Evidence {
                        path, line, field, ..
                    } = evidence;
                    complaints.push(format!(
                        "{name}: {}: {path}:{line:?} {field:?}: {complaint}",
                        finding.rule
                    ));
                }
            }
        }
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}
