//! `leahpm update`: move plugins to the newest versions that fit.

use std::collections::BTreeSet;

use leah_plugin::{lock::Lock, name::PluginName};

use super::{
    context::Context,
    failure::{Failure, Kind},
    render, resolve, rest,
};
use crate::{
    plan::{self, Plan, PlanError},
    registry::Session,
    requirements::{Requirements, Update},
};

/// Move plugins to the newest versions that fit
///
/// A version that wants more permissions than were granted changes nothing until somebody agrees.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leahpm update                         all plugins but those that are held
  leahpm update translator              this one, with what it needs
  leahpm update --exclude translator    all others")]
pub(super) struct UpdateArgs {
    /// Plugins to update [default: all]
    #[arg(value_name = "PLUGIN", add = super::completions::installed())]
    names: Vec<PluginName>,
    /// Plugins to leave as they are this time
    #[arg(long, value_name = "PLUGIN", value_delimiter = ',', add = super::completions::installed())]
    exclude: Vec<PluginName>,
}

/// Every plugin that was named was also left out.
#[derive(Debug, thiserror::Error)]
#[error("nothing is left to update: all plugins that are named are excluded too")]
struct NothingLeft;

pub(super) fn run(ctx: &Context, args: &UpdateArgs) -> Result<(), Failure> {
    let excluded: BTreeSet<PluginName> = args.exclude.iter().cloned().collect();
    let names: Vec<PluginName> =
        args.names.iter().filter(|name| !excluded.contains(*name)).cloned().collect();
    if names.is_empty() && !args.names.is_empty() {
        return Err(Failure::new(Kind::Usage, NothingLeft));
    }
    if args.names.is_empty() && excluded.is_empty() && ctx.live()?.is_none() {
        return render::nothing_installed(ctx, "update");
    }
    let session = ctx.session()?;
    let mut staying = excluded.clone();
    let outcome = ctx.deploy("update", &session, |live| {
        let lock = live.map(|live| live.lock());
        if let Some(name) = args.names.iter().chain(&args.exclude).find(|name| !is_installed(lock, name)) {
            return Err(PlanError::NotInstalled(name.clone()).into());
        }
        let Some(live) = live else { return Ok(None) };
        plan::check_held(live.lock(), &names, |_, _| true)?;
        if names.is_empty() {
            staying.extend(plan::held_of(live.lock()).cloned());
        }
        let requirements = requirements(ctx, &session, live.lock(), &names, &excluded)?;
        let next = resolve::next(ctx, &session, Some(live.lock()), &requirements, &names)
            .map_err(|failure| rest::hinted(ctx, &session, live.lock(), &requirements, failure))?;
        Ok(Plan::between(Some((live.number(), live.lock())), next, "update", names.clone()))
    })?;
    render::updated(ctx, &outcome, &staying)
}

fn is_installed(lock: Option<&Lock>, name: &PluginName) -> bool {
    lock.is_some_and(|lock| lock.plugins.contains_key(name))
}

fn requirements(
    ctx: &Context,
    session: &Session,
    live: &Lock,
    names: &[PluginName],
    excluded: &BTreeSet<PluginName>,
) -> Result<Requirements, Failure> {
    let which = match names {
        [] => Update::All,
        names => Update::Names(names.iter().cloned().collect()),
    };
    let mut requirements = resolve::requirements(ctx, session, Some(live), which)?;
    requirements.leave_out(excluded);
    Ok(requirements)
}
