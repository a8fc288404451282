//! The code that `wit-bindgen` generates from `wit/`, and nothing written by hand but the one guard for the
//! machine.
//!
//! A module for each world: `wit-component` merges the worlds whose export macro a plugin uses, so a plugin
//! exports the hooks it has and no stubs for the others. The types are generated once, with the imports.

#![allow(
    missing_docs,
    unsafe_code,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    clippy::nursery,
    clippy::restriction,
    reason = "generated code keeps to no house style"
)]

use crate::Result;

/// An error unless this runs as a plugin. The generated imports can only panic on the machine, and a plugin's
/// tests should meet an error they can handle instead.
pub(crate) fn inside_host() -> Result<()> {
    if cfg!(target_arch = "wasm32") { Ok(()) } else { Err(crate::Error::Unavailable) }
}

/// The interfaces of the host, and the shared types.
pub mod imports {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "imports",
        additional_derives: [Clone, PartialEq, Eq],
        generate_unused_types: true,
    });
}

macro_rules! implements {
    ($module:ident, $world:literal, $path:literal) => {
        #[doc = concat!("The world `", $world, "`.")]
        pub mod $module {
            wit_bindgen::generate!({
                path: "../../wit",
                world: $world,
                with: { "leah:plugin/types@1.0.0": crate::bindings::imports::leah::plugin::types },
                pub_export_macro: true,
                default_bindings_module: $path,
            });
        }
    };
}

implements!(implements_lifecycle, "implements-lifecycle", "leah_sdk::__export::implements_lifecycle");
implements!(
    implements_on_chat_message,
    "implements-on-chat-message",
    "leah_sdk::__export::implements_on_chat_message"
);
implements!(
    implements_on_tool_call,
    "implements-on-tool-call",
    "leah_sdk::__export::implements_on_tool_call"
);
implements!(
    implements_on_before_response,
    "implements-on-before-response",
    "leah_sdk::__export::implements_on_before_response"
);
implements!(
    implements_on_after_response,
    "implements-on-after-response",
    "leah_sdk::__export::implements_on_after_response"
);
