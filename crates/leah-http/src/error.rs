//! Why there is no answer. Nothing here shows a secret: no credentials, no token, no query of a redirect.

use std::{error::Error, fmt, io, iter};

use crate::redirect::RedirectProblem;

/// A file that could not be got.
#[derive(Debug, thiserror::Error)]
#[error("cannot get `{url}`{}", asked(*.attempts))]
pub struct HttpError {
    /// What was asked for, without credentials, percent-encoded.
    pub url: String,
    /// How often it was asked for.
    pub attempts: u32,
    /// What went wrong the last time.
    pub source: Problem,
}

/// What can go wrong with one attempt.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// There is no connection: no such name, nobody listens, no way there.
    #[error("no connection to the server")]
    Connect {
        /// What the system says.
        source: Cause,
    },
    /// Nothing came for a while.
    #[error("nothing came from the server for {seconds} s")]
    Timeout {
        /// How long that was.
        seconds: u64,
    },
    /// Something came all the time, but hardly anything.
    #[error("the server sends less than {per_second} bytes a second")]
    TooSlow {
        /// The least that would do.
        per_second: u64,
    },
    /// The body is larger than it may be.
    #[error("the server sends more than the {limit} bytes that this file may have")]
    TooLarge {
        /// The most that is taken.
        limit: u64,
    },
    /// The connection ended before the answer did.
    #[error("the connection broke off before the answer was complete")]
    Cut {
        /// What the connection says.
        source: Cause,
    },
    /// A status that is no answer to the question.
    #[error("the server answered with status {0}")]
    Status(u16),
    /// 401 or 403: the token is missing, wrong, or not for this file.
    #[error("the server answered with status {0}: it wants to know who asks, or says no")]
    Denied(u16),
    /// 408, 429, 500, 502, 503 or 504: it may work later.
    #[error("the server answered with status {status}{}", later(*.retry_after))]
    Busy {
        /// The status.
        status: u16,
        /// After how many seconds the server wants to be asked again, if it says so.
        retry_after: Option<u64>,
    },
    /// A redirect that is not followed.
    #[error("the server sent somewhere else, which was not followed")]
    Redirect(#[source] RedirectProblem),
    /// No encrypted connection, or the server is not the one it should be.
    #[error("no secure connection to the server")]
    Tls {
        /// What was found.
        source: Cause,
    },
    /// One of the extra certificates is none.
    #[error("the extra certificates cannot be used: number {number} is not a certificate in PEM form")]
    Certificate {
        /// Which of the files in the settings, from 1.
        number: usize,
        /// What is wrong with it, if there is anything in it at all.
        source: Option<Cause>,
    },
    /// What the server said is not HTTP, or is packed in an unknown or broken way.
    #[error("the answer of the server makes no sense")]
    Protocol {
        /// What is wrong with it.
        source: Cause,
    },
    /// The proxy or the name of this program is not one.
    #[error("the settings for the network cannot be used")]
    Settings {
        /// What is wrong with them.
        source: Cause,
    },
    /// The system gives no thread or no socket.
    #[error("the network cannot be used")]
    Start {
        /// What it says.
        source: io::Error,
    },
}

impl HttpError {
    /// Whether the server wants another token or none at all: status 401 or 403.
    pub fn is_denied(&self) -> bool {
        matches!(self.source, Problem::Denied(_))
    }

    /// Whether the server says no whoever asks: status 403. Some storages say so of files that are not there.
    pub fn is_forbidden(&self) -> bool {
        matches!(self.source, Problem::Denied(403))
    }

    /// Whether asking again may end otherwise.
    pub fn may_pass(&self) -> bool {
        self.source.may_pass()
    }
}

impl Problem {
    /// Whether another attempt may end otherwise.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self, Self::Connect { .. } | Self::Timeout { .. } | Self::Cut { .. } | Self::Busy { .. })
    }
}

/// What a library below says, down to its first reason: what stands above it says nothing to a person.
#[derive(Debug)]
pub struct Cause(Box<dyn Error + Send + Sync>);

impl Cause {
    pub(crate) fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(error.into())
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = chain(&*self.0).last() else { return Ok(()) };
        // A certificate's names are a stranger's words.
        let printable = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
        f.write_str(&first.to_string().chars().map(printable).collect::<String>())
    }
}

impl Error for Cause {}

/// The first error of this type below an error, itself included.
pub(crate) fn find<'e, T: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e T> {
    chain(error).find_map(|error| error.downcast_ref())
}

fn chain<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    iter::successors(Some(error), |&error: &&'e (dyn Error + 'static)| {
        // An I/O error that wraps another one passes over it when it is asked for its source.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        wrapped.map(|inner| inner as &(dyn Error + 'static)).or_else(|| error.source())
    })
}

fn asked(attempts: u32) -> String {
    if attempts > 1 { format!(" (asked {attempts} times)") } else { String::new() }
}

fn later(retry_after: Option<u64>) -> String {
    retry_after.map(|seconds| format!(" and wants to be asked again in {seconds} s")).unwrap_or_default()
}
