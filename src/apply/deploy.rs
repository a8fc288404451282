//! Making a set live: fetch what is missing, write the generation, one sync, one rename.

use leah_plugin::{
    generation::GenerationRecord,
    layout::{EntryName, Layout},
    lock::{Lock, Locked},
    name::PluginName,
};

use super::{Apply, ApplyError, Event, remember};
use crate::{
    fetch::{self, Need, Progress},
    generation::{self, Live},
    plan::{self, Change, Plan},
    registry::Session,
    requirements::PluginId,
    store::{HomeLock, Store, Trust},
};

/// How a change ended.
#[derive(Debug)]
pub enum Outcome {
    /// All is as it was asked for.
    Unchanged,
    /// A dry run: this would have been done.
    Planned(Plan),
    /// The plan was carried out.
    Live {
        /// The generation that is live now.
        number: u64,
        /// What was done.
        plan: Plan,
    },
}

/// A finished rollback.
#[derive(Debug)]
pub struct Rolled {
    /// Generation that was live.
    pub from: u64,
    /// Generation that is live now.
    pub to: u64,
    /// What that changed.
    pub changes: Vec<Change>,
}

/// Asks `make_plan` what to do about the live set and does it. The plan is made again when another process
/// made a generation live in the meantime.
///
/// # Errors
/// Those of `make_plan`, and whatever keeps the plan from being carried out; the live set is then the one
/// that it was.
pub fn deploy<E: From<ApplyError>>(
    apply: &Apply<'_>,
    session: &Session,
    mut make_plan: impl FnMut(Option<&Live>) -> Result<Option<Plan>, E>,
) -> Result<Outcome, E> {
    loop {
        let live = Live::read(apply.layout).map_err(ApplyError::from)?;
        let Some(plan) = make_plan(live.as_ref())? else {
            remember::registries_seen(apply, session, None)?;
            return Ok(Outcome::Unchanged);
        };
        if apply.config.dry_run {
            return Ok(Outcome::Planned(plan));
        }
        if let Some(number) = carry_out(apply, session, live.as_ref(), &plan)? {
            return Ok(Outcome::Live { number, plan });
        }
    }
}

/// The number of the generation that is live now, or `None` when the plan's parent no longer was.
fn carry_out(
    apply: &Apply<'_>,
    session: &Session,
    live: Option<&Live>,
    plan: &Plan,
) -> Result<Option<u64>, ApplyError> {
    let durability = apply.config.durability;
    let store = apply.with_patience(|patience| Store::open(apply.layout, durability, patience))?;
    let needs = missing(&store, session, live, &plan.lock)?;
    fetch_into(apply, &store, &needs)?;
    let home = apply.with_patience(|patience| {
        HomeLock::take(apply.layout, store.lock(), &format!("leahpm {}", apply.command), patience)
    })?;
    let now_live = Live::read(apply.layout)?;
    if now_live.as_ref().map(|live| live.number) != plan.parent {
        return Ok(None);
    }
    let record = GenerationRecord {
        parent: plan.parent,
        created: apply.now,
        verb: plan.verb.parse().expect("the verbs of our commands are verbs"),
        names: plan.names.clone(),
        settings: kept_settings(now_live.as_ref(), &plan.lock),
    };
    // The pins are written first: a plugin must not be live whose publisher is not pinned.
    remember::under_lock(apply, session, Some(&plan.lock), &home)?;
    let number = generation::write(&store, &home, &record, &plan.lock)?;
    apply.see(Event::Written { number });
    generation::switch(&store, &home, number)?;
    apply.see(Event::Live { number });
    Ok(Some(number))
}

fn kept_settings(
    live: Option<&Live>,
    lock: &Lock,
) -> std::collections::BTreeMap<PluginName, leah_plugin::layout::SettingsFile> {
    let settings = live.into_iter().flat_map(|live| &live.record.settings);
    settings
        .filter(|(name, _)| lock.plugins.contains_key(*name))
        .map(|(name, file)| (name.clone(), file.clone()))
        .collect()
}

/// The packages of `lock` that are not in the store. What the live generation uses is there; what it does not
/// use is hashed by the store before it is believed.
fn missing(
    store: &Store<'_>,
    session: &Session,
    live: Option<&Live>,
    lock: &Lock,
) -> Result<Vec<Need>, ApplyError> {
    let in_use = |name: &PluginName, locked: &Locked| {
        let used = live.and_then(|live| live.lock.plugins.get(name));
        used.is_some_and(|used| used.content == locked.content && used.version == locked.version)
    };
    let mut needs = Vec::new();
    for (name, locked) in &lock.plugins {
        let entry = EntryName::new(name.clone(), locked.version.clone(), &locked.content);
        if in_use(name, locked) || store.holds(&entry, &locked.content, Trust::WhatWasLive)? {
            continue;
        }
        needs.push(need(session, name, locked)?);
    }
    Ok(needs)
}

/// What the index says of a locked package; its hash must be the one in the lock.
pub(super) fn need(session: &Session, name: &PluginName, locked: &Locked) -> Result<Need, ApplyError> {
    let id = PluginId { registry: locked.registry.clone(), name: name.clone() };
    let registry = session.registry(&locked.registry)?;
    let line = session.line(&id, &locked.version)?.filter(|line| line.sha256 == locked.sha256);
    let gone = || ApplyError::Gone {
        registry: locked.registry.clone(),
        name: name.clone(),
        version: locked.version.clone(),
    };
    Ok(Need { name: name.clone(), line: line.ok_or_else(gone)?, registry })
}

/// Fetches, verifies and stores, telling the observer.
pub(super) fn fetch_into(apply: &Apply<'_>, store: &Store<'_>, needs: &[Need]) -> Result<(), ApplyError> {
    if needs.is_empty() {
        return Ok(());
    }
    let bytes = needs.iter().map(|need| need.line.size).sum();
    apply.see(Event::Fetching { packages: needs.len(), bytes });
    fetch::fetch_all(needs, store, &|progress| match progress {
        Progress::Verified { name, version, size } => apply.see(Event::Verified { name, version, size }),
        Progress::Stored(entry) => apply.see(Event::Stored { entry }),
    })?;
    Ok(())
}

/// Makes an earlier generation live again: the one asked for, or the parent of the live one.
///
/// # Errors
/// When there is no such generation, or its packages are gone.
pub fn rollback(apply: &Apply<'_>, to: Option<u64>) -> Result<Rolled, ApplyError> {
    if apply.config.dry_run {
        let live = Live::read(apply.layout)?.ok_or(ApplyError::NoParent)?;
        let (number, lock) = target(apply.layout, &live, to)?;
        return Ok(rolled(&live, number, &lock));
    }
    // Whether there is anything to go back to is asked before the store is made.
    Live::read(apply.layout)?.ok_or(ApplyError::NoParent)?;
    let store = apply.with_patience(|patience| Store::open(apply.layout, apply.config.durability, patience))?;
    let home = apply.with_patience(|patience| {
        HomeLock::take(apply.layout, store.lock(), &format!("leahpm {}", apply.command), patience)
    })?;
    let live = Live::read(apply.layout)?.ok_or(ApplyError::NoParent)?;
    let (number, lock) = target(apply.layout, &live, to)?;
    if number != live.number {
        for (name, locked) in &lock.plugins {
            let entry = EntryName::new(name.clone(), locked.version.clone(), &locked.content);
            if !store.holds(&entry, &locked.content, Trust::WhatWasLive)? {
                return Err(ApplyError::MissingEntry { number, entry });
            }
        }
        generation::switch(&store, &home, number)?;
        apply.see(Event::Live { number });
    }
    Ok(rolled(&live, number, &lock))
}

fn rolled(live: &Live, to: u64, lock: &Lock) -> Rolled {
    Rolled { from: live.number, to, changes: plan::difference(Some(&live.lock), lock) }
}

fn target(layout: &Layout, live: &Live, to: Option<u64>) -> Result<(u64, Lock), ApplyError> {
    let number = match to {
        Some(number) => number,
        None => live.record.parent.ok_or(ApplyError::NoParent)?,
    };
    let past = generation::history(layout)?.into_iter().find(|past| past.number == number);
    past.map(|past| (number, past.lock)).ok_or(ApplyError::NoGeneration(number))
}
