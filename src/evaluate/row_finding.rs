//! Rows become findings: equal keys fold into one, words are filled in, exceptions noted.

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::bundle::Bundle;
use crate::finding::{Confidence, Evidence, Export, Finding, ObjectName, RemedyStep, Suppression};
use crate::graph::Graph;
use crate::ignore::IgnoreList;
use crate::rule::{Rule, Status};

use super::doubt::{self, Doubts, Gap, Verdict};
use super::plan::{Plan, Text, TextPart};
use super::program::{Context, Frame, Program};
use super::requirement::Fit;
use super::row::{self, Watch};
use super::trace::RowsTrace;
use super::value::Value;
use super::{Branches, evidence};

/// Findings of one rule.
pub(super) struct Found {
    pub(super) findings: Vec<Finding>,
    /// The step budget ran out; what was found until then is not the whole truth.
    pub(super) exhausted: bool,
    pub(super) branches: Branches,
    /// What was not collected and kept rows from being decided.
    pub(super) doubts: BTreeSet<Gap>,
    pub(super) fate: Fate,
}

/// What became of the rows.
#[derive(Default)]
pub(super) struct Fate {
    pub(super) rows: RowsTrace,
    /// Rows that an exception excused, by its place, and the reason for the first of them.
    pub(super) excused: BTreeMap<usize, (u64, String)>,
}

/// Most evidences of one finding; rows that fold into it add theirs up to here.
const MOST_EVIDENCE: usize = 60;

pub(super) fn findings<'g>(
    rule: &Rule,
    plan: &'g Plan,
    bundle: &'g Bundle,
    fit: Fit,
    ignored: &IgnoreList,
    watch: &mut impl Watch<'g>,
) -> Found {
    let accepted = |subject: &ObjectName| ignored.suppression(rule, subject, bundle.now);
    let context = Context {
        graph: &bundle.graph,
        hits: &bundle.hits,
        now: bundle.now,
        bundle: LazyCell::new(Box::new(|| bundle_value(bundle))),
        lets: &plan.lets,
        read: Some(bundle),
        doubts: Doubts::default(),
    };
    let mut folded: Vec<Finding> = Vec::new();
    let mut places: BTreeMap<String, Option<usize>> = BTreeMap::new();
    // Those that do not count, and those that do: none of these may take the place of one of those.
    let mut kept = [0_usize; 2];
    let counts =
        |finding: &Finding| finding.suppressed.is_none() && accepted(&finding.subject).is_none();
    let mut omitted = 0;
    let mut branches = Branches::default();
    let mut fate = Fate::default();
    let complete = row::run(plan, &context, watch, &mut |frame| {
        fate.rows.rows += 1;
        let mut row = Row {
            rule,
            plan,
            context: &context,
            frame,
            incomplete: false,
            branches: &mut branches,
            doubtful: false,
            excused: &mut fate.excused,
        };
        let key = row.key();
        match places.get(&key) {
            Some(Some(place)) => {
                fate.rows.folded += 1;
                if let Some(finding) = folded.get_mut(*place) {
                    let counted = counts(finding);
                    row.fold_into(finding, fit);
                    kept[usize::from(counted)] -= 1;
                    kept[usize::from(counts(finding))] += 1;
                }
            }
            Some(None) => fate.rows.over_limit += 1,
            None => {
                let would_count = !row.is_excused() && accepted(&row.subject()).is_none();
                let kept = &mut kept[usize::from(would_count)];
                if *kept >= rule.finding.limit {
                    fate.rows.over_limit += 1;
                    if would_count {
                        omitted += 1;
                        places.insert(key, None);
                    }
                } else if let Some(finding) = row.finding(fit) {
                    *kept += 1;
                    places.insert(key, Some(folded.len()));
                    folded.push(finding);
                } else {
                    // A row that has nothing to show leaves its key to the next one.
                    fate.rows.unshown += 1;
                }
            }
        }
    });
    for finding in &mut folded {
        if finding.suppressed.is_none() {
            finding.suppressed = accepted(&finding.subject);
        }
    }
    let mut counting = folded.iter_mut().rev();
    if let Some(last) = counting.find(|finding| finding.suppressed.is_none()) {
        last.omitted = omitted;
    }
    Found {
        findings: folded,
        exhausted: !complete,
        branches,
        doubts: context.doubts.met(),
        fate,
    }
}

/// The global `bundle`.
fn bundle_value(bundle: &Bundle) -> Value<'_> {
    let mut fields = serde_json::json!({
        "namespaces": bundle.graph.collected().namespaces,
    });
    let about = &bundle.info;
    let parts = [
        ("harvesterVersion", about.harvester_version.clone()),
        ("kubernetesVersion", about.kubernetes_version.clone()),
        ("createdAt", about.collected_at.map(|at| at.to_string())),
    ];
    for (name, value) in parts {
        if let Some(value) = value {
            fields[name] = value.into();
        }
    }
    Value::from_json(&fields)
}

struct Row<'a, 'g> {
    rule: &'a Rule,
    plan: &'g Plan,
    context: &'a Context<'g>,
    frame: &'a mut Frame<'g>,
    /// A value that the words name was unknown.
    incomplete: bool,
    branches: &'a mut Branches,
    /// Nobody can say whether an exception holds.
    doubtful: bool,
    excused: &'a mut BTreeMap<usize, (u64, String)>,
}

impl<'g> Row<'_, 'g> {
    fn graph(&self) -> &'g Graph {
        self.context.graph
    }

    /// Rows with equal keys are one finding.
    fn key(&mut self) -> String {
        if self.plan.key.is_empty() {
            return self.subject().to_string();
        }
        let parts: Vec<String> = self
            .plan
            .key
            .iter()
            .map(|part| {
                part.run(self.context, self.frame)
                    .canonical(self.context.graph)
            })
            .collect();
        parts.join("\u{1f}")
    }

    fn subject(&mut self) -> ObjectName {
        let cluster = || ObjectName {
            kind: "Cluster".to_owned(),
            namespace: None,
            name: "local".to_owned(),
        };
        let Some(program) = &self.plan.subject else {
            return cluster();
        };
        let value = program.run(self.context, self.frame);
        match value.as_subject() {
            Some(subject) => self.graph().name_of(&subject),
            None => cluster(),
        }
    }

    /// The finding of this row, if there is anything to show for it.
    fn finding(&mut self, fit: Fit) -> Option<Finding> {
        let evidence = self.evidence();
        if evidence.is_empty() {
            return None;
        }
        let subject = self.subject();
        let (records, log_first, log_last) = log_times(&evidence, &self.shown_records());
        let since = match &self.plan.since {
            Some(program) => program.run(self.context, self.frame).as_time(),
            None => None,
        };
        let title = self.words(&self.plan.title);
        let message = self.words(&self.plan.message);
        let notes = self.notes();
        let remedy = self.remedy();
        let suppressed = self.suppression();
        let (severity, confidence) = self.weight(fit);
        Some(Finding {
            id: String::new(),
            rule: self.rule.id.clone(),
            category: self.rule.category.name().to_owned(),
            severity,
            confidence,
            status: match self.rule.status {
                Status::Stable | Status::Deprecated => "stable",
                Status::Experimental => "experimental",
            }
            .to_owned(),
            title,
            message,
            notes,
            incomplete: self.incomplete,
            omitted: 0,
            subject,
            exports: self.exports(),
            first_seen: since.or(log_first),
            last_seen: log_last,
            history: self.is_history(),
            momentary: self.rule.finding.momentary,
            count: records.max(1),
            evidence,
            remedy,
            references: self
                .rule
                .references
                .iter()
                .map(|reference| reference.url.clone())
                .collect(),
            caused_by: Vec::new(),
            suppressed,
        })
    }

    /// A finding is excused only if each of its rows is; otherwise those that are excused count for
    /// nothing. It is as bad and as sure as its worst and surest row.
    fn fold_into(&mut self, finding: &mut Finding, fit: Fit) {
        let excused = self.suppression().is_some();
        match (finding.suppressed.is_some(), excused) {
            (true, false) => {
                if let Some(own) = self.finding(fit) {
                    *finding = own;
                }
                return;
            }
            (false, true) => return,
            _ => {}
        }
        let (severity, confidence) = self.weight(fit);
        // A row that still stands keeps the finding from being history.
        finding.history &= self.is_history();
        finding.severity = finding.severity.max(severity);
        finding.confidence = finding.confidence.max(confidence);
        let evidence = self.evidence();
        let (records, first, last) = log_times(&evidence, &self.shown_records());
        if records == 0 && finding.last_seen.is_none() {
            finding.count += 1;
        }
        let mut new = false;
        for one in evidence {
            if finding.evidence.len() < MOST_EVIDENCE && !finding.evidence.contains(&one) {
                new |= one.text.is_some();
                finding.evidence.push(one);
            }
        }
        // A record that several rows share counts once.
        if new {
            finding.count += records;
        }
        finding.first_seen = match (finding.first_seen, first) {
            (Some(known), Some(first)) if self.plan.since.is_none() => Some(known.min(first)),
            (known, first) => known.or(first),
        };
        finding.last_seen = finding.last_seen.max(last);
    }

    fn evidence(&mut self) -> Vec<Evidence> {
        let mut shown: Vec<Evidence> = Vec::new();
        let plan = self.plan;
        for part in &plan.evidence {
            let value = part.value.run(self.context, self.frame);
            let note = part.note.as_ref().map(|note| self.words(note));
            let found = evidence::of_value(
                self.graph(),
                &value,
                &part.fields,
                part.limit,
                note.as_deref(),
            );
            for one in found {
                if !shown.contains(&one) {
                    shown.push(one);
                }
            }
        }
        if plan.evidence.is_empty()
            && let Some(subject) = &plan.subject
        {
            let value = subject.run(self.context, self.frame);
            shown = evidence::of_value(self.graph(), &value, &[], None, None);
        }
        shown
    }

    /// The log records among the evidence, whose counts and times the finding takes.
    fn shown_records(&mut self) -> Vec<&'g crate::scan::LogRecord> {
        let mut records: Vec<&'g crate::scan::LogRecord> = Vec::new();
        let plan = self.plan;
        for part in &plan.evidence {
            for element in part.value.run(self.context, self.frame).elements() {
                if let Value::Record(record) = element
                    && !records.iter().any(|known| std::ptr::eq(*known, record))
                {
                    records.push(record);
                }
            }
        }
        records
    }

    /// Whether a condition that adds to a finding holds, by what was collected.
    fn holds(&mut self, condition: &'g Program) -> bool {
        condition.run(self.context, self.frame).is_true()
    }

    fn notes(&mut self) -> Vec<String> {
        let mut notes = Vec::new();
        let plan = self.plan;
        for (index, (when, text)) in plan.notes.iter().enumerate() {
            if when.as_ref().is_none_or(|when| self.holds(when)) {
                self.branches.notes.insert(index);
                notes.push(self.words(text));
            }
        }
        notes
    }

    fn remedy(&mut self) -> Vec<RemedyStep> {
        let mut steps = Vec::new();
        let plan = self.plan;
        for step in &plan.remedy {
            if !step.when.as_ref().is_none_or(|when| self.holds(when)) {
                continue;
            }
            let mut text = self.words(&step.text);
            if let Some(link) = &step.link {
                text.push_str(&format!(" ({link})"));
            }
            // What comes out empty does not apply in this case.
            let mut words = |text: &'g Option<Text>| {
                let words = text.as_ref().map(|text| self.words(text))?;
                (!words.trim().is_empty()).then_some(words)
            };
            steps.push(RemedyStep {
                text,
                command: words(&step.command),
                risk: step.risk,
                check: words(&step.check),
                forbids_meanwhile: words(&step.forbids_meanwhile),
            });
        }
        steps
    }

    fn exports(&mut self) -> BTreeMap<String, Export> {
        let mut exports = BTreeMap::new();
        let plan = self.plan;
        for (name, program) in &plan.exports {
            let value = program.run(self.context, self.frame);
            if let Some(export) = export(self.graph(), &value) {
                exports.insert(name.to_string(), export);
            }
        }
        exports
    }

    fn is_history(&mut self) -> bool {
        let over = self.plan.history.as_ref();
        over.is_some_and(|over| self.holds(over))
    }

    fn weight(&mut self, fit: Fit) -> (crate::finding::Severity, Confidence) {
        let mut severity = self.rule.severity;
        let mut confidence = self.rule.finding.confidence;
        let plan = self.plan;
        for (index, (when, to, surer)) in plan.escalate.iter().enumerate() {
            let verdict = doubt::decide(when, self.context, self.frame);
            if let Verdict::Holds | Verdict::Doubtful(_, true) = verdict {
                self.branches.escalate.insert(index);
                severity = severity.max(to.unwrap_or(severity));
                // That something was not collected makes nothing surer.
                if verdict == Verdict::Holds {
                    confidence = confidence.max(surer.unwrap_or(confidence));
                }
            }
        }
        // Outside the versions it was reported for, the cause is one reading among others; so it is
        // where an exception may hold by what was not collected.
        if fit == Fit::Lowered || self.doubtful {
            confidence = Confidence::Possible;
        }
        (severity, confidence)
    }

    fn is_excused(&mut self) -> bool {
        let mut tests = self.plan.unless.iter();
        tests.any(|(test, _)| row::holds(test, self.context, self.frame) == Verdict::Holds)
    }

    fn suppression(&mut self) -> Option<Suppression> {
        let plan = self.plan;
        for (at, (test, reason)) in plan.unless.iter().enumerate() {
            let verdict = row::holds(test, self.context, self.frame);
            self.doubtful |= matches!(verdict, Verdict::Doubtful(..));
            if verdict == Verdict::Holds {
                let reason = self.words(reason);
                let excused = self.excused.entry(at);
                excused.or_insert_with(|| (0, reason.clone())).0 += 1;
                return Some(Suppression {
                    by: "unless".to_owned(),
                    reason,
                    until: None,
                });
            }
        }
        None
    }

    /// A template filled in. What is absent shows as unknown and marks the finding incomplete.
    fn words(&mut self, text: &'g Text) -> String {
        let mut words = String::new();
        for part in text {
            match part {
                TextPart::Text(text) => words.push_str(text),
                TextPart::Value(program) => {
                    let value = program.run(self.context, self.frame);
                    if value.is_missing() {
                        self.incomplete = true;
                        words.push_str("‹unknown›");
                    } else {
                        words.push_str(&evidence::cut(&without_base64(
                            &value.render(self.context.graph),
                        )));
                    }
                }
            }
        }
        words
    }
}

/// Hits, first and last time of the log records that are shown.
fn log_times(
    evidence: &[Evidence],
    records: &[&crate::scan::LogRecord],
) -> (u64, Option<Timestamp>, Option<Timestamp>) {
    let count = records.iter().map(|record| record.count).sum();
    let first = records.iter().filter_map(|record| record.first.time).min();
    let last = records.iter().filter_map(|record| record.last.time).max();
    let shown = evidence.iter().filter_map(|one| one.time);
    (count, first.or(shown.clone().min()), last.or(shown.max()))
}

fn export(graph: &Graph, value: &Value<'_>) -> Option<Export> {
    let name = |value: &Value<'_>| value.as_subject().map(|subject| graph.name_of(&subject));
    match value {
        Value::Absent | Value::Null => None,
        Value::Object(_) | Value::Ghost(_) => name(value).map(Export::Object),
        Value::Text(text) => Some(Export::Text(text.as_str().to_owned())),
        _ => {
            let elements = value.elements();
            let names: Vec<ObjectName> = elements.iter().filter_map(name).collect();
            if !names.is_empty() {
                return Some(Export::Objects(names));
            }
            let texts = elements.iter().filter_map(Value::as_str);
            let texts: Vec<String> = texts.map(str::to_owned).collect();
            (!texts.is_empty()).then_some(Export::Texts(texts))
        }
    }
}

/// Runs of base64 say nothing to a reader, and may be secrets.
pub(super) fn without_base64(text: &str) -> String {
    const LONGEST: usize = 80;
    let mut kept = String::with_capacity(text.len());
    let mut run = String::new();
    let flush = |run: &mut String, kept: &mut String| {
        let has = |is: fn(&u8) -> bool| run.as_bytes().iter().any(is);
        // A path of long words is no base64, which has letters of both cases and digits.
        let is_mixed =
            has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit);
        if run.len() > LONGEST && is_mixed {
            kept.push('…');
        } else {
            kept.push_str(run);
        }
        run.clear();
    };
    for letter in text.chars() {
        if letter.is_ascii_alphanumeric() || matches!(letter, '+' | '/' | '=') {
            run.push(letter);
        } else {
            flush(&mut run, &mut kept);
            kept.push(letter);
        }
    }
    flush(&mut run, &mut kept);
    kept
}
