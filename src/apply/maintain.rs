//! Keeping an installation in order: collecting garbage, checking the installed files, repairing them.

use leah_plugin::layout::Layout;

use super::{Apply, ApplyError, deploy};
use crate::{
    generation::Live,
    registry::Session,
    store::{self, Damage, HomeLock, Removed, Store, StoreLock, Trust},
};

/// Removes the generations beyond the `keep` newest of the live one's line, and what only they needed. In a dry
/// run only says what it would remove.
///
/// # Errors
/// When the store or a generation cannot be read or removed.
pub fn gc(apply: &Apply<'_>, keep: usize) -> Result<Removed, ApplyError> {
    if Live::read(apply.layout)?.is_none() && !store::exists(apply.layout)? {
        return Ok(Removed::default());
    }
    let alone = apply.with_patience(|patience| StoreLock::alone(apply.layout, patience))?;
    let home = apply.with_patience(|patience| {
        HomeLock::take(apply.layout, &alone, &format!("leahpm {}", apply.command), patience)
    })?;
    Ok(store::collect(apply.layout, &alone, &home, keep, apply.config.dry_run)?)
}

/// Hashes every file of the live set and says what is not as it was signed.
///
/// # Errors
/// When a file cannot be read.
pub fn verify(layout: &Layout, live: &Live) -> Result<Vec<Damage>, ApplyError> {
    Ok(store::check(layout, &live.lock)?)
}

/// Fetches damaged plugins again, verifies them and puts them in place of the damaged ones.
///
/// # Errors
/// When a registry no longer has one, or a file cannot be written.
pub fn repair(apply: &Apply<'_>, session: &Session, live: &Live, damage: &[Damage]) -> Result<(), ApplyError> {
    let store = apply.with_patience(|patience| Store::open(apply.layout, apply.config.durability, patience))?;
    let mut needs = Vec::new();
    for (name, locked) in &live.lock.plugins {
        if damage.iter().any(|one| one.name == *name) {
            needs.push(deploy::need(session, name, locked)?);
        }
    }
    deploy::fetch_into(apply, &store, &needs, Trust::Nothing)?;
    store.sync_point().sync()?;
    Ok(())
}
