//! What nobody can say: where data was not collected, that something is not there is no fact.
//!
//! Missing data reads as absent, so `absent(x)`, `!x.exists(…)` or `x.size() == 0` would hold for
//! whatever the collector did not fetch. Therefore a look-up that finds nothing where not all was
//! collected raises a doubt, and a condition that comes out only by such a look-up decides nothing.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeSet;

use crate::bundle::Bundle;
use crate::diagnosis::wording;
use crate::graph::kind::DERIVED_GROUP;
use crate::graph::{Graph, Kind, KindId, ObjectView, Subject};
use crate::rule::Rule;
use crate::scan::SourceSpec;

use super::program::{Context, Frame, Program};
use super::requirement::{self, home};
use super::value::Value;

/// What was not collected, or not everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Gap {
    Kind(KindId),
    /// Logs of a matcher, by its place among all matchers.
    Logs(usize),
    /// A kind of which nothing at all is known.
    UnknownKind,
}

/// Why a value is not certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Doubt {
    pub(super) gap: Gap,
    /// Not only may elements be missing: what is there may be wrong.
    pub(super) wrong: bool,
}

impl Doubt {
    /// Something may be there that was not collected.
    pub(crate) fn lack(gap: Gap) -> Doubt {
        Doubt { gap, wrong: false }
    }

    /// The value may be another one.
    pub(crate) fn wrong(gap: Gap) -> Doubt {
        Doubt { gap, wrong: true }
    }
}

/// The doubts of a running rule.
#[derive(Debug, Default)]
pub(crate) struct Doubts {
    /// Raised by what was looked up since it was last taken.
    raised: Cell<Option<Doubt>>,
    /// Whether any slot is in doubt: asked for at each look at a slot.
    some: Cell<bool>,
    /// Doubts on what stands in slots.
    slots: RefCell<Vec<Option<Doubt>>>,
    /// Those that kept a row from being decided.
    met: RefCell<BTreeSet<Gap>>,
    /// Whether every namespace was collected, once somebody asked.
    all_namespaces: OnceCell<bool>,
}

/// How a condition came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Holds,
    Fails,
    /// It comes out one way or the other by what was not collected; whether it holds by what was.
    Doubtful(Doubt, bool),
}

impl Doubts {
    pub(crate) fn raise(&self, doubt: Doubt) {
        let wrong = doubt.wrong || self.raised.get().is_some_and(|it| it.wrong);
        self.raised.set(Some(Doubt { wrong, ..doubt }));
    }

    /// Says of what was raised that it makes a value wrong.
    pub(crate) fn worsen(&self) {
        let raised = self.raised.get();
        self.raised.set(raised.map(|it| Doubt::wrong(it.gap)));
    }

    pub(crate) fn raised(&self) -> Option<Doubt> {
        self.raised.get()
    }

    pub(crate) fn restore(&self, doubt: Option<Doubt>) {
        self.raised.set(doubt);
    }

    /// Raises the doubt on a slot that is looked at.
    pub(crate) fn look(&self, slot: usize) {
        if self.some.get()
            && let Some(doubt) = self.slots.borrow().get(slot).copied().flatten()
        {
            self.raise(doubt);
        }
    }

    /// Says whether what now stands in a slot is in doubt.
    pub(crate) fn put(&self, slot: usize, doubt: Option<Doubt>) {
        if doubt.is_none() && !self.some.get() {
            return;
        }
        self.some.set(true);
        let mut slots = self.slots.borrow_mut();
        if slots.len() <= slot {
            slots.resize(slot + 1, None);
        }
        if let Some(held) = slots.get_mut(slot) {
            *held = doubt;
        }
    }

    /// Notes that a row could not be decided.
    pub(super) fn note(&self, doubt: Doubt) {
        self.met.borrow_mut().insert(doubt.gap);
    }

    /// The doubts that kept rows from being decided.
    pub(super) fn met(&self) -> BTreeSet<Gap> {
        self.met.borrow().clone()
    }
}

/// Whether a condition holds, and whether that can be said.
pub(super) fn decide<'g>(
    condition: &'g Program,
    context: &Context<'g>,
    frame: &mut Frame<'g>,
) -> Verdict {
    context.doubts.restore(None);
    let holds = condition.run(context, frame).is_true();
    match context.doubts.raised() {
        Some(doubt) => {
            context.doubts.restore(None);
            Verdict::Doubtful(doubt, holds)
        }
        None if holds => Verdict::Holds,
        None => Verdict::Fails,
    }
}

/// Where something was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Everywhere,
    Namespace(String),
    Node(String),
    /// Namespace and name.
    Pod(Option<String>, String),
}

/// How the condition of a binding narrows down where its elements may be.
#[derive(Debug)]
pub(super) enum Narrowing {
    Namespace(Program),
    Node(Program),
    Pod(Program),
}

impl Narrowing {
    /// The place for a row.
    pub(super) fn place<'g>(&'g self, context: &Context<'g>, frame: &mut Frame<'g>) -> Place {
        let raised = context.doubts.raised();
        let (Narrowing::Namespace(program) | Narrowing::Node(program) | Narrowing::Pod(program)) =
            self;
        let value = program.run(context, frame);
        context.doubts.restore(raised);
        let subject = value.as_subject();
        let name = subject.map(|subject| context.graph.name_of(&subject));
        match (self, name, value.as_str()) {
            (Narrowing::Namespace(_), _, Some(namespace)) => Place::Namespace(namespace.to_owned()),
            (Narrowing::Node(_), Some(name), _) => Place::Node(name.name),
            (Narrowing::Node(_), _, Some(name)) => Place::Node(name.to_owned()),
            (Narrowing::Pod(_), Some(name), _) => Place::Pod(name.namespace, name.name),
            _ => Place::Everywhere,
        }
    }
}

/// Whether objects of a kind may exist in a place without being in the bundle.
pub(super) fn may_lack(context: &Context<'_>, kind: KindId, place: &Place) -> bool {
    let graph = context.graph;
    let of = graph.kind(kind);
    if of.is_derived() {
        return may_lack_derived(context, kind, &of.name, place);
    }
    let collected = graph.collected();
    if collected.everything {
        return !collected.has(of, None);
    }
    // Of secrets the collector fetches machine plans at best.
    if of.group.is_empty() && of.name == "Secret" {
        return true;
    }
    let namespace = match (home(of), place) {
        (Some(home), _) => Some(home),
        (None, Place::Namespace(namespace)) => Some(namespace.as_str()),
        _ => None,
    };
    !collected.has(of, namespace)
        || namespace.is_none()
            && of.namespaced() == Some(true)
            && !*context
                .doubts
                .all_namespaces
                .get_or_init(|| all_namespaces(graph))
}

/// Whether manifests of every namespace of the cluster were collected.
fn all_namespaces(graph: &Graph) -> bool {
    let collected = graph.collected();
    let namespaces = Kind::new("", "Namespace");
    collected.has(&namespaces, None)
        && graph
            .all("", "Namespace")
            .all(|namespace| collected.namespace(namespace.name()))
}

/// Derived objects are missing where what they are worked out from is.
fn may_lack_derived(context: &Context<'_>, kind: KindId, name: &str, place: &Place) -> bool {
    let graph = context.graph;
    let lacks = |group: &str, name: &str| {
        let kind = Kind::new(group, name);
        !graph.collected().has(&kind, home(&kind))
    };
    match name {
        // Every host has some of each, so a host without any was not looked at for them.
        "Host" | "Disk" | "Mount" | "Boot" => {
            // A Longhorn volume may be known from the kernel's log, which names no other disk.
            let tells = |it: ObjectView<'_>| it.text(&["use"]) != Some("longhorn-volume");
            let sent = |node: &str| {
                let mut own = graph.of_kind(kind);
                own.any(|it| it.text(&["nodeName"]) == Some(node) && tells(it))
            };
            match place {
                Place::Node(node) => !sent(node),
                _ => {
                    graph.ids(kind).is_empty()
                        || graph.all("", "Node").any(|node| !sent(node.name()))
                }
            }
        }
        "UpgradeStatus" | "UpgradeStep" => lacks("harvesterhci.io", "Upgrade"),
        "Etcd" => lacks("", "Node"),
        _ => false,
    }
}

/// Whether a log of these sources may exist in a place without being in the bundle.
pub(super) fn may_lack_logs(context: &Context<'_>, sources: &[SourceSpec], place: &Place) -> bool {
    let Some(bundle) = context.read else {
        return true;
    };
    match place {
        Place::Node(node) => {
            let hosts = requirement::on_nodes(sources);
            !hosts.is_empty() && !bundle.has_host_log(node, &hosts)
        }
        Place::Pod(namespace, pod) => !bundle
            .hits
            .files()
            .iter()
            .any(|log| log.namespace == *namespace && log.pod.as_deref() == Some(pod.as_str())),
        _ => !matches!(
            requirement::log_input(sources, bundle),
            requirement::Input::Complete
        ),
    }
}

/// Raises a doubt where a relation led to nothing, and what it leads to may not have been collected.
pub(super) fn of_relation(context: &Context<'_>, from: &Subject, name: &str, to: Option<KindId>) {
    // The last boot has no next one.
    if name == "next" {
        return;
    }
    let Some(to) = to else {
        return context.doubts.raise(Doubt::lack(Gap::UnknownKind));
    };
    let graph = context.graph;
    let (kind, namespace) = match from {
        Subject::Object(id) => {
            let object = graph.object(*id);
            (object.kind(), object.namespace().map(str::to_owned))
        }
        Subject::Ghost(ghost) => (ghost.kind, ghost.namespace.clone()),
    };
    let (kind, target) = (graph.kind(kind), graph.kind(to));
    let place = if target.group == DERIVED_GROUP {
        let named = || graph.name_of(from).name;
        let node = match (kind.is_derived(), from) {
            (true, Subject::Object(id)) => graph.object(*id).text(&["nodeName"]).map(str::to_owned),
            _ => Some(named()),
        };
        node.map_or(Place::Everywhere, Place::Node)
    } else if target.name == "Event" && namespace.is_none() {
        Place::Namespace("default".to_owned())
    } else {
        // What belongs to an object is in its namespace; Longhorn's objects serve those of all.
        let own = namespace.filter(|_| kind.group != "longhorn.io");
        own.map_or(Place::Everywhere, Place::Namespace)
    };
    if may_lack(context, to, &place) {
        context.doubts.raise(Doubt::lack(Gap::Kind(to)));
    }
}

/// Raises a doubt where a field of a ghost is asked for that may be there all the same.
pub(super) fn of_field(context: &Context<'_>, of: &Value<'_>, field: &str) {
    if let Value::Ghost(ghost) = of
        && !matches!(field, "kind" | "metadata")
        && !is_known_ghost(context, of)
    {
        context.doubts.raise(Doubt::wrong(Gap::Kind(ghost.kind)));
    }
}

/// Whether it is certain that an object is not there.
pub(super) fn is_known_ghost(context: &Context<'_>, of: &Value<'_>) -> bool {
    match of {
        Value::Ghost(ghost) => {
            let place = match &ghost.namespace {
                Some(namespace) => Place::Namespace(namespace.clone()),
                None => Place::Everywhere,
            };
            let host = Place::Node(ghost.name.clone());
            let derived = context.graph.kind(ghost.kind).is_derived();
            !may_lack(context, ghost.kind, if derived { &host } else { &place })
        }
        _ => true,
    }
}

/// Why rows could not be decided, for people.
pub(super) fn reasons(gap: Gap, rule: &Rule, first: usize, bundle: &Bundle) -> BTreeSet<String> {
    let one = |reason: String| BTreeSet::from([reason]);
    match gap {
        Gap::UnknownKind => one("needs a kind of which nothing was collected".to_owned()),
        Gap::Logs(matcher) => {
            let sources = rule.logs.values().nth(matcher.saturating_sub(first));
            let sources = sources.map_or(&[][..], |matcher| matcher.sources.as_slice());
            let reasons = requirement::log_input(sources, bundle).reasons();
            if !reasons.is_empty() {
                return reasons;
            }
            let names: Vec<String> = sources.iter().map(ToString::to_string).collect();
            one(format!(
                "needs logs of {}, and not every pod sent one",
                names.join(" or ")
            ))
        }
        Gap::Kind(id) => {
            let kind = bundle.graph.kind(id);
            let reasons = requirement::kind_input_of(kind, bundle).reasons();
            if !reasons.is_empty() {
                return reasons;
            }
            let name = kind.display();
            let collected = bundle.graph.collected();
            let namespaces = bundle.graph.all("", "Namespace");
            let missing: Vec<&str> = namespaces
                .map(|namespace| namespace.name())
                .filter(|namespace| !collected.namespace(namespace))
                .collect();
            one(if kind.is_derived() || missing.is_empty() {
                format!("needs {name}, not all of which was collected")
            } else {
                let missing = wording::some(&missing, 5);
                let of_all = wording::OF_ALL_NAMESPACES;
                format!("needs {name} {of_all}, and {missing} were not collected")
            })
        }
    }
}
