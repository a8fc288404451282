//! Collecting garbage: generations that are far enough in the past, then the entries and settings files
//! that no remaining generation names. What is live, what leads back from it and what somebody uses stays.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    str::FromStr,
};

use leah_plugin::layout::{EntryName, Layout, SettingsFile};

use super::{
    history::{ReadError, entries, read_lock, read_record},
    switch::{remove_generation, remove_leftovers},
};
use crate::{
    fs::{self, Durability, FsError, Kind},
    live::{is_or_was_live, live_number, numbers},
    store::{
        self,
        lock::{HomeLock, LockingError, Patience, StoreLock},
    },
};

/// What is on disk, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inventory {
    /// The live generation.
    pub live: Option<u64>,
    /// Those that are or were live, by number.
    pub generations: BTreeMap<u64, Stored>,
    /// All entries in the store.
    pub entries: BTreeSet<EntryName>,
    /// All settings files.
    pub settings: BTreeSet<SettingsFile>,
}

/// One generation on disk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stored {
    /// Where a rollback from it leads.
    pub parent: Option<u64>,
    /// True while somebody reads or runs it.
    pub in_use: bool,
    /// What it needs of the store.
    pub entries: BTreeSet<EntryName>,
    /// The settings that belong to it.
    pub settings: BTreeSet<SettingsFile>,
}

/// What can be removed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GcPlan {
    /// Generations, by number.
    pub generations: Vec<u64>,
    /// Entries of the store.
    pub entries: Vec<EntryName>,
    /// Settings files.
    pub settings: Vec<SettingsFile>,
}

/// What was removed, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Collected {
    /// What.
    pub plan: GcPlan,
    /// The bytes of the files in the entries.
    pub bytes: u64,
}

/// Garbage could not be collected. What was removed until then is gone, and nothing else is harmed.
#[derive(Debug, thiserror::Error)]
pub enum GcError {
    /// Another process is at work, for too long.
    #[error(transparent)]
    Locking(#[from] LockingError),
    /// A file could not be read or removed.
    #[error(transparent)]
    File(#[from] FsError),
    /// A generation cannot be read, so there is no telling what it needs.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Decides what can be removed. `keep` generations behind the live one stay, along its parents.
#[must_use]
pub fn plan_gc(inventory: &Inventory, keep: usize) -> GcPlan {
    let parent = |number: &u64| inventory.generations.get(number).and_then(|stored| stored.parent);
    // A record's parent always comes before it, so this ends.
    let kept: BTreeSet<u64> =
        std::iter::successors(inventory.live, parent).take(keep.saturating_add(1)).collect();
    // Without a live one there is no telling which will be wanted back; then all stay.
    let stays = |number: &u64, stored: &Stored| kept.is_empty() || kept.contains(number) || stored.in_use;
    let (mut entries, mut settings) = (inventory.entries.clone(), inventory.settings.clone());
    let mut generations = Vec::new();
    for (number, stored) in &inventory.generations {
        if stays(number, stored) {
            entries.retain(|entry| !stored.entries.contains(entry));
            settings.retain(|file| !stored.settings.contains(file));
        } else {
            generations.push(*number);
        }
    }
    GcPlan { generations, entries: entries.into_iter().collect(), settings: settings.into_iter().collect() }
}

/// What [`collect`] would remove at this moment. Takes no lock and changes nothing.
///
/// # Errors
/// When the disk, or a generation, cannot be read.
pub fn preview(layout: &Layout, keep: usize) -> Result<Collected, GcError> {
    let plan = plan_gc(&take_inventory(layout)?, keep);
    let bytes = size_of(layout, &plan.entries)?;
    Ok(Collected { plan, bytes })
}

/// Removes what is not needed any more. `keep` generations behind the live one stay, along its parents.
///
/// # Errors
/// When others are at work for too long, or something cannot be read or removed.
pub fn collect(
    layout: &Layout,
    keep: usize,
    purpose: &str,
    durability: Durability,
    patience: &mut Patience<'_>,
) -> Result<Collected, GcError> {
    fs::create_folders(&layout.store())?;
    let alone = StoreLock::alone(layout, patience)?;
    let home = HomeLock::take(layout, &alone, purpose, patience)?;
    remove_leftovers(layout, &home)?;
    store::remove_staging(layout, &alone)?;
    let mut inventory = take_inventory(layout)?;
    remove_generations(layout, &mut inventory, keep)?;
    // A generation that comes back after a power cut must not find its entries removed.
    fs::sync_folder(&layout.generations(), durability).or_else(ignore_missing)?;
    let plan = plan_gc(&inventory, keep);
    let bytes = size_of(layout, &plan.entries)?;
    for entry in &plan.entries {
        remove_entry(layout, entry)?;
    }
    for file in &plan.settings {
        fs::remove_file(&layout.settings_file(file))?;
    }
    Ok(Collected { plan, bytes })
}

/// Removes the generations that nobody uses, and notes those that somebody does.
fn remove_generations(layout: &Layout, inventory: &mut Inventory, keep: usize) -> Result<(), GcError> {
    for number in plan_gc(inventory, keep).generations {
        // Held until the folder has lost its name: a reader that opened the record before waits for this
        // lock, then sees that the file is not there any more.
        match hold_alone(layout, number)? {
            Some(_held) => remove_generation(layout, number)?,
            None => {
                if let Some(stored) = inventory.generations.get_mut(&number) {
                    stored.in_use = true;
                }
            }
        }
    }
    Ok(())
}

/// Removes an entry. It loses its name first, so that a crash leaves no half of one under it.
fn remove_entry(layout: &Layout, entry: &EntryName) -> Result<(), FsError> {
    let (folder, staging) = (layout.entry(entry), layout.staging_entry(&format!("{:016x}", fs::random())));
    // Moving a folder that is read-only is not allowed on every system.
    fs::make_writable(&folder)?;
    fs::rename(&folder, &staging)?;
    fs::remove_tree(&staging)
}

fn hold_alone(layout: &Layout, number: u64) -> Result<Option<std::fs::File>, FsError> {
    let path = layout.record(number);
    let file = fs::open(&path)?;
    Ok(fs::try_lock_alone(&file, &path)?.then_some(file))
}

fn take_inventory(layout: &Layout) -> Result<Inventory, GcError> {
    let mut inventory = Inventory { live: live_number(layout)?, ..Inventory::default() };
    for number in numbers(layout)? {
        if is_or_was_live(layout, number)? {
            let record = read_record(layout, number)?;
            let stored = Stored {
                parent: record.parent,
                in_use: hold_alone(layout, number)?.is_none(),
                entries: entries(&read_lock(layout, number)?).collect(),
                settings: record.settings.into_values().collect(),
            };
            inventory.generations.insert(number, stored);
        }
    }
    // What has another name was not made here and is left alone.
    let folders = fs::list_if_any(&layout.store())?.into_iter().filter(|l| l.kind == Kind::Folder);
    inventory.entries = folders.filter_map(|listed| parse(&listed.name)).collect();
    let files = fs::list_if_any(&layout.settings())?.into_iter().filter(|l| l.kind == Kind::File);
    inventory.settings = files.filter_map(|listed| parse(&listed.name)).collect();
    Ok(inventory)
}

fn size_of(layout: &Layout, entries: &[EntryName]) -> Result<u64, FsError> {
    entries.iter().map(|entry| Ok(fs::measure(&layout.entry(entry))?.bytes)).sum()
}

fn parse<T: FromStr>(name: &OsStr) -> Option<T> {
    name.to_str()?.parse().ok()
}

fn ignore_missing(error: FsError) -> Result<(), FsError> {
    if error.is_not_found() { Ok(()) } else { Err(error) }
}
