//! Names of log sources as rules write them, and which files of a bundle they mean.

use std::fmt;

use crate::layout::Source;

/// A log, or a set of logs, that a matcher reads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SourceSpec {
    /// `node/kernel` …: a log of each host.
    Node(NodeLog),
    /// `node/supportconfig/<file glob>`: a file of each host's supportconfig.
    Supportconfig {
        /// Glob on the file's name.
        file: String,
    },
    /// `pod/<namespace glob>/<pod glob>/<container glob>`, with the previous container's log.
    Pod {
        /// Glob on the namespace.
        namespace: String,
        /// Glob on the pod's name.
        pod: String,
        /// Glob on the container's name.
        container: String,
    },
    /// `bundle/errors`: what the collector could not fetch.
    CollectorErrors,
}

/// A log of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeLog {
    /// The current boot.
    Kernel,
    /// The boots before.
    KernelPrevious,
    /// RKE2 on a control-plane node.
    Rke2Server,
    /// RKE2 on a worker.
    Rke2Agent,
    /// Rancherd, which bootstraps the node.
    Rancherd,
    /// The agent that carries out machine plans.
    RancherSystemAgent,
    /// Kubelet.
    Kubelet,
    /// Containerd.
    Containerd,
    /// Wicked or NetworkManager.
    Network,
    /// The iSCSI initiator.
    Iscsid,
    /// Harvester's console and installer.
    Console,
}

/// Names of host logs, and the files below a node's directory that they mean.
const NODE_LOGS: [(NodeLog, &str, &[&str]); 11] = [
    (NodeLog::Kernel, "kernel", &["logs/kernel.log"]),
    (
        NodeLog::KernelPrevious,
        "kernel-previous",
        &["logs/kernel.log.1", "logs/kernel.log.2"],
    ),
    (
        NodeLog::Rke2Server,
        "rke2-server",
        &["logs/rke2-server.log"],
    ),
    (NodeLog::Rke2Agent, "rke2-agent", &["logs/rke2-agent.log"]),
    (NodeLog::Rancherd, "rancherd", &["logs/rancherd.log"]),
    (
        NodeLog::RancherSystemAgent,
        "rancher-system-agent",
        &["logs/rancher-system-agent.log"],
    ),
    (NodeLog::Kubelet, "kubelet", &["logs/kubelet.log"]),
    (NodeLog::Containerd, "containerd", &["logs/containerd.log"]),
    (
        NodeLog::Network,
        "network",
        &["logs/wicked.log", "logs/NetworkManager.log"],
    ),
    (NodeLog::Iscsid, "iscsid", &["logs/iscsid.log"]),
    (NodeLog::Console, "console", &["logs/console.log"]),
];

impl NodeLog {
    /// All of them.
    pub const ALL: [NodeLog; 11] = [
        NodeLog::Kernel,
        NodeLog::KernelPrevious,
        NodeLog::Rke2Server,
        NodeLog::Rke2Agent,
        NodeLog::Rancherd,
        NodeLog::RancherSystemAgent,
        NodeLog::Kubelet,
        NodeLog::Containerd,
        NodeLog::Network,
        NodeLog::Iscsid,
        NodeLog::Console,
    ];

    /// The host log that a path below a node's directory is, if it is one.
    pub fn of(path: &str) -> Option<NodeLog> {
        NODE_LOGS
            .iter()
            .find(|(_, _, files)| files.contains(&path))
            .map(|(log, _, _)| *log)
    }

    /// Name as rules write it, after `node/`.
    pub fn name(self) -> &'static str {
        NODE_LOGS
            .iter()
            .find(|(log, _, _)| *log == self)
            .map_or("", |(_, name, _)| name)
    }
}

impl SourceSpec {
    /// Reads a source as rules write it; `None` for a name that means nothing.
    pub fn parse(text: &str) -> Option<SourceSpec> {
        let segments: Vec<&str> = text.split('/').collect();
        let filled = segments.iter().all(|segment| !segment.is_empty());
        match segments.as_slice() {
            ["pod", namespace, pod, container] if filled => Some(SourceSpec::Pod {
                namespace: (*namespace).to_owned(),
                pod: (*pod).to_owned(),
                container: (*container).to_owned(),
            }),
            ["node", "supportconfig", file] if filled => Some(SourceSpec::Supportconfig {
                file: (*file).to_owned(),
            }),
            ["bundle", "errors"] => Some(SourceSpec::CollectorErrors),
            ["node", name] => NodeLog::ALL
                .into_iter()
                .find(|log| log.name() == *name)
                .map(SourceSpec::Node),
            _ => None,
        }
    }

    /// Whether a file below a node's directory, or of its supportconfig, is meant.
    pub fn is_host_file(&self, file: &str) -> bool {
        match self {
            SourceSpec::Node(log) => NodeLog::of(file) == Some(*log),
            SourceSpec::Supportconfig { file: pattern } => glob(pattern, file),
            SourceSpec::Pod { .. } | SourceSpec::CollectorErrors => false,
        }
    }

    /// Whether a file of the bundle is meant.
    pub fn matches(&self, source: &Source) -> bool {
        match (self, source) {
            (SourceSpec::Node(log), Source::NodeFile { path, .. }) => {
                NodeLog::of(path) == Some(*log)
            }
            (SourceSpec::Supportconfig { file }, Source::Supportconfig { file: name, .. }) => {
                glob(file, name)
            }
            (
                SourceSpec::Pod {
                    namespace,
                    pod,
                    container,
                },
                Source::PodLog {
                    namespace: in_namespace,
                    pod: of_pod,
                    container: of_container,
                    ..
                },
            ) => {
                glob(namespace, in_namespace) && glob(pod, of_pod) && glob(container, of_container)
            }
            (SourceSpec::CollectorErrors, Source::CollectorErrors) => true,
            _ => false,
        }
    }
}

impl fmt::Display for SourceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SourceSpec::Node(log) => write!(f, "node/{}", log.name()),
            SourceSpec::Supportconfig { file } => write!(f, "node/supportconfig/{file}"),
            SourceSpec::Pod {
                namespace,
                pod,
                container,
            } => write!(f, "pod/{namespace}/{pod}/{container}"),
            SourceSpec::CollectorErrors => f.write_str("bundle/errors"),
        }
    }
}

/// Whether `*`, which stands for any run of characters, makes the pattern fit the name.
pub fn glob(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        // The leftmost fit leaves the most for the parts that follow.
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_each_form_and_writes_it_back() {
        for text in [
            "node/kernel",
            "node/kernel-previous",
            "node/network",
            "node/supportconfig/fs-*.txt",
            "pod/harvester-system/harvester-*/apiserver",
            "bundle/errors",
        ] {
            assert_eq!(SourceSpec::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn globs_fit_within_a_name() {
        for (pattern, name, fits) in [
            ("*", "", true),
            ("*", "etcd", true),
            ("etcd", "etcd", true),
            ("etcd", "etcd-1", false),
            ("etcd-*", "etcd-node1", true),
            ("etcd-*", "x-etcd-node1", false),
            ("*-pre-drain-*", "hvst-upgrade-x-pre-drain-node1-abc", true),
            ("*a*a", "ba", false),
            ("*a*a", "baa", true),
            ("a*a", "a", false),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(glob(pattern, name), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn means_files_of_the_bundle() {
        let node = |path: &str| Source::NodeFile {
            node: "node1".into(),
            path: path.into(),
        };
        let pod = |previous| Source::PodLog {
            namespace: "kube-system".into(),
            pod: "etcd-node1".into(),
            container: "etcd".into(),
            previous,
        };
        for (spec, source, means) in [
            ("node/kernel", node("logs/kernel.log"), true),
            ("node/kernel", node("logs/kernel.log.1"), false),
            ("node/kernel-previous", node("logs/kernel.log.2"), true),
            ("node/network", node("logs/wicked.log"), true),
            ("node/network", node("logs/NetworkManager.log"), true),
            ("node/kernel", node("configs/kernel.log"), false),
            ("pod/kube-system/etcd-*/etcd", pod(false), true),
            ("pod/kube-system/etcd-*/etcd", pod(true), true),
            ("pod/default/etcd-*/etcd", pod(true), false),
            ("bundle/errors", Source::CollectorErrors, true),
            (
                "node/supportconfig/messages*",
                Source::Supportconfig {
                    node: "node1".into(),
                    file: "messages.txt".into(),
                },
                true,
            ),
        ] {
            assert_eq!(
                SourceSpec::parse(spec).unwrap().matches(&source),
                means,
                "{spec} {source:?}"
            );
        }
    }
}
