//! The plugin `fault`: fails as its setting `mode` says, and behaves as `good` does everywhere else.

mod mode;
mod polite;

use leah_sdk::{
    Error, Message, OnAfterResponse, OnBeforeResponse, OnChatMessage, OnToolCall, Plugin, Response, Result,
    Settings, ToolCall, ToolResult, Verdict,
};
use mode::Mode;
use polite::Polite;
use serde::Deserialize;

#[derive(Deserialize)]
struct Fault {
    mode: Mode,
    #[serde(flatten)]
    polite: Polite,
}

impl Plugin for Fault {
    fn initialize(settings: Settings) -> Result<Self> {
        let plugin: Self = settings.read()?;
        match plugin.mode {
            Mode::SlowStart => mode::run_forever(),
            Mode::FailingStart => Err(no_luck()),
            _ => Ok(plugin),
        }
    }

    fn activate(&self) -> Result<()> {
        if self.mode == Mode::FailingActivate { Err(no_luck()) } else { Ok(()) }
    }
}

impl OnChatMessage for Fault {
    fn on_chat_message(&self, message: Message) -> Result<Verdict> {
        match self.mode.fail(&message.content)? {
            Some(huge) => Ok(Verdict::replace(huge)),
            None if self.mode.waits_for_now() => Ok(Verdict::Pass),
            None => Ok(self.polite.on_chat_message(&message)),
        }
    }
}

impl OnToolCall for Fault {
    fn on_tool_call(&self, call: ToolCall) -> Result<Option<ToolResult>> {
        match self.mode.fail(&call.arguments)? {
            Some(huge) => Ok(Some(ToolResult::done(huge))),
            None => self.polite.on_tool_call(&call),
        }
    }
}

impl OnBeforeResponse for Fault {
    fn on_before_response(&self, response: Response) -> Result<Verdict> {
        Ok(self.polite.on_before_response(&response))
    }
}

impl OnAfterResponse for Fault {
    fn on_after_response(&self, _response: Response) -> Result<()> {
        self.polite.on_after_response()
    }
}

fn no_luck() -> Error {
    Error::Failed("no luck today".to_owned())
}

leah_sdk::export!(Fault: on_chat_message, on_tool_call, on_before_response, on_after_response);
