//! The canonical tar: for given files there is exactly one, and this writes it, reads it and hashes it. Reading takes
//! path and size from a header, writes the canonical header for them and demands equality of all 512 bytes, so
//! everything that tar has beside plain files is refused by one comparison.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    io,
    ops::Range,
};

use super::path::{PackagePath, PathError};
use crate::{
    digest::{Digest, Hasher},
    ustar::{self, BLOCK, END, Special, padding},
};

/// A file in a tar: its path, and where its bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its path.
    pub path: PackagePath,
    /// The place of its content in the tar.
    pub bytes: Range<usize>,
}

/// Why a tar is not canonical. Entries are given as they stand in the tar, escaped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TarError {
    /// A link could point out of the package.
    #[error("`{0}` is a link; a package has regular files alone, so put a copy in its place")]
    Link(String),
    /// A device, a pipe or the like.
    #[error("`{0}` is a device or a pipe; a package has regular files alone, so leave it out")]
    Device(String),
    /// Folders follow from the paths of files.
    #[error("`{0}` is an entry for a folder; a package has files alone: make it with `leahpm pack`")]
    Folder(String),
    /// PAX headers (types `x` and `g`) give the next entry another name or size, for some readers.
    #[error("`{0}` is a PAX extension header; make the package with `leahpm pack`")]
    Pax(String),
    /// GNU headers for long names do the same.
    #[error("`{0}` is a GNU extension header; make the package with `leahpm pack`")]
    Gnu(String),
    /// A sparse file is larger than its data.
    #[error("`{0}` is a sparse file; make the package with `leahpm pack`")]
    Sparse(String),
    /// A path that is not allowed.
    #[error("`{entry}` cannot be in a package: {rule}")]
    Path {
        /// The path as it stands in the tar.
        entry: String,
        /// The rule it breaks.
        rule: PathError,
    },
    /// A size that is no number.
    #[error("`{0}` has a size that is not a number; make the package with `leahpm pack`")]
    Size(String),
    /// Any other difference from the canonical header.
    #[error("the header of `{entry}` has another {field} than a package has; make it with `leahpm pack`")]
    Header {
        /// The entry.
        entry: String,
        /// The first field that differs.
        field: &'static str,
    },
    /// An order in which the same files could make another tar, or a path that stands twice.
    #[error(
        "`{entry}` does not come after `{previous}` in the order of bytes; make the package with `leahpm pack`"
    )]
    Order {
        /// The entry.
        entry: String,
        /// The one before it.
        previous: String,
    },
    /// Two paths that are one on file systems that do not tell letters by case.
    #[error("`{entry}` and `{twin}` differ only in the case of letters; rename one")]
    CaseTwin {
        /// The entry.
        entry: String,
        /// The one it meets.
        twin: String,
    },
    /// A path that is a file and a folder.
    #[error("`{0}` is a file and also a folder of another file; rename one")]
    FileAndFolder(String),
    /// More files than the limit.
    #[error("the package has more than {0} files")]
    TooManyFiles(usize),
    /// The data of an entry, or the end of the archive, is missing.
    #[error("the tar ends within `{0}`")]
    Truncated(String),
    /// No end, or only half of one.
    #[error("the tar does not end with two empty blocks")]
    NoEnd,
    /// The bytes that fill a block up could hide something.
    #[error("`{0}` is followed by padding that is not zero; make the package with `leahpm pack`")]
    Padding(String),
    /// What stands after the end is read by some and not by others.
    #[error("the tar has {0} bytes after its end; make the package with `leahpm pack`")]
    Trailing(usize),
}

/// Reads a tar that must be canonical.
pub(super) fn read(tar: &[u8], most_files: usize) -> Result<Vec<File>, TarError> {
    let mut files: Vec<File> = Vec::new();
    let mut tree = Tree::default();
    let mut at = 0;
    loop {
        let Some((header, rest)) = tar[at..].split_first_chunk::<BLOCK>() else {
            return Err(TarError::NoEnd);
        };
        if *header == [0; BLOCK] {
            return check_end(rest).map(|()| files);
        }
        let (path, size) = read_header(header)?;
        if let Some(last) = files.last().filter(|last| last.path >= path) {
            return Err(TarError::Order { entry: path.to_string(), previous: last.path.to_string() });
        }
        if files.len() == most_files {
            return Err(TarError::TooManyFiles(most_files));
        }
        tree.add(&path)?;
        let size = usize::try_from(size).ok().filter(|size| *size <= rest.len());
        let size = size.ok_or_else(|| TarError::Truncated(path.to_string()))?;
        let padding = rest.get(size..size + padding(size as u64));
        match padding {
            None => return Err(TarError::Truncated(path.to_string())),
            Some(bytes) if bytes.iter().any(|b| *b != 0) => return Err(TarError::Padding(path.to_string())),
            Some(bytes) => {
                let start = at + BLOCK;
                at = start + size + bytes.len();
                files.push(File { path, bytes: start..start + size });
            }
        }
    }
}

/// Writes the canonical tar of files that stand in ascending order.
pub(super) fn write(files: &BTreeMap<PackagePath, Vec<u8>>, most_files: usize) -> Result<Vec<u8>, TarError> {
    let mut tree = Tree::default();
    if files.len() > most_files {
        return Err(TarError::TooManyFiles(most_files));
    }
    let mut tar = Vec::new();
    for (path, bytes) in files {
        tree.add(path)?;
        tar.extend_from_slice(&header(path, bytes.len() as u64));
        tar.extend_from_slice(bytes);
        tar.resize(tar.len() + padding(bytes.len() as u64), 0);
    }
    tar.extend_from_slice(&END);
    Ok(tar)
}

/// Why files could not be hashed as a package.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// A path that is not after the one before.
    #[error("`{0}` is out of order")]
    Order(PackagePath),
    /// Fewer or more bytes than were announced: the file changed while it was read.
    #[error("a file of the package has another size than it was said to have")]
    Size,
}

/// Makes the content hash of a package again from its files, which may come from a disk piece by piece: for each,
/// in ascending order, [`add`](Self::add) and then its bytes.
#[derive(Debug, Clone, Default)]
pub struct ContentHasher {
    hasher: Hasher,
    last: Option<PackagePath>,
    size: u64,
    left: u64,
}

impl ContentHasher {
    /// A hasher that has seen no file.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins the next file.
    ///
    /// # Errors
    /// When its path is not after the last one, or the last file had another size than announced.
    pub fn add(&mut self, path: &PackagePath, size: u64) -> Result<(), ContentError> {
        self.close()?;
        if self.last.as_ref().is_some_and(|last| last >= path) {
            return Err(ContentError::Order(path.clone()));
        }
        self.hasher.update(&header(path, size));
        self.last = Some(path.clone());
        (self.size, self.left) = (size, size);
        Ok(())
    }

    /// Takes the next bytes of the file.
    ///
    /// # Errors
    /// When they are more than announced.
    pub fn update(&mut self, bytes: &[u8]) -> Result<(), ContentError> {
        self.left = self.left.checked_sub(bytes.len() as u64).ok_or(ContentError::Size)?;
        self.hasher.update(bytes);
        Ok(())
    }

    /// The content hash of all files.
    ///
    /// # Errors
    /// When the last file had another size than announced.
    pub fn finish(mut self) -> Result<Digest, ContentError> {
        self.close()?;
        self.hasher.update(&END);
        Ok(self.hasher.finish())
    }

    fn close(&mut self) -> Result<(), ContentError> {
        if self.left != 0 {
            return Err(ContentError::Size);
        }
        self.hasher.update(&END[..padding(self.size)]);
        Ok(())
    }
}

impl io::Write for ContentHasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn header(path: &PackagePath, size: u64) -> [u8; BLOCK] {
    ustar::header(path.as_str(), size).expect("a checked path is relative and fits the name field")
}

fn read_header(bytes: &[u8; BLOCK]) -> Result<(PackagePath, u64), TarError> {
    let name = ustar::name(bytes);
    let entry = || name.escape_ascii().to_string();
    if let Some(special) = ustar::special(bytes) {
        return Err(refused(special, entry()));
    }
    let path = std::str::from_utf8(name).map_err(|_| PathError::Character).and_then(str::parse);
    let path: PackagePath = path.map_err(|rule| TarError::Path { entry: entry(), rule })?;
    let size = ustar::size(bytes).ok_or_else(|| TarError::Size(entry()))?;
    match ustar::difference(bytes, &header(&path, size)) {
        None => Ok((path, size)),
        Some(field) => Err(TarError::Header { entry: entry(), field }),
    }
}

fn refused(special: Special, entry: String) -> TarError {
    match special {
        Special::Link => TarError::Link(entry),
        Special::Device => TarError::Device(entry),
        Special::Folder => TarError::Folder(entry),
        Special::Pax => TarError::Pax(entry),
        Special::Gnu => TarError::Gnu(entry),
        Special::Sparse => TarError::Sparse(entry),
    }
}

fn check_end(rest: &[u8]) -> Result<(), TarError> {
    match rest.split_first_chunk::<BLOCK>() {
        Some((block, after)) if *block == [0; BLOCK] => {
            if after.is_empty() {
                Ok(())
            } else {
                Err(TarError::Trailing(after.len()))
            }
        }
        _ => Err(TarError::NoEnd),
    }
}

/// All paths and their folders by their lower-case spelling, to find those that meet on other file systems.
#[derive(Debug, Default)]
struct Tree(BTreeMap<String, (String, Place)>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    File,
    Folder,
}

impl Tree {
    fn add(&mut self, path: &PackagePath) -> Result<(), TarError> {
        for folder in path.folders() {
            self.insert(folder, Place::Folder)?;
        }
        self.insert(path.as_str(), Place::File)
    }

    fn insert(&mut self, path: &str, place: Place) -> Result<(), TarError> {
        match self.0.entry(path.to_ascii_lowercase()) {
            Entry::Vacant(slot) => {
                slot.insert((path.to_owned(), place));
                Ok(())
            }
            Entry::Occupied(slot) => match slot.get() {
                (twin, _) if twin != path => {
                    Err(TarError::CaseTwin { entry: path.to_owned(), twin: twin.clone() })
                }
                (_, Place::Folder) if place == Place::Folder => Ok(()),
                _ => Err(TarError::FileAndFolder(path.to_owned())),
            },
        }
    }
}
