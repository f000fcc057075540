//! Which cause to look at first, and which effects stand under it.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use jiff::Timestamp;

use super::graph::CauseGraph;
use crate::finding::{Confidence, Finding, Severity};

/// A cause with all that it explains best.
pub(super) struct Family {
    /// The finding that speaks for all; nothing outside of its circle explains it.
    pub(super) head: usize,
    /// All findings, the head first, each after its causes among them and else nearest first.
    pub(super) members: Vec<usize>,
    rank: f64,
}

/// Puts every finding into the family of one cause; the first family is the first to look at.
///
/// A finding that several causes lead to goes where cause and path together are surest, among equals
/// to the cause with the better rank by the formula. A family ranks as its head does, and never below
/// what any of its findings would rank as a cause: that something may explain a grave finding does not
/// make it less grave.
pub(super) fn families(graph: &CauseGraph, findings: &[Finding]) -> Vec<Family> {
    let heads = graph.unexplained().filter_map(|circle| {
        let head = circle
            .iter()
            .copied()
            .min_by(|&a, &b| speaks(findings, a, b))?;
        Some((head, rank(graph, findings, head)))
    });
    let mut heads: Vec<(usize, f64)> = heads.collect();
    heads.sort_by(|a, b| by_rank(findings, *a, *b));

    let confidence = |head: usize| Strength::default().through(findings[head].confidence);
    let sources = heads.iter().map(|&(head, _)| (head, confidence(head)));
    let mut members: Vec<Vec<Step>> = vec![Vec::new(); heads.len()];
    // Every finding is a head, in a head's circle or below one: none is left out.
    for step in spread(graph, sources).into_iter().flatten() {
        members[step.source].push(step);
    }
    let mut families: Vec<Family> = heads
        .into_iter()
        .zip(members)
        .map(|((head, own), steps)| Family {
            head,
            rank: floor(graph, findings, (head, own), &steps),
            members: causes_first(graph, &steps),
        })
        .collect();
    let is_over = |family: &Family| family.members.iter().all(|&it| findings[it].history);
    families.sort_by(|a, b| {
        is_over(a)
            .cmp(&is_over(b))
            .then_with(|| by_rank(findings, (a.head, a.rank), (b.head, b.rank)))
    });
    families
}

/// Puts the first family with a finding of at least a warning that `asked` picks before those that are
/// no graver than it. What is over is nobody's answer.
pub(super) fn bring_forward(
    families: &mut [Family],
    findings: &[Finding],
    asked: impl Fn(&Finding) -> bool,
) {
    let answers = |family: &Family| {
        let mut members = family.members.iter().map(|&it| &findings[it]);
        members.any(|it| !it.history && it.severity >= Severity::Warning && asked(it))
    };
    let Some(at) = families.iter().position(answers) else {
        return;
    };
    let severity = |family: &Family| {
        let members = family.members.iter();
        members.map(|&it| findings[it].severity).max()
    };
    let own = severity(&families[at]);
    let graver = |family: &Family| severity(family) > own;
    let place = families[..at].iter().rposition(graver);
    families[place.map_or(0, |graver| graver + 1)..=at].rotate_right(1);
}

/// In a circle nobody is first; the worst and surest speaks for it, of equals the one seen earliest.
fn speaks(findings: &[Finding], a: usize, b: usize) -> Ordering {
    let order = |it: usize| {
        let finding = &findings[it];
        let weight = Reverse((finding.severity, finding.confidence));
        (finding.history, weight, earliest(finding), it)
    };
    order(a).cmp(&order(b))
}

/// Known times before unknown ones.
fn earliest(finding: &Finding) -> (bool, Option<Timestamp>) {
    (finding.first_seen.is_none(), finding.first_seen)
}

/// The better rank first, of equals the worse, surer, earlier one.
fn by_rank(findings: &[Finding], a: (usize, f64), b: (usize, f64)) -> Ordering {
    // Sums of the same parts in another order differ in their last digits.
    let rounded = |rank: f64| (rank * 1e6).round();
    let weight = |it: usize| (findings[it].severity, findings[it].confidence);
    rounded(b.1)
        .total_cmp(&rounded(a.1))
        .then_with(|| weight(b.0).cmp(&weight(a.0)))
        .then_with(|| earliest(&findings[a.0]).cmp(&earliest(&findings[b.0])))
        .then(a.0.cmp(&b.0))
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

/// What a finding would rank if it led to nothing.
fn weight(finding: &Finding) -> f64 {
    severity_weight(finding.severity) * Strength::default().through(finding.confidence).weight()
}

/// Severity × confidence × (1 + what it reaches, by severity and by the strength of the best path there).
pub(super) fn rank(graph: &CauseGraph, findings: &[Finding], head: usize) -> f64 {
    let reached = spread(graph, [(head, Strength::default())]);
    let reach: f64 = reached
        .iter()
        .flatten()
        .filter(|step| step.finding != head)
        .map(|step| severity_weight(findings[step.finding].severity) * step.strength.weight())
        .sum();
    weight(&findings[head]) * (1.0 + reach)
}

/// The best rank that any of the steps' findings would have as a cause; `own` is that of the head.
fn floor(
    graph: &CauseGraph,
    findings: &[Finding],
    (head, own): (usize, f64),
    steps: &[Step],
) -> f64 {
    let reach = own / weight(&findings[head]) - 1.0;
    let confidence = Strength::default().through(findings[head].confidence);
    let mut best = own;
    for step in steps {
        let member = &findings[step.finding];
        // The head reaches all that its member does, by as much weaker as the path to the member is:
        // few members can rank higher, and only for those it is worked out.
        let path = step.strength.weight() / confidence.weight();
        let mut most = reach / path - severity_weight(member.severity);
        if graph.circle_of[step.finding] == graph.circle_of[head] {
            most += severity_weight(findings[head].severity);
        }
        if step.finding != head && weight(member) * (1.0 + most) > best {
            best = best.max(rank(graph, findings, step.finding));
        }
    }
    best
}

/// Findings as they are reached, each after its causes among them, and else the nearest first. In a
/// circle only the distance counts.
fn causes_first(graph: &CauseGraph, steps: &[Step]) -> Vec<usize> {
    let mut members: Vec<(u32, usize)> = steps.iter().map(|it| (it.hops, it.finding)).collect();
    members.sort_unstable();
    let mut waits: Vec<Option<usize>> = vec![None; graph.effects.len()];
    for &(_, member) in &members {
        waits[member] = Some(0);
    }
    let apart = |cause: usize, effect: usize| graph.circle_of[cause] != graph.circle_of[effect];
    for &(_, cause) in &members {
        for &(effect, _) in &graph.effects[cause] {
            if let Some(count) = waits[effect].as_mut().filter(|_| apart(cause, effect)) {
                *count += 1;
            }
        }
    }
    let mut distance = vec![0; graph.effects.len()];
    for &(hops, member) in &members {
        distance[member] = hops;
    }
    let is_free = |&&(_, member): &&(u32, usize)| waits[member] == Some(0);
    let mut open: BinaryHeap<Reverse<(u32, usize)>> = members
        .iter()
        .filter(is_free)
        .copied()
        .map(Reverse)
        .collect();
    let mut ordered = Vec::with_capacity(members.len());
    while let Some(Reverse((_, cause))) = open.pop() {
        ordered.push(cause);
        for &(effect, _) in &graph.effects[cause] {
            if let Some(count) = waits[effect].as_mut().filter(|_| apart(cause, effect)) {
                *count -= 1;
                if *count == 0 {
                    open.push(Reverse((distance[effect], effect)));
                }
            }
        }
    }
    ordered
}

/// How much of a cause arrives at the end of a path: 0.7 for each likely step, 0.4 for each possible
/// one. Kept as counts, so that paths of the same steps are equally strong to the last digit.
#[derive(Debug, Clone, Copy, Default)]
struct Strength {
    likely: i32,
    possible: i32,
}

impl Strength {
    fn through(self, step: Confidence) -> Self {
        match step {
            Confidence::Certain => self,
            Confidence::Likely => Strength {
                likely: self.likely + 1,
                ..self
            },
            Confidence::Possible => Strength {
                possible: self.possible + 1,
                ..self
            },
        }
    }

    fn weight(self) -> f64 {
        0.7_f64.powi(self.likely) * 0.4_f64.powi(self.possible)
    }
}

/// Walks from `sources` (finding, strength at the start), the better one first, along the strongest
/// paths. Each finding is reached once, so one that several things explain is never under two of them;
/// a circle is reached by one source alone, for nobody knows which of its members came first.
fn spread(
    graph: &CauseGraph,
    sources: impl IntoIterator<Item = (usize, Strength)>,
) -> Vec<Option<Step>> {
    let mut reached: Vec<Option<Step>> = vec![None; graph.effects.len()];
    let mut taken: Vec<Option<usize>> = vec![None; graph.circles.len()];
    let mut open: BinaryHeap<Step> = sources
        .into_iter()
        .enumerate()
        .map(|(source, (finding, strength))| Step {
            finding,
            source,
            strength,
            hops: 0,
        })
        .collect();
    while let Some(step) = open.pop() {
        let owner = *taken[graph.circle_of[step.finding]].get_or_insert(step.source);
        if owner != step.source || reached[step.finding].is_some() {
            continue;
        }
        reached[step.finding] = Some(step);
        for &(effect, strength) in &graph.effects[step.finding] {
            if reached[effect].is_none() {
                open.push(Step {
                    finding: effect,
                    strength: step.strength.through(strength),
                    hops: step.hops + 1,
                    ..step
                });
            }
        }
    }
    reached
}

/// A finding reached from a source. The greatest goes first: strongest, then of the better source, then nearest.
#[derive(Debug, Clone, Copy)]
struct Step {
    finding: usize,
    source: usize,
    strength: Strength,
    hops: u32,
}

impl Ord for Step {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.strength.weight())
            .total_cmp(&other.strength.weight())
            .then_with(|| {
                (other.source, other.hops, other.finding).cmp(&(
                    self.source,
                    self.hops,
                    self.finding,
                ))
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
