//! Reading what a user names on the command line: the files of a plugin's folder, and the real place of
//! a folder.

use std::{
    io,
    path::{Path, PathBuf},
};

use leah_plugin::package::{Limits, PackagePath, PathError};

use super::{FsError, Kind, NotAFile, failed, kind, list, read, shown};

/// Why the files of a folder cannot go into a package.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// A file cannot be read.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// A name that no package can hold.
    #[error("`{}` cannot go into a package", shown(.path))]
    Path {
        /// The file.
        path: PathBuf,
        /// The rule that its name breaks.
        source: PathError,
    },
    /// A link, a device, or something else that is not a file.
    #[error("`{}` is neither a file nor a folder, and a package holds files alone", shown(.0))]
    NotAFile(PathBuf),
    /// Too much for a package.
    #[error("`{}` has more files or more bytes than a package may have ({files} files, {bytes} bytes)", shown(.path))]
    TooMuch {
        /// The folder.
        path: PathBuf,
        /// Limit on files.
        files: usize,
        /// Limit on bytes.
        bytes: u64,
    },
}

/// Where `path` really is, every link on the way followed.
///
/// # Errors
/// When there is nothing.
pub fn canonical(path: &Path) -> Result<PathBuf, FsError> {
    path.canonicalize().map_err(failed("find", path))
}

/// Where the regular file `path` really is, every link on the way followed.
///
/// # Errors
/// When there is nothing, or something else: what comes through a pipe, also one that a path leads to, can be read once
/// and has no place.
pub fn canonical_file(path: &Path) -> Result<PathBuf, FsError> {
    let metadata = path.metadata().map_err(failed("find", path))?;
    if metadata.is_file() { canonical(path) } else { Err(failed("read", path)(io::Error::other(NotAFile))) }
}

/// The files below a folder as a package would hold them. Names that begin with a dot (editors, version
/// control) are left out; links are refused.
///
/// # Errors
/// When a name or the amount does not fit into a package, or a file cannot be read.
pub fn read_folder(folder: &Path, limits: &Limits) -> Result<Vec<(PackagePath, Vec<u8>)>, FolderError> {
    let mut files = Vec::new();
    let mut open = vec![(folder.to_owned(), String::new())];
    let mut bytes = 0;
    let too_much =
        || FolderError::TooMuch { path: folder.to_owned(), files: limits.files, bytes: limits.unpacked };
    while let Some((place, inside)) = open.pop() {
        for listed in list(&place)? {
            let path = place.join(&listed.name);
            let name = listed.name.to_string_lossy();
            if name.starts_with('.') {
                continue;
            }
            let inside = format!("{inside}{name}");
            match kind(&path)? {
                Some(Kind::Folder) => open.push((path, format!("{inside}/"))),
                Some(Kind::File) if files.len() == limits.files => return Err(too_much()),
                Some(Kind::File) => {
                    let entry =
                        inside.parse().map_err(|source| FolderError::Path { path: path.clone(), source })?;
                    let content = read(&path, limits.unpacked)?;
                    bytes += content.len() as u64;
                    if bytes > limits.unpacked {
                        return Err(too_much());
                    }
                    files.push((entry, content));
                }
                _ => return Err(FolderError::NotAFile(path)),
            }
        }
    }
    Ok(files)
}
