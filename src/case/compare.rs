//! Compares what was found with what a case expects, and says the difference in words.

use crate::diagnosis::Outcome as Diagnosed;
use crate::finding::{Evidence, Export, Finding, RemedyStep};

use super::Outcome;
use super::expect::{Expectation, Expected, StepParts};
use super::file::Case;

/// How a case went, and what differs.
pub(super) fn compare(case: &Case, rule: &str, found: &Diagnosed) -> (Outcome, Vec<String>) {
    let counted = |finding: &&Finding| finding.suppressed.is_none();
    let counted: Vec<&Finding> = found.findings.iter().filter(counted).collect();
    let mut verdict = Verdict::default();
    match &case.expected {
        Expected::Count(count) => {
            let own: Vec<&Finding> = of_rule(&counted, rule).collect();
            if own.len() != *count {
                let outcome = if own.len() < *count {
                    Outcome::Missing
                } else {
                    Outcome::Noisy
                };
                verdict.add(
                    outcome,
                    format!("expected {count} findings, found {}", own.len()),
                );
                own.iter().for_each(|finding| verdict.show(finding));
            }
        }
        Expected::Findings(expected) => findings(expected, rule, &counted, found, &mut verdict),
    }
    for chain in &case.chains {
        for pair in chain.windows(2) {
            if let [cause, effect] = pair
                && !leads(&counted, cause, effect)
            {
                let why = format!("no finding of {effect} is caused by one of {cause}");
                verdict.add(Outcome::Wrong, why);
            }
        }
    }
    if let Some(reasons) = &case.suppressed {
        suppressed(reasons, rule, found, &mut verdict);
    }
    let quiet = match &case.expected {
        Expected::Count(count) => *count == 0,
        Expected::Findings(expected) => !expected.iter().any(|it| it.rule == rule),
    };
    let passed = if quiet {
        Outcome::Quiet
    } else {
        Outcome::Reported
    };
    (verdict.outcome.unwrap_or(passed), verdict.lines)
}

/// The worst that was seen, and what it was.
#[derive(Default)]
struct Verdict {
    outcome: Option<Outcome>,
    lines: Vec<String>,
}

impl Verdict {
    /// What comes first is what the case is called by.
    fn add(&mut self, outcome: Outcome, line: String) {
        self.outcome.get_or_insert(outcome);
        self.lines.push(line);
    }

    fn show(&mut self, finding: &Finding) {
        let Finding {
            rule,
            severity,
            subject,
            title,
            ..
        } = finding;
        let severity = format!("{severity:?}").to_lowercase();
        self.lines.push(format!(
            "  found: {rule} ({severity}) on {subject}: {title}"
        ));
    }
}

fn of_rule<'a>(findings: &[&'a Finding], rule: &str) -> impl Iterator<Item = &'a Finding> {
    findings.iter().copied().filter(move |it| it.rule == rule)
}

fn findings(
    expected: &[Expectation],
    rule: &str,
    counted: &[&Finding],
    found: &Diagnosed,
    verdict: &mut Verdict,
) {
    let fits: Vec<Vec<usize>> = expected
        .iter()
        .map(|one| {
            let fitting = counted.iter().enumerate();
            let fitting = fitting.filter(|(_, finding)| {
                finding.rule == one.rule && differences(one, finding, found).is_empty()
            });
            fitting.map(|(index, _)| index).collect()
        })
        .collect();
    let owner = pair(&fits, counted.len());
    let taken: Vec<bool> = owner.iter().map(Option::is_some).collect();
    let mut blamed = vec![false; counted.len()];
    for (number, one) in expected.iter().enumerate() {
        if owner.contains(&Some(number)) {
            continue;
        }
        // The nearest finding that nobody else claims is likely the one that was meant.
        let free = (0..counted.len()).filter(|index| !taken[*index] && !blamed[*index]);
        let nearest = free
            .filter(|index| counted[*index].rule == one.rule)
            .map(|index| (differences(one, counted[index], found), index))
            .min_by_key(|(differences, _)| differences.len());
        let label = format!("expectation {} ({})", number + 1, one.rule);
        match nearest {
            Some((differences, index)) => {
                blamed[index] = true;
                verdict.add(Outcome::Wrong, format!("{label} is met but for:"));
                let differences = differences.iter().flat_map(|text| text.lines());
                verdict
                    .lines
                    .extend(differences.map(|line| format!("  {line}")));
            }
            None => {
                let subject = one.subject.as_deref().unwrap_or("anything");
                verdict.add(
                    Outcome::Missing,
                    format!("{label}: nothing found on {subject}"),
                );
                of_rule(counted, &one.rule).for_each(|finding| verdict.show(finding));
            }
        }
    }
    for (index, finding) in counted.iter().enumerate() {
        if finding.rule == rule && !taken[index] && !blamed[index] {
            verdict.add(Outcome::Noisy, "a finding that is not expected:".to_owned());
            verdict.show(finding);
            verdict.lines.push(format!("         {}", finding.message));
        }
    }
}

/// Gives each expectation a finding of its own, as many as can be. The result tells of each finding
/// whose it is.
fn pair(fits: &[Vec<usize>], findings: usize) -> Vec<Option<usize>> {
    fn place(
        one: usize,
        fits: &[Vec<usize>],
        owner: &mut [Option<usize>],
        tried: &mut [bool],
    ) -> bool {
        for &finding in &fits[one] {
            if std::mem::replace(&mut tried[finding], true) {
                continue;
            }
            let free = match owner[finding] {
                None => true,
                Some(other) => place(other, fits, owner, tried),
            };
            if free {
                owner[finding] = Some(one);
                return true;
            }
        }
        false
    }
    let mut owner = vec![None; findings];
    for one in 0..fits.len() {
        place(one, fits, &mut owner, &mut vec![false; findings]);
    }
    owner
}

/// In what a finding is not what is expected.
fn differences(expected: &Expectation, finding: &Finding, found: &Diagnosed) -> Vec<String> {
    let mut differences = Vec::new();
    let mut differs = |key: &str, expected: String, found: String| {
        if expected != found {
            differences.push(format!(
                "{key}: expected {expected}\n{key}: found    {found}"
            ));
        }
    };
    if let Some(subject) = &expected.subject {
        let found = match finding.subject.kind.as_str() {
            "Cluster" if finding.subject.namespace.is_none() => "cluster".to_owned(),
            _ => finding.subject.to_string(),
        };
        differs("subject", subject.clone(), found);
    }
    if let Some(severity) = expected.severity {
        differs("severity", word(severity), word(finding.severity));
    }
    if let Some(confidence) = expected.confidence {
        differs("confidence", word(confidence), word(finding.confidence));
    }
    if let Some(since) = expected.since {
        let found = finding
            .first_seen
            .map_or("unknown".to_owned(), |at| at.to_string());
        differs("since", since.to_string(), found);
    }
    if let Some(root) = expected.root {
        let is_root = found
            .diagnoses
            .iter()
            .any(|diagnosis| diagnosis.cause.finding == finding.id);
        differs("root", root.to_string(), is_root.to_string());
    }
    for (name, expected) in &expected.exports {
        let mut found = finding.exports.get(name).map(denoted).unwrap_or_default();
        let mut expected = expected.clone();
        found.sort();
        expected.sort();
        let shown = |names: &[String]| match names {
            [] => "nothing".to_owned(),
            names => names.join(", "),
        };
        differs(&format!("exports.{name}"), shown(&expected), shown(&found));
    }
    if let Some(history) = expected.history {
        differs("history", history.to_string(), finding.history.to_string());
    }
    contains("title", &expected.title, &finding.title, &mut differences);
    contains(
        "message",
        &expected.message,
        &finding.message,
        &mut differences,
    );
    notes(expected.notes.as_deref(), &finding.notes, &mut differences);
    remedy(
        expected.remedy.as_deref(),
        &finding.remedy,
        &mut differences,
    );
    for place in &expected.evidence {
        if !finding
            .evidence
            .iter()
            .any(|evidence| is_at(evidence, place))
        {
            let mut line = format!("evidence: expected {place}");
            for evidence in &finding.evidence {
                line.push_str(&format!("\nevidence: found    {}", place_of(evidence)));
            }
            differences.push(line);
        }
    }
    differences
}

fn word(value: impl std::fmt::Debug) -> String {
    format!("{value:?}").to_lowercase()
}

fn contains(key: &str, parts: &[String], text: &str, differences: &mut Vec<String>) {
    for part in parts {
        if !text.contains(part.as_str()) {
            differences.push(format!(
                "{key}: expected to contain \"{part}\"\n{key}: found \"{text}\""
            ));
        }
    }
}

fn notes(expected: Option<&[Vec<String>]>, found: &[String], differences: &mut Vec<String>) {
    let Some(expected) = expected else { return };
    if expected.is_empty() && !found.is_empty() {
        differences.push("notes: expected none".to_owned());
    }
    let missing = |parts: &&Vec<String>| {
        let holds = |note: &String| parts.iter().all(|part| note.contains(part.as_str()));
        !found.iter().any(holds)
    };
    let missing: Vec<&Vec<String>> = expected.iter().filter(missing).collect();
    for parts in &missing {
        let parts = parts.join("\", \"");
        differences.push(format!("notes: expected one with \"{parts}\""));
    }
    if !missing.is_empty() || (expected.is_empty() && !found.is_empty()) {
        let found = found.iter().map(|note| format!("notes: found \"{note}\""));
        differences.extend(found);
    }
}

/// Steps are compared one by one, so that a step too many or too few shows, and so does their order.
fn remedy(expected: Option<&[StepParts]>, found: &[RemedyStep], differences: &mut Vec<String>) {
    let Some(expected) = expected else { return };
    let mut wrong = Vec::new();
    for (number, (parts, step)) in (1..).zip(expected.iter().zip(found)) {
        let nothing = String::new();
        let command = step.command.as_ref().unwrap_or(&nothing);
        for part in &parts.either {
            if !step.text.contains(part.as_str()) && !command.contains(part.as_str()) {
                wrong.push(format!("step {number}: expected to contain \"{part}\""));
            }
        }
        let check = step.check.as_ref().unwrap_or(&nothing);
        let forbids = step.forbids_meanwhile.as_ref().unwrap_or(&nothing);
        for (key, parts, text) in [
            ("text", &parts.text, &step.text),
            ("command", &parts.command, command),
            ("check", &parts.check, check),
            ("forbidsMeanwhile", &parts.forbids_meanwhile, forbids),
        ] {
            let missing = parts.iter().filter(|part| !text.contains(part.as_str()));
            let missing =
                missing.map(|part| format!("step {number}: {key}: expected to contain \"{part}\""));
            wrong.extend(missing);
        }
        if let Some(risk) = parts.risk.filter(|risk| *risk != step.risk) {
            wrong.push(format!("step {number}: risk: expected {}", word(risk)));
        }
    }
    if expected.len() != found.len() {
        let (expected, found) = (expected.len(), found.len());
        wrong.push(format!("expected {expected} steps, found {found}"));
    }
    if wrong.is_empty() {
        return;
    }
    let mut lines: Vec<String> = wrong.iter().map(|it| format!("remedy: {it}")).collect();
    for (number, step) in (1..).zip(found) {
        let mut line = format!(
            "remedy: found {number}. {} ({})",
            step.text,
            word(step.risk)
        );
        for (name, text) in [
            ("$", &step.command),
            ("check:", &step.check),
            ("meanwhile:", &step.forbids_meanwhile),
        ] {
            if let Some(text) = text {
                line.push_str(&format!(" {name} {text}"));
            }
        }
        lines.push(line);
    }
    differences.push(lines.join("\n"));
}

/// The names that an export denotes.
fn denoted(export: &Export) -> Vec<String> {
    match export {
        Export::Object(name) => vec![name.to_string()],
        Export::Objects(names) => names.iter().map(ToString::to_string).collect(),
        Export::Text(text) => vec![text.clone()],
        Export::Texts(texts) => texts.clone(),
    }
}

/// Whether an evidence is at a place: `Kind/ns/name#field`, `Kind/ns/name`, `path:line`, `path`.
fn is_at(evidence: &Evidence, place: &str) -> bool {
    let object = evidence.object.as_ref().map(ToString::to_string);
    let of_object = match place.split_once('#') {
        Some((name, field)) => {
            object.as_deref() == Some(name) && evidence.field.as_deref() == Some(field)
        }
        None => object.as_deref() == Some(place),
    };
    let of_line = evidence
        .line
        .is_some_and(|line| format!("{}:{line}", evidence.path) == place);
    of_object || of_line || evidence.path == place
}

fn place_of(evidence: &Evidence) -> String {
    match (&evidence.object, &evidence.field, evidence.line) {
        (Some(object), Some(field), _) => format!("{object}#{field}"),
        (Some(object), None, _) => object.to_string(),
        (None, _, Some(line)) => format!("{}:{line}", evidence.path),
        (None, _, None) => evidence.path.clone(),
    }
}

/// Whether a finding of one rule is a direct cause of one of another.
fn leads(findings: &[&Finding], cause: &str, effect: &str) -> bool {
    of_rule(findings, effect)
        .any(|effect| of_rule(findings, cause).any(|cause| effect.caused_by.contains(&cause.id)))
}

fn suppressed(reasons: &[String], rule: &str, found: &Diagnosed, verdict: &mut Verdict) {
    let own = found.findings.iter().filter(|it| it.rule == rule);
    let stated: Vec<&str> = own
        .filter_map(|it| Some(it.suppressed.as_ref()?.reason.as_str()))
        .collect();
    for reason in reasons {
        if !stated.iter().any(|stated| stated.contains(reason.as_str())) {
            verdict.add(
                Outcome::Wrong,
                format!("suppressed: expected a reason with \"{reason}\""),
            );
            let stated = stated
                .iter()
                .map(|it| format!("suppressed: found \"{it}\""));
            verdict.lines.extend(stated);
        }
    }
    if reasons.is_empty() && !stated.is_empty() {
        verdict.add(Outcome::Wrong, "suppressed: expected nothing".to_owned());
        let stated = stated
            .iter()
            .map(|it| format!("suppressed: found \"{it}\""));
        verdict.lines.extend(stated);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_expectations_as_possible_get_a_finding() {
        let table: [(&[&[usize]], usize, usize); 5] = [
            (&[&[0], &[0, 1]], 2, 2),
            (&[&[0, 1], &[0]], 2, 2),
            (&[&[0], &[0]], 2, 1),
            (&[&[], &[1]], 2, 1),
            (&[&[0, 1], &[1, 2], &[0]], 3, 3),
        ];
        for (fits, findings, paired) in table {
            let fits: Vec<Vec<usize>> = fits.iter().map(|it| it.to_vec()).collect();
            let owner = pair(&fits, findings);
            assert_eq!(owner.iter().flatten().count(), paired, "{fits:?}");
        }
    }
}
