//! The configuration of one run: flags and environment become meaning here, once; nobody reads the
//! environment later. Also the registries a user has added, in `registries.yaml`.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use leah_plugin::{
    key::PublicKey,
    layout::Layout,
    name::Origin,
    yaml::{self, Format, YamlError},
};
use semver::Version;
use serde::{Deserialize, Serialize};

use crate::{
    consent::Choices,
    fs::{self, Access, Durability, FsError},
};

/// What a run may do and where.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where plugins, store and settings lie.
    pub home: PathBuf,
    /// No network.
    pub offline: bool,
    /// Say what would be done, and do nothing.
    pub dry_run: bool,
    /// Yes to every question but those about permissions and keys.
    pub yes: bool,
    /// What was said about permissions.
    pub choices: Choices,
    /// The version of leah-host to resolve for; the one built in where none is given.
    pub host_version: Option<Version>,
    /// How long to wait for another leahpm that changes the same home.
    pub lock_wait: Duration,
    /// Whether changes are synced to the disk; only a test ever says no.
    pub durability: Durability,
}

/// Largest `registries.yaml` that is read, in bytes.
const MAX_REGISTRIES_BYTES: u64 = 1 << 20;

/// The file `registries.yaml`: registries that the user added and trusts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registries {
    /// Number of the file's format.
    pub format: Format<1>,
    /// The registry of a bare name; `bundled` where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Origin>,
    /// By the name that the registry's own root states.
    #[serde(default)]
    pub registries: BTreeMap<Origin, RegistryConfig>,
}

/// One added registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistryConfig {
    /// An absolute folder.
    pub url: String,
    /// The key that its chain of roots starts from.
    pub root_key: PublicKey,
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The operating system names no home folder.
    #[error("cannot tell where plugins belong: this system names no home folder for the user")]
    NoHome,
    /// The file is not what it should be.
    #[error("cannot read `{}`", crate::fs::shown(path))]
    Registries {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: YamlError,
    },
    /// It cannot be read or written.
    #[error(transparent)]
    Fs(#[from] FsError),
}

/// The home used when neither `--home` nor LEAH_HOME names one: the platform's data folder.
///
/// # Errors
/// When the operating system does not say where that is.
pub fn default_home() -> Result<PathBuf, ConfigError> {
    directories::ProjectDirs::from("", "", "leah")
        .map(|dirs| dirs.data_dir().to_owned())
        .ok_or(ConfigError::NoHome)
}

impl Registries {
    /// Reads the file; a home without one has no added registries.
    ///
    /// # Errors
    /// When the file cannot be read or is not valid.
    pub fn read(layout: &Layout) -> Result<Self, ConfigError> {
        let path = layout.registries_file();
        match fs::read_if_any(&path, MAX_REGISTRIES_BYTES)? {
            None => Ok(Self::default()),
            Some(bytes) => {
                yaml::from_slice(&bytes).map_err(|source| ConfigError::Registries { path, source })
            }
        }
    }

    /// Writes the file as a whole.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, layout: &Layout, durability: Durability) -> Result<(), ConfigError> {
        let path = layout.registries_file();
        let text =
            yaml::to_string(self).map_err(|source| ConfigError::Registries { path: path.clone(), source })?;
        Ok(fs::replace(&path, text.as_bytes(), Access::Private, durability)?)
    }

    /// The registry of a bare name.
    #[must_use]
    pub fn default_origin(&self) -> Origin {
        self.default.clone().unwrap_or_else(Origin::bundled)
    }
}

/// The home for an answer to the shell, which comes before flags are read: LEAH_HOME or the default one.
///
/// # Errors
/// When the operating system does not say where the default one is.
#[expect(clippy::disallowed_methods, reason = "a completion is answered before there is a configuration")]
pub fn home_of_environment() -> Result<PathBuf, ConfigError> {
    let home = std::env::var_os("LEAH_HOME").filter(|home| !home.is_empty());
    home.map_or_else(default_home, |home| Ok(home.into()))
}
