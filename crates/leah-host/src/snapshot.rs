//! A set of plugins as it runs: never changed once it is made, and its generation stays on disk as long as it lives.

use std::collections::BTreeSet;

use leah_home::generation::Generation;
use leah_plugin::{
    manifest::Hook,
    message::{PluginStatus, ToolOffer},
};

/// A set of plugins as it runs.
#[derive(Debug)]
pub(crate) struct Snapshot {
    generation: Option<Generation>,
}

impl Snapshot {
    /// The set of a generation; none: no plugins.
    pub(crate) fn new(generation: Option<Generation>) -> Self {
        Self { generation }
    }

    /// The number of its generation.
    pub(crate) fn number(&self) -> Option<u64> {
        self.generation.as_ref().map(Generation::number)
    }

    /// The hooks that have handlers.
    pub(crate) fn hooks(&self) -> BTreeSet<Hook> {
        BTreeSet::new()
    }

    /// The plugins by name.
    pub(crate) fn plugins(&self) -> Vec<PluginStatus> {
        Vec::new()
    }

    /// The tools of all plugins that run, by name.
    pub(crate) fn tools(&self) -> Vec<ToolOffer> {
        Vec::new()
    }
}
