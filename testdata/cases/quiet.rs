//! Findings that nobody expects: of each scenario the expected ones are listed, and there may be no others.

use bundle_doctor::finding::{Finding, Severity};

use crate::bench::{report, scenario, scenario_names};

#[test]
fn no_scenario_gives_a_finding_that_it_does_not_expect() {
    let mut loud = Vec::new();
    for name in scenario_names() {
        let expect = scenario(&name).expect;
        let report = report(&name);
        let unexpected = |finding: &&Finding| {
            finding.suppressed.is_none()
                && finding.severity >= Severity::Warning
                && !expect.names(&finding.rule)
        };
        for finding in report.findings.iter().filter(unexpected) {
            let line = format!("{name}: {} on {}", finding.rule, finding.subject);
            loud.push(line);
        }
    }
    assert!(loud.is_empty(), "\n{}", loud.join("\n"));
}
