//! An installation as it lies on disk, for whoever reads it: package manager and host. The raw file calls, which
//! generation is live, what it consists of, and whether an entry of the store is still the package it was. Nothing is
//! made live or removed here.

pub mod fs;

pub mod place;

pub mod content;
pub mod live;

pub mod generation;
