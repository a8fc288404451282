//! The client that everything asks with, from as many threads as there are.

use std::{fmt, sync::Arc, time::Duration};

use crate::{
    engine::Engine,
    error::HttpError,
    pending::Pending,
    proxy::ProxyUrl,
    request::{Answer, Request},
    send::{self, Bounds, Incoming, Outgoing, SendError},
};

/// The longest that a connection may take to come about, even where `timeout` is longer.
pub(crate) const LONGEST_CONNECT: Duration = Duration::from_secs(10);

/// How to use the network.
#[derive(Clone)]
pub struct Settings {
    /// How long to wait when nothing comes.
    pub timeout: Duration,
    /// The bytes of PEM files with certificates to believe beside the platform's.
    pub ca_certificates: Vec<Vec<u8>>,
    /// The proxy for everything that is not on this machine; without one the system's variables decide.
    pub proxy: Option<ProxyUrl>,
    /// The header `User-Agent`.
    pub user_agent: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            ca_certificates: Vec::new(),
            proxy: None,
            user_agent: concat!("leah/", env!("CARGO_PKG_VERSION")).into(),
        }
    }
}

impl fmt::Debug for Settings {
    /// The proxy is left out: its URL may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Settings");
        shown.field("timeout", &self.timeout).field("user_agent", &self.user_agent).finish_non_exhaustive()
    }
}

/// Asks web servers for files and keeps the connections. Nothing is made before the first question, and the
/// platform's certificates are read only for the first one over `https`.
///
/// It blocks, so it must not be used on a thread that drives asynchronous tasks.
#[derive(Debug)]
pub struct Client {
    engine: Arc<Engine>,
}

impl Client {
    /// A client that has done nothing so far.
    pub fn new(settings: Settings) -> Self {
        Self { engine: Arc::new(Engine::new(settings)) }
    }

    /// Asks for a file, as often as that makes sense: four times at most, with growing pauses or those that the
    /// server asks for, and not again once twice the timeout (at least 20 s) has passed.
    ///
    /// # Errors
    /// Says what went wrong with the last attempt.
    pub fn get(&self, request: &Request<'_>) -> Result<Answer, HttpError> {
        self.ask(request).wait(&|_| ())
    }

    /// Asks for a file as [`Client::get`] does and does not wait, so that several can be on their way at once.
    pub fn ask(&self, request: &Request<'_>) -> Pending {
        Pending::begin(&self.engine, request)
    }

    /// Sends a request of somebody who is not trusted, once, and waits for the response. No proxy is used, not even one
    /// of the environment: it would look up names by itself, and nobody could tell which addresses it connects to.
    ///
    /// # Errors
    /// When it makes no sense, is not allowed, or no response came within its bounds.
    pub fn send(&self, outgoing: Outgoing<'_>, bounds: &Bounds<'_>) -> Result<Incoming, SendError> {
        send::send(&self.engine, outgoing, bounds)
    }
}
