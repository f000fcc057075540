use std::fmt::Write as _;

use comrak::nodes::{AstNode, NodeValue};
use comrak::{Arena, Options, parse_document};

use super::*;
use crate::diagnosis::facts::Facts;
use crate::diagnosis::sample::{field, finding, node_name, step};
use crate::finding::{Evidence, Risk, Suppression};
use crate::report::{RuleSetInfo, Tool, samples};
use crate::testing::Random;

fn written(report: &Report, options: MarkdownOptions) -> String {
    let mut out = Vec::new();
    write(report, options, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// What GitHub reads beside plain Markdown.
fn github() -> Options<'static> {
    let mut options = Options::default();
    let extension = &mut options.extension;
    extension.strikethrough = true;
    extension.table = true;
    extension.autolink = true;
    extension.tasklist = true;
    extension.footnotes = true;
    extension.math_dollars = true;
    extension.math_code = true;
    extension.alerts = true;
    options
}

/// What a page is made of: kinds of nodes by depth; all HTML, and all addresses; and its text, that of
/// code apart.
#[derive(Debug, Default, PartialEq, Eq)]
struct Page {
    skeleton: String,
    html: Vec<String>,
    links: Vec<String>,
    text: String,
    code: String,
}

fn page(markdown: &str) -> Page {
    let arena = Arena::new();
    let root = parse_document(&arena, markdown, &github());
    let mut page = Page::default();
    walk(root, 0, &mut page);
    page
}

fn walk<'a>(node: &'a AstNode<'a>, depth: usize, page: &mut Page) {
    let value = &node.data.borrow().value;
    match value {
        // How text is cut into nodes says nothing.
        NodeValue::Text(text) => page.text.push_str(text),
        NodeValue::SoftBreak => page.text.push(' '),
        NodeValue::Code(code) => {
            let _ = write!(page.code, "{} ", code.literal);
        }
        value => {
            let kind = format!("{value:?}");
            let kind = kind
                .split(['(', ' ', '{'])
                .next()
                .unwrap_or_default()
                .to_owned();
            let _ = writeln!(page.skeleton, "{}{kind}", " ".repeat(depth));
            match value {
                NodeValue::CodeBlock(block) => page.code.push_str(&block.literal),
                NodeValue::HtmlBlock(block) => page.html.push(block.literal.trim().to_owned()),
                NodeValue::HtmlInline(html) => page.html.push(html.clone()),
                NodeValue::Link(link) => page.links.push(link.url.clone()),
                NodeValue::Paragraph | NodeValue::Heading(_) | NodeValue::TableCell => {
                    page.text.push('\n');
                }
                _ => {}
            }
        }
    }
    // The address of a link is its text, too.
    if !matches!(value, NodeValue::Link(_)) {
        for child in node.children() {
            walk(child, depth + 1, page);
        }
    }
}

/// What pings people or marks issues where it stands in plain text.
fn pings(text: &str) -> Vec<String> {
    let pattern = regex::Regex::new(
        r"(?i)@[a-z0-9]|#[0-9]|\bgh-[0-9]|[a-z]://|\bwww\.[a-z]|[a-z0-9]@[a-z0-9]",
    );
    let pattern = pattern.unwrap();
    pattern
        .find_iter(text)
        .map(|it| it.as_str().to_owned())
        .collect()
}

/// Every text of a report that may come from a bundle.
fn filled_with(text: &str) -> Report {
    let words = || text.to_owned();
    let full = |rule: &str| {
        let mut full = finding(rule, "node", Severity::Critical)
            .titled(text)
            .saying(text)
            .on_node(text)
            .shown_by(vec![
                field(text, 7, node_name(text), text, text),
                Evidence {
                    path: words(),
                    line: Some(9),
                    text: Some(words()),
                    note: Some(words()),
                    ..Evidence::default()
                },
            ])
            .mended_by(vec![step(text, Some(text), Risk::Destructive)]);
        full.notes = vec![words(), words()];
        full.references = vec!["https://example.com/a_b?c=d#e".into()];
        full
    };
    let sample = samples::stuck_upgrade();
    let facts = Facts {
        bundle: sample.bundle,
        cluster: sample.cluster,
        upgrade: sample.upgrade,
        storage: None,
        coverage: sample.coverage,
        blast_radii: Vec::new(),
    };
    let mut suppressed = full("suppressed");
    suppressed.suppressed = Some(Suppression {
        by: "ignore".into(),
        reason: words(),
        until: None,
    });
    let findings = vec![full("a"), full("a"), full("b"), suppressed];
    let tool = Tool::new(RuleSetInfo {
        count: 3,
        digest: String::new(),
    });
    let links = [crate::diagnosis::Link {
        cause_rule: "a".into(),
        effect_rule: "b".into(),
        same: Vec::new(),
        order: crate::diagnosis::Order::Any,
        strength: crate::finding::Confidence::Certain,
        note: None,
    }];
    let mut report = Report::new(tool, facts, findings, &links);
    report.bundle.file = words();
    let verdict = &mut report.verdict;
    verdict.summary = words();
    verdict.facts = vec![words(), words()];
    verdict.save_first = vec![words()];
    verdict.collect = vec![words()];
    for node in &mut report.cluster.nodes {
        node.machine_phase = Some(words());
        node.kubelet_version = Some(words());
    }
    report.cluster.nodes[0].name = words();
    if let Some(upgrade) = &mut report.upgrade {
        upgrade.to = Some(words());
        upgrade.blocked_on = Some(node_name(text));
        for node in &mut upgrade.nodes {
            node.state = Some(words());
        }
        upgrade.nodes[0].name = words();
    }
    for step in &mut report.plan {
        step.check = Some(words());
        step.forbids_meanwhile = Some(words());
    }
    for problem in &mut report.coverage.problems {
        problem.path = words();
        problem.reason = words();
    }
    for skipped in &mut report.coverage.not_evaluated {
        skipped.reason = words();
    }
    report.coverage.namespaces.missing = vec![words()];
    report.coverage.nodes_without_host_logs = vec![words()];
    report
}

const ALL: MarkdownOptions = MarkdownOptions {
    min_severity: Severity::Info,
    show_suppressed: true,
    since: None,
};

/// Pieces of what was ever used to break out of Markdown, and what pings on GitHub.
const EVIL: [&str; 64] = [
    "```",
    "````",
    "``````````",
    "`",
    "``",
    "~~~",
    "~~~~text",
    "<details>",
    "</details>",
    "<summary>",
    "</summary>",
    "<script>alert(1)</script>",
    "<!--",
    "-->",
    "<br>",
    "<a href=x>",
    "<https://x.org>",
    "<b",
    "&lt;",
    "&#64;",
    "&copy;",
    "@octocat",
    "@org/team",
    "#123",
    "# x",
    "### x",
    "GH-12",
    "gh-7",
    "o/r#1",
    "https://github.com/o/r/issues/1",
    "http://x",
    "ftp://x.org/",
    "www.x.org",
    "WWW.X.ORG",
    "mail@x.org",
    "user@1234567",
    "|",
    "||",
    "\\|",
    "|---|",
    "\n",
    "\r\n",
    "\n\n",
    "\n\n\n    ",
    "- ",
    "+ ",
    "* ",
    "1. ",
    "23) ",
    "> ",
    "> [!NOTE]",
    "---",
    "===",
    "***",
    "_",
    "**",
    "~~",
    "[a](b)",
    "![x](y)",
    "[^1]",
    "[^1]: y",
    "[a]: b",
    "$x$",
    "$$",
];
const MORE_EVIL: [&str; 18] = [
    "\\",
    "\\\\",
    "$`x`$",
    "\t",
    "    ",
    " ",
    "é",
    "漢字",
    "\u{202e}",
    "\u{1b}[31m",
    "\u{1b}]0;x\u{7}",
    "\u{0}",
    "\u{2028}",
    "\u{feff}",
    "x",
    "text",
    ":",
    "{{x}}",
];

#[test]
fn no_text_of_a_bundle_breaks_out() {
    let plain = page(&written(&filled_with("word"), ALL));
    assert!(plain.html.iter().any(|html| html.starts_with("<details>")));
    assert_eq!(pings(&plain.text), [""; 0]);
    let mut random = Random::new();
    let mut texts: Vec<String> = EVIL
        .iter()
        .chain(&MORE_EVIL)
        .map(|it| (*it).to_owned())
        .collect();
    texts.extend((0..600).map(|_| {
        let pieces = (0..1 + random.below(8)).map(|_| match random.below(4) {
            0 => *random.choose(&MORE_EVIL),
            _ => *random.choose(&EVIL),
        });
        pieces.collect::<String>()
    }));
    for text in texts {
        // A text without a visible sign makes an empty item, which is another page.
        let text = format!("{text}z");
        let report = filled_with(&text);
        let markdown = written(&report, ALL);
        let evil = page(&markdown);
        assert_eq!(evil.skeleton, plain.skeleton, "{text:?}\n{markdown}");
        assert_eq!(evil.html, plain.html, "{text:?}\n{markdown}");
        assert_eq!(evil.links, plain.links, "{text:?}\n{markdown}");
        assert_eq!(pings(&evil.text), [""; 0], "{text:?}\n{markdown}");
        // It is all there: nothing was lost to a tag or a reference.
        let shown = clean(&text);
        let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        let read = evil.text.replace('\u{200b}', "");
        assert!(read.contains(&shown), "{shown:?} of {text:?}\n{markdown}");
        assert!(
            evil.code.contains(clean(&text).trim_end()),
            "{text:?}\n{markdown}"
        );
    }
}

#[test]
fn only_addresses_become_links() {
    assert_eq!(
        link("https://github.com/harvester/harvester/issues/7874"),
        "<https://github.com/harvester/harvester/issues/7874>"
    );
    for text in ["javascript:x", "https://x> <script>", "https://x`y"] {
        assert!(link(text).starts_with('`'), "{text}");
    }
    assert_eq!(code("a`b"), "``a`b``");
    assert_eq!(code("`"), "`` ` ``");
}

/// So many diagnoses, each with so many lines of evidence.
fn giant(diagnoses: usize, evidence: usize) -> Report {
    let findings = (0..diagnoses).map(|number| {
        let lines = (0..evidence).map(|line| Evidence {
            path: format!("logs/longhorn-system/longhorn-manager-{number}/longhorn-manager.log"),
            line: Some(line as u32 + 1),
            // Other words in each line: what differs in numbers alone is folded.
            text: Some(format!(
                "evidence {number}.{line} <`{}>",
                char::from(b'g' + line as u8 % 20).to_string().repeat(300)
            )),
            ..Evidence::default()
        });
        finding(&format!("rule-{number:04}"), "node", Severity::Critical)
            .titled(&format!("Cause {number:04} of a long list"))
            .saying(&format!(
                "What is wrong is told in a sentence or two, {number} times."
            ))
            .on_node(&format!("harv-{number}"))
            .shown_by(lines.collect())
            .mended_by(vec![step(
                &format!("Mend {number:04}."),
                Some(&format!("kubectl x {number}")),
                Risk::Safe,
            )])
    });
    let tool = Tool::new(RuleSetInfo {
        count: 3,
        digest: String::new(),
    });
    Report::new(tool, Facts::default(), findings.collect(), &[])
}

fn count(text: &str, what: &str) -> usize {
    text.matches(what).count()
}

#[test]
fn what_is_too_long_loses_evidence_first_then_the_last_diagnoses() {
    let whole = written(&giant(5, 3), ALL);
    assert!(!whole.contains("Cut to what") && count(&whole, "evidence ") == 15);

    // Evidence goes, from the end; every diagnosis stays.
    let shorter = written(&giant(30, 20), ALL);
    assert!(
        shorter.len() <= LIMIT && shorter.len() > LIMIT * 3 / 4,
        "{}",
        shorter.len()
    );
    assert_eq!(count(&shorter, "\n#### "), 30);
    assert_eq!(count(&shorter, "\n**30.** Mend"), 1);
    assert!(shorter.contains("> Cut to what an issue on GitHub may hold: "));
    assert!(shorter.contains("diagnoses with less evidence"));
    let of = |number: usize| count(&shorter, &format!("evidence {number}."));
    let shown: Vec<usize> = (0..30).map(of).collect();
    assert!(shown.is_sorted_by(|one, other| one >= other), "{shown:?}");
    assert!(shown.iter().all(|lines| *lines >= 1), "{shown:?}");
    assert!(shown.iter().sum::<usize>() < 600);

    // Of too many the last go, and their steps with them; the first keep their evidence.
    let fewer = written(&giant(2000, 20), ALL);
    assert!(
        fewer.len() <= LIMIT && fewer.len() > LIMIT * 3 / 4,
        "{}",
        fewer.len()
    );
    let heads = count(&fewer, "\n#### ");
    assert!((20..2000).contains(&heads), "{heads}");
    for number in 0..heads {
        assert_eq!(count(&fewer, &format!("Cause {number:04} ")), 1);
    }
    assert_eq!(count(&fewer, "evidence 0."), 1);
    assert!(fewer.contains("diagnoses left out") && fewer.contains("left out of the plan"));

    for markdown in [whole, shorter, fewer] {
        let page = page(&markdown);
        let opened = page
            .html
            .iter()
            .filter(|html| html.starts_with("<details>"));
        let closed = page.html.iter().filter(|html| *html == "</details>");
        assert_eq!(opened.count(), closed.count());
    }
}

#[test]
fn lines_that_say_the_same_are_told_once() {
    let mut report = giant(1, 0);
    report.findings[0].evidence = ["reset port 1", "reset port 2", "gave up", "reset port 3"]
        .iter()
        .zip(1..)
        .map(|(text, line)| Evidence {
            path: "kernel.log".into(),
            line: Some(line),
            text: Some((*text).into()),
            ..Evidence::default()
        })
        .collect();
    let text = written(&report, ALL);
    assert!(text.contains("Evidence: 4 places"), "{text}");
    assert!(
        text.contains("kernel.log:1 and 2 like it  reset port 1"),
        "{text}"
    );
    assert!(text.contains("kernel.log:3  gave up"), "{text}");
    assert!(
        !text.contains("reset port 2") && !text.contains(" more"),
        "{text}"
    );
}

#[test]
fn whatever_is_long_the_limit_holds() {
    let long = "&@#|".repeat(30_000);
    let mut report = filled_with(&long);
    report.verdict.facts = vec!["fact".into(); 5_000];
    assert!(written(&report, ALL).len() <= LIMIT);
    let mut report = samples::stuck_upgrade();
    report.verdict.facts = vec!["fact ".repeat(20); 5_000];
    report.coverage.problems = vec![report.coverage.problems[0].clone(); 50_000];
    let markdown = written(&report, ALL);
    assert!(markdown.len() <= LIMIT);
    assert_eq!(
        count(&markdown, "\n#### "),
        count(&written(&samples::stuck_upgrade(), ALL), "\n#### ")
    );
}

#[test]
fn markdown_reads_well() {
    insta::with_settings!({ snapshot_path => "../../../testdata/snapshots/report", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("stuck-upgrade-markdown", written(&samples::stuck_upgrade(), MarkdownOptions::default()));
        insta::assert_snapshot!("nothing-found-markdown", written(&samples::nothing_found(), MarkdownOptions::default()));
    });
}
