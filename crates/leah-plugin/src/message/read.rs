//! From a line to a message: what a method carries is found first and then read as what the method says it is, without
//! a copy in between, since a chat waits for it.

use std::borrow::Cow;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::{
    Answer, Call, ChatMessage, Fault, HookCall, HookEvent, Id, MAX_LINE_BYTES, Message, MessageError, Meta,
    Notice, Role, VERSION,
};

/// What a line says about itself, and what it carries.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    jsonrpc: Cow<'a, str>,
    id: Option<Id>,
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    result: Option<Box<RawValue>>,
    error: Option<Fault>,
}

/// Parameters of `hooks/call`.
#[derive(Deserialize)]
struct HookParams {
    hook: HookName,
    payload: Payload,
    #[serde(default)]
    deadline_ms: Option<u64>,
}

/// The fields of all payloads, so that one is read at once, wherever the name of its hook stands.
#[derive(Deserialize)]
struct Payload {
    #[serde(default)]
    conversation: String,
    #[serde(default)]
    role: Role,
    #[serde(default)]
    prompt: String,
    #[serde(default)]
    model: String,
    content: String,
    #[serde(default)]
    meta: Meta,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "the names on the wire")]
enum HookName {
    OnChatMessage,
    OnBeforeResponse,
    OnAfterResponse,
}

#[derive(Deserialize)]
struct Cancelled {
    id: Id,
}

/// Reads one line, with or without its newline. Fields that are not known are skipped, since a later release of
/// either side may send more.
///
/// # Errors
/// When it is no message. [`MessageError::response`] says what to answer.
pub fn read_line(line: &[u8]) -> Result<Message, MessageError> {
    if line.len() > MAX_LINE_BYTES {
        return Err(MessageError::TooLarge(line.len()));
    }
    let Envelope { jsonrpc, id, method, params, result, error } = envelope(line)?;
    if jsonrpc != VERSION {
        return Err(MessageError::Shape { id, rule: "`jsonrpc` is not `2.0`" });
    }
    let params = params.map_or("{}", RawValue::get);
    match (id, method, result, error) {
        (Some(id), Some(method), None, None) => match call(&method, params) {
            Ok(Some(call)) => Ok(Message::Request { id, call }),
            read => Err(wrong(Some(id), method, read.err())),
        },
        (None, Some(method), None, None) => match notice(&method, params) {
            Ok(Some(notice)) => Ok(Message::Notice(notice)),
            read => Err(wrong(None, method, read.err())),
        },
        (id, None, Some(result), None) => Ok(Message::Response { id, outcome: Ok(result) }),
        (id, None, None, Some(fault)) => Ok(Message::Response { id, outcome: Err(fault) }),
        (id, ..) => {
            Err(MessageError::Shape { id, rule: "it has not just one of `method`, `result` and `error`" })
        }
    }
}

fn envelope(line: &[u8]) -> Result<Envelope<'_>, MessageError> {
    serde_json::from_slice(line).map_err(|error| {
        if error.is_data() {
            MessageError::Shape { id: None, rule: "it is no object with fields of the right types" }
        } else {
            MessageError::Json(error)
        }
    })
}

/// None: there is no such method.
fn call(method: &str, params: &str) -> serde_json::Result<Option<Call>> {
    Ok(Some(match method {
        "hello" => Call::Hello(read(params)?),
        "prepare" => Call::Prepare(read(params)?),
        "commit" => Call::Commit(read(params)?),
        "abort" => Call::Abort(read(params)?),
        "plugins/list" => Call::PluginsList,
        "hooks/call" => Call::HooksCall(hook_call(params)?),
        "tools/list" => Call::ToolsList,
        "tools/call" => Call::ToolsCall(read(params)?),
        "events/subscribe" => Call::EventsSubscribe,
        "log/tail" => Call::LogTail(read(params)?),
        _ => return Ok(None),
    }))
}

/// None: there is no such method.
fn notice(method: &str, params: &str) -> serde_json::Result<Option<Notice>> {
    Ok(Some(match method {
        "cancel" => Notice::Cancel { id: read::<Cancelled>(params)?.id },
        "event" => Notice::Event(read(params)?),
        "log" => Notice::Log(read(params)?),
        _ => return Ok(None),
    }))
}

fn hook_call(params: &str) -> serde_json::Result<HookCall> {
    let HookParams { hook, payload, deadline_ms } = read(params)?;
    let event = match hook {
        HookName::OnChatMessage => HookEvent::OnChatMessage(payload.message()),
        HookName::OnBeforeResponse => HookEvent::OnBeforeResponse(payload.answer()),
        HookName::OnAfterResponse => HookEvent::OnAfterResponse(payload.answer()),
    };
    Ok(HookCall { event, deadline_ms })
}

impl Payload {
    fn message(self) -> ChatMessage {
        let Self { conversation, role, content, meta, .. } = self;
        ChatMessage { conversation, role, content, meta }
    }

    fn answer(self) -> Answer {
        let Self { conversation, prompt, model, content, meta, .. } = self;
        Answer { conversation, prompt, model, content, meta }
    }
}

fn read<T: DeserializeOwned>(json: &str) -> serde_json::Result<T> {
    serde_json::from_str(json)
}

fn wrong(id: Option<Id>, method: Cow<'_, str>, error: Option<serde_json::Error>) -> MessageError {
    let method = method.into_owned();
    match error {
        Some(source) => MessageError::Parameters { id, method, source },
        None => MessageError::Method { id, method },
    }
}
