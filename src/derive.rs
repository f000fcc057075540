//! Works out the objects that rules and report need and that the cluster never wrote: where an
//! upgrade stands, what a host is made of, who votes in etcd, what is missing from the bundle.
//!
//! They enter the graph like any other object, under the group `doctor`. Each fact keeps the place
//! in the bundle that it was read from, so that evidence shows that place.

mod etcd;
mod host;
mod log;
mod missing;
pub(crate) mod renamed;
mod sign_of_life;
#[cfg(test)]
mod tests_of_etcd;
#[cfg(test)]
mod tests_of_upgrade;
mod upgrade;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::graph::kind::DERIVED_GROUP;
use crate::graph::{Graph, Origin, Origins};
use crate::parse::document::Document;
use crate::parse::host::HostFacts;
use crate::scan::LogShape;
use crate::span::Location;

pub(crate) use upgrade::{condition_time, current as current_upgrade};

/// What objects are worked out from, beside the graph.
pub struct Seen<'a> {
    /// Facts of hosts by node.
    pub hosts: &'a BTreeMap<String, HostFacts>,
    /// Shapes of all logs, in path order.
    pub logs: &'a [LogShape],
    /// The bundle's own time.
    pub now: Option<Timestamp>,
}

/// Adds all derived objects to a graph.
pub fn derive(graph: &mut Graph, seen: &Seen<'_>) {
    let mut derived = Vec::new();
    derived.extend(host::hosts(graph, seen));
    derived.extend(log::files(seen));
    derived.extend(etcd::etcd(graph));
    derived.extend(upgrade::upgrade(graph, seen));
    derived.extend(missing::missing(graph, seen));
    derived.extend(sign_of_life::signs(graph, seen));
    graph.derive(derived.into_iter().map(Derived::finish).collect());
}

/// An object in the making.
struct Derived {
    fields: Map<String, Value>,
    origins: Origins,
}

impl Derived {
    /// An object of a derived kind. A name is unique within its kind.
    fn new(kind: &str, name: &str) -> Self {
        let mut fields = Map::new();
        fields.insert(
            "apiVersion".to_owned(),
            format!("{DERIVED_GROUP}/v1").into(),
        );
        fields.insert("kind".to_owned(), kind.into());
        fields.insert("metadata".to_owned(), serde_json::json!({ "name": name }));
        Derived {
            fields,
            origins: Origins::new(),
        }
    }

    /// Sets a field; what is unknown stays absent.
    fn set(&mut self, field: &str, value: Option<impl Into<Value>>) -> &mut Self {
        if let Some(value) = value {
            self.fields.insert(field.to_owned(), value.into());
        }
        self
    }

    /// Sets a field and says where it was read.
    fn set_seen(
        &mut self,
        field: &str,
        value: Option<impl Into<Value>>,
        origin: Option<Origin>,
    ) -> &mut Self {
        if let (Some(_), Some(origin)) = (&value, origin) {
            self.origins.insert(field.to_owned(), origin);
        }
        self.set(field, value)
    }

    /// Says where the object as a whole is seen.
    fn seen(&mut self, origin: Option<Origin>) -> &mut Self {
        if let Some(origin) = origin {
            self.origins.entry(String::new()).or_insert(origin);
        }
        self
    }

    fn finish(self) -> (Document, Origins) {
        (
            Document::from_json(&Value::Object(self.fields)),
            self.origins,
        )
    }
}

/// The line of a host file as the origin of a fact.
fn line(location: &Location) -> Option<Origin> {
    Some(Origin::Line {
        path: location.path.clone(),
        line: location.line?,
        text: None,
    })
}

/// A time as derived objects hold it.
fn time(time: Timestamp) -> Value {
    time.to_string().into()
}
