//! Writes support bundles for tests and benches, quirk by quirk as the collector does; no part of the program.
//!
//! A scenario (`scenario.rs`, data in `testdata/scenarios`) says what cluster there is and what is wrong with it.
//! `world.rs` works out its shape, `objects.rs` its API objects, `logs.rs` and `host.rs` what its pods and hosts wrote;
//! `overlay.rs` then changes what the scenario asks to change, and `bundle.rs` lays all of it out as the collector
//! would, at the bottom through an emitter that equals the collector's YAML library (`emitter.rs`). `broken.rs` damages
//! a finished bundle in the ways that are seen in the wild. Nothing here asks a clock or a source of randomness: the
//! same scenario gives the same bytes.

#![allow(
    dead_code,
    reason = "each test or bench that includes this module uses its own part of it"
)]
#![allow(unreachable_pub, reason = "visible to whoever includes this module")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the input is our own scenarios"
)]

#[path = "writer/clock.rs"]
pub mod clock;
#[path = "writer/emitter.rs"]
pub mod emitter;
#[path = "writer/identity.rs"]
pub mod identity;
#[path = "writer/info_zip.rs"]
pub mod info_zip;
#[path = "writer/list.rs"]
pub mod list;
