//! `systemctl --failed`.

use crate::parse::host::Reader;
use crate::parse::host::section::Section;
use crate::span::Location;

/// A unit that systemd calls failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedUnit {
    /// `iscsid.service`.
    pub unit: String,
    /// What the unit is for.
    pub description: String,
    /// Row of the table.
    pub seen: Location,
}

/// Reads `systemctl --failed`: `● iscsid.service loaded failed failed Open-iSCSI`.
pub(super) fn read_failed(reader: &mut Reader, section: &Section) {
    for (line, text) in section.lines() {
        let row =
            text.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '●' | '*' | '×'));
        let words: Vec<&str> = row.split_whitespace().collect();
        let [unit, _load, active, _sub, description @ ..] = words.as_slice() else {
            continue;
        };
        if *active != "failed" || !unit.contains('.') {
            continue;
        }
        let found = FailedUnit {
            unit: (*unit).to_owned(),
            description: description.join(" "),
            seen: reader.at(line),
        };
        reader.keep(|facts| &mut facts.failed_units, found);
    }
}

#[cfg(test)]
mod tests {
    use crate::parse::host::tests::facts_of;

    #[test]
    fn failed_units() {
        let facts = facts_of(
            "\
#==[ Command ]==#
# /usr/bin/systemctl --no-pager --failed
  UNIT              LOAD   ACTIVE SUB    DESCRIPTION
● iscsid.service    loaded failed failed Open-iSCSI
* rke2-server.service loaded failed failed Rancher Kubernetes Engine v2 (server)

LOAD   = Reflects whether the unit definition was properly loaded.
2 loaded units listed.
",
        );
        let rows: Vec<_> = facts
            .failed_units
            .iter()
            .map(|u| (u.unit.as_str(), u.description.as_str(), u.seen.line))
            .collect();
        assert_eq!(
            rows,
            [
                ("iscsid.service", "Open-iSCSI", Some(4)),
                (
                    "rke2-server.service",
                    "Rancher Kubernetes Engine v2 (server)",
                    Some(5)
                ),
            ]
        );
    }
}
