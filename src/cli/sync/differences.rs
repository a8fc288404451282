//! `sync --check`: how the installation differs from a lock. Opens no registry and writes nothing.

use std::collections::BTreeSet;

use leah_plugin::lock::Lock;

use super::{
    super::{
        context::Context,
        failure::{Failure, Kind},
    },
    SyncArgs, finish, is_there,
};
use crate::{
    apply::Outcome,
    fs,
    plan::{self, Around},
};

/// The installation is not what the lock says.
#[derive(Debug, thiserror::Error)]
#[error("the installation is not as `{0}` says")]
struct Differs(String);

/// Tells what would change, and fails if anything would.
pub(super) fn check(ctx: &Context, args: &SyncArgs, live: Option<&Lock>, next: &Lock) -> Result<(), Failure> {
    if is_there(live, next) {
        return finish(ctx, args, &Outcome::Unchanged, &BTreeSet::new());
    }
    if !ctx.ui.json {
        for change in plan::difference_with_grants(live, next) {
            ctx.ui.data(change)?;
        }
        for line in Around::between(live, next).lines() {
            ctx.ui.data(line)?;
        }
    }
    let hint = format!("`{}` makes it so", args.command());
    Err(Failure::new(Kind::CheckFailed, Differs(fs::shown(&args.file))).hint(hint))
}
