//! Reads `smartctl --all` of ATA, SAS and NVMe disks.

use super::quantity::leading_count;
use super::section::Section;
use super::smart::{ErrorCounter, SmartAttribute, SmartHealth, SmartReport, SmartSupport};
use super::{Availability, Reader};

/// Texts with which smartctl says that it could not talk to the device.
const READ_FAILURES: [&str; 9] = [
    "Read Device Identity failed",
    "Smartctl open device:",
    "Unknown USB bridge",
    "Unable to detect device type",
    "A mandatory SMART command failed",
    "Read NVMe Identify Controller failed",
    "Input/output error",
    "please try adding '-d megaraid,N'",
    "Terminate command early due to bad response",
];

pub(super) fn read_smart(reader: &mut Reader, section: &Section) {
    let Some(device) = section
        .arguments()
        .find_map(|word| word.strip_prefix("/dev/"))
    else {
        return;
    };
    let mut report = empty_report(device, section, reader);
    if section.availability == Availability::CommandNotFound {
        report.read_failure = Some(reader.fact(
            "smartctl is not installed".to_owned(),
            section.subject_line(),
        ));
    }
    let mut in_attributes = false;
    let mut model_at_vendor = false;
    for (line, text) in section.lines() {
        if text.starts_with("ID# ATTRIBUTE_NAME") {
            in_attributes = true;
            continue;
        }
        if in_attributes {
            match attribute(text) {
                Some((id, mut attribute)) => {
                    attribute.seen = reader.at(line);
                    report.attributes.entry(id).or_insert(attribute);
                    continue;
                }
                None => in_attributes = false,
            }
        }
        if report.read_failure.is_none()
            && READ_FAILURES.iter().any(|failure| text.contains(failure))
        {
            report.read_failure = Some(reader.fact(text.trim().to_owned(), line));
        }
        // A disk has three such rows; more can only be a damaged text.
        if report.error_counters.len() < 3
            && let Some(counter) = error_counter(reader, line, text)
        {
            report.error_counters.push(counter);
        } else if let Some((key, value)) = text.split_once(':') {
            read_pair(
                reader,
                &mut report,
                &mut model_at_vendor,
                line,
                key.trim(),
                value.trim(),
            );
        }
    }
    reader.keep(|facts| &mut facts.smart, report);
}

fn empty_report(device: &str, section: &Section, reader: &Reader) -> SmartReport {
    let mut words = section.arguments();
    let behind_controller = words.find(|word| *word == "-d").and_then(|_| words.next());
    SmartReport {
        device: device.to_owned(),
        behind_controller: behind_controller.map(str::to_owned),
        model: None,
        serial: None,
        firmware: None,
        capacity: None,
        rotation_rate: None,
        support: SmartSupport::Unknown,
        health: SmartHealth::Unknown,
        health_line: None,
        attributes: std::collections::BTreeMap::new(),
        grown_defects: None,
        error_counters: Vec::new(),
        non_medium_errors: None,
        percentage_used: None,
        critical_warning: None,
        media_errors: None,
        available_spare: None,
        available_spare_threshold: None,
        temperature: None,
        read_failure: None,
        seen: reader.at(section.subject_line()),
    }
}

/// Takes in one `Key: value` line. The three families name the same things differently.
fn read_pair(
    reader: &Reader,
    report: &mut SmartReport,
    model_at_vendor: &mut bool,
    line: u32,
    key: &str,
    value: &str,
) {
    let count = || leading_count(value).map(|count| reader.fact(count, line));
    match key {
        "Device Model" | "Model Number" => report.model = Some(value.to_owned()),
        // SAS splits the model in two lines, the vendor first.
        "Vendor" => {
            report.model = Some(value.to_owned());
            *model_at_vendor = true;
        }
        "Product" => {
            let vendor = report.model.take().filter(|_| *model_at_vendor);
            report.model = Some(match vendor {
                Some(vendor) => format!("{vendor} {value}"),
                None => value.to_owned(),
            });
            *model_at_vendor = false;
        }
        "Serial Number" | "Serial number" => report.serial = Some(value.to_owned()),
        "Firmware Version" | "Revision" => report.firmware = Some(value.to_owned()),
        "User Capacity" | "Total NVM Capacity" => report.capacity = leading_count(value),
        "Namespace 1 Size/Capacity" if report.capacity.is_none() => {
            report.capacity = leading_count(value)
        }
        "Rotation Rate" => {
            report.rotation_rate = if value.starts_with("Solid State") {
                Some(0)
            } else {
                leading_count(value).and_then(|rate| u32::try_from(rate).ok())
            };
        }
        "SMART support is" => report.support = support(report.support, value),
        "SMART overall-health self-assessment test result" => {
            report.health = match value.trim_end_matches('!') {
                "PASSED" => SmartHealth::Passed,
                "FAILED" => SmartHealth::Failed,
                _ => SmartHealth::Unknown,
            };
            report.health_line = Some(reader.fact(format!("{key}: {value}"), line));
        }
        "SMART Health Status" => {
            report.health = match value {
                "" => SmartHealth::Unknown,
                _ if value == "OK" || value.starts_with("OK ") => SmartHealth::Passed,
                _ => SmartHealth::Failed,
            };
            report.health_line = Some(reader.fact(format!("{key}: {value}"), line));
        }
        "Elements in grown defect list" => report.grown_defects = count(),
        "Non-medium error count" => report.non_medium_errors = count(),
        "Percentage used endurance indicator" | "Percentage Used" => {
            report.percentage_used = count()
        }
        "Critical Warning" => {
            let bits = value
                .strip_prefix("0x")
                .and_then(|hex| u64::from_str_radix(hex, 16).ok());
            report.critical_warning = bits.map(|bits| reader.fact(bits, line));
        }
        "Media and Data Integrity Errors" => report.media_errors = count(),
        "Available Spare" => report.available_spare = count(),
        "Available Spare Threshold" => report.available_spare_threshold = count(),
        "Temperature" | "Current Drive Temperature" => report.temperature = count(),
        _ => {}
    }
}

/// The line comes twice: what the device can do, then whether it is switched on.
fn support(so_far: SmartSupport, value: &str) -> SmartSupport {
    match value.split_whitespace().next() {
        Some("Enabled") => SmartSupport::Enabled,
        Some("Disabled") => SmartSupport::Disabled,
        Some("Unavailable") => SmartSupport::Unavailable,
        _ => so_far,
    }
}

fn attribute(text: &str) -> Option<(u8, SmartAttribute)> {
    let mut rest = text;
    let mut word = || {
        rest = rest.trim_start();
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        rest = after;
        (!word.is_empty()).then_some(word)
    };
    let id = word()?.parse().ok()?;
    let name = word()?;
    word().filter(|flag| flag.starts_with("0x"))?;
    let (value, worst, threshold) = (word()?, word()?, word()?);
    let (_kind, _updated, when_failed) = (word()?, word()?, word()?);
    let raw_text = rest.trim();
    let attribute = SmartAttribute {
        name: name.to_owned(),
        value: value.parse().ok(),
        worst: worst.parse().ok(),
        threshold: threshold.parse().ok(),
        when_failed: (when_failed != "-").then(|| when_failed.to_owned()),
        raw: leading_count(raw_text),
        raw_text: raw_text.to_owned(),
        seen: crate::span::Location {
            path: String::new(),
            line: None,
        },
    };
    (!raw_text.is_empty()).then_some((id, attribute))
}

/// Reads a row of the SAS error counter log; the uncorrected errors are its last column.
fn error_counter(reader: &Reader, line: u32, text: &str) -> Option<ErrorCounter> {
    let (operation, rest) = text.split_once(':')?;
    if !matches!(operation, "read" | "write" | "verify") {
        return None;
    }
    let columns: Vec<&str> = rest.split_whitespace().collect();
    let uncorrected = columns.get(6)?.parse().ok()?;
    Some(ErrorCounter {
        operation: operation.to_owned(),
        uncorrected,
        seen: reader.at(line),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::host::tests::facts_of;

    fn only_report(text: &str) -> SmartReport {
        let mut smart = facts_of(text).smart;
        assert_eq!(smart.len(), 1);
        smart.remove(0)
    }

    const FAILING: &str = "\
#==[ Quick Status Check ]===========================#


#==[ Command ]======================================#
# /usr/sbin/smartctl --all /dev/sda
smartctl 7.4 2023-08-01 r5530 [x86_64-linux-5.14.21] (SUSE RPM)

=== START OF INFORMATION SECTION ===
Model Family:     Seagate Barracuda 7200.14 (AF)
Device Model:     ST2000DM001-1CH164
Serial Number:    Z1E4ABCD
Firmware Version: CC27
User Capacity:    2,000,398,934,016 bytes [2.00 TB]
Rotation Rate:    7200 rpm
SMART support is: Available - device has SMART capability.
SMART support is: Enabled

=== START OF READ SMART DATA SECTION ===
SMART overall-health self-assessment test result: FAILED!
Drive failure expected in less than 24 hours. SAVE ALL DATA.

ID# ATTRIBUTE_NAME          FLAG     VALUE WORST THRESH TYPE      UPDATED  WHEN_FAILED RAW_VALUE
  1 Raw_Read_Error_Rate     0x000f   082   063   006    Pre-fail  Always       -       183446016
  5 Reallocated_Sector_Ct   0x0033   001   001   036    Pre-fail  Always   FAILING_NOW 4092
  9 Power_On_Hours          0x0032   060   060   000    Old_age   Always       -       35213h+12m+03.120s
190 Airflow_Temperature_Cel 0x0022   064   045   045    Old_age   Always   In_the_past 36 (Min/Max 30/40)
197 Current_Pending_Sector  0x0012   100   100   000    Old_age   Always       -       16
202 Data_Address_Mark_Errs  0x0030   100   100   ---    Old_age   Offline      -       0

SMART Error Log Version: 1
ATA Error Count: 12
  5 occurrences of something else
";

    #[test]
    fn failing_ata_disk() {
        let report = only_report(FAILING);
        assert_eq!(report.device, "sda");
        assert_eq!(report.model.as_deref(), Some("ST2000DM001-1CH164"));
        assert_eq!(report.serial.as_deref(), Some("Z1E4ABCD"));
        assert_eq!(report.firmware.as_deref(), Some("CC27"));
        assert_eq!(report.capacity, Some(2_000_398_934_016));
        assert_eq!(report.rotation_rate, Some(7200));
        assert_eq!(
            (report.health, report.support),
            (SmartHealth::Failed, SmartSupport::Enabled)
        );
        assert_eq!(report.health_line.and_then(|fact| fact.seen.line), Some(19));
        assert_eq!(report.seen.line, Some(5));

        let rows: Vec<_> = report
            .attributes
            .iter()
            .map(|(id, row)| {
                (
                    *id,
                    row.value,
                    row.threshold,
                    row.when_failed.as_deref(),
                    row.raw,
                    row.seen.line,
                )
            })
            .collect();
        assert_eq!(
            rows,
            [
                (1, Some(82), Some(6), None, Some(183_446_016), Some(23)),
                (
                    5,
                    Some(1),
                    Some(36),
                    Some("FAILING_NOW"),
                    Some(4092),
                    Some(24)
                ),
                (9, Some(60), Some(0), None, Some(35213), Some(25)),
                (
                    190,
                    Some(64),
                    Some(45),
                    Some("In_the_past"),
                    Some(36),
                    Some(26)
                ),
                (197, Some(100), Some(0), None, Some(16), Some(27)),
                (202, Some(100), None, None, Some(0), Some(28)),
            ]
        );
        assert_eq!(report.attributes[&190].raw_text, "36 (Min/Max 30/40)");
    }

    #[test]
    fn sas_disk() {
        let text = "\
#==[ Command ]======================================#
# /usr/sbin/smartctl --all /dev/sdb
=== START OF INFORMATION SECTION ===
Vendor:               SEAGATE
Product:              ST1200MM0099
Revision:             ST31
User Capacity:        1,200,243,695,616 bytes [1.20 TB]
Rotation Rate:        10500 rpm
Serial number:        WFK0ABCD
SMART support is:     Available - device has SMART capability.
SMART support is:     Enabled
=== START OF READ SMART DATA SECTION ===
SMART Health Status: FAILURE PREDICTION THRESHOLD EXCEEDED [asc=5d, ascq=0]
Percentage used endurance indicator: 103%
Current Drive Temperature:     41 C
Elements in grown defect list: 87

Error counter log:
           Errors Corrected by           Total   Correction     Gigabytes    Total
               ECC          rereads/    errors   algorithm      processed    uncorrected
           fast | delayed   rewrites  corrected  invocations   [10^9 bytes]  errors
read:          0        3         0         3       7429      81223.110          12
write:         0        0         0         0       2301      60333.019           0

Non-medium error count:       42
";
        let report = only_report(text);
        assert_eq!(report.model.as_deref(), Some("SEAGATE ST1200MM0099"));
        assert_eq!(report.serial.as_deref(), Some("WFK0ABCD"));
        assert_eq!(report.health, SmartHealth::Failed);
        assert_eq!(
            report
                .grown_defects
                .map(|fact| (fact.value, fact.seen.line)),
            Some((87, Some(16)))
        );
        assert_eq!(report.percentage_used.map(|fact| fact.value), Some(103));
        assert_eq!(report.temperature.map(|fact| fact.value), Some(41));
        assert_eq!(report.non_medium_errors.map(|fact| fact.value), Some(42));
        let errors: Vec<_> = report
            .error_counters
            .iter()
            .map(|row| (row.operation.as_str(), row.uncorrected))
            .collect();
        assert_eq!(errors, [("read", 12), ("write", 0)]);
    }

    #[test]
    fn nvme_disk() {
        let text = "\
#==[ Command ]======================================#
# /usr/sbin/smartctl --all /dev/nvme0n1
Model Number:                       Samsung SSD 980 PRO 1TB
Serial Number:                      S5P2NG0R000000
Firmware Version:                   5B2QGXA7
Total NVM Capacity:                 1,000,204,886,016 [1.00 TB]
Namespace 1 Size/Capacity:          2,000,204,886,016 [2.00 TB]
SMART overall-health self-assessment test result: PASSED
SMART/Health Information (NVMe Log 0x02)
Critical Warning:                   0x05
Temperature:                        35 Celsius
Available Spare:                    8%
Available Spare Threshold:          10%
Percentage Used:                    97%
Media and Data Integrity Errors:    3
";
        let report = only_report(text);
        assert_eq!(report.device, "nvme0n1");
        assert_eq!(report.health, SmartHealth::Passed);
        assert_eq!(report.capacity, Some(1_000_204_886_016));
        let value =
            |fact: &Option<crate::parse::host::Fact<u64>>| fact.as_ref().map(|fact| fact.value);
        assert_eq!(value(&report.critical_warning), Some(5));
        assert_eq!(value(&report.available_spare), Some(8));
        assert_eq!(value(&report.available_spare_threshold), Some(10));
        assert_eq!(value(&report.percentage_used), Some(97));
        assert_eq!(value(&report.media_errors), Some(3));
    }

    #[test]
    fn disks_that_do_not_answer() {
        let cases = [
            (
                "Vendor:               IET\nProduct:              VIRTUAL-DISK\n\
                 SMART support is:     Unavailable - device lacks SMART capability.",
                SmartSupport::Unavailable,
                None,
            ),
            (
                "Read Device Identity failed: scsi error badly formed scsi parameters",
                SmartSupport::Unknown,
                Some("Read Device Identity failed: scsi error badly formed scsi parameters"),
            ),
            (
                "Smartctl open device: /dev/sdx failed: No such device",
                SmartSupport::Unknown,
                Some("Smartctl open device: /dev/sdx failed: No such device"),
            ),
            (
                "ERROR: Command not found or not executable",
                SmartSupport::Unknown,
                Some("smartctl is not installed"),
            ),
            ("", SmartSupport::Unknown, None),
        ];
        for (body, support, failure) in cases {
            let report = only_report(&format!(
                "#==[ Command ]==#\n# smartctl --all /dev/sdx\n{body}\n"
            ));
            assert_eq!(report.support, support, "{body}");
            assert_eq!(report.health, SmartHealth::Unknown, "{body}");
            assert_eq!(
                report.read_failure.map(|fact| fact.value).as_deref(),
                failure,
                "{body}"
            );
        }
    }

    #[test]
    fn disk_behind_a_controller() {
        let text =
            "#==[ Command ]==#\n# smartctl --all -d megaraid,4 /dev/sda\nSMART Health Status: OK\n";
        let report = only_report(text);
        assert_eq!(
            (report.device.as_str(), report.behind_controller.as_deref()),
            ("sda", Some("megaraid,4"))
        );
        assert_eq!(report.health, SmartHealth::Passed);
    }
}
