//! Runs a plan: rows grow, multiply and fall, binding by binding, depth first.

use crate::graph::ObjectId;

use super::plan::{Plan, Source, Step, Test};
use super::program::{Context, Frame, Program};
use super::value::Value;

/// How many elements a rule may look at. A rule that joins everything with everything ends here
/// instead of hanging; the largest honest rule over a 100 node bundle needs some ten thousand.
pub(super) const STEP_BUDGET: u64 = 1_000_000;

/// Is told what a running rule does. Whoever watches nothing costs nothing: its methods are empty
/// and vanish where the runner is compiled for it.
pub(super) trait Watch {
    /// A row comes to a step.
    fn enter(&mut self, _at: usize) {}
    /// The step looks at an element.
    fn look(&mut self, _at: usize) {}
    /// The element, which is in its slot, fits.
    fn fit<'g>(&mut self, _at: usize, _context: &Context<'g>, _frame: &mut Frame<'g>) {}
    /// The element, which is in its slot, does not fit; or the row, where the step judges rows.
    fn reject<'g>(&mut self, _at: usize, _context: &Context<'g>, _frame: &mut Frame<'g>) {}
    /// A row goes on from a step.
    fn leave(&mut self, _at: usize) {}
    /// The budget ran out.
    fn stop(&mut self, _at: usize) {}
}

/// Watches nothing.
pub(super) struct Nobody;

impl Watch for Nobody {}

/// Runs a plan and hands over each row that is left. Returns false if the budget ran out.
pub(super) fn run<'g>(
    plan: &'g Plan,
    context: &Context<'g>,
    watch: &mut impl Watch,
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
pub(super) fn holds<'g>(test: &'g Test, context: &Context<'g>, frame: &mut Frame<'g>) -> bool {
    let any =
        |slot: usize, source: &'g Source, condition: Option<&Program>, frame: &mut Frame<'g>| {
            elements(source, context, frame)
                .into_iter()
                .any(|(_, element)| {
                    set(frame, slot, element);
                    passes(condition, context, frame)
                })
        };
    match test {
        Test::When(condition) => condition.run(context, frame).is_true(),
        Test::Some {
            slot,
            source,
            condition,
        } => any(*slot, source, condition.as_ref(), frame),
        Test::None {
            slot,
            source,
            condition,
        } => !any(*slot, source, condition.as_ref(), frame),
    }
}

struct Runner<'p, 'g, W> {
    plan: &'g Plan,
    context: &'p Context<'g>,
    watch: &'p mut W,
    steps: u64,
}

impl<'g, W: Watch> Runner<'_, 'g, W> {
    fn descend(&mut self, at: usize, frame: &mut Frame<'g>, emit: &mut dyn FnMut(&mut Frame<'g>)) {
        let Some(step) = self.plan.steps.get(at) else {
            emit(frame);
            return;
        };
        self.watch.enter(at);
        match step {
            Step::When(condition) => {
                if condition.run(self.context, frame).is_true() {
                    self.go_on(at, frame, emit);
                } else {
                    self.watch.reject(at, self.context, frame);
                }
            }
            Step::Let { slot, index } => {
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
                if let (Source::Kind(kind), None) = (source, key) {
                    for &id in self.objects(kind) {
                        self.each(
                            at,
                            *slot,
                            Value::Object(id),
                            condition.as_ref(),
                            frame,
                            emit,
                        );
                    }
                    return;
                }
                for (index, element) in elements(source, self.context, frame) {
                    if let Some(key) = key {
                        set(frame, *key, index);
                    }
                    self.each(at, *slot, element, condition.as_ref(), frame, emit);
                }
            }
            Step::Optional {
                slot,
                source,
                condition,
            } => {
                let found = self.first(at, source, *slot, condition.as_ref(), frame);
                set(frame, *slot, found.unwrap_or(Value::Absent));
                self.go_on(at, frame, emit);
            }
            Step::None {
                slot,
                source,
                condition,
            } => {
                if self
                    .first(at, source, *slot, condition.as_ref(), frame)
                    .is_none()
                {
                    self.go_on(at, frame, emit);
                }
            }
            Step::Collect {
                slot,
                element,
                source,
                condition,
                min,
            } => {
                let mut kept = Vec::new();
                for (_, candidate) in elements(source, self.context, frame) {
                    if !self.spend(at) {
                        return;
                    }
                    set(frame, *element, candidate.clone());
                    if self.passes(at, condition.as_ref(), frame) {
                        kept.push(candidate);
                    }
                }
                if kept.len() >= *min {
                    set(frame, *slot, Value::list(kept));
                    self.go_on(at, frame, emit);
                }
            }
        }
    }

    fn each(
        &mut self,
        at: usize,
        slot: usize,
        element: Value<'g>,
        condition: Option<&Program>,
        frame: &mut Frame<'g>,
        emit: &mut dyn FnMut(&mut Frame<'g>),
    ) {
        if !self.spend(at) {
            return;
        }
        set(frame, slot, element);
        if self.passes(at, condition, frame) {
            self.go_on(at, frame, emit);
        }
    }

    fn go_on(&mut self, at: usize, frame: &mut Frame<'g>, emit: &mut dyn FnMut(&mut Frame<'g>)) {
        self.watch.leave(at);
        self.descend(at + 1, frame, emit);
    }

    /// Whether the element in its slot fits.
    fn passes(&mut self, at: usize, condition: Option<&Program>, frame: &mut Frame<'g>) -> bool {
        let fits = passes(condition, self.context, frame);
        if fits {
            self.watch.fit(at, self.context, frame);
        } else {
            self.watch.reject(at, self.context, frame);
        }
        fits
    }

    fn first(
        &mut self,
        at: usize,
        source: &Source,
        slot: usize,
        condition: Option<&Program>,
        frame: &mut Frame<'g>,
    ) -> Option<Value<'g>> {
        for (_, candidate) in elements(source, self.context, frame) {
            if !self.spend(at) {
                return None;
            }
            set(frame, slot, candidate.clone());
            if self.passes(at, condition, frame) {
                return Some(candidate);
            }
        }
        None
    }

    fn objects(&self, kind: &super::program::KindRef) -> &'g [ObjectId] {
        match kind.id(self.context.graph) {
            Some(kind) => self.context.graph.ids(kind),
            None => &[],
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

fn passes<'g>(condition: Option<&Program>, context: &Context<'g>, frame: &mut Frame<'g>) -> bool {
    condition.is_none_or(|condition| condition.run(context, frame).is_true())
}

fn set<'g>(frame: &mut Frame<'g>, slot: usize, value: Value<'g>) {
    if let Some(held) = frame.get_mut(slot) {
        *held = value;
    }
}

/// Elements of a source with their key: the key of a map, else nothing that anyone asks for.
fn elements<'g>(
    source: &Source,
    context: &Context<'g>,
    frame: &mut Frame<'g>,
) -> Vec<(Value<'g>, Value<'g>)> {
    let keyless = |values: Vec<Value<'g>>| -> Vec<(Value<'g>, Value<'g>)> {
        values
            .into_iter()
            .map(|value| (Value::Absent, value))
            .collect()
    };
    match source {
        Source::Kind(kind) => match kind.id(context.graph) {
            Some(kind) => keyless(
                context
                    .graph
                    .ids(kind)
                    .iter()
                    .map(|&id| Value::Object(id))
                    .collect(),
            ),
            None => Vec::new(),
        },
        Source::Object {
            kind,
            namespace,
            name,
        } => {
            let found = kind
                .id(context.graph)
                .and_then(|kind| context.graph.find(kind, namespace.as_deref(), name));
            keyless(found.into_iter().map(Value::Object).collect())
        }
        Source::Records(matcher) => keyless(
            context
                .hits
                .records(*matcher)
                .iter()
                .map(Value::Record)
                .collect(),
        ),
        Source::Value(program) => {
            let value = program.run(context, frame);
            if value.is_map() {
                value.entries()
            } else {
                keyless(value.elements())
            }
        }
    }
}
