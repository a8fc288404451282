//! `leahpm enable`: switch plugins on.

use leah_plugin::name::PluginName;

use super::{context::Context, failure::Failure, render};
use crate::{
    apply,
    plan::{self, Plan, PlanError},
};

/// Switch plugins on
///
/// What they depend on is switched on with them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  leahpm enable translator")]
pub(super) struct EnableArgs {
    /// Plugins to switch on
    #[arg(required = true, value_name = "PLUGIN", add = super::completions::installed())]
    names: Vec<PluginName>,
}

pub(super) fn run(ctx: &Context, args: &EnableArgs) -> Result<(), Failure> {
    let outcome = ctx.deploy("enable", &ctx.session()?, |live| {
        let live = live.ok_or_else(|| PlanError::NotInstalled(args.names[0].clone()))?;
        let next = plan::enabled(live.lock(), &args.names)?;
        let tools = apply::tools(&ctx.layout, &next)?;
        plan::check_tools(&next, Some(live.lock()), |name| tools.get(name).map(Vec::as_slice))?;
        Ok(Plan::between(Some((live.number(), live.lock())), next, "enable", args.names.clone()))
    })?;
    render::outcome(ctx, "enable", &outcome)
}
