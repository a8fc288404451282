//! What can be tried, as the arguments of the tool, and what came of it, as JSON.

use leah_sdk::{Error, Result, files, http, log, model, settings, store};
use serde::Deserialize;
use serde_json::{Value, json};

/// One thing to try. Texts that are missing are empty.
#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub(crate) enum Attempt {
    /// What came of trying everything in `initialize`.
    Initialize,
    /// Reads a file.
    Read { path: String },
    /// Writes a file.
    Write {
        path: String,
        #[serde(flatten)]
        content: Content,
    },
    /// Lists a folder.
    List { path: String },
    /// Removes a file or folder.
    Remove { path: String },
    /// Sends a request.
    Fetch {
        url: String,
        #[serde(default = "get")]
        method: String,
        #[serde(default)]
        headers: Vec<(String, String)>,
        body: Option<String>,
    },
    /// Asks the model.
    Chat { text: String },
    /// Reads a key of the store.
    Get { key: String },
    /// Writes a key of the store.
    Set {
        key: String,
        #[serde(flatten)]
        content: Content,
    },
    /// Writes a key of the store if it has the expected value.
    Cas {
        key: String,
        expected: Option<String>,
        #[serde(flatten)]
        content: Content,
    },
    /// Adds one to a key of the store.
    Add { key: String },
    /// Removes a key of the store.
    Delete { key: String },
    /// Lists keys of the store.
    Keys {
        #[serde(default)]
        prefix: String,
    },
    /// Reads a setting.
    Setting { key: String },
    /// Logs a line.
    Log { text: String },
}

/// Text, or that many bytes.
#[derive(Deserialize)]
pub(crate) struct Content {
    #[serde(default)]
    content: String,
    size: Option<usize>,
}

impl Content {
    fn bytes(self) -> Vec<u8> {
        self.size.map_or_else(|| self.content.into_bytes(), |size| vec![b'x'; size])
    }
}

fn get() -> String {
    "GET".to_owned()
}

impl Attempt {
    /// Tries it.
    pub(crate) fn run(self) -> Result<Value> {
        match self {
            Self::Initialize => Ok(Value::Null),
            Self::Read { path } => files::read(&path).map(text),
            Self::Write { path, content } => files::write(&path, content.bytes()).map(nothing),
            Self::List { path } => files::list(&path).map(|entries| entries.iter().map(entry).collect()),
            Self::Remove { path } => files::remove(&path).map(nothing),
            Self::Fetch { url, method, headers, body } => {
                let body = body.map(String::into_bytes);
                fetch(&http::Request { headers, body, ..http::Request::new(method, url) })
            }
            Self::Chat { text } => {
                let reply = model::chat(vec![model::ChatMessage::user(text)])?;
                Ok(json!({ "content": reply.content, "model": reply.model }))
            }
            Self::Get { key } => store::get(&key).map(|value| value.map_or(Value::Null, text)),
            Self::Set { key, content } => store::set(&key, content.bytes()).map(nothing),
            Self::Cas { key, expected, content } => {
                let expected = expected.as_deref().map(str::as_bytes);
                store::compare_and_set(&key, expected, content.bytes()).map(Value::from)
            }
            Self::Add { key } => store::add(&key, 1).map(Value::from),
            Self::Delete { key } => store::delete(&key).map(nothing),
            Self::Keys { prefix } => store::keys(&prefix).map(Value::from),
            Self::Setting { key } => settings::get::<Value>(&key).map(Value::from),
            Self::Log { text } => {
                log::info(text);
                Ok(Value::Null)
            }
        }
    }
}

/// What came of trying each interface once, with the settings as a whole.
pub(crate) fn everything(settings: &Value) -> Value {
    let place = |setting: &str, rest: &str| match settings.get(setting).and_then(Value::as_str) {
        Some(place) => format!("{place}/{rest}"),
        None => rest.to_owned(),
    };
    let url = match settings.get("server").and_then(Value::as_str) {
        Some(server) if server.contains("://") => server.to_owned(),
        Some(server) => format!("http://{server}/"),
        None => "http://localhost/".to_owned(),
    };
    json!({
        "settings": settings,
        "read": answer(files::read(&place("readable", "read.txt")).map(text)),
        "write": answer(files::write(&place("writable", "initialize.txt"), "x").map(nothing)),
        "fetch": answer(fetch(&http::Request::get(url))),
        "chat": answer(model::ask("hello").map(Value::from)),
        "get": answer(store::get("key").map(|value| value.map_or(Value::Null, text))),
        "set": answer(store::set("initialize", "x").map(nothing)),
        "setting": answer(settings::get::<Value>("server").map(Value::from)),
        "log": answer({ log::info("initialize"); Ok(Value::Null) }),
    })
}

/// `{"ok": …}`, or `{"error": …}` with a reason where the error has one.
pub(crate) fn answer(result: Result<Value>) -> Value {
    let name = match result {
        Ok(value) => return json!({ "ok": value }),
        Err(Error::Denied) => "denied",
        Err(Error::Unavailable) => "unavailable",
        Err(Error::NotFound) => "not-found",
        Err(Error::TooLarge) => "too-large",
        Err(Error::Timeout) => "timeout",
        Err(Error::Invalid(reason)) => return json!({ "error": "invalid", "reason": reason }),
        Err(Error::Failed(reason)) => return json!({ "error": "failed", "reason": reason }),
    };
    json!({ "error": name })
}

fn fetch(request: &http::Request) -> Result<Value> {
    let response = request.send()?;
    Ok(json!({ "status": response.status, "headers": response.headers, "body": text(response.body) }))
}

fn entry(entry: &files::Entry) -> Value {
    let kind = match entry.kind {
        files::Kind::File => "file",
        files::Kind::Folder => "folder",
        files::Kind::Other => "other",
    };
    json!({ "name": entry.name, "kind": kind, "size": entry.size })
}

/// Bytes as text, and only their number where they are many.
fn text(bytes: Vec<u8>) -> Value {
    if bytes.len() > 10_000 { json!({ "size": bytes.len() }) } else { String::from_utf8_lossy(&bytes).into() }
}

fn nothing((): ()) -> Value {
    Value::Null
}
