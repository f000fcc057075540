//! SCSI devices as the kernel's log announces them: where no supportconfig lists them, it is what tells a
//! Longhorn volume from a drive.

use std::collections::BTreeMap;

use memchr::{memchr, memchr_iter, memmem, memrchr};

use crate::parse::host::{Reader, ScsiDevice};

/// Separates boots in a journal that covers several.
const BOOT: [&str; 2] = ["-- Reboot --", "-- Boot "];
/// Ends the line in which a device says what it is.
const IDENTITY: &str = " PQ: ";
/// Stands in the line that gives a device its name.
const ATTACHED: &str = "] Attached SCSI ";

/// Reads which SCSI device has which name at the end of the log. A name that is given anew belongs to
/// the last that got it, and those of an earlier boot to nobody.
pub(super) fn read(reader: &mut Reader, text: &str) {
    let found = |words: &'static str| {
        let places = memmem::find_iter(text.as_bytes(), words);
        places.map(move |at| (at, words)).collect::<Vec<_>>()
    };
    let mut places = [
        found(IDENTITY),
        found(ATTACHED),
        found(BOOT[0]),
        found(BOOT[1]),
    ]
    .concat();
    places.sort_unstable();

    let mut identities: BTreeMap<&str, (&str, &str, &str)> = BTreeMap::new();
    let mut named: BTreeMap<&str, (&str, u32)> = BTreeMap::new();
    let (mut counted, mut line) = (0, 1);
    for (at, words) in places {
        let breaks = memchr_iter(b'\n', &text.as_bytes()[counted..at]).count();
        (counted, line) = (
            at,
            u32::try_from(breaks)
                .unwrap_or(u32::MAX)
                .saturating_add(line),
        );
        let message = line_around(text, at);
        if words == IDENTITY {
            if let Some((address, kind, vendor, model)) = identity(message) {
                identities.insert(address, (kind, vendor, model));
            }
        } else if words == ATTACHED {
            if let Some((address, device)) = attached(message) {
                named.insert(device, (address, line));
            }
        } else if message.starts_with("-- ") {
            identities.clear();
            named.clear();
        }
    }
    for (device, (address, line)) in named {
        let Some((kind, vendor, model)) = identities.get(address) else {
            continue;
        };
        let found = ScsiDevice {
            address: address.to_owned(),
            kind: (*kind).to_owned(),
            vendor: (*vendor).to_owned(),
            model: (*model).to_owned(),
            device: Some(device.to_owned()),
            seen: reader.at(line),
        };
        reader.keep(|facts| &mut facts.scsi_devices, found);
    }
}

fn line_around(text: &str, at: usize) -> &str {
    let bytes = text.as_bytes();
    let begin = memrchr(b'\n', &bytes[..at]).map_or(0, |before| before + 1);
    let end = memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |after| at + after);
    text.get(begin..end).unwrap_or_default()
}

/// Address, kind, vendor and model of `scsi 8:0:0:1: Direct-Access     IET      VIRTUAL-DISK     0001 PQ: 0 ANSI: 5`,
/// where vendor, model and revision are padded to 8, 16 and 4 characters.
fn identity(line: &str) -> Option<(&str, &str, &str, &str)> {
    let (_, rest) = line.split_once("kernel: scsi ")?;
    let (address, rest) = rest.split_once(": ")?;
    let (words, _) = rest.rsplit_once(IDENTITY)?;
    let begin = words.len().checked_sub(8 + 1 + 16 + 1 + 4)?;
    let (vendor, model) = (
        words.get(begin..begin + 8)?,
        words.get(begin + 9..begin + 25)?,
    );
    Some((
        address,
        kind(words.get(..begin)?),
        vendor.trim(),
        model.trim(),
    ))
}

/// The kind in the word that `lsscsi` has for it.
fn kind(words: &str) -> &str {
    match words.trim() {
        "Direct-Access" => "disk",
        "CD-ROM" => "cd/dvd",
        other => other,
    }
}

/// Address and name of `sd 8:0:0:1: [sdb] Attached SCSI disk`.
fn attached(line: &str) -> Option<(&str, &str)> {
    let (_, rest) = line.split_once("kernel: sd ")?;
    let (address, rest) = rest.split_once(": [")?;
    let (device, _) = rest.split_once(ATTACHED)?;
    Some((address, device))
}

#[cfg(test)]
mod tests {
    use crate::parse::host::{DiskUse, HostFile, read};

    /// Name, model and line of each device.
    fn told(log: &str) -> Vec<(String, String, u32)> {
        let file = HostFile::KernelLog { boots_ago: 0 };
        let facts = read(file, "nodes/n/logs/kernel.log", log).value;
        let devices = facts.scsi_devices.into_iter();
        devices
            .map(|it| {
                (
                    it.device.unwrap_or_default(),
                    it.model,
                    it.seen.line.unwrap_or_default(),
                )
            })
            .collect()
    }

    fn device(address: &str, identity: &str, name: &str) -> String {
        format!(
            "Mar 06 22:45:12 n kernel: scsi {address}: Direct-Access     {identity} PQ: 0 ANSI: 5\n\
             Mar 06 22:45:12 n kernel: sd {address}: Attached scsi generic sg2 type 0\n\
             Mar 06 22:45:12 n kernel: sd {address}: [{name}] 20971520 512-byte logical blocks: (10.7 GB/10.0 GiB)\n\
             Mar 06 22:45:13 n kernel: sd {address}: [{name}] Attached SCSI disk\n"
        )
    }

    const VOLUME: &str = "IET      VIRTUAL-DISK     0001";
    const DRIVE: &str = "ATA      SAMSUNG MZ7LH960 904Q";

    #[test]
    fn a_name_is_that_of_the_last_that_got_it() {
        let own = |name: &str, model: &str, line| (name.to_owned(), model.to_owned(), line);
        let boot = device("0:0:0:0", DRIVE, "sda");
        let log = format!("{boot}{}", device("8:0:0:1", VOLUME, "sdb"));
        assert_eq!(
            told(&log),
            [
                own("sda", "SAMSUNG MZ7LH960", 4),
                own("sdb", "VIRTUAL-DISK", 8)
            ]
        );
        let later = format!("{log}{}", device("9:0:0:0", DRIVE, "sdb"));
        assert_eq!(
            told(&later),
            [
                own("sda", "SAMSUNG MZ7LH960", 4),
                own("sdb", "SAMSUNG MZ7LH960", 12)
            ]
        );
        let rebooted = format!("{log}-- Reboot --\n{boot}");
        assert_eq!(told(&rebooted), [own("sda", "SAMSUNG MZ7LH960", 13)]);
    }

    #[test]
    fn torn_and_foreign_lines_tell_nothing() {
        for log in [
            "Mar 06 22:45:12 n kernel: sd 8:0:0:1: [sdb] Attached SCSI disk\n",
            "2:0:0:1: Direct-Access     IET      VIRTUAL-DISK     0001 PQ: 0 ANSI: 5\nkernel: sd 2:0:0:1: [sdb] Attached SCSI disk\n",
            "Mar 06 22:45:12 n kernel: scsi 8:0:0:1: short PQ: 0\nMar 06 22:45:12 n kernel: sd 8:0:0:1: [sdb] Attached SCSI disk",
            "Mar 06 22:45:12 n kernel: scsi 8:0:0:1: ÄÖÜÄÖÜÄÖÜÄÖÜÄÖÜÄÖÜÄÖÜÄ PQ: 0\nMar 06 22:45:12 n kernel: sd 8:0:0:1: [sdb] Attached SCSI disk",
        ] {
            assert_eq!(told(log), [], "{log}");
        }
    }

    #[test]
    fn a_volume_is_told_from_a_drive_without_a_supportconfig() {
        let log = device("0:0:0:0", DRIVE, "sda") + &device("8:0:0:1", VOLUME, "sdb");
        let facts = read(
            HostFile::KernelLog { boots_ago: 0 },
            "nodes/n/logs/kernel.log",
            &log,
        )
        .value;
        let uses = facts.disks();
        let uses: Vec<(&str, DiskUse)> = uses.iter().map(|it| (it.device, it.disk_use)).collect();
        assert_eq!(uses, [("sdb", DiskUse::LonghornVolume)]);
        let old = read(
            HostFile::KernelLog { boots_ago: 1 },
            "nodes/n/logs/kernel.log.1",
            &log,
        );
        assert!(old.value.disks().is_empty(), "names are of one boot");
    }
}
