//! `leah.lock`: which plugins a user wants, which packages they got, and what those may do. Sorted and
//! stable, so that the same state has the same bytes; it holds no path, no time and no secret.
//! A lock does not vouch for itself: whether its keys are trusted is decided by who reads it.

mod check;
mod lenient;
mod needs;
mod twin;

use std::collections::BTreeMap;

use semver::{Version, VersionReq};
use serde::{Deserialize, Serialize};

pub use self::check::LockError;
use crate::{
    digest::Digest,
    key::PublicKey,
    layout::EntryName,
    manifest::Permissions,
    name::{Origin, PluginName},
    yaml::{self, FormatError},
};

/// The newest format of `leah.lock` that this release reads; it writes it for a set with plugins that are held, and
/// format 1, which knows none, for all others.
pub const LOCK_FORMAT: u64 = 2;

/// The newest revision of these formats that this release knows. A later one adds keys that may be left out.
pub const LOCK_REVISION: u64 = 0;

/// What a `leah.lock` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// What the user asked for, by name; the other plugins are there because these need them.
    pub requested: BTreeMap<PluginName, Request>,
    /// Every plugin of the set.
    pub plugins: BTreeMap<PluginName, Locked>,
    /// Every registry that a plugin came from.
    pub registries: BTreeMap<Origin, LockedRegistry>,
    /// What the set was resolved for.
    pub resolved_for: ResolvedFor,
    /// The revision that its text states. Of one that is newer than [`LOCK_REVISION`] some keys may not have been
    /// understood; it can be used, and not be written.
    pub revision: u64,
}

/// One wish of the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The versions that are welcome.
    pub range: VersionReq,
    /// Where the plugin comes from.
    pub registry: Origin,
}

/// One plugin of the set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locked {
    /// Its version.
    pub version: Version,
    /// Where it came from.
    pub registry: Origin,
    /// Of the archive.
    pub sha256: Digest,
    /// Of the canonical tar in the archive; it names the entry in the store.
    pub content: Digest,
    /// Of the archive, in bytes.
    pub size: u64,
    /// Who signed the archive.
    pub key: PublicKey,
    /// Hash of the owner line of its record that was in force when it was locked.
    pub owner: Digest,
    /// What it needs.
    pub dependencies: BTreeMap<PluginName, VersionReq>,
    /// Whether it is switched on.
    pub enabled: bool,
    /// Whether it stays at this version and registry until the user lets it go.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
    /// What it may do.
    pub granted: Permissions,
    /// What it asked for and may not do.
    pub denied: Permissions,
}

/// One registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedRegistry {
    /// Its address, http or https, without credentials; none for a folder and for what is built in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The root key that was pinned for it.
    pub root_key: PublicKey,
}

/// The versions that the set was resolved for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResolvedFor {
    /// Of the plugin API.
    pub api: Version,
    /// Of the host.
    pub host: Version,
}

impl Lock {
    /// A lock of no plugins.
    #[must_use]
    pub fn empty(resolved_for: ResolvedFor) -> Self {
        Self {
            requested: BTreeMap::new(),
            plugins: BTreeMap::new(),
            registries: BTreeMap::new(),
            resolved_for,
            revision: LOCK_REVISION,
        }
    }

    /// Reads a `leah.lock`. Keys that are not known are errors, but in a text that states a newer revision.
    ///
    /// # Errors
    /// When the text is not YAML of this shape, of a newer format, or contradicts itself.
    pub fn read(bytes: &[u8]) -> Result<Self, LockError> {
        let wire = match yaml::from_slice_of_format::<Wire>(bytes, LOCK_FORMAT) {
            Ok(wire) => wire,
            Err(FormatError::Newer(format)) => return Err(LockError::Format(format)),
            Err(FormatError::Yaml(_)) if is_newer(bytes) => lenient::from_slice(bytes)?,
            Err(FormatError::Yaml(error)) => return Err(error.into()),
        };
        let lock = Self::from(wire);
        lock.check()?;
        Ok(lock)
    }

    /// True for a lock of a revision that this release does not know.
    #[must_use]
    pub fn is_newer(&self) -> bool {
        self.revision > LOCK_REVISION
    }

    /// The text of the file; the same lock always gives the same bytes.
    ///
    /// # Errors
    /// When the lock contradicts itself and could not be read again, or is of a revision of which something would be
    /// lost.
    pub fn to_text(&self) -> Result<String, LockError> {
        Ok(yaml::to_string(&self.wire()?)?)
    }

    fn wire(&self) -> Result<WireRef<'_>, LockError> {
        if self.is_newer() {
            return Err(LockError::Revision(self.revision));
        }
        self.check()?;
        Ok(WireRef {
            format: if self.plugins.values().any(|locked| locked.held) { LOCK_FORMAT } else { 1 },
            requested: &self.requested,
            plugins: &self.plugins,
            registries: &self.registries,
            resolved_for: &self.resolved_for,
        })
    }
}

impl Locked {
    /// The entry in the store that holds this package; `name` is the plugin's.
    #[must_use]
    pub fn entry(&self, name: &PluginName) -> EntryName {
        EntryName::new(name.clone(), self.version.clone(), &self.content)
    }
}

/// True where a text states a revision that this release does not know.
fn is_newer(bytes: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Stated {
        #[serde(default)]
        revision: u64,
    }
    yaml::from_slice::<Stated>(bytes).is_ok_and(|stated| stated.revision > LOCK_REVISION)
}

/// The lock as it is read, in the order of its keys.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    #[serde(rename = "format")]
    _format: u64,
    #[serde(default)]
    revision: u64,
    requested: BTreeMap<PluginName, Request>,
    plugins: BTreeMap<PluginName, Locked>,
    registries: BTreeMap<Origin, LockedRegistry>,
    resolved_for: ResolvedFor,
}

impl From<Wire> for Lock {
    fn from(wire: Wire) -> Self {
        let Wire { requested, plugins, registries, resolved_for, revision, .. } = wire;
        Self { requested, plugins, registries, resolved_for, revision }
    }
}

/// The lock as it is written, in the same order.
#[derive(Serialize)]
struct WireRef<'a> {
    format: u64,
    requested: &'a BTreeMap<PluginName, Request>,
    plugins: &'a BTreeMap<PluginName, Locked>,
    registries: &'a BTreeMap<Origin, LockedRegistry>,
    resolved_for: &'a ResolvedFor,
}

#[cfg(test)]
mod tests;
