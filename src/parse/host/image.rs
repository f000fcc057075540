//! `containerd-images.log`: the images a node has.

use crate::parse::host::quantity::size;
use crate::parse::host::{Reader, numbered};
use crate::span::{Location, ProblemKind};

/// An image in containerd's store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerImage {
    /// `docker.io/rancher/harvester:v1.5.0`.
    pub reference: String,
    /// `sha256:…` of the manifest.
    pub digest: String,
    /// Compressed size in bytes, as exact as printed.
    pub size: Option<u64>,
    /// Row of the table.
    pub seen: Location,
}

/// Reads the table `REF TYPE DIGEST SIZE PLATFORMS LABELS` of `ctr images ls`.
pub(super) fn read_images(reader: &mut Reader, text: &str) {
    let mut unread: Option<(u32, usize)> = None;
    for (line, text) in numbered(text) {
        let words: Vec<&str> = text.split_whitespace().collect();
        if words.is_empty() || words.starts_with(&["REF", "TYPE"]) {
            continue;
        }
        let [reference, _media_type, digest, number, unit, ..] = words.as_slice() else {
            unread = Some(unread.map_or((line, 1), |(first, count)| (first, count + 1)));
            continue;
        };
        if !digest.starts_with("sha256:") {
            unread = Some(unread.map_or((line, 1), |(first, count)| (first, count + 1)));
            continue;
        }
        let image = ContainerImage {
            reference: (*reference).to_owned(),
            digest: (*digest).to_owned(),
            size: size(&format!("{number}{unit}"), 1),
            seen: reader.at(line),
        };
        reader.keep(|facts| &mut facts.images, image);
    }
    if let Some((first, count)) = unread {
        let reason = format!("{count} lines of the list of images are not rows of its table");
        reader.problem(Some(first), ProblemKind::Syntax, reason);
    }
}

#[cfg(test)]
mod tests {
    use crate::parse::host::{HostFile, read};
    use crate::span::ProblemKind;

    #[test]
    fn table_of_images() {
        let text = "\
REF TYPE DIGEST SIZE PLATFORMS LABELS
docker.io/rancher/harvester:v1.5.0 application/vnd.oci.image.index.v1+json sha256:ab67 272.1 MiB linux/amd64,linux/arm64 io.cri-containerd.image=managed
sha256:0b2a application/vnd.docker.distribution.manifest.v2+json sha256:0b2a 512 B linux/amd64 -
ctr: failed to list images
";
        let parsed = read(HostFile::ContainerImages, "p", text);
        let rows: Vec<_> = parsed
            .value
            .images
            .iter()
            .map(|image| {
                (
                    image.reference.as_str(),
                    image.digest.as_str(),
                    image.size,
                    image.seen.line,
                )
            })
            .collect();
        assert_eq!(
            rows,
            [
                (
                    "docker.io/rancher/harvester:v1.5.0",
                    "sha256:ab67",
                    Some(285_317_529),
                    Some(2)
                ),
                ("sha256:0b2a", "sha256:0b2a", Some(512), Some(3)),
            ]
        );
        let problems: Vec<_> = parsed
            .problems
            .iter()
            .map(|problem| (problem.kind, problem.line))
            .collect();
        assert_eq!(problems, [(ProblemKind::Syntax, Some(4))]);
    }
}
