//! The plugin `translator`: the command `/translate` and the tool `translate`, done by the chat model or by a
//! LibreTranslate server. This file connects the hooks to the host; everything else is pure.

mod language;
mod model;
mod pieces;
mod server;
mod settings;
mod task;

use leah_sdk::{
    Error, Message, OnChatMessage, OnToolCall, Plugin, Result, Role, Settings, ToolCall, ToolResult, Verdict,
    log, model::chat,
};

use crate::language::Language;
use crate::settings::{Service, TranslatorSettings};
use crate::task::Task;

/// The name of the tool in the manifest.
const TOOL: &str = "translate";

/// The plugin: what its settings say.
struct Translator {
    settings: TranslatorSettings,
}

impl Plugin for Translator {
    fn initialize(settings: Settings) -> Result<Self> {
        Ok(Self { settings: TranslatorSettings::read(&settings)? })
    }
}

impl OnChatMessage for Translator {
    fn on_chat_message(&self, message: Message) -> Result<Verdict> {
        if message.role != Role::User {
            return Ok(Verdict::Pass);
        }
        let Some(task) = Task::from_message(&message.content, self.settings.target) else {
            return Ok(self.without_command(&message.content));
        };
        // An error would let `/translate …` go on to the model as it is, so the user gets the reason instead.
        Ok(match task.and_then(|task| self.translate(&task)) {
            Ok(translation) => Verdict::replace(translation),
            Err(reason) => Verdict::reject(reason),
        })
    }
}

impl OnToolCall for Translator {
    fn on_tool_call(&self, call: ToolCall) -> Result<Option<ToolResult>> {
        if call.name != TOOL {
            return Ok(None);
        }
        Ok(Some(
            match Task::from_tool_call(&call, self.settings.target).and_then(|task| self.translate(&task)) {
                Ok(translation) => ToolResult::done(translation),
                Err(reason) => ToolResult::failed(reason),
            },
        ))
    }
}

impl Translator {
    /// What becomes of a message that does not ask for a translation. Where it is to be translated and that fails, the
    /// chat goes on with what the user wrote.
    fn without_command(&self, content: &str) -> Verdict {
        if !self.settings.every_message {
            return Verdict::Pass;
        }
        let task = Task::from_any_message(content, self.settings.target);
        match task.map(|task| self.translate(&task)) {
            Some(Ok(translation)) if translation != content => Verdict::replace(translation),
            _ => Verdict::Pass,
        }
    }

    /// The translation, or what to tell whoever asked for it.
    fn translate(&self, task: &Task) -> Result<String, String> {
        let length = task.text.chars().count();
        if length > pieces::LONGEST_TEXT {
            let longest = pieces::LONGEST_TEXT;
            return Err(format!(
                "the text is too long to translate: it has {length} characters, {longest} are possible"
            ));
        }
        pieces::translate(&task.text, |piece| self.translate_piece(piece, task.target)).map_err(|error| {
            let reason = explain(&self.settings.service, &error);
            log::warn(&reason);
            reason
        })
    }

    fn translate_piece(&self, piece: &str, target: Language) -> Result<String> {
        match &self.settings.service {
            Service::Model => model::translation(&chat(model::messages(piece, target))?),
            Service::Server(server) => server::translation(&server.request(piece, target)?.send()?),
        }
    }
}

/// Says why a translation failed, and what the user can do where it is theirs to do.
fn explain(service: &Service, error: &Error) -> String {
    match (service, error) {
        (Service::Model, Error::Denied) => {
            "translator may not use the model: grant it `use_model`, or set a `server`".to_owned()
        }
        (Service::Server(_), Error::Denied) => {
            "translator may not reach its server: grant it `network_access`".to_owned()
        }
        (Service::Model, Error::Unavailable) => {
            "could not translate: no model answers; name one in `host.yaml`, or set a `server`".to_owned()
        }
        (_, Error::Timeout) => "could not translate in time: try a shorter text".to_owned(),
        (_, error) => format!("could not translate: {}", error.explanation()),
    }
}

leah_sdk::export!(Translator: on_chat_message, on_tool_call);

#[cfg(test)]
mod tests {
    use super::*;

    /// Nothing answers on the machine that runs these tests, so whatever is translated fails with this.
    const NO_MODEL: &str =
        "could not translate: no model answers; name one in `host.yaml`, or set a `server`";

    fn translator(every_message: bool) -> Translator {
        let settings = format!(r#"{{"target": "tr", "every_message": {every_message}}}"#);
        Translator::initialize(Settings::from_json(settings)).expect("these settings are complete")
    }

    #[track_caller]
    fn check(message: Message, expect: Verdict) {
        assert_eq!(translator(false).on_chat_message(message), Ok(expect));
    }

    fn call(name: &str, arguments: &str) -> Option<ToolResult> {
        translator(false).on_tool_call(ToolCall::new(name, arguments)).expect("the call itself is sound")
    }

    #[test]
    fn lets_other_messages_pass() {
        check(Message::from_user("please /translate this"), Verdict::Pass);
    }

    #[test]
    fn lets_messages_pass_that_the_user_did_not_write() {
        let message = Message::from_user("/translate de Good morning");
        check(Message { role: Role::System, ..message }, Verdict::Pass);
    }

    #[test]
    fn a_translation_that_failed_does_not_reach_the_model() {
        check(Message::from_user("/translate de Good morning"), Verdict::reject(NO_MODEL));
    }

    #[test]
    fn a_message_without_a_command_goes_on_where_its_translation_failed() {
        let verdict = translator(true).on_chat_message(Message::from_user("Good morning"));
        assert_eq!(verdict, Ok(Verdict::Pass));
    }

    #[test]
    fn a_text_is_not_translated_that_takes_longer_than_a_call_may() {
        let reason = "the text is too long to translate: it has 20001 characters, 20000 are possible";
        check(Message::from_user(format!("/translate de {}", "x".repeat(20_001))), Verdict::reject(reason));
    }

    #[test]
    fn tools_of_others_are_not_answered() {
        assert_eq!(call("weather", "{}"), None);
    }

    #[test]
    fn the_model_is_told_what_was_wrong() {
        assert_eq!(call(TOOL, r#"{"text": "Hi"}"#), Some(ToolResult::failed(NO_MODEL)));
        let result = call(TOOL, r#"{"text": "Hi", "target": "klingon"}"#).expect("the tool is ours");
        assert!(result.failed);
        assert!(
            result.content.starts_with("`klingon` is not a language translator knows"),
            "{}",
            result.content
        );
    }

    #[test]
    fn a_denied_permission_is_named() {
        assert_eq!(
            explain(&Service::Model, &Error::Denied),
            "translator may not use the model: grant it `use_model`, or set a `server`"
        );
    }
}
