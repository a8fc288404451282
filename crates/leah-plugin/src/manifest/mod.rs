//! The manifest of a plugin, `plugin.yaml`: read with every rule of the contract, each error with its line and
//! column. What it says is compared elsewhere with the component and with the index.

pub mod hooks;
pub mod interface;
mod node;
pub mod permissions;
mod problem;
mod read;
pub mod scope;
pub mod settings;
mod text;
pub mod tools;
pub mod values;
mod word;

use std::collections::{BTreeMap, BTreeSet};

use semver::{Version, VersionReq};

use crate::{name::PluginName, yaml};

pub use self::{
    hooks::Hook,
    interface::Interface,
    permissions::{PermissionKind, Permissions, plain_words},
    problem::{ManifestError, Problem},
    scope::{Scope, ScopeError},
    settings::{SWITCH, Setting, SettingType},
    text::TextError,
    tools::{SchemaError, Tool, ToolName, ToolNameError},
    values::SettingError,
    word::UnknownWord,
};

/// Largest manifest in bytes.
pub const MAX_MANIFEST_BYTES: usize = 128 << 10;

/// What a plugin can be filed under.
pub const CATEGORIES: [&str; 10] = [
    "chat",
    "developer",
    "fun",
    "knowledge",
    "language",
    "media",
    "other",
    "privacy",
    "productivity",
    "tools",
];

/// What `plugin.yaml` says.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// The plugin's name.
    pub name: PluginName,
    /// The version of this package.
    pub version: Version,
    /// Who made it.
    pub author: String,
    /// What it does, in a line.
    pub description: String,
    /// An SPDX expression.
    pub license: Option<String>,
    /// URL of its page.
    pub homepage: Option<String>,
    /// URL of its source.
    pub repository: Option<String>,
    /// One of [`CATEGORIES`].
    pub category: Option<String>,
    /// Words to find it by, spelled like names.
    pub tags: Vec<String>,
    /// Versions of the plugin API it was built for.
    pub api: VersionReq,
    /// Versions of the host it runs in; none: any.
    pub host: Option<VersionReq>,
    /// Plugins that must be there, enabled and initialized before it.
    pub dependencies: BTreeMap<PluginName, VersionReq>,
    /// What it asks for.
    pub permissions: Permissions,
    /// When it is called.
    pub hooks: BTreeSet<Hook>,
    /// Its place in a chain of handlers, smaller first; equal ones go by name.
    pub priority: i32,
    /// The tools it offers.
    pub tools: Vec<Tool>,
    /// Its settings by key. [`SWITCH`] may be among them and is not kept as one.
    pub config: BTreeMap<String, Setting>,
}

impl Manifest {
    /// Reads and checks a manifest.
    ///
    /// # Errors
    /// At the first rule that is broken, with its place.
    pub fn read(bytes: &[u8]) -> Result<Self, ManifestError> {
        if bytes.len() > MAX_MANIFEST_BYTES {
            return Err(ManifestError { line: 0, column: 0, problem: Problem::TooLarge(bytes.len()) });
        }
        read::manifest(&yaml::from_slice(bytes)?)
    }

    /// What the index repeats of it.
    #[must_use]
    pub fn interface(&self) -> Interface {
        Interface {
            api: self.api.clone(),
            host: self.host.clone(),
            dependencies: self.dependencies.clone(),
            permissions: self.permissions.clone(),
            hooks: self.hooks.clone(),
            tools: self.tools.iter().map(|tool| tool.name.clone()).collect(),
        }
    }
}

#[cfg(test)]
mod tests;
