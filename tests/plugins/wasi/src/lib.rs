//! The plugin `wasi`: its tool tries what a program could reach through WASI 0.2, and tells as JSON text what each
//! interface answered. With the argument `exit` it ends the program instead.

mod attempts;

use leah_sdk::{OnToolCall, Plugin, Result, Settings, ToolCall, ToolResult};

struct Wasi;

impl Plugin for Wasi {
    fn initialize(_settings: Settings) -> Result<Self> {
        Ok(Self)
    }
}

impl OnToolCall for Wasi {
    fn on_tool_call(&self, call: ToolCall) -> Result<Option<ToolResult>> {
        if call.arguments.contains("exit") {
            wasip2::cli::exit::exit(Ok(()));
        }
        Ok(Some(ToolResult::done(attempts::everything().to_string())))
    }
}

leah_sdk::export!(Wasi: on_tool_call);
