//! The one form in which a command fails: what kind, which error, what would help. Maps errors of the
//! library to exit codes and prints them.

use std::{error::Error, fmt, io::Write};

use leah_plugin::signature::SignatureError;
use serde::Serialize;

use super::context::SCHEMA;
use crate::{
    change::ChangeError, fs::FsError, init::InitError, keys::KeyFileError, owner::ChangeOwnerError,
    publish::PublishError, registry::RegistryError, revoke::RevokeError, rotate::RotateError,
    serve::ServeError, shown::ShownError, yank::YankError,
};

/// Kinds of failure; the value is the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Unexpected = 1,
    Drift = 3,
    Authentication = 4,
    NotFound = 5,
    Network = 6,
    Trust = 7,
    Consent = 8,
    Policy = 9,
    Locked = 12,
    Invalid = 13,
}

/// A command that failed.
#[derive(Debug)]
pub(super) struct Failure {
    kind: Kind,
    source: Box<dyn Error>,
    hints: Vec<String>,
    problems: Vec<Told>,
}

/// One of several errors that a failure sums up, in words.
#[derive(Debug, Serialize)]
struct Told {
    message: String,
    causes: Vec<String>,
}

/// A failure that no error of the library stands for.
#[derive(Debug)]
struct Message(String);

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Message {}

#[derive(Serialize)]
struct JsonFailure<'a> {
    schema: u32,
    error: JsonError<'a>,
}

#[derive(Serialize)]
struct JsonError<'a> {
    code: u8,
    #[serde(flatten)]
    told: Told,
    hints: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    problems: &'a [Told],
}

impl Failure {
    pub(super) fn new(kind: Kind, source: impl Error + 'static) -> Self {
        Self { kind, source: Box::new(source), hints: Vec::new(), problems: Vec::new() }
    }

    fn with_hint(kind: Kind, source: impl Error + 'static, hint: Option<&str>) -> Self {
        Self { hints: hint.map(Into::into).into_iter().collect(), ..Self::new(kind, source) }
    }

    pub(super) fn message(kind: Kind, text: impl Into<String>) -> Self {
        Self::new(kind, Message(text.into()))
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds an error that this failure sums up; they are printed before it.
    pub(super) fn problem(mut self, problem: &dyn Error) -> Self {
        self.problems.push(Told::new(problem));
        self
    }

    /// Prints the failure and returns its exit code.
    pub(super) fn report(&self, json: bool) -> u8 {
        let code = self.kind as u8;
        let told = Told::new(self.source.as_ref());
        let written = if json {
            let error = JsonError { code, told, hints: &self.hints, problems: &self.problems };
            let line = serde_json::to_string(&JsonFailure { schema: SCHEMA, error });
            line.map_err(Into::into).and_then(|line| writeln!(std::io::stdout(), "{line}"))
        } else {
            let hints = self.hints.iter().map(|hint| format!("hint: {hint}\n"));
            let text: String = self.problems.iter().chain([&told]).map(Told::text).chain(hints).collect();
            std::io::stderr().write_all(text.as_bytes())
        };
        // The exit code still tells when nobody can read the text.
        drop(written);
        code
    }
}

impl Told {
    fn new(error: &dyn Error) -> Self {
        Self { message: error.to_string(), causes: causes(error) }
    }

    fn text(&self) -> String {
        let causes = self.causes.iter().map(|cause| format!("caused by: {cause}\n"));
        std::iter::once(format!("error: {}\n", self.message)).chain(causes).collect()
    }
}

/// The causes of an error, outermost first, each once: wrappers repeat what they wrap.
fn causes(error: &dyn Error) -> Vec<String> {
    let mut texts = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if texts.last() != Some(&text) {
            texts.push(text);
        }
        next = cause.source();
    }
    texts.split_off(1)
}

impl From<FsError> for Failure {
    fn from(error: FsError) -> Self {
        Self::new(of_file(&error), error)
    }
}

impl From<KeyFileError> for Failure {
    fn from(error: KeyFileError) -> Self {
        let kind = match &error {
            KeyFileError::File(error) => of_file(error),
            KeyFileError::Prompt(_) => Kind::Authentication,
            error if error.is_password() => Kind::Authentication,
            KeyFileError::Key { .. } | KeyFileError::PublicName(_) => Kind::Invalid,
            KeyFileError::Published(_) => Kind::Policy,
            KeyFileError::Generate(_) => Kind::Unexpected,
        };
        let failure = Self::new(kind, error);
        match kind {
            Kind::Authentication => {
                failure.hint("type the password on a terminal, or set `LEAH_REGISTRY_PASSWORD`")
            }
            Kind::Policy => failure.hint("keep keys in a folder that is not served, such as `./keys`"),
            _ => failure,
        }
    }
}

impl From<RegistryError> for Failure {
    fn from(error: RegistryError) -> Self {
        Self::new(of_registry(&error), error)
    }
}

impl From<ChangeError> for Failure {
    fn from(error: ChangeError) -> Self {
        let hint = hint_of_change(&error);
        Self::with_hint(of_change(&error), error, hint)
    }
}

impl From<InitError> for Failure {
    fn from(error: InitError) -> Self {
        let kind = match &error {
            InitError::File(error) => of_file(error),
            InitError::Exists(_) | InitError::NotEmpty { .. } | InitError::SameKey => Kind::Policy,
            InitError::Root(_) | InitError::Head(_) => Kind::Unexpected,
        };
        Self::new(kind, error)
    }
}

impl From<PublishError> for Failure {
    fn from(error: PublishError) -> Self {
        let hint = match &error {
            PublishError::NeedsPublisher(_) => Some(
                "name its key file with `--publisher-key FILE`, or what it signed elsewhere with `--publisher KEY --owner-signature FILE`",
            ),
            PublishError::Revoked(_) => Some(
                "its author needs another key: `leah-registry owner list DIR NAME` shows who owns the name",
            ),
            PublishError::Similar { .. } => Some("if nobody will mistake them, add `--similar-ok`"),
            PublishError::Unsigned(_) => Some("sign it with `leahpm sign PACKAGE --key FILE --for REGISTRY`"),
            PublishError::Exists { .. } => {
                Some("raise the version in `plugin.yaml`, then pack and sign again")
            }
            _ => None,
        };
        Self::with_hint(of_publish(&error), error, hint)
    }
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        match &error {
            ServeError::NotLoopback(_) => Self::new(Kind::Policy, error),
            ServeError::Listen { source, .. } if source.kind() == std::io::ErrorKind::AddrInUse => {
                Self::new(Kind::Locked, error)
                    .hint("another program has that port; take any free one with `--port 0`")
            }
            ServeError::Listen { .. } | ServeError::Start(_) => Self::new(Kind::Unexpected, error),
        }
    }
}

impl From<RotateError> for Failure {
    fn from(error: RotateError) -> Self {
        let kind = match &error {
            RotateError::Change(error) => of_change(error),
            RotateError::Registry(error) => of_registry(error),
            RotateError::File(error) => of_file(error),
            RotateError::NotRootKey { .. } | RotateError::Record(_) => Kind::Trust,
            RotateError::NotNew(_) | RotateError::SameKey | RotateError::TooMany { .. } => Kind::Policy,
            RotateError::Root(_) | RotateError::Owner { .. } => Kind::Unexpected,
        };
        let hint = match &error {
            RotateError::NotNew(_) => Some("name a file that is not there yet, and a new key is made in it"),
            RotateError::Change(error) => hint_of_change(error),
            _ => None,
        };
        Self::with_hint(kind, error, hint)
    }
}

impl From<YankError> for Failure {
    fn from(error: YankError) -> Self {
        let kind = match &error {
            YankError::Change(error) => of_change(error),
            YankError::Shown(error) => of_shown(error),
            YankError::NoSuchName(_) | YankError::NoSuchVersion { .. } => Kind::NotFound,
            YankError::Reason => Kind::Invalid,
            YankError::Record(_) => Kind::Trust,
        };
        Self::new(kind, error)
    }
}

impl From<RevokeError> for Failure {
    fn from(error: RevokeError) -> Self {
        let (kind, hint) = match &error {
            RevokeError::Change(error) => (of_change(error), hint_of_change(error)),
            RevokeError::Shown(error) => (of_shown(error), None),
            RevokeError::NoSuchName(_) => (Kind::NotFound, None),
            RevokeError::NeverOwned(_) => {
                (Kind::NotFound, Some("`leah-registry owner list DIR NAME` shows the keys that did"))
            }
            RevokeError::Ahead { .. } => (Kind::Policy, None),
            RevokeError::Record(_) => (Kind::Trust, None),
        };
        Self::with_hint(kind, error, hint)
    }
}

impl From<ChangeOwnerError> for Failure {
    fn from(error: ChangeOwnerError) -> Self {
        let hint = match &error {
            ChangeOwnerError::Change(error) => hint_of_change(error),
            ChangeOwnerError::OwnsNot(_) => {
                Some("`leah-registry owner list DIR NAME` shows the keys that do")
            }
            ChangeOwnerError::NoneLeft(_) => {
                Some("put a new key in its place with `leah-registry owner rotate DIR NAME OLD NEW`")
            }
            ChangeOwnerError::Signature(SignatureError::OtherComment { .. }) => {
                Some("the owner has changed since; write what is to be signed anew with `--statement FILE`")
            }
            _ => None,
        };
        Self::with_hint(of_owner(&error), error, hint)
    }
}

pub(super) fn of_file(error: &FsError) -> Kind {
    match () {
        () if error.is_locked() => Kind::Locked,
        () if error.is_missing() => Kind::NotFound,
        () => Kind::Unexpected,
    }
}

/// What is missing inside of a registry was taken away, which is no better than changed.
pub(super) fn of_registry(error: &RegistryError) -> Kind {
    match error {
        RegistryError::NotARegistry(_) => Kind::NotFound,
        RegistryError::File(error) if !error.is_missing() => of_file(error),
        _ => Kind::Trust,
    }
}

fn of_change(error: &ChangeError) -> Kind {
    match error {
        ChangeError::Registry(error) => of_registry(error),
        ChangeError::File(error) => of_file(error),
        ChangeError::NotIndexKey { .. } | ChangeError::LastSerial(_) => Kind::Trust,
        ChangeError::RootExpired { .. } => Kind::Drift,
        ChangeError::Sign(_) => Kind::Unexpected,
    }
}

fn hint_of_change(error: &ChangeError) -> Option<&'static str> {
    match error {
        ChangeError::LastSerial(_) => Some(
            "begin a new epoch: `leah-registry rotate DIR --root-key FILE --new-index-key FILE --new-epoch`",
        ),
        ChangeError::RootExpired { .. } => {
            Some("renew it: `leah-registry rotate DIR --root-key FILE --index-key FILE`")
        }
        _ => None,
    }
}

fn of_shown(error: &ShownError) -> Kind {
    match error {
        ShownError::File(error) if !error.is_missing() => of_file(error),
        ShownError::Package { .. } => Kind::Invalid,
        ShownError::File(_) | ShownError::Archive { .. } => Kind::Trust,
    }
}

fn of_owner(error: &ChangeOwnerError) -> Kind {
    match error {
        ChangeOwnerError::Change(error) => of_change(error),
        ChangeOwnerError::NoSuchName(_) | ChangeOwnerError::OwnsNot(_) => Kind::NotFound,
        ChangeOwnerError::Owns(_) | ChangeOwnerError::Revoked(_) | ChangeOwnerError::NoneLeft(_) => {
            Kind::Policy
        }
        ChangeOwnerError::Signer { .. } | ChangeOwnerError::Signature(_) | ChangeOwnerError::Record(_) => {
            Kind::Trust
        }
        ChangeOwnerError::Sign(_) => Kind::Unexpected,
    }
}

fn of_publish(error: &PublishError) -> Kind {
    match error {
        PublishError::Change(error) => of_change(error),
        PublishError::File(error) => of_file(error),
        PublishError::FileName(_)
        | PublishError::Name { .. }
        | PublishError::Version { .. }
        | PublishError::Package { .. }
        | PublishError::OtherManifest { .. } => Kind::Invalid,
        PublishError::Unsigned(_)
        | PublishError::Signature { .. }
        | PublishError::NotOwner { .. }
        | PublishError::Revoked(_)
        | PublishError::Owner(_)
        | PublishError::Record(_) => Kind::Trust,
        PublishError::NeedsPublisher(_)
        | PublishError::Exists { .. }
        | PublishError::SameVersion { .. }
        | PublishError::Similar { .. } => Kind::Policy,
    }
}
