//! What makes a change outlive a power cut: one sync of the whole file system for everything that was
//! written, and one of the folder in which the last rename happened.

use std::{
    fs::{File, OpenOptions},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;

use super::{FsError, failed};

/// True where nothing syncs a whole file system with a report of errors; there each file is synced as it
/// is written.
pub(super) const SYNCS_FILE_BY_FILE: bool = !cfg!(target_os = "linux");

/// Whether a change has to outlive a power cut before it is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// It has to.
    Synced,
    /// It need not. Only a test asks for this, to see that it would notice.
    Unsynced,
}

/// A point in time behind which everything written below some folders can be put on disk at once.
///
/// It is made before the first write: the kernel reports a failed write-back to those descriptors that
/// were open when it failed, so one that is opened afterwards could miss it.
#[derive(Debug)]
pub struct SyncPoint {
    durability: Durability,
    folders: Vec<(File, PathBuf)>,
}

impl SyncPoint {
    /// Begins here for the file systems that hold `folders`, which must exist.
    ///
    /// # Errors
    /// When one of them cannot be opened.
    pub fn begin(folders: &[PathBuf], durability: Durability) -> Result<Self, FsError> {
        let mut devices = Vec::new();
        let mut opened = Vec::new();
        for path in folders {
            let folder = open_folder(path)?;
            let device = folder.metadata().map_err(failed("look at", path))?.dev();
            if SYNCS_FILE_BY_FILE || !devices.contains(&device) {
                devices.push(device);
                opened.push((folder, path.clone()));
            }
        }
        Ok(Self { durability, folders: opened })
    }

    /// What the caller wanted when this was made.
    #[must_use]
    pub fn durability(&self) -> Durability {
        self.durability
    }

    /// Puts everything on disk that was written since.
    ///
    /// # Errors
    /// When the disk could not take it. What was written may be damaged then and must not be used.
    pub fn sync(&self) -> Result<(), FsError> {
        if self.durability == Durability::Unsynced {
            return Ok(());
        }
        self.folders.iter().try_for_each(|(folder, path)| sync_around(folder).map_err(failed("sync", path)))
    }
}

/// Puts the names in a folder on disk, such as that of a rename.
///
/// # Errors
/// When the disk could not take it.
pub fn sync_folder(path: &Path, durability: Durability) -> Result<(), FsError> {
    match durability {
        Durability::Synced => open_folder(path)?.sync_all().map_err(failed("sync", path)),
        Durability::Unsynced => Ok(()),
    }
}

/// Syncs a folder that was just filled, where the system cannot sync everything at once; elsewhere a
/// [`SyncPoint`] does it with all the rest.
///
/// # Errors
/// When the disk could not take it.
pub fn sync_new_folder(path: &Path, durability: Durability) -> Result<(), FsError> {
    if SYNCS_FILE_BY_FILE { sync_folder(path, durability) } else { Ok(()) }
}

#[cfg(target_os = "linux")]
fn sync_around(folder: &File) -> std::io::Result<()> {
    Ok(rustix::fs::syncfs(folder)?)
}

#[cfg(not(target_os = "linux"))]
fn sync_around(folder: &File) -> std::io::Result<()> {
    folder.sync_all()
}

fn open_folder(path: &Path) -> Result<File, FsError> {
    OpenOptions::new()
        .read(true)
        .custom_flags(OFlags::DIRECTORY.bits().cast_signed())
        .open(path)
        .map_err(failed("open the folder", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syncs_each_file_system_once_and_needs_the_folders() {
        let home = tempfile::tempdir().unwrap();
        let folders = [home.path().to_owned(), home.path().to_owned()];
        let point = SyncPoint::begin(&folders, Durability::Synced).unwrap();
        assert!(SYNCS_FILE_BY_FILE || point.folders.len() == 1);
        point.sync().unwrap();
        let missing = home.path().join("missing");
        assert!(SyncPoint::begin(std::slice::from_ref(&missing), Durability::Synced).is_err());
        assert!(sync_folder(&missing, Durability::Synced).unwrap_err().is_not_found());
    }
}
