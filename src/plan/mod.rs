//! What a command will do, as plain data: the next lock and how it differs from the live one. Pure;
//! this is what `--dry-run` prints and what `apply` carries out.

mod next;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use leah_plugin::{
    lock::{Lock, Locked, Request},
    manifest::{Permissions, ToolName},
    name::{Origin, PluginName},
};
use semver::Version;

pub use self::next::{Chosen, is_same, next_lock};

/// A change of the live set that has been decided on and not begun.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The generation it starts from; where another one is live by the time it is carried out, it is made again.
    pub parent: Option<u64>,
    /// What was asked for, as history will tell it: `install`, `update`, ….
    pub verb: &'static str,
    /// The plugins that were named.
    pub names: Vec<PluginName>,
    /// The whole set, as it will be.
    pub lock: Lock,
    /// How that differs from the set that is live.
    pub changes: Vec<Change>,
}

/// One difference between two sets.
#[derive(Debug, Clone, PartialEq, Eq)]
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
}

/// Why a set cannot be changed in the way that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// There is no such plugin in the set.
    #[error("`{0}` is not installed")]
    NotInstalled(PluginName),
    /// Two plugins of a set offer tools of one name, and a call would not know whom to ask.
    #[error("`{first}` and `{second}` both offer the tool `{tool}`")]
    SameTool {
        /// The tool.
        tool: ToolName,
        /// One plugin.
        first: PluginName,
        /// The other.
        second: PluginName,
    },
    /// Others could not work without it.
    #[error("`{name}` is needed by {}", names(.by))]
    Needed {
        /// The plugin.
        name: PluginName,
        /// The enabled or remaining plugins that depend on it, directly or through others.
        by: Vec<PluginName>,
        /// The command that was refused.
        verb: &'static str,
    },
}

fn names(list: &[PluginName]) -> String {
    list.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

impl Plan {
    /// The way from the live set (with its number) to `next`; `None` when they are the same.
    #[must_use]
    pub fn between(
        live: Option<(u64, &Lock)>,
        next: Lock,
        verb: &'static str,
        names: Vec<PluginName>,
    ) -> Option<Self> {
        let before = live.map(|(_, lock)| lock);
        if before == Some(&next) || (before.is_none() && next.plugins.is_empty()) {
            return None;
        }
        let changes = difference(before, &next);
        Some(Self { parent: live.map(|(number, _)| number), verb, names, lock: next, changes })
    }
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

fn differences_of(name: &PluginName, old: &Locked, new: &Locked) -> Vec<Change> {
    let mut changes = Vec::new();
    if (&old.version, &old.registry, old.content) != (&new.version, &new.registry, new.content) {
        let place = |locked: &Locked| (locked.version.clone(), locked.registry.clone());
        changes.push(Change::Update { name: name.clone(), from: place(old), to: place(new) });
    }
    if old.enabled != new.enabled {
        changes.push(if new.enabled { Change::Enable(name.clone()) } else { Change::Disable(name.clone()) });
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
            | Self::Enable(name)
            | Self::Disable(name) => name,
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
            Self::Permissions { .. } => "permissions",
            Self::Request { .. } => "request",
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
        }
    }
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "none" } else { text }
}

/// The set without `gone`, and without the dependencies that only they needed.
///
/// # Errors
/// When one of them is not installed, or is needed by a plugin that stays.
pub fn without(lock: &Lock, gone: &[PluginName]) -> Result<Lock, PlanError> {
    let mut next = lock.clone();
    for name in gone {
        if !lock.plugins.contains_key(name) {
            return Err(PlanError::NotInstalled(name.clone()));
        }
        next.requested.remove(name);
    }
    prune(&mut next);
    // Whoever is named and still there is kept alive by another plugin.
    for name in gone {
        if next.plugins.contains_key(name) {
            let by = dependents(&next, name, |_| true);
            return Err(PlanError::Needed { name: name.clone(), by, verb: "uninstall" });
        }
    }
    Ok(next)
}

/// The set with `names` and all that they depend on switched on.
///
/// # Errors
/// When one of them is not installed.
pub fn enabled(lock: &Lock, names: &[PluginName]) -> Result<Lock, PlanError> {
    let mut next = lock.clone();
    let mut open = names.to_vec();
    while let Some(name) = open.pop() {
        let locked = next.plugins.get_mut(&name).ok_or(PlanError::NotInstalled(name))?;
        locked.enabled = true;
        let dependencies: Vec<_> = locked.dependencies.keys().cloned().collect();
        open.extend(dependencies.into_iter().filter(|d| next.plugins.get(d).is_none_or(|l| !l.enabled)));
    }
    Ok(next)
}

/// The set with `names` switched off.
///
/// # Errors
/// When one of them is not installed, or an enabled plugin needs it.
pub fn disabled(lock: &Lock, names: &[PluginName]) -> Result<Lock, PlanError> {
    let mut next = lock.clone();
    for name in names {
        let locked = next.plugins.get_mut(name).ok_or_else(|| PlanError::NotInstalled(name.clone()))?;
        locked.enabled = false;
    }
    for name in names {
        let by = dependents(&next, name, |locked| locked.enabled);
        if !by.is_empty() {
            return Err(PlanError::Needed { name: name.clone(), by, verb: "disable" });
        }
    }
    Ok(next)
}

/// Refuses a set in which two enabled plugins offer a tool of one name. `tools` gives a plugin's tools; of two
/// with one tool the error names that first which was enabled before, in `live`, since it is in the way.
///
/// # Errors
/// When there are two.
pub fn check_tools<'a>(
    lock: &Lock,
    live: Option<&Lock>,
    tools: impl Fn(&PluginName) -> Option<&'a [ToolName]>,
) -> Result<(), PlanError> {
    let mut offered: BTreeMap<&ToolName, &PluginName> = BTreeMap::new();
    for (name, _) in lock.plugins.iter().filter(|(_, locked)| locked.enabled) {
        for tool in tools(name).unwrap_or_default() {
            if let Some(first) = offered.insert(tool, name) {
                let was_on = |name: &PluginName| {
                    live.and_then(|live| live.plugins.get(name)).is_some_and(|locked| locked.enabled)
                };
                let (mut first, mut second) = (first.clone(), name.clone());
                if was_on(&second) && !was_on(&first) {
                    std::mem::swap(&mut first, &mut second);
                }
                return Err(PlanError::SameTool { tool: tool.clone(), first, second });
            }
        }
    }
    Ok(())
}

/// Those that depend on `name`, directly or through others, sorted.
fn dependents(lock: &Lock, name: &PluginName, which: impl Fn(&Locked) -> bool) -> Vec<PluginName> {
    let mut found = BTreeSet::new();
    let mut open = vec![name.clone()];
    while let Some(needed) = open.pop() {
        let needs_it = |locked: &Locked| which(locked) && locked.dependencies.contains_key(&needed);
        for (name, _) in lock.plugins.iter().filter(|(_, locked)| needs_it(locked)) {
            if found.insert(name.clone()) {
                open.push(name.clone());
            }
        }
    }
    found.into_iter().collect()
}

/// Leaves what is requested and what that needs, and the registries they come from.
fn prune(lock: &mut Lock) {
    let mut kept = BTreeSet::new();
    let mut open: Vec<PluginName> = lock.requested.keys().cloned().collect();
    while let Some(name) = open.pop() {
        if let Some(locked) = lock.plugins.get(&name)
            && kept.insert(name)
        {
            open.extend(locked.dependencies.keys().cloned());
        }
    }
    lock.plugins.retain(|name, _| kept.contains(name));
    let used: BTreeSet<&Origin> = lock.plugins.values().map(|locked| &locked.registry).collect();
    let used: BTreeSet<Origin> = used.into_iter().cloned().collect();
    lock.registries.retain(|origin, _| used.contains(origin));
}
