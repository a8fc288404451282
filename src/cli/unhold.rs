//! `leahpm unhold`: let plugins move again.

use leah_plugin::name::PluginName;

use super::{context::Context, failure::Failure, render};
use crate::plan::{self, Plan, PlanError};

/// Let plugins that are held move again
///
/// Nothing moves by this alone; the next update takes them along.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  leahpm unhold translator")]
pub(super) struct UnholdArgs {
    /// Plugins to let go
    #[arg(required = true, value_name = "PLUGIN", add = super::completions::held())]
    names: Vec<PluginName>,
}

pub(super) fn run(ctx: &Context, args: &UnholdArgs) -> Result<(), Failure> {
    let outcome = ctx.deploy("unhold", &ctx.session()?, |live| {
        let live = live.ok_or_else(|| PlanError::NotInstalled(args.names[0].clone()))?;
        let next = plan::unheld(live.lock(), &args.names)?;
        Ok(Plan::between(Some((live.number(), live.lock())), next, "unhold", args.names.clone()))
    })?;
    render::outcome(ctx, "unhold", &outcome)
}
