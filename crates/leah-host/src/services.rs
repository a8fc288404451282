//! What the functions of all plugins share, and who calls them.

use std::{collections::BTreeSet, sync::Arc};

use leah_plugin::{layout::Layout, name::PluginName};
use semver::Version;
use serde_json::{Map, Value};

use crate::{
    capability::Rights,
    config::{Config, Model},
    journal::Journal,
    limits::Limits,
};

/// Who calls.
#[derive(Debug, Clone)]
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
}

/// What the functions of all plugins share.
#[derive(Debug)]
pub struct Services {
    /// Where what plugins keep lies.
    pub home: Layout,
    /// The model that they may ask.
    pub model: Option<Model>,
    /// Where they log.
    pub journal: Arc<Journal>,
}

impl Services {
    /// What the functions need; connections and databases come when they are needed.
    #[must_use]
    pub fn new(config: &Config, journal: Arc<Journal>) -> Arc<Self> {
        Arc::new(Self { home: config.home.clone(), model: config.model.clone(), journal })
    }
}
