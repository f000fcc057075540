//! The host as iSCSI initiator: its name and its sessions.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::parse::host::Reader;
use crate::parse::host::section::Section;
use crate::span::Location;

/// A running iSCSI session; Longhorn has one per attached volume of the v1 data engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IscsiSession {
    /// `iqn.2019-10.io.longhorn:pvc-…`.
    pub target: String,
    /// Address and port of the target: `10.52.0.9:3260`.
    pub portal: Option<String>,
    /// Number of the session, as in the kernel's `session3`.
    pub session: Option<u32>,
    /// State of the session: `LOGGED IN`, `FAILED`; only in the detailed form.
    pub state: Option<String>,
    /// Kernel names of the disks it brought: `sdb`; only in the detailed form.
    pub devices: Vec<String>,
    /// Line of the list.
    pub seen: Location,
}

/// Reads `/etc/iscsi/initiatorname.iscsi`.
pub(super) fn read_initiator(reader: &mut Reader, section: &Section) {
    for (line, text) in section.lines() {
        if let Some(name) = text.trim().strip_prefix("InitiatorName=")
            && reader.facts.initiator.is_none()
        {
            reader.facts.initiator = Some(reader.fact(name.trim().to_owned(), line));
        }
    }
}

/// Reads `iscsiadm -m session`, plain or with `-P 1` to `-P 3`. A session that an earlier section
/// of the file listed is completed, not listed again.
pub(super) fn read_sessions(reader: &mut Reader, section: &Section) {
    let sessions = reader.facts.iscsi_sessions.iter().enumerate();
    let mut known: Known = sessions
        .map(|(at, session)| ((session.target.clone(), session.session), at))
        .collect();
    let mut target = String::new();
    let mut portal: Option<String> = None;
    let mut current: Option<usize> = None;
    for (line, text) in section.lines() {
        let text = text.trim();
        if let Some(session) = plain_session(reader, line, text) {
            find_or_keep(reader, &mut known, session);
            continue;
        }
        let Some((key, value)) = text.split_once(':') else {
            continue;
        };
        let value = value.trim();
        match key {
            "Target" => {
                target = value.split_whitespace().next().unwrap_or("").to_owned();
                (portal, current) = (None, None);
            }
            // `10.52.0.9:3260,1`.
            "Current Portal" => {
                portal = Some(value.split(',').next().unwrap_or(value).to_owned());
                current = None;
            }
            "SID" if !target.is_empty() => {
                current = find_or_keep(
                    reader,
                    &mut known,
                    IscsiSession {
                        target: target.clone(),
                        portal: portal.clone(),
                        session: value.parse().ok(),
                        state: None,
                        devices: Vec::new(),
                        seen: reader.at(line),
                    },
                );
            }
            "iSCSI Session State" => {
                if let Some(session) =
                    current.and_then(|at| reader.facts.iscsi_sessions.get_mut(at))
                {
                    session.state = Some(value.to_owned());
                }
            }
            // `Attached scsi disk sdb          State: running`.
            _ => {
                let disk = text
                    .strip_prefix("Attached scsi disk ")
                    .and_then(|rest| rest.split_whitespace().next());
                if let Some(disk) = disk
                    && let Some(session) =
                        current.and_then(|at| reader.facts.iscsi_sessions.get_mut(at))
                    && session.devices.len() < MOST_DEVICES
                {
                    session.devices.push(disk.to_owned());
                }
            }
        }
    }
}

/// `tcp: [3] 10.52.0.9:3260,1 iqn.2019-10.io.longhorn:pvc-… (non-flash)`.
fn plain_session(reader: &Reader, line: u32, text: &str) -> Option<IscsiSession> {
    let (_transport, rest) = text.split_once(": [")?;
    let (session, rest) = rest.split_once("] ")?;
    let mut words = rest.split_whitespace();
    let portal = words.next()?.split(',').next()?;
    let target = words.next()?;
    Some(IscsiSession {
        target: target.to_owned(),
        portal: Some(portal.to_owned()),
        session: session.parse().ok(),
        state: None,
        devices: Vec::new(),
        seen: reader.at(line),
    })
}

/// Far above what one target has; Longhorn's have one.
const MOST_DEVICES: usize = 256;

/// The sessions known so far, by what tells them apart.
type Known = BTreeMap<(String, Option<u32>), usize>;

/// Index of the session in the facts, put there if it is new; `None` if the list is full.
fn find_or_keep(reader: &mut Reader, known: &mut Known, session: IscsiSession) -> Option<usize> {
    let next = reader.facts.iscsi_sessions.len();
    match known.entry((session.target.clone(), session.session)) {
        Entry::Occupied(entry) => Some(*entry.get()),
        Entry::Vacant(entry) => {
            reader.keep(|facts| &mut facts.iscsi_sessions, session);
            (reader.facts.iscsi_sessions.len() > next).then(|| *entry.insert(next))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::parse::host::tests::facts_of;

    #[test]
    fn sessions_are_listed_plainly_and_in_detail() {
        let facts = facts_of(
            "\
#==[ Configuration File ]==#
# /etc/iscsi/initiatorname.iscsi
InitiatorName=iqn.1996-04.de.suse:01:9238246f6ede
#==[ Command ]==#
# /sbin/iscsiadm -m session
tcp: [3] 10.52.0.9:3260,1 iqn.2019-10.io.longhorn:pvc-1 (non-flash)
tcp: [4] 10.52.0.9:3260,1 iqn.2019-10.io.longhorn:pvc-2 (non-flash)
#==[ Command ]==#
# /sbin/iscsiadm -m session -P 3
Target: iqn.2019-10.io.longhorn:pvc-1 (non-flash)
	Current Portal: 10.52.0.9:3260,1
	Persistent Portal: 10.52.0.9:3260,1
		SID: 3
		iSCSI Connection State: LOGGED IN
		iSCSI Session State: LOGGED_IN
			Attached scsi disk sdb		State: running
Target: iqn.2019-10.io.longhorn:pvc-9 (non-flash)
	Current Portal: 10.52.0.7:3260,1
		SID: 9
		iSCSI Session State: FAILED
",
        );
        assert_eq!(
            facts.initiator.map(|fact| fact.value).as_deref(),
            Some("iqn.1996-04.de.suse:01:9238246f6ede")
        );
        let rows: Vec<_> = facts
            .iscsi_sessions
            .iter()
            .map(|row| {
                (
                    row.session,
                    row.target.as_str(),
                    row.portal.as_deref(),
                    row.state.as_deref(),
                    row.devices.join(" "),
                )
            })
            .collect();
        let target = |name: &str| format!("iqn.2019-10.io.longhorn:{name}");
        let (one, two, nine) = (target("pvc-1"), target("pvc-2"), target("pvc-9"));
        assert_eq!(
            rows,
            [
                (
                    Some(3),
                    one.as_str(),
                    Some("10.52.0.9:3260"),
                    Some("LOGGED_IN"),
                    "sdb".to_owned()
                ),
                (
                    Some(4),
                    two.as_str(),
                    Some("10.52.0.9:3260"),
                    None,
                    String::new()
                ),
                (
                    Some(9),
                    nine.as_str(),
                    Some("10.52.0.7:3260"),
                    Some("FAILED"),
                    String::new()
                ),
            ]
        );
    }

    #[test]
    fn no_sessions() {
        let facts =
            facts_of("#==[ Command ]==#\n# iscsiadm -m session\niscsiadm: No active sessions.\n");
        assert!(facts.iscsi_sessions.is_empty());
    }
}
