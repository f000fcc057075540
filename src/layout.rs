//! Says what an entry of a bundle is from its path: the only file that knows where a bundle keeps what.

use std::collections::BTreeMap;

use crate::archive::EntryPath;

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

/// What an archive is as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// A support bundle.
    Bundle,
    /// The archive of one node; its name, where a directory tells it.
    Node {
        /// Name of the node.
        name: Option<String>,
    },
    /// A supportconfig archive.
    Supportconfig {
        /// Name of the node, as the archive's name tells it.
        node: Option<String>,
    },
}

/// Where in an archive the bundle begins, and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Directories above the bundle's own content: empty, or ending in a slash.
    roots: Vec<String>,
    shape: Shape,
}

/// How deep below the archive's top the bundle's own directory may lie.
const DEEPEST_ROOT: usize = 2;

/// Name that stands for a node whose name nothing tells yet.
pub const UNNAMED_NODE: &str = "unnamed";

impl Layout {
    /// Finds the bundle in an archive by its content; `None` if nothing in it looks like one.
    pub fn locate<'a>(paths: impl Iterator<Item = &'a EntryPath> + Clone) -> Option<Layout> {
        let bundle = roots(paths.clone(), is_of_bundle);
        if !bundle.is_empty() {
            return Some(Layout {
                roots: bundle,
                shape: Shape::Bundle,
            });
        }
        let node = roots(paths.clone(), is_of_node);
        if let Some(root) = node.first() {
            // A node archive alone keeps its files below `<node>/`; made by hand it has no such level.
            let name = root
                .trim_end_matches('/')
                .rsplit('/')
                .next()
                .filter(|name| !name.is_empty());
            let shape = Shape::Node {
                name: name.map(str::to_owned),
            };
            return Some(Layout {
                roots: vec![root.clone()],
                shape,
            });
        }
        let supportconfig = roots(paths, is_of_supportconfig);
        let root = supportconfig.first()?;
        let directory = root
            .trim_end_matches('/')
            .rsplit('/')
            .next()
            .unwrap_or_default();
        let shape = Shape::Supportconfig {
            node: node_of_supportconfig(directory).map(str::to_owned),
        };
        Some(Layout {
            roots: vec![root.clone()],
            shape,
        })
    }

    /// The layout of a whole bundle whose paths are relative to its top directory already.
    pub fn bundle() -> Layout {
        Layout {
            roots: vec![String::new()],
            shape: Shape::Bundle,
        }
    }

    /// What the archive is.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Name of the bundle's top directory, if it has one.
    pub fn name(&self) -> Option<&str> {
        let root = self.roots.first()?.trim_end_matches('/');
        root.rsplit('/').next().filter(|name| !name.is_empty())
    }

    /// The path as the report shows it: relative to the bundle's top directory. `None` for what lies beside it.
    pub fn relative<'p>(&self, path: &'p EntryPath) -> Option<&'p str> {
        let path = path.as_str();
        self.roots
            .iter()
            .find_map(|root| path.strip_prefix(root.as_str()))
            .filter(|path| !path.is_empty())
    }

    /// The path as [`Layout::relative`], or as it is where it lies beside the bundle.
    pub fn strip<'p>(&self, path: &'p str) -> &'p str {
        self.roots
            .iter()
            .find_map(|root| path.strip_prefix(root.as_str()))
            .unwrap_or(path)
    }

    /// What a file is, from its path relative to the bundle's top directory.
    pub fn source(&self, relative: &str) -> Source {
        match &self.shape {
            Shape::Bundle => source_in_bundle(relative),
            Shape::Node { name } => {
                source_in_node(name.as_deref().unwrap_or(UNNAMED_NODE), relative)
            }
            Shape::Supportconfig { node } => Source::Supportconfig {
                node: node.clone().unwrap_or_else(|| UNNAMED_NODE.to_owned()),
                file: relative.rsplit('/').next().unwrap_or(relative).to_owned(),
            },
        }
    }

    /// The node whose archive a path is: `nodes/harv-1.zip`.
    pub fn node_archive<'p>(&self, relative: &'p str) -> Option<&'p str> {
        let name = relative.strip_prefix("nodes/")?.strip_suffix(".zip")?;
        (self.shape == Shape::Bundle && !name.contains('/')).then_some(name)
    }
}

/// The directories below which files look like those of a bundle, best first: with metadata, then
/// shallow. Merged parts have one each, so all that are as good as the best are kept.
fn roots<'a>(paths: impl Iterator<Item = &'a EntryPath>, weight: fn(&str) -> u32) -> Vec<String> {
    let mut found: BTreeMap<&str, u32> = BTreeMap::new();
    for path in paths {
        let path = path.as_str();
        let mut start = 0;
        for depth in 0..=DEEPEST_ROOT {
            let (root, rest) = path.split_at(start);
            let weight = weight(rest);
            if weight > 0 {
                let held = found.entry(root).or_insert(0);
                *held = (*held).max(weight);
                break;
            }
            match rest.find('/') {
                // Below `nodes/` and `logs/` every name is somebody's; none begins a bundle.
                Some(slash) if depth < DEEPEST_ROOT => start += slash + 1,
                _ => break,
            }
        }
    }
    let best = found.values().copied().max().unwrap_or(0);
    let shallowest = found
        .iter()
        .filter(|(_, weight)| **weight == best)
        .map(|(root, _)| root.matches('/').count())
        .min();
    found
        .into_iter()
        .filter(|(root, weight)| *weight == best && Some(root.matches('/').count()) == shallowest)
        .map(|(root, _)| root.to_owned())
        .collect()
}

fn is_of_bundle(path: &str) -> u32 {
    let directory = |name: &str| {
        path.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with('/'))
    };
    match path {
        "metadata.yaml" | "bundleGenerationError.log" => 3,
        _ if directory("yamls") => 2,
        _ if directory("nodes") => 2,
        // Any tree may have a directory of logs; two levels and a container's log below it are a bundle's.
        _ if directory("logs") && path.matches('/').count() == 3 && path.contains(".log") => 2,
        _ => 0,
    }
}

fn is_of_node(path: &str) -> u32 {
    let known = [
        "configs/etc/",
        "configs/oem/",
        "logs/kernel.log",
        "logs/rke2-",
        "logs/console.log",
        "scc/",
    ];
    u32::from(known.iter().any(|start| path.starts_with(start)))
}

fn is_of_supportconfig(path: &str) -> u32 {
    let known = [
        "basic-environment.txt",
        "basic-health-check.txt",
        "supportconfig.txt",
        "boot.txt",
        "fs-diskio.txt",
    ];
    u32::from(known.contains(&path))
}

/// `scc_supportconfig_<node>[-RRRRRR]`; the six random characters came with kit v0.0.65.
fn node_of_supportconfig(directory: &str) -> Option<&str> {
    let name = directory.strip_prefix("scc_supportconfig_")?;
    let name = name.strip_suffix(".txz").unwrap_or(name);
    match name.rsplit_once('-') {
        Some((node, random))
            if random.len() == 6
                && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
                && random.bytes().any(|byte| !byte.is_ascii_lowercase()) =>
        {
            Some(node)
        }
        _ => Some(name),
    }
}

fn source_in_bundle(path: &str) -> Source {
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        ["metadata.yaml"] => Source::Metadata,
        ["bundleGenerationError.log"] => Source::CollectorErrors,
        ["prometheus-alerts.json"] => Source::Alerts,
        ["yamls", "cluster", rest @ ..] => manifests(None, rest),
        ["yamls", "namespaced", namespace, rest @ ..] => manifests(Some(namespace), rest),
        ["logs", namespace, pod, file] => pod_log(namespace, pod, file),
        // `nodes/<node>.zip/<node>/…`, or unpacked as `nodes/<node>/…` with or without the inner level.
        ["nodes", node, rest @ ..] => {
            let node = node.strip_suffix(".zip").unwrap_or(node);
            let rest = match rest {
                [first, below @ ..] if *first == node => below,
                _ => rest,
            };
            source_in_node(node, &rest.join("/"))
        }
        _ => Source::Unknown,
    }
}

fn manifests(namespace: Option<&str>, rest: &[&str]) -> Source {
    let (group, version, file) = match rest {
        [version, file] => ("", *version, *file),
        [group, version, file] => (*group, *version, *file),
        _ => return Source::Unknown,
    };
    // The layout of 2021 had a word for the maker (`kubernetes`, `harvester`) in place of a version.
    let version = if version.starts_with('v') {
        version
    } else {
        ""
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

fn pod_log(namespace: &str, pod: &str, file: &str) -> Source {
    let (container, previous) = match (file.strip_suffix(".log"), file.strip_suffix(".log.1")) {
        (Some(container), _) => (container, false),
        (None, Some(container)) => (container, true),
        (None, None) => return Source::Unknown,
    };
    Source::PodLog {
        namespace: namespace.to_owned(),
        pod: pod.to_owned(),
        container: container.to_owned(),
        previous,
    }
}

/// A file of a node's own archive. The supportconfig lies in an archive of its own, below `scc/`,
/// in older bundles below `logs/`.
fn source_in_node(node: &str, path: &str) -> Source {
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        [] | [""] => Source::Unknown,
        ["scc" | "logs", archive, below @ ..] if archive.starts_with("scc_") => {
            match below.last() {
                Some(file) => Source::Supportconfig {
                    node: node.to_owned(),
                    file: (*file).to_owned(),
                },
                None => Source::Unknown,
            }
        }
        // Unpacked by hand, without the archive's own directory.
        ["scc", file] if file.ends_with(".txt") => Source::Supportconfig {
            node: node.to_owned(),
            file: (*file).to_owned(),
        },
        ["configs" | "logs" | "hostinfos", ..] => Source::NodeFile {
            node: node.to_owned(),
            path: path.to_owned(),
        },
        _ => Source::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locate(paths: &[&str]) -> Option<Layout> {
        let paths: Vec<EntryPath> = paths.iter().map(|path| EntryPath::for_test(path)).collect();
        Layout::locate(paths.iter())
    }

    #[test]
    fn finds_the_root_by_content() {
        let table: [(&[&str], Option<(&str, Shape)>); 9] = [
            (
                &["metadata.yaml", "yamls/cluster/v1/nodes.yaml"],
                Some(("", Shape::Bundle)),
            ),
            (
                &["sb/metadata.yaml", "sb/nodes/n1.zip/n1/logs/kernel.log"],
                Some(("sb/", Shape::Bundle)),
            ),
            (
                &["a/sb/metadata.yaml", "a/sb/logs/ns/pod/c.log", "a/note.txt"],
                Some(("a/sb/", Shape::Bundle)),
            ),
            // Metadata lost, as in a truncated zip: the tree tells.
            (
                &["sb/yamls/cluster/v1/nodes.yaml"],
                Some(("sb/", Shape::Bundle)),
            ),
            (&["a/b/c/metadata.yaml"], None),
            (
                &["n1/logs/kernel.log", "n1/configs/etc/hostname"],
                Some((
                    "n1/",
                    Shape::Node {
                        name: Some("n1".into()),
                    },
                )),
            ),
            (
                &["logs/kernel.log", "configs/etc/hostname"],
                Some(("", Shape::Node { name: None })),
            ),
            (
                &["scc_supportconfig_n1-aB3dE6/basic-environment.txt"],
                Some((
                    "scc_supportconfig_n1-aB3dE6/",
                    Shape::Supportconfig {
                        node: Some("n1".into()),
                    },
                )),
            ),
            (&["index.html", "photos/cat.jpg"], None),
        ];
        for (paths, wanted) in table {
            let found = locate(paths);
            let found = found
                .as_ref()
                .map(|layout| (layout.roots[0].as_str(), layout.shape.clone()));
            assert_eq!(found, wanted, "{paths:?}");
        }
    }

    #[test]
    fn parts_that_are_archives_of_their_own_share_a_bundle() {
        let layout = locate(&["x.1/sb/metadata.yaml", "x.2/sb/bundleGenerationError.log"]).unwrap();
        assert_eq!(layout.roots, ["x.1/sb/", "x.2/sb/"]);
    }

    #[test]
    fn says_what_a_path_is() {
        let layout = Layout {
            roots: vec![String::new()],
            shape: Shape::Bundle,
        };
        let manifests = |namespace: Option<&str>, group: &str, version: &str, resource: &str| {
            Source::Manifests {
                namespace: namespace.map(str::to_owned),
                group: group.to_owned(),
                version: version.to_owned(),
                resource: resource.to_owned(),
            }
        };
        let node_file = |path: &str| Source::NodeFile {
            node: "n1".into(),
            path: path.into(),
        };
        let supportconfig = || Source::Supportconfig {
            node: "n1".into(),
            file: "fs-smartmon.txt".into(),
        };
        let log = |previous| Source::PodLog {
            namespace: "ns".into(),
            pod: "p".into(),
            container: "c".into(),
            previous,
        };
        for (path, wanted) in [
            ("metadata.yaml", Source::Metadata),
            ("bundleGenerationError.log", Source::CollectorErrors),
            ("prometheus-alerts.json", Source::Alerts),
            (
                "yamls/cluster/v1/nodes.yaml",
                manifests(None, "", "v1", "nodes"),
            ),
            (
                "yamls/cluster/longhorn.io/v1beta2/x.yaml",
                manifests(None, "longhorn.io", "v1beta2", "x"),
            ),
            (
                "yamls/namespaced/ns/v1/pods.yaml",
                manifests(Some("ns"), "", "v1", "pods"),
            ),
            (
                "yamls/namespaced/ns/apps/v1/x.yaml",
                manifests(Some("ns"), "apps", "v1", "x"),
            ),
            (
                "yamls/cluster/kubernetes/nodes.yaml",
                manifests(None, "", "", "nodes"),
            ),
            ("logs/ns/p/c.log", log(false)),
            ("logs/ns/p/c.log.1", log(true)),
            ("logs/ns/p/c.txt", Source::Unknown),
            (
                "nodes/n1.zip/n1/logs/kernel.log",
                node_file("logs/kernel.log"),
            ),
            ("nodes/n1/n1/logs/kernel.log", node_file("logs/kernel.log")),
            ("nodes/n1/logs/kernel.log", node_file("logs/kernel.log")),
            (
                "nodes/n1.zip/n1/scc/scc_supportconfig_n1.txz/scc_supportconfig_n1/fs-smartmon.txt",
                supportconfig(),
            ),
            (
                "nodes/n1.zip/n1/logs/scc_supportconfig_n1.txz/scc_supportconfig_n1/fs-smartmon.txt",
                supportconfig(),
            ),
            (
                "nodes/n1.zip/n1/scc/scc_supportconfig_n1.txz",
                Source::Unknown,
            ),
            ("README", Source::Unknown),
        ] {
            assert_eq!(layout.source(path), wanted, "{path}");
        }
        assert_eq!(layout.node_archive("nodes/n1.zip"), Some("n1"));
        assert_eq!(layout.node_archive("nodes/n1.zip/n1/logs/kernel.log"), None);
    }

    #[test]
    fn the_random_suffix_is_no_part_of_the_nodes_name() {
        for (directory, node) in [
            ("scc_supportconfig_n1", Some("n1")),
            ("scc_supportconfig_n1-aB3dE6", Some("n1")),
            ("scc_supportconfig_harv-master", Some("harv-master")),
            ("scc_harvester_abcde", None),
        ] {
            assert_eq!(node_of_supportconfig(directory), node, "{directory}");
        }
    }
}
