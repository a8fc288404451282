//! What each error of the library means to a user: its kind, and so the exit code, and what to do about it.

use std::error::Error;

use leah_http::{HttpError, Problem};
use leah_plugin::{
    bundle::BundleError as Form,
    head::HeadError,
    key::KeyError,
    lock::LockError,
    name::{Origin, PluginName},
    package::PackageError,
    root::RootError,
    signature::SignatureError,
};
use semver::Version;

use super::failure::{Failure, Kind};
use crate::{
    apply::ApplyError,
    bundle::BundleError,
    config::{ConfigError, RegistryConfig},
    credentials::CredentialsError,
    fetch::FetchError,
    fs::{FolderError, FsError},
    generation::{ReadError, SwitchError, gc::GcError},
    host::HostError,
    pack::PackError,
    plan::PlanError,
    registry::{RegistryError, SessionError, Unsolved},
    resolve::{Commands, ResolveError},
    settings::OrderError,
    store::{StoreError, lock::LockingError},
    trust::TrustError,
    verify::{Reason, VerifyError},
};

impl From<FsError> for Failure {
    fn from(error: FsError) -> Self {
        let hint = error.hint();
        let kind = if error.is_not_found() { Kind::NotFound } else { Kind::Unexpected };
        Self::new(kind, error).hint_if_any(hint)
    }
}

impl From<FolderError> for Failure {
    fn from(error: FolderError) -> Self {
        match error {
            FolderError::Fs(error) => error.into(),
            error => Self::new(Kind::Invalid, error),
        }
    }
}

impl From<BundleError> for Failure {
    fn from(error: BundleError) -> Self {
        let source = match error {
            BundleError::Fs(error) => return error.into(),
            BundleError::Occupied(_) => {
                return Self::new(Kind::Refused, error).hint("name another file, or remove that one first");
            }
            BundleError::Form { ref source, .. } => source,
        };
        const AGAIN: &str = "copy it again from where it was made";
        let (kind, hint) = match source {
            Form::Format(_) => (Kind::Incompatible, None),
            Form::LockChanged { .. } => (Kind::Trust, Some(AGAIN)),
            Form::NotABundle => (Kind::Invalid, Some("`leahpm bundle -o FILE` makes one")),
            _ => (Kind::Invalid, Some(AGAIN)),
        };
        Self::new(kind, error).hint_if_any(hint)
    }
}

/// The user's defaults cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the configuration")]
struct NoConfiguration(#[source] Box<dyn Error + Send + Sync>);

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        match error {
            ConfigError::Fs(error) => error.into(),
            ConfigError::NoHome => Self::new(Kind::Usage, error).hint("name one with `--home` or LEAH_HOME"),
            ConfigError::Proxy(_) => {
                Self::new(Kind::Usage, error).hint("it looks like `http://proxy.example.com:8080`")
            }
            ConfigError::Token(_) => Self::new(Kind::Usage, error),
            ConfigError::UserFile { source } => {
                let Self { kind, source, .. } = source.into();
                Self::new(kind, NoConfiguration(source))
                    .hint("`--config-file FILE` or LEAHPM_CONFIG names another file")
            }
            ConfigError::User { .. } => Self::new(Kind::Invalid, error).hint(
                "`leahpm --help` shows the global options; their long names are the keys, with `_` for `-`",
            ),
            ConfigError::Registries { .. } => Self::new(Kind::Invalid, error),
        }
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        let kind = match error {
            KeyError::PasswordNeeded => Kind::Consent,
            _ => Kind::Invalid,
        };
        Self::new(kind, error)
    }
}

impl From<SignatureError> for Failure {
    fn from(error: SignatureError) -> Self {
        Self::new(Kind::Trust, error)
    }
}

impl From<PackageError> for Failure {
    fn from(error: PackageError) -> Self {
        Self::new(Kind::Invalid, error)
    }
}

impl From<PackError> for Failure {
    fn from(error: PackError) -> Self {
        Self::new(Kind::Invalid, error)
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        let kind = match &error {
            PlanError::Held { .. } => Kind::Refused,
            _ => Kind::NotFound,
        };
        let hint = match &error {
            PlanError::Held { name, .. } => format!("`leahpm unhold {name}` lets it move"),
            PlanError::NotInstalled(_) => "`leahpm list` shows what is installed".to_owned(),
            PlanError::SameTool { first, .. } => {
                format!("`leahpm disable {first}` would make room for the other")
            }
            PlanError::Needed { name, by, verb } => {
                let by: Vec<&str> = by.iter().map(|name| name.as_str()).collect();
                format!("`leahpm {verb} {} {name}` does it for all of them", by.join(" "))
            }
        };
        Self::new(kind, error).hint(hint)
    }
}

impl From<OrderError> for Failure {
    fn from(error: OrderError) -> Self {
        match &error {
            OrderError::Unknown { name, similar, .. } => {
                let hint = format!("`leahpm config list {name}` shows its settings");
                let meant = similar.as_ref().map(|key| format!("did you mean `{key}`?"));
                Self::new(Kind::NotFound, error).hint_if_any(meant).hint(hint)
            }
            OrderError::Switch(name) => {
                let hint = format!("`leahpm enable {name}` switches it on, `leahpm disable {name}` off");
                Self::new(Kind::Refused, error).hint(hint)
            }
            OrderError::Said { name, key } => {
                let asks = format!("`leahpm config set {name} {key}` asks for it");
                let reads = format!("`leahpm config set {name} {key} < FILE` reads it from a file");
                Self::new(Kind::Refused, error).hint(asks).hint(reads)
            }
            OrderError::Unfit { name, .. } => {
                let hint = format!("`leahpm config list {name}` shows what each setting is for");
                Self::new(Kind::Invalid, error).hint(hint)
            }
        }
    }
}

impl From<TrustError> for Failure {
    fn from(error: TrustError) -> Self {
        let hint = match &error {
            TrustError::Expired { what: "root", .. } => {
                Some("its people sign a new root with the root key; then run the command again".to_owned())
            }
            TrustError::Expired { .. } => {
                Some("its people publish a new head with `leah-registry refresh`; then run the command again".to_owned())
            }
            TrustError::NotPinned { .. } => {
                Some("compare the key with the one that the registry's people publish elsewhere".to_owned())
            }
            TrustError::Publisher { keys, .. } => keys.first().map(|key| {
                format!("if its people confirm their new key to you, run the command again with `--accept-key {key}`")
            }),
            TrustError::Head { source: HeadError::Root { .. } | HeadError::Epoch { .. }, .. } => {
                Some("its people may be changing keys just now; run the command again in a while".to_owned())
            }
            _ => None,
        };
        // What is signed as it must be and cannot be read is no attack.
        let is_newer = matches!(
            error,
            TrustError::Root { source: RootError::Format { .. }, .. }
                | TrustError::Head { source: HeadError::Format { .. }, .. }
        );
        Self::new(if is_newer { Kind::Incompatible } else { Kind::Trust }, error).hint_if_any(hint)
    }
}

impl From<RegistryError> for Failure {
    fn from(error: RegistryError) -> Self {
        match error {
            RegistryError::Fs(error) => error.into(),
            RegistryError::Trust(error) => error.into(),
            RegistryError::Network(error) => (*error).into(),
            RegistryError::Denied { origin, source } => {
                let name = origin.map_or("NAME".to_owned(), |origin| origin.to_string());
                let hint = format!("`leahpm registry login {name}` takes a token for the registry");
                Self::new(Kind::Authentication, source).hint(hint)
            }
            RegistryError::Credentials(error) => error.into(),
            RegistryError::Offline { .. } | RegistryError::ExpiredOffline { .. } => {
                Self::new(Kind::Network, error)
                    .hint("run the command again without `--offline` or `--frozen`")
            }
            RegistryError::OpenEnded { .. } | RegistryError::SlowRoots { .. } => {
                Self::new(Kind::Network, error)
                    .hint("run the command again; if it says the same, tell the registry's people")
            }
            RegistryError::Caught { ref evidence, .. } => {
                let hint = format!(
                    "ask the registry's people about it; what it showed is kept in `{}`",
                    crate::fs::shown(evidence)
                );
                Self::new(Kind::Trust, error).hint(hint)
            }
            RegistryError::OldBundle { .. } => Self::new(Kind::Trust, error)
                .hint("`leahpm bundle -o FILE` makes a new one where the registry can be reached"),
            RegistryError::NoCatalog(ref origin) => {
                let hint = format!("`leahpm info {origin}/NAME` shows a plugin whose name you know");
                Self::new(Kind::NotFound, error).hint(hint)
            }
            RegistryError::NoRegistry(_) => Self::new(Kind::NotFound, error)
                .hint("`leahpm registry list` shows the registries and where they are"),
            // What is written so cannot be repaired by the user; a newer leahpm may read it.
            error => Self::new(Kind::Trust, error),
        }
    }
}

impl From<HttpError> for Failure {
    fn from(error: HttpError) -> Self {
        let hint = match &error.source {
            Problem::Connect { .. }
            | Problem::Timeout { .. }
            | Problem::TooSlow { .. }
            | Problem::Cut { .. } => Some(
                "check your connection; `--proxy URL` names a proxy, `--timeout SECONDS` waits longer, `--offline` works from the cache",
            ),
            Problem::Busy { .. } | Problem::Status(_) => Some("run the command again in a while"),
            Problem::Tls { .. } => {
                Some("`--ca-cert FILE` takes the certificate of a company's own authority")
            }
            Problem::Certificate { .. } => Some("`--ca-cert` takes a file in PEM form"),
            Problem::Redirect(_) => {
                Some("`leahpm registry add NAME URL` takes the address where the registry is now")
            }
            _ => None,
        };
        Self::new(Kind::Network, error).hint_if_any(hint)
    }
}

impl From<CredentialsError> for Failure {
    fn from(error: CredentialsError) -> Self {
        match error {
            CredentialsError::Fs(error) => error.into(),
            error => Self::new(Kind::Invalid, error),
        }
    }
}

/// What says that an address which a lock brought is the right one.
pub(super) fn confirming(origin: &Origin, config: &RegistryConfig) -> String {
    let RegistryConfig { url, root_key, .. } = config;
    format!("if that is where the registry is, run `leahpm registry add {origin} {url} --key {root_key}`")
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Config(error) => error.into(),
            SessionError::Registry(error) => error.into(),
            SessionError::Fs(error) => error.into(),
            SessionError::Unsolved(unsolved) => (*unsolved).into(),
            SessionError::Unknown { .. } => {
                Self::new(Kind::NotFound, error).hint("`leahpm registry add NAME URL` adds one")
            }
            SessionError::NoToken { ref origin, ref config, .. } => {
                let hint = confirming(origin, config);
                Self::new(Kind::Authentication, error).hint(hint)
            }
            SessionError::Taken(ref origin) => {
                let hint = format!("`leahpm registry remove {origin}` forgets the one that is there");
                Self::new(Kind::Trust, error).hint(hint)
            }
            SessionError::TooMany => Self::new(Kind::Refused, error),
            SessionError::Seen { .. } => Self::new(Kind::Invalid, error),
        }
    }
}

impl From<Unsolved> for Failure {
    fn from(unsolved: Unsolved) -> Self {
        let kind = match &unsolved.error {
            ResolveError::NoSolution(explanation) if explanation.is_incompatible() => Kind::Incompatible,
            ResolveError::NoSolution(explanation) if explanation.is_revoked() => Kind::Trust,
            _ => Kind::NotFound,
        };
        let hints = unsolved.hints(&Commands::plain(&unsolved.requirements.place));
        Self { hints, ..Self::new(kind, unsolved) }
    }
}

impl From<VerifyError> for Failure {
    fn from(error: VerifyError) -> Self {
        let kind = match &error.source {
            Reason::Package(_) | Reason::TooLarge { .. } => Kind::Invalid,
            _ => Kind::Trust,
        };
        Self::new(kind, error)
    }
}

/// A package that could not be had.
#[derive(Debug, thiserror::Error)]
#[error("cannot fetch `{name}` {version}")]
struct NotFetched {
    name: PluginName,
    version: Version,
    source: Box<dyn Error + Send + Sync>,
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Verify(error) => (*error).into(),
            FetchError::Store(error) => error.into(),
            // What to do about it depends on why, and is said as for any other file.
            FetchError::Registry { name, version, source } => {
                let Self { kind, source, hints, details } = source.into();
                Self { kind, source: Box::new(NotFetched { name, version, source }), hints, details }
            }
        }
    }
}

impl From<LockingError> for Failure {
    fn from(error: LockingError) -> Self {
        match error {
            LockingError::Locked { .. } => Self::new(Kind::Locked, error)
                .hint("wait until it has finished, or wait longer with `--lock-wait SECONDS`"),
            LockingError::File(error) => error.into(),
            LockingError::Unsupported { .. } => Self::new(Kind::Unexpected, error)
                .hint("set LEAH_HOME to a folder on a file system that has locks"),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Locking(error) => error.into(),
            StoreError::File(error) => error.into(),
        }
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::File(error) => error.into(),
            ReadError::Unknown { .. } => Self::new(Kind::NotFound, error).hint(
                "`leahpm history` shows the generations that are still there; `leahpm gc` removes old ones",
            ),
            error => Self::new(Kind::Invalid, error),
        }
    }
}

impl From<SwitchError> for Failure {
    fn from(error: SwitchError) -> Self {
        match error {
            SwitchError::Locking(error) => error.into(),
            SwitchError::File(error) => error.into(),
            SwitchError::Read(error) => error.into(),
            // The live lock was written by a release that knows more; what this one left out would be lost.
            SwitchError::Lock(LockError::Revision(_)) => {
                Self::new(Kind::Incompatible, error).hint("update leahpm, then run the command again")
            }
            SwitchError::EntryMissing { .. } | SwitchError::SettingsMissing { .. } => {
                Self::new(Kind::CheckFailed, error).hint("`leahpm verify --all` shows what else is damaged")
            }
            error => Self::new(Kind::Unexpected, error),
        }
    }
}

/// What kept a change from being made was no plugin.
#[derive(Debug, thiserror::Error)]
#[error("the running host did not take the change, so nothing was changed")]
struct NotTaken(#[source] Box<dyn Error + Send + Sync>);

/// The same of a change that was under way.
fn not_deployed(error: HostError) -> Failure {
    let is_verdict = matches!(error, HostError::Refused { .. } | HostError::NotTried(_));
    let Failure { kind, source, hints, details } = error.into();
    let source = if is_verdict || kind != Kind::Host { source } else { Box::new(NotTaken(source)) };
    Failure { kind, source, hints, details }
}

impl From<HostError> for Failure {
    fn from(error: HostError) -> Self {
        const WITHOUT: &str =
            "`--no-host` makes the change without asking the host, which takes over what is live by itself";
        match &error {
            HostError::NotRunning(_) => Self::new(Kind::NotFound, error).hint("`leah-host serve` starts one"),
            HostError::Refused { plugin, .. } => {
                let hint = format!("`leahpm host logs {plugin}` shows what it logged");
                Self::new(Kind::Host, error).hint(hint)
            }
            HostError::NotTried(_) => {
                Self::new(Kind::Host, error).hint("`leahpm host logs` shows what the host logged")
            }
            HostError::OtherHome { .. } | HostError::Protocol => {
                Self::new(Kind::Host, error).hint("start `leah-host serve` anew").hint(WITHOUT)
            }
            HostError::Late { .. } | HostError::Busy { .. } => {
                Self::new(Kind::Host, error).hint("`--host-wait SECONDS` waits longer").hint(WITHOUT)
            }
            HostError::Socket(source) => {
                let hint = source.hint();
                Self::new(Kind::Host, error).hint_if_any(hint).hint(WITHOUT)
            }
            HostError::File(_) | HostError::Ended { .. } | HostError::Failed { .. } => {
                Self::new(Kind::Host, error).hint(WITHOUT)
            }
        }
    }
}

impl From<GcError> for Failure {
    fn from(error: GcError) -> Self {
        match error {
            GcError::Locking(error) => error.into(),
            GcError::File(error) => error.into(),
            GcError::Read(error) => error.into(),
        }
    }
}

impl From<ApplyError> for Failure {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Locking(error) => error.into(),
            ApplyError::Session(error) => error.into(),
            ApplyError::Credentials(error) => error.into(),
            ApplyError::Fetch(error) => error.into(),
            ApplyError::Store(error) => error.into(),
            ApplyError::Read(error) => error.into(),
            ApplyError::Switch(error) => error.into(),
            ApplyError::Gc(error) => error.into(),
            ApplyError::Host(error) => not_deployed(error),
            ApplyError::Bundle(error) => error.into(),
            ApplyError::Restore(error) => error.into(),
            ApplyError::Config(error) => error.into(),
            ApplyError::Fs(error) => error.into(),
            ApplyError::Gone { .. } => Self::new(Kind::NotFound, error)
                .hint("it may have been bundled with another leahpm; `leahpm update` moves to a version that is there"),
            ApplyError::Revoked { ref name, .. } => {
                let other = format!("`leahpm update {name}` looks for a version that was not revoked");
                let none = format!("`leahpm uninstall {name}` takes it out");
                Self::new(Kind::Trust, error).hint(other).hint(none)
            }
            ApplyError::NoParent => {
                Self::new(Kind::NotFound, error).hint("`leahpm history` shows the generations that were live")
            }
            ApplyError::Manifest { .. } => Self::new(Kind::CheckFailed, error)
                .hint("`leahpm verify --repair` fetches the damaged plugins again"),
            ApplyError::Order(error) => error.into(),
            ApplyError::NotInSet(ref name) => {
                let hint = format!("`leahpm install {name}` installs it");
                Self::new(Kind::NotFound, error).hint(hint)
            }
            ApplyError::Settings { .. } | ApplyError::SettingsGone { .. } => Self::new(Kind::CheckFailed, error)
                .hint("`leahpm verify --repair` gives the plugin its defaults again"),
            ApplyError::TooManySettings { .. } => Self::new(Kind::Invalid, error),
            ApplyError::Verb(_) | ApplyError::Write { .. } => Self::new(Kind::Unexpected, error),
        }
    }
}
