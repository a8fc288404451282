//! A web server on loopback with a real registry behind it, honest until it is told not to be. It counts what it
//! sends.

use std::{
    fs,
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

/// What is done in place of an answer.
#[derive(Debug, Clone, Copy)]
pub enum Misdeed {
    /// Says nothing and keeps the connection.
    Hang,
    /// Says nothing more after the head.
    HangAfterHead,
    /// Sends a byte of the body from time to time.
    Drip,
    /// Ends the connection in the middle of the body.
    Cut,
    /// The same where the head says no length.
    CutWithoutLength,
    /// Resets the connection in the middle of the body.
    Reset,
    /// Sends to itself.
    Circle,
    /// Sends body without end.
    Endless,
    /// Sends headers without end.
    EndlessHead,
    /// Wants to be asked later: after so many seconds, if it says so.
    Busy(Option<u32>),
    /// Has failed.
    Broken,
}

/// How often a misdeed is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    Once,
    Always,
}

/// What becomes of a connection after a misdeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Keep,
    Close,
}

/// What is to go wrong: at this path of the registry.
#[derive(Debug, Clone)]
pub struct Plot {
    pub path: String,
    pub misdeed: Misdeed,
    pub times: Times,
}

#[derive(Debug)]
pub struct Hostile {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    plot: Mutex<Option<Plot>>,
    asked: Mutex<Vec<String>>,
    sent: AtomicU64,
    struck: AtomicBool,
    stopped: AtomicBool,
}

impl Hostile {
    /// Serves a folder, honestly unless there is a plot.
    pub fn start(folder: &Path, plot: Option<Plot>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            folder: folder.to_owned(),
            plot: Mutex::new(plot),
            asked: Mutex::default(),
            sent: AtomicU64::new(0),
            struck: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if serving.stopped.load(Ordering::SeqCst) {
                    return;
                }
                let serving = Arc::clone(&serving);
                // A connection that the client leaves has ended as it should.
                thread::spawn(move || drop(serving.converse(&mut stream.unwrap())));
            }
        });
        Self { address, shared }
    }

    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// From now on it is honest.
    pub fn repent(&self) {
        *self.shared.plot.lock().unwrap() = None;
    }

    /// The paths that were asked for, in order.
    pub fn asked(&self) -> Vec<String> {
        self.shared.asked.lock().unwrap().clone()
    }

    /// Whether the plot came to be.
    pub fn has_struck(&self) -> bool {
        self.shared.struck.load(Ordering::SeqCst)
    }

    /// How many bytes were sent.
    pub fn sent(&self) -> u64 {
        self.shared.sent.load(Ordering::SeqCst)
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // The thread that listens wakes up for the last time.
        drop(TcpStream::connect(self.address));
    }
}

impl Shared {
    fn converse(&self, stream: &mut TcpStream) -> io::Result<()> {
        while let Some(path) = read_path(stream)? {
            self.asked.lock().unwrap().push(path.clone());
            let file = fs::read(self.folder.join(&path)).ok();
            match self.misdeed(&path) {
                None => self.answer(stream, file)?,
                Some(misdeed) => {
                    if self.misbehave(stream, misdeed, &file.unwrap_or_default())? == Then::Close {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    /// What to do in place of an answer; what is done once is forgotten.
    fn misdeed(&self, path: &str) -> Option<Misdeed> {
        let mut plot = self.plot.lock().unwrap();
        let due = plot.as_ref().filter(|plot| plot.path == path).cloned()?;
        self.struck.store(true, Ordering::SeqCst);
        if due.times == Times::Once {
            *plot = None;
        }
        Some(due.misdeed)
    }

    fn answer(&self, stream: &mut TcpStream, file: Option<Vec<u8>>) -> io::Result<()> {
        let status = if file.is_some() { "200 OK" } else { "404 Not Found" };
        let body = file.unwrap_or_default();
        self.send(stream, format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len()))?;
        self.send(stream, body)
    }

    fn misbehave(&self, stream: &mut TcpStream, misdeed: Misdeed, body: &[u8]) -> io::Result<Then> {
        let whole = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len().max(100));
        let until_closed = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
        match misdeed {
            Misdeed::Hang => {}
            Misdeed::HangAfterHead | Misdeed::Drip => self.send(stream, whole)?,
            Misdeed::Cut | Misdeed::Reset => {
                self.send(stream, whole)?;
                self.send(stream, &body[..body.len() / 2])?;
            }
            Misdeed::CutWithoutLength => {
                self.send(stream, until_closed)?;
                self.send(stream, &body[..body.len() / 2])?;
            }
            Misdeed::Circle => self.refuse(stream, "302 Found\r\nLocation: ?again")?,
            Misdeed::Endless => self.send(stream, until_closed)?,
            Misdeed::EndlessHead => self.send(stream, "HTTP/1.1 200 OK\r\n")?,
            Misdeed::Busy(None) => self.refuse(stream, "429 Too Many Requests")?,
            Misdeed::Busy(Some(seconds)) => {
                self.refuse(stream, &format!("429 Too Many Requests\r\nRetry-After: {seconds}"))?;
            }
            Misdeed::Broken => self.refuse(stream, "500 Internal Server Error")?,
        }
        match misdeed {
            Misdeed::Hang | Misdeed::HangAfterHead => wait_for_end(stream)?,
            Misdeed::Drip => self.repeat(stream, b"x", Duration::from_millis(100))?,
            Misdeed::Endless => self.repeat(stream, &[b'x'; 1 << 16], Duration::ZERO)?,
            Misdeed::EndlessHead => {
                self.repeat(stream, "x-filler: x\r\n".repeat(1 << 12).as_bytes(), Duration::ZERO)?;
            }
            Misdeed::Reset => rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO))?,
            Misdeed::Cut | Misdeed::CutWithoutLength => {}
            Misdeed::Circle | Misdeed::Busy(_) | Misdeed::Broken => return Ok(Then::Keep),
        }
        Ok(Then::Close)
    }

    /// An answer without a body, after which the connection stays.
    fn refuse(&self, stream: &mut TcpStream, lines: &str) -> io::Result<()> {
        self.send(stream, format!("HTTP/1.1 {lines}\r\nContent-Length: 0\r\n\r\n"))
    }

    fn send(&self, stream: &mut TcpStream, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        stream.write_all(bytes.as_ref())?;
        self.sent.fetch_add(bytes.as_ref().len() as u64, Ordering::SeqCst);
        Ok(())
    }

    /// Sends the same bytes until the client is gone.
    fn repeat(&self, stream: &mut TcpStream, bytes: &[u8], pause: Duration) -> io::Result<()> {
        loop {
            self.send(stream, bytes)?;
            if !pause.is_zero() {
                stream.set_read_timeout(Some(pause))?;
                if matches!(stream.read(&mut [0]), Ok(0)) {
                    return Ok(());
                }
            }
        }
    }
}

fn wait_for_end(stream: &mut TcpStream) -> io::Result<()> {
    io::copy(stream, &mut io::sink()).map(drop)
}

/// The path of the next question, relative and without its query; none when there is no other.
fn read_path(stream: &mut TcpStream) -> io::Result<Option<String>> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte)? == 0 {
            return Ok(None);
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let target = head.split(' ').nth(1).unwrap();
    Ok(Some(target.split('?').next().unwrap().trim_start_matches('/').to_owned()))
}
