//! bundle-doctor reads a Harvester support bundle and says what broke, why, and what to do.

pub mod archive;
pub mod bundle;
pub mod diagnosis;
pub mod evaluate;
pub mod finding;
pub mod graph;
pub mod layout;
pub mod parse;
pub mod report;
pub mod rule;
pub mod scan;
pub mod span;
