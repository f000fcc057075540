//! The dialect of CEL that rules are written in: what is different, what there is to call.

use std::io::{self, Write};

use super::Style;
use super::page::{PLAIN, Page, columns};
use super::text::{BOLD, DIM};
use crate::rule::dialect::{DIFFERENCES, GLOBALS, LEFT_OUT, LITERALS};
use crate::rule::function::{FUNCTIONS, Function, Variables};

/// Where texts begin.
const INDENT: usize = 2;

/// Writes all of it.
pub fn write(style: Style, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page::new(out, style);
    page.unbroken(&[(BOLD, "HOW EXPRESSIONS DIFFER FROM CEL")])?;
    let lead = "In the examples pod is a Pod that runs and is not Ready, ghost a Node that does not \
                exist, gone is absent.";
    paragraph(&mut page, lead)?;
    let widest = DIFFERENCES
        .iter()
        .flat_map(|difference| difference.examples);
    let widest = widest.map(|(expression, _)| columns(expression)).max();
    let width = widest.unwrap_or_default();
    for (number, difference) in (1..).zip(DIFFERENCES) {
        page.blank()?;
        let head = format!("{number:2}. ");
        page.paragraph((DIM, &head), 4, (PLAIN, difference.text))?;
        for (expression, value) in difference.examples {
            page.unbroken(&[
                (PLAIN, "      "),
                (BOLD, &format!("{expression:width$}")),
                (DIM, "  →  "),
                (PLAIN, value),
            ])?;
        }
    }
    page.blank()?;
    paragraph(
        &mut page,
        &format!("Not accepted: {}.", LEFT_OUT.join(", ")),
    )?;
    let named = |meanings: &[(&str, &str)]| -> Vec<(String, String)> {
        let meanings = meanings.iter();
        meanings
            .map(|(name, meaning)| ((*name).to_owned(), (*meaning).to_owned()))
            .collect()
    };
    section(&mut page, "VALUES AS A RULE WRITES THEM", &named(LITERALS))?;
    section(&mut page, "NAMES", &named(GLOBALS))?;
    let called = |wanted: fn(&Function) -> bool| -> Vec<(String, String)> {
        let functions = FUNCTIONS.iter().filter(|function| wanted(function));
        functions
            .map(|function| (form(function), function.doc.to_owned()))
            .collect()
    };
    let functions = called(|function| !function.method);
    section(&mut page, "FUNCTIONS", &functions)?;
    let methods = called(|function| function.method && !function.is_macro());
    section(&mut page, "METHODS", &methods)?;
    let macros = called(Function::is_macro);
    section(
        &mut page,
        "MACROS: v is each element, k its key or index, p a condition, e an expression",
        &macros,
    )?;
    page.blank()?;
    paragraph(
        &mut page,
        "Relations between objects: bundle-doctor rules relations",
    )
}

fn paragraph(page: &mut Page<'_>, text: &str) -> io::Result<()> {
    page.paragraph((PLAIN, "  "), INDENT, (PLAIN, text))
}

/// A head, and below it names with their meanings.
fn section(page: &mut Page<'_>, head: &str, entries: &[(String, String)]) -> io::Result<()> {
    page.blank()?;
    page.unbroken(&[(BOLD, head)])?;
    let width = entries.iter().map(|(name, _)| columns(name)).max();
    let width = width.unwrap_or_default();
    for (name, meaning) in entries {
        let margin = INDENT + width + 2;
        let name = format!("  {name:width$}  ");
        page.paragraph((PLAIN, &name), margin, (PLAIN, meaning))?;
    }
    Ok(())
}

/// How a function is called: `x.exists([k, ]v, p)`, `object('Kind', a[, b])`.
fn form(function: &Function) -> String {
    let receiver = if function.method { "x." } else { "" };
    let arguments = if function.is_macro() {
        macro_arguments(function)
    } else {
        plain_arguments(function)
    };
    format!("{receiver}{}({arguments})", function.name)
}

fn macro_arguments(function: &Function) -> String {
    let variables = match function.variables {
        Variables::OneOrTwo => "[k, ]v",
        Variables::Two => "k, v",
        Variables::One | Variables::None => "v",
    };
    let has_condition = matches!(function.name, "exists" | "exists_one" | "all" | "filter");
    // Where more arguments may follow the variables than must, the first is a condition.
    let spare = function.maximum - function.minimum;
    let optional = spare > 0 && function.variables != Variables::OneOrTwo;
    match (has_condition, optional) {
        (true, _) => format!("{variables}, p"),
        (false, true) => format!("{variables}, [p, ]e"),
        (false, false) => format!("{variables}, e"),
    }
}

fn plain_arguments(function: &Function) -> String {
    // A free function's first argument is what a method is called on.
    let names = match function.name {
        _ if function.method => ["a", "b", "c"],
        "object" | "all" | "collected" => ["'Kind'", "a", "b"],
        _ => ["x", "a", "b"],
    };
    let name = |at: usize| match function.pattern {
        Some(pattern) if pattern == at => "r'…'",
        _ => names.get(at).copied().unwrap_or("…"),
    };
    let mut arguments = String::new();
    for at in 0..function.maximum {
        let comma = if at > 0 { ", " } else { "" };
        let argument = name(at);
        if at < function.minimum {
            arguments.push_str(&format!("{comma}{argument}"));
        } else {
            arguments.push_str(&format!("[{comma}{argument}]"));
        }
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::function::find;

    #[test]
    fn forms_show_what_may_be_left_out() {
        for (name, method, expected) in [
            ("object", false, "object('Kind', a[, b])"),
            ("matches", false, "matches(x, r'…')"),
            ("matches", true, "x.matches(r'…')"),
            ("join", true, "x.join([a])"),
            ("split", true, "x.split(a[, b])"),
            ("size", true, "x.size()"),
            ("exists", true, "x.exists([k, ]v, p)"),
            ("map", true, "x.map(v, [p, ]e)"),
            ("filter", true, "x.filter(v, p)"),
            ("transformMap", true, "x.transformMap(k, v, [p, ]e)"),
            ("minBy", true, "x.minBy(v, e)"),
        ] {
            assert_eq!(form(find(name, method).unwrap()), expected);
        }
    }

    #[test]
    fn everything_is_in_it() {
        let mut out = Vec::new();
        write(Style::default(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        for function in FUNCTIONS {
            assert!(text.contains(&form(function)), "{}", function.name);
        }
        for (example, value) in DIFFERENCES.iter().flat_map(|it| it.examples) {
            let shown = text
                .lines()
                .any(|line| line.contains(example) && line.ends_with(&format!("→  {value}")));
            assert!(shown, "{example}");
        }
    }
}
