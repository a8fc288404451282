//! Messages on the host's control socket: JSON-RPC 2.0, one message a line. A message carries no authority: no path
//! and no code, only names, numbers and digests of what the host finds in its own home. No input or output here.

mod calls;
mod read;
mod results;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

pub use self::{calls::*, read::read_line, results::*};

/// The version of these messages. `hello` names it; a peer of another version is told so and left alone.
pub const PROTOCOL: u32 = 1;

/// Longest line in bytes, with its newline. Bounds what a peer can make the other side hold.
pub const MAX_LINE_BYTES: usize = 4 << 20;

/// Names a request, so that its response and its cancellation find it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Id {
    /// A number.
    Number(u64),
    /// A text.
    Text(String),
}

/// One line.
#[derive(Debug)]
pub enum Message {
    /// Asks for something and waits for its response.
    Request {
        /// Chosen by the sender, unique among its open requests.
        id: Id,
        /// What is asked for.
        call: Call,
    },
    /// Tells something that has no response.
    Notice(Notice),
    /// Answers a request.
    Response {
        /// The request; none when its id could not be read.
        id: Option<Id>,
        /// The result, of the type that belongs to the call, or the reason why there is none.
        outcome: Result<Box<RawValue>, Fault>,
    },
}

/// Why a request failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}", .message.escape_debug())]
pub struct Fault {
    /// What kind of failure it is.
    pub code: FaultCode,
    /// One sentence for people.
    pub message: String,
}

/// The kinds of failure, with their numbers on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "i64", into = "i64")]
pub enum FaultCode {
    /// -32700: the line is not JSON.
    Parse,
    /// -32600: the line is not a message.
    Request,
    /// -32601: there is no such method.
    Method,
    /// -32602: the parameters do not fit the method.
    Parameters,
    /// -32603: the host failed.
    Internal,
    /// -32001: it took longer than allowed.
    Deadline,
    /// -32002: the sender cancelled it.
    Cancelled,
    /// -32003: another deploy is under way.
    Busy,
    /// -32004: the generation was not prepared on this connection.
    NotPrepared,
    /// -32005: there is no such tool or plugin.
    NotFound,
    /// -32006: the peer speaks another version of these messages.
    Protocol,
    /// -32007: the message or what it led to is too large.
    TooLarge,
    /// A number of a later version.
    Other(i64),
}

const CODES: [(FaultCode, i64); 12] = [
    (FaultCode::Parse, -32700),
    (FaultCode::Request, -32600),
    (FaultCode::Method, -32601),
    (FaultCode::Parameters, -32602),
    (FaultCode::Internal, -32603),
    (FaultCode::Deadline, -32001),
    (FaultCode::Cancelled, -32002),
    (FaultCode::Busy, -32003),
    (FaultCode::NotPrepared, -32004),
    (FaultCode::NotFound, -32005),
    (FaultCode::Protocol, -32006),
    (FaultCode::TooLarge, -32007),
];

impl From<i64> for FaultCode {
    fn from(number: i64) -> Self {
        CODES.iter().find(|(_, known)| *known == number).map_or(Self::Other(number), |(code, _)| *code)
    }
}

impl From<FaultCode> for i64 {
    fn from(code: FaultCode) -> Self {
        match code {
            FaultCode::Other(number) => number,
            _ => CODES.iter().find(|(known, _)| *known == code).map_or(-32603, |(_, number)| *number),
        }
    }
}

/// Why a line is not a message, or a message not a line.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    /// Longer than [`MAX_LINE_BYTES`].
    #[error("a message has at most {MAX_LINE_BYTES} bytes, this one has {0}")]
    TooLarge(usize),
    /// Not JSON.
    #[error("the line is not JSON")]
    Json(#[source] serde_json::Error),
    /// JSON, and neither request, notice nor response.
    #[error("the line is not a JSON-RPC 2.0 message: {rule}")]
    Shape {
        /// The request it was meant to be, if it has an id.
        id: Option<Id>,
        /// What is missing.
        rule: &'static str,
    },
    /// A method that there is not.
    #[error("there is no method `{}`", .method.escape_debug())]
    Method {
        /// The request; none for a notice.
        id: Option<Id>,
        /// The method.
        method: String,
    },
    /// Parameters that do not fit.
    #[error("the parameters do not fit `{method}`")]
    Parameters {
        /// The request; none for a notice.
        id: Option<Id>,
        /// The method.
        method: String,
        /// What does not fit.
        source: serde_json::Error,
    },
}

impl MessageError {
    /// The response to a line that could not be read. None for a notice, which has no response.
    #[must_use]
    pub fn response(&self) -> Option<Message> {
        let (id, code) = match self {
            Self::TooLarge(_) => (None, FaultCode::TooLarge),
            Self::Json(_) => (None, FaultCode::Parse),
            Self::Shape { id, .. } => (id.clone(), FaultCode::Request),
            Self::Method { id, .. } => (Some(id.clone()?), FaultCode::Method),
            Self::Parameters { id, .. } => (Some(id.clone()?), FaultCode::Parameters),
        };
        let message = match self {
            Self::Parameters { source, .. } => format!("{self}: {source}"),
            _ => self.to_string(),
        };
        Some(Message::Response { id, outcome: Err(Fault { code, message }) })
    }
}

/// Writes one line, with its newline.
///
/// # Errors
/// When it would be too large to be read.
pub fn write_line(message: &Message) -> Result<Vec<u8>, MessageError> {
    match message {
        Message::Request { id, call } => write_request(id, call),
        Message::Notice(notice) => to_line(&Outgoing { jsonrpc: VERSION, id: None, body: notice }),
        Message::Response { id, outcome } => {
            let body = match outcome {
                Ok(result) => Payload::Result(result),
                Err(fault) => Payload::Error(fault),
            };
            to_line(&Response { jsonrpc: VERSION, id: id.as_ref(), body })
        }
    }
}

/// Writes the line of a request, with its newline.
///
/// # Errors
/// When it would be too large to be read.
pub fn write_request(id: &Id, call: &Call) -> Result<Vec<u8>, MessageError> {
    to_line(&Outgoing { jsonrpc: VERSION, id: Some(id), body: call })
}

/// Writes the line of a response with this result, with its newline. Results are objects, never `null`.
///
/// # Errors
/// When it would be too large to be read.
pub fn write_result<T: Serialize>(id: &Id, result: &T) -> Result<Vec<u8>, MessageError> {
    to_line(&Answered { jsonrpc: VERSION, id, result })
}

fn to_line<T: Serialize>(message: &T) -> Result<Vec<u8>, MessageError> {
    let mut line = serde_json::to_vec(message).map_err(MessageError::Json)?;
    line.push(b'\n');
    if line.len() > MAX_LINE_BYTES { Err(MessageError::TooLarge(line.len())) } else { Ok(line) }
}

impl Message {
    /// The response with this failure.
    #[must_use]
    pub fn fault(id: Id, code: FaultCode, message: impl Into<String>) -> Self {
        Self::Response { id: Some(id), outcome: Err(Fault { code, message: message.into() }) }
    }
}

/// Reads the result of a response as the type that belongs to its call.
///
/// # Errors
/// When it is another.
pub fn read_result<T: DeserializeOwned>(result: &RawValue) -> Result<T, MessageError> {
    serde_json::from_str(result.get()).map_err(MessageError::Json)
}

const VERSION: &str = "2.0";

#[derive(Serialize)]
struct Outgoing<'a, T> {
    jsonrpc: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a Id>,
    #[serde(flatten)]
    body: &'a T,
}

// A response always has an id, `null` when that of its request could not be read.
#[derive(Serialize)]
struct Response<'a> {
    jsonrpc: &'static str,
    id: Option<&'a Id>,
    #[serde(flatten)]
    body: Payload<'a>,
}

#[derive(Serialize)]
struct Answered<'a, T> {
    jsonrpc: &'static str,
    id: &'a Id,
    result: &'a T,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Payload<'a> {
    Result(&'a RawValue),
    Error(&'a Fault),
}

#[cfg(test)]
mod tests;
