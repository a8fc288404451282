//! `leahpm verify`: are the installed files still the ones that were signed?

use serde_json::{Value, json};

use super::{
    context::Context,
    failure::{Failure, Kind},
};
use crate::{apply, store::Damage};

/// Check the installed files against their content hashes
///
/// Every file of the live set is hashed again. With `--repair`, damaged plugins are fetched from their registry,
/// verified, and put in place of the damaged ones.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  leahpm verify\n  leahpm verify --repair")]
pub(super) struct VerifyArgs {
    /// Fetch damaged plugins again
    #[arg(long)]
    repair: bool,
}

/// Files are not what they were when they were installed.
#[derive(Debug, thiserror::Error)]
#[error("installed files were changed:{}", list(.0))]
struct Damaged(Vec<Damage>);

fn list(damage: &[Damage]) -> String {
    damage.iter().map(|one| format!("\n  {one}")).collect()
}

pub(super) fn run(ctx: &Context, args: &VerifyArgs) -> Result<(), Failure> {
    let Some(live) = ctx.live()? else {
        return finish(ctx, 0, &[]);
    };
    let checked = live.lock().plugins.len();
    let damage = apply::verify(&ctx.layout, &live)?;
    if damage.is_empty() {
        return finish(ctx, checked, &[]);
    }
    if !args.repair || ctx.config.dry_run {
        return Err(Failure::new(Kind::CheckFailed, Damaged(damage))
            .hint("`leahpm verify --repair` fetches the damaged plugins again"));
    }
    let session = ctx.session()?;
    ctx.with_watch("verify --repair", |watch| apply::repair(&ctx.apply(watch), &session, &live, &damage))?;
    finish(ctx, checked, &damage)
}

fn finish(ctx: &Context, checked: usize, repaired: &[Damage]) -> Result<(), Failure> {
    if ctx.ui.json {
        let repaired: Vec<Value> = repaired.iter().map(|one| json!(one.name)).collect();
        return ctx.ui.object("verify", json!({ "checked": checked, "repaired": repaired }));
    }
    for one in repaired {
        ctx.ui.done(format_args!("Repaired {}.", one.name));
    }
    ctx.ui.done(format_args!("{checked} plugins checked; all their files are as they were signed."));
    Ok(())
}
