//! `leahpm rollback`: make an earlier generation live again.

use serde_json::json;

use super::{context::Context, failure::Failure, render, switched, ui};
use crate::apply::{self, Rolled};

/// Make an earlier generation live again
///
/// Nothing is downloaded or deleted, so a rollback can itself be rolled back.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  leahpm rollback       undo the last change\n  leahpm rollback 3     make generation 3 live again"
)]
pub(super) struct RollbackArgs {
    /// Generation to return to [default: the parent of the live one]
    #[arg(value_name = "GENERATION", value_parser = number)]
    to: Option<u64>,
}

/// What is no number of a generation.
#[derive(Debug, thiserror::Error)]
#[error("a generation is a number; `leahpm history` shows them")]
struct NotANumber(#[source] std::num::ParseIntError);

fn number(text: &str) -> Result<u64, NotANumber> {
    text.parse().map_err(NotANumber)
}

pub(super) fn run(ctx: &Context, args: &RollbackArgs) -> Result<(), Failure> {
    let Rolled { from, to, changes, switched } =
        ctx.with_watch("rollback", |watch| ctx.applying(watch, |apply| apply::rollback(apply, args.to)))?;
    if ctx.ui.json {
        let changed = from != to && !ctx.config.dry_run;
        let object = json!({ "changed": changed, "dry_run": ctx.config.dry_run, "generation": to,
            "from": from, "changes": render::changes_json(&changes) });
        switched.iter().for_each(|live| switched::tell(ctx, live));
        return ctx.ui.object("rollback", ui::merged(object, switched::json(switched.as_ref())));
    }
    render::changes(ctx, &changes)?;
    match (from == to, ctx.config.dry_run) {
        (true, _) => ctx.ui.done(format_args!("Generation {to} is live already; nothing changed.")),
        (_, true) => ctx.ui.done(format_args!("Would roll back from generation {from} to {to}.")),
        _ => ctx.ui.done(format_args!("Rolled back from generation {from} to {to}.")),
    }
    switched.iter().for_each(|live| switched::tell(ctx, live));
    Ok(())
}
