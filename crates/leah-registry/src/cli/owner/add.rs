//! `leah-registry owner add`: one more key for a name.

use std::path::PathBuf;

use leah_plugin::key::PublicKey;

use super::{Elsewhere, Place, settle};
use crate::{
    cli::{context::Context, failure::Failure},
    owner::Wish,
};

/// Let more keys publish under a name
///
/// A present owner signs: here with `--publisher-key`, or on a computer of theirs with minisign.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  leah-registry owner add ./hub notes RW... --publisher-key me.key --index-key index.key
  leah-registry owner add ./hub notes RW... --statement notes.owner
  leah-registry owner add ./hub notes RW... --signature notes.owner.minisig --index-key index.key")]
pub(super) struct AddArgs {
    #[command(flatten)]
    place: Place,
    /// Public keys that own the name as well
    #[arg(required = true)]
    key: Vec<PublicKey>,
    /// Key file of a present owner, which signs
    #[arg(long, value_name = "FILE", required_unless_present_any = ["signature", "statement"], conflicts_with_all = ["signature", "statement"])]
    publisher_key: Option<PathBuf>,
    #[command(flatten)]
    elsewhere: Elsewhere,
}

pub(super) fn run(ctx: &Context, args: &AddArgs) -> Result<(), Failure> {
    let wish = Wish::Change { add: args.key.iter().copied().collect(), remove: [].into() };
    settle(ctx, &args.place, &wish, (args.publisher_key.as_ref(), &args.elsewhere), "An owner")
}
