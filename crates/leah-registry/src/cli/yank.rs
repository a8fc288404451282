//! `leah-registry yank`: withdraws a version.

use std::path::PathBuf;

use leah_plugin::name::PluginName;
use semver::Version;
use serde::Serialize;

use super::{
    context::{Context, IndexKeyArg, SCHEMA},
    failure::Failure,
};
use crate::yank::{Word, say};

/// Withdraw a version
///
/// Nobody gets it any more but those who have it locked. The archive stays where it is.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  leah-registry yank ./hub notes 1.0.0 --reason \"loses notes\"")]
pub(super) struct YankArgs {
    /// Folder of the registry
    dir: PathBuf,
    /// Name of the plugin
    name: PluginName,
    /// Version of the plugin
    version: Version,
    #[command(flatten)]
    index_key: IndexKeyArg,
    /// Why, in one line that users get to see
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// What `yank` and `unyank` have done.
#[derive(Serialize)]
pub(super) struct Said<'a> {
    pub(super) schema: u32,
    pub(super) name: &'a PluginName,
    pub(super) version: &'a Version,
    pub(super) changed: bool,
    pub(super) serial: Option<u64>,
}

pub(super) fn run(ctx: &Context, args: &YankArgs) -> Result<(), Failure> {
    let (name, version) = (&args.name, &args.version);
    let index_key = ctx.secret_key(&args.index_key.index_key)?;
    let word = Word::Yank { reason: args.reason.clone() };
    let head = say(&args.dir, &index_key, (name, version), word, ctx.now())?;
    let sentence = match &head {
        Some(head) => format!("Yanked {name} {version} (head {})", head.serial),
        None => format!("{name} {version} was yanked already"),
    };
    let serial = head.map(|head| head.serial);
    ctx.done(&Said { schema: SCHEMA, name, version, changed: serial.is_some(), serial }, &sentence)
}
