//! Tests of the writer of bundles.

#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "writer.rs"]
mod writer;

#[path = "writer/tests_of_bundles.rs"]
mod tests_of_bundles;
#[path = "writer/tests_of_yaml.rs"]
mod tests_of_yaml;
