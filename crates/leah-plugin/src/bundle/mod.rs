//! The bundle: a lock and everything that it takes to install it without a network, in one tar of one canonical form.
//! It vouches for nothing: every file in it is checked as if it came from a registry's server, by keys that are known
//! otherwise. This says where the files are in it; what they say is read elsewhere. The form is section 12 of
//! docs/formats.md.

use std::{collections::BTreeMap, fmt, ops::Range};

use serde::{Deserialize, Serialize};

use crate::{
    digest::Digest,
    name::Origin,
    package::Limits,
    registry_layout::RegistryLayout,
    ustar::{self, BLOCK, END, Special},
    yaml::{self, FormatError, YamlError},
};

/// The newest format of a bundle that this release reads, and the one that it writes.
pub const BUNDLE_FORMAT: u64 = 1;

/// Most files of a registry in a bundle: twenty a plugin of the largest set.
pub const MAX_FILES: usize = 100_000;

/// The first file. It has a name that no lock can begin with, so that one can tell them apart.
const MARK: &str = "leah.bundle";

/// The second file.
const LOCK: &str = "leah.lock";

/// Largest first file in bytes. This release writes some 80.
const MAX_MARK_BYTES: u64 = 4 << 10;

/// Largest lock in bytes, which is that of any YAML.
const MAX_LOCK_BYTES: u64 = 4 << 20;

/// The folder of files with names that no header of a tar can hold.
const LONG: &str = "long";

/// A path in a bundle: a registry's name, and the path that the file has in the registry. Ordered by its bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BundlePath(Box<str>);

/// Where the files of a bundle are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    sha256: Digest,
    lock: Range<u64>,
    files: BTreeMap<BundlePath, Range<u64>>,
}

/// Why a file is no bundle, or one that is not taken. Entries are given as they stand in the tar, escaped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// Something else altogether.
    #[error("it is no bundle")]
    NotABundle,
    /// A newer release made it.
    #[error("it is of format {0}, which needs a newer leahpm")]
    Format(u64),
    /// Its first file makes no sense.
    #[error("`{MARK}` in it is not valid")]
    Mark(#[source] YamlError),
    /// Its first file says what it should in other bytes: one bundle could be another file.
    #[error("`{MARK}` in it is not written as leahpm writes it")]
    Spelling,
    /// The lock is missing, or something stands before it.
    #[error("its second file is not `{LOCK}`")]
    NoLock,
    /// The lock is another than when the bundle was made.
    #[error("`{LOCK}` in it was changed: its sha256 is {found}, not {expected}")]
    LockChanged {
        /// By the first file.
        expected: Digest,
        /// Of its bytes.
        found: Digest,
    },
    /// A link, a device, or a header that gives the next file another name.
    #[error("`{entry}` in it is {what}; a bundle has plain files alone")]
    Special {
        /// The entry.
        entry: String,
        /// What it is, with its article.
        what: &'static str,
    },
    /// Any other difference from the canonical header.
    #[error("the header of `{entry}` in it has another {field} than in a bundle")]
    Header {
        /// The entry.
        entry: String,
        /// The first field that differs.
        field: &'static str,
    },
    /// A file that has no place in a bundle.
    #[error("`{0}` in it is no path of a registry")]
    Path(String),
    /// An order in which the same files could make another bundle, or a file that is there twice.
    #[error("`{entry}` in it does not come after `{previous}` in the order of bytes")]
    Order {
        /// The entry.
        entry: String,
        /// The one before it.
        previous: BundlePath,
    },
    /// More files than the largest set needs.
    #[error("it has more than {MAX_FILES} files")]
    TooMany,
    /// A file that is larger than any in a registry.
    #[error("`{entry}` in it has {size} bytes, at most {limit} are allowed")]
    TooLarge {
        /// The entry.
        entry: String,
        /// By its header.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// The data of an entry is missing.
    #[error("it ends within `{0}`")]
    Truncated(String),
    /// The end is missing, or half of it.
    #[error("it does not end with two empty blocks")]
    NoEnd,
    /// The bytes that fill a block up could hide something.
    #[error("`{0}` in it is followed by padding that is not zero")]
    Padding(String),
    /// What stands after the end is read by some and not by others.
    #[error("it has {0} bytes after its end")]
    Trailing(u64),
}

/// The first file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mark {
    format: u64,
    lock: Digest,
}

/// True when a file that begins so is a bundle, or was meant to be one.
#[must_use]
pub fn is_bundle(first: &[u8]) -> bool {
    first.strip_prefix(MARK.as_bytes()).is_some_and(|rest| rest.first() == Some(&0))
}

/// What a bundle of this lock begins with: a mark that tells what it is, and the lock.
///
/// # Errors
/// When the lock is too large.
pub fn begin(lock: &[u8]) -> Result<Vec<u8>, BundleError> {
    check_size(LOCK, lock.len() as u64, MAX_LOCK_BYTES)?;
    let mark = Mark { format: BUNDLE_FORMAT, lock: Digest::of(lock) };
    let mark = yaml::to_string(&mark).map_err(BundleError::Mark)?;
    let mut bundle = Vec::new();
    for (path, content) in [(MARK, mark.as_bytes()), (LOCK, lock)] {
        bundle.extend(ustar::header(path, content.len() as u64).expect("both names are short"));
        bundle.extend(content);
        bundle.extend(padding(content.len() as u64));
    }
    Ok(bundle)
}

/// What stands before a file of this size.
///
/// # Errors
/// When it is too large.
pub fn header(path: &BundlePath, size: u64) -> Result<[u8; BLOCK], BundleError> {
    check_size(&path.0, size, Limits::default().archive)?;
    Ok(ustar::header(&path.0, size).expect("a path that does not fit is given another one"))
}

/// What stands behind a file of this size.
#[must_use]
pub fn padding(size: u64) -> &'static [u8] {
    &END[..ustar::padding(size)]
}

/// What a bundle ends with.
#[must_use]
pub fn end() -> &'static [u8] {
    &END
}

impl BundlePath {
    /// Where a bundle has the file that is at `path` in a registry. What is unpacked is the registry, but for files
    /// whose last name has more than the 100 bytes that a header can hold: they are named by the hash of their path, for
    /// a name and a version may have twice as many together.
    #[must_use]
    pub fn new(origin: &Origin, path: &str) -> Self {
        let long = format!("{origin}/{path}");
        match ustar::header(&long, 0) {
            Some(_) => Self(long.into()),
            None => Self(format!("{origin}/{LONG}/{}", Digest::of(path.as_bytes())).into()),
        }
    }

    fn read(text: &str) -> Option<Self> {
        let (origin, path) = text.split_once('/')?;
        origin.parse::<Origin>().ok()?;
        let folders = [RegistryLayout::ROOTS, RegistryLayout::OBJECTS, RegistryLayout::PACKAGES, LONG];
        let is_known = match path.split_once('/') {
            Some((folder, below)) => folders.contains(&folder) && below.split('/').all(is_part),
            None => path == RegistryLayout::HEAD,
        };
        is_known.then(|| Self(text.into()))
    }
}

/// Nothing that would lead out of the folder into which somebody unpacks it.
fn is_part(part: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'+');
    !matches!(part, "" | "." | "..") && part.bytes().all(allowed)
}

impl fmt::Display for BundlePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Index {
    /// Looks through a bundle of `length` bytes, of which `read_at` reads those from an offset on. Of the files
    /// themselves it reads the first alone.
    ///
    /// # Errors
    /// At the first byte that is not as in every bundle, and those of `read_at`.
    pub fn read<E: From<BundleError>>(
        length: u64,
        read_at: impl FnMut(u64, &mut [u8]) -> Result<(), E>,
    ) -> Result<Self, E> {
        let mut tar = Tar { length, at: 0, read_at };
        let sha256 = tar.mark()?;
        let lock = match tar.next(MAX_LOCK_BYTES)? {
            Some((path, range)) if path == LOCK => range,
            _ => return Err(BundleError::NoLock.into()),
        };
        let mut files: BTreeMap<BundlePath, Range<u64>> = BTreeMap::new();
        while let Some((path, range)) = tar.next(Limits::default().archive)? {
            let entry = shown(&path);
            let path = BundlePath::read(&path).ok_or_else(|| BundleError::Path(entry.clone()))?;
            if let Some((previous, _)) = files.last_key_value().filter(|(previous, _)| **previous >= path) {
                return Err(BundleError::Order { entry, previous: previous.clone() }.into());
            }
            if files.len() == MAX_FILES {
                return Err(BundleError::TooMany.into());
            }
            files.insert(path, range);
        }
        Ok(Self { sha256, lock, files })
    }

    /// Where the lock is.
    #[must_use]
    pub fn lock(&self) -> Range<u64> {
        self.lock.clone()
    }

    /// Refuses a lock that is not the one of which the bundle was made. Against who makes a bundle that proves nothing;
    /// it is against what a disk or a copy did.
    ///
    /// # Errors
    /// When its hash is another.
    pub fn check_lock(&self, lock: &[u8]) -> Result<(), BundleError> {
        let (expected, found) = (self.sha256, Digest::of(lock));
        if found == expected { Ok(()) } else { Err(BundleError::LockChanged { expected, found }) }
    }

    /// Where a file is; none where the bundle does not have it.
    #[must_use]
    pub fn file(&self, path: &BundlePath) -> Option<Range<u64>> {
        self.files.get(path).cloned()
    }
}

/// A tar that is read entry by entry.
struct Tar<R> {
    length: u64,
    at: u64,
    read_at: R,
}

impl<E: From<BundleError>, R: FnMut(u64, &mut [u8]) -> Result<(), E>> Tar<R> {
    /// The first file, which says what hash the lock has.
    fn mark(&mut self) -> Result<Digest, E> {
        let mut first = [0; BLOCK];
        if self.length < BLOCK as u64 {
            return Err(BundleError::NotABundle.into());
        }
        (self.read_at)(0, &mut first)?;
        if !is_bundle(&first) {
            return Err(BundleError::NotABundle.into());
        }
        let Some((_, range)) = self.next(MAX_MARK_BYTES)? else { return Err(BundleError::NotABundle.into()) };
        let mut content = vec![0; (range.end - range.start) as usize];
        (self.read_at)(range.start, &mut content)?;
        let mark: Mark =
            yaml::from_slice_of_format(&content, BUNDLE_FORMAT).map_err(|error| match error {
                FormatError::Newer(format) => BundleError::Format(format),
                FormatError::Yaml(error) => BundleError::Mark(error),
            })?;
        let spelled = yaml::to_string(&mark).map_err(BundleError::Mark)?;
        if spelled.as_bytes() == content { Ok(mark.lock) } else { Err(BundleError::Spelling.into()) }
    }

    /// The next file and where its content is; none at the end.
    fn next(&mut self, limit: u64) -> Result<Option<(String, Range<u64>)>, E> {
        let mut header = [0; BLOCK];
        let start = self.at + BLOCK as u64;
        if start > self.length {
            return Err(BundleError::NoEnd.into());
        }
        (self.read_at)(self.at, &mut header)?;
        if header == [0; BLOCK] {
            return self.check_end(start).map(|()| None);
        }
        let (path, size) = read_header(&header)?;
        check_size(&path, size, limit)?;
        let mut padding = [0; BLOCK];
        let padding = &mut padding[..ustar::padding(size)];
        let end = start + size;
        self.at = end + padding.len() as u64;
        if self.at > self.length {
            return Err(BundleError::Truncated(shown(&path)).into());
        }
        (self.read_at)(end, padding)?;
        if padding.iter().any(|b| *b != 0) {
            return Err(BundleError::Padding(shown(&path)).into());
        }
        Ok(Some((path, start..end)))
    }

    fn check_end(&mut self, second: u64) -> Result<(), E> {
        let (mut block, end) = ([0; BLOCK], second + BLOCK as u64);
        if end > self.length {
            return Err(BundleError::NoEnd.into());
        }
        (self.read_at)(second, &mut block)?;
        match (block == [0; BLOCK], self.length - end) {
            (false, _) => Err(BundleError::NoEnd.into()),
            (true, 0) => Ok(()),
            (true, trailing) => Err(BundleError::Trailing(trailing).into()),
        }
    }
}

fn read_header(header: &[u8; BLOCK]) -> Result<(String, u64), BundleError> {
    let (prefix, name) = (ustar::prefix(header), ustar::name(header));
    let path = if prefix.is_empty() { name.to_vec() } else { [prefix, b"/", name].concat() };
    let entry = path.escape_ascii().to_string();
    if let Some(special) = ustar::special(header) {
        return Err(BundleError::Special { entry, what: what(special) });
    }
    let different = |field| BundleError::Header { entry: entry.clone(), field };
    let path = String::from_utf8(path).map_err(|_| BundleError::Path(entry.clone()))?;
    let size = ustar::size(header).ok_or_else(|| different("size"))?;
    let canonical = ustar::header(&path, size).ok_or_else(|| BundleError::Path(entry.clone()))?;
    match ustar::difference(header, &canonical) {
        None => Ok((path, size)),
        Some(field) => Err(different(field)),
    }
}

fn what(special: Special) -> &'static str {
    match special {
        Special::Link => "a link",
        Special::Device => "a device or a pipe",
        Special::Folder => "a folder",
        Special::Pax => "a PAX extension header",
        Special::Gnu => "a GNU extension header",
        Special::Sparse => "a sparse file",
    }
}

fn check_size(entry: &str, size: u64, limit: u64) -> Result<(), BundleError> {
    if size > limit { Err(BundleError::TooLarge { entry: shown(entry), size, limit }) } else { Ok(()) }
}

fn shown(entry: &str) -> String {
    entry.as_bytes().escape_ascii().to_string()
}

#[cfg(test)]
mod tests;
