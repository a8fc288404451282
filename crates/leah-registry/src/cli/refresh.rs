//! `leah-registry refresh`: a new head before the old one expires.

use std::path::PathBuf;

use serde::Serialize;

use super::{
    context::{Context, IndexKeyArg, SCHEMA},
    failure::Failure,
};
use crate::refresh::refresh;

/// Sign a new head with a new expiry
///
/// Clients take no news from a head that has expired, so a registry in which nothing happens is refreshed
/// in time. Merges the segments of the catalog into one.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  leah-registry refresh ./hub --index-key keys/index.key")]
pub(super) struct RefreshArgs {
    /// Folder of the registry
    dir: PathBuf,
    #[command(flatten)]
    index_key: IndexKeyArg,
}

#[derive(Serialize)]
struct Refreshed {
    schema: u32,
    serial: u64,
    expires: u64,
}

pub(super) fn run(ctx: &Context, args: &RefreshArgs) -> Result<(), Failure> {
    let index_key = ctx.secret_key(&args.index_key.index_key)?;
    let head = refresh(&args.dir, &index_key, ctx.now())?;
    let days = head.expires.saturating_sub(ctx.now()) / (24 * 3600);
    let sentence = format!("Signed head {}, which lasts {days} days", head.serial);
    ctx.done(&Refreshed { schema: SCHEMA, serial: head.serial, expires: head.expires }, &sentence)
}
