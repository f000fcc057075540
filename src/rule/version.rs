//! Versions and ranges of them.
/// A range of versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRange {}
