//! Folders that belong to one user alone, and the sockets in them: whose they are and who may enter is looked at
//! before they are used.

use std::{
    fs::{DirBuilder, Metadata},
    io,
    os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
};

use super::{FsError, failed, remove_file, shown};

/// Why a folder is not this user's alone.
#[derive(Debug, thiserror::Error)]
pub enum PrivateError {
    /// It cannot be made or looked at.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// A link or a file stands there.
    #[error("`{}` is not a folder", shown(.0))]
    NotAFolder(PathBuf),
    /// It is somebody else's.
    #[error("`{}` belongs to the user with the number {owner}, not to you", shown(.path))]
    Owner {
        /// The folder.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
    },
    /// Others may enter it.
    #[error("`{}` is open to other users (its mode is {mode:o})", shown(.path))]
    Open {
        /// The folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Something that is no socket stands where a socket belongs.
    #[error("`{}` is not a socket", shown(.0))]
    NotASocket(PathBuf),
}

impl PrivateError {
    /// What the user can do about it, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Fs(error) => error.hint().map(Into::into),
            Self::NotAFolder(path) | Self::NotASocket(path) => {
                Some(format!("if you do not need it, remove it: `rm {}`", shown(path)))
            }
            Self::Owner { .. } => Some("use LEAH as the user that it belongs to, without sudo".into()),
            Self::Open { path, .. } => Some(format!("close it to others: `chmod 700 {}`", shown(path))),
        }
    }
}

/// Makes a folder for this user alone (0700), or checks the one that is there.
///
/// # Errors
/// When the folder above is missing, or what stands there is not a folder of this user's alone.
pub fn make_private_folder(path: &Path) -> Result<(), PrivateError> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(failed("create the folder", path)(error).into())
        }
        // It is checked even if it is new: who may rename the folder above can exchange what is in it.
        _ => check_private_folder(path),
    }
}

/// Checks that a folder is this user's and that nobody else may enter it.
///
/// # Errors
/// When it is not, or not there.
pub fn check_private_folder(path: &Path) -> Result<(), PrivateError> {
    let metadata = path.symlink_metadata().map_err(failed("look at", path))?;
    check(path, &metadata, rustix::process::geteuid().as_raw())
}

/// Checks that a socket stands there.
///
/// # Errors
/// When something else does, or nothing.
pub fn check_socket(path: &Path) -> Result<(), PrivateError> {
    let metadata = path.symlink_metadata().map_err(failed("look at", path))?;
    if metadata.file_type().is_socket() { Ok(()) } else { Err(PrivateError::NotASocket(path.to_owned())) }
}

/// Removes a socket that nobody listens on any more. Nothing there is fine.
///
/// # Errors
/// When something else stands there, or the system refuses.
pub fn remove_socket(path: &Path) -> Result<(), PrivateError> {
    match check_socket(path) {
        Err(PrivateError::Fs(error)) if error.is_not_found() => Ok(()),
        checked => checked.and_then(|()| Ok(remove_file(path)?)),
    }
}

fn check(path: &Path, metadata: &Metadata, user: u32) -> Result<(), PrivateError> {
    let mode = metadata.mode() & 0o7777;
    if !metadata.is_dir() {
        Err(PrivateError::NotAFolder(path.to_owned()))
    } else if metadata.uid() != user {
        Err(PrivateError::Owner { path: path.to_owned(), owner: metadata.uid() })
    } else if mode & 0o077 != 0 {
        Err(PrivateError::Open { path: path.to_owned(), mode })
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{Permissions, set_permissions, write},
        os::unix::{fs::PermissionsExt, net::UnixListener},
    };

    use super::*;
    use crate::fs::symlink;

    fn user() -> u32 {
        rustix::process::geteuid().as_raw()
    }

    #[test]
    fn makes_a_folder_for_the_user_alone_and_takes_it_again() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("run");
        make_private_folder(&path).unwrap();
        make_private_folder(&path).unwrap();
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o700);
        let missing = home.path().join("missing/run");
        assert!(
            matches!(make_private_folder(&missing), Err(PrivateError::Fs(error)) if error.is_not_found())
        );
    }

    #[test]
    fn refuses_a_folder_that_others_may_enter_or_that_is_theirs() {
        let home = tempfile::tempdir().unwrap();
        for mode in [0o701, 0o710, 0o770, 0o755, 0o1777] {
            set_permissions(home.path(), Permissions::from_mode(mode)).unwrap();
            let error = make_private_folder(home.path()).unwrap_err();
            assert!(matches!(error, PrivateError::Open { mode: found, .. } if found == mode), "{mode:o}");
        }
        set_permissions(home.path(), Permissions::from_mode(0o700)).unwrap();
        let metadata = home.path().symlink_metadata().unwrap();
        let error = check(home.path(), &metadata, user() + 1).unwrap_err();
        assert!(matches!(error, PrivateError::Owner { owner, .. } if owner == user()));
    }

    #[test]
    fn refuses_a_link_to_a_folder_and_a_file() {
        let home = tempfile::tempdir().unwrap();
        let (folder, link, file) = (home.path().join("d"), home.path().join("l"), home.path().join("f"));
        make_private_folder(&folder).unwrap();
        symlink(&folder, &link).unwrap();
        write(&file, "").unwrap();
        for path in [link, file] {
            assert!(matches!(make_private_folder(&path), Err(PrivateError::NotAFolder(_))));
        }
    }

    #[test]
    fn removes_a_socket_and_nothing_else() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("s");
        remove_socket(&path).unwrap();
        drop(UnixListener::bind(&path).unwrap());
        remove_socket(&path).unwrap();
        assert!(!path.exists());
        write(&path, "kept").unwrap();
        assert!(matches!(remove_socket(&path), Err(PrivateError::NotASocket(_))));
        assert!(path.exists());
    }
}
