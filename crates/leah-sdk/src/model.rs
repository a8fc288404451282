//! The chat model of the host. Needs `use_model`.
//!
//! What is said here is no part of a conversation of the user, and no hook sees it.

use crate::bindings::{imports::leah::plugin::model as host, inside_host};
use crate::{Meta, Result, Role};

pub use host::{ChatMessage, ChatReply, ChatRequest};

/// Lets the model continue a conversation, oldest message first, and waits until it is done.
pub fn chat(messages: Vec<ChatMessage>) -> Result<ChatReply> {
    send(&ChatRequest { messages, meta: Meta::new() })
}

/// Asks the model one thing and answers its text.
pub fn ask(prompt: impl Into<String>) -> Result<String> {
    chat(vec![ChatMessage::user(prompt)]).map(|reply| reply.content)
}

/// Sends a request as it is.
pub fn send(request: &ChatRequest) -> Result<ChatReply> {
    inside_host()?;
    host::chat(request)
}

impl ChatMessage {
    /// A message of whoever says it.
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self { role, content: content.into(), meta: Meta::new() }
    }

    /// Instructions to the model.
    pub fn system(content: impl Into<String>) -> Self {
        Self::new(Role::System, content)
    }

    /// Something the user says.
    pub fn user(content: impl Into<String>) -> Self {
        Self::new(Role::User, content)
    }

    /// Something the model said before.
    pub fn assistant(content: impl Into<String>) -> Self {
        Self::new(Role::Assistant, content)
    }
}
