//! `leahpm list`: what is installed, from the live lock, and how the running host says it is.

use leah_plugin::{lock::Locked, name::PluginName};
use serde_json::{Value, json};

use super::{context::Context, failure::Failure, host::States, ui};

/// Show the installed plugins
///
/// Reads the live lock and asks the running host, if there is one: no registry, no network. STATUS is what the host says
/// of a plugin: running, failed, needs settings, quarantined, or not loaded; without a host, enabled.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  leahpm list\n  leahpm list --json | jq -r '.plugins[].name'")]
pub(super) struct ListArgs {}

pub(super) fn run(ctx: &Context, _: &ListArgs) -> Result<(), Failure> {
    let live = ctx.live()?;
    let plugins = live.iter().flat_map(|live| &live.lock().plugins);
    let states = if live.is_some() { States::of_running_host(ctx) } else { States::default() };
    if ctx.ui.json {
        let requested = |name| live.as_ref().is_some_and(|live| live.lock().requested.contains_key(name));
        let plugins: Vec<Value> = plugins
            .map(|(name, locked)| {
                let object = json!({
                    "name": name, "version": locked.version, "registry": locked.registry,
                    "enabled": locked.enabled, "held": locked.held, "requested": requested(name),
                    "granted": locked.granted, "denied": locked.denied,
                });
                ui::merged(object, states.json(name, locked))
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
                status(&states, name, locked),
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

fn status(states: &States, name: &PluginName, locked: &Locked) -> String {
    let held = if locked.held { ", held" } else { "" };
    format!("{}{held}", states.word(name, locked))
}
