//! `leah-registry serve`: the registry over HTTP, for development.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::mpsc,
};

use leah_plugin::{key::PublicKey, name::Origin};
use serde::Serialize;

use super::{
    context::{Context, SCHEMA},
    failure::{Failure, Kind},
};
use crate::{registry::Registry, serve::Server};

/// Serve a registry to this machine
///
/// For development: only programs on this machine can connect. What others shall use is served by a real
/// web server; the folder needs nothing but one that serves files. Ends with Ctrl-C.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  leah-registry serve ./hub --port 8787")]
pub(super) struct ServeArgs {
    /// Folder of the registry
    dir: PathBuf,
    /// Port at 127.0.0.1; 0 takes any that is free
    #[arg(long, value_name = "N", default_value_t = 8787)]
    port: u16,
}

#[derive(Serialize)]
struct Serving<'a> {
    schema: u32,
    origin: &'a Origin,
    url: &'a str,
    root_key: PublicKey,
}

pub(super) fn run(ctx: &Context, args: &ServeArgs) -> Result<(), Failure> {
    let registry = Registry::open(&args.dir, None, ctx.now())?;
    let (stop, stopped) = mpsc::channel();
    // When the receiver is gone, the program is ending anyway.
    ctrlc::set_handler(move || {
        let _ = stop.send(());
    })
    .map_err(|error| Failure::new(Kind::Unexpected, error))?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
    let server = Server::start(args.dir.clone(), address)?;
    let (origin, url, root_key) = (registry.origin(), server.url(), *registry.root_key());
    let sentence = format!(
        "Serving `{origin}` at {url} until Ctrl-C. To use it:\n  leahpm registry add {origin} {url} --key {root_key}"
    );
    ctx.done(&Serving { schema: SCHEMA, origin, url: &url, root_key }, &sentence)?;
    // The handler, which holds the other end, lives as long as the program.
    stopped.recv().map_err(|error| Failure::new(Kind::Unexpected, error))
}
