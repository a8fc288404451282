//! The plugin `hello-world`: answers `/hello` with a greeting and counts messages. The example to start from,
//! so it shows settings, state, log and one hook, and nothing else.

mod greeting;

use leah_sdk::{Message, OnChatMessage, Plugin, Result, Role, Settings, Verdict, log, store};
use serde::Deserialize;

/// Where the number of messages is kept.
const MESSAGES: &str = "messages";

/// The plugin, which is nothing but its settings: the fields are those of `config` in the manifest.
#[derive(Deserialize)]
struct HelloWorld {
    greeting: String,
}

impl Plugin for HelloWorld {
    fn initialize(settings: Settings) -> Result<Self> {
        settings.read()
    }

    fn activate(&self) -> Result<()> {
        log::info("ready to greet");
        Ok(())
    }
}

impl OnChatMessage for HelloWorld {
    fn on_chat_message(&self, message: Message) -> Result<Verdict> {
        if message.role != Role::User {
            return Ok(Verdict::Pass);
        }
        let count = count_message();
        Ok(match greeting::requested(&message.content) {
            Some(name) => Verdict::replace(greeting::greet(&self.greeting, name, count)),
            None => Verdict::Pass,
        })
    }
}

/// Counts one more message. A greeting without a number is better than none, so a store that fails is only
/// logged.
fn count_message() -> Option<i64> {
    store::add(MESSAGES, 1)
        .inspect_err(|error| log::warn(format!("could not count a message: {}", error.explanation())))
        .ok()
}

leah_sdk::export!(HelloWorld: on_chat_message);

#[cfg(test)]
mod tests {
    use super::*;

    fn hear(message: Message) -> Result<Verdict> {
        HelloWorld::initialize(Settings::from_json(r#"{"greeting": "Merhaba"}"#))?.on_chat_message(message)
    }

    #[test]
    fn greets_with_the_word_of_the_settings_even_where_nothing_can_be_counted() {
        assert_eq!(hear(Message::from_user("/hello Ada")), Ok(Verdict::replace("Merhaba, Ada!")));
    }

    #[test]
    fn lets_other_messages_pass() {
        assert_eq!(hear(Message::from_user("hello there")), Ok(Verdict::Pass));
    }

    #[test]
    fn greets_nobody_but_the_user() {
        let message = Message { role: Role::System, ..Message::from_user("/hello") };
        assert_eq!(hear(message), Ok(Verdict::Pass));
    }
}
