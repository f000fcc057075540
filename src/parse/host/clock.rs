//! `date`, `timedatectl`, `chronyc tracking`: what the host thinks of the time.

use crate::parse::host::section::Section;
use crate::parse::host::{Fact, Reader};

/// Clock of a host.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Clock {
    /// Time zone: `UTC`, `Europe/Berlin`.
    pub zone: Option<Fact<String>>,
    /// Output of `date` when the supportconfig was made: `Fri May  9 16:47:39 UTC 2025`.
    pub read_at: Option<Fact<String>>,
    /// Whether systemd calls the clock synchronised.
    pub synchronized: Option<Fact<bool>>,
    /// State of the time service as timedatectl has it: `active`, `inactive`, `n/a`.
    pub service: Option<Fact<String>>,
    /// Host's clock minus NTP time, in seconds: negative is slow.
    pub offset: Option<Fact<f64>>,
    /// chrony's leap status: `Normal`, `Not synchronised`.
    pub leap_status: Option<Fact<String>>,
}

/// Reads `date`.
pub(super) fn read_date(reader: &mut Reader, section: &Section) {
    let Some((line, text)) = section.lines().find(|(_, text)| !text.is_empty()) else {
        return;
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    let year_last = words
        .last()
        .is_some_and(|word| word.len() == 4 && word.parse::<u16>().is_ok());
    if !year_last || words.len() < 6 {
        return;
    }
    reader.facts.clock.read_at = Some(reader.fact(text.trim().to_owned(), line));
    // timedatectl's name of a zone says more than the abbreviation here, but may not come.
    if reader.facts.clock.zone.is_none()
        && let Some(zone) = words.iter().rev().nth(1)
    {
        reader.facts.clock.zone = Some(reader.fact((*zone).to_owned(), line));
    }
}

/// Reads `timedatectl`.
pub(super) fn read_timedatectl(reader: &mut Reader, section: &Section) {
    for (line, text) in section.lines() {
        let Some((key, value)) = text.split_once(':') else {
            continue;
        };
        let value = value.trim();
        let yes = match value {
            "yes" => Some(true),
            "no" => Some(false),
            _ => None,
        };
        match key.trim() {
            "Time zone" => {
                // `Europe/Berlin (CEST, +0200)`.
                let zone = value.split_whitespace().next().unwrap_or(value);
                reader.facts.clock.zone = Some(reader.fact(zone.to_owned(), line));
            }
            // `NTP synchronized` before systemd 239.
            "System clock synchronized" | "NTP synchronized" => {
                reader.facts.clock.synchronized = yes.map(|yes| reader.fact(yes, line));
            }
            "NTP service" | "systemd-timesyncd.service active" | "Network time on" => {
                reader.facts.clock.service = Some(reader.fact(value.to_owned(), line));
            }
            _ => {}
        }
    }
}

/// Reads `chronyc tracking`.
pub(super) fn read_tracking(reader: &mut Reader, section: &Section) {
    for (line, text) in section.lines() {
        let Some((key, value)) = text.split_once(':') else {
            continue;
        };
        match key.trim() {
            // `0.000012345 seconds slow of NTP time`.
            "System time" => {
                let mut words = value.split_whitespace();
                let seconds = words.next().and_then(|word| word.parse::<f64>().ok());
                let sign = if words.any(|word| word == "slow") {
                    -1.0
                } else {
                    1.0
                };
                reader.facts.clock.offset = seconds
                    .filter(|seconds| seconds.is_finite())
                    .map(|seconds| reader.fact(sign * seconds, line));
            }
            "Leap status" => {
                reader.facts.clock.leap_status = Some(reader.fact(value.trim().to_owned(), line));
            }
            _ => {}
        }
    }
}
