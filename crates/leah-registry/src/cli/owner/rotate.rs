//! `leah-registry owner rotate`: a new key in place of an old one.

use std::path::PathBuf;

use leah_plugin::key::PublicKey;

use super::{Elsewhere, Place, settle};
use crate::{
    cli::{context::Context, failure::Failure},
    owner::Wish,
};

/// Put a new key in place of an old one
///
/// The same as `add` and `remove` in one change. What the old key has signed stays good. A present owner
/// signs, which may be the old key: here with `--publisher-key`, or elsewhere with minisign.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  leah-registry owner rotate ./hub notes RW-OLD... RW-NEW... --publisher-key old.key --index-key index.key
  leah-registry owner rotate ./hub notes RW-OLD... RW-NEW... --statement notes.owner")]
pub(super) struct RotateArgs {
    #[command(flatten)]
    place: Place,
    /// Public key that owns the name no more
    old: PublicKey,
    /// Public key that owns it from now on
    new: PublicKey,
    /// Key file of a present owner, which signs
    #[arg(long, value_name = "FILE", required_unless_present_any = ["signature", "statement"], conflicts_with_all = ["signature", "statement"])]
    publisher_key: Option<PathBuf>,
    #[command(flatten)]
    elsewhere: Elsewhere,
}

pub(super) fn run(ctx: &Context, args: &RotateArgs) -> Result<(), Failure> {
    let wish = Wish::Change { add: [args.new].into(), remove: [args.old].into() };
    settle(ctx, &args.place, &wish, (args.publisher_key.as_ref(), &args.elsewhere), "An owner")
}
