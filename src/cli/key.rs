//! `leahpm key`: keys to sign packages with.

use std::path::PathBuf;

use leah_plugin::key::SecretKey;
use serde_json::json;

use super::{
    context::Context,
    failure::{Failure, Kind},
};
use crate::fs::{self, Access};

/// First line of a key file.
const COMMENT: &str = "leahpm secret key";

/// Make keys to sign packages with
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leahpm key generate leah.key                       asks for a password
  leahpm key generate leah.key --without-password    for a machine that signs alone")]
pub(super) struct KeyArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Make a key pair: the secret key in FILE, the public one in FILE with the extension `pub`
    ///
    /// The files are those of minisign; `minisign` can use them, and leahpm can use what it made.
    Generate {
        /// File of the secret key; it must not exist
        file: PathBuf,
        /// Do not protect the secret key with a password
        #[arg(long)]
        without_password: bool,
    },
}

/// A file of that name exists.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is there already")]
struct InTheWay(String);

pub(super) fn run(ctx: &Context, args: &KeyArgs) -> Result<(), Failure> {
    let Action::Generate { file, without_password } = &args.action;
    let public_file = file.with_extension("pub");
    let (key, secret) = if *without_password {
        let key = SecretKey::generate()?;
        let text = key.to_file_text(COMMENT)?;
        (key, text)
    } else {
        SecretKey::generate_protected(COMMENT, &super::sign::new_password(ctx)?)?
    };
    let public = key.public();
    // Looked for before the secret key is written: a half of a pair would be in the way of the next try.
    for file in [file, &public_file] {
        if fs::kind(file)?.is_some() {
            let failure = Failure::new(Kind::Usage, InTheWay(fs::shown(file)));
            return Err(failure.hint("a key is never written over another; name another file"));
        }
    }
    if !ctx.config.dry_run {
        // The secret key first and never over another: a public key without its secret is of no use.
        fs::create_durable(file, secret.as_bytes(), Access::Private)?;
        fs::create_durable(&public_file, public.to_file_text().as_bytes(), Access::Shared)?;
    }
    if ctx.ui.json {
        let object = json!({ "public_key": public, "id": public.id(), "secret_file": file,
            "public_file": public_file, "dry_run": ctx.config.dry_run });
        return ctx.ui.object("key generate", object);
    }
    if ctx.config.dry_run {
        let files = (fs::shown(file), fs::shown(&public_file));
        ctx.ui.done(format_args!("Would write a new key to {} and {}.", files.0, files.1));
        return Ok(());
    }
    ctx.ui.done(format_args!("Secret key in {}; keep a copy where nobody else finds it.", fs::shown(file)));
    ctx.ui.done(format_args!("Public key in {}:", fs::shown(&public_file)));
    ctx.ui.data(public)
}
