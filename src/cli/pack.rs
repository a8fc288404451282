//! `leahpm pack`: make a package of a folder.

use std::path::PathBuf;

use leah_plugin::{digest::Digest, package::Limits, signature::archive_file_name};
use serde_json::json;

use super::{context::Context, failure::Failure};
use crate::{
    fs::{self, Access},
    pack,
};

/// Make a package of a folder
///
/// The folder holds plugin.yaml, plugin.wasm and what else belongs to the plugin. A core module is turned into
/// a component. The same files give the same package, byte for byte.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  leahpm pack ./my-plugin\n  leahpm pack ./my-plugin --output dist")]
pub(super) struct PackArgs {
    /// Folder of the plugin
    folder: PathBuf,
    /// Folder to write the package to
    #[arg(long, short, value_name = "DIR", default_value = ".")]
    output: PathBuf,
}

pub(super) fn run(ctx: &Context, args: &PackArgs) -> Result<(), Failure> {
    let files = fs::read_folder(&args.folder, &Limits::default())?;
    let packed = pack::pack(files)?;
    let manifest = &packed.manifest;
    let file = args.output.join(archive_file_name(&manifest.name, &manifest.version));
    if !ctx.config.dry_run {
        fs::create_folders(&args.output)?;
        fs::replace(&file, &packed.archive, Access::Shared, ctx.config.durability)?;
    }
    let (size, sha256) = (packed.archive.len() as u64, Digest::of(&packed.archive));
    if ctx.ui.json {
        let object = json!({ "name": manifest.name, "version": manifest.version, "file": file, "size": size,
            "sha256": sha256, "content": packed.content, "dry_run": ctx.config.dry_run });
        return ctx.ui.object("pack", object);
    }
    let packed_up = if ctx.config.dry_run { "Would pack" } else { "Packed" };
    ctx.ui.done(format_args!(
        "{packed_up} {} {} ({}): {}",
        manifest.name,
        manifest.version,
        indicatif::HumanBytes(size),
        fs::shown(&file)
    ));
    Ok(())
}
