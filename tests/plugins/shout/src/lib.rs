//! Makes messages louder.

use leah_sdk::{Message, OnChatMessage, OnToolCall, Plugin, Result, Settings, ToolCall, ToolResult, Verdict};
use serde::Deserialize;

/// The plugin is what its settings say: the fields are those of `config` in the manifest.
#[derive(Deserialize)]
struct Shout {
    mark: String,
}

impl Shout {
    fn shout(&self, text: &str) -> String {
        format!("{}{}", text.to_uppercase(), self.mark)
    }
}

impl Plugin for Shout {
    fn initialize(settings: Settings) -> Result<Self> {
        settings.read()
    }
}

impl OnChatMessage for Shout {
    fn on_chat_message(&self, message: Message) -> Result<Verdict> {
        Ok(match message.content.strip_prefix("/shout ") {
            Some(text) => Verdict::replace(self.shout(text)),
            None => Verdict::Pass,
        })
    }
}

/// What the model says when it calls the tool.
#[derive(Deserialize)]
struct Arguments {
    text: String,
}

impl OnToolCall for Shout {
    fn on_tool_call(&self, call: ToolCall) -> Result<Option<ToolResult>> {
        if call.name != "shout" {
            return Ok(None);
        }
        // A model wrote them, so they may be other than declared: tell it, and it tries again.
        Ok(Some(match call.parse_arguments::<Arguments>() {
            Ok(arguments) => ToolResult::done(self.shout(&arguments.text)),
            Err(error) => ToolResult::failed(error.explanation()),
        }))
    }
}

leah_sdk::export!(Shout: on_chat_message, on_tool_call);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shouts() {
        let shout = Shout::initialize(Settings::from_json(r#"{"mark": "!!"}"#)).unwrap();
        let verdict = shout.on_chat_message(Message::from_user("/shout hi"));
        assert_eq!(verdict, Ok(Verdict::replace("HI!!")));
    }
}
