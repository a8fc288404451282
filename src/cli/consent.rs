//! Asking for permissions: shows what a plugin wants in plain words and takes a person's answer. Where
//! nobody can be asked it refuses, with the command that would grant.

use std::collections::{BTreeMap, BTreeSet};

use leah_plugin::{
    lock::Lock,
    manifest::{PermissionKind, Permissions, plain_words},
    name::PluginName,
};

use super::{
    context::Context,
    failure::{Failure, Kind},
    prompt, ui,
};
use crate::{
    consent::{self, Decision},
    plan::Chosen,
};

/// Somebody has to agree to permissions first.
#[derive(Debug, thiserror::Error)]
#[error("{} not granted what {} for:{}", subject(.0), verb(.0), list(.0))]
pub(super) struct NeedsConsent(Vec<(PluginName, Permissions)>);

fn subject(open: &[(PluginName, Permissions)]) -> String {
    let is = if open.len() == 1 { "is" } else { "are" };
    format!("{} {is}", ui::listed(open.iter().map(|(name, _)| name)))
}

fn verb(open: &[(PluginName, Permissions)]) -> &'static str {
    if open.len() == 1 { "it asks" } else { "they ask" }
}

fn list(open: &[(PluginName, Permissions)]) -> String {
    open.iter()
        .flat_map(|(name, wanted)| wanted.iter().map(move |(kind, scope)| (name, kind, scope)))
        .map(|(name, kind, scope)| format!("\n  {name}: {kind} ({})", plain_words(kind, scope)))
        .collect()
}

/// Decides on the permissions of each plugin, asking where something is open.
pub(super) fn settle(
    ctx: &Context,
    plugins: &BTreeMap<&PluginName, &Chosen>,
    live: Option<&Lock>,
) -> Result<BTreeMap<PluginName, Decision>, Failure> {
    let mut decisions = BTreeMap::new();
    for (name, chosen) in plugins {
        // A plugin that comes from elsewhere now is another plugin: nothing was granted to it.
        let before =
            live.and_then(|lock| lock.plugins.get(*name)).filter(|locked| locked.registry == chosen.registry);
        let wanted = &chosen.line.interface.permissions;
        decisions.insert((*name).clone(), consent::decide(name, wanted, before, &ctx.config.choices));
    }
    let open: Vec<(PluginName, Permissions)> = decisions
        .iter()
        .filter(|(_, decision)| !decision.open.is_empty())
        .map(|(name, decision)| (name.clone(), decision.open.clone()))
        .collect();
    if open.is_empty() {
        return Ok(decisions);
    }
    // `--yes` answers questions, but a permission is given by its name or not at all.
    if !ctx.ui.interactive || ctx.config.yes || ctx.config.dry_run {
        let hint = grant_hint(ctx, &open);
        return Err(Failure::new(Kind::Consent, NeedsConsent(open)).hint(hint));
    }
    for (name, wanted) in open {
        let granted = ask(ctx, &name, &wanted)?;
        if let Some(decision) = decisions.get_mut(&name) {
            let refused: BTreeSet<_> =
                wanted.iter().map(|(k, _)| k).filter(|k| !granted.contains(k)).collect();
            decision.granted = decision.granted.union(&wanted.without(&refused));
            decision.denied = decision.denied.union(&wanted.without(&granted));
            decision.open = Permissions::empty();
        }
    }
    Ok(decisions)
}

fn grant_hint(ctx: &Context, open: &[(PluginName, Permissions)]) -> String {
    let grants: Vec<String> = open
        .iter()
        .flat_map(|(name, wanted)| wanted.iter().map(move |(kind, _)| format!("{name}:{kind}")))
        .collect();
    format!("to agree, run `{} --grant {}`; `--deny` refuses one", ctx.invocation, grants.join(","))
}

fn ask(ctx: &Context, name: &PluginName, wanted: &Permissions) -> Result<BTreeSet<PermissionKind>, Failure> {
    let mut question = format!("{name} wants to:");
    for (kind, scope) in wanted.iter() {
        question.push_str(&format!("\n  - {} ({kind})", plain_words(kind, scope)));
    }
    ctx.ui.ask(&question);
    match prompt::select("Your answer", &["to all of it", "let me choose", "to none of it", "cancel"])? {
        0 => Ok(wanted.iter().map(|(kind, _)| kind).collect()),
        1 => {
            let mut granted = BTreeSet::new();
            for (kind, scope) in wanted.iter() {
                if prompt::confirm(&format!("Let {name} {}?", plain_words(kind, scope)))? {
                    granted.insert(kind);
                }
            }
            Ok(granted)
        }
        2 => Ok(BTreeSet::new()),
        _ => Err(Failure::new(Kind::Consent, prompt::Cancelled)),
    }
}
