//! Making a set live: fetch what is missing, write the generation, one sync, one rename.

use std::{cmp::Reverse, collections::BTreeMap};

use leah_plugin::{
    layout::EntryName,
    lock::{Lock, Locked},
    name::PluginName,
};

use super::{
    Apply, ApplyError, Event, remember, settings,
    trial::{About, Switched, Trial},
};
use crate::{
    fetch::{self, Need},
    generation::{Draft, Generation, Writer, gc},
    plan::{self, Change, Plan},
    registry::Session,
    requirements::PluginId,
    settings::Declared,
    store::{Store, Trust},
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
        switched: Switched,
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
    /// What became of it; none where nothing was to be done, and in a dry run.
    pub switched: Option<Switched>,
}

/// Asks `make_plan` what to do about the live set and does it. The plan is made again when another process
/// made a generation live in the meantime, or saw a newer state of a registry.
///
/// # Errors
/// Those of `make_plan`, and whatever keeps the plan from being carried out; the live set is then the one
/// that it was.
pub fn deploy<E: From<ApplyError>>(
    apply: &Apply<'_>,
    session: &Session,
    mut make_plan: impl FnMut(Option<&Generation>) -> Result<Option<Plan>, E>,
) -> Result<Outcome, E> {
    loop {
        let live = Generation::live(apply.layout).map_err(ApplyError::from)?;
        let plan = make_plan(live.as_ref())?.map(|plan| settings::planned(apply, live.as_ref(), plan));
        let plan = plan.transpose()?;
        let Some(mut plan) = plan.filter(|plan| !plan.changes_nothing(live.as_ref().map(Generation::lock)))
        else {
            remember::remember_seen(apply, session)?;
            return Ok(Outcome::Unchanged);
        };
        if apply.config.dry_run {
            settings::leave_open(&mut plan);
            return Ok(Outcome::Planned(plan));
        }
        if let Some(switched) = carry_out(apply, session, live.as_ref(), &mut plan)? {
            return Ok(Outcome::Live { switched, plan });
        }
    }
}

/// The generation that is live now, or `None` when the plan's parent no longer was, or what it was made from is
/// outdated.
fn carry_out(
    apply: &Apply<'_>,
    session: &Session,
    live: Option<&Generation>,
    plan: &mut Plan,
) -> Result<Option<Switched>, ApplyError> {
    let durability = apply.config.durability;
    let store = apply.with_patience(|patience| Store::open(apply.layout, durability, patience))?;
    let mut needs = missing(&store, session, live, &plan.lock)?;
    // The largest first: at the end no thread has much to do while the others have nothing.
    needs.sort_by_key(|need| Reverse(need.line.size));
    let switched = fetch_into(apply, &store, &needs, Trust::WhatWasLive).and_then(|declared| {
        settings::settle(apply, live, plan, |_, _| true)?;
        switch(apply, session, &store, (live, plan), &declared)
    });
    if switched.is_err() {
        // Nothing of a change that is refused stays behind. That error is the one to report; what cannot be
        // removed now, `gc` removes.
        drop(store);
        let brought: Vec<EntryName> = needs.iter().map(Need::entry).collect();
        let _ = gc::discard(apply.layout, &brought);
    }
    switched
}

/// Writes the generation that was planned and makes it live.
fn switch(
    apply: &Apply<'_>,
    session: &Session,
    store: &Store<'_>,
    (live, plan): (Option<&Generation>, &Plan),
    declared: &BTreeMap<PluginName, Declared>,
) -> Result<Option<Switched>, ApplyError> {
    let writer = apply.with_patience(|patience| Writer::begin(store, &apply.purpose(), patience))?;
    // Who makes one run wait while another learns of a revocation must not have the first one go back behind that.
    if session.close_outdated()? || writer.live()? != plan.parent {
        return Ok(None);
    }
    let (settings, added) = settings::write(&writer, live, plan)?;
    let draft = Draft {
        lock: plan.lock.clone(),
        verb: plan.verb.parse()?,
        names: plan.names.clone(),
        created: apply.now,
        settings,
        added,
    };
    let generation = writer.write(&draft)?;
    apply.see(Event::Written { number: generation.number() });
    let trial = Trial::begin(apply, generation.number())?;
    // The pins are written before: a plugin must not be live whose publisher is not pinned. And not before the host
    // was asked, since a set that it refuses changes nothing.
    remember::under_lock(apply, session, Some(&plan.lock), writer.home())?;
    let names = plan.changes.iter().map(Change::name).collect();
    let about = About { lock: &draft.lock, settings: &draft.settings, names, declared };
    trial.switch(generation, &about).map(Some)
}

/// The packages of `lock` that are not in the store. What was live once is taken as it was checked then
/// (`verify` looks for damage since); anything else in the store is hashed before it is believed.
fn missing(
    store: &Store<'_>,
    session: &Session,
    live: Option<&Generation>,
    lock: &Lock,
) -> Result<Vec<Need>, ApplyError> {
    let mut needs = Vec::new();
    for (name, locked) in &lock.plugins {
        if in_use(live, name, locked)
            || store.holds(&locked.entry(name), &locked.content, Trust::WhatWasLive)?
        {
            continue;
        }
        needs.push(need(session, name, locked)?);
    }
    Ok(needs)
}

/// True when the very package is part of the live set.
pub(super) fn in_use(live: Option<&Generation>, name: &PluginName, locked: &Locked) -> bool {
    let used = live.and_then(|live| live.lock().plugins.get(name));
    used.is_some_and(|used| used.content == locked.content && used.version == locked.version)
}

/// What the index says of a locked package; its hash must be the one in the lock, and its key not be revoked.
pub(super) fn need(session: &Session, name: &PluginName, locked: &Locked) -> Result<Need, ApplyError> {
    let id = PluginId { registry: locked.registry.clone(), name: name.clone() };
    let owned = || (locked.registry.clone(), name.clone(), locked.version.clone());
    let record = session.record(&id)?;
    let release = record.as_ref().and_then(|record| record.version(&locked.version));
    let release = release.filter(|release| release.line.sha256 == locked.sha256).ok_or_else(|| {
        let (registry, name, version) = owned();
        ApplyError::Gone { registry, name, version }
    })?;
    if release.revoked {
        let (registry, name, version) = owned();
        return Err(ApplyError::Revoked { registry, name, version });
    }
    Ok(Need { name: name.clone(), line: release.line.clone(), registry: session.registry(&locked.registry)? })
}

/// Fetches, verifies and stores, telling the observer.
pub(super) fn fetch_into(
    apply: &Apply<'_>,
    store: &Store<'_>,
    needs: &[Need],
    trust: Trust,
) -> Result<BTreeMap<PluginName, Declared>, ApplyError> {
    if needs.is_empty() {
        return Ok(BTreeMap::new());
    }
    let bytes = needs.iter().fold(0, |sum: u64, need| sum.saturating_add(need.line.size));
    apply.see(Event::Fetching { packages: needs.len(), bytes });
    Ok(fetch::fetch_all(needs, store, trust, &|progress| apply.see_progress(&progress))?)
}

/// Makes an earlier generation live again: the one asked for, or the parent of the live one.
///
/// # Errors
/// When there is no such generation, or its packages are gone.
pub fn rollback(apply: &Apply<'_>, to: Option<u64>) -> Result<Rolled, ApplyError> {
    // Whether there is anything to go back to is asked before anything is made.
    let live = Generation::live(apply.layout)?.ok_or(ApplyError::NoParent)?;
    let number = target(&live, to)?;
    if apply.config.dry_run || number == live.number() {
        return Ok(rolled(apply, &live, &Generation::read(apply.layout, number)?));
    }
    let store =
        apply.with_patience(|patience| Store::open(apply.layout, apply.config.durability, patience))?;
    let writer = apply.with_patience(|patience| Writer::begin(&store, &apply.purpose(), patience))?;
    let live = Generation::live(apply.layout)?.ok_or(ApplyError::NoParent)?;
    let number = target(&live, to)?;
    let wanted = Generation::read(apply.layout, number)?;
    let rolled = rolled(apply, &live, &wanted);
    if number == live.number() {
        return Ok(rolled);
    }
    let names = rolled.changes.iter().map(Change::name).collect();
    let declared = BTreeMap::new();
    let about =
        About { lock: wanted.lock(), settings: &wanted.record().settings, names, declared: &declared };
    let generation = writer.existing(number)?;
    let switched = Trial::begin(apply, number)?.switch(generation, &about)?;
    Ok(Rolled { switched: Some(switched), ..rolled })
}

fn rolled(apply: &Apply<'_>, live: &Generation, wanted: &Generation) -> Rolled {
    let mut changes = plan::difference(Some(live.lock()), wanted.lock());
    changes.extend(settings::difference(apply.layout, live, wanted));
    changes.sort_by(|a, b| a.name().cmp(b.name()));
    Rolled { from: live.number(), to: wanted.number(), changes, switched: None }
}

fn target(live: &Generation, to: Option<u64>) -> Result<u64, ApplyError> {
    to.or(live.record().parent).ok_or(ApplyError::NoParent)
}
