//! `leahpm cache`: what was fetched once and is kept.

use serde_json::json;

use super::{context::Context, failure::Failure, ui};
use crate::fs::{self, Measure};

/// Show or empty the cache
///
/// The cache holds what registries on the network sent: parts of their indexes, and packages. It can be emptied at any
/// time; what is installed does not depend on it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  leahpm cache info\n  leahpm cache clean")]
pub(super) struct CacheArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Show where the cache is and how large
    Info,
    /// Remove all that is in it
    Clean,
}

pub(super) fn run(ctx: &Context, args: &CacheArgs) -> Result<(), Failure> {
    let cache = &ctx.config.network.cache;
    let mut all = Measure::default();
    for folder in cache.folders() {
        if fs::kind(&folder)?.is_none() {
            continue;
        }
        let Measure { files, bytes } = fs::measure(&folder)?;
        all.files += files;
        all.bytes += bytes;
        if matches!(args.action, Action::Clean) && !ctx.config.dry_run {
            fs::remove_tree(&folder)?;
        }
    }
    let (folder, Measure { files, bytes }) = (fs::shown(cache.folder()), all);
    let size = indicatif::HumanBytes(bytes);
    match args.action {
        Action::Info if ctx.ui.json => {
            ctx.ui.object("cache info", json!({ "folder": folder, "files": files, "bytes": bytes }))
        }
        Action::Info => ctx.ui.data(format_args!("folder  {folder}\nfiles   {files}\nsize    {size}")),
        Action::Clean if ctx.ui.json => {
            let dry_run = ctx.config.dry_run;
            ctx.ui.object("cache clean", json!({ "files": files, "bytes": bytes, "dry_run": dry_run }))
        }
        Action::Clean => {
            let removed = if ctx.config.dry_run { "Would remove" } else { "Removed" };
            ctx.ui.done(format_args!(
                "{removed} {} ({size}).",
                ui::counted(usize::try_from(files).unwrap_or(usize::MAX), "file")
            ));
            Ok(())
        }
    }
}
