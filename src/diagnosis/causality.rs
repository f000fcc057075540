//! Which finding explains which: links between rules, checked against the findings' exported
//! objects and times, make a graph; its roots are the causes, and all else stands under one of them.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use jiff::SignedDuration;

use super::{Cause, Diagnosis, Edge};
use crate::finding::{Confidence, Export, Finding, ObjectName, Severity};

/// How much later than its effect a cause may be seen first: clocks of nodes differ, and
/// conditions are written after what they tell of.
pub const CLOCK_SLACK: SignedDuration = SignedDuration::from_secs(60);

/// A rule's word that what one rule finds may lead to what another finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Id of the causing rule, or all of a category: `node/*`.
    pub cause_rule: String,
    /// Id of the rule that finds the effect, or all of a category.
    pub effect_rule: String,
    /// Names of exports that must agree in both findings; none: any two findings of a bundle.
    pub same: Vec<String>,
    /// Whether the cause must come first.
    pub order: Order,
    /// How firmly the one leads to the other.
    pub strength: Confidence,
    /// Why.
    pub note: Option<String>,
}

/// What times must say for a link to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Nothing.
    #[default]
    Any,
    /// The cause is seen first. Where a time is unknown the link holds, one level weaker.
    CauseFirst,
}

/// Puts every finding under its cause. Gives the findings in the order of the report, with ids and
/// `caused_by` filled in, and the ranked diagnoses. Suppressed findings come last and explain nothing.
#[must_use]
pub fn explain(findings: Vec<Finding>, links: &[Link]) -> (Vec<Finding>, Vec<Diagnosis>) {
    let (mut suppressed, mut active): (Vec<Finding>, Vec<Finding>) = findings
        .into_iter()
        .partition(|finding| finding.suppressed.is_some());
    active.sort_by(by_weight);
    suppressed.sort_by(by_weight);

    let graph = CauseGraph::build(&active, links);
    let mut roots = graph.roots(&active);
    roots.sort_by(|a, b| b.rank.total_cmp(&a.rank).then(a.head.cmp(&b.head)));
    let families = graph.families(&active, &roots);

    // Ids follow the order in which a reader meets the findings.
    let order: Vec<usize> = families.iter().flatten().copied().collect();
    let mut position = vec![0; active.len()];
    for (place, &finding) in order.iter().enumerate() {
        position[finding] = place;
    }
    let id = |finding: usize| format!("f{}", position[finding] + 1);

    let diagnoses = roots
        .iter()
        .zip(&families)
        .zip(1..)
        .map(|((root, family), rank)| graph.diagnosis(&active, root, family, rank, &id))
        .collect();

    let mut causes: Vec<Vec<usize>> = vec![Vec::new(); active.len()];
    for &(cause, effect) in graph.links.keys() {
        causes[effect].push(cause);
    }
    for (index, (finding, mut direct)) in active.iter_mut().zip(causes).enumerate() {
        direct.sort_by_key(|&cause| position[cause]);
        finding.id = id(index);
        finding.caused_by = direct.into_iter().map(id).collect();
    }
    let mut placed: Vec<(usize, Finding)> = position.iter().copied().zip(active).collect();
    placed.sort_by_key(|(place, _)| *place);
    let mut findings: Vec<Finding> = placed.into_iter().map(|(_, finding)| finding).collect();
    for mut finding in suppressed {
        finding.id = format!("f{}", findings.len() + 1);
        finding.caused_by.clear();
        findings.push(finding);
    }
    (findings, diagnoses)
}

/// A finding's share in a rank: 8, 4, 2, 1.
fn severity_weight(severity: Severity) -> f64 {
    match severity {
        Severity::Critical => 8.0,
        Severity::Error => 4.0,
        Severity::Warning => 2.0,
        Severity::Info => 1.0,
    }
}

/// How much of a cause reaches its effect: 1, 0.7, 0.4.
fn confidence_weight(confidence: Confidence) -> f64 {
    match confidence {
        Confidence::Certain => 1.0,
        Confidence::Likely => 0.7,
        Confidence::Possible => 0.4,
    }
}

fn one_level_weaker(strength: Confidence) -> Confidence {
    match strength {
        Confidence::Certain => Confidence::Likely,
        Confidence::Likely | Confidence::Possible => Confidence::Possible,
    }
}

/// Worst and surest first. A total order: what differs in any shown part never compares equal, so
/// that the order in which rules ran leaves no trace.
fn by_weight(a: &Finding, b: &Finding) -> Ordering {
    (b.severity, b.confidence)
        .cmp(&(a.severity, a.confidence))
        .then_with(|| (&a.rule, &a.subject).cmp(&(&b.rule, &b.subject)))
        .then_with(|| {
            (a.first_seen, &a.title, &a.message).cmp(&(b.first_seen, &b.title, &b.message))
        })
        .then_with(|| (&a.evidence, &a.exports, a.count).cmp(&(&b.evidence, &b.exports, b.count)))
}

/// A group of findings that nothing outside of it explains.
struct Root {
    /// The finding that speaks for the group.
    head: usize,
    /// All of a circle, the head among them; empty if the head stands alone.
    circle: Vec<usize>,
    rank: f64,
}

struct CauseGraph {
    /// The strongest link between two findings.
    links: BTreeMap<(usize, usize), (Confidence, Option<String>)>,
    /// The same by cause, effects ascending.
    effects: Vec<Vec<(usize, Confidence)>>,
}

impl CauseGraph {
    fn build(findings: &[Finding], links: &[Link]) -> Self {
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

        let mut best: BTreeMap<(usize, usize), (Confidence, Option<String>)> = BTreeMap::new();
        for link in links {
            let (Some(causes), Some(effects)) = (named(&link.cause_rule), named(&link.effect_rule))
            else {
                continue;
            };
            // A category speaks of other rules: two findings of one rule are no cause of each other by it.
            let of_category = link.cause_rule.ends_with("/*") || link.effect_rule.ends_with("/*");
            for &cause in causes {
                for &effect in effects {
                    if cause == effect
                        || of_category && findings[cause].rule == findings[effect].rule
                    {
                        continue;
                    }
                    let Some(strength) = timed_strength(link, &findings[cause], &findings[effect])
                    else {
                        continue;
                    };
                    let agree = link.same.iter().all(|name| {
                        let (cause, effect) = (
                            joins[cause].get(name.as_str()),
                            joins[effect].get(name.as_str()),
                        );
                        matches!((cause, effect), (Some(a), Some(b)) if !a.is_disjoint(b))
                    });
                    if !agree {
                        continue;
                    }
                    let known = best.get(&(cause, effect)).map(|(strength, _)| *strength);
                    if known.is_none_or(|known| known < strength) {
                        best.insert((cause, effect), (strength, link.note.clone()));
                    }
                }
            }
        }
        let mut effects = vec![Vec::new(); findings.len()];
        for (&(cause, effect), &(strength, _)) in &best {
            effects[cause].push((effect, strength));
        }
        CauseGraph {
            links: best,
            effects,
        }
    }

    /// Groups without a cause outside of themselves, ranked.
    fn roots(&self, findings: &[Finding]) -> Vec<Root> {
        let groups = self.groups();
        let mut group_of = vec![0; findings.len()];
        for (number, members) in groups.iter().enumerate() {
            for &member in members {
                group_of[member] = number;
            }
        }
        let mut explained = vec![false; groups.len()];
        for &(cause, effect) in self.links.keys() {
            if group_of[cause] != group_of[effect] {
                explained[group_of[effect]] = true;
            }
        }
        let unexplained = groups
            .into_iter()
            .zip(explained)
            .filter(|(_, explained)| !explained);
        unexplained
            .filter_map(|(mut members, _)| {
                members.sort_unstable();
                // In a circle nobody is first; the worst and surest speaks for it, of equals the one seen earliest.
                let head = members.iter().copied().min_by_key(|&member| {
                    let finding = &findings[member];
                    let weight = Reverse((finding.severity, finding.confidence));
                    (
                        weight,
                        finding.first_seen.is_none(),
                        finding.first_seen,
                        member,
                    )
                })?;
                let circle = if members.len() > 1 {
                    members
                } else {
                    Vec::new()
                };
                Some(Root {
                    head,
                    circle,
                    rank: self.rank(findings, head),
                })
            })
            .collect()
    }

    /// Severity × confidence × (1 + what it reaches, by severity and by the strength of the best path there).
    fn rank(&self, findings: &[Finding], head: usize) -> f64 {
        let root = &findings[head];
        let reached = self.spread(findings.len(), [(head, 0, 1.0)]);
        let reach: f64 = reached
            .iter()
            .flatten()
            .filter(|step| step.finding != head)
            .map(|step| severity_weight(findings[step.finding].severity) * step.strength)
            .sum();
        severity_weight(root.severity) * confidence_weight(root.confidence) * (1.0 + reach)
    }

    /// Each root with all that it explains best, nearest first. A finding that several roots lead to
    /// goes where cause and path together are surest, among equals to the better rank.
    fn families(&self, findings: &[Finding], roots: &[Root]) -> Vec<Vec<usize>> {
        let sources = roots.iter().enumerate().map(|(number, root)| {
            (
                root.head,
                number,
                confidence_weight(findings[root.head].confidence),
            )
        });
        let mut families: Vec<Vec<(u32, usize)>> = vec![Vec::new(); roots.len()];
        // Every finding is a root, in a root's circle or below one: none is left out.
        for step in self.spread(findings.len(), sources).iter().flatten() {
            families[step.source].push((step.hops, step.finding));
        }
        families
            .into_iter()
            .map(|mut family| {
                family.sort_unstable();
                family.into_iter().map(|(_, index)| index).collect()
            })
            .collect()
    }

    /// Walks from `sources` (finding, number, strength at the start) along the strongest paths. Each
    /// finding is reached once, so one that explains several things is never under two of them.
    fn spread(
        &self,
        count: usize,
        sources: impl IntoIterator<Item = (usize, usize, f64)>,
    ) -> Vec<Option<Step>> {
        let mut reached: Vec<Option<Step>> = vec![None; count];
        let mut open: BinaryHeap<Step> = sources
            .into_iter()
            .map(|(finding, source, strength)| Step {
                finding,
                source,
                strength,
                hops: 0,
            })
            .collect();
        while let Some(step) = open.pop() {
            if reached[step.finding].is_some() {
                continue;
            }
            reached[step.finding] = Some(step);
            for &(effect, strength) in &self.effects[step.finding] {
                if reached[effect].is_none() {
                    open.push(Step {
                        finding: effect,
                        strength: step.strength * confidence_weight(strength),
                        hops: step.hops + 1,
                        ..step
                    });
                }
            }
        }
        reached
    }

    /// Strongly connected groups (Tarjan), without recursion: a chain may be as long as the list of findings.
    fn groups(&self) -> Vec<Vec<usize>> {
        let count = self.effects.len();
        let mut number: Vec<Option<usize>> = vec![None; count];
        let mut lowest = vec![0; count];
        let mut on_stack = vec![false; count];
        let mut stack = Vec::new();
        let mut groups = Vec::new();
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
                match self.effects[finding].get(edge) {
                    Some(&(effect, _)) => {
                        path.push((finding, edge + 1));
                        match number[effect] {
                            None => path.push((effect, 0)),
                            Some(seen) if on_stack[effect] => {
                                lowest[finding] = lowest[finding].min(seen)
                            }
                            Some(_) => {}
                        }
                    }
                    None => {
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
                            groups.push(members);
                        }
                    }
                }
            }
        }
        groups
    }

    fn diagnosis(
        &self,
        findings: &[Finding],
        root: &Root,
        family: &[usize],
        rank: u32,
        id: &impl Fn(usize) -> String,
    ) -> Diagnosis {
        let cause = &findings[root.head];
        let members: BTreeSet<usize> = family.iter().copied().collect();
        let edges = family
            .iter()
            .flat_map(|&from| self.effects[from].iter().map(move |&(to, _)| (from, to)))
            .filter(|(_, to)| members.contains(to))
            .filter_map(|(from, to)| {
                let (strength, note) = self.links.get(&(from, to))?;
                Some(Edge {
                    from: id(from),
                    to: id(to),
                    strength: *strength,
                    note: note.clone(),
                })
            })
            .collect();
        // A cause whose rule knows no remedy borrows that of the nearest effect that does.
        let remedy = family
            .iter()
            .map(|&member| &findings[member].remedy)
            .find(|remedy| !remedy.is_empty())
            .cloned()
            .unwrap_or_default();
        Diagnosis {
            rank,
            cause: Cause {
                finding: id(root.head),
                rule: cause.rule.clone(),
                subject: cause.subject.clone(),
            },
            severity: members
                .iter()
                .map(|&member| findings[member].severity)
                .max()
                .unwrap_or(cause.severity),
            confidence: cause.confidence,
            history: false,
            title: cause.title.clone(),
            summary: cause.message.clone(),
            effects: family
                .iter()
                .filter(|&&member| member != root.head)
                .map(|&member| id(member))
                .collect(),
            edges,
            cycle: root.circle.iter().map(|&member| id(member)).collect(),
            remedy,
            references: cause.references.clone(),
        }
    }
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
        }
    }
    joints
}

/// The link's strength for two findings by their times, `None` where the times forbid it.
fn timed_strength(link: &Link, cause: &Finding, effect: &Finding) -> Option<Confidence> {
    match (link.order, cause.first_seen, effect.first_seen) {
        (Order::Any, _, _) => Some(link.strength),
        (Order::CauseFirst, Some(cause), Some(effect)) => {
            (cause.duration_since(effect) <= CLOCK_SLACK).then_some(link.strength)
        }
        (Order::CauseFirst, _, _) => Some(one_level_weaker(link.strength)),
    }
}

/// A finding reached from a source. The greatest goes first: strongest, then of the better source, then nearest.
#[derive(Debug, Clone, Copy)]
struct Step {
    finding: usize,
    source: usize,
    strength: f64,
    hops: u32,
}

impl Ord for Step {
    fn cmp(&self, other: &Self) -> Ordering {
        self.strength.total_cmp(&other.strength).then_with(|| {
            (other.source, other.hops, other.finding).cmp(&(self.source, self.hops, self.finding))
        })
    }
}

impl PartialOrd for Step {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Step {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Step {}
