//! What is expensive and made when it is first needed: the thread, the certificates, and a client for each kind
//! of way that a question can take, with connections that are kept and never change kind.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use reqwest::{ClientBuilder, Proxy, redirect::Policy};
use rustls::ClientConfig;
use tokio::{
    runtime::{Builder, Handle, Runtime},
    sync::Semaphore,
};
use url::Url;

use crate::{
    address::{OnlyPublic, PublicNames, ThisMachine},
    base::{BaseUrl, is_loopback},
    client::{LONGEST_CONNECT, Settings},
    error::{Cause, Problem},
    redirect, roots,
    send::Reach,
};

/// Worker threads. Whoever asks waits on a thread of his own, so this one does nothing but move bytes; a second one would
/// only take the bytes of a connection from processor to processor.
const WORKERS: usize = 1;

/// Most questions under way at a time. Over HTTP/1.1 each has a connection of its own, of which servers take some dozens
/// of one client; HTTP/2 has a hundred streams in one.
const AT_ONCE: usize = 64;

/// The ways that a question can take. Each has connections of its own: one that was allowed to lead inside must
/// not be used for one that is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// `http` on this machine: no certificates, no proxy.
    Plain,
    /// `https` on this machine: no proxy.
    OwnTls,
    /// `https` to the host that the user named, or from this machine to anywhere.
    Named,
    /// `https` to where a redirect leads: public addresses alone.
    Public,
    /// What is sent for others, in the clear, without proxy: public addresses alone.
    OpenPlain,
    /// The same over `https`.
    OpenTls,
    /// What is sent for others to a host that the user chose, in the clear, without proxy.
    ChosenPlain,
    /// The same over `https`.
    ChosenTls,
}

impl Way {
    /// The way to `url`, which is the file asked for or what a redirect led to.
    pub(crate) fn to(url: &Url, base: &BaseUrl) -> Self {
        match url.scheme() {
            "http" => Self::Plain,
            _ if is_loopback(url) => Self::OwnTls,
            _ if redirect::is_guarded(base, url) => Self::Public,
            _ => Self::Named,
        }
    }

    /// The way to a URL that somebody wants something sent to who is not trusted.
    fn sent(url: &Url, reach: Reach) -> Self {
        match (url.scheme(), reach) {
            ("http", Reach::Any) if is_loopback(url) => Self::Plain,
            (_, Reach::Any) if is_loopback(url) => Self::OwnTls,
            ("http", Reach::Any) => Self::ChosenPlain,
            (_, Reach::Any) => Self::ChosenTls,
            ("http", Reach::Public) => Self::OpenPlain,
            (_, Reach::Public) => Self::OpenTls,
        }
    }

    fn is_plain(self) -> bool {
        matches!(self, Self::Plain | Self::OpenPlain | Self::ChosenPlain)
    }
}

#[derive(Debug)]
pub(crate) struct Engine {
    settings: Settings,
    names: Arc<PublicNames>,
    turns: Semaphore,
    made: Mutex<Made>,
}

#[derive(Debug, Default)]
struct Made {
    runtime: Option<Runtime>,
    tls: Option<ClientConfig>,
    clients: [Option<reqwest::Client>; 8],
}

impl Engine {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, names: Arc::default(), turns: Semaphore::new(AT_ONCE), made: Mutex::default() }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Has a question wait until not too many others are under way.
    pub(crate) fn turns(&self) -> &Semaphore {
        &self.turns
    }

    /// The thread that moves bytes.
    pub(crate) fn runtime(&self) -> Result<Handle, Problem> {
        let mut made = self.made();
        if let Some(runtime) = &made.runtime {
            return Ok(runtime.handle().clone());
        }
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(WORKERS).thread_name("leah-http").enable_io().enable_time();
        let runtime = builder.build().map_err(|source| Problem::Start { source })?;
        Ok(made.runtime.insert(runtime).handle().clone())
    }

    /// The client for `url`.
    pub(crate) fn client(&self, url: &Url, base: &BaseUrl) -> Result<reqwest::Client, Problem> {
        let way = Way::to(url, base);
        if let (Way::Public, Some(name)) = (way, url.domain()) {
            self.names.guard(name);
        }
        self.client_for(way)
    }

    /// The client for what is sent to `url` for somebody who is not trusted.
    pub(crate) fn open_client(&self, url: &Url, reach: Reach) -> Result<reqwest::Client, Problem> {
        self.client_for(Way::sent(url, reach))
    }

    fn client_for(&self, way: Way) -> Result<reqwest::Client, Problem> {
        let mut made = self.made();
        if let Some(client) = &made.clients[way as usize] {
            return Ok(client.clone());
        }
        let client = self.build(way, self.tls(way, &mut made)?)?;
        Ok(made.clients[way as usize].insert(client).clone())
    }

    /// A panic in another thread leaves either nothing or something whole.
    fn made(&self) -> MutexGuard<'_, Made> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tls(&self, way: Way, made: &mut Made) -> Result<ClientConfig, Problem> {
        match &made.tls {
            _ if way.is_plain() => roots::none(),
            Some(config) => Ok(config.clone()),
            None => {
                let config = roots::platform_and(&self.settings.ca_certificates)?;
                Ok(made.tls.insert(config).clone())
            }
        }
    }

    fn build(&self, way: Way, tls: ClientConfig) -> Result<reqwest::Client, Problem> {
        let builder = self.limited(tls);
        let builder = match way {
            Way::Plain | Way::OwnTls => builder.no_proxy().dns_resolver(ThisMachine),
            Way::Named => self.proxied(builder)?,
            Way::Public => self.proxied(builder)?.dns_resolver(Arc::clone(&self.names)),
            Way::OpenPlain | Way::OpenTls => builder.no_proxy().dns_resolver(OnlyPublic),
            Way::ChosenPlain | Way::ChosenTls => builder.no_proxy(),
        };
        builder.build().map_err(settings)
    }

    /// What all ways have in common.
    fn limited(&self, tls: ClientConfig) -> ClientBuilder {
        let timeout = self.settings.timeout;
        reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(&self.settings.user_agent)
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(timeout.min(LONGEST_CONNECT))
            // A connection that died without a word is found out before the next attempt would use it again.
            .http2_keep_alive_interval(timeout / 2)
            .http2_keep_alive_timeout(timeout / 2)
    }

    /// With the proxy of the settings; without one the client looks at the system's by itself.
    fn proxied(&self, builder: ClientBuilder) -> Result<ClientBuilder, Problem> {
        match &self.settings.proxy {
            Some(proxy) => Ok(builder.proxy(Proxy::all(proxy.url().clone()).map_err(settings)?)),
            None => Ok(builder),
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let made = self.made.get_mut().unwrap_or_else(PoisonError::into_inner);
        // Not to wait for a name that the system still looks up.
        if let Some(runtime) = made.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The URL is left out, since that of a proxy may hold a password.
fn settings(error: reqwest::Error) -> Problem {
    Problem::Settings { source: Cause::new(error.without_url()) }
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, time::Duration};

    use super::*;
    use crate::{attempt::problem, redirect::RedirectProblem};

    #[test]
    fn a_name_that_a_redirect_gave_and_that_leads_inside_is_not_connected_to() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url: Url =
            format!("https://localhost:{}/x", listener.local_addr().unwrap().port()).parse().unwrap();
        let engine = Engine::new(Settings::default());
        engine.names.guard("localhost");
        // Whatever proxy this system has, it must not be asked here.
        let builder =
            engine.limited(roots::none().unwrap()).no_proxy().dns_resolver(Arc::clone(&engine.names));
        let question = builder.build().unwrap().get(url.clone());
        let error = engine.runtime().unwrap().block_on(question.send()).unwrap_err();
        let problem = problem(error, Duration::from_secs(1), &url);
        let Problem::Redirect(RedirectProblem::Inward { to }) = problem else { panic!("{problem:?}") };
        assert_eq!(to, url.as_str());
        assert!(listener.accept().is_err());
    }

    #[test]
    fn a_name_of_a_stranger_that_leads_inside_is_not_connected_to() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url: Url =
            format!("http://localhost:{}/", listener.local_addr().unwrap().port()).parse().unwrap();
        let engine = Engine::new(Settings::default());
        let question = engine.open_client(&url, Reach::Public).unwrap().get(url);
        let error = engine.runtime().unwrap().block_on(question.send()).unwrap_err();
        assert!(crate::error::find::<crate::address::NotPublic>(&error).is_some(), "{error:?}");
        assert!(listener.accept().is_err());
    }

    #[track_caller]
    fn check(base: &str, url: &str, expect: Way) {
        assert_eq!(Way::to(&url.parse().unwrap(), &base.parse().unwrap()), expect, "{base} -> {url}");
    }

    #[test]
    fn what_stays_on_this_machine_takes_a_way_without_proxy() {
        check("http://127.0.0.1:1/", "http://127.0.0.1:1/x", Way::Plain);
        check("http://127.0.0.1:1/", "https://localhost:1/x", Way::OwnTls);
        check("https://[::1]/", "https://[::1]/x", Way::OwnTls);
    }

    #[test]
    fn what_a_redirect_names_takes_the_guarded_way() {
        check("https://a.example/", "https://a.example/x", Way::Named);
        check("https://a.example/", "https://a.example:8443/x", Way::Named);
        check("https://a.example/", "https://b.example/x", Way::Public);
        check("https://a.example/", "https://9.9.9.9/x", Way::Public);
        check("http://127.0.0.1:1/", "https://b.example/x", Way::Named);
    }
}
