//! The contract of LEAH plugins: every name, file format and message that the package manager, the
//! host and the registry must agree on, read and written by one piece of code.
//!
//! The crate is pure: values in, values out. It opens no file, no socket and no clock, and it imports
//! no other crate of this workspace. The modules below stand in reading order; later ones use earlier.

// words: what things are called
pub mod digest;
pub mod json;
pub mod name;
pub mod terminal;
pub mod version;
pub mod yaml;

// trust: who said so
pub mod key;
pub mod signature;

// a package: what a plugin is
mod ustar;

pub mod component;
pub mod manifest;
pub mod package;

// a registry: what there is
pub mod catalog;
pub mod head;
pub mod record;
pub mod registry_layout;
pub mod root;
pub mod tree;

// an installation: what a user has, and what goes with it to another machine
pub mod bundle;
pub mod generation;
pub mod layout;
pub mod lock;
pub mod settings;

// the host's socket
pub mod message;
