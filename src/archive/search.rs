//! Finds bundles among files and below directories: archives, pieces of one that was split, and
//! directories that hold an extracted one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::kind::Kind;
use super::parts::{self, Probe};
use super::slice::Slice;
use super::tree::DEEPEST;
use super::zip;

/// How an extracted bundle is known.
#[derive(Debug, Clone, Copy)]
pub struct Signs {
    /// Directories of a bundle that are looked into.
    pub directories: &'static [&'static str],
    /// Files of its top directory that no other has.
    pub files: &'static [&'static str],
    /// Whether a path, relative to a directory, shows that this is the top of a bundle.
    pub is_sign: fn(&str) -> bool,
}

/// What may be one bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// One path, or those of all pieces in their order.
    pub paths: Vec<PathBuf>,
    /// Why it is taken for one.
    pub grounds: Grounds,
}

/// Why something is taken for a bundle, firmest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grounds {
    /// Who asked named it.
    Named,
    /// Its name is that of an archive, or it is a directory with the signs of a bundle.
    Name,
    /// Its first bytes are those of some archive; it may be anything.
    Content,
}

/// What is to be found at some paths.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Search {
    /// What may be bundles, in order of their paths.
    pub found: Vec<Found>,
    /// Files in directories that are none.
    pub skipped: u64,
}

/// Levels below a directory in which signs of a bundle are looked for.
const SIGN_DEPTH: usize = 4;

/// Searches files as they are named, and directories with all directories in them. What is found by
/// two ways is there once. Links to directories are not followed, so the search ends.
#[must_use]
pub fn search(paths: &[PathBuf], signs: &Signs) -> Search {
    let mut searcher = Searcher {
        signs,
        found: Vec::new(),
        skipped: 0,
    };
    let (directories, files): (Vec<&PathBuf>, Vec<&PathBuf>) =
        paths.iter().partition(|path| path.is_dir());
    let mut by_directory: BTreeMap<&Path, Vec<PathBuf>> = BTreeMap::new();
    for file in files {
        let directory = file.parent().unwrap_or(Path::new(""));
        by_directory
            .entry(directory)
            .or_default()
            .push(file.clone());
    }
    for (_, mut files) in by_directory {
        files.sort();
        files.dedup();
        searcher.files(files, true);
    }
    for directory in directories {
        let before = searcher.found.len();
        searcher.directory(directory);
        if searcher.found.len() == before {
            searcher.take(vec![directory.clone()], Grounds::Named);
        }
    }
    searcher.finish()
}

struct Searcher<'a> {
    signs: &'a Signs,
    found: Vec<Found>,
    skipped: u64,
}

impl Searcher<'_> {
    fn take(&mut self, paths: Vec<PathBuf>, grounds: Grounds) {
        self.found.push(Found { paths, grounds });
    }

    /// Each bundle once, in order of path.
    fn finish(self) -> Search {
        let mut found = self.found;
        // Of two ways to one bundle, that of who named it counts.
        found.sort_by(|one, other| (one.grounds, &one.paths).cmp(&(other.grounds, &other.paths)));
        let mut seen = BTreeSet::new();
        found.retain(|found| {
            let first = found.paths.first();
            let real = first.and_then(|path| path.canonicalize().ok());
            real.is_none_or(|path| seen.insert(path))
        });
        found.sort_by(|one, other| one.paths.cmp(&other.paths));
        Search {
            found,
            skipped: self.skipped,
        }
    }

    /// Searches a directory and all below it.
    fn directory(&mut self, top: &Path) {
        let mut pending = vec![(top.to_owned(), 0)];
        while let Some((directory, depth)) = pending.pop() {
            if self.is_bundle(&directory) {
                self.take(vec![directory], Grounds::Name);
                continue;
            }
            let Ok(children) = children(&directory) else {
                // Opening it tells why it cannot be listed.
                self.take(vec![directory], Grounds::Name);
                continue;
            };
            let mut files = Vec::new();
            for child in children {
                let is = |is: fn(&fs::Metadata) -> bool, metadata: io::Result<fs::Metadata>| {
                    metadata.is_ok_and(|metadata| is(&metadata))
                };
                if is(fs::Metadata::is_dir, fs::symlink_metadata(&child)) && depth < DEEPEST {
                    pending.push((child, depth + 1));
                } else if is(fs::Metadata::is_file, fs::metadata(&child)) {
                    files.push(child);
                } else {
                    self.skipped += 1;
                }
            }
            self.files(files, false);
        }
    }

    /// Whether a directory is the top of an extracted bundle.
    fn is_bundle(&self, directory: &Path) -> bool {
        if (self.signs.files.iter()).any(|name| directory.join(name).is_file()) {
            return true;
        }
        let inner = self.signs.directories.iter();
        inner.copied().any(|name| {
            let path = directory.join(name);
            // A link would lead out of the bundle.
            let is_real = fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_dir());
            is_real && self.has_sign(&path, name, 1)
        })
    }

    fn has_sign(&self, directory: &Path, name: &str, depth: usize) -> bool {
        let children = children(directory).unwrap_or_default();
        children.into_iter().any(|child| {
            let file_name = child.file_name().unwrap_or_default().to_string_lossy();
            let name = format!("{name}/{file_name}");
            (self.signs.is_sign)(&name)
                || depth < SIGN_DEPTH
                    && fs::symlink_metadata(&child).is_ok_and(|metadata| metadata.is_dir())
                    && self.has_sign(&child, &name, depth + 1)
        })
    }

    /// Takes in the files of one directory, sorted: pieces that belong together as one.
    fn files(&mut self, files: Vec<PathBuf>, named: bool) {
        let mut families: BTreeMap<String, Vec<File>> = BTreeMap::new();
        for path in files {
            let file = File::at(path);
            let family = file.name.family.clone();
            families.entry(family).or_default().push(file);
        }
        for (_, family) in families {
            for pieces in together(family) {
                let promised = pieces.len() > 1 || pieces.iter().any(|it| it.name.promises);
                let grounds = match () {
                    () if named => Grounds::Named,
                    () if promised => Grounds::Name,
                    () if pieces.iter().any(|it| it.probe.kind.is_some()) => Grounds::Content,
                    () => {
                        self.skipped += pieces.len() as u64;
                        continue;
                    }
                };
                self.take(pieces.into_iter().map(|it| it.path).collect(), grounds);
            }
        }
    }
}

/// The paths in a directory, sorted.
fn children(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(directory)?;
    let mut paths = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

/// A file, told from its name and its first and last bytes.
struct File {
    path: PathBuf,
    name: Name,
    probe: Probe,
}

impl File {
    fn at(path: PathBuf) -> File {
        let name = Name::of(&path.file_name().unwrap_or_default().to_string_lossy());
        let probe = match name.promises {
            true => Probe::of,
            false => Probe::glance,
        };
        File {
            name,
            probe: Slice::file(&path).as_ref().map(probe).unwrap_or_default(),
            path,
        }
    }
}

/// What the name of a file tells.
struct Name {
    /// What is left of it without number and suffixes: the same for all pieces of one file.
    family: String,
    number: Option<u32>,
    /// It is that of an archive, or of a piece of one.
    promises: bool,
    /// It is that of a piece, and of no whole archive.
    is_piece: bool,
}

impl Name {
    fn of(name: &str) -> Name {
        let name = name.to_ascii_lowercase();
        let is_archive = Kind::by_name(&name).is_some();
        let number = parts::number(&name);
        let without_number = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let is_piece = without_number.len() < name.len()
            && (without_number.ends_with(".z")
                || without_number
                    .strip_suffix('.')
                    .is_some_and(|name| Kind::by_name(name).is_some()));
        Name {
            family: family(&name, number.is_some()),
            number,
            promises: is_archive || is_piece,
            is_piece,
        }
    }
}

/// `x` for `x.zip`, `x.zip.001`, `x.z01`, `x.001.zip`, `x-1.zip`, `x (1).tar.gz`, `x.part1`.
fn family(name: &str, numbered: bool) -> String {
    const SUFFIXES: [&str; 8] = [".zip", ".tar", ".gz", ".xz", ".tgz", ".txz", ".part", ".z"];
    let mut family = name;
    let mut numbered = numbered;
    loop {
        let before = family.len();
        for suffix in SUFFIXES {
            family = family.strip_suffix(suffix).unwrap_or(family);
        }
        let bare = family.trim_end_matches(')');
        let bare = bare.trim_end_matches(|c: char| c.is_ascii_digit());
        if numbered && bare.len() < family.len() {
            family = bare.trim_end_matches(['.', '-', '_', ' ', '(']);
            numbered = false;
        }
        if family.len() == before {
            return family.to_owned();
        }
    }
}

/// Puts pieces of one file together; any other file stays alone.
fn together(family: Vec<File>) -> Vec<Vec<File>> {
    if family.len() == 1 {
        return vec![family];
    }
    let (mut numbered, mut rest): (Vec<File>, Vec<File>) = family
        .into_iter()
        .partition(|file| file.name.number.is_some() && !file.probe.is_last_of_split());
    numbered
        .sort_by(|one, other| (one.name.number, &one.path).cmp(&(other.name.number, &other.path)));
    let mut groups = Vec::new();
    // `zip -s` writes x.z01, x.z02, x.zip: the last says how many there are.
    if let Some(at) = rest.iter().position(|file| file.probe.is_last_of_split()) {
        let last = rest.remove(at);
        let most = last.probe.last_piece.unwrap_or_default();
        let is_own = |file: &File| {
            let number = file.name.number.unwrap_or_default();
            let whole = file.probe.begins && file.probe.last_piece == Some(0);
            (1..=most).contains(&number) && !whole
        };
        let (mut pieces, others): (Vec<File>, Vec<File>) = numbered.into_iter().partition(is_own);
        pieces.push(last);
        groups.push(pieces);
        numbered = others;
    }
    for file in numbered {
        let continues = groups
            .last()
            .is_some_and(|group: &Vec<File>| continues(group, &file));
        match groups.last_mut() {
            Some(group) if continues => group.push(file),
            _ => groups.push(vec![file]),
        }
    }
    let (pieces, whole): (Vec<_>, Vec<_>) = groups.into_iter().partition(|group| is_one(group));
    groups = pieces;
    let alone = whole.into_iter().flatten().chain(rest);
    groups.extend(alone.map(|file| vec![file]));
    groups
}

/// Whether a file is the next piece of what the others begin.
fn continues(group: &[File], next: &File) -> bool {
    let number = |file: &File| file.name.number;
    let follows = group
        .last()
        .and_then(number)
        .zip(number(next))
        .is_some_and(|(last, next)| last.checked_add(1) == Some(next));
    follows
        && !next.probe.begins
        && !next.probe.is_empty
        && !group.iter().any(|it| it.probe.is_empty)
}

/// Whether pieces that follow each other are one file: their names say so, or what they are laid end
/// to end.
fn is_one(group: &[File]) -> bool {
    if group.iter().any(|file| file.probe.is_last_of_split()) {
        return true;
    }
    let whole = || {
        let slices: io::Result<Vec<Slice>> =
            group.iter().map(|file| Slice::file(&file.path)).collect();
        let slices = slices.map(Slice::pieces);
        slices.is_ok_and(|bytes| zip::last_piece(&bytes) == Some(0))
    };
    match group {
        [] | [_] => true,
        [first, rest @ ..] => {
            rest.iter().all(|file| file.name.is_piece)
                || first.probe.kind == Some(Kind::Zip)
                    && first.probe.last_piece.is_none()
                    && whole()
        }
    }
}
