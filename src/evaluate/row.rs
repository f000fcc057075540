//! Runs a plan: rows grow, multiply and fall, binding by binding, depth first.

use crate::graph::ObjectId;

use super::plan::{Plan, Source, Step, Test};
use super::program::{Context, Frame, Program};
use super::value::Value;

/// How many elements a rule may look at. A rule that joins everything with everything ends here
/// instead of hanging; the largest honest rule over a 100 node bundle needs some ten thousand.
pub(super) const STEP_BUDGET: u64 = 1_000_000;

/// Runs a plan and hands over each row that is left. Returns false if the budget ran out.
pub(super) fn run<'g>(
    plan: &'g Plan,
    context: &Context<'g>,
    emit: &mut dyn FnMut(&mut Frame<'g>),
) -> bool {
    let mut runner = Runner {
        plan,
        context,
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

struct Runner<'p, 'g> {
    plan: &'g Plan,
    context: &'p Context<'g>,
    steps: u64,
}

impl<'g> Runner<'_, 'g> {
    fn descend(&mut self, at: usize, frame: &mut Frame<'g>, emit: &mut dyn FnMut(&mut Frame<'g>)) {
        let Some(step) = self.plan.steps.get(at) else {
            emit(frame);
            return;
        };
        match step {
            Step::When(condition) => {
                if condition.run(self.context, frame).is_true() {
                    self.descend(at + 1, frame, emit);
                }
            }
            Step::Let { slot, index } => {
                set(frame, *slot, Value::Pending(*index));
                self.descend(at + 1, frame, emit);
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
                let found = self.first(source, *slot, condition.as_ref(), frame);
                set(frame, *slot, found.unwrap_or(Value::Absent));
                self.descend(at + 1, frame, emit);
            }
            Step::None {
                slot,
                source,
                condition,
            } => {
                if self
                    .first(source, *slot, condition.as_ref(), frame)
                    .is_none()
                {
                    self.descend(at + 1, frame, emit);
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
                    if !self.spend() {
                        return;
                    }
                    set(frame, *element, candidate.clone());
                    if passes(condition.as_ref(), self.context, frame) {
                        kept.push(candidate);
                    }
                }
                if kept.len() >= *min {
                    set(frame, *slot, Value::list(kept));
                    self.descend(at + 1, frame, emit);
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
        if !self.spend() {
            return;
        }
        set(frame, slot, element);
        if passes(condition, self.context, frame) {
            self.descend(at + 1, frame, emit);
        }
    }

    fn first(
        &mut self,
        source: &Source,
        slot: usize,
        condition: Option<&Program>,
        frame: &mut Frame<'g>,
    ) -> Option<Value<'g>> {
        for (_, candidate) in elements(source, self.context, frame) {
            if !self.spend() {
                return None;
            }
            set(frame, slot, candidate.clone());
            if passes(condition, self.context, frame) {
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

    fn spend(&mut self) -> bool {
        self.steps += 1;
        self.steps <= STEP_BUDGET
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
