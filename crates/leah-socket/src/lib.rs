//! The local socket between the host and those who talk to it.
//!
//! ```text
//! place (whose folder, how long a path) ─> peer (whose process) ─> line (size, time) ─> client (asks and waits)
//! ```
//!
//! It knows no plugin and no method: what a line says is `leah_plugin::message`, what is done about it the host's.

// who is at the other end
mod peer;
mod place;

// one message a line
mod line;

// who asks
mod client;

pub use self::{
    client::{Client, ClientError},
    line::{Line, LineError, Reader, Wait, Writer},
    peer::PeerError,
    place::{AcceptError, Listener, MAX_PATH_BYTES, SocketError, connect},
};
