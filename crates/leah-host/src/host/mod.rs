//! The host as the outside sees it: started on a home, called, redeployed, stopped. What runs is one snapshot; a call
//! pins it and a deploy swaps it, so a call sees one set of plugins from its beginning to its end.

mod deploy;
mod drain;

use std::{
    fmt,
    fs::File,
    io,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
        mpsc::Sender,
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use leah_home::{
    fs::{self, FsError, shown},
    generation::{Generation, ReadError},
    live,
};
use leah_plugin::{
    message::{
        HelloResult, HomeId, HookEvent, Outcome, PROTOCOL, PluginList, ToolAnswer, ToolCall, ToolList,
    },
    version::{HOST_VERSION, PLUGIN_API},
};

use self::deploy::Change;
pub use self::deploy::{DeployError, Trial};
use crate::{
    config::Config,
    control::{Control, Interrupt},
    engine::EngineError,
    journal::Journal,
    load::Loader,
    plugin::Job,
    snapshot::Snapshot,
};

/// Longest that loading may take where nobody waits for it, compiling included.
const LOADING: Duration = Duration::from_secs(600);

/// Longest that a host that is stopped waits for its plugins.
const STOPPING: Duration = Duration::from_secs(5);

/// A running host. Cloning gives another handle on it.
#[derive(Clone)]
pub struct Host {
    inner: Arc<Inner>,
}

struct Inner {
    config: Arc<Config>,
    journal: Arc<Journal>,
    home: HomeId,
    loader: Loader,
    /// What runs.
    live: ArcSwap<Snapshot>,
    change: Change,
    /// How often the timer came by.
    looks: AtomicU32,
    /// Why the timer could not switch, as it was last said.
    complaint: Mutex<String>,
    stopped: AtomicBool,
    jobs: Sender<Job>,
    /// One host a home: held as long as the host lives.
    _lock: File,
}

/// Why a host does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A file of the home cannot be used.
    #[error(transparent)]
    File(#[from] FsError),
    /// Another host serves the home.
    #[error("another host serves `{}` already", shown(.home))]
    Taken {
        /// The home.
        home: PathBuf,
    },
    /// What is live cannot be read.
    #[error("cannot read the live generation")]
    Live(#[from] ReadError),
    /// The system cannot run plugins.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The system has no thread for it.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
}

/// Why a call has no answer. What plugins do wrong is never a reason: their part is left out then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// Nobody waits for it any more, or its time is up.
    #[error(transparent)]
    Interrupted(#[from] Interrupt),
    /// The host is being stopped.
    #[error("the host is being stopped")]
    Stopped,
}

impl Host {
    /// Starts a host: nobody else may serve the home, and what is live there is loaded. Plugins that do not start are
    /// `failed`, the others run.
    ///
    /// # Errors
    /// When another host serves the home, or the live generation cannot be read.
    pub fn start(config: Config) -> Result<Self, StartError> {
        let home = config.home.home();
        fs::create_folders(home)?;
        let path = config.home.host_lock();
        let lock = fs::open_lock(&path)?;
        if !fs::try_lock_alone(&lock, &path)? {
            return Err(StartError::Taken { home: home.to_owned() });
        }
        // An installation that cannot be read is told to who starts the host; later it would be found by a timer.
        drop(Generation::live(&config.home)?);
        let journal = Arc::new(Journal::new(config.log_level));
        let config = Arc::new(config);
        let jobs = drain::start().map_err(StartError::Thread)?;
        let inner = Inner {
            home: live::home_id(&config.home)?,
            loader: Loader::new(&config, &journal, jobs.clone())?,
            live: ArcSwap::from_pointee(Snapshot::default()),
            change: Change::default(),
            looks: AtomicU32::new(0),
            complaint: Mutex::default(),
            stopped: AtomicBool::new(false),
            jobs,
            journal,
            config,
            _lock: lock,
        };
        inner.adopt();
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Who this host is, and which hooks have handlers.
    #[must_use]
    pub fn hello(&self) -> HelloResult {
        let live = self.inner.live.load();
        HelloResult {
            protocol: PROTOCOL,
            host: HOST_VERSION,
            api: PLUGIN_API,
            home: self.inner.home,
            generation: live.number(),
            hooks: live.hooks(),
        }
    }

    /// The plugins of the live generation, and how they are.
    #[must_use]
    pub fn plugins(&self) -> PluginList {
        PluginList { plugins: self.inner.live.load().plugins() }
    }

    /// The tools that the model can be offered.
    #[must_use]
    pub fn tools(&self) -> ToolList {
        ToolList { tools: self.inner.live.load().tools() }
    }

    /// Runs the whole chain of a hook, on this thread.
    ///
    /// # Errors
    /// When the call is cancelled or its time is up; never for what a plugin does.
    pub fn call_hook(&self, event: HookEvent, control: &Arc<Control>) -> Result<Outcome, CallError> {
        self.is_running()?;
        let live = self.inner.live.load();
        match event {
            HookEvent::OnChatMessage(message) => Ok(live.chat_message(message, control)?),
            HookEvent::OnBeforeResponse(answer) => Ok(live.before_response(answer, control)?),
            HookEvent::OnAfterResponse(answer) => Ok(live.after_response(answer)),
        }
    }

    /// Runs a tool, on this thread.
    ///
    /// # Errors
    /// When the call is cancelled or its time is up; never for what a plugin does.
    pub fn call_tool(&self, call: ToolCall, control: &Arc<Control>) -> Result<ToolAnswer, CallError> {
        self.is_running()?;
        Ok(self.inner.live.load().tool(call, control)?)
    }

    /// What the host has to tell.
    #[must_use]
    pub fn journal(&self) -> &Arc<Journal> {
        &self.inner.journal
    }

    /// Ends all plugins, within a bounded time. Calls are refused from now on.
    pub fn stop(&self) {
        self.inner.stopped.store(true, Ordering::SeqCst);
        drop(self.inner.live.swap(Arc::default()));
        drain::wait(&self.inner.jobs, STOPPING);
    }

    fn is_running(&self) -> Result<(), CallError> {
        if self.inner.is_stopped() { Err(CallError::Stopped) } else { Ok(()) }
    }
}

impl Inner {
    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("home", &self.inner.config.home).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
