//! The flags that every command takes, and what they mean: they become a `Config` and a `Ui` once.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{
    ArgAction, ArgMatches,
    builder::{FalseyValueParser, OsStringValueParser, TypedValueParser},
    error::{ContextKind, ContextValue, ErrorKind},
    parser::ValueSource,
};
use leah_plugin::{key::PublicKey, layout::CacheLayout};
use semver::Version;

use super::{
    config::hidden,
    failure::{Failure, Kind},
    ui::{ColorChoice, Ui, Verbosity},
};
use crate::{
    config::{self, Color, Config, ConfigError, HostConfig, NetworkConfig, UserFile},
    consent::{Choice, Choices},
    fs::Durability,
};

/// Flags of every command.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct GlobalArgs {
    /// Folder of plugins, settings and store [default: the platform's data folder]
    #[arg(long, global = true, env = "LEAH_HOME", value_name = "DIR", hide_env = true,
        value_parser = OsStringValueParser::new())]
    home: Option<OsString>,
    /// Folder of what was fetched once [default: the platform's cache folder]
    #[arg(long, global = true, env = "LEAH_CACHE", value_name = "DIR", hide_env = true,
        value_parser = OsStringValueParser::new())]
    cache: Option<OsString>,
    /// File with defaults of your own for these options [default: config.yaml in the platform's configuration folder]
    #[arg(long, global = true, env = "LEAHPM_CONFIG", value_name = "FILE", hide_env = true,
        value_parser = OsStringValueParser::new(), value_hint = clap::ValueHint::FilePath)]
    config_file: Option<OsString>,
    /// Say what would be done and do nothing
    #[arg(long, global = true, env = "LEAHPM_DRY_RUN", hide_env = true, value_parser = FalseyValueParser::new())]
    dry_run: bool,
    /// Use no network, only what is in the cache
    #[arg(long, global = true, env = "LEAHPM_OFFLINE", hide_env = true, value_parser = FalseyValueParser::new())]
    offline: bool,
    /// Keep packages in the cache as well, for another machine or home, and for `--offline`
    #[arg(long, global = true, env = "LEAHPM_KEEP_PACKAGES", hide_env = true,
        value_parser = FalseyValueParser::new())]
    keep_packages: bool,
    /// Answer yes to every question but those about permissions and keys
    #[arg(short, long, global = true, env = "LEAHPM_YES", hide_env = true, value_parser = FalseyValueParser::new())]
    yes: bool,
    /// Grant a permission: PERMISSION, PLUGIN:PERMISSION or all
    #[arg(
        long,
        global = true,
        env = "LEAHPM_GRANT",
        hide_env = true,
        value_name = "PERMISSION",
        value_delimiter = ','
    )]
    grant: Vec<Choice>,
    /// Deny a permission; the plugin runs without it
    #[arg(
        long,
        global = true,
        env = "LEAHPM_DENY",
        hide_env = true,
        value_name = "PERMISSION",
        value_delimiter = ','
    )]
    deny: Vec<Choice>,
    /// Accept that plugins have another publisher than before, with this key
    #[arg(
        long,
        global = true,
        env = "LEAHPM_ACCEPT_KEY",
        hide_env = true,
        value_name = "KEY",
        value_delimiter = ','
    )]
    accept_key: Vec<PublicKey>,
    /// Version of leah-host that plugins must fit [default: the running host's, else the one of this release]
    #[arg(long, global = true, env = "LEAHPM_HOST_VERSION", hide_env = true, value_name = "VERSION")]
    host_version: Option<Version>,
    /// Make the change without asking the running host
    #[arg(long, global = true, env = "LEAHPM_NO_HOST", hide_env = true, value_parser = FalseyValueParser::new())]
    no_host: bool,
    /// Seconds that the running host may take to try a change, and to switch to it
    #[arg(long, global = true, env = "LEAHPM_HOST_WAIT", hide_env = true, value_name = "SECONDS",
        default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=3600))]
    host_wait: u64,
    /// Seconds to wait for another leahpm that is changing the same home
    #[arg(
        long,
        global = true,
        env = "LEAHPM_LOCK_WAIT",
        hide_env = true,
        value_name = "SECONDS",
        default_value_t = 60
    )]
    lock_wait: u64,
    /// Seconds that a server may be silent
    #[arg(long, global = true, env = "LEAHPM_TIMEOUT", hide_env = true, value_name = "SECONDS",
        default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
    /// Proxy for registries on the network [default: that of the system]
    #[arg(long, global = true, env = "LEAHPM_PROXY", hide_env = true, value_name = "URL")]
    proxy: Option<String>,
    /// File of certificates (PEM) to believe besides those of the system
    #[arg(long, global = true, env = "LEAHPM_CA_CERT", hide_env = true, value_name = "FILE")]
    ca_cert: Vec<PathBuf>,
    /// Print one JSON object, errors included
    #[arg(long, global = true, env = "LEAHPM_JSON", hide_env = true, value_parser = FalseyValueParser::new())]
    json: bool,
    /// Say nothing but errors and warnings
    #[arg(short, long, global = true, env = "LEAHPM_QUIET", hide_env = true, value_parser = FalseyValueParser::new(), conflicts_with = "verbose")]
    quiet: bool,
    /// Tell each step
    #[arg(short, long, global = true, env = "LEAHPM_VERBOSE", hide_env = true, value_parser = FalseyValueParser::new())]
    verbose: bool,
    /// When to use colour
    #[arg(
        long,
        global = true,
        env = "LEAHPM_COLOR",
        hide_env = true,
        value_name = "WHEN",
        default_value = "auto"
    )]
    color: ColorChoice,
    /// NO_COLOR and TERM decide about colour as everywhere
    #[arg(long, hide = true, env = "NO_COLOR", action = ArgAction::Set)]
    no_color: Option<String>,
    #[arg(long, hide = true, env = "TERM", action = ArgAction::Set)]
    terminal: Option<String>,
    /// A test's switch: leave out every sync, to show that the power-cut test would notice
    #[arg(long, hide = true, env = "LEAHPM_TEST_UNSYNCED", hide_env = true, value_parser = FalseyValueParser::new())]
    test_unsynced: bool,
}

/// The global options that the command line or the environment says something of.
#[derive(Debug)]
pub(super) struct Said(BTreeSet<&'static str>);

/// The options that the user's file can say something of, by their ids.
const KEYS: [&str; 15] = [
    "home",
    "cache",
    "offline",
    "keep_packages",
    "host_version",
    "no_host",
    "host_wait",
    "lock_wait",
    "timeout",
    "proxy",
    "ca_cert",
    "json",
    "quiet",
    "verbose",
    "color",
];

impl Said {
    pub(super) fn of(matches: &ArgMatches) -> Self {
        // An empty variable says nothing, as in every shell.
        let is_empty = |id: &str| {
            let mut values = matches.get_raw(id).into_iter().flatten();
            matches.value_source(id) == Some(ValueSource::EnvVariable) && values.all(|value| value.is_empty())
        };
        let is_said = |id: &&str| {
            matches.value_source(id).is_some_and(|source| source > ValueSource::DefaultValue) && !is_empty(id)
        };
        Self(KEYS.into_iter().filter(is_said).collect())
    }

    fn or<T>(&self, id: &str, said: T, file: Option<T>) -> T {
        if self.0.contains(id) { said } else { file.unwrap_or(said) }
    }
}

impl GlobalArgs {
    /// The user's file, which these options may name.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn user_file(&self) -> Result<UserFile, ConfigError> {
        let named = self.config_file.as_ref().filter(|path| !path.is_empty());
        UserFile::read(named.map(Path::new))
    }

    /// The same with what the user's file says where neither the command line nor the environment says something.
    #[must_use]
    pub(super) fn or(self, file: UserFile, said: &Said) -> Self {
        // Who says one of them does not want the other one of the file.
        let (quiet, verbose) = (
            said.or("quiet", self.quiet, file.quiet.map(|quiet| quiet && !self.verbose)),
            said.or("verbose", self.verbose, file.verbose.map(|verbose| verbose && !self.quiet)),
        );
        Self {
            home: said.or("home", self.home, file.home.map(|path| Some(path.into()))),
            cache: said.or("cache", self.cache, file.cache.map(|path| Some(path.into()))),
            offline: said.or("offline", self.offline, file.offline),
            keep_packages: said.or("keep_packages", self.keep_packages, file.keep_packages),
            host_version: said.or("host_version", self.host_version, file.host_version.map(Some)),
            no_host: said.or("no_host", self.no_host, file.no_host),
            host_wait: said.or("host_wait", self.host_wait, file.host_wait),
            lock_wait: said.or("lock_wait", self.lock_wait, file.lock_wait),
            timeout: said.or("timeout", self.timeout, file.timeout),
            proxy: said.or("proxy", self.proxy, file.proxy.map(Some)),
            ca_cert: said.or("ca_cert", self.ca_cert, file.ca_cert),
            json: said.or("json", self.json, file.json),
            color: said.or("color", self.color, file.color.map(ColorChoice::from)),
            quiet,
            verbose,
            ..self
        }
    }

    pub(super) fn ui(&self) -> Ui {
        let verbosity = match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (_, true) => Verbosity::Verbose,
            _ => Verbosity::Normal,
        };
        let plain = self.no_color.as_ref().is_some_and(|value| !value.is_empty())
            || self.terminal.as_deref() == Some("dumb");
        Ui::new(self.json, verbosity, self.color, plain)
    }

    #[expect(clippy::disallowed_methods, reason = "this is where the configuration is made")]
    fn network(&self, home: &Path) -> Result<NetworkConfig, ConfigError> {
        Ok(NetworkConfig {
            offline: self.offline,
            keep_packages: self.keep_packages,
            timeout: Duration::from_secs(self.timeout),
            proxy: self.proxy.as_deref().map(config::proxy).transpose()?,
            ca_certificates: self.ca_cert.clone(),
            cache: CacheLayout::new(folder(self.cache.as_ref(), || Ok(config::default_cache(home)))?),
            tokens: config::tokens(std::env::vars_os())?,
        })
    }

    pub(super) fn config(&self) -> Result<Config, ConfigError> {
        let home = folder(self.home.as_ref(), config::default_home)?;
        Ok(Config {
            network: self.network(&home)?,
            home,
            dry_run: self.dry_run,
            yes: self.yes,
            choices: Choices { grant: self.grant.clone(), deny: self.deny.clone() },
            accept_keys: self.accept_key.clone(),
            host_version: self.host_version.clone(),
            host: HostConfig { left_out: self.no_host, wait: Duration::from_secs(self.host_wait) },
            lock_wait: Duration::from_secs(self.lock_wait),
            durability: if self.test_unsynced { Durability::Unsynced } else { Durability::Synced },
        })
    }
}

impl From<Color> for ColorChoice {
    fn from(color: Color) -> Self {
        match color {
            Color::Auto => Self::Auto,
            Color::Always => Self::Always,
            Color::Never => Self::Never,
        }
    }
}

/// The folder of a flag or its variable; an empty one is none, as in every shell.
fn folder(
    given: Option<&OsString>,
    default: impl FnOnce() -> Result<PathBuf, ConfigError>,
) -> Result<PathBuf, ConfigError> {
    match given.filter(|folder| !folder.is_empty()) {
        Some(folder) => std::path::absolute(folder).map_err(|_| ConfigError::NoHome),
        None => default(),
    }
}

/// `leahpm` with these arguments, quoted where a shell needs it.
pub(super) fn invocation(arguments: impl Iterator<Item = OsString>) -> String {
    let words = arguments.map(|word| word.to_string_lossy().into_owned());
    let words = without_values(words);
    // A word with a NUL byte cannot come from a command line.
    let words = shlex::try_join(words.iter().map(String::as_str)).unwrap_or_default();
    super::ui::escaped(&format!("leahpm {words}"))
}

/// A value of `--set` may be a secret; in its place stands what makes leahpm ask for it.
fn without_values(words: impl Iterator<Item = String>) -> Vec<String> {
    let mut is_behind = false;
    let hide = |word: String| {
        let is_value = std::mem::replace(&mut is_behind, word == "--set");
        match word.strip_prefix("--set=") {
            Some(value) => format!("--set={}", hidden(value)),
            None if is_value => hidden(&word),
            None => word,
        }
    };
    words.map(hide).collect()
}

/// Prints what clap has to say (help, version or a usage error) and gives the exit code.
pub(super) fn report(error: &clap::Error) -> u8 {
    let wanted = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if !wanted && wants_json() {
        let ui = Ui::new(true, Verbosity::Normal, ColorChoice::Never, true);
        return ui.failure(&misused(error));
    }
    // A closed pipe under `--help | head` is no error.
    drop(error.print());
    if wanted { 0 } else { Kind::Usage.code() }
}

/// Whether an error is to be an object, as far as a line tells that could not be read.
#[expect(clippy::disallowed_methods, reason = "there is no configuration to ask")]
fn wants_json() -> bool {
    let mut flags = std::env::args_os().skip(1).take_while(|word| word != "--");
    let reads = |value: OsString| {
        let command = clap::Command::new("leahpm");
        FalseyValueParser::new().parse_ref(&command, None, &value).unwrap_or_default()
    };
    flags.any(|word| word == "--json") || std::env::var_os("LEAHPM_JSON").is_some_and(reads)
}

/// What clap says in paragraphs: first what is wrong, then perhaps what was meant.
fn misused(error: &clap::Error) -> Failure {
    let said = error.render().to_string();
    let mut paragraphs = said.split("\n\n");
    let wrong = match error.kind() {
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            "no command was given"
        }
        _ => paragraphs.next().unwrap_or_default().trim_start_matches("error: ").trim_end(),
    };
    let meant = paragraphs.filter_map(|text| text.trim().strip_prefix("tip: "));
    let failure = meant.fold(Failure::new(Kind::Usage, wrong), Failure::hint);
    let command = match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(words)) if error.kind() == ErrorKind::MissingSubcommand => words,
        _ => "leahpm",
    };
    failure.hint(format!("`{command} --help` shows the commands"))
}
