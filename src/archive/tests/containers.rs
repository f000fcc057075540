//! Every kind of container gives the same files.

use super::*;

#[test]
fn every_packing_gives_the_same_files() {
    let nested = nested_bundle();
    let deflated = |files: &[File<'_>]| zip_with(files, |_| CompressionMethod::Deflated);
    let stored = |files: &[File<'_>]| zip_with(files, |_| CompressionMethod::Stored);
    let with_prefix = [
        b"HTTP/1.1 200 OK\r\nContent-Type: application/zip\r\n\r\n",
        &nested[..],
    ];
    let plain: Vec<(&str, Vec<u8>)> = vec![
        ("zip", zip(TREE)),
        ("stored zip", stored(TREE)),
        (
            "streamed zip",
            streamed_zip(TREE, CompressionMethod::Deflated),
        ),
        ("tar", tar(TREE)),
        ("tar.gz", gzip(&tar(TREE))),
        ("tar.gz of two members", two_gzips(&tar(TREE))),
        ("tar.xz", xz(&tar(TREE))),
    ];
    for (kind, bytes) in plain {
        let whole = read(&bytes);
        assert_eq!(whole.problems, [], "{kind}");
        assert_eq!(whole.files, contents(TREE, ""), "{kind}");
    }
    assert_eq!(read(&nested).problems, []);
    assert_eq!(read(&nested).files, nested_contents());
    assert_eq!(read(&with_prefix.concat()), read(&nested));
    // Behind a comment, and with something behind the end record.
    let mut commented = nested.clone();
    let length = commented.len();
    commented[length - 2] = 5;
    commented.extend(b"PK\x05\x06!");
    assert_eq!(read(&commented), read(&nested));
    let trailing = [&nested[..], b"\r\n--boundary--\r\n"].concat();
    assert_eq!(read(&trailing), read(&nested));

    // Packed once more by a user.
    let node = zip(NODE);
    let repacked: Vec<(&str, Vec<u8>)> = vec![
        ("n.zip", stored(&[("n.zip", &node)])),
        ("n.zip", deflated(&[("n.zip", &node)])),
        ("n.zip", tar(&[("n.zip", &node)])),
        ("n.zip", gzip(&tar(&[("n.zip", &node)]))),
        ("n.tar", zip(&[("n.tar", &tar(NODE))])),
        ("n.tgz", zip(&[("n.tgz", &gzip(&tar(NODE)))])),
        ("n.tar.gz", stored(&[("n.tar.gz", &gzip(&tar(NODE)))])),
        ("n.txz", stored(&[("n.txz", &xz(&tar(NODE)))])),
        ("n.txz", deflated(&[("n.txz", &xz(&tar(NODE)))])),
        ("scc_n.txz", stored(&[("scc_n.txz", &xz(&tar(NODE)))])),
        ("scc_n.txz", deflated(&[("scc_n.txz", &xz(&tar(NODE)))])),
        ("scc_n.tgz", deflated(&[("scc_n.tgz", &gzip(&tar(NODE)))])),
        (
            "n.zip",
            zip(&[
                ("n.zip", &zip(NODE)),
                ("__MACOSX/._n.zip", b"x"),
                (".DS_Store", b"y"),
            ]),
        ),
    ];
    for (name, bytes) in repacked {
        let whole = read(&bytes);
        assert_eq!(whole.problems, [], "{name}");
        assert_eq!(whole.files, contents(NODE, &format!("{name}/")), "{name}");
    }
}

fn two_gzips(bytes: &[u8]) -> Vec<u8> {
    let (one, other) = bytes.split_at(700);
    [gzip(one), gzip(other)].concat()
}

#[test]
fn a_directory_is_read_like_the_archive_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let top = directory.path().join("b");
    for (name, bytes) in TREE {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    std::fs::create_dir(top.join("nodes")).unwrap();
    std::fs::write(top.join("nodes/n1.zip"), zip(NODE)).unwrap();
    std::fs::write(top.join(".DS_Store"), "litter").unwrap();
    let outside = directory.path().join("secret");
    std::fs::write(&outside, "secret").unwrap();
    let mut expected = contents(TREE, "");
    expected.extend(contents(NODE, "b/nodes/n1.zip/"));
    let expected: BTreeMap<String, Vec<u8>> = expected
        .into_iter()
        .map(|(path, bytes)| (path.strip_prefix("b/").unwrap().to_owned(), bytes))
        .collect();
    let open = || Archive::open(std::slice::from_ref(&top), &Limits::default()).unwrap();
    assert_eq!(open().name(), "b");
    assert_eq!(read_all(&open()).files, expected);
    assert_eq!(read_all(&open()).problems, []);

    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&outside, top.join("link.log")).unwrap();
        std::os::unix::fs::symlink(directory.path(), top.join("up")).unwrap();
        let whole = read_all(&open());
        assert_eq!(whole.files, expected);
        assert_eq!(
            whole.problems(),
            [
                (ProblemKind::Unreadable, "link.log"),
                (ProblemKind::Unreadable, "up")
            ]
        );
    }
}

#[test]
fn units_tell_size_and_time_before_they_are_read() {
    let archive = try_open(&[("bundle.zip", &nested_bundle())], &Limits::default()).unwrap();
    assert_eq!(archive.name(), "bundle.zip");
    let units: Vec<(&str, bool)> = archive
        .units()
        .iter()
        .map(|unit| (unit.path.as_str(), unit.is_tarball()))
        .collect();
    assert!(units.is_sorted());
    assert_eq!(units.len(), TREE.len() + NODE.len() + 1);
    assert!(units.contains(&("b/nodes/n1.zip/n1/scc/scc_n1.txz", true)));
    let log = &archive.units()[1];
    assert_eq!(log.size, TREE[1].1.len() as u64);
    assert_eq!(log.modified.unwrap().to_string(), "2024-02-03T04:05:06Z");
    let nested: Vec<(&str, usize)> = archive
        .nested()
        .iter()
        .map(|nested| (nested.path.as_str(), nested.files))
        .collect();
    assert_eq!(nested, [("b/nodes/n1.zip", 3)]);
    let tar = try_open(&[("b.tar", &tar(TREE))], &Limits::default()).unwrap();
    assert_eq!(tar.units()[0].modified.unwrap().as_second(), 1_700_000_000);
}

#[test]
fn wide_fields_are_read() {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().large_file(true);
    for (name, bytes) in TREE {
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    let narrow = writer.finish().unwrap().into_inner();
    assert_eq!(read(&narrow).files, contents(TREE, ""));
    // The end record in its wide form, the narrow one saying that it does not know.
    let end = narrow.len() - 22;
    let field = |at: usize, length: usize| &narrow[end + at..end + at + length];
    let mut wide = narrow[..end].to_vec();
    wide.extend(b"PK\x06\x06");
    wide.extend(44u64.to_le_bytes());
    wide.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    for (at, length) in [(8, 2), (10, 2), (12, 4), (16, 4)] {
        wide.extend(field(at, length));
        wide.extend(vec![0; 8 - length]);
    }
    wide.extend(b"PK\x06\x07\0\0\0\0");
    wide.extend((end as u64).to_le_bytes());
    wide.extend([1, 0, 0, 0]);
    wide.extend(b"PK\x05\x06\0\0\0\0");
    wide.extend([0xff; 12]);
    wide.extend([0, 0]);
    assert_eq!(read(&wide), read(&narrow));
    assert_eq!(read(&[b"prefix", &wide[..]].concat()), read(&narrow));
}

#[test]
fn more_entries_than_the_end_record_can_count() {
    let names: Vec<String> = (0..65_540).map(|number| format!("b/{number}")).collect();
    let files: Vec<File<'_>> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    let archive = try_open(&[("b.zip", &zip(&files))], &Limits::default()).unwrap();
    assert_eq!(
        (archive.units().len(), archive.problems()),
        (files.len(), &[][..])
    );
}
