//! The plugin `probe`: tries what the arguments of its tool say, and tells what came of it as JSON text:
//! `{"ok": …}` or `{"error": "denied"}`.

mod attempt;

use attempt::{Attempt, answer};
use leah_sdk::{
    Message, OnAfterResponse, OnBeforeResponse, OnChatMessage, OnToolCall, Plugin, Response, Result,
    Settings, ToolCall, ToolResult, Verdict, log, store,
};
use serde_json::{Value, json};

/// Where the last answer that was shown is kept.
const SHOWN: &str = "shown";

/// What came of trying every interface in `initialize`.
struct Probe {
    initialize: Value,
}

impl Plugin for Probe {
    fn initialize(settings: Settings) -> Result<Self> {
        Ok(Self { initialize: attempt::everything(&settings.read()?) })
    }
}

impl OnChatMessage for Probe {
    fn on_chat_message(&self, message: Message) -> Result<Verdict> {
        Ok(verdict(&message.content))
    }
}

impl OnBeforeResponse for Probe {
    fn on_before_response(&self, response: Response) -> Result<Verdict> {
        Ok(verdict(&response.content))
    }
}

impl OnAfterResponse for Probe {
    fn on_after_response(&self, response: Response) -> Result<()> {
        log::info("an answer was shown");
        store::set(SHOWN, response.content)
    }
}

impl OnToolCall for Probe {
    fn on_tool_call(&self, call: ToolCall) -> Result<Option<ToolResult>> {
        if call.name.starts_with("undeclared") {
            return Ok(Some(ToolResult::done(format!("heard {}", call.name))));
        }
        let attempt: Attempt = match call.parse_arguments() {
            Ok(attempt) => attempt,
            Err(error) => return Ok(Some(ToolResult::failed(error.explanation()))),
        };
        let told = match attempt {
            Attempt::Initialize => json!({ "ok": self.initialize }),
            attempt => answer(attempt.run()),
        };
        Ok(Some(ToolResult::done(told.to_string())))
    }
}

/// `replace` and `reject` get what they ask for.
fn verdict(content: &str) -> Verdict {
    match content {
        "replace" => Verdict::replace("replaced"),
        "reject" => Verdict::reject("rejected"),
        _ => Verdict::Pass,
    }
}

leah_sdk::export!(Probe: on_chat_message, on_tool_call, on_before_response, on_after_response);
