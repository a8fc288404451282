//! The only raw file calls of leahpm. Every error carries what was tried and on which path, nothing
//! follows a link in the last part of a path, and what is read has a limit on its size.

#![allow(clippy::disallowed_methods, reason = "this is the module that the others use instead")]

mod folder;
mod piece;
mod private;
mod sync;
mod tree;
mod unfinished;
mod write;

use std::{
    ffi::OsString,
    fs::{File, FileType, OpenOptions, TryLockError},
    io::{self, Read},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use rustix::{fs::OFlags, io::Errno};

pub use self::{
    folder::{FolderError, canonical, canonical_file, read_folder},
    piece::{length, read_at, read_range},
    private::{PrivateError, check_private_folder, check_socket, make_private_folder, remove_socket},
    sync::{Durability, SyncPoint, sync_folder, sync_new_folder},
    tree::{Measure, make_read_only, make_writable, measure, remove_tree},
    unfinished::Unfinished,
    write::{
        Access, create_durable, create_folder, create_folders, create_new, exchange, open_lock, random,
        remove_file, rename, replace, symlink,
    },
};

/// Something could not be done to a file.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} `{}`", shown(.path))]
pub struct FsError {
    /// What was tried, as it stands behind "cannot".
    pub action: &'static str,
    /// What it was tried on.
    pub path: PathBuf,
    /// What the system answered.
    pub source: io::Error,
}

impl FsError {
    /// True when the path names nothing.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.source.kind() == io::ErrorKind::NotFound
    }

    /// True when a file stands where the path has a folder, so that it names nothing either.
    #[must_use]
    pub fn is_below_file(&self) -> bool {
        self.source.kind() == io::ErrorKind::NotADirectory
    }

    /// True when a file is larger than its reader allows.
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        self.source.kind() == io::ErrorKind::FileTooLarge
    }

    /// True when something else stands there than a file.
    #[must_use]
    pub fn is_no_file(&self) -> bool {
        self.source.get_ref().is_some_and(|source| source.is::<NotAFile>())
    }

    /// What the user can do about it, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        if self.source.get_ref().is_some_and(|source| source.is::<NotAFile>()) {
            return Some("name a file; what comes through a pipe can be saved in one first");
        }
        match Errno::from_io_error(&self.source)? {
            Errno::NOSPC | Errno::DQUOT => Some("free some space on this disk, then run the command again"),
            Errno::ROFS => {
                Some("this disk is mounted read-only; set LEAH_HOME to a folder that can be written")
            }
            Errno::ACCESS | Errno::PERM => {
                Some("check who owns this path; it may have been made by another user or with sudo")
            }
            Errno::LOOP => Some("a link stands where a file was expected; remove it if you did not make it"),
            Errno::MFILE | Errno::NFILE => Some("too many files are open; raise the limit with `ulimit -n`"),
            _ => None,
        }
    }
}

/// A file is larger than what its reader allows.
#[derive(Debug, thiserror::Error)]
#[error("it is larger than {limit} bytes")]
pub struct TooLarge {
    /// The limit.
    pub limit: u64,
}

/// Something else stands where a regular file was expected.
#[derive(Debug, thiserror::Error)]
#[error("it is not a regular file")]
pub struct NotAFile;

/// Somebody else can have written a file.
#[derive(Debug, thiserror::Error)]
#[error("it belongs to another user, or others may write to it")]
pub struct NotOwn;

/// What a path names; a link is not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A device, a pipe, a socket.
    Other,
}

/// One name in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The name.
    pub name: OsString,
    /// What it names.
    pub kind: Kind,
}

/// What `path` names, or nothing.
///
/// # Errors
/// When the system cannot tell.
pub fn kind(path: &Path) -> Result<Option<Kind>, FsError> {
    match path.symlink_metadata() {
        Ok(metadata) => Ok(Some(kind_of(metadata.file_type()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("look at", path)(error)),
    }
}

/// What the file system calls `path`, every link on the way followed: the device and the inode on it.
///
/// # Errors
/// When there is nothing, or the system cannot tell.
pub fn identity(path: &Path) -> Result<(u64, u64), FsError> {
    let metadata = path.metadata().map_err(failed("look at", path))?;
    Ok((metadata.dev(), metadata.ino()))
}

/// Opens a regular file for reading.
///
/// # Errors
/// When it is not there, not a regular file, or a link.
pub fn open(path: &Path) -> Result<File, FsError> {
    // A pipe in place of the file would block an open without NONBLOCK for ever.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
        .map_err(failed("open", path))?;
    if file.metadata().map_err(failed("look at", path))?.is_file() {
        Ok(file)
    } else {
        Err(failed("open", path)(io::Error::other(NotAFile)))
    }
}

/// Reads a regular file of at most `limit` bytes.
///
/// # Errors
/// When it cannot be opened or read, or is larger.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, FsError> {
    read_open(&open(path)?, path, limit)
}

/// Reads a regular file of at most `limit` bytes, or nothing where there is none.
///
/// # Errors
/// When it cannot be read, or is larger.
pub fn read_if_any(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, FsError> {
    match read(path, limit) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads a regular file of at most `limit` bytes that nobody but this user can have written.
///
/// # Errors
/// When it belongs to another user, others may write to it, or it cannot be read or is larger.
pub fn read_own(path: &Path, limit: u64) -> Result<Vec<u8>, FsError> {
    let file = open(path)?;
    let metadata = file.metadata().map_err(failed("look at", path))?;
    let is_own = metadata.uid() == rustix::process::geteuid().as_raw() && metadata.mode() & 0o022 == 0;
    if is_own {
        read_open(&file, path, limit)
    } else {
        Err(failed("trust", path)(io::Error::new(io::ErrorKind::PermissionDenied, NotOwn)))
    }
}

/// Reads at most `limit` bytes from a file that is open; `path` is what an error names.
///
/// # Errors
/// When it cannot be read or is larger.
pub fn read_open(file: &File, path: &Path, limit: u64) -> Result<Vec<u8>, FsError> {
    // A guess from the size spares the many small reads of a vector that grows; it is only a guess.
    let size = file.metadata().map_or(0, |metadata| metadata.len()).min(limit);
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0).saturating_add(1));
    // One byte more than allowed tells a file that is too large from one that just fits.
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(failed("read", path))?;
    if bytes.len() as u64 > limit {
        return Err(failed("read", path)(io::Error::new(io::ErrorKind::FileTooLarge, TooLarge { limit })));
    }
    Ok(bytes)
}

/// Waits until nobody holds a lock alone on a file, and holds one together with others until it is closed.
///
/// # Errors
/// When the file system has no locks.
pub fn lock_shared(file: &File, path: &Path) -> Result<(), FsError> {
    loop {
        match file.lock_shared() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result.map_err(failed("lock", path)),
        }
    }
}

/// Takes a lock alone on a file if nobody has one, and holds it until the file is closed.
///
/// # Errors
/// When the file system has no locks.
pub fn try_lock_alone(file: &File, path: &Path) -> Result<bool, FsError> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(failed("lock", path)(error)),
    }
}

/// True when an open file is still what its path names.
///
/// # Errors
/// When the system cannot tell.
pub fn is_still_at(file: &File, path: &Path) -> Result<bool, FsError> {
    let opened = file.metadata().map_err(failed("look at", path))?;
    match path.symlink_metadata() {
        Ok(named) => Ok((named.dev(), named.ino()) == (opened.dev(), opened.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(failed("look at", path)(error)),
    }
}

/// What a symbolic link holds.
///
/// # Errors
/// When there is none, or it is something else.
pub fn read_link(path: &Path) -> Result<PathBuf, FsError> {
    path.read_link().map_err(failed("read the link", path))
}

/// The names in a folder, in byte order.
///
/// # Errors
/// When it is not there or cannot be read.
pub fn list(path: &Path) -> Result<Vec<Listed>, FsError> {
    let mut names = Vec::new();
    for entry in path.read_dir().map_err(failed("list", path))? {
        let entry = entry.map_err(failed("list", path))?;
        let file_type = entry.file_type().map_err(failed("list", path))?;
        names.push(Listed { name: entry.file_name(), kind: kind_of(file_type) });
    }
    names.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(names)
}

/// Like [`list`], but a folder that does not exist is empty.
///
/// # Errors
/// When the folder is there and cannot be read.
pub fn list_if_any(path: &Path) -> Result<Vec<Listed>, FsError> {
    match list(path) {
        Err(error) if error.is_not_found() => Ok(Vec::new()),
        listed => listed,
    }
}

/// A path as it can be shown: a name on disk must not drive the terminal.
#[must_use]
pub fn shown(path: &Path) -> String {
    leah_plugin::terminal::escaped(&path.display().to_string())
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FsError {
    move |source| FsError { action, path: path.to_owned(), source }
}

fn kind_of(file_type: FileType) -> Kind {
    if file_type.is_file() {
        Kind::File
    } else if file_type.is_dir() {
        Kind::Folder
    } else if file_type.is_symlink() {
        Kind::Link
    } else {
        Kind::Other
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[track_caller]
    fn check_hint(errno: Errno, expect: &str) {
        let error = failed("write", Path::new("/x"))(errno.into());
        assert!(error.hint().is_some_and(|hint| hint.contains(expect)), "{:?}", error.hint());
    }

    #[test]
    fn names_what_was_tried_and_where() {
        let error = read(Path::new("/nowhere/\u{1b}[31mfile"), 10).unwrap_err();
        assert_eq!(error.to_string(), "cannot open `/nowhere/\\u{1b}[31mfile`");
        assert!(error.is_not_found());
    }

    #[test]
    fn tells_what_can_be_done() {
        check_hint(Errno::NOSPC, "free some space");
        check_hint(Errno::ROFS, "read-only");
        check_hint(Errno::ACCESS, "who owns");
        assert_eq!(failed("write", Path::new("/x"))(Errno::IO.into()).hint(), None);
    }

    #[test]
    fn reads_up_to_the_limit_and_refuses_one_byte_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        fs::write(&path, "12345").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        assert_eq!(read(&path, 4).unwrap_err().source.kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn follows_no_link_and_opens_no_folder_or_pipe() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("f"), folder.path().join("l"));
        fs::write(&file, "secret").unwrap();
        symlink(&file, &link).unwrap();
        assert!(read(&link, 100).unwrap_err().hint().is_some());
        assert!(read(folder.path(), 100).is_err());
        let pipe = folder.path().join("p");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
            0,
        )
        .unwrap();
        assert!(read(&pipe, 100).is_err());
        assert_eq!(kind(&link).unwrap(), Some(Kind::Link));
        assert_eq!(kind(&pipe).unwrap(), Some(Kind::Other));
    }

    #[test]
    fn lists_in_byte_order_and_takes_a_missing_folder_for_empty_when_told() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b", "B", "a"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let names: Vec<_> = list(folder.path()).unwrap().into_iter().map(|l| l.name).collect();
        assert_eq!(names, ["B", "a", "b"]);
        let missing = folder.path().join("missing");
        assert_eq!(list_if_any(&missing).unwrap(), []);
        assert!(list(&missing).unwrap_err().is_not_found());
    }
}
