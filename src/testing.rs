//! What tests of several modules share.

mod random;
mod schema_file;

pub(crate) use random::Random;
pub(crate) use schema_file::check as check_schema_file;
