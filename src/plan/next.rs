//! From a resolution to the next lock: what was chosen, what the index says of it, and what was decided
//! about its permissions become the lines that will stand in `leah.lock`.

use std::collections::BTreeMap;

use leah_plugin::{
    digest::Digest,
    lock::{LOCK_REVISION, Lock, Locked, LockedRegistry, Request, ResolvedFor},
    name::{Origin, PluginName},
    record::VersionLine,
};

use crate::{consent::Decision, requirements::Requirements};

/// A version that was chosen, with what the index says of it.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// The registry it comes from.
    pub registry: Origin,
    /// Its line of the index.
    pub line: VersionLine,
    /// SHA-256 of the owner line that was in force for it.
    pub owner: Digest,
}

/// True when `locked` is the very package that was chosen.
#[must_use]
pub fn is_same(locked: &Locked, chosen: &Chosen) -> bool {
    (&locked.registry, &locked.version, locked.sha256)
        == (&chosen.registry, &chosen.line.version, chosen.line.sha256)
}

/// The lock that follows. Plugins that stay as they are keep their line, switched off or on; a plugin
/// that something enabled depends on is switched on.
#[must_use]
pub fn next_lock(
    live: Option<&Lock>,
    requirements: &Requirements,
    chosen: &BTreeMap<PluginName, Chosen>,
    decisions: &BTreeMap<PluginName, Decision>,
    registries: &BTreeMap<Origin, LockedRegistry>,
) -> Lock {
    let before = |name: &PluginName| live.and_then(|lock| lock.plugins.get(name));
    let plugins = chosen
        .iter()
        .map(|(name, one)| (name.clone(), locked(one, before(name), decisions.get(name))))
        .collect();
    let requested = requirements
        .wanted
        .iter()
        .map(|(name, wanted)| {
            (name.clone(), Request { range: wanted.range.clone(), registry: wanted.registry.clone() })
        })
        .collect();
    let mut lock = Lock {
        requested,
        plugins,
        registries: registries.clone(),
        resolved_for: ResolvedFor { api: requirements.api.clone(), host: requirements.host.clone() },
        // What a newer leahpm has written stays what this one does not write.
        revision: live.map_or(LOCK_REVISION, |lock| lock.revision),
    };
    let on: Vec<PluginName> =
        lock.plugins.iter().filter(|(_, locked)| locked.enabled).map(|(name, _)| name.clone()).collect();
    if let Ok(enabled) = super::enabled(&lock, &on) {
        lock = enabled;
    }
    lock
}

fn locked(chosen: &Chosen, before: Option<&Locked>, decision: Option<&Decision>) -> Locked {
    let line = &chosen.line;
    let (granted, denied) = match (decision, before) {
        (Some(decision), _) => (decision.granted.clone(), decision.denied.clone()),
        (None, Some(before)) => (before.granted.clone(), before.denied.clone()),
        (None, None) => Default::default(),
    };
    Locked {
        version: line.version.clone(),
        registry: chosen.registry.clone(),
        sha256: line.sha256,
        content: line.content,
        size: line.size,
        key: line.key,
        owner: chosen.owner,
        dependencies: line.interface.dependencies.clone(),
        enabled: before.is_none_or(|before| before.enabled),
        held: before.is_some_and(|before| before.held),
        granted,
        denied,
    }
}
