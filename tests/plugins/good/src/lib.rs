//! The plugin `good`: one that behaves. Every hook does one thing that can be seen from outside.

mod polite;

use leah_sdk::{
    Message, OnAfterResponse, OnBeforeResponse, OnChatMessage, OnToolCall, Plugin, Response, Result,
    Settings, ToolCall, ToolResult, Verdict,
};
use polite::Polite;

struct Good(Polite);

impl Plugin for Good {
    fn initialize(settings: Settings) -> Result<Self> {
        settings.read().map(Self)
    }
}

impl OnChatMessage for Good {
    fn on_chat_message(&self, message: Message) -> Result<Verdict> {
        Ok(self.0.on_chat_message(&message))
    }
}

impl OnToolCall for Good {
    fn on_tool_call(&self, call: ToolCall) -> Result<Option<ToolResult>> {
        self.0.on_tool_call(&call)
    }
}

impl OnBeforeResponse for Good {
    fn on_before_response(&self, response: Response) -> Result<Verdict> {
        Ok(self.0.on_before_response(&response))
    }
}

impl OnAfterResponse for Good {
    fn on_after_response(&self, _response: Response) -> Result<()> {
        self.0.on_after_response()
    }
}

leah_sdk::export!(Good: on_chat_message, on_tool_call, on_before_response, on_after_response);
