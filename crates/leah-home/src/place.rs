//! Where an installation and what belongs to it stand unless the user says otherwise. Package manager and host ask
//! here, so that they mean the same home and meet at the same socket. The only look at the user's folders.

use std::path::{Path, PathBuf};

use directories::{BaseDirs, ProjectDirs};
use leah_plugin::layout::Layout;

use crate::fs::{self, FsError};

/// The home that is used when the user names none: the platform's data folder. None where the system names no home
/// folder for the user.
#[must_use]
pub fn default_home() -> Option<PathBuf> {
    ProjectDirs::from("", "", "leah").map(|dirs| dirs.data_dir().to_owned())
}

/// The cache that is used when the user names none: the platform's cache folder, or one in `home` for users to whom the
/// system gives no home folder. What needs no cache must not fail for want of one.
#[must_use]
pub fn default_cache(home: &Path) -> PathBuf {
    ProjectDirs::from("", "", "leah")
        .map_or_else(|| Layout::new(home).cache(), |dirs| dirs.cache_dir().to_owned())
}

/// The file with the user's own defaults for leahpm, in the platform's folder for configuration. None where the system
/// names no home folder for the user.
#[must_use]
pub fn config_file() -> Option<PathBuf> {
    ProjectDirs::from("", "", "leah").map(|dirs| dirs.config_dir().join("config.yaml"))
}

/// The socket of the host that serves a home, which must exist: in the folder that the system gives a user for such
/// things (`XDG_RUNTIME_DIR`), else in the home.
///
/// # Errors
/// When the home is not there.
pub fn socket(layout: &Layout) -> Result<PathBuf, FsError> {
    let canonical = fs::canonical(layout.home())?;
    let runtime = BaseDirs::new().and_then(|dirs| dirs.runtime_dir().map(Path::to_owned));
    Ok(layout.socket(runtime.as_deref(), &canonical))
}

/// The folder that `~` stands for in a permission, where the system knows one.
#[must_use]
pub fn user_home() -> Option<PathBuf> {
    BaseDirs::new().map(|dirs| dirs.home_dir().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_spellings_of_a_home_lead_to_one_socket() {
        let folder = tempfile::tempdir().unwrap();
        let (home, link) = (folder.path().join("home"), folder.path().join("link"));
        assert!(socket(&Layout::new(&home)).unwrap_err().is_not_found());
        fs::create_folder(&home).unwrap();
        fs::symlink(&home, &link).unwrap();
        let (direct, linked) = (socket(&Layout::new(&home)).unwrap(), socket(&Layout::new(&link)).unwrap());
        assert_eq!(direct.file_name(), linked.file_name());
    }
}
