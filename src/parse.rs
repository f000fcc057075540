//! Gives texts of a bundle a meaning: manifests a tree, host files and log lines their fields.

pub mod document;
mod scalar;
mod yaml;
#[cfg(test)]
mod differential;
