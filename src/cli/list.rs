//! `leahpm list`: what is installed, from the live lock alone.

use leah_plugin::lock::Locked;
use serde_json::{Value, json};

use super::{context::Context, failure::Failure, ui};

/// Show the installed plugins
///
/// Reads the live lock and nothing else: no registry, no network.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  leahpm list\n  leahpm list --json | jq -r '.plugins[].name'")]
pub(super) struct ListArgs {}

pub(super) fn run(ctx: &Context, _: &ListArgs) -> Result<(), Failure> {
    let live = ctx.live()?;
    let plugins = live.iter().flat_map(|live| &live.lock().plugins);
    if ctx.ui.json {
        let requested = |name| live.as_ref().is_some_and(|live| live.lock().requested.contains_key(name));
        let plugins: Vec<Value> = plugins
            .map(|(name, locked)| {
                json!({
                    "name": name, "version": locked.version, "registry": locked.registry,
                    "enabled": locked.enabled, "held": locked.held, "requested": requested(name),
                    "granted": locked.granted, "denied": locked.denied,
                })
            })
            .collect();
        let number = live.as_ref().map(|live| live.number());
        return ctx.ui.object("list", json!({ "generation": number, "plugins": plugins }));
    }
    let rows: Vec<Vec<String>> = plugins
        .map(|(name, locked)| {
            vec![
                name.to_string(),
                locked.version.to_string(),
                status(locked).into(),
                locked.registry.to_string(),
            ]
        })
        .collect();
    if rows.is_empty() {
        ctx.ui.done("No plugins are installed. `leahpm search` shows what there is.");
        return Ok(());
    }
    ctx.ui.data(ui::table(&["name", "version", "status", "registry"], rows))
}

fn status(locked: &Locked) -> &'static str {
    match (locked.enabled, locked.held) {
        (true, false) => "enabled",
        (true, true) => "enabled, held",
        (false, false) => "disabled",
        (false, true) => "disabled, held",
    }
}
