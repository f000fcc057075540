//! Which finding may lead to which: links between rules, held against the findings' exports and times.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::{Link, Order};
use crate::finding::{Confidence, Export, Finding, ObjectName};

/// How much later than its effect a cause may be seen first: clocks of nodes differ, and
/// conditions are written after what they tell of.
pub const CLOCK_SLACK: SignedDuration = SignedDuration::from_secs(60);

/// How long after a fault is over its effects may still begin: evictions, time-outs and rebuilds
/// wait for minutes before they start.
pub const AFTERMATH: SignedDuration = SignedDuration::from_hours(1);

/// An edge that holds between two findings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) strength: Confidence,
    pub(super) note: Option<String>,
}

/// Findings by their places in a list, and what holds between them.
pub(super) struct CauseGraph {
    /// The strongest link between two findings, cause first.
    pub(super) links: BTreeMap<(usize, usize), Held>,
    /// The same by cause, effects ascending.
    pub(super) effects: Vec<Vec<(usize, Confidence)>>,
    /// The number of the circle that each finding is in; those in none have one of their own.
    pub(super) circle_of: Vec<usize>,
    /// Members of each circle, ascending.
    pub(super) circles: Vec<Vec<usize>>,
}

impl CauseGraph {
    pub(super) fn build(findings: &[Finding], links: &[Link]) -> Self {
        let mut by_rule: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let mut by_category: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, finding) in findings.iter().enumerate() {
            by_rule.entry(&finding.rule).or_default().push(index);
            by_category
                .entry(&finding.category)
                .or_default()
                .push(index);
        }
        let named = |rule: &str| match rule.strip_suffix("/*") {
            Some(category) => by_category.get(category),
            None => by_rule.get(rule),
        };
        let joins: Vec<BTreeMap<&str, BTreeSet<Joint<'_>>>> = findings.iter().map(joints).collect();
        let agree = |name: &String, cause: usize, effect: usize| {
            let (cause, effect) = (joins[cause].get(&**name), joins[effect].get(&**name));
            matches!((cause, effect), (Some(a), Some(b)) if !a.is_disjoint(b))
        };

        let mut best: BTreeMap<(usize, usize), Held> = BTreeMap::new();
        for link in links {
            let (Some(causes), Some(effects)) = (named(&link.cause_rule), named(&link.effect_rule))
            else {
                continue;
            };
            // A category speaks of other rules: two findings of one rule are no cause of each other by it.
            let of_category = link.cause_rule.ends_with("/*") || link.effect_rule.ends_with("/*");
            let pairs = causes
                .iter()
                .flat_map(|&cause| effects.iter().map(move |&effect| (cause, effect)));
            for (cause, effect) in pairs {
                if cause == effect || of_category && findings[cause].rule == findings[effect].rule {
                    continue;
                }
                let Some(strength) = timed_strength(link, &findings[cause], &findings[effect])
                else {
                    continue;
                };
                if !link.same.iter().all(|name| agree(name, cause, effect)) {
                    continue;
                }
                let held = Held {
                    strength,
                    note: link.note.clone(),
                };
                let known = best.get(&(cause, effect));
                if known.is_none_or(|known| weight(known) < weight(&held)) {
                    best.insert((cause, effect), held);
                }
            }
        }
        let mut effects = vec![Vec::new(); findings.len()];
        for (&(cause, effect), held) in &best {
            effects[cause].push((effect, held.strength));
        }
        let circles = circles(&effects);
        let mut circle_of = vec![0; findings.len()];
        for (number, members) in circles.iter().enumerate() {
            for &member in members {
                circle_of[member] = number;
            }
        }
        CauseGraph {
            links: best,
            effects,
            circle_of,
            circles,
        }
    }

    /// Circles that nothing outside of them explains; most are of one finding, and no circle at all.
    pub(super) fn unexplained(&self) -> impl Iterator<Item = &[usize]> {
        let mut explained = vec![false; self.circles.len()];
        for &(cause, effect) in self.links.keys() {
            if self.circle_of[cause] != self.circle_of[effect] {
                explained[self.circle_of[effect]] = true;
            }
        }
        let circles = self.circles.iter().zip(explained);
        circles.filter_map(|(circle, explained)| (!explained).then_some(circle.as_slice()))
    }

    /// Whether other findings and this one lead to each other.
    pub(super) fn is_in_circle(&self, finding: usize) -> bool {
        self.circles[self.circle_of[finding]].len() > 1
    }
}

/// Of two links between the same findings the firmer counts; of equals one with a note, the first by its text.
fn weight(held: &Held) -> (Confidence, bool, Reverse<&Option<String>>) {
    (held.strength, held.note.is_some(), Reverse(&held.note))
}

/// What makes two exports agree: an object by kind, namespace and name, or a text.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Joint<'a> {
    Object(&'a ObjectName),
    Text(&'a str),
}

fn joints(finding: &Finding) -> BTreeMap<&str, BTreeSet<Joint<'_>>> {
    let mut joints: BTreeMap<&str, BTreeSet<Joint<'_>>> = BTreeMap::new();
    for (name, export) in &finding.exports {
        let set = joints.entry(name).or_default();
        match export {
            Export::Object(object) => set.extend([Joint::Object(object)]),
            Export::Objects(objects) => set.extend(objects.iter().map(Joint::Object)),
            Export::Text(text) => set.extend([Joint::Text(text)]),
            Export::Texts(texts) => set.extend(texts.iter().map(|text| Joint::Text(text))),
        }
    }
    joints
}

/// The link's strength for two findings by their times, `None` where the times forbid it. A time
/// that is needed and unknown makes it one level weaker.
fn timed_strength(link: &Link, cause: &Finding, effect: &Finding) -> Option<Confidence> {
    let mut unsure = false;
    if link.order == Order::CauseFirst {
        match (cause.first_seen, effect.first_seen) {
            (Some(cause), Some(effect)) if cause.duration_since(effect) > CLOCK_SLACK => {
                return None;
            }
            (Some(_), Some(_)) => {}
            _ => unsure = true,
        }
    }
    // What is over explains what began while it lasted or soon after, and nothing that came later.
    if cause.history {
        match (cause.last_seen.or(cause.first_seen), effect.first_seen) {
            (Some(end), Some(effect)) if effect.duration_since(end) > AFTERMATH => return None,
            (Some(_), Some(_)) => {}
            _ => unsure = true,
        }
    }
    Some(match (unsure, link.strength) {
        (false, strength) => strength,
        (true, Confidence::Certain) => Confidence::Likely,
        (true, Confidence::Likely | Confidence::Possible) => Confidence::Possible,
    })
}

/// Strongly connected groups (Tarjan), without recursion: a chain may be as long as the list of findings.
fn circles(effects: &[Vec<(usize, Confidence)>]) -> Vec<Vec<usize>> {
    let count = effects.len();
    let mut number: Vec<Option<usize>> = vec![None; count];
    let mut lowest = vec![0; count];
    let mut on_stack = vec![false; count];
    let mut stack = Vec::new();
    let mut circles = Vec::new();
    let mut next = 0;
    for start in 0..count {
        if number[start].is_some() {
            continue;
        }
        let mut path = vec![(start, 0)];
        while let Some((finding, edge)) = path.pop() {
            if edge == 0 {
                number[finding] = Some(next);
                lowest[finding] = next;
                next += 1;
                stack.push(finding);
                on_stack[finding] = true;
            }
            if let Some(&(effect, _)) = effects[finding].get(edge) {
                path.push((finding, edge + 1));
                match number[effect] {
                    None => path.push((effect, 0)),
                    Some(seen) if on_stack[effect] => {
                        lowest[finding] = lowest[finding].min(seen);
                    }
                    Some(_) => {}
                }
                continue;
            }
            if let Some(&(parent, _)) = path.last() {
                lowest[parent] = lowest[parent].min(lowest[finding]);
            }
            if number[finding] == Some(lowest[finding]) {
                let mut members = Vec::new();
                while let Some(member) = stack.pop() {
                    on_stack[member] = false;
                    members.push(member);
                    if member == finding {
                        break;
                    }
                }
                members.sort_unstable();
                circles.push(members);
            }
        }
    }
    circles
}
