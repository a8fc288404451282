//! `leah-registry mirror`: a verified copy of a registry.

use std::path::PathBuf;

use leah_http::Problem;
use leah_plugin::{key::PublicKey, name::Origin};
use serde::Serialize;

use super::{
    context::{Context, SCHEMA, TOKEN_VARIABLE},
    failure::{Failure, Kind, of_file, of_registry},
};
use crate::{
    fs::show,
    mirror::{self, MirrorError, Mirrored, Order, Place, Source},
};

/// Copy a registry, or bring a copy up to date
///
/// Everything is verified from the root key down before it is written: roots, head, records, archives with
/// their signatures, the catalog. Only what is missing is fetched. A copy never goes back to an older state,
/// and one that was interrupted goes on where it was. Users add a copy with `registry add --mirror`. The token
/// of a private registry comes from `LEAH_REGISTRY_TOKEN`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  leah-registry mirror https://plugins.example.org ./copy --key RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3
  leah-registry mirror https://plugins.example.org ./copy --prune")]
pub(super) struct MirrorArgs {
    /// The registry: a URL, or a folder
    #[arg(value_name = "FROM")]
    from: Place,
    /// Folder of the copy; it is made if it is not there
    dir: PathBuf,
    /// Root key to begin with [default: the one in the copy]
    #[arg(long, value_name = "KEY")]
    key: Option<PublicKey>,
    /// Remove objects and packages that the registry no longer names
    #[arg(long)]
    prune: bool,
}

#[derive(Serialize)]
struct Done<'a> {
    schema: u32,
    origin: &'a Origin,
    epoch: u64,
    serial: u64,
    plugins: u64,
    versions: u64,
    newer_versions: u64,
    fetched_files: u64,
    fetched_bytes: u64,
    unreferenced: usize,
    pruned: bool,
    expired: bool,
}

pub(super) fn run(ctx: &Context, args: &MirrorArgs) -> Result<(), Failure> {
    let source = Source::new(args.from.clone(), ctx.token()?);
    let key = match args.key {
        Some(key) => key,
        None => mirror::key_of_copy(&args.dir)?.map_or_else(|| Err(key_needed(&source, args)), Ok)?,
    };
    let order = Order { source: &source, folder: &args.dir, key: &key, prune: args.prune, now: ctx.now() };
    let done = mirror::mirror(&order)?;
    let Mirrored { origin, head, tally, unreferenced } = &done;
    let value = Done {
        schema: SCHEMA,
        origin,
        epoch: head.epoch,
        serial: head.serial,
        plugins: tally.plugins,
        versions: tally.versions,
        newer_versions: tally.newer,
        fetched_files: tally.files,
        fetched_bytes: tally.bytes,
        unreferenced: unreferenced.len(),
        pruned: args.prune,
        expired: head.is_expired(ctx.now()),
    };
    ctx.done(&value, &sentence(&done, args, value.expired))
}

fn sentence(done: &Mirrored, args: &MirrorArgs, expired: bool) -> String {
    let Mirrored { origin, head, tally, unreferenced } = done;
    let mut text = format!(
        "`{}` is a copy of `{origin}`, head {}: {} plugins, {} versions; fetched {} files, {} bytes",
        show(&args.dir),
        head.serial,
        tally.plugins,
        tally.versions,
        tally.files,
        tally.bytes
    );
    match (unreferenced.len(), args.prune) {
        (0, _) => {}
        (count, true) => text.push_str(&format!("\nRemoved {count} files that it no longer names")),
        (count, false) => {
            text.push_str(&format!("\n{count} files are no longer named; `--prune` removes them"));
        }
    }
    if tally.newer > 0 {
        let newer = tally.newer;
        text.push_str(&format!("\nNot copied, since they need a newer leah-registry: {newer} versions"));
    }
    if expired {
        text.push_str("\nThe head has expired: clients take no new versions from it");
    }
    text
}

/// The registry itself is no witness of its key; a person has to compare it.
fn key_needed(source: &Source, args: &MirrorArgs) -> Failure {
    let key = match mirror::shown_key(source) {
        Ok(key) => key,
        Err(error) => return error.into(),
    };
    let text =
        format!("the root key of the registry at `{source}` is not known; it shows {} (`{key}`)", key.id());
    Failure::message(Kind::Consent, text).hint(format!(
        "compare it with what its people say elsewhere, then run `leah-registry mirror {source} {} --key {key}`",
        show(&args.dir)
    ))
}

impl From<MirrorError> for Failure {
    fn from(error: MirrorError) -> Self {
        let kind = match &error {
            MirrorError::Registry(error) => of_registry(error),
            MirrorError::File(error) if error.is_too_large() => Kind::Trust,
            MirrorError::File(error) => of_file(error),
            MirrorError::Http(error) if error.is_denied() => Kind::Authentication,
            MirrorError::Http(error) if matches!(error.source, Problem::TooLarge { .. }) => Kind::Trust,
            MirrorError::Http(_) => Kind::Network,
            MirrorError::NoRegistry(_) => Kind::NotFound,
            MirrorError::NotACopy { .. } => Kind::Policy,
            MirrorError::Missing(_)
            | MirrorError::ShownKey(_)
            | MirrorError::Archive { .. }
            | MirrorError::Signature { .. }
            | MirrorError::OtherRoot { .. }
            | MirrorError::OtherHead
            | MirrorError::Older { .. }
            | MirrorError::Equivocation(_)
            | MirrorError::Shortened(_) => Kind::Trust,
        };
        let failure = Self::new(kind, error);
        match kind {
            Kind::Authentication => {
                failure.hint(format!("set `{TOKEN_VARIABLE}` to a token for that registry"))
            }
            _ => failure,
        }
    }
}
