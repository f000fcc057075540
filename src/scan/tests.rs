//! The scan as a whole: every key of a matcher, and equality with trying each regex on each line.

use super::*;
use crate::testing::Random;

const NOW: &str = "2022-03-22T12:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn read(pattern: &str) -> Arc<Pattern> {
    Arc::new(Pattern::read(pattern).unwrap())
}

fn spec(source: &str, pattern: &str) -> MatcherSpec {
    MatcherSpec {
        sources: vec![SourceSpec::parse(source).unwrap()],
        patterns: vec![read(pattern)],
        ..MatcherSpec::default()
    }
}

fn pod_log(pod: &str, previous: bool) -> Source {
    let namespace = "kube-system".to_owned();
    Source::PodLog {
        namespace,
        pod: pod.to_owned(),
        container: "c".to_owned(),
        previous,
    }
}

fn node_log(node: &str, file: &str) -> Source {
    Source::NodeFile {
        node: node.to_owned(),
        path: format!("logs/{file}"),
    }
}

fn path_of(source: &Source) -> String {
    match source {
        Source::PodLog {
            namespace,
            pod,
            container,
            previous,
        } => {
            let suffix = if *previous { ".1" } else { "" };
            format!("logs/{namespace}/{pod}/{container}.log{suffix}")
        }
        Source::NodeFile { node, path } => format!("nodes/{node}/{path}"),
        other => format!("{other:?}"),
    }
}

/// Lines at minutes and seconds after 11:00, as kubelet writes them.
fn pod_lines(lines: &[(&str, &str)]) -> String {
    let line = |(at, text): &(&str, &str)| format!("2022-03-22T11:{at}.000000000Z {text}\n");
    lines.iter().map(line).collect()
}

fn run(specs: Vec<MatcherSpec>, files: &[(Source, String)]) -> Hits {
    let scanner = Scanner::new(specs);
    // Against the order of paths: the outcome must not depend on who came first.
    let scans = files.iter().rev().map(|(source, text)| {
        let path = path_of(source);
        let (bytes, now) = (text.as_bytes(), Some(now()));
        scanner.scan(&ScanInput {
            path: &path,
            source,
            bytes,
            modified: None,
            now,
        })
    });
    scanner.finish(scans.collect(), now())
}

/// The records of one matcher over one pod's log.
fn records(spec: MatcherSpec, lines: &[(&str, &str)]) -> Vec<LogRecord> {
    run(vec![spec], &[(pod_log("p", false), pod_lines(lines))])
        .records(0)
        .to_vec()
}

fn texts(hits: &[LogHit]) -> Vec<u32> {
    hits.iter().map(|hit| hit.line).collect()
}

#[test]
fn folds_by_group_and_counts_exactly() {
    let matcher = MatcherSpec {
        group: vec!["dev".into()],
        sample: 2,
        ..spec(
            "pod/*/*/*",
            r"^error on (?P<dev>sd[a-z]), sector (?P<sector>\d+)$",
        )
    };
    let lines = [
        ("00:00", "error on sdb, sector 1"),
        ("00:01", "error on sda, sector 2"),
        ("00:02", "no error on sda, sector 3"),
        ("00:03", "error on sdb, sector 4"),
        ("00:04", "error on sdb, sector 5"),
        ("00:05", "error on sdb, sector 5"),
    ];
    let records = records(matcher, &lines);
    let short = |record: &LogRecord| {
        (
            record.fields["dev"].clone(),
            record.count,
            texts(&record.samples),
        )
    };
    assert_eq!(
        records.iter().map(short).collect::<Vec<_>>(),
        [
            ("sda".to_owned(), 1, vec![2]),
            ("sdb".to_owned(), 4, vec![1, 4, 6]),
        ]
    );
    let sdb = &records[1];
    assert_eq!((sdb.first.line, sdb.last.line), (1, 6));
    assert_eq!(
        sdb.first.time,
        Some("2022-03-22T11:00:00Z".parse().unwrap())
    );
    assert_eq!(
        sdb.first.text,
        "2022-03-22T11:00:00.000000000Z error on sdb, sector 1"
    );
    assert_eq!(sdb.last.captures["sector"], "5");
    assert_eq!(sdb.pod.as_deref(), Some("p"));
    assert_eq!(
        (sdb.node.as_deref(), sdb.cleared, sdb.held_since),
        (None, false, None)
    );
}

#[test]
fn folds_across_files_by_the_group_alone() {
    let line = |at, text| pod_lines(&[(at, text)]);
    let files = [
        (pod_log("a", true), line("00:00", "refused by node1")),
        (pod_log("a", false), line("00:10", "refused by node1")),
        (pod_log("b", false), line("00:05", "refused by node1")),
    ];
    let matcher = |group: &[&str]| MatcherSpec {
        group: group.iter().map(|field| (*field).into()).collect(),
        ..spec("pod/kube-system/*/c", r"refused by (?P<by>\S+)")
    };
    let hits = run(
        vec![
            matcher(&["by"]),
            matcher(&["pod", "by"]),
            matcher(&["file"]),
            matcher(&["node"]),
        ],
        &files,
    );
    let [one] = hits.records(0) else {
        panic!("one record")
    };
    assert_eq!(
        (one.count, one.pod.as_deref(), one.container.as_deref()),
        (3, None, Some("c"))
    );
    assert_eq!(one.first.path, "logs/kube-system/a/c.log.1");
    assert_eq!(one.last.path, "logs/kube-system/a/c.log");
    let paths: Vec<&str> = one
        .samples
        .iter()
        .map(|sample| sample.path.as_str())
        .collect();
    assert_eq!(
        paths,
        [
            "logs/kube-system/a/c.log.1",
            "logs/kube-system/b/c.log",
            "logs/kube-system/a/c.log"
        ]
    );
    let counts = |matcher| {
        hits.records(matcher)
            .iter()
            .map(|record| record.count)
            .collect::<Vec<_>>()
    };
    assert_eq!(counts(1), [2, 1]);
    assert_eq!(counts(2), [1, 1, 1]);
    // The node of a pod log is not known: the pod stands in.
    assert_eq!(counts(3), [2, 1]);
    assert_eq!(hits.records(1)[0].pod.as_deref(), Some("a"));
    let files: Vec<&str> = hits.files().iter().map(|file| file.path.as_str()).collect();
    assert_eq!(
        files,
        [
            "logs/kube-system/a/c.log.1",
            "logs/kube-system/a/c.log",
            "logs/kube-system/b/c.log"
        ]
    );
}

#[test]
fn nodes_are_told_apart_where_the_group_says_so() {
    let line = "Mar 22 11:00:00 x kernel: I/O error, dev sda, sector 1\n".to_owned();
    let files = [
        (node_log("node1", "kernel.log"), line.clone()),
        (node_log("node2", "kernel.log"), line),
    ];
    let matcher = |group: &[&str]| MatcherSpec {
        group: group.iter().map(|field| (*field).into()).collect(),
        ..spec("node/kernel", r"I/O error, dev (?P<dev>sd[a-z]+)")
    };
    let hits = run(vec![matcher(&["node", "dev"]), matcher(&["dev"])], &files);
    let nodes: Vec<_> = hits
        .records(0)
        .iter()
        .map(|record| record.node.as_deref())
        .collect();
    assert_eq!(nodes, [Some("node1"), Some("node2")]);
    assert_eq!(hits.records(1).len(), 1);
    assert_eq!(
        (hits.records(1)[0].node.as_deref(), hits.records(1)[0].count),
        (None, 2)
    );
}

#[test]
fn any_counts_a_line_once_and_the_first_pattern_gives_captures() {
    let matcher = MatcherSpec {
        patterns: vec![
            read(r"level=(?P<what>error)"),
            read(r"(?P<what>msg)=broken"),
        ],
        not: Some(read("harmless")),
        group: vec!["what".into()],
        ..spec("pod/*/*/*", "x")
    };
    let lines = [
        ("00:00", "level=error msg=broken"),
        ("00:01", "level=info msg=broken"),
        ("00:02", "level=error msg=harmless"),
        ("00:03", "level=info msg=fine"),
    ];
    let records = records(matcher, &lines);
    let short: Vec<_> = records
        .iter()
        .map(|record| (record.fields["what"].as_str(), record.count))
        .collect();
    assert_eq!(short, [("error", 1), ("msg", 1)]);
}

#[test]
fn counts_within_some_stretch() {
    let hits = |times: &[&str]| {
        times
            .iter()
            .map(|at| ((*at).to_owned(), "boom now"))
            .collect::<Vec<_>>()
    };
    for (times, min, within, kept) in [
        (&["00:00", "01:00", "02:00"][..], 3, 120, true),
        (&["00:00", "01:00", "02:01"], 3, 120, false),
        (&["00:00", "10:00", "10:30", "11:00", "20:00"], 3, 60, true),
        (&["10:30", "00:00", "11:00", "20:00", "10:00"], 3, 60, true),
        (&["10:30", "00:00", "11:01", "20:00", "10:00"], 3, 60, false),
        (&["00:00"], 1, 0, true),
        (&["00:00", "00:00"], 2, 0, true),
        (&["00:00", "00:01"], 2, 0, false),
    ] {
        let matcher = MatcherSpec {
            count: CountSpec {
                min,
                within: Some(SignedDuration::from_secs(within)),
            },
            ..spec("pod/*/*/*", "boom now")
        };
        let lines = hits(times);
        let lines: Vec<_> = lines
            .iter()
            .map(|(at, text)| (at.as_str(), *text))
            .collect();
        let found = records(matcher, &lines);
        assert_eq!(found.len(), usize::from(kept), "{times:?}");
        assert!(
            found
                .iter()
                .all(|record| record.count == times.len() as u64)
        );
    }
    let matcher = || MatcherSpec {
        count: CountSpec {
            min: 3,
            within: None,
        },
        ..spec("pod/*/*/*", "boom now")
    };
    assert_eq!(
        records(matcher(), &[("00:00", "boom now"), ("09:00", "boom now")]).len(),
        0
    );
    assert_eq!(records(matcher(), &[("00:00", "boom now"); 3]).len(), 1);
}

#[test]
fn counts_within_a_stretch_that_two_files_share() {
    let matcher = MatcherSpec {
        count: CountSpec {
            min: 3,
            within: Some(SignedDuration::from_secs(60)),
        },
        group: vec!["namespace".into()],
        ..spec("pod/*/*/*", "boom now")
    };
    let files = [
        (
            pod_log("a", false),
            pod_lines(&[("00:00", "boom now"), ("00:40", "boom now")]),
        ),
        (pod_log("b", false), pod_lines(&[("00:20", "boom now")])),
    ];
    assert_eq!(run(vec![matcher], &files).records(0).len(), 1);
}

#[test]
fn since_takes_young_lines_only() {
    let matcher = MatcherSpec {
        since: Some(SignedDuration::from_mins(10)),
        ..spec("pod/*/*/*", "boom now")
    };
    let lines = [
        ("49:59", "boom now"),
        ("50:00", "boom now"),
        ("59:00", "boom now"),
    ];
    let mut text = pod_lines(&lines);
    text.push_str("boom now, at an unknown time\n");
    let hits = run(vec![matcher], &[(pod_log("p", false), text)]);
    assert_eq!(hits.records(0)[0].count, 2);
    assert_eq!(hits.records(0)[0].first.line, 2);
}

#[test]
fn still_measures_the_final_run() {
    let waiting = |steady: bool| MatcherSpec {
        still: Some(SignedDuration::from_mins(2)),
        steady: if steady { vec!["n".into()] } else { Vec::new() },
        ..spec("pod/*/*/*", r"waiting for (?P<n>\d+) VMs")
    };
    let three = "waiting for 3 VMs";
    let two = "waiting for 2 VMs";
    for (name, steady, lines, held) in [
        (
            "goes on",
            false,
            vec![("56:00", three), ("58:00", three), ("59:30", three)],
            Some(("56:00", 210)),
        ),
        (
            "ended",
            false,
            vec![("50:00", three), ("57:59", three)],
            None,
        ),
        (
            "a gap starts it anew",
            false,
            vec![("50:00", three), ("58:00", three), ("59:00", three)],
            Some(("58:00", 60)),
        ),
        (
            "one line",
            false,
            vec![("59:00", three)],
            Some(("59:00", 0)),
        ),
        (
            "other values do not matter",
            false,
            vec![("57:00", three), ("58:00", two), ("59:00", two)],
            Some(("57:00", 120)),
        ),
        (
            "a changed value starts it anew",
            true,
            vec![("57:00", three), ("58:00", two), ("59:00", two)],
            Some(("58:00", 60)),
        ),
        (
            "a value that comes back",
            true,
            vec![("57:00", two), ("58:00", three), ("59:00", two)],
            Some(("59:00", 0)),
        ),
    ] {
        let found = records(waiting(steady), &lines);
        let time = |at: &str| Some(format!("2022-03-22T11:{at}Z").parse::<Timestamp>().unwrap());
        let told = found
            .first()
            .map(|record| (record.held_since, record.held_for));
        let expected =
            held.map(|(since, seconds)| (time(since), Some(SignedDuration::from_secs(seconds))));
        assert_eq!(told, expected, "{name}");
        assert!(
            found
                .iter()
                .all(|record| record.count == lines.len() as u64)
        );
    }
}

#[test]
fn a_run_goes_on_from_the_previous_containers_log() {
    let matcher = MatcherSpec {
        still: Some(SignedDuration::from_mins(2)),
        group: vec!["pod".into()],
        ..spec("pod/*/*/*", "waiting for it")
    };
    let files = [
        (
            pod_log("p", true),
            pod_lines(&[
                ("50:00", "waiting for it"),
                ("55:00", "waiting for it"),
                ("56:30", "waiting for it"),
            ]),
        ),
        (
            pod_log("p", false),
            pod_lines(&[("58:00", "waiting for it"), ("59:59", "waiting for it")]),
        ),
    ];
    let hits = run(vec![matcher], &files);
    assert_eq!(
        hits.records(0)[0].held_since,
        Some("2022-03-22T11:55:00Z".parse().unwrap())
    );
    assert_eq!(hits.records(0)[0].count, 5);
}

#[test]
fn the_last_event_clears_or_not() {
    let matcher = || MatcherSpec {
        clear: Some(read(r"link (?P<dev>\w+) is up")),
        group: vec!["dev".into()],
        ..spec("pod/*/*/*", r"link (?P<dev>\w+) is down")
    };
    let lines = [
        ("00:00", "link eth0 is down"),
        ("00:01", "link eth0 is up"),
        ("00:02", "link eth1 is up"),
        ("00:03", "link eth1 is down"),
        ("00:04", "link eth2 is up"),
    ];
    let short = |records: &[LogRecord]| {
        records
            .iter()
            .map(|record| (record.fields["dev"].clone(), record.cleared, record.count))
            .collect::<Vec<_>>()
    };
    let expected = [("eth0".to_owned(), true, 1), ("eth1".to_owned(), false, 1)];
    assert_eq!(short(&records(matcher(), &lines)), expected);
    let files = [
        (
            pod_log("p", true),
            pod_lines(&[("00:00", "link eth0 is down"), ("00:01", "link eth1 is up")]),
        ),
        (
            pod_log("p", false),
            pod_lines(&[("00:02", "link eth0 is up"), ("00:03", "link eth1 is down")]),
        ),
    ];
    assert_eq!(short(run(vec![matcher()], &files).records(0)), expected);
}

#[test]
fn measures_captures() {
    let matcher = MatcherSpec {
        measure: BTreeMap::from([
            ("took".into(), Measure::Duration),
            ("size".into(), Measure::Bytes),
        ]),
        ..spec("pod/*/*/*", r"took (?P<took>\S+)( for (?P<size>\S+))?")
    };
    let lines = [
        ("00:00", "took 500ms"),
        ("00:01", "took 1.5s for 2Ki"),
        ("00:02", "took ages for 1Ki"),
    ];
    let found = records(matcher, &lines);
    assert_eq!(
        found[0].measures["took"],
        Measured {
            min: 0.5,
            max: 1.5,
            sum: 2.0
        }
    );
    assert_eq!(
        found[0].measures["size"],
        Measured {
            min: 1024.0,
            max: 2048.0,
            sum: 3072.0
        }
    );
}

#[test]
fn conditions_see_the_hit() {
    let matcher = MatcherSpec {
        condition: Some(Box::new(|hit| {
            hit.captures["n"] != "0"
                && hit.node == Some("node1")
                && hit
                    .uptime
                    .is_some_and(|uptime| uptime >= SignedDuration::from_secs(60))
                && hit.text.starts_with("node1 kernel")
                && hit.line > 1
                && hit.time.is_some()
        })),
        ..spec("node/kernel", r"errors: (?P<n>\d+)")
    };
    let text = "Mar 22 11:00:00 node1 kernel: errors: 1\nMar 22 11:01:00 node1 kernel: errors: 1\nMar 22 11:02:00 node1 kernel: errors: 0\n";
    let hits = run(
        vec![matcher],
        &[(node_log("node1", "kernel.log"), text.to_owned())],
    );
    assert_eq!(texts(&hits.records(0)[0].samples), [2]);
}

#[test]
fn hits_without_a_stamp_belong_to_the_entry_above() {
    let text = "Mar 22 11:00:00 n rke2[1]: panic\n        goroutine one\n        goroutine two\nMar 22 11:01:00 n rke2[1]: next\n        goroutine three\n";
    let hits = run(
        vec![spec("node/rke2-server", "goroutine")],
        &[(node_log("n", "rke2-server.log"), text.to_owned())],
    );
    let record = &hits.records(0)[0];
    assert_eq!(record.count, 3);
    let times: Vec<_> = record
        .samples
        .iter()
        .map(|hit| hit.time.unwrap().to_string())
        .collect();
    assert_eq!(
        times,
        [
            "2022-03-22T11:00:00Z",
            "2022-03-22T11:00:00Z",
            "2022-03-22T11:01:00Z"
        ]
    );
}

#[test]
fn shapes_are_told_without_any_matcher() {
    let lines: Vec<(&str, &str)> = vec![("00:00", "first"); 30];
    let mut text = pod_lines(&lines);
    text.push_str("2022-03-22T11:59:00.000000000Z torn");
    let hits = run(
        Vec::new(),
        &[
            (pod_log("p", false), text.clone()),
            (pod_log("q", false), String::new()),
        ],
    );
    let [shape, empty] = hits.files() else {
        panic!("two files")
    };
    assert_eq!((shape.lines, shape.bytes), (31, text.len() as u64));
    assert_eq!(
        shape.first_time,
        Some("2022-03-22T11:00:00Z".parse().unwrap())
    );
    assert_eq!(
        shape.last_time,
        Some("2022-03-22T11:59:00Z".parse().unwrap())
    );
    assert_eq!(shape.tail.len(), 20);
    assert_eq!(
        shape.tail[19],
        (31, "2022-03-22T11:59:00.000000000Z torn".to_owned())
    );
    assert_eq!(shape.tail[0].0, 12);
    assert_eq!(
        (empty.lines, empty.tail.len(), empty.first_time),
        (0, 0, None)
    );
}

#[test]
fn bounds_hold() {
    let matcher = MatcherSpec {
        group: vec!["id".into()],
        ..spec("pod/*/*/*", r"request (?P<id>\d+)")
    };
    let text: String = (0..6000).map(|id| format!("request {id}\n")).collect();
    let hits = run(vec![matcher], &[(pod_log("p", false), text)]);
    assert_eq!(hits.records(0).len(), 5000);
    assert_eq!(hits.problems().count(), 1);
    // A line of many megabytes: matched at its front, kept in part.
    let text = format!(
        "{} needle {} needle late\n",
        "ä".repeat(3000),
        "x".repeat(70_000)
    );
    let hits = run(
        vec![
            spec("pod/*/*/*", "needle"),
            spec("pod/*/*/*", "needle late"),
        ],
        &[(pod_log("p", false), text)],
    );
    assert_eq!(hits.records(0)[0].count, 1);
    assert!(hits.records(0)[0].first.text.len() <= 4096);
    assert!(!hits.records(0)[0].first.text.contains('\u{FFFD}'));
    assert_eq!(hits.records(1), []);
}

/// Lines of each pattern by trying its regex on each line: count, first and last line.
fn naive(pattern: &str, source: &Source, bytes: &[u8]) -> Option<(u64, u32, u32)> {
    let log = crate::parse::line::Log::new(bytes, source, Some(now()));
    let regex = regex::bytes::RegexBuilder::new(pattern)
        .unicode(false)
        .build();
    let regex = regex
        .or_else(|_| regex::bytes::Regex::new(pattern))
        .unwrap();
    let mut found: Option<(u64, u32, u32)> = None;
    let mut start = 0;
    for (line, number) in bytes.split_inclusive(|byte| *byte == b'\n').zip(1u32..) {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        if let Some(range) = log.payload(start..start + text.len()) {
            let range = range.start..range.end.min(range.start + (64 << 10));
            if regex.is_match(&bytes[range]) {
                let (count, first, _) = found.unwrap_or((0, number, number));
                found = Some((count + 1, first, number));
            }
        }
        start += line.len();
    }
    found
}

fn agrees_with_naive(patterns: &[String], files: &[(Source, Vec<u8>)]) {
    let hosts = [
        "kernel",
        "kernel-previous",
        "rke2-server",
        "rke2-agent",
        "rancherd",
        "network",
    ];
    let more = [
        "rancher-system-agent",
        "kubelet",
        "containerd",
        "iscsid",
        "console",
    ];
    let any_log = || {
        let hosts = hosts.iter().chain(&more).map(|name| format!("node/{name}"));
        let names = hosts.chain(["pod/*/*/*".to_owned()]);
        names
            .map(|name| SourceSpec::parse(&name).unwrap())
            .collect::<Vec<_>>()
    };
    let specs = patterns.iter().map(|pattern| MatcherSpec {
        sources: any_log(),
        ..spec("node/kernel", pattern)
    });
    let scanner = Scanner::new(specs.collect());
    for (source, bytes) in files {
        let path = path_of(source);
        let scan = scanner.scan(&ScanInput {
            path: &path,
            source,
            bytes,
            modified: None,
            now: Some(now()),
        });
        let hits = scanner.finish(vec![scan], now());
        for (matcher, pattern) in patterns.iter().enumerate() {
            // By position, not by time: random lines have none, real ones are in order.
            let told = hits.records(matcher).first().map(|record| {
                let lines = record.samples.iter().map(|hit| hit.line);
                (record.count, lines.min().unwrap(), record.samples[0].line)
            });
            let expected =
                naive(pattern, source, bytes).map(|(count, first, _)| (count, first, first));
            assert_eq!(told, expected, "{pattern} in {path}");
        }
    }
}

#[test]
fn random_lines_give_what_each_regex_gives() {
    let patterns: Vec<String> = [
        r"EXT4-fs error \(device (?P<dev>sd[a-z]+)\)",
        r"(?i)connection REFUSED",
        r"^level=(error|fatal)",
        r"md\d+: x",
        r"\boom-kill\b",
        r"^\s*\d+ lost",
        r"timed? out$",
        r"[Ee]rror: \S+",
        r"a.?b.?c",
        r"naïve",
        r"\pL+=\d",
    ]
    .map(str::to_owned)
    .to_vec();
    let words = [
        "EXT4-fs error (device sda)",
        "ext4-fs ERROR (device sda)",
        "connection refused",
        "Connection",
        "level=error",
        "level=info",
        "md0: x",
        "oom-kill",
        "oom-killer",
        "time out",
        "timed out",
        "error: x",
        "Error: ",
        "abc",
        "a.b-c",
        "naïve",
        "é=1",
        "12 lost",
        " ",
        "\t",
        "\u{0}",
        "2022-03-22T11:00:00.000000000Z ",
        "Mar 22 11:00:00 n kernel: ",
        "-- Boot x --",
        "\r",
        "I0322 11:00:00.000000 1 x] ",
    ];
    let mut random = Random::new();
    for round in 0..60 {
        let mut text = Vec::new();
        for _ in 0..random.below(800) {
            for _ in 0..random.below(5) {
                if random.below(20) == 0 {
                    text.push(u8::try_from(random.below(256)).unwrap());
                }
                text.extend_from_slice(words[random.below(words.len())].as_bytes());
            }
            text.push(b'\n');
        }
        let source = match round % 4 {
            0 => pod_log("p", false),
            1 => node_log("n", "kernel.log"),
            2 => node_log("n", "kubelet.log"),
            _ => node_log("n", "console.log"),
        };
        agrees_with_naive(&patterns, &[(source.clone(), text.clone())]);
        // Without the patterns that look at every line, lines are chosen by literals.
        let quick: Vec<String> = patterns
            .iter()
            .filter(|pattern| {
                !pattern.contains("lost") && !pattern.contains(".?") && !pattern.contains(r"\pL")
            })
            .cloned()
            .collect();
        agrees_with_naive(&quick, &[(source, text)]);
    }
}

#[test]
fn random_bytes_do_not_panic() {
    let mut random = Random::seeded(42);
    let matcher = || MatcherSpec {
        still: Some(SignedDuration::from_hours(1)),
        ..spec("node/kernel", "[ -~]{4}")
    };
    for file in [
        "kernel.log",
        "kubelet.log",
        "console.log",
        "rke2-server.log",
    ] {
        for _ in 0..200 {
            let mut text: Vec<u8> = (0..random.below(300))
                .map(|_| u8::try_from(random.below(256)).unwrap())
                .collect();
            if random.below(2) == 0 {
                let start = [
                    &b"-- Logs begin at "[..],
                    b"Mar 22 11:00:00.",
                    b"Feb 29 23:59:60 ",
                    b"I0229 00:00:00",
                    b"-- Boot ",
                ];
                text.splice(0..0, start[random.below(start.len())].iter().copied());
            }
            let source = node_log("n", file);
            let scanner = Scanner::new(vec![matcher()]);
            for now in [None, Some(now())] {
                let scan = scanner.scan(&ScanInput {
                    path: "p",
                    source: &source,
                    bytes: &text,
                    modified: None,
                    now,
                });
                scanner.finish(vec![scan], self::now());
            }
        }
    }
}

/// Logs of the outside bundles whose path holds a name, if they are there.
fn outside_logs(name: &str) -> Option<Vec<(Source, Vec<u8>)>> {
    let Some(folder) = std::env::var_os("BUNDLE_DOCTOR_BUNDLES") else {
        eprintln!("BUNDLE_DOCTOR_BUNDLES is unset: the outside bundles are not read");
        return None;
    };
    let mut folders = vec![std::path::PathBuf::from(folder)];
    let mut logs = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let file_name = path.to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if file_name.ends_with(".zip") && file_name.contains(name) {
                collect(
                    zip::ZipArchive::new(std::fs::File::open(&path).unwrap()).unwrap(),
                    &mut logs,
                );
            }
        }
    }
    Some(logs)
}

fn collect<R: std::io::Read + std::io::Seek>(
    mut archive: zip::ZipArchive<R>,
    logs: &mut Vec<(Source, Vec<u8>)>,
) {
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).unwrap();
        let name = entry.name().unwrap().into_owned();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
        let parts: Vec<&str> = name.split('/').collect();
        match parts.as_slice() {
            [.., "logs", namespace, pod, file] if file.ends_with(".log") => {
                let container = file.trim_end_matches(".log").to_owned();
                let (namespace, pod) = ((*namespace).to_owned(), (*pod).to_owned());
                logs.push((
                    Source::PodLog {
                        namespace,
                        pod,
                        container,
                        previous: false,
                    },
                    bytes,
                ));
            }
            [node, "logs", file] => logs.push((node_log(node, file), bytes)),
            [.., file] if file.ends_with(".zip") => collect(
                zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap(),
                logs,
            ),
            _ => {}
        }
    }
}

/// Patterns as the catalogues of failures have them.
const CATALOGUE: [&str; 40] = [
    r"Node is unresponsive\. Adding it to the Taint queue|Recording status change|event: NodeNotReady",
    r#"Node became not ready|"Skipping pod synchronization" err="#,
    r"systemd-shutdown\[\d+\]|reboot: (Power down|Restarting system)",
    r"EXT4-fs \(\S+\): (INFO: recovery required on readonly filesystem|recovery complete)",
    r"driver name driver\.longhorn\.io not found in the list of registered CSI drivers",
    r"ata\d+(\.\d+)?: exception Emask 0x[0-9a-f]+ SAct",
    r"ata\d+\.\d+: failed command: (READ|WRITE|FLUSH|DATA|IDENTIFY)",
    r"sd \d+:\d+:\d+:\d+: (rejecting I/O to offline device|Device offlined)",
    r"critical (medium|target) error, dev (sd[a-z]+|nvme\d+n\d+), sector \d+",
    r"(blk_update_request: )?I/O error, dev (?P<dev>sd[a-z]+|nvme\d+n\d+|vd[a-z]+|md\d+), sector \d+",
    r"Buffer I/O error on dev(ice)? (sd[a-z]+\d*|nvme\S+|md\d+)",
    r"nvme nvme\d+: controller is down; will reset: CSTS=0x[0-9a-f]+",
    r"nvme nvme\d+: I/O (tag )?\d+ .*timeout, (aborting|reset controller|disable controller|completion polled)",
    r"EXT4-fs warning \(device \S+\): .*error -5 ",
    r"JBD2: (Detected IO errors while flushing file data|I/O error when updating journal superblock)|Aborting journal on device ",
    r"Remounting filesystem read-only",
    r"read-only file system",
    r"BTRFS (critical|error) \(device \S+\)",
    r"no space left on device",
    r"eviction manager: (attempting to reclaim|must evict pod\(s\) to reclaim|unexpected error|pods \S+ evicted)",
    r"kernel: Out of memory: Killed process \d+ \((\S+)\)",
    r"oom-kill:constraint=CONSTRAINT_NONE",
    r"task [\S ]+:\w+ blocked for more than \w+ seconds\.",
    r"watchdog: BUG: soft lockup - CPU#\d+ stuck for \d+s! \[(\S+):\d+\]",
    r"mce: \[Hardware Error\]: .*(Uncorrected|Fatal|PCC|Machine check: Processor context corrupt)",
    r"EDAC \S*MC\d+: \d+ UE ",
    r"Kernel panic - not syncing: (.+)",
    r"general protection fault.*\[#\d+\]",
    r"nf_conntrack: (nf_conntrack: )?table full, dropping packet",
    r"took too long|slow fdatasync",
    r"connect: connection refused",
    r"x509: certificate (has expired|signed by unknown authority)",
    r"level=(error|fatal) msg=",
    r"(?i)context deadline exceeded",
    r"Probe (?P<what>succeeded|failed)",
    r"Linux version \S+",
    r"leader election lost|failed to renew lease",
    r"Failed to (create|update) lock: .*: (?P<why>.*)",
    r#"HTTP/1\.1" (?P<code>5\d\d) "#,
    r"\[(?P<engine>pvc-[0-9a-f-]+-e-[0-9a-f]+)\]",
];

#[test]
fn real_logs_give_what_each_regex_gives() {
    let Some(logs) = outside_logs("") else { return };
    assert!(logs.len() > 100);
    let mut patterns: Vec<String> = CATALOGUE.map(str::to_owned).to_vec();
    agrees_with_naive(&patterns, &logs);
    patterns.push(r"\d+ of \d+".to_owned());
    agrees_with_naive(&patterns, &logs);
}

#[test]
fn real_floods_are_counted_exactly() {
    let Some(logs) = outside_logs("single-node") else {
        return;
    };
    let specs = vec![
        MatcherSpec {
            group: vec!["dev".into()],
            ..spec("node/kernel", r"EXT4-fs error \(device (?P<dev>sd[a-z]+)\)")
        },
        spec("node/kernel", r"EXT4-fs warning \(device"),
    ];
    let scanner = Scanner::new(specs);
    let made: Timestamp = "2022-03-22T23:49:32Z".parse().unwrap();
    let scans = logs.iter().map(|(source, bytes)| {
        let path = path_of(source);
        scanner.scan(&ScanInput {
            path: &path,
            source,
            bytes,
            modified: None,
            now: Some(made),
        })
    });
    let hits = scanner.finish(scans.collect(), made);
    let errors = hits.records(0);
    let devices: Vec<&str> = errors
        .iter()
        .map(|record| record.fields["dev"].as_str())
        .collect();
    assert_eq!(devices, ["sdc"]);
    assert_eq!(
        errors.iter().map(|record| record.count).sum::<u64>(),
        126_042
    );
    assert_eq!(hits.records(1)[0].count, 5_037);
    assert_eq!(
        errors[0].last.time,
        Some("2022-03-22T23:50:58Z".parse().unwrap())
    );
    let kernel = hits
        .files()
        .iter()
        .find(|file| file.path.ends_with("/kernel.log"))
        .unwrap();
    assert_eq!(kernel.lines, 132_356);
    assert_eq!(
        kernel.first_time,
        Some("2022-03-06T22:45:10Z".parse().unwrap())
    );
    assert!(!kernel.zone_assumed);
    let agent = hits
        .files()
        .iter()
        .find(|file| file.path.ends_with("/rancher-system-agent.log"))
        .unwrap();
    // Cut at 10 MiB, without a header: year and zone come from its lines.
    assert_eq!(
        agent.first_time,
        Some("2022-03-22T22:07:48Z".parse().unwrap())
    );
    assert!(!agent.zone_assumed);
}
