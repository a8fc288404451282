//! What is asked for on the socket and what is told: the methods with their parameters.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Id,
    results::{Meta, PluginState},
};
use crate::{
    digest::Digest,
    manifest::{Hook, ToolName},
    name::PluginName,
};

/// A request. Its result is the type of the same name in this module: [`super::HelloResult`] and so on.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "method", content = "params")]
pub enum Call {
    /// Who is there? The first call on every connection.
    #[serde(rename = "hello")]
    Hello(Hello),
    /// Try a generation beside what runs; the one that runs already: load anew what failed in it. Answers
    /// [`super::Prepared`].
    #[serde(rename = "prepare")]
    Prepare(Prepare),
    /// The prepared generation is live: switch to it. Answers [`super::Committed`].
    #[serde(rename = "commit")]
    Commit(Prepare),
    /// Drop the prepared generation. Answers [`super::Done`].
    #[serde(rename = "abort")]
    Abort(Prepare),
    /// Which plugins are there, and how are they? Answers [`super::PluginList`].
    #[serde(rename = "plugins/list")]
    PluginsList,
    /// Run the whole chain of a hook. Answers [`super::Outcome`].
    #[serde(rename = "hooks/call")]
    HooksCall(HookCall),
    /// Which tools can the model be offered? Answers [`super::ToolList`].
    #[serde(rename = "tools/list")]
    ToolsList,
    /// Run a tool. Answers [`super::ToolAnswer`].
    #[serde(rename = "tools/call")]
    ToolsCall(ToolCall),
    /// From now on tell what changes, as [`Notice::Event`]. Answers [`super::Done`].
    #[serde(rename = "events/subscribe")]
    EventsSubscribe,
    /// From now on tell what plugins log, as [`Notice::Log`]. Answers [`super::Done`].
    #[serde(rename = "log/tail")]
    LogTail(LogTail),
}

/// Something told without being asked, which has no response.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "method", content = "params")]
pub enum Notice {
    /// The client no longer waits for a request. Its response is a fault `Cancelled`, or its result if that was
    /// faster.
    #[serde(rename = "cancel")]
    Cancel {
        /// The request.
        id: Id,
    },
    /// Something changed in the host.
    #[serde(rename = "event")]
    Event(Event),
    /// A line of a plugin's log, or of the host's.
    #[serde(rename = "log")]
    Log(LogLine),
}

/// Parameters of `hello`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`super::PROTOCOL`] of the client.
    pub protocol: u32,
    /// The client's name and version, for the host's log.
    pub client: String,
}

/// Parameters of `prepare`, `commit` and `abort`: the generation meant. The host reads it from its own home.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prepare {
    /// Its number.
    pub generation: u64,
    /// The digest of its record and, right behind it, its lock, so that both sides mean the same files.
    pub digest: Digest,
    /// Milliseconds after which the client no longer waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u64>,
}

/// Parameters of `hooks/call`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HookCall {
    /// The hook and its payload.
    #[serde(flatten)]
    pub event: HookEvent,
    /// Milliseconds after which the client no longer waits; the host's own limits hold as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u64>,
}

/// A moment of a conversation. Tools have a call of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "hook", content = "payload", rename_all = "snake_case")]
pub enum HookEvent {
    /// A message is about to go to the model.
    OnChatMessage(ChatMessage),
    /// An answer is about to be shown.
    OnBeforeResponse(Answer),
    /// An answer was shown.
    OnAfterResponse(Answer),
}

/// Who says something in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Instructions to the model.
    System,
    /// The person in front of the chat.
    #[default]
    User,
    /// The model.
    Assistant,
    /// The result of a tool.
    Tool,
}

/// A message on its way to the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatMessage {
    /// The conversation it belongs to; opaque.
    #[serde(default)]
    pub conversation: String,
    /// Who says it.
    #[serde(default)]
    pub role: Role,
    /// The text.
    pub content: String,
    /// Named values beside the fields.
    #[serde(default)]
    pub meta: Meta,
}

/// An answer of the model on its way to the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The conversation it belongs to; opaque.
    #[serde(default)]
    pub conversation: String,
    /// The message it answers.
    #[serde(default)]
    pub prompt: String,
    /// The model that wrote it.
    #[serde(default)]
    pub model: String,
    /// The text.
    pub content: String,
    /// Named values beside the fields.
    #[serde(default)]
    pub meta: Meta,
}

/// Parameters of `tools/call`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The conversation it belongs to; opaque.
    #[serde(default)]
    pub conversation: String,
    /// The tool.
    pub name: ToolName,
    /// Its arguments, as the model gave them.
    #[serde(default)]
    pub arguments: Map<String, Value>,
    /// Named values beside the fields.
    #[serde(default)]
    pub meta: Meta,
    /// Milliseconds after which the client no longer waits; the host's own limits hold as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u64>,
}

/// Parameters of `log/tail`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogTail {
    /// One plugin; none: all of them and the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin: Option<PluginName>,
    /// How many of the last lines to begin with.
    #[serde(default)]
    pub lines: u32,
}

/// Something that changed in the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Another generation serves the calls from now on.
    Live {
        /// Its number.
        generation: u64,
        /// The hooks that have handlers now.
        hooks: BTreeSet<Hook>,
    },
    /// A plugin is in another state.
    Plugin {
        /// Its name.
        name: PluginName,
        /// Its state now.
        #[serde(flatten)]
        state: PluginState,
    },
}

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Milliseconds since 1970-01-01 UTC.
    pub time_ms: u64,
    /// The plugin that wrote it; none: the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin: Option<PluginName>,
    /// How much it matters.
    pub level: Level,
    /// What it says. Escaped by whoever prints it.
    pub message: String,
}

/// How much a line of a log matters, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Every step.
    Trace,
    /// What helps to find a fault.
    Debug,
    /// What is worth knowing.
    Info,
    /// Something is wrong and was coped with.
    Warn,
    /// Something failed.
    Error,
}
