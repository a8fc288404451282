//! The way to the host that runs.

use std::{path::PathBuf, time::Duration};

use leah_home::{fs::shown, place};
use leah_plugin::message::HelloResult;
use leah_socket::Client;

use super::{
    args::PlaceArgs,
    failure::{Failure, Kind},
};

/// How long a host may take to say what it knows.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// Nobody serves the home.
#[derive(Debug, thiserror::Error)]
#[error("no host serves `{}`", shown(.0))]
struct NotRunning(PathBuf);

/// A host that answered.
pub(super) struct Connected {
    pub(super) client: Client,
    pub(super) hello: HelloResult,
    pub(super) socket: PathBuf,
}

/// Connects to the host of the home that is meant.
pub(super) fn connect(place: &PlaceArgs) -> Result<Connected, Failure> {
    let home = place.home()?;
    let nobody = || {
        Failure::new(Kind::NotFound, NotRunning(home.home().to_owned())).hint("start one: `leah-host serve`")
    };
    let socket = match place::socket(&home) {
        Err(error) if error.is_not_found() => return Err(nobody()),
        socket => socket?,
    };
    let mut client = Client::connect(&socket)?.ok_or_else(nobody)?;
    let hello = client.hello(concat!("leah-host ", env!("CARGO_PKG_VERSION")), PATIENCE)?;
    Ok(Connected { client, hello, socket })
}
