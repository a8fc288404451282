//! `leahpm verify`: are the installed files still the ones that were signed?

use std::collections::BTreeSet;

use leah_plugin::name::PluginName;
use serde_json::{Value, json};

use super::{
    context::Context,
    failure::{self, Failure, Kind},
    resolve, switched, ways,
};
use crate::{
    apply::{self, ApplyError},
    fs,
    generation::check::{self, Damage, Extent, Report},
    registry::Session,
    requirements::Update,
};

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
    /// Check every generation that was live, not only the one that is
    #[arg(long, conflicts_with = "repair")]
    all: bool,
}

/// Files are not what they were when they were installed.
#[derive(Debug, thiserror::Error)]
#[error("installed files are not as they were signed:{}", list(.0))]
struct Damaged(Vec<Damage>);

fn list(damage: &[Damage]) -> String {
    damage.iter().map(|one| format!("\n  {one}")).collect()
}

pub(super) fn run(ctx: &Context, args: &VerifyArgs) -> Result<(), Failure> {
    let extent = if args.all { Extent::History } else { Extent::Live };
    let report = check::check(&ctx.layout, extent)?;
    if report.damage.is_empty() {
        return finish(ctx, &report, &BTreeSet::new());
    }
    if !args.repair || ctx.config.dry_run {
        let hint = if args.all {
            "`leahpm verify --repair` repairs the live generation; `leahpm gc --keep 0` removes the earlier ones"
        } else {
            "`leahpm verify --repair` fetches the damaged plugins again"
        };
        return Err(failed(report.damage).hint(hint));
    }
    let damaged: BTreeSet<PluginName> =
        report.damage.iter().filter_map(Damage::entry).map(|entry| entry.name().clone()).collect();
    let unset: Vec<PluginName> = report.damage.iter().filter_map(Damage::settings).cloned().collect();
    let session = ctx.session()?;
    let repaired = ctx.with_watch("verify --repair", |watch| {
        ctx.applying(watch, |apply| apply::repair(apply, &session, &damaged))
    });
    let repaired = repaired.map_err(|failure| instead(ctx, &session, failure))?;
    repaired.iter().for_each(|live| switched::tell(ctx, live));
    let after = check::check(&ctx.layout, Extent::Live)?;
    if after.damage.is_empty() {
        for name in &unset {
            ctx.ui.note(format_args!(
                "The settings of `{name}` are gone, and its defaults count; `leahpm config list {name}` shows them."
            ));
        }
        if damaged.is_empty() && unset.is_empty() {
            ctx.ui.done("Made the links of the live generation new.");
        }
        finish(ctx, &after, &damaged)
    } else {
        Err(failed(after.damage))
    }
}

/// Says of a version that is not fetched again, for its key was revoked, what an update would bring in its place.
fn instead(ctx: &Context, session: &Session, failure: Failure) -> Failure {
    let Some(ApplyError::Revoked { name, .. }) = failure.source.downcast_ref() else { return failure };
    let names = BTreeSet::from([name.clone()]);
    let Ok(Some(live)) = ctx.live() else { return failure };
    match resolve::requirements(ctx, session, Some(live.lock()), Update::None) {
        Ok(requirements) => ways::of_update(ctx, session, &requirements, &names, failure),
        Err(_) => failure,
    }
}

fn failed(damage: Vec<Damage>) -> Failure {
    let objects: Vec<Value> = damage.iter().map(object).collect();
    Failure::new(Kind::CheckFailed, Damaged(damage)).details(json!({ "damage": objects }))
}

/// What a script is told of one damage.
fn object(damage: &Damage) -> Value {
    json!({
        "damage": damage.word(), "plugin": damage.plugin(), "path": damage.path().map(fs::shown),
        "message": failure::messages(damage).join(": "),
    })
}

fn finish(ctx: &Context, report: &Report, repaired: &BTreeSet<PluginName>) -> Result<(), Failure> {
    if ctx.ui.json {
        let repaired: Vec<Value> = repaired.iter().map(|name| json!(name)).collect();
        let object =
            json!({ "generations": report.generations, "packages": report.entries, "repaired": repaired });
        return ctx.ui.object("verify", object);
    }
    if report.generations.is_empty() {
        ctx.ui.done("Nothing is installed.");
        return Ok(());
    }
    for name in repaired {
        ctx.ui.done(format_args!("Repaired {name}."));
    }
    ctx.ui.done(format_args!(
        "{} checked; all files are as they were signed.",
        super::ui::counted(report.entries, "package")
    ));
    Ok(())
}
