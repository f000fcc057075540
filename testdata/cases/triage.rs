//! Many bundles at once, as the command reads them: none is lost, and none costs another.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::bench::{report, whole};
use crate::commands::{Ended, Stage};
use crate::writer::broken::{Variant, break_bundle};
use crate::writer::scenario::OF_A_CAUSE_EACH as SCENARIOS;

/// Writes the files of a bundle below a directory of the stage.
fn write(stage: &Stage, directory: &str, files: &[(String, Vec<u8>)]) {
    for (name, bytes) in files {
        write_one(stage, &format!("{directory}/{name}"), bytes);
    }
}

fn write_one(stage: &Stage, path: &str, bytes: &[u8]) {
    let path = stage.path(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn rows(ended: &Ended) -> Vec<Value> {
    let lines = ended.out.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn paths(rows: &[Value]) -> Vec<&str> {
    rows.iter()
        .map(|row| row["path"].as_str().unwrap())
        .collect()
}

/// The rule of the first cause of a scenario.
fn cause(scenario: &str) -> String {
    report(scenario).diagnoses[0].cause.rule.clone()
}

#[test]
fn of_two_hundred_bundles_none_is_lost() {
    let stage = Stage::new("triage-many");
    let mut expected: BTreeMap<String, Option<String>> = BTreeMap::new();
    for (index, name) in SCENARIOS.iter().enumerate() {
        let bytes = whole(name);
        // 19 whole and one that is broken of each scenario, in directories of ten.
        for copy in 0..20 {
            let path = format!("all/{copy:02}/{index}-{name}.zip");
            let (bytes, cause) = match (copy, index % 3) {
                (7, 0) => (&bytes[..bytes.len() / 2], None),
                (7, 1) => (&bytes[..0], None),
                (7, _) => (b"no zip, whatever its name says".as_slice(), None),
                _ => (bytes.as_slice(), Some(cause(name))),
            };
            write_one(&stage, &path, bytes);
            expected.insert(path, cause);
        }
    }
    let ended = stage.run("triage all -o jsonl --reports reports").with(0);
    let rows = rows(&ended);
    let wanted: Vec<&str> = expected.keys().map(String::as_str).collect();
    assert_eq!(paths(&rows), wanted);
    for row in &rows {
        let path = row["path"].as_str().unwrap();
        match &expected[path] {
            Some(cause) => {
                assert_eq!(row["causes"][0]["rule"], *cause, "{path}");
                assert_eq!(row["failure"], Value::Null, "{path}");
                let report = stage.read(&format!("reports/{}", row["report"].as_str().unwrap()));
                let report: Value = serde_json::from_str(&report).unwrap();
                assert_eq!(report["verdict"]["summary"], row["verdict"]["summary"]);
            }
            // Half a zip is still read; it is known that something is missing.
            None => assert!(
                row["failure"]["kind"].is_string() || row["problems"].as_u64() > Some(0),
                "{row}"
            ),
        }
    }
    let reports = std::fs::read_dir(stage.path("reports")).unwrap().count();
    let failed = rows.iter().filter(|row| !row["failure"].is_null()).count();
    assert_eq!((reports, failed), (200 - failed, 6));

    let text = stage.run("triage all").with(0);
    for name in SCENARIOS {
        let cause = cause(name);
        let alike = SCENARIOS
            .iter()
            .filter(|it| self::cause(it) == cause)
            .count();
        let line = text
            .out
            .lines()
            .find(|line| line.contains(&format!("  {cause}  ")) && line.starts_with("  "));
        let line = line.unwrap_or_else(|| panic!("no group of {cause} in\n{}", text.out));
        let number: usize = line.split_whitespace().next().unwrap().parse().unwrap();
        // A half that is left of one may show the same cause.
        assert!((19 * alike..=20 * alike).contains(&number), "{line}");
    }
    text.says(&[
        "    6  broken",
        "all/07/1-etcd-slow-fsync.zip: is empty",
        "200 bundles · 6 broken",
    ]);
}

#[test]
fn the_same_bundles_give_the_same_bytes_on_any_number_of_threads() {
    let stage = Stage::new("triage-threads");
    for (index, name) in SCENARIOS.iter().enumerate() {
        write_one(
            &stage,
            &format!("all/{}.zip", (index * 7) % 10),
            &whole(name),
        );
    }
    write_one(&stage, "all/5-broken.zip", b"");
    for output in ["text", "jsonl"] {
        let on = |threads| {
            let command = format!("triage all -o {output} --threads {threads}");
            stage.run(&command).with(0).out
        };
        let one = on(1);
        for threads in [1, 2, 8] {
            assert_eq!(on(threads), one, "{threads} threads");
        }
    }
}

#[test]
fn bundles_are_found_whatever_they_are_packed_in() {
    let stage = Stage::new("triage-found");
    let bytes = whole("host-oom");
    let broken = |variant| break_bundle(&bytes, variant);
    write(&stage, "in/a-split", &broken(Variant::SplitZip));
    write(&stage, "in/b-pieces", &broken(Variant::SplitPieces));
    write(&stage, "in/c-extracted", &broken(Variant::Directory));
    write(&stage, "in/d-tar", &broken(Variant::TarGz));
    write(&stage, "in/e-node", &broken(Variant::NodeAlone));
    write_one(&stage, "in/f/bundle (1).zip", &bytes);
    write_one(&stage, "in/f/bundle (2).zip", &bytes);
    // The last piece of one that is lost, and a name that promises what it does not hold.
    write_one(&stage, "in/g/lost.zip.002", &[7; 1000]);
    write_one(&stage, "in/g/page.zip", b"<html>Sign in</html>");
    // Numbered, and no pieces of one: the first is cut short, the second is nothing.
    write_one(&stage, "in/h/case-1.zip", &bytes[..bytes.len() / 2]);
    write_one(&stage, "in/h/case-2.zip", &[7; 1000]);
    // None of these is anything of ours.
    write_one(&stage, "in/README.md", b"notes");
    write_one(&stage, "in/logs/app/old/app.log", b"a line");
    write_one(
        &stage,
        "in/syslog-1.gz",
        &[
            0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ],
    );
    let mut other = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    other
        .start_file("photo.jpg", zip::write::SimpleFileOptions::default())
        .unwrap();
    write_one(
        &stage,
        "in/photos.zip",
        &other.finish().unwrap().into_inner(),
    );

    let ended = stage.run("triage in -o jsonl").with(0);
    let rows = rows(&ended);
    let found: Vec<(&str, usize, bool)> = rows
        .iter()
        .map(|row| {
            let path = row["path"].as_str().unwrap();
            let directory = path.split('/').nth(1).unwrap();
            let is_oom = row["causes"][0]["rule"] == "host-oom";
            (directory, row["pieces"].as_array().unwrap().len(), is_oom)
        })
        .collect();
    let pieces = |variant| broken(variant).len();
    assert_eq!(
        found,
        [
            ("a-split", pieces(Variant::SplitZip), true),
            ("b-pieces", pieces(Variant::SplitPieces), true),
            ("c-extracted", 0, true),
            ("d-tar", 0, true),
            ("e-node", 0, found[4].2),
            ("f", 0, true),
            ("f", 0, true),
            ("g", 0, false),
            ("g", 0, false),
            ("h", 0, found[9].2),
            ("h", 0, false),
        ],
        "{}",
        ended.out
    );
    let kinds = [&rows[7], &rows[8]].map(|row| row["failure"]["kind"].as_str().unwrap());
    assert_eq!(kinds, ["not-an-archive", "error-page"]);
    ended.complains(&["4 other files skipped"]);

    // Whatever is named is answered for.
    let ended = stage
        .run("triage in/README.md in/photos.zip in/logs in/nothing -o jsonl")
        .with(3);
    let rows = self::rows(&ended);
    let kinds: Vec<&str> = rows
        .iter()
        .map(|row| row["failure"]["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        ["not-an-archive", "no-bundle", "not-found", "no-bundle"]
    );
    ended.complains(&["none of the bundles could be read"]);

    // By two ways it is still one, and pieces that a shell lists are put together.
    let name = &broken(Variant::SplitPieces)[0].0;
    let name = name.rsplit_once('.').unwrap().0;
    let all: Vec<String> = (1..=pieces(Variant::SplitPieces))
        .map(|number| format!("in/b-pieces/{name}.{number:03}"))
        .collect();
    let command = format!("triage in/b-pieces {} -o jsonl", all.join(" "));
    assert_eq!(self::rows(&stage.run(&command).with(0)).len(), 1);
}

#[test]
fn exit_codes_are_those_of_the_contract() {
    let stage = Stage::new("triage-codes");
    write_one(&stage, "in/oom.zip", &whole("host-oom"));
    write_one(&stage, "in/healthy.zip", &whole("healthy-1"));
    write_one(&stage, "in/empty.zip", b"");
    std::fs::create_dir_all(stage.path("none")).unwrap();
    stage.run("triage in").with(0);
    stage.run("triage in --fail-on critical").with(1);
    stage
        .run("triage in --fail-on critical --skip host-oom")
        .with(0);
    stage.run("triage in/healthy.zip --fail-on error").with(0);
    stage.run("triage").with(2);
    stage.run("triage in --only no-such-rule").with(2);
    stage
        .run("triage in/empty.zip")
        .with(3)
        .says(&["broken: is empty"]);
    stage
        .run("triage none")
        .with(3)
        .says(&["none", "holds no support bundle"]);
    stage.run("triage in --reports in/oom.zip").with(5);
    stage.run("triage in --output-file none/there/rows").with(5);
    stage.run("triage in --reports-output text").with(2);

    // A report that cannot be written costs no row and no other report.
    std::fs::create_dir_all(stage.path("reports/oom.zip.md/x")).unwrap();
    let ended = stage
        .run("triage in -o jsonl --reports reports --reports-output markdown")
        .with(5);
    assert_eq!(rows(&ended).len(), 3);
    ended.complains(&["1 of the reports could not be written", "oom.zip.md"]);
    assert!(
        stage
            .read("reports/healthy.zip.md")
            .contains("### Examined, ")
    );
}

#[test]
fn rows_follow_the_flags_of_analyze() {
    let stage = Stage::new("triage-flags");
    write_one(&stage, "in/oom.zip", &whole("host-oom"));
    let row = |flags: &str| {
        let ended = stage.run(&format!("triage in -o jsonl {flags}")).with(0);
        rows(&ended).remove(0)
    };
    assert_eq!(row("")["causes"][0]["rule"], "host-oom");
    assert_eq!(row("--skip host-oom")["causes"], Value::Array(Vec::new()));
    stage.write(
        "accepted.yaml",
        "- { rule: host-oom, subject: \"*\", reason: known }\n",
    );
    let ignored = row("--ignore accepted.yaml");
    assert_eq!(ignored["findings"]["critical"], 0);
    assert!(row("--max-entry-size 4Ki")["problems"].as_u64() > Some(0));

    // The rows of a file are there as a whole, like those of a report of one.
    stage
        .run("triage in -o jsonl --output-file rows.jsonl")
        .with(0);
    assert_eq!(stage.read("rows.jsonl").lines().count(), 1);
    // And what is kept of each is its whole report.
    stage.run("triage in --reports reports --threads 1").with(0);
    let alone = stage.run("analyze in/oom.zip -o json").with(0);
    assert_eq!(stage.read("reports/oom.zip.json"), alone.out);
}

#[test]
fn rows_are_as_their_schema_says() {
    let stage = Stage::new("triage-schema");
    write_one(&stage, "in/ssd.zip", &whole("ssd-failure-during-upgrade"));
    write_one(&stage, "in/empty.zip", b"");
    let schema =
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/triage.v1.schema.json"));
    let schema = serde_json::from_slice(&schema.unwrap()).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let rows = rows(&stage.run("triage in -o jsonl").with(0));
    for row in &rows {
        schema.validate(row).unwrap();
    }
    let keys = |row: &Value| row.as_object().unwrap().len();
    assert_eq!(keys(&rows[0]), keys(&rows[1]));
    assert_eq!(rows[1]["upgrade"]["to"], "v1.4.1");
}

/// What the chapter shows is what is printed.
#[test]
fn the_readme_shows_what_is_printed() {
    let stage = Stage::new("triage-readme");
    for (path, scenario) in [
        ("monday.zip", "ssd-failure-during-upgrade"),
        ("tuesday.zip", "predrain-user-pdb"),
        ("customers/a.zip", "node-notready-unknown"),
        ("customers/b.zip", "healthy-3"),
    ] {
        write_one(&stage, &format!("in/{path}"), &whole(scenario));
    }
    write_one(&stage, "in/customers/c.zip", b"<html>Sign in</html>");
    write_one(&stage, "in/notes.txt", b"Monday was worse.");
    let printed = stage.run("triage in").with(0).out;
    let readme = std::fs::read_to_string(crate::bench::root().join("README.md")).unwrap();
    let mut chapters = readme.split("\n## ");
    let chapter = chapters.find(|chapter| chapter.starts_with("Many bundles at once"));
    let shown = chapter.unwrap().split("```text\n").nth(1).unwrap();
    let shown = shown.split("```").next().unwrap();
    // The first line counts the rules.
    let body = |text: &str| text.split_once('\n').unwrap().1.to_owned();
    assert_eq!(body(shown), body(&printed), "{printed}");
}
