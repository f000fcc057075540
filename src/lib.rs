//! bundle-doctor reads a Harvester support bundle and says what broke, why, and what to do.

pub mod span;
pub mod archive;
pub mod layout;
pub mod parse;
pub mod scan;
pub mod graph;
pub mod bundle;
pub mod rule;
pub mod finding;
pub mod evaluate;
pub mod diagnosis;
pub mod report;
