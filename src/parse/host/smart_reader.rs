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
        if let Some(counter) = error_counter(reader, line, text) {
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
