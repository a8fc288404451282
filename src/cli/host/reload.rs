//! `leahpm host reload`: have the host load anew what does not run.

use serde_json::json;

use super::{
    super::{context::Context, failure::Failure, ui},
    states,
};
use crate::apply::{self, Reloaded};

/// Have the host load anew what failed or is quarantined
///
/// What runs goes on running. Nothing is installed, removed or fetched.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  leahpm host reload")]
pub(super) struct ReloadArgs {}

pub(super) fn run(ctx: &Context, _: &ReloadArgs) -> Result<(), Failure> {
    if ctx.config.dry_run {
        if ctx.ui.json {
            return ctx
                .ui
                .object("host reload", json!({ "generation": null, "plugins": [], "dry_run": true }));
        }
        ctx.ui.done("Nothing was loaded anew: this was a dry run.");
        return Ok(());
    }
    let reloaded = ctx.with_watch("host reload", |watch| ctx.applying(watch, apply::reload))?;
    let Some(Reloaded { number, plugins }) = reloaded else {
        if ctx.ui.json {
            return ctx
                .ui
                .object("host reload", json!({ "generation": null, "plugins": [], "dry_run": false }));
        }
        ctx.ui.done("No plugins are installed. `leahpm search` shows what there is.");
        return Ok(());
    };
    if ctx.ui.json {
        let plugins = states::objects(&plugins);
        let object = json!({ "generation": number, "plugins": plugins, "dry_run": false });
        return ctx.ui.object("host reload", object);
    }
    ctx.ui.data(states::table(&plugins))?;
    let running = plugins.iter().filter(|plugin| states::runs(plugin)).count();
    let all = ui::counted(plugins.len(), "plugin");
    ctx.ui.done(format_args!("The host runs generation {number}: {running} of {all} running."));
    Ok(())
}
