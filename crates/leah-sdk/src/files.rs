//! Files. Needs `read_files` or `write_files`.
//!
//! A relative path lies in the plugin's own folder, which comes with `write_files`; an absolute one has to
//! lie in a folder that was granted. Parts are separated by `/` and are never empty, `.` or `..`.
//!
//! ```
//! use leah_sdk::{Error, Result, files};
//!
//! /// The words that are never translated, one a line; none until there is a file.
//! fn glossary() -> Result<Vec<String>> {
//!     match files::read_text("glossary/en.txt") {
//!         Ok(text) => Ok(text.lines().map(str::to_owned).collect()),
//!         Err(Error::NotFound) => Ok(Vec::new()),
//!         Err(error) => Err(error),
//!     }
//! }
//! # assert_eq!(glossary(), Err(Error::Unavailable));
//! ```

use crate::bindings::{imports::leah::plugin::files as host, inside_host};
use crate::{Error, Result};

pub use host::{Entry, Kind};

/// All bytes of a file.
pub fn read(path: &str) -> Result<Vec<u8>> {
    inside_host()?;
    host::read(path)
}

/// A file as text. [`Error::Invalid`] if it is not UTF-8.
pub fn read_text(path: &str) -> Result<String> {
    String::from_utf8(read(path)?).map_err(|_| Error::invalid(format!("`{path}` is not UTF-8 text")))
}

/// Makes a file or replaces the one that is there, in one step. Folders on the way are made.
pub fn write(path: &str, content: impl AsRef<[u8]>) -> Result<()> {
    inside_host()?;
    host::write(path, content.as_ref())
}

/// What is in a folder, sorted by name. The empty path is the plugin's own folder.
pub fn list(path: &str) -> Result<Vec<Entry>> {
    inside_host()?;
    host::list(path)
}

/// Removes a file or an empty folder.
pub fn remove(path: &str) -> Result<()> {
    inside_host()?;
    host::remove(path)
}
