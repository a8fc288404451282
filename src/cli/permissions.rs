//! `leahpm permissions`: what plugins may do, shown and changed.

use std::collections::BTreeSet;

use leah_plugin::{
    lock::{Lock, Locked},
    manifest::{PermissionKind, plain_words},
    name::PluginName,
};
use serde_json::{Value, json};

use super::{
    context::Context,
    failure::{Failure, Kind},
    render, ui,
};
use crate::plan::{Plan, PlanError};

/// Show and change what plugins may do
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leahpm permissions list
  leahpm permissions revoke translator network_access
  leahpm permissions grant translator network_access")]
pub(super) struct PermissionsArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Show what is granted and what is denied
    List {
        /// Plugins to show [default: all]
        #[arg(value_name = "PLUGIN", add = super::completions::installed())]
        names: Vec<PluginName>,
    },
    /// Let a plugin do what it asked for
    Grant(Which),
    /// Take permissions away; the plugin runs without them
    Revoke(Which),
}

#[derive(Debug, clap::Args)]
struct Which {
    /// The plugin
    #[arg(value_name = "PLUGIN", add = super::completions::installed())]
    name: PluginName,
    /// Permissions it asked for
    #[arg(required = true, value_name = "PERMISSION")]
    kinds: Vec<PermissionKind>,
}

/// Where permissions move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum To {
    Granted,
    Denied,
}

/// A permission that the plugin never asked for.
#[derive(Debug, thiserror::Error)]
#[error("`{name}` does not ask for `{kind}`")]
struct NotAsked {
    name: PluginName,
    kind: PermissionKind,
}

pub(super) fn run(ctx: &Context, args: &PermissionsArgs) -> Result<(), Failure> {
    match &args.action {
        Action::List { names } => list(ctx, names),
        Action::Grant(which) => change(ctx, "grant", which, To::Granted),
        Action::Revoke(which) => change(ctx, "revoke", which, To::Denied),
    }
}

fn list(ctx: &Context, names: &[PluginName]) -> Result<(), Failure> {
    let live = ctx.live()?;
    let all = live.as_ref().map(|live| &live.lock().plugins);
    for name in names {
        if !all.is_some_and(|all| all.contains_key(name)) {
            return Err(PlanError::NotInstalled(name.clone()).into());
        }
    }
    let shown = all.into_iter().flatten().filter(|(name, _)| names.is_empty() || names.contains(name));
    if ctx.ui.json {
        let plugins: Vec<Value> = shown
            .map(|(name, locked)| json!({ "name": name, "granted": locked.granted, "denied": locked.denied }))
            .collect();
        return ctx.ui.object("permissions list", json!({ "plugins": plugins }));
    }
    let rows: Vec<Vec<String>> = shown.flat_map(|(name, locked)| rows(name, locked)).collect();
    if rows.is_empty() {
        match names {
            [] => ctx.ui.done("No installed plugin asks for a permission."),
            names => ctx.ui.done(format_args!("No permission is asked for by {}.", ui::listed(names))),
        }
        return Ok(());
    }
    ctx.ui.data(ui::table(&["plugin", "permission", "", "meaning"], rows))
}

fn rows(name: &PluginName, locked: &Locked) -> Vec<Vec<String>> {
    let granted = locked.granted.iter().map(|(kind, scope)| (kind, scope, "granted"));
    let denied = locked.denied.iter().map(|(kind, scope)| (kind, scope, "denied"));
    granted
        .chain(denied)
        .map(|(kind, scope, state)| {
            vec![name.to_string(), kind.to_string(), state.to_owned(), plain_words(kind, scope)]
        })
        .collect()
}

fn change(ctx: &Context, verb: &'static str, which: &Which, to: To) -> Result<(), Failure> {
    let outcome = ctx.deploy(verb, &ctx.session()?, |live| {
        let live = live.ok_or_else(|| PlanError::NotInstalled(which.name.clone()))?;
        let next = moved(live.lock(), which, to)?;
        Ok(Plan::between(Some((live.number(), live.lock())), next, verb, vec![which.name.clone()]))
    })?;
    render::outcome(ctx, &format!("permissions {verb}"), &outcome)
}

fn moved(lock: &Lock, which: &Which, to: To) -> Result<Lock, Failure> {
    let mut next = lock.clone();
    let locked =
        next.plugins.get_mut(&which.name).ok_or_else(|| PlanError::NotInstalled(which.name.clone()))?;
    let asked = locked.granted.union(&locked.denied);
    if let Some(kind) = which.kinds.iter().find(|kind| asked.get(**kind).is_none()) {
        let error = NotAsked { name: which.name.clone(), kind: *kind };
        return Err(Failure::new(Kind::NotFound, error)
            .hint(format!("`leahpm permissions list {}` shows what it asks for", which.name)));
    }
    let kinds: BTreeSet<PermissionKind> = which.kinds.iter().copied().collect();
    let mut granted: BTreeSet<PermissionKind> = locked.granted.iter().map(|(kind, _)| kind).collect();
    if to == To::Granted {
        granted.extend(&kinds);
    } else {
        granted.retain(|kind| !kinds.contains(kind));
    }
    let denied: BTreeSet<PermissionKind> =
        asked.iter().map(|(kind, _)| kind).filter(|kind| !granted.contains(kind)).collect();
    locked.granted = asked.without(&denied);
    locked.denied = asked.without(&granted);
    Ok(next)
}
