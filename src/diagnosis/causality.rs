//! Which finding explains which: links between rules, checked against the findings' exported
//! objects and times, make a graph; its roots are the causes, and all else stands under one of them.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use jiff::SignedDuration;

use super::{Cause, Diagnosis, Edge};
use crate::finding::{Confidence, Export, Finding, ObjectName, RemedyStep, Severity};

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
        let severity = members
            .iter()
            .map(|&member| findings[member].severity)
            .max()
            .unwrap_or(cause.severity);
        let mut remedy = Vec::new();
        let mut references = Vec::new();
        for &member in family {
            let finding = &findings[member];
            // Where an effect is what makes the diagnosis grave, or is critical itself, the way out of it
            // belongs here: mending the cause may be out of reach. So does the nearest remedy known, if
            // the cause's rule knows none.
            let grave = finding.severity == severity
                && (severity > cause.severity || severity == Severity::Critical);
            if member == root.head || grave || remedy.is_empty() {
                add_steps(&mut remedy, &finding.remedy);
            }
            if member == root.head || grave {
                add_new(&mut references, &finding.references);
            }
        }
        Diagnosis {
            rank,
            cause: Cause {
                finding: id(root.head),
                rule: cause.rule.clone(),
                subject: cause.subject.clone(),
            },
            severity,
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
            references,
        }
    }
}

/// Adds the steps that are not there yet. One that runs the command of another is the same step in
/// other words: two rules that fear for etcd both ask for a snapshot.
fn add_steps(list: &mut Vec<RemedyStep>, more: &[RemedyStep]) {
    // What follows `#` is a remark to the reader.
    fn command(step: &RemedyStep) -> Option<&str> {
        let text = step.command.as_deref()?;
        Some(text.split(" #").next().unwrap_or(text).trim())
    }
    let known: Vec<RemedyStep> = list.clone();
    for step in more {
        let is_same = |known: &RemedyStep| {
            known.text == step.text && known.command == step.command
                || command(step).is_some() && command(known) == command(step)
        };
        if !known.iter().any(is_same) {
            list.push(step.clone());
        }
    }
}

fn add_new<T: Clone + PartialEq>(list: &mut Vec<T>, more: &[T]) {
    for item in more {
        if !list.contains(item) {
            list.push(item.clone());
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
            Export::Texts(texts) => set.extend(texts.iter().map(|text| Joint::Text(text))),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::sample::{ago, finding, node_name, object};
    use crate::finding::Severity::{Critical, Error, Info, Warning};

    fn link(cause: &str, effect: &str, same: &[&str]) -> Link {
        Link {
            cause_rule: cause.into(),
            effect_rule: effect.into(),
            same: same.iter().map(|&name| name.into()).collect(),
            order: Order::Any,
            strength: Confidence::Certain,
            note: None,
        }
    }

    fn on(rule: &str, severity: Severity, node: &str) -> Finding {
        finding(rule, "node", severity).on_node(node)
    }

    /// `a@n1 > b@n1 c@n1` for each diagnosis, in order of rank.
    fn outline(findings: Vec<Finding>, links: &[Link]) -> Vec<String> {
        let count = findings.len();
        let (findings, diagnoses) = explain(findings, links);
        assert_eq!(findings.len(), count, "none is lost");
        for (index, finding) in findings.iter().enumerate() {
            assert_eq!(finding.id, format!("f{}", index + 1));
        }
        let mut told: Vec<&String> = diagnoses
            .iter()
            .flat_map(|one| std::iter::once(&one.cause.finding).chain(&one.effects))
            .collect();
        let active: Vec<&String> = findings
            .iter()
            .filter(|finding| finding.suppressed.is_none())
            .map(|finding| &finding.id)
            .collect();
        assert_eq!(told, active, "each stands once, in the order of ids");
        told.dedup();
        assert_eq!(told.len(), active.len());
        let name = |id: &String| {
            let finding = findings.iter().find(|finding| finding.id == *id).unwrap();
            format!("{}@{}", finding.rule, finding.subject.name)
        };
        diagnoses
            .iter()
            .map(|one| {
                let effects: Vec<String> = one.effects.iter().map(name).collect();
                format!("{} > {}", name(&one.cause.finding), effects.join(" "))
                    .trim_end_matches([' ', '>'])
                    .to_owned()
            })
            .collect()
    }

    #[test]
    fn a_chain_stands_under_its_first_nearest_first() {
        let findings = vec![
            on("c", Critical, "n1"),
            on("a", Warning, "n1"),
            on("b", Error, "n1"),
            on("d", Info, "n1"),
        ];
        let links = [
            link("a", "b", &["node"]),
            link("b", "c", &["node"]),
            link("c", "d", &["node"]),
        ];
        assert_eq!(outline(findings.clone(), &links), ["a@n1 > b@n1 c@n1 d@n1"]);

        let (findings, diagnoses) = explain(findings, &links);
        assert_eq!(
            diagnoses[0].severity, Critical,
            "as bad as the worst it leads to"
        );
        assert_eq!(diagnoses[0].effects, ["f2", "f3", "f4"]);
        let causes: Vec<&[String]> = findings
            .iter()
            .map(|finding| finding.caused_by.as_slice())
            .collect();
        assert_eq!(causes, [&[] as &[&str], &["f1"], &["f2"], &["f3"]]);
        let edges: Vec<String> = diagnoses[0]
            .edges
            .iter()
            .map(|edge| format!("{}-{}", edge.from, edge.to))
            .collect();
        assert_eq!(edges, ["f1-f2", "f2-f3", "f3-f4"]);
    }

    #[test]
    fn links_need_a_shared_object() {
        let volume = |name: &str| object("longhorn.io/Volume", Some("longhorn-system"), name);
        let list =
            |names: &[&str]| Export::Objects(names.iter().map(|name| volume(name)).collect());
        let text = |text: &str| Export::Text(text.into());
        let texts =
            |texts: &[&str]| Export::Texts(texts.iter().map(|&text| text.into()).collect());
        let object = |name: &str| Export::Object(volume(name));
        let foreign = Export::Object(ObjectName {
            namespace: None,
            ..volume("v1")
        });
        for (cause, effect, holds) in [
            (object("v1"), object("v1"), true),
            (object("v1"), object("v2"), false),
            (object("v1"), foreign, false),
            (list(&["v1", "v2"]), object("v2"), true),
            (object("v2"), list(&["v1", "v2"]), true),
            (list(&["v1", "v2"]), list(&["v2", "v3"]), true),
            (list(&["v1"]), list(&["v2"]), false),
            (list(&[]), list(&[]), false),
            (text("x"), text("x"), true),
            (text("x"), text("y"), false),
            (text("v1"), object("v1"), false),
            (texts(&["sda", "sdb"]), text("sdb"), true),
            (texts(&["sda", "sdb"]), texts(&["sdb", "sdc"]), true),
            (texts(&["sda"]), texts(&["sdb"]), false),
            (texts(&["v1"]), list(&["v1"]), false),
        ] {
            let findings = vec![
                finding("a", "storage", Error).exporting("volumes", cause.clone()),
                finding("b", "storage", Error).exporting("volumes", effect.clone()),
            ];
            let diagnoses = outline(findings, &[link("a", "b", &["volumes"])]).len();
            assert_eq!(diagnoses == 1, holds, "{cause:?} {effect:?}");
        }
    }

    #[test]
    fn all_names_must_agree_and_be_there() {
        let both = |upgrade: &str, node: &str| {
            on("b", Error, node).exporting("upgrade", Export::Text(upgrade.into()))
        };
        let cause = on("a", Error, "n1").exporting("upgrade", Export::Text("u".into()));
        for (effect, same, holds) in [
            (both("u", "n1"), &["node", "upgrade"][..], true),
            (both("u", "n2"), &["node", "upgrade"], false),
            (both("w", "n1"), &["node", "upgrade"], false),
            (on("b", Error, "n1"), &["node", "upgrade"], false),
            (on("b", Error, "n1"), &["node"], true),
            (on("b", Error, "n2"), &[], true),
            (on("b", Error, "n1"), &["pod"], false),
        ] {
            let diagnoses =
                outline(vec![cause.clone(), effect.clone()], &[link("a", "b", same)]).len();
            assert_eq!(diagnoses == 1, holds, "{effect:?} {same:?}");
        }
    }

    #[test]
    fn a_cause_comes_first_or_is_unsure() {
        use Confidence::{Certain, Likely, Possible};
        for (cause, effect, order, strength, expected) in [
            (
                ago("2h"),
                ago("1h"),
                Order::CauseFirst,
                Certain,
                Some(Certain),
            ),
            (
                ago("1h"),
                ago("1h"),
                Order::CauseFirst,
                Certain,
                Some(Certain),
            ),
            (
                ago("1h"),
                ago("1h 60s"),
                Order::CauseFirst,
                Certain,
                Some(Certain),
            ),
            (ago("1h"), ago("1h 61s"), Order::CauseFirst, Certain, None),
            (ago("1h"), ago("2h"), Order::Any, Likely, Some(Likely)),
            (None, ago("2h"), Order::CauseFirst, Certain, Some(Likely)),
            (ago("2h"), None, Order::CauseFirst, Likely, Some(Possible)),
            (None, None, Order::CauseFirst, Possible, Some(Possible)),
            (None, None, Order::Any, Certain, Some(Certain)),
        ] {
            let findings = vec![
                on("a", Error, "n1").since(cause),
                on("b", Error, "n1").since(effect),
            ];
            let link = Link {
                order,
                strength,
                ..link("a", "b", &["node"])
            };
            let (_, diagnoses) = explain(findings, &[link]);
            let found = diagnoses
                .iter()
                .flat_map(|one| &one.edges)
                .map(|edge| edge.strength)
                .next();
            assert_eq!(
                found, expected,
                "{cause:?} {effect:?} {order:?} {strength:?}"
            );
        }
    }

    #[test]
    fn of_several_links_the_firmest_counts() {
        let weak = Link {
            strength: Confidence::Possible,
            note: Some("weak".into()),
            ..link("a", "b", &[])
        };
        let firm = Link {
            note: Some("firm".into()),
            ..link("a", "b", &[])
        };
        for links in [[weak.clone(), firm.clone()], [firm, weak]] {
            let (_, diagnoses) = explain(vec![on("a", Error, "n1"), on("b", Error, "n1")], &links);
            assert_eq!(diagnoses[0].edges[0].note.as_deref(), Some("firm"));
        }
    }

    #[test]
    fn categories_stand_for_all_their_rules() {
        let findings = vec![
            on("x", Error, "n1"),
            on("y", Error, "n1"),
            on("y", Error, "n2"),
            finding("z", "upgrade", Critical),
        ];
        assert_eq!(
            outline(findings.clone(), &[link("z", "node/*", &[])]),
            ["z@cluster > x@n1 y@n1 y@n2"]
        );
        // Within the category, x explains y, and y is no cause of the other y.
        assert_eq!(
            outline(findings, &[link("node/*", "y", &["node"])]),
            ["x@n1 > y@n1", "z@cluster", "y@n2"]
        );
    }

    #[test]
    fn circles_are_one_group_and_named() {
        let findings = vec![
            on("a", Warning, "n1"),
            on("b", Error, "n1").since(ago("1h")),
            on("c", Error, "n1").since(ago("2h")),
            on("d", Info, "n1"),
        ];
        let circle = [
            link("a", "b", &[]),
            link("b", "c", &[]),
            link("c", "a", &[]),
            link("a", "d", &[]),
        ];
        // c is as bad as b and was seen earlier.
        assert_eq!(
            outline(findings.clone(), &circle),
            ["c@n1 > a@n1 b@n1 d@n1"]
        );
        let (named, diagnoses) = explain(findings.clone(), &circle);
        let cycle: Vec<&str> = diagnoses[0].cycle.iter().map(String::as_str).collect();
        assert_eq!(cycle.len(), 3);
        assert!(
            !cycle.contains(
                &named
                    .iter()
                    .find(|finding| finding.rule == "d")
                    .unwrap()
                    .id
                    .as_str()
            )
        );

        // A circle below a cause is no root.
        let below = [circle.as_slice(), &[link("root", "b", &[])]].concat();
        let findings = [findings, vec![on("root", Info, "n1")]].concat();
        assert_eq!(
            outline(findings.clone(), &below),
            ["root@n1 > b@n1 c@n1 a@n1 d@n1"]
        );
        assert!(explain(findings, &below).1[0].cycle.is_empty());
    }

    #[test]
    fn ranks_follow_the_formula() {
        let roots = |findings: Vec<Finding>, links: &[Link]| -> Vec<(f64, String)> {
            let mut active = findings;
            active.sort_by(by_weight);
            let graph = CauseGraph::build(&active, links);
            let roots = graph.roots(&active);
            roots
                .iter()
                .map(|root| (root.rank, active[root.head].rule.clone()))
                .collect()
        };
        let likely = |cause: &str, effect: &str| Link {
            strength: Confidence::Likely,
            ..link(cause, effect, &[])
        };
        // error 4 × likely 0.7 × (1 + critical 8 × 0.7 + warning 2 × 0.7 × 0.7)
        let chain = vec![
            on("a", Error, "n"),
            on("b", Critical, "n"),
            on("c", Warning, "n"),
        ];
        let ranked = roots(chain, &[likely("a", "b"), likely("b", "c")]);
        assert_eq!(ranked.len(), 1);
        assert!(
            (ranked[0].0 - 4.0 * 0.7 * (1.0 + 5.6 + 0.98)).abs() < 1e-9,
            "{ranked:?}"
        );
        // Of two paths the stronger counts, once: certain a→c beats likely·likely a→b→c.
        let diamond = vec![
            on("a", Error, "n"),
            on("b", Warning, "n"),
            on("c", Warning, "n"),
        ];
        let ranked = roots(
            diamond,
            &[likely("a", "b"), likely("b", "c"), link("a", "c", &[])],
        );
        assert!(
            (ranked[0].0 - 4.0 * 0.7 * (1.0 + 1.4 + 2.0)).abs() < 1e-9,
            "{ranked:?}"
        );
    }

    #[test]
    fn order_of_diagnoses_is_that_of_rank_and_stable() {
        // A warning that explains three errors stands before a critical finding that explains nothing.
        let findings = vec![
            on("lonely", Critical, "n1"),
            on("disk", Warning, "n2").sure(Confidence::Certain),
            on("e1", Error, "n2"),
            on("e2", Error, "n2"),
            on("e3", Error, "n2"),
        ];
        let links = [
            link("disk", "e1", &["node"]),
            link("disk", "e2", &["node"]),
            link("disk", "e3", &["node"]),
        ];
        let expected = ["disk@n2 > e1@n2 e2@n2 e3@n2", "lonely@n1"];
        assert_eq!(outline(findings.clone(), &links), expected);
        // Whatever order the rules ran in, and the links were declared in.
        let reversed: Vec<Finding> = findings.into_iter().rev().collect();
        let backwards: Vec<Link> = links.iter().rev().cloned().collect();
        assert_eq!(outline(reversed, &backwards), expected);

        let equal = vec![
            on("b", Error, "n1"),
            on("a", Error, "n2"),
            on("a", Error, "n1"),
            on("c", Critical, "n1").sure(Confidence::Possible),
        ];
        assert_eq!(outline(equal, &[]), ["c@n1", "a@n1", "a@n2", "b@n1"]);
    }

    #[test]
    fn an_effect_of_two_roots_goes_where_it_is_surest() {
        let findings = vec![
            on("loud", Critical, "n1").sure(Confidence::Certain),
            on("quiet", Warning, "n1").sure(Confidence::Certain),
            on("effect", Error, "n1"),
        ];
        let weak = Link {
            strength: Confidence::Possible,
            ..link("loud", "effect", &[])
        };
        assert_eq!(
            outline(findings.clone(), &[weak, link("quiet", "effect", &[])]),
            ["loud@n1", "quiet@n1 > effect@n1"]
        );
        // Equally sure: the better rank. Both are named as causes.
        let links = [link("loud", "effect", &[]), link("quiet", "effect", &[])];
        assert_eq!(
            outline(findings.clone(), &links),
            ["loud@n1 > effect@n1", "quiet@n1"]
        );
        let (findings, _) = explain(findings, &links);
        assert_eq!(findings[1].caused_by, ["f1", "f3"]);
    }

    #[test]
    fn suppressed_findings_stay_and_explain_nothing() {
        let findings = vec![
            on("a", Critical, "n1").suppressed_by("as it should be"),
            on("b", Error, "n1"),
            on("c", Error, "n1"),
        ];
        let links = [
            link("a", "b", &[]),
            link("b", "a", &[]),
            link("a", "c", &[]),
        ];
        assert_eq!(outline(findings.clone(), &links), ["b@n1", "c@n1"]);
        let (findings, _) = explain(findings, &links);
        assert_eq!(
            (findings[2].rule.as_str(), findings[2].id.as_str()),
            ("a", "f3")
        );
        assert!(findings.iter().all(|finding| finding.caused_by.is_empty()));
    }

    #[test]
    fn remedies_are_those_of_the_cause_and_of_what_is_gravest() {
        use crate::diagnosis::sample::step;
        use crate::finding::Risk;
        let remedied =
            |rule: &str| on(rule, Error, "n1").mended_by(vec![step(rule, None, Risk::Safe)]);
        let findings = vec![on("a", Error, "n1"), remedied("b"), remedied("c")];
        let (_, diagnoses) = explain(findings, &[link("a", "b", &[]), link("b", "c", &[])]);
        let steps = |diagnosis: &Diagnosis| -> Vec<String> {
            diagnosis
                .remedy
                .iter()
                .map(|step| step.text.clone())
                .collect()
        };
        assert_eq!(steps(&diagnoses[0]), ["b"]);

        // The same command in other words is one step.
        let snapshot = |rule: &str, text: &str, command: &str| {
            on(rule, Critical, "n1").mended_by(vec![step(text, Some(command), Risk::Safe)])
        };
        let findings = vec![
            snapshot("a", "save", "etcd save"),
            snapshot("b", "save first", "etcd save   # on n1"),
        ];
        let (_, diagnoses) = explain(findings, &[link("a", "b", &[])]);
        assert_eq!(steps(&diagnoses[0]), ["save"]);

        // What makes it critical is a far effect: its remedy counts, the near one's does not.
        let findings = vec![
            remedied("a"),
            remedied("b"),
            Finding {
                severity: Critical,
                ..remedied("c")
            },
        ];
        let (_, diagnoses) = explain(findings, &[link("a", "b", &[]), link("b", "c", &[])]);
        assert_eq!(steps(&diagnoses[0]), ["a", "c"]);

        // A cause that is critical itself may be past mending: the way out of its critical effect counts.
        let critical = |rule: &str| Finding {
            severity: Critical,
            ..remedied(rule)
        };
        let findings = vec![critical("a"), remedied("b"), critical("c")];
        let (_, diagnoses) = explain(findings, &[link("a", "b", &[]), link("b", "c", &[])]);
        assert_eq!(steps(&diagnoses[0]), ["a", "c"]);
    }

    #[test]
    fn a_long_chain_and_a_dense_graph_end_soon() {
        let chain: Vec<Finding> = (0..3_000)
            .map(|index| finding(&format!("r{index:04}"), "node", Error))
            .collect();
        let links: Vec<Link> = (1..3_000)
            .map(|index| link(&format!("r{:04}", index - 1), &format!("r{index:04}"), &[]))
            .collect();
        let (_, diagnoses) = explain(chain, &links);
        assert_eq!((diagnoses.len(), diagnoses[0].effects.len()), (1, 2_999));

        let dense: Vec<Finding> = (0..400)
            .map(|index| {
                finding(&format!("r{}", index % 20), "node", Error)
                    .about(node_name(&index.to_string()))
            })
            .collect();
        let (_, diagnoses) = explain(dense, &[link("node/*", "node/*", &[])]);
        assert_eq!(diagnoses.len(), 1);
        assert_eq!(diagnoses[0].cycle.len(), 400);
    }
}
