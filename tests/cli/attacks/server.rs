//! A web server on loopback that serves a registry's folder, lies where it is told to, and remembers who asked for what.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Without the slash in front.
    pub path: String,
    /// All lines of the head.
    pub head: String,
}

/// The server; it ends when it is dropped.
pub struct Liar {
    /// With a slash at the end.
    pub url: String,
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Liar {
    /// `lie` is what is answered to a path in place of the truth, head and all; none where the truth is told.
    pub fn start(folder: &Path, lie: impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, ended) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (folder, lie) = (Arc::new(folder.to_owned()), Arc::new(lie));
        let thread = thread::spawn({
            let (asked, ended) = (Arc::clone(&asked), Arc::clone(&ended));
            move || {
                for stream in listener.incoming() {
                    if ended.load(Ordering::SeqCst) {
                        return;
                    }
                    let (folder, lie, asked) = (Arc::clone(&folder), Arc::clone(&lie), Arc::clone(&asked));
                    thread::spawn(move || answer(stream.unwrap(), &folder, &*lie, &asked));
                }
            }
        });
        Self { url: format!("http://{address}/"), address, asked, ended, thread: Some(thread) }
    }

    /// The requests so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // It waits for one more connection.
        drop(TcpStream::connect(self.address));
        drop(self.thread.take().map(JoinHandle::join));
    }
}

fn answer(
    mut stream: TcpStream,
    folder: &Path,
    lie: &dyn Fn(&str) -> Option<Vec<u8>>,
    asked: &Mutex<Vec<Asked>>,
) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let head: Vec<String> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
    let Some(path) =
        head.first().and_then(|line| line.split(' ').nth(1)).map(|path| path.trim_start_matches('/'))
    else {
        return;
    };
    asked.lock().unwrap().push(Asked { path: path.to_owned(), head: head.join("\n") });
    let answer = lie(path).unwrap_or_else(|| match fs::read(folder.join(path)) {
        Ok(bytes) => body(&bytes),
        Err(_) => status("404 Not Found", ""),
    });
    // Who has read enough may be gone.
    drop(stream.write_all(&answer));
}

/// An answer with these bytes.
pub fn body(bytes: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", bytes.len());
    [head.as_bytes(), bytes].concat()
}

/// An answer without bytes, with more lines in its head, each with its line end.
pub fn status(status: &str, lines: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\n{lines}Content-Length: 0\r\nConnection: close\r\n\r\n").into_bytes()
}
