//! Writes why a rule fired or not, for the rule's author.

use std::io::{self, Write};

use super::mask;
use crate::diagnosis::wording;
use crate::evaluate::trace::{
    BindingTrace, End, ExceptionTrace, Kept, LogTrace, Nearest, RowsTrace, Trace, VersionTrace,
};

/// Writes traces as plain text, one after the other.
///
/// # Errors
/// If `out` fails.
pub fn write(traces: &[Trace], out: &mut dyn Write) -> io::Result<()> {
    for (index, trace) in traces.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        write_one(trace, out)?;
    }
    Ok(())
}

/// Hides the secrets that a trace quotes from a bundle, as [`mask::mask`] does for a report.
pub fn mask(trace: &mut Trace) {
    for binding in &mut trace.bindings {
        let row = match &mut binding.kept {
            None => continue,
            Some(Kept::There { element, row }) => {
                mask::string(element);
                row
            }
            Some(Kept::Nearest(nearest)) => {
                nearest.candidate.iter_mut().for_each(mask::string);
                for side in &mut nearest.sides {
                    mask::value(&side.text.replace(['\'', '"'], ""), &mut side.value);
                }
                &mut nearest.row
            }
        };
        for (name, value) in row {
            mask::value(name, value);
        }
    }
    for exception in &mut trace.exceptions {
        exception.reason.iter_mut().for_each(mask::string);
    }
}

fn write_one(trace: &Trace, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}  {}", trace.rule, trace.file)?;
    match &trace.end {
        End::LeftOut(reason) => return writeln!(out, "  did not run: {reason}"),
        _ => {
            for check in &trace.versions {
                writeln!(out, "  versions  {}", version_text(check))?;
            }
        }
    }
    match &trace.end {
        End::OutsideVersions => {
            return writeln!(out, "  did not run: the bundle is not of these versions");
        }
        End::Ran { lowered: true } => writeln!(
            out,
            "  runs all the same (outside: lower), with confidence possible"
        )?,
        _ => {}
    }
    if let Some(reason) = &trace.partly {
        writeln!(out, "  requires  {reason}")?;
    }
    for log in &trace.logs {
        write_log(trace, log, out)?;
    }
    if let End::NotEvaluated(reason) = &trace.end {
        return writeln!(out, "  not evaluated: {reason}");
    }
    let mut reached = true;
    for (at, binding) in trace.bindings.iter().enumerate() {
        if reached && binding.entered == 0 {
            writeln!(out, "  no row came further:")?;
        }
        reached = binding.entered > 0;
        write_binding(trace, binding, out)?;
        if let End::Stopped { binding, budget } = trace.end
            && binding == at
        {
            let budget = wording::grouped(budget);
            return writeln!(
                out,
                "  stopped here: a rule may look at {budget} elements; its findings were dropped"
            );
        }
    }
    for exception in &trace.exceptions {
        write_exception(trace, exception, out)?;
    }
    writeln!(out, "  {}", outcome(&trace.rows))
}

fn version_text(check: &VersionTrace) -> String {
    let VersionTrace {
        of, range, known, ..
    } = check;
    if known.is_empty() {
        return format!("{of} {range}: the bundle's is unknown, which fits");
    }
    let fits = if check.fits {
        "which fits"
    } else {
        "which does not fit"
    };
    format!(
        "{of} {range}: the bundle's is {}, {fits}",
        wording::list(known, "or")
    )
}

fn write_log(trace: &Trace, log: &LogTrace, out: &mut dyn Write) -> io::Result<()> {
    let tally = &log.tally;
    let sources = wording::list(&log.sources, "or");
    writeln!(
        out,
        "  {}:{}  logs.{} from {sources}",
        trace.file, log.line, log.name
    )?;
    if tally.files == 0 {
        return writeln!(out, "      no such file in the bundle");
    }
    let times = match (tally.first, tally.last) {
        (Some(first), Some(last)) if first != last => format!(
            ", {} to {}",
            first.strftime("%Y-%m-%d %H:%M:%S"),
            last.strftime("%Y-%m-%d %H:%M:%S UTC")
        ),
        (Some(time), _) | (_, Some(time)) => {
            format!(", at {}", time.strftime("%Y-%m-%d %H:%M:%S UTC"))
        }
        (None, None) => String::new(),
    };
    writeln!(
        out,
        "      {}, {} in {}{times}",
        wording::count(tally.files, "file"),
        wording::count(tally.hits, "hit"),
        wording::count(tally.groups, "record"),
    )?;
    let thresholds = &log.thresholds;
    let stated = |text: &Option<String>| text.clone().unwrap_or_default();
    let lost = [
        (
            tally.unfit,
            "line".to_owned(),
            "for which `where` does not hold".to_owned(),
        ),
        (
            tally.old,
            "line".to_owned(),
            format!("older than `since: {}`", stated(&thresholds.since)),
        ),
        (
            tally.few,
            "record".to_owned(),
            format!("without `count: {}`", thresholds.count),
        ),
        (
            tally.ended,
            "record".to_owned(),
            format!(
                "not within `still: {}` of the end",
                stated(&thresholds.still)
            ),
        ),
    ];
    let lost: Vec<String> = lost
        .iter()
        .filter(|(number, ..)| *number > 0)
        .map(|(number, noun, why)| format!("{} {why}", wording::count(*number, noun)))
        .collect();
    if lost.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "      left out: {}; left: {}",
        lost.join(", "),
        wording::count(log.records, "record")
    )
}

fn write_binding(trace: &Trace, binding: &BindingTrace, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "  {}:{}  {}", trace.file, binding.line, binding.text)?;
    if binding.entered == 0 {
        return Ok(());
    }
    let rows = format!(
        "{} → {}",
        wording::count(binding.entered, "row"),
        wording::grouped(binding.left)
    );
    // What binds and tests no element looks at none.
    if binding.text.starts_with("let ") || binding.text.starts_with("when ") {
        writeln!(out, "      {rows}")?;
    } else {
        writeln!(
            out,
            "      {rows}, {} looked at, {} fit",
            wording::count(binding.looked, "element"),
            wording::grouped(binding.fitted)
        )?;
    }
    if binding.doubtful > 0 {
        let number = wording::grouped(binding.doubtful);
        writeln!(out, "      {number} not decided: data is missing")?;
    }
    if let Some(reason) = &binding.nothing {
        writeln!(out, "      {reason}")?;
    }
    match &binding.kept {
        None => Ok(()),
        Some(Kept::There { element, row }) => {
            writeln!(out, "      there is {element}{}", row_text(row))
        }
        Some(Kept::Nearest(nearest)) => write_nearest(trace, nearest, out),
    }
}

fn write_nearest(trace: &Trace, nearest: &Nearest, out: &mut dyn Write) -> io::Result<()> {
    let candidate = nearest.candidate.as_deref().unwrap_or("the row");
    writeln!(
        out,
        "      nearest: {candidate}{}, {} of {} hold",
        row_text(&nearest.row),
        nearest.passed,
        wording::count(nearest.of, "condition"),
    )?;
    writeln!(
        out,
        "      false, {}:{}  {}",
        trace.file, nearest.line, nearest.conjunct
    )?;
    for side in &nearest.sides {
        writeln!(out, "          {} = {}", side.text, side.value)?;
    }
    Ok(())
}

/// ` (pod = Pod/default/a, node = Node/n1)`.
fn row_text(row: &[(String, String)]) -> String {
    if row.is_empty() {
        return String::new();
    }
    let names: Vec<String> = row
        .iter()
        .map(|(name, value)| format!("{name} = {value}"))
        .collect();
    format!(" ({})", names.join(", "))
}

fn write_exception(
    trace: &Trace,
    exception: &ExceptionTrace,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(
        out,
        "  {}:{}  unless {}",
        trace.file, exception.line, exception.text
    )?;
    match &exception.reason {
        None => writeln!(out, "      excuses no row"),
        Some(reason) => writeln!(
            out,
            "      excuses {}: {reason}",
            wording::count(exception.rows, "row")
        ),
    }
}

fn outcome(rows: &RowsTrace) -> String {
    let mut parts = vec![match rows.rows {
        0 => "no finding: no row was left".to_owned(),
        number => format!(
            "{} from {}",
            wording::count(rows.findings, "finding"),
            wording::count(number, "row")
        ),
    }];
    let more = [
        (rows.suppressed, "suppressed".to_owned()),
        (
            rows.folded,
            "folded into another of the same key".to_owned(),
        ),
        (rows.unshown, "without evidence".to_owned()),
        (
            rows.over_limit,
            format!(
                "beyond the limit of {}",
                wording::count(rows.limit, "finding")
            ),
        ),
    ];
    let more = more.iter().filter(|(number, _)| *number > 0);
    parts.extend(more.map(|(number, what)| format!("{} {what}", wording::grouped(*number))));
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::trace::{LogThresholds, Side};
    use crate::scan::Tally;

    fn binding(text: &str, counts: [u64; 4], kept: Option<Kept>) -> BindingTrace {
        let [entered, looked, fitted, left] = counts;
        BindingTrace {
            line: 7,
            text: text.to_owned(),
            entered,
            looked,
            fitted,
            left,
            doubtful: 0,
            nothing: None,
            kept,
        }
    }

    fn sample() -> Trace {
        let side = |text: &str, value: &str| Side {
            text: text.to_owned(),
            value: value.to_owned(),
        };
        let row = vec![("n".to_owned(), "Node/n1".to_owned())];
        let nearest = Nearest {
            candidate: Some("Secret/default/s".to_owned()),
            row: row.clone(),
            passed: 1,
            of: 2,
            line: 8,
            conjunct: "it.data.password == b64text(it.data['token'])".to_owned(),
            sides: vec![
                side("it.data.password", "\"hunter2\""),
                side("b64text(it.data['token'])", "\"token=abc\""),
                side("it.metadata.name", "\"s\""),
            ],
        };
        let there = Kept::There {
            element: "\"https://user:pass@host/\"".to_owned(),
            row,
        };
        Trace {
            rule: "r".to_owned(),
            file: "r.yaml".to_owned(),
            end: End::Ran { lowered: false },
            versions: vec![VersionTrace {
                of: "longhorn",
                range: ">=1.5".to_owned(),
                known: Vec::new(),
                fits: true,
            }],
            partly: None,
            logs: vec![LogTrace {
                name: "l".to_owned(),
                line: 3,
                sources: vec!["node/kernel".to_owned(), "node/kubelet".to_owned()],
                tally: Tally {
                    files: 1,
                    hits: 126_042,
                    old: 1,
                    unfit: 2,
                    groups: 3,
                    few: 2,
                    ended: 0,
                    first: "2025-03-17T09:12:44Z".parse().ok(),
                    last: None,
                },
                thresholds: LogThresholds {
                    count: "3 within 10m".to_owned(),
                    since: Some("1h".to_owned()),
                    still: None,
                },
                records: 1,
            }],
            bindings: vec![
                binding("each n in Node", [1, 2, 2, 2], None),
                binding("none s in Secret", [2, 5, 2, 0], Some(there)),
                binding(
                    "each s in Secret where …",
                    [2, 9, 0, 0],
                    Some(Kept::Nearest(nearest)),
                ),
                binding("let x = 1", [0, 0, 0, 0], None),
                binding("when x > 1", [0, 0, 0, 0], None),
            ],
            exceptions: vec![
                ExceptionTrace {
                    line: 9,
                    text: "when true".to_owned(),
                    rows: 2,
                    reason: Some("password=hunter2 is old".to_owned()),
                },
                ExceptionTrace {
                    line: 10,
                    text: "when false".to_owned(),
                    rows: 0,
                    reason: None,
                },
            ],
            rows: RowsTrace {
                rows: 9,
                findings: 2,
                suppressed: 1,
                folded: 3,
                unshown: 0,
                over_limit: 4,
                limit: 2,
            },
        }
    }

    fn text(trace: &Trace) -> String {
        let mut out = Vec::new();
        write(std::slice::from_ref(trace), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_trace_is_plain_text_without_secrets() {
        let mut trace = sample();
        assert!(text(&trace).contains("it.data.password = \"hunter2\""));
        mask(&mut trace);
        assert_eq!(
            text(&trace),
            "\
r  r.yaml
  versions  longhorn >=1.5: the bundle's is unknown, which fits
  r.yaml:3  logs.l from node/kernel or node/kubelet
      1 file, 126,042 hits in 3 records, at 2025-03-17 09:12:44 UTC
      left out: 2 lines for which `where` does not hold, 1 line older than `since: 1h`, 2 records without `count: 3 within 10m`; left: 1 record
  r.yaml:7  each n in Node
      1 row → 2, 2 elements looked at, 2 fit
  r.yaml:7  none s in Secret
      2 rows → 0, 5 elements looked at, 2 fit
      there is \"https://***@host/\" (n = Node/n1)
  r.yaml:7  each s in Secret where …
      2 rows → 0, 9 elements looked at, 0 fit
      nearest: Secret/default/s (n = Node/n1), 1 of 2 conditions hold
      false, r.yaml:8  it.data.password == b64text(it.data['token'])
          it.data.password = ***
          b64text(it.data['token']) = \"token=***\"
          it.metadata.name = \"s\"
  no row came further:
  r.yaml:7  let x = 1
  r.yaml:7  when x > 1
  r.yaml:9  unless when true
      excuses 2 rows: password=*** is old
  r.yaml:10  unless when false
      excuses no row
  2 findings from 9 rows, 1 suppressed, 3 folded into another of the same key, 4 beyond the limit of 2 findings
"
        );
    }

    #[test]
    fn a_rule_that_did_not_finish_says_how_far_it_came() {
        let end = |end: End| Trace { end, ..sample() };
        let needs = "needs Node, which was not collected".to_owned();
        for (trace, last, tells_bindings) in [
            (
                end(End::LeftOut("no --only names it".to_owned())),
                "  did not run: no --only names it",
                false,
            ),
            (
                end(End::OutsideVersions),
                "  did not run: the bundle is not of these versions",
                false,
            ),
            (
                end(End::NotEvaluated(needs)),
                "  not evaluated: needs Node, which was not collected",
                false,
            ),
            (
                end(End::Stopped {
                    binding: 1,
                    budget: 1_000_000,
                }),
                "  stopped here: a rule may look at 1,000,000 elements; its findings were dropped",
                true,
            ),
        ] {
            let text = text(&trace);
            assert_eq!(text.lines().last(), Some(last));
            assert_eq!(text.contains("none s in Secret"), tells_bindings);
            assert!(!text.contains("each s in Secret"));
        }
    }
}
