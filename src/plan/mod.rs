//! What a command will do, as plain data: the next lock and how it differs from the live one. Pure;
//! this is what `--dry-run` prints and what `apply` carries out.

mod around;
mod change;
mod next;

use std::collections::{BTreeMap, BTreeSet};

use leah_plugin::{
    lock::{Lock, Locked},
    manifest::ToolName,
    name::{Origin, PluginName},
    settings::Settings,
};
use semver::Version;

pub use self::{
    around::{Around, RegistryChange},
    change::{Change, difference, difference_with_grants},
    next::{Chosen, is_same, next_lock},
};
use crate::settings::{Now, Order};

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
    /// What the user said of settings and what is not worked out yet, by plugin.
    pub orders: BTreeMap<PluginName, Vec<Order>>,
    /// The settings that change, as they will be, by plugin.
    pub settings: BTreeMap<PluginName, Settings>,
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
    /// It is held, and the command would move it.
    #[error("`{name}` is held at {version}")]
    Held {
        /// The plugin.
        name: PluginName,
        /// The version at which it stays.
        version: Version,
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
        Some(Self::whole(live, next, verb, names, BTreeMap::new()))
    }

    /// The same with orders about settings; whether those change anything is not known yet.
    #[must_use]
    pub fn ordering(
        live: Option<(u64, &Lock)>,
        next: Lock,
        verb: &'static str,
        names: Vec<PluginName>,
        orders: BTreeMap<PluginName, Vec<Order>>,
    ) -> Option<Self> {
        if orders.is_empty() {
            return Self::between(live, next, verb, names);
        }
        Some(Self::whole(live, next, verb, names, orders))
    }

    fn whole(
        live: Option<(u64, &Lock)>,
        lock: Lock,
        verb: &'static str,
        names: Vec<PluginName>,
        orders: BTreeMap<PluginName, Vec<Order>>,
    ) -> Self {
        let changes = difference(live.map(|(_, lock)| lock), &lock);
        let parent = live.map(|(number, _)| number);
        Self { parent, verb, names, lock, changes, orders, settings: BTreeMap::new() }
    }

    /// True when the set and its settings would be what they are; `live` is what the plan started from.
    #[must_use]
    pub fn changes_nothing(&self, live: Option<&Lock>) -> bool {
        self.orders.is_empty() && self.settings.is_empty() && live == Some(&self.lock)
    }

    /// Adds what changes of a plugin's settings, behind what else changes of the plugin.
    pub fn add_settings(&mut self, name: &PluginName, changed: Vec<(String, Now)>) {
        let change = |(key, now)| Change::Setting { name: name.clone(), key, now };
        self.changes.extend(changed.into_iter().map(change));
        self.changes.sort_by(|a, b| a.name().cmp(b.name()));
    }
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
            let by = next.dependents(name, |_| true).into_iter().cloned().collect();
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
    let next = with_each(lock, names, |locked| locked.enabled = false)?;
    for name in names {
        let by: Vec<_> = next.dependents(name, |locked| locked.enabled).into_iter().cloned().collect();
        if !by.is_empty() {
            return Err(PlanError::Needed { name: name.clone(), by, verb: "disable" });
        }
    }
    Ok(next)
}

/// The set in which `names` stay at their versions and registries.
///
/// # Errors
/// When one of them is not installed.
pub fn held(lock: &Lock, names: &[PluginName]) -> Result<Lock, PlanError> {
    with_each(lock, names, |locked| locked.held = true)
}

/// The set in which `names` may move again.
///
/// # Errors
/// When one of them is not installed.
pub fn unheld(lock: &Lock, names: &[PluginName]) -> Result<Lock, PlanError> {
    with_each(lock, names, |locked| locked.held = false)
}

/// The plugins that are held.
pub fn held_of(lock: &Lock) -> impl Iterator<Item = &PluginName> {
    lock.plugins.iter().filter(|(_, locked)| locked.held).map(|(name, _)| name)
}

/// Refuses a command that would move a plugin which is held.
///
/// # Errors
/// When `moves` is true of a held plugin of `names`.
pub fn check_held<'a>(
    lock: &Lock,
    names: impl IntoIterator<Item = &'a PluginName>,
    moves: impl Fn(&PluginName, &Locked) -> bool,
) -> Result<(), PlanError> {
    for name in names {
        if let Some(locked) = lock.plugins.get(name).filter(|locked| locked.held && moves(name, locked)) {
            return Err(PlanError::Held { name: name.clone(), version: locked.version.clone() });
        }
    }
    Ok(())
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

fn with_each(lock: &Lock, names: &[PluginName], change: impl Fn(&mut Locked)) -> Result<Lock, PlanError> {
    let mut next = lock.clone();
    for name in names {
        change(next.plugins.get_mut(name).ok_or_else(|| PlanError::NotInstalled(name.clone()))?);
    }
    Ok(next)
}

/// Leaves what is requested and what that needs, and the registries they come from.
fn prune(lock: &mut Lock) {
    let kept: BTreeSet<PluginName> =
        lock.with_dependencies(lock.requested.keys()).into_iter().cloned().collect();
    lock.plugins.retain(|name, _| kept.contains(name));
    let used: BTreeSet<&Origin> = lock.plugins.values().map(|locked| &locked.registry).collect();
    let used: BTreeSet<Origin> = used.into_iter().cloned().collect();
    lock.registries.retain(|origin, _| used.contains(origin));
}
