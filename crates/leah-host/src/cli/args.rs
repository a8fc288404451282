//! The flags that say which home is meant. They mean the same as those of leahpm.

use std::{ffi::OsString, path::PathBuf};

use clap::builder::OsStringValueParser;
use leah_home::place;
use leah_plugin::layout::{CacheLayout, Layout};

use super::failure::{Failure, Kind};

/// Flags of every command.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct PlaceArgs {
    /// Folder of plugins, settings and store [default: the platform's data folder]
    #[arg(long, global = true, env = "LEAH_HOME", value_name = "DIR", hide_env = true,
        value_parser = OsStringValueParser::new())]
    home: Option<OsString>,
    /// Folder of what can be made anew [default: the platform's cache folder]
    #[arg(long, global = true, env = "LEAH_CACHE", value_name = "DIR", hide_env = true,
        value_parser = OsStringValueParser::new())]
    cache: Option<OsString>,
}

/// The system names no home folder for the user.
#[derive(Debug, thiserror::Error)]
#[error("cannot tell where plugins belong: this system names no home folder for the user")]
struct NoHome;

impl PlaceArgs {
    /// The home that is meant.
    pub(super) fn home(&self) -> Result<Layout, Failure> {
        let home = given(self.home.as_ref()).or_else(place::default_home).ok_or_else(no_home)?;
        // A path that stays the same for the child that compiles, and in what is told.
        Ok(Layout::new(std::path::absolute(home).map_err(|_| no_home())?))
    }

    /// The cache that is meant.
    pub(super) fn cache(&self, home: &Layout) -> CacheLayout {
        CacheLayout::new(given(self.cache.as_ref()).unwrap_or_else(|| place::default_cache(home.home())))
    }
}

fn no_home() -> Failure {
    Failure::new(Kind::Unexpected, NoHome).hint("name a folder with `--home DIR`, or set `LEAH_HOME`")
}

/// An empty variable is as good as none.
fn given(value: Option<&OsString>) -> Option<PathBuf> {
    value.filter(|value| !value.is_empty()).map(Into::into)
}
