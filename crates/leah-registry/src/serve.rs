//! Serves the folder of a registry over HTTP, to this machine alone: for development and for tests. It
//! knows the paths of a registry and answers no other; it lists no folder and changes nothing.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::{
    Router,
    extract::{Request, State},
    http::{
        HeaderMap, HeaderValue, Method, StatusCode,
        header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH},
    },
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    serve::ListenerExt,
};
use leah_plugin::{
    digest::Digest, head::MAX_HEAD_BYTES, registry_layout::RegistryLayout, signature::MAX_SIGNATURE_BYTES,
};
use tokio::runtime::{Builder, Runtime};
use tower_http::services::ServeDir;

use crate::fs;

/// What a client must ask about again before each use.
const CHANGES: HeaderValue = HeaderValue::from_static("no-cache");

/// What keeps its bytes for ever; a year is the longest that caches agree on.
const NEVER_CHANGES: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// What is not there may be there in a moment: the next root, above all.
const MAY_COME: HeaderValue = HeaderValue::from_static("no-store");

/// Why a registry cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// An address that others can reach.
    #[error("`{0}` can be reached from other machines; this server is for this one alone")]
    NotLoopback(SocketAddr),
    /// The address cannot be had.
    #[error("cannot listen at `{address}`")]
    Listen {
        /// As asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The threads of the server cannot be started.
    #[error("cannot start the server")]
    Start(#[source] io::Error),
}

/// A server in the background, with threads of its own. Dropping it closes all connections.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    _runtime: Runtime,
}

impl Server {
    /// Serves `folder` at a loopback address; port 0 takes any that is free.
    ///
    /// # Errors
    /// When the address is not a loopback one or cannot be had. What is in the folder is not looked at.
    pub fn start(folder: PathBuf, address: SocketAddr) -> Result<Self, ServeError> {
        if !address.ip().is_loopback() {
            return Err(ServeError::NotLoopback(address));
        }
        let failed = |source| ServeError::Listen { address, source };
        let listener = TcpListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        let runtime =
            Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(ServeError::Start)?;
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(listener).map_err(failed)?
        };
        // A body after its head would otherwise wait for the client to say that it has the head, which takes 40 ms.
        // Where that cannot be switched off, it is slow and right.
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        let router = router(folder);
        // It ends with the runtime, and accepting is tried again after every failure.
        runtime.spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address: bound, _runtime: runtime })
    }

    /// Where the registry is, with a `/` at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

fn router(folder: PathBuf) -> Router {
    let files = ServeDir::new(&folder).append_index_html_on_directories(false);
    Router::new().fallback_service(files).layer(from_fn_with_state(Arc::from(folder), answer))
}

async fn answer(State(folder): State<Arc<Path>>, request: Request, files: Next) -> Response {
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        return (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET, HEAD")]).into_response();
    }
    let Some(cache) = caching(request.uri().path()) else { return missing() };
    if request.uri().path().trim_start_matches('/') == RegistryLayout::HEAD {
        return head(&folder, request.headers());
    }
    let mut answer = files.run(request).await;
    if answer.status() == StatusCode::NOT_FOUND {
        return missing();
    }
    if answer.status().is_success() || answer.status() == StatusCode::NOT_MODIFIED {
        answer.headers_mut().insert(CACHE_CONTROL, cache);
    }
    answer
}

/// How long the file at this path of a URL may be kept; none when a registry has no such path. What is
/// hidden, as the lock and unfinished files, is no part of it.
fn caching(path: &str) -> Option<HeaderValue> {
    // A version may hold a `+`; no other byte of a registry's paths is ever escaped.
    let path = path.strip_prefix('/')?.replace("%2B", "+").replace("%2b", "+");
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._+".contains(&b);
    let part = |part: &str| !part.is_empty() && !part.starts_with('.') && part.bytes().all(plain);
    if !path.split('/').all(part) {
        return None;
    }
    match path.split_once('/') {
        None if [RegistryLayout::HEAD, RegistryLayout::ROOT_KEY, RegistryLayout::STATS].contains(&&*path) => {
            Some(CHANGES)
        }
        Some((RegistryLayout::ROOTS | RegistryLayout::OBJECTS | RegistryLayout::PACKAGES, _)) => {
            Some(NEVER_CHANGES)
        }
        _ => None,
    }
}

/// The head goes by its hash, not by its time: two of them can be written within one tick of the clock.
/// It is a few hundred bytes, so that reading it holds up nobody.
fn head(folder: &Path, asked: &HeaderMap) -> Response {
    let limit = (MAX_HEAD_BYTES + MAX_SIGNATURE_BYTES) as u64;
    let bytes = match fs::read(&folder.join(RegistryLayout::HEAD), limit) {
        Ok(bytes) => bytes,
        Err(error) if error.is_missing() => return missing(),
        Err(_) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    };
    let tag = format!("\"{}\"", Digest::of(&bytes));
    let headers = [(ETAG, tag.clone()), (CONTENT_TYPE, "application/octet-stream".into())];
    let known = asked.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let same = |one: &str| [&tag, "*"].contains(&one.trim().trim_start_matches("W/"));
    let mut answer = if known.flat_map(|value| value.split(',')).any(same) {
        (StatusCode::NOT_MODIFIED, headers).into_response()
    } else {
        (headers, bytes).into_response()
    };
    answer.headers_mut().insert(CACHE_CONTROL, CHANGES);
    answer
}

fn missing() -> Response {
    (StatusCode::NOT_FOUND, [(CACHE_CONTROL, MAY_COME)]).into_response()
}
