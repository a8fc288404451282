//! `leah-registry revoke`: a publisher's key that was stolen.

use std::path::PathBuf;

use leah_plugin::{key::PublicKey, name::PluginName};
use semver::Version;
use serde::Serialize;

use super::{
    context::{Context, IndexKeyArg, SCHEMA},
    failure::Failure,
};
use crate::revoke::{Revoked, revoke};

/// Revoke a publisher's key that was stolen
///
/// Clients refuse what it signed from that head on, installed or not, and it signs nothing more under this
/// name. It is never taken back. `owner list` shows which head brought which version.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  leah-registry revoke ./hub notes RW... --index-key index.key
  leah-registry revoke ./hub notes RW... --from 17 --index-key index.key")]
pub(super) struct RevokeArgs {
    /// Folder of the registry
    dir: PathBuf,
    /// Name of the plugin
    name: PluginName,
    /// Public key that was stolen
    key: PublicKey,
    #[command(flatten)]
    index_key: IndexKeyArg,
    /// Serial of the first head whose versions are refused [default: the next, so that all that is there stays]
    #[arg(long, value_name = "SERIAL")]
    from: Option<u64>,
}

#[derive(Serialize)]
struct Done<'a> {
    schema: u32,
    name: &'a PluginName,
    key: PublicKey,
    from: u64,
    refused: &'a [Version],
    ownerless: bool,
    changed: bool,
    serial: Option<u64>,
}

pub(super) fn run(ctx: &Context, args: &RevokeArgs) -> Result<(), Failure> {
    let (name, key) = (&args.name, args.key);
    let index_key = ctx.secret_key(&args.index_key.index_key)?;
    let revoked = revoke(&args.dir, &index_key, (name, &key), args.from, ctx.now())?;
    let sentence = sentence(args, &revoked);
    let Revoked { from, refused, ownerless, head } = revoked;
    let serial = head.map(|head| head.serial);
    let (refused, changed) = (&refused[..], serial.is_some());
    ctx.done(&Done { schema: SCHEMA, name, key, from, refused, ownerless, changed, serial }, &sentence)
}

fn sentence(args: &RevokeArgs, revoked: &Revoked) -> String {
    let (name, id, from) = (&args.name, args.key.id(), revoked.from);
    let mut text = match &revoked.head {
        Some(head) => format!("Revoked key {id} for {name} from head {from} on (head {})", head.serial),
        None => format!("Key {id} was revoked for {name} from head {from} on already"),
    };
    if !revoked.refused.is_empty() {
        let versions = revoked.refused.iter().map(Version::to_string).collect::<Vec<_>>();
        text.push_str(&format!("\nRefused from now on: {}", versions.join(", ")));
    }
    if revoked.ownerless {
        text.push_str(&format!(
            "\nNo key is left for {name}; `leah-registry owner recover` gives it a new one"
        ));
    }
    text
}
