//! Making, replacing and removing single files, folders and links. A file comes into being whole or not
//! at all: it is written under another name and renamed.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    hash::{BuildHasher, RandomState},
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

use rustix::fs::{CWD, OFlags, RenameFlags};
use rustix::io::Errno;

use leah_plugin::layout::Layout;

use super::{Durability, FsError, failed, sync::SYNCS_FILE_BY_FILE, sync_folder};

/// Who may do what with a new file. The mask of the process can take away, never add.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Its owner alone reads and writes it (0600).
    Private,
    /// Everybody reads it, its owner writes it (0644).
    Shared,
    /// Everybody reads it and nobody writes it (0444).
    ReadOnly,
}

impl Access {
    pub(super) const fn mode(self) -> u32 {
        match self {
            Self::Private => 0o600,
            Self::Shared => 0o644,
            Self::ReadOnly => 0o444,
        }
    }
}

/// Makes a file that was not there before.
///
/// It is synced on its own only where the system cannot sync everything at once; otherwise a
/// [`SyncPoint`](super::SyncPoint) must follow before anything names it.
///
/// # Errors
/// When something stands there, be it a link that leads nowhere, or the bytes cannot be written.
pub fn create_new(path: &Path, bytes: &[u8], access: Access, durability: Durability) -> Result<(), FsError> {
    let file = create(path, bytes, access)?;
    if SYNCS_FILE_BY_FILE && durability == Durability::Synced {
        file.sync_all().map_err(failed("sync", path))?;
    }
    Ok(())
}

/// Makes a file that was not there before and puts it on disk with its name.
///
/// # Errors
/// As [`create_new`].
pub fn create_durable(path: &Path, bytes: &[u8], access: Access) -> Result<(), FsError> {
    create(path, bytes, access)?.sync_all().map_err(failed("sync", path))?;
    sync_folder(folder_of(path), Durability::Synced)
}

/// Replaces a file, or makes it, in one step: who reads it sees the old bytes or the new.
///
/// # Errors
/// When a step fails; the old file is then still there, unless the error is about syncing the folder.
pub fn replace(path: &Path, bytes: &[u8], access: Access, durability: Durability) -> Result<(), FsError> {
    let temporary = Layout::new_file(path, random());
    let written =
        create(&temporary, bytes, access).and_then(|file| take_name(&file, &temporary, path, durability));
    if let Err(error) = written {
        // The first error is the one to report; that the temporary file may stay does no harm.
        let _ = remove_file(&temporary);
        return Err(error);
    }
    sync_folder(folder_of(path), durability)
}

/// Puts a file that is called `temporary` on disk, and then in place of what is at `path`.
pub(super) fn take_name(
    file: &File,
    temporary: &Path,
    path: &Path,
    durability: Durability,
) -> Result<(), FsError> {
    if durability == Durability::Synced {
        // Without this, some file systems put the rename on disk before the bytes.
        file.sync_all().map_err(failed("sync", temporary))?;
    }
    rename(temporary, path)
}

pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Opens, or makes, the file that a lock is put on. It is private, since it says what its holder does.
///
/// # Errors
/// When it cannot be opened, or a link stands there.
pub fn open_lock(path: &Path) -> Result<File, FsError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(Access::Private.mode())
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
        .open(path)
        .map_err(failed("open the lock", path))
}

/// Makes a folder that was not there before.
///
/// # Errors
/// When something stands there, or the folder above does not exist.
pub fn create_folder(path: &Path) -> Result<(), FsError> {
    DirBuilder::new().mode(0o755).create(path).map_err(failed("create the folder", path))
}

/// Makes a folder and those above it where they are missing, for the user alone.
///
/// # Errors
/// When one of them cannot be made.
pub fn create_folders(path: &Path) -> Result<(), FsError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed("create the folder", path))
}

/// Makes a symbolic link that holds `target`.
///
/// # Errors
/// When something stands at `link`.
pub fn symlink(target: &Path, link: &Path) -> Result<(), FsError> {
    std::os::unix::fs::symlink(target, link).map_err(failed("create the link", link))
}

/// Renames, over what stands at `to` if it is of the same kind.
///
/// # Errors
/// When the system refuses; nothing has changed then.
pub fn rename(from: &Path, to: &Path) -> Result<(), FsError> {
    std::fs::rename(from, to).map_err(failed("rename to", to))
}

/// Lets two paths change places, at once where the file system can do that.
///
/// # Errors
/// When the system refuses. Where it cannot exchange at once, `b` may be missing and its content at `a`.
pub fn exchange(a: &Path, b: &Path) -> Result<(), FsError> {
    match rustix::fs::renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
        result => return result.map_err(|errno| failed("exchange", b)(errno.into())),
    }
    let aside = b.with_file_name(format!(".staging-{:016x}", random()));
    rename(b, &aside)?;
    rename(a, b)?;
    rename(&aside, a)
}

/// Removes a file or a link.
///
/// # Errors
/// When it is not there or the system refuses.
pub fn remove_file(path: &Path) -> Result<(), FsError> {
    std::fs::remove_file(path).map_err(failed("remove", path))
}

/// A number that is not met again, for names that nobody else has. No secret: what is made under such a
/// name is made with "must be new".
#[must_use]
pub fn random() -> u64 {
    // Each `RandomState` hashes with other keys, the first of which come from the system.
    RandomState::new().hash_one(std::process::id())
}

fn create(path: &Path, bytes: &[u8], access: Access) -> Result<File, FsError> {
    // The mode binds those who open it later: this descriptor writes even to a read-only file.
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(access.mode())
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)
        .map_err(failed("create", path))?;
    file.write_all(bytes).map_err(failed("write", path))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn replaces_a_file_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        replace(&path, b"one", Access::Private, Durability::Synced).unwrap();
        replace(&path, b"two", Access::Private, Durability::Synced).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(mode(&path), 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn keeps_the_old_file_and_no_temporary_one_when_it_cannot_rename() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        fs::create_dir_all(path.join("full")).unwrap();
        assert!(replace(&path, b"x", Access::Private, Durability::Unsynced).is_err());
        assert!(path.join("full").is_dir());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn creates_only_what_is_new_even_behind_a_dangling_link() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("f"), folder.path().join("l"));
        create_new(&path, b"x", Access::ReadOnly, Durability::Unsynced).unwrap();
        assert_eq!(mode(&path) & 0o222, 0);
        assert!(create_new(&path, b"y", Access::Private, Durability::Unsynced).is_err());
        symlink(Path::new("elsewhere"), &link).unwrap();
        assert!(create_new(&link, b"y", Access::Private, Durability::Unsynced).is_err());
        assert!(open_lock(&link).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"x");
    }

    #[test]
    fn exchanges_two_folders() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        fs::create_dir_all(a.join("from-a")).unwrap();
        fs::create_dir_all(b.join("from-b")).unwrap();
        exchange(&a, &b).unwrap();
        assert!(a.join("from-b").is_dir() && b.join("from-a").is_dir());
    }

    #[test]
    fn random_numbers_are_not_met_again() {
        let numbers: std::collections::BTreeSet<_> = (0..1_000).map(|_| random()).collect();
        assert_eq!(numbers.len(), 1_000);
    }
}
