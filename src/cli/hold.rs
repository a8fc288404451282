//! `leahpm hold`: keep plugins at their versions.

use leah_plugin::name::PluginName;

use super::{context::Context, failure::Failure, render};
use crate::plan::{self, Plan, PlanError};

/// Keep plugins at their versions
///
/// An update moves the others around them. The hold is part of the set: a rollback takes it back.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  leahpm hold translator\n  leahpm unhold translator    let it move again"
)]
pub(super) struct HoldArgs {
    /// Plugins to hold
    #[arg(required = true, value_name = "PLUGIN", add = super::completions::installed())]
    names: Vec<PluginName>,
}

pub(super) fn run(ctx: &Context, args: &HoldArgs) -> Result<(), Failure> {
    let outcome = ctx.deploy("hold", &ctx.session()?, |live| {
        let live = live.ok_or_else(|| PlanError::NotInstalled(args.names[0].clone()))?;
        let next = plan::held(live.lock(), &args.names)?;
        Ok(Plan::between(Some((live.number(), live.lock())), next, "hold", args.names.clone()))
    })?;
    render::outcome(ctx, "hold", &outcome)
}
