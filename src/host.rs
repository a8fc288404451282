//! The host that serves this home, as leahpm meets it: found, asked who it is, given a generation to try, told that the
//! generation is live. What it answers is told on; nothing is changed here.

use std::{
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use leah_home::place;
use leah_plugin::{
    layout::Layout,
    message::{
        Call, Committed, Done, Fault, FaultCode, HelloResult, LogLine, LogTail, Notice, PROTOCOL, PluginList,
        Prepare, Prepared,
    },
    name::PluginName,
    terminal::escaped,
};
use leah_socket::{Client, ClientError, LineError, SocketError};
use serde::de::DeserializeOwned;

use crate::{
    config::HostConfig,
    fs::{self, FsError},
    live,
};

/// How leahpm calls itself.
const CLIENT: &str = concat!("leahpm ", env!("CARGO_PKG_VERSION"));

/// Longest time for an answer that needs no plugin.
const QUICK: Duration = Duration::from_secs(10);

/// Between two questions whether the host is done with another deploy.
const PAUSE: Duration = Duration::from_millis(50);

/// A host that runs, serves this home and speaks our protocol.
#[derive(Debug)]
pub struct Host {
    client: Client,
    hello: HelloResult,
    /// How long it may take to try a generation or to switch to it.
    wait: Duration,
}

/// The host did not take a generation, or could not be talked to.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// There is none to be asked.
    #[error("no host runs for `{}`", fs::shown(.0))]
    NotRunning(PathBuf),
    /// The home cannot be looked at.
    #[error(transparent)]
    File(#[from] FsError),
    /// The socket is there and cannot be used, or is not safe to use.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The folder that the host serves was moved away and another one is in its place.
    #[error("the host at `{}` serves another folder than `{}`", fs::shown(socket), fs::shown(home))]
    OtherHome {
        /// The path of its socket.
        socket: PathBuf,
        /// The home of this run.
        home: PathBuf,
    },
    /// The host is of a release whose messages we do not know.
    #[error("the host does not speak version {PROTOCOL} of the protocol, as this leahpm does")]
    Protocol,
    /// The host takes too long.
    #[error("the host did not {asked} within {}", humantime::format_duration(*patience))]
    Late {
        /// What it was asked to do, as it stands behind "did not".
        asked: Asked,
        /// How long it was waited for.
        patience: Duration,
    },
    /// The host closed the connection, or is gone.
    #[error("the host ended before it could {asked}")]
    Ended {
        /// What it was asked to do.
        asked: Asked,
    },
    /// It answered with an error, or with something that is no answer.
    #[error("the host could not {asked}")]
    Failed {
        /// What it was asked to do.
        asked: Asked,
        /// What it answered.
        source: ClientError,
    },
    /// Another deploy is under way, for too long.
    #[error("the host is busy with another change, for more than {}", humantime::format_duration(*patience))]
    Busy {
        /// How long it was waited for.
        patience: Duration,
    },
    /// A plugin of the set does not run.
    #[error("`{plugin}` does not start in the running host, so nothing was changed")]
    Refused {
        /// The plugin.
        plugin: PluginName,
        /// Why.
        source: Reason,
    },
    /// The set as a whole cannot be tried.
    #[error("the running host cannot try the new set, so nothing was changed")]
    NotTried(#[source] Reason),
}

/// What the host said of a plugin or of itself, made safe to print.
#[derive(Debug, thiserror::Error)]
#[error("{}", shortened(.0))]
pub struct Reason(String);

/// Longest reason that is shown, in characters.
const REASON: usize = 1_000;

/// What a host was asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Say who it is.
    Hello,
    /// Try a generation.
    Prepare(u64),
    /// Switch to it.
    Commit(u64),
    /// Tell of its plugins.
    Plugins,
    /// Tell what was logged.
    Logs,
}

impl std::fmt::Display for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Hello => write!(f, "say who it is"),
            Self::Prepare(number) => write!(f, "try generation {number}"),
            Self::Commit(number) => write!(f, "confirm that it runs generation {number}"),
            Self::Plugins => write!(f, "tell of its plugins"),
            Self::Logs => write!(f, "show its log"),
        }
    }
}

/// `reason` as it can be shown on one line.
#[must_use]
pub fn shortened(reason: &str) -> String {
    let mut short: String = reason.chars().take(REASON).collect();
    if short.len() < reason.len() {
        short.push('…');
    }
    escaped(&short)
}

impl Host {
    /// The host of this home; none where no host runs.
    ///
    /// # Errors
    /// When there is one that does not answer, cannot be trusted, serves another folder, or speaks another protocol.
    pub fn find(layout: &Layout, config: &HostConfig) -> Result<Option<Self>, HostError> {
        let socket = match place::socket(layout) {
            Ok(socket) => socket,
            // Nobody serves a home that is not there.
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let Some(mut client) = Client::connect(&socket)? else { return Ok(None) };
        let patience = config.wait.min(QUICK);
        let hello = client.hello(CLIENT, patience).map_err(|error| failed(Asked::Hello, patience, error))?;
        if live::home_id(layout)? != hello.home {
            return Err(HostError::OtherHome { socket, home: layout.home().to_owned() });
        }
        Ok(Some(Self { client, hello, wait: config.wait }))
    }

    /// The same for those who cannot do without one.
    ///
    /// # Errors
    /// As [`Self::find`], and when no host runs.
    pub fn running(layout: &Layout, config: &HostConfig) -> Result<Self, HostError> {
        Self::find(layout, config)?.ok_or_else(|| HostError::NotRunning(layout.home().to_owned()))
    }

    /// What it says of itself.
    #[must_use]
    pub fn hello(&self) -> &HelloResult {
        &self.hello
    }

    /// How its plugins are.
    ///
    /// # Errors
    /// When it does not answer as it should.
    pub fn plugins(&mut self) -> Result<PluginList, HostError> {
        self.ask(Asked::Plugins, &Call::PluginsList, self.wait.min(QUICK))
    }

    /// Has it try a generation beside what runs, and gives the plugins that wait for settings. It waits where another
    /// deploy is under way; `busy` is told so once. The host keeps the generation ready as long as this value lives.
    ///
    /// # Errors
    /// When the host refuses it or does not answer as it should. Nothing has changed then.
    pub fn prepare(&mut self, wanted: &Prepare, busy: impl FnOnce()) -> Result<Vec<PluginName>, HostError> {
        let (asked, start) = (Asked::Prepare(wanted.generation), Instant::now());
        let mut busy = Some(busy);
        loop {
            let left = self.wait.saturating_sub(start.elapsed());
            let call = Call::Prepare(within(wanted, left));
            match self.client.call(&call, left) {
                Ok(Prepared::Ready { needs_settings }) => return Ok(needs_settings),
                Ok(Prepared::Refused { plugin, reason }) => return Err(refused(plugin, reason)),
                Err(ClientError::Fault(Fault { code: FaultCode::Busy, .. })) => {
                    if start.elapsed() + PAUSE >= self.wait {
                        return Err(HostError::Busy { patience: self.wait });
                    }
                    if let Some(busy) = busy.take() {
                        busy();
                    }
                    thread::sleep(PAUSE);
                }
                Err(error) => return Err(failed(asked, self.wait, error)),
            }
        }
    }

    /// Tells it that the generation it has ready is live.
    ///
    /// # Errors
    /// When it does not confirm that it runs it. The generation is live all the same, and a host finds that out by
    /// itself.
    pub fn commit(&mut self, wanted: &Prepare) -> Result<Committed, HostError> {
        let call = Call::Commit(within(wanted, self.wait));
        self.ask(Asked::Commit(wanted.generation), &call, self.wait)
    }

    /// Has it tell from now on what is logged, by one plugin or by all and itself, with the last `lines` before.
    ///
    /// # Errors
    /// When it does not answer as it should.
    pub fn tail(&mut self, plugin: Option<PluginName>, lines: u32) -> Result<(), HostError> {
        let call = Call::LogTail(LogTail { plugin, lines });
        self.ask(Asked::Logs, &call, self.wait.min(QUICK)).map(|Done {}| ())
    }

    /// The next line of the log after [`Self::tail`]: one that is there already, or one that comes within `patience`.
    ///
    /// # Errors
    /// When the host ended or sends something else than lines.
    pub fn next_line(&mut self, patience: Option<Duration>) -> Result<Option<LogLine>, HostError> {
        loop {
            let notice = self.client.next_notice(patience);
            match notice.map_err(|error| failed(Asked::Logs, patience.unwrap_or_default(), error))? {
                Some(Notice::Log(line)) => return Ok(Some(line)),
                // A later release may tell more than was asked for.
                Some(_) => {}
                None => return Ok(None),
            }
        }
    }

    fn ask<T: DeserializeOwned>(
        &mut self,
        asked: Asked,
        call: &Call,
        patience: Duration,
    ) -> Result<T, HostError> {
        self.client.call(call, patience).map_err(|error| failed(asked, patience, error))
    }
}

fn within(wanted: &Prepare, patience: Duration) -> Prepare {
    let deadline_ms = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
    Prepare { deadline_ms: Some(deadline_ms), ..wanted.clone() }
}

fn refused(plugin: Option<PluginName>, reason: String) -> HostError {
    match plugin {
        Some(plugin) => HostError::Refused { plugin, source: Reason(reason) },
        None => HostError::NotTried(Reason(reason)),
    }
}

fn failed(asked: Asked, patience: Duration, error: ClientError) -> HostError {
    match error {
        ClientError::Late(_) | ClientError::Fault(Fault { code: FaultCode::Deadline, .. }) => {
            HostError::Late { asked, patience }
        }
        ClientError::Closed | ClientError::Write(_) | ClientError::Read(LineError::Cut) => {
            HostError::Ended { asked }
        }
        ClientError::Protocol(_) | ClientError::Fault(Fault { code: FaultCode::Protocol, .. }) => {
            HostError::Protocol
        }
        source => HostError::Failed { asked, source },
    }
}
