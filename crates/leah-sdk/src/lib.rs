//! What a plugin for LEAH is written against in Rust: the interfaces of `leah:plugin@1.0.0` as traits to
//! implement and modules to call. It adds nothing to them but convenience, and a module that is not used
//! leaves nothing in the plugin.
//!
//! ```
//! use leah_sdk::{Message, OnChatMessage, Plugin, Result, Settings, Verdict, log};
//!
//! struct Shout;
//!
//! impl Plugin for Shout {
//!     fn initialize(_settings: Settings) -> Result<Self> {
//!         Ok(Self)
//!     }
//! }
//!
//! impl OnChatMessage for Shout {
//!     fn on_chat_message(&self, message: Message) -> Result<Verdict> {
//!         log::debug("made a message louder");
//!         Ok(Verdict::replace(message.content.to_uppercase()))
//!     }
//! }
//!
//! leah_sdk::export!(Shout: on_chat_message);
//! ```
//!
//! A plugin is a library with `crate-type = ["cdylib"]`, built for `wasm32-unknown-unknown`. It also builds
//! for the machine at hand, so that its logic is tested with plain `cargo test`; there, every call to the
//! host answers [`Error::Unavailable`].

mod bindings;
mod export;
mod plugin;
mod types;

pub mod files;
pub mod http;
pub mod log;
pub mod model;
pub mod settings;
pub mod store;

pub use plugin::{OnAfterResponse, OnBeforeResponse, OnChatMessage, OnToolCall, Plugin};
pub use settings::Settings;
pub use types::{
    Error, Message, Meta, Rejection, Replacement, Response, Result, Role, ToolCall, ToolResult, Verdict,
};

/// What [`export!`] expands to. Not for use by hand, and it may change at any time.
#[doc(hidden)]
pub mod __export {
    pub use crate::bindings::{
        implements_lifecycle, implements_on_after_response, implements_on_before_response,
        implements_on_chat_message, implements_on_tool_call,
    };
    pub use crate::export::Slot;
}

/// The guide for authors: what it shows compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/plugin-authors.md")]
struct Guide;
