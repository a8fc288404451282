//! What the host answers on the socket: one type for each call that has a result of its own.

use std::collections::{BTreeMap, BTreeSet};

use semver::Version;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    manifest::{Hook, ToolName},
    name::PluginName,
};

/// Named values that a type has no field for. Unknown names are ignored.
pub type Meta = BTreeMap<String, String>;

/// Answer to a call that has nothing more to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Done {}

/// Answer to `hello`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelloResult {
    /// [`super::PROTOCOL`] of the host.
    pub protocol: u32,
    /// The host's version.
    pub host: Version,
    /// The newest version of the plugin API that it serves.
    pub api: Version,
    /// The home that it serves, as the file system knows it.
    pub home: HomeId,
    /// The generation that serves the calls; none: no plugins.
    pub generation: Option<u64>,
    /// The hooks that have handlers. The others need not be called.
    pub hooks: BTreeSet<Hook>,
}

/// A folder by what the file system calls it, which two paths to one folder have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HomeId {
    /// The device.
    pub device: u64,
    /// The inode on it.
    pub inode: u64,
}

/// Answer to `prepare`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Prepared {
    /// All that is new has started beside what runs; `commit` switches to it.
    Ready {
        /// Plugins that did not start because a required setting has no value.
        needs_settings: Vec<PluginName>,
    },
    /// The set would not run. Nothing changed.
    Refused {
        /// The plugin that is to blame; none: the host could not try it.
        plugin: Option<PluginName>,
        /// Why, in one sentence. Escaped by whoever prints it.
        reason: String,
    },
}

/// Answer to `commit`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Committed {
    /// Plugins that are part of the live set and did not come up after all, by name.
    pub failed: Vec<FailedPlugin>,
}

/// A plugin that does not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedPlugin {
    /// Its name.
    pub plugin: PluginName,
    /// Why, in one sentence. Escaped by whoever prints it.
    pub reason: String,
}

/// Answer to `plugins/list`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PluginList {
    /// The plugins of the live generation by name.
    pub plugins: Vec<PluginStatus>,
}

/// A plugin as the host sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PluginStatus {
    /// Its name.
    pub name: PluginName,
    /// Its version.
    pub version: Version,
    /// What it does.
    pub description: String,
    /// How it is.
    #[serde(flatten)]
    pub state: PluginState,
    /// Calls that it failed since it was loaded: traps, timeouts, answers that are too large.
    #[serde(default)]
    pub faults: u64,
    /// When it is called.
    pub hooks: BTreeSet<Hook>,
    /// The tools it offers.
    pub tools: Vec<ToolName>,
    /// Its settings as the manifest declares them; never their values.
    pub config: BTreeMap<String, Value>,
}

/// How a plugin is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum PluginState {
    /// It serves calls.
    Running,
    /// A required setting has no value, so it was not started.
    NeedsSettings {
        /// The settings.
        missing: Vec<String>,
    },
    /// It did not start, or it is being made anew after a fault.
    Failed {
        /// Why, in one sentence.
        reason: String,
    },
    /// Too many faults in a short time: it is not called any more.
    Quarantined {
        /// The last fault.
        reason: String,
    },
}

/// Answer to `hooks/call`: what became of the text after all handlers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// What becomes of the text.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// The plugins that changed it or ended the chain, in order.
    #[serde(default)]
    pub by: Vec<PluginName>,
}

/// What becomes of a text that a hook was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// It goes on as it is.
    Pass,
    /// It goes on as another.
    Replace {
        /// The other text.
        content: String,
    },
    /// It goes no further.
    Reject {
        /// What the user is told.
        reason: String,
    },
}

/// Answer to `tools/list`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolList {
    /// The tools of all running plugins by name.
    pub tools: Vec<ToolOffer>,
}

/// A tool as the model is told about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolOffer {
    /// The plugin that declares it.
    pub plugin: PluginName,
    /// Its name.
    pub name: ToolName,
    /// What it does.
    pub description: String,
    /// JSON Schema of its arguments.
    pub parameters: Value,
}

/// Answer to `tools/call`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolAnswer {
    /// What the tool says; none: no plugin knows it.
    pub result: Option<ToolResult>,
}

/// What a tool says to the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolResult {
    /// The plugin that ran it.
    pub plugin: PluginName,
    /// The text that the model reads.
    pub content: String,
    /// Whether it failed; the text then says why.
    pub failed: bool,
    /// Named values beside the fields.
    #[serde(default)]
    pub meta: Meta,
}
