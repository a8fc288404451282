//! `sync --check`: how the installation differs from a lock. Opens no registry and writes nothing.

use leah_plugin::lock::Lock;
use serde_json::json;

use super::{
    super::{
        context::Context,
        failure::{Failure, Kind},
        project::CurrentLock,
        render,
    },
    Source, SyncArgs, finish, is_there,
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

/// Tells what would change, and fails if anything would, or if the lock is not what its wish list asks for.
pub(super) fn check(
    ctx: &Context,
    args: &SyncArgs,
    source: &Source,
    live: Option<&Lock>,
) -> Result<(), Failure> {
    // Without a lock there is nothing to compare with.
    let Some(lock) = source.lock() else { return source.check() };
    let next = args.wanted(lock, live)?;
    let is_there = is_there(live, &next);
    if is_there && !source.is_stale() {
        return finish(ctx, args, &CurrentLock::unchanged(lock), &Outcome::Unchanged, &Default::default());
    }
    let changes = plan::difference_with_grants(live, &next);
    if !ctx.ui.json && !is_there {
        let changes = changes.iter().map(ToString::to_string);
        let lines: Vec<String> = changes.chain(Around::between(live, &next).lines()).collect();
        ctx.ui.data(lines.join("\n"))?;
    }
    let details = json!({ "changes": render::changes_json(&changes) });
    // Whoever makes the lock anew has another one to compare with, so that comes first.
    source.check().map_err(|failure| failure.details(details.clone()))?;
    let differs = Failure::new(Kind::CheckFailed, Differs(fs::shown(&args.file)));
    Err(differs.hint(format!("`{}` makes it so", args.command())).details(details))
}
