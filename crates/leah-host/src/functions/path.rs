//! Where a path of a plugin leads: into its own folder or into one that was granted, and to what below it. Pure. That no
//! link leads out again is seen to where the folder is opened.

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
};

use crate::{bindings::leah::plugin::types::Error, capability::Folders, services::disk::PER_FILE};

/// Longest path in bytes.
const PATH: usize = 1024;

/// Most folders within folders.
const DEPTH: usize = 32;

/// What is to be done with a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// A place that a plugin may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place<'p> {
    /// The folder; none: the plugin's own.
    pub(super) folder: Option<PathBuf>,
    /// What is meant in it, without `/` at either end; empty: the folder itself.
    pub(super) inner: &'p str,
}

/// A path, or a folder of a permission, with the user's home in place of `~`, where there is one.
pub(super) fn in_full<'p>(path: &'p str, user_home: Option<&Path>) -> Cow<'p, str> {
    match (path.strip_prefix("~/"), user_home.and_then(Path::to_str)) {
        (Some(rest), Some(home)) => format!("{home}/{rest}").into(),
        _ => path.into(),
    }
}

/// Where `path`, which is in full, leads, if the folders allow it.
pub(super) fn locate<'p>(
    path: &'p str,
    access: Access,
    folders: &Folders,
    user_home: Option<&Path>,
) -> Result<Place<'p>, Error> {
    check(path)?;
    if !path.starts_with('/') {
        // What still begins with `~/` is meant for a home that there is not.
        let is_own = folders.own && !path.starts_with("~/");
        return if is_own { Ok(Place { folder: None, inner: path }) } else { Err(Error::Denied) };
    }
    let read = folders.read.iter().filter(|_| access == Access::Read);
    // Of folders within each other the inner one: a link in it must not lead to the outer one.
    let found = read.chain(&folders.write).filter_map(|folder| {
        let folder = in_full(folder, user_home);
        let inner = below(path, &folder)?;
        Some(Place { folder: Some(folder.into_owned().into()), inner })
    });
    found.min_by_key(|place| place.inner.len()).ok_or(Error::Denied)
}

/// What of `path` lies below `folder`.
fn below<'p>(path: &'p str, folder: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(folder)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}

fn check(path: &str) -> Result<(), Error> {
    let invalid = |why: &str| Err(Error::Invalid(format!("{why} in the path")));
    if path.len() > PATH || path.split('/').count() > DEPTH {
        return invalid("there are too many bytes or parts");
    }
    if path.contains('\0') {
        return invalid("there is a zero byte");
    }
    let parts = path.strip_prefix('/').unwrap_or(path);
    if !path.is_empty() && parts.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return invalid("a part is empty, `.` or `..`");
    }
    Ok(())
}

/// What a file of so many bytes costs.
pub(super) fn cost_of_file(bytes: u64) -> u64 {
    bytes.saturating_add(PER_FILE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folders() -> Folders {
        Folders {
            own: true,
            read: ["/srv/books".to_owned(), "/srv/books/private".to_owned()].into(),
            write: ["~/Notes".to_owned()].into(),
        }
    }

    #[track_caller]
    fn check(path: &str, access: Access, expect: Option<(Option<&str>, &str)>) {
        let home = Some(Path::new("/home/ann"));
        let path = &*in_full(path, home);
        let found = locate(path, access, &folders(), home);
        let expect = expect.map(|(folder, inner)| Place { folder: folder.map(PathBuf::from), inner });
        match (found, expect) {
            (Ok(found), Some(expect)) => assert_eq!(found, expect, "{path}"),
            (Err(Error::Denied), None) => {}
            other => panic!("{path}: {other:?}"),
        }
    }

    #[test]
    fn a_relative_path_lies_in_the_own_folder() {
        check("a/b.txt", Access::Write, Some((None, "a/b.txt")));
        check("", Access::Read, Some((None, "")));
        let none = Folders { own: false, ..folders() };
        assert!(matches!(locate("a", Access::Read, &none, None), Err(Error::Denied)));
    }

    #[test]
    fn an_absolute_path_lies_in_a_granted_folder_or_is_denied() {
        check("/srv/books", Access::Read, Some((Some("/srv/books"), "")));
        check("/srv/books/en/a", Access::Read, Some((Some("/srv/books"), "en/a")));
        check("/srv/books/private/a", Access::Read, Some((Some("/srv/books/private"), "a")));
        check("/srv/books/en", Access::Write, None);
        check("/srv/bookshelf/a", Access::Read, None);
        check("/srv", Access::Read, None);
        check("/etc/passwd", Access::Read, None);
        check("/proc/self/environ", Access::Read, None);
    }

    #[test]
    fn the_users_home_can_be_spelled_in_two_ways() {
        let expect = Some((Some("/home/ann/Notes"), "x"));
        for path in ["~/Notes/x", "/home/ann/Notes/x"] {
            check(path, Access::Read, expect);
            check(path, Access::Write, expect);
        }
        check("~/.ssh/id_ed25519", Access::Read, None);
        check("~/srv/books/x", Access::Read, None);
        check("/home/bob/Notes/x", Access::Read, None);
        assert!(matches!(locate("~/Notes/x", Access::Read, &folders(), None), Err(Error::Denied)));
    }

    #[test]
    fn refuses_what_is_no_path() {
        let deep = "x/".repeat(40) + "x";
        let long = "x".repeat(2000);
        for path in
            ["..", "../x", "a/../../x", "/srv/books/../../etc/passwd", "./x", "a//b", "a/", "/", "//etc"]
                .into_iter()
                .chain(["a\0b", "~/", "~/../x", &deep, &long])
        {
            let home = Some(Path::new("/home/ann"));
            let full = in_full(path, home);
            let found = locate(&full, Access::Read, &folders(), home);
            assert!(matches!(found, Err(Error::Invalid(_))), "{path:?} {found:?}");
        }
    }
}
