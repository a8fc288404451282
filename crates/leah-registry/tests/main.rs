//! The program on real folders with real key files: one module a command, and one for tampering.

#![allow(clippy::unwrap_used, reason = "a test may end at the line that surprises it")]
#![allow(clippy::disallowed_methods, reason = "tests look at the disk themselves")]
#![allow(unreachable_pub, reason = "modules of a test have no outside")]

#[path = "../../../benches/registry-size/cold.rs"]
mod cold;
#[path = "../../leah-plugin/tests/fixture/mod.rs"]
mod fixture;
#[path = "../../../benches/registry-size/generate.rs"]
mod generate;
#[path = "e2e/sandbox.rs"]
mod sandbox;

#[path = "e2e/check.rs"]
mod check;
#[path = "e2e/crash.rs"]
mod crash;
#[path = "e2e/docs.rs"]
mod docs;
#[path = "e2e/init.rs"]
mod init;
#[path = "e2e/mirror.rs"]
mod mirror;
#[path = "e2e/owner.rs"]
mod owner;
#[path = "e2e/publish.rs"]
mod publish;
#[path = "e2e/refresh.rs"]
mod refresh;
#[path = "e2e/revoke.rs"]
mod revoke;
#[path = "e2e/rotate.rs"]
mod rotate;
#[path = "e2e/segments.rs"]
mod segments;
#[path = "e2e/serve.rs"]
mod serve;
#[path = "e2e/sizes.rs"]
mod sizes;
#[path = "e2e/tampering.rs"]
mod tampering;
#[path = "e2e/yank.rs"]
mod yank;
