//! What a failed node or disk takes with it, in a few words below its diagnosis.

use std::collections::BTreeSet;
use std::io;

use super::block::label;
use crate::diagnosis::blast_radius::{AffectedVolume, BlastRadius};
use crate::diagnosis::{Diagnosis, wording};
use crate::finding::ObjectName;
use crate::report::page::{PLAIN, Page};

/// So many names are shown of many; the JSON has all.
const NAMES: usize = 4;

/// What has been told: a node that several diagnoses speak of is measured once.
#[derive(Default)]
pub(super) struct Hits {
    told: BTreeSet<ObjectName>,
}

impl Hits {
    /// Writes a line for each node and disk that failed.
    pub(super) fn write(&mut self, page: &mut Page<'_>, diagnosis: &Diagnosis) -> io::Result<()> {
        let mut name = "hits";
        for radius in &diagnosis.blast_radius {
            if self.told.insert(radius.of.clone()) {
                label(page, name, PLAIN, &words(radius))?;
                name = "";
            }
        }
        Ok(())
    }
}

/// All that hangs on it, in one sentence.
pub(in crate::report) fn words(radius: &BlastRadius) -> String {
    let mut words = Vec::new();
    if let Some(volumes) = &radius.volumes {
        words.push(format!(
            "{} with a replica there",
            wording::count(volumes.count, "volume")
        ));
        for (list, what) in [
            (&volumes.degraded, "degraded"),
            (&volumes.faulted, "faulted"),
            (&volumes.last_replica, "with no working replica elsewhere"),
        ] {
            if !list.is_empty() {
                let names: Vec<&str> = list.iter().map(shown).collect();
                words.push(format!(
                    "{} {what} ({})",
                    names.len(),
                    wording::some(&names, NAMES)
                ));
            }
        }
    }
    if let Some(machines) = &radius.virtual_machines {
        let lists = [
            (&machines.down, "down"),
            (&machines.at_risk, "at risk"),
            (&machines.unable_to_move, "unable to move"),
        ];
        if lists.iter().all(|(list, _)| list.is_empty()) {
            words.push("no VM".to_owned());
        }
        for (list, what) in lists {
            if !list.is_empty() {
                words.push(format!(
                    "{} {what} ({})",
                    wording::count(list.len(), "VM"),
                    wording::some(list, NAMES)
                ));
            }
        }
    }
    match radius.etcd_margin {
        Some(margin) if margin < 0 => words.push("etcd has no quorum".to_owned()),
        Some(0) => words.push("etcd may lose no further member".to_owned()),
        Some(margin) => words.push(format!(
            "etcd may lose {}",
            wording::count(margin.unsigned_abs(), "further member")
        )),
        None => {}
    }
    for (nodes, what) in [
        (&radius.further_loss.virtual_machines, "VMs"),
        (&radius.further_loss.replicas, "replicas"),
    ] {
        match nodes {
            None => {}
            Some(nodes) if nodes.is_empty() => {
                words.push(format!("room for the {what} of any further node"));
            }
            Some(nodes) => words.push(format!(
                "no room for the {what} of {}, were it lost too",
                wording::some(nodes, NAMES)
            )),
        }
    }
    let mut text = words.join("; ");
    text.insert_str(0, &format!("{}: ", radius.of.name));
    if !radius.unknown.is_empty() {
        let unknown = radius.unknown.join("; ");
        text.push_str(if words.is_empty() {
            "not known: "
        } else {
            ". Not known: "
        });
        text.push_str(&unknown);
    }
    text
}

/// The claim says more to people than the volume's own name.
fn shown(volume: &AffectedVolume) -> &str {
    volume.claim.as_deref().unwrap_or(&volume.name)
}
