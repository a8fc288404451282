//! The plugin `translator`: the command `/translate` and the tool `translate`, done by the chat model or by a
//! LibreTranslate server. This file connects the hooks to the host; everything else is pure.

mod language;
mod model_reply;
mod server;
mod settings;
mod task;

use leah_sdk::{
    Error, Message, OnChatMessage, OnToolCall, Plugin, Result, Settings, ToolCall, ToolResult, Verdict, log,
    model,
};

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
        let Some(task) = Task::from_message(&message.content, self.settings.target) else {
            return Ok(Verdict::Pass);
        };
        // An error would let `/translate …` go on to the model as it is, so the user gets the reason instead.
        Ok(match task.and_then(|task| self.translate(&task)) {
            Ok(translation) => Verdict::Replace(translation),
            Err(reason) => Verdict::Reject(reason),
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
    /// The translation, or what to tell whoever asked for it.
    fn translate(&self, task: &Task) -> Result<String, String> {
        let service = &self.settings.service;
        let translation = match service {
            Service::Model => {
                model::chat(task.model_messages()).and_then(|reply| model_reply::translation(&reply.content))
            }
            Service::Server(server) => server
                .request(task)
                .and_then(|request| request.send())
                .and_then(|response| server::translation(&response)),
        };
        translation.map_err(|error| {
            let reason = explain(service, &error);
            log::warn(&reason);
            reason
        })
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
        (_, error) => format!("could not translate: {}", error.explanation()),
    }
}

leah_sdk::export!(Translator: on_chat_message, on_tool_call);

#[cfg(test)]
mod tests {
    use super::*;

    fn translator() -> Translator {
        Translator::initialize(Settings::from_json(r#"{"target": "tr"}"#))
            .expect("these settings are complete")
    }

    fn hear(content: &str) -> Result<Verdict> {
        let message = Message { conversation: "c".to_owned(), content: content.to_owned(), meta: Vec::new() };
        translator().on_chat_message(message)
    }

    fn call(name: &str, arguments: &str) -> Result<Option<ToolResult>> {
        translator().on_tool_call(ToolCall {
            conversation: "c".to_owned(),
            name: name.to_owned(),
            arguments: arguments.to_owned(),
            meta: Vec::new(),
        })
    }

    #[test]
    fn lets_other_messages_pass() {
        assert_eq!(hear("please /translate this"), Ok(Verdict::Pass));
    }

    #[test]
    fn a_translation_that_failed_does_not_reach_the_model() {
        let reason = "could not translate: the host cannot do this now".to_owned();
        assert_eq!(hear("/translate de Good morning"), Ok(Verdict::Reject(reason)));
    }

    #[test]
    fn tools_of_others_are_not_answered() {
        assert_eq!(call("weather", "{}"), Ok(None));
    }

    #[test]
    fn the_model_is_told_what_was_wrong_with_its_call() {
        let answer = call(TOOL, r#"{"text": "Hi", "target": "klingon"}"#).expect("the call itself is sound");
        let result = answer.expect("the tool is ours");
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
