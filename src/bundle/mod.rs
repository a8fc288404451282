//! A bundle as a file: opened once, looked through once, and then read piece by piece through the same open file. It
//! vouches for nothing that is in it, so it does no harm if it changes meanwhile: of what is read, the lock is compared
//! with its hash here, and all else is checked by whoever believes it.

mod write;

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use leah_plugin::{
    bundle::{self, BundlePath, Index},
    name::Origin,
};

pub use self::write::{Made, Writer, check_place};
use crate::fs::{self, FsError};

/// How many bytes tell a bundle from a lock.
const FIRST_BYTES: usize = 512;

/// A bundle that was looked through. Its files are where its index says; what they hold was not looked at.
#[derive(Debug)]
pub struct Bundle {
    file: File,
    path: PathBuf,
    index: Index,
    lock: Vec<u8>,
}

/// Why a bundle cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// It cannot be read.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// Something else is where one is to be written.
    #[error("there is something else than a bundle at `{}`", fs::shown(.0))]
    Occupied(PathBuf),
    /// It is none, or not as every bundle is.
    #[error("cannot use the bundle `{}`", fs::shown(path))]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: bundle::BundleError,
    },
}

/// What looking through a file can end with, before its path is told.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error(transparent)]
    Fs(#[from] FsError),
    #[error(transparent)]
    Form(#[from] bundle::BundleError),
}

/// True where the file at `path`, which may be a link to one, begins as a bundle does.
///
/// # Errors
/// When there is no file, it is no regular one, or it cannot be read.
pub fn is_bundle(path: &Path) -> Result<bool, FsError> {
    let path = fs::canonical_file(path)?;
    let file = fs::open(&path)?;
    let mut first = [0; FIRST_BYTES];
    if fs::length(&file, &path)? < first.len() as u64 {
        return Ok(false);
    }
    fs::read_at(&file, &path, 0, &mut first)?;
    Ok(bundle::is_bundle(&first))
}

impl Bundle {
    /// Opens the bundle at `path`, which may be a link to one, and looks through it.
    ///
    /// # Errors
    /// When it cannot be read, as a pipe cannot, or is not as every bundle is.
    pub fn open(path: &Path) -> Result<Self, BundleError> {
        // What the user names may be a link; what is opened is not.
        let file = fs::open(&fs::canonical_file(path)?)?;
        let (index, lock) = look_through(&file, path)?;
        Ok(Self { file, path: path.to_owned(), index, lock })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The bytes of its lock.
    #[must_use]
    pub fn lock(&self) -> &[u8] {
        &self.lock
    }

    /// The bytes of a file of a registry, or none where the bundle does not have it.
    ///
    /// # Errors
    /// When it has more than `limit` bytes or cannot be read.
    pub fn read(&self, origin: &Origin, path: &str, limit: u64) -> Result<Option<Vec<u8>>, FsError> {
        let range = self.index.file(&BundlePath::new(origin, path));
        range.map(|range| fs::read_range(&self.file, &self.path, range, limit)).transpose()
    }
}

fn look_through(file: &File, path: &Path) -> Result<(Index, Vec<u8>), BundleError> {
    index(file, path).map_err(|problem| match problem {
        Problem::Fs(error) => error.into(),
        Problem::Form(source) => BundleError::Form { path: path.to_owned(), source },
    })
}

fn index(file: &File, path: &Path) -> Result<(Index, Vec<u8>), Problem> {
    let length = fs::length(file, path)?;
    let index = Index::read(length, |at, into| fs::read_at(file, path, at, into).map_err(Problem::Fs))?;
    let range = index.lock();
    let lock = fs::read_range(file, path, range.clone(), range.end - range.start)?;
    index.check_lock(&lock)?;
    Ok((index, lock))
}
