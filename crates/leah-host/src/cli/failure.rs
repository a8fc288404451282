//! The one form in which a command fails: what kind, which error, what would help. Printing is `ui`'s.

use std::error::Error;

use leah_home::fs::FsError;
use leah_host::{config::ConfigError, host::StartError, listener::ServeError};
use leah_plugin::message::FaultCode;
use leah_socket::{ClientError, SocketError};

/// Kinds of failure; the value is the exit code, with the meaning that leahpm gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Unexpected = 1,
    NotFound = 5,
    NoAnswer = 6,
    Incompatible = 10,
    Locked = 12,
    Invalid = 13,
}

/// A command that failed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) kind: Kind,
    pub(super) source: Box<dyn Error>,
    pub(super) hint: Option<String>,
}

impl Failure {
    pub(super) fn new(kind: Kind, source: impl Error + 'static) -> Self {
        Self { kind, source: Box::new(source), hint: None }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The error and its causes, outermost first, each once: wrappers repeat what they wrap.
    pub(super) fn messages(&self) -> Vec<String> {
        let mut messages = vec![self.source.to_string()];
        let mut cause = self.source.source();
        while let Some(error) = cause {
            let text = error.to_string();
            if messages.last().is_none_or(|last| !last.contains(&text)) {
                messages.push(text);
            }
            cause = error.source();
        }
        messages
    }
}

impl From<FsError> for Failure {
    fn from(error: FsError) -> Self {
        let hint = error.hint().map(Into::into);
        Self { hint, ..Self::new(Kind::Unexpected, error) }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        match error {
            ConfigError::File(error) => error.into(),
            ConfigError::Yaml { .. } => Self::new(Kind::Invalid, error),
        }
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::File(error) => error.into(),
            StartError::Taken { .. } => Self::new(Kind::Locked, error)
                .hint("one host serves a home: `leah-host status` shows what it runs"),
            error => Self::new(Kind::Unexpected, error),
        }
    }
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        match error {
            ServeError::Socket(error) => error.into(),
            ServeError::Thread(_) => Self::new(Kind::Unexpected, error),
        }
    }
}

impl From<SocketError> for Failure {
    fn from(error: SocketError) -> Self {
        let hint = error.hint();
        Self { hint, ..Self::new(Kind::Unexpected, error) }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let kind = match &error {
            ClientError::Fault(fault) => match fault.code {
                FaultCode::Deadline | FaultCode::Busy => Kind::NoAnswer,
                FaultCode::Protocol => Kind::Incompatible,
                FaultCode::Parameters => Kind::Invalid,
                _ => Kind::Unexpected,
            },
            ClientError::Late(_) | ClientError::Closed | ClientError::Write(_) | ClientError::Read(_) => {
                Kind::NoAnswer
            }
            ClientError::Protocol(_) => Kind::Incompatible,
            ClientError::Message(_) => Kind::Unexpected,
        };
        Self::new(kind, error)
    }
}
