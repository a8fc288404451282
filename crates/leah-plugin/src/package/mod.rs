//! A package: one version of a plugin as one archive, a canonical tar in one gzip member. Reading proves the form
//! before anything else looks at the content; writing gives the same bytes for the same files. Touches no disk.

mod canonical;
mod gzip;
mod path;
mod whole;

use std::collections::BTreeMap;

use crate::{
    component::{self, ComponentError},
    digest::Digest,
    manifest::{Manifest, ManifestError},
};

pub use self::{
    canonical::{ContentError, ContentHasher, File, TarError},
    gzip::GzipError,
    path::{MAX_PATH_BYTES, MAX_PATH_PARTS, PackagePath, PathError},
};

/// The file of the manifest.
pub const MANIFEST_FILE: &str = "plugin.yaml";

/// The file of the component.
pub const COMPONENT_FILE: &str = "plugin.wasm";

/// How large a package may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the archive.
    pub archive: u64,
    /// Bytes of the tar.
    pub unpacked: u64,
    /// Number of files.
    pub files: usize,
    /// How many times its size the archive may unpack to; counts above 1 MiB.
    pub ratio: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { archive: 64 << 20, unpacked: 64 << 20, files: 1000, ratio: 200 }
    }
}

/// A package that was read: its form is canonical, its manifest keeps the rules, and its component asks for no more
/// than the manifest says.
#[derive(Debug, Clone)]
pub struct Package {
    tar: Vec<u8>,
    files: Vec<File>,
    content: Digest,
    manifest: Manifest,
}

/// Why an archive is not a package.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// The gzip member around it.
    #[error(transparent)]
    Gzip(#[from] GzipError),
    /// The tar in it.
    #[error(transparent)]
    Tar(#[from] TarError),
    /// A file that every package has.
    #[error("the package has no `{0}` at its top")]
    Missing(&'static str),
    /// A path given twice to [`pack`].
    #[error("`{0}` is given twice")]
    Twice(PackagePath),
    /// The manifest breaks a rule.
    #[error("`plugin.yaml` is not a valid manifest")]
    Manifest(#[source] ManifestError),
    /// The component is none, or does not do what the manifest says.
    #[error("`plugin.wasm` is not the component of this plugin")]
    Component(#[source] ComponentError),
}

impl Drop for Package {
    fn drop(&mut self) {
        whole::keep(std::mem::take(&mut self.tar));
    }
}

impl Package {
    /// Reads an archive.
    ///
    /// # Errors
    /// At the first rule that is broken, from the outside inwards: gzip, tar, manifest, component.
    pub fn read(archive: &[u8], limits: &Limits) -> Result<Self, PackageError> {
        let (tar, content) = gzip::inflate(archive, limits)?;
        let files = canonical::read(&tar, limits.files)?;
        let file = |path| find(&tar, &files, path).ok_or(PackageError::Missing(path));
        let manifest = Manifest::read(file(MANIFEST_FILE)?).map_err(PackageError::Manifest)?;
        component::surface(file(COMPONENT_FILE)?)
            .and_then(|surface| component::check(&surface, &manifest))
            .map_err(PackageError::Component)?;
        Ok(Self { tar, files, content, manifest })
    }

    /// The files with their content, in ascending order.
    pub fn files(&self) -> impl Iterator<Item = (&PackagePath, &[u8])> {
        self.files.iter().map(|file| (&file.path, &self.tar[file.bytes.clone()]))
    }

    /// The content hash: sha256 of the canonical tar.
    #[must_use]
    pub fn content(&self) -> &Digest {
        &self.content
    }

    /// What `plugin.yaml` says.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The bytes of a file.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&[u8]> {
        find(&self.tar, &self.files, path)
    }
}

/// Makes the archive of these files, in whatever order they come. Same files, same bytes, and what it makes can be
/// read again: it is read before it is returned.
///
/// # Errors
/// When the files do not make a package.
pub fn pack(files: impl IntoIterator<Item = (PackagePath, Vec<u8>)>) -> Result<Vec<u8>, PackageError> {
    let limits = Limits::default();
    let mut sorted = BTreeMap::new();
    for (path, bytes) in files {
        if sorted.contains_key(&path) {
            return Err(PackageError::Twice(path));
        }
        sorted.insert(path, bytes);
    }
    let archive = gzip::deflate(&canonical::write(&sorted, limits.files)?);
    Package::read(&archive, &limits)?;
    Ok(archive)
}

fn find<'a>(tar: &'a [u8], files: &[File], path: &str) -> Option<&'a [u8]> {
    let at = files.binary_search_by(|file| file.path.as_str().cmp(path)).ok()?;
    Some(&tar[files[at].bytes.clone()])
}

#[cfg(test)]
mod tests;
