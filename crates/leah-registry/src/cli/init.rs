//! `leah-registry init`: a new registry with its keys.

use std::path::{Path, PathBuf, absolute};

use leah_plugin::{
    key::{PublicKey, SecretKey},
    name::Origin,
};
use serde::Serialize;

use super::{
    context::{Context, SCHEMA},
    failure::{Failure, Kind},
};
use crate::{
    fs::show,
    init::{NewRegistry, check_folder, init},
    keys,
};

/// Make a new registry
///
/// Makes a root key and an index key unless they are given. The root key vouches for everything: put it
/// where no network reaches it. The index key is needed whenever the registry changes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  leah-registry init ./hub --origin hub --keys ./keys")]
pub(super) struct InitArgs {
    /// Folder of the registry; it may exist, but must be empty
    dir: PathBuf,
    /// Name of the registry
    #[arg(long, value_name = "NAME")]
    origin: Origin,
    /// Folder for new keys [default: DIR with `-keys` behind it]
    #[arg(long, value_name = "DIR")]
    keys: Option<PathBuf>,
    /// Protect new keys with a password
    #[arg(long)]
    protect: bool,
    /// Key file of the root key; a new one is made without it
    #[arg(long, value_name = "FILE")]
    root_key: Option<PathBuf>,
    /// Key file of the index key; a new one is made without it
    #[arg(long, value_name = "FILE", env = "LEAH_REGISTRY_INDEX_KEY")]
    index_key: Option<PathBuf>,
    /// Days after which a head expires; a registry must change or be refreshed within them
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=400))]
    head_days: u64,
}

#[derive(Serialize)]
struct Made<'a> {
    schema: u32,
    origin: &'a Origin,
    root_key: PublicKey,
    index_key: PublicKey,
    key_files: Vec<PathBuf>,
    serial: u64,
    expires: u64,
}

pub(super) fn run(ctx: &Context, args: &InitArgs) -> Result<(), Failure> {
    check_folder(&args.dir)?;
    let folder = keys_folder(args)?;
    let password = if args.protect { Some(ctx.new_password()?) } else { None };
    let mut key_files = Vec::new();
    let mut key = |given: Option<&PathBuf>, name: &str| -> Result<SecretKey, Failure> {
        if let Some(file) = given {
            return ctx.secret_key(file);
        }
        let file = folder.join(format!("{name}.key"));
        let key = keys::generate(&file, name, password.as_deref())?;
        key_files.push(file);
        Ok(key)
    };
    let root_key = key(args.root_key.as_ref(), "root")?;
    let index_key = key(args.index_key.as_ref(), "index")?;
    let new = NewRegistry {
        origin: args.origin.clone(),
        root_key: &root_key,
        index_key: &index_key,
        head_lifetime: args.head_days * 24 * 3600,
        now: ctx.now(),
    };
    let head = init(&args.dir, &new)?;
    let (root_key, index_key) = (root_key.public(), index_key.public());
    let (origin, serial, expires) = (&args.origin, head.serial, head.expires);
    let sentence = sentence(args, &root_key, &key_files);
    ctx.done(&Made { schema: SCHEMA, origin, root_key, index_key, key_files, serial, expires }, &sentence)
}

/// Where new keys go: never into the folder that is going to be published.
fn keys_folder(args: &InitArgs) -> Result<PathBuf, Failure> {
    let folder = args.keys.clone().unwrap_or_else(|| {
        let mut beside = args.dir.components().as_path().as_os_str().to_owned();
        beside.push("-keys");
        beside.into()
    });
    let full = |path: &Path| absolute(path).map_err(|error| Failure::new(Kind::Unexpected, error));
    if full(&folder)?.starts_with(full(&args.dir)?) {
        let text = format!("the keys in `{}` would be published with the registry", show(&folder));
        return Err(Failure::message(Kind::Policy, text).hint("name another folder with `--keys DIR`"));
    }
    Ok(folder)
}

fn sentence(args: &InitArgs, root_key: &PublicKey, key_files: &[PathBuf]) -> String {
    let mut text = format!(
        "Made the registry `{}` in `{}`. Its root key, for users to compare:\n  {root_key}",
        args.origin,
        show(&args.dir)
    );
    for file in key_files {
        text.push_str(&format!("\nNew secret key: {}", show(file)));
    }
    text
}
