//! Paths of files in a package. A value of this type can be written below a folder on any system: it cannot leave
//! the folder, cannot name a device and cannot meet another path through the case of its letters alone.

use std::{borrow::Borrow, fmt, str::FromStr};

use crate::name::is_windows_device;

/// Longest path in bytes; what the name field of a ustar header holds.
pub const MAX_PATH_BYTES: usize = 100;

/// Most parts of a path.
pub const MAX_PATH_PARTS: usize = 16;

/// A path of parts `[A-Za-z0-9._-]+` between slashes. Ordered by its bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackagePath(Box<str>);

/// Why a text is not the path of a file in a package. The text itself stands in the error around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Nothing at all.
    #[error("the path is empty")]
    Empty,
    /// More than [`MAX_PATH_BYTES`].
    #[error("the path has {0} bytes, at most {MAX_PATH_BYTES} are allowed")]
    TooLong(usize),
    /// More than [`MAX_PATH_PARTS`].
    #[error("the path is {0} parts deep, at most {MAX_PATH_PARTS} are allowed")]
    TooDeep(usize),
    /// Would lie where it was not unpacked to.
    #[error("the path is absolute")]
    Absolute,
    /// Would climb out of the folder.
    #[error("a part of the path is `..`")]
    Parent,
    /// An empty part or `.`: a second spelling of another path.
    #[error("a part of the path is empty or `.`")]
    EmptyPart,
    /// A character that some file system or terminal takes for something else.
    #[error("the path has a character other than letters, digits, `.`, `_`, `-` and `/`")]
    Character,
    /// Windows drops a final dot, so two paths would meet.
    #[error("a part of the path ends with a dot")]
    FinalDot,
    /// `nul.txt` and its kin.
    #[error("a part of the path is the name of a device on Windows")]
    WindowsDevice,
}

impl PackagePath {
    /// The path as text, with slashes between its parts.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The folders on the way to the file, outermost first.
    pub fn folders(&self) -> impl Iterator<Item = &str> {
        self.0.match_indices('/').map(|(at, _)| &self.0[..at])
    }
}

impl FromStr for PackagePath {
    type Err = PathError;
    fn from_str(text: &str) -> Result<Self, PathError> {
        check(text)?;
        Ok(Self(text.into()))
    }
}

fn check(text: &str) -> Result<(), PathError> {
    if text.is_empty() {
        return Err(PathError::Empty);
    }
    if text.len() > MAX_PATH_BYTES {
        return Err(PathError::TooLong(text.len()));
    }
    if text.starts_with('/') {
        return Err(PathError::Absolute);
    }
    let parts = text.split('/').count();
    if parts > MAX_PATH_PARTS {
        return Err(PathError::TooDeep(parts));
    }
    text.split('/').try_for_each(check_part)
}

fn check_part(part: &str) -> Result<(), PathError> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    match part {
        "" | "." => Err(PathError::EmptyPart),
        ".." => Err(PathError::Parent),
        _ if !part.bytes().all(allowed) => Err(PathError::Character),
        _ if part.ends_with('.') => Err(PathError::FinalDot),
        // A device stays one with any extension: `nul.txt`, `com1.tar.gz`.
        _ if part.split('.').next().is_some_and(is_windows_device) => Err(PathError::WindowsDevice),
        _ => Ok(()),
    }
}

impl fmt::Display for PackagePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl AsRef<str> for PackagePath {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for PackagePath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Result<(), PathError>) {
        assert!(text.parse::<PackagePath>().map(|_| ()) == expect, "{text}: {expect:?}");
    }

    #[test]
    fn takes_plain_paths() {
        for text in
            ["plugin.yaml", "a/b_c/D-e.f", ".hidden", &"a".repeat(100), "a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a"]
        {
            check(text, Ok(()));
        }
        let path: PackagePath = "a/b/c".parse().unwrap();
        assert_eq!(path.folders().collect::<Vec<_>>(), ["a", "a/b"]);
    }

    #[test]
    fn refuses_paths_that_leave_the_folder_or_change_on_another_system() {
        check("", Err(PathError::Empty));
        check("/etc/passwd", Err(PathError::Absolute));
        check("a/../b", Err(PathError::Parent));
        check("a//b", Err(PathError::EmptyPart));
        check("a/", Err(PathError::EmptyPart));
        check("./a", Err(PathError::EmptyPart));
        for text in ["a\\b", "C:x", "a b", "ä", "a\0", "a\n", "a\u{1b}[0m", "~", "a:b", "a*"] {
            check(text, Err(PathError::Character));
        }
        check("a./b", Err(PathError::FinalDot));
        check("...", Err(PathError::FinalDot));
        for text in ["nul", "NUL.txt", "a/con", "Com1.tar.gz", "lpt0"] {
            check(text, Err(PathError::WindowsDevice));
        }
        check(&"a".repeat(101), Err(PathError::TooLong(101)));
        check(&"a/".repeat(16), Err(PathError::TooDeep(17)));
    }
}
