//! The plugin package manager of LEAH.

pub mod fs;
