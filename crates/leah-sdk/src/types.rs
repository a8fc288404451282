//! The shared types, and the few words that make them pleasant: constructors, texts, JSON. No call to the
//! host.

use serde::de::DeserializeOwned;

pub use crate::bindings::imports::leah::plugin::types::{
    Error, Message, Meta, Rejection, Replacement, Response, Role, ToolCall, ToolResult, Verdict,
};

/// What calls to the host and hooks answer.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// [`Error::Invalid`] with this reason.
    pub fn invalid(reason: impl Into<String>) -> Self {
        Self::Invalid(reason.into())
    }

    /// [`Error::Failed`] with this reason.
    pub fn failed(reason: impl Into<String>) -> Self {
        Self::Failed(reason.into())
    }

    /// What happened, for people to read: lower case, no period.
    #[must_use]
    pub fn explanation(&self) -> &str {
        match self {
            Self::Denied => "the permission was not granted",
            Self::Unavailable => "the host cannot do this now",
            Self::NotFound => "there is nothing of that name",
            Self::TooLarge => "a size limit was reached",
            Self::Timeout => "it took too long",
            Self::Invalid(what) | Self::Failed(what) => what,
        }
    }
}

impl Verdict {
    /// The text goes on as this one.
    pub fn replace(content: impl Into<String>) -> Self {
        Self::Replace(Replacement { content: content.into(), meta: Meta::new() })
    }

    /// The text goes no further, and the user is shown this reason.
    pub fn reject(reason: impl Into<String>) -> Self {
        Self::Reject(Rejection { reason: reason.into(), meta: Meta::new() })
    }
}

impl Message {
    /// A message of the user, as a plugin's own tests need one.
    pub fn from_user(content: impl Into<String>) -> Self {
        Self { conversation: String::new(), role: Role::User, content: content.into(), meta: Meta::new() }
    }
}

impl Response {
    /// An answer of a model, as a plugin's own tests need one.
    pub fn to_prompt(prompt: impl Into<String>, content: impl Into<String>) -> Self {
        Self {
            conversation: String::new(),
            prompt: prompt.into(),
            model: String::new(),
            content: content.into(),
            meta: Meta::new(),
        }
    }
}

/// A tool reads its arguments, and tells the model what is wrong with them:
///
/// ```
/// use leah_sdk::{ToolCall, ToolResult};
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct Arguments {
///     text: String,
/// }
///
/// fn shout(call: &ToolCall) -> ToolResult {
///     match call.parse_arguments::<Arguments>() {
///         Ok(arguments) => ToolResult::done(arguments.text.to_uppercase()),
///         Err(error) => ToolResult::failed(error.explanation()),
///     }
/// }
///
/// assert_eq!(shout(&ToolCall::new("shout", r#"{"text": "hi"}"#)), ToolResult::done("HI"));
/// ```
impl ToolCall {
    /// A call with arguments that are the text of a JSON object, as a plugin's own tests need one.
    pub fn new(name: impl Into<String>, arguments: impl Into<String>) -> Self {
        Self {
            conversation: String::new(),
            name: name.into(),
            arguments: arguments.into(),
            meta: Meta::new(),
        }
    }

    /// The arguments as a type of the plugin's own. [`Error::Invalid`] says which one is missing or wrong.
    pub fn parse_arguments<T: DeserializeOwned>(&self) -> Result<T> {
        parse_json(self.arguments.as_bytes())
    }
}

impl ToolResult {
    /// The tool did what it was asked to do; the model reads `content`.
    pub fn done(content: impl Into<String>) -> Self {
        Self { content: content.into(), failed: false, meta: Meta::new() }
    }

    /// The tool failed; the model reads `reason`, so it should say what to do better.
    pub fn failed(reason: impl Into<String>) -> Self {
        Self { content: reason.into(), failed: true, meta: Meta::new() }
    }
}

/// Parses JSON text. The error says what is wrong and where, and may quote a text or a number of the wrong
/// type.
pub(crate) fn parse_json<T: DeserializeOwned>(json: &[u8]) -> Result<T> {
    serde_json::from_slice(json).map_err(|error| Error::invalid(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(arguments: &str) -> ToolCall {
        ToolCall::new("count", arguments)
    }

    #[test]
    fn arguments_become_a_type() {
        assert_eq!(call("[1, 2]").parse_arguments::<Vec<u8>>(), Ok(vec![1, 2]));
    }

    #[test]
    fn wrong_arguments_are_invalid_and_say_where() {
        let Err(Error::Invalid(reason)) = call("[1, true]").parse_arguments::<Vec<u8>>() else {
            panic!("a boolean is not a number");
        };
        assert_eq!(reason, "invalid type: boolean `true`, expected u8 at line 1 column 8");
    }

    #[test]
    fn an_error_explains_itself() {
        assert_eq!(Error::Denied.explanation(), "the permission was not granted");
        assert_eq!(Error::Failed("no route to host".to_owned()).explanation(), "no route to host");
    }
}
