//! Requests of any kind that somebody sends who is not trusted: to the hosts that are allowed and the addresses that
//! are meant, each redirect anew, within bounds of bytes and time. Nothing is asked twice, no proxy is used and nothing
//! is unpacked.

use std::{
    pin::pin,
    sync::atomic::AtomicU64,
    time::{Duration, Instant},
};

use reqwest::{
    Method, Response,
    header::{self, HeaderMap, HeaderName, HeaderValue},
};
use url::Url;

use crate::{
    address::{self, NotPublic},
    attempt::{is_redirect, problem},
    base::{is_loopback, written_address},
    body,
    engine::Engine,
    error::{Problem, find},
    redirect::{self, RedirectProblem},
};

/// Most header fields of a request and of a response.
const MOST_HEADERS: usize = 100;

/// Most bytes of the header fields of a request and of a response, names and values.
const MOST_HEADER_BYTES: usize = 64 << 10;

/// Longest URL in bytes.
const LONGEST_URL: usize = 16 << 10;

/// How often it is looked whether anybody still waits.
const LOOK: Duration = Duration::from_millis(10);

/// Header fields that describe the connection, the length or the proxy: they are made here or not at all.
const OWN_HEADERS: [HeaderName; 12] = [
    header::HOST,
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHORIZATION,
    header::PROXY_AUTHENTICATE,
    header::TRANSFER_ENCODING,
    header::CONTENT_LENGTH,
    header::TE,
    header::TRAILER,
    header::UPGRADE,
    header::EXPECT,
];

/// Header fields that belong to the body, and go where the body goes.
const BODY_HEADERS: [HeaderName; 4] =
    [header::CONTENT_TYPE, header::CONTENT_ENCODING, header::CONTENT_LANGUAGE, header::CONTENT_LOCATION];

/// Header fields that are meant for one server alone.
const SECRET_HEADERS: [HeaderName; 2] = [header::AUTHORIZATION, header::COOKIE];

/// The addresses that a host may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// Those of the public internet.
    Public,
    /// All: an address that is named itself, `localhost`, or a host that the user entered.
    Any,
}

/// A request.
#[derive(Debug, Clone)]
pub struct Outgoing<'a> {
    /// `GET`, `POST` and so on, in capitals.
    pub method: &'a str,
    /// Where to.
    pub url: &'a str,
    /// Header fields. Those that describe the connection or the length are left out.
    pub headers: &'a [(String, String)],
    /// The body, if there is one.
    pub body: Option<Vec<u8>>,
}

/// What a request has to keep to.
pub struct Bounds<'a> {
    /// Whether a request to this URL may be sent, and which addresses its host may have. Asked for redirects too.
    pub allowed: &'a dyn Fn(&Url) -> Option<Reach>,
    /// Largest body of the response, in bytes.
    pub limit: u64,
    /// The longest that all of it may take.
    pub time: Duration,
    /// True as soon as nobody waits any more. Asked about a hundred times a second.
    pub stopped: &'a dyn Fn() -> bool,
}

/// A response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// The status code.
    pub status: u16,
    /// Header fields in order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as it came.
    pub body: Vec<u8>,
}

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// No such method, header field or URL.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The host is not allowed, or has no address that is; `to` is shown without query.
    #[error("requests to `{to}` are not allowed")]
    NotAllowed {
        /// Where the request, or a redirect, would have led.
        to: String,
    },
    /// Header fields or the body of the response are larger than allowed.
    #[error("the response is too large")]
    TooLarge,
    /// The time is up.
    #[error("it took longer than allowed")]
    Late,
    /// Nobody waits any more.
    #[error("it was cancelled")]
    Stopped,
    /// No response came.
    #[error(transparent)]
    Failed(#[from] Problem),
}

/// What makes no sense about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Not a word in capitals, or one that opens a tunnel or echoes secrets.
    #[error("the method is none that can be sent")]
    Method,
    /// Not a URL of a web server.
    #[error("the URL is none with `http://` or `https://` and a host")]
    Url,
    /// A user name or a password.
    #[error("the URL has a user name or password in it, which belongs into a header field")]
    Credentials,
    /// A name or a value with characters that no header field has.
    #[error("a header field has a name or a value that cannot be sent")]
    Header,
    /// Too many, or too large.
    #[error(
        "there are more than {MOST_HEADERS} header fields or more than {MOST_HEADER_BYTES} bytes of them"
    )]
    Headers,
}

/// One request on its way.
struct Hop {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
}

pub(crate) fn send(
    engine: &Engine,
    outgoing: Outgoing<'_>,
    bounds: &Bounds<'_>,
) -> Result<Incoming, SendError> {
    let hop = Hop::first(outgoing)?;
    let runtime = engine.runtime()?;
    runtime.block_on(attended(follow(engine, hop, bounds), bounds))
}

/// Waits for a reply as long as there is time and anybody waits for it.
async fn attended(
    reply: impl Future<Output = Result<Incoming, SendError>>,
    bounds: &Bounds<'_>,
) -> Result<Incoming, SendError> {
    let end = Instant::now() + bounds.time;
    let mut reply = pin!(reply);
    loop {
        if (bounds.stopped)() {
            return Err(SendError::Stopped);
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(SendError::Late);
        }
        if let Ok(reply) = tokio::time::timeout(left.min(LOOK), reply.as_mut()).await {
            return reply;
        }
    }
}

async fn follow(engine: &Engine, mut hop: Hop, bounds: &Bounds<'_>) -> Result<Incoming, SendError> {
    for _ in 0..=redirect::MOST {
        let response = ask(engine, &hop, bounds).await?;
        let location = response.headers().get(header::LOCATION);
        let Some(location) = location.filter(|_| is_redirect(response.status())) else {
            return incoming(response, &hop.method, bounds).await;
        };
        let to = target(&hop.url, location)?;
        hop = hop.redirected(response.status().as_u16(), to);
    }
    Err(Problem::Redirect(RedirectProblem::TooMany).into())
}

async fn ask(engine: &Engine, hop: &Hop, bounds: &Bounds<'_>) -> Result<Response, SendError> {
    let not_allowed = || SendError::NotAllowed { to: redirect::shown(&hop.url) };
    let reach = (bounds.allowed)(&hop.url).ok_or_else(not_allowed)?;
    let is_inside = is_loopback(&hop.url)
        || written_address(&hop.url).is_some_and(|address| !address::is_public(address));
    if reach == Reach::Public && is_inside {
        return Err(not_allowed());
    }
    let client = engine.open_client(&hop.url, reach)?;
    let mut question = client.request(hop.method.clone(), hop.url.clone()).headers(hop.headers.clone());
    if let Some(body) = &hop.body {
        question = question.body(body.clone());
    }
    question.send().await.map_err(|error| match find::<NotPublic>(&error) {
        Some(_) => not_allowed(),
        None => problem(error, bounds.time, &hop.url).into(),
    })
}

/// Where a redirect leads. Whether that is allowed is asked before it is followed.
pub(crate) fn target(from: &Url, location: &HeaderValue) -> Result<Url, Problem> {
    let text = location.to_str().map_err(|_| RedirectProblem::Nowhere);
    let to = text.and_then(|text| from.join(text).map_err(|_| RedirectProblem::Nowhere));
    let to = to.map_err(Problem::Redirect)?;
    let shown = || redirect::shown(&to);
    match to.scheme() {
        "http" if from.scheme() == "https" => {
            Err(Problem::Redirect(RedirectProblem::Insecure { to: shown() }))
        }
        "http" | "https" if has_credentials(&to) => {
            Err(Problem::Redirect(RedirectProblem::Credentials { to: shown() }))
        }
        "http" | "https" if to.has_host() => Ok(to),
        _ => Err(Problem::Redirect(RedirectProblem::Nowhere)),
    }
}

async fn incoming(
    mut response: Response,
    method: &Method,
    bounds: &Bounds<'_>,
) -> Result<Incoming, SendError> {
    let status = response.status().as_u16();
    if !are_bounded(response.headers()) {
        return Err(SendError::TooLarge);
    }
    let field = |(name, value): (&HeaderName, &HeaderValue)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let headers = response.headers().iter().map(field).collect();
    let has_body = *method != Method::HEAD;
    let uncounted = AtomicU64::new(0);
    let body = match has_body.then(|| body::read(&mut response, bounds.limit, bounds.time, &uncounted)) {
        Some(body) => body.await.map_err(|problem| match problem {
            Problem::TooLarge { .. } => SendError::TooLarge,
            other => other.into(),
        })?,
        None => Vec::new(),
    };
    Ok(Incoming { status, headers, body })
}

impl Hop {
    fn first(outgoing: Outgoing<'_>) -> Result<Self, Invalid> {
        Ok(Self {
            method: method(outgoing.method)?,
            url: url(outgoing.url)?,
            headers: headers(outgoing.headers)?,
            body: outgoing.body,
        })
    }

    /// The request that follows a redirect (RFC 9110, 15.4): after 303 it is a `GET`, after 301 and 302 too where it
    /// was a `POST`, and what was meant for one server goes to no other.
    fn redirected(mut self, status: u16, to: Url) -> Self {
        let becomes_get = match status {
            303 => self.method != Method::HEAD,
            301 | 302 => self.method == Method::POST,
            _ => false,
        };
        if becomes_get {
            self.method = Method::GET;
            self.body = None;
            BODY_HEADERS.iter().for_each(|name| drop(self.headers.remove(name)));
        }
        if to.origin() != self.url.origin() {
            SECRET_HEADERS.iter().for_each(|name| drop(self.headers.remove(name)));
        }
        self.url = to;
        self
    }
}

fn method(text: &str) -> Result<Method, Invalid> {
    // `CONNECT` would open a tunnel, `TRACE` has a server repeat what it was sent.
    let is_sent = (1..=32).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-')
        && !["CONNECT", "TRACE"].contains(&text);
    Method::from_bytes(text.as_bytes()).ok().filter(|_| is_sent).ok_or(Invalid::Method)
}

fn url(text: &str) -> Result<Url, Invalid> {
    // A parser would drop line breaks and spaces at the ends silently, so that two programs see two URLs.
    if text.len() > LONGEST_URL || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(Invalid::Url);
    }
    let url = Url::parse(text).map_err(|_| Invalid::Url)?;
    if !["http", "https"].contains(&url.scheme()) || !url.has_host() {
        return Err(Invalid::Url);
    }
    if has_credentials(&url) { Err(Invalid::Credentials) } else { Ok(url) }
}

fn headers(fields: &[(String, String)]) -> Result<HeaderMap, Invalid> {
    if fields.len() > MOST_HEADERS {
        return Err(Invalid::Headers);
    }
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Invalid::Header)?;
        let value = HeaderValue::from_str(value).map_err(|_| Invalid::Header)?;
        if !OWN_HEADERS.contains(&name) {
            headers.append(name, value);
        }
    }
    if !are_bounded(&headers) {
        return Err(Invalid::Headers);
    }
    headers.entry(header::ACCEPT_ENCODING).or_insert(HeaderValue::from_static("identity"));
    Ok(headers)
}

fn are_bounded(headers: &HeaderMap) -> bool {
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    headers.len() <= MOST_HEADERS && bytes <= MOST_HEADER_BYTES
}

fn has_credentials(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}
