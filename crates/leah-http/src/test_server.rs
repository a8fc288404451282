//! A web server on loopback that answers as badly as a test wants.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::{
    base::BaseUrl,
    request::{Caches, Encoding, Request, Retries},
};

/// What becomes of a connection after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Keep,
    Close,
}

/// One question as it came.
#[derive(Debug)]
pub(crate) struct Question {
    /// Its number over all connections, from 0.
    pub(crate) number: usize,
    /// Its lines, in lower case but for the first one.
    pub(crate) head: String,
}

pub(crate) struct Server {
    scheme: &'static str,
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    questions: Arc<Mutex<Vec<String>>>,
    stopped: Arc<AtomicBool>,
}

/// A connection of a server with TLS.
pub(crate) type TlsStream = StreamOwned<ServerConnection, TcpStream>;

impl Server {
    /// Answers each question with `answer`, which writes what it likes.
    pub(crate) fn start(answer: impl Fn(&Question, &mut TcpStream) -> Then + Send + Sync + 'static) -> Self {
        Self::listen("http", |stream| stream, answer)
    }

    /// Answers every question with the same text.
    pub(crate) fn saying(text: &str) -> Self {
        let text = text.to_owned();
        Self::start(move |_, stream| say(stream, &text))
    }

    /// As `start`, over TLS.
    pub(crate) fn start_tls(
        config: ServerConfig,
        answer: impl Fn(&Question, &mut TlsStream) -> Then + Send + Sync + 'static,
    ) -> Self {
        let config = Arc::new(config);
        let wrap =
            move |stream| StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
        Self::listen("https", wrap, answer)
    }

    fn listen<S: Read + Write>(
        scheme: &'static str,
        wrap: impl Fn(TcpStream) -> S + Send + Sync + 'static,
        answer: impl Fn(&Question, &mut S) -> Then + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            scheme,
            address: listener.local_addr().unwrap(),
            connections: Arc::default(),
            questions: Arc::default(),
            stopped: Arc::default(),
        };
        let (connections, stopped) = (Arc::clone(&server.connections), Arc::clone(&server.stopped));
        let (questions, behaviour) = (Arc::clone(&server.questions), Arc::new((wrap, answer)));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                connections.fetch_add(1, Ordering::SeqCst);
                let (questions, behaviour) = (Arc::clone(&questions), Arc::clone(&behaviour));
                thread::spawn(move || {
                    converse(&mut (behaviour.0)(stream.unwrap()), &questions, &behaviour.1);
                });
            }
        });
        server
    }

    pub(crate) fn base(&self) -> BaseUrl {
        format!("{}://{}/", self.scheme, self.address).parse().unwrap()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// The heads of all questions so far.
    pub(crate) fn questions(&self) -> Vec<String> {
        self.questions.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // The thread that listens wakes up for the last time.
        drop(TcpStream::connect(self.address));
    }
}

fn converse<S: Read + Write>(
    stream: &mut S,
    questions: &Mutex<Vec<String>>,
    answer: &impl Fn(&Question, &mut S) -> Then,
) {
    while let Some(head) = read_head(stream) {
        let number = {
            let mut questions = questions.lock().unwrap();
            questions.push(head.clone());
            questions.len() - 1
        };
        if answer(&Question { number, head }, stream) == Then::Close {
            return;
        }
    }
}

fn read_head(stream: &mut impl Read) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let (first, rest) = head.split_once("\r\n").unwrap();
    Some(format!("{first}\r\n{}", rest.to_ascii_lowercase()))
}

/// Writes a text and keeps the connection.
pub(crate) fn say(stream: &mut impl Write, text: &str) -> Then {
    match stream.write_all(text.as_bytes()) {
        Ok(()) => Then::Keep,
        Err(_) => Then::Close,
    }
}

/// A whole answer with this body.
pub(crate) fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// Does nothing until the client goes away.
pub(crate) fn hang(stream: &mut TcpStream) -> Then {
    // What a client sends into a hanging answer does not matter.
    let _ = stream.read_to_end(&mut Vec::new());
    Then::Close
}

/// Writes the same bytes again and again, with a pause each time, until the client goes away.
pub(crate) fn drip(stream: &mut TcpStream, bytes: &[u8], pause: Duration) -> Then {
    stream.set_read_timeout(Some(pause.max(Duration::from_micros(1)))).unwrap();
    loop {
        let gone = matches!(stream.read(&mut [0]), Ok(0));
        if gone || stream.write_all(bytes).is_err() {
            return Then::Close;
        }
    }
}

/// Ends the connection with a reset.
pub(crate) fn reset(stream: &TcpStream) -> Then {
    rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO)).unwrap();
    Then::Close
}

/// A question for `x` with a limit of a thousand bytes.
pub(crate) fn question(base: &BaseUrl) -> Request<'_> {
    Request {
        base,
        path: "x",
        limit: 1000,
        token: None,
        known: None,
        caches: Caches::Use,
        encoding: Encoding::Identity,
        retries: Retries::Some,
    }
}
