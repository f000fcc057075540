//! What all these tests share: the rules, ready to run, and bundles, each written once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, OnceLock};

use bundle_doctor::archive::{Archive, Limits};
use bundle_doctor::bundle::Progress;
use bundle_doctor::evaluate::Engine;
use bundle_doctor::report::Report;
use bundle_doctor::rule::RuleSet;

use crate::writer::broken::{Variant, break_bundle};
use crate::writer::bundle::bundle;
use crate::writer::scenario::Scenario;

/// Nobody watches.
pub(crate) struct Untold;

impl Progress for Untold {
    fn begin(&self, _: u64) {}
    fn advance(&self, _: u64) {}
}

/// The top of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The built-in rules.
pub(crate) static RULES: LazyLock<RuleSet> = LazyLock::new(|| {
    RuleSet::builtin().unwrap_or_else(|errors| panic!("{:?}", miette::Report::from(errors)))
});

/// All of them, ready to run.
pub(crate) static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    Engine::new(&RULES).unwrap_or_else(|errors| panic!("{:?}", miette::Report::from(errors)))
});

/// The files below a directory whose names end so, in order of their paths.
pub(crate) fn files(directory: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Things by name, each made once.
type Table<T> = Mutex<BTreeMap<String, Arc<OnceLock<T>>>>;

/// What a table holds under a name, made by the first who asks, while the others wait for it.
fn once<T: Clone>(table: &'static Table<T>, name: &str, make: impl FnOnce() -> T) -> T {
    let cell = table
        .lock()
        .unwrap()
        .entry(name.to_owned())
        .or_default()
        .clone();
    cell.get_or_init(make).clone()
}

/// Names of all scenarios.
pub(crate) fn scenario_names() -> Vec<String> {
    files(&root().join("testdata/scenarios"), ".yaml")
        .iter()
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect()
}

/// A scenario by name.
pub(crate) fn scenario(name: &str) -> Scenario {
    Scenario::load(&root().join(format!("testdata/scenarios/{name}.yaml"))).unwrap()
}

/// A scenario's bundle before anything is broken in it.
pub(crate) fn whole(name: &str) -> Arc<Vec<u8>> {
    static WRITTEN: Table<Arc<Vec<u8>>> = Mutex::new(BTreeMap::new());
    once(&WRITTEN, name, || {
        Arc::new(bundle(&scenario(name)).unwrap())
    })
}

/// Files written to a directory of their own, which the build's clean-up removes.
pub(crate) fn written(name: &str, files: &[(String, Vec<u8>)]) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if directory.exists() {
        std::fs::remove_dir_all(&directory).unwrap();
    }
    for (path, content) in files {
        let path = directory.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    directory
}

/// A scenario's bundle as it is found, opened.
pub(crate) fn scenario_archive(name: &str) -> Arc<Archive> {
    static OPENED: Table<Arc<Archive>> = Mutex::new(BTreeMap::new());
    once(&OPENED, name, || {
        let scenario = scenario(name);
        let whole = whole(name);
        let files = match scenario.broken {
            Some(variant) => break_bundle(&whole, variant),
            None => vec![(format!("{name}.zip"), whole.to_vec())],
        };
        let directory = written(&format!("scenario-{name}"), &files);
        Arc::new(open(&directory, &files))
    })
}

/// The same, for who needs one of his own.
pub(crate) fn scenario_archive_copy(name: &str) -> Archive {
    scenario_archive(name);
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("scenario-{name}"));
    let mut paths = files(&directory, "");
    if scenario(name).broken == Some(Variant::Directory) {
        paths = vec![directory];
    }
    Archive::open(&paths, &Limits::default()).unwrap()
}

/// Opens what [`written`] wrote: the one file, all parts, or the tree below one directory.
pub(crate) fn open(directory: &Path, files: &[(String, Vec<u8>)]) -> Archive {
    try_open(directory, files).unwrap()
}

/// As [`open`], where there may be no archive.
pub(crate) fn try_open(
    directory: &Path,
    files: &[(String, Vec<u8>)],
) -> Result<Archive, bundle_doctor::archive::OpenError> {
    let is_tree = files.iter().any(|(path, _)| path.contains('/'));
    let paths: Vec<PathBuf> = if is_tree {
        vec![directory.to_owned()]
    } else {
        files.iter().map(|(path, _)| directory.join(path)).collect()
    };
    Archive::open(&paths, &Limits::default())
}

/// The report of a scenario by all rules.
pub(crate) fn report(name: &str) -> Arc<Report> {
    static MADE: Table<Arc<Report>> = Mutex::new(BTreeMap::new());
    once(&MADE, name, || {
        Arc::new(diagnose(&scenario_archive(name)).unwrap())
    })
}

/// The report of an archive by all rules.
pub(crate) fn diagnose(archive: &Archive) -> Result<Report, bundle_doctor::bundle::NotABundle> {
    bundle_doctor::diagnose(archive, &RULES, &ENGINE, &Untold)
}

/// Nothing of the real bundle could not be read. Who gave it away left the logs of three namespaces
/// out, which is told.
pub(crate) fn assert_real_is_whole(report: &Report) {
    let missing: Vec<&str> = (report.coverage.problems.iter())
        .map(|problem| problem.path.as_str())
        .collect();
    let left_out = ["cattle-monitoring-system", "cattle-system", "kube-system"];
    assert_eq!(missing, left_out.map(|name| format!("logs/{name}")));
}
