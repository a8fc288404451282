//! `leahpm host status`: is a host running, and how are its plugins?

use serde_json::json;

use super::{
    super::{context::Context, failure::Failure},
    states,
};
use crate::{fs, host::Host};

/// Show whether a host runs, and how its plugins are
///
/// WHY says what a plugin waits for, why it does not run, or what it last did wrong. FAULTS counts the calls that it
/// failed since it was loaded.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  leahpm host status\n  leahpm host status --json | jq -r '.plugins[] | select(.state != \"running\").name'"
)]
pub(super) struct StatusArgs {}

pub(super) fn run(ctx: &Context, _: &StatusArgs) -> Result<(), Failure> {
    let Some(mut host) = Host::find(&ctx.layout, &ctx.config.host)? else {
        if ctx.ui.json {
            let live = ctx.live()?.map(|live| live.number());
            let object = json!({
                "running": false, "host": null, "api": null, "generation": null, "live": live,
                "hooks": [], "plugins": [],
            });
            return ctx.ui.object("host status", object);
        }
        let home = fs::shown(ctx.layout.home());
        return ctx.ui.data(format_args!("No host runs for `{home}`. `leah-host serve` starts one."));
    };
    let (hello, plugins) = (host.hello().clone(), host.plugins()?.plugins);
    let live = ctx.live()?.map(|live| live.number());
    if ctx.ui.json {
        let object = json!({
            "running": true, "host": hello.host, "api": hello.api, "generation": hello.generation,
            "live": live, "hooks": hello.hooks, "plugins": states::objects(&plugins),
        });
        return ctx.ui.object("host status", object);
    }
    let runs = hello.generation.map_or("no plugins".to_owned(), |number| format!("generation {number}"));
    ctx.ui.data(format_args!("leah-host {} runs {runs}; plugin API {}", hello.host, hello.api))?;
    if !plugins.is_empty() {
        ctx.ui.data(states::table(&plugins))?;
    }
    if let Some(live) = live.filter(|live| hello.generation != Some(*live)) {
        ctx.ui.note(format_args!(
            "Generation {live} is live, and the host does not run it yet; `leahpm host reload` has it do so."
        ));
    }
    plugins.iter().filter_map(states::advice).for_each(|sentence| ctx.ui.note(sentence));
    Ok(())
}
