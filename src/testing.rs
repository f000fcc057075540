//! What tests of several modules share.

mod objects;
mod random;
mod rule_files;
mod schema_file;

pub(crate) use objects::{bundle_of, derived_from};
pub(crate) use random::Random;
pub(crate) use rule_files::files_below_rules;
pub(crate) use schema_file::check as check_schema_file;
