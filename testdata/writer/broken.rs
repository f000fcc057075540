//! Damages a finished bundle in the ways that are seen in the wild: cut off, wrapped, split, packed again, incomplete.

use std::io::{Cursor, Read, Write};

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::info_zip::InfoZip;

/// A way of being broken, or packed in another way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Variant {
    /// The download stopped: no end record.
    Truncated,
    /// `curl -i` was used: HTTP headers stand before the zip.
    HttpHeaders,
    /// A node's archive was still being uploaded.
    NodeTruncated,
    /// A node's collector knew no such operating system: its archive has one directory entry.
    NodeEmpty,
    /// Discovery failed: no `yamls/`.
    NoYamls,
    /// Discovery failed for the cluster's scope only.
    NoClusterYamls,
    /// No node's archive came.
    NoNodes,
    /// The list of pods failed in the middle: no logs of later namespaces.
    LogsStop,
    /// A web page saved under the bundle's name.
    Html,
    /// `zip -s`: `x.z01`, `x.zip`.
    SplitZip,
    /// Cut into pieces `x.zip.001`, `x.zip.002`.
    SplitPieces,
    /// Packed again by another program: data descriptors, nested archives deflated, resource forks.
    Repacked,
    /// `.tar.gz`.
    TarGz,
    /// Unpacked.
    Directory,
    /// One node's archive and nothing else.
    NodeAlone,
    /// One host's supportconfig and nothing else.
    SupportconfigAlone,
    /// A YAML file with bytes that are no UTF-8.
    NotUtf8,
    /// A YAML file that ends in the middle of a line.
    TornYaml,
}

/// All variants.
pub const VARIANTS: [Variant; 18] = [
    Variant::Truncated,
    Variant::HttpHeaders,
    Variant::NodeTruncated,
    Variant::NodeEmpty,
    Variant::NoYamls,
    Variant::NoClusterYamls,
    Variant::NoNodes,
    Variant::LogsStop,
    Variant::Html,
    Variant::SplitZip,
    Variant::SplitPieces,
    Variant::Repacked,
    Variant::TarGz,
    Variant::Directory,
    Variant::NodeAlone,
    Variant::SupportconfigAlone,
    Variant::NotUtf8,
    Variant::TornYaml,
];

impl Variant {
    /// The variant of a name as scenarios write it.
    pub fn named(name: &str) -> Result<Variant, String> {
        serde_json::from_value(serde_json::Value::String(name.to_owned()))
            .map_err(|error| error.to_string())
    }
}

/// The error log's line of a failed discovery.
const DISCOVERY_FAILED: &str = "unable to retrieve the complete list of server APIs: ext.cattle.io/v1: stale GroupVersion discovery: ext.cattle.io/v1";

/// The files, by path, that a broken bundle consists of; a whole one is given as `bytes`.
pub fn break_bundle(bytes: &[u8], variant: Variant) -> Vec<(String, Vec<u8>)> {
    let entries = unpack(bytes);
    let top = entries.first().map_or_else(String::new, |entry| {
        entry.name.split('/').next().unwrap_or_default().to_owned()
    });
    let name = format!("{top}.zip");
    let kept = |keep: &dyn Fn(&Entry) -> bool, note: &dyn Fn(&mut String)| {
        let mut entries: Vec<Entry> = entries
            .iter()
            .filter(|entry| keep(entry))
            .cloned()
            .collect();
        for entry in entries
            .iter_mut()
            .filter(|entry| entry.name.ends_with("/bundleGenerationError.log"))
        {
            let mut text = String::from_utf8_lossy(&entry.content).into_owned();
            note(&mut text);
            entry.content = text.into_bytes();
        }
        vec![(name.clone(), pack(&entries))]
    };
    let changed = |suffix: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let mut entries = entries.clone();
        let victim = entries
            .iter_mut()
            .find(|entry| entry.name.ends_with(suffix))
            .expect("the bundle has such a file");
        change(&mut victim.content);
        vec![(name.clone(), pack(&entries))]
    };
    let inside = |part: &str| format!("{top}/{part}");
    match variant {
        Variant::Truncated => vec![(name, bytes[..bytes.len() * 3 / 4].to_vec())],
        Variant::HttpHeaders => {
            let mut content = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nContent-Type: application/zip\r\nContent-Disposition: attachment; filename={name}\r\n\r\n", bytes.len()).into_bytes();
            content.extend(bytes);
            vec![(name, content)]
        }
        Variant::NodeTruncated => changed(".zip", &|content| content.truncate(content.len() * 2 / 3)),
        Variant::NodeEmpty => {
            let mut entries = entries.clone();
            let victim = entries.iter_mut().find(|entry| entry.name.ends_with(".zip")).expect("the bundle has a node");
            let node = victim.name.rsplit('/').next().unwrap_or_default().trim_end_matches(".zip").to_owned();
            let mut zip = InfoZip::new(Vec::new());
            zip.directory(&format!("{node}/"), victim.time).expect("writing to memory");
            victim.content = zip.finish().expect("writing to memory");
            vec![(name, pack(&entries))]
        }
        Variant::NoYamls => kept(&|entry| !entry.name.starts_with(&inside("yamls/")), &|text| {
            let namespaces = text.lines().filter(|line| line.contains("/bindings: ")).count();
            *text = format!("Unable to fetch cluster resources: {DISCOVERY_FAILED}\n") + &format!("Unable to fetch namespaced resources: {DISCOVERY_FAILED}\n").repeat(namespaces);
        }),
        Variant::NoClusterYamls => kept(&|entry| !entry.name.starts_with(&inside("yamls/cluster/")), &|text| {
            *text = format!("Unable to fetch cluster resources: {DISCOVERY_FAILED}\n{text}");
        }),
        Variant::NoNodes => kept(&|entry| !entry.name.starts_with(&inside("nodes/")), &|_| {}),
        Variant::LogsStop => kept(
            &|entry| !["harvester-system", "longhorn-system", "cattle-provisioning-capi-system"].iter().any(|namespace| entry.name.starts_with(&inside(&format!("logs/{namespace}/")))),
            &|text| text.push_str("Support bundle: cannot get pod list: etcdserver: request timed out\n"),
        ),
        Variant::Html => vec![(name, b"<!DOCTYPE html>\n<html><head><title>503 Service Temporarily Unavailable</title></head>\n<body><center><h1>503 Service Temporarily Unavailable</h1></center><hr><center>nginx</center></body></html>\n".to_vec())],
        Variant::SplitZip => split_zip(bytes, &top),
        Variant::SplitPieces => {
            let size = bytes.len() / 3 + 1;
            bytes.chunks(size).enumerate().map(|(index, piece)| (format!("{name}.{:03}", index + 1), piece.to_vec())).collect()
        }
        Variant::Repacked => vec![("bundle (1).zip".to_owned(), repack(&entries))],
        Variant::TarGz => vec![(format!("{top}.tar.gz"), tar_gz(&entries))],
        Variant::Directory => entries.into_iter().filter(|entry| !entry.is_directory()).map(|entry| (entry.name, entry.content)).collect(),
        Variant::NodeAlone => {
            let node = entries.into_iter().find(|entry| entry.name.ends_with(".zip")).expect("the bundle has a node");
            vec![(node.name.rsplit('/').next().unwrap_or_default().to_owned(), node.content)]
        }
        Variant::SupportconfigAlone => {
            let node = entries.into_iter().find(|entry| entry.name.ends_with(".zip")).expect("the bundle has a node");
            let archive = unpack(&node.content).into_iter().find(|entry| entry.name.ends_with(".txz")).expect("the node has a supportconfig");
            vec![(archive.name.rsplit('/').next().unwrap_or_default().to_owned(), archive.content)]
        }
        Variant::NotUtf8 => changed("/harvester-system/v1/configmaps.yaml", &|content| {
            let at = content.windows(5).position(|text| text == b"BEGIN").unwrap_or(content.len() / 2);
            content[at..at + 3].copy_from_slice(&[0xff, 0xfe, 0xc3]);
        }),
        Variant::TornYaml => changed("/longhorn-system/v1/pods.yaml", &|content| content.truncate(content.len() / 2 + 3)),
    }
}

#[derive(Clone)]
struct Entry {
    name: String,
    content: Vec<u8>,
    time: Timestamp,
}

impl Entry {
    fn is_directory(&self) -> bool {
        self.name.ends_with('/')
    }
}

fn unpack(bytes: &[u8]) -> Vec<Entry> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).expect("our own archive");
    (0..archive.len())
        .map(|index| {
            let mut entry = archive.by_index(index).expect("our own archive");
            let mut content = Vec::new();
            entry.read_to_end(&mut content).expect("our own archive");
            let time = entry.last_modified().and_then(|time| {
                let date = DateTime::new(
                    i16::try_from(time.year()).ok()?,
                    i8::try_from(time.month()).ok()?,
                    i8::try_from(time.day()).ok()?,
                    i8::try_from(time.hour()).ok()?,
                    i8::try_from(time.minute()).ok()?,
                    i8::try_from(time.second()).ok()?,
                    0,
                );
                TimeZone::UTC.to_timestamp(date.ok()?).ok()
            });
            Entry {
                name: entry.name().expect("our own names").into_owned(),
                content,
                time: time.unwrap_or(Timestamp::UNIX_EPOCH),
            }
        })
        .collect()
}

fn pack(entries: &[Entry]) -> Vec<u8> {
    let mut zip = InfoZip::new(Vec::new());
    for entry in entries {
        let written = if entry.is_directory() {
            zip.directory(&entry.name, entry.time)
        } else {
            zip.file(&entry.name, &entry.content, entry.time)
        };
        written.expect("writing to memory");
    }
    zip.finish().expect("writing to memory")
}

/// As macOS does it: streamed, so that sizes follow the data, and with a resource fork beside the first files.
fn repack(entries: &[Entry]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut central = Vec::new();
    let mut count: u16 = 0;
    let fork = Entry {
        name: "__MACOSX/._metadata.yaml".to_owned(),
        content: vec![0, 5, 22, 7, 0, 2, 0, 0],
        time: Timestamp::UNIX_EPOCH,
    };
    for entry in entries
        .iter()
        .filter(|entry| !entry.is_directory())
        .chain([&fork])
    {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(6));
        encoder
            .write_all(&entry.content)
            .expect("writing to memory");
        let data = encoder.finish().expect("writing to memory");
        let length = |bytes: usize| u32::try_from(bytes).expect("a small archive").to_le_bytes();
        let name = u16::try_from(entry.name.len())
            .expect("a short name")
            .to_le_bytes();
        let crc = crc32fast::hash(&entry.content).to_le_bytes();
        let offset = length(out.len());
        let mut common = Vec::new();
        common.extend([20, 0, 8, 0, 8, 0, 0, 0, 0x21, 0x5a]);
        out.extend(b"PK\x03\x04");
        out.extend(&common);
        out.extend([0; 12]);
        out.extend(name);
        out.extend([0, 0]);
        out.extend(entry.name.as_bytes());
        out.extend(&data);
        out.extend(b"PK\x07\x08");
        out.extend(crc);
        out.extend(length(data.len()));
        out.extend(length(entry.content.len()));
        central.extend(b"PK\x01\x02\x15\x03");
        central.extend(&common);
        central.extend(crc);
        central.extend(length(data.len()));
        central.extend(length(entry.content.len()));
        central.extend(name);
        central.extend([0; 8]);
        central.extend(0x81a4_0000_u32.to_le_bytes());
        central.extend(offset);
        central.extend(entry.name.as_bytes());
        count += 1;
    }
    let start = u32::try_from(out.len()).expect("a small archive");
    let size = u32::try_from(central.len()).expect("a small archive");
    out.extend(&central);
    out.extend(end_record(0, 0, count, count, size, start));
    out
}

fn end_record(
    disk: u16,
    central_disk: u16,
    here: u16,
    all: u16,
    size: u32,
    offset: u32,
) -> Vec<u8> {
    let mut record = b"PK\x05\x06".to_vec();
    for number in [disk, central_disk, here, all] {
        record.extend(number.to_le_bytes());
    }
    record.extend(size.to_le_bytes());
    record.extend(offset.to_le_bytes());
    record.extend([0, 0]);
    record
}

/// The parts of `zip -s`: a marker first, then the archive cut to size, its records naming the part they point into.
fn split_zip(bytes: &[u8], top: &str) -> Vec<(String, Vec<u8>)> {
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    let end = bytes.len() - 22;
    let central = usize::try_from(number(end + 16)).expect("a small archive");
    let part_size = bytes.len() / 3 + 1;
    let part_of = |offset: usize| {
        (
            u16::try_from(offset / part_size).expect("few parts"),
            u32::try_from(offset % part_size).expect("a small archive"),
        )
    };
    let mut whole = b"PK\x07\x08".to_vec();
    whole.extend(&bytes[..end]);
    let mut at = central;
    let mut records: Vec<usize> = Vec::new();
    while at < end {
        let length =
            |from: usize| usize::from(u16::from_le_bytes([bytes[at + from], bytes[at + from + 1]]));
        let (part, offset) =
            part_of(usize::try_from(number(at + 42)).expect("a small archive") + 4);
        whole[at + 4 + 34..at + 4 + 36].copy_from_slice(&part.to_le_bytes());
        whole[at + 4 + 42..at + 4 + 46].copy_from_slice(&offset.to_le_bytes());
        records.push(at + 4);
        at += 46 + length(28) + length(30) + length(32);
    }
    let (last, _) = part_of(whole.len());
    let (first, offset) = part_of(central + 4);
    let here = records
        .iter()
        .filter(|record| part_of(**record).0 == last)
        .count();
    let all = u16::try_from(records.len()).expect("few entries");
    whole.extend(end_record(
        last,
        first,
        u16::try_from(here).expect("few entries"),
        all,
        number(end + 12),
        offset,
    ));
    let mut parts: Vec<&[u8]> = whole.chunks(part_size).collect();
    // The end record stays whole: what spills over belongs to the last part.
    let mut last_part = parts.pop().unwrap_or_default().to_vec();
    if parts.len() > usize::from(last) {
        let mut before = parts.pop().unwrap_or_default().to_vec();
        before.append(&mut last_part);
        last_part = before;
    }
    let mut files: Vec<(String, Vec<u8>)> = parts
        .iter()
        .enumerate()
        .map(|(index, part)| (format!("{top}.z{:02}", index + 1), part.to_vec()))
        .collect();
    files.push((format!("{top}.zip"), last_part));
    files
}

fn tar_gz(entries: &[Entry]) -> Vec<u8> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::new(6)));
    for entry in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(entry.content.len() as u64);
        header.set_mtime(u64::try_from(entry.time.as_second()).unwrap_or(0));
        header.set_mode(if entry.is_directory() { 0o755 } else { 0o644 });
        header.set_entry_type(if entry.is_directory() {
            tar::EntryType::Directory
        } else {
            tar::EntryType::Regular
        });
        archive
            .append_data(&mut header, &entry.name, entry.content.as_slice())
            .expect("writing to memory");
    }
    archive
        .into_inner()
        .expect("writing to memory")
        .finish()
        .expect("writing to memory")
}
