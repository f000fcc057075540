//! Writes zip archives as Info-ZIP 3.0 does: `UT` and `ux` extra fields, directory entries, sizes in the local headers
//! (no data descriptors), level 6, and nested archives stored because their suffix says so.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::DeflateEncoder;
use jiff::Timestamp;
use jiff::tz::Offset;

/// Names with these endings are stored: Info-ZIP's default list.
const STORED_SUFFIXES: [&str; 6] = [".Z", ".zip", ".zoo", ".arc", ".lzh", ".arj"];

/// Unix, version 3.0.
const MADE_BY: u16 = 0x031e;

/// An archive being written to `out`, front to back.
pub struct InfoZip<W: Write> {
    out: W,
    offset: u64,
    central: Vec<u8>,
    entries: u64,
}

impl<W: Write> InfoZip<W> {
    /// An archive without entries.
    pub fn new(out: W) -> Self {
        InfoZip {
            out,
            offset: 0,
            central: Vec::new(),
            entries: 0,
        }
    }

    /// Adds a directory entry; `name` ends with `/`.
    pub fn directory(&mut self, name: &str, modified: Timestamp) -> io::Result<()> {
        self.entry(name, modified, 0x41ed_0010, 0, 10, &[], 0, 0)
    }

    /// Adds a file.
    pub fn file(&mut self, name: &str, content: &[u8], modified: Timestamp) -> io::Result<()> {
        let crc = crc32fast::hash(content);
        let stored =
            content.is_empty() || STORED_SUFFIXES.iter().any(|suffix| name.ends_with(suffix));
        if !stored {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(6));
            encoder.write_all(content)?;
            let deflated = encoder.finish()?;
            if deflated.len() < content.len() {
                return self.entry(
                    name,
                    modified,
                    0x81a4_0000,
                    8,
                    20,
                    &deflated,
                    crc,
                    content.len(),
                );
            }
        }
        self.entry(
            name,
            modified,
            0x81a4_0000,
            0,
            10,
            content,
            crc,
            content.len(),
        )
    }

    /// Writes the central directory and gives the writer back.
    pub fn finish(mut self) -> io::Result<W> {
        let size = self.central.len();
        self.out.write_all(&self.central)?;
        let mut end = Vec::with_capacity(22);
        end.extend(0x0605_4b50_u32.to_le_bytes());
        end.extend([0; 4]);
        for _ in 0..2 {
            end.extend(narrow::<u16>(self.entries)?.to_le_bytes());
        }
        end.extend(narrow::<u32>(size as u64)?.to_le_bytes());
        end.extend(narrow::<u32>(self.offset)?.to_le_bytes());
        end.extend([0; 2]);
        self.out.write_all(&end)?;
        Ok(self.out)
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of one record")]
    fn entry(
        &mut self,
        name: &str,
        modified: Timestamp,
        attributes: u32,
        method: u16,
        needed: u16,
        data: &[u8],
        crc: u32,
        size: usize,
    ) -> io::Result<()> {
        let seconds = narrow::<u32>(u64::try_from(modified.as_second()).unwrap_or(0))?;
        let (date, time) = dos_time(modified);
        let mut common = Vec::with_capacity(26);
        common.extend(needed.to_le_bytes());
        common.extend(0_u16.to_le_bytes());
        common.extend(method.to_le_bytes());
        common.extend(time.to_le_bytes());
        common.extend(date.to_le_bytes());
        common.extend(crc.to_le_bytes());
        common.extend(narrow::<u32>(data.len() as u64)?.to_le_bytes());
        common.extend(narrow::<u32>(size as u64)?.to_le_bytes());
        common.extend(narrow::<u16>(name.len() as u64)?.to_le_bytes());

        let mut owner = Vec::with_capacity(15);
        owner.extend(0x7875_u16.to_le_bytes());
        owner.extend(11_u16.to_le_bytes());
        owner.extend([1, 4, 0, 0, 0, 0, 4, 0, 0, 0, 0]);

        let mut local = Vec::with_capacity(58 + name.len());
        local.extend(0x0403_4b50_u32.to_le_bytes());
        local.extend(&common);
        local.extend(28_u16.to_le_bytes());
        local.extend(name.as_bytes());
        local.extend(0x5455_u16.to_le_bytes());
        local.extend(9_u16.to_le_bytes());
        local.push(3);
        local.extend(seconds.to_le_bytes());
        local.extend(seconds.to_le_bytes());
        local.extend(&owner);

        self.central.extend(0x0201_4b50_u32.to_le_bytes());
        self.central.extend(MADE_BY.to_le_bytes());
        self.central.extend(&common);
        self.central.extend(24_u16.to_le_bytes());
        self.central.extend([0; 4]);
        let looks_like_text = u16::from(method == 8 && !name.ends_with(".txz"));
        self.central.extend(looks_like_text.to_le_bytes());
        self.central.extend(attributes.to_le_bytes());
        self.central
            .extend(narrow::<u32>(self.offset)?.to_le_bytes());
        self.central.extend(name.as_bytes());
        self.central.extend(0x5455_u16.to_le_bytes());
        self.central.extend(5_u16.to_le_bytes());
        self.central.push(3);
        self.central.extend(seconds.to_le_bytes());
        self.central.extend(&owner);

        self.out.write_all(&local)?;
        self.out.write_all(data)?;
        self.offset += (local.len() + data.len()) as u64;
        self.entries += 1;
        Ok(())
    }
}

/// Our archives stay below the sizes that need zip64; a scenario that grows beyond them fails here.
fn narrow<T: TryFrom<u64>>(number: u64) -> io::Result<T> {
    T::try_from(number).map_err(|_| io::Error::other("the archive would need zip64"))
}

fn dos_time(timestamp: Timestamp) -> (u16, u16) {
    let civil = Offset::UTC.to_datetime(timestamp);
    let date =
        ((civil.year() - 1980) << 9) | (i16::from(civil.month()) << 5) | i16::from(civil.day());
    let hour = u16::try_from(civil.hour()).unwrap_or(0);
    let minute = u16::try_from(civil.minute()).unwrap_or(0);
    let second = u16::try_from(civil.second()).unwrap_or(0);
    (
        u16::try_from(date).unwrap_or(0),
        (hour << 11) | (minute << 5) | (second / 2),
    )
}
