//! Tells the kind of an archive from its first bytes, and what may be one from its name.

use super::slice::Slice;
use super::zip;

/// The kinds of archive that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Zip,
    Tar,
    /// Gzip; a tar is expected in it.
    Gzip,
    /// Xz; a tar is expected in it.
    Xz,
}

/// Length of a tar header.
const TAR_BLOCK: u64 = 512;

impl Kind {
    /// The kind of an archive, whatever its name.
    pub(super) fn of(bytes: &Slice) -> Option<Kind> {
        // Something may have been put before a zip, such as the headers of the download.
        Kind::at_the_beginning(bytes).or_else(|| zip::beginning(bytes).map(|_| Kind::Zip))
    }

    /// The kind of an archive that begins with the first byte.
    pub(super) fn at_the_beginning(bytes: &Slice) -> Option<Kind> {
        let first = bytes.read(0, TAR_BLOCK).ok()?;
        match &*first {
            [b'P', b'K', 3 | 5 | 7, 4 | 6 | 8, ..] => Some(Kind::Zip),
            [0x1f, 0x8b, 8, ..] => Some(Kind::Gzip),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Kind::Xz),
            block if is_tar_header(block) => Some(Kind::Tar),
            _ => None,
        }
    }

    /// The kind that a name promises. Only such members are looked into: any other zip or tar in a
    /// bundle is a file like others.
    pub(super) fn by_name(name: &str) -> Option<Kind> {
        const SUFFIXES: [(&str, Kind); 6] = [
            (".zip", Kind::Zip),
            (".tar", Kind::Tar),
            (".tar.gz", Kind::Gzip),
            (".tgz", Kind::Gzip),
            (".tar.xz", Kind::Xz),
            (".txz", Kind::Xz),
        ];
        let ends_with = |suffix: &str| {
            let begin = name.len().checked_sub(suffix.len());
            let end = begin.and_then(|begin| name.get(begin..));
            end.is_some_and(|end| end.eq_ignore_ascii_case(suffix))
        };
        let found = SUFFIXES.iter().find(|(suffix, _)| ends_with(suffix));
        found.map(|(_, kind)| *kind)
    }
}

/// Whether the block's checksum is right: older tars have no signature.
fn is_tar_header(block: &[u8]) -> bool {
    if (block.len() as u64) < TAR_BLOCK || block.first() == Some(&0) {
        return false;
    }
    let mut header = tar::Header::new_old();
    header.as_mut_bytes().copy_from_slice(block);
    let declared = header.cksum();
    header.set_cksum();
    declared.is_ok_and(|declared| header.cksum().is_ok_and(|sum| sum == declared))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_promise_archives() {
        for (name, kind) in [
            ("node1.zip", Some(Kind::Zip)),
            ("NODE1.ZIP", Some(Kind::Zip)),
            ("scc_x.txz", Some(Kind::Xz)),
            ("b.tar.gz", Some(Kind::Gzip)),
            ("syslog.gz", None),
            ("kernel.log", None),
        ] {
            assert_eq!(Kind::by_name(name), kind, "{name}");
        }
    }

    #[test]
    fn a_tar_is_known_by_its_checksum() {
        let mut header = tar::Header::new_old();
        header.set_path("a").unwrap();
        header.set_size(0);
        header.set_cksum();
        let mut block = header.as_bytes().to_vec();
        assert_eq!(Kind::of(&Slice::memory(block.clone())), Some(Kind::Tar));
        block[0] ^= 1;
        assert_eq!(Kind::of(&Slice::memory(block)), None);
        assert_eq!(Kind::of(&Slice::memory(vec![0; 512])), None);
    }
}
