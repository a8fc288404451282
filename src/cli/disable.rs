//! `leahpm disable`: switch plugins off.

use leah_plugin::name::PluginName;

use super::{context::Context, failure::Failure, render};
use crate::plan::{self, Plan, PlanError};

/// Switch plugins off
///
/// They stay installed, with their settings and their data.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  leahpm disable translator")]
pub(super) struct DisableArgs {
    /// Plugins to switch off
    #[arg(required = true, value_name = "PLUGIN", add = super::completions::installed())]
    names: Vec<PluginName>,
}

pub(super) fn run(ctx: &Context, args: &DisableArgs) -> Result<(), Failure> {
    let outcome = ctx.deploy("disable", &ctx.session()?, |live| {
        let live = live.ok_or_else(|| PlanError::NotInstalled(args.names[0].clone()))?;
        let next = plan::disabled(live.lock(), &args.names)?;
        Ok(Plan::between(Some((live.number(), live.lock())), next, "disable", args.names.clone()))
    })?;
    render::outcome(ctx, "disable", &outcome)
}
