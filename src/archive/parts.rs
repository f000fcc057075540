//! Makes of the paths given the archives to read: one, several that each hold a part of the
//! bundle, or the pieces of one that was split.

use std::cmp::Reverse;
use std::path::{Path, PathBuf};

use super::error::OpenError;
use super::kind::Kind;
use super::slice::Slice;
use super::zip;

/// An outermost archive.
#[derive(Debug)]
pub(super) struct Input {
    /// Its file name; of pieces, the first's.
    pub(super) name: String,
    pub(super) container: Container,
}

/// What an outermost archive is.
#[derive(Debug)]
pub(super) enum Container {
    Directory(PathBuf),
    Archive {
        bytes: Slice,
        kind: Kind,
        /// Lengths of the files that a zip split by `zip -s` consists of.
        pieces: Vec<u64>,
    },
}

/// Paths as given, told apart and put in order.
struct Part {
    path: PathBuf,
    name: String,
    number: Option<u32>,
    bytes: Slice,
    kind: Option<Kind>,
}

/// Finds out what was given: the name of the bundle and its archives, in order.
///
/// # Errors
/// If there is nothing that can be read, or the parts are not those of one bundle.
pub(super) fn arrange(paths: &[PathBuf]) -> Result<(String, Vec<Input>), OpenError> {
    let mut directories = Vec::new();
    let mut parts = Vec::new();
    for path in paths {
        let metadata = std::fs::metadata(path).map_err(|error| io_error(path, error))?;
        if metadata.is_dir() {
            // Listed once for its errors: a bundle that cannot be read at all is no bundle.
            std::fs::read_dir(path).map_err(|error| io_error(path, error))?;
            directories.push(path.clone());
        } else {
            parts.push(Part::open(path)?);
        }
    }
    directories.sort();
    if let [first, second, ..] = directories.as_slice() {
        return Err(OpenError::Parts {
            reason: format!(
                "{} and {} are directories, each a tree of its own",
                file_name(first),
                file_name(second)
            ),
        });
    }
    // A piece without a number is the last: `zip -s` writes x.z01, x.z02, x.zip.
    parts.sort_by(|one, other| {
        let order = |part: &Part| (Reverse(part.number.map(Reverse)), part.path.clone());
        order(one).cmp(&order(other))
    });
    let first = directories.first().or(parts.first().map(|part| &part.path));
    let name = file_name(first.ok_or(OpenError::NoPath)?);
    let directories = directories.into_iter().map(|path| Input {
        name: file_name(&path),
        container: Container::Directory(path),
    });
    let mut inputs: Vec<Input> = directories.collect();
    inputs.extend(assemble(parts)?);
    Ok((name, inputs))
}

impl Part {
    fn open(path: &Path) -> Result<Part, OpenError> {
        let bytes = Slice::file(path).map_err(|error| io_error(path, error))?;
        let shown = path.display().to_string();
        if bytes.length() == 0 {
            return Err(OpenError::Empty { path: shown });
        }
        let first = bytes.read(0, 512).map_err(|error| io_error(path, error))?;
        let page = error_page(&first);
        let kind = Kind::of(&bytes);
        if let (None, Some((what, excerpt))) = (kind, page) {
            return Err(OpenError::ErrorPage {
                path: shown,
                what,
                excerpt,
            });
        }
        let name = file_name(path);
        // The last file of a split zip has no number, whatever its name ends with.
        let is_last = zip::last_piece(&bytes).is_some_and(|last_piece| last_piece > 0);
        Ok(Part {
            path: path.to_owned(),
            number: number(&name).filter(|_| !is_last),
            name,
            kind,
            bytes,
        })
    }

    fn begins_archive(&self) -> bool {
        begins(self.kind, &self.bytes)
    }
}

/// Whether the own first bytes of a file are those of an archive, not just some bytes in it.
fn begins(kind: Option<Kind>, bytes: &Slice) -> bool {
    match kind {
        Some(Kind::Zip) => zip::beginning(bytes) == Some(0),
        kind => kind.is_some(),
    }
}

/// What the bytes of a file tell of it before it is opened.
#[derive(Debug, Default)]
pub(super) struct Probe {
    pub(super) kind: Option<Kind>,
    /// Its own first bytes are those of an archive.
    pub(super) begins: bool,
    /// What its end record says, if it has one: 0 where it is whole.
    pub(super) last_piece: Option<u32>,
    pub(super) is_empty: bool,
}

impl Probe {
    pub(super) fn of(bytes: &Slice) -> Probe {
        let kind = Kind::of(bytes);
        Probe {
            kind,
            begins: begins(kind, bytes),
            last_piece: zip::last_piece(bytes),
            is_empty: bytes.length() == 0,
        }
    }

    /// The same from the first bytes alone, for a file of which nothing else says that it is an
    /// archive: a directory may hold any number of them.
    pub(super) fn glance(bytes: &Slice) -> Probe {
        let kind = Kind::at_the_beginning(bytes);
        Probe {
            kind,
            begins: kind.is_some(),
            last_piece: None,
            is_empty: bytes.length() == 0,
        }
    }

    /// Whether it is the last file of a zip that `zip -s` split.
    pub(super) fn is_last_of_split(&self) -> bool {
        self.last_piece.is_some_and(|last_piece| last_piece > 0)
    }
}

fn assemble(parts: Vec<Part>) -> Result<Vec<Input>, OpenError> {
    let last_piece = parts.last().and_then(|part| zip::last_piece(&part.bytes));
    match (parts.as_slice(), last_piece) {
        ([], _) => Ok(Vec::new()),
        (parts, Some(last_piece)) if last_piece > 0 => split_zip(parts, last_piece),
        ([part], _) => Ok(vec![alone(part)?]),
        (parts, _) if parts.iter().all(Part::begins_archive) => parts.iter().map(alone).collect(),
        ([first, rest @ ..], _) if first.kind.is_some() => {
            match rest.iter().find(|part| part.begins_archive()) {
                None => Ok(vec![concatenation(&parts)?]),
                Some(other) => Err(OpenError::Parts {
                    reason: format!(
                        "{} and {} are archives of their own, and another part is none",
                        first.name, other.name
                    ),
                }),
            }
        }
        ([first, ..], _) => Err(OpenError::Parts {
            reason: format!("the first, {}, does not begin like an archive", first.name),
        }),
    }
}

fn alone(part: &Part) -> Result<Input, OpenError> {
    let kind = part.kind.ok_or_else(|| OpenError::NotAnArchive {
        path: part.path.display().to_string(),
    })?;
    Ok(Input {
        name: part.name.clone(),
        container: Container::Archive {
            bytes: part.bytes.clone(),
            kind,
            pieces: Vec::new(),
        },
    })
}

/// The files of `zip -s`: its end record says how many there are.
fn split_zip(parts: &[Part], last_piece: u32) -> Result<Vec<Input>, OpenError> {
    let expected = u64::from(last_piece) + 1;
    let count = parts.len() as u64;
    if count != expected {
        return Err(OpenError::Parts {
            reason: format!("the zip was split into {expected} files, and {count} were given"),
        });
    }
    Ok(vec![Input {
        name: parts
            .first()
            .map(|part| part.name.clone())
            .unwrap_or_default(),
        container: Container::Archive {
            bytes: Slice::pieces(parts.iter().map(|part| part.bytes.clone()).collect()),
            kind: Kind::Zip,
            pieces: parts.iter().map(|part| part.bytes.length()).collect(),
        },
    }])
}

/// One file cut into pieces, laid end to end.
fn concatenation(parts: &[Part]) -> Result<Input, OpenError> {
    let first = parts.first().filter(|first| first.number > Some(1));
    if let Some(first) = first {
        return Err(OpenError::Parts {
            reason: format!(
                "the first piece is missing: {} is the first given",
                first.name
            ),
        });
    }
    let numbers = parts.windows(2).find_map(|pair| match pair {
        [one, other] if one.number?.checked_add(1)? != other.number? => Some((one, other)),
        _ => None,
    });
    if let Some((one, other)) = numbers {
        return Err(OpenError::Parts {
            reason: format!("a piece is missing between {} and {}", one.name, other.name),
        });
    }
    let bytes = Slice::pieces(parts.iter().map(|part| part.bytes.clone()).collect());
    let kind = Kind::of(&bytes).ok_or_else(|| OpenError::Parts {
        reason: "laid end to end they are no archive".to_owned(),
    })?;
    Ok(Input {
        name: parts
            .first()
            .map(|part| part.name.clone())
            .unwrap_or_default(),
        container: Container::Archive {
            bytes,
            kind,
            pieces: Vec::new(),
        },
    })
}

/// The number of a part, wherever the tool that split the file put it: `x.zip.001`, `x.z01`,
/// `x.001.zip`, `x-1.zip`, `x (1).tar.gz`, `x.part1`.
pub(super) fn number(name: &str) -> Option<u32> {
    let mut name = name.to_ascii_lowercase();
    for suffix in [".gz", ".xz", ".tar", ".zip", ".tgz", ".txz"] {
        if let Some(stem) = name.strip_suffix(suffix) {
            name = stem.to_owned();
        }
    }
    let stem = name.trim_end_matches(')');
    let digits = stem.len() - stem.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    stem.get(stem.len() - digits..)?.parse().ok()
}

fn file_name(path: &Path) -> String {
    let canonical = path.file_name().is_none().then(|| path.canonicalize().ok());
    let canonical = canonical.flatten();
    let path = canonical.as_deref().unwrap_or(path);
    match path.file_name() {
        Some(name) => name.to_string_lossy().into_owned(),
        None => "/".to_owned(),
    }
}

/// What a web server answers when there is no bundle, by its first bytes.
fn error_page(first: &[u8]) -> Option<(&'static str, String)> {
    // The last character may be cut; anything else that is no text is no answer either.
    let text = match std::str::from_utf8(first) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(first.get(..error.valid_up_to())?).ok()?
        }
        Err(_) => return None,
    };
    if text.chars().any(|c| c.is_control() && !c.is_whitespace()) {
        return None;
    }
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let lower = text.to_ascii_lowercase();
    let what = match lower.as_bytes() {
        [b'{' | b'[', ..] => "a JSON message",
        [b'<', ..] if lower.contains("<html") || lower.starts_with("<!doctype") => "an HTML page",
        [b'<', ..] => "an XML message",
        _ => return None,
    };
    let excerpt = text.chars().take(160).map(|c| match c.is_control() {
        true => ' ',
        false => c,
    });
    Some((what, excerpt.collect()))
}

fn io_error(path: &Path, source: std::io::Error) -> OpenError {
    let path = path.display().to_string();
    match source.kind() {
        std::io::ErrorKind::NotFound => OpenError::NotFound { path },
        _ => OpenError::NotReadable { path, source },
    }
}
