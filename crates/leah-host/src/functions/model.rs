//! `model`: the chat model that `host.yaml` names, asked as Ollama is (`/api/chat`). No hook sees what is asked here.

use leah_http::{Bounds, Incoming, Outgoing, Problem, Reach, SendError};
use leah_plugin::message::Level;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{Caller, Door, sentence};
use crate::{
    bindings::leah::plugin::{
        model::{ChatReply, ChatRequest, Host},
        types::{Error, Role},
    },
    config::Model,
};

/// Longest text of an error of the model's that is passed on, in characters.
const WORDS: usize = 500;

impl Host for Caller<'_> {
    fn chat(&mut self, request: ChatRequest) -> Result<ChatReply, Error> {
        self.enter(Door::Model)?;
        if request.messages.is_empty() {
            return Err(Error::Invalid("a conversation has at least one message".into()));
        }
        let Some(model) = &self.services.model else {
            self.note(Level::Warn, "it asks for the model, and `host.yaml` names none");
            return Err(Error::Unavailable);
        };
        self.control.going_slow();
        self.ask(model, &request)
    }
}

#[derive(Serialize)]
struct Question<'a> {
    model: &'a str,
    messages: Vec<Said<'a>>,
    stream: bool,
}

#[derive(Serialize)]
struct Said<'a> {
    role: &'static str,
    content: &'a str,
}

#[derive(Deserialize)]
struct Answer {
    model: Option<String>,
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    content: String,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
}

impl Caller<'_> {
    fn ask(&self, model: &Model, request: &ChatRequest) -> Result<ChatReply, Error> {
        let url = chat_url(&model.url);
        let headers = [("content-type".to_owned(), "application/json".to_owned())];
        let body = question(model, request)?;
        let outgoing = Outgoing { method: "POST", url: url.as_str(), headers: &headers, body: Some(body) };
        let bounds = Bounds {
            // The user named it, wherever it is; it leads nowhere else.
            allowed: &|to| (to.origin() == url.origin()).then_some(Reach::Any),
            limit: self.plugin.limits.response,
            time: self.patience(),
            stopped: &|| self.control.interrupt().is_some(),
        };
        let reply = self.services.client.send(outgoing, &bounds);
        answer(model, &reply.map_err(|error| self.no_answer(&url, &error))?)
    }

    fn no_answer(&self, url: &Url, error: &SendError) -> Error {
        match error {
            SendError::Late | SendError::Stopped => Error::Timeout,
            SendError::Failed(Problem::Timeout { .. } | Problem::TooSlow { .. }) => Error::Timeout,
            SendError::TooLarge => Error::TooLarge,
            SendError::Failed(Problem::Connect { .. }) => {
                self.note(Level::Warn, &format!("the model at `{url}` is not there: {}", sentence(error)));
                Error::Unavailable
            }
            error => Error::Failed(format!("the model could not be asked: {}", sentence(error))),
        }
    }
}

fn question(model: &Model, request: &ChatRequest) -> Result<Vec<u8>, Error> {
    let said = request.messages.iter().map(|said| Said { role: role(said.role), content: &said.content });
    let question = Question { model: &model.name, messages: said.collect(), stream: false };
    serde_json::to_vec(&question).map_err(|error| Error::Failed(error.to_string()))
}

fn answer(model: &Model, reply: &Incoming) -> Result<ChatReply, Error> {
    if reply.status != 200 {
        let words =
            serde_json::from_slice(&reply.body).map_or_else(|_| String::new(), |Refusal { error }| error);
        let words: String = words.chars().take(WORDS).collect();
        let status = reply.status;
        return Err(Error::Failed(format!(
            "the model `{}` answered with status {status}: {words}",
            model.name
        )));
    }
    match serde_json::from_slice::<Answer>(&reply.body) {
        Ok(Answer { model: name, message }) => Ok(ChatReply {
            content: message.content,
            model: name.unwrap_or_else(|| model.name.clone()),
            meta: Vec::new(),
        }),
        Err(error) => Err(Error::Failed(format!("the model's answer makes no sense: {error}"))),
    }
}

/// `/api/chat` below the URL, which may be that of a folder.
fn chat_url(base: &Url) -> Url {
    let mut url = base.clone();
    if let Ok(mut parts) = url.path_segments_mut() {
        parts.pop_if_empty().extend(["api", "chat"]);
    }
    url
}

fn role(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    }
}
