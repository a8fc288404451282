//! Serving a host on its socket: connections come and go, bounded in number, each with a thread of its own. What a
//! connection does stands in `serve`; what is said, in `leah_plugin::message` and docs/host-protocol.md.

mod connection;
mod deploy;
mod serve;
mod slots;
mod tell;

use std::{
    io,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use leah_plugin::message::{FaultCode, Level, Message, write_line};
use leah_socket::{AcceptError, Listener, Reader, SocketError, Writer};

pub use self::tell::MAX_SUBSCRIPTIONS;
use self::{
    connection::Connection,
    slots::{Permit, Slots},
};
use crate::host::Host;

/// Connections at a time.
pub const MAX_CONNECTIONS: usize = 64;

/// Calls under way on one connection beside the one that is being read.
pub const MAX_CALLS: usize = 32;

/// How long a peer may take no bytes before its connection is cut.
const WRITE_TIME: Duration = Duration::from_secs(10);

/// How long to wait before another connection is taken when the system gave none: too many files are open.
const PAUSE: Duration = Duration::from_millis(100);

/// Bytes of a thread's stack. Guests run on it, with functions of the host below them.
const STACK: usize = 4 << 20;

/// A host that can be reached. Dropped, it is reached no more: the socket is removed and all connections are cut.
#[derive(Debug)]
pub struct Server {
    path: PathBuf,
    shared: Arc<Shared>,
    /// Its other end is dropped when no connection is taken any more.
    accepting: Receiver<()>,
}

/// Why a host cannot be reached.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Its socket cannot be made.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The system gives no thread.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
}

#[derive(Debug)]
struct Shared {
    host: Host,
    call_time: Duration,
    slots: Arc<Slots>,
    connections: Mutex<Vec<Weak<Connection>>>,
    stopping: AtomicBool,
}

impl Server {
    /// Serves `host` at `socket` from now on. A call takes at most `call_time`. That there is a host shows that the
    /// home's lock is held, so that a socket which stands there is nobody's.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub fn start(host: Host, call_time: Duration, socket: &Path) -> Result<Self, ServeError> {
        let listener = Listener::bind(socket)?;
        let shared = Arc::new(Shared {
            host,
            call_time,
            slots: Slots::new(MAX_CONNECTIONS),
            connections: Mutex::default(),
            stopping: AtomicBool::new(false),
        });
        let (ended, accepting) = channel();
        spawn("accept", {
            let shared = Arc::clone(&shared);
            move || {
                let _ended: Sender<()> = ended;
                shared.accept(&listener);
                // Before it is told that this thread has ended, the socket is gone.
                drop(listener);
            }
        })
        .map_err(ServeError::Thread)?;
        Ok(Self { path: socket.to_owned(), shared, accepting })
    }

    /// Where it is reached.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.path
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Release);
        // Whoever waits for a connection gets this one, and is gone in a moment. If somebody has put another socket in
        // this place, nobody is woken, and the socket that is left is nobody's.
        if UnixStream::connect(&self.path).is_ok() {
            let _ = self.accepting.recv_timeout(WRITE_TIME);
        }
        let connections = std::mem::take(&mut *self.shared.connections());
        connections.iter().filter_map(Weak::upgrade).for_each(|connection| connection.cut());
    }
}

impl Shared {
    fn accept(self: &Arc<Self>, listener: &Listener) {
        loop {
            let accepted = listener.accept(WRITE_TIME);
            if self.stopping.load(Ordering::Acquire) {
                return;
            }
            match accepted {
                Ok((reader, writer)) => match self.slots.take().or_else(|| self.make_room()) {
                    Some(permit) => self.serve(reader, writer, permit),
                    None => refuse(&writer),
                },
                Err(error @ AcceptError::Peer(_)) => self.warn(&error),
                Err(error @ AcceptError::System(_)) => {
                    self.warn(&error);
                    thread::sleep(PAUSE);
                }
            }
        }
    }

    fn serve(self: &Arc<Self>, reader: Reader, writer: Writer, permit: Permit) {
        let connection = Connection::new(self.host.clone(), self.call_time, writer, permit);
        {
            let mut connections = self.connections();
            connections.retain(|connection| connection.strong_count() > 0);
            connections.push(Arc::downgrade(&connection));
        }
        if let Err(error) = spawn("connection", move || serve::greet(&connection, reader)) {
            self.warn(&ServeError::Thread(error));
        }
    }

    /// A place, taken from those who have said nothing for as long as nothing moved.
    fn make_room(&self) -> Option<Permit> {
        let silent = |connection: &Arc<Connection>| connection.is_silent();
        let silent: Vec<_> = self.connections().iter().filter_map(Weak::upgrade).filter(silent).collect();
        if silent.is_empty() {
            return None;
        }
        silent.iter().for_each(|connection| connection.cut());
        drop(silent);
        self.slots.take()
    }

    fn connections(&self) -> std::sync::MutexGuard<'_, Vec<Weak<Connection>>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn warn(&self, error: &dyn std::error::Error) {
        let cause = error.source().map_or_else(String::new, |cause| format!(": {cause}"));
        self.host.journal().log(None, Level::Warn, format!("{error}{cause}"));
    }
}

fn refuse(writer: &Writer) {
    let text = format!("{MAX_CONNECTIONS} connections are open, which is all there may be");
    let fault = Message::Response { id: None, outcome: Err(connection::fault(FaultCode::Busy, text)) };
    if let Ok(line) = write_line(&fault) {
        // Who does not stay to read it is gone.
        let _ = writer.send(&line);
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name.into()).stack_size(STACK).spawn(work)
}

#[cfg(test)]
mod tests;
