//! leahpm, the plugin package manager of LEAH.
//!
//! ```text
//! requirements, lock, index ─> resolve ─> plan ─> fetch ─> verify ─> store ─> generation ─> host
//!     (what is wanted)        (which)  (what to do) (bytes) (trust)  (disk)    (a set)     (deploy)
//! ```
//!
//! The modules stand in the order in which data flows through them; a module imports what stands
//! earlier, or the contract in `leah-plugin`. What is pure knows no file, no network and no clock.

// An installation as anybody may read it stands in a crate of its own, which the host uses too.
use leah_home::{fs, live};

// pure: values in, values out
pub mod consent;
pub mod pack;
pub mod plan;
pub mod requirements;
pub mod resolve;
pub mod restore;
pub mod settings;
pub mod trust;
pub mod verify;
pub mod wishes;

// effects: the disk, the network and the running host
pub mod bundle;
pub mod config;
pub mod credentials;
pub mod fetch;
pub mod generation;
pub mod host;
pub mod parallel;
pub mod proof;
pub mod registry;
pub mod store;

// driving: the only module that knows all effects
pub mod apply;

// surface: what people and scripts see
pub mod cli;
