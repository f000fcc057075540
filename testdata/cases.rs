//! What the rules say: of their own cases, of whole scenarios, of broken and of outside bundles;
//! and the commands about rules.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests; what they read is our own"
)]
#![allow(
    clippy::print_stderr,
    reason = "a test that is skipped, or lists what it leaves to the reader, says so"
)]

#[path = "cases/bench.rs"]
mod bench;
#[path = "cases/bundles.rs"]
mod bundles;
#[path = "cases/rules.rs"]
mod rules;
#[path = "writer.rs"]
mod writer;

#[path = "cases/accuracy.rs"]
mod accuracy;
#[path = "cases/broken.rs"]
mod broken;
#[path = "cases/commands.rs"]
mod commands;
#[path = "cases/diagnoses.rs"]
mod diagnoses;
#[path = "cases/evidence.rs"]
mod evidence;
#[path = "cases/ignore.rs"]
mod ignore;
#[path = "cases/kinds.rs"]
mod kinds;
#[path = "cases/lost_nodes.rs"]
mod lost_nodes;
#[path = "cases/mistakes.rs"]
mod mistakes;
#[path = "cases/outside.rs"]
mod outside;
#[path = "cases/packs.rs"]
mod packs;
#[path = "cases/preflight.rs"]
mod preflight;
#[path = "cases/quiet.rs"]
mod quiet;
#[path = "cases/removal.rs"]
mod removal;
#[path = "cases/timeline.rs"]
mod timeline;
#[path = "cases/trace.rs"]
mod trace;
#[path = "cases/triage.rs"]
mod triage;
