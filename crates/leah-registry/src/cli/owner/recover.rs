//! `leah-registry owner recover`: new keys for a name whose keys are lost.

use std::path::PathBuf;

use leah_plugin::key::PublicKey;

use super::{Elsewhere, Place, settle};
use crate::{
    cli::{context::Context, failure::Failure},
    owner::Wish,
};

/// Give a name whose keys are lost or stolen to new keys
///
/// The root key signs, here or where it is kept. Users are shown the change, so make sure who asks for it. If
/// the old keys were stolen, `revoke` them as well.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  leah-registry owner recover ./hub notes --root-key root.key --new-key RW... --index-key index.key
  leah-registry owner recover ./hub notes --new-key RW... --statement notes.owner
  leah-registry owner recover ./hub notes --new-key RW... --signature notes.owner.minisig --index-key index.key")]
pub(super) struct RecoverArgs {
    #[command(flatten)]
    place: Place,
    /// Public key that owns the name from now on; may be given several times
    #[arg(long, value_name = "KEY", required = true)]
    new_key: Vec<PublicKey>,
    /// Key file of the root key in force, which signs
    #[arg(long, value_name = "FILE", required_unless_present_any = ["signature", "statement"], conflicts_with_all = ["signature", "statement"])]
    root_key: Option<PathBuf>,
    #[command(flatten)]
    elsewhere: Elsewhere,
}

pub(super) fn run(ctx: &Context, args: &RecoverArgs) -> Result<(), Failure> {
    let wish = Wish::Recover(args.new_key.iter().copied().collect());
    settle(ctx, &args.place, &wish, (args.root_key.as_ref(), &args.elsewhere), "Who has the root key")
}
