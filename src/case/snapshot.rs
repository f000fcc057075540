//! What the cases of a file found, kept as text beside it, and compared from then on.
//!
//! A snapshot holds a section for each case: a line `## <name of the case>`, and what was found.

use similar::{ChangeTag, TextDiff};

use super::{FileOutcome, Outcome};

/// The folder of snapshots, beside the case files.
pub const DIRECTORY: &str = "__snapshots__";

/// What a line that opens a section begins with.
pub const SECTION: &str = "## ";

/// Marks the cases of which another thing is said now than in the snapshot that was kept.
pub fn compare(outcome: &mut FileOutcome, kept: &str, now: &str) {
    let (kept, now) = (sections(kept), sections(now));
    let text = |sections: &[(String, String)], name: &str| -> Option<String> {
        let section = sections.iter().find(|(title, _)| title == name);
        section.map(|(_, text)| text.clone())
    };
    for case in &mut outcome.cases {
        let name = title(&case.name);
        let Some(now) = text(&now, &name) else {
            continue;
        };
        let difference = match text(&kept, &name) {
            Some(kept) if kept == now => continue,
            Some(kept) => difference(&kept, &now),
            None => vec!["the snapshot does not hold this case".to_owned()],
        };
        if case.outcome.passed() {
            case.outcome = Outcome::Changed;
        }
        case.difference.extend(difference);
    }
    let names: Vec<String> = (outcome.cases.iter())
        .map(|case| title(&case.name))
        .collect();
    let gone = kept.into_iter().map(|(name, _)| name);
    outcome.gone = gone.filter(|name| !names.contains(name)).collect();
}

/// The name of a case on one line.
pub fn title(name: &str) -> String {
    let words: Vec<&str> = name.split_whitespace().collect();
    words.join(" ")
}

/// Names of cases and the texts below them, blanks at their ends left out.
fn sections(text: &str) -> Vec<(String, String)> {
    let mut sections: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix(SECTION), sections.last_mut()) {
            (Some(name), _) => sections.push((name.trim().to_owned(), String::new())),
            (None, Some((_, text))) => {
                text.push_str(line.trim_end());
                text.push('\n');
            }
            (None, None) => {}
        }
    }
    for (_, text) in &mut sections {
        text.truncate(text.trim_end().len());
    }
    sections
}

/// What was kept with `-`, what is new with `+`, and the line around it.
fn difference(kept: &str, now: &str) -> Vec<String> {
    let diff = TextDiff::from_lines(kept, now);
    let groups = diff.grouped_ops(1);
    let changes = groups.iter().flatten().flat_map(|op| diff.iter_changes(op));
    changes
        .map(|change| {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            format!("{sign} {}", change.value().trim_end())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::CaseOutcome;
    use crate::evaluate::Branches;

    fn outcome(names: &[&str]) -> FileOutcome {
        let case = |name: &&str| CaseOutcome {
            name: (*name).to_owned(),
            line: 1,
            outcome: Outcome::Reported,
            fires: true,
            difference: Vec::new(),
            findings: Vec::new(),
            not_evaluated: None,
            branches: Branches::default(),
        };
        FileOutcome {
            file: "x.test.yaml".to_owned(),
            rule: Some("x".to_owned()),
            mistakes: Vec::new(),
            cases: names.iter().map(case).collect(),
            gone: Vec::new(),
        }
    }

    #[test]
    fn each_case_is_compared_with_its_own_section() {
        let kept = "head\n\n## same\n  a\n\n## other\n  a\n  b\n  c\n\n## gone\n  z\n";
        let now = "head\n\n## other\n  a\n  B\n  c\n\n## same\n  a\n\n## new\n  n\n";
        let mut outcome = outcome(&["same", "other", "new", "skipped"]);
        compare(&mut outcome, kept, now);
        let found: Vec<(Outcome, Vec<&str>)> = (outcome.cases.iter())
            .map(|case| {
                let lines = case.difference.iter().map(String::as_str);
                (case.outcome, lines.collect())
            })
            .collect();
        assert_eq!(
            found,
            [
                (Outcome::Reported, vec![]),
                (Outcome::Changed, vec!["    a", "-   b", "+   B", "    c"]),
                (
                    Outcome::Changed,
                    vec!["the snapshot does not hold this case"]
                ),
                (Outcome::Reported, vec![]),
            ]
        );
        assert_eq!(outcome.gone, ["gone"]);
        assert!(!outcome.passed());
    }
}
