//! `leahpm bundle`: a lock and all that it takes to install it, in one file.

use std::path::{Path, PathBuf};

use leah_plugin::{
    lock::{Lock, Locked},
    name::PluginName,
    yaml::MAX_YAML_BYTES,
};
use serde_json::{Value, json};

use super::{
    context::Context,
    failure::{Failure, Kind},
    project, ui,
};
use crate::{apply, bundle::Made, fs, registry::Session};

/// Put a lock and all its packages into one file
///
/// The file is for a machine without network: it holds the lock, the packages with their signatures, and what their
/// registries say of them. `leahpm sync FILE` installs it there and checks every byte as if it came from the registries.
/// The same lock and the same state of the registries give the same file, byte for byte.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leahpm bundle -o set.leah              what is installed here
  leahpm bundle -o set.leah leah.lock    what a lock names; nothing is installed here
  leahpm sync set.leah                   on the other machine

Any tar unpacks it. What is unpacked of a registry is a registry in a folder, with these packages alone.")]
pub(super) struct BundleArgs {
    /// File to write
    #[arg(short, long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    output: PathBuf,
    /// The lock [default: that of what is installed]
    #[arg(value_name = "LOCK", value_hint = clap::ValueHint::FilePath)]
    lock: Option<PathBuf>,
}

/// A bundle cannot go through a pipe: until its last byte was checked there is none.
#[derive(Debug, thiserror::Error)]
#[error("a bundle is written to a file, not to standard output")]
struct NotAFile;

pub(super) fn run(ctx: &Context, args: &BundleArgs) -> Result<(), Failure> {
    if args.output == Path::new("-") {
        return Err(Failure::new(Kind::Usage, NotAFile).hint("`leahpm bundle -o FILE` names one"));
    }
    let (lock, text) = read(ctx, args.lock.as_deref())?;
    let session = ctx.session()?;
    check_known(&session, &lock)?;
    let made = ctx.with_watch("bundle", |watch| {
        ctx.applying(watch, |apply| apply::bundle(apply, &session, (&lock, &text), &args.output))
    })?;
    tell(ctx, args, &lock, made.as_ref())
}

/// The lock, and the bytes that it was read from: a bundle has the very lock, with every comment in it.
fn read(ctx: &Context, path: Option<&Path>) -> Result<(Lock, Vec<u8>), Failure> {
    let Some(path) = path else {
        let live = ctx.installed()?;
        let text = fs::read(&ctx.layout.lock_file(live.number()), MAX_YAML_BYTES as u64)?;
        return Ok((live.lock().clone(), text));
    };
    project::named_lock(path)
}

/// Refuses a lock with registries that were never added: a lock does not vouch for itself, and what is bundled was checked
/// here.
fn check_known(session: &Session, lock: &Lock) -> Result<(), Failure> {
    for (origin, locked) in &lock.registries {
        if let Err(unknown) = session.config(origin) {
            let (place, key) = (locked.url.as_deref().unwrap_or("PLACE"), locked.root_key);
            let hint = format!(
                "if its people confirm that key, `leahpm registry add {origin} {place} --key {key}` adds it"
            );
            return Err(Failure::new(Kind::NotFound, unknown).hint(hint));
        }
    }
    Ok(())
}

fn tell(ctx: &Context, args: &BundleArgs, lock: &Lock, made: Option<&Made>) -> Result<(), Failure> {
    let file = fs::shown(&args.output);
    if ctx.ui.json {
        let plugin = |(name, locked): (&PluginName, &Locked)| json!({ "name": name, "version": locked.version, "registry": locked.registry });
        let plugins: Vec<Value> = lock.plugins.iter().map(plugin).collect();
        let object = json!({ "file": file, "size": made.map(|made| made.size), "sha256": made.map(|made| made.sha256),
            "plugins": plugins, "dry_run": ctx.config.dry_run });
        return ctx.ui.object("bundle", object);
    }
    let plugins = ui::counted(lock.plugins.len(), "plugin");
    match made {
        Some(made) => {
            let size = indicatif::HumanBytes(made.size);
            ctx.ui.done(format_args!("Bundled {plugins} ({size}) into `{file}`."));
        }
        None => ctx.ui.done(format_args!("Would bundle {plugins} into `{file}`.")),
    }
    Ok(())
}
