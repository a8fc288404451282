//! [`export!`](crate::export!) and the place where a running plugin lives between two calls of the host.

use std::cell::RefCell;

use crate::{Error, Plugin, Result, Settings};

/// Holds the plugin of this instance: nothing until `initialize` succeeded, and nothing after `shutdown`.
pub struct Slot<P>(RefCell<Option<P>>);

impl<P: Plugin> Slot<P> {
    /// A slot without a plugin.
    #[must_use]
    pub const fn empty() -> Self {
        Self(RefCell::new(None))
    }

    /// Makes the plugin from its settings, which are the text of a JSON object.
    pub fn initialize(&self, settings: String) -> Result<()> {
        log_panics();
        let plugin = P::initialize(Settings::from_json(settings))?;
        self.0.replace(Some(plugin));
        Ok(())
    }

    /// Calls the plugin. [`Error::Unavailable`] if there is none.
    pub fn call<T>(&self, hook: impl FnOnce(&P) -> Result<T>) -> Result<T> {
        self.0.borrow().as_ref().ok_or(Error::Unavailable).and_then(hook)
    }

    /// Lets the plugin say goodbye and drops it. Nothing to do if there is none.
    pub fn shutdown(&self) -> Result<()> {
        self.0.take().map_or(Ok(()), |plugin| plugin.shutdown())
    }
}

/// Without this the author of a plugin learns of a panic only that the instance hit `unreachable`.
fn log_panics() {
    if cfg!(target_arch = "wasm32") {
        std::panic::set_hook(Box::new(|panic| crate::log::error(panic.to_string())));
    }
}

/// Makes a type the plugin of this library: `export!(Translator: on_chat_message, on_tool_call)`.
///
/// The names after the colon are the hooks, as in the manifest; the type implements [`Plugin`](crate::Plugin)
/// and the trait of each hook. Nothing but these is exported. Once in a library.
///
/// On the machine it only checks that the traits are there: the exports have names that no linker but that
/// for wasm takes.
#[macro_export]
macro_rules! export {
    ($plugin:ty $(: $($hook:ident),+ $(,)?)?) => {
        const _: () = {
            // The generated code wants a type of this library, under a plain name. It is never made.
            #[allow(dead_code, reason = "only its associated functions are called")]
            struct Exported;

            ::std::thread_local! {
                static PLUGIN: $crate::__export::Slot<$plugin> = const { $crate::__export::Slot::empty() };
            }

            impl $crate::__export::implements_lifecycle::exports::leah::plugin::lifecycle::Guest for Exported {
                fn initialize(settings: ::std::string::String) -> $crate::Result<()> {
                    PLUGIN.with(|plugin| plugin.initialize(settings))
                }

                fn activate() -> $crate::Result<()> {
                    PLUGIN.with(|plugin| plugin.call($crate::Plugin::activate))
                }

                fn shutdown() -> $crate::Result<()> {
                    PLUGIN.with(|plugin| plugin.shutdown())
                }
            }

            #[cfg(target_arch = "wasm32")]
            $crate::__export::implements_lifecycle::export!(
                Exported with_types_in $crate::__export::implements_lifecycle
            );

            // Elsewhere nobody calls the plugin, and without this the compiler would take all of it for dead.
            #[cfg(not(target_arch = "wasm32"))]
            const _: fn(::std::string::String) -> $crate::Result<()> =
                <Exported as $crate::__export::implements_lifecycle::exports::leah::plugin::lifecycle::Guest>
                    ::initialize;

            $($($crate::__export_hook!($hook);)+)?
        };
    };
}

/// One hook of [`export!`], inside the block that holds `Exported` and `PLUGIN`.
#[doc(hidden)]
#[macro_export]
macro_rules! __export_hook {
    (on_chat_message) => {
        $crate::__export_hook!(
            implements_on_chat_message, on_chat_message, OnChatMessage, $crate::Message, $crate::Verdict
        );
    };
    (on_tool_call) => {
        $crate::__export_hook!(
            implements_on_tool_call, on_tool_call, OnToolCall, $crate::ToolCall,
            ::std::option::Option<$crate::ToolResult>
        );
    };
    (on_before_response) => {
        $crate::__export_hook!(
            implements_on_before_response, on_before_response, OnBeforeResponse, $crate::Response, $crate::Verdict
        );
    };
    (on_after_response) => {
        $crate::__export_hook!(
            implements_on_after_response, on_after_response, OnAfterResponse, $crate::Response, ()
        );
    };
    ($world:ident, $hook:ident, $trait:ident, $shown:ty, $answer:ty) => {
        impl $crate::__export::$world::exports::leah::plugin::$hook::Guest for Exported {
            fn handle(shown: $shown) -> $crate::Result<$answer> {
                PLUGIN.with(|plugin| plugin.call(|plugin| $crate::$trait::$hook(plugin, shown)))
            }
        }

        #[cfg(target_arch = "wasm32")]
        $crate::__export::$world::export!(Exported with_types_in $crate::__export::$world);

        #[cfg(not(target_arch = "wasm32"))]
        const _: fn($shown) -> $crate::Result<$answer> =
            <Exported as $crate::__export::$world::exports::leah::plugin::$hook::Guest>::handle;
    };
    ($unknown:ident) => {
        ::std::compile_error!(::std::concat!(
            "`",
            ::std::stringify!($unknown),
            "` is not a hook; the hooks are on_chat_message, on_tool_call, on_before_response, on_after_response"
        ));
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Greeter(String);

    impl Plugin for Greeter {
        fn initialize(settings: Settings) -> Result<Self> {
            settings.read().map(Self)
        }
    }

    fn name(slot: &Slot<Greeter>) -> Result<String> {
        slot.call(|greeter| Ok(greeter.0.clone()))
    }

    #[test]
    fn nothing_answers_before_initialize_and_after_shutdown() {
        let slot = Slot::<Greeter>::empty();
        assert_eq!(name(&slot), Err(Error::Unavailable));

        assert_eq!(slot.initialize("\"Ada\"".to_owned()), Ok(()));
        assert_eq!(name(&slot), Ok("Ada".to_owned()));

        assert_eq!(slot.shutdown(), Ok(()));
        assert_eq!(name(&slot), Err(Error::Unavailable));
        assert_eq!(slot.shutdown(), Ok(()));
    }

    #[test]
    fn a_plugin_that_refuses_its_settings_does_not_start() {
        let slot = Slot::<Greeter>::empty();
        assert!(matches!(slot.initialize("7".to_owned()), Err(Error::Invalid(_))));
        assert_eq!(name(&slot), Err(Error::Unavailable));
    }
}
