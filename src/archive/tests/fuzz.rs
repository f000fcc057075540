//! Bytes flipped, cut, repeated and moved: whatever comes of it, reading ends, without a panic and
//! within the limits.

use std::time::{Duration, Instant};

use super::*;
use crate::testing::Random;

fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(bytes.len());
    let length = random.below(40).min(bytes.len() - at);
    match random.below(8) {
        0 => bytes.truncate(at),
        1 => drop(bytes.drain(at..at + length)),
        2 => {
            let part = bytes[at..at + length].to_vec();
            let to = random.below(bytes.len());
            bytes.splice(to..to, part);
        }
        3 => bytes[at..at + length].fill(0xff),
        4 => bytes[at..at + length].fill(0),
        // Half of what matters is in the last bytes of a zip.
        5 => {
            let back = random.below(200).min(bytes.len() - 1);
            let last = bytes.len() - 1 - back;
            bytes[last] = random.next() as u8;
        }
        _ => bytes[at] ^= 1 << random.below(8),
    }
}

#[test]
fn no_bytes_make_it_panic_or_hang() {
    let inner = zip(NODE);
    let seeds = [
        nested_bundle(),
        zip_with(TREE, |_| CompressionMethod::Stored),
        streamed_zip(TREE, CompressionMethod::Deflated),
        streamed_zip(TREE, CompressionMethod::Stored),
        tar(&[TREE, &[("b/nodes/n1.zip", &inner)]].concat()),
        gzip(&tar(TREE)),
        xz(&tar(TREE)),
    ];
    let limits = Limits {
        max_size: 64 << 20,
        max_entry_size: 16 << 20,
        ..Limits::default()
    };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mutant");
    let mut random = Random::new();
    let begin = Instant::now();
    let mut runs = 0u32;
    while begin.elapsed() < Duration::from_secs(2) {
        let mut bytes = seeds[runs as usize % seeds.len()].clone();
        for _ in 0..=random.below(4) {
            if !bytes.is_empty() {
                mutate(&mut bytes, &mut random);
            }
        }
        std::fs::write(&path, &bytes).unwrap();
        if let Ok(archive) = Archive::open(std::slice::from_ref(&path), &limits) {
            read_all(&archive);
        }
        runs += 1;
    }
    eprintln!("{runs} mutants");
}
