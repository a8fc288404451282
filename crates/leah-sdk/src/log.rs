//! Lines for whoever runs the host, to be read with `leahpm host logs`. Needs no permission; a plugin's own tests
//! write none.
//!
//! Secrets and messages of the user do not belong here. What is too long is cut, and what comes too fast is dropped:
//!
//! ```
//! use leah_sdk::{log, store};
//!
//! if let Err(error) = store::add("messages", 1) {
//!     log::warn(format!("could not count a message: {}", error.explanation()));
//! }
//! ```

use crate::bindings::{imports::leah::plugin::log as host, inside_host};

pub use host::Level;

/// Writes every step, for the author of the plugin.
pub fn trace(message: impl AsRef<str>) {
    write(Level::Trace, message.as_ref());
}

/// Writes what helps to find a fault.
pub fn debug(message: impl AsRef<str>) {
    write(Level::Debug, message.as_ref());
}

/// Writes what is worth knowing when all goes well.
pub fn info(message: impl AsRef<str>) {
    write(Level::Info, message.as_ref());
}

/// Writes that something is wrong and the plugin copes.
pub fn warn(message: impl AsRef<str>) {
    write(Level::Warn, message.as_ref());
}

/// Writes that something failed.
pub fn error(message: impl AsRef<str>) {
    write(Level::Error, message.as_ref());
}

/// Writes one line of any level.
pub fn write(level: Level, message: &str) {
    if inside_host().is_ok() {
        host::write(level, message);
    }
}
