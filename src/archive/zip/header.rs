//! The two headers that a zip has for each member, field by field.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Signature of a local header, before a member's data.
pub(super) const LOCAL: [u8; 4] = *b"PK\x03\x04";
/// Signature of a header in the central directory.
pub(super) const CENTRAL: [u8; 4] = *b"PK\x01\x02";
/// Signature of a data descriptor; also what a split zip begins with.
pub(super) const DESCRIPTOR: [u8; 4] = *b"PK\x07\x08";

/// Length of a local header without name and extra fields.
pub(super) const LOCAL_LENGTH: u64 = 30;
/// Length of a header in the central directory without name, extra fields and comment.
pub(super) const CENTRAL_LENGTH: usize = 46;

/// How a member's data is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Stored,
    Deflated,
}

/// What either header says.
#[derive(Debug, Clone)]
pub(super) struct Header<'a> {
    pub(super) name: &'a [u8],
    pub(super) method_id: u16,
    pub(super) checksum: u32,
    pub(super) packed: u64,
    pub(super) size: u64,
    /// Position of the local header, from the beginning of the piece that holds it. (Central only.)
    pub(super) offset: u64,
    /// The piece of a split zip that holds it. (Central only.)
    pub(super) piece: u32,
    /// Length of this header in bytes.
    pub(super) length: usize,
    flags: u16,
    dos_time: u32,
    unix_time: Option<i32>,
    /// Unix' file mode, 0 if unknown. (Central only.)
    mode: u32,
}

impl<'a> Header<'a> {
    /// The local header that `bytes` begin with.
    pub(super) fn local(bytes: &'a [u8]) -> Option<Self> {
        if !bytes.starts_with(&LOCAL) {
            return None;
        }
        let name_length = usize::from(u16_at(bytes, 26)?);
        let extra_length = usize::from(u16_at(bytes, 28)?);
        let name = bytes.get(30..30 + name_length)?;
        let extra = bytes.get(30 + name_length..30 + name_length + extra_length)?;
        let mut header = Header {
            name,
            method_id: u16_at(bytes, 8)?,
            checksum: u32_at(bytes, 14)?,
            packed: u64::from(u32_at(bytes, 18)?),
            size: u64::from(u32_at(bytes, 22)?),
            offset: 0,
            piece: 0,
            length: 30 + name_length + extra_length,
            flags: u16_at(bytes, 6)?,
            dos_time: u32_at(bytes, 10)?,
            unix_time: None,
            mode: 0,
        };
        header.read_extra(extra);
        Some(header)
    }

    /// The header of the central directory that `bytes` begin with.
    pub(super) fn central(bytes: &'a [u8]) -> Option<Self> {
        if !bytes.starts_with(&CENTRAL) {
            return None;
        }
        let name_length = usize::from(u16_at(bytes, 28)?);
        let extra_length = usize::from(u16_at(bytes, 30)?);
        let comment_length = usize::from(u16_at(bytes, 32)?);
        let name = bytes.get(46..46 + name_length)?;
        let extra = bytes.get(46 + name_length..46 + name_length + extra_length)?;
        // Systems 3 and 19, Unix and macOS, keep the file's mode in the upper half.
        let mode = match bytes.get(5)? {
            3 | 19 => u32_at(bytes, 38)? >> 16,
            _ => 0,
        };
        let mut header = Header {
            name,
            method_id: u16_at(bytes, 10)?,
            checksum: u32_at(bytes, 16)?,
            packed: u64::from(u32_at(bytes, 20)?),
            size: u64::from(u32_at(bytes, 24)?),
            offset: u64::from(u32_at(bytes, 42)?),
            piece: u32::from(u16_at(bytes, 34)?),
            length: 46 + name_length + extra_length + comment_length,
            flags: u16_at(bytes, 8)?,
            dos_time: u32_at(bytes, 12)?,
            unix_time: None,
            mode,
        };
        header.read_extra(extra);
        Some(header)
    }

    /// Reads of the extra fields those of zip64 (1) and of Unix time ("UT").
    fn read_extra(&mut self, mut extra: &[u8]) {
        while let (Some(id), Some(length)) = (u16_at(extra, 0), u16_at(extra, 2)) {
            let end = 4 + usize::from(length);
            let Some(field) = extra.get(4..end) else {
                return;
            };
            match id {
                0x0001 => self.read_zip64(field),
                // Bit 0 of the flags: the modification time is there, and it comes first.
                0x5455 if field.first().is_some_and(|flags| flags & 1 != 0) => {
                    self.unix_time = u32_at(field, 1).map(u32::cast_signed);
                }
                _ => {}
            }
            extra = extra.get(end..).unwrap_or_default();
        }
    }

    /// Those of the fields that did not fit the header, in this order.
    fn read_zip64(&mut self, field: &[u8]) {
        let mut at = 0;
        for value in [&mut self.size, &mut self.packed, &mut self.offset] {
            if *value == u64::from(u32::MAX)
                && let Some(wide) = u64_at(field, at)
            {
                *value = wide;
                at += 8;
            }
        }
        if self.piece == u32::from(u16::MAX)
            && let Some(wide) = u32_at(field, at)
        {
            self.piece = wide;
        }
    }

    pub(super) fn method(&self) -> Option<Method> {
        match self.method_id {
            0 => Some(Method::Stored),
            8 => Some(Method::Deflated),
            _ => None,
        }
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.flags & 1 != 0
    }

    /// Whether sizes and checksum follow the data, because the writer could not seek.
    pub(super) fn has_descriptor(&self) -> bool {
        self.flags & 8 != 0
    }

    pub(super) fn is_directory(&self) -> bool {
        matches!(self.name.last(), Some(b'/' | b'\\'))
    }

    pub(super) fn is_symbolic_link(&self) -> bool {
        self.mode & 0o170_000 == 0o120_000
    }

    /// When the file was last changed: its Unix time, or else its DOS time, which has no zone and
    /// is taken for UTC, the zone of the collector's container.
    pub(super) fn modified(&self) -> Option<Timestamp> {
        match self.unix_time {
            Some(second) => Timestamp::from_second(second.into()).ok(),
            None => dos_time(self.dos_time),
        }
    }
}

/// Length of the local header of which `bytes` are the fixed part.
pub(super) fn local_length(bytes: &[u8]) -> Option<u64> {
    if !bytes.starts_with(&LOCAL) {
        return None;
    }
    let name_length = u16_at(bytes, 26)?;
    let extra_length = u16_at(bytes, 28)?;
    Some(LOCAL_LENGTH + u64::from(name_length) + u64::from(extra_length))
}

/// A DOS time in the lower half, a DOS date in the upper.
fn dos_time(packed: u32) -> Option<Timestamp> {
    let bits = |from: u32, count: u32| (packed >> from & ((1 << count) - 1)) as i8;
    let year = 1980 + (packed >> 25) as i16;
    let time = DateTime::new(
        year,
        bits(21, 4),
        bits(16, 5),
        bits(11, 5),
        bits(5, 6),
        bits(0, 5) * 2,
        0,
    );
    TimeZone::UTC.to_timestamp(time.ok()?).ok()
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dos_times_are_utc() {
        let packed = |year: u32, month: u32, day: u32, hour: u32, minute: u32, second: u32| {
            (year - 1980) << 25 | month << 21 | day << 16 | hour << 11 | minute << 5 | (second / 2)
        };
        let time = dos_time(packed(2022, 3, 22, 23, 49, 32)).unwrap();
        assert_eq!(time.to_string(), "2022-03-22T23:49:32Z");
        assert_eq!(dos_time(packed(2022, 13, 22, 23, 49, 32)), None);
        assert_eq!(dos_time(0), None);
    }

    #[test]
    fn extra_fields_widen_and_date() {
        let mut bytes = vec![0; 46];
        bytes[..4].copy_from_slice(&CENTRAL);
        bytes[20..28].fill(0xff);
        bytes[42..46].fill(0xff);
        bytes[28] = 1;
        bytes.push(b'x');
        let mut extra = vec![0x55, 0x54, 5, 0, 1, 0x0c, 0x60, 0x3a, 0x62, 1, 0, 24, 0];
        extra.extend([5u64, 6, 7].iter().flat_map(|wide| wide.to_le_bytes()));
        bytes[30] = extra.len() as u8;
        bytes.extend(extra);
        let header = Header::central(&bytes).unwrap();
        assert_eq!((header.size, header.packed, header.offset), (5, 6, 7));
        assert_eq!(header.modified().unwrap().as_second(), 0x623a_600c);
        assert_eq!(header.length, bytes.len());
        for length in 0..bytes.len() {
            assert!(Header::central(&bytes[..length]).is_none(), "{length}");
        }
    }
}
