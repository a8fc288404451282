//! The program on real homes and real sockets: one module a subject.

#![allow(clippy::unwrap_used, reason = "a test may end at the line that surprises it")]
#![allow(clippy::disallowed_methods, reason = "tests look at the disk themselves")]
#![allow(unreachable_pub, reason = "modules of a test have no outside")]

#[path = "e2e/sandbox.rs"]
mod sandbox;

#[path = "e2e/commands.rs"]
mod commands;
#[path = "e2e/peers.rs"]
mod peers;
#[path = "e2e/protocol.rs"]
mod protocol;
#[path = "e2e/python.rs"]
mod python;
#[path = "e2e/users.rs"]
mod users;
