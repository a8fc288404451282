//! A lock with what is installed beside it, for whoever wants to keep that. What a lock names has its way: what does not
//! go with it cannot stay.

use std::collections::{BTreeMap, BTreeSet};

use leah_plugin::{
    lock::{Lock, LockError, Locked},
    name::PluginName,
};

/// Installed plugins that cannot stay beside what a lock names.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot stay beside what the lock names", listed(.names))]
pub struct Misfit {
    /// The plugins, sorted.
    pub names: BTreeSet<PluginName>,
    /// Why the first of them cannot.
    pub source: Reason,
}

/// Why a plugin cannot stay.
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    /// It needs something else than the lock has.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// What it needs is there from another registry, and so is another plugin.
    #[error("`{name}` needs `{dependency}` of its own registry, and the lock has one of another")]
    Stranger {
        /// The plugin.
        name: PluginName,
        /// What it needs.
        dependency: PluginName,
    },
    /// The lock has its registry with another root key.
    #[error("`{0}` comes from a registry to which the lock gives another root key")]
    Root(PluginName),
}

fn listed(names: &BTreeSet<PluginName>) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The set of `lock` and, beside it, the plugins that were asked for here and that it does not name, with what they need.
///
/// # Errors
/// When some of them do not go with what the lock names.
pub fn with_extra(lock: &Lock, live: &Lock) -> Result<Lock, Misfit> {
    let extra = extra(lock, live);
    let mut whole = lock.clone();
    for (name, locked) in &extra {
        whole.plugins.insert((*name).clone(), (*locked).clone());
        if let Some(registry) = live.registries.get(&locked.registry) {
            whole.registries.entry(locked.registry.clone()).or_insert_with(|| registry.clone());
        }
        if let Some(request) = live.requested.get(*name) {
            whole.requested.insert((*name).clone(), request.clone());
        }
    }
    let (mut names, mut first) = (BTreeSet::new(), None);
    // Each round takes a plugin out, so it ends; who needed that one cannot stay either.
    while let Some((name, reason)) = misfit(&whole, live, &extra) {
        whole.plugins.remove(&name);
        whole.requested.remove(&name);
        names.insert(name);
        first.get_or_insert(reason);
    }
    match first {
        Some(source) => Err(Misfit { names, source }),
        None => Ok(whole),
    }
}

type Extra<'a> = BTreeMap<&'a PluginName, &'a Locked>;

/// What was asked for here and is not in the lock, with what that needs.
fn extra<'a>(lock: &Lock, live: &'a Lock) -> Extra<'a> {
    let (mut extra, mut open) = (Extra::new(), live.requested.keys().collect::<Vec<_>>());
    while let Some(name) = open.pop() {
        if let Some((name, locked)) = live.plugins.get_key_value(name)
            && !lock.plugins.contains_key(name)
            && extra.insert(name, locked).is_none()
        {
            open.extend(locked.dependencies.keys());
        }
    }
    extra
}

/// A plugin that does not go with the set that it is in.
fn misfit(whole: &Lock, live: &Lock, extra: &Extra<'_>) -> Option<(PluginName, Reason)> {
    for (name, locked) in extra.iter().filter(|(name, _)| whole.plugins.contains_key(**name)) {
        let root = |lock: &Lock| lock.registries.get(&locked.registry).map(|registry| registry.root_key);
        if root(whole) != root(live) {
            return Some(((*name).clone(), Reason::Root((*name).clone())));
        }
        let is_strange = |needed: &&PluginName| {
            whole.plugins.get(*needed).is_some_and(|found| found.registry != locked.registry)
        };
        if let Some(dependency) = locked.dependencies.keys().find(is_strange) {
            let (name, dependency) = ((*name).clone(), dependency.clone());
            return Some((name.clone(), Reason::Stranger { name, dependency }));
        }
    }
    let error = whole.check().err()?;
    let (LockError::Dependency { name, .. } | LockError::Unsatisfied { name, .. }) = &error else {
        return None;
    };
    Some((name.clone(), error.into()))
}
