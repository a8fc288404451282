//! `leahpm export`: the lock of what is installed, byte for byte.

use std::path::{Path, PathBuf};

use leah_plugin::yaml::{self, MAX_YAML_BYTES};
use serde_json::{Value, json};

use super::{
    context::Context,
    failure::{Failure, Kind},
};
use crate::fs::{self, Access};

/// Print the lock of what is installed
///
/// A lock says which packages are installed, by their hashes and keys, and what each may do. It holds no path, no time
/// and no secret; `leahpm sync` makes another installation equal to it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leahpm export -o leah.lock                           for `leahpm sync leah.lock` on another machine
  leahpm export --json | jq -r '.lock.plugins | keys[]'")]
pub(super) struct ExportArgs {
    /// Write to this file in place of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// The lock of a generation cannot be shown as an object.
#[derive(Debug, thiserror::Error)]
#[error("the lock of generation {number} cannot be read")]
struct Unreadable {
    number: u64,
    source: yaml::YamlError,
}

pub(super) fn run(ctx: &Context, args: &ExportArgs) -> Result<(), Failure> {
    let live = ctx.installed()?;
    let number = live.number();
    let text = fs::read(&ctx.layout.lock_file(number), MAX_YAML_BYTES as u64)?;
    if let Some(file) = &args.output {
        write(ctx, file, &text)?;
    }
    if ctx.ui.json {
        let lock: Value = yaml::from_slice(&text)
            .map_err(|source| Failure::new(Kind::Invalid, Unreadable { number, source }))?;
        let file = args.output.as_deref().map(fs::shown);
        let object =
            json!({ "generation": number, "file": file, "lock": lock, "dry_run": ctx.config.dry_run });
        return ctx.ui.object("export", object);
    }
    if args.output.is_some() { Ok(()) } else { ctx.ui.file(&text) }
}

fn write(ctx: &Context, file: &Path, text: &[u8]) -> Result<(), Failure> {
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::canonical(folder)?;
    }
    if !ctx.config.dry_run {
        fs::replace(file, text, Access::Shared, ctx.config.durability)?;
    }
    let wrote = if ctx.config.dry_run { "Would write" } else { "Wrote" };
    ctx.ui.done(format_args!("{wrote} the lock to `{}`.", fs::shown(file)));
    Ok(())
}
