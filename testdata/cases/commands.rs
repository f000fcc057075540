//! The commands as people run them: what they print, what they write, how they end.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use zip::write::SimpleFileOptions;

use crate::bench::{RULES, root};

/// A directory of its own for a test, with another one that stands for the user's configuration.
pub(crate) struct Stage {
    directory: PathBuf,
}

/// How a command ended.
pub(crate) struct Ended {
    code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    /// Asserts an exit code.
    #[track_caller]
    pub(crate) fn with(self, code: i32) -> Ended {
        assert_eq!(self.code, Some(code), "\n{}\n{}", self.out, self.err);
        self
    }

    /// Asserts that stdout holds some texts.
    #[track_caller]
    pub(crate) fn says(self, texts: &[&str]) -> Ended {
        for text in texts {
            assert!(self.out.contains(text), "no `{text}` in\n{}", self.out);
        }
        self
    }

    /// The same of stderr, whatever way its lines were broken.
    #[track_caller]
    pub(crate) fn complains(self, texts: &[&str]) -> Ended {
        let words: Vec<&str> = self.err.split_whitespace().collect();
        let words = words.join(" ");
        for text in texts {
            assert!(words.contains(text), "no `{text}` in\n{}", self.err);
        }
        self
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap()
    }
}

impl Stage {
    pub(crate) fn new(name: &str) -> Stage {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("commands-{name}"));
        if directory.exists() {
            std::fs::remove_dir_all(&directory).unwrap();
        }
        std::fs::create_dir_all(directory.join("work")).unwrap();
        Stage { directory }
    }

    /// A path below the working directory.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.directory.join("work").join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).unwrap()
    }

    /// Changes a file that holds a text.
    #[track_caller]
    pub(crate) fn change(&self, path: &str, from: &str, to: &str) {
        let text = self.read(path);
        assert!(text.contains(from), "no `{from}` in {path}");
        self.write(path, &text.replace(from, to));
    }

    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bundle-doctor"));
        command
            .args(arguments.split_whitespace())
            .current_dir(self.directory.join("work"))
            .env("XDG_CONFIG_HOME", self.directory.join("config"))
            .env("LC_ALL", "C.UTF-8")
            .env_remove("COLUMNS");
        command
    }

    pub(crate) fn run(&self, arguments: &str) -> Ended {
        let output = self.command(arguments).output().unwrap();
        Ended {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// A small rule that is sound.
const CORDONED: &str = "\
id: cordoned
title: \"{{ node.metadata.name }} is cordoned\"
severity: warning
category: node
match: [{ each: node, in: Node, where: it.spec.unschedulable == true }]
finding: { subject: node, message: M }
";

const CORDONED_CASES: &str = "\
rule: cordoned
now: \"2025-03-09T12:00:00Z\"
objects: { file: testdata/nodes.yaml }
cases:
  - { name: fires, expect: [{ subject: Node/n1 }] }
  - { name: silent, remove: [Node/n1], expect: [] }
";

const NODES: &str =
    "apiVersion: v1\nkind: Node\nmetadata: { name: n1 }\nspec: { unschedulable: true }\n";

#[test]
fn list_names_every_rule() {
    let stage = Stage::new("list");
    let text = stage.run("rules list").with(0).out;
    for rule in RULES.rules() {
        let of_rule = |line: &&str| line.split_whitespace().next() == Some(&rule.id);
        let line = text.lines().find(of_rule);
        let line = line.unwrap_or_else(|| panic!("{} is not listed", rule.id));
        assert!(line.contains(rule.category.name()), "{line}");
    }
    // The last line may explain a sign beside the versions.
    let lines = text.lines().filter(|line| !line.starts_with('~'));
    assert_eq!(lines.count(), 1 + RULES.rules().len());

    let list = stage.run("rules list -o json").with(0).json();
    assert_eq!(list["schema"], "bundle-doctor/rules/v1");
    assert_eq!(list["rules"].as_array().unwrap().len(), RULES.rules().len());
    // What knows of each cause, and what proves that it does.
    for rule in list["rules"].as_array().unwrap() {
        assert!(
            rule["file"].as_str().unwrap().starts_with("rules/"),
            "{rule}"
        );
        assert!(rule["cases"].as_array().unwrap().len() > 1, "{rule}");
    }
    let some = stage
        .run("rules list -o json --only storage --skip disk-io-error")
        .with(0)
        .json();
    let some = some["rules"].as_array().unwrap().clone();
    assert!(!some.is_empty());
    for rule in some {
        assert_eq!(rule["category"], "storage");
        assert_ne!(rule["id"], "disk-io-error");
    }
    stage
        .run("rules list --only stroage")
        .with(2)
        .complains(&["did you mean `storage`?"]);
}

#[test]
fn packs_and_the_users_own_rules_are_listed() {
    let stage = Stage::new("packs");
    stage.write("pack/cordoned.yaml", CORDONED);
    let own = CORDONED.replace("cordoned", "own");
    stage.write("../config/bundle-doctor/rules/node/own.yaml", &own);
    stage
        .run("rules list --rules pack")
        .with(0)
        .says(&["\ncordoned ", "\nown "]);
    let shown = stage.run("rules show -r pack cordoned").with(0);
    shown.says(&["file        pack/cordoned.yaml\n"]);
    let own = stage.run("rules show own -o json").with(0).json();
    assert_eq!(own["cases"], serde_json::json!([]));
    stage
        .run("rules check")
        .with(0)
        .says(&["1 of them not built in"]);
    // A directory that is named is judged by itself.
    let check = stage.run("rules check pack").with(0);
    let all = RULES.rules().len() + 1;
    check.says(&[&format!(
        "checked {all} rules, 1 of them not built in: no mistakes"
    )]);
}

#[test]
fn show_explains_a_rule_in_every_form() {
    let stage = Stage::new("show");
    stage.run("rules show disk-io-error").with(0).says(&[
        "severity    warning, up to critical\n",
        "needs       objects: doctor/Disk\n",
        "logs: node/kernel\n",
        "params      many = 20\n",
        "caused by   ",
        " smart-pending-sectors ",
        " fs-remount-readonly ",
        " certain, same disk, the cause first\n",
        "$ smartctl -x /dev/‹disk.device›\n",
        "file        rules/storage/disk-io-error.yaml (built in)\n",
    ]);
    let json = stage.run("rules show disk-io-error -o json").with(0).json();
    assert_eq!(json["schema"], "bundle-doctor/rule/v1");
    assert_eq!(json["builtIn"], true);
    let causes = json["causedBy"].as_array().unwrap().iter();
    let causes: Vec<&Value> = causes.map(|cause| &cause["rule"]).collect();
    assert!(
        causes
            .iter()
            .any(|cause| **cause == "smart-pending-sectors"),
        "{causes:?}"
    );
    let yaml = stage.run("rules show disk-io-error -o yaml").with(0).out;
    assert_eq!(serde_saphyr::from_str::<Value>(&yaml).unwrap(), json);
    // A process for each rule takes longer than all else; every form of a rule is among these.
    for rule in RULES.rules().iter().step_by(20) {
        stage.run(&format!("rules show {}", rule.id)).with(0);
        for alias in &rule.aliases {
            let shown = stage.run(&format!("rules show {alias}")).with(0).out;
            assert!(shown.starts_with(&rule.id), "{shown}");
        }
    }
    stage
        .run("rules show disk-io-eror")
        .with(2)
        .complains(&["did you mean `disk-io-error`?"]);
    stage
        .run("rules show storage")
        .with(2)
        .complains(&["rules list --only storage"]);
}

#[test]
fn check_shows_all_mistakes_and_sums_up() {
    let stage = Stage::new("check");
    stage.write("rules/node/cordoned.yaml", CORDONED);
    stage
        .run("rules check rules")
        .with(0)
        .says(&[": no mistakes\n"]);

    stage.change(
        "rules/node/cordoned.yaml",
        "message: M",
        "message: M, key: []",
    );
    stage.write(
        "rules/node/other.yaml",
        &format!("{CORDONED}causes: [{{ rule: cordond }}]\n").replace("id: cordoned", "id: other"),
    );
    let warned = stage.run("rules check rules").with(0);
    warned.says(&[
        "there is no rule `cordond`",
        "rules/node/other.yaml:",
        ": 1 warning\n",
    ]);
    stage.run("rules check --strict rules").with(4);

    stage.write(
        "rules/node/wrong.yaml",
        "id: wrong\ntilte: T\nseverity: bad\nmatch: []\nfinding: { message: M }\n",
    );
    stage.run("rules check rules").with(4).says(&[
        "BD001",
        "rules/node/wrong.yaml:2:1",
        "did you mean `title`?",
        "errors, 1 warning\n",
    ]);
    // What cannot be read cannot be listed, or run, either.
    for command in ["list -r rules", "show cordoned -r rules", "test rules"] {
        stage
            .run(&format!("rules {command}"))
            .with(4)
            .complains(&["rules/node/wrong.yaml:2:1"]);
    }
    stage
        .run("rules check nowhere")
        .with(4)
        .says(&["there is no such directory"]);
}

#[test]
fn test_runs_the_cases_beside_rules() {
    let stage = Stage::new("test");
    stage.write("rules/node/cordoned.yaml", CORDONED);
    stage.write("rules/node/cordoned.test.yaml", CORDONED_CASES);
    // Beside the case file, or below the working directory.
    stage.write("testdata/nodes.yaml", NODES);
    stage.run("rules test rules").with(0).says(&[
        "ok      rules/node/cordoned.test.yaml  2 cases\n",
        "1 rule, 2 cases: none failed\n",
    ]);
    stage.write("rules/node/testdata/nodes.yaml", &NODES.replace("n1", "n2"));
    stage.run("rules test rules").with(4);
    stage.write("rules/node/testdata/nodes.yaml", NODES);
    let verbose = stage.run("rules test rules -v").with(0);
    verbose.says(&["  reported      fires\n", "  quiet         silent\n"]);

    stage.change(
        "rules/node/cordoned.test.yaml",
        "Node/n1 }]",
        "Node/n2, severity: error }]",
    );
    stage.run("rules test rules").with(1).says(&[
        "FAILED  rules/node/cordoned.test.yaml  1 of 2 cases failed\n",
        "  WRONG         fires\n                rules/node/cordoned.test.yaml:5\n",
        "subject: expected Node/n2\n",
        "subject: found    Node/n1\n",
        "severity: expected error\n",
        "1 rule, 2 cases: 1 failed\n",
    ]);
    stage.change("rules/node/cordoned.test.yaml", "expect: []", "expct: []");
    stage.run("rules test rules").with(4).says(&[
        "did you mean `expect`?",
        "rules/node/cordoned.test.yaml:6:",
        "1 file wrong\n",
    ]);
}

#[test]
fn a_rule_of_ones_own_is_tested_instead_of_the_built_in_one() {
    let stage = Stage::new("override");
    let rule = CORDONED.replace("cordoned\ntitle", "disk-io-error\ntitle");
    stage.write("pack/disk-io-error.yaml", &rule);
    stage.write("pack/testdata/nodes.yaml", NODES);
    stage.write(
        "pack/disk-io-error.test.yaml",
        &CORDONED_CASES.replace("cordoned", "disk-io-error"),
    );
    stage
        .run("rules test pack --strict")
        .with(0)
        .says(&["1 rule, 2 cases: none failed\n"]);
    // Another pack, and a built-in rule, may be named by cases.
    stage.write("other/cordoned.yaml", CORDONED);
    let with = "with: [cordoned, host-oom], expect: [{ subject: Node/n1 }, { rule: cordoned }]";
    stage.change(
        "pack/disk-io-error.test.yaml",
        "expect: [{ subject: Node/n1 }]",
        with,
    );
    stage
        .run("rules test pack")
        .with(4)
        .says(&["there is no rule `cordoned`"]);
    stage.run("rules test pack -r other").with(0);
}

#[test]
fn the_built_in_cases_are_in_the_program() {
    let stage = Stage::new("built-in");
    let rules = RULES.rules().len();
    let ended = stage.run("rules test").with(0);
    ended.says(&[&format!("\n{rules} rules, "), ": none failed, ", "skipped"]);
    let one = stage.run("rules test --only host-oom").with(0);
    one.says(&["ok      rules/node/host-oom.test.yaml", "1 rule, "]);
    stage.run("rules test --only nobody").with(2);
    // There is no place to keep them at.
    stage
        .run("rules test --update")
        .with(2)
        .complains(&["<DIR>"]);
}

#[test]
fn strict_asks_for_cases() {
    let stage = Stage::new("strict");
    stage.write("rules/node/cordoned.yaml", CORDONED);
    stage
        .run("rules test rules")
        .with(0)
        .says(&["there is no case file"]);
    let strict = stage.run("rules test rules --strict").with(1);
    strict.says(&[
        "BD070",
        "no case tests `cordoned`",
        ", 1 gap in what they show\n",
    ]);
    stage.write("rules/node/testdata/nodes.yaml", NODES);
    let fires_only =
        CORDONED_CASES.replace("  - { name: silent, remove: [Node/n1], expect: [] }\n", "");
    stage.write("rules/node/cordoned.test.yaml", &fires_only);
    stage.run("rules test rules").with(0);
    let strict = stage.run("rules test rules --strict").with(1);
    strict.says(&["no case expects `cordoned` to find nothing"]);
    stage.write("rules/node/cordoned.test.yaml", CORDONED_CASES);
    stage.run("rules test rules --strict").with(0);
    // A branch that no case reaches is worth a word, and no failure.
    let note = "message: M, notes: [{ when: node.metadata.name == 'n2', text: N }]";
    stage.change("rules/node/cordoned.yaml", "message: M", note);
    let strict = stage.run("rules test rules --strict").with(0);
    strict.says(&["no case reaches this note", "rules/node/cordoned.yaml:6:"]);
}

#[test]
fn snapshots_are_kept_compared_and_cleared_away() {
    let stage = Stage::new("snapshots");
    stage.write("rules/node/cordoned.yaml", CORDONED);
    stage.write("rules/node/cordoned.test.yaml", CORDONED_CASES);
    stage.write("rules/node/testdata/nodes.yaml", NODES);
    let kept = "rules/node/__snapshots__/cordoned.snap";
    stage.run("rules test rules").with(0);
    assert!(!stage.path(kept).exists());
    stage.write("rules/node/__snapshots__/old.snap", "## x\n");
    stage.write("rules/node/__snapshots__/notes.txt", "mine");
    stage.run("rules test rules --update").with(0);
    let text = stage.read(kept);
    assert!(
        text.contains("\n## fires\n  warning · likely · Node/n1\n    title    n1 is cordoned\n")
    );
    assert!(text.contains("\n## silent\n  nothing found\n"));
    assert!(!text.contains("rules/node"), "{text}");
    assert!(!stage.path("rules/node/__snapshots__/old.snap").exists());
    assert!(stage.path("rules/node/__snapshots__/notes.txt").exists());
    // The same bytes from another place.
    stage.run("rules test rules").with(0);
    let absolute = format!("rules test {} --update", stage.path("rules").display());
    stage.run(&absolute).with(0);
    assert_eq!(stage.read(kept), text);

    stage.change("rules/node/cordoned.yaml", "is cordoned", "was cordoned");
    stage.run("rules test rules").with(1).says(&[
        "  CHANGED       fires\n",
        "-     title    n1 is cordoned\n",
        "+     title    n1 was cordoned\n",
        "1 failed\n",
    ]);
    stage.run("rules test rules --update").with(0);
    stage.run("rules test rules").with(0);

    stage.change(
        "rules/node/cordoned.test.yaml",
        "name: silent",
        "name: quiet",
    );
    stage.run("rules test rules").with(1).says(&[
        "the snapshot does not hold this case\n",
        "the snapshot holds a case that is no more: silent\n",
    ]);
}

#[test]
fn a_new_rule_is_sound_as_it_is() {
    let stage = Stage::new("new");
    std::fs::create_dir(stage.path("rules")).unwrap();
    for category in bundle_doctor::rule::Category::ALL {
        let (name, id) = (category.name(), format!("new-{}", category.name()));
        let new = stage.run(&format!("rules new {id} --category {name}"));
        let path = format!("rules/{name}/{id}.yaml");
        new.with(0).says(&[&path, "rules check rules\n"]);
        assert!(stage.path(&path).is_file());
    }
    let count = bundle_doctor::rule::Category::ALL.len();
    stage.run("rules check --strict rules").with(0);
    let tested = stage.run("rules test --strict rules").with(0);
    tested.says(&[&format!(
        "{count} rules, {} cases: none failed\n",
        4 * count
    )]);
    // Nothing is left open, nothing of the template's own names is left in.
    let tested = stage.run("rules test --strict rules").with(0).out;
    assert!(!tested.contains("BD070"), "{tested}");
    for file in ["yaml", "test.yaml"] {
        let text = stage.read(&format!("rules/node/new-node.{file}"));
        assert!(
            text.contains("new-node") && !text.contains("RULE_ID") && !text.contains("CATEGORY")
        );
    }
}

#[test]
fn a_new_rule_takes_nobodys_place() {
    let stage = Stage::new("new-refused");
    stage.write("rules/node/mine.test.yaml", "kept");
    stage
        .run("rules new mine")
        .with(2)
        .complains(&["rules/node/mine.test.yaml is there already"]);
    assert!(!stage.path("rules/node/mine.yaml").exists());
    assert_eq!(stage.read("rules/node/mine.test.yaml"), "kept");
    for (id, reason) in [
        ("My_Rule", "`my-rule`"),
        ("../up", "`../up` is no id"),
        ("a--b", "`a-b`"),
        ("disk-io-error", "is a built-in rule"),
    ] {
        stage
            .run(&format!("rules new {id}"))
            .with(2)
            .complains(&[reason]);
    }
    stage.run("rules new mine --category nothing").with(2);
}

#[test]
fn a_new_rule_goes_where_it_is_looked_for() {
    let stage = Stage::new("new-own");
    let own = stage.run("rules new mine").with(0).out;
    assert!(!own.contains("--rules"), "{own}");
    assert!(
        stage
            .path("../config/bundle-doctor/rules/node/mine.yaml")
            .is_file()
    );
    stage.run("rules show mine").with(0);
    stage
        .run("rules test --only mine --strict")
        .with(0)
        .says(&["1 rule, 4 cases"]);
    let named = stage.run("rules new other --dir my-pack").with(0);
    named.says(&[
        "my-pack/node/other.yaml",
        "analyze BUNDLE --rules my-pack --only other\n",
    ]);
}

#[test]
fn relations_and_dialect_are_listed() {
    let stage = Stage::new("language");
    stage
        .run("rules relations")
        .with(0)
        .says(&["owner(kind)", "doctor/UpgradeStep", "[Pod]"]);
    let json = stage.run("rules relations -o json").with(0).json();
    assert_eq!(json["schema"], "bundle-doctor/relations/v1");
    assert!(json["derivedKinds"].as_array().unwrap().len() > 5);
    stage
        .run("rules dialect")
        .with(0)
        .says(&["x.exists([k, ]v, p)", "cond(pod, 'Ready').status"]);
}

#[test]
fn the_commands_are_in_man_page_and_completions() {
    let stage = Stage::new("man");
    stage.run("man").with(0).says(&["bundle\\-doctor\\-rules"]);
    stage
        .run("man rules")
        .with(0)
        .says(&["rules\\-test", "rules\\-dialect"]);
    stage
        .run("man rules test")
        .with(0)
        .says(&["\\-\\-update", "\\-\\-strict"]);
    stage
        .run("man rules nothing")
        .with(2)
        .complains(&["there is no command `nothing`"]);
    stage
        .run("completions bash")
        .with(0)
        .says(&["dialect", "relations", "--strict"]);
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let stage = Stage::new("pipe");
    for arguments in ["rules dialect", "rules list -o json", "rules test"] {
        let mut command = stage.command(arguments);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        assert_eq!(child.wait().unwrap().code(), Some(0), "{arguments}");
    }
}

/// The chapter on rules, followed to the letter: files are written where their first line says,
/// commands print what stands below them.
#[test]
fn the_readme_shows_what_the_sample_gives() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let chapter = readme.split("\n## ").nth(1).unwrap();
    let blocks: Vec<&str> = chapter.split("```").skip(1).step_by(2).collect();
    let command = blocks[0].rsplit_once("-- ").unwrap().1.trim();
    let bundles = root().join("testdata/bundles/");
    let command = command.replace("testdata/bundles/", &bundles.to_string_lossy());
    let printed = Stage::new("sample").run(&command).with(0).out;
    let shown = blocks[1].strip_prefix("text\n").unwrap();
    assert!(
        printed.starts_with(shown),
        "the README should show:\n{printed}"
    );
}

#[test]
fn the_readme_says_what_happens() {
    let stage = Stage::new("readme");
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let chapter = readme
        .split("\n## ")
        .find(|chapter| chapter.starts_with("Add a rule in five minutes"));
    let blocks: Vec<&str> = chapter.unwrap().split("```").skip(1).step_by(2).collect();
    let mut shown = Vec::new();
    for block in blocks {
        let (kind, text) = block.split_once('\n').unwrap();
        let (first, rest) = text.split_once('\n').unwrap();
        match kind {
            "yaml" => stage.write(first.strip_prefix("# ").unwrap(), text),
            "console" => {
                let command = first.rsplit_once("bundle-doctor ").unwrap().1;
                // What stands before it makes the directory.
                std::fs::create_dir_all(stage.path("rules")).unwrap();
                stage.run(command).with(0).says(&[rest]);
            }
            _ => shown.push(text),
        }
    }
    let [mistake, failure, found] = shown.as_slice() else {
        panic!("{} blocks of text", shown.len());
    };
    let rule = "rules/node/node-cordoned-long.yaml";
    let cases = "rules/node/node-cordoned-long.test.yaml";
    stage.change(rule, "params.patience", "params.patence");
    stage
        .run("rules check rules")
        .with(4)
        .says(&[mistake.trim()]);
    stage.change(rule, "params.patence", "params.patience");
    stage.change(cases, "\"3d\"", "\"4d\"");
    stage.run("rules test rules").with(1).says(&[failure]);
    let sample = root().join("testdata/bundles/ssd-failure-during-upgrade.zip");
    let analyze = format!(
        "analyze {} --rules rules --only node-cordoned-long",
        sample.display()
    );
    stage.run(&analyze).with(0).says(&[found]);
}

#[test]
fn two_bundles_are_not_taken_for_parts_of_one() {
    let stage = Stage::new("two-bundles");
    let nodes = b"apiVersion: v1\nitems: []\nkind: NodeList\nmetadata: {}\n";
    for bundle in ["one", "two"] {
        let path = format!("{bundle}/yamls/cluster/v1/nodes.yaml");
        stage.write(&path, str::from_utf8(nodes).unwrap());
        let mut zip =
            zip::ZipWriter::new(File::create(stage.path(&format!("{bundle}.zip"))).unwrap());
        zip.start_file(&path, SimpleFileOptions::default()).unwrap();
        zip.write_all(nodes).unwrap();
        zip.finish().unwrap();
    }
    stage.run("analyze one.zip").with(0);
    stage.run("analyze one.zip two.zip").with(3).complains(&[
        "one and two are not parts of one bundle",
        "`bundle-doctor triage` reads any number of bundles",
    ]);
    stage
        .run("analyze one two")
        .with(3)
        .complains(&["one and two are directories"]);
}
