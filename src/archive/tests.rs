//! Archives of every kind, built in memory, opened and read as a whole.

mod outside;
