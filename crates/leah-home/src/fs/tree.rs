//! Whole folders: making them read-only, measuring them, and removing them although they are read-only.

use std::{
    fs::Permissions,
    io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
};

use super::{FsError, Kind, failed, kind, list, remove_file};

/// What a folder holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Measure {
    /// Regular files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Takes from everybody the right to change what is in a folder.
///
/// # Errors
/// When the system refuses.
pub fn make_read_only(folder: &Path) -> Result<(), FsError> {
    std::fs::set_permissions(folder, Permissions::from_mode(0o555)).map_err(failed("make read-only", folder))
}

/// Gives its owner the right to change what is in a folder.
///
/// # Errors
/// When the system refuses.
pub fn make_writable(folder: &Path) -> Result<(), FsError> {
    std::fs::set_permissions(folder, Permissions::from_mode(0o755)).map_err(failed("make writable", folder))
}

/// How much a folder holds; links are not followed.
///
/// # Errors
/// When a part of it cannot be read.
pub fn measure(folder: &Path) -> Result<Measure, FsError> {
    let mut sum = Measure::default();
    for listed in list(folder)? {
        let path = folder.join(&listed.name);
        let part = match listed.kind {
            Kind::Folder => measure(&path)?,
            Kind::File => {
                Measure { files: 1, bytes: path.symlink_metadata().map_err(failed("look at", &path))?.size() }
            }
            Kind::Link | Kind::Other => Measure::default(),
        };
        sum.files += part.files;
        sum.bytes += part.bytes;
    }
    Ok(sum)
}

/// Removes a folder with all it holds, or a file or link of that name; links are not followed. Nothing
/// there is fine.
///
/// # Errors
/// When a part of it cannot be removed.
pub fn remove_tree(path: &Path) -> Result<(), FsError> {
    match kind(path)? {
        None => return Ok(()),
        Some(Kind::Folder) => {}
        Some(_) => return remove_file(path),
    }
    make_removable(path)?;
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", path)(error)),
        _ => Ok(()),
    }
}

/// An unprivileged user removes nothing from a read-only folder, so all folders become writable first.
fn make_removable(folder: &Path) -> Result<(), FsError> {
    std::fs::set_permissions(folder, Permissions::from_mode(0o700))
        .map_err(failed("make writable", folder))?;
    for listed in list(folder)? {
        if listed.kind == Kind::Folder {
            make_removable(&folder.join(listed.name))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::fs::symlink;

    #[test]
    fn removes_read_only_folders_and_follows_no_link() {
        let home = tempfile::tempdir().unwrap();
        let (inside, outside) = (home.path().join("in"), home.path().join("out"));
        fs::create_dir_all(inside.join("a/b")).unwrap();
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("keep"), "x").unwrap();
        fs::write(inside.join("a/b/f"), "12345").unwrap();
        symlink(&outside, &inside.join("a/link")).unwrap();
        make_read_only(&inside.join("a/b")).unwrap();
        make_read_only(&inside.join("a")).unwrap();
        assert_eq!(measure(&inside).unwrap(), Measure { files: 1, bytes: 5 });
        remove_tree(&inside).unwrap();
        remove_tree(&inside).unwrap();
        assert!(!inside.exists() && outside.join("keep").exists());
    }
}
