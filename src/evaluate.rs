//! Applies rules to a bundle: each rule that has its input gives findings, each that lacks it a reason.

mod compiler;
mod doubt;
mod evidence;
mod function;
mod macros;
mod operator;
mod plan;
mod pod;
mod program;
mod requirement;
mod row;
mod row_finding;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod tests_of_cel;
#[cfg(test)]
mod tests_of_doubt;
#[cfg(test)]
mod tests_of_language;
#[cfg(test)]
mod tests_of_rules;
#[cfg(test)]
mod tests_of_traces;
pub mod trace;
mod tracer;
mod value;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use crate::bundle::Bundle;
use crate::diagnosis::facts::NotEvaluated;
use crate::finding::Evidence;
use crate::finding::Finding;
use crate::graph::{Graph, ObjectId};
use crate::ignore::IgnoreList;
use crate::rule::Rule;
use crate::rule::mistake::RuleErrors;
use crate::rule::set::RuleSet;
use crate::scan::{LogRecord, MatcherSpec, Scanner};

use plan::Plan;
use row_finding::Found;
use trace::{End, Trace};
use tracer::Tracer;

/// Where a fact of a derived object is seen in the bundle.
pub(crate) fn origin_evidence(graph: &Graph, object: ObjectId, field: &str) -> Option<Evidence> {
    evidence::of_field(graph, object, field)
}

/// Where an object as a whole is seen in the bundle.
pub(crate) fn object_evidence(graph: &Graph, object: ObjectId) -> Option<Evidence> {
    evidence::of_whole(graph, object)
}

/// A text cut to what a report may show of it.
pub(crate) fn cut(text: &str) -> String {
    evidence::cut(text)
}

/// Rules ready to run, with the scanner that finds all their log lines in one pass.
pub struct Engine {
    rules: Vec<ReadyRule>,
    scanner: Scanner,
    ignored: IgnoreList,
}

struct ReadyRule {
    rule: Arc<Rule>,
    plan: Plan,
    /// Why it fires or not is to be told.
    traced: bool,
}

/// What all rules said of a bundle.
#[derive(Debug, Default)]
pub struct Evaluation {
    /// Findings by rule, in the order of their rows; ids are given by the diagnosis.
    pub findings: Vec<Finding>,
    /// Rules that could not be evaluated, or not everywhere, sorted.
    pub not_evaluated: Vec<NotEvaluated>,
    /// Ids of those among them that were evaluated nowhere.
    pub refused: BTreeSet<String>,
    /// Ids of rules that are about other versions than the bundle's.
    pub outside: BTreeSet<String>,
    /// Of each rule with findings, which of its optional parts applied.
    pub branches: BTreeMap<String, Branches>,
    /// Why the rules that are [traced](Engine::traced) fired or not, in order of their ids.
    pub traces: Vec<Trace>,
}

/// Which optional parts of a rule applied to some finding, by their places in the rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Branches {
    /// Entries of `notes`.
    pub notes: BTreeSet<usize>,
    /// Entries of `escalate`.
    pub escalate: BTreeSet<usize>,
}

impl Engine {
    /// Makes rules ready to run.
    ///
    /// # Errors
    /// Mistakes that show only where names meet values.
    pub fn new(rules: &RuleSet) -> Result<Engine, RuleErrors> {
        let mut specs: Vec<MatcherSpec> = Vec::new();
        let mut firsts = Vec::new();
        let mut mistakes = Vec::new();
        for rule in rules.rules().iter().map(|rule| &**rule) {
            firsts.push(specs.len());
            for matcher in rule.logs.values() {
                match requirement::matcher_spec(rule, matcher) {
                    Ok(spec) => specs.push(spec),
                    Err(errors) => mistakes.extend(errors.into_iter().map(|error| (rule, error))),
                }
            }
        }
        let plans = rules.rules().par_iter().zip(firsts);
        let plans = plans.map(|(rule, first)| (rule, Plan::new(rule, first)));
        let plans: Vec<_> = plans.collect();
        let mut ready = Vec::new();
        for (rule, plan) in plans {
            match plan {
                Ok(plan) => ready.push(ReadyRule {
                    rule: Arc::clone(rule),
                    plan,
                    traced: false,
                }),
                Err(errors) => {
                    mistakes.extend(errors.into_iter().map(|error| (&**rule, error)));
                }
            }
        }
        let found = mistakes
            .into_iter()
            .map(|(rule, error)| (rule, error.span, error.message));
        let errors = RuleErrors::of_rules(found);
        if errors.prevent_running() {
            return Err(errors);
        }
        Ok(Engine {
            rules: ready,
            scanner: Scanner::new(specs),
            ignored: IgnoreList::default(),
        })
    }

    /// The same, with findings that are accepted.
    #[must_use]
    pub fn ignoring(self, ignored: IgnoreList) -> Engine {
        Engine { ignored, ..self }
    }

    /// The same, telling of the rules of these ids or aliases why they fire or not.
    #[must_use]
    pub fn traced(mut self, names: &[String]) -> Engine {
        for ReadyRule { rule, traced, .. } in &mut self.rules {
            *traced = names
                .iter()
                .any(|name| rule.id == *name || rule.aliases.contains(name));
        }
        self
    }

    /// Finds the log lines of all rules.
    pub fn scanner(&self) -> &Scanner {
        &self.scanner
    }

    /// What the patterns of each rule found, whether or not the rule fired: one item for each matcher.
    pub fn hits<'a>(
        &'a self,
        bundle: &'a Bundle,
    ) -> impl Iterator<Item = (&'a Rule, &'a [LogRecord])> {
        self.rules.iter().flat_map(move |ready| {
            let matchers = 0..ready.rule.logs.len();
            let records = matchers.map(|at| bundle.hits.records(ready.plan.first_matcher + at));
            records.map(|records| (&*ready.rule, records))
        })
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there is no rule at all.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Applies all rules, in parallel; the result does not depend on how many threads did it.
    pub fn evaluate(&self, bundle: &Bundle) -> Evaluation {
        let each: Vec<Evaluation> = self
            .rules
            .par_iter()
            .map(|ready| ready.evaluate(bundle, &self.ignored))
            .collect();
        let mut evaluation = Evaluation::default();
        for one in each {
            evaluation.findings.extend(one.findings);
            evaluation.not_evaluated.extend(one.not_evaluated);
            evaluation.refused.extend(one.refused);
            evaluation.outside.extend(one.outside);
            evaluation.branches.extend(one.branches);
            evaluation.traces.extend(one.traces);
        }
        evaluation.not_evaluated.sort();
        evaluation
    }
}

impl ReadyRule {
    fn evaluate(&self, bundle: &Bundle, ignored: &IgnoreList) -> Evaluation {
        let not_run = |end: End| -> Vec<Trace> {
            let trace = || tracer::before_running(&self.rule, &self.plan, bundle);
            let traces = self.traced.then(|| Trace { end, ..trace() });
            traces.into_iter().collect()
        };
        let refused = |reason: String, traces: Vec<Trace>| Evaluation {
            not_evaluated: vec![NotEvaluated {
                rule: self.rule.id.clone(),
                reason,
            }],
            refused: BTreeSet::from([self.rule.id.clone()]),
            traces,
            ..Evaluation::default()
        };
        let versions = match requirement::versions(&self.rule.versions, bundle) {
            requirement::Fit::Outside => {
                return Evaluation {
                    outside: BTreeSet::from([self.rule.id.clone()]),
                    traces: not_run(End::OutsideVersions),
                    ..Evaluation::default()
                };
            }
            fit => fit,
        };
        let missing = match requirement::input(&self.rule, &self.plan, bundle) {
            requirement::Input::Missing(reason) => {
                let traces = not_run(End::NotEvaluated(reason.clone()));
                return refused(reason, traces);
            }
            requirement::Input::MissingFor(reasons) => reasons,
            requirement::Input::Complete => BTreeSet::new(),
        };
        let partly = |found: &Found| {
            let first = self.plan.first_matcher;
            let doubts = found.doubts.iter();
            let reasons = doubts.flat_map(|it| doubt::reasons(*it, &self.rule, first, bundle));
            let reasons: BTreeSet<String> = reasons.chain(missing.iter().cloned()).collect();
            (!reasons.is_empty()).then(|| Vec::from_iter(reasons).join("; "))
        };
        let (found, traces) = if self.traced {
            let mut tracer = Tracer::new(&self.rule, &self.plan);
            let found = row_finding::findings(
                &self.rule,
                &self.plan,
                bundle,
                versions,
                ignored,
                &mut tracer,
            );
            let lowered = versions == requirement::Fit::Lowered;
            let trace = Trace {
                partly: partly(&found),
                ..tracer.trace(bundle, &found, lowered)
            };
            (found, vec![trace])
        } else {
            let watch = &mut row::Nobody;
            let found =
                row_finding::findings(&self.rule, &self.plan, bundle, versions, ignored, watch);
            (found, Vec::new())
        };
        if found.exhausted {
            let reason = format!(
                "stopped after {} steps: its bindings join too much with too much",
                row::STEP_BUDGET
            );
            return refused(reason, traces);
        }
        let missing = partly(&found);
        let mut evaluation = Evaluation {
            findings: found.findings,
            branches: BTreeMap::from([(self.rule.id.clone(), found.branches)]),
            traces,
            ..Evaluation::default()
        };
        if let Some(reason) = missing {
            evaluation.not_evaluated.push(NotEvaluated {
                rule: self.rule.id.clone(),
                reason,
            });
        }
        evaluation
    }
}
