//! What relations lead to from an object, and what of that belongs to it.

use std::collections::BTreeSet;

use super::Neighbour;
use super::state::state;
use crate::finding::ObjectName;
use crate::graph::relation::{RELATIONS, Relation};
use crate::graph::{Graph, KindId, Subject};

/// So many relations are followed in a row: from a machine to its claim, the claim's volume, and that
/// one's replicas.
const DEPTH: u8 = 4;

/// What relations lead to, the near before the far. Each object is there once, by its shortest way.
/// Events are in the timeline.
pub(super) fn neighbours(graph: &Graph, subject: &Subject) -> Vec<Neighbour> {
    let mut found = Vec::new();
    for (relation, other) in around(graph, subject) {
        let state = state(graph, &other);
        found.push(Neighbour {
            relation,
            object: graph.name_of(&other),
            exists: matches!(other, Subject::Object(_)),
            well: state.as_ref().and_then(|state| state.well),
            state: state.map(|state| state.word),
        });
    }
    found
}

/// Names of all that the object is made of or rests on.
pub(super) fn belongings(graph: &Graph, subject: &Subject) -> BTreeSet<ObjectName> {
    let around = around(graph, subject);
    around.iter().map(|(_, it)| graph.name_of(it)).collect()
}

/// Objects by the relations that lead to them, one after the other.
fn around(graph: &Graph, subject: &Subject) -> Vec<(String, Subject)> {
    let mut seen = BTreeSet::from([subject.clone()]);
    let mut found: Vec<(String, Subject)> = Vec::new();
    let mut edge = vec![(String::new(), subject.clone())];
    for depth in 0..DEPTH {
        let mut next = Vec::new();
        for (way, from) in edge {
            if depth > 0 && !leads_on(graph, subject, &from) {
                continue;
            }
            for relation in relations(graph, kind_of(graph, &from)) {
                let dot = if way.is_empty() { "" } else { "." };
                for other in relation.follow(graph, &from, None) {
                    if seen.insert(other.clone()) {
                        next.push((format!("{way}{dot}{}", relation.name), other));
                    }
                }
            }
        }
        if depth > 0 {
            // What several objects lead to in the same way stands together.
            next.sort_by(|(a, _), (b, _)| a.cmp(b));
        }
        found.extend(next.iter().cloned());
        edge = next;
    }
    found
}

/// Whether what an object leads to still belongs to the one that was asked about. Through a node or
/// an upgrade everything hangs together.
fn leads_on(graph: &Graph, subject: &Subject, from: &Subject) -> bool {
    let kind = |subject: &Subject| graph.kind_display(kind_of(graph, subject));
    let from = kind(from);
    match kind(subject) {
        // Its pods and replicas are on it; their volumes, machines and owners are not.
        "Node" => matches!(from, "doctor/UpgradeStep" | "Machine"),
        "Upgrade" => !matches!(from, "Node" | "Machine" | "Pod"),
        // Where a volume keeps its replicas is the volume's business, unless all is lost.
        "Pod" | "VirtualMachine" | "VirtualMachineInstance" if from == "Replica" => false,
        _ => !matches!(
            from,
            "Node" | "Upgrade" | "Machine" | "DaemonSet" | "Deployment" | "longhorn.io/Node"
        ),
    }
}

/// Relations of a kind, those first that say more than who made whom.
fn relations(graph: &Graph, kind: KindId) -> impl Iterator<Item = &'static Relation> {
    let of_kind = move |relation: &&Relation| relation.starts_from(graph, kind);
    let plain = |relation: &&Relation| matches!(relation.name, "owner" | "owned");
    let telling = RELATIONS
        .iter()
        .filter(move |relation| !plain(relation) && relation.name != "events");
    telling
        .chain(RELATIONS.iter().filter(plain))
        .filter(of_kind)
}

fn kind_of(graph: &Graph, subject: &Subject) -> KindId {
    match subject {
        Subject::Object(id) => graph.object(*id).kind(),
        Subject::Ghost(ghost) => ghost.kind,
    }
}
