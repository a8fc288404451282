//! Keeping an installation in order: collecting garbage, checking the installed files, repairing them.

use std::collections::BTreeSet;

use leah_plugin::name::PluginName;

use super::{Apply, ApplyError, deploy};
use crate::{
    generation::{Generation, gc},
    registry::Session,
    store::{Store, Trust},
};

/// Removes the generations beyond `keep` of the live one's line (the live one not counted), and what only
/// they needed. In a dry run only says what it would remove.
///
/// # Errors
/// When the store or a generation cannot be read or removed.
pub fn collect(apply: &Apply<'_>, keep: usize) -> Result<gc::Collected, ApplyError> {
    let (layout, durability) = (apply.layout, apply.config.durability);
    if apply.config.dry_run {
        return Ok(gc::preview(layout, keep)?);
    }
    Ok(apply.with_patience(|patience| gc::collect(layout, keep, &apply.purpose(), durability, patience))?)
}

/// Fetches plugins of the live set again, verifies them and puts them in place of what is damaged.
///
/// # Errors
/// When a registry no longer has one, or a file cannot be written.
pub fn repair(
    apply: &Apply<'_>,
    session: &Session,
    live: &Generation,
    damaged: &BTreeSet<PluginName>,
) -> Result<(), ApplyError> {
    let store = apply.with_patience(|patience| Store::open(apply.layout, apply.config.durability, patience))?;
    let plugins = live.lock().plugins.iter().filter(|(name, _)| damaged.contains(*name));
    let needs =
        plugins.map(|(name, locked)| deploy::need(session, name, locked)).collect::<Result<Vec<_>, _>>()?;
    deploy::fetch_into(apply, &store, &needs, Trust::Nothing)?;
    Ok(store.sync_point().sync()?)
}
