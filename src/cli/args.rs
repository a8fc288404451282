//! The flags that every command takes, and what they mean: they become a `Config` and a `Ui` once.

use std::{path::PathBuf, time::Duration};

use clap::{ArgAction, error::ErrorKind};
use semver::Version;

use super::ui::{ColorChoice, Ui, Verbosity};
use crate::{
    config::{self, Config, ConfigError},
    consent::{Choice, Choices},
    fs::Durability,
};

/// Flags of every command.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct GlobalArgs {
    /// Folder of plugins, settings and store [default: the platform's data folder]
    #[arg(long, global = true, env = "LEAH_HOME", value_name = "DIR", hide_env_values = true)]
    home: Option<PathBuf>,
    /// Say what would be done and do nothing
    #[arg(long, global = true, env = "LEAHPM_DRY_RUN")]
    dry_run: bool,
    /// Use no network
    #[arg(long, global = true, env = "LEAHPM_OFFLINE")]
    offline: bool,
    /// Answer yes to every question but those about permissions and keys
    #[arg(short, long, global = true, env = "LEAHPM_YES")]
    yes: bool,
    /// Grant a permission: PERMISSION, PLUGIN:PERMISSION or all
    #[arg(long, global = true, env = "LEAHPM_GRANT", value_name = "PERMISSION", value_delimiter = ',')]
    grant: Vec<Choice>,
    /// Deny a permission; the plugin runs without it
    #[arg(long, global = true, env = "LEAHPM_DENY", value_name = "PERMISSION", value_delimiter = ',')]
    deny: Vec<Choice>,
    /// Version of leah-host that plugins must fit [default: the one of this release]
    #[arg(long, global = true, env = "LEAHPM_HOST_VERSION", value_name = "VERSION")]
    host_version: Option<Version>,
    /// Seconds to wait for another leahpm that is changing the same home
    #[arg(long, global = true, env = "LEAHPM_LOCK_WAIT", value_name = "SECONDS", default_value_t = 60)]
    lock_wait: u64,
    /// Print one JSON object, errors included
    #[arg(long, global = true, env = "LEAHPM_JSON")]
    json: bool,
    /// Say nothing but errors and warnings
    #[arg(short, long, global = true, env = "LEAHPM_QUIET", conflicts_with = "verbose")]
    quiet: bool,
    /// Tell each step
    #[arg(short, long, global = true, env = "LEAHPM_VERBOSE")]
    verbose: bool,
    /// When to use colour
    #[arg(long, global = true, env = "LEAHPM_COLOR", value_name = "WHEN", default_value = "auto")]
    color: ColorChoice,
    /// NO_COLOR and TERM decide about colour as everywhere
    #[arg(long, hide = true, env = "NO_COLOR", action = ArgAction::Set)]
    no_color: Option<String>,
    #[arg(long, hide = true, env = "TERM", action = ArgAction::Set)]
    terminal: Option<String>,
    /// A test's switch: leave out every sync, to show that the power-cut test would notice
    #[arg(long, hide = true, env = "LEAHPM_TEST_UNSYNCED")]
    test_unsynced: bool,
}

impl GlobalArgs {
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

    pub(super) fn config(&self) -> Result<Config, ConfigError> {
        Ok(Config {
            home: match &self.home {
                Some(home) => std::path::absolute(home).map_err(|_| ConfigError::NoHome)?,
                None => config::default_home()?,
            },
            offline: self.offline,
            dry_run: self.dry_run,
            yes: self.yes,
            choices: Choices { grant: self.grant.clone(), deny: self.deny.clone() },
            host_version: self.host_version.clone(),
            lock_wait: Duration::from_secs(self.lock_wait),
            durability: if self.test_unsynced { Durability::Unsynced } else { Durability::Synced },
        })
    }
}

/// Prints what clap has to say (help, version or a usage error) and gives the exit code.
pub(super) fn report(error: &clap::Error) -> u8 {
    let wanted = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    // A closed pipe under `--help | head` is no error.
    drop(error.print());
    if wanted { 0 } else { 2 }
}
