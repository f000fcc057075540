//! Readers of the text formats found in a bundle.

pub mod line;
pub mod time;
