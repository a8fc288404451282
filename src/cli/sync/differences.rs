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
use crate::{apply::Outcome, fs, plan};

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
        for change in plan::difference(live, next) {
            ctx.ui.data(change)?;
        }
        for part in besides(live, next) {
            ctx.ui.data(part)?;
        }
    }
    let hint = format!("`{}` makes it so", args.command());
    Err(Failure::new(Kind::CheckFailed, Differs(fs::shown(&args.file))).hint(hint))
}

/// The parts of a lock that differ beside its plugins. They decide nothing about what runs, but the same state has the
/// same bytes.
pub(super) fn besides(live: Option<&Lock>, next: &Lock) -> Vec<&'static str> {
    let Some(live) = live else { return Vec::new() };
    let parts = [
        ("~ what the lock says of its registries", live.registries == next.registries),
        ("~ what the lock says that it was resolved for", live.resolved_for == next.resolved_for),
    ];
    parts.into_iter().filter(|(_, is_same)| !is_same).map(|(part, _)| part).collect()
}
