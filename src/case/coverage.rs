//! What the cases of a rule leave open: a rule is shown by a case in which it finds something, and
//! by one in which it rightly finds nothing.

use std::path::Path;

use crate::rule::Rule;
use crate::rule::expression::Expression;
use crate::rule::mistake::{Mistake, Mistakes};

use super::{FileOutcome, Outcome, suite};

/// The gaps of a rule (BD070): errors where it is not shown, warnings where a part of it is not.
pub(super) fn gaps(rule: &Rule, outcomes: &[FileOutcome]) -> Vec<Mistake> {
    let mut mistakes = Mistakes::new(&rule.source);
    let id = &rule.id;
    let of_rule = |file: &&FileOutcome| file.rule.as_ref() == Some(id);
    let files: Vec<&FileOutcome> = outcomes.iter().filter(of_rule).collect();
    if files.is_empty() {
        // A case file with mistakes has been shown already, and may well be the rule's.
        let unread =
            |file: &FileOutcome| file.rule.is_none() && suite::id(Path::new(&file.file)) == *id;
        if !outcomes.iter().any(unread) {
            mistakes
                .error_of_file("BD070", format!("no case tests `{id}`"))
                .help(format!("its cases belong beside it, in `{id}.test.yaml`"));
        }
        return mistakes.into_list();
    }
    for file in &files {
        if suite::id(Path::new(&file.file)) != *id {
            let message = format!("the cases of `{id}` are in {}", file.file);
            mistakes
                .error_of_file("BD070", message)
                .help(format!("name that file `{id}.test.yaml`"));
        }
    }
    // What is wrong with the file itself comes first.
    if files.iter().any(|file| file.has_error()) {
        return mistakes.into_list();
    }
    if !files.iter().any(|file| file.has_firing()) {
        let message = format!("no case expects `{id}` to find something");
        mistakes.error_of_file("BD070", message);
    }
    if !files.iter().any(|file| file.has_silent()) {
        let message = format!("no case expects `{id}` to find nothing");
        mistakes
            .error_of_file("BD070", message)
            .help("state one that is nearly the fault, with `expect: []`");
    }
    let cases = || files.iter().flat_map(|file| &file.cases);
    // A case that was not run may reach what the others do not.
    if cases().any(|case| case.outcome == Outcome::Skipped) {
        return mistakes.into_list();
    }
    let mut unreached = |when: &Expression, what: &str| {
        mistakes
            .warning("BD070", when.span, format!("no case reaches this {what}"))
            .help("add a case in which it holds, or take it out");
    };
    for (index, note) in rule.finding.notes.iter().enumerate() {
        let reached = cases().any(|case| case.branches.notes.contains(&index));
        if let Some(when) = note.when.as_ref().filter(|_| !reached) {
            unreached(when, "note");
        }
    }
    for (index, escalation) in rule.escalate.iter().enumerate() {
        if !cases().any(|case| case.branches.escalate.contains(&index)) {
            unreached(&escalation.when, "escalation");
        }
    }
    mistakes.into_list()
}
