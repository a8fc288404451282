//! The configuration of one run: flags, environment and the user's file become meaning here, once; nobody reads the
//! environment later. Also the registries a user has added, in `registries.yaml`.

mod user;

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fmt,
    path::PathBuf,
    time::Duration,
};

use leah_home::place;
pub use leah_home::place::default_cache;
use leah_http::{BaseUrl, BaseUrlError, ProxyUrl, ProxyUrlError, Token, TokenError};
use leah_plugin::{
    key::PublicKey,
    layout::{CacheLayout, Layout},
    name::Origin,
    yaml::{self, Format, YamlError},
};
use semver::Version;
use serde::{Deserialize, Serialize};

pub use self::user::{Color, UserFile};
use crate::{
    consent::Choices,
    fs::{self, Access, Durability, FsError},
};

/// What a run may do and where.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where plugins, store and settings lie.
    pub home: PathBuf,
    /// The way to registries on the network.
    pub network: NetworkConfig,
    /// Say what would be done, and do nothing.
    pub dry_run: bool,
    /// Yes to every question but those about permissions and keys.
    pub yes: bool,
    /// What was said about permissions.
    pub choices: Choices,
    /// Keys of publishers that the user accepts in place of pinned ones.
    pub accept_keys: Vec<PublicKey>,
    /// The version of leah-host to resolve for; that of the running host, or the one built in, where none is given.
    pub host_version: Option<Version>,
    /// The way to the running host.
    pub host: HostConfig,
    /// How long to wait for another leahpm that changes the same home.
    pub lock_wait: Duration,
    /// Whether changes are synced to the disk; only a test ever says no.
    pub durability: Durability,
}

/// How the running host is reached.
#[derive(Debug, Clone)]
pub struct HostConfig {
    /// Changes are made without it.
    pub left_out: bool,
    /// How long it may take to try a set, and to switch to it.
    pub wait: Duration,
}

/// How registries on the network are reached.
#[derive(Debug, Clone)]
pub struct NetworkConfig {
    /// No network; the cache alone.
    pub offline: bool,
    /// Whether packages are kept in the cache beside what is installed of them.
    pub keep_packages: bool,
    /// How long a server may be silent.
    pub timeout: Duration,
    /// The proxy, in place of the one that the system names.
    pub proxy: Option<ProxyUrl>,
    /// Files of certificates that are believed besides those of the system.
    pub ca_certificates: Vec<PathBuf>,
    /// Where what was read is kept.
    pub cache: CacheLayout,
    /// Tokens of the environment, by registry.
    pub tokens: BTreeMap<Origin, Token>,
}

impl NetworkConfig {
    /// The cache alone, for an answer to the shell.
    #[must_use]
    pub fn cache_alone(cache: CacheLayout) -> Self {
        let (timeout, tokens) = (Duration::ZERO, BTreeMap::new());
        Self {
            offline: true,
            keep_packages: false,
            timeout,
            proxy: None,
            ca_certificates: Vec::new(),
            cache,
            tokens,
        }
    }
}

/// Largest `registries.yaml` that is read, in bytes.
const MAX_REGISTRIES_BYTES: u64 = 1 << 20;

/// The file `registries.yaml`: registries that the user added and trusts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registries {
    /// Number of the file's format: 2 where a registry is on the network, 3 where one is known from a lock alone.
    pub format: Format<3>,
    /// The registry of a bare name; `bundled` where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Origin>,
    /// By the name that the registry's own root states.
    #[serde(default)]
    pub registries: BTreeMap<Origin, RegistryConfig>,
}

/// One added registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistryConfig {
    /// Where it is.
    pub url: Address,
    /// Other URLs of the same registry, for when the first does not answer or answers wrongly.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mirrors: Vec<BaseUrl>,
    /// The key that its chain of roots starts from.
    pub root_key: PublicKey,
    /// True when its address is from a lock and nobody said here that it is the right one. What such an address serves is
    /// checked like any other; but no token goes there, since whoever can change a lock could have it sent to himself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_lock: bool,
}

/// Where a registry is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Address {
    /// An absolute folder.
    Folder(PathBuf),
    /// A URL, `https` or `http` on this machine.
    Web(BaseUrl),
}

impl TryFrom<String> for Address {
    type Error = BaseUrlError;

    fn try_from(text: String) -> Result<Self, BaseUrlError> {
        if text.contains("://") { text.parse().map(Self::Web) } else { Ok(Self::Folder(text.into())) }
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => write!(f, "{}", path.display()),
            Self::Web(url) => write!(f, "{url}"),
        }
    }
}

impl RegistryConfig {
    /// The first format of the file that can hold it.
    fn format(&self) -> u32 {
        match self.url {
            _ if self.by_lock => 3,
            Address::Web(_) => 2,
            Address::Folder(_) => 1,
        }
    }

    /// The address that may stand in a lock; none for a folder, which means nothing on another machine.
    #[must_use]
    pub fn shareable_url(&self) -> Option<String> {
        match &self.url {
            Address::Folder(_) => None,
            Address::Web(url) => Some(url.to_string()),
        }
    }
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The operating system names no home folder.
    #[error("cannot tell where plugins belong: this system names no home folder for the user")]
    NoHome,
    /// A token in the environment is none.
    #[error(transparent)]
    Token(#[from] BadToken),
    /// What was given for a proxy is none. It may hold a password, so that it is not repeated.
    #[error("cannot take that for a proxy")]
    Proxy(#[source] ProxyUrlError),
    /// The user's file cannot be read.
    #[error("cannot read the configuration")]
    UserFile {
        /// Which file, and why.
        source: FsError,
    },
    /// The user's file is not what it should be.
    #[error("cannot read the configuration `{}`", crate::fs::shown(path))]
    User {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: YamlError,
    },
    /// The file is not what it should be.
    #[error("cannot read `{}`", crate::fs::shown(path))]
    Registries {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: YamlError,
    },
    /// It cannot be read or written.
    #[error(transparent)]
    Fs(#[from] FsError),
}

/// A variable that should hold a token holds something else, which is not repeated here.
#[derive(Debug, thiserror::Error)]
#[error("`{variable}` holds no token")]
pub struct BadToken {
    /// Its name.
    pub variable: String,
    /// Why.
    pub source: TokenError,
}

/// What the names of variables begin with that hold a token; the registry's name follows, in capitals, `_` for `-`.
const TOKEN_VARIABLES: &str = "LEAHPM_TOKEN_";

/// The variable that holds the token for a registry.
#[must_use]
pub fn token_variable(origin: &Origin) -> String {
    format!("{TOKEN_VARIABLES}{}", origin.as_str().to_ascii_uppercase().replace('-', "_"))
}

/// The proxy that a flag or a variable names.
///
/// # Errors
/// When it is none.
pub fn proxy(text: &str) -> Result<ProxyUrl, ConfigError> {
    text.parse().map_err(ConfigError::Proxy)
}

/// The tokens in the environment. Variables that name no registry are somebody else's, and an empty one is none: that is
/// what a CI service gives for a secret that nobody set.
///
/// # Errors
/// When one holds no token.
pub fn tokens(
    environment: impl Iterator<Item = (OsString, OsString)>,
) -> Result<BTreeMap<Origin, Token>, BadToken> {
    let mut tokens = BTreeMap::new();
    for (variable, value) in environment {
        let Some(name) = variable.to_str().and_then(|name| name.strip_prefix(TOKEN_VARIABLES)) else {
            continue;
        };
        let Ok(origin) = name.to_ascii_lowercase().replace('_', "-").parse() else { continue };
        if value.is_empty() {
            continue;
        }
        let token = value.to_string_lossy().parse();
        let bad = |source| BadToken { variable: format!("{TOKEN_VARIABLES}{name}"), source };
        tokens.insert(origin, token.map_err(bad)?);
    }
    Ok(tokens)
}

/// The home used when neither `--home` nor LEAH_HOME names one: the platform's data folder.
///
/// # Errors
/// When the operating system does not say where that is.
pub fn default_home() -> Result<PathBuf, ConfigError> {
    place::default_home().ok_or(ConfigError::NoHome)
}

impl Registries {
    /// Reads the file; a home without one has no added registries.
    ///
    /// # Errors
    /// When the file cannot be read or is not valid.
    pub fn read(layout: &Layout) -> Result<Self, ConfigError> {
        let path = layout.registries_file();
        match fs::read_if_any(&path, MAX_REGISTRIES_BYTES)? {
            None => Ok(Self::default()),
            Some(bytes) => {
                yaml::from_slice(&bytes).map_err(|source| ConfigError::Registries { path, source })
            }
        }
    }

    /// Writes the file as a whole.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, layout: &Layout, durability: Durability) -> Result<(), ConfigError> {
        let path = layout.registries_file();
        let format = self.registries.values().map(RegistryConfig::format).max().unwrap_or(1);
        let stated = Self { format: Format::numbered(format), ..self.clone() };
        let text = yaml::to_string(&stated)
            .map_err(|source| ConfigError::Registries { path: path.clone(), source })?;
        Ok(fs::replace(&path, text.as_bytes(), Access::Private, durability)?)
    }

    /// The registry of a bare name.
    #[must_use]
    pub fn default_origin(&self) -> Origin {
        self.default.clone().unwrap_or_else(Origin::bundled)
    }
}

/// Home and cache for an answer to the shell, which comes before flags are read: what the environment says, else the
/// user's file, else the default ones.
///
/// # Errors
/// When the operating system does not say where the default home is.
#[expect(clippy::disallowed_methods, reason = "a completion is answered before there is a configuration")]
pub fn places_of_environment() -> Result<(PathBuf, PathBuf), ConfigError> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    // A completion has nowhere to report an error to.
    let file = UserFile::read(variable("LEAHPM_CONFIG").as_deref().map(OsStr::as_ref)).unwrap_or_default();
    let home = variable("LEAH_HOME").map(PathBuf::from).or(file.home).map_or_else(default_home, Ok)?;
    let cache = variable("LEAH_CACHE").map(PathBuf::from).or(file.cache);
    Ok((home.clone(), cache.unwrap_or_else(|| default_cache(&home))))
}
