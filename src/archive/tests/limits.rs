//! Each limit, when hit, is a problem, and the rest is still read.

use super::*;

const FILES: &[File<'static>] = &[("b/a", b"aaaa"), ("b/b", b"bbbbbbbb"), ("b/c", b"cc")];

#[test]
fn beyond_the_number_of_entries() {
    let limits = Limits {
        max_entries: 2,
        ..Limits::default()
    };
    for bytes in [zip(FILES), tar(FILES)] {
        let whole = read_within(&bytes, &limits);
        assert_eq!(whole.files, contents(&FILES[..2], ""));
        assert_eq!(whole.problems(), [(ProblemKind::Limit, "given")]);
    }
    // Over several archives, in order of path, the outer first.
    let inner = zip(FILES);
    let bytes = zip(&[("b/1.zip", &inner), ("b/2.zip", &inner), ("b/x", b"x")]);
    let limits = Limits {
        max_entries: 7,
        ..Limits::default()
    };
    let whole = read_within(&bytes, &limits);
    let mut expected = contents(&[("b/x", b"x")], "");
    expected.extend(contents(FILES, "b/1.zip/"));
    expected.extend(contents(&FILES[..1], "b/2.zip/"));
    assert_eq!(whole.files, expected);
    assert_eq!(whole.problems(), [(ProblemKind::Limit, "b/2.zip")]);
    // In a tar that is read in one go.
    let limits = Limits {
        max_entries: 2,
        ..Limits::default()
    };
    let whole = read_within(&zip(&[("scc_x.txz", &xz(&tar(FILES)))]), &limits);
    assert_eq!(whole.files, contents(&FILES[..2], "scc_x.txz/"));
    assert_eq!(whole.problems(), [(ProblemKind::Limit, "scc_x.txz")]);
}

#[test]
fn beyond_the_size_in_all() {
    let limits = Limits {
        max_size: 7,
        ..Limits::default()
    };
    for bytes in [zip(FILES), tar(FILES)] {
        let whole = read_within(&bytes, &limits);
        // The large one does not fit; the small one behind it does.
        assert_eq!(whole.files, contents(&[FILES[0], FILES[2]], ""));
        assert_eq!(whole.problems(), [(ProblemKind::Limit, "given")]);
        assert!(
            whole.problems[0]
                .reason
                .starts_with("b/b is beyond the limit of 7 bytes")
        );
    }
}

#[test]
fn beyond_the_size_of_an_entry() {
    let limits = Limits {
        max_entry_size: 7,
        ..Limits::default()
    };
    let whole = read_within(&zip(FILES), &limits);
    assert_eq!(whole.files, contents(&[FILES[0], FILES[2]], ""));
    assert_eq!(whole.problems(), [(ProblemKind::Limit, "b/b")]);
    // A compressed tar given as such is read up to the limit.
    let limits = Limits {
        max_entry_size: 2000,
        ..Limits::default()
    };
    let long = [b'x'; 1500];
    let whole = read_within(&gzip(&tar(&[("a", b"aa"), ("b", &long)])), &limits);
    assert_eq!(whole.files["a"], b"aa");
    assert_eq!(whole.files["b"].len(), 2000 - 512 * 3);
    assert!(whole.problems().contains(&(ProblemKind::Limit, "given")));
    // An archive inside that has to be inflated, by either compression.
    let inner = tar(&[("a", b"aa"), ("b", &long)]);
    for (name, inner) in [
        ("n.tar", inner.clone()),
        ("n.txz", xz(&inner)),
        ("scc_n.txz", xz(&inner)),
    ] {
        let whole = read_within(&zip(&[("b/a", b"fine"), (name, &inner)]), &limits);
        assert_eq!(whole.files, contents(&[("b/a", b"fine")], ""), "{name}");
        assert_eq!(whole.problems(), [(ProblemKind::Limit, name)], "{name}");
    }
    // A gzip does not say its size for certain: it is read up to the limit.
    for name in ["n.tgz", "scc_n.tgz"] {
        let whole = read_within(&zip(&[("b/a", b"fine"), (name, &gzip(&inner))]), &limits);
        assert_eq!(whole.files[&format!("{name}/a")], b"aa");
        assert!(
            whole.problems().contains(&(ProblemKind::Limit, name)),
            "{name}"
        );
    }
}

#[test]
fn beyond_the_ratio_but_not_for_what_is_small() {
    let kernel_log = vec![b'x'; 18 << 20];
    let bomb = vec![0; 65 << 20];
    let bytes = zip(&[("b/kernel.log", &kernel_log), ("b/zeros", &bomb)]);
    assert!(kernel_log.len() > bytes.len() * 100);
    let whole = read(&bytes);
    assert_eq!(whole.files.keys().collect::<Vec<_>>(), ["b/kernel.log"]);
    assert_eq!(whole.problems(), [(ProblemKind::Limit, "b/zeros")]);
    assert!(whole.problems[0].reason.contains("--max-ratio"));
    let limits = Limits {
        max_ratio: 2000,
        ..Limits::default()
    };
    assert_eq!(read_within(&bytes, &limits).problems, []);
    // By xz, whose ratio is higher still, inside of a zip and alone.
    let packed = xz(&tar(&[("s/a.txt", b"fine"), ("s/zeros", &bomb)]));
    let stored = zip_with(&[("b/scc_x.txz", &packed)], |_| CompressionMethod::Stored);
    let whole = read(&stored);
    assert_eq!(whole.files.len(), 0);
    assert_eq!(whole.problems(), [(ProblemKind::Limit, "b/scc_x.txz")]);
    let whole = read(&packed);
    assert_eq!(whole.files["s/a.txt"], b"fine");
    assert!(whole.problems().contains(&(ProblemKind::Limit, "given")));
}

#[test]
fn beyond_the_nesting() {
    let scc = xz(&tar(&[("scc_n/a.txt", b"a")]));
    let node = zip(&[("n/k.log", b"k"), ("n/scc_n.txz", &scc)]);
    let bytes = zip(&[("b/m", b"m"), ("b/n.zip", &node)]);
    let read_to = |max_nesting| {
        let limits = Limits {
            max_nesting,
            ..Limits::default()
        };
        read_within(&bytes, &limits)
    };
    let names = |whole: &Whole| whole.files.keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(names(&read_to(0)), "b/m");
    assert_eq!(read_to(0).problems(), [(ProblemKind::Limit, "b/n.zip")]);
    assert_eq!(names(&read_to(1)), "b/m b/n.zip/n/k.log");
    assert_eq!(
        read_to(1).problems(),
        [(ProblemKind::Limit, "b/n.zip/n/scc_n.txz")]
    );
    assert_eq!(
        names(&read_to(2)),
        "b/m b/n.zip/n/k.log b/n.zip/n/scc_n.txz/scc_n/a.txt"
    );
    assert_eq!(read_to(2).problems, []);
}

#[test]
fn archives_held_in_memory_are_limited_together() {
    let inner = zip(&[("a", b"aaaa")]);
    let names: Vec<String> = (0..9).map(|number| format!("{number}.zip")).collect();
    let files: Vec<File<'_>> = names
        .iter()
        .map(|name| (name.as_str(), &inner[..]))
        .collect();
    let limits = Limits {
        max_entry_size: inner.len() as u64 * 2,
        ..Limits::default()
    };
    let whole = read_within(&zip_with(&files, |_| CompressionMethod::Deflated), &limits);
    assert_eq!(whole.files.len(), 4);
    assert_eq!(whole.problems[0].path, "4.zip");
    assert!(
        whole
            .problems
            .iter()
            .all(|problem| problem.kind == ProblemKind::Limit)
    );
    // Where they lie uncompressed, nothing is held.
    assert_eq!(read_within(&zip(&files), &limits).problems, []);
}

#[test]
fn a_flood_of_problems_is_summed_up() {
    let names: Vec<String> = (0..3000).map(|number| format!("../{number}")).collect();
    let files: Vec<File<'_>> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    let whole = read(&zip(&files));
    assert_eq!(whole.problems.len(), 1001);
    let last = whole
        .problems
        .iter()
        .filter(|problem| problem.reason.contains("2000 more"));
    assert_eq!(last.count(), 1);
}

#[test]
fn threads_change_nothing() {
    let inner = zip(FILES);
    let names: Vec<String> = (0..40).map(|number| format!("b/{number}.zip")).collect();
    let files: Vec<File<'_>> = names
        .iter()
        .map(|name| (name.as_str(), &inner[..]))
        .collect();
    let limits = Limits {
        max_entries: 100,
        max_size: 300,
        ..Limits::default()
    };
    let bytes = zip(&files);
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| read_within(&bytes, &limits))
    };
    assert_eq!(with(1), with(7));
}
