//! Mistakes in rule and case files, each with its lines and a caret.

use std::io::{self, Write};

use crate::diagnosis::wording;
use crate::rule::RuleSet;
use crate::rule::mistake::{Level, Mistake};

/// Writes mistakes one after another, in the way of the program's own errors.
pub fn write<'m>(
    mistakes: impl IntoIterator<Item = &'m Mistake>,
    out: &mut dyn Write,
) -> io::Result<()> {
    for mistake in mistakes {
        let report = miette::Report::new(mistake.clone());
        writeln!(out, "{}\n", format!("{report:?}").trim_end())?;
    }
    Ok(())
}

/// Says in a line how many rules were checked, and what came of it. `rules` are those that could be
/// read, if all could.
pub fn write_summary(
    mistakes: &[Mistake],
    rules: Option<&RuleSet>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let counted = rules.map_or("checked".to_owned(), |rules| {
        let all = rules.rules().len();
        let own = rules.rules().iter().filter(|rule| !rule.is_built_in());
        match own.count() {
            0 => format!("checked {}", wording::count(all as u64, "built-in rule")),
            own => format!(
                "checked {}, {own} of them not built in",
                wording::count(all as u64, "rule")
            ),
        }
    });
    writeln!(out, "{counted}: {}", counts(mistakes))
}

/// `1 error, 2 warnings`.
pub(super) fn counts(mistakes: &[Mistake]) -> String {
    let levels = [
        (Level::Error, "error"),
        (Level::Warning, "warning"),
        (Level::Advice, "piece of advice"),
    ];
    let counts: Vec<String> = levels
        .into_iter()
        .filter_map(|(level, noun)| {
            let mistakes = mistakes.iter().filter(|mistake| mistake.level == level);
            match (mistakes.count() as u64, noun) {
                (0, _) => None,
                (1, "piece of advice") => Some("1 piece of advice".to_owned()),
                (number, "piece of advice") => Some(format!("{number} pieces of advice")),
                (number, noun) => Some(wording::count(number, noun)),
            }
        })
        .collect();
    match counts.as_slice() {
        [] => "no mistakes".to_owned(),
        counts => counts.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(text: &str) -> String {
        let read = RuleSet::from_texts(&[("node/a.yaml", text)]);
        let (rules, mistakes) = match read {
            Ok(rules) => (Some(rules.clone()), rules.warnings().mistakes.clone()),
            Err(errors) => (None, errors.mistakes),
        };
        let mut out = Vec::new();
        write_summary(&mistakes, rules.as_ref(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_summary_counts() {
        let rule = "id: a\ntitle: T\nseverity: info\nmatch: [{ each: n, in: Node }]\n\
                    finding: { subject: n, message: M }\n";
        assert_eq!(
            summary(rule),
            "checked 1 rule, 1 of them not built in: no mistakes\n"
        );
        assert_eq!(
            summary(&rule.replace("info", "bad").replace("title", "tilte")),
            "checked: 3 errors\n"
        );
        assert_eq!(
            summary(&format!("{rule}causes: [{{ rule: nowhere }}]\n")),
            "checked 1 rule, 1 of them not built in: 1 warning\n"
        );
    }

    #[test]
    fn each_mistake_is_shown() {
        let errors = RuleSet::from_texts(&[("node/a.yaml", "id: a\ntilte: T\n")]);
        let mistakes = errors.unwrap_err().mistakes;
        let mut out = Vec::new();
        write(&mistakes, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        for mistake in &mistakes {
            assert!(text.contains(mistake.code), "{text}");
        }
        assert!(text.contains("did you mean `title`?"), "{text}");
    }
}
