//! Writes support bundles for tests and benches, quirk by quirk as the collector does; no part of the program.
//!
//! A scenario (`scenario.rs`, data in `testdata/scenarios`) says what cluster there is and what is wrong with it.
//! `world.rs` works out its shape, the `*_objects.rs` its API objects, `logs.rs` and `host.rs` what its pods and hosts wrote;
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

#[path = "writer/broken.rs"]
pub mod broken;
#[path = "writer/bundle.rs"]
pub mod bundle;
#[path = "writer/clock.rs"]
pub mod clock;
#[path = "writer/collection_objects.rs"]
pub mod collection_objects;
#[path = "writer/core_objects.rs"]
pub mod core_objects;
#[path = "writer/emitter.rs"]
pub mod emitter;
#[path = "writer/events.rs"]
pub mod events;
#[path = "writer/host.rs"]
pub mod host;
#[path = "writer/identity.rs"]
pub mod identity;
#[path = "writer/info_zip.rs"]
pub mod info_zip;
#[path = "writer/list.rs"]
pub mod list;
#[path = "writer/logs.rs"]
pub mod logs;
#[path = "writer/machine_objects.rs"]
pub mod machine_objects;
#[path = "writer/objects.rs"]
pub mod objects;
#[path = "writer/overlay.rs"]
pub mod overlay;
#[path = "writer/pods.rs"]
pub mod pods;
#[path = "writer/release.rs"]
pub mod release;
#[path = "writer/scenario.rs"]
pub mod scenario;
#[path = "writer/storage_objects.rs"]
pub mod storage_objects;
#[path = "writer/supportconfig.rs"]
pub mod supportconfig;
#[path = "writer/synthetic.rs"]
pub mod synthetic;
#[path = "writer/upgrade_logs.rs"]
pub mod upgrade_logs;
#[path = "writer/upgrade_objects.rs"]
pub mod upgrade_objects;
#[path = "writer/virtual_machines.rs"]
pub mod virtual_machines;
#[path = "writer/workloads.rs"]
pub mod workloads;
#[path = "writer/world.rs"]
pub mod world;
