//! parse

pub mod host;
