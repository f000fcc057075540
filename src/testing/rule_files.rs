//! The files below `rules/`, as they are in the repository.

use std::path::{Path, PathBuf};

/// Files of rules, or of their cases, with their texts, in order of their paths.
pub(crate) fn files_below_rules(of_cases: bool) -> Vec<(String, String)> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders: Vec<PathBuf> = vec![top.join("rules")];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(top).unwrap().display().to_string();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".yaml") && name.ends_with(".test.yaml") == of_cases {
                found.push((name, std::fs::read_to_string(path).unwrap()));
            }
        }
    }
    found.sort();
    assert!(found.len() > 20);
    found
}
