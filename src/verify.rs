//! The gate between bytes and the store: an archive becomes [`Verified`] when its size, hash, signature,
//! trusted comment, content and manifest are what the index says, and in no other way.

use leah_plugin::{
    digest::{Digest, Hashed},
    name::{Origin, PluginName},
    package::{Limits, Package, PackageError},
    record::VersionLine,
    signature::{SignatureError, package_comment},
};
use semver::Version;

/// A package whose every claim was checked. It carries the bytes, so that nothing is opened again by
/// name between check and use.
#[derive(Debug)]
pub struct Verified {
    package: Package,
}

/// Why an archive is refused.
#[derive(Debug, thiserror::Error)]
#[error("refused `{name}` {version} of registry `{origin}`")]
pub struct VerifyError {
    /// The registry.
    pub origin: Origin,
    /// The plugin.
    pub name: PluginName,
    /// Its version.
    pub version: Version,
    /// What is wrong.
    pub source: Reason,
}

/// What is wrong with an archive.
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    /// More bytes than any package may have.
    #[error("the index says that the archive has {size} bytes, at most {limit} are allowed")]
    TooLarge {
        /// By the index.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// Another number of bytes than the index says.
    #[error("the archive has {found} bytes, the index says {expected}")]
    Size {
        /// By the index.
        expected: u64,
        /// Received.
        found: u64,
    },
    /// Other bytes than the index says.
    #[error("the archive's sha256 is {found}, the index says {expected}")]
    Hash {
        /// By the index.
        expected: Digest,
        /// Of the bytes received.
        found: Digest,
    },
    /// The signature, or what it speaks of, does not fit.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The bytes are signed, but are no valid package.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// The files are others than the index says.
    #[error("the content hash of the files is {found}, the index says {expected}")]
    Content {
        /// By the index.
        expected: Digest,
        /// Of the files.
        found: Digest,
    },
    /// The manifest is for another plugin or version.
    #[error("its manifest says it is `{name}` {version}")]
    Identity {
        /// Name in the manifest.
        name: PluginName,
        /// Version in the manifest.
        version: Version,
    },
    /// The manifest asks for something else than the index said, and so than was consented to.
    #[error("`{field}` in its manifest differs from what the index says")]
    Interface {
        /// The first field that differs.
        field: &'static str,
    },
}

impl Verified {
    /// Checks `archive` against its line in the index: size and hash, then the signature and the comment
    /// composed from what was asked for, and only then decompresses.
    ///
    /// # Errors
    /// When anything does not fit; nothing of the archive is kept.
    pub fn new(
        origin: &Origin,
        name: &PluginName,
        line: &VersionLine,
        archive: &Hashed,
    ) -> Result<Self, VerifyError> {
        check(origin, name, line, archive).map(|package| Self { package }).map_err(|source| VerifyError {
            origin: origin.clone(),
            name: name.clone(),
            version: line.version.clone(),
            source,
        })
    }

    /// The package.
    #[must_use]
    pub fn package(&self) -> &Package {
        &self.package
    }
}

/// Refuses a line of the index whose own signature speaks of another file, or of one that is too large, before
/// anything is downloaded.
///
/// # Errors
/// When the trusted comment is not the one that belongs to this name, version, size and hash.
pub fn check_line(origin: &Origin, name: &PluginName, line: &VersionLine) -> Result<(), VerifyError> {
    let refused = |source| VerifyError {
        origin: origin.clone(),
        name: name.clone(),
        version: line.version.clone(),
        source,
    };
    let limit = Limits::default().archive;
    if line.size > limit {
        return Err(refused(Reason::TooLarge { size: line.size, limit }));
    }
    let comment = package_comment(origin, name, &line.version, line.size, &line.sha256);
    line.signature.expect_comment(&comment).map_err(|source| refused(source.into()))
}

fn check(
    origin: &Origin,
    name: &PluginName,
    line: &VersionLine,
    archive: &Hashed,
) -> Result<Package, Reason> {
    let (archive, found) = (archive.bytes(), *archive.digest());
    if archive.len() as u64 != line.size {
        return Err(Reason::Size { expected: line.size, found: archive.len() as u64 });
    }
    if found != line.sha256 {
        return Err(Reason::Hash { expected: line.sha256, found });
    }
    line.signature.expect_comment(&package_comment(origin, name, &line.version, line.size, &line.sha256))?;
    line.signature.verify(&line.key, archive)?;
    let package = Package::read(archive, &Limits::default())?;
    if *package.content() != line.content {
        return Err(Reason::Content { expected: line.content, found: *package.content() });
    }
    let manifest = package.manifest();
    if manifest.name != *name || manifest.version != line.version {
        return Err(Reason::Identity { name: manifest.name.clone(), version: manifest.version.clone() });
    }
    match manifest.interface().difference(&line.interface) {
        Some(field) => Err(Reason::Interface { field }),
        None => Ok(package),
    }
}
