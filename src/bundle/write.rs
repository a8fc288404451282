//! Making a bundle: file after file, in ascending order, and its name when it is whole.

use std::path::Path;

use leah_plugin::{
    bundle::{self, BundlePath},
    digest::{Digest, Hasher},
};

use super::{BundleError, is_bundle, look_through};
use crate::fs::{self, Access, Durability, Unfinished};

/// A bundle that is being made.
#[derive(Debug)]
pub struct Writer<'a> {
    path: &'a Path,
    file: Unfinished,
    hasher: Hasher,
    size: u64,
}

/// A bundle that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Its bytes.
    pub size: u64,
    /// Their digest.
    pub sha256: Digest,
}

/// Refuses a place where something else than a bundle stands: nobody wants a plugin, a lock or a device replaced by one.
///
/// # Errors
/// When there is something else, or the system cannot tell.
pub fn check_place(path: &Path) -> Result<(), BundleError> {
    match fs::kind(path)? {
        None => Ok(()),
        Some(fs::Kind::File) if is_bundle(path)? => Ok(()),
        Some(_) => Err(BundleError::Occupied(path.to_owned())),
    }
}

impl<'a> Writer<'a> {
    /// Begins a bundle of this lock, which will be at `path`.
    ///
    /// # Errors
    /// When something else is there, nothing can be written, or the lock is too large.
    pub fn begin(path: &'a Path, lock: &[u8], durability: Durability) -> Result<Self, BundleError> {
        check_place(path)?;
        let begin = bundle::begin(lock).map_err(|source| form(path, source))?;
        // There is no secret in it, and it is made to be handed on.
        let file = Unfinished::begin(path, Access::Shared, durability)?;
        let mut writer = Self { path, file, hasher: Hasher::new(), size: 0 };
        writer.write(&begin)?;
        Ok(writer)
    }

    /// Adds a file.
    ///
    /// # Errors
    /// When it is too large, or the disk does not take it.
    pub fn add(&mut self, path: &BundlePath, content: &[u8]) -> Result<(), BundleError> {
        let size = content.len() as u64;
        let header = bundle::header(path, size).map_err(|source| form(self.path, source))?;
        [&header, content, bundle::padding(size)].into_iter().try_for_each(|part| self.write(part))
    }

    /// Ends the bundle, looks whether it can be read again, and gives it its name.
    ///
    /// # Errors
    /// When it cannot be read, or the disk does not take it; what was there before is then still there.
    pub fn finish(mut self) -> Result<Made, BundleError> {
        self.write(bundle::end())?;
        look_through(self.file.file(), self.path)?;
        self.file.finish()?;
        Ok(Made { size: self.size, sha256: self.hasher.finish() })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), BundleError> {
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        Ok(self.file.write(bytes)?)
    }
}

fn form(path: &Path, source: bundle::BundleError) -> BundleError {
    BundleError::Form { path: path.to_owned(), source }
}
