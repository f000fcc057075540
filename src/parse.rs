//! Gives texts of a bundle a meaning: manifests a tree, host files and log lines their fields.

pub mod document;
pub mod host;
pub mod line;
pub mod time;

use document::Document;

/// The tree of a YAML text that stands inside a field or an annotation; `None` where it is none.
pub fn yaml_text(_text: &str) -> Option<Document> {
    None
}
