//! The traits a plugin implements: [`Plugin`], and one for each hook that its manifest names.

use crate::{Message, Response, Result, Settings, ToolCall, ToolResult, Verdict};

/// A plugin: what it knows after reading its settings.
///
/// The host runs several instances side by side and may start a new one at any time, so what has to last
/// belongs into [`store`](crate::store). A panic is logged and ends the instance; the host makes a new one.
pub trait Plugin: Sized + 'static {
    /// Reads the settings and gets ready. An error refuses the deploy: the user is shown its text and nothing
    /// changes.
    ///
    /// The plugin may never go live. `store`, `files`, `http` and `model` answer
    /// [`Unavailable`](crate::Error::Unavailable) here.
    fn initialize(settings: Settings) -> Result<Self>;

    /// The plugin is live now.
    fn activate(&self) -> Result<()> {
        Ok(())
    }

    /// The last call; the plugin is dropped after it. An instance may also end without it.
    fn shutdown(&self) -> Result<()> {
        Ok(())
    }
}

/// The hook `on_chat_message`: a message of the user is about to go to the model.
pub trait OnChatMessage: Plugin {
    /// Says what becomes of the message. An error is logged, and the message goes on unchanged.
    fn on_chat_message(&self, message: Message) -> Result<Verdict>;
}

/// The hook `on_tool_call`: the model called a tool.
pub trait OnToolCall: Plugin {
    /// Runs the tool. `None` means that it is not one of this plugin's.
    ///
    /// What the model did wrong, and what it should know of, is a [`ToolResult::failed`]; an error is for the
    /// log.
    fn on_tool_call(&self, call: ToolCall) -> Result<Option<ToolResult>>;
}

/// The hook `on_before_response`: an answer of the model is about to be shown.
pub trait OnBeforeResponse: Plugin {
    /// Says what becomes of the answer. An error is logged, and the answer goes on unchanged.
    fn on_before_response(&self, response: Response) -> Result<Verdict>;
}

/// The hook `on_after_response`: an answer of the model was shown.
pub trait OnAfterResponse: Plugin {
    /// Takes note of the answer. Nobody waits for it.
    fn on_after_response(&self, response: Response) -> Result<()>;
}
