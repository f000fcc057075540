//! `rules new`: a rule and its cases from a template that is sound as it is.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bundle_doctor::report::new_rule::{self, Written};
use bundle_doctor::rule::{RuleSet, is_id};

use super::{own_directory, to_stdout};
use crate::cli::rules::New;
use crate::{Stop, outcome};

const RULE: &str = include_str!("skeleton.yaml");
const CASES: &str = include_str!("skeleton.test.yaml");

pub(super) fn run(new: &New) -> Result<u8, Stop> {
    check_id(&new.id)?;
    let (pack, is_own) = pack(new)?;
    let folder = pack.join(&new.category);
    let file = |ending: &str| folder.join(format!("{}{ending}", new.id));
    let (rule, cases) = (file(".yaml"), file(".test.yaml"));
    if let Some(path) = [&rule, &cases].into_iter().find(|path| path.exists()) {
        let message = format!("{} is there already", path.display());
        return Err(refused(
            message,
            "choose another id, or change that file".to_owned(),
        ));
    }
    let filled = |text: &str| {
        let text = text.replace("RULE_ID", &new.id);
        text.replace("CATEGORY", &new.category)
    };
    fs::create_dir_all(&folder).map_err(|error| not_written(&folder, &error))?;
    create(&rule, &filled(RULE))?;
    create(&cases, &filled(CASES))?;
    let written = Written {
        id: &new.id,
        rule: &rule,
        cases: &cases,
        pack: (!is_own).then_some(pack.as_path()),
    };
    to_stdout(|out| new_rule::write(&written, out))?;
    Ok(0)
}

/// An id must be one, and must not be another rule's.
fn check_id(id: &str) -> Result<(), Stop> {
    if !is_id(id) {
        let words: Vec<String> = id
            .split(|letter: char| !letter.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_ascii_lowercase)
            .collect();
        let example = match words.as_slice() {
            [] => "node-cordoned-long".to_owned(),
            words => words.join("-"),
        };
        return Err(refused(
            format!("`{id}` is no id"),
            format!("ids are lower case letters and digits, words joined by `-`: `{example}`"),
        ));
    }
    let built_in = RuleSet::builtin().map_err(|errors| Stop(outcome::BAD_RULE, errors.into()))?;
    match built_in.get(id) {
        Some(rule) => Err(refused(
            match rule.id == id {
                true => format!("`{id}` is a built-in rule"),
                false => format!("`{id}` is another name of the built-in rule `{}`", rule.id),
            },
            format!("choose another id; `rules show {id}` explains that rule"),
        )),
        None => Ok(()),
    }
}

/// The directory to write below, and whether it is the user's own, which needs no `--rules`.
fn pack(new: &New) -> Result<(PathBuf, bool), Stop> {
    if let Some(directory) = &new.dir {
        return Ok((
            directory.clone(),
            Some(directory) == own_directory().as_ref(),
        ));
    }
    let here = Path::new("rules");
    if here.is_dir() {
        return Ok((here.to_owned(), false));
    }
    let own = own_directory().ok_or_else(|| {
        refused(
            "there is no directory to write to: neither `rules` here, nor a home".to_owned(),
            "name one: `--dir DIR`".to_owned(),
        )
    })?;
    Ok((own, true))
}

/// Writes a file that must not be there yet.
fn create(path: &Path, text: &str) -> Result<(), Stop> {
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| not_written(path, &error))
}

fn refused(message: String, help: String) -> Stop {
    Stop(outcome::USAGE, miette::miette!(help = help, "{message}"))
}

fn not_written(path: &Path, error: &io::Error) -> Stop {
    let path = path.display();
    let message = miette::miette!("{path} could not be written: {error}");
    Stop(outcome::NOT_WRITTEN, message)
}
