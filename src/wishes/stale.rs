//! Whether a lock is what a wish list asks for. No registry is asked: what is said here follows from the two files.

use std::{collections::BTreeSet, fmt};

use leah_plugin::{
    lock::{Lock, Locked},
    manifest::{PermissionKind, Permissions},
    name::{Origin, PluginName},
};
use semver::{Version, VersionReq};

use super::{Wish, Wishes};
use crate::consent;

/// Something in which a lock is not what a wish list asks for; each is a sentence without a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stale {
    /// The lock was made for another version of the host.
    Host {
        /// The version that is asked for.
        wanted: Version,
        /// The version in the lock.
        locked: Version,
    },
    /// A plugin is asked for that the lock was not made for.
    New {
        /// The plugin.
        name: PluginName,
    },
    /// A plugin was asked for when the lock was made and is no longer.
    Gone {
        /// The plugin.
        name: PluginName,
    },
    /// Other versions are welcome than when the lock was made.
    Range {
        /// The plugin.
        name: PluginName,
        /// The versions that are welcome now.
        wanted: VersionReq,
        /// The versions that were.
        locked: VersionReq,
    },
    /// It is asked for from another registry.
    Registry {
        /// The plugin.
        name: PluginName,
        /// The registry that is asked for.
        wanted: Origin,
        /// The registry in the lock.
        locked: Origin,
    },
    /// The lock names a version that it was not made for.
    Version {
        /// The plugin.
        name: PluginName,
        /// The version in the lock.
        version: Version,
        /// The versions that are welcome.
        range: VersionReq,
    },
    /// A plugin is in the lock without anybody who needs it.
    Unneeded {
        /// The plugin.
        name: PluginName,
    },
    /// The lock grants what the list denies.
    Granted {
        /// The plugin.
        name: PluginName,
        /// The permission.
        permission: PermissionKind,
    },
    /// The lock denies what the list grants.
    Denied {
        /// The plugin.
        name: PluginName,
        /// The permission.
        permission: PermissionKind,
    },
    /// The list says what the plugin may do, and nothing of these permissions that it asks for.
    Undecided {
        /// The plugin.
        name: PluginName,
        /// The permissions.
        open: Permissions,
    },
}

impl Stale {
    /// The plugin it is about, if it is about one.
    #[must_use]
    pub fn name(&self) -> Option<&PluginName> {
        match self {
            Self::Host { .. } => None,
            Self::New { name }
            | Self::Gone { name }
            | Self::Range { name, .. }
            | Self::Registry { name, .. }
            | Self::Version { name, .. }
            | Self::Unneeded { name }
            | Self::Granted { name, .. }
            | Self::Denied { name, .. }
            | Self::Undecided { name, .. } => Some(name),
        }
    }

    /// One word for it, as it stands in `--json`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Host { .. } => "host",
            Self::New { .. } => "new",
            Self::Gone { .. } => "gone",
            Self::Range { .. } => "range",
            Self::Registry { .. } => "registry",
            Self::Version { .. } => "version",
            Self::Unneeded { .. } => "unneeded",
            Self::Granted { .. } => "granted",
            Self::Denied { .. } => "denied",
            Self::Undecided { .. } => "undecided",
        }
    }
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host { wanted, locked } => {
                write!(f, "the plugins are to fit host {wanted}, the lock was made for {locked}")
            }
            Self::New { name } => write!(f, "`{name}` is asked for, and the lock was made without it"),
            Self::Gone { name } => write!(f, "`{name}` is no longer asked for"),
            Self::Range { name, wanted, locked } => {
                write!(f, "`{name}` is asked for as {wanted}, the lock was made for {locked}")
            }
            Self::Registry { name, wanted, locked } => {
                write!(f, "`{name}` is asked for from registry `{wanted}`, the lock has it from `{locked}`")
            }
            Self::Version { name, version, range } => {
                write!(f, "the lock has `{name}` {version}, which is not in the range {range}")
            }
            Self::Unneeded { name } => write!(f, "`{name}` is in the lock, and nothing asks for it"),
            Self::Granted { name, permission } => {
                write!(f, "`{name}` is granted `{permission}`, which the wish list denies")
            }
            Self::Denied { name, permission } => {
                write!(f, "`{name}` is denied `{permission}`, which the wish list grants")
            }
            Self::Undecided { name, open } => {
                let kinds: Vec<String> = open.iter().map(|(kind, _)| format!("`{kind}`")).collect();
                write!(f, "`{name}` asks for {}, of which the wish list says nothing", kinds.join(", "))
            }
        }
    }
}

/// What of `lock` is not as `wishes` ask for it, by name; nothing where the lock is what they ask for. `host` is the
/// version that the plugins must fit, where one is asked for.
#[must_use]
pub fn stale(wishes: &Wishes, lock: &Lock, host: Option<&Version>) -> Vec<Stale> {
    let locked_for = &lock.resolved_for.host;
    let host = host.filter(|host| *host != locked_for);
    let mut stale: Vec<Stale> = host
        .map(|wanted| Stale::Host { wanted: wanted.clone(), locked: locked_for.clone() })
        .into_iter()
        .collect();
    let mut names: BTreeSet<&PluginName> = wishes.plugins.keys().collect();
    names.extend(lock.plugins.keys());
    let needed = lock.with_dependencies(lock.requested.keys());
    for name in names {
        let requested = lock.requested.contains_key(name);
        match (wishes.plugins.get(name), lock.plugins.get(name)) {
            (Some(wish), Some(locked)) if requested => of_wish(name, wish, lock, locked, &mut stale),
            (Some(_), _) => stale.push(Stale::New { name: name.clone() }),
            (None, _) if requested => stale.push(Stale::Gone { name: name.clone() }),
            (None, _) if !needed.contains(name) => stale.push(Stale::Unneeded { name: name.clone() }),
            (None, _) => {}
        }
    }
    stale
}

fn of_wish(name: &PluginName, wish: &Wish, lock: &Lock, locked: &Locked, stale: &mut Vec<Stale>) {
    let name = || name.clone();
    let range = || wish.range.clone();
    if let Some(request) = lock.requested.get(&name()) {
        if request.range != wish.range {
            stale.push(Stale::Range { name: name(), wanted: range(), locked: request.range.clone() });
        } else if !wish.range.matches(&locked.version) {
            stale.push(Stale::Version { name: name(), version: locked.version.clone(), range: range() });
        }
        let wanted = wish.registry.as_ref().unwrap_or(&request.registry);
        let other = [&request.registry, &locked.registry].into_iter().find(|registry| *registry != wanted);
        stale.extend(other.map(|other| Stale::Registry {
            name: name(),
            wanted: wanted.clone(),
            locked: other.clone(),
        }));
    }
    if wish.decides() {
        of_permissions(&name(), wish, locked, stale);
    }
}

fn of_permissions(name: &PluginName, wish: &Wish, locked: &Locked, stale: &mut Vec<Stale>) {
    // Every permission of a package is decided one way or the other before it is locked.
    let asked = locked.granted.union(&locked.denied);
    let decision = consent::decide(name, &asked, None, &wish.choices());
    let kinds = |permissions: &Permissions| permissions.iter().map(|(kind, _)| kind).collect::<Vec<_>>();
    let denied = kinds(&decision.denied).into_iter().filter(|kind| locked.granted.contains(*kind));
    stale.extend(denied.map(|permission| Stale::Granted { name: name.clone(), permission }));
    let granted = kinds(&decision.granted).into_iter().filter(|kind| locked.denied.contains(*kind));
    stale.extend(granted.map(|permission| Stale::Denied { name: name.clone(), permission }));
    if !decision.open.is_empty() {
        stale.push(Stale::Undecided { name: name.clone(), open: decision.open });
    }
}
