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

use std::{collections::BTreeMap, io};

use leah_home::generation::{Generation, ReadError, entries};
use leah_plugin::{
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
}

/// A generation that is complete and not live. Dropping it changes nothing.
#[derive(Debug)]
pub struct Pending<'w> {
    writer: &'w Writer<'w>,
    number: u64,
    /// True while the generation has to be removed if it does not become live.
    remove: bool,
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
        let staging = layout.staging_generation(&format!("{:016x}", fs::random()));
        let published = self
            .fill(&staging, &draft.lock, &[lock, record])
            .and_then(|()| fs::rename(&staging, &layout.generation(number)));
        if let Err(error) = published {
            // The first error is the one to report; what stays is removed by the next writer.
            let _ = fs::remove_tree(&staging);
            return Err(error.into());
        }
        Ok(Pending { writer: self, number, remove: true })
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
        Ok(Pending { writer: self, number, remove: false })
    }

    fn fill(&self, staging: &std::path::Path, lock: &Lock, texts: &[String; 2]) -> Result<(), FsError> {
        let durability = self.store.sync_point().durability();
        fs::create_folder(staging)?;
        let [lock_text, record_text] = texts;
        fs::create_new(&Layout::lock_file_in(staging), lock_text.as_bytes(), Access::Shared, durability)?;
        fs::create_new(&Layout::record_in(staging), record_text.as_bytes(), Access::Shared, durability)?;
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
        let remove = std::mem::replace(&mut self.remove, false);
        if remove { remove_generation(self.writer.store.layout(), self.number) } else { Ok(()) }
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if self.remove {
            // There is an error under way or a panic; the next writer removes what stays.
            let _ = remove_generation(self.writer.store.layout(), self.number);
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

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests look at the disk themselves")]
mod tests {
    use std::fs as disk;

    use super::*;
    use crate::generation::sandbox::{Packed, Sandbox, add, draft, patiently};
    use crate::store::Trust;

    fn packed() -> [Packed; 2] {
        [Packed::new("text-tools", "one"), Packed::new("translator", "one")]
    }

    #[track_caller]
    fn check_live(sandbox: &Sandbox, number: Option<u64>, plugins: &[&str]) {
        let live = Generation::live(&sandbox.layout).unwrap();
        assert_eq!(live.as_ref().map(Generation::number), number);
        let names = live.iter().flat_map(|live| live.lock().plugins.keys());
        assert_eq!(names.map(ToString::to_string).collect::<Vec<_>>(), plugins);
    }

    #[track_caller]
    fn check_generations(sandbox: &Sandbox, expect: &[&str]) {
        assert_eq!(sandbox.names(&sandbox.layout.generations()), expect);
        let home = sandbox.names(sandbox.layout.home());
        assert!(!home.iter().any(|name| name.starts_with('.')), "{home:?}");
    }

    #[test]
    fn each_change_is_a_generation_with_the_one_before_as_parent() {
        let (sandbox, [tools, translator]) = (Sandbox::new(), packed());
        check_live(&sandbox, None, &[]);
        assert_eq!(sandbox.deploy(&[&tools]), 1);
        assert_eq!(sandbox.deploy(&[&tools, &translator]), 2);
        check_live(&sandbox, Some(2), &["text-tools", "translator"]);
        let record = Generation::live(&sandbox.layout).unwrap().unwrap().record().clone();
        assert_eq!((record.parent, record.verb.as_str()), (Some(1), "install"));
        check_generations(&sandbox, &["1", "2"]);
        let manifest = sandbox.layout.plugins().join("translator/plugin.yaml");
        assert_eq!(disk::read(manifest).unwrap(), b"translator");
    }

    #[test]
    fn a_disabled_plugin_has_no_link() {
        let (sandbox, [tools, translator]) = (Sandbox::new(), packed());
        let store = sandbox.store();
        let mut draft = draft(&[&tools, &translator]);
        draft.lock.plugins.get_mut(&tools.name).unwrap().enabled = false;
        add(&store, &tools, Trust::WhatWasLive);
        add(&store, &translator, Trust::WhatWasLive);
        let writer = patiently(|patience| Writer::begin(&store, "leahpm disable", patience)).unwrap();
        let number = writer.write(&draft).unwrap().make_live().unwrap();
        let expect = ["generation.yaml", "leah.lock", "translator", "was.live"];
        assert_eq!(sandbox.names(&sandbox.layout.generation(number)), expect);
    }

    #[test]
    fn a_plugin_may_be_called_live() {
        let (sandbox, package) = (Sandbox::new(), Packed::new("live", "one"));
        sandbox.deploy(&[&package]);
        sandbox.deploy(&[]);
        assert_eq!(sandbox.roll_back(1).unwrap(), 1);
    }

    #[test]
    fn changes_nothing_when_it_is_given_up_or_forgotten() {
        let (sandbox, [tools, translator]) = (Sandbox::new(), packed());
        sandbox.deploy(&[&tools]);
        sandbox.try_deploy(&[&translator], |pending| Ok(pending.discard()?)).unwrap();
        check_generations(&sandbox, &["1"]);
        sandbox.try_deploy(&[&translator], |_forgotten| Ok(())).unwrap();
        check_generations(&sandbox, &["1"]);
        check_live(&sandbox, Some(1), &["text-tools"]);
    }

    #[test]
    fn changes_nothing_when_the_rename_fails() {
        let (sandbox, [tools, _]) = (Sandbox::new(), packed());
        let block = |pending: Pending<'_>| {
            // A folder in the way: no link can be renamed over it.
            disk::create_dir(sandbox.layout.plugins()).unwrap();
            let result = pending.make_live();
            disk::remove_dir(sandbox.layout.plugins()).unwrap();
            result
        };
        assert!(sandbox.try_deploy(&[&tools], block).is_err());
        check_generations(&sandbox, &[]);
        check_live(&sandbox, None, &[]);
    }

    #[test]
    fn after_a_crash_the_next_writer_removes_what_never_was_live() {
        let (sandbox, [tools, translator]) = (Sandbox::new(), packed());
        sandbox.deploy(&[&tools]);
        sandbox.crash(&[&translator]);
        disk::create_dir(sandbox.layout.staging_generation("0")).unwrap();
        fs::symlink(&Layout::plugins_target(2), &sandbox.layout.next_plugins("0")).unwrap();
        assert!(matches!(
            Generation::read(&sandbox.layout, 2).unwrap_err(),
            ReadError::Unknown { number: 2 }
        ));
        check_live(&sandbox, Some(1), &["text-tools"]);
        assert_eq!(sandbox.deploy(&[&translator]), 2);
        check_generations(&sandbox, &["1", "2"]);
    }

    #[test]
    fn a_rollback_makes_no_new_generation_and_can_be_rolled_back() {
        let (sandbox, [tools, translator]) = (Sandbox::new(), packed());
        sandbox.deploy(&[&tools]);
        sandbox.deploy(&[&translator]);
        assert_eq!(sandbox.roll_back(1).unwrap(), 1);
        check_live(&sandbox, Some(1), &["text-tools"]);
        assert_eq!(sandbox.roll_back(2).unwrap(), 2);
        check_live(&sandbox, Some(2), &["translator"]);
        sandbox.roll_back(1).unwrap();
        assert_eq!(sandbox.deploy(&[]), 3);
        let record = Generation::live(&sandbox.layout).unwrap().unwrap().record().clone();
        assert_eq!(record.parent, Some(1));
    }

    #[test]
    fn refuses_to_return_to_what_is_live_or_unknown_or_incomplete() {
        let (sandbox, [tools, translator]) = (Sandbox::new(), packed());
        sandbox.deploy(&[&tools]);
        sandbox.deploy(&[&translator]);
        assert_eq!(sandbox.roll_back(2).unwrap_err().to_string(), "generation 2 is live already");
        assert_eq!(sandbox.roll_back(7).unwrap_err().to_string(), "there is no generation 7");
        fs::remove_tree(&sandbox.layout.entry(&tools.entry())).unwrap();
        let expect = format!("`{}` is not in the store any more", tools.entry());
        assert_eq!(sandbox.roll_back(1).unwrap_err().to_string(), expect);
        check_live(&sandbox, Some(2), &["translator"]);
    }

    #[test]
    fn settings_belong_to_their_generation_and_to_the_user_alone() {
        use std::os::unix::fs::PermissionsExt;

        let (sandbox, [tools, _]) = (Sandbox::new(), packed());
        let store = sandbox.store();
        add(&store, &tools, Trust::WhatWasLive);
        let writer = patiently(|patience| Writer::begin(&store, "leahpm config", patience)).unwrap();
        let file = writer.add_settings(&tools.name, b"key: secret\n").unwrap();
        let mut draft = draft(&[&tools]);
        draft.settings.insert(file.name().clone(), file.clone());
        writer.write(&draft).unwrap().make_live().unwrap();
        let path = sandbox.layout.settings_file(&file);
        assert_eq!(disk::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        disk::remove_file(path).unwrap();
        assert!(matches!(writer.write(&draft).unwrap_err(), SwitchError::SettingsMissing { .. }));
    }
}
