//! A file that is written piece by piece and takes its name when it is whole. What is broken off leaves nothing, not
//! even when the process is killed, where the system has files without a name.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use leah_plugin::layout::Layout;

use super::{
    Access, Durability, FsError, failed, random, remove_file,
    write::{folder_of, take_name},
};

/// A file on its way.
#[derive(Debug)]
pub struct Unfinished {
    file: File,
    path: PathBuf,
    /// The name that it has meanwhile; none where it needs none.
    temporary: Option<PathBuf>,
    durability: Durability,
}

impl Unfinished {
    /// Begins a file that will be at `path`, in place of what is there then.
    ///
    /// # Errors
    /// When nothing can be written there.
    pub fn begin(path: &Path, access: Access, durability: Durability) -> Result<Self, FsError> {
        if let Some(file) = nameless(path, access) {
            return Ok(Self { file, path: path.to_owned(), temporary: None, durability });
        }
        let temporary = Layout::new_file(path, random());
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(access.mode())
            .open(&temporary)
            .map_err(failed("create", path))?;
        Ok(Self { file, path: path.to_owned(), temporary: Some(temporary), durability })
    }

    /// Adds bytes at the end.
    ///
    /// # Errors
    /// When the disk does not take them.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), FsError> {
        self.file.write_all(bytes).map_err(failed("write", &self.path))
    }

    /// What was written, to be read again.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Gives the file its name, in one step: who opens it sees the old bytes or the new.
    ///
    /// # Errors
    /// When a step fails; the old file is then still there, unless the error is about syncing the folder.
    pub fn finish(mut self) -> Result<(), FsError> {
        let temporary = match &self.temporary {
            Some(temporary) => temporary.clone(),
            None => {
                let temporary = Layout::new_file(&self.path, random());
                name(&self.file, &temporary).map_err(failed("create", &self.path))?;
                self.temporary.insert(temporary).clone()
            }
        };
        take_name(&self.file, &temporary, &self.path, self.durability)?;
        // From here on that name is another's.
        self.temporary = None;
        super::sync_folder(folder_of(&self.path), self.durability)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            // Why it was not finished is the error to report; that the file may stay does no harm.
            let _ = remove_file(temporary);
        }
    }
}

/// Where open files can be found again, to give one of them a name.
#[cfg(target_os = "linux")]
const OPEN_FILES: &str = "/proc/self/fd";

/// A file without a name in the folder of `path`; none where the file system has no such files, or nobody could give it
/// a name later. Whatever else is wrong with the folder, a file with a name will say.
#[cfg(target_os = "linux")]
fn nameless(path: &Path, access: Access) -> Option<File> {
    use rustix::fs::{Mode, OFlags};

    Path::new(OPEN_FILES).symlink_metadata().ok()?;
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let mode = Mode::from_bits_truncate(access.mode());
    rustix::fs::open(folder_of(path), flags, mode).ok().map(File::from)
}

#[cfg(not(target_os = "linux"))]
fn nameless(_: &Path, _: Access) -> Option<File> {
    None
}

#[cfg(target_os = "linux")]
fn name(file: &File, path: &Path) -> io::Result<()> {
    use std::os::fd::AsRawFd;

    use rustix::fs::{AtFlags, CWD};

    let open = Path::new(OPEN_FILES).join(file.as_raw_fd().to_string());
    Ok(rustix::fs::linkat(CWD, &open, CWD, path, AtFlags::SYMLINK_FOLLOW)?)
}

#[cfg(not(target_os = "linux"))]
fn name(_: &File, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        names.map(|name| name.into_string().unwrap()).collect()
    }

    #[test]
    fn is_there_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        fs::write(&path, "old").unwrap();
        let mut file = Unfinished::begin(&path, Access::Shared, Durability::Synced).unwrap();
        file.write(b"ne").unwrap();
        file.write(b"w").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        file.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
        assert_eq!(names(folder.path()), ["f"]);
    }

    #[test]
    fn leaves_nothing_when_it_is_broken_off_or_cannot_take_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        fs::create_dir_all(path.join("full")).unwrap();
        let begin = || Unfinished::begin(&path, Access::Shared, Durability::Unsynced).unwrap();
        drop(begin());
        assert!(begin().finish().is_err());
        assert_eq!(names(folder.path()), ["f"]);
        let nowhere = folder.path().join("missing/f");
        let error = Unfinished::begin(&nowhere, Access::Shared, Durability::Synced).unwrap_err();
        assert!(error.is_not_found());
    }
}
