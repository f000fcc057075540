//! What must hold of any findings and links, tried on generated ones.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::diagnosis::sample::{ago, finding};
use crate::finding::Export;
use crate::testing::Random;

const RULES: usize = 8;
const SPANS: [&str; 6] = ["1h", "1h 30s", "2h", "1d", "8d", "9d"];

/// A few findings of a few rules about a few nodes, and links between these rules.
fn generated(random: &mut Random) -> (Vec<Finding>, Vec<Link>) {
    let confidences = [
        Confidence::Possible,
        Confidence::Likely,
        Confidence::Certain,
    ];
    let severities = [
        Severity::Info,
        Severity::Warning,
        Severity::Error,
        Severity::Critical,
    ];
    let mut findings = Vec::new();
    for number in 0..random.below(14) {
        let rule = random.below(RULES);
        let category = ["node", "storage"][rule % 2];
        let mut one = finding(&format!("r{rule}"), category, *random.choose(&severities))
            .on_node(["n1", "n2"][random.below(2)])
            .sure(*random.choose(&confidences))
            .titled(&format!("finding {number}"));
        if random.below(3) > 0 {
            one = one.since(ago(SPANS[random.below(SPANS.len())]));
        }
        if random.below(4) == 0 {
            let last = one.first_seen.max(ago(SPANS[random.below(SPANS.len())]));
            one = one.over(last);
        }
        if random.below(2) == 0 {
            let devices = ["sda", "sdb", "sdc"].map(str::to_owned);
            let devices = devices.into_iter().filter(|_| random.below(2) == 0);
            one = one.exporting("devices", Export::Texts(devices.collect()));
        }
        if random.below(10) == 0 {
            one = one.suppressed_by("so it should be");
        }
        findings.push(one);
    }
    let end = |random: &mut Random| match random.below(12) {
        0 => "node/*".to_owned(),
        _ => format!("r{}", random.below(RULES)),
    };
    let links = (0..random.below(20)).map(|number| Link {
        cause_rule: end(random),
        effect_rule: end(random),
        same: [&["node"][..], &["node", "devices"], &[]][random.below(3)]
            .iter()
            .map(|&it| it.to_owned())
            .collect(),
        order: [Order::Any, Order::CauseFirst][random.below(2)],
        strength: *random.choose(&confidences),
        note: (random.below(2) == 0).then(|| format!("note {number}")),
    });
    let links = links.collect();
    (findings, links)
}

fn shuffled<T: Clone>(list: &[T], random: &mut Random) -> Vec<T> {
    let mut rest = list.to_vec();
    let mut shuffled = Vec::new();
    while !rest.is_empty() {
        shuffled.push(rest.swap_remove(random.below(rest.len())));
    }
    shuffled
}

fn check(findings: &[Finding], links: &[Link]) {
    let (named, diagnoses) = explain(findings.to_vec(), links);

    // None is lost or changed, none is there twice.
    let titles = |findings: &[Finding]| {
        let mut titles: Vec<String> = findings.iter().map(|it| it.title.clone()).collect();
        titles.sort();
        titles
    };
    assert_eq!(titles(findings), titles(&named));
    let by_id: BTreeMap<&str, &Finding> = named.iter().map(|it| (&*it.id, it)).collect();
    assert_eq!(by_id.len(), named.len());

    // Each stands in one diagnosis, in the order of ids; suppressed ones in none.
    let told = diagnoses
        .iter()
        .flat_map(|it| std::iter::once(&it.cause.finding).chain(&it.effects));
    let counted = named.iter().filter(|it| it.suppressed.is_none());
    let counted: Vec<&String> = counted.map(|it| &it.id).collect();
    assert_eq!(told.collect::<Vec<_>>(), counted);

    let places: BTreeMap<&str, usize> = named.iter().map(|it| &*it.id).zip(0..).collect();
    for (diagnosis, rank) in diagnoses.iter().zip(1..) {
        assert_eq!(diagnosis.rank, rank);
        let head = &diagnosis.cause.finding;
        let circle: BTreeSet<&String> = diagnosis.cycle.iter().collect();
        // What explains a cause stands in its circle.
        let causes = &by_id[&**head].caused_by;
        assert!(causes.iter().all(|it| circle.contains(it)), "{diagnosis:?}");
        assert!(causes.is_empty() || circle.contains(head));
        for effect in &diagnosis.effects {
            // Each effect is led to from within the diagnosis, and unless both are in a circle
            // stands behind all of the diagnosis that lead to it.
            let into = diagnosis.edges.iter().filter(|it| it.to == *effect);
            let into: Vec<&String> = into.map(|it| &it.from).collect();
            assert!(!into.is_empty(), "{effect} of {diagnosis:?}");
            assert!(
                into.iter()
                    .all(|it| by_id[&**effect].caused_by.contains(it))
            );
            let turned = into
                .iter()
                .filter(|it| places[it.as_str()] > places[effect.as_str()]);
            for cause in turned {
                assert!(circle.contains(cause) && circle.contains(effect));
            }
        }
        let family: Vec<&Finding> = std::iter::once(head)
            .chain(&diagnosis.effects)
            .map(|id| by_id[&**id])
            .collect();
        assert_eq!(diagnosis.history, family.iter().all(|it| it.history));
        let worst = family.iter().map(|it| it.severity).max();
        assert_eq!(Some(diagnosis.severity), worst);
    }
    assert!(diagnoses.is_sorted_by_key(|it| it.history), "history last");

    // Times: no cause that had to come first began later, none that was over explains what began after.
    for effect in &named {
        for cause in effect.caused_by.iter().map(|id| by_id[&**id]) {
            assert!(cause.suppressed.is_none() && effect.suppressed.is_none());
            if let (true, Some(end), Some(began)) =
                (cause.history, cause.last_seen, effect.first_seen)
            {
                assert!(
                    began.duration_since(end) <= AFTERMATH,
                    "{cause:?} {effect:?}"
                );
            }
        }
    }
}

#[test]
fn nothing_is_lost_and_no_effect_stands_above_its_cause() {
    let mut random = Random::seeded(11);
    let mut several = 0;
    let mut circles = 0;
    for _ in 0..4_000 {
        let (findings, links) = generated(&mut random);
        check(&findings, &links);
        let (_, diagnoses) = explain(findings, &links);
        several += usize::from(diagnoses.iter().any(|it| it.effects.len() > 2));
        circles += usize::from(diagnoses.iter().any(|it| !it.cycle.is_empty()));
    }
    // The generator makes what the test is about.
    assert!(several > 500 && circles > 200, "{several} {circles}");
}

#[test]
fn the_order_of_findings_and_links_leaves_no_trace() {
    let mut random = Random::seeded(12);
    for _ in 0..1_000 {
        let (findings, links) = generated(&mut random);
        let expected = explain(findings.clone(), &links);
        for _ in 0..3 {
            let findings = shuffled(&findings, &mut random);
            let links = shuffled(&links, &mut random);
            assert_eq!(explain(findings, &links), expected);
        }
    }
}

/// A family ranks as the best that any of its findings would rank as a cause: to be explained by
/// something slight makes nothing less grave.
#[test]
fn no_family_ranks_below_any_of_its_findings() {
    let mut random = Random::seeded(13);
    let mut lifted = 0;
    for _ in 0..2_000 {
        let (mut findings, links) = generated(&mut random);
        findings.sort_by(by_weight);
        let graph = CauseGraph::build(&findings, &links);
        let families = rank::families(&graph, &findings);
        let best = |family: &Family| {
            let all = family.members.iter();
            all.map(|&member| rank::rank(&graph, &findings, member))
                .fold(0.0, f64::max)
        };
        let is_over = |family: &Family| family.members.iter().all(|&it| findings[it].history);
        for pair in families.windows(2) {
            if is_over(&pair[0]) == is_over(&pair[1]) {
                assert!(best(&pair[0]) > best(&pair[1]) - 1e-6);
            }
        }
        lifted += families
            .iter()
            .filter(|it| best(it) > rank::rank(&graph, &findings, it.head))
            .count();
    }
    assert!(lifted > 300, "{lifted}");
}
