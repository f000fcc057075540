//! Files of a rule pack: rules, their cases beside them, and tables of kinds. Built-in ones are a part of the program.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use include_dir::{Dir, include_dir};

use super::recording;
use super::tree::MAXIMUM_SIZE;

static BUILT_IN: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/rules");

/// Recordings of the built-in rules, by the build script.
static RECORDINGS: LazyLock<BTreeMap<&str, &[u8]>> =
    LazyLock::new(|| recording::unpack(include_bytes!(concat!(env!("OUT_DIR"), "/recordings"))));

/// How deep the folders of a rule pack may nest: a link that leads back up must end somewhere.
const MAXIMUM_FOLDERS: usize = 8;

/// The folder of a pack whose files say which fields the objects of a kind have.
const TABLES: &str = "kinds";

/// Folders of a pack that hold neither rules nor cases: what cases name, and what they found.
const OTHER_FOLDERS: [&str; 2] = ["testdata", "__snapshots__"];

/// A file of a pack, or why it could not be read.
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) text: Result<String, String>,
    /// What the YAML parser says of the text, where that is known.
    pub(crate) recording: Option<&'static [u8]>,
}

/// Whether a file holds a rule, and not a rule's cases.
pub(crate) fn is_rule(path: &Path) -> bool {
    !is_table(path) && stem(path).is_some_and(|stem| !stem.ends_with(".test"))
}

/// Whether a file says which fields the objects of a kind have.
pub(crate) fn is_table(path: &Path) -> bool {
    path.parent().and_then(Path::file_name) == Some(TABLES.as_ref()) && stem(path).is_some()
}

/// Whether a file holds the cases of a rule.
pub(crate) fn is_cases(path: &Path) -> bool {
    stem(path).is_some_and(|stem| stem.ends_with(".test"))
}

/// The name of a YAML file without its ending, unless the file is hidden.
fn stem(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_string_lossy().into_owned();
    let stem = name.strip_suffix(".yaml").or(name.strip_suffix(".yml"))?;
    (!stem.starts_with('.')).then(|| stem.to_owned())
}

/// Whether rules are looked for in a folder of a pack.
fn is_searched(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    !name.starts_with('.') && !OTHER_FOLDERS.contains(&&*name)
}

/// The files of the built-in pack that are wanted.
pub(crate) fn built_in(wanted: fn(&Path) -> bool) -> Vec<File> {
    embedded(&BUILT_IN, wanted)
}

/// Whether a rule file is that of the built-in pack, and not one that replaces it.
pub(super) fn is_built_in(name: &str, text: &str) -> bool {
    name.strip_prefix("rules/")
        .and_then(|path| BUILT_IN.get_file(path)?.contents_utf8())
        .is_some_and(|built_in| built_in == text)
}

fn embedded(directory: &Dir<'_>, wanted: fn(&Path) -> bool) -> Vec<File> {
    let mut files: Vec<File> = directory
        .files()
        .filter(|file| wanted(file.path()))
        .map(|file| File {
            name: format!("rules/{}", file.path().display()),
            text: file
                .contents_utf8()
                .map(str::to_owned)
                .ok_or_else(|| "the file is not UTF-8".to_owned()),
            recording: file
                .path()
                .to_str()
                .and_then(|path| RECORDINGS.get(path))
                .copied(),
        })
        .collect();
    let folders = directory.dirs().filter(|below| is_searched(below.path()));
    files.extend(folders.flat_map(|below| embedded(below, wanted)));
    files
}

/// The files below a directory that are wanted, in order of their paths. One that cannot be read,
/// the directory itself among them, comes with the reason.
pub(crate) fn below(directory: &Path, wanted: fn(&Path) -> bool) -> Vec<File> {
    let mut files = Vec::new();
    let mut open = vec![(directory.to_owned(), 0)];
    while let Some((path, depth)) = open.pop() {
        let name = path.display().to_string();
        let fail = |reason: String| File {
            name: name.clone(),
            text: Err(reason),
            recording: None,
        };
        if path.is_dir() {
            match fs::read_dir(&path) {
                Ok(entries) if depth < MAXIMUM_FOLDERS => {
                    let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
                    let paths = paths.filter(|path| !path.is_dir() || is_searched(path));
                    open.extend(paths.map(|path| (path, depth + 1)));
                }
                Ok(_) => files.push(fail(format!(
                    "folders nest more than {MAXIMUM_FOLDERS} deep"
                ))),
                Err(error) => files.push(fail(format!("the directory cannot be read: {error}"))),
            }
        } else if depth == 0 {
            files.push(fail("there is no such directory".to_owned()));
        } else if wanted(&path) {
            files.push(File {
                name: name.clone(),
                text: text_of(&path),
                recording: None,
            });
        }
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files
}

/// The text of a rule file, unless it is so large that it can't be one.
fn text_of(path: &Path) -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("the file cannot be read: {error}");
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err("not a file".to_owned());
    }
    if metadata.len() > MAXIMUM_SIZE as u64 {
        return Err(format!(
            "the file is larger than {} KiB",
            MAXIMUM_SIZE >> 10
        ));
    }
    let bytes = fs::read(path).map_err(unreadable)?;
    String::from_utf8(bytes).map_err(|_| "the file is not UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_and_cases_are_told_apart_and_from_all_else() {
        let directory = tempfile::tempdir().unwrap();
        // A pack may itself lie in a folder of that name.
        let pack = directory.path().join("testdata");
        for path in [
            "a.yaml",
            "node/b.yml",
            "node/b.test.yaml",
            "node/.c.yaml",
            "node/notes.txt",
            "node/testdata/objects.yaml",
            "node/__snapshots__/d.yaml",
            ".git/e.yaml",
        ] {
            let path = pack.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        let names = |wanted| -> Vec<String> {
            let files = below(&pack, wanted);
            let stem = |file: &File| stem(Path::new(&file.name)).unwrap();
            files.iter().map(stem).collect()
        };
        assert_eq!(names(is_rule), ["a", "b"]);
        assert_eq!(names(is_cases), ["b.test"]);
        let rules: Vec<File> = built_in(is_rule);
        let cases: Vec<File> = built_in(is_cases);
        assert_eq!(rules.len(), cases.len());
        let first = &rules[0];
        let text = first.text.clone().unwrap();
        assert!(is_built_in(&first.name, &text));
        assert!(!is_built_in(&first.name, &text.replace("id:", "id: ")));
        assert!(!is_built_in("pack/x.yaml", &text));
    }
}
