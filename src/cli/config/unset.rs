//! `leahpm config unset`: take values away, so that defaults count again.

use leah_plugin::name::PluginName;

use super::super::{completions, context::Context, failure::Failure};
use crate::settings::{Order, Wish};

/// Take values away; the defaults count again
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  leahpm config unset translator target\n  leahpm config unset translator server api_key"
)]
pub(super) struct UnsetArgs {
    /// The plugin
    #[arg(value_name = "PLUGIN", add = completions::installed())]
    name: PluginName,
    /// Keys of the settings
    #[arg(required = true, value_name = "KEY", add = completions::settings())]
    keys: Vec<String>,
}

pub(super) fn run(ctx: &Context, args: &UnsetArgs) -> Result<(), Failure> {
    let order = |key: &String| Order { key: key.clone(), wish: Wish::Unset };
    let orders = args.keys.iter().map(order).collect();
    super::change(ctx, "config unset", &args.name, &[(args.name.clone(), orders)].into())
}
