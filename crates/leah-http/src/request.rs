//! What is asked of a web server, and what it can answer.

use crate::{base::BaseUrl, token::Token};

/// A question for one file.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The folder that the file is in.
    pub base: &'a BaseUrl,
    /// The file, relative to `base`, separated by `/`.
    pub path: &'a str,
    /// The largest body that is taken, in bytes, as sent and as decoded.
    pub limit: u64,
    /// The secret to send. It goes to the scheme, host and port of `base` alone.
    pub token: Option<&'a Token>,
    /// What came with the copy that is already there; the server then need not send it again.
    pub known: Option<&'a Validators>,
    /// Whether a cache on the way may answer.
    pub caches: Caches,
    /// How the body may be packed on the way.
    pub encoding: Encoding,
    /// Whether to ask again where that may help.
    pub retries: Retries,
}

/// Whether to ask again where that may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retries {
    /// Yes, with pauses.
    Some,
    /// No: there is somebody else to ask.
    None,
}

/// Whether a cache between here and the server may answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caches {
    /// Yes.
    Use,
    /// Every cache on the way is to ask the server itself. Then `known` is not sent.
    Bypass,
}

/// How the body may be packed on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Not at all: the bytes are given back as they came, whatever the server says of them. For archives, which
    /// some servers label as packed on the way because of their names.
    Identity,
    /// With gzip, which is undone here.
    Gzip,
}

/// What a server can answer that is no failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The file.
    Body {
        /// What is in it.
        bytes: Vec<u8>,
        /// What to ask with the next time, if that is safe.
        validators: Option<Validators>,
        /// How its end is known.
        end: End,
    },
    /// The copy that is already there is the newest.
    Unchanged,
    /// There is no such file.
    Missing,
}

/// How the end of a body is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The server said where it is, by a length, in chunks or in frames. A body that ended earlier was no answer.
    Stated,
    /// The connection ended there. Nobody can tell whether that was all.
    Closed,
}

/// What tells a server which copy of a file is already there.
///
/// They are given only where the file had not changed for two seconds when it was sent (RFC 9110, 8.8.2.2): many
/// servers make both of the time in whole seconds, and a second change within that second would be missed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validators {
    /// The header `ETag`, as it came.
    pub etag: Option<String>,
    /// The header `Last-Modified`, as it came.
    pub last_modified: Option<String>,
}
