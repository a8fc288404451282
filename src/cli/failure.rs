//! The one error type of the command line: what kind of failure it was (which decides the exit code),
//! the error itself with its causes, and what the user can do about it. Printing is `ui`'s.

use std::error::Error;

use serde_json::{Map, Value};

/// Why a command ended without doing what it was asked; each kind is one exit code, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Something that should not happen, or an error of the operating system.
    Unexpected,
    /// The command line makes no sense.
    Usage,
    /// A check failed: the state is not what it should be.
    CheckFailed,
    /// A server demands a token, or a better one.
    Authentication,
    /// Nothing of that name, or no set of versions fits.
    NotFound,
    /// A server could not be reached or did not answer as it should, or what is needed is missing offline.
    Network,
    /// A signature, hash or pinned key does not fit.
    Trust,
    /// A person has to agree first.
    Consent,
    /// A rule forbids it.
    Refused,
    /// The plugin API or host version does not fit.
    Incompatible,
    /// The running host does not take the set, or cannot be asked; nothing was changed.
    Host,
    /// Another process holds the lock for too long.
    Locked,
    /// A package, manifest, lock or setting is not valid.
    Invalid,
    /// The user pressed Ctrl-C.
    Interrupted,
}

impl Kind {
    /// The exit code of the process.
    #[must_use]
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Unexpected => 1,
            Self::Usage => 2,
            Self::CheckFailed => 3,
            Self::Authentication => 4,
            Self::NotFound => 5,
            Self::Network => 6,
            Self::Trust => 7,
            Self::Consent => 8,
            Self::Refused => 9,
            Self::Incompatible => 10,
            Self::Host => 11,
            Self::Locked => 12,
            Self::Invalid => 13,
            Self::Interrupted => 130,
        }
    }
}

/// A failed command: `kind` decides the exit code, `source` says what happened, `hints` what to do, and `details` says it
/// again for a script.
#[derive(Debug)]
pub(super) struct Failure {
    /// Decides the exit code.
    pub(super) kind: Kind,
    /// The error, with its causes behind it.
    pub(super) source: Box<dyn Error + Send + Sync>,
    /// Sentences with commands that work.
    pub(super) hints: Vec<String>,
    /// What a script can work with, beyond the sentence; docs/json/error.json describes each field.
    pub(super) details: Map<String, Value>,
}

impl Failure {
    /// A failure without hints.
    pub(super) fn new(kind: Kind, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind, source: source.into(), hints: Vec::new(), details: Map::new() }
    }

    /// Adds a sentence that says what to do.
    #[must_use]
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds the sentence where there is one.
    #[must_use]
    pub(super) fn hint_if_any(mut self, hint: Option<impl Into<String>>) -> Self {
        self.hints.extend(hint.map(Into::into));
        self
    }

    /// Adds the fields of an object to what a script is told.
    #[must_use]
    pub(super) fn details(mut self, object: Value) -> Self {
        if let Value::Object(fields) = object {
            self.details.extend(fields);
        }
        self
    }

    /// The messages of the error and its causes, outermost first.
    #[must_use]
    pub(super) fn messages(&self) -> Vec<String> {
        messages(&*self.source)
    }
}

/// The messages of an error and its causes, outermost first. A cause whose text is already part of the message before
/// it is left out, so that nothing is said twice.
#[must_use]
pub(super) fn messages(error: &dyn Error) -> Vec<String> {
    let mut messages = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if messages.last().is_none_or(|last| !last.contains(&text)) {
            messages.push(text);
        }
        cause = error.source();
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("inner")]
    struct Inner;

    #[test]
    fn keeps_the_details_that_there_are_when_more_come() {
        let failure = Failure::new(Kind::CheckFailed, Inner)
            .details(serde_json::json!({ "stale": [] }))
            .details(serde_json::json!({ "ways": [] }));
        assert_eq!(failure.details.keys().collect::<Vec<_>>(), ["stale", "ways"]);
    }

    #[test]
    fn tells_every_cause_once() {
        assert_eq!(Failure::new(Kind::Trust, Outer(Inner)).messages(), ["outer", "inner"]);
    }
}
