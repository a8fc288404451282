//! Looking for damage: every file of a generation against the hash in its lock, every link against its
//! plugin. It repairs nothing and deletes nothing; it reports.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use crate::fs::{self, FsError, Kind, shown};
use leah_home::{
    content::{Content, content_of},
    generation::{Generation, ReadError, history},
};
use leah_plugin::{
    digest::Digest,
    layout::{EntryName, Layout},
    lock::{Lock, Locked},
    name::PluginName,
    settings::{Settings, SettingsError},
    yaml::MAX_YAML_BYTES,
};

/// How much is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// The live generation.
    Live,
    /// Every generation that is or was live.
    History,
}

/// What was looked at and what was found.
#[derive(Debug, Default)]
pub struct Report {
    /// The numbers of the generations that were looked at, the newest first.
    pub generations: Vec<u64>,
    /// How many entries were hashed.
    pub entries: usize,
    /// What is not as it should be.
    pub damage: Vec<Damage>,
}

/// One thing that is not as it should be.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// A package is not in the store.
    #[error("`{entry}` is missing from the store")]
    EntryMissing {
        /// Its entry.
        entry: EntryName,
    },
    /// The files of a package are not those that were installed.
    #[error("the files of `{entry}` have changed")]
    EntryChanged {
        /// Its entry.
        entry: EntryName,
        /// Its folder.
        path: PathBuf,
        /// The content hash in the lock.
        expected: Digest,
        /// That of the files.
        found: Digest,
    },
    /// Something stands in the folder of a package that no package holds.
    #[error("`{}` does not belong to `{entry}`", shown(.path))]
    Extra {
        /// The entry.
        entry: EntryName,
        /// What stands there.
        path: PathBuf,
    },
    /// The link of an enabled plugin is missing or leads elsewhere.
    #[error("`{}` does not lead to `{entry}`", shown(.path))]
    LinkWrong {
        /// The link.
        path: PathBuf,
        /// Where it should lead.
        entry: EntryName,
    },
    /// Something stands in the folder of a generation that was not put there.
    #[error("`{}` does not belong to generation {number}", shown(.path))]
    ExtraInGeneration {
        /// The generation.
        number: u64,
        /// What stands there.
        path: PathBuf,
    },
    /// A settings file is missing.
    #[error("the settings `{}` are missing", shown(.path))]
    SettingsMissing {
        /// The plugin.
        name: PluginName,
        /// The file.
        path: PathBuf,
    },
    /// A settings file is none any more.
    #[error("the settings `{}` are damaged", shown(.path))]
    SettingsDamaged {
        /// The plugin.
        name: PluginName,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: SettingsError,
    },
    /// Something could not be read.
    #[error("a part of the installation cannot be read")]
    Unreadable {
        /// What, and why.
        source: FsError,
    },
}

impl Damage {
    /// The entry whose files are to be fetched again, if it is one.
    #[must_use]
    pub fn entry(&self) -> Option<&EntryName> {
        match self {
            Self::EntryMissing { entry } | Self::EntryChanged { entry, .. } | Self::Extra { entry, .. } => {
                Some(entry)
            }
            _ => None,
        }
    }

    /// The kind of damage in a word, for scripts.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::EntryMissing { .. } => "entry-missing",
            Self::EntryChanged { .. } => "entry-changed",
            Self::Extra { .. } => "extra",
            Self::LinkWrong { .. } => "link-wrong",
            Self::ExtraInGeneration { .. } => "extra-in-generation",
            Self::SettingsMissing { .. } => "settings-missing",
            Self::SettingsDamaged { .. } => "settings-damaged",
            Self::Unreadable { .. } => "unreadable",
        }
    }

    /// The plugin that is hit, if it is about one.
    #[must_use]
    pub fn plugin(&self) -> Option<&PluginName> {
        match self {
            Self::LinkWrong { entry, .. } => Some(entry.name()),
            _ => self.entry().map(EntryName::name).or(self.settings()),
        }
    }

    /// What is damaged, strange or gone, where its error names it.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::EntryChanged { path, .. }
            | Self::Extra { path, .. }
            | Self::LinkWrong { path, .. }
            | Self::ExtraInGeneration { path, .. }
            | Self::SettingsMissing { path, .. }
            | Self::SettingsDamaged { path, .. } => Some(path),
            Self::EntryMissing { .. } | Self::Unreadable { .. } => None,
        }
    }

    /// The plugin whose settings are gone, if it is about settings.
    #[must_use]
    pub fn settings(&self) -> Option<&PluginName> {
        match self {
            Self::SettingsMissing { name, .. } | Self::SettingsDamaged { name, .. } => Some(name),
            _ => None,
        }
    }
}

/// Looks at the live generation, or at all of them. Each entry is hashed once.
///
/// # Errors
/// When there is no telling what should be there, since a record or a lock cannot be read.
pub fn check(layout: &Layout, extent: Extent) -> Result<Report, ReadError> {
    let mut report = Report::default();
    let mut contents = BTreeSet::new();
    let numbers = match extent {
        Extent::Live => Generation::live(layout)?.map(|live| live.number()).into_iter().collect(),
        Extent::History => history(layout)?.iter().map(|past| past.record.number).collect::<Vec<_>>(),
    };
    for number in numbers {
        let generation = Generation::read(layout, number)?;
        report.generations.push(number);
        contents.extend(
            generation.lock().plugins.iter().map(|(name, locked)| (locked.entry(name), locked.content)),
        );
        report.note(|damage| check_generation(layout, &generation, damage));
    }
    for (entry, content) in contents {
        report.entries += 1;
        report.note(|damage| check_entry(layout, entry, content, damage));
    }
    Ok(report)
}

/// Looks at the files of one plugin.
///
/// # Errors
/// When a part of them cannot be read.
pub fn check_plugin(layout: &Layout, name: &PluginName, locked: &Locked) -> Result<Vec<Damage>, FsError> {
    let mut damage = Vec::new();
    check_entry(layout, locked.entry(name), locked.content, &mut damage)?;
    Ok(damage)
}

impl Report {
    /// What cannot be read is damage too; the rest is looked at all the same.
    fn note(&mut self, look: impl FnOnce(&mut Vec<Damage>) -> Result<(), FsError>) {
        if let Err(source) = look(&mut self.damage) {
            self.damage.push(Damage::Unreadable { source });
        }
    }
}

fn check_generation(
    layout: &Layout,
    generation: &Generation,
    damage: &mut Vec<Damage>,
) -> Result<(), FsError> {
    let number = generation.number();
    let folder = layout.generation(number);
    let mut expected =
        BTreeSet::from([layout.lock_file(number), layout.record(number), layout.was_live(number)]);
    for (name, locked) in generation.lock().plugins.iter().filter(|(_, locked)| locked.enabled) {
        let (path, entry) = (Layout::plugin_in(&folder, name), locked.entry(name));
        let right =
            fs::kind(&path)? == Some(Kind::Link) && fs::read_link(&path)? == Layout::plugin_target(&entry);
        if !right {
            damage.push(Damage::LinkWrong { path: path.clone(), entry });
        }
        expected.insert(path);
    }
    // A twin that does not say what the lock says would be read in its place.
    let (text, twin) =
        (fs::read(&layout.lock_file(number), MAX_YAML_BYTES as u64)?, Layout::lock_twin_in(&folder));
    let says = |twin: Vec<u8>| Lock::read_twin(&twin, &Digest::of(&text));
    let said = fs::read_if_any(&twin, MAX_YAML_BYTES as u64)?.and_then(says);
    if said.is_none_or(|said| Lock::read(&text).is_ok_and(|lock| lock == said)) {
        expected.insert(twin);
    }
    for listed in fs::list(&folder)? {
        let path = folder.join(listed.name);
        if !expected.contains(&path) {
            damage.push(Damage::ExtraInGeneration { number, path });
        }
    }
    for (name, file) in &generation.record().settings {
        let (name, path) = (name.clone(), layout.settings_file(file));
        if fs::kind(&path)? != Some(Kind::File) {
            damage.push(Damage::SettingsMissing { name, path });
            continue;
        }
        if let Err(source) = Settings::read(&fs::read(&path, MAX_YAML_BYTES as u64)?) {
            damage.push(Damage::SettingsDamaged { name, path, source });
        }
    }
    Ok(())
}

fn check_entry(
    layout: &Layout,
    entry: EntryName,
    expected: Digest,
    damage: &mut Vec<Damage>,
) -> Result<(), FsError> {
    let path = layout.entry(&entry);
    if fs::kind(&path)? != Some(Kind::Folder) {
        damage.push(Damage::EntryMissing { entry });
        return Ok(());
    }
    match content_of(&path)? {
        Content::Whole(found) if found == expected => {}
        Content::Whole(found) => damage.push(Damage::EntryChanged { entry, path, expected, found }),
        Content::Foreign(paths) => {
            damage.extend(paths.into_iter().map(|path| Damage::Extra { entry: entry.clone(), path }));
        }
    }
    Ok(())
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests look at the disk themselves")]
mod tests {
    use std::fs as disk;

    use super::*;
    use crate::generation::sandbox::{Packed, Sandbox};

    #[track_caller]
    fn check_damage(harm: impl FnOnce(&Layout, &Packed), expect: &str) {
        let (sandbox, package) = (Sandbox::new(), Packed::new("translator", "one"));
        sandbox.deploy(&[&package]);
        harm(&sandbox.layout, &package);
        let report = check(&sandbox.layout, Extent::Live).unwrap();
        let damage: Vec<_> = report.damage.iter().map(ToString::to_string).collect();
        let home = sandbox.layout.home().to_str().unwrap();
        assert_eq!(damage.join("; ").replace(home, "HOME"), expect);
    }

    fn open(folder: &Path) -> &Path {
        fs::make_writable(folder).unwrap();
        folder
    }

    #[test]
    fn finds_nothing_where_nothing_is_wrong() {
        let sandbox = Sandbox::new();
        assert_eq!(check(&sandbox.layout, Extent::History).unwrap().entries, 0);
        let packages = [Packed::new("translator", "one"), Packed::new("translator", "two")];
        for package in &packages {
            sandbox.deploy(&[package]);
        }
        sandbox.deploy(&[&packages[0]]);
        let live = check(&sandbox.layout, Extent::Live).unwrap();
        assert_eq!((live.generations, live.entries, live.damage.len()), (vec![3], 1, 0));
        let all = check(&sandbox.layout, Extent::History).unwrap();
        assert_eq!((all.generations, all.entries, all.damage.len()), (vec![3, 2, 1], 2, 0));
    }

    #[test]
    fn names_every_damage_with_its_place() {
        check_damage(
            |layout, package| fs::remove_tree(&layout.entry(&package.entry())).unwrap(),
            &format!("`{}` is missing from the store", Packed::new("translator", "one").entry()),
        );
        let entry = Packed::new("translator", "one").entry();
        check_damage(
            |layout, package| {
                let folder = layout.entry(&package.entry());
                disk::remove_file(open(&folder).join("plugin.yaml")).unwrap();
            },
            &format!("the files of `{entry}` have changed"),
        );
        check_damage(
            |layout, package| {
                let folder = layout.entry(&package.entry());
                fs::symlink(Path::new("/"), &open(&folder).join("root")).unwrap();
            },
            &format!("`HOME/store/{entry}/root` does not belong to `{entry}`"),
        );
        check_damage(
            |layout, _| {
                let twin = Layout::lock_twin_in(&layout.generation(1));
                let changed =
                    disk::read_to_string(&twin).unwrap().replace("\"enabled\":true", "\"enabled\":false");
                disk::remove_file(&twin).unwrap();
                disk::write(&twin, changed).unwrap();
            },
            "`HOME/generations/1/leah.lock.json` does not belong to generation 1; \
             `HOME/generations/1/translator` does not belong to generation 1",
        );
        check_damage(
            |layout, _| {
                let link = layout.generation(1).join("translator");
                disk::remove_file(&link).unwrap();
                fs::symlink(Path::new("/"), &link).unwrap();
            },
            &format!("`HOME/generations/1/translator` does not lead to `{entry}`"),
        );
        check_damage(
            |layout, _| fs::symlink(Path::new("/"), &layout.generation(1).join("other")).unwrap(),
            "`HOME/generations/1/other` does not belong to generation 1",
        );
    }
}
