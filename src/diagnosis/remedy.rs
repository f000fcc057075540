//! Puts the steps of several remedies into one order that is safe to follow, each step once.

use crate::finding::RemedyStep;

/// The steps of one finding's remedy, whose order its rule knows: a step may build on those before it.
#[derive(Debug, Clone)]
pub struct Lane<'a> {
    /// Rank of the diagnosis that asks for them.
    pub rank: u32,
    steps: &'a [RemedyStep],
}

impl<'a> Lane<'a> {
    /// The steps that a diagnosis asks for, if there are any.
    #[must_use]
    pub fn of(rank: u32, steps: &'a [RemedyStep]) -> Option<Lane<'a>> {
        (!steps.is_empty()).then_some(Lane { rank, steps })
    }
}

/// A step, and the ranks of the diagnoses that ask for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The step, with what any of its doubles adds.
    pub step: RemedyStep,
    /// Ranks, ascending.
    pub ranks: Vec<u32>,
}

/// The safest step that any lane has next, again and again: what risks nothing comes first, but never
/// before a step of its own lane that it follows from. Of equally safe ones, first what forbids
/// something while it lasts, then the lane that stands first.
#[must_use]
pub fn merge<'a>(lanes: impl IntoIterator<Item = Lane<'a>>) -> Vec<Merged> {
    let mut lanes: Vec<Lane<'_>> = lanes.into_iter().collect();
    let mut merged: Vec<Merged> = Vec::new();
    loop {
        let heads = lanes.iter().enumerate();
        let heads = heads.filter_map(|(at, lane)| Some((at, lane.steps.first()?)));
        let next =
            heads.min_by_key(|(at, step)| (step.risk, step.forbids_meanwhile.is_none(), *at));
        let Some((at, step)) = next else {
            return merged;
        };
        let Some(lane) = lanes.get_mut(at) else {
            return merged;
        };
        lane.steps = lane.steps.get(1..).unwrap_or_default();
        match merged.iter_mut().find(|known| is_same(&known.step, step)) {
            Some(known) => {
                let Merged { step: kept, ranks } = known;
                kept.risk = kept.risk.max(step.risk);
                kept.check = kept.check.take().or_else(|| step.check.clone());
                forbid_also(
                    &mut kept.forbids_meanwhile,
                    step.forbids_meanwhile.as_deref(),
                );
                if let Err(place) = ranks.binary_search(&lane.rank) {
                    ranks.insert(place, lane.rank);
                }
            }
            None => merged.push(Merged {
                step: step.clone(),
                ranks: vec![lane.rank],
            }),
        }
    }
}

/// What either of two steps forbids, each once.
fn forbid_also(known: &mut Option<String>, more: Option<&str>) {
    match (known.as_mut(), more) {
        (Some(known), Some(more)) if !known.contains(more) => {
            known.push(' ');
            known.push_str(more);
        }
        (None, Some(more)) => *known = Some(more.to_owned()),
        _ => {}
    }
}

/// Whether two steps are one: they have the same command, or none, and the same words. The words may
/// differ where the command is run against the cluster, for it names what it is about; one that is
/// run on a host leaves it to the words to say on which.
#[must_use]
pub fn is_same(a: &RemedyStep, b: &RemedyStep) -> bool {
    let of_cluster = |command: &str| {
        let tool = command.split_whitespace().next().unwrap_or_default();
        matches!(tool, "kubectl" | "helm" | "virtctl")
    };
    let (first, second) = (command(a), command(b));
    first == second && (a.text == b.text || first.is_some_and(of_cluster))
}

/// The command without what follows `#`, a remark to the reader.
fn command(step: &RemedyStep) -> Option<&str> {
    let text = step.command.as_deref()?;
    Some(text.split(" #").next().unwrap_or(text).trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::sample::step;
    use crate::finding::Risk::{self, Destructive, Disruptive, Safe};

    fn texts(merged: &[Merged]) -> Vec<&str> {
        merged.iter().map(|it| it.step.text.as_str()).collect()
    }

    fn lane(rank: u32, steps: &[RemedyStep]) -> Lane<'_> {
        Lane { rank, steps }
    }

    #[test]
    fn a_step_waits_for_those_that_its_rule_puts_before_it() {
        let plain = |text: &str, risk: Risk| step(text, None, risk);
        let first = [
            plain("look", Safe),
            plain("restart", Disruptive),
            plain("then uncordon", Safe),
            plain("else reinstall", Destructive),
        ];
        let second = [plain("copy", Disruptive), plain("compare", Safe)];
        let merged = merge([lane(1, &first), lane(2, &second)]);
        assert_eq!(
            texts(&merged),
            [
                "look",
                "restart",
                "then uncordon",
                "copy",
                "compare",
                "else reinstall"
            ]
        );
        assert_eq!(merge([]), []);
    }

    #[test]
    fn what_forbids_something_goes_before_what_is_as_safe() {
        let guarded = RemedyStep {
            forbids_meanwhile: Some("Do not reboot harv-2.".into()),
            ..step("rebuild", None, Safe)
        };
        let first = [step("look", None, Safe)];
        let second = [guarded];
        let merged = merge([lane(1, &first), lane(2, &second)]);
        assert_eq!(texts(&merged), ["rebuild", "look"]);
    }

    #[test]
    fn doubles_are_one_step_that_has_all_that_either_says() {
        let forbidding = |words: &str, text: &str, command: &str| RemedyStep {
            forbids_meanwhile: Some(words.into()),
            ..step(text, Some(command), Disruptive)
        };
        let first = [RemedyStep {
            check: None,
            risk: Safe,
            ..forbidding("Reboot no server.", "save", "kubectl save")
        }];
        let second = [RemedyStep {
            check: Some("it is listed".into()),
            ..forbidding(
                "Do not restart etcd.",
                "save first",
                "kubectl save   # on n1",
            )
        }];
        let merged = merge([lane(4, &second), lane(2, &first)]);
        let [Merged { step: save, ranks }] = merged.as_slice() else {
            panic!("{merged:?}")
        };
        assert_eq!((save.text.as_str(), save.risk), ("save", Disruptive));
        assert_eq!(save.check.as_deref(), Some("it is listed"));
        let forbidden = save.forbids_meanwhile.as_deref();
        assert_eq!(forbidden, Some("Reboot no server. Do not restart etcd."));
        assert_eq!(ranks, &[2, 4]);

        // The same words over different commands are two steps, and so are words alone.
        let other = [step("save", Some("kubectl save --name x"), Safe)];
        let bare = [step("save", None, Safe)];
        // So is one command on two hosts, of which only the words tell.
        let of = |text: &str| [step(text, Some("sudo dmesg"), Safe)];
        let [here, there] = ["On n1, look.", "On n2, look."].map(of);
        assert_eq!(merge([lane(1, &here), lane(2, &there)]).len(), 2);
        assert_eq!(merge([lane(1, &here), lane(2, &here)]).len(), 1);
        assert_eq!(
            merge([lane(1, &first), lane(1, &other), lane(1, &bare)]).len(),
            3
        );
    }
}
