//! A web server between a client and a registry's own, as caches and mirrors are: it passes questions on, writes them
//! down, and answers otherwise where a test wants that.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use leah_registry::serve::Server;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A question for a file of the registry.
#[derive(Debug, Clone)]
pub struct Question {
    /// Relative, without the first `/`.
    pub path: String,
    /// Names and values, the names in lower case.
    pub headers: Vec<(String, String)>,
}

impl Question {
    /// The value of a header; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(is, _)| is == name).map_or("", |(_, value)| value)
    }

    /// Whether caches are asked to step aside.
    pub fn passes_caches(&self) -> bool {
        self.header("cache-control") == "no-cache"
    }
}

/// What is answered.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    pub fn body(body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..Self::status(200) }
    }

    pub fn redirect(to: impl Into<String>) -> Self {
        Self { headers: vec![("location".into(), to.into())], ..Self::status(302) }
    }

    /// With another byte in the middle.
    pub fn damaged(mut self) -> Self {
        let middle = self.body.len() / 2;
        self.body[middle] ^= 1;
        self
    }
}

type Rule = dyn Fn(&Question, Reply) -> Reply + Send + Sync;

pub struct Edge {
    scheme: &'static str,
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    registry: SocketAddr,
    rule: RwLock<Box<Rule>>,
    log: Mutex<Vec<(Question, u16)>>,
    stopped: AtomicBool,
}

impl Edge {
    /// Stands before the server of a registry.
    pub fn before(server: &Server) -> Self {
        Self::start("http", server, |stream| stream)
    }

    /// The same, over TLS.
    pub fn before_tls(server: &Server, config: ServerConfig) -> Self {
        let config = Arc::new(config);
        let secured =
            move |stream| StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
        Self::start("https", server, secured)
    }

    fn start<S: Read + Write>(
        scheme: &'static str,
        server: &Server,
        secured: impl Fn(TcpStream) -> S + Clone + Send + 'static,
    ) -> Self {
        let registry = server.url().trim_start_matches("http://").trim_end_matches('/').parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            registry,
            rule: RwLock::new(Box::new(|_, reply| reply)),
            log: Mutex::default(),
            stopped: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if serving.stopped.load(Ordering::SeqCst) {
                    return;
                }
                let (serving, secured) = (Arc::clone(&serving), secured.clone());
                // A connection that the client leaves has ended as it should.
                thread::spawn(move || drop(serving.converse(&mut secured(stream.unwrap()))));
            }
        });
        Self { scheme, address, shared }
    }

    pub fn url(&self) -> String {
        format!("{}://{}/", self.scheme, self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on answers are what this makes of the registry's.
    pub fn rule(&self, rule: impl Fn(&Question, Reply) -> Reply + Send + Sync + 'static) {
        *self.shared.rule.write().unwrap_or_else(PoisonError::into_inner) = Box::new(rule);
    }

    /// The questions since this was last asked for, in order.
    pub fn questions(&self) -> Vec<Question> {
        self.take().into_iter().map(|(question, _)| question).collect()
    }

    /// The same, a line each, sorted: the status of the answer, the path, and how it was asked for.
    pub fn log(&self) -> String {
        let mut lines: Vec<String> =
            self.take().iter().map(|(question, status)| line(question, *status)).collect();
        lines.sort();
        lines.join("\n")
    }

    fn take(&self) -> Vec<(Question, u16)> {
        std::mem::take(&mut *self.shared.log.lock().unwrap())
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // The thread that listens wakes up for the last time.
        drop(TcpStream::connect(self.address));
    }
}

impl Shared {
    fn converse(&self, stream: &mut (impl Read + Write)) -> io::Result<()> {
        while let Some(head) = read_head(stream)? {
            let mut lines = head.lines();
            let path = lines.next().unwrap().split(' ').nth(1).unwrap().trim_start_matches('/').to_owned();
            let question = Question { path, headers: headers(lines) };
            let reply = self.pass_on(&question)?;
            let reply = (self.rule.read().unwrap_or_else(PoisonError::into_inner))(&question, reply);
            self.log.lock().unwrap().push((question, reply.status));
            // It has been sent when it has been written down, so a test that looks after a run misses nothing.
            stream.write_all(&written(&reply))?;
        }
        Ok(())
    }

    fn pass_on(&self, question: &Question) -> io::Result<Reply> {
        let mut stream = TcpStream::connect(self.registry)?;
        // After an answer to this version the connection ends, and there are no chunks.
        let mut head = format!("GET /{} HTTP/1.0\r\n", question.path);
        head.extend(question.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")));
        stream.write_all((head + "connection: close\r\n\r\n").as_bytes())?;
        let answered = read_head(&mut stream)?.unwrap_or_default();
        let mut lines = answered.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let mut reply = Reply { headers: headers(lines), ..Reply::status(status) };
        reply.headers.retain(|(name, _)| !["connection", "content-length"].contains(&name.as_str()));
        stream.read_to_end(&mut reply.body)?;
        Ok(reply)
    }
}

fn line(Question { path, headers }: &Question, status: u16) -> String {
    let hash = |part: &str| part.len() == 64 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let shown = if path.rsplit('/').next().is_some_and(hash) { "objects/[HASH]" } else { path };
    let mut words: Vec<&str> = headers
        .iter()
        .filter_map(|(name, value)| match name.as_str() {
            "accept-encoding" | "cache-control" => Some(value.as_str()),
            "if-none-match" | "if-modified-since" | "authorization" => Some(name.as_str()),
            _ => None,
        })
        .collect();
    words.sort_unstable();
    format!("{status} {shown} {}", words.join(" "))
}

fn headers<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<(String, String)> {
    let header = |(name, value): (&str, &str)| (name.to_ascii_lowercase(), value.trim().to_owned());
    lines.filter_map(|line| line.split_once(':').map(header)).collect()
}

fn written(reply: &Reply) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {} Answer\r\n", reply.status);
    head.extend(reply.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")));
    if reply.status != 304 {
        head += &format!("content-length: {}\r\n", reply.body.len());
    }
    [head.as_bytes(), b"\r\n", &reply.body].concat()
}

/// A head with its empty line; none when there is no other.
fn read_head(stream: &mut impl Read) -> io::Result<Option<String>> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte)? == 0 {
            return Ok(None);
        }
        head.push(byte[0]);
    }
    Ok(Some(String::from_utf8(head).unwrap()))
}
