//! `leah-host status`: who runs, and how the plugins are.

use leah_home::fs::shown;
use leah_plugin::message::{Call, PluginList, PluginState, PluginStatus};
use leah_plugin::terminal::escaped;
use serde::Serialize;

use super::{args::PlaceArgs, client, failure::Failure, ui};

/// Number of the shape of the `--json` object; raised when a field changes its meaning.
const SCHEMA: u32 = 1;

/// Show what the running host serves and how its plugins are
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct StatusArgs {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  leah-host status
  leah-host status --json

Exit codes: 0 a host runs, 5 none does, 6 it does not answer";

#[derive(Serialize)]
struct Status<'a> {
    schema: u32,
    socket: &'a str,
    #[serde(flatten)]
    hello: &'a leah_plugin::message::HelloResult,
    #[serde(flatten)]
    plugins: &'a PluginList,
}

pub(super) fn run(place: &PlaceArgs, args: &StatusArgs) -> Result<(), Failure> {
    let client::Connected { mut client, hello, socket } = client::connect(place)?;
    let plugins: PluginList = client.call(&Call::PluginsList, client::PATIENCE)?;
    let socket = shown(&socket);
    if args.json {
        return ui::object(&Status { schema: SCHEMA, socket: &socket, hello: &hello, plugins: &plugins });
    }
    let generation = hello.generation.map_or("no generation".into(), |number| format!("generation {number}"));
    ui::data(&format!("leah-host {}, plugin API {}, {generation}, at {socket}", hello.host, hello.api))?;
    if plugins.plugins.is_empty() {
        return ui::data("No plugins are loaded.");
    }
    let rows = plugins.plugins.iter().map(row);
    ui::data(&ui::table(&["name", "version", "state", "faults", "hooks", "why"], rows))
}

fn row(plugin: &PluginStatus) -> Vec<String> {
    let (state, why) = match &plugin.state {
        PluginState::Running => ("running", String::new()),
        PluginState::NeedsSettings { missing } => ("needs settings", missing.join(", ")),
        PluginState::Failed { reason } => ("failed", reason.clone()),
        PluginState::Quarantined { reason } => ("quarantined", reason.clone()),
    };
    let hooks: Vec<_> = plugin.hooks.iter().map(|hook| hook.as_str()).collect();
    let cells = [
        plugin.name.as_str(),
        &plugin.version.to_string(),
        state,
        &plugin.faults.to_string(),
        &hooks.join(", "),
    ];
    cells.into_iter().map(str::to_owned).chain([escaped(&why)]).collect()
}
