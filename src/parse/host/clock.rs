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

#[cfg(test)]
mod tests {
    use crate::parse::host::tests::facts_of;

    #[test]
    fn date_and_timedatectl() {
        let clock = facts_of(
            "\
#==[ Command ]==#
# /bin/date
Fri May  9 18:47:39 CEST 2025
#==[ Command ]==#
# /usr/bin/timedatectl --no-pager status
               Local time: Fri 2025-05-09 18:47:39 CEST
                Time zone: Europe/Berlin (CEST, +0200)
System clock synchronized: no
              NTP service: inactive
",
        )
        .clock;
        assert_eq!(
            clock.read_at.map(|fact| fact.value).as_deref(),
            Some("Fri May  9 18:47:39 CEST 2025")
        );
        assert_eq!(
            clock.zone.map(|fact| (fact.value, fact.seen.line)),
            Some(("Europe/Berlin".to_owned(), Some(7)))
        );
        assert_eq!(clock.synchronized.map(|fact| fact.value), Some(false));
        assert_eq!(
            clock.service.map(|fact| fact.value).as_deref(),
            Some("inactive")
        );
    }

    #[test]
    fn chrony() {
        for (line, offset) in [
            (
                "System time     : 2.500000000 seconds slow of NTP time",
                Some(-2.5),
            ),
            (
                "System time     : 0.000012345 seconds fast of NTP time",
                Some(0.000_012_345),
            ),
            ("System time     : nan seconds fast of NTP time", None),
        ] {
            let clock = facts_of(&format!(
                "#==[ Command ]==#\n# /usr/bin/chronyc -n tracking\n{line}\nLeap status     : Not synchronised\n"
            )).clock;
            assert_eq!(clock.offset.map(|fact| fact.value), offset, "{line}");
            assert_eq!(
                clock.leap_status.map(|fact| fact.value).as_deref(),
                Some("Not synchronised")
            );
        }
    }
}
