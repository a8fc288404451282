//! What the functions of all plugins share, and who calls them. What a plugin keeps open, its database above all,
//! belongs to its name: all instances share it, and so do the old and the new version while one replaces the other.

pub(crate) mod disk;
mod keep;
mod rate;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use leah_home::place;
use leah_http::{Client, Settings};
use leah_plugin::{
    layout::{CacheLayout, Layout},
    name::PluginName,
};
use semver::Version;
use serde_json::{Map, Value};

pub use keep::Keep;
pub(crate) use keep::Kept;
pub(crate) use rate::Passed;

use crate::{
    capability::Rights,
    config::{Config, Model},
    journal::Journal,
    limits::Limits,
};

/// Who calls.
#[derive(Debug)]
pub struct Identity {
    /// The plugin.
    pub name: PluginName,
    /// Which of its versions.
    pub version: Version,
    /// What it may do.
    pub rights: Rights,
    /// What its settings amount to.
    pub settings: Map<String, Value>,
    /// The settings that its manifest declares.
    pub declared: BTreeSet<String>,
    /// What it may use up.
    pub limits: Limits,
    /// What it keeps open; empty to begin with.
    pub keep: Keep,
}

/// What the functions of all plugins share.
#[derive(Debug)]
pub struct Services {
    /// Where what plugins keep lies.
    pub(crate) home: Layout,
    /// Where the machine code lies that the host runs.
    pub(crate) cache: CacheLayout,
    /// The folder that `~` stands for, if there is one.
    pub(crate) user_home: Option<PathBuf>,
    /// The model that they may ask.
    pub(crate) model: Option<Model>,
    /// Where they log.
    pub(crate) journal: Arc<Journal>,
    /// What they send requests with. It does nothing before the first one.
    pub(crate) client: Client,
    kept: Mutex<BTreeMap<PluginName, Arc<Kept>>>,
}

impl Services {
    /// What the functions need; connections and databases come when they are needed.
    #[must_use]
    pub fn new(config: &Config, journal: Arc<Journal>) -> Arc<Self> {
        Arc::new(Self::of_user(config, journal, place::user_home()))
    }

    /// The same for a user with this home.
    pub(crate) fn of_user(config: &Config, journal: Arc<Journal>, user_home: Option<PathBuf>) -> Self {
        let user_agent = concat!("leah-host/", env!("CARGO_PKG_VERSION")).into();
        Self {
            home: config.home.clone(),
            cache: config.cache.clone(),
            user_home,
            model: config.model.clone(),
            journal,
            client: Client::new(Settings { user_agent, ..Settings::default() }),
            kept: Mutex::default(),
        }
    }

    /// What is kept of a plugin as long as any version of it runs.
    pub(crate) fn kept<'a>(&self, plugin: &'a Identity) -> &'a Kept {
        plugin.keep.get_or_begin(|| {
            let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            let kept = all.entry(plugin.name.clone()).or_insert_with(|| {
                let (files, store) = (self.home.data_files(&plugin.name), self.home.data_store(&plugin.name));
                Arc::new(Kept::new(files, store))
            });
            Arc::clone(kept)
        })
    }
}
