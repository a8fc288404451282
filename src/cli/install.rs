//! `leahpm install`: bring plugins and what they need into the set.

use leah_plugin::{
    lock::{Lock, Locked},
    name::PluginName,
    version::{HOST_VERSION, PLUGIN_API},
};

use super::{
    config::{self, Given},
    context::Context,
    failure::{Failure, Kind},
    render, resolve,
};
use crate::{
    consent,
    plan::{self, Plan},
    requirements::{Place, Requirement, Update, Wanted},
    settings::OrderError,
};

/// Install plugins with what they need
///
/// Finds the newest versions that fit together, checks signatures and hashes, asks for the permissions, and
/// makes the new set live with one rename. If anything fails, nothing has changed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leahpm install translator
  leahpm install translator@^1.0 hello-world
  leahpm install translator --grant all                     agree to all it asks for
  leahpm install translator --grant use_model --deny network_access
  leahpm install translator --set target=tr --set api_key=- with settings; `-` asks for the value
  leahpm install --registry ./my-registry my-plugin         from a folder")]
pub(super) struct InstallArgs {
    /// Plugins: NAME, NAME@RANGE or REGISTRY/NAME@RANGE
    #[arg(required = true, value_name = "PLUGIN", add = super::completions::available())]
    plugins: Vec<Wanted>,
    /// Give a setting a value at once: KEY=VALUE, or PLUGIN.KEY=VALUE; `-` asks for the value
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<Given>,
    #[command(flatten)]
    from: resolve::FromArgs,
}

pub(super) fn run(ctx: &Context, args: &InstallArgs) -> Result<(), Failure> {
    refuse_contradictions(&args.plugins)?;
    let names: Vec<PluginName> = args.plugins.iter().map(|wanted| wanted.name.clone()).collect();
    let assignments = config::of_install(&args.set, &names)?;
    let mut session = ctx.session()?;
    // Decided before any registry is opened: a plugin that is there needs no index, no key and no hash.
    if args.from.is_silent()
        && assignments.is_empty()
        && let Some(live) = ctx.live()?
        && is_satisfied(ctx, live.lock(), &args.plugins)?
    {
        return render::nothing_to_do(ctx, live.lock(), &args.plugins);
    }
    let registry = args.from.registry(ctx, &mut session)?;
    let orders = config::orders(ctx, assignments)?;
    let outcome = ctx.deploy("install", &session, |live| {
        let lock = live.map(|live| live.lock());
        let mut requirements = resolve::requirements(ctx, &session, lock, Update::None)?;
        for wanted in &args.plugins {
            let registry = wanted.registry.clone().or_else(|| registry.clone());
            let registry = registry.unwrap_or_else(|| requirements.bare.registry(&wanted.name).clone());
            // Who names a plugin again without a range does not take back the range of before.
            let before = requirements.wanted.get(&wanted.name).filter(|before| before.registry == registry);
            let range = wanted.range.clone().or_else(|| before.map(|before| before.range.clone()));
            let range = range.unwrap_or(semver::VersionReq::STAR);
            requirements.wanted.insert(wanted.name.clone(), Requirement { registry, range });
        }
        requirements.place = Place::Live { asked: args.plugins.clone(), elsewhere: registry.is_some() };
        if let Some(lock) = lock {
            plan::check_held(lock, &names, |name, locked| {
                requirements.wanted.get(name).is_some_and(|wanted| moves(wanted, locked))
            })?;
        }
        let next = resolve::next(ctx, &session, lock, &requirements, &names)?;
        let live = live.map(|live| (live.number(), live.lock()));
        Ok(Plan::ordering(live, next, "install", names.clone(), orders.clone()))
    });
    let outcome = outcome.map_err(hinted)?;
    render::outcome(ctx, "install", &outcome)
}

/// Before it is installed, the commands that show and change its settings know nothing of a plugin.
fn hinted(failure: Failure) -> Failure {
    let hint = match failure.source.downcast_ref::<OrderError>() {
        Some(OrderError::Said { key, .. }) => format!("`--set {key}=-` asks for it"),
        Some(OrderError::Unknown { .. } | OrderError::Unfit { .. }) => {
            "without `--set` it can be installed, and `leahpm config list` shows its settings".to_owned()
        }
        _ => return failure,
    };
    Failure { hints: vec![hint], ..failure }
}

/// True when the locked package is not what is asked for.
fn moves(wanted: &Requirement, locked: &Locked) -> bool {
    wanted.registry != locked.registry || !wanted.range.matches(&locked.version)
}

/// One name asked for in two ways.
#[derive(Debug, thiserror::Error)]
#[error("`{}` is asked for twice, as `{}` and as `{}`", .0.name, .0, .1)]
struct Contradiction(Wanted, Wanted);

fn refuse_contradictions(plugins: &[Wanted]) -> Result<(), Failure> {
    for (index, wanted) in plugins.iter().enumerate() {
        if let Some(other) = plugins[..index].iter().find(|o| o.name == wanted.name && *o != wanted) {
            return Err(Failure::new(Kind::Usage, Contradiction(other.clone(), wanted.clone())));
        }
    }
    Ok(())
}

/// True when every wanted plugin is requested as it is wanted and nothing was said that changes a grant.
fn is_satisfied(ctx: &Context, lock: &Lock, plugins: &[Wanted]) -> Result<bool, Failure> {
    let resolved_for = &lock.resolved_for;
    // What fits the release that leahpm belongs to needs no host to be asked.
    let fits_host = (ctx.config.host_version.is_none() && resolved_for.host == HOST_VERSION)
        || resolved_for.host == ctx.host_version()?;
    let fit = || plugins.iter().all(|wanted| fits(ctx, lock, wanted));
    Ok(resolved_for.api == PLUGIN_API && fits_host && fit())
}

fn fits(ctx: &Context, lock: &Lock, wanted: &Wanted) -> bool {
    let (Some(request), Some(locked)) = (lock.requested.get(&wanted.name), lock.plugins.get(&wanted.name))
    else {
        return false;
    };
    let asked = locked.granted.union(&locked.denied);
    let decision = consent::decide(&wanted.name, &asked, Some(locked), &ctx.config.choices);
    wanted.range.as_ref().is_none_or(|range| *range == request.range)
        && wanted.registry.as_ref().is_none_or(|registry| *registry == locked.registry)
        && decision.granted == locked.granted
}
