//! `leah-registry publish`: takes a signed package into the registry.

use std::path::PathBuf;

use leah_plugin::{digest::Digest, key::PublicKey, name::PluginName};
use semver::Version;
use serde::Serialize;

use super::{
    context::{Context, IndexKeyArg, SCHEMA, read_signature},
    failure::Failure,
};
use crate::publish::{Publication, Publisher, publish};

/// Publish a signed package
///
/// The signature stands beside the archive as `.minisig`. Everything is checked as a client checks it. The
/// first version of a name also says who owns it, and the publisher signs that: here with
/// `--publisher-key`, or elsewhere with minisign.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  leah-registry publish ./hub notes-1.0.0.tar.gz --index-key keys/index.key --publisher-key me.key
  leah-registry publish ./hub notes-1.1.0.tar.gz --index-key keys/index.key
  leah-registry publish ./hub new-1.0.0.tar.gz --publisher RW... --owner-signature new.owner.minisig")]
pub(super) struct PublishArgs {
    /// Folder of the registry
    dir: PathBuf,
    /// Archive, named `<name>-<version>.tar.gz`
    package: PathBuf,
    #[command(flatten)]
    index_key: IndexKeyArg,
    /// Key file of the publisher; needed for the first version of a name
    #[arg(long, value_name = "FILE")]
    publisher_key: Option<PathBuf>,
    /// Public key of the publisher, who signed elsewhere that it owns the name
    #[arg(long, value_name = "KEY", requires = "owner_signature", conflicts_with = "publisher_key")]
    publisher: Option<PublicKey>,
    /// Signature of the publisher's first owner line
    #[arg(long, value_name = "FILE", requires = "publisher")]
    owner_signature: Option<PathBuf>,
    /// Take a new name even if it looks like one of somebody else
    #[arg(long)]
    similar_ok: bool,
}

#[derive(Serialize)]
struct Done {
    schema: u32,
    name: PluginName,
    version: Version,
    sha256: Digest,
    key: PublicKey,
    new_name: bool,
    serial: u64,
}

pub(super) fn run(ctx: &Context, args: &PublishArgs) -> Result<(), Failure> {
    let index_key = ctx.secret_key(&args.index_key.index_key)?;
    let publisher_key = args.publisher_key.as_ref().map(|file| ctx.secret_key(file)).transpose()?;
    let publisher = match (&publisher_key, args.publisher, &args.owner_signature) {
        (Some(key), ..) => Some(Publisher::Key(key)),
        (None, Some(key), Some(file)) => Some(Publisher::Signed(key, read_signature(file)?)),
        _ => None,
    };
    let publication = Publication { package: &args.package, publisher, similar_ok: args.similar_ok };
    let done = publish(&args.dir, &index_key, &publication, ctx.now())?;
    let sentence = format!(
        "Published {} {}, signed by key {} (head {})",
        done.name,
        done.version,
        done.key.id(),
        done.serial
    );
    let crate::publish::Published { name, version, sha256, key, new_name, serial } = done;
    ctx.done(&Done { schema: SCHEMA, name, version, sha256, key, new_name, serial }, &sentence)
}
