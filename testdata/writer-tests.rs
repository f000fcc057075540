//! Tests of the writer of bundles.

#[path = "writer.rs"]
mod writer;

#[path = "writer/tests_of_yaml.rs"]
mod tests_of_yaml;
