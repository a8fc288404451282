//! The chat model of the host. Needs `use_model`.
//!
//! What is said here is no part of a conversation of the user, and no hook sees it. A model takes seconds; the host
//! does not count them as the plugin's time, but ends a call that takes too long as a whole.
//!
//! ```
//! use leah_sdk::{Error, Message, Result, Verdict, model};
//!
//! /// Puts a summary in place of a message that is too long to read.
//! fn shorten(message: &Message) -> Result<Verdict> {
//!     if message.content.len() < 10_000 {
//!         return Ok(Verdict::Pass);
//!     }
//!     let instructions = model::ChatMessage::system("Summarize the text of the user in three sentences.");
//!     match model::chat(vec![instructions, model::ChatMessage::user(&message.content)]) {
//!         Ok(reply) => Ok(Verdict::replace(reply.answer())),
//!         // The user did not grant it, or no model is there: the long text is better than none.
//!         Err(Error::Denied | Error::Unavailable) => Ok(Verdict::Pass),
//!         Err(error) => Err(error),
//!     }
//! }
//!
//! assert_eq!(shorten(&Message::from_user("hi")), Ok(Verdict::Pass));
//! ```

use crate::bindings::{imports::leah::plugin::model as host, inside_host};
use crate::{Meta, Result, Role};

pub use host::{ChatMessage, ChatReply, ChatRequest};

/// Lets the model continue a conversation, oldest message first, and waits until it is done.
pub fn chat(messages: Vec<ChatMessage>) -> Result<ChatReply> {
    send(&ChatRequest { messages, meta: Meta::new() })
}

/// Asks the model one thing. Answers its text without the thoughts, as [`ChatReply::answer`] does.
pub fn ask(prompt: impl Into<String>) -> Result<String> {
    chat(vec![ChatMessage::user(prompt)]).map(|reply| reply.answer().to_owned())
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

impl ChatReply {
    /// What the model answered, without the thoughts of one that thinks aloud and without space around it. Empty if
    /// it was cut off before the answer.
    #[must_use]
    pub fn answer(&self) -> &str {
        let text = self.content.trim();
        match text.strip_prefix("<think>") {
            Some(thoughts) => thoughts.split_once("</think>").map_or("", |(_, answer)| answer.trim()),
            None => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(content: &str, expect: &str) {
        let reply = ChatReply { content: content.to_owned(), model: "m".to_owned(), meta: Meta::new() };
        assert_eq!(reply.answer(), expect);
    }

    #[test]
    fn an_answer_stands_alone() {
        check(" Günaydın\n", "Günaydın");
        check("\"Evet\" dedi.", "\"Evet\" dedi.");
    }

    #[test]
    fn thoughts_are_left_out() {
        check("<think>\nMorning is sabah.\n</think>\n\nGünaydın\n", "Günaydın");
        check("The tag <think> opens a thought", "The tag <think> opens a thought");
    }

    #[test]
    fn a_model_that_only_thought_has_no_answer() {
        check("<think>Morning is", "");
        check("<think></think>", "");
    }
}
