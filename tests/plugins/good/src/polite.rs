//! What a plugin that behaves does in each hook. `fault` does the same where it is not told to fail.

use leah_sdk::{Message, Response, Result, ToolCall, ToolResult, Verdict, store};
use serde::Deserialize;

/// Where the number of answers that were shown is kept.
const SEEN: &str = "seen";

/// What the polite hooks need to know.
#[derive(Deserialize)]
pub(crate) struct Polite {
    /// What the plugin puts into the texts that it changes, so that a test can tell plugins apart.
    word: String,
}

impl Polite {
    /// `good: hello`.
    pub(crate) fn on_chat_message(&self, message: &Message) -> Verdict {
        Verdict::replace(format!("{}: {}", self.word, message.content))
    }

    /// `hello (good)`.
    pub(crate) fn on_before_response(&self, response: &Response) -> Verdict {
        Verdict::replace(format!("{} ({})", response.content, self.word))
    }

    /// The tool `echo` answers its arguments, the tool `seen` how many answers were shown. A set has no two
    /// tools of one name, so a name may have more in front, as in `other_echo`.
    pub(crate) fn on_tool_call(&self, call: &ToolCall) -> Result<Option<ToolResult>> {
        let word = call.name.rsplit('_').next().unwrap_or_default();
        Ok(match word {
            "echo" => Some(ToolResult::done(call.arguments.as_str())),
            "seen" => Some(ToolResult::done(seen()?)),
            _ => None,
        })
    }

    /// Counts, and nothing else.
    pub(crate) fn on_after_response(&self) -> Result<()> {
        store::add(SEEN, 1).map(drop)
    }
}

fn seen() -> Result<String> {
    Ok(store::get_text(SEEN)?.unwrap_or_else(|| "0".to_owned()))
}
