//! The plugin `newer`: built with `leah:plugin@2.0.0`, which is not a version that a host has. It would start.

mod bindings {
    //! Generated.
    #![allow(missing_docs, unsafe_code, unreachable_pub, clippy::all, reason = "generated code")]

    wit_bindgen::generate!({
        inline: r"
            package leah:plugin@2.0.0;

            interface lifecycle {
              initialize: func(settings: string) -> result<_, string>;
              activate: func() -> result<_, string>;
              shutdown: func() -> result<_, string>;
            }

            interface on-chat-message {
              handle: func(message: string) -> result<string, string>;
            }

            world plugin {
              export lifecycle;
              export on-chat-message;
            }
        ",
    });
}

use bindings::exports::leah::plugin::{lifecycle, on_chat_message};

struct Plugin;

impl lifecycle::Guest for Plugin {
    fn initialize(_settings: String) -> Result<(), String> {
        Ok(())
    }

    fn activate() -> Result<(), String> {
        Ok(())
    }

    fn shutdown() -> Result<(), String> {
        Ok(())
    }
}

impl on_chat_message::Guest for Plugin {
    fn handle(message: String) -> Result<String, String> {
        Ok(format!("newer: {message}"))
    }
}

bindings::export!(Plugin with_types_in bindings);
