//! Makes, changes and checks a registry of LEAH plugins in a folder that any web server can serve.
//!
//! ```text
//! init ─┐
//! publish, yank, unyank, owner, revoke, refresh ──> Change ──> objects, packages, then the head by one rename
//! rotate ──> Rotation ──> a Change under new roots, which appear just before the head
//! check, serve ──> Registry, read only
//! mirror ──> all below a head, verified, then the roots, then the head
//! ```
//!
//! What counts as signed, as a record or as a package is decided by `leah-plugin`, with the code that a
//! client runs.

pub mod fs;

// reading
pub mod registry;

// writing
pub mod change;
pub mod init;
pub mod keys;
pub mod mirror;
pub mod owner;
pub mod publish;
pub mod refresh;
pub mod revoke;
pub mod rotate;
mod segments;
pub mod shown;
pub mod similar;
pub mod yank;

// judging
pub mod check;

// showing
pub mod serve;

pub mod cli;
