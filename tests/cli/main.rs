//! The program as a user meets it: the real binary, real registries in folders, real keys, a home of its own for
//! every test. One module a command, and a few for what concerns all of them.

#![allow(clippy::unwrap_used, reason = "a test may end at the line that surprises it")]
#![allow(clippy::disallowed_methods, reason = "tests look at the disk themselves")]
#![allow(clippy::print_stdout, reason = "a test that cannot run here says why")]
#![allow(unreachable_pub, reason = "modules of a test have no outside")]

#[path = "../../crates/leah-plugin/tests/fixture/mod.rs"]
#[allow(dead_code, reason = "of this fixture only the component is needed")]
mod plugin;

mod fixture;
mod sandbox;

mod attacks;
mod authors;
mod bundle;
mod bundled;
mod ci;
mod completions;
mod concurrency;
mod config;
mod configuration;
mod consent;
mod crash;
mod diff;
mod enable;
mod environment;
mod exclude;
mod exit_codes;
mod export;
mod formats;
mod gc;
mod generated;
mod hold;
mod host;
mod hostile;
mod http;
mod install;
mod json;
mod list;
mod lock;
mod locking;
mod outdated;
mod permissions;
mod plugins;
mod publishers;
mod readme;
mod registries;
mod registry;
mod registry_size;
mod rights;
mod rollback;
mod schemas;
mod servers;
mod sixty;
mod sync;
mod tampering;
mod tidy;
mod tree;
mod uninstall;
mod update;
mod usage;
mod verify;
mod ways;
mod why;
