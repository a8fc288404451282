//! The running host of LEAH.
//!
//! ```text
//! generation ─> load (hashes, compile, link) ─> plugin (instances, faults) ─> snapshot (chains, tools) ─> host
//! ```
//!
//! A call from outside pins one snapshot and runs through it; a deploy makes the next snapshot beside it and swaps.
//! The modules stand in reading order; a module imports what stands earlier.

// what it is told, what it tells
pub mod config;
pub mod control;
pub mod journal;
pub mod limits;

// what a plugin may do, and what does it for it
pub mod capability;
pub mod services;

// the sandbox
pub mod bindings;
pub mod compile;
pub mod engine;
mod functions;
mod wasi;

mod guest;

// what runs
mod plugin;
mod snapshot;

// from a generation to what runs
mod load;

// the host
pub mod host;

// what reaches it
pub mod listener;

#[cfg(test)]
mod test_home;
