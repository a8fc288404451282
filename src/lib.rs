//! The plugin package manager of LEAH.

pub mod fs;
pub mod live;

pub mod store;

pub mod generation;
