//! `leahpm uninstall`: take plugins out of the set.

use leah_plugin::name::PluginName;

use super::{context::Context, failure::Failure, render};
use crate::plan::{self, Plan, PlanError};

/// Take plugins out of the set
///
/// Dependencies that nothing else needs go with them. Their own data stays, and `leahpm rollback` brings all
/// back until `leahpm gc` frees the space.
#[derive(Debug, clap::Args)]
#[command(visible_alias = "remove", after_help = "Examples:\n  leahpm uninstall translator")]
pub(super) struct UninstallArgs {
    /// Plugins to take out
    #[arg(required = true, value_name = "PLUGIN", add = super::completions::installed())]
    names: Vec<PluginName>,
}

pub(super) fn run(ctx: &Context, args: &UninstallArgs) -> Result<(), Failure> {
    let outcome = ctx.deploy("uninstall", &ctx.session()?, |live| {
        let live = live.ok_or_else(|| PlanError::NotInstalled(args.names[0].clone()))?;
        let next = plan::without(live.lock(), &args.names)?;
        Ok(Plan::between(Some((live.number(), live.lock())), next, "uninstall", args.names.clone()))
    })?;
    render::outcome(ctx, "uninstall", &outcome)
}
