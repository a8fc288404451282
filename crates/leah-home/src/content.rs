//! The content hash of what is on disk: of the canonical tar that the files of a folder would make. It
//! tells whether a folder is still the package it was; it says nothing about who made that.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use leah_plugin::{
    digest::Digest,
    package::{ContentHasher, Limits, PackagePath},
};

use crate::fs::{self, FsError, Kind};

/// Why the hasher has nothing to complain about, whatever stands on disk.
const WHOLE: &str = "the paths are sorted, each is there once, and all its bytes are in memory";

/// What a folder holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Files that a package could hold, with this content hash.
    Whole(Digest),
    /// Things that no package holds: links, devices, empty folders, names that are not allowed, files that
    /// are larger than a package. Their paths.
    Foreign(Vec<PathBuf>),
}

/// Hashes a folder.
///
/// # Errors
/// When a part of it cannot be read.
pub fn content_of(folder: &Path) -> Result<Content, FsError> {
    Ok(content_with(folder, &[])?.0)
}

/// Hashes a folder, and hands out the bytes that were hashed of the files to `keep`, by their paths in it: what is used
/// is then what was compared.
///
/// # Errors
/// When a part of it cannot be read.
pub fn content_with(
    folder: &Path,
    keep: &[&str],
) -> Result<(Content, BTreeMap<PackagePath, Vec<u8>>), FsError> {
    let (mut found, mut kept) = (Found::default(), BTreeMap::new());
    found.walk(folder, "")?;
    if !found.foreign.is_empty() {
        return Ok((Content::Foreign(found.foreign), kept));
    }
    // A package has its files in the order of whole paths, which is not the order of a walk: `a-b`, `a/b`.
    found.files.sort_unstable();
    let mut hasher = ContentHasher::new();
    for path in found.files {
        let place = folder.join(path.as_str());
        let bytes = match fs::read(&place, Limits::default().unpacked) {
            Err(error) if error.source.kind() == io::ErrorKind::FileTooLarge => {
                return Ok((Content::Foreign(vec![place]), kept));
            }
            read => read?,
        };
        hasher.add(&path, bytes.len() as u64).and_then(|()| hasher.update(&bytes)).expect(WHOLE);
        if keep.contains(&path.as_str()) {
            kept.insert(path, bytes);
        }
    }
    Ok((Content::Whole(hasher.finish().expect(WHOLE)), kept))
}

#[derive(Default)]
struct Found {
    files: Vec<PackagePath>,
    foreign: Vec<PathBuf>,
}

impl Found {
    /// `inside` is the path from the package's top, empty or with a slash at its end.
    fn walk(&mut self, folder: &Path, inside: &str) -> Result<(), FsError> {
        let listed = fs::list(folder)?;
        if listed.is_empty() {
            self.foreign.push(folder.to_owned());
        }
        for entry in listed {
            let path = folder.join(&entry.name);
            let text = entry.name.to_str().map(|name| format!("{inside}{name}"));
            // A folder's path obeys the same rules as a file's, which also bounds how deep this goes.
            let checked = text.and_then(|text| text.parse::<PackagePath>().ok());
            match (entry.kind, checked) {
                (Kind::File, Some(checked)) => self.files.push(checked),
                (Kind::Folder, Some(checked)) => self.walk(&path, &format!("{}/", checked.as_str()))?,
                _ => self.foreign.push(path),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests look at the disk themselves")]
mod tests {
    use std::fs as disk;

    use super::*;

    #[track_caller]
    fn check_foreign(make: impl FnOnce(&Path), expect: &str) {
        let folder = tempfile::tempdir().unwrap();
        disk::write(folder.path().join("plugin.yaml"), "name: x").unwrap();
        make(folder.path());
        let expect = Content::Foreign(vec![folder.path().join(expect)]);
        assert_eq!(content_of(folder.path()).unwrap(), expect);
    }

    #[test]
    fn is_that_of_the_files_in_the_order_of_whole_paths() {
        let folder = tempfile::tempdir().unwrap();
        disk::create_dir(folder.path().join("a")).unwrap();
        let mut hasher = ContentHasher::new();
        for path in ["a-b", "a.b", "a/b", "aa"] {
            disk::write(folder.path().join(path), path).unwrap();
            hasher.add(&path.parse().unwrap(), path.len() as u64).unwrap();
            hasher.update(path.as_bytes()).unwrap();
        }
        let whole = Content::Whole(hasher.finish().unwrap());
        assert_eq!(content_of(folder.path()).unwrap(), whole);
        let (content, kept) = content_with(folder.path(), &["a/b", "missing"]).unwrap();
        assert_eq!((content, kept), (whole, BTreeMap::from([("a/b".parse().unwrap(), b"a/b".to_vec())])));
    }

    #[test]
    fn names_what_no_package_holds() {
        check_foreign(|top| fs::symlink(Path::new("plugin.yaml"), &top.join("link")).unwrap(), "link");
        check_foreign(|top| disk::create_dir(top.join("empty")).unwrap(), "empty");
        check_foreign(|top| disk::write(top.join("a b"), "").unwrap(), "a b");
        let huge = Limits::default().unpacked + 1;
        check_foreign(|top| disk::File::create(top.join("huge")).unwrap().set_len(huge).unwrap(), "huge");
        check_foreign(|top| disk::write(top.join("\u{1b}"), "").unwrap(), "\u{1b}");
    }
}
