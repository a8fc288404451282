//! The one door to the network: asks a web server for one file at a time, with limits on bytes, time and
//! redirects, and asks again where that helps; or sends what a plugin wants sent, where that is allowed. It knows
//! nothing of registries and trusts nothing it gets.

mod base;
mod proxy;
mod request;
mod token;

mod address;
mod redirect;

mod attempt;
mod body;
mod client;
mod engine;
mod error;
mod pending;
mod retry;
mod roots;

mod send;

pub use base::{BaseUrl, BaseUrlError};
pub use client::{Client, Settings};
pub use error::{Cause, HttpError, Problem};
pub use pending::Pending;
pub use proxy::{ProxyUrl, ProxyUrlError};
pub use redirect::RedirectProblem;
pub use request::{Answer, Caches, Encoding, End, Request, Retries, Validators};
pub use send::{Bounds, Incoming, Invalid, Outgoing, Reach, SendError};
pub use token::{Token, TokenError};

#[cfg(test)]
mod send_tests;
#[cfg(test)]
mod test_server;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tls_tests;
