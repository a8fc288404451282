//! `leahpm config`: the settings of plugins, shown and changed.

mod assign;
mod get;
mod list;
pub(super) mod reach;
mod set;
mod unset;

use std::collections::BTreeMap;

use leah_plugin::name::PluginName;

pub(super) use self::assign::{Given, hidden, of_install, orders};
use super::{context::Context, failure::Failure};
use crate::{
    apply::{self, Configured},
    generation::Generation,
    plan::{Plan, PlanError},
    settings::Order,
};

/// Show and change the settings of plugins
///
/// A change of settings is a generation like any other: the running host tries it, and `leahpm rollback` undoes it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leahpm config list translator
  leahpm config set translator target tr
  leahpm config set translator api_key              asks for the secret
  leahpm config set translator api_key < key.txt    the same in a script
  leahpm config get translator target
  leahpm config unset translator target")]
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    List(list::ListArgs),
    Get(get::GetArgs),
    Set(set::SetArgs),
    Unset(unset::UnsetArgs),
}

pub(super) fn run(ctx: &Context, args: &ConfigArgs) -> Result<(), Failure> {
    match &args.action {
        Action::List(args) => list::run(ctx, args),
        Action::Get(args) => get::run(ctx, args),
        Action::Set(args) => set::run(ctx, args),
        Action::Unset(args) => unset::run(ctx, args),
    }
}

/// What the live set has of a plugin's settings.
fn configured(ctx: &Context, live: Option<&Generation>, name: &PluginName) -> Result<Configured, Failure> {
    let found = live.map(|live| apply::configured(&ctx.layout, live, name)).transpose()?.flatten();
    Ok(found.ok_or_else(|| PlanError::NotInstalled(name.clone()))?)
}

/// Carries out orders about the settings of one plugin.
fn change(
    ctx: &Context,
    command: &str,
    name: &PluginName,
    orders: &BTreeMap<PluginName, Vec<Order>>,
) -> Result<(), Failure> {
    let outcome = ctx.deploy("config", &ctx.session()?, |live| {
        let live = live.ok_or_else(|| PlanError::NotInstalled(name.clone()))?;
        let live = (live.number(), live.lock());
        Ok(Plan::ordering(Some(live), live.1.clone(), "config", vec![name.clone()], orders.clone()))
    })?;
    super::render::outcome(ctx, command, &outcome)
}
