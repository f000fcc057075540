//! Checks of constants in calls: patterns, durations, versions.

use crate::rule::expression::{Expression, Literal, Node};
use crate::rule::function;
use crate::rule::mistake::Mistakes;
use crate::rule::{duration, pattern, quantity, version};

/// Checks what stands in the rule as a constant and would else fail at run time without a word.
pub(super) fn check(
    function: &function::Function,
    arguments: &[Expression],
    mistakes: &mut Mistakes,
) {
    if let Some(argument) = function.pattern.and_then(|index| arguments.get(index)) {
        match &argument.node {
            Node::Literal(Literal::Text(text)) => match pattern::captures(text) {
                Err(error) => {
                    mistakes
                        .error("BD020", argument.span, error.message)
                        .help_if(error.help);
                }
                Ok(0) if function.name == "extract" => {
                    mistakes
                        .error(
                            "BD020",
                            argument.span,
                            "`extract` gives capture 1, and there is none",
                        )
                        .help("put what is wanted in parentheses, or use `find`");
                }
                Ok(_) => {}
            },
            _ => {
                mistakes
                    .error(
                        "BD020",
                        argument.span,
                        "a regular expression must be written out here",
                    )
                    .help("it is compiled once, before the rule runs: r'…'");
            }
        }
    }
    let Some((last, Node::Literal(Literal::Text(text)))) =
        arguments.last().map(|last| (last, &last.node))
    else {
        return;
    };
    let (valid, what) = match function.name {
        "duration" => (duration::parse(text).is_some(), "a duration"),
        "quantity" => (quantity::parse(text).is_some(), "a quantity"),
        "semver" => (version::Version::parse(text).is_some(), "a version"),
        "inRange" => match version::VersionRange::parse(text) {
            Ok(_) => return,
            Err(error) => {
                mistakes
                    .error("BD040", last.span, error.message)
                    .help_if(error.help);
                return;
            }
        },
        _ => return,
    };
    if !valid {
        let help = match function.name {
            "duration" => "durations are written '45s', '10m', '2d14h'",
            "quantity" => "quantities are written '512Mi', '5G', '100m'",
            _ => "versions are written 'v1.4.1'",
        };
        mistakes
            .error("BD040", last.span, format!("`{text}` is not {what}"))
            .help(help);
    }
}
