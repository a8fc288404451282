//! Collecting garbage: generations that are far enough in the past, then the entries and settings files
//! that no remaining generation names. What is live, what leads back from it and what somebody uses stays.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    str::FromStr,
};

use leah_home::generation::{ReadError, entries, read_lock, read_record};
use leah_plugin::layout::{EntryName, Layout, SettingsFile};

use super::switch::{remove_generation, remove_leftovers};
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

/// Removes those of `entries` that no generation names, if nobody else is at work: what a change that failed had
/// brought into the store. Another process may be about to name them, and then they stay for it or for `collect`.
///
/// # Errors
/// When something cannot be read or removed.
pub fn discard(layout: &Layout, entries: &[EntryName]) -> Result<(), GcError> {
    let Some(_alone) = StoreLock::try_alone(layout)? else { return Ok(()) };
    let inventory = take_inventory(layout)?;
    let named = |entry: &EntryName| inventory.generations.values().any(|one| one.entries.contains(entry));
    for entry in entries.iter().filter(|entry| inventory.entries.contains(entry) && !named(entry)) {
        remove_entry(layout, entry)?;
    }
    Ok(())
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

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests look at the disk themselves")]
mod tests {
    use std::{fs as disk, path::Path};

    use proptest::prelude::*;

    use super::*;
    use crate::generation::{
        Generation,
        check::{Extent, check},
        sandbox::{Packed, Sandbox, add, draft, patiently},
        switch::Writer,
    };

    /// Generations as (number, parent, plugin), each with one entry and one settings file of its plugin.
    fn inventory(live: Option<u64>, generations: &[(u64, u64, &str)]) -> Inventory {
        let mut inventory = Inventory { live, ..Inventory::default() };
        for (number, parent, plugin) in generations {
            let entry = Packed::new(plugin, "").entry();
            let file = SettingsFile::new(entry.name().clone(), 0);
            let stored = Stored {
                parent: (*parent > 0).then_some(*parent),
                in_use: false,
                entries: [entry.clone()].into(),
                settings: [file.clone()].into(),
            };
            inventory.generations.insert(*number, stored);
            inventory.entries.insert(entry);
            inventory.settings.insert(file);
        }
        inventory
    }

    #[track_caller]
    fn check_plan(inventory: &Inventory, keep: usize, generations: &[u64], plugins: &[&str]) {
        let plan = plan_gc(inventory, keep);
        let entries: Vec<_> = plan.entries.iter().map(|entry| entry.name().as_str()).collect();
        let settings: Vec<_> = plan.settings.iter().map(|file| file.name().as_str()).collect();
        assert_eq!((plan.generations.as_slice(), &*entries, &*settings), (generations, plugins, plugins));
    }

    fn collect_now(sandbox: &Sandbox, keep: usize) -> Collected {
        patiently(|p| collect(&sandbox.layout, keep, "leahpm gc", Durability::Synced, p)).unwrap()
    }

    #[test]
    fn keeps_the_way_back_along_the_parents_and_not_the_numbers() {
        // 1 <- 2 <- 3, rolled back to 1, then 4.
        let disk = [(1, 0, "a"), (2, 1, "b"), (3, 2, "c"), (4, 1, "d")];
        check_plan(&inventory(Some(4), &disk), 9, &[2, 3], &["b", "c"]);
        check_plan(&inventory(Some(4), &disk), 1, &[2, 3], &["b", "c"]);
        check_plan(&inventory(Some(4), &disk), 0, &[1, 2, 3], &["a", "b", "c"]);
        check_plan(&inventory(Some(3), &disk), usize::MAX, &[4], &["d"]);
    }

    #[test]
    fn keeps_what_somebody_uses_and_everything_when_nothing_is_live() {
        let disk = [(1, 0, "a"), (2, 1, "b"), (3, 2, "b")];
        let mut used = inventory(Some(3), &disk);
        used.generations.get_mut(&1).unwrap().in_use = true;
        check_plan(&used, 0, &[2], &[]);
        check_plan(&inventory(None, &disk), 0, &[], &[]);
    }

    #[test]
    fn removes_what_was_previewed_and_harms_nothing_else() {
        let sandbox = Sandbox::new();
        let packages = ["a", "b", "c"].map(|name| Packed::new(name, "text"));
        for package in &packages {
            sandbox.deploy(&[package]);
        }
        let unused = Packed::new("unused", "text");
        add(&sandbox.store(), &unused, crate::store::Trust::WhatWasLive);
        disk::write(sandbox.layout.store().join("not-ours"), "").unwrap();
        let expect = preview(&sandbox.layout, 1).unwrap();
        assert_eq!(expect.plan.generations, [1]);
        assert_eq!(expect.plan.entries, [packages[0].entry(), unused.entry()]);
        assert_eq!(expect.bytes, 2 * 8 + 1 + 6);
        assert_eq!(collect_now(&sandbox, 1), expect);
        assert_eq!(sandbox.names(&sandbox.layout.generations()), ["2", "3"]);
        assert_eq!(
            sandbox.names(&sandbox.layout.store()),
            [packages[1].entry().to_string(), packages[2].entry().to_string(), "not-ours".into()]
        );
        assert_eq!(check(&sandbox.layout, Extent::History).unwrap().damage.len(), 0);
        sandbox.roll_back(2).unwrap();
    }

    #[test]
    fn leaves_a_generation_alone_that_is_being_read() {
        let sandbox = Sandbox::new();
        let packages = ["a", "b"].map(|name| Packed::new(name, "text"));
        sandbox.deploy(&[&packages[0]]);
        let read = Generation::live(&sandbox.layout).unwrap();
        sandbox.deploy(&[&packages[1]]);
        assert_eq!(collect_now(&sandbox, 0), Collected::default());
        drop(read);
        assert_eq!(collect_now(&sandbox, 0).plan.generations, [1]);
    }

    #[test]
    fn removes_settings_that_no_generation_names() {
        let (sandbox, package) = (Sandbox::new(), Packed::new("translator", "one"));
        let store = sandbox.store();
        add(&store, &package, crate::store::Trust::WhatWasLive);
        let writer = patiently(|p| Writer::begin(&store, "leahpm config", p)).unwrap();
        let [lost, kept] = [b"a: 1\n", b"a: 2\n"].map(|t| writer.add_settings(&package.name, t).unwrap());
        let mut draft = draft(&[&package]);
        draft.settings.insert(kept.name().clone(), kept.clone());
        writer.write(&draft).unwrap().make_live().unwrap();
        drop(writer);
        drop(store);
        assert_eq!(collect_now(&sandbox, 0).plan.settings, [lost]);
        assert_eq!(sandbox.names(&sandbox.layout.settings()), [kept.to_string()]);
    }

    #[test]
    fn waits_for_those_who_add() {
        let sandbox = Sandbox::new();
        let _adding = sandbox.store();
        let mut patience =
            Patience { longest: std::time::Duration::from_millis(30), waiting_for: &mut |_| {} };
        let error = collect(&sandbox.layout, 0, "leahpm gc", Durability::Synced, &mut patience).unwrap_err();
        assert!(matches!(error, GcError::Locking(LockingError::Locked { .. })), "{error}");
    }

    #[test]
    fn has_nothing_to_do_in_an_empty_home() {
        let sandbox = Sandbox::new();
        assert_eq!(preview(&sandbox.layout, 3).unwrap(), Collected::default());
        assert_eq!(collect_now(&sandbox, 3), Collected::default());
        assert!(!Path::new(&sandbox.layout.plugins()).exists());
    }

    proptest! {
        #[test]
        fn never_removes_what_a_remaining_generation_names(
            parents in proptest::collection::vec((0_u64..20, 0_u8..5, any::<bool>()), 1..20),
            live in 0_usize..20,
            keep in 0_usize..5,
        ) {
            let names = ["a", "b", "c", "d", "e"];
            let generations: Vec<_> = (1..)
                .zip(&parents)
                .map(|(number, (parent, name, _))| (number, parent % number, names[usize::from(*name)]))
                .collect();
            let mut inventory = inventory(Some(generations[live % parents.len()].0), &generations);
            for (stored, (.., in_use)) in inventory.generations.values_mut().zip(&parents) {
                stored.in_use = *in_use;
            }
            let plan = plan_gc(&inventory, keep);
            prop_assert!(!plan.generations.contains(&inventory.live.unwrap()));
            for (number, stored) in &inventory.generations {
                if !plan.generations.contains(number) {
                    prop_assert!(!plan.entries.iter().any(|entry| stored.entries.contains(entry)));
                    prop_assert!(!plan.settings.iter().any(|file| stored.settings.contains(file)));
                } else {
                    prop_assert!(!stored.in_use);
                }
            }
        }
    }
}
