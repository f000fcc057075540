//! Records what the YAML parser says of the rules, which are part of the program, so that it need
//! not parse them at each start.
#![allow(clippy::print_stdout)] // the way a build script speaks to cargo

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

#[path = "src/rule/recording.rs"]
#[allow(dead_code)] // the program's half
mod recording;

fn main() -> io::Result<()> {
    // Also, a new file in a folder would else go unseen.
    println!("cargo::rerun-if-changed=rules");
    println!("cargo::rerun-if-changed=src/rule/recording.rs");
    let rules = Path::new("rules");
    let mut recordings = BTreeMap::new();
    let mut open = vec![rules.to_owned()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path)?.map(|entry| Ok(entry?.path()));
            open.extend(entries.collect::<io::Result<Vec<PathBuf>>>()?);
        } else if is_rule(&path)
            && let Some(name) = path.strip_prefix(rules).ok().and_then(Path::to_str)
            // What cannot be recorded is parsed by the program, which says what is wrong.
            && let Some(recording) = recording::record(&fs::read_to_string(&path)?)
        {
            recordings.insert(name.replace('\\', "/"), recording);
        }
    }
    let out = env::var_os("OUT_DIR")
        .map(PathBuf::from)
        .unwrap_or_default();
    fs::write(out.join("recordings"), recording::pack(&recordings))
}

/// A rule, and not the cases of one, which only tests read.
fn is_rule(path: &Path) -> bool {
    let name = path.to_string_lossy();
    name.ends_with(".yaml") && !name.ends_with(".test.yaml")
}
