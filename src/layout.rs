//! Says what an entry of a bundle is from its path: the only file that knows where a bundle keeps what.

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
