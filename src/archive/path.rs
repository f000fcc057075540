//! The path of an entry, as safe as a key: nothing that came out of an archive can point outside it.

use std::fmt;
use std::sync::Arc;

/// Longest path accepted, in bytes: Linux' `PATH_MAX`, which no collector can exceed.
const LONGEST: usize = 4096;

/// Path of an entry from the archive's top: relative, normalised, separated by `/`; an archive
/// inside the archive is a component of it. It holds no root, drive, `.`, `..`, NUL or other
/// control character, because only this module makes one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryPath(Arc<str>);

impl EntryPath {
    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last component.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// Makes a path of a name found in an archive; `Ok(None)` where the name is that of the
    /// archive's own top directory (`./`). Backslashes separate, as Windows' archivers write them.
    ///
    /// # Errors
    /// Why the name is refused, to follow "its name".
    pub(super) fn parse(name: &[u8]) -> Result<Option<EntryPath>, &'static str> {
        if name.len() > LONGEST {
            return Err("is longer than 4096 bytes");
        }
        let mut name = String::from_utf8_lossy(name);
        if is_plain(name.as_bytes()) {
            return Ok(Some(EntryPath(name.into())));
        }
        if name.contains('\\') {
            name = name.replace('\\', "/").into();
        }
        if name.is_empty() {
            return Err("is empty");
        }
        if name.chars().any(char::is_control) {
            return Err("holds a control character");
        }
        if name.starts_with('/') {
            return Err("is absolute");
        }
        if name.split('/').any(|component| component == "..") {
            return Err("climbs out with `..`");
        }
        let is_empty = |component: &str| matches!(component, "" | ".");
        if name.split('/').any(is_empty) {
            let components = name.split('/').filter(|component| !is_empty(component));
            name = components.collect::<Vec<_>>().join("/").into();
        }
        if let [letter, b':', ..] = name.as_bytes()
            && letter.is_ascii_alphabetic()
        {
            return Err("names a drive");
        }
        Ok((!name.is_empty()).then(|| EntryPath(name.into())))
    }

    /// The path of `inner` where `self` is the archive that holds it.
    pub(super) fn join(&self, inner: &EntryPath) -> EntryPath {
        EntryPath(format!("{}/{}", self.0, inner.0).into())
    }

    /// A path for tests of other modules.
    #[cfg(test)]
    pub(crate) fn of(path: &str) -> EntryPath {
        EntryPath::parse(path.as_bytes()).unwrap().unwrap()
    }
}

/// Whether a name is a path as it stands, told by one look at each byte: nearly all are.
fn is_plain(name: &[u8]) -> bool {
    let mut before = b'/';
    for &byte in name {
        let begins_oddly = before == b'/' && matches!(byte, b'/' | b'.');
        if begins_oddly || !matches!(byte, b' '..=b'~') || byte == b'\\' {
            return false;
        }
        before = byte;
    }
    before != b'/' && name.get(1) != Some(&b':')
}

impl fmt::Display for EntryPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EntryPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_normalised_or_refused() {
        type Expected = Result<Option<&'static str>, &'static str>;
        let table: &[(&[u8], Expected)] = &[
            (b"a/b.yaml", Ok(Some("a/b.yaml"))),
            (b"./a//b/./c", Ok(Some("a/b/c"))),
            (b"a\\b\\c.log", Ok(Some("a/b/c.log"))),
            (b"a..b/...", Ok(Some("a..b/..."))),
            (b"pod:1/x", Ok(Some("pod:1/x"))),
            (b"caf\xe9", Ok(Some("caf\u{fffd}"))),
            (b"./", Ok(None)),
            (b"", Err("is empty")),
            (b"/etc/passwd", Err("is absolute")),
            (b"\\etc", Err("is absolute")),
            (b"../x", Err("climbs out with `..`")),
            (b"a/../../x", Err("climbs out with `..`")),
            (b"a\\..\\x", Err("climbs out with `..`")),
            (b"C:\\x", Err("names a drive")),
            (b"./c:/x", Err("names a drive")),
            (b"a\0b", Err("holds a control character")),
            (b"a\x1b[2Jb", Err("holds a control character")),
            (&[b'a'; 5000], Err("is longer than 4096 bytes")),
        ];
        for (name, expected) in table {
            let path = EntryPath::parse(name);
            let path = path
                .as_ref()
                .map(|path| path.as_ref().map(EntryPath::as_str));
            assert_eq!(path, expected.as_ref().map(|path| *path), "{name:?}");
        }
    }

    #[test]
    fn joins_as_components() {
        let inner = EntryPath::of("harv-1/logs/kernel.log");
        let path = EntryPath::of("nodes/harv-1.zip").join(&inner);
        assert_eq!(path.as_str(), "nodes/harv-1.zip/harv-1/logs/kernel.log");
        assert_eq!(path.file_name(), "kernel.log");
    }
}
