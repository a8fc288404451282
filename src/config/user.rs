//! The user's own defaults: `config.yaml` in the platform's folder for configuration, or where LEAHPM_CONFIG says. A key
//! is the long name of a global option; what agrees to something, or is for one run, cannot stand here.

use std::path::{Path, PathBuf};

use leah_home::place;
use leah_http::ProxyUrl;
use leah_plugin::yaml::{self, Format, YamlError};
use semver::Version;
use serde::{Deserialize, Deserializer, de};

use super::ConfigError;
use crate::fs::{self, FsError};

/// Largest `config.yaml` that is read, in bytes.
const MAX_USER_BYTES: u64 = 64 << 10;

/// The file; what it does not say is none.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UserFile {
    /// Number of the file's format.
    #[serde(rename = "format")]
    _format: Format<1>,
    /// `--home`; a relative folder begins where the file is.
    pub home: Option<PathBuf>,
    /// `--cache`, likewise.
    pub cache: Option<PathBuf>,
    /// `--offline`.
    pub offline: Option<bool>,
    /// `--keep-packages`.
    pub keep_packages: Option<bool>,
    /// `--host-version`.
    pub host_version: Option<Version>,
    /// `--no-host`.
    pub no_host: Option<bool>,
    /// `--host-wait`.
    #[serde(deserialize_with = "patience")]
    pub host_wait: Option<u64>,
    /// `--lock-wait`.
    pub lock_wait: Option<u64>,
    /// `--timeout`.
    #[serde(deserialize_with = "patience")]
    pub timeout: Option<u64>,
    /// `--proxy`.
    #[serde(deserialize_with = "proxy")]
    pub proxy: Option<String>,
    /// `--ca-cert`, once or several times; relative files begin where this one is.
    pub ca_cert: Option<Vec<PathBuf>>,
    /// `--json`.
    pub json: Option<bool>,
    /// `--quiet`.
    pub quiet: Option<bool>,
    /// `--verbose`.
    pub verbose: Option<bool>,
    /// `--color`.
    pub color: Option<Color>,
    #[serde(rename = "yes", deserialize_with = "agreed")]
    _yes: (),
    #[serde(rename = "grant", deserialize_with = "agreed")]
    _grant: (),
    #[serde(rename = "deny", deserialize_with = "agreed")]
    _deny: (),
    #[serde(rename = "accept_key", deserialize_with = "agreed")]
    _accept_key: (),
    #[serde(rename = "dry_run", deserialize_with = "once")]
    _dry_run: (),
    #[serde(rename = "config_file", deserialize_with = "once")]
    _config_file: (),
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Color {
    /// On a terminal that can.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl UserFile {
    /// Reads the file that was named, which must be there, else the one in the user's folder for configuration, which
    /// need not.
    ///
    /// # Errors
    /// When it cannot be read or is not valid.
    pub fn read(named: Option<&Path>) -> Result<Self, ConfigError> {
        let Some(path) = named.map(Path::to_owned).or_else(place::config_file) else {
            return Ok(Self::default());
        };
        let bytes = match fs::read_if_any(&path, MAX_USER_BYTES) {
            Ok(Some(bytes)) => bytes,
            Ok(None) if named.is_none() => return Ok(Self::default()),
            // Where the user's home is a file, as in some build services, nothing can be below it.
            Err(error) if named.is_none() && error.is_below_file() => return Ok(Self::default()),
            // The file is the user's own, and so is a link that stands for it.
            Ok(None) | Err(_) => follow(&path).map_err(|source| ConfigError::UserFile { source })?,
        };
        let unreadable = |source| ConfigError::User { path: path.clone(), source };
        let mut file: Self = yaml::from_slice(&bytes).map_err(unreadable)?;
        if file.quiet == Some(true) && file.verbose == Some(true) {
            let reason = "`quiet` and `verbose` cannot both be true".to_owned();
            return Err(unreadable(YamlError { line: 0, column: 0, reason }));
        }
        file.begin_at(path.parent().unwrap_or(Path::new("")));
        Ok(file)
    }

    /// Relative paths begin in `folder`, `~` is the home of the user.
    fn begin_at(&mut self, folder: &Path) {
        let certificates = self.ca_cert.iter_mut().flatten();
        for path in self.home.iter_mut().chain(&mut self.cache).chain(certificates) {
            *path = match (path.strip_prefix("~"), place::user_home()) {
                (Ok(below), Some(home)) => home.join(below),
                _ => folder.join(&*path),
            };
        }
    }
}

fn follow(path: &Path) -> Result<Vec<u8>, FsError> {
    fs::read(&fs::canonical(path)?, MAX_USER_BYTES)
}

fn patience<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    match Option::<u64>::deserialize(deserializer)? {
        Some(seconds) if !(1..=3600).contains(&seconds) => {
            Err(de::Error::custom("expected 1 to 3600 seconds"))
        }
        seconds => Ok(seconds),
    }
}

/// What is no proxy is not repeated, since it may hold a password.
fn proxy<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    match text.as_deref().map(str::parse::<ProxyUrl>) {
        Some(Err(error)) => Err(de::Error::custom(format_args!("expected a proxy: {error}"))),
        _ => Ok(text),
    }
}

fn agreed<'de, D: Deserializer<'de>>(_: D) -> Result<(), D::Error> {
    Err(de::Error::custom(
        "this key cannot stand here: what is agreed to is said each time, with the option or its variable",
    ))
}

fn once<'de, D: Deserializer<'de>>(_: D) -> Result<(), D::Error> {
    Err(de::Error::custom("this key cannot stand here: it is for one run, with the option or its variable"))
}
