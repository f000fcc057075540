//! Findings and links built by hand, and what becomes of them.

use super::*;
use crate::diagnosis::sample::{ago, finding, node_name, object};
use crate::finding::Severity::{Critical, Error, Info, Warning};
use crate::finding::{Export, ObjectName};

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
    let list = |names: &[&str]| Export::Objects(names.iter().map(|name| volume(name)).collect());
    let text = |text: &str| Export::Text(text.into());
    let texts = |texts: &[&str]| Export::Texts(texts.iter().map(|&text| text.into()).collect());
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
        let diagnoses = outline(vec![cause.clone(), effect.clone()], &[link("a", "b", same)]).len();
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
    let (named, diagnoses) = explain(findings, &below);
    let cycle = diagnoses[0].cycle.iter();
    let cycle = cycle.map(|id| &*named.iter().find(|it| it.id == *id).unwrap().rule);
    assert_eq!(
        cycle.collect::<Vec<_>>(),
        ["b", "c", "a"],
        "named below a cause as well"
    );
}

#[test]
fn ranks_follow_the_formula() {
    let root = |findings: Vec<Finding>, links: &[Link]| -> f64 {
        let mut active = findings;
        active.sort_by(by_weight);
        let graph = CauseGraph::build(&active, links);
        let heads: Vec<usize> = graph.unexplained().map(|circle| circle[0]).collect();
        let [head] = heads[..] else {
            panic!("{heads:?}")
        };
        rank::rank(&graph, &active, head)
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
    let ranked = root(chain, &[likely("a", "b"), likely("b", "c")]);
    assert!((ranked - 4.0 * 0.7 * (1.0 + 5.6 + 0.98)).abs() < 1e-9);
    // Of two paths the stronger counts, once: certain a→c beats likely·likely a→b→c.
    let diamond = vec![
        on("a", Error, "n"),
        on("b", Warning, "n"),
        on("c", Warning, "n"),
    ];
    let ranked = root(
        diamond,
        &[likely("a", "b"), likely("b", "c"), link("a", "c", &[])],
    );
    assert!((ranked - 4.0 * 0.7 * (1.0 + 1.4 + 2.0)).abs() < 1e-9);
}

#[test]
fn a_weak_cause_does_not_pull_a_grave_effect_down() {
    let findings = vec![
        on("grave", Critical, "n1").sure(Confidence::Certain),
        on("other", Error, "n2").sure(Confidence::Certain),
        on("so", Warning, "n2"),
        on("maybe", Info, "n1").sure(Confidence::Possible),
    ];
    let known = [link("other", "so", &["node"])];
    let weak = Link {
        strength: Confidence::Possible,
        ..link("maybe", "grave", &["node"])
    };
    // other: 4 × (1 + 2) = 12 stands before grave: 8.
    assert_eq!(
        outline(findings.clone(), &known),
        ["other@n2 > so@n2", "grave@n1", "maybe@n1"]
    );
    let third = vec![on("third", Critical, "n3")];
    let findings = [findings, third].concat();
    // maybe alone would rank 0.4 × (1 + 3.2) = 1.7, far behind third: 5.6.
    let links = [&known[..], &[weak]].concat();
    assert_eq!(
        outline(findings, &links),
        ["other@n2 > so@n2", "maybe@n1 > grave@n1", "third@n3"]
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
    let remedied = |rule: &str| on(rule, Error, "n1").mended_by(vec![step(rule, None, Risk::Safe)]);
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
        snapshot("a", "save", "kubectl save"),
        snapshot("b", "save first", "kubectl save   # on n1"),
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

/// A reboot cannot be mended, so what it left behind is, down to the first that lasts.
#[test]
fn what_a_moment_left_behind_is_mended_by_itself() {
    let lasting = |rule: &str, severity| {
        on(rule, severity, "n1").mended_by(vec![crate::diagnosis::sample::step(
            rule,
            None,
            crate::finding::Risk::Safe,
        )])
    };
    let moment = |rule: &str| Finding {
        momentary: true,
        ..lasting(rule, Error)
    };
    let links = [
        link("power", "reboot", &[]),
        link("reboot", "layers", &[]),
        link("reboot", "slow", &[]),
        link("layers", "pods", &[]),
    ];
    let steps = |power: Finding| -> Vec<String> {
        let findings = vec![
            power,
            moment("reboot"),
            lasting("layers", Error),
            lasting("slow", Warning),
            lasting("pods", Error),
        ];
        let (_, diagnoses) = explain(findings, &links);
        let steps = diagnoses[0].remedy.iter();
        steps.map(|step| step.text.clone()).collect()
    };
    assert_eq!(steps(moment("power")), ["power", "reboot", "layers"]);
    // What lasts is mended first; what it led to through a moment stays behind.
    assert_eq!(steps(lasting("power", Error)), ["power", "layers"]);
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
            finding(&format!("r{}", index % 20), "node", Error).about(node_name(&index.to_string()))
        })
        .collect();
    let (_, diagnoses) = explain(dense, &[link("node/*", "node/*", &[])]);
    assert_eq!(diagnoses.len(), 1);
    assert_eq!(diagnoses[0].cycle.len(), 400);
}

#[test]
fn what_is_over_explains_nothing_that_came_later() {
    use Confidence::{Certain, Likely};
    for (end, began, order, expected) in [
        (ago("3d"), ago("4d"), Order::Any, Some(Certain)),
        (ago("3d"), ago("2d 23h"), Order::CauseFirst, Some(Certain)),
        (ago("3d"), ago("2d 22h"), Order::Any, None),
        (ago("3d"), ago("2d 22h"), Order::CauseFirst, None),
        (ago("3d"), None, Order::Any, Some(Likely)),
        // When it ended nobody knows; it began five days ago.
        (None, ago("2d"), Order::Any, None),
    ] {
        let findings = vec![
            on("a", Error, "n1").since(ago("5d")).over(end),
            on("b", Error, "n1").since(began),
        ];
        let link = Link {
            order,
            ..link("a", "b", &["node"])
        };
        let (_, diagnoses) = explain(findings, &[link]);
        let found = diagnoses.iter().flat_map(|one| &one.edges).next();
        let found = found.map(|edge| edge.strength);
        assert_eq!(found, expected, "{end:?} {began:?} {order:?}");
    }
}

#[test]
fn history_stands_behind_what_is_present() {
    let findings = vec![
        on("old", Critical, "n1").since(ago("9d")).over(ago("8d")),
        on("then", Critical, "n1").since(ago("9d")).over(ago("8d")),
        on("now", Info, "n1"),
    ];
    let links = [link("old", "then", &[])];
    assert_eq!(
        outline(findings.clone(), &links),
        ["now@n1", "old@n1 > then@n1"]
    );
    let (_, diagnoses) = explain(findings.clone(), &links);
    let history: Vec<bool> = diagnoses.iter().map(|it| it.history).collect();
    assert_eq!(history, [false, true]);

    // Where it left something behind that still stands, it is no history.
    let stands = Finding {
        history: false,
        ..findings[1].clone()
    };
    let findings = vec![findings[0].clone(), stands, findings[2].clone()];
    assert_eq!(
        outline(findings.clone(), &links),
        ["old@n1 > then@n1", "now@n1"]
    );
    assert!(!explain(findings, &links).1[0].history);
}

#[test]
fn a_circle_below_two_causes_stays_whole() {
    let findings = vec![
        on("a", Error, "n1"),
        on("b", Warning, "n1"),
        on("x", Info, "n1"),
        on("y", Info, "n1"),
        on("below", Info, "n1"),
    ];
    let links = [
        link("a", "x", &[]),
        link("b", "y", &[]),
        link("x", "y", &[]),
        Link {
            strength: Confidence::Possible,
            ..link("y", "x", &[])
        },
        link("y", "below", &[]),
    ];
    assert_eq!(
        outline(findings, &links),
        ["a@n1 > x@n1 y@n1 below@n1", "b@n1"]
    );
}

#[test]
fn an_effect_never_stands_above_its_own_cause() {
    // As near to the root as what it follows from, and worse.
    let findings = vec![
        on("root", Error, "n1"),
        on("second", Warning, "n1"),
        on("first", Critical, "n1"),
    ];
    let links = [
        link("root", "first", &[]),
        link("root", "second", &[]),
        link("second", "first", &[]),
    ];
    assert_eq!(outline(findings, &links), ["root@n1 > second@n1 first@n1"]);
}

#[test]
fn what_is_asked_about_comes_before_what_is_no_graver() {
    let pod = || finding("pod", "upgrade", Warning).on_node("n3");
    let firsts = |others: &[Finding], asked: Finding| -> Vec<String> {
        let mut findings = others.to_vec();
        findings.push(asked);
        let links = [link("asked", "asked-effect", &["node"])];
        let (_, diagnoses) = explain_first(findings, &links, |it| it.category == "upgrade");
        let causes = diagnoses.into_iter();
        causes.map(|diagnosis| diagnosis.cause.rule).collect()
    };
    let loud = on("disk", Error, "n1");
    let hold = |severity| finding("hold", "upgrade", severity).on_node("n2");
    let one = std::slice::from_ref(&loud);
    assert_eq!(firsts(one, hold(Error)), ["hold", "disk"]);
    assert_eq!(firsts(one, hold(Warning)), ["disk", "hold"]);
    assert_eq!(firsts(one, hold(Info)), ["disk", "hold"]);
    // Before those of its own weight, behind the graver one.
    let grave = on("etcd", Critical, "n1");
    let others = [grave, loud.clone(), pod()];
    assert_eq!(
        firsts(&others, hold(Error)),
        ["etcd", "hold", "disk", "pod"]
    );
    // What an effect says counts for its cause.
    let cause = on("asked", Warning, "n2");
    let effect = finding("asked-effect", "upgrade", Error).on_node("n2");
    let others = [loud, cause];
    assert_eq!(firsts(&others, effect), ["asked", "disk"]);
    // A fault that is over holds nothing.
    let over = Finding {
        history: true,
        ..hold(Error)
    };
    assert_eq!(firsts(&[on("disk", Error, "n1")], over), ["disk", "hold"]);
}

#[test]
fn what_is_asked_about_brings_its_own_remedy() {
    use crate::diagnosis::sample::step;
    use crate::finding::Risk;
    let upgrade = |rule: &str| finding(rule, "upgrade", Error).on_node("n1");
    let steps = |cause: Finding, holds: &str| -> Vec<String> {
        let remedied = |it: Finding| {
            let own = step(&it.rule, None, Risk::Safe);
            it.mended_by(vec![own])
        };
        let findings = vec![cause, upgrade("wait"), upgrade("queue")];
        let findings = findings.into_iter().map(remedied).collect();
        let links = [
            link("disk", "wait", &["node"]),
            link("wait", "queue", &["node"]),
        ];
        let (_, diagnoses) = explain_first(findings, &links, |it| it.rule == holds);
        let steps = diagnoses[0].remedy.iter();
        steps.map(|step| step.text.clone()).collect()
    };
    assert_eq!(steps(on("disk", Critical, "n1"), "wait"), ["disk", "wait"]);
    assert_eq!(
        steps(on("disk", Critical, "n1"), "queue"),
        ["disk", "queue"]
    );
    assert_eq!(steps(on("disk", Critical, "n1"), "none"), ["disk"]);
    // A cause that is the upgrade's own knows the way out of it.
    assert_eq!(steps(upgrade("disk"), "wait"), ["disk"]);
}
