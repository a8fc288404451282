//! `leahpm gc`: free the space of what no kept generation needs.

use serde_json::{Value, json};

use super::{context::Context, failure::Failure, ui};
use crate::{apply, generation::gc};

/// Free the space of old generations
///
/// Keeps the live generation and those that a rollback leads to, as many as asked for, and removes the others
/// with all packages that none of the kept ones needs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  leahpm gc\n  leahpm gc --keep 0    keep the live generation alone")]
pub(super) struct GcArgs {
    /// How many generations to keep behind the live one
    #[arg(long, value_name = "N", default_value_t = 10)]
    keep: usize,
}

pub(super) fn run(ctx: &Context, args: &GcArgs) -> Result<(), Failure> {
    let gc::Collected { plan, bytes } =
        ctx.with_watch("gc", |watch| ctx.applying(watch, |apply| apply::collect(apply, args.keep)))?;
    if ctx.ui.json {
        let entries: Vec<Value> = plan.entries.iter().map(|entry| json!(entry.to_string())).collect();
        let object = json!({ "dry_run": ctx.config.dry_run, "generations": plan.generations,
            "entries": entries, "settings": plan.settings.len(), "bytes": bytes });
        return ctx.ui.object("gc", object);
    }
    if plan.generations.is_empty() && plan.entries.is_empty() && plan.settings.is_empty() {
        ctx.ui.done("Nothing to remove.");
        return Ok(());
    }
    let would = if ctx.config.dry_run { "Would remove" } else { "Removed" };
    if !plan.settings.is_empty() {
        let files = ui::counted(plan.settings.len(), "settings file");
        ctx.ui.done(format_args!("{would} {files}."));
    }
    ctx.ui.done(format_args!(
        "{would} {} and {}, {} in all.",
        ui::counted(plan.generations.len(), "generation"),
        ui::counted(plan.entries.len(), "package"),
        indicatif::HumanBytes(bytes)
    ));
    Ok(())
}
