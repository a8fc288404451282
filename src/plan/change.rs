//! How two sets differ, plugin by plugin, and the line that is shown of each difference.

use std::{collections::BTreeSet, fmt, iter};

use leah_plugin::{
    lock::{Lock, Locked, Request},
    manifest::Permissions,
    name::{Origin, PluginName},
    terminal::escaped,
};
use semver::Version;

use crate::settings::Now;

/// One difference between two sets.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A plugin comes.
    Install {
        /// The plugin.
        name: PluginName,
        /// Its version.
        version: Version,
        /// Where it comes from.
        registry: Origin,
    },
    /// A plugin changes its version, its registry, or both.
    Update {
        /// The plugin.
        name: PluginName,
        /// Version and registry so far.
        from: (Version, Origin),
        /// Version and registry from now on.
        to: (Version, Origin),
    },
    /// A plugin goes.
    Remove {
        /// The plugin.
        name: PluginName,
        /// The version that was there.
        version: Version,
    },
    /// A plugin is switched on.
    Enable(PluginName),
    /// A plugin is switched off.
    Disable(PluginName),
    /// The publisher of a plugin changed, by a chain of signatures.
    Publisher(PluginName),
    /// A plugin stays at its version and registry from now on.
    Hold(PluginName),
    /// A plugin may move again.
    Unhold(PluginName),
    /// What a plugin may do changes.
    Permissions {
        /// The plugin.
        name: PluginName,
        /// What it may do from now on.
        granted: Permissions,
        /// What it asked for and may not do.
        denied: Permissions,
    },
    /// The range or registry that was asked for changes, and nothing else.
    Request {
        /// The plugin.
        name: PluginName,
        /// What is asked for now; `None` when only other plugins need it any more.
        request: Option<Request>,
    },
    /// A setting of a plugin has another value.
    Setting {
        /// The plugin.
        name: PluginName,
        /// The key of the setting.
        key: String,
        /// How it stands from now on.
        now: Now,
    },
    /// The settings of a plugin are not those of the plugin of that name by another publisher.
    SettingsLeft(PluginName),
}

/// What happens to each plugin on the way from one set to another, sorted by name.
#[must_use]
pub fn difference(before: Option<&Lock>, after: &Lock) -> Vec<Change> {
    let old = |name: &PluginName| before.and_then(|lock| lock.plugins.get(name));
    let mut all: BTreeSet<&PluginName> = after.plugins.keys().collect();
    all.extend(before.iter().flat_map(|lock| lock.plugins.keys()));
    let mut changes = Vec::new();
    for name in all {
        match (old(name), after.plugins.get(name)) {
            (None, Some(new)) => changes.push(Change::Install {
                name: name.clone(),
                version: new.version.clone(),
                registry: new.registry.clone(),
            }),
            (Some(old), None) => {
                changes.push(Change::Remove { name: name.clone(), version: old.version.clone() });
            }
            (Some(old), Some(new)) => changes.extend(differences_of(name, old, new)),
            (None, None) => {}
        }
        let request = |lock: &Lock| lock.requested.get(name).cloned();
        let moved = changes.last().is_some_and(|change| change.name() == name);
        if !moved && before.is_some_and(|lock| request(lock) != request(after)) {
            changes.push(Change::Request { name: name.clone(), request: request(after) });
        }
    }
    changes
}

/// The same, and for each plugin that comes what it may do, as whoever reads over a lock wants to know.
#[must_use]
pub fn difference_with_grants(before: Option<&Lock>, after: &Lock) -> Vec<Change> {
    let grants = |change: &Change| {
        let Change::Install { name, .. } = change else { return None };
        let Locked { granted, denied, .. } = after.plugins.get(name)?;
        let is_any = granted.iter().chain(denied.iter()).next().is_some();
        let (name, granted, denied) = (name.clone(), granted.clone(), denied.clone());
        is_any.then_some(Change::Permissions { name, granted, denied })
    };
    let with_grants = |change: Change| {
        let grants = grants(&change);
        iter::once(change).chain(grants)
    };
    difference(before, after).into_iter().flat_map(with_grants).collect()
}

fn differences_of(name: &PluginName, old: &Locked, new: &Locked) -> Vec<Change> {
    let mut changes = Vec::new();
    if (&old.version, &old.registry, old.content) != (&new.version, &new.registry, new.content) {
        let place = |locked: &Locked| (locked.version.clone(), locked.registry.clone());
        changes.push(Change::Update { name: name.clone(), from: place(old), to: place(new) });
    }
    if old.registry == new.registry && old.owner != new.owner {
        changes.push(Change::Publisher(name.clone()));
    }
    if old.enabled != new.enabled {
        changes.push(if new.enabled { Change::Enable(name.clone()) } else { Change::Disable(name.clone()) });
    }
    if old.held != new.held {
        changes.push(if new.held { Change::Hold(name.clone()) } else { Change::Unhold(name.clone()) });
    }
    if (&old.granted, &old.denied) != (&new.granted, &new.denied) {
        changes.push(Change::Permissions {
            name: name.clone(),
            granted: new.granted.clone(),
            denied: new.denied.clone(),
        });
    }
    changes
}

impl Change {
    /// The plugin it concerns.
    #[must_use]
    pub fn name(&self) -> &PluginName {
        match self {
            Self::Install { name, .. }
            | Self::Update { name, .. }
            | Self::Remove { name, .. }
            | Self::Permissions { name, .. }
            | Self::Request { name, .. }
            | Self::Setting { name, .. }
            | Self::SettingsLeft(name)
            | Self::Publisher(name)
            | Self::Enable(name)
            | Self::Disable(name)
            | Self::Hold(name)
            | Self::Unhold(name) => name,
        }
    }

    /// One word for it, as it stands in `--json`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Install { .. } => "install",
            Self::Update { .. } => "update",
            Self::Remove { .. } => "remove",
            Self::Enable(_) => "enable",
            Self::Disable(_) => "disable",
            Self::Publisher(_) => "publisher",
            Self::Hold(_) => "hold",
            Self::Unhold(_) => "unhold",
            Self::Permissions { .. } => "permissions",
            Self::Request { .. } => "request",
            Self::Setting { .. } => "setting",
            Self::SettingsLeft(_) => "settings-left",
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Install { name, version, registry } => write!(f, "+ {name} {version} ({registry})"),
            Self::Update { name, from, to } if from.1 == to.1 => write!(f, "~ {name} {} -> {}", from.0, to.0),
            Self::Update { name, from, to } => {
                write!(f, "~ {name} {} ({}) -> {} ({})", from.0, from.1, to.0, to.1)
            }
            Self::Remove { name, version } => write!(f, "- {name} {version}"),
            Self::Enable(name) => write!(f, "~ {name} enabled"),
            Self::Disable(name) => write!(f, "~ {name} disabled"),
            Self::Publisher(name) => write!(f, "~ {name} publisher changed"),
            Self::Hold(name) => write!(f, "~ {name} held"),
            Self::Unhold(name) => write!(f, "~ {name} no longer held"),
            Self::Permissions { name, granted, denied } => {
                let kinds = |set: &Permissions| {
                    set.iter().map(|(kind, _)| kind.as_str()).collect::<Vec<_>>().join(", ")
                };
                write!(
                    f,
                    "~ {name} granted: {}; denied: {}",
                    or_none(&kinds(granted)),
                    or_none(&kinds(denied))
                )
            }
            Self::Request { name, request: Some(Request { range, registry }) } => {
                write!(f, "~ {name} asked for as {range} from {registry}")
            }
            Self::Request { name, request: None } => write!(f, "~ {name} kept for others that need it"),
            Self::Setting { name, key, now } => write!(f, "~ {name} {}: {now}", escaped(key)),
            Self::SettingsLeft(name) => {
                write!(f, "~ {name} starts without its settings, which another publisher is not given")
            }
        }
    }
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "none" } else { text }
}
