//! A set of plugins as it runs: never changed once it is made, and its generation stays on disk as long as it lives.
//! What each moment of a conversation leads to is decided when it is made, not when it is called.

mod call;
mod member;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use leah_home::generation::Generation;
use leah_plugin::{
    manifest::{Hook, ToolName},
    message::{PluginStatus, ToolOffer},
    name::PluginName,
};

pub(crate) use self::member::{About, Key, Member, Standing};
use crate::plugin::Plugin;

/// A set of plugins as it runs.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    generation: Option<Generation>,
    members: BTreeMap<PluginName, Arc<Member>>,
    chat_message: Vec<Arc<Plugin>>,
    before_response: Vec<Arc<Plugin>>,
    after_response: Vec<Arc<Plugin>>,
    /// Those that are shown tools that nobody declares.
    any_tool: Vec<Arc<Plugin>>,
    tools: BTreeMap<ToolName, Arc<Member>>,
}

impl Snapshot {
    /// The set of a generation.
    pub(crate) fn new(generation: Generation, members: BTreeMap<PluginName, Arc<Member>>) -> Self {
        let chain = |hook| chain(&members, hook);
        Self {
            chat_message: chain(Hook::OnChatMessage),
            before_response: chain(Hook::OnBeforeResponse),
            after_response: chain(Hook::OnAfterResponse),
            any_tool: chain(Hook::OnToolCall)
                .into_iter()
                .filter(|plugin| plugin.identity().rights.read_messages)
                .collect(),
            tools: declared(&members),
            generation: Some(generation),
            members,
        }
    }

    /// The number of its generation; none: no plugins.
    pub(crate) fn number(&self) -> Option<u64> {
        self.generation.as_ref().map(Generation::number)
    }

    /// A plugin of the set.
    pub(crate) fn member(&self, name: &PluginName) -> Option<&Arc<Member>> {
        self.members.get(name)
    }

    /// All plugins of the set, by name.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Arc<Member>> {
        self.members.values()
    }

    /// The hooks that have handlers.
    pub(crate) fn hooks(&self) -> BTreeSet<Hook> {
        self.members().flat_map(|member| member.hooks()).collect()
    }

    /// The plugins by name, as they are now.
    pub(crate) fn plugins(&self) -> Vec<PluginStatus> {
        self.members().map(|member| member.status()).collect()
    }

    /// The tools of all plugins that run, by name.
    pub(crate) fn tools(&self) -> Vec<ToolOffer> {
        let offer = |(name, member): (&ToolName, &Arc<Member>)| {
            let tool = member.about.tools.iter().find(|tool| tool.name == *name)?;
            member.is_running().then(|| ToolOffer {
                plugin: member.name.clone(),
                name: name.clone(),
                description: tool.description.clone(),
                parameters: tool.parameters.clone(),
            })
        };
        self.tools.iter().filter_map(offer).collect()
    }
}

/// The plugins that are called at a moment of a conversation, in their order.
fn chain(members: &BTreeMap<PluginName, Arc<Member>>, hook: Hook) -> Vec<Arc<Plugin>> {
    let mut handlers: Vec<_> = members.values().filter(|member| member.handles(hook)).collect();
    // Equal ones stay in the order of their names.
    handlers.sort_by_key(|member| member.about.priority);
    handlers.into_iter().filter_map(|member| member.plugin()).cloned().collect()
}

/// Who declares which tool. No set holds two that declare the same; if one does, the first by name has it.
fn declared(members: &BTreeMap<PluginName, Arc<Member>>) -> BTreeMap<ToolName, Arc<Member>> {
    let mut tools = BTreeMap::new();
    for member in members.values() {
        for tool in &member.about.tools {
            tools.entry(tool.name.clone()).or_insert_with(|| Arc::clone(member));
        }
    }
    tools
}
