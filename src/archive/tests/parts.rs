//! Bundles that come in parts, in any order.

use super::*;

/// Opens the parts in every rotation, which has to make no difference.
fn read_parts(parts: &[File<'_>]) -> Whole {
    let mut parts = parts.to_vec();
    let first = read_all(&try_open(&parts, &Limits::default()).unwrap());
    for _ in 0..parts.len() {
        parts.rotate_left(1);
        let whole = read_all(&try_open(&parts, &Limits::default()).unwrap());
        assert_eq!(whole, first);
    }
    parts.reverse();
    assert_eq!(
        read_all(&try_open(&parts, &Limits::default()).unwrap()),
        first
    );
    first
}

fn refuse(parts: &[File<'_>]) -> String {
    match try_open(parts, &Limits::default()) {
        Err(OpenError::Parts { reason }) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn pieces_are_laid_end_to_end() {
    let bytes = nested_bundle();
    let (one, rest) = bytes.split_at(300);
    let (two, three) = rest.split_at(500);
    for names in [
        ["x.zip.001", "x.zip.002", "x.zip.003"],
        ["x.001.zip", "x.002.zip", "x.003.zip"],
        ["x.zip.0", "x.zip.1", "x.zip.2"],
        ["x.part1", "x.part2", "x.part3"],
    ] {
        let whole = read_parts(&[(names[0], one), (names[1], two), (names[2], three)]);
        assert_eq!(whole.files, nested_contents(), "{names:?}");
        assert_eq!(whole.problems, [], "{names:?}");
    }
    let tar = gzip(&tar(TREE));
    let (one, two) = tar.split_at(100);
    let whole = read_parts(&[("x.tar.gz.1", one), ("x.tar.gz.2", two)]);
    assert_eq!(whole.files, contents(TREE, ""));
}

#[test]
fn archives_that_each_hold_a_part_are_one_tree() {
    let one = zip(&[TREE[2], TREE[0]]);
    let two = zip(&[TREE[2], TREE[1]]);
    let three = zip(&[TREE[3], ("b/nodes/n1.zip", &zip(NODE))]);
    let mut expected = contents(TREE, "");
    expected.extend(contents(NODE, "b/nodes/n1.zip/"));
    let whole = read_parts(&[("x.1.zip", &one), ("x.2.zip", &two), ("x.3.zip", &three)]);
    assert_eq!(whole.files, expected);
    // The same file in two of them is no problem, as long as it is the same.
    assert_eq!(whole.problems, []);
    let other = zip(&[("b/metadata.yaml", b"other")]);
    let whole = read_parts(&[("x.1.zip", &one), ("x.2.zip", &other)]);
    assert_eq!(
        whole.problems(),
        [(ProblemKind::Unreadable, "b/metadata.yaml")]
    );
    assert_eq!(whole.files["b/metadata.yaml"], b"other");
    // One of them cut.
    let whole = read_parts(&[("x.1.zip", &one[..one.len() - 9]), ("x.2.zip", &two)]);
    assert_eq!(whole.files.len(), 3);
    assert_eq!(whole.problems(), [(ProblemKind::Truncated, "x.1.zip")]);
}

#[test]
fn a_zip_split_by_its_own_means() {
    let (parts, whole) = split_zip(3);
    let names = ["x1.z01", "x1.z02", "x1.zip"];
    let files: Vec<File<'_>> = names
        .into_iter()
        .zip(parts.iter().map(Vec::as_slice))
        .collect();
    let read = read_parts(&files);
    assert_eq!(read.problems, []);
    assert_eq!(read.files, whole);
    assert_eq!(
        refuse(&files[1..]),
        "the zip was split into 3 files, and 2 were given"
    );
    assert_eq!(
        refuse(&files[2..]),
        "the zip was split into 3 files, and 1 were given"
    );
}

/// What `zip -s` writes: a signature first, and offsets that count from the beginning of the file
/// that holds the header. One member lies across two files.
fn split_zip(pieces: usize) -> (Vec<Vec<u8>>, BTreeMap<String, Vec<u8>>) {
    let bytes = nested_bundle();
    let end = bytes.len() - 22;
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let directory = number(end + 16);
    // A signature of 4 bytes comes first, so every position is 4 more.
    let length = (bytes.len() + 4).div_ceil(pieces);
    let place = |position: usize| ((position + 4) / length, (position + 4) % length);
    let mut marked = [&b"PK\x07\x08"[..], &bytes].concat();
    let mut at = directory;
    while at < end {
        let (piece, offset) = place(number(at + 42));
        marked[4 + at + 34] = piece as u8;
        marked[4 + at + 42..4 + at + 46].copy_from_slice(&(offset as u32).to_le_bytes());
        let lengths = |field: usize| {
            usize::from(u16::from_le_bytes([
                bytes[at + field],
                bytes[at + field + 1],
            ]))
        };
        at += 46 + lengths(28) + lengths(30) + lengths(32);
    }
    let (piece, offset) = place(directory);
    marked[4 + end + 4] = pieces as u8 - 1;
    marked[4 + end + 6] = piece as u8;
    marked[4 + end + 16..4 + end + 20].copy_from_slice(&(offset as u32).to_le_bytes());
    (
        marked.chunks(length).map(<[u8]>::to_vec).collect(),
        nested_contents(),
    )
}

#[test]
fn what_does_not_fit_is_refused() {
    let bytes = nested_bundle();
    let (one, rest) = bytes.split_at(300);
    let (two, three) = rest.split_at(500);
    assert_eq!(
        refuse(&[("x.zip.001", one), ("x.zip.003", three)]),
        "a piece is missing between x.zip.001 and x.zip.003"
    );
    assert_eq!(
        refuse(&[("x.zip.002", two), ("x.zip.003", three)]),
        "the first piece is missing: x.zip.002 is the first given"
    );
    assert_eq!(
        refuse(&[("x.zip.001", one), ("x.zip.002", two), ("y.zip", &bytes)]),
        "x.zip.001 and y.zip are archives of their own, and another part is none"
    );
    // The last piece cannot be missed, but the zip can: as much as there is is read.
    let whole = read_parts(&[("x.zip.001", one), ("x.zip.002", two)]);
    assert!(!whole.problems.is_empty() && !whole.files.is_empty());
}
