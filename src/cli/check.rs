//! `leahpm check`: is this a package that a registry would take?

use std::path::PathBuf;

use leah_plugin::package::{Limits, Package};
use serde_json::json;

use super::{context::Context, failure::Failure};
use crate::{fs, pack};

/// Check a folder or a package
///
/// Applies every rule that a registry and an install apply, and names the place and the rule of what breaks
/// one. Needs no signature and no registry.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  leahpm check ./my-plugin\n  leahpm check my-plugin-1.0.0.tar.gz")]
pub(super) struct CheckArgs {
    /// Folder of a plugin, or a package
    path: PathBuf,
}

pub(super) fn run(ctx: &Context, args: &CheckArgs) -> Result<(), Failure> {
    let limits = Limits::default();
    let archive = match fs::kind(&args.path)? {
        Some(fs::Kind::Folder) => pack::pack(fs::read_folder(&args.path, &Limits::default())?)?.archive,
        _ => fs::read(&args.path, limits.archive)?,
    };
    let package = Package::read(&archive, &limits)?;
    let manifest = package.manifest();
    if ctx.ui.json {
        let object = json!({ "name": manifest.name, "version": manifest.version, "size": archive.len(),
            "content": package.content(), "interface": manifest.interface() });
        return ctx.ui.object("check", object);
    }
    ctx.ui.done(format_args!(
        "{} {} is a valid package: {} files, {} packed.",
        manifest.name,
        manifest.version,
        package.files().count(),
        indicatif::HumanBytes(archive.len() as u64)
    ));
    Ok(())
}
