//! Archives that were cut, broken or never were any: what can be read of them is.

use super::*;

/// A zip without its central directory.
fn without_directory(zip: &[u8]) -> Vec<u8> {
    let end = zip.len() - 22;
    let offset = u32::from_le_bytes(zip[end + 16..end + 20].try_into().unwrap());
    zip[..offset as usize].to_vec()
}

#[test]
fn a_zip_without_directory_is_walked() {
    let nested = nested_bundle();
    let with_prefix = [b"HTTP/1.1 200 OK\r\n\r\n", &without_directory(&nested)[..]].concat();
    for bytes in [without_directory(&nested), with_prefix] {
        let whole = read(&bytes);
        assert_eq!(whole.files, nested_contents());
        assert_eq!(whole.problems(), [(ProblemKind::Truncated, "given")]);
    }
    // Cut inside the directory, and with a directory that is overwritten.
    let mut broken = nested.clone();
    let at = without_directory(&nested).len() + 50;
    broken[at] ^= 0xff;
    for bytes in [&nested[..at], &nested[..nested.len() - 5], &broken] {
        assert_eq!(read(bytes).files, nested_contents());
    }
}

#[test]
fn sizes_behind_the_data_are_found_in_the_walk() {
    for method in [CompressionMethod::Deflated, CompressionMethod::Stored] {
        let bytes = without_directory(&streamed_zip(TREE, method));
        let whole = read(&bytes);
        assert_eq!(whole.files, contents(TREE, ""), "{method}");
        assert_eq!(whole.problems(), [(ProblemKind::Truncated, "given")]);
    }
}

#[test]
fn a_complete_zip_inside_is_not_taken_for_the_cut_one_around_it() {
    // The node's archive is whole, end record and all, and is the last thing in what is left.
    let node = zip(NODE);
    let outer = zip(&[TREE, &[("b/nodes/n1.zip", &node), ("b/z.log", b"lost")]].concat());
    let end_of_inner = find(&outer, &node) + node.len();
    for cut in [end_of_inner, end_of_inner + 1, end_of_inner + 20] {
        let whole = read(&outer[..cut]);
        let mut expected = contents(TREE, "");
        expected.extend(contents(NODE, "b/nodes/n1.zip/"));
        assert_eq!(whole.files, expected, "{cut}");
        assert_eq!(whole.problems(), [(ProblemKind::Truncated, "given")]);
    }
    // The node's archive is cut as well.
    let whole = read(&outer[..end_of_inner - 30]);
    assert_eq!(whole.files.len(), TREE.len() + NODE.len());
    assert_eq!(
        whole.problems(),
        [
            (ProblemKind::Truncated, "b/nodes/n1.zip"),
            (ProblemKind::Truncated, "given")
        ]
    );
}

#[test]
fn a_zip_cut_anywhere_gives_the_entries_before_the_cut() {
    let bytes = nested_bundle();
    let expected = nested_contents();
    let mut before = 0;
    for cut in 1..bytes.len() {
        let Ok(archive) = try_open(&[("given", &bytes[..cut])], &Limits::default()) else {
            assert!(cut < 4);
            continue;
        };
        let whole = read_all(&archive);
        assert!(!whole.problems.is_empty(), "{cut}");
        for (path, content) in &whole.files {
            let known = expected.get(path);
            assert!(
                known.is_some_and(|known| known.starts_with(content)),
                "{cut}: {path}"
            );
        }
        let complete = whole
            .files
            .iter()
            .filter(|(path, content)| expected[*path] == **content);
        let complete = complete.count();
        assert!(complete >= before, "{cut}");
        before = complete;
    }
    assert_eq!(before, expected.len());
}

#[test]
fn the_walk_goes_on_behind_damage_but_not_into_inner_archives() {
    let node = zip(NODE);
    let outer = without_directory(&zip(&[
        &TREE[..2],
        &[("b/nodes/n1.zip", &node)],
        &TREE[2..],
    ]
    .concat()));
    // The length of the node's archive is wrong, so the walk loses its way inside of it.
    let mut bytes = outer.clone();
    let header = find(&outer, b"b/nodes/n1.zip") - 30;
    bytes[header + 18..header + 22].copy_from_slice(&40u32.to_le_bytes());
    let whole = read(&bytes);
    for (path, content) in contents(TREE, "") {
        assert_eq!(whole.files.get(&path), Some(&content), "{path}");
    }
    assert!(!whole.files.contains_key("n1/logs/kernel.log"));
}

#[test]
fn a_file_that_is_damaged_gives_what_was_got() {
    let text = "line\n".repeat(1000);
    let files: &[File<'_>] = &[("b/a.log", text.as_bytes()), ("b/b.log", b"fine")];
    let good = zip(files);
    let data = find(&good, b"b/a.log") + 7;
    let change = |at: usize, to: &[u8]| {
        let mut bytes = good.clone();
        bytes[at..at + to.len()].copy_from_slice(to);
        read(&bytes)
    };
    let central = data + find(&good[data..], b"b/a.log") - 46;
    assert_eq!(&good[central..central + 2], b"PK");
    let size = |size: u32| change(central + 24, &size.to_le_bytes());
    for (what, whole, kind) in [
        (
            "data",
            change(data + 5, &[0xff; 8]),
            ProblemKind::Unreadable,
        ),
        (
            "checksum",
            change(central + 16, &[1]),
            ProblemKind::Unreadable,
        ),
        ("declared more", size(5001), ProblemKind::Truncated),
        ("declared less", size(4999), ProblemKind::Unreadable),
        (
            "no local header",
            change(data - 37, b"XX"),
            ProblemKind::Unreadable,
        ),
        (
            "local header elsewhere",
            change(central + 42, &[1]),
            ProblemKind::Unreadable,
        ),
        (
            "method",
            change(central + 10, &[9]),
            ProblemKind::Unreadable,
        ),
        (
            "encrypted",
            change(central + 8, &[1]),
            ProblemKind::Unreadable,
        ),
    ] {
        assert_eq!(whole.problems(), [(kind, "b/a.log")], "{what}");
        assert_eq!(whole.files["b/b.log"], b"fine", "{what}");
        if let Some(got) = whole.files.get("b/a.log") {
            assert!(text.as_bytes().starts_with(got) || what == "data", "{what}");
        }
    }
    assert_eq!(size(4999).files["b/a.log"].len(), 4999);
    assert_eq!(size(5001).files["b/a.log"].len(), 5000);
}

#[test]
fn archives_inside_that_are_none_are_problems() {
    let page = b"<html><body>404</body></html>";
    let bytes = zip(&[
        ("b/metadata.yaml", b"x"),
        ("b/nodes/empty.zip", b""),
        ("b/nodes/page.zip", page),
        ("b/nodes/no-files.zip", &zip_of_directory("no-files/")),
        ("b/nodes/xz.zip", &xz(b"x")),
        ("b/scc_x.txz", page),
        ("b/x.tgz", &gzip(b"no tar")),
    ]);
    let whole = read(&bytes);
    assert_eq!(whole.files, contents(&[("b/metadata.yaml", b"x")], ""));
    assert_eq!(
        whole.problems(),
        [
            (ProblemKind::Truncated, "b/nodes/empty.zip"),
            (ProblemKind::Missing, "b/nodes/no-files.zip"),
            (ProblemKind::Unreadable, "b/nodes/page.zip"),
            (ProblemKind::Unreadable, "b/nodes/xz.zip"),
            (ProblemKind::Unreadable, "b/scc_x.txz"),
            (ProblemKind::Unreadable, "b/x.tgz"),
        ]
    );
}

/// What a collector writes that does not know the host's system.
fn zip_of_directory(name: &str) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer
        .add_directory(name, SimpleFileOptions::default())
        .unwrap();
    writer.finish().unwrap().into_inner()
}

#[test]
fn compressed_tars_that_are_cut_give_their_first_files() {
    let long: Vec<u8> = (0..50_000u32)
        .flat_map(|n| (n ^ n << 7).to_le_bytes())
        .collect();
    let tar = tar(&[
        ("s/a.txt", b"first"),
        ("s/b.txt", &long),
        ("s/c.txt", b"last"),
    ]);
    for (name, packed) in [("scc_x.txz", xz(&tar)), ("scc_x.tgz", gzip(&tar))] {
        let cut = &packed[..packed.len() / 2];
        let whole = read(&zip(&[
            ("b/metadata.yaml", b"x"),
            (&format!("b/{name}"), cut),
        ]));
        assert_eq!(
            whole.files[&format!("b/{name}/s/a.txt")],
            b"first",
            "{name}"
        );
        assert!(
            !whole.files.contains_key(&format!("b/{name}/s/c.txt")),
            "{name}"
        );
        assert!(
            whole
                .problems
                .iter()
                .any(|problem| problem.path == format!("b/{name}"))
        );
        // The same alone.
        let whole = read(cut);
        assert_eq!(whole.files["s/a.txt"], b"first", "{name}");
        assert!(
            whole
                .problems()
                .contains(&(ProblemKind::Truncated, "s/b.txt")),
            "{name}"
        );
    }
    let whole = read(&tar[..tar.len() / 2]);
    assert_eq!(whole.files["s/a.txt"], b"first");
    assert_eq!(
        whole.problems(),
        [
            (ProblemKind::Truncated, "given"),
            (ProblemKind::Truncated, "s/b.txt")
        ]
    );
    // The compressed data is whole, but its checksum is not: that is behind the tar's own end.
    let mut flipped = gzip(&tar);
    let checksum = flipped.len() - 6;
    flipped[checksum] ^= 1;
    let whole = read(&zip(&[("b/scc_x.tgz", &flipped)]));
    assert_eq!(whole.files.len(), 3);
    assert_eq!(whole.problems(), [(ProblemKind::Unreadable, "b/scc_x.tgz")]);
}

#[test]
fn what_is_no_archive_is_told_by_what_it_is() {
    let open = |bytes: &[u8]| match try_open(&[("b.zip", bytes)], &Limits::default()) {
        Ok(_) => "opened".to_owned(),
        Err(error) => {
            assert!(miette::Diagnostic::help(&error).is_some());
            let text = error.to_string();
            text[text.find("b.zip").unwrap()..].to_owned()
        }
    };
    assert_eq!(open(b""), "b.zip is empty");
    assert_eq!(
        open(b"\n<!DOCTYPE html><html><body>Bad\tGateway</body></html>"),
        "b.zip is no archive but an HTML page: \"<!DOCTYPE html><html><body>Bad Gateway</body></html>\""
    );
    assert_eq!(
        open(b"{\"type\":\"error\",\"status\":404}"),
        "b.zip is no archive but a JSON message: \"{\\\"type\\\":\\\"error\\\",\\\"status\\\":404}\""
    );
    assert_eq!(
        open(b"some text"),
        "b.zip is neither a zip nor a tar nor a directory"
    );
    assert_eq!(
        open(&[0; 2000]),
        "b.zip is neither a zip nor a tar nor a directory"
    );
    let missing = Archive::open(&[PathBuf::from("/nowhere/b.zip")], &Limits::default());
    assert_eq!(
        missing.unwrap_err().to_string(),
        "/nowhere/b.zip does not exist"
    );
    assert!(matches!(
        Archive::open(&[], &Limits::default()),
        Err(OpenError::NoPath)
    ));
}
