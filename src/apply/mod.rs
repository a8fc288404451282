//! Carries out what was decided: the only module that knows all effects, and the only one that changes
//! the live set. Each step is told to one observer.
//!
//! Resolving, asking and downloading happen without the home's lock; then the lock is taken, and if another
//! generation is live by then, the plan is made again.

mod bundle;
mod deploy;
mod maintain;
mod remember;
mod settings;
mod trial;

use std::path::PathBuf;

use leah_plugin::{
    generation::VerbError,
    layout::{EntryName, Layout},
    manifest::ManifestError,
    name::{Origin, PluginName},
    settings::SettingsError,
};
use semver::Version;

pub use self::{
    bundle::bundle,
    deploy::{Outcome, Rolled, deploy, rollback},
    maintain::{collect, repair, tools},
    remember::{forget_seen, remember_met, remember_registries, remember_seen, remember_token},
    settings::{Configured, configured, difference as settings_difference},
    trial::{Confirmed, MissingSetting, Reloaded, Switched, reload},
};
use crate::{
    bundle::BundleError,
    config::{Config, ConfigError},
    credentials::CredentialsError,
    fetch::{FetchError, Progress},
    fs::FsError,
    generation::{ReadError, SwitchError, gc::GcError},
    host::HostError,
    registry::SessionError,
    restore::RestoreError,
    settings::OrderError,
    store::{
        StoreError,
        lock::{LockingError, Patience},
    },
};

/// What every change needs to know.
#[derive(Clone, Copy)]
pub struct Apply<'a> {
    /// Where everything lies.
    pub layout: &'a Layout,
    /// What the run may do.
    pub config: &'a Config,
    /// The command, for the note that others who wait will read.
    pub command: &'a str,
    /// Seconds since 1970.
    pub now: u64,
    /// Told of each step.
    pub observer: &'a (dyn Fn(Event<'_>) + Sync),
}

/// A step of a change.
#[derive(Debug)]
pub enum Event<'a> {
    /// Another process is changing the same home.
    Waiting {
        /// What it says of itself.
        holder: &'a str,
    },
    /// Packages are about to be fetched.
    Fetching {
        /// How many.
        packages: usize,
        /// Their size together, in bytes.
        bytes: u64,
    },
    /// Bytes of a package came over the network.
    Received {
        /// The plugin.
        name: &'a PluginName,
        /// How many so far; less than before where an attempt begins anew.
        bytes: u64,
    },
    /// A package is what was signed.
    Verified {
        /// The plugin.
        name: &'a PluginName,
        /// Its version.
        version: &'a Version,
        /// Size of the archive in bytes.
        size: u64,
    },
    /// A package is in the store.
    Stored {
        /// Its entry.
        entry: &'a EntryName,
    },
    /// A generation is written and not live yet.
    Written {
        /// Its number.
        number: u64,
    },
    /// The running host is asked to try it.
    Trying {
        /// Its number.
        number: u64,
    },
    /// The running host is at work on another change.
    HostBusy,
    /// A generation is live, and will be after a power cut.
    Live {
        /// Its number.
        number: u64,
    },
    /// The running host has switched to it.
    Runs {
        /// Its number.
        number: u64,
    },
}

/// Why a change did not happen.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The lock was not obtained.
    #[error(transparent)]
    Locking(#[from] LockingError),
    /// A registry could not be used.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// A package did not come into the store.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A generation cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A generation cannot be written or made live.
    #[error(transparent)]
    Switch(#[from] SwitchError),
    /// The running host does not take the new set, or cannot be asked; nothing has changed.
    #[error(transparent)]
    Host(#[from] HostError),
    /// Garbage cannot be collected.
    #[error(transparent)]
    Gc(#[from] GcError),
    /// A command of ours has a name that history cannot hold.
    #[error("the command cannot stand in the history")]
    Verb(#[from] VerbError),
    /// A bundle cannot be written.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// A lock is not what the registries say.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// The configuration cannot be written.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The tokens cannot be read or written.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// A file cannot be read or written.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// The registry no longer has the package that a lock names.
    #[error("registry `{registry}` has no `{name}` {version} with the sha256 that the lock names")]
    Gone {
        /// The registry.
        registry: Origin,
        /// The plugin.
        name: PluginName,
        /// The version.
        version: Version,
    },
    /// The key that signed the package was revoked: whoever has it by now could have signed anything.
    #[error("`{name}` {version} of registry `{registry}` is signed with a key that was revoked")]
    Revoked {
        /// The registry.
        registry: Origin,
        /// The plugin.
        name: PluginName,
        /// The version.
        version: Version,
    },
    /// The manifest in the store is not the one that was installed.
    #[error("the manifest of the installed `{name}` is not valid")]
    Manifest {
        /// The plugin.
        name: PluginName,
        /// What is wrong.
        source: ManifestError,
    },
    /// A setting cannot be changed as it was asked for.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// A plugin is to have settings and is not in the set.
    #[error("`{0}` is not in the set that is to be installed, and cannot have settings")]
    NotInSet(PluginName),
    /// The settings of a plugin cannot be read.
    #[error("cannot read `{}`", crate::fs::shown(path))]
    Settings {
        /// Their file.
        path: PathBuf,
        /// What is wrong.
        source: SettingsError,
    },
    /// The settings of a plugin are not where they should be.
    #[error("the settings of `{name}` are gone: `{}`", crate::fs::shown(path))]
    SettingsGone {
        /// The plugin.
        name: PluginName,
        /// Their file.
        path: PathBuf,
    },
    /// The settings of a plugin are more than a file of them may hold.
    #[error("cannot write the settings of `{name}`")]
    TooManySettings {
        /// The plugin.
        name: PluginName,
        /// Why.
        source: SettingsError,
    },
    /// There is nothing to go back to.
    #[error("there is no earlier generation to go back to")]
    NoParent,
    /// Something was written that cannot be read as YAML.
    #[error("cannot write `{}`", crate::fs::shown(path))]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: leah_plugin::yaml::YamlError,
    },
}

impl<'a> Apply<'a> {
    /// Waits for a lock as long as the configuration says, and tells the observer for whom.
    fn with_patience<T>(&self, take: impl FnOnce(&mut Patience<'_>) -> T) -> T {
        let mut tell = |holder: Option<&str>| {
            (self.observer)(Event::Waiting { holder: holder.unwrap_or("unknown") });
        };
        take(&mut Patience { longest: self.config.lock_wait, waiting_for: &mut tell })
    }

    /// What others who wait are told that this process does.
    fn purpose(&self) -> String {
        format!("leahpm {}", self.command)
    }

    /// Tells the observer of a step in the life of a package.
    fn see_progress(&self, progress: &Progress<'_>) {
        self.see(match *progress {
            Progress::Received { name, bytes } => Event::Received { name, bytes },
            Progress::Verified { name, version, size } => Event::Verified { name, version, size },
            Progress::Stored(entry) => Event::Stored { entry },
        });
    }

    fn see(&self, event: Event<'_>) {
        (self.observer)(event);
    }
}
