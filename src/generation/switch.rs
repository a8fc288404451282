//! Writing a generation and making it live. The only code that renames over `plugins`.
//!
//! The order of a change, each step harmless if we die behind it:
//!
//! 1. Entries and settings files are written under names that nobody knows yet.
//! 2. The generation is built in a staging folder and renamed to its number. It never was live, so no
//!    reader looks at it, and the next writer removes it.
//! 3. The generation that is live gets its mark, as it is about to become one that was.
//! 4. A link to the new generation is made under a temporary name.
//! 5. **One** sync puts all of this on disk.
//! 6. The link is renamed over `plugins`. This is the change: before it the old set, after it the new one.
//! 7. The home's folder is synced. Only now the caller may tell of a success.
//! 8. The new generation gets its mark as well, so that losing the link loses no history.

use std::{collections::BTreeMap, io, path::Path};

use leah_home::generation::{Generation, ReadError, entries};
use leah_plugin::{
    digest::Digest,
    generation::{GenerationError, GenerationRecord, Verb},
    layout::{EntryName, Layout, SettingsFile},
    lock::{Lock, LockError},
    name::PluginName,
};

use crate::{
    fs::{self, Access, FsError, Kind},
    live::{is_or_was_live, live_number, numbers},
    store::{
        Store,
        lock::{HomeLock, LockingError, Patience},
    },
};

/// The one process that may change the live generation, for as long as this value lives.
#[derive(Debug)]
pub struct Writer<'a> {
    store: &'a Store<'a>,
    home: HomeLock,
}

/// What a new generation is to be; its number and parent follow from the live one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// What it consists of.
    pub lock: Lock,
    /// What is being done.
    pub verb: Verb,
    /// The plugins it is done to.
    pub names: Vec<PluginName>,
    /// When, in seconds since 1970-01-01 UTC.
    pub created: u64,
    /// The settings files, by plugin.
    pub settings: BTreeMap<PluginName, SettingsFile>,
    /// Those of them that were added for it; they go again if it does not become live.
    pub added: Vec<SettingsFile>,
}

/// A generation that is complete and not live. Dropping it changes nothing.
#[derive(Debug)]
pub struct Pending<'w> {
    writer: &'w Writer<'w>,
    number: u64,
    /// True while the generation has to be removed if it does not become live.
    remove: bool,
    /// The settings files that are removed with it.
    added: Vec<SettingsFile>,
}

/// The live generation could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum SwitchError {
    /// Another process changes something, for too long.
    #[error(transparent)]
    Locking(#[from] LockingError),
    /// A file could not be written; nothing has changed.
    #[error(transparent)]
    File(#[from] FsError),
    /// A generation could not be read; nothing has changed.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The lock to be written contradicts itself.
    #[error("the new set of plugins cannot be written as a lock")]
    Lock(#[from] LockError),
    /// The record to be written contradicts itself.
    #[error("the new set of plugins cannot be recorded")]
    Record(#[from] GenerationError),
    /// A package of the generation is not in the store.
    #[error("`{entry}` is not in the store any more")]
    EntryMissing {
        /// The entry.
        entry: EntryName,
    },
    /// A settings file of the generation is gone.
    #[error("the settings of `{}` are gone: `{file}`", file.name())]
    SettingsMissing {
        /// The file.
        file: SettingsFile,
    },
    /// The generation is the live one.
    #[error("generation {number} is live already")]
    AlreadyLive {
        /// Its number.
        number: u64,
    },
    /// There is no number behind the last one.
    #[error("there is a generation {number}, and no number comes after that")]
    NoNumberLeft {
        /// The last number.
        number: u64,
    },
    /// The generation is live, but may not be any more after a power cut.
    #[error(
        "generation {number} is live, but the disk did not confirm it: a power cut could undo the change"
    )]
    NotDurable {
        /// Its number.
        number: u64,
        /// What the disk said.
        source: FsError,
    },
}

impl<'a> Writer<'a> {
    /// Waits for its turn and removes what a crash left behind. `purpose` is shown to those who wait, such
    /// as `leahpm install translator`.
    ///
    /// # Errors
    /// When another process holds the home for too long, or the home cannot be used.
    pub fn begin(
        store: &'a Store<'a>,
        purpose: &str,
        patience: &mut Patience<'_>,
    ) -> Result<Self, SwitchError> {
        let home = HomeLock::take(store.layout(), store.lock(), purpose, patience)?;
        remove_leftovers(store.layout(), &home)?;
        Ok(Self { store, home })
    }

    /// The number of the live generation. A plan that was made for another one has to be made again.
    ///
    /// # Errors
    /// When the link cannot be read.
    pub fn live(&self) -> Result<Option<u64>, FsError> {
        live_number(self.store.layout())
    }

    /// The lock that makes this the only writer.
    #[must_use]
    pub fn home(&self) -> &HomeLock {
        &self.home
    }

    /// Writes the settings of a plugin to a file of their own, which a [`Draft`] can name. Until one that
    /// does is live, nobody reads it, and garbage collection removes it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add_settings(&self, name: &PluginName, text: &[u8]) -> Result<SettingsFile, FsError> {
        let file = SettingsFile::new(name.clone(), fs::random());
        let path = self.store.layout().settings_file(&file);
        fs::create_new(&path, text, Access::Private, self.store.sync_point().durability())?;
        Ok(file)
    }

    /// Writes a new generation beside the live one.
    ///
    /// # Errors
    /// When an entry or settings file that it names is missing, or it cannot be written; nothing is left
    /// behind then.
    pub fn write(&self, draft: &Draft) -> Result<Pending<'_>, SwitchError> {
        self.build(draft).inspect_err(|_| remove_settings(self.store.layout(), &draft.added))
    }

    fn build(&self, draft: &Draft) -> Result<Pending<'_>, SwitchError> {
        let layout = self.store.layout();
        self.check_parts(&draft.lock, &draft.settings)?;
        let last = numbers(layout)?.last().copied().unwrap_or(0);
        let number = last.checked_add(1).ok_or(SwitchError::NoNumberLeft { number: last })?;
        let record = GenerationRecord {
            number,
            parent: self.live()?,
            created: draft.created,
            verb: draft.verb.clone(),
            names: draft.names.clone(),
            settings: draft.settings.clone(),
        };
        let (lock, record) = (draft.lock.to_text()?, record.to_text()?);
        let twin = draft.lock.to_twin(&Digest::of(lock.as_bytes()))?;
        let staging = layout.staging_generation(&format!("{:016x}", fs::random()));
        let published = self
            .fill(&staging, &draft.lock, [lock.as_bytes(), &twin, record.as_bytes()])
            .and_then(|()| fs::rename(&staging, &layout.generation(number)));
        if let Err(error) = published {
            // The first error is the one to report; what stays is removed by the next writer.
            let _ = fs::remove_tree(&staging);
            return Err(error.into());
        }
        Ok(Pending { writer: self, number, remove: true, added: draft.added.clone() })
    }

    /// A generation that was live before, to make it live again. Its entries are not hashed: they were
    /// synced before it became live, and nobody has written to them since.
    ///
    /// # Errors
    /// When it is live, never was, or parts of it are gone.
    pub fn existing(&self, number: u64) -> Result<Pending<'_>, SwitchError> {
        if self.live()? == Some(number) {
            return Err(SwitchError::AlreadyLive { number });
        }
        let generation = Generation::read(self.store.layout(), number)?;
        self.check_parts(generation.lock(), &generation.record().settings)?;
        Ok(Pending { writer: self, number, remove: false, added: Vec::new() })
    }

    fn fill(&self, staging: &Path, lock: &Lock, [text, twin, record]: [&[u8]; 3]) -> Result<(), FsError> {
        let durability = self.store.sync_point().durability();
        fs::create_folder(staging)?;
        fs::create_new(&Layout::lock_file_in(staging), text, Access::Shared, durability)?;
        fs::create_new(&Layout::lock_twin_in(staging), twin, Access::Shared, durability)?;
        fs::create_new(&Layout::record_in(staging), record, Access::Shared, durability)?;
        for (name, locked) in lock.plugins.iter().filter(|(_, locked)| locked.enabled) {
            let target = Layout::plugin_target(&locked.entry(name));
            fs::symlink(&target, &Layout::plugin_in(staging, name))?;
        }
        fs::sync_new_folder(staging, durability)
    }

    fn check_parts(
        &self,
        lock: &Lock,
        settings: &BTreeMap<PluginName, SettingsFile>,
    ) -> Result<(), SwitchError> {
        let layout = self.store.layout();
        for entry in entries(lock) {
            if fs::kind(&layout.entry(&entry))? != Some(Kind::Folder) {
                return Err(SwitchError::EntryMissing { entry });
            }
        }
        for file in settings.values() {
            if fs::kind(&layout.settings_file(file))? != Some(Kind::File) {
                return Err(SwitchError::SettingsMissing { file: file.clone() });
            }
        }
        Ok(())
    }
}

impl Pending<'_> {
    /// Its number, under which the host can try it.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Makes it live. When this returns without an error, the change outlives a power cut.
    ///
    /// # Errors
    /// When a step fails. With [`SwitchError::NotDurable`] the generation is live all the same; with every
    /// other error nothing has changed and a new generation is gone.
    pub fn make_live(mut self) -> Result<u64, SwitchError> {
        let store = self.writer.store;
        let layout = store.layout();
        if let Some(live) = live_number(layout)? {
            self.writer.mark(live)?;
        }
        let next = layout.next_plugins(&format!("{:016x}", fs::random()));
        let switched = fs::symlink(&Layout::plugins_target(self.number), &next)
            .and_then(|()| store.sync_point().sync())
            .and_then(|()| fs::rename(&next, &layout.plugins()));
        if let Err(error) = switched {
            // The first error is the one to report; what stays is removed by the next writer.
            let _ = fs::remove_file(&next);
            return Err(error.into());
        }
        self.remove = false;
        let number = self.number;
        fs::sync_folder(layout.home(), store.sync_point().durability())
            .map_err(|source| SwitchError::NotDurable { number, source })?;
        // The link already says it; this mark helps only if the link is lost, so it is no error if it fails.
        let _ = self.writer.mark(number);
        Ok(number)
    }

    /// Gives it up. A generation that was made for this is removed.
    ///
    /// # Errors
    /// When it cannot be removed; the next writer tries again.
    pub fn discard(mut self) -> Result<(), FsError> {
        let (layout, remove) = (self.writer.store.layout(), std::mem::replace(&mut self.remove, false));
        if !remove {
            return Ok(());
        }
        remove_settings(layout, &self.added);
        remove_generation(layout, self.number)
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if self.remove {
            let layout = self.writer.store.layout();
            remove_settings(layout, &self.added);
            // There is an error under way or a panic; the next writer removes what stays.
            let _ = remove_generation(layout, self.number);
        }
    }
}

impl Writer<'_> {
    /// Notes that a generation is live or was.
    fn mark(&self, number: u64) -> Result<(), FsError> {
        let layout = self.store.layout();
        let durability = self.store.sync_point().durability();
        match fs::create_new(&layout.was_live(number), b"", Access::Shared, durability) {
            Err(error) if error.source.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
            Ok(()) => fs::sync_new_folder(&layout.generation(number), durability),
        }
    }
}

/// Removes settings that nobody will read, secrets among them.
fn remove_settings(layout: &Layout, files: &[SettingsFile]) {
    for file in files {
        // There is an error under way, which is the one to report; garbage collection removes what stays.
        let _ = fs::remove_file(&layout.settings_file(file));
    }
}

/// Removes what a crash left behind: what was being built or removed, temporary links, and generations that
/// never were live. The home's lock proves that nobody is at work on them.
///
/// # Errors
/// When it cannot be removed.
pub fn remove_leftovers(layout: &Layout, _home: &HomeLock) -> Result<(), FsError> {
    for listed in fs::list_if_any(layout.home())? {
        if listed.kind == Kind::Link && Layout::is_next_plugins(&listed.name) {
            fs::remove_file(&layout.home().join(listed.name))?;
        }
    }
    for folder in [layout.home(), &layout.registries(), &layout.evidence()] {
        for listed in fs::list_if_any(folder)? {
            if listed.kind == Kind::File && Layout::is_new_file(&listed.name) {
                fs::remove_file(&folder.join(listed.name))?;
            }
        }
    }
    for listed in fs::list_if_any(&layout.generations())? {
        if Layout::is_staging(&listed.name) {
            fs::remove_tree(&layout.generations().join(listed.name))?;
        }
    }
    for number in numbers(layout)? {
        if !is_or_was_live(layout, number)? {
            remove_generation(layout, number)?;
        }
    }
    Ok(())
}

/// Removes a generation. It loses its number first, so that a crash leaves no half of one under it.
pub(super) fn remove_generation(layout: &Layout, number: u64) -> Result<(), FsError> {
    let staging = layout.staging_generation(&format!("{:016x}", fs::random()));
    fs::rename(&layout.generation(number), &staging)?;
    fs::remove_tree(&staging)
}
