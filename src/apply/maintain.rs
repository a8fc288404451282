//! Keeping an installation in order: collecting garbage, checking the installed files, repairing them.

use std::collections::{BTreeMap, BTreeSet};

use leah_plugin::{
    layout::Layout,
    lock::{Lock, Locked},
    manifest::{Manifest, ToolName},
    name::PluginName,
};

use super::{
    Apply, ApplyError, Event, deploy, settings,
    trial::{About, Switched, Trial},
};
use crate::{
    fs,
    generation::{Draft, Generation, Writer, gc},
    registry::Session,
    store::{Store, Trust},
};

/// Largest manifest in the store, in bytes; a package with a larger one is no package.
const MAX_MANIFEST_BYTES: u64 = 128 << 10;

/// The tools of the enabled plugins of a set whose packages are in the store.
///
/// # Errors
/// When a manifest cannot be read.
pub fn tools(layout: &Layout, lock: &Lock) -> Result<BTreeMap<PluginName, Vec<ToolName>>, ApplyError> {
    let enabled = lock.plugins.iter().filter(|(_, locked)| locked.enabled);
    let tools_of = |(name, locked): (&PluginName, &Locked)| {
        Ok((name.clone(), manifest(layout, name, locked)?.interface().tools))
    };
    enabled.map(tools_of).collect()
}

pub(super) fn manifest(layout: &Layout, name: &PluginName, locked: &Locked) -> Result<Manifest, ApplyError> {
    let bytes = fs::read(&layout.manifest(&locked.entry(name)), MAX_MANIFEST_BYTES)?;
    Manifest::read(&bytes).map_err(|source| ApplyError::Manifest { name: name.clone(), source })
}

/// Removes the generations beyond `keep` of the live one's line (the live one not counted), and what only
/// they needed. In a dry run only says what it would remove.
///
/// # Errors
/// When the store or a generation cannot be read or removed.
pub fn collect(apply: &Apply<'_>, keep: usize) -> Result<gc::Collected, ApplyError> {
    let (layout, durability) = (apply.layout, apply.config.durability);
    // A home without generations is left as it is.
    if apply.config.dry_run || fs::kind(&layout.generations())?.is_none() {
        return Ok(gc::preview(layout, keep)?);
    }
    Ok(apply.with_patience(|patience| gc::collect(layout, keep, &apply.purpose(), durability, patience))?)
}

/// Fetches plugins of the live set again, verifies them, puts them in place of what is damaged, and makes a new
/// generation of the same set, with the settings that can be read; none where nothing was ever installed.
///
/// # Errors
/// When a registry no longer has one, or a file cannot be written.
pub fn repair(
    apply: &Apply<'_>,
    session: &Session,
    damaged: &BTreeSet<PluginName>,
) -> Result<Option<Switched>, ApplyError> {
    let Some(live) = Generation::live(apply.layout)? else { return Ok(None) };
    let store =
        apply.with_patience(|patience| Store::open(apply.layout, apply.config.durability, patience))?;
    let plugins = live.lock().plugins.iter().filter(|(name, _)| damaged.contains(*name));
    let needs =
        plugins.map(|(name, locked)| deploy::need(session, name, locked)).collect::<Result<Vec<_>, _>>()?;
    let declared = &deploy::fetch_into(apply, &store, &needs, Trust::Nothing)?;
    // A generation never changes: links that were tampered with are made new in the next one.
    let writer = apply.with_patience(|patience| Writer::begin(&store, &apply.purpose(), patience))?;
    let draft = Draft {
        lock: live.lock().clone(),
        verb: "repair".parse()?,
        names: damaged.iter().cloned().collect(),
        created: apply.now,
        settings: settings::readable(apply.layout, &live),
        added: Vec::new(),
    };
    let generation = writer.write(&draft)?;
    apply.see(Event::Written { number: generation.number() });
    let names = damaged.iter().collect();
    let about = About { lock: &draft.lock, settings: &draft.settings, names, declared };
    Trial::begin(apply, generation.number())?.switch(generation, &about).map(Some)
}
