//! The plugin package manager of LEAH.

pub mod requirements;
pub mod resolve;
