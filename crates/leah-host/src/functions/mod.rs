//! What a plugin can call. [`Caller::enter`] is the one place that asks whether it may, below every version of the API;
//! what a name or a path leads to is checked by the function itself.

mod files;
mod http;
mod log;
mod model;
mod path;
mod settings;
mod store;

use std::time::Duration;

use leah_plugin::{message::Level, terminal::escaped};
use wasmtime::component::{HasData, Linker};

use crate::{
    bindings::leah::plugin::{
        files as files_api, http as http_api, log as log_api, model as model_api, settings as settings_api,
        store as store_api,
        types::{self, Error},
    },
    capability::Network,
    control::Control,
    journal,
    services::{Identity, Kept, Services, disk::DiskError},
};

/// What a plugin that waited in vain has left to answer, if its call is long enough.
const LEFT_TO_ANSWER: Duration = Duration::from_millis(500);

/// One call of a plugin: who calls, with what, and for how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller<'a> {
    /// Who calls.
    pub(crate) plugin: &'a Identity,
    /// What all plugins share.
    pub(crate) services: &'a Services,
    /// False until the plugin is live.
    pub(crate) live: bool,
    /// The call from outside that it serves.
    pub(crate) control: &'a Control,
}

/// What is asked for at the one place that decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    Store,
    Files,
    Network,
    Model,
}

impl<'a> Caller<'a> {
    /// Whether the plugin may go through a door now. A right that it lacks is `denied` whether it is live or not: to
    /// try again would not help.
    fn enter(&self, door: Door) -> Result<(), Error> {
        let rights = &self.plugin.rights;
        let is_granted = match door {
            Door::Store => true,
            Door::Files => !rights.files.is_empty(),
            Door::Network => rights.network != Network::None,
            Door::Model => rights.use_model,
        };
        if !is_granted {
            return Err(Error::Denied);
        }
        if !self.live {
            return Err(Error::Unavailable);
        }
        if self.control.interrupt().is_some() {
            return Err(Error::Timeout);
        }
        Ok(())
    }

    /// How long a function may wait: not quite as long as the call, so that the plugin has time left to say that it got
    /// no answer. Otherwise a slow server would look like a plugin that hangs.
    fn patience(&self) -> Duration {
        let left = self.control.remaining();
        left - (left / 10).min(LEFT_TO_ANSWER)
    }

    fn kept(&self) -> &'a Kept {
        self.services.kept(self.plugin)
    }

    /// Writes a line into the plugin's log, at the pace that it is allowed.
    pub(crate) fn note(&self, level: Level, message: &str) {
        log::write(self, level, message);
    }

    /// What the plugin is told of trouble with its disk; the log has more.
    fn disk_failed(&self, error: &DiskError) -> Error {
        let text = sentence(error);
        self.note(Level::Error, &text);
        Error::Failed(text)
    }
}

/// An error with its causes; escaped, for some of it may be what a server or a file says.
fn sentence(error: &dyn std::error::Error) -> String {
    escaped(&journal::sentence(error))
}

impl types::Host for Caller<'_> {}

/// Lets a component call all of it. `caller` tells who does.
///
/// # Errors
/// When something of the same name is there already.
pub(crate) fn add_to_linker<T: 'static>(
    linker: &mut Linker<T>,
    caller: for<'a> fn(&'a mut T) -> Caller<'a>,
) -> wasmtime::Result<()> {
    types::add_to_linker::<T, Calls>(linker, caller)?;
    log_api::add_to_linker::<T, Calls>(linker, caller)?;
    settings_api::add_to_linker::<T, Calls>(linker, caller)?;
    store_api::add_to_linker::<T, Calls>(linker, caller)?;
    files_api::add_to_linker::<T, Calls>(linker, caller)?;
    http_api::add_to_linker::<T, Calls>(linker, caller)?;
    model_api::add_to_linker::<T, Calls>(linker, caller)
}

/// The functions work on a view of what the plugin's store holds.
struct Calls;

impl HasData for Calls {
    type Data<'a> = Caller<'a>;
}

#[cfg(test)]
pub(crate) mod tests;
