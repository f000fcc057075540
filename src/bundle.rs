//! Reads a bundle: every file of the archive in parallel, into objects, log hits and host facts.
//!
//! Ingestion knows no rules: it is given a [`Scanner`], finds what that asks for, and keeps the rest
//! of each log only as its shape.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rayon::prelude::*;

use crate::archive::{Archive, Content, Unit};
use crate::derive::{self, Seen};
use crate::diagnosis::facts::BundleInfo;
use crate::graph::{Collected, Graph, GraphBuilder, ObjectView};
use crate::layout::{Layout, Shape, Source};
use crate::parse::document::Document;
use crate::parse::host::{self, HostFacts, HostFile};
use crate::parse::{self, time::timestamp};
use crate::scan::{FileScan, Hits, ScanInput, Scanner, SourceSpec};
use crate::span::{Problem, ProblemKind};

/// Namespaces that hold Harvester's own parts: without one of them a part of its rules is blind.
/// Others may be left out of a bundle without harm.
pub(crate) const SYSTEM_NAMESPACES: [&str; 6] = [
    "cattle-fleet-local-system",
    "cattle-system",
    "fleet-local",
    "harvester-system",
    "kube-system",
    "longhorn-system",
];

/// All that was read of a bundle. It does not change any more.
#[derive(Debug)]
pub struct Bundle {
    /// Objects, derived ones included.
    pub graph: Graph,
    /// Log lines that matched, and the shapes of all logs.
    pub hits: Hits,
    /// Facts of hosts by node.
    pub hosts: BTreeMap<String, HostFacts>,
    /// What the bundle says of itself.
    pub info: BundleInfo,
    /// The bundle's own time: the "now" of all rules.
    pub now: Option<Timestamp>,
    /// What could not be read, sorted.
    pub problems: Vec<Problem>,
    /// Whether the collector's list of errors is there.
    pub collector_errors: bool,
    /// How much was read.
    pub extent: Extent,
    /// When the first file of each node's archive was written, by the node's own clock.
    pub host_files_since: BTreeMap<String, Timestamp>,
    /// Log sources of hosts that are there, by node.
    host_logs: BTreeSet<(String, String)>,
}

/// How much of a bundle was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extent {
    /// Files, those in nested archives included.
    pub files: u64,
    /// Their bytes, uncompressed.
    pub bytes: u64,
    /// Items of lists as collected, before events are folded.
    pub objects: u64,
}

/// Told of each unit of work that is done, from any thread.
pub trait Progress: Sync {
    /// The number of bytes that will be read.
    fn begin(&self, bytes: u64);
    /// So many more bytes were read.
    fn advance(&self, bytes: u64);
}

/// The content of a bundle that is no archive: what the cases of a rule state.
#[derive(Debug, Default)]
pub struct Files {
    /// Stands for the archive's name.
    pub name: String,
    /// Files by their path relative to the bundle's top directory, read as those of an archive are.
    pub files: Vec<(String, Vec<u8>)>,
    /// Manifests as their author means them: nothing that the collector does to its own is undone.
    pub manifests: Vec<(String, Document)>,
    /// Which parts of the cluster count as collected, beside those of the manifests among `files`.
    pub collected: Collected,
}

/// What one file gave.
enum Piece {
    Manifest(String, Document),
    Log(FileScan),
    Host {
        node: String,
        facts: Box<HostFacts>,
        log: Option<FileScan>,
        below: String,
        written: Option<Timestamp>,
    },
    Metadata(Document),
    CollectorErrors {
        text: String,
        log: FileScan,
    },
    Nothing,
}

/// What one file gave, where it stands, and what was wrong with it.
struct Read {
    path: String,
    bytes: u64,
    piece: Piece,
    namespace: Option<String>,
    cluster: bool,
    problems: Vec<Problem>,
}

/// What was given is not one bundle.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum NotABundle {
    /// Nothing in it looks like one.
    #[error("{name} holds no support bundle")]
    #[diagnostic(help(
        "a bundle has metadata.yaml, yamls/, logs/ or nodes/ at its top or up to two directories below; this archive has none of them"
    ))]
    None {
        /// Name of the archive.
        name: String,
    },
    /// Several archives were given as the parts of one, and are of several bundles.
    #[error("{first} and {other} are not parts of one bundle")]
    #[diagnostic(help(
        "give one bundle, or all parts of one; `bundle-doctor triage` reads any number of bundles"
    ))]
    Several {
        /// Top directory of a bundle.
        first: String,
        /// Top directory of another one.
        other: String,
    },
}

impl Bundle {
    /// Reads all of an archive. What cannot be read is a problem of the bundle, not an error.
    ///
    /// # Errors
    /// If nothing in the archive looks like a bundle.
    pub fn read(
        archive: &Archive,
        scanner: &Scanner,
        progress: &dyn Progress,
    ) -> Result<Bundle, NotABundle> {
        // An empty node archive has no files, and is a sign of a bundle all the same.
        let units = archive.units().iter().map(|unit| &unit.path);
        let paths = units.chain(archive.nested().iter().map(|nested| &nested.path));
        let layout = Layout::locate(paths).ok_or_else(|| NotABundle::None {
            name: archive.name().to_owned(),
        })?;
        // A file may hold a second bundle by mistake; who names two files means both.
        if let Some(other) = layout.others().first().filter(|_| archive.parts() > 1) {
            return Err(NotABundle::Several {
                first: layout.directory().unwrap_or(archive.name()).to_owned(),
                other: other.clone(),
            });
        }
        let layout = named(archive, layout);
        let reader = Reader {
            layout: &layout,
            scanner,
            now: time_of(archive, &layout),
        };
        progress.begin(archive.units().iter().map(|unit| unit.size).sum());

        // Largest first, so that no thread is left alone with the largest file at the end.
        let mut order: Vec<&Unit> = archive.units().iter().collect();
        order.sort_by(|a, b| b.size.cmp(&a.size).then_with(|| a.path.cmp(&b.path)));
        let mut read: Vec<Read> = order
            .into_par_iter()
            .with_max_len(1)
            .flat_map_iter(|unit| {
                let read = reader.unit(archive, unit);
                progress.advance(unit.size);
                read
            })
            .collect();
        read.sort_by(|a, b| a.path.cmp(&b.path));
        let problems = reader.archive_problems(archive);
        let gathered = Gathered {
            name: archive.name(),
            problems,
            collected: Collected::default(),
        };
        Ok(reader.gather(read, gathered))
    }

    /// Reads files that are held in memory, on this thread. `now` is the bundle's own time.
    pub fn of_files(files: Files, now: Timestamp, scanner: &Scanner) -> Bundle {
        let layout = Layout::bundle();
        let reader = Reader {
            layout: &layout,
            scanner,
            now: Some(now),
        };
        let mut read: Vec<Read> = files
            .files
            .into_iter()
            .map(|(path, bytes)| reader.file(&path, bytes, None, Vec::new()))
            .collect();
        read.extend(files.manifests.into_iter().map(|(path, document)| Read {
            path: path.clone(),
            bytes: 0,
            piece: Piece::Manifest(path, document),
            namespace: None,
            cluster: false,
            problems: Vec::new(),
        }));
        read.sort_by(|a, b| a.path.cmp(&b.path));
        let gathered = Gathered {
            name: &files.name,
            problems: Vec::new(),
            collected: files.collected,
        };
        reader.gather(read, gathered)
    }

    /// Whether a node sent a log of one of these sources.
    pub(crate) fn has_host_log(&self, node: &str, sources: &[&SourceSpec]) -> bool {
        let range = (node.to_owned(), String::new())..;
        self.host_logs
            .range(range)
            .take_while(|(of, _)| of == node)
            .any(|(_, file)| sources.iter().any(|source| source.is_host_file(file)))
    }
}

/// The bundle's own time: what its metadata says, else the newest time of writing in the archive.
fn time_of(archive: &Archive, layout: &Layout) -> Option<Timestamp> {
    let metadata = archive.units().iter().find(|unit| {
        layout
            .relative(&unit.path)
            .is_some_and(|path| layout.source(path) == Source::Metadata)
    });
    let stated = metadata.and_then(|unit| {
        let mut document = None;
        archive.read(unit, &mut |content| {
            document = parse::parse(content.path.as_str(), content.bytes).value;
        });
        timestamp(document?.root().get("bundlecreatedat")?.as_str()?)
    });
    stated.or_else(|| {
        archive
            .units()
            .iter()
            .filter_map(|unit| unit.modified)
            .max()
    })
}

struct Reader<'a> {
    layout: &'a Layout,
    scanner: &'a Scanner,
    now: Option<Timestamp>,
}

/// What is known of a bundle beside its files.
struct Gathered<'a> {
    name: &'a str,
    problems: Vec<Problem>,
    collected: Collected,
}

impl Reader<'_> {
    /// Reads one unit. A defect of ours in one file must not cost the others, so a panic is caught.
    fn unit(&self, archive: &Archive, unit: &Unit) -> Vec<Read> {
        let attempt = std::panic::AssertUnwindSafe(|| {
            let mut read = Vec::new();
            let problems = archive.read(unit, &mut |content| read.extend(self.content(content)));
            if !problems.is_empty() {
                read.push(self.only(unit, problems));
            }
            read
        });
        std::panic::catch_unwind(attempt).unwrap_or_else(|_| {
            let reason = "reading this file met a defect of bundle-doctor; please report it";
            let problem = Problem::new(
                self.shown(unit.path.as_str()),
                ProblemKind::Unreadable,
                reason,
            );
            vec![self.only(unit, vec![problem])]
        })
    }

    fn only(&self, unit: &Unit, problems: Vec<Problem>) -> Read {
        let path = self.shown(unit.path.as_str());
        let problems = problems
            .into_iter()
            .map(|problem| self.relative(problem))
            .collect();
        Read {
            path,
            bytes: 0,
            piece: Piece::Nothing,
            namespace: None,
            cluster: false,
            problems,
        }
    }

    fn shown(&self, path: &str) -> String {
        self.layout.relative_text(path).unwrap_or(path).to_owned()
    }

    fn relative(&self, problem: Problem) -> Problem {
        Problem {
            path: self.shown(&problem.path),
            ..problem
        }
    }

    fn content(&self, content: Content) -> Option<Read> {
        let path = self.layout.relative(&content.path)?;
        let problems = content
            .problem
            .into_iter()
            .map(|problem| self.relative(problem))
            .collect();
        Some(self.file(path, content.bytes, content.modified, problems))
    }

    fn file(
        &self,
        path: &str,
        content: Vec<u8>,
        modified: Option<Timestamp>,
        mut problems: Vec<Problem>,
    ) -> Read {
        let path = path.to_owned();
        let source = self.layout.source(&path);
        let bytes = content.len() as u64;
        let (namespace, cluster) = match &source {
            Source::Manifests { namespace, .. } => (namespace.clone(), namespace.is_none()),
            _ => (None, false),
        };
        let scan = |bytes: &[u8]| {
            self.scanner.scan(&ScanInput {
                path: &path,
                source: &source,
                bytes,
                modified,
                now: self.now,
            })
        };
        let piece = match &source {
            Source::Manifests { .. } => {
                let parsed = parse::list::read(&path, content);
                problems.extend(parsed.problems);
                parsed.value.map_or(Piece::Nothing, |document| {
                    Piece::Manifest(path.clone(), document)
                })
            }
            Source::Metadata => {
                let parsed = parse::parse(&path, content);
                problems.extend(parsed.problems);
                parsed.value.map_or(Piece::Nothing, Piece::Metadata)
            }
            Source::CollectorErrors => Piece::CollectorErrors {
                log: scan(&content),
                text: String::from_utf8_lossy(&content).into_owned(),
            },
            Source::PodLog { .. } => Piece::Log(scan(&content)),
            Source::NodeFile { node, path: below }
            | Source::Supportconfig { node, file: below } => {
                let log = source.is_log().then(|| scan(&content));
                let mut facts = HostFacts::default();
                if let Some(file) = host::recognise(below) {
                    let text = String::from_utf8_lossy(&content);
                    let parsed = host::read(file, &path, &text);
                    facts = parsed.value;
                    problems.extend(parsed.problems);
                }
                Piece::Host {
                    node: node.clone(),
                    facts: Box::new(facts),
                    log,
                    below: below.clone(),
                    // Inside a supportconfig stand the times of files that it copied.
                    written: modified.filter(|_| matches!(source, Source::NodeFile { .. })),
                }
            }
            Source::Alerts | Source::Unknown => Piece::Nothing,
        };
        Read {
            path,
            bytes,
            piece,
            namespace,
            cluster,
            problems,
        }
    }

    /// What was wrong with the archive and those inside it.
    fn archive_problems(&self, archive: &Archive) -> Vec<Problem> {
        let own = archive.problems().iter().cloned();
        own.map(|problem| self.relative(problem)).collect()
    }

    /// Puts together what the files gave, in path order.
    fn gather(&self, read: Vec<Read>, gathered: Gathered<'_>) -> Bundle {
        let mut builder = GraphBuilder::default();
        let mut scans = Vec::new();
        let mut hosts: BTreeMap<String, HostFacts> = BTreeMap::new();
        let mut host_logs = BTreeSet::new();
        let mut host_files_since = BTreeMap::new();
        let mut metadata = None;
        let mut errors = None;
        let Gathered {
            name,
            mut problems,
            mut collected,
        } = gathered;
        let mut extent = Extent::default();
        for one in read {
            extent.files += u64::from(!matches!(one.piece, Piece::Nothing) || one.bytes > 0);
            extent.bytes += one.bytes;
            problems.extend(one.problems);
            collected.cluster |= one.cluster;
            collected.namespaces.extend(one.namespace);
            match one.piece {
                Piece::Manifest(path, document) => {
                    extent.objects += builder.add(path, document) as u64
                }
                Piece::Log(scan) => scans.push(scan),
                Piece::Host {
                    node,
                    facts,
                    log,
                    below,
                    written,
                } => {
                    if let Some(written) = written {
                        let first = host_files_since.entry(node.clone()).or_insert(written);
                        *first = written.min(*first);
                    }
                    hosts.entry(node.clone()).or_default().merge(*facts);
                    host_logs.insert((node, below));
                    scans.extend(log);
                }
                Piece::Metadata(document) => metadata = Some(document),
                Piece::CollectorErrors { text, log } => {
                    scans.push(log);
                    errors = Some(text);
                }
                Piece::Nothing => {}
            }
        }
        let spoken = spoken(self.layout, &scans);
        if let Some(errors) = &errors {
            let (visited, failed) = collector_errors(errors);
            collected.failed.extend(failed);
            let (lost, empty) = lost_namespaces(visited, &collected, &spoken);
            collected.namespaces.extend(empty);
            problems.extend(lost);
        }
        problems.extend(self.layout.others().iter().map(|other| {
            let reason = "another bundle beside this one; only the first was read";
            Problem::new(other, ProblemKind::Unreadable, reason)
        }));
        // A list of which a part could not be read says nothing of what is not on it.
        collected
            .failed
            .extend(problems.iter().filter_map(
                |problem| match self.layout.source(&problem.path) {
                    Source::Manifests { resource, .. } if problem.kind != ProblemKind::Encoding => {
                        Some(resource)
                    }
                    _ => None,
                },
            ));
        problems.extend(missing_scopes(self.layout, &collected));
        builder.collected(collected);
        let mut graph = builder.finish();
        // Without metadata the newest line of a log is the nearest thing to the bundle's own time.
        let newest = scans.iter().filter_map(|scan| scan.shape.last_time).max();
        let now = self.now.or(newest);
        let hits = self
            .scanner
            .finish(scans, now.unwrap_or(Timestamp::UNIX_EPOCH));
        problems.extend(hits.problems().cloned());
        problems.extend(silent_namespaces(self.layout, &graph, &spoken));
        derive::derive(
            &mut graph,
            &Seen {
                hosts: &hosts,
                logs: hits.files(),
                now,
            },
        );
        problems.sort();
        problems.dedup();
        let info = crate::summary::bundle_info(
            name,
            self.layout.directory(),
            metadata.as_ref(),
            &graph,
            now,
        );
        Bundle {
            graph,
            hits,
            hosts,
            info,
            now,
            problems,
            collector_errors: errors.is_some(),
            extent,
            host_files_since,
            host_logs,
        }
    }
}

/// Parts of a bundle that are missing as a whole. An aggregated API that does not answer is enough to
/// lose all manifests, so their absence is worth a word of its own.
fn missing_scopes(layout: &Layout, collected: &Collected) -> Vec<Problem> {
    if *layout.shape() != Shape::Bundle {
        return Vec::new();
    }
    let missing = |path: &str| {
        let reason = "nothing of it was collected; an API that did not answer is the usual cause, and bundleGenerationError.log names it";
        Problem::new(path, ProblemKind::Missing, reason)
    };
    match (collected.cluster, collected.namespaces.is_empty()) {
        (true, false) => Vec::new(),
        (false, true) => vec![missing("yamls")],
        (false, false) => vec![missing("yamls/cluster")],
        (true, true) => vec![missing("yamls/namespaced")],
    }
}

/// Of the namespaces that the collector visited and of which no manifest is here, those of which
/// someone took them out, or the archive lost them: they hold parts of Harvester, or their pods'
/// logs are here. The others are empty.
fn lost_namespaces(
    visited: Vec<String>,
    collected: &Collected,
    spoken: &BTreeSet<String>,
) -> (Vec<Problem>, Vec<String>) {
    // Where all are missing, that is told once.
    if collected.namespaces.is_empty() {
        return Default::default();
    }
    let silent = visited
        .into_iter()
        .filter(|name| !collected.namespaces.contains(name));
    let is_lost =
        |name: &String| SYSTEM_NAMESPACES.contains(&name.as_str()) || spoken.contains(name);
    let (lost, empty): (Vec<String>, Vec<String>) = silent.partition(is_lost);
    let problem = |name: String| {
        let reason = "the collector visited this namespace, and nothing of it is here";
        let path = format!("yamls/namespaced/{name}");
        Problem::new(&path, ProblemKind::Missing, reason)
    };
    (lost.into_iter().map(problem).collect(), empty)
}

/// Namespaces of which some pod's log is here.
fn spoken(layout: &Layout, scans: &[FileScan]) -> BTreeSet<String> {
    let namespace = |scan: &FileScan| match layout.source(&scan.shape.path) {
        Source::PodLog { namespace, .. } => Some(namespace),
        _ => None,
    };
    scans.iter().filter_map(namespace).collect()
}

/// Namespaces whose pods run and none of whose logs is here, where other namespaces' logs are.
fn silent_namespaces(layout: &Layout, graph: &Graph, spoken: &BTreeSet<String>) -> Vec<Problem> {
    if *layout.shape() != Shape::Bundle || spoken.is_empty() {
        return Vec::new();
    }
    let is_running = |pod: &ObjectView<'_>| pod.text(&["status", "phase"]) == Some("Running");
    let pods = graph.all("", "Pod").filter(is_running);
    let running: BTreeSet<&str> = pods.filter_map(ObjectView::namespace).collect();
    let silent = running.into_iter().filter(|name| !spoken.contains(*name));
    silent
        .map(|name| {
            let reason = "pods of this namespace run, and no log of theirs is here";
            Problem::new(format!("logs/{name}"), ProblemKind::Missing, reason)
        })
        .collect()
}

/// A node archive alone does not say whose it is; the host's own name does.
fn named(archive: &Archive, layout: Layout) -> Layout {
    if !matches!(layout.shape(), Shape::Node { name: None }) {
        return layout;
    }
    let is_hostname = |source: Source| matches!(source, Source::NodeFile { path, .. } if host::recognise(&path) == Some(HostFile::Hostname));
    let file = archive.units().iter().find(|unit| {
        layout
            .relative(&unit.path)
            .is_some_and(|path| is_hostname(layout.source(path)))
    });
    let mut name = None;
    if let Some(unit) = file {
        archive.read(unit, &mut |content| {
            name = Some(String::from_utf8_lossy(&content.bytes).trim().to_owned());
        });
    }
    match name {
        Some(name) if !name.is_empty() => layout.with_node_name(&name),
        _ => layout,
    }
}

/// Namespaces that the collector visited, and resources whose lists failed. The line about
/// `bindings`, which can only be created, comes for every namespace and is how it shows.
fn collector_errors(text: &str) -> (Vec<String>, BTreeSet<String>) {
    let mut namespaces = Vec::new();
    let mut failed = BTreeSet::new();
    for line in text.lines() {
        let Some(rest) = line.strip_prefix("Failed to get ") else {
            continue;
        };
        let Some((url, reason)) = rest.split_once(": ") else {
            continue;
        };
        let resource = url.rsplit('/').next().unwrap_or_default();
        if reason.starts_with("the server does not allow this method") {
            let namespace = url
                .strip_prefix("/api/v1/namespaces/")
                .and_then(|it| it.strip_suffix("/bindings"));
            namespaces.extend(namespace.map(str::to_owned));
        } else {
            failed.insert(resource.to_owned());
        }
    }
    (namespaces, failed)
}
