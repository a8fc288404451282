//! `leahpm config set`: give settings values, secrets without a trace.

use leah_plugin::name::PluginName;

use super::{
    super::{completions, context::Context, failure::Failure},
    assign::{self, Given},
};

/// Give settings values
///
/// A value is text as it is; a list has commas between its items or is JSON in `[` `]`. Without a value, or with `-` in
/// its place, the value is asked for on a terminal and read from standard input elsewhere. That is the only way for a
/// secret: what stands on a command line can be read by others.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leahpm config set translator target tr
  leahpm config set translator target=tr server=https://translate.example
  leahpm config set translator api_key              asks for the secret
  leahpm config set translator api_key < key.txt    the same in a script")]
pub(super) struct SetArgs {
    /// The plugin
    #[arg(value_name = "PLUGIN", add = completions::installed())]
    name: PluginName,
    /// Key of the setting, or KEY=VALUE
    #[arg(value_name = "KEY", add = completions::settings())]
    key: Given,
    /// The value, or more KEY=VALUE
    #[arg(value_name = "VALUE", allow_negative_numbers = true, add = completions::values())]
    values: Vec<Given>,
}

pub(super) fn run(ctx: &Context, args: &SetArgs) -> Result<(), Failure> {
    let assignments = assign::pairs(&args.name, &args.key, &args.values)?;
    // Nobody is asked for a value that no plugin takes.
    let live = ctx.live()?;
    let found = super::configured(ctx, live.as_ref(), &args.name)?;
    for one in &assignments {
        one.check(&found.declared)?;
    }
    drop(live);
    let orders = assign::orders(ctx, assignments)?;
    super::change(ctx, "config set", &args.name, &orders)
}
