//! Where a socket stands, and the two ways to it: listening and connecting. Its folder must be the user's alone, and
//! both sides look who the other is before a byte is read.

use std::{
    io,
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use leah_home::fs::{
    PrivateError, check_private_folder, check_socket, identity, make_private_folder, remove_socket, shown,
};

use crate::{
    line::{Reader, Writer},
    peer::{self, PeerError},
};

/// Longest path of a socket in bytes: what the system's address has room for.
pub const MAX_PATH_BYTES: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// How long a host may have so many connections waiting that it takes no other.
const CONNECT_TIME: Duration = Duration::from_secs(5);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// The path does not fit into an address.
    #[error("`{}` is too long for the path of a socket: {} bytes, {MAX_PATH_BYTES} are allowed", shown(.0), .0.as_os_str().len())]
    TooLong(PathBuf),
    /// Its folder is not the user's alone, or something else stands there.
    #[error("cannot use `{}`", shown(.path))]
    Place {
        /// The socket.
        path: PathBuf,
        /// Why not.
        source: PrivateError,
    },
    /// The system refuses.
    #[error("cannot {action} `{}`", shown(.path))]
    System {
        /// What was tried, as it stands behind "cannot".
        action: &'static str,
        /// The socket.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// Somebody else listens there.
    #[error("cannot talk to `{}`", shown(.path))]
    Peer {
        /// The socket.
        path: PathBuf,
        /// Who it is.
        source: PeerError,
    },
}

impl SocketError {
    /// What the user can do about it, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::TooLong(_) => {
                Some("set `LEAH_HOME` to a shorter path, or `XDG_RUNTIME_DIR` to a folder of your own".into())
            }
            Self::Place { source, .. } => source.hint(),
            Self::System { source, .. } if source.kind() == io::ErrorKind::TimedOut => {
                Some("the host does not answer; start it again: `systemctl --user restart leah-host`".into())
            }
            Self::System { .. } | Self::Peer { .. } => None,
        }
    }
}

/// Why a connection that came in is not used.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// The system gives none; it may give the next.
    #[error("cannot take a connection")]
    System(#[from] io::Error),
    /// Somebody else came.
    #[error("a connection was refused")]
    Peer(#[from] PeerError),
}

/// A socket that somebody listens on. Dropped, it is removed.
#[derive(Debug)]
pub struct Listener {
    socket: UnixListener,
    path: PathBuf,
    /// What the file system calls the socket, as long as it is there.
    identity: Option<(u64, u64)>,
}

impl Listener {
    /// Listens, in a folder that is made if it is missing. A socket that stands there is replaced: the caller holds the
    /// lock of the home, so that its listener is dead.
    ///
    /// # Errors
    /// When the path is too long, its folder is not the user's alone, or the system refuses.
    pub fn bind(path: &Path) -> Result<Self, SocketError> {
        check_length(path)?;
        if let Some(folder) = path.parent() {
            make_private_folder(folder).map_err(cannot_use(path))?;
        }
        remove_socket(path).map_err(cannot_use(path))?;
        let socket = UnixListener::bind(path).map_err(cannot("listen on", path))?;
        // Where it is gone already, or cannot be looked at, it is nobody's to remove.
        Ok(Self { socket, path: path.to_owned(), identity: identity(path).ok() })
    }

    /// Where it listens.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Waits for a connection of the same user. What is written to it waits for the peer at most `write_time`.
    ///
    /// # Errors
    /// When the system gives none, or somebody else came: that connection is closed.
    pub fn accept(&self, write_time: Duration) -> Result<(Reader, Writer), AcceptError> {
        let (stream, _) = self.socket.accept()?;
        Ok(ends(peer::check(stream)?, write_time)?)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // Where the home was moved away and another host came to its place, the socket is that one's.
        if self.identity.is_some() && identity(&self.path).ok() == self.identity {
            // Who finds it nevertheless learns from the system that nobody listens, and the next host removes it.
            let _ = remove_socket(&self.path);
        }
    }
}

/// Connects to who listens at `path`; none: nobody does. What is written waits for the peer at most `write_time`.
///
/// # Errors
/// When the folder is not the user's alone, somebody else listens, or the system refuses.
pub fn connect(path: &Path, write_time: Duration) -> Result<Option<(Reader, Writer)>, SocketError> {
    // Where nothing stands, nothing else is asked of the system.
    match check_place(path) {
        Err(PrivateError::Fs(error)) if error.is_not_found() => return Ok(None),
        checked => checked.map_err(cannot_use(path))?,
    }
    check_length(path)?;
    let stream = match dial(path, CONNECT_TIME) {
        Ok(stream) => stream,
        Err(error) if is_nobody(&error) => return Ok(None),
        Err(error) => return Err(cannot("connect to", path)(error)),
    };
    let stream = peer::check(stream).map_err(|source| SocketError::Peer { path: path.to_owned(), source })?;
    ends(stream, write_time).map(Some).map_err(cannot("connect to", path))
}

fn check_place(path: &Path) -> Result<(), PrivateError> {
    path.parent().map_or(Ok(()), check_private_folder)?;
    check_socket(path)
}

fn check_length(path: &Path) -> Result<(), SocketError> {
    if path.as_os_str().len() > MAX_PATH_BYTES {
        return Err(SocketError::TooLong(path.to_owned()));
    }
    Ok(())
}

fn is_nobody(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

/// A host that takes no more connections would hold up a plain `connect` for ever.
#[cfg(target_os = "linux")]
fn dial(path: &Path, time: Duration) -> io::Result<UnixStream> {
    use rustix::{
        io::Errno,
        net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, socket_with, sockopt},
    };
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    sockopt::set_socket_timeout(&socket, sockopt::Timeout::Send, Some(time))?;
    match rustix::net::connect(&socket, &SocketAddrUnix::new(path)?) {
        Err(Errno::AGAIN) => Err(io::ErrorKind::TimedOut.into()),
        result => Ok(result.map(|()| socket.into())?),
    }
}

/// Elsewhere the system refuses at once when too many wait.
#[cfg(not(target_os = "linux"))]
fn dial(path: &Path, _time: Duration) -> io::Result<UnixStream> {
    UnixStream::connect(path)
}

fn ends(stream: UnixStream, write_time: Duration) -> io::Result<(Reader, Writer)> {
    stream.set_read_timeout(None)?;
    stream.set_write_timeout(Some(write_time))?;
    let stream = Arc::new(stream);
    Ok((Reader::new(Arc::clone(&stream)), Writer::new(stream, write_time)))
}

fn cannot_use(path: &Path) -> impl FnOnce(PrivateError) -> SocketError {
    move |source| SocketError::Place { path: path.to_owned(), source }
}

fn cannot(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SocketError {
    move |source| SocketError::System { action, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests;
