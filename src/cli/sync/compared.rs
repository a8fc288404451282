//! A lock compared with what the registries say and with what is installed, before anything is fetched.

use std::collections::{BTreeMap, BTreeSet};

use leah_plugin::{
    lock::{Lock, Locked},
    name::PluginName,
    version::PLUGIN_API,
};

use super::{
    super::{context::Context, failure::Failure, moves, notes, refused},
    Source, SyncArgs, same, unproven,
};
use crate::{
    apply,
    plan::{self, Chosen},
    registry::Session,
    requirements::PluginId,
    restore::{self, Platform},
};

/// Refuses a set that is not what the registries say, or must not take the place of what is installed.
pub(super) fn check(
    ctx: &Context,
    args: &SyncArgs,
    source: &Source,
    session: &Session,
    live: Option<&Lock>,
    next: &Lock,
) -> Result<(), Failure> {
    let refused = |error| refused::lock(error, source.project());
    restore::check_set(next).map_err(refused)?;
    check_held(live, next)?;
    for (name, locked) in &next.plugins {
        if let Some(before) = same(live, name, locked) {
            let asked = before.granted.union(&before.denied);
            restore::check_decided(name, locked, &asked).map_err(refused)?;
        }
    }
    let chosen = chosen(ctx, source, session, live, next)?;
    notes::tell(ctx, session, live, &chosen)?;
    if !args.lock_is_consent() {
        moves::agree(ctx, &chosen, live)?;
    }
    check_tools(ctx, live, next, &chosen)
}

/// What is held stays where it is, whatever a lock says.
fn check_held(live: Option<&Lock>, next: &Lock) -> Result<(), Failure> {
    let Some(live) = live else { return Ok(()) };
    let moves = |name: &PluginName, before: &Locked| {
        let place = |locked: &Locked| (locked.version.clone(), locked.registry.clone());
        next.plugins.get(name).is_none_or(|locked| place(locked) != place(before))
    };
    Ok(plan::check_held(live, live.plugins.keys(), moves)?)
}

/// What the index says of the packages that are not installed.
fn chosen(
    ctx: &Context,
    source: &Source,
    session: &Session,
    live: Option<&Lock>,
    next: &Lock,
) -> Result<BTreeMap<PluginName, Chosen>, Failure> {
    let id = |name: &PluginName, locked: &Locked| PluginId {
        registry: locked.registry.clone(),
        name: name.clone(),
    };
    let ids: BTreeSet<PluginId> = unproven(live, next).map(|(name, locked)| id(name, locked)).collect();
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    session.read_records(&ids)?;
    let host = ctx.host_version()?;
    let platform = Platform { api: &PLUGIN_API, host: &host };
    let mut chosen = BTreeMap::new();
    for (name, locked) in unproven(live, next) {
        let record = session.record(&id(name, locked))?;
        let line = restore::check_package(name, locked, record.as_deref(), platform)
            .map_err(|error| refused::lock(error, source.project()))?
            .clone();
        let (registry, owner) = (locked.registry.clone(), locked.owner);
        chosen.insert(name.clone(), Chosen { registry, line, owner });
    }
    Ok(chosen)
}

fn check_tools(
    ctx: &Context,
    live: Option<&Lock>,
    next: &Lock,
    chosen: &BTreeMap<PluginName, Chosen>,
) -> Result<(), Failure> {
    let mut installed = next.clone();
    installed.plugins.retain(|name, _| !chosen.contains_key(name));
    let installed = apply::tools(&ctx.layout, &installed)?;
    let tools = |name: &PluginName| match chosen.get(name) {
        Some(one) => Some(one.line.interface.tools.as_slice()),
        None => installed.get(name).map(Vec::as_slice),
    };
    plan::check_tools(next, live, tools).map_err(refused::tools)
}
