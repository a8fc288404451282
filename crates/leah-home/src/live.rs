//! Which generation is live, and which were: one link and one mark for each. Nothing else is read here.
//!
//! A generation was live if it is live now or has the mark. The mark is set only once the link pointed to
//! the generation, and at the latest by the change that points it elsewhere, before that change.

use std::{io, path::PathBuf};

use leah_plugin::{layout::Layout, message::HomeId};

use crate::fs::{self, FsError, shown};

/// The link `plugins` was made by somebody else.
#[derive(Debug, thiserror::Error)]
#[error("it leads to `{}`, which is no generation", shown(.target))]
pub struct NotAGeneration {
    /// What the link holds.
    pub target: PathBuf,
}

/// The number of the live generation, if there is one.
///
/// # Errors
/// When the link cannot be read or was made by somebody else.
pub fn live_number(layout: &Layout) -> Result<Option<u64>, FsError> {
    let path = layout.plugins();
    let target = match fs::read_link(&path) {
        Ok(target) => target,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error),
    };
    match Layout::number_in_target(&target) {
        Some(number) => Ok(Some(number)),
        None => {
            let source = io::Error::other(NotAGeneration { target });
            Err(FsError { action: "use the link", path, source })
        }
    }
}

/// The home as the file system knows it, by whichever path it is reached.
///
/// # Errors
/// When there is none.
pub fn home_id(layout: &Layout) -> Result<HomeId, FsError> {
    let (device, inode) = fs::identity(layout.home())?;
    Ok(HomeId { device, inode })
}

/// True for a generation that is or was live. The others are unfinished business: never shown, never used.
///
/// # Errors
/// When the disk cannot be read.
pub fn is_or_was_live(layout: &Layout, number: u64) -> Result<bool, FsError> {
    // The mark comes first: it is never taken away, while the link can move between two looks.
    Ok(fs::kind(&layout.was_live(number))?.is_some() || live_number(layout)? == Some(number))
}

/// The numbers of all generations on disk, ascending, also of those that never were live.
///
/// # Errors
/// When the disk cannot be read.
pub fn numbers(layout: &Layout) -> Result<Vec<u64>, FsError> {
    let listed = fs::list_if_any(&layout.generations())?;
    let mut numbers: Vec<_> = listed.iter().filter_map(|l| Layout::number_in_name(&l.name)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests look at the disk themselves")]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn knows_the_live_one_and_those_that_were() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path());
        assert_eq!(live_number(&layout).unwrap(), None);
        assert!(numbers(&layout).unwrap().is_empty());
        for number in [9, 10, 2] {
            std::fs::create_dir_all(layout.generation(number)).unwrap();
        }
        std::fs::create_dir(layout.staging_generation("1")).unwrap();
        std::fs::write(layout.was_live(2), "").unwrap();
        fs::symlink(&Layout::plugins_target(9), &layout.plugins()).unwrap();
        assert_eq!(numbers(&layout).unwrap(), [2, 9, 10]);
        assert_eq!(live_number(&layout).unwrap(), Some(9));
        let lived: Vec<_> = [2, 9, 10].map(|number| is_or_was_live(&layout, number).unwrap()).into();
        assert_eq!(lived, [true, true, false]);
    }

    #[test]
    fn knows_a_home_by_whichever_path_it_is_reached() {
        let folder = tempfile::tempdir().unwrap();
        let (home, link) = (folder.path().join("home"), folder.path().join("link"));
        std::fs::create_dir(&home).unwrap();
        fs::symlink(&home, &link).unwrap();
        let id = |path: &Path| home_id(&Layout::new(path)).unwrap();
        assert_eq!(id(&home), id(&link));
        assert_ne!(id(&home), id(folder.path()));
        assert!(home_id(&Layout::new(folder.path().join("none"))).unwrap_err().is_not_found());
    }

    #[test]
    fn refuses_a_link_that_is_not_ours() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path());
        fs::symlink(Path::new("/etc"), &layout.plugins()).unwrap();
        let error = live_number(&layout).unwrap_err();
        assert_eq!(error.source.to_string(), "it leads to `/etc`, which is no generation");
    }
}
