//! How plans and outcomes are shown, to people and to scripts.

use std::{collections::BTreeSet, fmt::Display};

use leah_plugin::{lock::Lock, name::PluginName};
use serde_json::{Value, json};

use super::{config::reach, context::Context, failure::Failure, switched, ui};
use crate::{apply::Outcome, plan::Change, requirements::Wanted, settings::Now};

/// Shows what a command did, or would do.
pub(super) fn outcome(ctx: &Context, command: &str, outcome: &Outcome) -> Result<(), Failure> {
    outcome_with(ctx, command, outcome, "Everything is as it was asked for; nothing changed.", json!({}))
}

/// The same of an update; `stays` are those that were to stay as they are.
pub(super) fn updated(ctx: &Context, outcome: &Outcome, stays: &BTreeSet<PluginName>) -> Result<(), Failure> {
    let but = match stays.len() {
        0 => String::new(),
        1 => format!(" but {}, which stays as it is,", ui::listed(stays)),
        _ => format!(" but {}, which stay as they are,", ui::listed(stays)),
    };
    let unchanged = format!("All plugins{but} are up to date; nothing changed.");
    outcome_with(ctx, "update", outcome, &unchanged, json!({}))
}

/// The same with a sentence for the case that nothing changed, and with `more` fields for scripts.
pub(super) fn outcome_with(
    ctx: &Context,
    command: &str,
    outcome: &Outcome,
    unchanged: &str,
    more: Value,
) -> Result<(), Failure> {
    let plan = match outcome {
        Outcome::Unchanged => None,
        Outcome::Planned(plan) | Outcome::Live { plan, .. } => Some(plan),
    };
    let live = match outcome {
        Outcome::Live { switched, .. } => Some(switched),
        _ => None,
    };
    let number = live.map(|live| live.number);
    let all = plan.map_or(&[][..], |plan| &plan.changes);
    if ctx.ui.json {
        let object = json!({
            "changed": number.is_some(), "dry_run": ctx.config.dry_run,
            "generation": number, "parent": plan.and_then(|plan| plan.parent), "changes": changes_json(all),
        });
        live.into_iter().for_each(|live| switched::tell(ctx, live));
        plan.filter(|_| live.is_some()).into_iter().for_each(|plan| reach::tell(ctx, plan));
        return ctx.ui.object(command, ui::merged(ui::merged(object, switched::json(live)), more));
    }
    changes(ctx, all)?;
    match (plan, number) {
        (None, _) => ctx.ui.done(unchanged),
        (Some(_), None) => ctx.ui.done("Nothing was changed: this was a dry run."),
        (Some(_), Some(number)) => ctx.ui.done(format_args!("Generation {number} is live.")),
    }
    live.into_iter().for_each(|live| switched::tell(ctx, live));
    plan.filter(|_| live.is_some()).into_iter().for_each(|plan| reach::tell(ctx, plan));
    Ok(())
}

/// Says that there is nothing to work on.
pub(super) fn nothing_installed(ctx: &Context, command: &str) -> Result<(), Failure> {
    if ctx.ui.json {
        return outcome(ctx, command, &Outcome::Unchanged);
    }
    ctx.ui.done("No plugins are installed. `leahpm search` shows what there is.");
    Ok(())
}

/// Says that what `install` was asked for is there.
pub(super) fn nothing_to_do(ctx: &Context, live: &Lock, plugins: &[Wanted]) -> Result<(), Failure> {
    if ctx.ui.json {
        return outcome(ctx, "install", &Outcome::Unchanged);
    }
    let names = ui::listed(plugins.iter().map(|wanted| &wanted.name));
    let (is, them) = if plugins.len() == 1 { ("is", "it") } else { ("are", "them") };
    ctx.ui.done(format_args!(
        "{names} {is} installed already; nothing changed. `leahpm update` looks for newer versions of {them}."
    ));
    for name in plugins.iter().map(|wanted| &wanted.name) {
        if live.plugins.get(name).is_some_and(|locked| !locked.enabled) {
            ctx.ui.done(format_args!("{name} is switched off; `leahpm enable {name}` switches it on."));
        }
    }
    Ok(())
}

/// One line a change: data in a dry run, talk otherwise.
pub(super) fn changes<T: Display>(
    ctx: &Context,
    changes: impl IntoIterator<Item = T>,
) -> Result<(), Failure> {
    for change in changes {
        if ctx.config.dry_run {
            ctx.ui.data(change)?;
        } else {
            ctx.ui.done(change);
        }
    }
    Ok(())
}

/// The changes as `--json` shows them.
pub(super) fn changes_json(changes: &[Change]) -> Vec<Value> {
    changes.iter().map(change_json).collect()
}

/// How a setting stands; the value of a secret is no part of it.
fn setting_json(key: &str, now: &Now) -> Value {
    match now {
        Now::Value(value) => json!({ "key": key, "state": "set", "value": value }),
        Now::Secret => json!({ "key": key, "state": "set", "secret": true }),
        Now::Default(value) => json!({ "key": key, "state": "default", "value": value }),
        Now::Nothing => json!({ "key": key, "state": "unset" }),
        Now::Later => json!({ "key": key, "state": "unchecked" }),
    }
}

fn change_json(change: &Change) -> Value {
    let object = json!({ "change": change.word(), "name": change.name() });
    let more = match change {
        Change::Install { version, registry, .. } => json!({ "version": version, "registry": registry }),
        Change::Update { from, to, .. } => json!({
            "from": { "version": from.0, "registry": from.1 }, "version": to.0, "registry": to.1,
        }),
        Change::Remove { version, .. } => json!({ "version": version }),
        Change::Permissions { granted, denied, .. } => json!({ "granted": granted, "denied": denied }),
        Change::Request { request, .. } => json!({ "request": request }),
        Change::Setting { key, now, .. } => setting_json(key, now),
        Change::SettingsLeft(_)
        | Change::Publisher(_)
        | Change::Enable(_)
        | Change::Disable(_)
        | Change::Hold(_)
        | Change::Unhold(_) => json!({}),
    };
    ui::merged(object, more)
}
