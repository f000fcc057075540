//! Shapes of log lines.
