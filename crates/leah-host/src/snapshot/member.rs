//! One plugin of a set: what it is, what it was made from, and whether it came up.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use leah_plugin::{
    digest::Digest,
    layout::SettingsFile,
    manifest::{Hook, Manifest, Permissions, Tool},
    message::{PluginState, PluginStatus},
    name::PluginName,
};
use semver::Version;
use serde_json::Value;

use crate::plugin::Plugin;

/// One plugin of a set.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) name: PluginName,
    pub(crate) key: Key,
    pub(crate) about: About,
    pub(crate) standing: Standing,
}

/// What a plugin is made from. While it is equal, a running one is taken over into the next set as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) content: Digest,
    pub(crate) settings: Option<SettingsFile>,
    pub(crate) granted: Permissions,
}

/// What is told about a plugin, whether or not it runs.
#[derive(Debug)]
pub(crate) struct About {
    pub(crate) version: Version,
    pub(crate) description: String,
    pub(crate) hooks: BTreeSet<Hook>,
    pub(crate) tools: Vec<Tool>,
    pub(crate) config: BTreeMap<String, Value>,
    /// Its place in the chains, smaller first.
    pub(crate) priority: i32,
}

/// Whether it came up.
#[derive(Debug)]
pub(crate) enum Standing {
    /// It was started.
    Up(Arc<Plugin>),
    /// Required settings have no value.
    NeedsSettings(Vec<String>),
    /// It did not start, for this reason.
    Failed(String),
}

impl About {
    /// What a manifest says; `priority` is what the host's configuration says instead.
    pub(crate) fn new(manifest: Manifest, priority: Option<i32>) -> Self {
        let declaration = |setting| serde_json::to_value(setting).unwrap_or(Value::Null);
        Self {
            version: manifest.version,
            description: manifest.description,
            hooks: manifest.hooks,
            tools: manifest.tools,
            config: manifest
                .config
                .iter()
                .map(|(key, setting)| (key.clone(), declaration(setting)))
                .collect(),
            priority: priority.unwrap_or(manifest.priority),
        }
    }

    /// What is known of a plugin whose manifest cannot be read.
    pub(crate) fn unknown(version: Version) -> Self {
        Self {
            version,
            description: String::new(),
            hooks: BTreeSet::new(),
            tools: Vec::new(),
            config: BTreeMap::new(),
            priority: 0,
        }
    }
}

impl Member {
    /// The plugin, if it came up.
    pub(crate) fn plugin(&self) -> Option<&Arc<Plugin>> {
        match &self.standing {
            Standing::Up(plugin) => Some(plugin),
            Standing::NeedsSettings(_) | Standing::Failed(_) => None,
        }
    }

    /// True if it is called at this moment of a conversation: it was started, its code and its manifest have the hook,
    /// and it may see what the hook shows.
    pub(crate) fn handles(&self, hook: Hook) -> bool {
        // What a hook needs, if anything, is to read messages.
        let may_see = |plugin: &Plugin| hook.needs().is_none() || plugin.identity().rights.read_messages;
        self.about.hooks.contains(&hook)
            && self.plugin().is_some_and(|plugin| plugin.handles(hook) && may_see(plugin))
    }

    /// The hooks at which it is called.
    pub(crate) fn hooks(&self) -> impl Iterator<Item = Hook> {
        Hook::ALL.into_iter().filter(|hook| self.handles(*hook))
    }

    /// How it is now.
    pub(crate) fn state(&self) -> PluginState {
        match &self.standing {
            Standing::Up(plugin) => plugin.state(),
            Standing::NeedsSettings(missing) => PluginState::NeedsSettings { missing: missing.clone() },
            Standing::Failed(reason) => PluginState::Failed { reason: reason.clone() },
        }
    }

    /// True when it serves calls.
    pub(crate) fn is_running(&self) -> bool {
        self.state() == PluginState::Running
    }

    /// What is told to those who ask.
    pub(crate) fn status(&self) -> PluginStatus {
        PluginStatus {
            name: self.name.clone(),
            version: self.about.version.clone(),
            description: self.about.description.clone(),
            state: self.state(),
            faults: self.plugin().map_or(0, |plugin| plugin.faults()),
            hooks: self.hooks().collect(),
            tools: self.about.tools.iter().map(|tool| tool.name.clone()).collect(),
            config: self.about.config.clone(),
        }
    }
}
