//! What is demanded of a lock that comes from elsewhere before the set that it names is made live: that each package is
//! the one of which the index speaks, that every permission was decided on, that nothing is revoked or made for another
//! host. Pure; a lock vouches for nothing here, it is compared.

mod extra;

use std::{collections::BTreeMap, fmt};

use leah_plugin::{
    digest::Digest,
    key::PublicKey,
    lock::{Lock, Locked, LockedRegistry},
    manifest::Permissions,
    name::{Origin, PluginName},
    record::{Record, VersionLine},
};
use semver::{Version, VersionReq};

pub use self::extra::{Misfit, with_extra};

/// Why what a lock names is not made live.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The registry of that name that is known here begins with another key.
    #[error("the lock says that the root key of registry `{origin}` is `{said}`, but it is `{known}` here")]
    OtherRoot {
        /// The registry.
        origin: Origin,
        /// The key in the lock.
        said: PublicKey,
        /// The key that is trusted here.
        known: PublicKey,
    },
    /// What is installed from the registry of that name was signed under another key.
    #[error(
        "the lock says that the root key of registry `{origin}` is `{said}`, but what is installed came with `{known}`"
    )]
    LiveRoot {
        /// The registry.
        origin: Origin,
        /// The key in the lock.
        said: PublicKey,
        /// The key in the live lock.
        known: PublicKey,
    },
    /// A dependency comes from another registry than the plugin that needs it, which no resolution brings about.
    #[error(
        "in the lock `{name}` of registry `{registry}` needs `{dependency}`, which comes from registry `{found}`"
    )]
    Stranger {
        /// The plugin.
        name: PluginName,
        /// Its registry.
        registry: Origin,
        /// What it needs.
        dependency: PluginName,
        /// The registry from which that comes.
        found: Origin,
    },
    /// A plugin is switched on and lacks what it needs.
    #[error("in the lock `{name}` is switched on and needs `{dependency}`, which is switched off")]
    SwitchedOff {
        /// The plugin.
        name: PluginName,
        /// What it needs.
        dependency: PluginName,
    },
    /// The registry has no such version.
    #[error("registry `{}` has no {}", .0.registry, .0.plugin())]
    Missing(Package),
    /// This release is too old to read it, or lacks it though it is the registry itself.
    #[error("{} of registry `{}` needs a newer leahpm", .0.plugin(), .0.registry)]
    NeedsNewer(Package),
    /// The lock says one thing and the index another.
    #[error("`{field}` of {} in the lock differs from what registry `{}` says", package.plugin(), package.registry)]
    Differs {
        /// The package.
        package: Package,
        /// The key in the lock.
        field: &'static str,
    },
    /// The key that signed it was revoked: whoever has it by now could have signed anything.
    #[error("{} of registry `{}` is signed with a key that was revoked", .0.plugin(), .0.registry)]
    Revoked(Package),
    /// Nobody decided on something that the plugin asks for.
    #[error("the lock does not say whether {} is granted {}", package.plugin(), kinds(permissions))]
    Undecided {
        /// The package.
        package: Package,
        /// What was left open.
        permissions: Permissions,
    },
    /// The lock decides on something that the plugin does not ask for.
    #[error("the lock says of {} whether it is granted {}, for which it does not ask", package.plugin(), kinds(permissions))]
    NotAsked {
        /// The package.
        package: Package,
        /// What it does not ask for.
        permissions: Permissions,
    },
    /// Made for another version of the plugin API.
    #[error("{} is for plugin API {needs}, this host has {has}", package.plugin())]
    Api {
        /// The package.
        package: Package,
        /// What it was made for.
        needs: VersionReq,
        /// What the host offers.
        has: Version,
    },
    /// Made for other versions of the host.
    #[error("{} is for leah-host {needs}, this one is {has}", package.plugin())]
    Host {
        /// The package.
        package: Package,
        /// What it was made for.
        needs: VersionReq,
        /// The host's version.
        has: Version,
    },
}

/// A package of which something is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// The plugin.
    pub name: PluginName,
    /// Its version.
    pub version: Version,
    /// Where the lock says it comes from.
    pub registry: Origin,
}

impl Package {
    fn new(name: &PluginName, locked: &Locked) -> Self {
        let (version, registry) = (locked.version.clone(), locked.registry.clone());
        Self { name: name.clone(), version, registry }
    }

    fn plugin(&self) -> impl fmt::Display {
        format!("`{}` {}", self.name, self.version)
    }
}

fn kinds(permissions: &Permissions) -> String {
    permissions.iter().map(|(kind, _)| format!("`{kind}`")).collect::<Vec<_>>().join(", ")
}

/// Versions of what plugins run in.
#[derive(Debug, Clone, Copy)]
pub struct Platform<'a> {
    /// Of the plugin API.
    pub api: &'a Version,
    /// Of the host.
    pub host: &'a Version,
}

/// Refuses a registry of a lock that begins with another root key than the one that is trusted here.
///
/// # Errors
/// When the keys differ.
pub fn check_root(
    origin: &Origin,
    locked: &LockedRegistry,
    known: &LockedRegistry,
) -> Result<(), RestoreError> {
    if locked.root_key == known.root_key {
        return Ok(());
    }
    Err(RestoreError::OtherRoot { origin: origin.clone(), said: locked.root_key, known: known.root_key })
}

/// Refuses another root key for a registry from which something is installed: it may never have been added, as one that a
/// bundle brought, and under another root its names are somebody else's.
///
/// # Errors
/// When the keys differ.
pub fn check_live_root(origin: &Origin, locked: &LockedRegistry, live: &Lock) -> Result<(), RestoreError> {
    let is_used = live.plugins.values().any(|locked| locked.registry == *origin);
    match live.registries.get(origin) {
        Some(known) if is_used && known.root_key != locked.root_key => {
            let (said, known) = (locked.root_key, known.root_key);
            Err(RestoreError::LiveRoot { origin: origin.clone(), said, known })
        }
        _ => Ok(()),
    }
}

/// Refuses a set that no resolution would have brought about, whatever its packages are.
///
/// # Errors
/// The first contradiction, by the names of the plugins.
pub fn check_set(lock: &Lock) -> Result<(), RestoreError> {
    for (name, locked) in &lock.plugins {
        let needed = locked.dependencies.keys().filter_map(|needed| lock.plugins.get_key_value(needed));
        for (dependency, found) in needed {
            let (name, dependency) = (name.clone(), dependency.clone());
            if found.registry != locked.registry {
                let (registry, found) = (locked.registry.clone(), found.registry.clone());
                return Err(RestoreError::Stranger { name, registry, dependency, found });
            }
            if locked.enabled && !found.enabled {
                return Err(RestoreError::SwitchedOff { name, dependency });
            }
        }
    }
    Ok(())
}

/// True when both are the very same package by the same owner; what it may do and whether it is on is another matter.
#[must_use]
pub fn is_same_package(one: &Locked, other: &Locked) -> bool {
    one.registry == other.registry && differs(one, &Said::of(other)).is_none() && one.owner == other.owner
}

/// What an index, or another lock, says of a package.
struct Said<'a> {
    version: &'a Version,
    sha256: &'a Digest,
    content: &'a Digest,
    size: u64,
    key: &'a PublicKey,
    dependencies: &'a BTreeMap<PluginName, VersionReq>,
}

impl<'a> Said<'a> {
    fn of(locked: &'a Locked) -> Self {
        let Locked { version, sha256, content, size, key, dependencies, .. } = locked;
        Self { version, sha256, content, size: *size, key, dependencies }
    }

    fn by(line: &'a VersionLine) -> Self {
        let VersionLine { version, sha256, content, size, key, interface, .. } = line;
        Self { version, sha256, content, size: *size, key, dependencies: &interface.dependencies }
    }
}

/// The key in the lock of the first thing that differs.
fn differs(locked: &Locked, said: &Said<'_>) -> Option<&'static str> {
    let same = [
        ("version", locked.version == *said.version),
        ("sha256", locked.sha256 == *said.sha256),
        ("content", locked.content == *said.content),
        ("size", locked.size == said.size),
        ("key", locked.key == *said.key),
        ("dependencies", locked.dependencies == *said.dependencies),
    ];
    same.into_iter().find(|(_, is_same)| !is_same).map(|(field, _)| field)
}

/// Compares all that a lock says of a package with its record, and gives the line of the index.
///
/// # Errors
/// When the record has no such version, says something else, or the version must not run here.
pub fn check_package<'a>(
    name: &PluginName,
    locked: &Locked,
    record: Option<&'a Record>,
    platform: Platform<'_>,
) -> Result<&'a VersionLine, RestoreError> {
    let package = || Package::new(name, locked);
    let found = record.and_then(|record| Some((record, record.version(&locked.version)?)));
    let Some((record, release)) = found else {
        // What is compiled in has every version that its release knew.
        let is_newer = locked.registry.is_bundled() || record.is_some_and(Record::has_newer_versions);
        let error = if is_newer { RestoreError::NeedsNewer } else { RestoreError::Missing };
        return Err(error(package()));
    };
    // Said first: no other reason could tempt a user to work around it.
    if release.revoked {
        return Err(RestoreError::Revoked(package()));
    }
    let line = release.line;
    let field = differs(locked, &Said::by(line));
    let is_owner = record.owners_from(&locked.version).iter().any(|owner| owner.digest == locked.owner);
    if let Some(field) = field.or((!is_owner).then_some("owner")) {
        return Err(RestoreError::Differs { package: package(), field });
    }
    check_decided(name, locked, &line.interface.permissions)?;
    check_platform(name, locked, line, platform)?;
    Ok(line)
}

/// Refuses a package of which a lock leaves a permission open, or decides on one that it does not ask for.
///
/// # Errors
/// When what is granted and what is denied are not together what is `asked`.
pub fn check_decided(name: &PluginName, locked: &Locked, asked: &Permissions) -> Result<(), RestoreError> {
    let decided = locked.granted.union(&locked.denied);
    let permissions = asked.missing(&decided);
    if !permissions.is_empty() {
        return Err(RestoreError::NotAsked { package: Package::new(name, locked), permissions });
    }
    let permissions = decided.missing(asked);
    if !permissions.is_empty() {
        return Err(RestoreError::Undecided { package: Package::new(name, locked), permissions });
    }
    Ok(())
}

fn check_platform(
    name: &PluginName,
    locked: &Locked,
    line: &VersionLine,
    platform: Platform<'_>,
) -> Result<(), RestoreError> {
    let package = || Package::new(name, locked);
    let Platform { api, host } = platform;
    let needs = &line.interface.api;
    if !needs.matches(api) {
        return Err(RestoreError::Api { package: package(), needs: needs.clone(), has: api.clone() });
    }
    match &line.interface.host {
        Some(needs) if !needs.matches(host) => {
            Err(RestoreError::Host { package: package(), needs: needs.clone(), has: host.clone() })
        }
        _ => Ok(()),
    }
}

/// What plugins of `next` may do that they may not do now. A plugin that comes from another registry is another plugin:
/// nothing was granted to it.
#[must_use]
pub fn new_grants(live: Option<&Lock>, next: &Lock) -> BTreeMap<PluginName, Permissions> {
    let before = |name: &PluginName, locked: &Locked| {
        let before = live?.plugins.get(name).filter(|before| before.registry == locked.registry)?;
        Some(before.granted.clone())
    };
    let new = |name, locked: &Locked| before(name, locked).unwrap_or_default().missing(&locked.granted);
    let all = next.plugins.iter().map(|(name, locked)| (name.clone(), new(name, locked)));
    all.filter(|(_, new)| !new.is_empty()).collect()
}

#[cfg(test)]
mod tests;
