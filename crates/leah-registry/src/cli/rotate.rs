//! `leah-registry rotate`: renews or replaces the keys of a registry.

use std::path::{Path, PathBuf};

use leah_plugin::{
    key::{PublicKey, SecretKey},
    name::PluginName,
};
use serde::Serialize;

use super::{
    context::{Context, SCHEMA},
    failure::Failure,
};
use crate::{
    fs::{is_there, show},
    init::ROOT_LIFETIME,
    keys,
    rotate::{Epoch, Key, NewRoot, Rotated, Rotation},
};

const DAY: u64 = 24 * 3600;

/// Renew the root, or replace a key of the registry
///
/// Signs the next root with the root key, then a head with the index key. A key file that is not there yet is
/// made. If the index key was stolen, look through the registry first (`check`, or put back a copy), then
/// name a new one together with `--new-epoch`. When it is interrupted, run it again.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  leah-registry rotate ./hub --root-key root.key --index-key index.key
  leah-registry rotate ./hub --root-key root.key --new-index-key index-2.key
  leah-registry rotate ./hub --root-key root.key --new-index-key index-2.key --new-epoch
  leah-registry rotate ./hub --root-key root.key --new-root-key root-2.key --index-key index.key")]
pub(super) struct RotateArgs {
    /// Folder of the registry
    dir: PathBuf,
    /// Key file of the root key in force
    #[arg(long, value_name = "FILE")]
    root_key: PathBuf,
    /// Key file of the index key, if it stays
    #[arg(
        long,
        value_name = "FILE",
        env = "LEAH_REGISTRY_INDEX_KEY",
        required_unless_present = "new_index_key"
    )]
    index_key: Option<PathBuf>,
    /// Key file of a new index key, in place of the one before
    #[arg(long, value_name = "FILE")]
    new_index_key: Option<PathBuf>,
    /// Key file of a new root key, to which the registry is handed over
    #[arg(long, value_name = "FILE")]
    new_root_key: Option<PathBuf>,
    /// Let no head count that was signed before: the index key was stolen, or an old state was put back
    #[arg(long)]
    new_epoch: bool,
    /// Protect new keys with a password
    #[arg(long)]
    protect: bool,
    /// Days after which a head expires [default: as before]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=400))]
    head_days: Option<u64>,
    /// Days after which the root expires
    #[arg(long, value_name = "N", default_value_t = ROOT_LIFETIME / DAY, value_parser = clap::value_parser!(u64).range(1..=36_500))]
    expires_days: u64,
}

#[derive(Serialize)]
struct Done<'a> {
    schema: u32,
    roots: &'a [u64],
    root_key: PublicKey,
    index_key: PublicKey,
    key_files: &'a [PathBuf],
    root_expires: u64,
    epoch: u64,
    serial: u64,
    expires: u64,
    confirmed: &'a [PluginName],
}

pub(super) fn run(ctx: &Context, args: &RotateArgs) -> Result<(), Failure> {
    let files = [Some(&args.root_key), args.index_key.as_ref(), args.new_index_key.as_ref()];
    for file in files.into_iter().chain([args.new_root_key.as_ref()]).flatten() {
        keys::check_outside(file, &args.dir)?;
    }
    let root_key = ctx.secret_key(&args.root_key)?;
    let rotation = Rotation::begin(&args.dir, ctx.now())?;
    // No new keys for a change that cannot be made.
    rotation.expect_root_key(&root_key.public())?;
    let mut new_keys = NewKeys { ctx, protect: args.protect, password: None, files: Vec::new() };
    let new_root_key = args.new_root_key.as_deref().map(|file| new_keys.key(file, "root")).transpose()?;
    let index_key = match (&args.new_index_key, &args.index_key) {
        (Some(file), _) => new_keys.key(file, "index")?,
        (None, file) => ctx.secret_key(file.as_ref().expect("the command line demands one of the two"))?,
    };
    let renewed = args.new_index_key.is_some();
    let rotated = rotation.run(&NewRoot {
        root_key: &root_key,
        new_root_key: new_root_key.as_ref(),
        index_key: if renewed { Key::New(&index_key) } else { Key::Keep(&index_key) },
        epoch: if args.new_epoch { Epoch::New } else { Epoch::Keep },
        head_lifetime: args.head_days.map(|days| days * DAY),
        lifetime: args.expires_days * DAY,
    })?;
    report(ctx, args, &rotated, &new_keys.files)
}

/// Key files that are read, or made where they are not there yet.
struct NewKeys<'a> {
    ctx: &'a Context,
    protect: bool,
    password: Option<String>,
    files: Vec<PathBuf>,
}

impl NewKeys<'_> {
    /// An interrupted run has made the file already, and the next one takes it.
    fn key(&mut self, file: &Path, name: &str) -> Result<SecretKey, Failure> {
        if is_there(file)? {
            return self.ctx.secret_key(file);
        }
        if self.protect && self.password.is_none() {
            self.password = Some(self.ctx.new_password()?);
        }
        let key = keys::generate(file, name, self.password.as_deref())?;
        self.files.push(file.to_owned());
        Ok(key)
    }
}

fn report(ctx: &Context, args: &RotateArgs, rotated: &Rotated, key_files: &[PathBuf]) -> Result<(), Failure> {
    let Rotated { roots, root, head, confirmed } = rotated;
    let days = root.expires.saturating_sub(ctx.now()) / DAY;
    let serials = roots.iter().map(u64::to_string).collect::<Vec<_>>().join(" and ");
    let mut text = format!("Signed root {serials}, which lasts {days} days, and head {}", head.serial);
    if args.new_epoch {
        text.push_str(&format!("\nHeads from before epoch {} count no more", root.epoch));
    }
    if args.new_index_key.is_some() {
        text.push_str(&format!("\nThe index key is now {}", root.index_key));
    }
    if args.new_root_key.is_some() {
        let key = root.next_root_key;
        text.push_str(&format!("\nThe root key, for users to compare, is now\n  {key}"));
    }
    for name in confirmed {
        text.push_str(&format!("\nConfirmed the owner of {name}, whom an earlier root key had named"));
    }
    for file in key_files {
        text.push_str(&format!("\nNew secret key: {}", show(file)));
    }
    let done = Done {
        schema: SCHEMA,
        roots,
        root_key: root.next_root_key,
        index_key: root.index_key,
        key_files,
        root_expires: root.expires,
        epoch: root.epoch,
        serial: head.serial,
        expires: head.expires,
        confirmed,
    };
    ctx.done(&done, &text)
}
