//! What outlives a run besides the set itself: the registries that were added, and what was seen of each,
//! so that none can go back behind it unnoticed.

use leah_http::Token;
use leah_plugin::{
    digest::Digest,
    lock::{Lock, Locked},
    name::{Origin, PluginName},
    record::Record,
    yaml,
};

use super::{Apply, ApplyError};
use crate::{
    config::Registries,
    credentials::Credentials,
    fs::{self, Access},
    generation::Writer,
    registry::{Session, SessionError},
    store::{Store, lock::HomeLock},
    trust::{Seen, SeenRecord},
};

/// Changes the list of registries. In a dry run changes nothing.
///
/// # Errors
/// When the list cannot be read or written.
pub fn remember_registries(
    apply: &Apply<'_>,
    change: impl FnOnce(&mut Registries),
) -> Result<(), ApplyError> {
    if apply.config.dry_run {
        return Ok(());
    }
    with_home(apply, |_| change_registries(apply, change))
}

/// Remembers a registry that was met in this run: its state, so that it cannot go back behind what it showed to whoever
/// added it, and then whatever `change` says of it. In a dry run changes nothing.
///
/// # Errors
/// When another process has added one of that name with another key meanwhile, or something cannot be written.
pub fn remember_met(
    apply: &Apply<'_>,
    session: &Session,
    change: impl FnOnce(&mut Registries),
) -> Result<(), ApplyError> {
    if apply.config.dry_run {
        return Ok(());
    }
    with_home(apply, |home| {
        under_lock(apply, session, None, home)?;
        change_registries(apply, change)
    })
}

fn change_registries(apply: &Apply<'_>, change: impl FnOnce(&mut Registries)) -> Result<(), ApplyError> {
    let mut registries = Registries::read(apply.layout)?;
    change(&mut registries);
    Ok(registries.write(apply.layout, apply.config.durability)?)
}

/// Forgets what was seen of a registry, so that another one can have its name. In a dry run changes nothing.
///
/// # Errors
/// When the file cannot be removed.
pub fn forget_seen(apply: &Apply<'_>, origin: &Origin) -> Result<(), ApplyError> {
    if apply.config.dry_run {
        return Ok(());
    }
    with_home(apply, |_| {
        let path = apply.layout.registry_state(origin);
        if fs::kind(&path)?.is_none() {
            return Ok(());
        }
        fs::remove_file(&path)?;
        Ok(fs::sync_folder(&apply.layout.registries(), apply.config.durability)?)
    })
}

/// Keeps the token for a registry, or forgets it where there is none; false when there was none to forget. In a dry
/// run changes nothing.
///
/// # Errors
/// When the tokens cannot be read or written.
pub fn remember_token(apply: &Apply<'_>, origin: &Origin, token: Option<Token>) -> Result<bool, ApplyError> {
    let known = Credentials::read(apply.layout)?.token(origin).is_some();
    if apply.config.dry_run || (token.is_none() && !known) {
        return Ok(known);
    }
    with_home(apply, |_| {
        let mut credentials = Credentials::read(apply.layout)?;
        let changed = match token {
            Some(token) => {
                credentials.set(origin.clone(), token);
                true
            }
            None => credentials.forget(origin),
        };
        credentials.write(apply.layout, apply.config.durability)?;
        Ok(changed)
    })
}

/// Writes down what was seen of the registries of this run, where that is news. In a dry run changes nothing.
///
/// # Errors
/// When another process has seen something that contradicts it, or it cannot be written.
pub fn remember_seen(apply: &Apply<'_>, session: &Session) -> Result<(), ApplyError> {
    if apply.config.dry_run || (news(session, None)?.is_empty() && !session.has_new_registry()) {
        return Ok(());
    }
    with_home(apply, |home| under_lock(apply, session, None, home))
}

/// The same while the home's lock is held. It is read again here, since another process may have seen more.
pub(super) fn under_lock(
    apply: &Apply<'_>,
    session: &Session,
    lock: Option<&Lock>,
    _home: &HomeLock,
) -> Result<(), ApplyError> {
    if session.has_new_registry() {
        let mut registries = Registries::read(apply.layout)?;
        for (origin, config) in session.lasting() {
            let there = registries.registries.entry(origin.clone()).or_insert_with(|| config.clone());
            if there.root_key != config.root_key {
                return Err(SessionError::Taken(origin.clone()).into());
            }
        }
        registries.write(apply.layout, apply.config.durability)?;
    }
    for (origin, seen) in news(session, lock)? {
        let path = apply.layout.registry_state(&origin);
        let text =
            yaml::to_string(&seen).map_err(|source| ApplyError::Write { path: path.clone(), source })?;
        fs::create_folders(&apply.layout.registries())?;
        fs::replace(&path, text.as_bytes(), Access::Private, apply.config.durability)?;
    }
    Ok(())
}

/// For each registry that was opened, what is to be remembered, unless that is what is remembered already.
fn news(session: &Session, lock: Option<&Lock>) -> Result<Vec<(Origin, Seen)>, ApplyError> {
    let mut news = Vec::new();
    for registry in session.opened() {
        let origin = registry.origin();
        if origin.is_bundled() {
            continue;
        }
        let before = session.seen(origin)?;
        // Whoever tells two runs at once two different things must not have both of them believed.
        before.iter().try_for_each(|seen| registry.check_beside(seen)).map_err(SessionError::from)?;
        // Another process may have seen a newer state than ours by now; that one stays, with our pins.
        let newest = before.clone().filter(|before| before.order() > registry.head().order());
        let mut seen = newest.unwrap_or_else(|| registry.seen(before.clone()));
        let records = session.records_of(origin);
        let installed = lock.into_iter().flat_map(|lock| &lock.plugins);
        for (name, locked) in installed.filter(|(_, locked)| locked.registry == *origin) {
            let record = records.iter().map(|(record, _)| record).find(|record| record.name() == name);
            pin(&mut seen, name, locked, record.map(AsRef::as_ref));
        }
        for (record, pinned) in records {
            let name = record.name();
            // A record of an epoch that is over says nothing of the one that another process has seen.
            if seen.epoch != registry.head().epoch || !seen.owners.contains_key(name) {
                continue;
            }
            let (now, known) = (SeenRecord::of(&record), seen.records.get(name));
            // Another process may have seen more of it since this run began; that stays.
            if known == pinned.as_ref() || known.is_none_or(|known| known.size < now.size) {
                seen.records.insert(name.clone(), now);
            }
        }
        if before.as_ref() != Some(&seen) {
            news.push((origin.clone(), seen));
        }
    }
    Ok(news)
}

/// Pins the owner of an installed plugin, unless a later one is pinned: a lock of before, or a rollback, must not let the
/// owner of then decide once more who comes next.
fn pin(seen: &mut Seen, name: &PluginName, locked: &Locked, record: Option<&Record>) {
    let is_later = |pinned: &Digest| match record {
        Some(record) => record
            .owners_since(&locked.owner)
            .is_some_and(|later| later.iter().any(|owner| owner.digest == *pinned)),
        // Nothing was asked of it in this run, so nothing about it is new.
        None => true,
    };
    if !seen.owners.get(name).is_some_and(is_later) {
        seen.owners.insert(name.clone(), locked.owner);
    }
}

fn with_home<T>(
    apply: &Apply<'_>,
    work: impl FnOnce(&HomeLock) -> Result<T, ApplyError>,
) -> Result<T, ApplyError> {
    let store =
        apply.with_patience(|patience| Store::open(apply.layout, apply.config.durability, patience))?;
    let writer = apply.with_patience(|patience| Writer::begin(&store, &apply.purpose(), patience))?;
    work(writer.home())
}
