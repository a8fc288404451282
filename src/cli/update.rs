//! `leahpm update`: move plugins to the newest versions that fit.

use leah_plugin::name::PluginName;

use super::{context::Context, failure::Failure, render, resolve};
use crate::{
    plan::{self, Plan, PlanError},
    requirements::Update,
};

/// Move plugins to the newest versions that fit
///
/// A version that wants more permissions than were granted changes nothing until somebody agrees.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  leahpm update               all plugins\n  leahpm update translator    this one, with what it needs"
)]
pub(super) struct UpdateArgs {
    /// Plugins to update [default: all]
    #[arg(value_name = "PLUGIN", add = super::completions::installed())]
    names: Vec<PluginName>,
}

pub(super) fn run(ctx: &Context, args: &UpdateArgs) -> Result<(), Failure> {
    if args.names.is_empty() && ctx.live()?.is_none() {
        return render::nothing_installed(ctx, "update");
    }
    let session = ctx.session()?;
    let outcome = ctx.deploy("update", &session, |live| {
        let lock = live.map(|live| live.lock());
        for name in &args.names {
            if !lock.is_some_and(|lock| lock.plugins.contains_key(name)) {
                return Err(PlanError::NotInstalled(name.clone()).into());
            }
        }
        let Some(live) = live else { return Ok(None) };
        plan::check_held(live.lock(), &args.names, |_, _| true)?;
        let which = match args.names.as_slice() {
            [] => Update::All,
            names => Update::Names(names.iter().cloned().collect()),
        };
        let requirements = resolve::requirements(ctx, &session, Some(live.lock()), which);
        let next = resolve::next(ctx, &session, Some(live.lock()), &requirements, &args.names)?;
        Ok(Plan::between(Some((live.number(), live.lock())), next, "update", args.names.clone()))
    })?;
    render::outcome(ctx, "update", &outcome)
}
