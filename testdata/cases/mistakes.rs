//! Rule files that are wrong, and what their author reads: one file or more for each check.

use bundle_doctor::case::suite::Suite;
use bundle_doctor::rule::mistake::Mistake;
use bundle_doctor::rule::{RuleErrors, RuleSet};
use miette::{GraphicalReportHandler, GraphicalTheme};

use crate::bench::{files, root};

fn mistakes(name: &str, text: &str) -> RuleErrors {
    match RuleSet::from_texts(&[(name, text)]) {
        Ok(set) => set.warnings().clone(),
        Err(errors) => errors,
    }
}

fn render(mistakes: &[Mistake], width: usize) -> String {
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
        .with_width(width)
        .with_links(false);
    let mut shown = String::new();
    for mistake in mistakes {
        handler.render_report(&mut shown, mistake).unwrap();
    }
    shown
}

#[test]
fn each_wrong_file_is_told_what_is_wrong() {
    for path in files(&root().join("testdata/mistakes"), ".yaml") {
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let errors = mistakes(&format!("{stem}.yaml"), &text);
        let code = stem.split('-').next().unwrap_or_default().to_uppercase();
        assert!(
            errors.mistakes.iter().any(|mistake| mistake.code == code),
            "{stem} has no mistake of the code {code}"
        );
        let shown = render(&errors.mistakes, 100);
        insta::with_settings!({ snapshot_path => "../snapshots/mistakes", prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(stem, shown);
        });
    }
}

/// What a rule's cases leave open shows only when they have run.
#[test]
fn a_rule_without_enough_cases_is_told_so() {
    let pack = root().join("testdata/untested");
    let rules = RuleSet::load(std::slice::from_ref(&pack)).unwrap();
    let suite = Suite::default().and_below(&pack);
    let gaps = suite.gaps(&rules, &suite.run(&rules, &rules));
    // The folder of the repository differs from machine to machine; no line breaks where it is long.
    let shown = render(&gaps, 1_000).replace(&root().display().to_string(), "");
    insta::with_settings!({ snapshot_path => "../snapshots/mistakes", prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("bd070-untested", shown);
    });
}

#[test]
fn each_check_has_a_wrong_file() {
    let codes = [
        "BD001", "BD002", "BD010", "BD011", "BD012", "BD013", "BD014", "BD015", "BD020", "BD030",
        "BD040", "BD050", "BD060", "BD070", "BD080",
    ];
    let names: Vec<String> = files(&root().join("testdata/mistakes"), ".yaml")
        .iter()
        .map(|path| path.file_stem().unwrap().to_string_lossy().to_uppercase())
        .collect();
    // Cases that are missing are no mistake of the rule's own file: see the test above.
    for code in codes.iter().filter(|code| **code != "BD070") {
        assert!(names.iter().any(|name| name.starts_with(code)), "{code}");
    }
}

#[test]
fn the_built_in_rules_have_none() {
    let set = RuleSet::load_checked(&[]);
    let errors = set.map_or_else(|errors| errors, |set| set.warnings().clone());
    let wrong: Vec<String> = errors
        .mistakes
        .iter()
        .map(|mistake| {
            let line = mistake.line().unwrap_or_default();
            format!("{}:{line}: {}: {mistake}", mistake.file(), mistake.code)
        })
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
