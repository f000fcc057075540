//! Archives made to harm: names that climb, links, overlaps, bombs.

use super::*;

#[test]
fn no_name_leads_out_of_the_archive() {
    let files: &[File<'_>] = &[
        ("b/metadata.yaml", b"fine"),
        ("../up", b"x"),
        ("b/../../up", b"x"),
        ("b\\..\\..\\up", b"x"),
        ("/etc/passwd", b"x"),
        ("C:\\windows\\x", b"x"),
        ("b/\x1b[31mred", b"x"),
        ("b\\win\\dows.log", b"fine"),
        ("./b/./dot.log", b"fine"),
    ];
    let expected = contents(
        &[
            ("b/metadata.yaml", b"fine"),
            ("b/win/dows.log", b"fine"),
            ("b/dot.log", b"fine"),
        ],
        "",
    );
    for bytes in [zip(files), tar_of_any_name(files)] {
        let whole = read(&bytes);
        assert_eq!(whole.files, expected);
        assert_eq!(whole.problems.len(), 6);
        for problem in &whole.problems {
            assert_eq!(
                (problem.path.as_str(), problem.kind),
                ("given", ProblemKind::Unreadable)
            );
            assert!(!problem.reason.contains('\x1b'));
        }
    }
    // In an archive inside, from where one step up would still be in the bundle.
    let whole = read(&zip(&[("b/n.zip", &zip(&[("../up", b"x"), ("ok", b"y")]))]));
    assert_eq!(whole.files, contents(&[("b/n.zip/ok", b"y")], ""));
    assert_eq!(whole.problems(), [(ProblemKind::Unreadable, "b/n.zip")]);
}

/// The `tar` crate does not write such names.
fn tar_of_any_name(files: &[File<'_>]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        builder.append(&header, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

#[test]
fn links_and_devices_are_left_out() {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default();
    writer
        .add_symlink("b/link.log", "/etc/passwd", options)
        .unwrap();
    writer.start_file("b/a.log", options).unwrap();
    writer.write_all(b"fine").unwrap();
    let whole = read(&writer.finish().unwrap().into_inner());
    assert_eq!(whole.files, contents(&[("b/a.log", b"fine")], ""));
    assert_eq!(whole.problems(), [(ProblemKind::Unreadable, "b/link.log")]);

    let mut builder = tar::Builder::new(Vec::new());
    for (name, kind) in [
        ("b/hard", tar::EntryType::Link),
        ("b/soft", tar::EntryType::Symlink),
        ("b/device", tar::EntryType::Char),
        ("b/sparse", tar::EntryType::GNUSparse),
        ("b/a.log", tar::EntryType::Regular),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(0);
        header.set_path(name).unwrap();
        header.as_gnu_mut().unwrap().realsize = *b"00000000000\0";
        if matches!(kind, tar::EntryType::Link | tar::EntryType::Symlink) {
            header.set_link_name("/etc/passwd").unwrap();
        }
        header.set_cksum();
        builder.append(&header, &b""[..]).unwrap();
    }
    let tar = builder.into_inner().unwrap();
    let expected = |prefix: &str| {
        let names = ["b/device", "b/hard", "b/soft", "b/sparse"];
        names.map(|name| (ProblemKind::Unreadable, format!("{prefix}{name}")))
    };
    let found = |whole: &Whole| {
        let problems = whole.problems();
        problems
            .into_iter()
            .map(|(kind, path)| (kind, path.to_owned()))
            .collect::<Vec<_>>()
    };
    let whole = read(&tar);
    assert_eq!(found(&whole), expected(""));
    assert_eq!(whole.files, contents(&[("b/a.log", b"")], ""));
    let whole = read(&zip(&[("scc_b.txz", &xz(&tar))]));
    assert_eq!(found(&whole), expected("scc_b.txz/"));
}

#[test]
fn of_one_name_twice_the_last_is_read() {
    // The zip crate refuses to write one, so two names of one length are made the same.
    let mut bytes = zip(&[
        ("b/a.log", b"first"),
        ("b/b.log", b"second"),
        ("b/c.log", b"other"),
    ]);
    while let Some(at) = memchr::memmem::find(&bytes, b"b/b.log") {
        bytes[at + 2] = b'a';
    }
    let twice = tar(&[
        ("b/a.log", b"first"),
        ("b/a.log", b"second"),
        ("b/c.log", b"other"),
    ]);
    for bytes in [bytes, twice] {
        let whole = read(&bytes);
        assert_eq!(
            whole.files,
            contents(&[("b/a.log", b"second"), ("b/c.log", b"other")], "")
        );
        assert_eq!(whole.problems(), [(ProblemKind::Unreadable, "b/a.log")]);
    }
}

#[test]
fn entries_that_share_bytes_are_left_out() {
    let good = zip(&[("b/a.log", b"first"), ("b/b.log", b"second")]);
    let first = find(&good, b"b/a.log") - 30;
    let second = find(&good, b"b/b.log") - 30;
    // The second header of the directory points at the first member's data.
    let directory = second + 36 + find(&good[second + 36..], b"b/b.log") - 46;
    let mut bytes = good.clone();
    bytes[directory + 42..directory + 46].copy_from_slice(&(first as u32).to_le_bytes());
    let whole = read(&bytes);
    assert_eq!(whole.files, contents(&[("b/a.log", b"first")], ""));
    assert_eq!(whole.problems(), [(ProblemKind::Unreadable, "b/b.log")]);
    // The first member claims the second as its data.
    let mut bytes = good.clone();
    let directory = second + 36 + find(&good[second + 36..], b"b/a.log") - 46;
    bytes[directory + 20..directory + 24].copy_from_slice(&20u32.to_le_bytes());
    let whole = read(&bytes);
    assert!(
        whole
            .problems()
            .contains(&(ProblemKind::Unreadable, "b/b.log"))
    );
    // Beyond the directory.
    bytes[directory + 20..directory + 24].copy_from_slice(&u32::MAX.to_le_bytes());
    let whole = read(&bytes);
    assert_eq!(whole.files, contents(&[("b/b.log", b"second")], ""));
    assert_eq!(whole.problems(), [(ProblemKind::Unreadable, "b/a.log")]);
}

#[test]
fn a_zip_that_holds_itself_is_opened_to_the_limit() {
    // Not a true quine, but as deep as one for the reader: each level is inflated anew.
    let mut bytes = zip(&[("a.log", b"core")]);
    for _ in 0..20 {
        bytes = zip_with(&[("n.zip", &bytes), ("b.log", b"level")], |_| {
            CompressionMethod::Deflated
        });
    }
    let whole = read(&bytes);
    let levels: Vec<String> = (0..5)
        .map(|depth| "n.zip/".repeat(depth) + "b.log")
        .collect();
    let mut found: Vec<&String> = whole.files.keys().collect();
    found.sort_by_key(|path| path.len());
    assert_eq!(found, levels.iter().collect::<Vec<_>>());
    let deepest = ["n.zip"; 5].join("/");
    assert_eq!(whole.problems(), [(ProblemKind::Limit, deepest.as_str())]);
}

#[test]
fn a_sparse_or_endless_member_costs_no_more_than_the_tar() {
    let mut bytes = tar(&[("a.log", b"fine"), ("big.log", b"x")]);
    // The second member says that it has 8 GB.
    let header = find(&bytes, b"big.log");
    let mut changed = tar::Header::new_gnu();
    changed
        .as_mut_bytes()
        .copy_from_slice(&bytes[header..header + 512]);
    changed.set_size(8 << 30);
    changed.set_cksum();
    bytes[header..header + 512].copy_from_slice(changed.as_bytes());
    let whole = read(&zip(&[("scc_x.txz", &xz(&bytes))]));
    assert_eq!(whole.files["scc_x.txz/a.log"], b"fine");
    assert!(
        whole
            .problems()
            .contains(&(ProblemKind::Truncated, "scc_x.txz/big.log"))
    );
    let whole = read(&bytes);
    assert_eq!(whole.files, contents(&[("a.log", b"fine")], ""));
    assert!(whole.problems().contains(&(ProblemKind::Limit, "big.log")));
}
