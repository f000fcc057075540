//! Runs a plan: rows grow, multiply and fall, binding by binding, depth first.

use std::borrow::Cow;

use crate::graph::{AHEAD, Key, ObjectId, Wanted};

use super::doubt::{self, Doubt, Gap, Narrowing, Place, Verdict};
use super::plan::{Plan, Probe, Source, Step, Test};
use super::program::{Context, Frame, KindRef, Program};
use super::value::Value;

/// How many elements a rule may look at. A rule that joins everything with everything ends here
/// instead of hanging; the largest honest rule over a 100 node bundle needs some ten thousand.
pub(super) const STEP_BUDGET: u64 = 1_000_000;

/// Is told what a running rule does. Whoever watches nothing costs nothing: its methods are empty
/// and vanish where the runner is compiled for it.
pub(super) trait Watch<'g> {
    /// Whether it wants to be shown what an index made unnecessary to look at.
    const SEES_ALL: bool = false;
    /// A row comes to a step.
    fn enter(&mut self, _at: usize) {}
    /// The step looks at an element.
    fn look(&mut self, _at: usize) {}
    /// The element, which is in its slot, fits.
    fn fit(&mut self, _at: usize, _context: &Context<'g>, _frame: &mut Frame<'g>) {}
    /// The element, which is in its slot, does not fit; or the row, where the step judges rows.
    fn reject(&mut self, _at: usize, _context: &Context<'g>, _frame: &mut Frame<'g>) {}
    /// Nobody can say whether the element, or the row, fits.
    fn doubt(&mut self, _at: usize) {}
    /// A row goes on from a step.
    fn leave(&mut self, _at: usize) {}
    /// The budget ran out.
    fn stop(&mut self, _at: usize) {}
}

/// Watches nothing.
pub(super) struct Nobody;

impl Watch<'_> for Nobody {}

/// So few objects are sooner looked through than an index of them is built.
const FEW: usize = 16;

/// Runs a plan and hands over each row that is left. Returns false if the budget ran out.
pub(super) fn run<'g>(
    plan: &'g Plan,
    context: &Context<'g>,
    watch: &mut impl Watch<'g>,
    emit: &mut dyn FnMut(&mut Frame<'g>),
) -> bool {
    let mut runner = Runner {
        plan,
        context,
        watch,
        steps: 0,
    };
    let mut frame = vec![Value::Absent; plan.slots];
    runner.descend(0, &mut frame, emit);
    runner.steps <= STEP_BUDGET
}

/// Whether an exception holds for a row.
pub(super) fn holds<'g>(test: &'g Test, context: &Context<'g>, frame: &mut Frame<'g>) -> Verdict {
    let (slot, source, condition) = match test {
        Test::When(condition) => return doubt::decide(condition, context, frame),
        Test::Some {
            slot,
            source,
            condition,
        }
        | Test::None {
            slot,
            source,
            condition,
            ..
        } => (*slot, source, condition.as_ref()),
    };
    let (elements, mut doubt) = elements(source, context, frame);
    let mut some = false;
    for element in elements {
        set(frame, slot, element);
        match passes(condition, context, frame) {
            Verdict::Holds => {
                some = true;
                break;
            }
            Verdict::Doubtful(by, _) => doubt = Some(by),
            Verdict::Fails => {}
        }
    }
    match (test, some) {
        (Test::None { .. }, true) => Verdict::Fails,
        (Test::None { narrowing, .. }, false) => {
            let lack = || lack(source, narrowing.as_ref(), context, frame);
            doubt
                .or_else(lack)
                .map_or(Verdict::Holds, |doubt| Verdict::Doubtful(doubt, true))
        }
        (_, true) => Verdict::Holds,
        (_, false) => doubt.map_or(Verdict::Fails, |doubt| Verdict::Doubtful(doubt, false)),
    }
}

struct Runner<'p, 'g, W> {
    plan: &'g Plan,
    context: &'p Context<'g>,
    watch: &'p mut W,
    steps: u64,
}

impl<'g, W: Watch<'g>> Runner<'_, 'g, W> {
    fn descend(&mut self, at: usize, frame: &mut Frame<'g>, emit: &mut dyn FnMut(&mut Frame<'g>)) {
        let Some(step) = self.plan.steps.get(at) else {
            emit(frame);
            return;
        };
        self.watch.enter(at);
        match step {
            Step::When(condition) => match doubt::decide(condition, self.context, frame) {
                Verdict::Holds => self.go_on(at, frame, emit),
                Verdict::Fails => self.watch.reject(at, self.context, frame),
                Verdict::Doubtful(doubt, _) => self.undecided(at, doubt),
            },
            Step::Let { slot, index } => {
                self.context.doubts.put(*slot, None);
                set(frame, *slot, Value::Pending(*index));
                self.go_on(at, frame, emit);
            }
            Step::Each {
                key,
                slot,
                source,
                condition,
            } => {
                // Straight over the ids of a kind: most rules begin so, and most of their rows end here.
                if let (Source::Kind(kind, probe), None) = (source, key) {
                    for some in objects(kind, probe.as_ref(), self.context, frame).chunks(AHEAD) {
                        self.read_ahead(at, some.iter().copied());
                        for &id in some {
                            let element = Value::Object(id);
                            self.each(at, *slot, element, condition.as_ref(), frame, emit);
                        }
                    }
                    self.show_others(at, source, *slot, frame);
                    return;
                }
                let Some(key) = key else {
                    let (elements, doubt) = elements(source, self.context, frame);
                    if let Some(doubt) = doubt {
                        self.undecided(at, doubt);
                    }
                    for some in elements.chunks(AHEAD) {
                        self.read_ahead(at, some.iter().filter_map(Value::object));
                        for element in some {
                            let element = element.clone();
                            self.each(at, *slot, element, condition.as_ref(), frame, emit);
                        }
                    }
                    return;
                };
                let (entries, doubt) = entries(source, self.context, frame);
                if let Some(doubt) = doubt {
                    self.undecided(at, doubt);
                }
                for (index, element) in entries {
                    set(frame, *key, index);
                    self.each(at, *slot, element, condition.as_ref(), frame, emit);
                }
            }
            Step::Optional {
                slot,
                source,
                condition,
                narrowing,
            } => {
                let (found, doubt) = self.first(at, source, *slot, condition.as_ref(), frame);
                if found.is_none() {
                    self.show_others(at, source, *slot, frame);
                }
                let doubt = match found {
                    Some(_) => doubt,
                    None => doubt.or_else(|| self.lack(source, narrowing.as_ref(), frame)),
                };
                self.context.doubts.put(*slot, doubt);
                set(frame, *slot, found.unwrap_or(Value::Absent));
                self.go_on(at, frame, emit);
            }
            Step::None {
                slot,
                source,
                condition,
                narrowing,
            } => {
                let (found, doubt) = self.first(at, source, *slot, condition.as_ref(), frame);
                if found.is_none() || doubt.is_some() {
                    match doubt.or_else(|| self.lack(source, narrowing.as_ref(), frame)) {
                        Some(doubt) => self.undecided(at, doubt),
                        None => self.go_on(at, frame, emit),
                    }
                }
            }
            Step::Collect {
                slot,
                element,
                source,
                condition,
                narrowing,
                min,
            } => {
                let mut kept = Vec::new();
                let mut certain = 0;
                let (elements, mut doubt) = elements(source, self.context, frame);
                for (number, candidate) in elements.iter().enumerate() {
                    if number % AHEAD == 0 {
                        let some = elements.iter().skip(number).take(AHEAD);
                        self.read_ahead(at, some.filter_map(Value::object));
                    }
                    if !self.spend(at) {
                        return;
                    }
                    set(frame, *element, candidate.clone());
                    match self.passes(at, condition.as_ref(), frame) {
                        Verdict::Holds => {
                            certain += 1;
                            kept.push(candidate.clone());
                        }
                        Verdict::Fails => {}
                        Verdict::Doubtful(by, holds) => {
                            doubt = Some(Doubt::wrong(by.gap));
                            kept.extend(holds.then(|| candidate.clone()));
                        }
                    }
                }
                if kept.len() < *min {
                    self.show_others(at, source, *element, frame);
                }
                // Who counts few, or none, may have counted what was collected only.
                if kept.is_empty() || certain < *min {
                    doubt = doubt.or_else(|| self.lack(source, narrowing.as_ref(), frame));
                }
                if certain >= *min {
                    self.context.doubts.put(*slot, doubt);
                    set(frame, *slot, Value::list(kept));
                    self.go_on(at, frame, emit);
                } else if let Some(doubt) = doubt {
                    self.undecided(at, doubt);
                }
            }
        }
    }

    fn each(
        &mut self,
        at: usize,
        slot: usize,
        element: Value<'g>,
        condition: Option<&'g Program>,
        frame: &mut Frame<'g>,
        emit: &mut dyn FnMut(&mut Frame<'g>),
    ) {
        if !self.spend(at) {
            return;
        }
        set(frame, slot, element);
        match self.passes(at, condition, frame) {
            Verdict::Holds => self.go_on(at, frame, emit),
            Verdict::Fails => {}
            Verdict::Doubtful(doubt, _) => self.context.doubts.note(doubt),
        }
    }

    /// Reads the elements ahead that a step is about to try.
    fn read_ahead(&self, at: usize, elements: impl IntoIterator<Item = ObjectId>) {
        if self.plan.reads_status.get(at) == Some(&true) {
            self.context.graph.read_ahead(elements);
        }
    }

    /// Nobody can say whether the row goes on, so it does not.
    fn undecided(&mut self, at: usize, doubt: Doubt) {
        self.watch.doubt(at);
        self.context.doubts.note(doubt);
    }

    fn lack(
        &self,
        source: &'g Source,
        narrowing: Option<&'g Narrowing>,
        frame: &mut Frame<'g>,
    ) -> Option<Doubt> {
        lack(source, narrowing, self.context, frame)
    }

    fn go_on(&mut self, at: usize, frame: &mut Frame<'g>, emit: &mut dyn FnMut(&mut Frame<'g>)) {
        self.watch.leave(at);
        self.descend(at + 1, frame, emit);
    }

    /// Whether the element in its slot fits.
    fn passes(
        &mut self,
        at: usize,
        condition: Option<&'g Program>,
        frame: &mut Frame<'g>,
    ) -> Verdict {
        let verdict = passes(condition, self.context, frame);
        match verdict {
            Verdict::Holds => self.watch.fit(at, self.context, frame),
            Verdict::Fails => self.watch.reject(at, self.context, frame),
            Verdict::Doubtful(..) => self.watch.doubt(at),
        }
        verdict
    }

    /// The first element that fits for certain; else the first that fits by what was collected, and
    /// what keeps one from being certain.
    fn first(
        &mut self,
        at: usize,
        source: &'g Source,
        slot: usize,
        condition: Option<&'g Program>,
        frame: &mut Frame<'g>,
    ) -> (Option<Value<'g>>, Option<Doubt>) {
        let (elements, mut doubt) = elements(source, self.context, frame);
        let mut first = None;
        for candidate in elements {
            if !self.spend(at) {
                return (None, doubt);
            }
            set(frame, slot, candidate.clone());
            match self.passes(at, condition, frame) {
                Verdict::Holds => return (Some(candidate), None),
                Verdict::Fails => {}
                Verdict::Doubtful(by, holds) => {
                    doubt = Some(Doubt::wrong(by.gap));
                    first = first.or(holds.then_some(candidate));
                }
            }
        }
        (first, doubt)
    }

    /// Shows a watcher the objects that an index ruled out: one of them may have come nearest.
    fn show_others(&mut self, at: usize, source: &'g Source, slot: usize, frame: &mut Frame<'g>) {
        let Source::Kind(kind, Some(probe)) = source else {
            return;
        };
        if !W::SEES_ALL {
            return;
        }
        let tried = objects(kind, Some(probe), self.context, frame);
        for &id in &*objects(kind, None, self.context, frame) {
            if !tried.contains(&id) {
                set(frame, slot, Value::Object(id));
                self.watch.reject(at, self.context, frame);
            }
        }
    }

    /// Counts one more element; false where the budget has run out.
    fn spend(&mut self, at: usize) -> bool {
        self.steps += 1;
        if self.steps > STEP_BUDGET {
            self.watch.stop(at);
            return false;
        }
        self.watch.look(at);
        true
    }
}

fn passes<'g>(
    condition: Option<&'g Program>,
    context: &Context<'g>,
    frame: &mut Frame<'g>,
) -> Verdict {
    match condition {
        None => Verdict::Holds,
        Some(condition) => doubt::decide(condition, context, frame),
    }
}

/// What may be missing where a source gave no element, or none that fits.
fn lack<'g>(
    source: &'g Source,
    narrowing: Option<&'g Narrowing>,
    context: &Context<'g>,
    frame: &mut Frame<'g>,
) -> Option<Doubt> {
    let place = match source {
        Source::Value(_) => return None,
        Source::Object {
            namespace: Some(namespace),
            ..
        } => Place::Namespace(namespace.clone()),
        _ => narrowing.map_or(Place::Everywhere, |it| it.place(context, frame)),
    };
    match source {
        Source::Kind(kind, _) | Source::Object { kind, .. } => match kind.id(context.graph) {
            Some(kind) => {
                doubt::may_lack(context, kind, &place).then_some(Doubt::lack(Gap::Kind(kind)))
            }
            None => Some(Doubt::lack(Gap::UnknownKind)),
        },
        Source::Records { matcher, sources } => doubt::may_lack_logs(context, sources, &place)
            .then_some(Doubt::lack(Gap::Logs(*matcher))),
        Source::Value(_) => None,
    }
}

fn set<'g>(frame: &mut Frame<'g>, slot: usize, value: Value<'g>) {
    if let Some(held) = frame.get_mut(slot) {
        *held = value;
    }
}

/// The objects of a kind; where a probe tells which of them may fit, only these.
fn objects<'g>(
    kind: &KindRef,
    probe: Option<&'g Probe>,
    context: &Context<'g>,
    frame: &mut Frame<'g>,
) -> Cow<'g, [ObjectId]> {
    let Some(kind) = kind.id(context.graph) else {
        return Cow::Borrowed(&[]);
    };
    let all = Cow::Borrowed(context.graph.ids(kind));
    let Some(probe) = probe.filter(|_| all.len() > FEW) else {
        return all;
    };
    let before = context.doubts.raised();
    context.doubts.restore(None);
    let value = probe.value.run(context, frame);
    let certain = context.doubts.raised().is_none();
    context.doubts.restore(before);
    let wanted = match &value {
        Value::Text(text) => Wanted::Text(text.as_str()),
        Value::Object(id) => Wanted::Object(*id),
        _ => return all,
    };
    // A text may be a time's or a version's, and an object equals more than its name.
    let fits = matches!(
        (&probe.key, wanted),
        (Key::Field(_), Wanted::Text(_)) | (Key::Relation(_), Wanted::Object(_))
    );
    if !certain || !fits {
        return all;
    }
    context.graph.with_key(kind, &probe.key, wanted)
}

/// Elements of a source: of a map its values. With them, the doubt on whether these are all.
fn elements<'g>(
    source: &'g Source,
    context: &Context<'g>,
    frame: &mut Frame<'g>,
) -> (Vec<Value<'g>>, Option<Doubt>) {
    let found = match source {
        Source::Kind(kind, probe) => objects(kind, probe.as_ref(), context, frame)
            .iter()
            .map(|&id| Value::Object(id))
            .collect(),
        Source::Object {
            kind,
            namespace,
            name,
        } => {
            let kind = kind.id(context.graph);
            let found = kind.and_then(|it| context.graph.find(it, namespace.as_deref(), name));
            found.into_iter().map(Value::Object).collect()
        }
        Source::Records { matcher, .. } => {
            let records = context.hits.records(*matcher);
            records.iter().map(Value::Record).collect()
        }
        Source::Value(program) => {
            let (value, doubt) = certainty_of(program, context, frame);
            return (value.into_values(), doubt);
        }
    };
    (found, None)
}

/// Elements of a source with their keys: of anything but a map there are none to tell.
fn entries<'g>(
    source: &'g Source,
    context: &Context<'g>,
    frame: &mut Frame<'g>,
) -> (Vec<(Value<'g>, Value<'g>)>, Option<Doubt>) {
    if let Source::Value(program) = source {
        let (value, doubt) = certainty_of(program, context, frame);
        if value.is_map() {
            return (value.entries(), doubt);
        }
    }
    let (elements, doubt) = elements(source, context, frame);
    let keyless = elements.into_iter().map(|it| (Value::Absent, it));
    (keyless.collect(), doubt)
}

fn certainty_of<'g>(
    program: &'g Program,
    context: &Context<'g>,
    frame: &mut Frame<'g>,
) -> (Value<'g>, Option<Doubt>) {
    context.doubts.restore(None);
    let value = program.run(context, frame);
    let doubt = context.doubts.raised();
    context.doubts.restore(None);
    (value, doubt)
}
