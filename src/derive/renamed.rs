//! Hosts that came back under another name: what they were called is no second host.

use crate::graph::{Graph, ObjectView};
use crate::parse::document::View;

/// The Node under which a host has registered since, if `left`, a Node or a machine that names one,
/// tells of the host's former name: nothing answers to it, and a newer Node that is Ready has its address.
pub(crate) fn renamed_to<'g>(
    graph: &'g Graph,
    left: ObjectView<'g>,
    name: &str,
) -> Option<&'g str> {
    let was = address(left)?;
    if left.condition_status("Ready") == Some("True") && left.name() == name {
        return None;
    }
    let mut nodes = graph.all("", "Node");
    let since = nodes.find(|node| {
        node.name() != name
            && node.condition_status("Ready") == Some("True")
            && address(*node) == Some(was)
            && created(*node) > created(left)
    });
    since.map(|node| node.name())
}

fn address<'g>(object: ObjectView<'g>) -> Option<&'g str> {
    let addresses = object.field(&["status", "addresses"])?;
    let mut addresses = addresses.items();
    let internal =
        addresses.find(|it| it.get("type").and_then(View::as_str) == Some("InternalIP"))?;
    internal.get("address")?.as_str()
}

fn created<'g>(object: ObjectView<'g>) -> Option<&'g str> {
    object.text(&["metadata", "creationTimestamp"])
}
