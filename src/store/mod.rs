//! The store: one read-only folder for each unpacked package, named by the hash of its content. It takes
//! only what was verified, publishes an entry with one rename, and never removes one; that is garbage
//! collection's work.

pub mod lock;

use std::{collections::BTreeSet, path::Path, sync::mpsc};

use leah_home::content::{Content, content_of};
use leah_plugin::{
    digest::Digest,
    layout::{EntryName, Layout},
    package::PackagePath,
};

use self::lock::{LockingError, Patience, StoreLock};
use crate::{
    fs::{self, Access, Durability, FsError, Kind, SyncPoint},
    live,
    verify::Verified,
};

/// So many bytes of archives, unpacked, are worth a sync of their own while others are still to come.
const SYNC_BYTES: u64 = 4 << 20;

/// The store, opened for adding. While it is open, nothing is removed from it.
#[derive(Debug)]
pub struct Store<'a> {
    layout: &'a Layout,
    lock: StoreLock,
    sync: SyncPoint,
}

/// A package that is in the store and whose files are known to be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreEntry {
    name: EntryName,
    how: Added,
}

/// How a package came to be in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It was not there.
    New,
    /// It was there as it should be.
    Present,
    /// What was there was damaged and has been replaced.
    Replaced,
}

/// Which entries are taken as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Those that a generation names which is or was live: everything was synced before it became so.
    WhatWasLive,
    /// None; each is hashed. For repairs.
    Nothing,
}

/// The store could not be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Garbage is being collected, for too long.
    #[error(transparent)]
    Locking(#[from] LockingError),
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FsError),
}

impl StoreEntry {
    /// The name of its folder.
    #[must_use]
    pub fn name(&self) -> &EntryName {
        &self.name
    }

    /// Whether it was there before.
    #[must_use]
    pub fn how(&self) -> Added {
        self.how
    }
}

impl<'a> Store<'a> {
    /// Opens the store of a home, which is made if it is missing, and removes what a crash left behind.
    ///
    /// # Errors
    /// When garbage is being collected for too long, or the home cannot be used.
    pub fn open(
        layout: &'a Layout,
        durability: Durability,
        patience: &mut Patience<'_>,
    ) -> Result<Self, StoreError> {
        let folders = [layout.home().to_owned(), layout.store(), layout.generations(), layout.settings()];
        folders.iter().try_for_each(|folder| fs::create_folders(folder))?;
        // Who adds holds the lock, so with the lock held alone every staging folder is a leftover. It is
        // given back before the shared one is taken: nothing was looked at yet that could change between.
        if let Some(alone) = StoreLock::try_alone(layout)? {
            remove_staging(layout, &alone)?;
        }
        let lock = StoreLock::shared(layout, patience)?;
        Ok(Self { layout, lock, sync: SyncPoint::begin(&folders, durability)? })
    }

    /// Where everything is.
    #[must_use]
    pub fn layout(&self) -> &'a Layout {
        self.layout
    }

    /// The lock that keeps the entries from being removed.
    #[must_use]
    pub fn lock(&self) -> &StoreLock {
        &self.lock
    }

    /// What puts everything on disk that was written since the store was opened.
    #[must_use]
    pub fn sync_point(&self) -> &SyncPoint {
        &self.sync
    }

    /// Has the disk write what is added while processors work on the rest, so that little is left for the sync before the
    /// switch, until nobody sends more. `added` gets the bytes of archives whose files are in the store.
    ///
    /// # Errors
    /// When the disk could not take it. That is told only once, so it must not be lost here.
    pub fn sync_meanwhile(&self, added: &mpsc::Receiver<u64>) -> Result<(), StoreError> {
        let mut waiting = 0;
        while let Ok(bytes) = added.recv() {
            waiting += added.try_iter().fold(bytes, u64::saturating_add);
            if waiting >= SYNC_BYTES {
                self.sync.sync()?;
                waiting = 0;
            }
        }
        Ok(())
    }

    /// True when the entry for a package with this content is there and right. A damaged one is left
    /// where it is; adding the package replaces it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn holds(&self, entry: &EntryName, content: &Digest, trust: Trust) -> Result<bool, FsError> {
        let folder = self.layout.entry(entry);
        if fs::kind(&folder)? != Some(Kind::Folder) {
            return Ok(false);
        }
        if trust == Trust::WhatWasLive && was_live(self.layout, entry)? {
            return Ok(true);
        }
        // A crash may have come between the rename and the sync, so the name alone proves nothing.
        Ok(content_of(&folder)? == Content::Whole(*content))
    }

    /// Adds a verified package. An entry that is there and right stays; a damaged one is replaced.
    ///
    /// # Errors
    /// When a file cannot be written; the store is then as it was.
    pub fn add(&self, verified: &Verified, trust: Trust) -> Result<StoreEntry, StoreError> {
        let package = verified.package();
        let manifest = package.manifest();
        let entry = EntryName::new(manifest.name.clone(), manifest.version.clone(), package.content());
        self.add_files(entry, package.content(), package.files(), trust)
    }

    /// What [`Store::add`] does with the files; on its own it exists for the tests alone.
    pub(crate) fn add_files<'f>(
        &self,
        name: EntryName,
        content: &Digest,
        files: impl Iterator<Item = (&'f PackagePath, &'f [u8])>,
        trust: Trust,
    ) -> Result<StoreEntry, StoreError> {
        let folder = self.layout.entry(&name);
        if self.holds(&name, content, trust)? {
            // A crash may have come between the rename and this.
            fs::make_read_only(&folder)?;
            return Ok(StoreEntry { name, how: Added::Present });
        }
        let staging = self.layout.staging_entry(&format!("{:016x}", fs::random()));
        let published = self.write(&staging, files).and_then(|()| publish(&staging, &folder, &self.sync));
        // After a success only what was replaced is left here. The first error is the one to report.
        let removed = fs::remove_tree(&staging);
        let how = published?;
        removed?;
        fs::make_read_only(&folder)?;
        Ok(StoreEntry { name, how })
    }

    /// Writes the files into a new folder, which stays writable itself so that it can be renamed.
    fn write<'f>(
        &self,
        staging: &Path,
        files: impl Iterator<Item = (&'f PackagePath, &'f [u8])>,
    ) -> Result<(), FsError> {
        let durability = self.sync.durability();
        fs::create_folder(staging)?;
        let mut folders = BTreeSet::new();
        for (path, bytes) in files {
            for folder in path.folders() {
                if folders.insert(folder) {
                    fs::create_folder(&staging.join(folder))?;
                }
            }
            fs::create_new(&staging.join(path.as_str()), bytes, Access::ReadOnly, durability)?;
        }
        for folder in folders {
            let folder = staging.join(folder);
            fs::sync_new_folder(&folder, durability)?;
            fs::make_read_only(&folder)?;
        }
        fs::sync_new_folder(staging, durability)
    }
}

/// Removes what was being built or removed when a process died; `alone` proves that none is at work.
///
/// # Errors
/// When it cannot be removed.
pub fn remove_staging(layout: &Layout, alone: &StoreLock) -> Result<(), FsError> {
    debug_assert!(alone.is_alone(), "others may be building what is removed here");
    let store = layout.store();
    fs::list_if_any(&store)?
        .into_iter()
        .filter(|listed| Layout::is_staging(&listed.name))
        .try_for_each(|listed| fs::remove_tree(&store.join(listed.name)))
}

/// True when a generation that is or was live links to the entry. Links are read, not locks: for an entry
/// whose plugin was disabled all along this says no, and the entry is merely hashed once more.
fn was_live(layout: &Layout, entry: &EntryName) -> Result<bool, FsError> {
    for number in live::numbers(layout)?.into_iter().rev() {
        let link = Layout::plugin_in(&layout.generation(number), entry.name());
        let names_it =
            fs::kind(&link)? == Some(Kind::Link) && fs::read_link(&link)? == Layout::plugin_target(entry);
        if names_it && live::is_or_was_live(layout, number)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Gives a finished folder its name; that is the moment at which the entry exists.
fn publish(staging: &Path, folder: &Path, sync: &SyncPoint) -> Result<Added, FsError> {
    if fs::kind(folder)?.is_none() {
        match fs::rename(staging, folder) {
            Ok(()) => return Ok(Added::New),
            Err(error) if fs::kind(folder)?.is_none() => return Err(error),
            // Somebody else was faster. What they put there was verified too, but by them.
            Err(_) => {}
        }
    }
    if fs::kind(folder)? == Some(Kind::Folder) {
        // Moving a folder that is read-only is not allowed on every system.
        fs::make_writable(folder)?;
    }
    // A live generation may name what is replaced: the new bytes must be on disk before they take its place,
    // and they take it in one step.
    sync.sync()?;
    fs::exchange(staging, folder)?;
    Ok(Added::Replaced)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests look at the disk themselves")]
mod tests {
    use std::{fs as disk, os::unix::fs::PermissionsExt, thread};

    use super::*;
    use crate::generation::sandbox::{Packed, Sandbox, add};

    fn mode(path: &Path) -> u32 {
        disk::symlink_metadata(path).unwrap().permissions().mode() & 0o777
    }

    /// Changes a file of an entry although it is read-only.
    fn damage(layout: &Layout, package: &Packed) {
        let folder = layout.entry(&package.entry());
        fs::make_writable(&folder).unwrap();
        let path = folder.join("plugin.yaml");
        disk::remove_file(&path).unwrap();
        disk::write(path, "changed").unwrap();
    }

    #[track_caller]
    fn check_whole(layout: &Layout, package: &Packed) {
        let folder = layout.entry(&package.entry());
        assert_eq!(content_of(&folder).unwrap(), Content::Whole(package.content));
        assert_eq!(mode(&folder) & 0o222, 0, "the entry can be written to");
    }

    #[test]
    fn adds_read_only_files_and_leaves_nothing_beside_them() {
        let sandbox = Sandbox::new();
        let package = Packed::new("translator", "one");
        let entry = add(&sandbox.store(), &package, Trust::WhatWasLive);
        assert_eq!((entry.how(), entry.name()), (Added::New, &package.entry()));
        let folder = sandbox.layout.entry(entry.name());
        check_whole(&sandbox.layout, &package);
        assert_eq!(mode(&folder.join("bin")) & 0o222, 0);
        assert_eq!(mode(&folder.join("bin/tool")) & 0o222, 0);
        assert_eq!(sandbox.names(&sandbox.layout.store()), [entry.name().to_string()]);
    }

    #[test]
    fn keeps_an_entry_that_is_right() {
        let sandbox = Sandbox::new();
        let (package, store) = (Packed::new("translator", "one"), sandbox.store());
        add(&store, &package, Trust::WhatWasLive);
        let folder = sandbox.layout.entry(&package.entry());
        // As after a crash between the rename and the change of its mode.
        fs::make_writable(&folder).unwrap();
        assert_eq!(add(&store, &package, Trust::WhatWasLive).how(), Added::Present);
        check_whole(&sandbox.layout, &package);
    }

    #[test]
    fn replaces_a_damaged_entry_that_never_was_live() {
        let sandbox = Sandbox::new();
        let (package, store) = (Packed::new("translator", "one"), sandbox.store());
        add(&store, &package, Trust::WhatWasLive);
        damage(&sandbox.layout, &package);
        assert!(!store.holds(&package.entry(), &package.content, Trust::WhatWasLive).unwrap());
        assert_eq!(add(&store, &package, Trust::WhatWasLive).how(), Added::Replaced);
        check_whole(&sandbox.layout, &package);
        assert_eq!(sandbox.names(&sandbox.layout.store()).len(), 1);
    }

    #[test]
    fn replaces_an_entry_of_a_live_generation_only_when_told_to_look() {
        let sandbox = Sandbox::new();
        let package = Packed::new("translator", "one");
        sandbox.deploy(&[&package]);
        damage(&sandbox.layout, &package);
        let store = sandbox.store();
        assert_eq!(add(&store, &package, Trust::WhatWasLive).how(), Added::Present);
        assert_eq!(add(&store, &package, Trust::Nothing).how(), Added::Replaced);
        check_whole(&sandbox.layout, &package);
    }

    #[test]
    fn replaces_what_is_no_folder_and_does_not_follow_it() {
        let sandbox = Sandbox::new();
        let (package, store) = (Packed::new("translator", "one"), sandbox.store());
        let victim = sandbox.layout.home().join("victim");
        disk::create_dir(&victim).unwrap();
        fs::symlink(&victim, &sandbox.layout.entry(&package.entry())).unwrap();
        assert_eq!(add(&store, &package, Trust::WhatWasLive).how(), Added::Replaced);
        check_whole(&sandbox.layout, &package);
        assert_eq!(sandbox.names(&victim).len(), 0);
    }

    #[test]
    fn leaves_nothing_behind_when_a_file_cannot_be_written() {
        let sandbox = Sandbox::new();
        let store = sandbox.store();
        let mut package = Packed::new("translator", "one");
        let twice = package.files[0].clone();
        package.files.push(twice);
        let files = package.files.iter().map(|(path, bytes)| (path, bytes.as_slice()));
        assert!(store.add_files(package.entry(), &package.content, files, Trust::WhatWasLive).is_err());
        assert_eq!(sandbox.names(&sandbox.layout.store()).len(), 0);
    }

    #[test]
    fn removes_what_a_crash_left_but_not_while_others_add() {
        let sandbox = Sandbox::new();
        let other = sandbox.store();
        let leftover = sandbox.layout.staging_entry("0");
        disk::create_dir(&leftover).unwrap();
        disk::write(leftover.join("f"), "half").unwrap();
        fs::make_read_only(&leftover).unwrap();
        drop(sandbox.store());
        assert!(leftover.exists());
        drop(other);
        drop(sandbox.store());
        assert!(!leftover.exists());
    }

    #[test]
    fn many_add_the_same_package_at_once() {
        let sandbox = Sandbox::new();
        let package = Packed::new("translator", "one");
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| add(&sandbox.store(), &package, Trust::WhatWasLive));
            }
        });
        check_whole(&sandbox.layout, &package);
        assert_eq!(sandbox.names(&sandbox.layout.store()).len(), 1);
    }
}
