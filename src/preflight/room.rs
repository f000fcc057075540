//! Whether the cluster can do without a node: an upgrade takes down one after the other.

mod replicas;
mod vms;

use super::{Answer, Cluster};
use crate::bundle::Bundle;
use crate::parse::document::View;
use crate::rule::quantity::{self, Number};

pub(super) use replicas::for_replicas;
pub(super) use vms::for_vms;

/// Which nodes the cluster has no room to lose.
pub(crate) struct Room {
    /// For their VMs.
    pub virtual_machines: Shortfall,
    /// For their replicas.
    pub replicas: Shortfall,
}

/// Nodes whose load finds no place on the others.
pub(crate) struct Shortfall {
    /// Their names.
    pub nodes: Vec<String>,
    /// Why there may be more of them.
    pub unknown: Vec<String>,
}

/// Computes the room of a cluster as it stands: a node that is not Ready gives none.
pub(crate) fn room(bundle: &Bundle) -> Room {
    let cluster = Cluster::new(bundle, None);
    let short = |answer: Answer| Shortfall {
        nodes: (answer.faults.into_iter())
            .filter_map(|fault| Some(fault.subject?.name))
            .collect(),
        unknown: answer.unknown,
    };
    Room {
        virtual_machines: short(for_vms(&cluster)),
        replicas: short(for_replicas(&cluster)),
    }
}

/// A number, or a quantity in its base unit.
fn amount(value: View<'_>) -> Option<f64> {
    let quantity = value
        .as_str()
        .and_then(quantity::parse)
        .map(|number| match number {
            #[expect(
                clippy::cast_precision_loss,
                reason = "bytes are compared, not counted"
            )]
            Number::Integer(number) => number as f64,
            Number::Float(number) => number,
        });
    quantity.or_else(|| value.as_f64())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "shown to people; what is below zero is nothing"
)]
fn whole(amount: f64) -> u64 {
    amount.max(0.0) as u64
}

#[cfg(test)]
fn titles(objects: &str, ask: fn(&super::Cluster<'_>) -> super::Answer) -> Vec<String> {
    let mut titles = Vec::new();
    crate::preflight::tests::on(objects, |cluster| {
        let answer = ask(cluster);
        assert!(answer.unknown.is_empty(), "{:?}", answer.unknown);
        titles = answer.faults.into_iter().map(|fault| fault.title).collect();
    });
    titles
}
