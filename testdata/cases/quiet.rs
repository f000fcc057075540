//! Findings that nobody expects: of a quiet scenario there may be none, of another they are listed.

use bundle_doctor::finding::{Finding, Severity};

use crate::bench::{report, scenario, scenario_names};

#[test]
fn quiet_scenarios_give_not_even_a_warning() {
    let mut loud = Vec::new();
    for name in scenario_names() {
        let expect = scenario(&name).expect;
        let report = report(&name);
        let unexpected = |finding: &&Finding| {
            finding.suppressed.is_none()
                && finding.severity >= Severity::Warning
                && !expect.allow.contains(&finding.rule)
                && !expect.find.iter().any(|wanted| wanted.rule == finding.rule)
        };
        for finding in report.findings.iter().filter(unexpected) {
            let line = format!("{name}: {} on {}", finding.rule, finding.subject);
            if expect.quiet {
                loud.push(line);
            } else {
                eprintln!("unexpected, and left to the reader: {line}");
            }
        }
    }
    assert!(loud.is_empty(), "\n{}", loud.join("\n"));
}
