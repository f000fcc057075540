//! Gives texts of a bundle a meaning: manifests a tree, host files and log lines their fields.

pub mod document;
pub mod line;
pub mod time;
