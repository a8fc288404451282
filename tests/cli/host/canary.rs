//! A server on loopback that tells who came: one that nobody may reach, one that was granted, one that is a model.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::Duration,
};

use serde_json::{Value, json};

use crate::attacks::server::body;

/// The server itself asks these, to know that all who came before have been seen, and to end.
const LAST: &str = "LAST";
const END: &str = "END";

/// How long somebody who connects may say nothing.
const SILENCE: Duration = Duration::from_secs(5);

/// What somebody asked who connected; empty for who said nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Such as `GET /read.txt HTTP/1.1`.
    pub first: String,
    pub body: String,
}

/// The server; it ends when it is dropped.
pub struct Canary {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Question>>>,
    thread: Option<JoinHandle<()>>,
}

impl Canary {
    /// On a port that nobody else has.
    pub fn start(answer: impl Fn(&Question) -> Vec<u8> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let thread = thread::spawn({
            let asked = Arc::clone(&asked);
            // One after another, so that who came first is written down first.
            move || while serve(&listener.accept().unwrap().0, &answer, &asked) {}
        });
        Self { address, asked, thread: Some(thread) }
    }

    /// One that has a secret for everybody.
    pub fn secret() -> Self {
        Self::start(|_| body(b"secret"))
    }

    /// A model that speaks Ollama's `/api/chat` and answers each question with what `answer` makes of its last message.
    pub fn model(answer: impl Fn(&str) -> String + Send + 'static) -> Self {
        Self::start(move |question| {
            let asked: Value = serde_json::from_str(&question.body).unwrap();
            let said = asked["messages"].as_array().unwrap().last().unwrap()["content"].as_str().unwrap();
            let message = json!({ "role": "assistant", "content": answer(said) });
            body(json!({ "model": asked["model"], "message": message, "done": true }).to_string().as_bytes())
        })
    }

    /// Such as `127.0.0.1:4000`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Everybody who has connected so far.
    pub fn asked(&self) -> Vec<Question> {
        self.say(LAST);
        self.asked.lock().unwrap().clone()
    }

    fn say(&self, word: &str) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.write_all(format!("{word}\r\n\r\n").as_bytes()).unwrap();
        stream.read_to_end(&mut Vec::new()).unwrap();
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        self.say(END);
        drop(self.thread.take().map(JoinHandle::join));
    }
}

/// False when it was the last.
fn serve(
    mut stream: &TcpStream,
    answer: &impl Fn(&Question) -> Vec<u8>,
    asked: &Mutex<Vec<Question>>,
) -> bool {
    stream.set_read_timeout(Some(SILENCE)).unwrap();
    let question = read(stream);
    match question.first.as_str() {
        LAST => return true,
        END => return false,
        "" => {}
        // Who has read enough may be gone.
        _ => drop(stream.write_all(&answer(&question))),
    }
    asked.lock().unwrap().push(question);
    true
}

fn read(stream: &TcpStream) -> Question {
    let mut stream = BufReader::new(stream);
    let lines = stream.by_ref().lines().map_while(Result::ok);
    let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let length = head.iter().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length").then(|| value.parse().unwrap())
    });
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).unwrap();
    Question { first: head.into_iter().next().unwrap_or_default(), body: String::from_utf8(body).unwrap() }
}
