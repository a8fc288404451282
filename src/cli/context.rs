//! What every command works with: the configuration, the paths, the way to speak, and the few first steps
//! that are the same everywhere.

use std::{
    cell::OnceCell,
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use indicatif::ProgressBar;
use leah_http::Token;
use leah_plugin::{
    layout::Layout,
    name::{Origin, PluginName},
    version::HOST_VERSION,
};
use semver::Version;

use super::{
    failure::{self, Failure, Kind},
    ui::Ui,
};
use crate::{
    apply::{self, Apply, Event, Outcome},
    config::{Config, NetworkConfig},
    generation::Generation,
    host::{Host, HostError},
    plan::Plan,
    registry::Session,
};

/// One run of a command.
#[derive(Debug)]
pub(super) struct Context {
    /// What the flags mean.
    pub(super) config: Config,
    /// How to speak.
    pub(super) ui: Ui,
    /// Where everything lies.
    pub(super) layout: Layout,
    /// The command line, quoted for a shell, so that a hint can repeat it.
    pub(super) invocation: String,
    /// The version of the running host, once it was asked for it; none where no host runs.
    running_version: OnceCell<Option<Version>>,
}

/// There is no live generation.
#[derive(Debug, thiserror::Error)]
#[error("nothing was ever installed here")]
struct NothingInstalled;

impl Context {
    pub(super) fn new(config: Config, ui: Ui, invocation: String) -> Self {
        let layout = Layout::new(&config.home);
        Self { config, ui, layout, invocation, running_version: OnceCell::new() }
    }

    /// The live generation, or `None` where nothing was ever installed.
    pub(super) fn live(&self) -> Result<Option<Generation>, Failure> {
        Ok(Generation::live(&self.layout)?)
    }

    /// The live generation, for a command that has nothing to show without one.
    pub(super) fn installed(&self) -> Result<Generation, Failure> {
        let nothing = || Failure::new(Kind::NotFound, NothingInstalled);
        self.live()?.ok_or_else(|| nothing().hint("`leahpm search` shows what there is to install"))
    }

    /// The registries of this run. None is opened yet.
    pub(super) fn session(&self) -> Result<Session, Failure> {
        self.session_over(self.config.network.clone())
    }

    /// The same without the network, whatever the flags say of it.
    pub(super) fn session_offline(&self) -> Result<Session, Failure> {
        self.session_over(NetworkConfig { offline: true, ..self.config.network.clone() })
    }

    fn session_over(&self, network: NetworkConfig) -> Result<Session, Failure> {
        let session = Session::new(self.layout.clone(), now(), network)?;
        Ok(session.accepting(self.config.accept_keys.clone()))
    }

    /// The same, with a token that is not kept yet.
    pub(super) fn session_with_token(&self, origin: &Origin, token: &Token) -> Result<Session, Failure> {
        let mut network = self.config.network.clone();
        network.tokens.insert(origin.clone(), token.clone());
        Ok(Session::new(self.layout.clone(), now(), network)?)
    }

    /// The version of leah-host that plugins must fit: the one that was asked for, else that of the running host, else
    /// the one of this release.
    pub(super) fn host_version(&self) -> Result<Version, Failure> {
        if let Some(version) = &self.config.host_version {
            return Ok(version.clone());
        }
        if self.running_version.get().is_none() {
            let host = self.host()?;
            drop(self.running_version.set(host.map(|host| host.hello().host.clone())));
        }
        Ok(self.running_version.get().cloned().flatten().unwrap_or(HOST_VERSION))
    }

    /// The running host; none where no host runs, or it is not to be asked.
    pub(super) fn host(&self) -> Result<Option<Host>, HostError> {
        if self.config.host.left_out { Ok(None) } else { Host::find(&self.layout, &self.config.host) }
    }

    /// The same for what people look at, who are told of a host that cannot be asked and see the rest.
    pub(super) fn host_for_looks<T>(&self, ask: impl FnOnce(Host) -> Result<T, HostError>) -> Option<T> {
        let answer = self.host().and_then(|host| host.map(ask).transpose());
        answer.unwrap_or_else(|error| {
            self.ui.warn(failure::messages(&error).join(": "));
            None
        })
    }

    /// Calls `work` with what `apply` needs to know, `watch` being the observer of its steps.
    pub(super) fn applying<T>(&self, watch: &Watch<'_>, work: impl FnOnce(&Apply<'_>) -> T) -> T {
        let observer = |event: Event<'_>| watch.see(&event);
        work(&Apply {
            layout: &self.layout,
            config: &self.config,
            command: watch.command,
            now: now(),
            observer: &observer,
        })
    }

    /// Makes a plan and carries it out, showing each step.
    pub(super) fn deploy(
        &self,
        command: &str,
        session: &Session,
        plan: impl FnMut(Option<&Generation>) -> Result<Option<Plan>, Failure>,
    ) -> Result<Outcome, Failure> {
        self.with_watch(command, |watch| self.applying(watch, |apply| apply::deploy(apply, session, plan)))
    }

    /// Runs `work` with an observer that feeds the progress bar.
    pub(super) fn with_watch<T, E: Into<Failure>>(
        &self,
        command: &str,
        work: impl FnOnce(&Watch<'_>) -> Result<T, E>,
    ) -> Result<T, Failure> {
        let watch = Watch { ui: &self.ui, command, bar: Mutex::default(), received: Mutex::default() };
        let result = work(&watch);
        watch.finish();
        result.map_err(Into::into)
    }
}

/// Turns the steps of `apply` into a progress bar and, with `--verbose`, into sentences.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    ui: &'a Ui,
    command: &'a str,
    bar: Mutex<Option<ProgressBar>>,
    /// Bytes of each package that are there.
    received: Mutex<BTreeMap<PluginName, u64>>,
}

impl Watch<'_> {
    fn see(&self, event: &Event<'_>) {
        match event {
            Event::Waiting { holder } => {
                self.ui.note(format_args!("Waiting for another leahpm ({holder}) to finish …"));
            }
            Event::Fetching { bytes, .. } => {
                *self.bar() = Some(self.ui.bar(*bytes));
            }
            Event::Received { name, bytes } => self.advance(name, *bytes),
            Event::Verified { name, version, size } => {
                self.advance(name, *size);
                if let Some(bar) = self.bar().as_ref() {
                    bar.set_message(format!("{name} {version}"));
                }
                self.ui.step(format_args!("verified {name} {version}"));
            }
            Event::Stored { entry } => self.ui.step(format_args!("stored {entry}")),
            Event::Written { number } => {
                self.finish();
                self.ui.step(format_args!("wrote generation {number}"));
            }
            Event::Trying { number } => {
                *self.bar() = Some(self.ui.spinner(format!("trying generation {number} in the host …")));
                self.ui.step(format_args!("trying generation {number} in the running host"));
            }
            Event::HostBusy => {
                self.finish();
                self.ui.note("Waiting for the host to finish another change …");
            }
            Event::Live { number } => {
                self.finish();
                self.ui.step(format_args!("switched to generation {number}"));
            }
            Event::Runs { number } => self.ui.step(format_args!("the host runs generation {number}")),
        }
    }

    /// So many bytes of a package are there.
    fn advance(&self, name: &PluginName, bytes: u64) {
        if let Some(bar) = self.bar().as_ref() {
            let mut received = self.received.lock().unwrap_or_else(PoisonError::into_inner);
            received.insert(name.clone(), bytes);
            bar.set_position(received.values().sum());
        }
    }

    fn finish(&self) {
        if let Some(bar) = self.bar().take() {
            bar.finish_and_clear();
        }
    }

    fn bar(&self) -> std::sync::MutexGuard<'_, Option<ProgressBar>> {
        // A bar is only drawn; one left by a panicking thread is as good as any.
        self.bar.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Seconds since 1970. A clock before that is taken for that: everything signed is then fresh, as it is
/// for any clock that is slow.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
