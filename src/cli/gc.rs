//! `leahpm gc`: free the space of what no kept generation needs.

use serde_json::{Value, json};

use super::{context::Context, failure::Failure};
use crate::apply;

/// Free the space of old generations
///
/// Keeps the live generation and the ones before it, as many as asked for, and removes the others with all
/// packages that none of the kept ones needs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  leahpm gc\n  leahpm gc --keep 1    keep the live generation alone")]
pub(super) struct GcArgs {
    /// How many generations to keep, the live one included
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    keep: u32,
}

pub(super) fn run(ctx: &Context, args: &GcArgs) -> Result<(), Failure> {
    let removed = ctx.with_watch("gc", |watch| apply::gc(&ctx.apply(watch), args.keep as usize))?;
    if ctx.ui.json {
        let entries: Vec<Value> = removed.entries.iter().map(|entry| json!(entry.to_string())).collect();
        let object = json!({ "dry_run": ctx.config.dry_run, "generations": removed.generations,
            "entries": entries, "settings": removed.settings.len(), "bytes": removed.bytes });
        return ctx.ui.object("gc", object);
    }
    let would = if ctx.config.dry_run { "Would remove" } else { "Removed" };
    ctx.ui.done(format_args!(
        "{would} {} generations and {} packages, {} in all.",
        removed.generations.len(),
        removed.entries.len(),
        indicatif::HumanBytes(removed.bytes)
    ));
    Ok(())
}
