//! Whether a lock agrees with itself: what refers to something must find it, and nothing may stand in it
//! that does not belong into a shared file. Whether it is the right lock is not asked here.

use semver::{Version, VersionReq};

use super::{LOCK_REVISION, Lock, Locked};
use crate::{
    manifest::PermissionKind,
    name::{Origin, PluginName},
    version::{VersionError, parse_version},
    yaml::YamlError,
};

/// Longest address of a registry in bytes.
const MAX_URL_BYTES: usize = 2_048;

/// Why a text is not a lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Not YAML, or not of the right shape.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// Written by a later release.
    #[error("the lock is of format {0}, which needs a newer leahpm")]
    Format(u64),
    /// Of a revision that has more in it than could be written again.
    #[error("the lock is of revision {0}, and this leahpm writes none above {LOCK_REVISION}")]
    Revision(u64),
    /// A version that is too long to be the name of a folder.
    #[error("the lock holds a version of `{name}` that cannot be used")]
    Version {
        /// The plugin.
        name: PluginName,
        /// What is wrong with its version.
        source: VersionError,
    },
    /// A wish without a plugin.
    #[error("`{name}` is requested, but the lock has no version of it")]
    Unlocked {
        /// The plugin.
        name: PluginName,
    },
    /// A plugin from a registry that is not listed.
    #[error("`{name}` comes from the registry `{registry}`, which the lock does not list")]
    Registry {
        /// The plugin.
        name: PluginName,
        /// Its registry.
        registry: Origin,
    },
    /// A dependency that is not in the set.
    #[error("`{name}` needs `{dependency}`, which is not in the lock")]
    Dependency {
        /// The plugin.
        name: PluginName,
        /// What it needs.
        dependency: PluginName,
    },
    /// A dependency of a version that does not do.
    #[error("`{name}` needs `{dependency}` {range}, but the lock has {version}")]
    Unsatisfied {
        /// The plugin.
        name: PluginName,
        /// What it needs.
        dependency: PluginName,
        /// The versions that would do.
        range: VersionReq,
        /// The version in the lock.
        version: Version,
    },
    /// One permission both ways.
    #[error("`{permission}` is both granted to `{name}` and denied to it")]
    GrantedAndDenied {
        /// The plugin.
        name: PluginName,
        /// The permission.
        permission: PermissionKind,
    },
    /// An address that does not belong into a file that is shared.
    #[error(
        "the address of the registry `{registry}` must begin with http:// or https:// and hold no credentials"
    )]
    Url {
        /// The registry.
        registry: Origin,
    },
}

impl Lock {
    /// Checks that the lock does not contradict itself.
    ///
    /// # Errors
    /// The first contradiction, by the names of the plugins.
    pub fn check(&self) -> Result<(), LockError> {
        if let Some(name) = self.requested.keys().find(|name| !self.plugins.contains_key(*name)) {
            return Err(LockError::Unlocked { name: name.clone() });
        }
        for (registry, locked) in &self.registries {
            if locked.url.as_deref().is_some_and(|url| !is_shareable(url)) {
                return Err(LockError::Url { registry: registry.clone() });
            }
        }
        self.plugins.iter().try_for_each(|(name, locked)| self.check_plugin(name, locked))
    }

    fn check_plugin(&self, name: &PluginName, locked: &Locked) -> Result<(), LockError> {
        // The version becomes a part of a folder's name.
        parse_version(&locked.version.to_string())
            .map_err(|source| LockError::Version { name: name.clone(), source })?;
        if !self.registries.contains_key(&locked.registry) {
            return Err(LockError::Registry { name: name.clone(), registry: locked.registry.clone() });
        }
        if let Some((permission, _)) = locked.granted.iter().find(|(kind, _)| locked.denied.contains(*kind)) {
            return Err(LockError::GrantedAndDenied { name: name.clone(), permission });
        }
        locked.dependencies.iter().try_for_each(|(needed, range)| self.check_dependency(name, needed, range))
    }

    fn check_dependency(
        &self,
        name: &PluginName,
        dependency: &PluginName,
        range: &VersionReq,
    ) -> Result<(), LockError> {
        let (name, dependency) = (name.clone(), dependency.clone());
        match self.plugins.get(&dependency) {
            None => Err(LockError::Dependency { name, dependency }),
            Some(locked) if satisfies(&locked.version, range) => Ok(()),
            Some(locked) => {
                let (range, version) = (range.clone(), locked.version.clone());
                Err(LockError::Unsatisfied { name, dependency, range, version })
            }
        }
    }
}

/// A pre-release that the user asked for stands in for its release where another plugin needs that:
/// semver alone would never let it match a range that does not name it.
fn satisfies(version: &Version, range: &VersionReq) -> bool {
    let release = Version { pre: semver::Prerelease::EMPTY, ..version.clone() };
    range.matches(version) || range.matches(&release)
}

/// True for what may stand in a file that goes into a repository: no path on this machine, no password.
fn is_shareable(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        // A backslash ends the host for some readers of addresses and not for others.
        !host.is_empty()
            && !host.contains('@')
            && !rest.contains(['?', '#', '\\'])
            && rest.bytes().all(|b| b.is_ascii_graphic())
            && url.len() <= MAX_URL_BYTES
    })
}
