//! `leah-registry unyank`: offers a withdrawn version again.

use std::path::PathBuf;

use leah_plugin::name::PluginName;
use semver::Version;

use super::{
    context::{Context, IndexKeyArg, SCHEMA},
    failure::Failure,
    yank::Said,
};
use crate::yank::{Word, say};

/// Offer a withdrawn version again
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  leah-registry unyank ./hub notes 1.0.0")]
pub(super) struct UnyankArgs {
    /// Folder of the registry
    dir: PathBuf,
    /// Name of the plugin
    name: PluginName,
    /// Version of the plugin
    version: Version,
    #[command(flatten)]
    index_key: IndexKeyArg,
}

pub(super) fn run(ctx: &Context, args: &UnyankArgs) -> Result<(), Failure> {
    let (name, version) = (&args.name, &args.version);
    let index_key = ctx.secret_key(&args.index_key.index_key)?;
    let head = say(&args.dir, &index_key, (name, version), Word::Unyank, ctx.now())?;
    let sentence = match &head {
        Some(head) => format!("Offered {name} {version} again (head {})", head.serial),
        None => format!("{name} {version} was not yanked"),
    };
    let serial = head.map(|head| head.serial);
    ctx.done(&Said { schema: SCHEMA, name, version, changed: serial.is_some(), serial }, &sentence)
}
