//! Says what an entry of a bundle is from its path: the only file that knows where a bundle keeps what.

use std::collections::BTreeMap;

use crate::archive::{self, EntryPath, Signs};

/// What an entry of the bundle is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Source {
    /// `metadata.yaml`: when and of what version the bundle was made.
    Metadata,
    /// `bundleGenerationError.log`: what the collector could not fetch.
    CollectorErrors,
    /// `prometheus-alerts.json`.
    Alerts,
    /// `yamls/{cluster,namespaced/<namespace>}/[<group>/]<version>/<resource>.yaml`.
    Manifests {
        /// Namespace, `None` for cluster scope.
        namespace: Option<String>,
        /// API group, empty for the core group.
        group: String,
        /// API version without the group.
        version: String,
        /// Plural resource name: the file's stem.
        resource: String,
    },
    /// `logs/<namespace>/<pod>/<container>.log[.1]`.
    PodLog {
        /// Namespace of the pod.
        namespace: String,
        /// Name of the pod.
        pod: String,
        /// Name of the container.
        container: String,
        /// The container's previous instance (`.log.1`).
        previous: bool,
    },
    /// A file of a node's own archive, `path` relative to the node's directory: `logs/kernel.log`, `configs/etc/hostname`.
    NodeFile {
        /// Name of the node.
        node: String,
        /// Path below the node's directory.
        path: String,
    },
    /// A file of a node's supportconfig archive: `fs-smartmon.txt`.
    Supportconfig {
        /// Name of the node.
        node: String,
        /// Name of the file inside the supportconfig directory.
        file: String,
    },
    /// Nothing that this tool knows.
    Unknown,
}

impl Source {
    /// Whether lines of it are looked at: logs, and the logs and command output of a supportconfig.
    /// Of a node's other files only facts are read.
    pub fn is_log(&self) -> bool {
        match self {
            Source::PodLog { .. } | Source::Supportconfig { .. } | Source::CollectorErrors => true,
            Source::NodeFile { path, .. } => {
                path.starts_with("logs/") && !path.ends_with("containerd-images.log")
            }
            _ => false,
        }
    }
}

/// What was given: a whole bundle, or a piece of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// A support bundle.
    Bundle,
    /// One node's archive alone.
    Node {
        /// The node's name, from the directory around its files. `None` where there is none; the
        /// host's own `configs/etc/hostname` then tells.
        name: Option<String>,
    },
    /// One supportconfig archive alone.
    Supportconfig,
}

/// Where in the archive the bundle begins, and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Path of the top directory; empty if the archive has none.
    root: String,
    shape: Shape,
    /// Name of the only node, where the paths do not tell it.
    node: String,
    others: Vec<String>,
}

/// Directories above the bundle's own top directory in which it is looked for, archives around it
/// not counted: its own, and one that a user put it in.
const DEEPEST_ROOT: usize = 2;

/// Stands for the name of a node that is not known.
const UNNAMED_NODE: &str = "unknown";

/// What a node's archive has at its top; the last is Longhorn's.
const NODE_DIRECTORIES: [&str; 4] = ["configs", "logs", "scc", "hostinfos"];

/// How the top directory of an extracted bundle is known among others. Logs alone are no sign: any
/// directory may hold some.
pub const SIGNS: Signs = Signs {
    directories: &["yamls", "nodes"],
    files: &["bundleGenerationError.log"],
    is_sign: |path| sign(path) == Some(Sign::Bundle),
};

/// Whether Harvester gives a bundle such a name.
#[must_use]
pub fn is_bundle_name(name: &str) -> bool {
    name.starts_with("supportbundle_")
}

impl Layout {
    /// Finds the bundle among the paths of an archive by what a bundle holds. `None`: nothing here
    /// is one.
    pub fn locate<'a>(paths: impl Iterator<Item = &'a EntryPath> + Clone) -> Option<Layout> {
        let mut found: BTreeMap<Candidate<'a>, Vec<Sign>> = BTreeMap::new();
        for path in paths {
            for (candidate, rest) in candidates(path.as_str()) {
                if let Some(sign) = sign(rest) {
                    let signs = found.entry(candidate).or_default();
                    if !signs.contains(&sign) {
                        signs.push(sign);
                    }
                }
            }
        }
        let is_bundle = |signs: &[Sign]| signs.contains(&Sign::Bundle);
        let is_node = |signs: &[Sign]| signs.contains(&Sign::Node);
        let is_supportconfig = |signs: &[Sign]| signs.contains(&Sign::Supportconfig);
        let roots = |is: &dyn Fn(&[Sign]) -> bool| -> Vec<Candidate<'a>> {
            let matching = found.iter().filter(|(_, signs)| is(signs));
            let roots: Vec<Candidate<'a>> = matching.map(|(candidate, _)| *candidate).collect();
            let depth = roots.first().map_or(0, |first| first.depth);
            roots
                .into_iter()
                .filter(|root| root.depth == depth)
                .collect()
        };
        [roots(&is_bundle), roots(&is_node), roots(&is_supportconfig)]
            .iter()
            .zip([
                Shape::Bundle,
                Shape::Node { name: None },
                Shape::Supportconfig,
            ])
            .find_map(|(roots, shape)| {
                let (first, others) = roots.split_first()?;
                Some(Layout::new(first.root, shape, others))
            })
    }

    fn new(root: &str, shape: Shape, others: &[Candidate<'_>]) -> Layout {
        let directory = root.rsplit('/').next().unwrap_or_default();
        let is_directory = !directory.is_empty() && !archive::is_archive_name(directory);
        let directory = is_directory.then(|| directory.to_owned());
        let node = match shape {
            Shape::Bundle => None,
            Shape::Node { .. } => directory.clone(),
            // supportconfig_<node>, where SUSE's default has scc_<host>_<date>_<time>.
            Shape::Supportconfig => directory.as_ref().map(|directory| {
                let name = directory.trim_start_matches("scc_");
                name.trim_start_matches("supportconfig_").to_owned()
            }),
        };
        let shape = match shape {
            Shape::Node { .. } => Shape::Node { name: directory },
            shape => shape,
        };
        Layout {
            root: root.to_owned(),
            shape,
            node: node.unwrap_or_else(|| UNNAMED_NODE.to_owned()),
            others: others.iter().map(|other| other.root.to_owned()).collect(),
        }
    }

    /// The layout of a whole bundle whose paths are relative to its top directory already.
    pub fn bundle() -> Layout {
        Layout::new("", Shape::Bundle, &[])
    }

    /// The same, where the only node has a name that was found in its files.
    #[must_use]
    pub fn with_node_name(self, name: &str) -> Layout {
        Layout {
            node: name.to_owned(),
            ..self
        }
    }

    /// What was given.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Name of the top directory, where the archive has one.
    pub fn directory(&self) -> Option<&str> {
        self.root.rsplit('/').next().filter(|name| !name.is_empty())
    }

    /// Top directories of other bundles (or node archives, if that is the shape) beside this one,
    /// which are not read.
    pub fn others(&self) -> &[String] {
        &self.others
    }

    /// A path as the report shows it, from the bundle's top directory. `None` if it is outside.
    pub fn relative<'p>(&self, path: &'p EntryPath) -> Option<&'p str> {
        self.relative_text(path.as_str())
    }

    /// The same for a path that is text, such as that of a problem.
    pub fn relative_text<'p>(&self, path: &'p str) -> Option<&'p str> {
        if self.root.is_empty() {
            return Some(path);
        }
        path.strip_prefix(self.root.as_str())?.strip_prefix('/')
    }

    /// What the entry at a path from the bundle's top directory is.
    pub fn source(&self, relative: &str) -> Source {
        if let Some((node, path)) = self.host_path(relative) {
            let node = node.to_owned();
            return match supportconfig_file(path) {
                _ if self.shape == Shape::Supportconfig => Source::Supportconfig {
                    node,
                    file: path.to_owned(),
                },
                Some(file) => Source::Supportconfig {
                    node,
                    file: file.to_owned(),
                },
                None => Source::NodeFile {
                    node,
                    path: path.to_owned(),
                },
            };
        }
        let components: Vec<&str> = relative.split('/').collect();
        match components.as_slice() {
            ["metadata.yaml"] => Source::Metadata,
            ["bundleGenerationError.log"] => Source::CollectorErrors,
            ["prometheus-alerts.json"] => Source::Alerts,
            ["yamls", "cluster", rest @ ..] => manifests(None, rest),
            ["yamls", "namespaced", namespace, rest @ ..] => manifests(Some(namespace), rest),
            ["logs", namespace, pod, file] => match container(file) {
                Some((container, previous)) => Source::PodLog {
                    namespace: (*namespace).to_owned(),
                    pod: (*pod).to_owned(),
                    container: container.to_owned(),
                    previous,
                },
                None => Source::Unknown,
            },
            _ => Source::Unknown,
        }
    }

    /// The path that rules see, the same whatever the bundle was packed in:
    /// `nodes/<node>/logs/kernel.log`, `nodes/<node>/scc/<file>` for a file of a supportconfig
    /// archive, and for all else the path itself. `None` for what is not known.
    pub fn canonical(&self, relative: &str) -> Option<String> {
        match self.source(relative) {
            Source::Unknown => None,
            Source::NodeFile { node, path } => Some(format!("nodes/{node}/{path}")),
            Source::Supportconfig { node, file } => Some(format!("nodes/{node}/scc/{file}")),
            _ => Some(relative.to_owned()),
        }
    }

    /// The node that a file was collected from, and the path below the node's directory.
    fn host_path<'p>(&'p self, relative: &'p str) -> Option<(&'p str, &'p str)> {
        if self.shape != Shape::Bundle {
            return Some((&self.node, relative));
        }
        let (holder, path) = relative.strip_prefix("nodes/")?.split_once('/')?;
        let node = holder.strip_suffix(".zip").unwrap_or(holder);
        // The archive holds the node's directory; one that was made by hand may not.
        let path = match path.split_once('/') {
            Some((first, rest)) if first == node || !NODE_DIRECTORIES.contains(&first) => rest,
            _ => path,
        };
        (!path.is_empty()).then_some((node, path))
    }
}

/// A directory that may be the bundle's top. The order is that of preference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate<'a> {
    depth: usize,
    root: &'a str,
}

/// What a path, taken from a candidate, is a sign of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Bundle,
    Node,
    Supportconfig,
}

/// The directories of a path that may be the bundle's top, each with the rest of the path.
fn candidates(path: &str) -> impl Iterator<Item = (Candidate<'_>, &str)> {
    let whole = Candidate { depth: 0, root: "" };
    let separators = path.match_indices('/').map(|(at, _)| at);
    let below = separators.scan((0, 0), |(depth, begin), at| {
        let component = path.get(*begin..at)?;
        *depth += usize::from(!archive::is_archive_name(component));
        *begin = at + 1;
        let root = path.get(..at)?;
        let candidate = Candidate {
            depth: *depth,
            root,
        };
        (*depth <= DEEPEST_ROOT).then_some((candidate, path.get(at + 1..)?))
    });
    std::iter::once((whole, path)).chain(below)
}

fn sign(rest: &str) -> Option<Sign> {
    let mut components = rest.split('/');
    let mut next = || components.next();
    match (next()?, next(), next(), next(), next()) {
        // metadata.yaml alone is no sign: charts and operators have one, too.
        ("bundleGenerationError.log", None, ..) => Some(Sign::Bundle),
        ("yamls", Some("cluster" | "namespaced"), Some(_), ..) => Some(Sign::Bundle),
        ("logs", Some(_), Some(_), Some(file), None) if container(file).is_some() => {
            Some(Sign::Bundle)
        }
        ("nodes", Some(archive), None, ..) if archive.ends_with(".zip") => Some(Sign::Bundle),
        ("nodes", Some(archive), Some(_), ..) if archive.ends_with(".zip") => Some(Sign::Bundle),
        ("nodes", Some(_), Some(first), Some(second), _)
            if NODE_DIRECTORIES.contains(&first) || NODE_DIRECTORIES.contains(&second) =>
        {
            Some(Sign::Bundle)
        }
        ("configs", Some("etc" | "oem"), Some(_), ..) => Some(Sign::Node),
        ("logs", Some(file), None, ..) if container(file).is_some() => Some(Sign::Node),
        ("hostinfos", Some(_), None, ..) => Some(Sign::Node),
        ("scc", Some(archive), ..) if archive.starts_with("scc_") => Some(Sign::Node),
        ("basic-environment.txt" | "supportconfig.txt" | "basic-health-check.txt", None, ..) => {
            Some(Sign::Supportconfig)
        }
        _ => None,
    }
}

/// The container of a log file of that name, and whether it is of its previous instance.
fn container(file: &str) -> Option<(&str, bool)> {
    match file.strip_suffix(".log.1") {
        Some(container) => Some((container, true)),
        None => file
            .strip_suffix(".log")
            .map(|container| (container, false)),
    }
}

/// The manifests at a path below a scope: `<group>/<version>/<resource>.yaml`, without group for
/// the core group. The bundles of 2021 have a project's name there, which tells neither.
fn manifests(namespace: Option<&str>, rest: &[&str]) -> Source {
    let (group, version, file) = match rest {
        [version, file] if is_version(version) => ("", *version, *file),
        [_, file] => ("", "", *file),
        [group, version, file] => (*group, *version, *file),
        _ => return Source::Unknown,
    };
    match file.strip_suffix(".yaml") {
        Some(resource) => Source::Manifests {
            namespace: namespace.map(str::to_owned),
            group: group.to_owned(),
            version: version.to_owned(),
            resource: resource.to_owned(),
        },
        None => Source::Unknown,
    }
}

/// Whether it is a version of an API: `v1`, `v1beta2`.
fn is_version(text: &str) -> bool {
    let digits = text.strip_prefix('v').unwrap_or_default();
    digits.starts_with(|c: char| c.is_ascii_digit())
}

/// The file inside a supportconfig archive that a path below a node's directory leads to:
/// `scc/scc_<name>.txz/scc_<name>/<file>`. Before 1.4 the archive is in `logs/`; it may be
/// unpacked.
fn supportconfig_file(path: &str) -> Option<&str> {
    let inside = path
        .strip_prefix("scc/")
        .or_else(|| path.strip_prefix("logs/"))?;
    let (archive, file) = inside.split_once('/')?;
    if !archive.starts_with("scc_") {
        return None;
    }
    match file.split_once('/') {
        Some((directory, file)) if directory.starts_with("scc_") => Some(file),
        _ => Some(file),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locate(paths: &[&str]) -> Option<Layout> {
        let paths: Vec<EntryPath> = paths.iter().map(|path| EntryPath::of(path)).collect();
        Layout::locate(paths.iter())
    }

    #[test]
    fn finds_the_top_directory_by_content() {
        let node = |name: Option<&str>| Shape::Node {
            name: name.map(str::to_owned),
        };
        type Expected = Option<(&'static str, Shape)>;
        let table: &[(&[&str], Expected)] = &[
            (
                &["b/metadata.yaml", "b/yamls/cluster/v1/nodes.yaml"],
                Some(("b", Shape::Bundle)),
            ),
            (
                &["metadata.yaml", "nodes/n.zip/n/logs/kernel.log"],
                Some(("", Shape::Bundle)),
            ),
            (
                &["metadata.yaml", "bundleGenerationError.log"],
                Some(("", Shape::Bundle)),
            ),
            (
                &["home/b/yamls/namespaced/ns/v1/pods.yaml"],
                Some(("home/b", Shape::Bundle)),
            ),
            (&["a/b/c/yamls/cluster/v1/nodes.yaml"], None),
            (
                &["x/b.zip/b/logs/ns/pod/c.log.1"],
                Some(("x/b.zip/b", Shape::Bundle)),
            ),
            (
                &["b.tar.gz/b/nodes/n1.zip"],
                Some(("b.tar.gz/b", Shape::Bundle)),
            ),
            (&["b/nodes/n1/logs/kernel.log"], Some(("b", Shape::Bundle))),
            (
                &["b/nodes/n1/n1/logs/kernel.log"],
                Some(("b", Shape::Bundle)),
            ),
            (
                &[
                    "b/external/l.zip/l/metadata.yaml",
                    "b/external/l.zip/l/yamls/cluster/v1/nodes.yaml",
                    "b/logs/ns/pod/c.log",
                ],
                Some(("b", Shape::Bundle)),
            ),
            (&["n1/logs/kernel.log"], Some(("n1", node(Some("n1"))))),
            (
                &["configs/etc/hostname", "logs/kernel.log"],
                Some(("", node(None))),
            ),
            (
                &["upload.zip/configs/etc/hostname"],
                Some(("upload.zip", node(None))),
            ),
            (
                &["n1/scc/scc_supportconfig_n1.txz"],
                Some(("n1", node(Some("n1")))),
            ),
            (
                &["scc_supportconfig_n1/basic-environment.txt"],
                Some(("scc_supportconfig_n1", Shape::Supportconfig)),
            ),
            (&["metadata.yaml", "templates/x.yaml"], None),
            (&["README.md"], None),
            (&[], None),
        ];
        for (paths, expected) in table {
            let found = locate(paths);
            let found = found
                .as_ref()
                .map(|layout| (layout.root.as_str(), layout.shape.clone()));
            assert_eq!(&found, expected, "{paths:?}");
        }
    }

    #[test]
    fn two_bundles_are_told_apart() {
        let layout = locate(&["a/nodes/n.zip", "b/nodes/n.zip", "b/metadata.yaml"]).unwrap();
        assert_eq!(
            (layout.root.as_str(), layout.others()),
            ("a", &["b".to_owned()][..])
        );
        assert_eq!(
            layout.relative(&EntryPath::of("a/nodes/n.zip")),
            Some("nodes/n.zip")
        );
        assert_eq!(layout.relative(&EntryPath::of("b/nodes/n.zip")), None);
        assert_eq!(layout.relative(&EntryPath::of("ab/nodes/n.zip")), None);
    }

    fn manifests_of(namespace: Option<&str>, group: &str, version: &str, resource: &str) -> Source {
        Source::Manifests {
            namespace: namespace.map(str::to_owned),
            group: group.to_owned(),
            version: version.to_owned(),
            resource: resource.to_owned(),
        }
    }

    fn node_file(node: &str, path: &str) -> Source {
        let (node, path) = (node.to_owned(), path.to_owned());
        Source::NodeFile { node, path }
    }

    fn supportconfig(node: &str, file: &str) -> Source {
        let (node, file) = (node.to_owned(), file.to_owned());
        Source::Supportconfig { node, file }
    }

    #[test]
    fn a_path_tells_what_it_is() {
        let layout = locate(&["b/bundleGenerationError.log"]).unwrap();
        let log = |container: &str, previous| Source::PodLog {
            namespace: "ns".to_owned(),
            pod: "pod-1".to_owned(),
            container: container.to_owned(),
            previous,
        };
        let same = "(the path itself)";
        let table = [
            ("metadata.yaml", Source::Metadata, same),
            ("bundleGenerationError.log", Source::CollectorErrors, same),
            ("prometheus-alerts.json", Source::Alerts, same),
            (
                "yamls/cluster/v1/nodes.yaml",
                manifests_of(None, "", "v1", "nodes"),
                same,
            ),
            (
                "yamls/namespaced/ns/apps/v1/deployments.yaml",
                manifests_of(Some("ns"), "apps", "v1", "deployments"),
                same,
            ),
            (
                "yamls/cluster/kubernetes/nodes.yaml",
                manifests_of(None, "", "", "nodes"),
                same,
            ),
            ("yamls/cluster/v1/nodes.json", Source::Unknown, ""),
            ("yamls/cluster/nodes.yaml", Source::Unknown, ""),
            ("logs/ns/pod-1/c.log", log("c", false), same),
            ("logs/ns/pod-1/c.log.1", log("c", true), same),
            ("logs/ns/pod-1/c.txt", Source::Unknown, ""),
            (
                "nodes/n1.zip/n1/logs/kernel.log",
                node_file("n1", "logs/kernel.log"),
                "nodes/n1/logs/kernel.log",
            ),
            (
                "nodes/n1/logs/kernel.log",
                node_file("n1", "logs/kernel.log"),
                same,
            ),
            (
                "nodes/n1/n1/configs/etc/hostname",
                node_file("n1", "configs/etc/hostname"),
                "nodes/n1/configs/etc/hostname",
            ),
            (
                "nodes/n1.zip/logs/kernel.log",
                node_file("n1", "logs/kernel.log"),
                "nodes/n1/logs/kernel.log",
            ),
            (
                "nodes/n1.zip/n1/scc/scc_x.txz/scc_x/fs-smartmon.txt",
                supportconfig("n1", "fs-smartmon.txt"),
                "nodes/n1/scc/fs-smartmon.txt",
            ),
            (
                "nodes/n1.zip/n1/logs/scc_x.txz/scc_x/boot.txt",
                supportconfig("n1", "boot.txt"),
                "nodes/n1/scc/boot.txt",
            ),
            (
                "nodes/n1/scc/scc_x/boot.txt",
                supportconfig("n1", "boot.txt"),
                "nodes/n1/scc/boot.txt",
            ),
            ("nodes/n1.zip", Source::Unknown, ""),
            ("nodes/", Source::Unknown, ""),
            ("", Source::Unknown, ""),
            ("readme.txt", Source::Unknown, ""),
        ];
        for (path, source, canonical) in table {
            assert_eq!(layout.source(path), source, "{path}");
            let expected = match canonical {
                "" => None,
                "(the path itself)" => Some(path),
                canonical => Some(canonical),
            };
            assert_eq!(layout.canonical(path).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn a_piece_alone_reads_like_the_same_in_a_bundle() {
        let node = locate(&["n1/logs/kernel.log"]).unwrap();
        assert_eq!(
            node.source("logs/kernel.log"),
            node_file("n1", "logs/kernel.log")
        );
        assert_eq!(
            node.canonical("logs/kernel.log").unwrap(),
            "nodes/n1/logs/kernel.log"
        );
        assert_eq!(
            node.source("scc/scc_x.txz/scc_x/a.txt"),
            supportconfig("n1", "a.txt")
        );

        let unnamed = locate(&["logs/kernel.log"]).unwrap();
        assert_eq!(
            unnamed.canonical("logs/kernel.log").unwrap(),
            "nodes/unknown/logs/kernel.log"
        );
        let named = unnamed.with_node_name("n2");
        assert_eq!(
            named.canonical("logs/kernel.log").unwrap(),
            "nodes/n2/logs/kernel.log"
        );

        let scc = locate(&["scc_supportconfig_n1/supportconfig.txt"]).unwrap();
        assert_eq!(scc.source("boot.txt"), supportconfig("n1", "boot.txt"));
        assert_eq!(scc.canonical("boot.txt").unwrap(), "nodes/n1/scc/boot.txt");
    }
}
