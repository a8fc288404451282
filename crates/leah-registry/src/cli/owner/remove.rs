//! `leah-registry owner remove`: one key less for a name.

use std::path::PathBuf;

use leah_plugin::key::PublicKey;

use super::{Elsewhere, Place, settle};
use crate::{
    cli::{context::Context, failure::Failure},
    owner::Wish,
};

/// Let keys publish no more under a name
///
/// What they have signed stays good; if a key was stolen, `revoke` it. A present owner signs: here with
/// `--publisher-key`, or on a computer of theirs with minisign. One key must stay.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  leah-registry owner remove ./hub notes RW... --publisher-key me.key --index-key index.key
  leah-registry owner remove ./hub notes RW... --statement notes.owner
  leah-registry owner remove ./hub notes RW... --signature notes.owner.minisig --index-key index.key")]
pub(super) struct RemoveArgs {
    #[command(flatten)]
    place: Place,
    /// Public keys that own the name no more
    #[arg(required = true)]
    key: Vec<PublicKey>,
    /// Key file of a present owner, which signs
    #[arg(long, value_name = "FILE", required_unless_present_any = ["signature", "statement"], conflicts_with_all = ["signature", "statement"])]
    publisher_key: Option<PathBuf>,
    #[command(flatten)]
    elsewhere: Elsewhere,
}

pub(super) fn run(ctx: &Context, args: &RemoveArgs) -> Result<(), Failure> {
    let wish = Wish::Change { add: [].into(), remove: args.key.iter().copied().collect() };
    settle(ctx, &args.place, &wish, (args.publisher_key.as_ref(), &args.elsewhere), "An owner")
}
