//! All raw file calls, each error with what was tried on which path. Writing is atomic: a temporary file
//! beside the target, synced, renamed over it, and the folder synced; or many files, and one sync for all.

#![allow(clippy::disallowed_methods, reason = "this is the module that the others use instead")]

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

/// How the names of unfinished files begin; a crash may leave one behind, and it may be deleted.
pub const UNFINISHED: &str = ".unfinished-";

/// A file operation that failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} `{}`", show(path))]
pub struct FsError {
    /// What was tried, as a verb.
    pub action: &'static str,
    /// On what.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

impl FsError {
    /// True when there is no such file.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.source.kind() == io::ErrorKind::NotFound
    }

    /// True when the file is larger than it may be.
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        self.source.kind() == io::ErrorKind::FileTooLarge
    }

    /// True when another process holds the lock.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.source.kind() == io::ErrorKind::WouldBlock
    }
}

/// A path for a message: control characters, which could steer a terminal, are escaped.
#[must_use]
pub fn show(path: &Path) -> String {
    let escape = |c: char| if c.is_control() { c.escape_unicode().to_string() } else { c.to_string() };
    path.to_string_lossy().chars().map(escape).collect()
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FsError {
    let path = path.to_owned();
    move |source| FsError { action, path, source }
}

/// Reads a file of at most `limit` bytes.
///
/// # Errors
/// When it cannot be read or is larger.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, FsError> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed("read", path))?;
    // The size that the file system states may be outdated by the time of reading.
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(failed("read", path))?;
    if bytes.len() as u64 > limit {
        let text = format!("it is larger than {limit} bytes");
        return Err(failed("read", path)(io::Error::new(io::ErrorKind::FileTooLarge, text)));
    }
    Ok(bytes)
}

/// Reads a file of at most `limit` bytes, or nothing when there is none.
///
/// # Errors
/// When it cannot be read or is larger.
pub fn read_if_there(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, FsError> {
    match read(path, limit) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(error),
    }
}

/// True when there is something at `path`.
///
/// # Errors
/// When that cannot be found out.
pub fn is_there(path: &Path) -> Result<bool, FsError> {
    path.try_exists().map_err(failed("look for", path))
}

/// Writes a file that everybody may read, in place of one that may be there. Makes its folder.
///
/// # Errors
/// When any step fails, closing and syncing included; the old file is then still there.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), FsError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    make_folder(folder)?;
    let file = temporary(path, bytes)?;
    file.as_file().sync_all().map_err(failed("sync", path))?;
    file.persist(path).map_err(|error| failed("write", path)(error.error))?;
    sync_folder(folder)
}

/// A file with these bytes beside the path that it is for.
fn temporary(path: &Path, bytes: &[u8]) -> Result<tempfile::NamedTempFile, FsError> {
    let mut options = tempfile::Builder::new();
    options.prefix(UNFINISHED);
    #[cfg(unix)]
    options.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = options.tempfile_in(folder).map_err(failed("write", path))?;
    file.write_all(bytes).map_err(failed("write", path))?;
    Ok(file)
}

/// Files that are written together: each is in its place at once, and all are on disk after
/// [`Batch::sync`]. Where there are many, one sync costs a fraction of one a file.
#[derive(Debug)]
pub struct Batch {
    path: PathBuf,
    // Opened before the first write: the system tells of failures only who was there.
    folder: File,
}

impl Batch {
    /// Begins for files below `folder`, which must exist.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn begin(folder: &Path) -> Result<Self, FsError> {
        let file = File::open(folder).map_err(failed("open", folder))?;
        Ok(Self { path: folder.to_owned(), folder: file })
    }

    /// Writes a file that everybody may read, in place of one that may be there. Makes its folder.
    ///
    /// # Errors
    /// When it cannot be written; the old file is then still there.
    pub fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), FsError> {
        if SYNCS_FILE_BY_FILE {
            return write(path, bytes);
        }
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(failed("create", folder))?;
        temporary(path, bytes)?.persist(path).map(drop).map_err(|error| failed("write", path)(error.error))
    }

    /// Puts everything on disk that was written so far.
    ///
    /// # Errors
    /// When the disk could not take it. What was written may be damaged then.
    pub fn sync(&self) -> Result<(), FsError> {
        sync_around(&self.folder).map_err(failed("sync", &self.path))
    }
}

/// True where nothing syncs a whole file system and tells of failures.
const SYNCS_FILE_BY_FILE: bool = !cfg!(target_os = "linux");

#[cfg(target_os = "linux")]
fn sync_around(folder: &File) -> io::Result<()> {
    Ok(rustix::fs::syncfs(folder)?)
}

#[cfg(not(target_os = "linux"))]
fn sync_around(_: &File) -> io::Result<()> {
    Ok(())
}

/// Puts a file in place of another in the same folder.
///
/// # Errors
/// When that fails or the folder cannot be synced.
pub fn rename(from: &Path, to: &Path) -> Result<(), FsError> {
    fs::rename(from, to).map_err(failed("rename", from))?;
    sync_folder(to.parent().unwrap_or(Path::new(".")))
}

/// Removes a file, if there is one.
///
/// # Errors
/// When it is there and cannot be removed.
pub fn remove_if_there(path: &Path) -> Result<(), FsError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result.map_err(failed("remove", path)),
    }
}

/// True when `path` lies in `folder`, whichever way they are written and whatever links lead there. The
/// file itself need not be there yet.
///
/// # Errors
/// When one of them cannot be followed.
pub fn lies_in(path: &Path, folder: &Path) -> Result<bool, FsError> {
    Ok(real(path)?.starts_with(real(folder)?))
}

fn real(path: &Path) -> Result<PathBuf, FsError> {
    let path = std::path::absolute(path).map_err(failed("follow", path))?;
    match (fs::canonicalize(&path), path.parent(), path.file_name()) {
        (Err(error), Some(above), Some(name)) if error.kind() == io::ErrorKind::NotFound => {
            Ok(real(above)?.join(name))
        }
        (result, ..) => result.map_err(failed("follow", &path)),
    }
}

/// Writes a new file that only its owner may read, and never over one that is there.
///
/// # Errors
/// When the file is there already or any step fails.
pub fn write_secret(path: &Path, bytes: &[u8]) -> Result<(), FsError> {
    create(path, bytes, 0o600)
}

/// Writes a new file that everybody may read, and never over one that is there.
///
/// # Errors
/// When the file is there already or any step fails.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<(), FsError> {
    create(path, bytes, 0o644)
}

fn create(path: &Path, bytes: &[u8], mode: u32) -> Result<(), FsError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    make_folder(folder)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    let mut file = options.open(path).map_err(failed("create", path))?;
    file.write_all(bytes).map_err(failed("write", path))?;
    file.sync_all().map_err(failed("sync", path))?;
    sync_folder(folder)
}

/// Makes a folder and those above it; each is synced into the one above.
///
/// # Errors
/// When one of them cannot be made.
pub fn make_folder(path: &Path) -> Result<(), FsError> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    let above = path.parent().unwrap_or(Path::new("."));
    make_folder(above)?;
    match fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        result => result.map_err(failed("create", path)),
    }?;
    sync_folder(above)
}

/// The names in a folder; none where there is no folder.
///
/// # Errors
/// When it cannot be read.
pub fn names_in(folder: &Path) -> Result<Vec<String>, FsError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed("list", folder))?,
    };
    let name = |entry: io::Result<fs::DirEntry>| Ok(entry?.file_name().to_string_lossy().into_owned());
    entries.map(name).collect::<io::Result<_>>().map_err(failed("list", folder))
}

/// All files below a folder, as paths relative to it with `/`, sorted. Links are listed, not followed.
///
/// # Errors
/// When a folder cannot be read or a name is not UTF-8.
pub fn files_below(folder: &Path) -> Result<Vec<String>, FsError> {
    let mut files = Vec::new();
    collect(folder, "", &mut files)?;
    files.sort();
    Ok(files)
}

fn collect(folder: &Path, prefix: &str, files: &mut Vec<String>) -> Result<(), FsError> {
    for entry in fs::read_dir(folder).map_err(failed("list", folder))? {
        let entry = entry.map_err(failed("list", folder))?;
        let name = entry.file_name().into_string().map_err(|name| {
            let text = format!("the name {name:?} is not UTF-8");
            failed("list", folder)(io::Error::new(io::ErrorKind::InvalidFilename, text))
        })?;
        let kind = entry.file_type().map_err(failed("list", &entry.path()))?;
        if kind.is_dir() {
            collect(&entry.path(), &format!("{prefix}{name}/"), files)?;
        } else {
            files.push(format!("{prefix}{name}"));
        }
    }
    Ok(())
}

/// A lock on a file, held until it is dropped.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "the lock lives as long as the open file")] File);

/// Takes the lock of a file, which is made if it is not there.
///
/// # Errors
/// At once when another process holds it, or when the file cannot be opened.
pub fn lock(path: &Path) -> Result<Lock, FsError> {
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(false).open(path).map_err(failed("open", path))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(failed("lock", path)(io::ErrorKind::WouldBlock.into())),
        Err(TryLockError::Error(error)) => Err(failed("lock", path)(error)),
    }
}

/// Makes renames and new files in a folder survive a loss of power.
fn sync_folder(folder: &Path) -> Result<(), FsError> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    // Windows has no such call, and its renames need none.
    if cfg!(unix) {
        File::open(folder).and_then(|file| file.sync_all()).map_err(failed("sync", folder))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_a_file_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/file");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(read(&path, 3).unwrap(), b"two");
        assert_eq!(files_below(folder.path()).unwrap(), ["a/b/file"]);
    }

    #[test]
    fn refuses_files_above_the_limit_and_tells_missing_ones() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        assert!(read(&path, 1).unwrap_err().is_missing());
        assert_eq!(read_if_there(&path, 1).unwrap(), None);
        write(&path, b"two").unwrap();
        let error = read(&path, 2).unwrap_err();
        assert_eq!(error.source.to_string(), "it is larger than 2 bytes");
    }

    #[cfg(unix)]
    #[test]
    fn keeps_secrets_for_their_owner_and_never_overwrites_one() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/root.key");
        write_secret(&path, b"one").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let error = write_secret(&path, b"two").unwrap_err();
        assert_eq!(error.source.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(read(&path, 9).unwrap(), b"one");
    }

    #[test]
    fn a_lock_is_held_by_one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".lock");
        let held = lock(&path).unwrap();
        assert!(lock(&path).unwrap_err().is_locked());
        drop(held);
        lock(&path).unwrap();
    }
}
