//! Hooks: the moments of a conversation at which the host calls a plugin, and the permission that each needs.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{permissions::PermissionKind, word::UnknownWord};

/// A moment of a conversation at which a plugin is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub enum Hook {
    /// A message of the user is about to go to the model.
    OnChatMessage,
    /// The model called a tool.
    OnToolCall,
    /// An answer of the model is about to be shown.
    OnBeforeResponse,
    /// An answer of the model was shown.
    OnAfterResponse,
}

impl Hook {
    /// All hooks, in the order of a conversation.
    pub const ALL: [Self; 4] =
        [Self::OnChatMessage, Self::OnToolCall, Self::OnBeforeResponse, Self::OnAfterResponse];

    /// The name in manifests and messages, as in `on_chat_message`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OnChatMessage => "on_chat_message",
            Self::OnToolCall => "on_tool_call",
            Self::OnBeforeResponse => "on_before_response",
            Self::OnAfterResponse => "on_after_response",
        }
    }

    /// The name of the interface that a component exports for it, as in `on-chat-message`.
    #[must_use]
    pub const fn interface(self) -> &'static str {
        match self {
            Self::OnChatMessage => "on-chat-message",
            Self::OnToolCall => "on-tool-call",
            Self::OnBeforeResponse => "on-before-response",
            Self::OnAfterResponse => "on-after-response",
        }
    }

    /// The permission without which a manifest cannot have the hook. A plugin's own tools show it nothing that
    /// is not meant for it, so `on_tool_call` needs none; other tools are withheld from it by the host.
    #[must_use]
    pub const fn needs(self) -> Option<PermissionKind> {
        match self {
            Self::OnToolCall => None,
            Self::OnChatMessage | Self::OnBeforeResponse | Self::OnAfterResponse => {
                Some(PermissionKind::ReadMessages)
            }
        }
    }
}

impl FromStr for Hook {
    type Err = UnknownWord;
    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let found = Self::ALL.into_iter().find(|hook| hook.as_str() == text);
        found.ok_or_else(|| UnknownWord::new(text, "a hook", &Self::ALL.map(Self::as_str)))
    }
}

impl TryFrom<String> for Hook {
    type Error = UnknownWord;
    fn try_from(text: String) -> Result<Self, UnknownWord> {
        text.parse()
    }
}

impl From<Hook> for &'static str {
    fn from(hook: Hook) -> Self {
        hook.as_str()
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_a_round_trip() {
        for hook in Hook::ALL {
            assert_eq!(hook.as_str().parse(), Ok(hook));
            assert_eq!(hook.as_str().replace('_', "-"), hook.interface());
        }
        assert_eq!(serde_json::to_string(&Hook::OnToolCall).unwrap(), "\"on_tool_call\"");
    }

    #[test]
    fn refuses_a_misspelt_hook_with_the_one_that_was_meant() {
        let error = "on-chat-mesage".parse::<Hook>().unwrap_err();
        insta::assert_snapshot!(error, @"`on-chat-mesage` is not a hook; did you mean `on_chat_message`?");
    }
}
