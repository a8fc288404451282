//! `leah-host serve`: the daemon.

use std::{
    process,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread,
    time::Duration,
};

use clap::ValueEnum;
use leah_home::{fs::shown, place};
use leah_host::{
    config::{Config, Model, ModelUrl},
    host::Host,
    listener::Server,
};
use leah_plugin::message::{Level, PluginState};

use super::{
    args::PlaceArgs,
    failure::{Failure, Kind},
    log, ui,
};

/// How often the host looks whether another generation was made live without it.
const LOOK: Duration = Duration::from_secs(1);

/// Load the plugins of a home and serve them on its socket
///
/// Runs until Ctrl-C or SIGTERM. What it tells goes to standard error. The file `host.yaml` in the home says what
/// plugins may use up; flags stand over it.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ServeArgs {
    /// Where the model of plugins answers, an Ollama URL
    #[arg(long, value_name = "URL")]
    model_url: Option<ModelUrl>,
    /// The model's name
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// What is less than this is not logged
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<LogLevel>,
}

const EXAMPLES: &str = "\
Examples:
  leah-host serve
  leah-host serve --model-url http://127.0.0.1:11434 --model llama3.2
  leah-host serve --home ./try --log-level debug

An example of host.yaml, in the home; every key may be left out:
  log_level: info
  model: {url: 'http://127.0.0.1:11434', name: llama3.2}
  ceiling: [read_messages, modify_messages, network_access]
  limits: {memory: 64 MiB, guest_time: 50ms, call_time: 30s}
  plugins:
    translator: {priority: 10, limits: {call_time: 60s}}";

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LogLevel {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

impl From<LogLevel> for Level {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Trace => Self::Trace,
            LogLevel::Debug => Self::Debug,
            LogLevel::Info => Self::Info,
            LogLevel::Warn => Self::Warn,
            LogLevel::Error => Self::Error,
        }
    }
}

/// A model of which only one half is known.
#[derive(Debug, thiserror::Error)]
#[error("a model needs `--model-url URL` and `--model NAME`, and `host.yaml` does not say the other one")]
struct HalfAModel;

pub(super) fn run(place: &PlaceArgs, args: &ServeArgs) -> Result<(), Failure> {
    let config = config(place, args)?;
    let (serves, stopped) = signals()?;
    let call_time = longest_call(&config);
    let home = config.home.clone();
    let host = Host::start(config)?;
    serves.store(true, Ordering::SeqCst);
    let server = Server::start(host.clone(), call_time, &place::socket(&home)?)?;
    ui::say(&format!("Serving `{}` at `{}`: {}", shown(home.home()), shown(server.socket()), summary(&host)));
    let printing = log::print(host.journal())?;
    let looking = look(host.clone())?;
    // It lasts as long as signals are heard, and nothing else ends the host.
    let _ = stopped.recv();
    drop(looking);
    // Nobody comes in any more before the plugins are stopped.
    drop(server);
    host.stop();
    printing.end();
    Ok(())
}

/// Hears signals from now on: before anything runs, one that comes early ends the process at once, since to load plugins
/// can take minutes, and nobody is served by then; later ones are passed on.
fn signals() -> Result<(Arc<AtomicBool>, Receiver<()>), Failure> {
    let (stop, stopped) = channel();
    let serves = Arc::new(AtomicBool::new(false));
    let serving = Arc::clone(&serves);
    ctrlc::set_handler(move || {
        if !serving.load(Ordering::SeqCst) {
            process::exit(0);
        }
        // Nobody waits for it where the host ends already.
        let _ = stop.send(());
    })
    .map_err(|error| Failure::new(Kind::Unexpected, error))?;
    Ok((serves, stopped))
}

/// Looks after what is live until the answer is dropped, on a thread of its own: what is found may take long to load,
/// and no signal waits for it.
fn look(host: Host) -> Result<Sender<()>, Failure> {
    let (looking, ended) = channel();
    let look = move || {
        while ended.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
            host.look();
        }
    };
    let thread = thread::Builder::new().name("look".into()).spawn(look);
    thread.map_err(|error| Failure::new(Kind::Unexpected, error))?;
    Ok(looking)
}

fn config(place: &PlaceArgs, args: &ServeArgs) -> Result<Config, Failure> {
    let home = place.home()?;
    let cache = place.cache(&home);
    let mut config = Config::read(home, cache)?;
    if args.model_url.is_some() || args.model.is_some() {
        let told = config.model.take();
        let (url, name) = told.map_or((None, None), |model| (Some(model.url), Some(model.name)));
        let url = args.model_url.clone().map(|url| url.0).or(url);
        let (Some(url), Some(name)) = (url, args.model.clone().or(name)) else {
            return Err(Failure::new(Kind::Invalid, HalfAModel)
                .hint("name both: `leah-host serve --model-url http://127.0.0.1:11434 --model llama3.2`"));
        };
        config.model = Some(Model { url, name });
    }
    config.log_level = args.log_level.map_or(config.log_level, Into::into);
    Ok(config)
}

/// What a call may take with all plugins that it runs through: as long as the most patient limit allows.
fn longest_call(config: &Config) -> Duration {
    let own = config.plugins.values().filter_map(|plugin| plugin.limits);
    own.map(|limits| limits.call_time).fold(config.limits.call_time, Duration::max)
}

fn summary(host: &Host) -> String {
    let Some(number) = host.hello().generation else { return "no plugins are installed".into() };
    let plugins = host.plugins().plugins;
    let running = plugins.iter().filter(|plugin| plugin.state == PluginState::Running).count();
    let not = match plugins.len() - running {
        0 => String::new(),
        not => format!(", {not} of them not running, `leah-host status` says why"),
    };
    format!("generation {number}, {} plugin{}{not}", plugins.len(), if plugins.len() == 1 { "" } else { "s" })
}
