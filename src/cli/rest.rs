//! When plugins of an update want more than they were granted: which of them to leave out so that the rest can
//! move without a question. It is tried before it is said.

use std::collections::{BTreeMap, BTreeSet};

use leah_plugin::{lock::Lock, name::PluginName};

use super::{
    consent::{self, NeedsConsent},
    context::Context,
    failure::Failure,
    resolve,
};
use crate::{
    plan::Chosen,
    registry::Session,
    requirements::{Requirements, Update},
};

/// Adds to a refusal for want of consent the command that updates the rest, where there is one.
pub(super) fn hinted(
    ctx: &Context,
    session: &Session,
    live: &Lock,
    requirements: &Requirements,
    failure: Failure,
) -> Failure {
    let Some(needs) = failure.source.downcast_ref::<NeedsConsent>() else { return failure };
    let open = needs.plugins().cloned().collect();
    match left_out(ctx, session, live, requirements, open) {
        Some(names) => {
            let names: Vec<&str> = names.iter().map(PluginName::as_str).collect();
            let names = names.join(",");
            failure.hint(format!("to update the rest alone, run `{} --exclude {names}`", ctx.invocation))
        }
        None => failure,
    }
}

/// The plugins that must stay, starting with those that want more. Each round adds a plugin, so it ends.
fn left_out(
    ctx: &Context,
    session: &Session,
    live: &Lock,
    requirements: &Requirements,
    mut open: BTreeSet<PluginName>,
) -> Option<BTreeSet<PluginName>> {
    let mut names = BTreeSet::new();
    // What was chosen is not handed down with the refusal; all records are there, so this is quick.
    let mut chosen = resolve::choose(session, requirements).ok()?;
    while !open.is_empty() {
        let before = names.len();
        for name in &open {
            names.extend(installed_that_bring(live, &chosen, name));
        }
        let mut without = requirements.clone();
        without.leave_out(&names);
        if names.len() == before || matches!(&without.update, Update::Names(left) if left.is_empty()) {
            return None;
        }
        chosen = resolve::choose(session, &without).ok()?;
        let moved = resolve::unsettled(&chosen, Some(live), &[]);
        let decisions = consent::decisions(ctx, &moved, Some(live)).into_iter();
        open = decisions.filter(|(_, decision)| !decision.open.is_empty()).map(|(name, _)| name).collect();
    }
    Some(names)
}

/// The plugin itself if it is installed, else the installed ones that need it, directly or through other new ones.
fn installed_that_bring(
    live: &Lock,
    chosen: &BTreeMap<PluginName, Chosen>,
    name: &PluginName,
) -> BTreeSet<PluginName> {
    let (mut found, mut seen, mut open) = (BTreeSet::new(), BTreeSet::new(), vec![name]);
    while let Some(name) = open.pop() {
        if live.plugins.contains_key(name) {
            found.insert(name.clone());
        } else if seen.insert(name) {
            let needs_it = |(_, one): &(_, &Chosen)| one.line.interface.dependencies.contains_key(name);
            open.extend(chosen.iter().filter(needs_it).map(|(name, _)| name));
        }
    }
    found
}
