//! What a host is told: where its home lies, what plugins may use up and may do at most, and which model answers them.
//! Read from flags and `<home>/host.yaml` once, by the daemon; an embedder fills it in by itself.

mod file;

use std::{collections::BTreeMap, path::PathBuf};

use leah_home::fs::{self, FsError, shown};
use leah_plugin::{
    layout::{CacheLayout, Layout},
    manifest::Permissions,
    message::Level,
    name::PluginName,
    yaml::{MAX_YAML_BYTES, YamlError},
};
use url::Url;

pub use self::file::{ModelUrl, ModelUrlError, Time, TimeError};
use crate::limits::Limits;

/// What a host is told.
#[derive(Debug, Clone)]
pub struct Config {
    /// The home it serves.
    pub home: Layout,
    /// Where machine code is kept.
    pub cache: CacheLayout,
    /// The `leah-host` binary, which compiles in a process of its own.
    pub compiler: PathBuf,
    /// Limits of every plugin.
    pub limits: Limits,
    /// What plugins have of their own.
    pub plugins: BTreeMap<PluginName, PluginConfig>,
    /// The most that any plugin may do, whatever was granted; none: whatever was granted.
    pub ceiling: Option<Permissions>,
    /// The model that plugins with `use_model` ask; none: `unavailable`.
    pub model: Option<Model>,
    /// What is less than this is not logged.
    pub log_level: Level,
}

/// Why a host cannot be told what it has to be.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// `host.yaml` cannot be read.
    #[error(transparent)]
    File(#[from] FsError),
    /// It is not what it should be.
    #[error("cannot use `{}`", shown(.path))]
    Yaml {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and where.
        source: YamlError,
    },
}

impl Config {
    /// What holds by default: no model, no ceiling, and the `leah-host` beside this program compiles.
    #[must_use]
    pub fn new(home: Layout, cache: CacheLayout) -> Self {
        Self {
            home,
            cache,
            compiler: compiler(),
            limits: Limits::default(),
            plugins: BTreeMap::new(),
            ceiling: None,
            model: None,
            log_level: Level::Info,
        }
    }

    /// What the file `host.yaml` in the home says, and what holds by default for the rest.
    ///
    /// # Errors
    /// When the file cannot be read, or is not what it should be.
    pub fn read(home: Layout, cache: CacheLayout) -> Result<Self, ConfigError> {
        let path = home.host_file();
        let default = Self::new(home, cache);
        let Some(bytes) = fs::read_if_any(&path, MAX_YAML_BYTES as u64)? else { return Ok(default) };
        let told = file::HostFile::read(&bytes).map_err(|source| ConfigError::Yaml { path, source })?;
        let limits = told.limits();
        Ok(Self {
            limits,
            plugins: told.plugins(&limits),
            ceiling: told.ceiling,
            model: told.model.map(Into::into),
            log_level: told.log_level.unwrap_or(default.log_level),
            ..default
        })
    }
}

/// This program if it is the host itself, else the host beside it.
fn compiler() -> PathBuf {
    let name = format!("leah-host{}", std::env::consts::EXE_SUFFIX);
    match std::env::current_exe() {
        Ok(this) if this.file_name().is_some_and(|this| this == name.as_str()) => this,
        Ok(this) => this.with_file_name(name),
        // The system looks for it where it looks for every program.
        Err(_) => name.into(),
    }
}

/// What one plugin has of its own.
#[derive(Debug, Clone, Default)]
pub struct PluginConfig {
    /// Its place in the chains, in place of its manifest's.
    pub priority: Option<i32>,
    /// Its limits, in place of those of every plugin.
    pub limits: Option<Limits>,
}

/// A model behind an endpoint that speaks Ollama's `/api/chat`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// Where: `http://127.0.0.1:11434`.
    pub url: Url,
    /// Which: `llama3.2`.
    pub name: String,
}
