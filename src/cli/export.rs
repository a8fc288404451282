//! `leahpm export`: the lock of what is installed, byte for byte, or the wish list that it fulfils.

use std::path::{Path, PathBuf};

use leah_plugin::{
    lock::Lock,
    yaml::{self, MAX_YAML_BYTES, YamlError},
};
use serde_json::{Value, json};

use super::{
    context::Context,
    failure::{Failure, Kind},
};
use crate::{
    fs::{self, Access},
    wishes::Wishes,
};

/// Print the lock of what is installed, or the wishes behind it
///
/// A lock says which packages are installed, by their hashes and keys, and what each may do. It holds no path, no time
/// and no secret; `leahpm sync` makes another installation equal to it. With `--wishes` a wish list is printed, from which
/// `leahpm lock` makes a lock: what was asked for, with what it may do.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leahpm export -o leah.lock                           for `leahpm sync` on another machine
  leahpm export --wishes -o plugins.yaml               to begin a project with what is installed
  leahpm export --json | jq -r '.lock.plugins | keys[]'")]
pub(super) struct ExportArgs {
    /// Write to this file in place of standard output
    #[arg(short, long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    output: Option<PathBuf>,
    /// Print a wish list in place of the lock
    #[arg(long)]
    wishes: bool,
}

/// A text cannot be written, or not be shown as an object.
#[derive(Debug, thiserror::Error)]
#[error("cannot show the {what} of generation {number}")]
struct Unshown {
    what: &'static str,
    number: u64,
    source: YamlError,
}

/// A file is to be replaced by the text, and something else is there: a device, a pipe, or a link to who knows what.
#[derive(Debug, thiserror::Error)]
#[error("there is something else than a file at `{}`", fs::shown(.0))]
struct Occupied(PathBuf);

/// What people wrote is not replaced; neither is what is no lock by one.
#[derive(Debug, thiserror::Error)]
#[error("`{}` is there already, and {why}", fs::shown(file))]
struct InTheWay {
    file: PathBuf,
    why: &'static str,
}

pub(super) fn run(ctx: &Context, args: &ExportArgs) -> Result<(), Failure> {
    let live = ctx.installed()?;
    let number = live.number();
    let what = if args.wishes { "wishes" } else { "lock" };
    let unshown = |source| Failure::new(Kind::Invalid, Unshown { what, number, source });
    let text = if args.wishes {
        Wishes::of(live.lock()).to_text().map_err(unshown)?.into_bytes()
    } else {
        fs::read(&ctx.layout.lock_file(number), MAX_YAML_BYTES as u64)?
    };
    if let Some(file) = &args.output {
        write(ctx, what, file, &text)?;
    }
    if ctx.ui.json {
        let value: Value = yaml::from_slice(&text).map_err(unshown)?;
        let file = args.output.as_deref().map(fs::shown);
        let mut object = json!({ "generation": number, "file": file, "dry_run": ctx.config.dry_run });
        object[what] = value;
        return ctx.ui.object("export", object);
    }
    if args.output.is_some() { Ok(()) } else { ctx.ui.file(&text) }
}

fn write(ctx: &Context, what: &str, file: &Path, text: &[u8]) -> Result<(), Failure> {
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::canonical(folder)?;
    }
    if fs::kind(file)?.is_some_and(|kind| kind != fs::Kind::File) {
        return Err(Failure::new(Kind::Refused, Occupied(file.to_owned()))
            .hint("without `-o` the text goes to standard output"));
    }
    if let Some(there) = fs::read_if_any(file, MAX_YAML_BYTES as u64)?
        && let Some(why) = worth_keeping(what, &there, text)
    {
        let hint = format!("`{} > FILE` writes it to a file that you choose", without_output(what));
        return Err(Failure::new(Kind::Refused, InTheWay { file: file.to_owned(), why }).hint(hint));
    }
    if !ctx.config.dry_run {
        fs::replace(file, text, Access::Shared, ctx.config.durability)?;
    }
    let wrote = if ctx.config.dry_run { "Would write" } else { "Wrote" };
    ctx.ui.done(format_args!("{wrote} the {what} to `{}`.", fs::shown(file)));
    Ok(())
}

/// Why what is there must stay, if so. A lock comes from leahpm, and another one may take its place.
fn worth_keeping(what: &str, there: &[u8], text: &[u8]) -> Option<&'static str> {
    match what {
        _ if there == text => None,
        "lock" => Lock::read(there).is_err().then_some("it is no lock"),
        _ => Some("somebody may have written it"),
    }
}

fn without_output(what: &str) -> &'static str {
    if what == "lock" { "leahpm export" } else { "leahpm export --wishes" }
}
