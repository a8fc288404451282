//! Where everything stands on disk. Every path of an installation is made here and nowhere else, so
//! that package manager and host cannot disagree; nothing here touches a disk.

mod cache;
mod names;

use std::{
    ffi::OsStr,
    path::{Component, Path, PathBuf},
};

pub use self::cache::CacheLayout;
use self::names::is_lower_hex;
pub use self::names::{EntryName, EntryNameError, SettingsFile, SettingsFileError};
use crate::{
    digest::Digest,
    name::{Origin, PluginName},
    package::MANIFEST_FILE,
};

/// What the names of folders begin with that are being built or being removed.
const STAGING: &str = ".staging-";

/// What the names of files begin with that are about to replace others.
const NEW_FILE: &str = ".new-";

/// What the name of the link begins with that is about to be renamed over `plugins`.
const NEXT_PLUGINS: &str = ".plugins-";

/// The paths of one installation, all below its home.
///
/// ```text
/// <home>/plugins                 link to generations/<n>, the live one
/// <home>/generations/<n>/        leah.lock, generation.yaml, was.live, <name> -> ../../store/<entry>
/// <home>/store/<entry>/          the files of a package, read-only
/// <home>/settings/<file>         settings of one plugin, immutable
/// <home>/data/<name>/files/      the files that a plugin keeps
/// <home>/data/<name>/store.redb  its keys and values
/// <home>/host.yaml               what the user tells the host
/// <home>/host.lock               the host that serves this home
/// <home>/run/<16 hex>.sock       its socket, where the system has no folder for such
/// <home>/registries.yaml         the registries and their pinned root keys
/// <home>/registries/<origin>     what was seen of a registry
/// <home>/credentials.yaml        tokens for private registries
/// <home>/evidence/<file>         what a registry was caught with
/// <home>/dev.yaml                development plugins
/// <home>/lock, store/lock        who changes something
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    home: PathBuf,
}

impl Layout {
    /// The layout below `home`. The folder need not exist.
    #[must_use]
    pub fn new(home: impl Into<PathBuf>) -> Self {
        Self { home: home.into() }
    }

    /// The folder that holds all the others.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The link to the live generation; renaming over it is what makes a change.
    #[must_use]
    pub fn plugins(&self) -> PathBuf {
        self.home.join("plugins")
    }

    /// What the link `plugins` holds while generation `number` is live. Relative, so that a home can be moved.
    #[must_use]
    pub fn plugins_target(number: u64) -> PathBuf {
        Path::new("generations").join(number.to_string())
    }

    /// The inverse of [`Layout::plugins_target`]: the number in what the link `plugins` holds, if we wrote it.
    #[must_use]
    pub fn number_in_target(target: &Path) -> Option<u64> {
        let mut parts = target.components();
        match (parts.next()?, parts.next()?, parts.next()) {
            (Component::Normal(folder), Component::Normal(number), None) if folder == "generations" => {
                Self::number_in_name(number)
            }
            _ => None,
        }
    }

    /// A temporary name beside `plugins` for the link that replaces it.
    #[must_use]
    pub fn next_plugins(&self, random: &str) -> PathBuf {
        self.home.join(format!("{NEXT_PLUGINS}{random}"))
    }

    /// True for a name that [`Layout::next_plugins`] made.
    #[must_use]
    pub fn is_next_plugins(name: &OsStr) -> bool {
        name.as_encoded_bytes().starts_with(NEXT_PLUGINS.as_bytes())
    }

    /// True for the name of a file that was about to replace another: `.new-<16 hex>`, beside it.
    #[must_use]
    pub fn is_new_file(name: &OsStr) -> bool {
        name.to_str().and_then(|name| name.strip_prefix(NEW_FILE)).is_some_and(|hex| is_lower_hex(hex, 16))
    }

    /// A temporary name beside `path` for the file that replaces it. Any folder: packages and signatures
    /// are written so too.
    #[must_use]
    pub fn new_file(path: &Path, unique: u64) -> PathBuf {
        path.with_file_name(format!("{NEW_FILE}{unique:016x}"))
    }

    /// The folder of all generations.
    #[must_use]
    pub fn generations(&self) -> PathBuf {
        self.home.join("generations")
    }

    /// The folder of generation `number`.
    #[must_use]
    pub fn generation(&self, number: u64) -> PathBuf {
        self.generations().join(number.to_string())
    }

    /// The number that the name of a generation's folder is: decimal, from 1, without leading zeros.
    #[must_use]
    pub fn number_in_name(name: &OsStr) -> Option<u64> {
        let text = name.to_str()?;
        let number = text.parse().ok().filter(|number| *number > 0)?;
        // `007` and `+7` parse too, but no folder of ours is called so.
        (u64::to_string(&number) == text).then_some(number)
    }

    /// A folder in which a generation is built, or to which one is moved to be removed.
    #[must_use]
    pub fn staging_generation(&self, random: &str) -> PathBuf {
        self.generations().join(format!("{STAGING}{random}"))
    }

    /// `leah.lock` of generation `number`.
    #[must_use]
    pub fn lock_file(&self, number: u64) -> PathBuf {
        Self::lock_file_in(&self.generation(number))
    }

    /// `leah.lock` in the folder of a generation, wherever that stands.
    #[must_use]
    pub fn lock_file_in(generation: &Path) -> PathBuf {
        generation.join("leah.lock")
    }

    /// The twin of the lock in the folder of a generation, wherever that stands.
    #[must_use]
    pub fn lock_twin_in(generation: &Path) -> PathBuf {
        generation.join("leah.lock.json")
    }

    /// `generation.yaml` of generation `number`. Who uses the generation holds a shared lock on this file.
    #[must_use]
    pub fn record(&self, number: u64) -> PathBuf {
        Self::record_in(&self.generation(number))
    }

    /// `generation.yaml` in the folder of a generation, wherever that stands.
    #[must_use]
    pub fn record_in(generation: &Path) -> PathBuf {
        generation.join("generation.yaml")
    }

    /// The empty file that says that generation `number` was live before another one became it.
    #[must_use]
    pub fn was_live(&self, number: u64) -> PathBuf {
        // No plugin's link can have this name: the names of both are told apart by the dot.
        self.generation(number).join("was.live")
    }

    /// The link of an enabled plugin in the folder of a generation, wherever that stands.
    #[must_use]
    pub fn plugin_in(generation: &Path, name: &PluginName) -> PathBuf {
        generation.join(name.as_str())
    }

    /// What the link of an enabled plugin holds.
    #[must_use]
    pub fn plugin_target(entry: &EntryName) -> PathBuf {
        ["..", "..", "store", &entry.to_string()].iter().collect()
    }

    /// The folder of all unpacked packages.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.home.join("store")
    }

    /// The folder of one unpacked package.
    #[must_use]
    pub fn entry(&self, entry: &EntryName) -> PathBuf {
        self.store().join(entry.to_string())
    }

    /// The manifest of an unpacked package.
    #[must_use]
    pub fn manifest(&self, entry: &EntryName) -> PathBuf {
        self.entry(entry).join(MANIFEST_FILE)
    }

    /// A folder in which an entry is built, or to which one is moved to be removed.
    #[must_use]
    pub fn staging_entry(&self, random: &str) -> PathBuf {
        self.store().join(format!("{STAGING}{random}"))
    }

    /// True for the names of folders in `store` and `generations` that are being built or removed.
    #[must_use]
    pub fn is_staging(name: &OsStr) -> bool {
        name.as_encoded_bytes().starts_with(STAGING.as_bytes())
    }

    /// The folder of all settings files.
    #[must_use]
    pub fn settings(&self) -> PathBuf {
        self.home.join("settings")
    }

    /// One settings file.
    #[must_use]
    pub fn settings_file(&self, file: &SettingsFile) -> PathBuf {
        self.settings().join(file.to_string())
    }

    /// The folder that a plugin may write to.
    #[must_use]
    pub fn data(&self, name: &PluginName) -> PathBuf {
        self.home.join("data").join(name.as_str())
    }

    /// The files of a plugin, which it sees as its own folder.
    #[must_use]
    pub fn data_files(&self, name: &PluginName) -> PathBuf {
        self.data(name).join("files")
    }

    /// The database with the keys and values of a plugin.
    #[must_use]
    pub fn data_store(&self, name: &PluginName) -> PathBuf {
        self.data(name).join("store.redb")
    }

    /// What the user tells the host: limits, the most that any plugin may do, the model.
    #[must_use]
    pub fn host_file(&self) -> PathBuf {
        self.home.join("host.yaml")
    }

    /// The file that the one host of this home holds a lock on.
    #[must_use]
    pub fn host_lock(&self) -> PathBuf {
        self.home.join("host.lock")
    }

    /// The folder of the host's socket: in `runtime`, the folder that the system gives a user for such things, else in
    /// the home. `0700`, and its owner is checked before it is used.
    #[must_use]
    pub fn socket_folder(&self, runtime: Option<&Path>) -> PathBuf {
        runtime.map_or_else(|| self.home.join("run"), |runtime| runtime.join("leah"))
    }

    /// The host's socket. `canonical` is this home by the path without links, so that all who spell it differently
    /// meet at one socket.
    #[must_use]
    pub fn socket(&self, runtime: Option<&Path>, canonical: &Path) -> PathBuf {
        let digest = Digest::of(canonical.as_os_str().as_encoded_bytes()).to_string();
        self.socket_folder(runtime).join(format!("{}.sock", &digest[..16]))
    }

    /// The list of registries.
    #[must_use]
    pub fn registries_file(&self) -> PathBuf {
        self.home.join("registries.yaml")
    }

    /// The folder of what was seen of each registry.
    #[must_use]
    pub fn registries(&self) -> PathBuf {
        self.home.join("registries")
    }

    /// What was seen of one registry: highest epoch and serial, pinned publisher keys.
    #[must_use]
    pub fn registry_state(&self, origin: &Origin) -> PathBuf {
        self.registries().join(origin.as_str())
    }

    /// The tokens for private registries.
    #[must_use]
    pub fn credentials(&self) -> PathBuf {
        self.home.join("credentials.yaml")
    }

    /// The folder of what registries were caught with.
    #[must_use]
    pub fn evidence(&self) -> PathBuf {
        self.home.join("evidence")
    }

    /// What the registry `origin` was caught with when it showed the head with this hash.
    #[must_use]
    pub fn evidence_of(&self, origin: &Origin, head: &Digest) -> PathBuf {
        self.evidence().join(format!("{origin}-{}.yaml", head.short()))
    }

    /// The cache of a user to whom the system gives no folder for one.
    #[must_use]
    pub fn cache(&self) -> PathBuf {
        self.home.join("cache")
    }

    /// The list of development plugins; it exists only while one is being developed.
    #[must_use]
    pub fn dev_file(&self) -> PathBuf {
        self.home.join("dev.yaml")
    }

    /// The lock that orders those who change the live generation.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.home.join("lock")
    }

    /// The lock between those who add to the store and the one who removes from it.
    #[must_use]
    pub fn store_lock(&self) -> PathBuf {
        // An entry's name ends in 12 digits after a version; it is never `lock`.
        self.store().join("lock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_number(name: &str, expect: Option<u64>) {
        assert_eq!(Layout::number_in_name(OsStr::new(name)), expect, "{name}");
        let target = Path::new("generations").join(name);
        assert_eq!(Layout::number_in_target(&target), expect, "{}", target.display());
    }

    #[test]
    fn knows_the_numbers_of_generations_in_one_spelling() {
        check_number("1", Some(1));
        check_number("18446744073709551615", Some(u64::MAX));
        for name in ["", "0", "01", "+1", "-1", "1 ", "18446744073709551616", ".staging-1", "x"] {
            check_number(name, None);
        }
        for target in ["1", "/generations/1", "generations", "generations/1/x", "../generations/1", "store/1"]
        {
            assert_eq!(Layout::number_in_target(Path::new(target)), None, "{target}");
        }
    }
}
