//! Every reason not to publish a package.

use std::path::PathBuf;

use leah_plugin::{
    key::PublicKey,
    name::{NameError, PluginName},
    package::PackageError,
    record::{OwnerError, RecordError},
    signature::SignatureError,
    version::VersionError,
};
use semver::Version;

use crate::{
    change::ChangeError,
    fs::{self, FsError},
};

/// Why a package is not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The registry cannot be read or written.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// The archive cannot be read.
    #[error(transparent)]
    File(#[from] FsError),
    /// A file name that says neither name nor version.
    #[error("`{}` is not named as a package: `<name>-<version>.tar.gz`", fs::show(.0))]
    FileName(PathBuf),
    /// A file name whose first part is no name.
    #[error("`{}` is not named as a package", fs::show(path))]
    Name {
        /// The archive.
        path: PathBuf,
        /// Why.
        source: NameError,
    },
    /// A file name whose second part is no version.
    #[error("`{}` is not named as a package", fs::show(path))]
    Version {
        /// The archive.
        path: PathBuf,
        /// Why.
        source: VersionError,
    },
    /// No `.minisig` beside the archive.
    #[error("the package is not signed: there is no `{}`", fs::show(.0))]
    Unsigned(PathBuf),
    /// The signature does not hold.
    #[error("the signature `{}` is refused", fs::show(path))]
    Signature {
        /// The file.
        path: PathBuf,
        /// Why.
        source: SignatureError,
    },
    /// Signed by somebody else.
    #[error("`{name}` is signed by key {found}, its owner is {}", ids(owner))]
    NotOwner {
        /// The plugin.
        name: PluginName,
        /// Id that the signature states.
        found: String,
        /// The keys that may sign.
        owner: Vec<PublicKey>,
    },
    /// A key that was revoked.
    #[error("key {id} (`{0}`) was revoked", id = .0.id())]
    Revoked(PublicKey),
    /// A new name, and nobody to own it.
    #[error("`{0}` is a new name, and its owner line must be signed by its publisher")]
    NeedsPublisher(PluginName),
    /// The owner line cannot be signed.
    #[error("cannot sign the owner line")]
    Owner(#[from] OwnerError),
    /// The archive is no package.
    #[error("`{}` is not a valid package", fs::show(path))]
    Package {
        /// The archive.
        path: PathBuf,
        /// Why.
        source: PackageError,
    },
    /// The manifest speaks of another plugin or version than the file name and the signature.
    #[error("the manifest says `{found}`, the file name `{expected}`")]
    OtherManifest {
        /// Name and version, as in `a 1.0.0`.
        expected: String,
        /// Name and version, as in `a 1.0.0`.
        found: String,
    },
    /// That version is there.
    #[error("`{name}` {version} is published already; a version is never replaced")]
    Exists {
        /// The plugin.
        name: PluginName,
        /// Its version.
        version: Version,
    },
    /// A version that differs only in the case of letters or in build metadata.
    #[error("`{name}` {version} cannot be told from {existing}, which is published already")]
    SameVersion {
        /// The plugin.
        name: PluginName,
        /// The new version.
        version: Version,
        /// The one that is there.
        existing: Version,
    },
    /// A name that could be taken for another.
    #[error("the name `{name}` looks like `{existing}`, which is somebody else's")]
    Similar {
        /// The new name.
        name: PluginName,
        /// The one that is there.
        existing: PluginName,
    },
    /// The record with the new lines would not hold.
    #[error("the record would not hold")]
    Record(#[from] RecordError),
}

fn ids(keys: &[PublicKey]) -> String {
    keys.iter().map(|key| format!("{} (`{key}`)", key.id())).collect::<Vec<_>>().join(", ")
}
